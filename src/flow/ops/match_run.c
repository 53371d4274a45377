#include "flow/ops/match_run.h"

#include <stdlib.h>

#include "base/check.h"

/* ---- rows and links ---- */

void match_row_release(struct match_runs *r, struct match_row *row)
{
    CHECK(row->users > 0);
    if (--row->users)
        return;
    heap_free(&r->heap, row, sizeof(*row) + row->size);
    r->rows--;
}

struct match_link *match_link_new(struct match_runs *r, struct match_link *before, struct match_row *row,
                                  uint16_t variable)
{
    struct match_link *link = heap_alloc(&r->heap, sizeof(*link));
    bool goes_on = before && before->variable == variable;

    *link = (struct match_link){.before = before, .row = row, .users = 1, .variable = variable};
    link->first = goes_on ? before->first : link;
    link->number = goes_on ? before->number + 1 : 0;
    row->users++;
    if (before)
        before->users++;
    r->links++;
    return link;
}

void match_link_release(struct match_runs *r, struct match_link *link)
{
    while (link) {
        CHECK(link->users > 0);
        if (--link->users)
            return;
        struct match_link *before = link->before;
        match_row_release(r, link->row);
        heap_free(&r->heap, link, sizeof(*link));
        r->links--;
        link = before;
    }
}

/* ---- queues ---- */

static void queue_reserve(struct match_runs *r, struct match_queue *q, uint32_t cap)
{
    if (cap <= q->cap)
        return;
    cap = cap < 4 ? 4 : cap < 2 * q->cap ? 2 * q->cap : cap;
    struct match_run *items = heap_alloc(&r->heap, cap * sizeof(*items));
    if (q->count)
        memcpy(items, q->items, q->count * sizeof(*items));
    if (q->cap)
        heap_free(&r->heap, q->items, q->cap * sizeof(*items));
    q->items = items;
    q->cap = cap;
}

static void queue_free(struct match_runs *r, struct match_queue *q)
{
    if (q->cap)
        heap_free(&r->heap, q->items, q->cap * sizeof(*q->items));
    *q = (struct match_queue){0};
}

static void sift_up(struct match_queue *q, uint32_t at, struct match_run run)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / 2;
        if (run.begun >= q->items[parent].begun)
            break;
        q->items[at] = q->items[parent];
        at = parent;
    }
    q->items[at] = run;
}

static void sift_down(struct match_queue *q, uint32_t at, struct match_run run)
{
    while (at < q->count / 2) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < q->count && q->items[child].begun > q->items[child + 1].begun)
            child++;
        if (run.begun <= q->items[child].begun)
            break;
        q->items[at] = q->items[child];
        at = child;
    }
    q->items[at] = run;
}

static void queue_put(struct match_runs *r, struct match_queue *q, struct match_run run)
{
    queue_reserve(r, q, q->count + 1);
    sift_up(q, q->count++, run);
}

static struct match_run queue_take(struct match_queue *q)
{
    struct match_run first = q->items[0], last = q->items[--q->count];

    if (q->count)
        sift_down(q, 0, last);
    return first;
}

/* It becomes what r->next is, which is empty then; with no more room than it needs soon. */
static void queue_become(struct match_runs *r, struct match_queue *q)
{
    if (q->cap > 4 * r->next.count + 8)
        queue_free(r, q);
    q->count = 0;
    queue_reserve(r, q, r->next.count);
    memcpy(q->items, r->next.items, r->next.count * sizeof(*q->items));
    q->count = r->next.count;
    r->next.count = 0;
}

/* Drops the runs that began before a number, and orders the others anew. */
static void queue_drop(struct match_runs *r, struct match_queue *q, uint64_t begun_below, bool counted)
{
    uint32_t kept = 0, before = q->count;

    for (uint32_t i = 0; i < before; i++) {
        if (q->items[i].begun < begun_below) {
            match_link_release(r, q->items[i].last);
            r->count -= counted;
        } else {
            q->items[kept++] = q->items[i];
        }
    }
    q->count = kept;
    if (kept == before)
        return;
    for (uint32_t i = kept / 2; i-- > 0;)
        sift_down(q, i, q->items[i]);
}

/* ---- keys ---- */

void match_key_put(struct match_runs *r, struct match_key *key, struct match_queue *queue, struct match_run run)
{
    queue_put(r, queue, run);
    r->count += queue == &key->runs && run.begun != MATCH_NOT_BEGUN;
}

void match_key_init(struct match_runs *r, struct match_key *key)
{
    *key = (struct match_key){.deadline = INT64_MAX, .batch_row = MATCH_LAST_OF_KEY};
    queue_put(r, &key->runs, (struct match_run){.state = r->nfa.start, .begun = MATCH_NOT_BEGUN});
}

void match_key_deinit(struct match_runs *r, struct match_key *key)
{
    queue_drop(r, &key->runs, MATCH_NOT_BEGUN, true);
    queue_drop(r, &key->ended, MATCH_NOT_BEGUN, false);
    queue_free(r, &key->runs);
    queue_free(r, &key->ended);
}

bool match_key_idle(const struct match_key *key)
{
    return key->runs.count == 1 && key->ended.count == 0 && key->waiting.count == 0;
}

/* The runs' heap has the earliest at its top. */
void match_key_due(struct match_runs *r, struct match_key *key)
{
    const struct match_run *first = &key->runs.items[0];

    CHECK(key->runs.count > 0);
    key->deadline = !r->plan->within_us || first->begun == MATCH_NOT_BEGUN ? INT64_MAX
                                                                          : first->begun_at + r->plan->within_us;
}

