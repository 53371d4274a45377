/* listing.c: rows of text, made a line at a time. */
#include "flow/listing.h"

#include <stdlib.h>

#include "base/check.h"
#include "data/builder.h"
#include "data/func.h"
#include "flow/outside.h"
#include "sql/ast.h"
#include "sql/lexer.h"

struct lister {
    struct engine_result *out;
    uint16_t columns;
    struct chunk_builder builder;
    struct chunk *chunks;
    uint32_t chunks_count;
};

static void lister_flush(struct lister *l)
{
    struct engine_result *out = l->out;
    struct chunk *more = ARENA_ARRAY(&out->arena, struct chunk, out->chunks_count + 1);
    if (out->chunks_count)
        memcpy(more, out->chunks, out->chunks_count * sizeof(*more));
    more[out->chunks_count++] = chunk_builder_done(&l->builder);
    out->chunks = more;
    out->rows += l->builder.rows;
}

static void lister_fresh(struct lister *l)
{
    chunk_builder_init_schema(&l->builder, &l->out->arena, &l->out->schema, CHUNK_ROWS);
    chunk_builder_own_text(&l->builder, true);
}

static void lister_open(struct lister *l, struct engine_result *out, const char *const *names,
                        uint16_t count)
{
    struct type_field *fields = ARENA_ARRAY(&out->arena, struct type_field, count);
    for (uint16_t i = 0; i < count; i++) {
        fields[i].name = bytes_str(names[i]);
        fields[i].type = type_simple(TYPE_VARCHAR);
    }
    out->schema = (struct schema){count, fields};
    *l = (struct lister){.out = out, .columns = count};
    lister_fresh(l);
}

/* texts[i].ptr NULL: null. */
static void lister_row(struct lister *l, const struct bytes *texts)
{
    if (chunk_builder_full(&l->builder)) {
        lister_flush(l);
        lister_fresh(l);
    }
    for (uint16_t i = 0; i < l->columns; i++) {
        if (texts[i].ptr)
            column_put_text(&l->builder.cols[i], texts[i]);
        else
            column_put_null(&l->builder.cols[i]);
    }
    chunk_builder_row(&l->builder, ROW_INSERT);
}

void listing_text(struct engine_result *out, const char *column, const char *text)
{
    struct lister l;
    lister_open(&l, out, &column, 1);
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, "\n");
        struct bytes line = bytes_of(at, len);
        lister_row(&l, &line);
        at += len + (at[len] == '\n');
    }
    lister_flush(&l);
}

void listing_settings(const struct settings *settings, struct engine_result *out)
{
    static const char *const names[] = {"key", "value", "default"};
    struct lister l;
    const char *key, *otherwise, *help;
    lister_open(&l, out, names, 3);
    for (unsigned i = 0; settings_info(i, &key, &otherwise, &help); i++) {
        struct bytes row[] = {bytes_str(key), bytes_str(settings_get(settings, key)),
                              bytes_str(otherwise)};
        lister_row(&l, row);
    }
    lister_flush(&l);
}

/* ---- DESCRIBE ---- */

static bool in_key(const struct table *table, uint16_t column)
{
    for (uint16_t i = 0; i < table->primary_key_count; i++)
        if (table->primary_key[i] == column)
            return true;
    return false;
}

static void describe_table(const struct table *table, struct engine_result *out)
{
    static const char *const names[] = {"name", "type", "null", "key", "extras", "watermark"};
    struct arena *arena = &out->arena;
    struct lister l;
    lister_open(&l, out, names, 6);
    for (uint16_t i = 0; i < table->columns_count; i++) {
        const struct table_column *c = &table->columns[i];
        const char *extras = NULL;
        if (c->kind == COLUMN_COMPUTED)
            extras = arena_printf(arena, "AS %.*s", BYTES_FMT(c->computed_text));
        else if (c->kind == COLUMN_METADATA)
            extras = arena_printf(arena, "METADATA FROM '%.*s'%s", BYTES_FMT(c->metadata_key),
                                  c->is_virtual ? " VIRTUAL" : "");
        struct bytes row[] = {
            c->name,
            bytes_str(c->type ? type_text(arena, type_not_null(arena, c->type, false)) : ""),
            bytes_str(c->type && c->type->not_null ? "FALSE" : "TRUE"),
            in_key(table, i) ? BYTES_LITERAL("PRI") : BYTES_NONE,
            extras ? bytes_str(extras) : BYTES_NONE,
            table->watermark_column == i ? table->watermark_text : BYTES_NONE,
        };
        lister_row(&l, row);
    }
    lister_flush(&l);
}

