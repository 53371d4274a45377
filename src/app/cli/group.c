/* quickwater group: consumers' groups of a running server, or of any Kafka cluster. */
#include "app/cli/group.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/cli/commands.h"
#include "base/check.h"

static const struct row_column list_columns[] = {
    {"GROUP", "group"}, {"TYPE", "type"}, {"STATE", "state"}, {"PROTOCOL TYPE", "protocol_type"}, {0}};
static const struct row_column group_columns[] = {{"GROUP", "group"},
                                                  {"TYPE", "type"},
                                                  {"STATE", "state"},
                                                  {"ASSIGNOR", "assignor"},
                                                  {"NODE", "node"},
                                                  {"LAG", "lag"},
                                                  {0}};
static const struct row_column member_columns[] = {{"MEMBER", "member"},         {"INSTANCE", "instance"},
                                                   {"CLIENT", "client"},         {"HOST", "host"},
                                                   {"PARTITIONS", "partitions"}, {0}};
static const struct row_column part_columns[] = {
    {"TOPIC", "topic"}, {"PARTITION", "partition"}, {"COMMITTED", "committed"}, {"END", "end"},
    {"LAG", "lag"},     {"MEMBER", "member"},       {"METADATA", "metadata"},   {0}};

/* ---- list ---- */

static bool list_node(struct kafka_client *client, int32_t node, json_t *rows)
{
    struct kafka_list_groups_req req;

    kafka_list_groups_req_init(&req);
    const struct kafka_list_groups_res *res = kafka_client_ask(client, node, KAFKA_LIST_GROUPS, &req);
    if (!res)
        return false;
    if (res->error_code) {
        kafka_fail(res->error_code, BYTES_NONE, "the groups are not listed");
        return false;
    }
    for (int32_t i = 0; i < res->groups.count; i++) {
        const struct kafka_list_groups_res_group *g = &res->groups.at[i];
        json_array_append_new(rows, json_pack("{s:o, s:o, s:o, s:o}", "group", rows_text(g->group_id), "type",
                                              rows_text(g->group_type), "state", rows_text(g->group_state),
                                              "protocol_type", rows_text(g->protocol_type)));
    }
    return true;
}

static bool list_all(struct kafka_client *client, json_t *rows)
{
    const struct kafka_metadata_res *m = kafka_client_metadata(client, false, NULL);
    bool ok = m != NULL;

    for (int32_t i = 0; ok && i < m->brokers.count; i++)
        ok = list_node(client, m->brokers.at[i].node_id, rows);
    return ok;
}

static int list(const struct group_args *args, const char *name)
{
    struct kafka_client *client = kafka_client_open(&args->link);
    json_t *rows = json_array();
    bool ok = client && list_all(client, rows);

    (void)name;
    if (ok && args->json)
        rows_json(rows);
    else if (ok)
        rows_print(rows, list_columns);
    json_decref(rows);
    if (client)
        kafka_client_close(client);
    return ok ? 0 : EXIT_USER;
}

static void say_names(struct kafka_client *client, void (*say)(void *context, struct bytes name), void *context)
{
    json_t *rows = json_array(), *row;
    size_t i;

    (void)list_all(client, rows);
    json_array_foreach(rows, i, row) say(context, bytes_str(json_string_value(json_object_get(row, "group"))));
    json_decref(rows);
}

/* ---- describe ---- */

static json_t *number_or_null(int64_t n)
{
    return n < 0 ? json_null() : json_integer(n);
}

/* How far behind: null where nothing is committed, or the partition is gone. */
static json_t *lag_of(const struct part *p, int64_t *sum)
{
    if (p->committed < 0 || p->end < 0)
        return json_null();
    int64_t lag = p->end > p->committed ? p->end - p->committed : 0;
    *sum += lag;
    return json_integer(lag);
}

static json_t *describe_parts(const struct parts *parts, int64_t *lag)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < parts->count; i++) {
        const struct part *p = &parts->at[i];
        json_array_append_new(rows, json_pack("{s:o, s:i, s:o, s:o, s:o, s:o, s:o}", "topic", rows_text(p->topic),
                                              "partition", p->partition, "committed", number_or_null(p->committed),
                                              "end", number_or_null(p->end), "lag", lag_of(p, lag), "member",
                                              rows_text(p->member), "metadata", rows_text(p->metadata)));
    }
    return rows;
}

