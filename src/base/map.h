/* map.h: a dictionary from bytes to a pointer, walked in the order of insertion.
 *
 * For the small and the named: topics, tables, groups, options. (Keyed state of operators lives
 * in store/state.) The walk does not depend on the hash, so what is built on it repeats.
 *
 * Owns: copies of the keys; never the values.   Threads: one at a time.   Layer: base.
 */
#ifndef QW_BASE_MAP_H
#define QW_BASE_MAP_H

#include "base/bytes.h"

struct map_entry {
    struct bytes key;
    void *value; /* NULL: removed, skipped by the walk */
    uint64_t hash;
};

struct map {
    struct map_entry *entries; /* in order of insertion, with holes */
    uint32_t *slots;           /* open addressing; index + 1 into entries, 0 free */
    uint32_t entries_len, entries_cap, slots_cap, live;
};

void map_init(struct map *map);
void map_deinit(struct map *map);

void *map_get(const struct map *map, struct bytes key); /* NULL: not there */
/* Sets and returns the value that was there before, or NULL. value must not be NULL. */
void *map_put(struct map *map, struct bytes key, void *value);
void *map_remove(struct map *map, struct bytes key);

/* for (struct map_entry *e = map_first(&m); e; e = map_next(&m, e)); removing e inside is fine. */
struct map_entry *map_first(const struct map *map);
struct map_entry *map_next(const struct map *map, const struct map_entry *entry);

static inline uint32_t map_size(const struct map *map)
{
    return map->live;
}

#endif
