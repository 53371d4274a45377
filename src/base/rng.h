/* rng.h: repeatable random numbers (splitmix64 seeds, xoshiro256** numbers; Blackman and Vigna,
 * 2018). For simulations, generators and tests; secrets come from the os layer.  Layer: base. */
#ifndef QW_BASE_RNG_H
#define QW_BASE_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t s[4];
};

struct rng rng_seed(uint64_t seed);
uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t bound); /* 0 .. bound-1; bound is not 0 */
int64_t rng_between(struct rng *rng, int64_t low, int64_t high); /* both included */
double rng_unit(struct rng *rng);                                /* [0, 1) */
bool rng_chance(struct rng *rng, double probability);

#endif
