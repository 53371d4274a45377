#include "data/compare.h"

#include "base/check.h"

static int compare_f64(double x, double y)
{
    if (x != x || y != y)
        return (x != x) - (y != y);
    return (x > y) - (x < y);
}

static int compare_element(const struct type *type, const struct column *a, uint32_t row_a,
                           const struct column *b, uint32_t row_b)
{
    bool x = column_valid(a, row_a), y = column_valid(b, row_b);

    if (!x || !y)
        return x - y;
    return column_compare(type, a, row_a, b, row_b);
}

static int compare_row(const struct type *type, const struct column *a, uint32_t row_a,
                       const struct column *b, uint32_t row_b)
{
    for (uint16_t i = 0; i < type->fields_count; i++) {
        int order = compare_element(type->fields[i].type, &a->children[i], row_a, &b->children[i],
                                    row_b);
        if (order)
            return order;
    }
    return 0;
}

static int compare_list(const struct type *type, const struct column *a, uint32_t row_a,
                        const struct column *b, uint32_t row_b)
{
    uint32_t at_a = a->offsets[row_a], len_a = a->offsets[row_a + 1] - at_a;
    uint32_t at_b = b->offsets[row_b], len_b = b->offsets[row_b + 1] - at_b;

    for (uint32_t i = 0; i < len_a && i < len_b; i++) {
        int order = compare_row(type, a, at_a + i, b, at_b + i);
        if (order)
            return order;
    }
    return (len_a > len_b) - (len_a < len_b);
}

#define COMPARE_AS(ctype)                                                                          \
    (((const ctype *)a->data)[row_a] > ((const ctype *)b->data)[row_b]) -                          \
        (((const ctype *)a->data)[row_a] < ((const ctype *)b->data)[row_b])

int column_compare(const struct type *type, const struct column *a, uint32_t row_a,
                   const struct column *b, uint32_t row_b)
{
    switch (type_phys(type->kind)) {
    case PHYS_NULL: return 0;
    case PHYS_BOOL: return COMPARE_AS(uint8_t);
    case PHYS_I32: return COMPARE_AS(int32_t);
    case PHYS_I64: return COMPARE_AS(int64_t);
    case PHYS_I128: return COMPARE_AS(i128);
    case PHYS_F32:
        return compare_f64((double)((const float *)a->data)[row_a],
                           (double)((const float *)b->data)[row_b]);
    case PHYS_F64:
        return compare_f64(((const double *)a->data)[row_a], ((const double *)b->data)[row_b]);
    case PHYS_STR: {
        const struct str *x = &((const struct str *)a->data)[row_a];
        const struct str *y = &((const struct str *)b->data)[row_b];
        return bytes_compare(bytes_of(x->ptr, x->len), bytes_of(y->ptr, y->len));
    }
    case PHYS_ROW: return compare_row(type, a, row_a, b, row_b);
    case PHYS_LIST: return compare_list(type, a, row_a, b, row_b);
    }
    UNREACHABLE();
}

bool column_equal(const struct type *type, const struct column *a, uint32_t row_a,
                  const struct column *b, uint32_t row_b)
{
    if (type_phys(type->kind) == PHYS_STR) {
        const struct str *x = &((const struct str *)a->data)[row_a];
        const struct str *y = &((const struct str *)b->data)[row_b];
        return x->len == y->len && (x->len == 0 || memcmp(x->ptr, y->ptr, x->len) == 0);
    }
    return column_compare(type, a, row_a, b, row_b) == 0;
}
