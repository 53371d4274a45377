/* checkpoint.c: see checkpoint.h for the bytes. */
#include "flow/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "flow/inner.h"

static const char head_magic[] = "QWCKPT1\n", foot_magic[] = "QWCKEND\n";
enum { MAGIC_BYTES = 8, FOOTER_BYTES = 24, MANIFEST_BYTES_MAX = 64 << 20, SECTION_BYTES = 28 };

/* ---- writing ---- */

struct sink_file {
    struct os_file *file;
    uint64_t pos;
    uint32_t crc; /* of the section so far */
};

static enum status file_drain(void *context, struct bytes bytes)
{
    struct sink_file *to = context;
    to->crc = crc32c(to->crc, bytes.ptr, bytes.len);
    enum status st = os_file_write(to->file, to->pos, bytes.ptr, bytes.len);
    to->pos += bytes.len;
    return st;
}

static enum status section_end(struct sink_file *to, struct snap_writer *w, uint32_t node,
                               uint32_t shard, uint64_t began, struct buf *manifest)
{
    TRY(w->failed);
    TRY(file_drain(to, buf_view(&w->buf)));
    buf_clear(&w->buf);
    buf_u32_le(manifest, node);
    buf_u32_le(manifest, shard);
    buf_u64_le(manifest, began);
    buf_u64_le(manifest, to->pos - began);
    buf_u32_le(manifest, to->crc);
    to->crc = 0;
    return ST_OK;
}

static enum status write_sections(struct driver *d, struct sink_file *to, struct buf *manifest)
{
    struct snap_writer w = {.drain = file_drain, .context = to};
    buf_init(&w.buf, 0);
    enum status st = ST_OK;
    for (uint32_t n = 0; n < driver_nodes_count(d) && st == ST_OK; n++)
        for (uint32_t s = 0; s < driver_shards(d) && st == ST_OK; s++) {
            uint64_t began = to->pos;
            driver_save_task(d, n, s, &w);
            st = section_end(to, &w, n, s, began, manifest);
        }
    if (st == ST_OK) {
        uint64_t began = to->pos;
        driver_save_splits(d, &w);
        st = section_end(to, &w, driver_nodes_count(d), 0, began, manifest);
    }
    buf_deinit(&w.buf);
    return st;
}

static void manifest_head(struct job *job, struct buf *out)
{
    buf_sized(out, bytes_str(job->name));
    buf_u64_le(out, job->tick);
    buf_u64_le(out, (uint64_t)job->clock_us);
    buf_u32_le(out, ENGINE_VERSION);
    buf_u64_le(out, job->plan_hash);
    buf_u32_le(out, driver_shards(job->driver));
    buf_u64_le(out, (uint64_t)job->note_offset);
    buf_u32_le(out, driver_nodes_count(job->driver));
    buf_u32_le(out, driver_nodes_count(job->driver) * driver_shards(job->driver) + 1);
}

static enum status write_file(struct job *job, struct os_file *file)
{
    struct sink_file to = {.file = file, .pos = MAGIC_BYTES};
    struct buf manifest;
    buf_init(&manifest, 0);
    manifest_head(job, &manifest);
    enum status st = os_file_write(file, 0, head_magic, MAGIC_BYTES);
    if (st == ST_OK)
        st = write_sections(job->driver, &to, &manifest);
    uint64_t at = to.pos;
    uint32_t len = (uint32_t)manifest.len;
    uint32_t crc = crc32c(0, manifest.ptr, manifest.len);
    buf_u64_le(&manifest, at);
    buf_u32_le(&manifest, len);
    buf_u32_le(&manifest, crc);
    buf_append(&manifest, foot_magic, MAGIC_BYTES);
    if (st == ST_OK)
        st = os_file_write(file, at, manifest.ptr, manifest.len);
    if (st == ST_OK)
        st = os_file_sync(file);
    buf_deinit(&manifest);
    return st;
}

static void job_dir(const char *dir, struct bytes job, char path[OS_PATH_MAX])
{
    snprintf(path, OS_PATH_MAX, "%s/checkpoints/%.*s", dir, BYTES_FMT(job));
}

static enum status make_dirs(struct os *os, const char *dir, struct bytes job)
{
    char path[OS_PATH_MAX];
    snprintf(path, sizeof(path), "%s/checkpoints", dir);
    TRY(os_mkdir(os, path));
    TRY(os_sync_dir(os, dir));
    job_dir(dir, job, path);
    TRY(os_mkdir(os, path));
    char parent[OS_PATH_MAX];
    snprintf(parent, sizeof(parent), "%s/checkpoints", dir);
    return os_sync_dir(os, parent);
}

/* ---- what is there ---- */

struct listing {
    uint64_t *ticks;
    uint32_t count, cap;
};

static void list_one(void *context, const char *name, const struct os_stat *stat)
{
    struct listing *list = context;
    unsigned long long tick;
    int used = 0;
    if (stat->is_dir || sscanf(name, "%20llu.ckpt%n", &tick, &used) != 1 || used != 25 ||
        name[used])
        return;
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 8;
        list->ticks = xrealloc(list->ticks, list->cap * sizeof(*list->ticks));
    }
    list->ticks[list->count++] = tick;
}

