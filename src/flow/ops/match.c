/* MATCH_RECOGNIZE: rows of a partition, in the order of their times, through the states of a pattern.
 *
 * Rows wait until the watermark passes their time (processing time: until the end of the tick), and are taken in
 * batches, in the order of their times, of ORDER BY, of their origins, and as they came. Within a batch the rows
 * of one key come one after the other, those of different keys beside one another: a round takes a row of each,
 * with all runs of their keys, so that conditions are evaluated for many runs at once. A condition is evaluated
 * only for runs that need it, as in Flink: one that fails (a division by zero) fails only where it is looked at
 * (match_round.c).
 *
 * A run that is too old by WITHIN goes when a row of its key or the watermark is so late; timers hold the
 * earliest of each key. What is found in a batch is emitted in the order of the rows that completed it. */
#include "flow/ops/match_state.h"
#include "flow/ops/ops.h"
#include "flow/ops/windows.h"

#include <stdlib.h>

#include "base/check.h"

enum { PLACE_OF_TIME = UINT32_MAX };

/* ---- open, close ---- */

static enum status match_open(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    const struct plan_match *p = &node->match;
    const struct plan_node *input = node->inputs[0].node;
    struct match_op *s = state;
    struct diag *diag = ctx->expr.diag;

    arena_init(&s->plan_arena, ARENA_BUDGET_NONE);
    arena_init(&s->batch, ARENA_BUDGET_NONE);
    arena_init(&s->round, ARENA_BUDGET_NONE);
    heap_init(&s->runs.heap);
    s->plan = s->runs.plan = p;
    s->watermark = INT64_MIN;
    s->input_columns = input->columns_count;
    if (input->changes)
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED, "MATCH_RECOGNIZE over a table that is updated");
    TRY(keyer_make(&s->keyer, &s->plan_arena, input, p->partition, p->partition_count, diag));
    TRY(pack_make(&s->pack, &s->plan_arena, input, NULL, input->columns_count, diag));
    match_nfa_make(&s->runs.nfa, &s->plan_arena, p);
    s->conditions = ARENA_ARRAY(&s->plan_arena, struct match_condition, p->variables_count);
    for (uint16_t i = 0; i < p->variables_count; i++)
        match_condition_make(s, &s->conditions[i], p->variables[i].define);
    TRY(match_values_make(&s->defines, &s->plan_arena, &p->defines, &s->pack, diag));
    TRY(match_values_make(&s->measures, &s->plan_arena, &p->measures, &s->pack, diag));
    state_init(&s->table, s->keyer.words, sizeof(struct match_key *));
    return ST_OK;
}

static void match_close(const struct plan_node *node, void *state)
{
    struct match_op *s = state;

    (void)node;
    match_values_free(&s->defines);
    match_values_free(&s->measures);
    state_deinit(&s->table);
    heap_deinit(&s->runs.heap);
    arena_deinit(&s->plan_arena);
    arena_deinit(&s->batch);
    arena_deinit(&s->round);
    free(s->found.items);
}

/* ---- what comes out ---- */

static int found_compare(const void *a, const void *b)
{
    const struct match_found *x = a, *y = b;

    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return x->turn < y->turn ? -1 : x->turn > y->turn;
}

static enum status emit_some(const struct plan_node *node, struct match_op *s, struct op_ctx *ctx,
                             const struct match_found *found, uint16_t count)
{
    const struct plan_match *p = s->plan;
    struct column *cols = ARENA_ARRAY(&s->round, struct column, node->columns_count + 1u);
    struct match_view *views = ARENA_ARRAY(&s->round, struct match_view, count);
    int64_t *times = ARENA_ARRAY(&s->round, int64_t, count);
    const uint8_t *packed[CHUNK_ROWS];

    for (uint16_t i = 0; i < count; i++) {
        views[i] = (struct match_view){found[i].last, NULL};
        packed[i] = found[i].last->row->packed;
        times[i] = found[i].time;
    }
    for (uint16_t i = 0; i < p->partition_count; i++)
        pack_read(&s->pack, p->partition[i], packed, count, &s->round, &cols[i]);
    TRY(match_values_read(&s->measures, &ctx->expr, views, count, NULL, cols + p->partition_count));
    if (p->emit_time)
        cols[node->columns_count - 1u].data = times;
    struct chunk out = {.cols = cols, .count = count, .rows = count, .col_count = node->columns_count};
    return op_emit(ctx, &out);
}

static enum status emit_found(const struct plan_node *node, struct match_op *s, struct op_ctx *ctx)
{
    struct matches *f = &s->found;
    enum status st = ST_OK;

    if (f->count > 1)
        qsort(f->items, f->count, sizeof(*f->items), found_compare);
    for (uint32_t at = 0; at < f->count && st == ST_OK; at += CHUNK_ROWS) {
        uint32_t left = f->count - at;
        st = emit_some(node, s, ctx, f->items + at, (uint16_t)(left < CHUNK_ROWS ? left : CHUNK_ROWS));
        arena_reset(&s->round);
    }
    for (uint32_t i = 0; i < f->count; i++)
        match_link_release(&s->runs, f->items[i].last);
    s->told += f->count;
    f->count = 0;
    return st;
}

