#include <inttypes.h>

#include "base/check.h"
#include "base/json_reader.h"
#include "serve/http/face.h"

void write_job_memory(struct json_writer *w, const struct job_memory *memory)
{
    json_key(w, "memory_bytes");
    json_object_begin(w);
    json_key_u64(w, "state", memory->state);
    json_key_u64(w, "views", memory->views);
    json_key_u64(w, "lanes", memory->lanes);
    json_key_u64(w, "buffers", memory->buffers);
    json_key_u64(w, "all", job_memory_sum(memory));
    json_object_end(w);
}

static void write_job_members(struct json_writer *w, const struct job_info *info)
{
    json_key_text(w, "name", info->name);
    json_key_str(w, "state", job_state_text(info->state));
    json_key_u64(w, "rows_in", info->rows_in);
    json_key_u64(w, "rows_out", info->rows_out);
    json_key(w, "watermark");
    write_time(w, info->watermark_us);
    json_key_u64(w, "tick", info->tick);
    json_key_u64(w, "late", info->late);
    json_key_u64(w, "dropped", info->dropped);
    json_key_u64(w, "errors", info->errors);
    write_job_memory(w, &info->memory);
    if (info->error)
        json_key_str(w, "error", info->error);
}

void get_jobs(struct exchange *x)
{
    struct job *job = NULL;
    struct job_info info;
    struct buf body;
    struct json_writer w;

    buf_init(&body, x->face->options.answer_bytes_max);
    json_writer_init(&w, &body);
    json_array_begin(&w);
    while ((job = engine_job_next(x->face->engine, job))) {
        job_info(job, &info);
        json_object_begin(&w);
        write_job_members(&w, &info);
        json_object_end(&w);
    }
    json_array_end(&w);
    reply_json(x, 200, &body);
}

static struct job *find_job(struct exchange *x)
{
    struct job *job = engine_job_find(x->face->engine, x->params[0]);

    if (!job)
        reply_error(x, 404, "name", "there is no job '%.*s'", BYTES_FMT(bytes_head(x->params[0], 200)));
    return job;
}

static void write_op(struct json_writer *w, const struct op_info *op)
{
    json_object_begin(w);
    json_key_u64(w, "id", op->id);
    json_key_str(w, "name", op->name);
    json_key_str(w, "detail", op->detail);
    json_key(w, "inputs");
    json_array_begin(w);
    for (uint32_t i = 0; i < op->inputs_count; i++)
        json_u64(w, op->inputs[i]);
    json_array_end(w);
    json_key_u64(w, "rows_in", op->rows_in);
    json_key_u64(w, "rows_out", op->rows_out);
    json_key_u64(w, "late", op->late);
    json_key_u64(w, "dropped", op->dropped);
    json_key_u64(w, "state_rows", op->state_rows);
    json_key_u64(w, "state_bytes", op->state_bytes);
    json_key_u64(w, "cold_rows", op->cold_rows);
    json_key_bool(w, "goes_to_disk", op->goes_to_disk);
    json_key_f64(w, "busy_seconds", (double)op->busy_ns / 1e9);
    json_key(w, "watermark");
    write_time(w, op->watermark_us);
    json_object_end(w);
}

static void write_latency(struct json_writer *w, const struct histogram *h)
{
    static const struct {
        const char *name;
        double part;
    } parts[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};

    json_object_begin(w);
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        json_key_u64(w, parts[i].name, h ? histogram_quantile(h, parts[i].part) : 0);
    json_key_u64(w, "count", h ? h->total : 0);
    json_object_end(w);
}

void get_job(struct exchange *x)
{
    struct job *job = find_job(x);
    struct job_info info;
    struct op_info op;
    struct buf body;
    struct json_writer w;

    if (!job)
        return;
    job_info(job, &info);
    buf_init(&body, x->face->options.answer_bytes_max);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    write_job_members(&w, &info);
    json_key_text(&w, "sql", info.text);
    json_key_u64(&w, "checkpoints", info.checkpoints);
    json_key(&w, "latency_us");
    write_latency(&w, info.latency_us);
    json_key(&w, "ops");
    json_array_begin(&w);
    for (uint32_t i = 0; i < info.ops_count; i++) {
        job_op_info(job, i, &op);
        write_op(&w, &op);
    }
    json_array_end(&w);
    json_object_end(&w);
    reply_json(x, 200, &body);
}

