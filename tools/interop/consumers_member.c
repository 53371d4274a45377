/* One member of a group, or a producer, with librdkafka: what consumers.py starts and kills.
 *
 *     consumers_member read  BROKER TOPIC GROUP PROTOCOL INSTANCE     (PROTOCOL consumer or classic; INSTANCE -: none)
 *     consumers_member write BROKER TOPIC COUNT
 *
 * Each line to standard output is one write: nanoseconds of the machine's monotonic clock, then what:
 * A p (begins to read partition p), R p (has given it up; and 1: it was put out), M p offset (has read), P p offset (written). */
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

static void say(char what, int32_t partition, int64_t offset)
{
    struct timespec now;
    char line[128];

    clock_gettime(CLOCK_MONOTONIC, &now);
    int len = snprintf(line, sizeof(line), "%lld %c %d %lld\n",
                       (long long)now.tv_sec * 1000000000 + now.tv_nsec, what, (int)partition,
                       (long long)offset);
    if (write(STDOUT_FILENO, line, (size_t)len) != len)
        abort();
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[256];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t *list,
                         void *context)
{
    (void)context;
    if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        for (int i = 0; i < list->cnt; i++)
            say('A', list->elems[i].partition, 0);
        rd_kafka_error_destroy(rd_kafka_incremental_assign(rk, list));
        return;
    }
    int lost = rd_kafka_assignment_lost(rk);
    rd_kafka_error_destroy(rd_kafka_incremental_unassign(rk, list));
    for (int i = 0; i < list->cnt; i++)
        say('R', list->elems[i].partition, lost);
}

static int read_all(rd_kafka_conf_t *conf, char **args)
{
    char why[256];

    set(conf, "group.id", args[1]);
    set(conf, "group.protocol", args[2]);
    if (strcmp(args[2], "classic") == 0) {
        set(conf, "partition.assignment.strategy", "cooperative-sticky");
        set(conf, "session.timeout.ms", "6000");
        set(conf, "heartbeat.interval.ms", "300");
    }
    set(conf, "auto.offset.reset", "earliest");
    set(conf, "auto.commit.interval.ms", "500");
    if (strcmp(args[3], "-") != 0)
        set(conf, "group.instance.id", args[3]);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
    if (!rk) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, args[0], RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    while (!stopping) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
        if (!m)
            continue;
        if (!m->err)
            say('M', m->partition, m->offset);
        else
            fprintf(stderr, "%s\n", rd_kafka_message_errstr(m));
        rd_kafka_message_destroy(m);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return 0;
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *context)
{
    (void)rk;
    (void)context;
    if (!m->err)
        say('P', m->partition, m->offset);
}

static int write_all(rd_kafka_conf_t *conf, char **args)
{
    char why[256], value[32];

    set(conf, "enable.idempotence", "true");
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    for (int i = 0; rk && i < atoi(args[1]) && !stopping; i++) {
        snprintf(value, sizeof(value), "%d", i);
        rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(args[0]), RD_KAFKA_V_VALUE(value, strlen(value)),
                          RD_KAFKA_V_KEY(value, strlen(value)),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        rd_kafka_poll(rk, 5);
    }
    rd_kafka_flush(rk, 60000);
    rd_kafka_destroy(rk);
    return 0;
}

int main(int argc, char **argv)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    if (argc < 5)
        return 2;
    signal(SIGTERM, on_signal);
    set(conf, "bootstrap.servers", argv[2]);
    set(conf, "log_level", "3");
    set(conf, "reconnect.backoff.max.ms", "500"); /* a session is five seconds */
    return strcmp(argv[1], "read") == 0 ? read_all(conf, argv + 3) : write_all(conf, argv + 3);
}
