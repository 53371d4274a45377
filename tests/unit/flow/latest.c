/* Rows that a sink by key has written in a tick: who wrote them counts, as well as what. */
#include "flow/latest.h"

#include "lib/test.h"

static struct record rec(const char *value)
{
    return (struct record){.key = BYTES_LITERAL("k"), .value = bytes_str(value)};
}

TEST(latest_takes_back_what_the_same_sender_has_written)
{
    struct latest l;
    struct record a = rec("a"), b = rec("b"), again;

    latest_init(&l);
    EXPECT_INT(latest_take(&l, &a, 0, &again), LATEST_GONE); /* of an earlier tick, and nothing is written */
    latest_put(&l, &a, 0);
    EXPECT_INT(latest_take(&l, &a, 1, &again), LATEST_NOTHING); /* another's: the old row, which looks the same */
    latest_put(&l, &b, 1);
    EXPECT_INT(latest_take(&l, &b, 1, &again), LATEST_AGAIN);
    EXPECT(bytes_is(again.value, "a"));
    EXPECT_INT(latest_take(&l, &a, 0, &again), LATEST_GONE);
    latest_put(&l, &a, 0);
    latest_clear(&l);
    EXPECT_INT(latest_take(&l, &a, 1, &again), LATEST_GONE);
    latest_deinit(&l);
}
