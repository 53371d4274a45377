#include "base/bytes.h"

#include <stdlib.h>

#include "base/check.h"

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool bytes_is_nocase(struct bytes a, const char *text)
{
    for (size_t i = 0; i < a.len; i++)
        if (text[i] == 0 || lower(a.ptr[i]) != lower((uint8_t)text[i]))
            return false;
    return text[a.len] == 0;
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.ptr, b.ptr, len) : 0;
    if (order)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

struct bytes bytes_head(struct bytes a, size_t len)
{
    return bytes_of(a.ptr, a.len < len ? a.len : len);
}

struct bytes bytes_skip(struct bytes a, size_t len)
{
    if (len >= a.len)
        return BYTES_NONE;
    return bytes_of(a.ptr + len, a.len - len);
}

size_t bytes_find(struct bytes a, uint8_t c, size_t from)
{
    if (from >= a.len)
        return a.len;
    const uint8_t *hit = memchr(a.ptr + from, c, a.len - from);
    return hit ? (size_t)(hit - a.ptr) : a.len;
}

bool bytes_to_i64(struct bytes a, int64_t *out)
{
    size_t i = 0;
    bool negative = a.len > 0 && a.ptr[0] == '-';
    int64_t value = 0;

    if (a.len > 0 && (a.ptr[0] == '-' || a.ptr[0] == '+'))
        i = 1;
    if (i == a.len)
        return false;
    for (; i < a.len; i++) {
        if (a.ptr[i] < '0' || a.ptr[i] > '9')
            return false;
        /* counted downwards, for the least number has no positive twin */
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, a.ptr[i] - '0', &value))
            return false;
    }
    if (!negative && __builtin_sub_overflow(0, value, &value))
        return false;
    *out = value;
    return true;
}

/* Length of the well-formed sequence at p, or 0; the table is RFC 3629, section 4. */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
    uint8_t low = 0x80, high = 0xBF;
    size_t len;

    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF)
        len = 2;
    else if (p[0] >= 0xE0 && p[0] <= 0xEF)
        len = 3;
    else if (p[0] >= 0xF0 && p[0] <= 0xF4)
        len = 4;
    else
        return 0;
    if (left < len)
        return 0;
    switch (p[0]) {
    case 0xE0: low = 0xA0; break;
    case 0xED: high = 0x9F; break;
    case 0xF0: low = 0x90; break;
    case 0xF4: high = 0x8F; break;
    default: break;
    }
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

bool bytes_is_utf8(struct bytes a)
{
    size_t i = 0;

    while (i < a.len) {
        uint64_t word;
        if (a.len - i >= 8 && (memcpy(&word, a.ptr + i, 8), !(word & 0x8080808080808080u))) {
            i += 8;
            continue;
        }
        size_t len = utf8_sequence(a.ptr + i, a.len - i);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

struct bytes bytes_keep(struct bytes b)
{
    if (!b.ptr)
        return BYTES_NONE;
    uint8_t *copy = xmalloc(b.len + 1);
    if (b.len)
        memcpy(copy, b.ptr, b.len);
    return bytes_of(copy, b.len);
}

void bytes_drop(struct bytes *b)
{
    free((void *)(uintptr_t)b->ptr);
    *b = BYTES_NONE;
}

void bytes_keep_over(struct bytes *old, struct bytes b)
{
    struct bytes copy = bytes_keep(b);
    bytes_drop(old);
    *old = copy;
}
