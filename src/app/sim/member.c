/* member.c: a member of a consumer group, by the classic protocol, over one connection with one request under
 * way:
 *
 *   OUT ──JoinGroup──► JOINED ──SyncGroup──► ASSIGNED ──OffsetFetch──► AT WORK: Fetch, OffsetCommit, Heartbeat
 *    ▲                                                                    │
 *    └──── another generation, a lost connection, leaving, dying ◄────────┘
 */
#include <stdlib.h>

#include "app/sim/link.h"
#include "base/check.h"
#include "wire/kafka/batch.h"
#include "wire/kafka/messages.h"

enum { JOIN_VERSION = 3, SYNC_VERSION = 2, HEARTBEAT_VERSION = 2, LEAVE_VERSION = 2, COMMIT_VERSION = 6,
       OFFSETS_VERSION = 5, FETCH_VERSION = 11 };
enum { SESSION_MS = 6000, WAIT_MS = 10, FETCH_BYTES = 64 << 10, ID_MAX = 128 };

enum at { OUT, JOINED, ASSIGNED, WORKING };

struct member {
    struct link link;
    struct group_ledger *group;
    enum at at;
    int16_t asked; /* the request under way; -1: none */
    char id[ID_MAX]; /* "": new to the group */
    int32_t generation;
    bool leads;
    uint32_t divided; /* partitions that there were when it joined */
    uint8_t assignment[LEDGER_PARTITIONS_MAX]; /* of the leader: the partitions, one after the other */
    char ids[LEDGER_PARTITIONS_MAX][ID_MAX];   /* of the leader: whose each partition is */
    bool mine[LEDGER_PARTITIONS_MAX];
    int64_t position[LEDGER_PARTITIONS_MAX], committed[LEDGER_PARTITIONS_MAX]; /* committed: last sent */
    int64_t floor[LEDGER_PARTITIONS_MAX]; /* acknowledged when it asked where the group stands */
    int64_t dead_until_ns;
    bool rest; /* it dies and leaves no more */
};

static void out(struct member *m)
{
    m->at = OUT;
    memset(m->mine, 0, sizeof(m->mine));
}

/* Any error of the group's protocol: it joins again, as a new member if it is not known any more. */
static void refused(struct member *m, int16_t error)
{
    if (error == KAFKA_ERR_UNKNOWN_MEMBER_ID)
        m->id[0] = 0;
    out(m);
}

static void keep_text(char to[ID_MAX], struct bytes text)
{
    snprintf(to, ID_MAX, "%.*s", BYTES_FMT(bytes_head(text, ID_MAX - 1)));
}

/* ---- answers ---- */

static void on_joined(struct member *m, struct reader *r)
{
    struct kafka_join_group_res res;

    if (!link_read(&m->link, KAFKA_JOIN_GROUP, JOIN_VERSION, r, &res))
        return;
    if (res.error_code) {
        refused(m, res.error_code);
        return;
    }
    keep_text(m->id, res.member_id);
    m->generation = res.generation_id;
    m->leads = bytes_equal(res.leader, res.member_id);
    if (m->leads && res.members.count < 1)
        ledger_fail(m->link.ledger, "the leader of a group is told no members");
    m->divided = m->link.ledger->partitions[LEDGER_EVENTS];
    for (uint32_t p = 0; m->leads && res.members.count > 0 && p < m->divided; p++)
        keep_text(m->ids[p], res.members.at[p * (uint32_t)res.members.count / m->divided].member_id);
    m->group->generations += m->leads;
    m->at = JOINED;
}

/* An assignment is a byte for each partition. */
static void on_synced(struct member *m, struct reader *r)
{
    struct kafka_sync_group_res res;

    if (!link_read(&m->link, KAFKA_SYNC_GROUP, SYNC_VERSION, r, &res))
        return;
    if (res.error_code) {
        refused(m, res.error_code);
        return;
    }
    memset(m->mine, 0, sizeof(m->mine));
    for (size_t i = 0; i < res.assignment.len; i++)
        if (res.assignment.ptr[i] < LEDGER_PARTITIONS_MAX)
            m->mine[res.assignment.ptr[i]] = true;
    m->at = ASSIGNED;
}

