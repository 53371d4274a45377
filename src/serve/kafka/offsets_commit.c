/* OffsetCommit, and OffsetDelete. */
#include "base/check.h"
#include "serve/kafka/offsets.h"

static enum kafka_error commit_error(const struct kafka_face *face, struct bytes topic,
                                     int32_t partition, struct bytes metadata)
{
    struct log_topic *t = face_topic_visible(face, topic, NULL);

    if (!t || !face_partition(t, partition))
        return KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    return metadata.len > OFFSET_METADATA_MAX ? KAFKA_ERR_OFFSET_METADATA_TOO_LARGE : KAFKA_ERR_NONE;
}

static void set_commit_errors(struct kafka_offset_commit_res *res, enum kafka_error error)
{
    for (int32_t t = 0; t < res->topics.count; t++) {
        for (int32_t i = 0; i < res->topics.at[t].partitions.count; i++) {
            if (!res->topics.at[t].partitions.at[i].error_code)
                res->topics.at[t].partitions.at[i].error_code = (int16_t)error;
        }
    }
}

static void commit_failed(struct call *call)
{
    set_commit_errors(call->answer, KAFKA_ERR_COORDINATOR_NOT_AVAILABLE);
}

static int commit_topic(struct call *call, const struct kafka_offset_commit_req *req,
                        const struct kafka_offset_commit_req_topic *asked,
                        struct kafka_offset_commit_res_topic *out, enum kafka_error error,
                        struct log_entry *entry)
{
    int put = 0;

    if (error != KAFKA_ERR_GROUP_AUTHORIZATION_FAILED && !call_may(call, ACL_READ, ACL_TOPIC, asked->name))
        error = KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
    out->name = arena_copy(&call->arena, asked->name);
    out->partitions.count = asked->partitions.count;
    out->partitions.at =
        kafka_offset_commit_res_partition_new(&call->arena, asked->partitions.count);
    for (int32_t i = 0; i < asked->partitions.count; i++) {
        const struct kafka_offset_commit_req_partition *p = &asked->partitions.at[i];
        enum kafka_error why = error ? error
                                     : commit_error(call->face, asked->name, p->partition_index,
                                                    p->committed_metadata);
        out->partitions.at[i].partition_index = p->partition_index;
        out->partitions.at[i].error_code = (int16_t)why;
        if (why)
            continue;
        offset_put(call, entry,
                   &(struct offset_kept){.group = req->group_id,
                                        .topic = asked->name,
                                        .partition = p->partition_index,
                                        .committed = {p->committed_offset, p->committed_leader_epoch,
                                                      p->committed_metadata}});
        put++;
    }
    return put;
}

enum kafka_error offsets_may_commit(struct call *call, const struct group_caller *caller)
{
    struct kafka_face *face = call->face;
    bool in_txn = call->api->key == KAFKA_TXN_OFFSET_COMMIT;

    if (!cgroups_find(face->cgroups, caller->group_id, NULL)) {
        enum kafka_error error = groups_may_commit(face->groups, face_now_ms(face), caller);
        face_groups_arm(face);
        return error;
    }
    enum kafka_error error = cgroups_may_commit(face->cgroups, caller->group_id, caller->member_id,
                                                caller->generation);
    if (in_txn)
        return error == KAFKA_ERR_STALE_MEMBER_EPOCH ? KAFKA_ERR_ILLEGAL_GENERATION : error;
    bool newer = caller->generation >= 0 && !cgroups_is_classic(face->cgroups, caller->group_id, caller->member_id);
    return newer && call->version < 9 ? KAFKA_ERR_UNSUPPORTED_VERSION : error;
}

