/* hash.h: one 64-bit hash for keys, partitions of state and dictionaries (XXH3).
 *
 * The value goes into key groups and so into checkpoints: it must not change with the processor
 * or the build. For Kafka's own partitioner (murmur2) see wire/kafka.       Layer: base.
 */
#ifndef QW_BASE_HASH_H
#define QW_BASE_HASH_H

#include "base/bytes.h"

uint64_t hash_bytes(struct bytes b);
uint64_t hash_u64(uint64_t v);
uint64_t hash_combine(uint64_t a, uint64_t b); /* order matters */

#endif
