/* Functions of JSON texts. Their words are literals, so calls are folded when they are bound. */
#include <stdio.h>

#include "base/buf.h"
#include "data/func.h"
#include "data/json_value.h"
#include "data/print_text.h"
#include "lib/data_case.h"
#include "lib/test.h"

static struct arena arena;
static struct diag diag;

/* The result of a call as text; "error …" where it cannot be bound or computed. NULL arguments are SQL's. */
static const char *folded(const char *name, const struct type *type, const char *const *texts, uint16_t count)
{
    const struct expr *args[8];
    struct buf out;

    arena_deinit(&arena);
    arena_init(&arena, ARENA_BUDGET_NONE);
    diag = (struct diag){0};
    for (uint16_t i = 0; i < count; i++)
        args[i] = texts[i] ? expr_str(&arena, bytes_str(texts[i]), type_not_null(&arena, type_simple(TYPE_VARCHAR), true))
                           : expr_null(&arena, type ? type : type_simple(TYPE_VARCHAR));
    const struct expr *e = func_bind(&arena, bytes_str(name), args, count, &diag);
    if (!e)
        return arena_printf(&arena, "error %s", diag.message);
    if (e->kind != EXPR_LITERAL)
        return "error in the row";
    struct column col = {.data = &e->value};
    uint64_t none = 0;
    col.valid = e->is_null ? &none : NULL;
    buf_init(&out, 0);
    value_print(&out, e->type, &col, 0);
    const char *text = arena_str(&arena, buf_view(&out));
    buf_deinit(&out);
    return text;
}

/* JSON_VALUE(json, path … 'e' ON EMPTY 'x' ON ERROR) */
static const char *value(const char *json, const char *path)
{
    const char *const args[] = {json, path, NULL, "DEFAULT", "e", "DEFAULT", "x"};
    return folded("JSON_VALUE", NULL, args, 7);
}

static const char *typed(const char *json, enum type_kind kind)
{
    const char *const args[] = {json, "$.a", NULL, "NULL", NULL, "NULL", NULL};
    return folded("JSON_VALUE", type_simple(kind), args, 7);
}

static const char *query(const char *json, const char *path, const char *wrapper)
{
    const char *const args[] = {json, path, wrapper, "EMPTY OBJECT", "EMPTY ARRAY"};
    return folded("JSON_QUERY", NULL, args, 5);
}

static const char *exists(const char *json, const char *path, const char *on_error)
{
    const char *const args[] = {json, path, on_error};
    return folded("JSON_EXISTS", NULL, args, 3);
}

TEST(json_value_takes_the_scalar_at_a_path)
{
    const char *deep = "{\"a\":[1,{\"b c\":\"x\\u00e4\\n\"},true],\"n\":null,\"a.b\":7,\"\\u0061b\":8}";
    EXPECT_STR(value(deep, "$.a[0]"), "1");
    EXPECT_STR(value(deep, "$.a[-1]"), "true");
    EXPECT_STR(value(deep, "$.a[1]['b c']"), "xä\n");
    EXPECT_STR(value(deep, "$[\"a.b\"]"), "7");
    EXPECT_STR(value(deep, "a[0]"), "1");
    EXPECT_STR(value(deep, "$.ab"), "8"); /* a key with an escape */
    EXPECT_STR(value(deep, "$.a.length()"), "3");
    EXPECT_STR(value("{\"a\":1,\"a\":2} x", "$.a"), "2");
    EXPECT_STR(value(NULL, "$.a"), "null");
    EXPECT_STR(value(deep, "$.n"), "x");
    EXPECT_STR(value(deep, "lax $.n"), "e");
    EXPECT_STR(value(deep, "$.a"), "x");
    EXPECT_STR(value(deep, "lax $.a"), "e");
    EXPECT_STR(value(deep, "$.zz"), "x");
    EXPECT_STR(value(deep, "LAX  $.zz"), "e");
    EXPECT_STR(value(deep, "strict $.a[3]"), "x");
    EXPECT_STR(value(deep, "lax $.n.b"), "e");
    EXPECT_STR(value("nonsense", "lax $"), "e");
    EXPECT_STR(value("nonsense", "strict $"), "x");
    EXPECT_STR(value("", "$"), "x");
    EXPECT_STR(value("[[1]", "$[0]"), "x");
}

