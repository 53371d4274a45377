/* Sub-queries in expressions.
 *
 * A sub-query is bound first, by itself. What its WHERE says of the outer query's columns is taken out of it and
 * becomes the condition of a join:
 *
 *   WHERE x IN (q), EXISTS (q)          SEMI join on x = q's column, and that condition
 *   WHERE x NOT IN (q), NOT EXISTS (q)  ANTI join; of NOT IN, on "x = q's column is not FALSE"
 *   (q) as a value                      LEFT join with q's one row, or its one row for each of the columns that
 *                                       the condition equates
 *   EXISTS, IN as a value               LEFT join with how many rows there are, and are not NULL, and are x
 */
#include "sql/bind_select.h"

/* A sub-query as a relation. The outer query's columns are OUTER_COLUMN + their place in `on` and `items`. */
struct dependent {
    struct plan_node *node;
    const struct expr **items;
    uint16_t items_count;
    struct conjuncts on;
};

/* ---- places ---- */

const struct expr *expr_place(struct arena *arena, const struct expr *e, struct places places)
{
    if (e->kind == EXPR_COLUMN) {
        uint16_t at = e->index >= SUB_COLUMN     ? (uint16_t)(e->index - SUB_COLUMN + places.sub)
                      : e->index >= OUTER_COLUMN ? (uint16_t)(e->index - OUTER_COLUMN + places.outer)
                                                 : (uint16_t)(e->index + places.inner);
        return at == e->index ? e : expr_column(arena, at, e->type);
    }
    if (e->args_count == 0)
        return e;
    struct expr *copy = ARENA_NEW(arena, struct expr);
    *copy = *e;
    copy->args = ARENA_ARRAY(arena, const struct expr *, e->args_count);
    for (uint16_t i = 0; i < e->args_count; i++)
        copy->args[i] = expr_place(arena, e->args[i], places);
    return copy;
}

enum { USES_INNER = 1, USES_OUTER = 2, USES_SUB = 4 };

static unsigned expr_uses(const struct expr *e)
{
    unsigned uses = 0;

    if (e->kind == EXPR_COLUMN)
        return e->index >= SUB_COLUMN ? USES_SUB : e->index >= OUTER_COLUMN ? USES_OUTER : USES_INNER;
    for (uint16_t i = 0; i < e->args_count; i++)
        uses |= expr_uses(e->args[i]);
    return uses;
}

bool ast_has_subquery(const struct ast_expr *e)
{
    if (!e)
        return false;
    if (e->query)
        return true;
    for (uint16_t i = 0; i < e->args_count; i++) {
        if (ast_has_subquery(e->args[i]))
            return true;
    }
    return ast_has_subquery(e->operand) || ast_has_subquery(e->filter);
}

/* ---- the sub-query by itself ---- */

/* Its rows are those of FROM and WHERE, so that what WHERE says of the outer query can be said of them. */
static bool is_plain(const struct ast_query *query)
{
    const struct ast_select *s = query->select;

    if (s->kind != SET_SELECT || query->with_count > 0 || query->has_limit || query->skip > 0 || s->grouped ||
        s->having)
        return false;
    for (uint16_t i = 0; i < s->items_count; i++) {
        if (ast_has_aggregate(s->items[i].expr) || ast_has_over(s->items[i].expr))
            return false;
    }
    return true;
}

/* It has groups, or aggregates of all its rows. */
static bool has_groups(const struct ast_query *query)
{
    const struct ast_select *s = query->select;
    bool any = s->grouped || s->having;

    if (s->kind != SET_SELECT || query->with_count > 0 || query->has_limit || query->skip > 0)
        return false;
    for (uint16_t i = 0; i < s->items_count; i++) {
        any |= ast_has_aggregate(s->items[i].expr);
        if (ast_has_over(s->items[i].expr))
            return false;
    }
    return any;
}

static void depend_whole(struct binder *b, const struct ast_query *query, struct dependent *dep)
{
    struct rel rel = bind_query(b, query);

    if (b->failed)
        return;
    dep->node = rel.node;
    dep->items_count = rel.node->columns_count;
    dep->items = ARENA_ARRAY(b->arena, const struct expr *, dep->items_count + 1u);
    for (uint16_t i = 0; i < dep->items_count; i++)
        dep->items[i] = column_of(b->arena, rel.node, i);
}

