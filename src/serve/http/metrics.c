/* metrics.c: /metrics in Prometheus' text format (0.0.4), and /health. Names begin with quickwater_,
 * units are seconds and bytes. All samples of one name stand together, as the format asks. */
#include <inttypes.h>

#include "serve/http/face.h"
#include "serve/http/metrics.h"

void metrics_family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP quickwater_%s %s\n# TYPE quickwater_%s %s\n", name, help, name, type);
}

void metrics_one_u64(struct buf *out, const char *name, const char *type, const char *help, uint64_t v)
{
    metrics_family(out, name, type, help);
    buf_printf(out, "quickwater_%s %" PRIu64 "\n", name, v);
}

void metrics_one_f64(struct buf *out, const char *name, const char *type, const char *help, double v)
{
    metrics_family(out, name, type, help);
    buf_printf(out, "quickwater_%s %.9g\n", name, v);
}

/* A label's value: backslash, quote and newline escaped. */
void metrics_label(struct buf *out, const char *name, struct bytes value)
{
    buf_printf(out, "%s=\"", name);
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];
        if (c == '\\' || c == '"')
            buf_printf(out, "\\%c", c);
        else if (c == '\n')
            buf_str(out, "\\n");
        else
            buf_u8(out, c);
    }
    buf_u8(out, '"');
}

/* ---- jobs and operators: a table of what each family says ---- */

static double seconds(int64_t us)
{
    return us == INT64_MIN || us == INT64_MAX ? 0 : (double)us / 1e6;
}

#define JOB_VALUE(fn, expr)                                                                        \
    static double fn(const struct job_info *j)                                                     \
    {                                                                                              \
        return (double)(expr);                                                                     \
    }
JOB_VALUE(job_up, j->state == JOB_RUNNING || j->state == JOB_FINISHED)
JOB_VALUE(job_ticks, j->tick)
JOB_VALUE(job_rows_in, j->rows_in)
JOB_VALUE(job_rows_out, j->rows_out)
JOB_VALUE(job_late, j->late)
JOB_VALUE(job_dropped, j->dropped)
JOB_VALUE(job_errors, j->errors)
JOB_VALUE(job_checkpoints, j->checkpoints)
JOB_VALUE(job_watermark, seconds(j->watermark_us))
#undef JOB_VALUE

static const struct {
    const char *name, *type, *help;
    double (*value)(const struct job_info *);
} job_families[] = {
    {"job_up", "gauge", "1 while the job runs or has ended well, else 0.", job_up},
    {"job_ticks_total", "counter", "Ticks of the job.", job_ticks},
    {"job_rows_in_total", "counter", "Rows read from the job's sources.", job_rows_in},
    {"job_rows_out_total", "counter", "Rows given to the job's sinks.", job_rows_out},
    {"job_late_rows_total", "counter", "Rows that came behind the watermark and were dropped.", job_late},
    {"job_dropped_rows_total", "counter", "Rows with a NULL for a NOT NULL column of the sink, dropped as set.",
     job_dropped},
    {"job_bad_records_total", "counter", "Records that could not be decoded.", job_errors},
    {"job_checkpoints_total", "counter", "Checkpoints written.", job_checkpoints},
    {"job_watermark_timestamp_seconds", "gauge", "The job's watermark, as a time since 1970.", job_watermark},
};

static void write_jobs(struct http_face *face, struct buf *out)
{
    struct job_info info;

    for (unsigned f = 0; f < sizeof job_families / sizeof *job_families; f++) {
        metrics_family(out, job_families[f].name, job_families[f].type, job_families[f].help);
        for (struct job *job = engine_job_next(face->engine, NULL); job;
             job = engine_job_next(face->engine, job)) {
            job_info(job, &info);
            buf_printf(out, "quickwater_%s{", job_families[f].name);
            metrics_label(out, "job", info.name);
            buf_printf(out, "} %.17g\n", job_families[f].value(&info));
        }
    }
}

static void write_memory(struct http_face *face, struct buf *out)
{
    struct job_info info;

    metrics_family(out, "job_memory_bytes", "gauge", "Memory that the job holds, by what it is for.");
    for (struct job *job = engine_job_next(face->engine, NULL); job; job = engine_job_next(face->engine, job)) {
        job_info(job, &info);
        const struct job_memory *m = &info.memory;
        const struct {
            const char *kind;
            uint64_t bytes;
        } kinds[] = {{"state", m->state}, {"views", m->views}, {"lanes", m->lanes}, {"buffers", m->buffers}};
        for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            buf_str(out, "quickwater_job_memory_bytes{");
            metrics_label(out, "job", info.name);
            buf_printf(out, ",kind=\"%s\"} %" PRIu64 "\n", kinds[k].kind, kinds[k].bytes);
        }
    }
    metrics_one_u64(out, "memory_limit_bytes", "gauge", "The ceiling of what all jobs hold; 0: none.",
                    engine_memory_limit(face->engine));
}

