#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

/* Blocks grow from 4 KiB, doubling, to 1 MiB: a small statement costs one page, a large one a few
 * calls of malloc. A request larger than the next block gets a block of its own. */
enum { BLOCK_BYTES_MIN = 4096, BLOCK_BYTES_MAX = 1 << 20, ALIGN = 16 };

struct arena_block {
    struct arena_block *next;
    size_t size; /* header included */
};

_Static_assert(sizeof(struct arena_block) % ALIGN == 0, "the first allocation must be aligned");

void arena_init(struct arena *arena, size_t budget_bytes)
{
    *arena = (struct arena){.budget_bytes = budget_bytes};
}

static void free_blocks(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_deinit(struct arena *arena)
{
    free_blocks(arena->blocks);
    *arena = (struct arena){.budget_bytes = arena->budget_bytes};
}

static void use_block(struct arena *arena, struct arena_block *block)
{
    arena->blocks = block;
    arena->at = (uint8_t *)(block + 1);
    arena->end = (uint8_t *)block + block->size;
}

void arena_reset(struct arena *arena)
{
    struct arena_block *keep = arena->blocks;

    if (!keep)
        return;
    free_blocks(keep->next);
    keep->next = NULL;
    arena->used_bytes = keep->size;
    use_block(arena, keep);
}

static void *from_new_block(struct arena *arena, size_t size)
{
    size_t want = arena->blocks ? arena->blocks->size * 2 : BLOCK_BYTES_MIN;

    if (want > BLOCK_BYTES_MAX)
        want = BLOCK_BYTES_MAX;
    if (want < size + sizeof(struct arena_block))
        want = size + sizeof(struct arena_block);
    if (arena->budget_bytes && arena->used_bytes + want > arena->budget_bytes)
        want = size + sizeof(struct arena_block);
    if (arena->budget_bytes && arena->used_bytes + want > arena->budget_bytes)
        return NULL;

    struct arena_block *block = malloc(want);
    if (!block)
        return NULL;
    block->next = arena->blocks;
    block->size = want;
    arena->used_bytes += want;
    use_block(arena, block);
    void *result = arena->at;
    arena->at += size;
    return result;
}

void *arena_try(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!arena->at || size > (size_t)(arena->end - arena->at))
        return from_new_block(arena, size);
    void *result = arena->at;
    arena->at += size;
    return result;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *result = arena_try(arena, size);
    CHECK(result != NULL);
    return result;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    return memset(arena_alloc(arena, size), 0, size);
}

struct bytes arena_copy(struct arena *arena, struct bytes bytes)
{
    if (bytes.len == 0)
        return bytes_of("", 0);
    return bytes_of(memcpy(arena_alloc(arena, bytes.len), bytes.ptr, bytes.len), bytes.len);
}

char *arena_str(struct arena *arena, struct bytes bytes)
{
    char *text = arena_alloc(arena, bytes.len + 1);
    if (bytes.len)
        memcpy(text, bytes.ptr, bytes.len);
    text[bytes.len] = 0;
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(len >= 0);
    char *text = arena_alloc(arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}
