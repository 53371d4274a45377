/* The join of two tables whose rows carry windows: rows of equal keys and equal windows meet, once,
 * when the watermark passes the window; then both sides of it are dropped.
 *
 * A window is told left key after left key in the order they came, each left row with all it meets;
 * then, where the right side is padded, the right rows that met nothing. `cursor` says how far: it stops
 * between left rows, so a step is bounded but for one row's pairs. */
#include "flow/ops/join_side.h"
#include "flow/ops/ops.h"
#include "flow/ops/windows.h"

#include "base/check.h"

enum phase { PHASE_LEFT, PHASE_RIGHT };

struct window_join {
    struct arena plan_arena, scratch, test_scratch;
    struct join_side sides[2];
    struct join_test test;
    bool padded[2], existence;
    const struct zone *zone; /* in which windows begin and end */
    int64_t judge_end;     /* windows that end at or before it are closed */
    struct {
        uint8_t phase;
        uint32_t key;      /* position in the table of the phase's side */
        uint32_t row;      /* of its list */
    } cursor;
};

static enum status join_open(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    const struct plan_join *p = &node->join;
    const struct plan_node *left = node->inputs[0].node, *right = node->inputs[1].node;
    struct window_join *s = state;
    struct diag *diag = ctx->expr.diag;

    arena_init(&s->plan_arena, ARENA_BUDGET_NONE);
    arena_init(&s->scratch, ARENA_BUDGET_NONE);
    arena_init(&s->test_scratch, ARENA_BUDGET_NONE);
    s->judge_end = INT64_MIN;
    s->zone = p->windows_local ? ctx->expr.zone : NULL;
    if (left->changes || right->changes)
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "a window join over tables that are updated is not built yet");
    TRY(join_side_make(&s->sides[0], &s->plan_arena, left, p->left_keys, p->keys_count, diag));
    TRY(join_side_make(&s->sides[1], &s->plan_arena, right, p->right_keys, p->keys_count, diag));
    TRY(join_keys_fit(&s->sides[0].keyer, &s->sides[1].keyer, diag));
    join_test_make(&s->test, &s->plan_arena, p->condition, &s->sides[0].pack, &s->sides[1].pack);
    s->padded[0] = p->kind == JOIN_LEFT || p->kind == JOIN_FULL;
    s->padded[1] = p->kind == JOIN_RIGHT || p->kind == JOIN_FULL;
    s->existence = p->kind == JOIN_SEMI || p->kind == JOIN_ANTI;
    return ST_OK;
}

static void join_close(const struct plan_node *node, void *state)
{
    struct window_join *s = state;

    (void)node;
    join_side_close(&s->sides[0]);
    join_side_close(&s->sides[1]);
    arena_deinit(&s->plan_arena);
    arena_deinit(&s->scratch);
    arena_deinit(&s->test_scratch);
}

/* ---- rows ---- */

/* Whether rows without a partner are told, so that those with a NULL key must be kept. */
static bool side_tells_alone(const struct plan_node *node, const struct window_join *s, int side)
{
    return s->padded[side] || (side == 0 && node->join.kind == JOIN_ANTI);
}

static void bucket_add(struct window_join *s, int side, struct join_bucket *b, struct op_ctx *ctx,
                       const struct chunk *in, const struct state_keys *keys, const uint16_t *which,
                       const uint16_t *rows, uint16_t count)
{
    const struct pack *pack = &s->sides[side].pack;
    struct join_list *lists[CHUNK_ROWS];
    struct join_row *kept[CHUNK_ROWS];
    uint8_t *packed[CHUNK_ROWS];
    uint32_t *sizes = arena_alloc(ctx->arena, 4u * count + 4);

    pack_sizes(pack, in->cols, rows, count, sizes);
    for (uint16_t i = 0; i < count; i++) {
        kept[i] = join_row_new(b, sizes[i]);
        packed[i] = kept[i]->packed;
    }
    pack_write(pack, in->cols, rows, count, packed);
    join_lists(b, keys, which, count, lists);
    for (uint16_t i = 0; i < count; i++)
        join_row_add(b, lists[i], kept[i]);
}

