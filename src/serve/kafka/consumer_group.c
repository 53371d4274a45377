#include "serve/kafka/consumer_group.h"

#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/consumer_in.h"

enum { UUID_TEXT = 22 };

/* ---- copies ---- */

struct bytes cgroup_keep(struct bytes b)
{
    if (!b.ptr)
        return BYTES_NONE;
    uint8_t *copy = xmalloc(b.len + 1);
    if (b.len)
        memcpy(copy, b.ptr, b.len);
    return bytes_of(copy, b.len);
}

void cgroup_drop(struct bytes *b)
{
    free((void *)(uintptr_t)b->ptr);
    *b = BYTES_NONE;
}

void cmember_topics_free(struct cmember *m)
{
    for (uint32_t i = 0; i < m->topics_count; i++)
        cgroup_drop(&m->topics[i]);
    free(m->topics);
    m->topics = NULL;
    m->topics_count = 0;
}

void cmember_free(struct cmember *m)
{
    cmember_topics_free(m);
    cgroup_drop(&m->id);
    cgroup_drop(&m->instance_id);
    cgroup_drop(&m->rack_id);
    cgroup_drop(&m->client_id);
    cgroup_drop(&m->client_host);
    cgroup_drop(&m->regex);
    cgroup_drop(&m->assignor);
    parts_free(&m->assigned);
    parts_free(&m->revoking);
    parts_free(&m->target);
    free(m);
}

void cgroup_free(struct cgroup *g)
{
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e))
        cmember_free(e->value);
    map_deinit(&g->members);
    map_deinit(&g->instances);
    buf_deinit(&g->gone);
    cgroup_drop(&g->id);
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
    cgroup_drop(&gs->told_id);
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
    g->id = cgroup_keep(id);
    map_init(&g->members);
    map_init(&g->instances);
    buf_init(&g->gone, 0);
    map_put(&gs->by_id, g->id, g);
    return g;
}

/* ---- members ---- */

void cgroups_wait_until(struct cgroups *gs, int64_t at_ms)
{
    if (at_ms < gs->next_ms)
        gs->next_ms = at_ms;
}

int64_t cgroup_session_end(const struct cgroups *gs, const struct cgroup *g, int64_t now_ms)
{
    int32_t session_ms = 0, heartbeat_ms = 0;

    gs->host.times(gs->host.context, g->id, &session_ms, &heartbeat_ms);
    return now_ms + session_ms;
}

void cmember_add(struct cgroup *g, struct cmember *m)
{
    map_put(&g->members, m->id, m);
    if (m->instance_id.ptr)
        map_put(&g->instances, m->instance_id, m);
}

static struct cmember *member_new(struct cgroups *gs, struct cgroup *g, struct bytes id)
{
    struct cmember *m = xcalloc(1, sizeof(*m));

    m->id = cgroup_keep(id);
    m->revoke_at_ms = INT64_MAX;
    cmember_add(g, m);
    cgroup_touch(gs, g, m);
    return m;
}

static void bump(struct cgroups *gs, struct cgroup *g)
{
    g->epoch++;
    cgroup_touch(gs, g, NULL);
}

/* What it had is free at once. */
static void member_remove(struct cgroups *gs, struct cgroup *g, struct cmember *m, int64_t now_ms)
{
    buf_sized(&g->gone, m->id);
    map_remove(&g->members, m->id);
    if (m->instance_id.ptr && map_get(&g->instances, m->instance_id) == m)
        map_remove(&g->instances, m->instance_id);
    cmember_free(m);
    (void)cgroup_topics_changed(gs, g); /* noted: the epoch rises in any case */
    bump(gs, g);
    if (map_size(&g->members) == 0)
        g->empty_since_ms = now_ms;
}

/* The place of a static member that has left for a while is taken under another id. */
static void member_rename(struct cgroups *gs, struct cgroup *g, struct cmember *m, struct bytes id)
{
    buf_sized(&g->gone, m->id);
    map_remove(&g->members, m->id);
    cgroup_drop(&m->id);
    m->id = cgroup_keep(id);
    map_put(&g->members, m->id, m);
    cgroup_touch(gs, g, m);
}

/* It begins anew and has nothing in its hands; what was its own nobody else has been given. */
static void member_rejoin(struct cgroups *gs, struct cgroup *g, struct cmember *m)
{
    m->epoch = m->previous_epoch = 0;
    m->state = CMEMBER_STABLE;
    parts_free(&m->revoking);
    cgroup_touch(gs, g, m);
}

/* ---- who asks ---- */

