#include "flow/ops/match_values.h"

#include "base/check.h"

/* ---- rows of a run ---- */

/* The last row of a variable (MATCH_ALL: of any). */
static const struct match_link *last_of(const struct match_link *link, uint16_t variable)
{
    while (link && variable != MATCH_ALL && link->variable != variable)
        link = link->first->before;
    return link;
}

static uint64_t count_of(const struct match_link *link, uint16_t variable)
{
    uint64_t count = 0;

    for (link = last_of(link, variable); link; link = link->first->before) {
        count += link->number + 1;
        if (variable != MATCH_ALL)
            break;
    }
    return count;
}

/* So many rows before one; NULL: there are not so many (of its variable; MATCH_ALL: of the run). */
static const struct match_link *step_back(const struct match_link *link, uint16_t variable, uint64_t rows)
{
    while (link && rows > link->number) { /* whole variables */
        if (variable != MATCH_ALL)
            return NULL;
        rows -= link->number + 1;
        link = link->first->before;
    }
    if (link && rows == link->number)
        return link->first;
    for (; link && rows > 0; rows--)
        link = link->before;
    return link;
}

static const struct match_row *row_of(const struct match_link *link)
{
    return link ? link->row : NULL;
}

static const struct match_row *ref_row(const struct plan_match_ref *ref, const struct match_view *view)
{
    const struct match_link *last = last_of(view->last, ref->variable);
    uint64_t offset = ref->offset;

    if (!ref->first) {
        if (ref->current && offset == 0)
            return view->current;
        return row_of(step_back(last, ref->variable, offset - ref->current));
    }
    uint64_t count = count_of(view->last, ref->variable);
    if (offset < count)
        return row_of(step_back(last, ref->variable, count - 1 - offset));
    return ref->current && offset == count ? view->current : NULL;
}

/* ---- aggregates ---- */

static bool same_group(const struct plan_match_agg *a, const struct plan_match_agg *b)
{
    return a->variable == b->variable && a->current == b->current;
}

static enum status group_make(struct match_values *v, struct arena *arena, uint16_t first, uint16_t count,
                              struct diag *diag)
{
    struct match_aggs *g = &v->groups[v->groups_count];
    const struct plan_match_agg *like = &v->plan->aggs[v->order[first]];
    struct agg_call *calls = ARENA_ARRAY(arena, struct agg_call, count);

    *g = (struct match_aggs){.variable = like->variable, .first = first, .count = count, .current = like->current};
    for (uint16_t i = 0; i < count; i++)
        calls[i] = v->plan->aggs[v->order[first + i]].call;
    TRY(aggset_of_calls(&g->set, arena, calls, count, 0, diag));
    aggtable_init(&g->table, &g->set, 1);
    v->groups_count++;
    return ST_OK;
}

enum status match_values_make(struct match_values *v, struct arena *arena, const struct plan_match_values *plan,
                              const struct pack *pack, struct diag *diag)
{
    uint16_t n = plan->aggs_count, at = 0;
    uint8_t *done = ARENA_ARRAY(arena, uint8_t, n + 1u);

    *v = (struct match_values){.plan = plan, .pack = pack};
    v->order = ARENA_ARRAY(arena, uint16_t, n + 1u);
    v->groups = ARENA_ARRAY(arena, struct match_aggs, n + 1u);
    for (uint16_t i = 0; i < n; i++) {
        uint16_t first = at;
        for (uint16_t k = i; k < n && !done[i]; k++) {
            if (!same_group(&plan->aggs[i], &plan->aggs[k]))
                continue;
            v->order[at++] = k;
            done[k] = k > i;
        }
        if (at > first)
            TRY(group_make(v, arena, first, (uint16_t)(at - first), diag));
    }
    return ST_OK;
}

void match_values_free(struct match_values *v)
{
    for (uint16_t i = 0; i < v->groups_count; i++)
        aggtable_deinit(&v->groups[i].table, &v->groups[i].set);
}

/* Rows on their way into the groups of their views, in order. */
struct feed {
    const uint8_t *packed[CHUNK_ROWS];
    void *values[CHUNK_ROWS];
    uint16_t count;
};

static enum status feed_run(struct match_values *v, struct match_aggs *g, struct expr_ctx *ctx, struct feed *f)
{
    uint16_t rows[CHUNK_ROWS];
    struct agg_inputs inputs;

