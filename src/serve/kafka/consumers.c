/* ConsumerGroupHeartbeat and ConsumerGroupDescribe: what they say, carried to the state machine of
 * consumer_group.h and back. What changed is one entry of the log, and the answer waits for it.
 *
 * A group is of one kind at a time: classic (group.h) or of consumers. One that nobody is in becomes the other kind
 * when its next member asks in the other protocol, and a live one of consumers moves (migrate.c); its committed
 * offsets stay. */
#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "serve/kafka/face.h"

enum {
    UNUSED_MS = 600000, /* an empty group without offsets is forgotten after it, as in Kafka */
};

/* ---- the machine's host ---- */

static void give_random(void *context, void *to, size_t len)
{
    const struct kafka_face *face = context;

    os_random(loop_os(face->loop), to, len);
}

static void describe_topic(const struct log_topic *topic, struct cgroup_topic *out)
{
    const struct log_topic_info *info = log_topic_info(topic);

    *out = (struct cgroup_topic){info->name, info->id, (int32_t)info->partitions};
}

static bool give_topic(void *context, struct bytes name, struct cgroup_topic *out)
{
    const struct log_topic *topic = face_topic_visible(context, name, NULL);

    if (topic)
        describe_topic(topic, out);
    return topic != NULL;
}

static bool give_topic_of(void *context, const uint8_t *id, struct cgroup_topic *out)
{
    const struct log_topic *topic = face_topic_visible(context, BYTES_NONE, id);

    if (topic)
        describe_topic(topic, out);
    return topic != NULL;
}

static void give_topics(void *context, cgroup_topic_fn *fn, void *fn_context)
{
    const struct kafka_face *face = context;
    const struct log_topic *topic = NULL;
    struct cgroup_topic out;

    while ((topic = log_topic_next(face->log, topic))) {
        if (log_topic_info(topic)->options.internal)
            continue;
        describe_topic(topic, &out);
        fn(fn_context, &out);
    }
}

static uint64_t give_stamp(void *context)
{
    const struct kafka_face *face = context;
    const struct log_topic *topic = NULL;
    uint64_t stamp = 1; /* not 0: that is a group that has not looked yet */

    while ((topic = log_topic_next(face->log, topic))) {
        const struct log_topic_info *info = log_topic_info(topic);
        stamp = hash_combine(stamp, hash_bytes(bytes_of(info->id, LOG_ID_BYTES)));
        stamp = hash_combine(stamp, info->partitions);
    }
    return stamp | 1;
}

static int32_t group_config(const struct kafka_face *face, struct bytes group, const char *name,
                            int64_t fallback)
{
    struct bytes value;
    int64_t v;

    if (config_kept(face, CONFIG_GROUP, group, config_find(CONFIG_GROUP, bytes_str(name)), &value) &&
        bytes_to_i64(value, &v))
        return (int32_t)v;
    return (int32_t)fallback;
}

static void give_times(void *context, struct bytes group, int32_t *session_ms, int32_t *heartbeat_ms)
{
    const struct kafka_face *face = context;

    *session_ms = group_config(face, group, "consumer.session.timeout.ms",
                               face->options.consumer_session_ms);
    *heartbeat_ms = group_config(face, group, "consumer.heartbeat.interval.ms",
                                 face->options.consumer_heartbeat_ms);
}

static bool load_fact(void *context, struct bytes key, struct bytes value)
{
    struct kafka_face *face = context;

    if (!cgroups_load(face->cgroups, face_now_ms(face), key, value))
        (void)groups_load(face->groups, face_now_ms(face), key, value); /* one that is none is left */
    return true;
}

void face_consumers_open(struct kafka_face *face)
{
    const struct cgroup_host host = {face,        give_random, give_topic, give_topic_of,
                                     give_topics, give_stamp,  give_times};
    const struct cgroup_options options = {.members_max = KAFKA_GROUP_MEMBERS_MAX, .groups_max = KAFKA_GROUPS_MAX};

    face->cgroups = cgroups_create(&host, &options);
    log_kv_scan(face->log, LOG_KV_CONSUMER_GROUPS, BYTES_NONE, load_fact, face);
}