/* A summary of microseconds, in seconds; job: its label, if it has one. */
static void quantiles(struct buf *out, const char *name, struct bytes job, const struct histogram *us)
{
    static const double parts[] = {0.5, 0.9, 0.99, 0.999};
    struct buf labels;

    buf_init(&labels, 0);
    if (job.len)
        metrics_label(&labels, "job", job);
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        buf_printf(out, "quickwater_%s{%.*s%squantile=\"%g\"} %.9g\n", name,
                   BYTES_FMT(buf_view(&labels)), job.len ? "," : "", parts[i],
                   (double)histogram_quantile(us, parts[i]) / 1e6);
    const char *open = job.len ? "{" : "", *close = job.len ? "}" : "";
    buf_printf(out, "quickwater_%s_sum%s%.*s%s %.9g\n", name, open, BYTES_FMT(buf_view(&labels)), close,
               (double)us->sum / 1e6);
    buf_printf(out, "quickwater_%s_count%s%.*s%s %" PRIu64 "\n", name, open,
               BYTES_FMT(buf_view(&labels)), close, us->total);
    buf_deinit(&labels);
}

static void write_latency(struct http_face *face, struct buf *out)
{
    static const char name[] = "job_latency_seconds";
    struct job_info info;

    metrics_family(out, name, "summary", "From the append of an input to the durability of its results.");
    for (struct job *job = engine_job_next(face->engine, NULL); job; job = engine_job_next(face->engine, job)) {
        job_info(job, &info);
        if (info.latency_us)
            quantiles(out, name, info.name, info.latency_us);
    }
}

static const struct {
    const char *name, *type, *help;
} op_families[] = {
    {"operator_rows_in_total", "counter", "Rows that came into the operator."},
    {"operator_rows_out_total", "counter", "Rows that the operator gave."},
    {"operator_busy_seconds_total", "counter", "Time spent in the operator."},
    {"operator_state_rows", "gauge", "Rows of the operator's state."},
    {"operator_state_bytes", "gauge", "Bytes of memory of the operator's state."},
    {"operator_cold_rows", "gauge", "Rows of the operator's state that are on disk."},
};

static double op_value(unsigned f, const struct op_info *op)
{
    switch (f) {
    case 0: return (double)op->rows_in;
    case 1: return (double)op->rows_out;
    case 2: return (double)op->busy_ns / 1e9;
    case 3: return (double)op->state_rows;
    case 4: return (double)op->state_bytes;
    default: return (double)op->cold_rows;
    }
}

static void write_ops(struct http_face *face, struct buf *out)
{
    struct job_info info;
    struct op_info op;

    for (unsigned f = 0; f < sizeof op_families / sizeof *op_families; f++) {
        metrics_family(out, op_families[f].name, op_families[f].type, op_families[f].help);
        for (struct job *job = engine_job_next(face->engine, NULL); job;
             job = engine_job_next(face->engine, job)) {
            job_info(job, &info);
            for (uint32_t i = 0; i < info.ops_count; i++) {
                job_op_info(job, i, &op);
                buf_printf(out, "quickwater_%s{", op_families[f].name);
                metrics_label(out, "job", info.name);
                buf_printf(out, ",id=\"%u\",", op.id);
                metrics_label(out, "operator", bytes_str(op.name));
                buf_printf(out, "} %.17g\n", op_value(f, &op));
            }
        }
    }
}

static void write_views(struct http_face *face, struct buf *out)
{
    struct view *view = NULL;

    metrics_family(out, "view_rows", "gauge", "Rows of a view.");
    while ((view = engine_view_next(face->engine, view))) {
        buf_str(out, "quickwater_view_rows{");
        metrics_label(out, "view", view_name(view));
        buf_printf(out, "} %" PRIu64 "\n", view_rows(view));
    }
}

/* ---- log, loop, this face ---- */

