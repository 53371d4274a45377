/* What a cluster would ask its leaders: where an epoch ended, elections, reassignments. One node
 * leads everything for ever, so an election is never needed and nothing is being moved. */
#include "serve/kafka/face.h"

/* ---- OffsetForLeaderEpoch ---- */

static void answer_epoch(struct call *call, struct log_topic *topic, bool may,
                         const struct kafka_offset_for_leader_epoch_req_partition *asked,
                         struct kafka_offset_for_leader_epoch_res_partition *out)
{
    struct log_partition *partition = topic ? face_partition(topic, asked->partition) : NULL;
    int32_t now = log_leader_epoch(call->face->log), found;
    int64_t end;

    out->partition = asked->partition;
    if (!may)
        out->error_code = KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
    else if (!partition)
        out->error_code = KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    else if (asked->current_leader_epoch >= 0 && asked->current_leader_epoch < now)
        out->error_code = KAFKA_ERR_FENCED_LEADER_EPOCH;
    else if (asked->current_leader_epoch > now)
        out->error_code = KAFKA_ERR_UNKNOWN_LEADER_EPOCH;
    else if (log_epoch_end(partition, asked->leader_epoch, &found, &end)) {
        out->leader_epoch = found;
        out->end_offset = end;
    }
}

void kafka_on_offset_for_leader_epoch(struct call *call, const void *request)
{
    const struct kafka_offset_for_leader_epoch_req *req = request;
    struct kafka_offset_for_leader_epoch_res res;

    kafka_offset_for_leader_epoch_res_init(&res);
    res.topics.count = req->topics.count;
    res.topics.at = kafka_offset_for_leader_epoch_res_topic_new(&call->arena, req->topics.count);
    for (int32_t t = 0; t < req->topics.count; t++) {
        const struct kafka_offset_for_leader_epoch_req_topic *asked = &req->topics.at[t];
        struct kafka_offset_for_leader_epoch_res_topic *out = &res.topics.at[t];
        struct log_topic *topic = face_topic_visible(call->face, asked->topic, NULL);
        bool may = call_may(call, ACL_DESCRIBE, ACL_TOPIC, asked->topic);
        out->topic = asked->topic;
        out->partitions.count = asked->partitions.count;
        out->partitions.at =
            kafka_offset_for_leader_epoch_res_partition_new(&call->arena, asked->partitions.count);
        for (int32_t i = 0; i < asked->partitions.count; i++)
            answer_epoch(call, topic, may, &asked->partitions.at[i], &out->partitions.at[i]);
    }
    call_answer(call, &res);
}

/* ---- ElectLeaders ---- */

void kafka_on_elect_leaders(struct call *call, const void *request)
{
    const struct kafka_elect_leaders_req *req = request;
    struct kafka_elect_leaders_res res;
    int32_t count = req->topic_partitions.count > 0 ? req->topic_partitions.count : 0;

    bool may = call_may_cluster(call, ACL_ALTER);

    kafka_elect_leaders_res_init(&res); /* of all partitions: those that changed, which is none */
    res.error_code = may ? KAFKA_ERR_NONE : KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED;
    res.replica_election_results.count = count;
    res.replica_election_results.at = kafka_elect_leaders_res_topic_new(&call->arena, count);
    for (int32_t t = 0; t < count; t++) {
        const struct kafka_elect_leaders_req_topic *asked = &req->topic_partitions.at[t];
        struct kafka_elect_leaders_res_topic *out = &res.replica_election_results.at[t];
        struct log_topic *topic = face_topic_visible(call->face, asked->topic, NULL);
        out->topic = asked->topic;
        out->partition_result.count = asked->partitions.count;
        out->partition_result.at =
            kafka_elect_leaders_res_partition_new(&call->arena, asked->partitions.count);
        for (int32_t i = 0; i < asked->partitions.count; i++) {
            struct kafka_elect_leaders_res_partition *p = &out->partition_result.at[i];
            bool known = topic && face_partition(topic, asked->partitions.at[i]);
            p->partition_id = asked->partitions.at[i];
            p->error_code =
                known ? KAFKA_ERR_ELECTION_NOT_NEEDED : KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
            p->error_message = known ? BYTES_LITERAL("the one node leads it already")
                                     : BYTES_LITERAL("there is no such partition");
            if (!may) {
                p->error_code = KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED;
                p->error_message = BYTES_NONE;
            }
        }
    }
    call_answer(call, &res);
}

/* ---- reassignments ---- */

/* Moving a partition to where it is is done at once; anywhere else there is nothing. */
static enum kafka_error reassign(const struct kafka_face *face, const struct log_topic *topic,
                                 const struct kafka_alter_partition_reassignments_req_partition *p)
{
    if (!topic || !face_partition(topic, p->partition_index))
        return KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (p->replicas.count < 0)
        return KAFKA_ERR_NO_REASSIGNMENT_IN_PROGRESS;
    return p->replicas.count == 1 && p->replicas.at[0] == face->options.node_id
               ? KAFKA_ERR_NONE
               : KAFKA_ERR_INVALID_REPLICA_ASSIGNMENT;
}

void kafka_on_alter_partition_reassignments(struct call *call, const void *request)
{
    const struct kafka_alter_partition_reassignments_req *req = request;
    struct kafka_alter_partition_reassignments_res res;

    kafka_alter_partition_reassignments_res_init(&res);
    if (!call_may_cluster(call, ACL_ALTER)) {
        res.error_code = KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED;
        call_answer(call, &res);
        return;
    }
    res.responses.count = req->topics.count;
    res.responses.at =
        kafka_alter_partition_reassignments_res_topic_new(&call->arena, req->topics.count);
    for (int32_t t = 0; t < req->topics.count; t++) {
        const struct kafka_alter_partition_reassignments_req_topic *asked = &req->topics.at[t];
        struct kafka_alter_partition_reassignments_res_topic *out = &res.responses.at[t];
        struct log_topic *topic = face_topic_visible(call->face, asked->name, NULL);
        out->name = asked->name;
        out->partitions.count = asked->partitions.count;
        out->partitions.at = kafka_alter_partition_reassignments_res_partition_new(
            &call->arena, asked->partitions.count);
        for (int32_t i = 0; i < asked->partitions.count; i++) {
            struct kafka_alter_partition_reassignments_res_partition *p = &out->partitions.at[i];
            p->partition_index = asked->partitions.at[i].partition_index;
            p->error_code = (int16_t)reassign(call->face, topic, &asked->partitions.at[i]);
            if (p->error_code == KAFKA_ERR_INVALID_REPLICA_ASSIGNMENT)
                p->error_message = BYTES_LITERAL("there is one node");
        }
    }
    call_answer(call, &res);
}

void kafka_on_list_partition_reassignments(struct call *call, const void *request)
{
    struct kafka_list_partition_reassignments_res res;

    (void)request;
    kafka_list_partition_reassignments_res_init(&res);
    if (!call_may_cluster(call, ACL_DESCRIBE))
        res.error_code = KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED;
    call_answer(call, &res);
}
