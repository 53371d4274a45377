#include "wire/kafka/batch.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"

/* Positions of the fields that are patched; the picture is in the header. */
enum {
    AT_BASE_OFFSET = 0,
    AT_LENGTH = 8,
    AT_LEADER_EPOCH = 12,
    AT_CRC = 17,
    AT_ATTRIBUTES = 21,
    AT_MAX_TIMESTAMP = 35,
    AT_PRODUCER_ID = 43,
    AT_PRODUCER_EPOCH = 51,
    AT_BASE_SEQUENCE = 53,
    RECORD_BYTES_MIN = 7, /* length, attributes, two deltas, key, value, headers: a byte each */
};

enum status batch_header_parse(struct bytes in, struct batch_header *out)
{
    struct reader r = reader_of(in);

    if (in.len < BATCH_HEADER_BYTES)
        return ST_AGAIN;
    out->base_offset = (int64_t)reader_u64_be(&r);
    out->length = (int32_t)reader_u32_be(&r);
    out->leader_epoch = (int32_t)reader_u32_be(&r);
    out->magic = reader_u8(&r);
    out->crc = reader_u32_be(&r);
    out->attributes = reader_u16_be(&r);
    out->last_offset_delta = (int32_t)reader_u32_be(&r);
    out->base_timestamp = (int64_t)reader_u64_be(&r);
    out->max_timestamp = (int64_t)reader_u64_be(&r);
    out->producer_id = (int64_t)reader_u64_be(&r);
    out->producer_epoch = (int16_t)reader_u16_be(&r);
    out->base_sequence = (int32_t)reader_u32_be(&r);
    out->records_count = (int32_t)reader_u32_be(&r);
    if (out->magic != BATCH_MAGIC)
        return ST_UNSUPPORTED;
    if (out->length < BATCH_HEADER_BYTES - BATCH_LENGTH_END || out->last_offset_delta < 0 ||
        out->records_count < 0 || out->records_count - 1 > out->last_offset_delta ||
        out->base_offset < 0 || out->base_offset > INT64_MAX - out->last_offset_delta)
        return ST_CORRUPT;
    return ST_OK;
}

static uint32_t checksum(const uint8_t *batch, size_t size)
{
    return crc32c(0, batch + AT_ATTRIBUTES, size - AT_ATTRIBUTES);
}

enum status batch_validate(struct bytes in, struct batch_header *out)
{
    TRY(batch_header_parse(in, out));
    if (batch_size(out) > in.len)
        return ST_AGAIN;
    return checksum(in.ptr, batch_size(out)) == out->crc ? ST_OK : ST_CORRUPT;
}

enum status batch_next(struct bytes *run, struct batch_header *out, struct bytes *batch)
{
    if (run->len == 0)
        return ST_END;
    TRY(batch_header_parse(*run, out));
    if (batch_size(out) > run->len)
        return ST_AGAIN;
    *batch = bytes_head(*run, batch_size(out));
    *run = bytes_skip(*run, batch->len);
    return ST_OK;
}

/* ---- patching ---- */

static void seal(uint8_t *batch, size_t size)
{
    store_u32_be(batch + AT_CRC, checksum(batch, size));
}

void batch_set_base_offset(uint8_t *batch, int64_t base_offset)
{
    store_u64_be(batch + AT_BASE_OFFSET, (uint64_t)base_offset);
}

void batch_set_leader_epoch(uint8_t *batch, int32_t leader_epoch)
{
    store_u32_be(batch + AT_LEADER_EPOCH, (uint32_t)leader_epoch);
}

void batch_set_append_time(uint8_t *batch, size_t size, int64_t timestamp_ms)
{
    uint16_t attributes = load_u16_be(batch + AT_ATTRIBUTES);

    CHECK(size >= BATCH_HEADER_BYTES);
    store_u16_be(batch + AT_ATTRIBUTES, attributes | BATCH_APPEND_TIME);
    store_u64_be(batch + AT_MAX_TIMESTAMP, (uint64_t)timestamp_ms);
    seal(batch, size);
}

struct bytes batch_summed(struct bytes in, uint32_t *crc)
{
    CHECK(in.len >= BATCH_HEADER_BYTES);
    *crc = load_u32_be(in.ptr + AT_CRC);
    return bytes_skip(in, AT_ATTRIBUTES);
}