void face_consumers_close(struct kafka_face *face)
{
    cgroups_destroy(face->cgroups);
}

/* ---- facts ---- */

static void put_fact(void *context, struct bytes key, struct bytes value)
{
    log_entry_kv(context, LOG_KV_CONSUMER_GROUPS, key, value);
}

enum kafka_error face_consumers_save(struct kafka_face *face, struct log_entry *entry, uint64_t *lsn)
{
    bool mine = entry == NULL;

    if (mine)
        entry = log_entry_begin(face->log);
    bool any = cgroups_save(face->cgroups, put_fact, entry);
    any |= groups_save(face->groups, put_fact, entry);
    if (mine && !any) {
        log_entry_abort(entry);
        return KAFKA_ERR_NONE;
    }
    if (log_entry_commit(entry, NULL, lsn) != ST_OK)
        return KAFKA_ERR_COORDINATOR_NOT_AVAILABLE; /* they are told again with the next */
    cgroups_saved(face->cgroups);
    groups_saved(face->groups);
    face->groups_lsn = *lsn;
    return KAFKA_ERR_NONE;
}

struct dropping {
    struct kafka_face *face;
    int64_t now_ms;
};

static void drop_if_unused(void *context, const struct cgroup_info *info)
{
    const struct dropping *d = context;

    if (face_group_downgrade(d->face, info->id))
        return; /* the last of the newer protocol was silent too long */
    if (info->members_count == 0 && d->now_ms - info->empty_since_ms >= UNUSED_MS &&
        !offsets_any(d->face, info->id))
        (void)cgroups_delete(d->face->cgroups, info->id);
}

void face_consumers_expire(struct kafka_face *face)
{
    struct dropping d = {face, face_now_ms(face)};
    uint64_t lsn;

    cgroups_expire(face->cgroups, d.now_ms);
    cgroups_each(face->cgroups, drop_if_unused, &d);
    (void)face_consumers_save(face, NULL, &lsn);
}

enum kafka_error face_consumers_make_way(struct kafka_face *face, struct bytes group_id)
{
    uint64_t lsn;
    enum kafka_error error = cgroups_delete(face->cgroups, group_id);

    if (error == KAFKA_ERR_NON_EMPTY_GROUP)
        return KAFKA_ERR_INCONSISTENT_GROUP_PROTOCOL;
    return error ? KAFKA_ERR_NONE : face_consumers_save(face, NULL, &lsn);
}

/* ---- ConsumerGroupHeartbeat ---- */

static const struct parts *owned_of(const struct kafka_consumer_group_heartbeat_req *req,
                                    struct parts *owned)
{
    if (req->topic_partitions.count < 0)
        return NULL;
    for (int32_t t = 0; t < req->topic_partitions.count; t++) {
        const struct kafka_consumer_group_heartbeat_req_topic_partitions *topic =
            &req->topic_partitions.at[t];
        for (int32_t i = 0; i < topic->partitions.count; i++)
            parts_push(owned, topic->topic_id, topic->partitions.at[i]);
    }
    parts_sort(owned);
    return owned;
}

static bool same_topic(const struct parts *set, uint32_t a, uint32_t b)
{
    return memcmp(set->at[a].topic, set->at[b].topic, PART_TOPIC_BYTES) == 0;
}

static int32_t topics_of(const struct parts *set)
{
    int32_t count = 0;

    for (uint32_t i = 0; i < set->count; i++)
        count += i == 0 || !same_topic(set, i - 1, i);
    return count;
}

/* The run of one topic's partitions that begins at from; *end: behind it. */
static int32_t *run_of(struct arena *arena, const struct parts *set, uint32_t from, uint32_t *end)
{
    for (*end = from; *end < set->count && same_topic(set, from, *end);)
        ++*end;
    int32_t *indexes = ARENA_ARRAY(arena, int32_t, *end - from);
    for (uint32_t i = from; i < *end; i++)
        indexes[i - from] = set->at[i].index;
    return indexes;
}

