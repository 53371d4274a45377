/* The schema registry over HTTP: each request and its answer, levels, deletions, restarts. */
#include <stdio.h>

#include "lib/test.h"
#include "unit/serve/http_server.h"

#define RECORD(fields) "{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"r\\\",\\\"fields\\\":[" fields "]}"
#define FIELD(name, type) "{\\\"name\\\":\\\"" name "\\\",\\\"type\\\":" type "}"
#define INT "\\\"int\\\""
#define OPTIONAL "[\\\"null\\\",\\\"string\\\"],\\\"default\\\":null"
#define BODY(schema) "{\"schema\":\"" schema "\"}"

static const char one[] = BODY(RECORD(FIELD("a", INT)));
static const char with_optional[] = BODY(RECORD(FIELD("a", INT) "," FIELD("b", OPTIONAL)));
static const char with_required[] = BODY(RECORD(FIELD("a", INT) "," FIELD("c", INT)));

/* One request: its status and a text that its answer holds. */
static void ask_at(int line, struct http_server *s, const char *method, const char *path, const char *body, int status,
                   const char *contains)
{
    struct http_client c;
    int got = http_ask(&c, s, method, path, body ? "Content-Type: application/vnd.schemaregistry.v1+json\r\n" : "", body);

    buf_u8(&c.in, 0);
    if (got != status || !strstr((const char *)c.in.ptr, contains))
        test_fail(__FILE__, line, "%s %s: expected %d and '%s', got\n%s", method, path, status, contains, (char *)c.in.ptr);
    http_client_close(&c);
}
#define ASK(...) ask_at(__LINE__, &s, __VA_ARGS__)

static void open_server(struct http_server *s, const char *dir)
{
    http_server_open(s, dir, &(struct http_options){0});
}

TEST(schemas_are_registered_and_read)
{
    struct http_server s;

    open_server(&s, NULL);
    ASK("GET", "/subjects", NULL, 200, "[]");
    ASK("POST", "/subjects/t-value/versions", one, 200, "{\"id\":1}");
    ASK("POST", "/subjects/t-value/versions", one, 200, "{\"id\":1}");
    ASK("POST", "/subjects/t-value/versions", BODY(" { \\\"type\\\" : \\\"record\\\", \\\"name\\\":\\\"r\\\",\\\"fields\\\":[" FIELD("a", INT) "]}"),
        200, "{\"id\":1}"); /* blanks make no other schema */
    ASK("POST", "/subjects/u-value/versions", one, 200, "{\"id\":1}"); /* nor does another subject */
    ASK("POST", "/subjects/t-value/versions", with_optional, 200, "{\"id\":2}");
    ASK("GET", "/subjects", NULL, 200, "[\"t-value\",\"u-value\"]");
    ASK("GET", "/subjects?subjectPrefix=u", NULL, 200, "\r\n[\"u-value\"]");
    ASK("GET", "/subjects/t-value/versions", NULL, 200, "[1,2]");
    ASK("GET", "/subjects/t-value/versions/latest", NULL, 200, "{\"subject\":\"t-value\",\"version\":2,\"id\":2,\"schema\":\"{");
    ASK("GET", "/subjects/t-value/versions/1", NULL, 200, "\"version\":1,\"id\":1");
    ASK("GET", "/subjects/t-value/versions/1/schema", NULL, 200, "\r\n{\"type\":\"record\",\"name\":\"r\"");
    ASK("GET", "/schemas/ids/2", NULL, 200, "{\"schema\":\"{\\\"type\\\":\\\"record\\\"");
    ASK("GET", "/schemas/ids/1?fetchMaxId=true", NULL, 200, "\"maxId\":2");
    ASK("GET", "/schemas/ids/1/versions", NULL, 200,
        "[{\"subject\":\"t-value\",\"version\":1},{\"subject\":\"u-value\",\"version\":1}]");
    ASK("GET", "/schemas/ids/1/subjects", NULL, 200, "[\"t-value\",\"u-value\"]");
    ASK("GET", "/schemas/ids/1/schema", NULL, 200, "\r\n{\"type\":\"record\"");
    ASK("GET", "/schemas/types", NULL, 200, "\"AVRO\"");
    ASK("GET", "/schemas?latestOnly=true", NULL, 200, "\"version\":2,\"id\":2");
    ASK("POST", "/subjects/t-value", with_optional, 200, "\"version\":2,\"id\":2");
    http_server_close(&s);
}

