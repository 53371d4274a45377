/* note.h: what a tick took and what it gave, as the record that makes it repeatable.
 *
 *     0  magic "QN", version u8, zero u8      integers little-endian; varints as in base/buf.h
 *     4  CRC-32C u32 of 8..end
 *     8  engine version u32
 *    12  plan u64: hash of its text
 *    20  shards u32
 *    24  tick uvarint · clock varint (µs since 1970)
 *        sources uvarint; of each: splits uvarint; of each: end position varint, and in the first
 *        note of a job (tick 0) the bound varint
 *        sinks uvarint; of each: hash u64 of what it gave
 *        schemas uvarint: how many of the registry its decoders knew; not there where it is 0
 *
 * Notes are records of the job's topic `__job-NAME`, partition 0, in the same entry of the log as
 * the tick's results. Tick 0 takes nothing and says where the job starts. The first tick that has a
 * split which came later takes nothing of it: its end is where the split begins.
 *
 * Owns: a decoded note owns its arrays until note_deinit.
 * Errors: ST_CORRUPT for bytes that are no note, whatever they are.   Layer: flow.
 */
#ifndef QW_FLOW_NOTE_H
#define QW_FLOW_NOTE_H

#include "flow/driver.h"

enum {
    NOTE_VERSION = 1,
    ENGINE_VERSION = 3,
    NOTE_SPLITS_MAX = DRIVER_SPLITS_MAX,
    NOTE_SINKS_MAX = 1 << 12
};

struct note {
    uint32_t engine_version, shards;
    uint64_t plan;
    uint64_t tick;
    int64_t clock_us;
    uint32_t sources_count;
    uint32_t *splits;   /* a source */
    int64_t *ends;      /* of all splits of all sources */
    int64_t *bounds;    /* of tick 0; else NULL */
    uint32_t ends_count;
    uint32_t sinks_count;
    uint64_t *hashes;
    uint32_t schemas;
};

/* The driver's splits' ends and its sinks' hashes. */
void note_encode(struct buf *out, struct driver *driver, const struct driver_tick *tick,
                 uint64_t plan);
enum status note_decode(struct bytes bytes, struct note *out) MUST_CHECK;
void note_deinit(struct note *note);

/* Sets the driver's splits to what the note took. ST_CORRUPT: they do not fit. */
enum status note_apply(const struct note *note, struct driver *driver) MUST_CHECK;

#endif
