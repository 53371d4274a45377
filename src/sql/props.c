/* What follows about a node's columns from how it is made: windows, unique keys. */
#include "sql/bind.h"

static const struct window_prop none = {ROLE_NONE, NULL};

static bool same_window(const struct plan_window *a, const struct plan_window *b)
{
    return a && b && a->kind == b->kind && a->time == b->time && a->local == b->local && a->size_us == b->size_us &&
           a->slide_us == b->slide_us && a->offset_us == b->offset_us;
}

/* The columns (of each input) by which a join's condition equates the windows of both sides. */
bool join_windows(const struct plan_node *node, uint16_t out[4])
{
    struct conjuncts list = {0};
    uint16_t n = node->inputs[0].node->columns_count;
    bool found[2] = {false, false};
    struct arena arena;

    if (node->kind == PLAN_WINDOW_JOIN) {
        const struct plan_join *j = &node->join;
        out[0] = j->left_start, out[1] = j->left_end, out[2] = j->right_start, out[3] = j->right_end;
        return true;
    }
    if (!node->join.condition)
        return false;
    arena_init(&arena, ARENA_BUDGET_NONE);
    conjuncts_add(&arena, &list, node->join.condition);
    for (uint16_t i = 0; i < list.count; i++) {
        const struct expr *e = list.items[i];
        uint16_t x, y;
        if (!expr_is_func(e, "=") || !expr_is_column(e->args[0], &x) ||
            !expr_is_column(e->args[1], &y) || (x < n) == (y < n))
            continue;
        uint16_t left = x < n ? x : y, right = (uint16_t)((x < n ? y : x) - n);
        struct window_prop a = window_prop(node->inputs[0].node, left);
        struct window_prop b = window_prop(node->inputs[1].node, right);
        if (a.role != b.role || !same_window(a.window, b.window))
            continue;
        if (a.role == ROLE_START)
            found[0] = true, out[0] = left, out[2] = right;
        else if (a.role == ROLE_END)
            found[1] = true, out[1] = left, out[3] = right;
    }
    arena_deinit(&arena);
    return found[0] && found[1];
}

static struct window_prop window_agg_prop(const struct plan_node *node, uint16_t column)
{
    const struct plan_window_agg *agg = &node->window_agg;

    if (column < agg->keys_count)
        return window_prop(node->inputs[0].node, agg->keys[column]);
    uint16_t at = (uint16_t)(agg->keys_count + agg->aggs_count);
    if (agg->emit_start && column == at++)
        return (struct window_prop){ROLE_START, &agg->window};
    if (agg->emit_end && column == at++)
        return (struct window_prop){ROLE_END, &agg->window};
    if (agg->emit_time && column == at)
        return (struct window_prop){ROLE_TIME, &agg->window};
    return none;
}

static struct window_prop join_prop(const struct plan_node *node, uint16_t column)
{
    uint16_t n = node->inputs[0].node->columns_count, pairs[4];

    if (!join_windows(node, pairs))
        return none;
    return column < n ? window_prop(node->inputs[0].node, column)
                      : window_prop(node->inputs[1].node, (uint16_t)(column - n));
}

struct window_prop window_prop(const struct plan_node *node, uint16_t column)
{
    const struct plan_node *input = node->inputs_count > 0 ? node->inputs[0].node : NULL;
    uint16_t inner;

