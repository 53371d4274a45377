/* The format `json-schema`: an object in JSON behind the number of the JSON Schema that it was written by (confluent.h). The
 * object says itself what its members are, so the schema is not needed to read them; but it must be there, and be one.
 *
 * Rows are written with the schema of the columns, registered when the encoder is opened, or with the option 'schema'.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/json_reader.h"
#include "data/format/confluent.h"
#include "data/format/json_parse.h"

struct options {
    struct confluent_options registry;
    struct json_options json;
};

struct decoder {
    struct format_decoder base;
    struct arena arena;
    struct confluent_plans plans;
    struct json_parser *parser;
    struct json_object object;
    struct json_rules rules;
};

struct encoder {
    struct format_encoder base;
    struct json_rows rows;
    uint32_t id;
};

static enum status read_options(const struct format_spec *spec, struct options *o, struct diag *diag)
{
    struct bytes key, value;
    uint32_t at = 0;

    *o = (struct options){.json = json_options_default()};
    while (format_option_next(spec, &at, &key, &value)) {
        bool taken = true;
        if (bytes_is(key, "fail-on-missing-field"))
            TRY(format_option_bool(key, value, &o->json.rules.fail_on_missing, diag));
        else
            TRY(json_option_take(spec, key, value, &o->json, &taken, diag));
        if (!taken && !confluent_option(&o->registry, key, value))
            return format_option_unknown(spec, key, diag);
    }
    if (o->json.rules.ignore_errors && o->json.rules.fail_on_missing)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "json-schema.fail-on-missing-field and json-schema.ignore-parse-errors exclude each other");
    return confluent_check(spec, &o->registry, diag);
}

/* ---- the schema of the columns ---- */

static enum status write_type(struct buf *out, const struct type *type, struct diag *diag);

static enum status write_object(struct buf *out, const struct type_field *fields, uint32_t count, struct diag *diag)
{
    const char *comma = "";

    buf_str(out, "\"type\":\"object\",\"properties\":{");
    for (uint32_t i = 0; i < count; i++) {
        buf_str(out, i ? "," : "");
        json_quoted(out, fields[i].name);
        buf_u8(out, ':');
        TRY(write_type(out, fields[i].type, diag));
    }
    buf_str(out, "},\"required\":[");
    for (uint32_t i = 0; i < count; i++)
        if (fields[i].type->not_null) {
            buf_str(out, comma);
            json_quoted(out, fields[i].name);
            comma = ",";
        }
    buf_str(out, "],\"additionalProperties\":false"); /* so that columns may be added */
    return ST_OK;
}

static enum status write_inner(struct buf *out, const struct type *type, struct diag *diag)
{
    static const char *const plain[TYPE_KINDS] = {
        [TYPE_BOOLEAN] = "\"type\":\"boolean\"",
        [TYPE_TINYINT] = "\"type\":\"integer\"",
        [TYPE_SMALLINT] = "\"type\":\"integer\"",
        [TYPE_INT] = "\"type\":\"integer\"",
        [TYPE_BIGINT] = "\"type\":\"integer\"",
        [TYPE_FLOAT] = "\"type\":\"number\"",
        [TYPE_DOUBLE] = "\"type\":\"number\"",
        [TYPE_DECIMAL] = "\"type\":\"number\"",
        [TYPE_BINARY] = "\"type\":\"string\",\"contentEncoding\":\"base64\"",
        [TYPE_VARBINARY] = "\"type\":\"string\",\"contentEncoding\":\"base64\""};

    if (type->kind == TYPE_ROW)
        return write_object(out, type->fields, type->fields_count, diag);
    if (type->kind == TYPE_ARRAY) {
        buf_str(out, "\"type\":\"array\",\"items\":");
        return write_type(out, type->fields[0].type, diag);
    }
    if (type->kind == TYPE_MAP) {
        buf_str(out, "\"type\":\"object\",\"additionalProperties\":");
        return write_type(out, type->fields[1].type, diag);
    }
    if (type->kind == TYPE_MULTISET)
        buf_str(out, "\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}");
    else
        buf_str(out, plain[type->kind] ? plain[type->kind] : "\"type\":\"string\""); /* texts and times */
    return ST_OK;
}

static enum status write_type(struct buf *out, const struct type *type, struct diag *diag)
{
    if (!type->not_null)
        buf_str(out, "{\"oneOf\":[{\"type\":\"null\"},");
    buf_u8(out, '{');
    TRY(write_inner(out, type, diag));
    buf_str(out, type->not_null ? "}" : "}]}");
    return ST_OK;
}

static enum status derived_schema(const struct type *row, struct arena *arena, struct bytes *text,
                                  struct diag *diag)
{
    struct buf out;

    buf_init(&out, 0);
    buf_str(&out, "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"title\":\"Record\",");
    enum status st = write_object(&out, row->fields, row->fields_count, diag);
    buf_u8(&out, '}');
    *text = arena_copy(arena, buf_view(&out));
    buf_deinit(&out);
    return st;
}

