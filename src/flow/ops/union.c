/* UNION ALL: rows of all inputs as they come; the driver merges their watermarks. */
#include "flow/ops/ops.h"

static enum status union_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                  int input, const struct chunk *in)
{
    (void)node;
    (void)state;
    (void)input;
    return op_emit(ctx, in);
}

const struct op_class op_union = {.name = "Union", .on_chunk = union_on_chunk};
