/* What each entry of the WAL means when it is met again at the opening. Parts of a group wait until
 * its commit is met; a group that any other entry interrupts was never closed and is dropped. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/log/state.h"

struct part {
    struct wal_entry entry;
    uint64_t lsn, end_lsn;
    struct slab *slab; /* held: the payload lies in it */
};

struct recovery {
    struct log *log;
    uint64_t from_lsn, snapshot_lsn;
    struct part *parts;
    uint32_t count, cap, group;
};

static void damage(struct log *log)
{
    log->damages++;
}

/* ---- one entry that counts ---- */

/* What only a damaged WAL could hold: no next offset, or offsets that two batches claim. */
static bool follows(const struct log_partition *p, const struct batch_header *h)
{
    if (batch_last_offset(h) == INT64_MAX)
        return false;
    return batch_last_offset(h) < p->end || p->tail.count == 0 ||
           tail_item_last(tail_at(&p->tail, p->tail.count - 1)) < h->base_offset;
}

static void apply_batch(struct recovery *r, const struct part *e)
{
    struct log *log = r->log;
    struct log_topic *t = topic_by_number(log, e->entry.topic);
    struct batch_header h;

    if (!t || partition_is_memory(t->partitions[0]))
        return; /* deleted since */
    if (e->entry.partition >= t->info.partitions ||
        batch_header_parse(e->entry.payload, &h) != ST_OK ||
        batch_size(&h) != e->entry.payload.len) {
        damage(log);
        return;
    }
    struct log_partition *p = t->partitions[e->entry.partition];
    if (!follows(p, &h)) {
        damage(log);
        return;
    }
    if (batch_last_offset(&h) >= p->end) { /* else its segment has it, or it was trimmed */
        if (h.base_offset > p->end)
            damage(log); /* what stood between is gone; reported as a block where it was lost */
        epochs_note(&p->epochs, h.leader_epoch, h.base_offset);
        partition_push(p,
                       (struct tail_item){.slab = e->slab,
                                          .base = h.base_offset,
                                          .pos = (uint32_t)(e->entry.payload.ptr - e->slab->data),
                                          .len = (uint32_t)e->entry.payload.len,
                                          .last_delta = h.last_offset_delta});
    }
    if (h.producer_id < 0 || e->lsn < r->snapshot_lsn)
        return;
    if (h.attributes & BATCH_CONTROL)
        partition_end_transaction(p, &h,
                                  LOG_BUG(forget_aborted) ? CONTROL_COMMIT
                                                          : marker_of(e->entry.payload));
    else
        producers_note(&p->producers, &h, h.base_offset,
                       h.attributes & BATCH_APPEND_TIME ? h.max_timestamp : -1);
}

static void apply_create(struct log *log, const struct wal_entry *e)
{
    struct wal_topic topic;

    if (wal_topic_read(e->payload, &topic) != ST_OK || e->topic == 0 || e->topic >= LOG_NUMBERS_MAX ||
        (e->topic < log->numbers_count && log->by_number[e->topic])) {
        damage(log);
        return;
    }
    if (map_get(&log->names, topic.name))
        damage(log); /* its deletion is lost */
    else
        topic_add(log, e->topic, &topic);
}

static void apply_trim(struct log *log, const struct wal_entry *e)
{
    struct log_topic *t = topic_by_number(log, e->topic);
    int64_t start;

    if (wal_i64_read(e->payload, &start) != ST_OK || (t && e->partition >= t->info.partitions))
        damage(log);
    else if (t && start < INT64_MAX)
        partition_drop_below(t->partitions[e->partition], start);
}

static void apply_config(struct log *log, const struct wal_entry *e)
{
    struct log_topic *t = topic_by_number(log, e->topic);
    struct log_topic_options options;

    if (wal_options_read(e->payload, &options) != ST_OK)
        damage(log);
    else if (t)
        t->info.options = options;
}

static void apply_extend(struct log *log, const struct wal_entry *e)
{
    struct log_topic *t = topic_by_number(log, e->topic);
    int64_t partitions;

    if (wal_i64_read(e->payload, &partitions) != ST_OK || partitions > LOG_PARTITIONS_MAX)
        damage(log);
    else
        while (t && t->info.partitions < partitions)
            topic_extend(t);
}

