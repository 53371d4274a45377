/* OVER aggregates: rows wait for the watermark and come with what stands before them. */
#include <stdio.h>

#include "lib/ops.h"
#include "lib/test.h"

static struct arena plans;

static struct plan_node *over_node(enum time_attr time, bool rows, bool bounded, int64_t preceding)
{
    arena_deinit(&plans);
    arena_init(&plans, ARENA_BUDGET_NONE);
    struct plan_node *input = rig_input(&plans, "k bigint, n bigint, t rowtime");
    struct plan_node *node = rig_node(&plans, PLAN_OVER, "k bigint, n bigint, t rowtime, c bigint, s bigint, f bigint",
                                      input, NULL);
    struct agg_call *aggs = ARENA_ARRAY(&plans, struct agg_call, 3);
    aggs[0] = rig_agg(&plans, input, "COUNT", -1, -1);
    aggs[1] = rig_agg(&plans, input, "SUM", 1, -1);
    aggs[2] = rig_agg(&plans, input, "FIRST_VALUE", 1, -1);
    node->over = (struct plan_over){.partition = rig_columns(&plans, "0"), .partition_count = 1, .column = 2,
                                    .time = time, .rows = rows, .bounded = bounded,
                                    .preceding = rows ? preceding : preceding * 1000, .aggs = aggs, .aggs_count = 3};
    return node;
}

TEST(over_rows_come_in_the_order_of_time)
{
    struct op_rig rig;
    rig_open(&rig, over_node(TIME_ROW, true, true, 1));
    rig_in(&rig, 0, "1 5 10 | 1 1 8 | 2 7 9 | 1 2 10 | 1 9 20");
    EXPECT_STR(rig_out(&rig), "");
    rig_reload(&rig);
    rig_mark(&rig, 10);
    EXPECT_STR(rig_out(&rig), "+I 1 1 8 1 1 1 | +I 2 7 9 1 7 7 | +I 1 5 10 2 6 1 | +I 1 2 10 2 7 5");
    rig_reload(&rig);
    rig_mark(&rig, 20);
    EXPECT_STR(rig_out(&rig), "+I 1 9 20 2 11 2");
    rig_close(&rig);
}

TEST(over_range_gives_equal_times_one_result)
{
    struct op_rig rig;
    rig_open(&rig, over_node(TIME_ROW, false, false, 0));
    rig_in(&rig, 0, "1 5 10 | 1 1 8 | 1 2 10");
    rig_mark(&rig, 10);
    EXPECT_STR(rig_out(&rig), "+I 1 1 8 1 1 1 | +I 1 5 10 3 8 1 | +I 1 2 10 3 8 1");
    rig_close(&rig);
}

TEST(over_values_tells_again_what_stands_behind)
{
    struct op_rig rig;
    struct plan_node *node = over_node(TIME_NONE, false, false, 0);
    node->over.column = 1;
    node->inputs[0].node->changes = CHANGE_UPDATE | CHANGE_UPDATE_BEFORE | CHANGE_DELETE;
    rig_open(&rig, node);
    rig_in(&rig, 0, "1 5 10 | 1 1 8 | 2 7 9 | 1 5 11 | 1 null 12");
    EXPECT_STR(rig_out(&rig), "+I 1 null 12 1 null null | +I 1 1 8 2 1 1 | +I 1 5 10 4 11 1 | +I 1 5 11 4 11 1 | "
                              "+I 2 7 9 1 7 7");
    rig_reload(&rig);
    rig_in(&rig, 0, "1 4 13 | -D 1 5 10");
    EXPECT_STR(rig_out(&rig), "-D 1 5 10 4 11 1 | +I 1 4 13 3 5 1 | -U 1 5 11 4 11 1 | +U 1 5 11 4 10 1");
    rig_in(&rig, 0, "-U 1 1 8 | +U 2 1 8 | -D 1 9 9"); /* a row changes its partition: it is gone first */
    rig_reload(&rig);                                  /* what is owed is saved */
    EXPECT_STR(rig_out(&rig), "-D 1 1 8 2 1 1 | -U 1 4 13 3 5 1 | +U 1 4 13 2 4 4 | -U 1 5 11 4 10 1 | "
                              "+U 1 5 11 3 9 4 | +I 2 1 8 1 1 1 | -U 2 7 9 1 7 7 | +U 2 7 9 2 8 1");
    rig_in(&rig, 0, "1 6 1 | -D 1 6 1"); /* nothing is told of a row that came and went */
    EXPECT_STR(rig_out(&rig), "");
    rig_close(&rig);
}

