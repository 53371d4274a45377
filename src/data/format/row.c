/* The format `row`: values as they are, no text between. A record says of each field what it is, so
 * one that was made for other columns is refused and not misread.
 *
 *     'R' | fields uvarint | each field:
 *     kind u8 (enum typed_kind) | NULL: nothing · BOOL: u8 · INT, DATE, TIME, TIMESTAMP: varint ·
 *                                 DOUBLE: 8 bytes · DECIMAL: scale u8, 16 bytes · TEXT, BYTES:
 * uvarint length, bytes
 *
 * Numbers of fixed size are little-endian. A FLOAT is kept as the double that it is.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/reader.h"
#include "data/format/format.h"
#include "data/typed.h"

enum { RECORD_BEGIN = 'R' };

struct row_reader {
    struct format_decoder base;
    struct arena arena;
    uint16_t fields; /* of a record */
    int32_t *wanted; /* by field: index of columns and names, or -1 */
    struct bytes *names;
    const struct type **types;
    uint16_t *columns;
};

struct row_writer {
    struct format_encoder base;
    struct arena arena;
    uint16_t count;
    const struct type **types;
    uint16_t *columns;
};

/* There are no options; every column must have a kind. */
static enum status check_spec(const struct format_spec *spec, struct diag *diag)
{
    struct bytes key, value;
    uint32_t at = 0;

    if (format_option_next(spec, &at, &key, &value))
        return format_option_unknown(spec, key, diag);
    for (uint16_t i = 0; i < spec->schema->count; i++) {
        const struct type_field *field = &spec->schema->fields[i];
        if (typed_kind_of(field->type) == TYPED_KINDS)
            return diag_set(
                diag, ST_UNSUPPORTED, DIAG_TYPE,
                "the format 'row' has no form for column '%.*s': ROW, ARRAY, MAP and intervals are "
                "not built yet",
                BYTES_FMT(bytes_head(field->name, 60)));
    }
    return ST_OK;
}

/* ---- decoding ---- */

static void decoder_close(struct format_decoder *decoder)
{
    struct row_reader *d = (struct row_reader *)decoder;

    arena_deinit(&d->arena);
    free(d);
}

static enum status decoder_open(const struct format_spec *spec, struct format_decoder **out,
                                struct diag *diag)
{
    uint16_t count = spec->schema->count,
             fields = spec->record_fields ? spec->record_fields : count;

    TRY(check_spec(spec, diag));
    struct row_reader *d = xcalloc(1, sizeof(*d));
    d->base.class_ = &format_row;
    arena_init(&d->arena, ARENA_BUDGET_NONE);
    d->fields = fields;
    d->wanted = ARENA_ARRAY(&d->arena, int32_t, fields + 1u);
    d->names = ARENA_ARRAY(&d->arena, struct bytes, count + 1u);
    d->types = ARENA_ARRAY(&d->arena, const struct type *, count + 1u);
    d->columns = ARENA_ARRAY(&d->arena, uint16_t, count + 1u);
    for (uint16_t i = 0; i < fields; i++)
        d->wanted[i] = -1;
    for (uint16_t i = 0; i < count; i++) {
        uint16_t position = spec->positions ? spec->positions[i] : i;
        CHECK(position < fields);
        d->wanted[position] = i;
        d->names[i] = arena_copy(&d->arena, spec->schema->fields[i].name);
        d->types[i] = type_copy(&d->arena, spec->schema->fields[i].type);
        d->columns[i] = format_column(spec, i);
    }
    *out = &d->base;
    return ST_OK;
}

static struct typed read_value(struct reader *r)
{
    struct typed v = {.kind = (enum typed_kind)reader_u8(r)};

    switch (v.kind) {
    case TYPED_NULL: break;
    case TYPED_BOOL: v.i = reader_u8(r); break;
    case TYPED_INT:
    case TYPED_DATE:
    case TYPED_TIME:
    case TYPED_TIMESTAMP: v.i = reader_varint(r); break;
    case TYPED_DOUBLE: {
        uint64_t bits = reader_u64_le(r);
        memcpy(&v.d, &bits, sizeof(bits));
        break;
    }
    case TYPED_DECIMAL: {
        v.scale = reader_u8(r);
        uint64_t low = reader_u64_le(r), high = reader_u64_le(r);
        v.dec = (i128)((unsigned __int128)high << 64 | low);
        break;
    }
    case TYPED_TEXT:
    case TYPED_BYTES: v.bytes = reader_sized(r); break;
    default: r->bad = true;
    }
    return v;
}

