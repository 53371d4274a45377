#include "store/log/entry.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "base/reader.h"
#include "wire/kafka/batch.h"

/* A batch carries a checksum of its own over what follows byte 21, so ours ends there: the bytes
 * of a large batch are summed once less. */
enum { BATCH_SUMMED_ITSELF = 21, OPTIONS_MORE = 28, OPTIONS_MORE_2 = 25 };

static uint32_t checksum(const uint8_t *at, enum wal_type type, size_t payload_len)
{
    size_t len = payload_len;

    if (type == WAL_BATCH && len > BATCH_SUMMED_ITSELF)
        len = BATCH_SUMMED_ITSELF;
    return crc32c(0, at + 4, WAL_ENTRY_HEADER - 4 + len);
}

void wal_entry_seal(uint8_t *at, const struct wal_entry *entry)
{
    CHECK(entry->type > 0 && entry->type < WAL_TYPE_END);
    CHECK(entry->payload.len <= UINT32_MAX);
    store_u32_le(at + 4, (uint32_t)entry->payload.len);
    store_u32_le(at + 8, (uint32_t)entry->type);
    store_u32_le(at + 12, entry->topic);
    store_u32_le(at + 16, entry->partition);
    store_u32_le(at + 20, entry->group);
    store_u32_le(at, checksum(at, entry->type, entry->payload.len));
}

size_t wal_entry_claimed_size(struct bytes in)
{
    if (in.len < WAL_ENTRY_HEADER)
        return 0;
    size_t len = load_u32_le(in.ptr + 4);
    return len <= in.len - WAL_ENTRY_HEADER ? len + WAL_ENTRY_HEADER : 0;
}

enum status wal_entry_read(struct bytes in, struct wal_entry *out, size_t *size)
{
    size_t claimed = wal_entry_claimed_size(in);

    if (claimed == 0)
        return ST_CORRUPT;
    uint32_t type = load_u32_le(in.ptr + 8);
    if (type == 0 || type >= WAL_TYPE_END)
        return ST_CORRUPT;
    out->type = (enum wal_type)type;
    out->topic = load_u32_le(in.ptr + 12);
    out->partition = load_u32_le(in.ptr + 16);
    out->group = load_u32_le(in.ptr + 20);
    out->payload = bytes_of(in.ptr + WAL_ENTRY_HEADER, claimed - WAL_ENTRY_HEADER);
    if (checksum(in.ptr, out->type, out->payload.len) != load_u32_le(in.ptr))
        return ST_CORRUPT;
    *size = claimed;
    return ST_OK;
}

bool wal_entry_holds(const struct wal_entry *entry)
{
    struct batch_header h;

    return entry->type != WAL_BATCH || batch_validate(entry->payload, &h) == ST_OK;
}

/* ---- payloads ---- */

void wal_options_write(struct buf *to, const struct log_topic_options *o)
{
    buf_u8(to, (uint8_t)o->durability);
    buf_u8(to, (uint8_t)o->cleanup);
    buf_u8(to, o->append_time);
    buf_u8(to, o->internal);
    buf_u32_le(to, o->message_bytes_max);
    buf_u64_le(to, (uint64_t)o->retention_ms);
    buf_u64_le(to, (uint64_t)o->retention_bytes);
    buf_u64_le(to, o->segment_bytes);
    buf_u32_le(to, OPTIONS_MORE + OPTIONS_MORE_2);
    buf_u64_le(to, (uint64_t)o->segment_ms);
    buf_u64_le(to, (uint64_t)o->tombstone_ms);
    buf_u64_le(to, (uint64_t)o->compact_lag_ms);
    buf_u32_le(to, o->dirty_permille);
    buf_u64_le(to, (uint64_t)o->compact_lag_ms_max);
    buf_u64_le(to, (uint64_t)o->timestamp_before_ms);
    buf_u64_le(to, (uint64_t)o->timestamp_after_ms);
    buf_u8(to, o->codec);
}

/* More than topics are made with: sums of it would not fit. */
static bool is_time(int64_t ms)
{
    return (uint64_t)ms <= LOG_OPTION_MS_MAX;
}

static enum status options_read(struct reader *r, struct log_topic_options *out)
{
    uint8_t durability = reader_u8(r), cleanup = reader_u8(r);

