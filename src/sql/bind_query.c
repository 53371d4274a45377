/* Queries: SELECT with grouping and ranking, VALUES; ORDER BY and LIMIT of inner queries. */
#include "sql/bind_select.h"

/* ---- legacy group windows ---- */

static bool group_window_kind(const struct ast_expr *e, enum window_kind *kind)
{
    if (e->kind != AST_CALL || e->args_count < 2)
        return false;
    *kind = WINDOW_TUMBLE;
    if (bytes_is_nocase(e->name, "TUMBLE"))
        return true;
    *kind = WINDOW_HOP;
    if (bytes_is_nocase(e->name, "HOP"))
        return e->args_count == 3;
    *kind = WINDOW_SESSION;
    return bytes_is_nocase(e->name, "SESSION");
}

/* Sessions are apart by what else is grouped by: as columns below the window. */
static void session_keys(struct binder *b, struct selecting *s, const struct ast_expr *call,
                         struct plan_window *window)
{
    uint16_t *keys = ARENA_ARRAY(b->arena, uint16_t, s->ast->group_count + 1u);
    struct scope *scope = &s->rel.scope;

    for (uint16_t i = 0; i < s->ast->group_count && !b->failed; i++) {
        if (s->ast->group[i] == call)
            continue;
        scope->no_aggs = "in GROUP BY";
        const struct expr *e = bind_expr(b, scope, s->ast->group[i]);
        scope->no_aggs = NULL;
        if (e)
            keys[window->partition_count++] = rel_column(b, &s->rel, e);
    }
    window->partition = keys;
}

/* GROUP BY TUMBLE(t, INTERVAL …): the rows get their window first. */
static void bind_group_windows(struct binder *b, struct selecting *s)
{
    for (uint16_t i = 0; i < s->ast->group_count && !b->failed; i++) {
        const struct ast_expr *call = s->ast->group[i];
        enum window_kind kind;
        if (!group_window_kind(call, &kind))
            continue;
        const struct expr *time = bind_expr(b, &s->rel.scope, call->args[0]);
        int64_t slide = bind_interval(b, call->args[1]);
        int64_t size = kind == WINDOW_HOP ? bind_interval(b, call->args[2]) : slide;
        if (b->failed)
            return;
        if (expr_is_func(time, "PROCTIME"))
            s->rel.node = s->rel.node; /* as a column, below */
        uint16_t column = rel_column(b, &s->rel, time);
        struct plan_window window = {.kind = kind, .column = column, .slide_us = slide, .size_us = size};
        if (kind == WINDOW_SESSION)
            session_keys(b, s, call, &window);
        if (b->failed)
            return;
        s->rel.node = bind_window(b, call->args[0]->at, s->rel.node, window);
        if (b->failed)
            return;
        uint16_t n = (uint16_t)(s->rel.node->columns_count - 3);
        struct scope_column *columns = ARENA_ARRAY(b->arena, struct scope_column, n + 4u);
        memcpy(columns, s->rel.scope.columns, n * sizeof(*columns));
        for (uint16_t c = n; c < n + 3; c++)
            columns[c] = (struct scope_column){.name = s->rel.node->columns[c].name,
                                               .type = s->rel.node->columns[c].type,
                                               .time = s->rel.node->columns[c].time,
                                               .hidden = true};
        s->rel.scope.columns = columns;
        s->rel.scope.count = (uint16_t)(n + 3);
        s->rel.scope.window = call;
        s->rel.scope.window_column = n;
        return;
    }
}

/* ---- items ---- */

static void item_add(struct binder *b, struct selecting *s, const struct expr *e, struct bytes name)
{
    uint16_t cap = s->count;

    if (b->failed || !e)
        return;
    if (cap >= BIND_COLUMNS_MAX) {
        bind_error(b, s->ast->at, DIAG_LIMIT, "more than %d columns", BIND_COLUMNS_MAX);
        return;
    }
    if ((cap & (cap - 1)) == 0) { /* full at each power of two */
        uint16_t room = cap ? (uint16_t)(cap * 2) : 1;
        const struct expr **exprs = ARENA_ARRAY(b->arena, const struct expr *, room + 1u);
        struct bytes *names = ARENA_ARRAY(b->arena, struct bytes, room + 1u);
        if (cap > 0) {
            memcpy(exprs, s->exprs, cap * sizeof(*exprs));
            memcpy(names, s->names, cap * sizeof(*names));
        }
        s->exprs = exprs;
        s->names = names;
    }
    s->exprs[s->count] = e;
    s->names[s->count++] = name;
}

