/* sink.h: where a query's changelog ends: a topic, a view, a file, a count, an answer.
 *
 * A sink is fed by the driver like an operator, on one shard, and is part of a checkpoint. What it
 * gives to the log goes through sink_record, which also hashes it, so that a replay can be held
 * against the tick's note. What it gives to the outside world otherwise (print, files) it does in
 * `publish`, when the tick is durable, or so that doing it twice is doing it once.
 *
 * Threads: its shard's.   Layer: flow.
 */
#ifndef QW_FLOW_SINK_H
#define QW_FLOW_SINK_H

#include "flow/op.h"
#include "flow/results.h"

struct sink;
struct sink_class;

/* What a sink may use of the engine around it. Lives as long as the sink. */
struct sink_env {
    struct os *os;
    struct log *log;
    struct op_ctx *ctx;
    struct results *results;
    struct bytes job;
    struct format_registry *registry; /* NULL: there is none */
    int64_t clock_us; /* of the tick */
    uint64_t tick;
    uint64_t hash;    /* of all the sink gave in this tick */
    bool replaying;   /* results are hashed and dropped */
    void *host;       /* the engine's, for sinks that it reads: views and answers */
};

struct sink {
    const struct sink_class *class;
    struct sink_env *env;
};

struct sink_class {
    const char *connector;
    /* All rows on shard 0, whatever the plan says: a view, a file, an answer. */
    bool single;
    enum status (*open)(const struct plan_node *node, struct sink_env *env, struct sink **out,
                        struct diag *diag);
    /* Before a tick, by the log's thread, where on_chunk may be another's. May be NULL. */
    void (*on_tick_begin)(struct sink *sink);
    enum status (*on_chunk)(struct sink *sink, const struct chunk *in);
    enum status (*on_tick_end)(struct sink *sink);      /* may be NULL */
    /* The tick's entry is durable (or the tick is a replay). May be NULL. */
    enum status (*publish)(struct sink *sink, uint64_t tick);
    /* Before a checkpoint is called valid: what publish did is on disk. May be NULL. */
    enum status (*sync)(struct sink *sink);
    void (*save)(struct sink *sink, struct snap_writer *w);             /* may be NULL */
    enum status (*load)(struct sink *sink, struct reader *r);
    void (*measure)(struct sink *sink, uint64_t *rows, uint64_t *bytes); /* may be NULL */
    void (*close)(struct sink *sink);
};

/* One record of the sink's result: hashed, and added to the tick's entry unless replaying. A key or
 * value with ptr NULL is null. */
void sink_record(struct sink_env *env, struct log_partition *partition, struct bytes key,
                 struct bytes value);
/* The same with a time other than the tick's clock, and headers; its offset does not count. */
void sink_record_whole(struct sink_env *env, struct log_partition *partition, const struct record *rec);
/* Adds to the tick's hash what has no record. */
void sink_hash(struct sink_env *env, struct bytes bytes);

/* By the table's kind and its 'connector'; NULL with a diag that names those there are. */
const struct sink_class *sink_class_of(const struct plan_node *node, struct diag *diag);

#endif
