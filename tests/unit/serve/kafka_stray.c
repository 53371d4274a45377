/* Clients that cannot reach what they are told: reported when they ask on, and nobody else. */
#include <stdio.h>

#include "lib/test.h"
#include "serve/kafka/stray.h"

#define SECOND ((int64_t)1000000000)

/* One that asks each second from then on; how often it is reported. */
static int asks(struct strays *strays, const char *host, const char *id, int64_t from_s, int times)
{
    int reported = 0;

    for (int i = 0; i < times; i++)
        reported += strays_asked(strays, host, bytes_str(id), (from_s + i) * SECOND);
    return reported;
}

TEST(kafka_stray_asks_on_and_is_reported_once)
{
    struct strays *strays = strays_create();

    EXPECT(asks(strays, "10.0.0.5", "rdkafka", 1, STRAY_LOOKUPS - 1) == 0);
    EXPECT(asks(strays, "10.0.0.5", "rdkafka", STRAY_LOOKUPS, 1) == 1);
    EXPECT(asks(strays, "10.0.0.5", "rdkafka", STRAY_LOOKUPS + 1, 300) == 0);
    EXPECT(asks(strays, "10.0.0.5", "rdkafka", 1000, STRAY_LOOKUPS) == 1); /* still there much later */
    strays_destroy(strays);
}

TEST(kafka_stray_is_not_who_gets_through)
{
    struct strays *strays = strays_create();

    asks(strays, "10.0.0.5", "app", 1, STRAY_LOOKUPS - 1);
    strays_reached(strays, "10.0.0.5", BYTES_LITERAL("app"), 8 * SECOND);
    EXPECT(asks(strays, "10.0.0.5", "app", 9, 100) == 0);
    EXPECT(asks(strays, "10.0.0.5", "app", 200, STRAY_LOOKUPS) == 1);   /* it got through once, not any more */
    EXPECT(asks(strays, "10.0.0.5", "other", 220, STRAY_LOOKUPS) == 1); /* another client of that host */
    strays_destroy(strays);
}

TEST(kafka_stray_is_not_who_asks_now_and_then)
{
    struct strays *strays = strays_create();
    int reported = 0;

    for (int i = 0; i < 100; i++) /* what watches the server, every 15 s */
        reported += strays_asked(strays, "10.0.0.9", BYTES_LITERAL("watch"), (1 + 15 * i) * SECOND);
    for (int i = 0; i < 100; i++) /* many at once, as programs do when they begin */
        reported += strays_asked(strays, "10.0.0.8", BYTES_LITERAL("burst"), SECOND + i);
    EXPECT(reported == 0);
    strays_destroy(strays);
}

TEST(kafka_stray_reports_are_few_and_memory_is_bounded)
{
    struct strays *strays = strays_create();
    int reported = 0;
    char host[32];

    for (int64_t t = 1; t <= 20; t++)
        for (int h = 0; h < 200; h++) {
            snprintf(host, sizeof(host), "10.1.0.%d", h);
            reported += strays_asked(strays, host, BYTES_LITERAL("x"), t * SECOND);
        }
    EXPECT(reported == 2); /* one in ten seconds */
    for (int h = 0; h < 10 * STRAY_CLIENTS; h++) {
        snprintf(host, sizeof(host), "10.2.%d.%d", h / 256, h % 256);
        strays_asked(strays, host, BYTES_NONE, 30 * SECOND + h);
    }
    EXPECT(asks(strays, "a-name-of-a-host-that-is-much-longer-than-what-is-kept-of-one.example.org",
                "an id that is much longer than the first bytes that are kept of it, by a good deal", 60,
                STRAY_LOOKUPS) == 1);
    strays_destroy(strays);
}
