/* SESSION windows: rows are held until their session ends. */
#include <stdio.h>

#include "lib/ops.h"
#include "lib/test.h"

static struct arena plans;

static struct plan_node *session_node(enum time_attr time)
{
    arena_deinit(&plans);
    arena_init(&plans, ARENA_BUDGET_NONE);
    struct plan_node *node = rig_node(&plans, PLAN_WINDOW,
                                      "k bigint, t rowtime, ws timestamp, we timestamp, wt timestamp",
                                      rig_input(&plans, "k bigint, t rowtime"), NULL);
    node->window = (struct plan_window){.kind = WINDOW_SESSION, .time = time, .column = 1, .size_us = 10000,
                                        .partition = rig_columns(&plans, "0"), .partition_count = 1};
    return node;
}

TEST(sessions_are_joined_by_a_row_between_them)
{
    struct op_rig rig;
    rig_open(&rig, session_node(TIME_ROW));
    rig_in(&rig, 0, "1 100 | 1 115 | 2 100 | 1 130");
    rig_mark(&rig, 108);
    EXPECT_STR(rig_out(&rig), "");
    rig_in(&rig, 0, "1 106"); /* [100, 110) and [115, 125) become one */
    rig_reload(&rig);
    rig_mark(&rig, 109);
    EXPECT_STR(rig_out(&rig), "+I 2 100 100 110 109");
    rig_in(&rig, 0, "2 95 | 2 105"); /* [95, 105) is past, and what it touches is told */
    EXPECT_INT(rig.late, 1);
    rig_mark(&rig, 130);
    EXPECT_STR(rig_out(&rig), "+I 2 105 105 115 114 | +I 1 115 100 125 124 | +I 1 100 100 125 124 | +I 1 106 100 125 124");
    rig_mark(&rig, INT64_MAX);
    EXPECT_STR(rig_out(&rig), "+I 1 130 130 140 139");
    rig_close(&rig);
}

TEST(a_row_that_is_taken_back_leaves_its_session)
{
    struct op_rig rig;
    struct plan_node *node = session_node(TIME_ROW);
    node->inputs[0].node->changes = CHANGE_UPDATE | CHANGE_UPDATE_BEFORE | CHANGE_DELETE;
    rig_open(&rig, node);
    rig_in(&rig, 0, "1 100 | 1 105 | 1 108 | 2 100 | 3 100");
    rig_in(&rig, 0, "-D 1 108 | -U 2 100 | -D 4 100 | -D 1 107");
    EXPECT_INT(rig.late, 1); /* of a key that is not there; 107 is in a session, which does not have it */
    rig_reload(&rig);
    rig_in(&rig, 0, "2 105 | 3 109 | -D 3 109 | -D 3 100");
    rig_mark(&rig, 117);
    EXPECT_STR(rig_out(&rig),
               "+I 2 105 100 115 114 | +I 1 100 100 118 117 | +I 1 105 100 118 117"); /* the bounds stay */
    rig_in(&rig, 0, "-D 1 100");
    EXPECT_INT(rig.late, 2);
    rig_mark(&rig, INT64_MAX);
    EXPECT_STR(rig_out(&rig), "");
    uint64_t rows = 1, bytes;
    rig.class->measure(node, rig.state, &rows, &bytes);
    EXPECT_INT(rows, 0);
    rig_close(&rig);
}

TEST(sessions_of_processing_time_end_by_the_clock)
{
    struct op_rig rig;
    rig_open(&rig, session_node(TIME_PROC));
    rig.ctx.expr.proctime_us = 100000;
    rig_in(&rig, 0, "1 0 | 2 0");
    EXPECT_INT(rig.alarm_us, 110000);
    rig.ctx.expr.proctime_us = 105000;
    rig_in(&rig, 0, "1 0");
    rig_clock(&rig, 110);
    EXPECT_STR(rig_out(&rig), "+I 2 0 100 110 109");
    rig_reload(&rig);
    rig_clock(&rig, 115);
    EXPECT_STR(rig_out(&rig), "+I 1 0 100 115 114 | +I 1 0 100 115 114");
    rig_close(&rig);
}

/* More rows than a call may tell, saved on the way. */
TEST_SECONDS(large_sessions_are_told_in_bounded_steps, 60)
{
    enum { MANY = 200000 };
    struct op_rig rig;
    rig_open(&rig, session_node(TIME_ROW));
    rig.quiet = true;
    char text[CHUNK_ROWS * 24];
    for (int done = 0; done < MANY;) {
        int len = 0;
        for (int i = 0; i < 1000; i++, done++)
            len += sprintf(text + len, "%s%d %d", i ? " | " : "", done % 3 ? 1 : done, done / 1000);
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
    uint64_t rows = 1, bytes;
    rig.class->measure(rig.node, rig.state, &rows, &bytes);
    EXPECT_INT(rows, 0);
    rig_close(&rig);
}
