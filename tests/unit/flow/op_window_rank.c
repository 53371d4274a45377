/* ROW_NUMBER() of windows: told once, at the window's end. */
#include <stdio.h>

#include "lib/ops.h"
#include "lib/test.h"

static struct arena plans;

static struct plan_node *rank_node(int64_t limit, bool emit_rank, bool descending)
{
    static struct plan_sort_key key;
    arena_deinit(&plans);
    arena_init(&plans, ARENA_BUDGET_NONE);
    const char *in = "k bigint, n bigint, ws timestamp, we timestamp";
    struct plan_node *node = rig_node(&plans, PLAN_WINDOW_RANK,
                                      emit_rank ? "k bigint, n bigint, ws timestamp, we timestamp, r bigint" : in,
                                      rig_input(&plans, in), NULL);
    key = (struct plan_sort_key){.column = 1, .descending = descending};
    node->rank = (struct plan_rank){.partition = rig_columns(&plans, "2 3 0"), .partition_count = 3, .order = &key,
                                    .order_count = 1, .limit = limit, .emit_rank = emit_rank, .start_column = 2,
                                    .end_column = 3};
    return node;
}

TEST(the_first_of_a_window_are_told_when_it_ends)
{
    struct op_rig rig;
    rig_open(&rig, rank_node(2, true, true));
    rig_in(&rig, 0, "1 5 0 10 | 1 7 0 10 | 2 1 0 10 | 1 6 0 10 | 1 9 10 20");
    EXPECT_STR(rig_out(&rig), "");
    rig_mark(&rig, 8);
    EXPECT_STR(rig_out(&rig), "");
    rig_reload(&rig);
    rig_mark(&rig, 9); /* window_time of the first window */
    EXPECT_STR(rig_out(&rig), "+I 1 7 0 10 1 | +I 1 6 0 10 2 | +I 2 1 0 10 1");
    rig_in(&rig, 0, "1 8 0 10 | 1 10 10 20 | 1 3 10 20");
    EXPECT_INT(rig.late, 1);
    rig_mark(&rig, INT64_MAX);
    EXPECT_STR(rig_out(&rig), "+I 1 10 10 20 1 | +I 1 9 10 20 2");
    uint64_t rows = 1, bytes;
    rig.class->measure(rig.node, rig.state, &rows, &bytes);
    EXPECT_INT(rows, 0);
    rig_close(&rig);
}

TEST(windows_of_ranks_are_told_by_their_end)
{
    struct op_rig rig;
    rig_open(&rig, rank_node(1, false, false));
    rig_in(&rig, 0, "1 5 10 20 | 1 7 0 20 | 1 1 0 10 | 2 null 0 10");
    rig_mark(&rig, 100);
    EXPECT_STR(rig_out(&rig), "+I 1 1 0 10 | +I 2 null 0 10 | +I 1 7 0 20 | +I 1 5 10 20");
    rig_close(&rig);
}

/* A window of more rows than a call may emit, saved on the way. */
TEST_SECONDS(large_windows_of_ranks_are_told_in_bounded_steps, 60)
{
    enum { MANY = 200000 };
    struct op_rig rig;
    rig_open(&rig, rank_node(MANY, true, false));
    rig.quiet = true;
    char text[CHUNK_ROWS * 24];
    for (int done = 0; done < MANY;) {
        int len = 0;
        for (int i = 0; i < 1000; i++, done++)
            len += sprintf(text + len, "%s%d %d 0 10", i ? " | " : "", done % 3 ? 1 : done, done);
        rig_in(&rig, 0, text);
    }
    int steps = 0;
    do {
        rig_mark(&rig, 9);
        rig_reload(&rig);
        steps++;
    } while (rig.again);
    EXPECT_INT(rig.rows_out, MANY);
    EXPECT(steps >= 3);
    rig_close(&rig);
}
