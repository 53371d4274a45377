/* Appending: a batch is validated where it lies, copied once into its place in the WAL's open block
 * (or in its partition's memory), patched there, and its place noted in the tail. */
#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "store/log/state.h"

enum { MEMORY_SLAB_MIN = 16 * 1024, MEMORY_SLAB_MAX = 1024 * 1024 };

/* A batch whose checksum is joined to its block's; a smaller one is summed as fast. Simulations have small ones. */
#ifdef QW_SLOW_CHECKS
enum { JOINED_MIN = 256 };
#else
enum { JOINED_MIN = 32 * 1024 };
#endif

/* ---- is it a batch, may it come ---- */

static enum status bad_batch(struct diag *diag, enum status st, const struct log_partition *p,
                             const char *what)
{
    return diag_set(diag, st, st == ST_UNSUPPORTED ? DIAG_UNSUPPORTED : DIAG_VALUE,
                    "batch for %s-%u: %s", p->topic->name, p->index, what);
}

static enum status check_batch(const struct log_partition *p, struct bytes batch,
                               struct batch_header *h, struct diag *diag)
{
    enum status st = batch_validate(batch, h);

    if (st == ST_UNSUPPORTED)
        return bad_batch(diag, st, p, "only format v2 (magic 2) is taken");
    if (st != ST_OK)
        return bad_batch(diag, ST_INVALID, p, "its length or checksum is wrong");
    if (batch_size(h) != batch.len)
        return bad_batch(diag, ST_INVALID, p, "more bytes follow the batch");
    if (batch.len > p->topic->info.options.message_bytes_max)
        return diag_set(diag, ST_INVALID, DIAG_LIMIT,
                        "batch for %s-%u: %zu bytes are more than max.message.bytes, %u",
                        p->topic->name, p->index, batch.len,
                        p->topic->info.options.message_bytes_max);
    if (batch_validate_produced(batch, h) != ST_OK)
        return bad_batch(diag, ST_INVALID, p, "its records are malformed");
    return ST_OK;
}

static enum status check_open(const struct log *log, const struct log_partition *p,
                              struct diag *diag)
{
    if (log->failure[0])
        return diag_set(diag, ST_IO, DIAG_STATE, "%s", log->failure);
    if (p->topic->deleted)
        return diag_set(diag, ST_NOTFOUND, DIAG_NAME, "topic %s was deleted", p->topic->name);
    return ST_OK;
}

/* Producers wait while the log is behind with its background work or the disk is nearly full. */
static enum status check_bounds(struct log *log, const struct log_partition *p, size_t bytes,
                                struct diag *diag)
{
    if (!log_space_allows(log, bytes))
        return diag_set(diag, ST_NOSPACE, DIAG_LIMIT,
                        "the disk of %s has %llu MiB left, less than is reserved", log->dir,
                        (unsigned long long)(log->free_bytes >> 20));
    if (partition_is_memory(p))
        return ST_OK; /* appending makes room itself */
    if (log->pool.bytes > log->options.memory_bytes_max)
        return diag_set(diag, ST_NOSPACE, DIAG_LIMIT,
                        "%llu MiB wait in memory to be filled into partition files",
                        (unsigned long long)(log->pool.bytes >> 20));
    if (log->wal_full)
        return diag_set(diag, ST_NOSPACE, DIAG_LIMIT, "the write-ahead log is at its bound");
    return ST_OK;
}

/* ---- into the WAL ---- */

/* Where a staged batch lies; in a WAL slab or in a partition's memory. */
struct placed {
    struct tail_item item;
    uint64_t lsn, end_lsn;
    int64_t timestamp_ms; /* the append time, or -1 */
};

static int64_t patch(struct log_partition *p, uint8_t *at, size_t len, int64_t base)
{
    batch_set_base_offset(at, base);
    batch_set_leader_epoch(at, p->log->leader_epoch);
    if (!p->topic->info.options.append_time)
        return -1;
    int64_t now_ms = os_wall_us(p->log->os) / 1000;
    batch_set_append_time(at, len, now_ms);
    return now_ms;
}

