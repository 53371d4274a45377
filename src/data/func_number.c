/* Functions of numbers: rounding, powers and logarithms, trigonometry, random numbers.
 *
 * Functions of the mathematics library (LN, SIN, POWER, …) give what the library gives: within one unit in
 * the last place, but perhaps another bit on another processor. All else here is exact. */
#include "base/check.h"
#include "data/decimal.h"
#include "data/kernel.h"
#include "data/number.h"

#include <math.h>

/* ---- one DOUBLE to one DOUBLE ---- */

#define DOUBLE_FUNCTIONS(X)                                                                        \
    X(SQRT, sqrt(x), "The square root.")                                                           \
    X(LN, log(x), "The natural logarithm.")                                                        \
    X(LOG10, log10(x), "The logarithm to base 10.")                                                \
    X(LOG2, log2(x), "The logarithm to base 2.")                                                   \
    X(EXP, exp(x), "e to the power of x.")                                                         \
    X(SIN, sin(x), "The sine of x in radians.")                                                    \
    X(COS, cos(x), "The cosine of x in radians.")                                                  \
    X(TAN, tan(x), "The tangent of x in radians.")                                                 \
    X(COT, 1.0 / tan(x), "The cotangent of x in radians.")                                         \
    X(ASIN, asin(x), "The angle whose sine is x.")                                                 \
    X(ACOS, acos(x), "The angle whose cosine is x.")                                               \
    X(ATAN, atan(x), "The angle whose tangent is x.")                                              \
    X(SINH, sinh(x), "The hyperbolic sine.")                                                       \
    X(COSH, cosh(x), "The hyperbolic cosine.")                                                     \
    X(TANH, tanh(x), "The hyperbolic tangent.")                                                    \
    X(DEGREES, x / 3.14159265358979323846 * 180.0, "Radians to degrees.")                          \
    X(RADIANS, x / 180.0 * 3.14159265358979323846, "Degrees to radians.")

