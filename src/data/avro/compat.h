/* compat.h: whether what was written with one Avro schema can be read with another: the specification's schema resolution,
 * decided by the schemas alone.
 *
 * Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_AVRO_COMPAT_H
#define QW_DATA_AVRO_COMPAT_H

#include "data/avro/schema.h"

/* The first thing that stands in the way is appended to `why`, as a sentence with the path to it: also that it takes longer
 * than about half a second, which schemas made to do so can. */
bool avro_can_read(const struct avro_schema *reader, const struct avro_schema *writer, struct buf *why);

/* Every default in the schema is a value of its field's type (of a union's: of one of its branches). */
enum status avro_check_defaults(const struct avro_schema *schema, struct diag *diag) MUST_CHECK;

/* A default as a record would have it, appended in Avro's binary form. False: it is no value of the type. */
bool avro_default_write(const struct avro_schema *schema, struct bytes json, struct buf *out) MUST_CHECK;

#endif
