/* Members of groups of consumers: how they come and go, and what they say of themselves. */
#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/consumer_in.h"

static void topics_free(struct cmember *m)
{
    for (uint32_t i = 0; i < m->topics_count; i++)
        bytes_drop(&m->topics[i]);
    free(m->topics);
    m->topics = NULL;
    m->topics_count = 0;
}

void cmember_free(struct cmember *m)
{
    topics_free(m);
    bytes_drop(&m->id);
    bytes_drop(&m->instance_id);
    bytes_drop(&m->rack_id);
    bytes_drop(&m->client_id);
    bytes_drop(&m->client_host);
    bytes_drop(&m->regex);
    bytes_drop(&m->assignor);
    group_protocols_free(&m->protocols);
    parts_free(&m->assigned);
    parts_free(&m->revoking);
    parts_free(&m->target);
    free(m);
}

void cmember_add(struct cgroup *g, struct cmember *m)
{
    map_put(&g->members, m->id, m);
    if (m->instance_id.ptr)
        map_put(&g->instances, m->instance_id, m);
}

struct cmember *cmember_new(struct cgroups *gs, struct cgroup *g, struct bytes id)
{
    struct cmember *m = xcalloc(1, sizeof(*m));

    m->id = bytes_keep(id);
    m->due_at_ms = INT64_MAX;
    cmember_add(g, m);
    cgroup_touch(gs, g, m);
    return m;
}

/* What it had is free at once. */
void cmember_remove(struct cgroups *gs, struct cgroup *g, struct cmember *m, int64_t now_ms)
{
    buf_sized(&g->gone, m->id);
    map_remove(&g->members, m->id);
    if (m->instance_id.ptr && map_get(&g->instances, m->instance_id) == m)
        map_remove(&g->instances, m->instance_id);
    cmember_free(m);
    (void)cgroup_topics_changed(gs, g); /* noted: the epoch rises in any case */
    cgroup_bump(gs, g);
    if (map_size(&g->members) == 0)
        g->empty_since_ms = now_ms;
}

void cmember_rename(struct cgroups *gs, struct cgroup *g, struct cmember *m, struct bytes id)
{
    buf_sized(&g->gone, m->id);
    map_remove(&g->members, m->id);
    bytes_drop(&m->id);
    m->id = bytes_keep(id);
    map_put(&g->members, m->id, m);
    cgroup_touch(gs, g, m);
}

void cmember_rejoin(struct cgroups *gs, struct cgroup *g, struct cmember *m)
{
    m->epoch = m->previous_epoch = 0;
    m->state = CMEMBER_STABLE;
    parts_free(&m->revoking);
    cgroup_touch(gs, g, m);
}

/* ---- what it says of itself ---- */

static bool set(struct bytes *to, struct bytes b)
{
    if (!b.ptr || (to->ptr && bytes_equal(*to, b)))
        return false;
    bytes_drop(to);
    *to = bytes_keep(b);
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Whether the topics are others; then it has them. */
static bool set_topics(struct cmember *m, const struct cgroup_beat *b)
{
    uint32_t count = 0;

    if (b->topics_count < 0)
        return false;
    struct bytes *topics = xcalloc((size_t)b->topics_count + 1, sizeof(*topics));
    if (b->topics_count)
        memcpy(topics, b->topics, (size_t)b->topics_count * sizeof(*topics));
    qsort(topics, (size_t)b->topics_count, sizeof(*topics), compare_names);
    for (int32_t i = 0; i < b->topics_count; i++) {
        if (count == 0 || !bytes_equal(topics[count - 1], topics[i]))
            topics[count++] = topics[i];
    }
    bool same = count == m->topics_count;
    for (uint32_t i = 0; i < count && same; i++)
        same = bytes_equal(topics[i], m->topics[i]);
    if (same) {
        free(topics);
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        topics[i] = bytes_keep(topics[i]);
    topics_free(m);
    m->topics = topics;
    m->topics_count = count;
    return true;
}

bool cmember_update(struct cgroups *gs, struct cgroup *g, struct cmember *m,
                          const struct cgroup_beat *b)
{
    struct bytes regex = b->regex.ptr && !b->regex.len && !m->regex.ptr ? BYTES_NONE : b->regex;
    bool reads = set(&m->regex, regex);
    bool other = false;

    reads |= set_topics(m, b);
    other |= set(&m->rack_id, b->rack_id);
    other |= set(&m->assignor, b->assignor);
    other |= set(&m->client_id, b->client_id);
    other |= set(&m->client_host, b->client_host);
    if (b->instance_id.ptr && m->instance_id.ptr && !bytes_equal(b->instance_id, m->instance_id))
        map_remove(&g->instances, m->instance_id);
    if (set(&m->instance_id, b->instance_id)) {
        map_put(&g->instances, m->instance_id, m);
        other = true;
    }
    if (b->rebalance_ms != -1 && b->rebalance_ms != m->rebalance_ms) {
        m->rebalance_ms = b->rebalance_ms;
        other = true;
    }
    if (reads || other)
        cgroup_touch(gs, g, m);
    return reads;
}
