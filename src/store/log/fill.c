/* From the WAL into partition files, in slices, called when the loop has nothing better to do:
 * batches whose LSN is synced are gathered, a partition at a time, and written to its last segment;
 * then the tail lets go of them. Nothing waits for these writes to reach the disk, the WAL still has
 * them. Once it has grown by a part of its bound it is cut behind them: cut.c.
 */
#include <stdio.h>

#include "base/check.h"
#include "store/log/state.h"

enum {
    FILL_BYTES = 256 * 1024,
    FILL_SLICES = 8,               /* a turn, when behind */
    FILL_ALONE = 32 * 1024,        /* a batch so large is written from where it lies, not gathered */
    FILL_BEGINS = 8 * 1024 * 1024, /* waiting: no more than the spare slabs hold, so that the memory of the log
                                      goes round; fresh pages from the system cost more than the copying */
    FILL_SPAN = 2 * FILL_BEGINS,   /* of the WAL, since all of it was filled */
    CLOSE_FILES = 1000,            /* more partitions that wait are left to the WAL */
};
_Static_assert(FILL_BEGINS <= SLAB_SPARES_MAX * 1024 * 1024, "slabs are of 1 MiB at most");

static const int64_t full_disk_wait_ns = 1000000000;

void partition_folder(const struct log_partition *p, char folder[OS_PATH_MAX + 64])
{
    int n = snprintf(folder, OS_PATH_MAX + 64, "%s/topics/", p->log->dir);

    for (int i = 0; i < LOG_ID_BYTES; i++)
        n += snprintf(folder + n, 3, "%02x", p->topic->info.id[i]);
    snprintf(folder + n, 16, "/%u", p->index);
}

void fill_queue(struct log_partition *p)
{
    struct log *log = p->log;

    if (p->fill_queued)
        return;
    p->fill_queued = true;
    p->fill_next = NULL;
    if (log->fill_last)
        log->fill_last->fill_next = p;
    else
        log->fill_first = p;
    log->fill_last = p;
}

static struct log_partition *dequeue(struct log *log)
{
    struct log_partition *p = log->fill_first;

    log->fill_first = p->fill_next;
    if (!log->fill_first)
        log->fill_last = NULL;
    p->fill_queued = false;
    return p;
}

void fill_later(struct log *log)
{
    log->fill_not_before = os_mono_ns(log->os) + full_disk_wait_ns;
}

static void fill_failed(struct log *log, enum status st)
{
    if (st == ST_NOSPACE) {
        log->refusing = true;
        log->space_checked = os_mono_ns(log->os);
        fill_later(log);
        return;
    }
    log_fail(log, "writing a partition file failed: %s",
             st == ST_IO ? os_error_text(log->os) : status_text(st));
}

/* ---- filling ---- */

static enum status need_folder(struct log_partition *p, char *folder)
{
    if (p->folder_made)
        return ST_OK;
    char *slash = strrchr(folder, '/');
    *slash = 0;
    enum status st = os_mkdir(p->log->os, folder);
    *slash = '/';
    TRY(st);
    TRY(os_mkdir(p->log->os, folder));
    p->folder_made = p->folder_fresh = true;
    return ST_OK;
}

static enum status new_segment(struct log_partition *p, struct segment_place at, int64_t base)
{
    struct segment *seg;

    TRY(segment_create(at, base, 0, &seg));
    partition_add_segment(p, seg);
    retain_partition(p);
    return ST_OK;
}

/* The greatest timestamp of the tail's nth batch; -1: none. */
static int64_t item_timestamp(const struct log_partition *p, uint32_t n)
{
    struct batch_header h;

    return batch_header_parse(tail_item_bytes(tail_at(&p->tail, n)), &h) == ST_OK ? h.max_timestamp : -1;
}

/* As Kafka counts segment.ms: by the records' own time, so that old records that are written today go by
 * themselves when their time comes. */
static bool is_later(const struct log_partition *p, int64_t first_ms, int64_t timestamp_ms)
{
    return first_ms >= 0 && timestamp_ms >= 0 && timestamp_ms - first_ms > p->topic->info.options.segment_ms;
}

