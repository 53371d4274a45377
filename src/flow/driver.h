/* driver.h: a plan in motion: its operators on every shard, the lanes between them, watermarks,
 * the running of one tick.
 *
 * A task is one node on one shard. A tick visits the nodes in the plan's order (inputs before their
 * users), on each shard alone: a task reads its lanes in a fixed order (by input, then by sending
 * shard) up to the end-of-tick marker of each, then is told the merged watermark, then the end of
 * the tick. So what a task sees is a function of what its lanes carry, never of timing (a Kahn
 * network): the caller's thread may host all shards, or each a thread of its own (crew.h;
 * docs/design/004-shards-on-threads.md). Where an edge needs no exchange (DIST_ANY, or one shard) the
 * sender calls the receiver directly and nothing is copied.
 *
 * A tick is begun, then turned until it is done: a turn ends when its time is up, or when what is
 * left is with other threads. Results depend on neither.
 *
 * Watermarks: a source's is the least over its splits that are not idle; a task's the least over
 * its inputs and their lanes; it is delivered after all rows of the tick, and waits while the
 * operator owes rows (ST_AGAIN).
 *
 * Owns:    everything but the plan.
 * Threads: one calls, and may call all of this while a tick runs but what says otherwise; a task
 *          touches its own shard and its lanes only.
 * Errors:  that of an operator, with the diag; the driver is then unusable (half a tick was run)
 *          and must be closed.   Layer: flow.
 */
#ifndef QW_FLOW_DRIVER_H
#define QW_FLOW_DRIVER_H

#include "flow/engine.h"
#include "flow/sink.h"
#include "flow/source.h"

struct driver;

struct driver_options {
    struct os *os;
    struct log *log;
    struct bytes job;
    uint32_t shards;            /* 0: one */
    struct crew *crew;          /* threads to host shards; NULL: the caller's hosts all */
    uint32_t crew_rows_min;     /* a tick of fewer rows is not worth them; 0: the default */
    uint64_t turn_seed;         /* tests, where the caller hosts all: not 0: which shard goes on, and when a
                                   turn ends, is chance */
    uint64_t lane_bytes_max;    /* in all lanes at a time; 0: the default */
    int64_t idle_timeout_us;    /* table.exec.source.idle-timeout; 0: never idle */
    const struct zone *zone;    /* table.local-time-zone; NULL: UTC */
    struct zone_finder *zones;  /* by name; NULL: there are none */
    struct known_schemas *schemas; /* by number; NULL: there are none */
    void (*on_work)(void *context);
    void *on_work_context;
    void *host;                 /* given to sinks: struct sink_env.host */
    const char *disk_folder;    /* for state that memory has no room for; NULL: it stays in memory */
    uint64_t *disk_files;       /* counts the files that were named there */
    uint64_t disk_reserve_bytes; /* as struct cold_options has it */
    os_wake_fn *on_disk;        /* a tick, move or save that waits for the disk may go on; from any thread */
    void *on_disk_context;
};

enum { DRIVER_SHARDS_MAX = KEY_GROUPS };

enum status driver_open(const struct plan *plan, const struct driver_options *options,
                        struct driver **out, struct diag *diag) MUST_CHECK;
void driver_close(struct driver *driver);

/* ---- sources: one a scan or VALUES of the plan, in its order ---- */

struct driver_split {
    int64_t position, end; /* read to; to be read to in the coming tick */
    int64_t bound;         /* INT64_MAX: unbounded */
    int64_t watermark_us;  /* INT64_MIN: none yet */
    int64_t event_us;      /* the greatest event time; INT64_MIN: not known */
    int64_t active_us;     /* the clock of the last tick that had rows of it */
    bool idle;
};

struct driver_source {
    const struct plan_node *node;
    struct driver_split *splits;
    uint32_t splits_count; /* may grow between two ticks */
    int64_t reached_us;    /* the watermark when splits were last added; INT64_MIN: none were */
};

enum { DRIVER_SPLITS_MAX = 1 << 16 }; /* of all sources of a plan: what a note takes */

uint32_t driver_sources_count(const struct driver *driver);
struct driver_source *driver_source(struct driver *driver, uint32_t index);

/* Sets all positions to where a new job starts. */
void driver_start(struct driver *driver);

/* Asks the sources how far to read, at most rows_max rows and about bytes_max bytes in all, and sets
 * `end` of the splits. False: there is nothing. *wake_us: a clock at which there will be more. */
bool driver_take(struct driver *driver, uint64_t tick, uint32_t rows_max, uint64_t bytes_max,
                 int64_t clock_us, int64_t *wake_us);

/* How many schemas the coming tick is to know; 0: none of its decoders asks. */
uint32_t driver_schemas(struct driver *driver);

/* Splits that came to sources that read on: they are the driver's from now on, and the coming tick
 * takes nothing of them, so that its note says where each begins. *any: there are some. ST_INVALID:
 * too many. */
enum status driver_join(struct driver *driver, bool *any, struct diag *diag) MUST_CHECK;
/* So many splits has a source in a note or a checkpoint. ST_CORRUPT: it has never had as many. */
enum status driver_splits_set(struct driver *driver, uint32_t source, uint64_t count) MUST_CHECK;

/* The greatest time that the sources give for where the coming tick ends; INT64_MIN: they give none. */
int64_t driver_source_clock(struct driver *driver);

/* ---- a tick: [position, end) of all splits; then position = end ---- */

struct driver_tick {
    uint64_t tick;
    int64_t clock_us;
    uint32_t schemas; /* places of the registry that its decoders know: driver_schemas */
    bool replaying;
};

