/* Filters go down: through projections, windows and aggregates by key, into joins and ranks, to the
 * scan. A bound on ROW_NUMBER() becomes the limit of its rank. */
#include "sql/bind.h"

static struct plan_node *push(struct arena *arena, struct plan_node *node, struct conjuncts *list);

static struct plan_node *filtered(struct arena *arena, struct plan_node *node,
                                  const struct conjuncts *list)
{
    if (list->count == 0)
        return node;
    struct plan_node *calc = calc_all(arena, node);
    calc->calc.filter = conjuncts_and(arena, list);
    return calc;
}

/* Whether all columns of e are in [from, to). */
static bool uses_only(struct arena *arena, const struct expr *e, uint16_t columns, uint16_t from,
                      uint16_t to)
{
    uint8_t *used = ARENA_ARRAY(arena, uint8_t, columns + 1u);
    bool any = false;

    expr_columns(e, used);
    for (uint16_t i = 0; i < columns; i++) {
        if (used[i] && (i < from || i >= to))
            return false;
        any |= used[i];
    }
    return any;
}

static struct plan_node *push_calc(struct arena *arena, struct plan_node *node,
                                   struct conjuncts *list)
{
    struct conjuncts below = {0}, above = {0};

    conjuncts_add(arena, &below, node->calc.filter);
    for (uint16_t i = 0; i < list->count; i++) {
        uint8_t *used = ARENA_ARRAY(arena, uint8_t, node->columns_count + 1u);
        bool repeats = true;
        expr_columns(list->items[i], used);
        for (uint16_t c = 0; c < node->columns_count; c++)
            repeats &= !used[c] || expr_repeats(node->calc.exprs[c]);
        if (repeats)
            conjuncts_add(arena, &below, expr_replace(arena, list->items[i], node->calc.exprs));
        else
            conjuncts_add(arena, &above, list->items[i]);
    }
    node->calc.filter = NULL;
    node->inputs[0].node = push(arena, node->inputs[0].node, &below);
    return filtered(arena, node, &above);
}

static const struct expr *shifted(struct arena *arena, const struct expr *e, uint16_t columns,
                                  uint16_t by)
{
    int32_t *map = ARENA_ARRAY(arena, int32_t, columns + 1u);

    for (uint16_t i = 0; i < columns; i++)
        map[i] = i < by ? -1 : i - by;
    return expr_map(arena, e, map);
}

/* Where a condition of one side may go: from WHERE (above) or from ON. */
static bool may_push(enum join_kind kind, bool left, bool from_on)
{
    if (kind == JOIN_INNER || kind == JOIN_SEMI)
        return true;
    if (kind == JOIN_ANTI)
        return left != from_on;
    if (from_on)
        return left ? kind == JOIN_RIGHT : kind == JOIN_LEFT;
    return left ? kind == JOIN_LEFT : kind == JOIN_RIGHT;
}

static struct plan_node *push_join(struct arena *arena, struct plan_node *node,
                                   struct conjuncts *list)
{
    struct conjuncts left = {0}, right = {0}, on = {0}, above = {0}, own = {0};
    uint16_t n = node->inputs[0].node->columns_count, all = join_width(node);
    bool versions = node->kind == PLAN_TEMPORAL_JOIN; /* one that is left out would let an older one hold */

    conjuncts_add(arena, &own, node->join.condition);
    for (int pass = 0; pass < 2; pass++) {
        const struct conjuncts *from = pass == 0 ? &own : list;
        for (uint16_t i = 0; i < from->count; i++) {
            const struct expr *e = from->items[i];
            if (uses_only(arena, e, all, 0, n) && may_push(node->join.kind, true, pass == 0))
                conjuncts_add(arena, &left, e);
            else if (!versions && uses_only(arena, e, all, n, all) && may_push(node->join.kind, false, pass == 0))
                conjuncts_add(arena, &right, shifted(arena, e, all, n));
            else if (pass == 0 || node->join.kind == JOIN_INNER)
                conjuncts_add(arena, &on, e);
            else
                conjuncts_add(arena, &above, e);
        }
    }
    node->join.condition = conjuncts_and(arena, &on);
    node->inputs[0].node = push(arena, node->inputs[0].node, &left);
    node->inputs[1].node = push(arena, node->inputs[1].node, &right);
    return filtered(arena, node, &above);
}

