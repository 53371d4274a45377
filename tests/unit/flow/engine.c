/* The engine end to end, in memory and on a simulated disk. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/engines.h"

static const char *const clicks =
    "CREATE TABLE clicks (k STRING, n INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' "
    "SECOND) WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json');";

TEST(engine_a_filter_from_topic_to_topic)
{
    struct er er;
    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    er_sql(&er, clicks);
    er_sql(&er, "CREATE TABLE big (k STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 'big', "
                "'format' = 'json');"
                "INSERT INTO big SELECT k, n * 2 FROM clicks WHERE n > 1;");
    er_produce(&er, "clicks", "{\"k\":\"a\",\"n\":1,\"ts\":\"2020-01-01 00:00:00\"}\n"
                              "{\"k\":\"b\",\"n\":2,\"ts\":\"2020-01-01 00:00:01\"}\n"
                              "nonsense\n"
                              "{\"k\":\"c\",\"n\":3,\"ts\":\"2020-01-01 00:00:02\"}");
    er_settle(&er);
    EXPECT_STR(er_topic(&er, "big"), "{\"k\":\"b\",\"n\":4} | {\"k\":\"c\",\"n\":6}");
    EXPECT_STR(er_rows(&er, "SELECT k, n FROM big"), "b,4 | c,6");
    EXPECT_STR(er_rows(&er, "SELECT `partition`, `offset`, record FROM `clicks$errors`"),
               "0,2,nonsense");
    struct job *job = engine_job_find(er.engine, BYTES_LITERAL("insert-into_big"));
    struct job_info info;
    EXPECT(job);
    job_info(job, &info);
    EXPECT_INT(info.rows_in, 3);
    EXPECT_INT(info.rows_out, 2);
    EXPECT_INT(info.errors, 1);
    EXPECT_INT(info.state, JOB_RUNNING);
    er_end(&er);
}

TEST(engine_a_view_by_key_and_its_changes)
{
    struct er er;
    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    er_sql(&er, clicks);
    er_sql(&er, "CREATE MATERIALIZED TABLE totals AS SELECT k, COUNT(*) AS c, SUM(n) AS s FROM "
                "clicks GROUP BY k;");
    er_produce(&er, "clicks", "{\"k\":\"b\",\"n\":1}\n{\"k\":\"a\",\"n\":2}");
    er_settle(&er);
    er_produce(&er, "clicks", "{\"k\":\"b\",\"n\":5}");
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM totals ORDER BY k"), "a,1,2 | b,2,6");
    struct view *view = engine_view_find(er.engine, BYTES_LITERAL("totals"));
    struct engine_result got;
    struct diag diag = {0};
    struct bytes key = BYTES_LITERAL("b");
    EXPECT(view);
    EXPECT_INT(view_rows(view), 2);
    EXPECT_OK(view_get(view, &key, 1, &got, &diag));
    EXPECT_INT(got.rows, 1);
    EXPECT_INT(((const int64_t *)got.chunks[0].cols[1].data)[0], 2);
    arena_deinit(&got.arena);
    key = BYTES_LITERAL("zz");
    EXPECT_OK(view_get(view, &key, 1, &got, &diag));
    EXPECT_INT(got.rows, 0);
    arena_deinit(&got.arena);
    struct bytes next;
    EXPECT_OK(view_scan(view, BYTES_NONE, 1, &got, &next, &diag));
    EXPECT_INT(got.rows, 1);
    EXPECT(next.len);
    struct engine_result more;
    EXPECT_OK(view_scan(view, next, 10, &more, &next, &diag));
    EXPECT_INT(more.rows, 1);
    EXPECT_INT(next.len, 0);
    arena_deinit(&more.arena);
    arena_deinit(&got.arena);
    EXPECT(strstr(er_topic(&er, "totals.changes"), "{\"op\":\"+I\",\"row\":{\"k\":\"b\""));
    er_end(&er);
}

TEST(engine_windows_close_and_late_rows_are_kept)
{
    struct er er;
    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    er_sql(&er, clicks);
    er_sql(&er, "CREATE MATERIALIZED TABLE w AS SELECT window_start, COUNT(*) AS c FROM "
                "TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY "
                "window_start, window_end;");
    er_produce(&er, "clicks", "{\"k\":\"a\",\"n\":1,\"ts\":\"2020-01-01 00:00:01\"}\n"
                              "{\"k\":\"a\",\"n\":1,\"ts\":\"2020-01-01 00:00:09\"}\n"
                              "{\"k\":\"a\",\"n\":1,\"ts\":\"2020-01-01 00:00:12\"}");
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT c FROM w"), "2");
    struct job_info info;
    job_info(engine_job_find(er.engine, BYTES_LITERAL("w")), &info);
    EXPECT_INT(info.event_time_us, 1577836812000000); /* of the newest row: 2020-01-01 00:00:12 */
    EXPECT(info.watermark_us < info.event_time_us);
    er_produce(&er, "clicks", "{\"k\":\"late\",\"n\":1,\"ts\":\"2020-01-01 00:00:03\"}");
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT c FROM w"), "2");
    EXPECT_STR(er_rows(&er, "SELECT job, topic, `partition`, `offset` FROM `clicks$late`"),
               "w,clicks,0,3");
    er_end(&er);
}

