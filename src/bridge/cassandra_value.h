/* cassandra_value.h: values as Cassandra's protocol has them, and back.
 *
 * Owns:    nothing.   Threads: pure functions.   Layer: bridge.
 */
#ifndef QW_BRIDGE_CASSANDRA_VALUE_H
#define QW_BRIDGE_CASSANDRA_VALUE_H

#include "base/json_writer.h"
#include "data/chunk.h"
#include "data/type.h"
#include "wire/cql/frame.h"

/* Whether a column of ours can be one of Cassandra's, of a type of enum cql_type_id. */
bool cassandra_value_fits(const struct type *type, uint16_t to);
/* A value that fits, as bytes with their length (null: as null). NULL: it is there; else why this one cannot be. */
const char *cassandra_value_put(struct buf *out, const struct type *type, uint16_t to, const struct column *col, uint32_t row);
/* A value of Cassandra's as one of JSON from which a column of ours is read. False: its bytes are none of its type, or it
 * is of a type that cannot be read. */
bool cassandra_value_json(struct json_writer *w, const struct type *type, uint16_t from, struct bytes value);

#endif
