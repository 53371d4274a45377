/* Reading: whole batches as one run of bytes. What lies side by side in a slab is handed out where
 * it is, held; small batches of a busy WAL lie apart and are copied together. */
#include "base/check.h"
#include "store/log/state.h"

enum {
    COPY_MAX = 1024 * 1024,
    ALONE_MIN = 32 * 1024,
    HANDLES_MAX = 2 * SEGMENT_FILES_MAX, /* open files, with those that are on their way to a socket */
    SEND_MIN = 16 * 1024, /* from the file; less is copied for less than the calls cost */
};

int64_t partition_bound(const struct log_partition *p, enum log_bound bound)
{
    struct log_offsets o;

    log_offsets(p, &o);
    return bound == LOG_TO_END ? o.end : bound == LOG_TO_DURABLE ? o.durable : o.stable;
}

struct run {
    uint32_t first, count; /* items of the tail */
    size_t bytes;
    bool adjacent; /* side by side in one slab */
};

static struct run run_from(const struct log_partition *p, uint32_t first, int64_t to,
                           size_t bytes_max)
{
    const struct tail_item *last = tail_at(&p->tail, first);
    struct run run = {.first = first, .count = 1, .bytes = last->len, .adjacent = true};

    for (uint32_t i = first + 1; i < p->tail.count; i++) {
        const struct tail_item *item = tail_at(&p->tail, i);
        bool adjacent = item->slab == last->slab && last->pos + last->len == item->pos;
        if (tail_item_last(item) >= to || run.bytes + item->len > bytes_max)
            break;
        if (!adjacent && (run.bytes >= ALONE_MIN || run.bytes + item->len > COPY_MAX))
            break;
        run.adjacent &= adjacent;
        run.bytes += item->len;
        run.count++;
        last = item;
    }
    return run;
}

static void view_run(struct log_partition *p, struct run run, struct log_view *out)
{
    struct tail_item *first = tail_at(&p->tail, run.first);
    struct slab *slab;

    if (run.adjacent) {
        slab = slab_retain(first->slab);
        out->bytes = bytes_of(first->slab->data + first->pos, run.bytes);
    } else {
        slab = slab_create_sized(&p->log->pool, run.bytes);
        for (uint32_t i = 0; i < run.count; i++) {
            struct bytes batch = tail_item_bytes(tail_at(&p->tail, run.first + i));
            memcpy(slab->data + slab->used, batch.ptr, batch.len);
            slab->used += (uint32_t)batch.len;
        }
        out->bytes = bytes_of(slab->data, run.bytes);
    }
    out->hold = slab;
    out->base_offset = first->base;
    out->next_offset = tail_item_last(tail_at(&p->tail, run.first + run.count - 1)) + 1;
}

/* The first segment that ends behind the offset; NULL: it is in the tail. */
struct segment *partition_segment(const struct log_partition *p, int64_t offset)
{
    uint32_t low = 0, high = p->segments_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (p->segments[mid]->end <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low < p->segments_count ? p->segments[low] : NULL;
}

static enum status read_segment(struct log_partition *p, struct segment *seg, int64_t to,
                                size_t bytes_max, struct log_view *out, struct diag *diag)
{
    char folder[OS_PATH_MAX + 64];
    struct segment_read read = {
        .offset = out->next_offset, .to = to, .bytes_max = bytes_max, .pool = &p->log->pool};

    partition_folder(p, folder);
    enum status st =
        segment_read(seg, (struct segment_place){p->log->os, folder, &p->log->files}, &read, diag);
    if (st == ST_NOTFOUND)
        return diag_set(diag, ST_CORRUPT, DIAG_INTERNAL, "a file of %s is missing", folder);
    TRY(st);
    if (read.run.len == 0)
        return ST_OK;
    out->bytes = read.run;
    out->hold = read.hold;
    out->base_offset = read.base_offset;
    out->next_offset = read.next_offset;
    return ST_OK;
}

/* A view of the file itself, if what is there needs no look; out->file NULL: it does. */
static void view_file(struct log_partition *p, struct segment *seg, int64_t to, size_t bytes_max,
                      struct log_view *out)
{
    static const uint8_t elsewhere;
    char folder[OS_PATH_MAX + 64];
    struct segment_run run;

