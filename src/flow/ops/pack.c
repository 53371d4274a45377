#include "flow/ops/pack.h"

#include "base/check.h"

/* ---- layouts ---- */

static uint32_t slot_bytes(enum phys phys)
{
    return phys == PHYS_I128 ? 16 : 8;
}

struct layout {
    struct arena *arena;
    uint32_t pos, bits;
    bool has_text;
};

static const struct row_codec *list_codec(struct arena *arena, const struct type *type)
{
    struct row_codec *codec = ARENA_NEW(arena, struct row_codec);
    const struct type **types = ARENA_ARRAY(arena, const struct type *, 1);

    types[0] = type;
    *codec = row_codec_make(types, NULL, 1);
    return codec;
}

static void field_make(struct layout *l, const struct type *type, struct pack_field *out)
{
    out->phys = type_phys(type->kind);
    out->null_bit = (uint16_t)l->bits++;
    out->pos = l->pos;
    out->type = type;
    switch (out->phys) {
    case PHYS_LIST:
        out->list = list_codec(l->arena, type);
        l->has_text = true;
        l->pos += 8;
        break;
    case PHYS_ROW: {
        struct pack_field *fields = ARENA_ARRAY(l->arena, struct pack_field, type->fields_count);
        out->fields = fields;
        out->fields_count = type->fields_count;
        for (uint16_t i = 0; i < type->fields_count; i++)
            field_make(l, type->fields[i].type, &fields[i]);
        break;
    }
    case PHYS_STR: l->has_text = true; l->pos += 8; break;
    default: l->pos += slot_bytes(out->phys); break;
    }
}

static void fields_shift(struct pack_field *fields, uint16_t count, uint32_t by)
{
    for (uint16_t i = 0; i < count; i++) {
        fields[i].pos += by;
        fields_shift((struct pack_field *)fields[i].fields, fields[i].fields_count, by);
    }
}

enum status pack_make(struct pack *out, struct arena *arena, const struct plan_node *of,
                      const uint16_t *columns, uint16_t count, struct diag *diag)
{
    struct layout l = {.arena = arena};
    struct pack_field *fields = ARENA_ARRAY(arena, struct pack_field, count);

    for (uint16_t i = 0; i < count; i++) {
        const struct plan_column *col = &of->columns[columns ? columns[i] : i];
        field_make(&l, col->type, &fields[i]);
    }
    (void)diag;
    uint16_t words = (uint16_t)((l.bits + 63) / 64);
    fields_shift(fields, count, 8u * words);
    *out = (struct pack){.count = count, .columns = columns, .fields = fields,
                         .fixed_bytes = 8u * words + l.pos, .null_words = words,
                         .has_text = l.has_text};
    return ST_OK;
}

static inline const struct column *pack_column(const struct pack *pack, const struct column *cols,
                                               uint16_t i)
{
    return &cols[pack->columns ? pack->columns[i] : i];
}

/* ---- writing ---- */

/* Whether a value is there: its own bit and those of the ROWs around it. */
struct nest {
    const struct nest *up;
    const struct column *col;
};

static inline bool nest_valid(const struct nest *n, uint32_t row)
{
    for (; n; n = n->up)
        if (!column_valid(n->col, row))
            return false;
    return true;
}

static inline uint32_t text_bytes(uint32_t len)
{
    return (len + 7) & ~7u;
}

static void field_sizes(const struct pack_field *f, const struct nest *nest, const uint16_t *rows,
                        uint16_t count, uint32_t *sizes)
{
    if (f->phys == PHYS_ROW) {
        for (uint16_t i = 0; i < f->fields_count; i++) {
            struct nest inner = {nest, &nest->col->children[i]};
            field_sizes(&f->fields[i], &inner, rows, count, sizes);
        }
        return;
    }
    for (uint16_t i = 0; f->phys == PHYS_LIST && i < count; i++)
        if (nest_valid(nest, rows[i]))
            sizes[i] += text_bytes(row_size(f->list, nest->col, rows[i]));
    const struct str *data = nest->col->data;
    for (uint16_t i = 0; f->phys == PHYS_STR && i < count; i++)
        if (nest_valid(nest, rows[i]))
            sizes[i] += text_bytes(data[rows[i]].len);
}

