/* driver.c: building the graph of a plan; what it is asked between ticks; its figures. The ticks
 * themselves: tick.c. */
#include "flow/driver.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "flow/graph.h"
#include "flow/ops/tiered.h"

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

void *lines_alloc(size_t count, size_t size)
{
    CHECK(size % LINE_BYTES == 0);
    void *lines = aligned_alloc(LINE_BYTES, (count ? count : 1) * size);
    CHECK(lines);
    return memset(lines, 0, (count ? count : 1) * size);
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
    d->hosts = 1;
    tick_schemas_init(&d->schemas, options->schemas);
    d->turn_rng = rng_seed(options->turn_seed);
    d->shards = lines_alloc(d->shards_count, sizeof(*d->shards));
    for (uint32_t s = 0; s < d->shards_count; s++) {
        results_init(&d->shards[s].results);
        arena_init(&d->shards[s].scratch_arena, ARENA_BUDGET_NONE);
    }
    d->nodes_count = plan->nodes_count;
    d->nodes = xcalloc(d->nodes_count + 1, sizeof(*d->nodes));
    d->report.figures = xcalloc(d->nodes_count + 1, sizeof(*d->report.figures));
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

uint32_t driver_schemas(struct driver *d)
{
    return tick_schemas_publish(&d->schemas);
}

void driver_close(struct driver *d)
{
    driver_cancel(d);
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
    free(d->report.figures);
    free(d->parts);
    free(d->job);
    arena_deinit(&d->arena);
    free(d);
}

/* ---- between ticks ---- */

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

bool driver_elsewhere(const struct driver *d)
{
    return d->running && d->hosts > 1;
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

static void node_figures(const struct driver *d, uint32_t node, struct driver_figures *out)
{
    *out = (struct driver_figures){.watermark_us = INT64_MAX};
    for (uint32_t s = 0; s < d->shards_count; s++) {
        const struct task *task = &d->nodes[node].tasks[s];
        uint64_t rows, bytes;
        task_measure(task, &rows, &bytes);
        out->rows_in += task->rows_in;
        out->rows_out += task->rows_out;
        out->late += task->late;
        out->dropped += task->dropped;
        out->busy_ns += task->busy_ns;
        lookup_counts_add(&out->lookups, &task->ctx.lookups);
        out->state_rows += rows;
        out->state_bytes += bytes;
        const struct tiered *tiered = task_tiered(task);
        out->cold_rows += tiered ? tiered_cold(tiered) : 0;
        out->watermark_us = task->out_us < out->watermark_us ? task->out_us : out->watermark_us;
    }
}

void driver_figures(const struct driver *d, uint32_t node, struct driver_figures *out)
{
    if (driver_elsewhere(d))
        *out = d->report.figures[node];
    else
        node_figures(d, node, out);
}

static void memory_figures(const struct driver *d, struct job_memory *out)
{
    *out = (struct job_memory){.lanes = exchange_bytes(d), .buffers = sizeof(*d) + d->arena.used_bytes};
    for (uint32_t s = 0; s < d->shards_count; s++)
        out->buffers += sizeof(d->shards[s]) + d->shards[s].scratch_arena.used_bytes +
                        results_memory(&d->shards[s].results);
    for (uint32_t n = 0; n < d->nodes_count; n++)
        for (uint32_t s = 0; s < d->shards_count; s++) {
            const struct task *task = &d->nodes[n].tasks[s];
            uint64_t rows, bytes;
            task_measure(task, &rows, &bytes);
            *(task->sink ? &out->views : &out->state) += bytes;
            out->buffers += sizeof(*task) + task->arena.used_bytes;
            if (task->source && task->source->class->bytes)
                out->buffers += task->source->class->bytes(task->source);
        }
}

void driver_memory(const struct driver *d, struct job_memory *out)
{
    if (driver_elsewhere(d))
        *out = d->report.memory;
    else
        memory_figures(d, out);
}

void driver_report(struct driver *d)
{
    d->report.watermark_us = driver_watermark_us(d);
    d->report.event_us = driver_event_us(d);
    d->report.errors = driver_errors(d);
    memory_figures(d, &d->report.memory);
    for (uint32_t n = 0; n < d->nodes_count; n++)
        node_figures(d, n, &d->report.figures[n]);
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
    if (driver_elsewhere(d))
        return d->report.errors;
    uint64_t errors = 0;
    for (uint32_t s = 0; s < d->shards_count; s++)
        errors += d->shards[s].errors;
    return errors;
}
