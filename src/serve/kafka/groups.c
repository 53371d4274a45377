/* The group requests: what they say in each version, carried to the state machine of group.h and
 * back. One loop timer stands for all of its deadlines. */
#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/face.h"
#include "wire/kafka/members.h"

enum {
    SESSION_MS_MIN = 100,
    SESSION_MS_MAX = 1800000,
    PROTOCOLS_MAX = 64,
    KEY_GROUP = 0,
    KEY_TRANSACTION = 1,
};

/* ---- the machine's host ---- */

static void give_random(void *context, void *to, size_t len)
{
    const struct kafka_face *face = context;

    os_random(loop_os(face->loop), to, len);
}

static void join_failed(struct call *call)
{
    struct kafka_join_group_res *res = call->answer;

    kafka_join_group_res_init(res);
    res->error_code = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
    res->generation_id = -1;
}

/* Waits for what was kept last: a member that a crash forgets may not have been told that it is one. */
static void give_join(void *token, const struct group_join_answer *answer)
{
    struct call *call = token;
    struct kafka_join_group_res *res = ARENA_NEW(&call->arena, struct kafka_join_group_res);

    kafka_join_group_res_init(res);
    res->error_code = (int16_t)answer->error;
    res->generation_id = answer->generation;
    res->protocol_type = call_copy(call, answer->protocol_type);
    res->protocol_name = call_copy(call, answer->protocol);
    res->leader = call_copy(call, answer->leader);
    res->skip_assignment = answer->skip_assignment;
    res->member_id = call_copy(call, answer->member_id);
    res->members.count = answer->members_count;
    res->members.at = kafka_join_group_res_member_new(&call->arena, answer->members_count);
    for (int32_t i = 0; i < answer->members_count; i++) {
        res->members.at[i].member_id = call_copy(call, answer->members[i].member_id);
        res->members.at[i].group_instance_id = call_copy(call, answer->members[i].instance_id);
        res->members.at[i].metadata = call_copy(call, answer->members[i].metadata);
    }
    call_answer_durable(call, res, call->face->groups_lsn, join_failed);
}

static void sync_failed(struct call *call)
{
    struct kafka_sync_group_res *res = call->answer;

    kafka_sync_group_res_init(res);
    res->error_code = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
}

static void give_sync(void *token, const struct group_sync_answer *answer)
{
    struct call *call = token;
    struct kafka_sync_group_res *res = ARENA_NEW(&call->arena, struct kafka_sync_group_res);

    kafka_sync_group_res_init(res);
    res->error_code = (int16_t)answer->error;
    res->protocol_type = call_copy(call, answer->protocol_type);
    res->protocol_name = call_copy(call, answer->protocol);
    res->assignment = call_copy(call, answer->assignment);
    call_answer_durable(call, res, call->face->groups_lsn, sync_failed);
}

/* If the log takes nothing now the group goes on as it is, and what changed goes with the next. */
static void keep_what_changed(void *context)
{
    uint64_t lsn;

    (void)face_consumers_save(context, NULL, &lsn);
}

/* A group that nobody is in and that has committed nothing is not remembered. */
static void drop_if_unused(void *context, const struct group_info *info)
{
    const struct kafka_face *face = context;

    if (info->state == GROUP_EMPTY && !offsets_any(face, info->id))
        (void)groups_delete(face->groups, info->id); /* not if an id of it is still out */
}

static void on_deadline(void *context)
{
    struct kafka_face *face = context;

    groups_expire(face->groups, face_now_ms(face));
    groups_each(face->groups, drop_if_unused, face);
    face_consumers_expire(face);
    face_groups_arm(face);
}

void face_groups_arm(struct kafka_face *face)
{
    int64_t at_ms = groups_deadline_ms(face->groups), other_ms = cgroups_deadline_ms(face->cgroups);

    if (other_ms < at_ms)
        at_ms = other_ms;
    if (at_ms == INT64_MAX)
        loop_timer_clear(face->groups_timer);
    else
        loop_timer_set(face->groups_timer, (at_ms + 1) * 1000000);
}

