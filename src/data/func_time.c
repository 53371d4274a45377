/* Functions of dates and times. A unit ("DAY" in EXTRACT, TIMESTAMPADD, FLOOR … TO) is a text literal. The
 * clock is the tick's, so a replay sees the same. */
#include "base/check.h"
#include "data/datetime.h"
#include "data/func_zone.h"
#include "data/kernel.h"
#include "data/parse.h"

#include <stdio.h>

enum unit {
    UNIT_MILLENNIUM, UNIT_CENTURY, UNIT_DECADE, UNIT_YEAR, UNIT_ISOYEAR, UNIT_QUARTER, UNIT_MONTH,
    UNIT_WEEK, UNIT_DAY, UNIT_DOW, UNIT_ISODOW, UNIT_DOY, UNIT_HOUR, UNIT_MINUTE, UNIT_SECOND,
    UNIT_MILLISECOND, UNIT_MICROSECOND, UNIT_EPOCH, UNITS
};

static const char *const unit_names[UNITS] = {
    "MILLENNIUM", "CENTURY", "DECADE", "YEAR", "ISOYEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DOW",
    "ISODOW", "DOY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND", "EPOCH",
};

static bool unit_of(struct bytes name, enum unit *unit)
{
    if (name.len > 8 && bytes_is_nocase(bytes_head(name, 8), "SQL_TSI_"))
        name = bytes_skip(name, 8);
    for (int i = 0; i < UNITS; i++)
        if (bytes_is_nocase(name, unit_names[i]))
            return *unit = (enum unit)i, true;
    return false;
}

static bool bind_unit(struct bind *b, unsigned arg, enum unit *unit)
{
    struct bytes name = BYTES_NONE;

    if (bind_literal(b, arg, &name) && unit_of(name, unit))
        return true;
    return bind_fail(b, "'%.*s' is no unit of time", BYTES_FMT(name));
}

static const enum unit *keep_unit(struct bind *b, enum unit unit)
{
    enum unit *kept = ARENA_NEW(b->arena, enum unit);
    *kept = unit;
    return kept;
}

static bool is_time(enum type_kind kind)
{
    return kind >= TYPE_DATE && kind <= TYPE_INTERVAL_SECOND;
}

/* A text literal where a time is wanted is read as a timestamp. */
static bool bind_time(struct bind *b, unsigned arg)
{
    if (b->args[arg]->kind == EXPR_LITERAL && type_is_text(bind_type(b, arg)->kind))
        return bind_force(b, arg, type_simple(TYPE_TIMESTAMP));
    if (bind_type(b, arg)->kind == TYPE_NULL)
        return bind_force(b, arg, type_simple(TYPE_TIMESTAMP));
    if (is_time(bind_type(b, arg)->kind))
        return true;
    return bind_fail(b, "argument %u is %s, expected a date or time", arg + 1,
                     type_text(b->arena, bind_type(b, arg)));
}

/* ---- EXTRACT ---- */

static int64_t extract_date(enum unit unit, int64_t days)
{
    struct civil c = civil_from_days(days);
    int64_t iso_year;

    switch (unit) {
    case UNIT_MILLENNIUM: return (c.year + 999) / 1000;
    case UNIT_CENTURY: return (c.year + 99) / 100;
    case UNIT_DECADE: return c.year / 10;
    case UNIT_YEAR: return c.year;
    case UNIT_ISOYEAR: iso_week(days, &iso_year); return iso_year;
    case UNIT_QUARTER: return (c.month + 2) / 3;
    case UNIT_MONTH: return c.month;
    case UNIT_WEEK: return iso_week(days, NULL);
    case UNIT_DAY: return c.day;
    case UNIT_DOW: return day_of_week(days) % 7 + 1; /* Sunday is 1 */
    case UNIT_ISODOW: return day_of_week(days);
    default: return days - days_from_civil(c.year, 1, 1) + 1;
    }
}

