/* kafka_load.c: a librdkafka client that writes, reads, or does both at a fixed rate.
 *
 * usage: kafka_load BROKERS TOPIC produce COUNT BYTES CODEC     records of BYTES, acks=all, as fast as they go
 *        kafka_load BROKERS TOPIC spread EACH BYTES CODEC       EACH records to every partition
 *        kafka_load BROKERS TOPIC consume COUNT                 from the beginning of every partition
 *        kafka_load BROKERS TOPIC latency SECONDS BYTES RATE    from when each was due (no coordinated omission)
 *
 * The topic is there already. A record is a text whose like is in every log: a number, fields, digits that vary; so
 * codecs have something to do. It begins with its number (produce) or with the moment it was due (latency).
 * Prints one JSON line; a record that is missing or comes twice is an error.
 */
#include <errno.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "base/histogram.h"

enum { NUMBER_DIGITS = 20, BYTES_MAX = 65536, WARMUP_SECONDS = 2, STALL_SECONDS = 30 };

static const char *brokers, *topic;
static atomic_long failed, delivered;
static atomic_bool producing;

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double cpu_seconds(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "kafka_load: %s: %s\n", what, why);
    exit(1);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *context)
{
    (void)rk;
    (void)context;
    if (m->err)
        failed++;
    else
        delivered++;
}

/* settings: name and value in turns, ended by NULL. */
static rd_kafka_t *client(rd_kafka_type_t type, const char *const *settings)
{
    char error[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0);
    for (; settings[0]; settings += 2)
        if (rd_kafka_conf_set(conf, settings[0], settings[1], error, sizeof(error)) != RD_KAFKA_CONF_OK)
            die(settings[0], error);
    if (type == RD_KAFKA_PRODUCER)
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *rk = rd_kafka_new(type, conf, error, sizeof(error));
    if (!rk)
        die("client", error);
    return rk;
}

static void fill(char *value, size_t bytes, uint64_t seed)
{
    static const char *const words[] = {"{\"card\":", "\"amount\":", "\"city\":", "\"merchant\":", "\"at\":"};
    size_t at = NUMBER_DIGITS;

    while (at < bytes) {
        char field[48];
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int len = snprintf(field, sizeof(field), "%s%" PRIu64 ",", words[at % 5], (seed >> 33) % 100000000);
        size_t take = bytes - at < (size_t)len ? bytes - at : (size_t)len;
        memcpy(value + at, field, take);
        at += take;
    }
}

static void number(char *value, int64_t n)
{
    char text[NUMBER_DIGITS + 1];

    snprintf(text, sizeof(text), "%0*" PRId64, NUMBER_DIGITS, n);
    memcpy(value, text, NUMBER_DIGITS);
}

static int64_t number_of(const rd_kafka_message_t *m)
{
    char text[NUMBER_DIGITS + 1] = "";

    if (m->len < NUMBER_DIGITS)
        die("a record", "is shorter than what was written");
    memcpy(text, m->payload, NUMBER_DIGITS);
    return strtoll(text, NULL, 10);
}

static void send_one(rd_kafka_t *rk, rd_kafka_topic_t *t, int32_t partition, char *value, size_t bytes)
{
    while (rd_kafka_produce(t, partition, RD_KAFKA_MSG_F_COPY, value, bytes, NULL, 0, NULL)) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            die("produce", rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_poll(rk, 10);
    }
    rd_kafka_poll(rk, 0);
}

static int produce(long count, size_t bytes, const char *codec)
{
    const char *settings[] = {"acks", "all", "compression.codec", codec, "linger.ms", "5",
                              "queue.buffering.max.messages", "500000", NULL};
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, settings);
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
    static char values[64][BYTES_MAX]; /* made before the clock starts */

    for (int i = 0; i < 64; i++)
        fill(values[i], bytes, (uint64_t)i);
    int64_t start = now_ns();
    for (long i = 0; i < count; i++) {
        number(values[i % 64], i);
        send_one(rk, t, RD_KAFKA_PARTITION_UA, values[i % 64], bytes);
    }
    if (rd_kafka_flush(rk, 120000) || failed || delivered != count)
        die("produce", "not all was acknowledged");
    double seconds = (double)(now_ns() - start) / 1e9;
    rd_kafka_topic_destroy(t);
    rd_kafka_destroy(rk);
    printf("{\"seconds\":%.3f,\"per_second\":%.0f,\"client_cpu_s\":%.2f}\n", seconds, (double)count / seconds,
           cpu_seconds());
    return 0;
}

static int partitions_of(rd_kafka_t *rk, rd_kafka_topic_t *t)
{
    const struct rd_kafka_metadata *m;
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, t, &m, 10000);

    if (err)
        die("metadata", rd_kafka_err2str(err));
    int count = m->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(m);
    return count;
}

static int spread(long each, size_t bytes, const char *codec)
{
    const char *settings[] = {"acks", "all", "compression.codec", codec, "linger.ms", "50",
                              "queue.buffering.max.messages", "500000", NULL};
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, settings);
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
    static char value[BYTES_MAX];
    long count = each * partitions_of(rk, t);

    fill(value, bytes, 1);
    for (long i = 0; i < count; i++) {
        number(value, i);
        send_one(rk, t, (int32_t)(i % (count / each)), value, bytes);
    }
    if (rd_kafka_flush(rk, 300000) || failed || delivered != count)
        die("spread", "not all was acknowledged");
    rd_kafka_topic_destroy(t);
    rd_kafka_destroy(rk);
    printf("{\"records\":%ld}\n", count);
    return 0;
}

