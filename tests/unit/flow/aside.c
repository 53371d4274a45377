/* What a job could not use, put back with SQL: late rows and records that could not be decoded, over kills and power
 * cuts, each once and as it was. */
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "lib/batches.h"
#include "lib/engines.h"

static const char *const clicks =
    "CREATE TABLE clicks (k STRING, n INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', "
    "'topic' = 'clicks', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');"
    "CREATE MATERIALIZED TABLE w AS SELECT window_start, n, COUNT(*) AS c FROM TABLE(TUMBLE(TABLE clicks, "
    "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, n;";

static void produce_record(struct er *er, const char *topic, struct bytes key, struct bytes value)
{
    struct batch_builder b;
    struct buf batch;
    struct log_appended out;

    batch_builder_init(&b, KAFKA_CODEC_NONE);
    buf_init(&batch, 0);
    batch_builder_add(&b, 1700000000000, key, value, NULL, 0);
    EXPECT_OK(batch_builder_finish(&b, &batch));
    struct log_topic *to = log_topic_find(er->log, bytes_str(topic));
    EXPECT(to);
    EXPECT_OK(log_append(er->log, log_partition_of(to, 0), buf_view(&batch), &out, &er->diag));
    batch_builder_deinit(&b);
    buf_deinit(&batch);
}

/* A few passes, and then perhaps the end of the process, or of the power. */
static void some_fate(struct er *er, struct rng *rng, struct os *os, uint32_t shards)
{
    for (uint64_t passes = rng_below(rng, 12); passes > 0; passes--)
        er_pass(er);
    uint64_t fate = rng_below(rng, 3);
    if (fate == 0)
        return;
    EXPECT_OK(log_flush(er->log)); /* what was produced stays */
    if (fate == 1)
        er_kill(er);
    else
        er_crash(er);
    er_open(er, os, "data", (struct engine_options){.shards = shards});
}

/* ---- late rows ---- */

static void put_back_late(uint64_t seed)
{
    struct os *os = os_sim_create(seed, NULL);
    struct rng rng = rng_seed(seed);
    struct er er;
    char line[100], want[8000];
    int at = 0;

    er_open(&er, os, "data", (struct engine_options){.shards = 2});
    er_sql(&er, clicks);
    er_sql(&er, "CREATE TABLE again (k STRING, n INT, ts TIMESTAMP(3)) WITH ('connector' = 'kafka', 'topic' = 'again', "
                "'format' = 'json', 'scan.startup.mode' = 'earliest-offset');"
                "INSERT INTO again SELECT JSON_VALUE(`row`, '$.k'), JSON_VALUE(`row`, '$.n' RETURNING INT), "
                "CAST(JSON_VALUE(`row`, '$.ts') AS TIMESTAMP(3)) FROM `clicks$late` WHERE job = 'w';");
    er_produce(&er, "clicks", "{\"k\":\"a\",\"n\":1,\"ts\":\"2020-01-01 00:01:00\"}");
    er_settle(&er);
    for (int i = 0; i < 40; i++) {
        snprintf(line, sizeof(line), "{\"k\":\"k%d\",\"n\":%d,\"ts\":\"2020-01-01 00:00:%02d\"}", i % 3, i, i);
        er_produce(&er, "clicks", line);
        at += snprintf(want + at, sizeof(want) - (size_t)at, "%s%d,2020-01-01 00:00:%02d.000", i ? " | " : "", i, i);
        some_fate(&er, &rng, os, 1 + (uint32_t)rng_below(&rng, 3));
    }
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT n, CAST(ts AS STRING) FROM again ORDER BY n"), want);
    er_end(&er);
}

TEST(aside_late_rows_are_put_back_once_each_over_kills_and_power_cuts)
{
    for (uint64_t seed = 1; seed <= 6; seed++)
        put_back_late(seed);
}

