/* Arithmetic: + - * / % on numbers, times and intervals. Integers wrap as Java's do; a division by
 * zero of integers or decimals is an error of its row; a decimal that does not fit is NULL. */
#include "base/check.h"
#include "data/datetime.h"
#include "data/decimal.h"
#include "data/kernel.h"

#include <math.h>

enum op { OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MOD };

/* ---- binding ---- */

static bool is_interval(enum type_kind kind)
{
    return kind == TYPE_INTERVAL_MONTH || kind == TYPE_INTERVAL_SECOND;
}

static bool is_point(enum type_kind kind)
{
    return kind == TYPE_DATE || kind == TYPE_TIME || type_is_time_point(kind);
}

extern const struct func func_time_plus, func_negate, func_decimal_ops[], func_interval_times;

static bool bind_decimal(struct bind *b, enum op op)
{
    struct decimal_type x = decimal_type_of(bind_type(b, 0)), y = decimal_type_of(bind_type(b, 1));
    struct decimal_type r = op == OP_MUL   ? decimal_mul_type(x, y)
                            : op == OP_DIV ? decimal_div_type(x, y)
                            : op == OP_MOD ? decimal_mod_type(x, y)
                                           : decimal_add_type(x, y);

    if (!bind_force(b, 0, type_make(b->arena, TYPE_DECIMAL, x.precision, x.scale)) ||
        !bind_force(b, 1, type_make(b->arena, TYPE_DECIMAL, y.precision, y.scale)))
        return false;
    b->func = &func_decimal_ops[op];
    b->type = type_make(b->arena, TYPE_DECIMAL, r.precision, r.scale);
    return true;
}

static bool bind_numbers(struct bind *b, enum op op)
{
    const struct type *x = bind_type(b, 0), *y = bind_type(b, 1);
    const struct type *type = type_common(b->arena, x, y);

    if (type->kind == TYPE_DECIMAL)
        return bind_decimal(b, op);
    if (!bind_force(b, 0, type) || !bind_force(b, 1, type))
        return false;
    b->type = type_not_null(b->arena, type, !bind_any_null(b));
    if (op == OP_MOD && type_is_integer(type->kind) && y->kind != type->kind) {
        /* MOD has the type of its divisor; the remainder fits it */
        struct expr *e = ARENA_NEW(b->arena, struct expr);
        *e = (struct expr){.kind = EXPR_CALL, .type = b->type, .func = b->func, .args = b->args,
                           .args_count = 2};
        b->instead = func_cast(b->arena, e, y, false, false, b->diag);
    }
    return true;
}

static const struct expr *negated(struct bind *b, const struct expr *e)
{
    return func_bind(b->arena, BYTES_LITERAL("-"), &e, 1, b->diag);
}

/* point +- interval, interval + point, interval +- interval */
static bool bind_times(struct bind *b, enum op op)
{
    const struct type *x = bind_type(b, 0), *y = bind_type(b, 1);

    if (op == OP_ADD && is_interval(x->kind) && is_point(y->kind)) {
        const struct expr *swap = b->args[0];
        b->args[0] = b->args[1];
        b->args[1] = swap;
        return bind_times(b, op);
    }
    if (op == OP_SUB && is_interval(y->kind)) {
        b->args[1] = negated(b, b->args[1]);
        return b->args[1] && bind_times(b, OP_ADD);
    }
    if (op != OP_ADD || !is_interval(y->kind) || (is_interval(x->kind) && x->kind != y->kind) ||
        !(is_interval(x->kind) || is_point(x->kind)) ||
        (x->kind == TYPE_TIME && y->kind == TYPE_INTERVAL_MONTH))
        return false;
    b->type = type_not_null(b->arena, x, !bind_any_null(b)); /* a DATE stays one: whole days only */
    b->func = &func_time_plus;
    return true;
}

