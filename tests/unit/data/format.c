/* Formats, a line a case: the columns, the options, a record, and the row or the reason. */
#include "data/format/format.h"

#include <stdlib.h>

#include "data/text.h"
#include "lib/data_case.h"
#include "lib/test.h"

struct made {
    struct arena arena;
    struct schema schema;
    struct format_option options[8];
    struct format_spec spec;
    struct diag diag;
};

/* columns "a INT, b STRING"; options "json.x=true json.y=SQL" */
static void make(struct made *m, const char *format, const char *columns, const char *options)
{
    struct bytes text, rest = bytes_str(options);

    memset(m, 0, sizeof(*m));
    arena_init(&m->arena, 0);
    text = bytes_str(arena_printf(&m->arena, "ROW<%s>", columns));
    const struct type *row = case_type(&m->arena, &text);
    m->schema = (struct schema){row->fields_count, row->fields};
    while (rest.len) {
        struct bytes one = bytes_head(rest, bytes_find(rest, ' ', 0));
        size_t eq = bytes_find(one, '=', 0);
        rest = bytes_skip(rest, one.len + 1);
        m->options[m->spec.options_count++] =
            (struct format_option){bytes_head(one, eq), bytes_skip(one, eq + 1)};
    }
    m->spec.name = bytes_str(format);
    m->spec.options = m->options;
    m->spec.schema = &m->schema;
}

static const char *row_text(struct arena *arena, const struct schema *schema, const struct chunk *chunk,
                            uint16_t row)
{
    struct buf buf;

    buf_init(&buf, 0);
    for (uint16_t c = 0; c < schema->count; c++) {
        if (c)
            buf_str(&buf, " | ");
        value_text(&buf, schema->fields[c].type, &chunk->cols[c], row, NULL);
    }
    const char *text = arena_str(arena, buf_view(&buf));
    buf_deinit(&buf);
    return text;
}

static void decode_case_at(int line, const char *format, const char *columns, const char *options,
                           const char *record, const char *want)
{
    struct made m;
    struct format_decoder *d = NULL;
    struct chunk_builder b;
    const char *got;
    /* a copy of its own on the heap: one byte read past it is seen */
    size_t len = strlen(record);
    char *copy = malloc(len + 1);

    memcpy(copy, record, len);
    make(&m, format, columns, options);
    if (format_decoder_open(&m.spec, &d, &m.diag) != ST_OK) {
        got = arena_printf(&m.arena, "open: %s", m.diag.message);
    } else {
        chunk_builder_init_schema(&b, &m.arena, &m.schema, 4);
        char *tight = realloc(copy, len ? len : 1);
        copy = tight;
        enum format_result r = format_decode(d, bytes_of(copy, len), b.cols, &m.diag);
        /* a good record after a bad one is not hurt by it */
        if (r == FORMAT_ROW) {
            chunk_builder_row(&b, ROW_INSERT);
            struct chunk chunk = chunk_builder_done(&b);
            got = row_text(&m.arena, &m.schema, &chunk, 0);
        } else {
            chunk_builder_undo(&b);
            for (uint16_t c = 0; c < m.schema.count; c++)
                EXPECT_INT(b.cols[c].rows, 0);
            got = r == FORMAT_SKIP ? "skip" : arena_printf(&m.arena, "bad: %s", m.diag.message);
        }
        format_decoder_close(d);
    }
    if (strcmp(got, want))
        test_fail(__FILE__, line, "got\n    \"%s\", expected\n    \"%s\"", got, want);
    free(copy);
    arena_deinit(&m.arena);
}
#define DECODE(format, columns, options, record, want)                                             \
    decode_case_at(__LINE__, format, columns, options, record, want)