static int tick_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Newest first. */
static void list_ticks(struct os *os, const char *dir, struct bytes job, struct listing *out)
{
    char path[OS_PATH_MAX];
    *out = (struct listing){0};
    job_dir(dir, job, path);
    enum status st = os_list(os, path, list_one, out);
    if (st == ST_OK && out->count)
        qsort(out->ticks, out->count, sizeof(*out->ticks), tick_compare);
}

static bool tick_path(const char *dir, struct bytes job, uint64_t tick, char path[OS_PATH_MAX])
{
    int n = snprintf(path, OS_PATH_MAX, "%s/checkpoints/%.*s/%020llu.ckpt", dir, BYTES_FMT(job),
                     (unsigned long long)tick);
    return n > 0 && n < OS_PATH_MAX;
}

static void remove_older(struct os *os, const char *dir, struct bytes job, uint32_t keep)
{
    struct listing list;
    list_ticks(os, dir, job, &list);
    for (uint32_t i = keep; i < list.count; i++) {
        char path[OS_PATH_MAX];
        if (tick_path(dir, job, list.ticks[i], path) && os_remove(os, path) != ST_OK)
            break; /* tried again at the next checkpoint */
    }
    free(list.ticks);
}

void checkpoint_remove_all(struct os *os, const char *dir, struct bytes job)
{
    char path[OS_PATH_MAX];
    remove_older(os, dir, job, 0);
    job_dir(dir, job, path);
    enum status st = os_remove(os, path);
    (void)st; /* an empty folder does no harm */
}

