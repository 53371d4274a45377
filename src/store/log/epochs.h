/* epochs.h: at which offset each leader epoch of a partition began, as far as it wrote something:
 * what OffsetForLeaderEpoch is answered from. Derived from the batches, kept in snapshots.
 *
 * Owns: its list.   Threads: those of one shard.   Layer: store.
 * Limits: one entry an opening of the log that wrote to the partition; those below its start go. */
#ifndef QW_STORE_LOG_EPOCHS_H
#define QW_STORE_LOG_EPOCHS_H

#include "base/buf.h"
#include "base/reader.h"
#include "base/status.h"

struct epoch_start {
    int32_t epoch;
    int64_t start; /* its first offset */
};

struct epochs {
    struct epoch_start *list; /* both rise */
    uint32_t count, cap;
};

void epochs_deinit(struct epochs *e);
/* A batch of that epoch stands at offset; older ones and the last one again change nothing. */
void epochs_note(struct epochs *e, int32_t epoch, int64_t offset);
/* What ends below start goes; the one that holds start begins there. */
void epochs_trim(struct epochs *e, int64_t start);
/* The greatest epoch that is at most the one asked for (or that itself, when none is), and where
 * the next one began; false: no later one wrote anything. */
bool epochs_end(const struct epochs *e, int32_t epoch, int32_t *found, int64_t *end);
/* A batch at offset may be of that epoch: nothing is known of the offset, or that it is. NULL: true. */
bool epochs_fits(const struct epochs *e, int32_t epoch, int64_t offset);

void epochs_save(const struct epochs *e, struct buf *to);
enum status epochs_load(struct epochs *e, struct reader *from) MUST_CHECK;

#endif
