/* State with a time to live, as stories: what was not written for 10 s is as if it were not there, in each operator
 * that keeps such; it is freed when the alarm rings, and a state that is empty asks for none. */
#include <stdio.h>

#include "lib/ops.h"
#include "lib/test.h"

static struct arena plans;

enum { ALL = CHANGE_UPDATE | CHANGE_UPDATE_BEFORE | CHANGE_DELETE };
#define TTL_US INT64_C(10000000)

static struct plan_node *node_of(enum plan_kind kind, const char *left, const char *right, const char *out,
                                 unsigned changes)
{
    arena_deinit(&plans);
    arena_init(&plans, ARENA_BUDGET_NONE);
    struct plan_node *l = rig_input(&plans, left), *r = right ? rig_input(&plans, right) : NULL;
    struct plan_node *node = rig_node(&plans, kind, out, l, r);
    for (uint16_t i = 0; i < node->inputs_count; i++) {
        node->inputs[i].node->changes = changes;
        node->inputs[i].ttl_us = TTL_US;
    }
    node->changes = ALL;
    return node;
}

static uint64_t rows_kept(const struct op_rig *rig)
{
    uint64_t rows, bytes;

    rig->class->measure(rig->node, rig->state, &rows, &bytes);
    return rows;
}

/* Lets the alarms ring that come until then; how many did. */
static int let_ring(struct op_rig *rig, int64_t until_ms)
{
    int rung = 0;

    for (; rig->alarm_us <= until_ms * 1000; rung++)
        rig_clock(rig, rig->alarm_us / 1000 + (rig->alarm_us % 1000 != 0));
    return rung;
}

/* Nothing is written any more: all of it goes, and nothing rings then. */
static void expect_empties(struct op_rig *rig, int64_t now_ms)
{
    int rung = let_ring(rig, now_ms + 20000);

    EXPECT(rung >= 1 && rung <= 4);
    EXPECT_INT(rows_kept(rig), 0);
    EXPECT(rig->alarm_us == INT64_MAX);
    EXPECT_STR(rig_out(rig), "");
}

static struct plan_node *count_node(unsigned changes, const char *call, int column)
{
    struct plan_node *node = node_of(PLAN_GROUP_AGG, "k text, n bigint", NULL, "k text, c bigint", changes);
    struct agg_call *aggs = ARENA_ARRAY(&plans, struct agg_call, 1);

    aggs[0] = rig_agg(&plans, node->inputs[0].node, call, column, -1);
    node->group_agg = (struct plan_group_agg){.keys = rig_columns(&plans, "0"), .keys_count = 1, .aggs = aggs,
                                              .aggs_count = 1, .emit_update_before = true};
    return node;
}

TEST(expiry_a_group_that_is_idle_begins_anew)
{
    struct op_rig rig;

    rig_open(&rig, count_node(0, "COUNT", -1));
    rig_clock(&rig, 100000);
    rig_in(&rig, 0, "a 1 | a 1 | b 1");
    EXPECT_STR(rig_out(&rig), "+I a 2 | +I b 1");
    rig_clock(&rig, 105000);
    rig_in(&rig, 0, "a 1");
    EXPECT_STR(rig_out(&rig), "-U a 2 | +U a 3");
    rig_reload(&rig);
    rig_clock(&rig, 110000); /* b: 10 s */
    rig_in(&rig, 0, "a 1 | b 1 | b 1");
    EXPECT_STR(rig_out(&rig), "-U a 3 | +U a 4 | +I b 2");
    rig_reload(&rig);
    rig_clock(&rig, 119999);
    rig_in(&rig, 0, "a 1");
    EXPECT_STR(rig_out(&rig), "-U a 4 | +U a 5");
    expect_empties(&rig, 119999);
    rig_in(&rig, 0, "a 1");
    EXPECT_STR(rig_out(&rig), "+I a 1");
    rig_close(&rig);
}

