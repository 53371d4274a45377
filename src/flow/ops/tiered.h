/* tiered.h: the tables of one operator a part of which may be on disk: a state_tier each (store/state/tier.h), and what the
 * hooks of flow/op.h do with all of them.
 *
 * Each table has a file of its own, so that what a chunk needs of several is asked for at once. A part of a
 * checkpoint is of one table: its number (u8), then entries as state_save writes them.
 *
 * Owns:    the tiers; not their tables.   Threads: one at a time.
 * Errors:  ST_AGAIN with ctx->waits set; others with a diag.
 * Limits:  TIERED_MAX tables.   Layer: flow.
 */
#ifndef QW_FLOW_OPS_TIERED_H
#define QW_FLOW_OPS_TIERED_H

#include "flow/op.h"
#include "flow/ops/pack.h"
#include "store/state/tier.h"

enum { TIERED_MAX = PLAN_DISK_TABLES };

struct tiered {
    struct state_tier *tiers;
    uint16_t count;     /* 0: all of the state stays in memory */
    uint64_t met;       /* tables whose keys are there, of the need under way */
    uint16_t moves;     /* the table that moves, */
    enum status refused; /* and what was said of those before */
    uint16_t scans;     /* the table that is saved, */
    bool scanning;      /* and it has begun */
};

/* Room for so many tables; without a disk there are none, and tiered_add does nothing. */
void tiered_open(struct tiered *t, const struct op_ctx *ctx, struct arena *arena, uint16_t tables);
/* The next table: `tier` says of which and how. over (may be NULL): as struct cold_options has it. */
void tiered_add(struct tiered *t, const struct op_ctx *ctx, struct arena *arena, const struct state_tier *tier,
                cold_over_fn *over, const void *over_context);
void tiered_close(struct tiered *t);

uint64_t tiered_cold(const struct tiered *t);  /* entries on disk */
uint64_t tiered_bytes(const struct tiered *t); /* of memory, besides the tables */
/* Bytes of the tables and what they point to, where some of it can go. */
uint64_t tiered_movable(const struct tiered *t);

/* About so many in a hundred of the entries go to disk, those first that were not used for longest. ST_NOSPACE: the disk
 * takes no more. Between ticks. */
enum status tiered_move(struct tiered *t, struct op_ctx *ctx, uint32_t percent) MUST_CHECK;
/* A part of what is on disk; ST_END: that was all. first: from the beginning. Between ticks. */
enum status tiered_save(struct tiered *t, struct op_ctx *ctx, bool first, struct buf *out) MUST_CHECK;

/* These keys of table `index` come into memory. The need of a chunk may ask several tables, each once, and goes on with the
 * others where one gives ST_AGAIN; when all have given ST_OK it says so with tiered_met. */
enum status tiered_need(struct tiered *t, struct op_ctx *ctx, uint16_t index, const struct state_keys *keys) MUST_CHECK;
/* The whole need of an operator that has one table, by a key of its rows. */
enum status tiered_need_rows(struct tiered *t, struct op_ctx *ctx, const struct keyer *keyer, const struct chunk *in) MUST_CHECK;
static inline void tiered_met(struct tiered *t)
{
    t->met = 0;
}

#endif
