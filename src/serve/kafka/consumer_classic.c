/* Members of a group of consumers that speak the classic protocol (KIP-848, a live group on its way from one
 * protocol to the other). The machine sees them as any others; here is what differs:
 *
 *     JoinGroup   is a heartbeat that says everything: what the member subscribes to and has. Its answer comes
 *                 at once, the generation is the member's epoch, and nobody leads.
 *     SyncGroup   takes away what the join has found: the assignment, in the classic form.
 *     Heartbeat   only tells that there is more: REBALANCE_IN_PROGRESS, and the member joins again.
 *
 * Who is told so, or has joined and not synced, has its rebalance timeout for it. */
#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/consumer_in.h"
#include "wire/kafka/consumer_protocol.h"

static bool is_consumer(struct bytes protocol_type)
{
    return bytes_is(protocol_type, "consumer");
}

/* ---- the classic form ---- */

/* Topics that are not there have no id, and nobody reads them; nor what is not there of the others. */
static void get_parts(const struct cgroups *gs, struct reader from, uint32_t count, struct parts *out)
{
    struct consumer_parts named;
    struct cgroup_topic topic;

    for (uint32_t t = 0; t < count; t++) {
        consumer_protocol_parts(&from, &named);
        if (!gs->host.topic(gs->host.context, named.topic, &topic))
            continue;
        for (uint32_t i = 0; i < named.count; i++) {
            uint32_t number = reader_u32_be(&named.numbers);
            if (number < (uint32_t)topic.partitions)
                parts_push(out, topic.id, (int32_t)number);
        }
    }
    parts_sort(out);
}

/* Behind the run of one topic's partitions that begins at from. */
static uint32_t run_end(const struct parts *set, uint32_t from)
{
    uint32_t end = from;

    while (end < set->count && memcmp(set->at[end].topic, set->at[from].topic, PART_TOPIC_BYTES) == 0)
        end++;
    return end;
}

static void put_assignment(const struct cgroups *gs, const struct cmember *m, struct buf *out)
{
    struct consumer_subscription s;
    struct cgroup_topic topic;
    uint32_t topics = 0;

    for (uint32_t i = 0; i < m->assigned.count; i = run_end(&m->assigned, i))
        topics += gs->host.topic_of(gs->host.context, m->assigned.at[i].topic, &topic);
    CHECK(m->protocols.count > 0 && consumer_subscription_parse(m->protocols.at[0].metadata, &s));
    consumer_assignment_begin(out, s.version, topics);
    for (uint32_t i = 0, end; i < m->assigned.count; i = end) {
        end = run_end(&m->assigned, i);
        if (!gs->host.topic_of(gs->host.context, m->assigned.at[i].topic, &topic))
            continue;
        consumer_assignment_topic(out, topic.name, end - i);
        for (uint32_t at = i; at < end; at++)
            buf_u32_be(out, (uint32_t)m->assigned.at[at].index);
    }
    consumer_assignment_end(out);
}

/* What a classic member says of itself, as a heartbeat. */
struct saying {
    struct cgroup_beat beat;
    struct bytes *topics;
    struct parts owned;
};

static void saying_init(const struct cgroups *gs, struct saying *say, struct consumer_subscription s)
{
    *say = (struct saying){.topics = xcalloc((size_t)s.topics_count + 1, sizeof(*say->topics))};
    for (uint32_t i = 0; i < s.topics_count; i++)
        say->topics[i] = consumer_protocol_topic(&s.topics);
    get_parts(gs, s.owned, s.owned_count, &say->owned);
    say->beat.topics = say->topics;
    say->beat.topics_count = (int32_t)s.topics_count;
    say->beat.owned = &say->owned;
    say->beat.rack_id = s.rack.len ? s.rack : BYTES_NONE;
    say->beat.regex = BYTES_LITERAL("");
}

static void saying_deinit(struct saying *say)
{
    parts_free(&say->owned);
    free(say->topics);
}

static void become_classic(struct cgroups *gs, struct cgroup *g, struct cmember *m, int32_t session_ms,
                           const struct group_protocols *protocols)
{
    if (m->is_classic && m->session_ms == session_ms && group_protocols_equal(&m->protocols, protocols))
        return;
    m->is_classic = true;
    m->session_ms = session_ms;
    group_protocols_keep(&m->protocols, protocols);
    cgroup_touch(gs, g, m);
}

