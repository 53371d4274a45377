/* Expressions over full chunks: nanoseconds a row on one core.   expr [ROUNDS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "data/agg.h"
#include "data/func.h"
#include "data/row.h"
#include "data/zone.h"

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct arena plan, results;
static struct column cols[4];
static struct chunk chunk = {.cols = cols, .count = CHUNK_ROWS, .rows = CHUNK_ROWS, .col_count = 4};
static long rounds = 20000;

static const struct expr *call(const char *name, const struct expr *a, const struct expr *b,
                               const struct expr *c)
{
    struct diag diag = {0};
    const struct expr *args[3] = {a, b, c};
    const struct expr *e = func_bind(&plan, bytes_str(name), args, (uint16_t)(1 + !!b + !!c), &diag);

    if (!e) {
        fprintf(stderr, "%s\n", diag.message);
        exit(1);
    }
    return e;
}

static void report(const char *what, double from, long times)
{
    printf("%-44s %7.2f ns a row\n", what, (now_s() - from) / (double)times / CHUNK_ROWS * 1e9);
}

static void measure(const char *what, const struct expr *e)
{
    struct expr_ctx ctx = {.arena = &results, .zone = zone_fixed(bytes_str("UTC"), 0)};
    struct column out;
    double from = now_s();
    long times = rounds;

    for (long i = 0; i < times; i++) {
        if (i == 50 && now_s() - from > 0.01)
            times = rounds / 20;
        arena_reset(&results);
        if (expr_eval(e, &ctx, &chunk, NULL, CHUNK_ROWS, &out) != ST_OK)
            exit(1);
    }
    report(what, from, times);
}

static void measure_rows(void)
{
    const struct type *key[] = {type_simple(TYPE_BIGINT)};
    const struct type *wide[] = {type_simple(TYPE_BIGINT), type_simple(TYPE_VARCHAR),
                                 type_simple(TYPE_BIGINT)};
    struct row_codec codecs[] = {row_codec_make(key, NULL, 1), row_codec_make(wide, NULL, 3)};
    static struct bytes out[CHUNK_ROWS];

    for (int c = 0; c < 2; c++) {
        double from = now_s();
        for (long i = 0; i < rounds / 10; i++) {
            arena_reset(&results);
            if (!row_encode_many(&codecs[c], cols, NULL, CHUNK_ROWS, &results, out))
                exit(1);
        }
        report(c ? "encode a row: BIGINT, STRING, BIGINT" : "encode a row: BIGINT", from, rounds / 10);
        from = now_s();
        for (long i = 0; i < rounds / 10; i++) {
            struct chunk_builder b;
            arena_reset(&results);
            if (row_encode_many(&codecs[c], cols, NULL, CHUNK_ROWS, &results, out)) {
                chunk_builder_init(&b, &results, codecs[c].types, codecs[c].count, CHUNK_ROWS);
                if (!row_decode_many(&codecs[c], out, CHUNK_ROWS, b.cols))
                    exit(1);
            }
        }
        report("  and decode", from, rounds / 10);
    }
}

static void measure_agg(const char *what, const char *name, uint16_t column, enum type_kind kind)
{
    struct agg_call agg;
    struct diag diag = {0};
    static uint64_t states[1024][16];
    static void *at[CHUNK_ROWS];

    if (!agg_bind(&plan, bytes_str(name), expr_column(&plan, column, type_simple(kind)), false, false,
                  NULL, &agg, &diag))
        exit(1);
    for (int i = 0; i < CHUNK_ROWS; i++)
        at[i] = states[(unsigned)i * 2654435761u % 1024];
    for (int i = 0; i < 1024; i++)
        agg_init(&agg, states[i]);
    double from = now_s();
    for (long i = 0; i < rounds / 10; i++)
        agg_update(&agg, 0, at, &cols[column], NULL, NULL, CHUNK_ROWS);
    report(what, from, rounds / 10);
}

int main(int argc, char **argv)
{
    static int64_t a[CHUNK_ROWS], c[CHUNK_ROWS];
    static struct str s[CHUNK_ROWS];
    static double d[CHUNK_ROWS];
    const struct type *big = type_simple(TYPE_BIGINT), *text = type_simple(TYPE_VARCHAR);

    rounds = argc > 1 ? atol(argv[1]) : rounds;
    arena_init(&plan, 0);
    arena_init(&results, 0);
    for (int i = 0; i < CHUNK_ROWS; i++) {
        a[i] = i * 7919 % 1000;
        c[i] = i;
        d[i] = i * 0.37;
        const char *url = "https://www.nexmark.com/channel/item.htm?query=1&channel_id=1234";
        s[i] = (struct str){url, (uint32_t)strlen(url) - (uint32_t)i % 4, 0};
    }
    cols[0].data = a;
    cols[1].data = s;
    cols[2].data = c;
    cols[3].data = d;
    const struct expr *x = expr_column(&plan, 0, big), *url = expr_column(&plan, 1, text);
    const struct expr *y = expr_column(&plan, 2, big);
    struct expr *price = expr_null(&plan, type_make(&plan, TYPE_DECIMAL, 3, 3));
    price->is_null = false;
    price->value.dec = 908;

    measure("BIGINT + BIGINT", call("+", x, y, NULL));
    measure("BIGINT = 0", call("=", x, expr_i64(&plan, 0, big), NULL));
    measure("MOD(BIGINT, 123) = 0",
            call("=", call("MOD", x, expr_i64(&plan, 123, big), NULL), expr_i64(&plan, 0, big), NULL));
    measure("0.908 * BIGINT (DECIMAL(23, 3))", call("*", price, x, NULL));
    measure("LIKE '%nexmark%'", call("LIKE", url, expr_str(&plan, BYTES_LITERAL("%nexmark%"), text), NULL));
    measure("LOWER", call("LOWER", url, NULL, NULL));
    measure("SPLIT_INDEX(url, '/', 3)", call("SPLIT_INDEX", url, expr_str(&plan, BYTES_LITERAL("/"), text),
                                             expr_i64(&plan, 3, type_simple(TYPE_INT))));
    measure("REGEXP_EXTRACT(channel_id)",
            call("REGEXP_EXTRACT", url, expr_str(&plan, BYTES_LITERAL("(&|^)channel_id=([^&]*)"), text),
                 expr_i64(&plan, 2, type_simple(TYPE_INT))));
    measure_rows();
    measure_agg("SUM(BIGINT), 1024 keys", "SUM", 0, TYPE_BIGINT);
    measure_agg("SUM(DOUBLE) exact, 1024 keys", "SUM", 3, TYPE_DOUBLE);
    measure_agg("MAX(BIGINT), 1024 keys", "MAX", 0, TYPE_BIGINT);
    return 0;
}
