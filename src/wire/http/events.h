/* events.h: server-sent events, read piece by piece (HTML standard, "Server-sent events"; what writes them is in
 * response.h).
 *
 *     id: 7            lines end in LF, CR or CRLF; ':' begins a comment; a blank line ends an event, which is one
 *     event: change    only if it has data
 *     data: {"n":1}
 *
 * Owns:    the event so far; what sse_parser_feed gives is valid until the next call.
 * Errors:  SSE_BAD: more than message_max bytes in an event or a line of it.   Threads: one at a time.   Layer: wire.
 */
#ifndef QW_WIRE_HTTP_EVENTS_H
#define QW_WIRE_HTTP_EVENTS_H

#include "base/buf.h"

struct sse_parser {
    struct buf line, data, type, id; /* id: the last there was, of this event or one before */
    size_t message_max;
    int64_t retry_ms;            /* the last that was said; -1: none was */
    bool begun, after_cr, given; /* given: data and type were handed out: clear them at the next call */
};

struct sse_message {
    struct bytes data, type, id; /* type: "message" where none was said */
};

enum sse { SSE_MORE, SSE_EVENT, SSE_BAD };

/* id: where a connection before left off. */
void sse_parser_init(struct sse_parser *p, size_t message_max, struct bytes id);
void sse_parser_deinit(struct sse_parser *p);
/* Takes bytes up to the end of one event. */
enum sse sse_parser_feed(struct sse_parser *p, struct bytes in, size_t *used, struct sse_message *event);

#endif
