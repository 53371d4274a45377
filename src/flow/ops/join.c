/* The regular join: both sides are kept, rows and retractions of either meet what the other holds.
 *
 * A chunk is of one side, so what it meets does not change while it is worked on, but for the counts of
 * matches in the other's rows. All pairs of equal keys are listed, in order of row and arrival; the
 * residual condition is asked for a batch of them; then they are told one by one:
 *
 *   a row +   for each pair: (what it meets, alone) goes if this is its first match; the pair comes
 *             no pair: the row comes alone, if its side is padded
 *   a row -   the same backwards
 *   SEMI      a left row is there while its matches are not 0;   ANTI   while they are 0
 *
 * Rows with a NULL in their key meet nothing and are not kept. Where the plan bounds the difference of two
 * time attributes, rows lie in buckets of time that are dropped when the watermark has passed all that
 * could meet them; where such a join may not take back (its changes are inserts alone), a padded row comes
 * when its bucket goes.
 *
 * With a time to live for a side each of its rows has its own. A row whose time is over meets nothing; when it is taken
 * back that is told all the same, for what it meets now. The count of matches is a part of the rows that have one to
 * tell by, and writes them (as in Flink).
 *
 * A lookup join is the half of it: rows of the right are kept and tell nothing, rows of the left meet what is there
 * when they come and are not kept. */
#include "flow/ops/join_side.h"
#include "flow/ops/ops.h"
#include "flow/ops/tiered.h"

#include "base/check.h"

struct join {
    struct arena plan_arena, scratch, test_scratch;
    struct join_side sides[2];
    struct join_tier tier_of[2]; /* context of the sides' tiers */
    struct tiered tiers;         /* of the left, then the right; none where rows lie in buckets of time */
    struct join_test test;
    bool padded[2];   /* the side's rows come alone when they meet nothing */
    bool existence;   /* SEMI or ANTI */
    bool deferred;    /* padded rows come when they can meet nothing any more */
    bool lookup;      /* only the right is kept, and only the left tells */
    int64_t width;    /* of buckets; 0: one bucket for all */
    int64_t watermark_us;
    uint32_t cursor;  /* of the bucket that is being dropped */
};

#define FOREVER_START INT64_MIN
#define FOREVER_END   INT64_MAX

/* Both sides are one table each, which is looked up and never walked. */
static void open_tiers(struct join *s, const struct op_ctx *ctx)
{
    tiered_open(&s->tiers, ctx, &s->plan_arena, 2);
    for (int i = 0; i < 2; i++) {
        struct join_tier *tier = &s->tier_of[i];
        s->sides[i].whole = true;
        *tier = (struct join_tier){&s->sides[i], join_bucket_get(&s->sides[i], FOREVER_START, FOREVER_END)};
        tiered_add(&s->tiers, ctx, &s->plan_arena,
                   &(struct state_tier){.table = &tier->bucket->keys, .save = join_list_save, .load = join_list_load,
                                        .release = join_list_release, .context = tier, .heap = &tier->bucket->heap},
                   s->sides[i].expiry.ttl_us ? join_list_over : NULL, tier);
    }
}

static bool updates_whole(const struct plan_node *input)
{
    return !(input->changes & CHANGE_UPDATE) || (input->changes & CHANGE_UPDATE_BEFORE);
}

