/* log.h: topics, partitions and the one order of everything: the write-ahead log of a data
 * directory.
 *
 * Everything enters and leaves through here. What is appended gets its offsets at once, in the one
 * order of the write-ahead log (WAL); it is durable, and only then acknowledged, shown or released,
 * once log_flush has synced past its LSN. An entry of several parts (a tick: its note, its results)
 * is atomic: after a crash all of it is there, or none.
 *
 * The interface names no file: a second implementation on a Kafka cluster must fit
 * (docs/design/002-log-on-kafka.md says how each call maps).
 *
 * Owns:    all it hands out but views, which are retained until log_view_release.
 * Threads: those of one shard; the other shards send it their entries.
 * Errors:  ST_NOSPACE: the disk's low-water mark or a bound is reached, try later (retriable);
 *          ST_IO: after a failed write or sync the log refuses all further appends and says why
 *          (log_failure); ST_INVALID: the batch is not a batch (diag); ST_CORRUPT on reading.
 * Layer:   store.
 */
#ifndef QW_STORE_LOG_LOG_H
#define QW_STORE_LOG_LOG_H

#include "base/bytes.h"
#include "base/diag.h"
#include "os/os.h"

struct log;
struct log_topic;     /* one name; valid until log_topic_delete of it, or log_close */
struct log_partition; /* belongs to its topic */

enum {
    LOG_NAME_MAX = 249, /* of a topic: Kafka's bound */
    LOG_ID_BYTES = 16,
    LOG_PARTITIONS_MAX = 10000, /* of one topic */
};

enum {
    LOG_WAL_BYTES = 512 << 20,
    LOG_MEMORY_BYTES = 512 << 20,
    LOG_SEGMENT_BYTES = 1 << 30,
    LOG_RETENTION_MS = 7 * 24 * 3600 * 1000,
    LOG_MESSAGE_BYTES = 1048588, /* as Kafka has it */
    LOG_TOMBSTONE_MS = 24 * 3600 * 1000,
    LOG_TIMESTAMP_AFTER_MS = 3600 * 1000,
    LOG_DIRTY_PERMILLE = 500,
};

struct log_options {
    uint64_t wal_bytes_max;      /* 0: LOG_WAL_BYTES */
    /* What topics are made with that do not say; 0: the defaults above. */
    uint64_t segment_bytes;
    int64_t retention_ms, retention_bytes; /* -1: for ever, no bound */
    uint32_t message_bytes_max;
    uint64_t disk_reserve_bytes; /* appends of producers are refused below this much free space;
                                    0: the default, 256 MiB or a 20th of the disk, the lesser */
    uint64_t memory_bytes_max;   /* unfilled tails and memory topics; 0: LOG_MEMORY_BYTES */
    uint32_t slab_bytes;         /* a block of the WAL is sealed at this size; 0: 1 MiB, or a quarter of a
                                    WAL file. The simulation's are small: one flush is several writes */
    bool in_memory;              /* no directory at all: every topic is 'memory' */
};

/* Opens or creates a data directory (locked against a second process) and recovers it: when this
 * returns the log serves. dir may be NULL with options->in_memory. */
enum status log_open(struct os *os, const char *dir, const struct log_options *options,
                     struct log **out, struct diag *diag) MUST_CHECK;
void log_close(struct log *log); /* flushes, fills the partition files, cuts the WAL */

/* Why the log refuses appends, or NULL while it does not. */
const char *log_failure(const struct log *log);
const char *log_directory(const struct log *log);   /* NULL: in memory */
int32_t log_leader_epoch(const struct log *log); /* raised by each log_open */
void log_cluster_id(const struct log *log,
                    char out[23]); /* 22 characters of base64, Kafka's form */

/* ---- topics ---- */

enum log_durability { LOG_FSYNC, LOG_INTERVAL, LOG_MEMORY };
enum log_cleanup { LOG_CLEANUP_DELETE = 1, LOG_CLEANUP_COMPACT = 2 }; /* bits */