TEST(expiry_what_is_taken_back_too_late_is_dropped)
{
    struct op_rig rig;

    rig_open(&rig, count_node(ALL, "SUM", 1));
    rig_clock(&rig, 1000);
    rig_in(&rig, 0, "a 5 | a 6 | b 7");
    EXPECT_STR(rig_out(&rig), "+I a 11 | +I b 7");
    rig_clock(&rig, 10999);
    rig_in(&rig, 0, "-D a 5");
    EXPECT_STR(rig_out(&rig), "-U a 11 | +U a 6");
    rig_reload(&rig);
    rig_clock(&rig, 11000);
    rig_in(&rig, 0, "-U b 7 | +U b 8"); /* as in Flink: -U is of no group, +U begins one */
    EXPECT_STR(rig_out(&rig), "+I b 8");
    rig_clock(&rig, 21000);
    rig_in(&rig, 0, "-D b 8 | -D a 6");
    EXPECT_STR(rig_out(&rig), "");
    expect_empties(&rig, 21000);
    rig_close(&rig);
}

/* Else who keeps the result would let go of it, though it is written here. */
TEST(expiry_an_update_is_told_where_no_result_has_changed)
{
    struct op_rig rig;
    struct plan_node *node = count_node(0, "MAX", 1);

    rig_open(&rig, node);
    rig_clock(&rig, 0);
    rig_in(&rig, 0, "a 5");
    EXPECT_STR(rig_out(&rig), "+I a 5");
    rig_in(&rig, 0, "a 4");
    EXPECT_STR(rig_out(&rig), "-U a 5 | +U a 5");
    rig_close(&rig);
    node->inputs[0].ttl_us = 0;
    rig_open(&rig, node);
    rig_in(&rig, 0, "a 5");
    EXPECT_STR(rig_out(&rig), "+I a 5");
    rig_in(&rig, 0, "a 4");
    EXPECT_STR(rig_out(&rig), "");
    EXPECT(rig.alarm_us == INT64_MAX);
    rig_close(&rig);
}

/* Each value that DISTINCT has seen has a time of its own: of its first coming where rows are only added. */
TEST(expiry_distinct_values_are_forgotten_one_by_one)
{
    struct op_rig rig;

    rig_open(&rig, count_node(0, "COUNT DISTINCT", 1));
    rig_clock(&rig, 0);
    rig_in(&rig, 0, "a 1");
    EXPECT_STR(rig_out(&rig), "+I a 1");
    rig_clock(&rig, 6000);
    rig_in(&rig, 0, "a 1 | a 2");
    EXPECT_STR(rig_out(&rig), "-U a 1 | +U a 2");
    rig_reload(&rig);
    rig_clock(&rig, 10000); /* 1 was written at 0 */
    rig_in(&rig, 0, "a 1 | a 2 | a 1");
    EXPECT_STR(rig_out(&rig), "-U a 2 | +U a 3");
    rig_clock(&rig, 20000); /* the group goes, and what is left of its values is of nobody */
    rig_in(&rig, 0, "a 2");
    EXPECT_STR(rig_out(&rig), "+I a 1");
    expect_empties(&rig, 20000);
    rig_close(&rig);
    rig_open(&rig, count_node(ALL, "COUNT DISTINCT", 1));
    rig_clock(&rig, 0);
    rig_in(&rig, 0, "a 1 | a 1 | a 2");
    EXPECT_STR(rig_out(&rig), "+I a 2");
    rig_clock(&rig, 9000);
    rig_in(&rig, 0, "-D a 1"); /* its count is written */
    EXPECT_STR(rig_out(&rig), "-U a 2 | +U a 2");
    rig_reload(&rig);
    rig_clock(&rig, 18000);
    rig_in(&rig, 0, "-D a 2 | a 1"); /* 2 is gone: nothing is taken back; 1 is not */
    EXPECT_STR(rig_out(&rig), "-U a 2 | +U a 2");
    rig_close(&rig);
}

static struct plan_node *join_node(enum join_kind kind, unsigned changes)
{
    bool left_only = kind == JOIN_SEMI || kind == JOIN_ANTI;
    struct plan_node *node = node_of(PLAN_JOIN, "k bigint, a text", "k bigint, b text",
                                     left_only ? "k bigint, a text" : "k bigint, a text, k bigint, b text", changes);

    node->join = (struct plan_join){.kind = kind, .left_keys = rig_columns(&plans, "0"),
                                    .right_keys = rig_columns(&plans, "0"), .keys_count = 1};
    return node;
}

