#include "serve/kafka/group.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"

struct member {
    struct bytes id, instance_id, client_id, client_host; /* owned copies */
    int32_t session_ms, rebalance_ms;
    struct group_protocol *protocols; /* owned, in order of preference */
    int32_t protocols_count;
    struct bytes assignment;
    void *join_token, *sync_token; /* an answer is due */
    bool skip_assignment_ok;
    bool synced;         /* in this generation */
    int64_t deadline_ms; /* no sign of life until then: out */
};

struct pending {
    struct bytes id;
    int64_t deadline_ms;
};

struct group {
    struct bytes id;
    enum group_state state;
    int32_t generation;
    struct bytes protocol_type, protocol; /* owned; ptr NULL: none */
    struct map members;   /* id -> struct member, in order of joining */
    struct map instances; /* instance id -> struct member */
    struct map pending;   /* id given by MEMBER_ID_REQUIRED -> struct pending */
    struct member *leader;
    bool initial;         /* the delay of an empty group's first rebalance runs */
    bool newcomer;        /* someone joined during that delay */
    int64_t initial_until_ms;
    int64_t deadline_ms;  /* PREPARING: to rejoin; COMPLETING: to sync */
};

struct groups {
    struct group_host host;
    struct group_options options;
    struct map by_id;
    int64_t next_ms; /* no deadline is earlier */
};

static const char *const state_names[] = {"Empty", "PreparingRebalance", "CompletingRebalance",
                                          "Stable"};

const char *group_state_name(enum group_state state)
{
    return state_names[state];
}

/* ---- copies ---- */

static struct bytes keep(struct bytes b)
{
    if (!b.ptr)
        return BYTES_NONE;
    uint8_t *copy = xmalloc(b.len + 1);
    if (b.len)
        memcpy(copy, b.ptr, b.len);
    return bytes_of(copy, b.len);
}

static void drop(struct bytes *b)
{
    free((void *)(uintptr_t)b->ptr);
    *b = BYTES_NONE;
}

static void keep_over(struct bytes *old, struct bytes b)
{
    struct bytes copy = keep(b);
    drop(old);
    *old = copy;
}

static void protocols_free(struct member *m)
{
    for (int32_t i = 0; i < m->protocols_count; i++) {
        drop(&m->protocols[i].name);
        drop(&m->protocols[i].metadata);
    }
    free(m->protocols);
    m->protocols = NULL;
    m->protocols_count = 0;
}

static void protocols_keep(struct member *m, const struct group_join *join)
{
    protocols_free(m);
    m->protocols = xcalloc((size_t)join->protocols_count + 1, sizeof(*m->protocols));
    m->protocols_count = join->protocols_count;
    for (int32_t i = 0; i < join->protocols_count; i++) {
        m->protocols[i].name = keep(join->protocols[i].name);
        m->protocols[i].metadata = keep(join->protocols[i].metadata);
    }
}

static void member_free(struct member *m)
{
    protocols_free(m);
    drop(&m->id);
    drop(&m->instance_id);
    drop(&m->client_id);
    drop(&m->client_host);
    drop(&m->assignment);
    free(m);
}

static void pending_remove(struct group *g, struct bytes id)
{
    struct pending *p = map_remove(&g->pending, id);

    if (!p)
        return;
    drop(&p->id);
    free(p);
}

static void group_free(struct group *g)
{
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e))
        member_free(e->value);
    for (struct map_entry *e = map_first(&g->pending); e; e = map_next(&g->pending, e)) {
        struct pending *p = e->value;
        drop(&p->id);
        free(p);
    }
    map_deinit(&g->members);
    map_deinit(&g->instances);
    map_deinit(&g->pending);
    drop(&g->id);
    drop(&g->protocol_type);
    drop(&g->protocol);
    free(g);
}

struct groups *groups_create(const struct group_host *host, const struct group_options *options)
{
    struct groups *gs = xcalloc(1, sizeof(*gs));

    gs->host = *host;
    gs->options = *options;
    gs->next_ms = INT64_MAX;
    map_init(&gs->by_id);
    return gs;
}

void groups_destroy(struct groups *gs)
{
    for (struct map_entry *e = map_first(&gs->by_id); e; e = map_next(&gs->by_id, e))
        group_free(e->value);
    map_deinit(&gs->by_id);
    free(gs);
}

