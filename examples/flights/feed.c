/* feed.c: a Kafka producer that delivers real flights when they really arrived, sped up.
 *
 * usage: feed BROKERS FILE.csv.zst [SPEED [SECONDS]]
 *
 * The file's lines are in order of arrival. SPEED is event time over real time: 3600 (the default)
 * makes an hour of January 2001 pass in a second. Ends at the end of the file, or after SECONDS.
 * An ordinary client: nothing in it knows Quickwater.
 */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

enum { LINE_MAX_BYTES = 256 };

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* All bytes of a file; NULL with a message. */
static char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");

    if (!file || fseek(file, 0, SEEK_END))
        return fprintf(stderr, "feed: cannot open %s\n", path), NULL;
    long size = ftell(file);
    char *bytes = size > 0 ? malloc((size_t)size) : NULL;
    rewind(file);
    *len = bytes ? fread(bytes, 1, (size_t)size, file) : 0;
    fclose(file);
    if (*len == 0 || *len != (size_t)size)
        return fprintf(stderr, "feed: cannot read %s\n", path), free(bytes), NULL;
    return bytes;
}

/* The whole file, decompressed and terminated by a zero; NULL with a message. */
static char *read_flights(const char *path)
{
    size_t len;
    char *packed = read_file(path, &len), *text = NULL;

    if (!packed)
        return NULL;
    unsigned long long size = ZSTD_getFrameContentSize(packed, len);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > 1ull << 30) {
        fprintf(stderr, "feed: %s is not a zstd file of known size\n", path);
    } else if (!(text = malloc(size + 1)) || ZSTD_isError(ZSTD_decompress(text, size, packed, len))) {
        fprintf(stderr, "feed: %s does not decompress\n", path);
        free(text);
        text = NULL;
    } else {
        text[size] = 0;
    }
    free(packed);
    return text;
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct flight {
    int64_t scheduled_minute;
    int delay, distance;
    char origin[8], destination[8];
};

/* Takes the line at *at; false at the end. (sscanf on the whole text would measure it each time.) */
static int next_flight(char **at, struct flight *flight)
{
    char *end = strchr(*at, '\n');

    if (!end)
        return 0;
    *end = 0;
    int fields = sscanf(*at, "%" SCNd64 ",%d,%d,%7[^,],%7s", &flight->scheduled_minute, &flight->delay,
                        &flight->distance, flight->origin, flight->destination);
    *at = end + 1;
    return fields == 5;
}

static int send_flight(rd_kafka_t *producer, const struct flight *flight)
{
    char json[LINE_MAX_BYTES], when[32];
    time_t seconds = (time_t)(flight->scheduled_minute * 60);
    struct tm tm;

    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &tm));
    int len = snprintf(json, sizeof(json),
                       "{\"scheduled\":\"%s\",\"delay\":%d,\"distance\":%d,\"origin\":\"%s\","
                       "\"destination\":\"%s\"}",
                       when, flight->delay, flight->distance, flight->origin, flight->destination);
    rd_kafka_resp_err_t error;
    do {
        error = rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("flights"),
                                  RD_KAFKA_V_KEY(flight->origin, strlen(flight->origin)),
                                  RD_KAFKA_V_VALUE(json, (size_t)len),
                                  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(producer, 100);
    } while (error == RD_KAFKA_RESP_ERR__QUEUE_FULL && !stopped);
    if (error)
        fprintf(stderr, "feed: %s\n", rd_kafka_err2str(error));
    return error ? -1 : 0;
}

/* Waits until the moment at which this flight arrives on the sped-up clock. */
static void wait_until(rd_kafka_t *producer, double when)
{
    double left;

    while (!stopped && (left = when - seconds_now()) > 0)
        rd_kafka_poll(producer, left > 0.02 ? 20 : (int)(left * 1000));
}

static rd_kafka_t *open_producer(const char *brokers)
{
    char error[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, error, sizeof(error)) ||
        rd_kafka_conf_set(conf, "client.id", "flights-feed", error, sizeof(error)) ||
        rd_kafka_conf_set(conf, "enable.idempotence", "true", error, sizeof(error)) ||
        rd_kafka_conf_set(conf, "linger.ms", "1", error, sizeof(error))) {
        fprintf(stderr, "feed: %s\n", error);
        return NULL;
    }
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    if (!producer)
        fprintf(stderr, "feed: %s\n", error);
    return producer;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return fprintf(stderr, "usage: feed BROKERS FILE.csv.zst [SPEED [SECONDS]]\n"), 2;
    double speed = argc > 3 ? atof(argv[3]) : 3600, seconds = argc > 4 ? atof(argv[4]) : 0;
    char *text = read_flights(argv[2]), *at = text ? strchr(text, '\n') : NULL;
    rd_kafka_t *producer = at ? open_producer(argv[1]) : NULL;
    double start = seconds_now();
    int64_t first_minute = 0, sent = 0;
    struct flight f;

    if (at)
        at++; /* behind the head */
    if (!producer || speed <= 0)
        return 1;
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    while (!stopped && next_flight(&at, &f)) {
        int64_t arrived = f.scheduled_minute + f.delay;
        if (sent == 0)
            first_minute = arrived;
        double due = start + (double)(arrived - first_minute) * 60 / speed;
        if (seconds > 0 && due > start + seconds)
            break;
        wait_until(producer, due);
        if (send_flight(producer, &f))
            break;
        sent++;
    }
    rd_kafka_resp_err_t left = rd_kafka_flush(producer, 10000);
    printf("feed: %" PRId64 " flights delivered%s\n", sent, left ? ", some not acknowledged" : "");
    rd_kafka_destroy(producer);
    free(text);
    return left ? 1 : 0;
}
