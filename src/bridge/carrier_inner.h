/* carrier_inner.h: a carrier's insides: carrier.c (its life), deliver.c (a sink's turns), poll.c (a source's),
 * batch.c (records out of the log, and as rows), position.c (what is kept in the log: positions, dead letters).
 * Nobody else includes it.   Layer: bridge.
 */
#ifndef QW_BRIDGE_CARRIER_INNER_H
#define QW_BRIDGE_CARRIER_INNER_H

#include "base/buf.h"
#include "bridge/carrier.h"
#include "bridge/pace.h"
#include "data/format/format.h"

enum { BRIDGE_OPTIONS_MAX = 64, CARRIER_LOG_WAIT_NS = 1000000000 };

enum fallback { FALLBACK_WAIT, FALLBACK_STALE, FALLBACK_NULL, FALLBACK_DEFAULT };

/* Of a lookup: lookup.c. */
struct carrier_lookup {
    struct log_partition *answers;
    enum fallback fallback;
    uint32_t retries, failed; /* calls of the questions at hand that have failed */
    struct chunk default_row; /* of 'lookup.default', of the table's columns; rows 0: none */
    struct schema keys, row, checked;
    uint16_t *row_from;       /* for each column asked for: which of those that are decoded */
    int32_t *row_key;         /* or the key's; -1: none */
    struct format_decoder *question, *value, *check;
    struct schema value_schema;
    struct format_encoder *encoder;
    struct bridge_lookup call; /* the helper's until it is done */
    uint32_t *which;           /* a record of the batch: its key in the call */
    struct bytes *texts;       /* and its answer, when the call is done */
    uint64_t keys_asked, instead;
};

struct carrier_lane {
    struct log_partition *partition;
    int64_t position;
    bool asked; /* what position the outside has, or it has none */
    struct log_watcher watcher;
};

struct carrier {
    struct os_work work; /* first */
    struct carrier_env env;
    const struct bridge_class *class;
    struct bytes name, kept_as; /* told; of its positions */
    struct bytes dead_topic;    /* the name before ".dead" */
    struct bridge_spec spec;
    const struct bridge_given *options; /* as the table has them */
    unsigned options_count;
    struct bridge *bridge;
    struct bytes owner; /* of its pins */
    struct log_topic *topic;
    struct carrier_lane *lanes;
    uint32_t lanes_count, turn;
    struct arena arena; /* as long as the carrier */
    struct os_helper *helper;

    /* pace */
    struct breaker breaker;
    struct backoff backoff;
    struct rate rate;
    struct rng rng;
    int64_t not_before_ns; /* INT64_MIN: at once */
    uint32_t records_max;
    size_t bytes_max;
    uint64_t backlog_max;  /* of a source: bytes of its topic */
    int64_t interval_ms, wait_ms;

    /* what is under way: the helper's until it is done */
    struct arena batch_arena;
    struct bridge_batch batch;
    struct bridge_poll poll;
    struct carrier_lookup *lookup; /* NULL: it is none */
    struct log_waiter durable; /* of the last poll's entry */
    bool waits;                /* for it */
    uint64_t behind;           /* what the last poll said */
    bool leaving, closing;     /* the helper is closing the bridge, or has */
    struct format_decoder *rows, *keys; /* NULL: the bridge takes bytes; there is no key */
    struct buf scratch;                 /* of decompression */
    bool under_way, asking;
    bool outcome_kept; /* delivered, and the log has not taken the position yet */
    enum status asked_status;
    int64_t asked_position, took_ns;

    char trouble[200];
    uint64_t delivered, dead, calls, failures, lost;
    int64_t busy_ns;
};

/* ---- batch.c ---- */
struct format_spec carrier_format(struct carrier *c); /* of the table's values */
enum status rows_open(struct carrier *c, struct diag *diag) MUST_CHECK;
void rows_close(struct carrier *c);
/* On the helper: the batch's records as rows, if the bridge takes rows. What cannot be one is `never`. */
void rows_decode(struct carrier *c);
bool lane_has_more(const struct carrier_lane *lane);
/* The next records of a lane into the batch, at most so many. False: there are none after all. */
bool batch_load(struct carrier *c, struct carrier_lane *lane, uint32_t records_max);

/* ---- position.c ---- */
int64_t position_kept(const struct log *log, struct bytes table, uint32_t partition);
void position_keep(struct log_entry *entry, struct bytes table, uint32_t partition, int64_t position);
/* The state of the circuit breaker that somebody chose and it does not leave by itself; CLOSED: none. */
enum breaker_state forced_kept(const struct log *log, struct bytes table);
enum status forced_keep(struct log *log, struct bytes table, enum breaker_state state, uint64_t *lsn) MUST_CHECK;
/* Of a source: where a split of the outside stands. */
void split_keep(struct log_entry *entry, struct bytes table, const struct bridge_moved *moved);
/* Tells the bridge of all that are kept. */
enum status splits_resume(struct carrier *c) MUST_CHECK;
/* Those records that are `never`, into TABLE.dead; how many entries of the log's batch that made is at most the
 * number of them. */
enum status dead_letters(struct carrier *c, struct log_entry *entry, const struct bridge_record *records,
                         uint32_t records_count, uint64_t *count) MUST_CHECK;

/* ---- deliver.c, poll.c: true when the log is to be flushed, and another turn wanted ---- */
void lanes_open(struct carrier *c);
void lanes_close(struct carrier *c);
void deliver_finish(struct carrier *c, int64_t now_ns);
void deliver_keep(struct carrier *c, int64_t now_ns); /* the outcome that the log did not take */
void deliver_begin(struct carrier *c, int64_t now_ns);
uint64_t deliver_lag(const struct carrier *c);
void poll_finish(struct carrier *c, int64_t now_ns);
void poll_keep(struct carrier *c, int64_t now_ns);
void poll_begin(struct carrier *c, int64_t now_ns);

/* ---- lookup.c ---- */
enum status lookup_open(struct carrier *c, const struct carrier_spec *spec, enum fallback fallback, int64_t retries,
                        struct bytes otherwise, struct diag *diag) MUST_CHECK;
/* The row of 'lookup.default'; no rows where there is none. */
enum status lookup_default(const struct bridge_spec *spec, struct bytes text, struct arena *arena, struct chunk *out,
                           struct diag *diag) MUST_CHECK;
void lookup_close(struct carrier *c);
void lookup_begin(struct carrier *c, int64_t now_ns);
void lookup_finish(struct carrier *c, int64_t now_ns);
void lookup_keep(struct carrier *c, int64_t now_ns);

/* ---- carrier.c ---- */
void carrier_submit(struct carrier *c, bool (*step)(struct os_work *));
void carrier_failed(struct carrier *c, const char *why, int64_t now_ns);
void carrier_went_well(struct carrier *c);

#endif
