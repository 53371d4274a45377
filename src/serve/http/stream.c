/* stream.c: GET /v1/stream: everything the page shows, over one connection.
 *
 * Server-sent events, with what is wanted in the query (?overview&alerts&job=J&view=V&view=W), or a
 * WebSocket, where messages {"subscribe":"view","name":"V"} and {"unsubscribe":…} say it. Four times
 * a second each stream is given what is new. A reader that is slow (STREAM_UNSENT_MAX waits unsent)
 * is given nothing until it has caught up, and then the state of that moment: what it missed of the
 * figures is gone, and of a view it gets the rows anew. So memory is bounded and nobody is closed for
 * being slow.
 *
 * A view comes first as a whole, then as changes. A windowed one comes as the tail of its changes, for
 * there the newest windows matter and the state of old ones is long gone. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/json_reader.h"
#include "serve/http/face.h"
#include "serve/http/follow.h"
#include "serve/http/sample.h"
#include "wire/http/uri.h"
#include "wire/kafka/batch.h"
#include "wire/ws/frame.h"

enum {
    VIEWS_MAX = 8,
    ALERTS_AT_FIRST = 50,
    CHANGES_A_SAMPLE = 2000, /* of one view */
    BEHIND_MAX = 8000,       /* more than that, and the view is given anew */
    WINDOW_TAIL = 4000,      /* changes that a windowed view begins with */
    ROWS_AT_FIRST = 1000,
    WS_MESSAGE_MAX = 16 << 10,
};

struct name {
    uint8_t bytes[LOG_NAME_MAX + 1];
    uint16_t len;
};

enum view_state { VIEW_FREE, VIEW_WANTED, VIEW_HELD, VIEW_LIVE };

struct stream_view {
    enum view_state state;
    struct name name;
    int64_t position;
    struct buf held;    /* its first message, until held_lsn is durable */
    uint64_t held_lsn;
};

struct stream {
    struct exchange *x;
    bool socket;
    bool greeted, overview, alerts, alerts_begun;
    uint64_t views_hash;
    struct name job;
    struct stream_view views[VIEWS_MAX];
    int64_t alerts_at; /* offset of the next */
    struct follow follow;
    struct ws_parser parser;
    struct buf message, frame;
};

static void name_set(struct name *name, struct bytes text)
{
    name->len = (uint16_t)(text.len < sizeof name->bytes ? text.len : sizeof name->bytes);
    memcpy(name->bytes, text.ptr ? text.ptr : name->bytes, name->len);
}

static struct bytes name_get(const struct name *name)
{
    return bytes_of(name->bytes, name->len);
}

/* ---- sending ---- */

static void send_message(struct stream *s, struct bytes json)
{
    buf_clear(&s->frame);
    if (s->socket)
        ws_frame(&s->frame, WS_TEXT, json);
    else
        sse_event(&s->frame, NULL, BYTES_NONE, json);
    stream_send(s->x, buf_view(&s->frame));
}

static struct json_writer begin_message(struct stream *s, const char *type)
{
    struct json_writer w;

    buf_clear(&s->message);
    json_writer_init(&w, &s->message);
    json_object_begin(&w);
    json_key_str(&w, "type", type);
    return w;
}

static void end_message(struct stream *s, struct json_writer *w)
{
    json_object_end(w);
    send_message(s, buf_view(&s->message));
}

static void greet(struct stream *s)
{
    struct json_writer w = begin_message(s, "hello");

    json_key_str(&w, "version", s->x->face->options.version);
    json_key_i64(&w, "time_us", loop_wall_us(s->x->face->loop));
    if (s->x->face->options.security)
        json_key_str(&w, "principal", s->x->session->known.principal);
    json_key_bool(&w, "admin", exchange_is_admin(s->x));
    end_message(s, &w);
    s->greeted = true;
}

/* ---- views ---- */

/* "view" of a windowed view: no rows, the tail of its changes follows. */
static void begin_at_tail(struct stream *s, struct stream_view *v, const struct log_offsets *o)
{
    struct json_writer w = begin_message(s, "view");

    v->position = o->durable - WINDOW_TAIL > o->start ? o->durable - WINDOW_TAIL : o->start;
    json_key_text(&w, "view", name_get(&v->name));
    json_key(&w, "rows");
    json_array_begin(&w);
    json_array_end(&w);
    json_key_bool(&w, "more", v->position > o->start);
    end_message(s, &w);
    v->state = VIEW_LIVE;
}

