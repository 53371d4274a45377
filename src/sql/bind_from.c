/* FROM: tables with their computed columns and watermarks, views by their text, windows, joins. */
#include "sql/bind.h"

/* ---- tables ---- */

struct scope scope_of(struct binder *b, const struct plan_node *node, struct bytes table)
{
    struct scope scope = {0};

    scope.count = node->columns_count;
    scope.columns = ARENA_ARRAY(b->arena, struct scope_column, node->columns_count + 1u);
    for (uint16_t i = 0; i < node->columns_count; i++)
        scope.columns[i] = (struct scope_column){.name = node->columns[i].name, .table = table,
                                                 .type = node->columns[i].type,
                                                 .time = node->columns[i].time};
    return scope;
}

/* For every column of the table its expression over the scan's columns. Computed ones may use those
 * before them. */
static const struct expr **table_exprs(struct binder *b, const struct table *table,
                                       const int32_t *scan_columns)
{
    const struct expr **by = ARENA_ARRAY(b->arena, const struct expr *, table->columns_count);

    for (uint16_t i = 0; i < table->columns_count; i++) {
        const struct table_column *column = &table->columns[i];
        if (column->kind != COLUMN_COMPUTED)
            by[i] = expr_column(b->arena, (uint16_t)scan_columns[i], column->type);
    }
    for (uint16_t i = 0; i < table->columns_count; i++) {
        if (table->columns[i].kind == COLUMN_COMPUTED)
            by[i] = expr_replace(b->arena, table->columns[i].computed, by);
    }
    return by;
}

static struct plan_node *scan_node(struct binder *b, struct table *table,
                                   const struct ast_options *hints, int32_t *scan_columns)
{
    uint16_t count = 0;

    for (uint16_t i = 0; i < table->columns_count; i++)
        scan_columns[i] = table->columns[i].kind == COLUMN_COMPUTED ? -1 : count++;
    struct plan_node *scan = node_new(b->arena, PLAN_SCAN, count, 0);
    bind_retain(b, table);
    scan->scan.table = table;
    scan->scan.rowtime = -1;
    scan->scan.columns = ARENA_ARRAY(b->arena, struct plan_scan_column, count);
    for (uint16_t i = 0; i < table->columns_count; i++) {
        if (scan_columns[i] < 0)
            continue;
        const struct table_column *column = &table->columns[i];
        scan->scan.columns[scan_columns[i]] =
            (struct plan_scan_column){.table_column = i, .type = column->type};
        scan->columns[scan_columns[i]] =
            (struct plan_column){.name = column->name, .type = column->type};
    }
    if (hints && hints->count > 0) {
        struct table_option *options = ARENA_ARRAY(b->arena, struct table_option, hints->count);
        for (uint16_t i = 0; i < hints->count; i++)
            options[i] = (struct table_option){.key = bind_name(b, hints->items[i].key),
                                               .value = bind_name(b, hints->items[i].value)};
        scan->scan.hints = options;
        scan->scan.hints_count = hints->count;
    }
    return scan;
}

/* The scan, and a CALC that adds computed columns and puts all in the declared order. */
static struct plan_node *table_node(struct binder *b, struct table *table,
                                    const struct ast_options *hints)
{
    int32_t *scan_columns = ARENA_ARRAY(b->arena, int32_t, table->columns_count + 1u);
    struct plan_node *scan = scan_node(b, table, hints, scan_columns);
    const struct expr **by = table_exprs(b, table, scan_columns);

    if (table->watermark) {
        scan->scan.watermark = expr_replace(b->arena, table->watermark, by);
        int32_t rowtime = scan_columns[table->watermark_column];
        scan->scan.rowtime = rowtime;
        if (rowtime >= 0)
            scan->columns[rowtime].time = TIME_ROW;
    }
    struct plan_node *calc = calc_new(b->arena, scan, table->columns_count);
    for (uint16_t i = 0; i < table->columns_count; i++)
        calc_set(calc, i, table->columns[i].name, by[i]);
    if (table->watermark)
        calc->columns[table->watermark_column].time = TIME_ROW;
    return calc;
}

/* ---- views ---- */

static void rename_columns(struct binder *b, struct plan_node *node, const struct table *view)
{
    for (uint16_t i = 0; i < view->columns_count && i < node->columns_count; i++)
        node->columns[i].name = bind_name(b, view->columns[i].name);
}

