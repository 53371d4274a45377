/* The records of a topic, in and out: librdkafka does the work. */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/topic.h"

enum { TIMEOUT_MS = 10000 };

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static rd_kafka_t *open_client(rd_kafka_type_t type, rd_kafka_conf_t *conf, const struct topic_args *args)
{
    char error[256];

    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    kafka_link_conf(&args->link, conf);
    rd_kafka_t *client = rd_kafka_new(type, conf, error, sizeof(error));
    if (!client) {
        rd_kafka_conf_destroy(conf);
        fail_ours("%s", error);
    }
    return client;
}

static int fail_kafka(const struct topic_args *args, rd_kafka_resp_err_t error, const char *detail)
{
    if (error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__TIMED_OUT ||
        error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return fail_user("no server answers at %s\n  start one with 'quickwater serve', or name "
                         "another with --kafka",
                         args->link.servers);
    return fail_user("%s", detail && detail[0] ? detail : rd_kafka_err2str(error));
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    (void)opaque;
    if (message->err && *(int *)message->_private == 0)
        *(int *)message->_private = fail_user("a record was not accepted: %s", rd_kafka_err2str(message->err));
}

static rd_kafka_t *open_producer(const struct topic_args *args)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    rd_kafka_conf_set(conf, "enable.idempotence", "true", NULL, 0);
    rd_kafka_conf_set(conf, "message.timeout.ms", "15000", NULL, 0);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    return open_client(RD_KAFKA_PRODUCER, conf, args);
}

/* A record a line of standard input; with --key-separator the key stands before it. */
int topic_produce(const struct topic_args *args, const char *name)
{
    rd_kafka_t *client = open_producer(args);
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    int code = 0;

    if (!client)
        return EXIT_OURS;
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
        while (rd_kafka_producev(client, RD_KAFKA_V_TOPIC(name), RD_KAFKA_V_PARTITION((int32_t)args->partition),
                                 RD_KAFKA_V_KEY(key, key ? strlen(key) : 0),
                                 RD_KAFKA_V_VALUE(value, (size_t)(line + len - value)),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(&code),
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

static rd_kafka_t *open_consumer(const struct topic_args *args)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    rd_kafka_conf_set(conf, "group.id", "quickwater-topic", NULL, 0); /* never joined */
    rd_kafka_conf_set(conf, "enable.auto.commit", "false", NULL, 0);
    rd_kafka_conf_set(conf, "enable.partition.eof", "true", NULL, 0);
    return open_client(RD_KAFKA_CONSUMER, conf, args);
}

/* Metadata that has the topic; NULL after saying why not. */
static const struct rd_kafka_metadata *metadata(rd_kafka_t *client, const struct topic_args *args, const char *name,
                                                int *code)
{
    const struct rd_kafka_metadata *meta = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(client, 1, NULL, &meta, TIMEOUT_MS);

    if (error) {
        *code = fail_kafka(args, error, NULL);
        return NULL;
    }
    for (int i = 0; i < meta->topic_cnt; i++)
        if (strcmp(meta->topics[i].topic, name) == 0)
            return meta;
    *code = topic_missing(name);
    rd_kafka_metadata_destroy(meta);
    return NULL;
}

/* Every partition from the start (or an offset) on, in the order in which they come. */
static bool assign_all(rd_kafka_t *client, const struct topic_args *args, const char *name, int *partitions,
                       int *code)
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
            rd_kafka_topic_partition_list_add(list, name, p)->offset = args->offset >= 0 ? args->offset
                                                                       : args->from_start || !args->follow
                                                                           ? RD_KAFKA_OFFSET_BEGINNING
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

int topic_consume(const struct topic_args *args, const char *name)
{
    rd_kafka_t *client = open_consumer(args);
    int partitions, ended = 0, code = 0;
    int64_t given = 0;

    if (!client)
        return EXIT_OURS;
    rd_kafka_poll_set_consumer(client);
    if (!assign_all(client, args, name, &partitions, &code)) {
        rd_kafka_destroy(client);
        return code;
    }
    while (!stopped && (args->follow || ended < partitions) && (args->count == 0 || given < args->count)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 200);
        if (!message)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            ended++;
        } else if (message->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) {
            /* the library asks for a group's coordinator, though none is joined: that needs no right */
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
