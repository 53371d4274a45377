/* Columns that nobody reads go: each node keeps what its user needs and what it needs itself. */
#include "sql/bind.h"

/* The node with fewer columns; map[old] = new, or -1. */
static struct plan_node *prune(struct arena *arena, struct plan_node *node, const uint8_t *needed,
                               int32_t *map);

struct pruned {
    struct plan_node *node;
    int32_t *map;
};

static struct pruned prune_input(struct arena *arena, struct plan_node *input, const uint8_t *needed)
{
    struct pruned out = {.map = ARENA_ARRAY(arena, int32_t, input->columns_count + 1u)};

    out.node = prune(arena, input, needed, out.map);
    return out;
}

static uint8_t *needs(struct arena *arena, const struct plan_node *node)
{
    return ARENA_ARRAY(arena, uint8_t, node->columns_count + 1u);
}

static void identity(int32_t *map, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++)
        map[i] = i;
}

/* Keeps the columns with keep[i]; sets map. */
static void keep_columns(struct plan_node *node, const uint8_t *keep, int32_t *map)
{
    uint16_t n = 0, count = node->columns_count;

    for (uint16_t i = 0; i < count; i++) {
        map[i] = keep[i] ? n : -1;
        if (keep[i])
            node->columns[n++] = node->columns[i];
    }
    node->columns_count = n;
}

static struct plan_node *prune_calc(struct arena *arena, struct plan_node *node,
                                    const uint8_t *needed, int32_t *map)
{
    uint8_t *keep = needs(arena, node);
    bool any = false;

    for (uint16_t i = 0; i < node->columns_count; i++) {
        keep[i] = needed[i];
        any |= needed[i];
    }
    if (!any && node->columns_count > 0)
        keep[0] = 1; /* rows without columns cannot be counted */
    uint8_t *below = needs(arena, node->inputs[0].node);
    expr_columns(node->calc.filter, below);
    for (uint16_t i = 0; i < node->columns_count; i++) {
        if (keep[i])
            expr_columns(node->calc.exprs[i], below);
    }
    struct pruned in = prune_input(arena, node->inputs[0].node, below);
    node->inputs[0].node = in.node;
    node->calc.filter = expr_map(arena, node->calc.filter, in.map);
    uint16_t n = 0;
    for (uint16_t i = 0; i < node->columns_count; i++) {
        if (keep[i])
            node->calc.exprs[n++] = expr_map(arena, node->calc.exprs[i], in.map);
    }
    keep_columns(node, keep, map);
    return node;
}

static uint16_t *map_columns(struct arena *arena, const uint16_t *columns, uint16_t count,
                             const int32_t *map)
{
    uint16_t *out = ARENA_ARRAY(arena, uint16_t, count + 1u);

    for (uint16_t i = 0; i < count; i++) {
        CHECK(map[columns[i]] >= 0);
        out[i] = (uint16_t)map[columns[i]];
    }
    return out;
}

static struct plan_node *prune_window(struct arena *arena, struct plan_node *node,
                                      const uint8_t *needed, int32_t *map)
{
    uint16_t n = node->inputs[0].node->columns_count;
    uint8_t *below = needs(arena, node->inputs[0].node), *keep = needs(arena, node);

    memcpy(below, needed, n);
    if (node->window.time == TIME_ROW)
        below[node->window.column] = 1;
    for (uint16_t i = 0; i < node->window.partition_count; i++)
        below[node->window.partition[i]] = 1;
    struct pruned in = prune_input(arena, node->inputs[0].node, below);
    node->inputs[0].node = in.node;
    node->window.partition =
        map_columns(arena, node->window.partition, node->window.partition_count, in.map);
    for (uint16_t i = 0; i < node->columns_count; i++)
        keep[i] = i >= n || in.map[i] >= 0;
    if (node->window.time == TIME_ROW)
        node->window.column = (uint16_t)in.map[node->window.column];
    else
        node->window.column = 0;
    keep_columns(node, keep, map);
    return node;
}

/* Aggregates that are read; the arguments of the others need not come. */
static struct agg_call *keep_aggs(struct arena *arena, const struct agg_call *aggs, uint16_t *count,
                                  const uint8_t *needed, uint8_t *below)
{
    struct agg_call *kept = ARENA_ARRAY(arena, struct agg_call, *count + 1u);
    uint16_t n = 0;

    for (uint16_t i = 0; i < *count; i++) {
        if (!needed[i])
            continue;
        kept[n++] = aggs[i];
        expr_columns(aggs[i].arg, below);
        expr_columns(aggs[i].filter, below);
    }
    *count = n;
    return kept;
}