static int64_t extract_time(enum unit unit, int64_t us)
{
    switch (unit) {
    case UNIT_HOUR: return us / US_PER_HOUR;
    case UNIT_MINUTE: return us / US_PER_MINUTE % 60;
    case UNIT_SECOND: return us / US_PER_SECOND % 60;
    case UNIT_MILLISECOND: return us % US_PER_SECOND / 1000;
    default: return us % US_PER_MINUTE;
    }
}

static int64_t extract_interval(enum unit unit, enum type_kind kind, int64_t v)
{
    if (kind == TYPE_INTERVAL_MONTH)
        return unit == UNIT_YEAR ? v / 12 : unit == UNIT_MONTH ? v % 12 : 0;
    switch (unit) {
    case UNIT_DAY: return v / US_PER_DAY;
    case UNIT_HOUR: return v / US_PER_HOUR % 24;
    case UNIT_EPOCH: return v / US_PER_SECOND;
    default: return unit >= UNIT_MINUTE ? extract_time(unit, v) : 0;
    }
}

static int64_t extract_one(enum unit unit, enum type_kind kind, int64_t us)
{
    if (kind == TYPE_INTERVAL_MONTH || kind == TYPE_INTERVAL_SECOND)
        return extract_interval(unit, kind, us);
    if (unit == UNIT_EPOCH)
        return floor_div(us, US_PER_SECOND);
    if (unit >= UNIT_HOUR)
        return extract_time(unit, floor_mod(us, US_PER_DAY));
    return extract_date(unit, floor_div(us, US_PER_DAY));
}

/* Any time as microseconds: a DATE's midnight, LTZ in the session's zone, an interval's count. */
static int64_t time_us(const struct call *call, unsigned a, uint32_t row)
{
    switch (call->expr->args[a]->type->kind) {
    case TYPE_DATE: return days_us(ARG(call, a, int32_t, row));
    case TYPE_INTERVAL_MONTH: return ARG(call, a, int32_t, row);
    case TYPE_TIMESTAMP_LTZ:
        return zone_local(call->ctx->zone, ARG(call, a, int64_t, row));
    default: return ARG(call, a, int64_t, row);
    }
}

/* EXTRACT(unit, x), or a function named by its unit: then the table's variant */
static bool bind_extract(struct bind *b)
{
    bool named = b->args_count == 1;
    enum unit unit = (enum unit)b->func->variant;

    if (!named) {
        if (!bind_unit(b, 0, &unit))
            return false;
        b->args[0] = b->args[1];
        b->args_count = 1;
    }
    if (!bind_time(b, 0))
        return false;
    b->func_data = keep_unit(b, unit);
    b->type = type_not_null(b->arena, type_simple(TYPE_BIGINT), !bind_any_null(b));
    return true;
}

static enum status extract(struct call *call)
{
    enum unit unit = *(const enum unit *)call->expr->func_data;
    enum type_kind kind = call->expr->args[0]->type->kind;

    FOR_ROWS(call, row)
        OUT(call, int64_t)[row] = extract_one(unit, kind, time_us(call, 0, row));
    return ST_OK;
}

/* ---- FLOOR, CEIL … TO unit ---- */

static const struct func floor_times[2];

static int64_t month_start(int64_t days, int32_t months)
{
    struct civil c = civil_from_days(days);
    int64_t first = floor_div(c.year * 12 + c.month - 1, months) * months;

    return days_from_civil(floor_div(first, 12), (int32_t)floor_mod(first, 12) + 1, 1);
}

static int32_t unit_months(enum unit unit)
{
    switch (unit) {
    case UNIT_MILLENNIUM: return 12000;
    case UNIT_CENTURY: return 1200;
    case UNIT_DECADE: return 120;
    case UNIT_YEAR: return 12;
    case UNIT_QUARTER: return 3;
    case UNIT_MONTH: return 1;
    default: return 0;
    }
}

static int64_t unit_us(enum unit unit)
{
    switch (unit) {
    case UNIT_WEEK: return 7 * US_PER_DAY;
    case UNIT_DAY: return US_PER_DAY;
    case UNIT_HOUR: return US_PER_HOUR;
    case UNIT_MINUTE: return US_PER_MINUTE;
    case UNIT_SECOND: return US_PER_SECOND;
    case UNIT_MILLISECOND: return 1000;
    case UNIT_MICROSECOND: return 1;
    default: return 0;
    }
}

