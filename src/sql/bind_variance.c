/* VAR_POP, VAR_SAMP, STDDEV_POP, STDDEV_SAMP: of the sums of x and of its square and the count, as Flink's
 * planner makes them, so that rows can be taken back and results are exact where the sums are:
 *
 *   (SUM(x * x) - SUM(x) * SUM(x) / COUNT(x)) / COUNT(x)     of samples / (COUNT(x) - 1), NULL for one; STDDEV its root */
#include "sql/bind.h"

struct variance {
    const char *name;
    bool sample, root;
};

static const struct variance *variance_named(struct bytes name)
{
    static const struct variance all[] = {{"VAR_POP", false, false},   {"VAR_SAMP", true, false},
                                          {"VARIANCE", true, false},   {"STDDEV_POP", false, true},
                                          {"STDDEV_SAMP", true, true}, {"STDDEV", true, true}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (bytes_is_nocase(name, all[i].name))
            return &all[i];
    }
    return NULL;
}

bool variance_exists(struct bytes name)
{
    return variance_named(name) != NULL;
}

static const struct expr *as_type(struct binder *b, const struct ast_expr *e, const struct expr *x,
                                  const struct type *type)
{
    const struct expr *out = x && !b->failed ? func_cast(b->arena, x, type, false, false, b->diag) : NULL;

    return out || b->failed ? out : bind_failed(b, e->at);
}

/* COUNT(x), or one less and NULL for one. */
static const struct expr *divisor(struct binder *b, const struct ast_expr *e, const struct expr *count, bool sample)
{
    const struct expr *one = expr_i64(b->arena, 1, type_simple(TYPE_BIGINT));

    if (!sample || !count)
        return count;
    const struct expr *less = bind_call(b, e->at, "-", count, one);
    return b->failed ? NULL : bind_call(b, e->at, "NULLIF", less, expr_i64(b->arena, 0, type_simple(TYPE_BIGINT)));
}

const struct expr *bind_variance(struct binder *b, const struct scope *scope, const struct ast_expr *e,
                                 const struct expr **args, const struct expr *filter)
{
    const struct variance *v = variance_named(e->name);

    CHECK(v != NULL);
    if (e->args_count != 1)
        return bind_error(b, e->at, DIAG_TYPE, "%s takes one argument", v->name);
    if (e->distinct)
        return bind_unsupported(b, e->at, "%s(DISTINCT …)", v->name);
    const struct expr *arg = args[0];
    if (!type_is_numeric(arg->type->kind))
        return bind_error(b, e->at, DIAG_TYPE, "%s cannot be applied to %s", v->name,
                          type_text(b->arena, type_not_null(b->arena, arg->type, false)));
    struct agg_call average;
    if (!agg_bind(b->arena, BYTES_LITERAL("AVG"), arg, false, false, NULL, &average, b->diag))
        return bind_failed(b, e->at);
    const struct type *type = type_not_null(b->arena, average.type, false);
    const struct expr *x = as_type(b, e, arg, type_not_null(b->arena, type, arg->type->not_null));
    const struct expr *square = x ? as_type(b, e, bind_call(b, e->at, "*", x, x), type) : NULL;
    const struct expr *squares = bind_part(b, scope, e, "SUM", square, filter);
    const struct expr *sum = bind_part(b, scope, e, "SUM", x, filter);
    const struct expr *count = bind_part(b, scope, e, "COUNT", x, filter);
    if (b->failed)
        return NULL;
    const struct expr *mean = bind_call(b, e->at, "/", bind_call(b, e->at, "*", sum, sum), count);
    const struct expr *difference = bind_call(b, e->at, "-", squares, mean);
    const struct expr *out = bind_call(b, e->at, "/", difference, divisor(b, e, count, v->sample));
    if (v->root && !b->failed)
        out = bind_call(b, e->at, "SQRT", out, NULL);
    return as_type(b, e, out, type);
}
