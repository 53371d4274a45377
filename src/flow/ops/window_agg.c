/* Aggregates by key and window: told once, when the watermark passes a window.
 *
 * Rows are added to slices (windows.h); each slice has a table of groups of its own, so that a
 * closed one is dropped whole. A window of one slice is told from it; one of several is told from the
 * merge of their tables, the oldest first. Groups are told in the order in which they came.
 *
 *   done_end    windows that end at or before it have been told
 *   judge_end   windows that end at or before it are closed: rows for nothing but such windows are
 *               late. It runs ahead of done_end while told windows are owed (ST_AGAIN)
 *
 * An owed window: what was told of it leaves its table, so that the state is what is still to be told.
 * A window of several slices lies in `merged` meanwhile. When rows come for slices that an owed window
 * shares, it is told to its end first: its content was fixed by the watermark.
 *
 * Windows over processing time are closed by the tick's clock, and all of them by the end of the
 * input. Attached windows (the input's rows carry theirs) are slices of their own. */
#include "flow/ops/aggset.h"
#include "flow/ops/ops.h"
#include "flow/ops/windows.h"

#include <stdlib.h>

#include "base/check.h"

struct slice {
    int64_t start, end;
    uint32_t chunk;  /* the chunk it was last used in, and its number among those of the chunk */
    uint16_t local;
    struct aggtable table;
};

struct window_agg {
    struct arena plan_arena, scratch;
    struct keyer keyer;
    struct aggset set;
    struct windows windows;
    const struct zone *zone; /* in which windows begin and end, attached ones too */
    struct slice **slices; /* by end, then start; the live ones are first .. count-1 */
    uint32_t first, count, cap;
    int64_t done_end, judge_end;
    bool owes;             /* `merged` holds what is to be told of the window below */
    int64_t merged_start, merged_end;
    struct aggtable merged;
    uint32_t cursor;       /* all before it in the table being told has been told; 0 after a load */
    uint32_t chunk;
    uint64_t rows, bytes_gone;
};

/* ---- slices ---- */

static bool slice_before(const struct slice *s, int64_t start, int64_t end)
{
    return s->end != end ? s->end < end : s->start < start;
}

