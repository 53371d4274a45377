#include "store/log/compact.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/hash.h"
#include "store/log/state.h"

enum { SLICE_BYTES = 256 * 1024, UNFOLD_BYTES_MAX = 64 * 1024 * 1024, MAP_CAP_MIN = 1024 };
static const int64_t second_ns = 1000000000, look_ns_max = 15ll * 1000000000;

/* ---- the last offset of each key ---- */

/* Keys by 128 bits of their hash, salted by the directory: no two that anybody can find are one. */
struct last {
    uint64_t hash[2];
    int64_t offset; /* -1: free */
};

struct key_map {
    struct last *slots;
    uint32_t cap, count;
};

static struct last *slot_of(const struct key_map *map, const uint64_t hash[2])
{
    for (uint32_t i = (uint32_t)hash[0] & (map->cap - 1);; i = (i + 1) & (map->cap - 1)) {
        struct last *at = &map->slots[i];
        if (at->offset < 0 || (at->hash[0] == hash[0] && at->hash[1] == hash[1]))
            return at;
    }
}

static void map_grow(struct key_map *map)
{
    struct key_map bigger = {.cap = map->cap ? map->cap * 2 : MAP_CAP_MIN, .count = map->count};

    bigger.slots = xmalloc(bigger.cap * sizeof(*bigger.slots));
    for (uint32_t i = 0; i < bigger.cap; i++)
        bigger.slots[i].offset = -1;
    for (uint32_t i = 0; i < map->cap; i++)
        if (map->slots[i].offset >= 0)
            *slot_of(&bigger, map->slots[i].hash) = map->slots[i];
    free(map->slots);
    *map = bigger;
}

static void map_note(struct key_map *map, const uint64_t hash[2], int64_t offset)
{
    if ((map->count + 1) * 2 > map->cap)
        map_grow(map);
    struct last *at = slot_of(map, hash);
    map->count += at->offset < 0;
    *at = (struct last){{hash[0], hash[1]}, offset};
}

static int64_t map_last(const struct key_map *map, const uint64_t hash[2])
{
    return map->cap ? slot_of(map, hash)->offset : -1;
}

/* ---- the work at hand ---- */

struct compaction {
    struct log_partition *p;
    enum { MAP, REWRITE } phase;
    int64_t at;   /* offset to go on from */
    int64_t upto; /* what stands below is compacted */
    int64_t now_ms;
    uint32_t index;        /* of the segment being rewritten */
    struct segment *fresh; /* its new file; NULL: not begun */
    bool changed;          /* the new one lacks something */
    struct key_map keys;
    struct buf out, scratch;
};

/* A file that was replaced, to be removed when lsn is durable. */
struct retired {
    struct retired *next;
    uint64_t lsn;
    int64_t base;
    uint32_t generation;
    char folder[OS_PATH_MAX + 64];
};

static struct segment_place place_of(const struct log_partition *p, char folder[OS_PATH_MAX + 64])
{
    partition_folder(p, folder);
    return (struct segment_place){p->log->os, folder, &p->log->files};
}

static void drop_fresh(struct compaction *c)
{
    char folder[OS_PATH_MAX + 64];

    if (!c->fresh)
        return;
    struct segment_place at = place_of(c->p, folder);
    (void)!segment_remove_files(at, c->fresh->base, c->fresh->generation); /* else overwritten */
    segment_free(c->fresh);
    c->fresh = NULL;
}

static void stop(struct log *log)
{
    struct compaction *c = log->compaction;

    log->compaction = NULL;
    drop_fresh(c);
    free(c->keys.slots);
    buf_deinit(&c->out);
    buf_deinit(&c->scratch);
    free(c);
}

void compact_forget(struct log *log, const struct log_partition *p)
{
    if (log->compaction && (!p || log->compaction->p == p))
        stop(log);
    while (!p && log->retired) {
        struct retired *next = log->retired->next;
        free(log->retired);
        log->retired = next;
    }
}

/* ---- what of a batch stays ---- */

struct collector { /* of log_aborted */
    int64_t producer_id, offset;
    bool found;
};

static void match_aborted(void *context, const struct log_aborted *aborted)
{
    struct collector *x = context;

    x->found |= aborted->producer_id == x->producer_id && aborted->first <= x->offset &&
                x->offset <= aborted->last;
}

static bool is_aborted(const struct log_partition *p, const struct batch_header *h)
{
    struct collector x = {h->producer_id, h->base_offset, false};

    if (h->attributes & BATCH_TRANSACTIONAL)
        log_aborted(p, h->base_offset, batch_last_offset(h) + 1, match_aborted, &x);
    return x.found;
}

