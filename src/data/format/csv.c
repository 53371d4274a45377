/* The CSV format: one record, one line, as RFC 4180 with Flink's options.
 *
 * Writing quotes as Flink's library does (Jackson's "loose" rule), so that files are the same: text of more
 * than 24 characters, or with any character up to the delimiter, the quote or a line feed in code. */
#include <stdlib.h>

#include "base/check.h"
#include "data/format/fields.h"
#include "data/datetime.h"
#include "data/parse.h"
#include "data/text.h"
#include "data/utf8.h"

enum { QUOTE_CHECK_MAX = 24, NO_CHAR = -1 };

struct csv_options {
    uint8_t delimiter;
    int quote, escape; /* NO_CHAR: none */
    bool ignore_errors, comments, has_null;
    struct bytes null_text, element_delimiter;
};

struct csv_decoder {
    struct format_decoder base;
    struct arena arena;
    struct csv_options options;
    const struct type *row;
    uint16_t *columns, *positions;
    uint16_t record_fields;
    struct buf text;        /* of unquoted fields */
    struct csv_cell *cells; /* one a field of the record */
};

struct csv_cell {
    size_t pos, len; /* in text */
    bool quoted;
};

/* ---- options ---- */

static enum status one_char(struct bytes key, struct bytes value, int *out, struct diag *diag)
{
    static const char *const names[] = {"\\t", "\\n", "\\r", "\\\\"};
    static const char chars[] = {'\t', '\n', '\r', '\\'};

    for (int i = 0; i < 4; i++)
        if (bytes_is(value, names[i]))
            return *out = chars[i], ST_OK;
    if (value.len != 1)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "option 'csv.%.*s' is '%.*s', expected one ASCII character", BYTES_FMT(key),
                        BYTES_FMT(value));
    *out = value.ptr[0];
    return ST_OK;
}

static enum status read_option(const struct format_spec *spec, struct bytes key, struct bytes value,
                               struct csv_options *o, bool *no_quotes, struct diag *diag)
{
    int c;

    if (bytes_is(key, "field-delimiter")) {
        TRY(one_char(key, value, &c, diag));
        o->delimiter = (uint8_t)c;
        return ST_OK;
    }
    if (bytes_is(key, "quote-character"))
        return one_char(key, value, &o->quote, diag);
    if (bytes_is(key, "escape-character"))
        return one_char(key, value, &o->escape, diag);
    if (bytes_is(key, "disable-quote-character"))
        return format_option_bool(key, value, no_quotes, diag);
    if (bytes_is(key, "ignore-parse-errors"))
        return format_option_bool(key, value, &o->ignore_errors, diag);
    if (bytes_is(key, "allow-comments"))
        return format_option_bool(key, value, &o->comments, diag);
    if (bytes_is(key, "array-element-delimiter")) {
        o->element_delimiter = value;
        return ST_OK;
    }
    if (bytes_is(key, "null-literal")) {
        o->null_text = value;
        o->has_null = true;
        return ST_OK;
    }
    return format_option_unknown(spec, key, diag);
}

static enum status read_options(const struct format_spec *spec, struct csv_options *o,
                                struct diag *diag)
{
    struct bytes key, value;
    uint32_t at = 0;
    bool no_quotes = false;

    *o = (struct csv_options){.delimiter = ',', .quote = '"', .escape = NO_CHAR,
                              .element_delimiter = BYTES_LITERAL(";")};
    while (format_option_next(spec, &at, &key, &value))
        TRY(read_option(spec, key, value, o, &no_quotes, diag));
    if (no_quotes)
        o->quote = NO_CHAR;
    if (o->element_delimiter.len == 0)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "option 'csv.array-element-delimiter' is empty");
    return ST_OK;
}

static bool is_scalar(const struct type *type)
{
    return type->kind != TYPE_NULL && type->kind < TYPE_ROW && type->kind != TYPE_INTERVAL_MONTH &&
           type->kind != TYPE_INTERVAL_SECOND;
}

static enum status check_types(const struct schema *schema, struct arena *arena, struct diag *diag)
{
    for (uint16_t i = 0; i < schema->count; i++) {
        const struct type *type = schema->fields[i].type;
        bool ok = is_scalar(type);
        if (type->kind == TYPE_ARRAY || type->kind == TYPE_ROW) {
            ok = type->fields_count > 0;
            for (uint16_t f = 0; f < type->fields_count; f++)
                ok = ok && is_scalar(type->fields[f].type);
        }
        if (!ok)
            return diag_set(diag, ST_INVALID, DIAG_TYPE, "column '%.*s': CSV has no %s",
                            BYTES_FMT(schema->fields[i].name), type_text(arena, type));
    }
    return ST_OK;
}

