#include "store/state/heap.h"

#include <stdlib.h>

#include "base/check.h"

/* Classes are 16 bytes apart: 1 .. 128 for pieces of up to 2048 bytes. */
enum { CLASS_BYTES = 16, CLASSES = HEAP_PIECE_MAX / CLASS_BYTES + 1, BLOCK_MIN = 1024,
       BLOCK_MAX = 256 * 1024 };

struct heap_block {
    struct heap_block *next;
    uint64_t pad;
};

struct heap_large {
    struct heap_large *next, *prev;
};

void heap_init(struct state_heap *heap)
{
    *heap = (struct state_heap){.block_bytes = BLOCK_MIN};
}

void heap_deinit(struct state_heap *heap)
{
    while (heap->blocks) {
        struct heap_block *next = heap->blocks->next;
        free(heap->blocks);
        heap->blocks = next;
    }
    while (heap->large) {
        struct heap_large *next = heap->large->next;
        free(heap->large);
        heap->large = next;
    }
    free(heap->free);
    heap_init(heap);
}

static uint32_t class_of(size_t size)
{
    return size ? (uint32_t)((size + CLASS_BYTES - 1) / CLASS_BYTES) : 1;
}

static void *large_alloc(struct state_heap *heap, size_t size)
{
    struct heap_large *large = xmalloc(sizeof(*large) + size);

    large->prev = NULL;
    large->next = heap->large;
    if (large->next)
        large->next->prev = large;
    heap->large = large;
    heap->held_bytes += sizeof(*large) + size;
    heap->used_bytes += size;
    return large + 1;
}

static void large_free(struct state_heap *heap, void *piece, size_t size)
{
    struct heap_large *large = (struct heap_large *)piece - 1;

    if (large->prev)
        large->prev->next = large->next;
    else
        heap->large = large->next;
    if (large->next)
        large->next->prev = large->prev;
    heap->held_bytes -= sizeof(*large) + size;
    heap->used_bytes -= size;
    free(large);
}

/* What is left of the old block is given up: at most HEAP_PIECE_MAX of it. */
static void block_add(struct state_heap *heap, size_t size)
{
    while (heap->block_bytes < sizeof(struct heap_block) + size)
        heap->block_bytes *= 2;
    struct heap_block *block = xmalloc(heap->block_bytes);
    block->next = heap->blocks;
    heap->blocks = block;
    heap->held_bytes += heap->block_bytes;
    heap->at = (uint8_t *)(block + 1);
    heap->end = (uint8_t *)block + heap->block_bytes;
    if (heap->block_bytes < BLOCK_MAX)
        heap->block_bytes *= 2;
}

void *heap_alloc(struct state_heap *heap, size_t size)
{
    if (size > HEAP_PIECE_MAX)
        return large_alloc(heap, size);
    uint32_t class = class_of(size);
    size_t bytes = (size_t)class * CLASS_BYTES;
    heap->used_bytes += bytes;
    if (heap->free && heap->free[class]) {
        void *piece = heap->free[class];
        memcpy(&heap->free[class], piece, sizeof(void *));
        return piece;
    }
    if ((size_t)(heap->end - heap->at) < bytes)
        block_add(heap, bytes);
    void *piece = heap->at;
    heap->at += bytes;
    return piece;
}

void heap_free(struct state_heap *heap, void *piece, size_t size)
{
    if (size > HEAP_PIECE_MAX) {
        large_free(heap, piece, size);
        return;
    }
    uint32_t class = class_of(size);
    if (!heap->free) {
        heap->free = xcalloc(CLASSES, sizeof(void *));
        heap->held_bytes += CLASSES * sizeof(void *);
    }
    memcpy(piece, &heap->free[class], sizeof(void *));
    heap->free[class] = piece;
    CHECK(heap->used_bytes >= (size_t)class * CLASS_BYTES);
    heap->used_bytes -= (size_t)class * CLASS_BYTES;
}

void *heap_copy(struct state_heap *heap, const void *data, size_t size)
{
    void *piece = heap_alloc(heap, size);

    if (size)
        memcpy(piece, data, size);
    return piece;
}
