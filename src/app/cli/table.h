/* table.h: an answer as rows of text, and its printing as a table, CSV or JSON lines.
 *
 * Owns: its texts, until table_deinit.       Layer: app.
 */
#ifndef QW_APP_CLI_TABLE_H
#define QW_APP_CLI_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "quickwater.h"

enum table_format { TABLE_FORMAT_TABLE, TABLE_FORMAT_CSV, TABLE_FORMAT_JSON };

struct table_cell {
    char *text; /* NULL: NULL */
    bool quoted; /* in JSON: a string */
};

struct table_view {
    size_t columns, rows;
    char **names;
    bool *numeric;            /* set right-aligned */
    struct table_cell *cells; /* rows x columns */
    char *message;            /* instead of rows */
};

bool table_format_of(const char *name, enum table_format *out);
/* From the JSON of one entry of "results" of POST /v1/sql; false: it is not one. */
bool table_from_json(struct table_view *table, const void *json_object);
void table_from_result(struct table_view *table, qw_result *result);
void table_deinit(struct table_view *table);
void table_print(const struct table_view *table, enum table_format format, FILE *to);

#endif
