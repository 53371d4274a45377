/* chunk.h: up to CHUNK_ROWS rows, column by column, with the kind of change of each row.
 *
 * What flows between operators. A filter narrows the selection and copies nothing. Columns are
 * addressed by physical row; `sel` lists the live ones.
 *
 * Owns: nothing. A chunk and all it points to live until the call that passed it returns, unless
 *       said otherwise; who keeps rows copies them (row.h).   Layer: data.
 */
#ifndef QW_DATA_CHUNK_H
#define QW_DATA_CHUNK_H

#include "data/type.h"

enum { CHUNK_ROWS = 2048 };

/* Text or bytes; ptr may be anything when len is 0. */
struct str {
    const char *ptr;
    uint32_t len;
    uint32_t pad;
};

typedef __int128 i128;

struct column {
    const void *data;        /* an array of the physical kind; NULL for ROW and PHYS_NULL */
    const uint64_t *valid;   /* bit set: not null; NULL: no nulls. By physical row */
    const struct column *children; /* ROW: one a field. LIST: the element columns */
    const uint32_t *offsets; /* LIST: rows + 1 positions in the children; else NULL */
};

/* The kind of change: what a row does to the table that a changelog describes. */
enum row_kind { ROW_INSERT = 0, ROW_UPDATE_BEFORE = 1, ROW_UPDATE_AFTER = 2, ROW_DELETE = 3 };

/* Where a row was read: hidden columns, carried only from scans whose plan asks for them
 * (plan_node.origins). Compared as it stands here, it is an order of all rows of a plan's sources. */
struct origin {
    int64_t split;  /* (number of the scan in the plan) << 32 | the partition */
    int64_t offset; /* the source's position of the row */
};

static inline struct origin origin_of(uint32_t scan, uint32_t partition, int64_t offset)
{
    return (struct origin){(int64_t)scan << 32 | partition, offset};
}
static inline uint32_t origin_scan(const struct origin *o)
{
    return (uint32_t)(o->split >> 32);
}
static inline uint32_t origin_partition(const struct origin *o)
{
    return (uint32_t)o->split;
}
static inline int origin_compare(const struct origin *a, const struct origin *b)
{
    if (a->split != b->split)
        return a->split < b->split ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

struct chunk {
    const struct column *cols;
    const uint16_t *sel;     /* live rows, ascending; NULL: rows 0 .. count-1 */
    uint16_t count;          /* live rows */
    uint16_t rows;           /* physical rows, <= CHUNK_ROWS */
    uint16_t col_count;
    const uint8_t *kinds;    /* enum row_kind by physical row; NULL: all INSERT */
    const struct origin *origins; /* by physical row; NULL: not carried, or rows of no single record */
};

/* A retraction takes away what an earlier row gave. */
static inline bool row_kind_retracts(uint8_t kind)
{
    return kind == ROW_UPDATE_BEFORE || kind == ROW_DELETE;
}

static inline uint16_t chunk_row(const struct chunk *chunk, uint16_t i)
{
    return chunk->sel ? chunk->sel[i] : i;
}

static inline uint8_t chunk_kind(const struct chunk *chunk, uint16_t row)
{
    return chunk->kinds ? chunk->kinds[row] : (uint8_t)ROW_INSERT;
}

static inline bool column_valid(const struct column *col, uint32_t row)
{
    return !col->valid || ((col->valid[row >> 6] >> (row & 63)) & 1);
}

const char *row_kind_text(uint8_t kind); /* "+I", "-U", "+U", "-D" */

/* The names and types of a chunk's columns. */
struct schema {
    uint16_t count;
    const struct type_field *fields;
};

#endif
