/* reader.h: a cursor over bytes from outside, with a sticky error.
 *
 * Read everything, ask once: a read past the end sets `bad` and yields zeros (or empty views), and
 * so do all later reads. Counts read from it must be checked against a limit, or against
 * reader_left(), before a loop trusts them.
 *
 * Owns: nothing; views point into the input.   Layer: base.
 */
#ifndef QW_BASE_READER_H
#define QW_BASE_READER_H

#include "base/bytes.h"

struct reader {
    const uint8_t *at, *end;
    bool bad;
};

static inline struct reader reader_of(struct bytes b)
{
    const uint8_t *at = b.ptr ? b.ptr : (const uint8_t *)""; /* null + 0 is not allowed in C */
    return (struct reader){at, at + b.len, false};
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

uint8_t reader_u8(struct reader *r);
uint16_t reader_u16_be(struct reader *r);
uint32_t reader_u32_be(struct reader *r);
uint64_t reader_u64_be(struct reader *r);
uint16_t reader_u16_le(struct reader *r);
uint32_t reader_u32_le(struct reader *r);
uint64_t reader_u64_le(struct reader *r);
uint64_t reader_uvarint_long(struct reader *r); /* any; what follows is for the usual one byte */

/* LEB128, at most 10 bytes. Here, like the next two, as every field of every record comes through them. */
static inline uint64_t reader_uvarint(struct reader *r)
{
    if (!r->bad && r->at < r->end && *r->at < 0x80)
        return *r->at++;
    return reader_uvarint_long(r);
}

/* zig-zag */
static inline int64_t reader_varint(struct reader *r)
{
    uint64_t v = reader_uvarint(r);

    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static inline struct bytes reader_bytes(struct reader *r, size_t len)
{
    if (r->bad || len > (size_t)(r->end - r->at)) {
        r->bad = true;
        return BYTES_NONE;
    }
    struct bytes b = bytes_of(r->at, len);
    r->at += len;
    return b;
}

struct bytes reader_sized(struct reader *r); /* uvarint length, then the bytes */
void reader_skip(struct reader *r, size_t len);
struct bytes reader_rest(struct reader *r);

#endif