static int64_t floor_us(enum unit unit, int64_t us, bool up)
{
    int32_t months = unit_months(unit);
    int64_t days = floor_div(us, US_PER_DAY), step = unit_us(unit), start;

    if (months) {
        int64_t first = month_start(days, months);
        start = days_us(first);
        if (up && start != us)
            start = days_us(days_add_months(first, months));
        return start;
    }
    if (unit == UNIT_WEEK) /* weeks begin on Sunday, as in Flink */
        start = days_us(days - day_of_week(days) % 7);
    else
        start = us - floor_mod(us, step);
    return up && start != us ? start + step : start;
}

bool bind_floor_time(struct bind *b)
{
    enum unit unit;

    if (!bind_time(b, 0) || !bind_unit(b, 1, &unit))
        return false;
    if (!unit_months(unit) && !unit_us(unit))
        return bind_fail(b, "has no unit %s", unit_names[unit]);
    b->type = type_not_null(b->arena, bind_type(b, 0), bind_type(b, 0)->not_null);
    b->func_data = keep_unit(b, unit);
    b->args_count = 1;
    b->func = &floor_times[strcmp(b->func->name, "FLOOR") != 0];
    return true;
}

/* In the zone, whose days and longer units begin when its clocks say so. What is shorter begins while they run
 * as they do at us: an hour that comes twice is two. */
static int64_t floor_ltz(const struct zone *zone, enum unit unit, int64_t us, bool up)
{
    int64_t local = zone_local(zone, us), cut = floor_us(unit, local, up);

    return unit >= UNIT_HOUR ? cut - (local - us) : zone_utc(zone, cut, ZONE_FIRST);
}

static enum status floor_time(struct call *call)
{
    enum unit unit = *(const enum unit *)call->expr->func_data;
    enum type_kind kind = call->expr->type->kind;
    bool up = call->expr->func->variant;

    FOR_ROWS(call, row) {
        if (kind == TYPE_DATE)
            OUT(call, int32_t)[row] = (int32_t)floor_div(floor_us(unit, time_us(call, 0, row), up), US_PER_DAY);
        else if (kind == TYPE_TIMESTAMP_LTZ)
            OUT(call, int64_t)[row] = floor_ltz(call->ctx->zone, unit, ARG(call, 0, int64_t, row), up);
        else
            OUT(call, int64_t)[row] = floor_us(unit, time_us(call, 0, row), up);
    }
    return ST_OK;
}

/* ---- TIMESTAMPADD, TIMESTAMPDIFF ---- */

static bool bind_add(struct bind *b)
{
    enum unit unit;

    if (!bind_unit(b, 0, &unit) || !bind_force(b, 1, type_simple(TYPE_BIGINT)) || !bind_time(b, 2))
        return false;
    if (!unit_months(unit) && !unit_us(unit))
        return bind_fail(b, "has no unit %s", unit_names[unit]);
    b->args[0] = b->args[1];
    b->args[1] = b->args[2];
    b->args_count = 2;
    b->func_data = keep_unit(b, unit);
    const struct type *type = bind_type(b, 1);
    if (type->kind == TYPE_DATE && unit >= UNIT_HOUR)
        type = type_make(b->arena, TYPE_TIMESTAMP, unit == UNIT_MILLISECOND ? 3 : unit == UNIT_MICROSECOND ? 6 : 0, 0);
    b->type = type_not_null(b->arena, type, !bind_any_null(b));
    return true;
}

static enum status timestamp_add(struct call *call)
{
    enum unit unit = *(const enum unit *)call->expr->func_data;
    int32_t months = unit_months(unit);
    enum type_kind from = call->expr->args[1]->type->kind;

