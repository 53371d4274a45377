/* What a sink's table demands of its rows: NOT NULL, lengths; and a job that failed by it begun
 * again. */
#include "flow/job.h"
#include "lib/engines.h"
#include "sql/catalog.h"

#define KAFKA(name) "WITH ('connector' = 'kafka', 'topic' = '" name "', 'format' = 'json');"

static const char *const setup = "CREATE TABLE s (k STRING, n INT) " KAFKA(
    "s") "CREATE TABLE t (k STRING NOT NULL, n INT) " KAFKA("t");
static const char *const insert = "INSERT INTO t SELECT k, n FROM s;";

static void info_of(struct er *er, const char *name, struct job_info *info)
{
    struct job *job = engine_job_find(er->engine, bytes_str(name));
    EXPECT(job);
    job_info(job, info);
}

static void settings_one(struct settings *settings, const char *key, const char *value)
{
    settings_init(settings);
    EXPECT_OK(settings_set(settings, bytes_str(key), bytes_str(value), NULL));
}

TEST(enforce_null_fails_the_job_by_name_and_drop_lets_it_go_on)
{
    struct os *os = os_sim_create(3, NULL);
    struct er er;
    struct job_info info;
    struct settings drop;
    struct diag diag = {0};
    uint64_t lsn;
    er_open(&er, os, "data", (struct engine_options){0});
    er_sql(&er, setup);
    er_sql(&er, insert);
    er_produce(&er, "s", "{\"k\":\"a\",\"n\":1}");
    er_settle(&er);
    er_produce(&er, "s", "{\"n\":2}\n{\"k\":\"c\",\"n\":3}");
    er_settle(&er);
    info_of(&er, "insert-into_t", &info);
    EXPECT_INT(info.state, JOB_FAILED);
    EXPECT(strstr(info.error,
                  "column 'k' of the sink table 't' is NOT NULL, however, a null value is being "
                  "written into it"));
    EXPECT(strstr(info.error, "'table.exec.sink.not-null-enforcer' = 'DROP'"));
    EXPECT_STR(er_topic(&er, "t"), "{\"k\":\"a\",\"n\":1}");

    er_close(&er, false); /* the next start tries again, and meets the same row */
    er_open(&er, os, "data", (struct engine_options){0});
    er_settle(&er);
    info_of(&er, "insert-into_t", &info);
    EXPECT_INT(info.state, JOB_FAILED);
    EXPECT_STR(er_topic(&er, "t"), "{\"k\":\"a\",\"n\":1}");

    settings_one(&drop, "table.exec.sink.not-null-enforcer", "DROP");
    EXPECT_OK(job_restart(engine_job_find(er.engine, BYTES_LITERAL("insert-into_t")), &drop, &lsn,
                          &diag));
    settings_deinit(&drop);
    er_settle(&er);
    info_of(&er, "insert-into_t", &info);
    EXPECT_INT(info.state, JOB_RUNNING);
    EXPECT_INT(info.dropped, 1);
    EXPECT_STR(er_topic(&er, "t"), "{\"k\":\"a\",\"n\":1} | {\"k\":\"c\",\"n\":3}");

    er_kill(&er); /* what was changed stays changed, and a replay drops the same rows */
    er_open(&er, os, "data", (struct engine_options){0});
    er_produce(&er, "s", "{\"n\":4}\n{\"k\":\"e\",\"n\":5}");
    er_settle(&er);
    info_of(&er, "insert-into_t", &info);
    EXPECT_INT(info.state, JOB_RUNNING);
    EXPECT_STR(er_topic(&er, "t"),
               "{\"k\":\"a\",\"n\":1} | {\"k\":\"c\",\"n\":3} | {\"k\":\"e\",\"n\":5}");
    er_end(&er);
}

