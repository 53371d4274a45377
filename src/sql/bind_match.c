/* MATCH_RECOGNIZE: a MATCH node, and a CALC above it for MEASURES.
 *
 * In DEFINE and MEASURES a name is a value of some row of the match so far: of the row that is looked at (in
 * DEFINE, of its own variable or of none), else of a variable's last row, or the one that FIRST, LAST and
 * their offsets say. Each such value, and each aggregate over a variable's rows, becomes a column behind the
 * input's; while expressions are bound these are counted from bases of their own. */
#include "sql/bind.h"

enum { VALUE_BASE = 0x1000, AGG_BASE = 0x2000, TIME_COLUMN = 0x3000, VALUES_MAX = 4000, PATTERN_STATES_MAX = 10000 };

enum navigation { NAV_NONE, NAV_FIRST, NAV_LAST, NAV_AGGREGATE };

enum { NO_VARIABLE = MATCH_ALL - 1 };

struct match_scope {
    struct plan_match_variable *variables;
    uint16_t variables_count, matched; /* matched: of them are in the pattern, the others only in DEFINE */
    bool measures;
    uint16_t current;                  /* in DEFINE: whose */
    struct plan_match_ref *refs;
    struct plan_match_agg *aggs;
    uint16_t refs_count, aggs_count, refs_cap, aggs_cap;
    /* inside FIRST, LAST and aggregates */
    enum navigation nav;
    uint32_t offset;
    uint16_t inside;                   /* the one variable there; NO_VARIABLE: none yet */
    bool uses_time;
    const struct plan_column *time;    /* of the input */
};

/* ---- values ---- */

static uint16_t variable_named(const struct match_scope *m, struct bytes name)
{
    for (uint16_t i = 0; i < m->variables_count; i++) {
        if (bytes_equal(m->variables[i].name, name))
            return i;
    }
    return NO_VARIABLE;
}

static void *grow(struct binder *b, void *items, uint16_t count, uint16_t *cap, size_t size)
{
    if (count < *cap)
        return items;
    *cap = *cap ? (uint16_t)(*cap * 2) : 8;
    void *grown = arena_zalloc(b->arena, *cap * size);
    if (count)
        memcpy(grown, items, count * size);
    return grown;
}

static bool counts_current(const struct match_scope *m, uint16_t variable)
{
    return !m->measures && (variable == m->current || variable == MATCH_ALL);
}

/* The column that such a value becomes; equal ones are one. */
static const struct expr *value_column(struct binder *b, struct match_scope *m, const struct token *at,
                                       struct plan_match_ref ref, const struct type *type)
{
    uint16_t i = 0;

    ref.current = counts_current(m, ref.variable);
    if (ref.current && !ref.first && ref.offset == 0)
        return expr_column(b->arena, ref.column, type); /* of the row itself */
    while (i < m->refs_count && (m->refs[i].variable != ref.variable || m->refs[i].first != ref.first ||
                                 m->refs[i].current != ref.current || m->refs[i].offset != ref.offset ||
                                 m->refs[i].column != ref.column))
        i++;
    if (i >= VALUES_MAX)
        return bind_error(b, at, DIAG_LIMIT, "more than %d values of rows of a match", VALUES_MAX);
    if (i == m->refs_count) {
        m->refs = grow(b, m->refs, m->refs_count, &m->refs_cap, sizeof(*m->refs));
        m->refs[m->refs_count++] = ref;
    }
    return expr_column(b->arena, (uint16_t)(VALUE_BASE + i), type_not_null(b->arena, type, false));
}

/* A name's column becomes that column of the row that is meant. */
static const struct expr *value_of(struct binder *b, struct match_scope *m, const struct ast_expr *e,
                                   uint16_t variable, const struct expr *column)
{
    const struct expr *args[1];

    if (column->kind == EXPR_FIELD) {
        args[0] = value_of(b, m, e, variable, column->args[0]);
        return args[0] ? expr_field(b->arena, args[0], column->index) : NULL;
    }
    CHECK(column->kind == EXPR_COLUMN);
    if (m->nav == NAV_AGGREGATE)
        return column;
    struct plan_match_ref ref = {.variable = variable, .first = m->nav == NAV_FIRST, .offset = m->offset,
                                 .column = column->index};
    return value_column(b, m, e->at, ref, column->type);
}

