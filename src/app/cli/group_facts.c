/* What a group is: asked as one of KIP-848's first, and where it is none, as a classic one. */
#include "app/cli/group.h"
#include "base/check.h"
#include "wire/kafka/members.h"

void group_forget(struct group_facts *facts)
{
    json_decref(facts->members);
    parts_deinit(&facts->parts);
}

int group_missing(const char *name)
{
    return fail_user("there is no group '%s'; see quickwater group list", name);
}

/* A member's partitions, as they are read from its assignment. */
struct reading {
    struct group_facts *facts;
    struct bytes member;
    json_t *list;
};

static void reads(void *context, struct bytes topic, int32_t partition)
{
    struct reading *r = context;
    char number[16];
    struct buf text;

    parts_of(&r->facts->parts, topic, partition)->member = r->member;
    snprintf(number, sizeof(number), ":%d", partition);
    buf_init(&text, 0);
    buf_bytes(&text, topic);
    buf_str(&text, number);
    json_array_append_new(r->list, rows_text(buf_view(&text)));
    buf_deinit(&text);
}

static json_t *add_member(struct group_facts *facts, struct bytes id, struct bytes instance, struct bytes client,
                          struct bytes host)
{
    json_t *list = json_array();
    json_t *row = json_pack("{s:o, s:o, s:o, s:o, s:o}", "member", rows_text(id), "instance", rows_text(instance),
                            "client", rows_text(client), "host", rows_text(host), "partitions", list);

    CHECK(row != NULL);
    json_array_append_new(facts->members, row);
    return list;
}

static void take_consumer_member(struct group_facts *facts,
                                 const struct kafka_consumer_group_describe_res_member *m)
{
    struct reading r = {facts, m->member_id,
                        add_member(facts, m->member_id, m->instance_id, m->client_id, m->client_host)};

    for (int32_t t = 0; t < m->assignment.topic_partitions.count; t++) {
        const struct kafka_consumer_group_describe_res_topic_partitions *tp = &m->assignment.topic_partitions.at[t];
        for (int32_t p = 0; p < tp->partitions.count; p++)
            reads(&r, tp->topic_name, tp->partitions.at[p]);
    }
}

/* *is: it is a group of that kind. */
static bool look_as_consumers(struct kafka_client *client, struct bytes name, struct group_facts *out, bool *is)
{
    struct kafka_consumer_group_describe_req req;

    *is = false;
    if (!kafka_client_speaks(client, out->coordinator, KAFKA_CONSUMER_GROUP_DESCRIBE))
        return true;
    kafka_consumer_group_describe_req_init(&req);
    req.group_ids.at = &name;
    req.group_ids.count = 1;
    const struct kafka_consumer_group_describe_res *res =
        kafka_client_ask(client, out->coordinator, KAFKA_CONSUMER_GROUP_DESCRIBE, &req);
    if (!res)
        return false;
    if (res->groups.count != 1 || res->groups.at[0].error_code)
        return true; /* what it is, the other question tells */
    const struct kafka_consumer_group_describe_res_group *g = &res->groups.at[0];
    *is = out->there = true;
    out->type = "consumer";
    out->state = g->group_state;
    out->protocol = g->assignor_name;
    for (int32_t i = 0; i < g->members.count; i++)
        take_consumer_member(out, &g->members.at[i]);
    return true;
}

static bool look_as_classic(struct kafka_client *client, struct bytes name, struct group_facts *out)
{
    struct kafka_describe_groups_req req;

    kafka_describe_groups_req_init(&req);
    req.groups.at = &name;
    req.groups.count = 1;
    const struct kafka_describe_groups_res *res =
        kafka_client_ask(client, out->coordinator, KAFKA_DESCRIBE_GROUPS, &req);
    if (!res || res->groups.count != 1)
        return false;
    const struct kafka_describe_groups_res_group *g = &res->groups.at[0];
    if (g->error_code && g->error_code != KAFKA_ERR_GROUP_ID_NOT_FOUND) {
        kafka_fail(g->error_code, g->error_message, "group '%.*s' is not described", BYTES_FMT(name));
        return false;
    }
    out->type = "classic";
    out->there = !g->error_code && !bytes_is(g->group_state, "Dead");
    out->state = out->there ? g->group_state : BYTES_LITERAL("Empty");
    out->protocol = g->protocol_data;
    for (int32_t i = 0; i < g->members.count; i++) {
        const struct kafka_describe_groups_res_member *m = &g->members.at[i];
        struct reading r = {out, m->member_id,
                            add_member(out, m->member_id, m->group_instance_id, m->client_id, m->client_host)};
        if (bytes_is(g->protocol_type, "consumer")) /* others have their own form */
            (void)assignment_read(m->member_assignment, reads, &r);
    }
    return true;
}

bool group_look(struct kafka_client *client, const char *name, struct group_facts *out)
{
    struct bytes id = bytes_str(name);
    bool consumers;

    *out = (struct group_facts){.members = json_array()};
    if (!kafka_client_coordinator(client, KAFKA_COORDINATOR_GROUP, id, &out->coordinator) ||
        !look_as_consumers(client, id, out, &consumers) || (!consumers && !look_as_classic(client, id, out)) ||
        !parts_commits(&out->parts, client, out->coordinator, id))
        return false;
    out->there = out->there || out->parts.count > 0;
    return true;
}
