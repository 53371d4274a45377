/* quickwater bench nexmark: one query of the suite over generated events, as fast as it goes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "app/cli/commands.h"
#include "app/server.h"
#include "base/buf.h"
#include "base/check.h"

static
#include "app/nexmark_sql.inc"

enum { EVENTS_DEFAULT = 10000000, SPAN_SECONDS = 1000 };

struct bench {
    const char *query, *source, *data;
    int64_t events, shards;
    bool json;
    struct server *server;
    struct session *session;
    enum status st;
    struct diag diag;
    bool done;
};

static const char *text_of(const char *name)
{
    for (size_t i = 0; nexmark_sql[i].name; i++)
        if (strcmp(nexmark_sql[i].name, name) == 0)
            return nexmark_sql[i].text;
    return NULL;
}

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

/* Runs a script to its end; false after saying what is wrong. */
static bool run_sql(struct bench *b, const char *sql)
{
    struct arena arena;

    b->done = false;
    engine_run(b->session, bytes_str(sql), on_result, on_done, b);
    while (!b->done)
        loop_pass(server_loop(b->server), -1);
    if (b->st == ST_OK)
        return true;
    arena_init(&arena, ARENA_BUDGET_NONE);
    fail_user("%s: %s", b->query, sql_error_text(&arena, bytes_str(sql), &b->diag));
    arena_deinit(&arena);
    return false;
}

/* Event time goes on so that the events span SPAN_SECONDS at least, whatever their number. */
static void write_ddl(const struct bench *b, struct buf *sql)
{
    int64_t rate = b->events / SPAN_SECONDS;

    if (rate < 1)
        rate = 1;
    buf_printf(sql, "SET 'pipeline.name' = 'nexmark_%s';\n", b->query);
    const char *ddl = text_of("ddl");
    static const char marked[] = "'connector' = 'nexmark'";
    const char *mark = strstr(ddl, marked);
    CHECK(mark != NULL);
    buf_append(sql, ddl, (size_t)(mark - ddl));
    buf_printf(sql,
               "'connector' = 'nexmark', 'events.num' = '%" PRId64 "', 'first-event.rate' = '%" PRId64
               "', 'next-event.rate' = '%" PRId64 "', 'rate.limited' = 'false'",
               b->events, rate, rate);
    buf_str(sql, mark + sizeof(marked) - 1);
}

static struct job *find_job(struct bench *b)
{
    return engine_job_next(server_engine(b->server), NULL);
}

/* Until the bounded job is at its end. */
static bool run_to_end(struct bench *b)
{
    struct job_info info;

    for (;;) {
        job_info(find_job(b), &info);
        if (info.state == JOB_FAILED || info.state == JOB_DIVERGED) {
            fail_ours("%s: the job has failed: %s", b->query, info.error);
            return false;
        }
        if (engine_finished(server_engine(b->server)))
            return true;
        loop_pass(server_loop(b->server), -1);
    }
}

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
    double per_second = seconds > 0 ? (double)b->events / seconds : 0;

    job_info(find_job((struct bench *)b), &info);
    job_output(find_job((struct bench *)b), &output);
    if (b->json)
        printf("{\"query\":\"%s\",\"events\":%" PRId64 ",\"seconds\":%.3f,\"events_per_second\":%.0f,"
               "\"cpu_seconds\":%.3f,\"shards\":%" PRId64 ",\"output_rows\":%" PRIu64
               ",\"output_hash\":\"%016" PRIx64 "\",\"peak_rss_bytes\":%" PRIu64
               ",\"latency_us\":{\"p50\":%" PRIu64 ",\"p99\":%" PRIu64 ",\"p999\":%" PRIu64 "}}\n",
               b->query, b->events, seconds, per_second, cpu, b->shards, output.rows, output.hash,
               peak_rss_bytes(), histogram_quantile(info.latency_us, 0.5),
               histogram_quantile(info.latency_us, 0.99), histogram_quantile(info.latency_us, 0.999));
    else
        printf("%-4s %12" PRId64 " events  %8.3f s  %12.0f events/s  %8.3f cpu s  %10" PRIu64
               " rows  hash %016" PRIx64 "  peak %" PRIu64 " MB\n",
               b->query, b->events, seconds, per_second, cpu, output.rows, output.hash,
               peak_rss_bytes() >> 20);
}

static bool measure(struct bench *b)
{
    struct os *os = os_posix();
    struct buf sql;
    bool ok;

    buf_init(&sql, 0);
    write_ddl(b, &sql);
    buf_u8(&sql, 0);
    ok = run_sql(b, (const char *)sql.ptr);
    buf_deinit(&sql);
    if (!ok)
        return false;
    int64_t from = os_mono_ns(os), cpu_from = os_cpu_ns(os);
    ok = run_sql(b, text_of(b->query)) && run_to_end(b);
    if (ok)
        report(b, (double)(os_mono_ns(os) - from) / 1e9, (double)(os_cpu_ns(os) - cpu_from) / 1e9);
    return ok;
}

static int run_query(struct bench *b)
{
    struct server_options options = {.shards = (uint32_t)b->shards, .data_dir = b->data,
                                     .engine = {.source_clock = true}};
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

static int run(const struct command *self, int argc, char **argv)
{
    struct bench b = {.source = "generator", .events = EVENTS_DEFAULT, .shards = 1};
    const struct arg args[] = {
        {"--query", "qN", "which query of Nexmark, q0 to q23", ARG_TEXT, &b.query},
        {"--events", "N", "events to make (default 10,000,000)", ARG_NUMBER, &b.events},
        {"--shards", "P", "shards (default 1)", ARG_NUMBER, &b.shards},
        {"--source", "NAME", "generator (default); memory and kafka-json are not built yet", ARG_TEXT,
         &b.source},
        {"--data", "DIR", "keep a log on disk (default: in memory)", ARG_TEXT, &b.data},
        {"--json", NULL, "one line of JSON", ARG_FLAG, &b.json},
        {0}};
    int count = args_parse(self, args, argc, argv);

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    if (count != 1 || strcmp(argv[1], "nexmark") != 0)
        return fail_user("bench: the one suite is nexmark: quickwater bench %s", self->usage);
    if (!b.query || strcmp(b.query, "ddl") == 0 || !text_of(b.query))
        return fail_user("bench: --query '%s' is not one of q0 to q23 that there are statements for",
                         b.query ? b.query : "");
    if (strcmp(b.source, "generator") != 0)
        return fail_user("bench: --source '%s' is not built yet; there is generator", b.source);
    if (b.events < 1 || b.shards < 1)
        return fail_user("bench: --events and --shards must be at least 1");
    return run_query(&b);
}

const struct command command_bench = {
    .name = "bench",
    .usage = "nexmark --query q0..q23 [--events N] [--shards P] [--json]",
    .help = "run a query of the Nexmark suite as fast as it goes",
    .run = run,
};