TEST(enforce_rules_of_a_script_that_goes_on_are_its_own)
{
    struct os *os = os_sim_create(3, NULL);
    struct er er;
    struct job_info info;
    er_open(&er, os, "data", (struct engine_options){0});
    er_sql(&er, setup);
    er_sql(&er, insert);
    er_produce(&er, "s", "{\"n\":2}\n{\"k\":\"c\",\"n\":3}");
    er_settle(&er);
    info_of(&er, "insert-into_t", &info);
    EXPECT_INT(info.state, JOB_FAILED);
    engine_session_resumes(er.session, true);
    er_sql(&er, insert); /* the same rules: the job stays as it is */
    er_settle(&er);
    info_of(&er, "insert-into_t", &info);
    EXPECT_INT(info.state, JOB_FAILED);
    er_sql(&er, "SET 'table.exec.sink.not-null-enforcer' = 'DROP';");
    er_sql(&er, insert);
    er_settle(&er);
    EXPECT_STR(er_topic(&er, "t"), "{\"k\":\"c\",\"n\":3}");
    er_end(&er);
}

TEST(enforce_restart_is_refused_where_nothing_is_kept)
{
    struct os *os = os_sim_create(3, NULL);
    struct er er;
    struct diag diag = {0};
    uint64_t lsn;
    er_open(&er, os, NULL, (struct engine_options){0});
    er_sql(&er, setup);
    er_sql(&er, insert);
    er_sql(&er, "CREATE MATERIALIZED TABLE v AS SELECT k, COUNT(*) AS c FROM s GROUP BY k;");
    EXPECT_INT(
        job_restart(engine_job_find(er.engine, BYTES_LITERAL("insert-into_t")), NULL, &lsn, &diag),
        ST_UNSUPPORTED);
    EXPECT(strstr(diag.message, "without a data directory"));
    diag_clear(&diag);
    EXPECT_INT(job_restart(engine_job_find(er.engine, BYTES_LITERAL("v")), NULL, &lsn, &diag),
               ST_UNSUPPORTED);
    EXPECT(strstr(diag.message, "not of an INSERT"));
    er_end(&er);
}

TEST(enforce_every_way_into_a_sink)
{
    struct er er;
    er_open(&er, os_sim_create(3, NULL), NULL, (struct engine_options){0});
    er_sql(&er, setup);
    EXPECT_INT(er_try(&er, "INSERT INTO t (n) VALUES (1)"), ST_INVALID);
    EXPECT(strstr(er.diag.message, "column `k` has no default value and does not allow NULLs"));
    EXPECT_INT(er_try(&er, "INSERT INTO t VALUES (CAST(NULL AS STRING), 1)"), ST_INVALID);
    EXPECT(strstr(er.diag.message, "column 'k' of the sink table 't' is NOT NULL"));
    er_sql(&er, "SET 'table.exec.sink.not-null-enforcer' = 'DROP';");
    er_sql(&er, "INSERT INTO t VALUES (CAST(NULL AS STRING), 1), ('b', 2)");
    EXPECT_STR(er_topic(&er, "t"), "{\"k\":\"b\",\"n\":2}");
    er_sql(&er, "CREATE TABLE w (c CHAR(3), v VARCHAR(2)) " KAFKA(
                    "w") "CREATE TABLE claims (c CHAR(3), v VARCHAR(2)) " KAFKA("claims"));
    EXPECT(strstr(er_rows(&er, "EXPLAIN INSERT INTO t SELECT k, n FROM s"),
                  "not-null=[k] else dropped"));
    er_sql(&er, "SET 'table.exec.sink.type-length-enforcer' = 'TRIM_PAD';");
    er_sql(&er, "INSERT INTO w SELECT * FROM claims;");
    er_produce(&er, "claims",
               "{\"c\":\"\xc3\xa4\",\"v\":\"\xc3\xa4\xc3\xb6\xc3\xbc\"}\n{\"c\":null,\"v\":\"\"}");
    er_settle(&er);
    EXPECT_STR(er_topic(&er, "w"),
               "{\"c\":\"\xc3\xa4  \",\"v\":\"\xc3\xa4\xc3\xb6\"} | {\"c\":null,\"v\":\"\"}");
    EXPECT_INT(er_try(&er, "SET 'table.exec.sink.nested-constraint-enforcer' = 'ROWS'"),
               ST_UNSUPPORTED);
    EXPECT_INT(er_try(&er, "SET 'table.exec.sink.type-length-enforcer' = 'THROW'"), ST_INVALID);
    er_end(&er);
}
