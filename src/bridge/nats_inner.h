/* nats_inner.h: what nats.c (options, the class), nats_link.c (the connection, requests), nats_stream.c (streams, consumers),
 * nats_source.c, nats_sink.c and nats_search.c share. Nobody else includes it.   Layer: bridge.
 */
#ifndef QW_BRIDGE_NATS_INNER_H
#define QW_BRIDGE_NATS_INNER_H

#include "bridge/link.h"
#include "bridge/systems.h"
#include "bridge/template.h"
#include "wire/nats/protocol.h"

enum { OPT_HOST, OPT_PORT, OPT_USER, OPT_PASSWORD, OPT_TOKEN, OPT_TLS, OPT_CA, OPT_CERT, OPT_KEY, OPT_DOMAIN, OPT_SUBJECT,
       OPT_STREAM, OPT_START, OPT_START_MS, OPT_HEARTBEAT, OPTIONS };
enum nats_start { NATS_EARLIEST, NATS_LATEST, NATS_TIMESTAMP };

enum {
    NATS_MESSAGE_WHOLE = 17 << 20, /* of a larger one the beginning is kept */
    NATS_CREATED_MAX = 40,         /* a stream's time, as text */
};

/* Messages that the stream has not any more, named by one dead letter a poll. */
struct nats_gone {
    struct bridge_record *record; /* NULL: none in this poll */
    char ranges[100];
    uint64_t count;
};

struct bridge_nats_state {
    struct bridge base;
    struct arena arena; /* as long as the bridge */
    struct link_options to;
    const char *api;    /* $JS.API, or a domain's */

    /* the connection */
    struct link *link;  /* NULL: none */
    struct buf in, out;
    size_t in_at, in_op, skipped; /* before in_at: done with; of the op that was peeked; of one that is cut */
    char inbox[32];     /* the subject before the numbers of what is asked */
    uint64_t asks;
    uint64_t payload_max; /* the server's */
    int64_t silent_ms;  /* for how long nothing has come while we waited */

    /* of a source */
    bool known;         /* where it stands: of the stream that was made then */
    uint64_t next;      /* sequence of the next message */
    uint64_t began;     /* those below it were there before we were */
    char created[NATS_CREATED_MAX];
    uint64_t consumer_seq; /* of the last message of our consumer */
    uint64_t asked_ask, asked_left; /* the number of the pull request that is under way; messages it may still bring; 0: none is */
    bool consumes, asked_gave, alone; /* alone: the next message is larger than a batch */
    int64_t behind;
    struct nats_gone gone;

    /* of a sink */
    struct bytes subject_said; /* the option, or the table's name */
    struct template subject;
    struct buf subject_text, headers;
    uint32_t dials;      /* connections so far */
    uint32_t *searched;  /* of each partition: the connection on which it was looked for what is there already */
    uint32_t searched_count;
};

/* ---- nats_link.c: false, and LINK_GONE, with trouble: then there is no connection any more ---- */
bool nats_dial(struct bridge_nats_state *b, char trouble[200]);
void nats_disconnect(struct bridge_nats_state *b);
bool nats_trouble(struct bridge_nats_state *b, char trouble[200], const char *doing, struct bytes why);
/* What stands in b->out. */
bool nats_send(struct bridge_nats_state *b, char trouble[200]);
/* A message, PONG or -ERR, a view until it is dropped. */
enum link_got nats_peek(struct bridge_nats_state *b, struct nats_op *out, int64_t until_ms, char trouble[200]);
void nats_drop(struct bridge_nats_state *b);
/* -ERR, or what was not asked for. */
bool nats_unexpected(struct bridge_nats_state *b, const struct nats_op *op, char trouble[200]);

/* An answer is JSON, or an error of JetStream's. */
struct nats_answer {
    struct bytes json;
    int64_t error; /* err_code; 0: none */
    char why[120];
};
/* Of an op that answers; false: it is not JSON. */
bool nats_read_answer(const struct nats_op *op, struct nats_answer *out);
/* What JetStream's API answers at api.what (with a printf's words in it) to `body`, a copy in `arena`. False: trouble; not
 * where the answer is an error. Nothing else may be under way. */
bool nats_request(struct bridge_nats_state *b, struct arena *arena, const char *what, struct bytes body,
                  struct nats_answer *out, char trouble[200]);
/* The number of the ask that a message's subject answers; 0: it answers none. */
uint64_t nats_ask_of(const struct bridge_nats_state *b, const struct nats_op *op);
/* That a pull request is over: it may be said after all that it was to bring has come. */
bool nats_is_end(const struct bridge_nats_state *b, const struct nats_op *op);
bool nats_number(struct bytes object, const char *name, uint64_t *out); /* a member; false: it is no number >= 0 */

/* ---- nats_stream.c: false: trouble, and there is no connection any more ---- */
struct nats_stream {
    uint64_t first, last, messages;
    bool by_limits; /* its retention: messages stay when they are read */
    char created[NATS_CREATED_MAX];
};
bool nats_ask_stream(struct bridge_nats_state *b, struct arena *arena, struct bytes stream, struct nats_stream *out,
                     char trouble[200]);
/* The one that has a subject, a view in the arena; empty: there is none. */
bool nats_stream_of(struct bridge_nats_state *b, struct arena *arena, struct bytes subject, struct bytes *out,
                    char trouble[200]);

/* One without acknowledgements, in the server's memory, which it drops when nobody asks for a while. */
struct nats_consumer {
    struct bytes stream, filter; /* filter: empty for all */
    const char *name;
    uint64_t from;    /* a sequence */
    int64_t from_ms;  /* not 0: a time instead */
    bool headers_only;
    uint64_t begins, pending; /* the answer: the sequence that it begins at; messages that wait for it */
};
bool nats_make_consumer(struct bridge_nats_state *b, struct arena *arena, struct nats_consumer *c, char trouble[200]);
const char *nats_consumer_name(const struct bridge_nats_state *b, struct arena *arena, const char *what); /* of this connection */

struct nats_pull {
    struct bytes stream;
    const char *consumer;
    uint64_t batch;
    size_t bytes_max;  /* 0: no bound */
    int64_t beat_ms, expires_ms; /* 0, of both: what is there now, and no more */
};
/* Into b->out, as ask number b->asks. */
void nats_put_pull(struct bridge_nats_state *b, struct arena *arena, const struct nats_pull *pull);

/* ---- nats_source.c ---- */
enum status nats_source_check(const struct bridge_spec *spec, struct diag *diag) MUST_CHECK;
enum status nats_resume(struct bridge *bridge, struct bytes split, struct bytes position);
void nats_poll(struct bridge *bridge, struct bridge_poll *poll);

/* ---- nats_search.c ---- */
/* Of a batch on a new connection: which of its records the stream has already; there[i]. False: trouble. */
bool nats_search(struct bridge_nats_state *b, const struct bridge_batch *batch, bool *there, char trouble[200]);

/* ---- nats_sink.c ---- */
/* Nats-Msg-Id of a record: what stands before its offset, the same for all of a partition; and behind that. */
void nats_id_begin(const struct bridge_nats_state *b, uint32_t partition, char out[64]);
enum status nats_sink_open(struct bridge_nats_state *b, struct diag *diag) MUST_CHECK;
void nats_deliver(struct bridge *bridge, struct bridge_batch *batch);

#endif
