#include "data/text.h"

#include "data/datetime.h"
#include "data/decimal.h"
#include "data/number.h"
#include "data/utf8.h"

#include <math.h>

_Static_assert(NUMBER_TEXT_MAX >= 24 && DECIMAL_TEXT_MAX >= 41, "every number fits");

/* ---- scalars, shared by both forms ---- */

static int64_t point_us(const struct type *type, const struct column *col, uint32_t row,
                        const struct text_style *style)
{
    int64_t us = ((const int64_t *)col->data)[row];
    if (type->kind == TYPE_TIMESTAMP_LTZ && style)
        us = zone_local(style->zone, us);
    return us;
}

static size_t interval_text(const struct type *type, const struct column *col, uint32_t row,
                            char *to)
{
    int64_t v = type->kind == TYPE_INTERVAL_MONTH ? ((const int32_t *)col->data)[row]
                                                  : ((const int64_t *)col->data)[row];
    uint64_t m = v < 0 ? -(uint64_t)v : (uint64_t)v;
    size_t len = 0;

    to[len++] = v < 0 ? '-' : '+';
    if (type->kind == TYPE_INTERVAL_MONTH) {
        len += i64_text((int64_t)(m / 12), to + len);
        to[len++] = '-';
        if (m % 12 < 10)
            to[len++] = '0';
        return len + i64_text((int64_t)(m % 12), to + len);
    }
    len += i64_text((int64_t)(m / US_PER_DAY), to + len);
    to[len++] = ' ';
    return len + time_text((int64_t)(m % US_PER_DAY), 3, to + len);
}

static size_t scalar_text(const struct type *type, const struct column *col, uint32_t row,
                          const struct text_style *style, char *to)
{
    char between = style && style->iso_time ? 'T' : ' ';

    switch (type->kind) {
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT: return i64_text(((const int32_t *)col->data)[row], to);
    case TYPE_BIGINT: return i64_text(((const int64_t *)col->data)[row], to);
    case TYPE_FLOAT: return f32_text(((const float *)col->data)[row], to);
    case TYPE_DOUBLE: return f64_text(((const double *)col->data)[row], to);
    case TYPE_DECIMAL: return decimal_text(((const i128 *)col->data)[row], type->scale, to);
    case TYPE_DATE: return date_text(((const int32_t *)col->data)[row], to);
    case TYPE_TIME: return time_text(((const int64_t *)col->data)[row], type->precision, to);
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ:
        return timestamp_text(point_us(type, col, row, style), type->precision, between, to);
    case TYPE_INTERVAL_MONTH:
    case TYPE_INTERVAL_SECOND: return interval_text(type, col, row, to);
    default: return 0;
    }
}

enum { SCALAR_TEXT_MAX = 64 };
_Static_assert((int)SCALAR_TEXT_MAX >= (int)DATETIME_TEXT_MAX, "a time fits");
_Static_assert((int)SCALAR_TEXT_MAX >= (int)DECIMAL_TEXT_MAX, "a decimal fits");

static struct bytes str_bytes(const struct column *col, uint32_t row)
{
    const struct str *s = &((const struct str *)col->data)[row];
    return bytes_of(s->ptr, s->len);
}

/* ---- for people ---- */

static void text_elements(struct buf *buf, const struct type *type, const struct column *col,
                          uint32_t row, const struct text_style *style)
{
    bool map = type_is_map(type->kind);

    buf_str(buf, map ? "{" : "[");
    for (uint32_t e = col->offsets[row]; e < col->offsets[row + 1]; e++) {
        if (e > col->offsets[row])
            buf_str(buf, ", ");
        value_text(buf, type->fields[0].type, &col->children[0], e, style);
        if (map) {
            buf_str(buf, "=");
            value_text(buf, type->fields[1].type, &col->children[1], e, style);
        }
    }
    buf_str(buf, map ? "}" : "]");
}

static void text_row(struct buf *buf, const struct type *type, const struct column *col,
                     uint32_t row, const struct text_style *style)
{
    buf_str(buf, "(");
    for (uint16_t i = 0; i < type->fields_count; i++) {
        if (i)
            buf_str(buf, ", ");
        value_text(buf, type->fields[i].type, &col->children[i], row, style);
    }
    buf_str(buf, ")");
}

static void text_hex(struct buf *buf, struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        buf_printf(buf, "%02x", b.ptr[i]);
}

void value_text(struct buf *buf, const struct type *type, const struct column *col, uint32_t row,
                const struct text_style *style)
{
    char text[SCALAR_TEXT_MAX];

    if (type->kind == TYPE_NULL || !column_valid(col, row)) {
        buf_str(buf, style && style->null_text ? style->null_text : "NULL");
        return;
    }
    switch (type->kind) {
    case TYPE_BOOLEAN: buf_str(buf, ((const uint8_t *)col->data)[row] ? "TRUE" : "FALSE"); break;
    case TYPE_CHAR:
    case TYPE_VARCHAR: buf_bytes(buf, str_bytes(col, row)); break;
    case TYPE_BINARY:
    case TYPE_VARBINARY: text_hex(buf, str_bytes(col, row)); break;
    case TYPE_ROW: text_row(buf, type, col, row, style); break;
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_MULTISET: text_elements(buf, type, col, row, style); break;
    default: buf_append(buf, text, scalar_text(type, col, row, style, text));
    }
}

