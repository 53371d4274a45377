/* Keys that compare by memcmp (row.h). */
#include "base/check.h"
#include "base/endian.h"
#include "data/row.h"

enum { MARK_NULL_FIRST = 0, MARK_VALUE = 1, MARK_NULL_LAST = 2 };

/* Bits of a float turned so that they sort as unsigned: the sign set is inverted whole. NaN comes last,
 * -0.0 is 0.0. */
static uint64_t f64_key(double v)
{
    uint64_t bits;

    if (v != v)
        return UINT64_MAX;
    v += 0.0;
    memcpy(&bits, &v, sizeof(bits));
    return bits >> 63 ? ~bits : bits | 1ull << 63;
}

static double f64_unkey(uint64_t key)
{
    double v;

    if (key == UINT64_MAX)
        return __builtin_nan("");
    key = key >> 63 ? key & ~(1ull << 63) : ~key;
    memcpy(&v, &key, sizeof(v));
    return v;
}

static void append_u64(struct buf *to, uint64_t v)
{
    buf_u64_be(to, v);
}

static void append_text(struct buf *to, const struct str *s)
{
    struct bytes text = bytes_of(s->ptr, s->len);

    while (text.len) {
        size_t run = bytes_find(text, 0, 0);
        buf_append(to, text.ptr, run);
        text = bytes_skip(text, run);
        if (text.len) {
            buf_append(to, "\x00\xff", 2);
            text = bytes_skip(text, 1);
        }
    }
    buf_append(to, "\x00\x00", 2);
}

static void append_value(struct buf *to, const struct type *type, const struct column *col,
                         uint32_t row)
{
    i128 dec;

    switch (type_phys(type->kind)) {
    case PHYS_NULL: break;
    case PHYS_BOOL: buf_u8(to, ((const uint8_t *)col->data)[row]); break;
    case PHYS_I32: buf_u32_be(to, ((const uint32_t *)col->data)[row] ^ 1u << 31); break;
    case PHYS_I64: append_u64(to, ((const uint64_t *)col->data)[row] ^ 1ull << 63); break;
    case PHYS_I128:
        dec = ((const i128 *)col->data)[row];
        append_u64(to, (uint64_t)(dec >> 64) ^ 1ull << 63);
        append_u64(to, (uint64_t)dec);
        break;
    case PHYS_F32: append_u64(to, f64_key((double)((const float *)col->data)[row])); break;
    case PHYS_F64: append_u64(to, f64_key(((const double *)col->data)[row])); break;
    case PHYS_STR: append_text(to, &((const struct str *)col->data)[row]); break;
    case PHYS_ROW:
        for (uint16_t i = 0; i < type->fields_count; i++)
            keycode_append(to, type->fields[i].type, &col->children[i], row, KEY_ASCENDING);
        break;
    case PHYS_LIST:
        for (uint32_t e = col->offsets[row]; e < col->offsets[row + 1]; e++) {
            buf_u8(to, 1);
            for (uint16_t i = 0; i < type->fields_count; i++)
                keycode_append(to, type->fields[i].type, &col->children[i], e, KEY_ASCENDING);
        }
        buf_u8(to, 0);
        break;
    }
}

void keycode_append(struct buf *to, const struct type *type, const struct column *col, uint32_t row,
                    unsigned order)
{
    if (!column_valid(col, row)) {
        buf_u8(to, order & KEY_NULLS_LAST ? MARK_NULL_LAST : MARK_NULL_FIRST);
        return;
    }
    buf_u8(to, MARK_VALUE);
    size_t from = to->len;
    append_value(to, type, col, row);
    if (order & KEY_DESCENDING)
        for (size_t i = from; i < to->len; i++)
            to->ptr[i] = (uint8_t)~to->ptr[i];
}

/* ---- reading ---- */

struct key_reader {
    struct reader *r;
    uint8_t flip; /* 0xff in a descending key */
};

static uint8_t key_u8(struct key_reader *k)
{
    return reader_u8(k->r) ^ k->flip;
}

static uint64_t key_u64(struct key_reader *k)
{
    uint64_t v = reader_u64_be(k->r);
    return k->flip ? ~v : v;
}

/* Unescapes into the builder's arena. */
static bool read_text(struct key_reader *k, struct column_builder *b)
{
    struct buf text;
    bool ok = false;

    buf_init(&text, 0);
    while (!k->r->bad) {
        uint8_t c = key_u8(k);
        if (c == 0) {
            uint8_t next = key_u8(k);
            ok = !k->r->bad && next == 0;
            if (next != 0xff)
                break;
        }
        buf_u8(&text, c);
    }
    if (ok)
        column_put_text(b, buf_view(&text));
    buf_deinit(&text);
    return ok;
}

static bool read_key(struct key_reader *k, struct column_builder *b);

static bool read_children(struct key_reader *k, struct column_builder *b)
{
    for (uint16_t i = 0; i < b->type->fields_count; i++)
        if (!read_key(k, &b->children[i]))
            return false;
    return true;
}

static bool read_list(struct key_reader *k, struct column_builder *b)
{
    while (key_u8(k) == 1)
        if (k->r->bad || !read_children(k, b))
            return false;
    column_put_list(b);
    return !k->r->bad;
}

static bool read_value(struct key_reader *k, struct column_builder *b)
{
    uint64_t high, low;

    switch (b->phys) {
    case PHYS_NULL: column_put_null(b); break;
    case PHYS_BOOL: column_put_bool(b, key_u8(k) == 1); break;
    case PHYS_I32:
        low = reader_u32_be(k->r) ^ (k->flip ? UINT32_MAX : 0);
        column_put_i32(b, (int32_t)((uint32_t)low ^ 1u << 31));
        break;
    case PHYS_I64: column_put_i64(b, (int64_t)(key_u64(k) ^ 1ull << 63)); break;
    case PHYS_I128:
        high = key_u64(k) ^ 1ull << 63;
        low = key_u64(k);
        column_put_i128(b, (i128)((unsigned __int128)high << 64 | low));
        break;
    case PHYS_F32: column_put_f32(b, (float)f64_unkey(key_u64(k))); break;
    case PHYS_F64: column_put_f64(b, f64_unkey(key_u64(k))); break;
    case PHYS_STR: return read_text(k, b);
    case PHYS_ROW:
        if (!read_children(k, b))
            return false;
        column_put_row(b);
        break;
    case PHYS_LIST: return read_list(k, b);
    }
    return !k->r->bad;
}

/* A nested key: its marker is inverted with the rest. */
static bool read_key(struct key_reader *k, struct column_builder *b)
{
    uint8_t mark = key_u8(k);

    if (k->r->bad || mark > MARK_NULL_LAST)
        return false;
    if (mark == MARK_VALUE)
        return read_value(k, b);
    column_put_null(b);
    return true;
}

bool keycode_read(struct reader *from, unsigned order, struct column_builder *b)
{
    struct key_reader k = {from, 0};
    uint8_t mark = reader_u8(from);

    if (from->bad || mark > MARK_NULL_LAST)
        return false;
    if (mark != MARK_VALUE) {
        column_put_null(b);
        return true;
    }
    k.flip = order & KEY_DESCENDING ? 0xff : 0;
    return read_value(&k, b);
}
