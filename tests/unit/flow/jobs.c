/* Jobs: pause, savepoint, damage, divergence, files, alerts, idle partitions, bounded ends. */
#include <stdio.h>
#include <stdlib.h>

#include "flow/job.h"
#include "lib/engines.h"

static const char *const setup =
    "CREATE TABLE s (k STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 's', 'format' = 'json');"
    "CREATE TABLE t (k STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');"
    "INSERT INTO t SELECT k, n FROM s;";

static enum job_state state_of(struct er *er, const char *name)
{
    struct job_info info;
    struct job *job = engine_job_find(er->engine, bytes_str(name));
    EXPECT(job);
    job_info(job, &info);
    return info.state;
}

TEST(job_pauses_and_resumes_across_a_restart)
{
    struct os *os = os_sim_create(3, NULL);
    struct er er;
    uint64_t lsn;
    er_open(&er, os, "data", (struct engine_options){0});
    er_sql(&er, setup);
    er_produce(&er, "s", "{\"k\":\"a\",\"n\":1}");
    er_settle(&er);
    EXPECT_OK(job_pause(engine_job_find(er.engine, BYTES_LITERAL("insert-into_t")), &lsn));
    er_produce(&er, "s", "{\"k\":\"b\",\"n\":2}");
    er_settle(&er);
    EXPECT_STR(er_topic(&er, "t"), "{\"k\":\"a\",\"n\":1}");
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){0});
    er_settle(&er);
    EXPECT_INT(state_of(&er, "insert-into_t"), JOB_PAUSED);
    EXPECT_STR(er_topic(&er, "t"), "{\"k\":\"a\",\"n\":1}");
    EXPECT_OK(job_resume(engine_job_find(er.engine, BYTES_LITERAL("insert-into_t")), &lsn));
    er_settle(&er);
    EXPECT_STR(er_topic(&er, "t"), "{\"k\":\"a\",\"n\":1} | {\"k\":\"b\",\"n\":2}");
    const char *path;
    struct diag diag = {0};
    EXPECT_OK(job_savepoint(engine_job_find(er.engine, BYTES_LITERAL("insert-into_t")), &path, &diag));
    EXPECT(strstr(path, "data/checkpoints/insert-into_t/"));
    EXPECT_OK(job_drop(engine_job_find(er.engine, BYTES_LITERAL("insert-into_t")), &lsn));
    er_close(&er, true);
    er_open(&er, os, "data", (struct engine_options){0});
    EXPECT(!engine_job_find(er.engine, BYTES_LITERAL("insert-into_t")));
    er_end(&er);
}

TEST(job_with_a_damaged_note_stops_by_name_and_others_run)
{
    struct os *os = os_sim_create(3, NULL);
    struct er er;
    er_open(&er, os, "data", (struct engine_options){0});
    er_sql(&er, setup);
    er_sql(&er, "CREATE MATERIALIZED TABLE v AS SELECT k, COUNT(*) AS c FROM s GROUP BY k;");
    er_produce(&er, "s", "{\"k\":\"a\",\"n\":1}");
    er_settle(&er);
    er_produce(&er, "__job-insert-into_t", "this is no note");
    er_settle(&er);
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){0});
    er_produce(&er, "s", "{\"k\":\"b\",\"n\":1}");
    er_settle(&er);
    EXPECT_INT(state_of(&er, "insert-into_t"), JOB_FAILED);
    EXPECT_INT(state_of(&er, "v"), JOB_RUNNING);
    EXPECT_STR(er_rows(&er, "SELECT * FROM v ORDER BY k"), "a,1 | b,1");
    EXPECT(strstr(er_rows(&er, "SHOW JOBS"), "damaged"));
    er_end(&er);
}

/* Killed after a checkpoint has its name and before that is on disk; the next life begins from it. Then the
 * power fails: a state that the notes lead on from must be left. */
