/* A live group from the classic protocol to the newer one and back, through the whole face on a simulated
 * machine: nobody reads what another has, offsets and places stay, and a crash in between loses nothing. */
#include "lib/kafka_rig.h"
#include "lib/test.h"
#include "wire/kafka/consumer_protocol.h"

enum { PARTITIONS = 6 };

static struct bytes *names(struct rig *rig, const char *name)
{
    struct bytes *at = ARENA_ARRAY(&rig->arena, struct bytes, 1);

    at[0] = bytes_str(name);
    return at;
}

static struct bytes keep(struct rig *rig, struct buf *buf)
{
    struct bytes kept = arena_copy(&rig->arena, buf_view(buf));

    buf_deinit(buf);
    return kept;
}

/* Version 1: reads "t", and has so many partitions of it, from 0 on. */
static struct bytes subscription(struct rig *rig, unsigned owned)
{
    struct buf buf;

    buf_init(&buf, 0);
    buf_u16_be(&buf, 1);
    buf_u32_be(&buf, 1);
    buf_u16_be(&buf, 1);
    buf_str(&buf, "t");
    buf_u32_be(&buf, UINT32_MAX);
    buf_u32_be(&buf, 1);
    buf_u16_be(&buf, 1);
    buf_str(&buf, "t");
    buf_u32_be(&buf, owned);
    for (unsigned i = 0; i < owned; i++)
        buf_u32_be(&buf, i);
    return keep(rig, &buf);
}

static struct bytes assignment_of_all(struct rig *rig, const char *user_data)
{
    struct buf buf;

    buf_init(&buf, 0);
    consumer_assignment_begin(&buf, 1, 1);
    consumer_assignment_topic(&buf, BYTES_LITERAL("t"), PARTITIONS);
    for (unsigned i = 0; i < PARTITIONS; i++)
        buf_u32_be(&buf, i);
    buf_u32_be(&buf, user_data ? (uint32_t)strlen(user_data) : UINT32_MAX);
    buf_str(&buf, user_data ? user_data : "");
    return keep(rig, &buf);
}

static unsigned parts_in(struct bytes assignment)
{
    struct consumer_assignment a;
    struct consumer_parts parts = {0};

    EXPECT(consumer_assignment_parse(assignment, &a));
    if (a.parts_count)
        consumer_protocol_parts(&a.parts, &parts);
    return parts.count;
}

/* ---- a classic member ---- */

static struct kafka_join_group_req join_request(struct peer *p, struct bytes member, const char *instance,
                                                struct bytes metadata)
{
    struct kafka_join_group_req req;

    kafka_join_group_req_init(&req);
    req.group_id = BYTES_LITERAL("g");
    req.member_id = member;
    req.group_instance_id = instance ? bytes_str(instance) : BYTES_NONE;
    req.session_timeout_ms = 10000;
    req.rebalance_timeout_ms = 20000;
    req.protocol_type = BYTES_LITERAL("consumer");
    req.protocols.count = 1;
    req.protocols.at = kafka_join_group_req_protocol_new(&p->rig->arena, 1);
    req.protocols.at[0].name = BYTES_LITERAL("cooperative-sticky");
    req.protocols.at[0].metadata = metadata;
    return req;
}

static struct kafka_join_group_res join_as(struct peer *p, struct bytes member, const char *instance,
                                           struct bytes metadata)
{
    struct kafka_join_group_req req = join_request(p, member, instance, metadata);
    struct kafka_join_group_res res;

    peer_call(p, KAFKA_JOIN_GROUP, 5, &req, &res);
    res.member_id = arena_copy(&p->rig->arena, res.member_id);
    return res;
}

static struct kafka_join_group_res join(struct peer *p, struct bytes member, unsigned owned)
{
    return join_as(p, member, NULL, subscription(p->rig, owned));
}

static struct kafka_sync_group_res sync_as(struct peer *p, struct bytes member, int32_t generation,
                                           struct bytes assignment)
{
    struct kafka_sync_group_req req;
    struct kafka_sync_group_res res;

