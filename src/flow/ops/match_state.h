/* match_state.h: the state of a MATCH_RECOGNIZE: what its operator and its checkpoints share.   Layer: flow. */
#ifndef QW_FLOW_OPS_MATCH_STATE_H
#define QW_FLOW_OPS_MATCH_STATE_H

#include "flow/ops/match_values.h"

struct match_condition {
    const struct expr *define;  /* NULL: always true */
    const uint16_t *columns;    /* of the input, that it reads */
    uint16_t columns_count;
    const uint8_t *wanted;      /* by value of `defines`; NULL: it reads the row alone */
};

struct match_op {
    struct arena plan_arena, batch, round; /* batch, round: emptied behind each */
    const struct plan_match *plan;
    uint16_t input_columns;
    struct pack pack;
    struct keyer keyer;
    struct match_runs runs;
    struct match_condition *conditions; /* by variable */
    struct match_values defines, measures;
    struct state_table table;   /* values: struct match_key * */
    struct sorted waiting;      /* all rows that wait */
    struct sorted timers;       /* keys that have a deadline, the first first */
    struct matches found;
    int64_t watermark;
    uint64_t next_seq, next_key, told; /* told: matches emitted */
};

/* match_rows.c */
/* The value's own; made where it has none. */
struct match_key *match_op_key(struct match_op *s, void *value);
/* The key's deadline is not what it was: `before`. */
void match_op_timer(struct match_op *s, struct match_key *key, int64_t before);
/* A row with one user, the caller; and one that waits is at its place, which takes over the user. */
struct match_row *match_op_row(struct match_op *s, struct match_key *key, struct bytes packed, int64_t time,
                               struct origin origin);
void match_op_wait(struct match_op *s, struct match_row *row);

/* Rows of one batch, in their order. */
struct match_batch {
    struct match_row **rows;
    uint32_t count;
    uint8_t *starts; /* by row: what is known of the start's condition */
    uint32_t *round, round_count; /* rows of the next round */
};

/* match_round.c */
void match_condition_make(struct match_op *s, struct match_condition *c, const struct expr *define);
/* All rows of the batch, which has rows and count, and room for as many in round: what they find is in `found`. Empties the
 * arena `round`. */
enum status match_batch_run(struct match_op *s, struct op_ctx *ctx, struct match_batch *b) MUST_CHECK;

/* match_snapshot.c */
void match_save(const struct match_op *s, struct snap_writer *w);
enum status match_load(struct match_op *s, struct op_ctx *ctx, struct reader *r) MUST_CHECK;

#endif