    FOR_ROWS(call, row) {
        int64_t n = ARG(call, 0, int64_t, row);
        int64_t us = from == TYPE_DATE ? days_us(ARG(call, 1, int32_t, row))
                                       : ARG(call, 1, int64_t, row);
        if (n > 1000000000000 || n < -1000000000000)
            return call_fail(call, row, "TIMESTAMPADD: %lld is too much", (long long)n);
        if (months)
            us = days_us(days_add_months(floor_div(us, US_PER_DAY), n * months)) +
                 floor_mod(us, US_PER_DAY);
        else
            us = (int64_t)((uint64_t)us + (uint64_t)n * (uint64_t)unit_us(unit));
        if (call->expr->type->kind == TYPE_DATE)
            OUT(call, int32_t)[row] = (int32_t)floor_div(us, US_PER_DAY);
        else
            OUT(call, int64_t)[row] = us;
    }
    return ST_OK;
}

static bool bind_diff(struct bind *b)
{
    enum unit unit;

    if (!bind_unit(b, 0, &unit) || !bind_time(b, 1) || !bind_time(b, 2))
        return false;
    if (!unit_months(unit) && !unit_us(unit))
        return bind_fail(b, "has no unit %s", unit_names[unit]);
    b->args[0] = b->args[1];
    b->args[1] = b->args[2];
    b->args_count = 2;
    b->func_data = keep_unit(b, unit);
    b->type = type_not_null(b->arena, type_simple(TYPE_INT), !bind_any_null(b));
    return true;
}

/* Whole months from a to b: one less when b's day and time are before a's. */
static int64_t months_between(int64_t a, int64_t b)
{
    struct civil x = civil_from_days(floor_div(a, US_PER_DAY));
    struct civil y = civil_from_days(floor_div(b, US_PER_DAY));
    int64_t months = (y.year - x.year) * 12 + y.month - x.month;
    int64_t moved = days_us(days_add_months(floor_div(a, US_PER_DAY), months)) +
                    floor_mod(a, US_PER_DAY);

    if (months > 0 && moved > b)
        months--;
    if (months < 0 && moved < b)
        months++;
    return months;
}

static enum status timestamp_diff(struct call *call)
{
    enum unit unit = *(const enum unit *)call->expr->func_data;
    int32_t months = unit_months(unit);
    bool moments = call->expr->args[0]->type->kind == TYPE_TIMESTAMP_LTZ &&
                   call->expr->args[1]->type->kind == TYPE_TIMESTAMP_LTZ;

    FOR_ROWS(call, row) { /* between two moments no clock is asked */
        int64_t a = moments ? ARG(call, 0, int64_t, row) : time_us(call, 0, row);
        int64_t b = moments ? ARG(call, 1, int64_t, row) : time_us(call, 1, row);
        int64_t n = months ? months_between(a, b) / months : (b - a) / unit_us(unit);
        OUT(call, int32_t)[row] = (int32_t)n;
    }
    return ST_OK;
}

/* ---- text ---- */

enum { FORMATTED_MAX = 256 };

static enum status check_pattern(struct call *call, uint32_t row, struct bytes pattern)
{
    if (pattern_valid(pattern))
        return ST_OK;
    return call_fail(call, row, "%s: '%.*s' is no pattern of dates", call->expr->func->name,
                     (int)(pattern.len > 60 ? 60 : pattern.len), (const char *)pattern.ptr);
}

/* The last text made: rows in order of time mostly have the same day, or minute, as the row before, and
 * then share its text. */
struct formatter {
    struct bytes pattern;
    int64_t step_us, period;
    const struct zone *zone;
    int32_t zone_s; /* of the text */
    struct str text; /* ptr NULL: none yet */
};

static enum status format_row(struct call *call, uint32_t row, struct formatter *f,
                              struct bytes pattern, int64_t us)
{
    char text[FORMATTED_MAX];

