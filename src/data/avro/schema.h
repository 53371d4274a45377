/* schema.h: Avro schemas: from JSON text to a tree, and the schema of a SQL row.
 *
 * Named types may be used again, and inside themselves: then two places point to one node, and who walks a
 * tree of data must bound its depth. Aliases, defaults and logical types are kept, the rest is passed over.
 *
 * Owns:    all is the arena's that is given; names and defaults are copied there.
 * Errors:  ST_INVALID with a diag that says what of the schema is wrong; ST_NOSPACE: over a limit.
 * Limits:  AVRO_DEPTH_MAX levels, AVRO_TYPES_MAX types, fields and symbols.
 * Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_AVRO_SCHEMA_H
#define QW_DATA_AVRO_SCHEMA_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "data/type.h"

enum { AVRO_DEPTH_MAX = 64, AVRO_TYPES_MAX = 10000 };

enum avro_kind {
    AVRO_NULL, AVRO_BOOLEAN, AVRO_INT, AVRO_LONG, AVRO_FLOAT, AVRO_DOUBLE, AVRO_BYTES, AVRO_STRING,
    AVRO_RECORD, AVRO_ENUM, AVRO_ARRAY, AVRO_MAP, AVRO_UNION, AVRO_FIXED,
    AVRO_KINDS
};
enum avro_logical {
    AVRO_PLAIN, AVRO_DECIMAL, AVRO_DATE, AVRO_TIME_MILLIS, AVRO_TIME_MICROS, AVRO_TIMESTAMP_MILLIS,
    AVRO_TIMESTAMP_MICROS, AVRO_LOCAL_TIMESTAMP_MILLIS, AVRO_LOCAL_TIMESTAMP_MICROS
};

struct avro_schema {
    enum avro_kind kind;
    enum avro_logical logical;
    int32_t precision, scale; /* of decimals */
    uint32_t size;            /* of FIXED, bytes */
    struct bytes name;        /* of named types: the full one, with its namespace */
    struct bytes *aliases;    /* full ones */
    struct avro_field *fields;            /* RECORD */
    const struct avro_schema **inner;     /* UNION: branches; ARRAY and MAP: one */
    struct bytes *symbols, otherwise;     /* ENUM, and its default; otherwise.ptr NULL: none */
    uint32_t aliases_count, count;        /* of fields, branches or symbols */
};

struct avro_field {
    struct bytes name, *aliases;
    uint32_t aliases_count;
    const struct avro_schema *type;
    struct bytes otherwise; /* the default, as JSON; ptr NULL: none */
};

/* Named types that are known: of schemas that are referred to. */
struct avro_names {
    struct arena *arena;
    struct avro_schema **types;
    uint32_t count, cap, nodes;
};
void avro_names_init(struct avro_names *names, struct arena *arena);

/* Adds the schema's named types to `names`; *out lives as long as their arena. */
enum status avro_parse(struct avro_names *names, struct bytes json, const struct avro_schema **out,
                       struct diag *diag) MUST_CHECK;

const char *avro_kind_text(enum avro_kind kind); /* "int", "record" */
/* The full name of a named type without its namespace. */
struct bytes avro_short_name(struct bytes full);

/* How timestamps of SQL stand in Avro, 'avro.timestamp_mapping.legacy'. */
enum avro_times {
    AVRO_TIMES_LEGACY, /* TIMESTAMP(3) is timestamp-millis; TIMESTAMP_LTZ is refused */
    AVRO_TIMES_RIGHT,  /* TIMESTAMP is local-timestamp-, TIMESTAMP_LTZ timestamp-, millis or micros */
};
/* The JSON of the schema of a row, as Flink derives it. ST_INVALID: a type that Avro does not have. */
enum status avro_of_row(const struct type_field *fields, uint32_t count, enum avro_times times, struct buf *out,
                        struct diag *diag) MUST_CHECK;

#endif
