/* OVER (…) in SELECT: one ROW_NUMBER() is a rank, which WHERE outside may bound; all else are aggregates
 * over the rows up to each, which must have one and the same window. */
#include "sql/bind.h"

struct overs {
    const struct ast_expr **calls;
    uint16_t count, cap;
};

static void find_overs(struct binder *b, struct overs *list, const struct ast_expr *e)
{
    if (!e)
        return;
    if (e->kind == AST_CALL && e->over) {
        if (list->count == list->cap) {
            uint16_t cap = list->cap ? (uint16_t)(2 * list->cap) : 8;
            const struct ast_expr **grown = ARENA_ARRAY(b->arena, const struct ast_expr *, cap);
            if (list->count)
                memcpy(grown, list->calls, list->count * sizeof(*grown));
            list->calls = grown;
            list->cap = cap;
        }
        list->calls[list->count++] = e;
        return;
    }
    for (uint16_t i = 0; i < e->args_count; i++)
        find_overs(b, list, e->args[i]);
    find_overs(b, list, e->operand);
}

uint16_t rel_column(struct binder *b, struct rel *rel, const struct expr *e)
{
    uint16_t column, n = rel->node->columns_count;

    if (expr_is_column(e, &column))
        return column;
    struct plan_node *calc = calc_new(b->arena, rel->node, (uint16_t)(n + 1));
    for (uint16_t i = 0; i < n; i++)
        calc_set(calc, i, rel->node->columns[i].name, column_of(b->arena, rel->node, i));
    calc_set(calc, n, bytes_str(arena_printf(b->arena, "$s%u", n)), e);
    struct scope_column *columns = ARENA_ARRAY(b->arena, struct scope_column, n + 2u);
    memcpy(columns, rel->scope.columns, n * sizeof(*columns));
    columns[n] = (struct scope_column){.name = calc->columns[n].name, .type = e->type, .hidden = true};
    rel->scope.columns = columns;
    rel->scope.count = (uint16_t)(n + 1);
    rel->node = calc;
    return n;
}

bool ast_has_over(const struct ast_expr *e)
{
    if (!e)
        return false;
    if (e->kind == AST_CALL && e->over)
        return true;
    for (uint16_t i = 0; i < e->args_count; i++) {
        if (ast_has_over(e->args[i]))
            return true;
    }
    return ast_has_over(e->operand);
}

/* The node gives rel's columns and one for each call: calls are found there. */
static void over_columns(struct binder *b, struct rel *rel, struct plan_node *node,
                         const struct ast_expr **calls, uint16_t count)
{
    uint16_t n = (uint16_t)(node->columns_count - count);
    struct scope_column *columns = ARENA_ARRAY(b->arena, struct scope_column, node->columns_count + 1u);

    memcpy(columns, rel->scope.columns, n * sizeof(*columns));
    for (uint16_t i = n; i < node->columns_count; i++)
        columns[i] = (struct scope_column){.name = node->columns[i].name, .type = node->columns[i].type,
                                           .hidden = true};
    rel->scope.columns = columns;
    rel->scope.count = node->columns_count;
    rel->scope.overs = calls;
    rel->scope.overs_count = count;
    rel->scope.over_column = n;
    rel->node = node;
}

static void bind_rank(struct binder *b, struct rel *rel, const struct ast_expr *call, const struct ast_over *over)
{
    struct plan_rank rank = {.limit = INT64_MAX, .emit_rank = true};

    if (over->order_count == 0) {
        bind_error(b, call->at, DIAG_SYNTAX, "ROW_NUMBER() needs an ORDER BY in its OVER (…)");
        return;
    }
    uint16_t *partition = ARENA_ARRAY(b->arena, uint16_t, over->partition_count + 1u);
    struct plan_sort_key *order = ARENA_ARRAY(b->arena, struct plan_sort_key, over->order_count);
    for (uint16_t i = 0; i < over->partition_count && !b->failed; i++) {
        const struct expr *e = bind_expr(b, &rel->scope, over->partition[i]);
        partition[i] = e ? rel_column(b, rel, e) : 0;
    }
    for (uint16_t i = 0; i < over->order_count && !b->failed; i++) {
        const struct ast_sort *sort = &over->order[i];
        const struct expr *e = bind_expr(b, &rel->scope, sort->expr);
        order[i].column = e ? rel_column(b, rel, e) : 0;
        order[i].descending = sort->descending;
        order[i].nulls_last = sort->nulls_given ? sort->nulls_last : sort->descending;
    }
    if (b->failed)
        return;
    uint16_t n = rel->node->columns_count;
    struct plan_node *node = node_over(b->arena, PLAN_RANK, rel->node, (uint16_t)(n + 1));
    rank.partition = partition;
    rank.partition_count = over->partition_count;
    rank.order = order;
    rank.order_count = over->order_count;
    node->rank = rank;
    node->columns[n] = (struct plan_column){
        BYTES_LITERAL("$rank"), type_not_null(b->arena, type_simple(TYPE_BIGINT), true), TIME_NONE};
    const struct ast_expr **calls = ARENA_ARRAY(b->arena, const struct ast_expr *, 1);
    calls[0] = call;
    over_columns(b, rel, node, calls, 1);
}

