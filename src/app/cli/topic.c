/* quickwater topic: topics of a running server, or of any Kafka cluster: an ordinary client. */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/commands.h"

enum { TIMEOUT_MS = 10000 };

struct topic_args {
    const char *brokers, *key, *key_separator, *config, *format;
    int64_t partitions, offset, count, partition;
    bool from_start, follow;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static rd_kafka_t *open_client(rd_kafka_type_t type, const struct topic_args *args)
{
    char error[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    rd_kafka_conf_set(conf, "bootstrap.servers", args->brokers, NULL, 0);
    rd_kafka_conf_set(conf, "client.id", "quickwater-topic", NULL, 0);
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    if (type == RD_KAFKA_PRODUCER) {
        rd_kafka_conf_set(conf, "enable.idempotence", "true", NULL, 0);
    } else {
        rd_kafka_conf_set(conf, "group.id", "quickwater-topic", NULL, 0);
        rd_kafka_conf_set(conf, "enable.auto.commit", "false", NULL, 0);
        rd_kafka_conf_set(conf, "enable.partition.eof", "true", NULL, 0);
    }
    rd_kafka_t *client = rd_kafka_new(type, conf, error, sizeof(error));
    if (!client)
        fail_ours("%s", error);
    return client;
}

static int fail_kafka(const struct topic_args *args, rd_kafka_resp_err_t error, const char *detail)
{
    if (error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__TIMED_OUT ||
        error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return fail_user("no server answers at %s\n  start one with 'quickwater serve', or name "
                         "another with --kafka",
                         args->brokers);
    if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return fail_user("there is no such topic; see quickwater topic list");
    bool told = detail && detail[0] && strcmp(detail, rd_kafka_err2str(error)) != 0;
    if (error == RD_KAFKA_RESP_ERR_POLICY_VIOLATION && !told) /* a deletion's answer has no room for a reason */
        return fail_user("%s: a job uses the topic; see quickwater job list", rd_kafka_err2str(error));
    return fail_user("%s", detail && detail[0] ? detail : rd_kafka_err2str(error));
}

/* Metadata of one topic (NULL: all); NULL after saying why not. */
static const struct rd_kafka_metadata *metadata(rd_kafka_t *client, const struct topic_args *args,
                                                const char *name, int *code)
{
    const struct rd_kafka_metadata *meta = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(client, 1, NULL, &meta, TIMEOUT_MS);

    if (error) {
        *code = fail_kafka(args, error, NULL);
        return NULL;
    }
    for (int i = 0; name && i < meta->topic_cnt; i++)
        if (strcmp(meta->topics[i].topic, name) == 0)
            return meta;
    if (!name)
        return meta;
    *code = fail_user("there is no topic '%s'; see quickwater topic list", name);
    rd_kafka_metadata_destroy(meta);
    return NULL;
}

static int list(const struct topic_args *args)
{
    rd_kafka_t *client = open_client(RD_KAFKA_PRODUCER, args);
    int code = 0;

    if (!client)
        return EXIT_OURS;
    const struct rd_kafka_metadata *meta = metadata(client, args, NULL, &code);
    if (meta)
        printf("%-40s %10s\n", "TOPIC", "PARTITIONS");
    for (int i = 0; meta && i < meta->topic_cnt; i++)
        printf("%-40s %10d\n", meta->topics[i].topic, meta->topics[i].partition_cnt);
    if (meta)
        rd_kafka_metadata_destroy(meta);
    rd_kafka_destroy(client);
    return code;
}

static void print_partitions(rd_kafka_t *client, const char *name, int partitions)
{
    printf("%-40s %9s %14s %14s\n", "TOPIC", "PARTITION", "START", "END");
    for (int p = 0; p < partitions; p++) {
        int64_t low = -1, high = -1;
        rd_kafka_query_watermark_offsets(client, name, p, &low, &high, TIMEOUT_MS);
        printf("%-40s %9d %14" PRId64 " %14" PRId64 "\n", name, p, low, high);
    }
}

/* The settings that are not the defaults. */
static void print_settings(const rd_kafka_ConfigResource_t *resource)
{
    size_t count;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);

    for (size_t i = 0; i < count; i++)
        if (!rd_kafka_ConfigEntry_is_default(entries[i]) && rd_kafka_ConfigEntry_value(entries[i]))
            printf("%s=%s\n", rd_kafka_ConfigEntry_name(entries[i]), rd_kafka_ConfigEntry_value(entries[i]));
}

static int describe_settings(rd_kafka_t *client, const struct topic_args *args, const char *name)
{
    rd_kafka_ConfigResource_t *asked = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    size_t count = 0;
    int code = 0;

    rd_kafka_DescribeConfigs(client, &asked, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, TIMEOUT_MS);
    if (!event || rd_kafka_event_error(event)) {
        code = fail_kafka(args, event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT, NULL);
    } else {
        const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(event), &count);
        for (size_t i = 0; i < count; i++)
            print_settings(resources[i]);
    }
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ConfigResource_destroy(asked);
    return code;
}

static int describe(const struct topic_args *args, const char *name)
{
    rd_kafka_t *client = open_client(RD_KAFKA_PRODUCER, args);
    int code = 0;

    if (!client)
        return EXIT_OURS;
    const struct rd_kafka_metadata *meta = metadata(client, args, name, &code);
    for (int i = 0; meta && i < meta->topic_cnt; i++)
        if (strcmp(meta->topics[i].topic, name) == 0)
            print_partitions(client, name, meta->topics[i].partition_cnt);
    if (meta) {
        rd_kafka_metadata_destroy(meta);
        code = describe_settings(client, args, name);
    }
    rd_kafka_destroy(client);
    return code;
}

/* Sets the configs of "a=b,c=d"; false after saying what is wrong. */
static bool set_configs(rd_kafka_NewTopic_t *topic, const char *config)
{
    char *copy = strdup(config), *state = NULL;
    bool ok = true;

    for (char *pair = strtok_r(copy, ",", &state); pair; pair = strtok_r(NULL, ",", &state)) {
        char *equals = strchr(pair, '=');
        if (!equals) {
            fail_user("--config: '%s' is not NAME=VALUE", pair);
            ok = false;
            break;
        }
        *equals = 0;
        rd_kafka_NewTopic_set_config(topic, pair, equals + 1);
    }
    free(copy);
    return ok;
}

static const rd_kafka_topic_result_t **admin_results(rd_kafka_event_t *event, size_t *count)
{
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_CREATETOPICS_RESULT:
        return rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event),
                                                   count);
    case RD_KAFKA_EVENT_DELETETOPICS_RESULT:
        return rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event),
                                                   count);
    case RD_KAFKA_EVENT_CREATEPARTITIONS_RESULT:
        return rd_kafka_CreatePartitions_result_topics(
            rd_kafka_event_CreatePartitions_result(event), count);
    default: *count = 0; return NULL;
    }
}