static struct kafka_consumer_group_heartbeat_res_assignment *assignment_of(struct arena *arena,
                                                                           const struct parts *set)
{
    struct kafka_consumer_group_heartbeat_res_assignment *a =
        kafka_consumer_group_heartbeat_res_assignment_new(arena, 1);
    uint32_t end;

    a->topic_partitions.at =
        kafka_consumer_group_heartbeat_res_topic_partitions_new(arena, topics_of(set));
    for (uint32_t i = 0; i < set->count; i = end) {
        struct kafka_consumer_group_heartbeat_res_topic_partitions *t =
            &a->topic_partitions.at[a->topic_partitions.count++];
        memcpy(t->topic_id, set->at[i].topic, PART_TOPIC_BYTES);
        t->partitions.at = run_of(arena, set, i, &end);
        t->partitions.count = (int32_t)(end - i);
    }
    return a;
}

static void fail(struct kafka_consumer_group_heartbeat_res *res, enum kafka_error error,
                 const char *why)
{
    kafka_consumer_group_heartbeat_res_init(res);
    res->error_code = (int16_t)error;
    res->error_message = why ? bytes_str(why) : BYTES_NONE;
}

static void heartbeat_failed(struct call *call)
{
    fail(call->answer, KAFKA_ERR_COORDINATOR_NOT_AVAILABLE, "the log could not keep it");
}

/* A classic group of this id that somebody is in becomes one of consumers for who joins; else it is in the way. */
static enum kafka_error make_way(struct kafka_face *face, const struct cgroup_beat *b, const char **why)
{
    struct group_info info;

    if (cgroups_find(face->cgroups, b->group_id, NULL) || !groups_find(face->groups, b->group_id, &info) ||
        info.members_count == 0)
        return KAFKA_ERR_NONE;
    if (b->epoch != 0) {
        *why = "the group is in use by the classic protocol";
        return KAFKA_ERR_GROUP_ID_NOT_FOUND;
    }
    enum kafka_error error = cgroups_beat_error(b, why);
    return error ? error : face_group_upgrade(face, b->group_id, why);
}

static void beat(struct call *call, const struct kafka_consumer_group_heartbeat_req *req,
                 const struct cgroup_beat *b, struct kafka_consumer_group_heartbeat_res *res)
{
    struct kafka_face *face = call->face;
    struct group_info classic;
    struct cgroup_answer answer;

    if (!features_has(face, "group.version")) {
        fail(res, KAFKA_ERR_UNSUPPORTED_VERSION, "the feature group.version is at level 0");
        return;
    }
    answer.error = make_way(face, b, &answer.why);
    if (answer.error) {
        fail(res, answer.error, answer.why);
        return;
    }
    cgroups_beat(face->cgroups, face_now_ms(face), b, &answer);
    if (cgroups_find(face->cgroups, req->group_id, NULL) && groups_find(face->groups, req->group_id, &classic))
        groups_give(face->groups, req->group_id); /* it was an empty one; ids that it gave out join here */
    fail(res, answer.error, answer.why);
    if (!answer.error) {
        res->member_id = arena_copy(&call->arena, answer.member_id);
        res->member_epoch = answer.epoch;
        res->heartbeat_interval_ms = answer.heartbeat_ms;
        if (answer.assignment)
            res->assignment = assignment_of(&call->arena, answer.assignment);
    }
    (void)face_group_downgrade(face, req->group_id);
}

/* A pattern is matched against all topics, whoever asks; so it is for who may know of all of them. */
static bool may_match(const struct call *call)
{
    const struct log_topic *topic = NULL;

    while ((topic = log_topic_next(call->face->log, topic))) {
        const struct log_topic_info *info = log_topic_info(topic);
        if (!info->options.internal && !call_may(call, ACL_DESCRIBE, ACL_TOPIC, info->name))
            return false;
    }
    return true;
}

static enum kafka_error beat_right(const struct call *call,
                                   const struct kafka_consumer_group_heartbeat_req *req)
{
    if (!call_may(call, ACL_READ, ACL_GROUP, req->group_id))
        return KAFKA_ERR_GROUP_AUTHORIZATION_FAILED;
    for (int32_t i = 0; i < req->subscribed_topic_names.count; i++)
        if (!call_may(call, ACL_DESCRIBE, ACL_TOPIC, req->subscribed_topic_names.at[i]))
            return KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
    return req->subscribed_topic_regex.len && !may_match(call) ? KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED
                                                               : KAFKA_ERR_NONE;
}