/* ---- matches ---- */

static void found_add(struct matches *found, struct match_found match)
{
    if (found->count == found->cap) {
        found->cap = found->cap ? 2 * found->cap : 64;
        found->items = xrealloc(found->items, found->cap * sizeof(*found->items));
    }
    match.turn = found->count;
    found->items[found->count++] = match;
}

/* The nth number of the run's rows from its last, counted from 0. */
static uint64_t rows_of(const struct match_link *last)
{
    uint64_t rows = 0;

    for (; last; last = last->first->before)
        rows += last->number + 1;
    return rows;
}

/* All that began before this number is skipped; 0 with an error. Rows of a match follow one another. */
static enum status skip_below(const struct match_runs *r, const struct match_run *match, uint64_t *out,
                              struct diag *diag)
{
    const struct plan_match *p = r->plan;
    const struct match_link *at = match->last;
    uint64_t behind = 0;

    if (p->skip == SKIP_TO_NEXT || p->skip == SKIP_PAST_LAST) {
        *out = match->begun + (p->skip == SKIP_TO_NEXT ? 1 : rows_of(match->last));
        return ST_OK;
    }
    for (; at && at->variable != p->skip_to; at = at->first->before)
        behind += at->number + 1;
    if (!at)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "AFTER MATCH SKIP TO %.*s: a match has no row of this variable",
                        BYTES_FMT(p->variables[p->skip_to].name));
    if (p->skip == SKIP_TO_FIRST)
        behind += at->number;
    *out = match->begun + rows_of(match->last) - 1 - behind;
    if (*out == match->begun)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "AFTER MATCH SKIP TO %.*s would go to the first row of the match, and find it for ever",
                        BYTES_FMT(p->variables[p->skip_to].name));
    return ST_OK;
}

/* Matches that no earlier run can overtake, the earliest first. */
static enum status take_ended(struct match_runs *r, struct match_key *key, int64_t time, uint32_t place,
                              struct matches *found, struct diag *diag)
{
    while (key->ended.count) {
        uint64_t below = 0;
        if (key->runs.count && key->ended.items[0].begun > key->runs.items[0].begun)
            break;
        struct match_run match = queue_take(&key->ended);
        found_add(found, (struct match_found){.last = match.last, .time = time, .place = place});
        TRY(skip_below(r, &match, &below, diag));
        queue_drop(r, &key->runs, below, true);
        queue_drop(r, &key->ended, below, false);
    }
    return ST_OK;
}

enum status match_advance(struct match_runs *r, struct match_key *key, int64_t time, uint32_t place,
                          struct matches *found, struct diag *diag)
{
    if (key->deadline > time)
        return ST_OK;
    for (uint32_t i = 0; i < key->runs.count; i++) {
        const struct match_run *run = &key->runs.items[i];
        if (run->begun == MATCH_NOT_BEGUN || run->begun_at + r->plan->within_us > time) {
            queue_put(r, &r->next, *run);
            continue;
        }
        match_link_release(r, run->last);
        r->count--;
    }
    queue_become(r, &key->runs);
    enum status st = take_ended(r, key, time, place, found, diag);
    match_key_due(r, key);
    return st;
}

/* ---- a row ---- */

/* `from` is the run itself, with where it began. */
static void step_run(struct match_runs *r, struct match_run from, struct match_row *row,
                     const struct match_step *step)
{
    from.last = match_link_new(r, from.last, row, step->variable);
    from.state = step->to;
    if (step->to != r->nfa.end) {
        queue_put(r, &r->next, from);
        r->count++;
    }
    if (step->to != r->nfa.end && step->ends) {
        from.state = r->nfa.end;
        from.last->users++;
    }
    if (from.state == r->nfa.end)
        queue_put(r, &r->ended, from);
}

static void step_runs(struct match_runs *r, const struct match_key *key, struct match_row *row,
                      const struct match_steps *steps)
{
    uint64_t number = key->rows_seen;

    for (uint32_t i = 0; i < key->runs.count; i++) {
        struct match_run run = key->runs.items[i];
        bool starts = run.begun == MATCH_NOT_BEGUN;
        if (starts)
            run.begun = number, run.begun_at = row->time;
        for (uint32_t k = 0; k < steps[i].count; k++)
            step_run(r, run, row, &steps[i].items[k]);
        if (starts) {
            queue_put(r, &r->next, key->runs.items[i]);
        } else {
            match_link_release(r, run.last);
            r->count--;
        }
    }
}

enum status match_apply(struct match_runs *r, struct match_key *key, struct match_row *row,
                        const struct match_steps *steps, uint32_t place, struct matches *found, struct diag *diag)
{
    step_runs(r, key, row, steps);
    key->rows_seen++;
    queue_become(r, &key->runs);
    for (uint32_t i = 0; i < r->ended.count; i++)
        queue_put(r, &key->ended, r->ended.items[i]);
    r->ended.count = 0;
    enum status st = take_ended(r, key, row->time, place, found, diag);
    match_key_due(r, key);
    if (st == ST_OK && key->runs.count > MATCH_RUNS_MAX)
        st = diag_set(diag, ST_NOSPACE, DIAG_LIMIT,
                      "MATCH_RECOGNIZE: a partition has more than %d partial matches; bound them with WITHIN, "
                      "narrower conditions in DEFINE, or AFTER MATCH SKIP PAST LAST ROW", MATCH_RUNS_MAX);
    return st;
}
