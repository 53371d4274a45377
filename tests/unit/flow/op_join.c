/* Joins and ranks, as stories. */
#include "data/func.h"
#include "lib/ops.h"
#include "lib/test.h"

static struct arena plans;

static struct plan_node *join_node(enum plan_kind plan, enum join_kind kind, const char *left, const char *right,
                                   const char *out, bool updates)
{
    arena_deinit(&plans);
    arena_init(&plans, ARENA_BUDGET_NONE);
    struct plan_node *l = rig_input(&plans, left), *r = rig_input(&plans, right);
    struct plan_node *node = rig_node(&plans, plan, out, l, r);
    if (updates)
        l->changes = r->changes = CHANGE_UPDATE | CHANGE_UPDATE_BEFORE | CHANGE_DELETE;
    node->changes = CHANGE_DELETE;
    node->join = (struct plan_join){.kind = kind, .left_keys = rig_columns(&plans, "0"),
                                    .right_keys = rig_columns(&plans, "0"), .keys_count = 1};
    return node;
}

TEST(inner_join_meets_in_either_order)
{
    struct op_rig rig;
    rig_open(&rig, join_node(PLAN_JOIN, JOIN_INNER, "k bigint, a text", "k bigint, b text",
                             "k bigint, a text, k bigint, b text", true));
    rig_in(&rig, 0, "1 x | 2 y | null z");
    EXPECT_STR(rig_out(&rig), "");
    rig_in(&rig, 1, "2 B | 1 A | 1 A | null C");
    EXPECT_STR(rig_out(&rig), "+I 2 y 2 B | +I 1 x 1 A | +I 1 x 1 A");
    rig_reload(&rig);
    rig_in(&rig, 0, "-U 1 x | +U 1 w");
    EXPECT_STR(rig_out(&rig), "-U 1 x 1 A | -U 1 x 1 A | +U 1 w 1 A | +U 1 w 1 A");
    rig_in(&rig, 1, "-D 1 A | -D 2 C");
    EXPECT_STR(rig_out(&rig), "-D 1 w 1 A | -D 2 y 2 C"); /* a row that never was is the input's fault */
    rig_in(&rig, 0, "1 v");
    EXPECT_STR(rig_out(&rig), "+I 1 v 1 A");
    rig_close(&rig);
}

TEST(full_join_takes_back_the_padded_rows)
{
    struct op_rig rig;
    rig_open(&rig, join_node(PLAN_JOIN, JOIN_FULL, "k bigint, a text", "k bigint, b text",
                             "k bigint, a text, k bigint, b text", true));
    rig_in(&rig, 0, "1 x | null z");
    EXPECT_STR(rig_out(&rig), "+I 1 x null null | +I null z null null");
    rig_reload(&rig);
    rig_in(&rig, 1, "1 A | 1 B | 2 C");
    EXPECT_STR(rig_out(&rig), "-D 1 x null null | +I 1 x 1 A | +I 1 x 1 B | +I null null 2 C");
    rig_in(&rig, 1, "-D 1 A");
    EXPECT_STR(rig_out(&rig), "-D 1 x 1 A");
    rig_reload(&rig);
    rig_in(&rig, 1, "-D 1 B");
    EXPECT_STR(rig_out(&rig), "-D 1 x 1 B | +I 1 x null null");
    rig_in(&rig, 0, "-D 1 x | -D null z");
    EXPECT_STR(rig_out(&rig), "-D 1 x null null | -D null z null null");
    rig_close(&rig);
}

TEST(semi_and_anti_join_tell_left_rows_only)
{
    struct op_rig rig;
    rig_open(&rig, join_node(PLAN_JOIN, JOIN_SEMI, "k bigint, a text", "k bigint, b text", "k bigint, a text", true));
    rig_in(&rig, 0, "1 x");
    rig_in(&rig, 1, "1 A | 1 B");
    rig_in(&rig, 0, "1 y");
    EXPECT_STR(rig_out(&rig), "+I 1 x | +I 1 y");
    rig_in(&rig, 1, "-D 1 A");
    rig_reload(&rig);
    rig_in(&rig, 1, "-D 1 B");
    EXPECT_STR(rig_out(&rig), "-D 1 x | -D 1 y");
    rig_close(&rig);
    rig_open(&rig, join_node(PLAN_JOIN, JOIN_ANTI, "k bigint, a text", "k bigint, b text", "k bigint, a text", true));
    rig_in(&rig, 0, "1 x | null n");
    EXPECT_STR(rig_out(&rig), "+I 1 x | +I null n");
    rig_in(&rig, 1, "1 A");
    EXPECT_STR(rig_out(&rig), "-D 1 x");
    rig_in(&rig, 1, "-D 1 A");
    EXPECT_STR(rig_out(&rig), "+I 1 x");
    rig_close(&rig);
}

