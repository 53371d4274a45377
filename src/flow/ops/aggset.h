/* aggset.h: the aggregate calls of one node, and tables of groups that they fill.
 *
 * A group's value in the table is: what the operator wants for itself (`head` bytes), then a count of
 * rows, then one part a call. What does not fit a fixed part lives beside it:
 *
 *   DISTINCT     one table an argument, (group id, value) → which calls have seen it; calls with the same
 *                argument and other FILTERs share it
 *   kept values  text MIN/MAX/FIRST/LAST: one value in the table's heap; FIRST/LAST of rows that have
 *                origins: one of any type, behind its origin, which says what is first
 *   multisets    MIN/MAX/FIRST/LAST over retractions: a sorted list of values in the heap
 *   lists        LISTAGG, ARRAY_AGG, LAG: all values as they came; bags, of COLLECT and of DISTINCT ones: each
 *                value once, and how often it is there
 *
 * Owns: struct aggset: nothing (arena). struct aggtable: its groups and all beside them.
 * Threads: one a table.   Layer: flow.
 */
#ifndef QW_FLOW_OPS_AGGSET_H
#define QW_FLOW_OPS_AGGSET_H

#include "data/row.h"
#include "flow/ops/expiry.h"
#include "flow/ops/pack.h"
#include "store/state/sorted.h"

enum agg_mode { AGG_PLAIN, AGG_DISTINCT, AGG_KEPT, AGG_MULTISET, AGG_LIST, AGG_BAG };

struct agg_part {
    struct agg_call call; /* of a DISTINCT one: the same without it */
    enum agg_mode mode;
    uint32_t pos;         /* in the group's value */
    enum phys phys;       /* of the argument */
    int16_t filter;       /* index of aggset.filters, or -1 */
    uint16_t arg;         /* index of aggset.args; AGG_NO_ARG */
    uint16_t distinct, member;
    bool once;                      /* of AGG_BAG: each value counts once */
    struct row_codec value, result; /* of AGG_LIST and AGG_BAG: an argument, and what is made of them */
    struct bytes missing;           /* of LAG: the value that stands where there is none, as a row */
};

struct agg_distinct {
    uint16_t arg;
    uint16_t words;       /* of its keys: id and value; 0: bytes */
    uint16_t members;     /* calls */
};

enum { AGG_NO_ARG = 0xFFFF, AGG_MEMBERS_MAX = 64 };

struct aggset {
    uint16_t count;
    struct agg_part *parts;
    const struct expr **args, **filters;
    uint16_t args_count, filters_count, distincts_count;
    struct agg_distinct *distincts;
    uint32_t head, rows_pos, id_pos, value_size;
    bool retracts, has_kept, by_origin;
    bool expires; /* what DISTINCT has seen has the time of its last write behind it */
};

/* The calls of an aggregate node. head: bytes the operator keeps at the front of each group's value, a
 * multiple of 8. */
enum status aggset_make(struct aggset *out, struct arena *arena, const struct plan_node *node,
                        uint32_t head, struct diag *diag) MUST_CHECK;

/* Calls without a node: rows are only added, and stand in the order in which they are. */
enum status aggset_of_calls(struct aggset *out, struct arena *arena, const struct agg_call *calls, uint16_t count,
                            uint32_t head, struct diag *diag) MUST_CHECK;

/* Arguments and filters of a chunk, evaluated once. */
struct agg_inputs {
    const struct origin *origins;
    const struct column *peers; /* BIGINTs: what RANK and DENSE_RANK look at instead of their argument; or NULL */
    struct column *args;      /* by aggset.args */
    uint8_t **pass;           /* by aggset.filters: by physical row, 1 where it holds */
};
enum status aggset_eval(const struct aggset *set, struct expr_ctx *ctx, const struct chunk *in,
                        struct agg_inputs *out) MUST_CHECK;

struct aggtable {
    struct state_table groups;
    struct state_table *distinct; /* by aggset.distincts */
    struct state_heap heap;
    uint64_t next_id, next_seq;
    bool ids_stay;   /* ids are of the job, not of the table: agg_parts.h */
    uint16_t shard;  /* of such ones */
    const struct expiry *expiry; /* of a set that expires: the operator's */
};

