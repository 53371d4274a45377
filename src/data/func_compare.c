/* Comparison: = <> < <= > >=, IS [NOT] DISTINCT FROM, IS [NOT] NULL, IN. */
#include "data/compare.h"
#include "data/kernel.h"

enum op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE };

/* ---- binding ---- */

static bool is_approximate(enum type_kind kind)
{
    return kind == TYPE_FLOAT || kind == TYPE_DOUBLE;
}

/* A text literal beside a time or a BOOLEAN is read as that; the rest needs a common type. */
static const struct type *compare_type(struct bind *b, unsigned i, unsigned j)
{
    const struct type *x = bind_type(b, i), *y = bind_type(b, j);
    const struct type *common = type_common(b->arena, x, y);

    if (is_approximate(x->kind) && is_approximate(y->kind) && x->kind != y->kind)
        return type_simple(TYPE_DOUBLE);
    if ((x->kind == TYPE_DATE && type_is_time_point(y->kind)) ||
        (y->kind == TYPE_DATE && type_is_time_point(x->kind)))
        return NULL;
    if (type_is_time_point(x->kind) && type_is_time_point(y->kind) && x->kind != y->kind)
        return type_make(b->arena, TYPE_TIMESTAMP, common->precision, 0); /* by what clocks show, as Flink does */
    if (common)
        return common;
    if (type_is_numeric(x->kind) || type_is_numeric(y->kind))
        return NULL;
    if (type_is_text(x->kind) && b->args[i]->kind == EXPR_LITERAL && cast_exists(x, y, false))
        return y;
    if (type_is_text(y->kind) && b->args[j]->kind == EXPR_LITERAL && cast_exists(y, x, false))
        return x;
    return NULL;
}

static bool compare_cast(struct bind *b, const struct type *type)
{
    for (unsigned i = 0; i < b->args_count; i++)
        if (!type_is_text(type->kind) && !bind_force(b, i, type))
            return false;
    return true;
}

static bool bind_compare(struct bind *b)
{
    const struct type *type = compare_type(b, 0, 1);

    if (!type) {
        bind_fail(b, "%s and %s cannot be compared", type_text(b->arena, bind_type(b, 0)),
                  type_text(b->arena, bind_type(b, 1)));
        diag_hint(b->diag, "CAST one of them");
        return false;
    }
    bool equality = b->func->variant == OP_EQ || b->func->variant == OP_NE;
    if (type->kind >= TYPE_ROW && !equality)
        return bind_fail(b, "%s has no order", type_text(b->arena, type));
    if (type->kind == TYPE_NULL)
        type = type_simple(TYPE_BOOLEAN);
    bool never_null = b->func->flags & FUNC_NULLS;
    b->type = type_not_null(b->arena, type_simple(TYPE_BOOLEAN), never_null || !bind_any_null(b));
    return compare_cast(b, type);
}

static bool bind_in(struct bind *b)
{
    const struct type *type = bind_type(b, 0);

    for (unsigned i = 1; i < b->args_count; i++) {
        const struct type *with = compare_type(b, 0, i);
        const struct type *next = with ? type_common(b->arena, type, with) : NULL;
        if (!next && with)
            next = with;
        if (!next)
            return bind_fail(b, "%s and %s cannot be compared", type_text(b->arena, type),
                             type_text(b->arena, bind_type(b, i)));
        type = next;
    }
    b->type = type_not_null(b->arena, type_simple(TYPE_BOOLEAN), !bind_any_null(b));
    return compare_cast(b, type);
}

/* ---- kernels ---- */