#define LOG_OPTION_MS_MAX (1ull << 42) /* of the times below: 139 years */

struct log_topic_options {
    enum log_durability durability;
    unsigned cleanup;           /* of enum log_cleanup; 0: DELETE */
    int64_t retention_ms;       /* -1: for ever; 0, here and below: the log's default */
    int64_t retention_bytes;    /* a partition; -1: no bound */
    uint64_t segment_bytes;
    uint32_t message_bytes_max; /* of a batch */
    int64_t segment_ms;         /* of a compacted one: a segment takes no more; 0: 7 days */
    int64_t tombstone_ms;       /* how long compaction keeps a tombstone; 0: a day */
    int64_t compact_lag_ms;     /* what is younger is not compacted; 0: none */
    int64_t compact_lag_ms_max; /* what is older is compacted, dirty or not; 0: no bound */
    uint32_t dirty_permille;    /* compaction begins when so much is new; 0: 500 */
    /* Kept for the face, which holds what clients produce to them. */
    int64_t timestamp_before_ms, timestamp_after_ms; /* from its clock; 0: no bound, an hour */
    uint8_t codec; /* 1 + enum kafka_codec; 0: the producer's */
    bool append_time;           /* message.timestamp.type = LogAppendTime */
    bool internal;              /* ours: not listed to clients, written only by us */
};

struct log_topic_info {
    struct bytes name;
    uint8_t id[LOG_ID_BYTES];
    uint32_t partitions;
    struct log_topic_options options; /* with the defaults filled in */
};

/* ST_EXISTS, ST_INVALID (name or count, with a diag). Durable once *lsn is. lsn may be NULL. */
enum status log_topic_create(struct log *log, struct bytes name, uint32_t partitions,
                             const struct log_topic_options *options, struct log_topic **out,
                             uint64_t *lsn, struct diag *diag) MUST_CHECK;
enum status log_topic_delete(struct log *log, struct log_topic *topic, uint64_t *lsn) MUST_CHECK;
/* Other options from now on; zeros mean the defaults again. What a topic is made of stays:
 * ST_INVALID for another durability where that is or was 'memory', or another `internal`. */
enum status log_topic_configure(struct log *log, struct log_topic *topic,
                                const struct log_topic_options *options, uint64_t *lsn,
                                struct diag *diag) MUST_CHECK;
/* What a topic has that is made with none of them said. */
void log_topic_defaults(const struct log *log, struct log_topic_options *out);
/* More partitions: up to that many in all. ST_INVALID when it has as many or more. They are there
 * at once, empty, and durable once *lsn is; watchers for LOG_ON_EXTEND are called. */
enum status log_topic_extend(struct log *log, struct log_topic *topic, uint32_t partitions,
                             uint64_t *lsn, struct diag *diag) MUST_CHECK;
struct log_topic *log_topic_find(const struct log *log, struct bytes name);
struct log_topic *log_topic_by_id(const struct log *log, const uint8_t id[LOG_ID_BYTES]);
const struct log_topic_info *log_topic_info(const struct log_topic *topic);
/* In order of creation; NULL after the last. The first: log_topic_next(log, NULL). */
struct log_topic *log_topic_next(const struct log *log, const struct log_topic *topic);
/* A valid topic name: 1 to 249 of [a-zA-Z0-9._-], not "." or "..". */
bool log_topic_name_valid(struct bytes name);

struct log_partition *log_partition_of(const struct log_topic *topic, uint32_t index);

struct log_offsets {
    int64_t start;   /* the first that is kept */
    int64_t end;     /* one past the last appended: where the next record goes */
    int64_t durable; /* one past the last that may be shown (all of it, for INTERVAL and MEMORY) */
    int64_t stable;  /* the last stable offset, <= durable: no open transaction below it, none
                        whose end is not durable yet */
    int64_t settled; /* the same of what is appended, <= end: for those whose own writes stand
                        behind what they read in the one order of the log */
    uint64_t bytes;  /* kept */
};
void log_offsets(const struct log_partition *partition, struct log_offsets *out);
/* Of its bytes those that pins hold (log_pin), by whole segments. */
uint64_t log_pinned_bytes(const struct log_partition *partition);

