/* ROW_NUMBER() with a bound over rows that carry their window, partitioned by it: the first N rows of each
 * partition, told once, when the watermark passes the window; then its state is dropped whole.
 *
 * Windows are told by their end, then their start; partitions in the order in which they came; rows in
 * their order, as in rank.c. What was told of an owed window leaves its state, so that the state is what
 * is still to be told. */
#include "flow/ops/ops.h"
#include "flow/ops/rank_rows.h"
#include "flow/ops/windows.h"

#include <stdlib.h>

#include "base/check.h"

struct place { /* the value of a partition's key */
    struct sorted rows;
    uint64_t told; /* of its first rows: they are no longer in the list */
};

struct ranked { /* a window that is open, or owed */
    int64_t start, end;
    uint32_t cursor; /* partitions before it have been told */
    struct state_table places;
    struct state_heap heap;
};

struct window_rank {
    struct arena plan_arena, scratch;
    struct keyer keyer;
    struct rank_rows r;
    const struct plan_rank *plan;
    struct sorted windows;   /* by end, then start */
    struct state_heap heap;  /* of that list */
    const struct zone *zone; /* in which windows begin and end */
    int64_t judge_end;       /* windows that end at or before it are closed */
};

/* ---- windows ---- */

static int ranked_compare(const void *context, const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    (void)context;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return x->start < y->start ? -1 : x->start > y->start;
}

static struct ranked *ranked_get(struct window_rank *s, int64_t start, int64_t end)
{
    struct ranked probe = {.start = start, .end = end};
    struct sorted_at at = sorted_seek(&s->windows, ranked_compare, NULL, &probe);
    struct ranked *w = sorted_get(&s->windows, at);

    if (w && w->start == start && w->end == end)
        return w;
    w = xcalloc(1, sizeof(*w));
    w->start = start;
    w->end = end;
    state_init(&w->places, s->keyer.words, sizeof(struct place));
    heap_init(&w->heap);
    sorted_insert(&s->windows, &s->heap, at, w);
    return w;
}

static void ranked_free(struct ranked *w)
{
    state_deinit(&w->places);
    heap_deinit(&w->heap);
    free(w);
}

/* ---- open, close ---- */

static enum status rank_open(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    const struct plan_rank *p = &node->rank;
    struct window_rank *s = state;
    struct diag *diag = ctx->expr.diag;

    arena_init(&s->plan_arena, ARENA_BUDGET_NONE);
    arena_init(&s->scratch, ARENA_BUDGET_NONE);
    heap_init(&s->heap);
    s->plan = p;
    s->judge_end = INT64_MIN;
    s->zone = p->window_local ? ctx->expr.zone : NULL;
    CHECK(!node->inputs[0].node->changes);
    if (p->limit < 1 || p->limit > INT32_MAX)
        return diag_set(diag, ST_INVALID, DIAG_LIMIT, "the bound of ROW_NUMBER() must be from 1 to %d",
                        INT32_MAX);
    TRY(keyer_make(&s->keyer, &s->plan_arena, node->inputs[0].node, p->partition, p->partition_count,
                   diag));
    return rank_rows_make(&s->r, &s->plan_arena, node, diag);
}

static void rank_close(const struct plan_node *node, void *state)
{
    struct window_rank *s = state;

    (void)node;
    while (s->windows.count) {
        ranked_free(sorted_get(&s->windows, sorted_first()));
        sorted_remove(&s->windows, &s->heap, sorted_first());
    }
    heap_deinit(&s->heap);
    arena_deinit(&s->plan_arena);
    arena_deinit(&s->scratch);
}

/* ---- rows ---- */

/* Rows which[0..count-1] of the chunk, all of one window. */
static void ranked_put(struct window_rank *s, struct ranked *w, const struct state_keys *keys,
                       const struct rank_coming *coming, const uint16_t *which, uint16_t count)
{
    void *values[CHUNK_ROWS];

    state_upsert(&w->places, keys, which, count, values, NULL);
    for (uint16_t i = 0; i < count; i++) {
        struct place *place = values[i];
        struct rank_row *fallen;
        uint32_t rank;
        if (rank_rows_put(&s->r, &w->heap, &place->rows, (uint32_t)s->plan->limit, &coming[which[i]],
                          &rank, &fallen) &&
            fallen)
            rank_row_free(&s->r, &w->heap, fallen);
    }
}

static enum status rank_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                 int input, const struct chunk *in)
{
    struct window_rank *s = state;
    const struct column *start = &in->cols[node->rank.start_column];
    const struct column *end = &in->cols[node->rank.end_column];
    const int64_t *starts = start->data, *ends = end->data;
    uint16_t all[CHUNK_ROWS], which[CHUNK_ROWS], late[CHUNK_ROWS], late_count = 0, count = 0;
    struct state_keys keys;
    struct ranked *w = NULL;

