#include <stdlib.h>

#include "base/check.h"
#include "store/log/state.h"

int64_t partition_filled(const struct log_partition *p)
{
    return p->tail.count ? tail_at(&p->tail, 0)->base : p->end;
}

uint64_t partition_bytes(const struct log_partition *p)
{
    uint64_t sum = p->tail.bytes;

    for (uint32_t i = 0; i < p->segments_count; i++)
        if (p->segments[i]->end > p->start)
            sum += p->segments[i]->bytes;
    return sum;
}

void partition_push(struct log_partition *p, struct tail_item item)
{
    tail_push(&p->tail, item);
    if (p->tail.count == 1 && p->segments_count == 0)
        retain_soon(p->log);
    p->end = tail_item_last(&item) + 1;
    if (!partition_is_memory(p)) {
        p->log->unfilled_bytes += item.len;
        fill_queue(p);
    }
}

void partition_drop_first(struct log_partition *p)
{
    if (!partition_is_memory(p))
        p->log->unfilled_bytes -= tail_at(&p->tail, 0)->len;
    tail_drop_first(&p->tail);
}

void partition_add_segment(struct log_partition *p, struct segment *seg)
{
    if (p->segments_count == p->segments_cap) {
        p->segments_cap = p->segments_cap ? p->segments_cap * 2 : 4;
        p->segments = xrealloc(p->segments, p->segments_cap * sizeof(struct segment *));
    }
    p->segments[p->segments_count++] = seg;
    retain_soon(p->log);
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
    epochs_trim(&p->epochs, p->start);
    while (p->tail.count && tail_item_last(tail_at(&p->tail, 0)) < p->start)
        partition_drop_first(p);
    if (p->segments_count && p->segments[0]->end <= p->start)
        retain_sweep_later(p->log);
}

void partition_deinit(struct log_partition *p)
{
    while (p->tail.count)
        partition_drop_first(p);
    tail_deinit(&p->tail);
    for (uint32_t i = 0; i < p->segments_count; i++)
        segment_free(p->segments[i]);
    free(p->segments);
    p->segments = NULL;
    p->segments_count = p->segments_cap = 0;
    slab_release(p->memory);
    p->memory = NULL;
    producers_deinit(&p->producers);
    epochs_deinit(&p->epochs);
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

bool log_epoch_end(const struct log_partition *partition, int32_t epoch, int32_t *found,
                   int64_t *end)
{
    const struct log_partition *p = partition;
    int32_t now = p->log->leader_epoch;

    if (epoch < 0 || epoch > now)
        return false;
    if (epoch == now || !epochs_end(&p->epochs, epoch, found, end)) {
        *found = epoch == now ? now : *found;
        *end = p->durable;
    }
    return true;
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
