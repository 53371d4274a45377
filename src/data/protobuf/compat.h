/* compat.h: whether what was written with one Protobuf schema can be read with another, decided by the schemas alone: the
 * changes that Confluent's registry calls compatible.
 *
 * Fields and members of oneofs are the same by their numbers, messages by their names. A field may come, go and be renamed;
 * a scalar's type may change within what has the same bytes (int32, int64, uint32, uint64, bool and enums; sint32 and
 * sint64; fixed32 and sfixed32; fixed64 and sfixed64; string and bytes). A message may not go, a package not change, a
 * `required` field neither come nor go, a number's label not change; fields that could be set together may not become
 * members of one oneof. Enums may change at will. Groups are compared as messages, and are none.
 *
 * Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_PROTOBUF_COMPAT_H
#define QW_DATA_PROTOBUF_COMPAT_H

#include "base/buf.h"
#include "data/protobuf/schema.h"

/* Sets made of one schema each, of text or of descriptors; file 0 is the schema itself. What stands in the way is appended to
 * `why`, sentences with the path to it and "; " between them, as many as there is room for. */
bool proto_can_read(const struct proto_set *reader, const struct proto_set *writer, struct buf *why);

#endif
