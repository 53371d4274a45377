/* Expressions: names to columns and fields, calls to entries of the function table. */
#include "base/suggest.h"
#include "sql/bind.h"
#include "sql/parser.h"

struct bytes bind_name(struct binder *b, struct bytes name)
{
    return arena_copy(b->arena, name);
}

enum time_attr expr_time(const struct scope *scope, const struct expr *e)
{
    if (e->kind == EXPR_COLUMN && e->index < scope->count)
        return scope->columns[e->index].time;
    return expr_is_func(e, "PROCTIME") ? TIME_PROC : TIME_NONE;
}

const struct expr *bind_call(struct binder *b, const struct token *at, const char *name,
                             const struct expr *x, const struct expr *y)
{
    const struct expr *args[2] = {x, y};

    if (b->failed)
        return NULL;
    const struct expr *e = func_bind(b->arena, bytes_str(name), args, y ? 2 : 1, b->diag);
    return e ? e : bind_failed(b, at);
}

/* ---- names ---- */

/* The column of that name: -1 none, -2 more than one. */
static int32_t scope_find(const struct scope *scope, struct bytes table, struct bytes name)
{
    int32_t found = -1;

    for (uint16_t i = 0; i < scope->count; i++) {
        const struct scope_column *c = &scope->columns[i];
        if (!bytes_equal(c->name, name) || (table.len > 0 && !bytes_equal(c->table, table)) ||
            (table.len == 0 && c->hidden))
            continue;
        if (found >= 0)
            return -2;
        found = i;
    }
    return found;
}

static bool scope_has_table(const struct scope *scope, struct bytes table)
{
    for (uint16_t i = 0; i < scope->count; i++) {
        if (bytes_equal(scope->columns[i].table, table))
            return true;
    }
    return false;
}

static void hint_column(struct binder *b, const struct scope *scope, struct bytes table,
                        struct bytes name)
{
    struct bytes best = BYTES_NONE;
    unsigned best_distance = name.len < 3 ? 2 : name.len < 6 ? 3 : 4;

    for (uint16_t i = 0; i < scope->count; i++) {
        const struct scope_column *c = &scope->columns[i];
        unsigned d = edit_distance(name, c->name, best_distance);
        if ((table.len == 0 || bytes_equal(c->table, table)) && d < best_distance && d < name.len) {
            best = c->name;
            best_distance = d;
        }
    }
    if (best.len > 0)
        bind_hint(b, "did you mean `%.*s`?%s", BYTES_FMT(bytes_head(best, 60)),
                  best_distance == 0 ? " Names are case-sensitive" : "");
}

static const struct expr *bind_field(struct binder *b, const struct token *at,
                                     const struct expr *row, struct bytes name)
{
    const struct type *type = row->type;

    if (type->kind != TYPE_ROW)
        return bind_error(b, at, DIAG_TYPE, "`%.*s` is asked of a %s, which has no fields",
                          BYTES_FMT(bytes_head(name, 60)), type_text(b->arena, type));
    for (uint16_t i = 0; i < type->fields_count; i++) {
        if (bytes_equal(type->fields[i].name, name))
            return expr_field(b->arena, row, i);
    }
    bind_error(b, at, DIAG_NAME, "there is no field `%.*s` in %s", BYTES_FMT(bytes_head(name, 60)),
               type_text(b->arena, type));
    return NULL;
}

static const struct expr *unknown_name(struct binder *b, const struct scope *scope,
                                       const struct ast_expr *e)
{
    struct bytes name = e->parts[0];

    if (e->parts_count > 1 && scope_has_table(scope, name)) {
        bind_error(b, e->at, DIAG_NAME, "there is no column `%.*s` in `%.*s`",
                   BYTES_FMT(bytes_head(e->parts[1], 60)), BYTES_FMT(bytes_head(name, 60)));
        hint_column(b, scope, name, e->parts[1]);
        return NULL;
    }
    bind_error(b, e->at, DIAG_NAME, e->parts_count > 1 ? "there is no table or column `%.*s` here"
                                                       : "there is no column `%.*s` here",
               BYTES_FMT(bytes_head(name, 60)));
    hint_column(b, scope, BYTES_NONE, name);
    return NULL;
}