const struct expr *bind_match_name(struct binder *b, const struct scope *scope, const struct ast_expr *e)
{
    struct match_scope *m = scope->match;
    struct scope plain = *scope;
    struct ast_expr rest = *e;
    uint16_t variable = e->parts_count > 1 ? variable_named(m, e->parts[0]) : NO_VARIABLE;

    plain.match = NULL;
    if (variable == NO_VARIABLE) {
        variable = MATCH_ALL;
    } else {
        rest.parts++;
        rest.parts_count--;
    }
    const struct expr *column = bind_column(b, &plain, &rest);
    if (!column)
        return NULL;
    if (m->nav != NAV_NONE && m->inside != NO_VARIABLE && m->inside != variable)
        return bind_error(b, e->at, DIAG_TYPE, "one FIRST, LAST or aggregate is over the rows of one variable");
    m->inside = variable;
    return value_of(b, m, e, variable, column);
}

/* ---- FIRST, LAST, PREV, NEXT ---- */

/* The second argument: a literal, or -1 with an error. */
static int64_t bind_offset(struct binder *b, const struct ast_expr *e, int64_t otherwise)
{
    int64_t value = 0;

    if (e->args_count == 1)
        return otherwise;
    const struct ast_expr *offset = e->args[1];
    if (e->args_count == 2 && offset->kind == AST_NUMBER && bytes_to_i64(offset->name, &value) &&
        value >= 0 && value < INT32_MAX)
        return value;
    bind_error(b, e->args_count > 1 ? offset->at : e->at, DIAG_VALUE,
               "%.*s takes a value of a row and, as a number from 0, how many rows from there", BYTES_FMT(e->name));
    return -1;
}

static const struct expr *bind_navigation(struct binder *b, const struct scope *scope, const struct ast_expr *e,
                                          enum navigation nav, int64_t offset)
{
    struct match_scope *m = scope->match;

    if (offset < 0)
        return NULL;
    if (m->nav != NAV_NONE)
        return bind_error(b, e->at, DIAG_SYNTAX, "FIRST and LAST cannot stand inside another, nor in an aggregate");
    m->nav = nav;
    m->offset = (uint32_t)offset;
    m->inside = NO_VARIABLE;
    const struct expr *out = bind_expr(b, scope, e->args[0]);
    m->nav = NAV_NONE;
    m->offset = 0;
    return out;
}

/* Rows of the match alone can be looked at: PREV of another variable is its last row but so many. */
static const struct expr *bind_physical(struct binder *b, const struct scope *scope, const struct ast_expr *e)
{
    struct match_scope *m = scope->match;
    int64_t offset = bind_offset(b, e, 1);

    if (offset < 0)
        return NULL;
    if (m->measures)
        return bind_error(b, e->at, DIAG_SYNTAX, "PREV and NEXT cannot stand in MEASURES");
    if (offset == 0)
        return bind_expr(b, scope, e->args[0]);
    const struct ast_expr *arg = e->args[0];
    uint16_t variable = arg->kind == AST_NAME && arg->parts_count > 1 ? variable_named(m, arg->parts[0]) : MATCH_ALL;
    if (arg->kind == AST_NAME && variable != m->current && bytes_is_nocase(e->name, "PREV"))
        return bind_navigation(b, scope, e, NAV_LAST, offset);
    bind_unsupported(b, e->at, "%.*s of rows that need not be of the match", BYTES_FMT(e->name));
    return bind_hint(b, "LAST(A.x, 1) is the row of A before its last"), NULL;
}

/* ---- times ---- */