/* The text is what the format `json` reads: of every type the value comes back. */
TEST(aside_late_rows_come_back_as_they_were_in_every_type)
{
    static const char *const columns =
        "b BOOLEAN, t TINYINT, s SMALLINT, i INT, l BIGINT, f FLOAT, d DOUBLE, m DECIMAL(30, 10), c CHAR(3), v STRING, "
        "x BYTES, da DATE, ti TIME(0), ts TIMESTAMP(3), z TIMESTAMP_LTZ(3), a ARRAY<INT>, o MAP<STRING, BIGINT>, "
        "r ROW<p INT, q STRING>";
    static const char *const names = "b, t, s, i, l, f, d, m, c, v, x, da, ti, ts, z, a, o, r";
    static const char *const values =
        "{\"b\":true,\"t\":-7,\"s\":300,\"i\":-70000,\"l\":9007199254740993,\"f\":1.5,\"d\":0.1,\"m\":12345678901234567890."
        "0123456789,\"c\":\"abc\",\"v\":\"a \\\"b\\\" \\\\ \\n\\u0001 \xC3\xA9 \xF0\x9F\x98\x80 {'x'}\",\"x\":\"AP/+\",\"da\":"
        "\"1999-12-31\",\"ti\":\"23:59:58\",\"ts\":\"2020-01-01 00:00:%02d.123\",\"z\":\"2020-06-01 10:00:00.5Z\",\"a\":[1,null,3],"
        "\"o\":{\"k\":5},\"r\":{\"p\":1,\"q\":\"\\\"\"}}";
    struct er er;
    char sql[3000], line[1000], want[2000];

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){.shards = 2});
    snprintf(sql, sizeof(sql),
             "CREATE TABLE e (%s, WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'e', 'format' = 'json', "
             "'scan.startup.mode' = 'earliest-offset');"
             "CREATE TABLE back_text (line STRING) WITH ('connector' = 'kafka', 'topic' = 'back', 'format' = 'raw');"
             "CREATE TABLE back (%s) WITH ('connector' = 'kafka', 'topic' = 'back', 'format' = 'json', "
             "'scan.startup.mode' = 'earliest-offset');"
             "CREATE MATERIALIZED TABLE w AS SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, "
             "window_end ORDER BY l) AS rn FROM TABLE(TUMBLE(TABLE e, DESCRIPTOR(ts), INTERVAL '10' SECOND))) WHERE rn = 1;"
             "INSERT INTO back_text SELECT `row` FROM `e$late`;",
             columns, columns);
    er_sql(&er, sql);
    er_produce(&er, "e", "{\"ts\":\"2020-01-01 01:00:00\"}");
    er_settle(&er);
    snprintf(line, sizeof(line), values, 1);
    er_produce(&er, "e", line);
    er_produce(&er, "e", "{\"ts\":\"2020-01-01 00:00:02\"}"); /* the rest is NULL */
    er_settle(&er);
    snprintf(sql, sizeof(sql), "SELECT %s FROM e WHERE ts < TIMESTAMP '2020-01-01 00:30:00' ORDER BY ts", names);
    snprintf(want, sizeof(want), "%s", er_rows(&er, sql));
    EXPECT(strlen(want) > 200);
    snprintf(sql, sizeof(sql), "SELECT %s FROM back ORDER BY ts", names);
    EXPECT_STR(er_rows(&er, sql), want);
    er_end(&er);
}

/* ---- records that could not be decoded ---- */

static const char *const readings =
    "CREATE TABLE r (id INT, v DOUBLE) WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json', "
    "'scan.startup.mode' = 'earliest-offset');"
    "CREATE TABLE good (id INT, v DOUBLE) WITH ('connector' = 'kafka', 'topic' = 'good', 'format' = 'json', "
    "'scan.startup.mode' = 'earliest-offset');"
    "INSERT INTO good SELECT id, v FROM r;";

static void put_back_errors(uint64_t seed)
{
    struct os *os = os_sim_create(seed, NULL);
    struct rng rng = rng_seed(seed);
    struct er er;
    char line[100], want[2000];
    int at = 0;

    er_open(&er, os, "data", (struct engine_options){.shards = 2});
    er_sql(&er, readings);
    /* they were not JSON but `ID;VALUE` */
    er_sql(&er, "INSERT INTO good SELECT CAST(SPLIT_INDEX(record, ';', 0) AS INT), CAST(SPLIT_INDEX(record, ';', 1) AS "
                "DOUBLE) FROM `r$errors` WHERE job = 'insert-into_good';");
    for (int i = 0; i < 40; i++) {
        snprintf(line, sizeof(line), i % 2 ? "%d;%d.5" : "{\"id\":%d,\"v\":%d.5}", i, i);
        er_produce(&er, "r", line);
        at += snprintf(want + at, sizeof(want) - (size_t)at, "%s%d,%d.5", i ? " | " : "", i, i);
        some_fate(&er, &rng, os, 1 + (uint32_t)rng_below(&rng, 3));
    }
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT id, v FROM good ORDER BY id"), want);
    er_end(&er);
}

