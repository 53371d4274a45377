/* Opening, closing, flushing. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "store/log/identity.h"
#include "store/log/state.h"

enum { FLUSH_SLICES = 8 };
enum { SLAB_BYTES = 1024 * 1024, FILE_BYTES_MIN = 64 * 1024, FILE_BYTES_MAX = 16 * 1024 * 1024 };

/* ---- failing ---- */

void log_fail(struct log *log, const char *format, ...)
{
    va_list args;

    if (log->failure[0])
        return; /* the first is the cause */
    va_start(args, format);
    vsnprintf(log->failure, sizeof(log->failure), format, args);
    va_end(args);
}

const char *log_failure(const struct log *log)
{
    return log->failure[0] ? log->failure : NULL;
}

/* ---- opening ---- */

uint32_t log_wal_file_bytes(const struct log *log)
{
    uint64_t bytes = log->options.wal_bytes_max / 32;

    if (bytes < FILE_BYTES_MIN)
        bytes = FILE_BYTES_MIN;
    if (bytes > FILE_BYTES_MAX)
        bytes = FILE_BYTES_MAX;
    return (uint32_t)(bytes / OS_BLOCK * OS_BLOCK);
}

static void fill_options(struct log_options *o)
{
    if (o->wal_bytes_max == 0)
        o->wal_bytes_max = LOG_WAL_BYTES;
    if (o->segment_bytes == 0)
        o->segment_bytes = LOG_SEGMENT_BYTES;
    if (o->retention_ms == 0)
        o->retention_ms = LOG_RETENTION_MS;
    if (o->retention_bytes == 0)
        o->retention_bytes = -1;
    if (o->message_bytes_max == 0)
        o->message_bytes_max = LOG_MESSAGE_BYTES;
    if (o->memory_bytes_max == 0)
        o->memory_bytes_max = LOG_MEMORY_BYTES;
}

/* A slab is no larger than a quarter of a WAL file, so that little of a file stays unused. */
static uint32_t slab_bytes(const struct log *log)
{
    uint32_t quarter = log_wal_file_bytes(log) / 4 / OS_BLOCK * OS_BLOCK;

    if (log->options.slab_bytes && log->options.slab_bytes < quarter)
        return log->options.slab_bytes / OS_BLOCK * OS_BLOCK;
    return quarter < SLAB_BYTES ? quarter : SLAB_BYTES;
}

/* The folder the directory stands in; its name is to survive a power cut too. */
static enum status sync_parent(struct os *os, const char *dir)
{
    char parent[OS_PATH_MAX];

    snprintf(parent, sizeof(parent), "%s", dir);
    size_t len = strlen(parent);
    while (len > 1 && parent[len - 1] == '/')
        parent[--len] = 0;
    char *slash = strrchr(parent, '/');
    if (!slash)
        return os_sync_dir(os, ".");
    slash[slash == parent] = 0;
    return os_sync_dir(os, parent);
}

static enum status lock_directory(struct log *log, struct diag *diag)
{
    char path[OS_PATH_MAX + 8];

    enum status st = os_mkdir(log->os, log->dir);
    if (st == ST_OK)
        st = sync_parent(log->os, log->dir);
    if (st != ST_OK)
        return diag_set(diag, st, DIAG_STATE, "cannot make the data directory %s: %s", log->dir,
                        st == ST_IO ? os_error_text(log->os) : status_text(st));
    snprintf(path, sizeof(path), "%s/lock", log->dir);
    st = os_file_open(log->os, path, OS_WRITE | OS_CREATE | OS_LOCK, &log->lock);
    if (st == ST_AGAIN)
        return diag_set(diag, ST_AGAIN, DIAG_STATE, "another process has %s open", log->dir);
    if (st != ST_OK)
        return diag_set(diag, st, DIAG_STATE, "cannot open %s: %s", path, os_error_text(log->os));
    return ST_OK;
}

/* Noted before anything of this life: the epoch tells clients that the log may have been cut. */
static enum status raise_epoch(struct log *log)
{
    uint8_t payload[8];

    log->leader_epoch++;
    store_u64_le(payload, (uint64_t)log->leader_epoch);
    TRY(log_write_entry(log, &(struct wal_entry){.type = WAL_OPEN, .payload = bytes_of(payload, 8)},
                        NULL));
    return log_flush(log);
}

static void on_helped(void *context)
{
    struct log *log = context;

    if (log->on_work)
        log->on_work(log->on_work_context);
}

void log_on_work(struct log *log, os_wake_fn *fn, void *context)
{
    log->on_work = fn;
    log->on_work_context = context;
}

