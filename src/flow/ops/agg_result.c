/* Results of groups, copies that outlive a change, and whether they differ. */
#include "flow/ops/agg_parts.h"

#include "base/check.h"

#define RESULT_AS(ctype, field)                                                                    \
    do {                                                                                           \
        ctype *to = data;                                                                          \
        to[i] = v.field;                                                                           \
    } while (0)

static void result_put(enum phys phys, void *data, uint16_t i, union value v)
{
    switch (phys) {
    case PHYS_BOOL: ((uint8_t *)data)[i] = v.b; break;
    case PHYS_I32: RESULT_AS(int32_t, i32); break;
    case PHYS_I64: RESULT_AS(int64_t, i64); break;
    case PHYS_I128: RESULT_AS(i128, dec); break;
    case PHYS_F32: RESULT_AS(float, f32); break;
    case PHYS_F64: RESULT_AS(double, f64); break;
    case PHYS_STR: RESULT_AS(struct str, str); break;
    default: break;
    }
}

static bool part_result(const struct agg_part *p, const void *value, bool copied, struct arena *arena,
                        union value *out)
{
    const void *part = (const uint8_t *)value + p->pos;

    if (part_is_plain(p))
        return agg_value(&p->call, part, out);
    struct bytes bytes;
    if (!values_result(p, part, copied, arena, &bytes))
        return false;
    if (p->phys == PHYS_STR || part_is_list(p))
        out->str = (struct str){(const char *)bytes.ptr, (uint32_t)bytes.len, 0};
    else
        memcpy(out, bytes.ptr, bytes.len);
    return true;
}

/* Results that are rows of one column: of lists. */
static bool result_is_row(const struct agg_part *p)
{
    return part_is_list(p) && p->call.kind != AGG_LISTAGG;
}

static struct column results_of_rows(const struct agg_part *p, void *const *values, const bool *copied,
                                     uint16_t count, struct arena *arena)
{
    struct column_builder b;

    column_builder_init(&b, arena, p->result.types[0], count);
    for (uint16_t i = 0; i < count; i++) {
        struct bytes row;
        if (!values_result(p, (const uint8_t *)values[i] + p->pos, copied && copied[i], arena, &row))
            column_put_null(&b);
        else
            CHECK(row_decode(&p->result, row, &b)); /* of values that were checked when they were loaded */
    }
    return column_builder_done(&b);
}

void aggtable_results(const struct aggset *set, void *const *values, const bool *copied,
                      uint16_t count, struct arena *arena, struct column *out)
{
    for (uint16_t c = 0; c < set->count; c++) {
        const struct agg_part *p = &set->parts[c];
        if (result_is_row(p)) {
            out[c] = results_of_rows(p, values, copied, count, arena);
            continue;
        }
        enum phys phys = type_phys(p->call.type->kind);
        void *data = arena_alloc(arena, (phys_size(phys) + 1) * (count + 1u));
        uint64_t *valid = NULL;
        for (uint16_t i = 0; i < count; i++) {
            union value v;
            memset(&v, 0, sizeof(v));
            if (!part_result(p, values[i], copied && copied[i], arena, &v)) {
                if (!valid)
                    valid = valid_make(arena, count);
                valid[i >> 6] &= ~(1ull << (i & 63));
                memset(&v, 0, sizeof(v));
            }
            result_put(phys, data, i, v);
        }
        out[c] = (struct column){.data = data, .valid = valid};
    }
}

static bool value_equal(enum phys phys, const union value *a, const union value *b)
{
    switch (phys) {
    case PHYS_BOOL: return a->b == b->b;
    case PHYS_I32:
    case PHYS_F32: return a->i32 == b->i32;
    case PHYS_I64:
    case PHYS_F64: return a->i64 == b->i64;
    case PHYS_I128: return a->dec == b->dec;
    case PHYS_STR:
        return bytes_equal(bytes_of(a->str.ptr, a->str.len), bytes_of(b->str.ptr, b->str.len));
    default: return true;
    }
}

bool aggtable_changed(const struct aggset *set, const void *copy, const void *value, struct arena *arena)
{
    uint32_t from = set->head + 16;

    if (!set->has_kept && memcmp((const uint8_t *)copy + from, (const uint8_t *)value + from,
                                 set->value_size - from) == 0)
        return false;
    for (uint16_t c = 0; c < set->count; c++) {
        const struct agg_part *p = &set->parts[c];
        union value was, is;
        memset(&was, 0, sizeof(was));
        memset(&is, 0, sizeof(is));
        bool had = part_result(p, copy, true, arena, &was), has = part_result(p, value, false, arena, &is);
        enum phys phys = part_is_list(p) ? PHYS_STR : type_phys(p->call.type->kind);
        if (had != has || (has && !value_equal(phys, &was, &is)))
            return true;
    }
    return false;
}

void *aggtable_copy(const struct aggtable *t, const struct aggset *set, const void *value,
                    struct arena *arena)
{
    uint8_t *copy = arena_alloc(arena, set->value_size);

    (void)t;
    memcpy(copy, value, set->value_size);
    for (uint16_t c = 0; set->has_kept && c < set->count; c++) {
        const struct agg_part *p = &set->parts[c];
        if (part_is_plain(p))
            continue;
        struct bytes bytes = BYTES_NONE;
        struct kept kept = {.set = values_result(p, (const uint8_t *)value + p->pos, false, arena, &bytes)};
        if (kept.set) {
            kept.len = (uint32_t)bytes.len;
            kept.ptr = arena_alloc(arena, bytes.len + 1);
            if (bytes.len)
                memcpy(kept.ptr, bytes.ptr, bytes.len);
        }
        memcpy(copy + p->pos, &kept, sizeof(kept));
    }
    return copy;
}