static enum status place_in_wal(struct log_partition *p, struct bytes batch, int32_t last_delta,
                                int64_t base, uint32_t group, struct placed *out)
{
    struct wal_slot slot;
    enum status st = wal_reserve(p->log->wal, batch.len, &slot);

    if (st == ST_IO)
        log_fail(p->log, "cannot make a file of the write-ahead log: %s",
                 os_error_text(p->log->os));
    TRY(st);
    uint8_t *at = slot.at + WAL_ENTRY_HEADER;
    memcpy(at, batch.ptr, batch.len);
    out->timestamp_ms = patch(p, at, batch.len, base);
    wal_entry_seal(slot.at, &(struct wal_entry){.type = WAL_BATCH,
                                                .topic = p->topic->number,
                                                .partition = p->index,
                                                .group = group,
                                                .payload = bytes_of(at, batch.len)});
    if (batch.len >= JOINED_MIN) { /* its checksum was looked at, or is ours */
        uint32_t crc;
        struct bytes summed = batch_summed(bytes_of(at, batch.len), &crc);
        wal_summed(p->log->wal, summed, crc);
    }
    out->item = (struct tail_item){.slab = slot.slab,
                                   .base = base,
                                   .pos = (uint32_t)(at - slot.slab->data),
                                   .len = (uint32_t)batch.len,
                                   .last_delta = last_delta};
    out->lsn = slot.lsn;
    out->end_lsn = slot.end_lsn;
    return ST_OK;
}

/* ---- into memory ---- */

/* The oldest batches give way, as far as no pin holds them. */
static bool make_room(struct log_partition *p, size_t bytes)
{
    uint64_t max = p->log->options.memory_bytes_max;

    while (p->log->pool.bytes + bytes > max && p->tail.count > 0) {
        int64_t next = tail_item_last(tail_at(&p->tail, 0)) + 1;
        if (next > partition_pinned(p))
            break;
        partition_drop_below(p, next);
    }
    return p->log->pool.bytes + bytes <= max || p->topic->info.options.internal;
}

static enum status memory_slab(struct log_partition *p, size_t bytes)
{
    size_t size = p->memory ? (size_t)p->memory->cap * 2 : MEMORY_SLAB_MIN;
    size_t most = p->log->options.memory_bytes_max / 16; /* what is dropped goes by whole slabs */

    if (most > MEMORY_SLAB_MAX)
        most = MEMORY_SLAB_MAX;
    if (size > most)
        size = most;
    if (size < bytes)
        size = bytes;
    if (!make_room(p, size))
        return ST_NOSPACE;
    slab_release(p->memory);
    p->memory = slab_create_sized(&p->log->pool, size);
    return ST_OK;
}

static enum status place_in_memory(struct log_partition *p, struct bytes batch, int32_t last_delta,
                                   int64_t base, struct placed *out)
{
    if (!p->memory || p->memory->cap - p->memory->used < batch.len)
        TRY(memory_slab(p, batch.len));
    uint8_t *at = p->memory->data + p->memory->used;
    memcpy(at, batch.ptr, batch.len);
    out->timestamp_ms = patch(p, at, batch.len, base);
    out->item = (struct tail_item){.slab = p->memory,
                                   .base = base,
                                   .pos = p->memory->used,
                                   .len = (uint32_t)batch.len,
                                   .last_delta = last_delta};
    out->lsn = out->end_lsn = 0;
    p->memory->used += (uint32_t)batch.len;
    return ST_OK;
}

/* ---- what an append changes ---- */

void partition_touch(struct log_partition *p)
{
    struct log *log = p->log;

    if (p->topic->info.options.durability != LOG_FSYNC) {
        partition_shown(p, p->end);
        return;
    }
    if (p->touched)
        return;
    p->touched = true;
    p->touched_next = log->touched;
    log->touched = p;
}

static void want_sync(struct log_partition *p, uint64_t end_lsn)
{
    struct log *log = p->log;

    if (p->topic->info.options.durability == LOG_FSYNC)
        log_want(log, end_lsn);
    else if (end_lsn && log->interval_deadline == INT64_MAX)
        log->interval_deadline = os_mono_ns(log->os) + LOG_INTERVAL_MS * 1000000ll;
}

