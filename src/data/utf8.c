#include "data/utf8.h"

static bool is_continuation(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

size_t utf8_size(struct bytes text)
{
    size_t want, n = 1;

    if (text.len == 0)
        return 0;
    want = text.ptr[0] >= 0xf0 ? 4 : text.ptr[0] >= 0xe0 ? 3 : text.ptr[0] >= 0xc0 ? 2 : 1;
    while (n < want && n < text.len && is_continuation(text.ptr[n]))
        n++;
    return n == want ? n : 1;
}

static bool is_ascii(struct bytes text)
{
    uint64_t word, any = 0;
    size_t i = 0;

    for (; i + 8 <= text.len; i += 8) {
        memcpy(&word, text.ptr + i, 8);
        any |= word;
    }
    for (; i < text.len; i++)
        any |= text.ptr[i];
    return (any & 0x8080808080808080ull) == 0;
}

size_t utf8_chars(struct bytes text)
{
    size_t chars = 0;

    if (is_ascii(text))
        return text.len;
    while (text.len) {
        text = bytes_skip(text, utf8_size(text));
        chars++;
    }
    return chars;
}

size_t utf8_pos(struct bytes text, size_t chars)
{
    size_t pos = 0;

    for (; pos < text.len && chars; chars--)
        pos += utf8_size(bytes_skip(text, pos));
    return pos;
}
