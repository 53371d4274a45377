#include <stdlib.h>

#include "base/check.h"
#include "store/log/state.h"

int64_t partition_filled(const struct log_partition *p)
{
    return p->tail.count ? tail_at(&p->tail, 0)->base : p->end;
}

uint64_t partition_bytes(const struct log_partition *p)
{
    return p->tail.bytes;
}

int64_t partition_pinned(const struct log_partition *p)
{
    int64_t least = INT64_MAX;

    for (const struct log_pin *pin = p->pins; pin; pin = pin->next)
        if (pin->offset < least)
            least = pin->offset;
    return least;
}

void partition_drop_below(struct log_partition *p, int64_t start)
{
    if (start > p->start)
        p->start = start;
    while (p->tail.count && tail_item_last(tail_at(&p->tail, 0)) < p->start)
        tail_drop_first(&p->tail);
}

void partition_deinit(struct log_partition *p)
{
    tail_deinit(&p->tail);
    slab_release(p->memory);
    p->memory = NULL;
    producers_deinit(&p->producers);
    while (p->pins) {
        struct log_pin *next = p->pins->next;
        free(p->pins);
        p->pins = next;
    }
}

void log_offsets(const struct log_partition *partition, struct log_offsets *out)
{
    const struct log_partition *p = partition;
    bool held = p->transaction_start >= 0 && p->transaction_start < p->durable;

    out->start = p->start;
    out->end = p->end;
    out->durable = p->durable;
    out->stable = held ? p->transaction_start : p->durable;
    out->bytes = partition_bytes(p);
}

void log_pin(struct log_partition *partition, struct bytes owner, int64_t offset)
{
    struct log_pin **at = &partition->pins;

    while (*at && !bytes_equal(bytes_of((*at)->owner, (*at)->owner_len), owner))
        at = &(*at)->next;
    if (*at && offset == INT64_MAX) {
        struct log_pin *gone = *at;
        *at = gone->next;
        free(gone);
        return;
    }
    if (!*at && offset != INT64_MAX) {
        *at = xcalloc(1, sizeof(**at) + owner.len);
        (*at)->owner_len = owner.len;
        memcpy((*at)->owner, owner.ptr, owner.len);
    }
    if (*at)
        (*at)->offset = offset;
}