/* Where the group stands: not before what was acknowledged, not behind what was ever sent. */
static void on_offsets(struct member *m, struct reader *r)
{
    struct kafka_offset_fetch_res res;

    if (!link_read(&m->link, KAFKA_OFFSET_FETCH, OFFSETS_VERSION, r, &res))
        return;
    if (res.error_code || res.topics.count != 1) {
        refused(m, res.error_code);
        return;
    }
    for (int32_t i = 0; i < res.topics.at->partitions.count; i++) {
        const struct kafka_offset_fetch_res_partition *p = &res.topics.at->partitions.at[i];
        if (p->error_code || p->partition_index < 0 || p->partition_index >= LEDGER_PARTITIONS_MAX)
            continue;
        struct group_place *place = &m->group->at[p->partition_index];
        int64_t offset = p->committed_offset < 0 ? 0 : p->committed_offset;
        if (offset < m->floor[p->partition_index]) /* what others commit since may be behind this answer */
            ledger_fail(m->link.ledger, "the group's offset of events/%d is %lld, and %lld was committed",
                        p->partition_index, (long long)offset, (long long)m->floor[p->partition_index]);
        if (offset > place->sent)
            ledger_fail(m->link.ledger, "the group's offset of events/%d is %lld, and nobody committed past %lld",
                        p->partition_index, (long long)offset, (long long)place->sent);
        m->position[p->partition_index] = m->committed[p->partition_index] = place->told = offset;
    }
    m->at = WORKING;
}

static void take_records(struct member *m, const struct kafka_fetch_res_partition *p)
{
    struct bytes run = p->records, batch;
    struct batch_header header;
    struct group_place *place = &m->group->at[p->partition_index];
    int64_t *position = &m->position[p->partition_index];

    while (batch_next(&run, &header, &batch) == ST_OK && batch.len == batch_size(&header)) {
        if (batch_last_offset(&header) < *position)
            continue;
        if (header.base_offset > *position)
            ledger_fail(m->link.ledger, "a group is given events/%d from %lld on, and stands at %lld",
                        p->partition_index, (long long)header.base_offset, (long long)*position);
        *position = batch_last_offset(&header) + 1;
    }
    if (*position > place->done)
        place->done = *position;
}

static void on_fetched(struct member *m, struct reader *r)
{
    struct kafka_fetch_res res;

    if (!link_read(&m->link, KAFKA_FETCH, FETCH_VERSION, r, &res))
        return;
    for (int32_t t = 0; t < res.responses.count; t++)
        for (int32_t i = 0; i < res.responses.at[t].partitions.count; i++) {
            const struct kafka_fetch_res_partition *p = &res.responses.at[t].partitions.at[i];
            if (p->error_code == KAFKA_ERR_OFFSET_OUT_OF_RANGE)
                ledger_fail(m->link.ledger, "what a group committed of events/%d is not there any more",
                            p->partition_index);
            else if (!p->error_code && p->partition_index >= 0 && p->partition_index < LEDGER_PARTITIONS_MAX)
                take_records(m, p);
        }
}

static void on_committed(struct member *m, struct reader *r)
{
    struct kafka_offset_commit_res res;

    if (!link_read(&m->link, KAFKA_OFFSET_COMMIT, COMMIT_VERSION, r, &res))
        return;
    for (int32_t t = 0; t < res.topics.count; t++)
        for (int32_t i = 0; i < res.topics.at[t].partitions.count; i++) {
            const struct kafka_offset_commit_res_partition *p = &res.topics.at[t].partitions.at[i];
            if (p->error_code) {
                refused(m, p->error_code);
                return;
            }
            struct group_place *place = &m->group->at[p->partition_index];
            int64_t offset = m->committed[p->partition_index];
            place->acked = offset > place->acked ? offset : place->acked;
            m->group->commits++;
        }
}

static void on_heartbeat(struct member *m, struct reader *r)
{
    struct kafka_heartbeat_res res;

    if (link_read(&m->link, KAFKA_HEARTBEAT, HEARTBEAT_VERSION, r, &res) && res.error_code)
        refused(m, res.error_code);
}

static void on_left(struct member *m, struct reader *r)
{
    struct kafka_leave_group_res res;

    (void)link_read(&m->link, KAFKA_LEAVE_GROUP, LEAVE_VERSION, r, &res);
    m->id[0] = 0;
    out(m);
}

