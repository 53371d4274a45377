#include "data/builder.h"

#include "base/check.h"
#include "data/expr.h"

enum { CAP_MIN = 16 };

static size_t valid_bytes(uint32_t cap)
{
    return ((size_t)cap + 63) / 64 * sizeof(uint64_t);
}

static void *take(struct column_builder *b, size_t size)
{
    void *p = arena_try(b->arena, size);
    if (!p)
        b->failed = true;
    return p;
}

static void init_children(struct column_builder *b)
{
    uint16_t count = b->type->fields_count;

    b->children = take(b, sizeof(*b->children) * (count ? count : 1u));
    for (uint16_t i = 0; b->children && i < count; i++)
        column_builder_init(&b->children[i], b->arena, b->type->fields[i].type,
                            b->phys == PHYS_ROW ? b->cap : CAP_MIN);
}

void column_builder_init(struct column_builder *b, struct arena *arena, const struct type *type,
                         uint32_t cap)
{
    *b = (struct column_builder){.type = type, .arena = arena, .phys = type_phys(type->kind)};
    b->cap = cap ? cap : 1;
    if (phys_size(b->phys))
        b->data = take(b, phys_size(b->phys) * b->cap);
    if (b->phys == PHYS_LIST) {
        b->offsets = take(b, sizeof(uint32_t) * (b->cap + 1u));
        if (b->offsets)
            b->offsets[0] = 0;
    }
    if (b->phys == PHYS_ROW || b->phys == PHYS_LIST)
        init_children(b);
    if (b->failed)
        b->cap = 0;
}

bool column_builder_failed(const struct column_builder *b)
{
    if (b->failed)
        return true;
    for (uint16_t i = 0; b->children && i < b->type->fields_count; i++)
        if (column_builder_failed(&b->children[i]))
            return true;
    return false;
}

struct column column_builder_done(const struct column_builder *b)
{
    struct column col = {.data = b->data, .valid = b->valid, .offsets = b->offsets};

    if (b->children && !b->failed) {
        struct column *children = ARENA_ARRAY(b->arena, struct column, b->type->fields_count);
        for (uint16_t i = 0; i < b->type->fields_count; i++)
            children[i] = column_builder_done(&b->children[i]);
        col.children = children;
    }
    return col;
}

static void *regrow(struct column_builder *b, const void *old, size_t old_size, size_t size)
{
    void *p = take(b, size);
    if (p && old_size)
        memcpy(p, old, old_size);
    return p;
}

void column_grow(struct column_builder *b)
{
    uint32_t cap = b->cap < CAP_MIN ? CAP_MIN : b->cap * 2;
    size_t size = phys_size(b->phys);

    if (b->failed)
        return;
    if (cap > UINT32_MAX / 4) {
        b->failed = true;
        return;
    }
    if (size)
        b->data = regrow(b, b->data, size * b->rows, size * cap);
    if (b->valid && !b->failed) {
        uint64_t *valid = take(b, valid_bytes(cap));
        if (valid) {
            memset(valid, 0xff, valid_bytes(cap));
            memcpy(valid, b->valid, valid_bytes(b->cap));
        }
        b->valid = valid;
    }
    if (b->offsets && !b->failed)
        b->offsets = regrow(b, b->offsets, sizeof(uint32_t) * (b->rows + 1u),
                            sizeof(uint32_t) * (cap + 1u));
    b->cap = cap;
}

static void clear_bit(struct column_builder *b, uint32_t row)
{
    if (!b->valid) {
        b->valid = take(b, valid_bytes(b->cap));
        if (!b->valid)
            return;
        memset(b->valid, 0xff, valid_bytes(b->cap));
    }
    b->valid[row >> 6] &= ~(1ull << (row & 63));
}

void column_truncate(struct column_builder *b, uint32_t rows)
{
    if (b->failed || rows >= b->rows)
        return;
    for (uint32_t r = rows; b->valid && r < b->rows; r++)
        b->valid[r >> 6] |= 1ull << (r & 63);
    for (uint16_t i = 0; b->children && i < b->type->fields_count; i++)
        column_truncate(&b->children[i], b->phys == PHYS_LIST ? b->offsets[rows] : rows);
    b->rows = rows;
}

