/* plan_inner.h: what a plan is made of: resolve.c makes it, plan.c reads by it.   Layer: data. */
#ifndef QW_DATA_AVRO_PLAN_INNER_H
#define QW_DATA_AVRO_PLAN_INNER_H

#include "data/avro/plan.h"

enum { SKIPPED = UINT16_MAX };

enum read_op {
    READ_BAD, /* what is written does not fit what is wanted */
    READ_NULL, READ_BOOL, READ_NUMBER, READ_FLOAT, READ_DOUBLE, READ_TEXT, READ_FIXED, READ_ENUM, READ_DECIMAL,
    READ_TIME, READ_UNION, READ_ROW, READ_ARRAY, READ_MAP
};

/* A column that the record does not have. */
struct avro_missing {
    uint16_t column;
    const struct avro_plan *plan; /* of the default; NULL: it is NULL */
    struct bytes otherwise;       /* the default, in Avro's binary form of the plan's schema */
};

struct avro_plan {
    enum read_op op;
    const struct avro_schema *schema;
    const struct type *type;
    const struct avro_plan *inner; /* of branches, fields, elements */
    uint16_t *columns;             /* of a record's fields; SKIPPED */
    const struct bytes *symbols;   /* of an enum: as the reader has them; ptr NULL: it has not */
    struct avro_missing *missing;
    uint16_t missing_count;
    struct bytes lacks;            /* one of them that may not be NULL and has no default */
    int64_t unit_us;               /* READ_TIME: of one; 0: days */
};

#endif
