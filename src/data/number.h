/* number.h: FLOAT and DOUBLE as text, the way Java (and so Flink) writes them, and back.
 *
 * The shortest digits that give the same value; "1.0", "1.5E10", "Infinity", "NaN".
 *
 * Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_NUMBER_H
#define QW_DATA_NUMBER_H

#include "base/bytes.h"

enum { NUMBER_TEXT_MAX = 40 };

/* Not terminated; at most NUMBER_TEXT_MAX bytes. */
size_t i64_text(int64_t v, char *to);
size_t f64_text(double v, char *to);
size_t f32_text(float v, char *to);

/* The whole of the text, spaces around it aside. False: not a number. */
bool f64_parse(struct bytes text, double *out);
bool f32_parse(struct bytes text, float *out);

#endif
