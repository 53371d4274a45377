/* Lookup joins on outside systems: which columns are asked by, which are asked for; the right becomes a scan of the
 * answers. What a view, a filter or a condition makes of the right is made of what is answered, above and in the
 * join's condition. */
#include "sql/bind.h"

struct asking {
    struct binder *b;
    const struct token *at;
    struct plan_node *join, *calc, *scan; /* join → calc → scan of the table */
    const struct expr **right;            /* for each column of the join its expression over left, then scan */
    uint16_t left_count;
    struct plan_lookup *lookup;
};

/* ---- by which columns ---- */

/* The scan's column that is join key k as it is. */
static bool key_column(const struct asking *a, uint16_t k, uint16_t *column)
{
    return expr_is_column(a->calc->calc.exprs[a->join->join.right_keys[k]], column);
}

static uint16_t table_column(const struct asking *a, uint16_t scan_column)
{
    return a->scan->scan.columns[scan_column].table_column;
}

static bool may_ask_by(const struct table *table, uint16_t column)
{
    for (uint16_t i = 0; i < table->primary_key_count && table->lookup->by_primary_key; i++)
        if (table->primary_key[i] == column)
            return true;
    return !table->lookup->by_primary_key && table->columns[column].kind == COLUMN_PHYSICAL;
}

/* A value of the left is a value of the column, and is written and read as the same one. */
static bool same_values(const struct type *left, const struct type *column)
{
    enum type_kind kind = column->kind;

    if (type_is_text(kind))
        return type_is_text(left->kind);
    if (kind != left->kind || kind == TYPE_FLOAT || kind == TYPE_DOUBLE || kind >= TYPE_INTERVAL_MONTH)
        return false;
    bool sized = kind == TYPE_DECIMAL || kind == TYPE_TIME || type_is_time_point(kind);
    return !sized || (left->precision == column->precision && left->scale == column->scale);
}

static bool may_be_key(const struct asking *a, uint16_t k, uint16_t column)
{
    const struct table *table = a->lookup->table;
    const struct type *left = a->join->inputs[0].node->columns[a->join->join.left_keys[k]].type;

    return may_ask_by(table, column) && same_values(left, table->columns[column].type);
}

static bool asked_by_already(const struct plan_lookup *lookup, uint16_t column)
{
    for (uint16_t i = 0; i < lookup->keys_count; i++)
        if (lookup->keys[i] == column)
            return true;
    return false;
}

static void refuse_keys(const struct asking *a)
{
    const struct table *table = a->lookup->table;
    const char *names = "";

    for (uint16_t k = 0; k < table->primary_key_count; k++)
        names = arena_printf(a->b->arena, "%s%s`%.*s`", names, k ? ", " : "",
                             BYTES_FMT(bytes_head(table->columns[table->primary_key[k]].name, 60)));
    bind_error(a->b, a->at, DIAG_TYPE, "`%.*s` is looked up by %s: ON must equate %s with values of the same type",
               BYTES_FMT(bytes_head(table->name, 60)),
               table->lookup->by_primary_key ? "its whole primary key" : "columns as they are",
               table->lookup->by_primary_key ? names : "at least one of them");
    bind_hint(a->b, "where the types differ, CAST the other side to that of `%.*s`",
              BYTES_FMT(bytes_head(table->name, 60)));
}

/* The keys that are asked by; the other pairs are a part of the condition. */
static bool choose_keys(struct asking *a, struct conjuncts *rest)
{
    const struct plan_join *j = &a->join->join;
    struct plan_lookup *l = a->lookup;
    uint16_t *keys = ARENA_ARRAY(a->b->arena, uint16_t, j->keys_count + 1u);
    uint16_t *left = ARENA_ARRAY(a->b->arena, uint16_t, j->keys_count + 1u), column;
    uint16_t *right = ARENA_ARRAY(a->b->arena, uint16_t, j->keys_count + 1u);

    l->keys = keys;
    for (uint16_t k = 0; k < j->keys_count; k++) {
        if (key_column(a, k, &column) && may_be_key(a, k, table_column(a, column)) &&
            !asked_by_already(l, table_column(a, column))) {
            left[l->keys_count] = j->left_keys[k];
            right[l->keys_count] = l->keys_count;
            keys[l->keys_count++] = table_column(a, column);
            continue;
        }
        const struct expr *mine = column_of(a->b->arena, a->join, j->left_keys[k]);
        const struct expr *equal =
            bind_call(a->b, a->at, "=", mine, a->right[a->left_count + j->right_keys[k]]);
        if (!equal)
            return false;
        conjuncts_add(a->b->arena, rest, equal);
    }
    a->join->join.left_keys = left;
    a->join->join.right_keys = right;
    a->join->join.keys_count = l->keys_count;
    bool whole = !l->table->lookup->by_primary_key || l->keys_count == l->table->primary_key_count;
    if (!l->keys_count || !whole)
        refuse_keys(a);
    return !a->b->failed;
}

