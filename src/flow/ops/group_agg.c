/* Aggregates by key, updated by every row, over inserts and retractions.
 *
 * What a tick does to a group is told once, at the tick's end: the first touch of a group copies its
 * value, the end compares. -U and +U come only when some result has changed; a group whose last
 * row was taken back gives -D and is forgotten. Groups are told in the order of their first touch. When
 * TOUCHED_MAX groups wait, they are told at once, which bounds the copies.
 *
 * With a time to live a group that no row came to for so long begins anew, and what comes to one is told even where
 * no result has changed, so that those who keep it keep it as long (as in Flink). */
#include "flow/ops/aggset.h"
#include "flow/ops/ops.h"
#include "flow/ops/tiered.h"

#include <stdlib.h>

#include "base/check.h"

enum { TOUCHED_MAX = 32768 };

struct head { /* of a group's value */
    uint32_t touched; /* index + 1 in the list; 0: not in this tick */
    uint32_t pad;
    int64_t written_us[]; /* one, where groups expire: the clock of the last row */
};

struct touched {
    void *value;
    void *before; /* copy; NULL: the group was not there */
};

struct group_agg {
    struct arena plan_arena, scratch, copies;
    struct keyer keyer;
    struct aggset set;
    struct aggtable table;
    struct expiry expiry;
    bool tells_same; /* an update without another result */
    struct touched *touched;
    uint32_t touched_count, touched_cap;
    uint32_t told; /* of the touched, while they are being told */
    struct aggtable_entries entries;
    struct tiered tiers;
};

/* Of a group as state_save_entry writes it. The head is the first of the value, as it is in memory. */
static bool entry_over(const void *context, struct bytes entry)
{
    const struct group_agg *s = context;
    struct reader r = reader_of(entry);
    struct bytes value = state_saved_value(&s->table.groups, &r);
    int64_t written_us;

    CHECK(value.len >= sizeof(struct head) + sizeof(written_us));
    memcpy(&written_us, value.ptr + sizeof(struct head), sizeof(written_us));
    return expiry_over(&s->expiry, written_us);
}

static enum status group_open(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    const struct plan_group_agg *p = &node->group_agg;
    const struct plan_node *input = node->inputs[0].node;
    struct group_agg *s = state;

    arena_init(&s->plan_arena, ARENA_BUDGET_NONE);
    arena_init(&s->scratch, ARENA_BUDGET_NONE);
    arena_init(&s->copies, ARENA_BUDGET_NONE);
    TRY(keyer_make(&s->keyer, &s->plan_arena, input, p->keys, p->keys_count, ctx->expr.diag));
    expiry_open(&s->expiry, &node->inputs[0]);
    s->tells_same = s->expiry.ttl_us && (node->changes & CHANGE_UPDATE);
    uint32_t head = sizeof(struct head) + (s->expiry.ttl_us ? sizeof(int64_t) : 0);
    TRY(aggset_make(&s->set, &s->plan_arena, node, head, ctx->expr.diag));
    aggtable_init(&s->table, &s->set, s->keyer.words);
    s->table.expiry = &s->expiry;
    if (s->set.distincts_count)
        aggtable_ids_stay(&s->table, ctx->shard);
    s->entries = (struct aggtable_entries){.t = &s->table, .set = &s->set, .keyer = &s->keyer};
    arena_init(&s->entries.scratch, ARENA_BUDGET_NONE);
    aggtable_tier(&s->entries, &s->tiers, ctx, &s->plan_arena, s->expiry.ttl_us ? entry_over : NULL, s);
    return ST_OK;
}

static void group_close(const struct plan_node *node, void *state)
{
    struct group_agg *s = state;

    (void)node;
    tiered_close(&s->tiers);
    arena_deinit(&s->entries.scratch);
    aggtable_deinit(&s->table, &s->set);
    arena_deinit(&s->plan_arena);
    arena_deinit(&s->scratch);
    arena_deinit(&s->copies);
    free(s->touched);
}