    kafka_sync_group_req_init(&req);
    req.group_id = BYTES_LITERAL("g");
    req.member_id = member;
    req.generation_id = generation;
    req.protocol_type = BYTES_LITERAL("consumer");
    req.protocol_name = BYTES_LITERAL("cooperative-sticky");
    req.assignments.count = assignment.ptr ? 1 : 0;
    req.assignments.at = kafka_sync_group_req_assignment_new(&p->rig->arena, 1);
    req.assignments.at[0].member_id = member;
    req.assignments.at[0].assignment = assignment;
    peer_call(p, KAFKA_SYNC_GROUP, 5, &req, &res);
    return res;
}

static enum kafka_error heartbeat(struct peer *p, struct bytes member, int32_t generation)
{
    struct kafka_heartbeat_req req;
    struct kafka_heartbeat_res res;

    kafka_heartbeat_req_init(&req);
    req.group_id = BYTES_LITERAL("g");
    req.member_id = member;
    req.generation_id = generation;
    peer_call(p, KAFKA_HEARTBEAT, 3, &req, &res);
    return (enum kafka_error)res.error_code;
}

static enum kafka_error leave(struct peer *p, struct bytes member)
{
    struct kafka_leave_group_req req;
    struct kafka_leave_group_res res;

    kafka_leave_group_req_init(&req);
    req.group_id = BYTES_LITERAL("g");
    req.members.count = 1;
    req.members.at = kafka_leave_group_req_member_new(&p->rig->arena, 1);
    req.members.at[0].member_id = member;
    peer_call(p, KAFKA_LEAVE_GROUP, 4, &req, &res);
    return (enum kafka_error)(res.error_code ? res.error_code : res.members.at[0].error_code);
}

/* A group of one classic member that has all partitions; *member gets its id. */
static int32_t classic_group(struct peer *p, struct bytes *member)
{
    struct kafka_join_group_res res = join(p, BYTES_LITERAL(""), 0);

    EXPECT_INT(res.error_code, KAFKA_ERR_MEMBER_ID_REQUIRED);
    *member = res.member_id;
    res = join(p, *member, 0);
    EXPECT_INT(res.error_code, 0);
    EXPECT_INT(sync_as(p, *member, res.generation_id, assignment_of_all(p->rig, NULL)).error_code, 0);
    return res.generation_id;
}

/* ---- a member of the newer protocol ---- */

static struct kafka_consumer_group_heartbeat_res beat_as(struct peer *p, const char *member, const char *instance,
                                                         int32_t epoch)
{
    struct kafka_consumer_group_heartbeat_req req;
    struct kafka_consumer_group_heartbeat_res res;

    kafka_consumer_group_heartbeat_req_init(&req);
    req.group_id = BYTES_LITERAL("g");
    req.member_id = bytes_str(member);
    req.instance_id = instance ? bytes_str(instance) : BYTES_NONE;
    req.member_epoch = epoch;
    req.topic_partitions.count = epoch == 0 ? 0 : -1;
    req.subscribed_topic_names.count = epoch == 0 ? 1 : -1;
    req.subscribed_topic_names.at = names(p->rig, "t");
    req.rebalance_timeout_ms = epoch == 0 ? 60000 : -1;
    peer_call(p, KAFKA_CONSUMER_GROUP_HEARTBEAT, 1, &req, &res);
    return res;
}

static struct kafka_consumer_group_heartbeat_res beat(struct peer *p, const char *member, int32_t epoch)
{
    return beat_as(p, member, NULL, epoch);
}

static int32_t assigned(const struct kafka_consumer_group_heartbeat_res *res)
{
    EXPECT(res->assignment != NULL);
    return res->assignment->topic_partitions.count ? res->assignment->topic_partitions.at[0].partitions.count : 0;
}

/* ---- looking ---- */

static bool is_listed(struct peer *p, const char *type)
{
    struct kafka_list_groups_req req;
    struct kafka_list_groups_res res;

    kafka_list_groups_req_init(&req);
    req.types_filter.count = 1;
    req.types_filter.at = names(p->rig, type);
    peer_call(p, KAFKA_LIST_GROUPS, 5, &req, &res);
    return res.groups.count == 1;
}

static struct kafka_consumer_group_describe_res_group describe(struct peer *p)
{
    struct kafka_consumer_group_describe_req req;
    struct kafka_consumer_group_describe_res res;

