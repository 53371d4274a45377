/* join_side.h: the rows of one input of a join, by key, in buckets of time.
 *
 * A bucket is a table from key to the list of its rows in the order they came, and is dropped whole. A
 * regular join has one bucket; a bounded one has one for each stretch of time, a window join one for
 * each window.
 *
 * Owns: its buckets and their rows.   Threads: one at a time.   Layer: flow.
 */
#ifndef QW_FLOW_OPS_JOIN_SIDE_H
#define QW_FLOW_OPS_JOIN_SIDE_H

#include "flow/ops/expiry.h"
#include "flow/ops/pack.h"

struct join_row {
    struct join_row *next; /* of the same key */
    uint32_t matches;      /* rows of the other side that it meets, where the join asks for it */
    uint32_t size;         /* of packed */
    uint8_t packed[];      /* of a side that expires its time behind it */
};

struct join_list { /* the value of a key */
    struct join_row *first, *last;
    uint32_t count;
    uint32_t gone; /* 1: the key has left the table already */
};

struct join_bucket {
    int64_t start, end; /* of its rows' times: [start, end) */
    uint32_t tail;      /* bytes behind a row's: of its time, where rows expire */
    struct state_table keys;
    struct state_heap heap;
    uint64_t rows;
};

struct join_side {
    struct keyer keyer;
    struct pack pack;
    struct join_bucket **buckets; /* by end, then start; the live ones are first .. count-1 */
    uint32_t first, count, cap;
    struct expiry expiry;
    bool whole;    /* one bucket for all times, from the beginning on */
    bool in_order; /* rows of a key stand in the order of their times */
};

enum status join_side_make(struct join_side *side, struct arena *arena, const struct plan_node *of,
                           const uint16_t *keys, uint16_t keys_count, struct diag *diag) MUST_CHECK;
void join_side_close(struct join_side *side);
/* The keys of both sides can be compared. */
enum status join_keys_fit(const struct keyer *left, const struct keyer *right, struct diag *diag) MUST_CHECK;

struct join_bucket *join_bucket_get(struct join_side *side, int64_t start, int64_t end); /* or adds it */
struct join_bucket *join_bucket_find(const struct join_side *side, int64_t start, int64_t end);
void join_bucket_drop(struct join_side *side); /* the first one */

struct join_row *join_row_new(struct join_bucket *bucket, uint32_t size);
/* The lists of keys, added where needed. */
void join_lists(struct join_bucket *bucket, const struct state_keys *keys, const uint16_t *which,
                uint16_t count, struct join_list **out);
void join_row_add(struct join_bucket *bucket, struct join_list *list, struct join_row *row);
/* Takes the first row with these bytes out of the list and frees it; false: there is none. */
bool join_row_take(struct join_bucket *bucket, struct join_list *list, const uint8_t *packed,
                   uint32_t size);
/* Rows of a list whose time is over are freed. */
void join_list_expire(const struct join_side *side, struct join_bucket *bucket, struct join_list *list);
/* At the alarm: looks at some keys. As expiry_look. */
uint32_t join_side_look(struct join_side *side);
static inline int64_t *join_row_time(struct join_row *row) /* of one that may expire */
{
    return (int64_t *)(void *)(row->packed + row->size);
}
/* Lists that are empty leave the table; they may occur more than once. */
void join_lists_sweep(struct join_bucket *bucket, struct join_list *const *lists, uint16_t count);

uint64_t join_side_rows(const struct join_side *side);
uint64_t join_side_bytes(const struct join_side *side);
void join_side_save(const struct join_side *side, struct snap_writer *w);
enum status join_side_load(struct join_side *side, struct reader *r,
                           const struct state_mine *mine) MUST_CHECK;

/* ---- a side that is one bucket, a part of which may be on disk: functions of its tier ---- */

struct join_tier { /* their context */
    struct join_side *side;
    struct join_bucket *bucket;
};
void join_list_save(void *tier, const void *value, struct buf *out);
bool join_list_load(void *tier, void *value, struct reader *r);
void join_list_release(void *tier, void *value);
bool join_list_over(const void *tier, struct bytes entry); /* the time of each of its rows is */

/* ---- what a join gives: pairs of packed rows ---- */

struct join_out {
    const struct plan_node *node;
    struct op_ctx *ctx;
    struct arena *scratch;
    const struct pack *packs[2];
    bool left_only; /* SEMI, ANTI */
    uint16_t count;
    uint64_t told;
    const uint8_t *rows[2][CHUNK_ROWS]; /* NULL: padded */
    uint8_t kinds[CHUNK_ROWS];
};

enum status join_out_flush(struct join_out *out) MUST_CHECK;
MUST_CHECK static inline enum status join_out_add(struct join_out *out, const uint8_t *left,
                                                  const uint8_t *right, uint8_t kind)
{
    out->rows[0][out->count] = left;
    out->rows[1][out->count] = right;
    out->kinds[out->count++] = kind;
    return out->count == CHUNK_ROWS ? join_out_flush(out) : ST_OK;
}

/* Which of `count` pairs meet the condition: pass[i] = 1. Pairs with a NULL side do not. used: the
 * condition's columns. */
struct join_test {
    const struct expr *condition; /* NULL: all pairs */
    const struct pack *packs[2];
    bool *used;
};
void join_test_make(struct join_test *test, struct arena *arena, const struct expr *condition,
                    const struct pack *left, const struct pack *right);
enum status join_test_pairs(const struct join_test *test, struct op_ctx *ctx, struct arena *scratch,
                            const uint8_t *const *left, const uint8_t *const *right, uint16_t count,
                            uint8_t *pass) MUST_CHECK;

#endif
