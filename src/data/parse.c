#include "data/parse.h"

#include "base/check.h"
#include "data/datetime.h"
#include "data/decimal.h"
#include "data/number.h"

static struct bytes trimmed(struct bytes t)
{
    while (t.len && t.ptr[0] <= ' ')
        t = bytes_skip(t, 1);
    while (t.len && t.ptr[t.len - 1] <= ' ')
        t.len--;
    return t;
}

static bool parse_bool(struct bytes t, bool *out)
{
    static const char *const yes[] = {"t", "true", "y", "yes", "1"};
    static const char *const no[] = {"f", "false", "n", "no", "0"};

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (bytes_is_nocase(t, yes[i]))
            return *out = true, true;
        if (bytes_is_nocase(t, no[i]))
            return *out = false, true;
    }
    return false;
}

/* Flink reads "12.9" as the integer 12: digits after a point are checked and dropped. */
static bool parse_integer(struct bytes t, int64_t low, int64_t high, int64_t *out)
{
    size_t point = bytes_find(t, '.', 0);

    for (size_t i = point + 1; i < t.len; i++)
        if (t.ptr[i] < '0' || t.ptr[i] > '9')
            return false;
    return bytes_to_i64(bytes_head(t, point), out) && *out >= low && *out <= high;
}

static bool parse_small(enum type_kind kind, struct bytes t, int32_t *out)
{
    int64_t v, high = kind == TYPE_TINYINT ? INT8_MAX : kind == TYPE_SMALLINT ? INT16_MAX : INT32_MAX;

    if (!parse_integer(t, -high - 1, high, &v))
        return false;
    *out = (int32_t)v;
    return true;
}

static bool parse_ltz(struct bytes t, const struct zone *zone, int64_t *us)
{
    bool zoned = false;
    int32_t offset_s;

    if (!timestamp_parse_zoned(t, us, &offset_s, &zoned))
        return false;
    *us = zoned ? *us - offset_s * US_PER_SECOND : zone_utc(zone, *us, ZONE_FIRST);
    return true;
}

/* A text is cast to a date as what stands before a blank, so that the text of a timestamp is one. */
static bool parse_date(struct bytes t, int32_t *days)
{
    return date_parse(bytes_head(t, bytes_find(t, ' ', 0)), DAY_EXACT, days);
}

static size_t count_of(struct bytes t, char c)
{
    size_t n = 0;

    for (size_t at = bytes_find(t, c, 0); at < t.len; at = bytes_find(t, c, at + 1))
        n++;
    return n;
}

/* A text is cast to a timestamp only when date and time are whole: 2024-1-5, 2024-01-05 10:00:00.5. */
static bool parse_timestamp(struct bytes t, int64_t *us)
{
    size_t blank = bytes_find(t, ' ', 0);
    struct bytes date = bytes_head(t, blank), time = bytes_skip(t, blank);

    return bytes_find(date, '-', 0) >= 4 && count_of(date, '-') == 2 && bytes_find(date, 'T', 0) == date.len &&
           (!time.len || count_of(time, ':') == 2) && timestamp_parse(t, DAY_CUT, us);
}

bool value_parse(const struct type *type, struct bytes text, const struct zone *zone, union value *out)
{
    struct bytes t = trimmed(text);
    bool ok;

    switch (type->kind) {
    case TYPE_BOOLEAN: return parse_bool(t, &out->b);
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT: return parse_small(type->kind, t, &out->i32);
    case TYPE_BIGINT: return parse_integer(t, INT64_MIN, INT64_MAX, &out->i64);
    case TYPE_FLOAT: return f32_parse(t, &out->f32);
    case TYPE_DOUBLE: return f64_parse(t, &out->f64);
    case TYPE_DECIMAL: return decimal_parse(t, type->precision, type->scale, &out->dec);
    case TYPE_DATE: return parse_date(t, &out->i32);
    case TYPE_TIME: ok = time_parse(t, &out->i64); break;
    case TYPE_TIMESTAMP: ok = parse_timestamp(t, &out->i64); break;
    case TYPE_TIMESTAMP_LTZ: ok = parse_ltz(t, zone, &out->i64); break;
    default: UNREACHABLE();
    }
    if (ok)
        out->i64 = time_cut(out->i64, type->precision);
    return ok;
}
