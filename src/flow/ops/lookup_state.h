/* lookup_state.h: what a lookup join on an outside system keeps: rows that wait for an answer, in the order in which
 * they came, and by key; answers, as long as the cache's rules or a waiting row need them.
 *
 *     waiting ── row ── row ── row          all of them, in order
 *                 │      │      │
 *     keys ─ key ─┴──────┴─ key ┴─ …        first..last: its rows; from `open` on they have no answer yet
 *             └─ cached: the last answer    of the least recently used first: oldest..newest
 *
 * With 'retry-predicate' of the hint LOOKUP a row for which there is nothing is not told so at once: it rests, and is
 * asked for again when its time has come. Rows that rest: first_due..last_due, the times in order.
 *
 * Owns: all of it, in one heap.   Threads: one at a time.   Layer: flow.
 */
#ifndef QW_FLOW_OPS_LOOKUP_STATE_H
#define QW_FLOW_OPS_LOOKUP_STATE_H

#include "flow/ops/join_side.h"
#include "flow/ops/ops.h"
#include "store/state/sorted.h"

enum { LOOKUP_NOT_ASKED = 0 }; /* no tick: the first is 1 */

/* What was found for a key: packed rows, one after the other, each at a multiple of 8. */
struct lookup_found {
    uint32_t refs, rows;
    size_t bytes; /* of packed */
    struct lookup_found *next; /* of those that are let go */
    _Alignas(8) uint8_t packed[];
};

struct lookup_key {
    struct lookup_row *first, *last, *open;
    struct lookup_found *cached;       /* NULL: none */
    int64_t came_us, used_us;          /* of cached, by the tick's clock */
    struct lookup_key *older, *newer;  /* of those with cached */
    uint64_t asked;                    /* the tick of the last question that has no answer; LOOKUP_NOT_ASKED */
    uint64_t hash, order;              /* order: in a checkpoint, among those used at one time */
    uint32_t nulls, size;
    _Alignas(8) uint8_t key[];         /* its words, or bytes: to find its entry again */
};

struct lookup_row {
    struct lookup_row *next; /* of its key */
    struct lookup_key *key;
    struct lookup_found *found; /* NULL: not answered yet */
    uint64_t came, asked;       /* ticks: its own, and that of the question whose answer it takes */
    uint64_t again;             /* the tick in which it was asked for again last; 0: it was not */
    int64_t due_us;             /* it rests until then; 0: it does not */
    struct lookup_row *due_before, *due_after;
    uint32_t missed;            /* questions of its own to which the answer was nothing */
    uint64_t seq;
    int64_t watermark_us;       /* what had passed when it came */
    uint32_t part, size;        /* part: of the checkpoint that it was in */
    uint8_t kind;
    _Alignas(8) uint8_t packed[];
};

struct lookup_state {
    const struct table_lookup *rules;
    uint64_t keys_max;       /* of this shard; 0: no bound */
    struct arena plan_arena, scratch, test_scratch;
    struct keyer keyers[2];  /* of the left, of the answers */
    struct pack packs[2];    /* of the left, of what is asked for */
    struct join_test test;
    struct format_encoder *encoder; /* of a key */
    struct buf key_text, text;
    struct state_table keys; /* values: struct lookup_key * */
    struct state_heap heap;
    struct sorted waiting;
    struct lookup_key *oldest, *newest;
    struct lookup_row *first_due, *last_due;
    const struct lookup_hint *hint;
    uint64_t cached, next_seq;
    struct lookup_found *nothing; /* of a key with a NULL */
    struct lookup_found *dropped; /* let go, but rows that are being told may point into them */
    bool padded, ordered;
};

/* ---- keys ---- */
struct lookup_key *lookup_key_of(struct lookup_state *s, void *value); /* of an entry of keys, made if it is new */
void lookup_key_sweep(struct lookup_state *s, struct lookup_key *key); /* it goes, if there is nothing of it */

/* ---- what was found ---- */
/* Of packed rows, which are copied; one reference is the caller's. */
struct lookup_found *lookup_found_make(struct lookup_state *s, uint8_t *const *packed, const uint32_t *sizes,
                                       uint32_t count);
void lookup_found_release(struct lookup_state *s, struct lookup_found *found);
void lookup_dropped_free(struct lookup_state *s); /* nothing points into them any more */
/* The row behind a row of them. */
const uint8_t *lookup_found_next(const struct lookup_state *s, const uint8_t *packed);

/* ---- the cache ---- */
bool lookup_cache_holds(const struct lookup_state *s, const struct lookup_key *key, int64_t now_us);
void lookup_cache_use(struct lookup_state *s, struct lookup_key *key, int64_t now_us);
void lookup_cache_put(struct lookup_state *s, struct lookup_key *key, struct lookup_found *found, int64_t now_us);
void lookup_cache_drop(struct lookup_state *s, struct lookup_key *key);
void lookup_cache_shrink(struct lookup_state *s, int64_t now_us); /* to its bound, and without what has expired */

/* ---- rows that wait ---- */
/* At its place by came, part, seq; of its key the last. */
void lookup_row_add(struct lookup_state *s, struct lookup_row *row);
struct lookup_row *lookup_row_new(struct lookup_state *s, const uint8_t *packed, uint32_t size);
/* The question of that tick has its answer. */
void lookup_over(struct lookup_key *key, uint64_t asked);
/* There was nothing for the key, asked for in that tick: rows that may be asked for again rest, the others before them
 * have this answer. Whether some rows of the key have none now. */
bool lookup_missed(struct lookup_state *s, struct lookup_key *key, uint64_t asked, struct lookup_found *nothing,
                   int64_t now_us);
/* A row rests no more. */
void lookup_row_wake(struct lookup_state *s, struct lookup_row *row);
/* One of a checkpoint that rests takes its place among those that do. */
void lookup_row_rest(struct lookup_state *s, struct lookup_row *row, int64_t due_us);
/* The rows of the key that asked in that tick or before, and have no answer, have this one. */
void lookup_answer(struct lookup_state *s, struct lookup_key *key, uint64_t asked, struct lookup_found *found);
/* It has been told: the first of its key. */
void lookup_row_free(struct lookup_state *s, struct lookup_row *row);

/* ---- lookup_snapshot.c ---- */
void lookup_save(const struct plan_node *node, const void *state, struct snap_writer *w);
enum status lookup_load(const struct plan_node *node, void *state, struct op_ctx *ctx, struct reader *r);

#endif