static uint32_t slice_seek(const struct window_agg *s, int64_t start, int64_t end)
{
    uint32_t low = s->first, high = s->count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (slice_before(s->slices[mid], start, end))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void slices_room(struct window_agg *s)
{
    if (s->first && (s->first >= 64 && s->first > s->count / 2)) {
        memmove(s->slices, s->slices + s->first, (s->count - s->first) * sizeof(*s->slices));
        s->count -= s->first;
        s->first = 0;
    }
    if (s->count < s->cap)
        return;
    s->cap = s->cap ? 2 * s->cap : 8;
    s->slices = xrealloc(s->slices, s->cap * sizeof(*s->slices));
}

static struct slice *slice_get(struct window_agg *s, int64_t start, int64_t end)
{
    uint32_t at = slice_seek(s, start, end);

    if (at < s->count && s->slices[at]->end == end && s->slices[at]->start == start)
        return s->slices[at];
    uint32_t live_at = at - s->first;
    slices_room(s);
    at = s->first + live_at;
    memmove(s->slices + at + 1, s->slices + at, (s->count - at) * sizeof(*s->slices));
    struct slice *slice = xcalloc(1, sizeof(*slice));
    slice->start = start;
    slice->end = end;
    aggtable_init(&slice->table, &s->set, s->keyer.words);
    s->slices[at] = slice;
    s->count++;
    return slice;
}

static void slice_free(struct window_agg *s, struct slice *slice)
{
    aggtable_deinit(&slice->table, &s->set);
    free(slice);
}

/* ---- open, close ---- */

static enum status agg_open(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    const struct plan_window_agg *p = &node->window_agg;
    const struct plan_node *input = node->inputs[0].node;
    struct window_agg *s = state;

    arena_init(&s->plan_arena, ARENA_BUDGET_NONE);
    arena_init(&s->scratch, ARENA_BUDGET_NONE);
    s->done_end = s->judge_end = INT64_MIN;
    TRY(keyer_make(&s->keyer, &s->plan_arena, input, p->keys, p->keys_count, ctx->expr.diag));
    TRY(aggset_make(&s->set, &s->plan_arena, node, 0, ctx->expr.diag));
    if (!p->attached)
        TRY(windows_make(&s->windows, &p->window, input, &ctx->expr));
    s->zone = p->window.local ? ctx->expr.zone : NULL;
    aggtable_init(&s->merged, &s->set, s->keyer.words);
    return ST_OK;
}

static void agg_close(const struct plan_node *node, void *state)
{
    struct window_agg *s = state;

    (void)node;
    for (uint32_t i = s->first; i < s->count; i++)
        slice_free(s, s->slices[i]);
    free(s->slices);
    aggtable_deinit(&s->merged, &s->set);
    arena_deinit(&s->plan_arena);
    arena_deinit(&s->scratch);
}

/* ---- telling windows ---- */

/* Rows of an output chunk: groups, perhaps of several windows; tables wait until it is out. */
struct telling {
    void *values[CHUNK_ROWS];
    int64_t starts[CHUNK_ROWS], ends[CHUNK_ROWS];
    uint16_t count;
    uint32_t told;
    struct slice **spent;
    uint32_t spent_count, spent_cap;
};

static void spend(struct telling *t, struct slice *slice)
{
    if (t->spent_count == t->spent_cap) {
        t->spent_cap = t->spent_cap ? 2 * t->spent_cap : 64;
        t->spent = xrealloc(t->spent, t->spent_cap * sizeof(*t->spent));
    }
    t->spent[t->spent_count++] = slice;
}

static void window_columns(const struct plan_node *node, struct window_agg *s,
                           const struct telling *t, struct column *cols)
{
    const struct plan_window_agg *p = &node->window_agg;
    int64_t *starts = arena_alloc(&s->scratch, 8u * t->count);
    int64_t *ends = arena_alloc(&s->scratch, 8u * t->count);
    int64_t *times = arena_alloc(&s->scratch, 8u * t->count);

    for (uint16_t i = 0; i < t->count; i++) {
        starts[i] = t->starts[i];
        ends[i] = t->ends[i];
        times[i] = windows_last_time(s->zone, t->ends[i]);
    }
    if (p->emit_start)
        *cols++ = (struct column){.data = starts};
    if (p->emit_end)
        *cols++ = (struct column){.data = ends};
    if (p->emit_time)
        *cols++ = (struct column){.data = times};
}

static enum status tell_flush(const struct plan_node *node, struct window_agg *s, struct op_ctx *ctx,
                              struct telling *t)
{
    const struct plan_window_agg *p = &node->window_agg;
    enum status st = ST_OK;

    if (t->count) {
        struct column *cols = ARENA_ARRAY(&s->scratch, struct column, node->columns_count + 4);
        keyer_read(&s->keyer, &s->merged.groups, t->values, t->count, &s->scratch, cols);
        aggtable_results(&s->set, t->values, NULL, t->count, &s->scratch, cols + p->keys_count);
        window_columns(node, s, t, cols + p->keys_count + p->aggs_count);
        struct chunk out = {.cols = cols, .count = t->count, .rows = t->count,
                            .col_count = node->columns_count};
        st = op_emit(ctx, &out);
        arena_reset(&s->scratch);
    }
    t->told += t->count;
    t->count = 0;
    for (uint32_t i = 0; i < t->spent_count; i++)
        slice_free(s, t->spent[i]);
    t->spent_count = 0;
    return st;
}

/* Tells a table from the cursor on, until it is done or `most` rows are told. */
static enum status tell_table(const struct plan_node *node, struct window_agg *s,
                              struct op_ctx *ctx, struct telling *t, struct aggtable *table,
                              int64_t start, int64_t end, uint32_t most)
{
    for (; s->cursor < table->groups.used; s->cursor++) {
        if (t->count == CHUNK_ROWS)
            TRY(tell_flush(node, s, ctx, t));
        if (t->told >= most)
            return ST_AGAIN;
        void *value = state_at(&table->groups, s->cursor);
        if (!value || *agg_rows(&s->set, value) <= 0)
            continue;
        t->values[t->count] = value;
        t->starts[t->count] = start;
        t->ends[t->count++] = end;
    }
    s->cursor = 0;
    return ST_OK;
}

/* What has been told leaves the table. */
static void table_trim(struct window_agg *s, struct aggtable *table)
{
    for (uint32_t i = s->cursor; i-- > 0;) {
        void *value = state_at(&table->groups, i);
        if (!value)
            break; /* trimmed by an earlier call */
        aggtable_remove(table, &s->set, value);
    }
}

/* The next window to tell; slices that no window needs any more are dropped on the way. */
static bool window_next(const struct plan_node *node, struct window_agg *s, struct telling *t,
                        int64_t *start, int64_t *end)
{
    while (s->first < s->count) {
        struct slice *slice = s->slices[s->first];
        if (node->window_agg.attached) {
            *start = slice->start;
            *end = slice->end;
            return true;
        }
        if (windows_next(&s->windows, slice->start, s->done_end, start, end))
            return true;
        spend(t, slice);
        s->first++;
    }
    return false;
}

static uint32_t window_slices(const struct window_agg *s, int64_t end)
{
    uint32_t n = 0;

    while (s->first + n < s->count && s->slices[s->first + n]->end <= end)
        n++;
    return n;
}

/* The window is the first slice, and nothing else will need it. */
static bool window_is_slice(const struct plan_node *node, const struct window_agg *s)
{
    return node->window_agg.attached || s->windows.kind == WINDOW_TUMBLE;
}

static enum status tell_slice(const struct plan_node *node, struct window_agg *s,
                              struct op_ctx *ctx, struct telling *t, uint32_t most)
{
    struct slice *slice = s->slices[s->first];
    enum status st = tell_table(node, s, ctx, t, &slice->table, slice->start, slice->end, most);

    if (st == ST_AGAIN)
        table_trim(s, &slice->table);
    if (st != ST_OK)
        return st;
    spend(t, slice);
    s->first++;
    return ST_OK;
}

static enum status tell_merged(const struct plan_node *node, struct window_agg *s,
                               struct op_ctx *ctx, struct telling *t, uint32_t most)
{
    enum status st = tell_table(node, s, ctx, t, &s->merged, s->merged_start, s->merged_end, most);

    if (st == ST_AGAIN)
        table_trim(s, &s->merged);
    if (st != ST_OK)
        return st;
    TRY(tell_flush(node, s, ctx, t)); /* rows of `merged` wait in t */
    aggtable_deinit(&s->merged, &s->set);
    aggtable_init(&s->merged, &s->set, s->keyer.words);
    s->owes = false;
    return ST_OK;
}

static void window_merge(struct window_agg *s, int64_t start, int64_t end)
{
    uint32_t n = window_slices(s, end);

    for (uint32_t i = 0; i < n; i++)
        if (s->slices[s->first + i]->start >= start)
            aggtable_merge(&s->merged, &s->slices[s->first + i]->table, &s->set, &s->keyer,
                           &s->scratch);
    s->merged_start = start;
    s->merged_end = end;
    s->owes = true;
}

/* Tells windows that end at or before judge_end, at most about `most` rows of them. */
static enum status tell_windows(const struct plan_node *node, struct window_agg *s,
                                struct op_ctx *ctx, struct telling *t, uint32_t most)
{
    int64_t start, end;

    if (s->owes)
        TRY(tell_merged(node, s, ctx, t, most));
    while (window_next(node, s, t, &start, &end) && end <= s->judge_end) {
        if (t->told + t->count >= most)
            return ST_AGAIN;
        if (window_is_slice(node, s)) {
            TRY(tell_slice(node, s, ctx, t, most));
            s->done_end = node->window_agg.attached ? s->done_end : end;
            continue;
        }
        TRY(tell_flush(node, s, ctx, t));
        window_merge(s, start, end);
        s->done_end = end;
        TRY(tell_merged(node, s, ctx, t, most));
    }
    s->done_end = s->judge_end;
    return ST_OK;
}

static enum status tell_due(const struct plan_node *node, struct window_agg *s, struct op_ctx *ctx,
                            uint32_t most)
{
    struct telling t;

    t.count = 0;
    t.told = t.spent_count = t.spent_cap = 0;
    t.spent = NULL;
    enum status st = tell_windows(node, s, ctx, &t, most);
    enum status flushed = tell_flush(node, s, ctx, &t);
    free(t.spent);
    return flushed != ST_OK ? flushed : st;
}

static bool agg_is_proc(const struct plan_node *node)
{
    return !node->window_agg.attached && node->window_agg.window.time == TIME_PROC;
}

static void agg_alarm(const struct plan_node *node, struct window_agg *s, struct op_ctx *ctx)
{
    if (agg_is_proc(node) && s->first < s->count) {
        int64_t start, end;
        if (windows_next(&s->windows, s->slices[s->first]->start, s->done_end, &start, &end))
            op_alarm(ctx, zone_due(s->zone, end));
    }
}

static enum status agg_on_watermark(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                    int64_t watermark_us)
{
    struct window_agg *s = state;

    if (agg_is_proc(node) && watermark_us != INT64_MAX)
        return ST_OK;
    s->judge_end = windows_closed(s->zone, watermark_us);
    return tell_due(node, s, ctx, OP_EMIT_ROWS);
}

static enum status agg_on_clock(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                int64_t now_us)
{
    struct window_agg *s = state;

    if (!agg_is_proc(node))
        return ST_OK;
    s->judge_end = windows_closed(s->zone, now_us - WINDOW_TIME_US);
    TRY(tell_due(node, s, ctx, OP_EMIT_ROWS));
    agg_alarm(node, s, ctx);
    return ST_OK;
}

/* ---- rows ---- */

enum { LOCAL_LATE = 0xFFFF, LOCAL_NONE = 0xFFFE };

/* Slices of a chunk's rows. */
struct assigned {
    struct slice *slices[CHUNK_ROWS];
    uint16_t local[CHUNK_ROWS]; /* of each live row: index into slices, LATE or NONE */
    uint16_t counts[CHUNK_ROWS + 1];
    uint16_t count, late, none;
    int64_t from, to;           /* the last row's slice, and its local */
    uint16_t last;
};

static uint16_t local_of(struct window_agg *s, struct assigned *a, struct slice *slice)
{
    if (slice->chunk != s->chunk) {
        slice->chunk = s->chunk;
        slice->local = a->count;
        a->slices[a->count++] = slice;
    }
    return slice->local;
}

static void assign_time(struct window_agg *s, struct assigned *a, int64_t time)
{
    int64_t last_end;

    if (time > WINDOW_TIME_MOST || time < -WINDOW_TIME_MOST) {
        a->from = a->to = time;
        a->last = LOCAL_NONE;
        return;
    }
    a->from = windows_slice(&s->windows, time);
    a->to = a->from + s->windows.slice;
    if (!windows_last(&s->windows, a->from, &last_end))
        a->last = LOCAL_NONE;
    else if (last_end <= s->judge_end && s->windows.time != TIME_PROC)
        a->last = LOCAL_LATE;
    else
        a->last = local_of(s, a, slice_get(s, a->from, a->to));
}

static enum status assign_rows(const struct plan_node *node, struct window_agg *s,
                               struct op_ctx *ctx, const struct chunk *in, struct assigned *a)
{
    const int64_t *times;

    TRY(windows_times(&s->windows, ctx, in, &times));
    (void)node;
    a->from = 1;
    a->to = 0;
    for (uint16_t i = 0; i < in->count; i++) {
        int64_t t = times[chunk_row(in, i)];
        if (t < a->from || t >= a->to)
            assign_time(s, a, t);
        a->local[i] = a->last;
        a->late = (uint16_t)(a->late + (a->last == LOCAL_LATE));
        a->none = (uint16_t)(a->none + (a->last == LOCAL_NONE));
    }
    return ST_OK;
}

static enum status assign_attached(const struct plan_node *node, struct window_agg *s,
                                   struct op_ctx *ctx, const struct chunk *in, struct assigned *a)
{
    const struct column *start = &in->cols[node->window_agg.start_column];
    const struct column *end = &in->cols[node->window_agg.end_column];
    const int64_t *starts = start->data, *ends = end->data;

    for (uint16_t i = 0; i < in->count; i++) {
        uint16_t row = chunk_row(in, i);
        if (!column_valid(start, row) || !column_valid(end, row))
            return diag_set(ctx->expr.diag, ST_INVALID, DIAG_VALUE, "the window of a row is NULL");
        a->local[i] = LOCAL_LATE;
        if (ends[row] > s->judge_end)
            a->local[i] = local_of(s, a, slice_get(s, starts[row], ends[row]));
        a->late = (uint16_t)(a->late + (a->local[i] == LOCAL_LATE));
    }
    return ST_OK;
}

static void tell_late(struct op_ctx *ctx, const struct chunk *in, const struct assigned *a)
{
    uint16_t late[CHUNK_ROWS], count = 0;

    for (uint16_t i = 0; i < in->count; i++) {
        late[count] = chunk_row(in, i);
        count = (uint16_t)(count + (a->local[i] == LOCAL_LATE));
    }
    op_late(ctx, 0, in, late, count);
}

static void slice_add(struct window_agg *s, struct op_ctx *ctx, struct slice *slice,
                      const struct agg_inputs *inputs, const struct state_keys *keys,
                      const uint16_t *which, const uint16_t *rows, const int8_t *weights,
                      uint16_t count)
{
    void *values[CHUNK_ROWS];
    uint8_t fresh[CHUNK_ROWS];

    state_upsert(&slice->table.groups, keys, which, count, values, fresh);
    aggtable_start(&slice->table, &s->set, values, fresh, count);
    aggtable_update(&slice->table, &s->set, ctx->arena, inputs, rows, weights, values, count);
}

/* Rows of several slices: brought together by slice, in their order within each. */
static void slices_add(struct window_agg *s, struct op_ctx *ctx, const struct chunk *in,
                       struct assigned *a, const struct agg_inputs *inputs,
                       const struct state_keys *keys, const uint16_t *rows, const int8_t *weights)
{
    uint16_t which[CHUNK_ROWS], physical[CHUNK_ROWS], at[CHUNK_ROWS + 1];
    int8_t sorted[CHUNK_ROWS];

    memset(a->counts, 0, sizeof(a->counts[0]) * (a->count + 1u));
    for (uint16_t i = 0; i < in->count; i++)
        if (a->local[i] < LOCAL_NONE)
            a->counts[a->local[i] + 1]++;
    for (uint16_t l = 0; l < a->count; l++)
        a->counts[l + 1] = (uint16_t)(a->counts[l + 1] + a->counts[l]);
    memcpy(at, a->counts, sizeof(at[0]) * (a->count + 1u));
    for (uint16_t i = 0; i < in->count; i++) {
        if (a->local[i] >= LOCAL_NONE)
            continue;
        uint16_t to = at[a->local[i]]++;
        which[to] = i;
        physical[to] = rows[i];
        sorted[to] = weights ? weights[i] : 1;
    }
    for (uint16_t l = 0; l < a->count; l++) {
        uint16_t from = a->counts[l], n = (uint16_t)(a->counts[l + 1] - from);
        slice_add(s, ctx, a->slices[l], inputs, keys, which + from, physical + from,
                  weights ? sorted + from : NULL, n);
    }
}

static enum status agg_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                int input, const struct chunk *in)
{
    struct window_agg *s = state;
    struct assigned a;
    uint16_t all[CHUNK_ROWS];
    int8_t weights_room[CHUNK_ROWS];
    struct agg_inputs inputs;
    struct state_keys keys;