/* How many items, from the first, may go in one write to a segment that begins at first_ms, and their bytes. */
static uint32_t gather(const struct log_partition *p, uint64_t room, int64_t first_ms, size_t *bytes)
{
    uint32_t n = 0;

    *bytes = 0;
    while (n < p->tail.count) {
        const struct tail_item *item = tail_at(&p->tail, n);
        if (tail_item_end_lsn(item) > p->log->durable_lsn && !LOG_BUG(fill_early))
            break;
        if (n > 0 && (*bytes + item->len > FILL_BYTES || *bytes + item->len > room ||
                      item->len >= FILL_ALONE || tail_at(&p->tail, 0)->len >= FILL_ALONE ||
                      item->base != tail_item_last(tail_at(&p->tail, n - 1)) + 1 ||
                      is_later(p, first_ms, item_timestamp(p, n))))
            break;
        *bytes += item->len;
        n++;
    }
    return n;
}

static enum status write_items(struct log_partition *p, struct segment_place at,
                               struct segment *seg, uint32_t n, size_t bytes)
{
    if (n == 1)
        return segment_append(seg, at, tail_item_bytes(tail_at(&p->tail, 0)));
    struct slab *slab = slab_create_sized(&p->log->pool, bytes);
    for (uint32_t i = 0; i < n; i++) {
        struct bytes batch = tail_item_bytes(tail_at(&p->tail, i));
        memcpy(slab->data + slab->used, batch.ptr, batch.len);
        slab->used += (uint32_t)batch.len;
    }
    enum status st = segment_append(seg, at, bytes_of(slab->data, bytes));
    slab_release(slab);
    return st;
}

static void note_unsynced(struct log_partition *p)
{
    const struct tail_item *first = tail_at(&p->tail, 0);
    struct wal_position *oldest = p->syncing ? &p->unsynced_beside : &p->unsynced;

    if (oldest->lsn == 0)
        *oldest = (struct wal_position){tail_item_lsn(first), first->slab->lap};
    if (!p->sync_queued) {
        p->sync_queued = true;
        p->sync_next = p->log->sync_first;
        p->log->sync_first = p;
    }
}

static enum status fill_slice(struct log_partition *p)
{
    char folder[OS_PATH_MAX + 64];
    struct segment_place at = {p->log->os, folder, &p->log->files};
    const struct tail_item *first = tail_at(&p->tail, 0);
    struct segment *seg = p->segments_count ? p->segments[p->segments_count - 1] : NULL;
    uint64_t max = p->topic->info.options.segment_bytes;
    size_t bytes;

    partition_folder(p, folder);
    TRY(need_folder(p, folder));
    bool full = seg && seg->bytes > 0 && seg->bytes + first->len > max;
    /* Offsets that damage took are missing between files, not within one: there a batch that is not
     * where the one before it ends is damage itself. */
    bool gap = seg && seg->end != first->base;
    int64_t first_ms = item_timestamp(p, 0);
    bool over = !seg || full || gap || seg->closed || seg->end <= p->start; /* one below the start may be gone */
    if (!over) {
        TRY(segment_need_first(seg, at));
        over = seg->bytes > 0 && is_later(p, seg->first_timestamp, first_ms);
    }
    if (over) {
        TRY(new_segment(p, at, first->base));
        seg = p->segments[p->segments_count - 1];
    }
    if (seg->bytes > 0)
        first_ms = seg->first_timestamp;
    uint32_t n = gather(p, max > seg->bytes ? max - seg->bytes : 0, first_ms, &bytes);
    if (n == 0)
        return ST_OK;
    TRY(write_items(p, at, seg, n, bytes));
    note_unsynced(p);
    p->log->stats.filled_bytes += bytes;
    for (uint32_t i = 0; i < n; i++)
        partition_drop_first(p);
    return ST_OK;
}

static bool fillable(const struct log_partition *p, uint64_t upto_lsn)
{
    return !p->topic->deleted && p->tail.count &&
           (LOG_BUG(fill_early) ||
            tail_item_end_lsn(tail_at(&p->tail, 0)) <= p->log->durable_lsn) &&
           tail_item_lsn(tail_at(&p->tail, 0)) < upto_lsn;
}

/* One slice for the first partition that has something below the LSN; false: none has. Those that
 * have not are taken out of the queue only when their tail is empty. */