void batch_set_producer(uint8_t *batch, size_t size, int64_t id, int16_t epoch, int32_t sequence)
{
    CHECK(size >= BATCH_HEADER_BYTES);
    store_u64_be(batch + AT_PRODUCER_ID, (uint64_t)id);
    store_u16_be(batch + AT_PRODUCER_EPOCH, (uint16_t)epoch);
    store_u32_be(batch + AT_BASE_SEQUENCE, (uint32_t)sequence);
    seal(batch, size);
}

/* ---- reading records ---- */

/* Key, value or header value: varint length, -1 for null. An empty one keeps a pointer. */
static struct bytes nullable(struct reader *r)
{
    int64_t len = reader_varint(r);

    if (len < 0) {
        if (len != -1)
            r->bad = true;
        return BYTES_NONE;
    }
    return reader_bytes(r, (size_t)len);
}

static enum status records_start(struct batch_records *it, struct bytes records)
{
    it->at = reader_of(records);
    it->left = (uint32_t)it->header.records_count;
    /* So that a count can be believed by those who make room for it. */
    return it->left <= records.len / RECORD_BYTES_MIN ? ST_OK : ST_CORRUPT;
}

static enum status records_header(struct batch_records *it, struct bytes batch,
                                  struct bytes *records)
{
    TRY(batch_header_parse(batch, &it->header));
    if (batch_size(&it->header) > batch.len)
        return ST_AGAIN;
    *records = bytes_skip(bytes_head(batch, batch_size(&it->header)), BATCH_HEADER_BYTES);
    return ST_OK;
}

enum status batch_records_open_buf(struct batch_records *it, struct bytes batch,
                                   struct buf *scratch)
{
    struct bytes records;

    TRY(records_header(it, batch, &records));
    if (batch_codec(&it->header) == KAFKA_CODEC_NONE || it->header.records_count == 0)
        return records_start(it, records);
    buf_clear(scratch);
    TRY(kafka_decompress(batch_codec(&it->header), records, scratch));
    return records_start(it, buf_view(scratch));
}

enum status batch_records_open(struct batch_records *it, struct bytes batch, struct arena *arena,
                               size_t budget_bytes)
{
    struct bytes records;
    struct buf scratch;

    TRY(records_header(it, batch, &records));
    if (batch_codec(&it->header) == KAFKA_CODEC_NONE || it->header.records_count == 0)
        return records_start(it, records);
    buf_init(&scratch, budget_bytes);
    enum status st = kafka_decompress(batch_codec(&it->header), records, &scratch);
    if (st == ST_OK) {
        uint8_t *copy = arena_try(arena, scratch.len ? scratch.len : 1);
        if (copy && scratch.len)
            memcpy(copy, scratch.ptr, scratch.len);
        st = copy ? records_start(it, bytes_of(copy, scratch.len)) : ST_NOSPACE;
    }
    buf_deinit(&scratch);
    return st;
}

bool record_headers_next(struct reader *r, struct record_header *out)
{
    if (reader_left(r) == 0 || r->bad)
        return false;
    out->key = nullable(r);
    out->value = nullable(r);
    if (!out->key.ptr)
        r->bad = true; /* a header's key may be empty, not null */
    return !r->bad;
}

static bool headers_hold(struct bytes headers, int64_t count)
{
    struct reader r = reader_of(headers);
    struct record_header header;

    for (int64_t i = 0; i < count; i++) {
        if (!record_headers_next(&r, &header))
            return false;
    }
    return reader_left(&r) == 0;
}

enum status batch_records_next(struct batch_records *it, struct record *out)
{
    if (it->left == 0)
        return reader_left(&it->at) == 0 ? ST_END : ST_CORRUPT;
    int64_t len = reader_varint(&it->at);
    if (len < 0)
        return ST_CORRUPT;
    struct reader r = reader_of(reader_bytes(&it->at, (size_t)len));
    if (it->at.bad)
        return ST_CORRUPT;
    (void)reader_u8(&r); /* attributes: none are defined */
    int64_t timestamp_delta = reader_varint(&r), offset_delta = reader_varint(&r);
    out->key = nullable(&r);
    out->value = nullable(&r);
    int64_t headers_count = reader_varint(&r);
    out->headers = reader_rest(&r);
    if (r.bad || headers_count < 0 || (uint64_t)headers_count > out->headers.len / 2 ||
        offset_delta < 0 || offset_delta > it->header.last_offset_delta ||
        !headers_hold(out->headers, headers_count))
        return ST_CORRUPT;
    out->headers_count = (uint32_t)headers_count;
    out->offset = it->header.base_offset + offset_delta;
    out->timestamp_ms =
        it->header.attributes & BATCH_APPEND_TIME
            ? it->header.max_timestamp
            : (int64_t)((uint64_t)it->header.base_timestamp + (uint64_t)timestamp_delta);
    it->left--;
    return ST_OK;
}

