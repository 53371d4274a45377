/* Functions of JSON texts: JSON_VALUE, JSON_QUERY, JSON_EXISTS, IS JSON, and those that make such texts.
 *
 * The parser writes their words as arguments (parse_json.c): what is done when nothing is found, or something is
 * wrong, is a text, "NULL", "ERROR", "DEFAULT", "EMPTY ARRAY" and so on. A path that is a literal is made ready
 * once. What is wrong, in strict mode: a text that is no JSON, a path that is not there, and of JSON_VALUE what is no
 * scalar or null, of JSON_QUERY what is one. In lax mode all of these are as what is not there. */
#include "base/buf.h"
#include "base/check.h"
#include "base/json_reader.h"
#include "data/call.h"
#include "data/json_value.h"
#include "data/jsonpath.h"
#include "data/number.h"
#include "data/parse.h"
#include "data/text.h"
#include "data/utf8.h"

#include <utf8proc.h>

enum { JSON_RESULT_MAX = 64 << 20 };

/* ---- finding ---- */

/* NONE: nothing, or NULL. BAD: an error, why says what. */
enum found { FOUND_VALUE, FOUND_LIST, FOUND_NONE, FOUND_BAD };

struct finder {
    struct call *call;
    struct jsonpath own; /* of the last path met that was no literal */
    struct bytes own_text;
    const struct jsonpath *path;
    struct jsonpath_found found;
    const char *why;
};

static bool bind_path(struct bind *b)
{
    const char *why;
    struct bytes text;

    if (!bind_cast(b, 0, type_simple(TYPE_VARCHAR)) || !bind_cast(b, 1, type_simple(TYPE_VARCHAR)))
        return false;
    if (!bind_literal(b, 1, &text))
        return true;
    struct jsonpath *path = ARENA_NEW(b->arena, struct jsonpath);
    if (!jsonpath_compile(b->arena, text, path, &why))
        return bind_fail(b, "the path '%.*s' is wrong: %s", BYTES_FMT(bytes_head(text, 60)), why);
    b->func_data = path;
    return true;
}

static bool finder_path(struct finder *f, uint32_t row)
{
    struct bytes text = arg_bytes(f->call, 1, row);

    if (f->call->expr->func_data)
        return f->path = f->call->expr->func_data, true;
    if (f->path && bytes_equal(text, f->own_text))
        return true;
    f->own_text = text;
    f->path = jsonpath_compile(f->call->ctx->arena, text, &f->own, &f->why) ? &f->own : NULL;
    return f->path != NULL;
}

/* Whether one value stands at the front of the text. */
static bool first_value(struct bytes text, struct bytes *value, const char **why)
{
    struct json_cursor c = json_cursor_of(text);

    if (json_next(&c, value))
        return true;
    *why = c.error ? c.error : "it is empty";
    return false;
}

static enum found find(struct finder *f, uint32_t row)
{
    struct bytes value;

    if (!finder_path(f, row))
        return FOUND_BAD;
    if (!first_value(arg_bytes(f->call, 0, row), &value, &f->why))
        return f->path->lax ? FOUND_NONE : FOUND_BAD;
    switch (jsonpath_find(f->path, f->call->ctx->arena, value, &f->found)) {
    case JSONPATH_MISSING:
        f->why = "there is nothing at the path";
        return f->path->lax ? FOUND_NONE : FOUND_BAD;
    case JSONPATH_TOO_MANY: f->why = "the path finds too many values"; return FOUND_BAD;
    case JSONPATH_FOUND: break;
    }
    if (f->path->several)
        return FOUND_LIST;
    return json_kind_of(f->found.values[0]) == JSON_NULL ? FOUND_NONE : FOUND_VALUE;
}

static bool is_container(struct bytes value)
{
    return json_kind_of(value) == JSON_OBJECT || json_kind_of(value) == JSON_ARRAY;
}

/* A word of the language, which the parser has put there as a literal. */
static bool want_word(struct bind *b, unsigned arg)
{
    struct bytes word;

    return bind_literal(b, arg, &word) || bind_fail(b, "argument %u is a word", arg + 1);
}

