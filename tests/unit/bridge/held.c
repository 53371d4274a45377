/* The set of held keys against a naive twin. */
#include "bridge/held.h"

#include <stdio.h>

#include "base/rng.h"
#include "lib/test.h"

TEST(held_knows_what_was_added)
{
    enum { KEYS = 5000 };
    static bool twin[KEYS];
    struct held held = {0};
    struct rng rng = rng_seed(1);
    char text[20];
    uint32_t count = 0;

    EXPECT(!held_has(&held, BYTES_LITERAL("k")));
    for (int i = 0; i < 20000; i++) {
        uint64_t n = rng_below(&rng, KEYS);
        struct bytes key = bytes_of(text, (size_t)snprintf(text, sizeof(text), "k%d", (int)n));
        EXPECT(held_has(&held, key) == twin[n]);
        if (rng_chance(&rng, 0.3)) {
            EXPECT(held_add(&held, key) == !twin[n]);
            count += !twin[n];
            twin[n] = true;
        }
        EXPECT_INT(held.count, count);
    }
    held_clear(&held);
    EXPECT_INT(held.count, 0);
    EXPECT(!held_has(&held, BYTES_LITERAL("k1")));
    EXPECT(held_add(&held, BYTES_LITERAL("")));
    EXPECT(held_has(&held, BYTES_LITERAL("")));
    held_deinit(&held);
}