/* The outcome of an admin request on one topic. */
static int admin_outcome(const struct topic_args *args, rd_kafka_queue_t *queue)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, TIMEOUT_MS);
    size_t count = 0;
    int code = 0;

    if (!event)
        return fail_kafka(args, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL);
    if (rd_kafka_event_error(event)) {
        code = fail_kafka(args, rd_kafka_event_error(event), rd_kafka_event_error_string(event));
    } else {
        const rd_kafka_topic_result_t **results = admin_results(event, &count);
        if (count == 1 && rd_kafka_topic_result_error(results[0]))
            code = fail_kafka(args, rd_kafka_topic_result_error(results[0]),
                              rd_kafka_topic_result_error_string(results[0]));
    }
    rd_kafka_event_destroy(event);
    return code;
}

static int create(const struct topic_args *args, const char *name)
{
    char error[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(
        name, args->partitions ? (int)args->partitions : 1, 1, error, sizeof(error));
    int code;

    if (!topic)
        return fail_user("%s", error);
    if (args->config && !set_configs(topic, args->config)) {
        rd_kafka_NewTopic_destroy(topic);
        return EXIT_USER;
    }
    rd_kafka_t *client = open_client(RD_KAFKA_PRODUCER, args);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_CreateTopics(client, &topic, 1, NULL, queue);
    code = admin_outcome(args, queue);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_destroy(client);
    return code;
}

/* More partitions: the jobs that read the topic follow. */
static int alter(const struct topic_args *args, const char *name)
{
    char error[256];

    if (args->partitions < 1 || args->partitions > INT32_MAX)
        return fail_user("topic alter needs the number of partitions that the topic is to have: "
                         "quickwater topic alter %s --partitions N",
                         name);
    rd_kafka_NewPartitions_t *more =
        rd_kafka_NewPartitions_new(name, (size_t)args->partitions, error, sizeof(error));
    if (!more)
        return fail_user("%s", error);
    rd_kafka_t *client = open_client(RD_KAFKA_PRODUCER, args);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_CreatePartitions(client, &more, 1, NULL, queue);
    int code = admin_outcome(args, queue);
    rd_kafka_NewPartitions_destroy(more);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    return code;
}

static int delete(const struct topic_args *args, const char *name)
{
    rd_kafka_t *client = open_client(RD_KAFKA_PRODUCER, args);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);

    rd_kafka_DeleteTopics(client, &topic, 1, NULL, queue);
    int code = admin_outcome(args, queue);
    rd_kafka_DeleteTopic_destroy(topic);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    return code;
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    (void)opaque;
    if (message->err && *(int *)message->_private == 0)
        *(int *)message->_private =
            fail_user("a record was not accepted: %s", rd_kafka_err2str(message->err));
}

