/* sink_answer.c: the answer of a SELECT: the changelog folded, put in order, cut.
 *
 * Rows that only come in are kept as chunks in their order; a changelog is folded in a rowset. The
 * order is made when the answer is taken.
 */
#include <stdlib.h>

#include "base/check.h"
#include "data/builder.h"
#include "data/compare.h"
#include "flow/gather.h"
#include "flow/inner.h"
#include "flow/rowset.h"
#include "flow/sinks.h"

struct answer {
    struct sink base;
    const struct plan_node *node;
    struct arena arena; /* of kept chunks */
    struct chunk **chunks;
    uint32_t chunks_count, chunks_cap;
    uint64_t rows;
    const struct type **types;
    bool folds;
    struct rowset set;
};

static enum status answer_open(const struct plan_node *node, struct sink_env *env,
                               struct sink **out, struct diag *diag)
{
    struct answer *a = xcalloc(1, sizeof(*a));
    const struct plan_node *input = node->inputs[0].node;
    a->base = (struct sink){&sink_answer_class, env};
    a->node = node;
    a->folds = input->changes != 0;
    arena_init(&a->arena, ARENA_BUDGET_NONE);
    a->types = ARENA_ARRAY(&a->arena, const struct type *, input->columns_count + 1);
    for (uint16_t c = 0; c < input->columns_count; c++)
        a->types[c] = input->columns[c].type;
    if (a->folds) {
        bool keyed = node->sink.upsert_key_count && !(input->changes & CHANGE_UPDATE_BEFORE);
        enum status st = rowset_init(&a->set, input, NULL, input->columns_count,
                                     keyed ? node->sink.upsert_key : NULL,
                                     keyed ? node->sink.upsert_key_count : 0, diag);
        if (st != ST_OK) {
            arena_deinit(&a->arena);
            free(a);
            return st;
        }
    }
    *out = &a->base;
    return ST_OK;
}

static enum status answer_chunk(struct sink *sink, const struct chunk *in)
{
    struct answer *a = (struct answer *)sink;
    if (a->folds) {
        rowset_apply(&a->set, in, NULL, NULL);
        return ST_OK;
    }
    if (a->chunks_count == a->chunks_cap) {
        a->chunks_cap = a->chunks_cap ? a->chunks_cap * 2 : 16;
        a->chunks = xrealloc(a->chunks, a->chunks_cap * sizeof(*a->chunks));
    }
    a->chunks[a->chunks_count++] = chunk_keep(&a->arena, in, a->types);
    a->rows += in->count;
    return ST_OK;
}

static enum status answer_tick_end(struct sink *sink)
{
    struct answer *a = (struct answer *)sink;
    if (a->folds)
        rowset_sweep(&a->set);
    return ST_OK;
}

static void answer_measure(struct sink *sink, uint64_t *rows, uint64_t *bytes)
{
    const struct answer *a = (const struct answer *)sink;
    *rows = a->folds ? a->set.live : a->rows;
    *bytes = a->arena.used_bytes + a->chunks_cap * sizeof(*a->chunks) + (a->folds ? rowset_bytes(&a->set) : 0);
}

static void answer_close(struct sink *sink)
{
    struct answer *a = (struct answer *)sink;
    if (a->folds)
        rowset_deinit(&a->set);
    arena_deinit(&a->arena);
    free(a->chunks);
    free(a);
}

/* The answer lives in memory only: it is moved, not saved, when a job is checked or resharded. */
const struct sink_class sink_answer_class = {
    .connector = "answer", .single = true,
    .open = answer_open, .on_chunk = answer_chunk, .on_tick_end = answer_tick_end,
    .measure = answer_measure, .close = answer_close,
};

bool answer_full(const struct sink *sink)
{
    const struct answer *a = (const struct answer *)sink;
    const struct plan_sink *plan = &a->node->sink;
    return !a->folds && plan->limit >= 0 && plan->order_count == 0 &&
           a->rows >= (uint64_t)(plan->skip + plan->limit);
}

/* ---- taking it ---- */

struct row_at {
    const struct chunk *chunk;
    uint16_t row;
    uint32_t place; /* before sorting: equal rows keep their order */
};


