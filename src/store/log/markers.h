/* markers.h: what a partition knows of the transactions that ended in it: which were aborted, so that
 * readers can leave their records out, and which ended by a marker that is not durable yet, so that
 * nobody is shown them too early. Open ones are the business of producers.h.
 *
 * Owns: its lists.   Threads: those of one shard.   Layer: store.
 * Limits: MARKERS_ABORTED_MAX aborted ones above the partition's start; then no new one begins.
 */
#ifndef QW_STORE_LOG_MARKERS_H
#define QW_STORE_LOG_MARKERS_H

#include "base/buf.h"
#include "base/reader.h"
#include "store/log/log.h"
#include "wire/kafka/batch.h"

enum { MARKERS_ABORTED_MAX = 1 << 20 };

struct marker_aborted {
    int64_t producer_id;
    int64_t first, last; /* of its first record, of its marker */
    int64_t stable;      /* the last stable offset once it had ended: what ends later begins there
                            or later */
};

struct marker_closing {
    int64_t first, marker;
};

struct markers {
    struct marker_aborted *aborted; /* by last */
    uint32_t aborted_count, aborted_cap;
    struct marker_closing *closing; /* by marker */
    uint32_t closing_count, closing_cap;
};

void markers_deinit(struct markers *t);
void markers_abort(struct markers *t, struct marker_aborted aborted);
void markers_close(struct markers *t, struct marker_closing closing);
/* Markers below durable are on disk. */
void markers_shown(struct markers *t, int64_t durable);
/* The first record of those that closed and are not shown yet; INT64_MAX: none. */
int64_t markers_closing_first(const struct markers *t);
/* Those that ended below start go. */
void markers_trim(struct markers *t, int64_t start);
/* Calls fn for each that has records in [from, to), in the order they ended. */
void markers_find(const struct markers *t, int64_t from, int64_t to, log_aborted_fn *fn, void *context);

void markers_save(const struct markers *t, struct buf *to);
enum status markers_load(struct markers *t, struct reader *from) MUST_CHECK;

/* What a control batch says; CONTROL_OTHER when it is no marker. */
enum control_type marker_of(struct bytes batch);

#endif
