/* ROW_NUMBER() with a bound: the first N rows of each partition in an order, as they change.
 *
 *   FIRST     N = 1, only inserts come: one row a partition (deduplication). Ordered by a time attribute
 *             downwards it is "keep last": of equal times the later row stays
 *   APPEND    only inserts come: the N best rows, sorted; others are forgotten at once
 *   RETRACT   rows are taken back: all rows, sorted
 *
 * Rows that the order leaves equal stand in the order of their origins, so that neither the number of
 * shards nor the cut into ticks is seen; as they came where rows have no origin. With the number among the columns a row that enters
 * shifts those behind it, each told as an update of its number; else the row that falls out goes and
 * the new one comes.
 *
 * With a time to live each row has its own: one whose time is over is out of the list, without a word, before
 * the next one of its partition comes. */
#include "flow/ops/ops.h"
#include "flow/ops/rank_rows.h"
#include "flow/ops/tiered.h"

#include <stdlib.h>

#include "base/check.h"

enum rank_mode { RANK_FIRST, RANK_APPEND, RANK_RETRACT };

struct partition { /* the value of a key */
    union {
        struct sorted rows;
        struct rank_row *row; /* FIRST */
    };
    uint64_t gone;
    int64_t oldest_us[]; /* one, where rows expire: no row was written before it */
};

struct rank {
    struct arena plan_arena, scratch;
    struct keyer keyer;
    struct rank_rows r;
    const struct plan_rank *plan;
    enum rank_mode mode;
    bool tell_before;
    uint8_t kind_gone, kind_new; /* of the row that falls out of a full top-N and the one that enters */
    struct state_table table;
    struct state_heap heap;
    struct tiered tiers;
};

/* ---- open, close ---- */

static void rank_tier(struct rank *s, const struct op_ctx *ctx);

static enum status rank_open(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    const struct plan_rank *p = &node->rank;
    const struct plan_node *input = node->inputs[0].node;
    struct rank *s = state;
    struct diag *diag = ctx->expr.diag;

    arena_init(&s->plan_arena, ARENA_BUDGET_NONE);
    arena_init(&s->scratch, ARENA_BUDGET_NONE);
    heap_init(&s->heap);
    s->plan = p;
    if (p->limit < 1 || p->limit > INT32_MAX)
        return diag_set(diag, ST_INVALID, DIAG_LIMIT, "the bound of ROW_NUMBER() must be from 1 to %d",
                        INT32_MAX);
    if ((input->changes & CHANGE_UPDATE) && !(input->changes & CHANGE_UPDATE_BEFORE))
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "ROW_NUMBER() over updates without -U is not built yet");
    TRY(keyer_make(&s->keyer, &s->plan_arena, input, p->partition, p->partition_count, diag));
    TRY(rank_rows_make(&s->r, &s->plan_arena, node, diag));
    s->mode = input->changes ? RANK_RETRACT : p->limit == 1 ? RANK_FIRST : RANK_APPEND;
    s->tell_before = (node->changes & CHANGE_UPDATE_BEFORE) != 0;
    bool update = p->limit == 1 || p->emit_rank;
    s->kind_gone = update ? ROW_UPDATE_BEFORE : ROW_DELETE;
    s->kind_new = update ? ROW_UPDATE_AFTER : ROW_INSERT;
    state_init(&s->table, s->keyer.words, sizeof(struct partition) + (s->r.expiry.ttl_us ? sizeof(int64_t) : 0));
    rank_tier(s, ctx);
    return ST_OK;
}

static void rank_close(const struct plan_node *node, void *state)
{
    struct rank *s = state;

    (void)node;
    tiered_close(&s->tiers);
    state_deinit(&s->table);
    heap_deinit(&s->heap);
    arena_deinit(&s->plan_arena);
    arena_deinit(&s->scratch);
}

/* ---- what comes out ---- */