void face_groups_open(struct kafka_face *face)
{
    const struct group_host host = {face, give_join, give_sync, give_random, keep_what_changed};
    const struct group_options options = {
        .rebalance_delay_ms = face->options.rebalance_delay_ms < 0 ? 0 : face->options.rebalance_delay_ms,
        .session_ms_min = SESSION_MS_MIN,
        .session_ms_max = SESSION_MS_MAX,
        .members_max = KAFKA_GROUP_MEMBERS_MAX,
        .groups_max = KAFKA_GROUPS_MAX,
    };

    face->groups = groups_create(&host, &options);
    face->groups_timer = loop_timer_create(face->loop, on_deadline, face);
}

void face_groups_close(struct kafka_face *face)
{
    loop_timer_destroy(face->groups_timer);
    groups_destroy(face->groups);
}

static void forget(struct call *call)
{
    groups_forget(call->face->groups, call);
}

/* ---- requests ---- */

static void set_node(struct call *call, int32_t *node_id, struct bytes *host, int32_t *port)
{
    char text[KAFKA_HOST_MAX];

    call_address(call, text, port);
    *host = arena_copy(&call->arena, bytes_str(text));
    *node_id = call->face->options.node_id;
}

static enum kafka_error coordinator_right(const struct call *call, int8_t type, struct bytes key)
{
    if (type == KEY_GROUP && !call_may(call, ACL_DESCRIBE, ACL_GROUP, key))
        return KAFKA_ERR_GROUP_AUTHORIZATION_FAILED;
    if (type == KEY_TRANSACTION && !call_may(call, ACL_DESCRIBE, ACL_TRANSACTIONAL_ID, key))
        return KAFKA_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    return KAFKA_ERR_NONE;
}

void kafka_on_find_coordinator(struct call *call, const void *request)
{
    const struct kafka_find_coordinator_req *req = request;
    struct kafka_find_coordinator_res res;
    enum kafka_error error = KAFKA_ERR_NONE;
    struct bytes why = BYTES_NONE;

    if (req->key_type != KEY_GROUP && req->key_type != KEY_TRANSACTION) {
        error = KAFKA_ERR_INVALID_REQUEST;
        why = BYTES_LITERAL("groups and transactional ids have a coordinator");
    }
    if (!error && call->version < 4)
        error = coordinator_right(call, req->key_type, req->key);
    kafka_find_coordinator_res_init(&res);
    res.error_code = (int16_t)error;
    res.error_message = why;
    res.node_id = res.port = -1;
    if (!error)
        set_node(call, &res.node_id, &res.host, &res.port);
    res.coordinators.count = req->coordinator_keys.count;
    res.coordinators.at =
        kafka_find_coordinator_res_coordinator_new(&call->arena, req->coordinator_keys.count);
    for (int32_t i = 0; i < req->coordinator_keys.count; i++) {
        struct kafka_find_coordinator_res_coordinator *c = &res.coordinators.at[i];
        c->key = req->coordinator_keys.at[i];
        c->node_id = res.node_id;
        c->host = res.host;
        c->port = res.port;
        c->error_code = (int16_t)error;
        c->error_message = why;
        if (!error)
            c->error_code = (int16_t)coordinator_right(call, req->key_type, c->key);
        if (c->error_code) {
            c->node_id = c->port = -1;
            c->host = BYTES_LITERAL("");
        }
    }
    call_answer(call, &res);
}

void kafka_on_join_group(struct call *call, const void *request)
{
    const struct kafka_join_group_req *req = request;
    struct kafka_face *face = call->face;
    char peer[KAFKA_HOST_MAX];
    int32_t count = req->protocols.count;

    if (!call_may(call, ACL_READ, ACL_GROUP, req->group_id)) {
        give_join(call, &(struct group_join_answer){.error = KAFKA_ERR_GROUP_AUTHORIZATION_FAILED,
                                                    .generation = -1,
                                                    .member_id = req->member_id});
        return;
    }
    call_peer(call, peer);
    struct group_protocol *protocols =
        ARENA_ARRAY(&call->arena, struct group_protocol, count < PROTOCOLS_MAX ? count + 1 : 1);
    if (count > PROTOCOLS_MAX)
        count = 0; /* refused as inconsistent */
    for (int32_t i = 0; i < count; i++)
        protocols[i] = (struct group_protocol){req->protocols.at[i].name,
                                               req->protocols.at[i].metadata};
    struct group_join join = {
        .group_id = req->group_id,
        .member_id = req->member_id,
        .instance_id = req->group_instance_id,
        .client_id = call->client_id,
        .client_host = bytes_str(arena_printf(&call->arena, "/%s", peer)),
        .protocol_type = req->protocol_type,
        .session_timeout_ms = req->session_timeout_ms,
        .rebalance_timeout_ms = req->rebalance_timeout_ms,
        .known_id_required = call->version >= 4,
        .skip_assignment_ok = call->version >= 9,
        .protocols = {protocols, count},
    };
    if (face_consumers_live(face, req->group_id) && face_consumers_join(call, &join))
        return;
    call->cancel = forget;
    enum kafka_error error = face_consumers_make_way(face, req->group_id);
    if (error) {
        const struct group_join_answer answer = {
            .error = error, .generation = -1, .member_id = req->member_id, .leader = BYTES_LITERAL("")};
        give_join(call, &answer);
        return;
    }
    groups_join(face->groups, face_now_ms(face), &join, call);
    face_groups_arm(face);
}

