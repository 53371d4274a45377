/* Checkpoints of a MATCH_RECOGNIZE: the watermark, then each key:
 *
 *   u rows seen
 *   u count, then rows that are held: time, origin, bytes      the first `waiting` of them wait
 *   u waiting
 *   u count, then links, each behind the one before it: u row, u variable, u link before + 1
 *   u count, then runs as their heap has them: u state, u link + 1, and of those that have begun u number, time
 *   the same of matches that wait
 */
#include "flow/ops/match_state.h"
#include "flow/ops/keyed.h"
#include "flow/ops/windows.h"

#include <stdlib.h>

#include "base/check.h"

/* ---- save ---- */

struct gathered {
    struct match_row **rows;
    struct match_link **links;
    uint32_t rows_count, links_count, rows_cap, links_cap;
};

static void gather_row(struct gathered *g, struct match_row *row)
{
    if (row->mark)
        return;
    if (g->rows_count == g->rows_cap) {
        g->rows_cap = g->rows_cap ? 2 * g->rows_cap : 64;
        g->rows = xrealloc(g->rows, g->rows_cap * sizeof(*g->rows));
    }
    g->rows[g->rows_count++] = row;
    row->mark = g->rows_count;
}

/* A link and those before it that are not there yet, the first first. */
static void gather_links(struct gathered *g, struct match_link *last)
{
    uint32_t fresh = 0, at;

    for (struct match_link *l = last; l && !l->mark; l = l->before)
        fresh++;
    if (g->links_count + fresh > g->links_cap) {
        g->links_cap = 2 * (g->links_count + fresh);
        g->links = xrealloc(g->links, g->links_cap * sizeof(*g->links));
    }
    g->links_count += fresh;
    at = g->links_count;
    for (struct match_link *l = last; l && !l->mark; l = l->before) {
        l->mark = at;
        g->links[--at] = l;
    }
    for (uint32_t i = g->links_count - fresh; i < g->links_count; i++)
        gather_row(g, g->links[i]->row);
}

static void gather_queue(struct gathered *g, const struct match_queue *q)
{
    for (uint32_t i = 0; i < q->count; i++)
        gather_links(g, q->items[i].last);
}

static void queue_save(const struct match_queue *q, struct buf *out)
{
    buf_uvarint(out, q->count);
    for (uint32_t i = 0; i < q->count; i++) {
        const struct match_run *run = &q->items[i];
        buf_uvarint(out, run->state);
        buf_uvarint(out, run->last ? run->last->mark : 0);
        if (run->begun == MATCH_NOT_BEGUN)
            continue;
        buf_uvarint(out, run->begun);
        buf_varint(out, run->begun_at);
    }
}

static void key_save(void *context, const void *value, struct buf *out)
{
    const struct match_key *key = keyed_piece(value);
    struct gathered g = {0};

    (void)context;
    for (struct sorted_at at = sorted_first(); sorted_get(&key->waiting, at); at = sorted_next(&key->waiting, at))
        gather_row(&g, sorted_get(&key->waiting, at));
    gather_queue(&g, &key->runs);
    gather_queue(&g, &key->ended);
    buf_uvarint(out, key->rows_seen);
    buf_uvarint(out, g.rows_count);
    for (uint32_t i = 0; i < g.rows_count; i++) {
        buf_varint(out, g.rows[i]->time);
        buf_uvarint(out, (uint64_t)g.rows[i]->origin.split);
        buf_varint(out, g.rows[i]->origin.offset);
        buf_sized(out, bytes_of(g.rows[i]->packed, g.rows[i]->size));
    }
    buf_uvarint(out, key->waiting.count);
    buf_uvarint(out, g.links_count);
    for (uint32_t i = 0; i < g.links_count; i++) {
        buf_uvarint(out, g.links[i]->row->mark - 1);
        buf_uvarint(out, g.links[i]->variable);
        buf_uvarint(out, g.links[i]->before ? g.links[i]->before->mark : 0);
    }
    queue_save(&key->runs, out);
    queue_save(&key->ended, out);
    for (uint32_t i = 0; i < g.rows_count; i++)
        g.rows[i]->mark = 0;
    for (uint32_t i = 0; i < g.links_count; i++)
        g.links[i]->mark = 0;
    free(g.rows);
    free(g.links);
}

void match_save(const struct match_op *s, struct snap_writer *w)
{
    buf_u64_le(&w->buf, (uint64_t)s->watermark);
    state_save(&s->table, w, key_save, NULL);
}

/* ---- load ---- */

struct loading {
    struct match_op *op;
    struct match_row **rows;   /* each with a user: this */
    struct match_link **links; /* likewise */
    uint64_t rows_count, links_count;
};

