/* A record's headers as a metadata column that is written: with rows that come in and rows that go, over a restart. */
#include <stdio.h>

#include "lib/engines.h"

static const char tables[] =
    "CREATE TABLE orders (id INT, k STRING) WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json', "
    "'scan.startup.mode' = 'earliest-offset');"
    "CREATE TABLE o (id INT, h MAP<STRING, BYTES> METADATA FROM 'headers') WITH ('connector' = 'kafka', 'topic' = 'o', "
    "'format' = 'json', 'scan.startup.mode' = 'earliest-offset');";

static void add(struct er *er, const char *lines)
{
    er_produce(er, "orders", lines);
    er_settle(er);
}

TEST(headers_are_written_and_read_back)
{
    struct er er;

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    er_sql(&er, tables);
    er_sql(&er, "INSERT INTO o SELECT id, MAP['k', CAST(k AS BYTES), 'empty', CAST('' AS BYTES), "
                "'none', CAST(NULL AS BYTES)] FROM orders;");
    add(&er, "{\"id\":1,\"k\":\"é\"}\n{\"id\":2}");
    EXPECT_STR(er_rows(&er, "SELECT id, CARDINALITY(h), CAST(h['k'] AS STRING), CHAR_LENGTH(CAST(h['empty'] AS STRING)) "
                            "FROM o ORDER BY id"), "1,2,é,0 | 2,1,NULL,0");
    EXPECT_STR(er_topic(&er, "o"), "{\"id\":1} | {\"id\":2}");
    er_end(&er);
}

TEST(headers_that_are_null_are_none)
{
    struct er er;

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    er_sql(&er, tables);
    er_sql(&er, "INSERT INTO o (id) SELECT id FROM orders;"
                "INSERT INTO o SELECT id + 10, IF(id = 1, MAP['a', CAST('x' AS BYTES)], CAST(NULL AS MAP<STRING, BYTES>)) "
                "FROM orders;");
    add(&er, "{\"id\":1}\n{\"id\":2}");
    EXPECT_STR(er_rows(&er, "SELECT id, CARDINALITY(h) FROM o ORDER BY id"), "1,0 | 2,0 | 11,1 | 12,0");
    er_end(&er);
}

/* A record without a value has those of the row that goes. */
TEST(headers_go_with_rows_that_are_deleted)
{
    struct er er;

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    er_sql(&er, tables);
    er_sql(&er, "CREATE TABLE u (k STRING, n BIGINT, h MAP<STRING, BYTES> METADATA FROM 'headers', PRIMARY KEY (k) NOT "
                "ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'raw', 'value.format' = 'json');"
                "CREATE TABLE raws (k STRING, v STRING, h MAP<STRING, BYTES> METADATA FROM 'headers' VIRTUAL, PRIMARY KEY (k) "
                "NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'raw', 'value.format' = 'raw', "
                "'value.fields-include' = 'EXCEPT_KEY');"
                "CREATE TABLE p (k STRING, v STRING, n STRING) WITH ('connector' = 'print');"
                "INSERT INTO u SELECT k, n, MAP['n', CAST(CAST(n AS STRING) AS BYTES)] FROM (SELECT k, COUNT(*) AS n FROM orders "
                "GROUP BY k) WHERE n < 3;"
                "INSERT INTO p SELECT k, v, CAST(h['n'] AS STRING) FROM raws;");
    for (int i = 0; i < 3; i++)
        add(&er, "{\"id\":1,\"k\":\"a\"}");
    buf_u8(&er.printed, 0);
    EXPECT_STR((const char *)er.printed.ptr, "+I[a, {\"k\":\"a\",\"n\":1}, 1]\n-U[a, {\"k\":\"a\",\"n\":1}, 1]\n"
                                             "+U[a, {\"k\":\"a\",\"n\":2}, 2]\n-D[a, {\"k\":\"a\",\"n\":2}, 2]\n");
    er_end(&er);
}

TEST(headers_are_the_same_when_a_tick_is_run_again)
{
    struct os *os = os_sim_create(3, NULL);
    struct er er;

    er_open(&er, os, "data", (struct engine_options){0});
    er_sql(&er, tables);
    er_sql(&er, "INSERT INTO o SELECT id, MAP['id', CAST(CAST(id AS STRING) AS BYTES)] FROM orders;");
    add(&er, "{\"id\":1}\n{\"id\":2}");
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){0});
    er_settle(&er);
    add(&er, "{\"id\":3}");
    EXPECT_STR(er_rows(&er, "SELECT id, CAST(h['id'] AS STRING) FROM o ORDER BY id"), "1,1 | 2,2 | 3,3");
    er_end(&er);
}

static void expect_refused(struct er *er, const char *column, const char *insert, const char *message)
{
    char text[400];

    snprintf(text, sizeof(text), "DROP TABLE IF EXISTS bad; CREATE TABLE bad (id INT, m %s) WITH ('connector' = 'kafka', "
             "'topic' = 'bad', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset'); %s", column, insert);
    EXPECT(er_try(er, text) != ST_OK);
    EXPECT_STR(er->diag.message, message);
}

TEST(headers_of_another_type_are_refused)
{
    struct er er;

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    er_sql(&er, tables);
    expect_refused(&er, "MAP<STRING, INT> METADATA FROM 'headers'", "INSERT INTO bad SELECT id, MAP['a', id] FROM orders;",
                   "metadata 'headers' does not fit the type of `m`");
    expect_refused(&er, "MAP<STRING, INT> METADATA FROM 'headers'", "SELECT m FROM bad;",
                   "metadata 'headers' does not fit the type of `m`");
    expect_refused(&er, "BIGINT METADATA FROM 'offset'", "INSERT INTO bad SELECT id, 1 FROM orders;",
                   "writing metadata 'offset': of a record, timestamp and headers are written");
    expect_refused(&er, "BIGINT METADATA FROM 'timestamp'", "INSERT INTO bad SELECT id, 1 FROM orders;",
                   "metadata 'timestamp' does not fit the type of `m`");
    er_end(&er);
}
