/* told.h: rows on their way out of an OVER, in their order, and the result that each will have.   Layer: flow.
 *
 * Results become known from the front: told_result gives one to all rows that have none yet.
 *
 * Owns: the list; neither rows nor results. */
#ifndef QW_FLOW_OPS_TOLD_H
#define QW_FLOW_OPS_TOLD_H

#include <stdint.h>

struct told {
    void *row;
    void *result; /* a copy of the group; NULL: not known yet */
};

/* All zero is an empty one. */
struct told_list {
    struct told *items;
    uint32_t count, ready, cap; /* ready: of the count, those with a result */
};

void told_add(struct told_list *list, void *row);
void told_result(struct told_list *list, void *result);
void told_done(struct told_list *list); /* those that were ready are told */
void told_free(struct told_list *list);

#endif