static bool rows_load(struct loading *l, struct match_key *key, struct reader *r)
{
    uint64_t count = reader_uvarint(r);

    if (r->bad || count > reader_left(r))
        return false;
    l->rows = xcalloc(count + 1, sizeof(*l->rows));
    for (uint64_t i = 0; i < count; i++) {
        int64_t time = reader_varint(r);
        struct origin origin = {.split = (int64_t)reader_uvarint(r)};
        origin.offset = reader_varint(r);
        struct bytes packed = reader_sized(r);
        if (r->bad || !pack_check(&l->op->pack, packed.ptr, packed.len) || time > WINDOW_TIME_MOST ||
            time < -WINDOW_TIME_MOST)
            return false;
        l->rows[l->rows_count++] = match_op_row(l->op, key, packed, time, origin);
    }
    uint64_t waiting = reader_uvarint(r);
    if (r->bad || waiting > count)
        return false;
    for (uint64_t i = 0; i < waiting; i++) {
        l->rows[i]->users++;
        match_op_wait(l->op, l->rows[i]);
    }
    return true;
}

/* A link's variable is that of the one before it, or a later one. */
static bool links_load(struct loading *l, struct reader *r)
{
    uint64_t count = reader_uvarint(r);

    if (r->bad || count > reader_left(r))
        return false;
    l->links = xcalloc(count + 1, sizeof(*l->links));
    for (uint64_t i = 0; i < count; i++) {
        uint64_t row = reader_uvarint(r), variable = reader_uvarint(r), before = reader_uvarint(r);
        if (r->bad || row >= l->rows_count || variable >= l->op->plan->variables_count || before > i)
            return false;
        struct match_link *link = before ? l->links[before - 1] : NULL;
        if (link && link->variable > variable)
            return false;
        l->links[l->links_count++] = match_link_new(&l->op->runs, link, l->rows[row], (uint16_t)variable);
    }
    return true;
}

static uint64_t rows_of(const struct match_link *last)
{
    uint64_t rows = 0;

    for (; last; last = last->first->before)
        rows += last->number + 1;
    return rows;
}

/* The state is one that a run with such a last row can be in, and its numbers are of rows that were seen. */
static bool run_fits(const struct match_op *s, const struct match_key *key, const struct match_run *run, bool ended)
{
    const struct match_nfa *nfa = &s->runs.nfa;

    if (run->state >= nfa->count || ended != (run->state == nfa->end))
        return false;
    if (!ended && nfa->states[run->state].variable < run->last->variable)
        return false;
    return run->begun < key->rows_seen && rows_of(run->last) <= key->rows_seen - run->begun &&
           run->begun_at <= WINDOW_TIME_MOST && run->begun_at >= -WINDOW_TIME_MOST;
}

static bool queue_load(struct loading *l, struct match_key *key, struct match_queue *q, struct reader *r)
{
    uint64_t count = reader_uvarint(r);
    bool ended = q == &key->ended, started = ended;

    q->count = 0; /* the start is among them */
    for (uint64_t i = 0; i < count && !r->bad; i++) {
        uint64_t state = reader_uvarint(r), last = reader_uvarint(r);
        struct match_run run = {.state = (uint32_t)state, .begun = MATCH_NOT_BEGUN};
        if (r->bad || state > UINT32_MAX || last > l->links_count)
            return false;
        if (last) {
            run.last = l->links[last - 1];
            run.begun = reader_uvarint(r);
            run.begun_at = reader_varint(r);
        }
        if (r->bad || (!last && (started || run.state != l->op->runs.nfa.start)) ||
            (last && !run_fits(l->op, key, &run, ended)))
            return false;
        started |= !last;
        if (run.last)
            run.last->users++;
        match_key_put(&l->op->runs, key, q, run);
    }
    return !r->bad && started;
}

static void loading_free(struct loading *l)
{
    for (uint64_t i = 0; i < l->links_count; i++)
        match_link_release(&l->op->runs, l->links[i]);
    for (uint64_t i = 0; i < l->rows_count; i++)
        match_row_release(&l->op->runs, l->rows[i]);
    free(l->rows);
    free(l->links);
}

static bool key_load(void *context, void *value, struct reader *r)
{
    struct match_op *s = context;
    struct loading l = {.op = s};

    if (keyed_piece(value)) /* twice */
        return false;
    struct match_key *key = match_op_key(s, value);
    key->rows_seen = reader_uvarint(r);
    bool good = !r->bad && key->rows_seen < MATCH_NOT_BEGUN / 2 && rows_load(&l, key, r) && links_load(&l, r) &&
                queue_load(&l, key, &key->runs, r) && queue_load(&l, key, &key->ended, r) && !reader_left(r);
    loading_free(&l);
    if (good) {
        match_key_due(&s->runs, key);
        match_op_timer(s, key, INT64_MAX);
    }
    return good;
}

enum status match_load(struct match_op *s, struct op_ctx *ctx, struct reader *r)
{
    struct state_mine mine = {ctx->shard, ctx->shards};

    s->watermark = op_load_time(ctx, s->watermark, (int64_t)reader_u64_le(r));
    return state_load(&s->table, r, &mine, key_load, s);
}
