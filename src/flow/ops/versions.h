/* versions.h: what a key's row was, when: the versions of a table's row in the order of their times.
 *
 * A version holds from its time until that of the next; one without bytes says that there is no row. The
 * newest of a time stands.
 *
 * Owns: its versions, in the heap given. All zero is a key without versions.
 * Threads: one at a time.   Layer: flow.
 */
#ifndef QW_FLOW_OPS_VERSIONS_H
#define QW_FLOW_OPS_VERSIONS_H

#include "flow/ops/pack.h"
#include "store/state/sorted.h"

struct version {
    int64_t time;
    uint32_t size; /* of packed; 0: the row is gone */
    _Alignas(8) uint8_t packed[];
};

/* Puts a version at its time, in place of one that is there. size 0: the row is gone. */
void version_put(struct sorted *versions, struct state_heap *heap, int64_t time, const uint8_t *packed,
                 uint32_t size);
/* The version that holds at a time; NULL: there was none yet. */
const struct version *version_at(const struct sorted *versions, int64_t time);
/* Frees the versions that hold at no time from `time` on; how many. */
uint32_t version_forget(struct sorted *versions, struct state_heap *heap, int64_t time);

/* u count, each: time, bytes */
void versions_save(const struct sorted *versions, struct buf *out);
bool versions_load(struct sorted *versions, struct state_heap *heap, const struct pack *pack, struct reader *r);

#endif
