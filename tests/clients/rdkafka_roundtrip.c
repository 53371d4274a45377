/* A real client against the Kafka face: rdkafka_roundtrip HOST:PORT [CASE…]. Uses librdkafka as a
 * program would, and looks at what comes back. Ends in "N passed, N failed". */
#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *bootstrap;
static char why[512];

#define WANT(x, ...) do { if (!(x)) return fail(#x, " " __VA_ARGS__); } while (0)
#define ALSO(call) do { if (!(call)) return 0; } while (0)

static int fail(const char *what, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(const char *what, const char *format, ...)
{
    va_list args;
    int len = snprintf(why, sizeof(why), "%s ", what);

    va_start(args, format);
    vsnprintf(why + len, sizeof(why) - (size_t)len, format, args);
    va_end(args);
    return 0;
}

static const char *unique(const char *prefix)
{
    static char names[32][64];
    static int n;
    char *name = names[n++ % 32];

    snprintf(name, 64, "%s-%lx-%d", prefix, (long)time(NULL), n);
    return name;
}

/* Pairs of configuration, ended by NULL. */
static rd_kafka_t *client(rd_kafka_type_t type, void (*dr)(rd_kafka_t *, const rd_kafka_message_t *,
                                                           void *), ...)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char err[256];
    va_list args;

    va_start(args, dr);
    rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, err, sizeof(err));
    for (const char *k = va_arg(args, const char *); k; k = va_arg(args, const char *)) {
        if (rd_kafka_conf_set(conf, k, va_arg(args, const char *), err, sizeof(err))) {
            fprintf(stderr, "%s\n", err);
            exit(1);
        }
    }
    va_end(args);
    if (dr)
        rd_kafka_conf_set_dr_msg_cb(conf, dr);
    rd_kafka_t *rk = rd_kafka_new(type, conf, err, sizeof(err));
    if (!rk) {
        fprintf(stderr, "%s\n", err);
        exit(1);
    }
    return rk;
}

static int delivered, undelivered;
static rd_kafka_resp_err_t last_error;
static int64_t last_offset;

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk;
    (void)opaque;
    if (m->err) {
        undelivered++;
        last_error = m->err;
    } else {
        delivered++;
        last_offset = m->offset;
    }
}

static int produce(rd_kafka_t *rk, const char *topic, int partition, int count)
{
    delivered = undelivered = 0;
    for (int i = 0; i < count; i++) {
        char key[32], value[64];
        int klen = snprintf(key, sizeof(key), "key-%d", i), vlen = snprintf(value, sizeof(value), "value-%d", i);
        rd_kafka_resp_err_t err = rd_kafka_producev(
            rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_KEY(key, (size_t)klen), RD_KAFKA_V_VALUE(value, (size_t)vlen),
            RD_KAFKA_V_HEADER("n", key, klen), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_END);
        WANT(!err, "%s", rd_kafka_err2str(err));
        if (i % 100 == 0)
            rd_kafka_poll(rk, 0);
    }
    rd_kafka_flush(rk, 30000);
    WANT(delivered == count && !undelivered, "%d delivered, %d not (%s)", delivered, undelivered,
         rd_kafka_err2str(last_error));
    return 1;
}

/* Reads until count messages came or the time is up; how many came. */
static int consume(rd_kafka_t *rk, int count, int seconds)
{
    time_t until = time(NULL) + seconds;
    int got = 0;

    while (got < count && time(NULL) < until) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 200);
        if (m && !m->err)
            got++;
        if (m)
            rd_kafka_message_destroy(m);
    }
    return got;
}

static void subscribe(rd_kafka_t *rk, const char *topic)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
}

static int assigned(rd_kafka_t *rk)
{
    rd_kafka_topic_partition_list_t *list;

    if (rd_kafka_assignment(rk, &list))
        return -1;
    int count = list->cnt;
    rd_kafka_topic_partition_list_destroy(list);
    return count;
}

static rd_kafka_t *consumer(const char *group)
{
    return client(RD_KAFKA_CONSUMER, NULL, "group.id", group, "auto.offset.reset", "earliest",
                  "session.timeout.ms", "6000", "heartbeat.interval.ms", "500",
                  "enable.auto.commit", "false", NULL);
}

/* ---- cases ---- */

