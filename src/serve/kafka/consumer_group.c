#include "serve/kafka/consumer_group.h"

#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/consumer_in.h"

void cgroup_free(struct cgroup *g)
{
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e))
        cmember_free(e->value);
    map_deinit(&g->members);
    map_deinit(&g->instances);
    buf_deinit(&g->gone);
    bytes_drop(&g->id);
    free(g);
}

struct cgroups *cgroups_create(const struct cgroup_host *host, const struct cgroup_options *options)
{
    struct cgroups *gs = xcalloc(1, sizeof(*gs));

    gs->host = *host;
    gs->options = *options;
    gs->next_ms = INT64_MAX;
    map_init(&gs->by_id);
    return gs;
}

void cgroups_destroy(struct cgroups *gs)
{
    while (gs->changed) {
        struct cgroup *g = gs->changed;
        gs->changed = g->next_changed;
        if (g->deleted)
            cgroup_free(g);
    }
    for (struct map_entry *e = map_first(&gs->by_id); e; e = map_next(&gs->by_id, e))
        cgroup_free(e->value);
    map_deinit(&gs->by_id);
    parts_free(&gs->told);
    bytes_drop(&gs->told_id);
    free(gs);
}

void cgroup_touch(struct cgroups *gs, struct cgroup *g, struct cmember *m)
{
    struct cgroup **last = &gs->changed;

    if (m)
        m->changed = true;
    else
        g->changed = true;
    if (g->listed)
        return;
    while (*last)
        last = &(*last)->next_changed;
    *last = g; /* at the end: a group's end stands before the beginning of another of its name */
    g->next_changed = NULL;
    g->listed = true;
}

struct cgroup *cgroup_make(struct cgroups *gs, struct bytes id)
{
    if (map_size(&gs->by_id) >= gs->options.groups_max)
        return NULL;
    struct cgroup *g = xcalloc(1, sizeof(*g));
    g->id = bytes_keep(id);
    map_init(&g->members);
    map_init(&g->instances);
    buf_init(&g->gone, 0);
    map_put(&gs->by_id, g->id, g);
    return g;
}

void cgroups_wait_until(struct cgroups *gs, int64_t at_ms)
{
    if (at_ms < gs->next_ms)
        gs->next_ms = at_ms;
}

void cgroup_bump(struct cgroups *gs, struct cgroup *g)
{
    g->epoch++;
    cgroup_touch(gs, g, NULL);
}

void cmember_alive(struct cgroups *gs, const struct cgroup *g, struct cmember *m, int64_t now_ms)
{
    int32_t session_ms = m->session_ms, heartbeat_ms = 0;

    if (!m->is_classic)
        gs->host.times(gs->host.context, g->id, &session_ms, &heartbeat_ms);
    m->session_at_ms = now_ms + session_ms;
    cgroups_wait_until(gs, m->session_at_ms);
}

/* ---- who asks ---- */

/* A member of an earlier epoch may have missed the answer that raised it. */
static enum kafka_error check_epoch(const struct cmember *m, const struct cgroup_beat *b)
{
    bool missed = b->epoch == m->previous_epoch && b->owned && parts_within(b->owned, &m->assigned);

    return b->epoch == m->epoch || (b->epoch < m->epoch && missed) ? KAFKA_ERR_NONE
                                                                  : KAFKA_ERR_FENCED_MEMBER_EPOCH;
}

/* Joins, or comes back: *is_new when it was not there. */
static enum kafka_error member_joins(struct cgroups *gs, struct cgroup *g, const struct cgroup_beat *b,
                                     struct bytes id, struct cmember **out, bool *is_new)
{
    struct cmember *m = map_get(&g->members, id);
    struct cmember *there = b->instance_id.ptr ? map_get(&g->instances, b->instance_id) : NULL;

    if (there && !bytes_equal(there->id, id)) {
        if ((there->epoch != CGROUP_LEAVE_STATIC && !there->is_classic) || m)
            return KAFKA_ERR_UNRELEASED_INSTANCE_ID;
        cmember_rename(gs, g, there, id);
        m = there;
    }
    if (m) {
        cmember_rejoin(gs, g, m);
    } else {
        if (map_size(&g->members) >= gs->options.members_max)
            return KAFKA_ERR_GROUP_MAX_SIZE_REACHED;
        m = cmember_new(gs, g, id);
        *is_new = true;
    }
    *out = m;
    return KAFKA_ERR_NONE;
}