void column_put_null(struct column_builder *b)
{
    size_t size = phys_size(b->phys);

    if (!column_room(b))
        return;
    clear_bit(b, b->rows);
    if (size)
        memset((uint8_t *)b->data + size * b->rows, 0, size);
    if (b->phys == PHYS_ROW)
        for (uint16_t i = 0; i < b->type->fields_count; i++)
            column_put_null(&b->children[i]);
    if (b->phys == PHYS_LIST)
        b->offsets[b->rows + 1] = b->offsets[b->rows];
    b->rows++;
}

void column_put_text(struct column_builder *b, struct bytes text)
{
    if (!column_room(b))
        return;
    char *copy = text.len > UINT32_MAX ? NULL : arena_try(b->arena, text.len);
    if (!copy) {
        b->failed = true;
        return;
    }
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    ((struct str *)b->data)[b->rows++] = (struct str){copy, (uint32_t)text.len, 0};
}

void column_put_value(struct column_builder *b, const union value *v)
{
    switch (b->phys) {
    case PHYS_BOOL: column_put_bool(b, v->b); break;
    case PHYS_I32: column_put_i32(b, v->i32); break;
    case PHYS_I64: column_put_i64(b, v->i64); break;
    case PHYS_I128: column_put_i128(b, v->dec); break;
    case PHYS_F32: column_put_f32(b, v->f32); break;
    case PHYS_F64: column_put_f64(b, v->f64); break;
    case PHYS_STR: column_put_str(b, bytes_of(v->str.ptr, v->str.len)); break;
    default: CHECK(b->phys == PHYS_NULL); column_put_null(b);
    }
}

void column_put_row(struct column_builder *b)
{
    if (!column_room(b))
        return;
    b->rows++;
}

void column_put_list(struct column_builder *b)
{
    if (!column_room(b))
        return;
    b->offsets[b->rows + 1] = b->children[0].rows;
    b->rows++;
}

/* ---- copies ---- */

static void append_list(struct column_builder *b, const struct column *from, uint32_t row)
{
    for (uint32_t e = from->offsets[row]; e < from->offsets[row + 1]; e++)
        for (uint16_t i = 0; i < b->type->fields_count; i++)
            column_append(&b->children[i], &from->children[i], e);
    column_put_list(b);
}

void column_append(struct column_builder *b, const struct column *from, uint32_t row)
{
    if (!column_valid(from, row)) {
        column_put_null(b);
        return;
    }
    switch (b->phys) {
    case PHYS_NULL: column_put_null(b); break;
    case PHYS_BOOL: column_put_bool(b, ((const uint8_t *)from->data)[row]); break;
    case PHYS_I32: column_put_i32(b, ((const int32_t *)from->data)[row]); break;
    case PHYS_I64: column_put_i64(b, ((const int64_t *)from->data)[row]); break;
    case PHYS_I128: column_put_i128(b, ((const i128 *)from->data)[row]); break;
    case PHYS_F32: column_put_f32(b, ((const float *)from->data)[row]); break;
    case PHYS_F64: column_put_f64(b, ((const double *)from->data)[row]); break;
    case PHYS_STR: {
        const struct str *s = &((const struct str *)from->data)[row];
        column_put_str(b, bytes_of(s->ptr, s->len));
        break;
    }
    case PHYS_ROW:
        for (uint16_t i = 0; i < b->type->fields_count; i++)
            column_append(&b->children[i], &from->children[i], row);
        column_put_row(b);
        break;
    case PHYS_LIST: append_list(b, from, row); break;
    }
}

#define GATHER(ctype)                                                                              \
    do {                                                                                           \
        ctype *restrict to = (ctype *)b->data + b->rows;                                           \
        const ctype *restrict src = from->data;                                                    \
        if (rows)                                                                                  \
            for (uint16_t i = 0; i < count; i++)                                                   \
                to[i] = src[rows[i]];                                                              \
        else                                                                                       \
            memcpy(to, src, sizeof(ctype) * count);                                                \
        b->rows += count;                                                                          \
    } while (0)

