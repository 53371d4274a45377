/* agg.h: aggregate functions over a changelog: accumulate, retract, merge, value.
 *
 * The state of one call for one key is `state_size` bytes, aligned to 8, that may be copied with
 * memcpy and written to a checkpoint as it is: it holds no pointers. What needs more (DISTINCT, MIN and
 * MAX over retractions, text MIN/MAX) is marked `needs_values`: the operator keeps the multiset of
 * values itself and calls agg_value_of with it; see flow/.   Layer: data.
 */
#ifndef QW_DATA_AGG_H
#define QW_DATA_AGG_H

#include "data/expr.h"

enum agg_kind {
    AGG_COUNT_STAR,
    AGG_COUNT,
    AGG_SUM,
    AGG_SUM0,
    AGG_AVG,
    AGG_MIN,
    AGG_MAX,
    AGG_FIRST_VALUE,
    AGG_LAST_VALUE,
    /* of lists of values, which the operator keeps: LISTAGG gives a text, ARRAY_AGG an ARRAY,
                 * COLLECT a MULTISET, LAG the value some places before the last */
    AGG_LISTAGG,
    AGG_ARRAY_AGG,
    AGG_COLLECT,
    AGG_LAG,
    /* of rows that come in the order of arg: one more than the rows, or values, before */
    AGG_RANK,
    AGG_DENSE_RANK
};

/* One call in a query: SUM(DISTINCT x) FILTER (WHERE c). */
struct agg_call {
    enum agg_kind kind;
    bool distinct;
    bool ignore_nulls;           /* of ARRAY_AGG and LAG */
    const struct expr *arg;      /* NULL for COUNT(*) */
    const struct expr *filter;   /* NULL: none */
    const struct type *type;     /* of the result, by Flink's rules */
    struct bytes separator;      /* of LISTAGG */
    int32_t offset;              /* of LAG: how many places back */
    const struct expr *missing;  /* of LAG: a literal, where there are not so many rows; NULL: NULL */
};

/* Chooses kind and result type by name; the argument is cast where Flink does. False with a diag. */
bool agg_bind(struct arena *arena, struct bytes name, const struct expr *arg, bool star,
              bool distinct, const struct expr *filter, struct agg_call *out, struct diag *diag);
/* The further arguments, all literals: LISTAGG's separator, LAG's offset and default. False with a diag. */
bool agg_bind_more(struct arena *arena, struct agg_call *call, const struct expr **args, uint16_t count,
                   struct diag *diag);
bool agg_exists(struct bytes name);
/* It may be told IGNORE NULLS or RESPECT NULLS. */
bool agg_takes_nulls(enum agg_kind kind);
/* Whether two calls over the same argument give the same. */
bool agg_call_same(const struct agg_call *a, const struct agg_call *b);
/* Its result follows the order in which rows come. */
bool agg_is_ordered(enum agg_kind kind);
/* Only with OVER (…): LAG, RANK, DENSE_RANK. */
bool agg_needs_over(enum agg_kind kind);
/* It counts by the order of its argument: RANK, DENSE_RANK. */
bool agg_is_rank(enum agg_kind kind);
/* Its result is made of all its values. */
bool agg_is_list(enum agg_kind kind);
const char *agg_name(enum agg_kind kind);

/* Bytes of state of one call, 8-aligned; the number counts for kernels below. */
uint32_t agg_state_size(const struct agg_call *call);
void agg_init(const struct agg_call *call, void *state);

/* One step for many rows: row rows[i] of col (the evaluated argument; ignored for COUNT(*)) goes to
 * states[i] + state_pos, with weight +1, or -1 where the row retracts (weights NULL: all +1). NULL
 * arguments are skipped as SQL has it. MIN and MAX take only +1 here. */
void agg_update(const struct agg_call *call, uint32_t state_pos, void *const *states,
                const struct column *col, const uint16_t *rows, const int8_t *weights,
                uint16_t count);

/* state += other: two parts of the same key (slices of a hopping window, shards). */
void agg_merge(const struct agg_call *call, void *state, const void *other);

/* The result; false: NULL. Text results point into the state's owner. */
bool agg_value(const struct agg_call *call, const void *state, union value *out);

/* The result from the values themselves: value i (count of them) occurs counts[i] times (NULL: once each;
 * those below 1 do not count; DISTINCT takes each once). Order matters to FIRST and LAST only: as the rows
 * came. Text results point into the values. */
bool agg_value_of(const struct agg_call *call, const struct column *values, const int64_t *counts,
                  uint32_t count, union value *out);

/* MIN, MAX, FIRST and LAST over retractions, and text MIN and MAX, cannot live in a fixed state. */
bool agg_needs_values(const struct agg_call *call, bool input_retracts);

#endif