static bool word_is(const struct call *call, unsigned arg, const char *word)
{
    const struct str *text = &call->expr->args[arg]->value.str;

    return bytes_is(bytes_of(text->ptr, text->len), word);
}

/* ---- IS JSON, JSON_EXISTS ---- */

static bool bind_is_json(struct bind *b)
{
    if (!bind_cast(b, 0, type_simple(TYPE_VARCHAR)))
        return false;
    b->type = type_not_null(b->arena, type_simple(TYPE_BOOLEAN), true);
    return true;
}

enum { IS_VALUE = 1, IS_OBJECT, IS_ARRAY, IS_SCALAR, IS_NOT = 8 };

static enum status is_json(struct call *call)
{
    int want = call->expr->func->variant & ~IS_NOT;
    bool negated = call->expr->func->variant & IS_NOT;
    const char *why;

    FOR_ROWS(call, row) {
        struct bytes value;
        bool is = arg_valid(call, 0, row) && first_value(arg_bytes(call, 0, row), &value, &why);
        if (is && want != IS_VALUE) {
            enum json_kind kind = json_kind_of(value);
            is = want == IS_OBJECT ? kind == JSON_OBJECT : want == IS_ARRAY ? kind == JSON_ARRAY : !is_container(value);
        }
        OUT(call, uint8_t)[row] = is != negated;
    }
    return ST_OK;
}

static bool bind_exists(struct bind *b)
{
    b->type = type_simple(TYPE_BOOLEAN);
    return bind_path(b) && want_word(b, 2);
}

static enum status json_exists(struct call *call)
{
    struct finder f = {.call = call};

    FOR_ROWS(call, row) {
        enum found found = find(&f, row);
        OUT(call, uint8_t)[row] = found == FOUND_VALUE || found == FOUND_LIST;
        if (found != FOUND_BAD)
            continue;
        if (word_is(call, 2, "ERROR"))
            return call_fail(call, row, "JSON_EXISTS: %s", f.why);
        if (word_is(call, 2, "UNKNOWN"))
            call_null(call, row);
        OUT(call, uint8_t)[row] = word_is(call, 2, "TRUE");
    }
    return ST_OK;
}

/* ---- JSON_VALUE: json, path, a NULL of the type, then what on empty and its default, what on error and its default ---- */

static bool bind_value(struct bind *b)
{
    const struct type *type = bind_type(b, 2);

    if (!type_is_text(type->kind) && type->kind != TYPE_BOOLEAN && type->kind != TYPE_INT && type->kind != TYPE_DOUBLE)
        return bind_fail(b, "RETURNING takes STRING, BOOLEAN, INT or DOUBLE, not %s: CAST what it gives",
                         type_text(b->arena, type));
    b->type = type_not_null(b->arena, type, false);
    for (unsigned i = 3; i < 6; i += 2) {
        bool ok = type_is_text(type->kind) ? bind_force(b, i + 1, b->type) : bind_cast(b, i + 1, b->type);
        if (!ok || !want_word(b, i))
            return false;
    }
    return bind_path(b);
}

static void value_from_arg(struct call *call, uint32_t row, unsigned arg)
{
    size_t size = phys_size(type_phys(call->expr->type->kind));

    if (!arg_valid(call, arg, row)) {
        call_null(call, row);
        return;
    }
    memcpy((uint8_t *)call->data + size * row, (const uint8_t *)call->args[arg].col.data + size * ARG_ROW(call, arg, row),
           size);
}

/* on: the argument that says what is done */
static enum status value_without(struct call *call, uint32_t row, unsigned on, const char *why)
{
    if (word_is(call, on, "ERROR"))
        return call_fail(call, row, "JSON_VALUE: %s", why);
    if (word_is(call, on, "DEFAULT"))
        value_from_arg(call, row, on + 1);
    else
        call_null(call, row);
    return ST_OK;
}

