/* The session's time zone: found, refused, kept with its job over restarts; windows of days of 23 and 25 hours. */
#include "flow/zones.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "flow/job.h"
#include "lib/engines.h"
#include "lib/zone_file.h"

static struct os *world(void)
{
    struct os *os = os_sim_create(3, NULL);

    zone_install(os, "Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3");
    return os;
}

TEST(zones_that_are_not_there_are_refused_with_a_suggestion)
{
    struct er er;

    er_open(&er, world(), NULL, (struct engine_options){0});
    EXPECT_INT(er_try(&er, "SET 'table.local-time-zone' = 'Berlin'"), ST_INVALID);
    EXPECT_STR(er.diag.message, "there is no time zone 'Berlin'");
    EXPECT_STR(er.diag.hint, "did you mean 'Europe/Berlin'?");
    EXPECT_INT(er_try(&er, "SET 'table.local-time-zone' = 'Europe/Berlim'"), ST_INVALID);
    EXPECT_STR(er.diag.hint, "did you mean 'Europe/Berlin'?");
    EXPECT_INT(er_try(&er, "SET 'table.local-time-zone' = 'Mars/Olympus_Mons'"), ST_INVALID);
    EXPECT(strstr(er.diag.hint, "America/Los_Angeles"));
    er_sql(&er, "SET 'table.local-time-zone' = 'GMT+02:00'");
    EXPECT_STR(er_rows(&er, "SELECT CAST(TO_TIMESTAMP_LTZ(0, 3) AS STRING)"), "1970-01-01 02:00:00.000");
    er_sql(&er, "SET 'table.local-time-zone' = 'Europe/Berlin'");
    EXPECT_STR(er_rows(&er, "SELECT HOUR(TO_TIMESTAMP_LTZ(1704067200, 0)), "
                            "CAST(ROW(TO_TIMESTAMP_LTZ(1704067200, 0)) AS STRING)"),
               "1,(2024-01-01 01:00:00.000)");
    EXPECT_STR(er_rows(&er, "SELECT CONVERT_TZ('2024-07-01 00:00:00', 'UTC', 'Europe/Berlin')"), "2024-07-01 02:00:00");
    EXPECT_INT(er_try(&er, "SELECT CONVERT_TZ('2024-07-01 00:00:00', 'UTC', 'Nowhere')"), ST_INVALID);
    EXPECT(strstr(er.diag.message, "there is no time zone 'Nowhere'"));
    er_end(&er);
}

TEST(zones_without_tzdata_are_offsets_alone)
{
    struct er er;

    er_open(&er, os_sim_create(3, NULL), NULL, (struct engine_options){0});
    EXPECT_INT(er_try(&er, "SET 'table.local-time-zone' = 'Europe/Berlin'"), ST_INVALID);
    EXPECT(strstr(er.diag.hint, "install tzdata"));
    er_sql(&er, "SET 'table.local-time-zone' = 'UTC-03:30'");
    EXPECT_STR(er_rows(&er, "SELECT CAST(TO_TIMESTAMP_LTZ(0, 3) AS STRING)"), "1969-12-31 20:30:00.000");
    er_end(&er);
}

static void make_days(struct er *er)
{
    er_sql(er, "SET 'table.local-time-zone' = 'Europe/Berlin';"
               "CREATE TABLE s (l TIMESTAMP_LTZ(3), WATERMARK FOR l AS l) WITH ('connector' = 'kafka', 'topic' = 's', "
               "'format' = 'json');"
               "CREATE MATERIALIZED TABLE d AS SELECT window_start, window_end, COUNT(*) AS n "
               "FROM TABLE(TUMBLE(TABLE s, DESCRIPTOR(l), INTERVAL '1' DAY)) GROUP BY window_start, window_end;"
               "CREATE MATERIALIZED TABLE h AS SELECT window_start, COUNT(*) AS n "
               "FROM TABLE(TUMBLE(TABLE s, DESCRIPTOR(l), INTERVAL '1' HOUR)) GROUP BY window_start, window_end;");
}

static void put(struct er *er, const char *time)
{
    char line[100];

    snprintf(line, sizeof(line), "{\"l\":\"%sZ\"}", time);
    er_produce(er, "s", line);
    er_settle(er);
}

/* From a checkpoint, then from the notes behind it: each time in a session that knows of no zone. */
TEST(zones_are_kept_with_their_job)
{
    struct os *os = world();
    struct er er;

    er_open(&er, os, "data", (struct engine_options){0});
    make_days(&er);
    put(&er, "2024-10-26 22:00:00");
    put(&er, "2024-10-27 00:30:00");
    er_close(&er, true);
    er_open(&er, os, "data", (struct engine_options){0});
    put(&er, "2024-10-27 01:30:00"); /* the hour of two o'clock again */
    EXPECT_STR(er_rows(&er, "SELECT * FROM h ORDER BY window_start"), "2024-10-27 00:00:00.000,1");
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){0});
    put(&er, "2024-10-27 01:59:59.999");
    EXPECT_STR(er_rows(&er, "SELECT * FROM h ORDER BY window_start"),
               "2024-10-27 00:00:00.000,1 | 2024-10-27 02:00:00.000,3");
    put(&er, "2024-10-27 22:59:59.998");
    EXPECT_STR(er_rows(&er, "SELECT * FROM d"), "");
    put(&er, "2024-10-27 22:59:59.999"); /* the end of 25 hours */
    EXPECT_STR(er_rows(&er, "SELECT * FROM d"), "2024-10-27 00:00:00.000,2024-10-28 00:00:00.000,6");
    er_end(&er);
}

