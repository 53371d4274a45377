/* source.h: where a tick's rows come from: a topic's partitions, a file, a generator.
 *
 * A tick first asks each source how far it may read now (`take`), which is written into the tick's
 * note; then it reads exactly that (`run`). A replay calls only `run`, with the noted end. So `run`
 * must be a function of position and end alone.
 *
 * A source has `splits` (partitions); a split belongs to shard split % shards and has one position,
 * a 64-bit number whose meaning is the source's own (an offset, a count of events, a byte position).
 *
 * Threads: run its shard's, everything else the loop's, and never two at a time.   Layer: flow.
 */
#ifndef QW_FLOW_SOURCE_H
#define QW_FLOW_SOURCE_H

#include "flow/op.h"
#include "store/log/log.h"

struct source;

/* A record that could not be decoded. Views, for the call. */
struct source_error {
    struct bytes topic; /* or the table's name, where it has none */
    int32_t partition;
    int64_t offset;
    struct bytes key, record; /* ptr NULL: it has none */
    const char *reason;
};

/* What a source may use of the engine around it. */
struct source_env {
    struct os *os;
    struct log *log;
    struct op_ctx *ctx;
    struct bytes job;
    struct format_registry *registry; /* NULL: there is none */
    void *host;                     /* the engine's, for the tables that are its own */
    void (*on_work)(void *context); /* new input has come: a tick is wanted */
    void *on_work_context;
    void (*on_error)(void *context, const struct source_error *error); /* counted, and written to t$errors */
    void *on_error_context;
};

struct source_class {
    const char *connector; /* 'kafka', 'nexmark', … */
    /* Checks the table's options; makes the source of one scan. */
    enum status (*open)(const struct plan_node *scan, struct source_env *env, struct source **out,
                        struct diag *diag);
    uint32_t (*splits)(struct source *source); /* that there are now */
    /* Where a split is read from that came after the source was opened: its beginning, as Flink has
     * it. False: this source reads none that come. NULL: none ever come. The source itself says
     * on_work when one comes. */
    bool (*join)(struct source *source, uint32_t split, int64_t *position);
    /* Where a new job starts. */
    int64_t (*start)(struct source *source, uint32_t split);
    /* The end to read to now, from position, at most rows_max rows and about bytes_max bytes; = position when
     * there is nothing. *wake_ns: when there will be more by the clock alone (rates), else untouched. */
    int64_t (*take)(struct source *source, uint32_t split, int64_t position, uint32_t rows_max,
                    uint64_t bytes_max, int64_t now_us, int64_t *wake_us);
    /* The tick may be run by another thread, where `run` may not touch the log: gets hold of what it will
     * read of [position, end), split by split in their order. ST_AGAIN: that is too much to hold. NULL:
     * there is nothing to it. */
    enum status (*prepare)(struct source *source, uint32_t split, int64_t position, int64_t end);
    /* Lets go of all that was prepared. */
    void (*settle)(struct source *source);
    /* Reads a split from *position on, emits about a chunk of the scan's columns by op_emit(env->ctx), and
     * moves *position past what it has read; called again until that is end. Where chunks are cut may
     * depend on where a tick begins and ends, and on nothing else. */
    enum status (*run)(struct source *source, uint32_t split, int64_t *position, int64_t end);
    /* A bounded source: the position after which a split gives nothing more; INT64_MAX: unbounded. */
    int64_t (*bound)(struct source *source, uint32_t split);
    /* The source's own time at a position, for engine_options.source_clock. May be NULL. */
    int64_t (*clock_us)(struct source *source, uint32_t split, int64_t position);
    /* Nothing below this position will be read again (pins move). May be NULL. */
    void (*release)(struct source *source, uint32_t split, int64_t position);
    /* Memory that it holds of its own; records of the log are the log's. May be NULL: next to none. */
    uint64_t (*bytes)(const struct source *source);
    void (*close)(struct source *source);
};

struct source {
    const struct source_class *class;
};

/* The origins of rows that are read one after the other from `position` on; NULL: nobody asks. */
const struct origin *source_origins(const struct plan_node *scan, struct arena *arena, uint32_t split,
                                    int64_t position, uint16_t count);

/* By 'connector' of the scan's table; NULL with a diag that names those there are. */
const struct source_class *source_class_of(struct bytes connector, struct diag *diag);

#endif
