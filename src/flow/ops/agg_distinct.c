/* DISTINCT: one table an argument, (group id, value) → which calls have seen it, or how often where rows are taken back. */
#include "flow/ops/agg_parts.h"

#include <stdlib.h>

#include "base/check.h"

/* Of a bit a call, or of a count for each. */
static uint32_t seen_size(const struct aggset *set, uint16_t d)
{
    return set->retracts ? (4u * (set->distincts[d].members + 1u) + 7) & ~7u : 8;
}

uint32_t distinct_value_size(const struct aggset *set, uint16_t d)
{
    return seen_size(set, d) + (set->expires ? 8 : 0);
}

int64_t *distinct_time(const struct aggset *set, uint16_t d, void *seen)
{
    return (int64_t *)((uint8_t *)seen + seen_size(set, d));
}

/* What was not written for a time has not been seen. */
static void distinct_forget(const struct aggtable *t, const struct aggset *set, uint16_t index, void *const *seen,
                            uint16_t count)
{
    for (uint16_t i = 0; i < count; i++)
        if (expiry_over(t->expiry, *distinct_time(set, index, seen[i])))
            memset(seen[i], 0, seen_size(set, index));
}

struct agg_rows distinct_keys(const struct aggset *set, uint16_t index, const struct agg_inputs *inputs,
                              const struct agg_rows *all, struct arena *arena, struct state_keys *keys)
{
    const struct agg_distinct *d = &set->distincts[index];
    const struct column *col = &inputs->args[d->arg];
    enum phys phys = type_phys(set->args[d->arg]->type->kind);
    uint16_t *rows = arena_alloc(arena, 2u * all->count + 2), n = 0;
    int8_t *weights = arena_alloc(arena, all->count + 1u);
    void **values = arena_alloc(arena, sizeof(void *) * (all->count + 1u));
    uint64_t *fixed = arena_alloc(arena, 8u * (d->words + 1u) * (all->count + 1u));
    struct bytes *bytes = d->words ? NULL : arena_alloc(arena, sizeof(*bytes) * (all->count + 1u));
    uint64_t *hashes = arena_alloc(arena, 8u * (all->count + 1u));

    for (uint16_t i = 0; i < all->count; i++) {
        uint16_t row = all->rows[i];
        if (!column_valid(col, row))
            continue;
        uint64_t id = *group_id(set, all->values[i]);
        struct bytes value = value_bytes(phys, col, row);
        if (d->words) {
            uint64_t *key = &fixed[(size_t)n * d->words];
            key[0] = id;
            key[d->words - 1] = 0;
            key[1] = 0;
            memcpy(&key[1], value.ptr, value.len);
        } else {
            uint8_t *key = arena_alloc(arena, 8 + value.len);
            memcpy(key, &id, 8);
            if (value.len)
                memcpy(key + 8, value.ptr, value.len);
            bytes[n] = bytes_of(key, 8 + value.len);
        }
        rows[n] = row;
        weights[n] = all->weights ? all->weights[i] : 1;
        values[n++] = all->values[i];
    }
    *keys = (struct state_keys){.count = n, .words = d->words, .fixed = fixed, .bytes = bytes,
                                .hashes = hashes};
    state_hash(keys, hashes);
    return (struct agg_rows){rows, weights, values, n};
}

/* Which of the rows make a value appear (+1) or disappear (-1) for one call. */
static uint16_t distinct_changes(const struct aggtable *t, const struct aggset *set, const struct agg_part *p,
                                 const uint8_t *pass, const struct agg_rows *all,
                                 void *const *seen, uint16_t *which, int8_t *weights)
{
    uint16_t n = 0;

    for (uint16_t i = 0; i < all->count; i++) {
        if (pass && !pass[all->rows[i]])
            continue;
        if (!set->retracts) {
            uint64_t *mask = seen[i], bit = 1ull << p->member;
            which[n] = i;
            weights[n] = 1;
            n = (uint16_t)(n + !(*mask & bit));
            *mask |= bit;
            continue;
        }
        int32_t *count = (int32_t *)seen[i] + p->member;
        int32_t before = *count;
        if (all->weights[i] < 0 && !before)
            continue;
        *count += all->weights[i];
        if (set->expires)
            *distinct_time(set, p->distinct, seen[i]) = t->expiry->now_us;
        if (before && *count)
            continue;
        which[n] = i;
        weights[n++] = all->weights[i];
    }
    return n;
}

/* Values that no call holds any more leave the table. */
static void distinct_sweep(struct state_table *t, uint16_t members, void *const *seen,
                           uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        int32_t *counts = seen[i], any = counts[members]; /* the last one: gone already */
        for (uint16_t m = 0; m < members; m++)
            any |= counts[m];
        if (any)
            continue;
        counts[members] = 1;
        state_remove(t, seen[i]);
    }
}