/* The columns of USING first, in its order, then the others. */
static bool star_merged(struct binder *b, struct selecting *s)
{
    uint16_t found = 0;

    for (uint16_t rank = 1; rank <= found + 1; rank++) {
        for (uint16_t i = 0; i < s->rel.scope.count; i++) {
            const struct scope_column *c = &s->rel.scope.columns[i];
            if (c->hidden || c->merged != rank)
                continue;
            item_add(b, s, expr_column(b->arena, i, c->type), c->name);
            found = rank;
        }
    }
    return found > 0;
}

static void bind_star(struct binder *b, struct selecting *s, const struct ast_expr *e)
{
    struct bytes table = e->parts_count > 0 ? e->parts[e->parts_count - 1] : BYTES_NONE;
    bool any = table.len == 0 && star_merged(b, s);

    for (uint16_t i = 0; i < s->rel.scope.count; i++) {
        const struct scope_column *c = &s->rel.scope.columns[i];
        if ((table.len == 0 && (c->hidden || c->merged)) ||
            (table.len > 0 && !bytes_equal(c->table, table)))
            continue;
        item_add(b, s, expr_column(b->arena, i, c->type), c->name);
        any = true;
    }
    if (!any && table.len > 0)
        bind_error(b, e->at, DIAG_NAME, "there is no table `%.*s` here",
                   BYTES_FMT(bytes_head(table, 60)));
    else if (!any)
        bind_error(b, e->at, DIAG_SYNTAX, "* needs a FROM");
}

static struct bytes item_name(struct binder *b, const struct ast_item *item, uint16_t i)
{
    if (item->alias.len > 0)
        return bind_name(b, item->alias);
    if (item->expr->kind == AST_NAME)
        return bind_name(b, item->expr->parts[item->expr->parts_count - 1]);
    if (item->expr->kind == AST_FIELD)
        return bind_name(b, item->expr->name);
    return bytes_str(arena_printf(b->arena, "EXPR$%u", i));
}

void select_items(struct binder *b, struct selecting *s)
{
    for (uint16_t i = 0; i < s->ast->items_count && !b->failed; i++) {
        const struct ast_item *item = &s->ast->items[i];
        if (item->expr->kind == AST_STAR)
            bind_star(b, s, item->expr);
        else
            item_add(b, s, bind_expr(b, &s->rel.scope, item->expr), item_name(b, item, i));
    }
}

/* ---- grouping ---- */

static void group_add(struct group *group, const struct expr *e, struct bytes name)
{
    group->keys[group->keys_count] = e;
    group->names[group->keys_count++] = name;
}

/* GROUP BY is read before SELECT: an item's alias means nothing there (a column of that name does). */
static void explain_alias(struct binder *b, const struct selecting *s, const struct ast_expr *e)
{
    if (e->kind != AST_NAME || e->parts_count != 1)
        return;
    for (uint16_t i = 0; i < s->ast->items_count; i++) {
        const struct ast_item *item = &s->ast->items[i];
        if (item->alias.len && bytes_equal(item->alias, e->parts[0]))
            bind_hint(b, "`%.*s` is a name that SELECT gives, after GROUP BY: write GROUP BY %.*s",
                      BYTES_FMT(bytes_head(item->alias, 60)), BYTES_FMT(bytes_head(item->expr->text, 120)));
    }
}