static enum status open_directory(struct log *log, struct diag *diag)
{
    TRY(lock_directory(log, diag));
    os_helper_open(log->os, "quickwater-log", on_helped, log, &log->helper);
    os_helper_open(log->os, "quickwater-wal", on_helped, log, &log->wal_helper);
    os_helper_open(log->os, "quickwater-read", on_helped, log, &log->read_helper);
    TRY(identity_open(log->os, log->dir, log->cluster_id, &log->salt, diag));
    TRY(log_recover(log, diag));
    enum status st = raise_epoch(log);
    if (st != ST_OK)
        return diag_set(diag, st, DIAG_STATE, "cannot write to the log in %s: %s", log->dir,
                        log->failure[0] ? log->failure : status_text(st));
    return ST_OK;
}

void log_forget(struct log *log)
{
    compact_forget(log, NULL);
    topics_deinit(log);
    kv_deinit(&log->kv);
    log->fill_first = log->fill_last = log->sync_first = log->cut_first = NULL;
    log->sweep = false;
}

void log_free(struct log *log)
{
    if (log->helper)
        os_helper_close(log->helper);
    if (log->wal_helper)
        os_helper_close(log->wal_helper);
    if (log->read_helper)
        os_helper_close(log->read_helper);
    warm_abandon(log);
    cut_abandon(log);
    log_forget(log);
    wal_close(log->wal);
    if (log->lock)
        os_file_close(log->lock);
    slab_pool_deinit(&log->pool);
    free(log);
}

struct log *log_create(struct os *os, const char *dir, const struct log_options *options)
{
    struct log *log = xcalloc(1, sizeof(*log));

    log->os = os;
    if (dir)
        snprintf(log->dir, sizeof(log->dir), "%s", dir);
    if (options)
        log->options = *options;
    fill_options(&log->options);
    log->interval_deadline = log->retention_deadline = INT64_MAX;
    log->tails_at = os_mono_ns(os) + LOG_TAILS_MS * 1000000ll;
    slab_pool_init(&log->pool, slab_bytes(log));
    map_init(&log->names);
    map_init(&log->ids);
    return log;
}

enum status log_open(struct os *os, const char *dir, const struct log_options *options,
                     struct log **out, struct diag *diag)
{
    CHECK_IF(!dir, options && options->in_memory);
    struct log *log = log_create(os, dir, options);
    enum status st = ST_OK;
    if (log->options.in_memory) {
        os_random(os, log->cluster_id, LOG_ID_BYTES);
        log->leader_epoch = 1;
    } else if (strlen(dir) >= OS_PATH_MAX - 128) {
        st = diag_set(diag, ST_INVALID, DIAG_VALUE, "the data directory's path is too long");
    } else {
        st = open_directory(log, diag);
    }
    if (st != ST_OK) {
        log_free(log);
        return st;
    }
    *out = log;
    return ST_OK;
}

void log_close(struct log *log)
{
    if (!log)
        return;
    if (log->wal && log_flush_all(log) == ST_OK)
        fill_all(log);
    log_free(log);
}

const char *log_directory(const struct log *log)
{
    return log->wal ? log->dir : NULL;
}

int32_t log_leader_epoch(const struct log *log)
{
    return log->leader_epoch;
}

void log_cluster_id(const struct log *log, char out[23])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    int have = 0, n = 0;

    for (int i = 0; i < LOG_ID_BYTES; i++) {
        bits = bits << 8 | log->cluster_id[i];
        for (have += 8; have >= 6; have -= 6)
            out[n++] = digits[bits >> (have - 6) & 63];
    }
    out[n++] = digits[bits << (6 - have) & 63];
    CHECK(n == 22);
    out[n] = 0;
}

/* ---- entries of ours ---- */

enum status log_write_entry(struct log *log, const struct wal_entry *entry, uint64_t *lsn)
{
    struct wal_slot slot;

    if (lsn)
        *lsn = 0;
    if (log->failure[0])
        return ST_IO;
    if (!log->wal)
        return ST_OK;
    enum status st = wal_reserve(log->wal, entry->payload.len, &slot);
    if (st == ST_IO)
        log_fail(log, "cannot make a file of the write-ahead log: %s", os_error_text(log->os));
    TRY(st);
    if (entry->payload.len)
        memcpy(slot.at + WAL_ENTRY_HEADER, entry->payload.ptr, entry->payload.len);
    wal_entry_seal(slot.at, entry);
    log_want(log, slot.end_lsn);
    if (lsn)
        *lsn = slot.end_lsn;
    return ST_OK;
}

/* ---- the order ---- */

uint64_t log_end_lsn(const struct log *log)
{
    return log->wal ? wal_end_lsn(log->wal) : 0;
}

uint64_t log_durable_lsn(const struct log *log)
{
    return log->durable_lsn;
}