/* Where what the leader epoch wrote ends: the start of the next later epoch that wrote something,
 * or the shown end; *found is the greatest epoch up to the one asked for that wrote something (or
 * that one). False: there was no such epoch. */
bool log_epoch_end(const struct log_partition *partition, int32_t epoch, int32_t *found,
                   int64_t *end);

/* ---- appending ---- */

enum log_sequence {
    LOG_SEQ_NEW,
    LOG_SEQ_DUPLICATE,
    LOG_SEQ_GAP,
    LOG_SEQ_FENCED,
    LOG_SEQ_UNKNOWN,
    LOG_SEQ_TRANSACTION, /* its producer has a transaction open here, and this is no part of it */
};

struct log_appended {
    int64_t base_offset;
    int64_t last_offset;
    int64_t timestamp_ms; /* the append time, or -1 when the topic keeps the producer's */
    int64_t start_offset; /* of the partition */
    uint64_t lsn;         /* durable when log_durable_lsn reaches it; 0 for what needs no wait */
    enum log_sequence
        sequence; /* of an idempotent producer; all but NEW appended nothing: DUPLICATE
                     gives the offsets of the first, the others go with ST_INVALID */
};

/* One batch of records, in Kafka's format v2 (wire/kafka/batch.h): validated, its offset and epoch
 * patched, copied into the WAL. The first transactional one of a producer opens a transaction in
 * the partition; whether the producer may is the caller's to know. */
enum status log_append(struct log *log, struct log_partition *partition, struct bytes batch,
                       struct log_appended *out, struct diag *diag) MUST_CHECK;

/* An atomic entry: parts are collected, offsets are given at the commit. Our own writers may
 * use the disk's reserve. Between begin and commit other appends may come; they stand before it. */
struct log_entry;
struct log_entry *log_entry_begin(struct log *log);
/* The n-th part's offsets are at log_entry_commit's appended[n]. The batch is copied. */
enum status log_entry_append(struct log_entry *entry, struct log_partition *partition,
                             struct bytes batch, struct diag *diag) MUST_CHECK;
/* The end of the producer's transaction in the partition, as a batch of one control record: what it
 * wrote since its first transactional batch counts, or is left out by readers that ask. A higher
 * epoch than the partition knows fences the producer's older ones. Counts as a part. */
enum log_outcome { LOG_ABORT, LOG_COMMIT };
struct log_marker {
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t coordinator_epoch;
    enum log_outcome outcome;
};
enum status log_entry_marker(struct log_entry *entry, struct log_partition *partition,
                             const struct log_marker *marker) MUST_CHECK;
void log_entry_kv(struct log_entry *entry, uint32_t space, struct bytes key, struct bytes value);
enum status log_entry_commit(struct log_entry *entry, struct log_appended *appended,
                             uint64_t *lsn) MUST_CHECK; /* ends the entry, whatever it gives */
void log_entry_abort(struct log_entry *entry);

/* ---- small durable facts: group offsets, statements, positions ---- */

enum log_space {
    LOG_KV_STATEMENTS = 1,
    LOG_KV_GROUPS = 2,
    LOG_KV_JOBS = 3,
    LOG_KV_BRIDGES = 4,
    LOG_KV_CONFIG = 5,
    LOG_KV_HTTP = 6,
    LOG_KV_TRANSACTIONS = 7,
    LOG_KV_TRANSACTION_OFFSETS = 8,
    LOG_KV_SECURITY = 9,
    LOG_KV_CONSUMER_GROUPS = 10,
    LOG_KV_FEATURES = 11,
    LOG_KV_QUOTAS = 12,
    LOG_KV_SCHEMAS = 13,
    LOG_KV_FILES = 14,
    LOG_KV_TEST = 99
};

