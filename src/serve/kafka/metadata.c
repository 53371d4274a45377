/* Metadata, DescribeTopicPartitions and DescribeCluster: one node, which leads everything, at the address that the asking
 * client dialled. */
#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/face.h"

/* What the client may do to the cluster; nothing is told to who may not describe it. */
static int32_t cluster_operations(const struct call *call)
{
    return call_sees_cluster(call, ACL_DESCRIBE) ? call_operations(call, ACL_CLUSTER, ACL_CLUSTER_NAME) : 0;
}

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
                           const struct log_topic *topic, bool with_operations)
{
    const struct log_topic_info *info = log_topic_info(topic);
    int32_t *node = arena_alloc(&call->arena, sizeof(*node));

    *node = call->face->options.node_id;
    out->name = info->name;
    memcpy(out->topic_id, info->id, LOG_ID_BYTES);
    out->is_internal = false;
    if (with_operations)
        out->topic_authorized_operations = call_operations(call, ACL_TOPIC, info->name);
    out->partitions.count = (int32_t)info->partitions;
    out->partitions.at = kafka_metadata_res_partition_new(&call->arena, out->partitions.count);
    for (int32_t i = 0; i < out->partitions.count; i++)
        describe_partition(call, &out->partitions.at[i], i, node);
}

static void describe_all(struct call *call, struct kafka_metadata_res *res, bool with_operations)
{
    const struct kafka_face *face = call->face;
    int32_t count = 0;

    for (struct log_topic *t = log_topic_next(face->log, NULL); t; t = log_topic_next(face->log, t))
        count++;
    res->topics.at = kafka_metadata_res_topic_new(&call->arena, count);
    for (struct log_topic *t = log_topic_next(face->log, NULL); t; t = log_topic_next(face->log, t)) {
        const struct log_topic_info *info = log_topic_info(t);
        if (!info->options.internal && call_sees(call, ACL_DESCRIBE, ACL_TOPIC, info->name))
            describe_topic(call, &res->topics.at[res->topics.count++], t, with_operations);
    }
}

static const uint8_t no_id[LOG_ID_BYTES];

static enum kafka_error auto_create(struct call *call, struct bytes name, struct log_topic **topic,
                                    uint64_t *lsn)
{
    if (!call->face->options.no_auto_create && !call_may_create(call, name))
        return KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
    return face_topic_auto_create(call->face, name, topic, lsn);
}

static void describe_one(struct call *call, const struct kafka_metadata_req *req,
                         const struct kafka_metadata_req_topic *asked,
                         struct kafka_metadata_res_topic *out, uint64_t *lsn)
{
    /* Java's clients leave the name empty beside an id, others null. */
    bool by_id = !asked->name.ptr || memcmp(asked->topic_id, no_id, LOG_ID_BYTES) != 0;
    struct log_topic *topic =
        face_topic_visible(call->face, by_id ? BYTES_NONE : asked->name, asked->topic_id);
    struct bytes name = topic     ? log_topic_info(topic)->name
                        : by_id ? BYTES_NONE
                                : asked->name;

