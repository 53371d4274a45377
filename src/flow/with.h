/* with.h: the WITH options of a table as connectors read them: hints first, then the table's own; and
 * the record's format that they name.   Layer: flow. */
#ifndef QW_FLOW_WITH_H
#define QW_FLOW_WITH_H

#include "data/format/format.h"
#include "sql/plan.h"

struct with {
    const struct table *table;
    const struct table_option *hints;
    uint16_t hints_count;
};

static inline struct with with_scan(const struct plan_scan *scan)
{
    return (struct with){scan->table, scan->hints, scan->hints_count};
}
static inline struct with with_table(const struct table *table)
{
    return (struct with){table, NULL, 0};
}

/* Whether the value's format is one of changes. */
bool with_takes_changes(const struct with *with);
struct bytes with_value_format(const struct with *with);
struct bytes with_get(const struct with *with, const char *key, const char *otherwise);
bool with_is(const struct with *with, const char *key, const char *value);
enum status with_i64(const struct with *with, const char *key, int64_t otherwise, int64_t *out,
                     struct diag *diag) MUST_CHECK;

/* Name and options of the format of a record's key ("key") or value ("value", or without prefix). name.len 0:
 * there is none. */
void with_format(const struct with *with, const char *part, struct arena *arena,
                 struct format_spec *out);

/* There is one where one is needed, and it is of changes only where those are taken: not in keys, not with
 * upsert-kafka, whose changes are its keys'. */
enum status with_format_fits(const struct with *with, const char *part, const struct format_spec *spec,
                             struct diag *diag) MUST_CHECK;

/* The table columns in 'key.fields' (of upsert-kafka the primary key), as bits; and of the columns in the record's value. */
enum status with_key_fields(const struct with *with, struct arena *arena, bool **in_key,
                            bool **in_value, struct diag *diag) MUST_CHECK;
/* The name of a key field in the record: without key.fields-prefix. */
struct bytes with_key_name(const struct with *with, struct bytes column);
/* Whether a column of that type takes a record's headers: MAP<STRING, BYTES>, or of text. */
bool with_headers_type(const struct type *type);

#endif
