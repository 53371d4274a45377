/* arena.h: memory that is freed whole.
 *
 * Named for its life by whoever holds it: stmt_arena, request_arena, tick_arena. A budget bounds
 * what a client can make it hold: past it arena_try gives NULL, and arena_alloc CHECKs (so use
 * arena_try wherever the size comes from outside).
 *
 * Owns:    its blocks; everything from it dies at arena_reset or arena_deinit.
 * Threads: one at a time.       Layer: base.
 */
#ifndef QW_BASE_ARENA_H
#define QW_BASE_ARENA_H

#include "base/bytes.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* the newest first */
    uint8_t *at, *end;          /* what is left of the newest */
    size_t used_bytes;          /* sum over blocks, headers included */
    size_t budget_bytes;
};

enum { ARENA_BUDGET_NONE = 0 }; /* as a budget: no bound */

void arena_init(struct arena *arena, size_t budget_bytes);
void arena_deinit(struct arena *arena);

/* Frees everything but one block, which is kept for the next use. */
void arena_reset(struct arena *arena);

/* Aligned to 16 bytes, not cleared. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_try(struct arena *arena, size_t size);
void *arena_zalloc(struct arena *arena, size_t size);

/* Copies, the second with a terminating zero that len does not count. */
struct bytes arena_copy(struct arena *arena, struct bytes bytes);
char *arena_str(struct arena *arena, struct bytes bytes);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define ARENA_NEW(arena, type)        ((type *)arena_zalloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, num) ((type *)arena_zalloc((arena), sizeof(type) * (size_t)(num)))

#endif
