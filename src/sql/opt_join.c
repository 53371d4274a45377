/* Joins: equal pairs become keys, equal windows make a window join, and comparisons of two times bound
 * how long a row can still find a partner. */
#include "sql/bind.h"

enum side { SIDE_NONE, SIDE_LEFT, SIDE_RIGHT, SIDE_BOTH };

static enum side side_of(struct arena *arena, const struct expr *e, uint16_t left, uint16_t all)
{
    uint8_t *used = ARENA_ARRAY(arena, uint8_t, all + 1u);
    unsigned side = 0;

    expr_columns(e, used);
    for (uint16_t i = 0; i < all; i++)
        side |= used[i] ? (i < left ? 1u : 2u) : 0u;
    return (enum side)side;
}

/* One side of the join while keys that are expressions are added to it as columns. */
struct operand {
    struct plan_node *node;
    uint16_t shift;            /* of its columns in the join's expressions */
    const struct expr **extra; /* over its own columns */
    uint16_t extra_count;
};

static uint16_t operand_key(struct arena *arena, struct operand *o, const struct expr *e, uint16_t all)
{
    int32_t *map = ARENA_ARRAY(arena, int32_t, all + 1u);
    uint16_t column;

    for (uint16_t i = 0; i < all; i++)
        map[i] = i >= o->shift && i - o->shift < o->node->columns_count ? i - o->shift : -1;
    e = expr_map(arena, e, map);
    if (expr_is_column(e, &column))
        return column;
    o->extra[o->extra_count] = e;
    return (uint16_t)(o->node->columns_count + o->extra_count++);
}

static struct plan_node *operand_done(struct arena *arena, const struct operand *o)
{
    uint16_t n = o->node->columns_count;

    if (o->extra_count == 0)
        return o->node;
    struct plan_node *calc = calc_new(arena, o->node, (uint16_t)(n + o->extra_count));
    for (uint16_t i = 0; i < n; i++)
        calc_set(calc, i, o->node->columns[i].name, column_of(arena, o->node, i));
    for (uint16_t i = 0; i < o->extra_count; i++)
        calc_set(calc, (uint16_t)(n + i), bytes_str(arena_printf(arena, "$k%u", i)), o->extra[i]);
    return calc;
}

/* ---- bounds ---- */

/* column + constant */
struct moment {
    uint16_t column;
    int64_t plus_us;
};

static bool moment_of(const struct expr *e, struct moment *out)
{
    out->plus_us = 0;
    while (e->kind == EXPR_CAST && type_is_time_point(e->type->kind) &&
           e->args[0]->type->kind == e->type->kind)
        e = e->args[0];
    if (e->kind == EXPR_CALL && e->args_count == 2 && (expr_is_func(e, "+") || expr_is_func(e, "-"))) {
        const struct expr *amount = e->args[1];
        if (amount->kind != EXPR_LITERAL || amount->is_null ||
            amount->type->kind != TYPE_INTERVAL_SECOND)
            return false;
        out->plus_us = expr_is_func(e, "+") ? amount->value.i64 : -amount->value.i64;
        e = e->args[0];
        while (e->kind == EXPR_CAST && type_is_time_point(e->type->kind) &&
               e->args[0]->type->kind == e->type->kind)
            e = e->args[0];
    }
    return expr_is_column(e, &out->column);
}

/* Whether the column moves with event time: rowtime, or an edge of an event-time window. */
static bool is_event_time(const struct plan_node *node, uint16_t column)
{
    return node->columns[column].time == TIME_ROW || never_late(node, column);
}

/* right - left in [low, high] as far as e says. */
static void bound_by(const struct expr *e, const struct plan_node *left, const struct plan_node *right,
                     struct plan_join *join, bool have[2])
{
    static const char *const names[] = {">=", ">", "<=", "<", "="};
    struct moment a, b;
    int op = 0;

    if (e->kind != EXPR_CALL || e->args_count != 2)
        return;
    while (op < 5 && !expr_is_func(e, names[op]))
        op++;
    if (op == 5 || !moment_of(e->args[0], &a) || !moment_of(e->args[1], &b))
        return;
    uint16_t n = left->columns_count;
    if ((a.column < n) == (b.column < n))
        return;
    bool turned = a.column >= n;
    if (turned) {
        struct moment swap = a;
        a = b;
        b = swap;
        op = op == 4 ? 4 : (op + 2) % 4;
    }
    b.column = (uint16_t)(b.column - n);
    if (!is_event_time(left, a.column) || !is_event_time(right, b.column))
        return;
    if ((have[0] || have[1]) && (join->left_time != a.column || join->right_time != b.column))
        return; /* another pair of times: the first one found is used */
    join->left_time = a.column;
    join->right_time = b.column;
    int64_t difference = a.plus_us - b.plus_us; /* left + a >= right + b: right - left <= a - b */
    if (op != 2 && op != 3) {
        join->high_us = have[1] && join->high_us < difference ? join->high_us : difference;
        have[1] = true;
    }
    if (op >= 2) {
        join->low_us = have[0] && join->low_us > difference ? join->low_us : difference;
        have[0] = true;
    }
}

/* ---- keys ---- */

static bool is_window_pair(const uint16_t windows[4], uint16_t left, uint16_t right)
{
    return (left == windows[0] && right == windows[2]) || (left == windows[1] && right == windows[3]);
}

