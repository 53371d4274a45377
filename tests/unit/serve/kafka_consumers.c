/* Groups of consumers through the whole face on a simulated machine: durable before they are told, there
 * after a restart, looked at, deleted, and exchanged with classic groups. */
#include "lib/kafka_rig.h"
#include "lib/test.h"

static struct bytes *names(struct rig *rig, const char *name)
{
    struct bytes *at = ARENA_ARRAY(&rig->arena, struct bytes, 1);

    at[0] = bytes_str(name);
    return at;
}

/* A first heartbeat, or a later one of that epoch which says all. */
static struct kafka_consumer_group_heartbeat_req request(struct peer *p, const char *member, int32_t epoch)
{
    struct kafka_consumer_group_heartbeat_req req;

    kafka_consumer_group_heartbeat_req_init(&req);
    req.group_id = BYTES_LITERAL("g");
    req.member_id = bytes_str(member);
    req.member_epoch = epoch;
    req.topic_partitions.count = epoch == 0 ? 0 : -1;
    req.subscribed_topic_names.count = epoch == 0 ? 1 : -1;
    req.subscribed_topic_names.at = names(p->rig, "t");
    req.rebalance_timeout_ms = epoch == 0 ? 60000 : -1;
    return req;
}

static struct kafka_consumer_group_heartbeat_res beat(struct peer *p, const char *member, int32_t epoch)
{
    struct kafka_consumer_group_heartbeat_req req = request(p, member, epoch);
    struct kafka_consumer_group_heartbeat_res res;

    peer_call(p, KAFKA_CONSUMER_GROUP_HEARTBEAT, 1, &req, &res);
    return res;
}

