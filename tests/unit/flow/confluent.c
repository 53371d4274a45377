/* avro-confluent, protobuf-confluent, json-schema: records by the number of their schema, over this server's registry: schemas that change under a table,
 * numbers that are not known (yet), the same over restarts and threads. */
#include <stdio.h>

#include "flow/job.h"
#include "lib/engines.h"
#include "store/schemas/schemas.h"
#include "wire/kafka/batch.h"

#define FORMAT "'connector' = 'kafka', 'topic' = '%s', 'format' = 'avro-confluent'"

static uint32_t register_avro(struct er *er, const char *subject, const char *text)
{
    struct schema_version version;
    uint64_t lsn;
    struct schema_register what = {.subject = bytes_str(subject), .schema = {.type = SCHEMA_AVRO, .text = bytes_str(text)}};
    int error = schema_register(er->log, &what, &version, &lsn, &er->diag);

    if (error != SCHEMA_OK)
        test_fail(__FILE__, __LINE__, "%s", er->diag.message);
    return version.id;
}

static void level_none(struct er *er, const char *subject)
{
    uint64_t lsn;

    EXPECT_OK(schema_level_set(er->log, bytes_str(subject), LEVEL_NONE, &lsn));
}

static void append(struct er *er, struct bytes record)
{
    struct batch_builder b;
    struct buf batch;
    struct log_appended appended;
    struct log_topic *t = log_topic_find(er->log, BYTES_LITERAL("s"));
    struct log_topic_options options = {0};

    if (!t)
        EXPECT_OK(log_topic_create(er->log, BYTES_LITERAL("s"), 1, &options, &t, NULL, &er->diag));
    batch_builder_init(&b, KAFKA_CODEC_NONE);
    buf_init(&batch, 0);
    batch_builder_add(&b, 1000, BYTES_NONE, record, NULL, 0);
    EXPECT_OK(batch_builder_finish(&b, &batch));
    EXPECT_OK(log_append(er->log, log_partition_of(t, 0), buf_view(&batch), &appended, &er->diag));
    batch_builder_deinit(&b);
    buf_deinit(&batch);
    er_settle(er);
}

static void put_hex(struct er *er, const char *hex)
{
    uint8_t record[200];
    size_t len = strlen(hex) / 2;

    EXPECT(len <= sizeof(record));
    for (size_t i = 0; i < len; i++)
        sscanf(hex + 2 * i, "%2hhx", &record[i]);
    append(er, bytes_of(record, len));
}

/* A record: the head with a number, and hexadecimal. */
static void put(struct er *er, uint32_t id, const char *hex)
{
    char text[300];

    snprintf(text, sizeof(text), "00%08x%s", id, hex);
    put_hex(er, text);
}

/* A topic's values as hexadecimal. */
static const char *hex_of_topic(struct er *er, const char *topic)
{
    static char text[600];
    size_t len = 0;

    er_topic(er, topic);
    for (size_t i = 0; i < er->out.len && len + 3 < sizeof(text); i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%02x", er->out.ptr[i]);
    return text;
}

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" fields "]}"
#define A_INT "{\"name\":\"a\",\"type\":\"int\"}"

TEST(confluent_writes_register_a_schema_once)
{
    struct os *os = os_sim_create(1, NULL);
    struct er er;
    struct schema_version v;

    er_open(&er, os, "data", (struct engine_options){.shards = 3});
    er_sql(&er, "CREATE TABLE s (k STRING, a INT, b STRING) WITH ('connector' = 'kafka', 'topic' = 's', 'key.format' = "
                "'avro-confluent', 'key.fields' = 'k', 'value.format' = 'avro-confluent', 'value.fields-include' = 'EXCEPT_KEY');"
                "INSERT INTO s VALUES ('x', 1, 'one'), ('y', NULL, NULL);");
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT k, a, b FROM s ORDER BY k"), "x,1,one | y,NULL,NULL");
    EXPECT(strstr(hex_of_topic(&er, "s"), "0000000001020202066f6e65")); /* 1, "one" */
    EXPECT(strstr(hex_of_topic(&er, "s"), "00000000010000"));
    EXPECT_INT(schema_version_find(er.log, BYTES_LITERAL("s-value"), SCHEMA_LATEST, false, &v, &er.diag), SCHEMA_OK);
    EXPECT_INT(v.id, 1);
    EXPECT_INT(v.version, 1);
    EXPECT_INT(schema_version_find(er.log, BYTES_LITERAL("s-key"), SCHEMA_LATEST, false, &v, &er.diag), SCHEMA_OK);
    EXPECT_INT(v.id, 2);
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){.shards = 2});
    er_sql(&er, "INSERT INTO s VALUES ('z', 3, 'three')");
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT k, a, b FROM s ORDER BY k"), "x,1,one | y,NULL,NULL | z,3,three");
    EXPECT_INT(schema_id_max(er.log), 2);
    er_end(&er);
}

