/* engine.h: the catalog's jobs, run tick by tick over the log.
 *
 * Passive: the owner of the loop calls engine_pass once a pass, before log_flush. Whatever a call
 * tells outside (rows, answers) may be released only when the LSN it names is durable.
 *
 * Owns:    catalog, jobs, sessions, results until engine_result_free.
 * Threads: one calls; shards are the engine's own business: with options.threads it has threads of its
 *          own, from the first tick that is worth them until engine_close. A CHECK that fails on one of
 *          them is failed again on the caller's, in its next call.
 * Layer:   flow.
 */
#ifndef QW_FLOW_ENGINE_H
#define QW_FLOW_ENGINE_H

#include "base/histogram.h"
#include "data/chunk.h"
#include "flow/lookup_counts.h"
#include "sql/sql.h"
#include "store/log/log.h"

struct engine;
struct outside;
struct session;

enum { ENGINE_TICK_ROWS = 16384, ENGINE_TICK_BYTES = 8 << 20, ENGINE_CHECKPOINT_MS = 30000,
       ENGINE_SHARDS_MAX = 128 };

struct engine_options {
    uint32_t shards;               /* 0: one */
    uint32_t threads;              /* that host shards, the caller's included; 0 or 1: the caller's alone */
    uint32_t crew_rows_min;        /* ticks of fewer rows are the caller's; 0: the default. Tests: 1 */
    int64_t pass_ns;               /* how long a pass goes on; 0: the default, 200 us */
    uint32_t tick_rows_max;        /* of all sources of a job; 0: ENGINE_TICK_ROWS */
    uint64_t tick_bytes_max;       /* 0: ENGINE_TICK_BYTES */
    int64_t close_ns;              /* how long a clean stop writes checkpoints; 0: the default, 10 s; tests: -1 */
    int64_t checkpoint_interval_us; /* 0: ENGINE_CHECKPOINT_MS */
    uint64_t memory_bytes_max;     /* of all jobs together (memory.h); 0: no bound */
    uint64_t disk_reserve_bytes;   /* state goes to disk as long as so much of it is free; 0: as cold.h has it */
    /* What print sinks say, whole lines, when it is durable; NULL: nowhere. */
    void (*print)(void *context, struct bytes text);
    void *print_context;
    /* Benchmarks: processing time is the sources' own (a generator's event time, a record's timestamp), not
     * the wall clock, and latency_us counts from the taking of a tick. */
    bool source_clock;
    /* Asked now and then while a source makes its rows before a job starts ('preload' of nexmark); false
     * stops it. NULL: nobody. */
    bool (*on_preload)(void *context, int64_t rows, int64_t all);
    void *preload_context;
    const char *registry_address;  /* HOST:PORT where the schema registry is served; NULL: nowhere */
    const struct outside *outside; /* connectors of outside systems; NULL: there are none */
    bool check_determinism;        /* tests: save and reload operators between ticks, and move state to disk */
    uint64_t check_seed;
};

/* dir is for checkpoints; NULL: none are written. Reads the catalog back from the log, restores
 * each job from its checkpoint and runs its noted ticks again (progress: engine_recovering). */
enum status engine_open(struct os *os, struct log *log, const char *dir,
                        const struct engine_options *options, struct engine **out,
                        struct diag *diag) MUST_CHECK;
/* checkpoint: of every job, as far as the time goes. Gives how many got none: the next start runs their ticks since
 * the last again. */
uint32_t engine_close(struct engine *engine, bool checkpoint);
/* The registry's schemas, for who reads or writes records of tables beside the engine's jobs. */
struct format_registry *engine_registry(struct engine *engine);
/* After a CHECK has failed: ends and joins the threads. Nothing else may be called any more. */
void engine_abandon(struct engine *engine);

/* Runs what ticks the input allows, within a budget; true while there is more to do at once. False, with
 * threads, may also mean that these are at it: on_work is called when they need the caller. */
