/* A window aggregate over rows that a window function just gave their windows becomes one operator,
 * which cuts time into slices and does not copy a row for each window it is in. */
#include "sql/bind.h"

/* Columns of the CALC that the aggregate reads, but for the window's own. */
static uint8_t *used_columns(struct arena *arena, const struct plan_node *node,
                             const struct plan_node *calc)
{
    const struct plan_window_agg *agg = &node->window_agg;
    uint8_t *used = ARENA_ARRAY(arena, uint8_t, calc->columns_count + 1u);

    for (uint16_t i = 0; i < agg->keys_count; i++)
        used[agg->keys[i]] = 1;
    for (uint16_t i = 0; i < agg->aggs_count; i++) {
        expr_columns(agg->aggs[i].arg, used);
        expr_columns(agg->aggs[i].filter, used);
    }
    return used;
}

static bool uses_window(struct arena *arena, const struct expr *e, const struct plan_node *window)
{
    uint16_t n = (uint16_t)(window->columns_count - 3);
    uint8_t *used = ARENA_ARRAY(arena, uint8_t, window->columns_count + 1u);

    expr_columns(e, used);
    return used[n] || used[n + 1] || used[n + 2];
}

static bool may_fold(struct arena *arena, const struct plan_node *node)
{
    if (node->kind != PLAN_WINDOW_AGG || !node->window_agg.attached)
        return false;
    const struct plan_node *calc = node->inputs[0].node;
    if (calc->kind != PLAN_CALC || calc->inputs[0].node->kind != PLAN_WINDOW)
        return false;
    const struct plan_node *window = calc->inputs[0].node;
    uint16_t n = (uint16_t)(window->columns_count - 3), start, end;
    if (window->window.kind == WINDOW_SESSION) /* rows decide together where their windows end */
        return false;
    if (!expr_is_column(calc->calc.exprs[node->window_agg.start_column], &start) || start != n ||
        !expr_is_column(calc->calc.exprs[node->window_agg.end_column], &end) || end != n + 1)
        return false;
    if (calc->calc.filter && uses_window(arena, calc->calc.filter, window))
        return false;
    const uint8_t *used = used_columns(arena, node, calc);
    for (uint16_t i = 0; i < calc->columns_count; i++) {
        if (used[i] && uses_window(arena, calc->calc.exprs[i], window))
            return false;
    }
    return true;
}

static void remap_agg(struct arena *arena, struct plan_node *node, const int32_t *map)
{
    struct plan_window_agg *agg = &node->window_agg;
    uint16_t *keys = ARENA_ARRAY(arena, uint16_t, agg->keys_count + 1u);
    struct agg_call *calls = ARENA_ARRAY(arena, struct agg_call, agg->aggs_count + 1u);

    for (uint16_t i = 0; i < agg->keys_count; i++)
        keys[i] = (uint16_t)map[agg->keys[i]];
    for (uint16_t i = 0; i < agg->aggs_count; i++) {
        calls[i] = agg->aggs[i];
        calls[i].arg = expr_map(arena, calls[i].arg, map);
        calls[i].filter = expr_map(arena, calls[i].filter, map);
    }
    agg->keys = keys;
    agg->aggs = calls;
}

static void fold(struct arena *arena, struct plan_node *node)
{
    struct plan_node *calc = node->inputs[0].node, *window = calc->inputs[0].node;
    const uint8_t *used = used_columns(arena, node, calc);
    int32_t *map = ARENA_ARRAY(arena, int32_t, calc->columns_count + 1u);
    bool row_time = window->window.time == TIME_ROW;
    uint16_t count = 0, time_at = 0;

    for (uint16_t i = 0; i < calc->columns_count; i++)
        map[i] = used[i] ? count++ : -1;
    struct plan_node *below =
        calc_new(arena, window->inputs[0].node, (uint16_t)(count + (row_time || count == 0)));
    bool have_time = !row_time;
    for (uint16_t i = 0; i < calc->columns_count; i++) {
        uint16_t column;
        if (map[i] < 0)
            continue;
        calc_set(below, (uint16_t)map[i], calc->columns[i].name, calc->calc.exprs[i]);
        if (!have_time && expr_is_column(calc->calc.exprs[i], &column) &&
            column == window->window.column) {
            have_time = true;
            time_at = (uint16_t)map[i];
        }
    }
    if (!have_time) {
        time_at = count;
        calc_set(below, count++, window->inputs[0].node->columns[window->window.column].name,
                 column_of(arena, window->inputs[0].node, window->window.column));
    }
    if (count == 0) /* rows need a column to be rows */
        calc_set(below, count++, window->inputs[0].node->columns[0].name,
                 column_of(arena, window->inputs[0].node, 0));
    below->columns_count = count;
    below->calc.filter = calc->calc.filter;
    remap_agg(arena, node, map);
    node->window_agg.attached = false;
    node->window_agg.window = window->window;
    node->window_agg.window.column = time_at;
    node->window_agg.start_column = node->window_agg.end_column = 0;
    node->inputs[0].node = below;
}

struct plan_node *opt_fold_windows(struct arena *arena, struct plan_node *node)
{
    for (uint16_t i = 0; i < node->inputs_count; i++)
        node->inputs[i].node = opt_fold_windows(arena, node->inputs[i].node);
    if (may_fold(arena, node))
        fold(arena, node);
    return node;
}
