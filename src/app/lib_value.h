/* lib_value.h: the library's values and the engine's.   Threads: pure functions.   Layer: app. */
#ifndef QW_APP_LIB_VALUE_H
#define QW_APP_LIB_VALUE_H

#include "data/typed.h"
#include "quickwater.h"

/* As it is; a kind that is not known becomes TYPED_KINDS, which typed_fit refuses. */
struct typed value_of_host(const qw_value *v);

/* The value of a column, asked for as `kind` (QW_ANY: as what it is). Views into the column. */
enum status value_to_host(struct bytes name, const struct type *type, const struct column *col,
                          uint32_t row, int32_t kind, qw_value *out, struct diag *diag) MUST_CHECK;

/* Names and types of columns as a host reads them, with terminating zeros; in the arena given. */
struct host_columns {
    uint16_t count;
    const char **names, **types;
    const struct type_field *fields;
};
void host_columns_make(struct host_columns *out, struct arena *arena, const struct schema *schema);
int host_columns_find(const struct host_columns *columns, const char *name);

#endif
