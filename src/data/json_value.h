/* json_value.h: values of a JSON text written again the way Flink's JSON functions do: without blanks, numbers with a
 * point or an exponent as Java's BigDecimal shows them.
 *
 * Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_JSON_VALUE_H
#define QW_DATA_JSON_VALUE_H

#include "base/buf.h"

/* number: a JSON number. 1e2 is 1E+2, 0.10 is 0.10, -0 is 0. */
void json_number_text(struct buf *out, struct bytes number);
/* value: one that json_next gave. */
void json_value_compact(struct buf *out, struct bytes value);
/* A scalar without quotes: a string's characters, a number, true or false. */
void json_scalar_text(struct buf *out, struct bytes value);

#endif
