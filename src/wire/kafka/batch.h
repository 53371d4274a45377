/* batch.h: Kafka's record batch, version 2 (magic 2): the unit of producing, storing and fetching.
 *
 *     0  base offset i64          43  producer id i64          all integers big-endian
 *     8  length i32 (from 12 on)  51  producer epoch i16
 *    12  leader epoch i32         53  base sequence i32
 *    16  magic i8                 57  records count i32
 *    17  CRC-32C u32 of 21..end   61  records, compressed as a whole by the codec
 *    21  attributes i16
 *    23  last offset delta i32    A record: varint length, i8 attributes, varint timestamp delta,
 *    27  base timestamp i64       varint offset delta, key and value (varint length, -1 for null),
 *    35  max timestamp i64        varint count of headers, each a key and a value likewise.
 *
 * Base offset and leader epoch are outside the checksum, so the log patches them in place.
 * Sizes and layout: docs/format/kafka.md.       Layer: wire.
 * Owns:    an iterator owns nothing; a builder owns its buffers.
 * Threads: one at a time for each object; batches are plain bytes.
 * Errors:  ST_AGAIN a batch is cut short, ST_CORRUPT its bytes cannot be a batch or fail the
 *          checksum, ST_UNSUPPORTED an older magic or unknown codec, ST_NOSPACE decompression
 *          passed its budget.
 * Limits:  nothing in the bytes is trusted before it is checked.
 */
#ifndef QW_WIRE_KAFKA_BATCH_H
#define QW_WIRE_KAFKA_BATCH_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/reader.h"
#include "base/status.h"
#include "wire/kafka/compress.h"

enum {
    BATCH_HEADER_BYTES = 61,
    BATCH_LENGTH_END = 12, /* base offset and length: what must be read to know the size */
    BATCH_MAGIC = 2,
};

enum batch_attribute {
    BATCH_CODEC_MASK = 0x07,
    BATCH_APPEND_TIME = 0x08, /* timestamps are the log's; clear: the producer's */
    BATCH_TRANSACTIONAL = 0x10,
    BATCH_CONTROL = 0x20,
    BATCH_DELETE_HORIZON = 0x40, /* the base timestamp is a delete horizon (compaction) */
};

struct batch_header {
    int64_t base_offset;
    int32_t length; /* bytes after itself; batch_size() adds the twelve before */
    int32_t leader_epoch;
    uint8_t magic;
    uint32_t crc;
    uint16_t attributes; /* enum batch_attribute */
    int32_t last_offset_delta;
    int64_t base_timestamp, max_timestamp; /* ms since 1970; -1: none */
    int64_t producer_id;                   /* -1: none */
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t records_count; /* compaction may leave fewer than last_offset_delta + 1, even 0 */
};

static inline size_t batch_size(const struct batch_header *h)
{
    return BATCH_LENGTH_END + (size_t)h->length;
}

static inline int64_t batch_last_offset(const struct batch_header *h)
{
    return h->base_offset + h->last_offset_delta;
}

static inline enum kafka_codec batch_codec(const struct batch_header *h)
{
    return (enum kafka_codec)(h->attributes & BATCH_CODEC_MASK);
}

/* Reads the header of the batch at the start of in, and checks what needs no checksum: magic,
 * length at least a header, count and last delta not negative and count <= last delta + 1. in may
 * end before the batch does. ST_AGAIN: fewer than BATCH_HEADER_BYTES. */
enum status batch_header_parse(struct bytes in, struct batch_header *out) MUST_CHECK;

/* The same, and the whole batch must be there (ST_AGAIN: it is not) and its checksum hold. What
 * follows the batch is not looked at. */
enum status batch_validate(struct bytes in, struct batch_header *out) MUST_CHECK;

/* What a producer must obey besides, as far as the header tells: count is last delta + 1 and not 0,
 * no control batch (ST_INVALID), known codec (ST_UNSUPPORTED), sequences present when there is a
 * producer id. */
enum status batch_header_validate_produced(const struct batch_header *h) MUST_CHECK;
/* That, and in an uncompressed batch every record is well formed with offset deltas 0, 1, 2, …
 * (inside a compressed one readers check). The batch must have passed batch_validate. */
enum status batch_validate_produced(struct bytes batch, const struct batch_header *h) MUST_CHECK;

/* Splits a run of batches (the records of a Produce request, the body of a segment): parses the
 * header of the first batch, gives its whole bytes and moves *run past it. ST_END: *run is empty. */
enum status batch_next(struct bytes *run, struct batch_header *out, struct bytes *batch) MUST_CHECK;

