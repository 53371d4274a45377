/* A classic group from one generation to the next: who is asked to come again, who leads, who is answered. */
#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/group_in.h"

/* ---- answers ---- */

void groups_refuse_join(struct groups *gs, void *token, enum kafka_error error, struct bytes id)
{
    const struct group_join_answer answer = {
        .error = error, .generation = -1, .member_id = id, .leader = BYTES_LITERAL("")};

    gs->host.join_answer(token, &answer);
}

void gmember_answer_sync(struct groups *gs, struct group *g, struct gmember *m, enum kafka_error error)
{
    void *token = m->sync_token;
    struct group_sync_answer answer = {.error = error};

    if (!token)
        return;
    m->sync_token = NULL;
    if (error == KAFKA_ERR_NONE) {
        answer.protocol_type = g->protocol_type;
        answer.protocol = g->protocol;
        answer.assignment = m->assignment;
    }
    gs->host.sync_answer(token, &answer);
}

void gmember_answer_join(struct groups *gs, struct group *g, struct gmember *m, bool skip_assignment)
{
    struct group_join_member *list = NULL;
    void *token = m->join_token;
    struct group_join_answer answer = {.generation = g->generation,
                                       .protocol_type = g->protocol_type,
                                       .protocol = g->protocol,
                                       .leader = g->leader->id,
                                       .member_id = m->id,
                                       .skip_assignment = skip_assignment};

    if (!token)
        return;
    m->join_token = NULL;
    if (m == g->leader) {
        list = xcalloc(map_size(&g->members) + 1, sizeof(*list));
        for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
            const struct gmember *other = e->value;
            const struct group_protocol *p = group_protocol_find(&other->protocols, g->protocol);
            list[answer.members_count++] = (struct group_join_member){
                other->id, other->instance_id, p ? p->metadata : BYTES_NONE};
        }
        answer.members = list;
    }
    gs->host.join_answer(token, &answer);
    free(list);
}

/* ---- rebalancing ---- */

int64_t group_rebalance_ms(const struct group *g)
{
    int64_t max = 0;

    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct gmember *m = e->value;
        if (m->rebalance_ms > max)
            max = m->rebalance_ms;
    }
    return max;
}

void group_prepare(struct groups *gs, struct group *g, int64_t now_ms)
{
    bool was_empty = g->state == GROUP_EMPTY;

    CHECK(g->state != GROUP_PREPARING);
    g->state = GROUP_PREPARING;
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        gmember_answer_sync(gs, g, e->value, KAFKA_ERR_REBALANCE_IN_PROGRESS);
    }
    g->initial = was_empty && gs->options.rebalance_delay_ms > 0;
    g->newcomer = false;
    if (g->initial) {
        g->initial_until_ms = now_ms + group_rebalance_ms(g);
        group_wait_until(gs, g, now_ms + gs->options.rebalance_delay_ms);
        return;
    }
    group_wait_until(gs, g, now_ms + group_rebalance_ms(g));
    group_try_complete(gs, g, now_ms);
}

static void become_empty(struct groups *gs, struct group *g)
{
    group_unkeep(gs, g);
    g->state = GROUP_EMPTY;
    g->generation++;
    g->leader = NULL;
    g->deadline_ms = INT64_MAX;
    bytes_drop(&g->protocol);
}

void gmember_remove(struct groups *gs, struct group *g, struct gmember *m)
{
    void *token = m->join_token;

    map_remove(&g->members, m->id);
    if (m->instance_id.ptr && map_get(&g->instances, m->instance_id) == m)
        map_remove(&g->instances, m->instance_id);
    if (g->leader == m)
        g->leader = NULL;
    m->join_token = NULL;
    if (token)
        groups_refuse_join(gs, token, KAFKA_ERR_UNKNOWN_MEMBER_ID, m->id);
    gmember_answer_sync(gs, g, m, KAFKA_ERR_UNKNOWN_MEMBER_ID);
    gmember_free(m);
}

/* Those who did not rejoin in time are out, save static members: they may come back as they are. */
static void remove_absent(struct groups *gs, struct group *g)
{
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        struct gmember *m = e->value;
        if (!m->join_token && !m->instance_id.ptr)
            gmember_remove(gs, g, m);
    }
}

static bool elect_leader(struct group *g)
{
    if (g->leader && g->leader->join_token)
        return true;
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        struct gmember *m = e->value;
        if (m->join_token) {
            g->leader = m;
            return true;
        }
    }
    return false;
}

void group_complete_join(struct groups *gs, struct group *g, int64_t now_ms)
{
    CHECK(g->state == GROUP_PREPARING);
    g->initial = false;
    remove_absent(gs, g);
    if (map_size(&g->members) == 0) {
        become_empty(gs, g);
        return;
    }
    if (!elect_leader(g)) { /* only absent static members: their sessions decide */
        group_wait_until(gs, g, now_ms + group_rebalance_ms(g));
        return;
    }
    g->state = GROUP_COMPLETING;
    g->generation++;
    group_choose_protocol(g);
    group_wait_until(gs, g, now_ms + group_rebalance_ms(g));
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        struct gmember *m = e->value;
        m->synced = false;
        if (!m->join_token)
            continue;
        gmember_alive(gs, m, now_ms);
        gmember_answer_join(gs, g, m, false);
    }
}

void group_try_complete(struct groups *gs, struct group *g, int64_t now_ms)
{
    if (g->state != GROUP_PREPARING || g->initial || map_size(&g->pending))
        return;
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct gmember *m = e->value;
        if (!m->join_token)
            return;
    }
    group_complete_join(gs, g, now_ms);
}

void group_members_changed(struct groups *gs, struct group *g, int64_t now_ms)
{
    if (g->state == GROUP_PREPARING)
        group_try_complete(gs, g, now_ms);
    else if (g->state != GROUP_EMPTY)
        group_prepare(gs, g, now_ms);
}