/* A segment that is not known was in no snapshot: its batches come from the WAL again. */
static void apply_segment(struct log *log, const struct wal_entry *e)
{
    struct log_topic *t = topic_by_number(log, e->topic);
    struct reader r = reader_of(e->payload);
    int64_t base = (int64_t)reader_u64_le(&r);
    uint64_t bytes = reader_u64_le(&r);
    int64_t max_timestamp = (int64_t)reader_u64_le(&r);
    uint32_t generation = reader_u32_le(&r);

    if (r.bad || bytes > INT64_MAX || (t && e->partition >= t->info.partitions)) {
        damage(log);
        return;
    }
    struct log_partition *p = t ? t->partitions[e->partition] : NULL;
    for (uint32_t i = 0; p && i < p->segments_count; i++) {
        struct segment *seg = p->segments[i];
        if (seg->base != base)
            continue;
        seg->bytes = seg->synced_bytes = bytes;
        seg->max_timestamp = seg->synced_max_timestamp = max_timestamp;
        seg->generation = generation;
    }
}

static void apply_fact(struct log *log, const struct wal_entry *e)
{
    struct bytes key, value;
    int64_t number;
    struct log_topic *t;

    switch (e->type) {
    case WAL_KV:
        if (wal_kv_read(e->payload, &key, &value) == ST_OK)
            kv_put(&log->kv, e->partition, key, value);
        else
            damage(log);
        return;
    case WAL_TOPIC_CREATE: apply_create(log, e); return;
    case WAL_TOPIC_DELETE:
        t = topic_by_number(log, e->topic);
        if (t)
            topic_drop(log, t);
        return;
    case WAL_TOPIC_CONFIG: apply_config(log, e); return;
    case WAL_TOPIC_EXTEND: apply_extend(log, e); return;
    case WAL_TRIM: apply_trim(log, e); return;
    case WAL_SEGMENT: apply_segment(log, e); return;
    case WAL_PRODUCER_IDS:
    case WAL_OPEN:
        if (wal_i64_read(e->payload, &number) != ST_OK)
            damage(log);
        else if (e->type == WAL_OPEN)
            log->leader_epoch = (int32_t)(number & LOG_EPOCH_MAX);
        else if (number > log->producer_ids_reserved && number < INT64_MAX / 2)
            log->producer_ids_reserved = number;
        return;
    default: damage(log); return;
    }
}

/* Facts below the snapshot's LSN are in it; batches may be in no synced segment yet. */
static void apply(struct recovery *r, const struct part *e)
{
    if (e->entry.type == WAL_BATCH)
        apply_batch(r, e);
    else if (e->lsn >= r->snapshot_lsn)
        apply_fact(r->log, &e->entry);
}

/* ---- groups ---- */

static void drop_parts(struct recovery *r)
{
    for (uint32_t i = 0; i < r->count && LOG_BUG(keep_half_entry); i++)
        apply(r, &r->parts[i]);
    for (uint32_t i = 0; i < r->count; i++)
        slab_release(r->parts[i].slab);
    r->count = 0;
    r->group = 0;
}

static void keep_part(struct recovery *r, struct part part)
{
    if (part.entry.group != r->group)
        drop_parts(r);
    if (r->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 16;
        r->parts = xrealloc(r->parts, r->cap * sizeof(*r->parts));
    }
    r->group = part.entry.group;
    slab_retain(part.slab);
    r->parts[r->count++] = part;
}

/* Parts that stand before the recovery's start are filled already: then fewer are right. */
static void close_group(struct recovery *r, const struct wal_entry *commit)
{
    uint32_t parts;
    uint64_t first_lsn;

    if (wal_commit_read(commit->payload, &parts, &first_lsn) != ST_OK) {
        damage(r->log);
    } else if (r->group == commit->group && r->count <= parts &&
               (r->count == parts || first_lsn < r->from_lsn)) {
        for (uint32_t i = 0; i < r->count; i++)
            apply(r, &r->parts[i]);
    } else if (first_lsn >= r->from_lsn) {
        damage(r->log);
    }
    drop_parts(r);
}

static void replay(void *context, const struct wal_entry *entry, uint64_t lsn, uint64_t end_lsn,
                   struct slab *slab)
{
    struct recovery *r = context;
    struct part part = {*entry, lsn, end_lsn, slab};

