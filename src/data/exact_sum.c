#include "data/exact_sum.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "data/datetime.h"

enum { LIMB_BITS = 64, ROOM_BELOW = 2 };

static uint64_t sign_limb(const struct exact_sum *s)
{
    return s->limbs[EXACT_LIMBS - 1] >> 63 ? UINT64_MAX : 0;
}

/* Moves the window up one limb: the lowest is dropped. */
static void slide_up(struct exact_sum *s)
{
    uint64_t top = sign_limb(s);

    memmove(s->limbs, s->limbs + 1, sizeof(uint64_t) * (EXACT_LIMBS - 1));
    s->limbs[EXACT_LIMBS - 1] = top;
    s->base++;
}

/* Moves it down one limb if the top two are only the sign; false: they are not. */
static bool slide_down(struct exact_sum *s)
{
    uint64_t sign = sign_limb(s);

    if (s->limbs[EXACT_LIMBS - 1] != sign || s->limbs[EXACT_LIMBS - 2] != sign ||
        s->limbs[EXACT_LIMBS - 3] >> 63 != sign >> 63)
        return false;
    memmove(s->limbs + 1, s->limbs, sizeof(uint64_t) * (EXACT_LIMBS - 1));
    s->limbs[0] = 0;
    s->base--;
    return true;
}

/* A limb of the value, at a place in the window, with carry or borrow to the top. */
static void add_limb(struct exact_sum *s, int at, uint64_t v, bool negative)
{
    for (; at < EXACT_LIMBS && v; at++) {
        uint64_t before = s->limbs[at];
        s->limbs[at] = negative ? before - v : before + v;
        v = negative ? before < v : s->limbs[at] < before;
    }
}

/* m * 2^(64 * limb + shift), shift below 64 */
static void add_bits(struct exact_sum *s, uint64_t m, int32_t limb, int shift, bool negative)
{
    unsigned __int128 wide = (unsigned __int128)m << shift;
    uint64_t low = (uint64_t)wide, high = (uint64_t)(wide >> LIMB_BITS);

    if (!s->used) {
        s->used = 1;
        s->base = limb - ROOM_BELOW;
    }
    while (limb < s->base && slide_down(s))
        ;
    /* the value's two limbs must stay below the top one, which is room for the sum to grow */
    while (limb - s->base > EXACT_LIMBS - 3 && !(high == 0 && limb - s->base == EXACT_LIMBS - 2))
        slide_up(s);
    int at = limb - s->base;
    if (at >= 0)
        add_limb(s, at, low, negative);
    if (at >= -1)
        add_limb(s, at + 1, high, negative);
}

static void count_special(struct exact_sum *s, double v, int weight)
{
    if (isnan(v))
        s->nans += weight;
    else if (v > 0)
        s->positive_infinities += weight;
    else
        s->negative_infinities += weight;
}

void exact_sum_add(struct exact_sum *s, double v, int weight)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    int exponent = (int)(bits >> 52 & 0x7ff);
    uint64_t m = bits & ((1ull << 52) - 1);
    if (exponent == 0x7ff) {
        count_special(s, v, weight);
        return;
    }
    if (exponent)
        m |= 1ull << 52;
    else
        exponent = 1;
    if (m == 0)
        return;
    int place = exponent - 1075; /* weight of the lowest bit of m */
    int32_t limb = (int32_t)floor_div(place, LIMB_BITS);
    add_bits(s, m, limb, place - limb * LIMB_BITS, (bits >> 63) != (weight < 0));
}

static bool magnitude(const struct exact_sum *s, uint64_t *out)
{
    bool negative = sign_limb(s) != 0;
    uint64_t carry = negative;

    for (int i = 0; i < EXACT_LIMBS; i++) {
        out[i] = (negative ? ~s->limbs[i] : s->limbs[i]) + carry;
        carry = carry && out[i] == 0;
    }
    return negative;
}

void exact_sum_merge(struct exact_sum *s, const struct exact_sum *other)
{
    uint64_t m[EXACT_LIMBS];
    bool negative = magnitude(other, m);

    s->nans += other->nans;
    s->positive_infinities += other->positive_infinities;
    s->negative_infinities += other->negative_infinities;
    if (!other->used)
        return;
    if (!s->used) {
        memcpy(s->limbs, other->limbs, sizeof(s->limbs));
        s->base = other->base;
        s->used = 1;
        return;
    }
    for (int i = 0; i < EXACT_LIMBS; i++)
        if (m[i])
            add_bits(s, m[i], other->base + i, 0, negative);
}

double exact_sum_value(const struct exact_sum *s)
{
    uint64_t m[EXACT_LIMBS];
    bool negative = magnitude(s, m), rest = false;
    int top = EXACT_LIMBS - 1;

    if (s->nans > 0 || (s->positive_infinities > 0 && s->negative_infinities > 0))
        return NAN;
    if (s->positive_infinities > 0 || s->negative_infinities > 0)
        return s->positive_infinities > 0 ? INFINITY : -INFINITY;
    while (top >= 0 && !m[top])
        top--;
    if (top < 0)
        return 0.0;
    /* the highest 64 bits, and in the lowest of them whether anything is below: that is enough for
     * one right rounding, unless the result is subnormal, where it is exact */
    int lead = __builtin_clzll(m[top]);
    uint64_t high = m[top] << lead;
    if (top > 0 && lead)
        high |= m[top - 1] >> (LIMB_BITS - lead);
    if (top > 0)
        rest = (lead ? m[top - 1] << lead : m[top - 1]) != 0;
    for (int i = 0; i < top - 1; i++)
        rest |= m[i] != 0;
    double v = ldexp((double)(high | rest), (s->base + top) * LIMB_BITS - lead);
    return negative ? -v : v;
}