TEST(schemas_that_are_not_there)
{
    struct http_server s;

    open_server(&s, NULL);
    ASK("POST", "/subjects/t-value/versions", one, 200, "{\"id\":1}");
    ASK("GET", "/subjects/none/versions", NULL, 404, "{\"error_code\":40401,\"message\":\"Subject 'none' not found.\"}");
    ASK("GET", "/subjects/t-value/versions/7", NULL, 404, "\"error_code\":40402");
    ASK("GET", "/subjects/t-value/versions/x", NULL, 422, "\"error_code\":42202");
    ASK("GET", "/subjects/t-value/versions/0", NULL, 422, "\"error_code\":42202");
    ASK("GET", "/schemas/ids/9", NULL, 404, "\"error_code\":40403");
    ASK("GET", "/schemas/ids/nine", NULL, 404, "\"error_code\":40403");
    ASK("POST", "/subjects/none", one, 404, "\"error_code\":40401");
    ASK("POST", "/subjects/t-value", with_optional, 404, "\"error_code\":40403");
    ASK("POST", "/subjects/t-value/versions", "nonsense", 422, "\"error_code\":42201");
    ASK("POST", "/subjects/t-value/versions", "{\"schema\":5}", 422, "\"error_code\":42201");
    ASK("POST", "/subjects/t-value/versions", BODY("{\\\"type\\\":\\\"nothing\\\"}"), 422, "names a type 'nothing'");
    ASK("POST", "/subjects/t-value/versions", BODY(RECORD("{\\\"name\\\":\\\"a\\\",\\\"type\\\":\\\"int\\\",\\\"default\\\":\\\"x\\\"}")),
        422, "of field 'a' is no value of its type");
    ASK("POST", "/subjects/t-value/versions", "{\"schema\":\"{}\",\"schemaType\":\"THRIFT\"}", 422, "\"error_code\":42201");
    ASK("PUT", "/subjects", NULL, 405, "Allow: OPTIONS, GET, HEAD");
    http_server_close(&s);
}

TEST(schemas_levels_of_compatibility)
{
    struct http_server s;

    open_server(&s, NULL);
    ASK("GET", "/config", NULL, 200, "{\"compatibilityLevel\":\"BACKWARD\"}");
    ASK("GET", "/config/t-value", NULL, 404, "\"error_code\":40408");
    ASK("GET", "/config/t-value?defaultToGlobal=true", NULL, 200, "BACKWARD");
    ASK("POST", "/subjects/t-value/versions", one, 200, "{\"id\":1}");
    ASK("POST", "/subjects/t-value/versions", with_required, 409, "\"error_code\":409");
    ASK("POST", "/subjects/t-value/versions", with_required, 409, "READER_FIELD_MISSING_DEFAULT_VALUE");
    ASK("POST", "/compatibility/subjects/t-value/versions/latest", with_required, 200, "{\"is_compatible\":false}");
    ASK("POST", "/compatibility/subjects/t-value/versions/latest?verbose=true", with_required, 200, "(version 1)\"]}");
    ASK("POST", "/compatibility/subjects/t-value/versions", with_optional, 200, "{\"is_compatible\":true}");
    ASK("POST", "/compatibility/subjects/none/versions/1", one, 404, "\"error_code\":40401");
    ASK("PUT", "/config/t-value", "{\"compatibility\":\"FORWARD\"}", 200, "{\"compatibility\":\"FORWARD\"}");
    ASK("GET", "/config/t-value", NULL, 200, "{\"compatibilityLevel\":\"FORWARD\"}");
    ASK("POST", "/subjects/t-value/versions", with_required, 200, "{\"id\":2}");
    ASK("PUT", "/config/t-value", "{\"compatibility\":\"FULL\"}", 200, "FULL");
    ASK("POST", "/subjects/t-value/versions", with_optional, 409, "409"); /* without c, which has no default */
    ASK("PUT", "/config/t-value", "{\"compatibility\":\"NONE\"}", 200, "NONE");
    ASK("POST", "/subjects/t-value/versions", BODY("\\\"string\\\""), 200, "{\"id\":3}");
    ASK("PUT", "/config/t-value", "{\"compatibility\":\"BACKWARD_TRANSITIVE\"}", 200, "TRANSITIVE");
    ASK("POST", "/subjects/t-value/versions", BODY("\\\"bytes\\\""), 409, "(version 2)");
    ASK("PUT", "/config/t-value", "{\"compatibility\":\"BACKWARD\"}", 200, "BACKWARD");
    ASK("POST", "/subjects/t-value/versions", BODY("\\\"bytes\\\""), 200, "{\"id\":4}");
    ASK("PUT", "/config", "{\"compatibility\":\"SOME\"}", 422, "\"error_code\":42203");
    ASK("DELETE", "/config/t-value", NULL, 200, "BACKWARD");
    ASK("GET", "/config/t-value", NULL, 404, "40408");
    http_server_close(&s);
}

