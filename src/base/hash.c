#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash_bytes(struct bytes b)
{
    return XXH3_64bits(b.ptr, b.len);
}

/* The finaliser of MurmurHash3: each bit of v moves about half of the bits of the result. */
uint64_t hash_u64(uint64_t v)
{
    v ^= v >> 33;
    v *= 0xFF51AFD7ED558CCDu;
    v ^= v >> 33;
    v *= 0xC4CEB9FE1A85EC53u;
    v ^= v >> 33;
    return v;
}

uint64_t hash_combine(uint64_t a, uint64_t b)
{
    return hash_u64(a * 0x9E3779B97F4A7C15u + b);
}
