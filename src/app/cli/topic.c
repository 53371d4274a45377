/* quickwater topic: topics of a running server, or of any Kafka cluster. */
#include "app/cli/topic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/commands.h"
#include "app/cli/parts.h"
#include "app/cli/rows.h"
#include "base/check.h"

enum { RESOURCE_TOPIC = 2, SOURCE_TOPIC = 1, CHANGE_MS_MAX = 10000 }; /* Kafka's numbers */

static const struct row_column list_columns[] = {{"TOPIC", "topic"}, {"PARTITIONS", "partitions"}, {0}};
static const struct row_column part_columns[] = {
    {"TOPIC", "topic"}, {"PARTITION", "partition"}, {"START", "start"}, {"END", "end"}, {0}};

int topic_missing(const char *name)
{
    return fail_user("there is no topic '%s'; see quickwater topic list", name);
}

static int by_name(const void *a, const void *b)
{
    return bytes_compare(((const struct kafka_metadata_res_topic *)a)->name,
                         ((const struct kafka_metadata_res_topic *)b)->name);
}

static int list(const struct topic_args *args, struct kafka_client *client, const char *unused)
{
    const struct kafka_metadata_res *m = kafka_client_metadata(client, true, NULL);

    (void)unused;
    if (!m)
        return kafka_client_code(client);
    json_t *rows = json_array();
    qsort(m->topics.at, m->topics.count > 0 ? (size_t)m->topics.count : 0, sizeof(*m->topics.at), by_name);
    for (int32_t i = 0; i < m->topics.count; i++)
        json_array_append_new(rows, json_pack("{s:o, s:i}", "topic", rows_text(m->topics.at[i].name), "partitions",
                                              m->topics.at[i].partitions.count));
    if (args->json)
        rows_json(rows);
    else
        rows_print(rows, list_columns);
    json_decref(rows);
    return 0;
}

/* ---- describe ---- */

static json_t *describe_parts(const struct parts *parts)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < parts->count; i++)
        json_array_append_new(rows, json_pack("{s:o, s:i, s:I, s:I}", "topic", rows_text(parts->at[i].topic),
                                              "partition", parts->at[i].partition, "start",
                                              (json_int_t)parts->at[i].start, "end", (json_int_t)parts->at[i].end));
    return rows;
}

/* The settings that are not the defaults; NULL after saying why not. */
static json_t *describe_settings(struct kafka_client *client, const char *name)
{
    struct kafka_describe_configs_req_resource resource;
    struct kafka_describe_configs_req req;

    kafka_describe_configs_req_init(&req);
    kafka_init(&kafka_describe_configs_req_resource_type, &resource);
    resource.resource_type = RESOURCE_TOPIC;
    resource.resource_name = bytes_str(name);
    resource.configuration_keys.count = -1; /* all */
    req.resources.at = &resource;
    req.resources.count = 1;
    const struct kafka_describe_configs_res *res =
        kafka_client_ask(client, KAFKA_NODE_ANY, KAFKA_DESCRIBE_CONFIGS, &req);
    if (!res)
        return NULL;
    if (res->results.count != 1 || res->results.at[0].error_code) {
        kafka_fail(res->results.count == 1 ? res->results.at[0].error_code
                                           : (int16_t)KAFKA_ERR_UNKNOWN_SERVER_ERROR,
                   res->results.count == 1 ? res->results.at[0].error_message : BYTES_NONE,
                   "the settings of '%s' are not told", name);
        return NULL;
    }
    json_t *out = json_object();
    for (int32_t i = 0; i < res->results.at[0].configs.count; i++) {
        const struct kafka_describe_configs_res_config *c = &res->results.at[0].configs.at[i];
        if (c->config_source == SOURCE_TOPIC && c->value.ptr)
            json_object_setn_new(out, (const char *)c->name.ptr, c->name.len, rows_text(c->value));
    }
    return out;
}

static void show_described(const struct topic_args *args, const char *name, const struct parts *parts,
                           json_t *settings)
{
    json_t *rows = describe_parts(parts), *value;
    const char *key;

    if (args->json) {
        json_t *whole = json_pack("{s:s, s:O, s:O}", "topic", name, "partitions", rows, "settings", settings);
        rows_json(whole);
        json_decref(whole);
    } else {
        rows_print(rows, part_columns);
        json_object_foreach(settings, key, value)
        {
            print_safely(stdout, key);
            putchar('=');
            print_safely(stdout, json_string_value(value));
            putchar('\n');
        }
    }
    json_decref(rows);
}

