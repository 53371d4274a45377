/* GROUP BY: a CALC that computes keys and arguments, then the aggregate over its columns.
 *
 * Keys that are window_start and window_end of one window make it a window aggregate over rows that
 * carry their windows; opt_window.c joins it with the window below when it can. */
#include "sql/bind.h"

struct inputs {
    const struct expr **exprs;
    struct bytes *names;
    uint16_t count;
};

/* The column that has e; the same expression is computed once. */
static uint16_t input_add(struct arena *arena, struct inputs *in, const struct expr *e,
                          struct bytes name)
{
    for (uint16_t i = 0; i < in->count; i++) {
        if (expr_equal(in->exprs[i], e) && expr_repeats(e))
            return i;
    }
    in->exprs[in->count] = e;
    in->names[in->count] =
        name.len ? name : bytes_str(arena_printf(arena, "$f%u", in->count));
    return in->count++;
}

static const struct expr *argument(struct arena *arena, const struct plan_node *calc,
                                   const struct expr *e, uint16_t column)
{
    return e ? column_of(arena, calc, column) : NULL;
}

/* The position among the keys of one that plays a role of the same window as `like`; -1: none. */
static int32_t key_with_role(const struct plan_node *calc, const uint16_t *keys, uint16_t count,
                             enum window_role role, const struct plan_window **window)
{
    for (uint16_t i = 0; i < count; i++) {
        struct window_prop prop = window_prop(calc, keys[i]);
        if (prop.role == role && (!*window || *window == prop.window)) {
            *window = prop.window;
            return i;
        }
    }
    return -1;
}

static void add_output(struct plan_node *node, uint16_t at, const struct plan_column *column)
{
    node->columns[at] = *column;
}

/* keys, aggregates, window_start, window_end [, window_time] */
static void window_agg_outputs(struct plan_node *node, const struct plan_node *calc,
                               const uint16_t *keys, const int32_t roles[3], uint16_t keys_count,
                               uint16_t *key_columns)
{
    struct plan_window_agg *agg = &node->window_agg;
    uint16_t *kept = (uint16_t *)(uintptr_t)agg->keys;

    agg->keys_count = 0;
    for (uint16_t i = 0; i < keys_count; i++) {
        enum window_role role = window_prop(calc, keys[i]).role;
        bool same = role != ROLE_NONE && roles[role - 1] >= 0 &&
                    window_prop(calc, keys[i]).window ==
                        window_prop(calc, keys[roles[ROLE_START - 1]]).window;
        if (same)
            continue;
        key_columns[i] = agg->keys_count;
        add_output(node, agg->keys_count, &calc->columns[keys[i]]);
        node->columns[agg->keys_count].time = TIME_NONE;
        kept[agg->keys_count++] = keys[i];
    }
    uint16_t at = (uint16_t)(agg->keys_count + agg->aggs_count);
    for (int role = 0; role < 3; role++) {
        if (roles[role] < 0)
            continue;
        for (uint16_t i = 0; i < keys_count; i++) {
            if (window_prop(calc, keys[i]).role == (enum window_role)(role + 1) &&
                window_prop(calc, keys[i]).window ==
                    window_prop(calc, keys[roles[ROLE_START - 1]]).window)
                key_columns[i] = at;
        }
        add_output(node, at++, &calc->columns[keys[roles[role]]]);
    }
    node->columns_count = at;
}

static bool has_session_keys(const struct plan_node *calc, const uint16_t *keys, uint16_t keys_count,
                             const struct plan_window *window)
{
    uint16_t found = 0;

    for (uint16_t i = 0; i < keys_count; i++)
        found = (uint16_t)(found + session_key(calc, keys[i], window));
    return found >= window->partition_count;
}

static struct plan_node *window_agg(struct binder *b, struct plan_node *calc, const uint16_t *keys,
                                    uint16_t keys_count, const int32_t roles[3],
                                    const struct agg_call *calls, uint16_t calls_count,
                                    uint16_t *key_columns, uint16_t *agg_columns)
{
    struct plan_node *node =
        node_new(b->arena, PLAN_WINDOW_AGG, (uint16_t)(keys_count + calls_count), 1);
    struct plan_window_agg *agg = &node->window_agg;

    node->inputs[0].node = calc;
    agg->attached = true;
    agg->window = *window_prop(calc, keys[roles[ROLE_START - 1]]).window;
    agg->start_column = keys[roles[ROLE_START - 1]];
    agg->end_column = keys[roles[ROLE_END - 1]];
    agg->session_keys = has_session_keys(calc, keys, keys_count, window_prop(calc, agg->start_column).window);
    agg->emit_start = agg->emit_end = true;
    agg->emit_time = roles[ROLE_TIME - 1] >= 0;
    agg->keys = ARENA_ARRAY(b->arena, uint16_t, keys_count + 1u);
    agg->aggs = calls;
    agg->aggs_count = calls_count;
    window_agg_outputs(node, calc, keys, roles, keys_count, key_columns);
    for (uint16_t i = 0; i < calls_count; i++) {
        agg_columns[i] = (uint16_t)(agg->keys_count + i);
        node->columns[agg_columns[i]] =
            (struct plan_column){bytes_str(arena_printf(b->arena, "$a%u", i)), calls[i].type, TIME_NONE};
    }
    return node;
}

