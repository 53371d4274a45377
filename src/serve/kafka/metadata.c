/* Metadata and DescribeCluster: one node, which leads everything, at the address that the asking
 * client dialled. */
#include "base/check.h"
#include "serve/kafka/face.h"

static struct bytes text(struct call *call, const char *from)
{
    return arena_copy(&call->arena, bytes_str(from));
}

static void describe_partition(const struct call *call, struct kafka_metadata_res_partition *p,
                               int32_t index, int32_t *node)
{
    p->partition_index = index;
    p->leader_id = *node;
    p->leader_epoch = log_leader_epoch(call->face->log);
    p->replica_nodes.at = p->isr_nodes.at = node;
    p->replica_nodes.count = p->isr_nodes.count = 1;
}

static void describe_topic(struct call *call, struct kafka_metadata_res_topic *out,
                           const struct log_topic *topic)
{
    const struct log_topic_info *info = log_topic_info(topic);
    int32_t *node = arena_alloc(&call->arena, sizeof(*node));

    *node = call->face->options.node_id;
    out->name = info->name;
    memcpy(out->topic_id, info->id, LOG_ID_BYTES);
    out->is_internal = false;
    out->partitions.count = (int32_t)info->partitions;
    out->partitions.at = kafka_metadata_res_partition_new(&call->arena, out->partitions.count);
    for (int32_t i = 0; i < out->partitions.count; i++)
        describe_partition(call, &out->partitions.at[i], i, node);
}

static void describe_all(struct call *call, struct kafka_metadata_res *res)
{
    const struct kafka_face *face = call->face;
    int32_t count = 0;

    for (struct log_topic *t = log_topic_next(face->log, NULL); t; t = log_topic_next(face->log, t))
        count++;
    res->topics.at = kafka_metadata_res_topic_new(&call->arena, count);
    for (struct log_topic *t = log_topic_next(face->log, NULL); t; t = log_topic_next(face->log, t)) {
        if (!log_topic_info(t)->options.internal)
            describe_topic(call, &res->topics.at[res->topics.count++], t);
    }
}

static const uint8_t no_id[LOG_ID_BYTES];

static void describe_one(struct call *call, const struct kafka_metadata_req *req,
                         const struct kafka_metadata_req_topic *asked,
                         struct kafka_metadata_res_topic *out, uint64_t *lsn)
{
    bool by_id = !asked->name.ptr;
    struct log_topic *topic = face_topic_visible(call->face, asked->name, asked->topic_id);

    if (!topic && !by_id && req->allow_auto_topic_creation) {
        out->error_code = (int16_t)face_topic_auto_create(call->face, asked->name, &topic, lsn);
    } else if (!topic) {
        out->error_code = by_id ? KAFKA_ERR_UNKNOWN_TOPIC_ID : KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
        if (!by_id && !log_topic_name_valid(asked->name))
            out->error_code = KAFKA_ERR_INVALID_TOPIC_EXCEPTION;
    }
    if (topic) {
        describe_topic(call, out, topic);
        return;
    }
    out->name = by_id ? BYTES_NONE : arena_copy(&call->arena, asked->name);
    memcpy(out->topic_id, by_id ? asked->topic_id : no_id, LOG_ID_BYTES);
}

static void describe_node(struct call *call, struct kafka_metadata_res *res)
{
    char host[KAFKA_HOST_MAX];
    char cluster[23];

    res->brokers.at = kafka_metadata_res_broker_new(&call->arena, 1);
    res->brokers.count = 1;
    res->brokers.at[0].node_id = res->controller_id = call->face->options.node_id;
    call_address(call, host, &res->brokers.at[0].port);
    res->brokers.at[0].host = text(call, host);
    log_cluster_id(call->face->log, cluster);
    res->cluster_id = text(call, cluster);
}

static void metadata_failed(struct call *call)
{
    struct kafka_metadata_res *res = call->answer;

    for (int32_t i = 0; i < res->topics.count; i++)
        res->topics.at[i].error_code = KAFKA_ERR_KAFKA_STORAGE_ERROR;
}

void kafka_on_metadata(struct call *call, const void *request)
{
    const struct kafka_metadata_req *req = request;
    struct kafka_metadata_res *res = ARENA_NEW(&call->arena, struct kafka_metadata_res);
    uint64_t lsn = 0;

    kafka_metadata_res_init(res);
    describe_node(call, res);
    /* Version 0 asks for all topics by naming none. */
    if (req->topics.count < 0 || (call->version == 0 && req->topics.count == 0)) {
        describe_all(call, res);
    } else {
        res->topics.count = req->topics.count;
        res->topics.at = kafka_metadata_res_topic_new(&call->arena, req->topics.count);
        for (int32_t i = 0; i < req->topics.count; i++)
            describe_one(call, req, &req->topics.at[i], &res->topics.at[i], &lsn);
    }
    call_answer_durable(call, res, lsn, metadata_failed);
}

void kafka_on_describe_cluster(struct call *call, const void *request)
{
    const struct kafka_describe_cluster_req *req = request;
    struct kafka_describe_cluster_res res;
    char host[KAFKA_HOST_MAX];
    char cluster[23];

    (void)req;
    kafka_describe_cluster_res_init(&res);
    res.controller_id = call->face->options.node_id;
    log_cluster_id(call->face->log, cluster);
    res.cluster_id = text(call, cluster);
    res.endpoint_type = 1;
    if (req->endpoint_type != 1) {
        res.error_code = KAFKA_ERR_UNSUPPORTED_VERSION;
        res.error_message = BYTES_LITERAL("only brokers are described here");
        call_answer(call, &res);
        return;
    }
    res.brokers.at = kafka_describe_cluster_res_broker_new(&call->arena, 1);
    res.brokers.count = 1;
    res.brokers.at[0].broker_id = call->face->options.node_id;
    call_address(call, host, &res.brokers.at[0].port);
    res.brokers.at[0].host = text(call, host);
    call_answer(call, &res);
}
