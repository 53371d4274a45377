/* producers.h: what a partition remembers of its idempotent producers: epoch and the last five
 * batches of each, so that a batch sent again is answered with its first offsets and a lost one is
 * noticed.
 *
 * The rules are Kafka's: a lower epoch is fenced; a new epoch begins at sequence 0; within an epoch
 * a batch is the next, one of the last five again, or out of order. Of a producer that is not known
 * (any more) any sequence is taken.
 *
 * Owns: its table.   Threads: those of one shard.   Layer: store.
 * Limits: PRODUCERS_MAX a partition; the one that wrote least lately goes first, but none that has a
 *         transaction open.
 */
#ifndef QW_STORE_LOG_PRODUCERS_H
#define QW_STORE_LOG_PRODUCERS_H

#include "base/buf.h"
#include "base/reader.h"
#include "store/log/log.h"
#include "wire/kafka/batch.h"

enum { PRODUCER_BATCHES = 5, PRODUCERS_MAX = 20000 };

struct producer_batch {
    int32_t first_sequence, last_sequence;
    int64_t base_offset, last_offset;
    int64_t timestamp_ms;
};

struct producer {
    int64_t id;
    int16_t epoch;
    uint8_t count, newest; /* of batches; a ring. None: only a marker of that epoch was met */
    int64_t last_offset;       /* of what it wrote last, a marker too */
    int64_t transaction_first; /* of its first record in the open transaction; -1: none is open */
    struct producer *open_next, *open_prev;
    struct producer_batch batches[PRODUCER_BATCHES];
};

struct producers {
    struct producer **slots; /* open addressing by id */
    uint32_t cap, count;
    struct producer *open_first, *open_last; /* with an open transaction, by its first offset */
};

void producers_deinit(struct producers *p);

/* What the batch is; for LOG_SEQ_DUPLICATE first says where it went the first time. */
enum log_sequence producers_check(const struct producers *p, const struct batch_header *h,
                                  struct producer_batch *first);
/* Remembers a batch that was appended at base_offset. */
void producers_note(struct producers *p, const struct batch_header *h, int64_t base_offset,
                    int64_t timestamp_ms);

/* A marker of the producer: its transaction ends. Gives the first offset of it; -1: none was open. */
int64_t producers_end(struct producers *p, const struct batch_header *marker);
/* The first offset of the oldest open transaction; INT64_MAX: there is none. */
static inline int64_t producers_open_first(const struct producers *p)
{
    return p->open_first ? p->open_first->transaction_first : INT64_MAX;
}

int16_t producers_epoch(const struct producers *p, int64_t id); /* -1: not known */
void producers_each(const struct producers *p, log_producer_fn *fn, void *context);

void producers_save(const struct producers *p, struct buf *to);
/* with_transactions: false for what was saved before there were any. */
enum status producers_load(struct producers *p, struct reader *from,
                           bool with_transactions) MUST_CHECK;

#endif
