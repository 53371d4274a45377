/* rank_rows.h: rows in the order of a ROW_NUMBER(): the rows of one rank, in any number of lists.
 *
 * Rows that the order leaves equal stand in the order of their origins; as they came where rows have none. Where rows
 * expire each has the clock of its coming behind its bytes.
 *
 * Owns: rows are in the heap that the caller names; lists (struct sorted) are the caller's.
 * Threads: one at a time.   Layer: flow.
 */
#ifndef QW_FLOW_OPS_RANK_ROWS_H
#define QW_FLOW_OPS_RANK_ROWS_H

#include "flow/ops/expiry.h"
#include "flow/ops/pack.h"
#include "store/state/sorted.h"

struct rank_row {
    struct origin origin; /* or, where rows have none, split 0 and the number of arrival */
    uint32_t size, pad;
    uint8_t packed[];
};

struct rank_rows {
    struct pack pack;
    const struct plan_sort_key *order;
    uint16_t order_count;
    bool by_origin, keep_last; /* keep_last: of equal rows the last one stands first */
    uint64_t next_seq, count;
    struct expiry expiry;
};

/* A row that has come. */
struct rank_coming {
    const uint8_t *packed;
    uint32_t size;
    struct origin origin;
};

/* For a node with a plan_rank. keep_last where the one row kept is the last of its time. */
enum status rank_rows_make(struct rank_rows *r, struct arena *arena, const struct plan_node *node,
                           struct diag *diag) MUST_CHECK;
/* The live rows of a chunk, in the arena. */
struct rank_coming *rank_rows_coming(struct rank_rows *r, struct arena *arena, const struct chunk *in,
                                     const uint16_t *rows);

static inline int64_t *rank_row_time(struct rank_row *row) /* of one that may expire */
{
    return (int64_t *)(void *)(row->packed + row->size);
}
/* Such rows whose time is over leave the list. The time of the oldest that is left; INT64_MAX: none is. */
int64_t rank_rows_expire(struct rank_rows *r, struct state_heap *heap, struct sorted *list);

struct rank_row *rank_row_new(struct rank_rows *r, struct state_heap *heap,
                              const struct rank_coming *in);
void rank_row_free(struct rank_rows *r, struct state_heap *heap, struct rank_row *row);
void rank_rows_free(struct rank_rows *r, struct state_heap *heap, struct sorted *list); /* the list is empty then */
/* By the order alone; with origins; a sorted_compare over rank_rows. */
int rank_order_compare(const struct rank_rows *r, const uint8_t *a, const uint8_t *b);
int rank_coming_compare(const struct rank_rows *r, const struct rank_coming *in,
                        const struct rank_row *row);
int rank_row_compare(const void *rank_rows, const void *a, const void *b);

/* Puts a row into a list of the first `limit` rows. false: it is behind them. fallen: the row that is
 * out of the list then, the caller's to free; or NULL. */
bool rank_rows_put(struct rank_rows *r, struct state_heap *heap, struct sorted *list, uint32_t limit,
                   const struct rank_coming *in, uint32_t *rank, struct rank_row **fallen);

/* Checkpoints: u count, then origin, time where rows expire, and bytes of each row, the first first. */
void rank_row_save(const struct rank_rows *r, struct rank_row *row, struct buf *out);
void rank_rows_save(const struct rank_rows *r, const struct sorted *list, struct buf *out);
/* Of such a row of one that may expire; the reader stands behind it. */
int64_t rank_row_saved_time(struct reader *in);
/* NULL: no such row. */
struct rank_row *rank_row_load(struct rank_rows *r, struct state_heap *heap, struct reader *in);
bool rank_rows_load(struct rank_rows *r, struct state_heap *heap, struct sorted *list,
                    struct reader *in);

#endif