TEST(print_has_the_columns_of_its_table)
{
    struct er er;
    er_open(&er, os_sim_create(3, NULL), NULL, (struct engine_options){0});
    er_sql(&er, "CREATE TABLE p (a INT, b STRING, c AS a + 1, d INT) WITH ('connector' = 'print');"
                "INSERT INTO p (d, a) VALUES (1, 2); INSERT INTO p VALUES (3, 'x', 4);");
    er_settle(&er);
    buf_u8(&er.printed, 0);
    EXPECT_STR((const char *)er.printed.ptr, "+I[2, null, 1]\n+I[3, x, 4]\n");
    er_end(&er);
}

TEST(print_shows_values_as_flink_does)
{
    struct er er;
    er_open(&er, os_sim_create(3, NULL), NULL, (struct engine_options){0});
    er_sql(&er,
           "CREATE TABLE p (a BOOLEAN, b DECIMAL(38, 10), c DECIMAL(5, 2), d TIMESTAMP(3), e TIMESTAMP(6), f "
           "TIMESTAMP_LTZ(3), g TIME, h BYTES, i ROW<x INT, y STRING>, j ARRAY<INT>, k MAP<STRING, INT>, l INT) "
           "WITH ('connector' = 'print');"
           "INSERT INTO p VALUES (TRUE, 0, -1.50, TIMESTAMP '2024-01-01 00:00:00', TIMESTAMP '1969-12-31 "
           "23:59:59.000120', TO_TIMESTAMP_LTZ(0, 3), TIME '10:20:00', CAST('a' AS BYTES), ROW(1, 'x'), ARRAY[1, 2], "
           "MAP['k', 3], CAST(NULL AS INT));"
           "INSERT INTO p VALUES (FALSE, 0.0000012, 0, TIMESTAMP '2024-01-01 10:20:03', TIMESTAMP '2024-01-01 "
           "00:00:00.5', TO_TIMESTAMP_LTZ(1500, 3), TIME '10:20:30', CAST('' AS BYTES), CAST(NULL AS ROW<x INT, y "
           "STRING>), CAST(NULL AS ARRAY<INT>), CAST(NULL AS MAP<STRING, INT>), 7);");
    er_settle(&er);
    buf_u8(&er.printed, 0);
    EXPECT_STR((const char *)er.printed.ptr,
               "+I[true, 0E-10, -1.50, 2024-01-01T00:00, 1969-12-31T23:59:59.000120, 1970-01-01T00:00:00Z, 10:20, "
               "[97], +I[1, x], [1, 2], {k=3}, null]\n"
               "+I[false, 0.0000012000, 0.00, 2024-01-01T10:20:03, 2024-01-01T00:00:00.500, "
               "1970-01-01T00:00:01.500Z, 10:20:30, [], null, null, null, 7]\n");
    er_end(&er);
}