TEST(schemas_modes)
{
    struct http_server s;

    open_server(&s, NULL);
    ASK("GET", "/mode", NULL, 200, "{\"mode\":\"READWRITE\"}");
    ASK("PUT", "/mode/t-value", "{\"mode\":\"READONLY\"}", 200, "{\"mode\":\"READONLY\"}");
    ASK("POST", "/subjects/t-value/versions", one, 422, "\"error_code\":42205");
    ASK("POST", "/subjects/u-value/versions", one, 200, "{\"id\":1}");
    ASK("PUT", "/mode/t-value", "{\"mode\":\"IMPORT\"}", 200, "IMPORT");
    ASK("POST", "/subjects/t-value/versions", "{\"schema\":\"\\\"int\\\"\",\"id\":100,\"version\":7}", 200, "{\"id\":100}");
    ASK("GET", "/subjects/t-value/versions", NULL, 200, "[7]");
    ASK("POST", "/subjects/t-value/versions", "{\"schema\":\"\\\"long\\\"\",\"id\":100,\"version\":8}", 422, "The id is another schema's");
    ASK("POST", "/subjects/t-value/versions", "{\"schema\":\"\\\"bytes\\\"\",\"id\":100100,\"version\":9}", 200, "{\"id\":100100}");
    ASK("DELETE", "/mode/t-value", NULL, 200, "IMPORT");
    ASK("POST", "/subjects/w-value/versions", BODY("\\\"float\\\""), 200, "{\"id\":100101}"); /* high numbers do not fill it */
    ASK("POST", "/subjects/w-value/versions", "{\"schema\":\"\\\"long\\\"\",\"id\":5}", 422, "42205");
    ASK("PUT", "/mode", "{\"mode\":\"NEVER\"}", 422, "\"error_code\":42204");
    ASK("PUT", "/mode/a%00b", "{\"mode\":\"IMPORT\"}", 422, "\"error_code\":42201");
    http_server_close(&s);
}

TEST(schemas_references)
{
    static const char user[] = "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"q\\\",\\\"fields\\\":[{\\\"name\\\":\\\"x\\\","
                               "\\\"type\\\":\\\"r\\\"}]}\",\"references\":[{\"name\":\"r\",\"subject\":\"r-value\",\"version\":1}]}";
    struct http_server s;

    open_server(&s, NULL);
    ASK("POST", "/subjects/q-value/versions", user, 422, "refers to version 1 of subject 'r-value', which is not there");
    ASK("POST", "/subjects/r-value/versions", one, 200, "{\"id\":1}");
    ASK("POST", "/subjects/q-value/versions", user, 200, "{\"id\":2}");
    ASK("GET", "/schemas/ids/2", NULL, 200, "\"references\":[{\"name\":\"r\",\"subject\":\"r-value\",\"version\":1}]");
    ASK("GET", "/subjects/r-value/versions/1/referencedby", NULL, 200, "[2]");
    ASK("DELETE", "/subjects/r-value/versions/1", NULL, 422, "\"error_code\":42206");
    ASK("DELETE", "/subjects/q-value", NULL, 200, "[1]");
    ASK("DELETE", "/subjects/r-value/versions/1", NULL, 200, "1");
    http_server_close(&s);
}

