/* What is kept of consumer groups, in the log's key-value space LOG_KV_CONSUMER_GROUPS:
 *
 *     key    u16 length, group | u8 0                 the group
 *     value  u8 version 1 | i32 epoch | i32 epoch of the target | u64 hash of the topics that are read
 *
 *     key    u16 length, group | u8 1 | member id     each member
 *     value  u8 version 1, of a classic member 2 | u8 state | i32 epoch | i32 the one before | i32 rebalance timeout, ms
 *            | instance id, rack, client id, its host, pattern, assignor: each uvarint length + 1, 0 for none
 *            | uvarint count of topics; names, sized
 *            | what it has, has to give up, is to have: each uvarint count of topics; of each its id (16
 *              bytes), uvarint count of partitions; u32 each
 *            | version 2: i32 session timeout, ms | uvarint count of protocols; of each name and metadata, sized
 *
 * Integers big-endian, as in the other facts of the Kafka face. Beside what Kafka keeps (metadata, target,
 * current assignment, epochs) there is nothing: sessions and timers begin anew. */
#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/consumer_in.h"
#include "serve/kafka/facts.h"
#include "wire/kafka/consumer_protocol.h"

enum { VERSION = 1, VERSION_CLASSIC = 2, PART_BYTES_MIN = 4 };

static void put_parts(struct buf *out, const struct parts *set)
{
    uint32_t topics = 0, end;

    for (uint32_t i = 0; i < set->count; i++)
        topics += i == 0 || memcmp(set->at[i - 1].topic, set->at[i].topic, PART_TOPIC_BYTES) != 0;
    buf_uvarint(out, topics);
    for (uint32_t i = 0; i < set->count; i = end) {
        for (end = i; end < set->count &&
                      memcmp(set->at[end].topic, set->at[i].topic, PART_TOPIC_BYTES) == 0;)
            end++;
        buf_append(out, set->at[i].topic, PART_TOPIC_BYTES);
        buf_uvarint(out, end - i);
        for (uint32_t at = i; at < end; at++)
            buf_u32_be(out, (uint32_t)set->at[at].index);
    }
}

static void put_member(struct buf *out, const struct cmember *m)
{
    buf_clear(out);
    buf_u8(out, m->is_classic ? VERSION_CLASSIC : VERSION);
    buf_u8(out, (uint8_t)m->state);
    buf_u32_be(out, (uint32_t)m->epoch);
    buf_u32_be(out, (uint32_t)m->previous_epoch);
    buf_u32_be(out, (uint32_t)m->rebalance_ms);
    fact_put_text(out, m->instance_id);
    fact_put_text(out, m->rack_id);
    fact_put_text(out, m->client_id);
    fact_put_text(out, m->client_host);
    fact_put_text(out, m->regex);
    fact_put_text(out, m->assignor);
    buf_uvarint(out, m->topics_count);
    for (uint32_t i = 0; i < m->topics_count; i++)
        buf_sized(out, m->topics[i]);
    put_parts(out, &m->assigned);
    put_parts(out, &m->revoking);
    put_parts(out, &m->target);
    if (!m->is_classic)
        return;
    buf_u32_be(out, (uint32_t)m->session_ms);
    fact_put_protocols(out, &m->protocols);
}

static void save_group(struct cgroup *g, cgroup_fact_fn *fn, void *context)
{
    struct buf key, value;
    struct reader gone = reader_of(buf_view(&g->gone));

    buf_init(&key, 0);
    buf_init(&value, 0);
    while (reader_left(&gone))
        fn(context, fact_key(&key, g->id, FACT_CONSUMER, reader_sized(&gone)), BYTES_NONE);
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        struct cmember *m = e->value;
        if (!m->changed)
            continue;
        put_member(&value, m);
        fn(context, fact_key(&key, g->id, FACT_CONSUMER, m->id), buf_view(&value));
    }
    if (g->deleted) {
        fn(context, fact_key(&key, g->id, FACT_CONSUMERS, BYTES_NONE), BYTES_NONE);
    } else if (g->changed) {
        buf_clear(&value);
        buf_u8(&value, VERSION);
        buf_u32_be(&value, (uint32_t)g->epoch);
        buf_u32_be(&value, (uint32_t)g->target_epoch);
        buf_u64_be(&value, g->topics_hash);
        fn(context, fact_key(&key, g->id, FACT_CONSUMERS, BYTES_NONE), buf_view(&value));
    }
    buf_deinit(&key);
    buf_deinit(&value);
}

bool cgroups_save(struct cgroups *gs, cgroup_fact_fn *fn, void *context)
{
    for (struct cgroup *g = gs->changed; g; g = g->next_changed)
        save_group(g, fn, context);
    return gs->changed != NULL;
}

