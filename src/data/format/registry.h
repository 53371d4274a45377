/* registry.h: what formats know of the world: schemas that have a number, for records that say by which one they were
 * written, and files with schemas that a table names.
 *
 * What a number stands for never changes, and a schema that was given out stays where it is as long as the registry:
 * decoders hold on to them. Which numbers are known is fixed within a tick, and part of its note, so that a tick that
 * is run again knows no more than it did.
 *
 * Owns:    the schemas, and whatever they point to.
 * Threads: find: any; all else the log's thread alone.
 * Layer:   data; made by flow (known_schemas.h).
 */
#ifndef QW_DATA_FORMAT_REGISTRY_H
#define QW_DATA_FORMAT_REGISTRY_H

#include "base/bytes.h"
#include "base/diag.h"

enum registry_type { REGISTRY_AVRO, REGISTRY_JSON, REGISTRY_PROTOBUF };

struct registered_schema {
    uint32_t id;
    uint32_t place; /* of its registration, from 1 on; 0: before places were kept */
    enum registry_type type;
    struct bytes text;
    const struct registered_reference *references;
    uint32_t references_count;
};
struct registered_reference {
    struct bytes name;
    const struct registered_schema *schema; /* NULL: nobody knows what it was */
};

struct format_registry {
    /* Once, before find: what is registered will be known. */
    void (*read_begin)(struct format_registry *registry);
    /* NULL: no schema that is known has this number. */
    const struct registered_schema *(*find)(struct format_registry *registry, uint32_t id);
    /* Registers under a subject, if it does not have this very schema. ST_INVALID: the subject's level or mode does not
     * allow it. */
    enum status (*put)(struct format_registry *registry, struct bytes subject, enum registry_type type,
                       struct bytes text, uint32_t *id, struct diag *diag);
    /* What a file held that an option of a table names, when the table was made; valid while the registry is. ST_NOTFOUND:
     * the table does not name it. */
    enum status (*file)(struct format_registry *registry, struct bytes table, struct bytes path, struct bytes *out,
                        struct diag *diag);
    /* Whether an URL is this registry's own. */
    bool (*is_at)(struct format_registry *registry, struct bytes url);
};

#endif
