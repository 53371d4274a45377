/* The engine under kills, power cuts, clean stops and re-keyings, from a seed.
 *
 * Events are produced to two partitions, some of them not JSON; four queries read them. Between
 * random passes the process is killed, the power is cut, or the engine is closed well, and comes back
 * with another number of shards; all state goes through its saved form between random ticks. At the
 * end every result must equal a batch recomputation over the log: nothing lost, nothing doubled.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "flow/job.h"
#include "lib/engines.h"

enum { SIM_STEPS = 300, SIM_STARTS_MIN = 4 };

struct sim_run {
    struct er er;
    struct os *os;
    struct rng rng;
    uint64_t id;      /* of the last event */
    int starts;
    bool finding;     /* a planted bug is in: damage is what is wanted */
    char wrong[600];  /* what is not as it must be */
};

static const char *const script =
    "CREATE TABLE events (id BIGINT, k STRING, n INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - "
    "INTERVAL '2' SECOND) WITH ('connector' = 'kafka', 'topic' = 'events', 'format' = 'json', "
    "'topic.partitions' = '2');"
    "CREATE TABLE odd (id BIGINT, k STRING) WITH ('connector' = 'kafka', 'topic' = 'odd', 'format' = "
    "'json', 'key.format' = 'raw', 'key.fields' = 'k', 'topic.partitions' = '2');"
    "INSERT INTO odd SELECT id, k FROM events WHERE MOD(n, 2) = 1;"
    "CREATE MATERIALIZED TABLE totals AS SELECT k, COUNT(*) AS c, SUM(n) AS s FROM events GROUP BY k;"
    "CREATE MATERIALIZED TABLE wins AS SELECT k, window_end, COUNT(*) AS c, MAX(n) AS m FROM "
    "TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY k, window_start, "
    "window_end;"
    "CREATE MATERIALIZED TABLE by_count AS SELECT c, COUNT(*) AS ks FROM totals GROUP BY c;"
    "CREATE MATERIALIZED TABLE joined AS SELECT t.k, t.c, b.ks FROM totals AS t JOIN by_count AS b ON "
    "t.c = b.c;"
    "CREATE MATERIALIZED TABLE top AS SELECT k, id, n FROM (SELECT k, id, n, ROW_NUMBER() OVER "
    "(PARTITION BY k ORDER BY n DESC, id) AS place FROM events) WHERE place <= 2;";

static void wrong(struct sim_run *run, const char *what, const char *got, const char *want)
{
    if (run->wrong[0])
        return;
    snprintf(run->wrong, sizeof(run->wrong), "%s is %.200s, must be %.200s", what, got, want);
}

static void start(struct sim_run *run)
{
    static const uint32_t shards[] = {1, 2, 3, 8};
    struct engine_options options = {
        .shards = shards[rng_below(&run->rng, 4)],
        .tick_rows_max = (uint32_t)rng_between(&run->rng, 1, 40),
        .checkpoint_interval_us = rng_between(&run->rng, 1, 4) * 1000000,
        .check_determinism = true, .check_seed = rng_next(&run->rng),
    };
    er_open(&run->er, run->os, "data", options);
    if (run->starts++ == 0)
        er_sql(&run->er, script);
}

static void stop(struct sim_run *run)
{
    switch (rng_below(&run->rng, 4)) {
    case 0:
        er_close(&run->er, true);
        break;
    case 1:
        er_kill(&run->er);
        break;
    default:
        er_crash(&run->er);
        break;
    }
}