TEST(confluent_resolves_what_was_written)
{
    struct er er;
    static const char sql[] =
        "CREATE TABLE s (a BIGINT, b STRING, c DOUBLE) WITH (" FORMAT ");"
        "CREATE TABLE d (a BIGINT, b STRING, c DOUBLE) WITH (" FORMAT ", 'avro-confluent.schema' = '"
        RECORD("{\"name\":\"a\",\"type\":[\"null\",\"long\"]},{\"name\":\"b\",\"type\":[\"string\",\"null\"],\"default\":\"none\"},"
               "{\"name\":\"c\",\"aliases\":[\"old\"],\"type\":[\"null\",\"double\"],\"default\":null}") "');";
    char text[1200];

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    snprintf(text, sizeof(text), sql, "s", "s");
    er_sql(&er, text);
    level_none(&er, "s-value");
    put(&er, register_avro(&er, "s-value", RECORD(A_INT)), "02");
    put(&er, register_avro(&er, "s-value", RECORD("{\"name\":\"old\",\"type\":\"float\"}," A_INT)), "0000c03f04");
    put(&er, register_avro(&er, "s-value", RECORD("{\"name\":\"b\",\"type\":\"string\"},{\"name\":\"x\",\"type\":\"int\"}," A_INT)),
        "026d0a06");
    put(&er, register_avro(&er, "s-value", RECORD("{\"name\":\"a\",\"type\":\"string\"}")), "026d");
    EXPECT_STR(er_rows(&er, "SELECT * FROM s ORDER BY a"), "1,NULL,NULL | 2,NULL,NULL | 3,m,NULL");
    EXPECT_STR(er_rows(&er, "SELECT reason FROM `s$errors` WHERE `offset` = 3"), "schema 4: field 'a': Avro's string is no BIGINT");
    EXPECT_STR(er_rows(&er, "SELECT * FROM d ORDER BY a"), "1,none,NULL | 2,none,1.5 | 3,m,NULL");
    er_sql(&er, "INSERT INTO d VALUES (7, NULL, 2.5)"); /* by the given schema */
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM s WHERE a = 7"), "7,NULL,2.5");
    er_end(&er);
}

static uint32_t register_typed(struct er *er, const char *subject, enum schema_type type, const char *text)
{
    struct schema_version version;
    uint64_t lsn;
    struct schema_register what = {.subject = bytes_str(subject),
                                   .schema = {.type = type, .text = bytes_str(text)}};

    if (schema_register(er->log, &what, &version, &lsn, &er->diag) != SCHEMA_OK)
        test_fail(__FILE__, __LINE__, "%s", er->diag.message);
    return version.id;
}

static void type_registered(struct er *er, enum schema_type type, const char *text, uint32_t *id)
{
    struct schema_version version;
    uint64_t lsn;
    struct schema_register what = {.subject = BYTES_LITERAL("other"), .schema = {.type = type, .text = bytes_str(text)}};

    EXPECT_INT(schema_register(er->log, &what, &version, &lsn, &er->diag), SCHEMA_OK);
    *id = version.id;
}

TEST(confluent_says_what_it_cannot_read)
{
    struct er er;
    char text[400];
    uint32_t id;

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    snprintf(text, sizeof(text), "CREATE TABLE s (a INT) WITH (" FORMAT ")", "s");
    er_sql(&er, text);
    put(&er, 99, "02");
    put_hex(&er, "01000000");
    put_hex(&er, "0000000001");
    put_hex(&er, "");
    type_registered(&er, SCHEMA_JSON, "{}", &id);
    put(&er, id, "02");
    EXPECT_INT(register_avro(&er, "int", "\"int\""), 2);
    put(&er, 2, "02");
    EXPECT_INT(register_avro(&er, "s-value", RECORD(A_INT)), 3);
    put(&er, 3, "0202");
    put(&er, 3, "06");
    EXPECT_STR(er_rows(&er, "SELECT a FROM s"), "3");
    EXPECT_STR(er_rows(&er, "SELECT DISTINCT reason FROM `s$errors` ORDER BY reason"),
               "schema 1: it is of type JSON Schema, and the table reads Avro | "
               "schema 2: the Avro schema is int, and a row needs a record | "
               "schema 3: there are bytes behind the record: it was written with another schema | "
               "schema 99 is not in the registry | "
               "the record does not begin with a zero byte and a schema's number");
    er_end(&er);
}

