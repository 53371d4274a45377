#include "base/json_writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

void json_writer_init(struct json_writer *w, struct buf *out)
{
    *w = (struct json_writer){.out = out};
}

static inline uint64_t bit(const struct json_writer *w)
{
    return (uint64_t)1 << w->depth;
}

/* What stands before a value: nothing after its key, a comma between members. */
static void before_value(struct json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    CHECK(w->depth == 0 || !(w->object & bit(w)));
    if (w->depth && (w->filled & bit(w)))
        buf_u8(w->out, ',');
    w->filled |= bit(w);
}

static void begin(struct json_writer *w, bool is_object)
{
    before_value(w);
    CHECK(w->depth + 1 < JSON_WRITER_DEPTH_MAX);
    w->depth++;
    w->filled &= ~bit(w);
    w->object = is_object ? w->object | bit(w) : w->object & ~bit(w);
    buf_u8(w->out, is_object ? '{' : '[');
}

static void end(struct json_writer *w, bool is_object)
{
    CHECK(w->depth > 0);
    CHECK(!w->after_key);
    CHECK(!!(w->object & bit(w)) == is_object);
    w->depth--;
    buf_u8(w->out, is_object ? '}' : ']');
}

void json_object_begin(struct json_writer *w)
{
    begin(w, true);
}

void json_object_end(struct json_writer *w)
{
    end(w, true);
}

void json_array_begin(struct json_writer *w)
{
    begin(w, false);
}

void json_array_end(struct json_writer *w)
{
    end(w, false);
}

void json_key_bytes(struct json_writer *w, struct bytes key)
{
    CHECK(w->depth > 0 && (w->object & bit(w)) && !w->after_key);
    if (w->filled & bit(w))
        buf_u8(w->out, ',');
    w->filled |= bit(w);
    json_quote(w->out, key);
    buf_u8(w->out, ':');
    w->after_key = true;
}

void json_key(struct json_writer *w, const char *key)
{
    json_key_bytes(w, bytes_str(key));
}

/* The length of the valid UTF-8 sequence at s, or 0. */
static size_t utf8_sequence(const uint8_t *s, size_t left)
{
    size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    return len <= left && bytes_is_utf8(bytes_of(s, len)) ? len : 0;
}

static void escape(struct buf *out, uint8_t c)
{
    static const char *const named[] = {['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n",
                                        ['\f'] = "\\f", ['\r'] = "\\r"};
    if (c == '"')
        buf_str(out, "\\\"");
    else if (c == '\\')
        buf_str(out, "\\\\");
    else if (c <= '\r' && named[c])
        buf_str(out, named[c]);
    else
        buf_printf(out, "\\u%04x", c);
}

void json_quote(struct buf *out, struct bytes text)
{
    size_t run = 0, i = 0;

    buf_u8(out, '"');
    while (i < text.len) {
        uint8_t c = text.ptr[i];
        size_t step = 1;
        if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\') {
            i++;
            continue;
        }
        if (c >= 0x80 && (step = utf8_sequence(text.ptr + i, text.len - i)) > 0) {
            i += step;
            continue;
        }
        buf_append(out, text.ptr + run, i - run);
        if (c >= 0x80)
            buf_str(out, "\xEF\xBF\xBD");
        else
            escape(out, c);
        run = ++i;
    }
    if (run < text.len) /* an empty text may have no bytes to point at */
        buf_append(out, text.ptr + run, text.len - run);
    buf_u8(out, '"');
}

void json_bytes(struct json_writer *w, struct bytes text)
{
    before_value(w);
    json_quote(w->out, text);
}

void json_str(struct json_writer *w, const char *text)
{
    if (text)
        json_bytes(w, bytes_str(text));
    else
        json_put_null(w);
}

void json_i64(struct json_writer *w, int64_t v)
{
    before_value(w);
    buf_printf(w->out, "%" PRId64, v);
}

void json_u64(struct json_writer *w, uint64_t v)
{
    before_value(w);
    buf_printf(w->out, "%" PRIu64, v);
}

void json_f64(struct json_writer *w, double v)
{
    char text[40];

    if (!isfinite(v)) {
        json_put_null(w);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    before_value(w);
    buf_str(w->out, text);
}

void json_bool(struct json_writer *w, bool v)
{
    before_value(w);
    buf_str(w->out, v ? "true" : "false");
}

void json_put_null(struct json_writer *w)
{
    before_value(w);
    buf_str(w->out, "null");
}

void json_raw(struct json_writer *w, struct bytes json)
{
    before_value(w);
    buf_bytes(w->out, json);
}

void json_key_str(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, key);
    json_str(w, text);
}

void json_key_text(struct json_writer *w, const char *key, struct bytes text)
{
    json_key(w, key);
    json_bytes(w, text);
}

void json_key_i64(struct json_writer *w, const char *key, int64_t v)
{
    json_key(w, key);
    json_i64(w, v);
}

void json_key_u64(struct json_writer *w, const char *key, uint64_t v)
{
    json_key(w, key);
    json_u64(w, v);
}

void json_key_f64(struct json_writer *w, const char *key, double v)
{
    json_key(w, key);
    json_f64(w, v);
}

void json_key_bool(struct json_writer *w, const char *key, bool v)
{
    json_key(w, key);
    json_bool(w, v);
}
