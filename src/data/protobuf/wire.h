/* wire.h: Protobuf's bytes, field by field. What is not asked for is passed over by its length; groups, an old form, as a
 * whole.
 *
 *     for (struct wire w = wire_of(message); wire_next(&w);) …      then w.bad: it did not end where it should
 *
 * Owns: nothing.   Limits: WIRE_GROUPS_MAX groups in groups.   Layer: data.
 */
#ifndef QW_DATA_PROTOBUF_WIRE_H
#define QW_DATA_PROTOBUF_WIRE_H

#include "base/reader.h"

enum { WIRE_GROUPS_MAX = 100 };
enum wire_kind { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_GROUP, WIRE_GROUP_END, WIRE_32 };

struct wire {
    struct reader r;
    uint32_t number;
    enum wire_kind kind;
    uint64_t value;     /* of VARINT, 64 and 32 */
    struct bytes bytes; /* of BYTES; of GROUP its fields */
    bool bad;
};

static inline struct wire wire_of(struct bytes message)
{
    return (struct wire){.r = reader_of(message)};
}
bool wire_read(struct wire *w); /* there is one more, or it is bad */

static inline bool wire_next(struct wire *w)
{
    return w->r.at != w->r.end && wire_read(w);
}

#endif
