/* registry.c: see registry.h. What requests and answers of the schema registry have in common. */
#include "serve/http/registry.h"

#include "base/check.h"
#include "base/json_reader.h"
#include "wire/http/uri.h"

void registry_refuse(struct exchange *x, enum schema_error error, const struct diag *diag)
{
    unsigned status = error < 1000 ? (unsigned)error : (unsigned)error / 100;
    struct buf body;
    struct json_writer w;

    buf_init(&body, 0);
    json_writer_init(&w, &body);
    json_object_begin(&w);
    json_key_i64(&w, "error_code", error);
    json_key_str(&w, "message", diag->message);
    json_object_end(&w);
    reply_json(x, status, &body);
}

void registry_answer(struct exchange *x, uint64_t lsn, struct buf *take_body)
{
    if (lsn)
        reply_when_durable(x, lsn, 200, take_body);
    else
        reply_json(x, 200, take_body);
}

/* ---- who may ---- */

static struct bytes topic_of(struct bytes subject)
{
    static const char *const ends[] = {"-value", "-key"};

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        size_t len = strlen(ends[i]);
        if (subject.len > len && bytes_is(bytes_skip(subject, subject.len - len), ends[i]))
            return bytes_head(subject, subject.len - len);
    }
    return subject;
}

bool registry_may(struct exchange *x, enum acl_operation operation, struct bytes subject)
{
    return exchange_may(x, operation, ACL_TOPIC, topic_of(subject));
}

bool registry_can_read(struct exchange *x, struct bytes subject)
{
    return exchange_can(x, ACL_DESCRIBE, ACL_TOPIC, topic_of(subject));
}

/* ---- requests ---- */

struct bytes registry_query(struct exchange *x, const char *name)
{
    struct buf text;

    buf_init(&text, 0);
    bool given = query_get(x->request->query, name, &text);
    struct bytes out = given ? arena_copy(&x->arena, buf_view(&text)) : BYTES_NONE;
    buf_deinit(&text);
    return out;
}

bool registry_flag(struct exchange *x, const char *name)
{
    return bytes_is_nocase(registry_query(x, name), "true");
}

static bool refuse_with(struct exchange *x, enum schema_error error, const char *text)
{
    struct diag diag = {0};

    diag_set(&diag, ST_INVALID, DIAG_VALUE, "%s", text);
    registry_refuse(x, error, &diag);
    return false;
}

bool registry_version(struct exchange *x, struct bytes text, int32_t *out)
{
    int64_t n;

    *out = SCHEMA_LATEST;
    if (bytes_is(text, "latest") || bytes_is(text, "-1"))
        return true;
    if (bytes_to_i64(text, &n) && n >= 1 && n <= INT32_MAX) {
        *out = (int32_t)n;
        return true;
    }
    return refuse_with(x, SCHEMA_BAD_VERSION, "The specified version is not a valid version id. Allowed values are between "
                                              "[1, 2^31-1] and the string \"latest\"");
}

bool registry_text(struct exchange *x, struct bytes object, const char *name, struct bytes *out)
{
    struct bytes value;
    struct buf text;

    if (!json_member(object, name, &value) || json_kind_of(value) != JSON_STRING)
        return false;
    buf_init(&text, 0);
    json_string_decode(value, &text);
    *out = arena_copy(&x->arena, buf_view(&text));
    buf_deinit(&text);
    return true;
}

/* Without the blanks between: texts that differ in them alone are one schema. */
static struct bytes without_blanks(struct exchange *x, struct bytes json)
{
    struct buf out;
    bool quoted = false;

    buf_init(&out, 0);
    for (size_t i = 0; i < json.len; i++) {
        uint8_t c = json.ptr[i];
        if (quoted && c == '\\' && i + 1 < json.len) {
            buf_append(&out, json.ptr + i++, 2);
            continue;
        }
        if (c == '"')
            quoted = !quoted;
        if (quoted || (c != ' ' && c != '\t' && c != '\n' && c != '\r'))
            buf_u8(&out, c);
    }
    struct bytes kept = arena_copy(&x->arena, buf_view(&out));
    buf_deinit(&out);
    return kept;
}

static bool read_type(struct exchange *x, struct bytes object, enum schema_type *out)
{
    struct bytes name;

    *out = SCHEMA_AVRO;
    if (!registry_text(x, object, "schemaType", &name))
        return true;
    for (*out = 0; *out < SCHEMA_TYPES; (*out)++)
        if (bytes_is(name, schema_type_name(*out)))
            return true;
    return refuse_with(x, SCHEMA_BAD, "Invalid schema type: there are AVRO, JSON and PROTOBUF");
}

static bool read_reference(struct exchange *x, struct bytes object, struct schema_reference *out)
{
    struct bytes version;
    int64_t n;

    if (!registry_text(x, object, "name", &out->name) || !registry_text(x, object, "subject", &out->subject) ||
        !json_member(object, "version", &version) || !bytes_to_i64(version, &n) || n < -1 || n > INT32_MAX)
        return false;
    out->version = (int32_t)n;
    if (n == SCHEMA_LATEST || n == 0) {
        struct schema_version latest;
        struct diag passed = {0};
        if (schema_version_find(x->face->log, out->subject, SCHEMA_LATEST, false, &latest, &passed) != SCHEMA_OK)
            return false;
        out->version = latest.version;
    }
    return true;
}

static bool read_references(struct exchange *x, struct bytes object, struct schema_text *out)
{
    struct bytes list, one;

    if (!json_member(object, "references", &list) || json_kind_of(list) != JSON_ARRAY)
        return true;
    struct schema_reference *references = ARENA_ARRAY(&x->arena, struct schema_reference, SCHEMA_REFERENCES_MAX + 1);
    struct json_iter it = json_iter_of(list);
    while (json_array_next(&it, &one)) {
        if (out->references_count == SCHEMA_REFERENCES_MAX ||
            json_kind_of(one) != JSON_OBJECT || !read_reference(x, one, &references[out->references_count]))
            return refuse_with(x, SCHEMA_BAD, "A reference has a name, a subject and a version that is there; there are at most 100");
        out->references_count++;
    }
    out->references = references;
    return true;
}

static int64_t member_i64(struct bytes object, const char *name)
{
    struct bytes value;
    int64_t n = 0;

    return json_member(object, name, &value) && bytes_to_i64(value, &n) && n > 0 && n <= INT32_MAX ? n : 0;
}

bool registry_body(struct exchange *x, struct registry_body *out)
{
    struct json_cursor cursor = json_cursor_of(x->request->body);
    struct bytes object;

    *out = (struct registry_body){0};
    if (!json_is_one(x->request->body, NULL) || !json_next(&cursor, &object) || json_kind_of(object) != JSON_OBJECT ||
        !registry_text(x, object, "schema", &out->schema.text))
        return refuse_with(x, SCHEMA_BAD, "The body is no object with the text of a 'schema'");
    if (!read_type(x, object, &out->schema.type) || !read_references(x, object, &out->schema))
        return false;
    if (out->schema.type != SCHEMA_PROTOBUF)
        out->schema.text = without_blanks(x, out->schema.text);
    out->id = (uint32_t)member_i64(object, "id");
    out->version = (int32_t)member_i64(object, "version");
    return true;
}
