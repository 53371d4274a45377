/* How Avro records are read: see plan.h. */
#include "data/avro/plan.h"

#include <math.h>

#include "base/check.h"
#include "base/reader.h"
#include "data/datetime.h"
#include "data/decimal.h"
#include "data/format/format.h"

enum { SKIPPED = UINT16_MAX };

enum read_op {
    READ_BAD, /* what is written does not fit what is wanted */
    READ_NULL, READ_BOOL, READ_NUMBER, READ_FLOAT, READ_DOUBLE, READ_TEXT, READ_FIXED, READ_ENUM, READ_DECIMAL,
    READ_TIME, READ_UNION, READ_ROW, READ_ARRAY, READ_MAP
};

struct avro_plan {
    enum read_op op;
    const struct avro_schema *schema;
    const struct type *type;
    const struct avro_plan *inner; /* of branches, fields, elements */
    uint16_t *columns;             /* of a record's fields; SKIPPED */
    uint16_t *missing;             /* columns that it does not have */
    uint16_t missing_count;
    struct bytes lacks;            /* one of them that may not be NULL */
    int64_t unit_us;               /* READ_TIME: of one; 0: days */
};

struct context {
    struct reader r;
    struct diag *diag;
    uint64_t elements; /* that may still come */
    uint32_t depth;
};

/* ---- resolving ---- */

static void plan_value(struct arena *arena, const struct avro_schema *schema, const struct type *type,
                       struct avro_plan *out);

/* The field of a row by this name; its index, or -1. */
static int32_t field_named(const struct type *row, struct bytes name)
{
    for (uint16_t i = 0; i < row->fields_count; i++)
        if (bytes_equal(row->fields[i].name, name))
            return i;
    return -1;
}

static void plan_missing(const struct type *row, const bool *found, const uint16_t *columns, struct avro_plan *out)
{
    for (uint16_t i = 0; i < row->fields_count; i++) {
        if (found[i])
            continue;
        out->missing[out->missing_count++] = columns ? columns[i] : i;
        if (row->fields[i].type->not_null)
            out->lacks = row->fields[i].name;
    }
}

static void plan_record(struct arena *arena, const struct avro_schema *schema, const struct type *row,
                        const uint16_t *columns, struct avro_plan *out)
{
    struct avro_plan *inner = ARENA_ARRAY(arena, struct avro_plan, schema->count + 1);
    bool *found = ARENA_ARRAY(arena, bool, row->fields_count + 1);

    *out = (struct avro_plan){.op = READ_ROW, .schema = schema, .type = row, .inner = inner};
    out->columns = ARENA_ARRAY(arena, uint16_t, schema->count + 1);
    out->missing = ARENA_ARRAY(arena, uint16_t, row->fields_count + 1);
    for (uint32_t f = 0; f < schema->count; f++) {
        int32_t i = field_named(row, schema->fields[f].name);
        out->columns[f] = SKIPPED;
        if (i < 0)
            continue;
        found[i] = true;
        out->columns[f] = columns ? columns[i] : (uint16_t)i;
        plan_value(arena, schema->fields[f].type, row->fields[i].type, &inner[f]);
    }
    plan_missing(row, found, columns, out);
}

static enum read_op number_op(const struct avro_schema *schema, const struct type *type)
{
    static const uint16_t takes[TYPE_KINDS] = {
        [TYPE_TINYINT] = 1 << AVRO_INT,
        [TYPE_SMALLINT] = 1 << AVRO_INT,
        [TYPE_INT] = 1 << AVRO_INT,
        [TYPE_BIGINT] = 1 << AVRO_INT | 1 << AVRO_LONG,
        [TYPE_FLOAT] = 1 << AVRO_INT | 1 << AVRO_LONG | 1 << AVRO_FLOAT,
        [TYPE_DOUBLE] = 1 << AVRO_INT | 1 << AVRO_LONG | 1 << AVRO_FLOAT | 1 << AVRO_DOUBLE,
    };

    if (!(takes[type->kind] >> schema->kind & 1))
        return READ_BAD;
    return schema->kind == AVRO_FLOAT ? READ_FLOAT : schema->kind == AVRO_DOUBLE ? READ_DOUBLE : READ_NUMBER;
}

static void plan_time(const struct avro_schema *schema, const struct type *type, struct avro_plan *out)
{
    static const int64_t units[] = {[AVRO_TIME_MICROS] = 1, [AVRO_TIMESTAMP_MICROS] = 1,
                                    [AVRO_LOCAL_TIMESTAMP_MICROS] = 1, [AVRO_TIME_MILLIS] = 1000,
                                    [AVRO_TIMESTAMP_MILLIS] = 1000, [AVRO_LOCAL_TIMESTAMP_MILLIS] = 1000};
    bool time = type->kind == TYPE_TIME, is_int = schema->kind == AVRO_INT;
    bool logical_time = schema->logical == AVRO_TIME_MILLIS || schema->logical == AVRO_TIME_MICROS;

    out->unit_us = units[schema->logical];
    if (type->kind == TYPE_DATE) {
        out->op = is_int && (schema->logical == AVRO_DATE || schema->logical == AVRO_PLAIN) ? READ_TIME : READ_BAD;
        return;
    }
    if (schema->logical == AVRO_PLAIN)
        out->unit_us = 1000;
    else if (!out->unit_us || time != logical_time)
        return;
    if (schema->kind == AVRO_LONG || (is_int && time))
        out->op = READ_TIME;
}

