/* default.c: a default of a schema, which is JSON, as a value of its type in binary. Of a union it is the first branch that
 * it fits. Trying branches inside branches could take for ever, so the steps are counted. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json_reader.h"
#include "data/avro/compat.h"

enum { STEPS_MAX = 1 << 20 };

struct writer {
    struct buf *out;
    uint32_t steps, depth;
};

static bool write_value(struct writer *w, const struct avro_schema *s, struct bytes json);

static bool write_integer(struct writer *w, struct bytes json, int64_t low, int64_t high)
{
    int64_t n;

    if (json_kind_of(json) != JSON_NUMBER || !bytes_to_i64(json, &n) || n < low || n > high)
        return false;
    buf_varint(w->out, n);
    return true;
}

/* A number, or its name: "NaN", "Infinity". */
static bool write_float(struct writer *w, struct bytes json, enum avro_kind kind)
{
    char text[64];
    char *end;
    bool named = json_kind_of(json) == JSON_STRING;
    struct bytes number = named && json.len > 2 ? bytes_of(json.ptr + 1, json.len - 2) : json;

    if ((!named && json_kind_of(json) != JSON_NUMBER) || number.len >= sizeof(text))
        return false;
    snprintf(text, sizeof(text), "%.*s", BYTES_FMT(number));
    double d = strtod(text, &end);
    if (*end || end == text)
        return false;
    if (kind == AVRO_DOUBLE) {
        uint64_t bits;
        memcpy(&bits, &d, sizeof(bits));
        buf_u64_le(w->out, bits);
    } else {
        float f = (float)d;
        uint32_t bits;
        memcpy(&bits, &f, sizeof(bits));
        buf_u32_le(w->out, bits);
    }
    return true;
}

/* Bytes stand in a JSON text a character each, U+0000 to U+00FF. False: there is another. */
static bool latin1(struct bytes utf8, struct buf *out)
{
    for (size_t i = 0; i < utf8.len; i++) {
        uint8_t c = utf8.ptr[i];
        if (c >= 0x80) {
            if (c > 0xc3 || ++i >= utf8.len)
                return false;
            c = (uint8_t)(c << 6 | (utf8.ptr[i] & 0x3f));
        }
        buf_u8(out, c);
    }
    return true;
}

static bool write_text(struct writer *w, const struct avro_schema *s, struct bytes json)
{
    struct buf text, bytes;
    bool ok = json_kind_of(json) == JSON_STRING;

    buf_init(&text, 0);
    buf_init(&bytes, 0);
    if (ok)
        json_string_decode(json, &text);
    if (s->kind == AVRO_STRING)
        buf_bytes(&bytes, buf_view(&text));
    else
        ok = ok && latin1(buf_view(&text), &bytes);
    if (s->kind == AVRO_FIXED)
        ok = ok && bytes.len == s->size;
    else if (ok)
        buf_varint(w->out, (int64_t)bytes.len);
    if (ok)
        buf_bytes(w->out, buf_view(&bytes));
    buf_deinit(&text);
    buf_deinit(&bytes);
    return ok;
}

static bool write_symbol(struct writer *w, const struct avro_schema *s, struct bytes json)
{
    struct buf text;
    uint32_t at = s->count;

    if (json_kind_of(json) != JSON_STRING)
        return false;
    buf_init(&text, 0);
    json_string_decode(json, &text);
    for (uint32_t i = 0; i < s->count && at == s->count; i++)
        if (bytes_equal(s->symbols[i], buf_view(&text)))
            at = i;
    buf_deinit(&text);
    buf_varint(w->out, at);
    return at < s->count;
}

static bool write_list(struct writer *w, const struct avro_schema *s, struct bytes json)
{
    struct json_iter it = json_iter_of(json), counting = it;
    struct bytes key, value;
    bool map = s->kind == AVRO_MAP;
    int64_t count = 0;

    if (json_kind_of(json) != (map ? JSON_OBJECT : JSON_ARRAY))
        return false;
    while (map ? json_object_next(&counting, &key, &value) : json_array_next(&counting, &value))
        count++;
    if (count)
        buf_varint(w->out, count);
    while (map ? json_object_next(&it, &key, &value) : json_array_next(&it, &value)) {
        static const struct avro_schema text = {.kind = AVRO_STRING};
        if ((map && !write_text(w, &text, key)) || !write_value(w, s->inner[0], value))
            return false;
    }
    buf_varint(w->out, 0);
    return true;
}

static bool write_record(struct writer *w, const struct avro_schema *s, struct bytes json)
{
    if (json_kind_of(json) != JSON_OBJECT)
        return false;
    for (uint32_t i = 0; i < s->count; i++) {
        char name[200];
        struct bytes value = s->fields[i].otherwise;
        snprintf(name, sizeof(name), "%.*s", BYTES_FMT(bytes_head(s->fields[i].name, sizeof(name) - 1)));
        json_member(json, name, &value);
        if (!value.ptr || !write_value(w, s->fields[i].type, value))
            return false;
    }
    return true;
}

static bool write_union(struct writer *w, const struct avro_schema *s, struct bytes json)
{
    size_t len = w->out->len;

    for (uint32_t i = 0; i < s->count; i++) {
        w->out->len = len;
        buf_varint(w->out, i);
        if (write_value(w, s->inner[i], json))
            return true;
    }
    return false;
}

static bool write_kind(struct writer *w, const struct avro_schema *s, struct bytes json)
{
    enum json_kind kind = json_kind_of(json);

    switch (s->kind) {
    case AVRO_NULL: return kind == JSON_NULL;
    case AVRO_BOOLEAN:
        buf_u8(w->out, kind == JSON_TRUE);
        return kind == JSON_TRUE || kind == JSON_FALSE;
    case AVRO_INT: return write_integer(w, json, INT32_MIN, INT32_MAX);
    case AVRO_LONG: return write_integer(w, json, INT64_MIN, INT64_MAX);
    case AVRO_FLOAT:
    case AVRO_DOUBLE: return write_float(w, json, s->kind);
    case AVRO_BYTES:
    case AVRO_STRING:
    case AVRO_FIXED: return write_text(w, s, json);
    case AVRO_ENUM: return write_symbol(w, s, json);
    case AVRO_ARRAY:
    case AVRO_MAP: return write_list(w, s, json);
    case AVRO_RECORD: return write_record(w, s, json);
    case AVRO_UNION: return write_union(w, s, json);
    case AVRO_KINDS: break;
    }
    return false;
}

static bool write_value(struct writer *w, const struct avro_schema *s, struct bytes json)
{
    if (w->depth == AVRO_DEPTH_MAX || w->steps == STEPS_MAX)
        return false;
    w->steps++;
    w->depth++;
    bool ok = write_kind(w, s, json);
    w->depth--;
    return ok;
}

bool avro_default_write(const struct avro_schema *schema, struct bytes json, struct buf *out)
{
    struct writer w = {.out = out};

    return write_value(&w, schema, json);
}
