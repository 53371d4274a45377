/* MATCH_RECOGNIZE: rows wait for the watermark and go, partition by partition, through the states of a pattern. */
#include <stdio.h>

#include "data/func.h"
#include "lib/ops.h"
#include "lib/test.h"

static struct arena plans;
static struct diag diag;

/* A condition `n OP number`. */
static const struct expr *number_is(const struct plan_node *input, const char *op, int64_t number)
{
    const struct expr *args[2] = {expr_column(&plans, 1, input->columns[1].type),
                                  expr_i64(&plans, number, type_simple(TYPE_BIGINT))};
    return func_bind(&plans, bytes_str(op), args, 2, &diag);
}

/* A: n < 10, B: n > 10, C: always; k, FIRST(n), LAST(n), LAST(B.n), SUM(B.n), the time of the match. */
static struct plan_node *match_node(enum match_skip skip, int64_t within_ms)
{
    static const struct plan_match_ref refs[] = {{.variable = MATCH_ALL, .first = true, .column = 1},
                                                 {.variable = MATCH_ALL, .column = 1},
                                                 {.variable = 1, .column = 1}};
    arena_deinit(&plans);
    arena_init(&plans, ARENA_BUDGET_NONE);
    struct plan_node *input = rig_input(&plans, "k bigint, n bigint, t rowtime");
    struct plan_node *node = rig_node(&plans, PLAN_MATCH, "k bigint, f bigint, l bigint, b bigint, s bigint, t rowtime",
                                      input, NULL);
    struct plan_match_variable *variables = ARENA_ARRAY(&plans, struct plan_match_variable, 3);
    struct plan_match_agg *sum = ARENA_NEW(&plans, struct plan_match_agg);

    variables[0] = (struct plan_match_variable){.name = BYTES_LITERAL("A"), .least = 1, .most = 1, .single = true,
                                                .define = number_is(input, "<", 10)};
    variables[1] = (struct plan_match_variable){.name = BYTES_LITERAL("B"), .least = 0, .most = MATCH_UNBOUNDED,
                                                .greedy = true, .define = number_is(input, ">", 10)};
    variables[2] = (struct plan_match_variable){.name = BYTES_LITERAL("C"), .least = 1, .most = 1, .single = true};
    *sum = (struct plan_match_agg){.variable = 1, .call = rig_agg(&plans, input, "SUM", 1, -1)};
    node->match = (struct plan_match){.partition = rig_columns(&plans, "0"), .partition_count = 1, .column = 2,
                                      .time = TIME_ROW, .variables = variables, .variables_count = 3,
                                      .measures = {refs, 3, sum, 1}, .skip = skip, .skip_to = 1,
                                      .within_us = within_ms * 1000, .emit_time = true};
    return node;
}

TEST(a_match_is_told_when_the_watermark_passes_its_last_row)
{
    struct op_rig rig;
    rig_open(&rig, match_node(SKIP_PAST_LAST, 0));
    rig_in(&rig, 0, "1 20 12 | 1 5 10 | 2 1 11 | 1 30 14");
    rig_mark(&rig, 12);
    EXPECT_STR(rig_out(&rig), "");
    rig_reload(&rig);
    rig_in(&rig, 0, "1 3 16 | 2 2 13 | 1 4 11");
    rig_mark(&rig, 20);
    EXPECT_INT(rig.late, 1);
    EXPECT_STR(rig_out(&rig), "+I 2 1 2 null null 13 | +I 1 5 3 30 50 16");
    uint64_t rows = 1, bytes;
    rig.class->measure(rig.node, rig.state, &rows, &bytes);
    EXPECT_INT(rows, 0);
    rig_close(&rig);
}

TEST(the_next_match_begins_where_skip_says)
{
    static const struct {
        enum match_skip skip;
        const char *out;
    } cases[] = {{SKIP_PAST_LAST, "+I 1 1 2 20 20 3 | +I 1 3 4 null null 5"},
                 {SKIP_TO_NEXT, "+I 1 1 2 20 20 3 | +I 1 2 3 null null 4 | +I 1 3 4 null null 5"},
                 {SKIP_TO_LAST, "+I 1 1 2 20 20 3"}};

    for (int i = 0; i < 3; i++) {
        struct op_rig rig;
        rig_open(&rig, match_node(cases[i].skip, 0));
        rig_in(&rig, 0, i < 2 ? "1 1 1 | 1 20 2 | 1 2 3 | 1 3 4 | 1 4 5" : "1 1 1 | 1 20 2 | 1 2 3 | 1 30 4");
        rig_mark(&rig, 10);
        EXPECT_STR(rig_out(&rig), cases[i].out);
        rig_close(&rig);
    }
}

