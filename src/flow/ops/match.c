/* MATCH_RECOGNIZE: rows of a partition, in the order of their times, through the states of a pattern.
 *
 * Rows wait until the watermark passes their time (processing time: until the end of the tick), and are taken in
 * batches, in the order of their times, of ORDER BY, of their origins, and as they came. Within a batch the rows
 * of one key come one after the other, those of different keys beside one another: a round takes a row of each,
 * with all runs of their keys, so that conditions are evaluated for many runs at once. A condition is evaluated
 * only for runs that need it, as in Flink: one that fails (a division by zero) fails only where it is looked at.
 *
 *   round   views (run, row) -> walk -> conditions that must be known -> walk … -> steps -> match_apply
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

static void columns_used(const struct match_op *s, const struct expr *e, uint8_t *used)
{
    if (!e)
        return;
    if (e->kind == EXPR_COLUMN)
        used[e->index] = 1;
    for (uint16_t i = 0; i < e->args_count; i++)
        columns_used(s, e->args[i], used);
}

static void condition_make(struct match_op *s, struct match_condition *c, const struct expr *define)
{
    const struct plan_match_values *v = &s->plan->defines;
    uint16_t n = s->input_columns, values = (uint16_t)(v->refs_count + v->aggs_count);
    uint8_t *used = arena_zalloc(&s->plan_arena, n + values + 1u);
    uint16_t *columns = ARENA_ARRAY(&s->plan_arena, uint16_t, n + 1u);

    columns_used(s, define, used);
    *c = (struct match_condition){.define = define, .columns = columns};
    for (uint16_t i = 0; i < n; i++) {
        if (used[i])
            columns[c->columns_count++] = i;
    }
    for (uint16_t i = 0; i < values; i++) {
        if (used[n + i])
            c->wanted = used + n;
    }
}

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
        condition_make(s, &s->conditions[i], p->variables[i].define);
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

/* ---- keys and rows ---- */

struct match_key *match_op_key(struct match_op *s, void *value)
{
    struct match_key *key;

    memcpy(&key, value, sizeof(key));
    if (key)
        return key;
    key = heap_alloc(&s->runs.heap, sizeof(*key));
    match_key_init(&s->runs, key);
    key->number = s->next_key++;
    memcpy(value, &key, sizeof(key));
    return key;
}

