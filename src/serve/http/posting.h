/* posting.h: a request's records on their way into the log: batches of one topic or of many, one entry, all or none.
 *
 * Offsets are known before the entry is made, so that an answer that tells them can be in it: this thread alone
 * appends, so they are those where the partitions end now (CHECKed afterwards).
 *
 * Owns:    batches under way; not the topics.   Threads: the loop's, within one call of it.
 * Errors:  of posting_add with DIAG_LIMIT: that record is too large, the others go on.
 * Limits:  the topics' message_bytes_max; the caller bounds how many records there are.
 * Layer: serve (private to serve/http). */
#ifndef QW_SERVE_HTTP_POSTING_H
#define QW_SERVE_HTTP_POSTING_H

#include "base/buf.h"
#include "store/log/log.h"
#include "wire/kafka/batch.h"

struct posting_part {
    struct batch_builder builder;
    bool used;
    int64_t next; /* offset of the next record */
};

struct posting_topic {
    struct posting_topic *before;
    struct log_topic *topic;
    const struct log_topic_info *info;
    uint32_t keyless;           /* where records without a key go */
    struct posting_part *parts; /* one a partition */
};

/* A batch that is done, in the order of the entry. */
struct posting_batch {
    struct log_topic *topic;
    uint32_t partition;
    int64_t base;
    int32_t count;
    size_t from, len; /* in posting.bytes */
};

struct posting {
    struct log *log;
    int64_t now_us;               /* of all records */
    struct posting_topic *topics; /* the last first */
    struct buf bytes;
    struct posting_batch *batches;
    uint32_t batches_count, batches_cap;
    uint64_t records;
};

void posting_init(struct posting *in, struct log *log, int64_t now_us);
void posting_deinit(struct posting *in);
/* Once a topic. rotor: spreads records without a key. */
struct posting_topic *posting_topic(struct posting *in, struct log_topic *topic, uint32_t *rotor);
/* By key as Kafka's clients do it, if partition is -1. key.ptr NULL: none. */
enum status posting_add(struct posting *in, struct posting_topic *to, int64_t partition, struct bytes key,
                        struct bytes value, struct diag *diag) MUST_CHECK;
/* No more records come: in->batches is whole. */
enum status posting_close(struct posting *in) MUST_CHECK;
/* Into an entry that the caller began and may have put more into; committed, or aborted. */
enum status posting_commit(struct posting *in, struct log_entry *take_entry, uint64_t *lsn,
                           struct diag *diag) MUST_CHECK;

#endif
