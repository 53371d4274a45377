/* held.h: a set of keys, known by hashes of 64 bits: those whose records are held back.
 *
 * Two keys of one hash are one: then a record is held that need not be, which is no harm, and with a million keys has
 * a chance of 1 in 10^13 a record.
 *
 * Owns: its table: 8 to 32 bytes a key.   Threads: one.   Limits: the caller's.   Layer: bridge.
 */
#ifndef QW_BRIDGE_HELD_H
#define QW_BRIDGE_HELD_H

#include "base/bytes.h"

struct held {
    uint64_t *slots; /* open addressing; 0: free */
    uint32_t cap, count;
};

/* A zeroed one is empty. */
void held_deinit(struct held *held);
void held_clear(struct held *held); /* keeps its memory only where that is small */
bool held_has(const struct held *held, struct bytes key);
/* False: it was there. */
bool held_add(struct held *held, struct bytes key);

#endif
