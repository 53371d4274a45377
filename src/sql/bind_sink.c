/* Where a query's rows go: INSERT INTO a table with its columns and casts, or the answer of a SELECT. */
#include "data/format/format.h"
#include "sql/bind.h"
#include "sql/parser.h"

/* ---- what connectors can do ---- */

static bool option_is(const struct table *table, const char *key, const char *value)
{
    return bytes_is_nocase(table_option_get(table, key, ""), value);
}

static struct bytes table_format(const struct table *table)
{
    struct bytes format = table_option_get(table, "format", NULL);

    return format.len > 0 ? format : table_option_get(table, "value.format", "");
}

bool sink_takes_updates(const struct table *table)
{
    if (table->kind == TABLE_MATERIALIZED || option_is(table, "connector", "print") ||
        option_is(table, "connector", "blackhole") || option_is(table, "connector", "upsert-kafka"))
        return true;
    if (option_is(table, "connector", "kafka") || option_is(table, "connector", "filesystem"))
        return format_has_changes(table_format(table));
    return true; /* a connector that is not known here decides when it starts */
}

/* Print shows every change; formats of changes carry the old row. */
bool sink_wants_before(const struct table *table)
{
    return table && table->kind == TABLE_CONNECTOR &&
           (option_is(table, "connector", "print") || format_has_changes(table_format(table)));
}

/* What a table's changelog contains when it is read. */
bool table_changelog(const struct table *table, const struct table_option *hints, uint16_t hints_count,
                     unsigned *changes)
{
    (void)hints;
    (void)hints_count;
    *changes = 0;
    if (table->kind == TABLE_MATERIALIZED)
        *changes = table->changes;
    else if (option_is(table, "connector", "upsert-kafka"))
        *changes = CHANGE_UPDATE | CHANGE_DELETE;
    else if (format_has_changes(table_format(table)))
        *changes = CHANGE_UPDATE | CHANGE_DELETE | CHANGE_UPDATE_BEFORE;
    return true;
}

bool scan_upserts(const struct plan_scan *scan)
{
    unsigned changes;

    table_changelog(scan->table, scan->hints, scan->hints_count, &changes);
    return !scan->asked && (changes & CHANGE_UPDATE) && !(changes & CHANGE_UPDATE_BEFORE);
}

/* ---- nodes ---- */

struct plan_node *bind_sink(struct binder *b, struct table *table, struct plan_node *input,
                            const uint16_t *columns)
{
    struct plan_node *sink = node_over(b->arena, PLAN_SINK, input, input->columns_count);
    uint16_t *to = ARENA_ARRAY(b->arena, uint16_t, input->columns_count + 1u);

    for (uint16_t i = 0; i < input->columns_count; i++)
        to[i] = columns ? columns[i] : i;
    if (table)
        bind_retain(b, table);
    sink->sink.table = table;
    sink->sink.columns = to;
    sink->sink.columns_count = input->columns_count;
    sink->sink.limit = -1;
    return sink;
}

struct plan_node *bind_answer(struct binder *b, const struct ast_query *query)
{
    uint16_t hidden;
    struct rel rel = bind_ordered(b, query, &hidden);

    if (b->failed)
        return NULL;
    struct plan_node *sink = bind_sink(b, NULL, calc_all(b->arena, rel.node), NULL);
    sink->sink.order = bind_sorts(b, query, &rel, hidden);
    sink->sink.hidden = hidden;
    sink->sink.order_count = query->order_count;
    sink->sink.limit = query->has_limit ? query->limit : -1;
    sink->sink.skip = query->skip;
    return b->failed ? NULL : sink;
}

/* ---- INSERT ---- */

static bool is_written(const struct table_column *column)
{
    return column->kind == COLUMN_PHYSICAL || (column->kind == COLUMN_METADATA && !column->is_virtual);
}

/* The table's columns that the query's columns are for, in order; NULL: failed. */
static uint16_t *insert_columns(struct binder *b, const struct ast_insert *insert,
                                const struct table *table, uint16_t *count)
{
    uint16_t *out = ARENA_ARRAY(b->arena, uint16_t, table->columns_count + insert->columns_count + 1u);

    *count = 0;
    for (uint16_t i = 0; i < table->columns_count && insert->columns_count == 0; i++) {
        if (is_written(&table->columns[i]))
            out[(*count)++] = i;
    }
    for (uint16_t k = 0; k < insert->columns_count; k++) {
        uint16_t i = 0;
        while (i < table->columns_count &&
               !bytes_equal(table->columns[i].name, insert->columns[k]))
            i++;
        if (i == table->columns_count)
            return bind_error(b, insert->table_at, DIAG_NAME, "`%.*s` has no column `%.*s`",
                              BYTES_FMT(bytes_head(insert->table, 60)),
                              BYTES_FMT(bytes_head(insert->columns[k], 60)));
        if (!is_written(&table->columns[i]))
            return bind_error(b, insert->table_at, DIAG_NAME, "the column `%.*s` is computed: it cannot be "
                                                              "written",
                              BYTES_FMT(bytes_head(insert->columns[k], 60)));
        for (uint16_t before = 0; before < *count; before++) {
            if (out[before] == i)
                return bind_error(b, insert->table_at, DIAG_NAME, "the column `%.*s` is named twice",
                                  BYTES_FMT(bytes_head(insert->columns[k], 60)));
        }
        out[(*count)++] = i;
    }
    return out;
}