TEST(json_value_gives_numbers_as_flink_does)
{
    EXPECT_STR(value("[1e2]", "$[0]"), "1E+2");
    EXPECT_STR(value("[1.50]", "$[0]"), "1.50");
    EXPECT_STR(value("[-0]", "$[0]"), "0");
    EXPECT_STR(value("[-0.0]", "$[0]"), "0.0");
    EXPECT_STR(value("[0.000001]", "$[0]"), "0.000001");
    EXPECT_STR(value("[0.0000001]", "$[0]"), "1E-7");
    EXPECT_STR(value("[12.5e-1]", "$[0]"), "1.25");
    EXPECT_STR(value("[12.5e3]", "$[0]"), "1.25E+4");
    EXPECT_STR(value("[12345678901234567890123]", "$[0]"), "12345678901234567890123");
    EXPECT_STR(value("[1e99999999999999]", "$[0]"), "1E+9999999999");
}

TEST(json_value_returns_types)
{
    EXPECT_STR(typed("{\"a\":12}", TYPE_INT), "12");
    EXPECT_STR(typed("{\"a\":12.7}", TYPE_INT), "null");
    EXPECT_STR(typed("{\"a\":\"12\"}", TYPE_INT), "null");
    EXPECT_STR(typed("{\"a\":99999999999}", TYPE_INT), "null");
    EXPECT_STR(typed("{\"a\":12}", TYPE_DOUBLE), "12.0");
    EXPECT_STR(typed("{\"a\":true}", TYPE_BOOLEAN), "true");
    EXPECT_STR(typed("{\"a\":1}", TYPE_BOOLEAN), "null");
    EXPECT_STR(typed("{\"a\":1}", TYPE_DATE),
               "error JSON_VALUE: RETURNING takes STRING, BOOLEAN, INT or DOUBLE, not DATE: CAST what it gives");
}

TEST(json_query_takes_objects_and_arrays)
{
    EXPECT_STR(query("{ \"a\" : [ 1 , 2.50 ] }", "$.a", "WITHOUT"), "[1,2.50]");
    EXPECT_STR(query("{\"a\":{\"b\":\"\\u00e4\\/\"}}", "$", "WITHOUT"), "{\"a\":{\"b\":\"ä/\"}}");
    EXPECT_STR(query("{\"a\":1}", "$.a", "WITHOUT"), "[]");
    EXPECT_STR(query("{\"a\":1}", "lax $.a", "WITHOUT"), "{}");
    EXPECT_STR(query("{\"a\":null}", "$.a", "WITHOUT"), "[]");
    EXPECT_STR(query("{\"a\":null}", "lax $.a", "WITHOUT"), "{}");
    EXPECT_STR(query("bad", "lax $.a", "WITHOUT"), "{}");
    EXPECT_STR(query("bad", "strict $.a", "WITHOUT"), "[]");
    EXPECT_STR(query("{\"a\":1}", "$.a", "CONDITIONAL"), "[1]");
    EXPECT_STR(query("{\"a\":[1]}", "$.a", "CONDITIONAL"), "[1]");
    EXPECT_STR(query("{\"a\":[1]}", "$.a", "UNCONDITIONAL"), "[[1]]");
    EXPECT_STR(query("{\"a\":[{\"b\":1},{\"c\":0},{\"b\":2}]}", "$.a[*].b", "WITHOUT"), "[1,2]");
    EXPECT_STR(query("{\"a\":[{\"b\":1},{\"b\":{\"b\":2}}]}", "$..b", "WITHOUT"), "[1,{\"b\":2},2]");
    EXPECT_STR(query("[1,2,3,4]", "$[1:3]", "WITHOUT"), "[2,3]");
    EXPECT_STR(query("[1,2,3,4]", "$[-2:]", "WITHOUT"), "[3,4]");
    EXPECT_STR(query("[1,2,3,4]", "$[0,2,9]", "WITHOUT"), "[1,3]");
    EXPECT_STR(query("{\"a\":1,\"b\":[2]}", "$.*", "WITHOUT"), "[1,[2]]");
}