TEST(engine_values_print_and_settings)
{
    struct er er;
    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    er_sql(&er, "CREATE TABLE p (a INT, b STRING) WITH ('connector' = 'print');"
                "INSERT INTO p VALUES (1, 'x'), (2, 'y');");
    er_settle(&er);
    buf_u8(&er.printed, 0);
    EXPECT_STR((const char *)er.printed.ptr, "+I[1, x]\n+I[2, y]\n");
    EXPECT_STR(er_rows(&er, "SELECT 1 + 1, 'a'"), "2,a");
    EXPECT_STR(er_rows(&er, "SHOW TABLES"), "p");
    EXPECT_STR(er_rows(&er, "DESCRIBE p"), "a,INT,TRUE,NULL,NULL,NULL | b,STRING,TRUE,NULL,NULL,NULL");
    EXPECT(er_try(&er, "SELECT * FROM nowhere") != ST_OK);
    EXPECT(er_try(&er, "CREATE TABLE p (a INT) WITH ('connector' = 'print')") == ST_EXISTS);
    er_sql(&er, "DROP TABLE p");
    er_end(&er);
}

/* ---- across restarts ---- */

static void make_totals(struct er *er)
{
    er_sql(er, clicks);
    er_sql(er, "CREATE TABLE big (k STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 'big', "
               "'format' = 'json');"
               "INSERT INTO big SELECT k, n FROM clicks WHERE n > 1;"
               "CREATE MATERIALIZED TABLE totals AS SELECT k, COUNT(*) AS c FROM clicks GROUP BY k;");
}

TEST(engine_goes_on_after_a_kill_and_after_a_clean_stop)
{
    struct os *os = os_sim_create(7, NULL);
    struct er er;
    er_open(&er, os, "data", (struct engine_options){0});
    make_totals(&er);
    er_produce(&er, "clicks", "{\"k\":\"a\",\"n\":1}\n{\"k\":\"b\",\"n\":2}");
    er_settle(&er);
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){0});
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM totals ORDER BY k"), "a,1 | b,1");
    er_produce(&er, "clicks", "{\"k\":\"a\",\"n\":3}");
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM totals ORDER BY k"), "a,2 | b,1");
    EXPECT_STR(er_topic(&er, "big"), "{\"k\":\"b\",\"n\":2} | {\"k\":\"a\",\"n\":3}");
    er_close(&er, true);
    er_open(&er, os, "data", (struct engine_options){0});
    er_produce(&er, "clicks", "{\"k\":\"c\",\"n\":4}");
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM totals ORDER BY k"), "a,2 | b,1 | c,1");
    EXPECT_STR(er_topic(&er, "big"),
               "{\"k\":\"b\",\"n\":2} | {\"k\":\"a\",\"n\":3} | {\"k\":\"c\",\"n\":4}");
    struct job_info info;
    job_info(engine_job_find(er.engine, BYTES_LITERAL("totals")), &info);
    EXPECT_INT(info.state, JOB_RUNNING);
    er_end(&er);
}

/* A stop has its time: jobs that it writes no checkpoint of any more are run again from their notes. */
TEST(engine_stops_in_its_time_and_loses_nothing)
{
    struct os *os = os_sim_create(7, NULL);
    struct er er;
    er_open(&er, os, "data", (struct engine_options){.close_ns = -1});
    make_totals(&er);
    er_produce(&er, "clicks", "{\"k\":\"a\",\"n\":1}\n{\"k\":\"b\",\"n\":2}");
    er_settle(&er);
    er_close(&er, true);
    EXPECT_INT(er.unsaved, 2);
    er_open(&er, os, "data", (struct engine_options){0});
    er_produce(&er, "clicks", "{\"k\":\"a\",\"n\":3}");
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM totals ORDER BY k"), "a,2 | b,1");
    EXPECT_STR(er_topic(&er, "big"), "{\"k\":\"b\",\"n\":2} | {\"k\":\"a\",\"n\":3}");
    er_close(&er, true);
    EXPECT_INT(er.unsaved, 0);
    os_sim_destroy(os);
}