/* An expression over the input. A number is itself, not the place of an item, as in Flink. */
static void bind_group_key(struct binder *b, struct selecting *s, const struct ast_expr *e)
{
    struct scope scope = s->rel.scope;

    scope.aggs = NULL;
    scope.no_aggs = "in GROUP BY";
    const struct expr *key = bind_expr(b, &scope, e);
    if (!key) {
        explain_alias(b, s, e);
        return;
    }
    struct ast_item item = {.expr = (struct ast_expr *)(uintptr_t)e};
    for (uint16_t i = 0; i < s->ast->items_count; i++) { /* the name it is selected under */
        if (bytes_equal(s->ast->items[i].expr->text, e->text))
            item.alias = s->ast->items[i].alias;
    }
    group_add(&s->group, key, item_name(b, &item, s->group.keys_count));
}

static void bind_group(struct binder *b, struct selecting *s)
{
    uint16_t most = (uint16_t)(s->ast->group_count + 3);

    s->group.keys = ARENA_ARRAY(b->arena, const struct expr *, most);
    s->group.names = ARENA_ARRAY(b->arena, struct bytes, most);
    for (uint16_t i = 0; i < s->ast->group_count && !b->failed; i++) {
        const struct ast_expr *e = s->ast->group[i];
        if (e == s->rel.scope.window) {
            for (uint16_t c = 0; c < 3; c++) {
                uint16_t column = (uint16_t)(s->rel.scope.window_column + c);
                group_add(&s->group, column_of(b->arena, s->rel.node, column),
                          s->rel.node->columns[column].name);
            }
        } else {
            bind_group_key(b, s, e);
        }
    }
}

void select_keys(struct binder *b, struct selecting *s)
{
    bind_group_windows(b, s);
    bind_group(b, s);
}

struct regroup {
    struct binder *b;
    const struct selecting *s;
    const uint16_t *key_columns, *agg_columns;
    const struct plan_node *node;
    const struct token *at;
};

static bool groups_by_number(const struct selecting *s)
{
    for (uint16_t i = 0; i < s->ast->group_count; i++) {
        if (s->ast->group[i]->kind == AST_NUMBER)
            return true;
    }
    return false;
}

/* From an expression over the input (and aggregates after its columns) to one over the groups. */
static const struct expr *regroup(const struct regroup *r, const struct expr *e)
{
    struct binder *b = r->b;
    uint16_t from_count = r->s->rel.scope.count;

    if (b->failed || e->kind == EXPR_LITERAL)
        return e;
    for (uint16_t i = 0; i < r->s->group.keys_count; i++) {
        if (expr_equal(r->s->group.keys[i], e))
            return column_of(b->arena, r->node, r->key_columns[i]);
    }
    if (e->kind == EXPR_COLUMN && e->index >= OUTER_COLUMN) /* of the query around it, or a sub-query's */
        return e;
    if (e->kind == EXPR_COLUMN && e->index >= from_count)
        return column_of(b->arena, r->node, r->agg_columns[e->index - from_count]);
    if (e->kind == EXPR_COLUMN) {
        bind_error(b, r->at, DIAG_SYNTAX, "`%.*s` is neither in GROUP BY nor inside an aggregate",
                   BYTES_FMT(bytes_head(r->s->rel.scope.columns[e->index].name, 60)));
        bind_hint(b, groups_by_number(r->s)
                         ? "a number in GROUP BY is that number, not the place of an item: write the "
                           "item's expression"
                         : "add it to GROUP BY, or take its MIN, MAX or another aggregate");
        return NULL;
    }
    if (e->args_count == 0)
        return e;
    struct expr *copy = ARENA_NEW(b->arena, struct expr);
    *copy = *e;
    copy->args = ARENA_ARRAY(b->arena, const struct expr *, e->args_count);
    for (uint16_t i = 0; i < e->args_count; i++) {
        copy->args[i] = regroup(r, e->args[i]);
        if (b->failed)
            return NULL;
    }
    return copy;
}

static const struct token *item_at(const struct selecting *s, uint16_t i)
{
    bool stars = false;

    for (uint16_t k = 0; k < s->ast->items_count; k++)
        stars |= s->ast->items[k].expr->kind == AST_STAR;
    return stars || i >= s->ast->items_count ? s->ast->at : s->ast->items[i].expr->at;
}