static enum status join_open(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    const struct plan_join *p = &node->join;
    const struct plan_node *left = node->inputs[0].node, *right = node->inputs[1].node;
    struct join *s = state;
    struct diag *diag = ctx->expr.diag;

    arena_init(&s->plan_arena, ARENA_BUDGET_NONE);
    arena_init(&s->scratch, ARENA_BUDGET_NONE);
    arena_init(&s->test_scratch, ARENA_BUDGET_NONE);
    s->watermark_us = INT64_MIN;
    s->lookup = node->kind == PLAN_LOOKUP_JOIN;
    if ((!s->lookup && !updates_whole(left)) || !updates_whole(right))
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "a join over updates without -U is not built yet");
    TRY(join_side_make(&s->sides[0], &s->plan_arena, left, p->left_keys, p->keys_count, diag));
    TRY(join_side_make(&s->sides[1], &s->plan_arena, right, p->right_keys, p->keys_count, diag));
    TRY(join_keys_fit(&s->sides[0].keyer, &s->sides[1].keyer, diag));
    join_test_make(&s->test, &s->plan_arena, p->condition, &s->sides[0].pack, &s->sides[1].pack);
    expiry_open(&s->sides[0].expiry, &node->inputs[0]);
    expiry_open(&s->sides[1].expiry, &node->inputs[1]);
    s->padded[0] = p->kind == JOIN_LEFT || p->kind == JOIN_FULL;
    s->padded[1] = p->kind == JOIN_RIGHT || p->kind == JOIN_FULL;
    s->existence = p->kind == JOIN_SEMI || p->kind == JOIN_ANTI;
    s->sides[0].in_order = !s->padded[0] && !s->existence;
    s->sides[1].in_order = !s->padded[1];
    if (p->bounded && p->high_us >= p->low_us) {
        s->width = (p->high_us - p->low_us) / 2;
        s->width = s->width < 1000000 ? 1000000 : s->width;
        s->deferred = !node->changes && (s->padded[0] || s->padded[1]);
    }
    if (!s->width)
        open_tiers(s, ctx);
    return ST_OK;
}

static void join_close(const struct plan_node *node, void *state)
{
    struct join *s = state;

    (void)node;
    tiered_close(&s->tiers);
    join_side_close(&s->sides[0]);
    join_side_close(&s->sides[1]);
    arena_deinit(&s->plan_arena);
    arena_deinit(&s->scratch);
    arena_deinit(&s->test_scratch);
}

/* ---- one chunk of one side ---- */

struct working {
    struct join *s;
    const struct plan_node *node;
    struct op_ctx *ctx;
    int side;
    const struct chunk *in;
    uint16_t rows[CHUNK_ROWS];
    int8_t weights[CHUNK_ROWS];
    struct state_keys keys;
    bool padded_needed;                     /* a row must know that its pairs are over */
    bool meets[CHUNK_ROWS];                 /* no NULL in key or time */
    struct join_bucket *buckets[CHUNK_ROWS]; /* where it will lie; NULL: it is not kept */
    struct join_row *kept[CHUNK_ROWS];
    uint8_t *packed[CHUNK_ROWS];
    uint32_t sizes[CHUNK_ROWS], matches[CHUNK_ROWS];
    const int64_t *times;
    /* pairs that wait for the condition; other NULL: the end of a row's pairs */
    uint16_t pairs, pair_row[CHUNK_ROWS];
    struct join_row *pair_other[CHUNK_ROWS];
    struct join_out out;
};

static int64_t side_low(const struct plan_join *p, int side)
{
    return side == 0 ? p->low_us : -p->high_us; /* what it meets begins at time + low */
}

static int64_t side_high(const struct plan_join *p, int side)
{
    return side == 0 ? p->high_us : -p->low_us;
}

/* Nothing that comes after the watermark can meet rows of this side before this time. */
static bool time_is_past(const struct join *s, const struct plan_join *p, int side, int64_t end)
{
    if (s->watermark_us == INT64_MIN)
        return false;
    return s->watermark_us == INT64_MAX || end + side_high(p, side) <= s->watermark_us;
}

static struct join_bucket *bucket_of(struct working *w, uint16_t row)
{
    struct join *s = w->s;
    struct join_side *side = &s->sides[w->side];

    if (!s->width)
        return side->buckets[0];
    int64_t start = floor_to(w->times[row], s->width);
    if (time_is_past(s, &w->node->join, w->side, start + s->width))
        return NULL;
    return join_bucket_get(side, start, start + s->width);
}

