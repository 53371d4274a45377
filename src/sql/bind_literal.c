/* Numbers, texts, dates. Types as Calcite gives them to literals. */
#include "sql/bind.h"

#include <stdlib.h>

static struct expr *literal(struct arena *arena, const struct type *type)
{
    struct expr *e = ARENA_NEW(arena, struct expr);

    e->kind = EXPR_LITERAL;
    e->type = type;
    return e;
}

static const struct type *literal_type(struct arena *arena, enum type_kind kind, int32_t precision,
                                       int32_t scale)
{
    return type_not_null(arena, type_make(arena, kind, precision, scale), true);
}

/* 0.908 is DECIMAL(4, 3): every digit that is written counts. */
static const struct expr *bind_decimal(struct binder *b, const struct ast_expr *e)
{
    i128 value = 0;
    int32_t digits = 0, scale = 0;
    bool fraction = false;

    for (size_t i = 0; i < e->name.len; i++) {
        if (e->name.ptr[i] == '.') {
            fraction = true;
            continue;
        }
        if (++digits > TYPE_DECIMAL_MAX)
            return bind_error(b, e->at, DIAG_VALUE, "a number may have %d digits", TYPE_DECIMAL_MAX);
        value = value * 10 + (e->name.ptr[i] - '0');
        scale += fraction;
    }
    struct expr *out = literal(b->arena, literal_type(b->arena, TYPE_DECIMAL, digits ? digits : 1,
                                                      scale));
    out->value.dec = value;
    return out;
}

const struct expr *bind_number(struct binder *b, const struct ast_expr *e)
{
    int64_t value;

    if (e->at->kind == TOKEN_APPROX) {
        struct expr *out = literal(b->arena, literal_type(b->arena, TYPE_DOUBLE, 0, 0));
        out->value.f64 = strtod(arena_str(b->arena, e->name), NULL);
        return out;
    }
    if (e->at->kind == TOKEN_INTEGER && bytes_to_i64(e->name, &value)) {
        bool small = value <= INT32_MAX;
        return expr_i64(b->arena, value,
                        literal_type(b->arena, small ? TYPE_INT : TYPE_BIGINT, 0, 0));
    }
    return bind_decimal(b, e);
}

const struct expr *bind_text(struct binder *b, struct bytes text)
{
    int32_t characters = 0;

    for (size_t i = 0; i < text.len; i++)
        characters += (text.ptr[i] & 0xC0) != 0x80;
    return expr_str(b->arena, arena_copy(b->arena, text),
                    literal_type(b->arena, TYPE_CHAR, characters, 0));
}

/* ---- dates and times ---- */

struct digits {
    struct bytes text;
    size_t at;
    bool bad;
};

static int64_t digits_read(struct digits *d, size_t least, size_t most)
{
    int64_t value = 0;
    size_t n = 0;

    while (n < most && d->at < d->text.len && d->text.ptr[d->at] >= '0' && d->text.ptr[d->at] <= '9') {
        value = value * 10 + (d->text.ptr[d->at++] - '0');
        n++;
    }
    d->bad |= n < least;
    return value;
}

static bool digits_skip(struct digits *d, char c)
{
    if (d->at < d->text.len && d->text.ptr[d->at] == (uint8_t)c) {
        d->at++;
        return true;
    }
    return false;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar (H. Hinnant, "chrono-compatible low-level
 * date algorithms"). */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t read_date(struct digits *d)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year = digits_read(d, 1, 4);

    d->bad |= !digits_skip(d, '-');
    int64_t month = digits_read(d, 1, 2);
    d->bad |= !digits_skip(d, '-');
    int64_t day = digits_read(d, 1, 2);
    if (d->bad || month < 1 || month > 12) {
        d->bad = true;
        return 0;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    d->bad |= day < 1 || day > lengths[month - 1] + (month == 2 && leap);
    return days_from_civil(year, month, day);
}

static int64_t read_time(struct digits *d)
{
    int64_t hour = digits_read(d, 1, 2), minute = 0, second = 0, us = 0;

    d->bad |= !digits_skip(d, ':');
    minute = digits_read(d, 1, 2);
    if (digits_skip(d, ':')) {
        second = digits_read(d, 1, 2);
        if (digits_skip(d, '.')) {
            size_t start = d->at;
            us = digits_read(d, 1, 6);
            for (size_t n = d->at - start; n < 6; n++)
                us *= 10;
        }
    }
    d->bad |= hour > 23 || minute > 59 || second > 59;
    return ((hour * 60 + minute) * 60 + second) * 1000000 + us;
}

const struct expr *bind_datetime(struct binder *b, const struct ast_expr *e)
{
    struct digits d = {.text = e->name};
    int64_t value = 0;

    if (e->type->kind == TYPE_TIME) {
        value = read_time(&d);
    } else {
        value = read_date(&d);
        if (e->type->kind == TYPE_TIMESTAMP) {
            value *= INT64_C(86400000000);
            if (digits_skip(&d, ' ') || digits_skip(&d, 'T'))
                value += read_time(&d);
        }
    }
    if (d.bad || d.at != e->name.len) {
        bind_error(b, e->at + 1, DIAG_VALUE, "'%.*s' is not a %s", BYTES_FMT(bytes_head(e->name, 60)),
                   e->type->kind == TYPE_DATE   ? "date"
                   : e->type->kind == TYPE_TIME ? "time of day"
                                                : "timestamp");
        bind_hint(b, "such as DATE '2024-12-31', TIME '23:59:59', TIMESTAMP '2024-12-31 23:59:59.999'");
        return NULL;
    }
    return expr_i64(b->arena, value, type_copy(b->arena, e->type));
}
