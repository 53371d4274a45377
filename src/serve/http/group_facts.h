/* group_facts.h: what the Kafka face says of groups, of both kinds alike, for the routes of groups.
 *
 * Layer: serve (private to serve/http). */
#ifndef QW_SERVE_HTTP_GROUP_FACTS_H
#define QW_SERVE_HTTP_GROUP_FACTS_H

#include "serve/http/broker.h"

/* A committed offset and the partition that it is of. */
struct group_offset {
    struct bytes topic, metadata;
    int32_t partition;
    int64_t offset;     /* -1: none */
    int64_t start, end; /* of the partition; -1: it is not there */
};

/* All that the group has committed and who asks may see, in the exchange's arena. */
enum kafka_error group_offsets(struct exchange *x, struct bytes group, struct group_offset **out, uint32_t *count);
int64_t group_offset_lag(const struct group_offset *o); /* -1: not known */
/* Fills start and end. */
void group_offset_place(struct exchange *x, struct group_offset *o);

/* A group as the Kafka face describes it: one of the two, by its kind. Ends with kafka_ask_end(ask). */
struct group_described {
    struct kafka_ask ask;
    enum kafka_error error;
    const struct kafka_describe_groups_res_group *classic;
    const struct kafka_consumer_group_describe_res_group *consumer;
};
void group_describe(struct exchange *x, struct bytes group, struct group_described *out);
struct bytes group_state(const struct group_described *g);
int32_t group_members_count(const struct group_described *g);

#endif
