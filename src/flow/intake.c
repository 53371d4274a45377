/* intake.c: the driver's sources: how far a tick reads, the reading, and the watermarks that follow
 * from the rows.
 *
 * A split belongs to shard split % shards and is touched by that shard's task alone. Its watermark is
 * the greatest value of the scan's watermark expression over its rows; a task's is the least over
 * its splits, without those that are idle. A split that is bounded and read to its end has the
 * greatest watermark there is, so that windows close.
 */
#include <stdlib.h>

#include "base/check.h"
#include "data/func.h"
#include "flow/graph.h"
#include "flow/positions.h"

/* Rows of a job that wait for answers: with more nothing else is taken. */
enum { WAITING_ROWS_MAX = 10000 };

static struct task *split_task(struct driver *d, uint32_t source, uint32_t split)
{
    return &d->source_nodes[source]->tasks[split % d->shards_count];
}

static uint32_t splits_now(struct driver *d, uint32_t source)
{
    struct source *first = d->source_nodes[source]->tasks[0].source;
    return first->class->splits(first);
}

/* More of them, which have read nothing; or fewer, the first ones. */
static void splits_resize(struct driver *d, uint32_t i, uint32_t count)
{
    struct driver_source *source = &d->sources[i];
    source->splits = xrealloc(source->splits, count * sizeof(*source->splits));
    for (uint32_t s = source->splits_count; s < count; s++) {
        struct source *own = split_task(d, i, s)->source;
        source->splits[s] = (struct driver_split){
            .bound = own->class->bound(own, s),
            .watermark_us = INT64_MIN,
            .event_us = INT64_MIN,
            .active_us = INT64_MIN,
        };
    }
    source->splits_count = count;
}

static uint64_t splits_all(const struct driver *d)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < d->sources_count; i++)
        all += d->sources[i].splits_count;
    return all;
}

static enum status too_many(uint64_t splits, struct diag *diag)
{
    return diag_set(diag, ST_INVALID, DIAG_LIMIT,
                    "the sources of one query may have %d partitions in all, not %llu",
                    DRIVER_SPLITS_MAX, (unsigned long long)splits);
}

enum status intake_open(struct driver *d, struct diag *diag)
{
    d->sources = xcalloc(d->sources_count + 1, sizeof(*d->sources));
    for (uint32_t i = 0; i < d->sources_count; i++) {
        struct driver_source *source = &d->sources[i];
        uint32_t count = splits_now(d, i);
        source->node = d->source_nodes[i]->plan;
        source->reached_us = INT64_MIN;
        if (!count)
            return diag_set(diag, ST_INVALID, DIAG_INTERNAL, "a source has no partitions");
        if (splits_all(d) + count > DRIVER_SPLITS_MAX)
            return too_many(splits_all(d) + count, diag);
        splits_resize(d, i, count);
    }
    return ST_OK;
}

/* ---- more splits ---- */

static bool joins(struct driver *d, uint32_t i, uint32_t split, int64_t *position)
{
    struct source *own = split_task(d, i, split)->source;
    return own->class->join && own->class->join(own, split, position);
}

enum status driver_join(struct driver *d, bool *any, struct diag *diag)
{
    *any = false;
    for (uint32_t i = 0; i < d->sources_count; i++) {
        struct driver_source *source = &d->sources[i];
        uint32_t had = source->splits_count, now = splits_now(d, i);
        int64_t position = 0;
        if (now <= had || !joins(d, i, had, &position))
            continue;
        if (splits_all(d) + now - had > DRIVER_SPLITS_MAX)
            return too_many(splits_all(d) + now - had, diag);
        intake_reached(d, i);
        splits_resize(d, i, now);
        for (uint32_t s = had; s < now; s++) {
            bool is_read = joins(d, i, s, &position);
            CHECK(is_read);
            source->splits[s].position = source->splits[s].end = position;
        }
        *any = true;
    }
    return ST_OK;
}

