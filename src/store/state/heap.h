/* heap.h: small pieces of memory inside one state: keys, rows, lists.
 *
 * Pieces come from blocks, by size class, and go back to a list of their class; whole blocks are
 * freed only with the heap. That suits state, which lives in steady sizes and dies whole (a window,
 * a bucket of a join, a job). Callers remember sizes, so a piece has no header.
 *
 * Owns: all pieces, until heap_deinit.   Threads: one at a time.   Layer: store.
 */
#ifndef QW_STORE_STATE_HEAP_H
#define QW_STORE_STATE_HEAP_H

#include "base/bytes.h"

struct state_heap {
    struct heap_block *blocks; /* the newest first */
    struct heap_large *large;  /* pieces above HEAP_PIECE_MAX: one malloc each */
    uint8_t *at, *end;         /* what is left of the newest block */
    void **free;               /* by class; made at the first free */
    size_t used_bytes;         /* of the pieces in use */
    size_t held_bytes;         /* taken from the allocator: what the heap costs */
    size_t block_bytes;        /* of the next block */
};

enum { HEAP_PIECE_MAX = 2048 };

void heap_init(struct state_heap *heap);
void heap_deinit(struct state_heap *heap);

/* Aligned to 8, not cleared. size 0 gives a piece as well. */
void *heap_alloc(struct state_heap *heap, size_t size);
void heap_free(struct state_heap *heap, void *piece, size_t size); /* the size it was asked with */

/* A copy of bytes. */
void *heap_copy(struct state_heap *heap, const void *data, size_t size);

#endif