/* ---- decoding ---- */

static void decoder_close(struct format_decoder *base)
{
    struct csv_decoder *d = (struct csv_decoder *)base;

    buf_deinit(&d->text);
    arena_deinit(&d->arena);
    free(d);
}

static enum status decoder_open(const struct format_spec *spec, struct format_decoder **out,
                                struct diag *diag)
{
    const struct schema *schema = spec->schema;
    struct csv_options options;
    struct csv_decoder *d;

    TRY(read_options(spec, &options, diag));
    d = xcalloc(1, sizeof(*d));
    d->base.class_ = &format_csv;
    arena_init(&d->arena, ARENA_BUDGET_NONE);
    buf_init(&d->text, 0);
    d->options = options;
    d->options.null_text = arena_copy(&d->arena, options.null_text);
    d->options.element_delimiter = arena_copy(&d->arena, options.element_delimiter);
    d->row = format_row_type(spec->schema, &d->arena);
    d->record_fields = spec->record_fields ? spec->record_fields : schema->count;
    d->columns = format_columns(spec, schema->count, &d->arena);
    d->positions = ARENA_ARRAY(&d->arena, uint16_t, schema->count + 1u);
    d->cells = ARENA_ARRAY(&d->arena, struct csv_cell, d->record_fields + 1u);
    for (uint16_t i = 0; i < schema->count; i++) {
        d->positions[i] = spec->positions ? spec->positions[i] : i;
        CHECK(d->positions[i] < d->record_fields);
    }
    enum status st = check_types(schema, &d->arena, diag);
    if (st != ST_OK) {
        decoder_close(&d->base);
        return st;
    }
    *out = &d->base;
    return ST_OK;
}

/* The text of a quoted field after its opening quote; gives the position after the closing one, or 0. */
static size_t scan_quoted(struct csv_decoder *d, struct bytes line, size_t at)
{
    const struct csv_options *o = &d->options;

    while (at < line.len) {
        uint8_t c = line.ptr[at];
        if (c == o->escape && at + 1 < line.len) {
            buf_u8(&d->text, line.ptr[at + 1]);
            at += 2;
        } else if (c != o->quote) {
            buf_u8(&d->text, c);
            at++;
        } else if (at + 1 < line.len && line.ptr[at + 1] == o->quote) {
            buf_u8(&d->text, c);
            at += 2;
        } else {
            return at + 1;
        }
    }
    return 0;
}

static size_t scan_plain(struct csv_decoder *d, struct bytes line, size_t at)
{
    const struct csv_options *o = &d->options;

    if (o->escape == NO_CHAR) {
        size_t end = bytes_find(line, o->delimiter, at);
        buf_append(&d->text, line.ptr + at, end - at);
        return end;
    }
    while (at < line.len && line.ptr[at] != o->delimiter) {
        if (line.ptr[at] == o->escape && at + 1 < line.len)
            at++;
        buf_u8(&d->text, line.ptr[at++]);
    }
    return at;
}

/* Splits the line into cells; false with a diag. *fields: how many there were. */
static bool split(struct csv_decoder *d, struct bytes line, uint32_t *fields, struct diag *diag)
{
    size_t at = 0;

    buf_clear(&d->text);
    for (*fields = 0;; (*fields)++) {
        struct csv_cell cell = {.pos = d->text.len};
        if (at < line.len && line.ptr[at] == d->options.quote) {
            cell.quoted = true;
            at = scan_quoted(d, line, at + 1);
            if (at == 0 || (at < line.len && line.ptr[at] != d->options.delimiter)) {
                diag_set(diag, ST_INVALID, DIAG_VALUE,
                         at ? "there is text after the closing quote of field %u"
                            : "the quote of field %u is not closed",
                         *fields + 1);
                return false;
            }
        } else {
            at = scan_plain(d, line, at);
        }
        cell.len = d->text.len - cell.pos;
        if (*fields < d->record_fields)
            d->cells[*fields] = cell;
        if (at >= line.len) {
            (*fields)++;
            return true;
        }
        at++; /* the delimiter */
    }
}

/* As Flink's does: the 30th of February is the 1st or 2nd of March; a 32nd is none. */
static bool read_date(struct bytes text, int32_t *days)
{
    return date_parse(text, DAY_CUT, days) && date_parse(text, DAY_COUNTED, days);
}

static bool put_scalar(struct csv_decoder *d, const struct type *type, struct bytes text,
                       struct column_builder *b)
{
    union value v;

