/* compare.h: two values of one type: equal, and in which order.
 *
 * The order is that of SQL's ORDER BY within not-NULL values: text by bytes, FALSE before TRUE,
 * NaN after all numbers; -0.0 equals 0.0. NULLs inside ROW and ARRAY come first and equal each other.
 *
 * Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_COMPARE_H
#define QW_DATA_COMPARE_H

#include "data/chunk.h"

/* Both values are not NULL. */
bool column_equal(const struct type *type, const struct column *a, uint32_t row_a,
                  const struct column *b, uint32_t row_b);
int column_compare(const struct type *type, const struct column *a, uint32_t row_a,
                   const struct column *b, uint32_t row_b);

#endif
