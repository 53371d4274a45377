/* sink_filesystem.c: rows as lines of files: PATH/part-JOB.csv or .json, or PATH itself where it ends so. A table that is
 * PARTITIONED BY has such a file in the folder of each partition (folders.h), without the columns that the folder says.
 *
 * Exactly once by position: the tick's text has its place in its file, which is state. It is written
 * when the tick is durable, and written again at the same place by a replay.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "flow/folders.h"
#include "flow/held.h"
#include "flow/row_encoder.h"
#include "flow/sinks.h"

enum { FOLDERS_MAX = 100000, FILES_OPEN_MAX = 64 };

struct part {
    struct bytes folder; /* below PATH; empty: PATH's own */
    struct os_file *file; /* NULL: not open */
    struct held held;
    uint64_t pos; /* of the first held byte */
    bool waits;   /* it is in sink_file.waiting */
};

struct sink_file {
    struct sink base;
    struct row_encoder rows;
    struct arena arena; /* names of folders */
    struct bytes path;
    bool json;
    struct map by_folder;    /* struct part * */
    struct part **parts;     /* as they came */
    uint32_t parts_count, parts_cap;
    struct part **waiting;   /* that hold text */
    uint32_t waiting_count, waiting_cap;
    struct part *open[FILES_OPEN_MAX]; /* in the order in which they were opened */
    uint32_t open_count;
    struct buf folder;       /* of a row */
};

static const struct table *table_of(const struct sink_file *s)
{
    return s->rows.node->sink.table;
}

/* ---- files ---- */

static bool ends_with(struct bytes text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

static enum status make_folders(const struct sink_file *s, struct bytes path)
{
    char dir[OS_PATH_MAX];

    snprintf(dir, sizeof(dir), "%.*s", BYTES_FMT(path));
    for (size_t at = s->path.len; at <= path.len; at++) { /* PATH, then each level below it */
        if (at < path.len && path.ptr[at] != '/')
            continue;
        dir[at] = 0;
        TRY(os_mkdir(s->base.env->os, dir));
        dir[at] = at < path.len ? '/' : 0;
    }
    return ST_OK;
}

static enum status file_path(const struct sink_file *s, const struct part *part, char out[OS_PATH_MAX])
{
    if (!part->folder.len && (ends_with(s->path, ".csv") || ends_with(s->path, ".json") || ends_with(s->path, ".jsonl"))) {
        snprintf(out, OS_PATH_MAX, "%.*s", BYTES_FMT(s->path));
        return ST_OK;
    }
    int n = snprintf(out, OS_PATH_MAX, "%.*s%s%.*s", BYTES_FMT(s->path), part->folder.len ? "/" : "", BYTES_FMT(part->folder));
    TRY(make_folders(s, bytes_of(out, (size_t)n)));
    snprintf(out + n, (size_t)(OS_PATH_MAX - n), "/part-%.*s.%s", BYTES_FMT(bytes_head(s->base.env->job, 200)),
             s->json ? "json" : "csv");
    return ST_OK;
}

static enum status part_close(struct part *part)
{
    enum status st = os_file_sync(part->file);

    os_file_close(part->file);
    part->file = NULL;
    return st;
}

/* The file that was opened first gives way when too many are. */
static enum status part_open(struct sink_file *s, struct part *part)
{
    char path[OS_PATH_MAX];

    if (part->file)
        return ST_OK;
    TRY(file_path(s, part, path));
    if (s->open_count == FILES_OPEN_MAX) {
        struct part *first = s->open[0];
        memmove(s->open, s->open + 1, --s->open_count * sizeof(s->open[0]));
        TRY(part_close(first));
    }
    TRY(os_file_open(s->base.env->os, path, OS_WRITE | OS_CREATE, &part->file));
    s->open[s->open_count++] = part;
    return ST_OK;
}

/* ---- partitions ---- */

static struct part *part_new(struct sink_file *s, struct bytes folder)
{
    struct part *part = xcalloc(1, sizeof(*part));

    part->folder = arena_copy(&s->arena, folder);
    buf_init(&part->held.text, 0);
    if (s->parts_count == s->parts_cap) {
        s->parts_cap = s->parts_cap ? 2 * s->parts_cap : 8;
        s->parts = xrealloc(s->parts, s->parts_cap * sizeof(struct part *));
    }
    s->parts[s->parts_count++] = part;
    map_put(&s->by_folder, part->folder, part);
    return part;
}

/* The part of a row; NULL: there would be too many, or its path would be too long. */
static struct part *part_of(struct sink_file *s, uint16_t row)
{
    const struct table *table = table_of(s);

    buf_clear(&s->folder);
    for (uint16_t i = 0; i < table->partition_count; i++) {
        uint16_t c = table->partition[i];
        if (i)
            buf_u8(&s->folder, '/');
        folder_name(&s->folder, table->columns[c].name, table->columns[c].type, &s->rows.cols[c], row);
    }
    struct part *part = map_get(&s->by_folder, buf_view(&s->folder));
    if (part)
        return part;
    bool fits = s->path.len + s->folder.len < OS_PATH_MAX - 300;
    return fits && s->parts_count < FOLDERS_MAX ? part_new(s, buf_view(&s->folder)) : NULL;
}

static void part_waits(struct sink_file *s, struct part *part)
{
    if (part->waits)
        return;
    part->waits = true;
    if (s->waiting_count == s->waiting_cap) {
        s->waiting_cap = s->waiting_cap ? 2 * s->waiting_cap : 8;
        s->waiting = xrealloc(s->waiting, s->waiting_cap * sizeof(struct part *));
    }
    s->waiting[s->waiting_count++] = part;
}

/* ---- the sink ---- */

static enum status want_path(struct sink_file *s, const struct with *with, struct diag *diag)
{
    s->path = with_get(with, "path", "");
    if (s->path.len > 7 && memcmp(s->path.ptr, "file://", 7) == 0)
        s->path = bytes_skip(s->path, 7);
    while (s->path.len > 1 && s->path.ptr[s->path.len - 1] == '/')
        s->path.len--;
    if (!s->path.len || s->path.len > OS_PATH_MAX - 300)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "option 'path' is empty or too long");
    return ST_OK;
}

