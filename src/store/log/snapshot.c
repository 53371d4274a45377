/* DIR/snapshot: all that the log knows but the batches themselves, as of one LSN, so that the WAL
 * before it can go. Written whole to a new file, synced, and put in place of the last by renaming;
 * that one stays beside it as snapshot.old until the next. Layout: docs/format/snapshot.md. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "store/log/state.h"

enum { VERSION_OLDEST = 1, VERSION = 2, HEADER_BYTES = 24 };

static const char magic[9] = "QWSNAP\r\n";

/* ---- writing ---- */

static void save_position(struct buf *to, struct wal_position at)
{
    buf_u64_le(to, at.lsn);
    buf_u64_le(to, at.lap);
}

static void save_partition(const struct log_partition *p, struct buf *to)
{
    uint32_t count = 0;

    buf_u64_le(to, (uint64_t)p->start);
    buf_u64_le(to, (uint64_t)p->end);
    buf_u64_le(to, (uint64_t)p->synced_end);
    for (uint32_t i = 0; i < p->segments_count; i++)
        count += p->segments[i]->synced_bytes > 0;
    buf_uvarint(to, count);
    for (uint32_t i = 0; i < p->segments_count; i++) {
        const struct segment *seg = p->segments[i];
        if (seg->synced_bytes == 0)
            continue;
        buf_u64_le(to, (uint64_t)seg->base);
        buf_u64_le(to, (uint64_t)seg->synced_end);
        buf_u64_le(to, seg->synced_bytes);
        buf_u64_le(to, (uint64_t)seg->synced_max_timestamp);
        buf_u32_le(to, seg->generation);
    }
    producers_save(&p->producers, to);
    epochs_save(&p->epochs, to);
    markers_save(&p->markers, to);
    buf_u64_le(to, (uint64_t)p->cleaned);
}

static void save_topic(const struct log_topic *t, struct buf *to)
{
    struct wal_topic topic = {
        .partitions = t->info.partitions, .options = t->info.options, .name = t->info.name};

    memcpy(topic.id, t->info.id, LOG_ID_BYTES);
    buf_u32_le(to, t->number);
    wal_topic_write(to, &topic);
    if (t->info.options.durability == LOG_MEMORY)
        return; /* its records do not outlive the process */
    for (uint32_t i = 0; i < t->info.partitions; i++)
        save_partition(t->partitions[i], to);
}

static void save_all(const struct log *log, struct wal_position from, struct buf *to)
{
    buf_u64_le(to, log->durable_lsn);
    save_position(to, from);
    save_position(to, log->from[0]); /* of the snapshot before this one */
    buf_u32_le(to, (uint32_t)log->leader_epoch);
    buf_u64_le(to, (uint64_t)log->producer_ids_reserved);
    buf_u32_le(to, log->group);
    buf_u32_le(to, log->numbers_count);
    kv_save(&log->kv, to);
    buf_uvarint(to, map_size(&log->names));
    for (const struct log_topic *t = log->first; t; t = t->next)
        save_topic(t, to);
}

/* A header: magic, version u32, payload length u64, checksum u32 of the payload. */
static void save_header(uint8_t at[HEADER_BYTES], struct bytes payload)
{
    memcpy(at, magic, 8);
    store_u32_le(at + 8, VERSION);
    store_u64_le(at + 12, payload.len);
    store_u32_le(at + 20, crc32c(0, payload.ptr, payload.len));
}

static enum status write_file(struct os *os, const char *path, struct bytes payload)
{
    uint8_t header[HEADER_BYTES];
    struct os_file *file;