/* From rows to groups. What the sub-queries of the items meet is of the groups too. */
void select_group(struct binder *b, struct selecting *s)
{
    uint16_t *keys = ARENA_ARRAY(b->arena, uint16_t, s->group.keys_count + 1u);
    uint16_t *aggs = ARENA_ARRAY(b->arena, uint16_t, s->aggs.count + 1u);
    struct plan_node *node =
        bind_aggregate(b, s->ast->at, s->rel.node, &s->group, &s->aggs, keys, aggs);
    if (!b->failed && node->kind == PLAN_GROUP_AGG)
        ttl_hint(&s->ast->ttls, s->ast->from, &node->inputs[0]);
    struct regroup r = {.b = b, .s = s, .key_columns = keys, .agg_columns = aggs, .node = node};

    for (uint16_t i = 0; i < s->count && !b->failed; i++) {
        r.at = item_at(s, i);
        s->exprs[i] = regroup(&r, s->exprs[i]);
    }
    r.at = s->ast->having ? s->ast->having->at : s->ast->at;
    if (s->having && !b->failed)
        s->having = regroup(&r, s->having);
    for (uint16_t i = 0; i < s->subs.count; i++) {
        for (uint16_t k = 0; k < s->subs.items[i].keys_count && !b->failed; k++)
            s->subs.items[i].outer[k] = regroup(&r, s->subs.items[i].outer[k]);
    }
    s->rel.node = node;
}

/* ---- SELECT ---- */

struct plan_node *bind_one_row(struct binder *b)
{
    struct plan_node *node = node_new(b->arena, PLAN_VALUES, 0, 0);

    node->values.rows_count = 1;
    node->values.rows = ARENA_ARRAY(b->arena, const struct expr **, 1);
    node->values.rows[0] = ARENA_ARRAY(b->arena, const struct expr *, 1);
    return node;
}

struct plan_node *filter_on(struct binder *b, struct plan_node *node, const struct expr *filter)
{
    if (b->failed || !filter)
        return node;
    struct plan_node *calc = calc_all(b->arena, node);
    calc->calc.filter = filter;
    return calc;
}

struct plan_node *distinct_on(struct binder *b, const struct token *at, struct plan_node *node)
{
    struct group group = {.keys = ARENA_ARRAY(b->arena, const struct expr *, node->columns_count),
                          .names = ARENA_ARRAY(b->arena, struct bytes, node->columns_count),
                          .keys_count = node->columns_count};
    struct aggs aggs = {0};
    uint16_t *keys = ARENA_ARRAY(b->arena, uint16_t, node->columns_count + 1u), none[1];

    for (uint16_t i = 0; i < node->columns_count; i++) {
        group.keys[i] = column_of(b->arena, node, i);
        group.names[i] = node->columns[i].name;
    }
    struct plan_node *agg = bind_aggregate(b, at, node, &group, &aggs, keys, none);
    if (b->failed)
        return NULL;
    struct plan_node *calc = calc_new(b->arena, agg, node->columns_count);
    for (uint16_t i = 0; i < node->columns_count; i++)
        calc_set(calc, i, node->columns[i].name, column_of(b->arena, agg, keys[i]));
    return calc;
}

void select_rows(struct binder *b, struct selecting *s, const struct scope *outer, struct conjuncts *on)
{
    const struct ast_options *ttls_around = b->ttls;
    const struct lookup_hints *lookups_around = b->lookups;

    ttl_check(b, &s->ast->ttls, s->ast->from);
    b->ttls = &s->ast->ttls;
    b->lookups = bind_lookup_hints(b, s->ast);
    if (s->ast->from)
        s->rel = bind_from(b, s->ast->from);
    else
        s->rel.node = bind_one_row(b);
    b->ttls = ttls_around;
    b->lookups = lookups_around;
    if (b->failed)
        return;
    s->rel.scope.outer = outer;
    if (!s->ast->where)
        return;
    s->rel.scope.no_aggs = "in WHERE (use HAVING)";
    if (outer || ast_has_subquery(s->ast->where))
        bind_where(b, &s->rel, s->ast->where, on);
    else
        s->rel.node = filter_on(b, s->rel.node, bind_condition(b, &s->rel.scope, s->ast->where, "WHERE"));
    s->rel.scope.no_aggs = NULL;
}