    if (d->options.has_null && bytes_equal(text, d->options.null_text)) {
        column_put_null(b);
        return true;
    }
    if (type_phys(type->kind) == PHYS_STR) {
        if (type_is_text(type->kind) && !bytes_is_utf8(text))
            return false;
        column_put_text(b, text);
        return true;
    }
    if (!text.len) { /* of no number, time or BOOLEAN the text is empty */
        column_put_null(b);
        return true;
    }
    if (!(type->kind == TYPE_DATE ? read_date(text, &v.i32)
                                  : value_parse(type, text, NULL, &v)))
        return false;
    if (type_phys(type->kind) == PHYS_BOOL)
        column_put_bool(b, v.b);
    else if (type_phys(type->kind) == PHYS_I32)
        column_put_i32(b, v.i32);
    else if (type_phys(type->kind) == PHYS_I64)
        column_put_i64(b, v.i64);
    else if (type_phys(type->kind) == PHYS_I128)
        column_put_i128(b, v.dec);
    else if (type_phys(type->kind) == PHYS_F32)
        column_put_f32(b, v.f32);
    else
        column_put_f64(b, v.f64);
    return true;
}

static struct bytes next_element(struct csv_decoder *d, struct bytes *text)
{
    struct bytes delimiter = d->options.element_delimiter;
    size_t at = 0;

    while (at < text->len && !bytes_equal(bytes_head(bytes_skip(*text, at), delimiter.len), delimiter))
        at++;
    struct bytes element = bytes_head(*text, at);
    *text = bytes_skip(*text, at + delimiter.len);
    return element;
}

static bool put_elements(struct csv_decoder *d, const struct type *type, struct bytes text,
                         struct column_builder *b)
{
    uint32_t at = 0;
    bool list = type->kind == TYPE_ARRAY, more = !(list && text.len == 0);

    for (; more; at++) {
        size_t before = text.len;
        struct bytes element = next_element(d, &text);
        more = element.len < before;
        if (!list && at >= type->fields_count)
            return false;
        uint16_t child = (uint16_t)(list ? 0 : at);
        if (!put_scalar(d, type->fields[child].type, element, &b->children[child]))
            return false;
    }
    if (!list && at != type->fields_count)
        return false;
    if (list)
        column_put_list(b);
    else
        column_put_row(b);
    return true;
}

static bool put_cell(struct csv_decoder *d, const struct type *type, const struct csv_cell *cell,
                     struct column_builder *b)
{
    struct bytes text = cell->len ? bytes_of(d->text.ptr + cell->pos, cell->len) : BYTES_LITERAL("");
    uint32_t rows = b->rows;

    if (type->kind < TYPE_ROW)
        return put_scalar(d, type, text, b);
    if (d->options.has_null && bytes_equal(text, d->options.null_text)) {
        column_put_null(b);
        return true;
    }
    if (put_elements(d, type, text, b))
        return true;
    for (uint16_t i = 0; i < type->fields_count && !b->failed; i++)
        column_truncate(&b->children[i], type->kind == TYPE_ARRAY ? b->offsets[rows] : rows);
    return false;
}

static enum format_result bad(struct csv_decoder *d)
{
    return d->options.ignore_errors ? FORMAT_SKIP : FORMAT_BAD;
}

static enum format_result decode(struct format_decoder *base, struct bytes record,
                                 struct column_builder *cols, struct diag *diag)
{
    struct csv_decoder *d = (struct csv_decoder *)base;
    uint32_t fields;

    while (record.len && (record.ptr[record.len - 1] == '\n' || record.ptr[record.len - 1] == '\r'))
        record.len--;
    if (d->options.comments && record.len && record.ptr[0] == '#')
        return FORMAT_SKIP;
    if (!split(d, record, &fields, diag))
        return bad(d);
    if (fields != d->record_fields && !d->options.ignore_errors) {
        diag_set(diag, ST_INVALID, DIAG_VALUE, "the record has %u fields, expected %u", fields,
                 d->record_fields);
        return FORMAT_BAD;
    }
    for (uint16_t i = 0; i < d->row->fields_count; i++) {
        const struct type_field *field = &d->row->fields[i];
        struct column_builder *b = &cols[d->columns[i]];
        bool has = d->positions[i] < fields;
        if (has && put_cell(d, field->type, &d->cells[d->positions[i]], b))
            continue;
        if (!d->options.ignore_errors) {
            const struct csv_cell *cell = &d->cells[d->positions[i]];
            const char *text = cell->len ? (const char *)d->text.ptr + cell->pos : "";
            diag_set(diag, ST_INVALID, DIAG_VALUE, "field '%.*s': '%.*s' is no %s",
                     BYTES_FMT(field->name), (int)(cell->len < 60 ? cell->len : 60), text,
                     type_text(b->arena, field->type));
            return FORMAT_BAD;
        }
        column_put_null(b);
    }
    return FORMAT_ROW;
}