#define DOUBLE_KERNEL(name, expression, text)                                                      \
    KERNEL1(loop_##name, double, double, expression)                                               \
    static enum status kernel_##name(struct call *call)                                            \
    {                                                                                              \
        loop_##name(call);                                                                         \
        return ST_OK;                                                                              \
    }
DOUBLE_FUNCTIONS(DOUBLE_KERNEL)

KERNEL2(loop_power, double, double, pow(x, y))
KERNEL2(loop_atan2, double, double, atan2(x, y))
KERNEL2(loop_log, double, double, log(y) / log(x))

static enum status power(struct call *call)
{
    loop_power(call);
    return ST_OK;
}

static enum status atan2_(struct call *call)
{
    loop_atan2(call);
    return ST_OK;
}

/* LOG(x), or LOG(base, x) */
static enum status log_(struct call *call)
{
    if (call->expr->args_count == 1)
        loop_LN(call);
    else
        loop_log(call);
    return ST_OK;
}

static enum status constant(struct call *call)
{
    static const double values[] = {3.141592653589793, 2.718281828459045};
    OUT(call, double)[0] = values[call->expr->func->variant];
    return ST_OK;
}

/* ---- ABS, SIGN, CEIL, FLOOR ---- */

enum { DO_ABS, DO_SIGN, DO_CEIL, DO_FLOOR };

static bool bind_number(struct bind *b)
{
    const struct type *type = bind_type(b, 0);

    if (type->kind == TYPE_NULL) {
        b->instead = expr_null(b->arena, type_simple(TYPE_INT));
        return true;
    }
    if (!type_is_numeric(type->kind))
        return bind_fail(b, "cannot be applied to %s", type_text(b->arena, type));
    b->type = type;
    return true;
}

static bool bind_whole(struct bind *b)
{
    if (!bind_number(b) || b->instead)
        return b->instead != NULL;
    if (type_is_integer(b->type->kind))
        b->instead = b->args[0];
    else if (b->type->kind == TYPE_DECIMAL)
        b->type = type_not_null(b->arena, type_make(b->arena, TYPE_DECIMAL, b->type->precision, 0),
                                b->type->not_null);
    return true;
}

static i128 whole_decimal(i128 v, i128 unit, int what)
{
    i128 q = v / unit, rest = v % unit;

    if (what == DO_CEIL)
        return q + (rest > 0);
    return q - (rest < 0);
}

#define ABS_SIGN(T, U)                                                                             \
    FOR_ROWS(call, row) {                                                                          \
        T v = ARG(call, 0, T, row);                                                                \
        OUT(call, T)[row] = what == DO_ABS ? (T)(v < 0 ? (U)0 - (U)v : (U)v) : (T)((v > 0) - (v < 0)); \
    }
#define FLOAT_EACH(T, suffix)                                                                      \
    FOR_ROWS(call, row) {                                                                          \
        T v = ARG(call, 0, T, row);                                                                \
        OUT(call, T)[row] = what == DO_ABS    ? fabs##suffix(v)                                    \
                            : what == DO_CEIL ? ceil##suffix(v)                                    \
                            : what == DO_FLOOR ? floor##suffix(v)                                  \
                                               : (T)(v > 0 ? 1 : v < 0 ? -1 : v);                  \
    }

static enum status simple(struct call *call)
{
    int what = call->expr->func->variant;
    i128 unit = decimal_pow10(call->expr->args[0]->type->scale);

    switch (arg_phys(call, 0)) {
    case PHYS_I32: ABS_SIGN(int32_t, uint32_t) break;
    case PHYS_I64: ABS_SIGN(int64_t, uint64_t) break;
    case PHYS_F32: FLOAT_EACH(float, f) break;
    case PHYS_F64: FLOAT_EACH(double, ) break;
    default:
        FOR_ROWS(call, row) {
            i128 v = ARG(call, 0, i128, row);
            OUT(call, i128)[row] = what == DO_ABS    ? (v < 0 ? -v : v)
                                   : what == DO_SIGN ? ((v > 0) - (v < 0)) * unit
                                                     : whole_decimal(v, unit, what);
        }
    }
    return ST_OK;
}

/* ---- ROUND, TRUNCATE ---- */

/* Flink's findRoundDecimalType */
static const struct type *round_type(struct arena *arena, const struct type *type, int32_t digits)
{
    int32_t whole = type->precision - type->scale;

    if (digits >= type->scale)
        return type;
    if (digits < 0)
        return type_make(arena, TYPE_DECIMAL, whole + 1 > 38 ? 38 : whole + 1, 0);
    return type_make(arena, TYPE_DECIMAL, 1 + whole + digits, digits);
}

static bool bind_round(struct bind *b)
{
    if (!bind_number(b) || b->instead)
        return b->instead != NULL;
    if (b->args_count == 1)
        b->args[b->args_count++] = expr_i64(b->arena, 0, type_simple(TYPE_INT));
    if (!bind_force(b, 1, type_simple(TYPE_INT)))
        return false;
    const struct expr *digits = b->args[1];
    if (b->type->kind == TYPE_DECIMAL && digits->kind == EXPR_LITERAL && !digits->is_null)
        b->type = round_type(b->arena, b->type, digits->value.i32);
    b->type = type_not_null(b->arena, b->type, !bind_any_null(b));
    return true;
}

/* v at `scale`, with only `digits` of them, still at that scale. */
static i128 round_at(i128 v, int32_t scale, int32_t digits, bool cut)
{
    int64_t drop = (int64_t)scale - digits;

    if (drop <= 0)
        return v;
    if (drop > TYPE_DECIMAL_MAX)
        return 0;
    i128 unit = decimal_pow10((int)drop), rest = v % unit;
    v -= rest;
    if (!cut && (rest >= unit - rest || -rest >= unit + rest) && rest != 0)
        v += rest < 0 ? -unit : unit;
    return v;
}

/* By the decimal text of the double, as Java's BigDecimal.valueOf(v).setScale(digits) */
static double round_double(double v, int32_t digits, bool cut)
{
    char text[NUMBER_TEXT_MAX + 1];
    size_t len;
    i128 d;

    if (!isfinite(v) || digits > 30)
        return v;
    len = f64_text(v, text);
    if (!decimal_parse(bytes_of(text, len), TYPE_DECIMAL_MAX, 20, &d))
        return digits >= 0 ? v : 0; /* too large to have digits after the point */
    return decimal_to_f64(round_at(d, 20, digits, cut), 20);
}

static enum status round_(struct call *call)
{
    bool cut = call->expr->func->variant;
    int32_t from = call->expr->args[0]->type->scale, to = call->expr->type->scale;

    FOR_ROWS(call, row) {
        int32_t digits = ARG(call, 1, int32_t, row);
        i128 v;
        switch (arg_phys(call, 0)) {
        case PHYS_I32:
            OUT(call, int32_t)[row] = (int32_t)round_at(ARG(call, 0, int32_t, row), 0, digits, cut);
            break;
        case PHYS_I64:
            OUT(call, int64_t)[row] = (int64_t)round_at(ARG(call, 0, int64_t, row), 0, digits, cut);
            break;
        case PHYS_F32:
            OUT(call, float)[row] = (float)round_double((double)ARG(call, 0, float, row), digits, cut);
            break;
        case PHYS_F64:
            OUT(call, double)[row] = round_double(ARG(call, 0, double, row), digits, cut);
            break;
        default:
            if (decimal_rescale(round_at(ARG(call, 0, i128, row), from, digits, cut), from, to, &v) &&
                decimal_fits(v, decimal_pow10(call->expr->type->precision)))
                OUT(call, i128)[row] = v;
            else
                call_null(call, row);
        }
    }
    return ST_OK;
}

/* ---- random ---- */

/* splitmix64 over the tick's seed: the same numbers in a replay. */
static uint64_t next_random(struct expr_ctx *ctx)
{
    uint64_t z = ctx->random_seed += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static enum status rand_(struct call *call)
{
    FOR_ROWS(call, row)
        OUT(call, double)[row] = (double)(next_random(call->ctx) >> 11) * 0x1.0p-53;
    return ST_OK;
}

/* RAND_INTEGER(bound) or (seed, bound) */
static enum status rand_integer(struct call *call)
{
    unsigned bound_arg = call->expr->args_count - 1u;

    FOR_ROWS(call, row) {
        int32_t bound = ARG(call, bound_arg, int32_t, row);
        if (bound <= 0)
            return call_fail(call, row, "RAND_INTEGER: the bound must be positive");
        OUT(call, int32_t)[row] = (int32_t)(next_random(call->ctx) % (uint32_t)bound);
    }
    return ST_OK;
}

static enum status uuid(struct call *call)
{
    static const char digits[] = "0123456789abcdef";

    FOR_ROWS(call, row) {
        uint64_t half[2] = {next_random(call->ctx), next_random(call->ctx)};
        char *to = call_text(call, 36);
        if (!to)
            return ST_OK;
        half[0] = (half[0] & ~0xf000ull) | 0x4000; /* version 4 */
        half[1] = (half[1] & ~(3ull << 62)) | 1ull << 63;
        for (int i = 0, at = 0; i < 32; i++) {
            if (i == 8 || i == 12 || i == 16 || i == 20)
                to[at++] = '-';
            to[at++] = digits[half[i / 16] >> (60 - 4 * (i % 16)) & 15];
        }
        call_view(call, row, bytes_of(to, 36));
    }
    return ST_OK;
}

/* ---- BIN, HEX ---- */

static void put_base(struct call *call, uint32_t row, uint64_t v, unsigned bits)
{
    char text[64];
    size_t at = sizeof(text);

    do
        text[--at] = "0123456789ABCDEF"[v & ((1u << bits) - 1)];
    while (v >>= bits);
    call_copy(call, row, bytes_of(text + at, sizeof(text) - at));
}

static enum status bin(struct call *call)
{
    FOR_ROWS(call, row)
        put_base(call, row, (uint64_t)ARG(call, 0, int64_t, row), 1);
    return ST_OK;
}

static bool bind_hex(struct bind *b)
{
    if (type_is_integer(bind_type(b, 0)->kind) ? !bind_force(b, 0, type_simple(TYPE_BIGINT))
                                               : !bind_cast(b, 0, type_simple(TYPE_VARCHAR)))
        return false;
    b->type = type_simple(TYPE_VARCHAR);
    return true;
}

static enum status hex(struct call *call)
{
    bool number = arg_phys(call, 0) == PHYS_I64;

    FOR_ROWS(call, row) {
        if (number) {
            put_base(call, row, (uint64_t)ARG(call, 0, int64_t, row), 4);
            continue;
        }
        struct bytes in = arg_bytes(call, 0, row);
        char *to = call_text(call, in.len * 2);
        for (size_t i = 0; to && i < in.len; i++) {
            to[2 * i] = "0123456789ABCDEF"[in.ptr[i] >> 4];
            to[2 * i + 1] = "0123456789ABCDEF"[in.ptr[i] & 15];
        }
        call_view(call, row, bytes_of(to, to ? in.len * 2 : 0));
    }
    return ST_OK;
}

#define DOUBLE_ENTRY(sql, expression, text)                                                        \
    {.name = #sql, .types = "d>d", .kernel = kernel_##sql, .signature = #sql "(x)", .help = text},
#define SIMPLE(sql, hook, what, text)                                                              \
    {.name = sql, .bind = hook, .kernel = simple, .variant = what, .args_min = 1, .args_max = 1,   \
     .flags = FUNC_CAREFUL, .signature = sql "(x)", .help = text}

static bool bind_floor(struct bind *b)
{
    return b->args_count == 2 ? bind_floor_time(b) : bind_whole(b);
}

const struct func func_number_table[] = {
    DOUBLE_FUNCTIONS(DOUBLE_ENTRY)
    {.name = "LOG", .types = "d?d>d", .kernel = log_, .signature = "LOG([base,] x)",
     .help = "The natural logarithm, or that to a base."},
    {.name = "POWER", .types = "dd>d", .kernel = power, .signature = "POWER(x, y)",
     .help = "x to the power of y."},
    {.name = "ATAN2", .types = "dd>d", .kernel = atan2_, .signature = "ATAN2(y, x)",
     .help = "The angle of the point (x, y)."},
    {.name = "PI", .types = ">d", .kernel = constant, .variant = 0, .flags = FUNC_NEVER_NULL,
     .signature = "PI()", .help = "3.141592653589793"},
    {.name = "E", .types = ">d", .kernel = constant, .variant = 1, .flags = FUNC_NEVER_NULL,
     .signature = "E()", .help = "2.718281828459045"},
    SIMPLE("ABS", bind_number, DO_ABS, "The absolute value."),
    SIMPLE("SIGN", bind_number, DO_SIGN, "-1, 0 or 1, of the type of x."),
    {.name = "CEIL", .bind = bind_floor, .kernel = simple, .variant = DO_CEIL, .args_min = 1,
     .args_max = 2, .flags = FUNC_CAREFUL, .signature = "CEIL(x), CEIL(time TO unit)",
     .help = "The least whole number, or start of a unit, not below x."},
    {.name = "CEILING", .bind = bind_floor, .kernel = simple, .variant = DO_CEIL, .args_min = 1,
     .args_max = 2, .flags = FUNC_CAREFUL, .signature = "CEILING(x)", .help = "As CEIL."},
    {.name = "FLOOR", .bind = bind_floor, .kernel = simple, .variant = DO_FLOOR, .args_min = 1,
     .args_max = 2, .flags = FUNC_CAREFUL, .signature = "FLOOR(x), FLOOR(time TO unit)",
     .help = "The greatest whole number, or start of a unit, not above x."},
    {.name = "ROUND", .bind = bind_round, .kernel = round_, .variant = 0, .args_min = 1,
     .args_max = 2, .flags = FUNC_CAREFUL, .signature = "ROUND(x [, digits])",
     .help = "x rounded half up, away from zero, to so many digits after the point."},
    {.name = "TRUNCATE", .bind = bind_round, .kernel = round_, .variant = 1, .args_min = 1,
     .args_max = 2, .flags = FUNC_CAREFUL, .signature = "TRUNCATE(x [, digits])",
     .help = "x cut to so many digits after the point."},
    {.name = "RAND", .types = "?i>d", .kernel = rand_, .flags = FUNC_VOLATILE | FUNC_NEVER_NULL,
     .signature = "RAND([seed])",
     .help = "A random number from 0 to below 1; it follows from the tick, not from the seed given."},
    {.name = "RAND_INTEGER", .types = "i?i>i", .kernel = rand_integer,
     .flags = FUNC_VOLATILE | FUNC_CAREFUL | FUNC_NEVER_NULL, .signature = "RAND_INTEGER([seed,] bound)",
     .help = "A random integer from 0 to below the bound."},
    {.name = "UUID", .types = ">s", .kernel = uuid, .flags = FUNC_VOLATILE | FUNC_NEVER_NULL,
     .signature = "UUID()", .help = "A random UUID of version 4, from the tick."},
    {.name = "BIN", .types = "l>s", .kernel = bin, .flags = FUNC_CAREFUL, .signature = "BIN(n)",
     .help = "The integer in base 2."},
    {.name = "HEX", .bind = bind_hex, .kernel = hex, .args_min = 1, .args_max = 1,
     .flags = FUNC_CAREFUL, .signature = "HEX(n or string)",
     .help = "The integer in base 16, or the bytes of the string, in upper case."},
    {0},
};
