/* tick.c: running a tick: each shard goes through the nodes in steps, each host through its shards.
 *
 * A shard's way:
 *   1. alarms that are due (users before their inputs, so that on_clock comes before any row),
 *   2. node by node: rows (a source reads its splits, others read their lanes; directly given rows have
 *      come already, from inside the steps of earlier nodes); the merged watermark, if it has risen and
 *      the operator owes nothing from an earlier one; the end of the tick, and the markers in the lanes
 *      out.
 *
 * A shard waits where a lane is empty whose marker has not come, so only for nodes before its own: of
 * all shards that are not through, one that stands at the least node can always go on, and senders
 * never wait. And it waits, at any node, for state that is on its way from the disk. Where a host's time is up
 * follows from the clock, and changes nothing: a step's bounds do not.
 */
#include <stdlib.h>

#include "base/check.h"
#include "flow/graph.h"

/* A hop to another thread costs tens of microseconds, a row between a tenth of one and two. */
enum { CREW_ROWS_MIN = 512, ROWS_PER_LOOK = 1024 };

enum turn { TURN_MORE, TURN_WAITS, TURN_OVER };

uint32_t shard_host(const struct driver *d, uint32_t shard)
{
    return shard % d->hosts;
}

/* ---- a shard ---- */

/* An operator that owes rows is called again in this tick, until it has emitted so many. */
static bool owes_on(const struct task *task, struct place *place, uint64_t before)
{
    uint64_t now = task->rows_out - before;
    place->owed += now;
    return now && place->owed < OP_TICK_ROWS;
}

static enum status alarms_step(struct driver *d, uint32_t shard, struct place *place)
{
    while (place->node > 0) {
        struct task *task = &d->nodes[place->node - 1].tasks[shard];
        uint64_t before = task->rows_out;
        bool due = task_alarm_due(task);
        if (due)
            TRY(task_clock(task));
        if (due && task->owes_clock && owes_on(task, place, before))
            return ST_OK;
        place->node--;
        place->owed = 0;
        if (due)
            return ST_OK;
    }
    place->stage = d->nodes_count ? STAGE_READ : STAGE_OVER;
    return ST_OK;
}

static enum status read_step(struct task *task, struct place *place, enum step *step)
{
    if (task->node->source)
        TRY(intake_step(task, place, step));
    else
        TRY(exchange_step(task, place, step));
    if (*step == STEP_NEXT)
        place->stage = STAGE_WATERMARK;
    return ST_OK;
}

static enum status watermark_step(struct task *task, struct place *place)
{
    uint64_t before = task->rows_out;
    TRY(task_watermark(task));
    if (task->owed_us == INT64_MIN || !owes_on(task, place, before))
        place->stage = STAGE_END;
    return ST_OK;
}

static enum status end_step(struct driver *d, struct task *task, struct place *place)
{
    bool again;
    TRY(task_tick_end(task, &again));
    if (again)
        return ST_OK;
    exchange_end_tick(task);
    *place = (struct place){.stage = STAGE_READ, .node = place->node + 1};
    if (place->node < d->nodes_count)
        return ST_OK;
    place->stage = STAGE_OVER;
    return results_finish(&d->shards[task->ctx.shard].results);
}

static enum status shard_step(struct driver *d, uint32_t shard, enum step *step)
{
    struct place *place = &d->shards[shard].place;
    *step = STEP_MOVED;
    if (place->stage == STAGE_ALARMS)
        return alarms_step(d, shard, place);
    struct task *task = &d->nodes[place->node].tasks[shard];
    if (place->stage == STAGE_READ)
        return read_step(task, place, step);
    if (place->stage == STAGE_END)
        return end_step(d, task, place);
    CHECK(place->stage == STAGE_WATERMARK);
    return watermark_step(task, place);
}

static bool time_is_up(struct driver *d, struct shard *shard, int64_t until_ns)
{
    if (d->options.turn_seed)
        return rng_chance(&d->turn_rng, 0.3);
    if (until_ns == INT64_MAX || shard->rows < ROWS_PER_LOOK)
        return false;
    shard->rows = 0;
    return os_mono_ns(d->options.os) >= until_ns;
}