TEST(job_begins_from_a_checkpoint_whose_name_was_not_synced)
{
    struct os *os = os_sim_create(3, NULL);
    struct er er;
    const char *path;
    struct diag diag = {0};
    os_sim_options(os)->crash_keep = os_sim_options(os)->crash_tear = 0;
    er_open(&er, os, "data", (struct engine_options){0});
    er_sql(&er, setup);
    er_sql(&er, "CREATE MATERIALIZED TABLE v AS SELECT k, COUNT(*) AS c FROM s GROUP BY k;");
    for (int i = 0; i < 3; i++) {
        er_produce(&er, "s", "{\"k\":\"a\",\"n\":1}");
        er_settle(&er);
        if (i == 2)
            os_sim_off_between(os, (struct os_sim_step){"rename", ".ckpt.tmp"},
                               (struct os_sim_step){"sync", "/checkpoints/"}, 0);
        enum status st = job_savepoint(engine_job_find(er.engine, BYTES_LITERAL("v")), &path, &diag);
        EXPECT(i == 2 || st == ST_OK);
    }
    EXPECT(os_sim_is_off(os));
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){0});
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM v"), "a,3");
    er_crash(&er);
    er_open(&er, os, "data", (struct engine_options){0});
    er_settle(&er);
    EXPECT_INT(state_of(&er, "v"), JOB_RUNNING);
    EXPECT_STR(er_rows(&er, "SELECT * FROM v"), "a,3");
    er_end(&er);
}

#ifdef QW_SLOW_CHECKS
TEST(job_that_gives_something_else_when_run_again_has_diverged)
{
    struct os *os = os_sim_create(3, NULL);
    struct er er;
    er_open(&er, os, "data", (struct engine_options){0});
    er_sql(&er, setup);
    job_bugs = JOB_BUG_WRONG_HASH;
    er_produce(&er, "s", "{\"k\":\"a\",\"n\":1}");
    er_settle(&er);
    job_bugs = 0;
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){0});
    er_settle(&er);
    EXPECT_INT(state_of(&er, "insert-into_t"), JOB_DIVERGED);
    EXPECT(strstr(er_rows(&er, "SHOW JOBS"), "tick 1 "));
    er_end(&er);
}
#endif

/* Two checkpoints, so that the notes before them are cut. */
static void with_checkpoints(struct er *er)
{
    const char *path;
    struct diag diag = {0};

    for (int i = 0; i < 3; i++) {
        er_produce(er, "s", "{\"k\":\"a\",\"n\":1}");
        er_settle(er);
        EXPECT_OK(job_savepoint(engine_job_find(er->engine, bytes_str("v")), &path, &diag));
    }
}

/* The power fails somewhere in the drop: the job is there as it was, or not at all; under its name another can
 * be made, which knows nothing of it. */
TEST(job_drop_cut_short_by_a_power_cut)
{
    for (uint64_t step = 1, done = 0; !done; step++) {
        struct os *os = os_sim_create(step, NULL);
        struct er er;
        os_sim_options(os)->crash_keep = step % 2; /* names kept, or lost, while the WAL's end is lost */
        os_sim_options(os)->crash_tear = 0;
        er_open(&er, os, "data", (struct engine_options){0});
        er_sql(&er, setup);
        er_sql(&er, "CREATE MATERIALIZED TABLE v AS SELECT k, COUNT(*) AS c FROM s GROUP BY k;");
        with_checkpoints(&er);
        os_sim_off_at(os, (step + 1) / 2, NULL, NULL);
        enum status st = er_try(&er, "DROP MATERIALIZED TABLE v");
        done = st == ST_OK && step % 2 == 0;
        EXPECT(done || step < 100);
        er_crash(&er);
        er_open(&er, os, "data", (struct engine_options){0});
        er_settle(&er);
        if (engine_job_find(er.engine, bytes_str("v"))) {
            EXPECT_INT(state_of(&er, "v"), JOB_RUNNING);
            EXPECT_STR(er_rows(&er, "SELECT * FROM v"), "a,3");
            er_sql(&er, "DROP MATERIALIZED TABLE v");
        }
        er_sql(&er, "CREATE MATERIALIZED TABLE v AS SELECT n, COUNT(*) AS c FROM s GROUP BY n;");
        er_settle(&er);
        EXPECT_STR(er_rows(&er, "SELECT * FROM v"), "1,3");
        er_end(&er);
    }
}