/* How many of a name's parts say the catalog and the database. */
static uint16_t path_parts(const struct ast_expr *e)
{
    bool catalog = e->parts_count > 3 && bytes_is(e->parts[0], "default_catalog");

    return e->parts_count > catalog + 2 && bytes_is(e->parts[catalog], "default_database") ? catalog + 1u : 0;
}

/* The column that a name's first parts name as one of a table (t.c), or its first part alone (c.field), and how many
 * parts they are; -1: none, -2: more than one. */
enum path { PATH_TABLE, PATH_COLUMN };

static int32_t scope_path(const struct scope *scope, const struct ast_expr *e, enum path path, uint16_t *used)
{
    uint16_t before = path_parts(e);

    if (path == PATH_COLUMN) {
        *used = 1;
        return scope_find(scope, BYTES_NONE, e->parts[0]);
    }
    *used = (uint16_t)(before + 2);
    return e->parts_count > before + 1 ? scope_find(scope, e->parts[before], e->parts[before + 1]) : -1;
}

static bool is_outer_name(const struct binder *b, const struct ast_expr *e)
{
    uint16_t used;

    for (const struct scope *s = b->outer; s; s = s->outer) {
        if (scope_path(s, e, PATH_TABLE, &used) != -1 || scope_path(s, e, PATH_COLUMN, &used) != -1)
            return true;
    }
    return false;
}

/* The same here or else in the query around; a table of that name there goes before a column here. */
static int32_t scopes_path(const struct scope **scope, const struct ast_expr *e, uint16_t *used)
{
    for (enum path path = PATH_TABLE; path <= PATH_COLUMN; path++) {
        int32_t column = scope_path(*scope, e, path, used);
        if (column != -1)
            return column;
        if ((*scope)->outer) {
            column = scope_path((*scope)->outer, e, path, used);
            if (column >= 0) {
                *scope = (*scope)->outer;
                return column;
            }
        }
    }
    return -1;
}

/* a.b.c: a column of a table with fields, or a column with fields; here, or in the query around */
const struct expr *bind_column(struct binder *b, const struct scope *scope, const struct ast_expr *e)
{
    const struct scope *here = scope;
    uint16_t used;
    int32_t column = scopes_path(&scope, e, &used);

    if (column == -2)
        return bind_error(b, e->at, DIAG_NAME, "`%.*s` is a column of more than one table here: say "
                                               "which, as in t.%.*s",
                          BYTES_FMT(bytes_head(e->parts[used - 1], 60)),
                          BYTES_FMT(bytes_head(e->parts[used - 1], 60)));
    if (column == -1 && is_outer_name(b, e))
        return bind_unsupported(b, e->at, "`%.*s` of an outer query at this place (only in the WHERE of a "
                                          "sub-query right below it)",
                                BYTES_FMT(bytes_head(e->text, 60)));
    if (column == -1)
        return unknown_name(b, scope, e);
    const struct expr *out =
        expr_column(b->arena, (uint16_t)((scope == here ? 0 : OUTER_COLUMN) + column), scope->columns[column].type);
    for (uint16_t i = used; i < e->parts_count && out; i++)
        out = bind_field(b, e->at, out, e->parts[i]);
    return out;
}

/* ---- calls ---- */

const struct expr **bind_args(struct binder *b, const struct scope *scope, const struct ast_expr *e)
{
    const struct expr **args = ARENA_ARRAY(b->arena, const struct expr *, e->args_count + 1u);

    for (uint16_t i = 0; i < e->args_count && !b->failed; i++)
        args[i] = bind_expr(b, scope, e->args[i]);
    return b->failed ? NULL : args;
}

