/* graph.h: the driver's insides, shared by driver.c (building it), task.c (an operator's calls), tick.c
 * (shards and hosts), exchange.c (lanes), intake.c (sources) and snapshot.c (checkpoints). Nobody else
 * includes it.
 *
 *   graph ── node[n] ── task[n][shard] ── operator's state, source or sink
 *              │
 *              └ edges: node → (user, input); direct, or one lane for each pair of shards
 *
 * Threads: while a tick runs, a shard with its tasks, the lanes to it, and the splits that it reads
 * belong to the host that runs it; the rest is not written. Between ticks all is the loop's.
 *                                                                               Layer: flow.
 */
#ifndef QW_FLOW_GRAPH_H
#define QW_FLOW_GRAPH_H

#include <stdatomic.h>

#include "base/rng.h"
#include "flow/crew.h"
#include "flow/driver.h"
#include "flow/known_schemas.h"
#include "flow/ops/pack.h"

enum { LINE_BYTES = 64 }; /* what one thread writes shares no line with what another does */

/* What goes from shard to shard: rows of an edge, or the end of the tick on that edge. Its sender's
 * memory, which it has back when the receiver has read it. */
struct parcel {
    struct arena arena;   /* of the chunk; the parcel itself is from the heap */
    struct chunk *chunk;  /* NULL: end of tick */
    int64_t watermark_us; /* of the sender, with the end of a tick */
    bool idle;
    uint64_t charged;     /* to the job's lanes */
    uint16_t input;       /* of a task's queue */
    struct parcel *next;
};

/* An edge between two shards: one sends, one receives, and neither waits for the other here. */
struct lane {
    _Alignas(LINE_BYTES) _Atomic(struct parcel *) sent; /* the newest first */
    struct parcel *first; /* taken by the receiver and not read yet, in their order */
    int64_t watermark_us; /* as of the last end of tick read */
    bool idle;
};

struct edge {
    uint32_t from, to; /* nodes */
    uint16_t input;    /* of `to` */
    struct dist dist;
    bool direct;
    struct keyer keyer; /* of HASH edges that are not direct */
    uint32_t single;    /* of SINGLE edges: the shard that all rows go to */
    uint32_t lanes; /* index of the lane of (sender 0, receiver 0); sender major */
};

struct task {
    struct op_ctx ctx; /* first: hooks are given this */
    struct driver *driver;
    struct graph_node *node;
    struct arena arena;  /* ctx.arena */
    struct diag diag;
    void *state;
    struct source *source;
    struct source_env source_env;
    struct sink *sink;
    struct sink_env sink_env;
    uint32_t split;      /* that the source is reading */
    int64_t alarm_us;    /* INT64_MAX: none */
    int64_t owed_us;     /* the watermark that on_watermark has not done with; INT64_MIN: none */
    bool owes_clock;
    int64_t out_us;      /* watermark given to the users */
    bool out_idle;
    struct log_partition *asked; /* of a lookup join: where its questions go */
    uint64_t questions;
    uint64_t rows_in, rows_out, late, dropped;
    int64_t busy_ns;

    /* State that may be on disk */
    struct cold_options disk; /* its path: task's own */
    bool queues;              /* in this tick rows wait for what they need: those given directly are queued */
    struct parcel *queue, *queue_last;
    bool moved;               /* in the move under way */
};

struct graph_node {
    const struct plan_node *plan;
    const struct op_class *class;       /* of an operator */
    const struct source_class *source;  /* of a scan or VALUES */
    const struct sink_class *sink;
    uint32_t index, source_index, sink_index;
    struct edge **users; /* edges out */
    uint32_t users_count;
    struct edge **inputs;
    const struct type **types; /* of its output columns */
    struct task *tasks;        /* one a shard */
};

/* Where a shard stands in the tick: it goes through the nodes from the last to the first for their
 * alarms, then from the first to the last. */
enum stage { STAGE_ALARMS, STAGE_READ, STAGE_WATERMARK, STAGE_END, STAGE_OVER };

struct place {
    enum stage stage;
    uint32_t node;
    bool begun;        /* STAGE_READ of a source: the first split is found, */
    uint32_t split;    /* this one is to be read, */
    bool reading;      /* it is begun, */
    int64_t position;  /* and stands here */
    uint16_t input;    /* STAGE_READ of others: the lane */
    uint32_t from;
    uint64_t owed;     /* rows of those it owed that the node has emitted in this stage */
};

/* What a step of a task has done. */
enum step {
    STEP_MOVED, /* something: there may be more of the same */
    STEP_NEXT,  /* nothing is left of this stage */
    STEP_WAITS, /* a lane is empty whose end has not come, or state is on its way from the disk */
};

struct shard {
    _Alignas(LINE_BYTES) struct results results;
    struct arena scratch_arena;
    uint64_t errors;
    struct place place;
    uint64_t rows;      /* in and out, since the clock was last looked at */
    int64_t nested_ns;  /* time spent in calls below the one being timed */
    struct parcel *spare; /* read by their receivers and come back */
    uint32_t spare_count;
    _Alignas(LINE_BYTES) _Atomic(struct parcel *) returned;
};

/* A tick's part on one host. */
struct part {
    struct crew_work work; /* first */
    struct driver *driver;
    uint32_t host;
};

