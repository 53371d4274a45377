/* rowset.h: the rows that a changelog folds into, in order of key: what a view holds, and an answer.
 *
 * With a key there is at most one row a key; without one it is a multiset ordered by all columns. A
 * retracted row stays as a hole until rowset_sweep, so that an update costs no removal.
 *
 * Where the query tells old rows itself (exact), a row that comes before the one in its place has gone hides that, until
 * either goes: rows of a key may come from several shards, each in order, but not among each other. One that is the
 * same as the row in its place is hidden itself.
 *
 * A key that is declared but is not the query's (several rows are under it at once) is kept the same way: all its rows are, and
 * one that goes is sought among them, in a time that grows with them.
 *
 * Owns: copies of the rows.   Threads: one at a time.   Layer: flow.
 * Errors: ST_UNSUPPORTED by name for columns that cannot be kept (lists); ST_CORRUPT in loading.
 */
#ifndef QW_FLOW_ROWSET_H
#define QW_FLOW_ROWSET_H

#include "flow/ops/pack.h"
#include "flow/rowset_index.h"
#include "store/state/sorted.h"

struct rowset_row {
    uint32_t size;   /* of packed */
    uint32_t copies; /* 0: a hole. With a key: 0 or 1 */
    uint32_t hole;   /* its place in the set's holes, from 1; 0: none */
    uint32_t hash;   /* of its key, where the set is hashed */
    struct rowset_row *under; /* the one that it hides */
    uint8_t packed[] __attribute__((aligned(8)));
};

struct rowset {
    struct arena arena; /* the pack's layout */
    struct pack pack;
    const uint16_t *key; /* of the packed columns; NULL: all */
    uint16_t key_count;
    bool exact;          /* a retraction counts only if it is of the row that is there */
    bool hashed;         /* a key whose columns can be hashed: rows are found by it once there are many */
    struct state_heap heap;
    struct sorted rows;
    struct rowset_index index;
    uint64_t live;
    struct rowset_row **holes;
    uint32_t holes_count, holes_cap;
};

/* Of columns (NULL: all) of a node's rows; key: positions among those. */
enum status rowset_init(struct rowset *set, const struct plan_node *of, const uint16_t *columns,
                        uint16_t count, const uint16_t *key, uint16_t key_count,
                        struct diag *diag) MUST_CHECK;
void rowset_deinit(struct rowset *set);

/* fn (may be NULL) is told of each change that counts, before it is made: `old` is the row that is there
 * (NULL: none), `row` of the chunk comes (NULL kinds of retraction: goes). Rows that change nothing (the same
 * row again under its key, a retraction of what is not there or hidden) are not told. in NULL: `old`, which was
 * hidden, is there again, behind the one that has gone. */
typedef void rowset_fn(void *context, const struct rowset_row *old, const struct chunk *in,
                       uint16_t row);
void rowset_apply(struct rowset *set, const struct chunk *in, rowset_fn *fn, void *context);
/* A kept row as columns of one row. */
void rowset_columns(const struct rowset *set, const struct rowset_row *row, struct arena *arena,
                    struct column *cols);
void rowset_sweep(struct rowset *set); /* removes holes; at the end of a tick */

struct rowset_at {
    struct sorted_at at;
    uint32_t copy; /* of a multiset's row, how many were read */
};

/* The first row at or behind a packed row's key; or past it. */
struct rowset_at rowset_seek(const struct rowset *set, const uint8_t *packed, bool past);
/* The packed rows from `at` on, at most max, as a chunk in the arena; moves `at`. Without holes. */
uint16_t rowset_read(const struct rowset *set, struct rowset_at *at, uint16_t max,
                     struct arena *arena, struct chunk *out, const struct rowset_row **last);

uint64_t rowset_bytes(const struct rowset *set);
void rowset_save(const struct rowset *set, struct snap_writer *w);
enum status rowset_load(struct rowset *set, struct reader *r) MUST_CHECK;

#endif
