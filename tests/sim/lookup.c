/* Lookup joins on an outside system, whole: engine, log and carrier under kills, power cuts and clean stops, with an
 * outside that changes, fails, and answers late.
 *
 * Each order must come out once, in order, with a version of its customer that was there at its time or later, and the
 * same answer whatever was run again: a job that saw another in its replay stops as DIVERGED. With a hint also: no more
 * orders wait than may, and what is not there at first is asked for again. */
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "bridge/bridges.h"
#include "flow/job.h"
#include "flow/outside.h"
#include "lib/engines.h"
#include "lib/lookup_twin.h"

enum { STEPS = 250, CUSTOMERS = 9, CAPACITY = 7 };

static int64_t newest; /* version of all customers */
static bool comes;     /* of those of each third there is a row in one of four versions */

struct run {
    struct er er;
    struct os *os;
    struct rng rng;
    struct bridges *bridges;
    struct outside outside;
    uint32_t orders;
    int64_t least[4000]; /* the version when order i came */
    bool cached, hinted;
    uint64_t retried;
};

/* Customer i has a row from version 1 on, but for each third. */
static void answer(struct bridge_lookup *lookup, struct bridge_asked *asked, int64_t id)
{
    char row[80];

    snprintf(row, sizeof(row), "{\"version\": %lld}", (long long)newest);
    if (id % 3 || (comes && newest % 4 == 0))
        bridge_answer(lookup, asked, bytes_str(row));
}

/* ---- what stands between ---- */

static enum status adopt(void *context, struct table *table, struct diag *diag)
{
    static struct table_lookup rules = {.connector = "twin", .by_primary_key = true};
    struct run *run = context;

    (void)diag;
    rules.cached = rules.keep_missing = run->cached;
    rules.keys_max = 4;
    rules.write_us = 400000;
    if (!bytes_is(table_option_get(table, "connector", ""), "twin"))
        return ST_OK;
    table->outside = table->options;
    table->outside_count = table->options_count;
    table->lookup = &rules;
    return ST_OK;
}

static enum status resume(void *context, const struct table *table, struct diag *diag)
{
    (void)context;
    (void)table;
    (void)diag;
    return ST_OK;
}

static enum status look_up(void *context, struct bytes job, const struct plan_lookup *lookup, struct diag *diag)
{
    struct bridge_given options[LOOKUP_TWIN_HASTE + 1];
    struct run *run = context;
    struct type_field fields[2] = {{lookup->table->columns[0].name, lookup->table->columns[0].type, BYTES_NONE},
                                   {lookup->table->columns[1].name, lookup->table->columns[1].type, BYTES_NONE}};
    struct log_topic *topics[2];
    char name[LOG_NAME_MAX + 1];

    memcpy(options, lookup_twin_haste, sizeof(lookup_twin_haste));
    options[LOOKUP_TWIN_HASTE] = (struct bridge_given){BYTES_LITERAL("bridge.batch.records"), BYTES_LITERAL("5")};
    for (int i = 0; i < 2; i++) {
        EXPECT(lookup_topic_name(job, lookup->index, i, name));
        topics[i] = log_topic_find(run->er.log, bytes_str(name));
        if (!topics[i])
            TRY(log_topic_create(run->er.log, bytes_str(name), 1, &(struct log_topic_options){.internal = true},
                                 &topics[i], NULL, diag));
    }
    struct carrier_spec spec = {
        .class = &lookup_twin_class, .table = lookup->table->name, .name = bytes_str(name), .way = BRIDGE_LOOKUP,
        .schema = {2, fields}, .key = lookup->keys, .key_count = 1, .options = options, .options_count = LOOKUP_TWIN_HASTE + 1,
        .asking = {lookup->keys, lookup->columns, lookup->keys_count, lookup->columns_count},
        .answers = log_partition_of(topics[LOOKUP_ANSWERS], 0)};
    return bridges_start(run->bridges, &spec, topics[LOOKUP_QUESTIONS], diag);
}

/* ---- a life ---- */

static void nothing(void *context)
{
    (void)context;
}