static void ring_all(struct driver *d)
{
    for (uint32_t h = 0; d->hosts > 1 && h < d->hosts; h++)
        crew_ring(d->options.crew, h);
}

static void tick_fail(struct driver *d, enum status st)
{
    int none = ST_OK;
    atomic_compare_exchange_strong(&d->failed, &none, (int)st);
    atomic_store(&d->stop, true);
    ring_all(d);
}

static enum turn shard_turn(struct driver *d, uint32_t s, int64_t until_ns, bool *moved)
{
    struct shard *shard = &d->shards[s];
    while (shard->place.stage != STAGE_OVER && !atomic_load(&d->stop)) {
        enum step step;
        enum status st = shard_step(d, s, &step);
        if (st != ST_OK) {
            tick_fail(d, st);
            break;
        }
        if (step == STEP_WAITS)
            return TURN_WAITS;
        *moved = true;
        if (shard->place.stage != STAGE_OVER && time_is_up(d, shard, until_ns))
            return TURN_MORE;
    }
    return TURN_OVER;
}

/* ---- a host ---- */

static enum turn host_turn(struct driver *d, uint32_t host, int64_t until_ns, bool *moved)
{
    uint32_t count = (d->shards_count - host - 1) / d->hosts + 1;
    uint32_t first = d->options.turn_seed ? (uint32_t)rng_below(&d->turn_rng, count) : 0;
    enum turn all = TURN_OVER;
    for (uint32_t i = 0; i < count; i++) {
        enum turn one = shard_turn(d, host + (first + i) % count * d->hosts, until_ns, moved);
        if (one == TURN_MORE)
            return TURN_MORE;
        all = one == TURN_WAITS ? TURN_WAITS : all;
    }
    return atomic_load(&d->stop) ? TURN_OVER : all;
}

static enum crew_turn part_turn(struct crew_work *work)
{
    struct part *part = (struct part *)work;
    bool moved = false;
    if (host_turn(part->driver, part->host, INT64_MAX, &moved) == TURN_OVER)
        return CREW_DONE;
    return moved ? CREW_MOVED : CREW_WAITS;
}

/* The caller may close the driver as soon as the count is nought: only the crew is touched then. */
static void part_left(struct crew_work *work)
{
    struct driver *d = ((struct part *)work)->driver;
    struct crew *crew = d->options.crew;
    if (atomic_fetch_sub(&d->hosts_left, 1) == 1)
        crew_ring(crew, 0);
}

/* ---- beginning ---- */

static uint64_t tick_work(const struct driver *d)
{
    uint64_t work = 0;
    for (uint32_t i = 0; i < d->sources_count; i++)
        for (uint32_t s = 0; s < d->sources[i].splits_count; s++)
            work += (uint64_t)(d->sources[i].splits[s].end - d->sources[i].splits[s].position);
    return work;
}

static bool worth_threads(struct driver *d, uint64_t work)
{
    uint32_t least = d->options.crew_rows_min ? d->options.crew_rows_min : CREW_ROWS_MIN;
    return d->options.crew && d->shards_count > 1 && (work >= least || driver_owes(d)) &&
           crew_start(d->options.crew) && intake_prepare(d);
}

static void post_parts(struct driver *d)
{
    struct crew *crew = d->options.crew;
    uint32_t hosts = crew_hosts(crew);
    if (!d->parts)
        d->parts = xcalloc(hosts, sizeof(*d->parts));
    driver_report(d);
    d->hosts = hosts < d->shards_count ? hosts : d->shards_count;
    atomic_store(&d->hosts_left, d->hosts - 1);
    for (uint32_t h = 1; h < d->hosts; h++) {
        d->parts[h] = (struct part){.work = {part_turn, part_left, NULL}, .driver = d, .host = h};
        crew_post(crew, h, &d->parts[h].work);
    }
}

