#include "data/row.h"

#include "base/check.h"
#include "base/endian.h"

static size_t bits_size(uint16_t columns)
{
    return (columns + 7u) / 8;
}

static bool is_fixed(enum phys phys)
{
    return phys < PHYS_STR;
}

struct row_codec row_codec_make(const struct type *const *types, const uint16_t *columns,
                                uint16_t count)
{
    struct row_codec codec = {.count = count, .columns = columns, .types = types, .fixed = true};

    codec.fixed_size = (uint32_t)bits_size(count);
    for (uint16_t c = 0; c < count; c++) {
        enum phys phys = type_phys(types[c]->kind);
        codec.fixed = codec.fixed && is_fixed(phys);
        codec.fixed_size += (uint32_t)(is_fixed(phys) ? phys_size(phys) : 0);
    }
    return codec;
}

static const struct column *codec_column(const struct row_codec *codec, const struct column *cols,
                                         uint16_t c)
{
    return &cols[codec->columns ? codec->columns[c] : c];
}

/* ---- sizes ---- */

static uint32_t uvarint_size(uint64_t v)
{
    uint32_t n = 1;
    for (; v >= 0x80; v >>= 7)
        n++;
    return n;
}

static size_t value_size(const struct type *type, const struct column *col, uint32_t row);

static size_t fields_size(const struct type *type, const struct column *children, uint32_t row)
{
    size_t size = bits_size(type->fields_count);

    for (uint16_t i = 0; i < type->fields_count; i++)
        if (column_valid(&children[i], row))
            size += value_size(type->fields[i].type, &children[i], row);
    return size;
}

static size_t value_size(const struct type *type, const struct column *col, uint32_t row)
{
    switch (type_phys(type->kind)) {
    case PHYS_STR: {
        uint32_t len = ((const struct str *)col->data)[row].len;
        return uvarint_size(len) + len;
    }
    case PHYS_ROW: return fields_size(type, col->children, row);
    case PHYS_LIST: {
        uint32_t from = col->offsets[row], to = col->offsets[row + 1];
        size_t size = uvarint_size(to - from);
        for (uint32_t e = from; e < to; e++)
            size += fields_size(type, col->children, e);
        return size;
    }
    default: return phys_size(type_phys(type->kind));
    }
}

/* ---- writing ---- */

static uint8_t *put_uvarint(uint8_t *to, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *to++ = (uint8_t)(v | 0x80);
    *to++ = (uint8_t)v;
    return to;
}

static uint8_t *put_value(uint8_t *to, const struct type *type, const struct column *col,
                          uint32_t row);

static uint8_t *put_fields(uint8_t *to, const struct type *type, const struct column *children,
                           uint32_t row)
{
    uint8_t *bits = to;

    to += bits_size(type->fields_count);
    memset(bits, 0, (size_t)(to - bits));
    for (uint16_t i = 0; i < type->fields_count; i++) {
        if (column_valid(&children[i], row))
            to = put_value(to, type->fields[i].type, &children[i], row);
        else
            bits[i >> 3] = (uint8_t)(bits[i >> 3] | 1u << (i & 7));
    }
    return to;
}

static uint8_t *put_str(uint8_t *to, const struct str *s)
{
    to = put_uvarint(to, s->len);
    if (s->len)
        memcpy(to, s->ptr, s->len);
    return to + s->len;
}

static uint8_t *put_i128(uint8_t *to, i128 v)
{
    store_u64_le(to, (uint64_t)v);
    store_u64_le(to + 8, (uint64_t)(v >> 64));
    return to + 16;
}

static uint8_t *put_list(uint8_t *to, const struct type *type, const struct column *col,
                         uint32_t row)
{
    to = put_uvarint(to, col->offsets[row + 1] - col->offsets[row]);
    for (uint32_t e = col->offsets[row]; e < col->offsets[row + 1]; e++)
        to = put_fields(to, type, col->children, e);
    return to;
}

static uint8_t *put_value(uint8_t *to, const struct type *type, const struct column *col,
                          uint32_t row)
{
    switch (type_phys(type->kind)) {
    case PHYS_NULL: return to;
    case PHYS_BOOL: *to = ((const uint8_t *)col->data)[row]; return to + 1;
    case PHYS_I32:
    case PHYS_F32: store_u32_le(to, ((const uint32_t *)col->data)[row]); return to + 4;
    case PHYS_I64:
    case PHYS_F64: store_u64_le(to, ((const uint64_t *)col->data)[row]); return to + 8;
    case PHYS_I128: return put_i128(to, ((const i128 *)col->data)[row]);
    case PHYS_STR: return put_str(to, &((const struct str *)col->data)[row]);
    case PHYS_ROW: return put_fields(to, type, col->children, row);
    case PHYS_LIST: return put_list(to, type, col, row);
    }
    UNREACHABLE();
}

