/* parse.h: text to a value of a scalar type: what CAST of a string does, and the CSV format.
 *
 * Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_PARSE_H
#define QW_DATA_PARSE_H

#include "data/expr.h"

/* Spaces around it aside. BOOLEAN knows true t yes y 1 and their opposites; integers drop a fraction; a
 * TIMESTAMP_LTZ without a zone is in `zone` (NULL: UTC). False: the text is no such value, or out of its
 * range. Not for text, binary or structured types. */
bool value_parse(const struct type *type, struct bytes text, const struct zone *zone, union value *out);

#endif
