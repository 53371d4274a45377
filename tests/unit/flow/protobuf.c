/* Tables whose records are Protobuf's, by a file of descriptors: kept with the table, whatever becomes of the file. */
#include <stdio.h>

#include "flow/job.h"
#include "lib/engines.h"

/* message A { int32 i = 1; string s = 2; repeated int32 l = 3; } of proto3; and with s = 4 */
static const uint8_t descriptors[] = {
    0x0a, 0x3a, 0x0a, 0x01, 0x66, 0x22, 0x2d, 0x0a, 0x01, 0x41, 0x12, 0x0c, 0x0a, 0x01, 0x69, 0x18, 0x01, 0x20,
    0x01, 0x28, 0x05, 0x52, 0x01, 0x69, 0x12, 0x0c, 0x0a, 0x01, 0x73, 0x18, 0x02, 0x20, 0x01, 0x28, 0x09, 0x52,
    0x01, 0x73, 0x12, 0x0c, 0x0a, 0x01, 0x6c, 0x18, 0x03, 0x20, 0x03, 0x28, 0x05, 0x52, 0x01, 0x6c, 0x62, 0x06,
    0x70, 0x72, 0x6f, 0x74, 0x6f, 0x33};

enum { S_NUMBER_AT = 30 };

static void file_write(struct os *os, const uint8_t *bytes, size_t len)
{
    struct os_file *f;

    EXPECT_OK(os_file_open(os, "a.pb", OS_WRITE | OS_CREATE, &f));
    EXPECT_OK(os_file_write(f, 0, bytes, len));
    os_file_close(f);
}

#define TABLE "CREATE TABLE s (s STRING, i INT, l ARRAY<INT>) WITH ('connector' = 'kafka', 'topic' = 's', 'format' = 'protobuf', "

TEST(protobuf_tables_keep_their_descriptors)
{
    struct os *os = os_sim_create(5, NULL);
    uint8_t other[sizeof(descriptors)];
    struct job_info info;
    struct er er;

    memcpy(other, descriptors, sizeof(other));
    other[S_NUMBER_AT] = 4;
    file_write(os, descriptors, sizeof(descriptors));
    er_open(&er, os, "data", (struct engine_options){.shards = 2});
    er_sql(&er, TABLE "'protobuf.descriptor-file' = 'a.pb', 'protobuf.message-class-name' = 'A');"
                "CREATE MATERIALIZED TABLE v AS SELECT s, SUM(i) AS n, MAX(l[1]) AS m FROM s GROUP BY s;"
                "INSERT INTO s VALUES ('x', 1, ARRAY[7, 8]), ('y', NULL, NULL), ('x', 5, ARRAY[9])");
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT * FROM v ORDER BY s"), "x,6,9 | y,0,NULL");
    er_produce(&er, "s", "\x12");
    er_settle(&er);
    EXPECT_STR(er_rows(&er, "SELECT DISTINCT reason FROM `s$errors`"), "the record is no Protobuf message, or is cut off");
    file_write(os, other, sizeof(other));
    er_kill(&er);
    er_open(&er, os, "data", (struct engine_options){.shards = 3});
    er_settle(&er);
    job_info(engine_job_find(er.engine, BYTES_LITERAL("v")), &info);
    EXPECT_STR(info.error, "");
    EXPECT_STR(er_rows(&er, "SELECT * FROM v ORDER BY s"), "x,6,9 | y,0,NULL");
    EXPECT_INT(er_try(&er, "DROP TABLE s"), ST_INVALID); /* a job reads it */
    er_sql(&er, "DROP MATERIALIZED TABLE v; DROP TABLE s;" TABLE
                "'protobuf.descriptor-file' = 'a.pb', 'protobuf.message-class-name' = 'A')");
    EXPECT_STR(er_rows(&er, "SELECT s, i FROM s ORDER BY i"), ",0 | ,1 | ,5");
    er_end(&er);
}

static void refused(struct er *er, const char *options, const char *why)
{
    char sql[400];

    snprintf(sql, sizeof(sql), TABLE "%s)", options);
    enum status st = er_try(er, sql);
    if (st == ST_OK)
        st = er_try(er, "SELECT s FROM s");
    EXPECT(st != ST_OK);
    EXPECT_STR(er->diag.message, why);
    er_sql(er, "DROP TABLE IF EXISTS s");
}

TEST(protobuf_tables_that_cannot_be)
{
    struct er er;

    er_open(&er, os_sim_create(5, NULL), NULL, (struct engine_options){0});
    file_write(er.os, descriptors, sizeof(descriptors));
    refused(&er, "'protobuf.message-class-name' = 'A'", "the format 'protobuf' needs the option 'protobuf.descriptor-file'");
    refused(&er, "'protobuf.descriptor-file' = 'a.pb'", "the format 'protobuf' needs the option 'protobuf.message-class-name'");
    refused(&er, "'protobuf.descriptor-file' = 'b.pb', 'protobuf.message-class-name' = 'A'",
            "the file 'b.pb' is not there, or cannot be read");
    refused(&er, "'protobuf.descriptor-file' = 'a.pb', 'protobuf.message-class-name' = 'com.B'",
            "the descriptors in 'a.pb' have no message 'com.B'");
    refused(&er, "'protobuf.descriptor-file' = 'a.pb', 'protobuf.message-class-name' = 'A', 'protobuf.x' = 'y'",
            "format 'protobuf' has no option 'protobuf.x'");
    file_write(er.os, (const uint8_t *)"\x0a\x7f", 2);
    er_end(&er);
}
