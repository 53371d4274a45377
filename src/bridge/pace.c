/* pace.c: see pace.h. */
#include "bridge/pace.h"

enum { DOUBLINGS_MAX = 20 };

int64_t backoff_next_ns(struct backoff *b, struct rng *rng)
{
    uint32_t doublings = b->failures < DOUBLINGS_MAX ? b->failures : DOUBLINGS_MAX;
    int64_t bound_ms = b->first_ms << doublings;

    b->failures++;
    if (bound_ms > b->max_ms)
        bound_ms = b->max_ms;
    return rng_between(rng, bound_ms * 100000, bound_ms * 1000000);
}

uint64_t rate_take(struct rate *r, int64_t now_ns, uint64_t wanted, int64_t *at_ns)
{
    if (!r->per_second)
        return wanted;
    double full = (double)r->per_second;
    r->tokens += (double)(now_ns - r->at_ns) / 1e9 * full;
    if (r->tokens > full)
        r->tokens = full;
    r->at_ns = now_ns;
    if (r->tokens < 1) {
        *at_ns = now_ns + (int64_t)((1 - r->tokens) / full * 1e9) + 1;
        return 0;
    }
    uint64_t may = (uint64_t)r->tokens;
    if (may > wanted)
        may = wanted;
    r->tokens -= (double)may;
    return may;
}
