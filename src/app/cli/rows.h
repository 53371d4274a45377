/* rows.h: what a command found, as JSON, shown as text with columns or as that JSON.
 *
 * Owns:    nothing.       Layer: app.
 */
#ifndef QW_APP_CLI_ROWS_H
#define QW_APP_CLI_ROWS_H

#include <jansson.h>

#include "base/bytes.h"

struct row_column {
    const char *title; /* "LAG" */
    const char *key;   /* of the row's object */
};

/* An array of objects under a line of titles; a column of numbers stands to the right. What a terminal
 * would obey is shown as '?', what is not there as '-'. The columns end in one without a title. */
void rows_print(const json_t *rows, const struct row_column *columns);
void rows_json(const json_t *value); /* with its line's end */

/* A text from outside; what is not UTF-8 is shown as '?'. ptr NULL: null. */
json_t *rows_text(struct bytes text);
/* Milliseconds since 1970 as "2026-01-02T03:04:05.678Z"; null for less than 0. */
json_t *rows_time(int64_t ms);

#endif