static enum kafka_error bad(const char **why, const char *text)
{
    *why = text;
    return KAFKA_ERR_INVALID_REQUEST;
}

static enum kafka_error check_join(const struct cgroup_beat *b, const char **why)
{
    if (b->names_itself && !b->member_id.len)
        return bad(why, "the member id is empty: the client makes one");
    if (b->rebalance_ms == -1)
        return bad(why, "a first request says its rebalance timeout");
    if (!b->owned || b->owned->count)
        return bad(why, "who joins has no partitions, and says so");
    if (b->topics_count < 0 && !b->regex.ptr)
        return bad(why, "a first request says what it subscribes to: topics or a regular expression");
    return KAFKA_ERR_NONE;
}

static enum kafka_error check_sizes(const struct cgroup_beat *b, const char **why)
{
    size_t longest = b->member_id.len;

    if (b->topics_count > CGROUP_TOPICS)
        return bad(why, "more than 10000 topics; a regular expression may name them");
    longest = b->instance_id.len > longest ? b->instance_id.len : longest;
    longest = b->rack_id.len > longest ? b->rack_id.len : longest;
    longest = b->regex.len > longest ? b->regex.len : longest;
    for (int32_t i = 0; i < b->topics_count; i++)
        longest = b->topics[i].len > longest ? b->topics[i].len : longest;
    return longest > CGROUP_NAME_BYTES ? bad(why, "a name of more than 4096 bytes") : KAFKA_ERR_NONE;
}

static enum kafka_error check(const struct cgroup_beat *b, const char **why)
{
    enum kafka_error error = check_sizes(b, why);

    if (error)
        return error;
    if (!b->group_id.len || b->group_id.len > INT16_MAX)
        return bad(why, "the group id is empty or too long");
    if ((b->instance_id.ptr && !b->instance_id.len) || (b->rack_id.ptr && !b->rack_id.len))
        return bad(why, "an instance id or rack that is empty");
    if (b->epoch < CGROUP_LEAVE_STATIC)
        return bad(why, "a member epoch below -2");
    if (b->epoch != 0 && !b->member_id.len)
        return bad(why, "the member id is empty");
    if (b->epoch == CGROUP_LEAVE_STATIC && !b->instance_id.ptr)
        return bad(why, "only a member with an instance id leaves for a while");
    error = b->epoch == 0 ? check_join(b, why) : KAFKA_ERR_NONE;
    if (error)
        return error;
    if (b->assignor.ptr && !cgroup_assignor_known(b->assignor)) {
        *why = "the assignors are uniform and range";
        return KAFKA_ERR_UNSUPPORTED_ASSIGNOR;
    }
    *why = b->regex.len ? cgroup_regex_error(b->regex) : NULL;
    return *why ? KAFKA_ERR_INVALID_REGULAR_EXPRESSION : KAFKA_ERR_NONE;
}

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
        if (there->epoch != CGROUP_LEAVE_STATIC || m)
            return KAFKA_ERR_UNRELEASED_INSTANCE_ID;
        member_rename(gs, g, there, id);
        m = there;
    }
    if (m) {
        member_rejoin(gs, g, m);
    } else {
        if (map_size(&g->members) >= gs->options.members_max)
            return KAFKA_ERR_GROUP_MAX_SIZE_REACHED;
        m = member_new(gs, g, id);
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

/* ---- what it says of itself ---- */

static bool set(struct bytes *to, struct bytes b)
{
    if (!b.ptr || (to->ptr && bytes_equal(*to, b)))
        return false;
    cgroup_drop(to);
    *to = cgroup_keep(b);
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
        topics[i] = cgroup_keep(topics[i]);
    cmember_topics_free(m);
    m->topics = topics;
    m->topics_count = count;
    return true;
}

/* Whether it reads other topics now. */
static bool member_update(struct cgroups *gs, struct cgroup *g, struct cmember *m,
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

/* ---- towards the target ---- */

static bool others_have(const struct cgroup *g, const struct cmember *but, const struct part *part)
{
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct cmember *m = e->value;
        if (m != but && (parts_has(&m->assigned, part) || parts_has(&m->revoking, part)))
            return true;
    }
    return false;
}

struct step {
    struct parts assigned, revoking, coming;
    bool waits; /* for what others have */
};

static void step_find(const struct cgroup *g, const struct cmember *m, struct step *step)
{
    *step = (struct step){0};
    for (uint32_t i = 0; i < m->assigned.count; i++) {
        const struct part *p = &m->assigned.at[i];
        parts_push(parts_has(&m->target, p) ? &step->assigned : &step->revoking, p->topic, p->index);
    }
    for (uint32_t i = 0; i < m->target.count; i++) {
        const struct part *p = &m->target.at[i];
        if (parts_has(&m->assigned, p))
            continue;
        if (others_have(g, m, p))
            step->waits = true;
        else
            parts_push(&step->coming, p->topic, p->index);
    }
}

static void member_advance(struct cgroups *gs, struct cgroup *g, struct cmember *m, int32_t epoch,
                           const struct parts *owned)
{
    enum cmember_state state = CMEMBER_UNREVOKED;
    struct step step;

    step_find(g, m, &step);
    if (!step.revoking.count || (owned && !parts_meet(owned, &step.revoking))) {
        for (uint32_t i = 0; i < step.coming.count; i++)
            parts_push(&step.assigned, step.coming.at[i].topic, step.coming.at[i].index);
        parts_sort(&step.assigned);
        parts_free(&step.revoking);
        state = step.waits ? CMEMBER_UNRELEASED : CMEMBER_STABLE;
        epoch = g->target_epoch;
    }
    if (state != m->state || epoch != m->epoch || m->previous_epoch != m->epoch ||
        !parts_equal(&step.assigned, &m->assigned) || !parts_equal(&step.revoking, &m->revoking))
        cgroup_touch(gs, g, m);
    m->previous_epoch = m->epoch;
    m->epoch = epoch;
    m->state = state;
    parts_move(&m->assigned, &step.assigned);
    parts_move(&m->revoking, &step.revoking);
    parts_free(&step.coming);
}

static void member_reconcile(struct cgroups *gs, struct cgroup *g, struct cmember *m, int64_t now_ms,
                             const struct parts *owned)
{
    int32_t epoch = m->epoch;

    if (m->state == CMEMBER_STABLE && m->epoch == g->target_epoch)
        return;
    if (m->state == CMEMBER_UNREVOKED) {
        if (!owned || parts_meet(owned, &m->revoking))
            return; /* it has not given them up yet */
        epoch++;
    }
    member_advance(gs, g, m, epoch, owned);
    m->revoke_at_ms = m->state == CMEMBER_UNREVOKED ? now_ms + m->rebalance_ms : INT64_MAX;
    cgroups_wait_until(gs, m->revoke_at_ms);
}

/* ---- heartbeats ---- */

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
    cgroup_drop(&gs->told_id);
    gs->told_id = cgroup_keep(m->id);
    answer->member_id = gs->told_id;
    answer->epoch = m->epoch;
}