void kafka_on_sync_group(struct call *call, const void *request)
{
    const struct kafka_sync_group_req *req = request;
    struct kafka_face *face = call->face;
    int32_t count = req->assignments.count;
    struct group_protocol *assignments =
        ARENA_ARRAY(&call->arena, struct group_protocol, count + 1);

    if (!call_may(call, ACL_READ, ACL_GROUP, req->group_id)) {
        give_sync(call, &(struct group_sync_answer){.error = KAFKA_ERR_GROUP_AUTHORIZATION_FAILED});
        return;
    }
    for (int32_t i = 0; i < count; i++)
        assignments[i] = (struct group_protocol){req->assignments.at[i].member_id,
                                                 req->assignments.at[i].assignment};
    const struct group_sync sync = {
        .group_id = req->group_id,
        .member_id = req->member_id,
        .instance_id = req->group_instance_id,
        .protocol_type = req->protocol_type,
        .protocol = req->protocol_name,
        .generation = req->generation_id,
        .assignments = assignments,
        .assignments_count = count,
    };
    if (face_consumers_live(face, req->group_id)) {
        face_consumers_sync(call, &sync);
        return;
    }
    call->cancel = forget;
    groups_sync(face->groups, face_now_ms(face), &sync, call);
    face_groups_arm(face);
}

void kafka_on_heartbeat(struct call *call, const void *request)
{
    const struct kafka_heartbeat_req *req = request;
    struct kafka_face *face = call->face;
    struct kafka_heartbeat_res res;
    const struct group_caller caller = {req->group_id, req->member_id, req->group_instance_id,
                                        req->generation_id};

    kafka_heartbeat_res_init(&res);
    if (!call_may(call, ACL_READ, ACL_GROUP, req->group_id))
        res.error_code = KAFKA_ERR_GROUP_AUTHORIZATION_FAILED;
    else if (face_consumers_live(face, req->group_id))
        res.error_code = (int16_t)cgroups_heartbeat(face->cgroups, face_now_ms(face), &caller);
    else
        res.error_code = (int16_t)groups_heartbeat(face->groups, face_now_ms(face), &caller);
    face_groups_arm(face);
    call_answer(call, &res);
}

/* One member goes, whichever kind its group is of. */
static int16_t leave(struct kafka_face *face, const struct group_caller *caller)
{
    int64_t now_ms = face_now_ms(face);

    return (int16_t)(face_consumers_live(face, caller->group_id) ? cgroups_leave(face->cgroups, now_ms, caller)
                                                                 : groups_leave(face->groups, now_ms, caller));
}

static void leave_all(struct call *call, const struct kafka_leave_group_req *req, struct kafka_leave_group_res *res)
{
    if (call->version < 3)
        res->error_code = leave(call->face, &(struct group_caller){req->group_id, req->member_id, BYTES_NONE, -1});
    res->members.count = req->members.count;
    res->members.at = kafka_leave_group_res_member_new(&call->arena, req->members.count);
    for (int32_t i = 0; i < req->members.count; i++) {
        const struct kafka_leave_group_req_member *m = &req->members.at[i];
        const struct group_caller caller = {req->group_id, m->member_id, m->group_instance_id, -1};
        res->members.at[i].member_id = call_copy(call, m->member_id);
        res->members.at[i].group_instance_id = call_copy(call, m->group_instance_id);
        res->members.at[i].error_code = leave(call->face, &caller);
    }
}