static int describe(const struct topic_args *args, struct kafka_client *client, const char *name)
{
    struct parts parts = {0};
    int code = EXIT_USER;

    if (strpbrk(name, ",:"))
        return topic_missing(name); /* no topic has such a name */
    if (parts_select(&parts, client, "topic describe", name) && parts_leaders(&parts, client) &&
        parts_ends(&parts, client)) {
        json_t *settings = describe_settings(client, name);
        if (settings) {
            show_described(args, name, &parts, settings);
            json_decref(settings);
            code = 0;
        }
    }
    parts_deinit(&parts);
    return code;
}

/* ---- changes ---- */

/* The configs of "a=b,c=d"; what follows a comma without a '=' belongs to the value before it, as in
 * "cleanup.policy=compact,delete". False after saying what is wrong. */
static bool read_configs(struct arena *arena, const char *config, struct kafka_create_topics_req_topic *topic)
{
    struct bytes rest = bytes_str(config);
    size_t commas = 1;

    for (const char *c = config; *c; c++)
        commas += *c == ',';
    topic->configs.at = kafka_create_topics_req_config_new(arena, (int32_t)commas);
    while (rest.len) {
        size_t comma = bytes_find(rest, ',', 0);
        struct bytes pair = bytes_head(rest, comma);
        size_t equals = bytes_find(pair, '=', 0);
        rest = bytes_skip(rest, comma + (comma < rest.len));
        if (equals < pair.len && equals > 0) {
            struct kafka_create_topics_req_config *c = &topic->configs.at[topic->configs.count++];
            c->name = bytes_head(pair, equals);
            c->value = bytes_skip(pair, equals + 1);
        } else if (topic->configs.count && equals == pair.len) {
            struct kafka_create_topics_req_config *c = &topic->configs.at[topic->configs.count - 1];
            c->value = bytes_of(c->value.ptr, (size_t)(pair.ptr + pair.len - c->value.ptr));
        } else {
            fail_user("--config: '%.*s' is not NAME=VALUE", BYTES_FMT(pair));
            return false;
        }
    }
    return true;
}

static int create(const struct topic_args *args, struct kafka_client *client, const char *name)
{
    struct kafka_create_topics_req_topic topic;
    struct kafka_create_topics_req req;

    if (args->partitions > INT32_MAX)
        return fail_user("--partitions: %lld is more than a topic can have", (long long)args->partitions);
    kafka_create_topics_req_init(&req);
    kafka_init(&kafka_create_topics_req_topic_type, &topic);
    topic.name = bytes_str(name);
    topic.num_partitions = args->partitions ? (int32_t)args->partitions : 1;
    topic.replication_factor = -1; /* the cluster's */
    if (args->config && !read_configs(kafka_client_arena(client), args->config, &topic))
        return EXIT_USER;
    req.topics.at = &topic;
    req.topics.count = 1;
    req.timeout_ms = CHANGE_MS_MAX;
    const struct kafka_create_topics_res *res = kafka_client_ask(client, KAFKA_NODE_ANY, KAFKA_CREATE_TOPICS, &req);
    if (!res)
        return kafka_client_code(client);
    if (res->topics.count == 1 && res->topics.at[0].error_code)
        return kafka_fail(res->topics.at[0].error_code, res->topics.at[0].error_message,
                          "topic '%s' is not created", name);
    return 0;
}

/* More partitions: the jobs that read the topic follow. */
static int alter(const struct topic_args *args, struct kafka_client *client, const char *name)
{
    struct kafka_create_partitions_req_topic topic;
    struct kafka_create_partitions_req req;

    if (args->partitions < 1 || args->partitions > INT32_MAX)
        return fail_user("topic alter needs the number of partitions that the topic is to have: "
                         "quickwater topic alter %s --partitions N",
                         name);
    kafka_create_partitions_req_init(&req);
    kafka_init(&kafka_create_partitions_req_topic_type, &topic);
    topic.name = bytes_str(name);
    topic.count = (int32_t)args->partitions;
    topic.assignments.count = -1; /* the server's choice */
    req.topics.at = &topic;
    req.topics.count = 1;
    req.timeout_ms = CHANGE_MS_MAX;
    const struct kafka_create_partitions_res *res =
        kafka_client_ask(client, KAFKA_NODE_ANY, KAFKA_CREATE_PARTITIONS, &req);
    if (!res)
        return kafka_client_code(client);
    if (res->results.count == 1 && res->results.at[0].error_code)
        return kafka_fail(res->results.at[0].error_code, res->results.at[0].error_message,
                          "topic '%s' is not altered", name);
    return 0;
}

