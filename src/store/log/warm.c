/* Reading ahead of a reader, off the loop: what a consumer of history wants next is brought into memory by a helper,
 * which looks at its checksums too, and only then handed out; so neither a disk nor a long sum is in the way of those
 * who wait for what is new.
 *
 * A sync of the log waits for what the disk was asked before it. While there are such syncs a piece is read little by
 * little, with pauses, and nothing is read ahead of it: some 60 MB a second, and no sync waits for more than
 * READ_BYTES of it.
 *
 * A piece has copies of what it needs and opens the file by its name, as those of cut.c do. What it finds is noted
 * when it comes back, in the marks of the segment if that is still there: files may be removed or compacted meanwhile.
 */
#include <stdlib.h>

#include "base/check.h"
#include "store/log/state.h"

enum {
    READ_BYTES = 64 * 1024,
    PIECES_MAX = 1024, /* asked for at once; more are read where they are needed */
};
static const int64_t pause_ns = 1000000, syncing_ns = 100000000;

struct warm_piece {
    struct os_work work;
    struct warm_piece *next;
    struct os *os;
    struct log_partition *partition;
    char folder[OS_PATH_MAX + 64];
    struct segment seen; /* what its header says, no more */
    struct segment_run run;
    int64_t offset;
    bool aligned; /* the run is whole batches from the offset; else only read */
    bool gently;  /* somebody waits for syncs */
    struct os_file *file;
    uint8_t *bytes; /* of the run, so far: got */
    size_t got;
    bool holds;
    struct log_warming *first;
};

/* ---- on the helper ---- */

/* False: who reads it will meet what is wrong, and say so. */
static bool begin(struct warm_piece *w)
{
    struct segment_place at = {.os = w->os, .folder = w->folder};
    char path[SEGMENT_PATH_MAX];

    w->bytes = malloc(w->run.len);
    segment_path(at, w->seen.base, w->seen.generation, "log", path);
    return w->bytes && os_file_open(w->os, path, OS_READ | OS_EXACT, &w->file) == ST_OK;
}

static bool read_some(struct warm_piece *w)
{
    size_t len = w->run.len - w->got, got;

    if (len > READ_BYTES)
        len = READ_BYTES;
    if (os_file_read(w->file, w->run.pos + w->got, w->bytes + w->got, len, &got) != ST_OK || got < len)
        return false;
    w->got += got;
    return true;
}

static bool finish(struct warm_piece *w)
{
    w->holds = w->aligned && w->got == w->run.len &&
               segment_run_holds(&w->seen, w->run.pos, w->offset, bytes_of(w->bytes, w->got));
    if (w->file)
        os_file_close(w->file);
    free(w->bytes);
    return false;
}

static bool warm_step(struct os_work *work)
{
    struct warm_piece *w = (struct warm_piece *)work;
    const atomic_uint nobody = 0;

    if ((!w->file && !begin(w)) || !read_some(w) || w->got == w->run.len)
        return finish(w);
    if (w->gently)
        os_word_wait(w->os, &nobody, 0, pause_ns);
    return true;
}

/* ---- asking ---- */

/* The part of the segment that a read from there takes; false: it can be had at once. */
static bool is_cold(struct segment *seg, struct segment_place at, int64_t offset, int64_t to, size_t bytes_max,
                    struct segment_run *run)
{
    if (segment_find_run(seg, at, offset, to, bytes_max, run) != ST_OK)
        return false; /* the read meets it again, and says so */
    if (run->len > 0)
        return !run->sound || !os_file_cached(seg->file, run->pos, run->len);
    run->pos = segment_position_before(seg, offset);
    if (bytes_max < READ_BYTES)
        bytes_max = READ_BYTES; /* a batch comes whole, whatever was asked for */
    run->len = seg->bytes - run->pos < bytes_max ? seg->bytes - run->pos : bytes_max;
    return run->len > 0 && !os_file_cached(seg->file, run->pos, run->len);
}