/* The view's text is parsed again; its errors are errors of the view. */
static struct plan_node *view_node(struct binder *b, const struct token *at, struct table *view)
{
    struct script script;
    struct bytes outer_view = b->view;
    struct cte *outer_ctes = b->ctes;
    const struct scope *outer = b->outer;
    struct plan_node *node = NULL;

    if (b->view_depth >= BIND_VIEW_DEPTH_MAX)
        return bind_error(b, at, DIAG_LIMIT, "views stand on views more than %d deep",
                          BIND_VIEW_DEPTH_MAX);
    enum status st = sql_parse(arena_copy(b->arena, view->query_text), &script, b->diag);
    if (st != ST_OK)
        return bind_failed(b, at);
    b->view = view->name;
    b->view_depth++;
    b->ctes = NULL;
    b->outer = NULL; /* its text knows nothing of the query around */
    struct rel rel = bind_query(b, script.statements[0].ast->query);
    b->outer = outer;
    b->ctes = outer_ctes;
    b->view_depth--;
    b->view = outer_view;
    if (!b->failed) {
        node = calc_all(b->arena, rel.node);
        rename_columns(b, node, view);
    } else if (outer_view.len == 0 && b->diag && b->diag->line == 0) {
        b->diag->line = at->line;
        b->diag->column = at->column;
    }
    script_deinit(&script);
    return node;
}

static const struct cte *cte_find(const struct binder *b, struct bytes name)
{
    for (const struct cte *c = b->ctes; c; c = c->outer) {
        if (bytes_equal(c->name, name))
            return c;
    }
    return NULL;
}

static struct rel rel_of(struct binder *b, struct plan_node *node, struct bytes table)
{
    struct rel rel = {.node = node};

    if (!b->failed)
        rel.scope = scope_of(b, node, bind_name(b, table));
    return rel;
}

/* A WITH name sees only the names before it. */
static struct rel bind_cte(struct binder *b, const struct token *at, const struct cte *cte)
{
    struct cte *outer = b->ctes;

    if (b->view_depth >= BIND_VIEW_DEPTH_MAX) {
        bind_error(b, at, DIAG_LIMIT, "nested more than %d deep", BIND_VIEW_DEPTH_MAX);
        return (struct rel){0};
    }
    b->view_depth++;
    b->ctes = cte->outer;
    struct rel rel = bind_query(b, cte->with->query);
    b->ctes = outer;
    b->view_depth--;
    if (b->failed)
        return rel;
    if (cte->with->columns_count > 0) {
        if (cte->with->columns_count != rel.node->columns_count) {
            bind_error(b, at, DIAG_SYNTAX, "`%.*s` names %u columns, its query has %u",
                       BYTES_FMT(bytes_head(cte->name, 60)), cte->with->columns_count,
                       rel.node->columns_count);
            return rel;
        }
        rel.node = calc_all(b->arena, rel.node);
        for (uint16_t i = 0; i < cte->with->columns_count; i++)
            rel.node->columns[i].name = bind_name(b, cte->with->columns[i]);
    }
    return rel_of(b, rel.node, cte->name);
}

struct rel bind_table(struct binder *b, const struct token *at, struct bytes name,
                      const struct ast_options *hints)
{
    const struct cte *cte = cte_find(b, name);

    if (b->failed)
        return (struct rel){0};
    if (cte)
        return bind_cte(b, at, cte);
    struct table *table = catalog_find(b->catalog, name);
    if (!table) {
        bind_error(b, at, DIAG_NAME, "there is no table or view `%.*s`",
                   BYTES_FMT(bytes_head(name, 100)));
        catalog_hint(b->catalog, name, b->diag);
        return (struct rel){0};
    }
    if (table->kind == TABLE_VIEW)
        return rel_of(b, view_node(b, at, table), name);
    return rel_of(b, table_node(b, table, hints), name);
}

/* ---- windows ---- */

int64_t bind_interval(struct binder *b, const struct ast_expr *e)
{
    struct scope none = {.no_aggs = "in an interval"};
    const struct expr *value = bind_expr(b, &none, e);

    if (!value)
        return 0;
    if (value->kind != EXPR_LITERAL || value->is_null || value->type->kind != TYPE_INTERVAL_SECOND) {
        bind_error(b, e->at, DIAG_TYPE, "an interval of days to seconds is needed here");
        bind_hint(b, "such as INTERVAL '10' MINUTE");
        return 0;
    }
    return value->value.i64;
}

