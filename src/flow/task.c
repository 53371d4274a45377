/* task.c: one node on one shard: its life, and the calls of its operator's, source's or sink's hooks. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "flow/enforce.h"
#include "flow/graph.h"
#include "flow/outside.h"
#include "flow/ops/tiered.h"

static const struct op_way task_way;

/* ---- life ---- */

static struct format_registry *driver_registry(struct driver *d)
{
    return d->options.schemas ? &d->schemas.registry : NULL;
}

void task_init(struct driver *d, struct graph_node *node, uint32_t shard)
{
    struct task *task = &node->tasks[shard];
    task->driver = d;
    task->node = node;
    arena_init(&task->arena, ARENA_BUDGET_NONE);
    task->ctx.way = &task_way;
    task->ctx.arena = &task->arena;
    task->ctx.shard = shard;
    task->ctx.shards = d->shards_count;
    task->ctx.watermark_us = INT64_MIN;
    task->ctx.expr.arena = &task->arena;
    task->ctx.expr.watermark_us = INT64_MIN;
    task->ctx.expr.zone = d->options.zone;
    task->ctx.expr.zones = d->options.zones;
    task->ctx.expr.diag = &task->diag;
    task->alarm_us = INT64_MAX;
    task->owed_us = INT64_MIN;
    task->out_us = INT64_MIN;
}

/* Where a lookup join's questions go. */
static enum status asked_open(struct task *task, struct diag *diag)
{
    const struct plan_node *plan = task->node->plan;
    struct driver *d = task->driver;
    char name[LOG_NAME_MAX + 1];
    if (plan->kind != PLAN_LOOKUP_JOIN || !plan->join.lookup)
        return ST_OK;
    bool fits = lookup_topic_name(bytes_str(d->job), plan->join.lookup->index, LOOKUP_QUESTIONS, name);
    struct log_topic *topic = fits && d->options.log ? log_topic_find(d->options.log, bytes_str(name)) : NULL;
    if (!topic)
        return diag_set(diag, ST_NOTFOUND, DIAG_NAME, "there is no topic for the questions of a lookup join");
    task->asked = log_partition_of(topic, 0);
    return ST_OK;
}

/* From the helper of a store: hosts of other shards may be rung for nothing. */
static void disk_done(void *context)
{
    const struct driver *d = context;
    for (uint32_t h = 0; d->options.crew && h < crew_hosts(d->options.crew); h++)
        crew_ring(d->options.crew, h);
    if (d->options.on_disk)
        d->options.on_disk(d->options.on_disk_context);
}

static void task_disk(struct task *task)
{
    struct driver *d = task->driver;
    char path[OS_PATH_MAX];
    bool goes = plan_goes_to_disk(task->node->plan);
    CHECK_IF(goes, task->node->class->tiers != NULL);
    if (!goes || !d->options.disk_folder)
        return;
    int n = snprintf(path, sizeof(path), "%s/%llu.cold", d->options.disk_folder,
                     (unsigned long long)++*d->options.disk_files);
    if (n < 0 || n >= (int)sizeof(path))
        return; /* no room for a name: it stays in memory */
    task->disk = (struct cold_options){.os = d->options.os, .path = arena_str(&d->arena, bytes_str(path)),
                                       .reserve_bytes = d->options.disk_reserve_bytes,
                                       .wake = disk_done, .context = d};
    task->ctx.disk = &task->disk;
}

enum status task_open(struct task *task, struct diag *diag)
{
    struct driver *d = task->driver;
    struct graph_node *node = task->node;
    enum status st = ST_OK;
    if (node->source) {
        task->source_env = (struct source_env){
            .os = d->options.os, .log = d->options.log, .ctx = &task->ctx, .registry = driver_registry(d),
            .job = bytes_str(d->job), .host = d->options.host, .on_work = d->options.on_work, .on_work_context = d->options.on_work_context,
            .on_error = side_error, .on_error_context = task,
        };
        struct source *source = NULL; /* one that fails to open has closed itself */
        st = node->source->open(node->plan, &task->source_env, &source, diag);
        task->source = st == ST_OK ? source : NULL;
    } else if (node->sink) {
        task->sink_env = (struct sink_env){
            .os = d->options.os, .log = d->options.log, .ctx = &task->ctx,
            .results = &d->shards[task->ctx.shard].results, .job = bytes_str(d->job),
            .registry = driver_registry(d), .host = d->options.host,
        };
        if (node->sink->single && task->ctx.shard)
            return ST_OK; /* nothing ever comes here */
        struct sink *sink = NULL;
        st = node->sink->open(node->plan, &task->sink_env, &sink, diag);
        task->sink = st == ST_OK ? sink : NULL;
    } else {
        task->state = xcalloc(1, node->class->state_size + 16);
        task_disk(task);
        st = asked_open(task, diag);
        if (st == ST_OK && node->class->open)
            st = node->class->open(node->plan, task->state, &task->ctx);
        if (st != ST_OK && diag)
            *diag = task->diag;
    }
    arena_reset(&task->arena);
    return st;
}