void aggtable_init(struct aggtable *t, const struct aggset *set, uint16_t key_words);
/* Of a table that is never merged into another, and a part of which may be on disk: a group's id stays what it is. */
void aggtable_ids_stay(struct aggtable *t, uint32_t shard);
void aggtable_deinit(struct aggtable *t, const struct aggset *set);
uint64_t aggtable_bytes(const struct aggtable *t, const struct aggset *set);

/* Makes values that state_upsert has just added ready. */
void aggtable_start(struct aggtable *t, const struct aggset *set, void *const *values,
                    const uint8_t *fresh, uint16_t count);
/* Row rows[i] goes to the group values[i], with weights[i] (NULL: all +1). */
void aggtable_update(struct aggtable *t, const struct aggset *set, struct arena *arena,
                     const struct agg_inputs *inputs, const uint16_t *rows, const int8_t *weights,
                     void *const *values, uint16_t count);
/* All groups of `other` into t: slices of a window. */
void aggtable_merge(struct aggtable *t, const struct aggtable *other, const struct aggset *set,
                    const struct keyer *keyer, struct arena *arena);

/* The results of groups, one column a call, text in place. copied[i] (NULL: none): values[i] is from
 * aggtable_copy. */
void aggtable_results(const struct aggset *set, void *const *values, const bool *copied,
                      uint16_t count, struct arena *arena, struct column *out);
/* A copy of a group's value whose results can still be read when the group has changed. */
void *aggtable_copy(const struct aggtable *t, const struct aggset *set, const void *value,
                    struct arena *arena);
/* Whether some result differs from what it was when the copy was made. */
bool aggtable_changed(const struct aggset *set, const void *copy, const void *value, struct arena *arena);
/* As a value that state_upsert has just added; what DISTINCT has seen of the group is nobody's then. */
void aggtable_reset(struct aggtable *t, const struct aggset *set, void *value);
/* At the alarm: looks at some groups, and at some of the values that DISTINCT has seen. over: whether a group's time is
 * over. As expiry_look, the longest way. */
typedef bool aggtable_over_fn(const struct aggtable *t, const void *value);
uint32_t aggtable_look(struct aggtable *t, const struct aggset *set, aggtable_over_fn *over);
/* Frees what the group holds beside its value, and removes it. */
void aggtable_remove(struct aggtable *t, const struct aggset *set, void *value);

static inline int64_t *agg_rows(const struct aggset *set, void *value)
{
    return (int64_t *)((uint8_t *)value + set->rows_pos);
}

/* Tables a part of which may be on disk: the groups, then what DISTINCT has seen, each argument by itself. */
struct tiered;
struct aggtable_entries { /* what their tiers work with */
    struct aggtable *t;
    const struct aggset *set;
    const struct keyer *keyer;
    struct arena scratch;
    struct aggtable_seen *seen; /* by aggset.distincts */
};
/* group_over: of a group as state_save_entry writes it, given `context`. */
void aggtable_tier(struct aggtable_entries *e, struct tiered *tiers, const struct op_ctx *ctx, struct arena *arena,
                   cold_over_fn *group_over, const void *context);
/* What aggtable_update of these rows will look up comes into memory; keys: of their groups. */
enum status aggtable_need(struct aggtable_entries *e, struct tiered *tiers, struct op_ctx *ctx, const struct chunk *in,
                          const uint16_t *rows, const struct state_keys *keys) MUST_CHECK;
/* A part of a checkpoint that was on disk. */
enum status aggtable_load_part(struct aggtable_entries *e, struct reader *r, const struct state_mine *mine) MUST_CHECK;

void aggtable_save(const struct aggtable *t, const struct aggset *set, struct snap_writer *w);
/* Adds the groups that are mine. */
enum status aggtable_load(struct aggtable *t, const struct aggset *set, const struct keyer *keyer,
                          struct reader *r, const struct state_mine *mine) MUST_CHECK;

#endif
