#include "data/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "data/number.h"

typedef unsigned __int128 u128;

/* ---- types ---- */

struct decimal_type decimal_type_of(const struct type *type)
{
    if (type->kind == TYPE_DECIMAL)
        return (struct decimal_type){type->precision, type->scale};
    return (struct decimal_type){type_simple(type->kind)->precision, 0};
}

static int32_t min_i32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t max_i32(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

struct decimal_type decimal_adjust(int32_t precision, int32_t scale)
{
    if (precision <= TYPE_DECIMAL_MAX)
        return (struct decimal_type){precision, scale};
    int32_t whole = precision - scale;
    return (struct decimal_type){TYPE_DECIMAL_MAX,
                                 max_i32(TYPE_DECIMAL_MAX - whole, min_i32(scale, 6))};
}

struct decimal_type decimal_add_type(struct decimal_type a, struct decimal_type b)
{
    int32_t scale = max_i32(a.scale, b.scale);
    return decimal_adjust(max_i32(a.precision - a.scale, b.precision - b.scale) + scale + 1, scale);
}

struct decimal_type decimal_mul_type(struct decimal_type a, struct decimal_type b)
{
    return decimal_adjust(a.precision + b.precision + 1, a.scale + b.scale);
}

struct decimal_type decimal_div_type(struct decimal_type a, struct decimal_type b)
{
    int32_t scale = max_i32(6, a.scale + b.precision + 1);
    return decimal_adjust(a.precision - a.scale + b.scale + scale, scale);
}

struct decimal_type decimal_mod_type(struct decimal_type a, struct decimal_type b)
{
    int32_t scale = max_i32(a.scale, b.scale);
    return decimal_adjust(min_i32(a.precision - a.scale, b.precision - b.scale) + scale, scale);
}

/* ---- powers ---- */

#define E19 ((u128)10000000000000000000ull)
#define P(n) ((u128)1##n##ull)

static const u128 powers[TYPE_DECIMAL_MAX + 1] = {
    1,           10,          100,         1000,        10000,       100000,      1000000,
    10000000,    100000000,   1000000000,  P(0000000000), P(00000000000), P(000000000000),
    P(0000000000000), P(00000000000000), P(000000000000000), P(0000000000000000),
    P(00000000000000000), P(000000000000000000),
    E19,         E19 * 10,    E19 * 100,   E19 * 1000,  E19 * 10000, E19 * 100000, E19 * 1000000,
    E19 * 10000000, E19 * 100000000, E19 * 1000000000, E19 * P(0000000000),
    E19 * P(00000000000), E19 * P(000000000000), E19 * P(0000000000000),
    E19 * P(00000000000000), E19 * P(000000000000000), E19 * P(0000000000000000),
    E19 * P(00000000000000000), E19 * P(000000000000000000), E19 * E19,
};

i128 decimal_pow10(int32_t n)
{
    CHECK(n >= 0 && n <= TYPE_DECIMAL_MAX);
    return (i128)powers[n];
}

/* ---- 256 bits, for what does not fit 128 ---- */

struct u256 {
    u128 hi, lo;
};

static struct u256 mul_wide(u128 a, u128 b)
{
    u128 a0 = (uint64_t)a, a1 = a >> 64, b0 = (uint64_t)b, b1 = b >> 64;
    u128 p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
    u128 mid = (p00 >> 64) + (uint64_t)p01 + (uint64_t)p10;

    return (struct u256){p11 + (p01 >> 64) + (p10 >> 64) + (mid >> 64),
                         (mid << 64) | (uint64_t)p00};
}

/* n / d rounded half up; false when the quotient needs more than 127 bits. */
static bool div_wide(struct u256 n, u128 d, u128 *out)
{
    u128 rest = n.hi, q = 0;

    if (d == 0 || n.hi >= d)
        return false;
    if (n.hi == 0) {
        q = n.lo / d;
        rest = n.lo % d;
    } else {
        for (int bit = 127; bit >= 0; bit--) {
            bool carry = rest >> 127;
            rest = (rest << 1) | ((n.lo >> bit) & 1);
            q <<= 1;
            if (carry || rest >= d) {
                rest -= d;
                q |= 1;
            }
        }
    }
    if (rest >= d - rest)
        q++;
    *out = q;
    return !(q >> 127);
}

static u128 magnitude(i128 v)
{
    return v < 0 ? -(u128)v : (u128)v;
}

static bool signed_result(bool negative, u128 v, i128 *out)
{
    *out = negative ? -(i128)v : (i128)v;
    return v < powers[TYPE_DECIMAL_MAX];
}

/* ---- operations ---- */

bool decimal_rescale(i128 v, int32_t from, int32_t to, i128 *out)
{
    if (to >= from) {
        if (to - from > TYPE_DECIMAL_MAX)
            return v == 0 ? (*out = 0, true) : false;
        return !__builtin_mul_overflow(v, (i128)powers[to - from], out) &&
               decimal_fits(*out, (i128)powers[TYPE_DECIMAL_MAX]);
    }
    if (from - to > TYPE_DECIMAL_MAX) {
        *out = 0;
        return true;
    }
    u128 d = powers[from - to], m = magnitude(v), q = m / d, rest = m % d;
    return signed_result(v < 0, q + (rest >= d - rest), out);
}

bool decimal_mul(i128 a, i128 b, int32_t scale_in, int32_t scale_out, i128 *out)
{
    i128 product;
    u128 q;

    if (!__builtin_mul_overflow(a, b, &product))
        return decimal_rescale(product, scale_in, scale_out, out);
    if (scale_in <= scale_out || scale_in - scale_out > TYPE_DECIMAL_MAX)
        return false;
    if (!div_wide(mul_wide(magnitude(a), magnitude(b)), powers[scale_in - scale_out], &q))
        return false;
    return signed_result((a < 0) != (b < 0), q, out);
}

bool decimal_div(i128 a, int32_t sa, i128 b, int32_t sb, int32_t scale_out, i128 *out)
{
    int32_t shift = scale_out - sa + sb; /* a * 10^shift / b */
    u128 q;

    CHECK(b != 0);
    if (shift < 0) {
        struct u256 d = mul_wide(magnitude(b), powers[min_i32(-shift, TYPE_DECIMAL_MAX)]);
        if (d.hi) { /* larger than any a: rounds to 0 */
            *out = 0;
            return true;
        }
        if (!div_wide((struct u256){0, magnitude(a)}, d.lo, &q))
            return false;
    } else if (shift <= TYPE_DECIMAL_MAX) {
        if (!div_wide(mul_wide(magnitude(a), powers[shift]), magnitude(b), &q))
            return false;
    } else {
        return a == 0 ? (*out = 0, true) : false;
    }
    return signed_result((a < 0) != (b < 0), q, out);
}

/* ---- text ---- */

size_t decimal_text(i128 v, int32_t scale, char *to)
{
    char digits[DECIMAL_TEXT_MAX];
    int32_t n = 0;
    size_t len = 0;
    u128 m = magnitude(v);

    while (m >> 64) { /* 64-bit division is several times cheaper */
        uint64_t low = (uint64_t)(m % powers[18]);
        m /= powers[18];
        for (int i = 0; i < 18; i++, low /= 10)
            digits[n++] = (char)('0' + low % 10);
    }
    for (uint64_t low = (uint64_t)m; low; low /= 10)
        digits[n++] = (char)('0' + low % 10);
    while (n <= scale)
        digits[n++] = '0';
    if (v < 0)
        to[len++] = '-';
    while (n > 0) {
        if (n == scale)
            to[len++] = '.';
        to[len++] = digits[--n];
    }
    return len;
}

/* digits[0..n) with the point after `whole` of them, to v at `scale`, rounded half up. */
static bool from_digits(const char *digits, int32_t n, int64_t whole, int32_t precision,
                        int32_t scale, bool negative, i128 *out)
{
    int64_t keep = whole + scale; /* digits that count */
    u128 v = 0;

    if (keep < 0) {
        *out = 0;
        return true;
    }
    for (int64_t i = 0; i < keep; i++) {
        unsigned digit = i < n ? (unsigned)(digits[i] - '0') : 0;
        v = v * 10 + digit;
        if (v >= powers[precision])
            return false;
        if (i >= n && v == 0)
            break;
    }
    if (keep < n && digits[keep] >= '5')
        v++;
    *out = negative ? -(i128)v : (i128)v;
    return v < powers[precision];
}

bool decimal_parse(struct bytes text, int32_t precision, int32_t scale, i128 *out)
{
    enum { DIGITS_MAX = 400 }; /* further ones are beyond any scale: cut */
    char digits[DIGITS_MAX];
    int32_t n = 0;
    int64_t whole = 0, exponent = 0;
    bool negative = false, point = false, any = false;
    size_t i = 0;

    if (i < text.len && (text.ptr[i] == '-' || text.ptr[i] == '+'))
        negative = text.ptr[i++] == '-';
    for (; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        any = true;
        if (n > 0 || c != '0') {
            if (n < DIGITS_MAX)
                digits[n++] = (char)c;
            whole += !point;
        } else if (point) {
            whole--; /* 0.001: digits begin after the zeros */
        }
    }
    if (!any)
        return false;
    if (i < text.len && (text.ptr[i] == 'e' || text.ptr[i] == 'E')) {
        struct bytes e = bytes_skip(text, i + 1);
        if (!bytes_to_i64(e, &exponent) || exponent > 1000000 || exponent < -1000000)
            return false;
        i = text.len;
    }
    if (i != text.len)
        return false;
    return from_digits(digits, n, whole + exponent, precision, scale, negative, out);
}

double decimal_to_f64(i128 v, int32_t scale)
{
    char text[DECIMAL_TEXT_MAX + 1];

    if (v >= -((i128)1 << 53) && v <= ((i128)1 << 53) && scale <= 22)
        return (double)(int64_t)v / (double)(uint64_t)powers[min_i32(scale, 19)] /
               (scale > 19 ? (double)(uint64_t)powers[scale - 19] : 1.0);
    text[decimal_text(v, scale, text)] = 0;
    return strtod(text, NULL);
}

bool decimal_from_f64(double v, int32_t precision, int32_t scale, i128 *out)
{
    char text[NUMBER_TEXT_MAX];

    if (!isfinite(v))
        return false;
    size_t len = f64_text(v, text);
    return decimal_parse(bytes_of(text, len), precision, scale, out);
}
