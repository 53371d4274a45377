/* fields.c: see fields.h. */
#include "data/format/fields.h"

uint16_t *format_columns(const struct format_spec *spec, uint16_t count, struct arena *arena)
{
    uint16_t *columns = ARENA_ARRAY(arena, uint16_t, count + 1u);

    for (uint16_t i = 0; i < count; i++)
        columns[i] = format_column(spec, i);
    return columns;
}

const struct type *format_row_type(const struct schema *schema, struct arena *arena)
{
    return type_copy(arena, type_row(arena, schema->fields, schema->count));
}
