/* JSON records by simdjson's on-demand parser: a record is copied once into a padded buffer, its structure
 * indexed (and its UTF-8 checked), and its fields visited in the order they have; values that are not
 * wanted are passed over without being parsed. */
#include <new>

#include <simdjson.h>

extern "C" {
#include "data/decimal.h"
#include "data/format/json_parse.h"
#include "data/number.h"
}

namespace od = simdjson::ondemand;

struct json_parser {
    od::parser parser;
    uint8_t *scratch = nullptr;
    size_t cap = 0;
};

namespace {

enum { SEEN_WORDS = 4, PARSER_DEPTH_MAX = 64 };

struct context {
    const json_rules *rules;
    struct diag *diag;
};

bool put(const context &c, const json_value &want, column_builder *b, od::value v);

/* ---- why it failed ---- */

bool bad(const context &c, const char *what)
{
    diag_set(c.diag, ST_INVALID, DIAG_VALUE, "%s", what);
    return false;
}

bool bad_type(const context &c, const type *t, od::value v)
{
    static const char *const kinds[] = {"?", "an array", "an object", "a number", "a string", "a boolean", "null"};
    od::json_type kind;
    struct arena scratch;

    arena_init(&scratch, ARENA_BUDGET_NONE);
    if (v.type().get(kind) != simdjson::SUCCESS)
        diag_set(c.diag, ST_INVALID, DIAG_VALUE, "the JSON is malformed here");
    else
        diag_set(c.diag, ST_INVALID, DIAG_VALUE, "%s that is no %s", kinds[int(kind) <= 6 ? int(kind) : 0],
                 type_text(&scratch, type_not_null(&scratch, t, false)));
    arena_deinit(&scratch);
    return false;
}

struct bytes view(std::string_view s)
{
    return bytes_of(s.data(), s.size());
}

struct bytes trimmed(struct bytes t)
{
    while (t.len && t.ptr[0] <= ' ')
        t = bytes_skip(t, 1);
    while (t.len && t.ptr[t.len - 1] <= ' ')
        t.len--;
    return t;
}

/* ---- scalars ---- */

/* Numbers and booleans may also come as strings, as in Flink. */
bool scalar_text(od::value v, struct bytes *out)
{
    std::string_view s;
    od::json_type kind;

    if (v.type().get(kind) != simdjson::SUCCESS)
        return false;
    if (kind == od::json_type::string) {
        if (v.get_string().get(s) != simdjson::SUCCESS)
            return false;
    } else if (kind == od::json_type::number || kind == od::json_type::boolean) {
        s = v.raw_json_token();
    } else {
        return false;
    }
    *out = trimmed(view(s));
    return true;
}

/* The text of a number must be one by JSON's grammar: on-demand has not looked at it yet. */
bool whole_number(struct bytes t)
{
    size_t i = t.len && t.ptr[0] == '-';

    if (i == t.len || (t.ptr[i] == '0' && t.len > i + 1 && t.ptr[i + 1] >= '0' && t.ptr[i + 1] <= '9'))
        return false;
    return t.ptr[i] >= '0' && t.ptr[i] <= '9';
}

bool get_i64(od::value v, int64_t low, int64_t high, int64_t *out)
{
    struct bytes text;
    double d;

    if (v.get_int64().get(*out) == simdjson::SUCCESS)
        return *out >= low && *out <= high;
    if (v.get_double().get(d) == simdjson::SUCCESS) { /* 12.0, 1e3: cut, if it is in range */
        if (!(d >= double(low) && d < double(high) + 1 && d < 9223372036854775808.0))
            return false;
        *out = int64_t(d);
        return true;
    }
    if (!scalar_text(v, &text))
        return false;
    return bytes_to_i64(text, out) && *out >= low && *out <= high;
}

bool put_integer(const context &c, const type *t, column_builder *b, od::value v)
{
    static const int64_t highs[] = {INT8_MAX, INT16_MAX, INT32_MAX};
    int64_t n;

    if (t->kind == TYPE_BIGINT) {
        if (!get_i64(v, INT64_MIN, INT64_MAX, &n))
            return bad_type(c, t, v);
        column_put_i64(b, n);
        return true;
    }
    int64_t high = highs[t->kind - TYPE_TINYINT];
    if (!get_i64(v, -high - 1, high, &n))
        return bad_type(c, t, v);
    column_put_i32(b, int32_t(n));
    return true;
}

bool put_float(const context &c, const type *t, column_builder *b, od::value v)
{
    struct bytes text;
    double d;

    if (v.get_double().get(d) != simdjson::SUCCESS && !(scalar_text(v, &text) && f64_parse(text, &d)))
        return bad_type(c, t, v);
    if (t->kind == TYPE_FLOAT)
        column_put_f32(b, float(d));
    else
        column_put_f64(b, d);
    return true;
}

bool put_decimal(const context &c, const type *t, column_builder *b, od::value v)
{
    struct bytes text;
    i128 d;

    if (!scalar_text(v, &text) || !whole_number(text) ||
        !decimal_parse(text, t->precision, t->scale, &d))
        return bad_type(c, t, v);
    column_put_i128(b, d);
    return true;
}

bool put_bool(const context &c, const type *t, column_builder *b, od::value v)
{
    struct bytes text;
    bool is;

    if (v.get_bool().get(is) != simdjson::SUCCESS) {
        if (!scalar_text(v, &text) || !(bytes_is_nocase(text, "true") || bytes_is_nocase(text, "false")))
            return bad_type(c, t, v);
        is = text.len == 4;
    }
    column_put_bool(b, is);
    return true;
}

/* The text of a string without escapes, as it lies in the record. */
bool plain_string(std::string_view token, struct bytes *out)
{
    struct bytes t = trimmed(view(token));

    if (t.len < 2 || t.ptr[0] != '"' || t.ptr[t.len - 1] != '"')
        return false;
    *out = bytes_of(t.ptr + 1, t.len - 2);
    return memchr(out->ptr, '\\', out->len) == nullptr;
}

/* Objects, arrays and other scalars give their JSON text where STRING is wanted. */
bool put_text(const context &c, const type *t, column_builder *b, od::value v)
{
    std::string_view s;
    struct bytes plain;

    if (plain_string(v.raw_json_token(), &plain)) {
        column_put_text(b, plain);
        return true;
    }

    if (v.get_string().get(s) == simdjson::SUCCESS) {
        column_put_text(b, view(s));
        return true;
    }
    od::json_type kind;
    if (v.type().get(kind) != simdjson::SUCCESS || kind == od::json_type::string)
        return bad_type(c, t, v);
    if (kind == od::json_type::object) {
        od::object o;
        if (v.get_object().get(o) != simdjson::SUCCESS || o.raw_json().get(s) != simdjson::SUCCESS)
            return bad(c, "the JSON is malformed here");
    } else if (kind == od::json_type::array) {
        od::array a;
        if (v.get_array().get(a) != simdjson::SUCCESS || a.raw_json().get(s) != simdjson::SUCCESS)
            return bad(c, "the JSON is malformed here");
    } else {
        s = v.raw_json_token();
    }
    column_put_text(b, trimmed(view(s)));
    return true;
}

bool put_time(const context &c, const type *t, column_builder *b, od::value v)
{
    std::string_view s;
    int64_t n;

    if (v.get_string().get(s) != simdjson::SUCCESS || !json_time(c.rules, t, view(s), &n))
        return bad_type(c, t, v);
    if (t->kind == TYPE_DATE)
        column_put_i32(b, int32_t(n));
    else
        column_put_i64(b, n);
    return true;
}

/* ---- structures ---- */

/* The wanted field with this key; keys mostly come in the order of the columns, so look there first. */
const json_field *find_named(const json_object &object, struct bytes key, uint16_t *next)
{
    uint16_t at = *next < object.count ? *next : 0;

    for (uint16_t i = 0; i < object.count; i++) {
        if (bytes_equal(key, object.fields[at].name)) {
            *next = uint16_t(at + 1);
            return &object.fields[at];
        }
        at = uint16_t(at + 1 < object.count ? at + 1 : 0);
    }
    return nullptr;
}

const json_field *find_field(const json_object &object, od::field &field, uint16_t *next)
{
    const char *raw = field.key().raw(), *end = raw;
    std::string_view s;

    while (*end != '"' && *end != '\\') /* the index has seen the closing quote */
        end++;
    if (*end == '"')
        return find_named(object, bytes_of(raw, size_t(end - raw)), next);
    if (field.unescaped_key().get(s) != simdjson::SUCCESS)
        return nullptr;
    return find_named(object, view(s), next);
}

bool finish_object(const context &c, const json_object &object, column_builder *cols, uint32_t rows)
{
    for (uint16_t i = 0; i < object.count; i++) {
        column_builder *b = &cols[object.fields[i].column];
        if (object.named)
            column_put_bool(&cols[object.named + i], b->rows != rows);
        if (b->rows != rows || b->failed)
            continue;
        if (c.rules->fail_on_missing && !c.rules->ignore_errors) {
            bad(c, "is missing");
            format_within_field(c.diag, object.fields[i].name);
            return false;
        }
        column_put_null(b);
    }
    return true;
}

bool put_object(const context &c, const json_object &object, column_builder *cols, od::object o)
{
    uint32_t rows = object.count ? cols[object.fields[0].column].rows : 0;
    uint16_t next = 0;

    for (auto item : o) {
        od::field field;
        if (std::move(item).get(field) != simdjson::SUCCESS)
            return bad(c, "the JSON is malformed");
        const json_field *want = find_field(object, field, &next);
        if (!want)
            continue;
        column_builder *b = &cols[want->column];
        if (b->rows != rows)
            column_truncate(b, rows); /* the key came before: the last one counts */
        if (!put(c, want->value, b, field.value())) {
            if (!c.rules->ignore_errors) {
                format_within_field(c.diag, want->name);
                return false;
            }
            column_truncate(b, rows);
            column_put_null(b);
        }
    }
    return finish_object(c, object, cols, rows);
}

bool put_row(const context &c, const json_value &want, column_builder *b, od::value v)
{
    od::object o;

    if (v.get_object().get(o) != simdjson::SUCCESS)
        return bad_type(c, want.type, v);
    if (!put_object(c, *want.object, b->children, o)) {
        for (uint16_t i = 0; i < want.type->fields_count; i++)
            column_truncate(&b->children[i], b->rows);
        return false;
    }
    column_put_row(b);
    return true;
}

void drop_elements(column_builder *b)
{
    for (uint16_t i = 0; i < b->type->fields_count && !b->failed; i++)
        column_truncate(&b->children[i], b->offsets[b->rows]);
}

bool put_array(const context &c, const json_value &want, column_builder *b, od::value v)
{
    od::array a;
    bool ok = true;

    if (v.get_array().get(a) != simdjson::SUCCESS)
        return bad_type(c, want.type, v);
    for (auto item : a) {
        od::value element;
        ok = std::move(item).get(element) == simdjson::SUCCESS;
        if (!ok) {
            bad(c, "the JSON is malformed in an array");
            break;
        }
        ok = put(c, want.elements[0], &b->children[0], element);
        if (!ok)
            break;
    }
    if (!ok) {
        drop_elements(b);
        return false;
    }
    column_put_list(b);
    return true;
}

/* Keys of a JSON object are text; a MAP's key type must be text (json.c has checked). */
bool put_map(const context &c, const json_value &want, column_builder *b, od::value v)
{
    od::object o;
    bool ok = true;

    if (v.get_object().get(o) != simdjson::SUCCESS)
        return bad_type(c, want.type, v);
    for (auto item : o) {
        od::field field;
        std::string_view key;
        ok = std::move(item).get(field) == simdjson::SUCCESS && field.unescaped_key().get(key) == simdjson::SUCCESS;
        if (!ok) {
            bad(c, "the JSON is malformed in a map");
            break;
        }
        column_put_text(&b->children[0], view(key));
        ok = put(c, want.elements[1], &b->children[1], field.value());
        if (!ok)
            break;
    }
    if (!ok) {
        drop_elements(b);
        return false;
    }
    column_put_list(b);
    return true;
}

bool put(const context &c, const json_value &want, column_builder *b, od::value v)
{
    const type *t = want.type;
    bool null;

    if (v.is_null().get(null) == simdjson::SUCCESS && null) {
        column_put_null(b);
        return true;
    }
    switch (t->kind) {
    case TYPE_BOOLEAN: return put_bool(c, t, b, v);
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT: return put_integer(c, t, b, v);
    case TYPE_FLOAT:
    case TYPE_DOUBLE: return put_float(c, t, b, v);
    case TYPE_DECIMAL: return put_decimal(c, t, b, v);
    case TYPE_CHAR:
    case TYPE_VARCHAR: return put_text(c, t, b, v);
    case TYPE_BINARY:
    case TYPE_VARBINARY: {
        std::string_view s;
        if (v.get_string().get(s) != simdjson::SUCCESS || !json_base64(b, view(s)))
            return bad_type(c, t, v);
        return true;
    }
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ: return put_time(c, t, b, v);
    case TYPE_ROW: return put_row(c, want, b, v);
    case TYPE_ARRAY: return put_array(c, want, b, v);
    case TYPE_MAP:
    case TYPE_MULTISET: return put_map(c, want, b, v);
    default: return bad(c, "a type that JSON does not have");
    }
}

bool ensure_scratch(json_parser *p, size_t size)
{
    if (size <= p->cap)
        return true;
    size_t cap = p->cap ? p->cap : 4096;
    while (cap < size)
        cap *= 2;
    uint8_t *bigger = static_cast<uint8_t *>(realloc(p->scratch, cap));
    if (!bigger)
        return false;
    memset(bigger + p->cap, 0, cap - p->cap);
    p->scratch = bigger;
    p->cap = cap;
    return true;
}

} // namespace