    if (pattern.ptr != f->pattern.ptr || pattern.len != f->pattern.len || !f->step_us) {
        TRY(check_pattern(call, row, pattern));
        f->pattern = pattern;
        f->step_us = pattern_step_us(pattern);
        f->text.ptr = NULL;
    }
    int32_t zone_s = zone_offset(f->zone, us);
    int64_t period = floor_div(us + zone_s * US_PER_SECOND, f->step_us);
    if (f->text.ptr && period == f->period && zone_s == f->zone_s) {
        OUT(call, struct str)[row] = f->text;
        return ST_OK;
    }
    call_copy(call, row,
              bytes_of(text, pattern_format(pattern, us, zone_s, text, sizeof(text))));
    f->text = OUT(call, struct str)[row];
    f->period = period;
    f->zone_s = zone_s;
    return ST_OK;
}

/* Text as Flink's older functions read it: date and time, whatever follows. */
static bool older_parse(struct bytes text, int64_t *us)
{
    bool zoned;
    return pattern_parse(BYTES_LITERAL("yyyy-MM-dd HH:mm:ss"), text, DAY_COUNTED, us, &zoned);
}

/* DATE_FORMAT(time or text, pattern): text that is no timestamp gives NULL */
static bool bind_date_format(struct bind *b)
{
    enum type_kind kind = bind_type(b, 0)->kind;

    if (kind == TYPE_DATE || kind == TYPE_NULL) {
        if (!bind_force(b, 0, type_simple(TYPE_TIMESTAMP)))
            return false;
    } else if (!type_is_time_point(kind) && !bind_cast(b, 0, type_simple(TYPE_VARCHAR))) {
        return false;
    }
    b->type = type_simple(TYPE_VARCHAR);
    return bind_cast(b, 1, b->type);
}

static enum status date_format(struct call *call)
{
    enum type_kind kind = call->expr->args[0]->type->kind;
    struct formatter f = {.zone = kind == TYPE_TIMESTAMP_LTZ ? call->ctx->zone : NULL};

    FOR_ROWS(call, row) {
        int64_t us;
        if (!type_is_text(kind)) {
            us = ARG(call, 0, int64_t, row);
        } else if (!older_parse(arg_bytes(call, 0, row), &us)) {
            TRY(check_pattern(call, row, arg_bytes(call, 1, row)));
            call_null(call, row);
            continue;
        }
        TRY(format_row(call, row, &f, arg_bytes(call, 1, row), us));
    }
    return ST_OK;
}

/* Text by a pattern, or in SQL's own form. */
enum { TO_TIMESTAMP, TO_TIMESTAMP_LTZ, TO_DATE, UNIX_TIMESTAMP };

/* Each by the rule of what Flink reads it with: TO_DATE knows its own form exactly. */
static bool read_time(const struct call *call, uint32_t row, bool has_pattern, int64_t *us, bool *zoned)
{
    struct bytes text = arg_bytes(call, 0, row);
    int what = call->expr->func->variant;
    bool counted = what == UNIX_TIMESTAMP || (what == TO_DATE && has_pattern);
    enum day_rule rule = counted ? DAY_COUNTED : what == TO_DATE ? DAY_EXACT : DAY_CUT;

    *zoned = false;
    if (!has_pattern)
        return what == UNIX_TIMESTAMP ? older_parse(text, us) : timestamp_parse(text, rule, us);
    return pattern_parse(arg_bytes(call, 1, row), text, rule, us, zoned);
}

static bool bind_to_time(struct bind *b)
{
    static const enum type_kind kinds[] = {TYPE_TIMESTAMP, TYPE_TIMESTAMP_LTZ, TYPE_DATE, TYPE_BIGINT};
    enum type_kind kind = kinds[b->func->variant];

    for (unsigned i = 0; i < b->args_count; i++)
        if (!bind_cast(b, i, type_simple(TYPE_VARCHAR)))
            return false;
    b->type = type_is_time_point(kind) ? type_make(b->arena, kind, 3, 0) : type_simple(kind);
    if (kind == TYPE_BIGINT) /* a text that says no time has a number too */
        b->type = type_not_null(b->arena, b->type, !bind_any_null(b));
    return true;
}