static int delete (const struct topic_args *args, struct kafka_client *client, const char *name)
{
    struct kafka_delete_topics_req_topic topic;
    struct kafka_delete_topics_req req;

    (void)args;
    kafka_delete_topics_req_init(&req);
    kafka_init(&kafka_delete_topics_req_topic_type, &topic);
    struct bytes text = topic.name = bytes_str(name);
    req.topics.at = &topic;
    req.topic_names.at = &text;
    req.topics.count = req.topic_names.count = 1;
    req.timeout_ms = CHANGE_MS_MAX;
    const struct kafka_delete_topics_res *res = kafka_client_ask(client, KAFKA_NODE_ANY, KAFKA_DELETE_TOPICS, &req);
    if (!res)
        return kafka_client_code(client);
    if (res->responses.count != 1 || !res->responses.at[0].error_code)
        return 0;
    int16_t code = res->responses.at[0].error_code;
    struct bytes message = res->responses.at[0].error_message;
    if (code == KAFKA_ERR_UNKNOWN_TOPIC_OR_PARTITION)
        return topic_missing(name);
    return kafka_fail(code, message, "topic '%s' is not deleted", name);
}

static void say_names(struct kafka_client *client, void (*say)(void *context, struct bytes name), void *context)
{
    const struct kafka_metadata_res *m = kafka_client_metadata(client, true, NULL);

    for (int32_t i = 0; m && i < m->topics.count; i++)
        say(context, m->topics.at[i].name);
}

/* ---- the command ---- */

static const struct {
    const char *name;
    int (*run)(const struct topic_args *args, struct kafka_client *client, const char *topic);
    int (*run_records)(const struct topic_args *args, const char *topic); /* with a client of its own */
} actions[] = {{"list", list, NULL},
               {"create", create, NULL},
               {"alter", alter, NULL},
               {"delete", delete, NULL},
               {"describe", describe, NULL},
               {"produce", NULL, topic_produce},
               {"consume", NULL, topic_consume}};

static int run_one(const struct topic_args *args, size_t i, const char *topic)
{
    if (actions[i].run_records)
        return actions[i].run_records(args, topic);
    struct kafka_client *client = kafka_client_open(&args->link);
    if (!client)
        return EXIT_USER;
    int code = actions[i].run(args, client, topic);
    kafka_client_close(client);
    return code;
}

static int run_action(const struct topic_args *args, int count, char **argv)
{
    const char *action = count ? argv[1] : "list";

    for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
        if (strcmp(action, actions[i].name) != 0)
            continue;
        if (actions[i].run == list)
            return count < 2 ? run_one(args, i, NULL) : fail_user("topic list takes no argument '%s'", argv[2]);
        return count == 2 ? run_one(args, i, argv[2])
                          : fail_user("topic %s needs one topic: quickwater topic %s T", action, action);
    }
    return fail_user("topic: there is no '%s'; one of list, create, alter, delete, describe, produce, consume",
                     action);
}

static int run(const struct command *self, int argc, char **argv)
{
    struct topic_args topic = {.offset = -1, .partition = -1};
    const struct arg args[] = {
        KAFKA_LINK_ARGS(&topic.link),
        {"--partitions", "N", "create: partitions (default 1); alter: how many there are to be", ARG_NUMBER,
         &topic.partitions},
        {"--config", "A=B,…", "create: settings of the topic, as Kafka names them", ARG_TEXT, &topic.config},
        {"--key", "TEXT", "produce: the key of all records", ARG_TEXT, &topic.key},
        {"--key-separator", "TEXT", "produce: each line is key, separator, value", ARG_TEXT, &topic.key_separator},
        {"--partition", "P", "produce, consume: only this one", ARG_NUMBER, &topic.partition},
        {"--offset", "N", "consume: from here on (default: the start)", ARG_NUMBER, &topic.offset},
        {"--count", "N", "consume: at most so many", ARG_NUMBER, &topic.count},
        {"--follow", NULL, "consume: wait for more; starts at the end unless --from-start", ARG_FLAG,
         &topic.follow},
        {"--from-start", NULL, "consume: with --follow, from the start", ARG_FLAG, &topic.from_start},
        {"--json", NULL, "list, describe: as JSON", ARG_FLAG, &topic.json},
        {0}};
    int count = args_parse(self, args, argc, argv);

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    int code = kafka_link_settle(&topic.link);
    if (code == 0)
        code = run_action(&topic, count, argv);
    kafka_link_forget(&topic.link);
    return code;
}

const struct command command_topic = {
    .name = "topic",
    .usage = "list | create T | alter T --partitions N | delete T | describe T | produce T | consume T",
    .help = "topics of a running server, or of any Kafka cluster",
    .more = "alter gives a topic more partitions: jobs that read it read them too, from their start.\n"
            "describe shows partitions with their offsets, and the settings that are not the defaults.\n"
            "produce reads a record a line from standard input; consume prints key, tab and value and\n"
            "ends at the end of the topic unless --follow.",
    .actions = "list create alter delete describe produce consume",
    .names = say_names,
    .run = run,
};