    if (entry->group > r->log->group)
        r->log->group = entry->group;
    if (entry->type == WAL_COMMIT) {
        close_group(r, entry);
    } else if (entry->group) {
        keep_part(r, part);
    } else {
        drop_parts(r);
        apply(r, &part);
    }
}

/* What a snapshot promised must be there; all that is there is durable. */
static void settle(struct log *log)
{
    for (struct log_topic *t = log->first; t; t = t->next) {
        for (uint32_t i = 0; i < t->info.partitions; i++) {
            struct log_partition *p = t->partitions[i];
            if (p->end < p->known_end) {
                damage(log);
                p->end = p->known_end; /* lost offsets are not given to others */
            }
            if (p->end < p->start)
                p->end = p->start;
            partition_shown(p, p->end);
        }
        if (t->info.options.cleanup & LOG_CLEANUP_COMPACT)
            compact_soon(log);
    }
}

static void count_damage(void *context, const char *file, uint64_t pos, const char *what)
{
    struct log *log = context;

    (void)file, (void)pos, (void)what;
    log->damages++;
}

static enum status replay_wal(struct log *log, const struct snapshot_found *found,
                              struct diag *diag)
{
    struct recovery r = {.log = log, .from_lsn = found->from.lsn, .snapshot_lsn = found->lsn};
    uint32_t file_bytes = log_wal_file_bytes(log);
    struct wal_options options = {.file_bytes = file_bytes,
                                  .first_file_bytes =
                                      file_bytes < WAL_FIRST_BYTES ? file_bytes : WAL_FIRST_BYTES,
                                  .salt = log->salt,
                                  .helper = log->wal_helper,
                                  .keep = found->fell_back ? found->from : found->from_before};
    struct wal_damage_sink sink = {count_damage, log};

    enum status st = wal_open(log->os, log->dir, &options, &log->pool, found->from, replay, &r,
                              &sink, &log->wal, diag);
    drop_parts(&r);
    free(r.parts);
    return st;
}

enum status log_recover_reading(struct log *log, const struct wal_damage_sink *sink)
{
    struct snapshot_found found;
    uint64_t end_lsn = 0;

    TRY(snapshot_load(log, &found));
    if (found.fell_back)
        sink->report(sink->context, log->dir, 0, "the newest snapshot is damaged");
    struct recovery r = {.log = log, .from_lsn = found.from.lsn, .snapshot_lsn = found.lsn};
    enum status st =
        wal_check(log->os, log->dir, log->salt, &log->pool, found.from, replay, &r, sink, &end_lsn);
    drop_parts(&r);
    free(r.parts);
    if (st != ST_OK && st != ST_CORRUPT)
        return st;
    if (log->damages > 0 && st == ST_OK)
        sink->report(sink->context, log->dir, log->damages, "entries that do not fit (how many)");
    settle(log);
    return end_lsn < found.lsn ? ST_CORRUPT : ST_OK;
}

enum status log_recover(struct log *log, struct diag *diag)
{
    struct snapshot_found found;
    char topics[OS_PATH_MAX + 16];

    enum status st = snapshot_load(log, &found);
    if (st != ST_OK)
        return diag_set(diag, st, DIAG_STATE, "cannot read %s/snapshot, nor snapshot.old: %s",
                        log->dir, st == ST_IO ? os_error_text(log->os) : status_text(st));
    log->damages += found.fell_back;
    TRY(replay_wal(log, &found, diag));
    if (wal_synced_lsn(log->wal) < found.lsn)
        return diag_set(diag, ST_CORRUPT, DIAG_STATE,
                        "%s/wal ends before what %s/snapshot knows: files of it are missing",
                        log->dir, log->dir);
    settle(log);
    log->durable_lsn = wal_synced_lsn(log->wal);
    log->from[0] = found.from;
    log->from[1] = found.fell_back ? found.from : found.from_before;
    log->producer_id_next = log->producer_ids_reserved;
    snprintf(topics, sizeof(topics), "%s/topics", log->dir);
    TRY(os_mkdir(log->os, topics));
    TRY(os_sync_dir(log->os, log->dir));
    retain_remove_strangers(log);
    return ST_OK;
}
