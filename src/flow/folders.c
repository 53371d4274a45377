/* folders.c: see folders.h. */
#include "flow/folders.h"

#include "data/text.h"

static const char no_value[] = "__DEFAULT_PARTITION__";

static bool is_escaped(uint8_t c)
{
    return c < ' ' || c == 0x7F || (c < 0x7F && strchr("\"#%'*/:=?\\{[]^", c));
}

static void escape(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_escaped(text.ptr[i]))
            buf_printf(out, "%%%02X", text.ptr[i]);
        else
            buf_u8(out, text.ptr[i]);
    }
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void unescape(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        int high = text.ptr[i] == '%' && i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;
        buf_u8(out, low >= 0 ? (uint8_t)(high << 4 | low) : text.ptr[i]);
        i += low >= 0 ? 2 : 0;
    }
}

void folder_name(struct buf *out, struct bytes column, const struct type *type, const struct column *col, uint32_t row)
{
    struct buf text;

    buf_init(&text, 0);
    if (type->kind == TYPE_BOOLEAN && column_valid(col, row))
        buf_str(&text, ((const uint8_t *)col->data)[row] ? "true" : "false");
    else if (column_valid(col, row))
        value_text(&text, type, col, row, NULL);
    escape(out, column);
    buf_u8(out, '=');
    if (text.len)
        escape(out, buf_view(&text));
    else
        buf_str(out, no_value);
    buf_deinit(&text);
}

bool folder_value(struct bytes name, struct bytes column, struct buf *value, bool *null)
{
    size_t sign = bytes_find(name, '=', 0);

    if (sign == name.len || sign + 1 == name.len)
        return false;
    buf_clear(value);
    unescape(value, bytes_head(name, sign));
    if (!bytes_equal(buf_view(value), column))
        return false;
    *null = bytes_is(bytes_skip(name, sign + 1), no_value);
    buf_clear(value);
    unescape(value, bytes_skip(name, sign + 1));
    return true;
}
