/* Avro: the schema of a row, rows to bytes and back, what another writer's schema becomes, what is refused. */
#include "data/avro/plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "data/format/format.h"
#include "data/text.h"
#include "lib/data_case.h"
#include "lib/test.h"

static const struct type *row_of(struct arena *arena, const char *columns)
{
    struct bytes text = bytes_str(arena_printf(arena, "ROW<%s>", columns));
    return case_type(arena, &text);
}

/* Columns: the schema that is derived, or why there is none. */
static void schema_case_at(int line, const char *columns, enum avro_times times, const char *want)
{
    struct arena arena;
    struct buf out;
    struct diag diag = {0};

    arena_init(&arena, 0);
    buf_init(&out, 0);
    const struct type *row = row_of(&arena, columns);
    const char *got = diag.message;
    if (avro_of_row(row->fields, row->fields_count, times, &out, &diag) == ST_OK) {
        struct bytes fields = bytes_skip(buf_view(&out), bytes_find(buf_view(&out), '[', 0));
        got = arena_str(&arena, bytes_head(fields, fields.len - 1));
    }
    if (strcmp(got, want))
        test_fail(__FILE__, line, "got\n    %s, expected\n    %s", got, want);
    buf_deinit(&out);
    arena_deinit(&arena);
}
#define SCHEMA(...) schema_case_at(__LINE__, __VA_ARGS__)

