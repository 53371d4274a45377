/* kafka_node.h: a connection to one node, over TCP or TLS: a question out, its answer in; and SASL on it.
 *
 * libcurl finds, dials and, with TLS, checks the server; then it only carries bytes.
 *
 * Owns:    its connection.   Threads: one.   Errors: told, then false.
 * Limits:  those of kafka_client.h.       Layer: app (kafka_client.c and kafka_sasl.c share it).
 */
#ifndef QW_APP_CLI_KAFKA_NODE_H
#define QW_APP_CLI_KAFKA_NODE_H

#include "app/cli/kafka_client.h"
#include "base/arena.h"

enum { KAFKA_API_KEYS = 128 }; /* of all that are in the tables */

struct kafka_node {
    const struct kafka_link *link;
    struct arena *arena; /* answers */
    int32_t id;          /* KAFKA_NODE_ANY: not asked yet */
    char *address;       /* "host:port" */
    void *curl;
    bool up;
    int code; /* exit code of what failed last */
    int32_t correlation_id;
    struct {
        int16_t first, last; /* of what the server serves; last -1: nothing */
    } versions[KAFKA_API_KEYS];
};

void kafka_node_init(struct kafka_node *node, const struct kafka_link *link, struct arena *arena, int32_t id,
                     const char *address);
void kafka_node_deinit(struct kafka_node *node);
/* Dials, learns the versions and says who we are. */
bool kafka_node_up(struct kafka_node *node) MUST_CHECK;
/* In the newest version that both speak; NULL: told. */
void *kafka_node_ask(struct kafka_node *node, enum kafka_api_key api, const void *request);
bool kafka_node_fail(struct kafka_node *node, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4))); /* always false */

/* kafka_sasl.c: the exchange of the link's mechanism. */
bool kafka_node_authenticate(struct kafka_node *node) MUST_CHECK;

#endif
