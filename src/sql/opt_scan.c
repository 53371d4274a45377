/* Scans: one for all readers of a table, with only the columns, and of ROWs only the fields, that some
 * reader uses; and the watermark only where something waits for it. */
#include "sql/bind.h"

/* What is used of one scanned column. */
struct used_column {
    bool any, whole;
    uint8_t *fields;
};

struct reader {
    struct plan_node *calc;
    struct plan_node *scan;
};

struct readers {
    struct reader *items;
    uint32_t count, cap;
    bool event_time;
    struct arena *arena;
};

static bool asks_watermark(const struct expr *e)
{
    if (!e)
        return false;
    if (expr_is_func(e, "CURRENT_WATERMARK"))
        return true;
    for (uint16_t i = 0; i < e->args_count; i++) {
        if (asks_watermark(e->args[i]))
            return true;
    }
    return false;
}

static bool waits_for_time(const struct plan_node *node)
{
    switch (node->kind) {
    case PLAN_WINDOW:
        return node->window.time == TIME_ROW;
    case PLAN_OVER:
        return node->over.time == TIME_ROW;
    case PLAN_MATCH: return node->match.time == TIME_ROW;
    case PLAN_WINDOW_AGG:
        return node->window_agg.window.time == TIME_ROW;
    case PLAN_JOIN:
        return node->join.bounded;
    case PLAN_WINDOW_JOIN:
    case PLAN_TEMPORAL_JOIN:
        return true;
    case PLAN_CALC:
        for (uint16_t i = 0; i < node->columns_count; i++) {
            if (asks_watermark(node->calc.exprs[i]))
                return true;
        }
        return asks_watermark(node->calc.filter);
    default:
        return false;
    }
}

static void collect(struct readers *all, struct plan_node *node)
{
    all->event_time |= waits_for_time(node);
    for (uint16_t i = 0; i < node->inputs_count; i++) {
        struct plan_node *input = node->inputs[i].node;
        if (input->kind == PLAN_SCAN) {
            CHECK(node->kind == PLAN_CALC);
            if (all->count == all->cap) {
                all->cap = all->cap ? all->cap * 2 : 8;
                struct reader *grown = ARENA_ARRAY(all->arena, struct reader, all->cap);
                if (all->count > 0)
                    memcpy(grown, all->items, all->count * sizeof(*grown));
                all->items = grown;
            }
            all->items[all->count++] = (struct reader){node, input};
        } else {
            collect(all, input);
        }
    }
}

static bool same_source(const struct plan_scan *a, const struct plan_scan *b)
{
    if (a == b)
        return true;
    if (a->asked || b->asked) /* each lookup asks for its own */
        return false;
    if (a->table != b->table || a->first != b->first || a->hints_count != b->hints_count)
        return false;
    for (uint16_t i = 0; i < a->hints_count; i++) {
        if (!bytes_equal(a->hints[i].key, b->hints[i].key) ||
            !bytes_equal(a->hints[i].value, b->hints[i].value))
            return false;
    }
    return true;
}

static void mark(struct arena *arena, const struct expr *e, struct used_column *used)
{
    if (!e)
        return;
    if (e->kind == EXPR_FIELD && e->args[0]->kind == EXPR_COLUMN) {
        struct used_column *u = &used[e->args[0]->index];
        u->any = true;
        if (!u->fields)
            u->fields = ARENA_ARRAY(arena, uint8_t, e->args[0]->type->fields_count);
        u->fields[e->index] = 1;
        return;
    }
    if (e->kind == EXPR_COLUMN)
        used[e->index].any = used[e->index].whole = true;
    for (uint16_t i = 0; i < e->args_count; i++)
        mark(arena, e->args[i], used);
}

/* Where each column and field has gone. */
struct moved {
    int32_t *columns;
    const struct type **types;
    int32_t **fields; /* NULL: the whole column */
};

static const struct type *keep_fields(struct arena *arena, const struct type *type,
                                      const uint8_t *keep, int32_t *map)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, type->fields_count);
    uint16_t n = 0;

    for (uint16_t i = 0; i < type->fields_count; i++) {
        map[i] = keep[i] ? n : -1;
        if (keep[i])
            fields[n++] = type->fields[i];
    }
    return type_not_null(arena, type_row(arena, fields, n), type->not_null);
}

static const struct expr *relocate(struct arena *arena, const struct expr *e, const struct moved *to)
{
    if (!e)
        return NULL;
    if (e->kind == EXPR_COLUMN)
        return expr_column(arena, (uint16_t)to->columns[e->index], e->type);
    if (e->kind == EXPR_FIELD && e->args[0]->kind == EXPR_COLUMN && to->fields[e->args[0]->index]) {
        uint16_t c = e->args[0]->index;
        const struct expr *row = expr_column(arena, (uint16_t)to->columns[c], to->types[c]);
        return expr_field(arena, row, (uint16_t)to->fields[c][e->index]);
    }
    if (e->args_count == 0)
        return e;
    struct expr *copy = ARENA_NEW(arena, struct expr);
    *copy = *e;
    copy->args = ARENA_ARRAY(arena, const struct expr *, e->args_count);
    for (uint16_t i = 0; i < e->args_count; i++)
        copy->args[i] = relocate(arena, e->args[i], to);
    return copy;
}

