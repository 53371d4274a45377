#include "serve/http/sample.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"

#define ROTATE_NS ((int64_t)1000000000)

struct track {
    struct histogram older, newer; /* copies, a second apart */
    int64_t newer_ns;
    int64_t seen_ns; /* a job that is gone is forgotten */
};

void sample_free(struct sample *s)
{
    if (!s)
        return;
    for (struct map_entry *e = map_first(&s->tracks); e; e = map_next(&s->tracks, e))
        free(e->value);
    map_deinit(&s->tracks);
    buf_deinit(&s->overview);
    buf_deinit(&s->views);
    free(s);
}

static struct sample *sample_of(struct http_face *face)
{
    if (!face->sample) {
        face->sample = xcalloc(1, sizeof *face->sample);
        face->sample->at_ns = INT64_MIN;
        map_init(&face->sample->tracks);
        buf_init(&face->sample->overview, 0);
        buf_init(&face->sample->views, 0);
    }
    return face->sample;
}

static void subtract(struct histogram *h, const struct histogram *less)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        h->counts[i] -= less->counts[i] < h->counts[i] ? less->counts[i] : h->counts[i];
    h->total -= less->total < h->total ? less->total : h->total;
}

/* The job's latencies of late, into out. */
static void recent(struct sample *s, struct bytes job, const struct histogram *all, struct histogram *out)
{
    struct track *t = map_get(&s->tracks, job);

    if (!t) {
        t = xcalloc(1, sizeof *t);
        t->newer = *all;
        t->newer_ns = s->at_ns;
        map_put(&s->tracks, job, t);
    }
    if (all->total < t->newer.total) /* dropped and made again under the same name */
        memset(&t->newer, 0, sizeof t->newer), memset(&t->older, 0, sizeof t->older);
    if (s->at_ns - t->newer_ns >= ROTATE_NS) {
        t->older = t->newer;
        t->newer = *all;
        t->newer_ns = s->at_ns;
    }
    t->seen_ns = s->at_ns;
    *out = *all;
    subtract(out, &t->older);
}

static void write_quantiles(struct json_writer *w, const struct histogram *h)
{
    json_key(w, "latency_us");
    json_object_begin(w);
    json_key_u64(w, "p50", histogram_quantile(h, 0.5));
    json_key_u64(w, "p99", histogram_quantile(h, 0.99));
    json_key_u64(w, "count", h->total);
    json_object_end(w);
}

static void key_time_us(struct json_writer *w, const char *key, int64_t us)
{
    json_key(w, key);
    if (us == INT64_MIN || us == INT64_MAX)
        json_put_null(w);
    else
        json_i64(w, us);
}

/* Several jobs may read one source: its events, its late and its bad records are one thing that
 * happened, so of each source the job that has counted most is taken. What one job writes and another
 * reads has been counted where it came in. */
struct source_totals {
    uint64_t events, late, errors;
};

struct totals {
    struct map sources; /* table → struct source_totals */
    struct map sinks;   /* table → anything */
    struct histogram latency;
};

static void most(uint64_t *of, uint64_t v)
{
    if (v > *of)
        *of = v;
}

static void add_sources(struct totals *all, const struct job *job, const struct job_info *info)
{
    struct op_info op;
    bool first = true;

    for (uint32_t i = 0; i < info->ops_count; i++) {
        job_op_info(job, i, &op);
        if (op.inputs_count && op.table.len)
            map_put(&all->sinks, op.table, all);
        if (op.inputs_count || !op.table.len)
            continue;
        struct source_totals *t = map_get(&all->sources, op.table);
        if (!t)
            map_put(&all->sources, op.table, t = xcalloc(1, sizeof *t));
        most(&t->events, op.rows_out);
        if (first) {
            most(&t->late, info->late);
            most(&t->errors, info->errors);
        }
        first = false;
    }
}

static void write_totals(struct json_writer *w, struct totals *all)
{
    struct source_totals sum = {0};

    for (struct map_entry *e = map_first(&all->sources); e; e = map_next(&all->sources, e)) {
        const struct source_totals *t = e->value;
        sum.events += map_get(&all->sinks, e->key) ? 0 : t->events;
        sum.late += t->late;
        sum.errors += t->errors;
        free(e->value);
    }
    map_deinit(&all->sources);
    map_deinit(&all->sinks);
    json_key_u64(w, "events", sum.events);
    json_key_u64(w, "late", sum.late);
    json_key_u64(w, "errors", sum.errors);
}

static void write_job_row(struct sample *s, struct json_writer *w, const struct job_info *info,
                          struct totals *all)
{
    struct histogram now = {0};

    if (info->latency_us)
        recent(s, info->name, info->latency_us, &now);
    histogram_merge(&all->latency, &now);
    json_object_begin(w);
    json_key_text(w, "name", info->name);
    json_key_str(w, "state", job_state_text(info->state));
    json_key_str(w, "error", info->error);
    json_key_u64(w, "tick", info->tick);
    json_key_u64(w, "rows_in", info->rows_in);
    json_key_u64(w, "rows_out", info->rows_out);
    json_key_u64(w, "late", info->late);
    json_key_u64(w, "errors", info->errors);
    write_job_memory(w, &info->memory);
    key_time_us(w, "watermark_us", info->watermark_us);
    key_time_us(w, "event_time_us", info->event_time_us ? info->event_time_us : INT64_MIN);
    write_quantiles(w, &now);
    json_object_end(w);
}

