/* table_files.h: files that options of a table name and that say how its records are read: 'NAME.descriptor-file'.
 *
 * They are read when the table is made, and kept in the log: what a file says is a part of the table, so that a job that is
 * run again reads its records as it did. A file that changes is taken up by making the table again.
 *
 *     LOG_KV_FILES    key  table 0 path    value  the file
 *
 * Errors:  ST_INVALID: the file is not there, cannot be read, is empty or too long.
 * Limits:  TABLE_FILE_MAX.   Threads: the log's.   Layer: flow.
 */
#ifndef QW_FLOW_TABLE_FILES_H
#define QW_FLOW_TABLE_FILES_H

#include "os/os.h"
#include "sql/plan.h"
#include "store/log/log.h"

enum { TABLE_FILE_MAX = 1 << 20 };

/* Reads and keeps those that the table names, and forgets what a table of its name had. */
enum status table_files_keep(struct os *os, struct log *log, const struct table *table, struct diag *diag) MUST_CHECK;
enum status table_files_forget(struct log *log, struct bytes table) MUST_CHECK;
/* *out is the log's, until it is forgotten. ST_NOTFOUND. */
enum status table_file(const struct log *log, struct bytes table, struct bytes path, struct bytes *out,
                       struct diag *diag) MUST_CHECK;

#endif