struct telling {
    struct rank *s;
    const struct plan_node *node;
    struct op_ctx *ctx;
    uint16_t count;
    const uint8_t *packed[CHUNK_ROWS];
    struct origin origins[CHUNK_ROWS];
    int64_t ranks[CHUNK_ROWS];
    uint8_t kinds[CHUNK_ROWS];
    struct rank_row **gone; /* freed when what points to them is out */
    uint32_t gone_count, gone_cap;
};

static enum status tell_flush(struct telling *t)
{
    struct rank *s = t->s;
    enum status st = ST_OK;

    if (t->count) {
        struct column *cols = ARENA_ARRAY(&s->scratch, struct column, t->node->columns_count + 1);
        pack_read_all(&s->r.pack, t->packed, t->count, &s->scratch, cols);
        if (s->plan->emit_rank)
            cols[s->r.pack.count] = (struct column){.data = t->ranks};
        CHECK(t->node->columns_count == s->r.pack.count + s->plan->emit_rank);
        struct chunk out = {.cols = cols, .count = t->count, .rows = t->count,
                            .col_count = t->node->columns_count, .kinds = t->kinds,
                            .origins = s->r.by_origin ? t->origins : NULL};
        st = op_emit(t->ctx, &out);
        arena_reset(&s->scratch);
    }
    t->count = 0;
    for (uint32_t i = 0; i < t->gone_count; i++)
        rank_row_free(&s->r, &s->heap, t->gone[i]);
    t->gone_count = 0;
    return st;
}

/* rank from 0. */
static enum status tell(struct telling *t, const struct rank_row *row, uint32_t rank, uint8_t kind)
{
    if (kind == ROW_UPDATE_BEFORE && !t->s->tell_before)
        return ST_OK;
    t->packed[t->count] = row->packed;
    t->origins[t->count] = row->origin;
    t->ranks[t->count] = (int64_t)rank + 1;
    t->kinds[t->count++] = kind;
    return t->count == CHUNK_ROWS ? tell_flush(t) : ST_OK;
}

static void bury(struct telling *t, struct rank_row *row)
{
    if (t->gone_count == t->gone_cap) {
        t->gone_cap = t->gone_cap ? 2 * t->gone_cap : 64;
        t->gone = xrealloc(t->gone, t->gone_cap * sizeof(struct rank_row *));
    }
    t->gone[t->gone_count++] = row;
}

/* ---- the three modes ---- */

static enum status first_add(struct telling *t, struct partition *p, const struct rank_coming *in)
{
    struct rank *s = t->s;
    struct rank_row *old = p->row;

    if (old && rank_coming_compare(&s->r, in, old) >= 0)
        return ST_OK;
    p->row = rank_row_new(&s->r, &s->heap, in);
    if (!old)
        return tell(t, p->row, 0, ROW_INSERT);
    TRY(tell(t, old, 0, s->kind_gone));
    enum status st = tell(t, p->row, 0, s->kind_new);
    bury(t, old);
    return st;
}

/* `row` has entered at a rank within the bound; `before` rows were there. Each row behind it moves on. */
static enum status tell_entered(struct telling *t, const struct sorted *rows, uint32_t rank,
                                uint32_t before, const struct rank_row *fallen)
{
    const struct rank *s = t->s;
    uint32_t limit = (uint32_t)s->plan->limit;
    struct sorted_at at = sorted_nth(rows, rank);
    const struct rank_row *row = sorted_get(rows, at);

    if (!s->plan->emit_rank) {
        if (fallen)
            TRY(tell(t, fallen, limit - 1, s->kind_gone));
        return tell(t, row, rank, fallen ? s->kind_new : ROW_INSERT);
    }
    for (uint32_t k = rank; k < limit && k <= before; k++) {
        at = sorted_next(rows, at);
        const struct rank_row *was = k + 1 < limit || !fallen ? sorted_get(rows, at) : fallen;
        if (k == before)
            return tell(t, row, k, ROW_INSERT);
        TRY(tell(t, was, k, ROW_UPDATE_BEFORE));
        TRY(tell(t, row, k, ROW_UPDATE_AFTER));
        row = was;
    }
    return ST_OK;
}