    if (name.ptr && !call_may(call, ACL_DESCRIBE, ACL_TOPIC, name)) {
        topic = NULL; /* whether it is there is not told either */
        out->error_code = KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
    } else if (!topic && !by_id && req->allow_auto_topic_creation) {
        out->error_code = (int16_t)auto_create(call, asked->name, &topic, lsn);
    } else if (!topic) {
        out->error_code = by_id ? KAFKA_ERR_UNKNOWN_TOPIC_ID : KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
        if (!by_id && !log_topic_name_valid(asked->name))
            out->error_code = KAFKA_ERR_INVALID_TOPIC_EXCEPTION;
    }
    if (topic) {
        describe_topic(call, out, topic, req->include_topic_authorized_operations);
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
    if (req->include_cluster_authorized_operations)
        res->cluster_authorized_operations = cluster_operations(call);
    /* Version 0 asks for all topics by naming none. */
    if (req->topics.count < 0 || (call->version == 0 && req->topics.count == 0)) {
        describe_all(call, res, req->include_topic_authorized_operations);
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

    kafka_describe_cluster_res_init(&res);
    if (req->include_cluster_authorized_operations)
        res.cluster_authorized_operations = cluster_operations(call);
    res.controller_id = call->face->options.node_id;
    log_cluster_id(call->face->log, cluster);
    res.cluster_id = text(call, cluster);
    res.endpoint_type = 1;
    if (req->endpoint_type != 1) {
        res.error_code = req->endpoint_type == 2 ? KAFKA_ERR_MISMATCHED_ENDPOINT_TYPE
                                                 : KAFKA_ERR_UNSUPPORTED_ENDPOINT_TYPE;
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

/* ---- DescribeTopicPartitions ---- */

enum { PARTITIONS_MOST = 2000 }; /* of one answer, whatever the client allows */

struct paging {
    struct call *call;
    struct kafka_describe_topic_partitions_res *res;
    int32_t left;      /* partitions that this answer may still name */
    struct bytes from; /* the cursor: topics before it are done; ptr NULL: none */
    int32_t first;     /* of the cursor's topic */
};

static int by_name(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static void page_partition(struct call *call,
                           struct kafka_describe_topic_partitions_res_partition *p, int32_t index,
                           int32_t *node)
{
    p->partition_index = index;
    p->leader_id = *node;
    p->leader_epoch = log_leader_epoch(call->face->log);
    p->replica_nodes.at = p->isr_nodes.at = node;
    p->replica_nodes.count = p->isr_nodes.count = 1;
    p->eligible_leader_replicas.count = p->last_known_elr.count = 0;
}

/* As many of its partitions as fit; the rest is the next page's. */
static void page_topic(struct paging *page, struct bytes name)
{
    struct kafka_describe_topic_partitions_res *res = page->res;
    struct kafka_describe_topic_partitions_res_topic *out = &res->topics.at[res->topics.count++];
    const struct log_topic *topic = face_topic_visible(page->call->face, name, NULL);
    int32_t *node = arena_alloc(&page->call->arena, sizeof(*node));

    *node = page->call->face->options.node_id;
    out->name = name;
    if (!call_may(page->call, ACL_DESCRIBE, ACL_TOPIC, name)) {
        out->error_code = KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
        return;
    }
    if (!topic) {
        out->error_code = log_topic_name_valid(name) ? KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION
                                                     : KAFKA_ERR_INVALID_TOPIC_EXCEPTION;
        return;
    }
    const struct log_topic_info *info = log_topic_info(topic);
    int32_t first = page->from.ptr && bytes_equal(name, page->from) ? page->first : 0;
    int32_t end = (int32_t)info->partitions;
    if (end - first > page->left)
        end = first + page->left;
    memcpy(out->topic_id, info->id, LOG_ID_BYTES);
    out->topic_authorized_operations = call_operations(page->call, ACL_TOPIC, name);
    out->partitions.at = kafka_describe_topic_partitions_res_partition_new(
        &page->call->arena, end > first ? end - first : 0);
    for (int32_t i = first; i < end; i++)
        page_partition(page->call, &out->partitions.at[out->partitions.count++], i, node);
    page->left -= out->partitions.count;
    if (end < (int32_t)info->partitions) {
        res->next_cursor =
            ARENA_NEW(&page->call->arena, struct kafka_describe_topic_partitions_res_cursor);
        *res->next_cursor = (struct kafka_describe_topic_partitions_res_cursor){name, end};
    }
}

/* The names asked for, or all; in order, each once. */
static struct bytes *page_names(struct call *call,
                                const struct kafka_describe_topic_partitions_req *req, int32_t *count)
{
    struct log *log = call->face->log;
    int32_t n = req->topics.count > 0 ? req->topics.count : 0, kept = 0;

    for (struct log_topic *t = n ? NULL : log_topic_next(log, NULL); t; t = log_topic_next(log, t))
        n += 1;
    struct bytes *names = ARENA_ARRAY(&call->arena, struct bytes, (size_t)n + 1);
    n = 0;
    for (int32_t i = 0; i < req->topics.count; i++)
        names[n++] = req->topics.at[i].name;
    if (req->topics.count <= 0)
        for (struct log_topic *t = log_topic_next(log, NULL); t; t = log_topic_next(log, t))
            if (!log_topic_info(t)->options.internal &&
                call_sees(call, ACL_DESCRIBE, ACL_TOPIC, log_topic_info(t)->name))
                names[n++] = log_topic_info(t)->name;
    qsort(names, (size_t)n, sizeof(*names), by_name);
    for (int32_t i = 0; i < n; i++)
        if (!kept || !bytes_equal(names[kept - 1], names[i]))
            names[kept++] = names[i];
    *count = kept;
    return names;
}

void kafka_on_describe_topic_partitions(struct call *call, const void *request)
{
    const struct kafka_describe_topic_partitions_req *req = request;
    struct kafka_describe_topic_partitions_res res;
    struct paging page = {.call = call, .res = &res, .left = req->response_partition_limit};
    int32_t count;
    struct bytes *names = page_names(call, req, &count);

    kafka_describe_topic_partitions_res_init(&res);
    if (page.left < 1 || page.left > PARTITIONS_MOST)
        page.left = PARTITIONS_MOST;
    if (req->cursor) {
        page.from = req->cursor->topic_name;
        page.first = req->cursor->partition_index > 0 ? req->cursor->partition_index : 0;
    }
    res.topics.at = kafka_describe_topic_partitions_res_topic_new(&call->arena, count);
    for (int32_t i = 0; i < count && !res.next_cursor; i++) {
        if (page.from.ptr && bytes_compare(names[i], page.from) < 0)
            continue;
        if (page.left > 0) {
            page_topic(&page, names[i]);
            continue;
        }
        res.next_cursor = ARENA_NEW(&call->arena, struct kafka_describe_topic_partitions_res_cursor);
        *res.next_cursor = (struct kafka_describe_topic_partitions_res_cursor){names[i], 0};
    }
    call_answer(call, &res);
}