/* Numbers that were not known are told so again when the tick is run again, though they are known by then. */
TEST(confluent_replay_knows_no_more_than_the_tick_did)
{
    for (int how = 0; how < 2; how++) {
        struct os *os = os_sim_create(7, NULL);
        struct er er;
        struct job_info info;
        char text[600];

        er_open(&er, os, "data", (struct engine_options){.shards = 2});
        snprintf(text, sizeof(text), "CREATE TABLE s (a INT) WITH (" FORMAT ");"
                 "CREATE TABLE out (a INT) WITH ('connector' = 'kafka', 'topic' = 'out', 'format' = 'json');", "s");
        er_sql(&er, text);
            er_sql(&er, "CREATE MATERIALIZED TABLE v AS SELECT COUNT(*) AS n, SUM(a) AS s FROM s;");
        EXPECT_INT(register_avro(&er, "s-value", RECORD(A_INT)), 1);
        put(&er, 1, "02");
        put(&er, 2, "0406");
        put(&er, 2, "0406");
        level_none(&er, "s-value");
        EXPECT_INT(register_avro(&er, "s-value", RECORD("{\"name\":\"x\",\"type\":\"int\"}," A_INT)), 2);
        put(&er, 2, "0406");
        EXPECT_STR(er_rows(&er, "SELECT * FROM v"), "2,4");
        if (how)
            er_crash(&er);
        else
            er_kill(&er);
        er_open(&er, os, "data", (struct engine_options){.shards = 3});
        er_settle(&er);
        job_info(engine_job_find(er.engine, BYTES_LITERAL("v")), &info);
        EXPECT_STR(info.error, "");
        EXPECT_INT(info.state, JOB_RUNNING);
        EXPECT(info.replayed > 0);
        EXPECT_STR(er_rows(&er, "SELECT * FROM v"), "2,4");
        EXPECT_STR(er_rows(&er, "SELECT COUNT(*) FROM `s$errors`"), "2");
        er_end(&er);
    }
}

/* What a schema refers to is read, though the subject has forgotten it. */
TEST(confluent_reads_what_refers_to_forgotten_schemas)
{
    struct er er;
    char text[400];
    struct schema_version of, version;
    uint64_t lsn;
    struct schema_reference r = {BYTES_LITERAL("p"), BYTES_LITERAL("point"), 1, 0};
    struct schema_register what = {.subject = BYTES_LITERAL("s-value")};

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    of.id = register_avro(&er, "point", "{\"type\":\"record\",\"name\":\"p\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]}");
    what.schema = (struct schema_text){.text = BYTES_LITERAL(RECORD("{\"name\":\"at\",\"type\":\"p\"}")), .references = &r,
                                       .references_count = 1};
    EXPECT_INT(schema_register(er.log, &what, &version, &lsn, &er.diag), SCHEMA_OK);
    of.subject = BYTES_LITERAL("point");
    of.version = 1;
    of.deleted = false;
    EXPECT_INT(schema_version_delete(er.log, &of, false, &lsn, &er.diag), SCHEMA_OK);
    of.deleted = true;
    EXPECT_INT(schema_version_delete(er.log, &of, true, &lsn, &er.diag), SCHEMA_OK);
    snprintf(text, sizeof(text), "CREATE TABLE s (`at` ROW<x BIGINT>) WITH (" FORMAT ")", "s");
    er_sql(&er, text);
    put(&er, version.id, "0e");
    EXPECT_STR(er_rows(&er, "SELECT s.`at`.x FROM s"), "7");
    er_end(&er);
}

static void refused(struct er *er, const char *columns, const char *options, const char *insert, const char *why)
{
    char sql[900];

    snprintf(sql, sizeof(sql), "CREATE TABLE bad (%s) WITH (" FORMAT "%s);", columns, "bad", options);
    enum status st = er_try(er, sql);
    if (st == ST_OK)
        st = er_try(er, insert);
    EXPECT(st != ST_OK);
    EXPECT_STR(er->diag.message, why);
    er_sql(er, "DROP TABLE IF EXISTS bad");
}

