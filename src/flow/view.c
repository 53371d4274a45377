/* view.c: reading materialized tables: by key, in order of key, as they stand.
 *
 * A view is found through its job's sink, which is another object after a reshard or a reload; so
 * nothing of it is kept here. What is read is the newest tick; the answer's lsn says when that is
 * durable.
 */
#include <stdlib.h>

#include "base/check.h"
#include "data/builder.h"
#include "data/func.h"
#include "flow/gather.h"
#include "flow/inner.h"
#include "flow/sink_view.h"

struct view {
    struct engine *engine;
    struct table *table; /* retained */
    struct view *next;
};

void view_add(struct engine *engine, struct table *table)
{
    struct view *view = xcalloc(1, sizeof(*view));
    view->engine = engine;
    view->table = table;
    table_retain(table);
    struct view *old = map_put(&engine->views, table->name, view);
    CHECK(!old);
}

void view_free(struct view *view)
{
    table_release(view->table);
    free(view);
}

void view_remove(struct engine *engine, struct bytes name)
{
    struct view *view = map_remove(&engine->views, name);
    if (view)
        view_free(view);
}

struct view *engine_view_find(struct engine *engine, struct bytes name)
{
    return map_get(&engine->views, name);
}

struct view *engine_view_next(struct engine *engine, struct view *view)
{
    for (struct map_entry *e = map_first(&engine->views); e; e = map_next(&engine->views, e)) {
        if (!view)
            return e->value;
        if (e->value == view)
            view = NULL;
    }
    return NULL;
}

static struct job *view_job(const struct view *view)
{
    struct job *job = engine_job_find(view->engine, view->table->name);
    CHECK(job); /* they are made and dropped together */
    return job;
}

static struct sink_view *view_sink(const struct view *view)
{
    return (struct sink_view *)driver_sink(view_job(view)->driver, 0, 0);
}

const struct schema *view_schema(const struct view *view)
{
    return &view_sink(view)->schema;
}

struct bytes view_name(const struct view *view)
{
    return view->table->name;
}

uint16_t view_key(const struct view *view, const uint16_t **columns)
{
    const struct sink_view *sink = view_sink(view);
    *columns = sink->key;
    return sink->key_count;
}

uint64_t view_rows(const struct view *view)
{
    return view_sink(view)->rows.live;
}

struct log_topic *view_changes(const struct view *view)
{
    return view_sink(view)->changes;
}

/* Only whole ticks are read. */
static enum status readable(const struct view *view, struct diag *diag)
{
    struct job *job = view_job(view);
    job_settle(job);
    if (job->state == JOB_FAILED || job->state == JOB_DIVERGED) /* half a tick may be in it */
        return diag_set(diag, ST_INVALID, DIAG_STATE, "the job of `%.*s` has stopped: %s",
                        BYTES_FMT(view->table->name), job->error);
    if (job->state != JOB_RECOVERING)
        return ST_OK;
    return diag_set(diag, ST_AGAIN, DIAG_STATE, "`%.*s` is being recovered: %lld ticks are left",
                    BYTES_FMT(view->table->name), (long long)(job->replay_end - job->note_offset));
}

/* ---- by key ---- */

/* The key's texts as a packed row whose other columns are NULL. */
static enum status key_pack(struct sink_view *sink, const struct bytes *key, struct arena *arena,
                            uint8_t **out, struct diag *diag)
{
    struct column *cols = ARENA_ARRAY(arena, struct column, sink->schema.count + 1);
    for (uint16_t c = 0; c < sink->schema.count; c++) {
        struct column_builder b;
        column_builder_init(&b, arena, sink->types[c], 1);
        column_put_null(&b);
        cols[c] = column_builder_done(&b);
    }
    for (uint16_t k = 0; k < sink->key_count; k++) {
        uint16_t c = sink->key[k];
        struct chunk empty = {.count = 1, .rows = 1};
        struct expr_ctx ctx = {.arena = arena, .diag = diag,
                               .watermark_us = INT64_MIN};
        const struct type *type = type_not_null(arena, sink->types[c], false);
        const struct expr *text = expr_str(arena, key[k], type_simple(TYPE_VARCHAR));
        const struct expr *cast = func_cast(arena, text, type, false, false, diag);
        if (!cast)
            return ST_INVALID;
        TRY(expr_eval(cast, &ctx, &empty, NULL, 1, &cols[c]));
    }
    /* the packed columns are addressed by the input's columns */
    struct column *input = ARENA_ARRAY(arena, struct column, sink->node->inputs[0].node->columns_count + 1);
    for (uint16_t c = 0; c < sink->schema.count; c++)
        input[sink->columns[c]] = cols[c];
    uint16_t row = 0;
    uint32_t size;
    pack_sizes(&sink->rows.pack, input, &row, 1, &size);
    struct rowset_row *packed = arena_zalloc(arena, sizeof(*packed) + size);
    packed->size = size;
    uint8_t *to = packed->packed;
    pack_write(&sink->rows.pack, input, &row, 1, &to);
    *out = to;
    return ST_OK;
}

