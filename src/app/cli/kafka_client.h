/* kafka_client.h: a client of Kafka's protocol for commands: it asks, waits and has the answer. Any
 * broker will do: versions are agreed on with each, and a question goes to the node that it is for.
 *
 *     struct kafka_list_groups_res *res = kafka_client_ask(client, node, KAFKA_LIST_GROUPS, &req);
 *     if (!res)
 *         return kafka_client_code(client);
 *
 * A failure is told to standard error where it happens; the exit code is asked for afterwards.
 *
 * Owns:    its connections, and all answers until kafka_client_close.
 * Threads: one.   Errors: NULL.
 * Limits:  an answer KAFKA_ANSWER_BYTES_MAX, in KAFKA_ANSWER_MS_MAX; an iteration count of SCRAM
 *          KAFKA_ITERATIONS_MAX, so that no server can keep us computing.       Layer: app.
 */
#ifndef QW_APP_CLI_KAFKA_CLIENT_H
#define QW_APP_CLI_KAFKA_CLIENT_H

#include "app/cli/kafka_link.h"
#include "wire/kafka/messages.h"

struct kafka_client;

enum {
    KAFKA_ANSWER_BYTES_MAX = 256 << 20,
    KAFKA_ANSWER_MS_MAX = 30000,
    KAFKA_ITERATIONS_MAX = 1 << 20,
    KAFKA_NODES_MAX = 1000,
    KAFKA_NODE_ANY = -1, /* the one that was dialled first */
};

/* Connects, and says who we are where there is a user; NULL after saying why not. link outlives it. */
struct kafka_client *kafka_client_open(const struct kafka_link *link);
void kafka_client_close(struct kafka_client *client);
struct arena *kafka_client_arena(struct kafka_client *client); /* lives as long */
int kafka_client_code(const struct kafka_client *client);      /* of the last failure */

/* Encodes request as what its API's newest common version is, and decodes the answer. */
void *kafka_client_ask(struct kafka_client *client, int32_t node, enum kafka_api_key api, const void *request);

bool kafka_client_speaks(struct kafka_client *client, int32_t node, enum kafka_api_key api);

/* All nodes of the cluster, as Metadata names them. */
const struct kafka_metadata_res *kafka_client_metadata(struct kafka_client *client, bool all_topics,
                                                       const char *topic);
enum kafka_coordinator { KAFKA_COORDINATOR_GROUP = 0, KAFKA_COORDINATOR_TRANSACTION = 1 };
/* *node is who keeps that group or transaction; false after saying why not. */
bool kafka_client_coordinator(struct kafka_client *client, enum kafka_coordinator kind, struct bytes key,
                              int32_t *node);

/* Says what the error code of an answer means: "quickwater: what: message or the code's name" and, for
 * codes that have one, what to do about it. Gives an exit code. */
int kafka_fail(int16_t code, struct bytes message, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
