/* Where rows were read: t$late names the record, and ties have an order that no layout changes. */
#include <stdio.h>

#include "lib/engines.h"

static const char clicks[] =
    "CREATE TABLE %s (k STRING, n INT, v STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL "
    "'1' SECOND) WITH ('connector' = 'kafka', 'topic' = '%s', 'format' = 'json', "
    "'topic.partitions' = '3', 'scan.startup.mode' = 'earliest-offset');";

static void make_table(struct er *er, const char *name, const char *topic)
{
    char sql[600];

    snprintf(sql, sizeof(sql), clicks, name, topic);
    er_sql(er, sql);
}

static void click(struct er *er, const char *topic, uint32_t partition, const char *k, int second)
{
    char line[120];

    snprintf(line, sizeof(line), "{\"k\":\"%s\",\"n\":1,\"ts\":\"2020-01-01 00:00:%02d\"}", k, second);
    er_produce_to(er, topic, partition, line);
}

static void advance(struct er *er, const char *topic, int second)
{
    for (uint32_t p = 0; p < 3; p++)
        click(er, topic, p, "x", second);
    er_settle(er);
}

TEST(late_rows_are_told_with_topic_partition_and_offset)
{
    static const uint32_t shards[] = {1, 3};

    for (int i = 0; i < 2; i++) {
        struct er er;
        er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){.shards = shards[i]});
        make_table(&er, "clicks", "raw-clicks");
        er_sql(&er, "CREATE MATERIALIZED TABLE w AS SELECT window_start, k, COUNT(*) AS c FROM "
                    "TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND)) WHERE k <> 'no' "
                    "GROUP BY window_start, window_end, k;");
        advance(&er, "raw-clicks", 30);
        click(&er, "raw-clicks", 1, "no", 40);
        click(&er, "raw-clicks", 1, "a", 3);
        click(&er, "raw-clicks", 1, "a", 3);
        click(&er, "raw-clicks", 2, "a", 4);
        er_settle(&er);
        EXPECT_STR(er_rows(&er, "SELECT job, operator, topic, `partition`, `offset` FROM `clicks$late` "
                                "ORDER BY `partition`, `offset`"),
                   "w,WindowAggregate,raw-clicks,1,2 | w,WindowAggregate,raw-clicks,1,3 | "
                   "w,WindowAggregate,raw-clicks,2,1");
        EXPECT_STR(er_rows(&er, "SELECT CAST(`watermark` AS STRING), `row` FROM `clicks$late` WHERE "
                                "`offset` = 2"),
                   "2020-01-01 00:00:29.000,{\"k\":\"a\",\"ts\":\"2020-01-01 00:00:03.000\"}");
        er_end(&er);
    }
}

TEST(late_rows_of_a_union_go_beside_the_table_that_they_are_of)
{
    struct er er;

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){.shards = 2});
    make_table(&er, "one", "one");
    make_table(&er, "two", "two");
    er_sql(&er, "CREATE VIEW both_of AS SELECT k, ts FROM one UNION ALL SELECT k, ts FROM two;"
                "CREATE MATERIALIZED TABLE w AS SELECT window_start, COUNT(*) AS c FROM "
                "TABLE(HOP(TABLE both_of, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) "
                "GROUP BY window_start, window_end;");
    advance(&er, "one", 30);
    advance(&er, "two", 40);
    click(&er, "two", 2, "b", 1);
    click(&er, "one", 0, "a", 2);
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT topic, `partition`, `offset` FROM `one$late`"), "one,0,1");
    EXPECT_STR(er_rows(&er, "SELECT topic, `partition`, `offset` FROM `two$late`"), "two,2,1");
    er_end(&er);
}

TEST(late_rows_of_a_window_join_have_their_side)
{
    struct er er;

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){.shards = 3});
    make_table(&er, "one", "one");
    make_table(&er, "two", "two");
    er_sql(&er, "CREATE MATERIALIZED TABLE w AS SELECT l.k, l.window_start FROM (SELECT * FROM "
                "TABLE(TUMBLE(TABLE one, DESCRIPTOR(ts), INTERVAL '10' SECOND))) l JOIN (SELECT * FROM "
                "TABLE(TUMBLE(TABLE two, DESCRIPTOR(ts), INTERVAL '10' SECOND))) r ON l.k = r.k AND "
                "l.window_start = r.window_start AND l.window_end = r.window_end;");
    advance(&er, "one", 30);
    advance(&er, "two", 30);
    click(&er, "two", 1, "b", 1);
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT operator, topic, `partition`, `offset` FROM `two$late`"),
               "WindowJoin,two,1,1");
    EXPECT_STR(er_rows(&er, "SELECT operator FROM `one$late`"), "");
    er_end(&er);
}

/* ---- ties ---- */