static int64_t horizon_of(const struct compaction *c)
{
    return c->now_ms + c->p->topic->info.options.tombstone_ms;
}

/* A marker of a commit is of no use once what it decided is old; of an abort it stays: readers that
 * are told of the aborted transaction go by it. */
static bool marker_stays(const struct compaction *c, const struct batch_header *h,
                         struct bytes batch)
{
    return marker_of(batch) != CONTROL_COMMIT ||
           h->max_timestamp + c->p->topic->info.options.tombstone_ms > c->now_ms;
}

static bool record_stays(const struct compaction *c, const struct batch_header *h,
                         const struct record *rec)
{
    uint64_t hash[2];

    if (!rec->key.ptr)
        return true; /* of a time when the topic was not compacted */
    hash_bytes_128(rec->key, c->p->log->salt, hash);
    if (map_last(&c->keys, hash) > rec->offset)
        return false;
    bool expired = (h->attributes & BATCH_DELETE_HORIZON) && h->base_timestamp <= c->now_ms;
    return rec->value.ptr || !expired;
}

/* What filtering a batch comes to. */
struct kept {
    int32_t records, tombstones;
};

static void builder_like(struct batch_builder *b, const struct batch_header *h, bool empty)
{
    batch_builder_init(b, empty ? KAFKA_CODEC_NONE : batch_codec(h));
    b->attributes = h->attributes & ~(uint16_t)(BATCH_CODEC_MASK | BATCH_DELETE_HORIZON);
    b->producer_id = h->producer_id;
    b->producer_epoch = h->producer_epoch;
    b->base_sequence = h->base_sequence;
    b->base_offset = h->base_offset;
    b->base_timestamp = h->base_timestamp;
    b->max_timestamp = h->max_timestamp;
}

static enum status finish_like(struct batch_builder *b, const struct batch_header *h, struct buf *out)
{
    size_t start = out->len;

    b->last_offset_delta = h->last_offset_delta; /* the batch keeps its offsets */
    enum status st = batch_builder_finish(b, out);
    if (st == ST_OK)
        batch_set_leader_epoch(out->ptr + start, h->leader_epoch);
    return st;
}

static enum status count_kept(struct compaction *c, const struct batch_header *h, struct bytes batch,
                              struct kept *kept)
{
    struct batch_records it;
    struct record rec;

    *kept = (struct kept){0};
    enum status st = batch_records_open_buf(&it, batch, &c->scratch);
    while (st == ST_OK && (st = batch_records_next(&it, &rec)) == ST_OK) {
        bool stays = rec.offset >= c->upto || record_stays(c, h, &rec);
        kept->records += stays;
        kept->tombstones += stays && rec.key.ptr && !rec.value.ptr;
    }
    return st == ST_END ? ST_OK : st;
}

static enum status rebuild(struct compaction *c, const struct batch_header *h, struct bytes batch,
                           bool with_horizon)
{
    struct batch_builder b;
    struct batch_records it;
    struct record rec;

    builder_like(&b, h, false);
    if (with_horizon || (h->attributes & BATCH_DELETE_HORIZON)) {
        b.attributes |= BATCH_DELETE_HORIZON;
        b.base_timestamp = h->attributes & BATCH_DELETE_HORIZON ? h->base_timestamp : horizon_of(c);
    }
    enum status st = batch_records_open_buf(&it, batch, &c->scratch);
    while (st == ST_OK && (st = batch_records_next(&it, &rec)) == ST_OK)
        if (rec.offset >= c->upto || record_stays(c, h, &rec))
            batch_builder_add_record(&b, &rec, RECORD_OFFSET_KEPT);
    if (st == ST_END)
        st = finish_like(&b, h, &c->out);
    batch_builder_deinit(&b);
    return st;
}

static enum status leave_empty(struct compaction *c, const struct batch_header *h)
{
    struct batch_builder b;

    builder_like(&b, h, true);
    b.attributes &= (uint16_t)~BATCH_CONTROL; /* it says nothing any more */
    enum status st = finish_like(&b, h, &c->out);
    batch_builder_deinit(&b);
    return st;
}

