#include "flow/ops/versions.h"

static int version_compare(const void *context, const void *a, const void *b)
{
    int64_t x = ((const struct version *)a)->time, y = ((const struct version *)b)->time;

    (void)context;
    return x < y ? -1 : x > y;
}

/* The first version that is not before a time. */
static struct sorted_at seek(const struct sorted *versions, int64_t time)
{
    struct version key = {.time = time};

    return sorted_seek(versions, version_compare, NULL, &key);
}

static void version_free(struct state_heap *heap, struct version *v)
{
    heap_free(heap, v, sizeof(*v) + v->size);
}

void version_put(struct sorted *versions, struct state_heap *heap, int64_t time, const uint8_t *packed,
                 uint32_t size)
{
    struct version *v = heap_alloc(heap, sizeof(*v) + size);
    struct sorted_at at = seek(versions, time);
    struct version *there = sorted_get(versions, at);

    *v = (struct version){.time = time, .size = size};
    if (size)
        memcpy(v->packed, packed, size);
    if (there && there->time == time) {
        version_free(heap, there);
        sorted_set(versions, at, v);
    } else {
        sorted_insert(versions, heap, at, v);
    }
}

const struct version *version_at(const struct sorted *versions, int64_t time)
{
    struct sorted_at at = seek(versions, time);
    const struct version *v = sorted_get(versions, at);

    if (v && v->time == time)
        return v;
    uint32_t before = v ? sorted_rank(versions, at) : versions->count;
    return before ? sorted_get(versions, sorted_nth(versions, before - 1)) : NULL;
}

uint32_t version_forget(struct sorted *versions, struct state_heap *heap, int64_t time)
{
    uint32_t gone = 0;

    for (; versions->count > 1; gone++) {
        const struct version *next = sorted_get(versions, sorted_next(versions, sorted_first()));
        if (next->time > time)
            break;
        version_free(heap, sorted_get(versions, sorted_first()));
        sorted_remove(versions, heap, sorted_first());
    }
    return gone;
}

void versions_save(const struct sorted *versions, struct buf *out)
{
    struct sorted_at at = sorted_first();

    buf_uvarint(out, versions->count);
    for (const struct version *v; (v = sorted_get(versions, at)) != NULL; at = sorted_next(versions, at)) {
        buf_varint(out, v->time);
        buf_sized(out, bytes_of(v->packed, v->size));
    }
}

bool versions_load(struct sorted *versions, struct state_heap *heap, const struct pack *pack, struct reader *r)
{
    uint64_t count = reader_uvarint(r);

    for (uint64_t i = 0; i < count; i++) {
        int64_t time = reader_varint(r);
        struct bytes packed = reader_sized(r);
        if (r->bad || (packed.len && !pack_check(pack, packed.ptr, packed.len)))
            return false;
        version_put(versions, heap, time, packed.ptr, (uint32_t)packed.len);
    }
    return versions->count == count;
}