static enum status describe_job(struct engine *engine, struct bytes name,
                                struct engine_result *out, struct diag *diag)
{
    struct job *job = engine_job_find(engine, name);
    if (!job)
        return diag_set(diag, ST_NOTFOUND, DIAG_NAME, "there is no job '%.*s'", BYTES_FMT(name));
    listing_text(out, "plan", plan_text(&out->arena, job->plan));
    return ST_OK;
}

enum status listing_describe(struct statement_call *call, struct engine_result *out,
                             struct diag *diag)
{
    struct engine *engine = call->engine;
    struct bytes name = call->statement->name;
    if (call->statement->object == OBJECT_JOB)
        return describe_job(engine, name, out, diag);
    struct table *table = catalog_find(&engine->catalog, name);
    if (!table) {
        diag_set(diag, ST_NOTFOUND, DIAG_NAME, "there is no table `%.*s`", BYTES_FMT(name));
        catalog_hint(&engine->catalog, name, diag);
        return ST_NOTFOUND;
    }
    describe_table(table, out);
    return ST_OK;
}

/* ---- SHOW ---- */

/* SQL's LIKE: % any bytes, _ one. */
static bool like(struct bytes text, struct bytes pattern)
{
    if (!pattern.len)
        return !text.len;
    if (pattern.ptr[0] == '%') {
        for (size_t i = 0; i <= text.len; i++)
            if (like(bytes_skip(text, i), bytes_skip(pattern, 1)))
                return true;
        return false;
    }
    return text.len && (pattern.ptr[0] == '_' || pattern.ptr[0] == text.ptr[0]) &&
           like(bytes_skip(text, 1), bytes_skip(pattern, 1));
}

struct names {
    struct bytes *items;
    uint32_t count, cap;
};

static void names_add(struct names *names, struct bytes name)
{
    if (names->count == names->cap) {
        names->cap = names->cap ? names->cap * 2 : 32;
        names->items = xrealloc(names->items, names->cap * sizeof(*names->items));
    }
    names->items[names->count++] = name;
}

