/* exchange.c: rows that change shard.
 *
 *   sender ── partition by key group ── copy ──► lane (edge, from, to) ── receiver
 *                  ▲                                                        │
 *                  └──────────────── parcels that are read ─────────────────┘
 *
 * A lane is a list that its sender pushes onto and its receiver takes whole: it is never full, so a
 * sender never waits. What is in all lanes is charged to the job and bounded.
 *
 * Rows that are given directly are copied too where the receiver's state is in part on disk: it may have to wait
 * for what they need, which it cannot in the middle of its sender's step.
 */
#include <stdlib.h>

#include "base/check.h"
#include "flow/gather.h"
#include "flow/graph.h"

enum { LANE_BYTES_MAX = 512 << 20, SPARE_PARCELS = 32, SPARE_BYTES = 256 << 10 };

/* Where rows go that are not divided. State without a key stands under the one key there is, in that key's
 * group, and a checkpoint gives each group back to the shard that owns it: so that shard it must be.
 * Sinks have no key groups: theirs is shard 0. */
static uint32_t single_shard(const struct driver *d, const struct edge *edge)
{
    return d->nodes[edge->to].sink ? 0 : key_group_shard(key_group(keyer_none()), d->shards_count);
}

enum status exchange_open(struct driver *d, struct diag *diag)
{
    uint32_t n = d->shards_count;
    for (uint32_t e = 0; e < d->edges_count; e++) {
        if (d->edges[e].direct)
            continue;
        d->edges[e].lanes = d->lanes_count;
        d->lanes_count += n * n;
        struct edge *edge = &d->edges[e];
        edge->single = single_shard(d, edge);
        if (edge->dist.kind == DIST_HASH)
            TRY(keyer_make(&edge->keyer, &d->arena, d->nodes[edge->from].plan, edge->dist.keys,
                           edge->dist.keys_count, diag));
    }
    d->lanes = lines_alloc(d->lanes_count, sizeof(*d->lanes));
    for (uint32_t i = 0; i < d->lanes_count; i++)
        d->lanes[i].watermark_us = INT64_MIN;
    return ST_OK;
}

/* ---- parcels ---- */

static void parcels_free(struct parcel *parcel)
{
    while (parcel) {
        struct parcel *next = parcel->next;
        arena_deinit(&parcel->arena);
        free(parcel);
        parcel = next;
    }
}

void exchange_close(struct driver *d)
{
    for (uint32_t s = 0; s < d->shards_count; s++) {
        parcels_free(d->shards[s].spare);
        parcels_free(atomic_load(&d->shards[s].returned));
    }
    for (uint32_t i = 0; d->lanes && i < d->lanes_count; i++) {
        parcels_free(d->lanes[i].first);
        parcels_free(atomic_load(&d->lanes[i].sent));
    }
    free(d->lanes);
}

/* The sender's: what its receivers have read, as far as it is worth keeping. */
static void spare_take(struct shard *from)
{
    struct parcel *parcel = atomic_exchange(&from->returned, NULL);
    while (parcel) {
        struct parcel *next = parcel->next;
        parcel->next = NULL;
        if (from->spare_count == SPARE_PARCELS || parcel->arena.used_bytes > SPARE_BYTES) {
            parcels_free(parcel);
        } else {
            parcel->next = from->spare;
            from->spare = parcel;
            from->spare_count++;
        }
        parcel = next;
    }
}

static struct parcel *parcel_new(struct shard *from)
{
    if (!from->spare)
        spare_take(from);
    struct parcel *parcel = from->spare;
    if (!parcel) {
        parcel = xcalloc(1, sizeof(*parcel));
        arena_init(&parcel->arena, ARENA_BUDGET_NONE);
        return parcel;
    }
    from->spare = parcel->next;
    from->spare_count--;
    parcel->chunk = NULL;
    parcel->charged = 0;
    return parcel;
}

static void push(_Atomic(struct parcel *) *list, struct parcel *parcel)
{
    parcel->next = atomic_load(list);
    while (!atomic_compare_exchange_weak(list, &parcel->next, parcel))
        ;
}

/* Back to its sender, with what memory its next use will want. */
static void parcel_done(struct driver *d, uint32_t from, struct parcel *parcel)
{
    atomic_fetch_sub(&d->lane_bytes, parcel->charged);
    arena_reset(&parcel->arena);
    push(&d->shards[from].returned, parcel);
}

static uint64_t parcels_bytes(const struct parcel *parcel)
{
    uint64_t bytes = 0;

    for (; parcel; parcel = parcel->next)
        bytes += sizeof(*parcel) + parcel->arena.used_bytes;
    return bytes;
}

