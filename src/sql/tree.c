/* Walks and rewrites of bound expressions. A rewrite shares what does not change. */
#include "sql/bind.h"

void expr_columns(const struct expr *e, uint8_t *used)
{
    if (!e)
        return;
    if (e->kind == EXPR_COLUMN)
        used[e->index] = 1;
    for (uint16_t i = 0; i < e->args_count; i++)
        expr_columns(e->args[i], used);
}

/* The node with other arguments. */
static const struct expr *with_args(struct arena *arena, const struct expr *e,
                                    const struct expr **args)
{
    struct expr *copy = ARENA_NEW(arena, struct expr);

    *copy = *e;
    copy->args = args;
    return copy;
}

const struct expr *expr_replace(struct arena *arena, const struct expr *e,
                                const struct expr *const *by)
{
    const struct expr **args = NULL;

    if (!e)
        return NULL;
    if (e->kind == EXPR_COLUMN)
        return by[e->index] ? by[e->index] : e;
    for (uint16_t i = 0; i < e->args_count; i++) {
        const struct expr *arg = expr_replace(arena, e->args[i], by);
        if (arg == e->args[i] && !args)
            continue;
        if (!args) {
            args = ARENA_ARRAY(arena, const struct expr *, e->args_count);
            memcpy(args, e->args, e->args_count * sizeof(*args));
        }
        args[i] = arg;
    }
    return args ? with_args(arena, e, args) : e;
}

const struct expr *expr_map(struct arena *arena, const struct expr *e, const int32_t *map)
{
    const struct expr **args = NULL;

    if (!e)
        return NULL;
    if (e->kind == EXPR_COLUMN) {
        CHECK(map[e->index] >= 0);
        if (map[e->index] == e->index)
            return e;
        return expr_column(arena, (uint16_t)map[e->index], e->type);
    }
    for (uint16_t i = 0; i < e->args_count; i++) {
        const struct expr *arg = expr_map(arena, e->args[i], map);
        if (arg == e->args[i] && !args)
            continue;
        if (!args) {
            args = ARENA_ARRAY(arena, const struct expr *, e->args_count);
            memcpy(args, e->args, e->args_count * sizeof(*args));
        }
        args[i] = arg;
    }
    return args ? with_args(arena, e, args) : e;
}

bool expr_is_column(const struct expr *e, uint16_t *column)
{
    if (!e || e->kind != EXPR_COLUMN)
        return false;
    *column = e->index;
    return true;
}

bool expr_is_func(const struct expr *e, const char *name)
{
    return e->kind == EXPR_CALL && bytes_is_nocase(bytes_str(func_name(e->func)), name);
}

bool expr_repeats(const struct expr *e)
{
    static const char *const fresh[] = {"RAND", "RAND_INTEGER", "UUID"};

    if (e->kind == EXPR_CALL) {
        for (size_t i = 0; i < sizeof(fresh) / sizeof(fresh[0]); i++) {
            if (expr_is_func(e, fresh[i]))
                return false;
        }
    }
    for (uint16_t i = 0; i < e->args_count; i++) {
        if (!expr_repeats(e->args[i]))
            return false;
    }
    return true;
}

/* Takes AND apart; TRUE adds nothing, and a condition that is there already is not added again. */
void conjuncts_add(struct arena *arena, struct conjuncts *list, const struct expr *e)
{
    if (!e || (e->kind == EXPR_LITERAL && !e->is_null && e->type->kind == TYPE_BOOLEAN && e->value.b))
        return;
    if (expr_is_func(e, "AND")) {
        for (uint16_t i = 0; i < e->args_count; i++)
            conjuncts_add(arena, list, e->args[i]);
        return;
    }
    for (uint16_t i = 0; i < list->count; i++) {
        if (expr_equal(list->items[i], e) && expr_repeats(e))
            return;
    }
    if (list->count == list->cap) {
        uint16_t cap = list->cap ? (uint16_t)(list->cap * 2) : 8;
        const struct expr **grown = ARENA_ARRAY(arena, const struct expr *, cap);
        if (list->count > 0)
            memcpy(grown, list->items, list->count * sizeof(*grown));
        list->items = grown;
        list->cap = cap;
    }
    list->items[list->count++] = e;
}

const struct expr *conjuncts_and(struct arena *arena, const struct conjuncts *list)
{
    if (list->count == 0)
        return NULL;
    if (list->count == 1)
        return list->items[0];
    const struct expr **args = ARENA_ARRAY(arena, const struct expr *, list->count);
    memcpy(args, list->items, list->count * sizeof(*args));
    const struct expr *e = func_bind(arena, BYTES_LITERAL("AND"), args, list->count, NULL);
    CHECK(e != NULL);
    return e;
}

const struct expr *column_of(struct arena *arena, const struct plan_node *node, uint16_t i)
{
    CHECK(i < node->columns_count);
    return expr_column(arena, i, node->columns[i].type);
}

const struct expr *expr_row(struct arena *arena, const struct expr *const *fields, uint16_t count)
{
    struct type_field *types = ARENA_ARRAY(arena, struct type_field, count + 1u);
    struct expr *row = ARENA_NEW(arena, struct expr);

    *row = (struct expr){.kind = EXPR_ROW, .args_count = count};
    row->args = ARENA_ARRAY(arena, const struct expr *, count + 1u);
    for (uint16_t i = 0; i < count; i++) {
        types[i] = (struct type_field){.name = bytes_str(arena_printf(arena, "EXPR$%u", i)), .type = fields[i]->type};
        row->args[i] = fields[i];
    }
    row->type = type_not_null(arena, type_row(arena, types, count), true);
    return row;
}