static void write_log_figures(struct http_face *face, struct json_writer *w)
{
    struct log_stats stats;

    log_stats(face->log, &stats);
    json_key(w, "log");
    json_object_begin(w);
    json_key_u64(w, "appends", stats.appends);
    json_key_u64(w, "bytes", stats.append_bytes);
    json_key_u64(w, "syncs", stats.syncs);
    json_key_u64(w, "sync_us", stats.syncs ? stats.sync_ns_total / stats.syncs / 1000 : 0);
    json_key_bool(w, "refusing", stats.refusing);
    json_object_end(w);
}

static void write_overview(struct http_face *face, struct sample *s)
{
    struct totals *all = xcalloc(1, sizeof *all);
    struct job_info info;
    struct json_writer w;

    map_init(&all->sources);
    map_init(&all->sinks);
    buf_clear(&s->overview);
    json_writer_init(&w, &s->overview);
    json_object_begin(&w);
    json_key_str(&w, "type", "overview");
    json_key_i64(&w, "time_us", loop_wall_us(face->loop));
    json_key_f64(&w, "uptime_s", (double)(s->at_ns - face->started_ns) / 1e9);
    write_log_figures(face, &w);
    json_key_u64(&w, "memory_limit_bytes", engine_memory_limit(face->engine));
    json_key(&w, "jobs");
    json_array_begin(&w);
    for (struct job *job = engine_job_next(face->engine, NULL); job; job = engine_job_next(face->engine, job)) {
        job_info(job, &info);
        add_sources(all, job, &info);
        write_job_row(s, &w, &info, all);
    }
    json_array_end(&w);
    write_totals(&w, all);
    write_quantiles(&w, &all->latency);
    json_object_end(&w);
    free(all);
}

static uint64_t views_hash(struct http_face *face)
{
    uint64_t hash = 1;

    for (struct view *v = engine_view_next(face->engine, NULL); v; v = engine_view_next(face->engine, v)) {
        const struct schema *schema = view_schema(v);
        hash = hash_combine(hash, hash_bytes(view_name(v)));
        for (uint16_t i = 0; i < schema->count; i++)
            hash = hash_combine(hash, hash_combine(hash_bytes(schema->fields[i].name),
                                                   (uint64_t)schema->fields[i].type->kind));
    }
    return hash;
}

static void write_views(struct http_face *face, struct sample *s)
{
    struct json_writer w;

    buf_clear(&s->views);
    json_writer_init(&w, &s->views);
    json_object_begin(&w);
    json_key_str(&w, "type", "views");
    json_key(&w, "views");
    json_array_begin(&w);
    for (struct view *v = engine_view_next(face->engine, NULL); v; v = engine_view_next(face->engine, v))
        write_view_info(&w, v);
    json_array_end(&w);
    json_object_end(&w);
}

const struct sample *sample_refresh(struct http_face *face)
{
    struct sample *s = sample_of(face);
    uint64_t hash;

    if (s->at_ns == loop_mono_ns(face->loop))
        return s;
    s->at_ns = loop_mono_ns(face->loop);
    write_overview(face, s);
    hash = views_hash(face);
    if (hash != s->views_hash || !s->views.len) {
        write_views(face, s);
        s->views_hash = hash;
    }
    for (struct map_entry *e = map_first(&s->tracks); e; e = map_next(&s->tracks, e))
        if (((struct track *)e->value)->seen_ns != s->at_ns)
            free(map_remove(&s->tracks, e->key));
    return s;
}

static void write_op(struct json_writer *w, const struct op_info *op)
{
    json_object_begin(w);
    json_key_u64(w, "id", op->id);
    json_key_str(w, "name", op->name);
    json_key_str(w, "detail", op->detail ? op->detail : "");
    json_key(w, "inputs");
    json_array_begin(w);
    for (uint32_t i = 0; i < op->inputs_count; i++)
        json_u64(w, op->inputs[i]);
    json_array_end(w);
    json_key_u64(w, "rows_in", op->rows_in);
    json_key_u64(w, "rows_out", op->rows_out);
    json_key_u64(w, "late", op->late);
    json_key_u64(w, "state_rows", op->state_rows);
    json_key_u64(w, "state_bytes", op->state_bytes);
    json_key_u64(w, "cold_rows", op->cold_rows);
    json_key_bool(w, "goes_to_disk", op->goes_to_disk);
    json_key_i64(w, "busy_ns", op->busy_ns);
    key_time_us(w, "watermark_us", op->watermark_us);
    json_object_end(w);
}

bool write_job_message(struct http_face *face, struct bytes name, struct buf *out)
{
    struct job *job = engine_job_find(face->engine, name);
    struct job_info info;
    struct op_info op;
    struct json_writer w;

    if (!job)
        return false;
    job_info(job, &info);
    json_writer_init(&w, out);
    json_object_begin(&w);
    json_key_str(&w, "type", "job");
    json_key_i64(&w, "time_us", loop_wall_us(face->loop));
    json_key_text(&w, "name", info.name);
    json_key_text(&w, "sql", info.text);
    json_key(&w, "ops");
    json_array_begin(&w);
    for (uint32_t i = 0; i < info.ops_count; i++) {
        job_op_info(job, i, &op);
        write_op(&w, &op);
    }
    json_array_end(&w);
    json_object_end(&w);
    return true;
}
