/* How Avro records are read: see plan.h. */
#include "data/avro/plan_inner.h"

#include <math.h>

#include "base/check.h"
#include "base/reader.h"
#include "data/datetime.h"
#include "data/decimal.h"
#include "data/format/format.h"

struct context {
    struct reader r;
    struct diag *diag;
    uint64_t elements; /* that may still come */
    uint64_t values;   /* the same, of any kind */
    uint32_t depth;
};

/* ---- why it failed ---- */

static bool bad(struct context *c, const char *why)
{
    diag_set(c->diag, ST_INVALID, DIAG_VALUE, "%s", why);
    return false;
}

static bool cut_off(struct context *c)
{
    return bad(c, "the record ends in the middle of a value");
}

static bool bad_type(struct context *c, const struct avro_plan *p)
{
    struct arena scratch;

    arena_init(&scratch, ARENA_BUDGET_NONE);
    diag_set(c->diag, ST_INVALID, DIAG_TYPE, "Avro's %s is no %s", avro_kind_text(p->schema->kind),
             type_text(&scratch, type_not_null(&scratch, p->type, p->schema->kind == AVRO_NULL)));
    arena_deinit(&scratch);
    return false;
}

/* A value begins. */
static bool deeper(struct context *c)
{
    if (++c->depth > AVRO_DEPTH_MAX)
        return bad(c, "the record has more levels than are read");
    return c->values-- || bad(c, "the record has more values than bytes");
}

/* ---- passing over ---- */

static bool skip_value(struct context *c, const struct avro_schema *schema);

/* The count of a block's elements, 0 at the end; `bytes`: how long the block is, or 0. */
static bool block(struct context *c, uint64_t *count, uint64_t *bytes)
{
    int64_t n = reader_varint(&c->r);

    *bytes = 0;
    if (n < 0) {
        if (n == INT64_MIN)
            return bad(c, "a list has too many elements");
        n = -n;
        int64_t size = reader_varint(&c->r);
        if (size < 0)
            return bad(c, "a list has a block of negative size");
        *bytes = (uint64_t)size;
    }
    if (c->r.bad)
        return cut_off(c);
    *count = (uint64_t)n;
    if (*count > c->elements)
        return bad(c, "a list has more elements than the record has bytes");
    c->elements -= *count;
    return true;
}

static bool skip_list(struct context *c, const struct avro_schema *schema)
{
    uint64_t count, bytes;

    while (block(c, &count, &bytes)) {
        if (!count)
            return true;
        if (bytes) {
            reader_skip(&c->r, bytes);
            if (c->r.bad)
                return cut_off(c);
            continue;
        }
        for (uint64_t i = 0; i < count; i++) {
            if (schema->kind == AVRO_MAP)
                reader_bytes(&c->r, (uint64_t)reader_varint(&c->r));
            if (!skip_value(c, schema->inner[0]))
                return false;
        }
    }
    return false;
}

static const struct avro_schema *branch_of(struct context *c, const struct avro_schema *schema, uint64_t *at)
{
    int64_t i = reader_varint(&c->r);

    if (c->r.bad)
        cut_off(c);
    else if (i < 0 || i >= (int64_t)schema->count)
        bad(c, "a union's branch is none that its schema has");
    else
        return schema->inner[*at = (uint64_t)i];
    return NULL;
}

static bool skip_value(struct context *c, const struct avro_schema *schema)
{
    const struct avro_schema *branch;
    uint64_t at;
    bool ok = deeper(c);

    switch (schema->kind) {
    case AVRO_NULL: break;
    case AVRO_BOOLEAN: reader_u8(&c->r); break;
    case AVRO_INT:
    case AVRO_LONG:
    case AVRO_ENUM: reader_varint(&c->r); break;
    case AVRO_FLOAT: reader_skip(&c->r, 4); break;
    case AVRO_DOUBLE: reader_skip(&c->r, 8); break;
    case AVRO_BYTES:
    case AVRO_STRING: reader_bytes(&c->r, (uint64_t)reader_varint(&c->r)); break;
    case AVRO_FIXED: reader_skip(&c->r, schema->size); break;
    case AVRO_RECORD:
        for (uint32_t i = 0; ok && i < schema->count; i++)
            ok = skip_value(c, schema->fields[i].type);
        break;
    case AVRO_ARRAY:
    case AVRO_MAP: ok = ok && skip_list(c, schema); break;
    case AVRO_UNION:
        branch = ok ? branch_of(c, schema, &at) : NULL;
        ok = branch && skip_value(c, branch);
        break;
    case AVRO_KINDS: break;
    }
    c->depth--;
    return ok && (!c->r.bad || cut_off(c));
}

/* ---- reading ---- */

static bool read_value(struct context *c, const struct avro_plan *p, struct column_builder *b);