/* What is told of a running tick's job: as it stood when the tick began. */
struct report {
    int64_t watermark_us, event_us;
    uint64_t errors;
    struct driver_figures *figures; /* one a node */
    struct job_memory memory;
};

struct driver {
    struct arena arena; /* what lives as long */
    const struct plan *plan;
    struct driver_options options;
    uint32_t shards_count;
    struct shard *shards;
    struct graph_node *nodes;
    uint32_t nodes_count;
    struct edge *edges;
    uint32_t edges_count;
    struct lane *lanes;
    uint32_t lanes_count;
    atomic_ullong lane_bytes;
    struct driver_source *sources;
    struct graph_node **source_nodes;
    uint32_t sources_count;
    struct graph_node **sink_nodes;
    uint32_t sinks_count;
    char *job;
    struct tick_schemas schemas;
    struct driver_tick tick;
    bool timed;           /* this tick's calls are timed, */
    int64_t time_weight;  /* and stand for so many ticks */
    bool broken;
    bool caught_up;       /* what is to be read first has been, up to what there was */

    bool running;         /* a tick is begun and not at its end */
    uint32_t hosts;       /* of it; 1: the caller hosts all shards */
    struct part *parts;   /* one a host of the crew */
    atomic_uint hosts_left; /* besides the caller */
    atomic_bool stop;     /* hosts leave at their next step */
    atomic_int failed;    /* status of a step that failed */
    bool moving;          /* between ticks: state goes to disk, */
    enum status move_status; /* and this is why some does not */
    struct report report;
    struct rng turn_rng;  /* options.turn_seed */
};

/* driver.c */
void driver_report(struct driver *driver); /* its figures as they are now */
/* Zeroed, on lines of its own; freed with free(). */
void *lines_alloc(size_t count, size_t size);

/* task.c */
void task_init(struct driver *driver, struct graph_node *node, uint32_t shard);
enum status task_open(struct task *task, struct diag *diag);
void task_close(struct task *task);
void task_begin(struct task *task); /* a tick */
/* Gives rows to a task's operator or sink. */
enum status task_rows(struct task *task, int input, const struct chunk *in);
/* What its operator needs for the rows is in memory; ST_AGAIN: not yet. */
enum status task_need(struct task *task, int input, const struct chunk *in);
/* The class, where its state may be on disk; NULL: not. */
struct tiered *task_tiered(const struct task *task);
/* Remembers the first error as the job's, with the node's name in front. */
enum status task_failed(struct task *task, enum status st);
int64_t task_time_begin(struct task *task, int64_t *nested);
void task_time_end(struct task *task, int64_t begin, int64_t nested);
bool task_alarm_due(const struct task *task);
enum status task_clock(struct task *task);
enum status task_watermark(struct task *task);
enum status task_tick_end(struct task *task, bool *again);

/* exchange.c */
enum status exchange_open(struct driver *driver, struct diag *diag);
void exchange_close(struct driver *driver);
/* Rows of a node go over an edge that is not direct. */
enum status exchange_send(struct task *task, struct edge *edge, const struct chunk *rows);
/* The end of the tick on all lanes of the task's edges, with its watermark. */
void exchange_end_tick(struct task *task);
/* Rows given directly to a task that queues. */
enum status exchange_queue(struct task *from, struct task *to, uint16_t input, const struct chunk *rows);
void exchange_drop_queue(struct task *task);
/* Reads one parcel of the task's queue, then of the lanes of its inputs, in their order. */
enum status exchange_step(struct task *task, struct place *place, enum step *step);
/* Bytes of the lanes and of the parcels that wait for their next use. While a tick is the caller's. */
uint64_t exchange_bytes(const struct driver *driver);
/* The merged watermark of the task's inputs; *idle: all of them are. */
int64_t exchange_watermark(struct task *task, bool *idle);

/* intake.c */
enum status intake_open(struct driver *driver, struct diag *diag);
void intake_close(struct driver *driver);
/* Splits are about to be added: the source's watermark stays where it is meanwhile. */
void intake_reached(struct driver *driver, uint32_t source);
/* The sources get hold of what the tick reads, so that other threads may read it. False: this tick is the
 * caller's. */
bool intake_prepare(struct driver *driver);
void intake_settle(struct driver *driver);
/* Reads a chunk of the task's splits, in their order. */
enum status intake_step(struct task *task, struct place *place, enum step *step);
int64_t intake_watermark(struct task *task, bool *idle);
/* The watermark column of rows that a source emits, for the split being read. */
enum status intake_note_rows(struct task *task, const struct chunk *rows);

/* tick.c */
uint32_t shard_host(const struct driver *driver, uint32_t shard);

/* sources.c: the class of a scan, by its table, or of VALUES. */
const struct source_class *source_class_for(const struct plan_node *node, struct diag *diag);

/* side.c */
void side_late(struct task *task, int input, const struct chunk *in, const uint16_t *rows,
               uint16_t count);
void side_error(void *context, const struct source_error *error);

static inline struct lane *edge_lane(struct driver *d, const struct edge *edge, uint32_t from,
                                     uint32_t to)
{
    return &d->lanes[edge->lanes + from * d->shards_count + to];
}

#endif
