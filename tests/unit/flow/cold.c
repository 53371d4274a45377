/* State that memory has no room for goes to disk, and nobody sees it in the results. */
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "flow/job.h"
#include "lib/engines.h"

enum { KIB = 1 << 10, MIB = 1 << 20, LIMIT = 3 * MIB, KEYS = 40000, PORTION = 3000 };

static const char *const tables =
    "CREATE TABLE facts (k INT, g INT, v STRING) WITH ('connector' = 'kafka', 'topic' = 'facts', 'format' = 'json');"
    "CREATE TABLE hole (k INT, c BIGINT, v STRING) WITH ('connector' = 'blackhole');";

/* Many groups below, few rows in the view. */
static const char *const wide =
    "CREATE MATERIALIZED TABLE wide AS SELECT c, COUNT(*) AS ks, SUM(g) AS gs FROM (SELECT v, COUNT(*) AS c, SUM(g) "
    "AS g, MAX(w) AS w FROM (SELECT v, g, v AS w FROM facts) GROUP BY v) GROUP BY c;";
static const char *const numbers =
    "CREATE MATERIALIZED TABLE numbers AS SELECT c, COUNT(*) AS ks, SUM(s) AS s, SUM(a) AS a FROM (SELECT k, COUNT(*) AS c, "
    "SUM(g) AS s, AVG(g) AS a, MIN(g) AS l, MAX(g) AS m, STDDEV_POP(g) AS d, VAR_SAMP(g) AS e FROM facts GROUP BY k) "
    "WHERE l + m + d + e > -1 OR e IS NULL GROUP BY c;";
/* Few groups that have seen many values, and many that have seen few. */
static const char *const seen =
    "CREATE MATERIALIZED TABLE seen AS SELECT g, COUNT(DISTINCT v) AS vs, COUNT(DISTINCT k) FILTER (WHERE k > 100) AS ks, "
    "COUNT(DISTINCT k + 1) AS ns, SUM(DISTINCT k) AS s, COUNT(*) AS c FROM facts GROUP BY g;";
static const char *const seen_each =
    "CREATE MATERIALIZED TABLE seen_each AS SELECT d, s, COUNT(*) AS ks, SUM(c) AS cs FROM (SELECT v, COUNT(DISTINCT n) AS d, "
    "COUNT(*) AS c, SUM(DISTINCT n) AS s FROM (SELECT v, MOD(c, 3) AS n FROM (SELECT k, v, COUNT(*) AS c FROM facts GROUP BY "
    "k, v)) GROUP BY v) GROUP BY d, s;";
static const char *const pairs =
    "CREATE MATERIALIZED TABLE pairs AS SELECT w, COUNT(*) AS c, SUM(g) AS gs FROM (SELECT a.g, b.w FROM facts AS a LEFT JOIN "
    "(SELECT k, v, MOD(k, 5) AS w FROM facts WHERE k > 20000) AS b ON a.v = b.v AND a.k = b.k) GROUP BY w;";
static const char *const without =
    "CREATE MATERIALIZED TABLE without AS SELECT g, COUNT(*) AS c FROM facts AS a WHERE NOT EXISTS (SELECT 1 FROM facts AS b "
    "WHERE b.k = a.k AND b.v > 'the value number 3') GROUP BY g;";
static const char *const newest =
    "CREATE MATERIALIZED TABLE newest AS SELECT g, COUNT(*) AS c, SUM(k) AS ks FROM (SELECT k, g, v, ROW_NUMBER() OVER "
    "(PARTITION BY k ORDER BY g DESC, v) AS place FROM facts) WHERE place = 1 GROUP BY g;";
static const char *const top =
    "CREATE MATERIALIZED TABLE top AS SELECT place, COUNT(*) AS c, SUM(k) AS ks FROM (SELECT k, v, ROW_NUMBER() OVER "
    "(PARTITION BY v ORDER BY k, g) AS place FROM facts) WHERE place <= 2 GROUP BY place;";
static const char *const busiest =
    "CREATE MATERIALIZED TABLE busiest AS SELECT place, c, COUNT(*) AS ks FROM (SELECT v, c, ROW_NUMBER() OVER (PARTITION BY "
    "h ORDER BY c DESC, v) AS place FROM (SELECT v, k / 3 AS h, COUNT(*) AS c FROM facts GROUP BY v, k / 3)) WHERE place <= 2 "
    "GROUP BY place, c;";