    save_header(header, payload);
    TRY(os_file_open(os, path, OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    enum status st = os_file_write(file, 0, header, HEADER_BYTES);
    if (st == ST_OK)
        st = os_file_write(file, HEADER_BYTES, payload.ptr, payload.len);
    if (st == ST_OK)
        st = os_file_sync(file);
    os_file_close(file);
    return st;
}

static void snapshot_path(const char *dir, const char *suffix, char path[OS_PATH_MAX + 16])
{
    snprintf(path, OS_PATH_MAX + 16, "%s/snapshot%s", dir, suffix);
}

/* The last one's new name first: else a power cut could leave neither. */
static enum status move_last(struct os *os, const char *dir)
{
    char path[OS_PATH_MAX + 16], old[OS_PATH_MAX + 16];

    snapshot_path(dir, "", path);
    snapshot_path(dir, ".old", old);
    enum status st = os_rename(os, path, old);
    return st == ST_OK || st == ST_NOTFOUND ? os_sync_dir(os, dir) : st;
}

void snapshot_save(const struct log *log, struct wal_position from, struct buf *payload)
{
    CHECK(wal_end_lsn(log->wal) == log->durable_lsn || LOG_BUG(fill_early));
    CHECK(from.lsn <= log->durable_lsn);
    save_all(log, from, payload);
}

enum status snapshot_put(struct os *os, const char *dir, struct bytes payload, int step)
{
    char path[OS_PATH_MAX + 16], fresh[OS_PATH_MAX + 16];

    snapshot_path(dir, "", path);
    snapshot_path(dir, ".tmp", fresh);
    if (step == 1)
        return move_last(os, dir);
    if (step == 2) {
        TRY(os_rename(os, fresh, path));
        return os_sync_dir(os, dir);
    }
    enum status st = write_file(os, fresh, payload);
    if (st != ST_OK)
        (void)os_remove(os, fresh);
    return st;
}

/* ---- reading ---- */

static struct wal_position load_position(struct reader *r)
{
    uint64_t lsn = reader_u64_le(r);

    return (struct wal_position){lsn, reader_u64_le(r)};
}

static enum status load_segment(struct log_partition *p, struct reader *r, uint32_t version)
{
    int64_t base = (int64_t)reader_u64_le(r), end = (int64_t)reader_u64_le(r);
    uint64_t bytes = reader_u64_le(r);
    int64_t max_timestamp = (int64_t)reader_u64_le(r);
    uint32_t generation = version >= 2 ? reader_u32_le(r) : 0;

    if (r->bad || base < 0 || end < base || bytes > INT64_MAX ||
        (p->segments_count && base < p->segments[p->segments_count - 1]->end))
        return ST_CORRUPT;
    struct segment *seg = segment_known(base, end, bytes, max_timestamp);
    seg->generation = generation;
    seg->began_ns = os_mono_ns(p->log->os);
    partition_add_segment(p, seg);
    return ST_OK;
}

static enum status load_partition(struct log_partition *p, struct reader *r, uint32_t version)
{
    p->start = (int64_t)reader_u64_le(r);
    p->known_end = (int64_t)reader_u64_le(r);
    p->synced_end = (int64_t)reader_u64_le(r);
    uint64_t count = reader_uvarint(r);
    if (r->bad || p->start < 0 || p->known_end < p->start || p->synced_end < 0 ||
        p->known_end == INT64_MAX || p->synced_end > p->known_end || count > reader_left(r))
        return ST_CORRUPT;
    for (uint64_t i = 0; i < count; i++)
        TRY(load_segment(p, r, version));
    /* What was trimmed before it was filled is in no segment. */
    p->end = p->synced_end > p->start ? p->synced_end : p->start;
    p->folder_made = count > 0;
    TRY(producers_load(&p->producers, r, version >= 2));
    if (version < 2)
        return ST_OK; /* of a time without transactions */
    TRY(epochs_load(&p->epochs, r));
    TRY(markers_load(&p->markers, r));
    p->cleaned = (int64_t)reader_u64_le(r);
    return r->bad || p->cleaned < 0 ? ST_CORRUPT : ST_OK;
}

static enum status load_topic(struct log *log, struct reader *r, uint32_t version)
{
    uint32_t number = reader_u32_le(r);
    struct wal_topic topic;

    TRY(wal_topic_parse(r, &topic));
    if (number == 0 || number >= log->numbers_count || log->by_number[number] ||
        map_get(&log->names, topic.name))
        return ST_CORRUPT;
    struct log_topic *t = topic_add(log, number, &topic);
    if (topic.options.durability == LOG_MEMORY)
        return ST_OK;
    for (uint32_t i = 0; i < t->info.partitions; i++)
        TRY(load_partition(t->partitions[i], r, version));
    return ST_OK;
}

static enum status load_all(struct log *log, struct reader *r, uint32_t version,
                            struct snapshot_found *out)
{
    out->lsn = reader_u64_le(r);
    out->from = load_position(r);
    out->from_before = load_position(r);
    log->leader_epoch = (int32_t)reader_u32_le(r);
    log->producer_ids_reserved = (int64_t)reader_u64_le(r);
    log->group = reader_u32_le(r);
    uint32_t numbers = reader_u32_le(r);
    if (r->bad || numbers > LOG_NUMBERS_MAX || log->leader_epoch < 0 ||
        log->leader_epoch > LOG_EPOCH_MAX || log->producer_ids_reserved < 0 ||
        log->producer_ids_reserved > INT64_MAX / 2 || out->lsn > INT64_MAX ||
        out->from.lsn > out->lsn || out->from.lsn < WAL_LSN_FIRST || out->from.lap > INT64_MAX)
        return ST_CORRUPT;
    topics_reserve_numbers(log, numbers);
    TRY(kv_load(&log->kv, r));
    uint64_t topics = reader_uvarint(r);
    for (uint64_t i = 0; i < topics && !r->bad; i++)
        TRY(load_topic(log, r, version));
    return r->bad || reader_left(r) ? ST_CORRUPT : ST_OK;
}

/* The payload of a file whose header and checksum hold. */
static enum status read_file(struct os *os, const char *path, struct buf *payload,
                             uint32_t *version)
{
    uint8_t header[HEADER_BYTES] = {0};
    struct os_file *file;
    struct os_stat stat;
    size_t got = 0;

    TRY(os_file_open(os, path, OS_READ, &file));
    enum status st = os_file_stat(file, &stat);
    if (st == ST_OK)
        st = os_file_read(file, 0, header, HEADER_BYTES, &got);
    *version = load_u32_le(header + 8);
    if (st == ST_OK &&
        (got < HEADER_BYTES || memcmp(header, magic, 8) != 0 || *version < VERSION_OLDEST ||
         *version > VERSION || load_u64_le(header + 12) > stat.size - HEADER_BYTES))
        st = ST_CORRUPT;
    if (st == ST_OK) {
        size_t len = load_u64_le(header + 12);
        uint8_t *to = buf_reserve(payload, len ? len : 1);
        st = os_file_read(file, HEADER_BYTES, to, len, &got);
        buf_advance(payload, got);
        if (st == ST_OK && (got != len || crc32c(0, to, len) != load_u32_le(header + 20)))
            st = ST_CORRUPT;
    }
    os_file_close(file);
    return st;
}

static enum status load_from(struct log *log, const char *suffix, struct snapshot_found *out)
{
    char path[OS_PATH_MAX + 16];
    struct buf payload;
    uint32_t version;

    snapshot_path(log->dir, suffix, path);
    buf_init(&payload, 0);
    enum status st = read_file(log->os, path, &payload, &version);
    if (st == ST_OK) {
        struct reader r = reader_of(buf_view(&payload));
        st = load_all(log, &r, version, out);
        if (st != ST_OK)
            log_forget(log);
    }
    buf_deinit(&payload);
    out->found = st == ST_OK;
    return st;
}

enum status snapshot_load(struct log *log, struct snapshot_found *out)
{
    *out = (struct snapshot_found){.from = {.lsn = WAL_LSN_FIRST}};
    enum status newest = load_from(log, "", out);
    if (newest != ST_NOTFOUND && newest != ST_CORRUPT)
        return newest;
    enum status older = load_from(log, ".old", out);
    if (older == ST_OK) {
        out->fell_back = newest == ST_CORRUPT;
        return ST_OK;
    }
    if (newest == ST_NOTFOUND && older == ST_NOTFOUND) {
        *out = (struct snapshot_found){.from = {.lsn = WAL_LSN_FIRST}};
        out->from_before = out->from;
        return ST_OK;
    }
    return older == ST_IO ? ST_IO : ST_CORRUPT;
}
