/* TUMBLE, HOP and CUMULATE as table functions: each row once for each of its windows, with
 * window_start, window_end and window_time behind its columns.
 *
 * Stateless. A row of n windows is passed on in n chunks that share its columns. Whether a row is
 * late is not asked here but by the aggregation above, as in Flink. */
#include "flow/ops/ops.h"

#include "base/check.h"
#include "flow/ops/windows.h"

static enum status window_open(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    return windows_make(state, &node->window, node->inputs[0].node, &ctx->expr);
}

/* Emits the n-th window of each row that has as many. */
static enum status window_emit(const struct plan_node *node, const struct windows *w,
                               struct op_ctx *ctx, const struct chunk *in, const int64_t *times,
                               uint16_t nth, bool *more)
{
    uint16_t *sel = arena_alloc(ctx->arena, 2 * CHUNK_ROWS), count = 0;
    int64_t *starts = arena_alloc(ctx->arena, 8u * (in->rows + 1u));
    int64_t *ends = arena_alloc(ctx->arena, 8u * (in->rows + 1u));
    int64_t *last = arena_alloc(ctx->arena, 8u * (in->rows + 1u));
    struct column *cols = ARENA_ARRAY(ctx->arena, struct column, node->columns_count);

    for (uint16_t i = 0; i < in->count; i++) {
        uint16_t row = chunk_row(in, i);
        if (!windows_nth(w, times[row], nth, &starts[row], &ends[row]))
            continue;
        last[row] = windows_last_time(w->zone, ends[row]);
        sel[count++] = row;
    }
    *more = count != 0;
    CHECK(node->columns_count == in->col_count + 3);
    memcpy(cols, in->cols, sizeof(*cols) * in->col_count);
    cols[in->col_count] = (struct column){.data = starts};
    cols[in->col_count + 1] = (struct column){.data = ends};
    cols[in->col_count + 2] = (struct column){.data = last};
    struct chunk out = *in;
    out.cols = cols;
    out.col_count = node->columns_count;
    out.sel = sel;
    out.count = count;
    return count ? op_emit(ctx, &out) : ST_OK;
}

static enum status window_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                   int input, const struct chunk *in)
{
    const struct windows *w = state;
    const int64_t *times;
    bool more = true;

    (void)input;
    TRY(windows_times(w, ctx, in, &times));
    for (uint16_t nth = 0; more && nth < windows_most(w); nth++)
        TRY(window_emit(node, w, ctx, in, times, nth, &more));
    return ST_OK;
}

const struct op_class op_window = {.name = "WindowTableFunction",
                                   .state_size = sizeof(struct windows),
                                   .open = window_open,
                                   .on_chunk = window_on_chunk};
