/* kill.c: kills the server with SIGKILL under load, again and again, and reads everything back.
 *
 * usage: kill QUICKWATER ROUNDS [SEED]
 *
 * (The table `events$late` is the topic `events.late`: Kafka's names have no '$'.)
 *
 * A round: start the server, produce with an idempotent librdkafka producer, kill at a random
 * moment, start again (on one shard, on two in turn), let the jobs catch up, and compare with what was
 * acknowledged:
 *   - no acknowledged event is missing, and no event is there twice;
 *   - the filtered topic has each result exactly once;
 *   - each view equals a recomputation over the log, the windows over the log less `events$late`.
 * Ends in a line `N passed, N failed`, a check of a round being one.
 */
#include <inttypes.h>
#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "lib/child.h"

enum {
    EVENTS_MAX = 4000000, KEYS = 50, WINDOW_MS = 10000, WINDOWS_MAX = 20000, DELAY_MS = 2000, LATE_EVERY = 50,
    /* counted in looks, and far more than are needed: a machine that stands still is not held against anybody */
    METADATA_TRIES = 30, POLLS_EMPTY_MAX = 300, LOOKS_MAX = 1200,
    ROUND_EVENTS_MAX = 4000, /* so that a hundred rounds read back in minutes */
};
static const int64_t base_ms = 1767225600000; /* 2026-01-01 */

struct event {
    uint8_t produced, acked, seen, late, odd_seen;
    int32_t k, v;
    int64_t ts_ms;
};

struct totals {
    int64_t n, s, m;
};

static struct event *events;
static int32_t *ids; /* of the event at an offset, + 1 */
static atomic_long next_id;
static atomic_bool producing;
static struct rng rng;
static int failures, passes;
static int64_t seen_count, odd_count;
static struct totals totals[KEYS];
static struct totals (*windows)[KEYS]; /* [window][key], without the late ones */

static void failed(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void failed(const char *format, ...)
{
    va_list args;

    failures++;
    fputs("FAIL ", stdout);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

/* Like failed, but only when `tell`; 1. */
#define complain(tell, ...) ((tell) ? failed(__VA_ARGS__) : (void)0, 1)

static const char setup_sql[] =
    "CREATE TABLE events (id BIGINT, k STRING, v BIGINT, ts TIMESTAMP(3),"
    " WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)"
    " WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json');"
    "CREATE MATERIALIZED TABLE totals AS SELECT k, COUNT(*) AS n, SUM(v) AS s, MAX(v) AS m"
    " FROM events GROUP BY k;"
    "CREATE MATERIALIZED TABLE by_window AS SELECT window_start, k, COUNT(*) AS n, SUM(v) AS s,"
    " MAX(v) AS m FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))"
    " GROUP BY window_start, window_end, k;"
    "CREATE TABLE odd (id BIGINT, v BIGINT)"
    " WITH ('connector' = 'kafka', 'topic' = 'odd', 'format' = 'json');"
    "INSERT INTO odd SELECT id, v FROM events WHERE MOD(v, 2) = 1;";

/* ---- producing ---- */

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    (void)opaque;
    if (!message->err)
        events[(intptr_t)message->_private].acked = 1;
}

static void make_event(long id)
{
    struct event *e = &events[id];
    int64_t jitter = rng_between(&rng, -1500, 0);

    if (id % LATE_EVERY == LATE_EVERY - 1)
        jitter -= rng_between(&rng, 5000, 40000);
    e->k = (int32_t)rng_below(&rng, KEYS);
    e->v = (int32_t)rng_below(&rng, 1000);
    e->ts_ms = base_ms + id * 2 + jitter;
    if (e->ts_ms < base_ms)
        e->ts_ms = base_ms;
    e->produced = 1;
}

static int event_json(const struct event *e, long id, char *to, size_t size)
{
    time_t seconds = (time_t)(e->ts_ms / 1000);
    struct tm tm;
    char when[32];

    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &tm));
    return snprintf(to, size, "{\"id\":%ld,\"k\":\"k%d\",\"v\":%d,\"ts\":\"%s.%03d\"}", id, e->k, e->v,
                    when, (int)(e->ts_ms % 1000));
}

