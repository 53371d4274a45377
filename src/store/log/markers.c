#include "store/log/markers.h"

#include <stdlib.h>

#include "base/check.h"
#include "store/log/bugs.h"

void markers_deinit(struct markers *t)
{
    free(t->aborted);
    free(t->closing);
    *t = (struct markers){0};
}

void markers_abort(struct markers *t, struct marker_aborted aborted)
{
    CHECK_IF(t->aborted_count, t->aborted[t->aborted_count - 1].last < aborted.last);
    if (t->aborted_count == t->aborted_cap) {
        t->aborted_cap = t->aborted_cap ? t->aborted_cap * 2 : 8;
        t->aborted = xrealloc(t->aborted, t->aborted_cap * sizeof(*t->aborted));
    }
    t->aborted[t->aborted_count++] = aborted;
}

void markers_close(struct markers *t, struct marker_closing closing)
{
    if (t->closing_count == t->closing_cap) {
        t->closing_cap = t->closing_cap ? t->closing_cap * 2 : 8;
        t->closing = xrealloc(t->closing, t->closing_cap * sizeof(*t->closing));
    }
    t->closing[t->closing_count++] = closing;
}

void markers_shown(struct markers *t, int64_t durable)
{
    uint32_t gone = 0;

    while (gone < t->closing_count && t->closing[gone].marker < durable)
        gone++;
    if (gone == 0)
        return;
    t->closing_count -= gone;
    memmove(t->closing, t->closing + gone, t->closing_count * sizeof(*t->closing));
}

int64_t markers_closing_first(const struct markers *t)
{
    int64_t first = INT64_MAX;

    for (uint32_t i = 0; i < t->closing_count; i++)
        if (t->closing[i].first < first)
            first = t->closing[i].first;
    return first;
}

/* The first that ended at or after the offset. */
static uint32_t ended_from(const struct markers *t, int64_t offset)
{
    uint32_t low = 0, high = t->aborted_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (t->aborted[mid].last < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

void markers_trim(struct markers *t, int64_t start)
{
    uint32_t gone = ended_from(t, start);

    if (gone == 0)
        return;
    t->aborted_count -= gone;
    memmove(t->aborted, t->aborted + gone, t->aborted_count * sizeof(*t->aborted));
}

void markers_find(const struct markers *t, int64_t from, int64_t to, log_aborted_fn *fn, void *context)
{
    for (uint32_t i = ended_from(t, from); i < t->aborted_count; i++) {
        const struct marker_aborted *a = &t->aborted[i];
        const struct log_aborted found = {a->producer_id, a->first, a->last};
        if (a->first < to)
            fn(context, &found);
        if (a->stable >= to)
            return;
    }
}

void markers_save(const struct markers *t, struct buf *to)
{
    CHECK(t->closing_count == 0 || LOG_BUG(fill_early)); /* a snapshot is of what is durable */
    buf_uvarint(to, t->aborted_count);
    for (uint32_t i = 0; i < t->aborted_count; i++) {
        buf_u64_le(to, (uint64_t)t->aborted[i].producer_id);
        buf_u64_le(to, (uint64_t)t->aborted[i].first);
        buf_u64_le(to, (uint64_t)t->aborted[i].last);
        buf_u64_le(to, (uint64_t)t->aborted[i].stable);
    }
}

enum status markers_load(struct markers *t, struct reader *from)
{
    uint64_t count = reader_uvarint(from);

    for (uint64_t i = 0; i < count && !from->bad; i++) {
        struct marker_aborted a = {.producer_id = (int64_t)reader_u64_le(from)};
        a.first = (int64_t)reader_u64_le(from);
        a.last = (int64_t)reader_u64_le(from);
        a.stable = (int64_t)reader_u64_le(from);
        if (a.first < 0 || a.last < a.first ||
            (t->aborted_count && a.last <= t->aborted[t->aborted_count - 1].last))
            from->bad = true;
        if (!from->bad)
            markers_abort(t, a);
    }
    return from->bad ? ST_CORRUPT : ST_OK;
}

enum control_type marker_of(struct bytes batch)
{
    struct batch_records it;
    struct record rec;
    struct buf unused;

    buf_init(&unused, 1);
    if (batch_records_open_buf(&it, batch, &unused) != ST_OK ||
        batch_records_next(&it, &rec) != ST_OK)
        return CONTROL_OTHER;
    return control_type_of(rec.key);
}