/* ---- what a producer must obey ---- */

static enum status records_are_in_order(struct bytes batch, const struct batch_header *h)
{
    struct batch_records it;
    struct record rec;
    struct buf unused;

    buf_init(&unused, 1);
    TRY(batch_records_open_buf(&it, batch, &unused));
    for (int64_t i = 0; i < h->records_count; i++) {
        TRY(batch_records_next(&it, &rec));
        if (rec.offset != h->base_offset + i)
            return ST_CORRUPT;
    }
    return batch_records_next(&it, &rec) == ST_END ? ST_OK : ST_CORRUPT;
}

enum status batch_header_validate_produced(const struct batch_header *h)
{
    if (batch_codec(h) >= KAFKA_CODEC_COUNT)
        return ST_UNSUPPORTED;
    if (h->records_count == 0 || h->records_count - 1 != h->last_offset_delta ||
        (h->attributes & BATCH_CONTROL))
        return ST_INVALID;
    if (h->producer_id >= 0 && (h->producer_epoch < 0 || h->base_sequence < 0))
        return ST_INVALID;
    if (h->producer_id < 0 && (h->attributes & BATCH_TRANSACTIONAL))
        return ST_INVALID;
    return ST_OK;
}

enum status batch_validate_produced(struct bytes batch, const struct batch_header *h)
{
    TRY(batch_header_validate_produced(h));
    return batch_codec(h) == KAFKA_CODEC_NONE ? records_are_in_order(batch, h) : ST_OK;
}

/* ---- building ---- */

void batch_builder_init(struct batch_builder *b, enum kafka_codec codec)
{
    *b = (struct batch_builder){.codec = codec};
    buf_init(&b->records, 0);
    buf_init(&b->headers, 0);
    batch_builder_clear(b);
}

void batch_builder_deinit(struct batch_builder *b)
{
    buf_deinit(&b->records);
    buf_deinit(&b->headers);
}

void batch_builder_clear(struct batch_builder *b)
{
    b->attributes = 0;
    b->producer_id = -1;
    b->producer_epoch = -1;
    b->base_sequence = -1;
    b->base_offset = 0;
    b->base_timestamp = b->max_timestamp = -1;
    b->count = 0;
    b->last_offset_delta = -1;
    buf_clear(&b->records);
}

static size_t varint_len(int64_t v)
{
    uint64_t u = ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
    size_t len = 1;

    for (; u >= 0x80; u >>= 7)
        len++;
    return len;
}

static size_t nullable_len(struct bytes b)
{
    return b.ptr ? varint_len((int64_t)b.len) + b.len : 1;
}

static void put_nullable(struct buf *buf, struct bytes b)
{
    buf_varint(buf, b.ptr ? (int64_t)b.len : -1);
    buf_bytes(buf, b);
}

void record_header_put(struct buf *out, const struct record_header *header)
{
    buf_varint(out, (int64_t)header->key.len);
    buf_bytes(out, header->key);
    put_nullable(out, header->value);
}

void batch_builder_add_record(struct batch_builder *b, const struct record *rec,
                              enum record_offset offset)
{
    int64_t delta = b->count;

    if (offset == RECORD_OFFSET_KEPT)
        delta = rec->offset - b->base_offset;
    CHECK(delta > b->last_offset_delta && delta <= INT32_MAX);
    if (b->count == 0)
        b->max_timestamp = rec->timestamp_ms;
    if (b->count == 0 && !(b->attributes & BATCH_DELETE_HORIZON)) /* else the caller's */
        b->base_timestamp = rec->timestamp_ms;
    if (rec->timestamp_ms > b->max_timestamp)
        b->max_timestamp = rec->timestamp_ms;
    int64_t ts = (int64_t)((uint64_t)rec->timestamp_ms - (uint64_t)b->base_timestamp);
    size_t len = 1 + varint_len(ts) + varint_len(delta) + nullable_len(rec->key) +
                 nullable_len(rec->value) + varint_len(rec->headers_count) + rec->headers.len;
    buf_varint(&b->records, (int64_t)len);
    buf_u8(&b->records, 0);
    buf_varint(&b->records, ts);
    buf_varint(&b->records, delta);
    put_nullable(&b->records, rec->key);
    put_nullable(&b->records, rec->value);
    buf_varint(&b->records, rec->headers_count);
    buf_bytes(&b->records, rec->headers);
    b->last_offset_delta = (int32_t)delta;
    b->count++;
}

