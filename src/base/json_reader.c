/* How: one scanner walks a value with an explicit stack of bits (object or array a level), so the
 * depth costs no C stack and the bound is exact. The iterators skip over a text that it has already
 * walked and can therefore trust it. */
#include "base/json_reader.h"

#include "base/check.h"

struct json_cursor json_cursor_of(struct bytes text)
{
    return (struct json_cursor){.text = text};
}

static inline bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_hex(uint8_t c)
{
    return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

static void skip_space(struct json_cursor *c)
{
    while (c->pos < c->text.len && is_space(c->text.ptr[c->pos]))
        c->pos++;
}

static bool fail(struct json_cursor *c, const char *why)
{
    c->error = why;
    return false;
}

/* The byte at the cursor, 0 at the end: a zero byte is never JSON, so nothing is lost. */
static inline uint8_t at(const struct json_cursor *c)
{
    return c->pos < c->text.len ? c->text.ptr[c->pos] : 0;
}

static bool scan_escape(struct json_cursor *c)
{
    c->pos++;
    uint8_t e = at(c);
    if (e == 'u') {
        for (int i = 0; i < 4; i++) {
            c->pos++;
            if (!is_hex(at(c)))
                return fail(c, "\\u needs four hexadecimal digits");
        }
    } else if (!e || !strchr("\"\\/bfnrt", e)) {
        return fail(c, "an unknown escape in a string");
    }
    c->pos++;
    return true;
}

static bool scan_string(struct json_cursor *c)
{
    size_t from = ++c->pos;
    bool ascii = true;

    for (;;) {
        uint8_t b = at(c);
        if (b == '"')
            break;
        if (b == '\\') {
            if (!scan_escape(c))
                return false;
            continue;
        }
        if (b < 0x20)
            return fail(c, c->pos >= c->text.len ? "a string without its closing quote"
                                                 : "a control character in a string");
        ascii &= b < 0x80;
        c->pos++;
    }
    if (!ascii && !bytes_is_utf8(bytes_of(c->text.ptr + from, c->pos - from)))
        return fail(c, "a string that is not UTF-8");
    c->pos++;
    return true;
}

static bool scan_digits(struct json_cursor *c)
{
    if (!is_digit(at(c)))
        return fail(c, "a number that lacks a digit");
    while (is_digit(at(c)))
        c->pos++;
    return true;
}

/* number -> -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static bool scan_number(struct json_cursor *c)
{
    if (at(c) == '-')
        c->pos++;
    if (at(c) == '0') {
        c->pos++;
        if (is_digit(at(c)))
            return fail(c, "a number with a leading zero");
    } else if (!scan_digits(c)) {
        return false;
    }
    if (at(c) == '.') {
        c->pos++;
        if (!scan_digits(c))
            return false;
    }
    if ((at(c) | 32) == 'e') {
        c->pos++;
        if (at(c) == '+' || at(c) == '-')
            c->pos++;
        return scan_digits(c);
    }
    return true;
}

static bool scan_word(struct json_cursor *c, const char *word)
{
    size_t len = strlen(word);
    if (c->text.len - c->pos < len || memcmp(c->text.ptr + c->pos, word, len))
        return fail(c, "a word that is not true, false or null");
    c->pos += len;
    return true;
}

static bool scan_scalar(struct json_cursor *c)
{
    switch (at(c)) {
    case '"': return scan_string(c);
    case 't': return scan_word(c, "true");
    case 'f': return scan_word(c, "false");
    case 'n': return scan_word(c, "null");
    default:
        if (at(c) == '-' || is_digit(at(c)))
            return scan_number(c);
        return fail(c, c->pos >= c->text.len ? "the text ends in the middle of a value"
                                             : "a character that cannot begin a value");
    }
}

/* '"key" :' inside an object. */
static bool scan_key(struct json_cursor *c)
{
    skip_space(c);
    if (at(c) != '"')
        return fail(c, "an object's member must begin with its name in quotes");
    if (!scan_string(c))
        return false;
    skip_space(c);
    if (at(c) != ':')
        return fail(c, "a ':' is missing after a member's name");
    c->pos++;
    return true;
}

struct levels {
    uint64_t object[JSON_DEPTH_MAX / 64];
    unsigned depth;
};

static bool level_is_object(const struct levels *l)
{
    unsigned i = l->depth - 1;
    return (l->object[i / 64] >> (i % 64)) & 1;
}

/* Enters the container at the cursor. *closed: it is empty and already left. */
static bool enter(struct json_cursor *c, struct levels *l, bool *closed)
{
    bool object = at(c) == '{';
    c->pos++;
    skip_space(c);
    if (at(c) == (object ? '}' : ']')) {
        c->pos++;
        *closed = true;
        return true;
    }
    *closed = false;
    if (l->depth == JSON_DEPTH_MAX)
        return fail(c, "nested too deep");
    unsigned i = l->depth++;
    uint64_t mask = (uint64_t)1 << (i % 64);
    l->object[i / 64] = object ? l->object[i / 64] | mask : l->object[i / 64] & ~mask;
    return !object || scan_key(c);
}

/* After a value: leaves the containers that end here, or steps over the comma to the next value.
 * *done: the outermost has ended. */
static bool leave(struct json_cursor *c, struct levels *l, bool *done)
{
    while (l->depth) {
        bool object = level_is_object(l);
        skip_space(c);
        uint8_t b = at(c);
        if (b == ',') {
            c->pos++;
            *done = false;
            return !object || scan_key(c);
        }
        if (b != (object ? '}' : ']'))
            return fail(c, c->pos >= c->text.len ? "the text ends in the middle of a value"
                           : object              ? "a ',' or '}' is missing"
                                                 : "a ',' or ']' is missing");
        c->pos++;
        l->depth--;
    }
    *done = true;
    return true;
}

static bool scan_value(struct json_cursor *c)
{
    struct levels l = {.depth = 0};
    bool done = false;

    while (!done) {
        bool entered = false, closed = true;
        skip_space(c);
        if (at(c) == '{' || at(c) == '[') {
            if (!enter(c, &l, &closed))
                return false;
            entered = !closed;
        } else if (!scan_scalar(c)) {
            return false;
        }
        if (!entered && !leave(c, &l, &done))
            return false;
    }
    return true;
}

bool json_next(struct json_cursor *c, struct bytes *value)
{
    c->error = NULL;
    skip_space(c);
    if (c->pos >= c->text.len)
        return false;
    size_t from = c->pos;
    if (!scan_value(c))
        return false;
    *value = bytes_of(c->text.ptr + from, c->pos - from);
    return true;
}

bool json_is_one(struct bytes text, struct json_cursor *error)
{
    struct json_cursor c = json_cursor_of(text);
    struct bytes value;
    bool ok = json_next(&c, &value);

    if (ok) {
        skip_space(&c);
        if (c.pos < text.len)
            ok = fail(&c, "something follows the value");
    } else if (!c.error) {
        c.error = "there is no value";
    }
    if (error)
        *error = c;
    return ok;
}

enum json_kind json_kind_of(struct bytes value)
{
    CHECK(value.len > 0);
    switch (value.ptr[0]) {
    case '{': return JSON_OBJECT;
    case '[': return JSON_ARRAY;
    case '"': return JSON_STRING;
    case 't': return JSON_TRUE;
    case 'f': return JSON_FALSE;
    case 'n': return JSON_NULL;
    default: return JSON_NUMBER;
    }
}

struct json_iter json_iter_of(struct bytes object_or_array)
{
    CHECK(json_kind_of(object_or_array) >= JSON_ARRAY);
    return (struct json_iter){object_or_array, 1};
}

bool json_array_next(struct json_iter *it, struct bytes *value)
{
    struct json_cursor c = {.text = it->value, .pos = it->pos};
    skip_space(&c);
    if (at(&c) == ',')
        c.pos++;
    if (at(&c) == ']')
        return false;
    bool ok = json_next(&c, value);
    it->pos = c.pos;
    return ok;
}

bool json_object_next(struct json_iter *it, struct bytes *key_with_quotes, struct bytes *value)
{
    struct json_cursor c = {.text = it->value, .pos = it->pos};
    skip_space(&c);
    if (at(&c) == ',')
        c.pos++;
    skip_space(&c);
    if (at(&c) != '"')
        return false;
    size_t from = c.pos;
    if (!scan_string(&c))
        return false;
    *key_with_quotes = bytes_of(c.text.ptr + from, c.pos - from);
    skip_space(&c);
    c.pos++; /* the colon */
    bool ok = json_next(&c, value);
    it->pos = c.pos;
    return ok;
}

static unsigned hex4(const uint8_t *s)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++)
        v = v << 4 | (is_digit(s[i]) ? (unsigned)(s[i] - '0') : (unsigned)((s[i] | 32) - 'a' + 10));
    return v;
}

