/* Formats of changes over a topic: what is read, what is written, what is refused, what is half good. */
#include <stdio.h>

#include "base/rng.h"
#include "lib/engines.h"

static void table(struct er *er, const char *name, const char *columns, const char *format, const char *more)
{
    char sql[900];

    snprintf(sql, sizeof(sql),
             "CREATE TABLE %s (%s) WITH ('connector' = 'kafka', 'topic' = '%s', 'format' = '%s', "
             "'scan.startup.mode' = 'earliest-offset'%s)",
             name, columns, name, format, more);
    er_sql(er, sql);
}

static const char *printed(struct er *er)
{
    buf_u8(&er->printed, 0);
    return (const char *)er->printed.ptr;
}

static void open_sim(struct er *er)
{
    er_open(er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
}

/* One format: its records, and what a print sink shows of them. */
static void changes_case_at(int line, const char *format, const char *more, const char *records, const char *want,
                            const char *errors)
{
    struct er er;

    open_sim(&er);
    table(&er, "s", "id INT, v STRING", format, more);
    er_sql(&er, "CREATE TABLE p (id INT, v STRING) WITH ('connector' = 'print'); INSERT INTO p SELECT * FROM s;");
    er_produce(&er, "s", records);
    er_settle(&er);
    const char *got = printed(&er);
    if (strcmp(got, want))
        test_fail(__FILE__, line, "printed\n%s    expected\n%s", got, want);
    got = er_rows(&er, "SELECT `offset`, reason FROM s$errors ORDER BY `offset`");
    if (strcmp(got, errors))
        test_fail(__FILE__, line, "errors\n%s\n    expected\n%s", got, errors);
    er_end(&er);
}
#define CHANGES(...) changes_case_at(__LINE__, __VA_ARGS__)

TEST(changelog_debezium)
{
    CHANGES("debezium-json", "",
            "{\"before\":null,\"after\":{\"id\":1,\"v\":\"a\"},\"op\":\"c\",\"ts_ms\":5}\n"
            "{\"before\":{\"id\":1,\"v\":\"a\"},\"after\":{\"id\":1,\"v\":\"b\"},\"op\":\"u\"}\n"
            "{\"before\":{\"id\":1,\"v\":\"b\"},\"op\":\"d\"}\n"
            "{\"after\":{\"id\":2,\"v\":null},\"op\":\"r\"}\n",
            "+I[1, a]\n-U[1, a]\n+U[1, b]\n-D[1, b]\n+I[2, null]\n", "");
    CHANGES("debezium-json", ", 'debezium-json.schema-include' = 'true'",
            "{\"schema\":{\"x\":1},\"payload\":{\"before\":null,\"after\":{\"id\":1,\"v\":\"a\"},\"op\":\"c\"}}\n"
            "{\"before\":null,\"after\":{\"id\":1,\"v\":\"a\"},\"op\":\"c\"}\n",
            "+I[1, a]\n",
            "1,field 'payload' is missing or null, and 'debezium-json.schema-include' is set");
}

/* Nothing of a record that is bad in part is taken, and each says which field it is. */
TEST(changelog_bad_records)
{
    static const char records[] = "{\"before\":{\"id\":1},\"after\":{\"id\":\"x\"},\"op\":\"u\"}\n"
                                  "{\"before\":null,\"after\":{\"id\":1},\"op\":\"u\"}\n"
                                  "{\"after\":{\"id\":1},\"op\":\"z\"}\n"
                                  "{\"after\":{\"id\":1}}\n"
                                  "{\"after\":null,\"op\":\"c\"}\n"
                                  "nonsense\n"
                                  "{\"after\":{\"id\":7},\"op\":\"c\"}\n";
    CHANGES("debezium-json", "", records, "+I[7, null]\n",
            "0,field 'after': field 'id': a string that is no INT | "
            "1,field 'before' is missing or null, and op 'u' needs it | "
            "2,field 'op': 'z' is no kind of change | 3,field 'op' is missing or null | "
            "4,field 'after' is missing or null, and op 'c' needs it | "
            "5,the record is not a JSON object");
    CHANGES("debezium-json", ", 'debezium-json.ignore-parse-errors' = 'true'", records,
            "-U[1, null]\n+U[null, null]\n+I[7, null]\n", "");
}

TEST(changelog_canal_maxwell_ogg)
{
    CHANGES("canal-json", "",
            "{\"data\":[{\"id\":1,\"v\":\"a\"},{\"id\":2,\"v\":\"b\"}],\"old\":null,\"type\":\"INSERT\"}\n"
            "{\"data\":[{\"id\":1,\"v\":\"c\"},{\"id\":2,\"v\":null}],\"old\":[{\"v\":\"a\"},{\"v\":\"b\"}],\"type\":\"UPDATE\"}\n"
            "{\"data\":null,\"type\":\"CREATE\"}\n"
            "{\"data\":[{\"id\":1,\"v\":\"c\"}],\"type\":\"DELETE\"}\n"
            "{\"data\":[{\"id\":1,\"v\":\"c\"},{\"id\":2,\"v\":null}],\"old\":[{\"v\":\"a\"}],\"type\":\"UPDATE\"}\n",
            "+I[1, a]\n+I[2, b]\n-U[1, a]\n+U[1, c]\n-U[2, b]\n+U[2, null]\n-D[1, c]\n",
            "4,field 'old' is missing or null, and type 'UPDATE' needs it");
    CHANGES("canal-json", ", 'canal-json.database.include' = 'd.*', 'canal-json.table.include' = 't'",
            "{\"data\":[{\"id\":1,\"v\":\"a\"}],\"type\":\"INSERT\",\"database\":\"db\",\"table\":\"t\"}\n"
            "{\"data\":[{\"id\":2,\"v\":\"a\"}],\"type\":\"INSERT\",\"database\":\"xdb\",\"table\":\"t\"}\n"
            "{\"data\":[{\"id\":3,\"v\":\"a\"}],\"type\":\"INSERT\",\"database\":\"db\",\"table\":\"tt\"}\n",
            "+I[1, a]\n", "");
    CHANGES("maxwell-json", "",
            "{\"data\":{\"id\":1,\"v\":null},\"type\":\"insert\"}\n"
            "{\"data\":{\"id\":1,\"v\":\"b\"},\"old\":{\"v\":null},\"type\":\"update\"}\n"
            "{\"data\":{\"id\":1,\"v\":\"b\"},\"type\":\"delete\"}\n",
            "+I[1, null]\n-U[1, null]\n+U[1, b]\n-D[1, b]\n", "");
    CHANGES("ogg-json", "",
            "{\"before\":{\"id\":1,\"v\":\"a\"},\"after\":{\"id\":1,\"v\":\"b\"},\"op_type\":\"U\"}\n"
            "{\"before\":{\"id\":1,\"v\":\"b\"},\"after\":null,\"op_type\":\"D\"}\n",
            "-U[1, a]\n+U[1, b]\n-D[1, b]\n", "");
}

TEST(changelog_metadata)
{
    struct er er;

    open_sim(&er);
    table(&er, "s",
          "id INT, t TIMESTAMP_LTZ(3) METADATA FROM 'value.ingestion-timestamp' VIRTUAL, st TIMESTAMP_LTZ(3) METADATA "
          "FROM 'value.source.timestamp' VIRTUAL, db STRING METADATA FROM 'value.source.database' VIRTUAL, tab STRING "
          "METADATA FROM 'value.source.table' VIRTUAL, props MAP<STRING, STRING> METADATA FROM "
          "'value.source.properties' VIRTUAL, o BIGINT METADATA FROM 'offset' VIRTUAL, sch STRING METADATA FROM "
          "'value.schema' VIRTUAL",
          "debezium-json", "");
    er_produce(&er, "s",
               "{\"after\":{\"id\":1},\"source\":{\"ts_ms\":1500,\"db\":\"d\",\"table\":\"t\"},\"op\":\"c\",\"ts_ms\":2500}\n"
               "{\"after\":{\"id\":2},\"op\":\"c\"}\n");
    EXPECT_STR(er_rows(&er, "SELECT id, t, st, db, tab, props['db'], o, sch FROM s ORDER BY o"),
               "1,1970-01-01 00:00:02.500,1970-01-01 00:00:01.500,d,t,d,0,NULL | "
               "2,NULL,NULL,NULL,NULL,NULL,1,NULL");
    EXPECT(er_try(&er, "CREATE TABLE w (id INT, x INT METADATA FROM 'value.source.database' VIRTUAL) WITH "
                       "('connector' = 'kafka', 'topic' = 's', 'format' = 'debezium-json'); SELECT * FROM w;") != ST_OK);
    EXPECT(strstr(er.diag.message, "metadata 'source.database' does not fit the type of `x`"));
    er_end(&er);
}

/* What is written is what Flink writes: a row that comes, a row that goes. Columns that nobody wants are not read. */
TEST(changelog_is_written_and_read_again)
{
    static const struct {
        const char *format, *topic;
    } cases[] = {
        {"debezium-json", "{\"before\":null,\"after\":{\"k\":\"a\",\"n\":1},\"op\":\"c\"} | "
                          "{\"before\":{\"k\":\"a\",\"n\":1},\"after\":null,\"op\":\"d\"} | "
                          "{\"before\":null,\"after\":{\"k\":\"a\",\"n\":2},\"op\":\"c\"}"},
        {"canal-json", "{\"data\":[{\"k\":\"a\",\"n\":1}],\"type\":\"INSERT\"} | "
                       "{\"data\":[{\"k\":\"a\",\"n\":1}],\"type\":\"DELETE\"} | "
                       "{\"data\":[{\"k\":\"a\",\"n\":2}],\"type\":\"INSERT\"}"},
        {"maxwell-json", "{\"data\":{\"k\":\"a\",\"n\":1},\"type\":\"insert\"} | "
                         "{\"data\":{\"k\":\"a\",\"n\":1},\"type\":\"delete\"} | "
                         "{\"data\":{\"k\":\"a\",\"n\":2},\"type\":\"insert\"}"},
        {"ogg-json", "{\"before\":null,\"after\":{\"k\":\"a\",\"n\":1},\"op_type\":\"I\"} | "
                     "{\"before\":{\"k\":\"a\",\"n\":1},\"after\":null,\"op_type\":\"D\"} | "
                     "{\"before\":null,\"after\":{\"k\":\"a\",\"n\":2},\"op_type\":\"I\"}"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct er er;
        open_sim(&er);
        table(&er, "clicks", "k STRING", "json", "");
        table(&er, "c", "k STRING, n BIGINT", cases[i].format, "");
        er_sql(&er, "INSERT INTO c SELECT k, COUNT(*) FROM clicks GROUP BY k;");
        er_produce(&er, "clicks", "{\"k\":\"a\"}\n");
        er_settle(&er);
        er_produce(&er, "clicks", "{\"k\":\"a\"}\n");
        er_settle(&er);
        EXPECT_STR(er_topic(&er, "c"), cases[i].topic);
        EXPECT_STR(er_rows(&er, "SELECT k, n FROM c"), "a,2");
        EXPECT_STR(er_rows(&er, "SELECT COUNT(*) FROM c"), "1");
        er_end(&er);
    }
}

/* The chunk that a record's rows overflow goes, and the next begins: 5,000 rows of one canal record. */
TEST(changelog_many_rows_in_a_record)
{
    struct er er;
    struct buf record;

    open_sim(&er);
    table(&er, "s", "id INT, v STRING", "canal-json", "");
    buf_init(&record, 0);
    buf_str(&record, "{\"type\":\"INSERT\",\"data\":[");
    for (int i = 0; i < 5000; i++)
        buf_printf(&record, "%s{\"id\":%d,\"v\":\"value %d\"}", i ? "," : "", i, i);
    buf_str(&record, "]}");
    buf_u8(&record, 0);
    er_produce(&er, "s", (const char *)record.ptr);
    EXPECT_STR(er_rows(&er, "SELECT COUNT(*), COUNT(DISTINCT v), SUM(id) FROM s"), "5000,5000,12497500");
    buf_deinit(&record);
    er_end(&er);
}

/* A kept sum over changes stands as it was after the process was killed, and goes on. */
TEST(changelog_after_a_kill)
{
    struct er er;

    er_open(&er, os_sim_create(3, NULL), "/data", (struct engine_options){0});
    table(&er, "s", "id INT, v INT", "debezium-json", "");
    er_sql(&er, "CREATE MATERIALIZED TABLE m AS SELECT SUM(v) AS total, COUNT(*) AS n FROM s;");
    er_produce(&er, "s", "{\"after\":{\"id\":1,\"v\":10},\"op\":\"c\"}\n{\"after\":{\"id\":2,\"v\":5},\"op\":\"c\"}\n");
    er_settle(&er);
    er_kill(&er);
    er_open(&er, er.os, "/data", (struct engine_options){0});
    er_produce(&er, "s", "{\"before\":{\"id\":1,\"v\":10},\"after\":{\"id\":1,\"v\":1},\"op\":\"u\"}\n"
                         "{\"before\":{\"id\":2,\"v\":5},\"op\":\"d\"}\n");
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT total, n FROM m"), "1,1");
    er_end(&er);
}

static void refused_at(int line, const char *sql, const char *message)
{
    struct er er;

    open_sim(&er);
    enum status st = er_try(&er, sql);
    if (st == ST_OK || !strstr(er.diag.message, message))
        test_fail(__FILE__, line, "said \"%s\", expected \"%s\"", st == ST_OK ? "nothing" : er.diag.message, message);
    er_end(&er);
}
#define REFUSED(...) refused_at(__LINE__, __VA_ARGS__)

TEST(changelog_refusals)
{
    REFUSED("CREATE TABLE t (id INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 't', "
            "'key.format' = 'json', 'value.format' = 'debezium-json'); SELECT * FROM t;",
            "is a format of changes, and upsert-kafka takes rows alone");
    REFUSED("CREATE TABLE t (id INT) WITH ('connector' = 'kafka', 'topic' = 't', 'key.format' = 'canal-json', "
            "'key.fields' = 'id', 'value.fields-include' = 'EXCEPT_KEY', 'value.format' = 'json'); SELECT * FROM t;",
            "is a format of changes, and a key takes rows alone");
    REFUSED("CREATE TABLE t (id INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'debezium-json', "
            "'debezium-json.nothing' = '1'); SELECT * FROM t;",
            "format 'debezium-json' has no option 'debezium-json.nothing'");
    REFUSED("CREATE TABLE t (id INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'maxwell-json', "
            "'maxwell-json.schema-include' = 'true'); SELECT * FROM t;",
            "format 'maxwell-json' has no option 'maxwell-json.schema-include'");
    REFUSED("CREATE TABLE t (id INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'canal-json', "
            "'canal-json.table.include' = '('); SELECT * FROM t;",
            "option 'canal-json.table.include' is no regular expression");
    REFUSED("CREATE TABLE t (id INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'debezium-json', "
            "'debezium-json.schema-include' = 'true'); INSERT INTO t VALUES (1);",
            "a sink writes no schema");
}

/* A join by a column that is no key: rows of one key come from the shards of that column's values, in order from each,
 * but not among each other. What a view and a sink by key have of it is the row
 * that is left. */
TEST(changelog_a_key_of_a_view_moves_between_shards)
{
    struct rng rng = rng_seed(3);
    struct os *os = os_sim_create(1, NULL);
    struct er er;
    char line[40], want[2000];

    er_open(&er, os, "data", (struct engine_options){.shards = 8});
    er_sql(&er, "CREATE TABLE e (k STRING) WITH ('connector' = 'kafka', 'topic' = 'e', 'format' = 'json', "
                "'scan.startup.mode' = 'earliest-offset');"
                "CREATE MATERIALIZED TABLE totals AS SELECT k, COUNT(*) AS c FROM e GROUP BY k;"
                "CREATE MATERIALIZED TABLE by_count AS SELECT c, COUNT(*) AS ks FROM totals GROUP BY c;"
                "CREATE MATERIALIZED TABLE joined AS SELECT t.k, t.c, b.ks FROM totals AS t JOIN by_count AS b ON t.c = b.c;"
                "CREATE TABLE up (k STRING, c BIGINT, ks BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = "
                "'upsert-kafka', 'topic' = 'up', 'key.format' = 'json', 'value.format' = 'json');"
                "INSERT INTO up SELECT t.k, t.c, b.ks FROM totals AS t JOIN by_count AS b ON t.c = b.c;"
                "CREATE MATERIALIZED TABLE seen AS SELECT COUNT(*) AS n, SUM(c) AS s FROM joined;");
    for (int round = 0; round < 40; round++) {
        uint64_t lsn;
        EXPECT_OK(job_pause(engine_job_find(er.engine, BYTES_LITERAL("joined")), &lsn));
        EXPECT_OK(job_pause(engine_job_find(er.engine, BYTES_LITERAL("insert-into_up")), &lsn));
        for (uint64_t i = rng_between(&rng, 1, 8); i > 0; i--) { /* each is a change of its own, for one tick there */
            snprintf(line, sizeof(line), "{\"k\":\"k%d\"}", (int)rng_below(&rng, 4));
            er_produce(&er, "e", line);
            er_settle(&er);
        }
        EXPECT_OK(job_resume(engine_job_find(er.engine, BYTES_LITERAL("insert-into_up")), &lsn));
        EXPECT_OK(job_resume(engine_job_find(er.engine, BYTES_LITERAL("joined")), &lsn));
        er_settle(&er);
        snprintf(want, sizeof(want), "%s", er_rows(&er, "SELECT t.k, t.c, b.ks FROM (SELECT k, COUNT(*) AS c FROM e GROUP "
                                                        "BY k) AS t JOIN (SELECT c, COUNT(*) AS ks FROM (SELECT k, COUNT(*) "
                                                        "AS c FROM e GROUP BY k) GROUP BY c) AS b ON t.c = b.c ORDER BY t.k"));
        EXPECT_STR(er_rows(&er, "SELECT * FROM joined ORDER BY k"), want);
        EXPECT_STR(er_rows(&er, "SELECT * FROM up ORDER BY k"), want);
        snprintf(want, sizeof(want), "%s", er_rows(&er, "SELECT COUNT(DISTINCT k), COUNT(*) FROM e"));
        EXPECT_STR(er_rows(&er, "SELECT n, s FROM seen"), want); /* what it told of its changes is that, too */
        if (round % 10 == 9) {
            er_kill(&er);
            er_open(&er, os, "data", (struct engine_options){.shards = 8});
            er_settle(&er);
        }
    }
    er_end(&er);
}

/* The same, where the row that moves looks as before: what comes from one shard is not taken back by what goes from another. */
TEST(changelog_a_row_moves_between_shards_and_looks_the_same)
{
    struct rng rng = rng_seed(test_seed());
    struct os *os = os_sim_create(1, NULL);
    struct er er;
    char sql[200];

    er_open(&er, os, "data", (struct engine_options){.shards = 8});
    er_sql(&er, "CREATE TABLE o (id BIGINT, cust BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', "
                "'topic' = 'o', 'key.format' = 'json', 'value.format' = 'json');"
                "CREATE TABLE c (cust BIGINT, PRIMARY KEY (cust) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', "
                "'topic' = 'c', 'key.format' = 'json', 'value.format' = 'json');"
                "CREATE TABLE up (id BIGINT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', "
                "'topic' = 'up', 'key.format' = 'json', 'value.format' = 'json');"
                "INSERT INTO up SELECT o.id FROM o JOIN c ON o.cust = c.cust;"
                "CREATE MATERIALIZED TABLE v AS SELECT o.id FROM o JOIN c ON o.cust = c.cust;");
    for (int i = 0; i < 8; i++) {
        snprintf(sql, sizeof(sql), "INSERT INTO c VALUES (%d); INSERT INTO o VALUES (%d, %d)", i, i, i);
        er_sql(&er, sql);
    }
    er_settle(&er);
    for (int round = 0; round < 40; round++) {
        snprintf(sql, sizeof(sql), "INSERT INTO o VALUES (%d, %d)", (int)rng_below(&rng, 8), (int)rng_below(&rng, 8));
        er_sql(&er, sql);
        er_settle(&er);
        EXPECT_STR(er_rows(&er, "SELECT COUNT(*) FROM v"), "8");
        EXPECT_STR(er_rows(&er, "SELECT COUNT(*) FROM up"), "8");
    }
    er_end(&er);
}