static enum status write_and_sync(struct log *log)
{
    int64_t began = os_mono_ns(log->os);
    enum status st = wal_flush(log->wal);
    log->synced_ns = os_mono_ns(log->os);
    uint64_t took = (uint64_t)(log->synced_ns - began);

    log->stats.syncs++;
    log->stats.sync_ns_total += took;
    if (took > log->stats.sync_ns_max)
        log->stats.sync_ns_max = took;
    if (st != ST_OK) {
        log_fail(log, "a write or sync of the write-ahead log failed: %s",
                 st == ST_IO ? os_error_text(log->os) : status_text(st));
        return ST_IO;
    }
    return ST_OK;
}

/* Everything that is appended may be shown now. */
static void show_touched(struct log *log)
{
    while (log->touched) {
        struct log_partition *p = log->touched;
        log->touched = p->touched_next;
        p->touched = false;
        if (p->topic->deleted || p->durable == p->end)
            continue;
        partition_shown(p, p->end);
        if (p->watchers[LOG_ON_DURABLE])
            log_fire(p, LOG_ON_DURABLE);
    }
}

static bool sync_is_due(const struct log *log)
{
    if (log->wanted_lsn > log->durable_lsn)
        return true;
    if (wal_bytes_unwritten(log->wal) > log->options.memory_bytes_max / 8)
        return true;
    return log->interval_deadline != INT64_MAX && os_mono_ns(log->os) >= log->interval_deadline;
}

void log_measure_wal(struct log *log)
{
    log->wal_full = wal_end_lsn(log->wal) - log->from[1].lsn > log->options.wal_bytes_max;
}

#ifdef QW_SLOW_CHECKS
struct log_bugs log_bugs;
#endif

static enum status flush(struct log *log)
{
    if (LOG_BUG(release_early))
        log->durable_lsn = wal_end_lsn(log->wal);
    enum status st = write_and_sync(log);

    if (st == ST_OK) {
        log->durable_lsn = wal_synced_lsn(log->wal);
        log->interval_deadline = INT64_MAX;
        log_measure_wal(log);
        show_touched(log);
    }
    log_release_waiters(log);
    return st;
}

enum status log_flush_all(struct log *log)
{
    if (log->failure[0])
        return ST_IO;
    return log->durable_lsn == wal_end_lsn(log->wal) ? ST_OK : flush(log);
}

/* Who appends faster than the background can fill pays for it, before a bound refuses him. */
static void work_when_behind(struct log *log)
{
    uint64_t behind = wal_end_lsn(log->wal) - log->from[1].lsn;

    if (behind <= log->options.wal_bytes_max / 4 * 3 &&
        log->pool.bytes <= log->options.memory_bytes_max / 2)
        return;
    for (int i = 0; i < FLUSH_SLICES; i++) {
        cut_wait(log);
        if (!fill_work(log) && !log->cut_piece)
            break;
    }
}

enum status log_flush(struct log *log)
{
    if (!log->wal)
        return ST_OK;
    if (log->failure[0]) {
        log_release_waiters(log);
        return ST_IO;
    }
    if (log->durable_lsn == wal_end_lsn(log->wal) || !sync_is_due(log))
        return ST_OK;
    enum status st = flush(log);
    if (st == ST_OK)
        work_when_behind(log);
    return st;
}

bool log_work(struct log *log)
{
    warm_work(log);
    if (log->failure[0])
        return false;
    bool more = false;
    if (log->wal) {
        wal_work(log->wal);
        more = fill_work(log);
        if (!more && log->cut == CUT_NONE) /* while it syncs, segments stay as they are */
            more = compact_sweep(log) || compact_work(log);
    }
    return retain_work(log) || more;
}

void log_settle(struct log *log)
{
    do
        cut_wait(log);
    while (log_work(log) || (log->cut_piece && !log->failure[0]));
}

int64_t log_deadline_ns(const struct log *log)
{
    int64_t at = log->interval_deadline < log->retention_deadline ? log->interval_deadline
                                                                  : log->retention_deadline;

    return log->compact_at && log->compact_at < at ? log->compact_at : at;
}

uint64_t log_memory_left(const struct log *log)
{
    uint64_t max = log->options.memory_bytes_max;

    return max > log->pool.bytes ? max - log->pool.bytes : 0;
}

bool log_memory_tight(const struct log *log)
{
    return log_memory_left(log) < log->options.memory_bytes_max / 4;
}

void log_stats(const struct log *log, struct log_stats *out)
{
    *out = log->stats;
    out->tail_bytes = log->pool.bytes;
    out->free_bytes = log->free_bytes;
    out->disk_bytes = log->disk_bytes;
    out->refusing = log->refusing;
    if (log->wal) {
        out->wal_bytes = wal_bytes(log->wal);
        out->blocks_written = wal_blocks(log->wal);
    }
}