uint32_t row_size(const struct row_codec *codec, const struct column *cols, uint32_t row)
{
    size_t size = bits_size(codec->count);

    for (uint16_t c = 0; c < codec->count; c++) {
        const struct column *col = codec_column(codec, cols, c);
        if (column_valid(col, row))
            size += value_size(codec->types[c], col, row);
    }
    CHECK(size <= UINT32_MAX);
    return (uint32_t)size;
}

void row_put(const struct row_codec *codec, const struct column *cols, uint32_t row, uint8_t *to)
{
    uint8_t *at = to + bits_size(codec->count);

    memset(to, 0, bits_size(codec->count));
    for (uint16_t c = 0; c < codec->count; c++) {
        const struct column *col = codec_column(codec, cols, c);
        if (column_valid(col, row))
            at = put_value(at, codec->types[c], col, row);
        else
            to[c >> 3] = (uint8_t)(to[c >> 3] | 1u << (c & 7));
    }
}

void row_encode(const struct row_codec *codec, const struct column *cols, uint32_t row, struct buf *to)
{
    uint32_t size = row_size(codec, cols, row);
    uint8_t *start = buf_reserve(to, size);

    if (!start)
        return;
    row_put(codec, cols, row, start);
    buf_advance(to, size);
}

#define ROW_OF(i) (rows ? rows[i] : (uint32_t)(i))

static void add_sizes(const struct type *type, const struct column *col, const uint16_t *rows,
                      uint16_t count, size_t *sizes)
{
    enum phys phys = type_phys(type->kind);

    if (is_fixed(phys) && !col->valid) {
        for (uint16_t i = 0; i < count; i++)
            sizes[i] += phys_size(phys);
        return;
    }
    for (uint16_t i = 0; i < count; i++)
        if (column_valid(col, ROW_OF(i)))
            sizes[i] += value_size(type, col, ROW_OF(i));
}

#define PUT_EACH(ctype, put)                                                                       \
    for (uint16_t i = 0; i < count; i++) {                                                         \
        const ctype v = ((const ctype *)col->data)[ROW_OF(i)];                                     \
        put;                                                                                       \
    }

/* One column of all rows, each at its own place, which moves on. */
static void put_column(const struct type *type, const struct column *col, const uint16_t *rows,
                       uint16_t count, uint8_t **at)
{
    switch (type_phys(type->kind)) {
    case PHYS_BOOL: PUT_EACH(uint8_t, *at[i]++ = v) return;
    case PHYS_I32:
    case PHYS_F32: PUT_EACH(uint32_t, (store_u32_le(at[i], v), at[i] += 4)) return;
    case PHYS_I64:
    case PHYS_F64: PUT_EACH(uint64_t, (store_u64_le(at[i], v), at[i] += 8)) return;
    default:
        for (uint16_t i = 0; i < count; i++)
            at[i] = put_value(at[i], type, col, ROW_OF(i));
    }
}

static void put_nullable(const struct type *type, const struct column *col, const uint16_t *rows,
                         uint16_t count, uint16_t c, struct bytes *out, uint8_t **at)
{
    for (uint16_t i = 0; i < count; i++) {
        uint8_t *bits = (uint8_t *)(uintptr_t)out[i].ptr;
        if (column_valid(col, ROW_OF(i)))
            at[i] = put_value(at[i], type, col, ROW_OF(i));
        else
            bits[c >> 3] = (uint8_t)(bits[c >> 3] | 1u << (c & 7));
    }
}