static enum read_op text_op(const struct avro_schema *schema)
{
    switch (schema->kind) {
    case AVRO_STRING:
    case AVRO_BYTES: return READ_TEXT;
    case AVRO_FIXED: return READ_FIXED;
    case AVRO_ENUM: return READ_ENUM;
    default: return READ_BAD;
    }
}

static void plan_inner(struct arena *arena, const struct avro_schema *schema, const struct type *element,
                       enum read_op op, struct avro_plan *out)
{
    struct avro_plan *inner = ARENA_NEW(arena, struct avro_plan);

    plan_value(arena, schema->inner[0], element, inner);
    out->op = op;
    out->inner = inner;
}

static void plan_union(struct arena *arena, const struct avro_schema *schema, const struct type *type,
                       struct avro_plan *out)
{
    struct avro_plan *inner = ARENA_ARRAY(arena, struct avro_plan, schema->count + 1);

    for (uint32_t i = 0; i < schema->count; i++)
        plan_value(arena, schema->inner[i], type, &inner[i]);
    out->op = READ_UNION;
    out->inner = inner;
}

static void plan_value(struct arena *arena, const struct avro_schema *schema, const struct type *type,
                       struct avro_plan *out)
{
    *out = (struct avro_plan){.op = READ_BAD, .schema = schema, .type = type};
    if (schema->kind == AVRO_UNION) {
        plan_union(arena, schema, type, out);
        return;
    }
    if (schema->kind == AVRO_NULL) {
        out->op = type->not_null ? READ_BAD : READ_NULL;
        return;
    }
    switch (type->kind) {
    case TYPE_BOOLEAN: out->op = schema->kind == AVRO_BOOLEAN ? READ_BOOL : READ_BAD; break;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_FLOAT:
    case TYPE_DOUBLE: out->op = number_op(schema, type); break;
    case TYPE_DECIMAL: out->op = schema->logical == AVRO_DECIMAL ? READ_DECIMAL : READ_BAD; break;
    case TYPE_CHAR:
    case TYPE_VARCHAR: out->op = schema->kind == AVRO_FIXED ? READ_BAD : text_op(schema); break;
    case TYPE_BINARY:
    case TYPE_VARBINARY: out->op = schema->kind == AVRO_ENUM ? READ_BAD : text_op(schema); break;
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ: plan_time(schema, type, out); break;
    case TYPE_ROW:
        if (schema->kind == AVRO_RECORD)
            plan_record(arena, schema, type, NULL, out);
        break;
    case TYPE_ARRAY:
        if (schema->kind == AVRO_ARRAY)
            plan_inner(arena, schema, type->fields[0].type, READ_ARRAY, out);
        break;
    case TYPE_MAP:
    case TYPE_MULTISET:
        if (schema->kind == AVRO_MAP && type_is_text(type->fields[0].type->kind))
            plan_inner(arena, schema, type->fields[1].type, READ_MAP, out);
        break;
    default: break;
    }
}

enum status avro_plan_read(struct arena *arena, const struct avro_schema *schema, const struct type *row,
                           const uint16_t *columns, const struct avro_plan **out, struct diag *diag)
{
    struct avro_plan *plan = ARENA_NEW(arena, struct avro_plan);

    /* a union of a record and null, as some tools register it: the branch stands before the record */
    if (schema->kind == AVRO_UNION && schema->count == 2) {
        uint32_t at = schema->inner[0]->kind == AVRO_NULL;
        if (schema->inner[at]->kind == AVRO_RECORD && schema->inner[!at]->kind == AVRO_NULL) {
            struct avro_plan *inner = ARENA_ARRAY(arena, struct avro_plan, 2);
            plan_record(arena, schema->inner[at], row, columns, &inner[at]);
            inner[!at] = (struct avro_plan){.op = READ_BAD, .schema = schema->inner[!at], .type = row};
            *plan = (struct avro_plan){.op = READ_UNION, .schema = schema, .type = row, .inner = inner};
            *out = plan;
            return ST_OK;
        }
    }
    if (schema->kind != AVRO_RECORD)
        return diag_set(diag, ST_INVALID, DIAG_TYPE, "the Avro schema is %s, and a row needs a record",
                        avro_kind_text(schema->kind));
    plan_record(arena, schema, row, columns, plan);
    *out = plan;
    return ST_OK;
}

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

static bool deeper(struct context *c)
{
    return ++c->depth <= AVRO_DEPTH_MAX || bad(c, "the record has more levels than are read");
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
        text = c->r.bad ? BYTES_NONE : p->schema->symbols[at];
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

static void put_missing(const struct avro_plan *p, struct column_builder *cols)
{
    for (uint16_t i = 0; i < p->missing_count; i++)
        column_put_null(&cols[p->missing[i]]);
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
    put_missing(p, cols);
    return true;
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
    struct context c = {reader_of(record), diag, record.len + AVRO_EMPTY_MAX, 0};
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
