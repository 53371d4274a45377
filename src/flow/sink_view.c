/* sink_view.c: a materialized table: its rows by key, and its changes as a topic.
 *
 * The topic `NAME.changes` has one partition; a record's key is the row's key as a JSON object (null
 * without a key), its value {"op":"+I","row":{…}}. It keeps all, so that a job that reads the view
 * begins with its whole history. It tells the row that an update replaces (-U), whatever the query does.
 */
#include "flow/sink_view.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "data/text.h"
#include "flow/inner.h"

void row_json(struct buf *out, const struct schema *schema, const struct column *cols, uint32_t row,
              const uint16_t *columns, uint16_t count)
{
    static const struct text_style style = {.iso_time = false};
    buf_u8(out, '{');
    for (uint16_t i = 0; i < count; i++) {
        uint16_t c = columns ? columns[i] : i;
        if (i)
            buf_u8(out, ',');
        json_quoted(out, schema->fields[c].name);
        buf_u8(out, ':');
        value_json(out, schema->fields[c].type, &cols[c], row, &style);
    }
    buf_u8(out, '}');
}

static void view_columns(struct sink_view *v)
{
    const struct table *table = v->node->sink.table;
    const struct plan_node *input = v->node->inputs[0].node;
    struct type_field *fields = ARENA_ARRAY(&v->arena, struct type_field, table->columns_count + 1);
    v->columns = ARENA_ARRAY(&v->arena, uint16_t, table->columns_count + 1);
    v->types = ARENA_ARRAY(&v->arena, const struct type *, table->columns_count + 1);
    uint16_t n = 0;
    for (uint16_t c = 0; c < table->columns_count; c++) {
        int32_t from = sink_input_of(v->node, c);
        if (from < 0)
            continue;
        fields[n] = (struct type_field){.name = table->columns[c].name,
                                        .type = input->columns[from].type};
        v->types[n] = fields[n].type;
        v->columns[n++] = (uint16_t)from;
    }
    v->schema = (struct schema){n, fields};
}

/* The table's primary key, or else the changelog's own. */
static void view_key_columns(struct sink_view *v)
{
    const struct plan_sink *sink = &v->node->sink;
    v->key = ARENA_ARRAY(&v->arena, uint16_t, v->schema.count + 1);
    for (uint16_t i = 0; i < v->schema.count; i++) {
        bool in = false;
        for (uint16_t k = 0; k < sink->table->primary_key_count; k++)
            in |= sink->table->primary_key[k] == sink->columns[v->columns[i]];
        for (uint16_t k = 0; !sink->table->primary_key_count && k < sink->upsert_key_count; k++)
            in |= sink->upsert_key[k] == v->columns[i];
        if (in)
            v->key[v->key_count++] = i;
    }
}

static enum status view_open(const struct plan_node *node, struct sink_env *env,
                             struct sink **out, struct diag *diag)
{
    struct sink_view *v = xcalloc(1, sizeof(*v));
    char name[LOG_NAME_MAX + 16];
    const struct plan_node *input = node->inputs[0].node;
    v->base = (struct sink){&sink_view_class, env};
    v->node = node;
    arena_init(&v->arena, ARENA_BUDGET_NONE);
    buf_init(&v->key_text, 0);
    buf_init(&v->value_text, 0);
    view_columns(v);
    view_key_columns(v);
    snprintf(name, sizeof(name), "%.*s.changes", BYTES_FMT(bytes_head(node->sink.table->name, 300)));
    enum status st = rowset_init(&v->rows, input, v->columns, v->schema.count, v->key,
                                 v->key_count, diag);
    v->rows.exact = (input->changes & CHANGE_UPDATE_BEFORE) != 0;
    if (st == ST_OK)
        st = topic_ensure(env->log, bytes_str(name), 1, TOPIC_KEPT, &v->changes, diag);
    *out = &v->base;
    if (st != ST_OK)
        v->base.class->close(&v->base);
    return st;
}

static void view_emit(struct sink_view *v, const struct column *cols, uint16_t row, uint8_t kind)
{
    struct buf *value = &v->value_text;
    buf_clear(value);
    buf_str(value, "{\"op\":\"");
    buf_str(value, row_kind_text(kind));
    buf_str(value, "\",\"row\":");
    row_json(value, &v->schema, cols, row, NULL, v->schema.count);
    buf_u8(value, '}');
    buf_clear(&v->key_text);
    if (v->key_count)
        row_json(&v->key_text, &v->schema, cols, row, v->key, v->key_count);
    sink_record(v->base.env, log_partition_of(v->changes, 0),
                v->key_count ? buf_view(&v->key_text) : BYTES_NONE, buf_view(value));
}

/* A row comes, and one that is there under its key goes; or a row goes. Where the query tells old rows
 * itself its own kinds stand. */
static void view_change(void *context, const struct rowset_row *old, const struct chunk *in,
                        uint16_t row)
{
    struct sink_view *v = context;
    struct arena *arena = v->base.env->ctx->arena;
    struct column *cols = ARENA_ARRAY(arena, struct column, v->schema.count + 1);
    if (!in) { /* it was hidden by one that has gone */
        rowset_columns(&v->rows, old, arena, cols);
        view_emit(v, cols, 0, ROW_INSERT);
        return;
    }
    uint8_t kind = chunk_kind(in, row);
    if (row_kind_retracts(kind)) {
        rowset_columns(&v->rows, old, arena, cols);
        view_emit(v, cols, 0, kind);
        return;
    }
    if (old) {
        rowset_columns(&v->rows, old, arena, cols);
        view_emit(v, cols, 0, ROW_UPDATE_BEFORE);
    }
    for (uint16_t c = 0; c < v->schema.count; c++)
        cols[c] = in->cols[v->columns[c]];
    view_emit(v, cols, row, old ? ROW_UPDATE_AFTER : v->rows.exact ? kind : ROW_INSERT);
}

static enum status view_chunk(struct sink *sink, const struct chunk *in)
{
    struct sink_view *v = (struct sink_view *)sink;
    rowset_apply(&v->rows, in, view_change, v);
    return ST_OK;
}

static enum status view_tick_end(struct sink *sink)
{
    rowset_sweep(&((struct sink_view *)sink)->rows);
    return ST_OK;
}

static void view_save(struct sink *sink, struct snap_writer *w)
{
    rowset_save(&((struct sink_view *)sink)->rows, w);
}

static enum status view_load(struct sink *sink, struct reader *r)
{
    return rowset_load(&((struct sink_view *)sink)->rows, r);
}

static void view_measure(struct sink *sink, uint64_t *rows, uint64_t *bytes)
{
    const struct sink_view *v = (const struct sink_view *)sink;
    *rows = v->rows.live;
    *bytes = rowset_bytes(&v->rows);
}

static void view_close(struct sink *sink)
{
    struct sink_view *v = (struct sink_view *)sink;
    rowset_deinit(&v->rows);
    buf_deinit(&v->key_text);
    buf_deinit(&v->value_text);
    arena_deinit(&v->arena);
    free(v);
}

const struct sink_class sink_view_class = {
    .connector = "view", .single = true,
    .open = view_open, .on_chunk = view_chunk, .on_tick_end = view_tick_end,
    .save = view_save, .load = view_load, .measure = view_measure, .close = view_close,
};
