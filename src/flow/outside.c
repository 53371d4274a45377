/* outside.c: see outside.h. */
#include "flow/outside.h"

static enum status use_node(const struct outside *outside, const struct plan_node *node, struct diag *diag)
{
    const struct table *table = node->kind == PLAN_SCAN   ? node->scan.table
                                : node->kind == PLAN_SINK ? node->sink.table
                                                          : NULL;

    if (!table || !table->outside)
        return ST_OK;
    return outside->use(outside->context, table, node->kind == PLAN_SCAN ? OUTSIDE_READ : OUTSIDE_WRITTEN, diag);
}

enum status outside_use_all(const struct outside *outside, const struct plan *plan, struct diag *diag)
{
    for (uint32_t i = 0; outside && i < plan->nodes_count; i++)
        TRY(use_node(outside, plan->nodes[i], diag));
    return ST_OK;
}