/* er_open opens log and engine at once; the carriers need the log, and the engine asks for them as it opens. */
static void start(struct run *run, bool first)
{
    static const uint32_t shards[] = {1, 2, 3, 8};
    struct engine_options options = {
        .shards = shards[rng_below(&run->rng, 4)], .tick_rows_max = (uint32_t)rng_between(&run->rng, 1, 40),
        .checkpoint_interval_us = rng_between(&run->rng, 1, 4) * 1000000, .outside = &run->outside,
        .check_determinism = true, .check_seed = rng_next(&run->rng),
    };
    struct log_options log_options = {.wal_bytes_max = 16 << 20, .disk_reserve_bytes = 1};

    run->outside = (struct outside){.context = run, .adopt = adopt, .resume = resume, .look_up = look_up};
    run->er = (struct er){.os = run->os, .dir = "data", .options = options};
    EXPECT_OK(log_open(run->os, "data", &log_options, &run->er.log, &run->er.diag));
    struct carrier_env env = {.os = run->os, .log = run->er.log, .wake = nothing};
    run->bridges = bridges_open(&env);
    if (engine_open(run->os, run->er.log, "data", &run->er.options, &run->er.engine, &run->er.diag) != ST_OK)
        test_fail(__FILE__, __LINE__, "engine_open: %s", run->er.diag.message);
    run->er.session = engine_session_open(run->er.engine);
    if (!first)
        return;
    char insert[600];
    snprintf(insert, sizeof(insert),
             "INSERT INTO told SELECT %s o.oid, o.cid, c.version FROM orders AS o LEFT JOIN customers FOR SYSTEM_TIME AS OF "
             "o.p AS c ON o.cid = c.id;",
             run->hinted ? "/*+ LOOKUP('table'='c', 'output-mode'='allow_unordered', 'capacity'='7', "
                           "'retry-predicate'='lookup_miss', 'retry-strategy'='fixed_delay', 'fixed-delay'='150ms', "
                           "'max-attempts'='2') */"
                         : "");
    er_sql(&run->er,
           "CREATE TABLE orders (oid BIGINT, cid BIGINT, p AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 'orders', "
           "'format' = 'json', 'scan.startup.mode' = 'earliest-offset');"
           "CREATE TABLE customers (id BIGINT, version BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'twin');"
           "CREATE TABLE told (oid BIGINT, cid BIGINT, version BIGINT) WITH ('connector' = 'kafka', 'topic' = 'told', "
           "'format' = 'json');");
    er_sql(&run->er, insert);
}

static void stop(struct run *run)
{
    uint64_t how = rng_below(&run->rng, 4);
    struct lookup_counts counts;

    if (engine_lookup_counts(run->er.engine, BYTES_LITERAL("lookup-insert-into_told-0.asked"), &counts))
        run->retried += counts.retried;

    if (how == 1)
        os_sim_kill(run->os);
    if (how > 1)
        os_sim_crash(run->os);
    engine_close(run->er.engine, how == 0);
    bridges_close(run->bridges);
    log_close(run->er.log);
    buf_deinit(&run->er.out);
    buf_deinit(&run->er.printed);
}

static void pass(struct run *run)
{
    engine_pass(run->er.engine);
    if (rng_chance(&run->rng, 0.8)) {
        enum status st = log_flush(run->er.log);
        (void)st;
    }
    (void)bridges_pass(run->bridges);
    log_work(run->er.log);
    if (run->hinted)
        EXPECT(driver_waiting(engine_job_next(run->er.engine, NULL)->driver) <= CAPACITY);
    os_sim_advance(run->os, (int64_t)rng_below(&run->rng, 40) * 1000000);
    newest += rng_chance(&run->rng, 0.2);
}

static void produce(struct run *run)
{
    char lines[2000];
    int n = 0;

    for (uint64_t count = rng_below(&run->rng, 12) + 1; count > 0; count--, run->orders++) {
        run->least[run->orders] = newest;
        n += snprintf(lines + n, sizeof(lines) - (size_t)n, "{\"oid\":%u,\"cid\":%llu}\n", run->orders,
                      (unsigned long long)rng_below(&run->rng, CUSTOMERS));
    }
    er_produce(&run->er, "orders", lines);
    (void)!log_flush(run->er.log);
}

