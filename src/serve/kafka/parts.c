#include "serve/kafka/parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

int part_compare(const struct part *a, const struct part *b)
{
    int order = memcmp(a->topic, b->topic, PART_TOPIC_BYTES);

    return order ? order : (a->index > b->index) - (a->index < b->index);
}

static int compare(const void *a, const void *b)
{
    return part_compare(a, b);
}

void parts_push(struct parts *set, const uint8_t topic[PART_TOPIC_BYTES], int32_t index)
{
    if (set->count == set->cap) {
        set->cap = set->cap ? 2 * set->cap : 8;
        set->at = xrealloc(set->at, set->cap * sizeof(*set->at));
    }
    struct part *part = &set->at[set->count++];
    memcpy(part->topic, topic, PART_TOPIC_BYTES);
    part->index = index;
}

void parts_sort(struct parts *set)
{
    uint32_t kept = 0;

    if (set->count < 2)
        return;
    qsort(set->at, set->count, sizeof(*set->at), compare);
    for (uint32_t i = 0; i < set->count; i++) {
        if (kept == 0 || part_compare(&set->at[kept - 1], &set->at[i]) != 0)
            set->at[kept++] = set->at[i];
    }
    set->count = kept;
}

void parts_free(struct parts *set)
{
    free(set->at);
    *set = (struct parts){0};
}

void parts_move(struct parts *to, struct parts *from)
{
    parts_free(to);
    *to = *from;
    *from = (struct parts){0};
}

void parts_copy(struct parts *to, const struct parts *from)
{
    to->count = 0;
    for (uint32_t i = 0; i < from->count; i++)
        parts_push(to, from->at[i].topic, from->at[i].index);
}

bool parts_has(const struct parts *set, const struct part *part)
{
    return set->count && bsearch(part, set->at, set->count, sizeof(*set->at), compare) != NULL;
}

bool parts_equal(const struct parts *a, const struct parts *b)
{
    return a->count == b->count && parts_within(a, b);
}

bool parts_within(const struct parts *inner, const struct parts *outer)
{
    for (uint32_t i = 0; i < inner->count; i++) {
        if (!parts_has(outer, &inner->at[i]))
            return false;
    }
    return true;
}

bool parts_meet(const struct parts *a, const struct parts *b)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (parts_has(b, &a->at[i]))
            return true;
    }
    return false;
}
