/* func_list.h: what the functions that make lists share.   Inside data/ only.   Layer: data. */
#ifndef QW_DATA_FUNC_LIST_H
#define QW_DATA_FUNC_LIST_H

#include "data/builder.h"
#include "data/call.h"

/* ARRAY<first>, or MAP<first, second>; NOT NULL. */
const struct type *list_type(struct arena *arena, enum type_kind kind, const struct type *first,
                             const struct type *second);
/* The common type of arguments from, from + step, …, to which they are cast. NULL with a diag. */
const struct type *bind_common_of(struct bind *b, unsigned from, unsigned step);
/* Rows up to `row` that are not asked for are NULL: a column is built row after row. */
void skip_to(struct column_builder *b, uint32_t row);
enum status builder_result(struct call *call, struct column_builder *b);

#endif