bool fill_some(struct log *log, uint64_t upto_lsn)
{
    struct log_partition *last = log->fill_last;

    while (log->fill_first) {
        struct log_partition *p = dequeue(log);
        if (fillable(p, upto_lsn)) {
            enum status st = fill_slice(p);
            if (p->tail.count)
                fill_queue(p);
            if (st != ST_OK)
                fill_failed(log, st);
            return st == ST_OK;
        }
        if (!p->topic->deleted && p->tail.count)
            fill_queue(p);
        if (p == last)
            return false;
    }
    return false;
}

static bool may_fill(struct log *log)
{
    if (log->fill_not_before == 0)
        return true;
    if (os_mono_ns(log->os) < log->fill_not_before)
        return false;
    log->fill_not_before = 0;
    return true;
}

/* So many bytes wait before filling begins. */
static uint64_t fill_begins(const struct log *log)
{
    uint64_t wal = log->options.wal_bytes_max / 16, memory = log->options.memory_bytes_max / 8;
    uint64_t much = wal < memory ? wal : memory;

    return much < FILL_BEGINS ? much : FILL_BEGINS;
}

/* Whether so many times as much waits as makes filling begin. Where batches are small a block of 4 KiB holds one: what
 * they hold in memory is not their bytes, but the run of the WAL. */
static bool much_waits(const struct log *log, uint64_t times)
{
    uint64_t span = log->options.memory_bytes_max / 4 < FILL_SPAN ? log->options.memory_bytes_max / 4 : FILL_SPAN;
    uint64_t since = log->filled_lsn > log->from[0].lsn ? log->filled_lsn : log->from[0].lsn;

    return log->unfilled_bytes > times * fill_begins(log) || log->durable_lsn - since > times * span;
}

/* One slice; false: nothing is left that may be filled, or the disk refuses. */
static bool fill_next(struct log *log)
{
    uint64_t durable = log->durable_lsn;

    if (fill_some(log, UINT64_MAX))
        return true;
    if (may_fill(log))
        log->filled_lsn = durable;
    return false;
}

/* While the helper syncs: a disk that is slow would else have all that comes in meanwhile wait in memory. What is
 * little waits: a write to a file that is being synced may be held up, and the answers with it. */
static bool fill_beside_cut(struct log *log)
{
    for (uint32_t slices = 0; much_waits(log, 2) && slices < FILL_SLICES; slices++)
        if (!fill_next(log))
            return false;
    return much_waits(log, 2);
}

bool fill_work(struct log *log)
{
    uint64_t bound = log->options.wal_bytes_max;

    if (!may_fill(log))
        return false;
    if (log->cut != CUT_NONE)
        return cut_work(log) || (log->cut_piece && fill_beside_cut(log));
    /* A second snapshot moves the older start too; else a full WAL would stay full. */
    bool stuck = log->wal_full && log->from[1].lsn < log->durable_lsn;
    if (log->durable_lsn - log->from[0].lsn > bound / 4 || stuck) {
        cut_begin(log);
        return true;
    }
    log->filling |= much_waits(log, 1);
    /* One slice, that others may have their turn; more when producers bring more than that in a turn: memory is
     * not to grow with what comes in. */
    uint32_t slices = 0;
    do
        log->filling = log->filling && fill_next(log);
    while (log->filling && much_waits(log, 2) && ++slices < FILL_SLICES);
    return log->filling;
}

/* Each is a file and its folder to make and to sync, a ms or more: a stop is not to take half a minute for what the
 * next opening reads from the WAL in as much time as from files. */
static bool too_many_wait(const struct log *log)
{
    uint32_t many = 0;

    for (const struct log_partition *p = log->fill_first; p && many <= CLOSE_FILES; p = p->fill_next)
        many++;
    return many > CLOSE_FILES;
}

void fill_all(struct log *log)
{
    cut_finish(log); /* one that is under way */
    log->fill_not_before = 0;
    if (too_many_wait(log))
        return;
    while (fill_some(log, UINT64_MAX))
        ;
    /* Twice: then the older snapshot needs no more of the WAL than the newer one. */
    for (int i = 0; i < 2 && !log->failure[0] && !log->fill_not_before; i++) {
        cut_begin(log);
        cut_finish(log);
    }
}
