/* kafka_fill.h: a Kafka message with random content, for tests of codec and face. */
#ifndef QW_TESTS_KAFKA_FILL_H
#define QW_TESTS_KAFKA_FILL_H

#include "base/rng.h"
#include "wire/kafka/messages.h"

void kafka_fill(struct rng *rng, struct arena *arena, const struct kafka_struct *type,
                void *message);

#endif