/* Copies the rows: those that stay to the heap of their bucket, the others for this call. */
static void rows_pack(struct working *w)
{
    const struct pack *pack = &w->s->sides[w->side].pack;
    const struct column *cols = w->in->cols;

    pack_sizes(pack, cols, w->rows, w->in->count, w->sizes);
    for (uint16_t i = 0; i < w->in->count; i++) {
        bool kept = w->meets[i] && !(w->s->lookup && w->side == 0);
        w->buckets[i] = kept ? bucket_of(w, w->rows[i]) : NULL;
        w->matches[i] = 0;
        if (w->buckets[i] && w->weights[i] > 0) {
            w->kept[i] = join_row_new(w->buckets[i], w->sizes[i]);
            w->packed[i] = w->kept[i]->packed;
        } else {
            w->kept[i] = NULL;
            w->packed[i] = arena_alloc(w->ctx->arena, w->sizes[i]);
        }
    }
    pack_write(pack, cols, w->rows, w->in->count, w->packed);
}

static enum status tell(struct working *w, uint16_t i, const struct join_row *other, uint8_t kind)
{
    const uint8_t *mine = i == UINT16_MAX ? NULL : w->packed[i];
    const uint8_t *theirs = other ? other->packed : NULL;

    return w->side == 0 ? join_out_add(&w->out, mine, theirs, kind)
                        : join_out_add(&w->out, theirs, mine, kind);
}

enum { NOBODY = UINT16_MAX };

static inline uint8_t kind_of(const struct working *w, uint16_t i)
{
    return chunk_kind(w->in, w->rows[i]);
}

/* Row i of this chunk and a row of the other side have met. */
static enum status tell_pair(struct working *w, uint16_t i, struct join_row *other)
{
    struct join *s = w->s;
    bool plus = w->weights[i] > 0;
    uint32_t before = other->matches;
    bool anti = w->node->join.kind == JOIN_ANTI;

    w->matches[i]++;
    if (s->existence && w->side == 0)
        return ST_OK;
    if (s->lookup)
        return tell(w, i, other, kind_of(w, i));
    if (plus)
        other->matches++;
    else if (before)
        other->matches--;
    struct join_side *theirs = &s->sides[1 - w->side];
    if (theirs->expiry.ttl_us && !theirs->in_order)
        *join_row_time(other) = theirs->expiry.now_us;
    bool turned = plus ? before == 0 : before == 1;
    if (s->existence) /* `other` is a left row, which appears or disappears */
        return turned ? tell(w, NOBODY, other, plus != anti ? ROW_INSERT : ROW_DELETE) : ST_OK;
    bool alone = s->padded[1 - w->side] && !s->deferred && turned;
    if (plus && alone)
        TRY(tell(w, NOBODY, other, ROW_DELETE));
    bool outer = s->padded[0] || s->padded[1];
    TRY(tell(w, i, other, outer ? (plus ? ROW_INSERT : ROW_DELETE) : kind_of(w, i)));
    return !plus && alone ? tell(w, NOBODY, other, ROW_INSERT) : ST_OK;
}

/* All pairs of row i have been told. */
static enum status tell_row_end(struct working *w, uint16_t i)
{
    struct join *s = w->s;
    bool none = w->matches[i] == 0;

    if (s->existence) {
        bool there = w->side == 0 && none == (w->node->join.kind == JOIN_ANTI);
        return there ? tell(w, i, NULL, kind_of(w, i)) : ST_OK;
    }
    if (!none || !s->padded[w->side] || (s->deferred && w->kept[i]))
        return ST_OK;
    uint8_t alone = w->weights[i] > 0 ? ROW_INSERT : ROW_DELETE;
    return tell(w, i, NULL, s->lookup ? kind_of(w, i) : alone);
}

static enum status pairs_flush(struct working *w)
{
    struct join *s = w->s;
    const uint8_t *mine[CHUNK_ROWS], *theirs[CHUNK_ROWS];
    uint8_t pass[CHUNK_ROWS];

    for (uint16_t p = 0; p < w->pairs; p++) {
        mine[p] = w->packed[w->pair_row[p]];
        theirs[p] = w->pair_other[p] ? w->pair_other[p]->packed : NULL;
    }
    const uint8_t *const *left = w->side == 0 ? mine : theirs;
    const uint8_t *const *right = w->side == 0 ? theirs : mine;
    enum status st = join_test_pairs(&s->test, w->ctx, &s->test_scratch, left, right, w->pairs, pass);
    arena_reset(&s->test_scratch);
    for (uint16_t p = 0; st == ST_OK && p < w->pairs; p++) {
        if (!w->pair_other[p])
            st = tell_row_end(w, w->pair_row[p]);
        else if (pass[p])
            st = tell_pair(w, w->pair_row[p], w->pair_other[p]);
    }
    w->pairs = 0;
    return st;
}

