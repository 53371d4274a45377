/* Reading: whole batches as one run of bytes. What lies side by side in a slab is handed out where
 * it is, held; small batches of a busy WAL lie apart and are copied together. */
#include "base/check.h"
#include "store/log/state.h"

enum { COPY_MAX = 1024 * 1024, ALONE_MIN = 32 * 1024 };

static int64_t bound_of(const struct log_partition *p, enum log_bound bound)
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

enum status log_read(struct log *log, struct log_partition *partition, int64_t offset,
                     size_t bytes_max, enum log_bound bound, struct log_view *out,
                     struct diag *diag)
{
    struct log_partition *p = partition;
    int64_t to = bound_of(p, bound);

    CHECK(p->log == log);
    *out = (struct log_view){.bytes = BYTES_NONE, .base_offset = offset, .next_offset = offset};
    if (p->topic->deleted || offset < p->start || offset > p->end)
        return diag_set(diag, ST_NOTFOUND, DIAG_VALUE, "offset %lld is not in %s-%u [%lld, %lld)",
                        (long long)offset, p->topic->name, p->index, (long long)p->start,
                        (long long)p->end);
    if (offset >= to)
        return ST_OK;
    uint32_t i = tail_find(&p->tail, offset);
    if (i == p->tail.count || tail_item_last(tail_at(&p->tail, i)) >= to)
        return ST_OK;
    view_run(p, run_from(p, i, to, bytes_max), out);
    return ST_OK;
}

void log_view_release(struct log_view *view)
{
    slab_release(view->hold);
    *view = (struct log_view){0};
}

/* ---- by time ---- */

enum { DECOMPRESSED_MAX = 64 * 1024 * 1024 };

/* The first record of the batch at or after the time; or, with timestamp INT64_MAX, the one with
 * the greatest. */
static enum status in_batch(struct bytes batch, int64_t timestamp_ms, int64_t *offset,
                            int64_t *found_ms)
{
    struct batch_records it;
    struct record rec;
    struct buf scratch;

    buf_init(&scratch, DECOMPRESSED_MAX);
    *offset = -1;
    enum status st = batch_records_open_buf(&it, batch, &scratch);
    while (st == ST_OK && (st = batch_records_next(&it, &rec)) == ST_OK) {
        if (timestamp_ms == INT64_MAX) {
            if (*offset >= 0 && rec.timestamp_ms <= *found_ms)
                continue;
        } else if (rec.timestamp_ms < timestamp_ms) {
            continue;
        }
        *offset = rec.offset;
        *found_ms = rec.timestamp_ms;
        if (timestamp_ms != INT64_MAX)
            break;
    }
    buf_deinit(&scratch);
    if (*offset >= 0)
        return ST_OK;
    return st == ST_END ? ST_NOTFOUND : st;
}

static int64_t max_timestamp(struct bytes batch)
{
    struct batch_header h;

    return batch_header_parse(batch, &h) == ST_OK ? h.max_timestamp : -1;
}

enum status log_offset_for_time(struct log *log, struct log_partition *partition,
                                int64_t timestamp_ms, int64_t *offset, int64_t *found_ms)
{
    struct log_partition *p = partition;

    CHECK(p->log == log);
    for (uint32_t i = 0; i < p->tail.count; i++) {
        struct bytes batch = tail_item_bytes(tail_at(&p->tail, i));
        if (tail_item_last(tail_at(&p->tail, i)) >= p->durable)
            break;
        if (max_timestamp(batch) < timestamp_ms)
            continue;
        enum status st = in_batch(batch, timestamp_ms, offset, found_ms);
        if (st != ST_NOTFOUND)
            return st;
    }
    return ST_NOTFOUND;
}

enum status log_offset_max_timestamp(struct log *log, struct log_partition *partition,
                                     int64_t *offset, int64_t *found_ms)
{
    struct log_partition *p = partition;
    uint32_t best = UINT32_MAX;
    int64_t best_ms = -1;

    CHECK(p->log == log);
    for (uint32_t i = 0; i < p->tail.count; i++) {
        const struct tail_item *item = tail_at(&p->tail, i);
        int64_t ms = tail_item_last(item) < p->durable ? max_timestamp(tail_item_bytes(item)) : -1;
        if (ms > best_ms) {
            best = i;
            best_ms = ms;
        }
    }
    if (best == UINT32_MAX)
        return ST_NOTFOUND;
    return in_batch(tail_item_bytes(tail_at(&p->tail, best)), INT64_MAX, offset, found_ms);
}
