/* exchange.c: rows that change shard.
 *
 *   sender ── partition by key group ── copy ──► ring[from][to] ──► lane (edge, from, to) ── receiver
 *
 * A ring carries the parcels of all edges between its two shards in the order sent. The receiver
 * empties it into the lanes whenever it looks, and also when the sender finds it full: with all
 * shards on one thread that call is made on its behalf. So a ring may be as small as one parcel and
 * nothing can stand still.
 */
#include <stdlib.h>

#include "base/check.h"
#include "flow/gather.h"
#include "flow/graph.h"

enum { LANE_BYTES_MAX = 512 << 20 };

/* Where rows go that are not divided. State without a key stands under the one key there is, in that key's
 * group, and a checkpoint gives each group back to the shard that owns it: so that shard it must be.
 * Sinks have no key groups: theirs is shard 0. */
static uint32_t single_shard(const struct driver *d, const struct edge *edge)
{
    return d->nodes[edge->to].sink ? 0 : key_group_shard(key_group(keyer_none()), d->shards_count);
}

enum status exchange_open(struct driver *d, struct diag *diag)
{
    uint32_t n = d->shards_count, cap = d->options.ring_entries;
    cap = cap ? cap : DRIVER_RING_ENTRIES;
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
    d->lanes = xcalloc(d->lanes_count + 1, sizeof(*d->lanes));
    for (uint32_t i = 0; i < d->lanes_count; i++)
        d->lanes[i].watermark_us = INT64_MIN;
    if (!d->lanes_count)
        return ST_OK;
    d->rings = xcalloc(n * n, sizeof(*d->rings));
    for (uint32_t i = 0; i < n * n; i++)
        d->rings[i] = (struct ring){.slots = xcalloc(cap, sizeof(struct parcel *)), .cap = cap};
    return ST_OK;
}

static void parcel_free(struct driver *d, struct parcel *parcel)
{
    d->lane_bytes -= parcel->arena.used_bytes;
    arena_deinit(&parcel->arena);
    free(parcel);
}

void exchange_close(struct driver *d)
{
    for (uint32_t i = 0; d->rings && i < d->shards_count * d->shards_count; i++) {
        struct ring *ring = &d->rings[i];
        for (; ring->count; ring->count--, ring->head = (ring->head + 1) % ring->cap)
            parcel_free(d, ring->slots[ring->head]);
        free(ring->slots);
    }
    free(d->rings);
    for (uint32_t i = 0; d->lanes && i < d->lanes_count; i++)
        for (struct parcel *p = d->lanes[i].first, *next; p; p = next) {
            next = p->next;
            parcel_free(d, p);
        }
    free(d->lanes);
}

/* The receiver's part: all that its ring from one sender holds goes to the lanes. */
static void ring_empty(struct driver *d, struct ring *ring)
{
    for (; ring->count; ring->count--) {
        struct parcel *parcel = ring->slots[ring->head];
        ring->head = (ring->head + 1) % ring->cap;
        struct lane *lane = &d->lanes[parcel->lane];
        if (lane->last)
            lane->last->next = parcel;
        else
            lane->first = parcel;
        lane->last = parcel;
    }
}

static void ring_push(struct driver *d, uint32_t from, uint32_t to, struct parcel *parcel)
{
    struct ring *ring = &d->rings[from * d->shards_count + to];
    if (ring->count == ring->cap)
        ring_empty(d, ring);
    CHECK(ring->count < ring->cap);
    ring->slots[(ring->head + ring->count++) % ring->cap] = parcel;
}

static struct parcel *parcel_new(struct driver *d, const struct edge *edge, uint32_t from,
                                 uint32_t to)
{
    struct parcel *parcel = xcalloc(1, sizeof(*parcel));
    arena_init(&parcel->arena, ARENA_BUDGET_NONE);
    parcel->lane = edge->lanes + from * d->shards_count + to;
    return parcel;
}

static enum status send_rows(struct task *task, struct edge *edge, uint32_t to,
                             const struct chunk *in, const uint16_t *rows, uint16_t count)
{
    struct driver *d = task->driver;
    uint64_t max = d->options.lane_bytes_max ? d->options.lane_bytes_max : LANE_BYTES_MAX;
    struct parcel *parcel = parcel_new(d, edge, task->ctx.shard, to);
    parcel->chunk = chunk_gather(&parcel->arena, in, task->node->types, rows, count);
    d->lane_bytes += parcel->arena.used_bytes;
    ring_push(d, task->ctx.shard, to, parcel);
    if (d->lane_bytes > max)
        return diag_set(&task->diag, ST_NOSPACE, DIAG_LIMIT,
                        "more than %llu bytes of rows are on their way between shards in one tick",
                        (unsigned long long)max);
    return ST_OK;
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
            struct parcel *end = parcel_new(d, edge, task->ctx.shard, to);
            end->watermark_us = task->out_us;
            end->idle = task->out_idle;
            ring_push(d, task->ctx.shard, to, end);
        }
    }
}

static enum status lane_receive(struct task *task, struct lane *lane, uint16_t input)
{
    struct driver *d = task->driver;
    for (;;) {
        struct parcel *parcel = lane->first;
        CHECK(parcel); /* the sender's turn in this tick came first, and ended with a marker */
        lane->first = parcel->next;
        if (!lane->first)
            lane->last = NULL;
        if (!parcel->chunk) {
            lane->watermark_us = parcel->watermark_us;
            lane->idle = parcel->idle;
            parcel_free(d, parcel);
            return ST_OK;
        }
        enum status st = task_rows(task, input, parcel->chunk);
        parcel_free(d, parcel);
        TRY(st);
    }
}

enum status exchange_receive(struct task *task)
{
    struct driver *d = task->driver;
    uint32_t to = task->ctx.shard;
    for (uint32_t from = 0; d->rings && from < d->shards_count; from++)
        ring_empty(d, &d->rings[from * d->shards_count + to]);
    for (uint16_t i = 0; i < task->node->plan->inputs_count; i++) {
        struct edge *edge = task->node->inputs[i];
        for (uint32_t from = 0; !edge->direct && from < d->shards_count; from++)
            TRY(lane_receive(task, edge_lane(d, edge, from, to), i));
    }
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
    for (uint16_t i = 0; i < task->node->plan->inputs_count; i++) {
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