/* One that should be there. */
static enum kafka_error member_find(const struct cgroup *g, const struct cgroup_beat *b,
                                    struct cmember **out)
{
    struct cmember *m = map_get(&g->members, b->member_id);

    if (b->instance_id.ptr) {
        struct cmember *there = map_get(&g->instances, b->instance_id);
        if (there && there != m)
            return KAFKA_ERR_FENCED_INSTANCE_ID;
        m = there;
    }
    *out = m;
    return m ? KAFKA_ERR_NONE : KAFKA_ERR_UNKNOWN_MEMBER_ID;
}

/* ---- heartbeats ---- */

enum { UUID_TEXT = 22 };

/* 22 characters of base64, as Kafka writes a random id. */
static struct bytes random_id(struct cgroups *gs, char text[UUID_TEXT])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t r[UUID_TEXT];

    gs->host.random(gs->host.context, r, sizeof(r));
    for (int i = 0; i < UUID_TEXT; i++)
        text[i] = letters[r[i] & 63];
    return bytes_of(text, UUID_TEXT);
}

static void tell(struct cgroups *gs, const struct cgroup *g, const struct cmember *m,
                 struct cgroup_answer *answer)
{
    int32_t session_ms = 0;

    gs->host.times(gs->host.context, g->id, &session_ms, &answer->heartbeat_ms);
    bytes_drop(&gs->told_id);
    gs->told_id = bytes_keep(m->id);
    answer->member_id = gs->told_id;
    answer->epoch = m->epoch;
}

void cgroup_beat_member(struct cgroups *gs, struct cgroup *g, struct cmember *m, int64_t now_ms,
                        const struct cgroup_beat *b, bool is_new, struct cgroup_answer *answer)
{
    bool is_full = b->epoch == 0 || (b->rebalance_ms != -1 && b->owned &&
                                     (b->topics_count >= 0 || b->regex.ptr));
    bool other = cmember_update(gs, g, m, b) || is_new;

    if (other || gs->host.topics_stamp(gs->host.context) != g->stamp)
        other |= cgroup_topics_changed(gs, g);
    if (other)
        cgroup_bump(gs, g);
    if (g->epoch > g->target_epoch)
        cgroup_assign(gs, g);
    parts_copy(&gs->told, &m->assigned);
    cmember_reconcile(gs, g, m, now_ms, b->owned);
    cmember_alive(gs, g, m, now_ms);
    tell(gs, g, m, answer);
    if (!is_full && parts_equal(&gs->told, &m->assigned))
        return;
    parts_copy(&gs->told, &m->assigned);
    answer->assignment = &gs->told;
}

static void beat_leaves(struct cgroups *gs, struct cgroup *g, struct cmember *m, int64_t now_ms,
                        const struct cgroup_beat *b, struct cgroup_answer *answer)
{
    tell(gs, g, m, answer);
    answer->heartbeat_ms = 0;
    answer->epoch = b->epoch;
    if (b->epoch == CGROUP_LEAVE) {
        cmember_remove(gs, g, m, now_ms);
        return;
    }
    m->epoch = CGROUP_LEAVE_STATIC; /* its partitions wait for it till its session ends */
    m->due_at_ms = INT64_MAX;
    parts_free(&m->revoking);
    cgroup_touch(gs, g, m);
}

/* What a heartbeat means for a group that is there. */
static enum kafka_error beat_group(struct cgroups *gs, struct cgroup *g, int64_t now_ms,
                                   const struct cgroup_beat *b, struct cgroup_answer *answer)
{
    char text[UUID_TEXT];
    struct cmember *m = NULL;
    bool is_new = false;
    enum kafka_error error;

    if (b->epoch == 0) {
        error = member_joins(gs, g, b, b->member_id.len ? b->member_id : random_id(gs, text), &m, &is_new);
    } else {
        error = member_find(g, b, &m);
        if (!error && b->epoch > 0)
            error = check_epoch(m, b);
    }
    if (error)
        return error;
    if (b->epoch >= 0)
        cmember_become_consumer(gs, g, m);
    if (b->epoch < 0)
        beat_leaves(gs, g, m, now_ms, b, answer);
    else
        cgroup_beat_member(gs, g, m, now_ms, b, is_new, answer);
    return KAFKA_ERR_NONE;
}

