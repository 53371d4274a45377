/* carrier_inner.h: a carrier's insides: carrier.c (its life), deliver.c (a sink's turns), poll.c (a source's),
 * batch.c (records out of the log, and as rows), position.c (positions in the log), dead.c (dead letters), replay.c
 * (those put back, and keys that are held behind them).
 * Nobody else includes it.   Layer: bridge.
 */
#ifndef QW_BRIDGE_CARRIER_INNER_H
#define QW_BRIDGE_CARRIER_INNER_H

#include "base/buf.h"
#include "bridge/carrier.h"
#include "bridge/held.h"
#include "bridge/pace.h"
#include "data/format/format.h"

enum { BRIDGE_OPTIONS_MAX = 64, CARRIER_LOG_WAIT_NS = 1000000000, HELD_KEYS_MAX = 1 << 20 };

/* Of a letter, the header that has the record's value. */
#define DEAD_VALUE_HEADER "quickwater.value"

/* How far the letters of a topic are put back: as it stands in the log. Those in [next, to) still are to be. */
struct replay_kept {
    int64_t next, to;
    uint8_t topic[16];   /* its id; another topic of that name has other offsets */
    uint32_t generation; /* of topics that were, so that the outside does not mix up their positions */
    uint32_t zero;
};
_Static_assert(sizeof(struct replay_kept) == 40, "on disk");

/* Where a record stood in the table's topic; PLACE_OF_LETTER: what is here is no record but a letter, as it is. */
#define PLACE_OF_LETTER UINT32_MAX
struct carrier_place {
    uint32_t partition;
    int64_t offset;
};

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
    struct carrier_lane replay; /* of dead letters that are put back: it goes before the others */
    struct replay_kept replayed;
    bool hold;        /* records of a letter's key wait behind it */
    struct held held; /* those keys, of the letters below held_next of the topic held_of */
    int64_t held_next;
    uint8_t held_of[16];
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
    struct held loaded;           /* keys of the batch, while keys are held */
    bool waiting;                 /* the batch is of records that wait behind a letter: none of them goes outside */
    struct carrier_place *places; /* of the batch's records, where they are put back; else NULL */
    struct bridge_poll poll;
    struct carrier_lookup *lookup; /* NULL: it is none */
    struct log_waiter durable;     /* of the last poll's entry, or one with letters */
    bool waits;                    /* for it: nothing is asked of the bridge before */
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
void replay_read(const struct log *log, struct bytes table, struct replay_kept *out);
void replay_write(struct log_entry *entry, struct bytes table, const struct replay_kept *kept);

/* ---- dead.c ---- */
/* Those records that are `never`, into TABLE.dead; how many entries of the log's batch that made is at most the
 * number of them. */
enum status dead_letters(struct carrier *c, struct log_entry *entry, const struct bridge_record *records,
                         uint32_t records_count, uint64_t *count) MUST_CHECK;

/* The record that a letter was, with the letter's offset, and where it stood; false: the letter does not have it. */
bool dead_open(const struct record *letter, struct record *out, struct carrier_place *place);

/* ---- replay.c ---- */
void replay_open(struct carrier *c);
/* Whether there are letters to be put back; then the lane c->replay is where they stand. */
bool replay_under_way(struct carrier *c);
void replay_pass_over(struct carrier *c);                /* no record was in what the lane has read */
void replay_asked(struct carrier *c, int64_t position); /* the outside has it */
uint32_t replay_partition(const struct carrier *c); /* as the bridge sees it */
uint64_t replay_left(const struct carrier *c);
void replay_keep(struct carrier *c, struct log_entry *entry, int64_t position);
void replay_trim(struct carrier *c);
/* True: all letters' keys are in c->held, if keys are held at all. False: wake was called, or it is to be waited. */
bool held_known(struct carrier *c);
/* True: there are too many, and so nothing may be delivered now. */
bool held_full(struct carrier *c);

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
void carrier_wait(struct carrier *c, uint64_t lsn); /* the next turn is when that is durable */
void carrier_failed(struct carrier *c, const char *why, int64_t now_ns);
void carrier_went_well(struct carrier *c);

#endif