static const struct expr *bind_match_time(struct binder *b, const struct scope *scope, const struct ast_expr *e)
{
    struct match_scope *m = scope->match;

    if (!m->measures)
        return bind_unsupported(b, e->at, "MATCH_ROWTIME() in DEFINE");
    if (m->time->time != TIME_ROW)
        return bind_error(b, e->at, DIAG_TYPE, "MATCH_ROWTIME() needs rows that are ordered by event time");
    if (e->args_count > 1 || (e->args_count == 1 && e->args[0]->kind != AST_NAME))
        return bind_error(b, e->at, DIAG_SYNTAX, "MATCH_ROWTIME takes a column's name, or nothing");
    if (e->args_count == 0 && m->time->type->kind == TYPE_TIMESTAMP_LTZ) {
        bind_error(b, e->at, DIAG_TYPE, "MATCH_ROWTIME() is a TIMESTAMP, and the rows' times are of TIMESTAMP_LTZ");
        return bind_hint(b, "name the column: MATCH_ROWTIME(%.*s)", BYTES_FMT(bytes_head(m->time->name, 60))), NULL;
    }
    if (e->args_count == 1) {
        struct scope plain = *scope;
        struct ast_expr column = *e->args[0];
        plain.match = NULL;
        if (column.parts_count > 1 && variable_named(m, column.parts[0]) != NO_VARIABLE)
            column.parts++, column.parts_count--;
        const struct expr *arg = bind_column(b, &plain, &column);
        if (arg && expr_time(scope, arg) != TIME_ROW)
            return bind_error(b, e->at, DIAG_TYPE, "MATCH_ROWTIME takes the column that has the WATERMARK");
        if (!arg)
            return NULL;
    }
    m->uses_time = true;
    return expr_column(b->arena, TIME_COLUMN,
                       e->args_count ? m->time->type : type_not_null(b->arena, m->time->type, true));
}

static const struct expr *bind_match_proctime(struct binder *b, const struct scope *scope, const struct ast_expr *e)
{
    if (!scope->match->measures || e->args_count)
        return bind_error(b, e->at, DIAG_SYNTAX, "MATCH_PROCTIME() takes nothing, and stands in MEASURES");
    const struct expr *out = func_bind(b->arena, BYTES_LITERAL("PROCTIME"), NULL, 0, b->diag);
    return out ? out : bind_failed(b, e->at);
}

/* ---- aggregates ---- */

static bool aggregate_allowed(struct binder *b, const struct match_scope *m, const struct ast_expr *e)
{
    if (m->nav == NAV_AGGREGATE)
        return bind_error(b, e->at, DIAG_SYNTAX, "an aggregate cannot stand inside another"), false;
    if (m->nav != NAV_NONE)
        return bind_error(b, e->at, DIAG_SYNTAX, "an aggregate cannot stand in FIRST or LAST"), false;
    if (e->distinct)
        return bind_unsupported(b, e->at, "%.*s(DISTINCT …) in MATCH_RECOGNIZE", BYTES_FMT(e->name)), false;
    if (e->filter)
        return bind_unsupported(b, e->at, "FILTER in MATCH_RECOGNIZE"), false;
    if (e->over)
        return bind_error(b, e->at, DIAG_SYNTAX, "OVER (…) cannot stand in MATCH_RECOGNIZE"), false;
    if (e->args_count > 1)
        return bind_unsupported(b, e->at, "an aggregate of several arguments"), false;
    return true;
}

static const struct expr *bind_aggregate_over(struct binder *b, const struct scope *scope, const struct ast_expr *e)
{
    struct match_scope *m = scope->match;
    struct agg_call call = {0};
    const struct expr *arg = NULL;

    if (!aggregate_allowed(b, m, e))
        return NULL;
    m->nav = NAV_AGGREGATE;
    m->inside = e->args_count ? NO_VARIABLE : MATCH_ALL;
    if (e->args_count)
        arg = bind_expr(b, scope, e->args[0]);
    m->nav = NAV_NONE;
    if (b->failed)
        return NULL;
    if (m->inside == NO_VARIABLE)
        return bind_error(b, e->at, DIAG_TYPE, "%.*s needs a column of a variable in its argument", BYTES_FMT(e->name));
    if (variance_exists(e->name))
        return bind_variance(b, scope, e, &arg, NULL);
    if (made_exists(e->name))
        return bind_unsupported(b, e->at, "%.*s in MATCH_RECOGNIZE", BYTES_FMT(e->name));
    if (!agg_bind(b->arena, e->name, arg, e->star, false, NULL, &call, b->diag))
        return bind_failed(b, e->at);
    return bind_match_aggregate(b, scope, e, &call);
}

