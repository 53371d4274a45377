/* type.h: the types of SQL values, and how each lies in memory.
 *
 * A logical type is what the user wrote (Flink's names); its physical kind is what kernels see. Many
 * logical types share a physical kind, so there is one kernel for BIGINT, TIMESTAMP and INTERVAL.
 *
 *   logical                               physical   unit
 *   BOOLEAN                               BOOL       one byte, 0 or 1
 *   TINYINT SMALLINT INT DATE             I32        DATE: days since 1970-01-01
 *   INTERVAL YEAR TO MONTH                I32        months
 *   BIGINT                                I64
 *   TIME TIMESTAMP TIMESTAMP_LTZ          I64        microseconds (of the day; since 1970). Declared
 *                                                    precision p is kept: values are cut to it.
 *                                                    p above 6 is refused
 *   INTERVAL DAY TO SECOND                I64        microseconds
 *   FLOAT DOUBLE                          F32 F64
 *   DECIMAL(p,s), p <= 38                 I128       value * 10^s
 *   CHAR VARCHAR STRING, BINARY BYTES     STR        struct str
 *   ROW                                   ROW        columns of the fields
 *   ARRAY, MAP, MULTISET                  LIST       offsets into element columns
 *
 * Owns: types are immutable and live in the arena of whoever made them (a statement, a catalog).
 * Layer: data.
 */
#ifndef QW_DATA_TYPE_H
#define QW_DATA_TYPE_H

#include "base/arena.h"
#include "base/diag.h"

enum type_kind {
    TYPE_NULL, /* of the literal NULL before it is given a type */
    TYPE_BOOLEAN,
    TYPE_TINYINT,
    TYPE_SMALLINT,
    TYPE_INT,
    TYPE_BIGINT,
    TYPE_FLOAT,
    TYPE_DOUBLE,
    TYPE_DECIMAL,
    TYPE_CHAR,
    TYPE_VARCHAR, /* STRING is VARCHAR(2147483647) */
    TYPE_BINARY,
    TYPE_VARBINARY, /* BYTES likewise */
    TYPE_DATE,
    TYPE_TIME,
    TYPE_TIMESTAMP,
    TYPE_TIMESTAMP_LTZ,
    TYPE_INTERVAL_MONTH,
    TYPE_INTERVAL_SECOND,
    TYPE_ROW,
    TYPE_ARRAY,
    TYPE_MAP,
    TYPE_MULTISET, /* a MAP of elements to how often each is there */
    TYPE_KINDS
};

enum phys { PHYS_NULL, PHYS_BOOL, PHYS_I32, PHYS_I64, PHYS_I128, PHYS_F32, PHYS_F64, PHYS_STR,
            PHYS_ROW, PHYS_LIST };

enum { TYPE_LENGTH_MAX = 2147483647, TYPE_DECIMAL_MAX = 38, TYPE_TIME_PRECISION_MAX = 6,
       TYPE_DEPTH_MAX = 16 };

struct type {
    enum type_kind kind;
    bool not_null;
    int32_t precision; /* of DECIMAL, TIME and TIMESTAMP; length of CHAR, VARCHAR, BINARY */
    int32_t scale;     /* of DECIMAL */
    uint16_t fields_count;
    const struct type_field *fields; /* of ROW; of ARRAY one, of MAP and MULTISET two, without names */
};

struct type_field {
    struct bytes name;
    const struct type *type;
    struct bytes comment;
};

enum phys type_phys(enum type_kind kind);
size_t phys_size(enum phys phys); /* bytes a value; 0 for NULL, ROW and LIST */

/* The same but for nullability; field names of ROWs count. */
bool type_equal(const struct type *a, const struct type *b);
/* As Flink prints it: "DECIMAL(10, 2) NOT NULL". */
const char *type_text(struct arena *arena, const struct type *type);

/* Constructors of the common ones (nullable), static or from the arena. */
const struct type *type_simple(enum type_kind kind); /* default precision: VARCHAR(max), TIMESTAMP(6) */
const struct type *type_make(struct arena *arena, enum type_kind kind, int32_t precision,
                             int32_t scale);
const struct type *type_row(struct arena *arena, const struct type_field *fields, uint16_t count);
/* ARRAY<first>, MAP<first, second> or MULTISET<first>. */
const struct type *type_list(struct arena *arena, enum type_kind kind, const struct type *first,
                             const struct type *second);
const struct type *type_not_null(struct arena *arena, const struct type *type, bool not_null);
const struct type *type_copy(struct arena *arena, const struct type *type); /* deep */

bool type_is_integer(enum type_kind kind); /* TINYINT .. BIGINT */
bool type_is_numeric(enum type_kind kind);
bool type_is_text(enum type_kind kind);    /* CHAR, VARCHAR */
bool type_is_map(enum type_kind kind);     /* MAP, MULTISET */
bool type_is_time_point(enum type_kind kind); /* TIMESTAMP, TIMESTAMP_LTZ */

/* The type that holds values of both, as Flink's CASE, COALESCE, UNION and comparison have it; NULL
 * when there is none. */
const struct type *type_common(struct arena *arena, const struct type *a, const struct type *b);

#endif
