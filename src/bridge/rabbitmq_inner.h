/* rabbitmq_inner.h: what rabbitmq.c (options, the class), rabbitmq_link.c (the connection, messages out of frames),
 * rabbitmq_source.c and rabbitmq_sink.c share. Nobody else includes it.   Layer: bridge.
 */
#ifndef QW_BRIDGE_RABBITMQ_INNER_H
#define QW_BRIDGE_RABBITMQ_INNER_H

#include <amqp.h>
#include <amqp_framing.h>

#include "bridge/systems.h"
#include "bridge/template.h"

enum { OPT_HOST, OPT_PORT, OPT_VHOST, OPT_USER, OPT_PASSWORD, OPT_TLS, OPT_CA, OPT_CERT, OPT_KEY, OPT_HEARTBEAT,
       OPT_QUEUE, OPT_PREFETCH, OPT_EXCHANGE, OPT_ROUTING, OPT_MANDATORY, OPT_PERSISTENT, OPT_CONTENT_TYPE, OPTIONS };

enum {
    RABBIT_CHANNEL = 1,
    RABBIT_BODY_MAX = 17 << 20, /* of a larger message the beginning is kept */
    RABBIT_DEAD_KEPT = 64 << 10,
};

/* A message that comes: a delivery, or one of ours that is returned. */
struct rabbit_message {
    bool begun, has_head, whole, returned;
    uint64_t tag;          /* of a delivery */
    uint64_t size, got;    /* of its body */
    int64_t timestamp_s;   /* 0: it has none */
    struct bytes id, reason; /* message_id; why it was returned */
    struct bridge_record *headers; /* only headers and headers_count of it */
};

struct bridge_rabbit_state {
    struct bridge base;
    struct arena arena;           /* as long as the bridge */
    const char *host;
    int port;

    /* the connection */
    amqp_connection_state_t link; /* NULL: none */
    struct arena message_arena;
    struct bridge_poll scratch;   /* over message_arena: for its headers */
    struct rabbit_message message;
    struct buf body;

    /* of a source */
    uint64_t given, acked;        /* tags: of the last that was given to a poll; up to which all are acknowledged */

    /* of a sink */
    struct template routing;
    struct buf key;
    uint64_t published;           /* on this channel */
    bool one_by_one;              /* a message of the last batch closed the channel */
};

/* ---- rabbitmq_link.c: false, and RABBIT_GONE, with trouble: then there is no connection any more ---- */
bool rabbit_dial(struct bridge_rabbit_state *b, char trouble[200]);
void rabbit_disconnect(struct bridge_rabbit_state *b);
bool rabbit_trouble(struct bridge_rabbit_state *b, char trouble[200], const char *doing, const char *why);
/* What the library or the server says went wrong, if something did. */
bool rabbit_good(struct bridge_rabbit_state *b, char trouble[200], const char *doing, amqp_rpc_reply_t reply);

/* What comes within wait_ms: a method other than those of messages (*frame), a part of a message (b->message; whole: all of
 * it), or nothing. */
enum rabbit_got { RABBIT_METHOD, RABBIT_PART, RABBIT_NONE, RABBIT_GONE };
enum rabbit_got rabbit_next(struct bridge_rabbit_state *b, int64_t wait_ms, amqp_frame_t *frame, char trouble[200]);
/* When what was given is done with. */
void rabbit_done(struct bridge_rabbit_state *b);
/* The server closes the channel or the connection, or ends what was asked: why. */
bool rabbit_closed(struct bridge_rabbit_state *b, const amqp_frame_t *frame, char trouble[200]);

/* ---- rabbitmq_source.c ---- */
enum status rabbit_source_check(const struct bridge_spec *spec, struct diag *diag) MUST_CHECK;
enum status rabbit_resume(struct bridge *bridge, struct bytes split, struct bytes position);
void rabbit_poll(struct bridge *bridge, struct bridge_poll *poll);

/* ---- rabbitmq_sink.c ---- */
enum status rabbit_sink_open(struct bridge_rabbit_state *b, struct diag *diag) MUST_CHECK;
void rabbit_deliver(struct bridge *bridge, struct bridge_batch *batch);

#endif
