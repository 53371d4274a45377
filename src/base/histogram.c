#include "base/histogram.h"

#include <string.h>

#include "base/check.h"

enum { SUB_BITS = 5 };
_Static_assert(1 << SUB_BITS == HISTOGRAM_SUB, "a bucket index is exponent and the next five bits");

void histogram_clear(struct histogram *h)
{
    memset(h, 0, sizeof(*h));
}

static unsigned bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_SUB)
        return (unsigned)value;
    unsigned exponent = 63 - (unsigned)__builtin_clzll(value);
    unsigned sub = (unsigned)(value >> (exponent - SUB_BITS)) & (HISTOGRAM_SUB - 1);
    return (exponent - SUB_BITS + 1) * HISTOGRAM_SUB + sub;
}

static uint64_t bucket_top(unsigned bucket)
{
    if (bucket < HISTOGRAM_SUB)
        return bucket;
    unsigned exponent = bucket / HISTOGRAM_SUB + SUB_BITS - 1;
    uint64_t sub = bucket % HISTOGRAM_SUB;
    uint64_t width = 1ull << (exponent - SUB_BITS);
    return (HISTOGRAM_SUB + sub) * width + width - 1;
}

void histogram_add(struct histogram *h, uint64_t value)
{
    unsigned bucket = bucket_of(value);

    CHECK(bucket < HISTOGRAM_BUCKETS);
    h->counts[bucket]++;
    h->total++;
    h->sum += value;
    if (value > h->max)
        h->max = value;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->counts[i] += from->counts[i];
    into->total += from->total;
    into->sum += from->sum;
    if (from->max > into->max)
        into->max = from->max;
}

uint64_t histogram_quantile(const struct histogram *h, double part)
{
    uint64_t want = (uint64_t)(part * (double)h->total), seen = 0;

    if (h->total == 0)
        return 0;
    if (want >= h->total)
        want = h->total - 1;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->counts[i];
        if (seen > want) {
            uint64_t top = bucket_top(i);
            return top < h->max ? top : h->max;
        }
    }
    return h->max;
}