static void spoil(struct os *os, const char *path)
{
    struct os_file *file;
    EXPECT_OK(os_file_open(os, path, OS_WRITE, &file));
    EXPECT_OK(os_file_write(file, 20, "spoilt", 6));
    os_file_close(file);
}

TEST(job_takes_the_older_checkpoint_when_the_newer_is_damaged)
{
    struct os *os = os_sim_create(3, NULL);
    struct er er;
    const char *path;
    struct diag diag = {0};
    char newest[OS_PATH_MAX] = "";
    er_open(&er, os, "data", (struct engine_options){0});
    er_sql(&er, setup);
    er_sql(&er, "CREATE MATERIALIZED TABLE v AS SELECT k, COUNT(*) AS c FROM s GROUP BY k;");
    for (int i = 0; i < 3; i++) {
        er_produce(&er, "s", "{\"k\":\"a\",\"n\":1}");
        er_settle(&er);
        EXPECT_OK(job_savepoint(engine_job_find(er.engine, BYTES_LITERAL("v")), &path, &diag));
        snprintf(newest, sizeof(newest), "%s", path);
    }
    er_kill(&er);
    spoil(os, newest);
    er_open(&er, os, "data", (struct engine_options){0});
    er_produce(&er, "s", "{\"k\":\"b\",\"n\":1}");
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM v ORDER BY k"), "a,3 | b,1");
    er_end(&er);
}

static const char *read_file(struct os *os, const char *path, char *to, size_t size)
{
    struct os_file *file;
    size_t got = 0;
    EXPECT_OK(os_file_open(os, path, OS_READ, &file));
    EXPECT_OK(os_file_read(file, 0, to, size - 1, &got));
    to[got] = 0;
    os_file_close(file);
    return to;
}

TEST(job_writes_a_file_exactly_once_and_reads_one)
{
    struct os *os = os_sim_create(3, NULL);
    struct er er;
    char text[1000];
    er_open(&er, os, "data", (struct engine_options){0});
    er_sql(&er, "CREATE TABLE s (k STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 's', 'format' "
                "= 'json');"
                "CREATE TABLE f (k STRING, n INT) WITH ('connector' = 'filesystem', 'path' = "
                "'out.csv', 'format' = 'csv');"
                "INSERT INTO f SELECT k, n FROM s;");
    er_produce(&er, "s", "{\"k\":\"a\",\"n\":1}");
    er_settle(&er);
    er_produce(&er, "s", "{\"k\":\"b\",\"n\":2}");
    er_settle(&er);
    os_sim_crash(os);
    er_close(&er, false);
    er_open(&er, os, "data", (struct engine_options){0});
    er_produce(&er, "s", "{\"k\":\"c\",\"n\":3}");
    er_settle(&er);
    EXPECT_STR(read_file(os, "out.csv", text, sizeof(text)), "a,1\nb,2\nc,3\n");
    EXPECT_STR(er_rows(&er, "SELECT SUM(n), COUNT(*) FROM f"), "6,3");
    er_end(&er);
}

