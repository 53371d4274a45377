/* ring.h: a bounded queue of equal items from one thread to one other, without a lock.
 *
 * Each side writes one index and keeps a copy of the other's, which it reads again only when the
 * copy says full or empty: so in a steady flow the cache lines stay where they are. Indexes count
 * on for ever and wrap; their difference is what is in the ring. A pushed item is seen whole, with
 * all that was written before it. Waking a sleeping consumer is the caller's: push, then wake.
 *
 * Owns: its memory; never what items point to.   Threads: ring_push one, ring_pop one other,
 * init and deinit when neither runs.   Limits: the capacity, a power of two.   Layer: base.
 */
#ifndef QW_BASE_RING_H
#define QW_BASE_RING_H

#include <stdatomic.h>

#include "base/bytes.h"

enum { RING_LINE = 64 }; /* bytes of a cache line */

struct ring {
    uint8_t *items; /* these three never change */
    size_t item_size;
    size_t mask; /* capacity - 1 */

    _Alignas(RING_LINE) atomic_size_t tail; /* the producer's: the next to be written */
    size_t head_seen;

    _Alignas(RING_LINE) atomic_size_t head; /* the consumer's: the next to be read */
    size_t tail_seen;
};

void ring_init(struct ring *ring, size_t item_size, size_t capacity);
void ring_deinit(struct ring *ring);

/* Copies the item in; false: it is full, try when the consumer has gone on. */
static inline bool ring_push(struct ring *ring, const void *item)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    if (tail - ring->head_seen > ring->mask) {
        ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (tail - ring->head_seen > ring->mask)
            return false;
    }
    memcpy(ring->items + (tail & ring->mask) * ring->item_size, item, ring->item_size);
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    return true;
}

/* Copies the oldest item out; false: it is empty. */
static inline bool ring_pop(struct ring *ring, void *item)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

    if (head == ring->tail_seen) {
        ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head == ring->tail_seen)
            return false;
    }
    memcpy(item, ring->items + (head & ring->mask) * ring->item_size, ring->item_size);
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    return true;
}

/* From either side: how many are in it, at some moment during the call. */
static inline size_t ring_size(struct ring *ring)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);

    return atomic_load_explicit(&ring->tail, memory_order_acquire) - head;
}

#endif
