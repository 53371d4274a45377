/* ListOffsets: the ends of a partition, or the first record at or after a time. */
#include "serve/kafka/face.h"

enum {
    AT_LATEST = -1,
    AT_EARLIEST = -2,
    AT_MAX_TIMESTAMP = -3,
    AT_EARLIEST_LOCAL = -4, /* all of the log is local */
    AT_LATEST_TIERED = -5,  /* none of it is tiered */
};

struct found {
    int64_t offset, timestamp;
};

static enum kafka_error by_time(struct kafka_face *face, struct log_partition *partition,
                                int64_t timestamp, int64_t end, struct found *found)
{
    enum status st =
        timestamp == AT_MAX_TIMESTAMP
            ? log_offset_max_timestamp(face->log, partition, &found->offset, &found->timestamp)
            : log_offset_for_time(face->log, partition, timestamp, &found->offset,
                                  &found->timestamp);

    if (st == ST_NOTFOUND || (st == ST_OK && found->offset >= end)) {
        *found = (struct found){-1, -1};
        return KAFKA_ERR_NONE;
    }
    return st == ST_OK ? KAFKA_ERR_NONE : KAFKA_ERR_KAFKA_STORAGE_ERROR;
}

static enum kafka_error look_up(struct kafka_face *face, const struct kafka_list_offsets_req *req,
                                struct log_partition *partition, int64_t timestamp,
                                struct found *found)
{
    struct log_offsets o;

    log_offsets(partition, &o);
    int64_t end = req->isolation_level == 1 ? o.stable : o.durable;
    *found = (struct found){-1, -1};
    switch (timestamp) {
    case AT_LATEST: found->offset = end; return KAFKA_ERR_NONE;
    case AT_EARLIEST:
    case AT_EARLIEST_LOCAL: found->offset = o.start; return KAFKA_ERR_NONE;
    case AT_LATEST_TIERED: return KAFKA_ERR_NONE;
    default: break;
    }
    if (timestamp < 0 && timestamp != AT_MAX_TIMESTAMP)
        return KAFKA_ERR_INVALID_TIMESTAMP;
    return by_time(face, partition, timestamp, end, found);
}

static void answer_partition(struct call *call, const struct kafka_list_offsets_req *req,
                             struct log_topic *topic, bool may,
                             const struct kafka_list_offsets_req_partition *asked,
                             struct kafka_list_offsets_res_partition *out)
{
    struct log_partition *partition =
        topic ? face_partition(topic, asked->partition_index) : NULL;
    int32_t epoch = log_leader_epoch(call->face->log);
    struct found found = {-1, -1};

    out->partition_index = asked->partition_index;
    if (!may)
        out->error_code = KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
    else if (!partition)
        out->error_code = KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    else if (asked->current_leader_epoch >= 0 && asked->current_leader_epoch < epoch)
        out->error_code = KAFKA_ERR_FENCED_LEADER_EPOCH;
    else if (asked->current_leader_epoch > epoch)
        out->error_code = KAFKA_ERR_UNKNOWN_LEADER_EPOCH;
    else
        out->error_code =
            (int16_t)look_up(call->face, req, partition, asked->timestamp, &found);
    out->offset = found.offset;
    out->timestamp = found.timestamp;
    out->leader_epoch = found.offset >= 0 ? epoch : -1;
    if (call->version == 0 && found.offset >= 0) { /* a list of offsets, of which one will do */
        out->old_style_offsets.at = arena_alloc(&call->arena, sizeof(int64_t));
        out->old_style_offsets.at[0] = found.offset;
        out->old_style_offsets.count = 1;
    }
}

void kafka_on_list_offsets(struct call *call, const void *request)
{
    const struct kafka_list_offsets_req *req = request;
    struct kafka_list_offsets_res res;

    kafka_list_offsets_res_init(&res);
    res.topics.count = req->topics.count;
    res.topics.at = kafka_list_offsets_res_topic_new(&call->arena, req->topics.count);
    for (int32_t t = 0; t < req->topics.count; t++) {
        const struct kafka_list_offsets_req_topic *asked = &req->topics.at[t];
        struct kafka_list_offsets_res_topic *out = &res.topics.at[t];
        struct log_topic *topic = face_topic_visible(call->face, asked->name, NULL);
        bool may = call_may(call, ACL_DESCRIBE, ACL_TOPIC, asked->name);
        out->name = asked->name;
        out->partitions.count = asked->partitions.count;
        out->partitions.at =
            kafka_list_offsets_res_partition_new(&call->arena, asked->partitions.count);
        for (int32_t i = 0; i < asked->partitions.count; i++)
            answer_partition(call, req, topic, may, &asked->partitions.at[i], &out->partitions.at[i]);
    }
    call_answer(call, &res);
}