/* ---- aggregates ---- */

/* A window, bound over the columns below. */
struct over_spec {
    const struct expr **partition;
    uint16_t partition_count;
    const struct expr *order;
    bool rows, bounded;
    int64_t preceding;
};

static bool spec_equal(const struct over_spec *a, const struct over_spec *b)
{
    if (a->partition_count != b->partition_count || !expr_equal(a->order, b->order) || a->rows != b->rows ||
        a->bounded != b->bounded || a->preceding != b->preceding)
        return false;
    for (uint16_t i = 0; i < a->partition_count; i++) {
        if (!expr_equal(a->partition[i], b->partition[i]))
            return false;
    }
    return true;
}

static const struct ast_over *over_resolve(struct binder *b, const struct ast_select *ast,
                                           const struct ast_expr *call)
{
    if (!call->over->window.len)
        return call->over;
    for (uint16_t i = 0; i < ast->windows_count; i++) {
        if (bytes_equal(ast->windows[i].name, call->over->window))
            return ast->windows[i].over;
    }
    return bind_error(b, call->over->at, DIAG_NAME, "there is no window `%.*s` in this SELECT: WINDOW %.*s AS (…)",
                      BYTES_FMT(bytes_head(call->over->window, 60)), BYTES_FMT(bytes_head(call->over->window, 60)));
}

static void bind_rows_preceding(struct binder *b, const struct ast_bound *start, struct over_spec *spec)
{
    struct scope none = {.no_aggs = "in a frame"};
    const struct expr *e = bind_expr(b, &none, start->expr);

    if (!e)
        return;
    bool number = e->kind == EXPR_LITERAL && !e->is_null && type_is_integer(e->type->kind);
    if (number)
        spec->preceding = type_phys(e->type->kind) == PHYS_I32 ? e->value.i32 : e->value.i64;
    if (!number || spec->preceding < 0 || spec->preceding >= INT32_MAX)
        bind_error(b, start->at, DIAG_VALUE, "ROWS needs a number of rows, from 0 to %d", INT32_MAX - 1);
}

static void bind_frame(struct binder *b, const struct ast_over *over, struct over_spec *spec)
{
    const struct ast_bound *start = &over->start, *end = &over->end;

    if (!over->has_frame)
        return; /* RANGE UNBOUNDED PRECEDING */
    if (end->unbounded || end->expr || start->following || (!start->unbounded && !start->expr)) {
        bind_unsupported(b, over->start.at, "a frame other than from … PRECEDING to CURRENT ROW");
        return;
    }
    spec->rows = over->rows;
    spec->bounded = !start->unbounded;
    if (!spec->bounded)
        return;
    if (spec->rows) {
        bind_rows_preceding(b, start, spec);
        return;
    }
    spec->preceding = bind_interval(b, start->expr);
    if (!b->failed && (spec->preceding < 0 || spec->preceding > INT64_MAX / 16))
        bind_error(b, start->at, DIAG_VALUE, "the interval of a frame must not be negative, nor above 18,000 years");
}

static void bind_order(struct binder *b, const struct rel *rel, const struct ast_over *over, struct over_spec *spec)
{
    if (over->order_count != 1 || over->order[0].descending) {
        bind_unsupported(b, over->at, "OVER (…) without ORDER BY one column, ascending,");
        return;
    }
    spec->order = bind_expr(b, &rel->scope, over->order[0].expr);
    if (!spec->order || expr_time(&rel->scope, spec->order) != TIME_NONE)
        return;
    if (spec->order->type->kind >= TYPE_ROW || spec->order->type->kind == TYPE_NULL)
        bind_error(b, over->order[0].expr->at, DIAG_TYPE, "OVER (…) cannot be ordered by %s",
                   type_text(b->arena, spec->order->type));
    else if (over->order[0].nulls_given && over->order[0].nulls_last)
        bind_unsupported(b, over->at, "NULLS LAST in OVER (…) that is ordered by what is no time attribute");
}

static bool is_rank_name(struct bytes name)
{
    return bytes_is_nocase(name, "RANK") || bytes_is_nocase(name, "DENSE_RANK");
}

/* Functions that tell of a row's place, and take no frame. */
static bool is_place_name(struct bytes name)
{
    return bytes_is_nocase(name, "ROW_NUMBER") || bytes_is_nocase(name, "LAG") || is_rank_name(name);
}