static void on_answer(void *owner, struct reader *r)
{
    struct member *m = owner;
    int16_t asked = m->asked;

    m->asked = -1;
    switch (asked) {
    case KAFKA_JOIN_GROUP: on_joined(m, r); return;
    case KAFKA_SYNC_GROUP: on_synced(m, r); return;
    case KAFKA_OFFSET_FETCH: on_offsets(m, r); return;
    case KAFKA_FETCH: on_fetched(m, r); return;
    case KAFKA_OFFSET_COMMIT: on_committed(m, r); return;
    case KAFKA_HEARTBEAT: on_heartbeat(m, r); return;
    case KAFKA_LEAVE_GROUP: on_left(m, r); return;
    default: UNREACHABLE();
    }
}

static void on_lost(void *owner)
{
    struct member *m = owner;

    m->asked = -1;
    out(m); /* its place in the group may be there still: it joins under the id it had */
}

/* ---- requests ---- */

static void ask(struct member *m, int16_t key, int16_t version, const void *req)
{
    m->asked = key;
    link_ask(&m->link, key, version, req);
}

static void ask_join(struct member *m)
{
    struct kafka_join_group_req req;

    kafka_join_group_req_init(&req);
    req.group_id = bytes_str(m->group->name);
    req.session_timeout_ms = req.rebalance_timeout_ms = SESSION_MS;
    req.member_id = bytes_str(m->id);
    req.protocol_type = BYTES_LITERAL("consumer");
    req.protocols.count = 1;
    req.protocols.at = kafka_join_group_req_protocol_new(&m->link.arena, 1);
    req.protocols.at->name = BYTES_LITERAL("range");
    req.protocols.at->metadata = BYTES_LITERAL("events");
    ask(m, KAFKA_JOIN_GROUP, JOIN_VERSION, &req);
}

static void ask_sync(struct member *m)
{
    struct kafka_sync_group_req req;
    uint8_t *places = m->assignment;

    kafka_sync_group_req_init(&req);
    req.group_id = bytes_str(m->group->name);
    req.generation_id = m->generation;
    req.member_id = bytes_str(m->id);
    if (m->leads) {
        req.assignments.at = kafka_sync_group_req_assignment_new(&m->link.arena, (int32_t)m->divided);
        for (uint32_t p = 0; p < m->divided; p++) {
            bool first = p == 0 || strcmp(m->ids[p], m->ids[p - 1]) != 0;
            places[p] = (uint8_t)p;
            if (first)
                req.assignments.at[req.assignments.count++] = (struct kafka_sync_group_req_assignment){
                    .member_id = bytes_str(m->ids[p]), .assignment = bytes_of(places + p, 1)};
            else
                req.assignments.at[req.assignments.count - 1].assignment.len++;
        }
    }
    ask(m, KAFKA_SYNC_GROUP, SYNC_VERSION, &req);
}

static void ask_offsets(struct member *m)
{
    struct kafka_offset_fetch_req req;
    static int32_t all[LEDGER_PARTITIONS_MAX];
    int32_t count = (int32_t)m->link.ledger->partitions[LEDGER_EVENTS];

    for (int32_t p = 0; p < count; p++) {
        all[p] = p;
        m->floor[p] = m->group->at[p].acked;
    }
    kafka_offset_fetch_req_init(&req);
    req.group_id = bytes_str(m->group->name);
    req.topics.count = 1;
    req.topics.at = kafka_offset_fetch_req_topic_new(&m->link.arena, 1);
    req.topics.at->name = bytes_str(ledger_topics[LEDGER_EVENTS]);
    req.topics.at->partition_indexes.at = all;
    req.topics.at->partition_indexes.count = count;
    ask(m, KAFKA_OFFSET_FETCH, OFFSETS_VERSION, &req);
}

static void ask_heartbeat(struct member *m)
{
    struct kafka_heartbeat_req req;

    kafka_heartbeat_req_init(&req);
    req.group_id = bytes_str(m->group->name);
    req.generation_id = m->generation;
    req.member_id = bytes_str(m->id);
    ask(m, KAFKA_HEARTBEAT, HEARTBEAT_VERSION, &req);
}

static void ask_leave(struct member *m)
{
    struct kafka_leave_group_req req;

    kafka_leave_group_req_init(&req);
    req.group_id = bytes_str(m->group->name);
    req.member_id = bytes_str(m->id);
    ask(m, KAFKA_LEAVE_GROUP, LEAVE_VERSION, &req);
}