TEST(expiry_each_side_of_a_join_has_its_own_time)
{
    struct op_rig rig;
    struct plan_node *node = join_node(JOIN_INNER, 0);

    node->inputs[1].ttl_us = 2 * TTL_US;
    rig_open(&rig, node);
    rig_clock(&rig, 0);
    rig_in(&rig, 0, "1 x");
    rig_in(&rig, 1, "1 A");
    EXPECT_STR(rig_out(&rig), "+I 1 x 1 A");
    rig_clock(&rig, 10000);
    rig_in(&rig, 1, "1 B"); /* x is gone */
    EXPECT_STR(rig_out(&rig), "");
    rig_reload(&rig);
    rig_in(&rig, 0, "1 y");
    EXPECT_STR(rig_out(&rig), "+I 1 y 1 A | +I 1 y 1 B");
    rig_clock(&rig, 20000);
    rig_in(&rig, 0, "1 z"); /* A is gone */
    EXPECT_STR(rig_out(&rig), "+I 1 z 1 B");
    EXPECT_INT(let_ring(&rig, 60000) > 0, true);
    EXPECT_INT(rows_kept(&rig), 0);
    EXPECT(rig.alarm_us == INT64_MAX);
    rig_close(&rig);
    node->inputs[0].ttl_us = 0; /* the left is kept for ever */
    rig_open(&rig, node);
    rig_clock(&rig, 0);
    rig_in(&rig, 0, "1 x");
    rig_in(&rig, 1, "1 A | 2 B");
    rig_reload(&rig);
    let_ring(&rig, 100000);
    EXPECT_INT(rows_kept(&rig), 1);
    EXPECT(rig.alarm_us == INT64_MAX);
    rig_close(&rig);
}

/* As Flink's joins: what is taken back is told against what is there, whether it is there itself or not; of two equal
 * rows the one that stands is taken. */
TEST(expiry_a_join_tells_what_is_taken_back_late)
{
    struct op_rig rig;

    rig_open(&rig, join_node(JOIN_INNER, ALL));
    rig_clock(&rig, 0);
    rig_in(&rig, 0, "1 x");
    rig_clock(&rig, 9000);
    rig_in(&rig, 0, "1 x");
    rig_clock(&rig, 12000);
    rig_in(&rig, 1, "1 A");
    EXPECT_STR(rig_out(&rig), "+I 1 x 1 A");
    rig_in(&rig, 0, "-D 1 x");
    EXPECT_STR(rig_out(&rig), "-D 1 x 1 A");
    rig_in(&rig, 1, "1 B");
    EXPECT_STR(rig_out(&rig), "");
    rig_in(&rig, 0, "-D 1 x");
    EXPECT_STR(rig_out(&rig), "-D 1 x 1 A | -D 1 x 1 B");
    rig_close(&rig);
}

/* The count of matches is a part of an outer side's rows: a match writes them. */
TEST(expiry_outer_rows_are_written_by_their_matches)
{
    struct op_rig rig;

    rig_open(&rig, join_node(JOIN_LEFT, ALL));
    rig_clock(&rig, 0);
    rig_in(&rig, 0, "1 x | 2 y");
    EXPECT_STR(rig_out(&rig), "+I 1 x null null | +I 2 y null null");
    rig_clock(&rig, 6000);
    rig_in(&rig, 1, "1 A");
    EXPECT_STR(rig_out(&rig), "-D 1 x null null | +I 1 x 1 A");
    rig_reload(&rig);
    rig_clock(&rig, 12000);
    rig_in(&rig, 1, "1 B | 2 C"); /* x was written at 6 s, y was not */
    EXPECT_STR(rig_out(&rig), "+I 1 x 1 B");
    rig_clock(&rig, 16000); /* A is gone, and taken back all the same */
    rig_in(&rig, 1, "-D 1 A | -D 1 B");
    EXPECT_STR(rig_out(&rig), "-D 1 x 1 A | -D 1 x 1 B | +I 1 x null null");
    expect_empties(&rig, 16000);
    rig_close(&rig);
}