/* "view" with its rows, kept until they are durable. What the changes say from here on is new. */
static void begin_with_rows(struct stream *s, struct stream_view *v, struct view *view,
                            const struct log_offsets *o)
{
    struct engine_result result;
    struct bytes next = BYTES_NONE;
    struct json_writer w;

    if (view_scan(view, BYTES_NONE, ROWS_AT_FIRST, &result, &next, NULL) != ST_OK)
        return; /* it is asked again with the next sample */
    buf_clear(&v->held);
    json_writer_init(&w, &v->held);
    json_object_begin(&w);
    json_key_str(&w, "type", "view");
    json_key_text(&w, "view", name_get(&v->name));
    json_key(&w, "rows");
    write_rows_objects(&w, &result);
    json_key_bool(&w, "more", next.len > 0);
    json_object_end(&w);
    v->held_lsn = result.lsn;
    v->position = o->end;
    v->state = VIEW_HELD;
    arena_deinit(&result.arena);
    (void)s;
}

static void add_change(void *context, const struct record *record)
{
    struct json_writer *w = context;
    if (record->value.ptr)
        json_raw(w, record->value);
}

static void send_changes(struct stream *s, struct stream_view *v, struct log_partition *partition)
{
    struct json_writer w = begin_message(s, "changes");

    json_key_text(&w, "view", name_get(&v->name));
    json_key(&w, "changes");
    json_array_begin(&w);
    enum status st = tail_read(s->x->face, partition, &v->position, CHANGES_A_SAMPLE, add_change, &w);
    json_array_end(&w);
    if (st == ST_OK)
        end_message(s, &w);
    else
        v->state = VIEW_WANTED;
}

static void sample_view(struct stream *s, struct stream_view *v)
{
    struct http_face *face = s->x->face;
    struct view *view = engine_view_find(face->engine, name_get(&v->name));
    struct log_partition *partition = view ? view_partition(face, name_get(&v->name)) : NULL;
    struct log_offsets offsets;

    if (!partition) {
        v->state = VIEW_WANTED; /* dropped; it may come again */
        return;
    }
    log_offsets(partition, &offsets);
    if (v->state == VIEW_LIVE && offsets.durable - v->position > BEHIND_MAX)
        v->state = VIEW_WANTED;
    if (v->state == VIEW_WANTED && view_window_column(view) >= 0)
        begin_at_tail(s, v, &offsets);
    if (v->state == VIEW_WANTED)
        begin_with_rows(s, v, view, &offsets);
    if (v->state == VIEW_HELD && v->held_lsn <= log_durable_lsn(face->log)) {
        send_message(s, buf_view(&v->held));
        buf_deinit(&v->held);
        buf_init(&v->held, 0);
        v->state = VIEW_LIVE;
    }
    /* a windowed view's beginning is several samples' worth, and is wanted at once */
    for (int i = 0; i < 1 + WINDOW_TAIL / CHANGES_A_SAMPLE; i++)
        if (v->state == VIEW_LIVE && v->position < offsets.durable)
            send_changes(s, v, partition);
}

/* ---- alerts: what CREATE ALERT appends to the topic `alerts` ---- */

static void add_alert(void *context, const struct record *record)
{
    struct json_writer *w = context;

    if (!record->value.ptr)
        return;
    json_object_begin(w);
    json_key_i64(w, "offset", record->offset);
    json_key_i64(w, "time_ms", record->timestamp_ms);
    json_key(w, "value");
    if (json_is_one(record->value, NULL))
        json_raw(w, record->value);
    else
        json_bytes(w, record->value); /* others may write there too */
    json_object_end(w);
}

static void sample_alerts(struct stream *s)
{
    struct http_face *face = s->x->face;
    struct log_topic *topic = log_topic_find(face->log, BYTES_LITERAL("alerts"));
    struct log_partition *partition = topic ? log_partition_of(topic, 0) : NULL;
    struct log_offsets o = {0};

    if (partition)
        log_offsets(partition, &o);
    if (s->alerts_begun && s->alerts_at == o.durable)
        return;
    if (!s->alerts_begun || s->alerts_at > o.durable || o.durable - s->alerts_at > BEHIND_MAX)
        s->alerts_at = o.durable - ALERTS_AT_FIRST > o.start ? o.durable - ALERTS_AT_FIRST : o.start;
    struct json_writer w = begin_message(s, "alerts");
    json_key_bool(&w, "reset", !s->alerts_begun);
    json_key(&w, "alerts");
    json_array_begin(&w);
    if (partition)
        (void)tail_read(face, partition, &s->alerts_at, ALERTS_AT_FIRST, add_alert, &w);
    json_array_end(&w);
    s->alerts_begun = true;
    end_message(s, &w);
}

