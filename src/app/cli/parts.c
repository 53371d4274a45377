#include "app/cli/parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void parts_deinit(struct parts *parts)
{
    free(parts->at);
    *parts = (struct parts){0};
}

static int compare(const struct part *p, struct bytes topic, int32_t partition)
{
    int order = bytes_compare(p->topic, topic);

    return order ? order : (p->partition > partition) - (p->partition < partition);
}

/* The first that is not before it. */
static size_t place_of(const struct parts *parts, struct bytes topic, int32_t partition)
{
    size_t low = 0, high = parts->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (compare(&parts->at[mid], topic, partition) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct part *parts_of(struct parts *parts, struct bytes topic, int32_t partition)
{
    size_t i = place_of(parts, topic, partition);

    if (i < parts->count && compare(&parts->at[i], topic, partition) == 0)
        return &parts->at[i];
    if (parts->count == parts->cap) {
        parts->cap = parts->cap ? parts->cap * 2 : 64;
        parts->at = xrealloc(parts->at, parts->cap * sizeof(*parts->at));
    }
    memmove(&parts->at[i + 1], &parts->at[i], (parts->count - i) * sizeof(*parts->at));
    parts->count++;
    parts->at[i] = (struct part){
        .topic = topic, .partition = partition, .leader = -1, .start = -1, .end = -1, .committed = -1, .at = -1};
    return &parts->at[i];
}

/* ---- by name ---- */

static const struct kafka_metadata_res_topic *topic_of(const struct kafka_metadata_res *m, struct bytes name)
{
    for (int32_t i = 0; i < m->topics.count; i++)
        if (bytes_equal(m->topics.at[i].name, name) && !m->topics.at[i].error_code)
            return &m->topics.at[i];
    return NULL;
}

static bool select_one(struct parts *parts, const struct kafka_metadata_res *m, const char *option,
                       struct bytes name)
{
    size_t colon = bytes_find(name, ':', 0);
    struct bytes topic = bytes_head(name, colon);
    int64_t partition = -1;
    const struct kafka_metadata_res_topic *t = topic_of(m, topic);

    if (colon < name.len && (!bytes_to_i64(bytes_skip(name, colon + 1), &partition) || partition < 0)) {
        fail_user("%s: '%.*s' is neither a topic nor TOPIC:PARTITION", option, BYTES_FMT(name));
        return false;
    }
    if (!t) {
        fail_user("%s: there is no topic '%.*s'; see quickwater topic list", option, BYTES_FMT(topic));
        return false;
    }
    if (partition >= t->partitions.count) {
        fail_user("%s: topic '%.*s' has no partition %lld; it has 0 to %d", option, BYTES_FMT(topic),
                  (long long)partition, t->partitions.count - 1);
        return false;
    }
    for (int32_t i = 0; i < t->partitions.count; i++)
        if (partition < 0 || t->partitions.at[i].partition_index == partition)
            parts_of(parts, t->name, t->partitions.at[i].partition_index);
    return true;
}

bool parts_select(struct parts *parts, struct kafka_client *client, const char *option, const char *names)
{
    const struct kafka_metadata_res *m = kafka_client_metadata(client, true, NULL);
    struct bytes rest = bytes_str(names);
    bool ok = m != NULL;

    while (ok && rest.len) {
        size_t comma = bytes_find(rest, ',', 0);
        ok = select_one(parts, m, option, bytes_head(rest, comma));
        rest = bytes_skip(rest, comma + (comma < rest.len));
    }
    if (ok && parts->count == 0) {
        fail_user("%s names no topic; 'a,b:0' is all of a and the first partition of b", option);
        ok = false;
    }
    return ok;
}

/* ---- what a group has ---- */

static void take_commit(struct parts *parts, struct bytes topic, int32_t partition, int64_t offset,
                        struct bytes metadata)
{
    struct part *p = parts_of(parts, topic, partition);

    p->committed = offset;
    p->metadata = metadata;
}

/* Versions before 8 have one group's topics at the top. */
static void take_old(struct parts *parts, const struct kafka_offset_fetch_res *res)
{
    for (int32_t t = 0; t < res->topics.count; t++)
        for (int32_t i = 0; i < res->topics.at[t].partitions.count; i++) {
            const struct kafka_offset_fetch_res_partition *p = &res->topics.at[t].partitions.at[i];
            if (!p->error_code && p->committed_offset >= 0)
                take_commit(parts, res->topics.at[t].name, p->partition_index, p->committed_offset, p->metadata);
        }
}

static void take_new(struct parts *parts, const struct kafka_offset_fetch_res_group *g)
{
    for (int32_t t = 0; t < g->topics.count; t++)
        for (int32_t i = 0; i < g->topics.at[t].partitions.count; i++) {
            const struct kafka_offset_fetch_res_group_partition *p = &g->topics.at[t].partitions.at[i];
            if (!p->error_code && p->committed_offset >= 0)
                take_commit(parts, g->topics.at[t].name, p->partition_index, p->committed_offset, p->metadata);
        }
}

bool parts_commits(struct parts *parts, struct kafka_client *client, int32_t coordinator, struct bytes group)
{
    struct kafka_offset_fetch_req_group one;
    struct kafka_offset_fetch_req req;

    kafka_offset_fetch_req_init(&req);
    kafka_init(&kafka_offset_fetch_req_group_type, &one);
    req.group_id = one.group_id = group;
    req.topics.count = one.topics.count = -1; /* all */
    req.groups.at = &one;
    req.groups.count = 1;
    const struct kafka_offset_fetch_res *res = kafka_client_ask(client, coordinator, KAFKA_OFFSET_FETCH, &req);
    if (!res)
        return false;
    const struct kafka_offset_fetch_res_group *g = res->groups.count == 1 ? res->groups.at : NULL;
    int16_t code = g ? g->error_code : res->error_code;
    if (code && code != KAFKA_ERR_GROUP_ID_NOT_FOUND) {
        kafka_fail(code, BYTES_NONE, "the offsets of group '%.*s' are not told", BYTES_FMT(group));
        return false;
    }
    if (g)
        take_new(parts, g);
    else
        take_old(parts, res);
    return true;
}

/* ---- where they begin and end ---- */

bool parts_leaders(struct parts *parts, struct kafka_client *client)
{
    const struct kafka_metadata_res *m = kafka_client_metadata(client, true, NULL);

    for (size_t i = 0; m && i < parts->count; i++) {
        struct part *p = &parts->at[i];
        const struct kafka_metadata_res_topic *t = topic_of(m, p->topic);
        p->leader = -1;
        for (int32_t k = 0; t && k < t->partitions.count; k++)
            if (t->partitions.at[k].partition_index == p->partition)
                p->leader = t->partitions.at[k].leader_id;
    }
    return m != NULL;
}

/* The parts of one leader as a request: those of a topic are together, for they are in order. */
static void fill(const struct parts *parts, struct kafka_client *client, int32_t leader, int64_t time_ms,
                 struct kafka_list_offsets_req *req)
{
    struct arena *arena = kafka_client_arena(client);
    struct kafka_list_offsets_req_topic *topic = NULL;

    kafka_list_offsets_req_init(req);
    req->replica_id = -1;
    req->timeout_ms = KAFKA_ANSWER_MS_MAX;
    req->topics.at = kafka_list_offsets_req_topic_new(arena, (int32_t)parts->count);
    for (size_t i = 0; i < parts->count; i++) {
        const struct part *p = &parts->at[i];
        if (p->leader != leader)
            continue;
        if (!topic || !bytes_equal(topic->name, p->topic)) {
            topic = &req->topics.at[req->topics.count++];
            topic->name = p->topic;
            topic->partitions.at = kafka_list_offsets_req_partition_new(arena, (int32_t)(parts->count - i));
        }
        struct kafka_list_offsets_req_partition *out = &topic->partitions.at[topic->partitions.count++];
        out->partition_index = p->partition;
        out->timestamp = time_ms;
    }
}

static void take(struct parts *parts, const struct kafka_list_offsets_res *res, size_t field)
{
    for (int32_t t = 0; t < res->topics.count; t++)
        for (int32_t i = 0; i < res->topics.at[t].partitions.count; i++) {
            const struct kafka_list_offsets_res_partition *got = &res->topics.at[t].partitions.at[i];
            size_t at = place_of(parts, res->topics.at[t].name, got->partition_index);
            bool asked =
                at < parts->count && compare(&parts->at[at], res->topics.at[t].name, got->partition_index) == 0;
            if (!asked)
                continue;
            int64_t offset = got->error_code                    ? -1
                             : got->old_style_offsets.count > 0 ? got->old_style_offsets.at[0]
                                                                : got->offset;
            *(int64_t *)(void *)((char *)&parts->at[at] + field) = offset;
        }
}

static bool look_up(struct parts *parts, struct kafka_client *client, int64_t time_ms, size_t field)
{
    for (size_t i = 0; i < parts->count; i++) {
        int32_t leader = parts->at[i].leader;
        bool done = leader < 0;
        for (size_t k = 0; k < i && !done; k++)
            done = parts->at[k].leader == leader;
        if (done)
            continue;
        struct kafka_list_offsets_req req;
        fill(parts, client, leader, time_ms, &req);
        const struct kafka_list_offsets_res *res = kafka_client_ask(client, leader, KAFKA_LIST_OFFSETS, &req);
        if (!res)
            return false;
        take(parts, res, field);
    }
    return true;
}

bool parts_ends(struct parts *parts, struct kafka_client *client)
{
    return look_up(parts, client, PARTS_TIME_EARLIEST, offsetof(struct part, start)) &&
           look_up(parts, client, PARTS_TIME_LATEST, offsetof(struct part, end));
}

bool parts_at_time(struct parts *parts, struct kafka_client *client, int64_t time_ms)
{
    return look_up(parts, client, time_ms, offsetof(struct part, at));
}
