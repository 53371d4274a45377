/* state.h: what the files of this folder share: the log, its topics and partitions. Nobody outside
 * the folder includes it.
 *
 * A partition's records lie in two places, oldest first: its segments hold [start, tail's first),
 * the tail (memory, and the WAL) the rest. The border moves as log_work fills segments.
 *
 *   start ≤ … segments … ≤ filled ≤ … tail … ≤ end          durable ≤ end
 *
 * Layer: store.   Threads: those of one shard.
 */
#ifndef QW_STORE_LOG_STATE_H
#define QW_STORE_LOG_STATE_H

#include "base/buf.h"
#include "base/map.h"
#include "store/log/bugs.h"
#include "store/log/compact.h"
#include "store/log/entry.h"
#include "store/log/epochs.h"
#include "store/log/kv.h"
#include "store/log/log.h"
#include "store/log/markers.h"
#include "store/log/producers.h"
#include "store/log/segment.h"
#include "store/log/slab.h"
#include "store/log/tail.h"
#include "store/log/wal.h"
#include "wire/kafka/batch.h"

enum {
    LOG_EPOCH_MAX = 0x3FFFFFFF,
    LOG_NUMBERS_MAX = 1 << 22,         /* topics ever made in a directory */
    LOG_TAILS_MS = 300000,             /* retention of what is in no segment yet */
    LOG_INTERVAL_MS = 1000,            /* LOG_INTERVAL is synced that often */
    LOG_PRODUCER_IDS_STEP = 1000,      /* given away at a time */
    WAL_FIRST_BYTES = 4 * 1024 * 1024, /* of the first WAL file */
};

struct log_pin {
    struct log_pin *next;
    int64_t offset;
    size_t owner_len;
    char owner[];
};

struct log_partition {
    struct log *log;
    struct log_topic *topic;
    uint32_t index;
    int64_t start, end;
    int64_t durable;           /* one past the last offset that may be shown */
    int64_t cleaned;           /* compaction has been over all below */
    int64_t known_end;         /* a snapshot has said that records up to here were there */
    int64_t staged_end;        /* while an entry is being committed: where its next part goes */
    struct segment **segments; /* by offset; only the last one is written */
    uint32_t segments_count, segments_cap;
    struct tail tail;
    struct wal_position unsynced; /* of the oldest batch in a segment that is not synced; 0: none */
    struct wal_position unsynced_beside; /* likewise, of what was filled since the helper has the segments to sync */
    int64_t synced_end;           /* the segments have all below this, synced */
    bool folder_made, folder_fresh;
    bool fill_queued, sync_queued;
    bool syncing; /* the helper has its segments */
    struct log_partition *fill_next, *sync_next;
    struct slab *memory; /* of a MEMORY topic: being written, held */
    struct producers producers;
    struct epochs epochs;
    struct markers markers;
    struct log_watcher *watchers[LOG_EVENTS];
    struct log_pin *pins;
    struct log_partition *touched_next;
    bool touched; /* in the log's list: durable < end until the next flush */
};

struct log_topic {
    struct log *log;
    struct log_topic_info info;
    uint32_t number; /* in the WAL; never used again */
    bool files_left; /* deleted, and its folder is still there */
    bool deleted;    /* kept, empty, until log_close: watchers and entries may still point here */
    struct log_partition **partitions;
    struct log_topic *next, *prev; /* in order of creation */
    char name[LOG_NAME_MAX + 1];
};

struct log {
    struct os *os;
    char dir[OS_PATH_MAX];
    struct log_options options; /* defaults filled in */
    struct os_file *lock;
    uint8_t cluster_id[LOG_ID_BYTES];
    uint64_t salt;
    int32_t leader_epoch;
    struct slab_pool pool;
    struct segment_files files;
    struct wal *wal; /* NULL: in memory */
    struct os_helper *helper, *wal_helper; /* two, for a new file of the WAL is urgent */
    struct os_helper *read_helper;         /* what is read of the past */
    struct warm_piece *warm_first, *warm_last; /* given to it, in order */
    uint32_t warm_count;
    int64_t synced_ns;         /* os_mono_ns after the last sync of the WAL */
    os_wake_fn *on_work;
    void *on_work_context;
    char failure[256];

