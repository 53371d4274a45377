/* checkpoint.c: what checkpoints there are, and reading them; see checkpoint.h for the bytes. */
#include "flow/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "flow/inner.h"

enum { MANIFEST_BYTES_MAX = 64 << 20, SECTION_BYTES = 28 };
enum { MAGIC_BYTES = CHECKPOINT_MAGIC_BYTES, FOOTER_BYTES = MAGIC_BYTES + 16 };

void checkpoint_folder(const char *dir, struct bytes job, char path[OS_PATH_MAX])
{
    snprintf(path, OS_PATH_MAX, "%s/checkpoints/%.*s", dir, BYTES_FMT(job));
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
    checkpoint_folder(dir, job, path);
    enum status st = os_list(os, path, list_one, out);
    if (st == ST_OK && out->count)
        qsort(out->ticks, out->count, sizeof(*out->ticks), tick_compare);
}

bool checkpoint_path(const char *dir, struct bytes job, uint64_t tick, char path[OS_PATH_MAX])
{
    int n = snprintf(path, OS_PATH_MAX, "%s/checkpoints/%.*s/%020llu.ckpt", dir, BYTES_FMT(job),
                     (unsigned long long)tick);
    return n > 0 && n < OS_PATH_MAX;
}

void checkpoint_prune(struct os *os, const char *dir, struct bytes job, uint32_t keep)
{
    struct listing list;
    list_ticks(os, dir, job, &list);
    for (uint32_t i = keep; i < list.count; i++) {
        char path[OS_PATH_MAX];
        if (checkpoint_path(dir, job, list.ticks[i], path) && os_remove(os, path) != ST_OK)
            break; /* tried again at the next checkpoint */
    }
    free(list.ticks);
}

bool checkpoint_any(struct os *os, const char *dir, struct bytes job)
{
    struct listing list;
    list_ticks(os, dir, job, &list);
    bool any = list.count > 0;
    free(list.ticks);
    return any;
}

void checkpoint_remove_all(struct os *os, const char *dir, struct bytes job)
{
    char path[OS_PATH_MAX];
    checkpoint_prune(os, dir, job, 0);
    checkpoint_folder(dir, job, path);
    /* Or a power cut could bring one back, and a later job of this name would start from it. */
    enum status st = os_sync_dir(os, path);
    if (st == ST_OK)
        st = os_remove(os, path);
    (void)st; /* an empty folder does no harm */
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
    if (memcmp(head, CHECKPOINT_HEAD, MAGIC_BYTES) ||
        memcmp(foot + 16, CHECKPOINT_FOOT, MAGIC_BYTES) ||
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
        if (list.ticks[i] >= before || !checkpoint_path(dir, job, list.ticks[i], out->path))
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

static enum status task_into(struct driver *d, uint32_t node, uint32_t shard, struct reader *r, struct diag *diag)
{
    if (node & CHECKPOINT_COLD)
        return driver_load_cold(d, node & ~CHECKPOINT_COLD, shard, r, diag);
    return driver_load_task(d, node, shard, r, diag);
}

static enum status section_into(struct driver *d, uint32_t node, uint32_t from_shard,
                                uint32_t from_shards, struct bytes bytes, struct diag *diag)
{
    struct reader r = reader_of(bytes);
    if (node == driver_nodes_count(d))
        return driver_load_splits(d, &r);
    if ((node & ~CHECKPOINT_COLD) >= driver_nodes_count(d) || from_shard >= from_shards)
        return ST_CORRUPT;
    if (from_shards == driver_shards(d))
        return task_into(d, node, from_shard, &r, diag);
    for (uint32_t to = 0; to < driver_shards(d); to++) {
        r = reader_of(bytes);
        TRY(task_into(d, node, to, &r, diag));
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

enum status checkpoint_load(struct checkpoint *c, struct driver *d, checkpoint_part_fn *on_part, void *context,
                            struct diag *diag)
{
    enum status st = c->nodes == driver_nodes_count(d) ? ST_OK : ST_CORRUPT;
    for (uint32_t i = 0; i < c->sections_count && st == ST_OK; i++) {
        st = section_load(c, &c->sections[i], d, diag);
        if (st == ST_OK && on_part)
            st = on_part(context, diag);
    }
    if (st == ST_OK)
        return ST_OK;
    return diag_set(diag, st, DIAG_INTERNAL, "checkpoint %s: %s", c->path, status_text(st));
}

/* What the task has on disk, part by part. */
static enum status cold_move(struct driver *from, struct driver *to, uint32_t node, uint32_t shard, struct buf *part,
                             struct diag *diag)
{
    buf_clear(part);
    enum status st = driver_save_cold(from, node, shard, true, part, diag);
    for (; st == ST_OK || st == ST_AGAIN; st = driver_save_cold(from, node, shard, false, part, diag)) {
        if (st == ST_AGAIN)
            driver_wait_disk(from);
        else
            TRY(section_into(to, node | CHECKPOINT_COLD, shard, driver_shards(from), buf_view(part), diag));
        buf_clear(part);
    }
    return st == ST_END ? ST_OK : st;
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
            if (st == ST_OK)
                st = cold_move(from, to, n, s, &w.buf, diag);
        }
    if (st == ST_OK) {
        buf_clear(&w.buf);
        driver_save_splits(from, &w);
        st = section_into(to, nodes, 0, shards, buf_view(&w.buf), diag);
    }
    buf_deinit(&w.buf);
    return st;
}