/* Hidden, then forgotten; its number stays what it was. And all of it stands after a restart. */
TEST(schemas_deleted_and_after_a_restart)
{
    struct http_server s;
    const char *dir = test_dir();

    open_server(&s, dir);
    ASK("POST", "/subjects/t-value/versions", one, 200, "{\"id\":1}");
    ASK("POST", "/subjects/t-value/versions", with_optional, 200, "{\"id\":2}");
    ASK("DELETE", "/subjects/t-value/versions/1?permanent=true", NULL, 404, "\"error_code\":40407");
    ASK("DELETE", "/subjects/t-value/versions/1", NULL, 200, "1");
    ASK("DELETE", "/subjects/t-value/versions/1", NULL, 404, "\"error_code\":40406");
    ASK("GET", "/subjects/t-value/versions", NULL, 200, "\r\n[2]");
    ASK("GET", "/subjects/t-value/versions?deleted=true", NULL, 200, "[1,2]");
    ASK("DELETE", "/subjects/t-value?permanent=true", NULL, 404, "\"error_code\":40405");
    ASK("DELETE", "/subjects/t-value", NULL, 200, "[2]");
    ASK("DELETE", "/subjects/t-value", NULL, 404, "\"error_code\":40404");
    ASK("GET", "/subjects", NULL, 200, "[]");
    ASK("PUT", "/config", "{\"compatibility\":\"FULL\"}", 200, "FULL");
    http_server_close(&s);
    open_server(&s, dir);
    ASK("GET", "/config", NULL, 200, "FULL");
    ASK("GET", "/subjects?deleted=true", NULL, 200, "[\"t-value\"]");
    ASK("DELETE", "/subjects/t-value?permanent=true", NULL, 200, "[1,2]");
    ASK("GET", "/subjects?deleted=true", NULL, 200, "\r\n[]");
    ASK("POST", "/subjects/t-value/versions", with_optional, 200, "{\"id\":2}");
    ASK("POST", "/subjects/t-value/versions", BODY("\\\"int\\\""), 409, "409");
    ASK("POST", "/subjects/v-value/versions", BODY("\\\"int\\\""), 200, "{\"id\":3}");
    http_server_close(&s);
}

TEST(schemas_of_json)
{
    struct http_server s;

    open_server(&s, NULL);
    ASK("POST", "/subjects/j-value/versions", "{\"schema\":\"{\\\"type\\\":\\\"object\\\"}\",\"schemaType\":\"JSON\"}", 200, "{\"id\":1}");
    ASK("GET", "/schemas/ids/1", NULL, 200, "{\"schemaType\":\"JSON\",\"schema\":");
    ASK("POST", "/subjects/j-value/versions", "{\"schema\":\"{\",\"schemaType\":\"JSON\"}", 422, "42201");
    ASK("POST", "/subjects/j-value/versions",
        "{\"schema\":\"{\\\"type\\\":\\\"array\\\"}\",\"schemaType\":\"JSON\"}", 409, "TYPE_CHANGED at path '#/'");
    ASK("POST", "/compatibility/subjects/j-value/versions/latest?verbose=true",
        "{\"schema\":\"{\\\"type\\\":\\\"object\\\",\\\"required\\\":[\\\"a\\\"]}\",\"schemaType\":\"JSON\"}", 200,
        "NOT_DECIDED");
    ASK("POST", "/subjects/k-value/versions",
        "{\"schema\":\"{\\\"$ref\\\":\\\"j.json\\\"}\",\"schemaType\":\"JSON\",\"references\":[{\"name\":\"j."
        "json\",\"subject\":\"j-value\","
        "\"version\":1}]}",
        200, "{\"id\":2}");
    ASK("POST", "/subjects/k-value/versions",
        "{\"schema\":\"{\\\"type\\\":\\\"object\\\",\\\"title\\\":\\\"k\\\"}\",\"schemaType\":\"JSON\"}", 200,
        "{\"id\":3}");
    ASK("POST", "/subjects/k-value/versions",
        "{\"schema\":\"{\\\"$ref\\\":\\\"x.json\\\"}\",\"schemaType\":\"JSON\"}", 422,
        "refers to 'x.json', which is neither");
    ASK("PUT", "/config/j-value", "{\"compatibility\":\"NONE\"}", 200, "NONE");
    ASK("POST", "/subjects/j-value/versions",
        "{\"schema\":\"{\\\"type\\\":\\\"array\\\"}\",\"schemaType\":\"JSON\"}", 200, "{\"id\":4}");
    http_server_close(&s);
}

