/* carrier.h: one table's bridge at work. Of a sink: takes records from the table's topic to the outside, and keeps
 * the position up to which they have arrived.
 *
 *      rest --- there are records ---> deliver (on the helper) --- settled ---> the position moves ---> rest
 *                                         |
 *                                         +--- trouble ---> wait (backoff, breaker) ---> again, from the position
 *
 * The position is in the log (LOG_KV_BRIDGES); records that can never be delivered go to the topic TABLE.dead in
 * the entry that moves it past them, and come back from there when they are asked for (carrier_replay). What the
 * position has not passed is pinned in the topic.
 *
 * Of a source: polls the outside, and takes what it gives and the position after it as one entry into the log.
 *
 *      poll (on the helper) --- records ---> one entry: records, position --- durable ---> poll
 *          +--- trouble, nothing there, the log refuses, the topic is full ---> wait ---> poll
 *
 * Of a lookup: as a sink, its topic being questions of a job; what the outside answers and the position are one entry.
 *
 * Owns:    its bridge, helper and batch.
 * Threads: the loop's; the bridge's calls are made on the helper.
 * Limits:  options: one batch of records is in memory; a source's topic is no larger than bridge.backlog.bytes
 *          and a batch while jobs have not read it.   Layer: bridge.
 */
#ifndef QW_BRIDGE_CARRIER_H
#define QW_BRIDGE_CARRIER_H

#include "bridge/breaker.h"
#include "bridge/bridge.h"
#include "store/log/log.h"

struct carrier;

/* The options that every bridge has. */
extern const struct bridge_option carrier_options[];
extern const unsigned carrier_options_count;

struct carrier_env {
    struct os *os;
    struct log *log;
    os_wake_fn *wake; /* carrier_pass is wanted; from any thread */
    /* Told when a carrier gets into trouble (why) and when it is out of it (NULL), by the loop; may be NULL. */
    void (*on_trouble)(void *context, struct bytes table, const char *why);
    void *context;
};

/* All is copied. */
struct carrier_spec {
    const struct bridge_class *class;
    struct bytes table;
    struct bytes name;   /* of the carrier; empty: the table's */
    struct bytes dead;   /* the topic before whose name stands ".dead"; empty: its own */
    struct bridge_asking asking; /* of a lookup */
    struct log_partition *answers;
    enum bridge_way way; /* 0 for carrier_check of a table that is being made */
    struct schema schema;
    const uint16_t *key;
    uint16_t key_count;
    const struct bridge_given *options;
    unsigned options_count;
};

/* Whether the options are right, for a table that is being made; opens nothing. */
enum status carrier_check(const struct carrier_spec *spec, bool *takes_rows, bool *takes_changes,
                          struct diag *diag) MUST_CHECK;
/* How the answers of lookups are kept, as the table says. */
struct carrier_cache {
    bool cached, keep_missing, stale;
    uint64_t keys_max;
    int64_t write_us, access_us;
};
enum status carrier_cache(const struct carrier_spec *spec, struct carrier_cache *out, struct diag *diag) MUST_CHECK;
/* From the kept position on, or from the topic's start. */
enum status carrier_open(const struct carrier_env *env, const struct carrier_spec *spec,
                         struct log_topic *topic, struct carrier **out, struct diag *diag) MUST_CHECK;
/* What the topic of such a table is made with. */
enum status carrier_topic_options(const struct carrier_spec *spec, struct log_topic_options *out,
                                  struct diag *diag) MUST_CHECK;
/* Waits for what is under way: at most the bridge's time limit, and where a request was refused and is halved ten of them. */
void carrier_close(struct carrier *c);
/* Its end without a wait: it leaves the log at once, and is to be closed when carrier_gone says so; wake is called
 * when it should be asked again. */
void carrier_leave(struct carrier *c);
bool carrier_gone(struct carrier *c);
/* The way that a table is carried which has a topic; it is set before that is made. */
enum bridge_way carrier_way(const struct log *log, struct bytes table);
enum status carrier_set_way(struct log *log, struct bytes table, enum bridge_way way) MUST_CHECK;
/* Where what the topic of that name could not deliver is kept; NULL: there was nothing. */
struct log_topic *carrier_dead_topic(const struct log *log, struct bytes topic);
/* Its positions are forgotten: the table (of a lookup, the topic of questions) is no more. */
enum status carrier_forget(struct log *log, struct bytes table, uint64_t *lsn) MUST_CHECK;

/* True while there is more to do at once. */
bool carrier_pass(struct carrier *c);
int64_t carrier_deadline_ns(const struct carrier *c); /* INT64_MAX: none */

/* The circuit breaker by hand. A state that it does not leave by itself is kept in the log, and holds over restarts
 * and for the table that takes this one's place; another one ends that. Changes nothing when the log refuses. */
enum status carrier_force(struct carrier *c, enum breaker_state state, uint64_t *lsn) MUST_CHECK;

/* What is in TABLE.dead of a sink now is delivered again, in order and before anything else; how many that are. Goes on
 * after a restart, and is safe once *lsn is durable (0 of count: there is nothing to wait for). */
enum status carrier_replay(struct carrier *c, uint64_t *count, uint64_t *lsn, struct diag *diag) MUST_CHECK;

struct carrier_info {
    struct bytes table, topic; /* table: the carrier's name */
    const char *connector, *guarantee;
    enum bridge_way way;
    const char *trouble; /* the last; empty while all is well */
    enum breaker_state breaker;
    uint32_t failure_percent, slow_percent;
    bool busy;           /* a delivery is under way */
    uint64_t delivered, dead, calls, failures, opened, lost; /* delivered: of a source, into the log; of a lookup, answered */
    uint64_t keys, instead; /* of a lookup: keys in its calls; questions that were answered without the outside */
    uint64_t lag;        /* records that have not arrived; of a source as far as it is known */
    uint64_t replaying;  /* records that are still to be put back from TABLE$dead */
    uint32_t held_keys;  /* keys of which records wait there */
    int64_t busy_ns;     /* spent in calls */
};
void carrier_info(const struct carrier *c, struct carrier_info *out);

#endif