TEST(over_values_by_rows_tells_equal_ones_apart)
{
    struct op_rig rig;
    struct plan_node *node = over_node(TIME_NONE, true, false, 0);
    node->over.column = 1;
    rig_open(&rig, node);
    rig_in(&rig, 0, "1 5 10 | 1 5 11");
    EXPECT_STR(rig_out(&rig), "+I 1 5 10 1 5 5 | +I 1 5 11 2 10 5");
    rig_in(&rig, 0, "1 5 9 | 1 2 9");
    EXPECT_STR(rig_out(&rig), "+I 1 2 9 1 2 2 | -U 1 5 10 1 5 5 | +U 1 5 10 2 7 2 | -U 1 5 11 2 10 5 | "
                              "+U 1 5 11 3 12 2 | +I 1 5 9 4 17 2");
    rig_close(&rig);
}

static struct plan_node *places_node(const char *a, const char *b, const char *out)
{
    struct plan_node *node = over_node(TIME_ROW, false, false, 0);
    struct agg_call *aggs = (struct agg_call *)(uintptr_t)node->over.aggs;
    struct plan_node *shape = rig_input(&plans, out);
    aggs[0] = rig_agg(&plans, node->inputs[0].node, a, 2, -1);
    aggs[1] = rig_agg(&plans, node->inputs[0].node, b, 1, -1);
    node->over.aggs_count = 2;
    node->columns = shape->columns;
    node->columns_count = shape->columns_count;
    return node;
}

TEST(lag_looks_back_and_rank_counts_those_before)
{
    struct op_rig rig;
    struct plan_node *node = places_node("RANK", "LAG", "k bigint, n bigint, t rowtime, r bigint, l bigint");
    ((struct agg_call *)(uintptr_t)node->over.aggs)[1].offset = 2;
    rig_open(&rig, node);
    rig_in(&rig, 0, "1 1 8 | 1 2 10 | 1 null 10 | 2 7 10");
    rig_mark(&rig, 10);
    EXPECT_STR(rig_out(&rig), "+I 1 1 8 1 null | +I 1 2 10 2 1 | +I 1 null 10 2 1 | +I 2 7 10 1 null");
    rig_reload(&rig);
    rig_in(&rig, 0, "1 5 11 | 1 6 12 | 1 7 13");
    rig_mark(&rig, INT64_MAX);
    EXPECT_STR(rig_out(&rig), "+I 1 5 11 4 2 | +I 1 6 12 5 null | +I 1 7 13 6 5");
    rig_close(&rig);
    node = places_node("DENSE_RANK", "ARRAY_AGG", "k bigint, n bigint, t rowtime, r bigint, a bigints");
    rig_open(&rig, node);
    rig_in(&rig, 0, "1 1 8 | 1 2 10 | 1 null 10");
    rig_mark(&rig, 10);
    rig_reload(&rig);
    rig_in(&rig, 0, "1 4 11");
    rig_mark(&rig, 11);
    EXPECT_STR(rig_out(&rig), "+I 1 1 8 1 [1] | +I 1 2 10 2 [1, 2, null] | +I 1 null 10 2 [1, 2, null] | "
                              "+I 1 4 11 3 [1, 2, null, 4]");
    rig_close(&rig);
}

TEST(late_rows_of_an_unbounded_frame_are_those_behind_the_watermark)
{
    struct op_rig rig;
    rig_open(&rig, over_node(TIME_ROW, true, false, 0));
    rig_in(&rig, 0, "1 1 5");
    rig_mark(&rig, 10);
    rig_in(&rig, 0, "2 1 10 | 1 1 7 | 1 1 11");
    EXPECT_INT(rig.late, 2);
    rig_close(&rig);
}

TEST(late_rows_of_a_bounded_frame_are_those_behind_their_partition)
{
    struct op_rig rig;
    rig_open(&rig, over_node(TIME_ROW, false, true, 3));
    rig_in(&rig, 0, "1 1 5 | 2 2 5");
    rig_mark(&rig, 6);
    EXPECT_STR(rig_out(&rig), "+I 1 1 5 1 1 1 | +I 2 2 5 1 2 2");
    rig_in(&rig, 0, "1 4 5 | 1 3 6"); /* 6 is behind the watermark, and not behind the partition's last row */
    EXPECT_INT(rig.late, 1);
    rig_mark(&rig, 1000);
    EXPECT_STR(rig_out(&rig), "+I 1 3 6 2 4 1");
    rig_mark(&rig, 1001);
    uint64_t rows = 0, bytes;
    rig.class->measure(rig.node, rig.state, &rows, &bytes);
    EXPECT_INT(rows, 0); /* frames that nothing can reach any more are given back */
    rig_reload(&rig);
    rig_in(&rig, 0, "1 9 6 | 1 9 7"); /* and the last time with them, as in Flink */
    EXPECT_INT(rig.late, 1);
    rig_mark(&rig, INT64_MAX);
    EXPECT_STR(rig_out(&rig), "+I 1 9 6 1 9 9 | +I 1 9 7 2 18 9");
    rig_close(&rig);
}

