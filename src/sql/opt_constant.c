/* A filter `x = 2` tells the rest of its CALC what x is: comparisons of x become TRUE or FALSE, and the
 * branches of a CASE that cannot be taken go (Nexmark's views choose one of three times that way). */
#include "sql/bind.h"

/* What columns are known to be; NULL: not known. */
struct known {
    struct arena *arena;
    const struct expr **values;
    uint16_t count;
};

static bool is_true(const struct expr *e)
{
    return e->kind == EXPR_LITERAL && e->type->kind == TYPE_BOOLEAN && !e->is_null && e->value.b;
}

static bool is_false(const struct expr *e) /* or NULL: not taken either */
{
    return e->kind == EXPR_LITERAL && e->type->kind == TYPE_BOOLEAN && (e->is_null || !e->value.b);
}

static const struct expr *known_value(const struct known *known, const struct expr *e)
{
    return e->kind == EXPR_COLUMN && known->values[e->index] ? known->values[e->index] : e;
}

static bool is_comparison(const struct expr *e)
{
    static const char *const names[] = {"=", "<>", "<", "<=", ">", ">="};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (e->args_count == 2 && expr_is_func(e, names[i]))
            return true;
    }
    return false;
}

/* A comparison whose sides are known is folded by the binding of functions. */
static const struct expr *simplify_comparison(const struct known *known, const struct expr *e)
{
    const struct expr *args[2] = {known_value(known, e->args[0]), known_value(known, e->args[1])};
    bool changed = args[0] != e->args[0] || args[1] != e->args[1];

    if (!changed || args[0]->kind != EXPR_LITERAL || args[1]->kind != EXPR_LITERAL)
        return e;
    const struct expr *folded =
        func_bind(known->arena, bytes_str(func_name(e->func)), args, 2, NULL);
    return folded && folded->kind == EXPR_LITERAL ? folded : e;
}

static const struct expr *simplify(const struct known *known, const struct expr *e);

static const struct expr **simplify_args(const struct known *known, const struct expr *e, bool *changed)
{
    const struct expr **args = ARENA_ARRAY(known->arena, const struct expr *, e->args_count + 1u);

    *changed = false;
    for (uint16_t i = 0; i < e->args_count; i++) {
        args[i] = simplify(known, e->args[i]);
        *changed |= args[i] != e->args[i];
    }
    return args;
}

static const struct expr *simplify_case(const struct known *known, const struct expr *e)
{
    bool changed;
    const struct expr **args = simplify_args(known, e, &changed);
    uint16_t n = 0;

    if (!changed)
        return e;
    for (uint16_t i = 0; i < e->args_count; i += 2) {
        bool otherwise = i + 1 == e->args_count;
        if (!otherwise && is_false(args[i]))
            continue;
        if (otherwise || is_true(args[i])) {
            args[n++] = otherwise ? args[i] : args[i + 1];
            break;
        }
        const struct expr *when = args[i], *then = args[i + 1];
        args[n++] = when;
        args[n++] = then;
    }
    if (n == 0)
        return expr_null(known->arena, e->type);
    if (n == 1 && type_equal(args[0]->type, e->type))
        return args[0];
    struct expr *copy = ARENA_NEW(known->arena, struct expr);
    *copy = *e;
    copy->args = args;
    copy->args_count = n;
    if (n == 1) { /* a cast says better what is left */
        const struct expr *cast = func_cast(known->arena, args[0], e->type, false, true, NULL);
        return cast ? cast : e;
    }
    return copy;
}

static const struct expr *simplify(const struct known *known, const struct expr *e)
{
    bool changed;

    if (e->args_count == 0)
        return e;
    if (e->kind == EXPR_CALL && is_comparison(e))
        return simplify_comparison(known, e);
    if (e->kind == EXPR_CASE)
        return simplify_case(known, e);
    const struct expr **args = simplify_args(known, e, &changed);
    if (!changed)
        return e;
    struct expr *copy = ARENA_NEW(known->arena, struct expr);
    *copy = *e;
    copy->args = args;
    return copy;
}

/* column = integer */
static bool tells(const struct expr *e, uint16_t *column, const struct expr **value)
{
    if (!expr_is_func(e, "=") || e->args_count != 2)
        return false;
    for (int i = 0; i < 2; i++) {
        const struct expr *c = e->args[i], *v = e->args[1 - i];
        if (expr_is_column(c, column) && v->kind == EXPR_LITERAL && !v->is_null &&
            type_is_integer(v->type->kind) && v->type->kind == c->type->kind) {
            *value = v;
            return true;
        }
    }
    return false;
}

static void simplify_calc(struct arena *arena, struct plan_node *node)
{
    const struct plan_node *input = node->inputs[0].node;
    struct known known = {.arena = arena, .count = 0,
                          .values = ARENA_ARRAY(arena, const struct expr *, input->columns_count + 1u)};
    struct conjuncts list = {0}, kept = {0};

    conjuncts_add(arena, &list, node->calc.filter);
    for (uint16_t i = 0; i < list.count; i++) {
        uint16_t column;
        const struct expr *value;
        if (!tells(list.items[i], &column, &value) || known.values[column])
            continue;
        known.values[column] = value;
        known.count++;
    }
    if (known.count == 0)
        return;
    for (uint16_t i = 0; i < list.count; i++) {
        uint16_t column;
        const struct expr *value;
        bool source = tells(list.items[i], &column, &value) && known.values[column] == value;
        const struct expr *e = source ? list.items[i] : simplify(&known, list.items[i]);
        if (!is_true(e))
            conjuncts_add(arena, &kept, e);
    }
    node->calc.filter = conjuncts_and(arena, &kept);
    for (uint16_t i = 0; i < node->columns_count; i++)
        node->calc.exprs[i] = simplify(&known, node->calc.exprs[i]);
}

struct plan_node *opt_constants(struct arena *arena, struct plan_node *node)
{
    for (uint16_t i = 0; i < node->inputs_count; i++)
        node->inputs[i].node = opt_constants(arena, node->inputs[i].node);
    if (node->kind == PLAN_CALC && node->calc.filter)
        simplify_calc(arena, node);
    return node;
}
