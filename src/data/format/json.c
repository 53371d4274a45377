/* The JSON format: options, the plan of fields, times; records are read in json_parse.cc and written by
 * value_json (text.h). */
#include <stdlib.h>

#include "base/check.h"
#include "data/datetime.h"
#include "data/format/fields.h"
#include "data/format/json_parse.h"
#include "data/text.h"

struct json_decoder {
    struct format_decoder base;
    struct arena arena; /* the plan */
    struct json_parser *parser;
    struct json_object object;
    struct json_rules rules;
};

static enum status read_time_standard(struct bytes format, struct bytes value, bool *iso, struct diag *diag)
{
    *iso = bytes_is(value, "ISO-8601");
    if (*iso || bytes_is(value, "SQL"))
        return ST_OK;
    return diag_set(diag, ST_INVALID, DIAG_VALUE,
                    "option '%.*s.timestamp-format.standard' is '%.*s', expected SQL or ISO-8601",
                    BYTES_FMT(format), BYTES_FMT(value));
}

static enum status read_null_key_mode(struct bytes format, struct bytes value, struct diag *diag)
{
    if (bytes_is_nocase(value, "FAIL"))
        return ST_OK;
    return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                    "option '%.*s.map-null-key.mode' = '%.*s' is not built yet: only FAIL is",
                    BYTES_FMT(format), BYTES_FMT(value));
}

struct json_options json_options_default(void)
{
    return (struct json_options){.decimal_plain = true};
}

enum status json_option_take(const struct format_spec *spec, struct bytes key, struct bytes value,
                             struct json_options *o, bool *taken, struct diag *diag)
{
    *taken = true;
    if (bytes_is(key, "ignore-parse-errors"))
        return format_option_bool(key, value, &o->rules.ignore_errors, diag);
    if (bytes_is(key, "timestamp-format.standard"))
        return read_time_standard(spec->name, value, &o->rules.iso_time, diag);
    if (bytes_is(key, "encode.ignore-null-fields"))
        return format_option_bool(key, value, &o->ignore_nulls, diag);
    if (bytes_is(key, "encode.decimal-as-plain-number"))
        return format_option_bool(key, value, &o->decimal_plain, diag);
    if (bytes_is(key, "map-null-key.mode"))
        return read_null_key_mode(spec->name, value, diag);
    *taken = bytes_is(key, "map-null-key.literal");
    return ST_OK;
}

static enum status read_options(const struct format_spec *spec, struct json_options *o,
                                struct diag *diag)
{
    struct bytes key, value;
    uint32_t at = 0;

    *o = json_options_default();
    while (format_option_next(spec, &at, &key, &value)) {
        bool taken = true;
        if (bytes_is(key, "fail-on-missing-field"))
            TRY(format_option_bool(key, value, &o->rules.fail_on_missing, diag));
        else if (!bytes_is(key, "decode.json-parser.enabled"))
            TRY(json_option_take(spec, key, value, o, &taken, diag));
        if (!taken)
            return format_option_unknown(spec, key, diag);
    }
    if (o->rules.ignore_errors && o->rules.fail_on_missing)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "json.fail-on-missing-field and json.ignore-parse-errors exclude each other");
    return ST_OK;
}

/* ---- the plan ---- */

static bool plan_value(struct arena *arena, const struct type *type, struct json_value *out,
                       struct diag *diag);

static bool plan_fields(struct arena *arena, const struct type_field *fields, uint16_t count,
                        const struct format_spec *spec, struct json_object *out, struct diag *diag)
{
    struct json_field *made = ARENA_ARRAY(arena, struct json_field, count ? count : 1);

    for (uint16_t i = 0; i < count; i++) {
        made[i].name = arena_copy(arena, fields[i].name);
        made[i].column = spec ? format_column(spec, i) : i;
        if (!plan_value(arena, fields[i].type, &made[i].value, diag))
            return false;
    }
    *out = (struct json_object){made, count, 0};
    return true;
}

static bool plan_value(struct arena *arena, const struct type *type, struct json_value *out,
                       struct diag *diag)
{
    struct json_value *elements = ARENA_ARRAY(arena, struct json_value, 2);
    struct json_object *object = ARENA_NEW(arena, struct json_object);

    *out = (struct json_value){type, object, elements};
    if (type->kind == TYPE_ROW)
        return plan_fields(arena, type->fields, type->fields_count, NULL, object, diag);
    if (type->kind == TYPE_NULL || type->kind == TYPE_INTERVAL_MONTH ||
        type->kind == TYPE_INTERVAL_SECOND) {
        diag_set(diag, ST_INVALID, DIAG_TYPE, "JSON has no %s", type_text(arena, type));
        return false;
    }
    if (type_is_map(type->kind) && !type_is_text(type->fields[0].type->kind)) {
        diag_set(diag, ST_INVALID, DIAG_TYPE, "the keys of a MAP in JSON are text, not %s",
                 type_text(arena, type->fields[0].type));
        return false;
    }
    for (uint16_t i = 0; i < type->fields_count; i++)
        if (!plan_value(arena, type->fields[i].type, &elements[i], diag))
            return false;
    return true;
}

enum status json_plan(struct arena *arena, const struct type_field *fields, uint16_t count,
                      const struct format_spec *spec, struct json_object *out, struct diag *diag)
{
    return plan_fields(arena, fields, count, spec, out, diag) ? ST_OK : ST_INVALID;
}

static void decoder_close(struct format_decoder *base)
{
    struct json_decoder *d = (struct json_decoder *)base;

    json_parser_destroy(d->parser);
    arena_deinit(&d->arena);
    free(d);
}

