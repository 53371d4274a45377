/* held.c: see held.h. */
#include "bridge/held.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"

enum { CAP_MIN = 64, CAP_KEPT = 1 << 13 };

void held_deinit(struct held *held)
{
    free(held->slots);
    *held = (struct held){0};
}

void held_clear(struct held *held)
{
    if (held->cap > CAP_KEPT)
        held_deinit(held);
    if (held->count)
        memset(held->slots, 0, held->cap * sizeof(*held->slots));
    held->count = 0;
}

static uint64_t hash_of(struct bytes key)
{
    uint64_t hash = hash_bytes(key);

    return hash ? hash : 1;
}

/* Where the hash is, or the free slot where it would be. */
static uint32_t slot_of(const struct held *held, uint64_t hash)
{
    uint32_t i = (uint32_t)hash & (held->cap - 1);

    while (held->slots[i] && held->slots[i] != hash)
        i = (i + 1) & (held->cap - 1);
    return i;
}

bool held_has(const struct held *held, struct bytes key)
{
    return held->count && held->slots[slot_of(held, hash_of(key))];
}

static void grow(struct held *held)
{
    struct held larger = {.cap = held->cap ? held->cap * 2 : CAP_MIN, .count = held->count};

    larger.slots = xcalloc(larger.cap, sizeof(*larger.slots));
    for (uint32_t i = 0; i < held->cap; i++)
        if (held->slots[i])
            larger.slots[slot_of(&larger, held->slots[i])] = held->slots[i];
    free(held->slots);
    *held = larger;
}

bool held_add(struct held *held, struct bytes key)
{
    uint64_t hash = hash_of(key);

    if (held->count * 2 >= held->cap)
        grow(held);
    uint32_t i = slot_of(held, hash);
    if (held->slots[i])
        return false;
    held->slots[i] = hash;
    held->count++;
    return true;
}
