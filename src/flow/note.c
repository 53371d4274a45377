/* note.c: see note.h for the bytes. */
#include "flow/note.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/crc32c.h"

enum { NOTE_HEAD_BYTES = 8 };

void note_encode(struct buf *out, struct driver *d, const struct driver_tick *tick, uint64_t plan)
{
    size_t at = out->len;
    buf_append(out, "QN", 2);
    buf_u8(out, NOTE_VERSION);
    buf_u8(out, 0);
    buf_u32_le(out, 0);
    buf_u32_le(out, ENGINE_VERSION);
    buf_u64_le(out, plan);
    buf_u32_le(out, driver_shards(d));
    buf_uvarint(out, tick->tick);
    buf_varint(out, tick->clock_us);
    buf_uvarint(out, driver_sources_count(d));
    for (uint32_t i = 0; i < driver_sources_count(d); i++) {
        const struct driver_source *source = driver_source(d, i);
        buf_uvarint(out, source->splits_count);
        for (uint32_t s = 0; s < source->splits_count; s++) {
            buf_varint(out, source->splits[s].end);
            if (tick->tick == 0)
                buf_varint(out, source->splits[s].bound);
        }
    }
    buf_uvarint(out, driver_sinks_count(d));
    for (uint32_t i = 0; i < driver_sinks_count(d); i++)
        buf_u64_le(out, driver_sink_hash(d, i));
    if (tick->schemas)
        buf_uvarint(out, tick->schemas);
    uint32_t crc = crc32c(0, out->ptr + at + NOTE_HEAD_BYTES, out->len - at - NOTE_HEAD_BYTES);
    buf_patch_u32_le(out, at + 4, crc);
}

static bool decode_splits(struct reader *r, struct note *note)
{
    uint64_t sources = reader_uvarint(r);
    if (r->bad || sources > reader_left(r))
        return false;
    note->sources_count = (uint32_t)sources;
    note->splits = xcalloc(sources + 1, sizeof(*note->splits));
    /* a split is a byte at least, so their number is bounded by what is left */
    size_t most = reader_left(r) < NOTE_SPLITS_MAX ? reader_left(r) : NOTE_SPLITS_MAX;
    note->ends = xcalloc(most + 1, sizeof(*note->ends));
    if (note->tick == 0)
        note->bounds = xcalloc(most + 1, sizeof(*note->bounds));
    for (uint64_t i = 0; i < sources; i++) {
        uint64_t splits = reader_uvarint(r);
        if (r->bad || splits > most - note->ends_count)
            return false;
        note->splits[i] = (uint32_t)splits;
        for (uint64_t s = 0; s < splits; s++) {
            if (note->bounds)
                note->ends[note->ends_count] = reader_varint(r),
                note->bounds[note->ends_count] = reader_varint(r);
            else
                note->ends[note->ends_count] = reader_varint(r);
            note->ends_count++;
        }
    }
    return !r->bad;
}

static bool decode_body(struct reader *r, struct note *note)
{
    note->engine_version = reader_u32_le(r);
    note->plan = reader_u64_le(r);
    note->shards = reader_u32_le(r);
    note->tick = reader_uvarint(r);
    note->clock_us = reader_varint(r);
    if (r->bad || note->shards == 0 || note->shards > DRIVER_SHARDS_MAX || !decode_splits(r, note))
        return false;
    uint64_t sinks = reader_uvarint(r);
    if (r->bad || sinks > NOTE_SINKS_MAX || sinks * 8 > reader_left(r))
        return false;
    note->sinks_count = (uint32_t)sinks;
    note->hashes = xcalloc(sinks + 1, sizeof(*note->hashes));
    for (uint64_t i = 0; i < sinks; i++)
        note->hashes[i] = reader_u64_le(r);
    uint64_t schemas = reader_left(r) ? reader_uvarint(r) : 0;
    note->schemas = (uint32_t)schemas;
    return !r->bad && reader_left(r) == 0 && schemas <= UINT32_MAX;
}

enum status note_decode(struct bytes bytes, struct note *out)
{
    *out = (struct note){0};
    struct reader r = reader_of(bytes);
    struct bytes magic = reader_bytes(&r, 2);
    uint8_t version = reader_u8(&r);
    reader_u8(&r);
    uint32_t crc = reader_u32_le(&r);
    if (r.bad || !bytes_is(magic, "QN") || version != NOTE_VERSION)
        return ST_CORRUPT;
    if (crc != crc32c(0, r.at, reader_left(&r)))
        return ST_CORRUPT;
    if (decode_body(&r, out))
        return ST_OK;
    note_deinit(out);
    return ST_CORRUPT;
}

void note_deinit(struct note *note)
{
    free(note->splits);
    free(note->ends);
    free(note->bounds);
    free(note->hashes);
    *note = (struct note){0};
}

enum status note_apply(const struct note *note, struct driver *d)
{
    if (note->sources_count != driver_sources_count(d) ||
        note->sinks_count != driver_sinks_count(d))
        return ST_CORRUPT;
    uint32_t n = 0;
    for (uint32_t i = 0; i < note->sources_count; i++) {
        struct driver_source *source = driver_source(d, i);
        uint32_t had = note->bounds ? 0 : source->splits_count;
        if (note->splits[i] < had)
            return ST_CORRUPT; /* partitions do not go away */
        TRY(driver_splits_set(d, i, note->splits[i]));
        for (uint32_t s = 0; s < note->splits[i]; s++, n++) {
            struct driver_split *split = &source->splits[s];
            if (s >= had)
                split->position = note->ends[n];
            if (note->bounds)
                split->bound = note->bounds[n];
            if (note->ends[n] < split->position)
                return ST_CORRUPT;
            split->end = note->ends[n];
        }
    }
    return ST_OK;
}