static struct group *find_or_make(struct groups *gs, struct bytes id)
{
    struct group *g = map_get(&gs->by_id, id);

    if (g || map_size(&gs->by_id) >= gs->options.groups_max)
        return g;
    g = xcalloc(1, sizeof(*g));
    g->id = keep(id);
    g->deadline_ms = INT64_MAX;
    map_init(&g->members);
    map_init(&g->instances);
    map_init(&g->pending);
    map_put(&gs->by_id, g->id, g);
    return g;
}

static void note_deadline(struct groups *gs, int64_t at_ms)
{
    if (at_ms < gs->next_ms)
        gs->next_ms = at_ms;
}

static void alive(struct groups *gs, struct member *m, int64_t now_ms)
{
    m->deadline_ms = now_ms + m->session_ms;
    note_deadline(gs, m->deadline_ms);
}

static void wait_until(struct groups *gs, struct group *g, int64_t at_ms)
{
    g->deadline_ms = at_ms;
    note_deadline(gs, at_ms);
}

/* ---- answers ---- */

static const struct group_protocol *protocol_of(const struct member *m, struct bytes name)
{
    for (int32_t i = 0; i < m->protocols_count; i++) {
        if (bytes_equal(m->protocols[i].name, name))
            return &m->protocols[i];
    }
    return NULL;
}

static void refuse_join(struct groups *gs, void *token, enum kafka_error error, struct bytes id)
{
    const struct group_join_answer answer = {
        .error = error, .generation = -1, .member_id = id, .leader = BYTES_LITERAL("")};

    gs->host.join_answer(token, &answer);
}

static void answer_sync(struct groups *gs, struct group *g, struct member *m, enum kafka_error error)
{
    void *token = m->sync_token;
    struct group_sync_answer answer = {.error = error};

    if (!token)
        return;
    m->sync_token = NULL;
    if (error == KAFKA_ERR_NONE) {
        answer.protocol_type = g->protocol_type;
        answer.protocol = g->protocol;
        answer.assignment = m->assignment;
    }
    gs->host.sync_answer(token, &answer);
}

/* The generation as it stands, to one member; with the members' metadata if it leads. */
static void answer_join(struct groups *gs, struct group *g, struct member *m, bool skip_assignment)
{
    struct group_join_member *list = NULL;
    void *token = m->join_token;
    struct group_join_answer answer = {.generation = g->generation,
                                       .protocol_type = g->protocol_type,
                                       .protocol = g->protocol,
                                       .leader = g->leader->id,
                                       .member_id = m->id,
                                       .skip_assignment = skip_assignment};

    if (!token)
        return;
    m->join_token = NULL;
    if (m == g->leader) {
        list = xcalloc(map_size(&g->members) + 1, sizeof(*list));
        for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
            const struct member *other = e->value;
            const struct group_protocol *p = protocol_of(other, g->protocol);
            list[answer.members_count++] = (struct group_join_member){
                other->id, other->instance_id, p ? p->metadata : BYTES_NONE};
        }
        answer.members = list;
    }
    gs->host.join_answer(token, &answer);
    free(list);
}

/* ---- rebalancing ---- */

static int64_t rebalance_ms_max(const struct group *g)
{
    int64_t max = 0;

    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct member *m = e->value;
        if (m->rebalance_ms > max)
            max = m->rebalance_ms;
    }
    return max;
}

static bool all_support(const struct group *g, struct bytes name)
{
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        if (!protocol_of(e->value, name))
            return false;
    }
    return true;
}

static int votes_for(const struct group *g, struct bytes name)
{
    int votes = 0;

    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct member *m = e->value;
        for (int32_t i = 0; i < m->protocols_count; i++) {
            if (all_support(g, m->protocols[i].name)) {
                votes += bytes_equal(m->protocols[i].name, name);
                break;
            }
        }
    }
    return votes;
}

/* Each member votes for the first of its protocols that all have; most votes win. */
static void choose_protocol(struct group *g)
{
    const struct member *any = map_first(&g->members)->value;
    struct bytes best = BYTES_NONE;
    int best_votes = -1;

    for (int32_t i = 0; i < any->protocols_count; i++) {
        struct bytes name = any->protocols[i].name;
        int votes = all_support(g, name) ? votes_for(g, name) : -1;
        if (votes > best_votes) {
            best = name;
            best_votes = votes;
        }
    }
    CHECK(best.ptr); /* join refuses members who share none */
    keep_over(&g->protocol, best);
}

