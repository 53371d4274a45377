/* Checkpoints with damaged bytes: an operator refuses them, or loads a state that works on. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/rng.h"
#include "lib/ops.h"
#include "lib/test.h"

static const enum plan_kind kinds[] = {PLAN_GROUP_AGG, PLAN_GROUP_AGG,   PLAN_WINDOW_AGG,  PLAN_RANK,
                                       PLAN_JOIN,      PLAN_WINDOW_JOIN, PLAN_WINDOW_RANK, PLAN_WINDOW,
                                       PLAN_OVER,      PLAN_OVER, PLAN_TEMPORAL_JOIN, PLAN_MATCH, PLAN_OVER};
enum { PLAIN = 2 * sizeof(kinds) / sizeof(kinds[0]), DAMAGED = 2 * PLAIN }; /* of those behind, what can expires */

/* A{1,}? N, of which N never comes: runs are left. */
static void match_make(struct arena *plans, struct plan_node *node, const struct agg_call *min)
{
    static const struct plan_match_ref refs[2] = {{.variable = MATCH_ALL, .first = true, .column = 1},
                                                  {.variable = 0, .offset = 1, .column = 1}};
    struct plan_match_variable *v = ARENA_ARRAY(plans, struct plan_match_variable, 2);
    struct plan_match_agg *agg = ARENA_NEW(plans, struct plan_match_agg);

    v[0] = (struct plan_match_variable){.name = BYTES_LITERAL("A"), .least = 1, .most = MATCH_UNBOUNDED};
    v[1] = (struct plan_match_variable){
        .name = BYTES_LITERAL("N"), .least = 1, .most = 1, .single = true, .define = expr_bool(plans, false)};
    *agg = (struct plan_match_agg){.variable = 0, .call = *min};
    node->match = (struct plan_match){.partition = rig_columns(plans, "0"),
                                      .partition_count = 1,
                                      .column = 2,
                                      .time = TIME_ROW,
                                      .variables = v,
                                      .variables_count = 2,
                                      .measures = {refs, 2, agg, 1},
                                      .skip = SKIP_TO_NEXT,
                                      .within_us = 45000000};
}

static struct plan_node *plain_node(struct arena *plans, int kind)
{
    static const struct plan_sort_key order = {.column = 1};
    const char *in = kind % 2 ? "k text, s text, t rowtime, e timestamp" : "k bigint, s text, t rowtime, e timestamp";
    struct plan_node *input = rig_input(plans, in);
    enum plan_kind of = kinds[kind / 2];
    bool join = of == PLAN_JOIN || of == PLAN_WINDOW_JOIN || of == PLAN_TEMPORAL_JOIN;
    struct plan_node *other = join ? rig_input(plans, in) : NULL;
    char out[200] = "k bigint, a text, b bigint, c text";

    if (other)
        snprintf(out, sizeof(out), "%s, %s", in, in);
    else if (of == PLAN_RANK || of == PLAN_WINDOW_RANK)
        snprintf(out, sizeof(out), "%s", in);
    else if (of == PLAN_WINDOW)
        snprintf(out, sizeof(out), "%s, ws timestamp, we timestamp, wt timestamp", in);
    else if (of == PLAN_OVER)
        snprintf(out, sizeof(out), "%s, lo text, d bigint, last text", in);
    else if (of == PLAN_MATCH)
        snprintf(out, sizeof(out), "%s, a text, b text, c text", kind % 2 ? "k text" : "k bigint");
    else if (kind % 2)
        memcpy(out, "k text  ", 8);
    struct plan_node *node = rig_node(plans, of, out, input, other);
    struct agg_call *aggs = ARENA_ARRAY(plans, struct agg_call, 3);
    aggs[0] = rig_agg(plans, input, "MIN", 1, -1);
    aggs[1] = rig_agg(plans, input, "COUNT DISTINCT", 1, -1);
    aggs[2] = rig_agg(plans, input, "LAST_VALUE", 1, -1);
    const uint16_t *key = rig_columns(plans, "0");
    switch (kind / 2) {
    case 1: input->changes = CHANGE_DELETE; __attribute__((fallthrough));
    case 0:
        node->group_agg = (struct plan_group_agg){.keys = key, .keys_count = 1, .aggs = aggs, .aggs_count = 3};
        break;
    case 2:
        input->changes = kind % 2 ? CHANGE_DELETE : 0;
        node->window_agg = (struct plan_window_agg){
            .window = {.kind = WINDOW_HOP, .time = TIME_ROW, .column = 2, .size_us = 10000000, .slide_us = 5000000},
            .keys = key, .keys_count = 1, .aggs = aggs, .aggs_count = 3};
        break;
    case 3:
        input->changes = CHANGE_DELETE;
        node->rank = (struct plan_rank){.partition = key, .partition_count = 1, .order = &order, .order_count = 1,
                                        .limit = 2};
        break;
    case 6:
        node->rank = (struct plan_rank){.partition = rig_columns(plans, "2 3 0"), .partition_count = 3, .order = &order,
                                        .order_count = 1, .limit = 2, .start_column = 2, .end_column = 3};
        break;
    case 7:
        input->changes = kind % 2 ? CHANGE_DELETE : 0;
        node->window = (struct plan_window){.kind = WINDOW_SESSION, .time = TIME_ROW, .column = 2, .size_us = 5000000,
                                            .partition = key, .partition_count = 1};
        break;
    case 8:
    case 9:
        node->over = (struct plan_over){.partition = key, .partition_count = 1, .column = 2, .time = TIME_ROW,
                                        .bounded = kind / 2 == 9, .preceding = 2000000, .aggs = aggs, .aggs_count = 3};
        break;
    case 11: match_make(plans, node, &aggs[0]); break;
    case 12:
        input->changes = CHANGE_DELETE;
        node->over = (struct plan_over){.partition = key, .partition_count = 1, .column = 1, .aggs = aggs, .aggs_count = 3};
        break;
    default:
        node->join = (struct plan_join){.kind = of == PLAN_TEMPORAL_JOIN ? JOIN_LEFT : JOIN_FULL, .left_keys = key,
                                        .right_keys = key, .keys_count = 1, .left_time = 2, .right_time = 2,
                                        .left_start = 2, .left_end = 3, .right_start = 2, .right_end = 3};
    }
    return node;
}

