/* disk.c: state of a driver that goes to disk between ticks, and what of it is there for a checkpoint.
 *
 * The tasks move side by side, each with its own file and helper; the one that takes longest is waited for.
 */
#include "base/check.h"
#include "flow/graph.h"
#include "flow/ops/tiered.h"

enum { MOVE_SHARE = 32 };

typedef enum status task_fn(struct driver *driver, struct task *task, void *context);

/* Each task whose state may be on disk, until one fails. */
static enum status each_tiered(struct driver *d, task_fn *fn, void *context)
{
    for (uint32_t n = 0; n < d->nodes_count; n++)
        for (uint32_t s = 0; s < d->shards_count; s++)
            if (task_tiered(&d->nodes[n].tasks[s]))
                TRY(fn(d, &d->nodes[n].tasks[s], context));
    return ST_OK;
}

static enum status wait_one(struct driver *d, struct task *task, void *context)
{
    (void)d;
    (void)context;
    if (task->ctx.waits)
        cold_wait(task->ctx.waits);
    return ST_OK;
}

void driver_wait_disk(struct driver *d)
{
    enum status st = each_tiered(d, wait_one, NULL);
    CHECK(st == ST_OK);
}

static enum status add_movable(struct driver *d, struct task *task, void *context)
{
    (void)d;
    *(uint64_t *)context += tiered_movable(task_tiered(task));
    return ST_OK;
}

uint64_t driver_movable(const struct driver *d)
{
    uint64_t bytes = 0;
    enum status st = each_tiered((struct driver *)d, add_movable, &bytes);
    CHECK(st == ST_OK);
    return bytes;
}

static enum status add_cold(struct driver *d, struct task *task, void *context)
{
    (void)d;
    *(uint64_t *)context += tiered_cold(task_tiered(task));
    return ST_OK;
}

uint64_t driver_cold(const struct driver *d)
{
    uint64_t entries = 0;
    enum status st = each_tiered((struct driver *)d, add_cold, &entries);
    CHECK(st == ST_OK);
    return entries;
}

/* What a call between ticks gave; ST_AGAIN stays. */
static enum status task_done(struct task *task, enum status st, struct diag *diag)
{
    arena_reset(&task->arena);
    if (st == ST_AGAIN)
        return st;
    task->ctx.waits = NULL;
    if (st != ST_OK && st != ST_END) {
        (void)task_failed(task, st);
        *diag = task->diag;
    }
    return st;
}

/* ---- moving ---- */

struct move {
    uint32_t percent;
    struct diag *diag;
    bool waits;
};

/* What holds next to nothing of it all is left as it is. */
static enum status move_begin(struct driver *d, struct task *task, void *context)
{
    uint64_t all = *(const uint64_t *)context;
    (void)d;
    task->moved = tiered_movable(task_tiered(task)) < all / MOVE_SHARE;
    diag_clear(&task->diag);
    return ST_OK;
}

/* Where one cannot, the others are brought to their end all the same: a store under way is not left alone. */
static enum status move_one(struct driver *d, struct task *task, void *context)
{
    struct move *move = context;
    if (task->moved)
        return ST_OK;
    enum status st = tiered_move(task_tiered(task), &task->ctx, move->percent);
    st = task_done(task, st, move->diag);
    move->waits |= st == ST_AGAIN;
    task->moved = st != ST_AGAIN;
    if (st != ST_OK && st != ST_AGAIN)
        d->move_status = st;
    return ST_OK;
}

enum status driver_move(struct driver *d, uint32_t percent, struct diag *diag)
{
    struct move move = {.percent = percent, .diag = diag};
    CHECK(!d->running);
    if (!d->moving) {
        uint64_t all = driver_movable(d);
        TRY(each_tiered(d, move_begin, &all));
        d->moving = true;
        d->move_status = ST_OK;
    }
    TRY(each_tiered(d, move_one, &move));
    d->moving = move.waits;
    return move.waits ? ST_AGAIN : d->move_status;
}

enum status driver_move_all(struct driver *d, uint32_t percent, struct diag *diag)
{
    enum status st;
    while ((st = driver_move(d, percent, diag)) == ST_AGAIN)
        driver_wait_disk(d);
    return st;
}

/* ---- checkpoints ---- */

enum status driver_save_cold(struct driver *d, uint32_t node, uint32_t shard, bool first, struct buf *out,
                             struct diag *diag)
{
    struct task *task = &d->nodes[node].tasks[shard];
    struct tiered *tiered = task_tiered(task);
    if (!tiered)
        return ST_END;
    return task_done(task, tiered_save(tiered, &task->ctx, first, out), diag);
}

enum status driver_load_cold(struct driver *d, uint32_t node, uint32_t shard, struct reader *r, struct diag *diag)
{
    struct task *task = &d->nodes[node].tasks[shard];
    const struct op_class *class = task->node->class;
    if (!class || !class->load_cold)
        return ST_CORRUPT;
    enum status st = class->load_cold(task->node->plan, task->state, &task->ctx, r);
    arena_reset(&task->arena);
    if (st != ST_OK)
        *diag = task->diag;
    return r->bad || (st == ST_OK && reader_left(r)) ? ST_CORRUPT : st;
}
