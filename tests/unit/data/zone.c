/* Time zones: what files say, clocks set forward and back, far years, damaged files. */
#include "data/zone.h"

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "data/datetime.h"
#include "lib/test.h"
#include "lib/zone_file.h"

static struct zone *berlin(void)
{
    uint8_t file[ZONE_FILE_ROOM];
    struct zone *z = zone_decode(BYTES_LITERAL("Europe/Berlin"),
                                 bytes_of(file, zone_file("CET-1CEST,M3.5.0,M10.5.0/3", file)));
    EXPECT(z);
    return z;
}

static int64_t at(const char *text)
{
    int64_t us;

    EXPECT(timestamp_parse(bytes_str(text), DAY_EXACT, &us));
    return us;
}

static const char *text_of(int64_t us)
{
    static char text[2][DATETIME_TEXT_MAX];
    static int turn;
    char *to = text[turn ^= 1];

    to[timestamp_text(us, 3, ' ', to)] = 0;
    return to;
}

static const char *local_of(const struct zone *z, const char *utc)
{
    return text_of(zone_local(z, at(utc)));
}

static const char *utc_of(const struct zone *z, const char *local, enum zone_which which)
{
    return text_of(zone_utc(z, at(local), which));
}

TEST(zone_sets_its_clock_forward)
{
    struct zone *z = berlin();

    EXPECT_STR(local_of(z, "2024-03-31 00:59:59.999"), "2024-03-31 01:59:59.999");
    EXPECT_STR(local_of(z, "2024-03-31 01:00:00"), "2024-03-31 03:00:00.000");
    for (int which = ZONE_FIRST; which <= ZONE_SECOND; which++) {
        EXPECT_STR(utc_of(z, "2024-03-31 01:59:59.999", which), "2024-03-31 00:59:59.999");
        EXPECT_STR(utc_of(z, "2024-03-31 02:30:00", which), "2024-03-31 01:30:00.000"); /* no such time */
        EXPECT_STR(utc_of(z, "2024-03-31 03:00:00", which), "2024-03-31 01:00:00.000");
    }
    EXPECT_STR(text_of(zone_settled(z, at("2024-03-31 00:30:00"))), "2024-03-31 01:30:00.000");
    EXPECT_STR(text_of(zone_settled(z, at("2024-03-31 01:00:00"))), "2024-03-31 03:00:00.000");
    EXPECT_STR(text_of(zone_due(z, at("2024-03-31 02:00:00"))), "2024-03-31 01:00:00.000");
    EXPECT_STR(text_of(zone_due(z, at("2024-03-31 02:30:00"))), "2024-03-31 01:00:00.000");
    EXPECT_STR(text_of(zone_due(z, at("2024-03-31 04:00:00"))), "2024-03-31 02:00:00.000");
    zone_free(z);
}

TEST(zone_sets_its_clock_back)
{
    struct zone *z = berlin();

    EXPECT_STR(local_of(z, "2024-10-27 00:30:00"), "2024-10-27 02:30:00.000");
    EXPECT_STR(local_of(z, "2024-10-27 01:30:00"), "2024-10-27 02:30:00.000");
    EXPECT_STR(utc_of(z, "2024-10-27 02:30:00", ZONE_FIRST), "2024-10-27 00:30:00.000");
    EXPECT_STR(utc_of(z, "2024-10-27 02:30:00", ZONE_SECOND), "2024-10-27 01:30:00.000");
    EXPECT_STR(utc_of(z, "2024-10-27 03:00:00", ZONE_FIRST), "2024-10-27 02:00:00.000");
    /* in its first run nothing from 02:00 on is settled */
    EXPECT_STR(text_of(zone_settled(z, at("2024-10-26 23:30:00"))), "2024-10-27 01:30:00.000");
    EXPECT_STR(text_of(zone_settled(z, at("2024-10-27 00:30:00"))), "2024-10-27 02:00:00.000");
    EXPECT_STR(text_of(zone_settled(z, at("2024-10-27 01:30:00"))), "2024-10-27 02:30:00.000");
    EXPECT_STR(text_of(zone_due(z, at("2024-10-27 02:00:00"))), "2024-10-27 00:00:00.000");
    EXPECT_STR(text_of(zone_due(z, at("2024-10-27 02:30:00"))), "2024-10-27 01:30:00.000");
    EXPECT_STR(text_of(zone_due(z, at("2024-10-27 03:00:00"))), "2024-10-27 02:00:00.000");
    zone_free(z);
}

