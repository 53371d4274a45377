/* row.h: rows as bytes: the copy that state, exchange and sinks keep, and keys that sort as bytes.
 *
 * A row (row_codec) is compact and equal for equal values, so its bytes are a hash key; it has no order:
 *   NULL bits, one a column (set: NULL) | the values that are not NULL, in order:
 *     BOOL 1, I32 4, I64 8, I128 16, F32 4, F64 8 bytes little-endian | text: uvarint length, bytes
 *     ROW: as a row | ARRAY, MAP: uvarint count, then each element as a row of 1 or 2 columns
 * A key (keycode) compares by memcmp as column_compare does, column after column:
 *     marker: 1 a value, 0 NULL (first), 2 NULL (last) | numbers big-endian with the sign turned |
 *     text: 00 becomes 00 ff, the end is 00 00 | ROW: its fields | ARRAY, MAP: 1 before each element, 0
 *   descending: all bytes but the marker inverted.
 *
 * Owns: nothing; results are in the arena or buf given.   Errors: decoding never trusts its input.
 * Threads: a codec is immutable.   Layer: data.
 */
#ifndef QW_DATA_ROW_H
#define QW_DATA_ROW_H

#include "base/buf.h"
#include "base/reader.h"
#include "data/builder.h"

struct row_codec {
    uint16_t count;
    const uint16_t *columns;         /* which columns of a chunk; NULL: 0 .. count-1 */
    const struct type *const *types; /* of the encoded columns, in their order */
    uint32_t fixed_size;             /* bytes of a row without NULLs, when `fixed` */
    bool fixed;                      /* no text, ROW or list */
};

/* types and columns must live as long as the codec. */
struct row_codec row_codec_make(const struct type *const *types, const uint16_t *columns,
                                uint16_t count);

/* Row `row` of a chunk's columns, appended. */
void row_encode(const struct row_codec *codec, const struct column *cols, uint32_t row,
                struct buf *to);
/* Its bytes, and writing them at `to`. */
uint32_t row_size(const struct row_codec *codec, const struct column *cols, uint32_t row);
void row_put(const struct row_codec *codec, const struct column *cols, uint32_t row, uint8_t *to);
/* Many rows at once, a column at a time: rows[i] (NULL: i) gives out[i]. False: the arena is full. */
bool row_encode_many(const struct row_codec *codec, const struct column *cols, const uint16_t *rows,
                     uint16_t count, struct arena *arena, struct bytes *out) MUST_CHECK;

/* Puts the values to b[0 .. count-1]. False: the bytes are not such a row; values may have been put
 * (chunk_builder_undo). Text is a view of the bytes unless the builders own_text. */
bool row_decode(const struct row_codec *codec, struct bytes row, struct column_builder *b) MUST_CHECK;
/* Many rows, a column at a time. */
bool row_decode_many(const struct row_codec *codec, const struct bytes *rows, uint16_t count,
                     struct column_builder *b) MUST_CHECK;

enum key_order { KEY_ASCENDING = 0, KEY_DESCENDING = 1, KEY_NULLS_LAST = 2 }; /* bits */

void keycode_append(struct buf *to, const struct type *type, const struct column *col, uint32_t row,
                    unsigned order);
bool keycode_read(struct reader *from, unsigned order, struct column_builder *b) MUST_CHECK;

#endif