/* Enters the sub-query: names that are not known in it may be those of `scope`. */
static struct binder enter(struct binder *b, const struct scope *scope)
{
    struct binder saved = *b;

    b->outer = scope;
    b->subs = NULL;
    return saved;
}

static void leave(struct binder *b, const struct binder *saved)
{
    b->outer = saved->outer;
    b->subs = saved->subs;
}

static bool uses_outer(const struct expr *e)
{
    return e && expr_uses(e) & USES_OUTER;
}

static const struct expr **equal_pairs(struct binder *b, const struct ast_expr *e, const struct conjuncts *on,
                                       struct group *keys, uint16_t room);

/* Of the aggregates themselves nothing depends on the outer query. */
static void check_aggregates(struct binder *b, const struct ast_expr *e, const struct selecting *s)
{
    for (uint16_t i = 0; i < s->aggs.count && !b->failed; i++) {
        if (uses_outer(s->aggs.calls[i].arg) || uses_outer(s->aggs.calls[i].filter))
            bind_unsupported(b, e->at, "a sub-query that aggregates the outer query's columns");
    }
    for (uint16_t i = 0; i < s->group.keys_count && !b->failed; i++) {
        if (uses_outer(s->group.keys[i]))
            bind_unsupported(b, e->at, "a sub-query that is grouped by the outer query's columns");
    }
    if (!b->failed && s->subs.count > 0)
        bind_unsupported(b, e->at, "a sub-query in a sub-query that is grouped and correlated");
}

/* Groups for each outer row: the columns that meet it are keys too, and items behind the others. */
static void group_by_pairs(struct binder *b, struct selecting *s, const struct group *pairs)
{
    uint16_t n = s->group.keys_count, m = pairs->keys_count;
    const struct expr **keys = ARENA_ARRAY(b->arena, const struct expr *, n + m + 1u);
    const struct expr **exprs = ARENA_ARRAY(b->arena, const struct expr *, s->count + m + 1u);
    struct bytes *names = ARENA_ARRAY(b->arena, struct bytes, n + m + 1u);

    for (uint16_t i = 0; i < n + m; i++) {
        keys[i] = i < n ? s->group.keys[i] : pairs->keys[i - n];
        names[i] = i < n ? s->group.names[i] : pairs->names[i - n];
    }
    for (uint16_t i = 0; i < s->count + m; i++)
        exprs[i] = i < s->count ? s->exprs[i] : pairs->keys[i - s->count];
    s->group = (struct group){keys, names, (uint16_t)(n + m)};
    s->exprs = exprs;
    s->count = (uint16_t)(s->count + m);
    select_group(b, s);
}

/* HAVING, where it speaks of the outer query, becomes a condition of the join as WHERE does. */
static struct plan_node *having_apart(struct binder *b, const struct selecting *s, struct conjuncts *on)
{
    struct conjuncts all = {0}, own = {0};

    conjuncts_add(b->arena, &all, s->having);
    for (uint16_t i = 0; i < all.count; i++)
        conjuncts_add(b->arena, uses_outer(all.items[i]) ? on : &own, all.items[i]);
    return filter_on(b, s->rel.node, conjuncts_and(b->arena, &own));
}

static void groups_of(struct binder *b, const struct ast_expr *e, struct selecting *s, const struct conjuncts *met,
                      struct dependent *dep)
{
    struct group pairs = {0};

    equal_pairs(b, e, met, &pairs, 0);
    if (!b->failed && e->kind != AST_SUBQUERY && s->ast->having && !s->ast->grouped && met->count > 0)
        bind_unsupported(b, e->at, "HAVING without GROUP BY in a sub-query of EXISTS or IN that is correlated");
    if (!b->failed)
        select_keys(b, s);
    if (!b->failed)
        select_values(b, s);
    if (!b->failed)
        check_aggregates(b, e, s);
    if (b->failed)
        return;
    dep->items_count = s->count;
    group_by_pairs(b, s, &pairs);
    if (b->failed)
        return;
    dep->items = s->exprs;
    dep->node = having_apart(b, s, &dep->on);
    for (uint16_t i = 0; i < met->count && !b->failed; i++) {
        const struct expr *c = met->items[i];
        const struct expr *outer = c->args[expr_uses(c->args[0]) != USES_OUTER];
        conjuncts_add(b->arena, &dep->on, bind_call(b, e->at, "=", outer, s->exprs[dep->items_count + i]));
    }
}