static int32_t assigned(const struct kafka_consumer_group_heartbeat_res *res)
{
    EXPECT(res->assignment != NULL);
    return res->assignment->topic_partitions.count
               ? res->assignment->topic_partitions.at[0].partitions.count
               : 0;
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

static enum kafka_error commit(struct peer *p, int16_t version, const char *member, int32_t epoch)
{
    struct kafka_offset_commit_req req;
    struct kafka_offset_commit_res res;

    kafka_offset_commit_req_init(&req);
    req.group_id = BYTES_LITERAL("g");
    req.member_id = bytes_str(member);
    req.generation_id_or_member_epoch = epoch;
    req.topics.count = 1;
    req.topics.at = kafka_offset_commit_req_topic_new(&p->rig->arena, 1);
    req.topics.at[0].name = BYTES_LITERAL("t");
    req.topics.at[0].partitions.count = 1;
    req.topics.at[0].partitions.at = kafka_offset_commit_req_partition_new(&p->rig->arena, 1);
    req.topics.at[0].partitions.at[0].committed_offset = 7;
    peer_call(p, KAFKA_OFFSET_COMMIT, version, &req, &res);
    return (enum kafka_error)res.topics.at[0].partitions.at[0].error_code;
}

/* The offset committed of partition 0, or minus the error. */
static int64_t fetched(struct peer *p, const char *member, int32_t epoch)
{
    struct kafka_offset_fetch_req req;
    struct kafka_offset_fetch_res res;

    kafka_offset_fetch_req_init(&req);
    req.groups.count = 1;
    req.groups.at = kafka_offset_fetch_req_group_new(&p->rig->arena, 1);
    req.groups.at[0].group_id = BYTES_LITERAL("g");
    req.groups.at[0].member_id = member ? bytes_str(member) : BYTES_NONE;
    req.groups.at[0].member_epoch = epoch;
    req.groups.at[0].topics.count = -1;
    peer_call(p, KAFKA_OFFSET_FETCH, 9, &req, &res);
    if (res.groups.at[0].error_code)
        return -res.groups.at[0].error_code;
    return res.groups.at[0].topics.count ? res.groups.at[0].topics.at[0].partitions.at[0].committed_offset
                                         : -1;
}

static enum kafka_error delete_group(struct peer *p)
{
    struct kafka_delete_groups_req req;
    struct kafka_delete_groups_res res;

    kafka_delete_groups_req_init(&req);
    req.groups_names.count = 1;
    req.groups_names.at = names(p->rig, "g");
    peer_call(p, KAFKA_DELETE_GROUPS, 2, &req, &res);
    return (enum kafka_error)res.results.at[0].error_code;
}

/* The state in the list of groups of a type, or "" where it is not listed. */
static struct bytes listed(struct peer *p, const char *type)
{
    struct kafka_list_groups_req req;
    struct kafka_list_groups_res res;

    kafka_list_groups_req_init(&req);
    req.types_filter.count = 1;
    req.types_filter.at = names(p->rig, type);
    peer_call(p, KAFKA_LIST_GROUPS, 5, &req, &res);
    return res.groups.count ? res.groups.at[0].group_state : BYTES_LITERAL("");
}

static struct kafka_join_group_res join_classic(struct peer *p, const char *member)
{
    struct kafka_join_group_req req;
    struct kafka_join_group_res res;

    kafka_join_group_req_init(&req);
    req.group_id = BYTES_LITERAL("g");
    req.member_id = bytes_str(member);
    req.session_timeout_ms = 10000;
    req.rebalance_timeout_ms = 10000;
    req.protocol_type = BYTES_LITERAL("consumer");
    req.protocols.count = 1;
    req.protocols.at = kafka_join_group_req_protocol_new(&p->rig->arena, 1);
    req.protocols.at[0].name = BYTES_LITERAL("range");
    peer_call(p, KAFKA_JOIN_GROUP, 3, &req, &res);
    return res;
}

static struct peer *open_with_topic(struct rig *rig)
{
    kafka_rig_open(rig);
    struct peer *p = peer_open(rig);
    kafka_rig_make_topic(p, "t", 6);
    return p;
}

/* As after SIGKILL: of what was not durable nothing is left. */
static struct peer *restart(struct rig *rig, struct peer *p)
{
    peer_end(p);
    kafka_rig_stop(rig);
    kafka_rig_start(rig);
    return peer_open(rig);
}

TEST(kafka_consumers_are_assigned_and_are_there_after_a_restart)
{
    struct rig rig;
    struct peer *p = open_with_topic(&rig);
    struct kafka_consumer_group_heartbeat_res res = beat(p, "a", 0);

    EXPECT_INT(res.error_code, 0);
    EXPECT_INT(res.member_epoch, 1);
    EXPECT_INT(res.heartbeat_interval_ms, 5000);
    EXPECT_INT(assigned(&res), 6);
    p = restart(&rig, p);
    res = beat(p, "a", 1);
    EXPECT_INT(res.error_code, 0);
    EXPECT_INT(res.member_epoch, 1);
    EXPECT(!res.assignment); /* it has it */
    EXPECT_BYTES(describe(p).group_state, BYTES_LITERAL("Stable"));
    EXPECT_INT(beat(p, "b", 0).member_epoch, 2);
    struct kafka_consumer_group_describe_res_group g = describe(p);
    EXPECT_BYTES(g.group_state, BYTES_LITERAL("Reconciling"));
    EXPECT_BYTES(g.assignor_name, BYTES_LITERAL("uniform"));
    EXPECT_INT(g.members.count, 2);
    EXPECT_INT(g.members.at[0].assignment.topic_partitions.at[0].partitions.count, 6);
    EXPECT_INT(g.members.at[0].target_assignment.topic_partitions.at[0].partitions.count, 3);
    EXPECT_BYTES(g.members.at[0].target_assignment.topic_partitions.at[0].topic_name, BYTES_LITERAL("t"));
    EXPECT_INT(g.members.at[1].assignment.topic_partitions.count, 0);
    kafka_rig_run_for(&rig, 46000); /* nobody says that it lives */
    EXPECT_BYTES(describe(p).group_state, BYTES_LITERAL("Empty"));
    p = restart(&rig, p);
    EXPECT_BYTES(describe(p).group_state, BYTES_LITERAL("Empty"));
    EXPECT_INT(beat(p, "a", 1).error_code, KAFKA_ERR_UNKNOWN_MEMBER_ID);
    kafka_rig_run_for(&rig, 1000);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_consumers_are_told_when_it_is_durable)
{
    struct rig rig;
    struct bytes frame;
    struct kafka_consumer_group_heartbeat_res res;
    struct peer *p = open_with_topic(&rig);
    struct kafka_consumer_group_heartbeat_req req = request(p, "a", 0);

    rig.hold = true;
    int32_t id = peer_ask(p, KAFKA_CONSUMER_GROUP_HEARTBEAT, 1, &req);
    kafka_rig_run_for(&rig, 100);
    EXPECT(!peer_take(p, &frame));
    rig.hold = false;
    loop_pass(rig.loop, 0);
    EXPECT(peer_answer(p, id, KAFKA_CONSUMER_GROUP_HEARTBEAT, 1, &res));
    EXPECT_INT(res.error_code, 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_consumers_commit_under_their_epoch)
{
    struct rig rig;
    struct peer *p = open_with_topic(&rig);

    EXPECT_INT(beat(p, "a", 0).member_epoch, 1);
    EXPECT_INT(commit(p, 9, "a", 1), 0);
    EXPECT_INT(commit(p, 9, "a", 2), KAFKA_ERR_STALE_MEMBER_EPOCH);
    EXPECT_INT(commit(p, 9, "no", 1), KAFKA_ERR_UNKNOWN_MEMBER_ID);
    EXPECT_INT(commit(p, 9, "", -1), KAFKA_ERR_UNKNOWN_MEMBER_ID); /* somebody is in */
    EXPECT_INT(commit(p, 8, "a", 1), KAFKA_ERR_UNSUPPORTED_VERSION);
    EXPECT_INT(fetched(p, "a", 1), 7);
    EXPECT_INT(fetched(p, NULL, -1), 7);
    EXPECT_INT(fetched(p, "a", 3), -KAFKA_ERR_STALE_MEMBER_EPOCH);
    EXPECT_INT(fetched(p, "no", 1), -KAFKA_ERR_UNKNOWN_MEMBER_ID);
    EXPECT_INT(beat(p, "a", -1).member_epoch, -1);
    EXPECT_INT(commit(p, 8, "", -1), 0);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_consumers_and_classic_members_follow_each_other)
{
    struct rig rig;
    struct peer *p = open_with_topic(&rig);
    struct kafka_describe_groups_req req;
    struct kafka_describe_groups_res res;

    EXPECT_INT(beat(p, "a", 0).error_code, 0);
    EXPECT_INT(commit(p, 9, "a", 1), 0);
    EXPECT_BYTES(listed(p, "consumer"), BYTES_LITERAL("Stable"));
    EXPECT_BYTES(listed(p, "classic"), BYTES_LITERAL(""));
    EXPECT_INT(join_classic(p, "").error_code, KAFKA_ERR_INCONSISTENT_GROUP_PROTOCOL);
    EXPECT_INT(delete_group(p), KAFKA_ERR_NON_EMPTY_GROUP);
    kafka_describe_groups_req_init(&req);
    req.groups.count = 1;
    req.groups.at = names(&rig, "g");
    peer_call(p, KAFKA_DESCRIBE_GROUPS, 6, &req, &res);
    EXPECT_INT(res.groups.at[0].error_code, KAFKA_ERR_GROUP_ID_NOT_FOUND);
    EXPECT_INT(beat(p, "a", -1).error_code, 0);
    EXPECT_BYTES(listed(p, "consumer"), BYTES_LITERAL("Empty"));
    struct kafka_join_group_res joined = join_classic(p, "");
    EXPECT_INT(joined.error_code, 0);
    EXPECT_BYTES(listed(p, "consumer"), BYTES_LITERAL(""));
    EXPECT_INT(describe(p).error_code, KAFKA_ERR_GROUP_ID_NOT_FOUND);
    EXPECT_INT(beat(p, "a", 0).error_code, KAFKA_ERR_GROUP_ID_NOT_FOUND); /* the classic one is in use */
    p = restart(&rig, p); /* of a classic group the offsets are left */
    EXPECT_BYTES(listed(p, "classic"), BYTES_LITERAL("Empty"));
    EXPECT_INT(beat(p, "a", 0).error_code, 0);
    EXPECT_BYTES(listed(p, "classic"), BYTES_LITERAL(""));
    EXPECT_INT(fetched(p, "a", 1), 7);
    EXPECT_INT(beat(p, "a", -1).error_code, 0);
    EXPECT_INT(delete_group(p), 0);
    EXPECT_INT(fetched(p, NULL, -1), -1);
    p = restart(&rig, p);
    EXPECT_BYTES(listed(p, "consumer"), BYTES_LITERAL(""));
    EXPECT_INT(describe(p).error_code, KAFKA_ERR_GROUP_ID_NOT_FOUND);
    peer_end(p);
    kafka_rig_close(&rig);
}

TEST(kafka_consumers_are_announced_as_a_feature)
{
    struct rig rig;
    struct peer *p = open_with_topic(&rig);
    struct kafka_api_versions_req req;
    struct kafka_api_versions_res res;

    kafka_api_versions_req_init(&req);
    req.client_software_name = req.client_software_version = BYTES_LITERAL("x");
    peer_call(p, KAFKA_API_VERSIONS, 4, &req, &res);
    EXPECT(res.finalized_features.count >= 1);
    EXPECT_BYTES(res.finalized_features.at[0].name, BYTES_LITERAL("group.version"));
    EXPECT_INT(res.finalized_features.at[0].max_version_level, 1);
    EXPECT(res.finalized_features_epoch >= 0);
    EXPECT(res.supported_features.count >= 1);
    peer_call(p, KAFKA_API_VERSIONS, 3, &req, &res);
    EXPECT_INT(res.supported_features.count, 0);
    peer_end(p);
    kafka_rig_close(&rig);
}
