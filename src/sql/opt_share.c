/* Equal sub-plans become one node with several users. */
#include "sql/bind.h"

static bool same_expr(const struct expr *a, const struct expr *b)
{
    return a == b || (a && b && expr_equal(a, b) && expr_repeats(a));
}

static bool same_u16(const uint16_t *a, const uint16_t *b, uint16_t count)
{
    return count == 0 || memcmp(a, b, count * sizeof(*a)) == 0;
}

static bool same_aggs(const struct agg_call *a, const struct agg_call *b, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        if (!agg_call_same(&a[i], &b[i]))
            return false;
    }
    return true;
}

static bool same_window(const struct plan_window *a, const struct plan_window *b)
{
    return a->kind == b->kind && a->time == b->time && a->column == b->column &&
           a->size_us == b->size_us && a->slide_us == b->slide_us && a->offset_us == b->offset_us &&
           a->partition_count == b->partition_count && same_u16(a->partition, b->partition, a->partition_count);
}

static bool same_window_agg(const struct plan_window_agg *a, const struct plan_window_agg *b)
{
    if (a->attached != b->attached || a->keys_count != b->keys_count ||
        a->aggs_count != b->aggs_count || a->emit_start != b->emit_start ||
        a->emit_end != b->emit_end || a->emit_time != b->emit_time)
        return false;
    if (a->attached ? a->start_column != b->start_column || a->end_column != b->end_column
                    : !same_window(&a->window, &b->window))
        return false;
    return same_u16(a->keys, b->keys, a->keys_count) && same_aggs(a->aggs, b->aggs, a->aggs_count);
}

static bool same_group_agg(const struct plan_group_agg *a, const struct plan_group_agg *b)
{
    return a->keys_count == b->keys_count && a->aggs_count == b->aggs_count &&
           same_u16(a->keys, b->keys, a->keys_count) && same_aggs(a->aggs, b->aggs, a->aggs_count);
}

static bool same_join(const struct plan_join *a, const struct plan_join *b)
{
    return a->kind == b->kind && a->keys_count == b->keys_count &&
           same_u16(a->left_keys, b->left_keys, a->keys_count) &&
           same_u16(a->right_keys, b->right_keys, a->keys_count) &&
           same_expr(a->condition, b->condition) && a->bounded == b->bounded &&
           a->left_time == b->left_time && a->right_time == b->right_time && a->left_start == b->left_start && a->left_end == b->left_end &&
           a->right_start == b->right_start && a->right_end == b->right_end;
}

static bool same_order(const struct plan_sort_key *a, uint16_t a_count, const struct plan_sort_key *b,
                       uint16_t b_count)
{
    for (uint16_t i = 0; i < a_count && a_count == b_count; i++) {
        if (a[i].column != b[i].column || a[i].descending != b[i].descending || a[i].nulls_last != b[i].nulls_last)
            return false;
    }
    return a_count == b_count;
}

static bool same_rank(const struct plan_rank *a, const struct plan_rank *b)
{
    return a->partition_count == b->partition_count && a->limit == b->limit && a->emit_rank == b->emit_rank &&
           same_u16(a->partition, b->partition, a->partition_count) &&
           same_order(a->order, a->order_count, b->order, b->order_count);
}

static bool same_unnest(const struct plan_unnest *a, const struct plan_unnest *b)
{
    return a->column == b->column && a->left == b->left && a->kept_count == b->kept_count &&
           a->parts_count == b->parts_count && same_u16(a->kept, b->kept, a->kept_count) &&
           same_u16(a->parts, b->parts, a->parts_count);
}

static bool same_over(const struct plan_over *a, const struct plan_over *b)
{
    return a->partition_count == b->partition_count && same_u16(a->partition, b->partition, a->partition_count) &&
           a->column == b->column && a->time == b->time && a->rows == b->rows && a->bounded == b->bounded &&
           a->preceding == b->preceding && a->aggs_count == b->aggs_count && same_aggs(a->aggs, b->aggs, a->aggs_count);
}

static bool same_values(const struct plan_match_values *a, const struct plan_match_values *b)
{
    if (a->refs_count != b->refs_count || a->aggs_count != b->aggs_count)
        return false;
    for (uint16_t i = 0; i < a->refs_count; i++) {
        const struct plan_match_ref *x = &a->refs[i], *y = &b->refs[i];
        if (x->variable != y->variable || x->first != y->first || x->current != y->current ||
            x->offset != y->offset || x->column != y->column)
            return false;
    }
    for (uint16_t i = 0; i < a->aggs_count; i++) {
        const struct plan_match_agg *x = &a->aggs[i], *y = &b->aggs[i];
        if (x->variable != y->variable || x->current != y->current || !same_aggs(&x->call, &y->call, 1))
            return false;
    }
    return true;
}

