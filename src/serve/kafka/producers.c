/* DescribeProducers: which idempotent and transactional producers a partition remembers. */
#include "serve/kafka/face.h"

enum { PRODUCERS_MOST = 100000 }; /* of one answer; a partition remembers fewer */

struct listing {
    struct kafka_describe_producers_res_partition *out;
    int32_t epoch;
};

static void count_producer(void *context, const struct log_producer *producer)
{
    (void)producer;
    ++*(int32_t *)context;
}

static void add_producer(void *context, const struct log_producer *producer)
{
    struct listing *l = context;
    struct kafka_describe_producers_res_producer *p =
        &l->out->active_producers.at[l->out->active_producers.count++];

    p->producer_id = producer->id;
    p->producer_epoch = producer->epoch;
    p->last_sequence = producer->last_sequence;
    p->last_timestamp = producer->last_timestamp_ms;
    p->coordinator_epoch = l->epoch;
    p->current_txn_start_offset = producer->transaction_start;
}

static void describe(struct call *call, struct log_topic *topic, bool may, int32_t index, int32_t *left,
                     struct kafka_describe_producers_res_partition *out)
{
    struct log_partition *partition = topic ? face_partition(topic, index) : NULL;
    struct listing l = {out, log_leader_epoch(call->face->log)};
    int32_t count = 0;

    out->partition_index = index;
    if (!may) {
        out->error_code = KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
        return;
    }
    if (!partition) {
        out->error_code = KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
        return;
    }
    log_producers(partition, count_producer, &count);
    if (count > *left) {
        out->error_code = KAFKA_ERR_INVALID_REQUEST;
        out->error_message = BYTES_LITERAL("too many producers for one answer: ask for fewer partitions");
        return;
    }
    *left -= count;
    out->active_producers.at = kafka_describe_producers_res_producer_new(&call->arena, count);
    log_producers(partition, add_producer, &l);
}

void kafka_on_describe_producers(struct call *call, const void *request)
{
    const struct kafka_describe_producers_req *req = request;
    struct kafka_describe_producers_res res;
    int32_t left = PRODUCERS_MOST;

    kafka_describe_producers_res_init(&res);
    res.topics.count = req->topics.count;
    res.topics.at = kafka_describe_producers_res_topic_new(&call->arena, req->topics.count);
    for (int32_t t = 0; t < req->topics.count; t++) {
        const struct kafka_describe_producers_req_topic *asked = &req->topics.at[t];
        struct kafka_describe_producers_res_topic *out = &res.topics.at[t];
        struct log_topic *topic = face_topic_visible(call->face, asked->name, NULL);
        bool may = call_may(call, ACL_READ, ACL_TOPIC, asked->name);
        out->name = asked->name;
        out->partitions.count = asked->partition_indexes.count;
        out->partitions.at = kafka_describe_producers_res_partition_new(
            &call->arena, asked->partition_indexes.count);
        for (int32_t i = 0; i < asked->partition_indexes.count; i++)
            describe(call, topic, may, asked->partition_indexes.at[i], &left, &out->partitions.at[i]);
    }
    call_answer(call, &res);
}
