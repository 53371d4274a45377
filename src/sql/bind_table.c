/* CREATE TABLE, VIEW, MATERIALIZED TABLE, ALERT and FUNCTION, checked; the table that they make. */
#include "sql/bind.h"
#include "sql/parser.h"

static void copy_options(struct table *table, const struct ast_options *options)
{
    table->options = ARENA_ARRAY(&table->arena, struct table_option, options->count + 1u);
    table->options_count = options->count;
    for (uint16_t i = 0; i < options->count; i++)
        table->options[i] = (struct table_option){
            .key = arena_copy(&table->arena, options->items[i].key),
            .value = arena_copy(&table->arena, options->items[i].value)};
}

void bind_table_head(struct binder *b, const struct statement *statement, struct table *table)
{
    const struct ast *ast = statement->ast;

    table->name = arena_copy(&table->arena, statement->name);
    table->comment = arena_copy(&table->arena, ast->comment);
    table->temporary = statement->temporary;
    table->statement_text = arena_copy(&table->arena, statement->text);
    table->alert = statement->kind == STMT_CREATE_ALERT;
    table->kind = statement->kind == STMT_CREATE_TABLE  ? TABLE_CONNECTOR
                  : statement->kind == STMT_CREATE_VIEW ? TABLE_VIEW
                                                        : TABLE_MATERIALIZED;
    copy_options(table, &ast->options);
    for (uint16_t i = 0; i < ast->options.count; i++) {
        for (uint16_t k = 0; k < i; k++) {
            if (bytes_equal(ast->options.items[i].key, ast->options.items[k].key)) {
                bind_error(b, ast->options.items[i].at, DIAG_NAME, "the option '%.*s' is given twice",
                           BYTES_FMT(bytes_head(ast->options.items[i].key, 60)));
                return;
            }
        }
    }
}

static int32_t column_index(const struct table *table, struct bytes name)
{
    for (uint16_t i = 0; i < table->columns_count; i++) {
        if (bytes_equal(table->columns[i].name, name))
            return i;
    }
    return -1;
}

static void make_columns(struct binder *b, const struct ast *ast, struct table *table)
{
    table->columns = ARENA_ARRAY(&table->arena, struct table_column, ast->columns_count + 1u);
    for (uint16_t i = 0; i < ast->columns_count; i++) {
        const struct ast_column *from = &ast->columns[i];
        struct table_column *to = &table->columns[i];
        if (column_index(table, from->name) >= 0) {
            bind_error(b, from->at, DIAG_NAME, "the column `%.*s` is declared twice",
                       BYTES_FMT(bytes_head(from->name, 60)));
            return;
        }
        to->name = arena_copy(&table->arena, from->name);
        to->type = from->type ? type_copy(&table->arena, from->type) : NULL;
        to->kind = from->computed   ? COLUMN_COMPUTED
                   : from->metadata ? COLUMN_METADATA
                                    : COLUMN_PHYSICAL;
        to->is_virtual = from->is_virtual;
        to->metadata_key = arena_copy(&table->arena, from->metadata_key);
        to->comment = arena_copy(&table->arena, from->comment);
        if (from->computed)
            to->computed_text = arena_copy(&table->arena, from->computed->text);
        table->columns_count++;
    }
}

/* Columns without a type yet cannot be named. */
static struct scope table_scope(struct binder *b, const struct table *table)
{
    struct scope scope = {.count = table->columns_count, .no_aggs = "in a column of a table"};

    scope.columns = ARENA_ARRAY(b->arena, struct scope_column, table->columns_count + 1u);
    for (uint16_t i = 0; i < table->columns_count; i++) {
        if (table->columns[i].type)
            scope.columns[i] = (struct scope_column){.name = table->columns[i].name,
                                                     .table = table->name,
                                                     .type = table->columns[i].type};
    }
    return scope;
}

static void bind_computed(struct binder *b, const struct ast *ast, struct table *table)
{
    for (uint16_t i = 0; i < ast->columns_count && !b->failed; i++) {
        if (!ast->columns[i].computed)
            continue;
        struct scope scope = table_scope(b, table);
        const struct expr *e = bind_expr(b, &scope, ast->columns[i].computed);
        if (!e)
            return;
        table->columns[i].computed = e;
        table->columns[i].type = e->type;
    }
}