const struct expr *bind_match_aggregate(struct binder *b, const struct scope *scope, const struct ast_expr *e,
                                        const struct agg_call *call)
{
    struct match_scope *m = scope->match;
    uint16_t i = 0;

    for (; i < m->aggs_count; i++) {
        const struct agg_call *other = &m->aggs[i].call;
        if (m->aggs[i].variable == m->inside && other->kind == call->kind &&
            (other->arg == call->arg || (other->arg && call->arg && expr_equal(other->arg, call->arg))))
            break;
    }
    if (i >= VALUES_MAX)
        return bind_error(b, e->at, DIAG_LIMIT, "too many aggregates");
    if (i == m->aggs_count) {
        m->aggs = grow(b, m->aggs, m->aggs_count, &m->aggs_cap, sizeof(*m->aggs));
        m->aggs[m->aggs_count++] =
            (struct plan_match_agg){.variable = m->inside, .current = counts_current(m, m->inside), .call = *call};
    }
    return expr_column(b->arena, (uint16_t)(AGG_BASE + i), call->type);
}

const struct expr *bind_match_call(struct binder *b, const struct scope *scope, const struct ast_expr *e)
{
    if (bytes_is_nocase(e->name, "FIRST") || bytes_is_nocase(e->name, "LAST"))
        return e->args_count ? bind_navigation(b, scope, e, e->name.len == 5 ? NAV_FIRST : NAV_LAST,
                                               bind_offset(b, e, 0))
                             : bind_error(b, e->at, DIAG_SYNTAX, "%.*s takes a value of a row", BYTES_FMT(e->name));
    if (bytes_is_nocase(e->name, "PREV") || bytes_is_nocase(e->name, "NEXT"))
        return e->args_count ? bind_physical(b, scope, e)
                             : bind_error(b, e->at, DIAG_SYNTAX, "%.*s takes a value of a row", BYTES_FMT(e->name));
    if (bytes_is_nocase(e->name, "MATCH_ROWTIME"))
        return bind_match_time(b, scope, e);
    if (bytes_is_nocase(e->name, "MATCH_PROCTIME"))
        return bind_match_proctime(b, scope, e);
    if (bytes_is_nocase(e->name, "CLASSIFIER") || bytes_is_nocase(e->name, "MATCH_NUMBER"))
        return bind_unsupported(b, e->at, "%.*s()", BYTES_FMT(e->name));
    if (!e->over && (agg_exists(e->name) || made_exists(e->name)))
        return bind_aggregate_over(b, scope, e);
    return NULL;
}

/* ---- PATTERN ---- */

static bool variable_fits(struct binder *b, const struct ast_pattern *a, const struct plan_match_variable *before)
{
    bool optional = a->least == 0 && (a->most == 1 || a->most == -1);

    if (a->most == 0 || (a->most > 0 && a->most < a->least))
        return bind_error(b, a->at, DIAG_VALUE, "a variable is there at least once, and at most as often as is said"),
               false;
    if (a->reluctant && a->least == 0 && a->most == 1)
        return bind_unsupported(b, a->at, "a reluctant optional variable"), false;
    if (optional && before && before->greedy) {
        bind_unsupported(b, a->at, "an optional variable behind a greedy one");
        bind_hint(b, "make the one before reluctant (A+?), or give this one as {0,n}");
        return false;
    }
    return true;
}

static void bind_variable(struct binder *b, struct match_scope *m, const struct ast_pattern *a)
{
    struct plan_match_variable *v = &m->variables[m->variables_count];
    bool once = a->least == 0 && a->most == 1;

    if (variable_named(m, a->name) != NO_VARIABLE) {
        bind_unsupported(b, a->at, "`%.*s` twice in a PATTERN", BYTES_FMT(bytes_head(a->name, 60)));
        return;
    }
    if (!variable_fits(b, a, m->variables_count ? v - 1 : NULL))
        return;
    if (a->least > PATTERN_STATES_MAX || a->most > PATTERN_STATES_MAX) {
        bind_error(b, a->at, DIAG_LIMIT, "a variable of more than %d rows", PATTERN_STATES_MAX);
        return;
    }
    v->name = bind_name(b, a->name);
    v->least = (uint32_t)a->least;
    v->most = a->most < 0 ? MATCH_UNBOUNDED : (uint32_t)a->most;
    v->single = !a->quantified || once;
    v->greedy = a->quantified && !a->reluctant && !once && a->least != a->most;
    m->variables_count++;
}

