/* http.h: the HTTP face: API, server-sent events, WebSocket, metrics, and the dashboard's files.
 *
 * What is answered has reached the disk: a post when its records' LSN is durable, a statement when
 * its results' is. What each address takes and gives: docs/http.md. Requests of one connection are
 * answered in order, one at a time.
 *
 * Owns:    its listener and sessions; not the loop, the log nor the engine, which outlive it.
 * Threads: the loop's. Open it after the hooks that run the engine and flush the log were added:
 * its own hook looks for what has become durable in the same pass. Errors:  of open: the address
 * cannot be listened on. Limits:  options. Layer: serve.
 */
#ifndef QW_SERVE_HTTP_HTTP_H
#define QW_SERVE_HTTP_HTTP_H

#include "base/diag.h"
#include "flow/engine.h"
#include "net/loop.h"
#include "store/log/log.h"

struct bridges;
struct http_face;
struct kafka_face;
struct security;

enum {
    HTTP_BODY_BYTES = 16 << 20,
    HTTP_ANSWER_BYTES = 64 << 20,
    HTTP_CONNS = 2000,
    HTTP_IN_BYTES_SUM = 256 << 20,
    HTTP_OUT_BYTES_SUM = 256 << 20,
    HTTP_PARTITIONS = 4, /* as the Kafka face */
    HTTP_STATEMENT_MS = 30000,
    HTTP_IDLE_MS = 75000,
};

struct http_options {
    struct kafka_face *kafka; /* asked for groups, transactions and topics; must outlive the face */
    const char *version;   /* shown; NULL: none */
    const char *hosts;     /* names besides localhost and addresses that Host may have, by commas */
    size_t body_bytes_max; /* 0: HTTP_BODY_BYTES */
    size_t answer_bytes_max;     /* of one answer; 0: HTTP_ANSWER_BYTES */
    uint32_t conns_max;          /* 0: HTTP_CONNS */
    int64_t conns_ip_max;        /* of one address; 0 and -1: no bound of its own */
    size_t in_bytes_sum;         /* requests that are not whole yet, all together; 0: HTTP_IN_BYTES_SUM */
    size_t out_bytes_sum;        /* unsent answers, all together; 0: HTTP_OUT_BYTES_SUM */
    uint32_t partitions_default; /* of topics that a post makes; 0: HTTP_PARTITIONS */
    bool no_auto_create;
    int64_t
        statement_ms_max;   /* a SELECT over an endless source is cut then; 0: HTTP_STATEMENT_MS */
    int64_t idle_ms_max;    /* 0: HTTP_IDLE_MS */
    struct bridges *bridges;     /* that are shown and whose circuit breakers can be forced; NULL: none */
    struct security *security;   /* who asks must be known to it; NULL: anybody may ask */
    bool no_users;               /* of a server's: no security though it has users */
    struct tls_server *tls; /* NULL: none; must outlive the face */
    /* Whose figures /metrics tells, besides this face's own; each may be NULL. */
    struct tls_server *tls_watched;
    struct security *security_watched;
};

enum status http_face_open(struct loop *loop, struct log *log, struct engine *engine,
                           const char *address, const struct http_options *options,
                           struct http_face **out) MUST_CHECK;
void http_face_close(struct http_face *face);
const char *http_face_address(const struct http_face *face); /* with the real port */

#endif