static enum status join_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                 int input, const struct chunk *in)
{
    const struct plan_join *p = &node->join;
    struct window_join *s = state;
    const struct column *start = &in->cols[input ? p->right_start : p->left_start];
    const struct column *end = &in->cols[input ? p->right_end : p->left_end];
    const int64_t *starts = start->data, *ends = end->data;
    uint16_t all[CHUNK_ROWS], late[CHUNK_ROWS], late_count = 0, left = 0;
    uint16_t waiting[CHUNK_ROWS]; /* rows that have no place yet: indexes among the live ones */
    struct state_keys keys;

    const uint16_t *rows = chunk_rows(in, all);
    keyer_keys(&s->sides[input].keyer, in->cols, rows, in->count, ctx->arena, &keys);
    for (uint16_t i = 0; i < in->count; i++) {
        if (!column_valid(start, rows[i]) || !column_valid(end, rows[i]))
            return diag_set(ctx->expr.diag, ST_INVALID, DIAG_VALUE, "the window of a row is NULL");
        if (ends[rows[i]] <= s->judge_end)
            late[late_count++] = rows[i];
        else if (side_tells_alone(node, s, input) ||
                 !keyer_has_null(&s->sides[input].keyer, &keys, i))
            waiting[left++] = i;
    }
    if (late_count)
        op_late(ctx, input, in, late, late_count);
    while (left) { /* one window after the other; mostly there is one */
        uint16_t which[CHUNK_ROWS], physical[CHUNK_ROWS], n = 0, rest = 0;
        int64_t from = starts[rows[waiting[0]]], to = ends[rows[waiting[0]]];
        for (uint16_t k = 0; k < left; k++) {
            uint16_t row = rows[waiting[k]];
            if (starts[row] == from && ends[row] == to) {
                which[n] = waiting[k];
                physical[n++] = row;
            } else {
                waiting[rest++] = waiting[k];
            }
        }
        if (from >= to)
            return diag_set(ctx->expr.diag, ST_INVALID, DIAG_VALUE, "a window ends before it starts");
        bucket_add(s, input, join_bucket_get(&s->sides[input], from, to), ctx, in, &keys, which,
                   physical, n);
        left = rest;
    }
    return ST_OK;
}

/* ---- telling a window ---- */

struct working {
    struct window_join *s;
    const struct plan_node *node;
    struct op_ctx *ctx;
    uint16_t pairs;
    struct join_row *left[CHUNK_ROWS], *right[CHUNK_ROWS]; /* right NULL: the left row's end */
    struct join_out out;
};

static enum status tell_left_end(struct working *w, const struct join_row *left)
{
    bool met = left->matches != 0;

    if (w->s->existence)
        return met == (w->node->join.kind == JOIN_SEMI)
                   ? join_out_add(&w->out, left->packed, NULL, ROW_INSERT)
                   : ST_OK;
    return !met && w->s->padded[0] ? join_out_add(&w->out, left->packed, NULL, ROW_INSERT) : ST_OK;
}

static enum status pairs_flush(struct working *w)
{
    const uint8_t *left[CHUNK_ROWS], *right[CHUNK_ROWS];
    uint8_t pass[CHUNK_ROWS];

    for (uint16_t p = 0; p < w->pairs; p++) {
        left[p] = w->left[p]->packed;
        right[p] = w->right[p] ? w->right[p]->packed : NULL;
    }
    enum status st = join_test_pairs(&w->s->test, w->ctx, &w->s->test_scratch, left, right, w->pairs,
                                     pass);
    arena_reset(&w->s->test_scratch);
    for (uint16_t p = 0; st == ST_OK && p < w->pairs; p++) {
        if (!w->right[p]) {
            st = tell_left_end(w, w->left[p]);
        } else if (pass[p]) {
            w->left[p]->matches++;
            w->right[p]->matches++;
            if (!w->s->existence)
                st = join_out_add(&w->out, left[p], right[p], ROW_INSERT);
        }
    }
    w->pairs = 0;
    return st;
}