struct json_parser *json_parser_create(void)
{
    return new (std::nothrow) json_parser;
}

void json_parser_destroy(struct json_parser *parser)
{
    if (parser)
        free(parser->scratch);
    delete parser;
}

bool json_parse_record(struct json_parser *p, const struct json_object *object, const struct json_rules *rules,
                       struct bytes record, struct column_builder *cols, struct diag *diag)
{
    context c = {rules, diag};
    od::document doc;
    od::object root;

    if (!ensure_scratch(p, record.len + simdjson::SIMDJSON_PADDING))
        return bad(c, "no memory for a record of this size");
    if (record.len)
        memcpy(p->scratch, record.ptr, record.len);
    simdjson::padded_string_view text(p->scratch, record.len, p->cap);
    simdjson::error_code error = p->parser.iterate(text).get(doc);
    if (error != simdjson::SUCCESS)
        return bad(c, error == simdjson::EMPTY        ? "the record is empty"
                      : error == simdjson::UTF8_ERROR ? "the record is not UTF-8"
                                                      : "the record is not JSON");
    if (doc.get_object().get(root) != simdjson::SUCCESS)
        return bad(c, "the record is not a JSON object");
    if (!put_object(c, *object, cols, root))
        return false;
    if (doc.current_location().error() != simdjson::OUT_OF_BOUNDS)
        return bad(c, "there is more after the JSON object");
    return true;
}
