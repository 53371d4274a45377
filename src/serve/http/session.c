/* session.c: a connection's life as requests, one at a time and in order.
 *
 * While an exchange is open the connection is paused, so that neither a second request nor more of
 * its bytes are looked at; streams are not paused, or the client's going would not be seen. */
#include <stdlib.h>

#include "base/check.h"
#include "serve/http/face.h"

static void *on_open(void *context, struct conn *conn)
{
    struct http_face *face = context;
    struct session_http *s = xcalloc(1, sizeof *s);
    struct http_limits limits = {.body_max = face->options.body_bytes_max};

    s->face = face;
    s->conn = conn;
    http_parser_init(&s->parser, &limits);
    s->x = (struct exchange){.session = s, .face = face, .request = &s->parser.request};
    arena_init(&s->x.arena, ARENA_BUDGET_NONE);
    return s;
}

static void leave_streams(struct session_http *s)
{
    if (s->state != SESSION_STREAM && s->state != SESSION_SOCKET)
        return;
    if (s->prev)
        s->prev->next = s->next;
    else
        s->face->streams = s->next;
    if (s->next)
        s->next->prev = s->prev;
}

static void on_close(void *state, struct conn *conn)
{
    struct session_http *s = state;

    (void)conn;
    leave_streams(s);
    exchange_drop_wait(&s->x);
    if (s->x.open && s->x.abandon)
        s->x.abandon(&s->x);
    arena_deinit(&s->x.arena);
    http_parser_deinit(&s->parser);
    known_forget(&s->known);
    free(s);
}

/* The answer is sent, or its last bytes are queued. */
void exchange_end(struct exchange *x)
{
    struct session_http *s = x->session;
    bool keep = x->request->keep_alive && s->state == SESSION_READING;

    CHECK(x->open);
    kafka_ask_end(&x->ask);
    x->open = false;
    x->state = NULL;
    x->abandon = NULL;
    arena_reset(&x->arena);
    if (!keep) {
        s->state = SESSION_ENDING;
        s->paused = false;
        conn_close_after_send(s->conn);
        return;
    }
    http_parser_reset(&s->parser);
    if (s->paused) {
        s->paused = false;
        conn_resume(s->conn);
    }
}

static void begin(struct session_http *s)
{
    s->continued = false;
    s->x.open = true;
    s->face->counts.requests++;
    arena_reset(&s->x.arena);
    route(&s->x);
    if (s->x.open && s->state == SESSION_READING && !conn_closing(s->conn)) {
        s->paused = true;
        conn_pause(s->conn);
    }
}

/* A request that cannot be read: its answer is the last, for nobody knows where the next begins. */
static void refuse(struct session_http *s)
{
    s->parser.request.keep_alive = false;
    s->parser.request.method = HTTP_OTHER;
    s->x.open = true;
    s->face->counts.requests++;
    reply_error(&s->x, s->parser.bad_status, "request", "%s", s->parser.bad_reason);
}

static size_t on_bytes(void *state, struct conn *conn, struct bytes in)
{
    struct session_http *s = state;
    size_t used = 0;

    switch (s->state) {
    case SESSION_STREAM:
    case SESSION_ENDING: return in.len;
    case SESSION_SOCKET: s->on_input(&s->x, in, &used); return used;
    case SESSION_READING: break;
    }
    enum http_parse step = http_parser_feed(&s->parser, in, &used);
    bool waits = step == HTTP_MORE && !http_parser_idle(&s->parser);
    if (!conn_unfinished(conn, waits ? http_parser_bytes(&s->parser) : 0)) {
        s->parser.bad_status = 503;
        s->parser.bad_reason = "the requests that are under way hold all the memory that they may";
        step = HTTP_BAD;
    }
    if (step == HTTP_DONE) {
        begin(s);
    } else if (step == HTTP_BAD) {
        refuse(s);
    } else if (!s->continued && http_parser_wants_continue(&s->parser)) {
        s->continued = true;
        conn_send(conn, BYTES_LITERAL("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    return used;
}

const struct conn_handler session_handler = {.on_open = on_open, .on_bytes = on_bytes, .on_close = on_close};

/* ---- what all streams are called for. A call may end its own stream only by conn_close, which takes it
 * off the list later, so the walk holds. ---- */

void streams_sample(void *context)
{
    struct http_face *face = context;

    if (!face->streams)
        return;
    for (struct session_http *s = face->streams; s; s = s->next)
        if (s->on_sample)
            s->on_sample(&s->x);
    loop_timer_set(face->sample_timer, loop_mono_ns(face->loop) + (int64_t)250e6);
}

void streams_beat(void *context)
{
    struct http_face *face = context;

    if (!face->streams)
        return;
    for (struct session_http *s = face->streams; s; s = s->next)
        s->on_beat(&s->x);
    loop_timer_set(face->beat_timer, loop_mono_ns(face->loop) + (int64_t)15e9);
}

bool streams_pass(void *context)
{
    struct http_face *face = context;

    for (struct session_http *s = face->streams; s; s = s->next)
        if (s->on_pass)
            s->on_pass(&s->x);
    return false;
}