    if (p->log->files.alive >= HANDLES_MAX)
        return; /* clients that do not read their answers: what is copied holds no file */
    partition_folder(p, folder);
    if (segment_find_run(seg, (struct segment_place){p->log->os, folder, &p->log->files}, out->next_offset, to,
                         bytes_max, &run) != ST_OK ||
        run.len < SEND_MIN || !run.sound)
        return; /* whoever reads it says what is wrong */
    out->file_hold = segment_retain_file(seg);
    out->file = seg->file;
    out->file_pos = run.pos;
    out->bytes = bytes_of(&elsewhere, run.len);
    out->next_offset = run.next_offset;
}

enum how { AS_BYTES, AS_FILE };

static enum status read_at(struct log_partition *p, int64_t offset, size_t bytes_max, enum log_bound bound,
                           enum how how, struct log_view *out, struct diag *diag)
{
    int64_t to = partition_bound(p, bound);

    *out = (struct log_view){.bytes = BYTES_NONE, .base_offset = offset, .next_offset = offset};
    if (p->topic->deleted || offset < p->start || offset > p->end)
        return diag_set(diag, ST_NOTFOUND, DIAG_VALUE, "offset %lld is not in %s-%u [%lld, %lld)",
                        (long long)offset, p->topic->name, p->index, (long long)p->start,
                        (long long)p->end);
    if (offset >= to)
        return ST_OK;
    struct segment *seg = partition_segment(p, offset);
    if (seg && how == AS_FILE) {
        if (bytes_max > LOG_SEND_BYTES)
            bytes_max = LOG_SEND_BYTES;
        view_file(p, seg, to, bytes_max, out);
    }
    if (seg)
        return out->file ? ST_OK : read_segment(p, seg, to, bytes_max, out, diag);
    uint32_t i = tail_find(&p->tail, offset);
    if (i == p->tail.count || tail_item_last(tail_at(&p->tail, i)) >= to)
        return ST_OK;
    view_run(p, run_from(p, i, to, bytes_max), out);
    return ST_OK;
}

enum status log_read(struct log *log, struct log_partition *partition, int64_t offset,
                     size_t bytes_max, enum log_bound bound, struct log_view *out,
                     struct diag *diag)
{
    CHECK(partition->log == log);
    return read_at(partition, offset, bytes_max, bound, AS_BYTES, out, diag);
}

enum status log_read_to_send(struct log_partition *partition, int64_t offset, size_t bytes_max,
                             enum log_bound bound, struct log_view *out, struct diag *diag)
{
    return read_at(partition, offset, bytes_max, bound, AS_FILE, out, diag);
}

void log_view_release(struct log_view *view)
{
    slab_release(view->hold);
    segment_release_file(view->file_hold);
    *view = (struct log_view){0};
}

/* ---- by time ---- */

enum { DECOMPRESSED_MAX = 64 * 1024 * 1024 };

struct sought {
    int64_t at_least; /* offset: records below do not count */
    int64_t timestamp_ms;
    bool greatest; /* not the first at or after the time, but the one with the greatest */
    int64_t offset, found_ms;
};

static bool better(const struct sought *s, const struct record *rec)
{
    if (rec->offset < s->at_least)
        return false;
    return s->greatest ? s->offset < 0 || rec->timestamp_ms > s->found_ms
                       : rec->timestamp_ms >= s->timestamp_ms;
}

/* ST_NOTFOUND: the batch has none. */
static enum status seek_batch(struct bytes batch, struct sought *s)
{
    struct batch_records it;
    struct record rec;
    struct buf scratch;

