#include "data/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

size_t i64_text(int64_t v, char *to)
{
    char digits[20];
    size_t n = 0, len = 0;
    uint64_t m = v < 0 ? -(uint64_t)v : (uint64_t)v;

    do
        digits[n++] = (char)('0' + m % 10);
    while (m /= 10);
    if (v < 0)
        to[len++] = '-';
    while (n)
        to[len++] = digits[--n];
    return len;
}

/* digits "d.ddd" and the exponent in Java's form: plain from 10^-3 to 10^7, else d.dEn. */
static size_t java_form(const char *digits, int n, int exponent, bool negative, char *to)
{
    size_t len = 0;

    if (negative)
        to[len++] = '-';
    if (exponent >= -3 && exponent < 7) {
        if (exponent < 0) {
            to[len++] = '0';
            to[len++] = '.';
            for (int i = -1; i > exponent; i--)
                to[len++] = '0';
            for (int i = 0; i < n; i++)
                to[len++] = digits[i];
            return len;
        }
        for (int i = 0; i <= exponent; i++)
            to[len++] = i < n ? digits[i] : '0';
        to[len++] = '.';
        for (int i = exponent + 1; i < n; i++)
            to[len++] = digits[i];
        if (n <= exponent + 1)
            to[len++] = '0';
        return len;
    }
    to[len++] = digits[0];
    to[len++] = '.';
    for (int i = 1; i < n; i++)
        to[len++] = digits[i];
    if (n == 1)
        to[len++] = '0';
    to[len++] = 'E';
    return len + i64_text(exponent, to + len);
}

static size_t copy_text(const char *text, char *to)
{
    size_t len = strlen(text);
    memcpy(to, text, len);
    return len;
}

/* Digits of a "%.*e" text, trailing zeros cut. */
static size_t from_exponent_form(const char *text, char *to)
{
    char digits[24];
    int n = 0;
    const char *p = text;
    bool negative = *p == '-';

    for (p += negative; *p && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9' && n < 20)
            digits[n++] = *p;
    int exponent = *p ? atoi(p + 1) : 0;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    return java_form(digits, n, exponent, negative, to);
}

static size_t special_text(double v, char *to)
{
    if (isnan(v))
        return copy_text("NaN", to);
    if (isinf(v))
        return copy_text(v < 0 ? "-Infinity" : "Infinity", to);
    return copy_text(signbit(v) ? "-0.0" : "0.0", to);
}

size_t f64_text(double v, char *to)
{
    char text[32];

    if (!isfinite(v) || v == 0)
        return special_text(v, to);
    if (fabs(v) < 1e7 && v == (double)(int64_t)v) { /* the common case: a whole number */
        size_t len = i64_text((int64_t)v, to);
        to[len] = '.';
        to[len + 1] = '0';
        return len + 2;
    }
    for (int digits = 14; digits <= 16; digits++) {
        snprintf(text, sizeof(text), "%.*e", digits, v);
        if (digits == 16 || strtod(text, NULL) == v)
            break;
    }
    return from_exponent_form(text, to);
}

size_t f32_text(float v, char *to)
{
    char text[32];

    if (!isfinite(v) || v == 0)
        return special_text((double)v, to);
    for (int digits = 5; digits <= 8; digits++) {
        snprintf(text, sizeof(text), "%.*e", digits, (double)v);
        if (digits == 8 || strtof(text, NULL) == v)
            break;
    }
    return from_exponent_form(text, to);
}

static struct bytes trim(struct bytes t)
{
    while (t.len && t.ptr[0] <= ' ')
        t = bytes_skip(t, 1);
    while (t.len && t.ptr[t.len - 1] <= ' ')
        t.len--;
    return t;
}

/* strtod knows more than Java (hex, nan(…)) and wants a terminator: only these bytes go to it. */
static bool plain_copy(struct bytes text, char *to, size_t size)
{
    bool digit = false;

    if (text.len == 0 || text.len >= size)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        digit |= c >= '0' && c <= '9';
        if (!((c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'))
            return false;
    }
    memcpy(to, text.ptr, text.len);
    to[text.len] = 0;
    return digit;
}

static bool parse_special(struct bytes text, double *out)
{
    bool negative = text.len && text.ptr[0] == '-';
    struct bytes rest = negative || (text.len && text.ptr[0] == '+') ? bytes_skip(text, 1) : text;

    if (bytes_is_nocase(rest, "Infinity") || bytes_is_nocase(rest, "inf"))
        *out = negative ? -INFINITY : INFINITY;
    else if (bytes_is_nocase(rest, "NaN"))
        *out = NAN;
    else
        return false;
    return true;
}

bool f64_parse(struct bytes text, double *out)
{
    char plain[512], *end;

    text = trim(text);
    if (!plain_copy(text, plain, sizeof(plain)))
        return parse_special(text, out);
    *out = strtod(plain, &end);
    return *end == 0;
}

bool f32_parse(struct bytes text, float *out)
{
    char plain[512], *end;
    double special;

    text = trim(text);
    if (!plain_copy(text, plain, sizeof(plain))) {
        if (!parse_special(text, &special))
            return false;
        *out = (float)special;
        return true;
    }
    *out = strtof(plain, &end);
    return *end == 0;
}
