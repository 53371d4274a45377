/* pg_value.h: values as PostgreSQL reads them, and which of its types take which of ours.
 *
 *     ours                                   a column there
 *     BOOLEAN                                boolean, text
 *     TINYINT … BIGINT, DECIMAL, FLOAT,      smallint … bigint, numeric, real, double precision, text
 *       DOUBLE
 *     CHAR, VARCHAR                          any: PostgreSQL reads the text (uuid, inet, enums, json, …)
 *     BINARY, VARBINARY                      bytea
 *     DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ   date, time, timestamp, timestamptz (in UTC), text
 *     ARRAY                                  an array, json, jsonb, text (as JSON)
 *     ROW, MAP, MULTISET                     json, jsonb, text
 *
 * Threads: pure functions.   Layer: bridge.
 */
#ifndef QW_BRIDGE_PG_VALUE_H
#define QW_BRIDGE_PG_VALUE_H

#include "base/buf.h"
#include "data/chunk.h"

/* A column of PostgreSQL's: format_type() and typcategory. */
struct pg_type {
    const char *name;
    char category;
};

/* False: there is no column of PostgreSQL that takes values of this type. */
bool pg_value_can(const struct type *type);
bool pg_value_fits(const struct type *type, const struct pg_type *to);
/* The value, with a zero behind it. False: text cannot have a zero within, in PostgreSQL. */
bool pg_value(struct buf *out, const struct type *type, const struct pg_type *to, const struct column *col,
              uint32_t row);

#endif