    buf_init(&scratch, DECOMPRESSED_MAX);
    s->offset = -1;
    enum status st = batch_records_open_buf(&it, batch, &scratch);
    while (st == ST_OK && (st = batch_records_next(&it, &rec)) == ST_OK) {
        if (!better(s, &rec))
            continue;
        s->offset = rec.offset;
        s->found_ms = rec.timestamp_ms;
        if (!s->greatest)
            break;
    }
    buf_deinit(&scratch);
    if (s->offset >= 0)
        return ST_OK;
    return st == ST_END ? ST_NOTFOUND : st;
}

/* The batches of a run, in order. */
static enum status seek_run(struct bytes run, struct sought *s)
{
    struct batch_header h;
    struct bytes batch;

    while (batch_next(&run, &h, &batch) == ST_OK) {
        if (h.max_timestamp < s->timestamp_ms)
            continue;
        enum status st = seek_batch(batch, s);
        if (st != ST_NOTFOUND)
            return st;
    }
    return ST_NOTFOUND;
}

static enum status seek_segment(struct log_partition *p, struct segment *seg, struct sought *s)
{
    char folder[OS_PATH_MAX + 64];
    struct log_view view;
    int64_t at;

    partition_folder(p, folder);
    TRY(segment_seek_time(seg, (struct segment_place){p->log->os, folder, &p->log->files},
                          s->timestamp_ms, &at));
    if (at < p->start)
        at = p->start;
    while (at < seg->end) {
        TRY(log_read(p->log, p, at, COPY_MAX, LOG_TO_DURABLE, &view, NULL));
        if (view.bytes.len == 0)
            break;
        enum status st = seek_run(view.bytes, s);
        at = view.next_offset;
        log_view_release(&view);
        if (st != ST_NOTFOUND)
            return st;
    }
    return ST_NOTFOUND;
}

static enum status seek(struct log_partition *p, struct sought *s)
{
    for (uint32_t i = 0; i < p->segments_count; i++) {
        struct segment *seg = p->segments[i];
        if (seg->end <= p->start || seg->max_timestamp < s->timestamp_ms)
            continue;
        enum status st = seek_segment(p, seg, s);
        if (st != ST_NOTFOUND)
            return st;
    }
    for (uint32_t i = 0; i < p->tail.count; i++) {
        const struct tail_item *item = tail_at(&p->tail, i);
        if (tail_item_last(item) >= p->durable)
            break;
        enum status st = seek_run(tail_item_bytes(item), s);
        if (st != ST_NOTFOUND)
            return st;
    }
    return ST_NOTFOUND;
}

enum status log_offset_for_time(struct log *log, struct log_partition *partition,
                                int64_t timestamp_ms, int64_t *offset, int64_t *found_ms)
{
    struct sought s = {.at_least = partition->start, .timestamp_ms = timestamp_ms};

    CHECK(partition->log == log);
    TRY(seek(partition, &s));
    *offset = s.offset;
    *found_ms = s.found_ms;
    return ST_OK;
}

/* The greatest over what each batch or segment says of itself. */
static int64_t greatest_timestamp(const struct log_partition *p)
{
    struct batch_header h;
    int64_t greatest = -1;

    for (uint32_t i = 0; i < p->segments_count; i++)
        if (p->segments[i]->end > p->start && p->segments[i]->max_timestamp > greatest)
            greatest = p->segments[i]->max_timestamp;
    for (uint32_t i = 0; i < p->tail.count; i++) {
        const struct tail_item *item = tail_at(&p->tail, i);
        if (tail_item_last(item) >= p->durable)
            break;
        if (batch_header_parse(tail_item_bytes(item), &h) == ST_OK && h.max_timestamp > greatest)
            greatest = h.max_timestamp;
    }
    return greatest;
}

enum status log_offset_max_timestamp(struct log *log, struct log_partition *partition,
                                     int64_t *offset, int64_t *found_ms)
{
    struct sought s = {.at_least = partition->start,
                       .timestamp_ms = greatest_timestamp(partition),
                       .greatest = true};

    CHECK(partition->log == log);
    if (s.timestamp_ms < 0)
        return ST_NOTFOUND;
    TRY(seek(partition, &s));
    *offset = s.offset;
    *found_ms = s.found_ms;
    return ST_OK;
}
