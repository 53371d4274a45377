/* stack_probe.c: payments go in through Kafka's protocol, a card's verdict is asked for over HTTP.
 *
 * usage: stack_probe BROKERS TOPIC HOST PORT PREFIX latency SECONDS RATE
 *        stack_probe BROKERS TOPIC HOST PORT PREFIX load COUNT CARDS
 *
 * latency: payments at RATE a second. Every 50 ms one is of a card of its own, which is asked for (GET PREFIX + card) over one
 * connection, with a pause of 200 us between, until it is there: from when the payment was due to the answer. load: COUNT payments of CARDS cards as
 * fast as they go, then a card of its own: until that is there. The topic has one partition, so it is the last.
 * Prints one JSON line.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/histogram.h"

enum { PROBE_MS = 50, WARMUP_SECONDS = 5, WAIT_SECONDS = 300, CARDS_PACED = 10000, PAUSE_NS = 200000 };

static const char *brokers, *topic, *host, *prefix;
static uint16_t port;
static atomic_long failed, delivered, probes_sent;
static atomic_bool sent_all;
static int64_t began_ns;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "stack_probe: %s: %s\n", what, why);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_until(int64_t when_ns)
{
    struct timespec t = {when_ns / 1000000000, when_ns % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* ---- the answer ---- */