static int timer_compare(const void *context, const void *a, const void *b)
{
    const struct match_key *x = a, *y = b;

    (void)context;
    if (x->deadline != y->deadline)
        return x->deadline < y->deadline ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

void match_op_timer(struct match_op *s, struct match_key *key, int64_t before)
{
    int64_t now = key->deadline;

    if (now == before)
        return;
    if (before != INT64_MAX) {
        key->deadline = before;
        struct sorted_at at = sorted_seek(&s->timers, timer_compare, NULL, key);
        CHECK(sorted_get(&s->timers, at) == key);
        sorted_remove(&s->timers, &s->runs.heap, at);
        key->deadline = now;
    }
    if (now != INT64_MAX)
        sorted_insert(&s->timers, &s->runs.heap, sorted_seek(&s->timers, timer_compare, NULL, key), key);
}

/* By ORDER BY behind the time. */
static int order_compare(const struct match_op *s, const struct match_row *a, const struct match_row *b)
{
    for (uint16_t k = 0; k < s->plan->order_count; k++) {
        const struct plan_sort_key *key = &s->plan->order[k];
        bool a_null = pack_null(&s->pack, a->packed, key->column);
        bool b_null = pack_null(&s->pack, b->packed, key->column);
        int order;
        if (a_null || b_null)
            order = a_null == b_null ? 0 : a_null == key->nulls_last ? 1 : -1;
        else
            order = pack_compare(&s->pack, key->column, a->packed, b->packed) * (key->descending ? -1 : 1);
        if (order)
            return order;
    }
    return 0;
}

static int row_compare(const void *context, const void *a, const void *b)
{
    const struct match_row *x = a, *y = b;

    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    int order = order_compare(context, x, y);
    if (!order)
        order = origin_compare(&x->origin, &y->origin);
    return order ? order : x->seq < y->seq ? -1 : x->seq > y->seq;
}

struct match_row *match_op_row(struct match_op *s, struct match_key *key, struct bytes packed, int64_t time,
                               struct origin origin)
{
    struct match_row *row = heap_alloc(&s->runs.heap, sizeof(*row) + packed.len);

    *row = (struct match_row){.key = key, .time = time, .origin = origin, .seq = s->next_seq++, .users = 1,
                              .size = (uint32_t)packed.len};
    memcpy(row->packed, packed.ptr, packed.len);
    s->runs.rows++;
    return row;
}

void match_op_wait(struct match_op *s, struct match_row *row)
{
    struct sorted *own = &row->key->waiting;

    sorted_insert(own, &s->runs.heap, sorted_seek(own, row_compare, s, row), row);
    sorted_insert(&s->waiting, &s->runs.heap, sorted_seek(&s->waiting, row_compare, s, row), row);
}

/* ---- conditions ---- */

/* A run that looks at a row, in a round. */
struct view {
    struct match_key *key;
    struct match_row *row;
    struct match_view seen;
    uint32_t state;
    struct match_steps steps;
    uint8_t *known; /* by variable */
    uint16_t asks;  /* MATCH_NO_VARIABLE: nothing any more */
};

/* The condition of a variable for those views. */
static enum status condition_eval(struct match_op *s, struct op_ctx *ctx, uint16_t variable,
                                  struct view *const *views, uint16_t count)
{
    const struct match_condition *c = &s->conditions[variable];
    uint16_t n = s->input_columns, all = (uint16_t)(n + s->plan->defines.refs_count + s->plan->defines.aggs_count);
    struct column *cols = ARENA_ARRAY(&s->round, struct column, all + 1u);
    struct match_view *seen = ARENA_ARRAY(&s->round, struct match_view, count);
    const uint8_t *packed[CHUNK_ROWS];
    uint16_t holds[CHUNK_ROWS], holds_count = count;

    for (uint16_t i = 0; i < count; i++) {
        packed[i] = views[i]->row->packed;
        seen[i] = views[i]->seen;
        holds[i] = i;
        views[i]->known[variable] = MATCH_FALSE;
    }
    for (uint16_t i = 0; i < c->columns_count; i++)
        pack_read(&s->pack, c->columns[i], packed, count, &s->round, &cols[c->columns[i]]);
    if (c->wanted)
        TRY(match_values_read(&s->defines, &ctx->expr, seen, count, c->wanted, cols + n));
    struct chunk in = {.cols = cols, .count = count, .rows = count, .col_count = all};
    if (c->define)
        TRY(expr_filter(c->define, &ctx->expr, &in, NULL, count, holds, &holds_count));
    for (uint16_t i = 0; i < holds_count; i++)
        views[holds[i]]->known[variable] = MATCH_TRUE;
    return ST_OK;
}

/* Walks until nothing is asked any more. At most CHUNK_ROWS views. */
static enum status views_walk(struct match_op *s, struct op_ctx *ctx, struct view *views, uint16_t count)
{
    struct view *asking[CHUNK_ROWS];
    uint16_t open = count;

    for (uint16_t i = 0; i < count; i++)
        asking[i] = &views[i];
    while (open) {
        uint16_t kept = 0;
        for (uint16_t i = 0; i < open; i++) {
            struct view *v = asking[i];
            v->asks = match_walk(&s->runs.nfa, v->state, v->known, &v->steps);
            if (v->asks != MATCH_NO_VARIABLE)
                asking[kept++] = v;
        }
        open = kept;
        for (uint16_t variable = 0; variable < s->plan->variables_count; variable++) {
            struct view *group[CHUNK_ROWS];
            uint16_t n = 0;
            for (uint16_t i = 0; i < open; i++) {
                if (asking[i]->asks == variable)
                    group[n++] = asking[i];
            }
            if (n)
                TRY(condition_eval(s, ctx, variable, group, n));
        }
    }
    return ST_OK;
}

/* ---- rounds ---- */

struct batch {
    struct match_row **rows;
    uint32_t count;
    uint8_t *starts; /* by row: what is known of the start's condition */
    uint32_t *round, round_count; /* rows of the next round */
};

/* What the rows' conditions at the start are: nearly all rows of most patterns do not begin a match. Only of a
 * condition on the row alone, which is looked at for each row anyway. */
static enum status batch_starts(struct match_op *s, struct op_ctx *ctx, struct batch *b)
{
    uint16_t variable = s->runs.nfa.states[s->runs.nfa.start].variable;
    struct view *views = ARENA_ARRAY(&s->round, struct view, b->count);
    struct view *list[CHUNK_ROWS];

    b->starts = arena_zalloc(&s->batch, b->count + 1u);
    if (s->conditions[variable].wanted)
        return ST_OK;
    for (uint32_t i = 0; i < b->count; i++) {
        views[i] = (struct view){.row = b->rows[i], .known = arena_zalloc(&s->round, s->plan->variables_count)};
        list[i] = &views[i];
    }
    TRY(condition_eval(s, ctx, variable, list, (uint16_t)b->count));
    for (uint32_t i = 0; i < b->count; i++)
        b->starts[i] = views[i].known[variable];
    return ST_OK;
}

/* The row changes nothing: it begins no run, and there is none. */
static bool row_is_idle(const struct match_op *s, const struct batch *b, uint32_t i)
{
    const struct match_key *key = b->rows[i]->key;

    return b->starts[i] == MATCH_FALSE && key->runs.count == 1 && !key->ended.count &&
           s->runs.nfa.states[s->runs.nfa.start].proceed == MATCH_NOWHERE;
}

/* The row, or the next of its key that changes something. */
static uint32_t skip_idle(const struct match_op *s, const struct batch *b, uint32_t i)
{
    while (i != MATCH_LAST_OF_KEY && row_is_idle(s, b, i)) {
        b->rows[i]->key->rows_seen++;
        i = b->rows[i]->next;
    }
    return i;
}

/* The key of each row has its first one in the round. */
static void batch_begin(const struct match_op *s, struct batch *b)
{
    for (uint32_t i = b->count; i-- > 0;) {
        struct match_key *key = b->rows[i]->key;
        b->rows[i]->next = key->batch_row;
        key->batch_row = i;
    }
    for (uint32_t i = 0; i < b->count; i++) {
        struct match_key *key = b->rows[i]->key;
        if (key->batch_row == MATCH_LAST_OF_KEY)
            continue;
        uint32_t first = skip_idle(s, b, key->batch_row);
        key->batch_row = MATCH_LAST_OF_KEY;
        if (first != MATCH_LAST_OF_KEY)
            b->round[b->round_count++] = first;
    }
}

/* All views of one row, in portions; then the row is applied. */
static enum status row_run(struct match_op *s, struct op_ctx *ctx, struct batch *b, uint32_t place,
                           struct view *views)
{
    struct match_row *row = b->rows[place];
    struct match_key *key = row->key;
    struct match_steps *steps = ARENA_ARRAY(&s->round, struct match_steps, key->runs.count);
    int64_t before = key->deadline;

    for (uint32_t i = 0; i < key->runs.count; i++)
        steps[i] = views[i].steps;
    enum status st = match_apply(&s->runs, key, row, steps, place, &s->found, ctx->expr.diag);
    match_op_timer(s, key, before);
    return st;
}

static struct view *views_make(struct match_op *s, const struct batch *b, uint64_t *count)
{
    uint64_t total = 0, at = 0;
    uint32_t most = match_steps_most(&s->runs.nfa);
    uint16_t start = s->runs.nfa.states[s->runs.nfa.start].variable;

    for (uint32_t i = 0; i < b->round_count; i++)
        total += b->rows[b->round[i]]->key->runs.count;
    struct view *views = ARENA_ARRAY(&s->round, struct view, total + 1);
    for (uint32_t i = 0; i < b->round_count; i++) {
        struct match_row *row = b->rows[b->round[i]];
        struct match_key *key = row->key;
        for (uint32_t k = 0; k < key->runs.count; k++) {
            const struct match_run *run = &key->runs.items[k];
            struct view *v = &views[at++];
            *v = (struct view){.key = key, .row = row, .seen = {run->last, row}, .state = run->state};
            v->known = arena_zalloc(&s->round, s->plan->variables_count);
            v->steps.items = ARENA_ARRAY(&s->round, struct match_step, most);
            if (run->begun == MATCH_NOT_BEGUN)
                v->known[start] = b->starts[b->round[i]];
        }
    }
    *count = total;
    return views;
}

static enum status round_run(struct match_op *s, struct op_ctx *ctx, struct batch *b)
{
    uint64_t count, at = 0;
    uint32_t next = 0;

    for (uint32_t i = 0; i < b->round_count; i++) {
        struct match_row *row = b->rows[b->round[i]];
        int64_t before = row->key->deadline;
        enum status st = match_advance(&s->runs, row->key, row->time, b->round[i], &s->found, ctx->expr.diag);
        match_op_timer(s, row->key, before);
        TRY(st);
    }
    struct view *views = views_make(s, b, &count);
    for (uint64_t from = 0; from < count; from += CHUNK_ROWS)
        TRY(views_walk(s, ctx, views + from, (uint16_t)(count - from < CHUNK_ROWS ? count - from : CHUNK_ROWS)));
    for (uint32_t i = 0; i < b->round_count; i++) {
        uint32_t place = b->round[i], runs = b->rows[place]->key->runs.count;
        TRY(row_run(s, ctx, b, place, views + at));
        at += runs;
        place = skip_idle(s, b, b->rows[place]->next);
        if (place != MATCH_LAST_OF_KEY)
            b->round[next++] = place;
    }
    b->round_count = next;
    arena_reset(&s->round);
    return ST_OK;
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
static void batch_take(struct match_op *s, struct batch *b, int64_t until)
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

static enum status batch_run(const struct plan_node *node, struct match_op *s, struct op_ctx *ctx, struct batch *b)
{
    enum status st = batch_starts(s, ctx, b);

    arena_reset(&s->round);
    batch_begin(s, b);
    while (st == ST_OK && b->round_count)
        st = round_run(s, ctx, b);
    arena_reset(&s->round);
    if (st == ST_OK)
        st = emit_found(node, s, ctx);
    rows_done(s, b->rows, b->count);
    return st;
}

/* Rows up to a time; ST_AGAIN: there are more. */
static enum status rows_run(const struct plan_node *node, struct match_op *s, struct op_ctx *ctx, int64_t until)
{
    for (uint64_t done = 0; done < OP_EMIT_ROWS;) {
        struct batch b = {0};
        batch_take(s, &b, until);
        if (!b.count)
            return ST_OK;
        uint64_t told = s->told;
        TRY(batch_run(node, s, ctx, &b));
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