/* False: nothing in it is the outer query's. */
static bool depend_grouped(struct binder *b, const struct scope *scope, const struct ast_expr *e, struct dependent *dep)
{
    struct selecting s = {.ast = e->query->select};
    struct binder saved = enter(b, scope);
    struct conjuncts met = {0};

    *dep = (struct dependent){0};
    select_rows(b, &s, scope, &met);
    if (!b->failed)
        groups_of(b, e, &s, &met, dep);
    leave(b, &saved);
    bool correlated = met.count > 0 || dep->on.count > 0;
    for (uint16_t i = 0; i < dep->items_count && !b->failed; i++)
        correlated |= uses_outer(dep->items[i]);
    return correlated || b->failed;
}

/* distinct_too: how often a row is there changes nothing. */
static struct dependent depend(struct binder *b, const struct scope *scope, const struct ast_expr *e, bool distinct_too)
{
    const struct ast_query *query = e->query;
    struct dependent dep = {0};
    struct selecting s = {.ast = query->select};

    if (has_groups(query) && (distinct_too || !query->select->distinct) && depend_grouped(b, scope, e, &dep))
        return dep;
    struct binder saved = enter(b, scope);
    dep = (struct dependent){0};
    if (!is_plain(query) || (query->select->distinct && !distinct_too)) {
        depend_whole(b, query, &dep);
        leave(b, &saved);
        return dep;
    }
    select_rows(b, &s, scope, &dep.on);
    if (!b->failed)
        select_items(b, &s);
    leave(b, &saved);
    dep.node = s.rel.node;
    dep.items = s.exprs;
    dep.items_count = s.count;
    return dep;
}

/* ---- conditions of WHERE ---- */

/* x = y, or that it is not FALSE */
static const struct expr *equal_or_unknown(struct binder *b, const struct token *at, const struct expr *x,
                                           const struct expr *y, bool unknown)
{
    const struct expr *equal = bind_call(b, at, "=", x, y);

    if (unknown && equal && !x->type->not_null)
        equal = bind_call(b, at, "OR", equal, bind_call(b, at, "IS NULL", x, NULL));
    if (unknown && equal && !y->type->not_null)
        equal = bind_call(b, at, "OR", equal, bind_call(b, at, "IS NULL", y, NULL));
    return equal;
}

/* What is left of IN: a value, or the fields of a row; over the outer query, whose columns are moved to `outer`. */
static const struct expr **in_values(struct binder *b, const struct scope *scope, const struct ast_expr *e,
                                     uint16_t count, uint16_t outer)
{
    struct ast_expr *const *parts = e->args;
    uint16_t given = 1;

    if (e->args[0]->kind == AST_ROW) {
        parts = e->args[0]->args;
        given = e->args[0]->args_count;
    }
    if (given != count)
        return bind_error(b, e->at, DIAG_SYNTAX, "IN of %u values and a sub-query of %u columns", given, count);
    const struct expr **values = ARENA_ARRAY(b->arena, const struct expr *, count + 1u);
    for (uint16_t i = 0; i < count; i++) {
        const struct expr *value = bind_expr(b, scope, parts[i]);
        if (!value)
            return NULL;
        if (expr_uses(value) & ~(unsigned)USES_INNER)
            return bind_unsupported(b, parts[i]->at, "a value of another query at the left of IN (SELECT …)");
        values[i] = expr_place(b->arena, value, (struct places){.inner = outer});
    }
    return values;
}

static struct plan_node *left_only_join(struct binder *b, enum join_kind kind, struct plan_node *left,
                                        struct plan_node *right, const struct conjuncts *on)
{
    struct plan_node *node = node_over(b->arena, PLAN_JOIN, left, left->columns_count);