void column_append_rows(struct column_builder *b, const struct column *from, const uint16_t *rows,
                        uint16_t count)
{
    bool slow = from->valid || b->phys >= PHYS_ROW || b->phys == PHYS_NULL ||
                (b->phys == PHYS_STR && b->own_text);

    if (slow) {
        for (uint16_t i = 0; i < count; i++)
            column_append(b, from, rows ? rows[i] : i);
        return;
    }
    while (b->cap - b->rows < count && !b->failed)
        column_grow(b);
    if (b->failed || count == 0)
        return;
    switch (phys_size(b->phys)) {
    case 1: GATHER(uint8_t); break;
    case 4: GATHER(uint32_t); break;
    case 8: GATHER(uint64_t); break;
    default: GATHER(struct str); break;
    }
}

/* ---- chunks ---- */

static void init_cols(struct chunk_builder *b, struct arena *arena, uint16_t count,
                      uint16_t rows_max)
{
    CHECK(rows_max > 0 && rows_max <= CHUNK_ROWS);
    *b = (struct chunk_builder){.arena = arena, .cols_count = count, .rows_max = rows_max};
    b->cols = ARENA_ARRAY(arena, struct column_builder, count ? count : 1);
}

void chunk_builder_init(struct chunk_builder *b, struct arena *arena,
                        const struct type *const *types, uint16_t count, uint16_t rows_max)
{
    init_cols(b, arena, count, rows_max);
    for (uint16_t i = 0; i < count; i++)
        column_builder_init(&b->cols[i], arena, types[i], rows_max);
}

void chunk_builder_init_schema(struct chunk_builder *b, struct arena *arena,
                               const struct schema *schema, uint16_t rows_max)
{
    init_cols(b, arena, schema->count, rows_max);
    for (uint16_t i = 0; i < schema->count; i++)
        column_builder_init(&b->cols[i], arena, schema->fields[i].type, rows_max);
}

static void own_text(struct column_builder *b, bool own)
{
    b->own_text = own;
    for (uint16_t i = 0; b->children && i < b->type->fields_count; i++)
        own_text(&b->children[i], own);
}

void chunk_builder_own_text(struct chunk_builder *b, bool own)
{
    for (uint16_t i = 0; i < b->cols_count; i++)
        own_text(&b->cols[i], own);
}

void chunk_builder_row(struct chunk_builder *b, uint8_t kind)
{
    CHECK(b->rows < b->rows_max);
    for (uint16_t i = 0; i < b->cols_count; i++)
        CHECK_SLOW(b->cols[i].failed || b->cols[i].rows == b->rows + 1u);
    if (kind != ROW_INSERT && !b->kinds)
        b->kinds = arena_zalloc(b->arena, b->rows_max);
    if (b->kinds)
        b->kinds[b->rows] = kind;
    b->rows++;
}

void chunk_builder_rows(struct chunk_builder *b, uint16_t count, const uint8_t *kinds)
{
    CHECK(count <= b->rows_max - b->rows);
    for (uint16_t i = 0; i < b->cols_count; i++)
        CHECK_SLOW(b->cols[i].failed || b->cols[i].rows == (uint32_t)b->rows + count);
    if (kinds && !b->kinds)
        b->kinds = arena_zalloc(b->arena, b->rows_max);
    if (kinds && count)
        memcpy(b->kinds + b->rows, kinds, count);
    b->rows = (uint16_t)(b->rows + count);
}

void chunk_builder_undo(struct chunk_builder *b)
{
    for (uint16_t i = 0; i < b->cols_count; i++)
        column_truncate(&b->cols[i], b->rows);
}

void chunk_builder_append(struct chunk_builder *b, const struct chunk *from, uint16_t row,
                          uint8_t kind)
{
    CHECK(from->col_count >= b->cols_count);
    for (uint16_t i = 0; i < b->cols_count; i++)
        column_append(&b->cols[i], &from->cols[i], row);
    chunk_builder_row(b, kind);
}

bool chunk_builder_failed(const struct chunk_builder *b)
{
    for (uint16_t i = 0; i < b->cols_count; i++)
        if (column_builder_failed(&b->cols[i]))
            return true;
    return false;
}

struct chunk chunk_builder_done(const struct chunk_builder *b)
{
    struct column *cols = ARENA_ARRAY(b->arena, struct column, b->cols_count ? b->cols_count : 1);

    for (uint16_t i = 0; i < b->cols_count; i++)
        cols[i] = column_builder_done(&b->cols[i]);
    return (struct chunk){.cols = cols, .count = b->rows, .rows = b->rows,
                          .col_count = b->cols_count, .kinds = b->kinds};
}