static uint64_t told(struct run *run)
{
    struct log_topic *topic = log_topic_find(run->er.log, BYTES_LITERAL("told"));
    struct log_offsets offsets;

    log_offsets(log_partition_of(topic, 0), &offsets);
    return (uint64_t)offsets.end;
}

/* One shard tells orders in their order; several those of a key. */
static void check(struct run *run)
{
    struct job_info info;

    job_info(engine_job_next(run->er.engine, NULL), &info);
    if (info.state != JOB_RUNNING)
        test_fail(__FILE__, __LINE__, "%s: %s", job_state_text(info.state), info.error);
    struct bytes text = bytes_str(er_topic(&run->er, "told"));
    int64_t *last = calloc(CUSTOMERS, sizeof(*last));
    uint8_t *seen = calloc(run->orders + 1, 1);
    uint32_t count = 0;
    for (; text.len; count++) {
        size_t end = bytes_find(text, '|', 0);
        char one[200];
        unsigned oid, cid;
        long long version = -1;
        snprintf(one, sizeof(one), "%.*s", BYTES_FMT(bytes_head(text, end)));
        int got = sscanf(one, " {\"oid\":%u,\"cid\":%u,\"version\":%lld", &oid, &cid, &version);
        EXPECT(got >= 2 && oid < run->orders && cid < CUSTOMERS && !seen[oid]++);
        EXPECT(got == 3 ? cid % 3 != 0 || comes : cid % 3 == 0);
        EXPECT(got < 3 || (version <= newest && (run->cached || version >= run->least[oid])));
        EXPECT(last[cid] <= (int64_t)oid);
        last[cid] = oid;
        text = bytes_skip(text, end < text.len ? end + 1 : end);
    }
    EXPECT_INT(count, run->orders);
    free(last);
    free(seen);
}

static void resume_job(struct run *run)
{
    struct job *job = engine_job_next(run->er.engine, NULL);
    uint64_t lsn;

    if (job->state == JOB_PAUSED) /* its first tick met two power cuts */
        EXPECT_OK(job_resume(job, &lsn));
}

/* How many questions were asked again, as far as it was counted: a job that is checked loses count. */
static uint64_t simulate(uint64_t seed, bool cached, bool hinted)
{
    struct run *run = calloc(1, sizeof(*run));

    *run = (struct run){.rng = rng_seed(seed), .cached = cached, .hinted = hinted};
    newest = 1;
    comes = hinted;
    lookup_twin = (struct lookup_twin){.rng = rng_seed(seed + 1), .away = 0.2, .answer = answer};
    run->os = os_sim_create(seed, NULL);
    start(run, true);
    for (int i = 0; i < STEPS; i++) {
        if (rng_chance(&run->rng, 0.3))
            produce(run);
        pass(run);
        if (rng_chance(&run->rng, 0.04)) {
            stop(run);
            start(run, false);
        }
    }
    for (int turns = 0; told(run) < run->orders; turns++) {
        resume_job(run);
        pass(run);
        if (turns > 20000)
            test_fail(__FILE__, __LINE__, "seed %llu: %llu of %u orders are told", (unsigned long long)seed,
                      (unsigned long long)told(run), run->orders);
    }
    check(run);
    lookup_twin.away = 0;
    stop(run);
    uint64_t retried = run->retried;
    os_sim_destroy(run->os);
    free(run);
    return retried;
}

TEST_SECONDS(sim_lookup_tells_each_row_once, 120)
{
    for (uint64_t i = 0; i < 6; i++)
        EXPECT_INT(simulate(test_seed() + i, i % 2, false), 0);
}

TEST_SECONDS(sim_lookup_by_its_hint_tells_each_row_once_and_asks_again, 120)
{
    uint64_t retried = 0;

    for (uint64_t i = 0; i < 4; i++)
        retried += simulate(test_seed() + i, i % 2, true);
    EXPECT(retried > 0);
}