TEST(aside_bad_records_are_put_back_once_each_over_kills_and_power_cuts)
{
    for (uint64_t seed = 1; seed <= 6; seed++)
        put_back_errors(seed);
}

struct expected {
    const struct bytes *values;
    uint32_t count, seen;
};

static void same_record(void *context, const struct record *rec)
{
    struct expected *e = context;

    EXPECT(e->seen < e->count);
    EXPECT_BYTES(rec->value, e->values[e->seen]);
    if (e->seen % 2)
        EXPECT_BYTES(rec->key, BYTES_LITERAL("\xFFk"));
    else
        EXPECT(!rec->key.ptr);
    e->seen++;
}

/* Bytes that are no text, and more of them than are shown: with the key, as they were. */
TEST(aside_bad_records_keep_their_bytes)
{
    static uint8_t large[900 << 10];
    const struct bytes values[] = {BYTES_LITERAL("\x00\x01\xFF\xFE\x80 no JSON"), bytes_of(large, sizeof(large)),
                                   BYTES_LITERAL(""), BYTES_LITERAL("{\"id\":\"\xC3\xA9\"}")};
    struct expected want = {values, 4, 0};
    struct er er;

    memset(large, 0x01, sizeof(large)); /* six letters of JSON each */
    er_open(&er, os_sim_create(1, NULL), "data", (struct engine_options){.shards = 1});
    er_sql(&er, readings);
    er_sql(&er, "CREATE TABLE raw_r (k BYTES, v BYTES) WITH ('connector' = 'kafka', 'topic' = 'raw_r', 'key.format' = 'raw', "
                "'key.fields' = 'k', 'value.format' = 'raw', 'value.fields-include' = 'EXCEPT_KEY');"
                "INSERT INTO raw_r SELECT `key`, bytes FROM `r$errors`;");
    for (uint32_t i = 0; i < want.count; i++)
        produce_record(&er, "r", i % 2 ? BYTES_LITERAL("\xFFk") : BYTES_NONE, values[i]);
    er_settle(&er);
    struct job_info info;
    job_info(engine_job_find(er.engine, BYTES_LITERAL("insert-into_good")), &info);
    EXPECT_INT(info.state, JOB_RUNNING);
    EXPECT_INT(info.errors, 4);
    EXPECT_STR(er_rows(&er, "SELECT `offset`, CHAR_LENGTH(record) FROM `r$errors` WHERE `offset` = 1"), "1,65536");
    struct log_topic *topic = log_topic_find(er.log, BYTES_LITERAL("raw_r"));
    test_read_all(er.log, log_partition_of(topic, 0), 0, LOG_TO_END, 4 << 20, same_record, &want);
    EXPECT_INT(want.seen, want.count);
    er_end(&er);
}

/* A late row that is larger as a text than a record may be by default stops nothing. */
TEST(aside_large_late_rows_stop_nothing)
{
    static char line[(900 << 10) + 100];
    struct er er;
    struct job_info info;

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){.shards = 1});
    er_sql(&er, "CREATE TABLE e (v STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = "
                "'e', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');"
                "CREATE MATERIALIZED TABLE w AS SELECT window_start, v FROM TABLE(TUMBLE(TABLE e, DESCRIPTOR(ts), INTERVAL "
                "'10' SECOND)) GROUP BY window_start, window_end, v;");
    er_produce(&er, "e", "{\"v\":\"a\",\"ts\":\"2020-01-01 01:00:00\"}");
    er_settle(&er);
    int at = snprintf(line, sizeof(line), "{\"ts\":\"2020-01-01 00:00:01\",\"v\":\"");
    for (int i = 0; i < 450 << 10; i++, at += 2)
        memcpy(line + at, "\\\"", 2);
    memcpy(line + at, "\"}", 2);
    produce_record(&er, "e", BYTES_NONE, bytes_of(line, (size_t)at + 2));
    er_produce(&er, "e", "{\"v\":\"b\",\"ts\":\"2020-01-01 00:00:01\"}");
    er_settle(&er);
    job_info(engine_job_find(er.engine, BYTES_LITERAL("w")), &info);
    EXPECT_INT(info.state, JOB_RUNNING);
    EXPECT_INT(info.late, 2);
    EXPECT_STR(er_rows(&er, "SELECT CHAR_LENGTH(JSON_VALUE(`row`, '$.v')) FROM `e$late` ORDER BY `offset`"), "460800 | 1");
    er_end(&er);
}