void pack_sizes(const struct pack *pack, const struct column *cols, const uint16_t *rows,
                uint16_t count, uint32_t *sizes)
{
    for (uint16_t i = 0; i < count; i++)
        sizes[i] = pack->fixed_bytes;
    if (!pack->has_text)
        return;
    for (uint16_t c = 0; c < pack->count; c++) {
        struct nest nest = {NULL, pack_column(pack, cols, c)};
        field_sizes(&pack->fields[c], &nest, rows, count, sizes);
    }
}

struct writing {
    const uint16_t *rows;
    uint16_t count;
    uint8_t *const *out;
    uint32_t *ends; /* of each row's text so far */
};

static inline void null_set(uint8_t *row, uint32_t bit)
{
    uint64_t word;

    memcpy(&word, row + 8 * (bit >> 6), 8);
    word |= 1ull << (bit & 63);
    memcpy(row + 8 * (bit >> 6), &word, 8);
}

static inline void text_put(const struct writing *w, uint16_t i, uint32_t pos, const struct str *s)
{
    uint8_t *row = w->out[i];
    uint32_t slot[2] = {s->len ? w->ends[i] : 0, s->len};
    uint32_t whole = text_bytes(s->len);

    memcpy(row + pos, slot, 8);
    if (!whole)
        return;
    memset(row + w->ends[i] + whole - 8, 0, 8);
    memcpy(row + w->ends[i], s->ptr, s->len);
    w->ends[i] += whole;
}

/* The row of a list where text_put would copy a text. */
static void list_put(const struct writing *w, uint16_t i, const struct pack_field *f, const struct column *col)
{
    uint8_t *row = w->out[i];
    uint32_t slot[2] = {w->ends[i], row_size(f->list, col, w->rows[i])};
    uint32_t whole = text_bytes(slot[1]);

    memcpy(row + f->pos, slot, 8);
    memset(row + w->ends[i] + whole - 8, 0, 8);
    row_put(f->list, col, w->rows[i], row + w->ends[i]);
    w->ends[i] += whole;
}

#define WRITE_FIXED(ctype, wide)                                                                   \
    for (uint16_t i = 0; i < w->count; i++) {                                                      \
        wide v = (wide)((const ctype *)nest->col->data)[w->rows[i]];                               \
        if (!plain && !nest_valid(nest, w->rows[i])) {                                             \
            v = 0;                                                                                 \
            null_set(w->out[i], f->null_bit);                                                      \
        }                                                                                          \
        memcpy(w->out[i] + f->pos, &v, sizeof(v));                                                 \
    }                                                                                              \
    break

static void field_write(const struct writing *w, const struct pack_field *f,
                        const struct nest *nest)
{
    bool plain = !nest->up && !nest->col->valid;

    switch (f->phys) {
    case PHYS_ROW:
        for (uint16_t i = 0; i < w->count; i++)
            if (!nest_valid(nest, w->rows[i]))
                null_set(w->out[i], f->null_bit);
        for (uint16_t i = 0; i < f->fields_count; i++) {
            struct nest inner = {nest, &nest->col->children[i]};
            field_write(w, &f->fields[i], &inner);
        }
        break;
    case PHYS_STR:
        for (uint16_t i = 0; i < w->count; i++) {
            struct str none = {0};
            bool valid = plain || nest_valid(nest, w->rows[i]);
            if (!valid)
                null_set(w->out[i], f->null_bit);
            text_put(w, i, f->pos, valid ? &((const struct str *)nest->col->data)[w->rows[i]] : &none);
        }
        break;
    case PHYS_BOOL: WRITE_FIXED(uint8_t, uint64_t);
    case PHYS_I32: WRITE_FIXED(int32_t, int64_t);
    case PHYS_F32: WRITE_FIXED(uint32_t, uint64_t);
    case PHYS_I64:
    case PHYS_F64: WRITE_FIXED(uint64_t, uint64_t);
    case PHYS_I128: WRITE_FIXED(i128, i128);
    case PHYS_NULL:
        for (uint16_t i = 0; i < w->count; i++) {
            memset(w->out[i] + f->pos, 0, 8);
            null_set(w->out[i], f->null_bit);
        }
        break;
    case PHYS_LIST:
        for (uint16_t i = 0; i < w->count; i++) {
            if (plain || nest_valid(nest, w->rows[i])) {
                list_put(w, i, f, nest->col);
                continue;
            }
            null_set(w->out[i], f->null_bit);
            memset(w->out[i] + f->pos, 0, 8);
        }
        break;
    }
}