static bool is_whole(struct bytes number)
{
    for (size_t i = 0; i < number.len; i++)
        if (number.ptr[i] == '.' || (number.ptr[i] | 32) == 'e')
            return false;
    return true;
}

/* A number for INT and DOUBLE, true or false for BOOLEAN: other kinds of values are errors. */
static bool value_put(struct call *call, uint32_t row, struct bytes value, struct buf *text)
{
    const struct type *type = call->expr->type;
    enum json_kind kind = json_kind_of(value);
    union value v;

    buf_clear(text);
    json_scalar_text(text, value);
    switch (type->kind) {
    case TYPE_BOOLEAN:
        OUT(call, uint8_t)[row] = kind == JSON_TRUE;
        return kind == JSON_TRUE || kind == JSON_FALSE;
    case TYPE_INT:
        if (kind != JSON_NUMBER || !is_whole(value) || !value_parse(type, value, 0, &v))
            return false;
        OUT(call, int32_t)[row] = v.i32;
        return true;
    case TYPE_DOUBLE:
        if (kind != JSON_NUMBER || !value_parse(type, value, 0, &v))
            return false;
        OUT(call, double)[row] = v.f64;
        return true;
    default: call_copy(call, row, buf_view(text)); return true;
    }
}

static enum status value_row(struct finder *f, uint32_t row, struct buf *text)
{
    enum { ON_EMPTY = 3, ON_ERROR = 5 };
    enum found found = find(f, row);

    if (found == FOUND_BAD)
        return value_without(f->call, row, ON_ERROR, f->why);
    if (found == FOUND_NONE)
        return value_without(f->call, row, f->path->lax ? ON_EMPTY : ON_ERROR, "there is nothing at the path");
    if (found == FOUND_LIST || is_container(f->found.values[0]))
        return value_without(f->call, row, f->path->lax ? ON_EMPTY : ON_ERROR, "the path does not lead to a scalar");
    if (!value_put(f->call, row, f->found.values[0], text))
        return value_without(f->call, row, ON_ERROR, "the value is not of the type that RETURNING asks for");
    return ST_OK;
}

static enum status json_value(struct call *call)
{
    struct finder f = {.call = call};
    enum status st = ST_OK;
    struct buf text;

    buf_init(&text, JSON_RESULT_MAX);
    FOR_ROWS(call, row) {
        if (!arg_valid(call, 0, row) || !arg_valid(call, 1, row)) {
            call_null(call, row);
            continue;
        }
        st = value_row(&f, row, &text);
        if (st != ST_OK)
            break;
    }
    buf_deinit(&text);
    return st;
}

/* ---- JSON_QUERY: json, path, wrapper, what on empty, what on error ---- */

static bool bind_query(struct bind *b)
{
    b->type = type_simple(TYPE_VARCHAR);
    return bind_path(b) && want_word(b, 2) && want_word(b, 3) && want_word(b, 4);
}

static enum status query_without(struct call *call, uint32_t row, unsigned on, const char *why)
{
    if (word_is(call, on, "ERROR"))
        return call_fail(call, row, "JSON_QUERY: %s", why);
    if (word_is(call, on, "EMPTY ARRAY"))
        call_view(call, row, BYTES_LITERAL("[]"));
    else if (word_is(call, on, "EMPTY OBJECT"))
        call_view(call, row, BYTES_LITERAL("{}"));
    else
        call_null(call, row);
    return ST_OK;
}

static void list_put(struct buf *out, const struct jsonpath_found *found)
{
    buf_u8(out, '[');
    for (uint32_t i = 0; i < found->count; i++) {
        if (i)
            buf_u8(out, ',');
        json_value_compact(out, found->values[i]);
    }
    buf_u8(out, ']');
}

static enum status query_row(struct finder *f, uint32_t row, struct buf *out)
{
    enum { WRAPPER = 2, ON_EMPTY, ON_ERROR };
    struct call *call = f->call;
    enum found found = find(f, row);

