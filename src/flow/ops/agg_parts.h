/* agg_parts.h: what the files of an aggregate table share: the parts of a group's value, and the values kept beside it.
 *
 * Inside flow/ops only: operators include aggset.h.
 *
 *   aggset.c       the calls of a node; arguments and filters of a chunk
 *   aggtable.c     groups: begun, updated, taken apart
 *   agg_values.c   values that are kept: the one that counts, or a multiset
 *   agg_list.c     lists and bags of values, and what is made of them
 *   agg_distinct.c DISTINCT: which values a group has seen
 *   agg_merge.c    groups of slices put together
 *   agg_result.c   results, copies of them, and whether they have changed
 *   agg_snapshot.c checkpoints
 *   agg_tier.c     what of it may be on disk
 *
 * Owns: nothing.   Threads: one a table.   Layer: flow.
 */
#ifndef QW_FLOW_OPS_AGG_PARTS_H
#define QW_FLOW_OPS_AGG_PARTS_H

#include "flow/ops/aggset.h"

/* A value in bytes: text as it is, others as they lie in memory. */
struct kept { /* the part of AGG_KEPT */
    uint8_t *ptr; /* the value; behind an origin where the call goes by it */
    uint32_t len;
    uint32_t set;
};

struct counted { /* an item of AGG_MULTISET's sorted list */
    int64_t count; /* MIN, MAX: how many equal ones. FIRST, LAST: the order of arrival */
    uint32_t len, pad;
    uint8_t bytes[];
};

_Static_assert(sizeof(struct kept) == 16 && sizeof(struct sorted) == 16, "parts of 16 bytes");

static inline bool call_by_order(const struct agg_call *call)
{
    return call->kind == AGG_FIRST_VALUE || call->kind == AGG_LAST_VALUE;
}

/* Its state is fixed and lies in the group's value: agg.h. */
static inline bool part_is_plain(const struct agg_part *p)
{
    return p->mode == AGG_PLAIN || p->mode == AGG_DISTINCT;
}

static inline void *part_of(const struct agg_part *p, void *value)
{
    return (uint8_t *)value + p->pos;
}

static inline uint64_t *group_id(const struct aggset *set, void *value)
{
    return (uint64_t *)((uint8_t *)value + set->id_pos);
}

/* Ids that stay are unique in all of a job's life, on any number of shards: what DISTINCT has seen can be saved and loaded apart
 * from its group, and goes to the shard of its group.
 *
 *   63 .. 14 a number, rising on each shard   13 .. 7 the key group   6 .. 0 the shard that made it */
enum { ID_GROUP_SHIFT = 7, ID_SEQ_SHIFT = 14 };
_Static_assert(STATE_GROUPS == 1 << (ID_SEQ_SHIFT - ID_GROUP_SHIFT) && KEY_GROUPS <= 1 << ID_GROUP_SHIFT, "parts of an id");

static inline uint64_t id_next(struct aggtable *t, const void *value)
{
    uint64_t seq = t->next_id++;

    if (!t->ids_stay)
        return seq;
    return seq << ID_SEQ_SHIFT | (uint64_t)state_group(state_hash_of(&t->groups, value)) << ID_GROUP_SHIFT | t->shard;
}
static inline uint32_t id_key_group(uint64_t id)
{
    return (uint32_t)(id >> ID_GROUP_SHIFT) & (STATE_GROUPS - 1);
}

/* Rows of an update: row rows[i] goes to the group values[i], with weights[i] (NULL: all +1). */
struct agg_rows {
    const uint16_t *rows;
    const int8_t *weights;
    void *const *values;
    uint16_t count;
};

/* ---- values that are kept ---- */

struct bytes value_bytes(enum phys phys, const struct column *col, uint16_t row);
/* Bytes before a kept value: its origin, where the call goes by it. */
size_t kept_head(const struct aggset *set, const struct agg_part *p);
/* Keeps the value if it yields to none that is there; origin: of the row, where the set goes by it. */
void kept_put(struct aggtable *t, const struct aggset *set, const struct agg_part *p, struct kept *k,
              struct bytes value, const struct origin *origin);
/* Of another table's: with the origin that stands before it. */
void kept_merge(struct aggtable *t, const struct aggset *set, const struct agg_part *p, struct kept *into,
                const struct kept *from);
struct counted *counted_new(struct aggtable *t, struct bytes value, int64_t count);
/* Behind all that are there. */
void multiset_append(struct aggtable *t, struct sorted *s, struct bytes value, int64_t count);
/* All of another table's; by order, behind those that are there. */
void multiset_merge(struct aggtable *t, const struct agg_part *p, struct sorted *into, const struct sorted *from);
void values_update(struct aggtable *t, const struct aggset *set, const struct agg_part *p,
                   const struct agg_inputs *inputs, const struct agg_rows *r);
/* The value that stands for the call now; false: NULL. copied: the part is from aggtable_copy.
 * A list's is made in the arena: LISTAGG's text, or a row of one column. */
bool values_result(const struct agg_part *p, const void *part, bool copied, struct arena *arena, struct bytes *out);
void values_free(struct aggtable *t, const struct aggset *set, const struct agg_part *p, void *part);

void counted_drop(struct aggtable *t, struct sorted *s, struct sorted_at at);

/* ---- lists and bags ---- */

static inline bool part_is_list(const struct agg_part *p)
{
    return p->mode == AGG_LIST || p->mode == AGG_BAG;
}

void list_update(struct aggtable *t, const struct agg_part *p, const struct agg_inputs *inputs,
                 const struct agg_rows *r, struct arena *arena);
bool list_result(const struct agg_part *p, const struct sorted *s, struct arena *arena, struct bytes *out);
/* All of another table's. */
void list_merge(struct aggtable *t, const struct agg_part *p, struct sorted *into, const struct sorted *from,
                struct arena *arena);
/* Whether bytes of a checkpoint are an item's. */
bool list_item_check(const struct agg_part *p, struct bytes item, struct arena *arena);

/* ---- checkpoints: a group's value, with its id as it was ---- */

void group_value_save(const struct aggset *set, const void *value, struct buf *out);
bool group_value_load(struct aggtable *t, const struct aggset *set, void *value, struct reader *r, struct arena *scratch);
bool group_key_check(const struct aggtable *t, const struct keyer *keyer, const void *value);
void group_parts_free(struct aggtable *t, const struct aggset *set, void *value); /* what it points to */

/* ---- DISTINCT ---- */

uint32_t distinct_value_size(const struct aggset *set, uint16_t index);
/* Of a set that expires: when it was written last. */
int64_t *distinct_time(const struct aggset *set, uint16_t index, void *seen);
/* The keys (group id, value) of those rows whose value is not null; values[i]: the group of rows[i]. Which rows they are. */
struct agg_rows distinct_keys(const struct aggset *set, uint16_t index, const struct agg_inputs *inputs,
                              const struct agg_rows *all, struct arena *arena, struct state_keys *keys);
/* The rows that bring a value which is new to its group, or take the last of one away, go to the calls over it. */
void distinct_update(struct aggtable *t, const struct aggset *set, uint16_t index, struct arena *arena,
                     const struct agg_inputs *inputs, const struct agg_rows *given);
/* to_of_id: by the id of other's group, the group of t; not of ids that stay. */
void distinct_merge(struct aggtable *t, const struct aggtable *other, const struct aggset *set, uint16_t index,
                    void *const *to_of_id);

#endif
