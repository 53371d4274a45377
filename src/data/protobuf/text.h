/* text.h: .proto files as text, with what they import: the schemas of a registry. A file may also be its FileDescriptorProto
 * in base64, which some clients register.
 *
 * Read is what says how messages look: messages, enums, fields with their defaults and `packed`, oneofs, maps, groups.
 * Options, services, extensions and reserved numbers are passed over. Editions are refused.
 *
 * Owns, errors, limits: as schema.h; nesting of braces PROTO_DEPTH_MAX.   Layer: data.
 */
#ifndef QW_DATA_PROTOBUF_TEXT_H
#define QW_DATA_PROTOBUF_TEXT_H

#include "base/buf.h"
#include "data/protobuf/schema.h"
#include "data/type.h"

/* Where imports come from: the text of a path; false: nobody has it. */
typedef bool proto_import_fn(void *context, struct bytes path, struct bytes *text);

/* A file and what it imports, each once, into the set, the file itself last; then the set is linked. Google's own common
 * types (google/protobuf/timestamp.proto and such) need no import function. */
enum status proto_text(struct proto_set *set, struct bytes text, proto_import_fn *import, void *context,
                       struct diag *diag) MUST_CHECK;

/* The .proto text of a message `Record` with a field a column, numbered in their order. ST_INVALID: a column whose type or
 * name Protobuf has no form for. */
enum status proto_of_row(const struct type_field *fields, uint32_t count, struct buf *out,
                         struct diag *diag) MUST_CHECK;
/* The text's words with one blank between, without comments: texts that differ in nothing else are one schema. What is no
 * .proto text (a descriptor in base64) is appended as it is. */
void proto_words(struct bytes text, struct buf *out);

#endif
