#include "base/rng.h"

#include "base/check.h"

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

struct rng rng_seed(uint64_t seed)
{
    struct rng rng;
    for (int i = 0; i < 4; i++)
        rng.s[i] = splitmix(&seed);
    return rng;
}

static uint64_t rotate(uint64_t v, int by)
{
    return (v << by) | (v >> (64 - by));
}

uint64_t rng_next(struct rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

/* Lemire 2019, without the rejection: the bias is bound / 2^64. */
uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    CHECK(bound > 0);
    return (uint64_t)(((unsigned __int128)rng_next(rng) * bound) >> 64);
}

int64_t rng_between(struct rng *rng, int64_t low, int64_t high)
{
    CHECK(low <= high);
    uint64_t span = (uint64_t)high - (uint64_t)low + 1;
    return span == 0 ? (int64_t)rng_next(rng) : (int64_t)((uint64_t)low + rng_below(rng, span));
}

double rng_unit(struct rng *rng)
{
    return (double)(rng_next(rng) >> 11) * 0x1.0p-53;
}

bool rng_chance(struct rng *rng, double probability)
{
    return rng_unit(rng) < probability;
}
