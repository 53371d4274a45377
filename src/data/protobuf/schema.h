/* schema.h: Protobuf's message types: from what `protoc --descriptor_set_out --include_imports` writes, or from the text of
 * .proto files.
 *
 * Owns:    all is the arena's that is given, names and texts too.
 * Errors:  ST_INVALID with a diag that says what of it is wrong; ST_NOSPACE: over a limit; ST_UNSUPPORTED: editions.
 * Limits:  PROTO_DEPTH_MAX levels of messages in messages, PROTO_PARTS_MAX messages, fields, enums and values in all.
 * Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_PROTOBUF_SCHEMA_H
#define QW_DATA_PROTOBUF_SCHEMA_H

#include "base/arena.h"
#include "base/diag.h"

enum { PROTO_DEPTH_MAX = 32, PROTO_PARTS_MAX = 50000, PROTO_NUMBER_MAX = (1 << 29) - 1 };

/* The numbers of FieldDescriptorProto.Type. */
enum proto_type {
    PROTO_DOUBLE = 1, PROTO_FLOAT, PROTO_INT64, PROTO_UINT64, PROTO_INT32, PROTO_FIXED64, PROTO_FIXED32, PROTO_BOOL,
    PROTO_STRING, PROTO_GROUP, PROTO_MESSAGE, PROTO_BYTES, PROTO_UINT32, PROTO_ENUM, PROTO_SFIXED32, PROTO_SFIXED64,
    PROTO_SINT32, PROTO_SINT64,
    PROTO_TYPES
};
enum proto_label { PROTO_OPTIONAL = 1, PROTO_REQUIRED, PROTO_REPEATED };

struct proto_value {
    struct bytes name;
    int32_t number;
};
struct proto_enum {
    struct bytes name; /* full: "package.Outer.Color" */
    struct proto_value *values;
    uint32_t count, file; /* file: as a message's */
    bool closed; /* proto2: a number that is not there is no value of it */
};
struct proto_field {
    struct bytes name, type_name; /* of messages and enums */
    uint32_t number;
    enum proto_type type; /* 0, before the set is linked: a message or an enum, by its name as it is seen from here */
    enum proto_label label;
    bool presence; /* that it is not there can be told from its default */
    bool packed;   /* written so; read either way */
    int32_t oneof; /* which one of the message it belongs to; -1: none */
    struct bytes otherwise; /* its default as text; ptr NULL: the type's */
    const struct proto_message *message;
    const struct proto_enum *enum_;
};
struct proto_message {
    struct bytes name; /* full */
    struct bytes package; /* its file's: the name's beginning */
    struct proto_field *fields;
    uint32_t count;
    struct bytes *oneofs;
    uint32_t oneofs_count;
    bool map_entry; /* of a map: fields 1 and 2 */
    bool group;     /* the body of a field that is a group */
    bool proto3;
    uint32_t file; /* which of the set's files it is of: of text, 0 is the file itself */
    const struct proto_message *outer; /* that it is in; NULL: none */
};

struct proto_set {
    struct arena *arena;
    struct proto_message **messages; /* nested ones too, each behind the one that it is in */
    uint32_t messages_count, messages_cap;
    struct proto_enum **enums;
    uint32_t enums_count, enums_cap;
    uint32_t parts, files, file; /* file: that is being read */
    struct bytes package;        /* of file 0 */
    struct bytes *imports;       /* that file 0 names itself */
    uint32_t imports_count;
    bool proto3;                 /* file 0, of text, is */
    bool described;              /* file 0 was a descriptor */
};
void proto_set_init(struct proto_set *set, struct arena *arena);

/* A FileDescriptorSet. */
enum status proto_descriptors(struct proto_set *set, struct bytes descriptors, struct diag *diag) MUST_CHECK;

/* One file, a FileDescriptorProto, into the set, which is not linked yet; and the paths that it imports, one after another. */
enum status proto_descriptor(struct proto_set *set, struct bytes file, struct bytes *package,
                             struct diag *diag) MUST_CHECK;
bool proto_descriptor_import(struct bytes file, uint32_t i, struct bytes *path);

const struct proto_message *proto_message_find(const struct proto_set *set, struct bytes full_name);
/* Of file 0, by its place: the how manieth of the file's messages, of those in it, and so on, 1 to PROTO_DEPTH_MAX numbers.
 * Entries of maps and bodies of groups count where the file was a descriptor. NULL: there is none. */
const struct proto_message *proto_message_at(const struct proto_set *set, const uint32_t *place, uint32_t count);
/* The place of a message of file 0; how many numbers it has. */
uint32_t proto_message_place(const struct proto_set *set, const struct proto_message *message,
                             uint32_t place[PROTO_DEPTH_MAX]);
const struct proto_field *proto_field_named(const struct proto_message *message, struct bytes name);
const struct proto_field *proto_field_numbered(const struct proto_message *message, uint32_t number);
static inline bool proto_is_map(const struct proto_field *f)
{
    return f->label == PROTO_REPEATED && f->message && f->message->map_entry;
}
const char *proto_type_text(enum proto_type type); /* "int32" */

/* ---- for those who make sets ---- */

struct proto_message *proto_message_add(struct proto_set *set, struct bytes full_name, const struct proto_message *outer);
struct proto_enum *proto_enum_add(struct proto_set *set, struct bytes full_name);
/* C's escapes, as in .proto texts and in a descriptor's default of type bytes. */
struct bytes proto_unescape(struct arena *arena, struct bytes text);
/* Names of types are looked up, and what follows from the file's syntax is set. */
enum status proto_link(struct proto_set *set, struct diag *diag) MUST_CHECK;

#endif
