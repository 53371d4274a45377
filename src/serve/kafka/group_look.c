/* Classic groups as others see them. */
#include "serve/kafka/group_in.h"

static const char *const state_names[] = {"Empty", "PreparingRebalance", "CompletingRebalance",
                                          "Stable"};

const char *group_state_name(enum group_state state)
{
    return state_names[state];
}

void groups_known(struct groups *gs, struct bytes id)
{
    (void)groups_make(gs, id);
}

static struct group_info info_of(const struct group *g)
{
    return (struct group_info){.id = g->id,
                               .protocol_type = g->protocol_type,
                               .protocol = g->protocol,
                               .state = g->state,
                               .generation = g->generation,
                               .members_count = map_size(&g->members),
                               .pending_count = map_size(&g->pending)};
}

bool groups_find(const struct groups *gs, struct bytes id, struct group_info *out)
{
    const struct group *g = map_get(&gs->by_id, id);

    if (g)
        *out = info_of(g);
    return g != NULL;
}

uint32_t groups_count(const struct groups *gs)
{
    return map_size(&gs->by_id);
}

void groups_each(const struct groups *gs, group_info_fn *fn, void *context)
{
    for (struct map_entry *e = map_first(&gs->by_id); e; e = map_next(&gs->by_id, e)) {
        struct group_info info = info_of(e->value);
        fn(context, &info);
    }
}

void groups_each_member(const struct groups *gs, struct bytes id, group_member_fn *fn,
                        void *context)
{
    const struct group *g = map_get(&gs->by_id, id);

    if (!g)
        return;
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct gmember *m = e->value;
        const struct group_protocol *p = g->protocol.ptr ? group_protocol_find(&m->protocols, g->protocol) : NULL;
        const struct group_member_info info = {m->id,          m->instance_id,
                                               m->client_id,   m->client_host,
                                               p ? p->metadata : BYTES_NONE, m->assignment};
        fn(context, &info);
    }
}

enum kafka_error groups_delete(struct groups *gs, struct bytes id)
{
    struct group *g = map_get(&gs->by_id, id);

    if (!g)
        return KAFKA_ERR_GROUP_ID_NOT_FOUND;
    if (map_size(&g->members) || map_size(&g->pending))
        return KAFKA_ERR_NON_EMPTY_GROUP;
    group_unkeep(gs, g);
    map_remove(&gs->by_id, id);
    group_free(g);
    return KAFKA_ERR_NONE;
}