    (void)input;
    if (s->judge_end != s->done_end && !window_is_slice(node, s) && !agg_is_proc(node))
        TRY(tell_due(node, s, ctx, UINT32_MAX));
    s->chunk++;
    a.count = a.late = a.none = 0;
    TRY(node->window_agg.attached ? assign_attached(node, s, ctx, in, &a)
                                  : assign_rows(node, s, ctx, in, &a));
    if (a.late)
        tell_late(ctx, in, &a);
    if (!a.count)
        return ST_OK;
    const uint16_t *rows = chunk_rows(in, all);
    const int8_t *weights = chunk_weights(in, rows, in->count, weights_room);
    TRY(aggset_eval(&s->set, &ctx->expr, in, &inputs));
    keyer_keys(&s->keyer, in->cols, rows, in->count, ctx->arena, &keys);
    if (a.count == 1 && !a.late && !a.none)
        slice_add(s, ctx, a.slices[0], &inputs, &keys, NULL, rows, weights, in->count);
    else
        slices_add(s, ctx, in, &a, &inputs, &keys, rows, weights);
    agg_alarm(node, s, ctx);
    return ST_OK;
}

/* ---- checkpoints ----
 *   done_end, judge_end, zone; owed window (u8, start, end, table); u32 slices, each start, end, table */

