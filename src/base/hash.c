#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash_bytes(struct bytes b)
{
    return XXH3_64bits(b.ptr, b.len);
}

void hash_bytes_128(struct bytes b, uint64_t seed, uint64_t out[2])
{
    XXH128_hash_t h = XXH3_128bits_withSeed(b.ptr, b.len, seed);

    out[0] = h.low64;
    out[1] = h.high64;
}