#define PROTO(text) "{\"schema\":\"syntax = \\\"proto3\\\";" text "\",\"schemaType\":\"PROTOBUF\"}"
#define PROTO_WITH(text, ref)                                                                                      \
    "{\"schema\":\"syntax = \\\"proto3\\\";" text "\",\"schemaType\":\"PROTOBUF\",\"references\":[" ref "]}"
#define DESCRIBED "Ig4KAUESCQoBYRgBIAEoBWIGcHJvdG8z" /* the same without the file's name */
#define DESCRIPTOR                                                                                                 \
    "CgdhLnByb3RvIhEKAUESDAoBYRgBIAEoBVIBYWIGcHJvdG8z" /* of: syntax = "proto3"; message A { int32 a = 1; } */
#define REF(version) "{\"name\":\"b.proto\",\"subject\":\"b\",\"version\":" version "}"

TEST(schemas_of_protobuf)
{
    struct http_server s;

    open_server(&s, NULL);
    ASK("POST", "/subjects/p-value/versions", PROTO("message A{int32 a=1;}"), 200, "{\"id\":1}");
    ASK("POST", "/subjects/p-value/versions", PROTO("message A{int64 a=1; string b=2;}"), 200, "{\"id\":2}");
    ASK("POST", "/subjects/p-value/versions", PROTO("message A{string a=1;}"), 409,
        "FIELD_SCALAR_KIND_CHANGED at path '#/A/1'");
    ASK("POST", "/compatibility/subjects/p-value/versions/latest?verbose=true", PROTO("message B{string a=1;}"),
        200, "MESSAGE_REMOVED at path '#/A'");
    ASK("POST", "/subjects/p-value/versions", PROTO("message A{"), 422, "line 1");
    ASK("POST", "/subjects/p-value/versions", PROTO("message A{X a=1;}"), 422, "of a type 'X' that is not there");
    ASK("POST", "/subjects/p-value", PROTO("message A{int32 a=1;}"), 200, "\"version\":1");
    ASK("POST", "/subjects/p-value", PROTO("  /* but blanks */\\nmessage A {\\n  int32 a = 1; // and words\\n}"),
        200, "\"version\":1");
    /* what is referred to is compared too */
    ASK("POST", "/subjects/b/versions", PROTO("package b;message B{int32 x=1;}"), 200, "{\"id\":3}");
    ASK("POST", "/subjects/b/versions", PROTO("package b;message B{uint32 x=1;}"), 200, "{\"id\":4}");
    ASK("PUT", "/config/b", "{\"compatibility\":\"NONE\"}", 200, "NONE");
    ASK("POST", "/subjects/b/versions", PROTO("package b;message B{string x=1;}"), 200, "{\"id\":5}");
    ASK("POST", "/subjects/c/versions", PROTO("import \\\"b.proto\\\";message C{b.B b=1;}"), 422,
        "'b.proto', which is not there");
    ASK("POST", "/subjects/c/versions", PROTO_WITH("import \\\"b.proto\\\";message C{b.B b=1;}", REF("1")), 200,
        "{\"id\":6}");
    ASK("POST", "/subjects/c/versions", PROTO_WITH("import \\\"b.proto\\\";message C{b.B b=1;}", REF("2")), 200,
        "{\"id\":7}");
    ASK("POST", "/subjects/c/versions", PROTO_WITH("import \\\"b.proto\\\";message C{b.B b=1;}", REF("3")), 409,
        "FIELD_NAMED_TYPE_CHANGED");
    ASK("GET", "/subjects/b/versions/1/referencedby", NULL, 200, "[6]");
    ASK("GET", "/schemas/ids/1?format=serialized", NULL, 200, "\"schema\":\"" DESCRIBED "\"");
    /* a descriptor in base64 is a schema as well as its text */
    ASK("POST", "/subjects/d/versions", "{\"schema\":\"" DESCRIPTOR "\",\"schemaType\":\"PROTOBUF\"}", 200,
        "{\"id\":8}");
    ASK("POST", "/subjects/d/versions", PROTO("message A{string a=1;}"), 409, "FIELD_SCALAR_KIND_CHANGED");
    ASK("POST", "/subjects/d/versions", PROTO("message A{int32 a=1; message N{}}"), 200, "{\"id\":9}");
    http_server_close(&s);
}