static bool window_sizes_fit(struct binder *b, const struct token *at, const struct plan_window *window)
{
    int64_t slide_us = window->slide_us, size_us = window->size_us;
    enum window_kind kind = window->kind;

    if (size_us <= 0 || slide_us <= 0)
        return bind_error(b, at, DIAG_VALUE, "sizes of windows must be positive"), false;
    if (kind == WINDOW_HOP && size_us % slide_us != 0) {
        bind_error(b, at, DIAG_VALUE, "the size of HOP must be a multiple of its slide");
        return false;
    }
    if (kind == WINDOW_CUMULATE && size_us % slide_us != 0) {
        bind_error(b, at, DIAG_VALUE, "the size of CUMULATE must be a multiple of its step");
        return false;
    }
    if (size_us / slide_us > BIND_WINDOWS_MAX) {
        bind_error(b, at, DIAG_LIMIT, "a row would be in more than %d windows", BIND_WINDOWS_MAX);
        return false;
    }
    return true;
}

/* Adds window_start, window_end and window_time to the input's columns. */
struct plan_node *bind_window(struct binder *b, const struct token *at, struct plan_node *input,
                              struct plan_window window)
{
    const struct plan_column *time = &input->columns[window.column];
    uint16_t n = input->columns_count;

    if (b->failed)
        return NULL;
    if (time->time == TIME_NONE) {
        bind_error(b, at, DIAG_TYPE,
                   "`%.*s` is not a time attribute: windows need one",
                   BYTES_FMT(bytes_head(time->name, 60)));
        bind_hint(b, "declare WATERMARK FOR it in CREATE TABLE, or use PROCTIME(); casts and "
                     "computations end a time attribute");
        return NULL;
    }
    if (window.kind == WINDOW_TUMBLE || window.kind == WINDOW_SESSION)
        window.slide_us = window.size_us;
    if (!window_sizes_fit(b, at, &window))
        return NULL;
    struct plan_node *node = node_over(b->arena, PLAN_WINDOW, input, (uint16_t)(n + 3));
    node->window = window;
    node->window.time = time->time;
    node->window.local = time->type->kind == TYPE_TIMESTAMP_LTZ;
    const struct type *edge = type_not_null(b->arena, type_make(b->arena, TYPE_TIMESTAMP, 3, 0), true);
    const struct type *attr =
        type_not_null(b->arena, type_make(b->arena, time->type->kind, 3, 0), true);
    node->columns[n] = (struct plan_column){BYTES_LITERAL("window_start"), edge, TIME_NONE};
    node->columns[n + 1] = (struct plan_column){BYTES_LITERAL("window_end"), edge, TIME_NONE};
    node->columns[n + 2] = (struct plan_column){BYTES_LITERAL("window_time"), attr, time->time};
    return node;
}

static struct rel bind_window_from(struct binder *b, const struct ast_from *from)
{
    struct rel input = bind_from(b, from->input);
    struct plan_window window = {.kind = from->window, .partition_count = from->partition_count};

    if (b->failed)
        return input;
    uint16_t *partition = ARENA_ARRAY(b->arena, uint16_t, from->partition_count + 1u);
    for (uint16_t i = 0; i < from->partition_count && !b->failed; i++) {
        const struct expr *e = bind_expr(b, &input.scope, from->partition[i]);
        if (e)
            CHECK(expr_is_column(e, &partition[i]));
    }
    window.partition = partition;
    const struct expr *time = bind_expr(b, &input.scope, from->time);
    window.size_us = bind_interval(b, from->size);
    window.slide_us = from->slide ? bind_interval(b, from->slide) : window.size_us;
    window.offset_us = from->offset ? bind_interval(b, from->offset) : 0;
    if (b->failed)
        return input;
    CHECK(expr_is_column(time, &window.column));
    return rel_of(b, bind_window(b, from->time->at, input.node, window), BYTES_NONE);
}

/* ---- joins ---- */

static struct rel from_rel(struct binder *b, const struct ast_from *from);

/* Names for EXPLAIN: those of the right that the left has too get a number. */
static void name_apart(struct binder *b, struct plan_node *node, uint16_t left)
{
    for (uint16_t i = left; i < node->columns_count; i++) {
        struct bytes name = node->columns[i].name;
        for (unsigned n = 0, k = 0; k < i; k++) {
            if (!bytes_equal(node->columns[k].name, node->columns[i].name))
                continue;
            node->columns[i].name = bytes_str(arena_printf(b->arena, "%.*s%u", BYTES_FMT(name), n++));
            k = 0;
        }
    }
}