static enum status to_time(struct call *call)
{
    int what = call->expr->func->variant;
    bool has_pattern = call->expr->args_count > 1;
    const struct zone *zone = what == UNIX_TIMESTAMP ? call->ctx->zone : NULL;
    struct zone_memo memo = {0};
    int64_t us;
    bool zoned;

    FOR_ROWS(call, row) {
        if (has_pattern)
            TRY(check_pattern(call, row, arg_bytes(call, 1, row)));
        if (call->expr->args_count > 2 && !call_zone(call, 2, row, &memo, &zone)) {
            TRY(zone_unknown(call, 2, row));
            continue;
        }
        if (!read_time(call, row, has_pattern, &us, &zoned)) {
            if (what == UNIX_TIMESTAMP)
                OUT(call, int64_t)[row] = INT64_MIN;
            else
                call_null(call, row);
            continue;
        }
        if (what == TO_DATE)
            OUT(call, int32_t)[row] = (int32_t)floor_div(us, US_PER_DAY);
        else if (what == UNIX_TIMESTAMP) /* an older function: the second of two times */
            OUT(call, int64_t)[row] = floor_div(zoned ? us : zone_utc(zone, us, ZONE_SECOND), US_PER_SECOND);
        else
            OUT(call, int64_t)[row] = zone_utc(zone, time_cut(us, 3), ZONE_FIRST);
    }
    return ST_OK;
}

/* TO_TIMESTAMP_LTZ(number, 0 seconds or 3 milliseconds), or of text as TO_TIMESTAMP */
extern const struct func func_ltz_of_number, func_unix_now;

static bool bind_to_ltz(struct bind *b)
{
    if (!type_is_numeric(bind_type(b, 0)->kind))
        return bind_to_time(b);
    if (b->args_count > 2)
        return bind_fail(b, "of a number takes no zone: it is a moment");
    if (b->args_count == 1)
        b->args[b->args_count++] = expr_i64(b->arena, 3, type_simple(TYPE_INT));
    if (!bind_force(b, 0, type_simple(TYPE_BIGINT)) || !bind_force(b, 1, type_simple(TYPE_INT)))
        return false;
    b->func = &func_ltz_of_number;
    b->type = type_make(b->arena, TYPE_TIMESTAMP_LTZ, 3, 0);
    return true;
}

static enum status ltz_of_number(struct call *call)
{
    FOR_ROWS(call, row) {
        int64_t v = ARG(call, 0, int64_t, row);
        int32_t precision = ARG(call, 1, int32_t, row);
        if (precision != 0 && precision != 3)
            return call_fail(call, row, "TO_TIMESTAMP_LTZ: precision %d, expected 0 or 3", precision);
        if (__builtin_mul_overflow(v, precision ? 1000 : 1000000, &OUT(call, int64_t)[row]))
            call_null(call, row);
    }
    return ST_OK;
}

static bool bind_unix_timestamp(struct bind *b)
{
    if (b->args_count)
        return bind_to_time(b);
    b->func = &func_unix_now;
    b->type = type_not_null(b->arena, type_simple(TYPE_BIGINT), true);
    return true;
}

static enum status unix_now(struct call *call)
{
    OUT(call, int64_t)[0] = floor_div(call->ctx->now_us, US_PER_SECOND);
    return ST_OK;
}

static enum status from_unixtime(struct call *call)
{
    struct formatter f = {.zone = call->ctx->zone};

    FOR_ROWS(call, row) {
        struct bytes pattern = call->expr->args_count == 2 ? arg_bytes(call, 1, row)
                                                           : BYTES_LITERAL("yyyy-MM-dd HH:mm:ss");
        int64_t us;
        if (__builtin_mul_overflow(ARG(call, 0, int64_t, row), US_PER_SECOND, &us)) {
            TRY(check_pattern(call, row, pattern));
            call_null(call, row);
            continue;
        }
        TRY(format_row(call, row, &f, pattern, us));
    }
    return ST_OK;
}

/* ---- the clock ---- */

enum { NOW_LTZ, NOW_LOCAL, NOW_DATE, NOW_TIME, NOW_PROC };