static inline enum status pair_add(struct working *w, struct join_row *left, struct join_row *right)
{
    w->left[w->pairs] = left;
    w->right[w->pairs++] = right;
    return w->pairs == CHUNK_ROWS ? pairs_flush(w) : ST_OK;
}

/* The right side's rows of a left key; NULL keys meet none. */
static struct join_list *partner(struct working *w, const struct join_bucket *left,
                                 const struct join_bucket *right, void *value)
{
    const struct keyer *keyer = &w->s->sides[0].keyer;
    struct state_keys keys;
    void *found = NULL;

    if (!right)
        return NULL;
    keyer_of_entries(keyer, &left->keys, &value, 1, w->ctx->arena, &keys);
    if (!keyer_has_null(keyer, &keys, 0))
        state_find(&right->keys, &keys, NULL, 1, &found);
    return found;
}

static enum status tell_key(struct working *w, const struct join_list *left,
                            const struct join_list *right)
{
    struct window_join *s = w->s;
    struct join_row *row = left->first;

    for (uint32_t i = 0; row && i < s->cursor.row; i++)
        row = row->next;
    for (; row; row = row->next, s->cursor.row++) {
        if (w->out.told >= OP_EMIT_ROWS)
            return ST_AGAIN;
        for (struct join_row *r = right ? right->first : NULL; r; r = r->next)
            TRY(pair_add(w, row, r));
        TRY(pair_add(w, row, NULL));
    }
    s->cursor.row = 0;
    return ST_OK;
}

/* Pairs that wait are told before the cursor is left to rest. */
static enum status tell_lefts(struct working *w, const struct join_bucket *left,
                              const struct join_bucket *right)
{
    struct window_join *s = w->s;
    enum status st = ST_OK;

    for (; left && s->cursor.key < left->keys.used && st == ST_OK; s->cursor.key++) {
        void *value = state_at(&left->keys, s->cursor.key);
        if (value)
            st = tell_key(w, value, partner(w, left, right, value));
        if (st != ST_OK)
            break;
    }
    if (st == ST_OK || st == ST_AGAIN) {
        enum status flushed = pairs_flush(w);
        st = flushed != ST_OK ? flushed : st;
    }
    return st;
}

static enum status tell_rights(struct working *w, const struct join_bucket *right)
{
    struct window_join *s = w->s;

    for (; right && s->padded[1] && s->cursor.key < right->keys.used; s->cursor.key++) {
        const struct join_list *list = state_at(&right->keys, s->cursor.key);
        if (w->out.told >= OP_EMIT_ROWS)
            return ST_AGAIN;
        for (struct join_row *row = list ? list->first : NULL; row; row = row->next)
            if (!row->matches)
                TRY(join_out_add(&w->out, NULL, row->packed, ROW_INSERT));
    }
    return ST_OK;
}

static enum status tell_window(struct working *w, const struct join_bucket *left,
                               const struct join_bucket *right)
{
    struct window_join *s = w->s;

    if (s->cursor.phase == PHASE_LEFT) {
        TRY(tell_lefts(w, left, right));
        s->cursor.phase = PHASE_RIGHT;
        s->cursor.key = 0;
    }
    TRY(tell_rights(w, right));
    TRY(join_out_flush(&w->out));
    s->cursor.phase = PHASE_LEFT;
    s->cursor.key = s->cursor.row = 0;
    return ST_OK;
}

static struct join_bucket *first_bucket(const struct join_side *side)
{
    return side->first < side->count ? side->buckets[side->first] : NULL;
}

static bool bucket_before(const struct join_bucket *a, const struct join_bucket *b)
{
    return a && (!b || a->end < b->end || (a->end == b->end && a->start < b->start));
}