/* The columns of both sides; those on the padded side may be NULL. */
static struct rel join_rel(struct binder *b, enum join_kind kind, const struct rel *left,
                           const struct rel *right)
{
    uint16_t n = left->node->columns_count, m = right->node->columns_count;
    struct rel rel = {0};

    if (n + m > BIND_COLUMNS_MAX) {
        bind_error(b, NULL, DIAG_LIMIT, "a join has more than %d columns", BIND_COLUMNS_MAX);
        return rel;
    }
    rel.node = node_new(b->arena, PLAN_JOIN, (uint16_t)(n + m), 2);
    rel.node->inputs[0].node = left->node;
    rel.node->inputs[1].node = right->node;
    rel.node->join.kind = kind;
    rel.scope.count = (uint16_t)(n + m);
    rel.scope.columns = ARENA_ARRAY(b->arena, struct scope_column, n + m + 1u);
    memcpy(rel.scope.columns, left->scope.columns, n * sizeof(struct scope_column));
    memcpy(rel.scope.columns + n, right->scope.columns, m * sizeof(struct scope_column));
    for (uint16_t i = 0; i < n + m; i++) {
        bool on_left = i < n;
        struct plan_column *column = &rel.node->columns[i];
        *column = on_left ? left->node->columns[i] : right->node->columns[i - n];
        bool padded = on_left ? kind == JOIN_RIGHT || kind == JOIN_FULL
                              : kind == JOIN_LEFT || kind == JOIN_FULL;
        if (padded)
            column->type = type_not_null(b->arena, column->type, false);
        if (column->time == TIME_ROW) /* a regular join may hold rows past the watermark */
            column->time = TIME_NONE;
        rel.scope.columns[i].type = column->type;
        rel.scope.columns[i].time = column->time;
    }
    name_apart(b, rel.node, n);
    return rel;
}

/* USING (a, b): equal columns, of which * shows the left's */
static const struct expr *bind_using(struct binder *b, const struct ast_from *from, struct rel *rel,
                                     uint16_t left_count)
{
    struct conjuncts list = {0};

    for (uint16_t c = 0; c < rel->scope.count; c++)
        rel->scope.columns[c].merged = 0; /* of a USING below */
    for (uint16_t i = 0; i < from->using_count; i++) {
        int32_t side[2] = {-1, -1};
        for (uint16_t c = 0; c < rel->scope.count; c++) {
            const struct scope_column *column = &rel->scope.columns[c];
            if (!column->hidden && bytes_equal(column->name, from->using_columns[i]))
                side[c >= left_count] = c;
        }
        if (side[0] < 0 || side[1] < 0)
            return bind_error(b, from->at, DIAG_NAME, "USING needs `%.*s` in both tables",
                              BYTES_FMT(bytes_head(from->using_columns[i], 60)));
        const struct expr *equal =
            bind_call(b, from->at, "=", column_of(b->arena, rel->node, (uint16_t)side[0]),
                      column_of(b->arena, rel->node, (uint16_t)side[1]));
        if (!equal)
            return NULL;
        conjuncts_add(b->arena, &list, equal);
        bool right = from->join == JOIN_RIGHT, full = from->join == JOIN_FULL;
        rel->scope.columns[side[right ? 0 : 1]].hidden = true;
        if (full)
            rel->scope.columns[side[0]].hidden = true;
        rel->scope.columns[side[right ? 1 : 0]].merged = full ? 0 : (uint16_t)(i + 1);
    }
    return conjuncts_and(b->arena, &list);
}

/* Of a FULL JOIN the column of USING is that of the side that is there: behind the others. */
static struct rel full_using(struct binder *b, const struct ast_from *from, struct rel join, uint16_t left_count)
{
    uint16_t n = join.scope.count;
    struct rel rel = {.node = calc_new(b->arena, join.node, (uint16_t)(n + from->using_count))};

    rel.scope = join.scope;
    rel.scope.columns = ARENA_ARRAY(b->arena, struct scope_column, n + from->using_count + 1u);
    memcpy(rel.scope.columns, join.scope.columns, n * sizeof(*rel.scope.columns));
    for (uint16_t i = 0; i < n; i++)
        calc_set(rel.node, i, join.node->columns[i].name, column_of(b->arena, join.node, i));
    for (uint16_t i = 0; i < from->using_count; i++) {
        const struct expr *side[2] = {NULL, NULL};
        for (uint16_t c = 0; c < n; c++) {
            if (join.scope.columns[c].hidden && bytes_equal(join.scope.columns[c].name, from->using_columns[i]))
                side[c >= left_count] = column_of(b->arena, join.node, c);
        }
        const struct expr *e = bind_call(b, from->at, "COALESCE", side[0], side[1]);
        if (!e)
            return rel;
        struct bytes name = bind_name(b, from->using_columns[i]);
        calc_set(rel.node, (uint16_t)(n + i), name, e);
        rel.scope.columns[n + i] = (struct scope_column){.name = name, .type = e->type, .merged = (uint16_t)(i + 1)};
    }
    rel.scope.count = (uint16_t)(n + from->using_count);
    return rel;
}

