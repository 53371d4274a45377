/* ARRAY and MAP: made, looked into and counted; TYPEOF. */
#include "base/check.h"
#include "data/builder.h"
#include "data/compare.h"
#include "data/func_list.h"
#include "data/kernel.h"

const struct type *list_type(struct arena *arena, enum type_kind kind, const struct type *first,
                             const struct type *second)
{
    struct type *type = ARENA_NEW(arena, struct type);
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, 2);

    fields[0].type = first;
    fields[1].type = second;
    *type = (struct type){.kind = kind, .fields = fields, .fields_count = second ? 2 : 1,
                          .not_null = true};
    return type;
}

/* The common type of args from, from + step, …, to which they are cast. NULL with a diag. */
const struct type *bind_common_of(struct bind *b, unsigned from, unsigned step)
{
    const struct type *type = bind_type(b, from);

    for (unsigned i = from + step; i < b->args_count; i += step) {
        const struct type *next = type_common(b->arena, type, bind_type(b, i));
        if (!next) {
            bind_fail(b, "%s and %s have no common type", type_text(b->arena, type),
                      type_text(b->arena, bind_type(b, i)));
            return NULL;
        }
        type = next;
    }
    for (unsigned i = from; i < b->args_count; i += step)
        if (!bind_force(b, i, type))
            return NULL;
    return type;
}

static bool bind_array(struct bind *b)
{
    const struct type *element = bind_common_of(b, 0, 1);

    if (!element)
        return false;
    b->type = list_type(b->arena, TYPE_ARRAY, element, NULL);
    return true;
}

static bool bind_map(struct bind *b)
{
    if (b->args_count % 2)
        return bind_fail(b, "needs a value for every key");
    const struct type *key = bind_common_of(b, 0, 2), *value = bind_common_of(b, 1, 2);
    if (!key || !value)
        return false;
    b->type = list_type(b->arena, TYPE_MAP, key, value);
    return true;
}

enum status builder_result(struct call *call, struct column_builder *b)
{
    if (column_builder_failed(b))
        call->no_memory = true;
    else
        call->whole.col = column_builder_done(b);
    return ST_OK;
}

/* Values at rows that are not asked for are NULL: a column is built row after row. */
void skip_to(struct column_builder *b, uint32_t row)
{
    while (b->rows < row && !b->failed)
        column_put_null(b);
}

static enum status make_list(struct call *call)
{
    uint16_t fields = call->expr->type->fields_count;
    struct column_builder b;

    column_builder_init(&b, call->ctx->arena, call->expr->type, call->rows);
    FOR_ROWS(call, row) {
        skip_to(&b, row);
        for (uint16_t a = 0; a < call->expr->args_count; a++)
            column_append(&b.children[a % fields], &call->args[a].col, ARG_ROW(call, a, row));
        column_put_list(&b);
    }
    skip_to(&b, call->rows);
    return builder_result(call, &b);
}

/* array[position from 1], map[key]: NULL where there is none */
static bool bind_item(struct bind *b)
{
    const struct type *type = bind_type(b, 0);

    if (type->kind != TYPE_ARRAY && type->kind != TYPE_MAP)
        return bind_fail(b, "%s has no elements", type_text(b->arena, type));
    if (type->kind == TYPE_ARRAY ? !bind_cast(b, 1, type_simple(TYPE_INT))
                                 : !bind_force(b, 1, type->fields[0].type))
        return false;
    b->type = type_not_null(b->arena, type->fields[type->fields_count - 1].type, false);
    return true;
}

static int64_t find_key(const struct call *call, uint32_t row, uint32_t from, uint32_t to)
{
    const struct type *key = call->expr->args[0]->type->fields[0].type;
    const struct column *keys = &call->args[0].col.children[0];

    for (uint32_t e = to; e > from; e--) /* of equal keys the last counts */
        if (column_valid(keys, e - 1) &&
            column_equal(key, keys, e - 1, &call->args[1].col, ARG_ROW(call, 1, row)))
            return e - 1;
    return -1;
}

static enum status item(struct call *call)
{
    const struct type *list = call->expr->args[0]->type;
    const struct column *values = &call->args[0].col.children[list->fields_count - 1];
    struct column_builder b;