static struct plan_node *with_original_columns(struct arena *arena, struct plan_node *join,
                                               const struct plan_node *before, uint16_t left_count,
                                               uint16_t left_extra)
{
    struct plan_node *calc = calc_new(arena, join, before->columns_count);

    for (uint16_t i = 0; i < before->columns_count; i++) {
        uint16_t from = i < left_count ? i : (uint16_t)(i + left_extra);
        calc_set(calc, i, before->columns[i].name, column_of(arena, join, from));
    }
    return calc;
}

static void join_columns(struct plan_node *node, const struct plan_node *before,
                         const struct plan_node *left, const struct plan_node *right,
                         uint16_t left_count)
{
    uint16_t n = left->columns_count;

    for (uint16_t i = 0; i < node->columns_count; i++) {
        bool on_left = i < n;
        uint16_t own = on_left ? i : (uint16_t)(i - n);
        const struct plan_node *side = on_left ? left : right;
        uint16_t side_before = on_left ? left_count : (uint16_t)(before->columns_count - left_count);
        node->columns[i] = own < side_before ? before->columns[on_left ? own : own + left_count]
                                             : side->columns[own];
        node->columns[i].time = TIME_NONE;
    }
}

static struct plan_node *split(struct arena *arena, struct plan_node *node)
{
    struct conjuncts list = {0}, rest = {0};
    uint16_t n = node->inputs[0].node->columns_count, all = join_width(node), windows[4];
    bool windowed = node->kind == PLAN_JOIN && join_windows(node, windows), have[2] = {false, false};

    conjuncts_add(arena, &list, node->join.condition);
    struct operand left = {.node = node->inputs[0].node,
                           .extra = ARENA_ARRAY(arena, const struct expr *, list.count + 1u)};
    struct operand right = {.node = node->inputs[1].node, .shift = n,
                            .extra = ARENA_ARRAY(arena, const struct expr *, list.count + 1u)};
    uint16_t *left_keys = ARENA_ARRAY(arena, uint16_t, list.count + 1u);
    uint16_t *right_keys = ARENA_ARRAY(arena, uint16_t, list.count + 1u), keys = 0;
    struct plan_join join = {.kind = node->join.kind};

    for (uint16_t i = 0; i < list.count; i++) {
        const struct expr *e = list.items[i];
        bound_by(e, left.node, right.node, &join, have);
        enum side x = SIDE_NONE, y = SIDE_NONE;
        if (expr_is_func(e, "=")) {
            x = side_of(arena, e->args[0], n, all);
            y = side_of(arena, e->args[1], n, all);
        }
        if (!((x == SIDE_LEFT && y == SIDE_RIGHT) || (x == SIDE_RIGHT && y == SIDE_LEFT))) {
            conjuncts_add(arena, &rest, e);
            continue;
        }
        uint16_t l = operand_key(arena, &left, e->args[x == SIDE_RIGHT], all);
        uint16_t r = operand_key(arena, &right, e->args[x == SIDE_LEFT], all);
        if (windowed && is_window_pair(windows, l, r))
            continue;
        left_keys[keys] = l;
        right_keys[keys++] = r;
    }
    struct plan_node *l = operand_done(arena, &left), *r = operand_done(arena, &right);
    bool only_left = join_left_only(node->join.kind);
    struct plan_node *out = node_new(arena, windowed ? PLAN_WINDOW_JOIN : node->kind,
                                     (uint16_t)(l->columns_count + (only_left ? 0 : r->columns_count)), 2);
    memcpy(out->inputs, node->inputs, 2 * sizeof(*out->inputs));
    out->inputs[0].node = l;
    out->inputs[1].node = r;
    join_columns(out, node, l, r, n);
    int32_t *map = ARENA_ARRAY(arena, int32_t, all + 1u);
    for (uint16_t i = 0; i < all; i++)
        map[i] = i < n ? i : i + left.extra_count;
    join.left_keys = left_keys;
    join.right_keys = right_keys;
    join.keys_count = keys;
    join.condition = expr_map(arena, conjuncts_and(arena, &rest), map);
    join.bounded = !windowed && node->kind == PLAN_JOIN && have[0] && have[1] && join.kind == JOIN_INNER;
    if (node->kind == PLAN_TEMPORAL_JOIN)
        join.left_time = node->join.left_time, join.right_time = node->join.right_time;
    if (windowed) {
        join.left_start = windows[0], join.left_end = windows[1];
        join.right_start = windows[2], join.right_end = windows[3];
        join.windows_local = window_prop(l, windows[0]).window->local;
    }
    join.hint = node->join.hint;
    out->join = join;
    if (left.extra_count + (only_left ? 0 : right.extra_count) == 0)
        return out;
    return with_original_columns(arena, out, node, n, left.extra_count);
}

struct plan_node *opt_join_keys(struct arena *arena, struct plan_node *node)
{
    for (uint16_t i = 0; i < node->inputs_count; i++)
        node->inputs[i].node = opt_join_keys(arena, node->inputs[i].node);
    bool join = node->kind == PLAN_JOIN || node->kind == PLAN_TEMPORAL_JOIN || node->kind == PLAN_LOOKUP_JOIN;
    return join ? split(arena, node) : node;
}
