/* ops.h: the classes of operators, one file each, and what several of them need.   Layer: flow. */
#ifndef QW_FLOW_OPS_OPS_H
#define QW_FLOW_OPS_OPS_H

#include "flow/op.h"

extern const struct op_class op_calc, op_window, op_session_window, op_window_agg, op_group_agg, op_join,
    op_lookup, op_window_join, op_temporal_join, op_union, op_unnest, op_rank, op_window_rank, op_over, op_over_values,
    op_normalize, op_match;

/* Live rows of a chunk as physical rows; out has room for CHUNK_ROWS. */
static inline const uint16_t *chunk_rows(const struct chunk *in, uint16_t *out)
{
    if (in->sel)
        return in->sel;
    for (uint16_t i = 0; i < in->count; i++)
        out[i] = i;
    return out;
}

/* +1 and -1 by the kinds of rows[0..count-1]; NULL when no row of the chunk retracts. */
static inline const int8_t *chunk_weights(const struct chunk *in, const uint16_t *rows,
                                          uint16_t count, int8_t *out)
{
    if (!in->kinds)
        return NULL;
    for (uint16_t i = 0; i < count; i++)
        out[i] = row_kind_retracts(in->kinds[rows[i]]) ? -1 : 1;
    return out;
}

/* Division that rounds down, of time by a size above 0. */
static inline int64_t floor_to(int64_t v, int64_t size)
{
    int64_t rest = v % size;
    return v - rest - (rest < 0 ? size : 0);
}

#endif