    column_builder_init(&b, call->ctx->arena, call->expr->type, call->rows);
    FOR_ROWS(call, row) {
        int64_t at = -1;
        skip_to(&b, row);
        if (arg_valid(call, 0, row) && arg_valid(call, 1, row)) {
            const uint32_t *offsets = call->args[0].col.offsets + ARG_ROW(call, 0, row);
            if (list->kind == TYPE_MAP)
                at = find_key(call, row, offsets[0], offsets[1]);
            else if (ARG(call, 1, int32_t, row) > 0)
                at = (int64_t)offsets[0] + ARG(call, 1, int32_t, row) - 1;
            if (at >= offsets[1])
                at = -1;
        }
        if (at >= 0)
            column_append(&b, values, (uint32_t)at);
        else
            column_put_null(&b);
    }
    skip_to(&b, call->rows);
    return builder_result(call, &b);
}

static bool bind_list(struct bind *b)
{
    const struct type *type = bind_type(b, 0);

    if (type->kind != TYPE_ARRAY && type->kind != TYPE_MAP)
        return bind_fail(b, "takes an ARRAY or MAP, not %s", type_text(b->arena, type));
    b->type = type_not_null(b->arena, type_simple(TYPE_INT), type->not_null);
    return true;
}

static enum status cardinality(struct call *call)
{
    FOR_ROWS(call, row) {
        const uint32_t *offsets = call->args[0].col.offsets + ARG_ROW(call, 0, row);
        OUT(call, int32_t)[row] = (int32_t)(offsets[1] - offsets[0]);
    }
    return ST_OK;
}

static bool bind_contains(struct bind *b)
{
    const struct type *type = bind_type(b, 0);

    if (type->kind != TYPE_ARRAY)
        return bind_fail(b, "takes an ARRAY, not %s", type_text(b->arena, type));
    b->type = type_not_null(b->arena, type_simple(TYPE_BOOLEAN), type->not_null);
    return bind_force(b, 1, type->fields[0].type);
}

static enum status contains(struct call *call)
{
    const struct type *element = call->expr->args[0]->type->fields[0].type;
    const struct column *elements = &call->args[0].col.children[0];

    FOR_ROWS(call, row) {
        if (!arg_valid(call, 0, row)) {
            call_null(call, row);
            continue;
        }
        const uint32_t *offsets = call->args[0].col.offsets + ARG_ROW(call, 0, row);
        bool has = arg_valid(call, 1, row), found = false;
        for (uint32_t e = offsets[0]; e < offsets[1] && !found; e++) {
            bool valid = column_valid(elements, e);
            found = valid == has && (!has || column_equal(element, elements, e, &call->args[1].col,
                                                          ARG_ROW(call, 1, row)));
        }
        OUT(call, uint8_t)[row] = found;
    }
    return ST_OK;
}

static bool bind_typeof(struct bind *b)
{
    b->instead = expr_str(b->arena, bytes_str(type_text(b->arena, bind_type(b, 0))),
                          type_simple(TYPE_VARCHAR));
    return true;
}

const struct func func_collection_table[] = {
    {.name = "ARRAY", .bind = bind_array, .kernel = make_list, .args_min = 1, .args_max = -1,
     .flags = FUNC_NULLS | FUNC_WHOLE, .signature = "ARRAY[a, ...]", .help = "An array of the values."},
    {.name = "MAP", .bind = bind_map, .kernel = make_list, .args_min = 2, .args_max = -1,
     .flags = FUNC_NULLS | FUNC_WHOLE, .signature = "MAP[key, value, ...]",
     .help = "A map of the keys to the values."},
    {.name = "[]", .bind = bind_item, .kernel = item, .args_min = 2, .args_max = 2,
     .flags = FUNC_NULLS | FUNC_WHOLE, .signature = "array[position], map[key]",
     .help = "An element, from position 1; NULL when there is none."},
    {.name = "CARDINALITY", .bind = bind_list, .kernel = cardinality, .args_min = 1, .args_max = 1,
     .flags = FUNC_CAREFUL, .signature = "CARDINALITY(array or map)", .help = "Number of elements."},
    {.name = "ARRAY_CONTAINS", .bind = bind_contains, .kernel = contains, .args_min = 2,
     .args_max = 2, .flags = FUNC_NULLS, .signature = "ARRAY_CONTAINS(array, element)",
     .help = "Whether the array has the element; a NULL element is found too."},
    {.name = "TYPEOF", .bind = bind_typeof, .args_min = 1, .args_max = 1, .signature = "TYPEOF(x)",
     .help = "The type of x as text."},
    {0},
};
