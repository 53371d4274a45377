/* line.c: see line.h.
 *
 * A line is found first (only a quote that opens a field's value hides a line's end), then cut at the spaces that are
 * not escaped, then walked once whole, so that who walks its tags and fields afterwards meets nothing bad. */
#include "wire/influx/line.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

enum { FLOAT_MAX = 400 }; /* digits of a number */

/* ---- finding ---- */

static bool is_special(uint8_t c)
{
    return c == ',' || c == ' ' || c == '=';
}

/* Of the first c from `from` on that has no backslash before it; the length when there is none. */
static size_t find_bare(struct bytes text, uint8_t c, size_t from)
{
    size_t at = bytes_find(text, c, from);

    while (at < text.len && at > from && text.ptr[at - 1] == '\\')
        at = bytes_find(text, c, at + 1);
    return at;
}

/* Behind a quoted text that begins at `at` with its quote; 0: it does not end. */
static size_t quoted_end(struct bytes text, size_t at)
{
    for (at++; at < text.len; at++) {
        if (text.ptr[at] == '"')
            return at + 1;
        if (text.ptr[at] == '\\')
            at++;
    }
    return 0;
}

/* Of the line that text begins with. Quotes count behind its first bare space alone, after a '='. */
static size_t line_end(struct bytes text)
{
    size_t at, newline = bytes_find(text, '\n', 0);
    size_t fields = find_bare(bytes_head(text, newline), ' ', 0);

    if (fields == newline)
        return newline;
    for (at = fields + 1; at < text.len && text.ptr[at] != '\n'; at++)
        if (text.ptr[at] == '"' && text.ptr[at - 1] == '=' && text.ptr[at - 2] != '\\') {
            size_t end = quoted_end(text, at);
            if (!end)
                return text.len;
            at = end - 1;
        }
    return at;
}

/* The next part up to a bare c, which is dropped. */
static struct bytes cut(struct bytes *rest, uint8_t c)
{
    size_t end = find_bare(*rest, c, 0);
    struct bytes part = bytes_head(*rest, end);

    *rest = bytes_skip(*rest, end + (end < rest->len));
    return part;
}

static struct bytes skip_spaces(struct bytes text)
{
    while (text.len && text.ptr[0] == ' ')
        text = bytes_skip(text, 1);
    return text;
}

/* ---- tags ---- */

bool line_tag_next(struct bytes *tags, struct bytes *name, struct bytes *value)
{
    if (!tags->len)
        return false;
    struct bytes tag = cut(tags, ',');
    *name = cut(&tag, '=');
    *value = tag;
    return true;
}

/* A bare '=' within a value, or a comma with nothing behind it, is none of InfluxDB's either. */
static const char *check_tags(struct bytes tags, struct bytes *names, unsigned *count)
{
    struct bytes name, value;
    bool more = tags.len && tags.ptr[tags.len - 1] == ',' && (tags.len == 1 || tags.ptr[tags.len - 2] != '\\');

    while (line_tag_next(&tags, &name, &value)) {
        if (!name.len)
            return "missing tag key";
        if (!value.len)
            return "missing tag value";
        if (find_bare(value, '=', 0) < value.len)
            return "invalid tag format";
        if (*count == LINE_NAMES_MAX)
            return "too many tags and fields";
        names[(*count)++] = name;
    }
    return more ? "missing tag key" : NULL;
}

/* ---- fields ---- */

static size_t digits_of(struct bytes text, size_t at)
{
    while (at < text.len && isdigit(text.ptr[at]))
        at++;
    return at;
}

/* '-'? digits, and nothing else. */
static bool is_whole(struct bytes text)
{
    size_t sign = text.len && text.ptr[0] == '-';

    return text.len > sign && digits_of(text, sign) == text.len;
}

static bool is_unsigned(struct bytes text)
{
    uint64_t value = 0;

    if (!text.len || digits_of(text, 0) != text.len)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.ptr[i] - '0'), &value))
            return false;
    return true;
}