/* A schema of an option must have a property for each column. */
static enum status check_given(struct bytes text, const struct type *row, struct diag *diag)
{
    struct bytes properties, value;
    struct json_cursor cursor;

    if (!json_is_one(text, &cursor) || json_kind_of(text) != JSON_OBJECT)
        return diag_set(diag, ST_INVALID, DIAG_SYNTAX, "'json-schema.schema' is no object in JSON");
    for (uint16_t i = 0; i < row->fields_count; i++) {
        struct buf name;
        buf_init(&name, 0);
        buf_bytes(&name, row->fields[i].name);
        buf_u8(&name, 0);
        bool there = json_member(text, "properties", &properties) && json_kind_of(properties) == JSON_OBJECT &&
                     json_member(properties, (const char *)name.ptr, &value);
        buf_deinit(&name);
        if (!there)
            return diag_set(diag, ST_INVALID, DIAG_NAME,
                            "'json-schema.schema' has no property '%.*s', which is a column",
                            BYTES_FMT(bytes_head(row->fields[i].name, 60)));
    }
    return ST_OK;
}

/* ---- decoding ---- */

static enum status plan_registered(void *context, const struct registered_schema *schema, struct bytes part,
                                   struct arena *arena, const void **out, struct diag *diag)
{
    (void)context, (void)part, (void)arena, (void)diag;
    *out = schema; /* that it is there is enough */
    return ST_OK;
}

static void decoder_close(struct format_decoder *base)
{
    struct decoder *d = (struct decoder *)base;

    confluent_plans_close(&d->plans);
    json_parser_destroy(d->parser);
    arena_deinit(&d->arena);
    free(d);
}

static enum status decoder_open(const struct format_spec *spec, struct format_decoder **out, struct diag *diag)
{
    struct options options;

    TRY(read_options(spec, &options, diag));
    struct decoder *d = xcalloc(1, sizeof(*d));
    d->base.class_ = &format_json_schema;
    d->rules = options.json.rules;
    arena_init(&d->arena, ARENA_BUDGET_NONE);
    d->parser = json_parser_create();
    const struct type *row = type_copy(&d->arena, type_row(&d->arena, spec->schema->fields, spec->schema->count));
    enum status st = json_plan(&d->arena, row->fields, row->fields_count, spec, &d->object, diag);
    if (st != ST_OK) {
        decoder_close(&d->base);
        return st;
    }
    confluent_plans_open(&d->plans, spec, REGISTRY_JSON, plan_registered, d);
    *out = &d->base;
    return ST_OK;
}

static enum format_result decode(struct format_decoder *base, struct bytes record, struct column_builder *cols,
                                 struct diag *diag)
{
    struct decoder *d = (struct decoder *)base;

    if (confluent_plan_of(&d->plans, &record, diag)) {
        if (json_parse_record(d->parser, &d->object, &d->rules, record, cols, diag))
            return FORMAT_ROW;
        confluent_within_schema(&d->plans, diag);
    }
    return d->rules.ignore_errors ? FORMAT_SKIP : FORMAT_BAD;
}

/* ---- encoding ---- */

static void encoder_close(struct format_encoder *base)
{
    struct encoder *e = (struct encoder *)base;

    json_rows_deinit(&e->rows);
    free(e);
}

static enum status encoder_register(struct encoder *e, const struct format_spec *spec,
                                    const struct confluent_options *o, struct diag *diag)
{
    const struct type *row = e->rows.row;
    struct json_object checked;
    struct bytes text = o->schema;

    TRY(json_plan(&e->rows.arena, row->fields, row->fields_count, NULL, &checked, diag)); /* JSON has forms for all */
    if (text.ptr)
        TRY(check_given(text, row, diag));
    else
        TRY(derived_schema(row, &e->rows.arena, &text, diag));
    return spec->registry->put(spec->registry, o->subject.ptr ? o->subject : spec->subject, REGISTRY_JSON, text,
                               &e->id, diag);
}

static enum status encoder_open(const struct format_spec *spec, struct format_encoder **out, struct diag *diag)
{
    struct options options;

    TRY(read_options(spec, &options, diag));
    struct encoder *e = xcalloc(1, sizeof(*e));
    e->base.class_ = &format_json_schema;
    json_rows_init(&e->rows, spec, spec->record ? spec->record : spec->schema, &options.json);
    enum status st = encoder_register(e, spec, &options.registry, diag);
    if (st != ST_OK)
        encoder_close(&e->base);
    else
        *out = &e->base;
    return st;
}

static void encode(struct format_encoder *base, const struct chunk *chunk, uint16_t row, struct buf *to)
{
    const struct encoder *e = (const struct encoder *)base;

    confluent_head(to, e->id);
    json_rows_write(&e->rows, chunk->cols, row, to);
}

const struct format_class format_json_schema = {
    .name = "json-schema",
    .decoder_open = decoder_open,
    .decode = decode,
    .decoder_close = decoder_close,
    .encoder_open = encoder_open,
    .encode = encode,
    .encoder_close = encoder_close,
};