void pack_write(const struct pack *pack, const struct column *cols, const uint16_t *rows,
                uint16_t count, uint8_t *const *out)
{
    uint32_t ends[CHUNK_ROWS];
    struct writing w = {rows, count, out, ends};

    CHECK(count <= CHUNK_ROWS);
    for (uint16_t i = 0; i < count; i++) {
        memset(out[i], 0, 8u * pack->null_words);
        ends[i] = pack->fixed_bytes;
    }
    for (uint16_t c = 0; c < pack->count; c++) {
        struct nest nest = {NULL, pack_column(pack, cols, c)};
        field_write(&w, &pack->fields[c], &nest);
    }
}

/* ---- reading ---- */

uint64_t *valid_make(struct arena *arena, uint16_t rows)
{
    size_t bytes = ((size_t)rows + 63) / 64 * 8;
    uint64_t *valid = arena_alloc(arena, bytes ? bytes : 8);

    memset(valid, 0xFF, bytes);
    return valid;
}

static inline bool packed_null(const uint8_t *packed, uint32_t bit)
{
    uint64_t word;

    if (!packed)
        return true;
    memcpy(&word, packed + 8 * (bit >> 6), 8);
    return word >> (bit & 63) & 1;
}

static uint64_t *field_valid(const struct pack_field *f, const uint8_t *const *packed,
                             uint16_t count, struct arena *arena)
{
    uint64_t *valid = NULL;

    for (uint16_t i = 0; i < count; i++) {
        if (!packed_null(packed[i], f->null_bit))
            continue;
        if (!valid)
            valid = valid_make(arena, count);
        valid[i >> 6] &= ~(1ull << (i & 63));
    }
    return valid;
}

static struct bytes slot_text(const struct pack_field *f, const uint8_t *packed)
{
    uint32_t slot[2];

    memcpy(slot, packed + f->pos, 8);
    return bytes_of(packed + slot[0], slot[1]);
}

static void lists_read(const struct pack_field *f, const uint8_t *const *packed, uint16_t count,
                       struct arena *arena, struct column *out)
{
    struct column_builder b;

    column_builder_init(&b, arena, f->type, count);
    for (uint16_t i = 0; i < count; i++) {
        if (!packed[i] || packed_null(packed[i], f->null_bit))
            column_put_null(&b);
        else
            CHECK(row_decode(f->list, slot_text(f, packed[i]), &b)); /* pack_check has seen it */
    }
    *out = column_builder_done(&b);
}

#define READ_FIXED(ctype, wide)                                                                    \
    do {                                                                                           \
        ctype *data = arena_alloc(arena, sizeof(ctype) * (count + 1u));                            \
        for (uint16_t i = 0; i < count; i++) {                                                     \
            wide v = 0;                                                                            \
            if (packed[i])                                                                         \
                memcpy(&v, packed[i] + f->pos, sizeof(v));                                         \
            data[i] = (ctype)v;                                                                    \
        }                                                                                          \
        out->data = data;                                                                          \
    } while (0)

static void field_read(const struct pack_field *f, const uint8_t *const *packed, uint16_t count,
                       struct arena *arena, struct column *out)
{
    *out = (struct column){.valid = field_valid(f, packed, count, arena)};
    switch (f->phys) {
    case PHYS_ROW: {
        struct column *children = ARENA_ARRAY(arena, struct column, f->fields_count);
        for (uint16_t i = 0; i < f->fields_count; i++)
            field_read(&f->fields[i], packed, count, arena, &children[i]);
        out->children = children;
        break;
    }
    case PHYS_STR: {
        struct str *data = arena_alloc(arena, sizeof(*data) * (count + 1u));
        for (uint16_t i = 0; i < count; i++) {
            uint32_t slot[2] = {0, 0};
            if (packed[i])
                memcpy(slot, packed[i] + f->pos, 8);
            data[i] = (struct str){slot[1] ? (const char *)packed[i] + slot[0] : "", slot[1], 0};
        }
        out->data = data;
        break;
    }
    case PHYS_BOOL: READ_FIXED(uint8_t, uint64_t); break;
    case PHYS_I32: READ_FIXED(int32_t, int64_t); break;
    case PHYS_F32: READ_FIXED(uint32_t, uint64_t); break;
    case PHYS_I64:
    case PHYS_F64: READ_FIXED(uint64_t, uint64_t); break;
    case PHYS_I128: READ_FIXED(i128, i128); break;
    case PHYS_NULL: break;
    case PHYS_LIST: lists_read(f, packed, count, arena, out); break;
    }
}

