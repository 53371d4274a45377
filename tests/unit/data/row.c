/* Rows and keys: what goes in comes out, and keys sort as values do. */
#include "data/row.h"

#include <stdlib.h>

#include "base/rng.h"
#include "data/compare.h"
#include "data/expr.h"
#include "data/text.h"
#include "lib/data_case.h"
#include "lib/test.h"

static const char *const type_texts[] = {
    "BOOLEAN", "INT", "BIGINT", "DECIMAL(30,4)", "FLOAT", "DOUBLE", "STRING", "TIMESTAMP(3)",
    "ROW<a INT, b STRING, c ROW<d BIGINT>>", "ARRAY<STRING>", "MAP<STRING, INT>",
};
enum { TYPES = sizeof(type_texts) / sizeof(type_texts[0]), ROWS = 300 };

static void put_random(struct column_builder *b, struct rng *rng, bool nulls);

static void put_scalar(struct column_builder *b, struct rng *rng)
{
    static const char letters[] = "ab\0\xff\x01z";
    uint64_t v = rng_next(rng) >> rng_below(rng, 64);
    char text[24];
    size_t len = rng_below(rng, 12);

    switch (b->phys) {
    case PHYS_BOOL: column_put_bool(b, v & 1); break;
    case PHYS_I32: column_put_i32(b, (int32_t)(v * (rng_chance(rng, 0.5) ? 1u : -1u))); break;
    case PHYS_I64: column_put_i64(b, (int64_t)(v * (rng_chance(rng, 0.5) ? 1u : -1ull))); break;
    case PHYS_I128: column_put_i128(b, (i128)(int64_t)v * (int64_t)rng_next(rng)); break;
    case PHYS_F32: column_put_f32(b, (float)(int64_t)v * (rng_chance(rng, 0.5) ? 1.f : -.5f)); break;
    case PHYS_F64: column_put_f64(b, (double)(int64_t)v * (rng_chance(rng, 0.5) ? 1. : -.5)); break;
    default:
        for (size_t i = 0; i < len; i++)
            text[i] = letters[rng_below(rng, 6)];
        column_put_text(b, bytes_of(text, len));
    }
}

static void put_random(struct column_builder *b, struct rng *rng, bool nulls)
{
    if (nulls && rng_chance(rng, 0.2)) {
        column_put_null(b);
    } else if (b->phys == PHYS_ROW) {
        for (uint16_t i = 0; i < b->type->fields_count; i++)
            put_random(&b->children[i], rng, nulls);
        column_put_row(b);
    } else if (b->phys == PHYS_LIST) {
        for (uint64_t n = rng_below(rng, 4); n > 0; n--)
            for (uint16_t i = 0; i < b->type->fields_count; i++)
                put_random(&b->children[i], rng, nulls);
        column_put_list(b);
    } else {
        put_scalar(b, rng);
    }
}

static const struct type **make_types(struct arena *arena)
{
    const struct type **types = ARENA_ARRAY(arena, const struct type *, TYPES);

    for (int i = 0; i < TYPES; i++) {
        struct bytes text = bytes_str(type_texts[i]);
        types[i] = case_type(arena, &text);
    }
    return types;
}

static struct chunk random_chunk(struct arena *arena, const struct type **types, uint16_t count,
                                 bool nulls, struct rng *rng)
{
    struct chunk_builder b;

    chunk_builder_init(&b, arena, types, count, ROWS);
    for (int r = 0; r < ROWS; r++) {
        for (uint16_t c = 0; c < count; c++)
            put_random(&b.cols[c], rng, nulls);
        chunk_builder_row(&b, ROW_INSERT);
    }
    EXPECT(!chunk_builder_failed(&b));
    return chunk_builder_done(&b);
}

static const char *text_of(struct arena *arena, const struct type *type, const struct column *col,
                           uint32_t row)
{
    struct buf buf;

    buf_init(&buf, 0);
    value_text(&buf, type, col, row, NULL);
    const char *text = arena_str(arena, buf_view(&buf));
    buf_deinit(&buf);
    return text;
}

