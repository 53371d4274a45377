/* batches.h: record batches for tests of the log, built and read back.
 *
 * A record's value is "<tag>-<n>", so that a reader can tell which one it has. */
#ifndef QW_TESTS_BATCHES_H
#define QW_TESTS_BATCHES_H

#include "base/buf.h"
#include "store/log/log.h"
#include "wire/kafka/batch.h"

struct batch_spec {
    uint64_t tag;
    int count;            /* records; 0: 1 */
    size_t value_bytes;   /* each value is padded to that */
    int64_t timestamp_ms; /* of the first; each next one is later by one */
    int64_t producer_id;  /* 0: none */
    int16_t epoch;
    int32_t sequence;
    bool transactional;
};

/* Valid until the next call. */
struct bytes test_batch(struct batch_spec spec);

/* The tag of the record's value; UINT64_MAX when it has none. *n is its place in its batch. */
uint64_t test_tag(struct bytes value, int *n);

/* Appends one batch and expects that to work. */
struct log_appended test_append(struct log *log, struct log_partition *p, struct batch_spec spec);

/* Reads [from, end) by log_read and calls fn for each record; expects whole batches in order. */
typedef void test_record_fn(void *context, const struct record *record);
void test_read_all(struct log *log, struct log_partition *p, int64_t from, enum log_bound bound,
                   size_t bytes_max, test_record_fn *fn, void *context);

#endif