void pack_rows(const struct pack *pack, struct arena *arena, const struct column *cols,
               const uint16_t *rows, uint16_t count, uint8_t **packed, uint32_t *sizes)
{
    size_t all = 0;

    pack_sizes(pack, cols, rows, count, sizes);
    for (uint16_t i = 0; i < count; i++)
        all += sizes[i];
    uint8_t *at = arena_alloc(arena, all + 8);
    for (uint16_t i = 0; i < count; at += sizes[i], i++)
        packed[i] = at;
    pack_write(pack, cols, rows, count, packed);
}

void pack_read(const struct pack *pack, uint16_t c, const uint8_t *const *packed, uint16_t count,
               struct arena *arena, struct column *out)
{
    field_read(&pack->fields[c], packed, count, arena, out);
}

void pack_read_all(const struct pack *pack, const uint8_t *const *packed, uint16_t count,
                   struct arena *arena, struct column *out)
{
    for (uint16_t c = 0; c < pack->count; c++)
        field_read(&pack->fields[c], packed, count, arena, &out[c]);
}

static void field_extent(const struct pack_field *f, const uint8_t *packed, uint64_t *end)
{
    for (uint16_t i = 0; i < f->fields_count; i++)
        field_extent(&f->fields[i], packed, end);
    if (f->phys != PHYS_STR && f->phys != PHYS_LIST)
        return;
    uint32_t slot[2];
    memcpy(slot, packed + f->pos, 8);
    uint64_t ends = slot[1] ? (uint64_t)slot[0] + (((uint64_t)slot[1] + 7) & ~7ull) : 0;
    if (ends > *end)
        *end = ends;
}

static uint64_t pack_extent(const struct pack *pack, const uint8_t *packed)
{
    uint64_t end = pack->fixed_bytes;

    for (uint16_t c = 0; pack->has_text && c < pack->count; c++)
        field_extent(&pack->fields[c], packed, &end);
    return end;
}

uint32_t pack_size(const struct pack *pack, const uint8_t *packed)
{
    return (uint32_t)pack_extent(pack, packed);
}

/* Whether the lists in a row, whose slots lie within it, can be read. */
static bool lists_check(const struct pack_field *fields, uint16_t count, const uint8_t *packed, struct arena *arena)
{
    for (uint16_t i = 0; i < count; i++) {
        const struct pack_field *f = &fields[i];
        struct column_builder b;
        if (!lists_check(f->fields, f->fields_count, packed, arena))
            return false;
        if (f->phys != PHYS_LIST || packed_null(packed, f->null_bit))
            continue;
        column_builder_init(&b, arena, f->type, 1);
        if (!row_decode(f->list, slot_text(f, packed), &b) || column_builder_failed(&b))
            return false;
    }
    return true;
}

static bool has_lists(const struct pack_field *fields, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++)
        if (fields[i].phys == PHYS_LIST || has_lists(fields[i].fields, fields[i].fields_count))
            return true;
    return false;
}

bool pack_check(const struct pack *pack, const uint8_t *packed, size_t len)
{
    struct arena scratch;

    if (len < pack->fixed_bytes || pack_extent(pack, packed) != len)
        return false;
    if (!has_lists(pack->fields, pack->count))
        return true;
    arena_init(&scratch, ARENA_BUDGET_NONE);
    bool ok = lists_check(pack->fields, pack->count, packed, &scratch);
    arena_deinit(&scratch);
    return ok;
}

#define COMPARE_AS(ctype)                                                                          \
    do {                                                                                           \
        ctype x, y;                                                                                \
        memcpy(&x, a + f->pos, sizeof(x));                                                         \
        memcpy(&y, b + f->pos, sizeof(y));                                                         \
        return x < y ? -1 : x > y;                                                                 \
    } while (0)

/* NaN stands above all, as Double.compare has it. */
static int compare_f64(double x, double y)
{
    if (x < y)
        return -1;
    if (x > y)
        return 1;
    return (x != x) - (y != y);
}

