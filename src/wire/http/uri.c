#include "wire/http/uri.h"

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

bool uri_decode(struct bytes in, enum uri_plus plus, struct buf *out)
{
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.ptr[i];
        if (c == '%') {
            int high = i + 2 < in.len ? hex(in.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex(in.ptr[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus == URI_PLUS_SPACE) {
            c = ' ';
        }
        buf_u8(out, c);
    }
    return true;
}

/* The next pair of that name; *rest goes on behind it. */
static bool find(struct bytes *rest, const char *name, struct bytes *value)
{
    while (rest->len) {
        size_t amp = bytes_find(*rest, '&', 0);
        struct bytes pair = bytes_head(*rest, amp);
        size_t eq = bytes_find(pair, '=', 0);
        *rest = amp < rest->len ? bytes_skip(*rest, amp + 1) : BYTES_NONE;
        if (bytes_is(bytes_head(pair, eq), name)) {
            *value = eq < pair.len ? bytes_skip(pair, eq + 1) : BYTES_NONE;
            return true;
        }
    }
    return false;
}

bool query_next(struct bytes *rest, const char *name, struct buf *out)
{
    struct bytes value;
    return find(rest, name, &value) && uri_decode(value, URI_PLUS_SPACE, out);
}

bool query_get(struct bytes query, const char *name, struct buf *out)
{
    return query_next(&query, name, out);
}

bool query_has(struct bytes query, const char *name)
{
    struct bytes value;
    return find(&query, name, &value);
}

bool path_next(struct bytes *path, struct bytes *segment)
{
    if (path->len < 2 || path->ptr[0] != '/')
        return false;
    size_t slash = bytes_find(*path, '/', 1);
    *segment = bytes_of(path->ptr + 1, slash - 1);
    *path = bytes_skip(*path, slash);
    return true;
}