TEST(a_bounded_join_forgets_what_can_meet_nothing)
{
    struct op_rig rig;
    uint64_t rows, bytes;
    struct plan_node *node = join_node(PLAN_JOIN, JOIN_INNER, "k bigint, t rowtime", "k bigint, t rowtime",
                                       "k bigint, t rowtime, k bigint, t rowtime", false);
    const struct type *time = node->inputs[0].node->columns[1].type;
    struct diag diag = {0};
    const struct expr *order[2] = {expr_column(&plans, 1, time), expr_column(&plans, 3, time)};
    node->join.condition = func_bind(&plans, bytes_str("<="), order, 2, &diag); /* left.t <= right.t */
    EXPECT(node->join.condition != NULL);
    node->join.bounded = true;
    node->join.left_time = node->join.right_time = 1;
    node->join.low_us = 0;
    node->join.high_us = 10000000;
    rig_open(&rig, node);
    rig_in(&rig, 0, "1 1000 | 1 5000 | 1 30000");
    rig_in(&rig, 1, "1 4000 | 1 9000");
    EXPECT_STR(rig_out(&rig), "+I 1 1000 1 4000 | +I 1 1000 1 9000 | +I 1 5000 1 9000");
    rig_reload(&rig);
    rig_mark(&rig, 25000);
    rig.class->measure(rig.node, rig.state, &rows, &bytes);
    EXPECT_INT(rows, 1);
    rig_in(&rig, 1, "1 39000");
    EXPECT_STR(rig_out(&rig), "+I 1 30000 1 39000");
    rig_close(&rig);
}

static struct plan_node *window_join(enum join_kind kind, const char *out)
{
    struct plan_node *node = join_node(PLAN_WINDOW_JOIN, kind, "k bigint, a text, ws timestamp, we timestamp",
                                       "k bigint, b text, ws timestamp, we timestamp", out, false);
    node->join.left_start = node->join.right_start = 2;
    node->join.left_end = node->join.right_end = 3;
    return node;
}

TEST(window_join_meets_within_a_window)
{
    struct op_rig rig;
    rig_open(&rig, window_join(JOIN_FULL, "k bigint, a text, ws timestamp, we timestamp, "
                                          "k bigint, b text, ws timestamp, we timestamp"));
    rig_in(&rig, 0, "1 x 0 10000 | 2 y 0 10000 | 1 z 10000 20000 | null n 0 10000");
    rig_in(&rig, 1, "1 A 0 10000 | 1 B 0 10000 | 3 C 0 10000 | null N 0 10000");
    EXPECT_STR(rig_out(&rig), "");
    rig_reload(&rig);
    rig_mark(&rig, 9999);
    EXPECT_STR(rig_out(&rig), "+I 1 x 0 10000 1 A 0 10000 | +I 1 x 0 10000 1 B 0 10000 | "
                              "+I 2 y 0 10000 null null null null | +I null n 0 10000 null null null null | "
                              "+I null null null null 3 C 0 10000 | +I null null null null null N 0 10000");
    rig_in(&rig, 1, "1 D 0 10000 | 1 E 10000 20000");
    EXPECT_INT(rig.late, 1);
    rig_mark(&rig, INT64_MAX);
    EXPECT_STR(rig_out(&rig), "+I 1 z 10000 20000 1 E 10000 20000");
    rig_close(&rig);
}

