#include "store/log/tail.h"

#include <stdlib.h>

#include "base/check.h"

enum { CAP_MIN = 16, CAP_KEPT = 1024 };

void tail_deinit(struct tail *tail)
{
    while (tail->count)
        tail_drop_first(tail);
    free(tail->items);
    *tail = (struct tail){0};
}

static void grow(struct tail *tail)
{
    uint32_t cap = tail->cap ? tail->cap * 2 : CAP_MIN;
    struct tail_item *items = xmalloc(cap * sizeof(*items));

    CHECK(cap > tail->cap);
    for (uint32_t i = 0; i < tail->count; i++)
        items[i] = *tail_at(tail, i);
    free(tail->items);
    tail->items = items;
    tail->cap = cap;
    tail->head = 0;
}

void tail_push(struct tail *tail, struct tail_item item)
{
    CHECK_IF(tail->count, tail_item_last(tail_at(tail, tail->count - 1)) < item.base);
    if (tail->count == tail->cap)
        grow(tail);
    slab_retain(item.slab);
    tail->count++;
    tail->bytes += item.len;
    *tail_at(tail, tail->count - 1) = item;
}

void tail_drop_first(struct tail *tail)
{
    struct tail_item *item = tail_at(tail, 0);

    CHECK(tail->count > 0);
    tail->bytes -= item->len;
    slab_release(item->slab);
    tail->head = (tail->head + 1) & (tail->cap - 1);
    tail->count--;
    if (tail->count == 0 && tail->cap > CAP_KEPT) {
        free(tail->items);
        tail->items = NULL;
        tail->cap = tail->head = 0;
    }
}

uint32_t tail_find(const struct tail *tail, int64_t offset)
{
    uint32_t low = 0, high = tail->count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (tail_item_last(tail_at(tail, mid)) < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}