static void try_complete(struct groups *gs, struct group *g, int64_t now_ms);

static void become_preparing(struct groups *gs, struct group *g, int64_t now_ms)
{
    bool was_empty = g->state == GROUP_EMPTY;

    CHECK(g->state != GROUP_PREPARING);
    g->state = GROUP_PREPARING;
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        answer_sync(gs, g, e->value, KAFKA_ERR_REBALANCE_IN_PROGRESS);
    }
    g->initial = was_empty && gs->options.rebalance_delay_ms > 0;
    g->newcomer = false;
    if (g->initial) {
        g->initial_until_ms = now_ms + rebalance_ms_max(g);
        wait_until(gs, g, now_ms + gs->options.rebalance_delay_ms);
        return;
    }
    wait_until(gs, g, now_ms + rebalance_ms_max(g));
    try_complete(gs, g, now_ms);
}

static void become_empty(struct group *g)
{
    g->state = GROUP_EMPTY;
    g->generation++;
    g->leader = NULL;
    g->deadline_ms = INT64_MAX;
    drop(&g->protocol);
}

static void member_remove(struct groups *gs, struct group *g, struct member *m)
{
    void *token = m->join_token;

    map_remove(&g->members, m->id);
    if (m->instance_id.ptr && map_get(&g->instances, m->instance_id) == m)
        map_remove(&g->instances, m->instance_id);
    if (g->leader == m)
        g->leader = NULL;
    m->join_token = NULL;
    if (token)
        refuse_join(gs, token, KAFKA_ERR_UNKNOWN_MEMBER_ID, m->id);
    answer_sync(gs, g, m, KAFKA_ERR_UNKNOWN_MEMBER_ID);
    member_free(m);
}

/* Those who did not rejoin in time are out, save static members: they may come back as they are. */
static void remove_absent(struct groups *gs, struct group *g)
{
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        struct member *m = e->value;
        if (!m->join_token && !m->instance_id.ptr)
            member_remove(gs, g, m);
    }
}

static bool elect_leader(struct group *g)
{
    if (g->leader && g->leader->join_token)
        return true;
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        struct member *m = e->value;
        if (m->join_token) {
            g->leader = m;
            return true;
        }
    }
    return false;
}

static void complete_join(struct groups *gs, struct group *g, int64_t now_ms)
{
    CHECK(g->state == GROUP_PREPARING);
    g->initial = false;
    remove_absent(gs, g);
    if (map_size(&g->members) == 0) {
        become_empty(g);
        return;
    }
    if (!elect_leader(g)) { /* only absent static members: their sessions decide */
        wait_until(gs, g, now_ms + rebalance_ms_max(g));
        return;
    }
    g->state = GROUP_COMPLETING;
    g->generation++;
    choose_protocol(g);
    wait_until(gs, g, now_ms + rebalance_ms_max(g));
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        struct member *m = e->value;
        m->synced = false;
        drop(&m->assignment);
        if (!m->join_token)
            continue;
        alive(gs, m, now_ms);
        answer_join(gs, g, m, false);
    }
}

static void try_complete(struct groups *gs, struct group *g, int64_t now_ms)
{
    if (g->state != GROUP_PREPARING || g->initial || map_size(&g->pending))
        return;
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct member *m = e->value;
        if (!m->join_token)
            return;
    }
    complete_join(gs, g, now_ms);
}

/* The members are other than they were: begin anew, or see whether that was the last awaited. */
static void members_changed(struct groups *gs, struct group *g, int64_t now_ms)
{
    if (g->state == GROUP_PREPARING)
        try_complete(gs, g, now_ms);
    else if (g->state != GROUP_EMPTY)
        become_preparing(gs, g, now_ms);
}

/* ---- join ---- */

/* NAME-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, as Kafka's coordinator gives. */
static struct bytes new_member_id(struct groups *gs, const struct group_join *join)
{
    struct bytes prefix = join->instance_id.ptr ? join->instance_id : join->client_id;
    uint8_t r[16];
    char text[40];

