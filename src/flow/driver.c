/* driver.c: building the graph of a plan, and running a tick over it.
 *
 * A tick, node by node:
 *   1. alarms that are due (users before their inputs, so that on_clock comes before any row),
 *   2. rows: a source reads its splits, others read their lanes; directly given rows have come
 *      already, from inside the turns of earlier nodes,
 *   3. the merged watermark, if it has risen and the operator owes nothing from an earlier one,
 *   4. the end of the tick, and the markers in the lanes out.
 */
#include "flow/driver.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "flow/graph.h"

static const struct op_way task_way;

/* ---- opening ---- */

static void node_types(struct driver *d, struct graph_node *node)
{
    (void)d;
    node->types = xcalloc(node->plan->columns_count + 1u, sizeof(*node->types));
    for (uint16_t c = 0; c < node->plan->columns_count; c++)
        node->types[c] = node->plan->columns[c].type;
}

static enum status node_classes(struct graph_node *node, struct diag *diag)
{
    if (node->plan->kind == PLAN_SCAN || node->plan->kind == PLAN_VALUES) {
        node->source = source_class_for(node->plan, diag);
        return node->source ? ST_OK : ST_UNSUPPORTED;
    }
    if (node->plan->kind == PLAN_SINK) {
        node->sink = sink_class_of(node->plan, diag);
        return node->sink ? ST_OK : ST_UNSUPPORTED;
    }
    node->class = op_class_of(node->plan, diag);
    return node->class ? ST_OK : ST_UNSUPPORTED;
}

static uint32_t node_index(const struct driver *d, const struct plan_node *plan)
{
    for (uint32_t i = 0; i < d->nodes_count; i++)
        if (d->nodes[i].plan == plan)
            return i;
    UNREACHABLE();
}

static void edge_add(struct driver *d, uint32_t to, uint16_t input)
{
    struct graph_node *node = &d->nodes[to];
    const struct plan_input *in = &node->plan->inputs[input];
    struct edge *edge = &d->edges[d->edges_count++];
    *edge = (struct edge){.from = node_index(d, in->node), .to = to, .input = input,
                          .dist = in->dist};
    CHECK(edge->from < to); /* inputs before their users */
    if (node->sink && node->sink->single)
        edge->dist.kind = DIST_SINGLE;
    edge->direct = d->shards_count == 1 || edge->dist.kind == DIST_ANY;
    struct graph_node *from = &d->nodes[edge->from];
    from->users = xrealloc(from->users, (from->users_count + 1) * sizeof(*from->users));
    from->users[from->users_count++] = edge;
    node->inputs[input] = edge;
}

static void graph_build(struct driver *d)
{
    uint32_t edges = 0;
    for (uint32_t n = 0; n < d->nodes_count; n++)
        edges += d->nodes[n].plan->inputs_count;
    d->edges = xcalloc(edges + 1, sizeof(*d->edges));
    for (uint32_t n = 0; n < d->nodes_count; n++) {
        struct graph_node *node = &d->nodes[n];
        node->inputs = xcalloc(node->plan->inputs_count + 1u, sizeof(*node->inputs));
        for (uint16_t i = 0; i < node->plan->inputs_count; i++)
            edge_add(d, n, i);
        if (node->source) {
            node->source_index = d->sources_count;
            d->source_nodes[d->sources_count++] = node;
        }
        if (node->sink) {
            node->sink_index = d->sinks_count;
            d->sink_nodes[d->sinks_count++] = node;
        }
    }
}

static void task_init(struct driver *d, struct graph_node *node, uint32_t shard)
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
    task->ctx.expr.zone = d->options.zone ? d->options.zone : "UTC";
    task->ctx.expr.diag = &task->diag;
    task->alarm_us = INT64_MAX;
    task->owed_us = INT64_MIN;
    task->out_us = INT64_MIN;
}

static enum status task_open(struct task *task, struct diag *diag)
{
    struct driver *d = task->driver;
    struct graph_node *node = task->node;
    enum status st = ST_OK;
    if (node->source) {
        task->source_env = (struct source_env){
            .os = d->options.os, .log = d->options.log, .ctx = &task->ctx,
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
            .host = d->options.host,
        };
        if (node->sink->single && task->ctx.shard)
            return ST_OK; /* nothing ever comes here */
        struct sink *sink = NULL;
        st = node->sink->open(node->plan, &task->sink_env, &sink, diag);
        task->sink = st == ST_OK ? sink : NULL;
    } else {
        task->state = xcalloc(1, node->class->state_size + 16);
        if (node->class->open)
            st = node->class->open(node->plan, task->state, &task->ctx);
        if (st != ST_OK && diag)
            *diag = task->diag;
    }
    arena_reset(&task->arena);
    return st;
}

