/* sorted.h: pointers kept in an order that the caller defines: rows of a top-N, values of a MIN.
 *
 * A list of blocks of at most SORTED_BLOCK pointers. The many small ones (ten rows of a group) are
 * one block; the few large ones cost a binary search over blocks and one within.
 * All zero is an empty one, so it may lie in the value of a state_table.
 *
 * Owns: blocks, in the heap given; not the items.   Threads: one at a time.   Layer: store.
 */
#ifndef QW_STORE_STATE_SORTED_H
#define QW_STORE_STATE_SORTED_H

#include "store/state/heap.h"

enum { SORTED_BLOCK = 128 };

struct sorted {
    struct sorted_block **blocks; /* none of them empty */
    uint32_t blocks_count, count;
};

struct sorted_at {
    uint32_t block, item;
};

/* Less than, equal to, greater than zero as a stands before, at, behind b. */
typedef int sorted_compare(const void *context, const void *a, const void *b);

/* The first item that is not before key; sorted_get gives NULL when there is none. */
struct sorted_at sorted_seek(const struct sorted *s, sorted_compare *compare, const void *context,
                             const void *key);
static inline struct sorted_at sorted_first(void)
{
    return (struct sorted_at){0, 0};
}
struct sorted_at sorted_last(const struct sorted *s); /* of one that is not empty */
struct sorted_at sorted_next(const struct sorted *s, struct sorted_at at);
void *sorted_get(const struct sorted *s, struct sorted_at at);
void sorted_set(struct sorted *s, struct sorted_at at, void *item);
/* How many stand before it. */
uint32_t sorted_rank(const struct sorted *s, struct sorted_at at);
struct sorted_at sorted_nth(const struct sorted *s, uint32_t rank); /* rank <= count */

/* Puts item before what stands at `at`. Positions found earlier are void. */
void sorted_insert(struct sorted *s, struct state_heap *heap, struct sorted_at at, void *item);
void sorted_remove(struct sorted *s, struct state_heap *heap, struct sorted_at at);
void sorted_free(struct sorted *s, struct state_heap *heap); /* the blocks; s is empty then */

#endif