static void bind_pattern(struct binder *b, struct match_scope *m, const struct ast_match *ast)
{
    uint64_t states = 0;
    bool some = false;

    for (uint16_t i = 0; i < ast->pattern_count && !b->failed; i++) {
        bind_variable(b, m, &ast->pattern[i]);
        some |= ast->pattern[i].least > 0;
        states += (uint64_t)(ast->pattern[i].most > ast->pattern[i].least ? ast->pattern[i].most : ast->pattern[i].least);
    }
    m->matched = m->variables_count;
    if (b->failed)
        return;
    const struct ast_pattern *last = &ast->pattern[ast->pattern_count - 1];
    if (!some) {
        bind_unsupported(b, ast->pattern[0].at, "a PATTERN that may match no row");
    } else if (m->variables[m->matched - 1].greedy) {
        bind_unsupported(b, last->at, "a greedy quantifier of the last variable");
        bind_hint(b, "make it reluctant (`%.*s+?`), or let a variable follow", BYTES_FMT(bytes_head(last->name, 60)));
    } else if (states > PATTERN_STATES_MAX) {
        bind_error(b, ast->at, DIAG_LIMIT, "a PATTERN of more than %d rows", PATTERN_STATES_MAX);
    }
}

/* ---- DEFINE and MEASURES ---- */

/* Variables that only DEFINE has: they have no rows. */
static void add_defined(struct binder *b, struct match_scope *m, const struct ast_match *ast)
{
    for (uint16_t i = 0; i < ast->defines_count && !b->failed; i++) {
        const struct ast_measure *d = &ast->defines[i];
        for (uint16_t k = 0; k < i; k++) {
            if (bytes_equal(ast->defines[k].name, d->name)) {
                bind_error(b, d->at, DIAG_NAME, "`%.*s` is defined twice", BYTES_FMT(bytes_head(d->name, 60)));
                return;
            }
        }
        if (variable_named(m, d->name) == NO_VARIABLE)
            m->variables[m->variables_count++].name = bind_name(b, d->name);
    }
}

static void bind_defines(struct binder *b, struct match_scope *m, struct scope *scope, const struct ast_match *ast)
{
    add_defined(b, m, ast);
    for (uint16_t i = 0; i < ast->defines_count && !b->failed; i++) {
        m->current = variable_named(m, ast->defines[i].name);
        m->variables[m->current].define = bind_condition(b, scope, ast->defines[i].expr, "DEFINE");
    }
}

/* Columns from the bases to their places. */
static int32_t *places(struct binder *b, const struct match_scope *m, uint16_t first)
{
    int32_t *map = ARENA_ARRAY(b->arena, int32_t, TIME_COLUMN + 1);

    for (uint16_t i = 0; i < VALUE_BASE; i++)
        map[i] = i;
    for (uint16_t i = 0; i < m->refs_count; i++)
        map[VALUE_BASE + i] = first + i;
    for (uint16_t i = 0; i < m->aggs_count; i++)
        map[AGG_BASE + i] = first + m->refs_count + i;
    map[TIME_COLUMN] = first + m->refs_count + m->aggs_count;
    return map;
}

static struct plan_match_values values_take(struct match_scope *m)
{
    struct plan_match_values out = {m->refs, m->refs_count, m->aggs, m->aggs_count};

    m->refs = NULL, m->refs_count = m->refs_cap = 0;
    m->aggs = NULL, m->aggs_count = m->aggs_cap = 0;
    return out;
}

static void check_measures(struct binder *b, const struct plan_node *input, const struct plan_match *p,
                           const struct ast_match *ast)
{
    if (ast->measures_count == 0) {
        bind_unsupported(b, ast->at, "MATCH_RECOGNIZE without MEASURES");
        return;
    }
    for (uint16_t i = 0; i < ast->measures_count; i++) {
        const struct ast_measure *m = &ast->measures[i];
        bool twice = false;
        for (uint16_t k = 0; k < i; k++)
            twice |= bytes_equal(ast->measures[k].name, m->name);
        for (uint16_t k = 0; k < p->partition_count; k++)
            twice |= bytes_equal(input->columns[p->partition[k]].name, m->name);
        if (twice) {
            bind_error(b, m->at, DIAG_NAME, "two columns of the result are called `%.*s`",
                       BYTES_FMT(bytes_head(m->name, 60)));
            return;
        }
    }
}