static void print_described(const json_t *whole)
{
    json_t *one = json_pack("[O]", whole);

    rows_print(one, group_columns);
    json_decref(one);
    if (json_array_size(json_object_get(whole, "members"))) {
        putchar('\n');
        rows_print(json_object_get(whole, "members"), member_columns);
    }
    if (json_array_size(json_object_get(whole, "offsets"))) {
        putchar('\n');
        rows_print(json_object_get(whole, "offsets"), part_columns);
    }
}

static void show_described(const struct group_args *args, const char *name, const struct group_facts *facts)
{
    int64_t lag = 0;
    json_t *offsets = describe_parts(&facts->parts, &lag);
    json_t *whole =
        json_pack("{s:s, s:s, s:o, s:o, s:i, s:I, s:O, s:o}", "group", name, "type", facts->type, "state",
                  rows_text(facts->state), "assignor", rows_text(facts->protocol), "node", facts->coordinator,
                  "lag", (json_int_t)lag, "members", facts->members, "offsets", offsets);

    CHECK(whole != NULL);
    if (args->json)
        rows_json(whole);
    else
        print_described(whole);
    json_decref(whole);
}

static int describe(const struct group_args *args, const char *name)
{
    struct kafka_client *client = kafka_client_open(&args->link);
    struct group_facts facts;
    int code = EXIT_USER;

    if (!client)
        return code;
    if (group_look(client, name, &facts)) {
        if (!facts.there)
            code = group_missing(name);
        else if (parts_leaders(&facts.parts, client) && parts_ends(&facts.parts, client))
            code = 0;
    }
    if (code == 0)
        show_described(args, name, &facts);
    group_forget(&facts);
    kafka_client_close(client);
    return code;
}

/* ---- delete ---- */

static int delete_at(struct kafka_client *client, int32_t node, const char *name)
{
    struct kafka_delete_groups_req req;
    struct bytes id = bytes_str(name);

    kafka_delete_groups_req_init(&req);
    req.groups_names.at = &id;
    req.groups_names.count = 1;
    const struct kafka_delete_groups_res *res = kafka_client_ask(client, node, KAFKA_DELETE_GROUPS, &req);
    if (!res || res->results.count != 1)
        return EXIT_USER;
    if (res->results.at[0].error_code == KAFKA_ERR_GROUP_ID_NOT_FOUND)
        return group_missing(name);
    if (res->results.at[0].error_code)
        return kafka_fail(res->results.at[0].error_code, BYTES_NONE, "group '%s' is not deleted", name);
    return 0;
}

static int delete (const struct group_args *args, const char *name)
{
    struct kafka_client *client = kafka_client_open(&args->link);
    int32_t node;
    int code = EXIT_USER;

    if (!client)
        return code;
    if (kafka_client_coordinator(client, KAFKA_COORDINATOR_GROUP, bytes_str(name), &node))
        code = delete_at(client, node, name);
    kafka_client_close(client);
    return code;
}

/* The topics of parts as a request's: those of one are together. */
static void fill_deletion(struct kafka_client *client, const struct parts *parts,
                          struct kafka_offset_delete_req *req)
{
    struct arena *arena = kafka_client_arena(client);
    struct kafka_offset_delete_req_topic *topic = NULL;

    req->topics.at = kafka_offset_delete_req_topic_new(arena, (int32_t)parts->count);
    for (size_t i = 0; i < parts->count; i++) {
        if (!topic || !bytes_equal(topic->name, parts->at[i].topic)) {
            topic = &req->topics.at[req->topics.count++];
            topic->name = parts->at[i].topic;
            topic->partitions.at = kafka_offset_delete_req_partition_new(arena, (int32_t)(parts->count - i));
        }
        topic->partitions.at[topic->partitions.count++].partition_index = parts->at[i].partition;
    }
}

static int deletion_outcome(const struct kafka_offset_delete_res *res, const char *name)
{
    if (res->error_code == KAFKA_ERR_GROUP_ID_NOT_FOUND)
        return group_missing(name);
    if (res->error_code)
        return kafka_fail(res->error_code, BYTES_NONE, "the offsets of group '%s' are not deleted", name);
    for (int32_t t = 0; t < res->topics.count; t++)
        for (int32_t i = 0; i < res->topics.at[t].partitions.count; i++) {
            int16_t code = res->topics.at[t].partitions.at[i].error_code;
            struct bytes topic = res->topics.at[t].name;
            if (code == KAFKA_ERR_GROUP_SUBSCRIBED_TO_TOPIC)
                return fail_user("members of group '%s' read topic '%.*s' now; stop them first, quickwater group "
                                 "describe shows them",
                                 name, BYTES_FMT(topic));
            if (code)
                return kafka_fail(code, BYTES_NONE, "the offset of group '%s' in %.*s:%d is not deleted", name,
                                  BYTES_FMT(topic), res->topics.at[t].partitions.at[i].partition_index);
        }
    return 0;
}