/* What has been done, once it is durable. */
static void done(struct exchange *x, const char *what, const char *path, uint64_t lsn)
{
    struct buf body;
    struct json_writer w;

    buf_init(&body, 0);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    json_key_text(&w, "job", x->params[0]);
    json_key_str(&w, "done", what);
    if (path)
        json_key_str(&w, "path", path);
    json_object_end(&w);
    reply_when_durable(x, lsn, 200, &body);
}

/* {"settings": {"key": "value", …}} in the body, if there is one. False: it has been answered. */
static bool body_settings(struct exchange *x, struct settings *out, struct diag *diag)
{
    struct bytes body = x->request->body, settings, key, value;
    struct json_cursor error;

    if (body.len == 0)
        return true;
    if (!json_is_one(body, &error))
        return diag_set(diag, ST_INVALID, DIAG_SYNTAX, "the body is not JSON at byte %zu: %s",
                        error.pos, error.error),
               false;
    struct json_cursor c = json_cursor_of(body);
    CHECK(json_next(&c, &body));
    if (json_kind_of(body) != JSON_OBJECT || !json_member(body, "settings", &settings) ||
        json_kind_of(settings) != JSON_OBJECT)
        return diag_set(diag, ST_INVALID, DIAG_SYNTAX,
                        "the body must be {\"settings\": {\"key\": \"value\"}}"),
               false;
    struct json_iter it = json_iter_of(settings);
    struct buf name, text;
    buf_init(&name, 0);
    buf_init(&text, 0);
    bool good = true;
    while (good && json_object_next(&it, &key, &value)) {
        buf_clear(&name);
        buf_clear(&text);
        json_string_decode(key, &name);
        good = json_kind_of(value) == JSON_STRING;
        if (!good) {
            diag_set(diag, ST_INVALID, DIAG_VALUE, "the setting '%.*s' must be a text",
                     BYTES_FMT(bytes_head(buf_view(&name), 60)));
            break;
        }
        json_string_decode(value, &text);
        good = settings_set(out, buf_view(&name), buf_view(&text), diag) == ST_OK;
    }
    buf_deinit(&name);
    buf_deinit(&text);
    return good;
}

/* A paused job goes on; one that has failed begins again from its last tick. */
static enum status resume(struct exchange *x, struct job *job, uint64_t *lsn, struct diag *diag)
{
    struct job_info info;
    struct settings settings;

    job_info(job, &info);
    if (info.state != JOB_FAILED && x->request->body.len > 0)
        return diag_set(diag, ST_INVALID, DIAG_STATE,
                        "job '%.*s' is %s: settings are changed of a job that has failed",
                        BYTES_FMT(info.name), job_state_text(info.state));
    if (info.state != JOB_FAILED)
        return job_resume(job, lsn);
    settings_init(&settings);
    enum status st =
        body_settings(x, &settings, diag) ? job_restart(job, &settings, lsn, diag) : ST_INVALID;
    settings_deinit(&settings);
    return st;
}

void post_job_action(struct exchange *x)
{
    struct job *job = find_job(x);
    struct bytes action = x->params[1];
    struct diag diag = {0};
    const char *path = NULL, *what;
    uint64_t lsn = 0;
    enum status st;

    if (!job)
        return;
    if (bytes_is(action, what = "pause")) {
        st = job_pause(job, &lsn);
    } else if (bytes_is(action, what = "resume")) {
        st = resume(x, job, &lsn, &diag);
    } else if (bytes_is(action, what = "drop")) {
        st = job_drop(job, &lsn);
    } else if (bytes_is(action, what = "savepoint")) {
        st = job_savepoint(job, &path, &diag);
    } else {
        reply_error(x, 404, "not_found", "a job can be told: pause, resume, savepoint, drop");
        return;
    }
    if (st != ST_OK)
        reply_diag(x, st, &diag);
    else
        done(x, what, path, lsn);
}

void delete_job(struct exchange *x)
{
    struct job *job = find_job(x);
    uint64_t lsn = 0;

    if (!job)
        return;
    enum status st = job_drop(job, &lsn);
    if (st != ST_OK)
        reply_diag(x, st, NULL);
    else
        done(x, "drop", NULL, lsn);
}