static enum status write_renamed(struct job *job, const char *path)
{
    struct os *os = job->engine->os;
    char tmp[OS_PATH_MAX + 8], folder[OS_PATH_MAX];
    struct os_file *file;
    snprintf(tmp, sizeof(tmp), "%s.tmp", path);
    job_dir(job->engine->dir, bytes_str(job->name), folder);
    TRY(os_file_open(os, tmp, OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    enum status st = write_file(job, file);
    os_file_close(file);
    if (st == ST_OK)
        st = os_rename(os, tmp, path);
    if (st == ST_OK)
        st = os_sync_dir(os, folder);
    if (st != ST_OK) {
        enum status ignored = os_remove(os, tmp);
        (void)ignored;
    }
    return st;
}

enum status checkpoint_write(struct job *job, char path[OS_PATH_MAX], struct diag *diag)
{
    struct engine *engine = job->engine;
    struct bytes name = bytes_str(job->name);
    if (!engine->dir)
        return diag_set(diag, ST_UNSUPPORTED, DIAG_STATE, "there is no data directory");
    CHECK(!job->pending && !job->unsettled);
    if (!tick_path(engine->dir, name, job->tick, path))
        return diag_set(diag, ST_INVALID, DIAG_LIMIT, "the path of the checkpoint is too long");
    enum status st = driver_sync(job->driver);
    if (st == ST_OK)
        st = make_dirs(engine->os, engine->dir, name);
    if (st == ST_OK)
        st = write_renamed(job, path);
    if (st != ST_OK)
        return diag_set(diag, st, DIAG_INTERNAL, "checkpoint %s: %s", path, status_text(st));
    job->checkpoints++;
    job->checkpoint_tick = job->tick;
    job_keep(job, job->note_offset);
    remove_older(engine->os, engine->dir, name, CHECKPOINTS_KEPT);
    return ST_OK;
}

/* ---- reading ---- */

static enum status read_exact(struct os_file *file, uint64_t pos, void *to, size_t len)
{
    size_t got = 0;
    TRY(os_file_read(file, pos, to, len, &got));
    return got == len ? ST_OK : ST_CORRUPT;
}

static enum status manifest_parse(struct bytes bytes, struct bytes job, uint64_t sections_end,
                                  struct checkpoint *out)
{
    struct reader r = reader_of(bytes);
    struct bytes name = reader_sized(&r);
    out->tick = reader_u64_le(&r);
    out->clock_us = (int64_t)reader_u64_le(&r);
    out->engine_version = reader_u32_le(&r);
    out->plan = reader_u64_le(&r);
    out->shards = reader_u32_le(&r);
    out->note_offset = (int64_t)reader_u64_le(&r);
    out->nodes = reader_u32_le(&r);
    uint32_t count = reader_u32_le(&r);
    if (r.bad || !bytes_equal(name, job) || count > reader_left(&r) / SECTION_BYTES ||
        !out->shards || out->shards > DRIVER_SHARDS_MAX)
        return ST_CORRUPT;
    out->sections = xcalloc(count + 1, sizeof(*out->sections));
    out->sections_count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct checkpoint_section *s = &out->sections[i];
        s->node = reader_u32_le(&r);
        s->shard = reader_u32_le(&r);
        s->pos = reader_u64_le(&r);
        s->len = reader_u64_le(&r);
        s->crc = reader_u32_le(&r);
        if (s->pos > sections_end || s->len > sections_end - s->pos)
            return ST_CORRUPT;
    }
    return r.bad || reader_left(&r) ? ST_CORRUPT : ST_OK;
}

static enum status manifest_read(struct os_file *file, struct bytes job, struct checkpoint *out)
{
    struct os_stat stat;
    uint8_t foot[FOOTER_BYTES], head[MAGIC_BYTES];
    TRY(os_file_stat(file, &stat));
    if (stat.size < MAGIC_BYTES + FOOTER_BYTES)
        return ST_CORRUPT;
    TRY(read_exact(file, 0, head, sizeof(head)));
    TRY(read_exact(file, stat.size - FOOTER_BYTES, foot, sizeof(foot)));
    uint64_t pos = load_u64_le(foot);
    uint32_t len = load_u32_le(foot + 8);
    if (memcmp(head, head_magic, MAGIC_BYTES) || memcmp(foot + 16, foot_magic, MAGIC_BYTES) ||
        len > MANIFEST_BYTES_MAX || pos + len != stat.size - FOOTER_BYTES)
        return ST_CORRUPT;
    uint8_t *bytes = xmalloc(len + 1ul);
    enum status st = read_exact(file, pos, bytes, len);
    if (st == ST_OK && crc32c(0, bytes, len) != load_u32_le(foot + 12))
        st = ST_CORRUPT;
    if (st == ST_OK)
        st = manifest_parse(bytes_of(bytes, len), job, pos, out);
    free(bytes);
    return st;
}

void checkpoint_close(struct checkpoint *checkpoint)
{
    if (checkpoint->file)
        os_file_close(checkpoint->file);
    free(checkpoint->sections);
    *checkpoint = (struct checkpoint){0};
}

enum status checkpoint_find(struct os *os, const char *dir, struct bytes job, uint64_t before,
                            struct checkpoint *out)
{
    struct listing list;
    enum status st = ST_NOTFOUND;
    list_ticks(os, dir, job, &list);
    for (uint32_t i = 0; i < list.count && st != ST_OK; i++) {
        *out = (struct checkpoint){0};
        if (list.ticks[i] >= before || !tick_path(dir, job, list.ticks[i], out->path))
            continue;
        st = os_file_open(os, out->path, OS_READ, &out->file);
        if (st == ST_OK)
            st = manifest_read(out->file, job, out);
        if (st == ST_OK && out->tick != list.ticks[i])
            st = ST_CORRUPT;
        if (st != ST_OK)
            checkpoint_close(out);
    }
    free(list.ticks);
    return st == ST_OK ? ST_OK : ST_NOTFOUND;
}

static enum status section_into(struct driver *d, uint32_t node, uint32_t from_shard,
                                uint32_t from_shards, struct bytes bytes, struct diag *diag)
{
    struct reader r = reader_of(bytes);
    if (node == driver_nodes_count(d))
        return driver_load_splits(d, &r);
    if (node > driver_nodes_count(d) || from_shard >= from_shards)
        return ST_CORRUPT;
    if (from_shards == driver_shards(d))
        return driver_load_task(d, node, from_shard, &r, diag);
    for (uint32_t to = 0; to < driver_shards(d); to++) {
        r = reader_of(bytes);
        TRY(driver_load_task(d, node, to, &r, diag));
    }
    return ST_OK;
}

static enum status section_load(struct checkpoint *c, const struct checkpoint_section *section,
                                struct driver *d, struct diag *diag)
{
    uint8_t *bytes = xmalloc(section->len + 1);
    enum status st = read_exact(c->file, section->pos, bytes, section->len);
    if (st == ST_OK && crc32c(0, bytes, section->len) != section->crc)
        st = ST_CORRUPT;
    if (st == ST_OK)
        st = section_into(d, section->node, section->shard, c->shards,
                          bytes_of(bytes, section->len), diag);
    free(bytes);
    return st;
}

enum status checkpoint_load(struct checkpoint *c, struct driver *d, struct diag *diag)
{
    enum status st = c->nodes == driver_nodes_count(d) ? ST_OK : ST_CORRUPT;
    for (uint32_t i = 0; i < c->sections_count && st == ST_OK; i++)
        st = section_load(c, &c->sections[i], d, diag);
    if (st == ST_OK)
        return ST_OK;
    return diag_set(diag, st, DIAG_INTERNAL, "checkpoint %s: %s", c->path, status_text(st));
}

enum status checkpoint_move(struct driver *from, struct driver *to, struct diag *diag)
{
    struct snap_writer w = {0};
    buf_init(&w.buf, 0);
    enum status st = ST_OK;
    uint32_t nodes = driver_nodes_count(from), shards = driver_shards(from);
    for (uint32_t n = 0; n < nodes && st == ST_OK; n++)
        for (uint32_t s = 0; s < shards && st == ST_OK; s++) {
            buf_clear(&w.buf);
            driver_save_task(from, n, s, &w);
            st = section_into(to, n, s, shards, buf_view(&w.buf), diag);
        }
    if (st == ST_OK) {
        buf_clear(&w.buf);
        driver_save_splits(from, &w);
        st = section_into(to, nodes, 0, shards, buf_view(&w.buf), diag);
    }
    buf_deinit(&w.buf);
    return st;
}