static uint16_t aggs_add(struct binder *b, struct aggs *aggs, const struct agg_call *call)
{
    for (uint16_t i = 0; i < aggs->count; i++) {
        if (agg_call_same(&aggs->calls[i], call))
            return i;
    }
    if (aggs->count == aggs->cap) {
        uint16_t cap = aggs->cap ? (uint16_t)(aggs->cap * 2) : 8;
        struct agg_call *grown = ARENA_ARRAY(b->arena, struct agg_call, cap);
        if (aggs->count > 0)
            memcpy(grown, aggs->calls, aggs->count * sizeof(*grown));
        aggs->calls = grown;
        aggs->cap = cap;
    }
    aggs->calls[aggs->count] = *call;
    return aggs->count++;
}

/* An aggregate becomes the column after those of the scope; bind_query.c moves it to its place. */
const struct expr *bind_agg_column(struct binder *b, const struct scope *scope, const struct ast_expr *e,
                                   const struct agg_call *call)
{
    if (scope->match)
        return bind_match_aggregate(b, scope, e, call);
    uint16_t i = aggs_add(b, scope->aggs, call);

    if (scope->count + i >= BIND_COLUMNS_MAX)
        return bind_error(b, e->at, DIAG_LIMIT, "too many aggregates");
    return expr_column(b->arena, (uint16_t)(scope->count + i), scope->aggs->calls[i].type);
}

bool bind_agg(struct binder *b, const struct ast_expr *e, const struct expr **args, const struct expr *filter,
              struct agg_call *out)
{
    uint16_t count = e->args_count;

    if (agg_bind(b->arena, e->name, count ? args[0] : NULL, e->star, e->distinct, filter, out, b->diag) &&
        (count < 2 || agg_bind_more(b->arena, out, args + 1, (uint16_t)(count - 1), b->diag))) {
        out->ignore_nulls = e->nulls && *e->nulls == 'I';
        if (!e->nulls || agg_takes_nulls(out->kind))
            return true;
        bind_error(b, e->at, DIAG_SYNTAX, "%s takes no %s", agg_name(out->kind), e->nulls);
        return false;
    }
    bind_failed(b, e->at);
    return false;
}

static const struct expr *bind_agg_call(struct binder *b, const struct scope *scope,
                                        const struct ast_expr *e)
{
    struct scope inner = *scope;
    struct agg_call call = {0};
    const struct expr *arg = NULL, *filter = NULL;

    if (e->over)
        return bind_unsupported(b, e->at, "%.*s(…) OVER (…)", BYTES_FMT(bytes_head(e->name, 40)));
    if (!scope->aggs)
        return bind_error(b, e->at, DIAG_SYNTAX, "an aggregate cannot stand %s",
                          scope->no_aggs ? scope->no_aggs : "here");
    inner.aggs = NULL;
    inner.no_aggs = "inside another";
    struct subs *subs = b->subs;
    b->subs = NULL; /* their values come after the aggregate */
    const struct expr **args = bind_args(b, &inner, e);
    if (args && e->args_count)
        arg = args[0];
    if (e->filter && !b->failed)
        filter = bind_condition(b, &inner, e->filter, "FILTER");
    b->subs = subs;
    if (b->failed)
        return NULL;
    if (made_exists(e->name))
        return bind_made(b, scope, e, args, filter);
    if (!bind_agg(b, e, args, filter, &call))
        return NULL;
    if (agg_needs_over(call.kind))
        return bind_error(b, e->at, DIAG_SYNTAX, "%s needs OVER (…)", agg_name(call.kind));
    if (scope->aggs->grouped && arg && arg->type->not_null && !filter)
        call.type = type_not_null(b->arena, call.type, true); /* a group has a row */
    return bind_agg_column(b, scope, e, &call);
}

