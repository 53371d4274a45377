#include "flow/sources/nexmark_rows.h"

#include <stdlib.h>

#include "base/check.h"

enum { PROGRESS_CHUNKS = 64 }; /* between two calls of on_progress: some milliseconds */

static void column_make(const struct nexmark_column *how, const struct nexmark_run *run,
                        struct column *out)
{
    *out = (struct column){0};
    if (how->part == NEXMARK_EVENT_TYPE) {
        out->data = nexmark_event_types(run);
        return;
    }
    struct column *children = ARENA_ARRAY(run->arena, struct column, how->fields_count + 1);
    out->valid = nexmark_valid(run, how->part);
    out->children = children;
    for (uint16_t f = 0; f < how->fields_count; f++)
        children[f] = (struct column){.data = nexmark_field(run, how->fields[f]),
                                      .valid = out->valid};
}

void nexmark_chunk_make(const struct nexmark_gen *gen, const struct nexmark_column *columns,
                        uint16_t columns_count, int64_t first, int64_t stride, uint16_t count,
                        struct arena *arena, struct column *out)
{
    struct nexmark_run run;

    CHECK(count <= CHUNK_ROWS);
    nexmark_run_init(&run, gen, first, stride, count, arena);
    for (uint16_t c = 0; c < columns_count; c++)
        column_make(&columns[c], &run, &out[c]);
}

static uint16_t chunk_rows(int64_t left)
{
    return left < CHUNK_ROWS ? (uint16_t)left : CHUNK_ROWS;
}

/* From what one chunk takes, before the others are made. */
static enum status check_room(const struct nexmark_rows_plan *plan, int64_t chunks, struct diag *diag)
{
    struct column cols[NEXMARK_COLUMNS_MAX];
    struct arena arena;

    arena_init(&arena, ARENA_BUDGET_NONE);
    nexmark_chunk_make(plan->gen, plan->columns, plan->columns_count, plan->first, plan->stride,
                       chunk_rows(plan->count), &arena, cols);
    uint64_t need = (uint64_t)chunks * (arena.used_bytes + sizeof(cols));
    arena_deinit(&arena);
    if (!plan->bytes_max || need <= plan->bytes_max)
        return ST_OK;
    diag_set(diag, ST_NOSPACE, DIAG_LIMIT,
             "the columns that the query reads take about %llu MB for %lld events, and there is room for "
             "%llu MB", (unsigned long long)(need >> 20), (long long)plan->count,
             (unsigned long long)(plan->bytes_max >> 20));
    diag_hint(diag, "about %lld events fit", (long long)((double)plan->count *
                                                         (double)plan->bytes_max / (double)need));
    return ST_NOSPACE;
}

enum status nexmark_rows_make(struct nexmark_rows *rows, const struct nexmark_rows_plan *plan,
                              struct diag *diag)
{
    int64_t chunks = (plan->count + CHUNK_ROWS - 1) / CHUNK_ROWS;

    CHECK(plan->columns_count <= NEXMARK_COLUMNS_MAX);
    *rows = (struct nexmark_rows){.count = plan->count, .columns_count = plan->columns_count};
    arena_init(&rows->arena, ARENA_BUDGET_NONE);
    TRY(check_room(plan, chunks, diag));
    rows->cols = xcalloc((size_t)chunks * plan->columns_count + 1, sizeof(*rows->cols));
    for (int64_t c = 0; c < chunks; c++) {
        int64_t at = c * CHUNK_ROWS;
        if (plan->on_progress && c % PROGRESS_CHUNKS == 0 &&
            !plan->on_progress(plan->context, at, plan->count))
            return diag_set(diag, ST_CLOSED, DIAG_STATE, "stopped while the rows were made");
        nexmark_chunk_make(plan->gen, plan->columns, plan->columns_count,
                           plan->first + at * plan->stride, plan->stride,
                           chunk_rows(plan->count - at), &rows->arena,
                           &rows->cols[c * plan->columns_count]);
    }
    return ST_OK;
}

void nexmark_rows_free(struct nexmark_rows *rows)
{
    arena_deinit(&rows->arena);
    free(rows->cols);
    *rows = (struct nexmark_rows){0};
}

struct chunk nexmark_rows_at(const struct nexmark_rows *rows, int64_t position, int64_t most,
                             uint16_t sel[CHUNK_ROWS])
{
    int64_t c = position / CHUNK_ROWS, base = c * CHUNK_ROWS;
    uint16_t from = (uint16_t)(position - base);
    int64_t here = chunk_rows(rows->count - base) - from;
    uint16_t count = (uint16_t)(most < here ? most : here);
    struct chunk chunk = {.cols = &rows->cols[c * rows->columns_count], .count = count,
                          .rows = (uint16_t)(from + count), .col_count = rows->columns_count};

    CHECK(position < rows->count && most > 0);
    for (uint16_t i = 0; from && i < count; i++)
        sel[i] = (uint16_t)(from + i);
    chunk.sel = from ? sel : NULL;
    return chunk;
}
