/* ring.c: the ring's memory. */
#include "base/ring.h"

#include <stdlib.h>

#include "base/check.h"

_Static_assert(offsetof(struct ring, head) - offsetof(struct ring, tail) >= RING_LINE,
               "the two sides must not share a cache line");

void ring_init(struct ring *ring, size_t item_size, size_t capacity)
{
    CHECK(item_size > 0);
    CHECK(capacity >= 2 && (capacity & (capacity - 1)) == 0);
    memset(ring, 0, sizeof(*ring));
    ring->item_size = item_size;
    ring->mask = capacity - 1;
    ring->items = xcalloc(capacity, item_size);
}

void ring_deinit(struct ring *ring)
{
    free(ring->items);
    ring->items = NULL;
}