static void encode_case_at(int line, const char *format, const char *columns, const char *options,
                           const char *json, const char *want)
{
    struct made m, j;
    struct format_decoder *d = NULL;
    struct format_encoder *e = NULL;
    struct chunk_builder b;
    struct buf out;
    const char *got;

    make(&m, format, columns, options);
    make(&j, "json", columns, "");
    EXPECT_OK(format_decoder_open(&j.spec, &d, &j.diag));
    chunk_builder_init_schema(&b, &j.arena, &j.schema, 4);
    if (format_decode(d, bytes_str(json), b.cols, &j.diag) != FORMAT_ROW)
        test_fail(__FILE__, line, "bad input: %s", j.diag.message);
    chunk_builder_row(&b, ROW_INSERT);
    struct chunk chunk = chunk_builder_done(&b);
    buf_init(&out, 0);
    if (format_encoder_open(&m.spec, &e, &m.diag) != ST_OK) {
        got = arena_printf(&m.arena, "open: %s", m.diag.message);
    } else {
        format_encode(e, &chunk, 0, &out);
        got = arena_str(&m.arena, buf_view(&out));
    }
    if (strcmp(got, want))
        test_fail(__FILE__, line, "got\n    \"%s\", expected\n    \"%s\"", got, want);
    buf_deinit(&out);
    format_encoder_close(e);
    format_decoder_close(d);
    arena_deinit(&m.arena);
    arena_deinit(&j.arena);
}
#define ENCODE(format, columns, options, json, want)                                               \
    encode_case_at(__LINE__, format, columns, options, json, want)

TEST(format_json_decodes)
{
    DECODE("json", "a INT, b STRING", "", "{\"a\":1,\"b\":\"x\"}", "1 | x");
    DECODE("json", "a INT, b STRING", "", "{\"b\":\"x\", \"z\":{\"a\":[1,{}]}, \"a\" : 1 }", "1 | x");
    DECODE("json", "a INT, b STRING", "", "{}", "NULL | NULL");
    DECODE("json", "a INT, b STRING", "", "{\"a\":null}", "NULL | NULL");
    DECODE("json", "a INT", "", "{\"a\":1,\"a\":2}", "2");
    DECODE("json", "a INT", "", "{\"\\u0061\":5}", "5");
    DECODE("json", "a INT", "", "{\"a\":\" 12 \"}", "12");
    DECODE("json", "a INT", "", "{\"a\":12.7}", "12");
    DECODE("json", "a BIGINT", "", "{\"a\":9223372036854775807}", "9223372036854775807");
    DECODE("json", "a DOUBLE", "", "{\"a\":1}", "1.0");
    DECODE("json", "a DOUBLE, b FLOAT", "", "{\"a\":\"1.5\",\"b\":2.5e3}", "1.5 | 2500.0");
    DECODE("json", "a DECIMAL(38,3)", "", "{\"a\":12345678901234567890123456789012345.6785}",
           "12345678901234567890123456789012345.679");
    DECODE("json", "a DECIMAL(10,2)", "", "{\"a\":\"1.5\"}", "1.50");
    DECODE("json", "a BOOLEAN, b BOOLEAN", "", "{\"a\":true,\"b\":\"False\"}", "TRUE | FALSE");
    DECODE("json", "a STRING", "", "{\"a\":\"x\\n\\u00e9\\ud83d\\ude00\"}", "x\n\xc3\xa9\xf0\x9f\x98\x80");
    DECODE("json", "a STRING, b STRING, c STRING", "", "{\"a\":12.50,\"b\":[1, 2],\"c\":{\"x\":true}}",
           "12.50 | [1, 2] | {\"x\":true}");
    DECODE("json", "a TIMESTAMP(3)", "", "{\"a\":\"2020-01-02 03:04:05.678\"}", "2020-01-02 03:04:05.678");
    DECODE("json", "a TIMESTAMP(3)", "json.timestamp-format.standard=ISO-8601",
           "{\"a\":\"2020-01-02T03:04:05.678\"}", "2020-01-02 03:04:05.678");
    DECODE("json", "a TIMESTAMP_LTZ(3)", "", "{\"a\":\"2020-01-02 03:04:05.678Z\"}",
           "2020-01-02 03:04:05.678");
    DECODE("json", "a DATE, b TIME", "", "{\"a\":\"2020-01-02\",\"b\":\"03:04:05\"}", "2020-01-02 | 03:04:05");
    DECODE("json", "a BYTES", "", "{\"a\":\"aGk=\"}", "6869");
    DECODE("json", "r ROW<x INT, y ROW<z STRING>>, a INT", "",
           "{\"r\":{\"y\":{\"z\":\"q\"},\"x\":7},\"a\":1}", "(7, (q)) | 1");
    DECODE("json", "r ROW<x INT>", "", "{\"r\":null}", "NULL");
    DECODE("json", "a ARRAY<INT>, m MAP<STRING, INT>", "", "{\"a\":[1,null,3],\"m\":{\"k\":1,\"l\":2}}",
           "[1, NULL, 3] | {k=1, l=2}");
}