uint64_t exchange_bytes(const struct driver *d)
{
    uint64_t bytes = d->lanes_count * sizeof(*d->lanes) + atomic_load(&d->lane_bytes);

    for (uint32_t s = 0; s < d->shards_count; s++)
        bytes += parcels_bytes(d->shards[s].spare) + parcels_bytes(atomic_load(&d->shards[s].returned));
    return bytes;
}

/* ---- sending ---- */

static void lane_send(struct driver *d, const struct edge *edge, uint32_t from, uint32_t to,
                      struct parcel *parcel)
{
    push(&edge_lane(d, edge, from, to)->sent, parcel);
    if (shard_host(d, from) != shard_host(d, to))
        crew_ring(d->options.crew, shard_host(d, to));
}

/* Rows of the sender as a parcel, charged. */
static struct parcel *parcel_of(struct task *task, const struct chunk *in, const uint16_t *rows, uint16_t count)
{
    struct parcel *parcel = parcel_new(&task->driver->shards[task->ctx.shard]);
    parcel->chunk = chunk_gather(&parcel->arena, in, task->node->types, rows, count);
    parcel->charged = parcel->arena.used_bytes;
    atomic_fetch_add(&task->driver->lane_bytes, parcel->charged);
    return parcel;
}

static enum status check_lanes(struct task *task)
{
    struct driver *d = task->driver;
    uint64_t max = d->options.lane_bytes_max ? d->options.lane_bytes_max : LANE_BYTES_MAX;
    if (atomic_load(&d->lane_bytes) <= max)
        return ST_OK;
    return diag_set(&task->diag, ST_NOSPACE, DIAG_LIMIT,
                    "more than %llu bytes of rows are on their way between operators in one tick",
                    (unsigned long long)max);
}

static enum status send_rows(struct task *task, struct edge *edge, uint32_t to,
                             const struct chunk *in, const uint16_t *rows, uint16_t count)
{
    lane_send(task->driver, edge, task->ctx.shard, to, parcel_of(task, in, rows, count));
    return check_lanes(task);
}

enum status exchange_queue(struct task *from, struct task *to, uint16_t input, const struct chunk *in)
{
    uint16_t rows[CHUNK_ROWS];
    for (uint16_t i = 0; i < in->count; i++)
        rows[i] = chunk_row(in, i);
    struct parcel *parcel = parcel_of(from, in, rows, in->count);
    parcel->input = input;
    parcel->next = NULL;
    if (to->queue)
        to->queue_last->next = parcel;
    else
        to->queue = parcel;
    to->queue_last = parcel;
    return check_lanes(from);
}

void exchange_drop_queue(struct task *task)
{
    parcels_free(task->queue);
    task->queue = task->queue_last = NULL;
}

/* shard_of[i]: of the i-th live row. */
static void rows_shards(struct task *task, const struct edge *edge, const struct chunk *in,
                        uint8_t *shard_of)
{
    struct driver *d = task->driver;
    if (edge->dist.kind == DIST_SINGLE) {
        memset(shard_of, (int)edge->single, in->count);
        return;
    }
    struct arena *arena = &d->shards[task->ctx.shard].scratch_arena;
    struct state_keys keys;
    uint16_t rows[CHUNK_ROWS];
    for (uint16_t i = 0; i < in->count; i++)
        rows[i] = chunk_row(in, i);
    keyer_keys(&edge->keyer, in->cols, rows, in->count, arena, &keys);
    for (uint16_t i = 0; i < in->count; i++)
        shard_of[i] = (uint8_t)key_group_shard(key_group(keys.hashes[i]), d->shards_count);
    arena_reset(arena);
}

enum status exchange_send(struct task *task, struct edge *edge, const struct chunk *in)
{
    struct driver *d = task->driver;
    uint8_t shard_of[CHUNK_ROWS];
    uint16_t rows[CHUNK_ROWS];
    rows_shards(task, edge, in, shard_of);
    for (uint32_t to = 0; to < d->shards_count; to++) {
        uint16_t count = 0;
        for (uint16_t i = 0; i < in->count; i++) {
            rows[count] = chunk_row(in, i);
            count = (uint16_t)(count + (shard_of[i] == to));
        }
        if (count)
            TRY(send_rows(task, edge, to, in, rows, count));
    }
    return ST_OK;
}

void exchange_end_tick(struct task *task)
{
    struct driver *d = task->driver;
    for (uint32_t u = 0; u < task->node->users_count; u++) {
        struct edge *edge = task->node->users[u];
        if (edge->direct)
            continue;
        for (uint32_t to = 0; to < d->shards_count; to++) {
            struct parcel *end = parcel_new(&d->shards[task->ctx.shard]);
            end->watermark_us = task->out_us;
            end->idle = task->out_idle;
            lane_send(d, edge, task->ctx.shard, to, end);
        }
    }
}