    if (found == FOUND_BAD)
        return query_without(call, row, ON_ERROR, f->why);
    if (found == FOUND_NONE)
        return query_without(call, row, f->path->lax ? ON_EMPTY : ON_ERROR, "there is nothing at the path");
    bool array = found == FOUND_LIST || json_kind_of(f->found.values[0]) == JSON_ARRAY;
    bool wrapped = word_is(call, WRAPPER, "UNCONDITIONAL") || (word_is(call, WRAPPER, "CONDITIONAL") && !array);
    if (!wrapped && found == FOUND_VALUE && !is_container(f->found.values[0]))
        return query_without(call, row, f->path->lax ? ON_EMPTY : ON_ERROR,
                             "the path does not lead to an object or an array");
    buf_clear(out);
    if (wrapped)
        buf_u8(out, '[');
    if (found == FOUND_LIST)
        list_put(out, &f->found);
    else
        json_value_compact(out, f->found.values[0]);
    if (wrapped)
        buf_u8(out, ']');
    if (out->failed)
        return call_fail(call, row, "JSON_QUERY: a result of more than 64 MiB");
    call_copy(call, row, buf_view(out));
    return ST_OK;
}

static enum status json_query(struct call *call)
{
    struct finder f = {.call = call};
    enum status st = ST_OK;
    struct buf out;

    buf_init(&out, JSON_RESULT_MAX);
    FOR_ROWS(call, row) {
        st = query_row(&f, row, &out);
        if (st != ST_OK)
            break;
    }
    buf_deinit(&out);
    return st;
}

/* ---- values as JSON ---- */

static bool type_has_json(const struct type *type)
{
    if (type_is_map(type->kind) && !type_is_text(type->fields[0].type->kind))
        return false;
    for (uint16_t i = 0; i < type->fields_count; i++)
        if (!type_has_json(type->fields[i].type))
            return false;
    return type->kind != TYPE_NULL && type->kind != TYPE_DATE && type->kind != TYPE_TIME &&
           type->kind != TYPE_INTERVAL_MONTH && type->kind != TYPE_INTERVAL_SECOND;
}

static bool want_json(struct bind *b, unsigned arg)
{
    return type_has_json(bind_type(b, arg)) ||
           bind_fail(b, "%s has no form in JSON: CAST it to STRING", type_text(b->arena, bind_type(b, arg)));
}

/* The first argument of JSON_OBJECT and JSON_ARRAY: N or A, for what NULLs become, then for each further argument j
 * where it is JSON already, which the parser alone knows: calls are folded. */
static bool want_how(struct bind *b)
{
    struct bytes how;

    if (!want_word(b, 0))
        return false;
    CHECK(bind_literal(b, 0, &how));
    return how.len == b->args_count || bind_fail(b, "argument 1 says of each other what it is");
}

static bool is_absent(const struct call *call)
{
    return call->expr->args[0]->value.str.ptr[0] == 'A';
}

static bool is_json_text(const struct call *call, unsigned arg)
{
    return arg > 0 && call->expr->args[0]->value.str.ptr[arg] == 'j';
}

/* The number written from `from` on, again as Flink writes it: 2.5E10 is 2.5E+10. */
static void as_decimal(struct buf *out, size_t from)
{
    char text[NUMBER_TEXT_MAX + 2];
    size_t len = out->len - from;

    if (out->failed || len > sizeof(text) || !len || out->ptr[from] == '"') /* NaN and infinities are texts */
        return;
    memcpy(text, out->ptr + from, len);
    out->len = from;
    json_number_text(out, bytes_of(text, len));
}

/* A time's fraction without the zeros at its end. */
static void short_fraction(struct buf *out, size_t from)
{
    size_t tail = out->len, end;

    while (tail > from && (out->ptr[tail - 1] == '"' || out->ptr[tail - 1] == 'Z'))
        tail--;
    end = tail;
    while (end > from && out->ptr[end - 1] == '0')
        end--;
    if (end > from && out->ptr[end - 1] == '.')
        end--;
    else if (bytes_find(bytes_of(out->ptr + from, end - from), '.', 0) == end - from)
        return; /* zeros of the seconds */
    memmove(out->ptr + end, out->ptr + tail, out->len - tail);
    out->len -= tail - end;
}

