/* results.h: what a tick gives: records for partitions of the log, collected while the operators
 * run and committed with the tick's note as one entry.
 *
 * The order of the parts is that in which partitions were first written to, which follows from the
 * operators' order; so a replay gives the same entry.
 *
 * Owns: the batches until results_clear.   Threads: its shard's, until results_finish; then the log's.
 * Layer: flow.
 */
#ifndef QW_FLOW_RESULTS_H
#define QW_FLOW_RESULTS_H

#include "store/log/log.h"
#include "wire/kafka/batch.h"

struct results_part {
    struct log_partition *partition;
    char *topic;          /* or, partition NULL: this topic's partition 0, found or made at the commit */
    struct batch_builder builder;
    struct buf done;      /* whole batches, when one would have become too large */
    size_t *ends;         /* of the batches in done */
    uint32_t ends_count, ends_cap;
    bool used;
};

struct results {
    struct results_part *parts;
    uint32_t parts_count, parts_cap;
    uint64_t records, bytes;
    bool suppressed; /* a replay: what is added is dropped, it is in the log already */
};

enum { RESULTS_BATCH_BYTES = 512 << 10 };

void results_init(struct results *results);
void results_deinit(struct results *results);
void results_clear(struct results *results); /* keeps the memory */

void results_add(struct results *results, struct log_partition *partition, const struct record *rec);

/* For a topic that may not be there yet. */
void results_add_named(struct results *results, const char *topic, int64_t timestamp_ms,
                       struct bytes value);

/* Nothing is added any more: its batches are made ready, on the shard's thread. */
enum status results_finish(struct results *results) MUST_CHECK;
/* All of it becomes parts of the entry. A named topic that cannot be made has none. */
enum status results_commit(struct results *results, struct log *log, struct log_entry *entry,
                           struct diag *diag) MUST_CHECK;
uint64_t results_memory(const struct results *results); /* bytes held, used or not */
bool results_empty(const struct results *results);

#endif