static void *produce(void *context)
{
    const struct child *child = context;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[256], value[160];

    rd_kafka_conf_set(conf, "bootstrap.servers", child->kafka, NULL, 0);
    rd_kafka_conf_set(conf, "enable.idempotence", "true", NULL, 0);
    rd_kafka_conf_set(conf, "linger.ms", "1", NULL, 0);
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    if (!rk)
        give_up("producer: %s", error);
    long until = next_id + ROUND_EVENTS_MAX;
    while (producing && next_id < EVENTS_MAX) {
        if (next_id >= until) {
            rd_kafka_poll(rk, 10);
            continue;
        }
        long id = next_id++;
        make_event(id);
        int len = event_json(&events[id], id, value, sizeof(value));
        while (producing &&
               rd_kafka_producev(rk, RD_KAFKA_V_TOPIC("events"), RD_KAFKA_V_VALUE(value, (size_t)len),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                 RD_KAFKA_V_OPAQUE((void *)(intptr_t)id), RD_KAFKA_V_END))
            rd_kafka_poll(rk, 5);
        if (rd_kafka_outq_len(rk) > 2000)
            rd_kafka_poll(rk, 5);
        else if (id % 20 == 0)
            rd_kafka_poll(rk, 1);
    }
    /* What is under way when the server dies stays unanswered: it may be there once, or not. */
    rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(rk, 10);
    rd_kafka_destroy(rk);
    return NULL;
}

/* ---- reading back ---- */

typedef void message_fn(const rd_kafka_message_t *message);

struct topic_reader {
    const char *topic;
    int64_t next[64]; /* by partition */
    message_fn *fn;
};