static void arg_json(const struct call *call, unsigned arg, uint32_t row, struct buf *out)
{
    static const struct text_style style = {.iso_time = true};
    const struct expr *e = call->expr->args[arg];

    if (is_json_text(call, arg) && arg_valid(call, arg, row)) {
        buf_append(out, arg_bytes(call, arg, row).ptr, arg_bytes(call, arg, row).len);
        return;
    }
    size_t from = out->len;
    value_json(out, e->type, &call->args[arg].col, ARG_ROW(call, arg, row), &style);
    if ((e->type->kind == TYPE_DOUBLE || e->type->kind == TYPE_FLOAT) && arg_valid(call, arg, row))
        as_decimal(out, from);
    if (type_is_time_point(e->type->kind) && arg_valid(call, arg, row) && !out->failed)
        short_fraction(out, from);
}

typedef enum status write_body(struct call *call, uint32_t row, struct buf *out);

static enum status write_rows(struct call *call, write_body *body)
{
    enum status st = ST_OK;
    struct buf out;

    buf_init(&out, JSON_RESULT_MAX);
    FOR_ROWS(call, row) {
        buf_clear(&out);
        st = body(call, row, &out);
        if (st == ST_OK && out.failed)
            st = call_fail(call, row, "%s: a result of more than 64 MiB", call->expr->func->name);
        if (st != ST_OK)
            break;
        call_copy(call, row, buf_view(&out));
    }
    buf_deinit(&out);
    return st;
}

static bool bind_string(struct bind *b)
{
    b->type = type_not_null(b->arena, type_simple(TYPE_VARCHAR), bind_type(b, 0)->not_null);
    return bind_type(b, 0)->kind == TYPE_NULL || want_json(b, 0);
}

static enum status string_body(struct call *call, uint32_t row, struct buf *out)
{
    arg_json(call, 0, row, out);
    return ST_OK;
}

static bool bind_array(struct bind *b)
{
    b->type = type_not_null(b->arena, type_simple(TYPE_VARCHAR), true);
    for (unsigned i = 1; i < b->args_count; i++)
        if (!want_json(b, i))
            return false;
    return want_how(b);
}

static enum status array_body(struct call *call, uint32_t row, struct buf *out)
{
    unsigned count = 0;

    buf_u8(out, '[');
    for (unsigned i = 1; i < call->expr->args_count; i++) {
        if (is_absent(call) && !arg_valid(call, i, row))
            continue;
        if (count++)
            buf_u8(out, ',');
        arg_json(call, i, row, out);
    }
    buf_u8(out, ']');
    return ST_OK;
}

/* how, then keys and values in turn */
static bool bind_object(struct bind *b)
{
    b->type = type_not_null(b->arena, type_simple(TYPE_VARCHAR), true);
    for (unsigned i = 1; i + 1 < b->args_count; i += 2)
        if (!bind_cast(b, i, type_simple(TYPE_VARCHAR)) || !want_json(b, i + 1))
            return false;
    return want_how(b) && (b->args_count % 2 || bind_fail(b, "a key is without its value"));
}

/* The key that stands next behind `last` (has_last false: the first); of equal ones the last argument. 0: none */
static unsigned next_key(const struct call *call, uint32_t row, struct bytes last, bool has_last)
{
    unsigned best = 0;

    for (unsigned i = 1; i + 1 < call->expr->args_count; i += 2) {
        struct bytes key = arg_bytes(call, i, row);
        if (has_last && bytes_compare(key, last) <= 0)
            continue;
        if (!best || bytes_compare(key, arg_bytes(call, best, row)) <= 0)
            best = i;
    }
    return best;
}

/* In the order of the keys, each once, as Flink writes them. */
static enum status object_body(struct call *call, uint32_t row, struct buf *out)
{
    unsigned count = 0, key = 0;

