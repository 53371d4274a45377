/* Upserts made a changelog: the last row of each key is kept, so that what replaces it can be told as an
 * update of it, and a deletion, which names only the key, as the row that goes (Flink's
 * ChangelogNormalize).
 *
 * A row equal to the one kept tells nothing; so does the deletion of a key that is not there. With a time to live an
 * equal row is told, so that those who keep it keep it as long (as in Flink). */
#include "flow/ops/expiry.h"
#include "flow/ops/ops.h"
#include "flow/ops/pack.h"
#include "flow/ops/tiered.h"
#include "store/state/heap.h"

#include "base/check.h"

struct kept_row {
    uint8_t *packed; /* NULL: there is none (while a chunk is worked on) */
    uint32_t size;
    uint32_t gone;   /* its entry has left the table */
    int64_t written_us[]; /* one, where rows expire */
};

struct normalize {
    struct arena plan_arena, scratch;
    struct keyer keyer;
    struct pack pack;
    struct state_table table;
    struct state_heap heap;
    struct expiry expiry;
    bool tell_before;
    struct tiered tiers;
};

static void normalize_tier(struct normalize *s, const struct op_ctx *ctx);

static enum status normalize_open(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    const struct plan_node *input = node->inputs[0].node;
    struct normalize *s = state;

    arena_init(&s->plan_arena, ARENA_BUDGET_NONE);
    arena_init(&s->scratch, ARENA_BUDGET_NONE);
    heap_init(&s->heap);
    s->tell_before = (node->changes & CHANGE_UPDATE_BEFORE) != 0;
    TRY(keyer_make(&s->keyer, &s->plan_arena, input, node->normalize.keys, node->normalize.keys_count,
                   ctx->expr.diag));
    TRY(pack_make(&s->pack, &s->plan_arena, input, NULL, input->columns_count, ctx->expr.diag));
    expiry_open(&s->expiry, &node->inputs[0]);
    state_init(&s->table, s->keyer.words, sizeof(struct kept_row) + (s->expiry.ttl_us ? sizeof(int64_t) : 0));
    normalize_tier(s, ctx);
    return ST_OK;
}

static void normalize_close(const struct plan_node *node, void *state)
{
    struct normalize *s = state;

    (void)node;
    tiered_close(&s->tiers);
    state_deinit(&s->table);
    heap_deinit(&s->heap);
    arena_deinit(&s->plan_arena);
    arena_deinit(&s->scratch);
}

/* ---- what comes out ---- */

struct telling {
    struct normalize *s;
    const struct plan_node *node;
    struct op_ctx *ctx;
    const uint8_t *packed[CHUNK_ROWS];
    uint8_t kinds[CHUNK_ROWS];
    struct {
        uint8_t *packed;
        uint32_t size;
    } gone[CHUNK_ROWS]; /* freed when what points to them is out */
    uint16_t count, gone_count;
};

static enum status tell_flush(struct telling *t)
{
    struct normalize *s = t->s;
    enum status st = ST_OK;

    if (t->count) {
        struct column *cols = ARENA_ARRAY(&s->scratch, struct column, t->node->columns_count + 1);
        pack_read_all(&s->pack, t->packed, t->count, &s->scratch, cols);
        struct chunk out = {.cols = cols, .count = t->count, .rows = t->count,
                            .col_count = t->node->columns_count, .kinds = t->kinds};
        st = op_emit(t->ctx, &out);
        arena_reset(&s->scratch);
    }
    t->count = 0;
    for (uint16_t i = 0; i < t->gone_count; i++)
        heap_free(&s->heap, t->gone[i].packed, t->gone[i].size);
    t->gone_count = 0;
    return st;
}

static void tell(struct telling *t, const struct kept_row *row, uint8_t kind)
{
    t->packed[t->count] = row->packed;
    t->kinds[t->count++] = kind;
}

static void bury(struct telling *t, struct kept_row *row)
{
    t->gone[t->gone_count].packed = row->packed;
    t->gone[t->gone_count++].size = row->size;
    row->packed = NULL;
}

static void key_delete(struct telling *t, struct kept_row *kept)
{
    if (!kept->packed)
        return;
    tell(t, kept, ROW_DELETE);
    bury(t, kept);
}

static void key_put(struct telling *t, struct kept_row *kept, const uint8_t *packed, uint32_t size)
{
    bool had = kept->packed != NULL, tells_same = t->s->expiry.ttl_us;

    if (had && !tells_same && kept->size == size && memcmp(kept->packed, packed, size) == 0)
        return;
    if (had && t->s->tell_before)
        tell(t, kept, ROW_UPDATE_BEFORE);
    if (had)
        bury(t, kept);
    kept->packed = heap_copy(&t->s->heap, packed, size);
    kept->size = size;
    if (t->s->expiry.ttl_us)
        *kept->written_us = t->s->expiry.now_us;
    tell(t, kept, had ? ROW_UPDATE_AFTER : ROW_INSERT);
}

static void keys_sweep(struct normalize *s, void *const *values, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        struct kept_row *kept = values[i];
        if (kept->packed || kept->gone)
            continue;
        kept->gone = 1;
        state_remove(&s->table, kept);
    }
}

/* ---- rows whose time is over ---- */

static bool kept_gone(void *context, void *value)
{
    struct normalize *s = context;
    struct kept_row *kept = value;

    if (!kept->packed || !expiry_over(&s->expiry, *kept->written_us))
        return false;
    heap_free(&s->heap, kept->packed, kept->size);
    kept->packed = NULL;
    return true;
}

static enum status normalize_on_clock(const struct plan_node *node, void *state, struct op_ctx *ctx, int64_t now_us)
{
    struct normalize *s = state;