static const char *const upserts =
    "CREATE TABLE up (v STRING PRIMARY KEY NOT ENFORCED, g INT) WITH ('connector' = 'upsert-kafka', 'topic' = 'up', "
    "'key.format' = 'raw', 'value.format' = 'json');"
    "CREATE MATERIALIZED TABLE upserted AS SELECT g, COUNT(*) AS c FROM up GROUP BY g;"
    "INSERT INTO up SELECT v, k FROM (SELECT v, MOD(k + c, 9) AS k FROM (SELECT v, k, COUNT(*) AS c FROM facts GROUP BY v, k));";
static const char *const small = "CREATE MATERIALIZED TABLE small AS SELECT g, COUNT(*) AS c FROM facts GROUP BY g;";

static struct engine_options with_limit(uint64_t bytes)
{
    return (struct engine_options){.memory_bytes_max = bytes, .tick_rows_max = 1000,
                                   .checkpoint_interval_us = 1000000};
}

/* Rows of chance keys; the same for the same seed. */
static void feed(struct er *er, uint64_t seed, int rows, uint32_t keys)
{
    struct rng rng = rng_seed(seed);
    struct buf lines;
    buf_init(&lines, 0);
    for (int i = 0; i < rows; i++) {
        uint32_t k = (uint32_t)rng_below(&rng, keys);
        buf_printf(&lines, "%s{\"k\":%u,\"g\":%u,\"v\":\"the value number %u\"}", i ? "\n" : "", k, k % 7, k);
    }
    buf_u8(&lines, 0);
    er_produce(er, "facts", (const char *)lines.ptr);
    buf_deinit(&lines);
}

static struct job *job_named(struct er *er, const char *name)
{
    struct job *job = engine_job_find(er->engine, bytes_str(name));
    EXPECT(job);
    return job;
}

static struct job_info info_of(struct er *er, const char *name)
{
    struct job_info info;
    job_info(job_named(er, name), &info);
    return info;
}

static uint64_t cold_rows(struct er *er, const char *name)
{
    struct job *job = job_named(er, name);
    struct job_info info = info_of(er, name);
    uint64_t rows = 0;
    for (uint32_t i = 0; i < info.ops_count; i++) {
        struct op_info op;
        job_op_info(job, i, &op);
        rows += op.cold_rows;
    }
    return rows;
}

static void expect_running(struct er *er, const char *name)
{
    struct job_info info = info_of(er, name);
    if (info.state != JOB_RUNNING)
        test_fail(__FILE__, __LINE__, "%s is %s: %s (state %llu, views %llu, lanes %llu, buffers %llu; %llu rows on disk)",
                  name, job_state_text(info.state), info.error, (unsigned long long)info.memory.state,
                  (unsigned long long)info.memory.views, (unsigned long long)info.memory.lanes,
                  (unsigned long long)info.memory.buffers, (unsigned long long)cold_rows(er, name));
}

/* What the query gives where all fits. */
static char *in_memory(const char *query, const char *select, int portions)
{
    struct er er;
    er_open(&er, os_sim_create(1, NULL), "data", (struct engine_options){0});
    er_sql(&er, tables);
    er_sql(&er, query);
    for (int i = 0; i < portions; i++)
        feed(&er, (uint64_t)i, PORTION, KEYS);
    er_settle(&er);
    char *rows = strdup(er_rows(&er, select));
    er_end(&er);
    return rows;
}

/* ---- the results ---- */

enum { PORTIONS = 24 };