void cgroups_saved(struct cgroups *gs)
{
    while (gs->changed) {
        struct cgroup *g = gs->changed;
        gs->changed = g->next_changed;
        g->changed = g->listed = false;
        buf_clear(&g->gone);
        for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e))
            ((struct cmember *)e->value)->changed = false;
        if (g->deleted)
            cgroup_free(g);
    }
}

/* ---- reading them back ---- */

static void get_parts(struct reader *r, struct parts *out)
{
    uint64_t topics = reader_uvarint(r);

    for (uint64_t t = 0; t < topics && !r->bad; t++) {
        struct bytes id = reader_bytes(r, PART_TOPIC_BYTES);
        uint64_t count = reader_uvarint(r);
        if (r->bad || count > reader_left(r) / PART_BYTES_MIN) {
            r->bad = true;
            return;
        }
        for (uint64_t i = 0; i < count; i++)
            parts_push(out, id.ptr, (int32_t)reader_u32_be(r));
    }
    parts_sort(out);
}

static void get_topics(struct reader *r, struct cmember *m)
{
    uint64_t count = reader_uvarint(r);

    if (r->bad || count > CGROUP_TOPICS || count > reader_left(r)) {
        r->bad = true;
        return;
    }
    m->topics = xcalloc((size_t)count + 1, sizeof(*m->topics));
    for (; m->topics_count < count && !r->bad; m->topics_count++) {
        struct bytes name = reader_sized(r);
        m->topics[m->topics_count] = bytes_keep(name.ptr ? name : BYTES_LITERAL(""));
    }
}

/* What a classic member speaks; the first must be what consumers say. */
static void get_protocols(struct reader *r, struct cmember *m)
{
    struct consumer_subscription s;

    m->is_classic = true;
    m->session_ms = (int32_t)reader_u32_be(r);
    fact_get_protocols(r, &m->protocols);
    r->bad |= m->session_ms <= 0 || m->protocols.count == 0 ||
              !consumer_subscription_parse(m->protocols.at[0].metadata, &s);
}

static bool get_member(struct reader *r, struct cmember *m)
{
    uint8_t version = reader_u8(r), state = reader_u8(r);

    if ((version != VERSION && version != VERSION_CLASSIC) || state >= CMEMBER_STATES)
        return false;
    m->state = (enum cmember_state)state;
    m->epoch = (int32_t)reader_u32_be(r);
    m->previous_epoch = (int32_t)reader_u32_be(r);
    m->rebalance_ms = (int32_t)reader_u32_be(r);
    m->instance_id = fact_get_text(r);
    m->rack_id = fact_get_text(r);
    m->client_id = fact_get_text(r);
    m->client_host = fact_get_text(r);
    m->regex = fact_get_text(r);
    m->assignor = fact_get_text(r);
    get_topics(r, m);
    get_parts(r, &m->assigned);
    get_parts(r, &m->revoking);
    get_parts(r, &m->target);
    if (version == VERSION_CLASSIC)
        get_protocols(r, m);
    return !r->bad && reader_left(r) == 0;
}

static bool load_group(struct cgroup *g, struct reader *r)
{
    if (reader_u8(r) != VERSION)
        return false;
    g->epoch = (int32_t)reader_u32_be(r);
    g->target_epoch = (int32_t)reader_u32_be(r);
    g->topics_hash = reader_u64_be(r);
    return !r->bad && reader_left(r) == 0;
}

static bool load_member(struct cgroups *gs, struct cgroup *g, int64_t now_ms, struct bytes id,
                        struct reader *r)
{
    struct cmember *m = xcalloc(1, sizeof(*m));

    m->id = bytes_keep(id);
    if (!id.len || map_get(&g->members, id) || !get_member(r, m)) {
        cmember_free(m);
        return false;
    }
    cmember_alive(gs, g, m, now_ms);
    m->due_at_ms = m->state == CMEMBER_UNREVOKED ? now_ms + m->rebalance_ms : INT64_MAX;
    cgroups_wait_until(gs, m->due_at_ms);
    cmember_add(g, m);
    return true;
}

bool cgroups_load(struct cgroups *gs, int64_t now_ms, struct bytes key, struct bytes value)
{
    struct reader r = reader_of(value);
    struct bytes group, member;
    uint8_t kind;

    if (!fact_key_parse(key, &group, &kind, &member) || kind > FACT_CONSUMER ||
        (kind == FACT_CONSUMERS && member.len))
        return false;
    struct cgroup *g = map_get(&gs->by_id, group);
    if (!g)
        g = cgroup_make(gs, group);
    if (!g)
        return false;
    g->empty_since_ms = now_ms;
    return kind == FACT_CONSUMERS ? load_group(g, &r) : load_member(gs, g, now_ms, member, &r);
}
