/* Committed offsets: facts of the log, in its key-value space, so that a commit is as durable as a
 * record and is answered when it is.
 *
 *     key    u16 length, group | u16 length, topic | u32 partition         big-endian throughout
 *     value  u8 version 1 | i64 offset | i32 leader epoch | i64 committed at, ms | metadata
 *
 * A group's offsets are so one run of keys. All partitions of a request are one atomic entry. */
#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "serve/kafka/face.h"

enum { VALUE_VERSION = 1, METADATA_MAX = 4096 };

struct committed {
    int64_t offset;
    int32_t leader_epoch;
    struct bytes metadata;
};

static void put_name(struct buf *buf, struct bytes name)
{
    buf_u16_be(buf, (uint16_t)name.len);
    buf_bytes(buf, name);
}

static struct bytes group_prefix(struct buf *buf, struct bytes group)
{
    buf_clear(buf);
    put_name(buf, group);
    return buf_view(buf);
}

static struct bytes offset_key(struct buf *buf, struct bytes group, struct bytes topic,
                               int32_t partition)
{
    (void)group_prefix(buf, group);
    put_name(buf, topic);
    buf_u32_be(buf, (uint32_t)partition);
    return buf_view(buf);
}

static bool key_parse(struct bytes key, struct bytes *group, struct bytes *topic,
                      int32_t *partition)
{
    struct reader r = reader_of(key);

    *group = reader_bytes(&r, reader_u16_be(&r));
    *topic = reader_bytes(&r, reader_u16_be(&r));
    *partition = (int32_t)reader_u32_be(&r);
    return !r.bad && reader_left(&r) == 0;
}

static bool value_parse(struct bytes value, struct committed *out)
{
    struct reader r = reader_of(value);

    if (reader_u8(&r) != VALUE_VERSION)
        return false;
    out->offset = (int64_t)reader_u64_be(&r);
    out->leader_epoch = (int32_t)reader_u32_be(&r);
    (void)reader_u64_be(&r);
    out->metadata = reader_rest(&r);
    return !r.bad;
}

/* ---- OffsetCommit ---- */

/* One partition's offset on its way to be kept; txn: once that has committed. */
struct offset_put {
    struct bytes group, topic;
    int32_t partition;
    struct committed committed;
    const struct txn *txn;
};

static void put_offset(struct call *call, struct log_entry *entry, const struct offset_put *put)
{
    struct buf key, value;

    buf_init(&key, 0);
    buf_init(&value, 0);
    buf_u8(&value, VALUE_VERSION);
    buf_u64_be(&value, (uint64_t)put->committed.offset);
    buf_u32_be(&value, (uint32_t)put->committed.leader_epoch);
    buf_u64_be(&value, (uint64_t)(loop_wall_us(call->face->loop) / 1000));
    buf_bytes(&value, put->committed.metadata);
    (void)offset_key(&key, put->group, put->topic, put->partition);
    if (put->txn)
        txn_offset_put(entry, put->txn, buf_view(&key), buf_view(&value));
    else
        log_entry_kv(entry, LOG_KV_GROUPS, buf_view(&key), buf_view(&value));
    buf_deinit(&key);
    buf_deinit(&value);
}

static enum kafka_error commit_error(const struct kafka_face *face, struct bytes topic,
                                     int32_t partition, struct bytes metadata)
{
    struct log_topic *t = face_topic_visible(face, topic, NULL);

    if (!t || !face_partition(t, partition))
        return KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION;
    return metadata.len > METADATA_MAX ? KAFKA_ERR_OFFSET_METADATA_TOO_LARGE : KAFKA_ERR_NONE;
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
        put_offset(call, entry,
                   &(struct offset_put){.group = req->group_id,
                                        .topic = asked->name,
                                        .partition = p->partition_index,
                                        .committed = {p->committed_offset, p->committed_leader_epoch,
                                                      p->committed_metadata}});
        put++;
    }
    return put;
}

/* Of either kind of group. A group of consumers is asked for the member's epoch, which older versions
 * of the request do not know to be one. */
static enum kafka_error may_commit(struct call *call, const struct group_caller *caller)
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
                                 ? may_commit(call, &caller)
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