static enum status decoder_open(const struct format_spec *spec, struct format_decoder **out,
                                struct diag *diag)
{
    struct json_options options;
    struct json_decoder *d;

    TRY(read_options(spec, &options, diag));
    d = xcalloc(1, sizeof(*d));
    d->base.class_ = &format_json;
    d->rules = options.rules;
    arena_init(&d->arena, ARENA_BUDGET_NONE);
    d->parser = json_parser_create();
    CHECK(d->parser != NULL);
    const struct type *row = type_row(&d->arena, spec->schema->fields, spec->schema->count);
    row = type_copy(&d->arena, row); /* the plan outlives the spec */
    if (!plan_fields(&d->arena, row->fields, row->fields_count, spec, &d->object, diag)) {
        decoder_close(&d->base);
        return ST_INVALID;
    }
    *out = &d->base;
    return ST_OK;
}

static enum format_result decode(struct format_decoder *base, struct bytes record,
                                 struct column_builder *cols, struct diag *diag)
{
    struct json_decoder *d = (struct json_decoder *)base;

    if (json_parse_record(d->parser, &d->object, &d->rules, record, cols, diag))
        return FORMAT_ROW;
    return d->rules.ignore_errors ? FORMAT_SKIP : FORMAT_BAD;
}

/* ---- values that are strings in JSON ---- */

/* SQL: a blank between date and time; ISO-8601: a T. */
static bool has_separator(const struct json_rules *rules, struct bytes text)
{
    char want = rules->iso_time ? 'T' : ' ';
    return bytes_find(text, (uint8_t)want, 0) < text.len;
}

bool json_time(const struct json_rules *rules, const struct type *type, struct bytes text, int64_t *out)
{
    int32_t days, zone = 0;
    bool zoned = false;

    switch (type->kind) {
    case TYPE_DATE:
        if (!date_parse(text, DAY_EXACT, &days))
            return false;
        *out = days;
        return true;
    case TYPE_TIME:
        if (!time_parse(text, out))
            return false;
        break;
    case TYPE_TIMESTAMP:
        if (!has_separator(rules, text) || !timestamp_parse(text, DAY_CUT, out))
            return false;
        break;
    default:
        if (!has_separator(rules, text) || !timestamp_parse_zoned(text, out, &zone, &zoned))
            return false;
        *out -= zone * US_PER_SECOND;
    }
    *out = time_cut(*out, type->precision);
    return true;
}

static int base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool json_base64(struct column_builder *b, struct bytes text)
{
    struct buf out;
    uint32_t acc = 0;
    int bits = 0;
    bool ok = true;

    while (text.len && text.ptr[text.len - 1] == '=')
        text.len--;
    buf_init(&out, 0);
    for (size_t i = 0; i < text.len && ok; i++) {
        int digit = base64_digit(text.ptr[i]);
        ok = digit >= 0;
        acc = acc << 6 | (uint32_t)digit;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buf_u8(&out, (uint8_t)(acc >> bits));
        }
    }
    ok = ok && bits < 6;
    if (ok)
        column_put_text(b, buf_view(&out));
    buf_deinit(&out);
    return ok;
}

/* ---- writing ---- */

void json_rows_init(struct json_rows *w, const struct format_spec *spec, const struct schema *schema,
                    const struct json_options *options)
{
    arena_init(&w->arena, ARENA_BUDGET_NONE);
    w->row = format_row_type(schema, &w->arena);
    w->columns = format_columns(spec, schema->count, &w->arena);
    /* TIMESTAMP_LTZ goes out in UTC with a Z, whatever the session's zone, as Flink's. */
    w->style = (struct text_style){.iso_time = options->rules.iso_time, .decimal_text = !options->decimal_plain};
    w->ignore_nulls = options->ignore_nulls;
}

void json_rows_deinit(struct json_rows *w)
{
    arena_deinit(&w->arena);
}

void json_rows_write(const struct json_rows *w, const struct column *cols, uint16_t row, struct buf *to)
{
    bool first = true;

    buf_u8(to, '{');
    for (uint16_t i = 0; i < w->row->fields_count; i++) {
        const struct column *col = &cols[w->columns[i]];
        if (w->ignore_nulls && !column_valid(col, row))
            continue;
        if (!first)
            buf_u8(to, ',');
        first = false;
        json_quoted(to, w->row->fields[i].name);
        buf_u8(to, ':');
        value_json(to, w->row->fields[i].type, col, row, &w->style);
    }
    buf_u8(to, '}');
}

struct json_encoder {
    struct format_encoder base;
    struct json_rows rows;
};

static void encoder_close(struct format_encoder *base)
{
    struct json_encoder *e = (struct json_encoder *)base;

    json_rows_deinit(&e->rows);
    free(e);
}

static enum status encoder_open(const struct format_spec *spec, struct format_encoder **out,
                                struct diag *diag)
{
    struct json_options options;

    TRY(read_options(spec, &options, diag));
    struct json_encoder *e = xcalloc(1, sizeof(*e));
    e->base.class_ = &format_json;
    json_rows_init(&e->rows, spec, spec->schema, &options);
    *out = &e->base;
    return ST_OK;
}

static void encode(struct format_encoder *base, const struct chunk *chunk, uint16_t row, struct buf *to)
{
    json_rows_write(&((const struct json_encoder *)base)->rows, chunk->cols, row, to);
}

const struct format_class format_json = {
    .name = "json",
    .decoder_open = decoder_open,
    .decode = decode,
    .decoder_close = decoder_close,
    .encoder_open = encoder_open,
    .encode = encode,
    .encoder_close = encoder_close,
};