static bool read_number(struct context *c, const struct avro_plan *p, struct column_builder *b)
{
    static const int64_t highs[TYPE_KINDS] = {[TYPE_TINYINT] = INT8_MAX, [TYPE_SMALLINT] = INT16_MAX,
                                              [TYPE_INT] = INT32_MAX};
    int64_t n = reader_varint(&c->r), high = highs[p->type->kind];

    if (c->r.bad)
        return cut_off(c);
    if (p->schema->kind == AVRO_INT && (n < INT32_MIN || n > INT32_MAX))
        return bad(c, "an int of Avro has more than 32 bits");
    if (high && (n > high || n < -high - 1))
        return bad(c, "the number is out of the range of the column's type");
    switch (b->phys) {
    case PHYS_I32: column_put_i32(b, (int32_t)n); break;
    case PHYS_F32: column_put_f32(b, (float)n); break;
    case PHYS_F64: column_put_f64(b, (double)n); break;
    default: column_put_i64(b, n);
    }
    return true;
}

static bool read_float(struct context *c, const struct avro_plan *p, struct column_builder *b)
{
    double d;
    float f = 0;

    if (p->op == READ_FLOAT) {
        uint32_t bits = reader_u32_le(&c->r);
        memcpy(&f, &bits, sizeof(f));
        d = (double)f;
    } else {
        uint64_t bits = reader_u64_le(&c->r);
        memcpy(&d, &bits, sizeof(d));
    }
    if (c->r.bad)
        return cut_off(c);
    if (b->phys == PHYS_F32)
        column_put_f32(b, f);
    else
        column_put_f64(b, d);
    return true;
}

static bool read_text(struct context *c, const struct avro_plan *p, struct column_builder *b)
{
    struct bytes text;

    if (p->op == READ_FIXED) {
        text = reader_bytes(&c->r, p->schema->size);
    } else if (p->op == READ_ENUM) {
        int64_t at = reader_varint(&c->r);
        if (!c->r.bad && (at < 0 || at >= (int64_t)p->schema->count))
            return bad(c, "an enum's value is none that its schema has");
        text = c->r.bad ? BYTES_NONE : p->symbols[at];
        if (!c->r.bad && !text.ptr)
            return bad(c, "an enum's value is none that the reader's schema has, which has no default");
    } else {
        text = reader_bytes(&c->r, (uint64_t)reader_varint(&c->r));
    }
    if (c->r.bad)
        return cut_off(c);
    if (type_is_text(p->type->kind) && !bytes_is_utf8(text))
        return bad(c, "the text is not UTF-8");
    column_put_text(b, text);
    return true;
}

/* Two's complement, the highest byte first. */
static bool read_decimal(struct context *c, const struct avro_plan *p, struct column_builder *b)
{
    const struct type *t = p->type;
    struct bytes digits;
    i128 v;

    digits = p->schema->kind == AVRO_FIXED ? reader_bytes(&c->r, p->schema->size)
                                           : reader_bytes(&c->r, (uint64_t)reader_varint(&c->r));
    if (c->r.bad)
        return cut_off(c);
    uint8_t sign = digits.len && digits.ptr[0] >> 7 ? 0xff : 0;
    while (digits.len > 1 && digits.ptr[0] == sign && digits.ptr[1] >> 7 == sign >> 7)
        digits = bytes_skip(digits, 1);
    unsigned __int128 bits = sign ? ~(unsigned __int128)0 : 0;
    if (digits.len > 16)
        return bad(c, "the decimal has more digits than the column's type");
    for (size_t i = 0; i < digits.len; i++)
        bits = bits << 8 | digits.ptr[i];
    v = (i128)bits;
    if (p->schema->scale > 2 * TYPE_DECIMAL_MAX || !decimal_fits(v, decimal_pow10(TYPE_DECIMAL_MAX)) ||
        (p->schema->scale != t->scale && !decimal_rescale(v, p->schema->scale, t->scale, &v)) ||
        !decimal_fits(v, decimal_pow10(t->precision)))
        return bad(c, "the decimal has more digits than the column's type");
    column_put_i128(b, v);
    return true;
}

static bool read_time(struct context *c, const struct avro_plan *p, struct column_builder *b)
{
    int64_t n = reader_varint(&c->r), us;

    if (c->r.bad)
        return cut_off(c);
    if (p->type->kind == TYPE_DATE) {
        if (n < INT32_MIN || n > INT32_MAX)
            return bad(c, "an int of Avro has more than 32 bits");
        column_put_i32(b, (int32_t)n);
        return true;
    }
    if (__builtin_mul_overflow(n, p->unit_us, &us))
        return bad(c, "the time is out of the range of the column's type");
    if (p->type->kind == TYPE_TIME && (us < 0 || us >= US_PER_DAY))
        return bad(c, "the time is not one of a day");
    column_put_i64(b, time_cut(us, p->type->precision));
    return true;
}