/* TUMBLE_START(t, …) and its kind, for a window in GROUP BY */
static const struct expr *bind_window_part(struct binder *b, const struct scope *scope,
                                           const struct ast_expr *e)
{
    static const char *const kinds[] = {"TUMBLE", "HOP", "SESSION"};
    static const char *const parts[] = {"", "_START", "_END", "_ROWTIME", "_PROCTIME"};
    static const uint16_t columns[] = {0, 0, 1, 2, 2};

    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < 5; i++) {
            char name[40];
            strcpy(name, kinds[k]);
            strcat(name, parts[i]);
            if (!bytes_is_nocase(e->name, name))
                continue;
            if (!scope->window || !bytes_is_nocase(scope->window->name, kinds[k]) ||
                scope->window->args_count != e->args_count)
                return bind_error(b, e->at, DIAG_SYNTAX, "%s needs the same %s(…) in GROUP BY", name,
                                  kinds[k]);
            for (uint16_t a = 0; a < e->args_count; a++) {
                if (!bytes_equal(e->args[a]->text, scope->window->args[a]->text))
                    return bind_error(b, e->args[a]->at, DIAG_SYNTAX,
                                      "%s has other arguments than the %s(…) in GROUP BY", name,
                                      kinds[k]);
            }
            uint16_t column = (uint16_t)(scope->window_column + columns[i]);
            return expr_column(b->arena, column, scope->columns[column].type);
        }
    }
    return NULL;
}

/* The built-in that a user's function stands for, or the name itself. */
static struct bytes function_name(struct binder *b, struct bytes name)
{
    char lower[128];

    if (name.len >= sizeof(lower))
        return name;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = (char)(name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? name.ptr[i] + 32 : name.ptr[i]);
    const struct user_function *f = map_get(&b->catalog->functions, bytes_of(lower, name.len));
    return f ? f->builtin : name;
}

static bool is_ranking(struct bytes name)
{
    static const char *const names[] = {"ROW_NUMBER", "RANK",       "DENSE_RANK", "NTILE",
                                        "LAG",        "LEAD",       "PERCENT_RANK", "CUME_DIST"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (bytes_is_nocase(name, names[i]))
            return true;
    }
    return false;
}

/* (from, to) or (from, interval) as a start and an end, in whichever order they stand. */
static bool bind_period(struct binder *b, const struct scope *scope, const struct ast_expr *e, const struct expr *out[2])
{
    if (e->kind != AST_ROW || e->args_count != 2) {
        bind_error(b, e->at, DIAG_SYNTAX, "OVERLAPS takes two pairs: (from, to) OVERLAPS (from, interval)");
        return false;
    }
    const struct expr **args = bind_args(b, scope, e);
    if (!args)
        return false;
    enum type_kind kind = args[1]->type->kind;
    const struct expr *from = args[0], *to = args[1];
    if (kind == TYPE_INTERVAL_MONTH || kind == TYPE_INTERVAL_SECOND)
        to = bind_call(b, e->at, "+", from, to);
    if (b->failed)
        return false;
    out[0] = bind_call(b, e->at, "LEAST", from, to);
    out[1] = bind_call(b, e->at, "GREATEST", from, to);
    return !b->failed;
}

static const struct expr *bind_overlaps(struct binder *b, const struct scope *scope, const struct ast_expr *e)
{
    const struct expr *left[2], *right[2];

    if (!bind_period(b, scope, e->args[0], left) || !bind_period(b, scope, e->args[1], right))
        return NULL;
    return bind_call(b, e->at, "AND", bind_call(b, e->at, ">=", left[1], right[0]),
                     bind_call(b, e->at, ">=", right[1], left[0]));
}