static void task_close(struct task *task)
{
    if (task->source)
        task->source->class->close(task->source);
    if (task->sink)
        task->sink->class->close(task->sink);
    if (task->state && task->node->class->close)
        task->node->class->close(task->node->plan, task->state);
    free(task->state);
    arena_deinit(&task->arena);
}

static enum status tasks_open(struct driver *d, struct diag *diag)
{
    for (uint32_t n = 0; n < d->nodes_count; n++) {
        d->nodes[n].tasks = xcalloc(d->shards_count, sizeof(struct task));
        for (uint32_t s = 0; s < d->shards_count; s++)
            task_init(d, &d->nodes[n], s);
    }
    for (uint32_t n = 0; n < d->nodes_count; n++)
        for (uint32_t s = 0; s < d->shards_count; s++)
            TRY(task_open(&d->nodes[n].tasks[s], diag));
    return ST_OK;
}

enum status driver_open(const struct plan *plan, const struct driver_options *options,
                        struct driver **out, struct diag *diag)
{
    struct driver *d = xcalloc(1, sizeof(*d));
    arena_init(&d->arena, ARENA_BUDGET_NONE);
    d->plan = plan;
    d->options = *options;
    d->job = xcalloc(1, options->job.len + 1);
    if (options->job.len)
        memcpy(d->job, options->job.ptr, options->job.len);
    d->shards_count = options->shards ? options->shards : 1;
    CHECK(d->shards_count <= DRIVER_SHARDS_MAX);
    d->shards = xcalloc(d->shards_count, sizeof(*d->shards));
    for (uint32_t s = 0; s < d->shards_count; s++) {
        results_init(&d->shards[s].results);
        arena_init(&d->shards[s].scratch_arena, ARENA_BUDGET_NONE);
    }
    d->nodes_count = plan->nodes_count;
    d->nodes = xcalloc(d->nodes_count + 1, sizeof(*d->nodes));
    d->source_nodes = xcalloc(d->nodes_count + 1, sizeof(*d->source_nodes));
    d->sink_nodes = xcalloc(d->nodes_count + 1, sizeof(*d->sink_nodes));
    enum status st = ST_OK;
    for (uint32_t n = 0; n < d->nodes_count && st == ST_OK; n++) {
        d->nodes[n].plan = plan->nodes[n];
        d->nodes[n].index = n;
        node_types(d, &d->nodes[n]);
        st = node_classes(&d->nodes[n], diag);
    }
    if (st == ST_OK) {
        graph_build(d);
        st = exchange_open(d, diag);
    }
    if (st == ST_OK)
        st = tasks_open(d, diag);
    if (st == ST_OK)
        st = intake_open(d, diag);
    if (st != ST_OK) {
        driver_close(d);
        return st;
    }
    *out = d;
    return ST_OK;
}

void driver_close(struct driver *d)
{
    for (uint32_t n = 0; n < d->nodes_count; n++) {
        struct graph_node *node = &d->nodes[n];
        for (uint32_t s = 0; node->tasks && s < d->shards_count; s++)
            if (node->tasks[s].driver)
                task_close(&node->tasks[s]);
        free(node->tasks);
        free(node->types);
        free(node->users);
        free(node->inputs);
    }
    intake_close(d);
    exchange_close(d);
    for (uint32_t s = 0; s < d->shards_count; s++) {
        results_deinit(&d->shards[s].results);
        arena_deinit(&d->shards[s].scratch_arena);
    }
    free(d->shards);
    free(d->nodes);
    free(d->edges);
    free(d->source_nodes);
    free(d->sink_nodes);
    free(d->job);
    arena_deinit(&d->arena);
    free(d);
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
    *nested = d->nested_ns;
    d->nested_ns = 0;
    return os_mono_ns(d->options.os);
}

void task_time_end(struct task *task, int64_t begin, int64_t nested)
{
    struct driver *d = task->driver;
    if (!d->timed)
        return;
    int64_t whole = os_mono_ns(d->options.os) - begin;
    task->busy_ns += (whole - d->nested_ns) * d->time_weight;
    d->nested_ns = nested + whole;
}