void kafka_on_leave_group(struct call *call, const void *request)
{
    const struct kafka_leave_group_req *req = request;
    struct kafka_face *face = call->face;
    struct kafka_leave_group_res *res = ARENA_NEW(&call->arena, struct kafka_leave_group_res);
    bool of_consumers = face_consumers_live(face, req->group_id);

    kafka_leave_group_res_init(res);
    if (!call_may(call, ACL_READ, ACL_GROUP, req->group_id)) {
        res->error_code = KAFKA_ERR_GROUP_AUTHORIZATION_FAILED;
        call_answer(call, res);
        return;
    }
    leave_all(call, req, res);
    if (of_consumers) {
        face_consumers_left(call, req->group_id, res);
        return;
    }
    struct group_info info;
    if (groups_find(face->groups, req->group_id, &info))
        drop_if_unused(face, &info);
    keep_what_changed(face);
    face_groups_arm(face);
    call_answer(call, res);
}

/* ---- looking ---- */

struct subscription {
    struct bytes topic;
    bool found;
};

static void look_at_topic(void *context, struct bytes topic)
{
    struct subscription *s = context;

    s->found = s->found || bytes_equal(topic, s->topic);
}

static void look_for_topic(void *context, const struct group_member_info *info)
{
    (void)subscription_read(info->metadata, look_at_topic, context); /* what another protocol says is no matter */
}

bool face_group_subscribes(const struct kafka_face *face, struct bytes group_id, struct bytes topic)
{
    struct subscription s = {topic, false};

    groups_each_member(face->groups, group_id, look_for_topic, &s);
    return s.found || cgroups_subscribes(face->cgroups, group_id, topic);
}

struct describing {
    struct call *call;
    struct kafka_describe_groups_res_group *out;
    bool stable; /* else what its members have and say is on its way to another */
};

static void add_member(void *context, const struct group_member_info *info)
{
    struct describing *d = context;
    struct kafka_describe_groups_res_member *m = &d->out->members.at[d->out->members.count++];

    m->member_id = info->member_id;
    m->group_instance_id = info->instance_id;
    m->client_id = info->client_id;
    m->client_host = info->client_host;
    if (!d->stable)
        return;
    m->member_metadata = info->metadata;
    m->member_assignment = info->assignment;
}

static void describe_group(struct call *call, struct bytes id, bool with_operations,
                           struct kafka_describe_groups_res_group *out)
{
    struct describing d = {call, out, false};
    struct group_info info;

    out->group_id = id;
    out->authorized_operations = INT32_MIN;
    if (!call_may(call, ACL_DESCRIBE, ACL_GROUP, id)) {
        out->error_code = KAFKA_ERR_GROUP_AUTHORIZATION_FAILED;
        return;
    }
    if (with_operations)
        out->authorized_operations = call_operations(call, ACL_GROUP, id);
    if (!groups_find(call->face->groups, id, &info)) {
        out->group_state = BYTES_LITERAL("Dead");
        if (call->version >= 6) {
            out->error_code = KAFKA_ERR_GROUP_ID_NOT_FOUND;
            out->error_message = cgroups_find(call->face->cgroups, id, NULL)
                                     ? BYTES_LITERAL("the group is not a classic one")
                                     : BYTES_LITERAL("no such group");
        }
        return;
    }
    out->group_state = bytes_str(group_state_name(info.state));
    out->protocol_type = info.protocol_type;
    out->protocol_data = info.state == GROUP_STABLE ? info.protocol : BYTES_NONE;
    out->members.at =
        kafka_describe_groups_res_member_new(&call->arena, (int32_t)info.members_count);
    d.stable = info.state == GROUP_STABLE;
    groups_each_member(call->face->groups, id, add_member, &d);
}

void kafka_on_describe_groups(struct call *call, const void *request)
{
    const struct kafka_describe_groups_req *req = request;
    struct kafka_describe_groups_res res;

    kafka_describe_groups_res_init(&res);
    res.groups.count = req->groups.count;
    res.groups.at = kafka_describe_groups_res_group_new(&call->arena, req->groups.count);
    for (int32_t i = 0; i < req->groups.count; i++)
        describe_group(call, req->groups.at[i], req->include_authorized_operations, &res.groups.at[i]);
    call_answer(call, &res);
}