    gs->host.random(gs->host.context, r, sizeof(r));
    int len = snprintf(text, sizeof(text),
                       "-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0],
                       r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12],
                       r[13], r[14], r[15]);
    prefix = bytes_head(prefix, 1024);
    uint8_t *id = xmalloc(prefix.len + (size_t)len);
    if (prefix.len)
        memcpy(id, prefix.ptr, prefix.len);
    memcpy(id + prefix.len, text, (size_t)len);
    return bytes_of(id, prefix.len + (size_t)len);
}

/* Type and at least one protocol in common with all who are there (but the one who is replaced). */
static bool fits(const struct group *g, const struct group_join *join, const struct member *but)
{
    if (join->protocols_count <= 0 || join->protocol_type.len == 0)
        return false;
    if (map_size(&g->members) == 0 || (map_size(&g->members) == 1 && but))
        return true;
    if (!bytes_equal(g->protocol_type, join->protocol_type))
        return false;
    for (int32_t i = 0; i < join->protocols_count; i++) {
        bool shared = true;
        for (struct map_entry *e = map_first(&g->members); e && shared;
             e = map_next(&g->members, e))
            shared = e->value == but || protocol_of(e->value, join->protocols[i].name);
        if (shared)
            return true;
    }
    return false;
}

static bool same_protocols(const struct member *m, const struct group_join *join)
{
    if (m->protocols_count != join->protocols_count)
        return false;
    for (int32_t i = 0; i < m->protocols_count; i++) {
        if (!bytes_equal(m->protocols[i].name, join->protocols[i].name) ||
            !bytes_equal(m->protocols[i].metadata, join->protocols[i].metadata))
            return false;
    }
    return true;
}

/* What a join says about its member; its former join, if one still waits, is superseded. */
static void member_update(struct groups *gs, struct group *g, struct member *m,
                          const struct group_join *join, int64_t now_ms, void *token)
{
    void *former = m->join_token;

    keep_over(&g->protocol_type, join->protocol_type);
    keep_over(&m->client_id, join->client_id);
    keep_over(&m->client_host, join->client_host);
    m->session_ms = join->session_timeout_ms;
    m->rebalance_ms =
        join->rebalance_timeout_ms > 0 ? join->rebalance_timeout_ms : join->session_timeout_ms;
    m->skip_assignment_ok = join->skip_assignment_ok;
    protocols_keep(m, join);
    m->join_token = token;
    alive(gs, m, now_ms);
    if (former)
        refuse_join(gs, former, KAFKA_ERR_REBALANCE_IN_PROGRESS, m->id);
}

/* id is taken. */
static void member_add(struct groups *gs, struct group *g, struct bytes id,
                       const struct group_join *join, int64_t now_ms, void *token)
{
    struct member *m = xcalloc(1, sizeof(*m));

    m->id = id;
    m->instance_id = keep(join->instance_id);
    map_put(&g->members, m->id, m);
    if (m->instance_id.ptr)
        map_put(&g->instances, m->instance_id, m);
    if (!g->leader)
        g->leader = m;
    member_update(gs, g, m, join, now_ms, token);
    if (g->state == GROUP_PREPARING) {
        g->newcomer = true;
        try_complete(gs, g, now_ms);
    } else {
        become_preparing(gs, g, now_ms);
    }
}

/* A static member has come back under a new id: it takes its old place, and whoever still holds the
 * old id is fenced. In a stable group nothing else changes while the chosen protocol stays the same. */
static void static_rejoin(struct groups *gs, struct group *g, struct member *m,
                          const struct group_join *join, int64_t now_ms, void *token)
{
    void *join_token = m->join_token;
    struct bytes old_id = m->id, old_leader = g->leader ? g->leader->id : BYTES_LITERAL("");
    const struct group_protocol *was = protocol_of(m, g->protocol);
    bool same = g->state == GROUP_STABLE && was && same_protocols(m, join);

    m->join_token = NULL;
    if (join_token)
        refuse_join(gs, join_token, KAFKA_ERR_FENCED_INSTANCE_ID, old_id);
    answer_sync(gs, g, m, KAFKA_ERR_FENCED_INSTANCE_ID);
    map_remove(&g->members, old_id);
    m->id = new_member_id(gs, join);
    map_put(&g->members, m->id, m);
    member_update(gs, g, m, join, now_ms, token);
    if (!same) {
        members_changed(gs, g, now_ms);
    } else if (m == g->leader && !m->skip_assignment_ok) {
        /* An old client that were told it leads would assign anew: it is told the old id leads. */
        const struct group_join_answer answer = {.generation = g->generation,
                                                 .protocol_type = g->protocol_type,
                                                 .protocol = g->protocol,
                                                 .leader = old_leader,
                                                 .member_id = m->id};
        m->join_token = NULL;
        gs->host.join_answer(token, &answer);
    } else {
        answer_join(gs, g, m, m == g->leader);
    }
    drop(&old_id);
}