void cmember_become_consumer(struct cgroups *gs, struct cgroup *g, struct cmember *m)
{
    if (!m->is_classic)
        return;
    m->is_classic = false;
    m->due_at_ms = INT64_MAX;
    group_protocols_free(&m->protocols);
    cgroup_touch(gs, g, m);
}

/* ---- JoinGroup ---- */

/* Some protocol of these all classic members speak. */
static bool shares_protocol(const struct cgroup *g, const struct group_protocols *protocols)
{
    for (int32_t i = 0; i < protocols->count; i++) {
        bool shared = true;
        for (struct map_entry *e = map_first(&g->members); e && shared; e = map_next(&g->members, e)) {
            const struct cmember *m = e->value;
            shared = !m->is_classic || group_protocol_find(&m->protocols, protocols->at[i].name);
        }
        if (shared)
            return true;
    }
    return false;
}

static enum kafka_error check_join(const struct cgroup *g, const struct group_join *join,
                                   struct consumer_subscription *out)
{
    if (!is_consumer(join->protocol_type) || join->protocols.count <= 0 || !shares_protocol(g, &join->protocols) ||
        !consumer_subscription_parse(join->protocols.at[0].metadata, out))
        return KAFKA_ERR_INCONSISTENT_GROUP_PROTOCOL;
    return join->member_id.len > CGROUP_NAME_BYTES || join->instance_id.len > CGROUP_NAME_BYTES ||
                   out->topics_count > CGROUP_TOPICS
               ? KAFKA_ERR_INVALID_REQUEST
               : KAFKA_ERR_NONE;
}

static enum kafka_error join_new(struct cgroups *gs, struct cgroup *g, struct bytes id, struct cmember **out)
{
    if (map_size(&g->members) >= gs->options.members_max)
        return KAFKA_ERR_GROUP_MAX_SIZE_REACHED;
    *out = cmember_new(gs, g, id);
    return KAFKA_ERR_NONE;
}

/* It comes by its instance id: new, again, or (without a member id) in the place of whoever had it. */
static enum kafka_error join_static(struct cgroups *gs, struct cgroup *g, const struct group_join *join,
                                    struct bytes new_id, struct cmember **out)
{
    struct cmember *there = map_get(&g->instances, join->instance_id);

    if (!there)
        return join->member_id.len ? KAFKA_ERR_UNKNOWN_MEMBER_ID : join_new(gs, g, new_id, out);
    if (join->member_id.len && !bytes_equal(there->id, join->member_id))
        return KAFKA_ERR_FENCED_INSTANCE_ID;
    if (!join->member_id.len) {
        cmember_rename(gs, g, there, new_id);
        cmember_rejoin(gs, g, there);
    }
    *out = there;
    return KAFKA_ERR_NONE;
}

static enum kafka_error join_member(struct cgroups *gs, struct cgroup *g, const struct group_join *join,
                                    struct bytes new_id, struct cmember **out)
{
    if (join->instance_id.ptr)
        return join_static(gs, g, join, new_id, out);
    if (!join->member_id.len)
        return join->known_id_required ? KAFKA_ERR_MEMBER_ID_REQUIRED : join_new(gs, g, new_id, out);
    *out = map_get(&g->members, join->member_id);
    return *out ? KAFKA_ERR_NONE : join_new(gs, g, join->member_id, out);
}

void cgroups_join(struct cgroups *gs, int64_t now_ms, const struct group_join *join, struct bytes new_id,
                  struct group_join_answer *answer)
{
    struct cgroup *g = map_get(&gs->by_id, join->group_id);
    struct consumer_subscription s;
    struct cgroup_answer told = {0};
    struct saying say;
    struct cmember *m = NULL;
    uint32_t before = map_size(&g->members);

