/* Cutting the WAL behind the partition files, once it has grown by a part of its bound:
 *
 *   NONE --grown--> FILL --all below the target--> SYNC --each touched segment--> SNAPSHOT --> NONE
 *
 * The snapshot says how far each segment is synced and where recovery must start: at the oldest
 * batch that is not in a synced segment. WAL files below the start of the snapshot *before* it
 * become spares, so that a damaged snapshot can be done without.
 *
 * Syncing segments and writing the snapshot are pieces of work of the log's helper. What a piece
 * needs is copied when it is given away, and what it did is noted when it comes back. No file is swept
 * away meanwhile. More may be filled: that is behind what the piece is about, stays unsynced, and is of
 * the next cut, which has a list of its own.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/log/state.h"

enum { PARTITIONS_A_PIECE = 256 };

/* A partition whose segments are being synced. */
struct synced {
    struct log_partition *partition;
    char folder[OS_PATH_MAX + 64];
    struct segment_sync *segments;
    uint32_t count, known; /* known: how many segments there were, synced before or not */
    bool fresh, folder_fresh; /* names are to be synced too */
};

struct cut_piece {
    struct os_work work;
    struct os *os;
    const char *dir;
    uint32_t at, step; /* how far it is */
    bool written_out;  /* all of it: now it is synced */
    enum status status;
    char error[200];
    struct synced *synced; /* of a piece of SYNC */
    uint32_t count;
    struct buf payload; /* of SNAPSHOT */
    struct wal_position from;
};

/* ---- on the helper ---- */

static size_t topic_len(const char *folder) /* of the topic's folder, which the partition's is in */
{
    return (size_t)(strrchr(folder, '/') - folder);
}

/* Whether a partition before this one in the piece was fresh; of_topic: and of the same topic. */
static bool fresh_before(const struct cut_piece *piece, const struct synced *s, bool of_topic)
{
    size_t len = topic_len(s->folder);

    for (const struct synced *one = piece->synced; one < s; one++)
        if (one->folder_fresh &&
            (!of_topic || (topic_len(one->folder) == len && memcmp(one->folder, s->folder, len) == 0)))
            return true;
    return false;
}

/* Names were all made before the piece was: the folders above are synced once. */
static enum status sync_folders(struct cut_piece *piece, struct synced *s)
{
    char topics[OS_PATH_MAX + 64];

    TRY(os_sync_dir(piece->os, s->folder));
    if (!s->folder_fresh || fresh_before(piece, s, true))
        return ST_OK;
    char *slash = s->folder + topic_len(s->folder);
    *slash = 0;
    enum status st = os_sync_dir(piece->os, s->folder);
    *slash = '/';
    TRY(st);
    if (fresh_before(piece, s, false))
        return ST_OK;
    snprintf(topics, sizeof(topics), "%s/topics", piece->dir);
    return os_sync_dir(piece->os, topics);
}

static bool failed(struct cut_piece *piece, enum status st)
{
    piece->status = st;
    if (st == ST_OK)
        return false;
    snprintf(piece->error, sizeof(piece->error), "%s",
             st == ST_IO ? os_error_text(piece->os) : status_text(st));
    return true;
}

/* Over all segments twice: they are written out, and then synced with their names. */
static bool sync_step(struct os_work *work)
{
    struct cut_piece *piece = (struct cut_piece *)work;
    struct synced *s = &piece->synced[piece->at];

    if (piece->step < s->count) {
        struct segment_sync *segment = &s->segments[piece->step];
        bool more = false;
        enum status st = piece->written_out
                             ? segment_sync_step(piece->os, s->folder, segment)
                             : segment_write_out_step(piece->os, s->folder, segment, &more);
        piece->step += !more;
        return !failed(piece, st);
    }
    if (piece->written_out && s->fresh && failed(piece, sync_folders(piece, s)))
        return false;
    piece->step = 0;
    if (++piece->at < piece->count)
        return true;
    piece->at = 0;
    piece->written_out = !piece->written_out;
    return piece->written_out;
}

