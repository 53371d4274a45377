/* What jobs hold is counted as the allocator has it, and a ceiling of it is kept. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/engines.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);
static uint64_t allocated(void)
{
    return __sanitizer_get_current_allocated_bytes();
}
#else
static uint64_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
#endif

enum { MIB = 1 << 20 };

static const char *const facts =
    "CREATE TABLE facts (k INT, g INT, v STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = "
    "'kafka', 'topic' = 'facts', 'format' = 'json');"
    "CREATE TABLE hole (k INT, g BIGINT, v STRING) WITH ('connector' = 'blackhole');";

/* Rows of new keys, from .. to - 1. */
static void feed(struct er *er, int from, int to)
{
    struct buf lines;
    buf_init(&lines, 0);
    for (int k = from; k < to; k++) {
        buf_printf(&lines, "%s{\"k\":%d,\"g\":%d,\"v\":\"value number %d\",\"ts\":\"2024-01-01 00:%02d:%02d\"}",
                   lines.len ? "\n" : "", k, k % 7, k, k / 60 % 60, k % 60);
        if (lines.len > 500000 || k == to - 1) {
            buf_u8(&lines, 0);
            er_produce(er, "facts", (const char *)lines.ptr);
            buf_clear(&lines);
        }
    }
    buf_deinit(&lines);
    er_settle(er);
}

static struct job_info job_of(struct er *er, const char *name)
{
    struct job_info info;
    struct job *job = engine_job_find(er->engine, bytes_str(name));
    EXPECT(job);
    job_info(job, &info);
    return info;
}

/* 16,000 keys all but fill the pages of a table (16,380): what is allocated is then what is written to. */
static void count_is_true(const char *query)
{
    struct er er;
    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    er_sql(&er, facts);
    er_sql(&er, query);
    feed(&er, 0, 16000);
    struct job_info info = job_of(&er, "insert-into_hole");
    EXPECT_INT(info.state, JOB_RUNNING);
    EXPECT_INT(info.rows_in % 16000, 0);
    uint64_t counted = job_memory_sum(&info.memory), before = allocated();
    er_sql(&er, "DROP JOB `insert-into_hole`;");
    uint64_t freed = before - allocated();
    if (counted < freed - freed / 8 || counted > freed + freed / 8)
        fprintf(stderr, "%s: counted %llu, freed %llu (state %llu, views %llu, lanes %llu, buffers %llu)\n", query,
                (unsigned long long)counted, (unsigned long long)freed, (unsigned long long)info.memory.state,
                (unsigned long long)info.memory.views, (unsigned long long)info.memory.lanes,
                (unsigned long long)info.memory.buffers);
    EXPECT(counted >= freed - freed / 8);
    EXPECT(counted <= freed + freed / 8);
    EXPECT(info.memory.state > 16000 * 16);
    er_end(&er);
}

TEST(memory_of_groups_is_counted_as_it_is)
{
    count_is_true("INSERT INTO hole SELECT k, COUNT(*), MAX(v) FROM facts GROUP BY k;");
}

TEST(memory_of_text_keys_is_counted_as_it_is)
{
    count_is_true("INSERT INTO hole SELECT MAX(k), COUNT(*), v FROM facts GROUP BY v;");
}

TEST(memory_of_distinct_values_is_counted_as_it_is)
{
    count_is_true("INSERT INTO hole SELECT g, COUNT(DISTINCT k), CAST(NULL AS STRING) FROM facts GROUP BY g;");
}

TEST(memory_of_a_join_is_counted_as_it_is)
{
    count_is_true("INSERT INTO hole SELECT a.k, CAST(b.g AS BIGINT), a.v FROM facts a JOIN facts b ON a.k = b.k;");
}

TEST(memory_of_a_deduplication_is_counted_as_it_is)
{
    count_is_true("INSERT INTO hole SELECT k, CAST(g AS BIGINT), v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k "
                  "ORDER BY v DESC) AS rn FROM facts) WHERE rn = 1;");
}

TEST(memory_of_an_over_window_is_counted_as_it_is)
{
    count_is_true("INSERT INTO hole SELECT k, COUNT(*) OVER (PARTITION BY k ORDER BY ts ROWS BETWEEN 2 PRECEDING AND "
                  "CURRENT ROW), v FROM facts;");
}

TEST(memory_of_windows_is_counted_as_it_is)
{
    count_is_true("INSERT INTO hole SELECT k, COUNT(*), MAX(v) FROM TABLE(TUMBLE(TABLE facts, DESCRIPTOR(ts), INTERVAL "
                  "'1' DAY)) GROUP BY k, window_start, window_end;");
}

/* ---- the ceiling ---- */

static const char *const hog = "CREATE MATERIALIZED TABLE hog AS SELECT v, COUNT(*) AS c FROM facts GROUP BY v;";
static const char *const small = "CREATE MATERIALIZED TABLE small AS SELECT g, COUNT(*) AS c FROM facts GROUP BY g;";

/* Until the job waits for memory; how many rows that were. */
static int feed_until_it_waits(struct er *er, const char *job, int from)
{
    int k = from;
    while (job_of(er, job).state != JOB_PAUSED) {
        EXPECT(k < from + 400000);
        feed(er, k, k + 5000);
        k += 5000;
    }
    return k;
}

