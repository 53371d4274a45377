/* Which class runs which kind of node. */
#include "flow/ops/ops.h"

static const struct op_class *const classes[PLAN_KINDS] = {
    [PLAN_CALC] = &op_calc,
    [PLAN_WINDOW] = &op_window,
    [PLAN_WINDOW_AGG] = &op_window_agg,
    [PLAN_GROUP_AGG] = &op_group_agg,
    [PLAN_JOIN] = &op_join,
    [PLAN_WINDOW_JOIN] = &op_window_join,
    [PLAN_TEMPORAL_JOIN] = &op_temporal_join,
    [PLAN_LOOKUP_JOIN] = &op_join,
    [PLAN_UNION] = &op_union,
    [PLAN_UNNEST] = &op_unnest,
    [PLAN_RANK] = &op_rank,
    [PLAN_WINDOW_RANK] = &op_window_rank,
    [PLAN_OVER] = &op_over,
    [PLAN_MATCH] = &op_match,
    [PLAN_NORMALIZE] = &op_normalize,
};

const struct op_class *op_class_of(const struct plan_node *node, struct diag *diag)
{
    const struct op_class *class = node->kind < PLAN_KINDS ? classes[node->kind] : NULL;

    if (node->kind == PLAN_WINDOW && node->window.kind == WINDOW_SESSION)
        class = &op_session_window;
    if (node->kind == PLAN_OVER && node->over.time == TIME_NONE)
        class = &op_over_values;
    if (node->kind == PLAN_LOOKUP_JOIN && node->join.lookup)
        class = &op_lookup;
    if (!class)
        (void)diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                       "operator kind %d of the plan (node %u) is not built yet", (int)node->kind,
                       node->id);
    return class;
}
