/* Partitions that a topic is given while jobs read it and write into it: found at once, read from
 * their beginning, each record counted once over kills, power cuts and checkpoints. */
#include <stdio.h>

#include "flow/job.h"
#include "lib/engines.h"
#include "wire/kafka/partitioner.h"

static const char *const clicks =
    "CREATE TABLE clicks (k STRING, n INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' "
    "SECOND)"
    " WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json'%s);";

static const char *const counts =
    "CREATE MATERIALIZED TABLE v AS SELECT k, COUNT(*) AS c, SUM(n) AS s FROM clicks GROUP BY k;"
    "CREATE MATERIALIZED TABLE spread AS SELECT c, COUNT(*) AS ks FROM (SELECT k, COUNT(*) AS c "
    "FROM clicks"
    " GROUP BY k) GROUP BY c;";

static void make_clicks(struct er *er, const char *more)
{
    char sql[600];

    snprintf(sql, sizeof(sql), clicks, more);
    er_sql(er, sql);
}

static void extend(struct er *er, const char *topic, uint32_t partitions)
{
    struct log_topic *t = log_topic_find(er->log, bytes_str(topic));
    EXPECT(t);
    EXPECT_OK(engine_topic_may_have(er->engine, bytes_str(topic), partitions, &er->diag));
    EXPECT_OK(log_topic_extend(er->log, t, partitions, NULL, &er->diag));
}

static void click(struct er *er, uint32_t partition, const char *k, int n, int second)
{
    char line[120];

    snprintf(line, sizeof(line), "{\"k\":\"%s\",\"n\":%d,\"ts\":\"2020-01-01 00:00:%02d\"}", k, n,
             second);
    er_produce_to(er, "clicks", partition, line);
}

static void savepoint(struct er *er, const char *job)
{
    const char *path;
    EXPECT_OK(job_savepoint(engine_job_find(er->engine, bytes_str(job)), &path, &er->diag));
}

static struct job_info info_of(struct er *er, const char *name)
{
    struct job_info info;
    struct job *job = engine_job_find(er->engine, bytes_str(name));
    EXPECT(job);
    job_info(job, &info);
    return info;
}

TEST(partitions_that_come_are_read_from_their_beginning)
{
    static const char specific[] =
        ", 'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = "
        "'partition:0,offset:0;partition:1,offset:9'";
    static const char *const modes[] = {"", ", 'scan.startup.mode' = 'latest-offset'", specific};

    for (uint32_t shards = 1; shards <= 3; shards++)
        for (int mode = 0; mode < 3; mode++) {
            struct er er;
            er_open(&er, os_sim_create(shards, NULL), NULL,
                    (struct engine_options){
                        .shards = shards, .check_determinism = true, .check_seed = shards});
            make_clicks(&er, modes[mode]);
            er_sql(&er, counts);
            click(&er, 0, "a", 1, 1);
            er_settle(&er);
            extend(&er, "clicks", 4);
            click(&er, 3, "a", 10, 2); /* before any job has made a tick */
            click(&er, 1, "b", 100, 2);
            er_settle(&er);
            click(&er, 0, "b", 1000, 3);
            click(&er, 3, "c", 7, 3);
            er_settle(&er);
            extend(&er, "clicks", 5); /* and once more */
            click(&er, 4, "c", 1, 3);
            er_settle(&er);
            EXPECT_STR(er_rows(&er, "SELECT * FROM v ORDER BY k"), "a,2,11 | b,2,1100 | c,2,8");
            EXPECT_STR(er_rows(&er, "SELECT * FROM spread"), "2,3");
            er_end(&er);
        }
}

/* What a restart begins with: the state before the partitions came, after, or none. */
enum { SAVED_BEFORE = 1, SAVED_BETWEEN = 2, SAVED_AFTER = 4, SAVED_COMBINATIONS = 8 };

