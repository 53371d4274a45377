/* kafka.h: the Kafka face: what Kafka's clients dial.
 *
 * Topics, offsets and durability are the log's; groups live here (group.h), their committed offsets
 * in the log. One node that leads everything; which requests and versions: wire/kafka/messages.txt.
 * Produce is answered when the log has made it durable. A request of an unknown version is answered
 * with error 35; a frame that is not Kafka's closes its connection and nothing else.
 *
 * Owns:    its listener, sessions and groups; not the loop nor the log.
 * Threads: the loop's. Someone else calls log_flush in every pass (store/log/log.h).
 * Errors:  of open: the address cannot be listened on.
 * Limits:  options; a request's decoded arrays KAFKA_REQUEST_ARRAYS_MAX bytes, those of all that wait
 *          KAFKA_CALLS_BYTES_SUM.      Layer: serve.
 */
#ifndef QW_SERVE_KAFKA_KAFKA_H
#define QW_SERVE_KAFKA_KAFKA_H

#include "base/diag.h"
#include "net/loop.h"
#include "serve/security/security.h"
#include "store/log/log.h"

struct kafka_face;

enum {
    KAFKA_PARTITIONS = 4,
    KAFKA_FRAME_BYTES = 100 << 20,
    KAFKA_IN_BYTES_SUM = 512 << 20,  /* requests on their way, of all connections */
    KAFKA_OUT_BYTES_SUM = 256 << 20, /* answers on their way, of all connections */
    KAFKA_CALLS_BYTES_SUM = 256 << 20, /* of requests that wait to be answered, decoded */
    KAFKA_CONNS = 10000,
    KAFKA_REBALANCE_DELAY_MS = 200,
    KAFKA_IDLE_MS = 600000,
    KAFKA_FETCH_SESSIONS = 1000,
    KAFKA_CONSUMER_SESSION_MS = 45000,
    KAFKA_CONSUMER_HEARTBEAT_MS = 5000,
};

struct kafka_stray {
    const char *host;       /* the client's address */
    struct bytes client_id; /* as it says, so it may be anything */
    const char *told;       /* "host:port": where it is told to go */
    bool advertised;        /* that is the setting; else what this connection dialled, as we see it */
};

/* Whether a live group goes from one protocol to the other (KIP-848, group.consumer.migration.policy). */
enum kafka_migration {
    KAFKA_MIGRATE_BIDIRECTIONAL,
    KAFKA_MIGRATE_UPGRADE,   /* to the newer one only */
    KAFKA_MIGRATE_DOWNGRADE, /* to the classic one only */
    KAFKA_MIGRATE_DISABLED,
    KAFKA_MIGRATIONS_COUNT
};

struct kafka_options {
    int32_t node_id;             /* 0: 1 */
    const char *advertised;      /* "host:port" told to all; NULL: to each the address it dialled */
    uint32_t partitions_default; /* of created topics that do not say; 0: KAFKA_PARTITIONS */
    bool no_auto_create;         /* Metadata and Produce never make topics */
    uint32_t frame_bytes_max;    /* 0: KAFKA_FRAME_BYTES */
    uint32_t conns_max;          /* 0: KAFKA_CONNS */
    int64_t conns_ip_max;        /* of one address; 0 and -1: no bound of its own */
    size_t in_bytes_sum, out_bytes_sum; /* 0: the constants above */
    int64_t rebalance_delay_ms;  /* 0: KAFKA_REBALANCE_DELAY_MS; -1: none */
    /* Of groups by the consumer protocol that set none of their own; 0: the constants above. */
    int64_t consumer_session_ms, consumer_heartbeat_ms;
    enum kafka_migration consumer_migration;
    uint32_t fetch_sessions_max; /* kept at one time; 0: KAFKA_FETCH_SESSIONS */
    int64_t idle_ms_max;         /* a silent connection is closed; 0: KAFKA_IDLE_MS; -1: never */
    struct tls_server *tls;      /* NULL: none; must outlive the face */
    struct security *security;   /* must be there, and outlive the face */
    /* The name of what reads or writes a topic, which may then not be deleted; NULL: nothing. The
     * hook may be NULL. */
    struct bytes (*topic_user)(void *context, struct bytes topic);
    void *topic_user_context; /* of both */
    /* Whether a topic may have so many partitions; not ST_OK: no, for the reason in the diag. May
     * be NULL. */
    enum status (*topic_may_have)(void *context, struct bytes topic, uint32_t partitions,
                                  struct diag *diag);
    /* Tells whoever runs the server that a client cannot reach the address it is told; NULL: nobody is. */
    void (*on_stray)(void *context, const struct kafka_stray *stray);
    void *on_stray_context;
};

/* address NULL: nobody dials it, only the other faces ask it (inside.h). */
enum status kafka_face_open(struct loop *loop, struct log *log, const char *address,
                            const struct kafka_options *options,
                            struct kafka_face **out) MUST_CHECK;
void kafka_face_close(struct kafka_face *face);
const char *kafka_face_address(const struct kafka_face *face); /* with the real port; NULL: none */

/* A mechanism of SASL by its number, or: */
enum {
    KAFKA_CONN_OPEN = SASL_MECHANISMS, /* nobody is asked */
    KAFKA_CONN_CERTIFICATE,            /* nobody is asked, and it has shown a certificate */
    KAFKA_CONN_UNKNOWN,                /* it has not said yet */
    KAFKA_CONN_KINDS
};

struct kafka_stats {
    uint64_t requests, requests_refused; /* unsupported or malformed */
    uint64_t auth_failures;
    uint64_t strays; /* clients that could not reach what they were told */
    uint64_t produced_batches, produced_bytes, fetched_bytes;
    uint32_t conns, groups, fetches_waiting, fetch_sessions;
    uint32_t conns_by[KAFKA_CONN_KINDS]; /* of conns: how each has said who it is */
};
void kafka_face_stats(const struct kafka_face *face, struct kafka_stats *out);

#endif
