/* Window and group aggregation, as stories. */
#include "lib/ops.h"
#include "lib/test.h"

static struct arena plans;

static struct plan_node *window_node(const char *in, const char *out, const char *keys,
                                     uint16_t keys_count, enum window_kind kind, int64_t size_s,
                                     int64_t slide_s)
{
    arena_deinit(&plans); /* of an earlier plan; zeroed memory is an empty arena */
    arena_init(&plans, ARENA_BUDGET_NONE);
    struct plan_node *input = rig_input(&plans, in);
    struct plan_node *node = rig_node(&plans, PLAN_WINDOW_AGG, out, input, NULL);
    uint16_t time = 0;
    while (input->columns[time].time == TIME_NONE)
        time++;
    node->window_agg = (struct plan_window_agg){
        .window = {.kind = kind, .time = input->columns[time].time, .column = time,
                   .size_us = size_s * 1000000, .slide_us = slide_s * 1000000},
        .keys = rig_columns(&plans, keys), .keys_count = keys_count};
    return node;
}

static void aggs(struct plan_node *node, uint16_t count, const char *const *names,
                 const int *columns, const int *filters)
{
    struct agg_call *calls = ARENA_ARRAY(&plans, struct agg_call, count);

    for (uint16_t i = 0; i < count; i++)
        calls[i] = rig_agg(&plans, node->inputs[0].node, names[i], columns[i],
                           filters ? filters[i] : -1);
    if (node->kind == PLAN_GROUP_AGG) {
        node->group_agg.aggs = calls;
        node->group_agg.aggs_count = count;
    } else {
        node->window_agg.aggs = calls;
        node->window_agg.aggs_count = count;
    }
}

TEST(tumble_tells_a_window_when_the_watermark_passes_it)
{
    struct op_rig rig;
    struct plan_node *node = window_node("k text, n bigint, t rowtime", "k text, sum bigint, end timestamp",
                                         "0", 1, WINDOW_TUMBLE, 10, 10);
    aggs(node, 1, (const char *const[]){"SUM"}, (const int[]){1}, NULL);
    node->window_agg.emit_end = true;
    rig_open(&rig, node);
    rig_in(&rig, 0, "a 1 1000 | a 2 9000 | b 5 3000 | a 7 12000");
    rig_mark(&rig, 9998);
    EXPECT_STR(rig_out(&rig), "");
    rig_in(&rig, 0, "c null 9999");
    rig_reload(&rig);
    rig_mark(&rig, 9999);
    EXPECT_STR(rig_out(&rig), "+I a 3 10000 | +I b 5 10000 | +I c null 10000");
    rig_in(&rig, 0, "a 9 9999 | a 1 10000"); /* the first is late, the second is not */
    EXPECT_INT(rig.late, 1);
    rig_mark(&rig, INT64_MAX);
    EXPECT_STR(rig_out(&rig), "+I a 8 20000");
    rig_close(&rig);
}

TEST(hop_adds_a_row_once_and_tells_it_in_each_window)
{
    struct op_rig rig;
    struct plan_node *node =
        window_node("k bigint, t rowtime", "k bigint, n bigint, start timestamp, end timestamp, time rowtime",
                    "0", 1, WINDOW_HOP, 10, 5);
    aggs(node, 1, (const char *const[]){"COUNT"}, (const int[]){-1}, NULL);
    node->window_agg.emit_start = node->window_agg.emit_end = node->window_agg.emit_time = true;
    rig_open(&rig, node);
    rig_in(&rig, 0, "1 1000 | 1 6000 | 2 7000 | null 7000");
    rig_mark(&rig, 4999);
    EXPECT_STR(rig_out(&rig), "+I 1 1 -5000 5000 4999");
    rig_reload(&rig);
    rig_in(&rig, 0, "2 2000"); /* its first window is closed, its second is not */
    EXPECT_INT(rig.late, 0);
    rig_mark(&rig, 9999);
    EXPECT_STR(rig_out(&rig), "+I 1 2 0 10000 9999 | +I 2 2 0 10000 9999 | +I null 1 0 10000 9999");
    rig_in(&rig, 0, "2 4000");
    EXPECT_INT(rig.late, 1);
    rig_mark(&rig, 50000);
    EXPECT_STR(rig_out(&rig), "+I 1 1 5000 15000 14999 | +I 2 1 5000 15000 14999 | +I null 1 5000 15000 14999");
    rig_close(&rig);
}

