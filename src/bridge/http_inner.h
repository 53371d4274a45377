/* http_inner.h: what http.c (the sink, and the table of options), http_source.c and http_events.c share. Nobody
 * else includes it.
 *
 * Layer: bridge.
 */
#ifndef QW_BRIDGE_HTTP_INNER_H
#define QW_BRIDGE_HTTP_INNER_H

#include "base/json_reader.h"
#include "bridge/http_call.h"
#include "bridge/http_stream.h"
#include "bridge/systems.h"
#include "wire/http/events.h"

enum { OPT_URL, OPT_METHOD, OPT_BODY, OPT_TYPE, OPT_HEADERS, OPT_AUTHORIZATION, OPT_USER, OPT_PASSWORD, OPT_RETRY,
       OPT_CA, OPT_CERT, OPT_KEY, OPT_PROXY, OPT_INTERVAL, OPT_ROWS, OPT_CURSOR, OPT_CURSOR_START, OPT_ANSWER,
       OPT_READ, OPT_EVENTS, OPT_IDLE, OPTIONS };
enum http_body { HTTP_ARRAY, HTTP_LINES, HTTP_RECORD };
enum http_read { HTTP_POLL, HTTP_EVENTS };
enum { HEADERS_MAX = 36, STATUSES_MAX = 32 };

/* Of a source: the last answer, and how far its rows were given. */
struct http_source {
    struct buf answer;
    uint64_t hash;      /* of its rows; 0: there was none */
    uint32_t given;     /* of its rows */
    bool whole;         /* all of them */
    char etag[HTTP_ETAG_MAX + 1]; /* its own; empty: none */
    struct buf cursor;  /* of the last row given */
    bool pending;       /* it is in `answer`, and not whole */
    struct json_iter items; /* of an array: behind the last row given */
    struct bytes rest;  /* of lines and records: likewise */
    int64_t next_ms;    /* when to ask again, of halve_now_ms */
    char refusal[200];  /* why not before; empty: all is well */
};

/* Of a source of events: the connection, and the last event given. */
enum { HTTP_EVENT_ID_MAX = 4096 };
struct http_events {
    struct http_stream *stream;  /* NULL: none */
    struct sse_parser parser;    /* while there is one */
    struct sse_message message;  /* that was read and found no place, if held */
    bool held, moved;            /* moved: the id is another than the log knows */
    char id[HTTP_EVENT_ID_MAX];
    size_t id_len;
    int64_t next_ms;             /* when to connect again, of halve_now_ms */
};

struct bridge_http_state {
    struct bridge base;
    struct arena arena; /* as long as the bridge */
    struct http_call_options call_options; /* in arena */
    struct http_call *call;
    enum http_body body;
    const char *method;
    const char *headers[HEADERS_MAX + 1]; /* the last is Idempotency-Key, or If-None-Match */
    unsigned headers_count;
    long retried[STATUSES_MAX];
    unsigned retried_count;
    struct buf text;
    int64_t *tried; /* by partition: past the last record of the request that may have arrived; 0: none */
    uint32_t tried_count;
    struct http_source source;
    struct http_events events;
};

/* ---- http_source.c ---- */
enum status http_source_check(const struct bridge_spec *spec, struct diag *diag) MUST_CHECK;
void http_source_open(struct bridge_http_state *b);
void http_source_close(struct bridge_http_state *b);
enum status http_resume(struct bridge *bridge, struct bytes split, struct bytes position);
void http_poll(struct bridge *bridge, struct bridge_poll *poll);

/* ---- http_events.c ---- */
enum status http_events_resume(struct bridge_http_state *b, struct bytes position);
void http_events_poll(struct bridge_http_state *b, struct bridge_poll *poll);
void http_events_close(struct bridge_http_state *b);

#endif