static inline enum status pair_add(struct working *w, uint16_t i, struct join_row *other)
{
    w->pair_row[w->pairs] = i;
    w->pair_other[w->pairs++] = other;
    return w->pairs == CHUNK_ROWS ? pairs_flush(w) : ST_OK;
}

/* The other side's buckets that some row of the chunk may meet: *from .. *to - 1. */
static void buckets_near(const struct working *w, uint32_t *from, uint32_t *to)
{
    const struct join_side *other = &w->s->sides[1 - w->side];
    int64_t least = INT64_MAX, most = INT64_MIN;

    *from = other->first;
    *to = other->count;
    if (!w->s->width)
        return;
    for (uint16_t i = 0; i < w->in->count; i++) {
        if (!w->meets[i])
            continue;
        int64_t t = w->times[w->rows[i]];
        least = t < least ? t : least;
        most = t > most ? t : most;
    }
    if (least > most) {
        *to = *from;
        return;
    }
    int64_t low = least + side_low(&w->node->join, w->side);
    int64_t high = most + side_high(&w->node->join, w->side);
    while (*from < *to && other->buckets[*from]->end <= low)
        ++*from;
    while (*from < *to && other->buckets[*to - 1]->start > high)
        --*to;
}

static bool bucket_meets(const struct working *w, const struct join_bucket *b, uint16_t i)
{
    if (!w->s->width)
        return true;
    int64_t t = w->times[w->rows[i]];
    return b->end > t + side_low(&w->node->join, w->side) &&
           b->start <= t + side_high(&w->node->join, w->side);
}

static enum status pairs_all(struct working *w)
{
    const struct join_side *other = &w->s->sides[1 - w->side];
    bool ends = w->padded_needed, expires = other->expiry.ttl_us != 0;
    uint32_t from, to;

    buckets_near(w, &from, &to);
    struct join_list ***lists = arena_alloc(w->ctx->arena, sizeof(*lists) * (to - from + 1));
    for (uint32_t b = from; b < to; b++) {
        lists[b - from] = arena_alloc(w->ctx->arena, sizeof(void *) * (w->in->count + 1u));
        state_find(&other->buckets[b]->keys, &w->keys, NULL, w->in->count,
                   (void **)lists[b - from]);
    }
    for (uint16_t i = 0; i < w->in->count; i++) {
        for (uint32_t b = from; w->meets[i] && b < to; b++) {
            const struct join_list *list = lists[b - from][i];
            if (!list || !bucket_meets(w, other->buckets[b], i))
                continue;
            for (struct join_row *row = list->first; row; row = row->next)
                if (!expires || !expiry_over(&other->expiry, *join_row_time(row)))
                    TRY(pair_add(w, i, row));
        }
        if (ends)
            TRY(pair_add(w, i, NULL));
    }
    return pairs_flush(w);
}

/* The rows enter or leave the state, in their order. Rows of one chunk are mostly of one bucket. */
static void rows_keep(struct working *w)
{
    uint16_t which[CHUNK_ROWS];
    struct join_list *lists[CHUNK_ROWS];
    bool done[CHUNK_ROWS] = {0};
    const struct join_side *side = &w->s->sides[w->side];

    for (uint16_t first = 0; first < w->in->count; first++) {
        struct join_bucket *b = w->buckets[first];
        uint16_t n = 0;
        if (!b || done[first])
            continue;
        for (uint16_t i = first; i < w->in->count; i++) {
            if (w->buckets[i] != b)
                continue;
            done[i] = true;
            which[n++] = i;
        }
        join_lists(b, &w->keys, which, n, lists);
        for (uint16_t k = 0; side->expiry.ttl_us && k < n; k++)
            join_list_expire(side, b, lists[k]);
        for (uint16_t k = 0; k < n; k++) {
            uint16_t i = which[k];
            if (w->kept[i]) {
                w->kept[i]->matches = w->matches[i];
                if (side->expiry.ttl_us)
                    *join_row_time(w->kept[i]) = side->expiry.now_us;
                join_row_add(b, lists[k], w->kept[i]);
            } else {
                join_row_take(b, lists[k], w->packed[i], w->sizes[i]);
            }
        }
        if (w->in->kinds)
            join_lists_sweep(b, lists, n);
    }
}

