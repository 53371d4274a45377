/* Zones from any bytes: refused, or of sound times, which go to local time and back. */
#include "data/zone.h"

#include "base/check.h"
#include "data/datetime.h"
#include "lib/fuzz.h"

enum { MOMENTS = 64 };

static void check_moment(const struct zone *zone, int64_t us)
{
    int64_t local = zone_local(zone, us), settled = zone_settled(zone, us), due = zone_due(zone, local);
    int64_t first = zone_utc(zone, local, ZONE_FIRST);

    CHECK(local - us == zone_offset(zone, us) * US_PER_SECOND);
    CHECK(settled <= local);
    CHECK(zone_settled(zone, due) >= local);
    (void)first; /* of a file that is no clock's a local time may come more than twice */
}

FUZZ(zone, data, size)
{
    struct zone *zone = zone_decode(BYTES_LITERAL("any"), bytes_of(data, size));

    for (int i = 0; zone && i < MOMENTS; i++) {
        int64_t us = (i - MOMENTS / 2) * 200 * 366 * US_PER_DAY / 7;
        check_moment(zone, us);
        check_moment(zone, zone_due(zone, us));
    }
    zone_free(zone);
    struct bytes name = bytes_of(data, size);
    int32_t offset_s;
    if (zone_offset_parse(name, &offset_s))
        CHECK(offset_s >= -18 * 3600 && offset_s <= 18 * 3600);
    CHECK(!zone_name_valid(name) || bytes_find(name, '.', 0) == name.len);
}
