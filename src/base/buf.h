/* buf.h: bytes that grow at the end: what an encoder writes into.
 *
 * Integers go out big-endian (`_be`, network protocols) or little-endian (`_le`, our own files).
 * A buf with a limit never grows past it: `failed` turns true, later appends do nothing, and the
 * caller asks once at the end (a sticky error, like struct reader's).
 *
 * Owns: its memory, until buf_deinit.   Threads: one at a time.   Layer: base.
 */
#ifndef QW_BASE_BUF_H
#define QW_BASE_BUF_H

#include "base/bytes.h"

struct buf {
    uint8_t *ptr;
    size_t len, cap;
    size_t limit; /* 0: none */
    bool failed;
};

void buf_init(struct buf *buf, size_t limit);
void buf_deinit(struct buf *buf);
void buf_clear(struct buf *buf); /* keeps the memory */

/* Room for len more bytes at ptr + len of the buf, not counted until buf_advance; NULL once
 * failed. */
uint8_t *buf_reserve(struct buf *buf, size_t len);
void buf_advance(struct buf *buf, size_t len);

void buf_append_slowly(struct buf *buf, const void *data, size_t len); /* buf_append, which see */
void buf_fill(struct buf *buf, uint8_t byte, size_t len);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Drops the first len bytes and moves the rest to the front. */
void buf_consume(struct buf *buf, size_t len);

/* Room that is there is within the limit. */
static inline bool buf_has_room(const struct buf *buf, size_t len)
{
    return !buf->failed && len <= buf->cap - buf->len;
}

static inline void buf_append(struct buf *buf, const void *data, size_t len)
{
    if (len == 0 || !buf_has_room(buf, len)) {
        buf_append_slowly(buf, data, len);
        return;
    }
    memcpy(buf->ptr + buf->len, data, len);
    buf->len += len;
}

static inline struct bytes buf_view(const struct buf *buf)
{
    return bytes_of(buf->ptr, buf->len);
}

static inline void buf_bytes(struct buf *buf, struct bytes b)
{
    buf_append(buf, b.ptr, b.len);
}

static inline void buf_str(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

static inline void buf_u8(struct buf *buf, uint8_t v)
{
    if (buf_has_room(buf, 1))
        buf->ptr[buf->len++] = v;
    else
        buf_append_slowly(buf, &v, 1);
}

void buf_u16_be(struct buf *buf, uint16_t v);
void buf_u32_be(struct buf *buf, uint32_t v);
void buf_u64_be(struct buf *buf, uint64_t v);
void buf_u16_le(struct buf *buf, uint16_t v);
void buf_u32_le(struct buf *buf, uint32_t v);
void buf_u64_le(struct buf *buf, uint64_t v);
void buf_uvarint(struct buf *buf, uint64_t v); /* LEB128 */
void buf_varint(struct buf *buf, int64_t v);   /* zig-zag, then LEB128 */

/* Length as uvarint, then the bytes. */
void buf_sized(struct buf *buf, struct bytes b);

/* Overwrites four bytes at pos, for a length or checksum known only later. */
void buf_patch_u32_be(struct buf *buf, size_t pos, uint32_t v);
void buf_patch_u32_le(struct buf *buf, size_t pos, uint32_t v);

#endif