TEST(memory_limit_has_the_job_that_grows_wait_and_others_go_on)
{
    struct er er;
    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){.memory_bytes_max = 16 * MIB});
    er_sql(&er, facts);
    er_sql(&er, hog);
    er_sql(&er, small);
    int fed = feed_until_it_waits(&er, "hog", 0);
    struct job_info info = job_of(&er, "hog");
    EXPECT(info.memory_waits);
    EXPECT(strstr(info.error, "memory.limit: job 'hog' holds"));
    struct job_info other = job_of(&er, "small");
    EXPECT(job_memory_sum(&info.memory) + job_memory_sum(&other.memory) < 18 * MIB);
    EXPECT(strstr(er_rows(&er, "SHOW JOBS"), "hog,PAUSED"));
    uint64_t rows = info.rows_in;
    feed(&er, fed, fed + 7000);
    EXPECT_INT(job_of(&er, "hog").rows_in, rows);
    EXPECT_INT(job_of(&er, "small").state, JOB_RUNNING);
    EXPECT_INT(job_of(&er, "small").rows_in, fed + 7000);
    EXPECT_INT(er_try(&er, "CREATE MATERIALIZED TABLE other AS SELECT k, COUNT(*) AS c FROM facts GROUP BY k;"),
               ST_NOSPACE);
    EXPECT(strstr(er.diag.message, "of the 16 MiB of memory.limit"));
    EXPECT(!strcmp(er_rows(&er, "SHOW MATERIALIZED TABLES"), "hog | small")); /* nothing is left of the other */
    er_end(&er);
}

TEST(memory_that_is_let_go_lets_those_that_wait_go_on)
{
    struct er er;
    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){.memory_bytes_max = 16 * MIB});
    er_sql(&er, facts);
    er_sql(&er, hog);
    er_sql(&er, "CREATE MATERIALIZED TABLE pair AS SELECT v, MAX(k) AS c FROM facts GROUP BY v;");
    int fed = 0;
    while (job_of(&er, "hog").state != JOB_PAUSED || job_of(&er, "pair").state != JOB_PAUSED) {
        EXPECT(fed < 400000);
        feed(&er, fed, fed + 5000);
        fed += 5000;
    }
    er_sql(&er, "DROP MATERIALIZED TABLE pair;");
    er_settle(&er);
    EXPECT_INT(job_of(&er, "hog").state, JOB_RUNNING);
    EXPECT_INT(job_of(&er, "hog").rows_in, fed);
    EXPECT_STR(job_of(&er, "hog").error, "");
    er_end(&er);
}

/* What a job that waits for memory has kept for its time is let go of while it waits: then it goes on. */
TEST(memory_of_idle_state_is_let_go_while_its_job_waits)
{
    struct er er;
    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){.memory_bytes_max = 16 * MIB});
    er_sql(&er, facts);
    er_sql(&er, "SET 'table.exec.state.ttl' = '1 h'; INSERT INTO hole SELECT MAX(k), COUNT(*), v FROM facts GROUP BY v;");
    int fed = feed_until_it_waits(&er, "insert-into_hole", 0);
    feed(&er, fed, fed + 5000);
    EXPECT_INT(job_of(&er, "insert-into_hole").state, JOB_PAUSED);
    for (int minute = 0; minute < 100; minute++) {
        os_sim_advance(er.os, INT64_C(60000000000));
        er_settle(&er);
    }
    EXPECT_INT(job_of(&er, "insert-into_hole").state, JOB_RUNNING);
    EXPECT_INT(job_of(&er, "insert-into_hole").rows_in, fed + 5000);
    er_end(&er);
}

TEST(memory_limit_outlives_a_restart_and_a_higher_one_lets_the_job_go_on)
{
    struct er er;
    struct engine_options options = {.memory_bytes_max = 16 * MIB};
    er_open(&er, os_sim_create(1, NULL), "data", options);
    er_sql(&er, facts);
    er_sql(&er, hog);
    int fed = feed_until_it_waits(&er, "hog", 0);
    uint64_t rows = job_of(&er, "hog").rows_in;
    feed(&er, fed, fed + 40000);
    er_close(&er, false);
    er_open(&er, er.os, "data", options);
    er_settle(&er);
    EXPECT_INT(job_of(&er, "hog").state, JOB_PAUSED);
    EXPECT(job_of(&er, "hog").rows_in < (uint64_t)fed + 40000);
    EXPECT(view_rows(engine_view_find(er.engine, BYTES_LITERAL("hog"))) >= rows);
    er_close(&er, false);
    options.memory_bytes_max = 64 * MIB;
    er_open(&er, er.os, "data", options);
    er_settle(&er);
    EXPECT_INT(job_of(&er, "hog").state, JOB_RUNNING);
    EXPECT_INT(view_rows(engine_view_find(er.engine, BYTES_LITERAL("hog"))), fed + 40000);
    er_end(&er);
}

TEST(memory_limit_ends_a_select_that_holds_too_much)
{
    struct er er;
    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){.memory_bytes_max = 16 * MIB});
    er_sql(&er, "CREATE TABLE facts (k INT, g INT, v STRING) WITH ('connector' = 'kafka', 'topic' = 'facts', "
                "'format' = 'json', 'scan.bounded.mode' = 'latest-offset', 'scan.startup.mode' = 'earliest-offset');");
    feed(&er, 0, 120000);
    EXPECT(er_try(&er, "SELECT v, COUNT(*) FROM facts GROUP BY v") != ST_OK);
    EXPECT(strstr(er.diag.message, "memory.limit"));
    EXPECT_STR(er_rows(&er, "SELECT COUNT(*) FROM facts"), "120000");
    er_end(&er);
}
