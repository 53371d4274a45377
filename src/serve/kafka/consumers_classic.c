/* The classic requests of members of a group of consumers: JoinGroup, SyncGroup, Heartbeat and LeaveGroup, carried
 * to consumer_classic.c. What a join or a leave changed is one entry of the log, and its answer waits for it. */
#include "serve/kafka/face.h"

bool face_consumers_live(const struct kafka_face *face, struct bytes group_id)
{
    struct cgroup_info info;

    return cgroups_find(face->cgroups, group_id, &info) && info.members_count;
}

/* ---- JoinGroup ---- */

static void join_failed(struct call *call)
{
    struct kafka_join_group_res *res = call->answer;

    kafka_join_group_res_init(res);
    res->error_code = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
    res->generation_id = -1;
}

bool face_consumers_join(struct call *call, struct group_join *join)
{
    struct kafka_face *face = call->face;
    struct kafka_join_group_res *res = ARENA_NEW(&call->arena, struct kafka_join_group_res);
    struct group_join_answer answer = {.error = groups_join_error(face->groups, join),
                                       .generation = -1,
                                       .member_id = join->member_id,
                                       .leader = BYTES_LITERAL("")};
    struct bytes new_id = join->member_id.len ? BYTES_NONE : groups_new_member_id(face->groups, join);
    uint64_t lsn = 0;

    if (!answer.error)
        cgroups_join(face->cgroups, face_now_ms(face), join, new_id, &answer);
    struct bytes member_id = call_copy(call, answer.member_id);
    bytes_drop(&new_id);
    if (!answer.error && face_group_downgrade(face, join->group_id)) {
        /* A static member that came in the place of the last of the newer protocol: on with the classic group. */
        join->member_id = member_id;
        (void)face_consumers_save(face, NULL, &lsn);
        return false;
    }
    kafka_join_group_res_init(res);
    res->error_code = (int16_t)answer.error;
    res->generation_id = answer.generation;
    res->protocol_type = call_copy(call, answer.protocol_type);
    res->protocol_name = call_copy(call, answer.protocol);
    res->member_id = member_id;
    res->leader = BYTES_LITERAL("");
    if (face_consumers_save(face, NULL, &lsn)) {
        call->answer = res;
        join_failed(call);
    }
    face_groups_arm(face);
    call_answer_durable(call, res, lsn, join_failed);
    return true;
}

/* ---- SyncGroup ---- */

void face_consumers_sync(struct call *call, const struct group_sync *sync)
{
    struct kafka_face *face = call->face;
    struct kafka_sync_group_res res;
    struct buf assignment;

    buf_init(&assignment, 0);
    kafka_sync_group_res_init(&res);
    res.error_code = (int16_t)cgroups_sync(face->cgroups, face_now_ms(face), sync, &assignment);
    if (!res.error_code) {
        res.protocol_type = sync->protocol_type;
        res.protocol_name = sync->protocol;
        res.assignment = buf_view(&assignment);
    }
    face_groups_arm(face);
    call_answer(call, &res);
    buf_deinit(&assignment);
}

/* ---- LeaveGroup ---- */

static void leave_failed(struct call *call)
{
    struct kafka_leave_group_res *res = call->answer;

    res->error_code = KAFKA_ERR_COORDINATOR_NOT_AVAILABLE;
}

/* res says who left, of a group that was one of consumers when they did. */
void face_consumers_left(struct call *call, struct bytes group_id, struct kafka_leave_group_res *res)
{
    uint64_t lsn = 0;

    (void)face_group_downgrade(call->face, group_id);
    if (face_consumers_save(call->face, NULL, &lsn)) {
        call->answer = res;
        leave_failed(call);
    }
    face_groups_arm(call->face);
    call_answer_durable(call, res, lsn, leave_failed);
}