static void join_new(struct groups *gs, struct group *g, const struct group_join *join,
                     int64_t now_ms, void *token)
{
    struct member *same =
        join->instance_id.ptr ? map_get(&g->instances, join->instance_id) : NULL;

    if (same) {
        static_rejoin(gs, g, same, join, now_ms, token);
        return;
    }
    if (map_size(&g->members) + map_size(&g->pending) >= gs->options.members_max) {
        refuse_join(gs, token, KAFKA_ERR_GROUP_MAX_SIZE_REACHED, join->member_id);
        return;
    }
    struct bytes id = new_member_id(gs, join);
    if (join->instance_id.ptr || !join->known_id_required) {
        member_add(gs, g, id, join, now_ms, token);
        return;
    }
    struct pending *p = xcalloc(1, sizeof(*p));
    p->id = id;
    p->deadline_ms = now_ms + join->session_timeout_ms;
    map_put(&g->pending, id, p);
    note_deadline(gs, p->deadline_ms);
    refuse_join(gs, token, KAFKA_ERR_MEMBER_ID_REQUIRED, id);
}

static void join_again(struct groups *gs, struct group *g, struct member *m,
                       const struct group_join *join, int64_t now_ms, void *token)
{
    bool same = same_protocols(m, join);

    switch (g->state) {
    case GROUP_PREPARING:
        member_update(gs, g, m, join, now_ms, token);
        try_complete(gs, g, now_ms);
        return;
    case GROUP_COMPLETING: /* it may have missed the answer */
        member_update(gs, g, m, join, now_ms, token);
        if (same)
            answer_join(gs, g, m, false);
        else
            become_preparing(gs, g, now_ms);
        return;
    case GROUP_STABLE: /* the leader rejoins when it wants to assign anew */
        member_update(gs, g, m, join, now_ms, token);
        if (same && m != g->leader)
            answer_join(gs, g, m, false);
        else
            become_preparing(gs, g, now_ms);
        return;
    case GROUP_EMPTY: break;
    }
    refuse_join(gs, token, KAFKA_ERR_UNKNOWN_MEMBER_ID, join->member_id);
}

static enum kafka_error join_error(const struct groups *gs, const struct group_join *join)
{
    if (join->group_id.len == 0)
        return KAFKA_ERR_INVALID_GROUP_ID;
    if (join->session_timeout_ms < gs->options.session_ms_min ||
        join->session_timeout_ms > gs->options.session_ms_max)
        return KAFKA_ERR_INVALID_SESSION_TIMEOUT;
    if (join->member_id.len && !map_get(&gs->by_id, join->group_id))
        return KAFKA_ERR_UNKNOWN_MEMBER_ID;
    return KAFKA_ERR_NONE;
}

void groups_join(struct groups *gs, int64_t now_ms, const struct group_join *join, void *token)
{
    enum kafka_error error = join_error(gs, join);
    struct group *g = error ? NULL : find_or_make(gs, join->group_id);

    if (!g) {
        refuse_join(gs, token, error ? error : KAFKA_ERR_COORDINATOR_NOT_AVAILABLE, join->member_id);
        return;
    }
    struct member *m = map_get(&g->members, join->member_id);
    struct member *instance =
        join->instance_id.ptr ? map_get(&g->instances, join->instance_id) : NULL;
    if (!fits(g, join, m ? m : instance)) {
        refuse_join(gs, token, KAFKA_ERR_INCONSISTENT_GROUP_PROTOCOL, join->member_id);
    } else if (join->member_id.len == 0) {
        join_new(gs, g, join, now_ms, token);
    } else if (map_get(&g->pending, join->member_id)) {
        pending_remove(g, join->member_id);
        member_add(gs, g, keep(join->member_id), join, now_ms, token);
    } else if (instance && instance != m) {
        refuse_join(gs, token, KAFKA_ERR_FENCED_INSTANCE_ID, join->member_id);
    } else if (!m || (join->instance_id.ptr && !instance)) {
        refuse_join(gs, token, KAFKA_ERR_UNKNOWN_MEMBER_ID, join->member_id);
    } else {
        join_again(gs, g, m, join, now_ms, token);
    }
}

