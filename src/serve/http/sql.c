/* sql.c: POST /v1/sql: a script in, the results of its statements out, once they are durable.
 *
 * A session of the engine lives as long as the request. The engine's callbacks may come inside
 * engine_run, and must not close the session, so the end is dealt with in a deferred turn. A SELECT that
 * never ends is cut after a time, with what to do instead. */
#include <stdlib.h>

#include "base/check.h"
#include "base/json_reader.h"
#include "serve/http/face.h"

struct sql {
    struct exchange *x;
    struct session *session;
    struct engine_run *run; /* NULL: it is over */
    struct loop_timer *timer;
    struct loop_defer ended;
    struct buf results;     /* the objects of "results", with commas */
    uint64_t lsn;
    bool over;
    enum status status;
    struct diag diag;
};

static void sql_free(struct sql *q)
{
    if (q->run)
        engine_run_cancel(q->run);
    engine_session_close(q->session);
    loop_timer_destroy(q->timer);
    loop_defer_cancel(q->x->face->loop, &q->ended);
    buf_deinit(&q->results);
    free(q);
}

static void abandon(struct exchange *x)
{
    sql_free(x->state);
}

static void on_result(void *context, struct engine_result *take_result)
{
    struct sql *q = context;
    struct engine_result *r = take_result;
    struct json_writer w;

    if (r->lsn > q->lsn)
        q->lsn = r->lsn;
    if (q->results.len)
        buf_u8(&q->results, ',');
    json_writer_init(&w, &q->results);
    json_object_begin(&w);
    json_key(&w, "columns");
    write_columns(&w, &r->schema);
    json_key(&w, "rows");
    write_rows_arrays(&w, r);
    if (r->message && !r->schema.count)
        json_key_str(&w, "message", r->message);
    if (r->job.len)
        json_key_text(&w, "job", r->job);
    json_object_end(&w);
    engine_result_free(r);
}

static void on_done(void *context, enum status st, const struct diag *diag)
{
    struct sql *q = context;

    q->over = true;
    q->run = NULL;
    q->status = st;
    if (st != ST_OK && diag)
        q->diag = *diag;
    loop_defer(q->x->face->loop, &q->ended);
    loop_again(q->x->face->loop);
}

static void write_answer(struct sql *q, struct buf *body)
{
    struct json_writer w;

    json_writer_init(&w, body);
    json_object_begin(&w);
    if (q->status != ST_OK) {
        const char *message = q->diag.message[0] ? q->diag.message : status_text(q->status);
        write_error(&w, q->diag.code ? diag_code_name(q->diag.code) : "failed", message, &q->diag);
    }
    json_key(&w, "results");
    json_array_begin(&w);
    json_raw(&w, buf_view(&q->results));
    json_array_end(&w);
    json_object_end(&w);
    if (q->results.failed)
        body->failed = true;
}

static void on_ended(void *context)
{
    struct sql *q = context;
    struct exchange *x = q->x;
    struct buf body;
    unsigned status = 200;
    uint64_t lsn = q->lsn;

    if (q->status != ST_OK)
        status = q->status == ST_INVALID || q->status == ST_UNSUPPORTED || q->status == ST_NOTFOUND ||
                         q->status == ST_EXISTS
                     ? 400
                     : http_status_of(q->status, q->diag.code);
    buf_init(&body, x->face->options.answer_bytes_max);
    write_answer(q, &body);
    sql_free(q);
    x->state = NULL;
    x->abandon = NULL;
    reply_when_durable(x, lsn, status, &body);
}

static void on_time(void *context)
{
    struct sql *q = context;

    if (q->over)
        return;
    engine_run_cancel(q->run);
    q->run = NULL;
    q->over = true;
    q->status = ST_INVALID;
    diag_set(&q->diag, ST_INVALID, DIAG_LIMIT, "the statement was cut after %lld s",
             (long long)(q->x->face->options.statement_ms_max / 1000));
    diag_hint(&q->diag, "a query over an endless source has no end: make it a CREATE MATERIALIZED TABLE "
                        "and read that, or INSERT its result INTO a table");
    on_ended(q);
}

/* The script: the body as it is, or {"sql": "…"}. */
static bool script_text(struct exchange *x, struct bytes *text)
{
    struct bytes type = http_header_get(x->request, "content-type"), body = x->request->body, value;
    struct bytes media = bytes_head(type, bytes_find(type, ';', 0));
    struct json_cursor error;
    struct buf decoded;

    *text = body;
    if (!bytes_is_nocase(media, "application/json"))
        return true;
    if (!json_is_one(body, &error)) {
        reply_error(x, 400, "syntax", "the body is not JSON at byte %zu: %s", error.pos, error.error);
        return false;
    }
    struct json_cursor c = json_cursor_of(body);
    CHECK(json_next(&c, &body));
    if (json_kind_of(body) != JSON_OBJECT || !json_member(body, "sql", &value) ||
        json_kind_of(value) != JSON_STRING) {
        reply_error(x, 400, "syntax", "the body must be {\"sql\": \"…\"}, or the statements as text/plain");
        return false;
    }
    buf_init(&decoded, 0);
    json_string_decode(value, &decoded);
    *text = arena_copy(&x->arena, buf_view(&decoded));
    buf_deinit(&decoded);
    return true;
}

void post_sql(struct exchange *x)
{
    struct http_face *face = x->face;
    struct bytes text;

    if (!script_text(x, &text))
        return;
    face->counts.statements++;
    struct sql *q = xcalloc(1, sizeof *q);
    q->x = x;
    q->ended = (struct loop_defer){.fn = on_ended, .context = q};
    buf_init(&q->results, face->options.answer_bytes_max);
    q->session = engine_session_open(face->engine);
    q->timer = loop_timer_create(face->loop, on_time, q);
    loop_timer_set(q->timer, loop_mono_ns(face->loop) + face->options.statement_ms_max * 1000000);
    x->state = q;
    x->abandon = abandon;
    struct engine_run *run = engine_run(q->session, text, on_result, on_done, q);
    if (!q->over)
        q->run = run;
}
