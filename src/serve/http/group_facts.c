#include "serve/http/group_facts.h"

enum { OFFSET_FETCH_VERSION = 8, CLASSIC_VERSION = 6, CONSUMER_VERSION = 1 };

void group_offset_place(struct exchange *x, struct group_offset *o)
{
    struct log_topic *topic = log_topic_find(x->face->log, o->topic);
    struct log_offsets at;

    o->start = o->end = -1;
    if (!topic || o->partition < 0 || (uint32_t)o->partition >= log_topic_info(topic)->partitions)
        return;
    log_offsets(log_partition_of(topic, (uint32_t)o->partition), &at);
    o->start = at.start;
    o->end = at.durable;
}

int64_t group_offset_lag(const struct group_offset *o)
{
    if (o->offset < 0 || o->end < 0)
        return -1;
    return o->end > o->offset ? o->end - o->offset : 0;
}

enum kafka_error group_offsets(struct exchange *x, struct bytes group, struct group_offset **out, uint32_t *count)
{
    struct kafka_offset_fetch_req_group asked = {.group_id = group, .member_epoch = -1, .topics = {.count = -1}};
    const struct kafka_offset_fetch_req req = {.groups = {.at = &asked, .count = 1}};
    struct kafka_ask ask;
    const struct kafka_offset_fetch_res *res =
        broker_look(x, KAFKA_OFFSET_FETCH, OFFSET_FETCH_VERSION, &req, &ask);
    const struct kafka_offset_fetch_res_group *g = &res->groups.at[0];
    enum kafka_error error = g->error_code;
    size_t all = 0;

    *count = 0;
    for (int32_t t = 0; t < g->topics.count; t++)
        all += (size_t)g->topics.at[t].partitions.count;
    *out = arena_alloc(&x->arena, (all + 1) * sizeof **out);
    for (int32_t t = 0; t < g->topics.count; t++) {
        struct bytes topic = arena_copy(&x->arena, g->topics.at[t].name);
        for (int32_t i = 0; i < g->topics.at[t].partitions.count; i++) {
            const struct kafka_offset_fetch_res_group_partition *p = &g->topics.at[t].partitions.at[i];
            struct group_offset *o = &(*out)[(*count)++];
            *o = (struct group_offset){.topic = topic,
                                       .metadata = arena_copy(&x->arena, p->metadata),
                                       .partition = p->partition_index,
                                       .offset = p->committed_offset};
            group_offset_place(x, o);
        }
    }
    kafka_ask_end(&ask);
    return error;
}

void group_describe(struct exchange *x, struct bytes group, struct group_described *out)
{
    const struct kafka_consumer_group_describe_req consumer = {.group_ids = {.at = &group, .count = 1}};
    const struct kafka_describe_groups_req classic = {.groups = {.at = &group, .count = 1}};

    *out = (struct group_described){0};
    const struct kafka_consumer_group_describe_res *new_kind =
        broker_look(x, KAFKA_CONSUMER_GROUP_DESCRIBE, CONSUMER_VERSION, &consumer, &out->ask);
    out->consumer = &new_kind->groups.at[0];
    out->error = out->consumer->error_code;
    if (out->error != KAFKA_ERR_GROUP_ID_NOT_FOUND)
        return;
    out->consumer = NULL;
    kafka_ask_end(&out->ask);
    const struct kafka_describe_groups_res *old_kind =
        broker_look(x, KAFKA_DESCRIBE_GROUPS, CLASSIC_VERSION, &classic, &out->ask);
    out->classic = &old_kind->groups.at[0];
    out->error = out->classic->error_code;
}

struct bytes group_state(const struct group_described *g)
{
    return g->consumer ? g->consumer->group_state : g->classic->group_state;
}

int32_t group_members_count(const struct group_described *g)
{
    return g->consumer ? g->consumer->members.count : g->classic->members.count;
}