static void map_aggs(struct arena *arena, struct agg_call *aggs, uint16_t count, const int32_t *map)
{
    for (uint16_t i = 0; i < count; i++) {
        aggs[i].arg = expr_map(arena, aggs[i].arg, map);
        aggs[i].filter = expr_map(arena, aggs[i].filter, map);
    }
}

static struct plan_node *prune_window_agg(struct arena *arena, struct plan_node *node,
                                          const uint8_t *needed, int32_t *map)
{
    struct plan_window_agg *agg = &node->window_agg;
    uint8_t *below = needs(arena, node->inputs[0].node), *keep = needs(arena, node);
    uint16_t at = (uint16_t)(agg->keys_count + agg->aggs_count);

    for (uint16_t i = 0; i < node->columns_count; i++)
        keep[i] = i < agg->keys_count || needed[i];
    if (agg->emit_start)
        agg->emit_start = needed[at++];
    if (agg->emit_end)
        agg->emit_end = needed[at++];
    if (agg->emit_time)
        agg->emit_time = needed[at++];
    struct agg_call *aggs = keep_aggs(arena, agg->aggs, &agg->aggs_count, needed + agg->keys_count, below);
    for (uint16_t i = 0; i < agg->keys_count; i++)
        below[agg->keys[i]] = 1;
    if (agg->attached)
        below[agg->start_column] = below[agg->end_column] = 1;
    else if (agg->window.time == TIME_ROW)
        below[agg->window.column] = 1;
    struct pruned in = prune_input(arena, node->inputs[0].node, below);
    node->inputs[0].node = in.node;
    map_aggs(arena, aggs, agg->aggs_count, in.map);
    agg->aggs = aggs;
    agg->keys = map_columns(arena, agg->keys, agg->keys_count, in.map);
    if (agg->attached) {
        agg->start_column = (uint16_t)in.map[agg->start_column];
        agg->end_column = (uint16_t)in.map[agg->end_column];
    } else {
        agg->window.column =
            agg->window.time == TIME_ROW ? (uint16_t)in.map[agg->window.column] : 0;
    }
    keep_columns(node, keep, map);
    return node;
}

static struct plan_node *prune_group_agg(struct arena *arena, struct plan_node *node,
                                         const uint8_t *needed, int32_t *map)
{
    struct plan_group_agg *agg = &node->group_agg;
    uint8_t *below = needs(arena, node->inputs[0].node), *keep = needs(arena, node);

    for (uint16_t i = 0; i < node->columns_count; i++)
        keep[i] = i < agg->keys_count || needed[i];
    if (agg->keys_count == 0) {
        bool any = false;
        for (uint16_t i = 0; i < node->columns_count; i++)
            any |= keep[i];
        if (!any)
            keep[0] = 1;
    }
    struct agg_call *aggs = keep_aggs(arena, agg->aggs, &agg->aggs_count, keep + agg->keys_count, below);
    for (uint16_t i = 0; i < agg->keys_count; i++)
        below[agg->keys[i]] = 1;
    struct pruned in = prune_input(arena, node->inputs[0].node, below);
    node->inputs[0].node = in.node;
    map_aggs(arena, aggs, agg->aggs_count, in.map);
    agg->aggs = aggs;
    agg->keys = map_columns(arena, agg->keys, agg->keys_count, in.map);
    keep_columns(node, keep, map);
    return node;
}