/* ---- batches ---- */

/* The next rows in order, out of those that wait. */
static void batch_take(struct match_op *s, struct match_batch *b, int64_t until)
{
    struct match_row *row;

    b->rows = ARENA_ARRAY(&s->batch, struct match_row *, CHUNK_ROWS);
    b->round = ARENA_ARRAY(&s->batch, uint32_t, CHUNK_ROWS);
    while (b->count < CHUNK_ROWS && (row = sorted_get(&s->waiting, sorted_first())) && row->time <= until) {
        CHECK(sorted_get(&row->key->waiting, sorted_first()) == row);
        sorted_remove(&s->waiting, &s->runs.heap, sorted_first());
        sorted_remove(&row->key->waiting, &s->runs.heap, sorted_first());
        b->rows[b->count++] = row;
    }
}

/* Those keys of the rows that hold nothing any more, each once. */
static void forget_keys(struct match_op *s, struct match_row *const *from, uint32_t from_count)
{
    const uint8_t *packed[CHUNK_ROWS];
    void *values[CHUNK_ROWS];
    uint16_t rows[CHUNK_ROWS], count = 0;
    struct state_keys keys;
    struct column *cols = ARENA_ARRAY(&s->batch, struct column, s->pack.count + 1u);

    for (uint32_t i = 0; i < from_count; i++) {
        struct match_key *key = from[i]->key;
        if (key->batch_row != MATCH_LAST_OF_KEY || !match_key_idle(key))
            continue;
        key->batch_row = i; /* seen */
        rows[count] = count;
        packed[count++] = from[i]->packed;
    }
    if (!count)
        return;
    for (uint16_t i = 0; i < s->plan->partition_count; i++)
        pack_read(&s->pack, s->plan->partition[i], packed, count, &s->batch, &cols[s->plan->partition[i]]);
    keyer_keys(&s->keyer, cols, rows, count, &s->batch, &keys);
    state_find(&s->table, &keys, NULL, count, values);
    for (uint16_t i = 0; i < count; i++) {
        CHECK(values[i] != NULL);
        struct match_key *key = match_op_key(s, values[i]);
        match_key_deinit(&s->runs, key);
        heap_free(&s->runs.heap, key, sizeof(*key));
        state_remove(&s->table, values[i]);
    }
}

/* Done with rows; the keys that they leave empty are forgotten. */
static void rows_done(struct match_op *s, struct match_row *const *rows, uint32_t count)
{
    forget_keys(s, rows, count);
    for (uint32_t i = 0; i < count; i++)
        match_row_release(&s->runs, rows[i]);
    arena_reset(&s->batch);
}

static enum status batch_tell(const struct plan_node *node, struct match_op *s, struct op_ctx *ctx, struct match_batch *b)
{
    enum status st = match_batch_run(s, ctx, b);

    if (st == ST_OK)
        st = emit_found(node, s, ctx);
    rows_done(s, b->rows, b->count);
    return st;
}

/* Rows up to a time; ST_AGAIN: there are more. */
static enum status rows_run(const struct plan_node *node, struct match_op *s, struct op_ctx *ctx, int64_t until)
{
    for (uint64_t done = 0; done < OP_EMIT_ROWS;) {
        struct match_batch b = {0};
        batch_take(s, &b, until);
        if (!b.count)
            return ST_OK;
        uint64_t told = s->told;
        TRY(batch_tell(node, s, ctx, &b));
        done += b.count + (s->told - told);
    }
    return ST_AGAIN;
}

/* Runs that no row can go on with any more, and what has waited for them. */
static enum status timers_run(const struct plan_node *node, struct match_op *s, struct op_ctx *ctx, int64_t time)
{
    struct match_row *rows[CHUNK_ROWS];
    struct match_key *key;
    enum status st = ST_OK;
    uint32_t count = 0;

    while (st == ST_OK && count < CHUNK_ROWS && (key = sorted_get(&s->timers, sorted_first())) &&
           key->deadline <= time) {
        int64_t before = key->deadline;
        rows[count] = key->runs.items[0].last->row; /* by which the key is found again */
        rows[count++]->users++;
        int64_t at = time == INT64_MAX ? before : time; /* a time that is of the calendar, at the end of all input */
        st = match_advance(&s->runs, key, at, PLACE_OF_TIME, &s->found, ctx->expr.diag);
        match_op_timer(s, key, before);
    }
    if (st == ST_OK)
        st = emit_found(node, s, ctx);
    rows_done(s, rows, count);
    return st == ST_OK && count == CHUNK_ROWS ? ST_AGAIN : st;
}

/* ---- hooks ---- */