enum status driver_splits_set(struct driver *d, uint32_t i, uint64_t count)
{
    struct driver_source *source = &d->sources[i];
    if (count == source->splits_count)
        return ST_OK;
    bool grows = d->source_nodes[i]->source->join != NULL;
    if (!grows || count == 0 || count > splits_now(d, i))
        return ST_CORRUPT;
    if (count > source->splits_count)
        intake_reached(d, i);
    splits_resize(d, i, (uint32_t)count);
    return ST_OK;
}

void intake_close(struct driver *d)
{
    for (uint32_t i = 0; d->sources && i < d->sources_count; i++)
        free(d->sources[i].splits);
    free(d->sources);
}

uint32_t driver_sources_count(const struct driver *d)
{
    return d->sources_count;
}

struct driver_source *driver_source(struct driver *d, uint32_t index)
{
    return &d->sources[index];
}

void driver_start(struct driver *d)
{
    for (uint32_t i = 0; i < d->sources_count; i++)
        for (uint32_t s = 0; s < d->sources[i].splits_count; s++) {
            struct source *source = split_task(d, i, s)->source;
            struct driver_split *split = &d->sources[i].splits[s];
            split->position = split->end = source->class->start(source, s);
        }
}

static bool split_done(const struct driver_split *split)
{
    return split->position >= split->bound;
}

/* A tick's taking: how much is left to take, of how many splits. */
struct taking {
    uint64_t tick, bytes_max;
    uint32_t rows_left, splits_left, splits_all;
    int64_t clock_us;
    int64_t *wake_us;
    uint32_t may_wait;  /* rows that may be taken of all but lookup joins' answers */
    /* Of the last sources asked: something is taken, there is more than that now, some are not at their end. */
    bool any, more, unfinished;
};

static void split_take(struct source *source, uint32_t s, struct driver_split *split, uint32_t *most, struct taking *t)
{
    uint32_t rows = t->rows_left / t->splits_left--;

    split->end = split->position;
    if (split_done(split) || !*most)
        return;
    rows = rows ? rows : 1;
    rows = rows < *most ? rows : *most;
    split->end = source->class->take(source, s, split->position, rows, t->bytes_max / t->splits_all + 1,
                                     t->clock_us, t->wake_us);
    CHECK(split->end >= split->position);
    if (split->end > split->bound)
        split->end = split->bound;
    uint64_t took = (uint64_t)(split->end - split->position);
    t->rows_left -= took < t->rows_left ? (uint32_t)took : t->rows_left;
    *most -= took < *most ? (uint32_t)took : *most;
    t->any |= took != 0;
    t->more |= split->bound == INT64_MAX && took >= rows;
    t->unfinished |= split->bound != INT64_MAX && split->end < split->bound;
}

static bool reads_first(const struct driver_source *source)
{
    return source->node->kind == PLAN_SCAN && source->node->scan.first;
}

/* Of a lookup join's answers; they end with its rows. */
static bool is_of_answers(const struct driver_source *source)
{
    return source->node->kind == PLAN_SCAN && source->node->scan.lookup;
}

static uint64_t node_waiting(const struct driver *d, uint32_t node)
{
    const struct graph_node *n = &d->nodes[node];
    uint64_t waiting = 0;

    for (uint32_t s = 0; n->class && n->class->waiting && s < d->shards_count; s++)
        waiting += n->class->waiting(n->plan, n->tasks[s].state);
    return waiting;
}

uint64_t driver_waiting(const struct driver *d)
{
    uint64_t waiting = 0;

    for (uint32_t n = 0; n < d->nodes_count; n++)
        waiting += node_waiting(d, n);
    return waiting;
}

/* How many rows may be taken until as many wait as may, in all of a job and in each lookup join that a hint gives a
 * bound. A tick whose rows meet more than they are (joins before the lookup) goes beyond. */