static void agg_save(const struct plan_node *node, const void *state, struct snap_writer *w)
{
    const struct window_agg *s = state;

    (void)node;
    buf_u64_le(&w->buf, (uint64_t)s->done_end);
    buf_u64_le(&w->buf, (uint64_t)s->judge_end);
    buf_u64_le(&w->buf, zone_hash(s->zone));
    buf_u8(&w->buf, s->owes);
    if (s->owes) {
        buf_u64_le(&w->buf, (uint64_t)s->merged_start);
        buf_u64_le(&w->buf, (uint64_t)s->merged_end);
        aggtable_save(&s->merged, &s->set, w);
    }
    buf_u32_le(&w->buf, s->count - s->first);
    for (uint32_t i = s->first; i < s->count; i++) {
        buf_u64_le(&w->buf, (uint64_t)s->slices[i]->start);
        buf_u64_le(&w->buf, (uint64_t)s->slices[i]->end);
        aggtable_save(&s->slices[i]->table, &s->set, w);
    }
}

static enum status load_owed(struct window_agg *s, struct reader *r, const struct state_mine *mine)
{
    int64_t start = (int64_t)reader_u64_le(r), end = (int64_t)reader_u64_le(r);

    if (r->bad || start >= end || start < -WINDOW_TIME_MOST || end > WINDOW_TIME_MOST)
        return ST_CORRUPT;
    if (s->owes && end != s->merged_end)
        return ST_UNSUPPORTED; /* shards that stopped in different windows, put together */
    s->owes = true;
    s->merged_start = start;
    s->merged_end = end;
    return aggtable_load(&s->merged, &s->set, &s->keyer, r, mine);
}