static void touch(struct group_agg *s, void *value)
{
    struct head *head = value;

    if (head->touched)
        return;
    if (s->touched_count == s->touched_cap) {
        s->touched_cap = s->touched_cap ? 2 * s->touched_cap : 64;
        s->touched = xrealloc(s->touched, s->touched_cap * sizeof(*s->touched));
    }
    void *before = *agg_rows(&s->set, value) > 0
                       ? aggtable_copy(&s->table, &s->set, value, &s->copies)
                       : NULL;
    s->touched[s->touched_count++] = (struct touched){value, before};
    head->touched = s->touched_count;
}

/* Rows of an output chunk before its columns are made. */
struct telling {
    void *values[CHUNK_ROWS]; /* of the results */
    void *keys[CHUNK_ROWS];   /* entries in the table */
    bool copied[CHUNK_ROWS];
    uint8_t kinds[CHUNK_ROWS];
    uint16_t count;
};

static enum status tell(const struct plan_node *node, struct group_agg *s, struct op_ctx *ctx,
                        struct telling *t)
{
    const struct plan_group_agg *p = &node->group_agg;

    if (!t->count)
        return ST_OK;
    struct column *cols = ARENA_ARRAY(&s->scratch, struct column, node->columns_count + 1);
    CHECK(node->columns_count == p->keys_count + p->aggs_count);
    keyer_read(&s->keyer, &s->table.groups, t->keys, t->count, &s->scratch, cols);
    aggtable_results(&s->set, t->values, t->copied, t->count, &s->scratch, cols + p->keys_count);
    struct chunk out = {.cols = cols, .count = t->count, .rows = t->count,
                        .col_count = node->columns_count, .kinds = t->kinds};
    enum status st = op_emit(ctx, &out);
    arena_reset(&s->scratch);
    t->count = 0;
    return st;
}

static inline void tell_add(struct telling *t, const struct touched *g, bool before, uint8_t kind)
{
    t->values[t->count] = before ? g->before : g->value;
    t->keys[t->count] = g->value;
    t->copied[t->count] = before;
    t->kinds[t->count++] = kind;
}

static void tell_group(const struct plan_node *node, struct group_agg *s, const struct touched *g,
                       struct telling *t)
{
    bool has = *agg_rows(&s->set, g->value) > 0;

    if (!g->before && has) {
        tell_add(t, g, false, ROW_INSERT);
    } else if (g->before && !has) {
        tell_add(t, g, true, ROW_DELETE);
    } else if (g->before && (s->tells_same || aggtable_changed(&s->set, g->before, g->value, &s->scratch))) {
        if (node->group_agg.emit_update_before)
            tell_add(t, g, true, ROW_UPDATE_BEFORE);
        tell_add(t, g, false, ROW_UPDATE_AFTER);
    }
}

/* A chunk of what is to be told; ST_AGAIN: there is more. */
static enum status tell_some(const struct plan_node *node, struct group_agg *s, struct op_ctx *ctx)
{
    struct telling t;

    t.count = 0;
    while (s->told < s->touched_count && t.count + 2 <= CHUNK_ROWS)
        tell_group(node, s, &s->touched[s->told++], &t);
    TRY(tell(node, s, ctx, &t));
    if (s->told < s->touched_count)
        return ST_AGAIN;
    for (uint32_t i = 0; i < s->touched_count; i++) {
        void *value = s->touched[i].value;
        ((struct head *)value)->touched = 0;
        if (*agg_rows(&s->set, value) <= 0)
            aggtable_remove(&s->table, &s->set, value);
    }
    s->touched_count = s->told = 0;
    s->table.groups.held = false;
    arena_reset(&s->copies);
    return ST_OK;
}

/* Groups whose time is over are new; all are written now. */
static void groups_renew(struct group_agg *s, void *const *values, uint8_t *fresh, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        int64_t *written_us = ((struct head *)values[i])->written_us;
        if (!fresh[i] && expiry_over(&s->expiry, *written_us)) {
            aggtable_reset(&s->table, &s->set, values[i]);
            fresh[i] = 1;
        }
        *written_us = s->expiry.now_us;
    }
}

static enum status group_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                  int input, const struct chunk *in)
{
    struct group_agg *s = state;
    uint16_t all[CHUNK_ROWS];
    int8_t weights_room[CHUNK_ROWS];
    void *values[CHUNK_ROWS];
    uint8_t fresh[CHUNK_ROWS];
    struct agg_inputs inputs;
    struct state_keys keys;