static int names_compare(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static bool side_name(struct bytes name)
{
    return bytes_find(name, '$', 0) < name.len;
}

static void table_names(struct engine *engine, enum object_kind object, struct names *names)
{
    struct map *tables = &engine->catalog.tables;
    for (struct map_entry *e = map_first(tables); e; e = map_next(tables, e)) {
        const struct table *table = e->value;
        bool wanted = object == OBJECT_TABLE ? !side_name(table->name)
                      : object == OBJECT_VIEW ? table->kind == TABLE_VIEW
                                              : table->kind == TABLE_MATERIALIZED;
        if (wanted)
            names_add(names, table->name);
    }
}

static const char *show_names(struct engine *engine, enum object_kind object, struct names *names)
{
    switch (object) {
    case OBJECT_TABLE:
    case OBJECT_VIEW:
    case OBJECT_MATERIALIZED:
        table_names(engine, object, names);
        return object == OBJECT_VIEW ? "view name" : "table name";
    case OBJECT_FUNCTION:
        for (unsigned i = 0; func_info(i); i++)
            names_add(names, bytes_str(func_info(i)->name));
        for (struct map_entry *e = map_first(&engine->catalog.functions); e;
             e = map_next(&engine->catalog.functions, e))
            names_add(names, e->key);
        return "function name";
    case OBJECT_TOPIC:
        for (struct log_topic *t = log_topic_next(engine->log, NULL); t;
             t = log_topic_next(engine->log, t))
            if (!log_topic_info(t)->options.internal)
                names_add(names, log_topic_info(t)->name);
        return "topic name";
    case OBJECT_CATALOG:
        names_add(names, BYTES_LITERAL("default_catalog"));
        return "catalog name";
    case OBJECT_DATABASE:
        names_add(names, BYTES_LITERAL("default_database"));
        return "database name";
    default:
        for (struct job *job = engine->jobs; job; job = job->next)
            if (stored_find(engine, 'A', bytes_str(job->name)))
                names_add(names, bytes_str(job->name));
        return "alert name";
    }
}

static void show_jobs(struct engine *engine, struct engine_result *out)
{
    static const char *const names[] = {"job name", "status", "tick", "error"};
    struct lister l;
    lister_open(&l, out, names, 4);
    for (struct job *job = engine->jobs; job; job = job->next) {
        struct bytes row[] = {
            bytes_str(job->name), bytes_str(job_state_text(job->state)),
            bytes_str(arena_printf(&out->arena, "%llu", (unsigned long long)job->tick)),
            job->error[0] ? bytes_str(job->error) : BYTES_NONE,
        };
        lister_row(&l, row);
    }
    for (uint32_t i = 0; i < engine->broken_count; i++) {
        struct bytes row[] = {BYTES_LITERAL(""), BYTES_LITERAL("FAILED"), BYTES_LITERAL("0"),
                              bytes_str(engine->broken[i])};
        lister_row(&l, row);
    }
    lister_flush(&l);
}

/* The statement as it was written, but for the values of secret options. */
static enum status without_secrets(struct engine *engine, const struct table *table, struct bytes text,
                                   struct buf *out, struct diag *diag)
{
    const struct outside *outside = engine->options.outside;
    struct script script;
    const uint8_t *shown = text.ptr;

    TRY(sql_parse(text, &script, diag));
    const struct ast_options *options = &script.statements[0].ast->options;
    for (uint16_t i = 0; i < options->count; i++) {
        const struct token *value = options->items[i].at + 2; /* 'key' = 'value' */
        if (!outside->secret(outside->context, table, options->items[i].key))
            continue;
        buf_append(out, shown, (size_t)(value->text.ptr - shown));
        buf_str(out, "'******'");
        shown = value->text.ptr + value->text.len;
    }
    buf_append(out, shown, (size_t)(text.ptr + text.len - shown));
    script_deinit(&script);
    return ST_OK;
}

static enum status show_create(struct engine *engine, struct bytes name,
                               struct engine_result *out, struct diag *diag)
{
    struct table *table = catalog_find(&engine->catalog, name);
    if (!table)
        return diag_set(diag, ST_NOTFOUND, DIAG_NAME, "there is no table `%.*s`", BYTES_FMT(name));
    const struct stored *stored = stored_find(engine, 'T', name);
    struct bytes text = stored ? stored->text : table->statement_text;
    static const char *const names[] = {"result"};
    struct lister l;
    struct buf shown;
    enum status st = ST_OK;
    buf_init(&shown, 0);
    if (table->outside) {
        st = without_secrets(engine, table, text, &shown, diag);
        text = buf_view(&shown);
    }
    if (st == ST_OK) {
        lister_open(&l, out, names, 1);
        lister_row(&l, &text);
        lister_flush(&l);
    }
    buf_deinit(&shown);
    return st;
}

enum status listing_show(struct statement_call *call, struct engine_result *out,
                         struct diag *diag)
{
    const struct statement *s = call->statement;
    struct names names = {0};
    struct lister l;
    if (s->object == OBJECT_CREATE_TABLE || s->object == OBJECT_CREATE_VIEW)
        return show_create(call->engine, s->name, out, diag);
    if (s->object == OBJECT_JOB) {
        show_jobs(call->engine, out);
        return ST_OK;
    }
    const char *column = show_names(call->engine, s->object, &names);
    if (names.count)
        qsort(names.items, names.count, sizeof(*names.items), names_compare);
    lister_open(&l, out, &column, 1);
    struct bytes pattern = s->ast->like;
    for (uint32_t i = 0; i < names.count; i++)
        if (!pattern.ptr || like(names.items[i], pattern) != s->ast->not_like)
            lister_row(&l, &names.items[i]);
    lister_flush(&l);
    free(names.items);
    return ST_OK;
}