static struct plan_node *narrow(struct arena *arena, const struct plan_node *scan,
                                struct used_column *used, bool watermark, struct moved *to)
{
    uint16_t count = scan->columns_count, n = 0;
    struct plan_node *out = node_new(arena, PLAN_SCAN, count, 0);

    bool any = false;
    for (uint16_t i = 0; i < count; i++)
        any |= used[i].any;
    if (!any && count > 0)
        used[0].any = used[0].whole = true;
    out->scan = scan->scan;
    out->scan.columns = ARENA_ARRAY(arena, struct plan_scan_column, count + 1u);
    to->columns = ARENA_ARRAY(arena, int32_t, count + 1u);
    to->types = ARENA_ARRAY(arena, const struct type *, count + 1u);
    to->fields = ARENA_ARRAY(arena, int32_t *, count + 1u);
    for (uint16_t i = 0; i < count; i++) {
        to->columns[i] = used[i].any ? n : -1;
        if (!used[i].any)
            continue;
        const struct type *type = scan->columns[i].type;
        if (!used[i].whole) {
            to->fields[i] = ARENA_ARRAY(arena, int32_t, type->fields_count);
            type = keep_fields(arena, type, used[i].fields, to->fields[i]);
        }
        to->types[i] = type;
        out->columns[n] = scan->columns[i];
        out->columns[n].type = type;
        out->scan.columns[n] = scan->scan.columns[i];
        out->scan.columns[n++].type = type;
    }
    out->columns_count = n;
    out->scan.rowtime = scan->scan.rowtime >= 0 ? to->columns[scan->scan.rowtime] : -1;
    out->scan.watermark = watermark ? relocate(arena, scan->scan.watermark, to) : NULL;
    return out;
}

/* The scan's columns of the table's primary key; false: not all are scanned. */
static bool key_columns(const struct plan_node *scan, uint16_t *keys)
{
    const struct table *table = scan->scan.table;

    for (uint16_t k = 0; k < table->primary_key_count; k++) {
        uint16_t i = 0;
        while (i < scan->columns_count && scan->scan.columns[i].table_column != table->primary_key[k])
            i++;
        if (i == scan->columns_count)
            return false;
        keys[k] = i;
    }
    return true;
}

/* Upserts get a node that keeps the last row of each key. */
static struct plan_node *normalized(struct arena *arena, struct plan_node *scan)
{
    uint16_t count = scan->scan.table->primary_key_count;
    uint16_t *keys = ARENA_ARRAY(arena, uint16_t, count + 1u);

    if (!scan_upserts(&scan->scan) || !key_columns(scan, keys))
        return scan;
    struct plan_node *node = node_over(arena, PLAN_NORMALIZE, scan, scan->columns_count);
    node->normalize.keys = keys;
    node->normalize.keys_count = count;
    return node;
}

static void rewrite_source(struct readers *all, uint32_t first, bool *done)
{
    struct arena *arena = all->arena;
    struct plan_node *scan = all->items[first].scan;
    struct used_column *used = ARENA_ARRAY(arena, struct used_column, scan->columns_count + 1u);
    bool watermark = all->event_time && scan->scan.watermark;
    struct moved to = {0};

    if (watermark)
        mark(arena, scan->scan.watermark, used);
    uint16_t *keys = ARENA_ARRAY(arena, uint16_t, scan->scan.table->primary_key_count + 1u);
    if (scan_upserts(&scan->scan) && key_columns(scan, keys)) {
        for (uint16_t k = 0; k < scan->scan.table->primary_key_count; k++)
            used[keys[k]].any = used[keys[k]].whole = true;
    }
    for (uint32_t i = first; i < all->count; i++) {
        struct plan_node *calc = all->items[i].calc;
        if (!same_source(&scan->scan, &all->items[i].scan->scan))
            continue;
        mark(arena, calc->calc.filter, used);
        for (uint16_t k = 0; k < calc->columns_count; k++)
            mark(arena, calc->calc.exprs[k], used);
    }
    struct plan_node *narrowed = normalized(arena, narrow(arena, scan, used, watermark, &to));
    for (uint32_t i = first; i < all->count; i++) {
        struct plan_node *calc = all->items[i].calc;
        if (!same_source(&scan->scan, &all->items[i].scan->scan))
            continue;
        calc->calc.filter = relocate(arena, calc->calc.filter, &to);
        for (uint16_t k = 0; k < calc->columns_count; k++)
            calc->calc.exprs[k] = relocate(arena, calc->calc.exprs[k], &to);
        calc->inputs[0].node = narrowed;
        done[i] = true;
    }
}

void opt_scans(struct plan *plan, struct plan_node **roots, uint16_t count)
{
    struct readers all = {.arena = &plan->arena};

    for (uint16_t i = 0; i < count; i++)
        collect(&all, roots[i]);
    bool *done = ARENA_ARRAY(&plan->arena, bool, all.count + 1u);
    for (uint32_t i = 0; i < all.count; i++) {
        if (!done[i])
            rewrite_source(&all, i, done);
    }
}
