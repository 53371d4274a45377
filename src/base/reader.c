#include "base/reader.h"

#include "base/endian.h"

/* The place of the next len bytes, or of as many zeros once the input is short. */
static const uint8_t *take(struct reader *r, size_t len)
{
    static const uint8_t zeros[8];

    if (r->bad || len > (size_t)(r->end - r->at)) {
        r->bad = true;
        return zeros;
    }
    const uint8_t *p = r->at;
    r->at += len;
    return p;
}

uint8_t reader_u8(struct reader *r)
{
    return *take(r, 1);
}

#define READER_INT(bits, order)                                                                    \
    uint##bits##_t reader_u##bits##_##order(struct reader *r)                                      \
    {                                                                                              \
        return load_u##bits##_##order(take(r, bits / 8));                                          \
    }

READER_INT(16, be)
READER_INT(32, be)
READER_INT(64, be)
READER_INT(16, le)
READER_INT(32, le)
READER_INT(64, le)

uint64_t reader_uvarint_long(struct reader *r)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte = reader_u8(r);
        if (shift == 63 && byte > 1)
            break; /* more than 64 bits */
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80))
            return r->bad ? 0 : value;
    }
    r->bad = true;
    return 0;
}

struct bytes reader_sized(struct reader *r)
{
    return reader_bytes(r, reader_uvarint(r));
}

void reader_skip(struct reader *r, size_t len)
{
    (void)reader_bytes(r, len);
}

struct bytes reader_rest(struct reader *r)
{
    return reader_bytes(r, reader_left(r));
}