static bool put_missing(struct context *c, const struct avro_plan *p, struct column_builder *cols)
{
    for (uint16_t i = 0; i < p->missing_count; i++) {
        const struct avro_missing *m = &p->missing[i];
        struct context otherwise = {reader_of(m->otherwise), c->diag, m->otherwise.len, AVRO_EMPTY_MAX, c->depth};
        if (!m->plan)
            column_put_null(&cols[m->column]);
        else if (!read_value(&otherwise, m->plan, &cols[m->column]))
            return false;
    }
    return true;
}

static bool read_fields(struct context *c, const struct avro_plan *p, struct column_builder *cols)
{
    if (p->lacks.ptr) {
        bad(c, "the record's schema does not have it, and the column is NOT NULL");
        format_within_field(c->diag, p->lacks);
        return false;
    }
    for (uint32_t f = 0; f < p->schema->count; f++) {
        bool ok = p->columns[f] == SKIPPED ? skip_value(c, p->schema->fields[f].type)
                                           : read_value(c, &p->inner[f], &cols[p->columns[f]]);
        if (ok)
            continue;
        format_within_field(c->diag, p->schema->fields[f].name);
        return false;
    }
    return put_missing(c, p, cols);
}

static bool read_row(struct context *c, const struct avro_plan *p, struct column_builder *b)
{
    uint32_t rows = b->rows;

    if (read_fields(c, p, b->children)) {
        column_put_row(b);
        return true;
    }
    for (uint16_t i = 0; i < b->type->fields_count; i++)
        column_truncate(&b->children[i], rows);
    return false;
}

static bool read_elements(struct context *c, const struct avro_plan *p, struct column_builder *b, uint64_t count)
{
    bool map = p->op == READ_MAP;

    for (uint64_t i = 0; i < count; i++) {
        if (map) {
            struct bytes key = reader_bytes(&c->r, (uint64_t)reader_varint(&c->r));
            if (c->r.bad)
                return cut_off(c);
            if (!bytes_is_utf8(key))
                return bad(c, "a map's key is not UTF-8");
            column_put_text(&b->children[0], key);
        }
        if (!read_value(c, p->inner, &b->children[map]))
            return false;
    }
    return true;
}

static bool read_list(struct context *c, const struct avro_plan *p, struct column_builder *b)
{
    uint64_t count = 1, bytes;
    bool ok = true;

    while (ok && count)
        ok = block(c, &count, &bytes) && read_elements(c, p, b, count);
    if (ok) {
        column_put_list(b);
        return true;
    }
    for (uint16_t i = 0; i < b->type->fields_count && !b->failed; i++)
        column_truncate(&b->children[i], b->offsets[b->rows]);
    return false;
}

static bool read_union(struct context *c, const struct avro_plan *p, struct column_builder *b)
{
    uint64_t at;

    return branch_of(c, p->schema, &at) && read_value(c, &p->inner[at], b);
}

static bool read_value(struct context *c, const struct avro_plan *p, struct column_builder *b)
{
    uint8_t v;
    bool ok = deeper(c);

    switch (p->op) {
    case READ_BAD: ok = ok && bad_type(c, p); break;
    case READ_NULL: column_put_null(b); break;
    case READ_BOOL:
        v = reader_u8(&c->r);
        ok = ok && (!c->r.bad || cut_off(c)) && (v <= 1 || bad(c, "a boolean is neither 0 nor 1"));
        if (ok)
            column_put_bool(b, v);
        break;
    case READ_NUMBER: ok = ok && read_number(c, p, b); break;
    case READ_FLOAT:
    case READ_DOUBLE: ok = ok && read_float(c, p, b); break;
    case READ_TEXT:
    case READ_FIXED:
    case READ_ENUM: ok = ok && read_text(c, p, b); break;
    case READ_DECIMAL: ok = ok && read_decimal(c, p, b); break;
    case READ_TIME: ok = ok && read_time(c, p, b); break;
    case READ_UNION: ok = ok && read_union(c, p, b); break;
    case READ_ROW: ok = ok && read_row(c, p, b); break;
    case READ_ARRAY:
    case READ_MAP: ok = ok && read_list(c, p, b); break;
    }
    c->depth--;
    return ok;
}

bool avro_read(const struct avro_plan *plan, struct bytes record, struct column_builder *cols, struct diag *diag)
{
    struct context c = {reader_of(record), diag, record.len + AVRO_EMPTY_MAX, record.len + AVRO_VALUES_EMPTY_MAX, 0};
    uint64_t at;

    if (plan->op == READ_UNION) {
        const struct avro_schema *branch = branch_of(&c, plan->schema, &at);
        if (!branch)
            return false;
        plan = &plan->inner[at];
    }
    if (plan->op == READ_BAD)
        return bad_type(&c, plan);
    if (!read_fields(&c, plan, cols))
        return false;
    return !reader_left(&c.r) || bad(&c, "there are bytes behind the record: it was written with another schema");
}