static double slot_float(const uint8_t *slot, enum phys phys)
{
    float narrow;
    double wide;

    if (phys == PHYS_F32) {
        memcpy(&narrow, slot, 4);
        return (double)narrow;
    }
    memcpy(&wide, slot, 8);
    return wide;
}

int pack_compare(const struct pack *pack, uint16_t c, const uint8_t *a, const uint8_t *b)
{
    const struct pack_field *f = &pack->fields[c];
    bool a_null = packed_null(a, f->null_bit), b_null = packed_null(b, f->null_bit);

    if (a_null || b_null)
        return (int)b_null - (int)a_null;
    switch (f->phys) {
    case PHYS_BOOL:
    case PHYS_I32:
    case PHYS_I64: COMPARE_AS(int64_t);
    case PHYS_I128: COMPARE_AS(i128);
    case PHYS_F32:
    case PHYS_F64:
        return compare_f64(slot_float(a + f->pos, f->phys), slot_float(b + f->pos, f->phys));
    case PHYS_STR: {
        uint32_t x[2], y[2];
        memcpy(x, a + f->pos, 8);
        memcpy(y, b + f->pos, 8);
        return bytes_compare(bytes_of(a + x[0], x[1]), bytes_of(b + y[0], y[1]));
    }
    case PHYS_LIST: return bytes_compare(slot_text(f, a), slot_text(f, b)); /* an order, of no meaning */
    default: return 0;
    }
}

bool pack_hashable(const struct pack *pack, uint16_t c)
{
    switch (pack->fields[c].phys) {
    case PHYS_BOOL:
    case PHYS_I32:
    case PHYS_I64:
    case PHYS_I128:
    case PHYS_STR: return true;
    default: return false;
    }
}

uint64_t pack_hash(const struct pack *pack, uint16_t c, const uint8_t *packed)
{
    const struct pack_field *f = &pack->fields[c];
    uint64_t words[2];
    uint32_t text[2];

    if (packed_null(packed, f->null_bit))
        return 0;
    switch (f->phys) {
    case PHYS_STR:
        memcpy(text, packed + f->pos, 8);
        return hash_bytes(bytes_of(packed + text[0], text[1]));
    case PHYS_I128: memcpy(words, packed + f->pos, 16); return hash_combine(words[0], words[1]);
    default: memcpy(words, packed + f->pos, 8); return hash_u64(words[0]);
    }
}

/* ---- keys ---- */

enum status keyer_make(struct keyer *out, struct arena *arena, const struct plan_node *of,
                       const uint16_t *columns, uint16_t count, struct diag *diag)
{
    memset(out, 0, sizeof(*out));
    TRY(pack_make(&out->pack, arena, of, columns, count, diag));
    uint32_t words = 0;
    bool plain = count <= STATE_KEY_NULLS;
    for (uint16_t c = 0; c < count; c++) {
        enum phys phys = out->pack.fields[c].phys;
        plain = plain && phys < PHYS_STR;
        words += slot_bytes(phys) / 8;
    }
    if (!count)
        words = 1; /* the one key: zero */
    out->words = plain && words <= STATE_WORDS_MAX ? (uint16_t)words : 0;
    return ST_OK;
}

#define KEY_WORDS(expr)                                                                            \
    for (uint16_t i = 0; i < count; i++)                                                           \
        to[(size_t)i * words] = (uint64_t)(expr);                                                  \
    break

/* Writes the word(s) of one key column; w: where in the key. */
static void key_column(const struct pack_field *f, const struct column *col, const uint16_t *rows,
                       uint16_t count, uint64_t *to, uint32_t words)
{
    switch (f->phys) {
    case PHYS_BOOL: KEY_WORDS(((const uint8_t *)col->data)[rows[i]]);
    case PHYS_I32: KEY_WORDS((int64_t)((const int32_t *)col->data)[rows[i]]);
    case PHYS_F32: KEY_WORDS(((const uint32_t *)col->data)[rows[i]]);
    case PHYS_I64:
    case PHYS_F64: KEY_WORDS(((const uint64_t *)col->data)[rows[i]]);
    case PHYS_I128:
        for (uint16_t i = 0; i < count; i++)
            memcpy(&to[(size_t)i * words], &((const i128 *)col->data)[rows[i]], 16);
        break;
    default: KEY_WORDS(0);
    }
}