/* The values of sub-queries become columns of the rows. */
static void place_subs(struct binder *b, struct selecting *s)
{
    struct places places = {.sub = s->rel.node->columns_count};

    if (b->failed || s->subs.count == 0)
        return;
    s->rel.node = subs_join(b, s->rel.node, &s->subs);
    for (uint16_t i = 0; i < s->count; i++)
        s->exprs[i] = expr_place(b->arena, s->exprs[i], places);
    if (s->having)
        s->having = expr_place(b->arena, s->having, places);
}

void select_values(struct binder *b, struct selecting *s)
{
    struct subs *outer = b->subs;

    s->rel.scope.aggs = &s->aggs;
    s->aggs.grouped = s->group.keys_count > 0;
    b->subs = &s->subs;
    select_items(b, s);
    if (s->ast->having && !b->failed)
        s->having = bind_condition(b, &s->rel.scope, s->ast->having, "HAVING");
    b->subs = outer;
}

static struct plan_node *bind_select(struct binder *b, const struct ast_select *ast)
{
    struct selecting s = {.ast = ast};

    select_rows(b, &s, NULL, NULL);
    if (b->failed)
        return NULL;
    bind_over(b, ast, &s.rel);
    select_keys(b, &s);
    if (b->failed)
        return NULL;
    select_values(b, &s);
    if (b->failed)
        return NULL;
    if (ast->grouped || s.aggs.count > 0)
        select_group(b, &s);
    else if (ast->having)
        return bind_error(b, ast->having->at, DIAG_SYNTAX, "HAVING needs GROUP BY or an aggregate");
    place_subs(b, &s);
    struct plan_node *node = filter_on(b, s.rel.node, s.having);
    if (b->failed)
        return NULL;
    struct plan_node *calc = calc_new(b->arena, node, s.count);
    for (uint16_t i = 0; i < s.count; i++)
        calc_set(calc, i, s.names[i], s.exprs[i]);
    if (!ast->distinct)
        return calc;
    node = distinct_on(b, ast->at, calc);
    if (node && !ast->grouped)
        ttl_hint(&ast->ttls, ast->from, &node->inputs[0].node->inputs[0]);
    return node;
}

/* ---- VALUES ---- */

static struct plan_node *bind_values(struct binder *b, const struct ast_select *ast)
{
    struct scope none = {.no_aggs = "in VALUES"};
    uint16_t width = ast->rows[0]->args_count;
    struct plan_node *node = node_new(b->arena, PLAN_VALUES, width, 0);

    node->values.rows_count = ast->rows_count;
    node->values.rows = ARENA_ARRAY(b->arena, const struct expr **, ast->rows_count);
    for (uint32_t r = 0; r < ast->rows_count && !b->failed; r++) {
        if (ast->rows[r]->args_count != width)
            return bind_error(b, ast->rows[r]->at, DIAG_SYNTAX, "this row has %u values, the first %u",
                              ast->rows[r]->args_count, width);
        node->values.rows[r] = ARENA_ARRAY(b->arena, const struct expr *, width);
        for (uint16_t i = 0; i < width && !b->failed; i++) {
            const struct expr *e = bind_expr(b, &none, ast->rows[r]->args[i]);
            node->values.rows[r][i] = e;
            if (!e)
                return NULL;
            const struct type *so_far = node->columns[i].type;
            const struct type *type = so_far ? type_common(b->arena, so_far, e->type) : e->type;
            if (!type)
                return bind_error(b, ast->rows[r]->args[i]->at, DIAG_TYPE, "%s does not go with %s above it",
                                  type_text(b->arena, e->type), type_text(b->arena, so_far));
            node->columns[i].type = type;
        }
    }
    for (uint16_t i = 0; i < width && !b->failed; i++) {
        node->columns[i].name = bytes_str(arena_printf(b->arena, "EXPR$%u", i));
        for (uint32_t r = 0; r < ast->rows_count && !b->failed; r++) {
            const struct expr *e = func_cast(b->arena, node->values.rows[r][i], node->columns[i].type,
                                             false, true, b->diag);
            if (!e)
                return bind_failed(b, ast->rows[r]->args[i]->at);
            node->values.rows[r][i] = e;
        }
    }
    return b->failed ? NULL : node;
}

