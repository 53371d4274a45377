/* resolve.c: a plan to read a written schema as columns: see plan.h. What is written is walked beside the types that are
 * wanted, and beside the reader's schema where there is one: that adds defaults and aliases. A schema from outside may name
 * a type in many places, so what a plan may have of nodes is bounded. */
#include "base/check.h"
#include "data/avro/compat.h"
#include "data/avro/plan_inner.h"

struct resolve {
    struct arena *arena;
    uint32_t nodes_left;
    bool over;
};

/* ---- resolving ---- */

static void plan_value(struct resolve *v, const struct avro_schema *schema, const struct avro_schema *reader,
                       const struct type *type, struct avro_plan *out);

/* NULL: there are too many, and the diag says so. */
static struct avro_plan *nodes(struct resolve *v, uint32_t count)
{
    if (v->over || count > v->nodes_left) {
        v->over = true;
        return NULL;
    }
    v->nodes_left -= count;
    return ARENA_ARRAY(v->arena, struct avro_plan, count + 1);
}

static int64_t field_named(const struct avro_schema *record, struct bytes name)
{
    for (uint32_t i = 0; i < record->count; i++)
        if (bytes_equal(record->fields[i].name, name))
            return i;
    return -1;
}

/* The written field that a field of the reader's is: of its name, or of one of its aliases; -1: none. */
static int64_t written_field(const struct avro_schema *schema, const struct avro_field *field, struct bytes name)
{
    int64_t at = field_named(schema, name);

    for (uint32_t a = 0; field && at < 0 && a < field->aliases_count; a++)
        at = field_named(schema, field->aliases[a]);
    return at;
}

/* A column that was not written: its default as a record would have it, with a plan to read that. */
static void plan_missing(struct resolve *v, const struct type_field *column, const struct avro_field *field, uint16_t to,
                         struct avro_plan *out)
{
    struct avro_missing *m = &out->missing[out->missing_count++];
    struct avro_plan *plan = NULL;
    struct buf binary;

    *m = (struct avro_missing){.column = to};
    if (field && field->otherwise.ptr && (plan = nodes(v, 1)) != NULL) {
        buf_init(&binary, 0);
        if (avro_default_write(field->type, field->otherwise, &binary)) {
            plan_value(v, field->type, field->type, column->type, plan);
            m->plan = plan;
            m->otherwise = arena_copy(v->arena, buf_view(&binary));
        }
        buf_deinit(&binary);
    }
    if (!m->plan && column->type->not_null)
        out->lacks = column->name;
}

