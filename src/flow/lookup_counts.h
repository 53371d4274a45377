/* lookup_counts.h: what a lookup join on an outside system counts, since it was opened.   Layer: flow. */
#ifndef QW_FLOW_LOOKUP_COUNTS_H
#define QW_FLOW_LOOKUP_COUNTS_H

#include <stdint.h>

struct lookup_counts {
    uint64_t hits;   /* rows that the cache answered; a key with a NULL is neither hit nor miss */
    uint64_t misses; /* rows that it did not: their key was asked for, or had been */
    uint64_t stale;  /* answers for which the last one was taken though it had expired */
    uint64_t retried; /* questions asked again, because there was nothing */
    uint64_t cached; /* keys that the cache has now */
};

static inline void lookup_counts_add(struct lookup_counts *to, const struct lookup_counts *more)
{
    to->hits += more->hits;
    to->misses += more->misses;
    to->stale += more->stale;
    to->retried += more->retried;
    to->cached += more->cached;
}

#endif