static struct plan_node *prune_join(struct arena *arena, struct plan_node *node,
                                    const uint8_t *needed, int32_t *map)
{
    struct plan_join *j = &node->join;
    uint16_t n = node->inputs[0].node->columns_count, all = join_width(node);
    uint8_t *used = ARENA_ARRAY(arena, uint8_t, all + 1u), *keep = needs(arena, node);
    int32_t *both = ARENA_ARRAY(arena, int32_t, all + 1u);

    memcpy(used, needed, node->columns_count);
    expr_columns(j->condition, used);
    for (uint16_t i = 0; i < j->keys_count; i++)
        used[j->left_keys[i]] = used[n + j->right_keys[i]] = 1;
    bool timed = j->bounded || node->kind == PLAN_TEMPORAL_JOIN;
    if (timed)
        used[j->left_time] = used[n + j->right_time] = 1;
    if (node->kind == PLAN_WINDOW_JOIN)
        used[j->left_start] = used[j->left_end] = used[n + j->right_start] = used[n + j->right_end] = 1;
    struct pruned l = prune_input(arena, node->inputs[0].node, used);
    struct pruned r = prune_input(arena, node->inputs[1].node, used + n);
    node->inputs[0].node = l.node;
    node->inputs[1].node = r.node;
    for (uint16_t i = 0; i < all; i++) {
        int32_t at = i < n ? l.map[i] : r.map[i - n];
        both[i] = at < 0 ? -1 : i < n ? at : at + l.node->columns_count;
        if (i < node->columns_count)
            keep[i] = both[i] >= 0;
    }
    keep_columns(node, keep, map);
    j->condition = expr_map(arena, j->condition, both);
    j->left_keys = map_columns(arena, j->left_keys, j->keys_count, l.map);
    j->right_keys = map_columns(arena, j->right_keys, j->keys_count, r.map);
    if (timed) {
        j->left_time = (uint16_t)l.map[j->left_time];
        j->right_time = (uint16_t)r.map[j->right_time];
    } else {
        j->left_time = j->right_time = 0;
    }
    if (node->kind == PLAN_WINDOW_JOIN) {
        j->left_start = (uint16_t)l.map[j->left_start], j->left_end = (uint16_t)l.map[j->left_end];
        j->right_start = (uint16_t)r.map[j->right_start], j->right_end = (uint16_t)r.map[j->right_end];
    }
    return node;
}

static struct plan_node *prune_rank(struct arena *arena, struct plan_node *node,
                                    const uint8_t *needed, int32_t *map)
{
    struct plan_rank *rank = &node->rank;
    uint16_t n = node->inputs[0].node->columns_count;
    uint8_t *below = needs(arena, node->inputs[0].node), *keep = needs(arena, node);
    struct plan_sort_key *order = ARENA_ARRAY(arena, struct plan_sort_key, rank->order_count + 1u);

    memcpy(below, needed, n);
    for (uint16_t i = 0; i < rank->partition_count; i++)
        below[rank->partition[i]] = 1;
    for (uint16_t i = 0; i < rank->order_count; i++)
        below[rank->order[i].column] = 1;
    struct pruned in = prune_input(arena, node->inputs[0].node, below);
    node->inputs[0].node = in.node;
    rank->partition = map_columns(arena, rank->partition, rank->partition_count, in.map);
    for (uint16_t i = 0; i < rank->order_count; i++) {
        order[i] = rank->order[i];
        order[i].column = (uint16_t)in.map[order[i].column];
    }
    rank->order = order;
    for (uint16_t i = 0; i < n; i++)
        keep[i] = in.map[i] >= 0;
    if (rank->emit_rank) {
        rank->emit_rank = needed[n];
        keep[n] = needed[n];
    }
    keep_columns(node, keep, map);
    return node;
}

static struct plan_node *prune_unnest(struct arena *arena, struct plan_node *node, const uint8_t *needed,
                                      int32_t *map)
{
    struct plan_unnest *u = &node->unnest;
    uint8_t *below = needs(arena, node->inputs[0].node), *keep = needs(arena, node);
    uint16_t *kept = ARENA_ARRAY(arena, uint16_t, u->kept_count + 1u), kept_count = 0;
    uint16_t *parts = ARENA_ARRAY(arena, uint16_t, u->parts_count + 1u), parts_count = 0;
    bool any = false;

    for (uint16_t i = 0; i < node->columns_count; i++)
        any |= keep[i] = needed[i];
    if (!any)
        keep[u->parts_count ? u->kept_count : 0] = 1;
    below[u->column] = 1;
    for (uint16_t i = 0; i < u->kept_count; i++)
        below[u->kept[i]] |= keep[i];
    struct pruned in = prune_input(arena, node->inputs[0].node, below);
    node->inputs[0].node = in.node;
    u->column = (uint16_t)in.map[u->column];
    for (uint16_t i = 0; i < node->columns_count; i++) {
        if (keep[i] && i < u->kept_count)
            kept[kept_count++] = (uint16_t)in.map[u->kept[i]];
        else if (keep[i])
            parts[parts_count++] = u->parts[i - u->kept_count];
    }
    u->kept = kept;
    u->kept_count = kept_count;
    u->parts = parts;
    u->parts_count = parts_count;
    keep_columns(node, keep, map);
    return node;
}