    kafka_consumer_group_describe_req_init(&req);
    req.group_ids.count = 1;
    req.group_ids.at = names(p->rig, "g");
    peer_call(p, KAFKA_CONSUMER_GROUP_DESCRIBE, 1, &req, &res);
    return res.groups.at[0];
}

static enum kafka_error commit(struct peer *p, int16_t version, struct bytes member, int32_t epoch, int64_t offset)
{
    struct kafka_offset_commit_req req;
    struct kafka_offset_commit_res res;

    kafka_offset_commit_req_init(&req);
    req.group_id = BYTES_LITERAL("g");
    req.member_id = member;
    req.generation_id_or_member_epoch = epoch;
    req.topics.count = 1;
    req.topics.at = kafka_offset_commit_req_topic_new(&p->rig->arena, 1);
    req.topics.at[0].name = BYTES_LITERAL("t");
    req.topics.at[0].partitions.count = 1;
    req.topics.at[0].partitions.at = kafka_offset_commit_req_partition_new(&p->rig->arena, 1);
    req.topics.at[0].partitions.at[0].committed_offset = offset;
    peer_call(p, KAFKA_OFFSET_COMMIT, version, &req, &res);
    return (enum kafka_error)res.topics.at[0].partitions.at[0].error_code;
}

static int64_t fetched(struct peer *p)
{
    struct kafka_offset_fetch_req req;
    struct kafka_offset_fetch_res res;

    kafka_offset_fetch_req_init(&req);
    req.groups.count = 1;
    req.groups.at = kafka_offset_fetch_req_group_new(&p->rig->arena, 1);
    req.groups.at[0].group_id = BYTES_LITERAL("g");
    req.groups.at[0].topics.count = -1;
    peer_call(p, KAFKA_OFFSET_FETCH, 8, &req, &res);
    return res.groups.at[0].topics.count ? res.groups.at[0].topics.at[0].partitions.at[0].committed_offset : -1;
}

static struct peer *open_with_topic(struct rig *rig)
{
    kafka_rig_open(rig);
    struct peer *p = peer_open(rig);
    kafka_rig_make_topic(p, "t", PARTITIONS);
    return p;
}

/* As after SIGKILL. */
static struct peer *restart(struct rig *rig, struct peer *p)
{
    peer_end(p);
    kafka_rig_stop(rig);
    kafka_rig_start(rig);
    return peer_open(rig);
}

/* The classic member gives up half, step by step; gives its generation. */
static int32_t halve(struct peer *p, struct bytes member, int32_t generation)
{
    EXPECT_INT(heartbeat(p, member, generation), KAFKA_ERR_REBALANCE_IN_PROGRESS);
    struct kafka_join_group_res joined = join(p, member, PARTITIONS);
    EXPECT_INT(joined.error_code, 0);
    EXPECT_INT(joined.generation_id, generation); /* till it has given up what it has to */
    EXPECT_INT(joined.members.count, 0);
    EXPECT_BYTES(joined.leader, BYTES_LITERAL(""));
    EXPECT_INT(parts_in(sync_as(p, member, generation, BYTES_NONE).assignment), PARTITIONS / 2);
    EXPECT_INT(heartbeat(p, member, generation), KAFKA_ERR_REBALANCE_IN_PROGRESS);
    joined = join(p, member, PARTITIONS / 2);
    EXPECT_INT(joined.generation_id, generation + 1);
    EXPECT_INT(parts_in(sync_as(p, member, generation + 1, BYTES_NONE).assignment), PARTITIONS / 2);
    EXPECT_INT(heartbeat(p, member, generation + 1), 0);
    return generation + 1;
}