static struct plan_node *group_agg(struct binder *b, struct plan_node *calc, const uint16_t *keys,
                                   uint16_t keys_count, const struct agg_call *calls,
                                   uint16_t calls_count, uint16_t *key_columns,
                                   uint16_t *agg_columns)
{
    struct plan_node *node =
        node_new(b->arena, PLAN_GROUP_AGG, (uint16_t)(keys_count + calls_count), 1);
    uint16_t *kept = ARENA_ARRAY(b->arena, uint16_t, keys_count + 1u);

    node->inputs[0].node = calc;
    for (uint16_t i = 0; i < keys_count; i++) {
        kept[i] = keys[i];
        key_columns[i] = i;
        node->columns[i] = calc->columns[keys[i]];
        node->columns[i].time = TIME_NONE;
    }
    node->group_agg.keys = kept;
    node->group_agg.keys_count = keys_count;
    node->group_agg.aggs = calls;
    node->group_agg.aggs_count = calls_count;
    for (uint16_t i = 0; i < calls_count; i++) {
        agg_columns[i] = (uint16_t)(keys_count + i);
        node->columns[agg_columns[i]] =
            (struct plan_column){bytes_str(arena_printf(b->arena, "$a%u", i)), calls[i].type, TIME_NONE};
    }
    return node;
}

struct plan_node *bind_aggregate(struct binder *b, const struct token *at, struct plan_node *input,
                                 const struct group *group, const struct aggs *aggs,
                                 uint16_t *key_columns, uint16_t *agg_columns)
{
    uint16_t most = (uint16_t)(group->keys_count + aggs->count * 2u + 1u);
    struct inputs in = {.exprs = ARENA_ARRAY(b->arena, const struct expr *, most + 1u),
                        .names = ARENA_ARRAY(b->arena, struct bytes, most + 1u)};
    uint16_t *keys = ARENA_ARRAY(b->arena, uint16_t, group->keys_count + 1u);
    uint16_t *args = ARENA_ARRAY(b->arena, uint16_t, aggs->count + 1u);
    uint16_t *filters = ARENA_ARRAY(b->arena, uint16_t, aggs->count + 1u);
    struct agg_call *calls = ARENA_ARRAY(b->arena, struct agg_call, aggs->count + 1u);

    if (most > BIND_COLUMNS_MAX)
        return bind_error(b, at, DIAG_LIMIT, "too many keys and aggregates");
    for (uint16_t i = 0; i < group->keys_count; i++)
        keys[i] = input_add(b->arena, &in, group->keys[i], group->names[i]);
    for (uint16_t i = 0; i < aggs->count; i++) {
        if (aggs->calls[i].arg)
            args[i] = input_add(b->arena, &in, aggs->calls[i].arg, BYTES_NONE);
        if (aggs->calls[i].filter)
            filters[i] = input_add(b->arena, &in, aggs->calls[i].filter, BYTES_NONE);
    }
    if (in.count == 0 && input->columns_count > 0) /* COUNT(*) alone: rows need a column to be rows */
        input_add(b->arena, &in, column_of(b->arena, input, 0), input->columns[0].name);
    struct plan_node *calc = calc_new(b->arena, input, in.count);
    for (uint16_t i = 0; i < in.count; i++)
        calc_set(calc, i, in.names[i], in.exprs[i]);
    for (uint16_t i = 0; i < aggs->count; i++) {
        calls[i] = aggs->calls[i];
        calls[i].arg = argument(b->arena, calc, calls[i].arg, args[i]);
        calls[i].filter = argument(b->arena, calc, calls[i].filter, filters[i]);
    }
    const struct plan_window *window = NULL;
    int32_t roles[3];
    roles[0] = key_with_role(calc, keys, group->keys_count, ROLE_START, &window);
    roles[1] = key_with_role(calc, keys, group->keys_count, ROLE_END, &window);
    roles[2] = key_with_role(calc, keys, group->keys_count, ROLE_TIME, &window);
    if (roles[0] >= 0 && roles[1] >= 0)
        return window_agg(b, calc, keys, group->keys_count, roles, calls, aggs->count, key_columns,
                          agg_columns);
    return group_agg(b, calc, keys, group->keys_count, calls, aggs->count, key_columns, agg_columns);
}
