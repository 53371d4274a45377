/* zone.h: time zones: by how much local time is ahead of UTC, and when that changes.
 *
 * A zone is read from a TZif file (RFC 9636: what tzdata installs) or is one fixed offset. NULL stands for UTC
 * wherever a zone is asked for. Times are microseconds: since 1970 in UTC, or local, which is the same count of
 * what clocks there show. A clock that is set back shows some local times twice, one set forward leaves some out:
 *
 *      UTC  ──────────────T──────────────►            UTC  ──────────────T──────────────►
 *    local  01:30  02:30  │ 02:30  03:30            local  01:30         │ 03:00  03:30
 *                 first ──┴── second                         02:30 is no time: counted on from before T
 *
 * Owns: zone_decode and zone_fixed make one, zone_free ends it; it never changes.   Threads: any may read it.
 * Errors: zone_decode gives NULL for bytes that are no TZif or beyond the limits below.   Layer: data.
 */
#ifndef QW_DATA_ZONE_H
#define QW_DATA_ZONE_H

#include "base/bytes.h"
#include "base/status.h"

enum { ZONE_NAME_MAX = 64, ZONE_FILE_MAX = 64 << 10, ZONE_CHANGES_MAX = 4096 };

struct zone;

struct zone *zone_decode(struct bytes name, struct bytes file) MUST_CHECK;
struct zone *zone_fixed(struct bytes name, int32_t offset_s) MUST_CHECK;
void zone_free(struct zone *zone);

/* "UTC", "GMT", "Z", each with an offset or an offset alone: "GMT+02:00", "UTC-8", "+05:30". */
bool zone_offset_parse(struct bytes name, int32_t *offset_s);
/* Letters, digits, '+', '-', '_' and single '/' between them: what may be looked for as a file of tzdata. */
bool zone_name_valid(struct bytes name);

struct bytes zone_name(const struct zone *zone);
/* By another name: NULL does the same, faster. */
bool zone_is_utc(const struct zone *zone);
/* The same in every process; 0 for UTC. */
uint64_t zone_hash(const struct zone *zone);

/* Seconds that local time is ahead of UTC. */
int32_t zone_offset(const struct zone *zone, int64_t utc_us);
int64_t zone_local(const struct zone *zone, int64_t utc_us);

/* Which of two, when a local time comes twice. */
enum zone_which { ZONE_FIRST, ZONE_SECOND };
int64_t zone_utc(const struct zone *zone, int64_t local_us, enum zone_which which);

/* The earliest local time that clocks show at utc_us or later: all before it is past for good. */
int64_t zone_settled(const struct zone *zone, int64_t utc_us);
/* When local_us is settled: from then on zone_settled gives no less. */
int64_t zone_due(const struct zone *zone, int64_t local_us);

/* Where zones come from by name: of the floors above, which may read files. find gives NULL for a name that is no
 * zone; what it gives lives as long as the finder. Any thread may call it. */
struct zone_finder {
    const struct zone *(*find)(struct zone_finder *finder, struct bytes name);
};

#endif