static bool same_match(const struct plan_match *a, const struct plan_match *b)
{
    if (a->partition_count != b->partition_count || !same_u16(a->partition, b->partition, a->partition_count) ||
        a->column != b->column || a->time != b->time ||
        !same_order(a->order, a->order_count, b->order, b->order_count) ||
        a->variables_count != b->variables_count || a->skip != b->skip || a->skip_to != b->skip_to ||
        a->within_us != b->within_us || a->emit_time != b->emit_time || !same_values(&a->defines, &b->defines) ||
        !same_values(&a->measures, &b->measures))
        return false;
    for (uint16_t i = 0; i < a->variables_count; i++) {
        const struct plan_match_variable *x = &a->variables[i], *y = &b->variables[i];
        if (x->least != y->least || x->most != y->most || x->greedy != y->greedy ||
            !same_expr(x->define, y->define))
            return false;
    }
    return true;
}

static bool same_calc(const struct plan_node *a, const struct plan_node *b)
{
    if (!same_expr(a->calc.filter, b->calc.filter))
        return false;
    for (uint16_t i = 0; i < a->columns_count; i++) {
        if (!same_expr(a->calc.exprs[i], b->calc.exprs[i]))
            return false;
    }
    return true;
}

static bool same_node(const struct plan_node *a, const struct plan_node *b)
{
    if (a->kind != b->kind || a->columns_count != b->columns_count ||
        a->inputs_count != b->inputs_count)
        return false;
    for (uint16_t i = 0; i < a->inputs_count; i++) {
        const struct plan_input *x = &a->inputs[i], *y = &b->inputs[i];
        if (x->node != y->node || x->ttl_hinted != y->ttl_hinted || x->ttl_us != y->ttl_us)
            return false;
    }
    switch (a->kind) {
    case PLAN_CALC:
        return same_calc(a, b);
    case PLAN_WINDOW:
        return same_window(&a->window, &b->window);
    case PLAN_WINDOW_AGG:
        return same_window_agg(&a->window_agg, &b->window_agg);
    case PLAN_GROUP_AGG:
        return same_group_agg(&a->group_agg, &b->group_agg);
    case PLAN_JOIN:
    case PLAN_WINDOW_JOIN:
    case PLAN_TEMPORAL_JOIN:
    case PLAN_LOOKUP_JOIN:
        return same_join(&a->join, &b->join);
    case PLAN_RANK:
        return same_rank(&a->rank, &b->rank);
    case PLAN_UNNEST:
        return same_unnest(&a->unnest, &b->unnest);
    case PLAN_OVER:
        return same_over(&a->over, &b->over);
    case PLAN_MATCH: return same_match(&a->match, &b->match);
    case PLAN_UNION:
        return true;
    default: /* scans were made one by opt_scan.c; sinks and values stay apart */
        return false;
    }
}

struct seen {
    struct plan_node **items;
    uint32_t count, cap;
};

static struct plan_node *share(struct plan *plan, struct seen *seen, struct plan_node *node)
{
    for (uint32_t i = 0; i < seen->count; i++) {
        if (seen->items[i] == node)
            return node;
    }
    for (uint16_t i = 0; i < node->inputs_count; i++)
        node->inputs[i].node = share(plan, seen, node->inputs[i].node);
    for (uint32_t i = 0; i < seen->count; i++) {
        if (same_node(seen->items[i], node))
            return seen->items[i];
    }
    if (seen->count == seen->cap) {
        seen->cap = seen->cap ? seen->cap * 2 : 16;
        struct plan_node **grown = ARENA_ARRAY(&plan->arena, struct plan_node *, seen->cap);
        if (seen->count > 0)
            memcpy(grown, seen->items, seen->count * sizeof(*grown));
        seen->items = grown;
    }
    seen->items[seen->count++] = node;
    return node;
}

/* Also lists the nodes, inputs before users, and gives them their numbers. */
void opt_share(struct plan *plan, struct plan_node **roots, uint16_t count)
{
    struct seen seen = {0};

    for (uint16_t i = 0; i < count; i++)
        roots[i] = share(plan, &seen, roots[i]);
    for (uint32_t i = 0; i < seen.count; i++)
        seen.items[i]->id = i;
    plan->nodes = seen.items;
    plan->nodes_count = seen.count;
}
