/* Java's patterns of dates and times (DateTimeFormatter's letters), printed and read. */
#include "base/check.h"
#include "data/datetime.h"

#include <stdio.h>

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const day_names[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                        "Friday", "Saturday", "Sunday"};

/* One item of a pattern: a run of a letter, or literal text. */
struct item {
    uint8_t letter; /* 0: text */
    size_t count;
    struct bytes text;
};

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool next_item(struct bytes *p, struct item *item)
{
    if (p->len == 0)
        return false;
    uint8_t c = p->ptr[0];
    *item = (struct item){0};
    if (is_letter(c)) {
        item->letter = c;
        while (item->count < p->len && p->ptr[item->count] == c)
            item->count++;
        *p = bytes_skip(*p, item->count);
        return true;
    }
    if (c == '\'') {
        size_t end = bytes_find(*p, '\'', 1);
        item->text = end == 1 ? bytes_head(*p, 1) : bytes_of(p->ptr + 1, end - 1); /* '' is one */
        *p = bytes_skip(*p, end + 1);
        return true;
    }
    item->text = bytes_head(*p, 1);
    *p = bytes_skip(*p, 1);
    return true;
}

static const char known_letters[] = "yuMLdDEeHhKkmsSnaXxZzwWqQ";

bool pattern_valid(struct bytes pattern)
{
    struct item item;

    while (next_item(&pattern, &item))
        if (item.letter && !strchr(known_letters, item.letter))
            return false;
    return true;
}

static int64_t letter_step_us(uint8_t letter)
{
    switch (letter) {
    case 'S':
    case 'n': return 1;
    case 's': return US_PER_SECOND;
    case 'm': return US_PER_MINUTE;
    case 'H':
    case 'h':
    case 'K':
    case 'k':
    case 'a': return US_PER_HOUR;
    default: return US_PER_DAY; /* dates; a zone is that of the call; literal text */
    }
}

int64_t pattern_step_us(struct bytes pattern)
{
    struct item item;
    int64_t least = US_PER_DAY;

    while (next_item(&pattern, &item)) {
        int64_t step = letter_step_us(item.letter);
        least = step < least ? step : least;
    }
    return least;
}

/* ---- printing ---- */

struct moment {
    struct civil date;
    int64_t days, time_us, second;
    int32_t zone_s;
};

static int64_t number_of(const struct moment *t, const struct item *item)
{
    int64_t hour = t->second / 3600;

    switch (item->letter) {
    case 'y':
    case 'u': return item->count == 2 ? floor_mod(t->date.year, 100) : t->date.year;
    case 'M':
    case 'L': return t->date.month;
    case 'd': return t->date.day;
    case 'D': return t->days - days_from_civil(t->date.year, 1, 1) + 1;
    case 'e': return day_of_week(t->days) % 7 + 1;
    case 'H': return hour;
    case 'h': return hour % 12 ? hour % 12 : 12;
    case 'K': return hour % 12;
    case 'k': return hour ? hour : 24;
    case 'm': return t->second / 60 % 60;
    case 's': return t->second % 60;
    case 'n': return t->time_us % US_PER_SECOND * 1000;
    case 'w': return iso_week(t->days, NULL);
    case 'W': return (t->date.day + 6) / 7;
    case 'q':
    case 'Q': return (t->date.month + 2) / 3;
    default: UNREACHABLE();
    }
}

static int print_zone(const struct moment *t, const struct item *item, char *to, size_t size)
{
    int32_t zone = t->zone_s < 0 ? -t->zone_s : t->zone_s;
    bool colon = item->letter == 'z' || item->count == 3;

    if (zone == 0 && (item->letter == 'X' || item->letter == 'z'))
        return snprintf(to, size, "%s", item->letter == 'z' ? "UTC" : "Z");
    return snprintf(to, size, "%c%02d%s%02d", t->zone_s < 0 ? '-' : '+', zone / 3600,
                    colon ? ":" : "", zone / 60 % 60);
}

/* As snprintf's "%0*lld", at a tenth of its price: DATE_FORMAT is in many a grouping key. */
static int print_number(int64_t v, size_t width, char *to, size_t size)
{
    char digits[24];
    size_t len = 0;

    width = width > 19 ? 19 : width;
    if (v < 0 || size < sizeof(digits))
        return snprintf(to, size, "%0*lld", (int)width, (long long)v);
    for (; v || len < width; v /= 10)
        digits[len++] = (char)('0' + v % 10);
    for (size_t i = 0; i < len; i++)
        to[i] = digits[len - 1 - i];
    return (int)len;
}