TEST(kafka_migrate_both_ways_and_over_crashes)
{
    struct rig rig;
    struct bytes c;
    struct peer *p = open_with_topic(&rig);
    int32_t generation = classic_group(p, &c);

    EXPECT_INT(commit(p, 8, c, generation, 7), 0);
    struct kafka_consumer_group_heartbeat_res res = beat(p, "a", 0);
    EXPECT_INT(res.error_code, 0);
    EXPECT_INT(res.member_epoch, generation + 1);
    EXPECT_INT(assigned(&res), 0); /* all is still the classic member's */
    EXPECT(is_listed(p, "consumer") && !is_listed(p, "classic"));
    EXPECT_INT(commit(p, 8, c, generation, 8), 0);
    EXPECT_INT(commit(p, 8, c, generation + 1, 9), KAFKA_ERR_ILLEGAL_GENERATION);
    p = restart(&rig, p); /* in the middle of it */
    generation = halve(p, c, generation);
    res = beat(p, "a", generation);
    EXPECT_INT(assigned(&res), PARTITIONS / 2);
    p = restart(&rig, p);
    struct kafka_consumer_group_describe_res_group g = describe(p);
    EXPECT_BYTES(g.group_state, BYTES_LITERAL("Stable"));
    EXPECT_INT(g.members.count, 2);
    EXPECT_INT(g.members.at[0].member_type + g.members.at[1].member_type, 1); /* one of each kind */
    EXPECT_INT(heartbeat(p, c, generation), 0);
    EXPECT_INT(beat(p, "a", generation).error_code, 0);
    EXPECT_INT(commit(p, 9, bytes_str("a"), generation, 10), 0);

    EXPECT_INT(beat(p, "a", -1).error_code, 0); /* the last of the newer protocol goes */
    EXPECT(is_listed(p, "classic") && !is_listed(p, "consumer"));
    EXPECT_INT(commit(p, 8, c, generation, 11), 0); /* before it gives up what it has */
    EXPECT_INT(heartbeat(p, c, generation), KAFKA_ERR_REBALANCE_IN_PROGRESS);
    struct kafka_join_group_res joined = join(p, c, PARTITIONS / 2);
    EXPECT_INT(joined.error_code, 0);
    EXPECT_INT(joined.generation_id, generation + 1);
    EXPECT_BYTES(joined.leader, c);
    EXPECT_INT(joined.members.count, 1);
    EXPECT_INT(sync_as(p, c, joined.generation_id, assignment_of_all(&rig, NULL)).error_code, 0);
    EXPECT_INT(heartbeat(p, c, joined.generation_id), 0);
    p = restart(&rig, p);
    EXPECT(is_listed(p, "classic") && !is_listed(p, "consumer"));
    EXPECT_INT(describe(p).error_code, KAFKA_ERR_GROUP_ID_NOT_FOUND);
    EXPECT_INT(heartbeat(p, c, joined.generation_id), 0);
    EXPECT_INT(fetched(p), 11);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* A classic group whose last member of the newer protocol has gone is kept as such, before anybody joins again. */
TEST(kafka_migrate_back_is_kept_at_once)
{
    struct rig rig;
    struct bytes c;
    struct peer *p = open_with_topic(&rig);
    int32_t generation = classic_group(p, &c);

    EXPECT_INT(beat(p, "a", 0).error_code, 0);
    generation = halve(p, c, generation);
    EXPECT_INT(beat(p, "a", -1).error_code, 0);
    p = restart(&rig, p);
    EXPECT(is_listed(p, "classic") && !is_listed(p, "consumer"));
    EXPECT_INT(commit(p, 8, c, generation, 12), 0);
    EXPECT_INT(parts_in(sync_as(p, c, generation, BYTES_NONE).assignment), PARTITIONS / 2);
    EXPECT_INT(join(p, c, PARTITIONS / 2).generation_id, generation + 1); /* the leader may assign anew */
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_classic_members_go_on_after_a_crash)
{
    struct rig rig;
    struct bytes c;
    struct peer *p = open_with_topic(&rig);
    int32_t generation = classic_group(p, &c);

    p = restart(&rig, p);
    EXPECT_INT(heartbeat(p, c, generation), 0);
    EXPECT_INT(commit(p, 8, c, generation, 7), 0);
    EXPECT_INT(parts_in(sync_as(p, c, generation, BYTES_NONE).assignment), PARTITIONS);
    struct kafka_join_group_res other = join(p, BYTES_LITERAL(""), 0);
    EXPECT_INT(other.error_code, KAFKA_ERR_MEMBER_ID_REQUIRED);
    p = restart(&rig, p);
    kafka_rig_run_for(&rig, 11000); /* its session begins with the server, and ends without a word of it */
    EXPECT_INT(heartbeat(p, c, generation), KAFKA_ERR_UNKNOWN_MEMBER_ID);
    p = restart(&rig, p);
    EXPECT_INT(heartbeat(p, c, generation), KAFKA_ERR_UNKNOWN_MEMBER_ID); /* nor is it back */
    EXPECT_INT(fetched(p), 7);
    c = join(p, BYTES_LITERAL(""), 0).member_id;
    generation = join(p, c, 0).generation_id;
    EXPECT_INT(sync_as(p, c, generation, assignment_of_all(&rig, NULL)).error_code, 0);
    EXPECT_INT(leave(p, c), 0);
    kafka_rig_run_for(&rig, 100);
    p = restart(&rig, p);
    EXPECT_INT(heartbeat(p, c, generation), KAFKA_ERR_UNKNOWN_MEMBER_ID);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* What a classic member is told of its assignment, and a static one of its new id, is durable before. */
TEST(kafka_classic_members_are_told_when_it_is_durable)
{
    struct rig rig;
    struct bytes frame;
    struct peer *p = open_with_topic(&rig);
    struct kafka_join_group_req join_again = join_request(p, BYTES_LITERAL(""), "i", subscription(&rig, 0));
    struct kafka_join_group_res c = join_as(p, BYTES_LITERAL(""), "i", subscription(&rig, 0));
    struct kafka_sync_group_req sync;
    struct kafka_sync_group_res synced;

    kafka_sync_group_req_init(&sync);
    sync.group_id = BYTES_LITERAL("g");
    sync.member_id = c.member_id;
    sync.group_instance_id = BYTES_LITERAL("i");
    sync.generation_id = c.generation_id;
    sync.assignments.count = 1;
    sync.assignments.at = kafka_sync_group_req_assignment_new(&rig.arena, 1);
    sync.assignments.at[0].member_id = c.member_id;
    sync.assignments.at[0].assignment = assignment_of_all(&rig, NULL);
    rig.hold = true;
    int32_t id = peer_ask(p, KAFKA_SYNC_GROUP, 5, &sync);
    kafka_rig_run_for(&rig, 100);
    EXPECT(!peer_take(p, &frame));
    rig.hold = false;
    kafka_rig_run_for(&rig, 100);
    EXPECT(peer_answer(p, id, KAFKA_SYNC_GROUP, 5, &synced));
    EXPECT_INT(parts_in(synced.assignment), PARTITIONS);

    rig.hold = true;
    id = peer_ask(p, KAFKA_JOIN_GROUP, 5, &join_again);
    kafka_rig_run_for(&rig, 100);
    EXPECT(!peer_take(p, &frame));
    rig.hold = false;
    kafka_rig_run_for(&rig, 100);
    EXPECT(peer_answer(p, id, KAFKA_JOIN_GROUP, 5, &c));
    c.member_id = arena_copy(&rig.arena, c.member_id);
    p = restart(&rig, p);
    EXPECT_INT(heartbeat(p, c.member_id, c.generation_id), 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_migrate_goes_back_when_the_last_of_the_newer_protocol_is_silent)
{
    struct rig rig;
    struct bytes c;
    struct peer *p = open_with_topic(&rig);
    int32_t generation = classic_group(p, &c);

    EXPECT_INT(beat(p, "a", 0).error_code, 0);
    generation = halve(p, c, generation);
    for (int i = 0; i < 10 && is_listed(p, "consumer"); i++) {
        kafka_rig_run_for(&rig, 6000);
        (void)heartbeat(p, c, generation);
    }
    EXPECT(is_listed(p, "classic") && !is_listed(p, "consumer"));
    EXPECT_INT(join(p, c, PARTITIONS / 2).generation_id, generation + 1);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_migrate_puts_out_a_classic_member_that_does_not_follow)
{
    struct rig rig;
    struct bytes c;
    struct peer *p = open_with_topic(&rig);
    int32_t generation = classic_group(p, &c);

    EXPECT_INT(beat(p, "a", 0).error_code, 0);
    for (int i = 0; i < 3; i++) { /* it says that it lives, and does not join */
        EXPECT_INT(heartbeat(p, c, generation), KAFKA_ERR_REBALANCE_IN_PROGRESS);
        EXPECT_INT(beat(p, "a", generation + 1).error_code, 0);
        kafka_rig_run_for(&rig, 7000);
    }
    EXPECT_INT(heartbeat(p, c, generation), KAFKA_ERR_UNKNOWN_MEMBER_ID);
    struct kafka_consumer_group_heartbeat_res res = beat(p, "a", generation + 1);
    EXPECT_INT(assigned(&res), PARTITIONS);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_migrate_classic_members_come_and_go_in_a_group_of_consumers)
{
    struct rig rig;
    struct peer *p = open_with_topic(&rig);

    EXPECT_INT(beat(p, "a", 0).member_epoch, 1);
    struct kafka_join_group_res c = join(p, BYTES_LITERAL(""), 0);
    EXPECT_INT(c.error_code, KAFKA_ERR_MEMBER_ID_REQUIRED);
    c = join(p, c.member_id, 0);
    EXPECT_INT(c.generation_id, 2);
    EXPECT_INT(parts_in(sync_as(p, c.member_id, 2, BYTES_NONE).assignment), 0);
    EXPECT_INT(sync_as(p, c.member_id, 1, BYTES_NONE).error_code, KAFKA_ERR_ILLEGAL_GENERATION);
    EXPECT_INT(sync_as(p, bytes_str("a"), 1, BYTES_NONE).error_code, KAFKA_ERR_UNKNOWN_MEMBER_ID);
    EXPECT_INT(heartbeat(p, c.member_id, 2), 0); /* it waits for what the other has */
    EXPECT_INT(join_as(p, BYTES_LITERAL(""), NULL, BYTES_LITERAL("?")).error_code,
               KAFKA_ERR_INCONSISTENT_GROUP_PROTOCOL);
    EXPECT_INT(leave(p, bytes_str("nobody")), KAFKA_ERR_UNKNOWN_MEMBER_ID);
    EXPECT_INT(leave(p, c.member_id), 0);
    EXPECT_INT(heartbeat(p, c.member_id, 2), KAFKA_ERR_UNKNOWN_MEMBER_ID);
    EXPECT(is_listed(p, "consumer"));
    EXPECT_INT(leave(p, bytes_str("a")), 0); /* of either protocol, as for an administrator */
    EXPECT(is_listed(p, "consumer"));        /* nobody is in it: it stays what it was */
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_migrate_static_members_take_their_place_in_either_protocol)
{
    struct rig rig;
    struct peer *p = open_with_topic(&rig);
    struct kafka_consumer_group_heartbeat_res res = beat_as(p, "a", "i", 0);

    EXPECT_INT(assigned(&res), PARTITIONS);
    EXPECT_INT(beat(p, "b", 0).member_epoch, 2);
    struct kafka_join_group_res c = join_as(p, BYTES_LITERAL(""), "i", subscription(&rig, 0));
    EXPECT_INT(c.error_code, 0);
    EXPECT_INT(beat_as(p, "a", "i", 1).error_code, KAFKA_ERR_FENCED_INSTANCE_ID);
    EXPECT_INT(parts_in(sync_as(p, c.member_id, c.generation_id, BYTES_NONE).assignment), PARTITIONS / 2);
    EXPECT_INT(beat(p, "b", -1).error_code, 0); /* only the classic one is left */
    EXPECT(is_listed(p, "classic"));
    c = join_as(p, c.member_id, "i", subscription(&rig, 0));
    EXPECT_BYTES(c.leader, c.member_id);
    EXPECT_INT(sync_as(p, c.member_id, c.generation_id, assignment_of_all(&rig, NULL)).error_code, 0);
    res = beat_as(p, "a", "i", 0); /* and back: it was the only one */
    EXPECT_INT(res.error_code, 0);
    EXPECT(is_listed(p, "consumer"));
    EXPECT_INT(assigned(&res), PARTITIONS);
    EXPECT_INT(describe(p).members.count, 1);
    c = join_as(p, BYTES_LITERAL(""), "i", subscription(&rig, 0)); /* the last of the newer protocol is replaced */
    EXPECT_INT(c.error_code, 0);
    EXPECT_BYTES(c.leader, c.member_id);
    EXPECT(is_listed(p, "classic") && !is_listed(p, "consumer"));
    peer_end(p);
    kafka_rig_close(&rig);
}

/* An id that was given out, and has not joined, is no member: it joins whatever its group has become. */
TEST(kafka_migrate_ids_that_were_given_out_join_later)
{
    struct rig rig;
    struct peer *p = open_with_topic(&rig);
    struct kafka_join_group_res c = join(p, BYTES_LITERAL(""), 0);

    EXPECT_INT(c.error_code, KAFKA_ERR_MEMBER_ID_REQUIRED);
    EXPECT_INT(beat(p, "a", 0).error_code, 0);
    EXPECT(is_listed(p, "consumer") && !is_listed(p, "classic"));
    EXPECT_INT(join(p, c.member_id, 0).generation_id, 2);
    EXPECT_INT(describe(p).members.count, 2);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_migrate_refuses_groups_that_cannot)
{
    struct rig rig;
    struct bytes c;
    struct peer *p = open_with_topic(&rig);
    int32_t generation = classic_group(p, &c);

    /* an assignor of its own */
    struct kafka_join_group_res again = join(p, c, PARTITIONS);
    EXPECT_INT(sync_as(p, c, again.generation_id, assignment_of_all(&rig, "mine")).error_code, 0);
    struct kafka_consumer_group_heartbeat_res res = beat(p, "a", 0);
    EXPECT_INT(res.error_code, KAFKA_ERR_GROUP_ID_NOT_FOUND);
    EXPECT(res.error_message.len > 0);
    EXPECT(is_listed(p, "classic") && !is_listed(p, "consumer"));
    EXPECT_INT(heartbeat(p, c, again.generation_id), 0); /* it is not disturbed */
    EXPECT(again.generation_id > generation);
    EXPECT_INT(leave(p, c), 0);

    struct kafka_join_group_req req = join_request(p, BYTES_LITERAL(""), NULL, BYTES_LITERAL(""));
    struct kafka_join_group_res joined;
    req.protocol_type = BYTES_LITERAL("connect");
    peer_call(p, KAFKA_JOIN_GROUP, 3, &req, &joined);
    EXPECT_INT(joined.error_code, 0);
    EXPECT_INT(beat(p, "a", 0).error_code, KAFKA_ERR_GROUP_ID_NOT_FOUND);
    EXPECT_INT(beat(p, "a", 1).error_code, KAFKA_ERR_GROUP_ID_NOT_FOUND);
    peer_end(p);
    kafka_rig_close(&rig);
}

/* With a policy that keeps a group where it is: either way is refused, and the other one is open. */
TEST(kafka_migrate_goes_only_where_the_policy_lets_it)
{
    static const char policy[] = "group.consumer.migration.policy";
    struct rig rig;
    struct bytes c;
    struct peer *p = open_with_topic(&rig);
    int32_t generation = classic_group(p, &c);

    rig.migration = KAFKA_MIGRATE_DOWNGRADE;
    p = restart(&rig, p);
    struct kafka_consumer_group_heartbeat_res res = beat(p, "a", 0);
    EXPECT_INT(res.error_code, KAFKA_ERR_GROUP_ID_NOT_FOUND);
    EXPECT(memmem(res.error_message.ptr, res.error_message.len, policy, strlen(policy)) != NULL);
    EXPECT(is_listed(p, "classic") && !is_listed(p, "consumer"));
    EXPECT_INT(heartbeat(p, c, generation), 0);

    rig.migration = KAFKA_MIGRATE_UPGRADE;
    p = restart(&rig, p);
    res = beat(p, "a", 0);
    EXPECT_INT(res.error_code, 0);
    generation = res.member_epoch;
    EXPECT(is_listed(p, "consumer") && !is_listed(p, "classic"));
    EXPECT_INT(beat(p, "a", -1).error_code, 0);
    EXPECT(is_listed(p, "consumer") && !is_listed(p, "classic")); /* the classic member goes on in it */
    p = restart(&rig, p);
    EXPECT(is_listed(p, "consumer") && !is_listed(p, "classic"));

    rig.migration = KAFKA_MIGRATE_DOWNGRADE;
    p = restart(&rig, p);
    EXPECT_INT(beat(p, "b", 0).error_code, 0);
    EXPECT_INT(beat(p, "b", -1).error_code, 0);
    EXPECT(is_listed(p, "classic") && !is_listed(p, "consumer"));
    peer_end(p);
    kafka_rig_close(&rig);
}
