/* What a heartbeat must look like, whatever its group. */
#include "serve/kafka/consumer_in.h"

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

enum kafka_error cgroup_check_beat(const struct cgroup_beat *b, const char **why)
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