/* Where there are no partitions, the one file is there from the start. */
static enum status first_file(struct sink_file *s, struct diag *diag)
{
    if (table_of(s)->partition_count)
        return ST_OK;
    enum status st = part_open(s, part_new(s, BYTES_NONE));
    return st == ST_OK ? ST_OK
                       : diag_set(diag, st, DIAG_VALUE, "the file of `%.*s` cannot be opened: %s",
                                  BYTES_FMT(table_of(s)->name), status_text(st));
}

static enum status file_open(const struct plan_node *node, struct sink_env *env,
                             struct sink **out, struct diag *diag)
{
    struct with with = with_table(node->sink.table);
    if (node->inputs[0].node->changes)
        return diag_set(diag, ST_INVALID, DIAG_TYPE, "sink `%.*s` takes rows that only come in, and the "
                        "query changes or deletes rows", BYTES_FMT(node->sink.table->name));
    struct sink_file *s = xcalloc(1, sizeof(*s));
    s->base = (struct sink){&sink_filesystem_class, env};
    s->json = with_is(&with, "format", "json");
    arena_init(&s->arena, ARENA_BUDGET_NONE);
    map_init(&s->by_folder);
    buf_init(&s->folder, 0);
    enum status st = row_encoder_open(&s->rows, node, env->registry, diag);
    if (st == ST_OK)
        st = want_path(s, &with, diag);
    if (st == ST_OK)
        st = first_file(s, diag);
    *out = &s->base;
    if (st != ST_OK)
        s->base.class->close(&s->base);
    return st;
}

static enum status file_chunk(struct sink *sink, const struct chunk *in)
{
    struct sink_file *s = (struct sink_file *)sink;
    row_encoder_chunk(&s->rows, in);
    for (uint16_t i = 0; i < in->count; i++) {
        struct part *part = table_of(s)->partition_count ? part_of(s, chunk_row(in, i)) : s->parts[0];
        if (!part)
            return diag_set(sink->env->ctx->expr.diag, ST_INVALID, DIAG_LIMIT,
                            "`%.*s` has more than %d partitions, or the path of one is too long",
                            BYTES_FMT(table_of(s)->name), FOLDERS_MAX);
        struct buf *text = &part->held.text;
        size_t from = text->len;
        row_encode_value(&s->rows, chunk_row(in, i), text);
        if (text->len == from || text->ptr[text->len - 1] != '\n')
            buf_u8(text, '\n');
        part_waits(s, part);
        if (part->folder.len)
            sink_hash(sink->env, part->folder);
        sink_hash(sink->env, bytes_of(text->ptr + from, text->len - from));
    }
    return ST_OK;
}

