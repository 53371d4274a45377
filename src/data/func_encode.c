/* Texts as bytes and back: ENCODE, DECODE, UNHEX. What a character set does not have becomes '?'; bytes that are no
 * character of it become U+FFFD, as Java has it. */
#include "base/buf.h"
#include "base/check.h"
#include "data/call.h"
#include "data/utf8.h"

#include <utf8proc.h>

enum charset { SET_ASCII, SET_LATIN1, SET_UTF8, SET_UTF16, SET_UTF16BE, SET_UTF16LE, SETS };

static const char *const set_names[SETS] = {"US-ASCII", "ISO-8859-1", "UTF-8", "UTF-16", "UTF-16BE", "UTF-16LE"};

enum { RESULT_MAX = 64 << 20 };

static bool set_named(struct bytes name, enum charset *out)
{
    for (int i = 0; i < SETS; i++)
        if (bytes_is_nocase(name, set_names[i]))
            return *out = (enum charset)i, true;
    return false;
}

/* The first code point, and how long it is. */
static uint32_t code_of(struct bytes s, size_t *size)
{
    utf8proc_int32_t code;

    *size = utf8_size(s);
    return utf8proc_iterate(s.ptr, (utf8proc_ssize_t)*size, &code) == (utf8proc_ssize_t)*size ? (uint32_t)code : 0xFFFD;
}

static void put_unit(struct buf *out, uint32_t unit, bool little)
{
    buf_u8(out, (uint8_t)(little ? unit : unit >> 8));
    buf_u8(out, (uint8_t)(little ? unit >> 8 : unit));
}

static void encode_code(struct buf *out, enum charset set, uint32_t c)
{
    bool little = set == SET_UTF16LE;

    if (set == SET_ASCII || set == SET_LATIN1) {
        buf_u8(out, c < (set == SET_ASCII ? 0x80u : 0x100u) ? (uint8_t)c : '?');
    } else if (c < 0x10000) {
        put_unit(out, c, little);
    } else {
        put_unit(out, 0xD800 + ((c - 0x10000) >> 10), little);
        put_unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF), little);
    }
}

static void encode_text(struct buf *out, enum charset set, struct bytes s)
{
    if (set == SET_UTF8) {
        buf_append(out, s.ptr, s.len);
        return;
    }
    if (set == SET_UTF16 && s.len)
        put_unit(out, 0xFEFF, false);
    while (s.len) {
        size_t size;
        encode_code(out, set, code_of(s, &size));
        s = bytes_skip(s, size);
    }
}

static void put_code(struct buf *out, uint32_t c)
{
    utf8proc_uint8_t text[4];

    buf_append(out, text, (size_t)utf8proc_encode_char((utf8proc_int32_t)c, text));
}

static void decode_utf16(struct buf *out, struct bytes s, bool little)
{
    for (size_t i = 0; i + 1 < s.len; i += 2) {
        uint32_t c = little ? (uint32_t)s.ptr[i + 1] << 8 | s.ptr[i] : (uint32_t)s.ptr[i] << 8 | s.ptr[i + 1];
        if (c >= 0xD800 && c < 0xDC00 && i + 3 < s.len) {
            uint32_t low = little ? (uint32_t)s.ptr[i + 3] << 8 | s.ptr[i + 2] : (uint32_t)s.ptr[i + 2] << 8 | s.ptr[i + 3];
            if (low >= 0xDC00 && low < 0xE000) {
                c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
                i += 2;
            }
        }
        put_code(out, c >= 0xD800 && c < 0xE000 ? 0xFFFD : c);
    }
    if (s.len % 2)
        put_code(out, 0xFFFD);
}

static void decode_text(struct buf *out, enum charset set, struct bytes s)
{
    bool marked = set == SET_UTF16 && s.len >= 2;
    bool big = marked && s.ptr[0] == 0xFE && s.ptr[1] == 0xFF, little = marked && s.ptr[0] == 0xFF && s.ptr[1] == 0xFE;

    if (set >= SET_UTF16) {
        decode_utf16(out, bytes_skip(s, big || little ? 2 : 0), little || set == SET_UTF16LE);
        return;
    }
    while (s.len) {
        size_t size = 1;
        uint32_t c = s.ptr[0];
        if (set == SET_UTF8)
            c = code_of(s, &size);
        put_code(out, set == SET_ASCII && c > 0x7F ? 0xFFFD : c);
        s = bytes_skip(s, size);
    }
}

static enum status recode_row(struct call *call, uint32_t row, struct buf *out)
{
    struct bytes name = arg_bytes(call, 1, row);
    enum charset set;

    if (!set_named(name, &set))
        return call_fail(call, row, "%s: there is no character set '%.*s': US-ASCII, ISO-8859-1, UTF-8, UTF-16, UTF-16BE, UTF-16LE",
                         call->expr->func->name, BYTES_FMT(bytes_head(name, 40)));
    buf_clear(out);
    if (call->expr->func->variant)
        decode_text(out, set, arg_bytes(call, 0, row));
    else
        encode_text(out, set, arg_bytes(call, 0, row));
    if (out->failed)
        return call_fail(call, row, "%s: a result of more than 64 MiB", call->expr->func->name);
    call_copy(call, row, buf_view(out));
    return ST_OK;
}

/* variant: 0 ENCODE, 1 DECODE */
static enum status recode(struct call *call)
{
    enum status st = ST_OK;
    struct buf out;

    buf_init(&out, RESULT_MAX);
    FOR_ROWS(call, row) {
        st = recode_row(call, row, &out);
        if (st != ST_OK)
            break;
    }
    buf_deinit(&out);
    return st;
}

static int nibble(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* An odd count of digits leaves the first one alone: its value is lost, as in Flink. */
static bool unhex_row(struct call *call, uint32_t row, struct bytes s)
{
    size_t at = s.len % 2, len = 0;
    char *to = call_text(call, s.len / 2 + 1);

    if (!to)
        return true;
    if (at && nibble(s.ptr[0]) < 0)
        return false;
    if (at)
        to[len++] = 0;
    for (; at < s.len; at += 2) {
        int high = nibble(s.ptr[at]), low = nibble(s.ptr[at + 1]);
        if (high < 0 || low < 0)
            return false;
        to[len++] = (char)(high << 4 | low);
    }
    call_view(call, row, bytes_of(to, len));
    return true;
}

static enum status unhex(struct call *call)
{
    FOR_ROWS(call, row)
        if (!unhex_row(call, row, arg_bytes(call, 0, row)))
            call_null(call, row);
    return ST_OK;
}

const struct func func_encode_table[] = {
    {.name = "ENCODE", .types = "ss>y", .kernel = recode, .flags = FUNC_CAREFUL, .variant = 0,
     .signature = "ENCODE(s, charset)",
     .help = "The bytes of s in US-ASCII, ISO-8859-1, UTF-8, UTF-16, UTF-16BE or UTF-16LE."},
    {.name = "DECODE", .types = "ys>s", .kernel = recode, .flags = FUNC_CAREFUL, .variant = 1,
     .signature = "DECODE(bytes, charset)", .help = "The text that the bytes are in the character set."},
    {.name = "UNHEX", .types = "s>y", .kernel = unhex, .flags = FUNC_CAREFUL, .signature = "UNHEX(s)",
     .help = "The bytes that s says in base 16; NULL when it does not."},
    {0},
};
