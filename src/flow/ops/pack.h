/* pack.h: rows as bytes inside operators' state, and keys of rows.
 *
 * A packed row is written and read column by column for a whole chunk. Equal rows have equal
 * bytes, so a packed row can be compared, hashed and found again for its retraction.
 *
 *   [null bits, u64 each][one slot a field, 8 or 16 bytes][text, padded to 8]
 *   slot of text: u32 position in the row, u32 length.   ROW: a null bit, then its fields' slots.
 *   ARRAY, MAP, MULTISET: as a text, which is a row (data/row.h) of the one value.
 *
 * Owns: nothing; layouts live in the arena given.   Threads: any.   Layer: flow.
 */
#ifndef QW_FLOW_OPS_PACK_H
#define QW_FLOW_OPS_PACK_H

#include "data/expr.h"
#include "data/row.h"
#include "sql/plan.h"
#include "store/state/state.h"

struct pack_field {
    enum phys phys;
    uint16_t null_bit, fields_count;
    uint32_t pos;
    const struct pack_field *fields; /* of a ROW */
    const struct row_codec *list;    /* of an ARRAY, MAP or MULTISET: of the one value */
    const struct type *type;
};

struct pack {
    uint16_t count;                 /* columns */
    const uint16_t *columns;        /* of the chunk; NULL: 0 .. count-1 */
    const struct pack_field *fields;
    uint32_t fixed_bytes;
    uint16_t null_words;
    bool has_text;
};

/* For these columns of a node's output (columns NULL: all of them). */
enum status pack_make(struct pack *out, struct arena *arena, const struct plan_node *of,
                      const uint16_t *columns, uint16_t count, struct diag *diag) MUST_CHECK;

/* Bytes of each row rows[i] of a chunk's columns. */
void pack_sizes(const struct pack *pack, const struct column *cols, const uint16_t *rows,
                uint16_t count, uint32_t *sizes);
/* Writes row rows[i] to out[i], 8-aligned and of that size. */
void pack_write(const struct pack *pack, const struct column *cols, const uint16_t *rows,
                uint16_t count, uint8_t *const *out);
/* Both: row rows[i] as packed[i], in the arena. */
void pack_rows(const struct pack *pack, struct arena *arena, const struct column *cols,
               const uint16_t *rows, uint16_t count, uint8_t **packed, uint32_t *sizes);
/* Column c of the packed rows, row i of it from packed[i]; packed[i] NULL: a NULL. Text stays in place. */
void pack_read(const struct pack *pack, uint16_t c, const uint8_t *const *packed, uint16_t count,
               struct arena *arena, struct column *out);
void pack_read_all(const struct pack *pack, const uint8_t *const *packed, uint16_t count,
                   struct arena *arena, struct column *out);
/* The bytes of a packed row, from itself. */
uint32_t pack_size(const struct pack *pack, const uint8_t *packed);
/* A row from a checkpoint: whether reading it stays within its len bytes. */
bool pack_check(const struct pack *pack, const uint8_t *packed, size_t len);
/* Whether column c is null. */
static inline bool pack_null(const struct pack *pack, const uint8_t *packed, uint16_t c)
{
    uint32_t bit = pack->fields[c].null_bit;
    uint64_t word;
    memcpy(&word, packed + 8 * (bit >> 6), 8);
    return word >> (bit & 63) & 1;
}
/* Orders by column c, NULLs equal and before all. */
int pack_compare(const struct pack *pack, uint16_t c, const uint8_t *a, const uint8_t *b);
/* Whether equal values of column c, as pack_compare has it, have equal hashes: not those with a zero of either sign. */
bool pack_hashable(const struct pack *pack, uint16_t c);
uint64_t pack_hash(const struct pack *pack, uint16_t c, const uint8_t *packed);

/* ---- keys ---- */

/* How some columns of an input make keys of a state_table. */
struct keyer {
    struct pack pack;
    uint16_t words; /* 0: bytes, packed rows */
};

enum status keyer_make(struct keyer *out, struct arena *arena, const struct plan_node *of,
                       const uint16_t *columns, uint16_t count, struct diag *diag) MUST_CHECK;
/* Keys and hashes of rows rows[0..count-1]; no columns: all have the same key. */
void keyer_keys(const struct keyer *keyer, const struct column *cols, const uint16_t *rows,
                uint16_t count, struct arena *arena, struct state_keys *out);
/* Whether some part of key i is null: such a key joins nothing. */
uint64_t keyer_none(void); /* the hash of that one key */
bool keyer_has_null(const struct keyer *keyer, const struct state_keys *keys, uint32_t i);
/* The key columns of entries of a table. */
void keyer_read(const struct keyer *keyer, const struct state_table *t, void *const *values,
                uint16_t count, struct arena *arena, struct column *out);
/* The keys of entries of a table, to look them up in another. */
void keyer_of_entries(const struct keyer *keyer, const struct state_table *t, void *const *values,
                      uint16_t count, struct arena *arena, struct state_keys *out);

/* ---- columns ---- */

/* Rows 0 .. count-1 of a column get NULL where null[i]; makes or copies the bitmap. */
uint64_t *valid_make(struct arena *arena, uint16_t rows);
/* Rows rows[i] of a column as a column of its own. Text stays in place. */
void column_pick(const struct column *from, const struct type *type, const uint16_t *rows,
                 uint16_t count, struct arena *arena, struct column *out);

#endif
