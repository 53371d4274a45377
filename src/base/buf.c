#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"

enum { FIRST_BYTES = 64 };

void buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit};
}

void buf_deinit(struct buf *buf)
{
    free(buf->ptr);
    *buf = (struct buf){.limit = buf->limit};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

static void grow(struct buf *buf, size_t need)
{
    size_t cap = buf->cap ? buf->cap : FIRST_BYTES;

    while (cap < need)
        cap *= 2;
    if (buf->limit && cap > buf->limit)
        cap = buf->limit; /* so that room that is there is within it */
    buf->ptr = xrealloc(buf->ptr, cap);
    buf->cap = cap;
}

uint8_t *buf_reserve(struct buf *buf, size_t len)
{
    if (buf->failed)
        return NULL;
    if (len > SIZE_MAX / 4 - buf->len || (buf->limit && buf->len + len > buf->limit)) {
        buf->failed = true;
        return NULL;
    }
    if (buf->len + len > buf->cap)
        grow(buf, buf->len + len);
    return buf->ptr + buf->len;
}

void buf_advance(struct buf *buf, size_t len)
{
    CHECK(len <= buf->cap - buf->len);
    buf->len += len;
}

void buf_append_slowly(struct buf *buf, const void *data, size_t len)
{
    if (len == 0)
        return;
    uint8_t *to = buf_reserve(buf, len);
    if (!to)
        return;
    memcpy(to, data, len);
    buf->len += len;
}

void buf_fill(struct buf *buf, uint8_t byte, size_t len)
{
    if (len == 0)
        return;
    uint8_t *to = buf_reserve(buf, len);
    if (!to)
        return;
    memset(to, byte, len);
    buf->len += len;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(len >= 0);
    uint8_t *to = buf_reserve(buf, (size_t)len + 1);
    if (to) {
        vsnprintf((char *)to, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void buf_consume(struct buf *buf, size_t len)
{
    CHECK(len <= buf->len);
    if (len == 0)
        return;
    memmove(buf->ptr, buf->ptr + len, buf->len - len);
    buf->len -= len;
}

#define BUF_INT(name, type, store)                                                                 \
    void name(struct buf *buf, type v)                                                             \
    {                                                                                              \
        uint8_t *to = buf_reserve(buf, sizeof(v));                                                 \
        if (!to)                                                                                   \
            return;                                                                                \
        store(to, v);                                                                              \
        buf->len += sizeof(v);                                                                     \
    }

BUF_INT(buf_u16_be, uint16_t, store_u16_be)
BUF_INT(buf_u32_be, uint32_t, store_u32_be)
BUF_INT(buf_u64_be, uint64_t, store_u64_be)
BUF_INT(buf_u16_le, uint16_t, store_u16_le)
BUF_INT(buf_u32_le, uint32_t, store_u32_le)
BUF_INT(buf_u64_le, uint64_t, store_u64_le)

void buf_uvarint(struct buf *buf, uint64_t v)
{
    uint8_t *to = buf_reserve(buf, 10);
    size_t len = 0;

    if (!to)
        return;
    while (v >= 0x80) {
        to[len++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    to[len++] = (uint8_t)v;
    buf->len += len;
}

void buf_varint(struct buf *buf, int64_t v)
{
    buf_uvarint(buf, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

void buf_sized(struct buf *buf, struct bytes b)
{
    buf_uvarint(buf, b.len);
    buf_bytes(buf, b);
}

void buf_patch_u32_be(struct buf *buf, size_t pos, uint32_t v)
{
    if (buf->failed)
        return;
    CHECK(pos + 4 <= buf->len);
    store_u32_be(buf->ptr + pos, v);
}

void buf_patch_u32_le(struct buf *buf, size_t pos, uint32_t v)
{
    if (buf->failed)
        return;
    CHECK(pos + 4 <= buf->len);
    store_u32_le(buf->ptr + pos, v);
}
