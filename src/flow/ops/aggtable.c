#include "flow/ops/agg_parts.h"

#include <stdlib.h>

#include "base/check.h"

void aggtable_init(struct aggtable *t, const struct aggset *set, uint16_t key_words)
{
    memset(t, 0, sizeof(*t));
    state_init(&t->groups, key_words, set->value_size);
    heap_init(&t->heap);
    if (!set->distincts_count)
        return;
    t->distinct = xcalloc(set->distincts_count, sizeof(*t->distinct));
    for (uint16_t d = 0; d < set->distincts_count; d++)
        state_init(&t->distinct[d], set->distincts[d].words, distinct_value_size(set, d));
}

void aggtable_ids_stay(struct aggtable *t, uint32_t shard)
{
    CHECK(shard < KEY_GROUPS && !t->next_id);
    t->ids_stay = true;
    t->shard = (uint16_t)shard;
}

void aggtable_deinit(struct aggtable *t, const struct aggset *set)
{
    state_deinit(&t->groups);
    heap_deinit(&t->heap);
    for (uint16_t d = 0; t->distinct && d < set->distincts_count; d++)
        state_deinit(&t->distinct[d]);
    free(t->distinct);
    t->distinct = NULL;
}

uint64_t aggtable_bytes(const struct aggtable *t, const struct aggset *set)
{
    uint64_t bytes = state_bytes(&t->groups) + t->heap.held_bytes;

    for (uint16_t d = 0; d < set->distincts_count; d++)
        bytes += state_bytes(&t->distinct[d]);
    return bytes;
}

void aggtable_start(struct aggtable *t, const struct aggset *set, void *const *values,
                    const uint8_t *fresh, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        if (!fresh[i])
            continue;
        *group_id(set, values[i]) = id_next(t, values[i]);
        for (uint16_t c = 0; c < set->count; c++) {
            const struct agg_part *p = &set->parts[c];
            if (part_is_plain(p))
                agg_init(&p->call, part_of(p, values[i]));
        }
    }
}

/* ---- updates ---- */

static struct agg_rows rows_passing(struct arena *arena, const struct agg_rows *all,
                                    const uint8_t *pass)
{
    uint16_t *rows = arena_alloc(arena, 2u * all->count + 2);
    int8_t *weights = all->weights ? arena_alloc(arena, all->count + 1u) : NULL;
    void **values = arena_alloc(arena, sizeof(void *) * (all->count + 1u));
    uint16_t n = 0;

    for (uint16_t i = 0; i < all->count; i++) {
        uint16_t row = all->rows[i];
        rows[n] = row;
        values[n] = all->values[i];
        if (weights)
            weights[n] = all->weights[i];
        n = (uint16_t)(n + pass[row]);
    }
    return (struct agg_rows){rows, weights, values, n};
}

/* Counts rows. A retraction that meets an empty group takes back nothing, as in Flink: it is left out. */
static struct agg_rows rows_counted(const struct aggset *set, struct arena *arena,
                                    const struct agg_rows *all)
{
    uint16_t *rows = arena_alloc(arena, 2u * all->count + 2), n = 0;
    int8_t *weights = arena_alloc(arena, all->count + 1u);
    void **values = arena_alloc(arena, sizeof(void *) * (all->count + 1u));

    for (uint16_t i = 0; i < all->count; i++) {
        int64_t *have = agg_rows(set, all->values[i]);
        if (all->weights[i] < 0 && *have <= 0)
            continue;
        *have += all->weights[i];
        rows[n] = all->rows[i];
        weights[n] = all->weights[i];
        values[n++] = all->values[i];
    }
    return (struct agg_rows){rows, weights, values, n};
}
void aggtable_update(struct aggtable *t, const struct aggset *set, struct arena *arena,
                     const struct agg_inputs *inputs, const uint16_t *rows, const int8_t *weights,
                     void *const *values, uint16_t count)
{
    struct agg_rows all = {rows, weights, values, count};
    struct agg_rows *passing = ARENA_ARRAY(arena, struct agg_rows, set->filters_count);

    if (weights)
        all = rows_counted(set, arena, &all);
    for (uint16_t i = 0; !weights && i < count; i++)
        *agg_rows(set, values[i]) += 1;
    for (uint16_t f = 0; f < set->filters_count; f++)
        passing[f] = rows_passing(arena, &all, inputs->pass[f]);
    for (uint16_t c = 0; c < set->count; c++) {
        const struct agg_part *p = &set->parts[c];
        const struct agg_rows *r = p->filter < 0 ? &all : &passing[p->filter];
        const struct column *col = p->arg == AGG_NO_ARG ? NULL : &inputs->args[p->arg];
        if (inputs->peers && agg_is_rank(p->call.kind))
            col = inputs->peers;
        if (p->mode == AGG_PLAIN)
            agg_update(&p->call, p->pos, r->values, col, r->rows, r->weights, r->count);
        else if (part_is_list(p))
            list_update(t, p, inputs, r, arena);
        else if (p->mode != AGG_DISTINCT)
            values_update(t, set, p, inputs, r);
    }
    for (uint16_t d = 0; d < set->distincts_count; d++)
        distinct_update(t, set, d, arena, inputs, &all);
}

void group_parts_free(struct aggtable *t, const struct aggset *set, void *value)
{
    for (uint16_t c = 0; set->has_kept && c < set->count; c++)
        if (!part_is_plain(&set->parts[c]))
            values_free(t, set, &set->parts[c], part_of(&set->parts[c], value));
}

void aggtable_remove(struct aggtable *t, const struct aggset *set, void *value)
{
    group_parts_free(t, set, value);
    state_remove(&t->groups, value);
}

void aggtable_reset(struct aggtable *t, const struct aggset *set, void *value)
{
    group_parts_free(t, set, value);
    memset(value, 0, set->value_size);
}


/* ---- what was not written for a time ---- */

struct looking {
    struct aggtable *t;
    const struct aggset *set;
    aggtable_over_fn *over;
    uint16_t distinct;
};

static bool group_gone(void *context, void *value)
{
    struct looking *l = context;

    if (!l->over(l->t, value))
        return false;
    group_parts_free(l->t, l->set, value);
    return true;
}

static bool distinct_gone(void *context, void *seen)
{
    const struct looking *l = context;

    return expiry_over(l->t->expiry, *distinct_time(l->set, l->distinct, seen));
}

/* All that lay in the heap was the groups'. */
static void heap_emptied(struct aggtable *t)
{
    if (state_count(&t->groups) || !t->heap.held_bytes)
        return;
    heap_deinit(&t->heap);
    heap_init(&t->heap);
}

uint32_t aggtable_look(struct aggtable *t, const struct aggset *set, aggtable_over_fn *over)
{
    struct looking l = {t, set, over, 0};
    uint32_t most = expiry_look(&t->groups, group_gone, &l);

    heap_emptied(t);
    for (; l.distinct < set->distincts_count; l.distinct++) {
        uint32_t way = expiry_look(&t->distinct[l.distinct], distinct_gone, &l);
        most = way > most ? way : most;
    }
    return most;
}