TEST(zone_rules_go_on_to_the_end_of_the_calendar)
{
    struct zone *z = berlin();

    EXPECT_STR(local_of(z, "2371-07-01 00:00:00"), "2371-07-01 02:00:00.000");
    EXPECT_STR(local_of(z, "2771-01-01 00:00:00"), "2771-01-01 01:00:00.000");
    EXPECT_STR(local_of(z, "9999-07-01 00:00:00"), "9999-07-01 02:00:00.000");
    for (int64_t y = 1971; y < 10000; y += 13) { /* the last Sunday of March, 01:00 UTC */
        int64_t day = days_from_civil(y, 3, 31);
        int64_t us = days_us(day - day_of_week(day) % 7) + US_PER_HOUR;
        EXPECT_INT(zone_offset(z, us - 1), 3600);
        EXPECT_INT(zone_offset(z, us), 7200);
        EXPECT_INT(zone_utc(z, us - 1 + US_PER_HOUR, ZONE_FIRST), us - 1);
        EXPECT_INT(zone_utc(z, us + 2 * US_PER_HOUR, ZONE_FIRST), us);
        EXPECT_INT(zone_settled(z, us), us + 2 * US_PER_HOUR);
    }
    EXPECT_INT(zone_local(z, INT64_MAX), INT64_MAX);
    EXPECT_INT(zone_utc(z, INT64_MIN, ZONE_FIRST), INT64_MIN);
    zone_free(z);
}

/* settled is the least of all that is still to come, and due the first moment at which it is as much. */
TEST(zone_settles_as_a_search_says)
{
    static const char *const rules[] = {"CET-1CEST,M3.5.0,M10.5.0/3", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
                                        "IST-1GMT0,M10.5.0,M3.5.0/1", "EST5EDT,J60,300/-2"};
    struct rng rng = rng_seed(5);

    for (unsigned r = 0; r < sizeof(rules) / sizeof(rules[0]); r++) {
        uint8_t file[ZONE_FILE_ROOM];
        struct zone *z = zone_decode(BYTES_LITERAL("z"), bytes_of(file, zone_file(rules[r], file)));
        EXPECT(z);
        for (int n = 0; n < 300; n++) {
            int64_t step = 10 * US_PER_MINUTE;
            int64_t us = at("2024-01-01") + (int64_t)rng_below(&rng, 366 * 24 * 6) * step, least = INT64_MAX;
            for (int64_t t = us; t < us + 3 * US_PER_HOUR; t += step)
                least = zone_local(z, t) < least ? zone_local(z, t) : least;
            EXPECT_INT(zone_settled(z, us), least);
            int64_t due = zone_due(z, zone_local(z, us));
            EXPECT(zone_settled(z, due) >= zone_local(z, us));
            EXPECT(zone_settled(z, due - 1) < zone_local(z, us));
            EXPECT_INT(zone_local(z, zone_utc(z, zone_local(z, us), ZONE_SECOND)), zone_local(z, us));
        }
        zone_free(z);
    }
}

TEST(zone_names_and_offsets)
{
    static const struct {
        const char *name;
        int32_t seconds; /* 1: none */
    } cases[] = {
        {"UTC", 0}, {"GMT", 0}, {"Z", 0}, {"GMT+02:00", 7200}, {"UTC-8", -28800}, {"+05:30", 19800}, {"GMT+18", 64800},
        {"GMT+18:01", 1}, {"GMT+2:3", 1}, {"GMT+", 1}, {"02:00", 1}, {"GMT+02:60", 1}, {"GMT +02:00", 1}, {"", 1},
        {"Z+1", 1}, {"UTCX", 1}, {"GMT+123", 1},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int32_t seconds;
        bool good = zone_offset_parse(bytes_str(cases[i].name), &seconds);
        EXPECT_INT(good ? seconds : 1, cases[i].seconds);
    }
    EXPECT(zone_name_valid(BYTES_LITERAL("America/Argentina/Buenos_Aires")));
    EXPECT(zone_name_valid(BYTES_LITERAL("Etc/GMT+8")));
    static const char *const bad[] = {"", "/etc/passwd", "../x", "Europe/../x", "Europe//Berlin", "Europe/", "a b", "a."};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        EXPECT(!zone_name_valid(bytes_str(bad[i])));
}

TEST(zone_files_that_are_cut_or_damaged_are_refused)
{
    uint8_t file[ZONE_FILE_ROOM];
    size_t len = zone_file("CET-1CEST,M3.5.0,M10.5.0/3", file);
    static const char *const rules[] = {"CET", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "C-1", "CET-40",
                                        "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0/200", "CET-1CEST,J0,5",
                                        "CET-1CEST,M3.5.0,M10.5.0,", "<CET-1"};

    for (size_t n = 0; n < len; n++) {
        struct zone *z = zone_decode(BYTES_LITERAL("z"), bytes_of(file, n));
        EXPECT(!z);
    }
    for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (zone_decode(BYTES_LITERAL("z"), bytes_of(file, zone_file(rules[i], file))))
            test_fail(__FILE__, __LINE__, "%s is taken", rules[i]);
}