/* Appends to c->out what stays of the batch. last: of its segment, which must not end earlier. */
static enum status filter(struct compaction *c, const struct batch_header *h, struct bytes batch,
                          bool last)
{
    struct kept kept = {0};
    bool control = h->attributes & BATCH_CONTROL;

    if (h->base_offset >= c->upto || (control && marker_stays(c, h, batch)) ||
        (h->records_count == 0 && last)) {
        buf_bytes(&c->out, batch);
        return ST_OK;
    }
    if (!control && !is_aborted(c->p, h))
        TRY(count_kept(c, h, batch, &kept));
    if (kept.records == 0) {
        c->changed = true;
        return last ? leave_empty(c, h) : ST_OK;
    }
    bool with_horizon = kept.tombstones && !(h->attributes & BATCH_DELETE_HORIZON);
    if (kept.records == h->records_count && !with_horizon) {
        buf_bytes(&c->out, batch);
        return ST_OK;
    }
    c->changed = true;
    return rebuild(c, h, batch, with_horizon);
}

/* ---- MAP ---- */

static enum status note_batch(struct compaction *c, const struct batch_header *h, struct bytes batch)
{
    struct batch_records it;
    struct record rec;
    uint64_t hash[2];

    if ((h->attributes & BATCH_CONTROL) || is_aborted(c->p, h))
        return ST_OK;
    enum status st = batch_records_open_buf(&it, batch, &c->scratch);
    while (st == ST_OK && (st = batch_records_next(&it, &rec)) == ST_OK) {
        if (!rec.key.ptr || rec.offset >= c->upto)
            continue;
        hash_bytes_128(rec.key, c->p->log->salt, hash);
        map_note(&c->keys, hash, rec.offset);
    }
    return st == ST_END ? ST_OK : st;
}

static enum status map_slice(struct compaction *c)
{
    struct log_view view;
    struct batch_header h;
    struct bytes batch;

    TRY(log_read(c->p->log, c->p, c->at, SLICE_BYTES, LOG_TO_DURABLE, &view, NULL));
    struct bytes run = view.bytes;
    enum status st = ST_OK;
    while (st == ST_OK && c->at < c->upto && batch_next(&run, &h, &batch) == ST_OK) {
        if (c->keys.count && c->keys.count + (uint32_t)h.records_count > COMPACT_KEYS_MAX) {
            c->upto = h.base_offset;
            c->at = c->upto;
            break;
        }
        st = note_batch(c, &h, batch);
        c->at = batch_last_offset(&h) + 1;
    }
    if (!view.bytes.len)
        c->at = c->upto;
    log_view_release(&view);
    if (c->at >= c->upto)
        c->phase = REWRITE;
    return st;
}

/* ---- REWRITE ---- */

static struct segment *segment_at_hand(const struct compaction *c)
{
    struct segment *seg = c->index < c->p->segments_count ? c->p->segments[c->index] : NULL;

    return seg && seg->base < c->upto ? seg : NULL;
}

static enum status begin_segment(struct compaction *c, struct segment *seg, struct segment_place at)
{
    TRY(segment_create(at, seg->base, seg->generation + 1, &c->fresh));
    c->changed = seg->base < c->p->start; /* deleted by hand: what is below goes */
    c->at = c->changed ? c->p->start : seg->base;
    return ST_OK;
}

/* From here on recovery knows the new file; the old one goes when that is durable. */
static enum status put_in_place(struct compaction *c, struct segment *seg, struct segment_place at)
{
    struct log_partition *p = c->p;
    struct retired *old = xcalloc(1, sizeof(*old));
    struct buf payload;

    buf_init(&payload, 0);
    buf_u64_le(&payload, (uint64_t)seg->base);
    buf_u64_le(&payload, c->fresh->bytes);
    buf_u64_le(&payload, (uint64_t)c->fresh->max_timestamp);
    buf_u32_le(&payload, c->fresh->generation);
    enum status st = log_write_entry(p->log,
                                     &(struct wal_entry){.type = WAL_SEGMENT,
                                                         .topic = p->topic->number,
                                                         .partition = p->index,
                                                         .payload = buf_view(&payload)},
                                     &old->lsn);
    buf_deinit(&payload);
    if (st != ST_OK) {
        free(old);
        return st;
    }
    old->base = seg->base;
    old->generation = seg->generation;
    memcpy(old->folder, at.folder, sizeof(old->folder));
    old->next = p->log->retired;
    p->log->retired = old;
    c->fresh->closed = seg->closed;
    c->fresh->began_ns = seg->began_ns;
    segment_free(seg);
    p->segments[c->index] = c->fresh;
    c->fresh = NULL;
    return ST_OK;
}

