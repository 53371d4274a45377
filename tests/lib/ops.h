/* ops.h: one operator alone, fed with rows as text, its changelog read back as text.
 *
 *     rig_in(&rig, 0, "a 1 1000 | -D b 2 500");      rows of an input; +I where no kind is given
 *     rig_mark(&rig, 10000);                          the watermark, ms
 *     EXPECT_STR(rig_out(&rig), "+I a 3 | +I b 5");   what came out since
 *
 * Times are milliseconds, null is NULL. A tick ends with each rig_out, rig_mark and rig_tick.
 */
#ifndef QW_TESTS_OPS_H
#define QW_TESTS_OPS_H

#include "flow/op.h"

struct op_rig {
    struct op_ctx ctx; /* first: hooks are given its address */
    struct arena arena, call_arena;
    const struct op_class *class;
    struct plan_node *node;
    void *state;
    struct diag diag;
    struct buf out;
    uint64_t rows_out, chunks_out, late;
    int64_t alarm_us;
    bool again; /* the last watermark or clock is owed */
    bool quiet; /* benchmarks: count rows, make no text */
};

/* A node to be an input, from "k text, n bigint, t rowtime, b boolean, d double". */
struct plan_node *rig_input(struct arena *arena, const char *columns);
/* A node of a kind with these inputs and output columns (of the same form). */
struct plan_node *rig_node(struct arena *arena, enum plan_kind kind, const char *columns,
                           struct plan_node *left, struct plan_node *right);
/* "COUNT", "SUM", "COUNT DISTINCT" …; column -1: COUNT(*); filter: a BOOLEAN column, or -1. */
struct agg_call rig_agg(struct arena *arena, const struct plan_node *input, const char *name,
                        int column, int filter);
const uint16_t *rig_columns(struct arena *arena, const char *list); /* "0 2" */

void rig_open(struct op_rig *rig, struct plan_node *node);
void rig_close(struct op_rig *rig);
/* Saves, closes, opens, loads. */
void rig_reload(struct op_rig *rig);

void rig_in(struct op_rig *rig, int input, const char *rows);
void rig_chunk(struct op_rig *rig, int input, const struct chunk *in);
void rig_mark(struct op_rig *rig, int64_t watermark_ms);
void rig_clock(struct op_rig *rig, int64_t now_ms);
void rig_tick(struct op_rig *rig);
/* What was emitted since the last call: "+I a 1 | …"; until the next call. */
const char *rig_out(struct op_rig *rig);

/* A chunk from rows as text, in the arena. */
struct chunk *rig_rows(struct arena *arena, const struct plan_node *of, const char *rows);
void rig_print(struct buf *out, const struct plan_node *of, const struct chunk *chunk, uint16_t row);

#endif