    *answer = (struct group_join_answer){
        .error = check_join(g, join, &s), .generation = -1, .member_id = join->member_id, .leader = BYTES_LITERAL("")};
    if (!answer->error)
        answer->error = join_member(gs, g, join, new_id, &m);
    if (answer->error == KAFKA_ERR_MEMBER_ID_REQUIRED)
        answer->member_id = new_id;
    if (answer->error)
        return;
    saying_init(gs, &say, s);
    say.beat.instance_id = join->instance_id;
    say.beat.client_id = join->client_id.ptr ? join->client_id : BYTES_LITERAL("");
    say.beat.client_host = join->client_host;
    say.beat.rebalance_ms = join->rebalance_timeout_ms > 0 ? join->rebalance_timeout_ms : join->session_timeout_ms;
    become_classic(gs, g, m, join->session_timeout_ms, &join->protocols);
    cgroup_beat_member(gs, g, m, now_ms, &say.beat, map_size(&g->members) > before, &told);
    saying_deinit(&say);
    m->due_at_ms = now_ms + m->rebalance_ms;
    cgroups_wait_until(gs, m->due_at_ms);
    answer->member_id = told.member_id;
    answer->generation = told.epoch;
    answer->protocol_type = BYTES_LITERAL("consumer");
    answer->protocol = m->protocols.at[0].name;
}

/* ---- SyncGroup, Heartbeat, LeaveGroup ---- */

static enum kafka_error find_member(const struct cgroup *g, const struct group_caller *caller, struct cmember **out)
{
    *out = map_get(&g->members, caller->member_id);
    if (caller->instance_id.ptr) {
        struct cmember *there = map_get(&g->instances, caller->instance_id);
        if (there && there != *out)
            return KAFKA_ERR_FENCED_INSTANCE_ID;
        *out = there;
    }
    return *out ? KAFKA_ERR_NONE : KAFKA_ERR_UNKNOWN_MEMBER_ID;
}

static enum kafka_error find_classic(const struct cgroup *g, const struct group_caller *caller, struct cmember **out)
{
    enum kafka_error error = find_member(g, caller, out);

    if (error)
        return error;
    if (!(*out)->is_classic)
        return KAFKA_ERR_UNKNOWN_MEMBER_ID;
    return caller->generation == (*out)->epoch ? KAFKA_ERR_NONE : KAFKA_ERR_ILLEGAL_GENERATION;
}

/* It has its rebalance timeout to join again, from when it was told first. */
static enum kafka_error tell_to_join(struct cgroups *gs, struct cmember *m, int64_t now_ms)
{
    if (m->due_at_ms == INT64_MAX)
        m->due_at_ms = now_ms + m->rebalance_ms;
    cgroups_wait_until(gs, m->due_at_ms);
    return KAFKA_ERR_REBALANCE_IN_PROGRESS;
}

enum kafka_error cgroups_sync(struct cgroups *gs, int64_t now_ms, const struct group_sync *sync, struct buf *out)
{
    const struct cgroup *g = map_get(&gs->by_id, sync->group_id);
    const struct group_caller caller = {sync->group_id, sync->member_id, sync->instance_id, sync->generation};
    struct cmember *m = NULL;
    enum kafka_error error = find_classic(g, &caller, &m);

    if (error)
        return error;
    if ((sync->protocol_type.ptr && !is_consumer(sync->protocol_type)) ||
        (sync->protocol.ptr && !bytes_equal(sync->protocol, m->protocols.at[0].name)))
        return KAFKA_ERR_INCONSISTENT_GROUP_PROTOCOL;
    if (g->epoch > m->epoch && m->state != CMEMBER_UNREVOKED)
        return tell_to_join(gs, m, now_ms);
    if (m->state != CMEMBER_UNREVOKED)
        m->due_at_ms = INT64_MAX;
    cmember_alive(gs, g, m, now_ms);
    put_assignment(gs, m, out);
    return KAFKA_ERR_NONE;
}

enum kafka_error cgroups_heartbeat(struct cgroups *gs, int64_t now_ms, const struct group_caller *caller)
{
    const struct cgroup *g = map_get(&gs->by_id, caller->group_id);
    struct cmember *m = NULL;
    enum kafka_error error = find_classic(g, caller, &m);

    if (error)
        return error;
    cmember_alive(gs, g, m, now_ms);
    bool joins = m->epoch < g->epoch || m->state == CMEMBER_UNREVOKED ||
                 (m->state == CMEMBER_UNRELEASED && !cmember_waits(g, m));
    return joins ? tell_to_join(gs, m, now_ms) : KAFKA_ERR_NONE;
}

enum kafka_error cgroups_leave(struct cgroups *gs, int64_t now_ms, const struct group_caller *caller)
{
    struct cgroup *g = map_get(&gs->by_id, caller->group_id);
    struct cmember *m = NULL;
    enum kafka_error error;

