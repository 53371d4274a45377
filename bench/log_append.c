/* log_append: how fast the log takes batches, on the real disk.
 *
 *   log_append DIR [seconds]
 *
 * Prints, one line a case: batches a second with a flush for each run of so many, processor ns
 * for an append, and the quantiles of a flush (write and sync). */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/histogram.h"
#include "base/rng.h"
#include "store/log/log.h"
#include "wire/kafka/batch.h"

enum { PARTITIONS = 8 };

struct bench {
    struct os *os;
    struct log *log;
    struct log_topic *topic;
    struct buf batch;
    int64_t run_ns;
};

static void fail(const char *what, const struct diag *diag)
{
    fprintf(stderr, "log_append: %s: %s\n", what, diag->message);
    exit(1);
}

static void make_batch(struct bench *b, size_t value_bytes)
{
    struct batch_builder builder;
    uint8_t *value = calloc(1, value_bytes);

    buf_clear(&b->batch);
    batch_builder_init(&builder, KAFKA_CODEC_NONE);
    batch_builder_add(&builder, 1000, BYTES_NONE, bytes_of(value, value_bytes), NULL, 0);
    if (batch_builder_finish(&builder, &b->batch) != ST_OK)
        abort();
    batch_builder_deinit(&builder);
    free(value);
}

/* Appends by runs of `per_flush`, a flush after each, for the given time. */
static void run_case(struct bench *b, const char *name, size_t value_bytes, uint64_t per_flush)
{
    static struct histogram flushes;
    struct diag diag = {0};
    struct log_appended a;
    uint64_t appended = 0, refused = 0;
    int64_t append_ns = 0, began = os_mono_ns(b->os), now = began;

    histogram_clear(&flushes);
    make_batch(b, value_bytes);
    while (now - began < b->run_ns) {
        int64_t at = os_cpu_ns(b->os);
        for (uint64_t i = 0; i < per_flush; i++) {
            struct log_partition *p = log_partition_of(b->topic, (uint32_t)i % PARTITIONS);
            enum status st = log_append(b->log, p, buf_view(&b->batch), &a, &diag);
            if (st == ST_NOSPACE)
                refused++;
            else if (st != ST_OK)
                fail("append", &diag);
            else
                appended++;
        }
        append_ns += os_cpu_ns(b->os) - at;
        int64_t then = os_mono_ns(b->os);
        if (log_flush(b->log) != ST_OK)
            fail("flush", &diag);
        now = os_mono_ns(b->os);
        histogram_add(&flushes, (uint64_t)(now - then));
        (void)log_work(b->log);
    }
    double seconds = (double)(now - began) / 1e9;
    printf("%-22s %10.0f batches/s %8.1f MB/s  append cpu %5.0f ns  flush us p50 %6.0f p99 %7.0f max "
           "%7.0f  refused %llu\n",
           name, (double)appended / seconds, (double)appended * (double)b->batch.len / seconds / 1e6,
           (double)append_ns / (double)(appended ? appended : 1),
           (double)histogram_quantile(&flushes, 0.5) / 1e3,
           (double)histogram_quantile(&flushes, 0.99) / 1e3, (double)flushes.max / 1e3,
           (unsigned long long)refused);
}

int main(int argc, char **argv)
{
    struct bench b = {.os = os_posix()};
    struct diag diag = {0};
    struct log_options memory = {.in_memory = true};

    if (argc < 2) {
        fprintf(stderr, "usage: log_append DIR [seconds]\n");
        return 2;
    }
    b.run_ns = (int64_t)((argc > 2 ? atof(argv[2]) : 3) * 1e9);
    if (log_open(b.os, argv[1], NULL, &b.log, &diag) != ST_OK)
        fail("open", &diag);
    if (log_topic_create(b.log, BYTES_LITERAL("bench"), PARTITIONS, NULL, &b.topic, NULL, &diag) !=
        ST_OK)
        fail("topic", &diag);
    run_case(&b, "100 B, 1 a flush", 100, 1);
    run_case(&b, "100 B, 32 a flush", 100, 32);
    run_case(&b, "100 B, 1000 a flush", 100, 1000);
    run_case(&b, "100 B, 10000 a flush", 100, 10000);
    run_case(&b, "16 KiB, 64 a flush", 16384, 64);
    int64_t at = os_mono_ns(b.os);
    log_close(b.log);
    printf("close %.0f ms", (double)(os_mono_ns(b.os) - at) / 1e6);
    at = os_mono_ns(b.os);
    if (log_open(b.os, argv[1], NULL, &b.log, &diag) != ST_OK)
        fail("open", &diag);
    printf(", open again %.1f ms\n", (double)(os_mono_ns(b.os) - at) / 1e6);
    log_close(b.log);
    if (log_open(b.os, NULL, &memory, &b.log, &diag) != ST_OK)
        fail("open", &diag);
    if (log_topic_create(b.log, BYTES_LITERAL("bench"), PARTITIONS, NULL, &b.topic, NULL, &diag) !=
        ST_OK)
        fail("topic", &diag);
    run_case(&b, "100 B, in memory", 100, 1000);
    log_close(b.log);
    buf_deinit(&b.batch);
    return 0;
}
