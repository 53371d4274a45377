/* tail.h: the batches of a partition that are in memory only (and in the WAL), oldest first: where
 * each lies, in a ring.
 *
 * Owns: a hold on the slab of each item.   Threads: those of one shard.   Layer: store.
 */
#ifndef QW_STORE_LOG_TAIL_H
#define QW_STORE_LOG_TAIL_H

#include "base/bytes.h"
#include "store/log/slab.h"

struct tail_item {
    struct slab *slab;
    int64_t base;      /* offset of the first record */
    uint32_t pos, len; /* of the batch in the slab */
    int32_t last_delta;
};

struct tail {
    struct tail_item *items;
    uint32_t cap, head, count; /* cap is a power of two */
    uint64_t bytes;
};

static inline struct tail_item *tail_at(const struct tail *tail, uint32_t i)
{
    return &tail->items[(tail->head + i) & (tail->cap - 1)];
}

static inline int64_t tail_item_last(const struct tail_item *item)
{
    return item->base + item->last_delta;
}

static inline struct bytes tail_item_bytes(const struct tail_item *item)
{
    return bytes_of(item->slab->data + item->pos, item->len);
}

static inline uint64_t tail_item_lsn(const struct tail_item *item)
{
    return item->slab->lsn + item->pos;
}

static inline uint64_t tail_item_end_lsn(const struct tail_item *item)
{
    return item->slab->lsn + item->pos + item->len;
}

void tail_deinit(struct tail *tail);
void tail_push(struct tail *tail, struct tail_item item); /* holds the slab once more */
void tail_drop_first(struct tail *tail);
/* The first item whose last offset is at or after offset; count when there is none. */
uint32_t tail_find(const struct tail *tail, int64_t offset);

#endif
