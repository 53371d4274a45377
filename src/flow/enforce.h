/* enforce.h: what a sink's table demands of each row: no NULL where a column is NOT NULL
 * (table.exec.sink.not-null-enforcer), the lengths of CHAR(n), VARCHAR(n), BINARY(n) and
 * VARBINARY(n) (table.exec.sink.type-length-enforcer). The rules are in the plan's sink.
 *
 * Owns: nothing; what it makes is in the arena given.   Threads: the sink's shard's.
 * Errors: ST_INVALID with a diag that names the column and the table: the job fails.   Layer: flow.
 */
#ifndef QW_FLOW_ENFORCE_H
#define QW_FLOW_ENFORCE_H

#include "data/chunk.h"
#include "sql/plan.h"

/* The rows of `in` that the table takes, as it takes them; *out may share all with `in`, and has
 * fewer rows where some were dropped. */
enum status enforce_rows(const struct plan_sink *sink, struct arena *arena, const struct chunk *in,
                         struct chunk *out, struct diag *diag) MUST_CHECK;

#endif