static void assign_all(rd_kafka_t *rk, int64_t offset)
{
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    int count = partitions_of(rk, t);

    for (int i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = offset;
    rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_topic_destroy(t);
}

static rd_kafka_t *consumer(void)
{
    static const char *const settings[] = {"group.id", "kafka_load", "enable.auto.commit", "false",
                                           "fetch.wait.max.ms", "100", "check.crcs", "false",
                                           "auto.offset.reset", "earliest", NULL};
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, settings);
    rd_kafka_poll_set_consumer(rk);
    return rk;
}

static int consume(long count)
{
    rd_kafka_t *rk = consumer();
    uint8_t *seen = calloc((size_t)count / 8 + 1, 1);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
    rd_kafka_message_t *batch[1000];
    long got = 0;

    assign_all(rk, RD_KAFKA_OFFSET_BEGINNING);
    int64_t start = now_ns(), heard = start;
    while (got < count && now_ns() - heard < STALL_SECONDS * 1000000000ll) {
        ssize_t n = rd_kafka_consume_batch_queue(queue, 100, batch, 1000);
        for (ssize_t i = 0; i < n; i++) {
            int64_t id = batch[i]->err ? -1 : number_of(batch[i]);
            if (id >= count || (id >= 0 && seen[id / 8] & 1 << id % 8))
                die("consume", "a record comes twice, or was never written");
            if (id >= 0) {
                seen[id / 8] |= (uint8_t)(1 << id % 8);
                got++;
                heard = now_ns();
            }
            rd_kafka_message_destroy(batch[i]);
        }
    }
    double seconds = (double)(heard - start) / 1e9;
    if (got < count)
        die("consume", "records are missing");
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    free(seen);
    printf("{\"seconds\":%.3f,\"per_second\":%.0f,\"client_cpu_s\":%.2f}\n", seconds, (double)count / seconds,
           cpu_seconds());
    return 0;
}

/* ---- at a fixed rate ---- */

struct pace {
    double seconds, rate;
    size_t bytes;
};

static void sleep_until(int64_t when_ns)
{
    struct timespec t = {when_ns / 1000000000, when_ns % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void *produce_paced(void *context)
{
    const struct pace *p = context;
    static const char *const settings[] = {"acks", "all", "linger.ms", "0", NULL};
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, settings);
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
    static char value[BYTES_MAX];
    long count = (long)(p->rate * (p->seconds + WARMUP_SECONDS));
    int64_t start = now_ns();

    prctl(PR_SET_TIMERSLACK, 1ul);
    fill(value, p->bytes, 1);
    for (long i = 0; i < count; i++) {
        int64_t due = start + (int64_t)((double)i * 1e9 / p->rate);
        if (due > now_ns() + 20000)
            sleep_until(due);
        number(value, due);
        send_one(rk, t, RD_KAFKA_PARTITION_UA, value, p->bytes);
    }
    rd_kafka_flush(rk, 30000);
    rd_kafka_topic_destroy(t);
    rd_kafka_destroy(rk);
    producing = false;
    return NULL;
}

static int latency(struct pace p)
{
    static struct histogram h;
    rd_kafka_t *rk = consumer();
    pthread_t producer;
    int64_t end = 0, start;
    long due = (long)(p.rate * p.seconds), got = 0;

    assign_all(rk, RD_KAFKA_OFFSET_END);
    rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 1000); /* the first fetch is under way */
    if (m)
        rd_kafka_message_destroy(m);
    producing = true;
    start = now_ns();
    pthread_create(&producer, NULL, produce_paced, &p);
    while (producing || (got < due && now_ns() < end)) {
        m = rd_kafka_consumer_poll(rk, 50);
        int64_t now = now_ns();
        if (!producing && !end)
            end = now + STALL_SECONDS * 1000000000ll;
        if (!m)
            continue;
        int64_t sent = m->err ? -1 : number_of(m);
        if (sent > start + WARMUP_SECONDS * 1000000000ll) {
            histogram_add(&h, (uint64_t)(now - sent) / 1000);
            got++;
        }
        rd_kafka_message_destroy(m);
    }
    pthread_join(producer, NULL);
    if (got < due - (long)p.rate / 100) /* the warm-up ends between two */
        die("latency", "records are missing");
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    printf("{\"records\":%ld,\"p50_us\":%lu,\"p99_us\":%lu,\"p999_us\":%lu,\"p9999_us\":%lu}\n", got,
           histogram_quantile(&h, 0.5), histogram_quantile(&h, 0.99), histogram_quantile(&h, 0.999),
           histogram_quantile(&h, 0.9999));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 4) {
        brokers = argv[1];
        topic = argv[2];
    }
    size_t bytes = argc > 5 ? strtoul(argv[5], NULL, 10) : 100;
    if (argc > 4 && (bytes < NUMBER_DIGITS || bytes > BYTES_MAX))
        die("BYTES", "20 to 65536");
    if (argc == 7 && !strcmp(argv[3], "produce"))
        return produce(atol(argv[4]), bytes, argv[6]);
    if (argc == 7 && !strcmp(argv[3], "spread"))
        return spread(atol(argv[4]), bytes, argv[6]);
    if (argc == 5 && !strcmp(argv[3], "consume"))
        return consume(atol(argv[4]));
    if (argc == 7 && !strcmp(argv[3], "latency"))
        return latency((struct pace){atof(argv[4]), atof(argv[6]), bytes});
    fprintf(stderr, "usage: kafka_load BROKERS TOPIC produce COUNT BYTES CODEC | spread EACH BYTES CODEC | consume COUNT | latency SECONDS "
                    "BYTES RATE\n");
    return 2;
}