    switch (node->kind) {
    case PLAN_CALC:
        return expr_is_column(node->calc.exprs[column], &inner) ? window_prop(input, inner) : none;
    case PLAN_WINDOW:
        if (column < input->columns_count)
            return window_prop(input, column);
        return (struct window_prop){(enum window_role)(column - input->columns_count + 1), &node->window};
    case PLAN_WINDOW_AGG:
        return window_agg_prop(node, column);
    case PLAN_JOIN:
    case PLAN_WINDOW_JOIN:
        return join_prop(node, column);
    case PLAN_TEMPORAL_JOIN:
    case PLAN_LOOKUP_JOIN:
        return column < input->columns_count ? window_prop(input, column) : none;
    case PLAN_RANK:
    case PLAN_WINDOW_RANK:
    case PLAN_OVER:
        return column < input->columns_count ? window_prop(input, column) : none;
    case PLAN_UNNEST:
        return column < node->unnest.kept_count ? window_prop(input, node->unnest.kept[column]) : none;
    case PLAN_UNION: {
        struct window_prop prop = window_prop(input, column);
        for (uint16_t i = 1; i < node->inputs_count; i++) {
            struct window_prop other = window_prop(node->inputs[i].node, column);
            if (other.role != prop.role || !same_window(other.window, prop.window))
                return none;
        }
        return prop;
    }
    default:
        return none;
    }
}

bool session_key(const struct plan_node *node, uint16_t column, const struct plan_window *window)
{
    while (node->kind == PLAN_CALC) {
        if (!expr_is_column(node->calc.exprs[column], &column))
            return false;
        node = node->inputs[0].node;
    }
    for (uint16_t i = 0; node->kind == PLAN_WINDOW && &node->window == window && i < window->partition_count; i++) {
        if (window->partition[i] == column)
            return true;
    }
    return false;
}

bool never_late(const struct plan_node *node, uint16_t column)
{
    struct window_prop prop = window_prop(node, column);

    return prop.role != ROLE_NONE && prop.window->time == TIME_ROW;
}

bool rank_windows(const struct plan_node *node, uint16_t *start, uint16_t *end)
{
    const struct plan_rank *rank = &node->rank;
    const struct plan_window *window[2] = {NULL, NULL};

    for (uint16_t i = 0; i < rank->partition_count; i++) {
        struct window_prop prop = window_prop(node->inputs[0].node, rank->partition[i]);
        if (prop.role != ROLE_START && prop.role != ROLE_END)
            continue;
        *(prop.role == ROLE_START ? start : end) = rank->partition[i];
        window[prop.role == ROLE_END] = prop.window;
    }
    return same_window(window[0], window[1]) && window[0]->time == TIME_ROW;
}

/* ---- unique keys ---- */

static bool key_with(struct arena *arena, const struct plan_node *node, bool by_end,
                     const uint16_t **columns, uint16_t *count);

static bool key_of(struct arena *arena, const uint16_t *from, uint16_t n, const uint16_t **columns,
                   uint16_t *count)
{
    uint16_t *copy = ARENA_ARRAY(arena, uint16_t, n + 1u);

    for (uint16_t i = 0; i < n; i++)
        copy[i] = from[i];
    *columns = copy;
    *count = n;
    return true;
}

static bool first_columns(struct arena *arena, uint16_t n, const uint16_t **columns, uint16_t *count)
{
    uint16_t *copy = ARENA_ARRAY(arena, uint16_t, n + 1u);

    for (uint16_t i = 0; i < n; i++)
        copy[i] = i;
    *columns = copy;
    *count = n;
    return n > 0;
}

/* Columns of a CALC's input as those of its output; false: one is not there. */
static bool calc_columns(struct arena *arena, const struct plan_node *node, const uint16_t **columns,
                         uint16_t *count)
{
    uint16_t *out = ARENA_ARRAY(arena, uint16_t, *count + 1u);

    for (uint16_t k = 0; k < *count; k++) {
        uint16_t i = 0, column;
        while (i < node->columns_count &&
               !(expr_is_column(node->calc.exprs[i], &column) && column == (*columns)[k]))
            i++;
        if (i == node->columns_count)
            return false;
        out[k] = i;
    }
    *columns = out;
    return true;
}

static bool calc_key(struct arena *arena, const struct plan_node *node, bool by_end,
                     const uint16_t **columns, uint16_t *count)
{
    return key_with(arena, node->inputs[0].node, by_end, columns, count) &&
           calc_columns(arena, node, columns, count);
}