TEST(job_writes_the_files_of_partitions_exactly_once_and_reads_them)
{
    struct os *os = os_sim_create(3, NULL);
    struct er er;
    char text[1000];
    er_open(&er, os, "data", (struct engine_options){0});
    er_sql(&er, "CREATE TABLE s (k STRING, n INT, d DATE) WITH ('connector' = 'kafka', 'topic' = 's', 'format' = 'json');"
                "CREATE TABLE f (k STRING, d DATE, n INT, b BOOLEAN) PARTITIONED BY (d, k) WITH ('connector' = 'filesystem', "
                "'path' = 'out', 'format' = 'csv');"
                "INSERT INTO f SELECT k, d, n, n > 1 FROM s;");
    er_produce(&er, "s", "{\"k\":\"a:/%\",\"n\":1,\"d\":\"2024-01-02\"}\n{\"k\":\"\",\"n\":2}");
    er_settle(&er);
    er_produce(&er, "s", "{\"k\":\"b\",\"n\":3,\"d\":\"2024-01-02\"}\n{\"k\":\"a:/%\",\"n\":4,\"d\":\"2024-01-02\"}");
    er_settle(&er);
    os_sim_crash(os);
    er_close(&er, false);
    er_open(&er, os, "data", (struct engine_options){0});
    er_produce(&er, "s", "{\"n\":5}\n{\"k\":\"b\",\"n\":6,\"d\":\"2024-01-02\"}");
    er_settle(&er);
    EXPECT_STR(read_file(os, "out/d=2024-01-02/k=a%3A%2F%25/part-insert-into_f.csv", text, sizeof(text)), "1,false\n4,true\n");
    EXPECT_STR(read_file(os, "out/d=2024-01-02/k=b/part-insert-into_f.csv", text, sizeof(text)), "3,true\n6,true\n");
    EXPECT_STR(read_file(os, "out/d=__DEFAULT_PARTITION__/k=__DEFAULT_PARTITION__/part-insert-into_f.csv", text, sizeof(text)),
               "2,true\n5,true\n");
    EXPECT_STR(er_rows(&er, "SELECT n, b, d, k FROM f WHERE n <> 3 ORDER BY n"),
               "1,FALSE,2024-01-02,a:/% | 2,TRUE,NULL,NULL | 4,TRUE,2024-01-02,a:/% | 5,TRUE,NULL,NULL | "
               "6,TRUE,2024-01-02,b");
    EXPECT_STR(er_rows(&er, "SELECT DISTINCT d FROM f ORDER BY d"), "NULL | 2024-01-02");
    er_end(&er);
}

TEST(job_of_an_alert_writes_to_alerts)
{
    struct er er;
    er_open(&er, os_sim_create(3, NULL), NULL, (struct engine_options){0});
    er_sql(&er, setup);
    er_sql(&er, "CREATE ALERT high AS SELECT k, n FROM s WHERE n > 10;");
    er_produce(&er, "s", "{\"k\":\"a\",\"n\":1}\n{\"k\":\"b\",\"n\":20}");
    er_settle(&er);
    const char *alerts = er_topic(&er, "alerts");
    EXPECT(strstr(alerts, "{\"alert\":\"high\",\"time\":\""));
    EXPECT(strstr(alerts, "\"row\":{\"k\":\"b\",\"n\":20}}"));
    EXPECT(!strstr(alerts, "\"k\":\"a\""));
    EXPECT_STR(er_rows(&er, "SHOW ALERTS"), "high");
    er_sql(&er, "DROP ALERT high");
    er_end(&er);
}

TEST(job_with_an_idle_partition_goes_on)
{
    struct er er;
    er_open(&er, os_sim_create(3, NULL), NULL, (struct engine_options){0});
    er_sql(&er, "SET 'table.exec.source.idle-timeout' = '1 s';"
                "CREATE TABLE s (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = "
                "'kafka', 'topic' = 's', 'format' = 'json', 'topic.partitions' = '2');"
                "CREATE MATERIALIZED TABLE w AS SELECT window_end, COUNT(*) AS c FROM TABLE(TUMBLE("
                "TABLE s, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end;");
    er_produce_to(&er, "s", 1, "{\"k\":\"a\",\"ts\":\"2020-01-01 00:00:00\"}\n"
                               "{\"k\":\"a\",\"ts\":\"2020-01-01 00:00:05\"}");
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT c FROM w"), "");
    EXPECT(engine_deadline_ns(er.engine) < INT64_MAX);
    os_sim_advance(er.os, 2000000000);
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT c FROM w"), "1");
    er_end(&er);
}