    (void)input;
    const uint16_t *rows = chunk_rows(in, all);
    for (uint16_t i = 0; i < in->count; i++)
        if (!column_valid(start, rows[i]) || !column_valid(end, rows[i]))
            return diag_set(ctx->expr.diag, ST_INVALID, DIAG_VALUE, "the window of a row is NULL");
    keyer_keys(&s->keyer, in->cols, rows, in->count, ctx->arena, &keys);
    const struct rank_coming *coming = rank_rows_coming(&s->r, ctx->arena, in, rows);
    for (uint16_t i = 0; i < in->count; i++) {
        int64_t from = starts[rows[i]], to = ends[rows[i]];
        if (to <= s->judge_end) {
            late[late_count++] = rows[i];
            continue;
        }
        if (count && (w->start != from || w->end != to)) {
            ranked_put(s, w, &keys, coming, which, count);
            count = 0;
        }
        if (!count)
            w = ranked_get(s, from, to);
        which[count++] = i;
    }
    if (count)
        ranked_put(s, w, &keys, coming, which, count);
    if (late_count)
        op_late(ctx, input, in, late, late_count);
    return ST_OK;
}

/* ---- telling windows ---- */

struct telling {
    const uint8_t *packed[CHUNK_ROWS];
    struct origin origins[CHUNK_ROWS];
    int64_t ranks[CHUNK_ROWS];
    uint16_t count;
    uint32_t told;
};

static enum status tell_flush(const struct plan_node *node, struct window_rank *s, struct op_ctx *ctx,
                              struct telling *t)
{
    enum status st = ST_OK;

    if (t->count) {
        struct column *cols = ARENA_ARRAY(&s->scratch, struct column, node->columns_count + 1);
        pack_read_all(&s->r.pack, t->packed, t->count, &s->scratch, cols);
        if (s->plan->emit_rank)
            cols[s->r.pack.count] = (struct column){.data = t->ranks};
        CHECK(node->columns_count == s->r.pack.count + s->plan->emit_rank);
        struct chunk out = {.cols = cols, .count = t->count, .rows = t->count,
                            .col_count = node->columns_count,
                            .origins = s->r.by_origin ? t->origins : NULL};
        st = op_emit(ctx, &out);
        arena_reset(&s->scratch);
    }
    t->told += t->count;
    t->count = 0;
    return st;
}

/* Tells rows of one partition until the list is empty or `most` are told; ST_AGAIN: there are more. */
static enum status tell_place(const struct plan_node *node, struct window_rank *s, struct op_ctx *ctx,
                              struct telling *t, struct ranked *w, struct place *place, uint32_t most)
{
    while (place->rows.count) {
        uint32_t told = 0;
        if (t->told >= most)
            return ST_AGAIN;
        struct sorted_at at = sorted_first();
        for (const struct rank_row *row;
             t->count < CHUNK_ROWS && (row = sorted_get(&place->rows, at)) != NULL;
             at = sorted_next(&place->rows, at)) {
            t->packed[t->count] = row->packed;
            t->origins[t->count] = row->origin;
            t->ranks[t->count++] = (int64_t)(place->told + ++told);
        }
        if (told == place->rows.count && t->count < CHUNK_ROWS)
            return ST_OK; /* the chunk may hold more; the window's memory lives until it is out */
        TRY(tell_flush(node, s, ctx, t));
        for (uint32_t i = 0; i < told; i++) {
            rank_row_free(&s->r, &w->heap, sorted_get(&place->rows, sorted_first()));
            sorted_remove(&place->rows, &w->heap, sorted_first());
        }
        place->told += told;
    }
    return ST_OK;
}

/* Partitions whose rows are out leave a window that is still owed. */
static void ranked_trim(struct window_rank *s, struct ranked *w)
{
    for (uint32_t i = 0; i < w->cursor; i++) {
        struct place *place = state_at(&w->places, i);
        if (!place)
            continue;
        while (place->rows.count) {
            rank_row_free(&s->r, &w->heap, sorted_get(&place->rows, sorted_first()));
            sorted_remove(&place->rows, &w->heap, sorted_first());
        }
        state_remove(&w->places, place);
    }
}

