/* JoinGroup: new members, those who come again, and static ones that take their old place. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/group_in.h"

struct bytes groups_new_member_id(const struct groups *gs, const struct group_join *join)
{
    struct bytes prefix = join->instance_id.ptr ? join->instance_id : join->client_id;
    uint8_t r[16];
    char text[40];

    gs->host.random(gs->host.context, r, sizeof(r));
    int len = snprintf(text, sizeof(text),
                       "-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0],
                       r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12],
                       r[13], r[14], r[15]);
    prefix = bytes_head(prefix, 1024);
    uint8_t *id = xmalloc(prefix.len + (size_t)len);
    if (prefix.len)
        memcpy(id, prefix.ptr, prefix.len);
    memcpy(id + prefix.len, text, (size_t)len);
    return bytes_of(id, prefix.len + (size_t)len);
}

/* What a join says about its member; its former join, if one still waits, is superseded. */
static void member_update(struct groups *gs, struct group *g, struct gmember *m,
                          const struct group_join *join, int64_t now_ms, void *token)
{
    void *former = m->join_token;

    bytes_keep_over(&g->protocol_type, join->protocol_type);
    bytes_keep_over(&m->client_id, join->client_id);
    bytes_keep_over(&m->client_host, join->client_host);
    m->session_ms = join->session_timeout_ms;
    m->rebalance_ms =
        join->rebalance_timeout_ms > 0 ? join->rebalance_timeout_ms : join->session_timeout_ms;
    m->skip_assignment_ok = join->skip_assignment_ok;
    group_protocols_keep(&m->protocols, &join->protocols);
    m->join_token = token;
    gmember_alive(gs, m, now_ms);
    if (former)
        groups_refuse_join(gs, former, KAFKA_ERR_REBALANCE_IN_PROGRESS, m->id);
}

/* id is taken. */
static void member_add(struct groups *gs, struct group *g, struct bytes id,
                       const struct group_join *join, int64_t now_ms, void *token)
{
    struct gmember *m = xcalloc(1, sizeof(*m));

    m->id = id;
    m->instance_id = bytes_keep(join->instance_id);
    gmember_put(g, m);
    member_update(gs, g, m, join, now_ms, token);
    if (g->state == GROUP_PREPARING) {
        g->newcomer = true;
        group_try_complete(gs, g, now_ms);
    } else {
        group_prepare(gs, g, now_ms);
    }
}

/* A static member has come back under a new id: it takes its old place, and whoever still holds the
 * old id is fenced. In a stable group nothing else changes while the chosen protocol stays the same. */
static void static_rejoin(struct groups *gs, struct group *g, struct gmember *m,
                          const struct group_join *join, int64_t now_ms, void *token)
{
    void *join_token = m->join_token;
    struct bytes old_id = m->id, old_leader = g->leader ? g->leader->id : BYTES_LITERAL("");
    const struct group_protocol *was = group_protocol_find(&m->protocols, g->protocol);
    bool same = g->state == GROUP_STABLE && was && group_protocols_equal(&m->protocols, &join->protocols);

    m->join_token = NULL;
    if (join_token)
        groups_refuse_join(gs, join_token, KAFKA_ERR_FENCED_INSTANCE_ID, old_id);
    gmember_answer_sync(gs, g, m, KAFKA_ERR_FENCED_INSTANCE_ID);
    map_remove(&g->members, old_id);
    m->id = groups_new_member_id(gs, join);
    map_put(&g->members, m->id, m);
    member_update(gs, g, m, join, now_ms, token);
    if (same)
        group_keep_now(gs, g); /* under its new id: the old one is fenced */
    if (!same) {
        group_members_changed(gs, g, now_ms);
    } else if (m == g->leader && !m->skip_assignment_ok) {
        /* An old client that were told it leads would assign anew: it is told the old id leads. */
        const struct group_join_answer answer = {.generation = g->generation,
                                                 .protocol_type = g->protocol_type,
                                                 .protocol = g->protocol,
                                                 .leader = old_leader,
                                                 .member_id = m->id};
        m->join_token = NULL;
        gs->host.join_answer(token, &answer);
    } else {
        gmember_answer_join(gs, g, m, m == g->leader);
    }
    bytes_drop(&old_id);
}

