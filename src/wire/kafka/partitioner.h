/* partitioner.h: which partition a key goes to, as Kafka's Java client decides: murmur2 with its
 * seed, the sign bit cleared, modulo the partitions. (librdkafka calls it murmur2_random.) The
 * value is part of the protocol's habits and must never change.       Layer: wire. */
#ifndef QW_WIRE_KAFKA_PARTITIONER_H
#define QW_WIRE_KAFKA_PARTITIONER_H

#include "base/bytes.h"

uint32_t kafka_murmur2(struct bytes key);
int32_t kafka_partition_of(struct bytes key, int32_t partitions_count); /* count > 0 */

#endif
