/* Days and microseconds. The calendar arithmetic counts eras of 400 years from 1 March, so that the leap
 * day is the last of its year (after H. Hinnant, "chrono-compatible low-level date algorithms"). */
#include "data/datetime.h"

#include "base/check.h"

/* ---- the calendar ---- */

int64_t days_from_civil(int64_t year, int32_t month, int32_t day)
{
    year -= month <= 2;
    int64_t era = floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

struct civil civil_from_days(int64_t days)
{
    days += 719468;
    int64_t era = floor_div(days, 146097);
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    struct civil c = {.day = (int32_t)(doy - (153 * mp + 2) / 5 + 1),
                      .month = (int32_t)(mp < 10 ? mp + 3 : mp - 9)};

    c.year = yoe + era * 400 + (c.month <= 2);
    return c;
}

int32_t days_in_month(int64_t year, int32_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    CHECK(month >= 1 && month <= 12);
    return days[month - 1] + (month == 2 && leap);
}

int32_t day_of_week(int64_t days)
{
    return (int32_t)floor_mod(days + 3, 7) + 1; /* 1970-01-01 was a Thursday */
}

int32_t iso_week(int64_t days, int64_t *iso_year)
{
    int64_t thursday = days - (day_of_week(days) - 4); /* of the same ISO week */
    struct civil c = civil_from_days(thursday);

    if (iso_year)
        *iso_year = c.year;
    return (int32_t)((thursday - days_from_civil(c.year, 1, 1)) / 7 + 1);
}

int64_t days_add_months(int64_t days, int64_t months)
{
    struct civil c = civil_from_days(days);
    int64_t count = c.year * 12 + (c.month - 1) + months;
    int64_t year = floor_div(count, 12);
    int32_t month = (int32_t)floor_mod(count, 12) + 1, last = days_in_month(year, month);

    return days_from_civil(year, month, c.day < last ? c.day : last);
}

static const int32_t powers[] = {1000000, 100000, 10000, 1000, 100, 10, 1};

int64_t time_cut(int64_t us, int32_t precision)
{
    if (precision >= 6)
        return us;
    return us - floor_mod(us, powers[precision < 0 ? 0 : precision]);
}

/* ---- text ---- */

static size_t put_digits(char *to, int64_t v, int width)
{
    for (int i = width - 1; i >= 0; i--, v /= 10)
        to[i] = (char)('0' + v % 10);
    return (size_t)width;
}

static size_t put_year(char *to, int64_t year)
{
    size_t len = 0;
    int width = 4;

    if (year < 0) {
        to[len++] = '-';
        year = -year;
    }
    for (int64_t bound = 10000; year >= bound && width < 12; bound *= 10)
        width++;
    return len + put_digits(to + len, year, width);
}

size_t date_text(int32_t days, char *to)
{
    struct civil c = civil_from_days(days);
    size_t len = put_year(to, c.year);

    to[len++] = '-';
    len += put_digits(to + len, c.month, 2);
    to[len++] = '-';
    return len + put_digits(to + len, c.day, 2);
}

size_t time_text(int64_t us, int32_t precision, char *to)
{
    size_t len = 0;
    int64_t s = us / US_PER_SECOND;

    len += put_digits(to + len, s / 3600 % 24, 2);
    to[len++] = ':';
    len += put_digits(to + len, s / 60 % 60, 2);
    to[len++] = ':';
    len += put_digits(to + len, s % 60, 2);
    if (precision > 0) {
        to[len++] = '.';
        len += put_digits(to + len, us % US_PER_SECOND / powers[precision > 6 ? 6 : precision],
                          precision > 6 ? 6 : precision);
    }
    return len;
}

size_t timestamp_text(int64_t us, int32_t precision, char between, char *to)
{
    int64_t days = floor_div(us, US_PER_DAY);
    size_t len = date_text((int32_t)days, to);

    to[len++] = between;
    return len + time_text(us - days * US_PER_DAY, precision, to + len);
}

/* ---- parsing ---- */

struct scan {
    const uint8_t *at, *end;
};

static struct scan scan_of(struct bytes text)
{
    while (text.len && text.ptr[0] <= ' ')
        text = bytes_skip(text, 1);
    while (text.len && text.ptr[text.len - 1] <= ' ')
        text.len--;
    if (text.len == 0)
        text = BYTES_LITERAL("");
    return (struct scan){text.ptr, text.ptr + text.len};
}

static bool scan_int(struct scan *s, int digits_min, int digits_max, int64_t *out)
{
    int n = 0;

    for (*out = 0; n < digits_max && s->at < s->end && *s->at >= '0' && *s->at <= '9'; n++)
        *out = *out * 10 + (*s->at++ - '0');
    return n >= digits_min;
}

static bool scan_char(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != (uint8_t)c)
        return false;
    s->at++;
    return true;
}

