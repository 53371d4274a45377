/* latency.c: from a librdkafka producer through a running query to a librdkafka consumer.
 *
 * usage: latency BROKERS IN OUT RATE SECONDS
 *
 * Events {"k":…,"sent":…} go into IN at a fixed rate; the query writes {…,"sent":…} to OUT, the newest
 * event that each result has seen. `sent` is the moment at which the event was due, not when the
 * producer got round to it: so waiting behind a slow answer counts (no coordinated omission), and a
 * result that never comes is an error. Prints one JSON line, microseconds.
 */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/histogram.h"

enum { KEYS = 1000, WARMUP_SECONDS = 2, DRAIN_SECONDS = 3 };

struct setup {
    const char *brokers, *in, *out;
    double rate, seconds;
};

static atomic_bool producing;
static atomic_long sent_count;

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static rd_kafka_t *client(rd_kafka_type_t type, const struct setup *s)
{
    char error[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const char *const producer[][2] = {{"linger.ms", "0"}, {"acks", "all"}};
    const char *const consumer[][2] = {{"group.id", "latency"},        {"fetch.wait.max.ms", "100"},
                                       {"fetch.min.bytes", "1"},       {"enable.auto.commit", "false"},
                                       {"auto.offset.reset", "latest"}, {"check.crcs", "false"}};

    rd_kafka_conf_set(conf, "bootstrap.servers", s->brokers, NULL, 0);
    rd_kafka_conf_set(conf, "socket.nagle.disable", "true", NULL, 0);
    for (size_t i = 0; type == RD_KAFKA_PRODUCER && i < sizeof(producer) / sizeof(*producer); i++)
        rd_kafka_conf_set(conf, producer[i][0], producer[i][1], NULL, 0);
    for (size_t i = 0; type == RD_KAFKA_CONSUMER && i < sizeof(consumer) / sizeof(*consumer); i++)
        rd_kafka_conf_set(conf, consumer[i][0], consumer[i][1], NULL, 0);
    rd_kafka_t *rk = rd_kafka_new(type, conf, error, sizeof(error));
    if (!rk) {
        fprintf(stderr, "latency: %s\n", error);
        exit(1);
    }
    return rk;
}

static void sleep_until(int64_t when_ns)
{
    struct timespec t = {when_ns / 1000000000, when_ns % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void *produce(void *context)
{
    const struct setup *s = context;
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, s);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, s->in, NULL);
    int64_t start = now_ns(), step = (int64_t)(1e9 / s->rate);
    long count = (long)(s->rate * (s->seconds + WARMUP_SECONDS));
    char value[128];

    prctl(PR_SET_TIMERSLACK, 1ul); /* or each sleep ends up to 50 us late, which is none of the server's */
    for (long i = 0; i < count; i++) {
        int64_t due = start + i * step;
        if (due > now_ns() + 20000)
            sleep_until(due);
        int len = snprintf(value, sizeof(value), "{\"k\":\"k%ld\",\"sent\":%" PRId64 "}", i % KEYS, due);
        while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value, (size_t)len,
                                NULL, 0, NULL) &&
               rd_kafka_last_error() == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(rk, 1);
        rd_kafka_poll(rk, 0);
        sent_count++;
    }
    rd_kafka_flush(rk, 5000);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    producing = false;
    return NULL;
}

/* The number behind "sent": of a JSON object; -1 when there is none. */
static int64_t sent_of(const rd_kafka_message_t *message)
{
    const char *at = message->payload
                         ? memmem(message->payload, message->len, "\"sent\":", 7)
                         : NULL;
    return at ? strtoll(at + 7, NULL, 10) : -1;
}

static long consume(const struct setup *s, struct histogram *h)
{
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, s);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    pthread_t producer;
    long results = 0;

    rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_add(list, s->out, 0)->offset = RD_KAFKA_OFFSET_END;
    rd_kafka_assign(rk, list);
    rd_kafka_message_t *none = rd_kafka_consumer_poll(rk, 1000); /* the first fetch is under way */
    if (none)
        rd_kafka_message_destroy(none);
    producing = true;
    int64_t start = now_ns(), end = 0;
    pthread_create(&producer, NULL, produce, (void *)s);
    while (producing || now_ns() < end) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, 50);
        int64_t now = now_ns();
        if (!producing && !end)
            end = now + DRAIN_SECONDS * 1000000000ll;
        if (!message)
            continue;
        int64_t sent = message->err ? -1 : sent_of(message);
        if (sent > start + WARMUP_SECONDS * 1000000000ll) {
            histogram_add(h, (uint64_t)(now - sent) / 1000);
            results++;
        }
        rd_kafka_message_destroy(message);
    }
    pthread_join(producer, NULL);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return results;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return fprintf(stderr, "usage: latency BROKERS IN OUT RATE SECONDS\n"), 2;
    struct setup s = {argv[1], argv[2], argv[3], atof(argv[4]), atof(argv[5])};
    static struct histogram h;
    long results = consume(&s, &h);

    printf("{\"sent\":%ld,\"results\":%ld,\"p50_us\":%lu,\"p99_us\":%lu,\"p999_us\":%lu,"
           "\"p9999_us\":%lu,\"max_us\":%lu}\n",
           sent_count, results, histogram_quantile(&h, 0.5), histogram_quantile(&h, 0.99),
           histogram_quantile(&h, 0.999), histogram_quantile(&h, 0.9999), h.max);
    long due = (long)(s.rate * s.seconds);
    if (results < due)
        fprintf(stderr, "latency: %ld results of %ld\n", results, due);
    return results < due;
}