    node->inputs = ARENA_ARRAY(b->arena, struct plan_input, 2);
    node->inputs_count = 2;
    node->inputs[0].node = left;
    node->inputs[1].node = right;
    node->join.kind = kind;
    node->join.condition = conjuncts_and(b->arena, on);
    for (uint16_t i = 0; i < node->columns_count; i++) {
        if (node->columns[i].time == TIME_ROW) /* it may hold rows past the watermark */
            node->columns[i].time = TIME_NONE;
    }
    return node;
}

/* An aggregate of all rows is there, even of none. */
static bool always_exists(const struct ast_expr *e)
{
    return e->kind == AST_EXISTS && has_groups(e->query) && !e->query->select->grouped && !e->query->select->having;
}

/* The rows for which e is TRUE, or FALSE. */
static void semi_join(struct binder *b, struct rel *rel, const struct ast_expr *e, bool negated)
{
    struct dependent dep = depend(b, &rel->scope, e, true);
    struct conjuncts on = {0};

    if (b->failed)
        return;
    if (always_exists(e)) {
        rel->node = filter_on(b, rel->node, expr_bool(b->arena, !negated));
        return;
    }
    uint16_t n = rel->node->columns_count;
    struct places places = {.outer = 0, .inner = n};
    for (uint16_t i = 0; i < dep.on.count; i++)
        conjuncts_add(b->arena, &on, expr_place(b->arena, dep.on.items[i], places));
    if (e->kind == AST_IN) {
        const struct expr **values = in_values(b, &rel->scope, e, dep.items_count, 0);
        for (uint16_t i = 0; i < dep.items_count && !b->failed; i++)
            conjuncts_add(b->arena, &on,
                          equal_or_unknown(b, e->at, values[i], expr_place(b->arena, dep.items[i], places),
                                           negated));
    }
    if (b->failed)
        return;
    if (n + dep.node->columns_count > BIND_COLUMNS_MAX) {
        bind_error(b, e->at, DIAG_LIMIT, "a join has more than %d columns", BIND_COLUMNS_MAX);
        return;
    }
    rel->node = left_only_join(b, negated ? JOIN_ANTI : JOIN_SEMI, rel->node, dep.node, &on);
    for (uint16_t i = 0; i < n; i++)
        rel->scope.columns[i].time = rel->node->columns[i].time;
}

/* A condition that is asked of each row; its sub-queries are joined to the rows and go with it. */
static void filter_join(struct binder *b, struct rel *rel, const struct ast_expr *e, struct conjuncts *on)
{
    struct subs subs = {0}, *outer = b->subs;
    uint16_t n = rel->node->columns_count;

    b->subs = &subs;
    const struct expr *condition = bind_condition(b, &rel->scope, e, "WHERE");
    b->subs = outer;
    if (!condition)
        return;
    unsigned uses = expr_uses(condition);
    if (uses & USES_OUTER) {
        if (subs.count > 0)
            bind_unsupported(b, e->at, "a condition on the outer query with a sub-query in it");
        conjuncts_add(b->arena, on, condition);
        return;
    }
    struct plan_node *node = subs_join(b, rel->node, &subs);
    if (b->failed)
        return;
    node = filter_on(b, node, expr_place(b->arena, condition, (struct places){.sub = n}));
    if (subs.count > 0) {
        struct plan_node *calc = calc_new(b->arena, node, n);
        for (uint16_t i = 0; i < n; i++)
            calc_set(calc, i, node->columns[i].name, column_of(b->arena, node, i));
        node = calc;
        for (uint16_t i = 0; i < n; i++)
            rel->scope.columns[i].time = node->columns[i].time;
    }
    rel->node = node;
}

void bind_where(struct binder *b, struct rel *rel, const struct ast_expr *where, struct conjuncts *on)
{
    const struct ast_expr *e = where;
    bool negated = false;

    if (b->failed)
        return;
    if (e->kind == AST_CALL && bytes_is(e->name, "AND")) {
        for (uint16_t i = 0; i < e->args_count; i++)
            bind_where(b, rel, e->args[i], on);
        return;
    }
    while (e->kind == AST_CALL && bytes_is(e->name, "NOT") && e->args_count == 1) {
        negated = !negated;
        e = e->args[0];
    }
    if (e->query && (e->kind == AST_EXISTS || e->kind == AST_IN))
        semi_join(b, rel, e, negated != e->negated);
    else
        filter_join(b, rel, where, on);
}