enum driver_turn {
    DRIVER_MORE,  /* its time was up */
    DRIVER_WAITS, /* for other threads or the disk; crew's on_wake or on_disk is called when there is more to do */
    DRIVER_DONE,
    DRIVER_FAILED, /* with the diag */
};

void driver_begin(struct driver *driver, const struct driver_tick *tick);
/* Until os_mono_ns is until_ns or later, and at least a step. */
enum driver_turn driver_turn(struct driver *driver, int64_t until_ns,
                             struct diag *diag) MUST_CHECK;
bool driver_running(const struct driver *driver); /* begun, and neither done nor failed */
/* To the end, whatever it takes: DONE or FAILED. */
enum driver_turn driver_finish(struct driver *driver, struct diag *diag) MUST_CHECK;
/* Leaves the tick where it is; the driver can only be closed then. */
void driver_cancel(struct driver *driver);
/* Until what it waits for on disk is there. Where the caller hosts all, or between ticks. */
void driver_wait_disk(struct driver *driver);
/* All of it: begin and finish. */
enum status driver_run(struct driver *driver, const struct driver_tick *tick,
                       struct diag *diag) MUST_CHECK;

/* ---- between ticks ---- */

/* Bytes of state that could go to disk, about; 0 too where there is no disk for it. */
uint64_t driver_movable(const struct driver *driver);
uint64_t driver_cold(const struct driver *driver); /* entries on disk */
/* Moves about so many in a hundred of those that could go. ST_AGAIN: again, when on_disk was called. ST_NOSPACE: the disk takes no
 * more; others are final. */
enum status driver_move(struct driver *driver, uint32_t percent, struct diag *diag) MUST_CHECK;
enum status driver_move_all(struct driver *driver, uint32_t percent, struct diag *diag) MUST_CHECK; /* waited for */

/* Some operator owes rows: another tick is due, and takes nothing in. */
bool driver_owes(const struct driver *driver);
/* Rows that wait for what an outside system answers. Not while a tick runs. */
uint64_t driver_waiting(const struct driver *driver);
/* The earliest clock at which an operator or an idle split wants a tick; INT64_MAX: none. */
int64_t driver_alarm_us(const struct driver *driver);
/* All sources are bounded and read to their end, and nothing is owed. */
bool driver_done(const struct driver *driver);
/* Sources are bounded. */
bool driver_bounded(const struct driver *driver);
uint32_t driver_shards(const struct driver *driver);
/* Other threads may be at work on its tasks, sinks included, those of shard 0 excepted. */
bool driver_elsewhere(const struct driver *driver);
struct results *driver_results(struct driver *driver, uint32_t shard);
uint32_t driver_sinks_count(const struct driver *driver);
/* Over the shards: what the n-th sink of the plan gave in the last tick. */
uint64_t driver_sink_hash(const struct driver *driver, uint32_t sink);
struct sink *driver_sink(struct driver *driver, uint32_t sink, uint32_t shard);
enum status driver_publish(struct driver *driver, uint64_t tick) MUST_CHECK;
enum status driver_sync(struct driver *driver) MUST_CHECK;
/* Nothing below these positions will be read again; NULL: nothing at all. */
struct positions;
void driver_release(struct driver *driver, const struct positions *positions);

/* ---- checkpoint: one section a task, then one of the splits ---- */

uint32_t driver_nodes_count(const struct driver *driver);
void driver_save_task(struct driver *driver, uint32_t node, uint32_t shard, struct snap_writer *w);
/* Behind it: a part of what the task has on disk. ST_END: that was all. ST_AGAIN: again, when on_disk was called. first:
 * from the beginning; what was begun and not ended is forgotten. */
enum status driver_save_cold(struct driver *driver, uint32_t node, uint32_t shard, bool first, struct buf *out,
                             struct diag *diag) MUST_CHECK;
/* Given what driver_save_task wrote for the same node, of the same shard or, when the number of shards
 * has changed, of each old one in turn. */
enum status driver_load_task(struct driver *driver, uint32_t node, uint32_t shard,
                             struct reader *r, struct diag *diag) MUST_CHECK;
/* Behind it, given a part of what was on disk. */
enum status driver_load_cold(struct driver *driver, uint32_t node, uint32_t shard, struct reader *r,
                             struct diag *diag) MUST_CHECK;
void driver_save_splits(struct driver *driver, struct snap_writer *w);
enum status driver_load_splits(struct driver *driver, struct reader *r) MUST_CHECK;

/* ---- figures; where other threads run a tick, those of its beginning ---- */

struct driver_figures {
    uint64_t rows_in, rows_out, late, dropped, state_rows, state_bytes, cold_rows;
    int64_t busy_ns, watermark_us;
    struct lookup_counts lookups;
};
void driver_figures(const struct driver *driver, uint32_t node, struct driver_figures *out);
/* All it holds but the plan; `buffers` in part: not what the plan's arena and the sources' own take. */
void driver_memory(const struct driver *driver, struct job_memory *out);
const struct plan_node *driver_node(const struct driver *driver, uint32_t index);
const char *driver_node_name(const struct driver *driver, uint32_t index);
uint64_t driver_errors(const struct driver *driver); /* records that could not be decoded */
/* The least over the sources; INT64_MIN: none yet. */
int64_t driver_watermark_us(const struct driver *driver);
/* The greatest over the sources; INT64_MIN: not known. */
int64_t driver_event_us(const struct driver *driver);

#endif
