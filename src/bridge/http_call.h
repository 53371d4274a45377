/* http_call.h: requests to one HTTP server, one after the other, each with a time limit (libcurl).
 *
 * The connection is kept between calls. Redirects are not followed: a request that changes something is not
 * made anew elsewhere unasked. Only http and https are spoken.
 *
 * Owns:    its connection and the answer's text.   Threads: one at a time; it waits.
 * Limits:  HTTP_ANSWER_KEPT bytes of an answer are kept, the rest is read and dropped; or all of it, within the limit
 *          of the buf that it is asked into.   Layer: bridge.
 */
#ifndef QW_BRIDGE_HTTP_CALL_H
#define QW_BRIDGE_HTTP_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"

enum { HTTP_ANSWER_KEPT = 400, HTTP_ETAG_MAX = 200 };

/* As libcurl takes them; NULL: not given. Copied. */
struct http_call_options {
    const char *url, *user, *password, *proxy;
    const char *ca_file, *cert_file, *key_file;
    int64_t timeout_ms;
};

struct http_call;

struct http_request {
    const char *method;
    const char *const *headers; /* "Name: value", NULL at the end */
    struct bytes body;
    const char *url;    /* NULL: that of the options */
    struct buf *answer; /* takes the body of a 2xx, uncompressed; NULL: nobody wants it */
};

struct http_reply {
    long status;            /* 0: there was none, and why is in `trouble` */
    int64_t retry_after_ms; /* what the server asks for; 0: nothing */
    char text[HTTP_ANSWER_KEPT + 1]; /* the answer's beginning, on one line */
    char trouble[200];
    char etag[HTTP_ETAG_MAX + 1]; /* empty: none, or a longer one */
};

/* ST_INVALID: the URL is none of http or https, or holds a password, which it is not the place for. */
enum status http_url_check(struct bytes url, const char *connector, struct diag *diag) MUST_CHECK;
struct http_call *http_call_open(const struct http_call_options *options);
void http_call_close(struct http_call *call);
void http_call_make(struct http_call *call, const struct http_request *request, struct http_reply *reply);
/* One line that says what the server answered. */
void http_reply_text(const struct http_reply *reply, char *to, size_t size);

/* Appends the value percent-encoded, for a URL. */
void http_percent(struct buf *url, struct bytes value);
/* Appends ?name=value, or &name=value where a URL has a '?' already; the value percent-encoded. */
void http_query_add(struct buf *url, const char *name, struct bytes value);

/* Names and values of headers, one a line, as an option has them. False: line `*at` is none. */
bool http_headers_check(struct bytes lines, struct bytes *bad);

#endif