TEST(format_json_says_what_is_bad)
{
    DECODE("json", "a INT", "", "", "bad: the record is empty");
    DECODE("json", "a INT", "", "hello", "bad: the record is not a JSON object");
    DECODE("json", "a INT", "", "[1]", "bad: the record is not a JSON object");
    DECODE("json", "a INT", "", "{\"a\":1", "bad: the record is not a JSON object");
    DECODE("json", "a INT", "", "{\"a\":1} {}", "bad: there is more after the JSON object");
    DECODE("json", "a INT", "", "{\"a\":1,,}", "bad: the JSON is malformed");
    DECODE("json", "a STRING", "", "{\"a\":\"\xff\"}", "bad: the record is not UTF-8");
    DECODE("json", "a INT", "", "{\"a\":\"x\"}", "bad: field 'a': a string that is no INT");
    DECODE("json", "a INT", "", "{\"a\":3000000000}", "bad: field 'a': a number that is no INT");
    DECODE("json", "a TINYINT", "", "{\"a\":[]}", "bad: field 'a': an array that is no TINYINT");
    DECODE("json", "r ROW<x INT>", "", "{\"r\":{\"x\":true}}",
           "bad: field 'r': field 'x': a boolean that is no INT");
    DECODE("json", "a ARRAY<INT>", "", "{\"a\":[1,\"q\"]}", "bad: field 'a': a string that is no INT");
    DECODE("json", "a TIMESTAMP(3)", "", "{\"a\":\"2020-01-02T03:04:05\"}",
           "bad: field 'a': a string that is no TIMESTAMP(3)");
    DECODE("json", "a INT, b INT", "json.fail-on-missing-field=true", "{\"a\":1}",
           "bad: field 'b': is missing");
    DECODE("json", "a INT, b INT", "json.ignore-parse-errors=true", "{\"a\":\"x\",\"b\":2}", "NULL | 2");
    DECODE("json", "a INT, r ROW<x INT, y INT>", "json.ignore-parse-errors=true",
           "{\"a\":1,\"r\":{\"x\":{},\"y\":2}}", "1 | (NULL, 2)");
    DECODE("json", "a INT", "json.ignore-parse-errors=true", "nonsense", "skip");
    DECODE("json", "a INT", "json.ignore-parse-error=true", "{}",
           "open: format 'json' has no option 'json.ignore-parse-error'");
    DECODE("jsn", "a INT", "", "{}", "open: no format 'jsn'");
}

TEST(format_json_encodes)
{
    ENCODE("json", "a INT, b STRING, c DOUBLE", "", "{\"a\":1,\"b\":\"q\\\"\\n\\u0001\",\"c\":1.5}",
           "{\"a\":1,\"b\":\"q\\\"\\n\\u0001\",\"c\":1.5}");
    ENCODE("json", "a INT, b BOOLEAN", "", "{\"b\":true}", "{\"a\":null,\"b\":true}");
    ENCODE("json", "a INT, b BOOLEAN", "json.encode.ignore-null-fields=true", "{\"b\":true}", "{\"b\":true}");
    ENCODE("json", "t TIMESTAMP(3), u TIMESTAMP_LTZ(3)", "json.timestamp-format.standard=ISO-8601",
           "{\"t\":\"2020-01-02 03:04:05.6\",\"u\":\"2020-01-02 03:04:05Z\"}",
           "{\"t\":\"2020-01-02T03:04:05.600\",\"u\":\"2020-01-02T03:04:05.000Z\"}");
    ENCODE("json", "r ROW<x INT, y ARRAY<STRING>>, m MAP<STRING, INT>, d DECIMAL(5,2)", "",
           "{\"r\":{\"x\":1,\"y\":[\"a\",null]},\"m\":{\"k\":1},\"d\":1.5}",
           "{\"r\":{\"x\":1,\"y\":[\"a\",null]},\"m\":{\"k\":1},\"d\":1.50}");
}

