/* Temporal joins: a row meets the version of its key that held at its time, when the watermark passes that. */
#include <stdio.h>

#include "data/func.h"
#include "lib/ops.h"
#include "lib/test.h"

static struct arena plans;

static struct plan_node *temporal_node(enum join_kind kind, bool left_updates)
{
    arena_deinit(&plans);
    arena_init(&plans, ARENA_BUDGET_NONE);
    struct plan_node *left = rig_input(&plans, "k text, n bigint, t rowtime");
    struct plan_node *right = rig_input(&plans, "k text, v bigint, t rowtime");
    struct plan_node *node = rig_node(&plans, PLAN_TEMPORAL_JOIN,
                                      "k text, n bigint, t rowtime, k2 text, v bigint, t2 rowtime", left, right);
    left->changes = left_updates ? CHANGE_UPDATE | CHANGE_UPDATE_BEFORE | CHANGE_DELETE : 0;
    right->changes = CHANGE_UPDATE | CHANGE_UPDATE_BEFORE | CHANGE_DELETE;
    node->join = (struct plan_join){.kind = kind, .left_keys = rig_columns(&plans, "0"),
                                    .right_keys = rig_columns(&plans, "0"), .keys_count = 1, .left_time = 2,
                                    .right_time = 2};
    return node;
}

TEST(a_row_meets_the_version_of_its_time)
{
    struct op_rig rig;
    rig_open(&rig, temporal_node(JOIN_INNER, false));
    rig_in(&rig, 0, "a 1 15 | a 2 5 | a 3 20 | b 4 20 | null 5 6 | a 6 21");
    rig_in(&rig, 1, "a 100 10 | a 200 20 | a 300 21 | null 7 1");
    EXPECT_STR(rig_out(&rig), "");
    rig_reload(&rig);
    rig_mark(&rig, 20);
    EXPECT_STR(rig_out(&rig), "+I a 1 15 a 100 10 | +I a 3 20 a 200 20");
    rig_reload(&rig);
    rig_mark(&rig, 30);
    EXPECT_STR(rig_out(&rig), "+I a 6 21 a 300 21");
    EXPECT_INT(rig.late, 0);
    rig_close(&rig);
}

TEST(a_left_temporal_join_pads_rows_without_a_version)
{
    struct op_rig rig;
    struct plan_node *node = temporal_node(JOIN_LEFT, false);
    const struct expr *n[2] = {expr_column(&plans, 1, node->columns[1].type),
                               expr_column(&plans, 4, node->columns[4].type)};
    struct diag diag = {0};
    node->join.condition = func_bind(&plans, bytes_str("<"), n, 2, &diag);
    rig_open(&rig, node);
    rig_in(&rig, 1, "a 100 10 | a 200 20");
    rig_in(&rig, 0, "a 1 5 | a 100 15 | a 100 25 | null 1 26");
    rig_mark(&rig, 30);
    EXPECT_STR(rig_out(&rig), "+I a 1 5 null null null | +I a 100 15 null null null | +I a 100 25 a 200 20 | "
                              "+I null 1 26 null null null");
    rig_close(&rig);
}

TEST(a_deletion_is_a_version_and_minus_u_is_none)
{
    struct op_rig rig;
    rig_open(&rig, temporal_node(JOIN_LEFT, false));
    rig_in(&rig, 1, "+I a 1 10 | -U a 1 10 | +U a 2 20 | -D a 2 30 | +I a 3 40 | +I a 4 40");
    rig_in(&rig, 0, "a 0 10 | a 0 25 | a 0 30 | a 0 39 | a 0 40");
    rig_reload(&rig);
    rig_mark(&rig, 50);
    EXPECT_STR(rig_out(&rig), "+I a 0 10 a 1 10 | +I a 0 25 a 2 20 | +I a 0 30 null null null | "
                              "+I a 0 39 null null null | +I a 0 40 a 4 40");
    rig_close(&rig);
}

TEST(only_the_newest_version_behind_the_watermark_is_kept)
{
    struct op_rig rig;
    uint64_t rows, bytes;
    rig_open(&rig, temporal_node(JOIN_INNER, false));
    rig_in(&rig, 1, "a 1 10 | a 2 20 | a 3 30 | b 1 10 | b 2 40");
    rig_mark(&rig, 30);
    rig.class->measure(rig.node, rig.state, &rows, &bytes);
    EXPECT_INT(rows, 3); /* a's of 30, b's of 10 and 40 */
    rig_in(&rig, 0, "a 7 29 | b 7 11"); /* behind the watermark: a's version of then is forgotten, b's is not */
    EXPECT_INT(rig.late, 1);
    rig_in(&rig, 1, "a 9 29 | b 9 12"); /* the one could meet late rows alone, the other all up to 40 */
    EXPECT_INT(rig.late, 2);
    rig_mark(&rig, 35);
    EXPECT_STR(rig_out(&rig), "+I b 7 11 b 1 10");
    rig_in(&rig, 0, "b 8 36");
    rig_mark(&rig, 39);
    EXPECT_STR(rig_out(&rig), "+I b 8 36 b 9 12");
    rig_close(&rig);
}

TEST(changes_of_an_updated_left_keep_their_order)
{
    struct op_rig rig;
    rig_open(&rig, temporal_node(JOIN_LEFT, true));
    rig_in(&rig, 1, "a 1 10");
    rig_in(&rig, 0, "+I a 5 20 | -U a 5 20 | +U a 6 15 | +I b 1 12");
    rig_mark(&rig, 16);
    EXPECT_STR(rig_out(&rig), "+I b 1 12 null null null");
    rig_reload(&rig);
    rig_mark(&rig, 20);
    EXPECT_STR(rig_out(&rig), "+I a 5 20 a 1 10 | -U a 5 20 a 1 10 | +U a 6 15 a 1 10");
    rig_close(&rig);
}

TEST_SECONDS(many_rows_are_told_in_bounded_steps, 60)
{
    enum { MANY = 200000 };
    struct op_rig rig;
    rig_open(&rig, temporal_node(JOIN_LEFT, false));
    rig.quiet = true;
    char text[1000 * 24];
    rig_in(&rig, 1, "a 1 0 | b 2 500 | c 3 900");
    for (int done = 0; done < MANY;) {
        int len = 0;
        for (int i = 0; i < 1000; i++, done++)
            len += sprintf(text + len, "%s%c %d %d", i ? " | " : "", "abcd"[done % 4], done, done / 200);
        rig_in(&rig, 0, text);
    }
    int steps = 0;
    do {
        rig_mark(&rig, 10000);
        if (steps++ == 1)
            rig_in(&rig, 0, "a 1 9000"); /* it is told with the others */
        rig_reload(&rig);
    } while (rig.again);
    EXPECT_INT(rig.rows_out, MANY + 1);
    EXPECT(steps >= 3);
    rig_close(&rig);
}