static void keys_fixed(const struct keyer *k, const struct column *cols, const uint16_t *rows,
                       uint16_t count, struct arena *arena, struct state_keys *out)
{
    uint32_t w = 0;
    uint64_t *fixed = arena_alloc(arena, 8u * k->words * count + 8);
    uint32_t *nulls = NULL;

    for (uint16_t c = 0; c < k->pack.count; c++) {
        const struct column *col = pack_column(&k->pack, cols, c);
        uint32_t wide = slot_bytes(k->pack.fields[c].phys) / 8;
        key_column(&k->pack.fields[c], col, rows, count, fixed + w, k->words);
        bool all_null = k->pack.fields[c].phys == PHYS_NULL;
        for (uint16_t i = 0; (col->valid || all_null) && i < count; i++) {
            if (!all_null && column_valid(col, rows[i]))
                continue;
            if (!nulls) {
                nulls = arena_alloc(arena, 4u * count);
                memset(nulls, 0, 4u * count);
            }
            nulls[i] |= 1u << c;
            memset(&fixed[(size_t)i * k->words + w], 0, 8 * wide);
        }
        w += wide;
    }
    if (!k->pack.count)
        memset(fixed, 0, 8u * count);
    out->fixed = fixed;
    out->nulls = nulls;
}

static void keys_bytes(const struct keyer *k, const struct column *cols, const uint16_t *rows,
                       uint16_t count, struct arena *arena, struct state_keys *out)
{
    uint32_t *sizes = arena_alloc(arena, 4u * count + 8);
    uint8_t **at = arena_alloc(arena, sizeof(*at) * (count + 1u));
    struct bytes *bytes = arena_alloc(arena, sizeof(*bytes) * (count + 1u));
    size_t all = 0;

    pack_sizes(&k->pack, cols, rows, count, sizes);
    for (uint16_t i = 0; i < count; i++)
        all += sizes[i];
    uint8_t *data = arena_alloc(arena, all + 8);
    for (uint16_t i = 0; i < count; i++) {
        at[i] = data;
        bytes[i] = bytes_of(data, sizes[i]);
        data += sizes[i];
    }
    pack_write(&k->pack, cols, rows, count, at);
    out->bytes = bytes;
}

void keyer_keys(const struct keyer *k, const struct column *cols, const uint16_t *rows,
                uint16_t count, struct arena *arena, struct state_keys *out)
{
    uint64_t *hashes = arena_alloc(arena, 8u * count + 8);

    *out = (struct state_keys){.count = count, .words = k->words};
    if (k->words)
        keys_fixed(k, cols, rows, count, arena, out);
    else
        keys_bytes(k, cols, rows, count, arena, out);
    state_hash(out, hashes);
    out->hashes = hashes;
}

uint64_t keyer_none(void)
{
    const uint64_t zero = 0;
    return state_hash_fixed(&zero, 1, 0);
}

bool keyer_has_null(const struct keyer *k, const struct state_keys *keys, uint32_t i)
{
    if (k->words)
        return keys->nulls && keys->nulls[i];
    for (uint16_t c = 0; c < k->pack.count; c++)
        if (packed_null(keys->bytes[i].ptr, k->pack.fields[c].null_bit))
            return true;
    return false;
}

#define ENTRY_READ(ctype, expr)                                                                    \
    do {                                                                                           \
        ctype *data = arena_alloc(arena, sizeof(ctype) * (count + 1u));                            \
        for (uint16_t i = 0; i < count; i++) {                                                     \
            uint64_t v = state_key_words(t, values[i])[w];                                         \
            data[i] = (expr);                                                                      \
        }                                                                                          \
        out->data = data;                                                                          \
    } while (0)

static void entry_column(const struct state_table *t, enum phys phys, uint16_t c, uint32_t w,
                         void *const *values, uint16_t count, struct arena *arena,
                         struct column *out)
{
    uint64_t *valid = NULL;