static enum status end_segment(struct compaction *c, struct segment *seg, struct segment_place at)
{
    if (!c->changed) {
        drop_fresh(c);
        c->index++;
        return ST_OK;
    }
    CHECK(c->fresh->end == seg->end);
    struct segment_sync sync;
    segment_sync_begin(c->fresh, &sync);
    enum status st = ST_OK;
    for (bool more = true; more && st == ST_OK;)
        st = segment_write_out_step(at.os, at.folder, &sync, &more);
    if (st == ST_OK)
        st = segment_sync_step(at.os, at.folder, &sync);
    segment_sync_end(c->fresh, &sync, st == ST_OK);
    if (st == ST_OK)
        st = os_sync_dir(at.os, at.folder);
    if (st != ST_OK) {
        log_fail(c->p->log, "syncing a compacted file failed: %s", os_error_text(at.os));
        return st;
    }
    c->fresh->fresh = false;
    TRY(put_in_place(c, seg, at));
    c->index++;
    return ST_OK;
}

static enum status rewrite_slice(struct compaction *c)
{
    char folder[OS_PATH_MAX + 64];
    struct segment_place at = place_of(c->p, folder);
    struct segment *seg = segment_at_hand(c);
    struct log_view view;
    struct batch_header h;
    struct bytes batch;

    if (seg->end <= c->p->start) { /* retention has passed it */
        drop_fresh(c);
        c->index++;
        return ST_OK;
    }
    if (!c->fresh)
        TRY(begin_segment(c, seg, at));
    TRY(log_read(c->p->log, c->p, c->at, SLICE_BYTES, LOG_TO_DURABLE, &view, NULL));
    struct bytes run = view.bytes;
    enum status st = ST_OK;
    buf_clear(&c->out);
    while (st == ST_OK && c->at < seg->end && batch_next(&run, &h, &batch) == ST_OK) {
        c->at = batch_last_offset(&h) + 1;
        st = filter(c, &h, batch, c->at == seg->end);
    }
    if (!view.bytes.len)
        st = ST_CORRUPT;
    log_view_release(&view);
    if (st == ST_OK && c->out.len)
        st = segment_append(c->fresh, at, buf_view(&c->out));
    if (st == ST_OK && c->at >= seg->end)
        st = end_segment(c, seg, at);
    return st;
}

/* ---- when, and what ---- */

void compact_soon(struct log *log)
{
    int64_t at = os_mono_ns(log->os) + second_ns;

    if (!log->compact_at || log->compact_at > at)
        log->compact_at = at;
}

static bool is_compacted(const struct log_topic *t)
{
    return !t->deleted && (t->info.options.cleanup & LOG_CLEANUP_COMPACT) &&
           t->info.options.durability != LOG_MEMORY;
}

/* How long a segment takes records at most. */
static int64_t segment_age_ns(const struct log_partition *p)
{
    const struct log_topic_options *o = &p->topic->info.options;
    bool sooner = o->compact_lag_ms_max > 0 && o->compact_lag_ms_max < o->segment_ms;

    return (sooner ? o->compact_lag_ms_max : o->segment_ms) * 1000000;
}

/* A last segment that is old enough takes no more, so that it can be compacted too; and what takes
 * no more goes to the disk: by a cut, which syncs whatever was filled. */
static void settle_segments(struct log_partition *p, int64_t now_ns)
{
    bool unsynced = false;

    for (uint32_t i = 0; i < p->segments_count; i++) {
        struct segment *seg = p->segments[i];
        bool last = i + 1 == p->segments_count;
        if (last && seg->bytes > 0 && now_ns - seg->began_ns >= segment_age_ns(p))
            seg->closed = true;
        unsynced |= (!last || seg->closed) && (seg->synced_bytes != seg->bytes || seg->fresh);
    }
    if (unsynced && p->log->cut == CUT_NONE)
        cut_begin(p->log);
}

/* Segments below it may be rewritten; all of them are on disk as they are. */
static int64_t limit_of(const struct log_partition *p, int64_t now_ms)
{
    struct log_offsets o;
    int64_t limit = p->start, pinned = partition_pinned(p);
    int64_t lag_ms = p->topic->info.options.compact_lag_ms;

    log_offsets(p, &o);
    for (uint32_t i = 0; i < p->segments_count; i++) {
        const struct segment *seg = p->segments[i];
        bool writable = i + 1 == p->segments_count && !seg->closed;
        if (writable || seg->synced_bytes != seg->bytes || seg->fresh || seg->end > o.stable ||
            seg->end > pinned || (lag_ms > 0 && seg->max_timestamp > now_ms - lag_ms))
            break;
        limit = seg->end;
    }
    return limit;
}

