/* What of an aggregate table may be on disk: the groups, and what DISTINCT has seen, a table an argument. Ids stay there, so that
 * either comes back without the other. */
#include "flow/ops/agg_parts.h"
#include "flow/ops/tiered.h"

#include "base/check.h"

struct aggtable_seen { /* of one argument: context of its tier */
    const struct aggtable *t;
    const struct aggset *set;
    uint16_t index;
};

static void entry_save(void *context, const void *value, struct buf *out)
{
    const struct aggtable_entries *e = context;

    group_value_save(e->set, value, out);
}

static bool entry_load(void *context, void *value, struct reader *r)
{
    struct aggtable_entries *e = context;
    bool good = group_value_load(e->t, e->set, value, r, &e->scratch);

    arena_reset(&e->scratch);
    return good;
}

static void entry_release(void *context, void *value)
{
    struct aggtable_entries *e = context;

    group_parts_free(e->t, e->set, value);
}

/* Of what was seen, as state_save_entry writes it. */
static bool seen_over(const void *context, struct bytes entry)
{
    const struct aggtable_seen *seen = context;
    const struct state_table *table = &seen->t->distinct[seen->index];
    struct reader r = reader_of(entry);
    struct bytes value = state_saved_value(table, &r);
    uint64_t copy[AGG_MEMBERS_MAX];

    CHECK(value.len == table->value_size && value.len <= sizeof(copy));
    memcpy(copy, value.ptr, value.len);
    return expiry_over(seen->t->expiry, *distinct_time(seen->set, seen->index, copy));
}

void aggtable_tier(struct aggtable_entries *e, struct tiered *tiers, const struct op_ctx *ctx, struct arena *arena,
                   cold_over_fn *group_over, const void *context)
{
    const struct aggset *set = e->set;

    tiered_open(tiers, ctx, arena, (uint16_t)(1 + set->distincts_count));
    tiered_add(tiers, ctx, arena,
               &(struct state_tier){.table = &e->t->groups, .save = entry_save, .load = entry_load,
                                    .release = entry_release, .context = e, .heap = set->has_kept ? &e->t->heap : NULL},
               group_over, context);
    e->seen = ARENA_ARRAY(arena, struct aggtable_seen, set->distincts_count + 1u);
    for (uint16_t d = 0; d < set->distincts_count; d++) {
        e->seen[d] = (struct aggtable_seen){e->t, set, d};
        tiered_add(tiers, ctx, arena, &(struct state_tier){.table = &e->t->distinct[d], .context = &e->seen[d]},
                   set->expires ? seen_over : NULL, &e->seen[d]);
    }
}

/* The rows whose groups there are: of others nothing was seen. */
static struct agg_rows rows_of_groups(const struct aggtable *t, const struct state_keys *keys, const uint16_t *rows,
                                      struct arena *arena)
{
    void **values = arena_alloc(arena, sizeof(void *) * (keys->count + 1u));
    uint16_t *which = arena_alloc(arena, 2u * keys->count + 2), n = 0;

    state_find(&t->groups, keys, NULL, keys->count, values);
    for (uint16_t i = 0; i < keys->count; i++) {
        which[n] = rows[i];
        values[n] = values[i];
        n = (uint16_t)(n + (values[i] != NULL));
    }
    return (struct agg_rows){which, NULL, values, n};
}

static enum status need_seen(struct aggtable_entries *e, struct tiered *tiers, struct op_ctx *ctx, const struct chunk *in,
                             const struct agg_rows *rows)
{
    struct agg_inputs inputs;
    enum status all = ST_OK;

    TRY(aggset_eval(e->set, &ctx->expr, in, &inputs));
    for (uint16_t d = 0; d < e->set->distincts_count; d++) {
        struct state_keys keys;
        (void)distinct_keys(e->set, d, &inputs, rows, ctx->arena, &keys);
        enum status st = tiered_need(tiers, ctx, (uint16_t)(1 + d), &keys);
        if (st != ST_OK && st != ST_AGAIN)
            return st;
        all = st == ST_AGAIN ? st : all;
    }
    return all;
}

enum status aggtable_need(struct aggtable_entries *e, struct tiered *tiers, struct op_ctx *ctx, const struct chunk *in,
                          const uint16_t *rows, const struct state_keys *keys)
{
    TRY(tiered_need(tiers, ctx, 0, keys));
    if (e->set->distincts_count) {
        struct agg_rows there = rows_of_groups(e->t, keys, rows, ctx->arena);
        TRY(need_seen(e, tiers, ctx, in, &there));
    }
    tiered_met(tiers);
    return ST_OK;
}

/* ---- parts of a checkpoint ---- */

static bool entry_load_checked(void *context, void *value, struct reader *r)
{
    struct aggtable_entries *e = context;

    if (!group_key_check(e->t, e->keyer, value) || !entry_load(context, value, r))
        return false;
    if (!e->t->ids_stay)
        *group_id(e->set, value) = id_next(e->t, value);
    return true;
}

/* It goes where its group does. */
static enum status seen_load(struct aggtable_entries *e, uint16_t index, struct reader *r, const struct state_mine *mine)
{
    struct state_table *t = &e->t->distinct[index];
    bool text = type_phys(e->set->args[e->set->distincts[index].arg]->type->kind) == PHYS_STR;
    uint32_t entries = reader_u32_le(r);

    if (reader_u8(r) != t->words || text != !t->words)
        return ST_CORRUPT;
    for (uint32_t i = 0; i < entries; i++) {
        struct reader ahead = *r;
        uint64_t id;
        struct bytes key = state_saved_key(t, &ahead);
        if (ahead.bad || key.len < sizeof(id))
            return ST_CORRUPT;
        memcpy(&id, key.ptr, sizeof(id));
        if (state_is_mine(mine, id_key_group(id)))
            TRY(state_load_entry(t, r, &(struct state_mine){0, 1}, NULL, NULL));
        else
            (void)state_saved_value(t, r);
    }
    return r->bad ? ST_CORRUPT : ST_OK;
}

enum status aggtable_load_part(struct aggtable_entries *e, struct reader *r, const struct state_mine *mine)
{
    uint8_t table = reader_u8(r);

    if (r->bad || table > e->set->distincts_count)
        return ST_CORRUPT;
    if (table)
        return seen_load(e, (uint16_t)(table - 1), r, mine);
    return state_load(&e->t->groups, r, mine, entry_load_checked, e);
}