TEST(skipping_to_a_variable_without_rows_fails)
{
    struct op_rig rig;
    rig_open(&rig, match_node(SKIP_TO_FIRST, 0));
    rig_in(&rig, 0, "1 1 1 | 1 2 2");
    EXPECT(rig.class->on_watermark(rig.node, rig.state, &rig.ctx, 10000) == ST_INVALID);
    EXPECT_STR(rig.diag.message, "AFTER MATCH SKIP TO B: a match has no row of this variable");
    rig_close(&rig);
}

TEST(a_row_at_the_bound_of_within_is_too_late)
{
    struct op_rig rig;
    uint64_t rows = 0, bytes;

    rig_open(&rig, match_node(SKIP_PAST_LAST, 5));
    rig_in(&rig, 0, "1 1 10 | 1 20 12 | 2 1 10 | 2 20 12 | 1 2 14 | 2 2 15 | 3 1 20");
    rig_mark(&rig, 22);
    EXPECT_STR(rig_out(&rig), "+I 1 1 2 20 20 14");
    rig_reload(&rig);
    rig.class->measure(rig.node, rig.state, &rows, &bytes);
    EXPECT_INT(rows, 1); /* of 3; that of 2 at 15 is too old as well */
    rig_mark(&rig, 25);
    rig.class->measure(rig.node, rig.state, &rows, &bytes);
    EXPECT_INT(rows, 0);
    rig_close(&rig);
}

TEST(too_many_partial_matches_of_a_partition_are_an_error)
{
    struct op_rig rig;
    struct plan_node *node = match_node(SKIP_PAST_LAST, 0);
    struct plan_match_variable *v = ARENA_ARRAY(&plans, struct plan_match_variable, 9);
    enum status st = ST_OK;

    for (int i = 0; i < 8; i++) /* each row can be of each, in as many ways as there are */
        v[i] = (struct plan_match_variable){.name = BYTES_LITERAL("V"), .least = 1, .most = MATCH_UNBOUNDED};
    v[8] = (struct plan_match_variable){.name = BYTES_LITERAL("N"), .least = 1, .most = 1, .single = true,
                                        .define = number_is(node->inputs[0].node, "<", 0)};
    node->match.variables = v;
    node->match.variables_count = 9;
    rig_open(&rig, node);
    int64_t t = 1;
    for (; st == ST_OK && t < 100; t++) {
        char row[40];
        snprintf(row, sizeof(row), "1 1 %lld", (long long)t);
        rig_in(&rig, 0, row);
        st = rig.class->on_watermark(node, rig.state, &rig.ctx, t * 1000);
    }
    EXPECT(st == ST_NOSPACE);
    EXPECT(t > 10 && t < 30);
    EXPECT(strstr(rig.diag.message, "more than 100000 partial matches") && strstr(rig.diag.message, "WITHIN"));
    rig_close(&rig);
}

TEST(processing_time_takes_rows_as_they_come_and_forgets_by_the_clock)
{
    struct op_rig rig;
    struct plan_node *node = match_node(SKIP_PAST_LAST, 5);
    uint64_t rows, bytes;

    node->match.time = TIME_PROC;
    node->match.emit_time = false;
    node->columns_count--;
    rig_open(&rig, node);
    rig_clock(&rig, 100);
    rig_in(&rig, 0, "1 1 0 | 1 20 0");
    rig_tick(&rig);
    EXPECT_STR(rig_out(&rig), "");
    rig_in(&rig, 0, "1 2 0 | 2 1 0");
    rig_tick(&rig);
    EXPECT_STR(rig_out(&rig), "+I 1 1 2 20 20");
    rig_clock(&rig, 104);
    rig.class->measure(node, rig.state, &rows, &bytes);
    EXPECT_INT(rows, 1);
    rig_clock(&rig, 105);
    rig.class->measure(node, rig.state, &rows, &bytes);
    EXPECT_INT(rows, 0);
    rig_close(&rig);
}