static void select_done(void *context, enum status st, const struct diag *diag)
{
    (void)diag;
    EXPECT_OK(st);
    *(bool *)context = true;
}

TEST(a_select_that_waits_for_the_clock_is_woken_by_it)
{
    struct er er;
    bool done = false;
    er_open(&er, os_sim_create(3, NULL), NULL, (struct engine_options){.shards = 2});
    er_sql(&er, "CREATE TABLE a (k INT) WITH ('connector' = 'datagen', 'number-of-rows' = '30', 'rows-per-second' = '100');"
                "CREATE TABLE b (k INT) WITH ('connector' = 'datagen', 'number-of-rows' = '20', 'rows-per-second' = '50');");
    engine_run(er.session, BYTES_LITERAL("SELECT COUNT(*) FROM a, b"), NULL, select_done, &done);
    for (int i = 0; !done && i < 1000; i++) {
        if (er_pass(&er) || done)
            continue;
        int64_t wait = engine_deadline_ns(er.engine); /* nothing else would wake the loop */
        EXPECT(wait < INT64_MAX);
        os_sim_advance(er.os, wait - os_mono_ns(er.os) > 0 ? wait - os_mono_ns(er.os) : 1000);
    }
    EXPECT(done);
    er_end(&er);
}

TEST(job_over_bounded_sources_finishes)
{
    struct er er;
    er_open(&er, os_sim_create(3, NULL), NULL, (struct engine_options){0});
    er_produce(&er, "s", "{\"k\":\"a\",\"n\":1}\n{\"k\":\"b\",\"n\":2}");
    er_sql(&er, "CREATE TABLE s (k STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 's', 'format' "
                "= 'json', 'scan.bounded.mode' = 'latest-offset');"
                "CREATE TABLE t (k STRING, c BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = "
                "'upsert-kafka', 'topic' = 't', 'key.format' = 'json', 'value.format' = 'json');"
                "INSERT INTO t SELECT k, COUNT(*) FROM s GROUP BY k;");
    er_settle(&er);
    EXPECT(engine_finished(er.engine));
    EXPECT_STR(er_topic(&er, "t"), "{\"k\":\"a\",\"c\":1} | {\"k\":\"b\",\"c\":1}");
    er_end(&er);
}

TEST(job_resumes_a_script_that_is_run_again)
{
    struct os *os = os_sim_create(3, NULL);
    struct er er;
    er_open(&er, os, "data", (struct engine_options){0});
    er_sql(&er, setup);
    er_produce(&er, "s", "{\"k\":\"a\",\"n\":1}");
    er_settle(&er);
    er_close(&er, true);
    er_open(&er, os, "data", (struct engine_options){0});
    EXPECT(er_try(&er, setup) != ST_OK);
    engine_session_resumes(er.session, true);
    er_sql(&er, setup);
    er_settle(&er);
    EXPECT_STR(er_topic(&er, "t"), "{\"k\":\"a\",\"n\":1}");
    EXPECT(engine_topic_job(er.engine, BYTES_LITERAL("s")));
    EXPECT(engine_topic_job(er.engine, BYTES_LITERAL("__job-insert-into_t")));
    EXPECT(!engine_topic_job(er.engine, BYTES_LITERAL("other")));
    er_end(&er);
}

