/* decimal.h: DECIMAL(p,s) as a 128-bit integer times 10^-s, and the rules of its result types.
 *
 * Every operation rounds HALF_UP (away from zero at one half) and says whether the result fits its
 * precision; callers turn "does not fit" into NULL, as Flink does. Intermediate results have up to
 * 256 bits, so nothing is lost before that one rounding.
 *
 * Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_DECIMAL_H
#define QW_DATA_DECIMAL_H

#include "data/chunk.h"

struct decimal_type {
    int32_t precision, scale;
};

/* DECIMAL as it is; an integer type as the DECIMAL that holds it: BIGINT is DECIMAL(19,0). */
struct decimal_type decimal_type_of(const struct type *type);

/* Cuts a precision above 38, keeping the whole part and at least min(scale, 6) of the scale. */
struct decimal_type decimal_adjust(int32_t precision, int32_t scale);
struct decimal_type decimal_add_type(struct decimal_type a, struct decimal_type b);
struct decimal_type decimal_mul_type(struct decimal_type a, struct decimal_type b);
struct decimal_type decimal_div_type(struct decimal_type a, struct decimal_type b);
struct decimal_type decimal_mod_type(struct decimal_type a, struct decimal_type b);

i128 decimal_pow10(int32_t n); /* 0 <= n <= 38 */

static inline bool decimal_fits(i128 v, i128 bound) /* bound: decimal_pow10(precision) */
{
    return v < bound && v > -bound;
}

/* v of one scale at another. False: it does not fit 38 digits. */
bool decimal_rescale(i128 v, int32_t from, int32_t to, i128 *out);
bool decimal_mul(i128 a, i128 b, int32_t scale_in, int32_t scale_out, i128 *out);
/* a (scale sa) / b (scale sb), b not 0. */
bool decimal_div(i128 a, int32_t sa, i128 b, int32_t sb, int32_t scale_out, i128 *out);

/* Text of v: plain digits, never an exponent; at most DECIMAL_TEXT_MAX bytes, not terminated. */
enum { DECIMAL_TEXT_MAX = 44 };
size_t decimal_text(i128 v, int32_t scale, char *to);
/* "-12.50", "1e3": at the given scale, rounded. False: not a number, or it does not fit precision. */
bool decimal_parse(struct bytes text, int32_t precision, int32_t scale, i128 *out);

double decimal_to_f64(i128 v, int32_t scale); /* the nearest double */
/* By the shortest decimal text of v, as Java's BigDecimal.valueOf. */
bool decimal_from_f64(double v, int32_t precision, int32_t scale, i128 *out);

#endif
