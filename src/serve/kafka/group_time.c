/* What ends by itself in classic groups: sessions, ids that nobody used, waits for a join or a sync. */
#include "serve/kafka/group_in.h"

int64_t groups_deadline_ms(const struct groups *gs)
{
    return gs->next_ms;
}

static void expire_pending(struct groups *gs, struct group *g, int64_t now_ms)
{
    bool gone = false;

    for (struct map_entry *e = map_first(&g->pending); e; e = map_next(&g->pending, e)) {
        struct gpending *p = e->value;
        if (p->deadline_ms > now_ms)
            continue;
        group_pending_remove(g, p->id);
        gone = true;
    }
    if (gone)
        group_try_complete(gs, g, now_ms);
}

static void expire_members(struct groups *gs, struct group *g, int64_t now_ms)
{
    bool gone = false;

    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        struct gmember *m = e->value;
        if (m->deadline_ms > now_ms || m->join_token || m->sync_token)
            continue;
        gmember_remove(gs, g, m);
        gone = true;
    }
    if (gone)
        group_members_changed(gs, g, now_ms);
}

/* Who was answered and never synced holds the others up: out. */
static void expire_sync(struct groups *gs, struct group *g, int64_t now_ms)
{
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        struct gmember *m = e->value;
        if (!m->synced)
            gmember_remove(gs, g, m);
    }
    group_prepare(gs, g, now_ms);
}

static void expire_state(struct groups *gs, struct group *g, int64_t now_ms)
{
    if (g->deadline_ms > now_ms)
        return;
    if (g->state == GROUP_COMPLETING) {
        expire_sync(gs, g, now_ms);
    } else if (g->state == GROUP_PREPARING && g->initial && g->newcomer &&
               now_ms < g->initial_until_ms) {
        int64_t until = now_ms + gs->options.rebalance_delay_ms;
        g->newcomer = false;
        group_wait_until(gs, g, until < g->initial_until_ms ? until : g->initial_until_ms);
    } else if (g->state == GROUP_PREPARING) {
        group_complete_join(gs, g, now_ms);
    }
}

static int64_t group_deadline(const struct group *g)
{
    int64_t next = g->deadline_ms;

    for (struct map_entry *e = map_first(&g->pending); e; e = map_next(&g->pending, e)) {
        const struct gpending *p = e->value;
        if (p->deadline_ms < next)
            next = p->deadline_ms;
    }
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct gmember *m = e->value;
        if (!m->join_token && !m->sync_token && m->deadline_ms < next)
            next = m->deadline_ms;
    }
    return next;
}

void groups_expire(struct groups *gs, int64_t now_ms)
{
    int64_t next = INT64_MAX;

    if (now_ms < gs->next_ms)
        return;
    for (struct map_entry *e = map_first(&gs->by_id); e; e = map_next(&gs->by_id, e)) {
        struct group *g = e->value;
        expire_pending(gs, g, now_ms);
        expire_members(gs, g, now_ms);
        expire_state(gs, g, now_ms);
        if (group_deadline(g) < next)
            next = group_deadline(g);
    }
    gs->next_ms = next;
}
