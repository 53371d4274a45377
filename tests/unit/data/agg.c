/* Aggregates: results and types by Flink's rules; sums of floats do not depend on order. */
#include "data/agg.h"

#include <math.h>

#include "base/rng.h"
#include "data/builder.h"
#include "data/exact_sum.h"
#include "data/text.h"
#include "lib/data_case.h"
#include "lib/test.h"

/* values: "1|2|NULL|-3": '-' after '!' would retract; weights come from "!1". */
static void agg_case_at(int line, const char *name, bool star, const char *type_text_, const char *values,
                        const char *want)
{
    struct arena arena;
    struct agg_call call;
    struct diag diag = {0};
    struct column_builder b;
    struct bytes type_name = bytes_str(type_text_), rest = bytes_str(values);
    int8_t weights[64];
    void *states[64];
    uint64_t state[16], part[16];
    uint16_t count = 0;

    arena_init(&arena, 0);
    const struct type *type = case_type(&arena, &type_name);
    column_builder_init(&b, &arena, type, 64);
    while (rest.len) {
        struct bytes v = bytes_head(rest, bytes_find(rest, '|', 0));
        rest = bytes_skip(rest, v.len + 1);
        weights[count] = v.len && v.ptr[0] == '!' ? -1 : 1;
        if (weights[count] < 0)
            v = bytes_skip(v, 1);
        const struct expr *e = case_literal(
            &arena, bytes_str(arena_printf(&arena, "%s %.*s", type_text_, BYTES_FMT(v))));
        if (e->is_null)
            column_put_null(&b);
        else
            column_put_value(&b, &e->value);
        count++;
    }
    struct column col = column_builder_done(&b);
    bool bound = agg_bind(&arena, bytes_str(name), star ? NULL : expr_column(&arena, 0, type), star,
                          false, NULL, &call, &diag);
    if (!bound) {
        if (strcmp(want, diag.message))
            test_fail(__FILE__, line, "got \"%s\"", diag.message);
        arena_deinit(&arena);
        return;
    }
    EXPECT(agg_state_size(&call) <= sizeof(state));
    /* in one state, and in two that are merged */
    for (int ways = 0; ways < 2; ways++) {
        union value v;
        agg_init(&call, state);
        agg_init(&call, part);
        for (uint16_t i = 0; i < count; i++)
            states[i] = ways && i % 2 ? part : state;
        agg_update(&call, 0, states, &col, NULL, weights, count);
        if (ways)
            agg_merge(&call, state, part);
        bool has = agg_value(&call, state, &v);
        uint64_t valid = has;
        struct column out = {.data = &v, .valid = &valid};
        struct buf buf;
        buf_init(&buf, 0);
        buf_printf(&buf, "%s ", type_text(&arena, call.type));
        value_text(&buf, call.type, &out, 0, NULL);
        buf_u8(&buf, 0);
        if (strcmp((char *)buf.ptr, want))
            test_fail(__FILE__, line, "way %d: got \"%s\", expected \"%s\"", ways, (char *)buf.ptr, want);
        buf_deinit(&buf);
    }
    arena_deinit(&arena);
}
#define AGG(name, type, values, want) agg_case_at(__LINE__, name, false, type, values, want)

