/* graph.h: the driver's insides, shared by driver.c (the tick), exchange.c (lanes), intake.c
 * (sources) and snapshot.c (checkpoints). Nobody else includes it.
 *
 *   graph ── node[n] ── task[n][shard] ── operator's state, source or sink
 *              │
 *              └ edges: node → (user, input); direct, or one lane for each pair of shards
 *                                                                               Layer: flow.
 */
#ifndef QW_FLOW_GRAPH_H
#define QW_FLOW_GRAPH_H

#include "flow/driver.h"
#include "flow/ops/pack.h"

/* What goes from shard to shard: rows of an edge, or the end of the tick on that edge. */
struct parcel {
    struct arena arena; /* of the chunk; the parcel itself is from the heap */
    struct chunk *chunk; /* NULL: end of tick */
    uint32_t lane;
    int64_t watermark_us; /* of the sender, with the end of a tick */
    bool idle;
    struct parcel *next;
};

/* One direction between two shards: a bounded queue of parcels. */
struct ring {
    struct parcel **slots;
    uint32_t head, count, cap;
};

/* An edge between two shards, at its receiver: what came out of the ring and is not read yet. */
struct lane {
    struct parcel *first, *last;
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
    uint64_t rows_in, rows_out, late;
    int64_t busy_ns;
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

struct shard {
    struct results results;
    struct arena scratch_arena;
    uint64_t errors;
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
    struct ring *rings; /* of (from, to), from major */
    uint64_t lane_bytes;
    struct driver_source *sources;
    struct graph_node **source_nodes;
    uint32_t sources_count;
    struct graph_node **sink_nodes;
    uint32_t sinks_count;
    struct driver_tick tick;
    bool timed;           /* this tick's calls are timed, */
    int64_t time_weight;  /* and stand for so many ticks */
    int64_t nested_ns;    /* time spent in calls below the one being timed */
    bool broken;
    char *job;
};

/* driver.c */
/* Gives rows to a task's operator or sink. */
enum status task_rows(struct task *task, int input, const struct chunk *in);
/* Remembers the first error as the job's, with the node's name in front. */
enum status task_failed(struct task *task, enum status st);
int64_t task_time_begin(struct task *task, int64_t *nested);
void task_time_end(struct task *task, int64_t begin, int64_t nested);

/* exchange.c */
enum status exchange_open(struct driver *driver, struct diag *diag);
void exchange_close(struct driver *driver);
/* Rows of a node go over an edge that is not direct. */
enum status exchange_send(struct task *task, struct edge *edge, const struct chunk *rows);
/* The end of the tick on all lanes of the task's edges, with its watermark. */
void exchange_end_tick(struct task *task);
/* Reads all lanes of the task's inputs up to the end of the tick. */
enum status exchange_receive(struct task *task);
/* The merged watermark of the task's inputs; *idle: all of them are. */
int64_t exchange_watermark(struct task *task, bool *idle);

/* intake.c */
enum status intake_open(struct driver *driver, struct diag *diag);
void intake_close(struct driver *driver);
enum status intake_run(struct task *task);
int64_t intake_watermark(struct task *task, bool *idle);
/* The watermark column of rows that a source emits, for the split being read. */
enum status intake_note_rows(struct task *task, const struct chunk *rows);

/* sources.c: the class of a scan, by its table, or of VALUES. */
const struct source_class *source_class_for(const struct plan_node *node, struct diag *diag);

/* side.c */
void side_late(struct task *task, int input, const struct chunk *in, const uint16_t *rows,
               uint16_t count);
void side_error(void *context, struct bytes topic, int32_t partition, int64_t offset,
                struct bytes record, const char *reason);

static inline struct lane *edge_lane(struct driver *d, const struct edge *edge, uint32_t from,
                                     uint32_t to)
{
    return &d->lanes[edge->lanes + from * d->shards_count + to];
}

#endif
