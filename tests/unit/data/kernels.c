/* The twin of the kernels: every operator over random columns, NULLs and selections, against one row at a
 * time in plain C. */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "data/builder.h"
#include "data/decimal.h"
#include "data/func.h"
#include "lib/test.h"

enum { ROWS = 700 };

static const char *const ops[] = {"+", "-", "*", "=", "<>", "<", "<=", ">", ">="};
enum { OPS = sizeof(ops) / sizeof(ops[0]), FIRST_COMPARISON = 3 };

struct setup {
    struct arena arena;
    struct column cols[2];
    uint16_t sel[ROWS];
    uint16_t count;
};

static int64_t random_i64(struct rng *rng)
{
    int64_t v = (int64_t)(rng_next(rng) >> rng_below(rng, 64));
    return rng_chance(rng, 0.5) ? v : -v;
}

static void put_random(struct column_builder *b, struct rng *rng)
{
    static const double special[] = {0.0, -0.0, INFINITY, NAN, 1.5};
    static const char *const words[] = {"", "a", "ab", "b", "\xc3\xa9"};

    if (rng_chance(rng, 0.1)) {
        column_put_null(b);
        return;
    }
    int64_t v = rng_chance(rng, 0.3) ? (int64_t)rng_below(rng, 3) : random_i64(rng);
    switch (b->phys) {
    case PHYS_I32: column_put_i32(b, (int32_t)v); break;
    case PHYS_I64: column_put_i64(b, v); break;
    case PHYS_F64: column_put_f64(b, rng_chance(rng, 0.2) ? special[rng_below(rng, 5)] : (double)v / 8); break;
    case PHYS_I128: column_put_i128(b, v % 1000000000); break;
    case PHYS_BOOL: column_put_bool(b, v & 1); break;
    default: column_put_str(b, bytes_str(words[rng_below(rng, 5)]));
    }
}

static void make(struct setup *s, const struct type *x, const struct type *y, struct rng *rng)
{
    const struct type *types[2] = {x, y};
    double density = rng_chance(rng, 0.5) ? 0.9 : 0.05;

    arena_init(&s->arena, 0);
    for (int c = 0; c < 2; c++) {
        struct column_builder b;
        column_builder_init(&b, &s->arena, types[c], ROWS);
        for (int r = 0; r < ROWS; r++)
            put_random(&b, rng);
        s->cols[c] = column_builder_done(&b);
    }
    s->count = 0;
    for (uint16_t r = 0; r < ROWS; r++)
        if (rng_chance(rng, density))
            s->sel[s->count++] = r;
}

/* -1 less, 0 equal, 1 greater, 2 not comparable (NaN) */
static int order_of(const struct setup *s, enum phys phys, uint32_t r)
{
    const struct column *a = &s->cols[0], *b = &s->cols[1];

#define ORDER(T)                                                                                   \
    do {                                                                                           \
        T x = ((const T *)a->data)[r], y = ((const T *)b->data)[r];                                \
        return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;                                            \
    } while (0)
    switch (phys) {
    case PHYS_I32: ORDER(int32_t);
    case PHYS_I64: ORDER(int64_t);
    case PHYS_F64: ORDER(double);
    case PHYS_I128: ORDER(i128);
    case PHYS_BOOL: ORDER(uint8_t);
    default: {
        const struct str *x = &((const struct str *)a->data)[r], *y = &((const struct str *)b->data)[r];
        int order = bytes_compare(bytes_of(x->ptr, x->len), bytes_of(y->ptr, y->len));
        return (order > 0) - (order < 0);
    }
    }
}

static bool holds(int op, int order)
{
    switch (op) {
    case 3: return order == 0;
    case 4: return order != 0;
    case 5: return order == -1;
    case 6: return order == -1 || order == 0;
    case 7: return order == 1;
    default: return order == 1 || order == 0;
    }
}