TEST(job_in_whose_tick_the_process_dies_twice_starts_paused)
{
    struct os *os = os_sim_create(3, NULL);
    struct er er;
    uint64_t lsn;
    er_open(&er, os, "data", (struct engine_options){0});
    er_sql(&er, setup);
    er_produce(&er, "s", "{\"k\":\"a\",\"n\":1}");
    er_settle(&er);
    er_produce(&er, "s", "{\"k\":\"b\",\"n\":2}");
    EXPECT_OK(log_flush(er.log));
    for (int deaths = 0; deaths < 2; deaths++) {
        er_kill(&er);
        er_open(&er, os, "data", (struct engine_options){0});
        while (state_of(&er, "insert-into_t") == JOB_RECOVERING)
            engine_pass(er.engine);
        engine_pass(er.engine); /* the tick is announced and run, and never committed */
    }
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){0});
    er_settle(&er);
    EXPECT_INT(state_of(&er, "insert-into_t"), JOB_PAUSED);
    EXPECT(strstr(er_rows(&er, "SHOW JOBS"), "died twice in tick 2"));
    EXPECT_OK(job_resume(engine_job_find(er.engine, BYTES_LITERAL("insert-into_t")), &lsn));
    er_settle(&er);
    EXPECT_STR(er_topic(&er, "t"), "{\"k\":\"a\",\"n\":1} | {\"k\":\"b\",\"n\":2}");
    er_end(&er);
}

TEST(job_that_fails_says_why_and_its_view_is_not_read)
{
    struct er er;
    er_open(&er, os_sim_create(3, NULL), NULL, (struct engine_options){0});
    er_sql(&er, "CREATE TABLE s (k STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 's', 'format' "
                "= 'json');"
                "CREATE MATERIALIZED TABLE v AS SELECT k, 10 / n AS q FROM s;");
    er_produce(&er, "s", "{\"k\":\"a\",\"n\":2}");
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM v"), "a,5");
    er_produce(&er, "s", "{\"k\":\"b\",\"n\":0}");
    er_settle(&er);
    EXPECT_INT(state_of(&er, "v"), JOB_FAILED);
    EXPECT(er_try(&er, "SELECT * FROM v") != ST_OK);
    EXPECT(strstr(er.diag.message, "has stopped: "));
    er_end(&er);
}

/* What cannot be opened says so, and is not closed a second time by the job that it was part of. */
TEST(job_whose_parts_cannot_be_opened_is_an_error)
{
    static const char *const wrong[] = {
        "INSERT INTO unformed VALUES (1)", "SELECT * FROM unformed", "INSERT INTO fine SELECT n FROM unformed",
        "INSERT INTO unplaced VALUES (1)", "SELECT * FROM unplaced", "INSERT INTO nowhere VALUES (1)",
        "SELECT * FROM nowhere",           "INSERT INTO folder VALUES (1)", "SELECT n FROM outside",
        "INSERT INTO outside VALUES (1)",  "SELECT * FROM cornered",
    };
    struct er er;
    er_open(&er, os_sim_create(3, NULL), NULL, (struct engine_options){0});
    er_sql(&er, "CREATE TABLE unformed (n INT) WITH ('connector' = 'kafka', 'topic' = 'u', 'format' = 'jsn');"
                "CREATE TABLE unplaced (n INT) WITH ('connector' = 'kafka', 'topic' = 'a/b', 'format' = 'json');"
                "CREATE TABLE nowhere (n INT) WITH ('connector' = 'nosuch');"
                "CREATE TABLE folder (n INT) WITH ('connector' = 'filesystem', 'path' = 'no/such/dir/f', "
                "'format' = 'json');"
                "CREATE TABLE outside (n INT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json', "
                "'properties.bootstrap.servers' = 'h:1');"
                "CREATE TABLE cornered (n INT) WITH ('connector' = 'datagen', 'fields.x.kind' = 'random');"
                "CREATE TABLE fine (n INT) WITH ('connector' = 'kafka', 'topic' = 'f', 'format' = 'json');");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (er_try(&er, wrong[i]) == ST_OK)
            test_fail(__FILE__, __LINE__, "taken: %s", wrong[i]);
        EXPECT(er.diag.message[0]);
    }
    er_sql(&er, "INSERT INTO fine VALUES (7)");
    EXPECT_STR(er_topic(&er, "f"), "{\"n\":7}");
    er_end(&er);
}