bool engine_pass(struct engine *engine);
/* When a pass is needed though nothing comes in (processing-time windows, rates of generators),
 * os_mono_ns's clock; INT64_MAX: never. */
int64_t engine_deadline_ns(const struct engine *engine);
/* fn is called when a pass is needed because of new input, a statement, or a tick that other threads have
 * brought on; from any thread. */
void engine_on_work(struct engine *engine, void (*fn)(void *context), void *context);

/* ---- statements ---- */

struct session *engine_session_open(struct engine *engine);
void engine_session_close(struct session *session); /* cancels its runs */

/* Off by default. On: a CREATE or INSERT whose very text is in force already is taken as done, so that a
 * script may be run again over the same data directory and its jobs go on where they were. */
void engine_session_resumes(struct session *session, bool resumes);

struct engine_result {
    struct arena arena;
    enum statement_kind kind;
    struct schema schema;      /* count 0: no rows, only `message` */
    struct chunk *chunks;
    uint32_t chunks_count;
    uint64_t rows;
    const char *message;       /* "OK", "job 'x' started" … */
    struct bytes job;          /* the job that was started, if one was */
    uint64_t lsn;              /* release to the outside when this is durable */
};
void engine_result_free(struct engine_result *result);

/* Runs a script. on_result is called a statement, on_done once at the end or at the first error
 * (line and column are those of the whole text). Both from engine_pass or from this call; NULL is
 * returned when on_done was called already. Callbacks close no session. */
typedef void engine_result_fn(void *context, struct engine_result *take_result);
typedef void engine_done_fn(void *context, enum status st, const struct diag *diag);
struct engine_run *engine_run(struct session *session, struct bytes text, engine_result_fn *on_result,
                              engine_done_fn *on_done, void *context);
void engine_run_cancel(struct engine_run *run); /* no further calls */

/* ---- views ---- */

struct view;
struct view *engine_view_find(struct engine *engine, struct bytes name);
struct view *engine_view_next(struct engine *engine, struct view *view); /* NULL: the first */
const struct schema *view_schema(const struct view *view);
struct bytes view_name(const struct view *view);
/* Columns of its key, by which view_get finds rows; 0: it can only be scanned. */
uint16_t view_key(const struct view *view, const uint16_t **columns);
uint64_t view_rows(const struct view *view);
/* The row of a key (texts as the format json gives them, one a key column): one row or none. */
enum status view_get(struct view *view, const struct bytes *key, uint16_t key_count,
                     struct engine_result *out, struct diag *diag) MUST_CHECK;
/* Rows in order of key from a cursor (text; empty: the start), at most limit; *next, in out's arena, is
 * empty at the end. Of view_get and view_scan only out's arena is the caller's to free, on ST_OK. */
enum status view_scan(struct view *view, struct bytes cursor, uint64_t limit,
                      struct engine_result *out, struct bytes *next, struct diag *diag) MUST_CHECK;
/* The topic of its changes, one partition: value {"op":"+I","row":{…}}, key the key's JSON. */
struct log_topic *view_changes(const struct view *view);

/* ---- jobs ---- */

enum job_state { JOB_RECOVERING, JOB_RUNNING, JOB_PAUSED, JOB_FINISHED, JOB_FAILED, JOB_DIVERGED };

struct op_info {
    uint32_t id;
    const char *name;        /* "WindowAggregate" */
    const char *detail;      /* as EXPLAIN has it */
    struct bytes table;      /* of a source or a sink; empty: none */
    uint32_t inputs[4], inputs_count;
    uint64_t rows_in, rows_out, late;
    uint64_t dropped; /* of a sink: rows with a NULL for a NOT NULL column */
    uint64_t state_rows, state_bytes; /* rows on disk too; bytes of memory */
    uint64_t cold_rows;               /* entries on disk: groups, keys with their rows, values that DISTINCT has seen */
    bool goes_to_disk;                /* near the limit; else its state stays in memory */
    int64_t busy_ns, watermark_us; /* INT64_MIN: none yet */
};