/* rank <= n, rank < n, rank = n, and the same turned around: the bound; -1: no such condition. */
static int64_t rank_bound(const struct expr *e, uint16_t rank_column, bool *exact)
{
    static const char *const names[] = {"<=", "<", "=", ">=", ">"};

    if (e->kind != EXPR_CALL || e->args_count != 2)
        return -1;
    for (int i = 0; i < 5; i++) {
        if (!expr_is_func(e, names[i]))
            continue;
        bool turned = i >= 3 || (i == 2 && e->args[0]->kind == EXPR_LITERAL);
        const struct expr *column = e->args[turned], *bound = e->args[!turned];
        while (bound->kind == EXPR_CAST)
            bound = bound->args[0];
        if (column->kind != EXPR_COLUMN || column->index != rank_column ||
            bound->kind != EXPR_LITERAL || bound->is_null || !type_is_integer(bound->type->kind))
            return -1;
        int64_t n = type_phys(bound->type->kind) == PHYS_I32 ? bound->value.i32 : bound->value.i64;
        *exact = i != 2 || n == 1;
        return i == 1 || i == 4 ? n - 1 : n;
    }
    return -1;
}

static struct plan_node *push_rank(struct arena *arena, struct plan_node *node,
                                   struct conjuncts *list)
{
    struct conjuncts below = {0}, above = {0};
    struct plan_rank *rank = &node->rank;
    uint16_t n = node->inputs[0].node->columns_count;

    for (uint16_t i = 0; i < list->count; i++) {
        const struct expr *e = list->items[i];
        bool exact = false, keys = uses_only(arena, e, node->columns_count, 0, n);
        int64_t bound = rank->emit_rank ? rank_bound(e, n, &exact) : -1;
        if (bound >= 0) {
            rank->limit = bound < rank->limit ? bound : rank->limit;
            if (!exact)
                conjuncts_add(arena, &above, e);
            continue;
        }
        uint8_t *used = ARENA_ARRAY(arena, uint8_t, node->columns_count + 1u);
        expr_columns(e, used);
        for (uint16_t c = 0; c < n && keys; c++) {
            bool partition = false;
            for (uint16_t k = 0; k < rank->partition_count; k++)
                partition |= rank->partition[k] == c;
            keys = !used[c] || partition;
        }
        conjuncts_add(arena, keys ? &below : &above, e);
    }
    node->inputs[0].node = push(arena, node->inputs[0].node, &below);
    return filtered(arena, node, &above);
}

/* What uses only the first `passing` columns goes below, as map[] has them there. */
static struct plan_node *push_prefix(struct arena *arena, struct plan_node *node,
                                     struct conjuncts *list, uint16_t passing, const int32_t *map)
{
    struct conjuncts below = {0}, above = {0};

    for (uint16_t i = 0; i < list->count; i++) {
        if (uses_only(arena, list->items[i], node->columns_count, 0, passing))
            conjuncts_add(arena, &below,
                          map ? expr_map(arena, list->items[i], map) : list->items[i]);
        else
            conjuncts_add(arena, &above, list->items[i]);
    }
    node->inputs[0].node = push(arena, node->inputs[0].node, &below);
    return filtered(arena, node, &above);
}