static struct plan_node *damage_node(struct arena *plans, int kind)
{
    struct plan_node *node = plain_node(plans, kind % PLAIN);

    for (uint16_t i = 0; i < node->inputs_count && kind >= PLAIN && plan_expires(node); i++)
        node->inputs[i].ttl_us = 10000000;
    return node;
}

static const char rows[] = "1 a 1000 30000 | 2 bc 7000 30000 | 1 d 8000 40000 | 3 null 12000 30000 | null e 9000 30000";

/* Loads and works on; false: it was refused somewhere on the way, which is fine. */
static bool works(struct op_rig *rig, struct bytes saved)
{
    void *state = xcalloc(1, rig->class->state_size + 16);
    struct reader r = reader_of(saved);
    struct snap_writer w = {0};
    bool fine = rig->class->open(rig->node, state, &rig->ctx) == ST_OK &&
                rig->class->load(rig->node, state, &rig->ctx, &r) == ST_OK;

    for (int i = 0; fine && i < rig->node->inputs_count; i++)
        fine = rig->class->on_chunk(rig->node, state, &rig->ctx, i,
                                    rig_rows(&rig->arena, rig->node->inputs[i].node, rows)) == ST_OK;
    enum status end = ST_AGAIN;
    while (fine && rig->class->on_tick_end && end == ST_AGAIN)
        end = rig->class->on_tick_end(rig->node, state, &rig->ctx);
    fine &= !rig->class->on_tick_end || end == ST_OK;
    enum status st = ST_AGAIN;
    for (int step = 0; fine && rig->class->on_watermark && st == ST_AGAIN && step < 20; step++)
        st = rig->class->on_watermark(rig->node, state, &rig->ctx, 50000000);
    rig->ctx.expr.now_us = 60000000;
    if (fine && rig->node->inputs[0].ttl_us) /* else it has asked for no alarm */
        fine = rig->class->on_clock(rig->node, state, &rig->ctx, 60000000) == ST_OK;
    rig->ctx.expr.now_us = 0;
    if (fine)
        rig->class->save(rig->node, state, &w);
    buf_deinit(&w.buf);
    rig->class->close(rig->node, state);
    free(state);
    arena_reset(&rig->call_arena);
    arena_reset(&rig->arena);
    return fine;
}

TEST_SECONDS(damaged_checkpoints_are_refused_or_work, 120)
{
    struct rng rng = rng_seed(test_seed());
    int refused = 0;

    for (int kind = 0; kind < DAMAGED; kind++) {
        struct arena plans;
        struct op_rig rig;
        struct snap_writer w = {0};
        arena_init(&plans, ARENA_BUDGET_NONE);
        rig_open(&rig, damage_node(&plans, kind));
        rig.quiet = true;
        for (int i = 0; i < rig.node->inputs_count; i++)
            rig_in(&rig, i, rows);
        rig_tick(&rig);
        if (rig.node->kind == PLAN_MATCH)
            rig_mark(&rig, 9500); /* some rows are in runs, some wait */
        rig.class->save(rig.node, rig.state, &w);
        EXPECT(works(&rig, buf_view(&w.buf)));
        for (int i = 0; i < 400; i++) {
            uint8_t *copy = malloc(w.buf.len);
            size_t len = rng_chance(&rng, 0.1) ? rng_below(&rng, w.buf.len) : w.buf.len;
            memcpy(copy, w.buf.ptr, w.buf.len);
            for (uint64_t flips = rng_below(&rng, 3) + 1; flips > 0; flips--)
                copy[rng_below(&rng, w.buf.len)] ^= (uint8_t)(1u << rng_below(&rng, 8));
            refused += !works(&rig, bytes_of(copy, len));
            free(copy);
        }
        buf_deinit(&w.buf);
        rig_close(&rig);
        arena_deinit(&plans);
    }
    EXPECT(refused > 100);
}