/* Notes the placed batch; watchers are called by the caller, once all of an entry is in. */
static void take_in(struct log_partition *p, const struct placed *placed, struct log_appended *out)
{
    bool waits = p->topic->info.options.durability == LOG_FSYNC;

    CHECK(placed->item.base == p->end);
    epochs_note(&p->epochs, p->log->leader_epoch, p->end);
    partition_push(p, placed->item);
    partition_touch(p);
    want_sync(p, placed->end_lsn);
    p->log->stats.appends++;
    p->log->stats.append_bytes += placed->item.len;
    *out = (struct log_appended){.base_offset = placed->item.base,
                                 .last_offset = p->end - 1,
                                 .timestamp_ms = placed->timestamp_ms,
                                 .start_offset = p->start,
                                 .lsn = waits && !LOG_BUG(ack_early) ? placed->end_lsn : 0,
                                 .sequence = LOG_SEQ_NEW};
}

static void tell(struct log_partition *p)
{
    if (p->watchers[LOG_ON_APPEND])
        log_fire(p, LOG_ON_APPEND);
    if (p->watchers[LOG_ON_DURABLE] && p->topic->info.options.durability != LOG_FSYNC)
        log_fire(p, LOG_ON_DURABLE);
}

/* Planted: what an entry gave is shown at once. */
static void show_early(struct log_partition *p)
{
    p->durable = p->end;
    if (p->watchers[LOG_ON_DURABLE])
        log_fire(p, LOG_ON_DURABLE);
}

static void retain_bytes(struct log_partition *p)
{
    int64_t max = p->topic->info.options.retention_bytes, pinned = partition_pinned(p);

    while (max > 0 && p->tail.bytes > (uint64_t)max && p->tail.count > 1) {
        int64_t next = tail_item_last(tail_at(&p->tail, 0)) + 1;
        if (next > pinned)
            return;
        partition_drop_below(p, next);
    }
}

/* ---- one batch ---- */

static enum status not_new(const struct log_partition *p, enum log_sequence sequence,
                           const struct batch_header *h, const struct producer_batch *first,
                           struct log_appended *out, struct diag *diag)
{
    *out = (struct log_appended){.base_offset = -1,
                                 .last_offset = -1,
                                 .timestamp_ms = -1,
                                 .start_offset = p->start,
                                 .sequence = sequence};
    if (sequence == LOG_SEQ_DUPLICATE) {
        out->base_offset = first->base_offset;
        out->last_offset = first->last_offset;
        if (p->topic->info.options.append_time)
            out->timestamp_ms = first->timestamp_ms;
        /* The first may still be on its way to the disk; this answer must not overtake it. */
        if (p->topic->info.options.durability == LOG_FSYNC && first->base_offset >= p->durable)
            out->lsn = log_end_lsn(p->log);
        return ST_OK;
    }
    return diag_set(
        diag, ST_INVALID, DIAG_STATE, "producer %lld, epoch %d: sequence %d in %s-%u is %s",
        (long long)h->producer_id, h->producer_epoch, h->base_sequence, p->topic->name, p->index,
        sequence == LOG_SEQ_FENCED        ? "of an epoch that was fenced"
        : sequence == LOG_SEQ_TRANSACTION ? "no part of the transaction that is open"
                                          : "out of order");
}

enum status log_append(struct log *log, struct log_partition *partition, struct bytes batch,
                       struct log_appended *out, struct diag *diag)
{
    struct log_partition *p = partition;
    struct batch_header h;
    struct placed placed;

