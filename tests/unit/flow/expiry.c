/* State with a time to live in jobs: the setting is kept with its job; what is over is over behind a checkpoint, on
 * another number of shards and over kills; an idle job frees it and is left alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "flow/job.h"
#include "lib/engines.h"

static void wait_s(struct er *er, int64_t seconds)
{
    os_sim_advance(er->os, seconds * 1000000000);
    er_settle(er);
}

static void put(struct er *er, const char *topic, const char *lines)
{
    er_produce(er, topic, lines);
    er_settle(er);
}

static struct job_info info_of(struct er *er, const char *name)
{
    struct job_info info;

    job_info(engine_job_find(er->engine, bytes_str(name)), &info);
    return info;
}

static uint64_t state_rows(struct er *er, const char *name, const char *operator)
{
    const struct job *job = engine_job_find(er->engine, bytes_str(name));
    struct job_info info = info_of(er, name);
    uint64_t rows = 0;

    for (uint32_t i = 0; i < info.ops_count; i++) {
        struct op_info op;
        job_op_info(job, i, &op);
        rows += strcmp(op.name, operator) == 0 ? op.state_rows : 0;
    }
    return rows;
}

static const char table[] = "CREATE TABLE t (k STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');";

TEST(expiry_is_kept_with_its_job_over_restarts_and_other_shards)
{
    struct os *os = os_sim_create(3, NULL);
    struct er er;

    er_open(&er, os, "data", (struct engine_options){.shards = 1});
    er_sql(&er, table);
    er_sql(&er, "SET 'table.exec.state.ttl' = '1 min';"
                "CREATE MATERIALIZED TABLE c AS SELECT k, COUNT(*) AS c FROM t GROUP BY k;");
    put(&er, "t", "{\"k\":\"a\"}\n{\"k\":\"a\"}\n{\"k\":\"b\"}");
    wait_s(&er, 40);
    put(&er, "t", "{\"k\":\"a\"}");
    er_close(&er, true);
    er_open(&er, os, "data", (struct engine_options){.shards = 3}); /* from the checkpoint, in a session without it */
    EXPECT_STR(er_rows(&er, "SELECT * FROM c ORDER BY k"), "a,3 | b,1");
    wait_s(&er, 25); /* b's is over, a's is not */
    put(&er, "t", "{\"k\":\"a\"}\n{\"k\":\"b\"}\n{\"k\":\"b\"}");
    EXPECT_STR(er_rows(&er, "SELECT * FROM c ORDER BY k"), "a,4 | b,2");
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){.shards = 2}); /* and from the notes behind it */
    EXPECT_STR(er_rows(&er, "SELECT * FROM c ORDER BY k"), "a,4 | b,2");
    wait_s(&er, 61);
    put(&er, "t", "{\"k\":\"a\"}");
    EXPECT_STR(er_rows(&er, "SELECT * FROM c ORDER BY k"), "a,1 | b,2"); /* b's row stays: nothing told that it goes */
    er_end(&er);
}

/* The rows that a view has are its own; what the query keeps to compute them is not. */
TEST(expiry_frees_the_state_of_an_idle_job_and_lets_it_sleep)
{
    struct os *os = os_sim_create(3, NULL);
    struct er er;
    char lines[4000];
    size_t n = 0;

    er_open(&er, os, "data", (struct engine_options){.shards = 2});
    er_sql(&er, table);
    er_sql(&er, "SET 'table.exec.state.ttl' = '1 h';"
                "CREATE MATERIALIZED TABLE c AS SELECT k, COUNT(*) AS c FROM t GROUP BY k;");
    for (int i = 0; i < 100; i++)
        n += (size_t)snprintf(lines + n, sizeof(lines) - n, "{\"k\":\"k%d\"}\n", i);
    put(&er, "t", lines);
    EXPECT_INT(state_rows(&er, "c", "GroupAggregate"), 100);
    uint64_t before = info_of(&er, "c").tick;
    for (int minute = 0; minute < 59; minute++)
        wait_s(&er, 60);
    EXPECT_INT(state_rows(&er, "c", "GroupAggregate"), 100);
    EXPECT_INT(info_of(&er, "c").tick, before);
    er_kill(&er); /* the alarm is of the state: it rings after a restart too */
    er_open(&er, os, "data", (struct engine_options){.shards = 3});
    for (int minute = 0; minute < 40; minute++)
        wait_s(&er, 60);
    EXPECT_INT(state_rows(&er, "c", "GroupAggregate"), 0);
    EXPECT(info_of(&er, "c").tick <= before + 3);
    before = info_of(&er, "c").tick;
    for (int hour = 0; hour < 10; hour++)
        wait_s(&er, 3600);
    EXPECT_INT(info_of(&er, "c").tick, before);
    EXPECT_STR(er_rows(&er, "SELECT COUNT(*) FROM c"), "100");
    er_end(&er);
}

/* A table that a DISTINCT gives each key once without it may give one again. */
TEST(expiry_lets_a_distinct_row_come_again)
{
    struct er er;

    er_open(&er, os_sim_create(3, NULL), NULL, (struct engine_options){0});
    er_sql(&er, table);
    er_sql(&er, "SET 'table.exec.state.ttl' = '10 s';"
                "CREATE MATERIALIZED TABLE d AS SELECT DISTINCT k FROM t;"
                "CREATE MATERIALIZED TABLE c AS SELECT COUNT(*) AS c FROM d;"
                "CREATE TABLE o (k STRING) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');"
                "INSERT INTO o SELECT DISTINCT k FROM t;");
    put(&er, "t", "{\"k\":\"a\"}\n{\"k\":\"a\"}");
    EXPECT_STR(er_topic(&er, "o"), "{\"k\":\"a\"}");
    wait_s(&er, 12);
    put(&er, "t", "{\"k\":\"a\"}");
    EXPECT_STR(er_topic(&er, "o"), "{\"k\":\"a\"} | {\"k\":\"a\"}");
    EXPECT_STR(er_rows(&er, "SELECT * FROM d"), "a");
    er_end(&er);
}