TEST(zones_days_of_23_hours)
{
    struct er er;

    er_open(&er, world(), NULL, (struct engine_options){0});
    make_days(&er);
    put(&er, "2024-03-30 23:00:00");
    put(&er, "2024-03-31 00:59:59.999");
    put(&er, "2024-03-31 01:00:00");
    EXPECT_STR(er_rows(&er, "SELECT * FROM h ORDER BY window_start"),
               "2024-03-31 00:00:00.000,1 | 2024-03-31 01:00:00.000,1");
    put(&er, "2024-03-31 21:59:59.998");
    EXPECT_STR(er_rows(&er, "SELECT * FROM d"), "");
    put(&er, "2024-03-31 22:00:00");
    EXPECT_STR(er_rows(&er, "SELECT * FROM d"), "2024-03-31 00:00:00.000,2024-04-01 00:00:00.000,4");
    er_end(&er);
}

/* To a time of the simulated clock; what the alarms ring for on the way is done. */
static void clock_to(struct er *er, int64_t utc_s)
{
    int64_t wait_us = utc_s * 1000000 - os_wall_us(er->os);

    CHECK(wait_us > 0);
    os_sim_advance(er->os, wait_us * 1000);
    er_settle(er);
}

static void put_at(struct er *er, int64_t utc_s)
{
    clock_to(er, utc_s);
    er_produce(er, "s", "{\"k\":1}");
    er_settle(er);
}

/* Windows of processing time begin and end in the zone of the job, by the clocks of ticks: over the day of 23 hours,
 * and over a restart in a session that knows of no zone. */
TEST(zones_of_windows_in_processing_time)
{
    enum { MARCH_30_2259 = 1711839540, HOUR = 3600, MINUTE = 60 }; /* 23:59 in Berlin */
    struct os *os = world();
    struct er er;

    os_sim_wall_jump(os, MARCH_30_2259 * INT64_C(1000000) - os_wall_us(os));
    er_open(&er, os, "data", (struct engine_options){0});
    er_sql(&er, "SET 'table.local-time-zone' = 'Europe/Berlin';"
                "CREATE TABLE s (k INT, p AS PROCTIME()) WITH ('connector' = 'kafka', 'topic' = 's', 'format' = 'json');"
                "CREATE MATERIALIZED TABLE d AS SELECT window_start, window_end, COUNT(*) AS n "
                "FROM TABLE(TUMBLE(TABLE s, DESCRIPTOR(p), INTERVAL '1' DAY)) GROUP BY window_start, window_end;"
                "CREATE MATERIALIZED TABLE h AS SELECT window_start, window_end, COUNT(*) AS n "
                "FROM TABLE(TUMBLE(TABLE s, DESCRIPTOR(p), INTERVAL '1' HOUR)) GROUP BY window_start, window_end;");
    put_at(&er, MARCH_30_2259 + 30);
    put_at(&er, MARCH_30_2259 + 90); /* 00:00:30 of the 31st */
    EXPECT_STR(er_rows(&er, "SELECT * FROM d"), "2024-03-30 00:00:00.000,2024-03-31 00:00:00.000,1");
    put_at(&er, MARCH_30_2259 + 2 * HOUR); /* 01:59 */
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){.shards = 2});
    put_at(&er, MARCH_30_2259 + 2 * HOUR + 2 * MINUTE); /* 03:01: there is no two o'clock */
    put_at(&er, MARCH_30_2259 + 3 * HOUR + 2 * MINUTE); /* 04:01 */
    EXPECT_STR(er_rows(&er, "SELECT * FROM h ORDER BY window_start"),
               "2024-03-30 23:00:00.000,2024-03-31 00:00:00.000,1 | 2024-03-31 00:00:00.000,2024-03-31 01:00:00.000,1 | "
               "2024-03-31 01:00:00.000,2024-03-31 02:00:00.000,1 | 2024-03-31 03:00:00.000,2024-03-31 04:00:00.000,1");
    clock_to(&er, MARCH_30_2259 + 23 * HOUR + 30); /* 23:59:30 of that day */
    EXPECT_STR(er_rows(&er, "SELECT COUNT(*) FROM d"), "1");
    clock_to(&er, MARCH_30_2259 + 23 * HOUR + 90);
    EXPECT_STR(er_rows(&er, "SELECT * FROM d ORDER BY window_start"),
               "2024-03-30 00:00:00.000,2024-03-31 00:00:00.000,1 | 2024-03-31 00:00:00.000,2024-04-01 00:00:00.000,4");
    er_end(&er);
}

TEST(zones_gone_from_tzdata_stop_their_job_by_name)
{
    struct os *os = world();
    struct er er;

    er_open(&er, os, "data", (struct engine_options){0});
    make_days(&er);
    put(&er, "2024-10-26 22:00:00");
    er_close(&er, true);
    EXPECT_OK(os_remove(os, "/usr/share/zoneinfo/Europe/Berlin"));
    er_open(&er, os, "data", (struct engine_options){0});
    const char *jobs = er_rows(&er, "SHOW JOBS");
    EXPECT(strstr(jobs, "there is no time zone 'Europe/Berlin'"));
    er_close(&er, false);
    zone_install(os, "Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3");
    er_open(&er, os, "data", (struct engine_options){0});
    put(&er, "2024-10-27 23:00:00");
    EXPECT_STR(er_rows(&er, "SELECT * FROM d"), "2024-10-27 00:00:00.000,2024-10-28 00:00:00.000,1");
    er_end(&er);
}