    if (caller->instance_id.ptr && !caller->member_id.len) { /* an administrator knows that alone */
        m = map_get(&g->instances, caller->instance_id);
        error = m ? KAFKA_ERR_NONE : KAFKA_ERR_UNKNOWN_MEMBER_ID;
    } else {
        error = find_member(g, caller, &m);
    }
    if (!error)
        cmember_remove(gs, g, m, now_ms);
    return error;
}

/* ---- from a classic group and to one ---- */

const char *cgroups_take_error(const struct group_moving *moving)
{
    struct consumer_subscription s;
    struct consumer_assignment a;

    if (moving->protocols.count <= 0 || !consumer_subscription_parse(moving->protocols.at[0].metadata, &s) ||
        (moving->assignment.len && !consumer_assignment_parse(moving->assignment, &a)))
        return "what its classic members say to each other is not what consumers say";
    if (moving->assignment.len && a.user_data.len)
        return "its assignor is one of its own: what that hands on would be lost";
    return s.topics_count > CGROUP_TOPICS ? "a member of it subscribes to more than 10000 topics" : NULL;
}

bool cgroups_take(struct cgroups *gs, int64_t now_ms, struct bytes id, int32_t generation,
                  const struct group_moving *moving)
{
    struct cgroup *g = map_get(&gs->by_id, id);
    struct consumer_subscription s;
    struct consumer_assignment a;
    struct saying say;

    if (!g)
        g = cgroup_make(gs, id);
    if (!g)
        return false;
    CHECK(consumer_subscription_parse(moving->protocols.at[0].metadata, &s));
    struct cmember *m = cmember_new(gs, g, moving->id);
    saying_init(gs, &say, s);
    say.beat.instance_id = moving->instance_id;
    say.beat.client_id = moving->client_id.ptr ? moving->client_id : BYTES_LITERAL("");
    say.beat.client_host = moving->client_host;
    say.beat.rebalance_ms = moving->rebalance_timeout_ms;
    (void)cmember_update(gs, g, m, &say.beat);
    saying_deinit(&say);
    become_classic(gs, g, m, moving->session_timeout_ms, &moving->protocols);
    if (moving->assignment.len && consumer_assignment_parse(moving->assignment, &a))
        get_parts(gs, a.parts, a.parts_count, &m->assigned);
    parts_copy(&m->target, &m->assigned);
    g->epoch = g->target_epoch = m->epoch = m->previous_epoch = generation;
    cgroup_touch(gs, g, NULL);
    cmember_alive(gs, g, m, now_ms);
    return true;
}

bool cgroups_only_classic(const struct cgroups *gs, struct bytes id, int32_t *generation)
{
    const struct cgroup *g = map_get(&gs->by_id, id);

    *generation = 0;
    if (!g || map_size(&g->members) == 0)
        return false;
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct cmember *m = e->value;
        if (!m->is_classic)
            return false;
        *generation = m->epoch > *generation ? m->epoch : *generation;
    }
    return true;
}

void cgroups_each_moving(const struct cgroups *gs, struct bytes id, group_moving_fn *fn, void *context)
{
    const struct cgroup *g = map_get(&gs->by_id, id);
    struct buf assignment;

    buf_init(&assignment, 0);
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct cmember *m = e->value;
        buf_clear(&assignment);
        put_assignment(gs, m, &assignment);
        const struct group_moving moving = {.id = m->id,
                                            .instance_id = m->instance_id,
                                            .client_id = m->client_id,
                                            .client_host = m->client_host,
                                            .session_timeout_ms = m->session_ms,
                                            .rebalance_timeout_ms = m->rebalance_ms,
                                            .protocols = m->protocols,
                                            .assignment = buf_view(&assignment)};
        fn(context, &moving);
    }
    buf_deinit(&assignment);
}

void cgroups_give(struct cgroups *gs, struct bytes id)
{
    struct cgroup *g = map_get(&gs->by_id, id);

    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        struct cmember *m = e->value;
        buf_sized(&g->gone, m->id);
        map_remove(&g->members, m->id);
        cmember_free(m);
    }
    CHECK(cgroups_delete(gs, id) == KAFKA_ERR_NONE);
}
