/* members.h: what a classic group's members of the protocol type "consumer" tell each other through the
 * broker, which only carries it: what one subscribes to, and what it was assigned.
 *
 *   subscription  version i16, topics [] string, …
 *   assignment    version i16, [] (topic string, [] partition i32), …
 *
 * What follows in later versions is not looked at.
 *
 * Owns:    nothing: names are views into the input.   Threads: any.   Layer: wire.
 * Errors:  false: cut short, or a count that the bytes left cannot hold; what came before was given.
 */
#ifndef QW_WIRE_KAFKA_MEMBERS_H
#define QW_WIRE_KAFKA_MEMBERS_H

#include "base/bytes.h"

typedef void subscription_fn(void *context, struct bytes topic);
bool subscription_read(struct bytes in, subscription_fn *fn, void *context);

typedef void assignment_fn(void *context, struct bytes topic, int32_t partition);
bool assignment_read(struct bytes in, assignment_fn *fn, void *context);

#endif
