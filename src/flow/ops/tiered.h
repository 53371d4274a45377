/* tiered.h: what operators whose tables have a tier share. See store/state/tier.h and the hooks in flow/op.h.  Layer: flow. */
#ifndef QW_FLOW_OPS_TIERED_H
#define QW_FLOW_OPS_TIERED_H

#include "flow/op.h"
#include "store/state/tier.h"

/* The status of a call of the tier as a hook gives it: with what it waits for, or with what went wrong. */
static inline enum status tiered(struct op_ctx *ctx, const struct state_tier *tier, enum status st)
{
    if (st == ST_AGAIN)
        ctx->waits = tier->cold;
    if (st == ST_OK || st == ST_AGAIN || st == ST_END)
        return st;
    return diag_set(ctx->expr.diag, st, DIAG_INTERNAL, "state on disk: %s", cold_error(tier->cold));
}

static inline uint32_t tiered_part(const struct state_table *table, uint32_t percent)
{
    return (uint32_t)((uint64_t)state_count(table) * percent / 100);
}

#endif
