/* match_values.h: what conditions and MEASURES see of a run's rows, as columns for many runs at once.
 *
 * Owns: aggregates' scratch, empty between calls. Columns live in the arena given.
 * Threads: one at a time.   Layer: flow.
 */
#ifndef QW_FLOW_OPS_MATCH_VALUES_H
#define QW_FLOW_OPS_MATCH_VALUES_H

#include "flow/ops/aggset.h"
#include "flow/ops/match_run.h"

/* A run and, in DEFINE, the row that is looked at; NULL: none. */
struct match_view {
    const struct match_link *last; /* NULL: no row yet */
    const struct match_row *current;
};

/* The aggregates over the rows of one variable. */
struct match_aggs {
    uint16_t variable, first, count; /* columns: plan's aggs order[first ..] */
    bool current;
    struct aggset set;
    struct aggtable table;
};

struct match_values {
    const struct plan_match_values *plan;
    const struct pack *pack;
    uint16_t *order;                 /* aggs, by group */
    struct match_aggs *groups;
    uint16_t groups_count;
};

enum status match_values_make(struct match_values *v, struct arena *arena, const struct plan_match_values *plan,
                              const struct pack *pack, struct diag *diag) MUST_CHECK;
void match_values_free(struct match_values *v);

/* The columns of refs and aggs that are wanted (wanted NULL: all), for count <= CHUNK_ROWS views. */
enum status match_values_read(struct match_values *v, struct expr_ctx *ctx, const struct match_view *views,
                              uint16_t count, const uint8_t *wanted, struct column *out) MUST_CHECK;

#endif
