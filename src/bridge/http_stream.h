/* http_stream.h: the answer to one GET, as it comes, for as long as it comes.
 *
 * Owns:    its connection and what has come and was not read.   Threads: one at a time; it waits.
 * Limits:  HTTP_STREAM_BYTES are taken ahead of the reader; then the server waits.   Layer: bridge.
 */
#ifndef QW_BRIDGE_HTTP_STREAM_H
#define QW_BRIDGE_HTTP_STREAM_H

#include "bridge/http_call.h"

enum { HTTP_STREAM_BYTES = 1 << 20 };

struct http_stream;

enum http_streamed {
    HTTP_STREAM_MORE,    /* there is something, or nothing came in time */
    HTTP_STREAM_ENDED,   /* by the server, in good order: reply says how; there may be something still */
    HTTP_STREAM_TROUBLE, /* reply says what */
};

/* Dials nobody yet. options->timeout_ms is until the head has come; idle_ms: how long nothing may come then. */
struct http_stream *http_stream_open(const struct http_call_options *options, const char *const *headers,
                                     int64_t idle_ms);
void http_stream_close(struct http_stream *stream);
/* Waits at most wait_ms for the first of it. *in: all that is there, until the next call. */
enum http_streamed http_stream_read(struct http_stream *stream, int64_t wait_ms, struct bytes *in,
                                    struct http_reply *reply);
/* So much of it is not wanted any more. */
void http_stream_used(struct http_stream *stream, size_t bytes);
/* Once the head has come; NULL: not yet, or there is none. */
const char *http_stream_type(const struct http_stream *stream);

#endif