static const char *why_of(enum kafka_error error)
{
    switch (error) {
    case KAFKA_ERR_GROUP_ID_NOT_FOUND: return "there is no consumer group of this id";
    case KAFKA_ERR_UNKNOWN_MEMBER_ID: return "the group has no such member: it may join again";
    case KAFKA_ERR_FENCED_MEMBER_EPOCH:
        return "the member epoch is not the one that was given: give all partitions up and join again";
    case KAFKA_ERR_FENCED_INSTANCE_ID: return "another member has the instance id";
    case KAFKA_ERR_UNRELEASED_INSTANCE_ID: return "the member that has the instance id has not left";
    case KAFKA_ERR_GROUP_MAX_SIZE_REACHED: return "the group is full";
    default: return NULL;
    }
}

enum kafka_error cgroups_beat_error(const struct cgroup_beat *b, const char **why)
{
    return cgroup_check_beat(b, why);
}

void cgroups_beat(struct cgroups *gs, int64_t now_ms, const struct cgroup_beat *b,
                  struct cgroup_answer *answer)
{
    *answer = (struct cgroup_answer){.member_id = b->member_id, .epoch = b->epoch};
    answer->error = cgroup_check_beat(b, &answer->why);
    if (answer->error)
        return;
    struct cgroup *g = map_get(&gs->by_id, b->group_id);
    if (!g && b->epoch == 0) {
        g = cgroup_make(gs, b->group_id);
        if (!g) {
            answer->error = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
            answer->why = "there are too many groups";
            return;
        }
    }
    answer->error = g ? beat_group(gs, g, now_ms, b, answer) : KAFKA_ERR_GROUP_ID_NOT_FOUND;
    answer->why = why_of(answer->error);
}

/* ---- offsets ---- */

static enum kafka_error check_member(const struct cgroup *g, struct bytes member, int32_t epoch)
{
    const struct cmember *m = map_get(&g->members, member);

    if (!m)
        return KAFKA_ERR_UNKNOWN_MEMBER_ID;
    if (epoch == m->epoch)
        return KAFKA_ERR_NONE;
    return m->is_classic ? KAFKA_ERR_ILLEGAL_GENERATION : KAFKA_ERR_STALE_MEMBER_EPOCH;
}

bool cgroups_is_classic(const struct cgroups *gs, struct bytes group, struct bytes member)
{
    const struct cgroup *g = map_get(&gs->by_id, group);
    const struct cmember *m = g ? map_get(&g->members, member) : NULL;

    return m && m->is_classic;
}

enum kafka_error cgroups_may_commit(const struct cgroups *gs, struct bytes group, struct bytes member,
                                    int32_t epoch)
{
    const struct cgroup *g = map_get(&gs->by_id, group);

    CHECK(g);
    if (epoch < 0 && map_size(&g->members) == 0)
        return KAFKA_ERR_NONE; /* an administrator, or one that assigns its own partitions */
    return check_member(g, member, epoch);
}

enum kafka_error cgroups_may_fetch(const struct cgroups *gs, struct bytes group, struct bytes member,
                                   int32_t epoch)
{
    const struct cgroup *g = map_get(&gs->by_id, group);

    CHECK(g);
    return !member.ptr && epoch < 0 ? KAFKA_ERR_NONE : check_member(g, member, epoch);
}

/* ---- time ---- */

int64_t cgroups_deadline_ms(const struct cgroups *gs)
{
    return gs->next_ms;
}

static int64_t member_deadline(const struct cmember *m)
{
    return m->session_at_ms < m->due_at_ms ? m->session_at_ms : m->due_at_ms;
}

void cgroups_expire(struct cgroups *gs, int64_t now_ms)
{
    int64_t next = INT64_MAX;

    if (now_ms < gs->next_ms)
        return;
    for (struct map_entry *ge = map_first(&gs->by_id); ge; ge = map_next(&gs->by_id, ge)) {
        struct cgroup *g = ge->value;
        for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
            struct cmember *m = e->value;
            int64_t at_ms = member_deadline(m);
            if (at_ms <= now_ms)
                cmember_remove(gs, g, m, now_ms);
            else if (at_ms < next)
                next = at_ms;
        }
    }
    gs->next_ms = next;
}