static void join_new(struct groups *gs, struct group *g, const struct group_join *join,
                     int64_t now_ms, void *token)
{
    struct gmember *same =
        join->instance_id.ptr ? map_get(&g->instances, join->instance_id) : NULL;

    if (same) {
        static_rejoin(gs, g, same, join, now_ms, token);
        return;
    }
    if (map_size(&g->members) + map_size(&g->pending) >= gs->options.members_max) {
        groups_refuse_join(gs, token, KAFKA_ERR_GROUP_MAX_SIZE_REACHED, join->member_id);
        return;
    }
    struct bytes id = groups_new_member_id(gs, join);
    if (join->instance_id.ptr || !join->known_id_required) {
        member_add(gs, g, id, join, now_ms, token);
        return;
    }
    struct gpending *p = xcalloc(1, sizeof(*p));
    p->id = id;
    p->deadline_ms = now_ms + join->session_timeout_ms;
    map_put(&g->pending, id, p);
    groups_note_deadline(gs, p->deadline_ms);
    groups_refuse_join(gs, token, KAFKA_ERR_MEMBER_ID_REQUIRED, id);
}

static void join_again(struct groups *gs, struct group *g, struct gmember *m,
                       const struct group_join *join, int64_t now_ms, void *token)
{
    bool same = group_protocols_equal(&m->protocols, &join->protocols);

    switch (g->state) {
    case GROUP_PREPARING:
        member_update(gs, g, m, join, now_ms, token);
        group_try_complete(gs, g, now_ms);
        return;
    case GROUP_COMPLETING: /* it may have missed the answer */
        member_update(gs, g, m, join, now_ms, token);
        if (same)
            gmember_answer_join(gs, g, m, false);
        else
            group_prepare(gs, g, now_ms);
        return;
    case GROUP_STABLE: /* the leader rejoins when it wants to assign anew */
        member_update(gs, g, m, join, now_ms, token);
        if (same && m != g->leader)
            gmember_answer_join(gs, g, m, false);
        else
            group_prepare(gs, g, now_ms);
        return;
    case GROUP_EMPTY: break;
    }
    groups_refuse_join(gs, token, KAFKA_ERR_UNKNOWN_MEMBER_ID, join->member_id);
}

enum kafka_error groups_join_error(const struct groups *gs, const struct group_join *join)
{
    if (join->group_id.len == 0)
        return KAFKA_ERR_INVALID_GROUP_ID;
    if (join->session_timeout_ms < gs->options.session_ms_min ||
        join->session_timeout_ms > gs->options.session_ms_max)
        return KAFKA_ERR_INVALID_SESSION_TIMEOUT;
    return KAFKA_ERR_NONE;
}

void groups_join(struct groups *gs, int64_t now_ms, const struct group_join *join, void *token)
{
    enum kafka_error error = groups_join_error(gs, join);

    if (!error && join->member_id.len && !map_get(&gs->by_id, join->group_id))
        error = KAFKA_ERR_UNKNOWN_MEMBER_ID;
    struct group *g = error ? NULL : groups_make(gs, join->group_id);

    if (!g) {
        groups_refuse_join(gs, token, error ? error : KAFKA_ERR_COORDINATOR_NOT_AVAILABLE, join->member_id);
        return;
    }
    struct gmember *m = map_get(&g->members, join->member_id);
    struct gmember *instance =
        join->instance_id.ptr ? map_get(&g->instances, join->instance_id) : NULL;
    if (!group_fits(g, join, m ? m : instance)) {
        groups_refuse_join(gs, token, KAFKA_ERR_INCONSISTENT_GROUP_PROTOCOL, join->member_id);
    } else if (join->member_id.len == 0) {
        join_new(gs, g, join, now_ms, token);
    } else if (map_get(&g->pending, join->member_id)) {
        group_pending_remove(g, join->member_id);
        member_add(gs, g, bytes_keep(join->member_id), join, now_ms, token);
    } else if (instance && instance != m) {
        groups_refuse_join(gs, token, KAFKA_ERR_FENCED_INSTANCE_ID, join->member_id);
    } else if (!m || (join->instance_id.ptr && !instance)) {
        groups_refuse_join(gs, token, KAFKA_ERR_UNKNOWN_MEMBER_ID, join->member_id);
    } else {
        join_again(gs, g, m, join, now_ms, token);
    }
}
