/* internal.h: what conn.c and listener.c share.       Layer: net (nobody else includes it). */
#ifndef QW_NET_INTERNAL_H
#define QW_NET_INTERNAL_H

#include "net/conn.h"

/* Intrusive list of a listener's connections. */
struct conn_link {
    struct conn *next, *prev;
    struct peer *peer; /* NULL: connections of one address are not counted */
};

/* Takes sock. listener may be NULL. Not yet watched: conn_start. */
struct conn *conn_new(struct loop *loop, struct os_sock *sock, const struct conn_handler *handler,
                      const struct conn_limits *limits, struct listener *listener);
/* Before conn_start; false: out of memory. */
bool conn_secure(struct conn *conn, struct tls_server *server) MUST_CHECK;
enum status conn_start(struct conn *conn, void *state) MUST_CHECK;
/* Ends it at once: on_close if the face was told of it, then everything freed. */
void conn_destroy(struct conn *conn);
struct conn_link *conn_link(struct conn *conn);

/* A connection's input buffer had so many bytes and has now so many; false: all of the listener's together
 * are past the bound. */
bool listener_input(struct listener *listener, size_t had, size_t has);
/* The same of output; it closes connections, the caller's perhaps, where there is too much. */
void listener_output(struct listener *listener, size_t had, size_t has);
/* Since when it has unsent output; INT64_MAX: it has none. */
int64_t conn_stuck_since(const struct conn *conn);
/* The connection leaves the listener's list. */
void listener_forget(struct listener *listener, struct conn *conn);

#endif
