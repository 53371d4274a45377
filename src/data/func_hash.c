/* Digests and encodings of text and bytes. */
#include "base/check.h"
#include "data/kernel.h"

#include <openssl/evp.h>

static const EVP_MD *digest_of(int bits)
{
    switch (bits) {
    case 5: return EVP_md5();
    case 1: return EVP_sha1();
    case 224: return EVP_sha224();
    case 256: return EVP_sha256();
    case 384: return EVP_sha384();
    case 512: return EVP_sha512();
    default: return NULL;
    }
}

static bool put_digest(struct call *call, uint32_t row, const EVP_MD *md)
{
    struct bytes in = arg_bytes(call, 0, row);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (!md || !EVP_Digest(in.len ? in.ptr : (const uint8_t *)"", in.len, digest, &len, md, NULL))
        return false;
    char *to = call_text(call, len * 2u);
    for (unsigned i = 0; to && i < len; i++) {
        to[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        to[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    call_view(call, row, bytes_of(to, to ? len * 2u : 0));
    return true;
}

static enum status digest(struct call *call)
{
    const EVP_MD *md = digest_of(call->expr->func->variant);

    FOR_ROWS(call, row)
        if (!put_digest(call, row, md))
            return call_fail(call, row, "%s is not available", call->expr->func->name);
    return ST_OK;
}

static enum status sha2(struct call *call)
{
    FOR_ROWS(call, row) {
        int32_t bits = ARG(call, 1, int32_t, row);
        if (bits < 224 || !put_digest(call, row, digest_of(bits)))
            return call_fail(call, row, "SHA2: %d bits, expected 224, 256, 384 or 512", bits);
    }
    return ST_OK;
}

static enum status to_base64(struct call *call)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    FOR_ROWS(call, row) {
        struct bytes b = arg_bytes(call, 0, row);
        size_t len = (b.len + 2) / 3 * 4, at = 0;
        char *to = call_text(call, len);
        for (size_t i = 0; to && i < b.len; i += 3) {
            size_t n = b.len - i < 3 ? b.len - i : 3;
            uint32_t v = (uint32_t)b.ptr[i] << 16 | (n > 1 ? (uint32_t)b.ptr[i + 1] << 8 : 0) |
                         (n > 2 ? b.ptr[i + 2] : 0);
            for (size_t k = 0; k < 4; k++)
                to[at++] = k <= n ? digits[v >> (18 - 6 * k) & 63] : '=';
        }
        call_view(call, row, bytes_of(to, at));
    }
    return ST_OK;
}

static int base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static enum status from_base64(struct call *call)
{
    FOR_ROWS(call, row) {
        struct bytes b = arg_bytes(call, 0, row);
        while (b.len && b.ptr[b.len - 1] == '=')
            b.len--;
        char *to = call_text(call, b.len);
        size_t len = 0;
        uint32_t acc = 0;
        int bits = 0;
        bool ok = to != NULL;
        for (size_t i = 0; ok && i < b.len; i++) {
            int digit = base64_digit(b.ptr[i]);
            ok = digit >= 0;
            acc = acc << 6 | (uint32_t)(digit & 63);
            bits += 6;
            if (bits >= 8) {
                bits -= 8;
                to[len++] = (char)(acc >> bits);
            }
        }
        if (!ok)
            call_null(call, row);
        else
            call_view(call, row, bytes_of(to, len));
    }
    return ST_OK;
}

#define DIGEST(sql, bits, text)                                                                    \
    {.name = sql, .types = "s>s", .kernel = digest, .variant = bits, .flags = FUNC_CAREFUL,        \
     .signature = sql "(s)", .help = text}

/* ---- URLs ---- */

static bool url_plain(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '-' ||
           c == '*' || c == '_';
}

static enum status url_encode(struct call *call)
{
    static const char digits[] = "0123456789ABCDEF";

    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row);
        char *out = call_text(call, 3 * s.len);
        size_t len = 0;
        if (!out)
            return ST_OK;
        for (size_t i = 0; i < s.len; i++) {
            uint8_t c = s.ptr[i];
            if (url_plain(c) || c == ' ') {
                out[len++] = c == ' ' ? '+' : (char)c;
                continue;
            }
            out[len++] = '%';
            out[len++] = digits[c >> 4];
            out[len++] = digits[c & 15];
        }
        call_view(call, row, bytes_of(out, len));
    }
    return ST_OK;
}

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static bool url_decode_row(struct bytes s, char *out, size_t *len)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '%') {
            out[(*len)++] = s.ptr[i] == '+' ? ' ' : (char)s.ptr[i];
            continue;
        }
        bool room = i + 3 <= s.len;
        int high = room ? hex_digit(s.ptr[i + 1]) : -1, low = room ? hex_digit(s.ptr[i + 2]) : -1;
        if (high < 0 || low < 0)
            return false;
        out[(*len)++] = (char)(high << 4 | low);
        i += 2;
    }
    return bytes_is_utf8(bytes_of(out, *len));
}

static enum status url_decode(struct call *call)
{
    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row);
        char *out = call_text(call, s.len);
        size_t len = 0;
        if (!out)
            return ST_OK;
        if (url_decode_row(s, out, &len))
            call_view(call, row, bytes_of(out, len));
        else
            call_null(call, row);
    }
    return ST_OK;
}

const struct func func_hash_table[] = {
    DIGEST("MD5", 5, "The MD5 digest in hexadecimal."),
    DIGEST("SHA1", 1, "The SHA-1 digest in hexadecimal."),
    DIGEST("SHA224", 224, "The SHA-224 digest in hexadecimal."),
    DIGEST("SHA256", 256, "The SHA-256 digest in hexadecimal."),
    DIGEST("SHA384", 384, "The SHA-384 digest in hexadecimal."),
    DIGEST("SHA512", 512, "The SHA-512 digest in hexadecimal."),
    {.name = "SHA2", .types = "si>s", .kernel = sha2, .flags = FUNC_CAREFUL,
     .signature = "SHA2(s, bits)", .help = "The SHA-2 digest of 224, 256, 384 or 512 bits."},
    {.name = "TO_BASE64", .types = "s>s", .kernel = to_base64, .flags = FUNC_CAREFUL,
     .signature = "TO_BASE64(s)", .help = "The bytes of s in base 64."},
    {.name = "URL_ENCODE", .types = "s>s", .kernel = url_encode, .flags = FUNC_CAREFUL,
     .signature = "URL_ENCODE(s)", .help = "s as a part of a URL: a blank is +, other signs are %XX."},
    {.name = "URL_DECODE", .types = "s>s", .kernel = url_decode, .flags = FUNC_CAREFUL,
     .signature = "URL_DECODE(s)", .help = "What URL_ENCODE was given; NULL when it is not such a text."},
    {.name = "FROM_BASE64", .types = "s>s", .kernel = from_base64, .flags = FUNC_CAREFUL,
     .signature = "FROM_BASE64(s)", .help = "The text that is s in base 64; NULL when it is not."},
    {0},
};
