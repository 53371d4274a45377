/* Letting go: retention by time and size moves a partition's start over whole segments (an entry in
 * the WAL, like a trim), and once that is durable the files go; so do those of deleted topics. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "store/log/state.h"

static const int64_t second_ns = 1000000000, longest_ns = 3600ll * 1000000000;
/* Records that are in no segment yet are looked at that often, as Kafka does with all: who writes
 * records that are old already has so long to read them. */
static const int64_t tails_ns = LOG_TAILS_MS * 1000000ll;

/* ---- moving starts ---- */

enum status partition_trim(struct log_partition *p, int64_t before, uint64_t *lsn)
{
    uint8_t payload[8];

    CHECK(before > p->start && before <= p->end);
    store_u64_le(payload, (uint64_t)before);
    if (lsn)
        *lsn = 0;
    if (!partition_is_memory(p))
        TRY(log_write_entry(p->log,
                            &(struct wal_entry){.type = WAL_TRIM,
                                                .topic = p->topic->number,
                                                .partition = p->index,
                                                .payload = bytes_of(payload, 8)},
                            lsn));
    partition_drop_below(p, before);
    return ST_OK;
}

enum status log_trim(struct log *log, struct log_partition *partition, int64_t before,
                     uint64_t *lsn)
{
    struct log_partition *p = partition;
    int64_t pinned = partition_pinned(p);

    CHECK(p->log == log);
    if (lsn)
        *lsn = 0;
    if (p->topic->deleted)
        return ST_NOTFOUND;
    if (before > p->durable || before < 0)
        return ST_INVALID;
    if (before > pinned)
        before = pinned;
    return before > p->start ? partition_trim(p, before, lsn) : ST_OK;
}

static bool deletes(const struct log_partition *p)
{
    return !p->topic->deleted && (p->topic->info.options.cleanup & LOG_CLEANUP_DELETE);
}

static int64_t expires_ms(const struct log_partition *p, int64_t max_timestamp)
{
    int64_t keep = p->topic->info.options.retention_ms;

    if (keep < 0 || max_timestamp < 0 || max_timestamp > INT64_MAX - keep)
        return INT64_MAX;
    return max_timestamp + keep;
}

static int64_t item_max_timestamp(const struct tail_item *item)
{
    struct batch_header h;

    return batch_header_parse(tail_item_bytes(item), &h) == ST_OK ? h.max_timestamp : -1;
}

/* Over the tail, once no segment stands before it: batch by batch, as far as it may be shown. */
static int64_t tail_expired(const struct log_partition *p, int64_t start, int64_t now_ms)
{
    for (uint32_t i = 0; i < p->tail.count; i++) {
        const struct tail_item *item = tail_at(&p->tail, i);
        if (tail_item_last(item) >= p->durable ||
            expires_ms(p, item_max_timestamp(item)) > now_ms)
            break;
        start = tail_item_last(item) + 1;
    }
    return start;
}

enum tails { TAILS_TOO, SEGMENTS_ONLY };

/* How far the start may go: over segments that are past their time or too many. */
static int64_t expired(const struct log_partition *p, int64_t now_ms, enum tails tails)
{
    int64_t max = p->topic->info.options.retention_bytes, start = p->start;
    uint64_t kept = partition_bytes(p);

    for (uint32_t i = 0; i < p->segments_count; i++) {
        const struct segment *seg = p->segments[i];
        bool last = i + 1 == p->segments_count;
        if (seg->end <= start)
            continue;
        bool old = expires_ms(p, seg->max_timestamp) <= now_ms;
        bool many = max > 0 && !last && kept - seg->bytes >= (uint64_t)max;
        if (!old && !many)
            return start;
        start = seg->end;
        kept -= seg->bytes;
    }
    return tails == TAILS_TOO || partition_is_memory(p) ? tail_expired(p, start, now_ms) : start;
}

static void retain(struct log_partition *p, enum tails tails)
{
    int64_t now_ms = os_wall_us(p->log->os) / 1000, pinned = partition_pinned(p);

    if (!deletes(p))
        return;
    int64_t start = expired(p, now_ms, tails);
    if (start > pinned)
        start = pinned;
    if (start > p->start && partition_trim(p, start, NULL) != ST_OK)
        return; /* no room now: the next round does it */
}

void retain_partition(struct log_partition *p)
{
    retain(p, SEGMENTS_ONLY);
}

/* ---- when ---- */

static int64_t next_expiry_ms(const struct log_partition *p)
{
    if (!deletes(p))
        return INT64_MAX;
    for (uint32_t i = 0; i < p->segments_count; i++)
        if (p->segments[i]->end > p->start)
            return expires_ms(p, p->segments[i]->max_timestamp);
    return p->tail.count ? expires_ms(p, item_max_timestamp(tail_at(&p->tail, 0))) : INT64_MAX;
}

static void retain_all(struct log *log)
{
    int64_t next = INT64_MAX, now_ms = os_wall_us(log->os) / 1000, now_ns = os_mono_ns(log->os);
    enum tails tails = now_ns >= log->tails_at ? TAILS_TOO : SEGMENTS_ONLY;

    if (tails == TAILS_TOO)
        log->tails_at = now_ns + tails_ns;

    for (struct log_topic *t = log->first; t; t = t->next) {
        for (uint32_t i = 0; i < t->info.partitions; i++) {
            retain(t->partitions[i], tails);
            int64_t at = next_expiry_ms(t->partitions[i]);
            if (at <= now_ms && t->partitions[i]->segments_count == 0)
                at = now_ms + (log->tails_at - now_ns) / 1000000;
            next = at < next ? at : next;
        }
    }
    log->retention_deadline = INT64_MAX;
    if (next == INT64_MAX)
        return;
    int64_t wait = next - now_ms > longest_ns / 1000000 ? longest_ns : (next - now_ms) * 1000000;
    log->retention_deadline = os_mono_ns(log->os) + (wait < second_ns ? second_ns : wait);
}