TEST(json_exists_and_is_json)
{
    EXPECT_STR(exists("{\"a\":1}", "$.a", "FALSE"), "true");
    EXPECT_STR(exists("{\"a\":null}", "$.a", "TRUE"), "false");
    EXPECT_STR(exists("{}", "$.a", "TRUE"), "true");
    EXPECT_STR(exists("{}", "lax $.a", "TRUE"), "false");
    EXPECT_STR(exists("bad", "$.a", "UNKNOWN"), "null");
    EXPECT_STR(exists("{}", "$.a", "ERROR"), "error in the row");
    call_case("IS JSON", "STRING '{} x'", "BOOLEAN TRUE");
    call_case("IS JSON", "STRING NULL", "BOOLEAN FALSE");
    call_case("IS NOT JSON", "STRING NULL", "BOOLEAN TRUE");
    call_case("IS JSON", "STRING '01'", "BOOLEAN FALSE");
    call_case("IS JSON OBJECT", "STRING '[]'", "BOOLEAN FALSE");
    call_case("IS JSON ARRAY", "STRING '[]'", "BOOLEAN TRUE");
    call_case("IS JSON SCALAR", "STRING 'null'", "BOOLEAN TRUE");
    call_case("IS NOT JSON SCALAR", "STRING '{}'", "BOOLEAN TRUE");
}

TEST(json_paths_that_are_wrong_are_refused)
{
    static const struct {
        const char *path, *why;
    } all[] = {
        {"", "it is empty"}, {"$.", "a name is missing behind a point"}, {"$.a.", "a name is missing behind a point"},
        {"$.a b", "a name with a blank stands in brackets: ['a b']"}, {"$['a", "a quoted name does not end"},
        {"$[", "brackets hold a quoted name, positions, from:to or *; filters are not built"},
        {"$[?(@.b > 7)]", "brackets hold a quoted name, positions, from:to or *; filters are not built"},
        {"$.a.max()", "its only function is length()"}, {"$.a.length().b", "length() is not at its end"},
        {"$[1", "a [ without its ]"}, {"$a", "a step begins with . or ["}, {"$[99999999999]", "a position is too large"},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const char *got = exists("{}", all[i].path, "FALSE");
        char want[200];
        snprintf(want, sizeof(want), "error JSON_EXISTS: the path '%s' is wrong: %s", all[i].path, all[i].why);
        EXPECT_STR(got, want);
    }
}

TEST(texts_are_encoded_and_decoded)
{
    call_case("HEX", "STRING 'x'", "STRING 78");
    call_case("UNHEX", "STRING 'C3A4'", "BYTES c3a4");
    call_case("UNHEX", "STRING 'zz'", "BYTES NULL");
    call_case("UNHEX", "STRING ''", "BYTES ");
    call_case("UNHEX", "STRING '161'", "BYTES 0061");
    call_case("ENCODE", "STRING 'ä', STRING 'utf-8'", "BYTES c3a4");
    call_case("ENCODE", "STRING 'a€', STRING 'US-ASCII'", "BYTES 613f");
    call_case("ENCODE", "STRING 'a', STRING 'KOI8'", "error ENCODE: there is no character set");
    call_case("DECODE", "BYTES 'ä', STRING 'UTF-8'", "STRING ä");
    call_case("DECODE", "BYTES 'ä', STRING 'ISO-8859-1'", "STRING Ã¤");
    call_case("DECODE", "BYTES 'ä', STRING 'US-ASCII'", "STRING \uFFFD\uFFFD");
    call_case("ELT", "INT 2, STRING 'a', STRING 'b'", "STRING b");
    call_case("ELT", "INT 3, STRING 'a', STRING 'b'", "STRING NULL");
    call_case("ELT", "INT NULL, STRING 'a'", "STRING NULL");
    call_case("STR_TO_MAP", "STRING 'a=1,b,a=2=3,'", "MAP<STRING, STRING> {b=NULL, a=2=3}");
    call_case("STR_TO_MAP", "STRING ''", "MAP<STRING, STRING> {}");
    call_case("STR_TO_MAP", "STRING 'a:1;b:2', STRING ';', STRING ':'", "MAP<STRING, STRING> {a=1, b=2}");
    call_case("STR_TO_MAP", "STRING 'a', STRING ';'", "error STR_TO_MAP: takes one text, or three");
    call_case("IS_ALPHA", "STRING 'aä'", "BOOLEAN TRUE");
    call_case("IS_ALPHA", "STRING 'a1'", "BOOLEAN FALSE");
    call_case("IS_DIGIT", "STRING '12'", "BOOLEAN TRUE");
    call_case("IS_DIGIT", "STRING NULL", "BOOLEAN FALSE");
    call_case("IS_DIGIT", "STRING ''", "BOOLEAN FALSE");
}