static const struct expr *bind_function(struct binder *b, const struct scope *scope,
                                        const struct ast_expr *e)
{
    if (scope->match) {
        const struct expr *matched = bind_match_call(b, scope, e);
        if (matched || b->failed)
            return matched;
    }
    for (uint16_t i = 0; e->over && i < scope->overs_count; i++) {
        uint16_t column = (uint16_t)(scope->over_column + i);
        if (scope->overs[i] == e)
            return expr_column(b->arena, column, scope->columns[column].type);
    }
    if (is_ranking(e->name) && (e->over || !func_exists(e->name))) {
        if (!e->over)
            return bind_error(b, e->at, DIAG_SYNTAX, "%.*s needs OVER (…)", BYTES_FMT(e->name));
        return bind_unsupported(b, e->at, "%.*s(…) OVER (…) here", BYTES_FMT(e->name));
    }
    if (agg_exists(e->name) || made_exists(e->name))
        return bind_agg_call(b, scope, e);
    if (e->over)
        return bind_unsupported(b, e->at, "%.*s(…) OVER (…)", BYTES_FMT(bytes_head(e->name, 40)));
    if (bytes_is(e->name, "OVERLAPS") && e->args_count == 2)
        return bind_overlaps(b, scope, e);
    if (bytes_is_nocase(e->name, "CURRENT_DATABASE") && !e->args_count)
        return func_cast(b->arena, bind_text(b, BYTES_LITERAL("default_database")),
                         type_not_null(b->arena, type_simple(TYPE_VARCHAR), true), false, false, b->diag);
    const struct expr *part = bind_window_part(b, scope, e);
    if (part || b->failed)
        return part;
    if (e->distinct || e->star || e->filter || e->nulls)
        return bind_error(b, e->at, DIAG_SYNTAX, "`%.*s` is not an aggregate",
                          BYTES_FMT(bytes_head(e->name, 60)));
    const struct expr **args = bind_args(b, scope, e);
    if (!args)
        return NULL;
    const struct expr *out = func_bind(b->arena, function_name(b, e->name), args, e->args_count,
                                       b->diag);
    return out ? out : bind_failed(b, e->at);
}

/* ---- forms ---- */

static const struct expr *bind_case(struct binder *b, const struct scope *scope,
                                    const struct ast_expr *e)
{
    const struct expr *operand = e->operand ? bind_expr(b, scope, e->operand) : NULL;
    const struct expr **args = bind_args(b, scope, e);

    if (!args)
        return NULL;
    for (uint16_t i = 0; i + 1 < e->args_count; i += 2) {
        if (operand)
            args[i] = bind_call(b, e->args[i]->at, "=", operand, args[i]);
        else if (args[i]->type->kind != TYPE_BOOLEAN && args[i]->type->kind != TYPE_NULL)
            return bind_error(b, e->args[i]->at, DIAG_TYPE, "WHEN needs a BOOLEAN, not %s",
                              type_text(b->arena, args[i]->type));
        if (b->failed)
            return NULL;
    }
    const struct expr *out = func_case(b->arena, args, e->args_count, b->diag);
    return out ? out : bind_failed(b, e->at);
}

static const struct expr *bind_between(struct binder *b, const struct scope *scope,
                                       const struct ast_expr *e)
{
    const struct expr **args = bind_args(b, scope, e);

    if (!args)
        return NULL;
    const struct expr *out =
        bind_call(b, e->at, "AND", bind_call(b, e->at, ">=", args[0], args[1]),
                  bind_call(b, e->at, "<=", args[0], args[2]));
    if (e->symmetric)
        out = bind_call(b, e->at, "OR", out,
                        bind_call(b, e->at, "AND", bind_call(b, e->at, ">=", args[0], args[2]),
                                  bind_call(b, e->at, "<=", args[0], args[1])));
    return e->negated && out ? bind_call(b, e->at, "NOT", out, NULL) : out;
}

static const struct expr *bind_in(struct binder *b, const struct scope *scope,
                                  const struct ast_expr *e)
{
    if (e->query)
        return bind_subquery_value(b, scope, e);
    const struct expr **args = bind_args(b, scope, e);
    if (!args)
        return NULL;
    const struct expr *out = func_bind(b->arena, BYTES_LITERAL("IN"), args, e->args_count, b->diag);
    if (!out)
        return bind_failed(b, e->at);
    return e->negated ? bind_call(b, e->at, "NOT", out, NULL) : out;
}