TEST(confluent_tables_that_cannot_be)
{
    static const char insert[] = "INSERT INTO bad VALUES (1)";
    struct er er;
    struct schema_version v;

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){.registry_address = "127.0.0.1:8088"});
    refused(&er, "a INT", ", 'avro-confluent.url' = 'http://registry:8081'", insert,
            "another schema registry is not built yet: 'avro-confluent.url' = 'http://registry:8081' is not this server's");
    refused(&er, "a INT", ", 'avro-confluent.ur' = 'x'", insert, "format 'avro-confluent' has no option 'avro-confluent.ur'");
    refused(&er, "a INT", ", 'avro-confluent.schema' = '\"int\"'", insert,
            "'avro-confluent.schema' is not the table's: the Avro schema has int, and the row is a record");
    refused(&er, "a INT", ", 'avro-confluent.schema' = '" RECORD(A_INT) "'", insert,
            "'avro-confluent.schema' is not the table's: field 'a': the Avro schema has int, and the column is INT");
    refused(&er, "b INT", ", 'avro-confluent.schema' = '" RECORD(A_INT) "'", insert,
            "'avro-confluent.schema' is not the table's: field 1 of the Avro schema is 'a', and the column 'b'");
    refused(&er, "a MAP<INT, INT>", "", "INSERT INTO bad VALUES (MAP[1, 1])",
            "Avro has no form for the type MAP<INT, INT> of column 'a'");
    register_avro(&er, "bad-value", RECORD("{\"name\":\"a\",\"type\":\"string\"}"));
    EXPECT_INT(er_try(&er, "CREATE TABLE b2 (a INT) WITH ('connector' = 'kafka', 'topic' = 'bad', 'format' = 'avro-confluent');"
                           "INSERT INTO b2 VALUES (1)"), ST_INVALID);
    EXPECT(strstr(er.diag.message, "Schema being registered is incompatible"));
    EXPECT(strstr(er.diag.hint, "the subject is 'bad-value'"));
    er_sql(&er, "CREATE TABLE ok (a INT) WITH ('connector' = 'kafka', 'topic' = 'bad', 'format' = 'avro-confluent', "
                "'avro-confluent.url' = 'http://localhost:8088/', 'avro-confluent.subject' = 'mine', "
                "'avro-confluent.basic-auth.user-info' = 'a:b'); INSERT INTO ok VALUES (1)");
    EXPECT_INT(schema_version_find(er.log, BYTES_LITERAL("mine"), SCHEMA_LATEST, false, &v, &er.diag), SCHEMA_OK);
    er_end(&er);
}

/* ---- protobuf-confluent ---- */

#define PROTOBUF "'connector' = 'kafka', 'topic' = '%s', 'format' = 'protobuf-confluent'"

TEST(protobuf_confluent_writes_register_a_schema_once)
{
    struct os *os = os_sim_create(1, NULL);
    struct er er;
    char text[500];
    struct arena arena;
    struct schema_text schema;

    er_open(&er, os, "data", (struct engine_options){.shards = 2});
    snprintf(
        text, sizeof(text),
        "CREATE TABLE s (a INT, b STRING NOT NULL, r ROW<x DOUBLE>, l ARRAY<BIGINT>, "
        "m MAP<STRING, ROW<y BOOLEAN>>) WITH (" PROTOBUF ");"
        "INSERT INTO s VALUES (1, 'one', ROW(0.5), ARRAY[3, 4], MAP['k', ROW(TRUE)]), (NULL, '', NULL, NULL, NULL)",
        "s");
    er_sql(&er, text);
    er_settle(&er);
    EXPECT(strstr(hex_of_topic(&er, "s"), "000000000100"
                                          "0801"
                                          "12036f6e65")); /* the first message: 1, "one" */
    EXPECT_STR(er_rows(&er, "SELECT a, b, s.r.x, l, m['k'].y FROM s ORDER BY b"),
               "NULL,,NULL,NULL,NULL | 1,one,0.5,[3, 4],TRUE");
    arena_init(&arena, ARENA_BUDGET_NONE);
    EXPECT(schema_of_id(er.log, 1, &arena, &schema, NULL));
    EXPECT_BYTES(schema.text,
                 BYTES_LITERAL(
                     "syntax = \"proto3\";\n\nmessage Record {\n  optional int32 a = 1;\n  string b = 2;\n"
                     "  message Row_r {\n    optional double x = 1;\n  }\n  Row_r r = 3;\n  repeated int64 l = 4;\n"
                     "  message Row_m {\n    optional bool y = 1;\n  }\n  map<string, Row_m> m = 5;\n}\n"));
    arena_deinit(&arena);
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){.shards = 3});
    er_sql(&er, "INSERT INTO s VALUES (2, 'two', NULL, NULL, NULL)");
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT a, b FROM s ORDER BY b"), "NULL, | 1,one | 2,two");
    EXPECT_INT(schema_id_max(er.log), 1);
    er_end(&er);
}