static enum status append_add(struct telling *t, struct partition *p, const struct rank_coming *in)
{
    struct rank *s = t->s;
    struct sorted *rows = &p->rows;
    uint32_t limit = (uint32_t)s->plan->limit, before = rows->count;
    uint32_t rank;
    struct rank_row *fallen;

    if (!rank_rows_put(&s->r, &s->heap, rows, limit, in, &rank, &fallen))
        return ST_OK;
    enum status st = tell_entered(t, rows, rank, before, fallen);
    if (fallen)
        bury(t, fallen);
    return st;
}

static enum status retract_add(struct telling *t, struct partition *p, const struct rank_coming *in)
{
    struct rank *s = t->s;
    struct sorted *rows = &p->rows;
    uint32_t limit = (uint32_t)s->plan->limit, before = rows->count;
    struct rank_row *row = rank_row_new(&s->r, &s->heap, in);
    struct sorted_at at = sorted_seek(rows, rank_row_compare, &s->r, row);
    uint32_t rank = sorted_rank(rows, at);

    sorted_insert(rows, &s->heap, at, row);
    if (rank >= limit)
        return ST_OK;
    const struct rank_row *fallen = before >= limit ? sorted_get(rows, sorted_nth(rows, limit)) : NULL;
    return tell_entered(t, rows, rank, before, fallen);
}

/* `row` has left the rank it had; what stands there now has moved up. */
static enum status tell_left(struct telling *t, const struct sorted *rows, uint32_t rank,
                             const struct rank_row *row)
{
    const struct rank *s = t->s;
    uint32_t limit = (uint32_t)s->plan->limit;

    if (!s->plan->emit_rank) {
        const struct rank_row *next = rows->count >= limit ? sorted_get(rows, sorted_nth(rows, limit - 1))
                                                           : NULL;
        TRY(tell(t, row, rank, next ? s->kind_gone : ROW_DELETE));
        return next ? tell(t, next, limit - 1, s->kind_new) : ST_OK;
    }
    struct sorted_at at = sorted_nth(rows, rank);
    for (uint32_t k = rank; k < limit; k++, at = sorted_next(rows, at)) {
        const struct rank_row *next = sorted_get(rows, at);
        if (!next)
            return tell(t, row, k, ROW_DELETE);
        TRY(tell(t, row, k, ROW_UPDATE_BEFORE));
        TRY(tell(t, next, k, ROW_UPDATE_AFTER));
        row = next;
    }
    return ST_OK;
}

static enum status retract_take(struct telling *t, struct partition *p, const struct rank_coming *in)
{
    struct rank *s = t->s;
    struct sorted *rows = &p->rows;
    struct rank_row *probe = arena_alloc(t->ctx->arena, sizeof(*probe) + in->size);

    *probe = (struct rank_row){.origin = {INT64_MIN, 0}, .size = in->size}; /* before its equals */
    memcpy(probe->packed, in->packed, in->size);
    struct sorted_at at = sorted_seek(rows, rank_row_compare, &s->r, probe);
    for (struct rank_row *row; (row = sorted_get(rows, at)) != NULL; at = sorted_next(rows, at)) {
        if (rank_order_compare(&s->r, row->packed, in->packed) != 0)
            return ST_OK; /* it was never here */
        if (row->size != in->size || memcmp(row->packed, in->packed, in->size) != 0)
            continue;
        uint32_t rank = sorted_rank(rows, at);
        sorted_remove(rows, &s->heap, at);
        enum status st = rank < (uint32_t)s->plan->limit ? tell_left(t, rows, rank, row) : ST_OK;
        bury(t, row);
        return st;
    }
    return ST_OK;
}

/* ---- rows whose time is over ---- */

static bool partition_is_empty(const struct rank *s, const struct partition *p)
{
    return s->mode == RANK_FIRST ? p->row == NULL : p->rows.count == 0;
}

