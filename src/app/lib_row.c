/* Typed rows pushed by the host. A writer has a table's columns and the encoders of its formats,
 * all of its own: so a row becomes a record on the host's thread, and the instance sees only the
 * record. */
#include <stdlib.h>
#include <string.h>

#include "app/lib.h"
#include "app/lib_value.h"
#include "base/check.h"
#include "data/utf8.h"
#include "flow/row_encoder.h"

struct qw_writer {
    qw *q;
    struct arena arena;
    char *topic;
    struct table table; /* a copy: the catalog's is the instance's */
    struct plan_node input, sink;
    struct row_encoder encoder;
    bool encodes; /* encoder is open */
    struct host_columns columns;
    union value *values; /* of the row under way; a column each */
    uint64_t *valid;     /* likewise */
    struct column *cols;
    struct buf key, record;
};

struct writer_call {
    const char *name;
    qw_writer *writer;
    struct diag diag;
};

/* ---- opening ---- */

static void copy_table(qw_writer *w, const struct table *from)
{
    struct table *to = &w->table;

    *to = (struct table){.kind = from->kind, .watermark_column = -1};
    to->name = arena_copy(&w->arena, from->name);
    to->columns_count = from->columns_count;
    to->columns = ARENA_ARRAY(&w->arena, struct table_column, from->columns_count + 1u);
    for (uint16_t i = 0; i < from->columns_count; i++) {
        const struct table_column *column = &from->columns[i];
        to->columns[i] = (struct table_column){
            .name = arena_copy(&w->arena, column->name),
            .type = type_copy(&w->arena, column->type),
            .kind = column->kind,
            .is_virtual = column->is_virtual,
            .metadata_key = arena_copy(&w->arena, column->metadata_key),
        };
    }
    to->primary_key_count = from->primary_key_count;
    to->primary_key = ARENA_ARRAY(&w->arena, uint16_t, from->primary_key_count + 1u);
    for (uint16_t i = 0; i < from->primary_key_count; i++)
        to->primary_key[i] = from->primary_key[i];
    to->options_count = from->options_count;
    to->options = ARENA_ARRAY(&w->arena, struct table_option, from->options_count + 1u);
    for (uint16_t i = 0; i < from->options_count; i++)
        to->options[i] = (struct table_option){arena_copy(&w->arena, from->options[i].key),
                                               arena_copy(&w->arena, from->options[i].value)};
}

/* The plan of an INSERT of all that a record holds, for the encoder. */
static void make_plan(qw_writer *w)
{
    uint16_t n = 0, count = w->table.columns_count;
    struct plan_column *columns = ARENA_ARRAY(&w->arena, struct plan_column, count + 1u);
    uint16_t *to = ARENA_ARRAY(&w->arena, uint16_t, count + 1u);
    struct type_field *fields = ARENA_ARRAY(&w->arena, struct type_field, count + 1u);

    for (uint16_t i = 0; i < count; i++) {
        const struct table_column *column = &w->table.columns[i];
        bool held = column->kind == COLUMN_PHYSICAL ||
                    (column->kind == COLUMN_METADATA && !column->is_virtual);
        if (!held)
            continue;
        columns[n] = (struct plan_column){.name = column->name, .type = column->type};
        fields[n] = (struct type_field){.name = column->name, .type = column->type};
        to[n++] = i;
    }
    w->input = (struct plan_node){.kind = PLAN_VALUES, .columns = columns, .columns_count = n};
    w->sink = (struct plan_node){
        .kind = PLAN_SINK, .columns = columns, .columns_count = n, .inputs_count = 1};
    w->sink.inputs = ARENA_NEW(&w->arena, struct plan_input);
    w->sink.inputs[0].node = &w->input;
    w->sink.sink =
        (struct plan_sink){.table = &w->table, .columns = to, .columns_count = n, .limit = -1};
    const struct schema schema = {n, fields};
    host_columns_make(&w->columns, &w->arena, &schema);
}

/* One value a column: what differs from push to push is the values and their valid bits alone. */
static void make_row(qw_writer *w)
{
    uint16_t n = w->columns.count;

    w->values = ARENA_ARRAY(&w->arena, union value, n + 1u);
    w->valid = ARENA_ARRAY(&w->arena, uint64_t, n + 1u);
    w->cols = ARENA_ARRAY(&w->arena, struct column, n + 1u);
    for (uint16_t i = 0; i < n; i++)
        w->cols[i] = (struct column){.data = &w->values[i], .valid = &w->valid[i]};
}

static enum status check_table(const struct table *table, const char *name, struct diag *diag)
{
    struct bytes connector = table ? table_option_get(table, "connector", "") : BYTES_NONE;

    if (!table)
        return diag_set(diag, ST_NOTFOUND, DIAG_NAME, "there is no table '%.100s'", name);
    if (table->kind == TABLE_CONNECTOR &&
        (bytes_is(connector, "kafka") || bytes_is(connector, "upsert-kafka")))
        return ST_OK;
    diag_set(diag, ST_INVALID, DIAG_NAME,
             "'%.100s' is no table over a topic: rows cannot be pushed to it", name);
    diag_hint(diag, "CREATE TABLE … WITH ('connector' = 'kafka', 'topic' = …, 'format' = 'row')");
    return ST_INVALID;
}

/* A column that cannot be given by value must be one that may be NULL. */
static enum status check_columns(const qw_writer *w, struct diag *diag)
{
    if (w->columns.count == 0)
        return diag_set(diag, ST_INVALID, DIAG_TYPE,
                        "table '%.*s' has no column that a record holds",
                        BYTES_FMT(bytes_head(w->table.name, 100)));
    for (uint16_t i = 0; i < w->columns.count; i++) {
        const struct type *type = w->columns.fields[i].type;
        if (typed_kind_of(type) == TYPED_KINDS && type->not_null)
            return diag_set(
                diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                "column '%.60s' is %.60s, which has no typed form: push the table's rows as text",
                w->columns.names[i], w->columns.types[i]);
    }
    return ST_OK;
}

