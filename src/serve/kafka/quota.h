/* quota.h: how much a client may do in a second, and how long it waits when it did more. No I/O.
 *
 * A quota is set for an entity: a user, a client id, the two together, each by name or as the default of all
 * that have none; or for an address. Which one holds for a request is found for each kind of quota by itself, in
 * Kafka's order:
 *
 *     user and client · user and any client · user · any user and client · any user and any client · any user ·
 *     client · any client
 *
 * and those share a measure whom the entity found does not tell apart: of a user's quota all his clients. What was
 * done is measured as Kafka measures: over eleven samples of a second each, the current one included, and over
 * ten seconds at least, so that a burst after a rest is free. Who is above waits so long that the mean is right
 * again. Changes of topics are counted by a bucket instead: it fills at the quota, up to eleven seconds of it.
 *
 * Owns:    copies of all it is given.   Threads: one.   Layer: serve.
 * Limits:  QUOTA_CLIENTS are measured apart; those beyond share one measure. Of a name QUOTA_ID_BYTES tell
 *          clients apart.
 */
#ifndef QW_SERVE_KAFKA_QUOTA_H
#define QW_SERVE_KAFKA_QUOTA_H

#include "base/bytes.h"

enum { QUOTA_CLIENTS = 10000, QUOTA_ID_BYTES = 256 };

enum quota_kind {
    QUOTA_PRODUCE,  /* producer_byte_rate: bytes of its requests */
    QUOTA_CONSUME,  /* consumer_byte_rate: bytes of records it was given */
    QUOTA_REQUEST,  /* request_percentage: percent of one thread's time, in seconds times 100 */
    QUOTA_MUTATION, /* controller_mutation_rate: partitions made and deleted */
    QUOTA_CONNECT,  /* connection_creation_rate, of addresses alone */
    QUOTA_KINDS,
};
const char *quota_name(enum quota_kind kind);
bool quota_find(struct bytes name, enum quota_kind *kind);

enum quota_type { QUOTA_USER, QUOTA_CLIENT, QUOTA_IP, QUOTA_TYPES };

struct quota_entity {
    struct quota_part {
        enum { QUOTA_NOT_NAMED, QUOTA_DEFAULT, QUOTA_NAMED } is;
        struct bytes name; /* of QUOTA_NAMED */
    } of[QUOTA_TYPES];
};

struct quotas;
struct quota_client;

struct quotas *quotas_create(void);
void quotas_destroy(struct quotas *quotas);

/* value 0: none any more. */
void quotas_set(struct quotas *quotas, const struct quota_entity *entity, enum quota_kind kind, double value);
typedef void quota_fn(void *context, const struct quota_entity *entity, const double values[QUOTA_KINDS]);
void quotas_each(const struct quotas *quotas, quota_fn *fn, void *context);

/* The measures of a user's client, until it is released; NULL: no quota is for it. */
struct quota_client *quotas_take(struct quotas *quotas, struct bytes user, struct bytes client, int64_t now_ms);
void quotas_release(struct quota_client *client);

bool quota_is_set(const struct quota_client *client, enum quota_kind kind);
/* The bytes that one answer may have: what ten seconds allow. SIZE_MAX: any. */
size_t quota_burst(const struct quota_client *client, enum quota_kind kind);
/* Counts; how long it has to wait, in milliseconds. */
int64_t quota_charge(struct quota_client *client, enum quota_kind kind, double amount, int64_t now_ms);
/* Before a change of topics: how long it would have to wait for one, 0: it may. */
int64_t quota_debt(struct quota_client *client, int64_t now_ms);

/* A connection of the address comes. Not 0: it is one too many, does not count, and is to be closed after so many
 * milliseconds, a second at most. */
int64_t quotas_connect(struct quotas *quotas, struct bytes ip, int64_t now_ms);

#endif