static void write_loop(struct http_face *face, struct buf *out)
{
    static const char turns[] = "loop_turn_seconds";

    metrics_one_f64(out, "loop_stall_seconds", "gauge", "The longest turn of the event loop so far.",
                    (double)loop_stall_max_ns(face->loop) / 1e9);
    metrics_one_f64(out, "loop_busy_seconds_total", "counter", "Time that the event loop did not wait.",
                    (double)loop_busy_ns(face->loop) / 1e9);
    metrics_family(out, turns, "summary", "Turns of the event loop; the sync of the log is a part of one.");
    quantiles(out, turns, BYTES_NONE, loop_turns_us(face->loop));
}

static void write_log(struct http_face *face, struct buf *out)
{
    struct log_stats s;

    log_stats(face->log, &s);
    metrics_one_u64(out, "log_appends_total", "counter", "Batches and entries appended to the log.", s.appends);
    metrics_one_u64(out, "log_append_bytes_total", "counter", "Bytes appended to the log.", s.append_bytes);
    metrics_one_u64(out, "log_syncs_total", "counter", "Syncs of the write-ahead log.", s.syncs);
    metrics_one_f64(out, "log_sync_seconds_total", "counter", "Time spent in those syncs.",
                    (double)s.sync_ns_total / 1e9);
    metrics_one_f64(out, "log_sync_seconds_max", "gauge", "The longest of them.", (double)s.sync_ns_max / 1e9);
    metrics_one_u64(out, "log_wal_bytes", "gauge", "Size of the write-ahead log.", s.wal_bytes);
    metrics_one_u64(out, "log_tail_bytes", "gauge", "Bytes not yet in partition files.", s.tail_bytes);
    metrics_one_u64(out, "log_free_bytes", "gauge", "Free space of the disk.", s.free_bytes);
    metrics_one_u64(out, "log_refusing", "gauge", "1 while producers are refused for lack of space.", s.refusing);
    metrics_one_u64(out, "log_failed", "gauge", "1 after a failed write or sync.", log_failure(face->log) != NULL);
}

static void write_http(struct http_face *face, struct buf *out)
{
    metrics_family(out, "http_answers_total", "counter", "Answers by class of status.");
    for (int i = 1; i <= 5; i++)
        buf_printf(out, "quickwater_http_answers_total{class=\"%dxx\"} %" PRIu64 "\n", i,
                   face->counts.by_class[i]);
    metrics_one_u64(out, "http_requests_total", "counter", "Requests.", face->counts.requests);
    metrics_one_u64(out, "http_connections", "gauge", "Open connections.", listener_conns(face->listener));
    metrics_one_u64(out, "http_posted_records_total", "counter", "Records taken in by POST.",
                    face->counts.posted_records);
    metrics_one_u64(out, "http_statements_total", "counter", "Scripts of SQL run by POST.",
                    face->counts.statements);
}

void get_metrics(struct exchange *x)
{
    struct http_face *face = x->face;
    struct buf out;

    buf_init(&out, 0);
    metrics_family(&out, "build_info", "gauge", "Always 1; the version is its label.");
    buf_str(&out, "quickwater_build_info{");
    metrics_label(&out, "version", bytes_str(face->options.version));
    buf_str(&out, "} 1\n");
    metrics_one_f64(&out, "uptime_seconds", "gauge", "Since this face was opened.",
                    (double)(loop_mono_ns(face->loop) - face->started_ns) / 1e9);
    metrics_one_f64(&out, "cpu_seconds_total", "counter", "Processor time of the process.",
                    (double)os_cpu_ns(loop_os(face->loop)) / 1e9);
    write_loop(face, &out);
    write_log(face, &out);
    write_http(face, &out);
    metrics_of_clients(face, &out);
    write_jobs(face, &out);
    write_memory(face, &out);
    metrics_of_bridges(face, &out);
    write_latency(face, &out);
    write_ops(face, &out);
    write_views(face, &out);
    reply_take(x, 200, "text/plain; version=0.0.4; charset=utf-8", "Cache-Control: no-store\r\n", &out);
}

void get_health(struct exchange *x)
{
    const char *failure = log_failure(x->face->log);
    uint64_t done = 0, all = 0;
    bool recovering = engine_recovering(x->face->engine, &done, &all);
    struct log_stats stats;
    struct buf body;
    struct json_writer w;

    log_stats(x->face->log, &stats);
    buf_init(&body, 0);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    json_key_str(&w, "status", failure ? "failed" : recovering ? "recovering" : stats.refusing ? "full" : "ok");
    if (failure)
        json_key_str(&w, "reason", failure);
    if (recovering) {
        json_key_u64(&w, "ticks_done", done);
        json_key_u64(&w, "ticks_all", all);
    }
    json_object_end(&w);
    reply_json(x, failure || recovering ? 503 : 200, &body);
}