TEST(cumulate_tells_growing_windows)
{
    struct op_rig rig;
    struct plan_node *node = window_node("k bigint, t rowtime", "k bigint, n bigint, start timestamp, end timestamp",
                                         "0", 1, WINDOW_CUMULATE, 30, 10);
    aggs(node, 1, (const char *const[]){"COUNT"}, (const int[]){-1}, NULL);
    node->window_agg.emit_start = node->window_agg.emit_end = true;
    rig_open(&rig, node);
    rig_in(&rig, 0, "1 1000 | 1 11000 | 1 31000");
    rig_mark(&rig, INT64_MAX);
    EXPECT_STR(rig_out(&rig), "+I 1 1 0 10000 | +I 1 2 0 20000 | +I 1 2 0 30000 | +I 1 1 30000 40000 | "
                              "+I 1 1 30000 50000 | +I 1 1 30000 60000");
    rig_close(&rig);
}

TEST(window_distinct_and_filter_and_text_extremes_merge_over_slices)
{
    struct op_rig rig;
    struct plan_node *node = window_node("k bigint, s text, f boolean, t rowtime",
                                         "k bigint, d bigint, df bigint, lo text, hi text, end timestamp", "0", 1,
                                         WINDOW_HOP, 10, 5);
    aggs(node, 4, (const char *const[]){"COUNT DISTINCT", "COUNT DISTINCT", "MIN", "MAX"},
         (const int[]){1, 1, 1, 1}, (const int[]){-1, 2, -1, -1});
    node->window_agg.emit_end = true;
    rig_open(&rig, node);
    rig_in(&rig, 0, "1 x 1 1000 | 1 y 0 2000 | 1 x 0 6000 | 1 z 1 7000 | 1 null 1 8000");
    rig_reload(&rig);
    rig_in(&rig, 0, "1 y 1 8000 | 1 y 1 9000");
    rig_mark(&rig, INT64_MAX);
    EXPECT_STR(rig_out(&rig), "+I 1 2 1 x y 5000 | +I 1 3 3 x z 10000 | +I 1 3 2 x z 15000");
    rig_close(&rig);
}

TEST(windows_over_processing_time_are_closed_by_the_clock)
{
    struct op_rig rig;
    struct plan_node *node = window_node("k bigint, p proctime", "k bigint, n bigint, end timestamp", "0", 1,
                                         WINDOW_TUMBLE, 10, 10);
    aggs(node, 1, (const char *const[]){"COUNT"}, (const int[]){-1}, NULL);
    node->window_agg.emit_end = true;
    rig_open(&rig, node);
    rig_clock(&rig, 12000);
    rig_in(&rig, 0, "1 0 | 1 0 | 2 0");
    rig_mark(&rig, 1000000); /* of no matter */
    EXPECT_INT(rig.alarm_us, 20000000);
    rig_clock(&rig, 19999);
    EXPECT_STR(rig_out(&rig), "");
    rig_clock(&rig, 20001);
    EXPECT_STR(rig_out(&rig), "+I 1 2 20000 | +I 2 1 20000");
    rig_in(&rig, 0, "1 0");
    rig_mark(&rig, INT64_MAX); /* the input's end closes what is open */
    EXPECT_STR(rig_out(&rig), "+I 1 1 30000");
    rig_close(&rig);
}