/* ---- JSON ---- */

static bool json_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static bool valid_code_point(struct bytes text, size_t size)
{
    return size > 1 && bytes_is_utf8(bytes_head(text, size));
}

static void json_escape(struct buf *buf, uint8_t c)
{
    static const char *const short_form[] = {['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n",
                                             ['\f'] = "\\f", ['\r'] = "\\r"};

    if (c == '"' || c == '\\')
        buf_printf(buf, "\\%c", c);
    else if (c <= '\r' && short_form[c])
        buf_str(buf, short_form[c]);
    else
        buf_printf(buf, "\\u%04x", c);
}

void json_quoted(struct buf *buf, struct bytes text)
{
    buf_u8(buf, '"');
    while (text.len) {
        size_t run = 0;
        while (run < text.len && json_plain(text.ptr[run]))
            run++;
        buf_append(buf, text.ptr, run);
        text = bytes_skip(text, run);
        if (!text.len)
            break;
        size_t size = utf8_size(text);
        if (valid_code_point(text, size))
            buf_append(buf, text.ptr, size);
        else if (text.ptr[0] < 0x80)
            json_escape(buf, text.ptr[0]);
        else
            buf_str(buf, "\xef\xbf\xbd");
        text = bytes_skip(text, size);
    }
    buf_u8(buf, '"');
}

static void json_base64(struct buf *buf, struct bytes b)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    buf_u8(buf, '"');
    for (size_t i = 0; i < b.len; i += 3) {
        size_t n = b.len - i < 3 ? b.len - i : 3;
        uint32_t v = (uint32_t)b.ptr[i] << 16 | (n > 1 ? (uint32_t)b.ptr[i + 1] << 8 : 0) |
                     (n > 2 ? b.ptr[i + 2] : 0);
        for (size_t k = 0; k < 4; k++)
            buf_u8(buf, k <= n ? (uint8_t)digits[v >> (18 - 6 * k) & 63] : '=');
    }
    buf_u8(buf, '"');
}

static void json_row(struct buf *buf, const struct type *type, const struct column *col,
                     uint32_t row, const struct text_style *style)
{
    buf_u8(buf, '{');
    for (uint16_t i = 0; i < type->fields_count; i++) {
        if (i)
            buf_u8(buf, ',');
        json_quoted(buf, type->fields[i].name);
        buf_u8(buf, ':');
        value_json(buf, type->fields[i].type, &col->children[i], row, style);
    }
    buf_u8(buf, '}');
}

static void json_key(struct buf *buf, const struct type *type, const struct column *col,
                     uint32_t row, const struct text_style *style)
{
    struct buf key;

    buf_init(&key, 1 << 20);
    value_text(&key, type, col, row, style);
    json_quoted(buf, buf_view(&key));
    buf_deinit(&key);
}

static void json_elements(struct buf *buf, const struct type *type, const struct column *col,
                          uint32_t row, const struct text_style *style)
{
    bool map = type_is_map(type->kind);

    buf_u8(buf, map ? '{' : '[');
    for (uint32_t e = col->offsets[row]; e < col->offsets[row + 1]; e++) {
        if (e > col->offsets[row])
            buf_u8(buf, ',');
        if (map) {
            json_key(buf, type->fields[0].type, &col->children[0], e, style);
            buf_u8(buf, ':');
        }
        value_json(buf, type->fields[map].type, &col->children[map], e, style);
    }
    buf_u8(buf, map ? '}' : ']');
}

static bool quoted(const struct type *type, const struct text_style *style)
{
    return type->kind >= TYPE_DATE || (type->kind == TYPE_DECIMAL && style && style->decimal_text);
}

static bool is_finite(const struct type *type, const struct column *col, uint32_t row)
{
    if (type->kind == TYPE_FLOAT)
        return isfinite(((const float *)col->data)[row]);
    return type->kind != TYPE_DOUBLE || isfinite(((const double *)col->data)[row]);
}

static void json_scalar(struct buf *buf, const struct type *type, const struct column *col,
                        uint32_t row, const struct text_style *style)
{
    char text[SCALAR_TEXT_MAX + 4];
    size_t len = 1;
    bool quotes = quoted(type, style) || !is_finite(type, col, row);

    text[0] = '"';
    len += scalar_text(type, col, row, style, text + 1);
    if (type->kind == TYPE_TIMESTAMP_LTZ)
        text[len++] = 'Z';
    text[len++] = '"';
    buf_append(buf, text + !quotes, quotes ? len : len - 2);
}

void value_json(struct buf *buf, const struct type *type, const struct column *col, uint32_t row,
                const struct text_style *style)
{
    if (type->kind == TYPE_NULL || !column_valid(col, row)) {
        buf_str(buf, "null");
        return;
    }
    switch (type->kind) {
    case TYPE_BOOLEAN: buf_str(buf, ((const uint8_t *)col->data)[row] ? "true" : "false"); break;
    case TYPE_CHAR:
    case TYPE_VARCHAR: json_quoted(buf, str_bytes(col, row)); break;
    case TYPE_BINARY:
    case TYPE_VARBINARY: json_base64(buf, str_bytes(col, row)); break;
    case TYPE_ROW: json_row(buf, type, col, row, style); break;
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_MULTISET: json_elements(buf, type, col, row, style); break;
    default: json_scalar(buf, type, col, row, style);
    }
}