static bool bind_arith(struct bind *b)
{
    enum op op = (enum op)b->func->variant;
    const struct type *x, *y;

    if (b->args_count == 1) {
        x = bind_type(b, 0);
        if (op == OP_ADD && type_is_numeric(x->kind))
            return b->instead = b->args[0], true;
        if (!type_is_numeric(x->kind) && !is_interval(x->kind))
            return bind_fail(b, "cannot be applied to %s", type_text(b->arena, x));
        b->func = &func_negate;
        b->type = x;
        return true;
    }
    x = bind_type(b, 0);
    y = bind_type(b, 1);
    if (x->kind == TYPE_NULL && y->kind == TYPE_NULL) {
        b->instead = expr_null(b->arena, type_simple(TYPE_INT));
        return true;
    }
    if (x->kind == TYPE_NULL || y->kind == TYPE_NULL) {
        unsigned null_arg = x->kind == TYPE_NULL ? 0 : 1;
        b->args[null_arg] = expr_null(b->arena, null_arg ? x : y);
        x = bind_type(b, 0);
        y = bind_type(b, 1);
    }
    if (type_is_numeric(x->kind) && type_is_numeric(y->kind))
        return bind_numbers(b, op);
    if (op <= OP_SUB && bind_times(b, op))
        return true;
    if (op == OP_MUL && (is_interval(x->kind) || is_interval(y->kind))) {
        unsigned number = is_interval(x->kind) ? 1 : 0;
        if (type_is_integer(bind_type(b, number)->kind)) {
            if (!number) {
                const struct expr *swap = b->args[0];
                b->args[0] = b->args[1];
                b->args[1] = swap;
            }
            if (!bind_force(b, 1, type_simple(TYPE_BIGINT)))
                return false;
            b->func = &func_interval_times;
            b->type = type_not_null(b->arena, bind_type(b, 0), !bind_any_null(b));
            return true;
        }
    }
    return bind_fail(b, "cannot be applied to %s and %s", type_text(b->arena, x),
                     type_text(b->arena, y));
}

/* ---- kernels of numbers ---- */

#define WRAP32(sign) (int32_t)((uint32_t)x sign(uint32_t) y)
#define WRAP64(sign) (int64_t)((uint64_t)x sign(uint64_t) y)
KERNEL2(add_i32, int32_t, int32_t, WRAP32(+))
KERNEL2(sub_i32, int32_t, int32_t, WRAP32(-))
KERNEL2(mul_i32, int32_t, int32_t, WRAP32(*))
KERNEL2(add_i64, int64_t, int64_t, WRAP64(+))
KERNEL2(sub_i64, int64_t, int64_t, WRAP64(-))
KERNEL2(mul_i64, int64_t, int64_t, WRAP64(*))
KERNEL2(add_f32, float, float, x + y)
KERNEL2(sub_f32, float, float, x - y)
KERNEL2(mul_f32, float, float, x *y)
KERNEL2(div_f32, float, float, x / y)
KERNEL2(add_f64, double, double, x + y)
KERNEL2(sub_f64, double, double, x - y)
KERNEL2(mul_f64, double, double, x *y)
KERNEL2(div_f64, double, double, x / y)

typedef void loop(const struct call *c);
static loop *const loops[4][4] = {
    {add_i32, sub_i32, mul_i32, NULL},
    {add_i64, sub_i64, mul_i64, NULL},
    {add_f32, sub_f32, mul_f32, div_f32},
    {add_f64, sub_f64, mul_f64, div_f64},
};

/* TINYINT and SMALLINT live in 32 bits and wrap at their own width. */
static void wrap_small(const struct call *c)
{
    int32_t *restrict out = c->data;

    if (c->expr->type->kind == TYPE_TINYINT)
        for (uint32_t r = 0; r < c->rows; r++)
            out[r] = (int8_t)out[r];
    if (c->expr->type->kind == TYPE_SMALLINT)
        for (uint32_t r = 0; r < c->rows; r++)
            out[r] = (int16_t)out[r];
}

/* Division of integers may not touch rows that were not asked for. */
#define DIVIDE(T, U)                                                                               \
    FOR_ROWS(call, row) {                                                                          \
        T x = ARG(call, 0, T, row), y = ARG(call, 1, T, row);                                      \
        if (__builtin_expect(y == 0, 0))                                                           \
            return call_fail(call, row, "division by zero");                                       \
        if (y == -1)                                                                               \
            OUT(call, T)[row] = rest ? 0 : (T)(0 - (U)x);                                          \
        else                                                                                       \
            OUT(call, T)[row] = rest ? x % y : x / y;                                              \
    }

static enum status divide_int(struct call *call, bool rest)
{
    if (arg_phys(call, 0) == PHYS_I32)
        DIVIDE(int32_t, uint32_t)
    else
        DIVIDE(int64_t, uint64_t)
    wrap_small(call);
    return ST_OK;
}

static enum status modulo_float(struct call *call)
{
    if (arg_phys(call, 0) == PHYS_F32)
        FOR_ROWS(call, row)
            OUT(call, float)[row] = fmodf(ARG(call, 0, float, row), ARG(call, 1, float, row));
    else
        FOR_ROWS(call, row)
            OUT(call, double)[row] = fmod(ARG(call, 0, double, row), ARG(call, 1, double, row));
    return ST_OK;
}