/* ---- patching in place; batch points at the first byte of a whole batch ---- */
void batch_set_base_offset(uint8_t *batch, int64_t base_offset);
void batch_set_leader_epoch(uint8_t *batch, int32_t leader_epoch);
/* LogAppendTime: sets attribute and max timestamp, and the checksum anew. */
void batch_set_append_time(uint8_t *batch, size_t size, int64_t timestamp_ms);
void batch_set_producer(uint8_t *batch, size_t size, int64_t id, int16_t epoch, int32_t sequence);

/* What the batch's checksum is about, and that checksum, as it says; in is a whole batch. */
struct bytes batch_summed(struct bytes in, uint32_t *crc);

/* ---- reading records ---- */
struct record {
    int64_t offset;
    int64_t timestamp_ms;  /* of the record, or the log's append time; -1: none */
    struct bytes key;      /* ptr NULL: null (an empty one has a pointer) */
    struct bytes value;    /* likewise */
    uint32_t headers_count;
    struct bytes headers;  /* encoded; see record_headers_next */
};

struct batch_records {
    struct batch_header header;
    struct reader at;
    uint32_t left;
};

/* Starts at the first record of a batch that passed batch_validate. Views point into the batch, or,
 * if it is compressed, into memory of arena; no more than budget_bytes are decompressed, nor more
 * than the arena's own budget allows (ST_NOSPACE). */
enum status batch_records_open(struct batch_records *it, struct bytes batch, struct arena *arena,
                               size_t budget_bytes) MUST_CHECK;
/* The same with a buffer of the caller's, cleared first and used again for the next batch; its
 * limit is the budget (0: none). */
enum status batch_records_open_buf(struct batch_records *it, struct bytes batch,
                                   struct buf *scratch) MUST_CHECK;
/* ST_END after the last one; ST_CORRUPT when a record does not fit. */
enum status batch_records_next(struct batch_records *it, struct record *out) MUST_CHECK;

struct record_header {
    struct bytes key;
    struct bytes value; /* ptr NULL: null */
};

/* struct reader r = reader_of(rec.headers); then once for each of headers_count. The bytes were
 * checked by batch_records_next, so false only means that there are no more. */
bool record_headers_next(struct reader *r, struct record_header *out);
/* Encoded, as it stands in a record. */
void record_header_put(struct buf *out, const struct record_header *header);

/* ---- building ---- */
struct batch_builder {
    enum kafka_codec codec;
    uint16_t attributes; /* besides the codec */
    int64_t producer_id; /* -1 unless set after init */
    int16_t producer_epoch;
    int32_t base_sequence;
    int64_t base_offset, base_timestamp, max_timestamp;
    int32_t count, last_offset_delta;
    struct buf records;
    struct buf headers; /* scratch of one record */
};

void batch_builder_init(struct batch_builder *b, enum kafka_codec codec);
void batch_builder_deinit(struct batch_builder *b);
void batch_builder_clear(struct batch_builder *b); /* ready for another batch; keeps memory, codec */

/* Adds one record; its offset delta is its place in the batch. headers: count of them. */
void batch_builder_add(struct batch_builder *b, int64_t timestamp_ms, struct bytes key,
                       struct bytes value, const struct record_header *headers, uint32_t count);
/* Adds one as it was read (headers already encoded). With keep_offset its offset relative to
 * base_offset is kept (for compaction; offsets must rise); else its place counts. */
enum record_offset { RECORD_OFFSET_BY_PLACE, RECORD_OFFSET_KEPT };
void batch_builder_add_record(struct batch_builder *b, const struct record *rec,
                              enum record_offset offset);
/* Bytes of the records so far, before compression. */
static inline size_t batch_builder_bytes(const struct batch_builder *b)
{
    return b->records.len;
}

/* Appends the whole batch to out. ST_NOSPACE: a buffer met its limit. An empty one is legal only
 * for compaction (count 0 with last_offset_delta set by the caller). */
enum status batch_builder_finish(struct batch_builder *b, struct buf *out) MUST_CHECK;

/* ---- control batches (transaction markers) ---- */
enum control_type { CONTROL_ABORT = 0, CONTROL_COMMIT = 1, CONTROL_OTHER = -1 };
/* From the key of the record of a control batch. */
enum control_type control_type_of(struct bytes key);
enum status control_batch_build(struct buf *out, enum control_type type, int64_t producer_id,
                                int16_t producer_epoch, int32_t coordinator_epoch,
                                int64_t timestamp_ms) MUST_CHECK;

#endif
