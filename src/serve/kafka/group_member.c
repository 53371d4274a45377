/* The members of a classic group, and the protocols that they have in common. */
#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/group_in.h"

void gmember_put(struct group *g, struct gmember *m)
{
    map_put(&g->members, m->id, m);
    if (m->instance_id.ptr)
        map_put(&g->instances, m->instance_id, m);
    if (!g->leader)
        g->leader = m;
}

void gmember_free(struct gmember *m)
{
    group_protocols_free(&m->protocols);
    bytes_drop(&m->id);
    bytes_drop(&m->instance_id);
    bytes_drop(&m->client_id);
    bytes_drop(&m->client_host);
    bytes_drop(&m->assignment);
    free(m);
}

static bool all_support(const struct group *g, struct bytes name)
{
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        if (!group_protocol_find(&((const struct gmember *)e->value)->protocols, name))
            return false;
    }
    return true;
}

static int votes_for(const struct group *g, struct bytes name)
{
    int votes = 0;

    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct gmember *m = e->value;
        for (int32_t i = 0; i < m->protocols.count; i++) {
            if (all_support(g, m->protocols.at[i].name)) {
                votes += bytes_equal(m->protocols.at[i].name, name);
                break;
            }
        }
    }
    return votes;
}

void group_choose_protocol(struct group *g)
{
    const struct gmember *any = map_first(&g->members)->value;
    struct bytes best = BYTES_NONE;
    int best_votes = -1;

    for (int32_t i = 0; i < any->protocols.count; i++) {
        struct bytes name = any->protocols.at[i].name;
        int votes = all_support(g, name) ? votes_for(g, name) : -1;
        if (votes > best_votes) {
            best = name;
            best_votes = votes;
        }
    }
    CHECK(best.ptr); /* join refuses members who share none */
    bytes_keep_over(&g->protocol, best);
}

bool group_fits(const struct group *g, const struct group_join *join, const struct gmember *but)
{
    if (join->protocols.count <= 0 || join->protocol_type.len == 0)
        return false;
    if (map_size(&g->members) == 0 || (map_size(&g->members) == 1 && but))
        return true;
    if (!bytes_equal(g->protocol_type, join->protocol_type))
        return false;
    for (int32_t i = 0; i < join->protocols.count; i++) {
        bool shared = true;
        for (struct map_entry *e = map_first(&g->members); e && shared;
             e = map_next(&g->members, e))
            shared = e->value == but ||
                     group_protocol_find(&((const struct gmember *)e->value)->protocols, join->protocols.at[i].name);
        if (shared)
            return true;
    }
    return false;
}