static void bind_watermark(struct binder *b, const struct ast *ast, struct table *table)
{
    int32_t column = column_index(table, ast->watermark_column);

    if (!ast->watermark || b->failed)
        return;
    if (column < 0) {
        bind_error(b, ast->watermark_at, DIAG_NAME, "the watermark is for `%.*s`, which is no column",
                   BYTES_FMT(bytes_head(ast->watermark_column, 60)));
        return;
    }
    const struct type *type = table->columns[column].type;
    if (!type_is_time_point(type->kind)) {
        bind_error(b, ast->watermark_at, DIAG_TYPE,
                   "the column of a watermark must be TIMESTAMP(3) or TIMESTAMP_LTZ(3), not %s",
                   type_text(b->arena, type));
        bind_hint(b, "make a computed column, such as `ts` AS TO_TIMESTAMP_LTZ(millis, 3), and the "
                     "watermark for that");
        return;
    }
    struct scope scope = table_scope(b, table);
    const struct expr *e = bind_expr(b, &scope, ast->watermark);
    if (!e)
        return;
    if (!type_is_time_point(e->type->kind)) {
        bind_error(b, ast->watermark->at, DIAG_TYPE, "a watermark must be a TIMESTAMP, not %s",
                   type_text(b->arena, e->type));
        return;
    }
    table->watermark = e;
    table->watermark_column = column;
    table->watermark_text = arena_copy(&table->arena, ast->watermark->text);
}

static void bind_primary_key(struct binder *b, const struct ast *ast, struct table *table)
{
    if (b->failed || ast->primary_key_count == 0)
        return;
    table->primary_key = ARENA_ARRAY(&table->arena, uint16_t, ast->primary_key_count);
    for (uint16_t i = 0; i < ast->primary_key_count; i++) {
        int32_t column = column_index(table, ast->primary_key[i]);
        if (column < 0 || table->columns[column].kind == COLUMN_COMPUTED) {
            bind_error(b, ast->primary_key_at, DIAG_NAME, "the primary key names `%.*s`, which is %s",
                       BYTES_FMT(bytes_head(ast->primary_key[i], 60)),
                       column < 0 ? "no column" : "computed");
            return;
        }
        table->primary_key[i] = (uint16_t)column;
        table->columns[column].type = type_not_null(&table->arena, table->columns[column].type, true);
    }
    table->primary_key_count = ast->primary_key_count;
}

/* Their values become names of folders. */
static bool names_folders(const struct type *type)
{
    return type_is_text(type->kind) || type_is_integer(type->kind) || type->kind == TYPE_BOOLEAN || type->kind == TYPE_DATE;
}

/* PARTITIONED BY; it means something for files alone. */
static void bind_partition(struct binder *b, const struct ast *ast, struct table *table)
{
    if (b->failed || !ast->partitioned_count || !bytes_is(table_option_get(table, "connector", ""), "filesystem"))
        return;
    table->partition = ARENA_ARRAY(&table->arena, uint16_t, ast->partitioned_count);
    for (uint16_t i = 0; i < ast->partitioned_count && !b->failed; i++) {
        int32_t column = column_index(table, ast->partitioned[i]);
        struct bytes name = bytes_head(ast->partitioned[i], 60);
        if (column < 0 || table->columns[column].kind != COLUMN_PHYSICAL || table_partitions_by(table, (uint16_t)column))
            bind_error(b, ast->name_at, DIAG_NAME, "PARTITIONED BY names `%.*s`, which is %s", BYTES_FMT(name),
                       column < 0 ? "no column"
                       : table->columns[column].kind != COLUMN_PHYSICAL ? "computed or metadata" : "there already");
        else if (!names_folders(table->columns[column].type))
            bind_unsupported(b, ast->name_at, "PARTITIONED BY a column of type %s",
                             type_text(b->arena, type_not_null(b->arena, table->columns[column].type, false)));
        else
            table->partition[table->partition_count++] = (uint16_t)column;
    }
    uint16_t physical = 0;
    for (uint16_t i = 0; i < table->columns_count; i++)
        physical = (uint16_t)(physical + (table->columns[i].kind == COLUMN_PHYSICAL));
    if (!b->failed && physical == table->partition_count)
        bind_error(b, ast->name_at, DIAG_SYNTAX, "PARTITIONED BY leaves no column for the files");
}

enum status bind_create_table(struct binder *b, const struct statement *statement,
                              struct table *table)
{
    const struct ast *ast = statement->ast;
    struct arena *plan_arena = b->arena;

    b->arena = &table->arena; /* its expressions live as long as it does */
    make_columns(b, ast, table);
    bind_primary_key(b, ast, table);
    bind_partition(b, ast, table);
    if (!b->failed)
        bind_computed(b, ast, table);
    bind_watermark(b, ast, table);
    b->arena = plan_arena;
    if (b->failed)
        return b->status;
    bool physical = false;
    for (uint16_t i = 0; i < table->columns_count; i++)
        physical |= table->columns[i].kind != COLUMN_COMPUTED;
    if (!physical)
        bind_error(b, ast->name_at, DIAG_SYNTAX, "a table needs a column that is not computed");
    else if (table_option_get(table, "connector", NULL).len == 0) {
        bind_error(b, ast->name_at, DIAG_VALUE, "the option 'connector' is missing");
        bind_hint(b, "WITH ('connector' = 'kafka', 'topic' = '…', 'format' = 'json'); for a kept result "
                     "use CREATE MATERIALIZED TABLE … AS SELECT");
    } else if (bytes_is(table_option_get(table, "connector", ""), "upsert-kafka") &&
               table->primary_key_count == 0) {
        bind_error(b, ast->name_at, DIAG_VALUE, "'upsert-kafka' needs PRIMARY KEY (…) NOT ENFORCED");
    }
    return b->failed ? b->status : ST_OK;
}

