/* kv.h: the log's small durable facts in memory, in order of (space, key).
 *
 * A sorted array of pointers: look-ups are binary searches, a new key moves pointers, which is
 * cheap up to some hundred thousand keys (group offsets, statements, positions: few).
 *
 * Owns: copies of keys and values.   Threads: those of one shard.   Layer: store.
 */
#ifndef QW_STORE_LOG_KV_H
#define QW_STORE_LOG_KV_H

#include "base/buf.h"
#include "base/reader.h"
#include "store/log/log.h"

struct kv_item;

struct kv {
    struct kv_item **items;
    size_t count, cap;
    uint64_t bytes; /* of keys and values */
};

void kv_deinit(struct kv *kv);
void kv_put(struct kv *kv, uint32_t space, struct bytes key,
            struct bytes value); /* empty: removes */
bool kv_get(const struct kv *kv, uint32_t space, struct bytes key, struct bytes *value);
void kv_scan(const struct kv *kv, uint32_t space, struct bytes prefix, log_kv_fn *fn,
             void *context);

void kv_save(const struct kv *kv, struct buf *to);
enum status kv_load(struct kv *kv, struct reader *from) MUST_CHECK;

#endif