static enum status file_tick_end(struct sink *sink)
{
    struct sink_file *s = (struct sink_file *)sink;
    for (uint32_t i = 0; i < s->waiting_count; i++)
        held_tick_end(&s->waiting[i]->held, sink->env->tick);
    return ST_OK;
}

static enum status file_publish(struct sink *sink, uint64_t tick)
{
    struct sink_file *s = (struct sink_file *)sink;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->waiting_count; i++) {
        struct part *part = s->waiting[i];
        struct bytes ready = held_ready(&part->held, tick);
        if (ready.len) {
            TRY(part_open(s, part)); /* what has been written before stays written when it is done again */
            TRY(os_file_write(part->file, part->pos, ready.ptr, ready.len));
            part->pos += ready.len;
            held_done(&part->held, tick);
        }
        part->waits = part->held.text.len > 0;
        if (part->waits)
            s->waiting[kept++] = part;
    }
    s->waiting_count = kept;
    return ST_OK;
}

static enum status file_sync(struct sink *sink)
{
    struct sink_file *s = (struct sink_file *)sink;
    for (uint32_t i = 0; i < s->open_count; i++)
        TRY(os_file_sync(s->open[i]->file));
    return ST_OK;
}

/* ---- checkpoints: without partitions the one file alone; else how many, and of each its folder and the same ---- */

/* What is held and not written yet is written anew by the next publish. */
static void part_save(const struct part *part, uint64_t tick, struct buf *to)
{
    buf_u64_le(to, part->pos);
    buf_sized(to, buf_view(&part->held.text));
    buf_u64_le(to, tick);
}

static void file_save(struct sink *sink, struct snap_writer *w)
{
    struct sink_file *s = (struct sink_file *)sink;
    if (!table_of(s)->partition_count) {
        part_save(s->parts[0], sink->env->tick, &w->buf);
        return;
    }
    buf_uvarint(&w->buf, s->parts_count);
    for (uint32_t i = 0; i < s->parts_count; i++) {
        buf_sized(&w->buf, s->parts[i]->folder);
        part_save(s->parts[i], sink->env->tick, &w->buf);
    }
}

static void part_load(struct sink_file *s, struct part *part, struct reader *r)
{
    part->pos = reader_u64_le(r);
    buf_bytes(&part->held.text, reader_sized(r));
    held_tick_end(&part->held, reader_u64_le(r));
    if (part->held.text.len)
        part_waits(s, part);
}

static enum status file_load(struct sink *sink, struct reader *r)
{
    struct sink_file *s = (struct sink_file *)sink;
    if (!table_of(s)->partition_count) {
        part_load(s, s->parts[0], r);
        return ST_OK;
    }
    uint64_t count = reader_uvarint(r);
    for (uint64_t i = 0; i < count && !r->bad; i++) {
        struct bytes folder = reader_sized(r);
        if (r->bad || !folder.len || s->parts_count == FOLDERS_MAX || map_get(&s->by_folder, folder))
            return ST_CORRUPT;
        part_load(s, part_new(s, folder), r);
    }
    return r->bad ? ST_CORRUPT : ST_OK;
}

static void file_measure(struct sink *sink, uint64_t *rows, uint64_t *bytes)
{
    struct sink_file *s = (struct sink_file *)sink;
    *rows = 0;
    *bytes = s->parts_count * (sizeof(struct part) + 100);
    for (uint32_t i = 0; i < s->waiting_count; i++)
        *bytes += s->waiting[i]->held.text.cap;
}

static void file_close(struct sink *sink)
{
    struct sink_file *s = (struct sink_file *)sink;
    for (uint32_t i = 0; i < s->parts_count; i++) {
        if (s->parts[i]->file)
            os_file_close(s->parts[i]->file);
        held_deinit(&s->parts[i]->held);
        free(s->parts[i]);
    }
    free(s->parts);
    free(s->waiting);
    map_deinit(&s->by_folder);
    buf_deinit(&s->folder);
    arena_deinit(&s->arena);
    row_encoder_close(&s->rows);
    free(s);
}

const struct sink_class sink_filesystem_class = {
    .connector = "filesystem", .single = true,
    .open = file_open, .on_chunk = file_chunk, .on_tick_end = file_tick_end,
    .publish = file_publish, .sync = file_sync, .save = file_save, .load = file_load,
    .measure = file_measure, .close = file_close,
};
