/* What is kept of classic groups, in the log's key-value space LOG_KV_CONSUMER_GROUPS: one fact a group, written
 * when its leader has assigned, and gone when nobody is in it.
 *
 *     key    u16 length, group | u8 2
 *     value  u8 version 1 | i32 generation | protocol type, protocol, leader's id, texts | uvarint count of members; of
 *            each its id, instance id, client id, client's host, texts | i32 session, i32 rebalance timeout, ms
 *            | assignment, a text | protocols
 *
 * Integers big-endian; texts and protocols as in facts.h. */
#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/facts.h"
#include "serve/kafka/group_in.h"

enum { VERSION = 1, MEMBER_BYTES_MIN = 14 };

void group_keep(struct groups *gs, struct group *g)
{
    g->kept = true;
    map_put(&gs->changed, g->id, gs);
}

void group_keep_now(struct groups *gs, struct group *g)
{
    group_keep(gs, g);
    if (gs->host.stable)
        gs->host.stable(gs->host.context);
}

void group_unkeep(struct groups *gs, struct group *g)
{
    if (g->kept)
        map_put(&gs->changed, g->id, gs);
    g->kept = false;
}

/* ---- writing ---- */

static void put_member(struct buf *out, const struct gmember *m)
{
    fact_put_text(out, m->id);
    fact_put_text(out, m->instance_id);
    fact_put_text(out, m->client_id);
    fact_put_text(out, m->client_host);
    buf_u32_be(out, (uint32_t)m->session_ms);
    buf_u32_be(out, (uint32_t)m->rebalance_ms);
    fact_put_text(out, m->assignment);
    fact_put_protocols(out, &m->protocols);
}

static void put_group(struct buf *out, const struct group *g)
{
    buf_u8(out, VERSION);
    buf_u32_be(out, (uint32_t)g->generation);
    fact_put_text(out, g->protocol_type);
    fact_put_text(out, g->protocol);
    fact_put_text(out, g->leader ? g->leader->id : BYTES_NONE);
    buf_uvarint(out, map_size(&g->members));
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e))
        put_member(out, e->value);
}

/* Its generation is on its way: what was before it stays kept, until there is what comes after it. */
static bool is_between(const struct group *g)
{
    return g && g->kept && g->state == GROUP_COMPLETING;
}

bool groups_save(struct groups *gs, group_fact_fn *fn, void *context)
{
    struct buf key, value;
    bool any = false;

    buf_init(&key, 0);
    buf_init(&value, GROUP_FACT_BYTES_MAX);
    for (struct map_entry *e = map_first(&gs->changed); e; e = map_next(&gs->changed, e)) {
        const struct group *g = map_get(&gs->by_id, e->key);
        if (is_between(g))
            continue;
        buf_clear(&value);
        if (g && g->kept)
            put_group(&value, g);
        fn(context, fact_key(&key, e->key, FACT_CLASSIC, BYTES_NONE), value.failed ? BYTES_NONE : buf_view(&value));
        any = true;
    }
    buf_deinit(&key);
    buf_deinit(&value);
    return any;
}

void groups_saved(struct groups *gs)
{
    for (struct map_entry *e = map_first(&gs->changed); e; e = map_next(&gs->changed, e)) {
        if (!is_between(map_get(&gs->by_id, e->key)))
            map_remove(&gs->changed, e->key);
    }
}

/* ---- reading it back ---- */

static bool get_member(struct reader *r, struct group *g)
{
    struct gmember *m = xcalloc(1, sizeof(*m));

    m->id = fact_get_text(r);
    m->instance_id = fact_get_text(r);
    m->client_id = fact_get_text(r);
    m->client_host = fact_get_text(r);
    m->session_ms = (int32_t)reader_u32_be(r);
    m->rebalance_ms = (int32_t)reader_u32_be(r);
    m->assignment = fact_get_text(r);
    m->synced = true;
    fact_get_protocols(r, &m->protocols);
    if (r->bad || !m->id.len || map_get(&g->members, m->id) || m->session_ms <= 0 || m->rebalance_ms < 0 ||
        (m->instance_id.ptr && map_get(&g->instances, m->instance_id)) ||
        !group_protocol_find(&m->protocols, g->protocol)) {
        gmember_free(m);
        return false;
    }
    gmember_put(g, m);
    return true;
}

/* Into a group that has nothing but its id. */
static bool get_group(struct reader *r, struct group *g)
{
    if (reader_u8(r) != VERSION)
        return false;
    g->generation = (int32_t)reader_u32_be(r);
    g->protocol_type = fact_get_text(r);
    g->protocol = fact_get_text(r);
    struct bytes leader = fact_get_text(r);
    uint64_t count = reader_uvarint(r);
    bool whole = !r->bad && g->generation >= 0 && g->protocol_type.len && g->protocol.ptr && count > 0 &&
                 count <= reader_left(r) / MEMBER_BYTES_MIN;
    for (uint64_t i = 0; i < count && whole; i++)
        whole = get_member(r, g);
    struct gmember *leads = leader.ptr ? map_get(&g->members, leader) : NULL;
    if (leads)
        g->leader = leads;
    bytes_drop(&leader);
    return whole && reader_left(r) == 0;
}

bool groups_load(struct groups *gs, int64_t now_ms, struct bytes key, struct bytes value)
{
    struct reader r = reader_of(value);
    struct bytes id, rest;
    uint8_t kind;

    if (!fact_key_parse(key, &id, &kind, &rest) || kind != FACT_CLASSIC || rest.len || map_get(&gs->by_id, id))
        return false;
    struct group *g = groups_make(gs, id);
    if (!g || !get_group(&r, g)) {
        if (g)
            map_remove(&gs->by_id, id);
        if (g)
            group_free(g);
        return false;
    }
    g->state = GROUP_STABLE;
    g->kept = true;
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e))
        gmember_alive(gs, e->value, now_ms);
    return true;
}