static int partitions_of(rd_kafka_t *rk, const char *topic)
{
    const struct rd_kafka_metadata *meta;
    rd_kafka_resp_err_t error;
    int count = 0;

    for (int i = 0; (error = rd_kafka_metadata(rk, 1, NULL, &meta, 10000)) != RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        if (i == METADATA_TRIES)
            give_up("no metadata of %s: %s", topic, rd_kafka_err2str(error));
    for (int i = 0; i < meta->topic_cnt; i++)
        if (strcmp(meta->topics[i].topic, topic) == 0)
            count = meta->topics[i].partition_cnt;
    rd_kafka_metadata_destroy(meta);
    return count;
}

/* Reads every partition from where the last call ended to its end. */
static void read_topic(const struct child *child, struct topic_reader *reader)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[256];

    rd_kafka_conf_set(conf, "bootstrap.servers", child->kafka, NULL, 0);
    rd_kafka_conf_set(conf, "group.id", "kill", NULL, 0);
    rd_kafka_conf_set(conf, "enable.partition.eof", "true", NULL, 0);
    rd_kafka_conf_set(conf, "auto.offset.reset", "error", NULL, 0);
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
    rd_kafka_poll_set_consumer(rk);
    int partitions = partitions_of(rk, reader->topic), ended = 0;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    for (int p = 0; p < partitions && p < 64; p++)
        rd_kafka_topic_partition_list_add(list, reader->topic, p)->offset = reader->next[p];
    rd_kafka_assign(rk, list);
    int empty = 0;
    while (ended < partitions) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, 1000);
        if (!message && ++empty > POLLS_EMPTY_MAX)
            give_up("%s cannot be read to its end: %d of %d partitions ended, partition 0 is at offset %" PRId64,
                    reader->topic, ended, partitions, reader->next[0]);
        if (!message)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            ended++;
        } else if (message->err) {
            failed("reading %s: %s", reader->topic, rd_kafka_message_errstr(message));
            ended = partitions;
        } else {
            if (message->offset != reader->next[message->partition])
                failed("%s: offset %" PRId64 " comes where %" PRId64 " should", reader->topic,
                       message->offset, reader->next[message->partition]);
            reader->next[message->partition] = message->offset + 1;
            reader->fn(message);
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

static long number_after(const rd_kafka_message_t *message, const char *name)
{
    const char *at = memmem(message->payload, message->len, name, strlen(name));
    return at ? strtol(at + strlen(name), NULL, 10) : -1;
}

static void add(struct totals *t, const struct event *e, int sign)
{
    t->n += sign;
    t->s += sign * e->v;
    if (sign > 0 && (t->n == 1 || e->v > t->m))
        t->m = e->v;
}

static void on_event(const rd_kafka_message_t *message)
{
    long id = number_after(message, "\"id\":");

    if (id < 0 || id >= next_id || !events[id].produced) {
        failed("events has a record that nobody made: %.*s", (int)message->len,
               (const char *)message->payload);
        return;
    }
    if (events[id].seen++)
        failed("event %ld is there twice", id);
    ids[message->offset] = (int32_t)id + 1;
    seen_count++;
    add(&totals[events[id].k], &events[id], 1);
}

static void on_odd(const rd_kafka_message_t *message)
{
    long id = number_after(message, "\"id\":");

    if (id < 0 || id >= next_id || events[id].v % 2 == 0)
        failed("odd has a record that does not belong there");
    else if (events[id].odd_seen++)
        failed("the result for event %ld is there twice", id);
    odd_count++;
}

/* Late for the window job: the event that lies at the offset told, once. */
static void on_late(const rd_kafka_message_t *message)
{
    long partition = number_after(message, "\"partition\":"), at = number_after(message, "\"offset\":");
    long id = partition == 0 && at >= 0 && at < EVENTS_MAX ? ids[at] - 1 : -1;

    if (id < 0 || events[id].late)
        failed("events$late has a row that is no event's, or one twice: %.*s", (int)message->len,
               (const char *)message->payload);
    else
        events[id].late = 1;
}

/* ---- comparing ---- */

static int64_t sql_number(const struct child *child, const char *sql)
{
    char *out = child_sql(child, "csv", sql), *line = out ? strchr(out, '\n') : NULL;
    int64_t value = line ? strtoll(line + 1, NULL, 10) : -1;

    free(out);
    return value;
}

static void wait_for_jobs(const struct child *child)
{
    int64_t n = -1;

    for (int look = 0; look < LOOKS_MAX; look++) {
        n = sql_number(child, "SELECT SUM(n) FROM totals");
        if (n >= seen_count)
            return;
        usleep(50000);
    }
    failed("the view has counted %" PRId64 " of %" PRId64 " events", n, seen_count);
}

static void compare_totals(const struct child *child)
{
    char *out = child_sql(child, "json", "SELECT k, n, s, m FROM totals"), *state = NULL;
    int rows = 0, expected = 0;

    for (char *line = strtok_r(out, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
        json_t *row = json_loads(line, 0, NULL);
        int k = atoi(json_string_value(json_object_get(row, "k")) + 1);
        const struct totals *t = &totals[k];
        if (json_integer_value(json_object_get(row, "n")) != t->n ||
            json_integer_value(json_object_get(row, "s")) != t->s ||
            json_integer_value(json_object_get(row, "m")) != t->m)
            failed("totals of k%d are %s, expected n %" PRId64 " s %" PRId64 " m %" PRId64, k, line,
                   t->n, t->s, t->m);
        rows++;
        json_decref(row);
    }
    for (int k = 0; k < KEYS; k++)
        expected += totals[k].n > 0;
    if (rows != expected)
        failed("totals has %d rows, expected %d", rows, expected);
    free(out);
}

static void recompute_windows(void)
{
    memset(windows, 0, WINDOWS_MAX * sizeof(*windows));
    for (long id = 0; id < next_id; id++) {
        const struct event *e = &events[id];
        int64_t w = (e->ts_ms - base_ms) / WINDOW_MS;
        if (e->seen && !e->late && w < WINDOWS_MAX)
            add(&windows[w][e->k], e, 1);
    }
}

static int64_t parse_window(const char *text)
{
    struct tm tm = {0};

    if (!strptime(text, "%Y-%m-%d %H:%M:%S", &tm))
        return -1;
    return ((int64_t)timegm(&tm) * 1000 - base_ms) / WINDOW_MS;
}

/* How many rows differ; they are told when `tell`. */
static int compare_windows(const struct child *child, bool tell)
{
    char *out = child_sql(child, "json", "SELECT window_start, k, n, s, m FROM by_window");
    char *state = NULL;
    int64_t newest = -1, rows = 0, expected = 0;
    int wrong = 0;

    recompute_windows();
    for (char *line = strtok_r(out, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
        json_t *row = json_loads(line, 0, NULL);
        int64_t w = parse_window(json_string_value(json_object_get(row, "window_start")));
        int k = atoi(json_string_value(json_object_get(row, "k")) + 1);
        const struct totals *t = w < 0 || w >= WINDOWS_MAX ? NULL : &windows[w][k];
        if (!t || json_integer_value(json_object_get(row, "n")) != t->n ||
            json_integer_value(json_object_get(row, "s")) != t->s ||
            json_integer_value(json_object_get(row, "m")) != t->m)
            wrong += complain(tell, "window is %s, expected n %" PRId64 " s %" PRId64, line,
                              t ? t->n : -1, t ? t->s : -1);
        if (w > newest)
            newest = w;
        rows++;
        json_decref(row);
    }
    for (int64_t w = 0; w <= newest && w < WINDOWS_MAX; w++)
        for (int k = 0; k < KEYS; k++)
            expected += windows[w][k].n > 0;
    if (rows != expected)
        wrong += complain(tell, "by_window has %" PRId64 " rows up to its newest window, expected %" PRId64,
                          rows, expected);
    free(out);
    return wrong;
}

static void check_events(void)
{
    int64_t odd = 0;

    for (long id = 0; id < next_id; id++) {
        if (events[id].acked && !events[id].seen)
            failed("event %ld was acknowledged and is not there", id);
        odd += events[id].seen && events[id].v % 2 == 1;
    }
    if (odd != odd_count)
        failed("odd has %" PRId64 " records, expected %" PRId64, odd_count, odd);
}

/* The other jobs may be behind the one that was waited for: looks again until they are there, and tells
 * what is wrong only when their time is up. */
static void wait_for_odd(const struct child *child, struct topic_reader *reader)
{
    int64_t expected = 0;

    for (long id = 0; id < next_id; id++)
        expected += events[id].seen && events[id].v % 2 == 1;
    for (int i = 0; i < LOOKS_MAX && odd_count < expected; i++) {
        read_topic(child, reader);
        if (odd_count < expected)
            usleep(50000);
    }
}

static void wait_for_windows(const struct child *child, struct topic_reader *late)
{
    for (int i = 0; i < LOOKS_MAX / 4; i++) {
        read_topic(child, late);
        if (compare_windows(child, false) == 0)
            return;
        usleep(250000);
    }
    compare_windows(child, true);
}

static void check_round(const struct child *child, int round)
{
    static struct topic_reader log_reader = {.topic = "events", .fn = on_event};
    static struct topic_reader odd_reader = {.topic = "odd", .fn = on_odd};
    static struct topic_reader late_reader = {.topic = "events.late", .fn = on_late};
    int before = failures;

    read_topic(child, &log_reader);
    wait_for_jobs(child);
    wait_for_odd(child, &odd_reader);
    check_events();
    compare_totals(child);
    if (round % 5 == 0)
        wait_for_windows(child, &late_reader);
    if (failures == before)
        passes++;
    printf("%s round %d: %" PRId64 " events, %" PRId64 " results\n",
           failures == before ? "ok" : "FAIL", round, seen_count, odd_count);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return fprintf(stderr, "usage: kill QUICKWATER ROUNDS [SEED]\n"), 2;
    char dir[] = "/tmp/quickwater-kill-XXXXXX";
    struct child child = {.binary = argv[1], .dir = mkdtemp(dir)};
    int rounds = atoi(argv[2]);
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
    pthread_t producer;

    rng = rng_seed(seed);
    struct rng when = rng_seed(seed + 1);
    events = calloc(EVENTS_MAX, sizeof(*events));
    ids = calloc(EVENTS_MAX, sizeof(*ids));
    windows = calloc(WINDOWS_MAX, sizeof(*windows));
    printf("seed %" PRIu64 ", data in %s\n", seed, dir);
    child_start(&child);
    free(child_sql(&child, "csv", setup_sql));
    for (int round = 1; round <= rounds && failures < 20; round++) {
        producing = true;
        pthread_create(&producer, NULL, produce, &child);
        usleep((useconds_t)rng_below(&when, 600000) + 30000);
        child_kill(&child);
        producing = false;
        pthread_join(producer, NULL);
        child.shards = 1 + (unsigned)round % 2;
        child_start(&child);
        check_round(&child, round);
    }
    if (child_stop(&child) != 0)
        failed("a clean stop did not end with exit code 0");
    if (failures == 0)
        child_forget(&child);
    printf("%d passed, %d failed\n", passes, failures);
    return failures != 0;
}