    struct kv kv;
    struct map names, ids;        /* of topics that are not deleted */
    struct log_topic **by_number; /* [0 .. numbers_count); NULL or deleted ones too */
    uint32_t numbers_count, numbers_cap;
    struct log_topic *first, *last;
    int64_t producer_id_next, producer_ids_reserved;
    uint64_t producer_ids_lsn; /* of the last reservation */
    uint32_t group;            /* the last one used */

    uint64_t durable_lsn;
    uint64_t wanted_lsn;       /* somebody waits for a sync up to here */
    int64_t interval_deadline; /* a sync for LOG_INTERVAL topics; INT64_MAX: none due */
    struct log_partition *touched;
    struct log_waiter *waiters_first, *waiters_last; /* by LSN */
    struct log_watcher *watch_cursor; /* the next to be called, while watchers are being called */

    bool wal_full; /* producers wait until some of it is cut */
    struct log_partition *fill_first, *fill_last, *sync_first;
    struct log_partition *cut_first; /* what the cut has still to sync */
    uint64_t unfilled_bytes; /* in the tails of partitions that have segments */
    int64_t fill_not_before; /* the disk was full: os_mono_ns to wait for; 0 */
    bool filling;            /* until the queue is empty */
    uint64_t filled_lsn;     /* all below it was filled when the queue was last empty */
    enum { CUT_NONE, CUT_FILL, CUT_SYNC, CUT_SNAPSHOT } cut;
    uint64_t cut_target;         /* LSN to fill up to */
    struct cut_piece *cut_piece; /* with the helper; NULL: nothing is */
    struct wal_position
        from[2];                /* where recovery starts, by the last snapshot and the one before */
    uint64_t snapshots;         /* written since the opening */
    int64_t retention_deadline; /* os_mono_ns; INT64_MAX: nothing expires */
    int64_t tails_at;           /* os_mono_ns from which on a look takes in the tails */
    int64_t compact_at; /* os_mono_ns of the next look; 0: nothing to look for */
    struct compaction *compaction;
    struct retired *retired;
    bool sweep;
    uint64_t sweep_lsn;

    bool refusing;         /* the disk is below its reserve */
    int64_t space_checked; /* os_mono_ns of the last look */
    uint64_t space_budget; /* bytes that may be appended before the next look */
    uint64_t free_bytes, disk_bytes; /* as of that look */
    struct log_stats stats;
    uint64_t damages;
};

/* ---- log.c ---- */
struct log *log_create(struct os *os, const char *dir,
                       const struct log_options *options); /* empty */