/* ---- queries ---- */

enum { SORT_NONE = -1, SORT_BAD = -2 };

/* `l.n` is the item `n` that has no other name. */
static bool is_item(const struct ast_item *item, const struct ast_expr *e)
{
    const struct ast_expr *own = item->expr;

    if (bytes_equal(own->text, e->text))
        return true;
    return e->kind == AST_NAME && own->kind == AST_NAME && item->alias.len == 0 &&
           (e->parts_count == 1 || own->parts_count == 1) &&
           bytes_equal(own->parts[own->parts_count - 1], e->parts[e->parts_count - 1]);
}

/* The output column, of the first `count`, that an item of ORDER BY means: its ordinal, its name, or the same item. */
static int32_t sort_column(struct binder *b, const struct ast_query *query, const struct rel *rel, uint16_t count,
                           const struct ast_expr *e)
{
    int64_t ordinal;

    if (e->kind == AST_NUMBER && bytes_to_i64(e->name, &ordinal)) {
        if (ordinal >= 1 && ordinal <= count)
            return (int32_t)ordinal - 1;
        bind_error(b, e->at, DIAG_VALUE, "ORDER BY %lld: there are %u columns", (long long)ordinal, count);
        return SORT_BAD;
    }
    for (uint16_t i = 0; e->kind == AST_NAME && e->parts_count == 1 && i < count; i++) {
        if (bytes_equal(rel->node->columns[i].name, e->parts[0]))
            return i;
    }
    bool items = query->select->kind == SET_SELECT && query->select->items_count == count;
    for (uint16_t i = 0; items && i < count; i++) {
        if (is_item(&query->select->items[i], e))
            return i;
    }
    return SORT_NONE;
}

/* What ORDER BY wants and is no column of a SELECT becomes one. */
static struct ast_query *with_items(struct binder *b, const struct ast_query *query, const struct rel *rel,
                                    uint16_t *hidden)
{
    struct ast_query *out = ARENA_NEW(b->arena, struct ast_query);
    struct ast_select *select = ARENA_NEW(b->arena, struct ast_select);
    uint16_t n = query->select->items_count;

    *hidden = 0;
    *out = *query;
    *select = *query->select;
    select->items = ARENA_ARRAY(b->arena, struct ast_item, (size_t)n + query->order_count + 1);
    memcpy(select->items, query->select->items, n * sizeof(*select->items));
    for (uint16_t i = 0; i < query->order_count; i++) {
        if (sort_column(b, query, rel, rel->node->columns_count, query->order[i].expr) != SORT_NONE)
            continue;
        select->items[n + *hidden] = (struct ast_item){
            .expr = query->order[i].expr, .alias = bytes_str(arena_printf(b->arena, "$order%u", i))};
        ++*hidden;
    }
    select->items_count = (uint16_t)(n + *hidden);
    out->select = select;
    return out;
}

struct rel bind_ordered(struct binder *b, const struct ast_query *query, uint16_t *hidden)
{
    struct rel rel = bind_body(b, query);

    *hidden = 0;
    if (b->failed || query->select->kind != SET_SELECT || query->select->distinct)
        return rel;
    const struct ast_query *all = with_items(b, query, &rel, hidden);
    return *hidden && !b->failed ? bind_body(b, all) : rel;
}

struct plan_sort_key *bind_sorts(struct binder *b, const struct ast_query *query, const struct rel *rel,
                                 uint16_t hidden)
{
    struct plan_sort_key *keys = ARENA_ARRAY(b->arena, struct plan_sort_key, query->order_count + 1u);
    uint16_t shown = (uint16_t)(rel->node->columns_count - hidden), next = shown;

    for (uint16_t i = 0; i < query->order_count && !b->failed; i++) {
        const struct ast_sort *sort = &query->order[i];
        int32_t column = sort_column(b, query, rel, shown, sort->expr);
        if (column == SORT_NONE && next == rel->node->columns_count)
            return bind_error(b, sort->expr->at, DIAG_NAME, "ORDER BY: `%.*s` is not a column of the result",
                              BYTES_FMT(bytes_head(sort->expr->text, 60)));
        keys[i].column = column == SORT_NONE ? next++ : (uint16_t)column;
        keys[i].descending = sort->descending;
        keys[i].nulls_last = sort->nulls_given ? sort->nulls_last : sort->descending;
    }
    return b->failed ? NULL : keys;
}

