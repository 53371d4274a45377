/* assign.h: which member of a consumer group reads which partition: the assignors of the server.
 *
 * *uniform*: the members' shares differ by one at most where all read the same topics (else: as little as
 * their topics allow), and as much as that lets stays where it was. *range*: of each topic a run of
 * partitions to each reader, by the order of instance ids, then member ids, so that equal numbers of
 * topics that are partitioned alike go to one member.
 *
 * A pure function of its arguments: the same group gives the same assignment on any machine.
 *
 * Owns: nothing but what it pushes into assigned, which is the caller's.   Threads: any.   Layer: serve.
 * Cost: uniform over members that read different topics looks at each reader of a topic for each of its
 * partitions, a few times.
 */
#ifndef QW_SERVE_KAFKA_ASSIGN_H
#define QW_SERVE_KAFKA_ASSIGN_H

#include "base/bytes.h"
#include "serve/kafka/parts.h"

struct assign_topic {
    uint8_t id[PART_TOPIC_BYTES];
    int32_t partitions;
};

struct assign_member {
    struct bytes id, instance_id; /* the latter ptr NULL: none */
    const uint32_t *topics;       /* places in the table of topics, ascending */
    uint32_t topics_count;
    const struct parts *before;   /* what it had been given last */
    struct parts assigned;        /* the outcome: empty when it comes in */
};

struct assign_spec {
    const struct assign_topic *topics; /* by id */
    uint32_t topics_count;
    struct assign_member *members; /* by member id */
    uint32_t members_count;
};

void assign_uniform(const struct assign_spec *spec);
void assign_range(const struct assign_spec *spec);

#endif