static int dial(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    if (inet_pton(AF_INET, host, &at.sin_addr) != 1 || connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
        die("connecting to the reader's side", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

/* The whole of one answer to a GET: its head says how long its body is. */
static void read_answer(int fd, char *answer, size_t cap)
{
    size_t got = 0, whole = 0;

    while (whole == 0 || got < whole) {
        ssize_t n = recv(fd, answer + got, cap - 1 - got, 0);
        if (n <= 0)
            die("reading an answer", n < 0 ? strerror(errno) : "the connection was closed");
        got += (size_t)n;
        answer[got] = 0;
        char *end = strstr(answer, "\r\n\r\n"), *length = strcasestr(answer, "content-length:");
        if (end && !length)
            die("reading an answer", "it has no Content-Length");
        if (end)
            whole = (size_t)(end + 4 - answer) + (size_t)atol(length + 15);
        if (whole >= cap)
            die("reading an answer", "it is too long");
    }
}

static void wait_for_card(int fd, const char *card)
{
    char request[512], answer[8192], want[64];
    int64_t until = now_ns() + WAIT_SECONDS * 1000000000ll;
    int n = snprintf(request, sizeof(request), "GET %s%s HTTP/1.1\r\nHost: %s\r\n\r\n", prefix, card, host);

    snprintf(want, sizeof(want), "\"%s\"", card);
    for (;;) {
        if (send(fd, request, (size_t)n, MSG_NOSIGNAL) != n)
            die("asking", strerror(errno));
        read_answer(fd, answer, sizeof(answer));
        if (strncmp(answer, "HTTP/1.1 200", 12) == 0 && strstr(answer, want))
            return;
        if (now_ns() > until)
            die("waiting for a verdict", answer);
        sleep_until(now_ns() + PAUSE_NS);
    }
}

/* ---- payments ---- */

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *context)
{
    (void)rk, (void)context;
    if (m->err)
        failed++;
    else
        delivered++;
}

static rd_kafka_t *producer(const char *linger_ms)
{
    const char *const settings[] = {"bootstrap.servers", brokers, "acks", "all", "linger.ms", linger_ms,
                                    "queue.buffering.max.messages", "500000", NULL};
    char error[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    for (const char *const *s = settings; *s; s += 2)
        if (rd_kafka_conf_set(conf, s[0], s[1], error, sizeof(error)) != RD_KAFKA_CONF_OK)
            die(s[0], error);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    if (!rk)
        die("producer", error);
    return rk;
}

static void pay(rd_kafka_t *rk, rd_kafka_topic_t *t, const char *card, long i)
{
    char value[160];
    int n = snprintf(value, sizeof(value), "{\"card\":\"%s\",\"merchant\":\"m%ld\",\"amount\":%ld.%02ld}", card,
                     i * 7919 % 5000, i * 31 % 400, i % 100);

    while (rd_kafka_produce(t, 0, RD_KAFKA_MSG_F_COPY, value, (size_t)n, NULL, 0, NULL)) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            die("produce", rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_poll(rk, 10);
    }
    rd_kafka_poll(rk, 0);
}

static void end_producer(rd_kafka_t *rk, rd_kafka_topic_t *t, long count)
{
    if (rd_kafka_flush(rk, 120000) || failed || delivered != count)
        die("produce", "not all was acknowledged");
    rd_kafka_topic_destroy(t);
    rd_kafka_destroy(rk);
}

/* ---- latency ---- */

struct pace {
    double seconds, rate;
};

static int64_t due_of(const struct pace *p, long i)
{
    return began_ns + (int64_t)((double)i * 1e9 / p->rate);
}

static long probe_every(const struct pace *p)
{
    long every = (long)(p->rate * PROBE_MS / 1000);
    return every < 1 ? 1 : every;
}

static void *pay_paced(void *context)
{
    const struct pace *p = context;
    rd_kafka_t *rk = producer("0");
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
    long count = (long)(p->rate * (p->seconds + WARMUP_SECONDS)), every = probe_every(p);
    char card[40];

    prctl(PR_SET_TIMERSLACK, 1ul);
    for (long i = 0; i < count; i++) {
        if (due_of(p, i) > now_ns() + 20000)
            sleep_until(due_of(p, i));
        bool probe = i % every == 0;
        snprintf(card, sizeof(card), probe ? "p%ld" : "c%ld", probe ? i : i * 7919 % CARDS_PACED);
        pay(rk, t, card, i);
        if (probe)
            probes_sent++;
    }
    end_producer(rk, t, count);
    sent_all = true;
    return NULL;
}

static int latency(struct pace p)
{
    static struct histogram h;
    pthread_t payer;
    int fd = dial();
    char card[40];

    began_ns = now_ns();
    if (pthread_create(&payer, NULL, pay_paced, &p))
        die("thread", "cannot be made");
    for (long n = 0, i = 0; !sent_all || n < probes_sent; n++, i += probe_every(&p)) {
        while (n >= probes_sent && !sent_all)
            sleep_until(now_ns() + 100000);
        if (n >= probes_sent)
            break;
        snprintf(card, sizeof(card), "p%ld", i);
        wait_for_card(fd, card);
        if (due_of(&p, i) - began_ns >= WARMUP_SECONDS * 1000000000ll)
            histogram_add(&h, (uint64_t)(now_ns() - due_of(&p, i)) / 1000);
    }
    pthread_join(payer, NULL);
    close(fd);
    if (h.total == 0)
        die("latency", "nothing was measured");
    printf("{\"probes\":%" PRIu64 ",\"p50_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 ",\"max_us\":%" PRIu64 "}\n", h.total,
           histogram_quantile(&h, 0.5), histogram_quantile(&h, 0.99), h.max);
    return 0;
}

/* ---- load ---- */

static int load(long count, long cards)
{
    rd_kafka_t *rk = producer("5");
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
    int64_t start = now_ns();
    int fd = dial();
    char card[40], last[40];

    for (long i = 0; i < count; i++) {
        snprintf(card, sizeof(card), "c%ld", i * 7919 % cards);
        pay(rk, t, card, i);
    }
    snprintf(last, sizeof(last), "last%" PRId64, start); /* a name that no run before had */
    pay(rk, t, last, count);
    end_producer(rk, t, count + 1);
    wait_for_card(fd, last);
    double seconds = (double)(now_ns() - start) / 1e9;
    close(fd);
    printf("{\"seconds\":%.3f,\"per_second\":%.0f}\n", seconds, (double)count / seconds);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 9) {
        brokers = argv[1], topic = argv[2], host = argv[3], port = (uint16_t)atoi(argv[4]), prefix = argv[5];
        if (strcmp(argv[6], "latency") == 0 && atof(argv[7]) > 0 && atof(argv[8]) > 0)
            return latency((struct pace){atof(argv[7]), atof(argv[8])});
        if (strcmp(argv[6], "load") == 0 && atol(argv[7]) > 0 && atol(argv[8]) > 0)
            return load(atol(argv[7]), atol(argv[8]));
    }
    fprintf(stderr, "usage: stack_probe BROKERS TOPIC HOST PORT PREFIX (latency SECONDS RATE | load COUNT CARDS)\n");
    return 2;
}