TEST(a_bounded_frame_forgets_its_partition_when_the_first_row_said)
{
    struct op_rig rig;
    rig_open(&rig, over_node(TIME_ROW, false, true, 10));
    rig_in(&rig, 0, "1 1 5 | 1 2 8"); /* 5 + 15 + 1; 8 + 10 + 1 is before */
    rig_mark(&rig, 20);
    EXPECT_STR(rig_out(&rig), "+I 1 1 5 1 1 1 | +I 1 2 8 2 3 1");
    rig_reload(&rig);
    rig_in(&rig, 0, "1 3 7");
    EXPECT_INT(rig.late, 1);
    rig_mark(&rig, 21);
    rig_in(&rig, 0, "1 3 7");
    EXPECT_INT(rig.late, 1);
    rig_mark(&rig, 30);
    EXPECT_STR(rig_out(&rig), "+I 1 3 7 1 3 3");
    rig_close(&rig);
}

TEST(a_time_to_forget_that_was_put_off_is_a_last_time)
{
    struct op_rig rig;
    rig_open(&rig, over_node(TIME_ROW, false, true, 10));
    rig_in(&rig, 0, "1 1 5 | 1 2 12"); /* 5 + 15 + 1 is put off to 12 + 15 + 1 */
    rig_mark(&rig, 20);
    rig_in(&rig, 0, "1 3 13"); /* 21 is still to come: what was told last counts */
    EXPECT_INT(rig.late, 0);
    rig_reload(&rig);
    rig_mark(&rig, 21);
    EXPECT_STR(rig_out(&rig), "+I 1 1 5 1 1 1 | +I 1 2 12 2 3 1 | +I 1 3 13 3 6 1");
    rig_reload(&rig);
    rig_in(&rig, 0, "1 4 15 | 1 4 21 | 1 5 22");
    EXPECT_INT(rig.late, 2);
    rig_mark(&rig, 1000);
    EXPECT_STR(rig_out(&rig), "+I 1 5 22 3 10 2");

    /* All is forgotten. Both rows are behind the watermark; what they said comes with the next one. */
    rig_in(&rig, 0, "1 6 50 | 1 7 70");
    rig_in(&rig, 0, "1 8 60");
    EXPECT_INT(rig.late, 2);
    rig_mark(&rig, 1001);
    EXPECT_STR(rig_out(&rig), "+I 1 6 50 1 6 6 | +I 1 8 60 2 14 6 | +I 1 7 70 2 15 8");
    uint64_t rows = 0, bytes;
    rig_mark(&rig, 1002);
    rig.class->measure(rig.node, rig.state, &rows, &bytes);
    EXPECT_INT(rows, 0);
    rig_close(&rig);
}

TEST(over_processing_time_is_told_at_the_end_of_the_tick)
{
    struct op_rig rig;
    rig_open(&rig, over_node(TIME_PROC, false, true, 10));
    rig.ctx.expr.proctime_us = 100000;
    rig_in(&rig, 0, "1 5 0 | 1 6 0");
    EXPECT_STR(rig_out(&rig), "+I 1 5 0 2 11 5 | +I 1 6 0 2 11 5");
    rig_reload(&rig);
    rig.ctx.expr.proctime_us = 110000;
    rig_in(&rig, 0, "1 7 0");
    EXPECT_STR(rig_out(&rig), "+I 1 7 0 3 18 5");
    rig.ctx.expr.proctime_us = 111000;
    rig_in(&rig, 0, "1 8 0");
    EXPECT_STR(rig_out(&rig), "+I 1 8 0 2 15 7");
    rig_close(&rig);
}

static void told_in_bounded_steps(bool rows, bool bounded)
{
    enum { MANY = 200000 };
    struct op_rig rig;
    rig_open(&rig, over_node(TIME_ROW, rows, bounded, 5));
    rig.quiet = true;
    char text[CHUNK_ROWS * 24];
    for (int done = 0; done < MANY;) {
        int len = 0;
        for (int i = 0; i < 1000; i++, done++)
            len += sprintf(text + len, "%s%d %d %d", i ? " | " : "", done % 7, done % 100, done / 50);
        rig_in(&rig, 0, text);
    }
    int steps = 0;
    do {
        rig_mark(&rig, 10000);
        rig_reload(&rig);
        steps++;
    } while (rig.again);
    EXPECT_INT(rig.rows_out, MANY);
    EXPECT(steps >= 3);
    rig_close(&rig);
}

TEST_SECONDS(many_over_rows_are_told_in_bounded_steps, 120)
{
    told_in_bounded_steps(true, true);
    told_in_bounded_steps(false, true);
    told_in_bounded_steps(false, false);
}