static int order_rows(const void *x, const void *y, void *context)
{
    const struct answer *a = context;
    const struct row_at *one = x, *two = y;
    for (uint16_t i = 0; i < a->node->sink.order_count; i++) {
        const struct plan_sort_key *key = &a->node->sink.order[i];
        const struct column *c1 = &one->chunk->cols[key->column];
        const struct column *c2 = &two->chunk->cols[key->column];
        bool n1 = !column_valid(c1, one->row), n2 = !column_valid(c2, two->row);
        int order;
        if (n1 || n2)
            order = n1 == n2 ? 0 : (n1 == key->nulls_last ? 1 : -1);
        else
            order = column_compare(a->types[key->column], c1, one->row, c2, two->row) *
                    (key->descending ? -1 : 1);
        if (order)
            return order;
    }
    return one->place < two->place ? -1 : one->place > two->place;
}

static void fold_chunks(struct answer *a)
{
    struct rowset_at at = {0};
    const struct rowset_row *last;
    rowset_sweep(&a->set);
    for (;;) {
        struct chunk *chunk = ARENA_NEW(&a->arena, struct chunk);
        if (!rowset_read(&a->set, &at, CHUNK_ROWS, &a->arena, chunk, &last))
            return;
        if (a->chunks_count == a->chunks_cap) {
            a->chunks_cap = a->chunks_cap ? a->chunks_cap * 2 : 16;
            a->chunks = xrealloc(a->chunks, a->chunks_cap * sizeof(*a->chunks));
        }
        a->chunks[a->chunks_count++] = chunk;
        a->rows += chunk->count;
    }
}

static struct row_at *answer_rows(struct answer *a)
{
    struct row_at *rows = xcalloc(a->rows + 1, sizeof(*rows));
    uint32_t n = 0;
    for (uint32_t c = 0; c < a->chunks_count; c++)
        for (uint16_t i = 0; i < a->chunks[c]->count; i++, n++)
            rows[n] = (struct row_at){a->chunks[c], chunk_row(a->chunks[c], i), n};
    if (a->node->sink.order_count)
        qsort_r(rows, a->rows, sizeof(*rows), order_rows, a);
    return rows;
}

static void answer_emit(const struct row_at *rows, uint64_t count,
                        struct engine_result *out)
{
    uint32_t chunks = (uint32_t)((count + CHUNK_ROWS - 1) / CHUNK_ROWS);
    out->chunks = ARENA_ARRAY(&out->arena, struct chunk, chunks + 1);
    for (uint64_t at = 0; at < count; at += CHUNK_ROWS) {
        struct chunk_builder b;
        uint64_t end = at + CHUNK_ROWS < count ? at + CHUNK_ROWS : count;
        chunk_builder_init_schema(&b, &out->arena, &out->schema, (uint16_t)(end - at));
        chunk_builder_own_text(&b, true);
        for (uint64_t i = at; i < end; i++)
            chunk_builder_append(&b, rows[i].chunk, rows[i].row, ROW_INSERT);
        out->chunks[out->chunks_count++] = chunk_builder_done(&b);
    }
    out->rows = count;
}

void answer_take(struct sink *sink, struct engine_result *out)
{
    struct answer *a = (struct answer *)sink;
    const struct plan_node *input = a->node->inputs[0].node;
    uint16_t shown = (uint16_t)(input->columns_count - a->node->sink.hidden);
    struct type_field *fields = ARENA_ARRAY(&out->arena, struct type_field, shown + 1);
    for (uint16_t c = 0; c < shown; c++) {
        fields[c].name = arena_copy(&out->arena, a->node->columns_count > c && a->node->columns[c].name.len
                                                     ? a->node->columns[c].name
                                                     : input->columns[c].name);
        fields[c].type = type_copy(&out->arena, input->columns[c].type);
    }
    out->schema = (struct schema){shown, fields};
    if (a->folds)
        fold_chunks(a);
    struct row_at *rows = answer_rows(a);
    uint64_t skip = a->node->sink.skip > 0 ? (uint64_t)a->node->sink.skip : 0;
    skip = skip < a->rows ? skip : a->rows;
    uint64_t count = a->rows - skip;
    if (a->node->sink.limit >= 0 && (uint64_t)a->node->sink.limit < count)
        count = (uint64_t)a->node->sink.limit;
    answer_emit(rows + skip, count, out);
    free(rows);
}