/* ---- values ---- */

static uint16_t subs_add(struct binder *b, const struct ast_expr *e, const struct sub *sub)
{
    struct subs *subs = b->subs;

    if (subs->columns_count + sub->node->columns_count > BIND_COLUMNS_MAX) {
        bind_error(b, e->at, DIAG_LIMIT, "too many sub-queries");
        return 0;
    }
    if (subs->count == subs->cap) {
        uint16_t cap = subs->cap ? (uint16_t)(subs->cap * 2) : 4;
        struct sub *grown = ARENA_ARRAY(b->arena, struct sub, cap);
        if (subs->count > 0)
            memcpy(grown, subs->items, subs->count * sizeof(*grown));
        subs->items = grown;
        subs->cap = cap;
    }
    uint16_t first = subs->columns_count;
    subs->items[subs->count] = *sub;
    subs->items[subs->count++].first = first;
    subs->columns_count = (uint16_t)(first + sub->node->columns_count);
    return first;
}

struct plan_node *subs_join(struct binder *b, struct plan_node *node, const struct subs *subs)
{
    for (uint16_t s = 0; s < subs->count && !b->failed; s++) {
        const struct sub *sub = &subs->items[s];
        uint16_t n = node->columns_count, m = sub->node->columns_count;
        struct conjuncts on = {0};
        if (n + m > BIND_COLUMNS_MAX)
            return bind_error(b, NULL, DIAG_LIMIT, "a join has more than %d columns", BIND_COLUMNS_MAX);
        struct plan_node *join = node_new(b->arena, PLAN_JOIN, (uint16_t)(n + m), 2);
        join->inputs[0].node = node;
        join->inputs[1].node = sub->node;
        join->join.kind = JOIN_LEFT;
        memcpy(join->columns, node->columns, n * sizeof(*join->columns));
        for (uint16_t i = 0; i < n + m; i++) {
            struct plan_column *column = &join->columns[i];
            if (i >= n)
                *column = (struct plan_column){bytes_str(arena_printf(b->arena, "$q%u", i)),
                                               type_not_null(b->arena, sub->node->columns[i - n].type, false),
                                               TIME_NONE};
            if (column->time == TIME_ROW)
                column->time = TIME_NONE;
        }
        for (uint16_t k = 0; k < sub->keys_count; k++)
            conjuncts_add(b->arena, &on,
                          bind_call(b, NULL, "=", sub->outer[k], column_of(b->arena, join, (uint16_t)(n + k))));
        join->join.condition = conjuncts_and(b->arena, &on);
        node = join;
    }
    return b->failed ? NULL : node;
}

/* Column i of a sub-query that was added. */
static const struct expr *sub_column(struct binder *b, const struct sub *sub, uint16_t first, uint16_t i)
{
    return expr_column(b->arena, (uint16_t)(SUB_COLUMN + first + i),
                       type_not_null(b->arena, sub->node->columns[i].type, false));
}

/* The condition as equal pairs: outer[i] over the outer query, keys->keys[i] over the sub-query's rows. */
static const struct expr **equal_pairs(struct binder *b, const struct ast_expr *e, const struct conjuncts *on,
                                       struct group *keys, uint16_t room)
{
    const struct expr **outer = ARENA_ARRAY(b->arena, const struct expr *, on->count + room + 1u);

    keys->keys = ARENA_ARRAY(b->arena, const struct expr *, on->count + room + 1u);
    keys->names = ARENA_ARRAY(b->arena, struct bytes, on->count + room + 1u);
    for (uint16_t i = 0; i < on->count; i++) {
        const struct expr *c = on->items[i];
        unsigned x = 0, y = 0;
        if (expr_is_func(c, "=")) {
            x = expr_uses(c->args[0]);
            y = expr_uses(c->args[1]);
        }
        if (!((x == USES_OUTER && y == USES_INNER) || (x == USES_INNER && y == USES_OUTER)))
            return bind_unsupported(b, e->at, "a sub-query, as a value or with aggregates, that meets the outer query by other "
                                              "than inner = outer,");
        outer[i] = expr_place(b->arena, c->args[x != USES_OUTER], (struct places){0});
        keys->keys[i] = c->args[x == USES_OUTER];
        keys->names[i] = bytes_str(arena_printf(b->arena, "$k%u", i));
    }
    keys->keys_count = on->count;
    return outer;
}