static void rows_look(struct working *w)
{
    const struct plan_join *p = &w->node->join;
    const struct keyer *keyer = &w->s->sides[w->side].keyer;
    const struct column *time = w->s->width ? &w->in->cols[w->side ? p->right_time : p->left_time]
                                            : NULL;

    w->times = time ? time->data : NULL;
    for (uint16_t i = 0; i < w->in->count; i++) {
        w->rows[i] = chunk_row(w->in, i);
        w->weights[i] = row_kind_retracts(kind_of(w, i)) ? -1 : 1;
    }
    keyer_keys(keyer, w->in->cols, w->rows, w->in->count, w->ctx->arena, &w->keys);
    for (uint16_t i = 0; i < w->in->count; i++)
        w->meets[i] = !keyer_has_null(keyer, &w->keys, i) &&
                      (!time || column_valid(time, w->rows[i]));
}

static void out_init(struct join_out *out, const struct plan_node *node, struct join *s,
                     struct op_ctx *ctx)
{
    out->node = node;
    out->ctx = ctx;
    out->scratch = &s->scratch;
    out->packs[0] = &s->sides[0].pack;
    out->packs[1] = &s->sides[1].pack;
    out->left_only = s->existence;
    out->count = 0;
    out->told = 0;
}

static enum status join_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                 int input, const struct chunk *in)
{
    struct join *s = state;
    struct working *w = arena_alloc(ctx->arena, sizeof(*w));

    w->s = s;
    w->node = node;
    w->ctx = ctx;
    w->side = input;
    w->in = in;
    w->pairs = 0;
    w->padded_needed = s->padded[input] || (s->existence && input == 0);
    expiry_now(&s->sides[0].expiry, ctx);
    expiry_now(&s->sides[1].expiry, ctx);
    out_init(&w->out, node, s, ctx);
    rows_look(w);
    rows_pack(w);
    if (!s->lookup || input == 0)
        TRY(pairs_all(w));
    TRY(join_out_flush(&w->out)); /* before rows are taken from the state that it points to */
    rows_keep(w);
    return ST_OK;
}

/* ---- what can meet nothing any more ---- */

/* The rows of the first bucket that met nothing come alone. Keys leave the table as they are done. */
static enum status tell_unmet(struct join *s, int side, struct join_out *out)
{
    struct join_bucket *b = s->sides[side].buckets[s->sides[side].first];

    for (; s->cursor < b->keys.used; s->cursor++) {
        struct join_list *list = state_at(&b->keys, s->cursor);
        if (!list)
            continue;
        if (out->told >= OP_EMIT_ROWS)
            return ST_AGAIN;
        for (struct join_row *row = list->first; row; row = row->next)
            if (!row->matches)
                TRY(side == 0 ? join_out_add(out, row->packed, NULL, ROW_INSERT)
                              : join_out_add(out, NULL, row->packed, ROW_INSERT));
        b->rows -= list->count;
        state_remove(&b->keys, list); /* its rows stay in the heap until the bucket goes */
    }
    s->cursor = 0;
    return join_out_flush(out);
}

static enum status drop_past(const struct plan_node *node, struct join *s, int side,
                             struct join_out *out)
{
    struct join_side *rows = &s->sides[side];

    while (rows->first < rows->count &&
           time_is_past(s, &node->join, side, rows->buckets[rows->first]->end)) {
        if (s->deferred && s->padded[side])
            TRY(tell_unmet(s, side, out));
        join_bucket_drop(rows);
    }
    return ST_OK;
}

static enum status join_on_watermark(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                     int64_t watermark_us)
{
    struct join *s = state;