TEST(avro_schema_of_a_row)
{
    SCHEMA("a INT NOT NULL, b STRING", AVRO_TIMES_LEGACY,
           "[{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"b\",\"type\":[\"null\",\"string\"],\"default\":null}]");
    SCHEMA("d DECIMAL(10, 2) NOT NULL, t TIMESTAMP(3) NOT NULL, x DATE NOT NULL, y TIME(3) NOT NULL", AVRO_TIMES_LEGACY,
           "[{\"name\":\"d\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":10,\"scale\":2}},"
           "{\"name\":\"t\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},"
           "{\"name\":\"x\",\"type\":{\"type\":\"int\",\"logicalType\":\"date\"}},"
           "{\"name\":\"y\",\"type\":{\"type\":\"int\",\"logicalType\":\"time-millis\"}}]");
    SCHEMA("t TIMESTAMP(6) NOT NULL, u TIMESTAMP_LTZ(3) NOT NULL", AVRO_TIMES_RIGHT,
           "[{\"name\":\"t\",\"type\":{\"type\":\"long\",\"logicalType\":\"local-timestamp-micros\"}},"
           "{\"name\":\"u\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}]");
    SCHEMA("t TIMESTAMP(6)", AVRO_TIMES_LEGACY, "Avro has no form for the type TIMESTAMP(6) of column 't'");
    SCHEMA("t TIMESTAMP_LTZ(3)", AVRO_TIMES_LEGACY,
           "Avro has no form for the type TIMESTAMP_LTZ(3) of column 't'");
    SCHEMA("m MAP<INT, INT>", AVRO_TIMES_LEGACY, "Avro has no form for the type MAP<INT, INT> of column 'm'");
    SCHEMA("r ROW<q ROW<x INT NOT NULL> NOT NULL, l ARRAY<INT NOT NULL> NOT NULL, m MAP<STRING NOT NULL, INT> NOT NULL> NOT NULL",
           AVRO_TIMES_LEGACY,
           "[{\"name\":\"r\",\"type\":{\"type\":\"record\",\"name\":\"record_r\",\"fields\":[{\"name\":\"q\",\"type\":"
           "{\"type\":\"record\",\"name\":\"record_r_q\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]}},"
           "{\"name\":\"l\",\"type\":{\"type\":\"array\",\"items\":\"int\"}},"
           "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":[\"null\",\"int\"]}}]}}]");
}

/* A schema's text: nothing, or why it is wrong. */
static void parse_case_at(int line, const char *json, const char *want)
{
    struct arena arena;
    struct avro_names names;
    const struct avro_schema *schema;
    struct diag diag = {0};

    arena_init(&arena, 0);
    avro_names_init(&names, &arena);
    enum status st = avro_parse(&names, bytes_str(json), &schema, &diag);
    EXPECT((st == ST_OK) == !*want);
    if (strcmp(diag.message, want))
        test_fail(__FILE__, line, "got\n    %s, expected\n    %s", diag.message, want);
    arena_deinit(&arena);
}
#define PARSE(...) parse_case_at(__LINE__, __VA_ARGS__)

TEST(avro_schemas_that_are_wrong)
{
    PARSE("\"int\"", "");
    PARSE("{\"type\":\"record\",\"name\":\"list\",\"fields\":[{\"name\":\"next\",\"type\":[\"null\",\"list\"]}]}", "");
    PARSE("{\"type\":\"record\",\"name\":\"a.b\",\"fields\":[{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":"
          "\"g\",\"size\":4}},{\"name\":\"h\",\"type\":\"a.g\"}]}", "");
    PARSE("", "the Avro schema is not JSON: there is no value at 0");
    PARSE("{\"type\":\"record\",", "the Avro schema is not JSON: an object's member must begin with its name in quotes at 17");
    PARSE("5", "a type in an Avro schema is a text, a list or an object, not 5");
    PARSE("\"nothing\"", "the Avro schema names a type 'nothing' that it does not define");
    PARSE("{\"type\":\"record\",\"name\":\"a\"}", "the record 'a' in an Avro schema has no list of fields");
    PARSE("{\"type\":\"record\",\"fields\":[]}",
          "a named type in an Avro schema has no name, or none that is valid: {\"type\":\"record\",\"fields\":[]}");
    PARSE("{\"type\":\"record\",\"name\":\"a\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"},{\"name\":\"x\",\"type\":\"int\"}]}",
          "a record in an Avro schema has two fields 'x'");
    PARSE("[\"int\",[\"null\"]]", "a union in an Avro schema holds another union: [\"int\",[\"null\"]]");
    PARSE("[\"int\",\"int\"]", "a union in an Avro schema holds a type twice: [\"int\",\"int\"]");
    PARSE("{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"A\"]}", "an enum in an Avro schema has the symbol 'A' twice");
    PARSE("{\"type\":\"fixed\",\"name\":\"f\"}", "the fixed 'f' in an Avro schema has no size that is a number");
    PARSE("{\"type\":\"array\"}", "an array in an Avro schema has no 'items': {\"type\":\"array\"}");
}

static const struct avro_schema *schema_of(struct arena *arena, const char *json)
{
    struct avro_names names;
    const struct avro_schema *schema = NULL;
    struct diag diag = {0};

    avro_names_init(&names, arena);
    if (avro_parse(&names, bytes_str(json), &schema, &diag) != ST_OK)
        test_fail(__FILE__, __LINE__, "%s", diag.message);
    return schema;
}

/* A record of a schema (fields alone are given), as hexadecimal, read into columns: the row, or why not. */
static void read_case_at(int line, const char *fields, const char *columns, const char *hex, const char *want)
{
    struct arena arena;
    struct chunk_builder b;
    const struct avro_plan *plan;
    struct diag diag = {0};
    struct buf out;

    arena_init(&arena, 0);
    const struct avro_schema *schema =
        schema_of(&arena, arena_printf(&arena, "{\"type\":\"record\",\"name\":\"r\",\"fields\":[%s]}", fields));
    const struct type *row = row_of(&arena, columns);
    EXPECT_OK(avro_plan_read(&arena, schema, NULL, row, NULL, &plan, &diag));
    size_t len = strlen(hex) / 2;
    uint8_t *record = malloc(len ? len : 1); /* one byte read past it is seen */
    for (size_t i = 0; i < len; i++)
        sscanf(hex + 2 * i, "%2hhx", &record[i]);
    struct schema s = {row->fields_count, row->fields};
    chunk_builder_init_schema(&b, &arena, &s, 2);
    buf_init(&out, 0);
    const char *got = diag.message;
    if (avro_read(plan, bytes_of(record, len), b.cols, &diag)) {
        chunk_builder_row(&b, ROW_INSERT);
        struct chunk chunk = chunk_builder_done(&b);
        for (uint16_t c = 0; c < s.count; c++) {
            buf_str(&out, c ? " | " : "");
            value_text(&out, s.fields[c].type, &chunk.cols[c], 0, NULL);
        }
        got = arena_str(&arena, buf_view(&out));
    }
    if (strcmp(got, want))
        test_fail(__FILE__, line, "got\n    \"%s\", expected\n    \"%s\"", got, want);
    buf_deinit(&out);
    free(record);
    arena_deinit(&arena);
}
#define READ(...) read_case_at(__LINE__, __VA_ARGS__)
#define F(name, type) "{\"name\":\"" name "\",\"type\":" type "}"

TEST(avro_reads_by_the_writers_schema)
{
    READ(F("a", "\"int\"") "," F("b", "\"string\""), "b STRING, a INT", "020461c3", "field 'b': the text is not UTF-8");
    READ(F("a", "\"int\"") "," F("b", "\"string\""), "b STRING, a INT", "02026d", "m | 1");
    READ(F("a", "\"int\"") "," F("b", "\"string\""), "a DOUBLE, c INT", "0204616d", "1.0 | NULL");
    READ(F("a", "\"int\""), "a INT, c INT NOT NULL", "02",
         "field 'c': the record's schema does not have it, and the column is NOT NULL");
    READ(F("a", "\"long\""), "a INT", "02", "field 'a': Avro's long is no INT");
    READ(F("a", "[\"null\",\"int\",\"string\"]"), "a INT", "00", "NULL");
    READ(F("a", "[\"null\",\"int\",\"string\"]"), "a INT", "0254", "42");
    READ(F("a", "[\"null\",\"int\",\"string\"]"), "a INT", "04026d", "field 'a': Avro's string is no INT");
    READ(F("a", "[\"null\",\"int\"]"), "a INT NOT NULL", "00", "field 'a': Avro's null is no INT NOT NULL");
    READ(F("a", "[\"null\",\"int\"]"), "a INT", "06", "field 'a': a union's branch is none that its schema has");
    READ(F("a", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"X\",\"Y\"]}"), "a STRING", "02", "Y");
    READ(F("a", "{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"X\",\"Y\"]}"), "a STRING", "04",
         "field 'a': an enum's value is none that its schema has");
    READ(F("a", "\"bytes\""), "a STRING", "026d", "m");
    READ(F("a", "\"float\""), "a DOUBLE", "0000c03f", "1.5");
    READ(F("a", "\"boolean\""), "a BOOLEAN", "02", "field 'a': a boolean is neither 0 nor 1");
    READ(F("a", "\"int\""), "a INT", "0202", "there are bytes behind the record: it was written with another schema");
    READ(F("a", "\"string\""), "a STRING", "0861", "field 'a': the record ends in the middle of a value");
    READ(F("a", "\"string\""), "a STRING", "01", "field 'a': the record ends in the middle of a value");
    READ(F("a", "\"int\""), "a TINYINT", "8002", "field 'a': the number is out of the range of the column's type");
}

TEST(avro_reads_times_and_decimals)
{
    READ(F("t", "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}"), "t TIMESTAMP(6)", "80897a",
         "1970-01-01 00:00:01.000000");
    READ(F("t", "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}"), "t TIMESTAMP(6)", "d00f",
         "1970-01-01 00:00:01.000000");
    READ(F("t", "\"long\""), "t TIMESTAMP_LTZ(3)", "d00f", "1970-01-01 00:00:01.000");
    READ(F("t", "\"long\""), "t TIMESTAMP(3)", "ffffffffffffffffff01",
         "field 't': the time is out of the range of the column's type");
    READ(F("t", "{\"type\":\"int\",\"logicalType\":\"time-millis\"}"), "t TIMESTAMP(3)", "02", "field 't': Avro's int is no TIMESTAMP(3)");
    READ(F("t", "{\"type\":\"int\",\"logicalType\":\"time-millis\"}"), "t TIME(3)", "01", "field 't': the time is not one of a day");
    READ(F("d", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":5,\"scale\":2}"), "d DECIMAL(10, 3)", "02ff",
         "-0.010");
    READ(F("d", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":5,\"scale\":2}"), "d DECIMAL(10, 3)",
         "0600ffff", "655.350");
    READ(F("d", "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":40,\"scale\":0}"), "d DECIMAL(4, 2)", "0264",
         "field 'd': the decimal has more digits than the column's type");
    READ(F("d", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":3,\"logicalType\":\"decimal\",\"precision\":5,\"scale\":2}"),
         "d DECIMAL(10, 2)", "000064", "1.00");
    READ(F("d", "\"bytes\""), "d DECIMAL(10, 2)", "0264", "field 'd': Avro's bytes is no DECIMAL(10, 2)");
}

TEST(avro_reads_lists_and_records)
{
    READ(F("l", "{\"type\":\"array\",\"items\":\"int\"}"), "l ARRAY<INT>", "0402040100", "field 'l': the record ends in the middle of a value");
    READ(F("l", "{\"type\":\"array\",\"items\":\"int\"}"), "l ARRAY<INT>", "040204020600", "[1, 2, 3]");
    READ(F("l", "{\"type\":\"array\",\"items\":\"int\"}"), "l ARRAY<INT>", "030402040200", "field 'l': the record ends in the middle of a value");
    READ(F("l", "{\"type\":\"array\",\"items\":\"int\"}"), "l ARRAY<INT>", "0304020400", "[1, 2]");
    READ(F("l", "{\"type\":\"array\",\"items\":\"int\"}") "," F("x", "\"int\""), "x INT", "03040204000e", "7");
    READ(F("l", "{\"type\":\"array\",\"items\":\"null\"}"), "x INT", "ffffffffffffffffff01",
         "field 'l': a list has too many elements");
    READ(F("l", "{\"type\":\"array\",\"items\":\"null\"}"), "x INT", "feffffffffffffffff01",
         "field 'l': a list has more elements than the record has bytes");
    READ(F("m", "{\"type\":\"map\",\"values\":\"int\"}"), "m MAP<STRING, INT>", "02026d0200", "{m=1}");
    READ(F("r", "{\"type\":\"record\",\"name\":\"q\",\"fields\":[" F("x", "\"int\"") "," F("y", "\"int\"") "]}"),
         "r ROW<y INT, z INT>", "0204", "(2, NULL)");
    READ(F("r", "{\"type\":\"record\",\"name\":\"q\",\"fields\":[" F("x", "\"int\"") "," F("y", "\"string\"") "]}"),
         "r ROW<y INT>", "0204", "field 'r': field 'y': Avro's string is no INT");
    /* a type inside itself, passed over: as deep as is read, and no deeper */
    READ(F("r", "{\"type\":\"record\",\"name\":\"q\",\"fields\":[" F("next", "[\"null\",\"q\"]") "]}") "," F("x", "\"int\""),
         "x INT", "0202000e", "7");
}

/* Columns and a row as JSON: written with the derived schema it is these bytes, and it is read again. */
static void write_case_at(int line, const char *columns, const char *options, const char *json, const char *hex)
{
    struct arena arena;
    struct format_option option = {BYTES_LITERAL("avro.timestamp_mapping.legacy"), bytes_str(options)};
    struct format_decoder *from, *back;
    struct format_encoder *e;
    struct chunk_builder b, again;
    struct diag diag = {0};
    struct buf out, text[2];

    arena_init(&arena, 0);
    const struct type *row = row_of(&arena, columns);
    struct schema schema = {row->fields_count, row->fields};
    struct format_spec spec = {.name = BYTES_LITERAL("avro"), .schema = &schema, .options = &option,
                               .options_count = *options != 0},
                       as_json = {.name = BYTES_LITERAL("json"), .schema = &schema};
    EXPECT_OK(format_decoder_open(&as_json, &from, &diag));
    EXPECT_OK(format_decoder_open(&spec, &back, &diag));
    EXPECT_OK(format_encoder_open(&spec, &e, &diag));
    chunk_builder_init_schema(&b, &arena, &schema, 2);
    chunk_builder_init_schema(&again, &arena, &schema, 2);
    EXPECT(format_decode(from, bytes_str(json), b.cols, &diag) == FORMAT_ROW);
    chunk_builder_row(&b, ROW_INSERT);
    buf_init(&out, 0);
    struct chunk chunk = chunk_builder_done(&b);
    format_encode(e, &chunk, 0, &out);
    char got[400] = "";
    for (size_t i = 0; i < out.len && i < 190; i++)
        snprintf(got + 2 * i, 3, "%02x", out.ptr[i]);
    if (strcmp(got, hex))
        test_fail(__FILE__, line, "got\n    \"%s\", expected\n    \"%s\"", got, hex);
    if (format_decode(back, buf_view(&out), again.cols, &diag) != FORMAT_ROW)
        test_fail(__FILE__, line, "not read again: %s", diag.message);
    chunk_builder_row(&again, ROW_INSERT);
    struct chunk chunk_again = chunk_builder_done(&again);
    for (int i = 0; i < 2; i++) {
        buf_init(&text[i], 0);
        for (uint16_t c = 0; c < schema.count; c++)
            value_text(&text[i], schema.fields[c].type, &(i ? &chunk_again : &chunk)->cols[c], 0, NULL);
        buf_u8(&text[i], 0);
    }
    EXPECT_STR((const char *)text[1].ptr, (const char *)text[0].ptr);
    buf_deinit(&text[0]);
    buf_deinit(&text[1]);
    buf_deinit(&out);
    format_encoder_close(e);
    format_decoder_close(back);
    format_decoder_close(from);
    arena_deinit(&arena);
}
#define WRITE(...) write_case_at(__LINE__, __VA_ARGS__)

TEST(avro_writes_and_reads_again)
{
    WRITE("a INT, b STRING NOT NULL", "", "{\"a\":null,\"b\":\"x\"}", "000278");
    WRITE("a TINYINT NOT NULL, b BIGINT NOT NULL, c FLOAT NOT NULL, d DOUBLE NOT NULL, e BOOLEAN NOT NULL", "",
          "{\"a\":-1,\"b\":300,\"c\":1.5,\"d\":-2,\"e\":true}", "01d8040000c03f00000000000000c001");
    WRITE("d DECIMAL(20, 2) NOT NULL, e DECIMAL(38, 0) NOT NULL, f DECIMAL(3, 0) NOT NULL", "",
          "{\"d\":-1.28,\"e\":12345678901234567890123456789012345678,\"f\":128}",
          "0280200949b0f6f0023313c4499050de38f34e040080");
    WRITE("t TIMESTAMP(3) NOT NULL, d DATE NOT NULL, m TIME(3) NOT NULL", "",
          "{\"t\":\"1969-12-31 23:59:59.999\",\"d\":\"1970-01-02\",\"m\":\"00:00:01\"}", "0102d00f");
    WRITE("t TIMESTAMP(6) NOT NULL, u TIMESTAMP_LTZ(3) NOT NULL", "false",
          "{\"t\":\"1970-01-01 00:00:00.000002\",\"u\":\"1970-01-01 00:00:00.003Z\"}", "0406");
    WRITE("l ARRAY<INT> NOT NULL, m MAP<STRING, INT NOT NULL> NOT NULL, r ROW<x INT, y ARRAY<STRING NOT NULL>>", "",
          "{\"l\":[1,null],\"m\":{},\"r\":{\"x\":5,\"y\":[\"q\"]}}", "04020200000002020a020202710" "0");
}