void batch_builder_add(struct batch_builder *b, int64_t timestamp_ms, struct bytes key,
                       struct bytes value, const struct record_header *headers, uint32_t count)
{
    buf_clear(&b->headers);
    for (uint32_t i = 0; i < count; i++)
        record_header_put(&b->headers, &headers[i]);
    const struct record rec = {.timestamp_ms = timestamp_ms,
                               .key = key,
                               .value = value,
                               .headers_count = count,
                               .headers = buf_view(&b->headers)};
    batch_builder_add_record(b, &rec, RECORD_OFFSET_BY_PLACE);
}

enum status batch_builder_finish(struct batch_builder *b, struct buf *out)
{
    size_t start = out->len;
    /* An empty batch has nothing to compress, and readers must not try. */
    enum kafka_codec codec = b->count ? b->codec : KAFKA_CODEC_NONE;

    CHECK(b->last_offset_delta >= 0);
    buf_u64_be(out, (uint64_t)b->base_offset);
    buf_u32_be(out, 0);
    buf_u32_be(out, 0);
    buf_u8(out, BATCH_MAGIC);
    buf_u32_be(out, 0);
    buf_u16_be(out, (uint16_t)(b->attributes | codec));
    buf_u32_be(out, (uint32_t)b->last_offset_delta);
    buf_u64_be(out, (uint64_t)b->base_timestamp);
    buf_u64_be(out, (uint64_t)b->max_timestamp);
    buf_u64_be(out, (uint64_t)b->producer_id);
    buf_u16_be(out, (uint16_t)b->producer_epoch);
    buf_u32_be(out, (uint32_t)b->base_sequence);
    buf_u32_be(out, (uint32_t)b->count);
    if (b->records.failed || out->failed)
        return ST_NOSPACE;
    TRY(kafka_compress(codec, buf_view(&b->records), out));
    size_t size = out->len - start;
    CHECK(size <= INT32_MAX);
    buf_patch_u32_be(out, start + AT_LENGTH, (uint32_t)(size - BATCH_LENGTH_END));
    seal(out->ptr + start, size);
    return ST_OK;
}

/* ---- control batches ---- */

/* Key: version i16 = 0, type i16. Value: version i16 = 0, coordinator epoch i32. */
enum { CONTROL_KEY_BYTES = 4, CONTROL_VALUE_BYTES = 6 };

enum control_type control_type_of(struct bytes key)
{
    if (key.len < CONTROL_KEY_BYTES)
        return CONTROL_OTHER;
    uint16_t type = load_u16_be(key.ptr + 2);
    return type <= CONTROL_COMMIT ? (enum control_type)type : CONTROL_OTHER;
}

enum status control_batch_build(struct buf *out, enum control_type type, int64_t producer_id,
                                int16_t producer_epoch, int32_t coordinator_epoch,
                                int64_t timestamp_ms)
{
    uint8_t key[CONTROL_KEY_BYTES] = {0}, value[CONTROL_VALUE_BYTES] = {0};
    struct batch_builder b;

    CHECK(type == CONTROL_ABORT || type == CONTROL_COMMIT);
    store_u16_be(key + 2, (uint16_t)type);
    store_u32_be(value + 2, (uint32_t)coordinator_epoch);
    batch_builder_init(&b, KAFKA_CODEC_NONE);
    b.attributes = BATCH_CONTROL | BATCH_TRANSACTIONAL;
    b.producer_id = producer_id;
    b.producer_epoch = producer_epoch;
    batch_builder_add(&b, timestamp_ms, bytes_of(key, sizeof(key)), bytes_of(value, sizeof(value)),
                      NULL, 0);
    enum status st = batch_builder_finish(&b, out);
    batch_builder_deinit(&b);
    return st;
}
