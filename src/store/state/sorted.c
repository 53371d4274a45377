#include "store/state/sorted.h"

#include "base/check.h"

struct sorted_block {
    uint32_t count, cap;
    void *items[];
};

static size_t block_size(uint32_t cap)
{
    return sizeof(struct sorted_block) + cap * sizeof(void *);
}

static struct sorted_block *block_new(struct state_heap *heap, uint32_t cap)
{
    struct sorted_block *b = heap_alloc(heap, block_size(cap));

    b->count = 0;
    b->cap = cap;
    return b;
}

/* The last block whose first item is before key, or the first block. */
static uint32_t block_seek(const struct sorted *s, sorted_compare *compare, const void *context,
                           const void *key)
{
    uint32_t low = 0, high = s->blocks_count;

    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (compare(context, s->blocks[mid]->items[0], key) < 0)
            low = mid;
        else
            high = mid;
    }
    return low;
}

struct sorted_at sorted_seek(const struct sorted *s, sorted_compare *compare, const void *context,
                             const void *key)
{
    if (!s->count)
        return sorted_first();
    uint32_t block = block_seek(s, compare, context, key);
    const struct sorted_block *b = s->blocks[block];
    uint32_t low = 0, high = b->count;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (compare(context, b->items[mid], key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == b->count && block + 1 < s->blocks_count)
        return (struct sorted_at){block + 1, 0};
    return (struct sorted_at){block, low};
}

struct sorted_at sorted_last(const struct sorted *s)
{
    CHECK(s->count);
    return (struct sorted_at){s->blocks_count - 1, s->blocks[s->blocks_count - 1]->count - 1};
}

struct sorted_at sorted_next(const struct sorted *s, struct sorted_at at)
{
    at.item++;
    if (at.block + 1 < s->blocks_count && at.item == s->blocks[at.block]->count)
        return (struct sorted_at){at.block + 1, 0};
    return at;
}

void *sorted_get(const struct sorted *s, struct sorted_at at)
{
    if (at.block >= s->blocks_count || at.item >= s->blocks[at.block]->count)
        return NULL;
    return s->blocks[at.block]->items[at.item];
}

void sorted_set(struct sorted *s, struct sorted_at at, void *item)
{
    CHECK(at.item < s->blocks[at.block]->count);
    s->blocks[at.block]->items[at.item] = item;
}

uint32_t sorted_rank(const struct sorted *s, struct sorted_at at)
{
    uint32_t rank = at.item;

    for (uint32_t i = 0; i < at.block; i++)
        rank += s->blocks[i]->count;
    return rank;
}

struct sorted_at sorted_nth(const struct sorted *s, uint32_t rank)
{
    struct sorted_at at = {0, rank};

    CHECK(rank <= s->count);
    while (at.block + 1 < s->blocks_count && at.item >= s->blocks[at.block]->count)
        at.item -= s->blocks[at.block++]->count;
    return at;
}

/* Makes room for a block pointer at `index`. The list grows one block at a time: it is as long as needed,
 * which keeps the small ones small, and a large one gets a block only once in 64 inserts. */
static void list_insert(struct sorted *s, struct state_heap *heap, uint32_t index,
                        struct sorted_block *b)
{
    struct sorted_block **list = heap_alloc(heap, (s->blocks_count + 1) * sizeof(*list));

    if (s->blocks_count) {
        memcpy(list, s->blocks, index * sizeof(*list));
        memcpy(list + index + 1, s->blocks + index, (s->blocks_count - index) * sizeof(*list));
        heap_free(heap, s->blocks, s->blocks_count * sizeof(*list));
    }
    list[index] = b;
    s->blocks = list;
    s->blocks_count++;
}

static void list_remove(struct sorted *s, struct state_heap *heap, uint32_t index)
{
    uint32_t left = s->blocks_count - 1;
    struct sorted_block **list = left ? heap_alloc(heap, left * sizeof(*list)) : NULL;

    heap_free(heap, s->blocks[index], block_size(s->blocks[index]->cap));
    if (list) {
        memcpy(list, s->blocks, index * sizeof(*list));
        memcpy(list + index, s->blocks + index + 1, (left - index) * sizeof(*list));
    }
    heap_free(heap, s->blocks, s->blocks_count * sizeof(*list));
    s->blocks = list;
    s->blocks_count = left;
}

/* A full block becomes larger, or two. */
static void block_room(struct sorted *s, struct state_heap *heap, struct sorted_at *at)
{
    struct sorted_block *b = s->blocks[at->block];

    if (b->count < b->cap)
        return;
    if (b->cap < SORTED_BLOCK) {
        struct sorted_block *larger = block_new(heap, b->cap * 2);
        larger->count = b->count;
        memcpy(larger->items, b->items, b->count * sizeof(void *));
        heap_free(heap, b, block_size(b->cap));
        s->blocks[at->block] = larger;
        return;
    }
    struct sorted_block *right = block_new(heap, SORTED_BLOCK);
    uint32_t half = at->item == b->count ? b->count - 8 : b->count / 2; /* rising keys fill blocks */
    right->count = b->count - half;
    memcpy(right->items, b->items + half, right->count * sizeof(void *));
    b->count = half;
    list_insert(s, heap, at->block + 1, right);
    if (at->item > half) {
        at->item -= half;
        at->block++;
    }
}

void sorted_insert(struct sorted *s, struct state_heap *heap, struct sorted_at at, void *item)
{
    if (!s->blocks_count) {
        CHECK(at.block == 0 && at.item == 0);
        list_insert(s, heap, 0, block_new(heap, 3));
    }
    block_room(s, heap, &at);
    struct sorted_block *b = s->blocks[at.block];
    CHECK(at.item <= b->count);
    memmove(b->items + at.item + 1, b->items + at.item, (b->count - at.item) * sizeof(void *));
    b->items[at.item] = item;
    b->count++;
    s->count++;
}

void sorted_remove(struct sorted *s, struct state_heap *heap, struct sorted_at at)
{
    struct sorted_block *b = s->blocks[at.block];

    CHECK(at.item < b->count);
    memmove(b->items + at.item, b->items + at.item + 1, (b->count - at.item - 1) * sizeof(void *));
    b->count--;
    s->count--;
    if (!b->count)
        list_remove(s, heap, at.block);
}

void sorted_free(struct sorted *s, struct state_heap *heap)
{
    while (s->blocks_count)
        list_remove(s, heap, s->blocks_count - 1);
    s->count = 0;
}