static struct rel bind_join(struct binder *b, const struct ast_from *from)
{
    struct rel left = bind_from(b, from->left);

    if (!b->failed && from->right->kind == FROM_UNNEST)
        return bind_unnest_join(b, from, &left);
    struct rel right = from_rel(b, from->right);

    if (b->failed)
        return left;
    for (uint16_t i = 0; i < left.scope.count; i++) { /* two tables of one name cannot be told apart */
        for (uint16_t j = 0; j < right.scope.count; j++) {
            if (left.scope.columns[i].table.len > 0 &&
                bytes_equal(left.scope.columns[i].table, right.scope.columns[j].table)) {
                bind_error(b, from->at, DIAG_NAME, "two tables are called `%.*s` here",
                           BYTES_FMT(bytes_head(left.scope.columns[i].table, 60)));
                bind_hint(b, "give one of them an alias");
                return left;
            }
        }
    }
    struct rel rel = join_rel(b, from->join, &left, &right);
    if (b->failed)
        return rel;
    ttl_hint(b->ttls, from->left, &rel.node->inputs[0]);
    ttl_hint(b->ttls, from->right, &rel.node->inputs[1]);
    rel.scope.no_aggs = "in ON";
    if (from->on)
        rel.node->join.condition = bind_condition(b, &rel.scope, from->on, "ON");
    else if (from->using_count > 0)
        rel.node->join.condition = bind_using(b, from, &rel, left.node->columns_count);
    rel.scope.no_aggs = NULL;
    if (!b->failed && from->using_count > 0 && from->join == JOIN_FULL && !from->right->as_of)
        return full_using(b, from, rel, left.node->columns_count);
    if (from->right->kind == FROM_TABLE && from->right->as_of)
        bind_temporal(b, from, &left, &rel);
    return rel;
}

/* ---- all ---- */

static void apply_alias(struct binder *b, const struct ast_from *from, struct rel *rel)
{
    if (b->failed || from->alias.len == 0)
        return;
    if (from->alias_columns_count > 0) {
        if (from->alias_columns_count != rel->node->columns_count) {
            bind_error(b, from->at, DIAG_SYNTAX, "%u names for %u columns",
                       from->alias_columns_count, rel->node->columns_count);
            return;
        }
        rel->node = calc_all(b->arena, rel->node);
        for (uint16_t i = 0; i < from->alias_columns_count; i++)
            rel->node->columns[i].name = bind_name(b, from->alias_columns[i]);
    }
    rel->scope = scope_of(b, rel->node, bind_name(b, from->alias));
}

static struct rel from_rel(struct binder *b, const struct ast_from *from)
{
    struct rel rel = {0};

    if (b->failed)
        return rel;
    switch (from->kind) {
    case FROM_TABLE:
        rel = bind_table(b, from->at, from->name, &from->hints);
        break;
    case FROM_QUERY:
        rel = bind_query(b, from->query);
        if (!b->failed)
            rel.scope = scope_of(b, rel.node, BYTES_NONE);
        break;
    case FROM_WINDOW:
        rel = bind_window_from(b, from);
        break;
    case FROM_JOIN:
        rel = bind_join(b, from);
        break;
    case FROM_MATCH: rel = bind_match(b, from); break;
    case FROM_UNNEST: { /* of no table */
        struct rel one = {.node = bind_one_row(b)};
        return bind_unnest(b, from, &one, false);
    }
    case FROM_VALUES:
        UNREACHABLE();
    }
    apply_alias(b, from, &rel);
    return rel;
}

struct rel bind_from(struct binder *b, const struct ast_from *from)
{
    if (!b->failed && from->kind == FROM_TABLE && from->as_of) {
        bind_error(b, from->as_of->at, DIAG_SYNTAX, "FOR SYSTEM_TIME AS OF is for the right side of a join");
        bind_hint(b, "FROM orders AS o JOIN rates FOR SYSTEM_TIME AS OF o.ts AS r ON o.currency = r.currency");
    }
    return from_rel(b, from);
}