TEST(expiry_in_and_not_in_forget)
{
    struct op_rig rig;

    rig_open(&rig, join_node(JOIN_SEMI, ALL));
    rig_clock(&rig, 0);
    rig_in(&rig, 1, "1 A");
    rig_in(&rig, 0, "1 x");
    EXPECT_STR(rig_out(&rig), "+I 1 x");
    rig_clock(&rig, 10000);
    rig_in(&rig, 0, "1 y"); /* A is gone */
    EXPECT_STR(rig_out(&rig), "");
    rig_in(&rig, 1, "1 B"); /* and so is x */
    EXPECT_STR(rig_out(&rig), "+I 1 y");
    expect_empties(&rig, 10000);
    rig_close(&rig);
    rig_open(&rig, join_node(JOIN_ANTI, ALL));
    rig_clock(&rig, 0);
    rig_in(&rig, 1, "1 A");
    rig_in(&rig, 0, "1 x");
    EXPECT_STR(rig_out(&rig), "");
    rig_clock(&rig, 10000);
    rig_in(&rig, 0, "1 y");
    EXPECT_STR(rig_out(&rig), "+I 1 y");
    rig_close(&rig);
}

static struct plan_sort_key by_n;

static struct plan_node *rank_node(int64_t limit, bool emit_rank, unsigned changes, bool descending)
{
    struct plan_node *node = node_of(PLAN_RANK, "k text, n bigint", NULL,
                                     emit_rank ? "k text, n bigint, r bigint" : "k text, n bigint", changes);

    by_n = (struct plan_sort_key){.column = 1, .descending = descending};
    node->rank = (struct plan_rank){.partition = rig_columns(&plans, "0"), .partition_count = 1, .order = &by_n,
                                    .order_count = 1, .limit = limit, .emit_rank = emit_rank};
    return node;
}

TEST(expiry_deduplication_lets_a_key_come_again)
{
    struct op_rig rig;

    rig_open(&rig, rank_node(1, false, 0, false)); /* the first stays, and is not written again */
    rig_clock(&rig, 0);
    rig_in(&rig, 0, "a 1 | b 2");
    EXPECT_STR(rig_out(&rig), "+I a 1 | +I b 2");
    rig_clock(&rig, 6000);
    rig_in(&rig, 0, "a 3 | b 1");
    EXPECT_STR(rig_out(&rig), "-U b 2 | +U b 1");
    rig_reload(&rig);
    rig_clock(&rig, 10000);
    rig_in(&rig, 0, "a 4 | a 5 | b 4");
    EXPECT_STR(rig_out(&rig), "+I a 4");
    expect_empties(&rig, 10000);
    rig_close(&rig);
}

TEST(expiry_rows_of_a_top_n_go_one_by_one)
{
    struct op_rig rig;

    rig_open(&rig, rank_node(2, true, 0, true));
    rig_clock(&rig, 0);
    rig_in(&rig, 0, "a 9");
    rig_clock(&rig, 6000);
    rig_in(&rig, 0, "a 5");
    EXPECT_STR(rig_out(&rig), "+I a 9 1 | +I a 5 2");
    rig_reload(&rig);
    rig_clock(&rig, 10000); /* 9 is gone without a word, 5 has moved up */
    rig_in(&rig, 0, "a 4");
    EXPECT_STR(rig_out(&rig), "+I a 4 2");
    EXPECT_INT(rows_kept(&rig), 2);
    expect_empties(&rig, 10000);
    rig_close(&rig);
    rig_open(&rig, rank_node(2, false, ALL, true));
    rig_clock(&rig, 0);
    rig_in(&rig, 0, "a 9 | a 8 | a 7");
    EXPECT_STR(rig_out(&rig), "+I a 9 | +I a 8");
    rig_clock(&rig, 9000);
    rig_in(&rig, 0, "a 6");
    EXPECT_STR(rig_out(&rig), "");
    rig_reload(&rig);
    rig_clock(&rig, 10000);
    rig_in(&rig, 0, "-D a 9 | a 5"); /* dropped; 6 stands first now */
    EXPECT_STR(rig_out(&rig), "+I a 5");
    rig_in(&rig, 0, "-D a 6");
    EXPECT_STR(rig_out(&rig), "-D a 6");
    expect_empties(&rig, 10000);
    rig_close(&rig);
}

