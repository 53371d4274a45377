/* folders.h: how the folders of a filesystem table's partitions are named, a level a column: dt=2024-01-01/hm=00%3A00,
 * as Flink and Hive do.
 *
 * Signs that a path may not hold are % and two digits of base 16; a value that is NULL, or an empty text, is
 * __DEFAULT_PARTITION__, and NULL again where it is read.
 *
 * Owns: nothing.   Threads: any.   Layer: flow.
 */
#ifndef QW_FLOW_FOLDERS_H
#define QW_FLOW_FOLDERS_H

#include "base/buf.h"
#include "data/chunk.h"

/* Of a column's value at row: TEXT, integers, BOOLEAN and DATE (bind_table.c). */
void folder_name(struct buf *out, struct bytes column, const struct type *type, const struct column *col, uint32_t row);
/* The value that a folder's name says of the column, into *value; *null: it is NULL. False: the name is of no such folder. */
bool folder_value(struct bytes name, struct bytes column, struct buf *value, bool *null);

#endif