static int print_text(struct bytes text, char *to, size_t size)
{
    if (text.len >= size)
        return snprintf(to, size, "%.*s", BYTES_FMT(text));
    memcpy(to, text.ptr, text.len);
    return (int)text.len;
}

static int print_item(const struct moment *t, const struct item *item, char *to, size_t size)
{
    int64_t micros = t->time_us % US_PER_SECOND;

    switch (item->letter) {
    case 0: return print_text(item->text, to, size);
    case 'a': return snprintf(to, size, "%s", t->second < 43200 ? "AM" : "PM");
    case 'E':
        return snprintf(to, size, item->count >= 4 ? "%s" : "%.3s", day_names[day_of_week(t->days) - 1]);
    case 'X':
    case 'x':
    case 'Z':
    case 'z': return print_zone(t, item, to, size);
    case 'S': {
        char digits[16];
        snprintf(digits, sizeof(digits), "%06d000", (int)micros);
        return snprintf(to, size, "%.*s", (int)(item->count > 9 ? 9 : item->count), digits);
    }
    default: break;
    }
    if ((item->letter == 'M' || item->letter == 'L') && item->count >= 3)
        return snprintf(to, size, item->count == 3 ? "%.3s" : "%s", month_names[t->date.month - 1]);
    return print_number(number_of(t, item), item->count, to, size);
}

size_t pattern_format(struct bytes pattern, int64_t us, int32_t zone_s, char *to, size_t size)
{
    struct moment t = {.zone_s = zone_s};
    struct item item;
    size_t len = 0;

    us += zone_s * US_PER_SECOND;
    t.days = floor_div(us, US_PER_DAY);
    t.time_us = floor_mod(us, US_PER_DAY);
    t.second = t.time_us / US_PER_SECOND;
    t.date = civil_from_days(t.days);
    while (next_item(&pattern, &item) && len < size) {
        int n = print_item(&t, &item, to + len, size - len);
        len += n > 0 ? (size_t)n : 0;
    }
    return len < size ? len : size - 1;
}

/* ---- reading ---- */

struct fields {
    int64_t year, month, day, day_of_year, hour, half_hour, minute, second, us;
    int half; /* 0 AM, 1 PM, -1 not said */
    int32_t zone_s;
    bool zoned;
};

enum { NUMBER_MAX = 9999 }; /* of each field: what is counted on stays far from any bound */