static void ended(struct er *er, struct os *os, int how, uint32_t shards)
{
    if (how == 0)
        er_kill(er);
    else if (how == 1)
        er_crash(er);
    else
        er_close(er, true);
    er_open(er, os, "data", (struct engine_options){.shards = shards});
    er_settle(er);
}

TEST(partitions_that_come_count_once_over_restarts)
{
    for (int how = 0; how < 3; how++)
        for (int saved = 0; saved < SAVED_COMBINATIONS; saved++) {
            struct os *os = os_sim_create((uint64_t)(saved * 3 + how + 1), NULL);
            struct er er;
            uint32_t shards = 1 + (uint32_t)(saved + how) % 3;
            er_open(&er, os, "data", (struct engine_options){.shards = shards});
            make_clicks(&er, "");
            er_sql(&er, counts);
            click(&er, 0, "a", 1, 1);
            er_settle(&er);
            if (saved & SAVED_BEFORE)
                savepoint(&er, "v");
            extend(&er, "clicks", 3);
            if (saved & SAVED_BETWEEN) { /* the tick that joins them took nothing of them */
                er_settle(&er);
                savepoint(&er, "v");
            }
            click(&er, 2, "a", 10, 2);
            click(&er, 1, "b", 100, 2);
            er_settle(&er);
            if (saved & SAVED_AFTER)
                savepoint(&er, "v");
            click(&er, 2, "b", 1000, 3);
            er_settle(&er);
            ended(&er, os, how, 1 + shards % 3);
            EXPECT_INT(info_of(&er, "v").state, JOB_RUNNING);
            EXPECT_INT(info_of(&er, "spread").state, JOB_RUNNING);
            EXPECT_STR(er_rows(&er, "SELECT * FROM v ORDER BY k"), "a,2,11 | b,2,1100");
            click(&er, 1, "c", 5, 3);
            er_settle(&er);
            ended(&er, os, how, shards);
            EXPECT_STR(er_rows(&er, "SELECT * FROM v ORDER BY k"), "a,2,11 | b,2,1100 | c,1,5");
            EXPECT_STR(er_rows(&er, "SELECT * FROM spread ORDER BY c"), "1,1 | 2,2");
            er_end(&er);
        }
}

static void expect_pinned(struct er *er)
{
    struct log_offsets o;
    struct log_partition *p = log_partition_of(log_topic_find(er->log, BYTES_LITERAL("clicks")), 1);
    uint64_t lsn;
    EXPECT_OK(log_trim(er->log, p, 1, &lsn));
    log_offsets(p, &o);
    EXPECT_INT(o.start, 0);
}

/* They came, and the process ended before the job knew. */
TEST(partitions_that_came_while_nothing_ran)
{
    struct os *os = os_sim_create(5, NULL);
    struct er er;
    uint64_t lsn;
    er_open(&er, os, "data", (struct engine_options){.shards = 2});
    make_clicks(&er, "");
    er_sql(&er, counts);
    click(&er, 0, "a", 1, 1);
    er_settle(&er);
    savepoint(&er, "v");
    EXPECT_OK(job_pause(engine_job_find(er.engine, BYTES_LITERAL("v")), &lsn));
    extend(&er, "clicks", 2);
    click(&er, 1, "a", 10, 2);
    EXPECT_OK(log_flush(er.log));
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){.shards = 2});
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM v"), "a,1,1"); /* it is paused */
    EXPECT_STR(er_rows(&er, "SELECT * FROM spread"), "2,1");
    EXPECT_OK(job_resume(engine_job_find(er.engine, BYTES_LITERAL("v")), &lsn));
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM v"), "a,2,11");
    er_end(&er);
}