/* Older and newer messages, of any place in their schema, are the table's columns. */
TEST(protobuf_confluent_reads_by_the_writers_schema)
{
    struct er er;
    char text[400];

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    snprintf(text, sizeof(text), "CREATE TABLE s (a BIGINT, b STRING, c DOUBLE) WITH (" PROTOBUF ");", "s");
    er_sql(&er, text);
    level_none(&er, "s-value");
    put(&er, register_typed(&er, "s-value", SCHEMA_PROTOBUF, "syntax='proto3';message A{int32 a=1;}"),
        "00"
        "0801");
    put(&er,
        register_typed(&er, "s-value", SCHEMA_PROTOBUF,
                       "syntax='proto3';message A{uint32 a=1;float c=2;string x=3;}"),
        "00"
        "08ffffffff0f"
        "150000c03f"
        "1a0141");
    put(&er,
        register_typed(&er, "s-value", SCHEMA_PROTOBUF,
                       "syntax='proto3';message A{map<string,int32> m=1;message N{}message B{message C{int64 "
                       "a=5;string b=1;}}}"),
        "06"
        "00"
        "02"
        "00"
        "2803"
        "0a0162");
    put(&er, 3,
        "020a"
        "2803");
    put(&er, 3, "41");
    put(&er, 3, "0201");
    put(&er, register_typed(&er, "s-value", SCHEMA_PROTOBUF, "syntax='proto3';message A{string a=1;}"),
        "00"
        "0a0141");
    put(&er, 1,
        "00"
        "08");
    put(&er, 1, "");
    EXPECT_STR(er_rows(&er, "SELECT * FROM s ORDER BY a"), "1,NULL,NULL | 3,b,NULL | 4294967295,NULL,1.5");
    EXPECT_STR(er_rows(&er, "SELECT reason FROM `s$errors` ORDER BY `offset`"),
               "schema 3: the schema has no message where the record says, the first number is 5 | "
               "behind the schema's number the record does not say which message it is | "
               "behind the schema's number the record does not say which message it is | "
               "schema 4: field 'a': Protobuf's string is no BIGINT | "
               "schema 1: the record is no Protobuf message, or is cut off | "
               "behind the schema's number the record does not say which message it is");
    er_end(&er);
}

TEST(protobuf_confluent_by_a_given_schema)
{
    struct er er;

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    er_sql(&er, "CREATE TABLE s (n INT, s STRING) WITH ('connector' = 'kafka', 'topic' = 's', 'format' = "
                "'protobuf-confluent', "
                "'protobuf-confluent.schema' = 'syntax=\"proto2\"; package p; message A {} message B { optional "
                "string s = 9; "
                "message In { optional sint32 n = 2; optional string s = 1; } }', "
                "'protobuf-confluent.message-class-name' = 'p.B.In', 'protobuf-confluent.subject' = 'mine');"
                "INSERT INTO s VALUES (-1, 'x')");
    er_settle(&er);
    EXPECT_STR(hex_of_topic(&er, "s"), "0000000001"
                                       "040200"
                                       "0a0178"
                                       "1001"
                                       "00");
    EXPECT_STR(er_rows(&er, "SELECT * FROM s"), "-1,x");
    er_end(&er);
}

static void refused_as(struct er *er, const char *format, const char *columns, const char *options, const char *why)
{
    char sql[900];

    snprintf(sql, sizeof(sql),
             "CREATE TABLE bad (%s) WITH ('connector' = 'kafka', 'topic' = 'bad', 'format' = '%s'%s);"
             "INSERT INTO bad SELECT * FROM bad;",
             columns, format, options);
    EXPECT(er_try(er, sql) != ST_OK);
    EXPECT_STR(er->diag.message, why);
    er_sql(er, "DROP TABLE IF EXISTS bad");
}