void task_close(struct task *task)
{
    if (task->source)
        task->source->class->close(task->source);
    if (task->sink)
        task->sink->class->close(task->sink);
    if (task->state && task->node->class->close)
        task->node->class->close(task->node->plan, task->state);
    free(task->state);
    exchange_drop_queue(task);
    arena_deinit(&task->arena);
}

/* ---- the hooks' calls ---- */

enum status task_failed(struct task *task, enum status st)
{
    if (task->diag.code == DIAG_NONE)
        diag_set(&task->diag, st, DIAG_INTERNAL, "%s", status_text(st));
    return st;
}

/* Time of a call without what it spent in the calls below it. */
int64_t task_time_begin(struct task *task, int64_t *nested)
{
    struct driver *d = task->driver;
    if (!d->timed)
        return 0;
    struct shard *shard = &d->shards[task->ctx.shard];
    *nested = shard->nested_ns;
    shard->nested_ns = 0;
    return os_mono_ns(d->options.os);
}

void task_time_end(struct task *task, int64_t begin, int64_t nested)
{
    struct driver *d = task->driver;
    if (!d->timed)
        return;
    struct shard *shard = &d->shards[task->ctx.shard];
    int64_t whole = os_mono_ns(d->options.os) - begin;
    task->busy_ns += (whole - shard->nested_ns) * d->time_weight;
    shard->nested_ns = nested + whole;
}

static enum status sink_rows(struct task *task, const struct chunk *in)
{
    struct chunk taken;
    TRY(enforce_rows(&task->node->plan->sink, &task->arena, in, &taken, &task->diag));
    task->dropped += (uint64_t)(in->count - taken.count);
    return taken.count ? task->sink->class->on_chunk(task->sink, &taken) : ST_OK;
}

enum status task_rows(struct task *task, int input, const struct chunk *in)
{
    CHECK(in->rows <= CHUNK_ROWS);
    CHECK(in->count <= in->rows);
    if (!in->count)
        return ST_OK;
    task->rows_in += in->count;
    task->driver->shards[task->ctx.shard].rows += in->count;
    int64_t nested = 0, begin = task_time_begin(task, &nested);
    enum status st;
    if (task->node->sink)
        st = sink_rows(task, in);
    else
        st = task->node->class->on_chunk(task->node->plan, task->state, &task->ctx, input, in);
    task_time_end(task, begin, nested);
    arena_reset(&task->arena);
    return st == ST_OK ? ST_OK : task_failed(task, st);
}

struct tiered *task_tiered(const struct task *task)
{
    return task->ctx.disk ? task->node->class->tiers(task->state) : NULL;
}

enum status task_need(struct task *task, int input, const struct chunk *in)
{
    int64_t nested = 0, begin = task_time_begin(task, &nested);
    enum status st = task->node->class->need(task->node->plan, task->state, &task->ctx, input, in);
    task_time_end(task, begin, nested);
    arena_reset(&task->arena);
    if (st == ST_AGAIN)
        return st;
    task->ctx.waits = NULL;
    return st == ST_OK ? ST_OK : task_failed(task, st);
}

/* Rows of an edge that is not a lane. */
static enum status task_give(struct task *from, struct task *to, uint16_t input, const struct chunk *rows)
{
    to->ctx.sender = from->ctx.shard;
    return to->queues ? exchange_queue(from, to, input, rows) : task_rows(to, input, rows);
}

