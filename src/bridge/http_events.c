/* http_events.c: an HTTP server as a source of server-sent events.
 *
 * One GET, whose answer does not end: each event's data is a record. Its id is the record's header `id`, its name
 * the header `event`. The position is the id of the last event given: when the connection ends the next is asked for
 * with Last-Event-ID, and the server goes on behind it, if it keeps what it sent. A server that sends no ids is not
 * asked so: what it sends meanwhile is gone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "bridge/halve.h"
#include "bridge/http_inner.h"

enum { RETRY_MS = 1000, RETRY_MAX_MS = 3600000 };

void http_events_close(struct bridge_http_state *b)
{
    struct http_events *e = &b->events;

    if (!e->stream)
        return;
    http_stream_close(e->stream);
    sse_parser_deinit(&e->parser);
    e->stream = NULL;
    e->held = false;
}

/* The position is "=" and the id: an empty one is a position too. */
enum status http_events_resume(struct bridge_http_state *b, struct bytes position)
{
    struct bytes id = bytes_skip(position, 1);

    if (!position.len || position.ptr[0] != '=' || id.len > HTTP_EVENT_ID_MAX)
        return ST_CORRUPT;
    memcpy(b->events.id, id.ptr, id.len);
    b->events.id_len = id.len;
    return ST_OK;
}

static void moved(struct bridge_http_state *b, struct bridge_poll *poll)
{
    char position[HTTP_EVENT_ID_MAX + 1] = "=";

    memcpy(position + 1, b->events.id, b->events.id_len);
    bridge_poll_moved(poll, BYTES_LITERAL("events"), bytes_of(position, b->events.id_len + 1));
    b->events.moved = false;
}

static void connect(struct bridge_http_state *b)
{
    struct http_events *e = &b->events;
    const char *headers[HEADERS_MAX + 4] = {"Accept: text/event-stream", "Cache-Control: no-store"};
    unsigned n = 2;
    char last[HTTP_EVENT_ID_MAX + 32];

    for (unsigned i = 1; i < b->headers_count; i++) /* but Content-Type */
        headers[n++] = b->headers[i];
    snprintf(last, sizeof(last), "Last-Event-ID: %.*s", (int)e->id_len, e->id);
    if (e->id_len)
        headers[n++] = last;
    e->stream = http_stream_open(&b->call_options, headers, b->base.spec->values[OPT_IDLE].number);
    sse_parser_init(&e->parser, (size_t)b->base.spec->values[OPT_ANSWER].number, bytes_of(e->id, e->id_len));
}

/* It says what it sends; else trouble. */
static bool is_events(struct bridge_http_state *b, struct bridge_poll *poll)
{
    const char *type = http_stream_type(b->events.stream);
    static const char want[] = "text/event-stream";

    if (type && strncasecmp(type, want, sizeof(want) - 1) == 0)
        return true;
    snprintf(poll->trouble, sizeof(poll->trouble), "what it sends is '%.80s', not %s", type ? type : "", want);
    return false;
}

static bool is_wanted(struct bridge_http_state *b, struct bytes type)
{
    struct bytes names = b->base.spec->values[OPT_EVENTS].text;

    if (!names.len)
        return true;
    while (names.len) {
        size_t end = bytes_find(names, ',', 0);
        if (bytes_equal(bytes_head(names, end), type))
            return true;
        names = bytes_skip(names, end + (end < names.len));
    }
    return false;
}

/* An id that a header cannot have, or too long a one, is none to go on from. */
static bool is_id(struct bytes id)
{
    for (size_t i = 0; i < id.len; i++)
        if (id.ptr[i] < ' ')
            return false;
    return id.len <= HTTP_EVENT_ID_MAX;
}

/* False: the poll is full, and the event comes in the next. */
static bool give(struct bridge_http_state *b, struct bridge_poll *poll, const struct sse_message *m)
{
    struct http_events *e = &b->events;

    if (is_wanted(b, m->type)) {
        struct bridge_record *r = bridge_poll_record(poll, m->data.len);
        if (!r)
            return false;
        r->timestamp_ms = (int64_t)time(NULL) * 1000;
        r->value = arena_copy(poll->arena, m->data);
        if (m->id.len)
            bridge_poll_header(poll, r, BYTES_LITERAL("id"), m->id);
        bridge_poll_header(poll, r, BYTES_LITERAL("event"), m->type);
    }
    if (is_id(m->id) && !bytes_equal(m->id, bytes_of(e->id, e->id_len))) {
        e->moved = true;
        memcpy(e->id, m->id.ptr, m->id.len);
        e->id_len = m->id.len;
    }
    return true;
}

/* Events that have come; false: the poll is full. */
static bool give_all(struct bridge_http_state *b, struct bridge_poll *poll, struct bytes in)
{
    struct http_events *e = &b->events;
    enum sse got = SSE_EVENT;
    size_t used = 0, all = 0;

    if (e->held)
        e->held = !give(b, poll, &e->message);
    while (!e->held && got == SSE_EVENT && all < in.len) {
        got = sse_parser_feed(&e->parser, bytes_skip(in, all), &used, &e->message);
        if (got == SSE_BAD) {
            snprintf(poll->trouble, sizeof(poll->trouble), "an event is larger than 'http.answer.bytes'");
            break;
        }
        all += used;
        if (got == SSE_EVENT)
            e->held = !give(b, poll, &e->message);
    }
    http_stream_used(e->stream, all);
    return !e->held;
}

/* When to connect again, after the server has ended it in good order, or would not have it. */
static void end(struct bridge_http_state *b, struct bridge_poll *poll, const struct http_reply *reply)
{
    struct http_events *e = &b->events;
    int64_t wait = e->parser.retry_ms >= 0 ? e->parser.retry_ms : RETRY_MS;

    if (reply->status / 100 != 2) {
        http_reply_text(reply, poll->trouble, sizeof(poll->trouble));
        wait = reply->retry_after_ms;
    }
    e->next_ms = halve_now_ms() + (wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS);
}

static bool waits(struct bridge_http_state *b, struct bridge_poll *poll)
{
    int64_t left = b->events.next_ms - halve_now_ms(), rest = left < poll->wait_ms ? left : poll->wait_ms;

    if (rest > 0)
        nanosleep(&(struct timespec){rest / 1000, rest % 1000 * 1000000}, NULL);
    return left > poll->wait_ms;
}

void http_events_poll(struct bridge_http_state *b, struct bridge_poll *poll)
{
    struct http_events *e = &b->events;
    struct http_reply reply;
    struct bytes in;

    if (!e->stream && waits(b, poll))
        return;
    if (!e->stream)
        connect(b);
    enum http_streamed said = http_stream_read(e->stream, e->held ? 0 : poll->wait_ms, &in, &reply);
    bool refused = reply.status && reply.status / 100 != 2;
    if (!refused && (in.len || e->held) && is_events(b, poll) && !give_all(b, poll, in))
        said = HTTP_STREAM_MORE; /* the poll is full; of the end the next is told again */
    if (e->moved)
        moved(b, poll);
    if (said == HTTP_STREAM_TROUBLE && !poll->trouble[0])
        snprintf(poll->trouble, sizeof(poll->trouble), "%s", reply.trouble);
    if ((refused || said == HTTP_STREAM_ENDED) && !poll->trouble[0])
        end(b, poll, &reply);
    if (refused || said != HTTP_STREAM_MORE || poll->trouble[0])
        http_events_close(b);
}