/* The partition's columns, values, aggregates, time: then MEASURES over them. */
static struct plan_node *bind_measures(struct binder *b, struct match_scope *m, struct scope *scope,
                                       const struct ast_match *ast, struct plan_node *node)
{
    struct plan_match *p = &node->match;
    const struct plan_node *input = node->inputs[0].node;
    const struct expr **exprs = ARENA_ARRAY(b->arena, const struct expr *, ast->measures_count + 1u);
    uint16_t n = p->partition_count, at = n;

    m->measures = true;
    for (uint16_t i = 0; i < ast->measures_count && !b->failed; i++)
        exprs[i] = bind_expr(b, scope, ast->measures[i].expr);
    if (b->failed)
        return NULL;
    int32_t *map = places(b, m, n);
    p->emit_time = m->uses_time;
    p->measures = values_take(m);
    node->columns_count = (uint16_t)(n + p->measures.refs_count + p->measures.aggs_count + p->emit_time);
    node->columns = ARENA_ARRAY(b->arena, struct plan_column, node->columns_count + 1u);
    for (uint16_t i = 0; i < n; i++)
        node->columns[i] = (struct plan_column){input->columns[p->partition[i]].name,
                                                input->columns[p->partition[i]].type, TIME_NONE};
    for (uint16_t i = 0; i < p->measures.refs_count; i++) {
        const struct type *type = input->columns[p->measures.refs[i].column].type;
        node->columns[at] = (struct plan_column){bytes_str(arena_printf(b->arena, "$m%u", at)),
                                                 type_not_null(b->arena, type, false), TIME_NONE};
        at++;
    }
    for (uint16_t i = 0; i < p->measures.aggs_count; i++) {
        node->columns[at] = (struct plan_column){bytes_str(arena_printf(b->arena, "$m%u", at)),
                                                 p->measures.aggs[i].call.type, TIME_NONE};
        at++;
    }
    if (p->emit_time)
        node->columns[at] = (struct plan_column){BYTES_LITERAL("$time"),
                                                 type_not_null(b->arena, m->time->type, true), TIME_ROW};
    struct plan_node *calc = calc_new(b->arena, node, (uint16_t)(n + ast->measures_count));
    for (uint16_t i = 0; i < n; i++)
        calc_set(calc, i, node->columns[i].name, column_of(b->arena, node, i));
    for (uint16_t i = 0; i < ast->measures_count; i++)
        calc_set(calc, (uint16_t)(n + i), bind_name(b, ast->measures[i].name), expr_map(b->arena, exprs[i], map));
    return calc;
}

/* ---- PARTITION BY, ORDER BY, WITHIN ---- */

static const struct expr *bind_plain_column(struct binder *b, const struct rel *input, const struct ast_expr *e,
                                            const char *clause)
{
    if (e->kind != AST_NAME)
        return bind_unsupported(b, e->at, "an expression in %s of MATCH_RECOGNIZE (compute it in a sub-query)", clause);
    return bind_expr(b, &input->scope, e);
}

static void bind_partition(struct binder *b, struct rel *input, const struct ast_match *ast, struct plan_match *p)
{
    uint16_t *partition = ARENA_ARRAY(b->arena, uint16_t, ast->partition_count + 1u);
    uint16_t count = 0;

    for (uint16_t i = 0; i < ast->partition_count && !b->failed; i++) {
        const struct expr *e = bind_plain_column(b, input, ast->partition[i], "PARTITION BY");
        uint16_t column = e ? rel_column(b, input, e) : 0;
        bool twice = false;
        for (uint16_t k = 0; k < count; k++)
            twice |= partition[k] == column;
        if (twice)
            bind_error(b, ast->partition[i]->at, DIAG_NAME, "the same column twice in PARTITION BY");
        partition[count++] = column;
    }
    p->partition = partition;
    p->partition_count = count;
}

static void bind_time_order(struct binder *b, const struct rel *input, const struct ast_match *ast)
{
    if (ast->order_count == 0) {
        bind_error(b, ast->at, DIAG_SYNTAX, "MATCH_RECOGNIZE needs ORDER BY a time attribute");
    } else if (ast->order[0].descending) {
        bind_unsupported(b, ast->order[0].expr->at, "MATCH_RECOGNIZE in descending order of time");
    } else {
        const struct expr *time = bind_plain_column(b, input, ast->order[0].expr, "ORDER BY");
        if (!time || expr_time(&input->scope, time) != TIME_NONE)
            return;
        bind_error(b, ast->order[0].expr->at, DIAG_TYPE, "MATCH_RECOGNIZE is ordered by a time attribute first");
    }
    bind_hint(b, "order by the column that has the WATERMARK, or by PROCTIME(); casts and computations end a "
                 "time attribute");
}