/* From a checkpoint of fewer partitions on, what recovery has to read of the new ones stays. */
TEST(partitions_that_come_are_pinned)
{
    struct os *os = os_sim_create(6, NULL);
    struct er er;
    er_open(&er, os, "data", (struct engine_options){.shards = 1});
    make_clicks(&er, "");
    er_sql(&er, counts);
    click(&er, 0, "a", 1, 1);
    er_settle(&er);
    savepoint(&er, "v");
    savepoint(&er, "spread");
    extend(&er, "clicks", 2);
    er_settle(&er);
    click(&er, 1, "a", 10, 2);
    er_settle(&er);
    for (int life = 0; life < 2; life++) {
        expect_pinned(&er);
        er_kill(&er);
        er_open(&er, os, "data", (struct engine_options){.shards = 1});
    }
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM v"), "a,2,11");
    er_end(&er);
}

/* Though the job that is to read them is paused. */
TEST(partitions_that_come_are_pinned_for_a_paused_job)
{
    struct er er;
    uint64_t lsn;
    er_open(&er, os_sim_create(6, NULL), "data", (struct engine_options){.shards = 3});
    make_clicks(&er, "");
    er_sql(&er, "CREATE MATERIALIZED TABLE v AS SELECT k, COUNT(*) AS c FROM clicks GROUP BY k;");
    EXPECT_OK(job_pause(engine_job_find(er.engine, BYTES_LITERAL("v")), &lsn));
    extend(&er, "clicks", 2);
    click(&er, 1, "a", 10, 2);
    EXPECT_OK(log_flush(er.log));
    expect_pinned(&er);
    EXPECT_OK(job_resume(engine_job_find(er.engine, BYTES_LITERAL("v")), &lsn));
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM v"), "a,1");
    er_sql(&er, "DROP MATERIALIZED TABLE v");
    struct log_offsets o;
    struct log_partition *p = log_partition_of(log_topic_find(er.log, BYTES_LITERAL("clicks")), 1);
    EXPECT_OK(log_trim(er.log, p, 1, &lsn));
    log_offsets(p, &o);
    EXPECT_INT(o.start, 1); /* and let go of with it */
    er_end(&er);
}

/* ---- watermarks ---- */

static const char *const windows =
    "CREATE MATERIALIZED TABLE w AS SELECT window_start, COUNT(*) AS c FROM TABLE(TUMBLE(TABLE "
    "clicks,"
    " DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;";

TEST(partitions_that_come_hold_the_watermark_until_they_have_rows)
{
    for (uint32_t shards = 1; shards <= 3; shards++) {
        struct er er;
        er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){.shards = shards});
        make_clicks(&er, "");
        er_sql(&er, windows);
        click(&er, 0, "a", 1, 1);
        click(&er, 0, "a", 1, 15);
        er_settle(&er);
        EXPECT_STR(er_rows(&er, "SELECT c FROM w"), "1");
        int64_t reached = info_of(&er, "w").watermark_us;
        extend(&er, "clicks", 2);
        er_settle(&er);
        EXPECT(info_of(&er, "w").watermark_us == reached); /* it does not go back, */
        click(&er, 0, "a", 1, 35);
        er_settle(&er);
        EXPECT(info_of(&er, "w").watermark_us ==
               reached); /* nor on: there may be older rows to come */
        EXPECT_STR(er_rows(&er, "SELECT c FROM w"), "1");
        click(&er, 1, "b", 1, 5); /* for a window that has fired */
        click(&er, 1, "b", 1, 16);
        click(&er, 1, "b", 1, 25);
        er_settle(&er);
        EXPECT_STR(er_rows(&er, "SELECT c FROM w ORDER BY c"), "1 | 2");
        EXPECT_STR(er_rows(&er, "SELECT job, topic, `partition`, `offset` FROM `clicks$late`"),
                   "w,clicks,1,0");
        EXPECT(info_of(&er, "w").watermark_us > reached);
        er_produce_to(&er, "clicks", 1, "nonsense");
        er_settle(&er);
        EXPECT_STR(er_rows(&er, "SELECT `partition`, `offset`, record FROM `clicks$errors`"),
                   "1,3,nonsense");
        er_end(&er);
    }
}

