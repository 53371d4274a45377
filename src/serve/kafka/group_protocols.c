/* The list of protocols that a classic member speaks, each with what the member says in it. */
#include <stdlib.h>

#include "base/check.h"
#include "serve/kafka/group.h"

void group_protocols_free(struct group_protocols *list)
{
    for (int32_t i = 0; i < list->count; i++) {
        bytes_drop(&list->at[i].name);
        bytes_drop(&list->at[i].metadata);
    }
    free(list->at);
    *list = (struct group_protocols){0};
}

void group_protocols_keep(struct group_protocols *to, const struct group_protocols *from)
{
    struct group_protocols copy = {xcalloc((size_t)from->count + 1, sizeof(*copy.at)), from->count};

    for (int32_t i = 0; i < from->count; i++) {
        copy.at[i].name = bytes_keep(from->at[i].name);
        copy.at[i].metadata = bytes_keep(from->at[i].metadata);
    }
    group_protocols_free(to);
    *to = copy;
}

bool group_protocols_equal(const struct group_protocols *a, const struct group_protocols *b)
{
    if (a->count != b->count)
        return false;
    for (int32_t i = 0; i < a->count; i++) {
        if (!bytes_equal(a->at[i].name, b->at[i].name) || !bytes_equal(a->at[i].metadata, b->at[i].metadata))
            return false;
    }
    return true;
}

const struct group_protocol *group_protocol_find(const struct group_protocols *list, struct bytes name)
{
    for (int32_t i = 0; i < list->count; i++) {
        if (bytes_equal(list->at[i].name, name))
            return &list->at[i];
    }
    return NULL;
}