/* An empty value removes. Kept in memory, in order of key; seen at once, durable at lsn. */
enum status log_kv_put(struct log *log, uint32_t space, struct bytes key, struct bytes value,
                       uint64_t *lsn) MUST_CHECK;
bool log_kv_get(const struct log *log, uint32_t space, struct bytes key, struct bytes *value);
typedef bool log_kv_fn(void *context, struct bytes key, struct bytes value); /* false: stop */
void log_kv_scan(const struct log *log, uint32_t space, struct bytes prefix, log_kv_fn *fn,
                 void *context);

/* What a partition remembers of a producer that has an id. */
struct log_producer {
    int64_t id;
    int16_t epoch;
    int32_t last_sequence;     /* -1: none */
    int64_t last_timestamp_ms; /* of its last batch, by the log's clock; -1: not known */
    int64_t transaction_start; /* the first offset of its open transaction; -1: none */
};
typedef void log_producer_fn(void *context, const struct log_producer *producer);
void log_producers(const struct log_partition *partition, log_producer_fn *fn, void *context);
int16_t log_producer_epoch(const struct log_partition *partition, int64_t id); /* -1: not known */

/* A new producer id, never given twice. */
enum status log_producer_id(struct log *log, int64_t *out, uint64_t *lsn) MUST_CHECK;

/* ---- the order, and waiting for it ---- */

uint64_t log_end_lsn(const struct log *log);     /* of what is appended */
uint64_t log_durable_lsn(const struct log *log); /* of what is synced */

/* Calls fn once, in LSN order, as soon as lsn is durable: inside log_flush, or at once when it is
 * already. failed: the log failed before. The waiter is the caller's memory until then. */
struct log_waiter {
    uint64_t lsn;
    void (*fn)(struct log_waiter *waiter, bool failed);
    struct log_waiter *next, *prev; /* the log's */
};
void log_wait(struct log *log, struct log_waiter *waiter, uint64_t lsn);
void log_wait_cancel(struct log *log, struct log_waiter *waiter);

/* Calls fn whenever the end (LOG_ON_APPEND) or the shown end (LOG_ON_DURABLE) of a partition has
 * moved, until unwatched: at most once a partition a log_flush, or right after an append. It must
 * not append itself: it notes that there is something, and its own turn comes. LOG_ON_EXTEND: its
 * topic has more partitions; to be told once a topic, watch partition 0. */
enum log_event { LOG_ON_APPEND, LOG_ON_DURABLE, LOG_ON_EXTEND };
enum { LOG_EVENTS = LOG_ON_EXTEND + 1 };
struct log_watcher {
    void (*fn)(struct log_watcher *watcher, struct log_partition *partition);
    void *context;
    struct log_watcher *next, *prev; /* the log's */
    struct log_partition *partition; /* the log's */
};
void log_watch(struct log_partition *partition, enum log_event event, struct log_watcher *watcher);
void log_unwatch(struct log_watcher *watcher);

/* Writes what is appended and syncs it, then moves the durable LSN and calls waiters and watchers.
 * Once a pass of the loop, after the ticks. */
enum status log_flush(struct log *log);

/* A slice of background work (filling partition files, cutting the WAL, retention, having WAL files
 * made); true while there is more to do here. What blocks is done by helpers: fn is called, by any
 * thread, when one of them has finished something, and log_work should come again. */
bool log_work(struct log *log);
void log_on_work(struct log *log, os_wake_fn *fn, void *context);
/* All that is due, the helpers' part too: for tests, and before a directory is copied. */
void log_settle(struct log *log);
/* When log_flush or log_work should run though nothing is appended (interval syncs, retention), on
 * os_mono_ns's clock; INT64_MAX: never. */
int64_t log_deadline_ns(const struct log *log);

/* ---- reading ---- */

enum log_bound { LOG_TO_END, LOG_TO_DURABLE, LOG_TO_STABLE };