static bool has_primary_key(const struct plan_lookup *l)
{
    const struct table *table = l->table;

    for (uint16_t i = 0; i < table->primary_key_count; i++)
        if (!asked_by_already(l, table->primary_key[i]))
            return false;
    return table->primary_key_count > 0;
}

/* ---- for which columns ---- */

/* The join's columns over its left's, then the scan's. */
static void express_right(struct asking *a)
{
    struct arena *arena = a->b->arena;
    uint16_t n = a->left_count, scanned = a->scan->columns_count;
    int32_t *map = ARENA_ARRAY(arena, int32_t, scanned + 1u);

    for (uint16_t i = 0; i < scanned; i++)
        map[i] = n + i;
    a->right = ARENA_ARRAY(arena, const struct expr *, n + a->calc->columns_count + 1u);
    for (uint16_t i = 0; i < n; i++)
        a->right[i] = column_of(arena, a->join, i);
    for (uint16_t i = 0; i < a->calc->columns_count; i++)
        a->right[n + i] = expr_map(arena, a->calc->calc.exprs[i], map);
}

static bool check_columns(struct asking *a)
{
    const struct table *table = a->scan->scan.table;
    uint16_t column;

    for (uint16_t i = 0; i < a->scan->columns_count; i++) {
        if (table->columns[table_column(a, i)].kind != COLUMN_METADATA)
            continue;
        bind_unsupported(a->b, a->at, "looking up `%.*s`, which is METADATA,",
                         BYTES_FMT(bytes_head(a->scan->columns[i].name, 60)));
        return false;
    }
    for (uint16_t i = 0; i < a->calc->columns_count && a->join->join.kind == JOIN_LEFT; i++) {
        if (expr_is_column(a->calc->calc.exprs[i], &column))
            continue;
        bind_unsupported(a->b, a->at, "a LEFT lookup join on a computed column of `%.*s`",
                         BYTES_FMT(bytes_head(table->name, 60)));
        bind_hint(a->b, "compute it in SELECT");
        return false;
    }
    return true;
}

static const struct type *asked_row(const struct asking *a)
{
    uint16_t count = a->scan->columns_count;
    struct type_field *fields = ARENA_ARRAY(a->b->arena, struct type_field, count + 1u);

    for (uint16_t i = 0; i < count; i++)
        fields[i] = (struct type_field){.name = a->scan->columns[i].name, .type = a->scan->columns[i].type};
    return type_row(a->b->arena, fields, count);
}

static struct plan_node *answers_scan(const struct asking *a)
{
    const struct plan_lookup *l = a->lookup;
    const struct type *const types[] = {[LOOKUP_ASKED] = type_simple(TYPE_BIGINT), [LOOKUP_KIND] = type_simple(TYPE_INT),
                                        [LOOKUP_ROWS] = type_list(a->b->arena, TYPE_ARRAY, l->row, NULL)};
    static const char *const names[] = {[LOOKUP_ASKED] = "$asked", [LOOKUP_KIND] = "$kind", [LOOKUP_ROWS] = "$rows"};
    struct plan_node *node =
        node_new(a->b->arena, PLAN_SCAN, (uint16_t)(l->keys_count + LOOKUP_ANSWER_COLUMNS), 0);

    node->scan = (struct plan_scan){.table = l->table, .rowtime = -1, .asked = true, .lookup = l};
    node->scan.columns = ARENA_ARRAY(a->b->arena, struct plan_scan_column, node->columns_count);
    for (uint16_t k = 0; k < l->keys_count; k++)
        node->columns[k] = (struct plan_column){.name = l->table->columns[l->keys[k]].name,
                                                .type = l->table->columns[l->keys[k]].type};
    for (uint16_t i = 0; i < LOOKUP_ANSWER_COLUMNS; i++)
        node->columns[l->keys_count + i] = (struct plan_column){.name = bytes_str(names[i]), .type = types[i]};
    for (uint16_t i = 0; i < node->columns_count; i++)
        node->scan.columns[i] = (struct plan_scan_column){.table_column = i, .type = node->columns[i].type};
    return node;
}