/* '-'? digits ('.' digits?)? ([eE] [+-]? digits)?, or without the digits before the point; and finite. */
static bool is_float(struct bytes text)
{
    char copy[FLOAT_MAX + 1] = {0};
    size_t sign = text.len && text.ptr[0] == '-', at = digits_of(text, sign), digits = at - sign;

    if (at < text.len && text.ptr[at] == '.') {
        size_t end = digits_of(text, at + 1);
        digits += end - at - 1;
        at = end;
    }
    if (digits && at < text.len && (text.ptr[at] | 0x20) == 'e') {
        at++;
        at += at < text.len && (text.ptr[at] == '+' || text.ptr[at] == '-');
        size_t end = digits_of(text, at);
        digits = end - at;
        at = end;
    }
    if (!digits || at != text.len || text.len > FLOAT_MAX)
        return false;
    memcpy(copy, text.ptr, text.len);
    return isfinite(strtod(copy, NULL));
}

static bool is_boolean(struct bytes text, bool *yes)
{
    static const char *const words[] = {"t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE"};

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (bytes_is(text, words[i])) {
            *yes = i < 5;
            return true;
        }
    return false;
}

static const char *read_number(struct bytes text, struct line_field *out)
{
    uint8_t last = text.ptr[text.len - 1];
    int64_t value;

    out->value = text;
    if (is_boolean(text, &out->yes)) {
        out->kind = LINE_BOOLEAN;
        return NULL;
    }
    if (last == 'i' || last == 'u') {
        out->value = bytes_head(text, text.len - 1);
        out->kind = last == 'i' ? LINE_INTEGER : LINE_UNSIGNED;
        if (last == 'i' ? is_whole(out->value) && bytes_to_i64(out->value, &value) : is_unsigned(out->value))
            return NULL;
        return is_whole(out->value) ? "the number is out of range" : "invalid number";
    }
    out->kind = LINE_FLOAT;
    return is_float(text) ? NULL : "invalid field value: a number, a boolean or a text in quotes";
}

/* field -> name '=' (text | number | boolean); leaves *rest at the ',' or ' ' behind it, or at the end. */
static const char *read_field(struct bytes *rest, struct line_field *out)
{
    size_t equals = find_bare(*rest, '=', 0);
    struct bytes name = bytes_head(*rest, equals);

    if (equals == rest->len || find_bare(name, ',', 0) < equals || find_bare(name, ' ', 0) < equals)
        return "invalid field format";
    if (!equals)
        return "missing field key";
    out->name = name;
    *rest = bytes_skip(*rest, equals + 1);
    if (!rest->len || rest->ptr[0] == ',' || rest->ptr[0] == ' ')
        return "missing field value";
    if (rest->ptr[0] != '"') {
        size_t end = 0;
        while (end < rest->len && rest->ptr[end] != ',' && rest->ptr[end] != ' ')
            end++;
        struct bytes text = bytes_head(*rest, end);
        *rest = bytes_skip(*rest, end);
        return read_number(text, out);
    }
    size_t end = quoted_end(*rest, 0);
    if (!end)
        return "unbalanced quotes";
    out->kind = LINE_STRING;
    out->value = bytes_of(rest->ptr + 1, end - 2);
    *rest = bytes_skip(*rest, end);
    return rest->len && rest->ptr[0] != ',' && rest->ptr[0] != ' ' ? "invalid field format" : NULL;
}

bool line_field_next(struct bytes *fields, struct line_field *out)
{
    if (!fields->len)
        return false;
    const char *bad = read_field(fields, out);
    CHECK(!bad); /* line_next has walked them */
    *fields = bytes_skip(*fields, fields->len > 0);
    return true;
}

/* Leaves *rest at what is behind the fields. */
static const char *check_fields(struct bytes *rest, struct bytes *names, unsigned *count)
{
    for (;;) {
        struct line_field field;
        const char *bad = read_field(rest, &field);
        if (bad)
            return bad;
        if (*count == LINE_NAMES_MAX)
            return "too many tags and fields";
        names[(*count)++] = field.name;
        if (!rest->len || rest->ptr[0] == ' ')
            return NULL;
        *rest = bytes_skip(*rest, 1);
    }
}

/* ---- a line ---- */