void kafka_on_offset_commit(struct call *call, const void *request)
{
    const struct kafka_offset_commit_req *req = request;
    struct kafka_face *face = call->face;
    struct kafka_offset_commit_res *res = ARENA_NEW(&call->arena, struct kafka_offset_commit_res);
    const struct group_caller caller = {req->group_id, req->member_id, req->group_instance_id,
                                        req->generation_id_or_member_epoch};
    enum kafka_error error = call_may(call, ACL_READ, ACL_GROUP, req->group_id)
                                 ? offsets_may_commit(call, &caller)
                                 : KAFKA_ERR_GROUP_AUTHORIZATION_FAILED;
    struct log_entry *entry = log_entry_begin(face->log);
    uint64_t lsn = 0;
    int put = 0;

    kafka_offset_commit_res_init(res);
    res->topics.count = req->topics.count;
    res->topics.at = kafka_offset_commit_res_topic_new(&call->arena, req->topics.count);
    for (int32_t t = 0; t < req->topics.count; t++)
        put += commit_topic(call, req, &req->topics.at[t], &res->topics.at[t], error, entry);
    if (!put)
        log_entry_abort(entry);
    else if (log_entry_commit(entry, NULL, &lsn) != ST_OK)
        set_commit_errors(res, KAFKA_ERR_COORDINATOR_NOT_AVAILABLE);
    call_answer_durable(call, res, lsn, commit_failed);
}

/* ---- OffsetDelete ---- */

static void offset_delete_failed(struct call *call)
{
    struct kafka_offset_delete_res *res = call->answer;

    res->error_code = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
}

static enum kafka_error delete_error(const struct kafka_face *face, struct bytes topic,
                                     int32_t partition, bool subscribed)
{
    const struct log_topic *t = face_topic_visible(face, topic, NULL);

    if (!t || !face_partition(t, partition))
        return KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    return subscribed ? KAFKA_ERR_GROUP_SUBSCRIBED_TO_TOPIC : KAFKA_ERR_NONE;
}

static void delete_offsets(struct call *call, const struct kafka_offset_delete_req *req,
                           const struct kafka_offset_delete_req_topic *asked,
                           struct kafka_offset_delete_res_topic *out, struct log_entry *entry)
{
    bool subscribed = face_group_subscribes(call->face, req->group_id, asked->name);
    bool may = call_may(call, ACL_READ, ACL_TOPIC, asked->name);
    struct buf key;

    buf_init(&key, 0);
    out->name = arena_copy(&call->arena, asked->name);
    out->partitions.count = asked->partitions.count;
    out->partitions.at =
        kafka_offset_delete_res_partition_new(&call->arena, asked->partitions.count);
    for (int32_t i = 0; i < asked->partitions.count; i++) {
        int32_t index = asked->partitions.at[i].partition_index;
        out->partitions.at[i].partition_index = index;
        out->partitions.at[i].error_code =
            may ? (int16_t)delete_error(call->face, asked->name, index, subscribed)
                : KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
        if (!out->partitions.at[i].error_code)
            log_entry_kv(entry, LOG_KV_GROUPS, offset_key(&key, req->group_id, asked->name, index),
                         BYTES_NONE);
    }
    buf_deinit(&key);
}

/* A group that has members may lose offsets of topics that none of them reads, if they say what
 * they read: only consumers do. */
void kafka_on_offset_delete(struct call *call, const void *request)
{
    const struct kafka_offset_delete_req *req = request;
    struct kafka_offset_delete_res *res = ARENA_NEW(&call->arena, struct kafka_offset_delete_res);
    struct group_info info;
    uint64_t lsn = 0;

    kafka_offset_delete_res_init(res);
    if (!call_may(call, ACL_DELETE, ACL_GROUP, req->group_id))
        res->error_code = KAFKA_ERR_GROUP_AUTHORIZATION_FAILED;
    else if (cgroups_find(call->face->cgroups, req->group_id, NULL))
        res->error_code = KAFKA_ERR_NONE;
    else if (!groups_find(call->face->groups, req->group_id, &info))
        res->error_code = KAFKA_ERR_GROUP_ID_NOT_FOUND;
    else if (info.members_count && !bytes_is(info.protocol_type, "consumer"))
        res->error_code = KAFKA_ERR_NON_EMPTY_GROUP;
    if (res->error_code) {
        call_answer(call, res);
        return;
    }
    struct log_entry *entry = log_entry_begin(call->face->log);
    res->topics.count = req->topics.count;
    res->topics.at = kafka_offset_delete_res_topic_new(&call->arena, req->topics.count);
    for (int32_t t = 0; t < req->topics.count; t++)
        delete_offsets(call, req, &req->topics.at[t], &res->topics.at[t], entry);
    if (log_entry_commit(entry, NULL, &lsn) != ST_OK)
        res->error_code = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
    call_answer_durable(call, res, lsn, offset_delete_failed);
}