static enum status task_emit(struct op_ctx *ctx, const struct chunk *out)
{
    struct task *task = (struct task *)ctx;
    struct driver *d = task->driver;
    if (!out->count)
        return ST_OK;
    CHECK(out->col_count == task->node->plan->columns_count);
    CHECK(out->origins || !task->node->plan->origins);
    task->rows_out += out->count;
    d->shards[ctx->shard].rows += out->count;
    if (task->node->source)
        TRY(intake_note_rows(task, out));
    for (uint32_t u = 0; u < task->node->users_count; u++) {
        struct edge *edge = task->node->users[u];
        enum status st;
        if (edge->direct)
            st = task_give(task, &d->nodes[edge->to].tasks[ctx->shard], edge->input, out);
        else
            st = exchange_send(task, edge, out);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static void task_late(struct op_ctx *ctx, int input, const struct chunk *in, const uint16_t *rows,
                      uint16_t count)
{
    struct task *task = (struct task *)ctx;
    task->late += count;
    side_late(task, input, in, rows, count);
}

static void task_alarm(struct op_ctx *ctx, int64_t at_us)
{
    struct task *task = (struct task *)ctx;
    if (at_us < task->alarm_us)
        task->alarm_us = at_us;
}

static void task_ask(struct op_ctx *ctx, struct bytes key, struct bytes question)
{
    struct task *task = (struct task *)ctx;
    struct driver *d = task->driver;
    task->questions++;
    struct record rec = {.timestamp_ms = d->tick.clock_us / 1000, .key = key, .value = question};
    results_add(&d->shards[ctx->shard].results, task->asked, &rec);
}

static const struct op_way task_way = {task_emit, task_late, task_alarm, task_ask};

/* ---- a task's part of a tick ---- */

bool task_alarm_due(const struct task *task)
{
    const struct op_class *class = task->node->class;
    return class && class->on_clock && task->alarm_us <= task->driver->tick.clock_us;
}

enum status task_clock(struct task *task)
{
    const struct op_class *class = task->node->class;
    int64_t now = task->driver->tick.clock_us;
    CHECK(task_alarm_due(task));
    int64_t asked = task->alarm_us;
    task->alarm_us = INT64_MAX;
    int64_t nested = 0, begin = task_time_begin(task, &nested);
    enum status st = class->on_clock(task->node->plan, task->state, &task->ctx, now);
    task_time_end(task, begin, nested);
    arena_reset(&task->arena);
    task->owes_clock = st == ST_AGAIN;
    if (st == ST_AGAIN) {
        op_alarm(&task->ctx, asked);
        return ST_OK;
    }
    return st == ST_OK ? ST_OK : task_failed(task, st);
}

/* Tells the operator a watermark, new or still owed. */
static enum status task_tell_watermark(struct task *task, int64_t watermark_us)
{
    const struct op_class *class = task->node->class;
    enum status st = ST_OK;
    task->ctx.watermark_us = task->ctx.expr.watermark_us = watermark_us;
    if (class && class->on_watermark) {
        int64_t nested = 0, begin = task_time_begin(task, &nested);
        st = class->on_watermark(task->node->plan, task->state, &task->ctx, watermark_us);
        task_time_end(task, begin, nested);
        arena_reset(&task->arena);
    }
    if (st == ST_AGAIN) {
        task->owed_us = watermark_us;
        return ST_OK;
    }
    if (st != ST_OK)
        return task_failed(task, st);
    task->owed_us = INT64_MIN;
    if (class && class->passes)
        watermark_us = class->passes(task->node->plan, task->state, watermark_us);
    if (watermark_us > task->out_us)
        task->out_us = watermark_us;
    return ST_OK;
}

enum status task_watermark(struct task *task)
{
    bool idle = false;
    int64_t merged = task->node->source ? intake_watermark(task, &idle)
                                        : exchange_watermark(task, &idle);
    task->out_idle = idle;
    if (task->owed_us != INT64_MIN)
        TRY(task_tell_watermark(task, task->owed_us));
    if (task->owed_us != INT64_MIN || merged <= task->out_us)
        return ST_OK;
    return task_tell_watermark(task, merged);
}

enum status task_tick_end(struct task *task, bool *again)
{
    enum status st = ST_OK;
    int64_t nested = 0, begin = task_time_begin(task, &nested);
    if (task->sink && task->sink->class->on_tick_end)
        st = task->sink->class->on_tick_end(task->sink);
    else if (task->node->class && task->node->class->on_tick_end)
        st = task->node->class->on_tick_end(task->node->plan, task->state, &task->ctx);
    task_time_end(task, begin, nested);
    arena_reset(&task->arena);
    *again = st == ST_AGAIN;
    return st == ST_OK || *again ? ST_OK : task_failed(task, st);
}

void task_begin(struct task *task)
{
    const struct driver_tick *tick = &task->driver->tick;
    task->ctx.tick = tick->tick;
    task->ctx.expr.now_us = task->ctx.expr.proctime_us = tick->clock_us;
    task->ctx.expr.random_seed = hash_combine(hash_combine(hash_u64(tick->tick),
                                                           hash_u64((uint64_t)tick->clock_us)),
                                              hash_combine(task->node->plan->id, task->ctx.shard));
    diag_clear(&task->diag);
    const struct tiered *tiered = task_tiered(task);
    task->queues = tiered && tiered_cold(tiered) > 0;
    task->sink_env.clock_us = tick->clock_us;
    task->sink_env.tick = tick->tick;
    task->sink_env.hash = 0;
    task->sink_env.replaying = tick->replaying;
    if (task->sink && task->sink->class->on_tick_begin)
        task->sink->class->on_tick_begin(task->sink);
}
