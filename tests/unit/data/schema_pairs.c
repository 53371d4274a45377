/* Which schema may follow which: families of schemas, each compared with each, beside what Confluent's own checker says of the
 * same pairs (tests/golden/schemas). */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "data/avro/compat.h"
#include "data/jsonschema/compat.h"
#include "data/protobuf/compat.h"
#include "data/protobuf/text.h"
#include "lib/test.h"

enum { VARIANTS_MAX = 40 };

struct family {
    char name[60];
    struct bytes wrap, rows[VARIANTS_MAX], variants[VARIANTS_MAX];
    int count;
};

typedef bool can_read_fn(struct bytes reader, struct bytes writer, struct buf *why);

static struct bytes wrapped(const struct family *f, int i, struct buf *to)
{
    size_t at = bytes_find(f->wrap, '%', 0);

    buf_clear(to);
    buf_bytes(to, bytes_head(f->wrap, at));
    buf_bytes(to, f->variants[i]);
    buf_bytes(to, bytes_skip(f->wrap, at + 1));
    return buf_view(to);
}

static const char *text_of(struct buf *b)
{
    buf_u8(b, 0);
    b->len--;
    return (const char *)b->ptr;
}

static int compare_family(const struct family *f, can_read_fn *can_read)
{
    struct buf old, new, why;

    buf_init(&old, 0);
    buf_init(&new, 0);
    buf_init(&why, 4096);
    for (int i = 0; i < f->count; i++)
        for (int j = 0; j < f->count; j++) {
            buf_clear(&why);
            bool can = can_read(wrapped(f, j, &new), wrapped(f, i, &old), &why);
            EXPECT(can == !why.len);
            if (can != (f->rows[i].ptr[j] == 'y') ||
                (f->rows[i].ptr[j] == 'u' && !strstr(text_of(&why), "NOT_DECIDED")))
                test_fail(__FILE__, __LINE__, "%s: from '%.*s' to '%.*s': %s %.*s", f->name, BYTES_FMT(f->variants[i]),
                          BYTES_FMT(f->variants[j]), can ? "yes" : "no", BYTES_FMT(buf_view(&why)));
        }
    buf_deinit(&old);
    buf_deinit(&new);
    buf_deinit(&why);
    return f->count * f->count;
}

static struct bytes file_text(const char *path, struct buf *to)
{
    FILE *file = fopen(path, "rb");
    char part[4096];

    EXPECT(file);
    for (size_t n; (n = fread(part, 1, sizeof(part), file)) > 0;)
        buf_append(to, part, n);
    fclose(file);
    return buf_view(to);
}

static int compare_all(const char *path, can_read_fn *can_read)
{
    struct buf file;
    struct family f = {0};
    int pairs = 0;

    buf_init(&file, 0);
    struct bytes text = file_text(path, &file), line;
    for (size_t at = 0; at < text.len;) {
        size_t end = bytes_find(text, '\n', at);
        line = bytes_head(bytes_skip(text, at), end - at);
        at = end + 1;
        if (!line.len || line.ptr[0] == '#')
            continue;
        if (bytes_is(bytes_head(line, 7), "family ")) {
            pairs += compare_family(&f, can_read);
            f = (struct family){0};
            snprintf(f.name, sizeof(f.name), "%.*s", BYTES_FMT(bytes_skip(line, 7)));
        } else if (bytes_is(bytes_head(line, 5), "wrap ")) {
            f.wrap = bytes_skip(line, 5);
        } else {
            size_t gap = bytes_find(line, ' ', 0);
            EXPECT(f.count < VARIANTS_MAX);
            f.rows[f.count] = bytes_head(line, gap);
            f.variants[f.count++] = bytes_skip(line, gap + 1);
        }
    }
    pairs += compare_family(&f, can_read);
    buf_deinit(&file);
    return pairs;
}

static bool protobuf_can_read(struct bytes reader, struct bytes writer, struct buf *why)
{
    struct arena arena;
    struct proto_set ours, theirs;
    struct diag diag = {0};

    arena_init(&arena, ARENA_BUDGET_NONE);
    proto_set_init(&ours, &arena);
    proto_set_init(&theirs, &arena);
    if (proto_text(&ours, reader, NULL, NULL, &diag) != ST_OK || proto_text(&theirs, writer, NULL, NULL, &diag) != ST_OK)
        test_fail(__FILE__, __LINE__, "%s: %.*s", diag.message, BYTES_FMT(reader));
    bool can = proto_can_read(&ours, &theirs, why);
    arena_deinit(&arena);
    return can;
}

TEST_SECONDS(schema_pairs_of_protobuf, 60)
{
    EXPECT_INT(compare_all("tests/golden/schemas/protobuf.pairs", protobuf_can_read), 1939);
}

static bool json_can_read(struct bytes reader, struct bytes writer, struct buf *why)
{
    struct arena arena;
    struct js_set ours, theirs;
    struct diag diag = {0};

    arena_init(&arena, ARENA_BUDGET_NONE);
    enum status st = js_parse(&ours, &arena, reader, NULL, NULL, &diag);
    if (js_parse(&theirs, &arena, writer, NULL, NULL, &diag) != ST_OK || st != ST_OK)
        test_fail(__FILE__, __LINE__, "%s: %.*s", diag.message, BYTES_FMT(reader));
    bool can = js_can_read(&ours, &theirs, why);
    js_deinit(&ours);
    js_deinit(&theirs);
    arena_deinit(&arena);
    return can;
}