static bool snapshot_step(struct os_work *work)
{
    struct cut_piece *piece = (struct cut_piece *)work;
    enum status st =
        snapshot_put(piece->os, piece->dir, buf_view(&piece->payload), (int)piece->step++);

    return !failed(piece, st) && piece->step < SNAPSHOT_STEPS;
}

/* ---- giving away and taking back ---- */

static struct cut_piece *new_piece(struct log *log, bool (*step)(struct os_work *))
{
    struct cut_piece *piece = xcalloc(1, sizeof(*piece));

    piece->work.step = step;
    piece->os = log->os;
    piece->dir = log->dir;
    buf_init(&piece->payload, 0);
    return piece;
}

static void free_piece(struct cut_piece *piece)
{
    buf_deinit(&piece->payload);
    free(piece->synced);
    free(piece);
}

static void give(struct log *log, struct cut_piece *piece)
{
    log->cut_piece = piece;
    os_helper_submit(log->helper, &piece->work);
}

static void sync_begin(struct log_partition *p, struct synced *out)
{
    p->syncing = true;
    out->partition = p;
    out->known = p->segments_count;
    out->folder_fresh = out->fresh = p->folder_fresh;
    partition_folder(p, out->folder);
    out->segments = xcalloc(p->segments_count + 1, sizeof(*out->segments));
    for (uint32_t i = 0; i < p->segments_count; i++) {
        const struct segment *seg = p->segments[i];
        if (seg->synced_bytes != seg->bytes)
            segment_sync_begin(seg, &out->segments[out->count++]);
        out->fresh |= seg->fresh;
    }
}

/* False: nothing is left to be synced. */
static bool give_sync(struct log *log)
{
    struct cut_piece *piece = new_piece(log, sync_step);

    piece->synced = xcalloc(PARTITIONS_A_PIECE, sizeof(*piece->synced));
    while (log->cut_first && piece->count < PARTITIONS_A_PIECE) {
        struct log_partition *p = log->cut_first;
        log->cut_first = p->sync_next;
        p->sync_queued = false;
        if (!p->topic->deleted)
            sync_begin(p, &piece->synced[piece->count++]);
    }
    if (piece->count > 0) {
        give(log, piece);
        return true;
    }
    free_piece(piece);
    return false;
}

static void sync_end(struct synced *s, bool done)
{
    struct log_partition *p = s->partition;
    uint32_t n = 0;

    p->syncing = false;
    done &= !p->topic->deleted;
    CHECK_IF(done, p->segments_count >= s->known);
    for (uint32_t i = 0; i < s->known && done; i++) {
        struct segment *seg = p->segments[i];
        if (n < s->count && seg->base == s->segments[n].base)
            segment_sync_end(seg, &s->segments[n++], true);
        seg->fresh = false;
        if (i + 1 < p->segments_count)
            segment_close_file(seg);
    }
    for (; n < s->count; n++)
        segment_sync_end(NULL, &s->segments[n], false);
    free(s->segments);
    if (!done)
        return;
    p->folder_fresh = false;
    if (s->known)
        p->synced_end = p->segments[s->known - 1]->synced_end;
    p->unsynced = LOG_BUG(forget_beside) ? (struct wal_position){0} : p->unsynced_beside;
    p->unsynced_beside = (struct wal_position){0};
}

/* Where recovery must start: the oldest batch that is not in a synced segment. */
static struct wal_position needed_from(const struct log *log)
{
    struct wal_position from = {log->durable_lsn, wal_lap(log->wal)};

    for (const struct log_topic *t = log->first; t; t = t->next) {
        for (uint32_t i = 0; i < t->info.partitions; i++) {
            const struct log_partition *p = t->partitions[i];
            if (partition_is_memory(p))
                continue;
            if (p->unsynced.lsn && p->unsynced.lsn < from.lsn)
                from = p->unsynced;
            if (p->tail.count && tail_item_lsn(tail_at(&p->tail, 0)) < from.lsn)
                from = (struct wal_position){tail_item_lsn(tail_at(&p->tail, 0)),
                                             tail_at(&p->tail, 0)->slab->lap};
        }
    }
    return from;
}