void log_free(struct log *log);
void log_fail(struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_forget(struct log *log);                      /* topics, facts: empty again */
enum status log_flush_all(struct log *log) MUST_CHECK; /* INTERVAL topics too */
void log_measure_wal(struct log *log);                 /* whether producers must wait */
uint32_t log_wal_file_bytes(const struct log *log);
/* An entry of ours that is no batch; lsn may be NULL. Applies nothing. */
enum status log_write_entry(struct log *log, const struct wal_entry *entry,
                            uint64_t *lsn) MUST_CHECK;
/* What the sync of lsn is wanted for is somebody who waits. */
static inline void log_want(struct log *log, uint64_t lsn)
{
    if (lsn > log->wanted_lsn)
        log->wanted_lsn = lsn;
}

/* ---- topics.c ---- */
void topic_defaults(const struct log *log, struct log_topic_options *options);
/* Makes the topic in memory; number as in the WAL. */
struct log_topic *topic_add(struct log *log, uint32_t number, const struct wal_topic *wal_topic);
void topic_drop(struct log *log, struct log_topic *topic);
struct log_topic *topic_by_number(const struct log *log, uint32_t number);
void topics_deinit(struct log *log);
void topics_reserve_numbers(struct log *log, uint32_t count); /* below it none is given again */

struct log_partition *topic_extend(struct log_topic *t); /* one partition more */

/* ---- fill.c ---- */
void fill_queue(struct log_partition *p); /* its tail has something for its segments */
bool fill_work(struct log *log);          /* a slice of filling or cutting; true: there is more */
/* One slice for the first partition that has something below the LSN; false: none has. */
bool fill_some(struct log *log, uint64_t upto_lsn);
void fill_later(struct log *log); /* the disk is full: not for a while */
/* Fills, syncs and cuts all there is, as far as the disk lets it, and nothing where more than a thousand partitions wait:
 * the WAL has it anyway. What is appended must be durable. */
void fill_all(struct log *log);
void partition_folder(const struct log_partition *p, char folder[OS_PATH_MAX + 64]);

/* ---- cut.c ---- */
void cut_begin(struct log *log);
bool cut_work(struct log *log); /* a slice; false: it is over, or a piece of work is the helper's */
void cut_wait(struct log *log); /* for that piece */
void cut_finish(struct log *log);
void cut_abandon(struct log *log); /* the log has failed: what the helper did is not noted */

/* ---- snapshot.c ---- */
/* Everything but the batches, as of the durable end; from: where recovery will start. */
void snapshot_save(const struct log *log, struct wal_position from, struct buf *payload);
/* That, made a file in its place, in steps counted from 0. Any thread. */
enum { SNAPSHOT_STEPS = 3 };
enum status snapshot_put(struct os *os, const char *dir, struct bytes payload, int step) MUST_CHECK;
struct snapshot_found {
    bool found, fell_back;                 /* the newest was damaged, the one before it was taken */
    uint64_t lsn;                          /* what stands below is in it */
    struct wal_position from, from_before; /* of this one; of the one before it */
};
/* Fills an empty log. ST_CORRUPT: there are snapshots, and none can be read. */
enum status snapshot_load(struct log *log, struct snapshot_found *out) MUST_CHECK;

/* ---- retain.c ---- */
bool retain_work(struct log *log); /* retention when it is due, files of the deleted; true: more */
void retain_partition(struct log_partition *p);
/* Moves the start, durably; no pin is asked. */
enum status partition_trim(struct log_partition *p, int64_t before, uint64_t *lsn) MUST_CHECK;
void retain_soon(struct log *log);        /* there is something that may expire */
/* Records in no segment may expire: the next look in its time, or at once, takes them in. */
void retain_tails(struct log *log, bool at_once);
void retain_sweep_later(struct log *log); /* files below a start, or of a deleted topic, can go */
void retain_remove_strangers(struct log *log); /* folders of topics that nobody knows */

/* ---- append.c ---- */
static inline bool partition_is_memory(const struct log_partition *p)
{
    return p->topic->info.options.durability == LOG_MEMORY;
}
void partition_touch(struct log_partition *p);

/* ---- space.c ---- */
/* Whether the disk's reserve is left alone by so many bytes more. */
bool log_space_allows(struct log *log, size_t bytes);

/* ---- warm.c ---- */
void warm_work(struct log *log);    /* tells those whose piece is done */
void warm_abandon(struct log *log); /* the helper is closed */

/* ---- read.c ---- */
int64_t partition_bound(const struct log_partition *p, enum log_bound bound);
struct segment *partition_segment(const struct log_partition *p, int64_t offset); /* NULL: the tail has it */

/* ---- wait.c ---- */
void log_fire(struct log_partition *p, enum log_event event);
void log_release_waiters(struct log *log); /* up to durable_lsn; all, when the log has failed */

/* ---- partition.c ---- */
void partition_push(struct log_partition *p, struct tail_item item);
void partition_drop_first(struct log_partition *p); /* of the tail */
void partition_add_segment(struct log_partition *p, struct segment *seg);
void partition_drop_below(struct log_partition *p, int64_t start); /* whole batches, in memory */
int64_t partition_pinned(const struct log_partition *p); /* the least pin; INT64_MAX: none */
int64_t partition_filled(const struct log_partition *p); /* where the tail begins */
uint64_t partition_bytes(const struct log_partition *p);
void partition_deinit(struct log_partition *p);
/* A marker stands at offset, durable or not. */
void partition_end_transaction(struct log_partition *p, const struct batch_header *h,
                               enum control_type type);
void partition_shown(struct log_partition *p, int64_t durable); /* all below may be shown */

/* ---- recover.c ---- */
enum status log_recover(struct log *log, struct diag *diag) MUST_CHECK;
/* The same into a log that only reads: no WAL is opened, nothing is written. */
enum status log_recover_reading(struct log *log, const struct wal_damage_sink *sink) MUST_CHECK;

#endif