    TRY(check_open(log, p, diag));
    TRY(check_batch(p, batch, &h, diag));
    if (h.producer_id >= 0) {
        struct producer_batch first;
        enum log_sequence sequence = producers_check(&p->producers, &h, &first);
        if (sequence != LOG_SEQ_NEW)
            return not_new(p, sequence, &h, &first, out, diag);
    }
    if ((h.attributes & BATCH_TRANSACTIONAL) && p->markers.aborted_count >= MARKERS_ABORTED_MAX)
        return diag_set(diag, ST_NOSPACE, DIAG_LIMIT,
                        "%s-%u keeps %u aborted transactions, as many as it can: retention must "
                        "let some go first",
                        p->topic->name, p->index, p->markers.aborted_count);
    TRY(check_bounds(log, p, batch.len, diag));
    enum status st = partition_is_memory(p)
                         ? place_in_memory(p, batch, h.last_offset_delta, p->end, &placed)
                         : place_in_wal(p, batch, h.last_offset_delta, p->end, 0, &placed);
    if (st != ST_OK)
        return diag_set(diag, st, DIAG_LIMIT, "no room for a batch of %s-%u", p->topic->name,
                        p->index);
    take_in(p, &placed, out);
    if (h.producer_id >= 0)
        producers_note(&p->producers, &h, out->base_offset, placed.timestamp_ms);
    if (partition_is_memory(p))
        retain_bytes(p);
    tell(p);
    return ST_OK;
}

/* ---- atomic entries ---- */

struct entry_part {
    struct log_partition *partition; /* NULL: a kv */
    bool marker;
    int32_t last_delta;
    uint32_t space;
    size_t pos, len, key_len; /* in data; len: of the batch, or of key and value */
    struct placed placed;
};

struct log_entry {
    struct log *log;
    struct buf data;
    struct entry_part *parts;
    uint32_t count, cap;
};

struct log_entry *log_entry_begin(struct log *log)
{
    struct log_entry *entry = xcalloc(1, sizeof(*entry));

    entry->log = log;
    buf_init(&entry->data, 0);
    return entry;
}

void log_entry_abort(struct log_entry *entry)
{
    buf_deinit(&entry->data);
    free(entry->parts);
    free(entry);
}

static struct entry_part *add_part(struct log_entry *entry)
{
    if (entry->count == entry->cap) {
        entry->cap = entry->cap ? entry->cap * 2 : 8;
        entry->parts = xrealloc(entry->parts, entry->cap * sizeof(*entry->parts));
    }
    entry->parts[entry->count] = (struct entry_part){.pos = entry->data.len};
    return &entry->parts[entry->count++];
}

enum status log_entry_append(struct log_entry *entry, struct log_partition *partition,
                             struct bytes batch, struct diag *diag)
{
    struct batch_header h;

    TRY(check_open(entry->log, partition, diag));
    TRY(check_batch(partition, batch, &h, diag));
    if (h.producer_id >= 0)
        return bad_batch(diag, ST_UNSUPPORTED, partition,
                         "a part of an atomic entry has no producer id");
    struct entry_part *part = add_part(entry);
    part->partition = partition;
    part->last_delta = h.last_offset_delta;
    part->len = batch.len;
    buf_bytes(&entry->data, batch);
    return ST_OK;
}

enum status log_entry_marker(struct log_entry *entry, struct log_partition *partition,
                             const struct log_marker *marker)
{
    TRY(check_open(entry->log, partition, NULL));
    struct entry_part *part = add_part(entry);
    enum status st = control_batch_build(
        &entry->data, marker->outcome == LOG_COMMIT ? CONTROL_COMMIT : CONTROL_ABORT,
        marker->producer_id, marker->producer_epoch, marker->coordinator_epoch,
        os_wall_us(entry->log->os) / 1000);
    CHECK(st == ST_OK);
    part->partition = partition;
    part->marker = true;
    part->len = entry->data.len - part->pos;
    return ST_OK;
}

/* The payload of a WAL_KV: key length, key, value. */
static void kv_payload(struct buf *to, struct bytes key, struct bytes value)
{
    buf_u32_le(to, (uint32_t)key.len);
    buf_bytes(to, key);
    buf_bytes(to, value);
}

void log_entry_kv(struct log_entry *entry, uint32_t space, struct bytes key, struct bytes value)
{
    struct entry_part *part = add_part(entry);

    kv_payload(&entry->data, key, value);
    part->space = space;
    part->key_len = key.len;
    part->len = entry->data.len - part->pos;
}