static enum status arith(struct call *call)
{
    enum op op = (enum op)call->expr->func->variant;
    enum phys phys = arg_phys(call, 0);
    bool whole = phys == PHYS_I32 || phys == PHYS_I64;

    if (op >= OP_DIV && whole)
        return divide_int(call, op == OP_MOD);
    if (op == OP_MOD)
        return modulo_float(call);
    loops[phys == PHYS_I32 ? 0 : phys == PHYS_I64 ? 1 : phys == PHYS_F32 ? 2 : 3][op](call);
    if (phys == PHYS_I32)
        wrap_small(call);
    return ST_OK;
}

/* ---- kernels of decimals ---- */

struct decimal_scales {
    int32_t a, b, out;
    i128 bound;
};

static struct decimal_scales scales_of(const struct call *call)
{
    const struct expr *e = call->expr;
    return (struct decimal_scales){e->args[0]->type->scale, e->args[1]->type->scale, e->type->scale,
                                   decimal_pow10(e->type->precision)};
}

static void put_decimal(struct call *call, uint32_t row, bool ok, i128 v, i128 bound)
{
    if (ok && decimal_fits(v, bound))
        OUT(call, i128)[row] = v;
    else
        call_null(call, row);
}

static enum status decimal_plus(struct call *call)
{
    struct decimal_scales s = scales_of(call);
    int32_t scale = s.a > s.b ? s.a : s.b;
    bool minus = call->expr->func->variant == OP_SUB;

    FOR_ROWS(call, row) {
        i128 x, y, v;
        bool ok = decimal_rescale(ARG(call, 0, i128, row), s.a, scale, &x) &&
                  decimal_rescale(ARG(call, 1, i128, row), s.b, scale, &y);
        ok = ok && !(minus ? __builtin_sub_overflow(x, y, &v) : __builtin_add_overflow(x, y, &v));
        ok = ok && (scale == s.out || decimal_rescale(v, scale, s.out, &v));
        put_decimal(call, row, ok, ok ? v : 0, s.bound);
    }
    return ST_OK;
}

static enum status decimal_times(struct call *call)
{
    struct decimal_scales s = scales_of(call);

    FOR_ROWS(call, row) {
        i128 x = ARG(call, 0, i128, row), y = ARG(call, 1, i128, row), v;
        bool ok;
        if (s.a + s.b == s.out && x == (int64_t)x && y == (int64_t)y) {
            v = (i128)(int64_t)x * (int64_t)y; /* one instruction */
            ok = true;
        } else if (s.a + s.b == s.out)
            ok = !__builtin_mul_overflow(x, y, &v);
        else
            ok = decimal_mul(x, y, s.a + s.b, s.out, &v);
        put_decimal(call, row, ok, v, s.bound);
    }
    return ST_OK;
}

static enum status decimal_over(struct call *call)
{
    struct decimal_scales s = scales_of(call);

    FOR_ROWS(call, row) {
        i128 y = ARG(call, 1, i128, row), v = 0;
        if (y == 0)
            return call_fail(call, row, "division by zero");
        bool ok = decimal_div(ARG(call, 0, i128, row), s.a, y, s.b, s.out, &v);
        put_decimal(call, row, ok, v, s.bound);
    }
    return ST_OK;
}

static enum status decimal_rest(struct call *call)
{
    struct decimal_scales s = scales_of(call);
    int32_t scale = s.a > s.b ? s.a : s.b;

    FOR_ROWS(call, row) {
        i128 x, y, v = 0;
        bool ok = decimal_rescale(ARG(call, 0, i128, row), s.a, scale, &x) &&
                  decimal_rescale(ARG(call, 1, i128, row), s.b, scale, &y);
        if (ok && y == 0)
            return call_fail(call, row, "division by zero");
        ok = ok && decimal_rescale(x % y, scale, s.out, &v);
        put_decimal(call, row, ok, v, s.bound);
    }
    return ST_OK;
}

/* ---- negation ---- */

KERNEL1(neg_i32, int32_t, int32_t, 0u - (uint32_t)x)
KERNEL1(neg_i64, int64_t, int64_t, 0ull - (uint64_t)x)
KERNEL1(neg_i128, i128, i128, (unsigned __int128)0 - (unsigned __int128)x)
KERNEL1(neg_f32, float, float, -x)
KERNEL1(neg_f64, double, double, -x)

