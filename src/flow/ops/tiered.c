#include "flow/ops/tiered.h"

#include "base/check.h"
#include "flow/ops/ops.h"

enum { SMALL_SHARE = 32 };

void tiered_open(struct tiered *t, const struct op_ctx *ctx, struct arena *arena, uint16_t tables)
{
    *t = (struct tiered){0};
    if (!ctx->disk || tables > TIERED_MAX)
        return;
    t->tiers = ARENA_ARRAY(arena, struct state_tier, tables);
}

/* The first has the task's file, the others one beside it. */
static const char *path_of(const struct op_ctx *ctx, struct arena *arena, uint16_t index)
{
    return index ? arena_printf(arena, "%s.%u", ctx->disk->path, index) : ctx->disk->path;
}

void tiered_add(struct tiered *t, const struct op_ctx *ctx, struct arena *arena, const struct state_tier *tier,
                cold_over_fn *over, const void *over_context)
{
    if (!t->tiers)
        return;
    struct cold_options options = *ctx->disk;
    options.path = path_of(ctx, arena, t->count);
    options.over = over;
    options.over_context = over_context;
    struct state_tier *own = &t->tiers[t->count++];
    *own = *tier;
    tier_open(own, &options);
}

void tiered_close(struct tiered *t)
{
    for (uint16_t i = 0; i < t->count; i++)
        tier_close(&t->tiers[i]);
    t->count = 0;
}

uint64_t tiered_cold(const struct tiered *t)
{
    uint64_t entries = 0;

    for (uint16_t i = 0; i < t->count; i++)
        entries += tier_count(&t->tiers[i]);
    return entries;
}

uint64_t tiered_bytes(const struct tiered *t)
{
    uint64_t bytes = 0;

    for (uint16_t i = 0; i < t->count; i++)
        bytes += tier_bytes(&t->tiers[i]);
    return bytes;
}

static uint64_t movable(const struct state_tier *tier)
{
    return state_count(tier->table) ? state_bytes(tier->table) + (tier->heap ? tier->heap->held_bytes : 0) : 0;
}

uint64_t tiered_movable(const struct tiered *t)
{
    uint64_t bytes = 0;

    for (uint16_t i = 0; i < t->count; i++)
        bytes += movable(&t->tiers[i]);
    return bytes;
}

/* The status of a call of the tier as a hook gives it. */
static enum status told(struct op_ctx *ctx, const struct state_tier *tier, enum status st)
{
    if (st == ST_AGAIN)
        ctx->waits = tier->cold;
    if (st == ST_OK || st == ST_AGAIN || st == ST_END)
        return st;
    return diag_set(ctx->expr.diag, st, DIAG_INTERNAL, "state on disk: %s", cold_error(tier->cold));
}

enum status tiered_need(struct tiered *t, struct op_ctx *ctx, uint16_t index, const struct state_keys *keys)
{
    CHECK(index < t->count);
    if (t->met >> index & 1)
        return ST_OK;
    enum status st = tier_need(&t->tiers[index], keys);
    if (st == ST_OK)
        t->met |= UINT64_C(1) << index;
    return told(ctx, &t->tiers[index], st);
}

enum status tiered_need_rows(struct tiered *t, struct op_ctx *ctx, const struct keyer *keyer, const struct chunk *in)
{
    uint16_t all[CHUNK_ROWS];
    struct state_keys keys;

    if (!t->count)
        return ST_OK;
    keyer_keys(keyer, in->cols, chunk_rows(in, all), in->count, ctx->arena, &keys);
    TRY(tiered_need(t, ctx, 0, &keys));
    tiered_met(t);
    return ST_OK;
}

/* What holds next to nothing of it all is left as it is: most keys would have to come back at once. */
static bool is_small(const struct tiered *t, const struct state_tier *tier)
{
    return !tier->moving && movable(tier) < tiered_movable(t) / SMALL_SHARE;
}

enum status tiered_move(struct tiered *t, struct op_ctx *ctx, uint32_t percent)
{
    if (!t->moves)
        t->refused = ST_OK;
    for (; t->moves < t->count; t->moves++) {
        struct state_tier *tier = &t->tiers[t->moves];
        if (is_small(t, tier))
            continue;
        uint64_t entries = (uint64_t)state_count(tier->table) * percent / 100;
        enum status st = told(ctx, tier, tier_move(tier, (uint32_t)entries));
        if (st == ST_AGAIN)
            return st;
        if (st != ST_OK)
            t->refused = st;
    }
    t->moves = 0;
    return t->refused;
}

enum status tiered_save(struct tiered *t, struct op_ctx *ctx, bool first, struct buf *out)
{
    if (first) {
        t->scans = 0;
        t->scanning = false;
    }
    for (; t->scans < t->count; t->scans++, t->scanning = false) {
        size_t before = out->len;
        buf_u8(out, (uint8_t)t->scans);
        enum status st = tier_scan(&t->tiers[t->scans], !t->scanning, out);
        t->scanning = true;
        if (st == ST_OK)
            return st;
        out->len = before;
        if (st != ST_END)
            return told(ctx, &t->tiers[t->scans], st);
    }
    return ST_END;
}