/* An interval has no meaning for values. */
static void check_values_order(struct binder *b, const struct ast_expr *call, const struct over_spec *spec)
{
    if (spec->bounded && !spec->rows)
        bind_unsupported(b, call->over->at, "RANGE of an interval in an order that is of no time attribute");
    else if (bytes_is_nocase(call->name, "LAG"))
        bind_unsupported(b, call->at, "%.*s(…) in an order that is of no time attribute", BYTES_FMT(call->name));
    else
        return;
    bind_hint(b, "order by the column that has the WATERMARK, or by PROCTIME(); casts and computations end a "
                 "time attribute");
}

static struct over_spec bind_spec(struct binder *b, const struct ast_select *ast, const struct rel *rel,
                                  const struct ast_expr *call)
{
    struct over_spec spec = {0};
    const struct ast_over *over = over_resolve(b, ast, call);
    bool numbers = bytes_is_nocase(call->name, "ROW_NUMBER");

    if (!over)
        return spec;
    if (is_place_name(call->name) && over->has_frame) {
        bind_error(b, over->start.at, DIAG_SYNTAX, "%.*s takes no frame", BYTES_FMT(call->name));
        return spec;
    }
    spec.partition = ARENA_ARRAY(b->arena, const struct expr *, over->partition_count + 1u);
    spec.partition_count = over->partition_count;
    for (uint16_t i = 0; i < over->partition_count && !b->failed; i++)
        spec.partition[i] = bind_expr(b, &rel->scope, over->partition[i]);
    if (!b->failed)
        bind_order(b, rel, over, &spec);
    if (!b->failed)
        bind_frame(b, over, &spec);
    spec.rows |= numbers;
    if (!b->failed && expr_time(&rel->scope, spec.order) == TIME_NONE)
        check_values_order(b, call, &spec);
    return spec;
}

/* ROW_NUMBER() counts rows; RANK() and DENSE_RANK() look at the times of the rows before, or in an order of values at
 * what the operator says of it (agg_inputs.peers). By processing time no two rows are equal, as each is told for itself. */
static const struct expr *bind_place(struct binder *b, const struct scope *scope, const struct over_spec *spec,
                                     const struct ast_expr *call)
{
    struct agg_call agg;
    enum time_attr time = expr_time(scope, spec->order);
    bool counts = !is_rank_name(call->name) || time == TIME_PROC;
    const struct expr *by = time == TIME_NONE ? expr_i64(b->arena, 0, type_simple(TYPE_BIGINT)) : spec->order;

    if (call->args_count || call->distinct || call->star)
        return bind_error(b, call->at, DIAG_TYPE, "%.*s() takes no argument", BYTES_FMT(call->name));
    if (!agg_bind(b->arena, counts ? BYTES_LITERAL("COUNT") : call->name, counts ? NULL : by, counts,
                  false, NULL, &agg, b->diag))
        return bind_failed(b, call->at);
    return bind_agg_column(b, scope, call, &agg);
}

/* A column of scope's aggregates, or what is computed of some. */
static const struct expr *bind_over_call(struct binder *b, const struct scope *scope, const struct over_spec *spec,
                                         const struct ast_expr *call)
{
    struct scope inner = *scope;
    struct agg_call agg;

    if (is_rank_name(call->name) || bytes_is_nocase(call->name, "ROW_NUMBER"))
        return bind_place(b, scope, spec, call);
    bool made = made_exists(call->name);
    if (!made && !agg_exists(call->name))
        return bind_unsupported(b, call->at, "%.*s(…) OVER (…)", BYTES_FMT(bytes_head(call->name, 40)));
    if (call->filter) {
        bind_unsupported(b, call->at, "FILTER beside OVER");
        bind_hint(b, "put the condition into the argument: SUM(CASE WHEN … THEN x END) OVER (…)");
        return NULL;
    }
    inner.aggs = NULL;
    inner.no_aggs = "inside OVER (…)'s aggregate";
    const struct expr **args = bind_args(b, &inner, call);
    if (!args)
        return NULL;
    if (made)
        return bind_made(b, scope, call, args, NULL);
    return bind_agg(b, call, args, NULL, &agg) ? bind_agg_column(b, scope, call, &agg) : NULL;
}

