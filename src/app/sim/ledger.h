/* ledger.h: what the clients of a simulated server made, and what it promised them.
 *
 * Events are numbered; a record carries its number, so a record that is read back is recognised. A
 * promise is an acknowledgement (this event is at this offset) or a record shown to a reader (these
 * bytes are at this offset): both must hold for ever.
 *
 * Owns: all in it.   Threads: one.   Layer: app.
 */
#ifndef QW_APP_SIM_LEDGER_H
#define QW_APP_SIM_LEDGER_H

#include <stdio.h>

#include "base/bytes.h"
#include "base/rng.h"

enum ledger_topic { LEDGER_EVENTS, LEDGER_MID, LEDGER_TOPICS };

enum { LEDGER_KEYS = 40, LEDGER_GROUPS = 5, LEDGER_DELAY_MS = 2000,
       LEDGER_STEP_MS = 20, LEDGER_LATE_MS_MAX = 9000,
       LEDGER_PARTITIONS = 2, LEDGER_PARTITIONS_MAX = 4 }; /* of a topic: at first; at most, in the end */

#define LEDGER_BASE_MS INT64_C(1767225600000) /* 2026-01-01 */

struct event {
    enum ledger_topic topic;
    uint32_t partition;
    int32_t k, g, v;
    int64_t ts_ms;
    int64_t offset; /* where it was acknowledged to be; -1: it was not */
};

/* What was shown of a partition: a hash a record, 0 for what nobody saw. */
struct shown {
    char *topic;
    uint32_t partition;
    uint64_t *hashes;
    uint64_t len, cap;
};

/* A topic that a client makes and deletes again and again; COMING and GOING: it was asked for, and no answer came
 * yet. */
struct ledger_scratch {
    enum { SCRATCH_GONE, SCRATCH_COMING, SCRATCH_THERE, SCRATCH_GOING } state;
    uint64_t made;  /* how often: a record says in which of them it was written */
    uint64_t maybe; /* of a record that was sent and never answered */
};

struct ledger {
    struct event *events;
    uint64_t events_len, events_cap;
    struct shown *shown;
    uint32_t shown_len;
    struct shown_total {
        int64_t n, s;
    } totals[LEDGER_KEYS]; /* the greatest that anybody was shown of the view `totals` */
    uint64_t totals_shown;
    struct ledger_scratch scratch;
    /* Of each topic: that are known to be there; that a client has asked for. */
    uint32_t partitions[LEDGER_TOPICS], asked_partitions[LEDGER_TOPICS];
    uint64_t widened; /* partitions that were added */
    uint64_t failures;
    char first_failure[512];
    uint64_t acked;
    FILE *out, *trace;
    uint64_t seed;
};

void ledger_init(struct ledger *ledger, uint64_t seed, FILE *out, FILE *trace);
void ledger_deinit(struct ledger *ledger);

/* Of a topic, by name: how many partitions it is known to have; UINT32_MAX of one that never gets more. */
uint32_t ledger_partitions(const struct ledger *ledger, const char *topic);
/* A new event of the topic and partition; its number. */
uint64_t ledger_make(struct ledger *ledger, enum ledger_topic topic, uint32_t partition,
                     struct rng *rng);
/* Its value, as the topics carry it. */
size_t ledger_json(const struct ledger *ledger, uint64_t id, char *to, size_t size);

/* The record was shown to somebody, or is being read back: the same bytes as ever before? */
void ledger_shown(struct ledger *ledger, const char *topic, uint32_t partition, int64_t offset,
                  struct bytes key, struct bytes value);
/* One past the last offset that was shown. */
uint64_t ledger_shown_end(struct ledger *ledger, const char *topic, uint32_t partition);

/* A row of the view `totals` was shown: it never goes back. */
void ledger_total(struct ledger *ledger, uint32_t k, int64_t n, int64_t s);
/* The topic is deleted, or soon will be: what was shown of it is forgotten. */
void ledger_forget(struct ledger *ledger, const char *topic);

void ledger_fail(struct ledger *ledger, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void ledger_trace(struct ledger *ledger, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The whole number after "name": in a JSON object of ours; fallback when it is not there. */
int64_t ledger_number(struct bytes json, const char *name, int64_t fallback);

extern const char *const ledger_topics[LEDGER_TOPICS]; /* names */

#endif