static int by_name(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static const char *check_names(struct bytes *names, unsigned count)
{
    qsort(names, count, sizeof(*names), by_name);
    for (unsigned i = 0; i < count; i++) {
        if (bytes_is(names[i], "time"))
            return "a tag or field cannot be named time";
        if (i && bytes_equal(names[i - 1], names[i]))
            return "a tag or field is there twice";
    }
    return NULL;
}

static const char *read_time(struct bytes text, struct line *out)
{
    text = skip_spaces(text);
    struct bytes word = bytes_head(text, bytes_find(text, ' ', 0));
    if (skip_spaces(bytes_skip(text, word.len)).len)
        return "point is invalid";
    out->has_time = word.len > 0;
    if (word.len && (!is_whole(word) || !bytes_to_i64(word, &out->time)))
        return "bad timestamp";
    return NULL;
}

static const char *read_line(struct line *out)
{
    struct bytes names[LINE_NAMES_MAX], rest = out->text, series, tags;
    unsigned count = 0;

    if (!bytes_is_utf8(out->text))
        return "it is not UTF-8";
    series = tags = cut(&rest, ' ');
    out->series = series;
    out->measurement = cut(&tags, ',');
    if (!out->measurement.len)
        return "missing measurement";
    out->tags = tags;
    rest = skip_spaces(rest);
    if (!rest.len)
        return "missing fields";
    if (series.len > out->measurement.len && !tags.len)
        return "missing tag key";
    const char *bad = check_tags(tags, names, &count);
    struct bytes fields = rest;
    if (!bad)
        bad = check_fields(&rest, names, &count);
    out->fields = bytes_head(fields, fields.len - rest.len);
    if (!bad)
        bad = check_names(names, count);
    return bad ? bad : read_time(rest, out);
}

bool line_next(struct bytes *rest, struct line *out)
{
    for (;;) {
        *rest = skip_spaces(*rest);
        if (!rest->len)
            return false;
        bool comment = rest->ptr[0] == '#';
        size_t end = comment ? bytes_find(*rest, '\n', 0) : line_end(*rest);
        *out = (struct line){.text = bytes_head(*rest, end)};
        *rest = bytes_skip(*rest, end + (end < rest->len));
        if (out->text.len && out->text.ptr[out->text.len - 1] == '\r')
            out->text.len--;
        if (out->text.len && !comment)
            break;
    }
    out->bad = read_line(out);
    if (out->bad)
        *out = (struct line){.text = out->text, .bad = out->bad};
    return true;
}

void line_plain(struct bytes escaped, struct buf *out)
{
    for (size_t i = 0; i < escaped.len; i++) {
        if (escaped.ptr[i] == '\\' && i + 1 < escaped.len && is_special(escaped.ptr[i + 1]))
            i++;
        buf_u8(out, escaped.ptr[i]);
    }
}

void line_plain_text(struct bytes escaped, struct buf *out)
{
    for (size_t i = 0; i < escaped.len; i++) {
        if (escaped.ptr[i] == '\\' && i + 1 < escaped.len &&
            (escaped.ptr[i + 1] == '"' || escaped.ptr[i + 1] == '\\'))
            i++;
        buf_u8(out, escaped.ptr[i]);
    }
}

/* ---- writing ---- */

const char *line_put_value(struct buf *out, struct bytes value)
{
    if (!value.len)
        return "it is empty";
    if (bytes_find(value, '\n', 0) < value.len)
        return "it has a line's end in it";
    if (value.ptr[value.len - 1] == '\\')
        return "it ends in a backslash";
    for (size_t i = 0; i < value.len; i++) {
        if (is_special(value.ptr[i]))
            buf_u8(out, '\\');
        buf_u8(out, value.ptr[i]);
    }
    return NULL;
}

/* InfluxDB takes the backslashes away twice from a name that it looks up. */
const char *line_put_name(struct buf *out, struct bytes name)
{
    for (size_t i = 1; i < name.len; i++)
        if (name.ptr[i - 1] == '\\' && is_special(name.ptr[i]))
            return "it has a backslash before a comma, a space or a '='";
    return line_put_value(out, name);
}

const char *line_put_measurement(struct buf *out, struct bytes name)
{
    return name.len && name.ptr[0] == '#' ? "it begins with '#'" : line_put_name(out, name);
}

void line_put_text(struct buf *out, struct bytes text)
{
    buf_u8(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            buf_u8(out, '\\');
        buf_u8(out, text.ptr[i]);
    }
    buf_u8(out, '"');
}