static enum status agg_load(const struct plan_node *node, void *state, struct op_ctx *ctx,
                            struct reader *r)
{
    struct window_agg *s = state;
    struct state_mine mine = {ctx->shard, ctx->shards};
    int64_t done = (int64_t)reader_u64_le(r), judge = (int64_t)reader_u64_le(r);

    s->done_end = op_load_time(ctx, s->done_end, done);
    s->judge_end = op_load_time(ctx, s->judge_end, judge);
    if (reader_u64_le(r) != zone_hash(s->zone))
        return ST_CORRUPT;
    if (reader_u8(r))
        TRY(load_owed(s, r, &mine));
    uint32_t slices = reader_u32_le(r);
    for (uint32_t i = 0; i < slices; i++) {
        int64_t start = (int64_t)reader_u64_le(r), end = (int64_t)reader_u64_le(r);
        if (r->bad || start >= end || start < -WINDOW_TIME_MOST || end > WINDOW_TIME_MOST)
            return ST_CORRUPT;
        TRY(aggtable_load(&slice_get(s, start, end)->table, &s->set, &s->keyer, r, &mine));
    }
    agg_alarm(node, s, ctx);
    return r->bad ? ST_CORRUPT : ST_OK;
}

static void agg_measure(const struct plan_node *node, const void *state, uint64_t *rows,
                        uint64_t *bytes)
{
    const struct window_agg *s = state;

    (void)node;
    *rows = state_count(&s->merged.groups);
    *bytes = aggtable_bytes(&s->merged, &s->set) + s->scratch.used_bytes + s->plan_arena.used_bytes;
    for (uint32_t i = s->first; i < s->count; i++) {
        *rows += state_count(&s->slices[i]->table.groups);
        *bytes += aggtable_bytes(&s->slices[i]->table, &s->set) + sizeof(struct slice);
    }
}

const struct op_class op_window_agg = {
    .name = "WindowAggregate",
    .state_size = sizeof(struct window_agg),
    .open = agg_open,
    .on_chunk = agg_on_chunk,
    .on_watermark = agg_on_watermark,
    .on_clock = agg_on_clock,
    .save = agg_save,
    .load = agg_load,
    .close = agg_close,
    .measure = agg_measure,
};
