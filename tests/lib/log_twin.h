/* log_twin.h: the log as a naive array, to hold the real one against: used by the model test and
 * the crash simulation.
 *
 * What is done to the log is done to the twin; each thing that changes the log gets a serial number
 * and its LSN, so that after a crash the twin can be cut back to what must have survived. */
#ifndef QW_TESTS_LOG_TWIN_H
#define QW_TESTS_LOG_TWIN_H

#include "base/rng.h"
#include "lib/batches.h"

enum { TWIN_TOPICS = 4, TWIN_PARTITIONS = 3, TWIN_KEYS = 8, TWIN_PRODUCERS = 3 };

struct twin_record {
    uint64_t tag;
    int n;
    int64_t timestamp_ms;
    uint64_t lsn;   /* of its append */
    uint64_t entry; /* the atomic entry it is part of; 0: none */
    int producer;   /* whose transaction it is part of, or ends, from 1; 0: none */
    int32_t sequence;
    enum { TWIN_RECORD, TWIN_ABORT, TWIN_COMMIT } kind;
};

struct twin_partition {
    struct twin_record *records; /* by offset, from 0 */
    int64_t end, cap;
    int64_t start; /* asked for by trims */
    int64_t open[TWIN_PRODUCERS + 1];     /* first offset of the open transaction; -1: none */
    int32_t sequence[TWIN_PRODUCERS + 1]; /* of the next batch */
};

struct twin_value {
    uint64_t value; /* 0: none */
    uint64_t lsn;
    uint64_t entry;
};

/* Each value a key ever had, the last one last. */
struct twin_key {
    struct twin_value *values;
    int count, cap;
};

struct twin {
    struct log *log;
    struct log_partition *partitions[TWIN_TOPICS][TWIN_PARTITIONS]; /* the log's */
    struct twin_partition parts[TWIN_TOPICS][TWIN_PARTITIONS];
    struct twin_key keys[TWIN_KEYS];
    const char *wrong; /* seen on the way: what a reader was shown too early */
    uint64_t next_tag, next_entry;
    uint64_t sent_from_files; /* reads of twin_reconcile that were left in their file */
    struct rng rng;
};

void twin_init(struct twin *twin, uint64_t seed);
void twin_deinit(struct twin *twin);

/* After each opening: makes the topics if they are not there, finds the partitions. False: a call
 * failed, as after an injected fault. */
bool twin_attach(struct twin *twin, struct log *log);

/* One random change; false: the log refused it (it may, after a fault or when it is full). */
bool twin_step(struct twin *twin);

/* Everything in the log is in the twin and the other way round. */
void twin_compare(struct twin *twin);
/* A few random reads. */
void twin_compare_some(struct twin *twin);

/* After a crash: the log must have all with lsn <= durable_lsn, may have what came after, but only
 * whole entries and nothing else. Then the twin is cut to what the log has. NULL when that is so,
 * else what is wrong. */
const char *twin_reconcile(struct twin *twin, uint64_t durable_lsn);

#endif
