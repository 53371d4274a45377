/* quickwater bench nexmark: one query of the suite, as fast as it goes.
 *
 * What is before the clock: the tables, the rows of `memory` (made when the job is opened, before its first
 * tick), the topic of `kafka-json`. What is in it: from there to the last result, durable where
 * there is a log. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "app/cli/bench_dir.h"
#include "app/cli/bench_progress.h"
#include "app/cli/bench_script.h"
#include "app/cli/commands.h"
#include "app/cli/serving.h"
#include "app/server.h"
#include "base/check.h"

enum {
    EVENTS_DEFAULT = 10000000,
    EVENTS_DEFAULT_JSON = 2000000, /* a topic of 0.7 GB */
    SEED_DEFAULT = 42,
    /* What an event takes on disk at most, about: its JSON, its result as JSON, the notes. */
    EVENT_DISK_BYTES = 400, RESULT_DISK_BYTES = 400,
    LOG_DISK_BYTES = 1 << 30, /* the WAL, and the reserve under which the log refuses */
};
static const uint64_t MEMORY_RESERVE_BYTES = UINT64_C(1) << 30; /* for the query's own state */
static const int64_t PASS_NS = 100000000;

struct bench {
    struct bench_script script;
    const char *data;
    int64_t shards;
    bool json;
    struct bench_dir dir;
    struct bench_progress progress;
    struct server *server;
    struct session *session;
    enum status st;
    struct diag diag;
    bool done;
};

static void on_result(void *context, struct engine_result *result)
{
    (void)context;
    engine_result_free(result);
}

static void on_done(void *context, enum status st, const struct diag *diag)
{
    struct bench *b = context;

    b->st = st;
    if (diag)
        b->diag = *diag;
    b->done = true;
}

static bool failed_sql(struct bench *b, const char *sql)
{
    struct arena arena;

    if (b->st == ST_CLOSED) {
        fail_ours("%s: stopped by a signal", b->script.query);
        return false;
    }
    arena_init(&arena, ARENA_BUDGET_NONE);
    fail_user("%s: %s", b->script.query, sql_error_text(&arena, bytes_str(sql), &b->diag));
    arena_deinit(&arena);
    return false;
}

/* Runs a script to its end; false after saying what is wrong. *begin: when its jobs were open and none had
 * had a tick. */
static bool run_sql(struct bench *b, const char *sql, int64_t begin[2])
{
    struct os *os = os_posix();

    b->done = false;
    engine_run(b->session, bytes_str(sql), on_result, on_done, b);
    if (begin) {
        begin[0] = os_mono_ns(os);
        begin[1] = os_cpu_ns(os);
    }
    while (!b->done)
        loop_pass(server_loop(b->server), PASS_NS);
    return b->st == ST_OK || failed_sql(b, sql);
}

/* The one job there is. */
static struct job *the_job(const struct bench *b)
{
    return engine_job_next(server_engine(b->server), NULL);
}

/* Until the bounded job is at its end. */
static bool run_to_end(struct bench *b, const char *step)
{
    struct job_info info;
    bool ok = false;

    bench_progress_begin(&b->progress, os_posix(), step);
    for (;;) {
        job_info(the_job(b), &info);
        if (info.state == JOB_FAILED || info.state == JOB_DIVERGED) {
            fail_ours("%s: the job has failed: %s", b->script.query, info.error);
            break;
        }
        if (log_failure(server_log(b->server))) {
            fail_ours("%s: the log has failed: %s", b->script.query,
                      log_failure(server_log(b->server)));
            break;
        }
        ok = server_finished(b->server);
        if (ok)
            break;
        if (!bench_progress_turn(&b->progress, (int64_t)info.rows_in, b->script.events)) {
            fail_ours("%s: stopped by a signal", b->script.query);
            break;
        }
        loop_pass(server_loop(b->server), PASS_NS);
    }
    bench_progress_end(&b->progress);
    return ok;
}

/* ---- what is before the clock ---- */

static bool run_script(struct bench *b, void (*write)(const struct bench_script *, struct buf *),
                       int64_t begin[2])
{
    struct buf sql;

    buf_init(&sql, 0);
    write(&b->script, &sql);
    bool ok = run_sql(b, (const char *)sql.ptr, begin);
    buf_deinit(&sql);
    return ok;
}

