/* text.h: values as text, for people, and as JSON, for programs.
 *
 * value_text prints as Flink's client does (TRUE, 2020-01-01 00:00:00.000, [1, 2], (1, abc), {k=v}), which
 * is also what CAST to STRING gives. value_json prints a JSON value.
 *
 * Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_TEXT_H
#define QW_DATA_TEXT_H

#include "base/buf.h"
#include "data/chunk.h"
#include "data/zone.h"

struct text_style {
    const char *null_text;  /* "NULL" when NULL */
    const struct zone *zone; /* TIMESTAMP_LTZ is printed in this zone; NULL: UTC */
    bool iso_time;          /* JSON: timestamps with 'T' (and 'Z' for LTZ) */
    bool decimal_text;      /* JSON: DECIMAL in quotes */
};

/* style may be NULL: the defaults above, zeros. */
void value_text(struct buf *buf, const struct type *type, const struct column *col, uint32_t row,
                const struct text_style *style);
void value_json(struct buf *buf, const struct type *type, const struct column *col, uint32_t row,
                const struct text_style *style);
/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void json_quoted(struct buf *buf, struct bytes text);

#endif
