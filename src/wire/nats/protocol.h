/* protocol.h: NATS' client protocol, a client's side (docs.nats.io/reference/reference-protocols/nats-protocol), and of
 * JetStream what is said in subjects and headers.
 *
 *     INFO {json}\r\n | PING\r\n | PONG\r\n | +OK\r\n | -ERR 'words'\r\n
 *     MSG subject sid [reply] bytes\r\n payload \r\n
 *     HMSG subject sid [reply] header-bytes bytes\r\n headers payload \r\n
 *     headers: NATS/1.0[ status[ words]]\r\n (name: value\r\n)… \r\n
 *
 * (Debian's C client has a thread for each connection, and buffers of its own without a bound that we could give.)
 *
 * Owns:    nothing; what is decoded are views of what was given.
 * Errors:  NATS_BAD, or false: it is none of its kind.
 * Limits:  NATS_LINE_MAX of a line; of a message the caller's.
 * Threads: pure functions.   Layer: wire.
 */
#ifndef QW_WIRE_NATS_PROTOCOL_H
#define QW_WIRE_NATS_PROTOCOL_H

#include "base/buf.h"

enum { NATS_LINE_MAX = 256 << 10, NATS_SUBJECT_MAX = 1024 };

/* ---- what comes ---- */

enum nats_kind { NATS_INFO, NATS_MESSAGE, NATS_PING, NATS_PONG, NATS_OK, NATS_ERR };

struct nats_op {
    enum nats_kind kind;
    struct bytes text;           /* of INFO its JSON, of -ERR its words */
    struct bytes subject, reply; /* of a message; reply: empty where there is none */
    uint32_t status;             /* of one that is a status (100, 404, 503 …); else 0 */
    struct bytes status_text;
    uint32_t headers_count;
    struct bytes headers;        /* nats_header_next */
    struct bytes payload;        /* where it is cut: its beginning */
    size_t cut;                  /* bytes of the message that are yet to come and to be skipped; 0: it is whole */
};

enum nats_next { NATS_MORE, NATS_OP, NATS_BAD };

/* What `in` begins with, *used bytes of it. A message with more than `whole_max` bytes is given once whole_max of it are
 * there; its headers must be among them. */
enum nats_next nats_next(struct bytes in, size_t whole_max, struct nats_op *out, size_t *used);

struct nats_header {
    struct bytes name, value; /* value: without white space around it; never NULL */
};
/* False: there are no more; *rest is empty then, else what comes next is none. */
bool nats_header_next(struct bytes *rest, struct nats_header *out);
/* The first of that name, in any case; false: there is none. */
bool nats_header_of(const struct nats_op *op, const char *name, struct bytes *value);

/* What the reply subject of a message of a consumer says. */
struct nats_delivery {
    uint64_t stream_seq, consumer_seq;
    int64_t time_ns;
    uint64_t pending; /* messages that wait behind it */
};
/* $JS.ACK.STREAM.CONSUMER.delivered.stream-seq.consumer-seq.time.pending, or with DOMAIN.ACCOUNT before the stream. */
bool nats_read_delivery(struct bytes reply, struct nats_delivery *out);

/* ---- what goes ---- */

struct nats_publish {
    struct bytes subject, reply; /* reply: empty for none */
    struct bytes headers;        /* as nats_put_header wrote them; empty for none */
    struct bytes payload;
};
void nats_put_publish(struct buf *buf, const struct nats_publish *p);
void nats_put_subscribe(struct buf *buf, struct bytes subject, unsigned sid);
/* False, and nothing is written: its name or value cannot stand in a header. */
bool nats_put_header(struct buf *headers, struct bytes name, struct bytes value);

/* Tokens with dots between, none empty, without white space and controls; a filter's may be * and, the last, >. */
bool nats_is_subject(struct bytes subject);
bool nats_is_filter(struct bytes filter);
bool nats_is_name(struct bytes name); /* of a stream, a domain: one token, and no path */

#endif