/* Events are of 2020, and must not be too old to keep. */
static bool make_topic(struct bench *b)
{
    struct log_topic_options options = {.retention_ms = -1};
    struct log_topic *topic;

    if (log_topic_create(server_log(b->server), bytes_str(BENCH_TOPIC), 1, &options, &topic, NULL,
                         &b->diag) == ST_OK)
        return true;
    fail_ours("%s", b->diag.message);
    return false;
}

static bool fill_topic(struct bench *b)
{
    uint64_t lsn;

    if (!run_script(b, bench_script_fill, NULL) || !run_to_end(b, "writing the topic"))
        return false;
    if (job_drop(the_job(b), &lsn) == ST_OK)
        return true;
    fail_ours("the job that filled the topic cannot be dropped");
    return false;
}

static bool prepare(struct bench *b)
{
    if (b->script.source == BENCH_KAFKA_JSON && !make_topic(b))
        return false;
    if (!run_script(b, bench_script_tables, NULL))
        return false;
    return b->script.source != BENCH_KAFKA_JSON || fill_topic(b);
}

static bool on_preload(void *context, int64_t rows, int64_t all)
{
    struct bench *b = context;

    return bench_progress_turn(&b->progress, rows, all);
}

/* What programs may still take without swapping, as the kernel estimates; 0: not known. */
static uint64_t memory_available(void)
{
    FILE *file = fopen("/proc/meminfo", "r");
    char line[128];
    unsigned long long kib = 0;

    while (file && fgets(line, sizeof(line), file) &&
           sscanf(line, "MemAvailable: %llu kB", &kib) != 1)
        ;
    if (file)
        fclose(file);
    return (uint64_t)kib * 1024;
}

static void bound_memory(struct bench *b)
{
    uint64_t available = memory_available();

    if (!available)
        return;
    b->script.preload_bytes_max =
        available > 2 * MEMORY_RESERVE_BYTES ? available - MEMORY_RESERVE_BYTES : available / 2;
}

/* ---- the measurement ---- */

static uint64_t peak_rss_bytes(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss * 1024;
}

static void report(const struct bench *b, double seconds, double cpu)
{
    struct job_info info;
    struct job_output output;
    const char *query = b->script.query;
    int64_t events = b->script.events;
    double per_second = seconds > 0 ? (double)events / seconds : 0;

    job_info(the_job(b), &info);
    job_output(the_job(b), &output);
    if (b->json)
        printf("{\"query\":\"%s\",\"events\":%" PRId64 ",\"seconds\":%.3f,\"events_per_second\":%.0f,"
               "\"cpu_seconds\":%.9f,\"shards\":%" PRId64 ",\"output_rows\":%" PRIu64
               ",\"output_hash\":\"%016" PRIx64 "\",\"peak_rss_bytes\":%" PRIu64 ",\"latency_us\":{\"p50\":%" PRIu64
               ",\"p99\":%" PRIu64 ",\"p999\":%" PRIu64 "}}\n",
               query, events, seconds, per_second, cpu, b->shards, output.rows, output.hash, peak_rss_bytes(),
               histogram_quantile(info.latency_us, 0.5), histogram_quantile(info.latency_us, 0.99),
               histogram_quantile(info.latency_us, 0.999));
    else
        printf("%-4s %12" PRId64 " events  %8.3f s  %12.0f events/s  %8.3f cpu s  %10" PRIu64
               " rows  hash %016" PRIx64 "  peak %" PRIu64 " MB\n",
               query, events, seconds, per_second, cpu, output.rows, output.hash,
               peak_rss_bytes() >> 20);
}

static bool measure(struct bench *b)
{
    struct os *os = os_posix();
    int64_t begin[2];

    if (!prepare(b))
        return false;
    bench_progress_begin(&b->progress, os, "making the rows");
    bool ok = run_script(b, bench_script_query, begin);
    bench_progress_end(&b->progress);
    if (ok && run_to_end(b, b->script.query)) {
        report(b, (double)(os_mono_ns(os) - begin[0]) / 1e9,
               (double)(os_cpu_ns(os) - begin[1]) / 1e9);
        return true;
    }
    return false;
}

static int run_in(struct bench *b, const char *dir)
{
    struct server_options options = {.shards = (uint32_t)b->shards, .data_dir = dir,
                                     .engine = {.source_clock = true, .on_preload = on_preload,
                                                .preload_context = b}};
    int code = EXIT_OURS;

    if (server_open(os_posix(), &options, &b->server, &b->diag) != ST_OK)
        return fail_ours("%s", b->diag.message);
    b->session = engine_session_open(server_engine(b->server));
    if (measure(b))
        code = 0;
    engine_session_close(b->session);
    server_close(b->server);
    return code;
}

