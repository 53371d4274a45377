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

/* ---- the stories that a real Flink tells too ---- */

enum { FOLDED = 32, UNIT_S = 100 };

struct story {
    char name[100], query[500], want[500];
    struct er er;
    int64_t now;
    bool takes_back;
};

struct folded {
    char rows[FOLDED][60];
    int counts[FOLDED], used;
};

static void fold_row(struct folded *f, const char *row, int weight)
{
    int i = 0;

    while (i < f->used && strcmp(f->rows[i], row) != 0)
        i++;
    EXPECT(i < FOLDED);
    if (i == f->used)
        snprintf(f->rows[f->used++], sizeof(f->rows[0]), "%s", row);
    f->counts[i] += weight;
}

/* "+I[x, 1]": commas go. */
static void fold_line(struct folded *f, const char *line)
{
    char row[60];
    size_t n = 0;

    for (const char *c = strchr(line, '[') + 1; *c != ']'; c++)
        if (*c != ',')
            row[n++] = *c;
    row[n] = 0;
    fold_row(f, row, *line == '+' ? 1 : -1);
}

static void fold_text(struct folded *f, char *out, size_t size)
{
    out[0] = 0;
    for (int left = f->used; left > 0; left--) {
        int least = -1;
        for (int i = 0; i < f->used; i++)
            if (f->rows[i][0] && (least < 0 || strcmp(f->rows[i], f->rows[least]) < 0))
                least = i;
        for (int i = abs(f->counts[least]); i > 0; i--)
            snprintf(out + strlen(out), size - strlen(out), "%s%s%s", out[0] ? ", " : "",
                     f->counts[least] < 0 ? "-" : "", f->rows[least]);
        f->rows[least][0] = 0;
    }
}

/* {20}: 20 units. */
static void in_units(char *to, size_t size, const char *query)
{
    const char *brace = strchr(query, '{');

    if (brace)
        snprintf(to, size, "%.*s%d s%s", (int)(brace - query), query, atoi(brace + 1) * UNIT_S, strchr(brace, '}') + 1);
    else
        snprintf(to, size, "%s", query);
}

static void story_begin(struct story *story, const char *rows)
{
    char sql[2000], query[500];
    int columns = 1;

    story->takes_back = strstr(rows, " - ") != NULL;
    for (const char *c = story->want; *c && *c != ','; c++)
        columns += *c == ' ';
    in_units(query, sizeof(query), story->query);
    er_open(&story->er, os_sim_create(1, NULL), NULL, (struct engine_options){.shards = 2});
    snprintf(sql, sizeof(sql),
             "SET 'table.exec.state.ttl' = '%d s';"
             "CREATE TABLE r (s STRING, k STRING, n INT, p AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 'r', "
             "'format' = '%s'); CREATE VIEW a AS SELECT k, n, p FROM r WHERE s = 'a';"
             "CREATE VIEW b AS SELECT k, n, p FROM r WHERE s = 'b';"
             "CREATE TABLE o (k STRING%s%s) WITH ('connector' = 'print'); INSERT INTO o %s;",
             10 * UNIT_S, story->takes_back ? "debezium-json" : "json", columns > 1 ? ", x BIGINT" : "",
             columns > 2 ? ", y BIGINT" : "", query);
    er_sql(&story->er, sql);
}

/* "12 + a x 1" */
static void story_row(struct story *story, const char *text)
{
    char kind, table_name[8], key[8], row[100], line[200];
    int at, n;

    EXPECT_INT(sscanf(text, "%d %c %7s %7s %d", &at, &kind, table_name, key, &n), 5);
    if (at > story->now)
        wait_s(&story->er, (at - story->now) * UNIT_S);
    story->now = at;
    snprintf(row, sizeof(row), "{\"s\":\"%s\",\"k\":\"%s\",\"n\":%d}", table_name, key, n);
    if (!story->takes_back)
        snprintf(line, sizeof(line), "%s", row);
    else
        snprintf(line, sizeof(line), "{\"op\":\"%c\",\"%s\":%s}", kind == '+' ? 'c' : 'd', kind == '+' ? "after" : "before", row);
    put(&story->er, "r", line);
}

static void story_end(struct story *story)
{
    struct folded folded = {0};
    char got[600];

    buf_u8(&story->er.printed, 0);
    char *text = (char *)story->er.printed.ptr;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        fold_line(&folded, line);
    fold_text(&folded, got, sizeof(got));
    if (strcmp(got, story->want) != 0)
        test_fail(__FILE__, __LINE__, "%s: %s, must be %s", story->name, got, story->want);
    er_end(&story->er);
}

static void story_run(struct story *story, char *rows)
{
    story_begin(story, rows);
    for (char *row = rows, *next; row; row = next) {
        next = strstr(row, ", ");
        if (next)
            *next = 0, next += 2;
        story_row(story, row);
    }
    story_end(story);
}

TEST_SECONDS(expiry_stories_are_told_as_flink_tells_them, 60)
{
    char line[500], rows[500] = "";
    struct story story = {0};
    int told = 0;
    FILE *f = fopen("tests/interop/flink/ttl.stories", "r");

    EXPECT(f);
    while (fgets(line, sizeof(line), f)) {
        char *bar = strstr(line, " | ");
        line[strcspn(line, "\n")] = 0;
        if (line[0] == '#' || !line[0])
            continue;
        if (strncmp(line, "= ", 2) == 0) {
            snprintf(story.want, sizeof(story.want), "%s", line + 2);
            story_run(&story, rows);
            told++;
        } else if (bar) {
            story = (struct story){0};
            snprintf(story.name, sizeof(story.name), "%.*s", (int)(bar - line), line);
            snprintf(story.query, sizeof(story.query), "%s", bar + 3);
        } else {
            snprintf(rows, sizeof(rows), "%s", line);
        }
    }
    fclose(f);
    EXPECT(told > 10);
}
