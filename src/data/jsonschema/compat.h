/* compat.h: whether what was valid by one JSON Schema is valid by another, decided by the schemas alone: what Confluent's
 * registry (with its policy STRICT) calls compatible.
 *
 * A property may be added where no others were allowed (a closed model) or to those that a schema was said for, and removed
 * where others are; types, ranges, lengths and enums may widen, `required` may shrink; of `anyOf` and `oneOf` each schema must
 * have its own to go to, and there may be more; of `allOf` fewer.
 *
 * What that registry does not look at is not let through either: if/then/else, `contains`, `propertyNames`,
 * `patternProperties` and draft-04's exclusive limits may stay as they are or go, and are else refused by name. Annotations,
 * `format` among them, may change.
 *
 * Threads: pure functions.   Layer: data.
 */
#ifndef QW_DATA_JSONSCHEMA_COMPAT_H
#define QW_DATA_JSONSCHEMA_COMPAT_H

#include "base/buf.h"
#include "data/jsonschema/schema.h"

/* What stands in the way is appended to `why`, sentences with the path to it and "; " between them, as many as there is room
 * for: also that it takes longer than about half a second. */
bool js_can_read(const struct js_set *reader, const struct js_set *writer, struct buf *why);

#endif
