/* held.h: text that ticks gave and that may go out when they are durable.   Layer: flow. */
#ifndef QW_FLOW_HELD_H
#define QW_FLOW_HELD_H

#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"

struct held {
    struct buf text;
    struct held_mark {
        uint64_t tick;
        size_t end; /* of the tick's text */
    } *marks;
    uint32_t count, cap;
};

static inline void held_deinit(struct held *held)
{
    buf_deinit(&held->text);
    free(held->marks);
}

static inline void held_tick_end(struct held *held, uint64_t tick)
{
    if (held->text.len == (held->count ? held->marks[held->count - 1].end : 0))
        return;
    if (held->count == held->cap) {
        held->cap = held->cap ? held->cap * 2 : 8;
        held->marks = xrealloc(held->marks, held->cap * sizeof(*held->marks));
    }
    held->marks[held->count++] = (struct held_mark){tick, held->text.len};
}

/* What the ticks up to this one gave. */
static inline struct bytes held_ready(const struct held *held, uint64_t tick)
{
    size_t end = 0;
    for (uint32_t i = 0; i < held->count && held->marks[i].tick <= tick; i++)
        end = held->marks[i].end;
    return bytes_of(held->text.ptr, end);
}

static inline void held_done(struct held *held, uint64_t tick)
{
    size_t gone = held_ready(held, tick).len;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < held->count; i++)
        if (held->marks[i].tick > tick)
            held->marks[kept++] = (struct held_mark){held->marks[i].tick, held->marks[i].end - gone};
    held->count = kept;
    buf_consume(&held->text, gone);
}

#endif