/* ---- sync, heartbeat, leave, commit ---- */

/* Finds the member and checks its instance and generation. */
static enum kafka_error identify(const struct groups *gs, const struct group_caller *caller,
                                 struct group **group, struct member **member)
{
    if (caller->group_id.len == 0)
        return KAFKA_ERR_INVALID_GROUP_ID;
    struct group *g = map_get(&gs->by_id, caller->group_id);
    if (!g)
        return KAFKA_ERR_UNKNOWN_MEMBER_ID;
    struct member *m = map_get(&g->members, caller->member_id);
    if (caller->instance_id.ptr) {
        struct member *instance = map_get(&g->instances, caller->instance_id);
        if (!instance)
            return KAFKA_ERR_UNKNOWN_MEMBER_ID;
        if (instance != m)
            return KAFKA_ERR_FENCED_INSTANCE_ID;
    }
    if (!m)
        return KAFKA_ERR_UNKNOWN_MEMBER_ID;
    *group = g;
    *member = m;
    return caller->generation == g->generation ? KAFKA_ERR_NONE : KAFKA_ERR_ILLEGAL_GENERATION;
}

static void take_assignments(struct group *g, const struct group_sync *sync)
{
    for (int32_t i = 0; i < sync->assignments_count; i++) {
        struct member *m = map_get(&g->members, sync->assignments[i].name);
        if (m)
            keep_over(&m->assignment, sync->assignments[i].metadata);
    }
}

static void sync_completing(struct groups *gs, struct group *g, struct member *m,
                            const struct group_sync *sync, int64_t now_ms)
{
    m->synced = true;
    if (m != g->leader)
        return; /* waits for the leader */
    take_assignments(g, sync);
    g->state = GROUP_STABLE;
    g->deadline_ms = INT64_MAX;
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        struct member *other = e->value;
        alive(gs, other, now_ms);
        answer_sync(gs, g, other, KAFKA_ERR_NONE);
    }
}

void groups_sync(struct groups *gs, int64_t now_ms, const struct group_sync *sync, void *token)
{
    const struct group_caller caller = {sync->group_id, sync->member_id, sync->instance_id,
                                        sync->generation};
    struct group *g = NULL;
    struct member *m = NULL;
    enum kafka_error error = identify(gs, &caller, &g, &m);

    if (!error && ((sync->protocol_type.ptr && !bytes_equal(sync->protocol_type, g->protocol_type)) ||
                   (sync->protocol.ptr && !bytes_equal(sync->protocol, g->protocol))))
        error = KAFKA_ERR_INCONSISTENT_GROUP_PROTOCOL;
    if (!error && g->state == GROUP_PREPARING)
        error = KAFKA_ERR_REBALANCE_IN_PROGRESS;
    if (error) {
        const struct group_sync_answer answer = {.error = error};
        gs->host.sync_answer(token, &answer);
        return;
    }
    if (m->sync_token)
        answer_sync(gs, g, m, KAFKA_ERR_REBALANCE_IN_PROGRESS); /* superseded */
    m->sync_token = token;
    alive(gs, m, now_ms);
    if (g->state == GROUP_COMPLETING)
        sync_completing(gs, g, m, sync, now_ms);
    else
        answer_sync(gs, g, m, KAFKA_ERR_NONE);
}

enum kafka_error groups_heartbeat(struct groups *gs, int64_t now_ms,
                                  const struct group_caller *caller)
{
    struct group *g = NULL;
    struct member *m = NULL;
    enum kafka_error error = identify(gs, caller, &g, &m);

    if (error)
        return error;
    alive(gs, m, now_ms);
    return g->state == GROUP_PREPARING ? KAFKA_ERR_REBALANCE_IN_PROGRESS : KAFKA_ERR_NONE;
}

enum kafka_error groups_leave(struct groups *gs, int64_t now_ms, const struct group_caller *caller)
{
    struct group *g = map_get(&gs->by_id, caller->group_id);

