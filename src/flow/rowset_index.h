/* rowset_index.h: the rows of a rowset by the hash of their key: finds in one look what its order finds in as many as
 * the logarithm of its length, each of them somewhere else in memory.
 *
 * Open addressing with linear probing; a byte of the hash a place, so that a row is looked at only where it may be
 * the one. A removal moves back what stands behind it (Knuth, TAOCP 3, 6.4 R), so there are no tombstones.
 *
 * Owns: its places, not the rows.   Threads: one at a time.   Layer: flow.
 */
#ifndef QW_FLOW_ROWSET_INDEX_H
#define QW_FLOW_ROWSET_INDEX_H

#include "base/bytes.h"

struct rowset_row;

struct rowset_index {
    struct rowset_row **rows;
    uint8_t *tags; /* 0: no row there */
    uint32_t places, count; /* places: a power of two, or 0: none are made yet */
};

void rowset_index_deinit(struct rowset_index *index);

/* The place of a row of that hash with which same() agrees; NULL: there is none. */
typedef bool rowset_index_same(const void *context, const struct rowset_row *row, const void *key);
struct rowset_row **rowset_index_find(const struct rowset_index *index, uint32_t hash, rowset_index_same *same,
                                      const void *context, const void *key);
/* What find will look at is brought near: first the place, then the row. */
void rowset_index_prefetch(const struct rowset_index *index, uint32_t hash);
void rowset_index_prefetch_row(const struct rowset_index *index, uint32_t hash);

void rowset_index_add(struct rowset_index *index, struct rowset_row *row);
void rowset_index_remove(struct rowset_index *index, struct rowset_row **place);

uint64_t rowset_index_bytes(const struct rowset_index *index);

#endif
