/* describe.h: a schema that was read from text as the FileDescriptorProto that protoc makes of it, for clients that ask for it.
 *
 * What text.h passes over (options, services, extensions, reserved numbers) is not in it. Entries of maps and bodies of groups
 * stand behind the other messages, so that these have the places that proto_message_at counts.
 *
 * Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_PROTOBUF_DESCRIBE_H
#define QW_DATA_PROTOBUF_DESCRIBE_H

#include "base/buf.h"
#include "data/protobuf/schema.h"

/* File 0 of a set that was read from text. */
void proto_describe(const struct proto_set *set, struct buf *out);

#endif