static void bind_match_order(struct binder *b, struct rel *input, const struct ast_match *ast, struct plan_match *p)
{
    struct plan_sort_key *order = ARENA_ARRAY(b->arena, struct plan_sort_key, ast->order_count + 1u);

    bind_time_order(b, input, ast);
    for (uint16_t i = 0; i < ast->order_count && !b->failed; i++) {
        const struct ast_sort *sort = &ast->order[i];
        const struct expr *e = bind_plain_column(b, input, sort->expr, "ORDER BY");
        uint16_t column = e ? rel_column(b, input, e) : 0;
        if (sort->nulls_given && !b->failed)
            bind_unsupported(b, sort->expr->at, "NULLS FIRST and NULLS LAST in MATCH_RECOGNIZE");
        if (i == 0)
            p->column = column;
        else
            order[p->order_count++] = (struct plan_sort_key){column, sort->descending, sort->descending};
    }
    p->order = order;
    if (!b->failed)
        p->time = input->node->columns[p->column].time;
}

static void bind_within(struct binder *b, const struct ast_match *ast, struct plan_match *p)
{
    if (b->failed || !ast->within)
        return;
    int64_t us = bind_interval(b, ast->within);
    if (!b->failed && us > INT64_MAX / 16)
        bind_error(b, ast->within_at, DIAG_VALUE, "WITHIN must not be above 18,000 years");
    p->within_us = us > 0 ? us : 0; /* nothing is bounded by less, as in Flink */
}

static void bind_skip(struct binder *b, const struct match_scope *m, const struct ast_match *ast, struct plan_match *p)
{
    p->skip = ast->skip;
    if (b->failed || !ast->skip_to.len)
        return;
    p->skip_to = variable_named(m, ast->skip_to);
    if (p->skip_to >= m->matched)
        bind_error(b, ast->skip_at, DIAG_NAME, "there is no variable `%.*s` in the PATTERN",
                   BYTES_FMT(bytes_head(ast->skip_to, 60)));
}

struct rel bind_match(struct binder *b, const struct ast_from *from)
{
    const struct ast_match *ast = from->match;
    struct rel input = bind_from(b, from->input), out = {0};
    struct match_scope m = {.inside = NO_VARIABLE};
    struct plan_match p = {0};

    if (b->failed)
        return out;
    bind_partition(b, &input, ast, &p);
    if (!b->failed)
        bind_match_order(b, &input, ast, &p);
    bind_within(b, ast, &p);
    if (b->failed)
        return out;
    m.variables = ARENA_ARRAY(b->arena, struct plan_match_variable, ast->pattern_count + ast->defines_count + 1u);
    m.time = &input.node->columns[p.column];
    bind_pattern(b, &m, ast);
    bind_skip(b, &m, ast, &p);
    if (!b->failed)
        check_measures(b, input.node, &p, ast);
    struct scope scope = scope_of(b, input.node, BYTES_NONE); /* by the table's name no row is meant */
    struct subs *subs = b->subs;
    b->subs = NULL; /* sub-queries have no place in a condition on rows of a match */
    scope.match = &m;
    bind_defines(b, &m, &scope, ast);
    struct plan_node *calc = NULL;
    if (!b->failed) {
        struct plan_node *node = node_new(b->arena, PLAN_MATCH, 0, 1);
        int32_t *map = places(b, &m, input.node->columns_count);
        node->inputs[0].node = input.node;
        for (uint16_t i = 0; i < m.matched; i++)
            m.variables[i].define = expr_map(b->arena, m.variables[i].define, map);
        p.variables = m.variables;
        p.variables_count = m.matched;
        p.defines = values_take(&m);
        node->match = p;
        calc = bind_measures(b, &m, &scope, ast, node);
    }
    b->subs = subs;
    if (!b->failed) {
        out.node = calc;
        out.scope = scope_of(b, calc, BYTES_NONE);
    }
    return out;
}
