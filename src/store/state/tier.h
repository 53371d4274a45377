/* tier.h: a state_table a part of which is on disk: what was not used for longest goes, what is asked for comes back.
 *
 * An entry is in the table or in the cold store, never in both. Each call that gives ST_AGAIN has begun a request of the
 * store (cold.h), and is made again, with the same arguments, when the store says that it is done: until then neither
 * table nor store is used.
 *
 *     tier_need   before keys are looked up: afterwards those that there are are in the table
 *     tier_move   to disk, in the order of a clock's hand: an entry used since the hand last passed is passed over. In the end
 *                 the table shrinks, and what values point to moves to a new heap, as a heap gives back nothing but itself
 *     tier_scan   what is on disk, for a checkpoint
 *
 * The store is opened with the first move. Which entries are cold may depend on anything: nothing that is seen may
 * depend on it, so only tables that are not walked have a tier.
 *
 * Owns:    the store; not the table.   Threads: one at a time.   Errors: those of cold.h.
 * Limits:  entries above COLD_ENTRY_MAX bytes stay in memory.   Layer: store.
 */
#ifndef QW_STORE_STATE_TIER_H
#define QW_STORE_STATE_TIER_H

#include "store/state/cold.h"
#include "store/state/state.h"

struct state_tier {
    struct state_table *table;
    state_save_fn *save;
    state_load_fn *load;
    void (*release)(void *context, void *value); /* frees what it points to; NULL: that is nothing */
    void *context;
    struct state_heap *heap; /* of what values point to, and of nothing else; NULL: there is none */
    struct cold_options cold_options;
    struct cold *cold; /* NULL: nothing was ever moved */

    enum { TIER_RESTS, TIER_TAKES, TIER_STORES, TIER_SCANS, TIER_SCANNED } doing;
    void **victims; /* of the store under way, in the order of their puts */
    uint32_t victims_count, hand;
    bool moving;
    uint32_t move_left, steps_left; /* entries to move; positions the hand may pass */
};

/* The table is a fresh one; save … context as for state_save. `path` of the options is not copied. */
void tier_open(struct state_tier *tier, const struct cold_options *options);
void tier_close(struct state_tier *tier);

static inline uint64_t tier_count(const struct state_tier *tier)
{
    return tier->cold ? cold_count(tier->cold) : 0;
}
static inline uint64_t tier_bytes(const struct state_tier *tier)
{
    return tier->cold ? cold_bytes(tier->cold) : 0;
}
/* The part of the keys that is on disk comes into the table. */
enum status tier_need(struct state_tier *tier, const struct state_keys *keys) MUST_CHECK;
/* About so many entries go to disk, fewer where entries are too large, and the table shrinks. Not while it is held. */
enum status tier_move(struct state_tier *tier, uint32_t entries) MUST_CHECK;
/* A part of what is on disk, as state_save writes it; ST_END: that was all. first: from the beginning. */
enum status tier_scan(struct state_tier *tier, bool first, struct buf *out) MUST_CHECK;

/* Planted, for the simulation that must find them: keys that are on disk are taken for new ones; a scan gives nothing.
 * Never set in other tests. */
struct tier_bugs {
    bool skip_need, skip_scan;
};
#ifdef QW_SLOW_CHECKS
extern struct tier_bugs tier_bugs;
#else
static const struct tier_bugs tier_bugs;
#endif

#endif