void retain_tails(struct log *log, bool at_once)
{
    int64_t now_ns = os_mono_ns(log->os);

    if (at_once)
        log->tails_at = now_ns;
    int64_t at = at_once ? now_ns + second_ns : log->tails_at;
    if (log->retention_deadline > at)
        log->retention_deadline = at;
}

void retain_soon(struct log *log)
{
    int64_t soon = os_mono_ns(log->os) + second_ns;

    if (log->retention_deadline > soon)
        log->retention_deadline = soon;
}

/* ---- files ---- */

void retain_sweep_later(struct log *log)
{
    if (!log->wal)
        return;
    log->sweep = true;
    log->sweep_lsn = wal_end_lsn(log->wal);
}

struct names {
    struct buf buf; /* each zero-terminated */
};

static void note_name(void *context, const char *name, const struct os_stat *stat)
{
    struct names *names = context;

    (void)stat;
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        buf_append(&names->buf, name, strlen(name) + 1);
}

/* A folder and what is in it, to that depth. What cannot go now goes at the next opening. */
static void remove_tree(struct os *os, const char *path, int depth)
{
    struct names names;
    char inner[OS_PATH_MAX + 128];

    buf_init(&names.buf, 0);
    if (depth > 0 && os_list(os, path, note_name, &names) == ST_OK) {
        for (size_t at = 0; at < names.buf.len; at += strlen((char *)names.buf.ptr + at) + 1) {
            int n = snprintf(inner, sizeof(inner), "%s/%s", path, (char *)names.buf.ptr + at);
            if (n > 0 && (size_t)n < sizeof(inner))
                remove_tree(os, inner, depth - 1);
        }
        (void)os_sync_dir(os, path); /* so that the disk has its space back at once */
    }
    buf_deinit(&names.buf);
    (void)os_remove(os, path);
}

static void topic_folder(const struct log_topic *t, char folder[OS_PATH_MAX + 64])
{
    struct log_partition any = {.log = t->log, .topic = (struct log_topic *)t};

    partition_folder(&any, folder);
    *strrchr(folder, '/') = 0;
}

/* One file of the partition that its start has passed; false: there is none. */
static bool sweep_partition(struct log_partition *p)
{
    char folder[OS_PATH_MAX + 64];

    if (p->segments_count == 0 || p->segments[0]->end > p->start)
        return false;
    struct segment *seg = p->segments[0];
    compact_forget(p->log, p); /* it counts segments; it begins anew */
    partition_folder(p, folder);
    if (segment_remove_files((struct segment_place){p->log->os, folder, &p->log->files},
                             seg->base, seg->generation) != ST_OK)
        return false;
    (void)os_sync_dir(p->log->os, folder); /* so that the disk has its space back at once */
    segment_free(seg);
    memmove(p->segments, p->segments + 1, (p->segments_count - 1) * sizeof(*p->segments));
    p->segments_count--;
    return true;
}

static bool sweep_one(struct log *log)
{
    char folder[OS_PATH_MAX + 64];

    for (uint32_t n = 0; n < log->numbers_count; n++) {
        struct log_topic *t = log->by_number[n];
        if (t && t->deleted && t->files_left) {
            topic_folder(t, folder);
            remove_tree(log->os, folder, 2);
            t->files_left = false;
            return true;
        }
        for (uint32_t i = 0; t && !t->deleted && i < t->info.partitions; i++)
            if (sweep_partition(t->partitions[i]))
                return true;
    }
    return false;
}

bool retain_work(struct log *log)
{
    if (log->retention_deadline != INT64_MAX && os_mono_ns(log->os) >= log->retention_deadline)
        retain_all(log);
    if (!log->sweep || log->durable_lsn < log->sweep_lsn || log->cut_piece)
        return false; /* the helper may be at work on what would go */
    log->sweep = sweep_one(log);
    return log->sweep;
}

static bool hex_id(const char *name, uint8_t id[LOG_ID_BYTES])
{
    if (strlen(name) != 2 * LOG_ID_BYTES)
        return false;
    for (int i = 0; i < LOG_ID_BYTES; i++) {
        unsigned byte;
        if (sscanf(name + 2 * i, "%2x", &byte) != 1)
            return false;
        id[i] = (uint8_t)byte;
    }
    return true;
}

void retain_remove_strangers(struct log *log)
{
    struct names names;
    char path[OS_PATH_MAX + 128];
    uint8_t id[LOG_ID_BYTES];

    buf_init(&names.buf, 0);
    snprintf(path, sizeof(path), "%s/topics", log->dir);
    (void)os_list(log->os, path, note_name, &names);
    for (size_t at = 0; at < names.buf.len; at += strlen((char *)names.buf.ptr + at) + 1) {
        const char *name = (char *)names.buf.ptr + at;
        if (!hex_id(name, id) || log_topic_by_id(log, id))
            continue;
        snprintf(path, sizeof(path), "%s/topics/%s", log->dir, name);
        remove_tree(log->os, path, 2);
    }
    buf_deinit(&names.buf);
}
