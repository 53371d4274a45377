#include "flow/rowset_index.h"

#include <stdlib.h>

#include "base/check.h"
#include "flow/rowset.h"

enum { PLACES_MIN = 256 };

void rowset_index_deinit(struct rowset_index *index)
{
    free(index->rows);
    free(index->tags);
    *index = (struct rowset_index){0};
}

/* Of the bits that do not say the place. */
static uint8_t tag_of(uint32_t hash)
{
    return (uint8_t)(hash >> 24) | 1;
}

static uint32_t home(const struct rowset_index *index, uint32_t place)
{
    return index->rows[place]->hash & (index->places - 1);
}

struct rowset_row **rowset_index_find(const struct rowset_index *index, uint32_t hash, rowset_index_same *same,
                                      const void *context, const void *key)
{
    uint32_t mask = index->places - 1;

    if (!index->places)
        return NULL;
    for (uint32_t i = hash & mask; index->tags[i]; i = (i + 1) & mask)
        if (index->tags[i] == tag_of(hash) && index->rows[i]->hash == hash && same(context, index->rows[i], key))
            return &index->rows[i];
    return NULL;
}

void rowset_index_prefetch(const struct rowset_index *index, uint32_t hash)
{
    if (!index->places)
        return;
    __builtin_prefetch(index->tags + (hash & (index->places - 1)));
    __builtin_prefetch(index->rows + (hash & (index->places - 1)));
}

void rowset_index_prefetch_row(const struct rowset_index *index, uint32_t hash)
{
    uint32_t mask = index->places - 1;

    if (!index->places)
        return;
    for (uint32_t i = hash & mask; index->tags[i]; i = (i + 1) & mask)
        if (index->tags[i] == tag_of(hash)) {
            __builtin_prefetch(index->rows[i]);
            __builtin_prefetch((const uint8_t *)index->rows[i] + 64);
            return;
        }
}

static void put(struct rowset_index *index, struct rowset_row *row)
{
    uint32_t mask = index->places - 1, i = row->hash & mask;

    while (index->tags[i])
        i = (i + 1) & mask;
    index->rows[i] = row;
    index->tags[i] = tag_of(row->hash);
}

static void grow(struct rowset_index *index)
{
    struct rowset_index old = *index;

    CHECK(old.places < 1u << 31);
    index->places = old.places ? old.places * 2 : PLACES_MIN;
    index->rows = xmalloc(index->places * sizeof(*index->rows));
    index->tags = xcalloc(index->places, 1);
    for (uint32_t i = 0; i < old.places; i++)
        if (old.tags[i])
            put(index, old.rows[i]);
    free(old.rows);
    free(old.tags);
}

void rowset_index_add(struct rowset_index *index, struct rowset_row *row)
{
    if (index->count >= index->places / 4 * 3)
        grow(index);
    put(index, row);
    index->count++;
}

void rowset_index_remove(struct rowset_index *index, struct rowset_row **place)
{
    uint32_t mask = index->places - 1, hole = (uint32_t)(place - index->rows);

    for (uint32_t i = (hole + 1) & mask; index->tags[i]; i = (i + 1) & mask) {
        if (((i - home(index, i)) & mask) < ((i - hole) & mask))
            continue; /* from its home it would no longer be found there */
        index->rows[hole] = index->rows[i];
        index->tags[hole] = index->tags[i];
        hole = i;
    }
    index->tags[hole] = 0;
    index->count--;
}

uint64_t rowset_index_bytes(const struct rowset_index *index)
{
    return (uint64_t)index->places * (sizeof(*index->rows) + 1);
}