    if (!f->count)
        return ST_OK;
    for (uint16_t i = 0; i < f->count; i++)
        rows[i] = i;
    struct column *cols = ARENA_ARRAY(ctx->arena, struct column, v->pack->count + 1u);
    pack_read_all(v->pack, f->packed, f->count, ctx->arena, cols);
    struct chunk in = {.cols = cols, .count = f->count, .rows = f->count, .col_count = v->pack->count};
    TRY(aggset_eval(&g->set, ctx, &in, &inputs));
    aggtable_update(&g->table, &g->set, ctx->arena, &inputs, rows, NULL, f->values, f->count);
    f->count = 0;
    return ST_OK;
}

static enum status feed_add(struct match_values *v, struct match_aggs *g, struct expr_ctx *ctx, struct feed *f,
                            const struct match_row *row, void *value)
{
    if (f->count == CHUNK_ROWS)
        TRY(feed_run(v, g, ctx, f));
    f->packed[f->count] = row->packed;
    f->values[f->count++] = value;
    return ST_OK;
}

/* The variable's rows, the first first. */
static enum status feed_view(struct match_values *v, struct match_aggs *g, struct expr_ctx *ctx, struct feed *f,
                             const struct match_view *view, void *value)
{
    uint64_t count = count_of(view->last, g->variable);
    const struct match_row **rows = ARENA_ARRAY(ctx->arena, const struct match_row *, count + 1u);
    const struct match_link *link = last_of(view->last, g->variable);

    for (uint64_t i = count; i-- > 0; link = link->before)
        rows[i] = link->row;
    for (uint64_t i = 0; i < count; i++)
        TRY(feed_add(v, g, ctx, f, rows[i], value));
    return g->current ? feed_add(v, g, ctx, f, view->current, value) : ST_OK;
}

static enum status group_read(struct match_values *v, struct match_aggs *g, struct expr_ctx *ctx,
                              const struct match_view *views, uint16_t count, struct column *out)
{
    uint64_t ids[CHUNK_ROWS], hashes[CHUNK_ROWS];
    void *values[CHUNK_ROWS];
    uint8_t fresh[CHUNK_ROWS];
    struct feed *f = ARENA_NEW(ctx->arena, struct feed);
    struct state_keys keys = {.count = count, .words = 1, .fixed = ids, .hashes = hashes};
    enum status st = ST_OK;

    for (uint16_t i = 0; i < count; i++)
        ids[i] = i;
    state_hash(&keys, hashes);
    state_upsert(&g->table.groups, &keys, NULL, count, values, fresh);
    aggtable_start(&g->table, &g->set, values, fresh, count);
    for (uint16_t i = 0; i < count && st == ST_OK; i++)
        st = feed_view(v, g, ctx, f, &views[i], values[i]);
    if (st == ST_OK)
        st = feed_run(v, g, ctx, f);
    if (st == ST_OK) { /* copies, so that texts outlive the groups */
        void **copies = ARENA_ARRAY(ctx->arena, void *, count);
        bool *copied = ARENA_ARRAY(ctx->arena, bool, count);
        for (uint16_t i = 0; i < count; i++) {
            copies[i] = aggtable_copy(&g->table, &g->set, values[i], ctx->arena);
            copied[i] = true;
        }
        aggtable_results(&g->set, copies, copied, count, ctx->arena, out);
    }
    for (uint16_t i = 0; i < count; i++)
        aggtable_remove(&g->table, &g->set, values[i]);
    return st;
}

/* ---- columns ---- */

enum status match_values_read(struct match_values *v, struct expr_ctx *ctx, const struct match_view *views,
                              uint16_t count, const uint8_t *wanted, struct column *out)
{
    const struct plan_match_values *p = v->plan;
    const uint8_t *packed[CHUNK_ROWS];

    for (uint16_t c = 0; c < p->refs_count; c++) {
        if (wanted && !wanted[c])
            continue;
        for (uint16_t i = 0; i < count; i++) {
            const struct match_row *row = ref_row(&p->refs[c], &views[i]);
            packed[i] = row ? row->packed : NULL;
        }
        pack_read(v->pack, p->refs[c].column, packed, count, ctx->arena, &out[c]);
    }
    for (uint16_t k = 0; k < v->groups_count; k++) {
        struct match_aggs *g = &v->groups[k];
        bool any = !wanted;
        for (uint16_t i = 0; i < g->count && !any; i++)
            any = wanted[p->refs_count + v->order[g->first + i]];
        if (!any)
            continue;
        struct column *results = ARENA_ARRAY(ctx->arena, struct column, g->count);
        TRY(group_read(v, g, ctx, views, count, results));
        for (uint16_t i = 0; i < g->count; i++)
            out[p->refs_count + v->order[g->first + i]] = results[i];
    }
    return ST_OK;
}
