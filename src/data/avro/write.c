/* Rows to Avro: see plan.h. The schema was made of the types, so both are walked side by side. */
#include "base/check.h"
#include "data/avro/plan.h"
#include "data/datetime.h"

static void write_value(const struct avro_schema *schema, const struct type *type, const struct column *col,
                        uint32_t at, struct buf *to);

static void write_sized(struct buf *to, struct bytes bytes)
{
    buf_varint(to, (int64_t)bytes.len);
    buf_bytes(to, bytes);
}

/* The shortest two's complement, the highest byte first. */
static void write_decimal(struct buf *to, i128 v)
{
    uint8_t bytes[16];
    size_t from = 0;

    for (int i = 15; i >= 0; i--, v >>= 8)
        bytes[i] = (uint8_t)v;
    while (from < 15 && ((bytes[from] == 0 && !(bytes[from + 1] >> 7)) || (bytes[from] == 0xff && bytes[from + 1] >> 7)))
        from++;
    write_sized(to, bytes_of(bytes + from, 16 - from));
}

static void write_list(const struct avro_schema *schema, const struct type *type, const struct column *col,
                       uint32_t at, struct buf *to)
{
    uint32_t from = col->offsets[at], end = col->offsets[at + 1];
    bool map = schema->kind == AVRO_MAP;
    const struct str *keys = map ? col->children[0].data : NULL;

    if (end > from)
        buf_varint(to, end - from);
    for (uint32_t i = from; i < end; i++) {
        if (map) /* a key that is NULL has no form: it is empty */
            write_sized(to, column_valid(&col->children[0], i) ? bytes_of(keys[i].ptr, keys[i].len) : BYTES_NONE);
        write_value(schema->inner[0], type->fields[map].type, &col->children[map], i, to);
    }
    buf_varint(to, 0);
}

static int64_t time_units(const struct avro_schema *schema, int64_t us)
{
    bool micros = schema->logical == AVRO_TIMESTAMP_MICROS || schema->logical == AVRO_LOCAL_TIMESTAMP_MICROS ||
                  schema->logical == AVRO_TIME_MICROS;

    return micros ? us : floor_div(us, 1000);
}

static void write_fixed_size(const struct column *col, enum phys phys, uint32_t at, struct buf *to)
{
    uint64_t bits64;
    uint32_t bits32;

    if (phys == PHYS_F32) {
        memcpy(&bits32, (const float *)col->data + at, sizeof(bits32));
        buf_u32_le(to, bits32);
    } else {
        memcpy(&bits64, (const double *)col->data + at, sizeof(bits64));
        buf_u64_le(to, bits64);
    }
}

static void write_plain(const struct avro_schema *schema, const struct type *type, const struct column *col,
                        uint32_t at, struct buf *to)
{
    const struct str *s = col->data;

    switch (type_phys(type->kind)) {
    case PHYS_NULL: break;
    case PHYS_BOOL: buf_u8(to, ((const uint8_t *)col->data)[at] != 0); break;
    case PHYS_I32: buf_varint(to, ((const int32_t *)col->data)[at]); break;
    case PHYS_I64: {
        int64_t v = ((const int64_t *)col->data)[at];
        buf_varint(to, type->kind == TYPE_BIGINT ? v : time_units(schema, v));
        break;
    }
    case PHYS_I128: write_decimal(to, ((const i128 *)col->data)[at]); break;
    case PHYS_F32:
    case PHYS_F64: write_fixed_size(col, type_phys(type->kind), at, to); break;
    case PHYS_STR: write_sized(to, bytes_of(s[at].ptr, s[at].len)); break;
    case PHYS_ROW:
        for (uint16_t f = 0; f < type->fields_count; f++)
            write_value(schema->fields[f].type, type->fields[f].type, &col->children[f], at, to);
        break;
    case PHYS_LIST: write_list(schema, type, col, at, to); break;
    }
}

/* What may be NULL is a union of two branches, one of which is null. */
static void write_value(const struct avro_schema *schema, const struct type *type, const struct column *col,
                        uint32_t at, struct buf *to)
{
    bool valid = column_valid(col, at);

    if (schema->kind == AVRO_UNION) {
        bool null_first = schema->inner[0]->kind == AVRO_NULL;
        CHECK(schema->count == 2);
        buf_varint(to, valid == null_first);
        if (!valid)
            return;
        schema = schema->inner[null_first];
    }
    write_plain(schema, type, col, at, to);
}

void avro_write(const struct avro_schema *schema, const struct type *row, const uint16_t *columns,
                const struct column *cols, uint32_t at, struct buf *to)
{
    CHECK(schema->kind == AVRO_RECORD && schema->count == row->fields_count);
    for (uint16_t f = 0; f < row->fields_count; f++)
        write_value(schema->fields[f].type, row->fields[f].type, &cols[columns ? columns[f] : f], at, to);
}