static void put_utf8(struct buf *out, unsigned cp)
{
    if (cp < 0x80) {
        buf_u8(out, (uint8_t)cp);
    } else if (cp < 0x800) {
        buf_u8(out, (uint8_t)(0xC0 | cp >> 6));
        buf_u8(out, (uint8_t)(0x80 | (cp & 63)));
    } else if (cp < 0x10000) {
        buf_u8(out, (uint8_t)(0xE0 | cp >> 12));
        buf_u8(out, (uint8_t)(0x80 | (cp >> 6 & 63)));
        buf_u8(out, (uint8_t)(0x80 | (cp & 63)));
    } else {
        buf_u8(out, (uint8_t)(0xF0 | cp >> 18));
        buf_u8(out, (uint8_t)(0x80 | (cp >> 12 & 63)));
        buf_u8(out, (uint8_t)(0x80 | (cp >> 6 & 63)));
        buf_u8(out, (uint8_t)(0x80 | (cp & 63)));
    }
}

/* The escape at s (after its backslash): appends it, gives how many bytes it took. */
static size_t decode_escape(const uint8_t *s, size_t left, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (s[0] != 'u') {
        buf_u8(out, (uint8_t)to[strchr(from, s[0]) - from]);
        return 1;
    }
    unsigned high = hex4(s + 1);
    if (high >= 0xD800 && high < 0xDC00 && left >= 11 && s[5] == '\\' && s[6] == 'u') {
        unsigned low = hex4(s + 7);
        if (low >= 0xDC00 && low < 0xE000) {
            put_utf8(out, 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
            return 11;
        }
    }
    put_utf8(out, high >= 0xD800 && high < 0xE000 ? 0xFFFD : high);
    return 5;
}

void json_string_decode(struct bytes string_value, struct buf *out)
{
    CHECK(json_kind_of(string_value) == JSON_STRING && string_value.len >= 2);
    const uint8_t *s = string_value.ptr + 1, *last = string_value.ptr + string_value.len - 1;

    while (s < last) {
        const uint8_t *slash = memchr(s, '\\', (size_t)(last - s));
        size_t plain = slash ? (size_t)(slash - s) : (size_t)(last - s);
        buf_append(out, s, plain);
        s += plain;
        if (slash)
            s += 1 + decode_escape(s + 1, (size_t)(last - s - 1), out);
    }
}

bool json_string_is(struct bytes string_value, const char *text)
{
    struct bytes inside = bytes_of(string_value.ptr + 1, string_value.len - 2);
    if (!memchr(inside.ptr, '\\', inside.len))
        return bytes_is(inside, text);
    struct buf decoded;
    buf_init(&decoded, 0);
    json_string_decode(string_value, &decoded);
    bool same = bytes_is(buf_view(&decoded), text);
    buf_deinit(&decoded);
    return same;
}

bool json_member(struct bytes object, const char *name, struct bytes *value)
{
    struct json_iter it = json_iter_of(object);
    struct bytes key, found;
    bool any = false;

    while (json_object_next(&it, &key, &found))
        if (json_string_is(key, name)) {
            *value = found;
            any = true;
        }
    return any;
}