void driver_begin(struct driver *d, const struct driver_tick *tick)
{
    CHECK(!d->broken && !d->running);
    uint64_t work = tick_work(d);
    d->tick = *tick;
    d->schemas.places = tick->schemas;
    /* Small ticks are timed one in eight, so that a clock reading costs less than what it measures. */
    d->timed = work >= 1024 || tick->tick % 8 == 0;
    d->time_weight = work >= 1024 ? 1 : 8;
    for (uint32_t s = 0; s < d->shards_count; s++) {
        struct shard *shard = &d->shards[s];
        results_clear(&shard->results);
        shard->results.suppressed = tick->replaying;
        shard->nested_ns = 0;
        shard->rows = 0;
        shard->place = (struct place){.stage = STAGE_ALARMS, .node = d->nodes_count};
    }
    for (uint32_t n = 0; n < d->nodes_count; n++)
        for (uint32_t s = 0; s < d->shards_count; s++)
            task_begin(&d->nodes[n].tasks[s]);
    bool threads = worth_threads(d, work);
    d->running = true;
    if (threads)
        post_parts(d);
}

bool driver_running(const struct driver *d)
{
    return d->running;
}

/* ---- going on, to the end ---- */

/* The error of the first node, in the plan's order from its end, that has one. */
static enum driver_turn driver_error(struct driver *d, struct diag *diag)
{
    enum status st = (enum status)atomic_load(&d->failed);
    d->broken = true;
    for (uint32_t n = d->nodes_count; n-- > 0;)
        for (uint32_t s = 0; s < d->shards_count; s++) {
            const struct task *task = &d->nodes[n].tasks[s];
            if (task->diag.code == DIAG_NONE || !diag)
                continue;
            *diag = task->diag;
            return DRIVER_FAILED;
        }
    diag_set(diag, st, DIAG_INTERNAL, "%s", status_text(st));
    return DRIVER_FAILED;
}

static void tick_over(struct driver *d)
{
    d->running = false;
    if (d->hosts > 1)
        intake_settle(d);
    d->hosts = 1;
}

enum driver_turn driver_turn(struct driver *d, int64_t until_ns, struct diag *diag)
{
    struct crew *crew = d->options.crew;
    CHECK(d->running);
    for (;;) {
        unsigned seen = d->hosts > 1 ? crew_home_seen(crew) : 0;
        bool moved = false;
        enum turn turn = host_turn(d, 0, until_ns, &moved);
        if (turn == TURN_MORE)
            return DRIVER_MORE;
        if (turn == TURN_OVER && atomic_load(&d->hosts_left) == 0)
            break;
        if (turn == TURN_WAITS && moved)
            continue; /* what one shard gave another may have waited for */
        if (d->hosts == 1) /* there is nobody else: for the disk */
            return DRIVER_WAITS;
        crew_check(crew);
        if (!crew_home_rest(crew, seen))
            return DRIVER_WAITS;
        if (os_mono_ns(d->options.os) >= until_ns)
            return DRIVER_MORE;
    }
    tick_over(d);
    return atomic_load(&d->failed) == ST_OK ? DRIVER_DONE : driver_error(d, diag);
}

enum driver_turn driver_finish(struct driver *d, struct diag *diag)
{
    for (;;) {
        unsigned seen = d->hosts > 1 ? crew_home_seen(d->options.crew) : 0;
        enum driver_turn turn = driver_turn(d, INT64_MAX, diag);
        if (turn == DRIVER_WAITS && d->hosts > 1)
            crew_home_wait(d->options.crew, seen);
        else if (turn == DRIVER_WAITS)
            driver_wait_disk(d);
        else if (turn != DRIVER_MORE)
            return turn;
    }
}

void driver_cancel(struct driver *d)
{
    if (!d->running)
        return;
    atomic_store(&d->stop, true);
    ring_all(d);
    while (d->hosts > 1) {
        unsigned seen = crew_home_seen(d->options.crew);
        crew_check(d->options.crew);
        if (atomic_load(&d->hosts_left) == 0)
            break;
        crew_home_wait(d->options.crew, seen);
    }
    d->broken = true;
    tick_over(d);
}

enum status driver_run(struct driver *d, const struct driver_tick *tick, struct diag *diag)
{
    driver_begin(d, tick);
    if (driver_finish(d, diag) == DRIVER_DONE)
        return ST_OK;
    return (enum status)atomic_load(&d->failed);
}