static void first_expire(struct rank *s, struct partition *p)
{
    if (!p->row || !expiry_over(&s->r.expiry, *rank_row_time(p->row)))
        return;
    rank_row_free(&s->r, &s->heap, p->row);
    p->row = NULL;
}

static void partition_expire(struct rank *s, struct partition *p)
{
    if (s->mode == RANK_FIRST)
        first_expire(s, p);
    else if (expiry_over(&s->r.expiry, *p->oldest_us))
        *p->oldest_us = rank_rows_expire(&s->r, &s->heap, &p->rows);
}

static void partitions_expire(struct rank *s, void *const *values, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        struct partition *p = values[i];
        partition_expire(s, p);
        *p->oldest_us = *p->oldest_us < s->r.expiry.now_us ? *p->oldest_us : s->r.expiry.now_us;
    }
}

static bool partition_gone(void *context, void *value)
{
    partition_expire(context, value);
    return partition_is_empty(context, value);
}

static enum status rank_on_clock(const struct plan_node *node, void *state, struct op_ctx *ctx, int64_t now_us)
{
    struct rank *s = state;

    (void)node;
    (void)now_us;
    expiry_at(&s->r.expiry, ctx);
    uint32_t way = expiry_look(&s->table, partition_gone, s);
    if (!state_count(&s->table) && s->heap.held_bytes) {
        heap_deinit(&s->heap);
        heap_init(&s->heap);
    }
    expiry_again(&s->r.expiry, ctx, way);
    return ST_OK;
}

/* ---- chunks ---- */

static enum status row_apply(struct telling *t, struct partition *p, const struct rank_coming *in,
                             bool retract)
{
    switch (t->s->mode) {
    case RANK_FIRST: return first_add(t, p, in);
    case RANK_APPEND: return append_add(t, p, in);
    default: return retract ? retract_take(t, p, in) : retract_add(t, p, in);
    }
}

static void partitions_sweep(struct rank *s, void *const *values, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        struct partition *p = values[i];
        if (p->rows.count || p->gone)
            continue;
        p->gone = 1;
        state_remove(&s->table, p);
    }
}

static enum status rank_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                 int input, const struct chunk *in)
{
    struct rank *s = state;
    uint16_t all[CHUNK_ROWS];
    void *values[CHUNK_ROWS];
    struct state_keys keys;
    struct telling *t = arena_alloc(ctx->arena, sizeof(*t));

    (void)input;
    t->s = s;
    t->node = node;
    t->ctx = ctx;
    t->count = 0;
    t->gone = NULL;
    t->gone_count = t->gone_cap = 0;
    const uint16_t *rows = chunk_rows(in, all);
    keyer_keys(&s->keyer, in->cols, rows, in->count, ctx->arena, &keys);
    state_upsert(&s->table, &keys, NULL, in->count, values, NULL);
    expiry_now(&s->r.expiry, ctx);
    if (s->r.expiry.ttl_us)
        partitions_expire(s, values, in->count);
    const struct rank_coming *coming = rank_rows_coming(&s->r, ctx->arena, in, rows);
    enum status st = ST_OK;
    for (uint16_t i = 0; i < in->count && st == ST_OK; i++)
        st = row_apply(t, values[i], &coming[i], row_kind_retracts(chunk_kind(in, rows[i])));
    enum status flushed = tell_flush(t);
    free(t->gone);
    if (s->mode == RANK_RETRACT)
        partitions_sweep(s, values, in->count);
    return st != ST_OK ? st : flushed;
}

/* ---- checkpoints: next seq; partitions, each count, then origin and bytes of its rows, the first
 * first ---- */

static void partition_save(void *context, const void *value, struct buf *out)
{
    const struct rank *s = context;
    const struct partition *p = value;

    if (s->mode == RANK_FIRST) {
        buf_uvarint(out, 1);
        rank_row_save(&s->r, p->row, out);
    } else {
        rank_rows_save(&s->r, &p->rows, out);
    }
}

