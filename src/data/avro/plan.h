/* plan.h: Avro records to columns, and rows to Avro: a written schema beside the types that SQL wants, resolved once.
 *
 * Reading. The schema is the one that the record was written with. Its fields are found by name; those that are not wanted
 * are passed over; a column that it does not have is the reader's default, or NULL, or refused where the column is NOT NULL. Numbers are widened
 * (int to BIGINT and DOUBLE, …), text and bytes stand for each other, times come in the unit that the schema says (a plain
 * long: milliseconds), decimals are brought to the column's scale where they fit. What does not fit is said of each record
 * that has it, with the field's name: the schema alone makes no error.
 *
 * Writing. The schema is one that avro_of_row made of the row's types, or one that avro_fits_row.
 *
 * Owns:    a plan is its arena's, and points into the schema and the types.
 * Limits:  AVRO_DEPTH_MAX levels of data; as many elements of lists as the record has bytes, and AVRO_EMPTY_MAX more:
 *          elements that take no bytes cannot be many; AVRO_VALUES_EMPTY_MAX more values of any kind than bytes; a plan
 *          has AVRO_PLAN_NODES_MAX nodes.
 * Threads: a plan is read only.   Layer: data.
 */
#ifndef QW_DATA_AVRO_PLAN_H
#define QW_DATA_AVRO_PLAN_H

#include "data/avro/schema.h"
#include "data/builder.h"

enum { AVRO_EMPTY_MAX = 1 << 16, AVRO_VALUES_EMPTY_MAX = 1 << 20, AVRO_PLAN_NODES_MAX = 1 << 15 };

struct avro_plan;

/* `row` is a ROW whose field i goes to builder columns[i] (NULL: i). `reader`: the row's own schema (avro_fits_row), for
 * its defaults and aliases, or NULL. ST_INVALID: the schema is no record; ST_NOSPACE: it is too complex for these columns. */
enum status avro_plan_read(struct arena *arena, const struct avro_schema *schema, const struct avro_schema *reader,
                           const struct type *row, const uint16_t *columns, const struct avro_plan **out,
                           struct diag *diag) MUST_CHECK;
/* A value to each column. False: there may be fewer, and the diag says why. */
bool avro_read(const struct avro_plan *plan, struct bytes record, struct column_builder *cols,
               struct diag *diag) MUST_CHECK;

/* Whether rows can be written by this schema, and its defaults and aliases be those of their columns: a record of the same
 * fields in the same order, each of the type that avro_of_row gives its column, or a near one. ST_INVALID, with the diag. */
enum status avro_fits_row(const struct avro_schema *schema, const struct type *row, struct diag *diag) MUST_CHECK;

/* Field i of `row` is column columns[i] of the chunk. */
void avro_write(const struct avro_schema *schema, const struct type *row, const uint16_t *columns,
                const struct column *cols, uint32_t at, struct buf *to);

#endif