static void wait_for(struct warm_piece *w, struct log_warming *warming)
{
    warming->piece = w;
    warming->next = w->first;
    w->first = warming;
}

/* Several readers of the same place wait for the same piece. */
static struct warm_piece *same_piece(const struct log *log, const struct log_partition *p, int64_t offset)
{
    for (struct warm_piece *w = log->warm_first; w; w = w->next)
        if (w->partition == p && w->offset == offset)
            return w;
    return NULL;
}

static struct warm_piece *new_piece(struct log_partition *p, const struct segment *seg, int64_t offset,
                                    const struct segment_run *run)
{
    struct warm_piece *w = xcalloc(1, sizeof(*w));
    struct log *log = p->log;

    w->work.step = warm_step;
    w->os = log->os;
    w->partition = p;
    partition_folder(p, w->folder);
    w->seen = (struct segment){
        .base = seg->base, .end = seg->end, .bytes = seg->bytes, .generation = seg->generation};
    w->run = *run;
    w->offset = offset;
    w->aligned = run->next_offset > offset;
    w->gently = os_mono_ns(log->os) - log->synced_ns < syncing_ns;
    if (log->warm_last)
        log->warm_last->next = w;
    else
        log->warm_first = w;
    log->warm_last = w;
    log->warm_count++;
    return w;
}

bool log_warm(struct log_partition *partition, int64_t offset, size_t bytes_max, enum log_bound bound,
              struct log_warming *warming)
{
    struct log_partition *p = partition;
    struct log *log = p->log;
    char folder[OS_PATH_MAX + 64];
    struct segment_place at = {log->os, folder, &log->files};
    int64_t to = partition_bound(p, bound);
    struct segment_run run;

    if (p->topic->deleted || offset < p->start || offset >= to)
        return true;
    struct segment *seg = partition_segment(p, offset);
    if (!seg)
        return true;
    struct warm_piece *w = same_piece(log, p, offset);
    partition_folder(p, folder);
    if (bytes_max > LOG_SEND_BYTES)
        bytes_max = LOG_SEND_BYTES;
    if (!w && (log->warm_count == PIECES_MAX || !is_cold(seg, at, offset, to, bytes_max, &run)))
        return true;
    if (!w) {
        w = new_piece(p, seg, offset, &run);
        os_helper_submit(log->read_helper, &w->work);
    }
    wait_for(w, warming);
    return false;
}

void log_warm_cancel(struct log_warming *warming)
{
    struct warm_piece *w = warming->piece;

    if (!w)
        return;
    struct log_warming **at = &w->first;
    while (*at != warming)
        at = &(*at)->next;
    *at = warming->next;
    warming->piece = NULL;
}

/* ---- taking back ---- */

static void note(const struct warm_piece *w)
{
    const struct log_partition *p = w->partition;

    for (uint32_t i = 0; i < p->segments_count && w->holds; i++) {
        struct segment *seg = p->segments[i];
        if (seg->base == w->seen.base && seg->generation == w->seen.generation && seg->marks_loaded)
            segment_set_sound(seg, w->run.pos, w->run.len);
    }
}

void warm_work(struct log *log)
{
    while (log->warm_first && os_helper_done(log->read_helper, &log->warm_first->work)) {
        struct warm_piece *w = log->warm_first;
        log->warm_first = w->next;
        if (!w->next)
            log->warm_last = NULL;
        log->warm_count--;
        note(w);
        while (w->first) {
            struct log_warming *warming = w->first;
            w->first = warming->next;
            warming->piece = NULL;
            warming->fn(warming);
        }
        free(w);
    }
}

void warm_abandon(struct log *log)
{
    while (log->warm_first) {
        struct warm_piece *w = log->warm_first;
        CHECK(!w->first); /* who waits has cancelled by now */
        log->warm_first = w->next;
        free(w);
    }
    log->warm_last = NULL;
}