/* The rows behind the first `skip` of a rank, and of its columns the first `count`. */
static struct plan_node *behind(struct binder *b, const struct ast_query *query, struct plan_node *rank,
                                uint16_t count)
{
    struct plan_node *calc = calc_new(b->arena, rank, count);

    for (uint16_t i = 0; i < count; i++)
        calc_set(calc, i, rank->columns[i].name, column_of(b->arena, rank, i));
    if (query->skip > 0)
        calc->calc.filter = bind_call(b, query->at, ">", column_of(b->arena, rank, (uint16_t)(rank->columns_count - 1)),
                                      expr_i64(b->arena, query->skip, type_simple(TYPE_BIGINT)));
    return b->failed ? NULL : calc;
}

/* ORDER BY and LIMIT of a query that is not the answer: a RANK. */
static struct plan_node *bind_limit(struct binder *b, const struct ast_query *query)
{
    uint16_t hidden = 0;
    struct rel rel = query->has_limit ? bind_ordered(b, query, &hidden) : bind_body(b, query);

    if (!b->failed && !query->has_limit && query->skip > 0)
        return bind_unsupported(b, query->at, "OFFSET without LIMIT in a query whose result is kept");
    if (b->failed || !query->has_limit)
        return rel.node; /* an order alone means nothing to what reads it */
    uint16_t n = rel.node->columns_count;
    bool skips = query->skip > 0;
    struct plan_node *node = node_over(b->arena, PLAN_RANK, rel.node, (uint16_t)(n + skips));
    node->rank.order = bind_sorts(b, query, &rel, hidden);
    node->rank.order_count = query->order_count;
    if (query->limit > INT64_MAX - 1 - query->skip)
        return bind_error(b, query->at, DIAG_VALUE, "LIMIT and OFFSET are too large");
    node->rank.limit = query->limit + query->skip;
    node->rank.emit_rank = skips;
    if (skips)
        node->columns[n] = (struct plan_column){
            BYTES_LITERAL("$rank"), type_not_null(b->arena, type_simple(TYPE_BIGINT), true), TIME_NONE};
    return b->failed || (!skips && !hidden) ? node : behind(b, query, node, (uint16_t)(n - hidden));
}

struct rel bind_body(struct binder *b, const struct ast_query *query)
{
    struct cte *outer = b->ctes;
    struct rel rel = {0};

    if (b->failed)
        return rel;
    if (++b->queries > BIND_QUERIES_MAX) {
        bind_error(b, query->at, DIAG_LIMIT, "more than %d sub-queries, views included", BIND_QUERIES_MAX);
        return rel;
    }
    for (uint16_t i = 0; i < query->with_count; i++) {
        struct cte *cte = ARENA_NEW(b->arena, struct cte);
        *cte = (struct cte){.outer = b->ctes, .name = query->with[i].name, .with = &query->with[i]};
        b->ctes = cte;
    }
    switch (query->select->kind) {
    case SET_SELECT:
        rel.node = bind_select(b, query->select);
        break;
    case SET_VALUES:
        rel.node = bind_values(b, query->select);
        break;
    case SET_UNION:
    case SET_INTERSECT:
    case SET_EXCEPT:
        rel.node = bind_set(b, query->select);
        break;
    }
    b->ctes = outer;
    if (!b->failed)
        rel.scope = scope_of(b, rel.node, BYTES_NONE);
    return rel;
}

struct rel bind_query(struct binder *b, const struct ast_query *query)
{
    struct rel rel = {.node = bind_limit(b, query)};

    if (!b->failed)
        rel.scope = scope_of(b, rel.node, BYTES_NONE);
    return rel;
}
