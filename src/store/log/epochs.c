#include "store/log/epochs.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void epochs_deinit(struct epochs *e)
{
    free(e->list);
    *e = (struct epochs){0};
}

void epochs_note(struct epochs *e, int32_t epoch, int64_t offset)
{
    if (e->count && e->list[e->count - 1].epoch >= epoch)
        return;
    if (e->count == e->cap) {
        e->cap = e->cap ? e->cap * 2 : 4;
        e->list = xrealloc(e->list, e->cap * sizeof(*e->list));
    }
    e->list[e->count++] = (struct epoch_start){epoch, offset};
}

void epochs_trim(struct epochs *e, int64_t start)
{
    uint32_t gone = 0;

    while (gone + 1 < e->count && e->list[gone + 1].start <= start)
        gone++;
    if (gone)
        memmove(e->list, e->list + gone, (e->count - gone) * sizeof(*e->list));
    e->count -= gone;
    if (e->count && e->list[0].start < start)
        e->list[0].start = start;
}

bool epochs_fits(const struct epochs *e, int32_t epoch, int64_t offset)
{
    for (uint32_t i = e ? e->count : 0; i > 0; i--)
        if (e->list[i - 1].start <= offset)
            return e->list[i - 1].epoch == epoch;
    return true;
}

bool epochs_end(const struct epochs *e, int32_t epoch, int32_t *found, int64_t *end)
{
    uint32_t i = 0;

    while (i < e->count && e->list[i].epoch <= epoch)
        i++;
    *found = i ? e->list[i - 1].epoch : epoch;
    if (i == e->count)
        return false;
    *end = e->list[i].start;
    return true;
}

void epochs_save(const struct epochs *e, struct buf *to)
{
    buf_uvarint(to, e->count);
    for (uint32_t i = 0; i < e->count; i++) {
        buf_u32_le(to, (uint32_t)e->list[i].epoch);
        buf_u64_le(to, (uint64_t)e->list[i].start);
    }
}

enum status epochs_load(struct epochs *e, struct reader *from)
{
    uint64_t count = reader_uvarint(from);

    for (uint64_t i = 0; i < count && !from->bad; i++) {
        int32_t epoch = (int32_t)reader_u32_le(from);
        int64_t start = (int64_t)reader_u64_le(from);
        if (epoch < 0 || start < 0 ||
            (e->count &&
             (epoch <= e->list[e->count - 1].epoch || start < e->list[e->count - 1].start)))
            from->bad = true;
        if (!from->bad)
            epochs_note(e, epoch, start);
    }
    return from->bad ? ST_CORRUPT : ST_OK;
}
