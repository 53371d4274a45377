/* told.c: see told.h. */
#include "flow/ops/told.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void told_add(struct told_list *list, void *row)
{
    if (list->count == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 256;
        list->items = xrealloc(list->items, list->cap * sizeof(*list->items));
    }
    list->items[list->count++] = (struct told){row, NULL};
}

void told_result(struct told_list *list, void *result)
{
    while (list->ready < list->count)
        list->items[list->ready++].result = result;
}

void told_done(struct told_list *list)
{
    CHECK(list->ready <= list->count);
    list->count -= list->ready;
    if (list->count)
        memmove(list->items, list->items + list->ready, list->count * sizeof(*list->items));
    list->ready = 0;
}

void told_free(struct told_list *list)
{
    free(list->items);
}