/* ---- the join ---- */

/* The join's columns are the left's and those that are asked for; above it what they were before. */
static struct plan_node *rebuilt(struct asking *a, const struct plan_node *before)
{
    struct arena *arena = a->b->arena;
    uint16_t n = a->left_count, scanned = a->scan->columns_count;
    struct plan_node *join = node_new(arena, PLAN_LOOKUP_JOIN, (uint16_t)(n + scanned), 2);

    memcpy(join->columns, before->columns, n * sizeof(*join->columns));
    for (uint16_t i = 0; i < scanned; i++)
        join->columns[n + i] = (struct plan_column){.name = a->scan->columns[i].name, .type = a->scan->columns[i].type};
    join->inputs[0].node = before->inputs[0].node;
    join->inputs[1].node = answers_scan(a);
    join->join = a->join->join;
    join->join.lookup = a->lookup;
    join->join.right_unique = has_primary_key(a->lookup);
    struct plan_node *calc = calc_new(arena, join, before->columns_count);
    for (uint16_t i = 0; i < before->columns_count; i++) {
        calc_set(calc, i, before->columns[i].name, a->right[i]);
        calc->columns[i].time = before->columns[i].time;
    }
    return calc;
}

static bool condition(struct asking *a, struct conjuncts *all)
{
    struct arena *arena = a->b->arena;
    int32_t *map = ARENA_ARRAY(arena, int32_t, a->scan->columns_count + 1u);

    for (uint16_t i = 0; i < a->scan->columns_count; i++)
        map[i] = a->left_count + i;
    if (a->join->join.condition)
        conjuncts_add(arena, all, expr_replace(arena, a->join->join.condition, a->right));
    if (a->calc->calc.filter)
        conjuncts_add(arena, all, expr_map(arena, a->calc->calc.filter, map));
    if (!choose_keys(a, all))
        return false;
    a->join->join.condition = conjuncts_and(arena, all);
    return true;
}

static void ask(struct asking *a, uint32_t index, struct plan_node **out)
{
    struct plan_node before = *a->join;
    struct conjuncts all = {0};
    uint16_t *columns = ARENA_ARRAY(a->b->arena, uint16_t, a->scan->columns_count + 1u);

    a->left_count = a->join->inputs[0].node->columns_count;
    for (uint16_t i = 0; i < a->scan->columns_count; i++)
        columns[i] = table_column(a, i);
    a->lookup = ARENA_NEW(a->b->arena, struct plan_lookup);
    *a->lookup = (struct plan_lookup){.table = a->scan->scan.table, .index = index, .columns = columns,
                                      .columns_count = a->scan->columns_count, .row = asked_row(a)};
    if (before.join.hint)
        a->lookup->hint = *before.join.hint;
    express_right(a);
    if (check_columns(a) && condition(a, &all))
        *out = rebuilt(a, &before);
}

static bool asks(const struct plan_node *node)
{
    const struct plan_node *calc = node->kind == PLAN_LOOKUP_JOIN ? node->inputs[1].node : NULL;

    return calc && calc->kind == PLAN_CALC && calc->inputs[0].node->kind == PLAN_SCAN &&
           calc->inputs[0].node->scan.asked && !calc->inputs[0].node->scan.lookup;
}

static struct plan_node *rewrite(struct binder *b, struct plan_node *node, const struct token *at, uint32_t *count)
{
    for (uint16_t i = 0; i < node->inputs_count && !b->failed; i++)
        node->inputs[i].node = rewrite(b, node->inputs[i].node, at, count);
    if (b->failed || !asks(node))
        return node;
    struct plan_node *calc = node->inputs[1].node, *out = node;
    struct asking a = {.b = b, .at = at, .join = node, .calc = calc, .scan = calc->inputs[0].node};
    ask(&a, (*count)++, &out);
    return out;
}

bool opt_lookups(struct binder *b, struct plan_node **roots, const struct token **at, uint16_t count)
{
    uint32_t lookups = 0;

    for (uint16_t i = 0; i < count && !b->failed; i++)
        roots[i] = rewrite(b, roots[i], at[i], &lookups);
    return !b->failed;
}
