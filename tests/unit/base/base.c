#include <limits.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/histogram.h"
#include "base/map.h"
#include "base/reader.h"
#include "base/rng.h"
#include "lib/test.h"

TEST(crc32c_matches_rfc_3720)
{
    uint8_t zeros[32] = {0}, ones[32], rising[32];

    memset(ones, 0xFF, sizeof(ones));
    for (int i = 0; i < 32; i++)
        rising[i] = (uint8_t)i;
    EXPECT_INT(crc32c(0, zeros, 32), 0x8A9136AAu);
    EXPECT_INT(crc32c(0, ones, 32), 0x62A8AB43u);
    EXPECT_INT(crc32c(0, rising, 32), 0x46DD794Eu);
}

TEST(crc32c_by_instruction_equals_portable)
{
    struct rng rng = rng_seed(test_seed());
    static uint8_t data[16 * 1024]; /* some rounds of three lanes, and rests of every kind */

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)rng_next(&rng);
    for (int round = 0; round < 600; round++) {
        size_t from = rng_below(&rng, 16), len = rng_below(&rng, round % 2 ? 280 : sizeof(data) - 16);
        data[rng_below(&rng, sizeof(data))] = (uint8_t)rng_next(&rng);
        EXPECT_INT(crc32c(7, data + from, len), crc32c_portable(7, data + from, len));
    }
}

TEST(crc32c_of_two_runs_is_joined_from_theirs)
{
    struct rng rng = rng_seed(test_seed());
    static uint8_t data[70000];

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)rng_next(&rng);
    for (int round = 0; round < 300; round++) {
        size_t len = rng_below(&rng, round % 2 ? 9 : sizeof(data)), first = rng_below(&rng, len + 1);
        EXPECT_INT(crc32c_join(crc32c(0, data, first), crc32c(0, data + first, len - first), len - first),
                   crc32c(0, data, len));
    }
}

TEST(varints_round_trip)
{
    const int64_t values[] = {0, 1, -1, 63, 64, -64, -65, 300, INT32_MIN, INT64_MAX, INT64_MIN};
    struct buf buf;

    buf_init(&buf, 0);
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        buf_varint(&buf, values[i]);
    struct reader r = reader_of(buf_view(&buf));
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        EXPECT_INT(reader_varint(&r), values[i]);
    EXPECT(!r.bad && reader_left(&r) == 0);
    buf_deinit(&buf);
}

TEST(reader_refuses_a_varint_of_more_than_64_bits)
{
    const uint8_t eleven[] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1};
    struct reader r = reader_of(bytes_of(eleven, sizeof(eleven)));

    EXPECT_INT(reader_uvarint(&r), 0);
    EXPECT(r.bad);
}

TEST(reader_stays_bad_and_yields_zeros)
{
    struct reader r = reader_of(BYTES_LITERAL("abc"));

    EXPECT_INT(reader_u32_be(&r), 0);
    EXPECT(r.bad);
    EXPECT_INT(reader_u8(&r), 0);
    EXPECT_INT(reader_bytes(&r, 1).len, 0);
}

TEST(buf_with_a_limit_fails_once_and_stays_failed)
{
    struct buf buf;

    buf_init(&buf, 8);
    buf_u64_be(&buf, 1);
    EXPECT(!buf.failed);
    buf_u8(&buf, 1);
    EXPECT(buf.failed);
    EXPECT_INT(buf.len, 8);
    buf_deinit(&buf);
}

TEST(bytes_to_i64_knows_its_range)
{
    int64_t v;

    EXPECT(bytes_to_i64(bytes_str("-9223372036854775808"), &v) && v == INT64_MIN);
    EXPECT(bytes_to_i64(bytes_str("+9223372036854775807"), &v) && v == INT64_MAX);
    EXPECT(!bytes_to_i64(bytes_str("9223372036854775808"), &v));
    EXPECT(!bytes_to_i64(bytes_str("-"), &v) && !bytes_to_i64(bytes_str("1x"), &v));
}

TEST(utf8_refuses_what_rfc_3629_refuses)
{
    EXPECT(bytes_is_utf8(bytes_str("grün, 水, 🚀 and plain text of some length")));
    EXPECT(!bytes_is_utf8(bytes_str("\xC0\x80")));         /* overlong */
    EXPECT(!bytes_is_utf8(bytes_str("\xED\xA0\x80")));     /* surrogate */
    EXPECT(!bytes_is_utf8(bytes_str("\xF4\x90\x80\x80"))); /* past U+10FFFF */
    EXPECT(!bytes_is_utf8(bytes_str("abc\xE2\x82")));      /* cut short */
}

TEST(arena_keeps_to_its_budget)
{
    struct arena arena;

    arena_init(&arena, 64 * 1024);
    EXPECT(arena_try(&arena, 10000) != NULL);
    EXPECT(arena_try(&arena, 100000) == NULL);
    EXPECT(arena_try(&arena, SIZE_MAX - 4) == NULL);
    EXPECT(arena_try(&arena, 20000) != NULL);
    EXPECT(arena.used_bytes <= 64 * 1024);
    arena_reset(&arena);
    EXPECT_STR(arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
    arena_deinit(&arena);
}

/* A naive twin: an array in the order of insertion. */
TEST(map_equals_an_array)
{
    enum { KEYS = 200 };
    struct rng rng = rng_seed(test_seed());
    int values[KEYS] = {0};
    bool there[KEYS] = {false};
    struct map map;

    map_init(&map);
    for (int round = 0; round < 20000; round++) {
        uint32_t key = (uint32_t)rng_below(&rng, KEYS);
        struct bytes bytes = bytes_of(&key, sizeof(key));
        if (rng_chance(&rng, 0.5)) {
            EXPECT((map_put(&map, bytes, &values[key]) != NULL) == there[key]);
            there[key] = true;
        } else {
            EXPECT((map_remove(&map, bytes) != NULL) == there[key]);
            there[key] = false;
        }
        uint32_t live = 0;
        if (round % 97 == 0) {
            for (struct map_entry *e = map_first(&map); e; e = map_next(&map, e))
                live++;
            EXPECT_INT(live, map_size(&map));
        }
        EXPECT((map_get(&map, bytes) == &values[key]) == there[key]);
    }
    map_deinit(&map);
}

TEST(histogram_is_within_a_thirty_second)
{
    static struct histogram h;

    for (uint64_t v = 1; v <= 100000; v++)
        histogram_add(&h, v);
    uint64_t p50 = histogram_quantile(&h, 0.5), p99 = histogram_quantile(&h, 0.99);
    EXPECT(p50 >= 50000 && p50 <= 50000 + 50000 / 32);
    EXPECT(p99 >= 99000 && p99 <= 100000);
    EXPECT_INT(histogram_quantile(&h, 1.0), 100000);
}