struct listing {
    struct call *call;
    bool all; /* who may describe the cluster sees all */
    const struct kafka_list_groups_req *req;
    struct kafka_list_groups_res *res;
};

static bool any_of(const struct bytes *names, int32_t count, const char *text)
{
    for (int32_t i = 0; i < count; i++) {
        if (bytes_is_nocase(names[i], text))
            return true;
    }
    return count <= 0;
}

static void list_group(void *context, const struct group_info *info)
{
    const struct listing *l = context;

    if (!any_of(l->req->states_filter.at, l->req->states_filter.count, group_state_name(info->state)) ||
        !any_of(l->req->types_filter.at, l->req->types_filter.count, "classic") ||
        !(l->all || call_sees(l->call, ACL_DESCRIBE, ACL_GROUP, info->id)))
        return;
    struct kafka_list_groups_res_group *g = &l->res->groups.at[l->res->groups.count++];
    g->group_id = info->id;
    g->protocol_type = info->protocol_type;
    g->group_state = bytes_str(group_state_name(info->state));
    g->group_type = BYTES_LITERAL("classic");
}

static void list_consumers(void *context, const struct cgroup_info *info)
{
    const struct listing *l = context;

    if (!any_of(l->req->states_filter.at, l->req->states_filter.count, cgroup_state_name(info->state)) ||
        !any_of(l->req->types_filter.at, l->req->types_filter.count, "consumer") ||
        !(l->all || call_sees(l->call, ACL_DESCRIBE, ACL_GROUP, info->id)))
        return;
    struct kafka_list_groups_res_group *g = &l->res->groups.at[l->res->groups.count++];
    g->group_id = info->id;
    g->protocol_type = BYTES_LITERAL("consumer");
    g->group_state = bytes_str(cgroup_state_name(info->state));
    g->group_type = BYTES_LITERAL("consumer");
}

void kafka_on_list_groups(struct call *call, const void *request)
{
    struct kafka_list_groups_res res;
    const struct listing l = {call, call_sees_cluster(call, ACL_DESCRIBE), request, &res};
    int32_t count =
        (int32_t)(groups_count(call->face->groups) + cgroups_count(call->face->cgroups));

    kafka_list_groups_res_init(&res);
    res.groups.at = kafka_list_groups_res_group_new(&call->arena, count);
    groups_each(call->face->groups, list_group, (void *)(uintptr_t)&l);
    cgroups_each(call->face->cgroups, list_consumers, (void *)(uintptr_t)&l);
    call_answer(call, &res);
}

static void delete_failed(struct call *call)
{
    struct kafka_delete_groups_res *res = call->answer;

    for (int32_t i = 0; i < res->results.count; i++)
        res->results.at[i].error_code = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
}

static enum kafka_error delete_group(struct call *call, struct bytes id)
{
    if (!call_may(call, ACL_DELETE, ACL_GROUP, id))
        return KAFKA_ERR_GROUP_AUTHORIZATION_FAILED;
    enum kafka_error error = cgroups_delete(call->face->cgroups, id);
    return error == KAFKA_ERR_GROUP_ID_NOT_FOUND ? groups_delete(call->face->groups, id) : error;
}

void kafka_on_delete_groups(struct call *call, const void *request)
{
    const struct kafka_delete_groups_req *req = request;
    struct kafka_delete_groups_res *res = ARENA_NEW(&call->arena, struct kafka_delete_groups_res);
    struct log_entry *entry = log_entry_begin(call->face->log);
    uint64_t lsn = 0;
    bool any = false;

    kafka_delete_groups_res_init(res);
    res->results.count = req->groups_names.count;
    res->results.at = kafka_delete_groups_res_result_new(&call->arena, req->groups_names.count);
    for (int32_t i = 0; i < req->groups_names.count; i++) {
        struct bytes id = arena_copy(&call->arena, req->groups_names.at[i]);
        res->results.at[i].group_id = id;
        res->results.at[i].error_code = (int16_t)delete_group(call, id);
        if (res->results.at[i].error_code)
            continue;
        offsets_forget_group(call->face, id, entry);
        any = true;
    }
    if (!any)
        log_entry_abort(entry);
    else if (face_consumers_save(call->face, entry, &lsn)) {
        call->answer = res;
        delete_failed(call);
    }
    call_answer_durable(call, res, lsn, delete_failed);
}