static void ask_fetch(struct member *m)
{
    struct kafka_fetch_req req;
    struct kafka_fetch_req_topic *topic = kafka_fetch_req_topic_new(&m->link.arena, 1);

    kafka_fetch_req_init(&req);
    req.max_wait_ms = WAIT_MS;
    req.min_bytes = 1;
    req.max_bytes = FETCH_BYTES;
    req.topics.count = 1;
    req.topics.at = topic;
    topic->topic = bytes_str(ledger_topics[LEDGER_EVENTS]);
    topic->partitions.at = kafka_fetch_req_partition_new(&m->link.arena, LEDGER_PARTITIONS_MAX);
    for (int32_t p = 0; p < LEDGER_PARTITIONS_MAX; p++) {
        if (!m->mine[p])
            continue;
        struct kafka_fetch_req_partition *to = &topic->partitions.at[topic->partitions.count++];
        to->partition = p;
        to->fetch_offset = m->position[p];
        to->partition_max_bytes = FETCH_BYTES;
    }
    ask(m, KAFKA_FETCH, FETCH_VERSION, &req);
}

/* False: nothing is new. */
static bool ask_commit(struct member *m)
{
    struct kafka_offset_commit_req req;
    struct kafka_offset_commit_req_topic *topic = kafka_offset_commit_req_topic_new(&m->link.arena, 1);

    topic->name = bytes_str(ledger_topics[LEDGER_EVENTS]);
    topic->partitions.at = kafka_offset_commit_req_partition_new(&m->link.arena, LEDGER_PARTITIONS_MAX);
    for (int32_t p = 0; p < LEDGER_PARTITIONS_MAX; p++) {
        struct group_place *place = &m->group->at[p];
        if (!m->mine[p] || m->position[p] == m->committed[p])
            continue;
        m->committed[p] = m->position[p];
        place->sent = m->position[p] > place->sent ? m->position[p] : place->sent;
        struct kafka_offset_commit_req_partition *to = &topic->partitions.at[topic->partitions.count++];
        to->partition_index = p;
        to->committed_offset = m->position[p];
    }
    if (!topic->partitions.count)
        return false;
    kafka_offset_commit_req_init(&req);
    req.group_id = bytes_str(m->group->name);
    req.generation_id_or_member_epoch = m->generation;
    req.member_id = bytes_str(m->id);
    req.topics.count = 1;
    req.topics.at = topic;
    ask(m, KAFKA_OFFSET_COMMIT, COMMIT_VERSION, &req);
    return true;
}

/* Gone without a word: the group finds out when its session has timed out. */
static void die(struct member *m)
{
    m->dead_until_ns = loop_mono_ns(m->link.loop) + rng_between(&m->link.rng, 1, 9) * 1000000000;
    m->id[0] = 0;
    m->group->deaths++;
    link_drop(&m->link);
}

static void work(struct member *m)
{
    uint64_t dice = rng_below(&m->link.rng, 80);

    if (m->leads && m->divided < m->link.ledger->partitions[LEDGER_EVENTS])
        ask_join(m); /* there are more to divide */
    else if (dice == 0 && !m->rest)
        die(m);
    else if (dice == 1 && !m->rest)
        ask_leave(m);
    else if (dice < 12)
        ask_heartbeat(m);
    else if (dice >= 50 || !ask_commit(m))
        ask_fetch(m);
}

void member_step(struct member *m)
{
    if (loop_mono_ns(m->link.loop) < m->dead_until_ns || !link_up(&m->link) || m->asked >= 0)
        return;
    arena_reset(&m->link.arena);
    switch (m->at) {
    case OUT: ask_join(m); return;
    case JOINED: ask_sync(m); return;
    case ASSIGNED: ask_offsets(m); return;
    case WORKING: work(m); return;
    }
}

/* ---- life ---- */

struct member *member_create(struct loop *loop, struct ledger *ledger, const char *address, uint64_t seed,
                             struct group_ledger *group)
{
    struct member *m = xcalloc(1, sizeof(*m));

    link_init(&m->link, loop, ledger, address, seed);
    m->link.owner = m;
    m->link.on_answer = on_answer;
    m->link.on_lost = on_lost;
    m->group = group;
    m->asked = -1;
    return m;
}

void member_rest(struct member *m, bool rest)
{
    m->rest = rest;
}

void member_hang_up(struct member *m)
{
    link_drop(&m->link);
}

void member_destroy(struct member *m)
{
    link_deinit(&m->link);
    free(m);
}
