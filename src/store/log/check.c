/* Verifying a directory that nobody has open: the identity, the snapshots, every block and entry of
 * the WAL, every batch of every segment, and that they fit together. Nothing is written: the log is
 * rebuilt in memory as an opening would, and then walked. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/log/identity.h"
#include "store/log/state.h"

struct check {
    log_check_fn *report;
    void *context;
    bool damaged;
};

static void note(void *context, const char *file, uint64_t pos, const char *what)
{
    struct check *c = context;

    c->damaged = true;
    if (c->report)
        c->report(c->context, file, pos, what);
}

/* One that is damaged costs nothing: it is made again when it is needed. It is told all the same, for a disk
 * that changes bytes is not to be trusted with others. */
static void check_index(struct segment *seg, struct segment_place at, struct check *c)
{
    char path[SEGMENT_PATH_MAX];
    uint64_t bad_pos;
    enum status st = segment_verify_index(seg, at, &bad_pos);

    segment_path(at, seg->base, seg->generation, "index", path);
    if (st == ST_CORRUPT)
        note(c, path, bad_pos, "an index entry that is not what the batches say; remove the file, it is made again");
    else if (st != ST_OK && st != ST_NOTFOUND)
        note(c, path, 0, status_text(st));
}

static void check_segments(struct log *log, struct check *c)
{
    char folder[OS_PATH_MAX + 64], path[SEGMENT_PATH_MAX];
    uint64_t bad_pos;

    for (struct log_topic *t = log->first; t; t = t->next) {
        for (uint32_t i = 0; i < t->info.partitions; i++) {
            struct log_partition *p = t->partitions[i];
            struct segment_place at = {log->os, folder, &log->files};
            partition_folder(p, folder);
            for (uint32_t k = 0; k < p->segments_count; k++) {
                struct segment *seg = p->segments[k];
                if (seg->end <= p->start)
                    continue; /* may be gone already */
                segment_path(at, seg->base, seg->generation, "log", path);
                enum status st = segment_verify(seg, at, &p->epochs, &log->pool, &bad_pos);
                if (st != ST_OK)
                    note(c, path, bad_pos,
                         st == ST_CORRUPT ? "no sound batch here" : status_text(st));
                else
                    check_index(seg, at, c);
                segment_close_file(seg);
            }
        }
    }
}

/* Offsets that no batch has, between the start and the end. */
static void check_dense(struct log *log, struct check *c)
{
    char folder[OS_PATH_MAX + 64];

    for (struct log_topic *t = log->first; t; t = t->next) {
        for (uint32_t i = 0; i < t->info.partitions; i++) {
            struct log_partition *p = t->partitions[i];
            int64_t next = p->start;
            partition_folder(p, folder);
            for (uint32_t k = 0; k < p->segments_count; k++) {
                if (p->segments[k]->base > next && p->segments[k]->end > p->start)
                    note(c, folder, (uint64_t)next, "records are missing (position is an offset)");
                if (p->segments[k]->end > next)
                    next = p->segments[k]->end;
            }
            for (uint32_t k = 0; k < p->tail.count; k++) {
                const struct tail_item *item = tail_at(&p->tail, k);
                if (item->base > next)
                    note(c, folder, (uint64_t)next, "records are missing (position is an offset)");
                next = tail_item_last(item) + 1;
            }
            if (next < p->end)
                note(c, folder, (uint64_t)next, "records are missing (position is an offset)");
        }
    }
}

static void check_log(struct log *log, struct check *c)
{
    struct wal_damage_sink sink = {note, c};
    enum status st = identity_read(log->os, log->dir, log->cluster_id, &log->salt);

    if (st != ST_OK) {
        note(c, log->dir, 0, "no readable id file: not a data directory, or damaged");
        return;
    }
    st = log_recover_reading(log, &sink);
    if (st != ST_OK) {
        note(c, log->dir, 0,
             st == ST_CORRUPT ? "snapshot and WAL cannot be read together" : status_text(st));
        return;
    }
    check_segments(log, c);
    check_dense(log, c);
}

enum status log_check(struct os *os, const char *dir, log_check_fn *report, void *context)
{
    struct check c = {report, context, false};
    struct os_file *lock = NULL;
    char path[OS_PATH_MAX];

    snprintf(path, sizeof(path), "%s/lock", dir);
    enum status st = os_file_open(os, path, OS_WRITE | OS_LOCK, &lock);
    if (st == ST_AGAIN)
        return st; /* a server writes in it: what is half done is not damage */
    struct log *log = log_create(os, dir, NULL);

    check_log(log, &c);
    log_free(log);
    if (st == ST_OK)
        os_file_close(lock);
    return c.damaged ? ST_CORRUPT : ST_OK;
}
