/* endian.h: integers in bytes of a stated order, at any alignment.       Layer: base. */
#ifndef QW_BASE_ENDIAN_H
#define QW_BASE_ENDIAN_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ENDIAN_BE(bits, v) __builtin_bswap##bits(v)
#define ENDIAN_LE(bits, v) (v)
#else
#define ENDIAN_BE(bits, v) (v)
#define ENDIAN_LE(bits, v) __builtin_bswap##bits(v)
#endif

#define ENDIAN_PAIR(bits, order, convert)                                                          \
    static inline void store_u##bits##_##order(void *to, uint##bits##_t v)                         \
    {                                                                                              \
        v = convert(bits, v);                                                                      \
        memcpy(to, &v, sizeof(v));                                                                 \
    }                                                                                              \
    static inline uint##bits##_t load_u##bits##_##order(const void *from)                          \
    {                                                                                              \
        uint##bits##_t v;                                                                          \
        memcpy(&v, from, sizeof(v));                                                               \
        return convert(bits, v);                                                                   \
    }

ENDIAN_PAIR(16, be, ENDIAN_BE)
ENDIAN_PAIR(32, be, ENDIAN_BE)
ENDIAN_PAIR(64, be, ENDIAN_BE)
ENDIAN_PAIR(16, le, ENDIAN_LE)
ENDIAN_PAIR(32, le, ENDIAN_LE)
ENDIAN_PAIR(64, le, ENDIAN_LE)

#undef ENDIAN_PAIR

#endif