static void produce(struct sim_run *run)
{
    char lines[4000];
    int n = 0;
    uint64_t count = rng_below(&run->rng, 12) + 1;
    for (uint64_t i = 0; i < count; i++) {
        int64_t ms = (int64_t)++run->id * 100 + rng_between(&run->rng, 0, 900);
        if (rng_chance(&run->rng, 0.02)) {
            n += snprintf(lines + n, sizeof(lines) - (size_t)n, "not json %llu\n",
                          (unsigned long long)run->id);
            continue;
        }
        n += snprintf(lines + n, sizeof(lines) - (size_t)n,
                      "{\"id\":%llu,\"k\":\"k%llu\",\"n\":%llu,\"ts\":\"2020-01-01 %02d:%02d:%02d.%03d\"}\n",
                      (unsigned long long)run->id, (unsigned long long)rng_below(&run->rng, 9),
                      (unsigned long long)rng_below(&run->rng, 1000), (int)(ms / 3600000),
                      (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));
    }
    er_produce_to(&run->er, "events", (uint32_t)rng_below(&run->rng, 2), lines);
    if (rng_chance(&run->rng, 0.1)) /* somebody else writes to the sink's topic too */
        er_produce_to(&run->er, "odd", (uint32_t)rng_below(&run->rng, 2),
                      "{\"id\":1,\"k\":\"direct\"}");
}

static void same(struct sim_run *run, const char *what, const char *got_sql, const char *want_sql)
{
    char *want = strdup(er_rows(&run->er, want_sql));
    const char *got = er_rows(&run->er, got_sql);
    if (strcmp(got, want) != 0)
        wrong(run, what, got, want);
    free(want);
}

/* A job whose first ticks met two power cuts is paused, as if it had caused them. */
static void resume_jobs(struct sim_run *run)
{
    for (struct job *job = engine_job_next(run->er.engine, NULL); job;
         job = engine_job_next(run->er.engine, job)) {
        uint64_t lsn;
        if (job->state == JOB_PAUSED)
            EXPECT_OK(job_resume(job, &lsn));
    }
    er_settle(&run->er);
}

static void check_jobs(struct sim_run *run)
{
    for (struct job *job = engine_job_next(run->er.engine, NULL); job;
         job = engine_job_next(run->er.engine, job)) {
        struct job_info info;
        job_info(job, &info);
        if (info.state != JOB_RUNNING)
            wrong(run, job_state_text(info.state), info.error, "RUNNING");
    }
}

/* Both partitions get an event far ahead, so that all windows before it are closed. */
static void close_windows(struct sim_run *run)
{
    er_produce_to(&run->er, "events", 0,
                  "{\"id\":0,\"k\":\"end\",\"n\":0,\"ts\":\"2020-01-01 23:00:00\"}");
    er_produce_to(&run->er, "events", 1,
                  "{\"id\":0,\"k\":\"end\",\"n\":0,\"ts\":\"2020-01-01 23:00:00\"}");
    er_settle(&run->er);
}

static void check_all(struct sim_run *run)
{
    check_jobs(run);
    if (run->wrong[0])
        return;
    close_windows(run);
    same(run, "odd", "SELECT id, k FROM odd WHERE k <> 'direct' ORDER BY id",
         "SELECT id, k FROM events WHERE MOD(n, 2) = 1 ORDER BY id");
    same(run, "totals", "SELECT * FROM totals ORDER BY k",
         "SELECT k, COUNT(*) AS c, SUM(n) AS s FROM events GROUP BY k ORDER BY k");
    same(run, "wins", "SELECT * FROM wins ORDER BY k, window_end",
         "SELECT k, window_end, c, m FROM (SELECT k, window_end, COUNT(*) AS c, MAX(n) AS m FROM "
         "TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY k, window_start, "
         "window_end) WHERE k <> 'end' ORDER BY k, window_end");
    same(run, "by_count", "SELECT * FROM by_count ORDER BY c",
         "SELECT c, COUNT(*) AS ks FROM (SELECT k, COUNT(*) AS c FROM events GROUP BY k) GROUP BY c "
         "ORDER BY c");
    same(run, "joined", "SELECT * FROM joined ORDER BY k",
         "SELECT t.k, t.c, b.ks FROM (SELECT k, COUNT(*) AS c FROM events GROUP BY k) AS t JOIN (SELECT "
         "c, COUNT(*) AS ks FROM (SELECT k, COUNT(*) AS c FROM events GROUP BY k) GROUP BY c) AS b ON "
         "t.c = b.c ORDER BY k");
    same(run, "top", "SELECT * FROM top ORDER BY k, n, id",
         "SELECT k, id, n FROM (SELECT k, id, n, ROW_NUMBER() OVER (PARTITION BY k ORDER BY n DESC, id) "
         "AS place FROM events) WHERE place <= 2 ORDER BY k, n, id");
}

