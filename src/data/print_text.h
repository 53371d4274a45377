/* print_text.h: values as Flink's print connector shows them, which is how Java objects show
 * themselves: true, 2020-01-01T00:00, 0E-10, [97, 98], +I[1, abc], {k=v}, PT24H, null.
 *
 * Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_PRINT_TEXT_H
#define QW_DATA_PRINT_TEXT_H

#include "base/buf.h"
#include "data/chunk.h"

void value_print(struct buf *buf, const struct type *type, const struct column *col, uint32_t row);

#endif