static void check_math(const struct setup *s, enum phys phys, int op, const struct column *out, uint32_t r)
{
    if (phys == PHYS_F64) {
        double x = ((const double *)s->cols[0].data)[r], y = ((const double *)s->cols[1].data)[r];
        double want = op == 0 ? x + y : op == 1 ? x - y : x * y;
        double got = ((const double *)out->data)[r];
        EXPECT(got == want || (isnan(got) && isnan(want)));
    } else if (phys == PHYS_I128) {
        i128 x = ((const i128 *)s->cols[0].data)[r], y = ((const i128 *)s->cols[1].data)[r];
        i128 want = op == 0 ? x + y : op == 1 ? x - y : x * y;
        EXPECT(((const i128 *)out->data)[r] == want);
    } else if (phys == PHYS_I32) {
        int64_t x = ((const int32_t *)s->cols[0].data)[r], y = ((const int32_t *)s->cols[1].data)[r];
        EXPECT_INT(((const int32_t *)out->data)[r], (int32_t)(op == 0 ? x + y : op == 1 ? x - y : x * y));
    } else {
        i128 x = ((const int64_t *)s->cols[0].data)[r], y = ((const int64_t *)s->cols[1].data)[r];
        EXPECT_INT(((const int64_t *)out->data)[r], (int64_t)(op == 0 ? x + y : op == 1 ? x - y : x * y));
    }
}

static void check(const struct type *type, int op, struct rng *rng)
{
    enum phys phys = type_phys(type->kind);
    struct diag diag = {0};
    struct column out;
    struct setup s;

    make(&s, type, type, rng);
    struct expr_ctx ctx = {.arena = &s.arena, .diag = &diag};
    struct chunk chunk = {.cols = s.cols, .sel = s.sel, .count = s.count, .rows = ROWS, .col_count = 2};
    const struct expr *args[2] = {expr_column(&s.arena, 0, type), expr_column(&s.arena, 1, type)};
    const struct expr *e = func_bind(&s.arena, bytes_str(ops[op]), args, 2, &diag);
    EXPECT(e != NULL);
    EXPECT_OK(expr_eval(e, &ctx, &chunk, s.sel, s.count, &out));
    for (uint16_t i = 0; i < s.count; i++) {
        uint32_t r = s.sel[i];
        bool valid = column_valid(&s.cols[0], r) && column_valid(&s.cols[1], r);
        EXPECT_INT(column_valid(&out, r), valid);
        if (!valid)
            continue;
        if (op < FIRST_COMPARISON)
            check_math(&s, phys, op, &out, r);
        else
            EXPECT_INT(((const uint8_t *)out.data)[r], holds(op, order_of(&s, phys, r)));
    }
    if (op >= FIRST_COMPARISON) { /* the same as a filter */
        uint16_t kept[ROWS], kept_count, n = 0;
        EXPECT_OK(expr_filter(e, &ctx, &chunk, s.sel, s.count, kept, &kept_count));
        for (uint16_t i = 0; i < s.count; i++) {
            uint32_t r = s.sel[i];
            if (column_valid(&out, r) && ((const uint8_t *)out.data)[r])
                EXPECT_INT(kept[n++], r);
        }
        EXPECT_INT(kept_count, n);
    }
    arena_deinit(&s.arena);
}

TEST(data_kernels_do_as_one_row_at_a_time)
{
    struct rng rng = rng_seed(test_seed());
    struct arena arena;

    arena_init(&arena, 0);
    const struct type *types[] = {type_simple(TYPE_INT), type_simple(TYPE_BIGINT),
                                  type_simple(TYPE_DOUBLE), type_make(&arena, TYPE_DECIMAL, 12, 2),
                                  type_simple(TYPE_BOOLEAN), type_simple(TYPE_VARCHAR)};
    for (int round = 0; round < 4; round++)
        for (int t = 0; t < 6; t++)
            for (int op = t < 4 ? 0 : FIRST_COMPARISON; op < OPS; op++)
                check(types[t], op, &rng);
    arena_deinit(&arena);
}

TEST(data_decimals_come_back_from_text)
{
    struct rng rng = rng_seed(test_seed());
    char text[DECIMAL_TEXT_MAX];

    for (int i = 0; i < 20000; i++) {
        i128 v = (i128)random_i64(&rng) * (rng_chance(&rng, 0.5) ? 1 : random_i64(&rng) % 1000000000000000000);
        int32_t scale = (int32_t)rng_below(&rng, 38);
        i128 back, up, down;
        size_t len = decimal_text(v, scale, text);
        EXPECT(decimal_parse(bytes_of(text, len), 38, scale, &back) && back == v);
        if (decimal_rescale(v, scale, scale + 3, &up))
            EXPECT(decimal_rescale(up, scale + 3, scale, &down) && down == v);
        i128 b = random_i64(&rng), q, product;
        if (b != 0 && decimal_mul(v, b, 0, 0, &product))
            EXPECT(decimal_div(product, 0, b, 0, 0, &q) && q == v);
    }
}
