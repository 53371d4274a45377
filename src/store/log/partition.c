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
    if (p->tail.count == 1 && p->segments_count == 0) {
        if (partition_is_memory(p))
            retain_soon(p->log);
        else if (p->topic->info.options.retention_ms > 0)
            retain_tails(p->log, false);
    }
    p->end = tail_item_last(&item) + 1;
    if (!partition_is_memory(p)) {
        p->log->unfilled_bytes += item.len;
        fill_queue(p);
        if (p->tail.count == 1 && (p->topic->info.options.cleanup & LOG_CLEANUP_COMPACT))
            compact_soon(p->log);
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
    markers_trim(&p->markers, p->start);
    while (p->tail.count && tail_item_last(tail_at(&p->tail, 0)) < p->start)
        partition_drop_first(p);
    if (p->segments_count && p->segments[0]->end <= p->start)
        retain_sweep_later(p->log);
}

void partition_deinit(struct log_partition *p)
{
    compact_forget(p->log, p);
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
    markers_deinit(&p->markers);
    while (p->pins) {
        struct log_pin *next = p->pins->next;
        free(p->pins);
        p->pins = next;
    }
}

/* ---- transactions ---- */

void partition_end_transaction(struct log_partition *p, const struct batch_header *h,
                               enum control_type type)
{
    int64_t first = producers_end(&p->producers, h), open = producers_open_first(&p->producers);

    if (first < 0)
        return; /* nothing of it was here */
    if (type == CONTROL_ABORT)
        markers_abort(&p->markers, (struct marker_aborted){.producer_id = h->producer_id,
                                                  .first = first,
                                                  .last = h->base_offset,
                                                  .stable = open < h->base_offset
                                                                ? open
                                                                : h->base_offset + 1});
    if (h->base_offset >= p->durable)
        markers_close(&p->markers, (struct marker_closing){first, h->base_offset});
}

void partition_shown(struct log_partition *p, int64_t durable)
{
    p->durable = durable;
    markers_shown(&p->markers, durable);
}

void log_aborted(const struct log_partition *partition, int64_t from, int64_t to,
                 log_aborted_fn *fn, void *context)
{
    markers_find(&partition->markers, from, to, fn, context);
}

static int64_t at_most(int64_t value, int64_t bound)
{
    return value < bound ? value : bound;
}

void log_offsets(const struct log_partition *partition, struct log_offsets *out)
{
    const struct log_partition *p = partition;
    int64_t open = producers_open_first(&p->producers);

    if (open < p->start) /* the first records of it were deleted */
        open = p->start;
    int64_t closing = markers_closing_first(&p->markers);
    if (closing < p->start)
        closing = p->start;
    if (LOG_BUG(stable_early))
        closing = INT64_MAX;

    out->start = p->start;
    out->end = p->end;
    out->durable = p->durable;
    out->stable = at_most(at_most(open, closing), p->durable);
    out->settled = at_most(open, p->end);
    out->bytes = partition_bytes(p);
}

uint64_t log_pinned_bytes(const struct log_partition *partition)
{
    const struct log_partition *p = partition;
    int64_t pinned = partition_pinned(p);
    uint64_t bytes = pinned < p->end ? partition_bytes(p) : 0;

    for (uint32_t i = 0; bytes && i < p->segments_count; i++)
        if (p->segments[i]->end > p->start && p->segments[i]->end <= pinned)
            bytes -= p->segments[i]->bytes;
    return bytes;
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
