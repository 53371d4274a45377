/* Which nodes' rows carry where they were read (struct origin): those from which some operator wants
 * it, so that no other plan pays for it.
 *
 *   wants     operators that drop late rows, to name them in t$late; those whose order the query leaves
 *             open, to have one: ROW_NUMBER, FIRST_VALUE, LAST_VALUE, LISTAGG, ARRAY_AGG, MATCH_RECOGNIZE. The latter
 *             only of rows that are never taken back: what takes a row back is another record, with another place
 *   passes    what gives the rows it is given: projections, windows, unions, ranks
 *   has none  what makes a row of several: joins, aggregates, matches; and rows of views */
#include "sql/bind.h"

static bool is_ordered(const struct agg_call *aggs, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        if (agg_is_ordered(aggs[i].kind))
            return true;
    }
    return false;
}

/* The query leaves the order of rows open, and the operator asks for one. */
static bool orders_rows(const struct plan_node *node)
{
    switch (node->kind) {
    case PLAN_RANK:
    case PLAN_WINDOW_RANK:
        return node->rank.order_count > 0;
    case PLAN_OVER:
        return node->over.time == TIME_ROW;
    case PLAN_MATCH: return node->match.time == TIME_ROW;
    case PLAN_GROUP_AGG:
        return is_ordered(node->group_agg.aggs, node->group_agg.aggs_count);
    case PLAN_WINDOW_AGG:
        return is_ordered(node->window_agg.aggs, node->window_agg.aggs_count);
    default:
        return false;
    }
}

static bool drops_late(const struct plan_node *node)
{
    if (node->kind == PLAN_WINDOW_JOIN || node->kind == PLAN_TEMPORAL_JOIN || node->kind == PLAN_WINDOW_RANK)
        return true;
    if (node->kind == PLAN_OVER || node->kind == PLAN_MATCH)
        return orders_rows(node);
    if (node->kind == PLAN_WINDOW)
        return node->window.kind == WINDOW_SESSION && node->window.time == TIME_ROW;
    return node->kind == PLAN_WINDOW_AGG &&
           (node->window_agg.attached || node->window_agg.window.time == TIME_ROW);
}

static bool passes_rows(const struct plan_node *node)
{
    return node->kind == PLAN_CALC || node->kind == PLAN_WINDOW || node->kind == PLAN_UNION ||
           node->kind == PLAN_WINDOW_RANK || (node->kind == PLAN_OVER && node->over.time != TIME_NONE) ||
           (node->kind == PLAN_RANK && node->inputs[0].node->changes == 0);
}

static bool has_origins(const struct plan_node *node)
{
    if (node->kind == PLAN_SCAN)
        return node->scan.table->kind == TABLE_CONNECTOR;
    if (!passes_rows(node))
        return false;
    for (uint16_t i = 0; i < node->inputs_count; i++) {
        if (!node->inputs[i].node->origins)
            return false;
    }
    return (node->kind != PLAN_RANK && node->kind != PLAN_WINDOW_RANK) || orders_rows(node);
}

bool plan_orders_by_origin(const struct plan_node *node)
{
    return orders_rows(node) && node->inputs[0].node->origins && node->inputs[0].node->changes == 0;
}

void infer_origins(struct plan *plan)
{
    bool *asked = ARENA_ARRAY(&plan->arena, bool, plan->nodes_count + 1u);

    for (uint32_t i = plan->nodes_count; i-- > 0;) {
        const struct plan_node *node = plan->nodes[i];
        for (uint16_t k = 0; k < node->inputs_count; k++) {
            const struct plan_node *input = node->inputs[k].node;
            asked[input->id] |= drops_late(node) || (orders_rows(node) && input->changes == 0) ||
                                (asked[i] && passes_rows(node));
        }
    }
    for (uint32_t i = 0; i < plan->nodes_count; i++)
        plan->nodes[i]->origins = asked[i] && has_origins(plan->nodes[i]);
}
