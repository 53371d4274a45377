/* request.h: HTTP/1.1 requests (RFC 9112), read piece by piece under bounds.
 *
 * Strict where leniency lets two readers of one stream disagree (request smuggling): lines end in
 * CRLF, no folded headers, no space before a colon, one Content-Length, only `chunked` as transfer
 * coding and never both. Why our own and not http-parser: see the page in request.c.
 *
 *   HEAD --blank line--> BODY_SIZED | CHUNK_SIZE | DONE      any --broken--> BAD
 *   CHUNK_SIZE --n--> CHUNK_DATA --CRLF--> CHUNK_SIZE --0--> TRAILER --blank line--> DONE
 *
 * Owns:    copies of head and body; the request's views point into them until http_parser_reset.
 * Threads: one at a time.   Layer: wire.
 * Errors:  HTTP_BAD with the status to answer (400, 413, 414, 431, 501, 505) and why; the connection
 *          must be closed after that answer, for its framing is lost.
 * Limits:  struct http_limits.
 */
#ifndef QW_WIRE_HTTP_REQUEST_H
#define QW_WIRE_HTTP_REQUEST_H

#include "base/buf.h"

enum { HTTP_HEADERS_MAX = 100, HTTP_LINE_MAX = 8192, HTTP_HEAD_MAX = 65536 };

struct http_limits {
    size_t line_max;    /* the request line; 0: HTTP_LINE_MAX */
    size_t head_max;    /* request line and headers; 0: HTTP_HEAD_MAX */
    size_t body_max;    /* 0: no body at all */
};

enum http_method {
    HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_OPTIONS, HTTP_PATCH,
    HTTP_OTHER, /* a token that is none of these */
};

struct http_header {
    struct bytes name, value; /* the value without the spaces around it */
};

struct http_request {
    enum http_method method;
    struct bytes method_text;
    struct bytes path;  /* as sent, percent-encoded; begins with '/', or is "*" */
    struct bytes query; /* after the '?', as sent */
    struct bytes host;
    unsigned minor;     /* of HTTP/1.x */
    struct http_header headers[HTTP_HEADERS_MAX];
    unsigned headers_count;
    bool keep_alive, upgrade, expect_continue, chunked;
    uint64_t content_length;
    struct bytes body;
};

enum http_state { HTTP_IN_HEAD, HTTP_IN_SIZED, HTTP_IN_CHUNK_SIZE, HTTP_IN_CHUNK_DATA,
                  HTTP_IN_CHUNK_END, HTTP_IN_TRAILER, HTTP_IN_DONE, HTTP_IN_BAD };

struct http_parser {
    struct http_limits limits;
    enum http_state state;
    struct buf head, body;
    unsigned strays;    /* CR and LF dropped ahead of the request line */
    bool in_headers;    /* the request line is whole */
    size_t line_len;    /* of the chunk-size or trailer line so far */
    size_t trailer_len;
    uint64_t left;      /* of the sized body or the chunk */
    bool chunk_digits, chunk_extension;
    struct http_request request;
    unsigned bad_status;
    const char *bad_reason;
};

enum http_parse { HTTP_MORE, HTTP_DONE, HTTP_BAD };

void http_parser_init(struct http_parser *p, const struct http_limits *limits);
void http_parser_deinit(struct http_parser *p);
void http_parser_reset(struct http_parser *p); /* for the next request of the connection */

/* Takes bytes until the request is whole; *used of them belong to it. */
enum http_parse http_parser_feed(struct http_parser *p, struct bytes in, size_t *used);

/* The head is whole and the client waits for "100 Continue" before it sends the body. */
bool http_parser_wants_continue(const struct http_parser *p);
/* Nothing of a request has been read: the connection is between two. */
bool http_parser_idle(const struct http_parser *p);
size_t http_parser_bytes(const struct http_parser *p); /* of memory that it holds */

/* The first header of that name (any case), or empty with ptr NULL. */
struct bytes http_header_get(const struct http_request *request, const char *name);
/* A comma-separated list (of all headers of that name) contains the token. */
bool http_header_has(const struct http_request *request, const char *name, const char *token);

#endif
