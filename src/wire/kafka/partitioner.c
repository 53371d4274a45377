#include "wire/kafka/partitioner.h"

#include "base/check.h"
#include "base/endian.h"

/* MurmurHash2 (Austin Appleby, public domain), 32 bits, little-endian words; the seed is the one
 * that Kafka's Java client uses. */
uint32_t kafka_murmur2(struct bytes key)
{
    const uint32_t m = 0x5bd1e995u, seed = 0x9747b28cu;
    const unsigned r = 24;
    uint32_t h = seed ^ (uint32_t)key.len;
    size_t words = key.len / 4;
    const uint8_t *tail = key.ptr + words * 4;

    for (size_t i = 0; i < words; i++) {
        uint32_t k = load_u32_le(key.ptr + i * 4) * m;
        h = (h * m) ^ ((k ^ (k >> r)) * m);
    }
    if (key.len % 4 > 2)
        h ^= (uint32_t)tail[2] << 16;
    if (key.len % 4 > 1)
        h ^= (uint32_t)tail[1] << 8;
    if (key.len % 4 > 0)
        h = (h ^ tail[0]) * m;
    h = (h ^ (h >> 13)) * m;
    return h ^ (h >> 15);
}

int32_t kafka_partition_of(struct bytes key, int32_t partitions_count)
{
    CHECK(partitions_count > 0);
    return (int32_t)((kafka_murmur2(key) & 0x7FFFFFFFu) % (uint32_t)partitions_count);
}