/* Expressions have an arena of this operator's, which is emptied round by round. */
static enum status run_until(const struct plan_node *node, struct match_op *s, struct op_ctx *ctx, int64_t until,
                             int64_t time)
{
    struct arena *own = ctx->expr.arena;

    ctx->expr.arena = &s->round;
    enum status st = rows_run(node, s, ctx, until);
    if (st == ST_OK)
        st = timers_run(node, s, ctx, time);
    ctx->expr.arena = own;
    return st;
}

static enum status match_on_watermark(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                      int64_t watermark_us)
{
    struct match_op *s = state;

    if (s->plan->time == TIME_PROC)
        return ST_OK;
    s->watermark = watermark_us;
    return run_until(node, s, ctx, watermark_us, watermark_us);
}

static void ask_clock(const struct match_op *s, struct op_ctx *ctx)
{
    const struct match_key *first = sorted_get(&s->timers, sorted_first());

    if (first)
        op_alarm(ctx, first->deadline);
}

static enum status match_on_clock(const struct plan_node *node, void *state, struct op_ctx *ctx, int64_t now_us)
{
    struct match_op *s = state;
    struct arena *own = ctx->expr.arena;

    if (s->plan->time != TIME_PROC)
        return ST_OK;
    ctx->expr.arena = &s->round;
    enum status st = timers_run(node, s, ctx, now_us);
    ctx->expr.arena = own;
    if (st == ST_OK)
        ask_clock(s, ctx);
    return st;
}

static enum status match_on_tick_end(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    struct match_op *s = state;

    if (s->plan->time != TIME_PROC)
        return ST_OK;
    enum status st = run_until(node, s, ctx, INT64_MAX, ctx->expr.proctime_us);
    if (st == ST_OK)
        ask_clock(s, ctx);
    return st;
}

static enum status times_check(const struct match_op *s, struct op_ctx *ctx, const struct chunk *in,
                               const uint16_t *rows)
{
    for (uint16_t i = 0; s->plan->time == TIME_ROW && i < in->count; i++) {
        if (!column_valid(&in->cols[s->plan->column], rows[i]))
            return diag_set(ctx->expr.diag, ST_INVALID, DIAG_VALUE,
                            "the time of a row is NULL; MATCH_RECOGNIZE needs one: filter such rows, or give a "
                            "default with COALESCE");
    }
    return ST_OK;
}

static bool is_late(const struct match_op *s, int64_t time)
{
    if (s->plan->time == TIME_PROC)
        return false;
    return time <= s->watermark || time > WINDOW_TIME_MOST || time < -WINDOW_TIME_MOST;
}

static enum status match_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx, int input,
                                  const struct chunk *in)
{
    struct match_op *s = state;
    uint16_t all[CHUNK_ROWS], late[CHUNK_ROWS], kept[CHUNK_ROWS], late_count = 0, count = 0;
    void *values[CHUNK_ROWS];
    uint8_t *packed[CHUNK_ROWS];
    uint32_t sizes[CHUNK_ROWS];
    struct state_keys keys;

    (void)node;
    const uint16_t *rows = chunk_rows(in, all);
    TRY(times_check(s, ctx, in, rows));
    const int64_t *times = s->plan->time == TIME_ROW ? in->cols[s->plan->column].data : NULL;
    for (uint16_t i = 0; i < in->count; i++) {
        if (times && is_late(s, times[rows[i]]))
            late[late_count++] = rows[i];
        else
            kept[count++] = rows[i];
    }
    if (late_count)
        op_late(ctx, input, in, late, late_count);
    if (!count)
        return ST_OK;
    keyer_keys(&s->keyer, in->cols, kept, count, ctx->arena, &keys);
    state_upsert(&s->table, &keys, NULL, count, values, NULL);
    pack_rows(&s->pack, ctx->arena, in->cols, kept, count, packed, sizes);
    for (uint16_t i = 0; i < count; i++) {
        struct origin origin = in->origins ? in->origins[kept[i]] : (struct origin){0, 0};
        int64_t time = times ? times[kept[i]] : ctx->expr.proctime_us;
        match_op_wait(s, match_op_row(s, match_op_key(s, values[i]), bytes_of(packed[i], sizes[i]), time, origin));
    }
    return ST_OK;
}

static void match_op_save(const struct plan_node *node, const void *state, struct snap_writer *w)
{
    (void)node;
    match_save(state, w);
}

static enum status match_op_load(const struct plan_node *node, void *state, struct op_ctx *ctx, struct reader *r)
{
    (void)node;
    return match_load(state, ctx, r);
}

static void match_measure(const struct plan_node *node, const void *state, uint64_t *rows, uint64_t *bytes)
{
    const struct match_op *s = state;

    (void)node;
    *rows = s->runs.rows;
    *bytes = state_bytes(&s->table) + s->runs.heap.held_bytes;
}

const struct op_class op_match = {
    .name = "Match",
    .state_size = sizeof(struct match_op),
    .open = match_open,
    .on_chunk = match_on_chunk,
    .on_watermark = match_on_watermark,
    .on_clock = match_on_clock,
    .on_tick_end = match_on_tick_end,
    .save = match_op_save,
    .load = match_op_load,
    .close = match_close,
    .measure = match_measure,
};