static bool add_call(struct binder *b, const struct ast_expr *e, struct aggs *aggs, const char *name,
                     const struct expr *arg)
{
    return agg_bind(b->arena, bytes_str(name), arg, !arg, false, NULL, &aggs->calls[aggs->count++], b->diag) ||
           bind_failed(b, e->at) != NULL;
}

/* The keys, then the aggregates. */
static struct plan_node *grouped(struct binder *b, const struct ast_expr *e, struct plan_node *input,
                                 const struct group *group, const struct aggs *aggs)
{
    uint16_t n = group->keys_count;
    uint16_t *at = ARENA_ARRAY(b->arena, uint16_t, n + aggs->count + 1u);
    struct plan_node *node = bind_aggregate(b, e->at, input, group, aggs, at, at + n);

    if (b->failed)
        return NULL;
    struct plan_node *calc = calc_new(b->arena, node, (uint16_t)(n + aggs->count));
    for (uint16_t i = 0; i < n + aggs->count; i++)
        calc_set(calc, i, bytes_str(arena_printf(b->arena, "$s%u", i)), column_of(b->arena, node, at[i]));
    return calc;
}

/* ---- (SELECT …) ---- */

/* The one row of a group, or the job fails: the greatest value of those that are there, when it is one. */
static struct plan_node *single_rows(struct binder *b, const struct ast_expr *e, struct plan_node *node,
                                     const struct expr *item, const struct group *keys)
{
    struct agg_call calls[2];
    struct aggs aggs = {.calls = calls};
    uint16_t n = keys->keys_count;

    if (!add_call(b, e, &aggs, "MAX", item) || !add_call(b, e, &aggs, "COUNT", NULL))
        return NULL;
    struct plan_node *rows = grouped(b, e, node, keys, &aggs);
    if (!rows)
        return NULL;
    const struct expr *branches[2];
    branches[0] = bind_call(b, e->at, "$ONE_ROW", column_of(b->arena, rows, (uint16_t)(n + 1)), NULL);
    branches[1] = column_of(b->arena, rows, n);
    if (b->failed)
        return NULL;
    struct plan_node *calc = calc_new(b->arena, rows, (uint16_t)(n + 1));
    for (uint16_t i = 0; i < n; i++)
        calc_set(calc, i, rows->columns[i].name, column_of(b->arena, rows, i));
    calc_set(calc, n, rows->columns[n].name, func_case(b->arena, branches, 2, b->diag));
    return calc;
}

/* Where there is no group, nothing was counted. */
static const struct expr *no_group_counts(struct binder *b, const struct token *at, const struct agg_call *call,
                                          const struct expr *column)
{
    if (call->kind != AGG_COUNT && call->kind != AGG_COUNT_STAR)
        return column;
    return bind_call(b, at, "COALESCE", column, expr_i64(b->arena, 0, call->type));
}

/* Aggregates of the rows that meet the outer row: of each group of the columns that the condition equates. The
 * node has these and the aggregates; *value is over its columns where they are joined. An aggregate of all rows
 * is computed below, as in Flink: before the first row there is none. */