static int case_idempotent(void)
{
    const char *topic = unique("idem");
    rd_kafka_t *p = client(RD_KAFKA_PRODUCER, on_delivery, "enable.idempotence", "true",
                           "compression.codec", "lz4", "linger.ms", "5", NULL);
    ALSO(produce(p, topic, RD_KAFKA_PARTITION_UA, 5000));
    rd_kafka_destroy(p);
    rd_kafka_t *c = consumer(unique("g"));
    subscribe(c, topic);
    char seen[5000] = {0};
    time_t until = time(NULL) + 30;
    int got = 0;
    while (got < 5000 && time(NULL) < until) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(c, 200);
        if (m && !m->err) {
            int n = atoi((const char *)m->payload + 6);
            rd_kafka_headers_t *headers;
            const void *value;
            size_t size;
            WANT(n >= 0 && n < 5000 && !seen[n], "record %d twice", n);
            WANT(!rd_kafka_message_headers(m, &headers) &&
                 !rd_kafka_header_get_last(headers, "n", &value, &size) && size == m->key_len &&
                 !memcmp(value, m->key, size));
            seen[n] = 1;
            got++;
        }
        if (m)
            rd_kafka_message_destroy(m);
    }
    WANT(got == 5000, "%d came", got);
    rd_kafka_consumer_close(c);
    rd_kafka_destroy(c);
    return 1;
}

static int case_group_member_dies(void)
{
    const char *topic = unique("grp"), *group = unique("g");
    rd_kafka_t *p = client(RD_KAFKA_PRODUCER, on_delivery, NULL);
    ALSO(produce(p, topic, RD_KAFKA_PARTITION_UA, 400));
    rd_kafka_t *a = consumer(group), *b = consumer(group);
    subscribe(a, topic);
    subscribe(b, topic);
    time_t until = time(NULL) + 40;
    while ((assigned(a) != 2 || assigned(b) != 2) && time(NULL) < until) {
        (void)consume(a, 1, 1);
        (void)consume(b, 1, 1);
    }
    WANT(assigned(a) == 2 && assigned(b) == 2, "%d and %d partitions", assigned(a), assigned(b));
    rd_kafka_destroy_flags(b, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE); /* dies without a word */
    until = time(NULL) + 40;
    while (assigned(a) != 4 && time(NULL) < until)
        (void)consume(a, 1000, 1);
    WANT(assigned(a) == 4, "%d partitions after the other died", assigned(a));
    ALSO(produce(p, topic, RD_KAFKA_PARTITION_UA, 100));
    int more = 0, now;
    while ((now = consume(a, 1, 3)) > 0) /* with what the dead one had read and not committed */
        more += now;
    WANT(more >= 100, "%d more", more);
    rd_kafka_resp_err_t err = rd_kafka_commit(a, NULL, 0);
    WANT(!err, "commit: %s", rd_kafka_err2str(err));
    rd_kafka_consumer_close(a);
    rd_kafka_destroy(a);
    ALSO(produce(p, topic, RD_KAFKA_PARTITION_UA, 7));
    rd_kafka_destroy(p);
    rd_kafka_t *c = consumer(group); /* goes on where a committed */
    subscribe(c, topic);
    int rest = consume(c, 8, 10);
    WANT(rest == 7, "%d after resuming", rest);
    rd_kafka_consumer_close(c);
    rd_kafka_destroy(c);
    return 1;
}

static int case_commit_metadata(void)
{
    const char *topic = unique("meta"), *group = unique("g");
    rd_kafka_t *p = client(RD_KAFKA_PRODUCER, on_delivery, NULL);
    ALSO(produce(p, topic, 1, 10));
    rd_kafka_destroy(p);
    rd_kafka_t *c = consumer(group);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(2);
    rd_kafka_topic_partition_t *tp = rd_kafka_topic_partition_list_add(list, topic, 1);
    tp->offset = 6;
    tp->metadata = strdup("where I was");
    tp->metadata_size = strlen(tp->metadata);
    rd_kafka_resp_err_t err = rd_kafka_commit(c, list, 0);
    WANT(!err && !tp->err, "%s", rd_kafka_err2str(err));
    rd_kafka_topic_partition_list_destroy(list);
    list = rd_kafka_topic_partition_list_new(2);
    tp = rd_kafka_topic_partition_list_add(list, topic, 1);
    rd_kafka_topic_partition_list_add(list, topic, 2);
    err = rd_kafka_committed(c, list, 10000);
    WANT(!err, "%s", rd_kafka_err2str(err));
    WANT(tp->offset == 6 && tp->metadata_size == 11 && !memcmp(tp->metadata, "where I was", 11));
    WANT(list->elems[1].offset == RD_KAFKA_OFFSET_INVALID);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_close(c);
    rd_kafka_destroy(c);
    return 1;
}