TEST(attached_windows_are_those_of_the_rows)
{
    struct op_rig rig;
    arena_deinit(&plans); /* of an earlier plan; zeroed memory is an empty arena */
    arena_init(&plans, ARENA_BUDGET_NONE);
    struct plan_node *input = rig_input(&plans, "n bigint, ws timestamp, we timestamp");
    struct plan_node *node = rig_node(&plans, PLAN_WINDOW_AGG, "max bigint, ws timestamp, we timestamp", input, NULL);
    node->window_agg.attached = true;
    node->window_agg.start_column = 1;
    node->window_agg.end_column = 2;
    node->window_agg.emit_start = node->window_agg.emit_end = true;
    aggs(node, 1, (const char *const[]){"MAX"}, (const int[]){0}, NULL);
    rig_open(&rig, node);
    rig_in(&rig, 0, "3 5000 15000 | 7 0 10000 | 4 0 10000 | 9 5000 15000");
    rig_mark(&rig, 9999);
    EXPECT_STR(rig_out(&rig), "+I 7 0 10000");
    rig_in(&rig, 0, "1 0 10000 | 11 5000 15000");
    EXPECT_INT(rig.late, 1);
    rig_mark(&rig, 14999);
    EXPECT_STR(rig_out(&rig), "+I 11 5000 15000");
    rig_close(&rig);
}

static void many_rows(struct op_rig *rig, int64_t from, int64_t count, int64_t key_step, int64_t time_step)
{
    int64_t keys[CHUNK_ROWS], times[CHUNK_ROWS];
    struct column cols[2] = {{.data = keys}, {.data = times}};

    for (int64_t i = 0; i < count;) {
        uint16_t n = 0;
        for (; n < CHUNK_ROWS && i < count; n++, i++) {
            keys[n] = (from + i) * key_step;
            times[n] = i * time_step * 1000;
        }
        struct chunk chunk = {.cols = cols, .count = n, .rows = n, .col_count = 2};
        rig_chunk(rig, 0, &chunk);
    }
}

static void closes_in_bounded_steps(enum window_kind kind, int64_t key_step, int64_t time_step)
{
    enum { MANY = 200000 };
    struct op_rig rig;
    struct plan_node *node = window_node("k bigint, t rowtime", "k bigint, n bigint", "0", 1, kind, 2, 1);
    uint64_t before = 0, steps = 0;

    aggs(node, 1, (const char *const[]){"COUNT"}, (const int[]){-1}, NULL);
    rig_open(&rig, node);
    rig.quiet = true;
    many_rows(&rig, 0, MANY, key_step, time_step);
    do {
        rig_mark(&rig, INT64_MAX / 1000 - 1);
        EXPECT(rig.rows_out - before <= OP_EMIT_ROWS + CHUNK_ROWS);
        before = rig.rows_out;
        if (rig.again && ++steps % (OP_TICK_ROWS / OP_EMIT_ROWS) == 0)
            rig_reload(&rig); /* between two ticks */
    } while (rig.again);
    EXPECT_INT(rig.rows_out, kind == WINDOW_HOP ? 2 * MANY : MANY);
    EXPECT(steps > OP_TICK_ROWS / OP_EMIT_ROWS);
    rig_close(&rig);
}

TEST_SECONDS(many_groups_of_a_window_are_told_in_bounded_steps, 60)
{
    closes_in_bounded_steps(WINDOW_TUMBLE, 1, 0);
    closes_in_bounded_steps(WINDOW_HOP, 1, 0);
}

TEST_SECONDS(many_windows_are_told_in_bounded_steps, 60)
{
    closes_in_bounded_steps(WINDOW_TUMBLE, 0, 2000);
}

/* ---- groups ---- */

static struct plan_node *group_node(const char *in, const char *out, const char *keys, uint16_t keys_count,
                                    bool updates)
{
    arena_deinit(&plans); /* of an earlier plan; zeroed memory is an empty arena */
    arena_init(&plans, ARENA_BUDGET_NONE);
    struct plan_node *input = rig_input(&plans, in);
    struct plan_node *node = rig_node(&plans, PLAN_GROUP_AGG, out, input, NULL);
    input->changes = updates ? CHANGE_UPDATE | CHANGE_DELETE | CHANGE_UPDATE_BEFORE : 0;
    node->group_agg = (struct plan_group_agg){.keys = rig_columns(&plans, keys), .keys_count = keys_count,
                                              .emit_update_before = true};
    return node;
}