static void rank_save(const struct plan_node *node, const void *state, struct snap_writer *w)
{
    const struct rank *s = state;

    (void)node;
    buf_u64_le(&w->buf, s->r.next_seq);
    state_save(&s->table, w, partition_save, (void *)s);
}

static bool partition_load(void *context, void *value, struct reader *r)
{
    struct rank *s = context;
    struct partition *p = value;

    if (s->mode != RANK_FIRST)
        return rank_rows_load(&s->r, &s->heap, &p->rows, r) && !reader_left(r);
    if (reader_uvarint(r) != 1)
        return false;
    p->row = rank_row_load(&s->r, &s->heap, r);
    return p->row && !reader_left(r);
}

static enum status rank_load(const struct plan_node *node, void *state, struct op_ctx *ctx,
                             struct reader *r)
{
    struct rank *s = state;
    uint64_t seq = reader_u64_le(r);

    (void)node;
    if (seq > s->r.next_seq)
        s->r.next_seq = seq;
    return state_load(&s->table, r, &(struct state_mine){ctx->shard, ctx->shards}, partition_load, s);
}

/* ---- what is on disk ---- */

static struct tiered *rank_tiers(void *state)
{
    return &((struct rank *)state)->tiers;
}

static enum status rank_need(const struct plan_node *node, void *state, struct op_ctx *ctx, int input,
                              const struct chunk *in)
{
    struct rank *s = state;

    (void)node;
    (void)input;
    return tiered_need_rows(&s->tiers, ctx, &s->keyer, in);
}

static enum status rank_load_cold(const struct plan_node *node, void *state, struct op_ctx *ctx, struct reader *r)
{
    struct rank *s = state;

    (void)node;
    if (reader_u8(r) != 0)
        return ST_CORRUPT;
    return state_load(&s->table, r, &(struct state_mine){ctx->shard, ctx->shards}, partition_load, s);
}

static void partition_release(void *context, void *value)
{
    struct rank *s = context;
    struct partition *p = value;

    if (s->mode == RANK_FIRST)
        rank_row_free(&s->r, &s->heap, p->row);
    else
        rank_rows_free(&s->r, &s->heap, &p->rows);
}

/* Of a partition as state_save_entry writes it: the time of each of its rows is over. */
static bool saved_over(const void *context, struct bytes entry)
{
    const struct rank *s = context;
    struct reader r = reader_of(entry);
    struct bytes value = state_saved_value(&s->table, &r);

    r = reader_of(value);
    for (uint64_t rows = reader_uvarint(&r); rows > 0; rows--)
        if (!expiry_over(&s->r.expiry, rank_row_saved_time(&r)))
            return false;
    return true;
}

static void rank_tier(struct rank *s, const struct op_ctx *ctx)
{
    tiered_open(&s->tiers, ctx, &s->plan_arena, 1);
    tiered_add(&s->tiers, ctx, &s->plan_arena,
               &(struct state_tier){.table = &s->table, .save = partition_save, .load = partition_load,
                                    .release = partition_release, .context = s, .heap = &s->heap},
               s->r.expiry.ttl_us ? saved_over : NULL, s);
}

static void rank_measure(const struct plan_node *node, const void *state, uint64_t *rows,
                         uint64_t *bytes)
{
    const struct rank *s = state;

    (void)node;
    *rows = s->r.count + tiered_cold(&s->tiers);
    *bytes = state_bytes(&s->table) + tiered_bytes(&s->tiers) + s->heap.held_bytes + s->scratch.used_bytes + s->plan_arena.used_bytes;
}

const struct op_class op_rank = {
    .name = "Rank",
    .state_size = sizeof(struct rank),
    .open = rank_open,
    .on_chunk = rank_on_chunk,
    .on_clock = rank_on_clock,
    .save = rank_save,
    .load = rank_load,
    .close = rank_close,
    .tiers = rank_tiers,
    .need = rank_need,
    .load_cold = rank_load_cold,
    .measure = rank_measure,
};