/* NULL when all is as it must be. */
static const char *simulate(struct sim_run *run, uint64_t seed)
{
    *run = (struct sim_run){.rng = rng_seed(seed)};
    run->os = os_sim_create(seed, NULL);
    start(run);
    for (int i = 0; i < SIM_STEPS && !run->wrong[0]; i++) {
        os_sim_advance(run->os, (int64_t)rng_below(&run->rng, 300) * 1000000);
        if (rng_chance(&run->rng, 0.5))
            produce(run);
        for (uint64_t p = rng_below(&run->rng, 4); p > 0; p--)
            engine_pass(run->er.engine);
        if (rng_chance(&run->rng, 0.6)) {
            enum status st = log_flush(run->er.log);
            (void)st;
        }
        if (rng_chance(&run->rng, 0.03)) {
            stop(run);
            start(run);
        }
    }
    while (run->starts < SIM_STARTS_MIN) {
        stop(run);
        start(run);
    }
    er_settle(&run->er);
    resume_jobs(run);
    check_all(run);
    er_close(&run->er, false);
    os_sim_destroy(run->os);
    return run->wrong[0] ? run->wrong : NULL;
}

TEST_SECONDS(sim_engine_survives_everything, 120)
{
    for (uint64_t seed = test_seed(); seed < test_seed() + 6; seed++) {
        struct sim_run run;
        const char *bad = simulate(&run, seed);
        if (bad)
            test_fail(__FILE__, __LINE__, "seed %llu: %s", (unsigned long long)seed, bad);
    }
}

#ifdef QW_SLOW_CHECKS
/* A planted bug must be found by some seed. A test that ends early ends in the process of its own. */
static void find_bug(unsigned bug)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct sim_run run;
        job_bugs = bug;
        const char *bad = simulate(&run, seed);
        if (bad)
            return;
    }
    test_fail(__FILE__, __LINE__, "100 seeds do not find bug %u", bug);
}

TEST_SECONDS(sim_engine_finds_half_a_tick, 120)
{
    find_bug(JOB_BUG_HALF_TICK);
}

TEST_SECONDS(sim_engine_finds_a_skipped_note, 120)
{
    find_bug(JOB_BUG_SKIP_NOTE);
}
#endif

/* The same events give the same answers on any number of shards and any cut into ticks. */
TEST_SECONDS(sim_engine_same_answers_on_any_shards, 60)
{
    static const uint32_t shards[] = {1, 2, 3, 8};
    static const char *const queries[] = {
        "SELECT * FROM totals ORDER BY k",
        "SELECT * FROM wins ORDER BY k, window_end",
        "SELECT * FROM by_count ORDER BY c",
        "SELECT * FROM odd WHERE k <> 'direct' ORDER BY id",
    };
    char *first[4] = {0};
    for (int s = 0; s < 4; s++) {
        struct sim_run run = {.rng = rng_seed(99)};
        run.os = os_sim_create(5, NULL);
        er_open(&run.er, run.os, NULL,
                (struct engine_options){.shards = shards[s],
                                        .tick_rows_max = 10u + 7u * (unsigned)s});
        er_sql(&run.er, script);
        for (int i = 0; i < 60; i++) {
            produce(&run);
            if (i % (s + 2) == 0)
                er_settle(&run.er);
        }
        close_windows(&run);
        for (int q = 0; q < 4; q++) {
            const char *rows = er_rows(&run.er, queries[q]);
            if (s == 0)
                first[q] = strdup(rows);
            else
                EXPECT_STR(rows, first[q]);
        }
        er_end(&run.er);
    }
    for (int q = 0; q < 4; q++)
        free(first[q]);
}