static void result_schema(struct engine_result *out, const struct sink_view *sink)
{
    struct type_field *fields = ARENA_ARRAY(&out->arena, struct type_field, sink->schema.count + 1);
    for (uint16_t c = 0; c < sink->schema.count; c++) {
        fields[c].name = arena_copy(&out->arena, sink->schema.fields[c].name);
        fields[c].type = type_copy(&out->arena, sink->schema.fields[c].type);
    }
    out->schema = (struct schema){sink->schema.count, fields};
}

static void result_init(struct engine_result *out, const struct view *view)
{
    *out = (struct engine_result){.kind = STMT_SELECT, .message = "OK"};
    arena_init(&out->arena, ARENA_BUDGET_NONE);
    out->lsn = view_job(view)->lsn;
}

enum status view_get(struct view *view, const struct bytes *key, uint16_t key_count,
                     struct engine_result *out, struct diag *diag)
{
    TRY(readable(view, diag));
    struct sink_view *sink = view_sink(view);
    if (!sink->key_count)
        return diag_set(diag, ST_INVALID, DIAG_NAME, "`%.*s` has no key: it can only be scanned",
                        BYTES_FMT(view->table->name));
    if (key_count != sink->key_count)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "the key of `%.*s` has %u parts, not %u",
                        BYTES_FMT(view->table->name), sink->key_count, key_count);
    struct arena scratch;
    uint8_t *packed;
    arena_init(&scratch, ARENA_BUDGET_NONE);
    enum status st = key_pack(sink, key, &scratch, &packed, diag);
    if (st == ST_OK) {
        struct rowset_at at = rowset_seek(&sink->rows, packed, false);
        struct rowset_at past = rowset_seek(&sink->rows, packed, true);
        struct chunk chunk;
        const struct rowset_row *last;
        bool found = at.at.block != past.at.block || at.at.item != past.at.item;
        result_init(out, view);
        result_schema(out, sink);
        if (found && rowset_read(&sink->rows, &at, 1, &scratch, &chunk, &last)) {
            out->chunks = chunk_keep(&out->arena, &chunk, sink->types);
            out->chunks_count = 1;
            out->rows = 1;
        }
    }
    arena_deinit(&scratch);
    return st;
}

/* ---- in order ---- */

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A cursor is copy (8 digits), then the last row's packed bytes, in hexadecimal. */
static enum status cursor_read(const struct sink_view *sink, struct bytes cursor,
                               struct arena *arena, struct rowset_at *at, struct diag *diag)
{
    struct rowset_row *row = arena_try(arena, sizeof(*row) + cursor.len);
    size_t len = cursor.len / 2;
    if (!row || cursor.len % 2 || len < 4)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "that is no cursor of this view");
    uint8_t *bytes = arena_try(arena, len + 16);
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(cursor.ptr[2 * i]), low = hex_digit(cursor.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return diag_set(diag, ST_INVALID, DIAG_VALUE, "that is no cursor of this view");
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    struct reader r = reader_of(bytes_of(bytes, len));
    uint32_t copy = reader_u32_be(&r);
    memcpy(row->packed, r.at, reader_left(&r));
    row->size = (uint32_t)reader_left(&r);
    if (!pack_check(&sink->rows.pack, row->packed, row->size))
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "that is no cursor of this view");
    *at = rowset_seek(&sink->rows, row->packed, copy == 0);
    at->copy = copy;
    return ST_OK;
}

static void cursor_write(struct arena *arena, const struct rowset_row *last, uint32_t copy,
                         struct bytes *out)
{
    struct buf text;
    buf_init(&text, 0);
    buf_printf(&text, "%08x", copy);
    for (uint32_t i = 0; i < last->size; i++)
        buf_printf(&text, "%02x", last->packed[i]);
    *out = arena_copy(arena, buf_view(&text));
    buf_deinit(&text);
}

enum status view_scan(struct view *view, struct bytes cursor, uint64_t limit,
                      struct engine_result *out, struct bytes *next, struct diag *diag)
{
    struct rowset_at at = {0};
    const struct rowset_row *last = NULL;
    struct arena scratch;
    TRY(readable(view, diag));
    struct sink_view *sink = view_sink(view);
    arena_init(&scratch, ARENA_BUDGET_NONE);
    enum status st = cursor.len ? cursor_read(sink, cursor, &scratch, &at, diag) : ST_OK;
    arena_deinit(&scratch);
    TRY(st);
    result_init(out, view);
    result_schema(out, sink);
    uint64_t chunks = (limit < sink->rows.live ? limit : sink->rows.live) / CHUNK_ROWS + 2;
    out->chunks = ARENA_ARRAY(&out->arena, struct chunk, chunks);
    while (out->rows < limit) {
        uint64_t left = limit - out->rows;
        struct chunk chunk;
        arena_init(&scratch, ARENA_BUDGET_NONE);
        uint16_t count = rowset_read(&sink->rows, &at,
                                     left < CHUNK_ROWS ? (uint16_t)left : CHUNK_ROWS, &scratch,
                                     &chunk, &last);
        CHECK(!count || out->chunks_count < chunks);
        if (count)
            out->chunks[out->chunks_count++] = *chunk_keep(&out->arena, &chunk, sink->types);
        out->rows += count;
        arena_deinit(&scratch);
        if (!count)
            break;
    }
    *next = BYTES_NONE;
    if (last && sorted_get(&sink->rows.rows, at.at))
        cursor_write(&out->arena, last, at.copy, next);
    return ST_OK;
}
