/* Filter, then projection. Columns that only pass through are not copied, a filter only narrows the
 * selection. Stateless: a retraction takes the way of the row it takes back. */
#include "flow/ops/ops.h"

static enum status calc_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                 int input, const struct chunk *in)
{
    const struct plan_calc *p = &node->calc;
    uint16_t sel[CHUNK_ROWS];
    struct chunk out = *in;

    (void)state;
    (void)input;
    if (p->filter) {
        TRY(expr_filter(p->filter, &ctx->expr, in, in->sel, in->count, sel, &out.count));
        out.sel = sel;
    }
    if (!out.count)
        return ST_OK;
    struct column *cols = ARENA_ARRAY(ctx->arena, struct column, node->columns_count + 1);
    for (uint16_t c = 0; c < node->columns_count; c++)
        TRY(expr_eval(p->exprs[c], &ctx->expr, in, out.sel, out.count, &cols[c]));
    out.cols = cols;
    out.col_count = node->columns_count;
    return op_emit(ctx, &out);
}

const struct op_class op_calc = {.name = "Calc", .on_chunk = calc_on_chunk};