bool days_of(int64_t year, int64_t month, int64_t day, enum day_rule rule, int64_t *days)
{
    if (rule == DAY_COUNTED) {
        int64_t months = year * 12 + month - 1;
        *days = days_from_civil(floor_div(months, 12), (int32_t)floor_mod(months, 12) + 1, 1) + day - 1;
        return true;
    }
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    int32_t last = days_in_month(year, (int32_t)month);
    if (day > last && rule == DAY_EXACT)
        return false;
    *days = days_from_civil(year, (int32_t)month, (int32_t)(day > last ? last : day));
    return true;
}

static bool scan_date(struct scan *s, enum day_rule rule, int64_t *days)
{
    int64_t year, month = 1, day = 1;

    if (!scan_int(s, 1, 4, &year))
        return false;
    if (scan_char(s, '-')) {
        if (!scan_int(s, 1, 2, &month))
            return false;
        if (scan_char(s, '-') && !scan_int(s, 1, 2, &day))
            return false;
    }
    return days_of(year, month, day, rule, days);
}

/* ".123": digits past the sixth are cut. */
static bool scan_fraction(struct scan *s, int64_t *us)
{
    int n = 0;

    for (*us = 0; s->at < s->end && *s->at >= '0' && *s->at <= '9' && n < 9; s->at++, n++)
        if (n < 6)
            *us = *us * 10 + (*s->at - '0');
    for (int i = n; i < 6; i++)
        *us *= 10;
    return n > 0;
}

/* rule DAY_EXACT: of one day; DAY_CUT: 24:00:00, the end of the day, too; DAY_COUNTED: as many hours as it says. */
static bool scan_time(struct scan *s, enum day_rule rule, int64_t *us)
{
    int64_t hour, minute = 0, second = 0, fraction = 0;

    if (!scan_int(s, 1, 2, &hour))
        return false;
    if (scan_char(s, ':')) {
        if (!scan_int(s, 1, 2, &minute))
            return false;
        if (scan_char(s, ':')) {
            if (!scan_int(s, 1, 2, &second))
                return false;
            if (scan_char(s, '.') && !scan_fraction(s, &fraction))
                return false;
        }
    }
    *us = hour * US_PER_HOUR + minute * US_PER_MINUTE + second * US_PER_SECOND + fraction;
    if (rule == DAY_COUNTED || (rule == DAY_CUT && *us == US_PER_DAY && hour == 24))
        return true;
    return hour < 24 && minute < 60 && second < 60;
}

static bool scan_zone(struct scan *s, int32_t *zone_s)
{
    int64_t hour, minute = 0;
    int sign;

    if (scan_char(s, 'Z') || scan_char(s, 'z')) {
        *zone_s = 0;
        return true;
    }
    sign = scan_char(s, '+') ? 1 : scan_char(s, '-') ? -1 : 0;
    if (!sign || !scan_int(s, 1, 2, &hour))
        return false;
    if (s->at < s->end) {
        scan_char(s, ':');
        if (!scan_int(s, 2, 2, &minute))
            return false;
    }
    *zone_s = (int32_t)(sign * (hour * 3600 + minute * 60));
    return hour <= 18 && minute < 60;
}

bool date_parse(struct bytes text, enum day_rule rule, int32_t *days)
{
    struct scan s = scan_of(text);
    int64_t d;

    if (!scan_date(&s, rule, &d))
        return false;
    *days = (int32_t)d;
    return s.at == s.end;
}

bool time_parse(struct bytes text, int64_t *us)
{
    struct scan s = scan_of(text);
    return scan_time(&s, DAY_EXACT, us) && s.at == s.end;
}

/* zone_s NULL: there must be none. */
static bool scan_timestamp(struct bytes text, enum day_rule rule, int64_t *us, int32_t *zone_s, bool *zoned)
{
    struct scan s = scan_of(text);
    int64_t days, time = 0;

    *zoned = false;
    if (!scan_date(&s, rule, &days))
        return false;
    if (s.at < s.end) {
        if (!scan_char(&s, ' ') && !scan_char(&s, 'T'))
            return false;
        if (!scan_time(&s, rule, &time))
            return false;
        if (s.at < s.end && zone_s) {
            scan_char(&s, ' ');
            if (!scan_zone(&s, zone_s))
                return false;
            *zoned = true;
        }
    }
    *us = days_us(days) + time;
    return s.at == s.end && *us < days_us(days_from_civil(10000, 1, 1));
}

bool timestamp_parse_zoned(struct bytes text, int64_t *us, int32_t *zone_s, bool *zoned)
{
    return scan_timestamp(text, DAY_CUT, us, zone_s, zoned);
}

bool timestamp_parse(struct bytes text, enum day_rule rule, int64_t *us)
{
    bool zoned;
    return scan_timestamp(text, rule, us, NULL, &zoned);
}
