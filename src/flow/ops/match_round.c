/* match_round.c: the rows of a batch through the runs of their keys: see match.c.
 *
 *   round   views (run, row) -> walk -> conditions that must be known -> walk … -> steps -> match_apply */
#include "flow/ops/match_state.h"

/* ---- conditions ---- */

static void columns_used(const struct match_op *s, const struct expr *e, uint8_t *used)
{
    if (!e)
        return;
    if (e->kind == EXPR_COLUMN)
        used[e->index] = 1;
    for (uint16_t i = 0; i < e->args_count; i++)
        columns_used(s, e->args[i], used);
}

void match_condition_make(struct match_op *s, struct match_condition *c, const struct expr *define)
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

/* What the rows' conditions at the start are: nearly all rows of most patterns do not begin a match. Only of a
 * condition on the row alone, which is looked at for each row anyway. */
static enum status batch_starts(struct match_op *s, struct op_ctx *ctx, struct match_batch *b)
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
static bool row_is_idle(const struct match_op *s, const struct match_batch *b, uint32_t i)
{
    const struct match_key *key = b->rows[i]->key;

    return b->starts[i] == MATCH_FALSE && key->runs.count == 1 && !key->ended.count &&
           s->runs.nfa.states[s->runs.nfa.start].proceed == MATCH_NOWHERE;
}

/* The row, or the next of its key that changes something. */
static uint32_t skip_idle(const struct match_op *s, const struct match_batch *b, uint32_t i)
{
    while (i != MATCH_LAST_OF_KEY && row_is_idle(s, b, i)) {
        b->rows[i]->key->rows_seen++;
        i = b->rows[i]->next;
    }
    return i;
}

/* The key of each row has its first one in the round. */
static void batch_begin(const struct match_op *s, struct match_batch *b)
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
static enum status row_run(struct match_op *s, struct op_ctx *ctx, struct match_batch *b, uint32_t place,
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

static struct view *views_make(struct match_op *s, const struct match_batch *b, uint64_t *count)
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

static enum status round_run(struct match_op *s, struct op_ctx *ctx, struct match_batch *b)
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

enum status match_batch_run(struct match_op *s, struct op_ctx *ctx, struct match_batch *b)
{
    enum status st = batch_starts(s, ctx, b);

    arena_reset(&s->round);
    batch_begin(s, b);
    while (st == ST_OK && b->round_count)
        st = round_run(s, ctx, b);
    arena_reset(&s->round);
    return st;
}