static struct plan_node *prune_over(struct arena *arena, struct plan_node *node,
                                    const uint8_t *needed, int32_t *map)
{
    struct plan_over *over = &node->over;
    uint16_t n = node->inputs[0].node->columns_count;
    uint8_t *below = needs(arena, node->inputs[0].node), *keep = needs(arena, node);

    memcpy(below, needed, n);
    for (uint16_t i = 0; i < over->partition_count; i++)
        below[over->partition[i]] = 1;
    if (over->time != TIME_PROC)
        below[over->column] = 1;
    for (uint16_t i = n; i < node->columns_count; i++)
        keep[i] = needed[i];
    struct agg_call *aggs = keep_aggs(arena, over->aggs, &over->aggs_count, needed + n, below);
    struct pruned in = prune_input(arena, node->inputs[0].node, below);
    node->inputs[0].node = in.node;
    over->partition = map_columns(arena, over->partition, over->partition_count, in.map);
    over->column = over->time != TIME_PROC ? (uint16_t)in.map[over->column] : 0;
    map_aggs(arena, aggs, over->aggs_count, in.map);
    over->aggs = aggs;
    for (uint16_t i = 0; i < n; i++)
        keep[i] = in.map[i] >= 0;
    keep_columns(node, keep, map);
    return node;
}

/* What values read of the input, of those that are kept (keep NULL: all). */
static void match_values_need(const struct plan_match_values *v, const uint8_t *keep, uint8_t *below)
{
    for (uint16_t i = 0; i < v->refs_count; i++) {
        if (!keep || keep[i])
            below[v->refs[i].column] = 1;
    }
    for (uint16_t i = 0; i < v->aggs_count; i++) {
        if (!keep || keep[v->refs_count + i])
            expr_columns(v->aggs[i].call.arg, below);
    }
}

static void match_values_keep(struct arena *arena, struct plan_match_values *v, const uint8_t *keep,
                              const int32_t *map)
{
    struct plan_match_ref *refs = ARENA_ARRAY(arena, struct plan_match_ref, v->refs_count + 1u);
    struct plan_match_agg *aggs = ARENA_ARRAY(arena, struct plan_match_agg, v->aggs_count + 1u);
    uint16_t refs_count = 0, aggs_count = 0;

    for (uint16_t i = 0; i < v->refs_count; i++) {
        if (keep && !keep[i])
            continue;
        refs[refs_count] = v->refs[i];
        refs[refs_count++].column = (uint16_t)map[v->refs[i].column];
    }
    for (uint16_t i = 0; i < v->aggs_count; i++) {
        if (keep && !keep[v->refs_count + i])
            continue;
        aggs[aggs_count] = v->aggs[i];
        aggs[aggs_count++].call.arg = expr_map(arena, v->aggs[i].call.arg, map);
    }
    *v = (struct plan_match_values){refs, refs_count, aggs, aggs_count};
}

/* Conditions are over the input's columns, then the values of `defines`. */
static void match_defines_map(struct arena *arena, struct plan_match *m, uint16_t before, uint16_t after,
                              const int32_t *map)
{
    uint16_t values = (uint16_t)(m->defines.refs_count + m->defines.aggs_count);
    int32_t *all = ARENA_ARRAY(arena, int32_t, before + values + 1u);
    struct plan_match_variable *variables = ARENA_ARRAY(arena, struct plan_match_variable, m->variables_count);

    memcpy(all, map, before * sizeof(*all));
    for (uint16_t i = 0; i < values; i++)
        all[before + i] = after + i;
    for (uint16_t i = 0; i < m->variables_count; i++) {
        variables[i] = m->variables[i];
        variables[i].define = expr_map(arena, variables[i].define, all);
    }
    m->variables = variables;
}

