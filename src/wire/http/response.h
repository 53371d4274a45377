/* response.h: HTTP/1.1 responses and server-sent events, as bytes.   Layer: wire. */
#ifndef QW_WIRE_HTTP_RESPONSE_H
#define QW_WIRE_HTTP_RESPONSE_H

#include "base/buf.h"

struct http_response {
    unsigned status;
    const char *content_type; /* NULL: no body is described */
    const char *extra;        /* further header lines, each ended by CRLF; or NULL */
    uint64_t length;          /* of the body */
    bool until_close;         /* no length: the body lasts as long as the connection */
    bool keep_alive;
};

/* Status line and headers, to the blank line; the body is the caller's next append. */
void http_response_head(struct buf *out, const struct http_response *response);
const char *http_reason(unsigned status);

/* ---- server-sent events (HTML standard, "Server-sent events") ---- */
/* event and id may be NULL or empty. Data of several lines goes out as several `data:` lines. */
void sse_event(struct buf *out, const char *event, struct bytes id, struct bytes data);
void sse_comment(struct buf *out, const char *text); /* keeps the connection warm */

#endif