bool row_encode_many(const struct row_codec *codec, const struct column *cols, const uint16_t *rows,
                     uint16_t count, struct arena *arena, struct bytes *out)
{
    size_t sizes[CHUNK_ROWS], total = 0, bits = bits_size(codec->count);
    uint8_t *at[CHUNK_ROWS];

    CHECK(count <= CHUNK_ROWS);
    for (uint16_t i = 0; i < count; i++)
        sizes[i] = bits;
    for (uint16_t c = 0; c < codec->count; c++)
        add_sizes(codec->types[c], codec_column(codec, cols, c), rows, count, sizes);
    for (uint16_t i = 0; i < count; i++)
        total += sizes[i];
    uint8_t *memory = arena_try(arena, total ? total : 1);
    if (!memory)
        return false;
    for (uint16_t i = 0; i < count; i++) {
        out[i] = bytes_of(memory, sizes[i]);
        memset(memory, 0, bits);
        at[i] = memory + bits;
        memory += sizes[i];
    }
    for (uint16_t c = 0; c < codec->count; c++) {
        const struct column *col = codec_column(codec, cols, c);
        if (col->valid)
            put_nullable(codec->types[c], col, rows, count, c, out, at);
        else if (type_phys(codec->types[c]->kind) != PHYS_NULL)
            put_column(codec->types[c], col, rows, count, at);
    }
    for (uint16_t i = 0; i < count; i++)
        CHECK_SLOW(at[i] == out[i].ptr + out[i].len);
    return true;
}

/* ---- reading ---- */

static bool get_value(struct reader *r, struct column_builder *b);

static bool get_fields(struct reader *r, struct column_builder *children, uint16_t count)
{
    struct bytes bits = reader_bytes(r, bits_size(count));

    if (r->bad)
        return false;
    for (uint16_t i = 0; i < count; i++) {
        if (bits.ptr[i >> 3] >> (i & 7) & 1)
            column_put_null(&children[i]);
        else if (!get_value(r, &children[i]))
            return false;
    }
    return true;
}

static bool get_list(struct reader *r, struct column_builder *b)
{
    uint64_t count = reader_uvarint(r);

    if (r->bad || count > reader_left(r)) /* an element has one byte of NULL bits at least */
        return false;
    for (uint64_t e = 0; e < count; e++)
        if (!get_fields(r, b->children, b->type->fields_count))
            return false;
    column_put_list(b);
    return true;
}

static bool get_value(struct reader *r, struct column_builder *b)
{
    switch (b->phys) {
    case PHYS_NULL: column_put_null(b); return true;
    case PHYS_BOOL: column_put_bool(b, reader_u8(r) != 0); return !r->bad;
    case PHYS_I32:
    case PHYS_F32: column_put_i32(b, (int32_t)reader_u32_le(r)); return !r->bad;
    case PHYS_I64:
    case PHYS_F64: column_put_i64(b, (int64_t)reader_u64_le(r)); return !r->bad;
    case PHYS_I128: {
        uint64_t low = reader_u64_le(r), high = reader_u64_le(r);
        column_put_i128(b, (i128)((unsigned __int128)high << 64 | low));
        return !r->bad;
    }
    case PHYS_STR: {
        struct bytes text = reader_sized(r);
        if (r->bad || text.len > TYPE_LENGTH_MAX)
            return false;
        column_put_str(b, text);
        return true;
    }
    case PHYS_ROW:
        if (!get_fields(r, b->children, b->type->fields_count))
            return false;
        column_put_row(b);
        return true;
    case PHYS_LIST: return get_list(r, b);
    }
    UNREACHABLE();
}

bool row_decode(const struct row_codec *codec, struct bytes row, struct column_builder *b)
{
    struct reader r = reader_of(row);

    return get_fields(&r, b, codec->count) && reader_left(&r) == 0;
}

/* The same number of bytes and no NULLs in each: values lie at the same place of each row. */
static bool same_shape(const struct row_codec *codec, const struct bytes *rows, uint16_t count)
{
    uint8_t any = 0;

    if (!codec->fixed)
        return false;
    for (uint16_t i = 0; i < count; i++) {
        if (rows[i].len != codec->fixed_size)
            return false;
        for (size_t k = 0; k < bits_size(codec->count); k++)
            any |= rows[i].ptr[k];
    }
    return any == 0;
}

bool row_decode_many(const struct row_codec *codec, const struct bytes *rows, uint16_t count,
                     struct column_builder *b)
{
    size_t pos = bits_size(codec->count);

    if (!same_shape(codec, rows, count)) {
        for (uint16_t i = 0; i < count; i++)
            if (!row_decode(codec, rows[i], b))
                return false;
        return true;
    }
    for (uint16_t c = 0; c < codec->count; c++) {
        for (uint16_t i = 0; i < count; i++) {
            struct reader r = reader_of(bytes_skip(rows[i], pos));
            if (!get_value(&r, &b[c]))
                return false;
        }
        pos += phys_size(b[c].phys);
    }
    return true;
}
