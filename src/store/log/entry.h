/* entry.h: the entries of the write-ahead log as bytes. Layout: docs/format/wal.md.
 *
 *     0  checksum u32: CRC-32C of 4.. to the end (of a batch: only to its own checksum's end)
 *     4  payload length u32        all integers little-endian, but those inside a batch
 *     8  type u8, then three zeros
 *    12  topic u32                 the topic's number; 0: none
 *    16  partition u32             of a batch or trim; of a kv: its space
 *    20  group u32                 0: stands alone; else it counts only once the commit with the
 *                                  same group has been read
 *    24  payload
 *
 * Owns: nothing.   Threads: any.   Errors: ST_CORRUPT; no length is trusted.   Layer: store.
 */
#ifndef QW_STORE_LOG_ENTRY_H
#define QW_STORE_LOG_ENTRY_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/reader.h"
#include "base/status.h"
#include "store/log/log.h"

enum wal_type {
    WAL_BATCH = 1,    /* a record batch, offsets and epoch patched */
    WAL_COMMIT,       /* closes a group: parts u32, LSN of its first part u64 */
    WAL_KV,           /* key length u32, key, value */
    WAL_TOPIC_CREATE, /* see struct wal_topic */
    WAL_TOPIC_DELETE, /* nothing */
    WAL_TOPIC_CONFIG, /* options */
    WAL_PRODUCER_IDS, /* i64: ids below are given away */
    WAL_TRIM,         /* i64: the new start offset */
    WAL_OPEN,         /* i32: the leader epoch from here on */
    WAL_TOPIC_EXTEND, /* i64: how many partitions it has from now on */
    WAL_SEGMENT,      /* compacted: base i64, bytes u64, greatest timestamp i64, generation u32 */
    WAL_TYPE_END,
};

enum { WAL_ENTRY_HEADER = 24 };

struct wal_entry {
    enum wal_type type;
    uint32_t topic, partition, group;
    struct bytes payload;
};

/* Writes the header before a payload that is already at at + WAL_ENTRY_HEADER. */
void wal_entry_seal(uint8_t *at, const struct wal_entry *entry);

/* The entry at the start of in; *size is what it takes. */
enum status wal_entry_read(struct bytes in, struct wal_entry *out, size_t *size) MUST_CHECK;
/* A batch's own checksum holds too, which the entry's leaves out; true for all else. */
bool wal_entry_holds(const struct wal_entry *entry);

/* What a damaged entry's length field claims, if that fits in; else 0. For going on behind it. */
size_t wal_entry_claimed_size(struct bytes in);

/* ---- payloads ---- */

struct wal_topic {
    uint8_t id[LOG_ID_BYTES];
    uint32_t partitions;
    struct log_topic_options options;
    struct bytes name;
};

void wal_options_write(struct buf *to, const struct log_topic_options *options);
enum status wal_options_read(struct bytes payload, struct log_topic_options *out) MUST_CHECK;
void wal_topic_write(struct buf *to, const struct wal_topic *topic);
enum status wal_topic_parse(struct reader *r, struct wal_topic *out) MUST_CHECK;
enum status wal_topic_read(struct bytes payload, struct wal_topic *out) MUST_CHECK;

enum status wal_kv_read(struct bytes payload, struct bytes *key, struct bytes *value) MUST_CHECK;
enum status wal_i64_read(struct bytes payload, int64_t *out) MUST_CHECK;
enum status wal_commit_read(struct bytes payload, uint32_t *parts, uint64_t *first_lsn) MUST_CHECK;

#endif
