#include "base/map.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"

enum { SLOTS_MIN = 16 };

void map_init(struct map *map)
{
    *map = (struct map){0};
}

void map_deinit(struct map *map)
{
    for (uint32_t i = 0; i < map->entries_len; i++)
        free((void *)map->entries[i].key.ptr);
    free(map->entries);
    free(map->slots);
    map_init(map);
}

/* The slot that holds the key, or the free one where it would go. */
static uint32_t *find_slot(const struct map *map, struct bytes key, uint64_t hash)
{
    uint32_t mask = map->slots_cap - 1;

    for (uint32_t i = (uint32_t)hash & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &map->slots[i];
        if (*slot == 0)
            return slot;
        const struct map_entry *e = &map->entries[*slot - 1];
        if (e->hash == hash && bytes_equal(e->key, key))
            return slot;
    }
}

/* A removed entry keeps its slot until the next rebuild, so that probing stays whole. */
static void rebuild(struct map *map)
{
    uint32_t kept = 0, cap = SLOTS_MIN;

    for (uint32_t i = 0; i < map->entries_len; i++) {
        if (map->entries[i].value)
            map->entries[kept++] = map->entries[i];
        else
            free((void *)map->entries[i].key.ptr);
    }
    map->entries_len = kept;
    while (cap < (kept + 1) * 3)
        cap *= 2;
    free(map->slots);
    map->slots = xcalloc(cap, sizeof(*map->slots));
    map->slots_cap = cap;
    for (uint32_t i = 0; i < kept; i++)
        *find_slot(map, map->entries[i].key, map->entries[i].hash) = i + 1;
}

void *map_get(const struct map *map, struct bytes key)
{
    if (map->live == 0)
        return NULL;
    uint32_t slot = *find_slot(map, key, hash_bytes(key));
    return slot ? map->entries[slot - 1].value : NULL;
}

static void append_entry(struct map *map, struct bytes key, uint64_t hash, void *value)
{
    if (map->entries_len == map->entries_cap) {
        map->entries_cap = map->entries_cap ? map->entries_cap * 2 : 8;
        map->entries = xrealloc(map->entries, map->entries_cap * sizeof(*map->entries));
    }
    uint8_t *copy = xmalloc(key.len);
    if (key.len)
        memcpy(copy, key.ptr, key.len);
    map->entries[map->entries_len++] =
        (struct map_entry){.key = bytes_of(copy, key.len), .value = value, .hash = hash};
}

void *map_put(struct map *map, struct bytes key, void *value)
{
    uint64_t hash = hash_bytes(key);

    CHECK(value != NULL);
    if ((map->entries_len + 1) * 2 > map->slots_cap)
        rebuild(map);
    uint32_t *slot = find_slot(map, key, hash);
    if (*slot) {
        struct map_entry *e = &map->entries[*slot - 1];
        void *old = e->value;
        if (!old)
            map->live++;
        e->value = value;
        return old;
    }
    append_entry(map, key, hash, value);
    *slot = map->entries_len;
    map->live++;
    return NULL;
}

void *map_remove(struct map *map, struct bytes key)
{
    if (map->live == 0)
        return NULL;
    uint32_t slot = *find_slot(map, key, hash_bytes(key));
    if (!slot)
        return NULL;
    void *old = map->entries[slot - 1].value;
    map->entries[slot - 1].value = NULL;
    if (old)
        map->live--;
    return old;
}

static struct map_entry *live_from(const struct map *map, uint32_t i)
{
    for (; i < map->entries_len; i++)
        if (map->entries[i].value)
            return &map->entries[i];
    return NULL;
}

struct map_entry *map_first(const struct map *map)
{
    return live_from(map, 0);
}

struct map_entry *map_next(const struct map *map, const struct map_entry *entry)
{
    return live_from(map, (uint32_t)(entry - map->entries) + 1);
}