static uint32_t rows_that_may_wait(const struct driver *d, uint32_t rows_max)
{
    uint64_t most = rows_max;

    for (uint32_t n = 0; n < d->nodes_count; n++) {
        const struct plan_node *node = d->nodes[n].plan;
        uint64_t capacity = node->kind == PLAN_LOOKUP_JOIN && node->join.lookup ? node->join.lookup->hint.capacity : 0;
        uint64_t waiting = capacity ? node_waiting(d, n) : 0;
        if (capacity && (waiting >= capacity || capacity - waiting < most))
            most = waiting >= capacity ? 0 : capacity - waiting;
    }
    return driver_waiting(d) >= WAITING_ROWS_MAX ? 0 : (uint32_t)most;
}

static void sources_take(struct driver *d, bool first, struct taking *t)
{
    t->any = t->more = t->unfinished = false;
    for (uint32_t n = 0; n < d->sources_count; n++) {
        uint32_t i = (uint32_t)((n + t->tick) % d->sources_count);
        struct driver_source *source = &d->sources[i];
        uint32_t all = UINT32_MAX, *most = is_of_answers(source) ? &all : &t->may_wait;
        for (uint32_t k = 0; reads_first(source) == first && k < source->splits_count; k++) {
            uint32_t s = (uint32_t)((k + t->tick) % source->splits_count);
            split_take(split_task(d, i, s)->source, s, &source->splits[s], most, t);
        }
    }
}

static void others_wait(struct driver *d)
{
    for (uint32_t i = 0; i < d->sources_count; i++)
        for (uint32_t s = 0; !reads_first(&d->sources[i]) && s < d->sources[i].splits_count; s++)
            d->sources[i].splits[s].end = d->sources[i].splits[s].position;
}

bool driver_take(struct driver *d, uint64_t tick, uint32_t rows_max, uint64_t bytes_max,
                 int64_t clock_us, int64_t *wake_us)
{
    uint32_t all = (uint32_t)splits_all(d);
    struct taking t = {.tick = tick, .bytes_max = bytes_max, .rows_left = rows_max, .splits_left = all,
                       .splits_all = all, .clock_us = clock_us, .wake_us = wake_us,
                       .may_wait = rows_that_may_wait(d, rows_max)};

    sources_take(d, true, &t);
    bool any = t.any, alone = t.unfinished || (any && (t.more || !d->caught_up));
    d->caught_up = !t.more && !t.unfinished;
    if (alone) {
        others_wait(d);
        return any;
    }
    sources_take(d, false, &t);
    return any || t.any;
}

int64_t driver_source_clock(struct driver *d)
{
    int64_t most = INT64_MIN;
    for (uint32_t i = 0; i < d->sources_count; i++)
        for (uint32_t s = 0; s < d->sources[i].splits_count; s++) {
            struct source *source = split_task(d, i, s)->source;
            if (!source->class->clock_us)
                continue;
            int64_t one = source->class->clock_us(source, s, d->sources[i].splits[s].end);
            most = one > most ? one : most;
        }
    return most;
}

/* ---- before and after a tick that other threads run ---- */

bool intake_prepare(struct driver *d)
{
    for (uint32_t i = 0; i < d->sources_count; i++)
        for (uint32_t s = 0; s < d->sources[i].splits_count; s++) {
            const struct driver_split *split = &d->sources[i].splits[s];
            struct source *source = split_task(d, i, s)->source;
            if (!source->class->prepare || split->end == split->position)
                continue;
            if (source->class->prepare(source, s, split->position, split->end) == ST_OK)
                continue;
            intake_settle(d); /* too much of it, or an error, which the reading will meet again */
            return false;
        }
    return true;
}

void intake_settle(struct driver *d)
{
    for (uint32_t i = 0; i < d->sources_count; i++)
        for (uint32_t s = 0; s < d->shards_count; s++) {
            struct source *source = d->source_nodes[i]->tasks[s].source;
            if (source->class->settle)
                source->class->settle(source);
        }
}

/* ---- reading ---- */