TEST(groups_tell_what_a_tick_has_changed)
{
    struct op_rig rig;
    struct plan_node *node = group_node("k text, n bigint", "k text, n bigint, max bigint", "0", 1, false);
    aggs(node, 2, (const char *const[]){"COUNT", "MAX"}, (const int[]){-1, 1}, NULL);
    rig_open(&rig, node);
    rig_in(&rig, 0, "a 1 | b 2 | a 5");
    EXPECT_STR(rig_out(&rig), "+I a 2 5 | +I b 1 2");
    rig_reload(&rig);
    rig_in(&rig, 0, "b 1 | null 7");
    rig_in(&rig, 0, "b 9");
    EXPECT_STR(rig_out(&rig), "-U b 1 2 | +U b 3 9 | +I null 1 7");
    rig_close(&rig);
}

TEST(groups_say_nothing_when_no_result_has_changed)
{
    struct op_rig rig;
    struct plan_node *node = group_node("k bigint, n bigint", "k bigint, max bigint", "0", 1, false);
    aggs(node, 1, (const char *const[]){"MAX"}, (const int[]){1}, NULL);
    node->group_agg.emit_update_before = false;
    rig_open(&rig, node);
    rig_in(&rig, 0, "1 5");
    rig_in(&rig, 0, "1 3");
    EXPECT_STR(rig_out(&rig), "+I 1 5");
    rig_in(&rig, 0, "1 4");
    EXPECT_STR(rig_out(&rig), "");
    rig_in(&rig, 0, "1 6");
    EXPECT_STR(rig_out(&rig), "+U 1 6");
    rig_close(&rig);
}

TEST(groups_take_rows_back)
{
    struct op_rig rig;
    struct plan_node *node = group_node("k bigint, n bigint, s text",
                                        "k bigint, n bigint, sum bigint, lo text, hi bigint, d bigint", "0", 1, true);
    aggs(node, 5, (const char *const[]){"COUNT", "SUM", "MIN", "MAX", "COUNT DISTINCT"},
         (const int[]){-1, 1, 2, 1, 1}, NULL);
    rig_open(&rig, node);
    rig_in(&rig, 0, "1 5 x | 1 7 a | 1 7 b | 2 1 q");
    EXPECT_STR(rig_out(&rig), "+I 1 3 19 a 7 2 | +I 2 1 1 q 1 1");
    rig_reload(&rig);
    rig_in(&rig, 0, "-U 1 7 a | +U 1 6 c | -D 2 1 q | -D 3 1 z");
    EXPECT_STR(rig_out(&rig), "-U 1 3 19 a 7 2 | +U 1 3 18 b 7 3 | -D 2 1 1 q 1 1");
    rig_reload(&rig);
    rig_in(&rig, 0, "-D 1 7 b | -D 1 5 x | -D 1 6 c");
    rig_in(&rig, 0, "1 1 m");
    EXPECT_STR(rig_out(&rig), "-U 1 3 18 b 7 3 | +U 1 1 1 m 1 1");
    rig_close(&rig);
}

TEST(first_and_last_value_follow_arrival)
{
    struct op_rig rig;
    struct plan_node *node = group_node("k bigint, s text", "k bigint, first text, last text", "0", 1, true);
    aggs(node, 2, (const char *const[]){"FIRST_VALUE", "LAST_VALUE"}, (const int[]){1, 1}, NULL);
    rig_open(&rig, node);
    rig_in(&rig, 0, "1 null | 1 b | 1 a | 1 b");
    EXPECT_STR(rig_out(&rig), "+I 1 b b");
    rig_reload(&rig);
    rig_in(&rig, 0, "-D 1 b");
    EXPECT_STR(rig_out(&rig), "-U 1 b b | +U 1 a b");
    rig_in(&rig, 0, "-D 1 b");
    EXPECT_STR(rig_out(&rig), "-U 1 a b | +U 1 a a");
    rig_close(&rig);
}

