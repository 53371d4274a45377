/* How long the state of a plan's nodes is kept: table.exec.state.ttl, and STATE_TTL where a query says it. */
#include "sql/bind.h"

bool plan_expires(const struct plan_node *node)
{
    switch (node->kind) {
    case PLAN_GROUP_AGG:
    case PLAN_RANK:
    case PLAN_NORMALIZE:
        return true;
    case PLAN_JOIN:
        return !node->join.bounded;
    case PLAN_OVER:
        return node->over.time == TIME_PROC && !node->over.bounded;
    default:
        return false;
    }
}

bool plan_forgets(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->nodes_count; i++)
        for (uint16_t k = 0; k < plan->nodes[i]->inputs_count; k++)
            if (plan->nodes[i]->inputs[k].ttl_us)
                return true;
    return false;
}

int64_t ttl_of(int64_t duration_us)
{
    return duration_us / 1000 * 1000; /* milliseconds, as in Flink */
}

void infer_ttl(struct binder *b, struct plan *plan)
{
    int64_t ttl_us = ttl_of(settings_duration_us(bytes_str(settings_get(b->settings, "table.exec.state.ttl"))));

    for (uint32_t i = 0; i < plan->nodes_count; i++) {
        struct plan_node *node = plan->nodes[i];
        bool expires = plan_expires(node);
        for (uint16_t k = 0; k < node->inputs_count; k++) {
            struct plan_input *input = &node->inputs[k];
            input->ttl_us = !expires ? 0 : input->ttl_hinted ? input->ttl_us : ttl_us;
        }
    }
}
