/* Slabs of the usual size go round through a short list of spares: fresh pages from the system
 * cost a fault each, which is more than the copying. */
#include "store/log/slab.h"

#include <stdlib.h>

#include "base/check.h"
#include "os/os.h"

void slab_pool_init(struct slab_pool *pool, uint32_t slab_bytes)
{
    CHECK(slab_bytes > 0 && slab_bytes % OS_BLOCK == 0);
    *pool = (struct slab_pool){.slab_bytes = slab_bytes};
}

static void slab_free(struct slab *slab)
{
    free(slab->data);
    free(slab);
}

void slab_pool_deinit(struct slab_pool *pool)
{
    CHECK(pool->bytes == 0);
    while (pool->spares) {
        struct slab *next = pool->spares->next;
        slab_free(pool->spares);
        pool->spares = next;
    }
}

static struct slab *slab_new(struct slab_pool *pool, size_t bytes)
{
    struct slab *slab = xcalloc(1, sizeof(*slab));
    size_t cap = (bytes + OS_BLOCK - 1) / OS_BLOCK * OS_BLOCK;

    CHECK(cap <= UINT32_MAX);
    slab->cap = (uint32_t)cap;
    slab->data = aligned_alloc(OS_BLOCK, cap);
    CHECK(slab->data != NULL);
    slab->pool = pool;
    return slab;
}

struct slab *slab_create(struct slab_pool *pool, size_t bytes)
{
    return slab_create_sized(pool, bytes > pool->slab_bytes ? bytes : pool->slab_bytes);
}

struct slab *slab_create_sized(struct slab_pool *pool, size_t bytes)
{
    struct slab *slab;

    CHECK(bytes > 0);
    if (bytes == pool->slab_bytes && pool->spares) {
        slab = pool->spares;
        pool->spares = slab->next;
        pool->spares_count--;
    } else {
        slab = slab_new(pool, bytes);
    }
    slab->refs = 1;
    slab->used = 0;
    slab->lsn = slab->lap = 0;
    slab->next = NULL;
    pool->bytes += slab->cap;
    return slab;
}

void slab_release(struct slab *slab)
{
    if (!slab)
        return;
    CHECK(slab->refs > 0);
    if (--slab->refs > 0)
        return;
    struct slab_pool *pool = slab->pool;
    pool->bytes -= slab->cap;
    if (slab->cap != pool->slab_bytes || pool->spares_count == SLAB_SPARES_MAX) {
        slab_free(slab);
        return;
    }
    slab->next = pool->spares;
    pool->spares = slab;
    pool->spares_count++;
}