/* Whole batches, from the one that holds the offset. bytes is one contiguous run. */
struct log_view {
    struct bytes bytes;
    int64_t base_offset; /* of the first batch; may be less than was asked for */
    int64_t next_offset; /* where the next read goes on */
    void *hold;          /* the log's */
    /* log_read_to_send: NULL, or the bytes are in this file, and of `bytes` only the length counts */
    struct os_file *file;
    uint64_t file_pos;
    void *file_hold;
};

/* At least one batch even where it is larger than bytes_max, unless there is none: then ST_OK with
 * no bytes. ST_NOTFOUND: offset below the start or above the end. ST_CORRUPT: damaged there (named
 * in diag). */
enum status log_read(struct log *log, struct log_partition *partition, int64_t offset,
                     size_t bytes_max, enum log_bound bound, struct log_view *out,
                     struct diag *diag) MUST_CHECK;
void log_view_release(struct log_view *view);

/* The same for who passes the bytes on without a look: they may be left in their file. Of what is not in memory
 * at most LOG_SEND_BYTES, but at least a batch. Such a file's batches were looked at once since the opening, or
 * written by us. */
enum { LOG_SEND_BYTES = 1024 * 1024 };
enum status log_read_to_send(struct log_partition *partition, int64_t offset, size_t bytes_max,
                             enum log_bound bound, struct log_view *out, struct diag *diag) MUST_CHECK;

/* True: a read from there waits for no disk, as far as can be told. Else it is being brought into memory, and fn is
 * called once, from log_work, whatever came of it. The warming is the caller's, zeroed but for fn and context. */
struct warm_piece;
struct log_warming {
    void (*fn)(struct log_warming *);
    void *context;
    struct warm_piece *piece; /* waited for */
    struct log_warming *next;
};
bool log_warm(struct log_partition *partition, int64_t offset, size_t bytes_max, enum log_bound bound,
              struct log_warming *warming);
void log_warm_cancel(struct log_warming *warming); /* or it was called already */

/* The aborted transactions that have records in [from, to), in the order they ended: of a producer's
 * batches those in [first, last] are to be left out. */
struct log_aborted {
    int64_t producer_id, first, last;
};
typedef void log_aborted_fn(void *context, const struct log_aborted *aborted);
void log_aborted(const struct log_partition *partition, int64_t from, int64_t to,
                 log_aborted_fn *fn, void *context);

/* The first offset whose timestamp is at or after timestamp_ms, and that timestamp; ST_NOTFOUND
 * when there is none. log_offset_max_timestamp: the record with the greatest. */
enum status log_offset_for_time(struct log *log, struct log_partition *partition,
                                int64_t timestamp_ms, int64_t *offset, int64_t *found_ms);
enum status log_offset_max_timestamp(struct log *log, struct log_partition *partition,
                                     int64_t *offset, int64_t *found_ms);

/* Keeps everything from offset on against retention and deletion, under a name that describe shows
 * (pinned_by); offset INT64_MAX lifts it. */
void log_pin(struct log_partition *partition, struct bytes owner, int64_t offset);
/* Deletes records below the offset, as far as no pin forbids. */
enum status log_trim(struct log *log, struct log_partition *partition, int64_t before,
                     uint64_t *lsn) MUST_CHECK;

struct log_stats {
    uint64_t appends, append_bytes, syncs, sync_ns_total, sync_ns_max, blocks_written;
    uint64_t wal_bytes, tail_bytes, filled_bytes, free_bytes, disk_bytes; /* disk_bytes: 0, not known */
    bool refusing; /* the disk's low-water mark */
};
void log_stats(const struct log *log, struct log_stats *out);
/* Of memory_bytes_max: what records and views may still take before appends are refused; tight: less than a
 * quarter of it. */
uint64_t log_memory_left(const struct log *log);
bool log_memory_tight(const struct log *log);

/* Verifies a directory that no process has open: every WAL block, batch, index and snapshot. Calls
 * report for each damage. ST_OK when whole, ST_CORRUPT when not, ST_AGAIN while a process has it open. */
typedef void log_check_fn(void *context, const char *file, uint64_t pos, const char *what);
enum status log_check(struct os *os, const char *dir, log_check_fn *report, void *context);

#endif