    if (caller->group_id.len == 0)
        return KAFKA_ERR_INVALID_GROUP_ID;
    if (!g)
        return KAFKA_ERR_UNKNOWN_MEMBER_ID;
    if (map_get(&g->pending, caller->member_id)) {
        pending_remove(g, caller->member_id);
        try_complete(gs, g, now_ms);
        return KAFKA_ERR_NONE;
    }
    struct member *m = map_get(&g->members, caller->member_id);
    if (caller->instance_id.ptr) {
        struct member *instance = map_get(&g->instances, caller->instance_id);
        if (!instance)
            return KAFKA_ERR_UNKNOWN_MEMBER_ID;
        if (caller->member_id.len && instance != m)
            return KAFKA_ERR_FENCED_INSTANCE_ID;
        m = instance;
    }
    if (!m)
        return KAFKA_ERR_UNKNOWN_MEMBER_ID;
    member_remove(gs, g, m);
    members_changed(gs, g, now_ms);
    return KAFKA_ERR_NONE;
}

enum kafka_error groups_may_commit(struct groups *gs, int64_t now_ms,
                                   const struct group_caller *caller)
{
    struct group *g = map_get(&gs->by_id, caller->group_id);
    struct member *m = NULL;

    if (caller->group_id.len == 0)
        return KAFKA_ERR_INVALID_GROUP_ID;
    if (caller->generation < 0 && (!g || map_size(&g->members) == 0))
        return find_or_make(gs, caller->group_id) ? KAFKA_ERR_NONE
                                                  : KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
    if (!g)
        return KAFKA_ERR_ILLEGAL_GENERATION;
    enum kafka_error error = identify(gs, caller, &g, &m);
    if (error)
        return error;
    alive(gs, m, now_ms);
    return g->state == GROUP_COMPLETING ? KAFKA_ERR_REBALANCE_IN_PROGRESS : KAFKA_ERR_NONE;
}

void groups_forget(struct groups *gs, void *token)
{
    for (struct map_entry *ge = map_first(&gs->by_id); ge; ge = map_next(&gs->by_id, ge)) {
        struct group *g = ge->value;
        for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
            struct member *m = e->value;
            if (m->sync_token == token)
                m->sync_token = NULL;
            if (m->join_token == token)
                m->join_token = NULL;
        }
    }
}

/* ---- time ---- */

int64_t groups_deadline_ms(const struct groups *gs)
{
    return gs->next_ms;
}

static void expire_pending(struct groups *gs, struct group *g, int64_t now_ms)
{
    bool gone = false;

    for (struct map_entry *e = map_first(&g->pending); e; e = map_next(&g->pending, e)) {
        struct pending *p = e->value;
        if (p->deadline_ms > now_ms)
            continue;
        pending_remove(g, p->id);
        gone = true;
    }
    if (gone)
        try_complete(gs, g, now_ms);
}

static void expire_members(struct groups *gs, struct group *g, int64_t now_ms)
{
    bool gone = false;

    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        struct member *m = e->value;
        if (m->deadline_ms > now_ms || m->join_token || m->sync_token)
            continue;
        member_remove(gs, g, m);
        gone = true;
    }
    if (gone)
        members_changed(gs, g, now_ms);
}

/* Who was answered and never synced holds the others up: out. */
static void expire_sync(struct groups *gs, struct group *g, int64_t now_ms)
{
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        struct member *m = e->value;
        if (!m->synced)
            member_remove(gs, g, m);
    }
    become_preparing(gs, g, now_ms);
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
        wait_until(gs, g, until < g->initial_until_ms ? until : g->initial_until_ms);
    } else if (g->state == GROUP_PREPARING) {
        complete_join(gs, g, now_ms);
    }
}

static int64_t group_deadline(const struct group *g)
{
    int64_t next = g->deadline_ms;

    for (struct map_entry *e = map_first(&g->pending); e; e = map_next(&g->pending, e)) {
        const struct pending *p = e->value;
        if (p->deadline_ms < next)
            next = p->deadline_ms;
    }
    for (struct map_entry *e = map_first(&g->members); e; e = map_next(&g->members, e)) {
        const struct member *m = e->value;
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

/* ---- looking at them ---- */

void groups_known(struct groups *gs, struct bytes id)
{
    (void)find_or_make(gs, id);
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
        const struct member *m = e->value;
        const struct group_protocol *p = g->protocol.ptr ? protocol_of(m, g->protocol) : NULL;
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
    map_remove(&gs->by_id, id);
    group_free(g);
    return KAFKA_ERR_NONE;
}