static bool bind_now(struct bind *b)
{
    static const enum type_kind kinds[] = {TYPE_TIMESTAMP_LTZ, TYPE_TIMESTAMP, TYPE_DATE, TYPE_TIME,
                                           TYPE_TIMESTAMP_LTZ};
    enum type_kind kind = kinds[b->func->variant];

    b->type = type_is_time_point(kind) ? type_make(b->arena, kind, 3, 0) : type_simple(kind);
    b->type = type_not_null(b->arena, b->type, true);
    return true;
}

static enum status now(struct call *call)
{
    int what = call->expr->func->variant;
    int64_t us = what == NOW_PROC ? call->ctx->proctime_us : call->ctx->now_us;
    int64_t local = zone_local(call->ctx->zone, us);

    if (what == NOW_DATE)
        OUT(call, int32_t)[0] = (int32_t)floor_div(local, US_PER_DAY);
    else if (what == NOW_TIME)
        OUT(call, int64_t)[0] = time_cut(floor_mod(local, US_PER_DAY), 0);
    else
        OUT(call, int64_t)[0] = time_cut(what == NOW_LOCAL ? local : us, 3);
    return ST_OK;
}

/* CURRENT_WATERMARK(rowtime): of the argument's type; its value is not looked at */
static bool bind_watermark(struct bind *b)
{
    if (!type_is_time_point(bind_type(b, 0)->kind))
        return bind_fail(b, "takes a time attribute, not %s", type_text(b->arena, bind_type(b, 0)));
    b->type = type_not_null(b->arena, bind_type(b, 0), false);
    b->args_count = 0;
    return true;
}

static enum status current_watermark(struct call *call)
{
    OUT(call, int64_t)[0] = call->ctx->watermark_us;
    if (call->ctx->watermark_us == INT64_MIN)
        call_null(call, 0);
    return ST_OK;
}

/* ---- tables ---- */

static const struct func floor_times[2] = {
    {.name = "FLOOR", .kernel = floor_time, .variant = 0, .flags = FUNC_CAREFUL},
    {.name = "CEIL", .kernel = floor_time, .variant = 1, .flags = FUNC_CAREFUL},
};
const struct func func_ltz_of_number = {
    .name = "TO_TIMESTAMP_LTZ", .kernel = ltz_of_number, .flags = FUNC_CAREFUL};
const struct func func_unix_now = {
    .name = "UNIX_TIMESTAMP", .kernel = unix_now, .flags = FUNC_DYNAMIC};

#define EXTRACT(sql, unit, text)                                                                   \
    {.name = sql, .bind = bind_extract, .kernel = extract, .variant = unit, .args_min = 1,         \
     .args_max = 1, .flags = FUNC_CAREFUL, .signature = sql "(time)", .help = text}
#define TO_TIME(sql, hook, what, least, most, sig, text)                                           \
    {.name = sql, .bind = hook, .kernel = to_time, .variant = what, .args_min = least,             \
     .args_max = most, .flags = FUNC_CAREFUL, .signature = sig, .help = text}
#define NOW(sql, what, text)                                                                       \
    {.name = sql, .bind = bind_now, .kernel = now, .variant = what, .args_max = 0,                 \
     .flags = FUNC_DYNAMIC, .signature = sql, .help = text}