TEST(json_is_written)
{
    const char *const object[] = {"N------", "b", "1", "a", "x\"\\ä\n", "b", "2"};
    EXPECT_STR(folded("JSON_OBJECT", NULL, object, 7), "{\"a\":\"x\\\"\\\\ä\\n\",\"b\":\"2\"}");
    const char *const absent[] = {"A----", "b", NULL, "a", "x"};
    EXPECT_STR(folded("JSON_OBJECT", NULL, absent, 5), "{\"a\":\"x\"}");
    const char *const null[] = {"N----", "b", NULL, "a", "x"};
    EXPECT_STR(folded("JSON_OBJECT", NULL, null, 5), "{\"a\":\"x\",\"b\":null}");
    const char *const key[] = {"N--", NULL, "1"};
    EXPECT_STR(folded("JSON_OBJECT", NULL, key, 3), "error in the row");
    const char *const array[] = {"A---", "1", NULL, "2"};
    EXPECT_STR(folded("JSON_ARRAY", NULL, array, 4), "[\"1\",\"2\"]");
    const char *const nested[] = {"N-j", "a", "[1]"};
    EXPECT_STR(folded("JSON_OBJECT", NULL, nested, 3), "{\"a\":[1]}");
    const char *const short_how[] = {"N", "a", "1"};
    EXPECT_STR(folded("JSON_OBJECT", NULL, short_how, 3), "error JSON_OBJECT: argument 1 says of each other what it is");
    const char *const empty[] = {"A"};
    EXPECT_STR(folded("JSON_ARRAY", NULL, empty, 1), "[]");
    EXPECT_STR(folded("JSON_OBJECT", NULL, empty, 1), "{}");
    call_case("JSON_STRING", "DOUBLE 25000000000", "STRING 2.5E+10");
    call_case("JSON_STRING", "DECIMAL(10,2) 1.50", "STRING 1.50");
    call_case("JSON_STRING", "TIMESTAMP(3) 2020-01-02 03:04:05.100", "STRING \"2020-01-02T03:04:05.1\"");
    call_case("JSON_STRING", "TIMESTAMP(3) 2020-01-02 03:04:00", "STRING \"2020-01-02T03:04:00\"");
    call_case("JSON_STRING", "TIMESTAMP(0) 2020-01-02 03:04:10", "STRING \"2020-01-02T03:04:10\"");
    call_case("JSON_STRING", "STRING 'a/b'", "STRING \"a/b\"");
    call_case("JSON_STRING", "INT NULL", "STRING NULL");
    call_case("JSON_QUOTE", "STRING 'ä/😀'", "STRING \"\\u00e4\\/\\ud83d\\ude00\"");
    call_case("JSON_UNQUOTE", "STRING '\"\\u00e4\\/\"'", "STRING ä/");
    call_case("JSON_UNQUOTE", "STRING '\"\\x\"'", "STRING \"\\x\"");
    call_case("JSON_UNQUOTE", "STRING '\"'", "STRING \"");
    call_case("JSON", "STRING '[1, 2]'", "STRING [1,2]");
    call_case("JSON", "STRING 'bad'", "error JSON");
}
