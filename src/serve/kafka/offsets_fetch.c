/* OffsetFetch. */
#include "serve/kafka/offsets.h"

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

static struct offset_committed committed_of(const struct kafka_face *face, struct bytes group,
                                     struct bytes topic, int32_t partition)
{
    struct offset_committed c = {-1, -1, BYTES_LITERAL("")};
    struct bytes value;
    struct buf key;

    buf_init(&key, 0);
    if (log_kv_get(face->log, LOG_KV_GROUPS, offset_key(&key, group, topic, partition), &value) &&
        !offset_value_parse(value, &c))
        c = (struct offset_committed){-1, -1, BYTES_LITERAL("")};
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
    struct offset_committed c;
    int32_t partition;

    if (!offset_key_parse(key, &group, &topic, &partition) || !offset_value_parse(value, &c) ||
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
    (void)offset_group_prefix(&prefix, group);
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
        struct offset_committed c = committed_of(call->face, group, name, indexes[i]);
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
