/* builder.h: columns and chunks under construction, a value or a row at a time.
 *
 * For decoders, operators that make rows, and casts. A chunk_builder has room for rows_max rows;
 * append one value to each column, then chunk_builder_row; or undo half a row with
 * chunk_builder_undo. Elements of lists grow without bound but the arena's.
 *
 *     column_put_i64(&b.cols[0], 7);
 *     column_put_str(&b.cols[1], name);
 *     chunk_builder_row(&b, ROW_INSERT);
 *     struct chunk chunk = chunk_builder_done(&b);
 *
 * Owns: nothing; all memory is the arena's, and chunk and builder are dead when it is reset. Text
 *       is a view of what was put, unless own_text is set: then it is copied.
 * Errors: an arena without room sets `failed` (sticky); the chunk must then not be used.
 * Layer: data.
 */
#ifndef QW_DATA_BUILDER_H
#define QW_DATA_BUILDER_H

#include "data/chunk.h"

union value; /* expr.h */

struct column_builder {
    const struct type *type;
    struct arena *arena;
    enum phys phys;
    uint32_t rows, cap;
    void *data;
    uint64_t *valid;   /* NULL until the first NULL */
    uint32_t *offsets; /* of lists: rows + 1 */
    struct column_builder *children;
    bool own_text, failed;
};

void column_builder_init(struct column_builder *b, struct arena *arena, const struct type *type,
                         uint32_t cap);
struct column column_builder_done(const struct column_builder *b);
bool column_builder_failed(const struct column_builder *b); /* itself or a child */
void column_grow(struct column_builder *b);
void column_truncate(struct column_builder *b, uint32_t rows);

/* A NULL; in a ROW, its fields are NULL too. */
void column_put_null(struct column_builder *b);
/* Value `row` of a column of the same type, deep. */
void column_append(struct column_builder *b, const struct column *from, uint32_t row);
/* Values rows[0..count-1] (NULL: 0 .. count-1) of a column of the same type. */
void column_append_rows(struct column_builder *b, const struct column *from, const uint16_t *rows,
                        uint16_t count);

static inline bool column_room(struct column_builder *b)
{
    if (__builtin_expect(b->rows == b->cap, 0))
        column_grow(b);
    return !b->failed;
}

#define COLUMN_PUT(name, ctype)                                                                    \
    static inline void column_put_##name(struct column_builder *b, ctype v)                        \
    {                                                                                              \
        if (column_room(b))                                                                        \
            ((ctype *)b->data)[b->rows++] = v;                                                     \
    }
COLUMN_PUT(bool, uint8_t)
COLUMN_PUT(i32, int32_t)
COLUMN_PUT(i64, int64_t)
COLUMN_PUT(i128, i128)
COLUMN_PUT(f32, float)
COLUMN_PUT(f64, double)
#undef COLUMN_PUT

void column_put_text(struct column_builder *b, struct bytes text); /* copies, whatever own_text */

static inline void column_put_str(struct column_builder *b, struct bytes text)
{
    if (b->own_text)
        column_put_text(b, text);
    else if (column_room(b))
        ((struct str *)b->data)[b->rows++] = (struct str){(const char *)text.ptr, (uint32_t)text.len, 0};
}

/* A value of a union of the physical kind (not ROW or LIST). */
void column_put_value(struct column_builder *b, const union value *v);
/* ROW: after one value was put to each child. LIST: after its elements were put to the children. */
void column_put_row(struct column_builder *b);
void column_put_list(struct column_builder *b);

struct chunk_builder {
    struct arena *arena;
    struct column_builder *cols;
    uint16_t cols_count, rows, rows_max;
    uint8_t *kinds; /* NULL while all are INSERT */
};

/* rows_max <= CHUNK_ROWS. */
void chunk_builder_init(struct chunk_builder *b, struct arena *arena,
                        const struct type *const *types, uint16_t count, uint16_t rows_max);
void chunk_builder_init_schema(struct chunk_builder *b, struct arena *arena,
                               const struct schema *schema, uint16_t rows_max);
void chunk_builder_own_text(struct chunk_builder *b, bool own);
void chunk_builder_row(struct chunk_builder *b, uint8_t kind);
/* Many rows are whole: columns were filled one after the other (row_decode_many). */
void chunk_builder_rows(struct chunk_builder *b, uint16_t count, const uint8_t *kinds);
/* Drops values that were put since the last whole row. */
void chunk_builder_undo(struct chunk_builder *b);
/* A row of a chunk whose first columns are the same, with this kind. */
void chunk_builder_append(struct chunk_builder *b, const struct chunk *from, uint16_t row,
                          uint8_t kind);
bool chunk_builder_failed(const struct chunk_builder *b);
/* What there is. The builder may go on afterwards only if the chunk is no longer used. */
struct chunk chunk_builder_done(const struct chunk_builder *b);

static inline bool chunk_builder_full(const struct chunk_builder *b)
{
    return b->rows == b->rows_max;
}

#endif