static int case_offsets_for_times(void)
{
    const char *topic = unique("times");
    rd_kafka_t *p = client(RD_KAFKA_PRODUCER, on_delivery, NULL);
    for (int i = 0; i < 10; i++) {
        rd_kafka_resp_err_t err = rd_kafka_producev(
            p, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_VALUE((void *)"x", 1),
            RD_KAFKA_V_TIMESTAMP(1000000 + i * 1000), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_END);
        WANT(!err, "%s", rd_kafka_err2str(err));
        rd_kafka_flush(p, 10000); /* a batch each */
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = 1003500;
    rd_kafka_resp_err_t err = rd_kafka_offsets_for_times(p, list, 10000);
    WANT(!err && list->elems[0].offset == 4, "offset %ld", (long)list->elems[0].offset);
    list->elems[0].offset = 9000000;
    err = rd_kafka_offsets_for_times(p, list, 10000);
    WANT(!err && list->elems[0].offset == RD_KAFKA_OFFSET_END, "offset %ld", (long)list->elems[0].offset);
    int64_t low = -1, high = -1;
    err = rd_kafka_query_watermark_offsets(p, topic, 0, &low, &high, 10000);
    WANT(!err && low == 0 && high == 10, "%ld..%ld", (long)low, (long)high);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(p);
    return 1;
}

static int case_too_large(void)
{
    const char *topic = unique("large");
    rd_kafka_t *p = client(RD_KAFKA_PRODUCER, on_delivery, "message.max.bytes", "5000000", NULL);
    char *value = calloc(1, 3000000);
    delivered = undelivered = 0;
    rd_kafka_producev(p, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_VALUE(value, 3000000),
                      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    rd_kafka_flush(p, 20000);
    WANT(undelivered == 1 && last_error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "%s",
         rd_kafka_err2str(last_error));
    ALSO(produce(p, topic, 0, 3)); /* and the connection lives on */
    free(value);
    rd_kafka_destroy(p);
    return 1;
}

static rd_kafka_resp_err_t create_topic(rd_kafka_t *rk, const char *topic, int partitions,
                                        const char *key, const char *value, char *message, size_t size)
{
    char err[256];
    rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(topic, partitions, 1, err, sizeof(err));
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);

    if (key)
        rd_kafka_NewTopic_set_config(t, key, value);
    rd_kafka_CreateTopics(rk, &t, 1, NULL, q);
    rd_kafka_event_t *ev = rd_kafka_queue_poll(q, 20000);
    size_t count;
    const rd_kafka_topic_result_t **r =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &count);
    rd_kafka_resp_err_t code = rd_kafka_topic_result_error(r[0]);
    const char *text = rd_kafka_topic_result_error_string(r[0]);
    snprintf(message, size, "%s", text ? text : "");
    rd_kafka_event_destroy(ev);
    rd_kafka_queue_destroy(q);
    rd_kafka_NewTopic_destroy(t);
    return code;
}

static int case_admin(void)
{
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, NULL, NULL);
    const char *topic = unique("admin");
    char message[256];

    rd_kafka_resp_err_t err = create_topic(rk, topic, 3, "retention.ms", "12345", message, sizeof(message));
    WANT(!err, "%s", message);
    err = create_topic(rk, topic, 3, NULL, NULL, message, sizeof(message));
    WANT(err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, "%s", rd_kafka_err2name(err));
    err = create_topic(rk, unique("admin"), 1, "no.such.thing", "1", message, sizeof(message));
    WANT(err == RD_KAFKA_RESP_ERR_INVALID_CONFIG && strstr(message, "no.such.thing"), "%s %s",
         rd_kafka_err2name(err), message);
    err = create_topic(rk, "bad name!", 1, NULL, NULL, message, sizeof(message));
    WANT(err == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, "%s", rd_kafka_err2name(err));

    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    rd_kafka_ConfigResource_t *res = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_DescribeConfigs(rk, &res, 1, NULL, q);
    rd_kafka_event_t *ev = rd_kafka_queue_poll(q, 20000);
    size_t count, entries;
    const rd_kafka_ConfigResource_t **got = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(ev), &count);
    const rd_kafka_ConfigEntry_t **e = rd_kafka_ConfigResource_configs(got[0], &entries);
    const char *retention = NULL, *cleanup = NULL;
    for (size_t i = 0; i < entries; i++) {
        if (!strcmp(rd_kafka_ConfigEntry_name(e[i]), "retention.ms"))
            retention = rd_kafka_ConfigEntry_value(e[i]);
        if (!strcmp(rd_kafka_ConfigEntry_name(e[i]), "cleanup.policy"))
            cleanup = rd_kafka_ConfigEntry_value(e[i]);
    }
    WANT(retention && !strcmp(retention, "12345") && cleanup && !strcmp(cleanup, "delete"));
    rd_kafka_event_destroy(ev);
    rd_kafka_ConfigResource_destroy(res);

    rd_kafka_DeleteTopic_t *del = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_DeleteTopics(rk, &del, 1, NULL, q);
    ev = rd_kafka_queue_poll(q, 20000);
    const rd_kafka_topic_result_t **r =
        rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(ev), &count);
    WANT(!rd_kafka_topic_result_error(r[0]), "%s", rd_kafka_topic_result_error_string(r[0]));
    rd_kafka_event_destroy(ev);
    rd_kafka_DeleteTopic_destroy(del);
    rd_kafka_queue_destroy(q);
    rd_kafka_destroy(rk);
    return 1;
}