static struct plan_node *prune_match(struct arena *arena, struct plan_node *node, const uint8_t *needed,
                                     int32_t *map)
{
    struct plan_match *m = &node->match;
    uint16_t n = node->inputs[0].node->columns_count, keys = m->partition_count;
    uint16_t values = (uint16_t)(m->defines.refs_count + m->defines.aggs_count);
    uint8_t *below = ARENA_ARRAY(arena, uint8_t, n + values + 1u), *keep = needs(arena, node);
    struct plan_sort_key *order = ARENA_ARRAY(arena, struct plan_sort_key, m->order_count + 1u);
    bool any = keys > 0;

    for (uint16_t i = 0; i < node->columns_count; i++)
        any |= keep[i] = i < keys || needed[i];
    if (!any)
        keep[0] = 1; /* matches without columns cannot be counted */
    match_values_need(&m->defines, NULL, below);
    match_values_need(&m->measures, keep + keys, below);
    for (uint16_t i = 0; i < m->variables_count; i++)
        expr_columns(m->variables[i].define, below);
    for (uint16_t i = 0; i < keys; i++)
        below[m->partition[i]] = 1;
    for (uint16_t i = 0; i < m->order_count; i++)
        below[m->order[i].column] = 1;
    if (m->time == TIME_ROW)
        below[m->column] = 1;
    struct pruned in = prune_input(arena, node->inputs[0].node, below);
    node->inputs[0].node = in.node;
    m->emit_time = m->emit_time && keep[node->columns_count - 1u];
    match_values_keep(arena, &m->defines, NULL, in.map);
    match_values_keep(arena, &m->measures, keep + keys, in.map);
    match_defines_map(arena, m, n, in.node->columns_count, in.map);
    m->partition = map_columns(arena, m->partition, keys, in.map);
    m->column = m->time == TIME_ROW ? (uint16_t)in.map[m->column] : 0;
    for (uint16_t i = 0; i < m->order_count; i++) {
        order[i] = m->order[i];
        order[i].column = (uint16_t)in.map[order[i].column];
    }
    m->order = order;
    keep_columns(node, keep, map);
    return node;
}

/* Each input is a CALC with the union's columns, and gives exactly those that are asked of it. */
static struct plan_node *prune_union(struct arena *arena, struct plan_node *node,
                                     const uint8_t *needed, int32_t *map)
{
    uint8_t *keep = needs(arena, node);
    bool any = false;

    for (uint16_t i = 0; i < node->columns_count; i++)
        any |= keep[i] = needed[i];
    if (!any && node->columns_count > 0)
        keep[0] = 1;
    for (uint16_t i = 0; i < node->inputs_count; i++) {
        CHECK(node->inputs[i].node->kind == PLAN_CALC);
        node->inputs[i].node = prune_input(arena, node->inputs[i].node, keep).node;
    }
    keep_columns(node, keep, map);
    return node;
}

static struct plan_node *prune(struct arena *arena, struct plan_node *node, const uint8_t *needed,
                               int32_t *map)
{
    switch (node->kind) {
    case PLAN_CALC:
        return prune_calc(arena, node, needed, map);
    case PLAN_WINDOW:
        return prune_window(arena, node, needed, map);
    case PLAN_WINDOW_AGG:
        return prune_window_agg(arena, node, needed, map);
    case PLAN_GROUP_AGG:
        return prune_group_agg(arena, node, needed, map);
    case PLAN_JOIN:
    case PLAN_WINDOW_JOIN:
    case PLAN_TEMPORAL_JOIN:
    case PLAN_LOOKUP_JOIN:
        return prune_join(arena, node, needed, map);
    case PLAN_RANK:
        return prune_rank(arena, node, needed, map);
    case PLAN_UNNEST:
        return prune_unnest(arena, node, needed, map);
    case PLAN_OVER:
        return prune_over(arena, node, needed, map);
    case PLAN_MATCH: return prune_match(arena, node, needed, map);
    case PLAN_UNION:
        return prune_union(arena, node, needed, map);
    case PLAN_WINDOW_RANK: /* made later */
    case PLAN_NORMALIZE:
    case PLAN_SCAN: /* by opt_scan.c, when all readers of a table are known */
    case PLAN_VALUES:
    case PLAN_SINK:
    case PLAN_KINDS:
        break;
    }
    identity(map, node->columns_count);
    return node;
}

/* The root is a sink, which needs all it has. */
struct plan_node *opt_prune(struct arena *arena, struct plan_node *root)
{
    CHECK(root->kind == PLAN_SINK);
    struct plan_node *input = root->inputs[0].node;
    uint8_t *all = needs(arena, input);
    memset(all, 1, input->columns_count);
    CHECK(input->kind == PLAN_CALC);
    struct pruned in = prune_input(arena, input, all);
    CHECK(in.node->columns_count == root->columns_count);
    root->inputs[0].node = in.node;
    return root;
}