static enum status split_step(struct task *task, struct place *place, struct driver_split *split)
{
    int64_t before = place->position;
    int64_t nested = 0, begin = task_time_begin(task, &nested);
    task->split = place->split;
    enum status st = task->source->class->run(task->source, place->split, &place->position,
                                              split->end);
    task_time_end(task, begin, nested);
    arena_reset(&task->arena);
    if (st != ST_OK)
        return task_failed(task, st);
    CHECK(place->position > before && place->position <= split->end);
    if (place->position < split->end)
        return ST_OK;
    split->position = split->end;
    split->active_us = task->driver->tick.clock_us;
    split->idle = false;
    place->reading = false;
    place->split += task->driver->shards_count;
    return ST_OK;
}

enum status intake_step(struct task *task, struct place *place, enum step *step)
{
    struct driver *d = task->driver;
    struct driver_source *source = &d->sources[task->node->source_index];
    int64_t now = d->tick.clock_us, timeout = d->options.idle_timeout_us;
    if (!place->begun) {
        place->begun = true;
        place->split = task->ctx.shard;
    }
    for (; place->split < source->splits_count; place->split += d->shards_count) {
        struct driver_split *split = &source->splits[place->split];
        if (split->active_us == INT64_MIN)
            split->active_us = now;
        if (split->end > split->position) {
            if (!place->reading)
                place->position = split->position;
            place->reading = true;
            *step = STEP_MOVED;
            return split_step(task, place, split);
        }
        if (timeout > 0 && now - split->active_us >= timeout)
            split->idle = true;
    }
    *step = STEP_NEXT;
    return ST_OK;
}

/* ---- watermarks ---- */

/* Of `time - INTERVAL …`, which the binder may have made a sum with a negative interval; -1: another
 * form. */
static int64_t watermark_delay_us(const struct expr *e)
{
    if (e->kind == EXPR_CAST) /* to the precision of the time column */
        return watermark_delay_us(e->args[0]);
    if (e->kind == EXPR_COLUMN)
        return 0;
    if (e->kind != EXPR_CALL || e->args_count != 2)
        return -1;
    const char *sign = func_name(e->func);
    if (strcmp(sign, "-") != 0 && strcmp(sign, "+") != 0)
        return -1;
    const struct expr *delay = e->args[1];
    bool known = delay->kind == EXPR_LITERAL && delay->type->kind == TYPE_INTERVAL_SECOND;
    return !known ? -1 : sign[0] == '-' ? delay->value.i64 : -delay->value.i64;
}

enum status intake_note_rows(struct task *task, const struct chunk *rows)
{
    const struct plan_node *plan = task->node->plan;
    task->rows_in += rows->count;
    if (plan->kind != PLAN_SCAN || !plan->scan.watermark)
        return ST_OK;
    struct driver *d = task->driver;
    struct arena *arena = &d->shards[task->ctx.shard].scratch_arena;
    struct driver_split *split = &d->sources[task->node->source_index].splits[task->split];
    struct expr_ctx ctx = task->ctx.expr;
    ctx.arena = arena;
    struct column col;
    enum status st = expr_eval(plan->scan.watermark, &ctx, rows, rows->sel, rows->count, &col);
    const int64_t *times = col.data;
    int64_t most = split->watermark_us;
    for (uint16_t i = 0; st == ST_OK && i < rows->count; i++) {
        uint16_t row = chunk_row(rows, i);
        if (column_valid(&col, row) && times[row] > most)
            most = times[row];
    }
    split->watermark_us = most;
    int64_t delay = watermark_delay_us(plan->scan.watermark);
    if (most != INT64_MIN && delay >= 0)
        split->event_us = most + delay;
    arena_reset(arena);
    return st;
}

int64_t intake_watermark(struct task *task, bool *idle)
{
    struct driver *d = task->driver;
    const struct driver_source *source = &d->sources[task->node->source_index];
    int64_t least = INT64_MAX, most = INT64_MIN;
    *idle = true;
    for (uint32_t s = task->ctx.shard; s < source->splits_count; s += d->shards_count) {
        const struct driver_split *split = &source->splits[s];
        bool done = split_done(split);
        most = split->watermark_us > most ? split->watermark_us : most;
        if (split->idle && !done)
            continue;
        int64_t one = done ? INT64_MAX : split->watermark_us;
        least = one < least ? one : least;
        *idle = false;
    }
    return *idle ? most : least; /* when all are idle nothing holds the greatest back */
}

