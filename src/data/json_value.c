#include "data/json_value.h"

#include "base/check.h"
#include "base/json_reader.h"
#include "data/text.h"

struct number {
    struct bytes whole, fraction;
    bool negative;
    int64_t exponent;
};

/* The parts of what is known to be a JSON number; an exponent past what Java's scale holds stays at that. */
static struct number number_of(struct bytes text)
{
    struct number n = {.negative = text.len && text.ptr[0] == '-'};
    size_t at = n.negative, from = at;

    while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
        at++;
    n.whole = bytes_of(text.ptr + from, at - from);
    if (at < text.len && text.ptr[at] == '.') {
        from = ++at;
        while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
            at++;
        n.fraction = bytes_of(text.ptr + from, at - from);
    }
    if (at == text.len)
        return n;
    at++; /* e */
    bool less = text.ptr[at] == '-';
    for (at += text.ptr[at] == '-' || text.ptr[at] == '+'; at < text.len; at++)
        if (n.exponent < INT32_MAX)
            n.exponent = n.exponent * 10 + (text.ptr[at] - '0');
    if (less)
        n.exponent = -n.exponent;
    return n;
}

/* digits with a point before the last `scale` of them, zeros put in front where there are fewer */
static void plain_text(struct buf *out, struct bytes digits, int64_t scale)
{
    int64_t whole = (int64_t)digits.len - scale;

    if (whole <= 0) {
        buf_str(out, "0.");
        for (; whole < 0; whole++)
            buf_u8(out, '0');
        buf_append(out, digits.ptr, digits.len);
        return;
    }
    buf_append(out, digits.ptr, (size_t)whole);
    if (scale > 0) {
        buf_u8(out, '.');
        buf_append(out, digits.ptr + whole, (size_t)scale);
    }
}

/* As BigDecimal.toString: plain while the scale is not negative and six zeros behind the point are enough. */
static void decimal_put(struct buf *out, bool negative, struct bytes digits, int64_t scale)
{
    int64_t adjusted = (int64_t)digits.len - 1 - scale;

    if (negative)
        buf_u8(out, '-');
    if (scale >= 0 && adjusted >= -6) {
        plain_text(out, digits, scale);
        return;
    }
    buf_u8(out, digits.ptr[0]);
    if (digits.len > 1) {
        buf_u8(out, '.');
        buf_append(out, digits.ptr + 1, digits.len - 1);
    }
    if (adjusted)
        buf_printf(out, "E%s%lld", adjusted > 0 ? "+" : "", (long long)adjusted);
}

void json_number_text(struct buf *out, struct bytes number)
{
    struct number n = number_of(number);
    struct buf digits;

    buf_init(&digits, 0);
    buf_append(&digits, n.whole.ptr, n.whole.len);
    if (n.fraction.len)
        buf_append(&digits, n.fraction.ptr, n.fraction.len);
    struct bytes all = buf_view(&digits);
    while (all.len > 1 && all.ptr[0] == '0')
        all = bytes_skip(all, 1);
    bool zero = all.len == 1 && all.ptr[0] == '0';
    if (all.len)
        decimal_put(out, n.negative && !zero, all, (int64_t)n.fraction.len - n.exponent);
    buf_deinit(&digits);
}

static void string_put(struct buf *out, struct bytes value)
{
    struct buf plain;

    if (!bytes_skip(value, bytes_find(value, '\\', 0)).len) {
        buf_append(out, value.ptr, value.len);
        return;
    }
    buf_init(&plain, 0);
    json_string_decode(value, &plain);
    json_quoted(out, buf_view(&plain));
    buf_deinit(&plain);
}

/* json_reader bounds the depth. */
void json_value_compact(struct buf *out, struct bytes value)
{
    struct json_iter it = {.pos = 0};
    struct bytes key, inner;
    unsigned count = 0;

    switch (json_kind_of(value)) {
    case JSON_NUMBER: json_number_text(out, value); return;
    case JSON_STRING: string_put(out, value); return;
    case JSON_ARRAY:
        buf_u8(out, '[');
        for (it = json_iter_of(value); json_array_next(&it, &inner);) {
            if (count++)
                buf_u8(out, ',');
            json_value_compact(out, inner);
        }
        buf_u8(out, ']');
        return;
    case JSON_OBJECT:
        buf_u8(out, '{');
        for (it = json_iter_of(value); json_object_next(&it, &key, &inner);) {
            if (count++)
                buf_u8(out, ',');
            string_put(out, key);
            buf_u8(out, ':');
            json_value_compact(out, inner);
        }
        buf_u8(out, '}');
        return;
    default: buf_append(out, value.ptr, value.len);
    }
}

void json_scalar_text(struct buf *out, struct bytes value)
{
    if (json_kind_of(value) == JSON_STRING)
        json_string_decode(value, out);
    else if (json_kind_of(value) == JSON_NUMBER)
        json_number_text(out, value);
    else
        buf_append(out, value.ptr, value.len);
}
