#include "base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, struct bytes in)
{
    for (size_t i = 0; i < in.len; i += 3) {
        size_t left = in.len - i;
        uint32_t three = (uint32_t)in.ptr[i] << 16 | (left > 1 ? (uint32_t)in.ptr[i + 1] << 8 : 0) |
                         (left > 2 ? in.ptr[i + 2] : 0);
        buf_u8(out, (uint8_t)digits[three >> 18]);
        buf_u8(out, (uint8_t)digits[three >> 12 & 63]);
        buf_u8(out, left > 1 ? (uint8_t)digits[three >> 6 & 63] : '=');
        buf_u8(out, left > 2 ? (uint8_t)digits[three & 63] : '=');
    }
}

static int digit_of(uint8_t c, char plus, char slash)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == plus ? 62 : c == slash ? 63 : -1;
}

static bool decode(struct buf *out, struct bytes in, char plus, char slash)
{
    uint32_t acc = 0;
    int bits = 0;

    for (size_t i = 0; i < in.len; i++) {
        int digit = digit_of(in.ptr[i], plus, slash);
        if (digit < 0)
            return false;
        acc = (acc << 6 | (uint32_t)digit) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buf_u8(out, (uint8_t)(acc >> bits));
        }
    }
    return bits < 6 && (acc & ((1u << bits) - 1)) == 0;
}

bool base64_decode(struct buf *out, struct bytes in)
{
    if (in.len % 4)
        return false;
    for (int i = 0; i < 2 && in.len && in.ptr[in.len - 1] == '='; i++)
        in.len--;
    return decode(out, in, '+', '/');
}

bool base64url_decode(struct buf *out, struct bytes in)
{
    return decode(out, in, '-', '_');
}
