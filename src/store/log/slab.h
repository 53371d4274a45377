/* slab.h: memory that holds the bytes of the log until they are in partition files.
 *
 * A slab is a run of the write-ahead log in memory (or a run of batches of a memory topic). Batches
 * are copied into it once, written to disk from it, and read from it; so it is counted: the writer,
 * each batch that is not filled yet and each view holds it. What lies below `used` never changes
 * once its block is sealed.
 *
 * Owns:    its memory, aligned to OS_BLOCK, until the last release.
 * Threads: those of one shard.
 * Limits:  the pool counts the bytes alive; who appends asks it before.      Layer: store.
 */
#ifndef QW_STORE_LOG_SLAB_H
#define QW_STORE_LOG_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SLAB_SPARES_MAX = 16 };

struct slab_pool;

struct slab {
    uint8_t *data;
    uint32_t cap, used;
    uint32_t refs;
    uint64_t lsn; /* of data[0], where the slab is part of the WAL */
    uint64_t lap; /* of its first block */
    struct slab_pool *pool;
    struct slab *next; /* among the spares */
};

struct slab_pool {
    uint32_t slab_bytes; /* the usual size; only these are kept as spares */
    uint64_t bytes;      /* alive, spares not counted */
    struct slab *spares;
    uint32_t spares_count;
};

void slab_pool_init(struct slab_pool *pool, uint32_t slab_bytes);
void slab_pool_deinit(struct slab_pool *pool); /* CHECKs that nothing is held any more */

/* At least bytes of room, held once by the caller. The memory is not cleared. */
struct slab *slab_create(struct slab_pool *pool, size_t bytes);
/* Of exactly that size, rounded up to OS_BLOCK. */
struct slab *slab_create_sized(struct slab_pool *pool, size_t bytes);
void slab_release(struct slab *slab); /* NULL is fine */

static inline struct slab *slab_retain(struct slab *slab)
{
    slab->refs++;
    return slab;
}

#endif