TEST(format_csv_decodes)
{
    DECODE("csv", "a INT, b STRING, c DOUBLE", "", "1,hello,2.5", "1 | hello | 2.5");
    DECODE("csv", "a INT, b STRING", "", "1,\"a \"\"b\"\", c\"\r\n", "1 | a \"b\", c");
    DECODE("csv", "a INT, b STRING", "csv.field-delimiter=;", "1;x", "1 | x");
    DECODE("csv", "a INT, b STRING", "csv.field-delimiter=\\t", "1\tx", "1 | x");
    DECODE("csv", "a INT, b STRING", "csv.null-literal=n/a", "n/a,n/a", "NULL | NULL");
    DECODE("csv", "a STRING, b STRING", "", ",", " | ");
    DECODE("csv", "a INT, b DECIMAL(4, 2), c TIMESTAMP(3), d BOOLEAN", "", ",,,", "NULL | NULL | NULL | NULL");
    DECODE("csv", "a DATE, b STRING, c ARRAY<INT>", "", "\"\",,1;;3", "NULL |  | [1, NULL, 3]");
    DECODE("csv", "a STRING", "csv.escape-character=\\\\", "a\\,b", "a,b");
    DECODE("csv", "a STRING", "csv.disable-quote-character=true", "\"x\"", "\"x\"");
    DECODE("csv", "a ARRAY<INT>, r ROW<x INT, y STRING>", "", "1;2,3;q", "[1, 2] | (3, q)");
    DECODE("csv", "a TIMESTAMP(3), b BOOLEAN", "", "\"2020-01-01 00:00:00\",true",
           "2020-01-01 00:00:00.000 | TRUE");
    DECODE("csv", "a INT, b INT", "", "1", "bad: the record has 1 fields, expected 2");
    DECODE("csv", "a INT, b INT", "", "1,2,3", "bad: the record has 3 fields, expected 2");
    DECODE("csv", "a INT, b INT", "csv.ignore-parse-errors=true", "1", "1 | NULL");
    DECODE("csv", "a INT, b INT", "csv.ignore-parse-errors=true", "x,2", "NULL | 2");
    DECODE("csv", "a INT, b INT", "", "1,x", "bad: field 'b': 'x' is no INT");
    DECODE("csv", "a INT", "", "\"1", "bad: the quote of field 1 is not closed");
    DECODE("csv", "a INT", "", "\"1\"2", "bad: there is text after the closing quote of field 1");
    DECODE("csv", "a INT", "csv.allow-comments=true", "# hi", "skip");
    DECODE("csv", "a MAP<STRING, INT>", "", "", "open: column 'a': CSV has no MAP<STRING, INT>");
}

TEST(format_csv_encodes_as_flink)
{
    ENCODE("csv", "a INT, b STRING, c STRING", "", "{\"a\":1,\"b\":\"plain\",\"c\":\"two words\"}",
           "1,plain,\"two words\"");
    ENCODE("csv", "t TIMESTAMP(3), d DATE, x DECIMAL(5,2)", "",
           "{\"t\":\"2020-01-01 00:00:00\",\"d\":\"2020-01-01\",\"x\":-1.5}",
           "\"2020-01-01 00:00:00.000\",2020-01-01,-1.50");
    ENCODE("csv", "a STRING, b BOOLEAN", "csv.null-literal=NIL", "{\"b\":true}", "NIL,true");
    ENCODE("csv", "a STRING", "", "{\"a\":\"say \\\"hi\\\"\"}", "\"say \"\"hi\"\"\"");
    ENCODE("csv", "a STRING", "", "{\"a\":\"abcdefghijklmnopqrstuvwxyz\"}", "\"abcdefghijklmnopqrstuvwxyz\"");
    ENCODE("csv", "a ARRAY<INT>", "", "{\"a\":[1,2]}", "1;2");
}

TEST(format_raw)
{
    DECODE("raw", "a STRING", "", "hello", "hello");
    DECODE("raw", "a STRING", "", "\xff", "bad: the record is not UTF-8");
    DECODE("raw", "a BYTES", "", "\xff", "ff");
    DECODE("raw", "a INT", "", "abcd", "1633837924");
    DECODE("raw", "a INT", "raw.endianness=little-endian", "abcd", "1684234849");
    DECODE("raw", "a INT", "", "abc", "bad: the record has 3 bytes, expected 4");
    DECODE("raw", "a INT, b INT", "", "", "open: the raw format has exactly one column, not 2");
    ENCODE("raw", "a BIGINT", "", "{\"a\":7017280452245743464}", "abcdefgh");
    ENCODE("raw", "a STRING", "", "{\"a\":\"hi\"}", "hi");
}
