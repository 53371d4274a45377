/* offsets.h: committed offsets, facts of the log in its key-value space, so that a commit is as durable as a
 * record and is answered when it is (offsets.c; asked for in offsets_commit.c, offsets_txn.c, offsets_fetch.c).
 *
 *     key    u16 length, group | u16 length, topic | u32 partition         big-endian throughout
 *     value  u8 version 1 | i64 offset | i32 leader epoch | i64 committed at, ms | metadata
 *
 * A group's offsets are so one run of keys. All partitions of a request are one atomic entry.
 *
 * Owns:    nothing: what is read are views of the key, of the value, or of the caller's buf.
 * Threads: one.      Layer: serve (private to serve/kafka).
 * Errors:  false from what cannot be parsed.
 */
#ifndef QW_SERVE_KAFKA_OFFSETS_H
#define QW_SERVE_KAFKA_OFFSETS_H

#include "serve/kafka/face.h"

enum { OFFSET_METADATA_MAX = 4096 };

struct offset_committed {
    int64_t offset;
    int32_t leader_epoch;
    struct bytes metadata;
};

/* One partition's offset on its way to be kept; txn: once that has committed. */
struct offset_kept {
    struct bytes group, topic;
    int32_t partition;
    struct offset_committed committed;
    const struct txn *txn;
};

struct bytes offset_group_prefix(struct buf *buf, struct bytes group);
struct bytes offset_key(struct buf *buf, struct bytes group, struct bytes topic, int32_t partition);
bool offset_key_parse(struct bytes key, struct bytes *group, struct bytes *topic, int32_t *partition);
bool offset_value_parse(struct bytes value, struct offset_committed *out);
void offset_put(struct call *call, struct log_entry *entry, const struct offset_kept *put);

/* offsets_commit.c */

/* Of either kind of group. A group of consumers is asked for the member's epoch, which older versions
 * of the request do not know to be one. */
enum kafka_error offsets_may_commit(struct call *call, const struct group_caller *caller);

#endif
