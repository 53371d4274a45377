/* cassandra_inner.h: what cassandra.c (options, the class), cassandra_link.c (the connection, statements), cassandra_sink.c
 * and cassandra_lookup.c share. Nobody else includes it.   Layer: bridge.
 */
#ifndef QW_BRIDGE_CASSANDRA_INNER_H
#define QW_BRIDGE_CASSANDRA_INNER_H

#include "bridge/cassandra_value.h"
#include "bridge/link.h"
#include "bridge/quoted.h"
#include "bridge/systems.h"

enum { OPT_HOST, OPT_PORT, OPT_USER, OPT_PASSWORD, OPT_TLS, OPT_CA, OPT_CERT, OPT_KEY, OPT_KEYSPACE, OPT_TABLE,
       OPT_CONSISTENCY, OPT_TTL, OPT_BATCH, OPTIONS };

enum { CASSANDRA_FRAME_MAX = 64 << 20, CASSANDRA_STREAMS = 32 };

/* A statement that the server has prepared; lives as long as the connection. */
struct cassandra_statement {
    struct bytes id;
    uint16_t count;      /* of its values */
    uint16_t *types;     /* of each, of enum cql_type_id */
    uint16_t keys_count; /* of those that make the partition key */
    uint16_t *keys;      /* which of the values */
};

struct bridge_cassandra_state {
    struct bridge base;
    struct arena arena; /* as long as the bridge */
    struct link_options to;
    uint16_t consistency;

    /* the connection */
    struct link *link; /* NULL: none */
    struct arena link_arena;
    struct buf in, out;
    size_t in_at, in_frame; /* before in_at: done with; of the frame that was peeked */
    struct cassandra_statement insert, erase, look;

    /* of a sink */
    int64_t stamp_us; /* of the last row that was written */
    struct buf text;
};

/* ---- cassandra_link.c: false, and LINK_GONE, with trouble: then there is no connection any more ---- */
bool cassandra_dial(struct bridge_cassandra_state *b, char trouble[200]);
void cassandra_disconnect(struct bridge_cassandra_state *b);
bool cassandra_trouble(struct bridge_cassandra_state *b, char trouble[200], const char *doing, struct bytes why);
bool cassandra_send(struct bridge_cassandra_state *b, char trouble[200]); /* what stands in b->out */
/* The next frame, a view until it is dropped. LINK_NONE is trouble too: no answer in time. */
bool cassandra_peek(struct bridge_cassandra_state *b, struct cql_frame *out, char trouble[200]);
void cassandra_drop(struct bridge_cassandra_state *b);
/* Whether something has come, or the connection has gone, while nothing was asked. */
bool cassandra_silent(struct bridge_cassandra_state *b);
/* An ERROR, or what was not asked for. */
bool cassandra_unexpected(struct bridge_cassandra_state *b, const struct cql_frame *f, const char *doing, char trouble[200]);
bool cassandra_prepare(struct bridge_cassandra_state *b, struct bytes text, struct cassandra_statement *out, char trouble[200]);
/* A QUERY without values: its answer, to be dropped. */
bool cassandra_query(struct bridge_cassandra_state *b, struct bytes text, struct cql_frame *out, char trouble[200]);
/* Column c of ours is bound as value number `at` of a statement: whether it can be. */
bool cassandra_fits(struct bridge_cassandra_state *b, const struct cassandra_statement *s, uint16_t at, uint16_t column, char trouble[200]);
/* "keyspace"."table" */
void cassandra_target(const struct bridge_spec *spec, struct buf *out);

/* ---- cassandra_sink.c, cassandra_lookup.c ---- */
enum status cassandra_sink_open(struct bridge_cassandra_state *b, struct diag *diag) MUST_CHECK;
void cassandra_deliver(struct bridge *bridge, struct bridge_batch *batch);
void cassandra_lookup(struct bridge *bridge, struct bridge_lookup *lookup);

#endif
