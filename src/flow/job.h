/* job.h: one job: a plan, its driver, its ticks and where they stand.
 *
 *   RECOVERING ──last note replayed──► RUNNING ⇄ PAUSED
 *       │ │                              │ │
 *       │ └─hash differs─► DIVERGED      │ └─bounded sources are read─► FINISHED
 *       └──────────error──► FAILED ◄─────┘
 *
 * A durable job notes its ticks in the topic `__job-NAME`; a temporary one (the answer of a SELECT,
 * the rows of an INSERT … VALUES) has none, nor has any where there is no data directory.
 *
 * Owns: plan, driver, pins.   Threads: the engine's one.   Layer: flow.
 */
#ifndef QW_FLOW_JOB_H
#define QW_FLOW_JOB_H

#include "base/rng.h"
#include "flow/driver.h"
#include "flow/engine.h"
#include "flow/note.h"
#include "flow/positions.h"

enum { JOB_KEPT = 2 };

/* A tick that is committed and not durable yet. */
struct tick_pending {
    struct log_waiter waiter;
    struct job *job;
    uint64_t tick;
    int64_t arrived_ns; /* of its oldest input; 0: unknown */
    struct tick_pending *next;
};

struct job {
    struct engine *engine;
    struct job *next;
    char *name, *text;
    struct arena arena;
    struct plan *plan;
    const char **details;    /* of its nodes by id, as EXPLAIN has them */
    struct driver_options driver_options;
    uint64_t plan_hash;
    struct driver *driver;
    uint32_t shards;
    bool temporary;
    bool noted;        /* its ticks are: it outlives the process */
    /* The first tick after a restart is announced before it is run, and struck out with its commit:
     * found twice, the process dies in it, and the job starts paused. */
    bool trial_wanted, trial_open;
    uint64_t trial_tick;
    uint32_t trials;
    bool pause_wanted; /* it was paused when the process ended */
    enum job_state state;
    char error[512];

    struct log_topic *notes_topic;
    struct log_partition *notes;
    uint64_t tick;          /* the last one run */
    int64_t clock_us;       /* of it */
    int64_t note_offset;    /* of the next note to replay, or to be written */
    int64_t replay_end;     /* RECOVERING: notes to replay end here */
    uint64_t replay_from_tick, replay_notes; /* notes to replay in all */
    uint32_t replay_shards;
    bool ticking;           /* a tick is begun and not at its end */
    struct driver_tick now; /* it */
    uint64_t publish_due;   /* ticks up to this one are durable, and other threads were at the sinks */
    bool unsettled;         /* a tick was run and the log did not take it yet */
    uint64_t lsn;           /* of the last commit */
    bool work;              /* something may have come in */
    int64_t arrived_ns;     /* when, the first since the last tick; 0: not */
    int64_t tick_arrived_ns; /* of the tick being run */
    int64_t wake_us;        /* a clock at which a source will have more; INT64_MAX */
    struct tick_pending *pending, *pending_last;

    int64_t checkpoint_us;  /* clock of the last one */
    struct saving *saving;  /* one that is being written; NULL: none */
    uint64_t checkpoint_tick, checkpoints;
    uint64_t replayed;      /* ticks run again by this life's recovery */
    uint64_t reloads;       /* of all state through its saved form: engine_options.check_determinism */
    struct positions *kept_positions[JOB_KEPT]; /* where recovery may start, older first */
    int64_t kept_notes[JOB_KEPT];
    uint32_t kept;

    uint64_t memory_bytes;      /* as the engine has counted it, with a limit */
    uint64_t memory_peak_bytes; /* the most it held while there was room */
    bool memory_waits;          /* PAUSED until there is room */
    uint32_t moving;            /* state goes to disk between two ticks: so many in a hundred; 0: not */
    uint64_t moves;
    uint64_t move_before_cold;  /* entries on disk when the move under way began */
    int64_t move_again_us;      /* the last one brought nothing: none before this time; 0: at any */
    char disk_full[256];        /* why the last move was refused; "": it was not */

    int64_t started_us;
    uint64_t rows_in, rows_out;
    struct histogram latency_us;
    struct rng check_rng;
};

struct job_start {
    struct bytes name, text;
    struct plan *take_plan;
    bool temporary;
    uint32_t shards;      /* 0: the engine's */
    int64_t idle_timeout_us;
    const char *zone;     /* table.local-time-zone: kept with its statement, so that a restart has the same */
    void *host;
};

/* Opens plan and driver; a durable job that has notes becomes RECOVERING, else RUNNING. The plan is
 * taken in any case. */
enum status job_open(struct engine *engine, const struct job_start *start, struct job **out,
                     struct diag *diag) MUST_CHECK;
/* Tick 0: where the job starts, as one entry with the statement that started it (kv may be NULL). */
typedef void job_entry_fn(void *context, struct log_entry *entry);
enum status job_begin(struct job *job, job_entry_fn *kv, void *context,
                      struct diag *diag) MUST_CHECK;
void job_close(struct job *job);
/* All that is kept under a job's name, but its statement: at its drop, and before a new job takes the name, for a
 * drop that a crash cut short may have left some of it, which would be taken for the new one's. */
enum status job_forget(struct engine *engine, struct bytes name, uint64_t *lsn) MUST_CHECK;

/* Goes on with its tick, or begins one, until os_mono_ns is until_ns; or a slice of the replay. True: there
 * is more to do at once. */
bool job_turn(struct job *job, int64_t until_ns);
/* A tick that is begun is run to its end and committed: what is read of the job after is whole. */
void job_settle(struct job *job);
/* Another tick is due at this clock (os_wall_us); INT64_MAX: only when input comes. */
int64_t job_deadline_us(const struct job *job);
void job_fail(struct job *job, enum job_state state, const struct diag *diag);
void job_on_work(void *job);
/* Recovery may start from these positions (a checkpoint's, or the job's start) with the note at
 * note_offset: the older of the two last such places decides what is pinned of inputs and notes, and
 * what notes are cut. */
void job_keep(struct job *job, struct positions *take_positions, int64_t note_offset);
/* Lets go of the notes before the oldest checkpoint that is kept. */
void job_trim_notes(struct job *job);

/* Of one that is PAUSED. */
void job_go_on(struct job *job);

/* A driver of the job's plan, empty. */
enum status job_driver_open(struct job *job, uint32_t shards, struct driver **out,
                            struct diag *diag) MUST_CHECK;
/* The same state on another number of shards. */
enum status job_reshard(struct job *job, uint32_t shards, struct diag *diag) MUST_CHECK;

/* What was announced before the process ended. */
void job_trial_read(struct job *job);
/* After a recovery: whether the next tick may be tried. */
bool job_trial_allows(struct job *job);

/* Planted bugs, for the tests that must find them. */
enum job_bug { JOB_BUG_HALF_TICK = 1, JOB_BUG_SKIP_NOTE = 2, JOB_BUG_WRONG_HASH = 4 };
#ifdef QW_SLOW_CHECKS
extern unsigned job_bugs;
#else
enum { job_bugs = 0 };
#endif

#endif
