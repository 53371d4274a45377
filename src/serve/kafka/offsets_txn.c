/* TxnOffsetCommit: offsets that are committed when the transaction is. */
#include "serve/kafka/offsets.h"

static void set_txn_errors(struct kafka_txn_offset_commit_res *res, enum kafka_error error)
{
    for (int32_t t = 0; t < res->topics.count; t++) {
        for (int32_t i = 0; i < res->topics.at[t].partitions.count; i++) {
            if (!res->topics.at[t].partitions.at[i].error_code)
                res->topics.at[t].partitions.at[i].error_code = (int16_t)error;
        }
    }
}

static void txn_commit_failed(struct call *call)
{
    set_txn_errors(call->answer, KAFKA_ERR_COORDINATOR_NOT_AVAILABLE);
}

/* A refusal here is that of all topics, whatever their own rights. */
static enum kafka_error txn_commit_right(const struct call *call,
                                         const struct kafka_txn_offset_commit_req *req)
{
    if (!call_may(call, ACL_WRITE, ACL_TRANSACTIONAL_ID, req->transactional_id))
        return KAFKA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    return call_may(call, ACL_READ, ACL_GROUP, req->group_id) ? KAFKA_ERR_NONE
                                                              : KAFKA_ERR_GROUP_AUTHORIZATION_FAILED;
}

/* The group must know the member, if one is named. */
static enum kafka_error txn_member_error(struct call *call,
                                         const struct kafka_txn_offset_commit_req *req)
{
    const struct group_caller caller = {req->group_id, req->member_id, req->group_instance_id,
                                        req->generation_id};

    if (!req->group_id.len)
        return KAFKA_ERR_INVALID_GROUP_ID;
    if (req->generation_id < 0 && !req->member_id.len && !req->group_instance_id.ptr)
        return KAFKA_ERR_NONE; /* of a time when only the transactional id was fenced */
    enum kafka_error error = offsets_may_commit(call, &caller);
    return error == KAFKA_ERR_REBALANCE_IN_PROGRESS ? KAFKA_ERR_NONE : error;
}

/* The producer must have the transaction, which must have the group; from version 5 on the request
 * adds it, and begins the transaction when none is open. So it is asked only when some offset is left to put. */
static enum kafka_error txn_commit_error(struct call *call,
                                         const struct kafka_txn_offset_commit_req *req,
                                         struct txn **txn)
{
    struct txns *txns = &call->face->txns;
    bool adds = call->version >= 5;
    uint64_t lsn; /* the offsets stand behind it in the log */

    if (!req->transactional_id.len)
        return KAFKA_ERR_INVALID_REQUEST;
    enum kafka_error error =
        txn_of(txns, req->transactional_id, req->producer_id, req->producer_epoch, txn);
    if (error == KAFKA_ERR_PRODUCER_FENCED)
        return KAFKA_ERR_INVALID_PRODUCER_EPOCH;
    if (error)
        return error;
    if (!adds && ((*txn)->state != TXN_ONGOING || !txn_has_group(*txn, req->group_id)))
        return KAFKA_ERR_INVALID_TXN_STATE;
    error = txn_member_error(call, req);
    if (!error && adds)
        error = txn_add(txns, *txn, NULL, 0, req->group_id, &lsn);
    return error;
}

/* What is refused of a topic whatever its transaction is. How many partitions are left. */
static int txn_refuse(struct call *call, const struct kafka_txn_offset_commit_req_topic *asked,
                      struct kafka_txn_offset_commit_res_topic *out)
{
    struct log_topic *topic = face_topic_visible(call->face, asked->name, NULL);
    bool may = call_may(call, ACL_READ, ACL_TOPIC, asked->name);
    int left = 0;

    for (int32_t i = 0; i < asked->partitions.count; i++) {
        bool is_there = topic && face_partition(topic, asked->partitions.at[i].partition_index);
        out->partitions.at[i].error_code = !may       ? KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED
                                           : is_there ? KAFKA_ERR_NONE
                                                      : KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
        left += may && is_there;
    }
    return left;
}

static int txn_put(struct call *call, const struct kafka_txn_offset_commit_req *req,
                   const struct kafka_txn_offset_commit_req_topic *asked,
                   struct kafka_txn_offset_commit_res_topic *out, const struct txn *txn,
                   struct log_entry *entry)
{
    int put = 0;

    for (int32_t i = 0; i < asked->partitions.count; i++) {
        const struct kafka_txn_offset_commit_req_partition *p = &asked->partitions.at[i];
        if (!out->partitions.at[i].error_code && p->committed_metadata.len > OFFSET_METADATA_MAX)
            out->partitions.at[i].error_code = KAFKA_ERR_OFFSET_METADATA_TOO_LARGE;
        if (out->partitions.at[i].error_code)
            continue;
        offset_put(call, entry,
                   &(struct offset_kept){.group = req->group_id,
                                        .topic = asked->name,
                                        .partition = p->partition_index,
                                        .committed = {p->committed_offset, p->committed_leader_epoch,
                                                      p->committed_metadata},
                                        .txn = txn});
        put++;
    }
    return put;
}

/* As many answers as were asked for. */
static void txn_answers(struct call *call, const struct kafka_txn_offset_commit_req *req,
                        struct kafka_txn_offset_commit_res *res)
{
    kafka_txn_offset_commit_res_init(res);
    res->topics.count = req->topics.count;
    res->topics.at = kafka_txn_offset_commit_res_topic_new(&call->arena, req->topics.count);
    for (int32_t t = 0; t < req->topics.count; t++) {
        const struct kafka_txn_offset_commit_req_topic *asked = &req->topics.at[t];
        struct kafka_txn_offset_commit_res_topic *out = &res->topics.at[t];
        out->name = arena_copy(&call->arena, asked->name);
        out->partitions.count = asked->partitions.count;
        out->partitions.at = kafka_txn_offset_commit_res_partition_new(&call->arena, asked->partitions.count);
        for (int32_t i = 0; i < asked->partitions.count; i++)
            out->partitions.at[i].partition_index = asked->partitions.at[i].partition_index;
    }
}

void kafka_on_txn_offset_commit(struct call *call, const void *request)
{
    const struct kafka_txn_offset_commit_req *req = request;
    struct kafka_txn_offset_commit_res *res =
        ARENA_NEW(&call->arena, struct kafka_txn_offset_commit_res);
    enum kafka_error error = txn_commit_right(call, req);
    struct txn *txn = NULL;
    uint64_t lsn = 0;
    int left = 0, put = 0;

    txn_answers(call, req, res);
    for (int32_t t = 0; t < req->topics.count && !error; t++)
        left += txn_refuse(call, &req->topics.at[t], &res->topics.at[t]);
    if (left)
        error = txn_commit_error(call, req, &txn);
    struct log_entry *entry = log_entry_begin(call->face->log);
    for (int32_t t = 0; t < req->topics.count && left && !error; t++)
        put += txn_put(call, req, &req->topics.at[t], &res->topics.at[t], txn, entry);
    if (error)
        set_txn_errors(res, error);
    if (!put)
        log_entry_abort(entry);
    else if (log_entry_commit(entry, NULL, &lsn) != ST_OK)
        set_txn_errors(res, KAFKA_ERR_COORDINATOR_NOT_AVAILABLE);
    call_answer_durable(call, res, lsn, txn_commit_failed);
}