static struct plan_node *aggregate_rows(struct binder *b, const struct ast_expr *e, struct selecting *s,
                                        const struct expr **value)
{
    uint16_t n = s->group.keys_count;
    const struct expr **exprs = ARENA_ARRAY(b->arena, const struct expr *, n + 1u);

    s->rel.scope.outer = NULL;
    s->rel.scope.aggs = &s->aggs;
    select_items(b, s);
    if (b->failed)
        return NULL;
    if (s->count != 1)
        return bind_error(b, e->at, DIAG_SYNTAX, "a sub-query as a value has one column, not %u", s->count);
    for (uint16_t i = 0; i < n; i++)
        exprs[i] = s->group.keys[i];
    exprs[n] = s->exprs[0];
    s->exprs = exprs;
    s->count = (uint16_t)(n + 1);
    select_group(b, s);
    if (b->failed)
        return NULL;
    uint16_t m = n > 0 ? s->rel.node->columns_count : 1;
    struct plan_node *calc = calc_new(b->arena, s->rel.node, (uint16_t)(n + m));
    for (uint16_t i = 0; i < n; i++)
        calc_set(calc, i, s->group.names[i], exprs[i]);
    for (uint16_t i = 0; i < m; i++)
        calc_set(calc, (uint16_t)(n + i), bytes_str(arena_printf(b->arena, "$v%u", i)),
                 n > 0 ? column_of(b->arena, s->rel.node, i) : exprs[n]);
    if (n == 0) {
        *value = expr_column(b->arena, 0, type_not_null(b->arena, exprs[n]->type, false));
        return calc;
    }
    const struct expr **by = ARENA_ARRAY(b->arena, const struct expr *, m + 1u);
    for (uint16_t i = 0; i < m; i++) {
        const struct plan_node *agg = s->rel.node;
        by[i] = expr_column(b->arena, (uint16_t)(n + i), type_not_null(b->arena, agg->columns[i].type, false));
        if (agg->kind == PLAN_GROUP_AGG && i >= agg->group_agg.keys_count)
            by[i] = no_group_counts(b, e->at, &agg->group_agg.aggs[i - agg->group_agg.keys_count], by[i]);
    }
    *value = expr_replace(b->arena, exprs[n], by);
    return calc;
}

static bool is_aggregate(const struct ast_query *query)
{
    const struct ast_select *s = query->select;
    bool any = false;

    if (s->kind != SET_SELECT || query->with_count > 0 || query->has_limit || query->skip > 0 || s->grouped ||
        s->having || s->distinct)
        return false;
    for (uint16_t i = 0; i < s->items_count; i++) {
        any |= ast_has_aggregate(s->items[i].expr);
        if (ast_has_over(s->items[i].expr))
            return false;
    }
    return any;
}

static const struct expr *value_of(struct binder *b, const struct scope *scope, const struct ast_expr *e)
{
    struct sub sub = {0};
    struct group keys = {0};
    const struct expr *value = NULL;

    if (is_aggregate(e->query)) {
        struct selecting s = {.ast = e->query->select};
        struct conjuncts on = {0};
        struct binder saved = enter(b, scope);
        select_rows(b, &s, scope, &on);
        if (!b->failed)
            sub.outer = equal_pairs(b, e, &on, &s.group, 0);
        if (!b->failed)
            sub.node = aggregate_rows(b, e, &s, &value);
        leave(b, &saved);
        sub.keys_count = on.count;
    } else {
        struct dependent dep = depend(b, scope, e, false);
        if (b->failed)
            return NULL;
        if (dep.items_count != 1)
            return bind_error(b, e->at, DIAG_SYNTAX, "a sub-query as a value has one column, not %u",
                              dep.items_count);
        if (expr_uses(dep.items[0]) & USES_OUTER)
            return bind_unsupported(b, e->at, "a sub-query that selects the outer query's columns");
        sub.outer = equal_pairs(b, e, &dep.on, &keys, 0);
        sub.keys_count = dep.on.count;
        if (!b->failed)
            sub.node = single_rows(b, e, dep.node, dep.items[0], &keys);
    }
    if (b->failed)
        return NULL;
    uint16_t first = subs_add(b, e, &sub);
    if (b->failed)
        return NULL;
    if (value)
        return expr_place(b->arena, value, (struct places){.inner = (uint16_t)(SUB_COLUMN + first)});
    return sub_column(b, &sub, first, sub.keys_count);
}

/* ---- EXISTS and IN as values ---- */

/* Rows of each group that meets the outer row: how many, and how many of item. */
static struct sub counted(struct binder *b, const struct ast_expr *e, const struct dependent *dep,
                          const struct expr *item, const struct expr *value)
{
    struct agg_call calls[2];
    struct aggs aggs = {.calls = calls};
    struct group keys = {0};
    struct sub sub = {.outer = equal_pairs(b, e, &dep->on, &keys, 1)};

    if (b->failed)
        return sub;
    if (value) { /* only those that are the value */
        sub.outer[keys.keys_count] = value;
        keys.names[keys.keys_count] = BYTES_LITERAL("$in");
        keys.keys[keys.keys_count++] = item;
    }
    sub.keys_count = keys.keys_count;
    if (add_call(b, e, &aggs, "COUNT", NULL) && (!item || value || add_call(b, e, &aggs, "COUNT", item)))
        sub.node = grouped(b, e, dep->node, &keys, &aggs);
    return sub;
}