static bool read_number(struct bytes *text, size_t digits_max, int64_t *out)
{
    size_t n = 0;

    for (*out = 0; n < digits_max && n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9'; n++)
        if (*out <= NUMBER_MAX) /* a larger one is too large, however it goes on */
            *out = *out * 10 + (text->ptr[n] - '0');
    *text = bytes_skip(*text, n);
    return n > 0;
}

static bool read_name(struct bytes *text, const char *const *names, int count, size_t letters,
                      int64_t *out)
{
    for (int i = 0; i < count; i++) {
        size_t len = letters == 3 ? 3 : strlen(names[i]);
        char name[16];
        snprintf(name, sizeof(name), "%.*s", (int)len, names[i]);
        if (bytes_is_nocase(bytes_head(*text, len), name)) {
            *text = bytes_skip(*text, len);
            *out = i + 1;
            return true;
        }
    }
    return false;
}

static bool read_zone(struct bytes *text, int32_t *zone_s)
{
    int64_t hour, minute = 0;

    if (text->len && (text->ptr[0] == 'Z' || text->ptr[0] == 'z')) {
        *text = bytes_skip(*text, 1);
        return true;
    }
    if (text->len == 0 || (text->ptr[0] != '+' && text->ptr[0] != '-'))
        return false;
    int sign = text->ptr[0] == '-' ? -1 : 1;
    *text = bytes_skip(*text, 1);
    if (!read_number(text, 2, &hour))
        return false;
    if (text->len && text->ptr[0] == ':')
        *text = bytes_skip(*text, 1);
    read_number(text, 2, &minute);
    *zone_s = sign * (int32_t)(hour * 3600 + minute * 60);
    return hour <= 18 && minute < 60;
}

static bool read_fraction(struct bytes *text, size_t digits, int64_t *us)
{
    size_t n = 0;

    *us = 0;
    for (; n < digits && n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9'; n++)
        if (n < 6)
            *us = *us * 10 + (text->ptr[n] - '0');
    *text = bytes_skip(*text, n);
    for (size_t i = n; i < 6; i++)
        *us *= 10;
    return n > 0;
}

/* How many digits a number may take: those of its letters when another number follows at once. */
static size_t width(const struct item *item, struct bytes rest)
{
    bool followed = rest.len && is_letter(rest.ptr[0]) && rest.ptr[0] != 'a' && rest.ptr[0] != 'E';
    size_t least = item->letter == 'y' || item->letter == 'u' ? 4 : 2;

    if (followed || item->count == 2)
        return item->count > 1 ? item->count : least;
    return item->count > least ? item->count : least;
}

static bool read_item(struct fields *f, const struct item *item, struct bytes *text, struct bytes rest)
{
    int64_t ignored, *to = NULL;

    switch (item->letter) {
    case 0:
        if (!bytes_equal(bytes_head(*text, item->text.len), item->text))
            return false;
        *text = bytes_skip(*text, item->text.len);
        return true;
    case 'y':
    case 'u':
        if (!read_number(text, width(item, rest), &f->year))
            return false;
        if (item->count == 2)
            f->year += 2000;
        return true;
    case 'M':
    case 'L':
        if (item->count >= 3)
            return read_name(text, month_names, 12, item->count, &f->month);
        to = &f->month;
        break;
    case 'd': to = &f->day; break;
    case 'D': return read_number(text, 3, &f->day_of_year);
    case 'E': return read_name(text, day_names, 7, item->count < 4 ? 3 : 4, &ignored);
    case 'H': to = &f->hour; break;
    case 'k': /* 1 to 24, and the 24th is the day's first */
        if (!read_number(text, width(item, rest), &f->hour))
            return false;
        f->hour %= 24;
        return true;
    case 'h':
    case 'K': to = &f->half_hour; break;
    case 'm': to = &f->minute; break;
    case 's': to = &f->second; break;
    case 'S': return read_fraction(text, item->count, &f->us);
    case 'a':
        f->half = bytes_is_nocase(bytes_head(*text, 2), "PM");
        if (!f->half && !bytes_is_nocase(bytes_head(*text, 2), "AM"))
            return false;
        *text = bytes_skip(*text, 2);
        return true;
    case 'X':
    case 'x':
    case 'Z': return f->zoned = read_zone(text, &f->zone_s);
    default: return false;
    }
    return read_number(text, width(item, rest), to);
}

static bool too_large(const struct fields *f)
{
    return f->year > NUMBER_MAX || f->month > NUMBER_MAX || f->day > NUMBER_MAX || f->day_of_year > NUMBER_MAX ||
           f->hour > NUMBER_MAX || f->minute > NUMBER_MAX || f->second > NUMBER_MAX;
}

/* Hours, minutes and seconds count on where they are none of a clock's, whatever the rule for days, as in Flink. */
bool pattern_parse(struct bytes pattern, struct bytes text, enum day_rule rule, int64_t *us, bool *zoned)
{
    struct fields f = {.year = 1970, .month = 1, .day = 1, .half = -1, .half_hour = -1};
    struct item item;
    int64_t days;

    while (next_item(&pattern, &item))
        if (!read_item(&f, &item, &text, pattern))
            return false;
    if (f.half_hour >= 0)
        f.hour = f.half_hour % 12 + (f.half == 1 ? 12 : 0);
    if (too_large(&f) || (rule != DAY_COUNTED && text.len))
        return false;
    if (!days_of(f.year, f.month, f.day, rule, &days))
        return false;
    if (f.day_of_year)
        days = days_from_civil(f.year, 1, 1) + f.day_of_year - 1;
    *us = days_us(days) + f.hour * US_PER_HOUR + f.minute * US_PER_MINUTE +
          (f.second - f.zone_s) * US_PER_SECOND + f.us;
    *zoned = f.zoned;
    return *us < days_us(days_from_civil(10000, 1, 1));
}
