/* kafka_inner.h: what kafka.c (options, the client's configuration), kafka_source.c and kafka_sink.c share. Nobody
 * else includes it.
 *
 * librdkafka has threads of its own, but calls us only from its calls that we make: all of this is on the bridge's
 * helper.   Layer: bridge.
 */
#ifndef QW_BRIDGE_KAFKA_INNER_H
#define QW_BRIDGE_KAFKA_INNER_H

#include <librdkafka/rdkafka.h>

#include "bridge/systems.h"

enum {
    OPT_TOPIC,
    OPT_DISCOVERY,
    OPT_GUARANTEE,
    OPT_PREFIX,
    UPSERT_OPTIONS, /* what follows it does not have */
    OPT_START = UPSERT_OPTIONS,
    OPT_OFFSETS,
    OPT_START_MS,
    OPTIONS
};
enum kafka_start { KAFKA_GROUP, KAFKA_EARLIEST, KAFKA_LATEST, KAFKA_TIMESTAMP, KAFKA_SPECIFIC };

/* Whose a property is: KAFKA_HERE: read here, or without effect. */
enum kafka_whose { KAFKA_HERE, KAFKA_CONSUMERS = 1, KAFKA_PRODUCERS = 2, KAFKA_BOTH = 3, KAFKA_REFUSED = 4 };

enum { KAFKA_GROUP_BYTES = 256 }; /* with what is behind a group of a sink's: 180, 41 and 18 */

struct kafka_property {
    const char *key;  /* after "properties." */
    const char *name; /* librdkafka's; NULL: it is not passed on */
    enum kafka_whose whose;
    const char *note; /* of one that is not passed on: why, or what says it here */
    bool secret;      /* its value is never shown */
};

struct bridge_kafka_state {
    struct bridge base;
    char *topic;
    rd_kafka_t *client;    /* NULL: none; of a source a consumer, of a sink a producer */
    char said[160];        /* by the client, of itself: the last error; empty: none */
    /* of a sink */
    struct bridge_batch *batch; /* that is being sent */
    uint32_t refused;           /* of its records, in this attempt */
    bool alone;                 /* each record is a batch of the wire: which one is refused is to be seen */
    /* of a source */
    struct kafka_split *splits;
    uint32_t splits_count; /* partitions that are known */
    bool resumed;          /* some of them from our log: those that are not are new */
    bool assigned;
    rd_kafka_message_t *kept; /* did not fit the last poll */
    int64_t look_at_ns;       /* for new partitions */
};

const struct kafka_property *kafka_property_at(unsigned i); /* NULL past the last */
/* A client with what the table says; NULL: it cannot be made, and why. */
rd_kafka_t *kafka_client(struct bridge_kafka_state *b, rd_kafka_type_t type, const char *const *more, char trouble[200]);
void kafka_drop(struct bridge_kafka_state *b);
/* What a property says, or the default. */
struct bytes kafka_property(const struct bridge_spec *spec, const char *key, const char *otherwise);
void kafka_group(const struct bridge_kafka_state *b,
                 char out[KAFKA_GROUP_BYTES]); /* of a sink's position, or of nothing */
int kafka_timeout(const struct bridge_kafka_state *b);
/* Of the client, with what it said of itself. False. */
bool kafka_trouble(struct bridge_kafka_state *b, char to[200], const char *doing, const char *why);

/* ---- kafka_source.c ---- */
bool kafka_is_upsert(const struct bridge_kafka_state *b); /* it has always a table's whole history before it */
enum status kafka_source_check(const struct bridge_kafka_state *b, struct diag *diag) MUST_CHECK;
enum status kafka_resume(struct bridge *bridge, struct bytes split, struct bytes position);
void kafka_poll(struct bridge *bridge, struct bridge_poll *poll);
void kafka_source_drop(struct bridge_kafka_state *b);

/* ---- kafka_sink.c ---- */
enum status kafka_position(struct bridge *bridge, uint32_t partition, int64_t *out, char trouble[200]);
void kafka_deliver(struct bridge *bridge, struct bridge_batch *batch);
void kafka_delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque);

#endif