void distinct_update(struct aggtable *t, const struct aggset *set, uint16_t index,
                            struct arena *arena, const struct agg_inputs *inputs,
                            const struct agg_rows *given)
{
    const struct agg_distinct *d = &set->distincts[index];
    const struct column *col = &inputs->args[d->arg];
    struct state_keys keys;
    struct agg_rows all = distinct_keys(set, index, inputs, given, arena, &keys);
    void **seen = arena_alloc(arena, sizeof(void *) * (all.count + 1u));
    uint16_t *which = arena_alloc(arena, 2u * all.count + 2);
    uint16_t *rows = arena_alloc(arena, 2u * all.count + 2);
    int8_t *weights = arena_alloc(arena, all.count + 1u);
    void **values = arena_alloc(arena, sizeof(void *) * (all.count + 1u));

    state_upsert(&t->distinct[index], &keys, NULL, all.count, seen, NULL);
    if (set->expires)
        distinct_forget(t, set, index, seen, all.count);
    for (uint16_t c = 0; c < set->count; c++) {
        const struct agg_part *p = &set->parts[c];
        if (p->mode != AGG_DISTINCT || p->distinct != index)
            continue;
        const uint8_t *pass = p->filter < 0 ? NULL : inputs->pass[p->filter];
        uint16_t n = distinct_changes(t, set, p, pass, &all, seen, which, weights);
        for (uint16_t i = 0; i < n; i++) {
            rows[i] = all.rows[which[i]];
            values[i] = all.values[which[i]];
        }
        for (uint16_t i = 0; set->expires && !set->retracts && i < n; i++)
            *distinct_time(set, index, seen[which[i]]) = t->expiry->now_us;
        if (n)
            agg_update(&p->call, p->pos, values, col, rows, set->retracts ? weights : NULL, n);
    }
    if (set->retracts)
        distinct_sweep(&t->distinct[index], d->members, seen, all.count);
}

/* A column of one value, for agg_update of what a merge has found to be new. */
static void merge_one(const struct agg_part *p, void *value, struct bytes bytes)
{
    struct str text = {(const char *)bytes.ptr, (uint32_t)bytes.len, 0};
    i128 fixed = 0;
    uint16_t row = 0;

    if (p->phys != PHYS_STR)
        memcpy(&fixed, bytes.ptr, phys_size(p->phys));
    struct column col = {.data = p->phys == PHYS_STR ? (const void *)&text : (const void *)&fixed};
    agg_update(&p->call, p->pos, &value, &col, &row, NULL, 1);
}

/* The calls that a value of another group, `from`, is new to in this one, as bits. */
static uint64_t distinct_join(const struct aggset *set, const struct agg_distinct *d, void *into, const void *from)
{
    if (!set->retracts) {
        uint64_t *have = into, add = *(const uint64_t *)from & ~*have;
        *have |= add;
        return add;
    }
    int32_t *counts = into;
    const int32_t *others = from;
    uint64_t add = 0;
    for (uint16_t m = 0; m < d->members; m++) {
        if (!counts[m] && others[m])
            add |= 1ull << m;
        counts[m] += others[m];
    }
    return add;
}

/* The place of a value in `group` of t; key: it, behind the id of another table's group. */
static void *distinct_place(struct aggtable *t, const struct aggset *set, uint16_t index, void *group,
                            struct bytes key)
{
    uint8_t small[256], *copy = key.len <= sizeof(small) ? small : xmalloc(key.len);
    uint64_t words[3], hash;
    uint16_t count = set->distincts[index].words;
    void *into;

    memcpy(copy, key.ptr, key.len);
    memcpy(copy, group_id(set, group), 8);
    if (count)
        memcpy(words, copy, key.len);
    struct bytes bytes = bytes_of(copy, key.len);
    struct state_keys keys = {.count = 1, .words = count, .fixed = words, .bytes = &bytes, .hashes = &hash};
    state_hash(&keys, &hash);
    state_upsert(&t->distinct[index], &keys, NULL, 1, &into, NULL);
    if (copy != small)
        free(copy);
    return into;
}

void distinct_merge(struct aggtable *t, const struct aggtable *other, const struct aggset *set, uint16_t index,
                    void *const *to_of_id)
{
    const struct state_table *from = &other->distinct[index];

    for (uint32_t at = 0; at < from->used; at++) {
        const void *seen = state_at(from, at);
        uint64_t id;
        if (!seen)
            continue;
        struct bytes key =
            from->words ? bytes_of(state_key_words(from, seen), 8u * from->words) : state_key_bytes(from, seen);
        memcpy(&id, key.ptr, 8);
        void *group = to_of_id[id];
        uint64_t add = distinct_join(set, &set->distincts[index], distinct_place(t, set, index, group, key), seen);
        for (uint16_t c = 0; add && c < set->count; c++) {
            const struct agg_part *p = &set->parts[c];
            if (p->mode == AGG_DISTINCT && p->distinct == index && (add >> p->member & 1))
                merge_one(p, group, bytes_skip(key, 8));
        }
    }
}
