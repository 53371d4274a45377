/* txn.h: the coordinator of transactions: who may write under a transactional id, what its open
 * transaction has touched, and how it ends.
 *
 *   EMPTY --partition or group added--> ONGOING --end--> COMMITTED | ABORTED --added--> ONGOING …
 *
 * There is one node and one log, so a transaction ends by one atomic entry: the decision, a marker
 * in each partition, the group offsets it carries. After a crash all of that is there or none; there
 * is no state between. Why so: docs/design/005-transactions.md; kept facts: docs/format/kafka.md.
 *
 * Owns:    its table, a copy of which is in the log's key-value space.
 * Threads: the loop's.      Layer: serve (private to serve/kafka).
 * Errors:  enum kafka_error, Kafka's own.
 * Limits:  TXN_IDS_MAX ids, of at most TXN_ID_BYTES_MAX; TXN_GROUPS_BYTES_MAX of groups; one that was idle for TXN_IDLE_MS_MAX is forgotten.
 */
#ifndef QW_SERVE_KAFKA_TXN_H
#define QW_SERVE_KAFKA_TXN_H

#include "base/buf.h"
#include "base/map.h"
#include "net/loop.h"
#include "store/log/log.h"
#include "wire/kafka/errors.h"

enum {
    TXN_TIMEOUT_MS_MAX = 900000, /* Kafka's transaction.max.timeout.ms */
    TXN_IDS_MAX = 100000,
    TXN_ID_BYTES_MAX = 4096,
    TXN_GROUPS_BYTES_MAX = 64 * 1024, /* ids of the groups of one transaction */
    TXN_EPOCH_MAX = 32766, /* then a new producer id is given */
};
static const int64_t TXN_IDLE_MS_MAX = 7ll * 24 * 3600 * 1000;

enum txn_state { TXN_EMPTY, TXN_ONGOING, TXN_COMMITTED, TXN_ABORTED, TXN_STATES };
const char *txn_state_name(enum txn_state state); /* Kafka's: "CompleteCommit" */

struct txn_partition {
    uint8_t topic_id[LOG_ID_BYTES];
    uint32_t index;
};

struct txn {
    enum txn_state state;
    int64_t producer_id, last_producer_id; /* the one before, when the epochs of that ran out */
    int16_t epoch, last_epoch; /* the one before, for a bump that is asked for again; -1: none, or it
                                * is fenced */
    int32_t timeout_ms;
    int64_t began_ms, changed_ms; /* wall clock; began_ms of an ongoing one */
    struct txn_partition *partitions; /* touched by the ongoing one */
    uint32_t partitions_count, partitions_cap;
    struct buf groups; /* whose offsets it carries: u16 length, id, one after the other */
    struct txn *next, *prev; /* the ongoing ones, the oldest first */
    size_t id_len;
    uint8_t id[];
};

struct txns {
    struct log *log;
    struct loop *loop;
    struct map by_id;
    struct txn *first, *last; /* ongoing */
    struct loop_timer *timer;
    int64_t timer_ms; /* wall clock it is set for; INT64_MAX: not */
    void (*committed)(void *context, struct bytes group_id); /* offsets of it were committed */
    void *context;
};

void txns_open(struct txns *txns, struct log *log, struct loop *loop);
void txns_close(struct txns *txns);

struct bytes txn_id(const struct txn *txn);
struct txn *txn_find(const struct txns *txns, struct bytes id);
/* The transaction of the id, if that producer is the one that may write; else why not. */
enum kafka_error txn_of(const struct txns *txns, struct bytes id, int64_t producer_id, int16_t epoch,
                        struct txn **out);

/* InitProducerId: ends what is ongoing by abort, fences whoever had the id before. producer_id -1:
 * the caller is new; else it goes on from that epoch (KIP-360). Counts when lsn is durable. */
struct txn_init {
    struct bytes id;
    int32_t timeout_ms;
    int64_t producer_id;
    int16_t epoch;
};
enum kafka_error txn_init(struct txns *txns, const struct txn_init *init, int64_t *producer_id,
                          int16_t *epoch, uint64_t *lsn);

/* Adds to the ongoing transaction, which begins when there is none. */
enum kafka_error txn_add(struct txns *txns, struct txn *txn, const struct txn_partition *partitions,
                         uint32_t count, struct bytes group_id, uint64_t *lsn);
bool txn_has_partition(const struct txn *txn, const uint8_t topic_id[LOG_ID_BYTES], uint32_t index);
bool txn_has_group(const struct txn *txn, struct bytes group_id);

enum kafka_error txn_end(struct txns *txns, struct txn *txn, enum log_outcome outcome, uint64_t *lsn);

/* The end of the second version (KIP-890): the epoch goes up with it, so that nothing sent before can
 * come to be part of the next transaction; when the epochs run out there is a new producer id. An
 * abort need not have anything to abort. *out has the producer id and epoch to go on with. */
struct txn_ending {
    struct bytes id;
    int64_t producer_id;
    int16_t epoch;
    enum log_outcome outcome;
};
enum kafka_error txn_end_bump(struct txns *txns, const struct txn_ending *ending, struct txn **out,
                              uint64_t *lsn);

/* ---- offsets that wait for the end, by the key under which they will be committed ---- */
void txn_offset_put(struct log_entry *entry, const struct txn *txn, struct bytes offset_key,
                    struct bytes value);
/* An ongoing transaction carries an offset for that key. */
bool txn_offset_pending(const struct txns *txns, struct bytes group_id, struct bytes offset_key);

#endif