static void beat_member(struct cgroups *gs, struct cgroup *g, struct cmember *m, int64_t now_ms,
                        const struct cgroup_beat *b, bool is_new, struct cgroup_answer *answer)
{
    bool is_full = b->epoch == 0 || (b->rebalance_ms != -1 && b->owned &&
                                     (b->topics_count >= 0 || b->regex.ptr));
    bool other = member_update(gs, g, m, b) || is_new;

    if (other || gs->host.topics_stamp(gs->host.context) != g->stamp)
        other |= cgroup_topics_changed(gs, g);
    if (other)
        bump(gs, g);
    if (g->epoch > g->target_epoch)
        cgroup_assign(gs, g);
    parts_copy(&gs->told, &m->assigned);
    member_reconcile(gs, g, m, now_ms, b->owned);
    m->session_at_ms = cgroup_session_end(gs, g, now_ms);
    cgroups_wait_until(gs, m->session_at_ms);
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
        member_remove(gs, g, m, now_ms);
        return;
    }
    m->epoch = CGROUP_LEAVE_STATIC; /* its partitions wait for it till its session ends */
    m->revoke_at_ms = INT64_MAX;
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
    if (b->epoch < 0)
        beat_leaves(gs, g, m, now_ms, b, answer);
    else
        beat_member(gs, g, m, now_ms, b, is_new, answer);
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

void cgroups_beat(struct cgroups *gs, int64_t now_ms, const struct cgroup_beat *b,
                  struct cgroup_answer *answer)
{
    *answer = (struct cgroup_answer){.member_id = b->member_id, .epoch = b->epoch};
    answer->error = check(b, &answer->why);
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
    return epoch == m->epoch ? KAFKA_ERR_NONE : KAFKA_ERR_STALE_MEMBER_EPOCH;
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
    return m->session_at_ms < m->revoke_at_ms ? m->session_at_ms : m->revoke_at_ms;
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
                member_remove(gs, g, m, now_ms);
            else if (at_ms < next)
                next = at_ms;
        }
    }
    gs->next_ms = next;
}

/* ---- looking at them ---- */

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
