/* broker.h: asking the Kafka face on behalf of who asks over HTTP: its rights, its checks, its waits.
 *
 * Layer: serve (private to serve/http). */
#ifndef QW_SERVE_HTTP_BROKER_H
#define QW_SERVE_HTTP_BROKER_H

#include "serve/http/face.h"
#include "wire/kafka/messages.h"

/* Of whatever only looks: what is there, also what the disk does not have yet; the response lives until
 * kafka_ask_end(ask). */
const void *broker_look(struct exchange *x, int16_t key, int16_t version, const void *request,
                        struct kafka_ask *ask);

/* Of what it answers when the disk has it. then() is called once, unless the connection goes first;
 * it must end the exchange, and with that the response is gone. x->state is the handler's. */
typedef void broker_then(struct exchange *x, const void *response);
void broker_change(struct exchange *x, int16_t key, int16_t version, const void *request,
                   broker_then *then);

/* An error of Kafka's as one of HTTP's; message ptr NULL: what the error means. */
void reply_kafka(struct exchange *x, enum kafka_error error, struct bytes message);
const char *kafka_error_meaning(enum kafka_error error);

/* The topic, which who asks may do that to; else NULL, and it is answered. The server's own topics are
 * for those who may everything, and only to be read. */
struct log_topic *find_topic(struct exchange *x, struct bytes name, enum acl_operation operation);

/* ---- a body that is one JSON object (body.c) ---- */
/* The object; false: it is not one, or has a member that is not in known ("a b c"), and is answered. */
bool body_object(struct exchange *x, const char *known, struct bytes *object);
/* The member: absent, null (ptr NULL), or a text in x->arena. BODY_BAD: something else; answered. */
enum body { BODY_ABSENT, BODY_NULL, BODY_THERE, BODY_BAD };
enum body body_text(struct exchange *x, struct bytes object, const char *name, struct bytes *out);
enum body body_int(struct exchange *x, struct bytes object, const char *name, int64_t *out);
/* Bytes: a text NAME, or NAME_base64. */
enum body body_bytes(struct exchange *x, struct bytes object, const char *name, struct bytes *out);
/* A JSON string's characters, in x->arena. */
struct bytes body_decoded(struct exchange *x, struct bytes string_value);

/* A number of the query, between min and max; absent: *out stays. False: it is answered. */
bool query_int(struct exchange *x, const char *name, int64_t min, int64_t max, int64_t *out);

#endif