#define COMPARE_KERNELS(phys, T)                                                                   \
    KERNEL2(eq_##phys, T, uint8_t, x == y)                                                         \
    KERNEL2(ne_##phys, T, uint8_t, x != y)                                                         \
    KERNEL2(lt_##phys, T, uint8_t, x < y)                                                          \
    KERNEL2(le_##phys, T, uint8_t, x <= y)                                                         \
    KERNEL2(gt_##phys, T, uint8_t, x > y)                                                          \
    KERNEL2(ge_##phys, T, uint8_t, x >= y)
PHYS_NUMBERS(COMPARE_KERNELS)

typedef void compare_kernel(const struct call *c);
#define COMPARE_ROW(phys, T)                                                                       \
    [PHYS_##phys] = {eq_##phys, ne_##phys, lt_##phys, le_##phys, gt_##phys, ge_##phys},
static compare_kernel *const compare_kernels[PHYS_F64 + 1][6] = {PHYS_NUMBERS(COMPARE_ROW)};

static bool holds(enum op op, int order)
{
    switch (op) {
    case OP_EQ: return order == 0;
    case OP_NE: return order != 0;
    case OP_LT: return order < 0;
    case OP_LE: return order <= 0;
    case OP_GT: return order > 0;
    case OP_GE: return order >= 0;
    }
    return false;
}

static void compare_text(struct call *call, enum op op)
{
    if (op == OP_EQ || op == OP_NE) {
        FOR_ROWS(call, row) {
            bool same = bytes_equal(arg_bytes(call, 0, row), arg_bytes(call, 1, row));
            OUT(call, uint8_t)[row] = same == (op == OP_EQ);
        }
        return;
    }
    FOR_ROWS(call, row)
        OUT(call, uint8_t)[row] =
            holds(op, bytes_compare(arg_bytes(call, 0, row), arg_bytes(call, 1, row)));
}

static void compare_nested(struct call *call, enum op op)
{
    const struct type *type = call->expr->args[0]->type;

    FOR_ROWS(call, row) {
        bool same = column_equal(type, &call->args[0].col, ARG_ROW(call, 0, row), &call->args[1].col,
                                 ARG_ROW(call, 1, row));
        OUT(call, uint8_t)[row] = same == (op == OP_EQ);
    }
}

static enum status compare(struct call *call)
{
    enum op op = (enum op)call->expr->func->variant;
    enum phys phys = arg_phys(call, 0);

    if (phys == PHYS_STR)
        compare_text(call, op);
    else if (phys <= PHYS_F64)
        compare_kernels[phys][op](call);
    else
        compare_nested(call, op);
    return ST_OK;
}

static enum status distinct(struct call *call)
{
    const struct type *type = call->expr->args[0]->type;
    bool want = call->expr->func->variant == OP_NE; /* IS DISTINCT FROM */

    FOR_ROWS(call, row) {
        bool x = arg_valid(call, 0, row), y = arg_valid(call, 1, row);
        bool same = x == y && (!x || column_equal(type, &call->args[0].col, ARG_ROW(call, 0, row),
                                                  &call->args[1].col, ARG_ROW(call, 1, row)));
        OUT(call, uint8_t)[row] = same != want;
    }
    return ST_OK;
}

static enum status is_null(struct call *call)
{
    const struct vec *a = &call->args[0];
    bool want = call->expr->func->variant == 0; /* IS NULL */

    if (type_phys(call->expr->args[0]->type->kind) != PHYS_NULL && !a->col.valid) {
        memset(call->data, !want, call->rows);
        return ST_OK;
    }
    FOR_ROWS(call, row)
        OUT(call, uint8_t)[row] = column_valid(&a->col, ARG_ROW(call, 0, row)) != want;
    return ST_OK;
}

static enum status in(struct call *call)
{
    const struct expr *e = call->expr;

    FOR_ROWS(call, row) {
        bool found = false, unknown = !arg_valid(call, 0, row);
        for (unsigned a = 1; a < e->args_count && !found && arg_valid(call, 0, row); a++) {
            if (!arg_valid(call, a, row))
                unknown = true;
            else
                found = column_equal(e->args[0]->type, &call->args[0].col, ARG_ROW(call, 0, row),
                                     &call->args[a].col, ARG_ROW(call, a, row));
        }
        OUT(call, uint8_t)[row] = found;
        if (!found && unknown)
            call_null(call, row);
    }
    return ST_OK;
}

static bool bind_is_null(struct bind *b)
{
    b->type = type_not_null(b->arena, type_simple(TYPE_BOOLEAN), true);
    return true;
}

#define COMPARE(sign, op, text)                                                                    \
    {.name = sign, .bind = bind_compare, .kernel = compare, .variant = op, .args_min = 2,          \
     .args_max = 2, .flags = FUNC_CAREFUL | FUNC_INFIX, .signature = "a " sign " b", .help = text}

const struct func func_compare_table[] = {
    COMPARE("=", OP_EQ, "Whether a equals b."),
    COMPARE("<>", OP_NE, "Whether a differs from b."),
    COMPARE("!=", OP_NE, "Whether a differs from b."),
    COMPARE("<", OP_LT, "Whether a is less than b."),
    COMPARE("<=", OP_LE, "Whether a is less than or equal to b."),
    COMPARE(">", OP_GT, "Whether a is greater than b."),
    COMPARE(">=", OP_GE, "Whether a is greater than or equal to b."),
    {.name = "IS DISTINCT FROM", .bind = bind_compare, .kernel = distinct, .variant = OP_NE,
     .args_min = 2, .args_max = 2, .flags = FUNC_NULLS | FUNC_INFIX,
     .signature = "a IS DISTINCT FROM b", .help = "Like <>, but NULL is a value equal to itself."},
    {.name = "IS NOT DISTINCT FROM", .bind = bind_compare, .kernel = distinct, .variant = OP_EQ,
     .args_min = 2, .args_max = 2, .flags = FUNC_NULLS | FUNC_INFIX,
     .signature = "a IS NOT DISTINCT FROM b",
     .help = "Like =, but NULL is a value equal to itself."},
    {.name = "IS NULL", .bind = bind_is_null, .kernel = is_null, .variant = 0, .args_min = 1,
     .args_max = 1, .flags = FUNC_NULLS | FUNC_INFIX, .signature = "a IS NULL",
     .help = "Whether a is NULL."},
    {.name = "IS NOT NULL", .bind = bind_is_null, .kernel = is_null, .variant = 1, .args_min = 1,
     .args_max = 1, .flags = FUNC_NULLS | FUNC_INFIX, .signature = "a IS NOT NULL",
     .help = "Whether a is not NULL."},
    {.name = "IN", .bind = bind_in, .kernel = in, .args_min = 2, .args_max = -1,
     .flags = FUNC_NULLS, .signature = "a IN (b, ...)",
     .help = "Whether a equals one of the others; NULL when it does not and one of them is NULL."},
    {0},
};
