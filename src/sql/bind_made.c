/* Aggregates that are made of others, so that what those can (rows taken back, windows, OVER, checkpoints) these can too:
 *
 *   VAR_… and STDDEV_…              sums and counts: bind_variance.c
 *   JSON_ARRAYAGG(x)                $JSON_LIST(ARRAY_AGG(JSON_STRING(x)))
 *   JSON_OBJECTAGG(KEY k VALUE v)   $JSON_MEMBERS(ARRAY_AGG(ROW(k, JSON_STRING(v))))
 *   PERCENTILE(x, p [, times])      $PERCENTILE(COLLECT(ROW(x, times)), p)
 *
 * The parser writes what becomes of NULLs as the first argument of those of JSON (parse_json.c). */
#include "sql/bind.h"

bool made_exists(struct bytes name)
{
    return variance_exists(name) || bytes_is_nocase(name, "JSON_ARRAYAGG") || bytes_is_nocase(name, "JSON_OBJECTAGG") ||
           bytes_is_nocase(name, "PERCENTILE");
}

const struct expr *bind_part(struct binder *b, const struct scope *scope, const struct ast_expr *e, const char *name,
                             const struct expr *arg, const struct expr *filter)
{
    struct agg_call call;

    if (b->failed || !arg)
        return NULL;
    if (!agg_bind(b->arena, bytes_str(name), arg, false, e->distinct, filter, &call, b->diag))
        return bind_failed(b, e->at);
    return bind_agg_column(b, scope, e, &call);
}

static const struct expr *made_of(struct binder *b, const struct ast_expr *e, const char *name, const struct expr *x,
                                  const struct expr *y)
{
    return x && y && !b->failed ? bind_call(b, e->at, name, x, y) : NULL;
}

/* ---- JSON_ARRAYAGG, JSON_OBJECTAGG ---- */

/* Of argument i, which may be JSON already, as how says. */
static const struct expr *as_json(struct binder *b, const struct ast_expr *e, const struct expr **args, uint16_t i)
{
    return e->args[0]->name.ptr[i] == 'j' ? args[i] : bind_call(b, e->at, "JSON_STRING", args[i], NULL);
}

static const struct expr *json_list(struct binder *b, const struct scope *scope, const struct ast_expr *e,
                                    const struct expr **args, const struct expr *filter)
{
    const struct expr *list = bind_part(b, scope, e, "ARRAY_AGG", as_json(b, e, args, 1), filter);

    return made_of(b, e, "$JSON_LIST", args[0], list);
}

static const struct expr *json_members(struct binder *b, const struct scope *scope, const struct ast_expr *e,
                                       const struct expr **args, const struct expr *filter)
{
    const struct expr *fields[2];

    if (!type_is_text(args[1]->type->kind))
        return bind_error(b, e->args[1]->at, DIAG_TYPE, "a key of JSON_OBJECTAGG is a STRING, not %s",
                          type_text(b->arena, args[1]->type));
    fields[0] = args[1];
    fields[1] = as_json(b, e, args, 2);
    if (!fields[1])
        return NULL;
    const struct expr *list = bind_part(b, scope, e, "ARRAY_AGG", expr_row(b->arena, fields, 2), filter);
    return made_of(b, e, "$JSON_MEMBERS", args[0], list);
}

/* ---- PERCENTILE ---- */

/* A literal from 0 to 1, or an ARRAY of such. */
static bool is_share(struct binder *b, const struct expr *e)
{
    if (expr_is_func(e, "ARRAY")) {
        for (uint16_t i = 0; i < e->args_count; i++) {
            if (!is_share(b, e->args[i]))
                return false;
        }
        return e->args_count > 0;
    }
    const struct expr *number =
        type_is_numeric(e->type->kind) ? func_cast(b->arena, e, type_simple(TYPE_DOUBLE), false, false, NULL) : NULL;
    return number && number->kind == EXPR_LITERAL && !number->is_null && number->value.f64 >= 0 && number->value.f64 <= 1;
}

static const struct expr *counted(struct binder *b, const struct ast_expr *e, const struct expr *x, const struct type *type)
{
    const struct expr *out = func_cast(b->arena, x, type, false, false, b->diag);

    return out ? out : bind_failed(b, e->at);
}

static const struct expr *percentile(struct binder *b, const struct scope *scope, const struct ast_expr *e,
                                     const struct expr **args, const struct expr *filter)
{
    const struct expr *fields[2] = {NULL, expr_i64(b->arena, 1, type_simple(TYPE_BIGINT))};

    if (e->args_count < 2 || e->args_count > 3)
        return bind_error(b, e->at, DIAG_TYPE, "PERCENTILE takes a number, a percentage and, if need be, how often it counts");
    if (!type_is_numeric(args[0]->type->kind))
        return bind_error(b, e->args[0]->at, DIAG_TYPE, "PERCENTILE cannot be applied to %s",
                          type_text(b->arena, args[0]->type));
    if (!is_share(b, args[1]))
        return bind_error(b, e->args[1]->at, DIAG_VALUE,
                          "the percentage of PERCENTILE is a literal from 0 to 1, or an ARRAY of such");
    if (e->args_count == 3 && !type_is_integer(args[2]->type->kind))
        return bind_error(b, e->args[2]->at, DIAG_TYPE, "how often a number counts is an integer, not %s",
                          type_text(b->arena, args[2]->type));
    fields[0] = counted(b, e, args[0], type_simple(TYPE_DOUBLE));
    if (e->args_count == 3)
        fields[1] = counted(b, e, args[2], type_simple(TYPE_BIGINT));
    if (b->failed)
        return NULL;
    const struct expr *bag = bind_part(b, scope, e, "COLLECT", expr_row(b->arena, fields, 2), filter);
    return made_of(b, e, "$PERCENTILE", bag, args[1]);
}

const struct expr *bind_made(struct binder *b, const struct scope *scope, const struct ast_expr *e,
                             const struct expr **args, const struct expr *filter)
{
    if (e->nulls)
        return bind_error(b, e->at, DIAG_SYNTAX, "%.*s takes no %s", BYTES_FMT(e->name), e->nulls);
    if (variance_exists(e->name))
        return bind_variance(b, scope, e, args, filter);
    if (bytes_is_nocase(e->name, "JSON_ARRAYAGG"))
        return json_list(b, scope, e, args, filter);
    if (bytes_is_nocase(e->name, "JSON_OBJECTAGG"))
        return json_members(b, scope, e, args, filter);
    return percentile(b, scope, e, args, filter);
}