static bool contains_all(const uint16_t *set, uint16_t set_count, const uint16_t *items,
                         uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        bool found = false;
        for (uint16_t k = 0; k < set_count; k++)
            found |= set[k] == items[i];
        if (!found)
            return false;
    }
    return true;
}

/* The columns of one side that the join equates, windows included. */
static uint16_t join_side_keys(const struct plan_node *node, int side, uint16_t *out)
{
    const struct plan_join *j = &node->join;
    uint16_t n = 0;

    for (uint16_t i = 0; i < j->keys_count; i++)
        out[n++] = side == 0 ? j->left_keys[i] : j->right_keys[i];
    if (node->kind == PLAN_WINDOW_JOIN) {
        out[n++] = side == 0 ? j->left_start : j->right_start;
        out[n++] = side == 0 ? j->left_end : j->right_end;
    }
    return n;
}

bool join_side_unique(struct arena *arena, const struct plan_node *node, int side)
{
    const uint16_t *key;
    uint16_t count;
    uint16_t *on = ARENA_ARRAY(arena, uint16_t, node->join.keys_count + 2u);
    uint16_t on_count = join_side_keys(node, side, on);

    return unique_key(arena, node->inputs[side].node, &key, &count) &&
           contains_all(on, on_count, key, count);
}

static bool join_key(struct arena *arena, const struct plan_node *node, bool by_end,
                     const uint16_t **columns, uint16_t *count)
{
    const uint16_t *left, *right;
    uint16_t left_count, right_count, n = node->inputs[0].node->columns_count;
    enum join_kind kind = node->join.kind;

    if (join_left_only(kind))
        return key_with(arena, node->inputs[0].node, by_end, columns, count);
    if (kind == JOIN_FULL || !key_with(arena, node->inputs[0].node, by_end, &left, &left_count) ||
        !key_with(arena, node->inputs[1].node, by_end, &right, &right_count))
        return false;
    bool left_one = join_side_unique(arena, node, 0), right_one = join_side_unique(arena, node, 1);
    if (right_one && kind != JOIN_RIGHT)
        return key_of(arena, left, left_count, columns, count);
    uint16_t *out = ARENA_ARRAY(arena, uint16_t, left_count + right_count + 1u);
    uint16_t out_count = 0;
    if (!(left_one && kind != JOIN_LEFT)) {
        for (uint16_t i = 0; i < left_count; i++)
            out[out_count++] = left[i];
    }
    for (uint16_t i = 0; i < right_count; i++)
        out[out_count++] = (uint16_t)(right[i] + n);
    *columns = out;
    *count = out_count;
    /* a padded side may be NULL in a key that needs both */
    return kind == JOIN_INNER || (kind == JOIN_RIGHT && left_one);
}

static bool rank_key(struct arena *arena, const struct plan_node *node, bool by_end,
                     const uint16_t **columns, uint16_t *count)
{
    const struct plan_rank *r = &node->rank;

    if (r->limit == 1)
        return key_of(arena, r->partition, r->partition_count, columns, count) &&
               r->partition_count > 0;
    /* with its number, a place of the list is what changes; without, the row that enters or leaves */
    if (!r->emit_rank)
        return key_with(arena, node->inputs[0].node, by_end, columns, count);
    uint16_t *out = ARENA_ARRAY(arena, uint16_t, r->partition_count + 1u);
    for (uint16_t i = 0; i < r->partition_count; i++)
        out[i] = r->partition[i];
    out[r->partition_count] = (uint16_t)(node->columns_count - 1);
    return key_of(arena, out, (uint16_t)(r->partition_count + 1), columns, count);
}

static bool table_key(struct arena *arena, const struct plan_node *node, const uint16_t **columns,
                      uint16_t *count)
{
    const struct table *table = node->scan.table;
    uint16_t *out = ARENA_ARRAY(arena, uint16_t, table->primary_key_count + 1u);

    for (uint16_t k = 0; k < table->primary_key_count; k++) {
        uint16_t i = 0;
        while (i < node->columns_count && node->scan.columns[i].table_column != table->primary_key[k])
            i++;
        if (i == node->columns_count)
            return false;
        out[k] = i;
    }
    *columns = out;
    *count = table->primary_key_count;
    return *count > 0;
}

