/* snap.h: what a checkpoint is written through and read from.
 *
 * The writer is a buf that is drained as it fills, so that a state of gigabytes needs no copy of its size:
 * call snap_room between entries. The reader gives one section whole.   Layer: store.
 */
#ifndef QW_STORE_STATE_SNAP_H
#define QW_STORE_STATE_SNAP_H

#include "base/buf.h"
#include "base/reader.h"
#include "base/status.h"

enum { SNAP_DRAIN_BYTES = 1 << 20 };

struct snap_writer {
    struct buf buf;
    enum status (*drain)(void *context, struct bytes bytes); /* NULL: all stays in buf */
    void *context;
    enum status failed; /* sticky */
};

static inline void snap_room(struct snap_writer *w)
{
    if (!w->drain || w->buf.len < SNAP_DRAIN_BYTES || w->failed != ST_OK)
        return;
    w->failed = w->drain(w->context, buf_view(&w->buf));
    buf_clear(&w->buf);
}

#endif