static enum status tell_closed(struct working *w)
{
    struct window_join *s = w->s;

    for (;;) {
        struct join_bucket *left = first_bucket(&s->sides[0]), *right = first_bucket(&s->sides[1]);
        if (bucket_before(left, right))
            right = NULL;
        else if (bucket_before(right, left))
            left = NULL;
        if (!left && !right)
            return ST_OK;
        if ((left ? left->end : right->end) > s->judge_end)
            return ST_OK;
        if (w->out.told >= OP_EMIT_ROWS)
            return ST_AGAIN;
        TRY(tell_window(w, left, right));
        if (left)
            join_bucket_drop(&s->sides[0]);
        if (right)
            join_bucket_drop(&s->sides[1]);
    }
}

static enum status join_on_watermark(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                     int64_t watermark_us)
{
    struct window_join *s = state;
    struct working *w = arena_alloc(ctx->arena, sizeof(*w));

    s->judge_end = windows_closed(s->zone, watermark_us);
    w->s = s;
    w->node = node;
    w->ctx = ctx;
    w->pairs = 0;
    w->out.node = node;
    w->out.ctx = ctx;
    w->out.scratch = &s->scratch;
    w->out.packs[0] = &s->sides[0].pack;
    w->out.packs[1] = &s->sides[1].pack;
    w->out.left_only = s->existence;
    w->out.count = 0;
    w->out.told = 0;
    enum status st = tell_closed(w);
    enum status flushed = join_out_flush(&w->out);
    return flushed != ST_OK ? flushed : st;
}

/* ---- checkpoints: judge_end, cursor (phase, key, row), left, right ---- */

static void join_save(const struct plan_node *node, const void *state, struct snap_writer *w)
{
    const struct window_join *s = state;

    (void)node;
    buf_u64_le(&w->buf, (uint64_t)s->judge_end);
    buf_u8(&w->buf, s->cursor.phase);
    buf_u32_le(&w->buf, s->cursor.key);
    buf_u32_le(&w->buf, s->cursor.row);
    join_side_save(&s->sides[0], w);
    join_side_save(&s->sides[1], w);
}

static enum status join_load(const struct plan_node *node, void *state, struct op_ctx *ctx,
                             struct reader *r)
{
    struct window_join *s = state;
    struct state_mine mine = {ctx->shard, ctx->shards};
    int64_t judge_end = (int64_t)reader_u64_le(r);
    uint8_t phase = reader_u8(r);
    uint32_t key = reader_u32_le(r), row = reader_u32_le(r);

    (void)node;
    if (phase > PHASE_RIGHT)
        return ST_CORRUPT;
    if ((phase || key || row) && (ctx->shards != 1 || s->sides[0].count || s->sides[1].count))
        return diag_set(ctx->expr.diag, ST_UNSUPPORTED, DIAG_STATE,
                        "this checkpoint was made within a window that was being joined; it can be "
                        "loaded by the same number of shards only");
    s->judge_end = op_load_time(ctx, s->judge_end, judge_end);
    s->cursor.phase = phase;
    s->cursor.key = key;
    s->cursor.row = row;
    TRY(join_side_load(&s->sides[0], r, &mine));
    return join_side_load(&s->sides[1], r, &mine);
}

static void join_measure(const struct plan_node *node, const void *state, uint64_t *rows,
                         uint64_t *bytes)
{
    const struct window_join *s = state;

    (void)node;
    *rows = join_side_rows(&s->sides[0]) + join_side_rows(&s->sides[1]);
    *bytes = join_side_bytes(&s->sides[0]) + join_side_bytes(&s->sides[1]);
}

const struct op_class op_window_join = {
    .name = "WindowJoin",
    .state_size = sizeof(struct window_join),
    .open = join_open,
    .on_chunk = join_on_chunk,
    .on_watermark = join_on_watermark,
    .save = join_save,
    .load = join_load,
    .close = join_close,
    .measure = join_measure,
};