    *out = (struct column){0};
    for (uint16_t i = 0; i < count; i++) {
        if (!(state_key_nulls(t, values[i]) >> c & 1))
            continue;
        if (!valid)
            valid = valid_make(arena, count);
        valid[i >> 6] &= ~(1ull << (i & 63));
    }
    out->valid = valid;
    switch (phys) {
    case PHYS_BOOL: ENTRY_READ(uint8_t, (uint8_t)v); break;
    case PHYS_I32: ENTRY_READ(int32_t, (int32_t)v); break;
    case PHYS_F32: ENTRY_READ(uint32_t, (uint32_t)v); break;
    case PHYS_I128: {
        i128 *data = arena_alloc(arena, sizeof(i128) * (count + 1u));
        for (uint16_t i = 0; i < count; i++)
            memcpy(&data[i], &state_key_words(t, values[i])[w], 16);
        out->data = data;
        break;
    }
    default: ENTRY_READ(uint64_t, v); break;
    }
}

void keyer_read(const struct keyer *k, const struct state_table *t, void *const *values,
                uint16_t count, struct arena *arena, struct column *out)
{
    if (k->words) {
        for (uint16_t c = 0, w = 0; c < k->pack.count; c++) {
            enum phys phys = k->pack.fields[c].phys;
            entry_column(t, phys, c, w, values, count, arena, &out[c]);
            w = (uint16_t)(w + slot_bytes(phys) / 8);
        }
        return;
    }
    const uint8_t **packed = arena_alloc(arena, sizeof(*packed) * (count + 1u));
    for (uint16_t i = 0; i < count; i++)
        packed[i] = state_key_bytes(t, values[i]).ptr;
    pack_read_all(&k->pack, packed, count, arena, out);
}

void keyer_of_entries(const struct keyer *k, const struct state_table *t, void *const *values,
                      uint16_t count, struct arena *arena, struct state_keys *out)
{
    uint64_t *hashes = arena_alloc(arena, 8u * count + 8);

    *out = (struct state_keys){.count = count, .words = k->words};
    if (k->words) {
        uint64_t *fixed = arena_alloc(arena, 8u * k->words * count + 8);
        uint32_t *nulls = arena_alloc(arena, 4u * count + 4);
        for (uint16_t i = 0; i < count; i++) {
            memcpy(fixed + (size_t)i * k->words, state_key_words(t, values[i]), 8u * k->words);
            nulls[i] = state_key_nulls(t, values[i]);
        }
        out->fixed = fixed;
        out->nulls = nulls;
    } else {
        struct bytes *bytes = arena_alloc(arena, sizeof(*bytes) * (count + 1u));
        for (uint16_t i = 0; i < count; i++)
            bytes[i] = state_key_bytes(t, values[i]);
        out->bytes = bytes;
    }
    state_hash(out, hashes);
    out->hashes = hashes;
}

/* ---- columns ---- */

#define PICK(ctype)                                                                                \
    do {                                                                                           \
        ctype *data = arena_alloc(arena, sizeof(ctype) * (count + 1u));                            \
        for (uint16_t i = 0; i < count; i++)                                                       \
            data[i] = ((const ctype *)from->data)[rows[i]];                                        \
        out->data = data;                                                                          \
    } while (0)

void column_pick(const struct column *from, const struct type *type, const uint16_t *rows,
                 uint16_t count, struct arena *arena, struct column *out)
{
    *out = (struct column){0};
    if (from->valid) {
        uint64_t *valid = valid_make(arena, count);
        for (uint16_t i = 0; i < count; i++)
            if (!column_valid(from, rows[i]))
                valid[i >> 6] &= ~(1ull << (i & 63));
        out->valid = valid;
    }
    switch (type_phys(type->kind)) {
    case PHYS_BOOL: PICK(uint8_t); break;
    case PHYS_I32:
    case PHYS_F32: PICK(uint32_t); break;
    case PHYS_I64:
    case PHYS_F64: PICK(uint64_t); break;
    case PHYS_I128: PICK(i128); break;
    case PHYS_STR: PICK(struct str); break;
    case PHYS_ROW: {
        struct column *children = ARENA_ARRAY(arena, struct column, type->fields_count);
        for (uint16_t i = 0; i < type->fields_count; i++)
            column_pick(&from->children[i], type->fields[i].type, rows, count, arena, &children[i]);
        out->children = children;
        break;
    }
    case PHYS_NULL: break;
    case PHYS_LIST: {
        struct column_builder b;
        column_builder_init(&b, arena, type, count);
        column_append_rows(&b, from, rows, count);
        *out = column_builder_done(&b);
        break;
    }
    }
}