static const struct expr *bind_row(struct binder *b, const struct scope *scope,
                                   const struct ast_expr *e)
{
    const struct expr **args = bind_args(b, scope, e);

    return args ? expr_row(b->arena, args, e->args_count) : NULL;
}

static const struct expr *bind_cast(struct binder *b, const struct scope *scope,
                                    const struct ast_expr *e)
{
    const struct expr *arg = bind_expr(b, scope, e->args[0]);

    if (!arg)
        return NULL;
    const struct expr *out = func_cast(b->arena, arg, type_copy(b->arena, e->type), e->try_cast, false,
                                       b->diag);
    return out ? out : bind_failed(b, e->at);
}

static const struct expr *bind_constructor(struct binder *b, const struct scope *scope,
                                           const struct ast_expr *e, const char *name)
{
    const struct expr **args = bind_args(b, scope, e);

    if (!args)
        return NULL;
    const struct expr *out = func_bind(b->arena, bytes_str(name), args, e->args_count, b->diag);
    return out ? out : bind_failed(b, e->at);
}

const struct expr *bind_expr(struct binder *b, const struct scope *scope, const struct ast_expr *e)
{
    if (b->failed)
        return NULL;
    switch (e->kind) {
    case AST_NAME: return scope->match ? bind_match_name(b, scope, e) : bind_column(b, scope, e);
    case AST_STAR:
        return bind_error(b, e->at, DIAG_SYNTAX, "* cannot stand here");
    case AST_NUMBER:
        return bind_number(b, e);
    case AST_STRING:
    case AST_UNIT:
        return bind_text(b, e->name);
    case AST_BOOL:
        return expr_bool(b->arena, e->value != 0);
    case AST_NULL:
        return expr_null(b->arena, type_simple(TYPE_NULL));
    case AST_INTERVAL:
        return expr_i64(b->arena, e->value, type_copy(b->arena, e->type));
    case AST_DATETIME:
        return bind_datetime(b, e);
    case AST_CALL:
        return bind_function(b, scope, e);
    case AST_CASE:
        return bind_case(b, scope, e);
    case AST_CAST:
        return bind_cast(b, scope, e);
    case AST_FIELD: {
        const struct expr *row = bind_expr(b, scope, e->args[0]);
        return row ? bind_field(b, e->at, row, e->name) : NULL;
    }
    case AST_ROW:
        return bind_row(b, scope, e);
    case AST_ARRAY:
        return bind_constructor(b, scope, e, "ARRAY");
    case AST_MAP:
        return bind_constructor(b, scope, e, "MAP");
    case AST_IN:
        return bind_in(b, scope, e);
    case AST_BETWEEN:
        return bind_between(b, scope, e);
    case AST_EXISTS:
    case AST_SUBQUERY:
        return bind_subquery_value(b, scope, e);
    }
    return NULL;
}

const struct expr *bind_condition(struct binder *b, const struct scope *scope,
                                  const struct ast_expr *e, const char *what)
{
    const struct expr *out = bind_expr(b, scope, e);

    if (!out)
        return NULL;
    if (out->type->kind == TYPE_NULL)
        return expr_null(b->arena, type_simple(TYPE_BOOLEAN));
    if (out->type->kind != TYPE_BOOLEAN)
        return bind_error(b, e->at, DIAG_TYPE, "%s needs a BOOLEAN, not %s", what,
                          type_text(b->arena, out->type));
    return out;
}

bool ast_has_aggregate(const struct ast_expr *e)
{
    if (!e)
        return false;
    if (e->kind == AST_CALL && !e->over && (agg_exists(e->name) || made_exists(e->name)))
        return true;
    for (uint16_t i = 0; i < e->args_count; i++) {
        if (ast_has_aggregate(e->args[i]))
            return true;
    }
    return ast_has_aggregate(e->operand);
}