void kafka_on_consumer_group_heartbeat(struct call *call, const void *request)
{
    const struct kafka_consumer_group_heartbeat_req *req = request;
    struct kafka_consumer_group_heartbeat_res *res =
        ARENA_NEW(&call->arena, struct kafka_consumer_group_heartbeat_res);
    struct parts owned = {0};
    char peer[KAFKA_HOST_MAX];
    uint64_t lsn = 0;
    enum kafka_error right = beat_right(call, req);

    if (right) {
        fail(res, right, NULL);
        call_answer(call, res);
        return;
    }
    call_peer(call, peer);
    const struct cgroup_beat b = {
        .group_id = req->group_id,
        .member_id = req->member_id,
        .instance_id = req->instance_id,
        .rack_id = req->rack_id,
        .regex = req->subscribed_topic_regex,
        .assignor = req->server_assignor,
        .client_id = call->client_id.ptr ? call->client_id : BYTES_LITERAL(""),
        .client_host = bytes_str(arena_printf(&call->arena, "/%s", peer)),
        .epoch = req->member_epoch,
        .rebalance_ms = req->rebalance_timeout_ms,
        .topics = req->subscribed_topic_names.at,
        .topics_count = req->subscribed_topic_names.count,
        .owned = owned_of(req, &owned),
        .names_itself = call->version >= 1,
    };
    beat(call, req, &b, res);
    parts_free(&owned);
    enum kafka_error error = face_consumers_save(call->face, NULL, &lsn);
    face_groups_arm(call->face);
    if (error)
        fail(res, error, "the log could not keep it");
    call_answer_durable(call, res, lsn, heartbeat_failed);
}

/* ---- ConsumerGroupDescribe ---- */

struct describing {
    struct call *call;
    struct kafka_consumer_group_describe_res_group *out;
};

static struct bytes topic_name(const struct call *call, const uint8_t *id)
{
    const struct log_topic *topic = face_topic_visible(call->face, BYTES_NONE, id);

    return topic ? log_topic_info(topic)->name : BYTES_LITERAL("");
}

static void describe_assigned(struct call *call, const struct parts *set,
                              struct kafka_consumer_group_describe_res_assignment *out)
{
    uint32_t end;

    out->topic_partitions.at = kafka_consumer_group_describe_res_topic_partitions_new(
        &call->arena, topics_of(set));
    for (uint32_t i = 0; i < set->count; i = end) {
        struct kafka_consumer_group_describe_res_topic_partitions *t =
            &out->topic_partitions.at[out->topic_partitions.count++];
        memcpy(t->topic_id, set->at[i].topic, PART_TOPIC_BYTES);
        t->topic_name = topic_name(call, set->at[i].topic);
        t->partitions.at = run_of(&call->arena, set, i, &end);
        t->partitions.count = (int32_t)(end - i);
    }
}

static void describe_target(struct call *call, const struct parts *set,
                            struct kafka_consumer_group_describe_res_target_assignment *out)
{
    uint32_t end;

    out->topic_partitions.at = kafka_consumer_group_describe_res_target_partitions_new(
        &call->arena, topics_of(set));
    for (uint32_t i = 0; i < set->count; i = end) {
        struct kafka_consumer_group_describe_res_target_partitions *t =
            &out->topic_partitions.at[out->topic_partitions.count++];
        memcpy(t->topic_id, set->at[i].topic, PART_TOPIC_BYTES);
        t->topic_name = topic_name(call, set->at[i].topic);
        t->partitions.at = run_of(&call->arena, set, i, &end);
        t->partitions.count = (int32_t)(end - i);
    }
}

enum { TYPE_CLASSIC = 0, TYPE_CONSUMER = 1 };

