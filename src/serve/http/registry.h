/* registry.h: what the files of the schema registry's routes share: Confluent's REST API over store/schemas.
 *
 * A subject TOPIC-key or TOPIC-value is judged as the topic: who may describe it reads, who may write it registers, who may
 * delete it deletes, who may alter its configuration sets levels and modes. A schema's number is read by who may read one
 * of the subjects that have it. What is of all subjects is for who may alter the cluster.   Layer: serve. */
#ifndef QW_SERVE_HTTP_REGISTRY_H
#define QW_SERVE_HTTP_REGISTRY_H

#include "serve/http/face.h"
#include "store/schemas/schemas.h"

/* {"error_code":40401,"message":…} with the status that goes with it. */
void registry_refuse(struct exchange *x, enum schema_error error, const struct diag *diag);
/* The answer, once what was put is durable; lsn 0: at once. */
void registry_answer(struct exchange *x, uint64_t lsn, struct buf *take_body);

bool registry_may(struct exchange *x, enum acl_operation operation, struct bytes subject); /* answers if not */
bool registry_can_read(struct exchange *x, struct bytes subject);

/* "latest", -1 or a number. False: answered. */
bool registry_version(struct exchange *x, struct bytes text, int32_t *out);
/* The schema of the request's body; texts are in the exchange's arena. False: answered. */
struct registry_body {
    struct schema_text schema;
    uint32_t id;
    int32_t version;
};
bool registry_body(struct exchange *x, struct registry_body *out);
bool registry_flag(struct exchange *x, const char *name);             /* ?name=true */
struct bytes registry_query(struct exchange *x, const char *name);    /* its text; empty: none */
/* A text of the body's object. False: it is not there. */
bool registry_text(struct exchange *x, struct bytes object, const char *name, struct bytes *out);

#endif