TEST(expiry_upserts_of_a_key_that_is_forgotten_are_new)
{
    struct op_rig rig;
    struct plan_node *node = node_of(PLAN_NORMALIZE, "k text, n bigint", NULL, "k text, n bigint", CHANGE_UPDATE);

    node->normalize = (struct plan_normalize){.keys = rig_columns(&plans, "0"), .keys_count = 1};
    rig_open(&rig, node);
    rig_clock(&rig, 0);
    rig_in(&rig, 0, "a 1 | b 1");
    EXPECT_STR(rig_out(&rig), "+I a 1 | +I b 1");
    rig_clock(&rig, 6000);
    rig_in(&rig, 0, "+U a 1");
    EXPECT_STR(rig_out(&rig), "-U a 1 | +U a 1");
    rig_reload(&rig);
    rig_clock(&rig, 10000);
    rig_in(&rig, 0, "+U a 2 | -D b 1 | +U b 3");
    EXPECT_STR(rig_out(&rig), "-U a 1 | +U a 2 | +I b 3");
    rig_clock(&rig, 20000);
    rig_in(&rig, 0, "-D a 2");
    EXPECT_STR(rig_out(&rig), "");
    expect_empties(&rig, 20000);
    rig_close(&rig);
}

TEST(expiry_over_in_processing_time_begins_anew)
{
    struct op_rig rig;
    struct plan_node *node =
        node_of(PLAN_OVER, "k text, n bigint, t rowtime", NULL, "k text, n bigint, t rowtime, s bigint", 0);
    struct agg_call *aggs = ARENA_ARRAY(&plans, struct agg_call, 1);

    aggs[0] = rig_agg(&plans, node->inputs[0].node, "SUM", 1, -1);
    node->changes = 0;
    node->over = (struct plan_over){.partition = rig_columns(&plans, "0"), .partition_count = 1, .column = 2,
                                    .time = TIME_PROC, .rows = true, .aggs = aggs, .aggs_count = 1};
    rig_open(&rig, node);
    rig_clock(&rig, 0);
    rig_in(&rig, 0, "a 1 0 | b 2 0");
    EXPECT_STR(rig_out(&rig), "+I a 1 0 1 | +I b 2 0 2");
    rig_clock(&rig, 9000);
    rig_in(&rig, 0, "a 1 0");
    EXPECT_STR(rig_out(&rig), "+I a 1 0 2");
    rig_reload(&rig);
    rig_clock(&rig, 10000);
    rig_in(&rig, 0, "a 1 0 | b 2 0 | b 2 0");
    EXPECT_STR(rig_out(&rig), "+I a 1 0 3 | +I b 2 0 2 | +I b 2 0 4");
    expect_empties(&rig, 10000);
    rig_close(&rig);
}

/* A look takes in a part; the hand goes round in half of the time, and all that is over is freed by one and a half. */
TEST(expiry_a_large_state_is_freed_in_parts)
{
    enum { KEYS = 100000 };
    struct op_rig rig;
    struct buf rows;
    uint64_t most = 0, before;
    int rung = 0;

    rig_open(&rig, count_node(0, "COUNT", -1));
    rig.quiet = true;
    buf_init(&rows, 0);
    rig_clock(&rig, 0);
    for (int k = 0; k < KEYS; k++) {
        buf_printf(&rows, "%sk%d 1", rows.len ? " | " : "", k);
        if (k % 1000 != 999)
            continue;
        buf_u8(&rows, 0);
        rig_in(&rig, 0, (const char *)rows.ptr);
        buf_clear(&rows);
    }
    rig_tick(&rig);
    EXPECT_INT(rows_kept(&rig), KEYS);
    while (rig.alarm_us != INT64_MAX) {
        before = rows_kept(&rig);
        EXPECT_INT(let_ring(&rig, (rig.alarm_us + 999) / 1000), 1);
        most = before - rows_kept(&rig) > most ? before - rows_kept(&rig) : most;
        EXPECT(rig.ctx.expr.now_us <= 2 * TTL_US);
        rung++;
    }
    EXPECT_INT(rows_kept(&rig), 0);
    EXPECT(most < KEYS / 4);
    EXPECT(rung >= 5 && rung < 50);
    buf_deinit(&rows);
    rig_close(&rig);
}
