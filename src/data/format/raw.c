/* The raw format: the record is one value, its bytes as they are; numbers big-endian, or as
 * raw.endianness says. */
#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "data/format/format.h"

struct raw {
    union {
        struct format_decoder decoder;
        struct format_encoder encoder;
    } base;
    enum type_kind kind;
    uint16_t column;
    bool little;
};

static size_t width(enum type_kind kind)
{
    switch (kind) {
    case TYPE_BOOLEAN:
    case TYPE_TINYINT: return 1;
    case TYPE_SMALLINT: return 2;
    case TYPE_INT:
    case TYPE_FLOAT: return 4;
    case TYPE_BIGINT:
    case TYPE_DOUBLE: return 8;
    default: return 0;
    }
}

static enum status read_options(const struct format_spec *spec, bool *little, struct diag *diag)
{
    struct bytes key, value;
    uint32_t at = 0;

    *little = false;
    while (format_option_next(spec, &at, &key, &value)) {
        if (bytes_is(key, "endianness")) {
            *little = bytes_is(value, "little-endian");
            if (!*little && !bytes_is(value, "big-endian"))
                return diag_set(diag, ST_INVALID, DIAG_VALUE,
                                "option 'raw.endianness' is '%.*s', expected big-endian or "
                                "little-endian",
                                BYTES_FMT(value));
        } else if (bytes_is(key, "charset")) {
            if (!bytes_is_nocase(value, "UTF-8"))
                return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                                "option 'raw.charset' = '%.*s' is not built yet: only UTF-8 is",
                                BYTES_FMT(value));
        } else {
            return format_option_unknown(spec, key, diag);
        }
    }
    return ST_OK;
}

static enum status raw_open(const struct format_spec *spec, struct raw **out, struct diag *diag)
{
    struct raw *raw;
    bool little;

    TRY(read_options(spec, &little, diag));
    if (spec->schema->count != 1)
        return diag_set(diag, ST_INVALID, DIAG_TYPE, "the raw format has exactly one column, not %u",
                        spec->schema->count);
    enum type_kind kind = spec->schema->fields[0].type->kind;
    if (width(kind) == 0 && type_phys(kind) != PHYS_STR)
        return diag_set(diag, ST_INVALID, DIAG_TYPE,
                        "the raw format knows text, bytes, BOOLEAN and numbers but DECIMAL");
    raw = xcalloc(1, sizeof(*raw));
    raw->kind = kind;
    raw->column = format_column(spec, 0);
    raw->little = little;
    *out = raw;
    return ST_OK;
}

static enum status decoder_open(const struct format_spec *spec, struct format_decoder **out,
                                struct diag *diag)
{
    struct raw *raw;

    TRY(raw_open(spec, &raw, diag));
    raw->base.decoder.class_ = &format_raw;
    *out = &raw->base.decoder;
    return ST_OK;
}

static void decoder_close(struct format_decoder *decoder)
{
    free(decoder);
}

static enum format_result put_text(const struct raw *raw, struct bytes record,
                                   struct column_builder *b, struct diag *diag)
{
    if (type_is_text(raw->kind) && !bytes_is_utf8(record)) {
        diag_set(diag, ST_INVALID, DIAG_VALUE, "the record is not UTF-8");
        return FORMAT_BAD;
    }
    column_put_text(b, record);
    return FORMAT_ROW;
}

static enum format_result decode(struct format_decoder *decoder, struct bytes record,
                                 struct column_builder *cols, struct diag *diag)
{
    const struct raw *raw = (const struct raw *)decoder;
    struct column_builder *b = &cols[raw->column];
    size_t size = width(raw->kind);
    uint64_t v = 0;

    if (size == 0)
        return put_text(raw, record, b, diag);
    if (record.len != size) {
        diag_set(diag, ST_INVALID, DIAG_VALUE, "the record has %zu bytes, expected %zu", record.len,
                 size);
        return FORMAT_BAD;
    }
    for (size_t i = 0; i < size; i++)
        v = v << 8 | record.ptr[raw->little ? size - 1 - i : i];
    switch (raw->kind) {
    case TYPE_BOOLEAN: column_put_bool(b, v != 0); break;
    case TYPE_TINYINT: column_put_i32(b, (int8_t)v); break;
    case TYPE_SMALLINT: column_put_i32(b, (int16_t)v); break;
    case TYPE_INT:
    case TYPE_FLOAT: column_put_i32(b, (int32_t)v); break; /* the bits of a FLOAT */
    default: column_put_i64(b, (int64_t)v);                /* or of a DOUBLE */
    }
    return FORMAT_ROW;
}

static enum status encoder_open(const struct format_spec *spec, struct format_encoder **out,
                                struct diag *diag)
{
    struct raw *raw;

    TRY(raw_open(spec, &raw, diag));
    raw->base.encoder.class_ = &format_raw;
    *out = &raw->base.encoder;
    return ST_OK;
}

static void encoder_close(struct format_encoder *encoder)
{
    free(encoder);
}

static void encode(struct format_encoder *encoder, const struct chunk *chunk, uint16_t row,
                   struct buf *to)
{
    const struct raw *raw = (const struct raw *)encoder;
    const struct column *col = &chunk->cols[raw->column];
    size_t size = width(raw->kind);
    uint64_t v;

    if (!column_valid(col, row))
        return;
    if (size == 0) {
        const struct str *s = &((const struct str *)col->data)[row];
        buf_append(to, s->ptr, s->len);
        return;
    }
    switch (phys_size(type_phys(raw->kind))) {
    case 1: v = ((const uint8_t *)col->data)[row]; break;
    case 4: v = ((const uint32_t *)col->data)[row]; break;
    default: v = ((const uint64_t *)col->data)[row];
    }
    for (size_t i = 0; i < size; i++)
        buf_u8(to, (uint8_t)(v >> 8 * (raw->little ? i : size - 1 - i)));
}

const struct format_class format_raw = {
    .name = "raw",
    .decoder_open = decoder_open,
    .decode = decode,
    .decoder_close = decoder_close,
    .encoder_open = encoder_open,
    .encode = encode,
    .encoder_close = encoder_close,
};
