#include "data/format/format.h"

static const struct format_class *const formats[] = {&format_json, &format_csv, &format_raw, &format_row};
enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

static const struct format_class *find(struct bytes name, struct diag *diag)
{
    for (int i = 0; i < FORMATS; i++)
        if (bytes_is(name, formats[i]->name))
            return formats[i];
    diag_set(diag, ST_INVALID, DIAG_VALUE, "no format '%.*s'", BYTES_FMT(name));
    diag_hint(diag, "formats: json, csv, raw, row");
    return NULL;
}

bool format_exists(struct bytes name)
{
    return find(name, NULL) != NULL;
}

enum status format_decoder_open(const struct format_spec *spec, struct format_decoder **out,
                                struct diag *diag)
{
    const struct format_class *f = find(spec->name, diag);
    return f ? f->decoder_open(spec, out, diag) : ST_INVALID;
}

enum format_result format_decode(struct format_decoder *decoder, struct bytes record,
                                 struct column_builder *cols, struct diag *diag)
{
    if (record.len > FORMAT_RECORD_MAX) {
        diag_set(diag, ST_INVALID, DIAG_LIMIT, "the record has %zu bytes, at most %d are decoded",
                 record.len, FORMAT_RECORD_MAX);
        return FORMAT_BAD;
    }
    return decoder->class_->decode(decoder, record, cols, diag);
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

enum status format_option_unknown(const struct format_spec *spec, struct bytes key, struct diag *diag)
{
    return diag_set(diag, ST_INVALID, DIAG_NAME, "format '%.*s' has no option '%.*s.%.*s'",
                    BYTES_FMT(spec->name), BYTES_FMT(spec->name), BYTES_FMT(key));
}