/* False: the log has failed. */
static bool give_snapshot(struct log *log)
{
    if (!LOG_BUG(fill_early) && log_flush_all(log) != ST_OK)
        return false;
    struct cut_piece *piece = new_piece(log, snapshot_step);
    piece->from = needed_from(log);
    if (LOG_BUG(cut_early))
        wal_cut(log->wal, log->durable_lsn);
    snapshot_save(log, piece->from, &piece->payload);
    give(log, piece);
    return true;
}

static void snapshot_end(struct log *log, const struct cut_piece *piece)
{
    log->from[1] = log->from[0];
    log->from[0] = piece->from;
    log->snapshots++;
    wal_cut(log->wal, log->from[1].lsn);
    log_measure_wal(log);
}

/* What the helper has done is noted; false: it failed. A failed sync is never tried again: what it
 * leaves in the caches is not to be believed. */
static bool take_back(struct log *log)
{
    struct cut_piece *piece = log->cut_piece;
    enum status st = piece->status;

    log->cut_piece = NULL;
    for (uint32_t i = 0; i < piece->count; i++)
        sync_end(&piece->synced[i], st == ST_OK);
    if (log->cut == CUT_SNAPSHOT && st == ST_OK)
        snapshot_end(log, piece);
    else if (log->cut == CUT_SNAPSHOT && st == ST_NOSPACE)
        fill_later(log);
    else if (st != ST_OK)
        log_fail(log, log->cut == CUT_SYNC ? "syncing a partition file failed: %s"
                                           : "writing a snapshot failed: %s",
                 piece->error);
    free_piece(piece);
    return st == ST_OK;
}

/* ---- the order ---- */

void cut_begin(struct log *log)
{
    CHECK(log->cut == CUT_NONE);
    log->cut = CUT_FILL;
    log->cut_target = log->durable_lsn;
}

/* What is filled from now on is the next cut's. One that was broken off has left some of its own. */
static void take_list(struct log *log)
{
    struct log_partition **at = &log->cut_first;

    while (*at)
        at = &(*at)->sync_next;
    *at = log->sync_first;
    log->sync_first = NULL;
}

static bool go_on(struct log *log)
{
    switch (log->cut) {
    case CUT_FILL:
        if (fill_some(log, log->cut_target))
            return true;
        log->cut = log->fill_not_before || log->failure[0] ? CUT_NONE : CUT_SYNC;
        if (log->cut == CUT_SYNC)
            take_list(log);
        return log->cut != CUT_NONE;
    case CUT_SYNC:
        if (give_sync(log))
            return false;
        log->cut = CUT_SNAPSHOT;
        return true;
    case CUT_SNAPSHOT:
        if (!give_snapshot(log))
            log->cut = CUT_NONE;
        return false;
    case CUT_NONE: break;
    }
    return false;
}

bool cut_work(struct log *log)
{
    if (log->cut_piece) {
        if (!os_helper_done(log->helper, &log->cut_piece->work))
            return false;
        if (!take_back(log) || log->cut == CUT_SNAPSHOT)
            log->cut = CUT_NONE;
    }
    return log->cut != CUT_NONE && go_on(log);
}

void cut_wait(struct log *log)
{
    if (log->cut_piece)
        os_helper_wait(log->helper, &log->cut_piece->work);
}

void cut_abandon(struct log *log)
{
    struct cut_piece *piece = log->cut_piece;

    log->cut_piece = NULL;
    log->cut = CUT_NONE;
    if (!piece)
        return;
    for (uint32_t i = 0; i < piece->count; i++)
        sync_end(&piece->synced[i], false);
    free_piece(piece);
}

void cut_finish(struct log *log)
{
    while (log->cut != CUT_NONE) {
        cut_wait(log);
        (void)cut_work(log);
    }
}