/* ---- four times a second ---- */

static void on_sample(struct exchange *x)
{
    struct stream *s = x->state;
    const struct sample *sample;

    if (conn_closing(x->session->conn) || conn_unsent(x->session->conn) > STREAM_UNSENT_MAX)
        return;
    if (!s->greeted)
        greet(s);
    if (follow_sample(&s->follow, x, &s->message))
        send_message(s, buf_view(&s->message));
    if (!exchange_is_admin(x))
        return; /* the rest is for who may everything */
    sample = sample_refresh(x->face);
    if (s->views_hash != sample->views_hash)
        send_message(s, buf_view(&sample->views));
    s->views_hash = sample->views_hash;
    if (s->overview)
        send_message(s, buf_view(&sample->overview));
    buf_clear(&s->message);
    if (s->job.len && write_job_message(x->face, name_get(&s->job), &s->message))
        send_message(s, buf_view(&s->message));
    for (int i = 0; i < VIEWS_MAX; i++)
        if (s->views[i].state != VIEW_FREE)
            sample_view(s, &s->views[i]);
    if (s->alerts)
        sample_alerts(s);
}

static void on_beat(struct exchange *x)
{
    struct stream *s = x->state;

    buf_clear(&s->frame);
    if (s->socket)
        ws_frame(&s->frame, WS_PING, BYTES_NONE);
    else
        sse_comment(&s->frame, "still here");
    stream_send(x, buf_view(&s->frame));
}

/* ---- what is wanted ---- */

static bool want_view(struct stream *s, struct bytes name, bool wanted)
{
    struct stream_view *room = NULL;

    for (int i = 0; i < VIEWS_MAX; i++) {
        struct stream_view *v = &s->views[i];
        if (v->state != VIEW_FREE && bytes_equal(name_get(&v->name), name)) {
            if (!wanted)
                v->state = VIEW_FREE;
            return true;
        }
        if (v->state == VIEW_FREE && !room)
            room = v;
    }
    if (!wanted)
        return true;
    if (!room)
        return false;
    room->state = VIEW_WANTED;
    name_set(&room->name, name);
    return true;
}

static bool want(struct stream *s, struct bytes what, struct bytes name, bool wanted)
{
    if (bytes_is(what, "overview"))
        s->overview = wanted;
    else if (bytes_is(what, "alerts"))
        s->alerts = wanted;
    else if (bytes_is(what, "job"))
        name_set(&s->job, wanted ? name : BYTES_NONE);
    else if (bytes_is(what, "tail"))
        return follow_set(&s->follow, wanted ? name : BYTES_NONE);
    else if (bytes_is(what, "view"))
        return want_view(s, name, wanted);
    else
        return false;
    return true;
}

static void want_query(struct stream *s, struct bytes query)
{
    struct buf text;
    struct bytes rest = query;

    buf_init(&text, 0);
    s->overview = query_has(query, "overview");
    s->alerts = query_has(query, "alerts");
    if (query_get(query, "job", &text))
        name_set(&s->job, buf_view(&text));
    buf_clear(&text);
    if (query_get(query, "tail", &text))
        (void)follow_set(&s->follow, buf_view(&text)); /* too long for any topic: as if none were wanted */
    while (buf_clear(&text), query_next(&rest, "view", &text))
        want_view(s, buf_view(&text), true);
    buf_deinit(&text);
    if (!query.len && !s->socket)
        s->overview = s->alerts = true;
}

/* message -> {"subscribe" | "unsubscribe": "overview" | "alerts" | "job" | "view" | "tail", "name": …} */
static bool want_message(struct stream *s, struct bytes message)
{
    struct bytes what, name = BYTES_NONE;
    struct buf decoded[2];

    struct json_cursor c = json_cursor_of(message);
    if (!json_is_one(message, NULL) || !json_next(&c, &message) || json_kind_of(message) != JSON_OBJECT)
        return false;
    bool wanted = json_member(message, "subscribe", &what);
    if (!wanted && !json_member(message, "unsubscribe", &what))
        return false;
    (void)json_member(message, "name", &name);
    if (json_kind_of(what) != JSON_STRING || (name.ptr && json_kind_of(name) != JSON_STRING))
        return false;
    buf_init(&decoded[0], 0);
    buf_init(&decoded[1], 0);
    json_string_decode(what, &decoded[0]);
    if (name.ptr)
        json_string_decode(name, &decoded[1]);
    bool ok = want(s, buf_view(&decoded[0]), buf_view(&decoded[1]), wanted);
    buf_deinit(&decoded[0]);
    buf_deinit(&decoded[1]);
    return ok;
}