/* Dirty enough: the bytes that were never compacted are that part of all, or some have waited for as
 * long as the topic lets them. */
static bool is_dirty(const struct log_partition *p, int64_t limit, int64_t now_ms)
{
    int64_t lag_ms_max = p->topic->info.options.compact_lag_ms_max;
    uint64_t all = 0, dirty = 0;
    bool overdue = false;

    for (uint32_t i = 0; i < p->segments_count && p->segments[i]->end <= limit; i++) {
        if (p->segments[i]->end <= p->start)
            continue;
        all += p->segments[i]->bytes;
        if (p->segments[i]->end <= p->cleaned)
            continue;
        dirty += p->segments[i]->bytes;
        overdue |= lag_ms_max > 0 && p->segments[i]->max_timestamp <= now_ms - lag_ms_max;
    }
    return dirty > 0 && (overdue || dirty * 1000 >= all * p->topic->info.options.dirty_permille);
}

static void begin(struct log_partition *p, int64_t limit, int64_t now_ms)
{
    struct compaction *c = xcalloc(1, sizeof(*c));

    c->p = p;
    c->now_ms = now_ms;
    c->at = p->cleaned > p->start ? p->cleaned : p->start;
    c->upto = limit;
    buf_init(&c->out, 0);
    buf_init(&c->scratch, UNFOLD_BYTES_MAX);
    p->log->compaction = c;
}

/* When there may be something to do for the partition that is not yet; INT64_MAX: when something is
 * appended. */
static int64_t next_look(const struct log_partition *p, int64_t limit, int64_t now_ns)
{
    const struct segment *last = p->segments_count ? p->segments[p->segments_count - 1] : NULL;
    int64_t age_ns = segment_age_ns(p);

    if (p->tail.count) {
        int64_t wait = age_ns < look_ns_max ? age_ns : look_ns_max;
        return now_ns + (wait < second_ns ? second_ns : wait);
    }
    if (p->log->cut != CUT_NONE)
        return now_ns + second_ns; /* it has been asked to sync */
    if (last && !last->closed)
        return last->began_ns + age_ns;
    /* pinned, undecided, too young; or it waits to be old enough for its bound */
    bool waits = limit < p->end || (p->topic->info.options.compact_lag_ms_max > 0 && limit > p->cleaned);
    return waits ? now_ns + look_ns_max : INT64_MAX;
}

/* The first that is dirty enough; *next: when to look again. */
static bool look(struct log *log, int64_t *next)
{
    int64_t now_ms = os_wall_us(log->os) / 1000, now_ns = os_mono_ns(log->os);

    *next = INT64_MAX;
    for (struct log_topic *t = log->first; t; t = t->next) {
        for (uint32_t i = 0; is_compacted(t) && i < t->info.partitions; i++) {
            struct log_partition *p = t->partitions[i];
            if (p->tail.count)
                log->filling = true; /* what is in segments only can be compacted */
            settle_segments(p, now_ns);
            int64_t limit = limit_of(p, now_ms), at = next_look(p, limit, now_ns);
            *next = at < *next ? at : *next;
            if (limit > p->cleaned && is_dirty(p, limit, now_ms)) {
                begin(p, limit, now_ms);
                *next = now_ns + second_ns; /* for the others */
                return true;
            }
        }
    }
    return false;
}

bool compact_work(struct log *log)
{
    struct compaction *c = log->compaction;
    int64_t next;

    if (!c) {
        if (!log->wal || !log->compact_at || os_mono_ns(log->os) < log->compact_at)
            return false;
        bool found = look(log, &next);
        log->compact_at = next == INT64_MAX ? 0 : next;
        return found;
    }
    enum status st = ST_OK;
    if (c->phase == MAP)
        st = map_slice(c);
    else if (segment_at_hand(c))
        st = rewrite_slice(c);
    else
        c->p->cleaned = c->upto; /* done */
    if (st != ST_OK || (c->phase == REWRITE && !segment_at_hand(c) && c->p->cleaned >= c->upto))
        stop(log); /* of a failure: the next look tries again */
    return st == ST_OK;
}

bool compact_sweep(struct log *log)
{
    for (struct retired **at = &log->retired; *at; at = &(*at)->next) {
        struct retired *old = *at;
        if (old->lsn > log->durable_lsn)
            continue;
        struct segment_place place = {log->os, old->folder, &log->files};
        (void)!segment_remove_files(place, old->base, old->generation); /* else it stays, unknown */
        *at = old->next;
        free(old);
        return true;
    }
    return false;
}
