#include "serve/kafka/group.h"

#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/group_in.h"

void group_pending_remove(struct group *g, struct bytes id)
{
    struct gpending *p = map_remove(&g->pending, id);

    if (!p)
        return;
    bytes_drop(&p->id);
    free(p);
}

void group_free(struct group *g)
{
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e))
        gmember_free(e->value);
    for (struct map_entry *e = map_first(&g->pending); e; e = map_next(&g->pending, e)) {
        struct gpending *p = e->value;
        bytes_drop(&p->id);
        free(p);
    }
    map_deinit(&g->members);
    map_deinit(&g->instances);
    map_deinit(&g->pending);
    bytes_drop(&g->id);
    bytes_drop(&g->protocol_type);
    bytes_drop(&g->protocol);
    free(g);
}

struct groups *groups_create(const struct group_host *host, const struct group_options *options)
{
    struct groups *gs = xcalloc(1, sizeof(*gs));

    gs->host = *host;
    gs->options = *options;
    gs->next_ms = INT64_MAX;
    map_init(&gs->by_id);
    map_init(&gs->changed);
    return gs;
}

void groups_destroy(struct groups *gs)
{
    for (struct map_entry *e = map_first(&gs->by_id); e; e = map_next(&gs->by_id, e))
        group_free(e->value);
    map_deinit(&gs->by_id);
    map_deinit(&gs->changed);
    free(gs);
}

struct group *groups_make(struct groups *gs, struct bytes id)
{
    struct group *g = map_get(&gs->by_id, id);

    if (g || map_size(&gs->by_id) >= gs->options.groups_max)
        return g;
    g = xcalloc(1, sizeof(*g));
    g->id = bytes_keep(id);
    g->deadline_ms = INT64_MAX;
    map_init(&g->members);
    map_init(&g->instances);
    map_init(&g->pending);
    map_put(&gs->by_id, g->id, g);
    return g;
}

void groups_note_deadline(struct groups *gs, int64_t at_ms)
{
    if (at_ms < gs->next_ms)
        gs->next_ms = at_ms;
}

void gmember_alive(struct groups *gs, struct gmember *m, int64_t now_ms)
{
    m->deadline_ms = now_ms + m->session_ms;
    groups_note_deadline(gs, m->deadline_ms);
}

void group_wait_until(struct groups *gs, struct group *g, int64_t at_ms)
{
    g->deadline_ms = at_ms;
    groups_note_deadline(gs, at_ms);
}

/* ---- sync, heartbeat, leave, commit ---- */

/* Finds the member and checks its instance and generation. */
static enum kafka_error identify(const struct groups *gs, const struct group_caller *caller, struct group **group,
                                 struct gmember **member)
{
    if (caller->group_id.len == 0)
        return KAFKA_ERR_INVALID_GROUP_ID;
    struct group *g = map_get(&gs->by_id, caller->group_id);
    if (!g)
        return KAFKA_ERR_UNKNOWN_MEMBER_ID;
    struct gmember *m = map_get(&g->members, caller->member_id);
    if (caller->instance_id.ptr) {
        struct gmember *instance = map_get(&g->instances, caller->instance_id);
        if (!instance)
            return KAFKA_ERR_UNKNOWN_MEMBER_ID;
        if (instance != m)
            return KAFKA_ERR_FENCED_INSTANCE_ID;
    }
    if (!m)
        return KAFKA_ERR_UNKNOWN_MEMBER_ID;
    *group = g;
    *member = m;
    return caller->generation == g->generation ? KAFKA_ERR_NONE : KAFKA_ERR_ILLEGAL_GENERATION;
}

static void take_assignments(struct group *g, const struct group_sync *sync)
{
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e))
        bytes_drop(&((struct gmember *)e->value)->assignment);
    for (int32_t i = 0; i < sync->assignments_count; i++) {
        struct gmember *m = map_get(&g->members, sync->assignments[i].name);
        if (m)
            bytes_keep_over(&m->assignment, sync->assignments[i].metadata);
    }
}

static void sync_completing(struct groups *gs, struct group *g, struct gmember *m, const struct group_sync *sync,
                            int64_t now_ms)
{
    m->synced = true;
    if (m != g->leader)
        return; /* waits for the leader */
    take_assignments(g, sync);
    g->state = GROUP_STABLE;
    g->deadline_ms = INT64_MAX;
    group_keep_now(gs, g);
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        struct gmember *other = e->value;
        gmember_alive(gs, other, now_ms);
        gmember_answer_sync(gs, g, other, KAFKA_ERR_NONE);
    }
}