static enum status place_kv(struct log *log, const struct entry_part *part, struct bytes payload,
                            uint32_t group, struct placed *out)
{
    struct wal_slot slot;

    TRY(wal_reserve(log->wal, payload.len, &slot));
    memcpy(slot.at + WAL_ENTRY_HEADER, payload.ptr, payload.len);
    wal_entry_seal(
        slot.at, &(struct wal_entry){
                     .type = WAL_KV, .partition = part->space, .group = group, .payload = payload});
    out->lsn = slot.lsn;
    out->end_lsn = slot.end_lsn;
    return ST_OK;
}

static enum status place_commit(struct log *log, uint32_t group, uint32_t parts, uint64_t first_lsn,
                                uint64_t *end_lsn)
{
    struct wal_slot slot;
    uint8_t payload[12];

    store_u32_le(payload, parts);
    store_u64_le(payload + 4, first_lsn);
    TRY(wal_reserve(log->wal, sizeof(payload), &slot));
    memcpy(slot.at + WAL_ENTRY_HEADER, payload, sizeof(payload));
    wal_entry_seal(slot.at, &(struct wal_entry){.type = WAL_COMMIT,
                                                .group = group,
                                                .payload = bytes_of(payload, sizeof(payload))});
    *end_lsn = slot.end_lsn;
    return ST_OK;
}

static bool in_wal(const struct log *log, const struct entry_part *part)
{
    return log->wal && (!part->partition || !partition_is_memory(part->partition));
}

/* All parts that go to the WAL, and the commit that closes them; changes nothing else. */
static enum status place_parts(struct log_entry *entry, uint64_t *end_lsn)
{
    struct log *log = entry->log;
    uint32_t in = 0;
    uint64_t first_lsn = 0;

    *end_lsn = 0;
    for (uint32_t i = 0; i < entry->count; i++)
        in += in_wal(log, &entry->parts[i]);
    uint32_t group = in > 1 ? ++log->group ? log->group : ++log->group : 0;
    for (uint32_t i = 0; i < entry->count; i++) {
        struct entry_part *part = &entry->parts[i];
        struct log_partition *p = part->partition;
        struct bytes bytes = bytes_of(entry->data.ptr + part->pos, part->len);
        if (p && p->staged_end < 0)
            p->staged_end = p->end;
        if (!in_wal(log, part))
            continue;
        TRY(p ? place_in_wal(p, bytes, part->last_delta, p->staged_end, group, &part->placed)
              : place_kv(log, part, bytes, group, &part->placed));
        if (p)
            p->staged_end += part->last_delta + 1;
        if (!first_lsn)
            first_lsn = part->placed.lsn;
        *end_lsn = part->placed.end_lsn;
    }
    return group ? place_commit(log, group, in, first_lsn, end_lsn) : ST_OK;
}

static enum status check_parts(const struct log_entry *entry)
{
    if (entry->log->failure[0])
        return ST_IO;
    for (uint32_t i = 0; i < entry->count; i++)
        if (entry->parts[i].partition && entry->parts[i].partition->topic->deleted)
            return ST_NOTFOUND;
    return ST_OK;
}

/* Memory topics: nothing may fail once the commit is in the WAL, so their bound bends. */
static void place_memory_part(struct log_entry *entry, struct entry_part *part)
{
    struct log_partition *p = part->partition;
    struct bytes bytes = bytes_of(entry->data.ptr + part->pos, part->len);

    if (place_in_memory(p, bytes, part->last_delta, p->end, &part->placed) == ST_OK)
        return;
    slab_release(p->memory);
    p->memory = slab_create_sized(&p->log->pool, bytes.len);
    enum status st = place_in_memory(p, bytes, part->last_delta, p->end, &part->placed);
    CHECK(st == ST_OK);
}

