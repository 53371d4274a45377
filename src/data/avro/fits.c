/* fits.c: whether rows can be written by a schema that somebody else wrote: see plan.h. */
#include "base/check.h"
#include "data/avro/plan.h"
#include "data/format/format.h"

static enum status value_fits(const struct avro_schema *s, const struct type *type, struct diag *diag);

static enum status record_fits(const struct avro_schema *s, const struct type *row, struct diag *diag)
{
    if (s->kind != AVRO_RECORD)
        return diag_set(diag, ST_INVALID, DIAG_TYPE, "the Avro schema has %s, and the row is a record", avro_kind_text(s->kind));
    if (s->count != row->fields_count)
        return diag_set(diag, ST_INVALID, DIAG_TYPE, "the Avro schema's record has %u fields, and the row %u columns", s->count,
                        row->fields_count);
    for (uint16_t i = 0; i < row->fields_count; i++) {
        if (!bytes_equal(s->fields[i].name, row->fields[i].name))
            return diag_set(diag, ST_INVALID, DIAG_NAME, "field %u of the Avro schema is '%.*s', and the column '%.*s'", i + 1u,
                            BYTES_FMT(bytes_head(s->fields[i].name, 60)), BYTES_FMT(bytes_head(row->fields[i].name, 60)));
        if (value_fits(s->fields[i].type, row->fields[i].type, diag) == ST_OK)
            continue;
        format_within_field(diag, row->fields[i].name);
        return ST_INVALID;
    }
    return ST_OK;
}

static bool time_fits(const struct avro_schema *s, const struct type *type)
{
    switch (s->logical) {
    case AVRO_TIME_MILLIS: return type->kind == TYPE_TIME && type->precision <= 3;
    case AVRO_TIME_MICROS: return type->kind == TYPE_TIME;
    case AVRO_TIMESTAMP_MILLIS:
    case AVRO_LOCAL_TIMESTAMP_MILLIS: return type_is_time_point(type->kind) && type->precision <= 3;
    case AVRO_TIMESTAMP_MICROS:
    case AVRO_LOCAL_TIMESTAMP_MICROS: return type_is_time_point(type->kind);
    default: return false;
    }
}

static bool plain_fits(const struct avro_schema *s, const struct type *type)
{
    switch (type->kind) {
    case TYPE_BOOLEAN: return s->kind == AVRO_BOOLEAN;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT: return s->kind == AVRO_INT && s->logical == AVRO_PLAIN;
    case TYPE_BIGINT: return s->kind == AVRO_LONG && s->logical == AVRO_PLAIN;
    case TYPE_FLOAT: return s->kind == AVRO_FLOAT;
    case TYPE_DOUBLE: return s->kind == AVRO_DOUBLE;
    case TYPE_CHAR:
    case TYPE_VARCHAR: return s->kind == AVRO_STRING;
    case TYPE_BINARY:
    case TYPE_VARBINARY: return s->kind == AVRO_BYTES && s->logical == AVRO_PLAIN;
    case TYPE_DECIMAL:
        return s->kind == AVRO_BYTES && s->logical == AVRO_DECIMAL && s->precision == type->precision && s->scale == type->scale;
    case TYPE_DATE: return s->kind == AVRO_INT && s->logical == AVRO_DATE;
    default: return time_fits(s, type);
    }
}

static enum status unfit(const struct avro_schema *s, const struct type *type, struct diag *diag)
{
    struct arena scratch;

    arena_init(&scratch, ARENA_BUDGET_NONE);
    diag_set(diag, ST_INVALID, DIAG_TYPE, "the Avro schema has %s, and the column is %s", avro_kind_text(s->kind),
             type_text(&scratch, type));
    arena_deinit(&scratch);
    return ST_INVALID;
}

/* What may be NULL is a union of two, one of them null; nothing else is a union. */
static enum status value_fits(const struct avro_schema *s, const struct type *type, struct diag *diag)
{
    bool is_union = s->kind == AVRO_UNION;

    if (is_union && (type->not_null || s->count != 2 || (s->inner[0]->kind == AVRO_NULL) == (s->inner[1]->kind == AVRO_NULL)))
        return unfit(s, type, diag);
    if (!is_union && !type->not_null)
        return unfit(s, type, diag);
    if (is_union)
        s = s->inner[s->inner[0]->kind == AVRO_NULL];
    if (type->kind == TYPE_ROW)
        return record_fits(s, type, diag);
    if (type->kind == TYPE_ARRAY)
        return s->kind == AVRO_ARRAY ? value_fits(s->inner[0], type->fields[0].type, diag) : unfit(s, type, diag);
    if (type_is_map(type->kind))
        return s->kind == AVRO_MAP && type_is_text(type->fields[0].type->kind)
                   ? value_fits(s->inner[0], type->fields[1].type, diag)
                   : unfit(s, type, diag);
    return plain_fits(s, type) ? ST_OK : unfit(s, type, diag);
}

enum status avro_fits_row(const struct avro_schema *schema, const struct type *row, struct diag *diag)
{
    return record_fits(schema, row, diag);
}
