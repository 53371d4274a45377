/* Groups of slices put together: those of a window. */
#include "flow/ops/agg_parts.h"

#include <stdlib.h>

#include "base/check.h"

static void merge_groups(struct aggtable *t, const struct aggtable *other, const struct aggset *set,
                         const struct keyer *keyer, struct arena *arena, void *const *from,
                         uint16_t count, void **to_of_id)
{
    struct state_keys keys;
    void *to[CHUNK_ROWS];
    uint8_t fresh[CHUNK_ROWS];

    keyer_of_entries(keyer, &other->groups, from, count, arena, &keys);
    state_upsert(&t->groups, &keys, NULL, count, to, fresh);
    aggtable_start(t, set, to, fresh, count);
    for (uint16_t i = 0; i < count; i++) {
        *agg_rows(set, to[i]) += *agg_rows(set, from[i]);
        for (uint16_t c = 0; c < set->count; c++) {
            const struct agg_part *p = &set->parts[c];
            if (p->mode == AGG_PLAIN) {
                agg_merge(&p->call, part_of(p, to[i]), part_of(p, from[i]));
            } else if (p->mode == AGG_KEPT) {
                kept_merge(t, set, p, part_of(p, to[i]), part_of(p, from[i]));
            } else if (part_is_list(p)) {
                list_merge(t, p, part_of(p, to[i]), part_of(p, from[i]), arena);
            } else if (p->mode == AGG_MULTISET) {
                multiset_merge(t, p, part_of(p, to[i]), part_of(p, from[i]));
            }
        }
        if (to_of_id)
            to_of_id[*group_id(set, from[i])] = to[i];
    }
}

void aggtable_merge(struct aggtable *t, const struct aggtable *other, const struct aggset *set,
                    const struct keyer *keyer, struct arena *arena)
{
    void *from[CHUNK_ROWS], **to_of_id = NULL;
    uint16_t count = 0;

    if (set->distincts_count)
        to_of_id = xcalloc(other->next_id + 1, sizeof(void *));
    for (uint32_t at = 0; at < other->groups.used; at++) {
        from[count] = state_at(&other->groups, at);
        count = (uint16_t)(count + (from[count] != NULL));
        if (count == CHUNK_ROWS) {
            merge_groups(t, other, set, keyer, arena, from, count, to_of_id);
            arena_reset(arena);
            count = 0;
        }
    }
    merge_groups(t, other, set, keyer, arena, from, count, to_of_id);
    arena_reset(arena);
    for (uint16_t d = 0; d < set->distincts_count; d++)
        distinct_merge(t, other, set, d, to_of_id);
    free(to_of_id);
}