    for (unsigned i = 1; i + 1 < call->expr->args_count; i += 2)
        if (!arg_valid(call, i, row))
            return call_fail(call, row, "JSON_OBJECT: a key is NULL");
    buf_u8(out, '{');
    while ((key = next_key(call, row, key ? arg_bytes(call, key, row) : BYTES_NONE, key != 0)) != 0) {
        if (is_absent(call) && !arg_valid(call, key + 1, row))
            continue;
        if (count++)
            buf_u8(out, ',');
        json_quoted(out, arg_bytes(call, key, row));
        buf_u8(out, ':');
        arg_json(call, key + 1, row, out);
    }
    buf_u8(out, '}');
    return ST_OK;
}

static enum status json_body(struct call *call, uint32_t row, struct buf *out)
{
    struct bytes value;
    const char *why;

    if (!first_value(arg_bytes(call, 0, row), &value, &why))
        return call_fail(call, row, "JSON: the text is not JSON: %s", why);
    json_value_compact(out, value);
    return ST_OK;
}

/* ---- JSON_QUOTE, JSON_UNQUOTE ---- */

static void quote_unit(struct buf *out, uint32_t unit)
{
    buf_printf(out, "\\u%04x", unit);
}

/* Signs past ASCII as \u and four digits, those past U+FFFF as two of them. */
static enum status quote_body(struct call *call, uint32_t row, struct buf *out)
{
    static const char escapes[] = "\"\\/\b\f\n\r\t", letters[] = "\"\\/bfnrt";
    struct bytes s = arg_bytes(call, 0, row);

    buf_u8(out, '"');
    while (s.len) {
        size_t size = utf8_size(s);
        utf8proc_int32_t code;
        bool whole = utf8proc_iterate(s.ptr, (utf8proc_ssize_t)size, &code) == (utf8proc_ssize_t)size;
        uint32_t c = whole ? (uint32_t)code : 0xFFFD;
        const char *escape = c < 0x80 && c ? strchr(escapes, (int)c) : NULL;
        if (escape) {
            buf_u8(out, '\\');
            buf_u8(out, (uint8_t)letters[escape - escapes]);
        } else if (c >= 0x20 && c < 0x7F) {
            buf_u8(out, (uint8_t)c);
        } else if (c > 0xFFFF) {
            quote_unit(out, 0xD800 + ((c - 0x10000) >> 10));
            quote_unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF));
        } else {
            quote_unit(out, c);
        }
        s = bytes_skip(s, size);
    }
    buf_u8(out, '"');
    return ST_OK;
}

/* A text that is no JSON string stands as it is. */
static enum status unquote_body(struct call *call, uint32_t row, struct buf *out)
{
    struct bytes s = arg_bytes(call, 0, row), value;
    struct json_cursor c = json_cursor_of(s);

    if (s.len >= 2 && s.ptr[0] == '"' && json_next(&c, &value) && value.len == s.len)
        json_string_decode(value, out);
    else
        buf_append(out, s.ptr, s.len);
    return ST_OK;
}