/* The marker may be there and not be durable; memory and interval topics show it at once. */
static void end_transaction(struct log_partition *p, const struct tail_item *item)
{
    struct bytes batch = tail_item_bytes(item);
    struct batch_header h;
    enum status st = batch_header_parse(batch, &h);

    CHECK(st == ST_OK);
    partition_end_transaction(p, &h, marker_of(batch));
}

static void apply_parts(struct log_entry *entry, struct log_appended *appended, uint64_t end_lsn)
{
    struct log *log = entry->log;
    uint32_t n = 0;

    for (uint32_t i = 0; i < entry->count; i++) {
        struct entry_part *part = &entry->parts[i];
        struct bytes bytes = bytes_of(entry->data.ptr + part->pos, part->len);
        struct log_appended ignored;
        if (!part->partition) {
            kv_put(&log->kv, part->space, bytes_of(bytes.ptr + 4, part->key_len),
                   bytes_skip(bytes, 4 + part->key_len));
            continue;
        }
        if (!in_wal(log, part))
            place_memory_part(entry, part);
        struct log_appended *a = appended ? &appended[n++] : &ignored;
        take_in(part->partition, &part->placed, a);
        if (part->marker)
            end_transaction(part->partition, &part->placed.item);
        if (a->lsn)
            a->lsn = end_lsn; /* of the commit: none of it counts before */
    }
}

enum status log_entry_commit(struct log_entry *entry, struct log_appended *appended, uint64_t *lsn)
{
    struct log *log = entry->log;
    uint64_t end_lsn = 0;

    enum status st = check_parts(entry);
    if (st == ST_OK)
        st = place_parts(entry, &end_lsn);
    for (uint32_t i = 0; i < entry->count; i++)
        if (entry->parts[i].partition)
            entry->parts[i].partition->staged_end = -1;
    if (st == ST_OK) {
        apply_parts(entry, appended, end_lsn);
        log_want(log, end_lsn);
        if (lsn)
            *lsn = end_lsn;
        for (uint32_t i = 0; i < entry->count; i++) {
            if (entry->parts[i].partition)
                tell(entry->parts[i].partition);
            if (entry->parts[i].partition && LOG_BUG(show_early))
                show_early(entry->parts[i].partition);
        }
    }
    log_entry_abort(entry);
    return st;
}

/* ---- facts ---- */

enum status log_kv_put(struct log *log, uint32_t space, struct bytes key, struct bytes value,
                       uint64_t *lsn)
{
    struct buf payload;

    buf_init(&payload, 0);
    kv_payload(&payload, key, value);
    enum status st = log_write_entry(
        log, &(struct wal_entry){.type = WAL_KV, .partition = space, .payload = buf_view(&payload)},
        lsn);
    buf_deinit(&payload);
    if (st == ST_OK)
        kv_put(&log->kv, space, key, value);
    return st;
}

bool log_kv_get(const struct log *log, uint32_t space, struct bytes key, struct bytes *value)
{
    return kv_get(&log->kv, space, key, value);
}

void log_kv_scan(const struct log *log, uint32_t space, struct bytes prefix, log_kv_fn *fn,
                 void *context)
{
    kv_scan(&log->kv, space, prefix, fn, context);
}

void log_producers(const struct log_partition *partition, log_producer_fn *fn, void *context)
{
    producers_each(&partition->producers, fn, context);
}

int16_t log_producer_epoch(const struct log_partition *partition, int64_t id)
{
    return producers_epoch(&partition->producers, id);
}

enum status log_producer_id(struct log *log, int64_t *out, uint64_t *lsn)
{
    if (log->producer_id_next == log->producer_ids_reserved) {
        uint8_t payload[8];
        int64_t upto = log->producer_ids_reserved + LOG_PRODUCER_IDS_STEP;
        store_u64_le(payload, (uint64_t)upto);
        TRY(log_write_entry(
            log, &(struct wal_entry){.type = WAL_PRODUCER_IDS, .payload = bytes_of(payload, 8)},
            &log->producer_ids_lsn));
        log->producer_ids_reserved = upto;
    }
    *out = log->producer_id_next++;
    if (lsn)
        *lsn = log->producer_ids_lsn;
    return ST_OK;
}
