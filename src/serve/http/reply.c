#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "serve/http/face.h"

enum { VIEW_BYTES = 16 << 10 }; /* larger bodies are sent without a copy */

/* Every answer says these: what it is must not be guessed, and nobody frames it. */
#define SAFE_HEADERS "X-Content-Type-Options: nosniff\r\n"

static bool send_head(struct exchange *x, unsigned status, const char *type, const char *extra,
                      size_t len)
{
    struct http_face *face = x->face;
    struct buf head;
    bool body = x->request->method != HTTP_HEAD && status != 204 && status != 304;

    CHECK(x->open);
    buf_init(&head, 0);
    char *lines = arena_printf(&x->arena, SAFE_HEADERS "%s", extra ? extra : "");
    http_response_head(&head, &(struct http_response){.status = status,
                                                      .content_type = type,
                                                      .extra = lines,
                                                      .length = len,
                                                      .keep_alive = x->request->keep_alive});
    conn_send(x->session->conn, buf_view(&head));
    buf_deinit(&head);
    face->counts.by_class[status / 100]++;
    return body;
}

void reply(struct exchange *x, unsigned status, const char *type, const char *extra, struct bytes body)
{
    if (send_head(x, status, type, extra, body.len))
        conn_send(x->session->conn, body);
    exchange_end(x);
}

void reply_static(struct exchange *x, unsigned status, const char *type, const char *extra,
                  struct bytes lasting_body)
{
    if (send_head(x, status, type, extra, lasting_body.len))
        conn_send_view(x->session->conn, lasting_body, NULL, NULL);
    exchange_end(x);
}

void reply_take(struct exchange *x, unsigned status, const char *type, const char *extra,
                struct buf *take_body)
{
    struct bytes body = buf_view(take_body);
    bool sends = send_head(x, status, type, extra, body.len);

    if (sends && body.len >= VIEW_BYTES) {
        conn_send_view(x->session->conn, body, free, take_body->ptr);
        *take_body = (struct buf){0};
    } else if (sends) {
        conn_send(x->session->conn, body);
    }
    buf_deinit(take_body);
    exchange_end(x);
}

void reply_json(struct exchange *x, unsigned status, struct buf *take_body)
{
    if (take_body->failed) {
        buf_deinit(take_body);
        reply_error(x, 507, "limit", "the answer is larger than %zu bytes: ask for fewer rows",
                    x->face->options.answer_bytes_max);
        return;
    }
    buf_u8(take_body, '\n');
    reply_take(x, status, "application/json", "Cache-Control: no-store\r\n", take_body);
}

void write_error(struct json_writer *w, const char *code, const char *message, const struct diag *diag)
{
    json_key(w, "error");
    json_object_begin(w);
    json_key_str(w, "code", code);
    json_key_str(w, "message", message);
    if (diag && diag->line) {
        json_key_u64(w, "line", diag->line);
        json_key_u64(w, "column", diag->column);
    }
    if (diag && diag->near[0])
        json_key_str(w, "near", diag->near);
    if (diag && diag->hint[0])
        json_key_str(w, "hint", diag->hint);
    json_object_end(w);
}

static void reply_error_text(struct exchange *x, unsigned status, const char *code,
                             const char *message, const struct diag *diag)
{
    struct buf body;
    struct json_writer w;

    buf_init(&body, 0);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    write_error(&w, code, message, diag);
    json_object_end(&w);
    reply_json(x, status, &body);
}

void reply_error(struct exchange *x, unsigned status, const char *code, const char *format, ...)
{
    char message[400];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    reply_error_text(x, status, code, message, NULL);
}

/* The one table from our failures to HTTP's. */
unsigned http_status_of(enum status st, enum diag_code code)
{
    switch (st) {
    case ST_NOTFOUND: return 404;
    case ST_EXISTS: return 409;
    case ST_NOSPACE:
    case ST_AGAIN: return 503;
    case ST_INVALID:
    case ST_UNSUPPORTED: return code == DIAG_STATE ? 409 : code == DIAG_LIMIT ? 413 : 400;
    default: return code == DIAG_NONE || code == DIAG_INTERNAL ? 500 : 503;
    }
}

void reply_diag(struct exchange *x, enum status st, const struct diag *diag)
{
    const char *message = diag && diag->message[0] ? diag->message : status_text(st);
    enum diag_code code = diag ? diag->code : DIAG_NONE;

    reply_error_text(x, http_status_of(st, code), code ? diag_code_name(code) : "failed", message, diag);
}

/* ---- waiting for the disk ---- */

static void on_durable(struct log_waiter *waiter, bool failed)
{
    struct exchange *x = (struct exchange *)((char *)waiter - offsetof(struct exchange, waiter));
    struct buf body = x->held;

    x->waiting = false;
    x->held = (struct buf){0};
    if (!failed) {
        reply_json(x, x->held_status, &body);
        return;
    }
    buf_deinit(&body);
    const char *why = log_failure(x->face->log);
    reply_error(x, 503, "io", "the log has failed: %s", why ? why : "a write or sync went wrong");
}

void reply_when_durable(struct exchange *x, uint64_t lsn, unsigned status, struct buf *take_body)
{
    CHECK(!x->waiting);
    x->held = *take_body;
    *take_body = (struct buf){0};
    x->held_status = status;
    x->waiting = true;
    x->waiter = (struct log_waiter){.fn = on_durable};
    log_wait(x->face->log, &x->waiter, lsn);
}

void exchange_drop_wait(struct exchange *x)
{
    kafka_ask_end(&x->ask);
    if (!x->waiting)
        return;
    x->waiting = false;
    log_wait_cancel(x->face->log, &x->waiter);
    buf_deinit(&x->held);
    x->held = (struct buf){0};
}

/* ---- streams ---- */

void stream_begin(struct exchange *x, enum session_state state, struct bytes head)
{
    struct session_http *s = x->session;
    struct http_face *face = x->face;

    CHECK(x->open && s->state == SESSION_READING);
    s->state = state;
    s->prev = NULL;
    s->next = face->streams;
    if (s->next)
        s->next->prev = s;
    face->streams = s;
    face->counts.by_class[state == SESSION_SOCKET ? 1 : 2]++;
    conn_send(s->conn, head);
    loop_timer_set(face->sample_timer, loop_mono_ns(face->loop));
    loop_timer_set(face->beat_timer, loop_mono_ns(face->loop) + (int64_t)15e9);
}

void stream_send(struct exchange *x, struct bytes data)
{
    conn_send(x->session->conn, data);
}