/* ---- encoding ---- */

struct csv_encoder {
    struct format_encoder base;
    struct arena arena;
    struct csv_options options;
    const struct type *row;
    uint16_t *columns;
    struct buf text;
    uint8_t highest_unsafe;
};

static void encoder_close(struct format_encoder *base)
{
    struct csv_encoder *e = (struct csv_encoder *)base;

    buf_deinit(&e->text);
    arena_deinit(&e->arena);
    free(e);
}

static enum status encoder_open(const struct format_spec *spec, struct format_encoder **out,
                                struct diag *diag)
{
    struct csv_options options;
    struct csv_encoder *e;

    TRY(read_options(spec, &options, diag));
    e = xcalloc(1, sizeof(*e));
    e->base.class_ = &format_csv;
    arena_init(&e->arena, ARENA_BUDGET_NONE);
    buf_init(&e->text, 0);
    e->options = options;
    e->options.null_text = arena_copy(&e->arena, options.null_text);
    e->options.element_delimiter = arena_copy(&e->arena, options.element_delimiter);
    e->row = format_row_type(spec->schema, &e->arena);
    e->columns = format_columns(spec, spec->schema->count, &e->arena);
    e->highest_unsafe = options.delimiter > '\n' ? options.delimiter : '\n';
    if (options.quote > e->highest_unsafe)
        e->highest_unsafe = (uint8_t)options.quote;
    enum status st = check_types(spec->schema, &e->arena, diag);
    if (st != ST_OK) {
        encoder_close(&e->base);
        return st;
    }
    *out = &e->base;
    return ST_OK;
}

static bool wants_quotes(const struct csv_encoder *e, struct bytes text)
{
    if (e->options.quote == NO_CHAR)
        return false;
    if (text.len > QUOTE_CHECK_MAX && utf8_chars(text) > QUOTE_CHECK_MAX)
        return true;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= e->highest_unsafe || text.ptr[i] == e->options.escape)
            return true;
    return false;
}

static void put_quoted(const struct csv_encoder *e, struct bytes text, struct buf *to)
{
    uint8_t quote = (uint8_t)e->options.quote;

    buf_u8(to, quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == quote)
            buf_u8(to, e->options.escape == NO_CHAR ? quote : (uint8_t)e->options.escape);
        else if (text.ptr[i] == e->options.escape)
            buf_u8(to, (uint8_t)e->options.escape);
        buf_u8(to, text.ptr[i]);
    }
    buf_u8(to, quote);
}

static void append_value(struct csv_encoder *e, const struct type *type, const struct column *col,
                         uint32_t row, struct buf *to)
{
    if (!column_valid(col, row))
        buf_bytes(to, e->options.null_text);
    else if (type->kind == TYPE_BOOLEAN)
        buf_str(to, ((const uint8_t *)col->data)[row] ? "true" : "false");
    else
        value_text(to, type, col, row, NULL);
}

static void append_elements(struct csv_encoder *e, const struct type *type, const struct column *col,
                            uint32_t row, struct buf *to)
{
    bool list = type->kind == TYPE_ARRAY;
    uint32_t from = list ? col->offsets[row] : 0;
    uint32_t count = list ? col->offsets[row + 1] - from : type->fields_count;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t child = list ? 0 : i;
        if (i)
            buf_bytes(to, e->options.element_delimiter);
        append_value(e, type->fields[child].type, &col->children[child], list ? from + i : row, to);
    }
}

static void encode(struct format_encoder *base, const struct chunk *chunk, uint16_t row, struct buf *to)
{
    struct csv_encoder *e = (struct csv_encoder *)base;

    for (uint16_t i = 0; i < e->row->fields_count; i++) {
        const struct type *type = e->row->fields[i].type;
        const struct column *col = &chunk->cols[e->columns[i]];
        bool number = type_is_numeric(type->kind) || type->kind == TYPE_BOOLEAN;
        if (i)
            buf_u8(to, e->options.delimiter);
        if (!column_valid(col, row)) {
            buf_bytes(to, e->options.null_text);
            continue;
        }
        buf_clear(&e->text);
        if (type->kind < TYPE_ROW)
            append_value(e, type, col, row, &e->text);
        else
            append_elements(e, type, col, row, &e->text);
        if (!number && wants_quotes(e, buf_view(&e->text)))
            put_quoted(e, buf_view(&e->text), to);
        else
            buf_bytes(to, buf_view(&e->text));
    }
}

const struct format_class format_csv = {
    .name = "csv",
    .decoder_open = decoder_open,
    .decode = decode,
    .decoder_close = decoder_close,
    .encoder_open = encoder_open,
    .encode = encode,
    .encoder_close = encoder_close,
};