TEST_SECONDS(schema_pairs_of_json, 60)
{
    EXPECT_INT(compare_all("tests/golden/schemas/json.pairs", json_can_read), 5009);
}

/* What is not looked at is refused by its name, as it was and gone is let through. */
TEST(schema_pairs_that_are_not_decided)
{
    static const char *const parts[] = {"\"if\":{\"minimum\":1}",
                                        "\"type\":\"array\",\"contains\":{\"type\":\"null\"}",
                                        "\"type\":\"object\",\"propertyNames\":{\"maxLength\":2}",
                                        "\"type\":\"object\",\"patternProperties\":{\"a\":{}}"};
    struct buf one, other, why;

    buf_init(&one, 0);
    buf_init(&other, 0);
    buf_init(&why, 4096);
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        buf_clear(&one);
        buf_printf(&one, "{%s}", parts[i]);
        buf_clear(&other);
        buf_printf(&other, "{%.*s}", i ? (int)(strchr(parts[i], ',') - parts[i]) : 0, parts[i]);
        EXPECT(json_can_read(buf_view(&one), buf_view(&one), &why));
        EXPECT(json_can_read(buf_view(&other), buf_view(&one), &why));
        EXPECT(!json_can_read(buf_view(&one), buf_view(&other), &why));
        EXPECT(strstr(text_of(&why), "NOT_DECIDED at path '#/': '") || strstr(text_of(&why), "TYPE_CHANGED"));
        buf_clear(&why);
    }
    buf_deinit(&one);
    buf_deinit(&other);
    buf_deinit(&why);
}

static void no_schema(const char *text, const char *why)
{
    struct arena arena;
    struct js_set set;
    struct diag diag = {0};

    arena_init(&arena, ARENA_BUDGET_NONE);
    EXPECT(js_parse(&set, &arena, bytes_str(text), NULL, NULL, &diag) != ST_OK);
    EXPECT_STR(diag.message, why);
    js_deinit(&set);
    arena_deinit(&arena);
}

TEST(schema_texts_that_are_no_json_schema)
{
    no_schema("{", "the schema is not JSON");
    no_schema("5", "'a schema' of the JSON Schema is not an object, true or false");
    no_schema("{\"type\":\"text\"}",
              "'type' of the JSON Schema is not one of string, number, integer, boolean, null, array and object");
    no_schema("{\"properties\":{\"a\":{\"minLength\":-1}}}",
              "'minLength' of the JSON Schema is not a whole number");
    no_schema("{\"properties\":[]}", "'properties' of the JSON Schema is not an object of schemas");
    no_schema("{\"properties\":{\"a\":{},\"a\":true}}",
              "'properties' of the JSON Schema is not an object whose names are there once");
    no_schema("{\"items\":{\"$ref\":\"#/definitions/x\"}}",
              "the JSON Schema refers to '#/definitions/x', which is neither in it nor in a reference");
    no_schema("{\"$ref\":\"other.json\"}",
              "the JSON Schema refers to 'other.json', which is neither in it nor in a reference");
    no_schema("{\"$schema\":\"http://json-schema.org/draft-03/schema#\"}",
              "'$schema' = 'http://json-schema.org/draft-03/schema#' is no draft that is known: 04, 06, 07, "
              "2019-09 and 2020-12 are");
    no_schema("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$dynamicRef\":\"#a\"}",
              "JSON Schema's '$dynamicRef' is not compared: use '$ref', or set the subject's level to NONE");
}

/* Two unions of 3,000 records that all have the same short name, of which the last alone reads: each would be compared with
 * each. */
TEST_SECONDS(schema_pairs_that_take_too_long, 60)
{
    struct arena arena;
    struct avro_names names;
    const struct avro_schema *schemas[2];
    struct buf text, why;
    struct diag diag = {0};

    arena_init(&arena, ARENA_BUDGET_NONE);
    buf_init(&why, 4096);
    for (int i = 0; i < 2; i++) {
        buf_init(&text, 0);
        buf_str(&text, "[");
        for (int k = 0; k < 3000; k++)
            buf_printf(&text, "%s{\"type\":\"record\",\"name\":\"n%d.r\",\"fields\":[%s]}", k ? "," : "", k,
                       i || k < 2999 ? i ? "{\"name\":\"b\",\"type\":\"int\"}" : "{\"name\":\"a\",\"type\":\"int\"}" : "");
        buf_str(&text, "]");
        avro_names_init(&names, &arena);
        EXPECT_OK(avro_parse(&names, buf_view(&text), &schemas[i], &diag));
        buf_deinit(&text);
    }
    EXPECT(!avro_can_read(schemas[0], schemas[1], &why));
    EXPECT(!strncmp((const char *)why.ptr, "TOO_LARGE at path '/': ", 23));
    buf_deinit(&why);
    arena_deinit(&arena);
}
