/* A classic group that becomes one of consumers, and back (KIP-848, bidirectional): its members, as they are. */
#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/group_in.h"

void groups_each_moving(const struct groups *gs, struct bytes id, group_moving_fn *fn, void *context)
{
    const struct group *g = map_get(&gs->by_id, id);

    CHECK(g);
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct gmember *m = e->value;
        const struct group_moving moving = {.id = m->id,
                                            .instance_id = m->instance_id,
                                            .client_id = m->client_id,
                                            .client_host = m->client_host,
                                            .session_timeout_ms = m->session_ms,
                                            .rebalance_timeout_ms = m->rebalance_ms,
                                            .protocols = m->protocols,
                                            .assignment = m->assignment};
        fn(context, &moving);
    }
}

void groups_give(struct groups *gs, struct bytes id)
{
    struct group *g = map_remove(&gs->by_id, id);

    CHECK(g);
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        struct gmember *m = e->value;
        void *token = m->join_token;
        m->join_token = NULL;
        if (token)
            groups_refuse_join(gs, token, KAFKA_ERR_REBALANCE_IN_PROGRESS, m->id);
        gmember_answer_sync(gs, g, m, KAFKA_ERR_REBALANCE_IN_PROGRESS);
    }
    group_unkeep(gs, g);
    group_free(g);
}

bool groups_take(struct groups *gs, int64_t now_ms, struct bytes id, int32_t generation,
                 const struct group_moving *moving)
{
    struct group *g = groups_make(gs, id);

    if (!g)
        return false;
    struct gmember *m = xcalloc(1, sizeof(*m));
    g->state = GROUP_STABLE;
    g->generation = generation;
    bytes_keep_over(&g->protocol_type, BYTES_LITERAL("consumer"));
    m->id = bytes_keep(moving->id);
    m->instance_id = bytes_keep(moving->instance_id);
    m->client_id = bytes_keep(moving->client_id);
    m->client_host = bytes_keep(moving->client_host);
    m->assignment = bytes_keep(moving->assignment);
    m->session_ms = moving->session_timeout_ms;
    m->rebalance_ms = moving->rebalance_timeout_ms;
    m->synced = true;
    group_protocols_keep(&m->protocols, &moving->protocols);
    gmember_put(g, m);
    gmember_alive(gs, m, now_ms);
    return true;
}

void groups_taken(struct groups *gs, int64_t now_ms, struct bytes id)
{
    struct group *g = map_get(&gs->by_id, id);

    CHECK(g && g->state == GROUP_STABLE);
    group_choose_protocol(g);
    group_keep(gs, g);
    group_prepare(gs, g, now_ms);
}