/* The columns of the node that stand for the calls: a CALC over it, unless each is an aggregate of its own. */
static struct plan_node *over_results(struct binder *b, struct plan_node *node, uint16_t n,
                                      const struct expr **exprs, uint16_t count)
{
    bool plain = node->columns_count == n + count;

    for (uint16_t i = 0; i < count; i++) {
        uint16_t column;
        plain = plain && expr_is_column(exprs[i], &column) && column == n + i;
    }
    if (plain)
        return node;
    struct plan_node *calc = calc_new(b->arena, node, (uint16_t)(n + count));
    for (uint16_t i = 0; i < n; i++)
        calc_set(calc, i, node->columns[i].name, column_of(b->arena, node, i));
    for (uint16_t i = 0; i < count; i++)
        calc_set(calc, (uint16_t)(n + i), bytes_str(arena_printf(b->arena, "$r%u", i)), exprs[i]);
    return calc;
}

/* Rows that are told again when others have come are in no order of time. */
void over_end_times(struct plan_node *node)
{
    for (uint16_t i = 0; node->over.time == TIME_NONE && i < node->columns_count; i++)
        node->columns[i].time = TIME_NONE;
}

static struct plan_node *over_node(struct binder *b, struct rel *rel, const struct over_spec *spec,
                                   const uint16_t *partition, uint16_t column, const struct aggs *aggs)
{
    uint16_t n = rel->node->columns_count;
    struct plan_node *node = node_over(b->arena, PLAN_OVER, rel->node, (uint16_t)(n + aggs->count));

    node->over = (struct plan_over){.partition = partition,
                                    .partition_count = spec->partition_count,
                                    .column = column,
                                    .time = rel->node->columns[column].time,
                                    .rows = spec->rows,
                                    .bounded = spec->bounded,
                                    .preceding = spec->preceding,
                                    .aggs = aggs->calls,
                                    .aggs_count = aggs->count};
    for (uint16_t i = 0; i < aggs->count; i++)
        node->columns[n + i] =
            (struct plan_column){bytes_str(arena_printf(b->arena, "$o%u", i)), aggs->calls[i].type, TIME_NONE};
    over_end_times(node);
    return node;
}

static void same_specs(struct binder *b, const struct ast_select *ast, const struct rel *rel,
                       const struct over_spec *spec, const struct overs *list)
{
    for (uint16_t i = 0; i < list->count && !b->failed; i++) {
        struct over_spec other = bind_spec(b, ast, rel, list->calls[i]);
        if (b->failed || spec_equal(spec, &other))
            continue;
        bind_unsupported(b, list->calls[i]->at, "OVER windows that differ in one SELECT");
        bind_hint(b, "all must have the same PARTITION BY, ORDER BY and frame; ROW_NUMBER() has ROWS BETWEEN "
                     "UNBOUNDED PRECEDING AND CURRENT ROW. Put the others into a SELECT around this one");
    }
}

static void bind_aggregates(struct binder *b, const struct ast_select *ast, struct rel *rel,
                            const struct overs *list)
{
    const struct expr **exprs = ARENA_ARRAY(b->arena, const struct expr *, list->count);
    struct over_spec spec = bind_spec(b, ast, rel, list->calls[0]);
    struct aggs aggs = {0};

    same_specs(b, ast, rel, &spec, list);
    if (b->failed)
        return;
    uint16_t *partition = ARENA_ARRAY(b->arena, uint16_t, spec.partition_count + 1u);
    for (uint16_t i = 0; i < spec.partition_count; i++)
        partition[i] = rel_column(b, rel, spec.partition[i]);
    uint16_t column = rel_column(b, rel, spec.order), n = rel->node->columns_count;
    struct scope scope = rel->scope;
    scope.aggs = &aggs;
    for (uint16_t i = 0; i < list->count && !b->failed; i++)
        exprs[i] = bind_over_call(b, &scope, &spec, list->calls[i]);
    if (b->failed)
        return;
    struct plan_node *node = over_node(b, rel, &spec, partition, column, &aggs);
    over_columns(b, rel, over_results(b, node, n, exprs, list->count), list->calls, list->count);
}

void bind_over(struct binder *b, const struct ast_select *ast, struct rel *rel)
{
    struct overs list = {0};

    for (uint16_t i = 0; i < ast->items_count; i++)
        find_overs(b, &list, ast->items[i].expr);
    if (!list.count || b->failed)
        return;
    if (ast->grouped || ast->having) {
        bind_unsupported(b, list.calls[0]->at, "OVER (…) beside GROUP BY (put the grouping into a sub-query)");
        return;
    }
    if (rel->node->columns_count + list.count > BIND_COLUMNS_MAX) {
        bind_error(b, list.calls[0]->at, DIAG_LIMIT, "more than %d columns", BIND_COLUMNS_MAX);
        return;
    }
    const struct ast_over *over = over_resolve(b, ast, list.calls[0]);
    if (over && list.count == 1 && bytes_is_nocase(list.calls[0]->name, "ROW_NUMBER") && !over->has_frame)
        bind_rank(b, rel, list.calls[0], over);
    else if (over)
        bind_aggregates(b, ast, rel, &list);
}