    s->watermark_us = watermark_us;
    if (!s->width)
        return ST_OK;
    struct join_out *out = arena_alloc(ctx->arena, sizeof(*out));
    out_init(out, node, s, ctx);
    enum status st = drop_past(node, s, 0, out);
    if (st == ST_OK)
        st = drop_past(node, s, 1, out);
    enum status flushed = join_out_flush(out);
    return flushed != ST_OK ? flushed : st;
}

/* ---- rows whose time is over ---- */

static enum status join_on_clock(const struct plan_node *node, void *state, struct op_ctx *ctx, int64_t now_us)
{
    struct join *s = state;

    (void)node;
    (void)now_us;
    for (int i = 0; i < 2; i++) {
        if (!s->sides[i].expiry.ttl_us)
            continue;
        expiry_at(&s->sides[i].expiry, ctx);
        expiry_again(&s->sides[i].expiry, ctx, join_side_look(&s->sides[i]));
    }
    return ST_OK;
}

/* ---- checkpoints: watermark, left, right ---- */

static void join_save(const struct plan_node *node, const void *state, struct snap_writer *w)
{
    const struct join *s = state;

    (void)node;
    buf_u64_le(&w->buf, (uint64_t)s->watermark_us);
    join_side_save(&s->sides[0], w);
    join_side_save(&s->sides[1], w);
}

static enum status join_load(const struct plan_node *node, void *state, struct op_ctx *ctx,
                             struct reader *r)
{
    struct join *s = state;
    struct state_mine mine = {ctx->shard, ctx->shards};
    int64_t watermark = (int64_t)reader_u64_le(r);

    (void)node;
    s->watermark_us = op_load_time(ctx, s->watermark_us, watermark);
    TRY(join_side_load(&s->sides[0], r, &mine));
    return join_side_load(&s->sides[1], r, &mine);
}

/* ---- what is on disk ---- */

static struct tiered *join_tiers(void *state)
{
    return &((struct join *)state)->tiers;
}

/* Rows meet those of the other side, and join those of their own. */
static enum status join_need(const struct plan_node *node, void *state, struct op_ctx *ctx, int input,
                             const struct chunk *in)
{
    struct join *s = state;
    uint16_t all[CHUNK_ROWS];
    struct state_keys keys;
    enum status st = ST_OK;

    (void)node;
    if (!s->tiers.count)
        return ST_OK;
    keyer_keys(&s->sides[input].keyer, in->cols, chunk_rows(in, all), in->count, ctx->arena, &keys);
    for (uint16_t side = 0; side < 2; side++) {
        enum status one = tiered_need(&s->tiers, ctx, side, &keys);
        if (one != ST_OK && one != ST_AGAIN)
            return one;
        st = one == ST_AGAIN ? one : st;
    }
    if (st == ST_OK)
        tiered_met(&s->tiers);
    return st;
}

static enum status join_load_cold(const struct plan_node *node, void *state, struct op_ctx *ctx, struct reader *r)
{
    struct join *s = state;
    uint8_t side = reader_u8(r);

    (void)node;
    if (r->bad || side > 1 || s->width)
        return ST_CORRUPT;
    struct join_tier *tier = &s->tier_of[side];
    return state_load(&tier->bucket->keys, r, &(struct state_mine){ctx->shard, ctx->shards}, join_list_load, tier);
}

static void join_measure(const struct plan_node *node, const void *state, uint64_t *rows,
                         uint64_t *bytes)
{
    const struct join *s = state;

    (void)node;
    *rows = join_side_rows(&s->sides[0]) + join_side_rows(&s->sides[1]) + tiered_cold(&s->tiers);
    *bytes = tiered_bytes(&s->tiers) + join_side_bytes(&s->sides[0]) + join_side_bytes(&s->sides[1]);
}

const struct op_class op_join = {
    .name = "Join",
    .state_size = sizeof(struct join),
    .open = join_open,
    .on_chunk = join_on_chunk,
    .on_clock = join_on_clock,
    .on_watermark = join_on_watermark,
    .save = join_save,
    .load = join_load,
    .close = join_close,
    .tiers = join_tiers,
    .need = join_need,
    .load_cold = join_load_cold,
    .measure = join_measure,
};