/* ---- the same by chance: every operator that forgets, over kills and re-keyings ---- */

enum { STEPS = 60, VIEWS = 9 };

static const char script[] =
    "CREATE TABLE t (k STRING, n INT, p AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');"
    "CREATE TABLE u (k STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 'u', 'format' = 'json');"
    "CREATE TABLE up (k STRING PRIMARY KEY NOT ENFORCED, s INT) WITH ('connector' = 'upsert-kafka', 'topic' = 'up', "
    "'key.format' = 'json', 'value.format' = 'json');"
    "SET 'table.exec.state.ttl' = '25 s';"
    "INSERT INTO up SELECT k, SUM(n) FROM t GROUP BY k;"
    "CREATE MATERIALIZED TABLE v0 AS SELECT k, COUNT(*) AS c, COUNT(DISTINCT n) AS d, MAX(n) AS m FROM t GROUP BY k;"
    "CREATE MATERIALIZED TABLE v1 AS SELECT m, COUNT(*) AS c, COUNT(DISTINCT c) AS d FROM "
    "(SELECT k, COUNT(*) AS c, MAX(n) AS m FROM t GROUP BY k) GROUP BY m;"
    "CREATE MATERIALIZED TABLE v2 AS SELECT t.k, t.n, u.n AS un FROM t JOIN u ON t.k = u.k;"
    "CREATE MATERIALIZED TABLE v3 AS SELECT a.k, a.s, u.n FROM (SELECT k, SUM(n) AS s FROM t GROUP BY k) AS a "
    "LEFT JOIN u ON a.k = u.k;"
    "CREATE MATERIALIZED TABLE v4 AS SELECT k, n FROM t WHERE k IN (SELECT k FROM u);"
    "CREATE MATERIALIZED TABLE v5 AS SELECT k, n, r FROM (SELECT k, n, ROW_NUMBER() OVER (PARTITION BY k ORDER BY n DESC) "
    "AS r FROM t) WHERE r <= 2;"
    "CREATE MATERIALIZED TABLE v6 AS SELECT k, n FROM (SELECT k, n, ROW_NUMBER() OVER (PARTITION BY k ORDER BY p) AS r "
    "FROM t) WHERE r = 1;"
    "CREATE MATERIALIZED TABLE v7 AS SELECT k, n, SUM(n) OVER (PARTITION BY k ORDER BY p ROWS BETWEEN UNBOUNDED PRECEDING "
    "AND CURRENT ROW) AS s FROM t;"
    "CREATE MATERIALIZED TABLE v8 AS SELECT s, COUNT(*) AS c FROM up GROUP BY s;";

static void some_rows(struct er *er, struct rng *rng, const char *topic)
{
    char lines[400];
    size_t n = 0;

    for (uint64_t count = rng_below(rng, 4); count > 0; count--)
        n += (size_t)snprintf(lines + n, sizeof(lines) - n, "{\"k\":\"k%d\",\"n\":%d}\n", (int)rng_below(rng, 4),
                              (int)rng_below(rng, 6));
    if (n)
        put(er, topic, lines);
}

static void come_back(struct er *er, struct os *os, struct rng *rng)
{
    static const uint32_t shards[] = {1, 2, 3, 8};

    if (rng_chance(rng, 0.5))
        er_close(er, rng_chance(rng, 0.7));
    else
        er_kill(er);
    er_open(er, os, "data", (struct engine_options){.shards = shards[rng_below(rng, 4)], .check_determinism = true,
                                                    .check_seed = rng_next(rng)});
    er_settle(er);
}

/* Rows of times that are multiples of ten seconds apart, so that none stands where the 25 s end. */
static void run_chance(uint64_t seed, bool restarts, char *out[VIEWS])
{
    struct rng rng = rng_seed(seed), chaos = rng_seed(seed + 1);
    struct os *os = os_sim_create(seed, NULL);
    struct er er;

    er_open(&er, os, "data", (struct engine_options){.shards = 1});
    er_sql(&er, script);
    for (int i = 0; i < STEPS; i++) {
        some_rows(&er, &rng, "t");
        if (rng_chance(&rng, 0.5))
            some_rows(&er, &rng, "u");
        wait_s(&er, (int64_t)rng_below(&rng, 4) * 10);
        if (restarts && rng_chance(&chaos, 0.2))
            come_back(&er, os, &chaos);
    }
    for (int v = 0; v < VIEWS; v++) {
        char sql[200];
        snprintf(sql, sizeof(sql), "SELECT * FROM v%d ORDER BY 1, 2%s", v, v == 4 || v == 6 || v == 8 ? "" : ", 3");
        out[v] = strdup(er_rows(&er, sql));
    }
    er_end(&er);
}

TEST_SECONDS(expiry_is_the_same_over_kills_and_on_any_shards, 120)
{
    for (uint64_t seed = test_seed(); seed < test_seed() + 4; seed++) {
        char *want[VIEWS], *got[VIEWS];
        run_chance(seed, false, want);
        run_chance(seed, true, got);
        for (int v = 0; v < VIEWS; v++) {
            if (strcmp(want[v], got[v]) != 0)
                test_fail(__FILE__, __LINE__, "seed %llu: v%d is %s, must be %s", (unsigned long long)seed, v, got[v],
                          want[v]);
            EXPECT(*want[v]);
            free(want[v]);
            free(got[v]);
        }
    }
}