/* Columns of a view or materialized table: of the query, under the names given. */
static void query_columns(struct binder *b, const struct ast *ast, struct table *table,
                          const struct plan_node *query)
{
    uint16_t n = query->columns_count;

    if (ast->columns_count > 0 && ast->columns_count != n) {
        bind_error(b, ast->name_at, DIAG_SYNTAX, "%u names for the %u columns of the query",
                   ast->columns_count, n);
        return;
    }
    table->columns = ARENA_ARRAY(&table->arena, struct table_column, n + 1u);
    for (uint16_t i = 0; i < n; i++) {
        struct bytes name = ast->columns_count > 0 ? ast->columns[i].name : query->columns[i].name;
        if (column_index(table, name) >= 0) {
            bind_error(b, ast->columns_count > 0 ? ast->columns[i].at : ast->name_at, DIAG_NAME,
                       "the query has two columns named `%.*s`", BYTES_FMT(bytes_head(name, 60)));
            bind_hint(b, "give one of them another name with AS");
            return;
        }
        const struct type *type = query->columns[i].type;
        table->columns[i].name = arena_copy(&table->arena, name);
        table->columns[i].type = type_copy(&table->arena, type->kind == TYPE_NULL
                                                              ? type_simple(TYPE_VARCHAR)
                                                              : type);
        table->columns_count++;
    }
}

enum status bind_view(struct binder *b, const struct statement *statement, struct table *table)
{
    struct rel rel = bind_query(b, statement->ast->query);

    if (!b->failed)
        query_columns(b, statement->ast, table, rel.node);
    if (b->failed)
        return b->status;
    table->query_text = arena_copy(&table->arena, statement->ast->query->text);
    return ST_OK;
}

struct plan_node *bind_table_query(struct binder *b, const struct ast *ast, struct table *table,
                                   struct plan_node *query)
{
    query_columns(b, ast, table, query);
    if (b->failed)
        return NULL;
    table->query_text = arena_copy(&table->arena, ast->query->text);
    if (ast->watermark)
        return bind_unsupported(b, ast->watermark_at, "WATERMARK FOR in a materialized table");
    for (uint16_t i = 0; i < ast->columns_count; i++) {
        if (ast->columns[i].computed || ast->columns[i].metadata)
            return bind_unsupported(b, ast->columns[i].at,
                                    "a computed or metadata column of a materialized table");
    }
    struct plan_node *calc = calc_new(b->arena, query, query->columns_count);
    for (uint16_t i = 0; i < query->columns_count; i++) {
        const struct type *type = ast->columns_count > 0 && ast->columns[i].type
                                      ? ast->columns[i].type
                                      : table->columns[i].type;
        const struct expr *e = func_cast(b->arena, column_of(b->arena, query, i),
                                         type_copy(b->arena, type), false, true, b->diag);
        if (!e)
            return bind_failed(b, ast->columns_count > 0 ? ast->columns[i].at : ast->name_at);
        table->columns[i].type = type_copy(&table->arena, type);
        calc_set(calc, i, table->columns[i].name, e);
        if (query->columns[i].time == TIME_ROW)
            calc->columns[i].time = TIME_ROW;
    }
    bind_primary_key(b, ast, table);
    return b->failed ? NULL : calc;
}

/* ---- functions ---- */

struct known_class {
    const char *class_name, *builtin;
};

static const struct known_class classes[] = {
    {"com.github.nexmark.flink.udf.CountChar", "COUNT_CHAR"},
};

enum status sql_bind_function(const struct catalog *catalog, const struct statement *statement,
                              struct user_function *out, struct diag *diag)
{
    struct bytes name = statement->name, class_name = statement->ast->class_name;

    (void)catalog;
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (!bytes_is(class_name, classes[i].class_name))
            continue;
        *out = (struct user_function){.name = name, .class_name = class_name,
                                      .builtin = bytes_str(classes[i].builtin)};
        return ST_OK;
    }
    if (diag && diag->code == DIAG_NONE) {
        diag->line = statement->ast->name_at->line;
        diag->column = statement->ast->name_at->column;
    }
    diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
             "the class '%.*s' of the function `%.*s` has no built-in that stands for it",
             BYTES_FMT(bytes_head(class_name, 120)), BYTES_FMT(bytes_head(name, 60)));
    diag_hint(diag, "known is '%s'", classes[0].class_name);
    return ST_UNSUPPORTED;
}
