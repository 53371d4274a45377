/* typed.c: see typed.h. */
#include "data/typed.h"

#include <math.h>
#include <stdio.h>

#include "base/check.h"
#include "data/datetime.h"
#include "data/decimal.h"

enum { NAME_SHOWN = 60 };

enum typed_kind typed_kind_of(const struct type *type)
{
    switch (type->kind) {
    case TYPE_BOOLEAN: return TYPED_BOOL;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT: return TYPED_INT;
    case TYPE_FLOAT:
    case TYPE_DOUBLE: return TYPED_DOUBLE;
    case TYPE_DECIMAL: return TYPED_DECIMAL;
    case TYPE_CHAR:
    case TYPE_VARCHAR: return TYPED_TEXT;
    case TYPE_BINARY:
    case TYPE_VARBINARY: return TYPED_BYTES;
    case TYPE_DATE: return TYPED_DATE;
    case TYPE_TIME: return TYPED_TIME;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ: return TYPED_TIMESTAMP;
    default: return TYPED_KINDS;
    }
}

const char *typed_kind_text(enum typed_kind kind)
{
    static const char *const texts[TYPED_KINDS] = {
        "NULL",  "a boolean", "an integer", "a double", "a text",
        "bytes", "a decimal", "a date",     "a time",   "a timestamp",
    };
    return kind < TYPED_KINDS ? texts[kind] : "a value that only a record's text can have";
}

static enum status refuse(struct bytes column, const struct type *type, struct diag *diag,
                          const char *why)
{
    struct arena arena;

    arena_init(&arena, ARENA_BUDGET_NONE);
    diag_set(diag, ST_INVALID, DIAG_VALUE, "column '%.*s' is %s: %s",
             BYTES_FMT(bytes_head(column, NAME_SHOWN)), type_text(&arena, type), why);
    arena_deinit(&arena);
    return ST_INVALID;
}

static enum status refuse_kind(struct bytes column, const struct type *type, enum typed_kind given,
                               struct diag *diag)
{
    char why[120];

    snprintf(why, sizeof(why), "it takes %s, not %s", typed_kind_text(typed_kind_of(type)),
             given < TYPED_KINDS ? typed_kind_text(given) : "a value of no known kind");
    return refuse(column, type, diag, why);
}

static enum status fit_int(struct bytes column, const struct type *type, int64_t v,
                           union value *out, struct diag *diag)
{
    static const int64_t most[] = {[TYPE_TINYINT] = INT8_MAX,
                                   [TYPE_SMALLINT] = INT16_MAX,
                                   [TYPE_INT] = INT32_MAX,
                                   [TYPE_BIGINT] = INT64_MAX};
    char why[60];

    if (v > most[type->kind] || v < -most[type->kind] - 1) {
        snprintf(why, sizeof(why), "%lld is out of its range", (long long)v);
        return refuse(column, type, diag, why);
    }
    if (type->kind == TYPE_BIGINT)
        out->i64 = v;
    else
        out->i32 = (int32_t)v;
    return ST_OK;
}

static enum status fit_double(struct bytes column, const struct type *type, double v,
                              union value *out, struct diag *diag)
{
    if (type->kind == TYPE_DOUBLE) {
        out->f64 = v;
        return ST_OK;
    }
    out->f32 = (float)v;
    if (isinf(out->f32) && !isinf(v))
        return refuse(column, type, diag, "the double is out of its range");
    return ST_OK;
}

static enum status fit_decimal(struct bytes column, const struct type *type, const struct typed *v,
                               union value *out, struct diag *diag)
{
    char why[80];

    if (v->scale < 0 || v->scale > TYPE_DECIMAL_MAX) {
        snprintf(why, sizeof(why), "the scale %d is none of 0 to %d", v->scale, TYPE_DECIMAL_MAX);
        return refuse(column, type, diag, why);
    }
    if (!decimal_fits(v->dec, decimal_pow10(TYPE_DECIMAL_MAX)) ||
        !decimal_rescale(v->dec, v->scale, type->scale, &out->dec) ||
        !decimal_fits(out->dec, decimal_pow10(type->precision)))
        return refuse(column, type, diag, "the decimal has too many digits before its point");
    return ST_OK;
}

static enum status fit_bytes(struct bytes column, const struct type *type, struct bytes v,
                             union value *out, struct diag *diag)
{
    if (v.len > TYPE_LENGTH_MAX)
        return refuse(column, type, diag, "the value is longer than 2147483647 bytes");
    if (v.len && !v.ptr)
        return refuse(column, type, diag, "the value has a length and no bytes");
    if (type_is_text(type->kind) && !bytes_is_utf8(v))
        return refuse(column, type, diag, "the text is not UTF-8");
    out->str = (struct str){(const char *)v.ptr, (uint32_t)v.len, 0};
    return ST_OK;
}

static enum status fit_time(struct bytes column, const struct type *type, int64_t v,
                            union value *out, struct diag *diag)
{
    int64_t first = days_from_civil(1, 1, 1), end = days_from_civil(10000, 1, 1);

    switch (type->kind) {
    case TYPE_DATE:
        if (v < first || v >= end)
            return refuse(column, type, diag, "the day is not in the years 0001 to 9999");
        out->i32 = (int32_t)v;
        return ST_OK;
    case TYPE_TIME:
        if (v < 0 || v >= US_PER_DAY)
            return refuse(column, type, diag, "a time has 0 to 86399999999 microseconds");
        break;
    default:
        if (v < days_us(first) || v >= days_us(end))
            return refuse(column, type, diag, "the time is not in the years 0001 to 9999");
    }
    out->i64 = time_cut(v, type->precision);
    return ST_OK;
}

enum status typed_fit(struct bytes column, const struct type *type, const struct typed *v,
                      union value *out, struct diag *diag)
{
    enum typed_kind kind = typed_kind_of(type);

    if (v->kind == TYPED_NULL)
        return ST_OK;
    if (v->kind != kind || kind == TYPED_KINDS)
        return refuse_kind(column, type, v->kind, diag);
    switch (kind) {
    case TYPED_BOOL: out->b = v->i != 0; return ST_OK;
    case TYPED_INT: return fit_int(column, type, v->i, out, diag);
    case TYPED_DOUBLE: return fit_double(column, type, v->d, out, diag);
    case TYPED_DECIMAL: return fit_decimal(column, type, v, out, diag);
    case TYPED_TEXT:
    case TYPED_BYTES: return fit_bytes(column, type, v->bytes, out, diag);
    default: return fit_time(column, type, v->i, out, diag);
    }
}

struct typed typed_of(const struct type *type, const struct column *col, uint32_t row)
{
    struct typed v = {.kind = typed_kind_of(type)};

    CHECK(v.kind < TYPED_KINDS);
    if (!column_valid(col, row))
        return (struct typed){.kind = TYPED_NULL};
    switch (type_phys(type->kind)) {
    case PHYS_BOOL: v.i = ((const uint8_t *)col->data)[row]; break;
    case PHYS_I32: v.i = ((const int32_t *)col->data)[row]; break;
    case PHYS_I64: v.i = ((const int64_t *)col->data)[row]; break;
    case PHYS_F32: v.d = (double)((const float *)col->data)[row]; break;
    case PHYS_F64: v.d = ((const double *)col->data)[row]; break;
    case PHYS_I128:
        v.dec = ((const i128 *)col->data)[row];
        v.scale = type->scale;
        break;
    default: {
        const struct str *s = &((const struct str *)col->data)[row];
        v.bytes = bytes_of(s->ptr, s->len);
    }
    }
    return v;
}