TEST(data_agg_results)
{
    AGG("COUNT", "INT", "1|NULL|3", "BIGINT NOT NULL 2");
    agg_case_at(__LINE__, "COUNT", true, "INT", "1|NULL|!3", "BIGINT NOT NULL 1");
    AGG("SUM", "INT", "1|2|NULL|4", "INT 7");
    AGG("SUM", "INT", "2147483647|1", "INT -2147483648");
    AGG("SUM", "TINYINT", "127|1", "TINYINT -128");
    AGG("SUM", "BIGINT", "1|2|!2", "BIGINT 1");
    AGG("SUM", "INT", "NULL", "INT NULL");
    AGG("SUM", "INT", "1|!1", "INT NULL");
    AGG("$SUM0", "INT", "NULL", "INT NOT NULL 0");
    AGG("SUM", "DECIMAL(10,2)", "1.25|2.50|!1.25|-9.75", "DECIMAL(38, 2) -7.25");
    AGG("SUM", "DECIMAL(38,0)", "99999999999999999999999999999999999999|1|1", "DECIMAL(38, 0) NULL");
    AGG("SUM", "DECIMAL(38,0)",
        "99999999999999999999999999999999999999|99999999999999999999999999999999999999|"
        "!99999999999999999999999999999999999999",
        "DECIMAL(38, 0) 99999999999999999999999999999999999999");
    AGG("AVG", "INT", "1|2", "INT 1");
    AGG("AVG", "BIGINT", "-1|-2", "BIGINT -1");
    AGG("AVG", "DECIMAL(10,2)", "1.00|2.00|2.00", "DECIMAL(38, 6) 1.666667");
    AGG("AVG", "DOUBLE", "1|2", "DOUBLE 1.5");
    AGG("SUM", "DOUBLE", "0.1|0.2|0.3|!0.3", "DOUBLE 0.30000000000000004");
    AGG("SUM", "DOUBLE", "1e30|1|-1e30", "DOUBLE 1.0");
    AGG("SUM", "DOUBLE", "Infinity|1", "DOUBLE Infinity");
    AGG("SUM", "DOUBLE", "Infinity|1|!Infinity", "DOUBLE 1.0");
    AGG("SUM", "FLOAT", "0.5|0.25", "FLOAT 0.75");
    AGG("MIN", "INT", "3|1|NULL|2", "INT 1");
    AGG("MAX", "TIMESTAMP(3)", "'2020-01-01 00:00:00'|'2020-01-02 00:00:00'",
        "TIMESTAMP(3) 2020-01-02 00:00:00.000");
    AGG("MAX", "DECIMAL(5,2)", "1.50|-2.00", "DECIMAL(5, 2) 1.50");
    AGG("MIN", "DOUBLE", "NULL", "DOUBLE NULL");
    AGG("SUM", "STRING", "", "SUM cannot be applied to STRING");
    AGG("MEDIAN", "INT", "", "no aggregate function MEDIAN");
}

TEST(data_exact_sum_does_not_depend_on_order)
{
    enum { N = 2000 };
    static double v[N];
    struct rng rng = rng_seed(test_seed());
    double first = 0;

    for (int i = 0; i < N; i++)
        v[i] = ldexp(rng_unit(&rng) - 0.5, (int)rng_between(&rng, -60, 60));
    for (int round = 0; round < 20; round++) {
        struct exact_sum parts[3] = {0};
        for (int i = N - 1; i > 0; i--) {
            uint64_t k = rng_below(&rng, (uint64_t)i + 1);
            double t = v[i];
            v[i] = v[k];
            v[k] = t;
        }
        for (int i = 0; i < N; i++)
            exact_sum_add(&parts[rng_below(&rng, 3)], v[i], 1);
        for (int i = 0; i < 100; i++) { /* there and back */
            exact_sum_add(&parts[1], v[i], 1);
            exact_sum_add(&parts[2], v[i], -1);
        }
        exact_sum_merge(&parts[0], &parts[2]);
        exact_sum_merge(&parts[0], &parts[1]);
        double got = exact_sum_value(&parts[0]);
        if (round == 0)
            first = got;
        EXPECT(memcmp(&got, &first, sizeof(got)) == 0);
    }
    long double check = 0; /* near, by other means */
    for (int i = 0; i < N; i++)
        check += (long double)v[i];
    EXPECT(fabsl(check - (long double)first) <= fabsl(check) * 1e-12L);
    struct exact_sum small = {0};
    exact_sum_add(&small, 5e-324, 1);
    exact_sum_add(&small, 5e-324, 1);
    EXPECT(exact_sum_value(&small) == 1e-323);
}