TEST(partitions_that_come_and_stay_empty_are_idle_after_the_timeout)
{
    struct os *os = os_sim_create(1, NULL);
    struct er er;
    er_open(&er, os, "data", (struct engine_options){.shards = 2});
    make_clicks(&er, "");
    er_sql(&er, "SET 'table.exec.source.idle-timeout' = '1 s';");
    er_sql(&er, windows);
    click(&er, 0, "a", 1, 1);
    er_settle(&er);
    extend(&er, "clicks", 2);
    er_settle(&er); /* no row comes: the joining alone begins the time */
    os_sim_advance(os, 2000000000);
    click(&er, 0, "a", 1, 15);
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT c FROM w"), "1");
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){.shards = 1});
    er_settle(&er);
    click(&er, 0, "a", 1, 25);
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT c FROM w ORDER BY c"), "1 | 1");
    er_end(&er);
}

/* ---- what does not follow ---- */

/* Read to a bound, or told not to look: the partitions it began with, before and after a restart.
 */
static void expect_not_followed(const char *more, enum job_state end)
{
    struct os *os = os_sim_create(8, NULL);
    struct er er;
    er_open(&er, os, "data", (struct engine_options){.shards = 2});
    make_clicks(&er, more);
    er_sql(&er, counts);
    click(&er, 0, "a", 1, 1);
    er_settle(&er);
    extend(&er, "clicks", 2);
    click(&er, 1, "a", 10, 2);
    er_settle(&er);
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){.shards = 1});
    click(&er, 1, "a", 10, 2);
    click(&er, 0, "a", 2, 1);
    er_settle(&er);
    EXPECT_INT(info_of(&er, "v").state, JOB_RUNNING);
    click(&er, 0, "a", 3, 1);
    er_settle(&er);
    EXPECT_INT(info_of(&er, "v").state, end);
    EXPECT_STR(er_rows(&er, "SELECT * FROM v"), "a,3,6");
    er_end(&er);
}

TEST(partitions_that_come_are_not_read_by_all)
{
    struct er er;
    expect_not_followed(", 'scan.bounded.mode' = 'specific-offsets', "
                        "'scan.bounded.specific-offsets' = 'partition:0,offset:3'",
                        JOB_FINISHED);
    expect_not_followed(", 'scan.topic-partition-discovery.interval' = '0'", JOB_RUNNING);
    er_open(&er, os_sim_create(8, NULL), NULL, (struct engine_options){0});
    make_clicks(&er, ", 'scan.topic-partition-discovery.interval' = 'often'");
    EXPECT_STATUS(er_try(&er, "SELECT k FROM clicks"), ST_INVALID);
    EXPECT(strstr(er.diag.message, "takes a duration"));
    er_end(&er);
}

TEST(partitions_are_refused_where_one_is_the_order)
{
    struct er er;
    char sql[400];
    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    make_clicks(&er, "");
    er_sql(&er, counts);
    EXPECT_STATUS(engine_topic_may_have(er.engine, BYTES_LITERAL("v.changes"), 2, &er.diag),
                  ST_INVALID);
    EXPECT(strstr(er.diag.message, "materialized table 'v'"));
    EXPECT_OK(
        engine_topic_may_have(er.engine, BYTES_LITERAL("clicks"), LOG_PARTITIONS_MAX, &er.diag));
    EXPECT_OK(engine_topic_may_have(er.engine, BYTES_LITERAL("other"), 2, &er.diag));
    int n = snprintf(sql, sizeof(sql), "CREATE MATERIALIZED TABLE many AS SELECT k FROM clicks");
    for (int i = 0; i < 6; i++) {
        char table[200];
        snprintf(table, sizeof(table),
                 "CREATE TABLE t%d (k STRING) WITH ('connector' = 'kafka', 'topic' = 'clicks', "
                 "'format' = 'json')",
                 i);
        er_sql(&er, table);
        n += snprintf(sql + n, sizeof(sql) - (size_t)n, " UNION ALL SELECT k FROM t%d", i);
    }
    er_sql(&er, sql);
    EXPECT_STATUS(
        engine_topic_may_have(er.engine, BYTES_LITERAL("clicks"), LOG_PARTITIONS_MAX, &er.diag),
        ST_INVALID);
    EXPECT(strstr(er.diag.message, "job 'many'") && strstr(er.diag.message, "70000"));
    er_end(&er);
}