TEST(lists_of_a_group_grow_and_shrink)
{
    struct op_rig rig;
    struct plan_node *node =
        group_node("k bigint, n bigint, s text", "k bigint, l text, d text, a bigints, c texts", "0", 1, true);
    aggs(node, 4, (const char *const[]){"LISTAGG", "LISTAGG DISTINCT", "ARRAY_AGG", "COLLECT"},
         (const int[]){2, 2, 1, 2}, NULL);
    rig_open(&rig, node);
    rig_in(&rig, 0, "1 5 x | 1 null y | 1 7 x | 1 5 null | 2 null null");
    EXPECT_STR(rig_out(&rig), "+I 1 x,y,x x,y [5, null, 7, 5] {x=2, y=1} | +I 2 null null [null] {}");
    rig_reload(&rig);
    rig_in(&rig, 0, "-U 1 5 x | +U 1 5 z | -D 1 9 w | -D 2 null null");
    EXPECT_STR(rig_out(&rig),
               "-U 1 x,y,x x,y [5, null, 7, 5] {x=2, y=1} | +U 1 y,x,z x,y,z [null, 7, 5, 5] {x=1, y=1, z=1}"
               " | -D 2 null null [null] {}");
    rig_reload(&rig);
    rig_in(&rig, 0, "-D 1 7 x");
    EXPECT_STR(rig_out(&rig),
               "-U 1 y,x,z x,y,z [null, 7, 5, 5] {x=1, y=1, z=1} | +U 1 y,z y,z [null, 5, 5] {y=1, z=1}");
    rig_in(&rig, 0, "-U 1 5 null | +U 1 5 null");
    EXPECT_STR(rig_out(&rig), ""); /* the same again: nothing to tell */
    rig_close(&rig);
}

TEST(lists_of_slices_are_one_behind_the_other)
{
    struct op_rig rig;
    struct plan_node *node =
        window_node("k bigint, n bigint, s text, t rowtime", "k bigint, l text, d text, a bigints, end timestamp",
                    "0", 1, WINDOW_HOP, 10, 5);
    aggs(node, 3, (const char *const[]){"LISTAGG", "LISTAGG DISTINCT", "ARRAY_AGG"}, (const int[]){2, 2, 1}, NULL);
    node->window_agg.emit_end = true;
    rig_open(&rig, node);
    rig_in(&rig, 0, "1 1 a 6000 | 1 2 b 1000 | 1 3 a 2000 | 1 4 c 7000");
    rig_reload(&rig);
    rig_mark(&rig, INT64_MAX);
    EXPECT_STR(rig_out(&rig),
               "+I 1 b,a b,a [2, 3] 5000 | +I 1 b,a,a,c b,a,c [2, 3, 1, 4] 10000 | +I 1 a,c a,c [1, 4] 15000");
    rig_close(&rig);
}

TEST(a_list_is_a_key_and_stands_in_state)
{
    struct op_rig rig;
    struct plan_node *node = group_node("a bigints, s text", "a bigints, n bigint, last text", "0", 1, true);
    aggs(node, 2, (const char *const[]){"COUNT", "LAST_VALUE"}, (const int[]){-1, 1}, NULL);
    rig_open(&rig, node);
    rig_in(&rig, 0, "1;2 x | 1 y | 1;2 z | null w");
    EXPECT_STR(rig_out(&rig), "+I [1, 2] 2 z | +I [1] 1 y | +I null 1 w");
    rig_reload(&rig);
    rig_in(&rig, 0, "-D 1;2 z | 2;1 v");
    EXPECT_STR(rig_out(&rig), "-U [1, 2] 2 z | +U [1, 2] 1 x | +I [2, 1] 1 v");
    rig_close(&rig);
}

TEST(the_global_group_appears_with_its_first_row)
{
    struct op_rig rig;
    struct plan_node *node = group_node("n bigint", "n bigint, sum bigint", "", 0, true);
    aggs(node, 2, (const char *const[]){"COUNT", "SUM"}, (const int[]){-1, 0}, NULL);
    rig_open(&rig, node);
    EXPECT_STR(rig_out(&rig), "");
    rig_in(&rig, 0, "4 | 5");
    EXPECT_STR(rig_out(&rig), "+I 2 9");
    rig_in(&rig, 0, "-D 4 | -D 5");
    EXPECT_STR(rig_out(&rig), "-D 2 9");
    rig_close(&rig);
}