TEST_SECONDS(a_large_window_join_is_told_in_bounded_steps, 60)
{
    enum { MANY = 150000 };
    struct op_rig rig;
    uint64_t before = 0, steps = 0;
    rig_open(&rig, window_join(JOIN_LEFT, "k bigint, a text, ws timestamp, we timestamp, "
                                          "k bigint, b text, ws timestamp, we timestamp"));
    rig.quiet = true;
    for (int64_t i = 0; i < MANY;) {
        int64_t keys[CHUNK_ROWS], starts[CHUNK_ROWS] = {0}, ends[CHUNK_ROWS];
        struct str texts[CHUNK_ROWS];
        uint16_t n = 0;
        for (; n < CHUNK_ROWS && i < MANY; n++, i++) {
            keys[n] = i / 3;
            ends[n] = 10000000;
            texts[n] = (struct str){"abc", (uint32_t)i % 4, 0};
        }
        struct column cols[4] = {{.data = keys}, {.data = texts}, {.data = starts}, {.data = ends}};
        struct chunk chunk = {.cols = cols, .count = n, .rows = n, .col_count = 4};
        rig_chunk(&rig, 0, &chunk);
        if (i < MANY / 2)
            rig_chunk(&rig, 1, &chunk);
    }
    do {
        rig_mark(&rig, 10000);
        EXPECT(rig.rows_out - before <= OP_EMIT_ROWS + 2 * CHUNK_ROWS);
        before = rig.rows_out;
        if (rig.again && ++steps % (OP_TICK_ROWS / OP_EMIT_ROWS) == 0)
            rig_reload(&rig); /* between two ticks */
    } while (rig.again);
    EXPECT(steps > OP_TICK_ROWS / OP_EMIT_ROWS);
    EXPECT(rig.rows_out > 150000);
    rig_close(&rig);
}

static struct plan_node *rank_node(const char *in, const char *out, int64_t limit, bool emit_rank, bool descending,
                                   bool updates)
{
    static struct plan_sort_key key;
    arena_deinit(&plans);
    arena_init(&plans, ARENA_BUDGET_NONE);
    struct plan_node *input = rig_input(&plans, in);
    struct plan_node *node = rig_node(&plans, PLAN_RANK, out, input, NULL);
    input->changes = updates ? CHANGE_UPDATE | CHANGE_UPDATE_BEFORE | CHANGE_DELETE : 0;
    node->changes = CHANGE_UPDATE | CHANGE_UPDATE_BEFORE | CHANGE_DELETE;
    key = (struct plan_sort_key){.column = 1, .descending = descending};
    node->rank = (struct plan_rank){.partition = rig_columns(&plans, "0"), .partition_count = 1, .order = &key,
                                    .order_count = 1, .limit = limit, .emit_rank = emit_rank};
    return node;
}

TEST(top_n_with_its_number_shifts_what_stands_behind)
{
    struct op_rig rig;
    rig_open(&rig, rank_node("k bigint, n bigint, s text", "k bigint, n bigint, s text, r bigint", 2, true, true, false));
    rig_in(&rig, 0, "1 5 a | 1 7 b | 1 6 c | 1 5 d | 2 null e");
    EXPECT_STR(rig_out(&rig), "+I 1 5 a 1 | -U 1 5 a 1 | +U 1 7 b 1 | +I 1 5 a 2 | -U 1 5 a 2 | +U 1 6 c 2 | "
                              "+I 2 null e 1");
    rig_reload(&rig);
    rig_in(&rig, 0, "1 9 f");
    EXPECT_STR(rig_out(&rig), "-U 1 7 b 1 | +U 1 9 f 1 | -U 1 6 c 2 | +U 1 7 b 2");
    rig_close(&rig);
}

TEST(top_n_without_its_number_replaces_the_last)
{
    struct op_rig rig;
    rig_open(&rig, rank_node("k bigint, n bigint, s text", "k bigint, n bigint, s text", 2, false, true, true));
    rig_in(&rig, 0, "1 5 a | 1 7 b | 1 6 c");
    EXPECT_STR(rig_out(&rig), "+I 1 5 a | +I 1 7 b | -D 1 5 a | +I 1 6 c");
    rig_reload(&rig);
    rig_in(&rig, 0, "-D 1 7 b | -D 1 6 c | -D 1 5 a");
    EXPECT_STR(rig_out(&rig), "-D 1 7 b | +I 1 5 a | -D 1 6 c | -D 1 5 a");
    rig_close(&rig);
}

TEST(keep_last_and_keep_first_by_time)
{
    struct op_rig rig;
    rig_open(&rig, rank_node("k bigint, t rowtime, s text", "k bigint, t rowtime, s text", 1, false, true, false));
    rig_in(&rig, 0, "1 5 a | 1 4 b | 1 5 c");
    EXPECT_STR(rig_out(&rig), "+I 1 5 a | -U 1 5 a | +U 1 5 c");
    rig_close(&rig);
    rig_open(&rig, rank_node("k bigint, t rowtime, s text", "k bigint, t rowtime, s text", 1, false, false, false));
    rig_in(&rig, 0, "1 5 a | 1 5 b | 1 7 c");
    rig_reload(&rig);
    rig_in(&rig, 0, "1 4 d");
    EXPECT_STR(rig_out(&rig), "+I 1 5 a | -U 1 5 a | +U 1 4 d");
    rig_close(&rig);
}