/* ---- sinks ---- */

static int64_t records_of(struct er *er, const char *topic, uint32_t partition)
{
    struct log_offsets o;
    log_offsets(log_partition_of(log_topic_find(er->log, bytes_str(topic)), partition), &o);
    return o.end;
}

/* By the key over the partitions that there are when the tick is made; what a replay runs again
 * stays where it was, though there are more by then. */
TEST(partitions_that_come_to_a_sink_are_written_by_key)
{
    for (int how = 0; how < 2; how++) {
        struct os *os = os_sim_create(4 + (uint64_t)how, NULL);
        struct er er;
        int64_t want[4] = {0};
        er_open(&er, os, "data", (struct engine_options){.shards = 2});
        make_clicks(&er, "");
        er_sql(&er, "CREATE TABLE out (k STRING, n INT) WITH ('connector' = 'kafka', 'topic' = "
                    "'out', 'format' = "
                    "'json', 'key.format' = 'raw', 'key.fields' = 'k'); INSERT INTO out SELECT k, "
                    "n FROM clicks;");
        for (int i = 0; i < 40; i++) {
            char key[16];
            snprintf(key, sizeof(key), "k%d", i);
            if (i == 20)
                extend(&er, "out", 4);
            click(&er, 0, key, i, 1);
            er_settle(&er);
            want[kafka_partition_of(bytes_str(key), i < 20 ? 1 : 4)]++;
        }
        for (uint32_t p = 0; p < 4; p++)
            EXPECT_INT(records_of(&er, "out", p), want[p]);
        if (how == 0)
            er_kill(&er);
        else
            er_crash(&er);
        er_open(&er, os, "data", (struct engine_options){.shards = 1});
        er_settle(&er);
        struct job_info info = info_of(&er, "insert-into_out");
        EXPECT_INT(info.state, JOB_RUNNING);
        EXPECT_INT(info.replayed, 40);
        for (uint32_t p = 0; p < 4; p++)
            EXPECT_INT(records_of(&er, "out", p), want[p]);
        EXPECT(want[1] && want[2] && want[3]);
        er_end(&er);
    }
}

/* An upsert table: its job writes by key over the new number, the jobs that read it follow. A key
 * may have moved, as in Kafka, and what stands of it in the partition it left is older. */
TEST(partitions_that_come_to_an_upsert_topic)
{
    struct os *os = os_sim_create(9, NULL);
    struct er er;
    er_open(&er, os, "data", (struct engine_options){.shards = 2});
    make_clicks(&er, "");
    er_sql(&er,
           "CREATE TABLE u (k STRING, c BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = "
           "'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json');"
           "INSERT INTO u SELECT k, COUNT(*) FROM clicks GROUP BY k;"
           "CREATE MATERIALIZED TABLE by_count AS SELECT c, COUNT(*) AS n FROM u GROUP BY c;");
    for (int i = 0; i < 12; i++) {
        char key[2] = {(char)('a' + i % 6), 0};
        if (i == 6)
            extend(&er, "u", 3);
        click(&er, 0, key, 1, 1);
        er_settle(&er);
    }
    EXPECT_STR(er_rows(&er, "SELECT * FROM by_count"), "2,6");
    EXPECT(records_of(&er, "u", 1) + records_of(&er, "u", 2) > 0);
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){.shards = 3});
    er_settle(&er);
    click(&er, 0, "a", 1, 1);
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM by_count ORDER BY c"), "2,5 | 3,1");
    er_end(&er);
}