TEST(engine_changes_its_shards_between_starts)
{
    struct os *os = os_sim_create(7, NULL);
    static const uint32_t shards[] = {1, 3, 2, 8, 1};
    struct er er;
    char line[100];
    for (int round = 0; round < 5; round++) {
        er_open(&er, os, "data", (struct engine_options){.shards = shards[round]});
        if (round == 0)
            make_totals(&er);
        for (int i = 0; i < 20; i++) {
            snprintf(line, sizeof(line), "{\"k\":\"k%d\",\"n\":%d}", i % 7, i);
            er_produce(&er, "clicks", line);
            if (i % 5 == 0)
                er_settle(&er);
        }
        er_settle(&er);
        char want[200];
        int n = 0;
        for (int k = 0; k < 7; k++)
            n += snprintf(want + n, sizeof(want) - (size_t)n, "%sk%d,%d", k ? " | " : "", k,
                          (round + 1) * (k < 6 ? 3 : 2));
        EXPECT_STR(er_rows(&er, "SELECT * FROM totals ORDER BY k"), want);
        if (round % 2)
            er_kill(&er);
        else
            er_close(&er, round == 2);
    }
    os_sim_destroy(os);
}

TEST(engine_a_chained_job_reads_a_views_changes)
{
    struct er er;
    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    make_totals(&er);
    er_sql(&er, "CREATE MATERIALIZED TABLE by_count AS SELECT c, COUNT(*) AS keys FROM totals "
                "GROUP BY c;");
    er_produce(&er, "clicks", "{\"k\":\"a\",\"n\":1}\n{\"k\":\"b\",\"n\":2}\n{\"k\":\"a\",\"n\":2}");
    er_settle(&er);
    er_produce(&er, "clicks", "{\"k\":\"b\",\"n\":1}\n{\"k\":\"c\",\"n\":2}");
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM by_count ORDER BY c"), "1,1 | 2,2");
    EXPECT(er_try(&er, "DROP MATERIALIZED TABLE totals") != ST_OK);
    er_sql(&er, "DROP MATERIALIZED TABLE by_count; DROP MATERIALIZED TABLE totals;");
    er_end(&er);
}

/* State without a key must come back on the shard that its rows are sent to. */
TEST(engine_state_without_a_key_survives_on_any_shards)
{
    for (uint32_t shards = 1; shards <= 8; shards++) {
        struct os *os = os_sim_create(shards, NULL);
        struct engine_options options = {.shards = shards};
        struct er er;
        er_open(&er, os, "data", options);
        er_sql(&er, clicks);
        er_sql(&er, "CREATE MATERIALIZED TABLE total AS SELECT COUNT(*) AS c, SUM(n) AS s FROM clicks;"
                    "CREATE MATERIALIZED TABLE best AS SELECT n FROM (SELECT n, ROW_NUMBER() OVER (ORDER BY n "
                    "DESC) AS rn FROM clicks) WHERE rn <= 2;"
                    "CREATE MATERIALIZED TABLE pairs AS SELECT a.n + b.n AS n FROM clicks a, clicks b;");
        er_produce(&er, "clicks", "{\"k\":\"a\",\"n\":3}\n{\"k\":\"b\",\"n\":5}");
        er_settle(&er);
        er_close(&er, true);
        options.shards = shards % 4 + 1;
        er_open(&er, os, "data", options);
        er_settle(&er);
        er_produce(&er, "clicks", "{\"k\":\"c\",\"n\":4}");
        er_settle(&er);
        EXPECT_STR(er_rows(&er, "SELECT * FROM total"), "3,12");
        EXPECT_STR(er_rows(&er, "SELECT * FROM best ORDER BY n"), "4 | 5");
        EXPECT_STR(er_rows(&er, "SELECT COUNT(*), SUM(n) FROM pairs"), "9,72");
        er_end(&er);
    }
}