static enum status negate(struct call *call)
{
    switch (arg_phys(call, 0)) {
    case PHYS_I32:
        neg_i32(call);
        wrap_small(call);
        break;
    case PHYS_I64: neg_i64(call); break;
    case PHYS_I128: neg_i128(call); break;
    case PHYS_F32: neg_f32(call); break;
    case PHYS_F64: neg_f64(call); break;
    default: CHECK(false);
    }
    return ST_OK;
}

/* ---- times ---- */

static int64_t add_wrap(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static enum status time_plus_months(struct call *call)
{
    FOR_ROWS(call, row) {
        int32_t months = ARG(call, 1, int32_t, row);
        if (arg_phys(call, 0) == PHYS_I32) {
            OUT(call, int32_t)[row] =
                (int32_t)days_add_months(ARG(call, 0, int32_t, row), months);
            continue;
        }
        int64_t us = ARG(call, 0, int64_t, row);
        int64_t days = days_add_months(floor_div(us, US_PER_DAY), months);
        OUT(call, int64_t)[row] = days_us(days) + floor_mod(us, US_PER_DAY);
    }
    return ST_OK;
}

static enum status time_plus(struct call *call)
{
    enum type_kind x = call->expr->args[0]->type->kind, y = call->expr->args[1]->type->kind;

    if (is_interval(x) && x == TYPE_INTERVAL_MONTH) {
        add_i32(call);
        return ST_OK;
    }
    if (y == TYPE_INTERVAL_MONTH)
        return time_plus_months(call);
    if (x == TYPE_DATE) {
        FOR_ROWS(call, row)
            OUT(call, int32_t)[row] = (int32_t)(ARG(call, 0, int32_t, row) +
                                                ARG(call, 1, int64_t, row) / US_PER_DAY);
        return ST_OK;
    }
    if (x == TYPE_TIME) {
        FOR_ROWS(call, row)
            OUT(call, int64_t)[row] = floor_mod(
                add_wrap(ARG(call, 0, int64_t, row), ARG(call, 1, int64_t, row)), US_PER_DAY);
        return ST_OK;
    }
    add_i64(call);
    return ST_OK;
}

static enum status interval_times(struct call *call)
{
    if (arg_phys(call, 0) == PHYS_I64) {
        mul_i64(call);
        return ST_OK;
    }
    FOR_ROWS(call, row)
        OUT(call, int32_t)[row] = (int32_t)((uint32_t)ARG(call, 0, int32_t, row) *
                                            (uint32_t)ARG(call, 1, int64_t, row));
    return ST_OK;
}

/* ---- tables ---- */

const struct func func_time_plus = {
    .name = "+", .kernel = time_plus, .flags = FUNC_CAREFUL | FUNC_INFIX};
const struct func func_negate = {.name = "-", .kernel = negate, .flags = FUNC_INFIX};
const struct func func_interval_times = {
    .name = "*", .kernel = interval_times, .flags = FUNC_CAREFUL | FUNC_INFIX};

#define DECIMAL(sign, op, k)                                                                       \
    [op] = {.name = sign, .kernel = k, .flags = FUNC_CAREFUL | FUNC_INFIX, .variant = op}
const struct func func_decimal_ops[] = {
    DECIMAL("+", OP_ADD, decimal_plus), DECIMAL("-", OP_SUB, decimal_plus),
    DECIMAL("*", OP_MUL, decimal_times), DECIMAL("/", OP_DIV, decimal_over),
    DECIMAL("%", OP_MOD, decimal_rest),
};

#define ARITH(sign, op, least, extra, text)                                                        \
    {.name = sign, .bind = bind_arith, .kernel = arith, .variant = op, .args_min = least,          \
     .args_max = 2, .flags = extra, .help = text

const struct func func_math_table[] = {
    ARITH("+", OP_ADD, 1, FUNC_INFIX, "Sum; also of a time and an interval."),
     .signature = "a + b"},
    ARITH("-", OP_SUB, 1, FUNC_INFIX, "Difference; of one argument, its negative."),
     .signature = "a - b"},
    ARITH("*", OP_MUL, 2, FUNC_INFIX, "Product."), .signature = "a * b"},
    ARITH("/", OP_DIV, 2, FUNC_INFIX | FUNC_CAREFUL,
          "Quotient; of integers the whole part, towards zero."), .signature = "a / b"},
    ARITH("%", OP_MOD, 2, FUNC_INFIX | FUNC_CAREFUL, "Remainder, with the sign of a."),
     .signature = "a % b"},
    ARITH("MOD", OP_MOD, 2, FUNC_CAREFUL, "Remainder, with the sign of a."),
     .signature = "MOD(a, b)"},
    {0},
};
