/* nexmark_rows.h: the events of one split, made once and kept as columns: what `'preload' = 'true'` of a
 * nexmark table reads from, so that a benchmark times the query and not the generator.
 *
 * Only the columns that the scan reads are made. Rows lie in chunks of CHUNK_ROWS, each as the
 * generator would give it.
 *
 * Owns:    the rows.   Threads: one makes; any number read.   Layer: flow.
 * Errors:  ST_NOSPACE before anything large is made when the rows would not fit, with a diag that
 *          says what they need; ST_CLOSED when `on_progress` says stop.
 */
#ifndef QW_FLOW_SOURCES_NEXMARK_ROWS_H
#define QW_FLOW_SOURCES_NEXMARK_ROWS_H

#include "base/diag.h"
#include "flow/sources/nexmark_gen.h"

/* How one column of the scan is made. */
struct nexmark_column {
    enum nexmark_part part;
    uint16_t fields_count;
    uint8_t fields[NX_FIELDS];
};

enum { NEXMARK_COLUMNS_MAX = 8 };

/* The columns of up to CHUNK_ROWS events, in the arena. Event i is first + i * stride. */
void nexmark_chunk_make(const struct nexmark_gen *gen, const struct nexmark_column *columns,
                        uint16_t columns_count, int64_t first, int64_t stride, uint16_t count,
                        struct arena *arena, struct column *out);

struct nexmark_rows {
    struct arena arena;
    struct column *cols; /* of chunk c, column i: c * columns_count + i */
    int64_t count;
    uint16_t columns_count;
};

struct nexmark_rows_plan {
    const struct nexmark_gen *gen;
    const struct nexmark_column *columns;
    uint16_t columns_count;
    int64_t first, stride, count;
    uint64_t bytes_max; /* 0: no bound */
    bool (*on_progress)(void *context, int64_t rows, int64_t all); /* NULL: nobody asks */
    void *context;
};

enum status nexmark_rows_make(struct nexmark_rows *rows, const struct nexmark_rows_plan *plan,
                              struct diag *diag) MUST_CHECK;
void nexmark_rows_free(struct nexmark_rows *rows);

/* Rows from `position` on, at most `most` and to the end of their chunk. sel is the caller's room. */
struct chunk nexmark_rows_at(const struct nexmark_rows *rows, int64_t position, int64_t most,
                             uint16_t sel[CHUNK_ROWS]);

#endif