const struct func func_time_table[] = {
    {.name = "EXTRACT", .bind = bind_extract, .kernel = extract, .args_min = 2, .args_max = 2,
     .flags = FUNC_CAREFUL, .signature = "EXTRACT(unit FROM time)",
     .help = "A part of a date, time or interval."},
    EXTRACT("YEAR", UNIT_YEAR, "The year."),
    EXTRACT("QUARTER", UNIT_QUARTER, "The quarter of the year, 1 to 4."),
    EXTRACT("MONTH", UNIT_MONTH, "The month, 1 to 12."),
    EXTRACT("WEEK", UNIT_WEEK, "The week of the year by ISO 8601, 1 to 53."),
    EXTRACT("DAYOFYEAR", UNIT_DOY, "The day of the year, 1 to 366."),
    EXTRACT("DAYOFMONTH", UNIT_DAY, "The day of the month, 1 to 31."),
    EXTRACT("DAYOFWEEK", UNIT_DOW, "The day of the week, 1 (Sunday) to 7."),
    EXTRACT("HOUR", UNIT_HOUR, "The hour, 0 to 23."),
    EXTRACT("MINUTE", UNIT_MINUTE, "The minute, 0 to 59."),
    EXTRACT("SECOND", UNIT_SECOND, "The second, 0 to 59."),
    {.name = "TIMESTAMPADD", .bind = bind_add, .kernel = timestamp_add, .args_min = 3, .args_max = 3,
     .flags = FUNC_CAREFUL, .signature = "TIMESTAMPADD(unit, n, time)", .help = "time and n units."},
    {.name = "TIMESTAMPDIFF", .bind = bind_diff, .kernel = timestamp_diff, .args_min = 3,
     .args_max = 3, .flags = FUNC_CAREFUL, .signature = "TIMESTAMPDIFF(unit, from, to)",
     .help = "Whole units from one time to another."},
    {.name = "DATE_FORMAT", .bind = bind_date_format, .kernel = date_format, .args_min = 2,
     .args_max = 2, .flags = FUNC_CAREFUL, .signature = "DATE_FORMAT(time, pattern)",
     .help = "The time by a pattern such as 'yyyy-MM-dd HH:mm:ss.SSS'."},
    TO_TIME("TO_TIMESTAMP", bind_to_time, TO_TIMESTAMP, 1, 2, "TO_TIMESTAMP(s [, pattern])",
            "The TIMESTAMP(3) that s says, by a pattern; NULL when it says none."),
    TO_TIME("TO_TIMESTAMP_LTZ", bind_to_ltz, TO_TIMESTAMP_LTZ, 1, 3,
            "TO_TIMESTAMP_LTZ(n, 0 or 3), TO_TIMESTAMP_LTZ(s [, pattern [, zone]])",
            "The moment n seconds (0) or milliseconds (3) after 1970, or that s says in a zone, else in UTC."),
    TO_TIME("TO_DATE", bind_to_time, TO_DATE, 1, 2, "TO_DATE(s [, pattern])",
            "The DATE that s says; NULL when it says none."),
    {.name = "UNIX_TIMESTAMP", .bind = bind_unix_timestamp, .kernel = to_time,
     .variant = UNIX_TIMESTAMP, .args_min = 0, .args_max = 2, .flags = FUNC_CAREFUL | FUNC_DYNAMIC,
     .signature = "UNIX_TIMESTAMP([s [, pattern]])",
     .help = "Seconds since 1970, of now or of what s says."},
    {.name = "FROM_UNIXTIME", .types = "l?s>s", .kernel = from_unixtime,
     .flags = FUNC_CAREFUL | FUNC_DYNAMIC,
     .signature = "FROM_UNIXTIME(seconds [, pattern])", .help = "Seconds since 1970 as text."},
    NOW("CURRENT_TIMESTAMP", NOW_LTZ, "The moment of the tick."),
    NOW("NOW", NOW_LTZ, "The moment of the tick."),
    NOW("CURRENT_ROW_TIMESTAMP", NOW_LTZ, "The moment of the tick."),
    NOW("LOCALTIMESTAMP", NOW_LOCAL, "The moment of the tick in the session's zone."),
    NOW("CURRENT_DATE", NOW_DATE, "The date of the tick in the session's zone."),
    NOW("CURRENT_TIME", NOW_TIME, "The time of the tick in the session's zone."),
    NOW("LOCALTIME", NOW_TIME, "The time of the tick in the session's zone."),
    NOW("PROCTIME", NOW_PROC, "Processing time, as a time attribute."),
    {.name = "CURRENT_WATERMARK", .bind = bind_watermark, .kernel = current_watermark,
     .args_min = 1, .args_max = 1, .flags = FUNC_DYNAMIC,
     .signature = "CURRENT_WATERMARK(rowtime)", .help = "The watermark; NULL before the first."},
    {0},
};
