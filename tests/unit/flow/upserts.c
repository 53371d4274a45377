/* An upsert-kafka table as a source: the topic's records are changes of the rows of their keys. */
#include <stdio.h>

#include "lib/engines.h"

static const char setup[] =
    "CREATE TABLE clicks (k STRING, n INT) WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = "
    "'json', 'scan.startup.mode' = 'earliest-offset');"
    "CREATE TABLE u (k STRING, c BIGINT, low INT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = "
    "'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json', "
    "'topic.partitions' = '3'%s);"
    "CREATE TABLE p (k STRING, c BIGINT, low INT) WITH ('connector' = 'print');"
    "INSERT INTO u SELECT k, c, low FROM (SELECT k, COUNT(*) AS c, MIN(n) AS low FROM clicks GROUP BY k) "
    "WHERE c < 3;";

static void set_up(struct er *er, const char *more)
{
    char sql[1200];

    snprintf(sql, sizeof(sql), setup, more);
    er_sql(er, sql);
}

static void click(struct er *er, const char *k, int n)
{
    char line[80];

    snprintf(line, sizeof(line), "{\"k\":\"%s\",\"n\":%d}", k, n);
    er_produce(er, "clicks", line);
    er_settle(er);
}

static const char *printed(struct er *er)
{
    buf_u8(&er->printed, 0);
    return (const char *)er->printed.ptr;
}

TEST(upserts_are_read_as_a_changelog)
{
    static const char *const more[] = {"", ", 'value.fields-include' = 'EXCEPT_KEY'"};

    for (int i = 0; i < 2; i++) {
        struct er er;
        er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
        set_up(&er, more[i]);
        er_sql(&er, "INSERT INTO p SELECT * FROM u;");
        click(&er, "a", 7);
        click(&er, "a", 5);
        click(&er, "b", 1);
        click(&er, "a", 6); /* the third: its row goes, by a tombstone */
        click(&er, "a", 6); /* and a tombstone of what is not there tells nothing */
        EXPECT_STR(printed(&er), "+I[a, 1, 7]\n-U[a, 1, 7]\n+U[a, 2, 5]\n+I[b, 1, 1]\n-D[a, 2, 5]\n");
        EXPECT_STR(er_rows(&er, "SELECT k, c FROM u ORDER BY k"), "b,1");
        er_end(&er);
    }
}

/* A filter sees the old row too, and an aggregate takes it back. */
TEST(upserts_feed_filters_and_aggregates)
{
    static const uint32_t shards[] = {1, 3};

    for (int i = 0; i < 2; i++) {
        struct er er;
        er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){.shards = shards[i]});
        set_up(&er, "");
        er_sql(&er, "CREATE MATERIALIZED TABLE by_count AS SELECT c, COUNT(*) AS n, MIN(low) AS low FROM u "
                    "GROUP BY c;"
                    "CREATE MATERIALIZED TABLE ones AS SELECT k FROM u WHERE c = 1;");
        click(&er, "a", 7);
        click(&er, "b", 8);
        click(&er, "c", 9);
        EXPECT_STR(er_rows(&er, "SELECT * FROM by_count ORDER BY c"), "1,3,7");
        click(&er, "a", 6);
        click(&er, "b", 8);
        EXPECT_STR(er_rows(&er, "SELECT * FROM by_count ORDER BY c"), "1,1,9 | 2,2,6");
        click(&er, "a", 6);
        EXPECT_STR(er_rows(&er, "SELECT * FROM by_count ORDER BY c"), "1,1,9 | 2,1,8");
        EXPECT_STR(er_rows(&er, "SELECT * FROM ones ORDER BY k"), "c");
        er_end(&er);
    }
}

TEST(upserts_keep_their_rows_over_restarts)
{
    static const uint32_t shards[] = {1, 3, 2, 8};
    struct os *os = os_sim_create(3, NULL);
    struct er er;

    for (int round = 0; round < 4; round++) {
        er_open(&er, os, "data", (struct engine_options){.shards = shards[round]});
        if (round == 0) {
            set_up(&er, "");
            er_sql(&er, "CREATE MATERIALIZED TABLE sums AS SELECT SUM(c) AS c, COUNT(*) AS n FROM u;");
        }
        if (round < 3)
            click(&er, "a", round); /* two rows of u, then its tombstone */
        click(&er, round % 2 ? "x" : "y", 4);
        if (round % 2)
            er_kill(&er);
        else
            er_close(&er, true);
    }
    er_open(&er, os, "data", (struct engine_options){.shards = 2});
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM sums"), "4,2");
    er_end(&er);
}

TEST(upserts_without_a_key_are_told_as_errors)
{
    struct er er;

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    set_up(&er, "");
    er_sql(&er, "CREATE MATERIALIZED TABLE all_of AS SELECT k, c FROM u;");
    er_produce_to(&er, "u", 1, "{\"k\":\"z\",\"c\":1,\"low\":1}");
    click(&er, "a", 7);
    EXPECT_STR(er_rows(&er, "SELECT * FROM all_of"), "a,1");
    EXPECT_STR(er_rows(&er, "SELECT topic, `partition`, `offset`, reason FROM `u$errors`"),
               "u,1,0,the record has no key, which upserts need");
    er_end(&er);
}