void groups_sync(struct groups *gs, int64_t now_ms, const struct group_sync *sync, void *token)
{
    const struct group_caller caller = {sync->group_id, sync->member_id, sync->instance_id,
                                        sync->generation};
    struct group *g = NULL;
    struct gmember *m = NULL;
    enum kafka_error error = identify(gs, &caller, &g, &m);

    if (!error && ((sync->protocol_type.ptr && !bytes_equal(sync->protocol_type, g->protocol_type)) ||
                   (sync->protocol.ptr && !bytes_equal(sync->protocol, g->protocol))))
        error = KAFKA_ERR_INCONSISTENT_GROUP_PROTOCOL;
    if (!error && g->state == GROUP_PREPARING)
        error = KAFKA_ERR_REBALANCE_IN_PROGRESS;
    if (error) {
        const struct group_sync_answer answer = {.error = error};
        gs->host.sync_answer(token, &answer);
        return;
    }
    if (m->sync_token)
        gmember_answer_sync(gs, g, m, KAFKA_ERR_REBALANCE_IN_PROGRESS); /* superseded */
    m->sync_token = token;
    gmember_alive(gs, m, now_ms);
    if (g->state == GROUP_COMPLETING)
        sync_completing(gs, g, m, sync, now_ms);
    else
        gmember_answer_sync(gs, g, m, KAFKA_ERR_NONE);
}

enum kafka_error groups_heartbeat(struct groups *gs, int64_t now_ms,
                                  const struct group_caller *caller)
{
    struct group *g = NULL;
    struct gmember *m = NULL;
    enum kafka_error error = identify(gs, caller, &g, &m);

    if (error)
        return error;
    gmember_alive(gs, m, now_ms);
    return g->state == GROUP_PREPARING ? KAFKA_ERR_REBALANCE_IN_PROGRESS : KAFKA_ERR_NONE;
}

enum kafka_error groups_leave(struct groups *gs, int64_t now_ms, const struct group_caller *caller)
{
    struct group *g = map_get(&gs->by_id, caller->group_id);

    if (caller->group_id.len == 0)
        return KAFKA_ERR_INVALID_GROUP_ID;
    if (!g)
        return KAFKA_ERR_UNKNOWN_MEMBER_ID;
    if (map_get(&g->pending, caller->member_id)) {
        group_pending_remove(g, caller->member_id);
        group_try_complete(gs, g, now_ms);
        return KAFKA_ERR_NONE;
    }
    struct gmember *m = map_get(&g->members, caller->member_id);
    if (caller->instance_id.ptr) {
        struct gmember *instance = map_get(&g->instances, caller->instance_id);
        if (!instance)
            return KAFKA_ERR_UNKNOWN_MEMBER_ID;
        if (caller->member_id.len && instance != m)
            return KAFKA_ERR_FENCED_INSTANCE_ID;
        m = instance;
    }
    if (!m)
        return KAFKA_ERR_UNKNOWN_MEMBER_ID;
    gmember_remove(gs, g, m);
    group_members_changed(gs, g, now_ms);
    return KAFKA_ERR_NONE;
}

enum kafka_error groups_may_commit(struct groups *gs, int64_t now_ms,
                                   const struct group_caller *caller)
{
    struct group *g = map_get(&gs->by_id, caller->group_id);
    struct gmember *m = NULL;

    if (caller->group_id.len == 0)
        return KAFKA_ERR_INVALID_GROUP_ID;
    if (caller->generation < 0 && (!g || map_size(&g->members) == 0))
        return groups_make(gs, caller->group_id) ? KAFKA_ERR_NONE : KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
    if (!g)
        return KAFKA_ERR_ILLEGAL_GENERATION;
    enum kafka_error error = identify(gs, caller, &g, &m);
    if (error)
        return error;
    gmember_alive(gs, m, now_ms);
    return g->state == GROUP_COMPLETING ? KAFKA_ERR_REBALANCE_IN_PROGRESS : KAFKA_ERR_NONE;
}

void groups_forget(struct groups *gs, void *token)
{
    for (struct map_entry *ge = map_first(&gs->by_id); ge; ge = map_next(&gs->by_id, ge)) {
        struct group *g = ge->value;
        for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
            struct gmember *m = e->value;
            if (m->sync_token == token)
                m->sync_token = NULL;
            if (m->join_token == token)
                m->join_token = NULL;
        }
    }
}