    (void)node;
    (void)now_us;
    expiry_at(&s->expiry, ctx);
    uint32_t way = expiry_look(&s->table, kept_gone, s);
    if (!state_count(&s->table) && s->heap.held_bytes) {
        heap_deinit(&s->heap);
        heap_init(&s->heap);
    }
    expiry_again(&s->expiry, ctx, way);
    return ST_OK;
}

/* ---- chunks ---- */

static enum status normalize_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                      int input, const struct chunk *in)
{
    struct normalize *s = state;
    uint16_t all[CHUNK_ROWS];
    void *values[CHUNK_ROWS];
    uint8_t *packed[CHUNK_ROWS];
    uint32_t sizes[CHUNK_ROWS];
    struct state_keys keys;
    struct telling *t = arena_alloc(ctx->arena, sizeof(*t));

    (void)input;
    t->s = s;
    t->node = node;
    t->ctx = ctx;
    t->count = t->gone_count = 0;
    const uint16_t *rows = chunk_rows(in, all);
    keyer_keys(&s->keyer, in->cols, rows, in->count, ctx->arena, &keys);
    state_upsert(&s->table, &keys, NULL, in->count, values, NULL);
    expiry_now(&s->expiry, ctx);
    for (uint16_t i = 0; s->expiry.ttl_us && i < in->count; i++)
        (void)kept_gone(s, values[i]); /* its entry stays: this row may fill it */
    pack_rows(&s->pack, ctx->arena, in->cols, rows, in->count, packed, sizes);
    enum status st = ST_OK;
    for (uint16_t i = 0; i < in->count && st == ST_OK; i++) {
        if (row_kind_retracts(chunk_kind(in, rows[i])))
            key_delete(t, values[i]);
        else
            key_put(t, values[i], packed[i], sizes[i]);
        if (t->count + 2 > CHUNK_ROWS)
            st = tell_flush(t);
    }
    enum status flushed = tell_flush(t);
    keys_sweep(s, values, in->count);
    return st != ST_OK ? st : flushed;
}

/* ---- checkpoints: the keys, each with its time where rows expire, and its row ---- */

static void kept_save(void *context, const void *value, struct buf *out)
{
    const struct kept_row *kept = value;

    if (((const struct normalize *)context)->expiry.ttl_us)
        buf_u64_le(out, (uint64_t)*kept->written_us);
    buf_append(out, kept->packed, kept->size);
}

static void normalize_save(const struct plan_node *node, const void *state, struct snap_writer *w)
{
    const struct normalize *s = state;

    (void)node;
    state_save(&s->table, w, kept_save, (void *)s);
}

static bool kept_load(void *context, void *value, struct reader *r)
{
    struct normalize *s = context;
    struct kept_row *kept = value;
    if (s->expiry.ttl_us)
        *kept->written_us = (int64_t)reader_u64_le(r);
    struct bytes packed = reader_bytes(r, reader_left(r));

    if (r->bad || !pack_check(&s->pack, packed.ptr, packed.len))
        return false;
    kept->packed = heap_copy(&s->heap, packed.ptr, packed.len);
    kept->size = (uint32_t)packed.len;
    return true;
}

static enum status normalize_load(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                  struct reader *r)
{
    struct normalize *s = state;

    (void)node;
    return state_load(&s->table, r, &(struct state_mine){ctx->shard, ctx->shards}, kept_load, s);
}

/* ---- what is on disk ---- */

static struct tiered *normalize_tiers(void *state)
{
    return &((struct normalize *)state)->tiers;
}

static enum status normalize_need(const struct plan_node *node, void *state, struct op_ctx *ctx, int input,
                              const struct chunk *in)
{
    struct normalize *s = state;

    (void)node;
    (void)input;
    return tiered_need_rows(&s->tiers, ctx, &s->keyer, in);
}

static enum status normalize_load_cold(const struct plan_node *node, void *state, struct op_ctx *ctx, struct reader *r)
{
    if (reader_u8(r) != 0)
        return ST_CORRUPT;
    return normalize_load(node, state, ctx, r);
}

static void kept_release(void *context, void *value)
{
    struct normalize *s = context;
    struct kept_row *kept = value;

    heap_free(&s->heap, kept->packed, kept->size);
}

/* Of a row as state_save_entry writes it. */
static bool saved_over(const void *context, struct bytes entry)
{
    const struct normalize *s = context;
    struct reader r = reader_of(entry);
    struct bytes value = state_saved_value(&s->table, &r);

    r = reader_of(value);
    return expiry_over(&s->expiry, (int64_t)reader_u64_le(&r));
}

static void normalize_tier(struct normalize *s, const struct op_ctx *ctx)
{
    tiered_open(&s->tiers, ctx, &s->plan_arena, 1);
    tiered_add(&s->tiers, ctx, &s->plan_arena,
               &(struct state_tier){.table = &s->table, .save = kept_save, .load = kept_load, .release = kept_release,
                                    .context = s, .heap = &s->heap},
               s->expiry.ttl_us ? saved_over : NULL, s);
}

static void normalize_measure(const struct plan_node *node, const void *state, uint64_t *rows,
                              uint64_t *bytes)
{
    const struct normalize *s = state;

    (void)node;
    *rows = state_count(&s->table) + tiered_cold(&s->tiers);
    *bytes = state_bytes(&s->table) + s->heap.held_bytes + tiered_bytes(&s->tiers);
}

const struct op_class op_normalize = {
    .name = "ChangelogNormalize",
    .state_size = sizeof(struct normalize),
    .open = normalize_open,
    .on_chunk = normalize_on_chunk,
    .on_clock = normalize_on_clock,
    .save = normalize_save,
    .load = normalize_load,
    .close = normalize_close,
    .tiers = normalize_tiers,
    .need = normalize_need,
    .load_cold = normalize_load_cold,
    .measure = normalize_measure,
};