    if (durability > LOG_MEMORY || cleanup > (LOG_CLEANUP_DELETE | LOG_CLEANUP_COMPACT))
        return ST_CORRUPT;
    out->durability = (enum log_durability)durability;
    out->cleanup = cleanup;
    out->append_time = reader_u8(r) != 0;
    out->internal = reader_u8(r) != 0;
    out->message_bytes_max = reader_u32_le(r);
    out->retention_ms = (int64_t)reader_u64_le(r);
    out->retention_bytes = (int64_t)reader_u64_le(r);
    out->segment_bytes = reader_u64_le(r);
    struct reader more = reader_of(reader_bytes(r, reader_u32_le(r)));
    *out = (struct log_topic_options){.durability = out->durability,
                                      .cleanup = out->cleanup,
                                      .append_time = out->append_time,
                                      .internal = out->internal,
                                      .message_bytes_max = out->message_bytes_max,
                                      .retention_ms = out->retention_ms,
                                      .retention_bytes = out->retention_bytes,
                                      .segment_bytes = out->segment_bytes};
    if (reader_left(&more) >= OPTIONS_MORE) { /* of a time before these there are none */
        out->segment_ms = (int64_t)reader_u64_le(&more);
        out->tombstone_ms = (int64_t)reader_u64_le(&more);
        out->compact_lag_ms = (int64_t)reader_u64_le(&more);
        out->dirty_permille = reader_u32_le(&more);
        if (!is_time(out->segment_ms) || !is_time(out->tombstone_ms) || !is_time(out->compact_lag_ms))
            return ST_CORRUPT;
    }
    if (reader_left(&more) >= OPTIONS_MORE_2) { /* likewise */
        out->compact_lag_ms_max = (int64_t)reader_u64_le(&more);
        out->timestamp_before_ms = (int64_t)reader_u64_le(&more);
        out->timestamp_after_ms = (int64_t)reader_u64_le(&more);
        out->codec = reader_u8(&more);
        if (!is_time(out->compact_lag_ms_max) || !is_time(out->timestamp_before_ms) ||
            !is_time(out->timestamp_after_ms) || out->codec > KAFKA_CODEC_COUNT)
            return ST_CORRUPT;
    }
    return r->bad ? ST_CORRUPT : ST_OK;
}

enum status wal_options_read(struct bytes payload, struct log_topic_options *out)
{
    struct reader r = reader_of(payload);

    return options_read(&r, out);
}

void wal_topic_write(struct buf *to, const struct wal_topic *topic)
{
    buf_append(to, topic->id, LOG_ID_BYTES);
    buf_u32_le(to, topic->partitions);
    wal_options_write(to, &topic->options);
    buf_sized(to, topic->name);
}

enum status wal_topic_read(struct bytes payload, struct wal_topic *out)
{
    struct reader r = reader_of(payload);

    return wal_topic_parse(&r, out);
}

enum status wal_topic_parse(struct reader *r, struct wal_topic *out)
{
    struct bytes id = reader_bytes(r, LOG_ID_BYTES);

    if (r->bad)
        return ST_CORRUPT;
    memcpy(out->id, id.ptr, LOG_ID_BYTES);
    out->partitions = reader_u32_le(r);
    TRY(options_read(r, &out->options));
    out->name = reader_sized(r);
    if (r->bad || out->partitions == 0 || out->partitions > LOG_PARTITIONS_MAX ||
        !log_topic_name_valid(out->name))
        return ST_CORRUPT;
    return ST_OK;
}

enum status wal_kv_read(struct bytes payload, struct bytes *key, struct bytes *value)
{
    struct reader r = reader_of(payload);

    *key = reader_bytes(&r, reader_u32_le(&r));
    *value = reader_rest(&r);
    return r.bad ? ST_CORRUPT : ST_OK;
}

enum status wal_i64_read(struct bytes payload, int64_t *out)
{
    struct reader r = reader_of(payload);

    *out = (int64_t)reader_u64_le(&r);
    return r.bad ? ST_CORRUPT : ST_OK;
}

enum status wal_commit_read(struct bytes payload, uint32_t *parts, uint64_t *first_lsn)
{
    struct reader r = reader_of(payload);

    *parts = reader_u32_le(&r);
    *first_lsn = reader_u64_le(&r);
    return r.bad ? ST_CORRUPT : ST_OK;
}