/* ---- receiving ---- */

/* The next parcel of a lane, left in it; NULL: none has come. */
static struct parcel *lane_first(struct lane *lane)
{
    if (!lane->first) {
        struct parcel *newest = atomic_exchange(&lane->sent, NULL);
        while (newest) {
            struct parcel *next = newest->next;
            newest->next = lane->first;
            lane->first = newest;
            newest = next;
        }
    }
    return lane->first;
}

/* Rows come to the task; ST_AGAIN: what they need is not in memory yet. */
static enum status rows_come(struct task *task, uint16_t input, const struct chunk *rows)
{
    if (task->queues)
        TRY(task_need(task, input, rows));
    return task_rows(task, input, rows);
}

/* The next parcel of one lane. STEP_NEXT: it was the end of the tick. */
static enum status lane_step(struct task *task, struct lane *lane, uint16_t input, uint32_t from,
                             enum step *step)
{
    struct parcel *parcel = lane_first(lane);
    enum status st = ST_OK;
    *step = STEP_WAITS;
    if (!parcel)
        return ST_OK;
    if (parcel->chunk) {
        task->ctx.sender = from;
        st = rows_come(task, input, parcel->chunk);
        if (st == ST_AGAIN)
            return ST_OK;
    } else {
        lane->watermark_us = parcel->watermark_us;
        lane->idle = parcel->idle;
    }
    *step = parcel->chunk ? STEP_MOVED : STEP_NEXT;
    lane->first = parcel->next;
    parcel_done(task->driver, from, parcel);
    return st;
}

/* The next of the rows that were given directly. */
static enum status queue_step(struct task *task, enum step *step)
{
    struct parcel *parcel = task->queue;
    task->ctx.sender = task->ctx.shard;
    enum status st = rows_come(task, parcel->input, parcel->chunk);
    *step = STEP_WAITS;
    if (st == ST_AGAIN)
        return ST_OK;
    *step = STEP_MOVED;
    task->queue = parcel->next;
    parcel_done(task->driver, task->ctx.shard, parcel);
    return st;
}

enum status exchange_step(struct task *task, struct place *place, enum step *step)
{
    struct driver *d = task->driver;
    if (task->queue)
        return queue_step(task, step);
    for (; place->input < task->node->plan->inputs_count; place->input++, place->from = 0) {
        const struct edge *edge = task->node->inputs[place->input];
        for (; !edge->direct && place->from < d->shards_count; place->from++) {
            struct lane *lane = edge_lane(d, edge, place->from, task->ctx.shard);
            TRY(lane_step(task, lane, place->input, place->from, step));
            if (*step != STEP_NEXT)
                return ST_OK;
        }
    }
    *step = STEP_NEXT;
    return ST_OK;
}

/* Of one input: the least over its lanes that are not idle; when all are, the greatest, since
 * nothing holds it back (as Flink has it). */
static int64_t input_watermark(struct task *task, const struct edge *edge, bool *idle)
{
    struct driver *d = task->driver;
    int64_t least = INT64_MAX, most = INT64_MIN;
    uint32_t senders = edge->direct ? 1 : d->shards_count;
    *idle = true;
    for (uint32_t from = 0; from < senders; from++) {
        const struct task *up = &d->nodes[edge->from].tasks[task->ctx.shard];
        const struct lane *lane = edge->direct ? NULL : edge_lane(d, edge, from, task->ctx.shard);
        int64_t one = lane ? lane->watermark_us : up->out_us;
        most = one > most ? one : most;
        if (lane ? lane->idle : up->out_idle)
            continue;
        *idle = false;
        least = one < least ? one : least;
    }
    return *idle ? most : least;
}

int64_t exchange_watermark(struct task *task, bool *idle)
{
    int64_t least = INT64_MAX, least_idle = INT64_MAX;
    *idle = true;
    const struct plan_node *plan = task->node->plan;
    bool asks = plan->kind == PLAN_LOOKUP_JOIN && plan->join.lookup; /* answers have no time */
    for (uint16_t i = 0; i < (asks ? 1 : plan->inputs_count); i++) {
        bool one_idle;
        int64_t one = input_watermark(task, task->node->inputs[i], &one_idle);
        least_idle = one < least_idle ? one : least_idle;
        if (one_idle)
            continue;
        *idle = false;
        least = one < least ? one : least;
    }
    return *idle ? least_idle : least;
}