/* ---- TxnOffsetCommit ---- */

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
    enum kafka_error error = may_commit(call, &caller);
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
        if (!out->partitions.at[i].error_code && p->committed_metadata.len > METADATA_MAX)
            out->partitions.at[i].error_code = KAFKA_ERR_OFFSET_METADATA_TOO_LARGE;
        if (out->partitions.at[i].error_code)
            continue;
        put_offset(call, entry,
                   &(struct offset_put){.group = req->group_id,
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

/* ---- OffsetFetch ---- */

/* A transaction that is ongoing may change it: who asks for what is stable must ask again. */
static bool is_unstable(const struct kafka_face *face, struct bytes group, struct bytes topic,
                        int32_t partition)
{
    struct buf key;

    if (!face->txns.first)
        return false;
    buf_init(&key, 0);
    bool pending = txn_offset_pending(&face->txns, group, offset_key(&key, group, topic, partition));
    buf_deinit(&key);
    return pending;
}

static struct committed committed_of(const struct kafka_face *face, struct bytes group,
                                     struct bytes topic, int32_t partition)
{
    struct committed c = {-1, -1, BYTES_LITERAL("")};
    struct bytes value;
    struct buf key;

    buf_init(&key, 0);
    if (log_kv_get(face->log, LOG_KV_GROUPS, offset_key(&key, group, topic, partition), &value) &&
        !value_parse(value, &c))
        c = (struct committed){-1, -1, BYTES_LITERAL("")};
    buf_deinit(&key);
    return c;
}

struct gathering {
    struct call *call;
    bool stable; /* is asked for */
    struct kafka_offset_fetch_res_group_topic *topics; /* room for all */
    int32_t topics_count;
};

static void make_unstable(struct kafka_offset_fetch_res_group_partition *p)
{
    p->error_code = KAFKA_ERR_UNSTABLE_OFFSET_COMMIT;
    p->committed_offset = -1;
    p->committed_leader_epoch = -1;
    p->metadata = BYTES_LITERAL("");
}

static bool count_key(void *context, struct bytes key, struct bytes value)
{
    (void)key;
    (void)value;
    ++*(int32_t *)context;
    return true;
}

/* Keys come in order, so a topic's partitions stand together. */
static bool gather(void *context, struct bytes key, struct bytes value)
{
    struct gathering *g = context;
    struct arena *arena = &g->call->arena;
    struct bytes group, topic;
    struct committed c;
    int32_t partition;

    if (!key_parse(key, &group, &topic, &partition) || !value_parse(value, &c) ||
        !call_sees(g->call, ACL_DESCRIBE, ACL_TOPIC, topic))
        return true;
    struct kafka_offset_fetch_res_group_topic *last =
        g->topics_count ? &g->topics[g->topics_count - 1] : NULL;
    if (!last || !bytes_equal(last->name, topic)) {
        last = &g->topics[g->topics_count++];
        last->name = arena_copy(arena, topic);
    }
    int32_t n = last->partitions.count;
    if ((n & (n - 1)) == 0) { /* full at each power of two */
        struct kafka_offset_fetch_res_group_partition *more =
            kafka_offset_fetch_res_group_partition_new(arena, n ? 2 * n : 1);
        if (n)
            memcpy(more, last->partitions.at, (size_t)n * sizeof(*more));
        last->partitions.at = more;
    }
    last->partitions.at[n] = (struct kafka_offset_fetch_res_group_partition){
        .partition_index = partition,
        .committed_offset = c.offset,
        .committed_leader_epoch = c.leader_epoch,
        .metadata = arena_copy(arena, c.metadata)};
    if (g->stable && is_unstable(g->call->face, group, topic, partition))
        make_unstable(&last->partitions.at[n]);
    last->partitions.count = n + 1;
    return true;
}

static void fetch_all(struct call *call, struct bytes group, bool stable,
                      struct kafka_offset_fetch_res_group *out)
{
    struct gathering g = {.call = call, .stable = stable};
    int32_t count = 0;
    struct buf prefix;

    buf_init(&prefix, 0);
    (void)group_prefix(&prefix, group);
    log_kv_scan(call->face->log, LOG_KV_GROUPS, buf_view(&prefix), count_key, &count);
    g.topics = kafka_offset_fetch_res_group_topic_new(&call->arena, count);
    log_kv_scan(call->face->log, LOG_KV_GROUPS, buf_view(&prefix), gather, &g);
    buf_deinit(&prefix);
    out->topics.at = g.topics;
    out->topics.count = g.topics_count;
}

static struct kafka_offset_fetch_res_group_partition unknown_offset(int32_t index, enum kafka_error error)
{
    return (struct kafka_offset_fetch_res_group_partition){.partition_index = index,
                                                           .committed_offset = -1,
                                                           .committed_leader_epoch = -1,
                                                           .metadata = BYTES_LITERAL(""),
                                                           .error_code = (int16_t)error};
}

static void fetch_topic(struct call *call, struct bytes group, bool stable, struct bytes name,
                        const int32_t *indexes, int32_t count,
                        struct kafka_offset_fetch_res_group_topic *out)
{
    bool may = call_may(call, ACL_DESCRIBE, ACL_TOPIC, name);

    out->name = arena_copy(&call->arena, name);
    out->partitions.count = count;
    out->partitions.at = kafka_offset_fetch_res_group_partition_new(&call->arena, count);
    for (int32_t i = 0; i < count; i++) {
        if (!may) {
            out->partitions.at[i] = unknown_offset(indexes[i], KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED);
            continue;
        }
        struct committed c = committed_of(call->face, group, name, indexes[i]);
        out->partitions.at[i].partition_index = indexes[i];
        out->partitions.at[i].committed_offset = c.offset;
        out->partitions.at[i].committed_leader_epoch = c.leader_epoch;
        out->partitions.at[i].metadata = arena_copy(&call->arena, c.metadata);
        if (stable && is_unstable(call->face, group, name, indexes[i]))
            make_unstable(&out->partitions.at[i]);
    }
}

/* Versions before 2 have no code but those of the partitions. */
static void refuse_old(struct call *call, const struct kafka_offset_fetch_req *req,
                       struct kafka_offset_fetch_res *res)
{
    res->error_code = KAFKA_ERR_GROUP_AUTHORIZATION_FAILED;
    if (call->version >= 2)
        return;
    res->topics.count = req->topics.count > 0 ? req->topics.count : 0;
    res->topics.at = kafka_offset_fetch_res_topic_new(&call->arena, res->topics.count);
    for (int32_t t = 0; t < res->topics.count; t++) {
        struct kafka_offset_fetch_res_topic *out = &res->topics.at[t];
        out->name = arena_copy(&call->arena, req->topics.at[t].name);
        out->partitions.count = req->topics.at[t].partition_indexes.count;
        out->partitions.at = kafka_offset_fetch_res_partition_new(&call->arena, out->partitions.count);
        for (int32_t i = 0; i < out->partitions.count; i++)
            out->partitions.at[i] = (struct kafka_offset_fetch_res_partition){
                .partition_index = req->topics.at[t].partition_indexes.at[i],
                .committed_offset = -1,
                .committed_leader_epoch = -1,
                .metadata = BYTES_LITERAL(""),
                .error_code = KAFKA_ERR_GROUP_AUTHORIZATION_FAILED};
    }
}

/* Versions 0 to 7 ask for one group, in fields of the request itself. */
static void fetch_old(struct call *call, const struct kafka_offset_fetch_req *req,
                      struct kafka_offset_fetch_res *res)
{
    struct kafka_offset_fetch_res_group g;

    kafka_init(&kafka_offset_fetch_res_group_type, &g);
    if (!call_may(call, ACL_DESCRIBE, ACL_GROUP, req->group_id)) {
        refuse_old(call, req, res);
        return;
    }
    if (req->topics.count < 0) {
        fetch_all(call, req->group_id, req->require_stable, &g);
    } else {
        g.topics.count = req->topics.count;
        g.topics.at = kafka_offset_fetch_res_group_topic_new(&call->arena, req->topics.count);
        for (int32_t t = 0; t < req->topics.count; t++)
            fetch_topic(call, req->group_id, req->require_stable, req->topics.at[t].name,
                        req->topics.at[t].partition_indexes.at,
                        req->topics.at[t].partition_indexes.count, &g.topics.at[t]);
    }
    res->topics.count = g.topics.count;
    res->topics.at = kafka_offset_fetch_res_topic_new(&call->arena, g.topics.count);
    for (int32_t t = 0; t < g.topics.count; t++) {
        struct kafka_offset_fetch_res_topic *out = &res->topics.at[t];
        int32_t count = g.topics.at[t].partitions.count;
        out->name = g.topics.at[t].name;
        out->partitions.count = count;
        out->partitions.at = kafka_offset_fetch_res_partition_new(&call->arena, count);
        for (int32_t i = 0; i < count; i++) {
            const struct kafka_offset_fetch_res_group_partition *p =
                &g.topics.at[t].partitions.at[i];
            out->partitions.at[i] = (struct kafka_offset_fetch_res_partition){
                .partition_index = p->partition_index,
                .committed_offset = p->committed_offset,
                .committed_leader_epoch = p->committed_leader_epoch,
                .metadata = p->metadata,
                .error_code = p->error_code};
        }
    }
}

static void fetch_group(struct call *call, const struct kafka_offset_fetch_req_group *asked,
                        bool stable, struct kafka_offset_fetch_res_group *out)
{
    out->group_id = arena_copy(&call->arena, asked->group_id);
    if (!call_may(call, ACL_DESCRIBE, ACL_GROUP, asked->group_id)) {
        out->error_code = KAFKA_ERR_GROUP_AUTHORIZATION_FAILED;
        return;
    }
    if (cgroups_find(call->face->cgroups, asked->group_id, NULL))
        out->error_code = (int16_t)cgroups_may_fetch(call->face->cgroups, asked->group_id,
                                                     asked->member_id, asked->member_epoch);
    if (out->error_code)
        return;
    if (asked->topics.count < 0) {
        fetch_all(call, asked->group_id, stable, out);
        return;
    }
    out->topics.count = asked->topics.count;
    out->topics.at = kafka_offset_fetch_res_group_topic_new(&call->arena, asked->topics.count);
    for (int32_t t = 0; t < asked->topics.count; t++)
        fetch_topic(call, asked->group_id, stable, asked->topics.at[t].name,
                    asked->topics.at[t].partition_indexes.at,
                    asked->topics.at[t].partition_indexes.count, &out->topics.at[t]);
}

static void fetch_failed(struct call *call)
{
    struct kafka_offset_fetch_res *res = call->answer;

    res->error_code = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
    for (int32_t t = 0; t < res->topics.count; t++)
        for (int32_t i = 0; i < res->topics.at[t].partitions.count; i++)
            res->topics.at[t].partitions.at[i].error_code = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
    for (int32_t i = 0; i < res->groups.count; i++)
        res->groups.at[i].error_code = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
}

/* Answered when what it tells is durable: an offset that a crash takes back, with the transaction that put it,
 * would have its reader pass over records whose results are gone. */
void kafka_on_offset_fetch(struct call *call, const void *request)
{
    const struct kafka_offset_fetch_req *req = request;
    struct kafka_offset_fetch_res *res = ARENA_NEW(&call->arena, struct kafka_offset_fetch_res);

    kafka_offset_fetch_res_init(res);
    if (call->version < 8)
        fetch_old(call, req, res);
    res->groups.count = req->groups.count;
    res->groups.at = kafka_offset_fetch_res_group_new(&call->arena, req->groups.count);
    for (int32_t i = 0; i < req->groups.count; i++)
        fetch_group(call, &req->groups.at[i], req->require_stable, &res->groups.at[i]);
    call_answer_durable(call, res, log_end_lsn(call->face->log), fetch_failed);
}

/* ---- forgetting ---- */

struct forgetting {
    struct log_entry *entry;
    struct bytes topic; /* ptr NULL: any */
    struct buf keys;    /* sized, one after the other: the space must not change in a scan */
};

static bool note_key(void *context, struct bytes key, struct bytes value)
{
    struct forgetting *f = context;
    struct bytes group, topic;
    int32_t partition;

    (void)value;
    if (key_parse(key, &group, &topic, &partition) &&
        (!f->topic.ptr || bytes_equal(topic, f->topic)))
        buf_sized(&f->keys, key);
    return true;
}

static void forget_all(struct kafka_face *face, struct bytes prefix, struct bytes topic,
                       struct log_entry *entry)
{
    struct forgetting f = {.entry = entry, .topic = topic};

    buf_init(&f.keys, 0);
    log_kv_scan(face->log, LOG_KV_GROUPS, prefix, note_key, &f);
    struct reader r = reader_of(buf_view(&f.keys));
    while (reader_left(&r))
        log_entry_kv(entry, LOG_KV_GROUPS, reader_sized(&r), BYTES_NONE);
    buf_deinit(&f.keys);
}

void offsets_forget_group(struct kafka_face *face, struct bytes group_id, struct log_entry *entry)
{
    struct buf prefix;

    buf_init(&prefix, 0);
    forget_all(face, group_prefix(&prefix, group_id), BYTES_NONE, entry);
    buf_deinit(&prefix);
}

void offsets_forget_topic(struct kafka_face *face, struct bytes topic)
{
    struct log_entry *entry = log_entry_begin(face->log);

    forget_all(face, BYTES_NONE, topic, entry);
    (void)!log_entry_commit(entry, NULL, NULL); /* offsets of a topic that is gone harm nobody */
}

static bool stop_at_first(void *context, struct bytes key, struct bytes value)
{
    (void)key;
    (void)value;
    *(bool *)context = true;
    return false;
}

bool offsets_any(const struct kafka_face *face, struct bytes group)
{
    bool any = false;
    struct buf prefix;

    buf_init(&prefix, 0);
    log_kv_scan(face->log, LOG_KV_GROUPS, group_prefix(&prefix, group), stop_at_first, &any);
    buf_deinit(&prefix);
    return any;
}

static bool load_group(void *context, struct bytes key, struct bytes value)
{
    struct kafka_face *face = context;
    struct bytes group, topic;
    int32_t partition;

    (void)value;
    if (key_parse(key, &group, &topic, &partition) && !cgroups_find(face->cgroups, group, NULL))
        groups_known(face->groups, group);
    return true;
}

void offsets_load_groups(struct kafka_face *face)
{
    log_kv_scan(face->log, LOG_KV_GROUPS, BYTES_NONE, load_group, face);
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