static uint64_t disk_need(const struct bench *b)
{
    uint64_t an_event = RESULT_DISK_BYTES;

    if (b->script.source == BENCH_GENERATOR)
        return LOG_DISK_BYTES;
    if (b->script.source == BENCH_KAFKA_JSON)
        an_event += EVENT_DISK_BYTES;
    return LOG_DISK_BYTES + (uint64_t)b->script.events * an_event;
}

static int run_query(struct bench *b)
{
    struct os *os = os_posix();

    serving_block_signals();
    if (b->script.source == BENCH_MEMORY)
        bound_memory(b);
    if (b->script.source == BENCH_GENERATOR && !b->data)
        return run_in(b, NULL);
    int code = bench_dir_open(&b->dir, os, b->data);
    if (code)
        return code;
    code = bench_dir_need(&b->dir, os, disk_need(b));
    if (!code)
        code = run_in(b, b->dir.path);
    bench_dir_close(&b->dir, os);
    return code;
}

static bool source_named(const char *name, enum bench_source *out)
{
    for (int i = 0; i < BENCH_SOURCES; i++)
        if (strcmp(name, bench_source_names[i]) == 0) {
            *out = (enum bench_source)i;
            return true;
        }
    return false;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct bench b = {.shards = 1, .script = {.seed = SEED_DEFAULT}};
    struct bench_script *script = &b.script;
    const char *source = bench_source_names[BENCH_GENERATOR], *results = "log";
    const struct arg args[] = {
        {"--query", "qN", "which query of Nexmark, q0 to q23, cep0 to cep3", ARG_TEXT, &script->query},
        {"--events", "N", "events (default 10,000,000; for kafka-json 2,000,000)", ARG_NUMBER, &script->events},
        {"--shards", "P", "shards, each on a thread (default 1)", ARG_NUMBER, &b.shards},
        {"--source", "NAME", "generator (default), memory or kafka-json", ARG_TEXT, &source},
        {"--results", "WHERE", "of memory and kafka-json: log (default), or none: hashed and swallowed", ARG_TEXT,
         &results},
        {"--seed", "N", "of the events (default 42)", ARG_NUMBER, &script->seed},
        {"--data", "DIR",
         "a new directory for the log, which stays (default: none for generator, else a "
         "temporary one)",
         ARG_TEXT, &b.data},
        {"--json", NULL, "one line of JSON", ARG_FLAG, &b.json},
        {0}};
    script->events = -1;
    int count = args_parse(self, args, argc, argv);

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    if (count != 1 || strcmp(argv[1], "nexmark") != 0)
        return fail_user("bench: the one suite is nexmark: quickwater bench %s", self->usage);
    if (!script->query || !bench_query_text(script->query))
        return fail_user("bench: --query '%s' is not one of q0 to q23 and cep0 to cep3 that there are statements for",
                         script->query ? script->query : "");
    if (!source_named(source, &script->source))
        return fail_user("bench: there is no --source '%s': generator, memory or kafka-json", source);
    script->swallow = strcmp(results, "none") == 0;
    if (!script->swallow && strcmp(results, "log") != 0)
        return fail_user("bench: --results '%s' is neither log nor none", results);
    if (script->events == -1)
        script->events = script->source == BENCH_KAFKA_JSON ? EVENTS_DEFAULT_JSON : EVENTS_DEFAULT;
    if (script->events < 1 || b.shards < 1)
        return fail_user("bench: --events and --shards must be at least 1");
    return run_query(&b);
}

const struct command command_bench = {
    .name = "bench",
    .usage = "nexmark --query q0..q23|cep0..cep3 [--events N] [--shards P] [--source NAME] [--json]",
    .help = "run a query of the Nexmark suite as fast as it goes",
    .more = "generator   makes the columns that the query reads, in the measured time; all is in memory\n"
            "memory      the same columns are made before the clock starts, and read from memory\n"
            "kafka-json  a topic of JSON in the log is written before the clock starts, and read\n"
            "With the last two, notes go to the synced log, and results too unless --results none. The answer of a "
            "query\n"
            "is the same for every source: compare output_hash. latency_us counts from the taking of a\n"
            "tick's events to its results' being durable.",
    .run = run,
};