/* Bytes that a job holds, as taken from the allocator. Records of the log that it reads are the log's. */
struct job_memory {
    uint64_t state;   /* of its operators */
    uint64_t views;   /* of its sinks: the rows of a view, text that waits until it is durable */
    uint64_t lanes;   /* rows between shards, and what is kept for more of them */
    uint64_t buffers; /* its plan, its tick's results, scratch */
};
static inline uint64_t job_memory_sum(const struct job_memory *m)
{
    return m->state + m->views + m->lanes + m->buffers;
}

struct job_info {
    struct bytes name, text;
    enum job_state state;
    const char *error;       /* of FAILED and DIVERGED, and why a job is PAUSED that nobody paused; else "" */
    bool memory_waits;       /* PAUSED for want of memory: goes on by itself */
    bool in_tick;            /* `tick` is the last whole one, and the next is being run, or its state is being moved or saved */
    uint64_t tick, rows_in, rows_out, late, dropped, errors, checkpoints;
    uint64_t replayed;       /* ticks that recovery ran again */
    uint64_t reloads;        /* of all state through its saved form, by check_determinism */
    uint64_t moves;          /* times that state went to disk, in this life */
    int64_t watermark_us;    /* the least over its sources */
    int64_t event_time_us;   /* the greatest event time seen at its sources; INT64_MIN or 0: not known */
    int64_t started_us;
    const struct histogram *latency_us; /* append of an input to its results' durability */
    uint32_t ops_count;
    struct job_memory memory;
    uint32_t rekeyings;      /* on its longest way from a source to a sink */
};

struct job;
struct job *engine_job_find(struct engine *engine, struct bytes name);
struct job *engine_job_next(struct engine *engine, struct job *job);
void job_info(const struct job *job, struct job_info *out);
void job_op_info(const struct job *job, uint32_t index, struct op_info *out);
void job_memory(const struct job *job, struct job_memory *out);
/* What the lookup join counts whose questions are in that topic, since its job was opened; false: there is none. */
bool engine_lookup_counts(const struct engine *engine, struct bytes questions, struct lookup_counts *out);
/* What the job's sinks 'blackhole' have swallowed: rows, and the hash of what they fold into, the same for
 * any order of rows and any number of shards. */
struct job_output {
    uint64_t rows, hash;
};
void job_output(struct job *job, struct job_output *out);
enum status job_pause(struct job *job, uint64_t *lsn);
enum status job_resume(struct job *job, uint64_t *lsn);
enum status job_drop(struct job *job, uint64_t *lsn);
/* A job of an INSERT that has failed, again from its last whole tick, with those settings changed
 * for good (NULL: none). `job` is gone when it returns, but on ST_INVALID and ST_UNSUPPORTED. */
enum status job_restart(struct job *job, const struct settings *changed, uint64_t *lsn,
                        struct diag *diag) MUST_CHECK;
enum status job_savepoint(struct job *job, const char **path, struct diag *diag);
/* The job that reads or writes a topic, so that nobody deletes it beneath: NULL: none. */
struct job *engine_topic_job(struct engine *engine, struct bytes topic);
/* Whether a topic may have so many partitions: the jobs that read it would read the new ones too.
 * ST_INVALID, with the job and the reason. */
enum status engine_topic_may_have(struct engine *engine, struct bytes topic, uint32_t partitions,
                                  struct diag *diag) MUST_CHECK;
const char *job_state_text(enum job_state state);

/* True when every job's sources are bounded and read to their end: `quickwater run` may stop. */
bool engine_finished(const struct engine *engine);
uint64_t engine_memory_limit(const struct engine *engine); /* 0: none */
bool engine_recovering(const struct engine *engine, uint64_t *ticks_done, uint64_t *ticks_all);

struct catalog *engine_catalog(struct engine *engine);

#endif