static void describe_member(void *context, const struct cgroup_member_info *info)
{
    const struct describing *d = context;
    struct kafka_consumer_group_describe_res_member *m = &d->out->members.at[d->out->members.count++];

    m->member_id = info->member_id;
    m->instance_id = info->instance_id;
    m->rack_id = info->rack_id;
    m->member_epoch = info->epoch;
    m->client_id = info->client_id;
    m->client_host = info->client_host;
    m->subscribed_topic_regex = info->regex.len ? info->regex : BYTES_NONE;
    m->subscribed_topic_names.count = (int32_t)info->topics_count;
    m->subscribed_topic_names.at =
        ARENA_ARRAY(&d->call->arena, struct bytes, info->topics_count + 1);
    for (uint32_t i = 0; i < info->topics_count; i++)
        m->subscribed_topic_names.at[i] = info->topics[i];
    describe_assigned(d->call, info->assigned, &m->assignment);
    describe_target(d->call, info->target, &m->target_assignment);
    m->member_type = info->is_classic ? TYPE_CLASSIC : TYPE_CONSUMER;
}

/* One that is gone has no name here, and nothing to hide. */
static bool may_see(const struct call *call, struct bytes topic)
{
    return topic.len == 0 || call_sees(call, ACL_DESCRIBE, ACL_TOPIC, topic);
}

/* A group is told of when all topics that its members have, or are to have, may be. */
static bool may_see_topics(const struct call *call, const struct kafka_consumer_group_describe_res_group *g)
{
    for (int32_t m = 0; m < g->members.count; m++) {
        const struct kafka_consumer_group_describe_res_member *member = &g->members.at[m];
        for (int32_t t = 0; t < member->assignment.topic_partitions.count; t++)
            if (!may_see(call, member->assignment.topic_partitions.at[t].topic_name))
                return false;
        for (int32_t t = 0; t < member->target_assignment.topic_partitions.count; t++)
            if (!may_see(call, member->target_assignment.topic_partitions.at[t].topic_name))
                return false;
    }
    return true;
}

static void describe_group(struct call *call, struct bytes id,
                           struct kafka_consumer_group_describe_res_group *out)
{
    const struct describing d = {call, out};
    struct cgroup_info info;

    out->group_id = id;
    if (!call_may(call, ACL_DESCRIBE, ACL_GROUP, id)) {
        out->error_code = KAFKA_ERR_GROUP_AUTHORIZATION_FAILED;
        return;
    }
    if (!cgroups_find(call->face->cgroups, id, &info)) {
        bool classic = groups_find(call->face->groups, id, &(struct group_info){0});
        out->error_code = KAFKA_ERR_GROUP_ID_NOT_FOUND;
        out->error_message = classic ? BYTES_LITERAL("the group is a classic one")
                                     : BYTES_LITERAL("there is no such group");
        return;
    }
    out->group_state = bytes_str(cgroup_state_name(info.state));
    out->group_epoch = info.epoch;
    out->assignment_epoch = info.target_epoch;
    out->assignor_name = bytes_str(info.assignor);
    out->members.at =
        kafka_consumer_group_describe_res_member_new(&call->arena, (int32_t)info.members_count);
    cgroups_each_member(call->face->cgroups, id, describe_member, (void *)(uintptr_t)&d);
    if (may_see_topics(call, out))
        return;
    out->error_code = KAFKA_ERR_TOPIC_AUTHORIZATION_FAILED;
    out->members.count = 0;
}

void kafka_on_consumer_group_describe(struct call *call, const void *request)
{
    const struct kafka_consumer_group_describe_req *req = request;
    struct kafka_consumer_group_describe_res res;

    kafka_consumer_group_describe_res_init(&res);
    res.groups.count = req->group_ids.count;
    res.groups.at = kafka_consumer_group_describe_res_group_new(&call->arena, req->group_ids.count);
    for (int32_t i = 0; i < req->group_ids.count; i++) {
        describe_group(call, req->group_ids.at[i], &res.groups.at[i]);
        if (req->include_authorized_operations && !res.groups.at[i].error_code)
            res.groups.at[i].authorized_operations = call_operations(call, ACL_GROUP, req->group_ids.at[i]);
    }
    call_answer(call, &res);
}