/* Rows of one key decide together what comes of each: only whole keys go below. */
static struct plan_node *push_keyed(struct arena *arena, struct plan_node *node, struct conjuncts *list,
                                    const uint16_t *partition, uint16_t partition_count)
{
    struct conjuncts below = {0}, above = {0};

    for (uint16_t i = 0; i < list->count; i++) {
        uint8_t *used = ARENA_ARRAY(arena, uint8_t, node->columns_count + 1u);
        bool keys = true;
        expr_columns(list->items[i], used);
        for (uint16_t k = 0; k < partition_count; k++)
            used[partition[k]] = 0;
        for (uint16_t c = 0; c < node->columns_count; c++)
            keys &= !used[c];
        conjuncts_add(arena, keys ? &below : &above, list->items[i]);
    }
    node->inputs[0].node = push(arena, node->inputs[0].node, &below);
    return filtered(arena, node, &above);
}

static int32_t *keys_map(struct arena *arena, const struct plan_node *node, const uint16_t *keys,
                         uint16_t count)
{
    int32_t *map = ARENA_ARRAY(arena, int32_t, node->columns_count + 1u);

    for (uint16_t i = 0; i < node->columns_count; i++)
        map[i] = i < count ? keys[i] : -1;
    return map;
}

static struct plan_node *push_union(struct arena *arena, struct plan_node *node,
                                    struct conjuncts *list)
{
    for (uint16_t i = 0; i < node->inputs_count; i++) {
        struct conjuncts copy = {0};
        for (uint16_t k = 0; k < list->count; k++)
            conjuncts_add(arena, &copy, list->items[k]);
        node->inputs[i].node = push(arena, node->inputs[i].node, &copy);
    }
    return node;
}

static struct plan_node *push(struct arena *arena, struct plan_node *node, struct conjuncts *list)
{
    const struct plan_node *input = node->inputs_count > 0 ? node->inputs[0].node : NULL;
    int32_t *map;

    switch (node->kind) {
    case PLAN_CALC:
        return push_calc(arena, node, list);
    case PLAN_JOIN:
    case PLAN_TEMPORAL_JOIN:
    case PLAN_LOOKUP_JOIN:
        return push_join(arena, node, list);
    case PLAN_OVER:
        return push_keyed(arena, node, list, node->over.partition, node->over.partition_count);
    case PLAN_RANK:
        return push_rank(arena, node, list);
    case PLAN_UNION:
        return push_union(arena, node, list);
    case PLAN_WINDOW:
        if (node->window.kind == WINDOW_SESSION)
            return push_keyed(arena, node, list, node->window.partition, node->window.partition_count);
        return push_prefix(arena, node, list, input->columns_count, NULL);
    case PLAN_WINDOW_AGG:
        map = keys_map(arena, node, node->window_agg.keys, node->window_agg.keys_count);
        return push_prefix(arena, node, list, node->window_agg.keys_count, map);
    case PLAN_GROUP_AGG:
        map = keys_map(arena, node, node->group_agg.keys, node->group_agg.keys_count);
        return push_prefix(arena, node, list, node->group_agg.keys_count, map);
    case PLAN_MATCH:
        map = keys_map(arena, node, node->match.partition, node->match.partition_count);
        return push_prefix(arena, node, list, node->match.partition_count, map);
    case PLAN_UNNEST:
        map = keys_map(arena, node, node->unnest.kept, node->unnest.kept_count);
        return push_prefix(arena, node, list, node->unnest.kept_count, map);
    case PLAN_SINK: {
        struct conjuncts no = {0};
        node->inputs[0].node = push(arena, node->inputs[0].node, &no);
        return node;
    }
    case PLAN_WINDOW_RANK: /* not there yet */
    case PLAN_NORMALIZE:
    case PLAN_SCAN:
    case PLAN_VALUES:
    case PLAN_WINDOW_JOIN:
    case PLAN_KINDS:
        break;
    }
    return filtered(arena, node, list);
}

struct plan_node *opt_push_filters(struct arena *arena, struct plan_node *root)
{
    struct conjuncts none = {0};

    return push(arena, root, &none);
}