static rd_kafka_t *open_line_producer(const struct topic_args *args)
{
    char error[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    rd_kafka_conf_set(conf, "bootstrap.servers", args->brokers, NULL, 0);
    rd_kafka_conf_set(conf, "enable.idempotence", "true", NULL, 0);
    rd_kafka_conf_set(conf, "message.timeout.ms", "15000", NULL, 0);
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    return rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
}

/* A record a line of standard input; with --key-separator the key stands before it. */
static int produce(const struct topic_args *args, const char *name)
{
    rd_kafka_t *client = open_line_producer(args);
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    int code = 0;

    if (!client)
        return fail_ours("no producer could be made");
    while (!stopped && code == 0 && (len = getline(&line, &size, stdin)) > 0) {
        char *value = line, *key = (char *)args->key;
        if (line[len - 1] == '\n')
            line[--len] = 0;
        char *split = args->key_separator ? strstr(line, args->key_separator) : NULL;
        if (split) {
            *split = 0;
            key = line;
            value = split + strlen(args->key_separator);
        }
        while (rd_kafka_producev(client, RD_KAFKA_V_TOPIC(name),
                                 RD_KAFKA_V_PARTITION((int32_t)args->partition),
                                 RD_KAFKA_V_KEY(key, key ? strlen(key) : 0),
                                 RD_KAFKA_V_VALUE(value, (size_t)(line + len - value)),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                 RD_KAFKA_V_OPAQUE(&code),
                                 RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(client, 100);
        rd_kafka_poll(client, 0);
    }
    if (rd_kafka_flush(client, TIMEOUT_MS) && code == 0)
        code = fail_kafka(args, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL);
    free(line);
    rd_kafka_destroy(client);
    return code;
}

static void print_message(const rd_kafka_message_t *message)
{
    if (message->key_len)
        printf("%.*s\t", (int)message->key_len, (const char *)message->key);
    printf("%.*s\n", (int)message->len, message->payload ? (const char *)message->payload : "");
}

/* Every partition from the start (or an offset) on, in the order in which they come. */
static bool assign_all(rd_kafka_t *client, const struct topic_args *args, const char *name,
                       int *partitions, int *code)
{
    const struct rd_kafka_metadata *meta = metadata(client, args, name, code);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);

    *partitions = 0;
    for (int i = 0; meta && i < meta->topic_cnt; i++) {
        if (strcmp(meta->topics[i].topic, name) != 0)
            continue;
        for (int p = 0; p < meta->topics[i].partition_cnt; p++) {
            if (args->partition >= 0 && args->partition != p)
                continue;
            rd_kafka_topic_partition_list_add(list, name, p)->offset =
                args->offset >= 0 ? args->offset
                : args->from_start || !args->follow ? RD_KAFKA_OFFSET_BEGINNING
                                                    : RD_KAFKA_OFFSET_END;
            (*partitions)++;
        }
    }
    if (meta && *partitions == 0)
        *code = fail_user("topic '%s' has no partition %" PRId64 "; see quickwater topic describe %s", name,
                          args->partition, name);
    else
        rd_kafka_assign(client, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (meta)
        rd_kafka_metadata_destroy(meta);
    return *partitions > 0;
}

static int consume(const struct topic_args *args, const char *name)
{
    rd_kafka_t *client = open_client(RD_KAFKA_CONSUMER, args);
    int partitions, ended = 0, code = 0;
    int64_t given = 0;

    if (!client)
        return EXIT_OURS;
    rd_kafka_poll_set_consumer(client);
    if (!assign_all(client, args, name, &partitions, &code)) {
        rd_kafka_destroy(client);
        return code;
    }
    while (!stopped && (args->follow || ended < partitions) &&
           (args->count == 0 || given < args->count)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 200);
        if (!message)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            ended++;
        } else if (message->err) {
            code = fail_kafka(args, message->err, rd_kafka_message_errstr(message));
            ended = partitions;
        } else {
            print_message(message);
            given++;
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return code;
}

static const struct {
    const char *name;
    int (*run)(const struct topic_args *args, const char *topic);
} actions[] = {{"describe", describe}, {"create", create},   {"alter", alter},
               {"delete", delete},     {"produce", produce}, {"consume", consume}};

static int run(const struct command *self, int argc, char **argv)
{
    struct topic_args topic = {.brokers = "127.0.0.1:9092", .offset = -1, .partition = -1};
    const struct arg args[] = {
        {"--kafka", "HOST:PORT", "the server (default 127.0.0.1:9092)", ARG_TEXT, &topic.brokers},
        {"--partitions", "N", "create: partitions (default 1); alter: how many there are to be",
         ARG_NUMBER, &topic.partitions},
        {"--config", "A=B,…", "create: settings of the topic, as Kafka names them", ARG_TEXT,
         &topic.config},
        {"--key", "TEXT", "produce: the key of all records", ARG_TEXT, &topic.key},
        {"--key-separator", "TEXT", "produce: each line is key, separator, value", ARG_TEXT,
         &topic.key_separator},
        {"--partition", "P", "produce, consume: only this one", ARG_NUMBER, &topic.partition},
        {"--offset", "N", "consume: from here on (default: the start)", ARG_NUMBER, &topic.offset},
        {"--count", "N", "consume: at most so many", ARG_NUMBER, &topic.count},
        {"--follow", NULL, "consume: wait for more; starts at the end unless --from-start", ARG_FLAG,
         &topic.follow},
        {"--from-start", NULL, "consume: with --follow, from the start", ARG_FLAG,
         &topic.from_start},
        {0}};
    int count = args_parse(self, args, argc, argv);

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    if (count == 0 || (count == 1 && strcmp(argv[1], "list") == 0))
        return list(&topic);
    for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
        if (strcmp(argv[1], actions[i].name) == 0)
            return count == 2 ? actions[i].run(&topic, argv[2])
                              : fail_user("topic %s needs one topic: quickwater topic %s T", argv[1], argv[1]);
    if (strcmp(argv[1], "list") == 0)
        return fail_user("topic list takes no argument '%s'", argv[2]);
    return fail_user(
        "topic: there is no '%s'; one of list, create, alter, delete, describe, produce, consume",
        argv[1]);
}

const struct command command_topic = {
    .name = "topic",
    .usage =
        "list | create T | alter T --partitions N | delete T | describe T | produce T | consume T",
    .help = "topics of a running server, or of any Kafka cluster",
    .more = "alter gives a topic more partitions: jobs that read it read them too, from their start.\n"
            "describe shows partitions with their offsets, and the settings that are not the defaults.\n"
            "produce reads a record a line from standard input; consume prints key, tab and value and\n"
            "ends at the end of the topic unless --follow.",
    .run = run,
};