static enum status tell_window(const struct plan_node *node, struct window_rank *s, struct op_ctx *ctx,
                               struct telling *t, struct ranked *w, uint32_t most)
{
    for (; w->cursor < w->places.used; w->cursor++) {
        struct place *place = state_at(&w->places, w->cursor);
        if (!place)
            continue;
        enum status st = t->told + t->count >= most ? ST_AGAIN
                                                    : tell_place(node, s, ctx, t, w, place, most);
        if (st == ST_OK)
            continue;
        if (st == ST_AGAIN) {
            TRY(tell_flush(node, s, ctx, t));
            ranked_trim(s, w);
        }
        return st;
    }
    TRY(tell_flush(node, s, ctx, t));
    for (uint32_t i = 0; i < w->places.used; i++) {
        const struct place *place = state_at(&w->places, i);
        s->r.count -= place ? place->rows.count : 0;
    }
    ranked_free(w);
    sorted_remove(&s->windows, &s->heap, sorted_first());
    return ST_OK;
}

static enum status rank_on_watermark(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                     int64_t watermark_us)
{
    struct window_rank *s = state;
    struct telling *t = arena_alloc(ctx->arena, sizeof(*t));

    t->count = 0;
    t->told = 0;
    s->judge_end = windows_closed(s->zone, watermark_us);
    for (struct ranked *w; (w = sorted_get(&s->windows, sorted_first())) && w->end <= s->judge_end;)
        TRY(tell_window(node, s, ctx, t, w, OP_EMIT_ROWS));
    return ST_OK;
}

/* ---- checkpoints: judge_end, next seq; u32 windows, each start, end, partitions (rows told, the others) ---- */

static void place_save(void *context, const void *value, struct buf *out)
{
    const struct place *place = value;
    const struct window_rank *s = context;

    buf_uvarint(out, place->told);
    rank_rows_save(&s->r, &place->rows, out);
}

static void rank_save(const struct plan_node *node, const void *state, struct snap_writer *w)
{
    const struct window_rank *s = state;
    struct sorted_at at = sorted_first();

    (void)node;
    buf_u64_le(&w->buf, (uint64_t)s->judge_end);
    buf_u64_le(&w->buf, s->r.next_seq);
    buf_u32_le(&w->buf, s->windows.count);
    for (const struct ranked *one; (one = sorted_get(&s->windows, at)) != NULL;
         at = sorted_next(&s->windows, at)) {
        buf_u64_le(&w->buf, (uint64_t)one->start);
        buf_u64_le(&w->buf, (uint64_t)one->end);
        state_save(&one->places, w, place_save, (void *)s);
    }
}

struct loading {
    struct window_rank *s;
    struct ranked *window;
};

static bool place_load(void *context, void *value, struct reader *r)
{
    struct loading *l = context;
    struct place *place = value;

    place->told = reader_uvarint(r);
    return place->told <= INT32_MAX &&
           rank_rows_load(&l->s->r, &l->window->heap, &place->rows, r) && !reader_left(r);
}

static enum status rank_load(const struct plan_node *node, void *state, struct op_ctx *ctx,
                             struct reader *r)
{
    struct window_rank *s = state;
    struct state_mine mine = {ctx->shard, ctx->shards};
    int64_t judge = (int64_t)reader_u64_le(r);
    uint64_t seq = reader_u64_le(r);
    uint32_t count = reader_u32_le(r);

    (void)node;
    s->judge_end = op_load_time(ctx, s->judge_end, judge);
    s->r.next_seq = seq > s->r.next_seq ? seq : s->r.next_seq;
    for (uint32_t i = 0; i < count; i++) {
        int64_t start = (int64_t)reader_u64_le(r), end = (int64_t)reader_u64_le(r);
        if (r->bad || start >= end || start < -WINDOW_TIME_MOST || end > WINDOW_TIME_MOST)
            return ST_CORRUPT;
        struct loading l = {s, ranked_get(s, start, end)};
        TRY(state_load(&l.window->places, r, &mine, place_load, &l));
    }
    return r->bad ? ST_CORRUPT : ST_OK;
}

static void rank_measure(const struct plan_node *node, const void *state, uint64_t *rows,
                         uint64_t *bytes)
{
    const struct window_rank *s = state;
    struct sorted_at at = sorted_first();

    (void)node;
    *rows = s->r.count;
    *bytes = s->heap.held_bytes;
    for (const struct ranked *w; (w = sorted_get(&s->windows, at)) != NULL;
         at = sorted_next(&s->windows, at))
        *bytes += sizeof(*w) + state_bytes(&w->places) + w->heap.held_bytes;
}

const struct op_class op_window_rank = {
    .name = "WindowRank",
    .state_size = sizeof(struct window_rank),
    .open = rank_open,
    .on_chunk = rank_on_chunk,
    .on_watermark = rank_on_watermark,
    .save = rank_save,
    .load = rank_load,
    .close = rank_close,
    .measure = rank_measure,
};