/* Of rows that are only added nothing enforces a key that is declared. */
static bool scan_key(struct arena *arena, const struct plan_node *node, const uint16_t **columns,
                     uint16_t *count)
{
    return node->changes != 0 && table_key(arena, node, columns, count);
}

/* The groups of a window aggregate, and its start or its end, which tell the same, but for CUMULATE,
 * where windows that start together end one by one, and for sessions of keys that are no groups. */
static bool window_agg_key(struct arena *arena, const struct plan_node *node, bool by_end,
                           const uint16_t **columns, uint16_t *count)
{
    const struct plan_window_agg *agg = &node->window_agg;
    uint16_t *out = ARENA_ARRAY(arena, uint16_t, agg->keys_count + 2u), n = 0;

    bool by_start = agg->emit_start && agg->window.kind != WINDOW_CUMULATE;
    bool by_both = agg->window.kind == WINDOW_SESSION && !agg->session_keys;
    if ((!by_start && !agg->emit_end) || (by_both && !(by_start && agg->emit_end)))
        return false;
    for (; n < agg->keys_count; n++)
        out[n] = n;
    by_end |= !by_start;
    bool second = by_end && agg->emit_start && agg->emit_end;
    out[n++] = (uint16_t)(agg->keys_count + agg->aggs_count + second);
    if (by_both)
        out[n++] = (uint16_t)(agg->keys_count + agg->aggs_count + !second);
    return key_of(arena, out, n, columns, count);
}

/* A key is declared of rows that are only added too: each row is a version of its key then. */
bool version_key(struct arena *arena, const struct plan_node *node, const uint16_t **columns, uint16_t *count)
{
    if (node->kind == PLAN_SCAN)
        return table_key(arena, node, columns, count);
    if (node->kind != PLAN_CALC)
        return key_with(arena, node, false, columns, count);
    return version_key(arena, node->inputs[0].node, columns, count) && calc_columns(arena, node, columns, count);
}

static bool key_with(struct arena *arena, const struct plan_node *node, bool by_end,
                     const uint16_t **columns, uint16_t *count)
{
    switch (node->kind) {
    case PLAN_SCAN:
        return scan_key(arena, node, columns, count);
    case PLAN_CALC:
        return calc_key(arena, node, by_end, columns, count);
    case PLAN_GROUP_AGG:
        return first_columns(arena, node->group_agg.keys_count, columns, count);
    case PLAN_WINDOW_AGG:
        return window_agg_key(arena, node, by_end, columns, count);
    case PLAN_WINDOW:
        return node->window.kind == WINDOW_TUMBLE &&
               key_with(arena, node->inputs[0].node, by_end, columns, count);
    case PLAN_JOIN:
    case PLAN_WINDOW_JOIN:
        return join_key(arena, node, by_end, columns, count);
    case PLAN_OVER:
    case PLAN_TEMPORAL_JOIN: /* a left row meets one version */
        return key_with(arena, node->inputs[0].node, by_end, columns, count);
    case PLAN_LOOKUP_JOIN:
        if (node->join.lookup)
            return node->join.right_unique && key_with(arena, node->inputs[0].node, by_end, columns, count);
        return join_key(arena, node, by_end, columns, count);
    case PLAN_NORMALIZE:
        return key_of(arena, node->normalize.keys, node->normalize.keys_count, columns, count);
    case PLAN_RANK:
    case PLAN_WINDOW_RANK:
        return rank_key(arena, node, by_end, columns, count);
    default:
        return false;
    }
}

/* Projections may keep the start of a window, or its end. */
bool unique_key(struct arena *arena, const struct plan_node *node, const uint16_t **columns,
                uint16_t *count)
{
    return key_with(arena, node, false, columns, count) ||
           key_with(arena, node, true, columns, count);
}