/* ---- the WebSocket ---- */

static void close_socket(struct stream *s, unsigned code, const char *reason)
{
    buf_clear(&s->frame);
    ws_close_frame(&s->frame, code, reason);
    stream_send(s->x, buf_view(&s->frame));
    conn_close_after_send(s->x->session->conn);
}

static void on_message(struct stream *s, struct bytes message)
{
    if (want_message(s, message)) {
        loop_timer_set(s->x->face->sample_timer, loop_mono_ns(s->x->face->loop));
        return;
    }
    struct json_writer w = begin_message(s, "error");
    json_key_str(&w, "message",
                 "a message is {\"subscribe\" or \"unsubscribe\": \"overview\", \"alerts\", \"job\", "
                 "\"view\" or \"tail\", \"name\": …}; at most 8 views");
    end_message(s, &w);
}

static void on_input(struct exchange *x, struct bytes in, size_t *used)
{
    struct stream *s = x->state;
    enum ws_opcode opcode;
    struct bytes payload;

    switch (ws_parser_feed(&s->parser, in, used, &opcode, &payload)) {
    case WS_MORE: break;
    case WS_BAD: close_socket(s, s->parser.bad_code, s->parser.bad_reason); break;
    case WS_MESSAGE: on_message(s, payload); break;
    case WS_CONTROL:
        if (opcode == WS_CLOSE)
            close_socket(s, 1000, "");
        if (opcode == WS_PING) {
            buf_clear(&s->frame);
            ws_frame(&s->frame, WS_PONG, payload);
            stream_send(x, buf_view(&s->frame));
        }
        break;
    }
}

/* ---- beginning and end ---- */

static void free_stream(struct exchange *x)
{
    struct stream *s = x->state;

    for (int i = 0; i < VIEWS_MAX; i++)
        buf_deinit(&s->views[i].held);
    ws_parser_deinit(&s->parser);
    buf_deinit(&s->message);
    buf_deinit(&s->frame);
    free(s);
}

static struct stream *open_stream(struct exchange *x, bool socket)
{
    struct stream *s = xcalloc(1, sizeof *s);

    s->x = x;
    s->socket = socket;
    ws_parser_init(&s->parser, WS_MESSAGE_MAX);
    buf_init(&s->message, 0);
    buf_init(&s->frame, 0);
    for (int i = 0; i < VIEWS_MAX; i++)
        buf_init(&s->views[i].held, 0);
    x->state = s;
    x->abandon = free_stream;
    x->session->on_sample = on_sample;
    x->session->on_beat = on_beat;
    x->session->on_input = on_input;
    want_query(s, x->request->query);
    return s;
}

static void begin_socket(struct exchange *x)
{
    char accept[WS_ACCEPT_LEN + 1];
    struct buf head;

    if (!bytes_is(http_header_get(x->request, "sec-websocket-version"), "13")) {
        reply(x, 426, NULL, "Sec-WebSocket-Version: 13\r\n", BYTES_NONE);
        return;
    }
    if (!ws_accept(http_header_get(x->request, "sec-websocket-key"), accept)) {
        reply_error(x, 400, "request", "Sec-WebSocket-Key is not 16 bytes of base64");
        return;
    }
    open_stream(x, true);
    buf_init(&head, 0);
    buf_printf(&head,
               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: %s\r\n\r\n",
               accept);
    stream_begin(x, SESSION_SOCKET, buf_view(&head));
    buf_deinit(&head);
}

void get_stream(struct exchange *x)
{
    if (x->request->method == HTTP_HEAD) {
        reply(x, 200, "text/event-stream", NULL, BYTES_NONE);
        return;
    }
    if (x->request->upgrade && http_header_has(x->request, "upgrade", "websocket")) {
        begin_socket(x);
        return;
    }
    open_stream(x, false);
    stream_begin(x, SESSION_STREAM,
                 BYTES_LITERAL("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                               "Connection: close\r\n\r\nretry: 1000\n\n"));
}
