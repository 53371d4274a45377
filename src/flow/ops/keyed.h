/* keyed.h: what an operator keeps of a key as a piece of its heap, to which the value of its table points.   Layer: flow.
 *
 * A piece stays where it is while entries of the table move, so that rows may point to it. */
#ifndef QW_FLOW_OPS_KEYED_H
#define QW_FLOW_OPS_KEYED_H

#include "store/state/heap.h"

/* The piece of a value; NULL: it has none yet. */
static inline void *keyed_piece(const void *value)
{
    void *piece;

    memcpy(&piece, value, sizeof(piece));
    return piece;
}

/* The same; where there is none it is made, of zeros. */
static inline void *keyed_made(struct state_heap *heap, void *value, size_t size)
{
    void *piece = keyed_piece(value);

    if (piece)
        return piece;
    piece = heap_alloc(heap, size);
    memset(piece, 0, size);
    memcpy(value, &piece, sizeof(piece));
    return piece;
}

#endif
