/* Zones as a table of changes: the offset before the first, and the one behind each.
 *
 * A TZif file ends in a rule for the years behind its table ("CET-1CEST,M3.5.0,M10.5.0/3"). The rule repeats
 * itself every 400 years, as the calendar does, to the day of the week; so it is written out for that many years
 * and times beyond are brought back by multiples of them. */
#include "data/zone.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/reader.h"
#include "data/datetime.h"

/* No clock is further from UTC; local times of two instants that are further apart than twice that are in order. */
#define OFFSET_MOST_S (26 * 3600)
#define APART_US      (2 * OFFSET_MOST_S * US_PER_SECOND)
#define CYCLE_YEARS   400
#define CYCLE_US      (146097 * US_PER_DAY)
/* Times beyond are of no calendar and are left as they are: sums of times and offsets stay far from any bound. */
#define TIME_MOST (INT64_MAX / 4)

enum { RULE_CHANGES = 2 * (CYCLE_YEARS + 4) };

struct zone {
    char name[ZONE_NAME_MAX + 1];
    uint32_t count;
    int64_t *at;      /* microseconds of UTC, ascending */
    int32_t *offsets; /* seconds: [0] before the first change, [i + 1] from at[i] on */
    bool repeats;     /* a rule with changes: times from fold_us + CYCLE_US on are brought back */
    int64_t fold_us;
};

static struct zone *zone_new(struct bytes name, uint32_t room)
{
    struct zone *z = xcalloc(1, sizeof(*z));

    CHECK(name.len <= ZONE_NAME_MAX);
    memcpy(z->name, name.ptr ? name.ptr : (const uint8_t *)"", name.len);
    z->at = xcalloc(room + 1, sizeof(*z->at));
    z->offsets = xcalloc(room + 1, sizeof(*z->offsets));
    return z;
}

void zone_free(struct zone *zone)
{
    if (!zone)
        return;
    free(zone->at);
    free(zone->offsets);
    free(zone);
}

struct zone *zone_fixed(struct bytes name, int32_t offset_s)
{
    struct zone *z = zone_new(name, 0);

    z->offsets[0] = offset_s;
    return z;
}

struct bytes zone_name(const struct zone *zone)
{
    return zone ? bytes_str(zone->name) : BYTES_LITERAL("UTC");
}

bool zone_is_utc(const struct zone *zone)
{
    return !zone || (zone->count == 0 && zone->offsets[0] == 0);
}

uint64_t zone_hash(const struct zone *zone)
{
    return zone ? hash_bytes(bytes_str(zone->name)) : 0;
}

/* ---- names ---- */

