/* typed.h: values that come as what they are (an integer, bytes, a time), not as text; checked
 * against the type of the column that they are for.
 *
 * For programs that push rows, and for the format `row`, whose records are such values.
 *
 * Owns: nothing; text and bytes are views.   Threads: pure functions.
 * Errors: ST_INVALID with a diag that names the column, its type, and what is wrong.   Layer: data.
 */
#ifndef QW_DATA_TYPED_H
#define QW_DATA_TYPED_H

#include "data/expr.h"

enum typed_kind {
    TYPED_NULL,
    TYPED_BOOL,
    TYPED_INT,    /* i */
    TYPED_DOUBLE, /* d */
    TYPED_TEXT,   /* bytes, UTF-8 */
    TYPED_BYTES,
    TYPED_DECIMAL,   /* dec times 10^-scale */
    TYPED_DATE,      /* i: days since 1970-01-01 */
    TYPED_TIME,      /* i: microseconds of the day */
    TYPED_TIMESTAMP, /* i: microseconds since 1970 */
    TYPED_KINDS
};

struct typed {
    enum typed_kind kind;
    int32_t scale;
    union {
        int64_t i; /* of BOOL: 0 or 1 */
        double d;
        struct bytes bytes;
        i128 dec;
    };
};

/* Whether a NULL is allowed is the caller's to ask: *out is not set by one. What has more digits
 * than the column keeps is rounded (DECIMAL) or cut (times), as a CAST does; what does not fit is
 * refused. */
enum status typed_fit(struct bytes column, const struct type *type, const struct typed *v,
                      union value *out, struct diag *diag) MUST_CHECK;
/* The value of a column, which is of a kind that typed_kind_of knows. */
struct typed typed_of(const struct type *type, const struct column *col, uint32_t row);
/* What values of a type come as; TYPED_KINDS: ROW, ARRAY, MAP and intervals have no such form. */
enum typed_kind typed_kind_of(const struct type *type);
const char *typed_kind_text(enum typed_kind kind); /* "an integer" */

#endif
