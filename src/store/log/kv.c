#include "store/log/kv.h"

#include <stdlib.h>

#include "base/check.h"

struct kv_item {
    uint32_t space;
    uint32_t key_len;
    size_t value_len;
    uint8_t data[]; /* key, value */
};

static struct bytes key_of(const struct kv_item *item)
{
    return bytes_of(item->data, item->key_len);
}

static struct bytes value_of(const struct kv_item *item)
{
    return bytes_of(item->data + item->key_len, item->value_len);
}

/* The first item at or after (space, key); *equal: it is that one. */
static size_t find(const struct kv *kv, uint32_t space, struct bytes key, bool *equal)
{
    size_t low = 0, high = kv->count;

    *equal = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct kv_item *item = kv->items[mid];
        int order = item->space != space ? (item->space < space ? -1 : 1)
                                         : bytes_compare(key_of(item), key);
        if (order == 0)
            *equal = true;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

void kv_deinit(struct kv *kv)
{
    for (size_t i = 0; i < kv->count; i++)
        free(kv->items[i]);
    free(kv->items);
    *kv = (struct kv){0};
}

static void remove_at(struct kv *kv, size_t i)
{
    kv->bytes -= kv->items[i]->key_len + kv->items[i]->value_len;
    free(kv->items[i]);
    memmove(kv->items + i, kv->items + i + 1, (kv->count - i - 1) * sizeof(*kv->items));
    kv->count--;
}

static struct kv_item *make(uint32_t space, struct bytes key, struct bytes value)
{
    struct kv_item *item = xmalloc(sizeof(*item) + key.len + value.len);

    item->space = space;
    item->key_len = (uint32_t)key.len;
    item->value_len = value.len;
    if (key.len)
        memcpy(item->data, key.ptr, key.len);
    memcpy(item->data + key.len, value.ptr, value.len);
    return item;
}

void kv_put(struct kv *kv, uint32_t space, struct bytes key, struct bytes value)
{
    bool equal;
    size_t i = find(kv, space, key, &equal);

    CHECK(key.len <= UINT32_MAX);
    struct kv_item *item = value.len ? make(space, key, value) : NULL;
    if (equal)
        remove_at(kv, i);
    if (!item)
        return;
    if (kv->count == kv->cap) {
        kv->cap = kv->cap ? kv->cap * 2 : 32;
        kv->items = xrealloc(kv->items, kv->cap * sizeof(*kv->items));
    }
    memmove(kv->items + i + 1, kv->items + i, (kv->count - i) * sizeof(*kv->items));
    kv->items[i] = item;
    kv->count++;
    kv->bytes += key.len + value.len;
}

bool kv_get(const struct kv *kv, uint32_t space, struct bytes key, struct bytes *value)
{
    bool equal;
    size_t i = find(kv, space, key, &equal);

    *value = equal ? value_of(kv->items[i]) : BYTES_NONE;
    return equal;
}

void kv_scan(const struct kv *kv, uint32_t space, struct bytes prefix, log_kv_fn *fn, void *context)
{
    bool equal;

    for (size_t i = find(kv, space, prefix, &equal); i < kv->count; i++) {
        const struct kv_item *item = kv->items[i];
        if (item->space != space || !bytes_equal(bytes_head(key_of(item), prefix.len), prefix))
            return;
        if (!fn(context, key_of(item), value_of(item)))
            return;
    }
}

void kv_save(const struct kv *kv, struct buf *to)
{
    buf_uvarint(to, kv->count);
    for (size_t i = 0; i < kv->count; i++) {
        buf_uvarint(to, kv->items[i]->space);
        buf_sized(to, key_of(kv->items[i]));
        buf_sized(to, value_of(kv->items[i]));
    }
}

enum status kv_load(struct kv *kv, struct reader *from)
{
    uint64_t count = reader_uvarint(from);

    for (uint64_t i = 0; i < count && !from->bad; i++) {
        uint64_t space = reader_uvarint(from);
        struct bytes key = reader_sized(from), value = reader_sized(from);
        if (!from->bad)
            kv_put(kv, (uint32_t)space, key, value);
    }
    return from->bad ? ST_CORRUPT : ST_OK;
}