static void round_trip(uint16_t first, uint16_t count, bool nulls)
{
    struct arena arena;
    struct rng rng = rng_seed(test_seed());
    struct bytes many[ROWS];
    struct buf one;
    struct chunk_builder b;

    arena_init(&arena, 0);
    buf_init(&one, 0);
    const struct type **types = make_types(&arena) + first;
    struct chunk in = random_chunk(&arena, types, count, nulls, &rng);
    struct row_codec codec = row_codec_make(types, NULL, count);
    EXPECT(row_encode_many(&codec, in.cols, NULL, ROWS, &arena, many));
    for (uint16_t r = 0; r < ROWS; r++) {
        buf_clear(&one);
        row_encode(&codec, in.cols, r, &one);
        EXPECT(bytes_equal(buf_view(&one), many[r]));
    }
    chunk_builder_init(&b, &arena, types, count, ROWS);
    EXPECT(row_decode_many(&codec, many, ROWS, b.cols));
    chunk_builder_rows(&b, ROWS, NULL);
    struct chunk out = chunk_builder_done(&b);
    for (uint16_t c = 0; c < count; c++)
        for (uint32_t r = 0; r < ROWS; r++)
            EXPECT_STR(text_of(&arena, types[c], &out.cols[c], r),
                       text_of(&arena, types[c], &in.cols[c], r));
    buf_deinit(&one);
    arena_deinit(&arena);
}

TEST(data_rows_come_back)
{
    round_trip(0, TYPES, true);
    round_trip(0, TYPES, false);
    round_trip(0, 6, false); /* fixed */
    round_trip(0, 6, true);
}

TEST(data_rows_that_are_cut_or_changed_are_refused_or_decoded)
{
    struct arena arena;
    struct rng rng = rng_seed(test_seed());
    struct bytes many[ROWS];
    struct chunk_builder b;

    arena_init(&arena, 0);
    const struct type **types = make_types(&arena);
    struct chunk in = random_chunk(&arena, types, TYPES, true, &rng);
    struct row_codec codec = row_codec_make(types, NULL, TYPES);
    EXPECT(row_encode_many(&codec, in.cols, NULL, ROWS, &arena, many));
    chunk_builder_init(&b, &arena, types, TYPES, 4);
    for (int r = 0; r < ROWS; r++) {
        EXPECT(!row_decode(&codec, bytes_head(many[r], many[r].len - 1), b.cols));
        chunk_builder_undo(&b);
        uint8_t *copy = malloc(many[r].len);
        memcpy(copy, many[r].ptr, many[r].len);
        copy[rng_below(&rng, many[r].len)] ^= (uint8_t)(1 + rng_below(&rng, 255));
        if (row_decode(&codec, bytes_of(copy, many[r].len), b.cols))
            EXPECT(b.cols[0].rows == 1);
        chunk_builder_undo(&b);
        free(copy);
    }
    arena_deinit(&arena);
}

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

static int expected_order(const struct type *type, const struct column *col, uint32_t x, uint32_t y,
                          unsigned order)
{
    bool vx = column_valid(col, x), vy = column_valid(col, y);

    if (!vx || !vy)
        return order & KEY_NULLS_LAST ? vy - vx : vx - vy;
    int cmp = sign(column_compare(type, col, x, col, y));
    return order & KEY_DESCENDING ? -cmp : cmp;
}

TEST(data_keys_sort_as_values_and_come_back)
{
    struct arena arena;
    struct rng rng = rng_seed(test_seed());
    struct buf keys[ROWS];

    arena_init(&arena, 0);
    const struct type **types = make_types(&arena);
    struct chunk in = random_chunk(&arena, types, TYPES, true, &rng);
    for (uint16_t c = 0; c < TYPES; c++) {
        for (unsigned order = 0; order < 4; order++) {
            struct column_builder b;
            column_builder_init(&b, &arena, types[c], ROWS);
            for (uint32_t r = 0; r < ROWS; r++) {
                buf_init(&keys[r], 0);
                keycode_append(&keys[r], types[c], &in.cols[c], r, order);
                struct reader reader = reader_of(buf_view(&keys[r]));
                EXPECT(keycode_read(&reader, order, &b));
                EXPECT_INT(reader_left(&reader), 0);
            }
            struct column back = column_builder_done(&b);
            for (uint32_t r = 0; r < ROWS; r++) {
                uint32_t other = (uint32_t)rng_below(&rng, ROWS);
                EXPECT_INT(sign(bytes_compare(buf_view(&keys[r]), buf_view(&keys[other]))),
                           expected_order(types[c], &in.cols[c], r, other, order));
                if (types[c]->kind != TYPE_FLOAT && types[c]->kind != TYPE_DOUBLE)
                    EXPECT_STR(text_of(&arena, types[c], &back, r),
                               text_of(&arena, types[c], &in.cols[c], r));
            }
            for (uint32_t r = 0; r < ROWS; r++)
                buf_deinit(&keys[r]);
        }
    }
    arena_deinit(&arena);
}
