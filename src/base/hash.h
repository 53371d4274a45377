/* hash.h: one 64-bit hash for keys, partitions of state and dictionaries (XXH3).
 *
 * The value goes into key groups and so into checkpoints: it must not change with the processor
 * or the build. For Kafka's own partitioner (murmur2) see wire/kafka.       Layer: base.
 */
#ifndef QW_BASE_HASH_H
#define QW_BASE_HASH_H

#include "base/bytes.h"

uint64_t hash_bytes(struct bytes b);
/* 128 bits, seeded: for where one is taken for the bytes themselves. */
void hash_bytes_128(struct bytes b, uint64_t seed, uint64_t out[2]);

/* The finaliser of MurmurHash3: each bit of v moves about half of the bits of the result. */
static inline uint64_t hash_u64(uint64_t v)
{
    v ^= v >> 33;
    v *= 0xFF51AFD7ED558CCDu;
    v ^= v >> 33;
    v *= 0xC4CEB9FE1A85EC53u;
    v ^= v >> 33;
    return v;
}

/* Order matters. */
static inline uint64_t hash_combine(uint64_t a, uint64_t b)
{
    return hash_u64(a * 0x9E3779B97F4A7C15u + b);
}

#endif
