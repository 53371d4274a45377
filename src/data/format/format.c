#include "data/format/format.h"

#include <stdio.h>

#include "base/check.h"

static const struct format_class *const formats[] = {
    &format_json,        &format_csv,
    &format_raw,         &format_row,
    &format_avro,        &format_avro_confluent,
    &format_protobuf,    &format_protobuf_confluent,
    &format_json_schema, &format_debezium,
    &format_canal,       &format_maxwell,
    &format_ogg,
};
enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

static const struct format_class *find(struct bytes name, struct diag *diag)
{
    for (int i = 0; i < FORMATS; i++)
        if (bytes_is(name, formats[i]->name))
            return formats[i];
    diag_set(diag, ST_INVALID, DIAG_VALUE, "no format '%.*s'", BYTES_FMT(name));
    char names[200] = "";
    for (int i = 0, len = 0; i < FORMATS && diag; i++)
        len += snprintf(names + len, sizeof(names) - (size_t)len, "%s%s", i ? ", " : "", formats[i]->name);
    diag_hint(diag, "formats: %s", names);
    return NULL;
}

bool format_exists(struct bytes name)
{
    return find(name, NULL) != NULL;
}

bool format_has_changes(struct bytes name)
{
    const struct format_class *f = find(name, NULL);
    return f && f->read;
}

bool format_has_meta(struct bytes name, struct bytes key, const struct type **type)
{
    const struct format_class *f = find(name, NULL);
    *type = f && f->meta ? f->meta(f, key) : NULL;
    return *type != NULL;
}

enum status format_decoder_open(const struct format_spec *spec, struct format_decoder **out,
                                struct diag *diag)
{
    const struct format_class *f = find(spec->name, diag);
    return f ? f->decoder_open(spec, out, diag) : ST_INVALID;
}

static bool too_long(struct bytes record, struct diag *diag)
{
    if (record.len > FORMAT_RECORD_MAX)
        diag_set(diag, ST_INVALID, DIAG_LIMIT, "the record has %zu bytes, at most %d are decoded",
                 record.len, FORMAT_RECORD_MAX);
    return record.len > FORMAT_RECORD_MAX;
}

enum format_result format_decode(struct format_decoder *decoder, struct bytes record,
                                 struct column_builder *cols, struct diag *diag)
{
    CHECK(decoder->class_->decode);
    return too_long(record, diag) ? FORMAT_BAD : decoder->class_->decode(decoder, record, cols, diag);
}

enum format_result format_read(struct format_decoder *decoder, struct bytes record, uint32_t *count,
                               struct diag *diag)
{
    CHECK(decoder->class_->read);
    *count = 0;
    return too_long(record, diag) ? FORMAT_BAD : decoder->class_->read(decoder, record, count, diag);
}

uint8_t format_put(struct format_decoder *decoder, uint32_t i, struct column_builder *cols)
{
    return decoder->class_->put(decoder, i, cols);
}

void format_decoder_close(struct format_decoder *decoder)
{
    if (decoder)
        decoder->class_->decoder_close(decoder);
}

enum status format_encoder_open(const struct format_spec *spec, struct format_encoder **out,
                                struct diag *diag)
{
    const struct format_class *f = find(spec->name, diag);
    return f ? f->encoder_open(spec, out, diag) : ST_INVALID;
}

void format_encode(struct format_encoder *encoder, const struct chunk *chunk, uint16_t row,
                   struct buf *to)
{
    encoder->class_->encode(encoder, chunk, row, to);
}

void format_encoder_close(struct format_encoder *encoder)
{
    if (encoder)
        encoder->class_->encoder_close(encoder);
}

/* ---- options ---- */

bool format_option_next(const struct format_spec *spec, uint32_t *at, struct bytes *key,
                        struct bytes *value)
{
    for (; *at < spec->options_count; (*at)++) {
        const struct format_option *o = &spec->options[*at];
        size_t prefix = spec->name.len;
        if (o->key.len > prefix + 1 && bytes_equal(bytes_head(o->key, prefix), spec->name) &&
            o->key.ptr[prefix] == '.') {
            *key = bytes_skip(o->key, prefix + 1);
            *value = o->value;
            (*at)++;
            return true;
        }
    }
    return false;
}

enum status format_option_bool(struct bytes key, struct bytes value, bool *out, struct diag *diag)
{
    *out = bytes_is_nocase(value, "true");
    if (*out || bytes_is_nocase(value, "false"))
        return ST_OK;
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "option '%.*s' is '%.*s', expected true or false",
                    BYTES_FMT(key), BYTES_FMT(value));
}

void format_within_field(struct diag *diag, struct bytes name)
{
    char message[sizeof(diag->message)];

    if (!diag || diag->code == DIAG_NONE)
        return;
    memcpy(message, diag->message, sizeof(message));
    snprintf(diag->message, sizeof(diag->message), "field '%.*s': %.330s", BYTES_FMT(bytes_head(name, 60)), message);
}

enum status format_option_unknown(const struct format_spec *spec, struct bytes key, struct diag *diag)
{
    return diag_set(diag, ST_INVALID, DIAG_NAME, "format '%.*s' has no option '%.*s.%.*s'",
                    BYTES_FMT(spec->name), BYTES_FMT(spec->name), BYTES_FMT(key));
}
