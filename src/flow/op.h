/* op.h: what an operator is: a few hooks over a read-only plan and one shard's state.
 *
 * The driver (driver.c) owns everything between operators: lanes, the merging of watermarks, ticks,
 * counting and timing. An operator sees chunks, watermarks and the end of the tick; it never
 * blocks, never meets a full queue, never reads a clock. A NULL hook means the default, which is
 * written behind each.
 *
 * Determinism: what an operator emits, and in which order, may depend only on its plan, its state,
 * and the chunks and watermarks given, in their order.
 *
 * Threads: one shard's operators run on one thread.   Layer: flow.
 */
#ifndef QW_FLOW_OP_H
#define QW_FLOW_OP_H

#include "flow/lookup_counts.h"
#include "sql/plan.h"
#include "store/state/cold.h"
#include "store/state/snap.h"

struct op_ctx;
struct tiered;

struct op_class {
    const char *name; /* "WindowAggregate": as EXPLAIN and the page call it */
    size_t state_size; /* zeroed memory given to the hooks as `state` */

    /* Before the first tick, and before load. */
    enum status (*open)(const struct plan_node *node, void *state, struct op_ctx *ctx);

    /* Rows of one input. Emits with op_emit. */
    enum status (*on_chunk)(const struct plan_node *node, void *state, struct op_ctx *ctx, int input,
                            const struct chunk *in);

    /* The operator's watermark (the least over its inputs) has risen; called before it is passed on.
     * An operator that owes more than OP_EMIT_ROWS rows emits about so many, keeps a cursor in its
     * state and returns ST_AGAIN: on_watermark is called again with the same time, in this tick until it
     * has emitted OP_TICK_ROWS, then in a later one, and the watermark waits. Default: nothing. */
    enum status (*on_watermark)(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                int64_t watermark_us);

    /* The tick's clock, at the start of each tick of an operator that asked with op_alarm and whose time
     * has come. ST_AGAIN as above. Default: nothing. */
    enum status (*on_clock)(const struct plan_node *node, void *state, struct op_ctx *ctx,
                            int64_t now_us);

    /* All inputs of this tick are in: what was held back to be emitted once a tick. ST_AGAIN: there is more
     * of it, and this is called again in the same tick. Default: nothing. */
    enum status (*on_tick_end)(const struct plan_node *node, void *state, struct op_ctx *ctx);

    /* All of the state, between ticks; load is given what save wrote. With `group` the same rows split
     * by key group would be restored on other shards: keyed parts write the key group of each key (see
     * state.h), load takes only those in ctx->groups. Default: there is no state. */
    void (*save)(const struct plan_node *node, const void *state, struct snap_writer *w);
    enum status (*load)(const struct plan_node *node, void *state, struct op_ctx *ctx,
                        struct reader *r);

    void (*close)(const struct plan_node *node, void *state);

    /* Of an operator whose rows wait for what comes in a later tick: the watermark that may be passed on, when that
     * one has come; and how many rows wait: while they are many, its job takes nothing but what they wait for.
     * Default: all of it; none. */
    int64_t (*passes)(const struct plan_node *node, const void *state, int64_t watermark_us);
    uint64_t (*waiting)(const struct plan_node *node, const void *state);

    /* ---- state that may be on disk: all of these or none (tiered.h, docs/design/012-cold-state.md) ----
     * ST_AGAIN: it waits for ctx->waits, which it has set, and is called again with the same arguments when that
     * is done; until then nothing else of the operator is called but measure and close, and its tiers are only counted. */

    /* The tables whose entries may be on disk. */
    struct tiered *(*tiers)(void *state);
    /* Before each on_chunk of a tick that began with entries on disk: what is there of these rows' keys comes into memory. */
    enum status (*need)(const struct plan_node *node, void *state, struct op_ctx *ctx, int input,
                        const struct chunk *in);
    /* Behind load, which has read what was in memory: each part of what was on disk. */
    enum status (*load_cold)(const struct plan_node *node, void *state, struct op_ctx *ctx, struct reader *r);

    /* Rows and bytes of state, for accounting and the page. Default: none. */
    void (*measure)(const struct plan_node *node, const void *state, uint64_t *rows, uint64_t *bytes);
};

/* Rows of one call; and of the calls of one tick. */
enum { OP_EMIT_ROWS = 65536, OP_TICK_ROWS = 65536, KEY_GROUPS = 128 };

/* Key group of a key's hash, and the shard that owns it, among `shards`. */
static inline uint32_t key_group(uint64_t hash)
{
    return (uint32_t)(hash >> 32) & (KEY_GROUPS - 1);
}
static inline uint32_t key_group_shard(uint32_t group, uint32_t shards)
{
    return group * shards / KEY_GROUPS;
}

/* Given by the driver to every hook; its own fields follow behind (driver.h). */
struct op_ctx {
    struct expr_ctx expr;    /* tick's clock, arena for this call's results, diag */
    struct arena *arena;     /* = expr.arena: reset after each hook's call */
    uint64_t tick;
    uint32_t shard, shards;
    uint32_t sender;         /* the shard that the rows of an on_chunk were sent by, as far as it is the last step */
    uint32_t loaded;         /* parts of a checkpoint that load was given before this one */
    struct lookup_counts lookups; /* counted by a lookup join */
    int64_t watermark_us;    /* of this operator, as last given to on_watermark; INT64_MIN: none */
    const struct cold_options *disk; /* where state may go, a file of the task's own; NULL: it stays in memory */
    struct cold *waits;      /* of ST_AGAIN where state may be on disk */
    const struct op_way *way; /* where what it gives goes: the driver's, or a test's or benchmark's own */
};

struct op_way {
    enum status (*emit)(struct op_ctx *ctx, const struct chunk *out);
    void (*late)(struct op_ctx *ctx, int input, const struct chunk *in, const uint16_t *rows,
                 uint16_t count);
    void (*alarm)(struct op_ctx *ctx, int64_t at_us);
    void (*ask)(struct op_ctx *ctx, struct bytes key, struct bytes question);
};

/* Passes rows on to all users of this operator; the chunk need live only until it returns. An empty chunk
 * is ignored. */
MUST_CHECK static inline enum status op_emit(struct op_ctx *ctx, const struct chunk *out)
{
    return ctx->way->emit(ctx, out);
}

/* Rows of the input that came too late and were dropped: counted, and written to t$late. */
static inline void op_late(struct op_ctx *ctx, int input, const struct chunk *in,
                           const uint16_t *rows, uint16_t count)
{
    ctx->way->late(ctx, input, in, rows, count);
}

/* Asks for on_clock at the first tick whose clock is at or after at_us; the earliest counts. Part of the
 * operator's saved state: the driver saves it. */
static inline void op_alarm(struct op_ctx *ctx, int64_t at_us)
{
    ctx->way->alarm(ctx, at_us);
}

/* A lookup join asks an outside system: a record of its topic of questions, in this tick's entry. */
static inline void op_ask(struct op_ctx *ctx, struct bytes key, struct bytes question)
{
    ctx->way->ask(ctx, key, question);
}

/* A time that each part of a checkpoint has, as a watermark: the least of those so far and of this part. A
 * part that had none yet (INT64_MIN) counts: it holds the others back. */
static inline int64_t op_load_time(const struct op_ctx *ctx, int64_t so_far, int64_t part)
{
    return ctx->loaded && so_far < part ? so_far : part;
}

/* The class that runs a kind of node (registry.c); NULL with a diag for what is not built. */
const struct op_class *op_class_of(const struct plan_node *node, struct diag *diag);

#endif