    (void)input;
    const uint16_t *rows = chunk_rows(in, all);
    const int8_t *weights = chunk_weights(in, rows, in->count, weights_room);
    TRY(aggset_eval(&s->set, &ctx->expr, in, &inputs));
    keyer_keys(&s->keyer, in->cols, rows, in->count, ctx->arena, &keys);
    state_upsert(&s->table.groups, &keys, NULL, in->count, values, fresh);
    expiry_now(&s->expiry, ctx);
    if (s->expiry.ttl_us)
        groups_renew(s, values, fresh, in->count);
    aggtable_start(&s->table, &s->set, values, fresh, in->count);
    s->table.groups.held = true; /* what is touched stays in place until it is told */
    for (uint16_t i = 0; i < in->count; i++)
        touch(s, values[i]);
    aggtable_update(&s->table, &s->set, ctx->arena, &inputs, rows, weights, values, in->count);
    enum status st = s->touched_count > TOUCHED_MAX ? ST_AGAIN : ST_OK;
    while (st == ST_AGAIN)
        st = tell_some(node, s, ctx);
    return st;
}

static enum status group_on_tick_end(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    return tell_some(node, state, ctx);
}

static bool group_over(const struct aggtable *t, const void *value)
{
    return expiry_over(t->expiry, *((const struct head *)value)->written_us);
}

static enum status group_on_clock(const struct plan_node *node, void *state, struct op_ctx *ctx, int64_t now_us)
{
    struct group_agg *s = state;

    (void)node;
    (void)now_us;
    expiry_at(&s->expiry, ctx);
    expiry_again(&s->expiry, ctx, aggtable_look(&s->table, &s->set, group_over));
    return ST_OK;
}

static void group_save(const struct plan_node *node, const void *state, struct snap_writer *w)
{
    const struct group_agg *s = state;

    (void)node;
    CHECK(!s->touched_count); /* between ticks */
    aggtable_save(&s->table, &s->set, w);
}

static enum status group_load(const struct plan_node *node, void *state, struct op_ctx *ctx,
                              struct reader *r)
{
    struct group_agg *s = state;

    (void)node;
    return aggtable_load(&s->table, &s->set, &s->keyer, r,
                         &(struct state_mine){ctx->shard, ctx->shards});
}

/* ---- what is on disk ---- */

static struct tiered *group_tiers(void *state)
{
    return &((struct group_agg *)state)->tiers;
}

static enum status group_need(const struct plan_node *node, void *state, struct op_ctx *ctx, int input,
                              const struct chunk *in)
{
    struct group_agg *s = state;
    uint16_t all[CHUNK_ROWS];
    struct state_keys keys;

    (void)node;
    (void)input;
    const uint16_t *rows = chunk_rows(in, all);
    keyer_keys(&s->keyer, in->cols, rows, in->count, ctx->arena, &keys);
    return aggtable_need(&s->entries, &s->tiers, ctx, in, rows, &keys);
}

static enum status group_load_cold(const struct plan_node *node, void *state, struct op_ctx *ctx, struct reader *r)
{
    struct group_agg *s = state;

    (void)node;
    return aggtable_load_part(&s->entries, r, &(struct state_mine){ctx->shard, ctx->shards});
}

static void group_measure(const struct plan_node *node, const void *state, uint64_t *rows,
                          uint64_t *bytes)
{
    const struct group_agg *s = state;

    (void)node;
    *rows = state_count(&s->table.groups) + (s->tiers.count ? tier_count(&s->tiers.tiers[0]) : 0);
    *bytes = aggtable_bytes(&s->table, &s->set) + tiered_bytes(&s->tiers) + s->touched_cap * sizeof(*s->touched) +
             s->copies.used_bytes + s->scratch.used_bytes + s->plan_arena.used_bytes;
}

const struct op_class op_group_agg = {
    .name = "GroupAggregate",
    .state_size = sizeof(struct group_agg),
    .open = group_open,
    .on_chunk = group_on_chunk,
    .on_clock = group_on_clock,
    .on_tick_end = group_on_tick_end,
    .save = group_save,
    .load = group_load,
    .close = group_close,
    .tiers = group_tiers,
    .need = group_need,
    .load_cold = group_load_cold,
    .measure = group_measure,
};