static void same_as_in_memory(const char *name, const char *query, const char *select, uint32_t shards)
{
    char *want = in_memory(query, select, PORTIONS);
    uint64_t limit = LIMIT + (shards - 1) * (MIB / 2); /* each has lanes and buffers, which do not go */
    struct engine_options options = with_limit(limit);
    struct er er;
    uint64_t most = 0;
    options.shards = shards;
    er_open(&er, os_sim_create(1, NULL), "data", options);
    er_sql(&er, tables);
    er_sql(&er, query);
    for (int i = 0; i < PORTIONS; i++) {
        feed(&er, (uint64_t)i, PORTION, KEYS);
        er_settle(&er);
        struct job_info info = info_of(&er, name);
        most = job_memory_sum(&info.memory) > most ? job_memory_sum(&info.memory) : most;
    }
    expect_running(&er, name);
    EXPECT(cold_rows(&er, name) > KEYS / 4);
    EXPECT(info_of(&er, name).moves > 3);
    if (most > limit + MIB)
        test_fail(__FILE__, __LINE__, "%s held %llu bytes", name, (unsigned long long)most);
    EXPECT_STR(er_rows(&er, select), want);
    er_end(&er);
    free(want);
}

TEST_SECONDS(cold_groups_of_text_give_the_same, 240)
{
    same_as_in_memory("wide", wide, "SELECT * FROM wide ORDER BY c", 1);
}

TEST_SECONDS(cold_groups_of_numbers_give_the_same_on_three_shards, 240)
{
    same_as_in_memory("numbers", numbers, "SELECT * FROM numbers ORDER BY c", 3);
}

TEST_SECONDS(cold_values_that_few_groups_have_seen_give_the_same, 240)
{
    same_as_in_memory("seen", seen, "SELECT * FROM seen ORDER BY g", 1);
}

TEST_SECONDS(cold_values_that_many_groups_have_seen_give_the_same_on_three_shards, 240)
{
    same_as_in_memory("seen_each", seen_each, "SELECT * FROM seen_each ORDER BY d, s", 3);
}

TEST_SECONDS(cold_sides_of_an_outer_join_give_the_same_on_two_shards, 240)
{
    same_as_in_memory("pairs", pairs, "SELECT * FROM pairs ORDER BY w", 2);
}

TEST_SECONDS(cold_sides_of_an_anti_join_give_the_same, 240)
{
    same_as_in_memory("without", without, "SELECT * FROM without ORDER BY g", 1);
}

TEST_SECONDS(cold_first_rows_give_the_same, 240)
{
    same_as_in_memory("newest", newest, "SELECT * FROM newest ORDER BY g", 1);
}

TEST_SECONDS(cold_rows_of_a_top_n_give_the_same_on_two_shards, 240)
{
    same_as_in_memory("top", top, "SELECT * FROM top ORDER BY place", 2);
}

TEST_SECONDS(cold_rows_of_a_top_n_of_what_changes_give_the_same, 240)
{
    same_as_in_memory("busiest", busiest, "SELECT * FROM busiest ORDER BY place, c", 1);
}

TEST_SECONDS(cold_rows_of_upserts_give_the_same, 240)
{
    same_as_in_memory("upserted", upserts, "SELECT * FROM upserted ORDER BY g", 1);
}

/* ---- state with a time to live ---- */

/* Groups that are let go of do not pile up on disk, and begin anew whether they were there or not. */
static char *expiring(uint64_t limit, uint64_t *cold, uint64_t *made)
{
    struct er er;
    er_open(&er, os_sim_create(1, NULL), "data", with_limit(limit));
    er_sql(&er, "SET 'table.exec.state.ttl' = '21 s';");
    er_sql(&er, tables);
    er_sql(&er, wide);
    for (int i = 0; i < 30; i++) {
        os_sim_advance(er.os, 2000000000);
        feed(&er, (uint64_t)i, PORTION, i < 10 ? KEYS : 10000000); /* keys come again; then new ones */
        er_settle(&er);
        *cold = cold_rows(&er, "wide");
        *made += PORTION;
    }
    expect_running(&er, "wide");
    char *rows = strdup(er_rows(&er, "SELECT c, SUM(ks) FROM wide GROUP BY c ORDER BY c"));
    er_end(&er);
    return rows;
}

TEST_SECONDS(cold_groups_that_nobody_comes_to_are_let_go_of, 240)
{
    uint64_t cold = 0, none = 0, made = 0;
    char *want = expiring(0, &none, &made), *got = expiring(LIMIT, &cold, &made);
    EXPECT_STR(got, want);
    EXPECT_INT(none, 0);
    EXPECT(cold > PORTION);
    EXPECT(cold < 20 * PORTION); /* 90,000 were made, 30,000 live */
    free(want);
    free(got);
}

/* ---- the ends of a process ---- */