static bool digits(struct bytes *text, size_t most, int32_t *out)
{
    size_t n = 0;

    for (*out = 0; n < most && n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9'; n++)
        *out = *out * 10 + (text->ptr[n] - '0');
    *text = bytes_skip(*text, n);
    return n > 0;
}

static bool take(struct bytes *text, char c)
{
    if (!text->len || text->ptr[0] != (uint8_t)c)
        return false;
    *text = bytes_skip(*text, 1);
    return true;
}

bool zone_offset_parse(struct bytes name, int32_t *offset_s)
{
    int32_t hours, minutes = 0;
    bool named = name.len >= 3 && (bytes_is(bytes_head(name, 3), "UTC") || bytes_is(bytes_head(name, 3), "GMT"));

    *offset_s = 0;
    if (bytes_is(name, "Z") || bytes_is(name, "UTC") || bytes_is(name, "GMT"))
        return true;
    if (named)
        name = bytes_skip(name, 3);
    bool minus = take(&name, '-');
    if (!minus && !take(&name, '+'))
        return false;
    if (!digits(&name, 2, &hours) || (take(&name, ':') && (name.len != 2 || !digits(&name, 2, &minutes))))
        return false;
    *offset_s = (minus ? -1 : 1) * (hours * 3600 + minutes * 60);
    return !name.len && minutes < 60 && hours * 60 + minutes <= 18 * 60;
}

bool zone_name_valid(struct bytes name)
{
    bool inner = false; /* the character before is no '/' */

    if (!name.len || name.len > ZONE_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
                    c == '-' || c == '_';
        if (!word && !(c == '/' && inner))
            return false;
        inner = word;
    }
    return inner;
}

/* ---- the rule of the years behind the table ---- */

/* When in a year: the day, and seconds of local time behind its midnight. */
struct when {
    char kind; /* 'M' week and day of a month, 'J' day 1..365 without 29 February, '0' day 0..365 */
    int32_t month, week, day;
    int32_t seconds;
};

struct rule {
    int32_t standard_s, summer_s;
    bool changes;
    struct when to_summer, to_standard;
};

/* "CET", "<+0330>" */
static bool rule_name(struct bytes *text)
{
    bool quoted = take(text, '<');
    size_t n = 0;

    while (n < text->len) {
        uint8_t c = text->ptr[n];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-')))
            break;
        n++;
    }
    *text = bytes_skip(*text, n);
    return n >= 3 && (!quoted || take(text, '>'));
}

/* "[+-]hh[:mm[:ss]]" */
static bool rule_time(struct bytes *text, int32_t *out)
{
    int32_t hours, minutes = 0, seconds = 0;
    bool minus = take(text, '-');

    if (!minus)
        (void)take(text, '+');
    if (!digits(text, 3, &hours) || (take(text, ':') && (!digits(text, 2, &minutes) ||
                                                         (take(text, ':') && !digits(text, 2, &seconds)))))
        return false;
    *out = (minus ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
    return hours <= 167 && minutes < 60 && seconds < 60;
}

static bool rule_when(struct bytes *text, struct when *w)
{
    *w = (struct when){.kind = '0', .seconds = 2 * 3600};
    if (!take(text, ','))
        return false;
    if (take(text, 'M')) {
        w->kind = 'M';
        if (!digits(text, 2, &w->month) || !take(text, '.') || !digits(text, 1, &w->week) || !take(text, '.') ||
            !digits(text, 1, &w->day) || w->month < 1 || w->month > 12 || w->week < 1 || w->week > 5 || w->day > 6)
            return false;
    } else {
        w->kind = take(text, 'J') ? 'J' : '0';
        if (!digits(text, 3, &w->day) || w->day > 365 || (w->kind == 'J' && w->day < 1))
            return false;
    }
    return !take(text, '/') || rule_time(text, &w->seconds);
}

static bool rule_parse(struct bytes text, struct rule *rule)
{
    int32_t west; /* of UTC, as the rule counts */

    *rule = (struct rule){0};
    if (!rule_name(&text) || !rule_time(&text, &west))
        return false;
    rule->standard_s = -west;
    rule->summer_s = rule->standard_s + 3600;
    if (text.len) {
        rule->changes = true;
        if (!rule_name(&text))
            return false;
        if (text.len && text.ptr[0] != ',') {
            if (!rule_time(&text, &west))
                return false;
            rule->summer_s = -west;
        }
        if (!rule_when(&text, &rule->to_summer) || !rule_when(&text, &rule->to_standard))
            return false;
    }
    return !text.len && abs(rule->standard_s) <= OFFSET_MOST_S && abs(rule->summer_s) <= OFFSET_MOST_S;
}

/* Local microseconds. */
static int64_t when_us(const struct when *w, int64_t year)
{
    int64_t day = days_from_civil(year, 1, 1) + w->day;

    if (w->kind == 'J')
        day -= w->day < 60 || days_in_month(year, 2) == 28; /* the 60th is 1 March in every year */
    if (w->kind == 'M') {
        int64_t first = days_from_civil(year, w->month, 1);
        day = first + floor_mod(w->day - day_of_week(first), 7) + 7 * (w->week - 1);
        if (day >= first + days_in_month(year, w->month))
            day -= 7;
    }
    return days_us(day) + w->seconds * US_PER_SECOND;
}

/* Out of order: a change of the rule before one of the table, or of the year before. */
static void change_add(struct zone *z, int64_t at, int32_t offset_s)
{
    if (z->count && at <= z->at[z->count - 1])
        return;
    z->at[z->count] = at;
    z->offsets[++z->count] = offset_s;
}

static void rule_write_out(struct zone *z, const struct rule *rule)
{
    int64_t last = z->count ? z->at[z->count - 1] : 0;
    int64_t year = civil_from_days(floor_div(last, US_PER_DAY)).year;

    if (!rule->changes)
        return; /* the table's last offset stays */
    z->repeats = true;
    z->fold_us = days_us(days_from_civil(year + 2, 1, 1));
    for (int64_t y = year; y < year + CYCLE_YEARS + 4; y++) {
        int64_t summer = when_us(&rule->to_summer, y) - rule->standard_s * US_PER_SECOND;
        int64_t standard = when_us(&rule->to_standard, y) - rule->summer_s * US_PER_SECOND;
        if (summer < standard)
            change_add(z, summer, rule->summer_s);
        change_add(z, standard, rule->standard_s);
        if (summer >= standard)
            change_add(z, summer, rule->summer_s);
    }
}

/* ---- TZif ---- */

/* magic "TZif" · version u8 · 15 spare · counts u32: of UT marks, of standard marks, of leap seconds, of changes, of types,
 * of letters. Then: changes' times, changes' types u8, types (offset i32, summer u8, name u8), letters, leap seconds,
 * marks. From version 2 on all of that stands there twice, the second time with times of 64 bits, and a rule
 * between two ends of lines. */
struct header {
    uint8_t version;
    uint32_t ut_marks, standard_marks, leaps, changes, types, letters;
};

enum { TYPES_MOST = 256, LETTERS_MOST = 4096 };

static bool header_read(struct reader *r, struct header *h)
{
    bool magic = bytes_is(reader_bytes(r, 4), "TZif");

    h->version = reader_u8(r);
    (void)reader_bytes(r, 15);
    h->ut_marks = reader_u32_be(r);
    h->standard_marks = reader_u32_be(r);
    h->leaps = reader_u32_be(r);
    h->changes = reader_u32_be(r);
    h->types = reader_u32_be(r);
    h->letters = reader_u32_be(r);
    return !r->bad && magic && h->changes <= ZONE_CHANGES_MAX && h->types >= 1 && h->types <= TYPES_MOST &&
           h->letters <= LETTERS_MOST && h->ut_marks <= h->types && h->standard_marks <= h->types &&
           h->leaps == 0; /* clocks that count leap seconds are none of ours */
}

static void data_skip(struct reader *r, const struct header *h, size_t time_size)
{
    (void)reader_bytes(r, h->changes * (time_size + 1) + h->types * 6u + h->letters + h->standard_marks + h->ut_marks);
}

static bool types_fit(const struct zone *z, const int32_t *offsets, uint32_t types, const uint8_t *which)
{
    for (uint32_t i = 0; i < types; i++)
        if (offsets[i] < -OFFSET_MOST_S || offsets[i] > OFFSET_MOST_S)
            return false;
    for (uint32_t i = 0; i < z->count; i++)
        if (which[i] >= types || (i && z->at[i] <= z->at[i - 1]))
            return false;
    return true;
}

static bool data_read(struct zone *z, struct reader *r, const struct header *h, size_t time_size)
{
    int32_t offsets[TYPES_MOST];

    z->count = h->changes;
    for (uint32_t i = 0; i < h->changes; i++) {
        int64_t s = time_size == 8 ? (int64_t)reader_u64_be(r) : (int32_t)reader_u32_be(r);
        if (s > TIME_MOST / US_PER_SECOND || s < -TIME_MOST / US_PER_SECOND)
            s = s < 0 ? -TIME_MOST / US_PER_SECOND : TIME_MOST / US_PER_SECOND;
        z->at[i] = s * US_PER_SECOND;
    }
    struct bytes which = reader_bytes(r, h->changes);
    for (uint32_t i = 0; i < h->types; i++) {
        offsets[i] = (int32_t)reader_u32_be(r);
        (void)reader_bytes(r, 2);
    }
    (void)reader_bytes(r, h->letters + h->standard_marks + h->ut_marks);
    if (r->bad || !types_fit(z, offsets, h->types, which.ptr))
        return false;
    z->offsets[0] = offsets[0];
    for (uint32_t i = 0; i < h->changes; i++)
        z->offsets[i + 1] = offsets[which.ptr[i]];
    return true;
}

/* Between ends of lines; empty: there is none. */
static bool footer_read(struct zone *z, struct reader *r)
{
    struct rule rule;
    struct bytes rest = bytes_of(r->at, reader_left(r));

    if (!take(&rest, '\n'))
        return false;
    struct bytes text = bytes_head(rest, bytes_find(rest, '\n', 0));
    if (text.len == rest.len)
        return false;
    if (!text.len)
        return true;
    if (!rule_parse(text, &rule))
        return false;
    rule_write_out(z, &rule);
    return true;
}

struct zone *zone_decode(struct bytes name, struct bytes file)
{
    struct reader r = reader_of(file);
    struct header h;

    if (name.len > ZONE_NAME_MAX || file.len > ZONE_FILE_MAX || !header_read(&r, &h))
        return NULL;
    bool wide = h.version >= '2';
    if (wide) {
        data_skip(&r, &h, 4);
        if (!header_read(&r, &h))
            return NULL;
    }
    struct zone *z = zone_new(name, h.changes + RULE_CHANGES);
    if (data_read(z, &r, &h, wide ? 8 : 4) && (!wide || footer_read(z, &r)))
        return z;
    zone_free(z);
    return NULL;
}

/* ---- from UTC, and back ---- */

static bool out_of_calendar(int64_t us)
{
    return us > TIME_MOST || us < -TIME_MOST;
}

/* By how much a time is brought back to lie in the years written out. */
static int64_t fold(const struct zone *z, int64_t us)
{
    return z->repeats && us >= z->fold_us + CYCLE_US ? floor_div(us - z->fold_us, CYCLE_US) * CYCLE_US : 0;
}

/* How many changes have been, at a (folded) time. */
static uint32_t changes_before(const struct zone *z, int64_t us)
{
    uint32_t low = 0, high = z->count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (z->at[mid] <= us)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int32_t zone_offset(const struct zone *zone, int64_t utc_us)
{
    if (!zone || out_of_calendar(utc_us))
        return 0;
    return zone->offsets[changes_before(zone, utc_us - fold(zone, utc_us))];
}

int64_t zone_local(const struct zone *zone, int64_t utc_us)
{
    return zone ? utc_us + zone_offset(zone, utc_us) * US_PER_SECOND : utc_us;
}

/* What clocks show when they have been set, and when they would have been: local times between are left out, or
 * come twice. */
static int64_t shown(const struct zone *z, uint32_t change, bool set)
{
    return z->at[change] + z->offsets[change + set] * US_PER_SECOND;
}

static bool has_changed(const struct zone *z, uint32_t change, int64_t local, enum zone_which which)
{
    int64_t set = shown(z, change, true), unset = shown(z, change, false);

    return local >= (which == ZONE_FIRST && unset > set ? unset : set);
}

int64_t zone_utc(const struct zone *zone, int64_t local_us, enum zone_which which)
{
    if (!zone || out_of_calendar(local_us))
        return local_us;
    int64_t local = local_us - fold(zone, local_us);
    uint32_t changes = changes_before(zone, local - APART_US / 2);
    for (uint32_t i = changes; i < zone->count && zone->at[i] <= local + APART_US / 2; i++)
        if (has_changed(zone, i, local, which))
            changes = i + 1;
    return local_us - zone->offsets[changes] * US_PER_SECOND;
}

int64_t zone_settled(const struct zone *zone, int64_t utc_us)
{
    if (!zone || out_of_calendar(utc_us))
        return utc_us;
    int64_t back = fold(zone, utc_us), us = utc_us - back;
    uint32_t next = changes_before(zone, us);
    int64_t least = us + zone->offsets[next] * US_PER_SECOND;
    for (; next < zone->count && zone->at[next] <= us + APART_US; next++) {
        int64_t set = shown(zone, next, true);
        least = set < least ? set : least;
    }
    return least + back;
}

int64_t zone_due(const struct zone *zone, int64_t local_us)
{
    if (!zone || out_of_calendar(local_us))
        return local_us;
    /* Settled once no clock shows what is before it any more: the second time, or when that was left out. */
    int64_t due = zone_utc(zone, local_us - 1, ZONE_SECOND) + 1;
    int64_t back = fold(zone, due), us = due - back;
    uint32_t changes = changes_before(zone, us);
    if (changes && zone_settled(zone, zone->at[changes - 1] + back) >= local_us && zone->at[changes - 1] < us)
        due = zone->at[changes - 1] + back;
    return due;
}
