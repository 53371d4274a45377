/* sink_filesystem.c: rows as lines of a file: PATH/part-JOB.csv or .json, or PATH itself where it
 * ends so.
 *
 * Exactly once by position: the tick's text has its place in the file, which is state. It is written
 * when the tick is durable, and written again at the same place by a replay.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "flow/held.h"
#include "flow/row_encoder.h"
#include "flow/sinks.h"

struct sink_file {
    struct sink base;
    struct row_encoder rows;
    struct os_file *file;
    struct held held;
    uint64_t pos; /* of the first held byte */
    bool json;
};

static bool ends_with(struct bytes text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

static enum status file_path(const struct sink_file *s, struct bytes path, char out[OS_PATH_MAX],
                             struct diag *diag)
{
    if (path.len > 7 && memcmp(path.ptr, "file://", 7) == 0)
        path = bytes_skip(path, 7);
    if (!path.len || path.len > OS_PATH_MAX - 300)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "option 'path' is empty or too long");
    if (ends_with(path, ".csv") || ends_with(path, ".json") || ends_with(path, ".jsonl")) {
        snprintf(out, OS_PATH_MAX, "%.*s", BYTES_FMT(path));
        return ST_OK;
    }
    char dir[OS_PATH_MAX];
    snprintf(dir, sizeof(dir), "%.*s", BYTES_FMT(path));
    TRY(os_mkdir(s->base.env->os, dir));
    snprintf(out, OS_PATH_MAX, "%.*s/part-%.*s.%s", BYTES_FMT(path),
             BYTES_FMT(bytes_head(s->base.env->job, 200)), s->json ? "json" : "csv");
    return ST_OK;
}

static enum status file_open(const struct plan_node *node, struct sink_env *env,
                             struct sink **out, struct diag *diag)
{
    struct with with = with_table(node->sink.table);
    char path[OS_PATH_MAX];
    if (node->inputs[0].node->changes)
        return diag_set(diag, ST_INVALID, DIAG_TYPE, "sink `%.*s` takes rows that only come in, and the "
                        "query changes or deletes rows", BYTES_FMT(node->sink.table->name));
    struct sink_file *s = xcalloc(1, sizeof(*s));
    s->base = (struct sink){&sink_filesystem_class, env};
    s->json = with_is(&with, "format", "json");
    buf_init(&s->held.text, 0);
    enum status st = row_encoder_open(&s->rows, node, env->registry, diag);
    if (st == ST_OK)
        st = file_path(s, with_get(&with, "path", ""), path, diag);
    if (st == ST_OK)
        st = os_file_open(env->os, path, OS_WRITE | OS_CREATE, &s->file);
    *out = &s->base;
    if (st == ST_OK)
        return ST_OK;
    s->base.class->close(&s->base);
    return diag_set(diag, st, DIAG_VALUE, "the file of `%.*s` cannot be opened: %s",
                    BYTES_FMT(node->sink.table->name), status_text(st));
}

static enum status file_chunk(struct sink *sink, const struct chunk *in)
{
    struct sink_file *s = (struct sink_file *)sink;
    row_encoder_chunk(&s->rows, in);
    for (uint16_t i = 0; i < in->count; i++) {
        size_t from = s->held.text.len;
        row_encode_value(&s->rows, chunk_row(in, i), &s->held.text);
        if (s->held.text.len == from || s->held.text.ptr[s->held.text.len - 1] != '\n')
            buf_u8(&s->held.text, '\n');
        sink_hash(sink->env, bytes_of(s->held.text.ptr + from, s->held.text.len - from));
    }
    return ST_OK;
}

static enum status file_tick_end(struct sink *sink)
{
    held_tick_end(&((struct sink_file *)sink)->held, sink->env->tick);
    return ST_OK;
}

static enum status file_publish(struct sink *sink, uint64_t tick)
{
    struct sink_file *s = (struct sink_file *)sink;
    struct bytes ready = held_ready(&s->held, tick);
    if (!ready.len)
        return ST_OK;
    TRY(os_file_write(s->file, s->pos, ready.ptr, ready.len));
    s->pos += ready.len;
    held_done(&s->held, tick);
    return ST_OK;
}

static enum status file_sync(struct sink *sink)
{
    return os_file_sync(((struct sink_file *)sink)->file);
}

/* What is held and not written yet is written anew by the next publish. */
static void file_save(struct sink *sink, struct snap_writer *w)
{
    struct sink_file *s = (struct sink_file *)sink;
    buf_u64_le(&w->buf, s->pos);
    buf_sized(&w->buf, buf_view(&s->held.text));
    buf_u64_le(&w->buf, sink->env->tick);
}

static enum status file_load(struct sink *sink, struct reader *r)
{
    struct sink_file *s = (struct sink_file *)sink;
    s->pos = reader_u64_le(r);
    buf_bytes(&s->held.text, reader_sized(r));
    held_tick_end(&s->held, reader_u64_le(r));
    return ST_OK;
}

static void file_close(struct sink *sink)
{
    struct sink_file *s = (struct sink_file *)sink;
    if (s->file)
        os_file_close(s->file);
    held_deinit(&s->held);
    row_encoder_close(&s->rows);
    free(s);
}

const struct sink_class sink_filesystem_class = {
    .connector = "filesystem", .single = true,
    .open = file_open, .on_chunk = file_chunk, .on_tick_end = file_tick_end,
    .publish = file_publish, .sync = file_sync, .save = file_save, .load = file_load,
    .close = file_close,
};
