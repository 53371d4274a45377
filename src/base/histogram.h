/* histogram.h: counts of values over 0 .. 2^63 with a relative error of at most 1/32.
 *
 * Log-linear buckets (32 to each power of two), so that percentiles to p99.99 cost 15 KiB and an
 * increment. Merge two by adding.   Threads: one writer.   Layer: base.
 */
#ifndef QW_BASE_HISTOGRAM_H
#define QW_BASE_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_SUB = 32, HISTOGRAM_BUCKETS = HISTOGRAM_SUB * 60 };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t sum;
    uint64_t max;
};

void histogram_clear(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The upper edge of the bucket that holds the given part (0 .. 1) of the values; 0 when empty. */
uint64_t histogram_quantile(const struct histogram *h, double part);

#endif