enum { LIVES = 15 };

static void outlives(uint64_t seed, const char *name, const char *query, const char *select)
{
    static const uint32_t shards[] = {1, 2, 3, 5};
    char *want = in_memory(query, select, LIVES);
    struct rng rng = rng_seed(seed);
    struct os *os = os_sim_create(seed, NULL);
    struct engine_options options = with_limit(LIMIT);
    struct er er;
    uint64_t cold = 0, replayed = 0;
    er_open(&er, os, "data", options);
    er_sql(&er, tables);
    er_sql(&er, query);
    for (int i = 0; i < LIVES; i++) {
        feed(&er, (uint64_t)i, PORTION, KEYS);
        EXPECT_OK(log_flush(er.log)); /* acknowledged */
        os_sim_advance(os, (int64_t)rng_below(&rng, 2000) * 1000000);
        for (uint64_t p = rng_below(&rng, 60); p > 0; p--)
            er_pass(&er);
        if (!rng_chance(&rng, 0.4))
            continue;
        cold = cold_rows(&er, name) > cold ? cold_rows(&er, name) : cold;
        replayed += info_of(&er, name).replayed;
        switch (rng_below(&rng, 3)) {
        case 0: er_close(&er, true); break;
        case 1: er_kill(&er); break;
        default: er_crash(&er); break;
        }
        options.shards = shards[rng_below(&rng, 4)];
        er_open(&er, os, "data", options);
    }
    er_settle(&er);
    if (info_of(&er, name).state == JOB_PAUSED && !info_of(&er, name).memory_waits) { /* it died twice in a tick */
        uint64_t lsn;
        EXPECT_OK(job_resume(job_named(&er, name), &lsn));
        er_settle(&er);
    }
    expect_running(&er, name);
    EXPECT(cold > KEYS / 10);
    EXPECT(replayed + info_of(&er, name).replayed > 0);
    EXPECT_STR(er_rows(&er, select), want);
    er_end(&er);
    free(want);
}

TEST_SECONDS(cold_groups_outlive_kills_and_power_cuts_on_other_numbers_of_shards, 400)
{
    outlives(test_seed(), "wide", wide, "SELECT * FROM wide ORDER BY c");
}

TEST_SECONDS(cold_values_seen_outlive_kills_and_power_cuts_on_other_numbers_of_shards, 400)
{
    outlives(test_seed(), "seen_each", seen_each, "SELECT * FROM seen_each ORDER BY d, s");
}

TEST_SECONDS(cold_sides_of_a_join_outlive_kills_and_power_cuts_on_other_numbers_of_shards, 400)
{
    outlives(test_seed(), "pairs", pairs, "SELECT * FROM pairs ORDER BY w");
}

static void count_files(void *context, const char *name, const struct os_stat *stat)
{
    (void)name;
    (void)stat;
    ++*(int *)context;
}

static int files_in(struct os *os, const char *path)
{
    int files = 0;
    EXPECT_OK(os_list(os, path, count_files, &files));
    return files;
}

TEST_SECONDS(cold_files_are_removed_at_the_start_and_with_their_job, 240)
{
    struct er er;
    er_open(&er, os_sim_create(1, NULL), "data", with_limit(LIMIT));
    er_sql(&er, tables);
    er_sql(&er, wide);
    for (int i = 0; i < 14; i++) {
        feed(&er, (uint64_t)i, PORTION, KEYS);
        er_settle(&er);
    }
    EXPECT(cold_rows(&er, "wide"));
    EXPECT_INT(files_in(er.os, "data/cold"), 1);
    er_kill(&er);
    EXPECT_INT(files_in(er.os, "data/cold"), 1);
    er_open(&er, er.os, "data", (struct engine_options){0});
    EXPECT_INT(files_in(er.os, "data/cold"), 0);
    EXPECT_INT(cold_rows(&er, "wide"), 0); /* no limit: all of it came into memory */
    er_close(&er, true);
    er_open(&er, er.os, "data", with_limit(LIMIT));
    feed(&er, 100, 10, KEYS);
    er_settle(&er);
    EXPECT_INT(files_in(er.os, "data/cold"), 1);
    er_sql(&er, "DROP MATERIALIZED TABLE wide;");
    EXPECT_INT(files_in(er.os, "data/cold"), 0);
    er_end(&er);
}

