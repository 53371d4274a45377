/* conn.h: a buffered TCP connection on a loop, and the listener that makes them.
 *
 * Input collects in one buffer that the face parses in place; output is a queue that is sent in
 * one call a pass. Back-pressure both ways: reading stops while the output queue or the face
 * (conn_pause) asks for it, and a peer that never reads is closed at out_bytes_max.
 *
 * A peer that has sent all (half-close) still gets its answers: the connection closes when the
 * queue is empty and the face does not pause it, so a face that owes an answer pauses.
 *
 * Owns: socket and buffers; the face's state is its own, freed in on_close.
 * Threads: the loop's.   Layer: net.
 */
#ifndef QW_NET_CONN_H
#define QW_NET_CONN_H

#include "base/buf.h"
#include "net/loop.h"

struct conn;
struct listener;
struct tls_server;

#define OUT_STUCK_NS ((int64_t)2000000000)

struct conn_limits {
    size_t in_bytes_max;    /* the largest frame a face accepts, with its header */
    size_t in_bytes_sum;    /* of input that waits for the rest of its frame, of all connections of one
                               listener; past it a connection is closed that has more than a read's
                               worth (64 KiB) and gets more; 0: no bound */
    size_t out_bytes_pause; /* at this much unsent output reading stops; a client that pipelines
                               sets it as high as out_bytes_max, or both ends may wait */
    size_t out_bytes_max;   /* past this the peer is closed */
    size_t out_bytes_sum;   /* unsent output of all connections of one listener; past it those are closed
                               that have had some for OUT_STUCK_NS at least, the longest first, and past
                               twice as much also those that have had it less long; 0: no bound */
    int64_t idle_ns_max;    /* no byte either way for so long, or a frame begun so long ago with
                               less than 1 KiB for each second since: closed, unless the face
                               pauses it and owes it nothing sent; 0: never */
    uint32_t conns_max;     /* of one listener; further ones are closed at accept */
    uint32_t conns_ip_max;  /* of one remote address; likewise; 0: no bound of its own */
};

struct conn_handler {
    /* A new connection; what is returned is the `state` of the other two. NULL: refuse it. */
    void *(*on_open)(void *context, struct conn *conn);
    /* Bytes have come. Returns how many of them are used up; called again with the rest until it
     * gives 0 (wait for more), pauses or closes. `in` lives only during the call. A frame that can
     * never fit in_bytes_max must be refused with conn_close. */
    size_t (*on_bytes)(void *state, struct conn *conn, struct bytes in);
    /* The connection is going (either side, or an error). Last call for this state. */
    void (*on_close)(void *state, struct conn *conn);
    /* Optional: the output queue has become empty, for faces that make output piece by piece. */
    void (*on_drain)(void *state, struct conn *conn);
};

/* address "host:port"; the port may be 0. *out lives until listener_close, which closes its
 * connections too, their on_close inside the call: so not from a callback of one of them. handler
 * and context must outlive it. */
enum status listener_open(struct loop *loop, const char *address,
                          const struct conn_handler *handler, void *context,
                          const struct conn_limits *limits, struct listener **out) MUST_CHECK;
const char *listener_address(const struct listener *listener); /* with the real port */
uint32_t listener_conns(const struct listener *listener);
/* Memory is short elsewhere: closes the connection that has had unsent output for the longest time, and for
 * OUT_STUCK_NS at least. False: there is none. */
bool listener_shed(struct listener *listener);
/* Connections from now on speak TLS; before the loop runs, if all are to. The server must outlive
 * the listener. Nothing is offered to the face before the handshake is over; it may be paused
 * meanwhile. */
void listener_secure(struct listener *listener, struct tls_server *tls);
void listener_stop(struct listener *listener); /* accepts no more */
void listener_close(struct listener *listener);

/* A connection to elsewhere; what is sent before it is up is queued. handler->on_open is not
 * called; on_close tells that it failed, too. */
enum status conn_connect(struct loop *loop, const char *address, const struct conn_handler *handler,
                         void *state, const struct conn_limits *limits,
                         struct conn **out) MUST_CHECK;

/* Queues a copy; sent at the end of the pass, or now if the queue is large. Dropped once closing.
 */
void conn_send(struct conn *conn, struct bytes data);
/* Queues without a copy: release(context) is called when the bytes are sent or dropped. */
typedef void conn_release_fn(void *context);
void conn_send_view(struct conn *conn, struct bytes data, conn_release_fn *release, void *context);
/* Likewise a file's bytes, which stay in the kernel; not with TLS (conn_has_tls). The file must stay open until the
 * release. */
struct conn_file {
    struct os_file *file;
    uint64_t pos;
    size_t len;
};
void conn_send_file(struct conn *conn, struct conn_file data, conn_release_fn *release, void *context);

/* What is queued does not wait for the end of the pass: for an answer that somebody's clock runs
 * on. */
void conn_send_now(struct conn *conn);

/* The face keeps so many bytes of a frame that is not whole yet: they count as input that waits, for the
 * frame's time and the sum of all; 0: none. False: all together are past in_bytes_sum, and this one holds
 * more than a read's worth: it is to be refused. */
bool conn_unfinished(struct conn *conn, size_t bytes) MUST_CHECK;

size_t conn_unsent(const struct conn *conn);
void conn_pause(struct conn *conn);  /* no on_bytes until conn_resume; counted, so they nest */
void conn_resume(struct conn *conn); /* what is buffered is offered again in this pass */
void conn_close(struct conn *conn);  /* drops what is unsent; on_close comes at the end of the
                                        loop's pass, never inside this call */
void conn_close_after_send(struct conn *conn); /* no more on_bytes; on_close when all is sent */
bool conn_closing(const struct conn *conn);
void conn_address(const struct conn *conn, char *local, char *remote, size_t size);
struct loop *conn_loop(const struct conn *conn);
/* Of a connection with TLS: the name by which its client called us, NULL when it did not; and the
 * subject of the client's certificate as RFC 2253 writes it, false when it has none. */
bool conn_has_tls(const struct conn *conn);
const char *conn_server_name(const struct conn *conn);
bool conn_has_peer_certificate(const struct conn *conn);
bool conn_peer_subject(const struct conn *conn, struct buf *out);

#endif