static int delete_offsets(const struct group_args *args, const char *name)
{
    struct kafka_offset_delete_req req;
    struct parts parts = {0};
    int32_t node;
    int code = EXIT_USER;

    if (!args->topics)
        return fail_user("group delete-offsets needs --topic T or T:PARTITION, more with commas");
    struct kafka_client *client = kafka_client_open(&args->link);
    if (!client)
        return code;
    kafka_offset_delete_req_init(&req);
    req.group_id = bytes_str(name);
    if (parts_select(&parts, client, "--topic", args->topics) &&
        kafka_client_coordinator(client, KAFKA_COORDINATOR_GROUP, req.group_id, &node)) {
        fill_deletion(client, &parts, &req);
        const struct kafka_offset_delete_res *res = kafka_client_ask(client, node, KAFKA_OFFSET_DELETE, &req);
        code = res ? deletion_outcome(res, name) : kafka_client_code(client);
    }
    parts_deinit(&parts);
    kafka_client_close(client);
    return code;
}

/* ---- the command ---- */

static const struct {
    const char *name;
    int (*run)(const struct group_args *args, const char *group);
} actions[] = {{"list", list},
               {"describe", describe},
               {"reset", group_reset},
               {"delete", delete},
               {"delete-offsets", delete_offsets}};

static int run_action(const struct group_args *args, int count, char **argv)
{
    const char *action = count ? argv[1] : "list";

    for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
        if (strcmp(action, actions[i].name) != 0)
            continue;
        if (actions[i].run == list)
            return count < 2 ? list(args, NULL) : fail_user("group list takes no argument '%s'", argv[2]);
        return count == 2 ? actions[i].run(args, argv[2])
                          : fail_user("group %s needs one group: quickwater group %s G", action, action);
    }
    return fail_user("group: there is no '%s'; one of list, describe, reset, delete, delete-offsets", action);
}

static int run(const struct command *self, int argc, char **argv)
{
    struct group_args group = {0};
    const struct arg args[] = {
        KAFKA_LINK_ARGS(&group.link),
        {"--topic", "T[:P],…", "reset, delete-offsets: these topics, or partitions of them", ARG_TEXT,
         &group.topics},
        {"--all-topics", NULL, "reset: all that the group has committed", ARG_FLAG, &group.all_topics},
        {"--to", "WHERE", "reset: earliest, latest or an offset", ARG_TEXT, &group.to},
        {"--to-time", "TIME", "reset: the first record at or after 2026-01-31T12:00:00Z (or without Z: UTC)",
         ARG_TEXT, &group.to_time},
        {"--shift-by", "N", "reset: so many records on; -N: back", ARG_TEXT, &group.shift_by},
        {"--execute", NULL, "reset: do it; without, it is only shown", ARG_FLAG, &group.execute},
        {"--create", NULL, "reset: a group that is not there yet, too", ARG_FLAG, &group.create},
        {"--json", NULL, "list, describe, reset: as JSON", ARG_FLAG, &group.json},
        {0}};
    int count = args_parse(self, args, argc, argv);

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    int code = kafka_link_settle(&group.link);
    if (code == 0)
        code = run_action(&group, count, argv);
    kafka_link_forget(&group.link);
    return code;
}

const struct command command_group = {
    .name = "group",
    .usage = "list | describe G | reset G … | delete G | delete-offsets G --topic T",
    .help = "consumers' groups: members, lag, offsets",
    .more = "describe shows members with what they read, and how far behind each partition is.\n"
            "reset moves what a group has committed: --to, --to-time or --shift-by, for --topic or\n"
            "--all-topics. It shows the new offsets and, with --execute, commits them. Offsets past the\n"
            "log's ends become those. A group with members is not moved: stop them first.",
    .actions = "list describe reset delete delete-offsets",
    .names = say_names,
    .run = run,
};