/* Columns that the INSERT leaves out are NULL. */
static bool insert_covers(struct binder *b, const struct ast_insert *insert,
                          const struct table *table, const uint16_t *columns, uint16_t count)
{
    for (uint16_t i = 0; i < table->columns_count; i++) {
        bool given = !is_written(&table->columns[i]) || !table->columns[i].type->not_null;
        for (uint16_t k = 0; k < count && !given; k++)
            given = columns[k] == i;
        if (given)
            continue;
        bind_error(b, insert->table_at, DIAG_TYPE,
                   "column `%.*s` has no default value and does not allow NULLs",
                   BYTES_FMT(bytes_head(table->columns[i].name, 60)));
        bind_hint(b, "give it a value: INSERT INTO `%.*s` (…, `%.*s`)",
                  BYTES_FMT(bytes_head(table->name, 60)),
                  BYTES_FMT(bytes_head(table->columns[i].name, 60)));
        return false;
    }
    return true;
}

static void insert_rules(struct binder *b, struct plan_sink *sink)
{
    struct bytes nulls = bytes_str(settings_get(b->settings, "table.exec.sink.not-null-enforcer"));
    struct bytes lengths =
        bytes_str(settings_get(b->settings, "table.exec.sink.type-length-enforcer"));

    sink->nulls = bytes_is_nocase(nulls, "DROP") ? SINK_NULLS_DROP : SINK_NULLS_FAIL;
    sink->lengths = bytes_is_nocase(lengths, "TRIM_PAD") ? SINK_LENGTHS_FIT
                    : bytes_is_nocase(lengths, "ERROR")  ? SINK_LENGTHS_FAIL
                                                         : SINK_LENGTHS_PASS;
}

static const char *row_text(struct binder *b, const struct plan_column *columns, uint16_t count)
{
    const char *text = "[";

    for (uint16_t i = 0; i < count; i++)
        text = arena_printf(b->arena, "%s%s%.*s: %s", text, i ? ", " : "", BYTES_FMT(columns[i].name),
                            type_text(b->arena, columns[i].type));
    return arena_printf(b->arena, "%s]", text);
}

static struct plan_node *insert_casts(struct binder *b, const struct ast_insert *insert,
                                      const struct table *table, struct plan_node *query,
                                      const uint16_t *columns)
{
    struct plan_node *calc = calc_new(b->arena, query, query->columns_count);

    for (uint16_t i = 0; i < query->columns_count; i++) {
        const struct table_column *to = &table->columns[columns[i]];
        const struct expr *from = column_of(b->arena, query, i);
        const struct type *type = type_not_null(b->arena, to->type, from->type->not_null);
        const struct expr *e = func_cast(b->arena, from, type, false, true, NULL);
        if (!e) {
            bind_error(b, insert->table_at, DIAG_TYPE,
                       "column %u of the query, `%.*s`, is %s; `%.*s`.`%.*s` is %s", i + 1u,
                       BYTES_FMT(bytes_head(query->columns[i].name, 40)),
                       type_text(b->arena, from->type), BYTES_FMT(bytes_head(table->name, 40)),
                       BYTES_FMT(bytes_head(to->name, 40)), type_text(b->arena, to->type));
            bind_hint(b, "write CAST(… AS %s)", type_text(b->arena, to->type));
            return NULL;
        }
        calc_set(calc, i, to->name, e);
        calc->columns[i].time = query->columns[i].time;
    }
    return calc;
}

struct plan_node *bind_insert(struct binder *b, const struct ast_insert *insert)
{
    struct table *table = catalog_find(b->catalog, insert->table);
    uint16_t count = 0;

    if (!table) {
        bind_error(b, insert->table_at, DIAG_NAME, "there is no table `%.*s`",
                   BYTES_FMT(bytes_head(insert->table, 100)));
        catalog_hint(b->catalog, insert->table, b->diag);
        return NULL;
    }
    if (table->kind != TABLE_CONNECTOR)
        return bind_error(b, insert->table_at, DIAG_NAME, "`%.*s` is a %s: only its own query fills it",
                          BYTES_FMT(bytes_head(insert->table, 100)),
                          table->kind == TABLE_VIEW ? "view" : "materialized table");
    uint16_t *columns = insert_columns(b, insert, table, &count);
    if (!columns || !insert_covers(b, insert, table, columns, count))
        return NULL;
    struct rel rel = bind_query(b, insert->query);
    if (b->failed)
        return NULL;
    if (insert->query->order_count > 0 && !insert->query->has_limit)
        return bind_unsupported(b, insert->query->at, "ORDER BY without LIMIT in an INSERT");
    if (rel.node->columns_count != count) {
        bind_error(b, insert->table_at, DIAG_TYPE, "`%.*s` takes %u columns, the query gives %u",
                   BYTES_FMT(bytes_head(insert->table, 60)), count, rel.node->columns_count);
        bind_hint(b, "query %s", row_text(b, rel.node->columns, rel.node->columns_count));
        return NULL;
    }
    struct plan_node *calc = insert_casts(b, insert, table, rel.node, columns);
    if (b->failed)
        return NULL;
    struct plan_node *sink = bind_sink(b, table, calc, columns);
    insert_rules(b, &sink->sink);
    return sink;
}