/* ---- who waits ---- */

TEST_SECONDS(cold_keys_are_waited_for_while_others_go_on, 240)
{
    struct er er;
    bool others = false;
    er_open(&er, os_sim_create(1, NULL), "data", with_limit(LIMIT));
    er_sql(&er, tables);
    er_sql(&er, wide);
    er_sql(&er, small);
    for (int i = 0; i < 8; i++) {
        feed(&er, (uint64_t)i, PORTION, KEYS);
        er_settle(&er);
    }
    EXPECT(cold_rows(&er, "wide"));
    for (int i = 0; i < 50 && !others; i++) {
        feed(&er, 50 + (uint64_t)i, 100, KEYS);
        uint64_t tick = info_of(&er, "wide").tick, other = info_of(&er, "small").tick;
        for (int p = 0; p < 20; p++) {
            (void)engine_pass(er.engine);
            others |= info_of(&er, "wide").in_tick && info_of(&er, "wide").tick == tick &&
                      info_of(&er, "small").tick > other;
        }
        er_settle(&er);
    }
    EXPECT(others);
    er_end(&er);
}

/* ---- disks that fail or are full ---- */

TEST_SECONDS(cold_disk_that_fails_stops_its_job_by_name_at_its_last_whole_tick, 240)
{
    char *want = in_memory(wide, "SELECT * FROM wide ORDER BY c", 12);
    struct er er;
    er_open(&er, os_sim_create(1, NULL), "data", with_limit(LIMIT));
    er_sql(&er, tables);
    er_sql(&er, wide);
    er_sql(&er, small);
    for (int i = 0; i < 8; i++) {
        feed(&er, (uint64_t)i, PORTION, KEYS);
        er_settle(&er);
    }
    for (int i = 8; i < 12; i++) {
        feed(&er, (uint64_t)i, PORTION, KEYS);
        EXPECT_OK(log_flush(er.log));
    }
    os_sim_options(er.os)->read_error = 1;
    for (int p = 0; p < 2000 && info_of(&er, "wide").state == JOB_RUNNING; p++)
        (void)engine_pass(er.engine);
    os_sim_options(er.os)->read_error = 0;
    EXPECT_INT(info_of(&er, "wide").state, JOB_FAILED);
    EXPECT(strstr(info_of(&er, "wide").error, "state on disk"));
    EXPECT(strstr(info_of(&er, "wide").error, "data/cold/"));
    er_settle(&er);
    expect_running(&er, "small");
    er_close(&er, true);
    er_open(&er, er.os, "data", with_limit(LIMIT));
    er_settle(&er);
    expect_running(&er, "wide");
    EXPECT_STR(er_rows(&er, "SELECT * FROM wide ORDER BY c"), want);
    er_end(&er);
    free(want);
}

/* The disk has no room: state stays in memory, and past the limit the job waits as if it had no tier, and says why. */
TEST_SECONDS(cold_disk_that_is_full_has_the_job_wait_until_there_is_room, 240)
{
    char *want = in_memory(wide, "SELECT * FROM wide ORDER BY c", 16);
    struct engine_options options = with_limit(LIMIT);
    struct er er;
    options.disk_reserve_bytes = 1ull << 50;
    er_open(&er, os_sim_create(1, NULL), "data", options);
    er_sql(&er, tables);
    er_sql(&er, wide);
    for (int i = 0; i < 16; i++) {
        feed(&er, (uint64_t)i, PORTION, KEYS);
        er_settle(&er);
    }
    struct job_info info = info_of(&er, "wide");
    EXPECT_INT(info.state, JOB_PAUSED);
    EXPECT(info.memory_waits);
    EXPECT(strstr(info.error, "cannot go to disk") && strstr(info.error, "the disk has"));
    EXPECT_INT(cold_rows(&er, "wide"), 0);
    er_close(&er, true);
    options.disk_reserve_bytes = 1;
    er_open(&er, er.os, "data", options);
    er_settle(&er);
    expect_running(&er, "wide");
    EXPECT(cold_rows(&er, "wide"));
    EXPECT_STR(er_rows(&er, "SELECT * FROM wide ORDER BY c"), want);
    er_end(&er);
    free(want);
}