enum status task_rows(struct task *task, int input, const struct chunk *in)
{
    CHECK(in->rows <= CHUNK_ROWS);
    CHECK(in->count <= in->rows);
    if (!in->count)
        return ST_OK;
    task->rows_in += in->count;
    int64_t nested = 0, begin = task_time_begin(task, &nested);
    enum status st;
    if (task->node->sink)
        st = task->sink->class->on_chunk(task->sink, in);
    else
        st = task->node->class->on_chunk(task->node->plan, task->state, &task->ctx, input, in);
    task_time_end(task, begin, nested);
    arena_reset(&task->arena);
    return st == ST_OK ? ST_OK : task_failed(task, st);
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
    if (task->node->source)
        TRY(intake_note_rows(task, out));
    for (uint32_t u = 0; u < task->node->users_count; u++) {
        struct edge *edge = task->node->users[u];
        enum status st;
        if (edge->direct)
            st = task_rows(&d->nodes[edge->to].tasks[ctx->shard], edge->input, out);
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

static const struct op_way task_way = {task_emit, task_late, task_alarm};

/* ---- a task's turn ---- */

static enum status task_clock(struct task *task)
{
    const struct op_class *class = task->node->class;
    int64_t now = task->driver->tick.clock_us;
    if (!class || !class->on_clock || task->alarm_us > now)
        return ST_OK;
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
    task->out_us = watermark_us;
    return ST_OK;
}

static enum status task_watermark(struct task *task)
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

static enum status task_tick_end(struct task *task)
{
    enum status st = ST_OK;
    int64_t nested = 0, begin = task_time_begin(task, &nested);
    if (task->sink && task->sink->class->on_tick_end)
        st = task->sink->class->on_tick_end(task->sink);
    else if (task->node->class && task->node->class->on_tick_end)
        st = task->node->class->on_tick_end(task->node->plan, task->state, &task->ctx);
    task_time_end(task, begin, nested);
    arena_reset(&task->arena);
    CHECK(st != ST_AGAIN);
    return st == ST_OK ? ST_OK : task_failed(task, st);
}

static enum status task_turn(struct task *task)
{
    if (task->node->source)
        TRY(intake_run(task));
    else
        TRY(exchange_receive(task));
    TRY(task_watermark(task));
    TRY(task_tick_end(task));
    exchange_end_tick(task);
    return ST_OK;
}

static void task_begin(struct task *task)
{
    const struct driver_tick *tick = &task->driver->tick;
    task->ctx.tick = tick->tick;
    task->ctx.expr.now_us = task->ctx.expr.proctime_us = tick->clock_us;
    task->ctx.expr.random_seed = hash_combine(hash_combine(hash_u64(tick->tick),
                                                           hash_u64((uint64_t)tick->clock_us)),
                                              hash_combine(task->node->plan->id, task->ctx.shard));
    diag_clear(&task->diag);
    task->sink_env.clock_us = tick->clock_us;
    task->sink_env.tick = tick->tick;
    task->sink_env.hash = 0;
    task->sink_env.replaying = tick->replaying;
}

/* Small ticks are timed one in eight, so that a clock reading costs less than what it measures. */
static void tick_begin(struct driver *d, const struct driver_tick *tick)
{
    uint64_t work = 0;
    for (uint32_t i = 0; i < d->sources_count; i++)
        for (uint32_t s = 0; s < d->sources[i].splits_count; s++)
            work += (uint64_t)(d->sources[i].splits[s].end - d->sources[i].splits[s].position);
    d->tick = *tick;
    d->timed = work >= 1024 || tick->tick % 8 == 0;
    d->time_weight = work >= 1024 ? 1 : 8;
    d->nested_ns = 0;
    for (uint32_t s = 0; s < d->shards_count; s++) {
        results_clear(&d->shards[s].results);
        d->shards[s].results.suppressed = tick->replaying;
    }
    for (uint32_t n = 0; n < d->nodes_count; n++)
        for (uint32_t s = 0; s < d->shards_count; s++)
            task_begin(&d->nodes[n].tasks[s]);
}

static enum status driver_error(struct driver *d, struct diag *diag, enum status st)
{
    d->broken = true;
    for (uint32_t n = d->nodes_count; n-- > 0;)
        for (uint32_t s = 0; s < d->shards_count; s++) {
            const struct task *task = &d->nodes[n].tasks[s];
            if (task->diag.code == DIAG_NONE || !diag)
                continue;
            *diag = task->diag;
            return st;
        }
    return diag_set(diag, st, DIAG_INTERNAL, "%s", status_text(st));
}

enum status driver_run(struct driver *d, const struct driver_tick *tick, struct diag *diag)
{
    CHECK(!d->broken);
    tick_begin(d, tick);
    enum status st = ST_OK;
    for (uint32_t n = d->nodes_count; n-- > 0 && st == ST_OK;)
        for (uint32_t s = 0; s < d->shards_count && st == ST_OK; s++)
            st = task_clock(&d->nodes[n].tasks[s]);
    for (uint32_t n = 0; n < d->nodes_count && st == ST_OK; n++)
        for (uint32_t s = 0; s < d->shards_count && st == ST_OK; s++)
            st = task_turn(&d->nodes[n].tasks[s]);
    return st == ST_OK ? ST_OK : driver_error(d, diag, st);
}

/* ---- after a tick ---- */

bool driver_owes(const struct driver *d)
{
    for (uint32_t n = 0; n < d->nodes_count; n++)
        for (uint32_t s = 0; s < d->shards_count; s++)
            if (d->nodes[n].tasks[s].owed_us != INT64_MIN || d->nodes[n].tasks[s].owes_clock)
                return true;
    return false;
}

uint32_t driver_shards(const struct driver *d)
{
    return d->shards_count;
}

struct results *driver_results(struct driver *d, uint32_t shard)
{
    return &d->shards[shard].results;
}

uint32_t driver_sinks_count(const struct driver *d)
{
    return d->sinks_count;
}

uint64_t driver_sink_hash(const struct driver *d, uint32_t sink)
{
    uint64_t hash = 0;
    for (uint32_t s = 0; s < d->shards_count; s++)
        hash = hash_combine(hash, d->sink_nodes[sink]->tasks[s].sink_env.hash);
    return hash;
}

struct sink *driver_sink(struct driver *d, uint32_t sink, uint32_t shard)
{
    return d->sink_nodes[sink]->tasks[shard].sink;
}

enum status driver_publish(struct driver *d, uint64_t tick)
{
    for (uint32_t i = 0; i < d->sinks_count; i++)
        for (uint32_t s = 0; s < d->shards_count; s++) {
            struct sink *sink = driver_sink(d, i, s);
            if (sink && sink->class->publish)
                TRY(sink->class->publish(sink, tick));
        }
    return ST_OK;
}

enum status driver_sync(struct driver *d)
{
    for (uint32_t i = 0; i < d->sinks_count; i++)
        for (uint32_t s = 0; s < d->shards_count; s++) {
            struct sink *sink = driver_sink(d, i, s);
            if (sink && sink->class->sync)
                TRY(sink->class->sync(sink));
        }
    return ST_OK;
}

/* ---- figures ---- */

static void task_measure(const struct task *task, uint64_t *rows, uint64_t *bytes)
{
    *rows = *bytes = 0;
    if (task->sink && task->sink->class->measure)
        task->sink->class->measure(task->sink, rows, bytes);
    else if (task->state && task->node->class->measure)
        task->node->class->measure(task->node->plan, task->state, rows, bytes);
}

void driver_figures(const struct driver *d, uint32_t node, struct driver_figures *out)
{
    *out = (struct driver_figures){.watermark_us = INT64_MAX};
    for (uint32_t s = 0; s < d->shards_count; s++) {
        const struct task *task = &d->nodes[node].tasks[s];
        uint64_t rows, bytes;
        task_measure(task, &rows, &bytes);
        out->rows_in += task->rows_in;
        out->rows_out += task->rows_out;
        out->late += task->late;
        out->busy_ns += task->busy_ns;
        out->state_rows += rows;
        out->state_bytes += bytes;
        out->watermark_us = task->out_us < out->watermark_us ? task->out_us : out->watermark_us;
    }
}

uint32_t driver_nodes_count(const struct driver *d)
{
    return d->nodes_count;
}

const struct plan_node *driver_node(const struct driver *d, uint32_t index)
{
    return d->nodes[index].plan;
}

const char *driver_node_name(const struct driver *d, uint32_t index)
{
    const struct graph_node *node = &d->nodes[index];
    if (node->class)
        return node->class->name;
    return node->sink ? "Sink" : node->plan->kind == PLAN_VALUES ? "Values" : "Source";
}

uint64_t driver_errors(const struct driver *d)
{
    uint64_t errors = 0;
    for (uint32_t s = 0; s < d->shards_count; s++)
        errors += d->shards[s].errors;
    return errors;
}
