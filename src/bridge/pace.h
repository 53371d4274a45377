/* pace.h: when to try again, and how fast to go: backoff with full jitter, and a rate limit.
 *
 * Backoff: the n-th wait is drawn from 0 … min(max, first * 2^n) (M. Brooker, "Exponential Backoff And
 * Jitter", 2015: full jitter), and at least a tenth of that, so that a dead system is not dialled in a loop.
 * Rate: a bucket of a second's tokens.
 *
 * Threads: one.   Clock: the caller's, monotonic.   Layer: bridge.
 */
#ifndef QW_BRIDGE_PACE_H
#define QW_BRIDGE_PACE_H

#include "base/rng.h"

struct backoff {
    int64_t first_ms, max_ms;
    uint32_t failures; /* in a row */
};

/* How long to wait after one more failure, ns. */
int64_t backoff_next_ns(struct backoff *b, struct rng *rng);
static inline void backoff_reset(struct backoff *b)
{
    b->failures = 0;
}

struct rate {
    uint64_t per_second; /* 0: no limit */
    double tokens;
    int64_t at_ns;
};

/* How many may go now, at most `wanted`; 0: *at_ns says when to ask again. They are taken from the bucket. */
uint64_t rate_take(struct rate *r, int64_t now_ns, uint64_t wanted, int64_t *at_ns);

#endif
