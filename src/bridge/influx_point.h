/* influx_point.h: a row as a point of InfluxDB's: which column is what, and the line that says it.
 *
 *     ours                                     a field                      a tag
 *     TINYINT … BIGINT                         integer, 5i                  its text
 *     FLOAT, DOUBLE                            float; NaN and infinities    not taken
 *                                              refuse the row
 *     DECIMAL                                  float, rounded to 53 bits    its text
 *     BOOLEAN                                  boolean                      true, false
 *     CHAR, VARCHAR                            string                       itself
 *     DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ     string, as SQL prints it     likewise
 *     ROW, ARRAY, MAP, MULTISET                string of JSON               not taken
 *     BINARY, VARBINARY, INTERVAL              not taken                    not taken
 *
 * A field or tag that is NULL is left out, as is a tag that is empty.
 *
 * Owns:    nothing; its arrays are the arena's that it was opened with.   Threads: pure functions.   Layer: bridge.
 */
#ifndef QW_BRIDGE_INFLUX_POINT_H
#define QW_BRIDGE_INFLUX_POINT_H

#include "base/buf.h"
#include "base/diag.h"
#include "data/chunk.h"

enum influx_unit { INFLUX_NS, INFLUX_US, INFLUX_MS, INFLUX_S };

struct influx_point {
    struct schema schema;
    struct bytes measurement; /* of all rows, escaped; ptr NULL: of measurement_column */
    uint16_t measurement_column, time_column;
    enum influx_unit unit;         /* that times are written in */
    const uint16_t *tags, *fields; /* columns; tags in order of name, as InfluxDB keeps them */
    uint16_t tags_count, fields_count;
};

/* As the table's options say. */
struct influx_roles {
    struct bytes measurement, measurement_column; /* len 0: not given; one is */
    struct bytes tags;                            /* names of columns, by commas */
    struct bytes time_column;
    enum influx_unit unit;
};

enum status influx_point_open(const struct influx_roles *roles, const struct schema *schema, struct arena *arena,
                              struct influx_point *out, struct diag *diag) MUST_CHECK;
/* Appends the row's line. Else why there is none (the arena's, or lasting), and nothing is appended. */
const char *influx_point_write(const struct influx_point *p, const struct chunk *rows, uint16_t row,
                               struct arena *arena, struct buf *out);

#endif