TEST(protobuf_confluent_tables_that_cannot_be)
{
    struct er er;

    er_open(&er, os_sim_create(1, NULL), NULL, (struct engine_options){0});
    refused_as(&er, "protobuf-confluent", "a DECIMAL(5, 2)", "",
               "Protobuf has no form for the type DECIMAL(5, 2) of column 'a'");
    refused_as(&er, "protobuf-confluent", "a ARRAY<ARRAY<INT>>", "",
               "Protobuf has no form for the type ARRAY<INT> of column 'a'");
    refused_as(&er, "protobuf-confluent", "`a b` INT", "",
               "Protobuf has no field called 'a b': names have letters, digits and '_'");
    refused_as(&er, "protobuf-confluent", "a INT", ", 'protobuf-confluent.message-class-name' = 'x'",
               "'protobuf-confluent.message-class-name' names a message of 'protobuf-confluent.schema', which is "
               "not given");
    refused_as(&er, "protobuf-confluent", "a INT",
               ", 'protobuf-confluent.schema' = 'message A{optional string a=1;}'",
               "field 'a': Protobuf's string is no INT");
    refused_as(&er, "protobuf-confluent", "a INT",
               ", 'protobuf-confluent.schema' = 'message A{optional int32 b=1;}'",
               "the message 'A' has no field 'a'");
    refused_as(&er, "json-schema", "a INT", ", 'json-schema.schema' = '{\"properties\":{\"b\":{}}}'",
               "'json-schema.schema' has no property 'a', which is a column");
    refused_as(&er, "json-schema", "a INT", ", 'json-schema.schema' = '{'",
               "'json-schema.schema' is no object in JSON");
    refused_as(&er, "json-schema", "a MAP<INT, INT>", "", "the keys of a MAP in JSON are text, not INT");
    er_end(&er);
}

/* ---- json-schema ---- */

TEST(json_schema_writes_and_reads)
{
    struct os *os = os_sim_create(1, NULL);
    struct er er;
    struct arena arena;
    struct schema_text schema;

    er_open(&er, os, "data", (struct engine_options){.shards = 2});
    er_sql(&er, "CREATE TABLE s (a INT, b STRING NOT NULL, l ARRAY<DOUBLE NOT NULL>, t TIMESTAMP(3)) WITH "
                "('connector' = 'kafka', "
                "'topic' = 's', 'format' = 'json-schema', 'json-schema.encode.ignore-null-fields' = 'true');"
                "INSERT INTO s VALUES (1, 'one', ARRAY[CAST(0.5 AS DOUBLE)], TIMESTAMP '2020-01-01 00:00:00.5'), "
                "(NULL, 'two', NULL, NULL)");
    er_settle(&er);
    EXPECT(strstr(hex_of_topic(&er, "s"), "0000000001"
                                          "7b2262223a2274776f227d")); /* {"b":"two"} */
    EXPECT_STR(er_rows(&er, "SELECT * FROM s ORDER BY b"),
               "1,one,[0.5],2020-01-01 00:00:00.500 | NULL,two,NULL,NULL");
    arena_init(&arena, ARENA_BUDGET_NONE);
    EXPECT(schema_of_id(er.log, 1, &arena, &schema, NULL));
    EXPECT_INT(schema.type, SCHEMA_JSON);
    EXPECT_BYTES(schema.text,
                 BYTES_LITERAL(
                     "{\"$schema\":\"http://json-schema.org/draft-07/"
                     "schema#\",\"title\":\"Record\",\"type\":\"object\",\"properties\":{"
                     "\"a\":{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"integer\"}]},\"b\":{\"type\":\"string\"},"
                     "\"l\":{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"array\",\"items\":{\"type\":\"number\"}}]},"
                     "\"t\":{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"string\"}]}},\"required\":[\"b\"],"
                     "\"additionalProperties\":false}"));
    arena_deinit(&arena);
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){.shards = 1});
    put(&er, 1, "7b2262223a317d");     /* {"b":1}: a number is a text, as in json */
    put(&er, 1, "7b2261223a2278227d"); /* {"a":"x"} */
    put(&er, 1, "7b");
    put(&er, 5, "7b7d");
    put(&er, register_avro(&er, "other", "\"int\""), "7b7d");
    EXPECT_STR(er_rows(&er, "SELECT a, b FROM s ORDER BY b"), "NULL,1 | 1,one | NULL,two");
    EXPECT_STR(er_rows(&er, "SELECT reason FROM `s$errors` ORDER BY `offset`"),
               "schema 1: field 'a': a string that is no INT | schema 1: the record is not a JSON object | "
               "schema 5 is not in the registry | schema 2: it is of type Avro, and the table reads JSON Schema");
    er_end(&er);
}