#define WRITES(name)                                                                               \
    static enum status json_##name##_rows(struct call *call)                                              \
    {                                                                                              \
        return write_rows(call, name##_body);                                                      \
    }
WRITES(string)
WRITES(array)
WRITES(object)
WRITES(json)
WRITES(quote)
WRITES(unquote)
#undef WRITES

#define IS_JSON(sql, what, text)                                                                   \
    {.name = sql, .bind = bind_is_json, .kernel = is_json, .args_min = 1, .args_max = 1,            \
     .flags = FUNC_NULLS, .variant = what, .signature = "s " sql, .help = text}

const struct func func_json_table[] = {
    IS_JSON("IS JSON", IS_VALUE, "Whether s begins with a JSON value; IS JSON VALUE is the same. FALSE for NULL."),
    IS_JSON("IS NOT JSON", IS_VALUE | IS_NOT, "The opposite; TRUE for NULL."),
    IS_JSON("IS JSON OBJECT", IS_OBJECT, "Whether s is a JSON object."),
    IS_JSON("IS NOT JSON OBJECT", IS_OBJECT | IS_NOT, "The opposite; TRUE for NULL."),
    IS_JSON("IS JSON ARRAY", IS_ARRAY, "Whether s is a JSON array."),
    IS_JSON("IS NOT JSON ARRAY", IS_ARRAY | IS_NOT, "The opposite; TRUE for NULL."),
    IS_JSON("IS JSON SCALAR", IS_SCALAR, "Whether s is a JSON string, number, true, false or null."),
    IS_JSON("IS NOT JSON SCALAR", IS_SCALAR | IS_NOT, "The opposite; TRUE for NULL."),
    {.name = "JSON_EXISTS", .bind = bind_exists, .kernel = json_exists, .args_min = 3, .args_max = 3,
     .flags = FUNC_CAREFUL, .signature = "JSON_EXISTS(json, path [{TRUE | FALSE | UNKNOWN | ERROR} ON ERROR])",
     .help = "Whether the path leads to something that is not null. FALSE for what is no JSON."},
    {.name = "JSON_VALUE", .bind = bind_value, .kernel = json_value, .args_min = 7, .args_max = 7, .flags = FUNC_NULLS,
     .signature = "JSON_VALUE(json, path [RETURNING type] [{NULL | ERROR | DEFAULT x} ON EMPTY] [{NULL | ERROR | "
                  "DEFAULT x} ON ERROR])",
     .help = "The scalar at the path, as STRING or as BOOLEAN, INT or DOUBLE. In the mode 'lax $...' what is not there is "
             "empty; in 'strict $...', which is the default, an error."},
    {.name = "JSON_QUERY", .bind = bind_query, .kernel = json_query, .args_min = 5, .args_max = 5, .flags = FUNC_CAREFUL,
     .signature = "JSON_QUERY(json, path [{WITHOUT | WITH [CONDITIONAL | UNCONDITIONAL]} [ARRAY] WRAPPER] [{NULL | ERROR | "
                  "EMPTY ARRAY | EMPTY OBJECT} ON EMPTY] [... ON ERROR])",
     .help = "The object or array at the path as a text; with a wrapper in an array."},
    {.name = "JSON_STRING", .bind = bind_string, .kernel = json_string_rows, .args_min = 1, .args_max = 1,
     .flags = FUNC_CAREFUL, .signature = "JSON_STRING(x)", .help = "The value as JSON."},
    {.name = "JSON_OBJECT", .bind = bind_object, .kernel = json_object_rows, .args_min = 1, .args_max = -1, .flags = FUNC_NULLS,
     .signature = "JSON_OBJECT([KEY] key VALUE x, ... [{NULL | ABSENT} ON NULL])",
     .help = "A JSON object, its members in the order of their keys; NULLs are null, or left out."},
    {.name = "JSON_ARRAY", .bind = bind_array, .kernel = json_array_rows, .args_min = 1, .args_max = -1, .flags = FUNC_NULLS,
     .signature = "JSON_ARRAY(x, ... [{NULL | ABSENT} ON NULL])",
     .help = "A JSON array; NULLs are left out, or null."},
    {.name = "JSON", .types = "s>s", .kernel = json_json_rows, .flags = FUNC_CAREFUL, .signature = "JSON(s)",
     .help = "The text as JSON, for JSON_OBJECT and JSON_ARRAY to hold it as such."},
    {.name = "JSON_QUOTE", .types = "s>s", .kernel = json_quote_rows, .flags = FUNC_CAREFUL, .signature = "JSON_QUOTE(s)",
     .help = "s as a JSON string of ASCII."},
    {.name = "JSON_UNQUOTE", .types = "s>s", .kernel = json_unquote_rows, .flags = FUNC_CAREFUL,
     .signature = "JSON_UNQUOTE(s)", .help = "The characters of a JSON string; other texts as they are."},
    {0},
};