static enum format_result put_value(const struct row_reader *d, int32_t i, const struct typed *v,
                                    struct column_builder *cols, struct diag *diag)
{
    struct column_builder *b = &cols[d->columns[i]];
    union value fitted = {0};

    if (v->kind == TYPED_NULL) {
        column_put_null(b);
        return FORMAT_ROW;
    }
    if (typed_fit(d->names[i], d->types[i], v, &fitted, diag) != ST_OK)
        return FORMAT_BAD;
    if (b->phys == PHYS_STR)
        column_put_text(b, v->bytes);
    else
        column_put_value(b, &fitted);
    return FORMAT_ROW;
}

static enum format_result malformed(struct diag *diag, const char *why)
{
    diag_set(diag, ST_INVALID, DIAG_VALUE, "the record is not of the format 'row': %s", why);
    return FORMAT_BAD;
}

static enum format_result decode(struct format_decoder *decoder, struct bytes record,
                                 struct column_builder *cols, struct diag *diag)
{
    const struct row_reader *d = (const struct row_reader *)decoder;
    struct reader r = reader_of(record);

    if (reader_u8(&r) != RECORD_BEGIN)
        return malformed(diag, "it does not begin with 'R'");
    uint64_t fields = reader_uvarint(&r);
    if (r.bad || fields != d->fields) {
        diag_set(diag, ST_INVALID, DIAG_VALUE,
                 "the record has %llu fields, the table's records have %u",
                 (unsigned long long)fields, d->fields);
        return FORMAT_BAD;
    }
    for (uint16_t i = 0; i < d->fields; i++) {
        struct typed v = read_value(&r);
        if (r.bad)
            return malformed(diag, "a field is cut off, or of no known kind");
        if (d->wanted[i] >= 0 && put_value(d, d->wanted[i], &v, cols, diag) != FORMAT_ROW)
            return FORMAT_BAD;
    }
    return reader_left(&r) ? malformed(diag, "there are bytes behind its last field") : FORMAT_ROW;
}

/* ---- encoding ---- */

static void encoder_close(struct format_encoder *encoder)
{
    struct row_writer *e = (struct row_writer *)encoder;

    arena_deinit(&e->arena);
    free(e);
}

static enum status encoder_open(const struct format_spec *spec, struct format_encoder **out,
                                struct diag *diag)
{
    uint16_t count = spec->schema->count;

    TRY(check_spec(spec, diag));
    struct row_writer *e = xcalloc(1, sizeof(*e));
    e->base.class_ = &format_row;
    arena_init(&e->arena, ARENA_BUDGET_NONE);
    e->count = count;
    e->types = ARENA_ARRAY(&e->arena, const struct type *, count + 1u);
    e->columns = ARENA_ARRAY(&e->arena, uint16_t, count + 1u);
    for (uint16_t i = 0; i < count; i++) {
        e->types[i] = type_copy(&e->arena, spec->schema->fields[i].type);
        e->columns[i] = format_column(spec, i);
    }
    *out = &e->base;
    return ST_OK;
}

static void write_value(struct buf *to, const struct typed *v)
{
    uint64_t bits;

    buf_u8(to, (uint8_t)v->kind);
    switch (v->kind) {
    case TYPED_NULL: break;
    case TYPED_BOOL: buf_u8(to, v->i != 0); break;
    case TYPED_DOUBLE:
        memcpy(&bits, &v->d, sizeof(bits));
        buf_u64_le(to, bits);
        break;
    case TYPED_DECIMAL:
        buf_u8(to, (uint8_t)v->scale);
        buf_u64_le(to, (uint64_t)v->dec);
        buf_u64_le(to, (uint64_t)(v->dec >> 64));
        break;
    case TYPED_TEXT:
    case TYPED_BYTES: buf_sized(to, v->bytes); break;
    default: buf_varint(to, v->i);
    }
}

static void encode(struct format_encoder *encoder, const struct chunk *chunk, uint16_t row,
                   struct buf *to)
{
    const struct row_writer *e = (const struct row_writer *)encoder;

    buf_u8(to, RECORD_BEGIN);
    buf_uvarint(to, e->count);
    for (uint16_t i = 0; i < e->count; i++) {
        struct typed v = typed_of(e->types[i], &chunk->cols[e->columns[i]], row);
        write_value(to, &v);
    }
}

const struct format_class format_row = {
    .name = "row",
    .decoder_open = decoder_open,
    .decode = decode,
    .decoder_close = decoder_close,
    .encoder_open = encoder_open,
    .encode = encode,
    .encoder_close = encoder_close,
};