/* Count i behind the keys is more than `than`, a count; NULL: than 0. A count that is not there is none. */
static const struct expr *more(struct binder *b, const struct ast_expr *e, const struct expr *count,
                               const struct expr *than)
{
    const struct expr *greater = bind_call(b, e->at, ">", count,
                                           than ? than : expr_i64(b->arena, 0, type_simple(TYPE_BIGINT)));
    return bind_call(b, e->at, "COALESCE", greater, expr_bool(b->arena, false));
}

static const struct expr *exists_value(struct binder *b, const struct scope *scope, const struct ast_expr *e)
{
    struct dependent dep = depend(b, scope, e, true);

    if (b->failed)
        return NULL;
    if (always_exists(e))
        return expr_bool(b->arena, true);
    struct sub sub = counted(b, e, &dep, NULL, NULL);
    uint16_t first = b->failed ? 0 : subs_add(b, e, &sub);
    return b->failed ? NULL : more(b, e, sub_column(b, &sub, first, sub.keys_count), NULL);
}

/* TRUE: some row is the value. Else FALSE when there is no row; NULL when the value or some row's is. */
static const struct expr *in_value(struct binder *b, const struct scope *scope, const struct ast_expr *e)
{
    struct dependent dep = depend(b, scope, e, true);

    if (b->failed)
        return NULL;
    if (dep.items_count != 1 || e->args[0]->kind == AST_ROW)
        return bind_unsupported(b, e->at, "IN (SELECT …) of several columns as a value");
    if (expr_uses(dep.items[0]) & USES_OUTER)
        return bind_unsupported(b, e->at, "a sub-query that selects the outer query's columns");
    const struct expr **values = in_values(b, scope, e, 1, 0);
    if (b->failed)
        return NULL;
    const struct expr *equal = bind_call(b, e->at, "=", values[0], dep.items[0]);
    if (b->failed)
        return NULL;
    const struct expr *value = equal->args[0], *item = equal->args[1]; /* of one type */
    struct sub same = counted(b, e, &dep, item, value);
    uint16_t same_first = b->failed ? 0 : subs_add(b, e, &same);
    struct dependent again = depend(b, scope, e, true); /* a node has one user: see README.md */
    if (b->failed)
        return NULL;
    struct sub all = counted(b, e, &again, bind_call(b, e->at, "=", values[0], again.items[0])->args[1], NULL);
    uint16_t all_first = b->failed ? 0 : subs_add(b, e, &all);
    if (b->failed)
        return NULL;
    const struct expr *rows = sub_column(b, &all, all_first, all.keys_count);
    const struct expr *known = sub_column(b, &all, all_first, (uint16_t)(all.keys_count + 1));
    const struct expr *branches[5];
    branches[0] = more(b, e, sub_column(b, &same, same_first, same.keys_count), NULL);
    branches[1] = expr_bool(b->arena, true);
    branches[2] = bind_call(b, e->at, "AND", more(b, e, rows, NULL),
                            bind_call(b, e->at, "OR", bind_call(b, e->at, "IS NULL", value, NULL),
                                      more(b, e, rows, known)));
    branches[3] = expr_null(b->arena, type_simple(TYPE_BOOLEAN));
    branches[4] = expr_bool(b->arena, false);
    if (b->failed)
        return NULL;
    const struct expr *out = func_case(b->arena, branches, 5, b->diag);
    if (!out)
        return bind_failed(b, e->at);
    return e->negated ? bind_call(b, e->at, "NOT", out, NULL) : out;
}

const struct expr *bind_subquery_value(struct binder *b, const struct scope *scope, const struct ast_expr *e)
{
    if (!b->subs)
        return bind_unsupported(b, e->at, "a sub-query outside of SELECT, WHERE and HAVING, or inside an aggregate,");
    switch (e->kind) {
    case AST_EXISTS:
        return exists_value(b, scope, e);
    case AST_IN:
        return in_value(b, scope, e);
    default:
        return value_of(b, scope, e);
    }
}
