/* datetime.h: days, microseconds and their text. The calendar is the proleptic Gregorian one, without
 * leap seconds, as Java's; years 0001 to 9999.
 *
 * Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_DATETIME_H
#define QW_DATA_DATETIME_H

#include "base/bytes.h"

#define US_PER_SECOND 1000000ll
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR   (60 * US_PER_MINUTE)
#define US_PER_DAY    (24 * US_PER_HOUR)

struct civil {
    int64_t year;
    int32_t month, day; /* from 1 */
};

int64_t days_from_civil(int64_t year, int32_t month, int32_t day);
struct civil civil_from_days(int64_t days);
int32_t days_in_month(int64_t year, int32_t month);
int32_t day_of_week(int64_t days); /* 1 Monday .. 7 Sunday */
int32_t iso_week(int64_t days, int64_t *iso_year);
/* Months added, the day cut to the end of the month. */
int64_t days_add_months(int64_t days, int64_t months);

static inline int64_t floor_div(int64_t a, int64_t b) /* b > 0 */
{
    int64_t q = a / b;
    return q - (a % b < 0);
}
static inline int64_t floor_mod(int64_t a, int64_t b)
{
    int64_t r = a % b;
    return r < 0 ? r + b : r;
}

/* Midnight of a day; wraps for days that are no date. */
static inline int64_t days_us(int64_t days)
{
    return (int64_t)((uint64_t)days * (uint64_t)US_PER_DAY);
}

/* Cut to a precision of 0..6 digits of a second, towards the past. */
int64_t time_cut(int64_t us, int32_t precision);

/* Text, not terminated, at most DATETIME_TEXT_MAX bytes; precision digits after the point. */
enum { DATETIME_TEXT_MAX = 48 };
size_t date_text(int32_t days, char *to);
size_t time_text(int64_t us, int32_t precision, char *to);
size_t timestamp_text(int64_t us, int32_t precision, char between, char *to);

/* What becomes of a day that its month does not have. DAY_CUT is the month's last (of 29 to 31), and 24:00:00 the next
 * day's begin, as Flink casts text to a TIMESTAMP. DAY_COUNTED goes on into the next month, whatever the numbers of
 * month, day, hour and minute, as Java's SimpleDateFormat does, which Flink's older functions use. */
enum day_rule { DAY_EXACT, DAY_CUT, DAY_COUNTED };
/* False: there is no such day. */
bool days_of(int64_t year, int64_t month, int64_t day, enum day_rule rule, int64_t *days);

/* "2020-1-31", "12:34", "12:34:56.789", "2020-01-31 12:34:56.789" (or with 'T'); the whole text,
 * spaces around it aside. A timestamp may be a date alone. A zone ("Z", "+02:00") at the end is taken when
 * zone_s is not NULL; *zoned says whether there was one. */
bool date_parse(struct bytes text, enum day_rule rule, int32_t *days);
bool time_parse(struct bytes text, int64_t *us);
bool timestamp_parse(struct bytes text, enum day_rule rule, int64_t *us);
/* DAY_CUT. */
bool timestamp_parse_zoned(struct bytes text, int64_t *us, int32_t *zone_s, bool *zoned);

/* Java's DateTimeFormatter patterns: yyyy MM dd HH hh mm ss S… a E EEEE MMM MMMM D n 'quoted' XXX. */
bool pattern_valid(struct bytes pattern);
/* Times of one multiple of so many µs (in the zone's own time) give the same text: 1 where each has its own. */
int64_t pattern_step_us(struct bytes pattern);
size_t pattern_format(struct bytes pattern, int64_t us, int32_t zone_s, char *to, size_t size);
/* DAY_COUNTED does not mind what follows in the text. *zoned: the text says its zone, and *us is UTC. */
bool pattern_parse(struct bytes pattern, struct bytes text, enum day_rule rule, int64_t *us, bool *zoned);

#endif