static void plan_record(struct resolve *v, const struct avro_schema *schema, const struct avro_schema *reader,
                        const struct type *row, const uint16_t *columns, struct avro_plan *out)
{
    struct avro_plan *inner = nodes(v, schema->count + row->fields_count);

    if (!inner)
        return;
    *out = (struct avro_plan){.op = READ_ROW, .schema = schema, .type = row, .inner = inner};
    out->columns = ARENA_ARRAY(v->arena, uint16_t, schema->count + 1);
    out->missing = ARENA_ARRAY(v->arena, struct avro_missing, row->fields_count + 1);
    for (uint32_t f = 0; f < schema->count; f++)
        out->columns[f] = SKIPPED;
    for (uint16_t i = 0; i < row->fields_count; i++) {
        int64_t known = reader ? field_named(reader, row->fields[i].name) : -1;
        const struct avro_field *field = known >= 0 ? &reader->fields[known] : NULL;
        int64_t f = written_field(schema, field, row->fields[i].name);
        uint16_t to = columns ? columns[i] : i;
        if (f < 0 || out->columns[f] != SKIPPED) {
            plan_missing(v, &row->fields[i], field, to, out);
            continue;
        }
        out->columns[f] = to;
        plan_value(v, schema->fields[f].type, field ? field->type : NULL, row->fields[i].type, &inner[f]);
    }
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

static void plan_inner(struct resolve *v, const struct avro_schema *schema, const struct avro_schema *reader,
                       const struct type *element, enum read_op op, struct avro_plan *out)
{
    struct avro_plan *inner = nodes(v, 1);

    if (!inner)
        return;
    plan_value(v, schema->inner[0], reader && reader->kind == schema->kind ? reader->inner[0] : NULL, element, inner);
    out->op = op;
    out->inner = inner;
}

static void plan_union(struct resolve *v, const struct avro_schema *schema, const struct avro_schema *reader,
                       const struct type *type, struct avro_plan *out)
{
    struct avro_plan *inner = nodes(v, schema->count);

    for (uint32_t i = 0; inner && i < schema->count; i++)
        plan_value(v, schema->inner[i], reader, type, &inner[i]);
    out->op = inner ? READ_UNION : READ_BAD;
    out->inner = inner;
}

/* Each written symbol as the reader has it: itself, or the reader's default. */
static void plan_symbols(struct resolve *v, const struct avro_schema *schema, const struct avro_schema *reader,
                         struct avro_plan *out)
{
    struct bytes *symbols = schema->symbols;

    if (reader && reader->kind == AVRO_ENUM) {
        symbols = ARENA_ARRAY(v->arena, struct bytes, schema->count + 1);
        for (uint32_t i = 0; i < schema->count; i++) {
            symbols[i] = reader->otherwise;
            for (uint32_t r = 0; r < reader->count; r++)
                if (bytes_equal(reader->symbols[r], schema->symbols[i]))
                    symbols[i] = schema->symbols[i];
        }
    }
    out->symbols = symbols;
}

/* Of a reader's union with null, what is not null. */
static const struct avro_schema *not_null(const struct avro_schema *reader)
{
    if (!reader || reader->kind != AVRO_UNION || reader->count != 2)
        return reader;
    return reader->inner[reader->inner[0]->kind == AVRO_NULL];
}

static void plan_value(struct resolve *v, const struct avro_schema *schema, const struct avro_schema *reader,
                       const struct type *type, struct avro_plan *out)
{
    reader = not_null(reader);
    *out = (struct avro_plan){.op = READ_BAD, .schema = schema, .type = type};
    if (schema->kind == AVRO_UNION) {
        plan_union(v, schema, reader, type, out);
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
            plan_record(v, schema, reader && reader->kind == AVRO_RECORD ? reader : NULL, type, NULL, out);
        break;
    case TYPE_ARRAY:
        if (schema->kind == AVRO_ARRAY)
            plan_inner(v, schema, reader, type->fields[0].type, READ_ARRAY, out);
        break;
    case TYPE_MAP:
    case TYPE_MULTISET:
        if (schema->kind == AVRO_MAP && type_is_text(type->fields[0].type->kind))
            plan_inner(v, schema, reader, type->fields[1].type, READ_MAP, out);
        break;
    default: break;
    }
    if (out->op == READ_ENUM)
        plan_symbols(v, schema, reader, out);
}

/* What the schema of a row is: a record; or a union of one and null, as some tools register it: its branch stands before
 * the record. */
static bool plan_row(struct resolve *v, const struct avro_schema *schema, const struct avro_schema *reader,
                     const struct type *row, const uint16_t *columns, struct avro_plan *out)
{
    if (schema->kind == AVRO_RECORD) {
        plan_record(v, schema, reader, row, columns, out);
        return true;
    }
    if (schema->kind != AVRO_UNION || schema->count != 2)
        return false;
    uint32_t at = schema->inner[0]->kind == AVRO_NULL;
    if (schema->inner[at]->kind != AVRO_RECORD || schema->inner[!at]->kind != AVRO_NULL)
        return false;
    struct avro_plan *inner = nodes(v, 2);
    if (!inner)
        return true;
    plan_record(v, schema->inner[at], reader, row, columns, &inner[at]);
    inner[!at] = (struct avro_plan){.op = READ_BAD, .schema = schema->inner[!at], .type = row};
    *out = (struct avro_plan){.op = READ_UNION, .schema = schema, .type = row, .inner = inner};
    return true;
}

enum status avro_plan_read(struct arena *arena, const struct avro_schema *schema, const struct avro_schema *reader,
                           const struct type *row, const uint16_t *columns, const struct avro_plan **out,
                           struct diag *diag)
{
    struct resolve v = {.arena = arena, .nodes_left = AVRO_PLAN_NODES_MAX};
    struct avro_plan *plan = nodes(&v, 1);

    if (!plan_row(&v, schema, reader, row, columns, plan))
        return diag_set(diag, ST_INVALID, DIAG_TYPE, "the Avro schema is %s, and a row needs a record",
                        avro_kind_text(schema->kind));
    if (v.over)
        return diag_set(diag, ST_NOSPACE, DIAG_LIMIT, "the Avro schema has more than %d ways to be read as the columns",
                        AVRO_PLAN_NODES_MAX);
    *out = plan;
    return ST_OK;
}