static const char ties[] =
    "CREATE TABLE c (k STRING, n INT, v STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' "
    "HOUR) WITH ('connector' = 'kafka', 'topic' = 'c', 'format' = 'json', 'topic.partitions' = '3', "
    "'scan.startup.mode' = 'earliest-offset');"
    "CREATE MATERIALIZED TABLE top2 AS SELECT * FROM (SELECT k, n, v, ROW_NUMBER() OVER (PARTITION BY k "
    "ORDER BY n DESC) AS rn FROM c) WHERE rn <= 2;"
    "CREATE MATERIALIZED TABLE best AS SELECT k, n, v FROM (SELECT k, n, v, ROW_NUMBER() OVER (PARTITION "
    "BY k ORDER BY n) AS rn FROM c) WHERE rn = 1;"
    "CREATE MATERIALIZED TABLE oldest AS SELECT k, v, ts FROM (SELECT k, v, ts, ROW_NUMBER() OVER "
    "(PARTITION BY k ORDER BY ts) AS rn FROM c) WHERE rn = 1;"
    "CREATE MATERIALIZED TABLE newest AS SELECT k, v, ts FROM (SELECT k, v, ts, ROW_NUMBER() OVER "
    "(PARTITION BY k ORDER BY ts DESC) AS rn FROM c) WHERE rn = 1;"
    "CREATE MATERIALIZED TABLE ends AS SELECT k, FIRST_VALUE(v) AS fv, LAST_VALUE(v) AS lv, "
    "FIRST_VALUE(n) AS fn, LAST_VALUE(n) FILTER (WHERE n < 2) AS ln, MAX(v) AS m FROM c GROUP BY k;"
    "CREATE MATERIALIZED TABLE hops AS SELECT k, window_start, FIRST_VALUE(v) AS fv, LAST_VALUE(n) AS ln "
    "FROM TABLE(HOP(TABLE c, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) "
    "GROUP BY k, window_start, window_end;"
    "CREATE MATERIALIZED TABLE late_top AS SELECT window_start, FIRST_VALUE(v) AS fv FROM TABLE(TUMBLE("
    "TABLE c, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY window_start, window_end;";

static const char *const tied_views[] = {"top2 ORDER BY k, rn", "best ORDER BY k", "oldest ORDER BY k",
                                         "newest ORDER BY k", "ends ORDER BY k",
                                         "hops ORDER BY k, window_start",
                                         "late_top ORDER BY window_start"};
enum { TIED_VIEWS = 7, TIED_ROWS = 90 };

/* The same records in each partition, in an order of partitions and with a cut that follow from `way`. */
static void feed_ties(struct er *er, uint32_t way)
{
    uint32_t next[3] = {0}, turn = way;

    for (int fed = 0; fed < TIED_ROWS; turn = turn * 1103515245 + 12345) {
        uint32_t p = way == 0 ? (uint32_t)fed / (TIED_ROWS / 3) : (turn >> 16) % 3;
        char line[160];
        if (next[p] == TIED_ROWS / 3)
            continue;
        uint32_t i = next[p]++;
        snprintf(line, sizeof(line), "{\"k\":\"k%u\",\"n\":%u,\"v\":\"p%u-%u\",\"ts\":\"2020-01-01 00:00:%02u\"}",
                 (i * 7 + p) % 4, i % 3, p, i, (i * 5 + p) % 8 * 3);
        er_produce_to(er, "c", p, line);
        fed++;
        if (way && fed % (1 + way * 3) == 0)
            er_settle(er);
    }
    er_settle(er);
    for (uint32_t p = 0; p < 3; p++)
        er_produce_to(er, "c", p, "{\"k\":\"end\",\"n\":0,\"v\":\"end\",\"ts\":\"2020-01-01 09:00:00\"}");
    er_settle(er);
}

static void ties_text(uint32_t shards, uint32_t rows_max, uint32_t way, struct buf *out)
{
    struct er er;

    er_open(&er, os_sim_create(1, NULL), NULL,
            (struct engine_options){.shards = shards, .tick_rows_max = rows_max,
                                    .check_determinism = true, .check_seed = way});
    er_sql(&er, ties);
    feed_ties(&er, way);
    for (int v = 0; v < TIED_VIEWS; v++) {
        char sql[100];
        snprintf(sql, sizeof(sql), "SELECT * FROM %s", tied_views[v]);
        buf_printf(out, "%s\n", er_rows(&er, sql));
    }
    buf_u8(out, 0);
    er_end(&er);
}

TEST(ties_do_not_depend_on_shards_or_ticks)
{
    static const uint32_t shards[] = {1, 2, 3, 8}, rows[] = {1000, 1, 7, 40};
    struct buf want, got;

    buf_init(&want, 0);
    buf_init(&got, 0);
    ties_text(1, 1000, 0, &want);
    EXPECT(strstr((const char *)want.ptr, "k0,2,p0-")); /* ties are won by the first partition */
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t way = 0; way < 4; way++) {
            buf_clear(&got);
            ties_text(shards[i], rows[(i + way) % 4], way, &got);
            EXPECT_STR((const char *)got.ptr, (const char *)want.ptr);
        }
    buf_deinit(&want);
    buf_deinit(&got);
}
