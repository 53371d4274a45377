/* fields.h: which fields a decoder or an encoder has, in its own memory: for the formats' own files.   Layer: data. */
#ifndef QW_DATA_FORMAT_FIELDS_H
#define QW_DATA_FORMAT_FIELDS_H

#include "data/format/format.h"

/* format_column of each of the first `count` fields. */
uint16_t *format_columns(const struct format_spec *spec, uint16_t count, struct arena *arena);
/* A schema as a ROW type, for one that outlives the spec. */
const struct type *format_row_type(const struct schema *schema, struct arena *arena);

#endif
