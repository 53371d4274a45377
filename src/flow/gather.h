/* gather.h: copies of chosen rows of a chunk, for whoever must keep them past the call: a lane to
 * another shard, a snapshot of a view, an answer.
 *
 * Owns: nothing; the copy lives in the arena given.   Threads: any.   Layer: flow.
 */
#ifndef QW_FLOW_GATHER_H
#define QW_FLOW_GATHER_H

#include "data/chunk.h"

/* The physical rows rows[0..count-1] as a chunk of its own, dense (no selection), with their kinds.
 * types: one a column. */
struct chunk *chunk_gather(struct arena *arena, const struct chunk *in,
                           const struct type *const *types, const uint16_t *rows, uint16_t count);

/* All live rows. */
struct chunk *chunk_keep(struct arena *arena, const struct chunk *in,
                         const struct type *const *types);

#endif