int64_t driver_alarm_us(const struct driver *d)
{
    int64_t least = INT64_MAX, timeout = d->options.idle_timeout_us;
    for (uint32_t n = 0; n < d->nodes_count; n++)
        for (uint32_t s = 0; s < d->shards_count; s++)
            if (d->nodes[n].tasks[s].alarm_us < least)
                least = d->nodes[n].tasks[s].alarm_us;
    for (uint32_t i = 0; timeout > 0 && i < d->sources_count; i++)
        for (uint32_t s = 0; s < d->sources[i].splits_count; s++) {
            const struct driver_split *split = &d->sources[i].splits[s];
            if (!split->idle && !split_done(split) && split->active_us != INT64_MIN &&
                split->active_us + timeout < least)
                least = split->active_us + timeout;
        }
    return least;
}

bool driver_bounded(const struct driver *d)
{
    for (uint32_t i = 0; i < d->sources_count; i++)
        for (uint32_t s = 0; !is_of_answers(&d->sources[i]) && s < d->sources[i].splits_count; s++)
            if (d->sources[i].splits[s].bound == INT64_MAX)
                return false;
    return true;
}

bool driver_done(const struct driver *d)
{
    for (uint32_t i = 0; i < d->sources_count; i++)
        for (uint32_t s = 0; !is_of_answers(&d->sources[i]) && s < d->sources[i].splits_count; s++)
            if (!split_done(&d->sources[i].splits[s]))
                return false;
    return !driver_owes(d) && !driver_waiting(d);
}

/* Over the splits of a source that are not idle; false: there are none. It has not gone back where
 * splits came that have no rows yet. */
static bool source_watermark(const struct driver_source *source, int64_t *out)
{
    const struct plan_node *plan = source->node;
    int64_t least = INT64_MAX;
    bool any = false;
    if (plan->kind != PLAN_SCAN || !plan->scan.watermark)
        return false;
    for (uint32_t s = 0; s < source->splits_count; s++) {
        const struct driver_split *split = &source->splits[s];
        if (split->idle)
            continue;
        any = true;
        least = split->watermark_us < least ? split->watermark_us : least;
    }
    *out = least > source->reached_us ? least : source->reached_us;
    return any;
}

void intake_reached(struct driver *d, uint32_t source)
{
    int64_t now;
    if (source_watermark(&d->sources[source], &now))
        d->sources[source].reached_us = now;
}

int64_t driver_watermark_us(const struct driver *d)
{
    if (driver_elsewhere(d))
        return d->report.watermark_us;
    int64_t least = INT64_MAX, one;
    bool any = false;
    for (uint32_t i = 0; i < d->sources_count; i++) {
        if (!source_watermark(&d->sources[i], &one))
            continue;
        any = true;
        least = one < least ? one : least;
    }
    return any ? least : INT64_MIN;
}

int64_t driver_event_us(const struct driver *d)
{
    if (driver_elsewhere(d))
        return d->report.event_us;
    int64_t most = INT64_MIN;
    for (uint32_t i = 0; i < d->sources_count; i++)
        for (uint32_t s = 0; s < d->sources[i].splits_count; s++)
            if (d->sources[i].splits[s].event_us > most)
                most = d->sources[i].splits[s].event_us;
    return most;
}

/* Splits that are about to join too, or a replay could find that what it is to read of them is
 * gone. */
void driver_release(struct driver *d, const struct positions *positions)
{
    for (uint32_t i = 0; i < d->sources_count; i++) {
        uint32_t count = d->sources[i].splits_count, now = splits_now(d, i);
        int64_t ignored;
        if (now > count && (!positions || joins(d, i, count, &ignored)))
            count = now;
        for (uint32_t s = 0; s < count; s++) {
            struct source *source = split_task(d, i, s)->source;
            if (source->class->release)
                source->class->release(source, s,
                                       positions ? positions_at(positions, i, s) : INT64_MAX);
        }
    }
}