static void open_here(struct call *call, struct server *server)
{
    struct writer_call *c = call->context;
    qw_writer *w = c->writer;
    const struct table *table =
        catalog_find(engine_catalog(server_engine(server)), bytes_str(c->name));
    enum status st = check_table(table, c->name, &c->diag);

    if (st == ST_OK) {
        copy_table(w, table);
        make_plan(w);
        make_row(w);
        w->topic = arena_str(&w->arena, table_option_get(&w->table, "topic", ""));
        st = check_columns(w, &c->diag);
    }
    if (st == ST_OK)
        st = row_encoder_open(&w->encoder, &w->sink, engine_registry(server_engine(server)), &c->diag);
    w->encodes = st == ST_OK;
    call_done(call, st);
}

int qw_writer_open(qw *q, const char *table, qw_writer **out, qw_error *error)
{
    struct writer_call c = {.name = table, .writer = xcalloc(1, sizeof(*c.writer))};
    qw_writer *w = c.writer;

    w->q = q;
    arena_init(&w->arena, ARENA_BUDGET_NONE);
    buf_init(&w->key, 0);
    buf_init(&w->record, 0);
    enum status st = instance_call(q->instance, open_here, &c);
    if (st == ST_OK)
        *out = w;
    else
        qw_writer_close(w);
    return lib_error(q, st, &c.diag, error);
}

void qw_writer_close(qw_writer *w)
{
    if (!w)
        return;
    if (w->encodes)
        row_encoder_close(&w->encoder);
    buf_deinit(&w->key);
    buf_deinit(&w->record);
    arena_deinit(&w->arena);
    free(w);
}

size_t qw_writer_columns(const qw_writer *w)
{
    return w->columns.count;
}

const char *qw_writer_column(const qw_writer *w, size_t column)
{
    return column < w->columns.count ? w->columns.names[column] : NULL;
}

const char *qw_writer_type(const qw_writer *w, size_t column)
{
    return column < w->columns.count ? w->columns.types[column] : NULL;
}

int qw_writer_find(const qw_writer *w, const char *name)
{
    return host_columns_find(&w->columns, name);
}

/* ---- pushing ---- */

/* A record read again is not held to lengths, as in Flink; what a program says, is. */
static enum status check_length(const struct host_columns *columns, uint16_t i,
                                const struct typed *v, struct diag *diag)
{
    const struct type *type = columns->fields[i].type;
    bool text = v->kind == TYPED_TEXT;

    if (!text && v->kind != TYPED_BYTES)
        return ST_OK;
    size_t length = text ? utf8_chars(v->bytes) : v->bytes.len, most = (size_t)type->precision;
    bool fixed = type->kind == TYPE_CHAR || type->kind == TYPE_BINARY;
    if (length <= most && (!fixed || length == most))
        return ST_OK;
    return diag_set(diag, ST_INVALID, DIAG_VALUE,
                    "column '%.60s' is %.60s: a value of length %zu does not fit",
                    columns->names[i], columns->types[i], length);
}

static enum status put_value(qw_writer *w, uint16_t i, const qw_value *given, struct diag *diag)
{
    const struct type_field *field = &w->columns.fields[i];
    struct typed v = value_of_host(given);

    w->valid[i] = v.kind != TYPED_NULL;
    if (v.kind == TYPED_NULL)
        return field->type->not_null ? diag_set(diag, ST_INVALID, DIAG_VALUE,
                                                "column '%.60s' is %.60s: it takes no NULL",
                                                w->columns.names[i], w->columns.types[i])
                                     : ST_OK;
    TRY(typed_fit(field->name, field->type, &v, &w->values[i], diag));
    return check_length(&w->columns, i, &v, diag);
}

static enum status put_row(qw_writer *w, const qw_value *values, size_t count, struct diag *diag)
{
    if (count != w->columns.count)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "table '%.*s' takes %u values a row, not %zu",
                        BYTES_FMT(bytes_head(w->table.name, 100)), w->columns.count, count);
    for (uint16_t i = 0; i < count; i++)
        TRY(put_value(w, i, &values[i], diag));
    return ST_OK;
}

/* The row as key and value of a record, in buffers of the writer's. */
static void encode_row(qw_writer *w)
{
    const struct chunk row = {
        .cols = w->cols, .count = 1, .rows = 1, .col_count = w->columns.count};

    buf_clear(&w->key);
    buf_clear(&w->record);
    buf_reserve(&w->record, 1); /* so that an empty value is not a null one */
    row_encoder_chunk(&w->encoder, &row);
    row_encode_value(&w->encoder, 0, &w->record);
    if (w->encoder.key) {
        buf_reserve(&w->key, 1);
        row_encode_key(&w->encoder, 0, &w->key);
    }
}

int qw_push_row(qw_writer *w, const qw_value *values, size_t count, qw_pushed_fn *done,
                void *context, qw_error *error)
{
    struct diag diag = {0};
    enum status st = put_row(w, values, count, &diag);

    if (st != ST_OK)
        return lib_error(w->q, st, &diag, error);
    encode_row(w);
    const struct lib_record record = {
        .topic = w->topic,
        .key = w->encoder.key ? buf_view(&w->key) : BYTES_NONE,
        .value = buf_view(&w->record),
        .timestamp_ms = row_timestamp_ms(&w->encoder, 0, LIB_NO_TIME),
    };
    return lib_push(w->q, &record, done, context, error);
}
