/* Groups of consumers as others see them. */
#include "serve/kafka/consumer_in.h"

const char *cgroup_state_name(enum cgroup_state state)
{
    static const char *const names[] = {"Empty", "Assigning", "Reconciling", "Stable"};

    return names[state];
}

static enum cgroup_state state_of(const struct cgroup *g)
{
    if (map_size(&g->members) == 0)
        return CGROUP_EMPTY;
    if (g->epoch > g->target_epoch)
        return CGROUP_ASSIGNING;
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct cmember *m = e->value;
        if (m->state != CMEMBER_STABLE || m->epoch != g->target_epoch)
            return CGROUP_RECONCILING;
    }
    return CGROUP_STABLE;
}

static struct cgroup_info info_of(const struct cgroup *g)
{
    return (struct cgroup_info){.id = g->id,
                                .state = state_of(g),
                                .epoch = g->epoch,
                                .target_epoch = g->target_epoch,
                                .assignor = cgroup_assignor(g),
                                .members_count = map_size(&g->members),
                                .empty_since_ms = g->empty_since_ms};
}

bool cgroups_find(const struct cgroups *gs, struct bytes id, struct cgroup_info *out)
{
    const struct cgroup *g = map_get(&gs->by_id, id);

    if (g && out)
        *out = info_of(g);
    return g != NULL;
}

uint32_t cgroups_count(const struct cgroups *gs)
{
    return map_size(&gs->by_id);
}

void cgroups_each(const struct cgroups *gs, cgroup_info_fn *fn, void *context)
{
    for (struct map_entry *e = map_first(&gs->by_id); e; e = map_next(&gs->by_id, e)) {
        struct cgroup_info info = info_of(e->value);
        fn(context, &info);
    }
}

void cgroups_each_member(const struct cgroups *gs, struct bytes id, cgroup_member_fn *fn, void *context)
{
    const struct cgroup *g = map_get(&gs->by_id, id);

    if (!g)
        return;
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct cmember *m = e->value;
        const struct cgroup_member_info info = {.member_id = m->id,
                                                .instance_id = m->instance_id,
                                                .rack_id = m->rack_id,
                                                .client_id = m->client_id,
                                                .client_host = m->client_host,
                                                .regex = m->regex,
                                                .topics = m->topics,
                                                .topics_count = m->topics_count,
                                                .epoch = m->epoch,
                                                .is_classic = m->is_classic,
                                                .assigned = &m->assigned,
                                                .target = &m->target};
        fn(context, &info);
    }
}

enum kafka_error cgroups_delete(struct cgroups *gs, struct bytes id)
{
    struct cgroup *g = map_get(&gs->by_id, id);

    if (!g)
        return KAFKA_ERR_GROUP_ID_NOT_FOUND;
    if (map_size(&g->members))
        return KAFKA_ERR_NON_EMPTY_GROUP;
    map_remove(&gs->by_id, id);
    g->deleted = true;
    cgroup_touch(gs, g, NULL);
    return KAFKA_ERR_NONE;
}