/* The group that the shell script made and left is listed, described and deleted. */
static int case_groups(void)
{
    const char *topic = unique("lst"), *group = unique("g");
    rd_kafka_t *p = client(RD_KAFKA_PRODUCER, on_delivery, NULL);
    ALSO(produce(p, topic, 0, 5));
    rd_kafka_t *c = consumer(group);
    subscribe(c, topic);
    WANT(consume(c, 5, 20) == 5);
    const struct rd_kafka_group_list *list;
    rd_kafka_resp_err_t err = rd_kafka_list_groups(p, group, &list, 10000);
    WANT(!err && list->group_cnt == 1, "%s", rd_kafka_err2str(err));
    WANT(!strcmp(list->groups[0].state, "Stable"), "%s", list->groups[0].state);
    WANT(list->groups[0].member_cnt == 1 && list->groups[0].members[0].member_assignment_size > 0);
    rd_kafka_group_list_destroy(list);
    rd_kafka_commit(c, NULL, 0);
    rd_kafka_consumer_close(c);
    rd_kafka_destroy(c);
    rd_kafka_queue_t *q = rd_kafka_queue_new(p);
    rd_kafka_DeleteGroup_t *del = rd_kafka_DeleteGroup_new(group);
    rd_kafka_DeleteGroups(p, &del, 1, NULL, q);
    rd_kafka_event_t *ev = rd_kafka_queue_poll(q, 20000);
    size_t count;
    const rd_kafka_group_result_t **r =
        rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(ev), &count);
    const rd_kafka_error_t *error = rd_kafka_group_result_error(r[0]);
    WANT(!error, "%s", rd_kafka_error_string(error));
    rd_kafka_event_destroy(ev);
    rd_kafka_DeleteGroup_destroy(del);
    rd_kafka_queue_destroy(q);
    rd_kafka_destroy(p);
    return 1;
}

/* Of each key the last value stays, soon: its segment is old after a second. */
static int case_compaction(void)
{
    static const char *const configs[][2] = {{"cleanup.policy", "compact"},
                                             {"segment.ms", "1000"},
                                             {"min.cleanable.dirty.ratio", "0.01"}};
    const char *topic = unique("compact");
    rd_kafka_t *p = client(RD_KAFKA_PRODUCER, on_delivery, NULL);
    char err[256];
    rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(topic, 1, 1, err, sizeof(err));
    rd_kafka_queue_t *q = rd_kafka_queue_new(p);
    for (int i = 0; i < 3; i++)
        rd_kafka_NewTopic_set_config(t, configs[i][0], configs[i][1]);
    rd_kafka_CreateTopics(p, &t, 1, NULL, q);
    rd_kafka_event_destroy(rd_kafka_queue_poll(q, 20000));
    rd_kafka_queue_destroy(q);
    rd_kafka_NewTopic_destroy(t);
    for (int round = 0; round < 20; round++) /* a hundred keys each time */
        ALSO(produce(p, topic, 0, 100));
    int got = -1;
    for (time_t until = time(NULL) + 60; got != 100 && time(NULL) < until;) {
        rd_kafka_t *c = consumer(unique("g"));
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
        rd_kafka_assign(c, list);
        rd_kafka_topic_partition_list_destroy(list);
        got = consume(c, 2001, 2);
        rd_kafka_consumer_close(c);
        rd_kafka_destroy(c);
    }
    WANT(got == 100, "%d records", got);
    rd_kafka_destroy(p);
    return 1;
}

static const struct {
    const char *name;
    int (*run)(void);
} cases[] = {
    {"idempotent", case_idempotent},
    {"commit_metadata", case_commit_metadata},
    {"offsets_for_times", case_offsets_for_times},
    {"too_large", case_too_large},
    {"compaction", case_compaction},
    {"admin", case_admin},
    {"groups", case_groups},
    {"group_member_dies", case_group_member_dies},
};

int main(int argc, char **argv)
{
    int passed = 0, failed = 0;

    setbuf(stdout, NULL);
    if (argc < 2) {
        fprintf(stderr, "usage: rdkafka_roundtrip HOST:PORT [CASE...]\n");
        return 2;
    }
    bootstrap = argv[1];
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int asked = argc == 2;
        for (int a = 2; a < argc; a++)
            asked |= !strcmp(argv[a], cases[i].name);
        if (!asked)
            continue;
        if (cases[i].run()) {
            printf("ok %s\n", cases[i].name);
            passed++;
        } else {
            printf("FAILED %s: %s\n", cases[i].name, why);
            failed++;
        }
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
