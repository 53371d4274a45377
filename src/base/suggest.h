/* suggest.h: the nearest name, for "did you mean".       Layer: base. */
#ifndef QW_BASE_SUGGEST_H
#define QW_BASE_SUGGEST_H

#include "base/bytes.h"

/* The nearest of the words within a small edit distance, or NULL. */
const char *suggest(struct bytes name, const char *const *words, size_t count);
/* Case does not count; limit + 1 when more. */
unsigned edit_distance(struct bytes a, struct bytes b, unsigned limit);

#endif
