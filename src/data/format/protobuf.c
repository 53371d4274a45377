/* The format `protobuf`: a message of a type that the option 'protobuf.message-class-name' names among the descriptors in the
 * file 'protobuf.descriptor-file'. What the file held when the table was made is what counts.
 *
 * Without a root or a length before it: a record is one message.
 */
#include <stdlib.h>

#include "base/check.h"
#include "data/format/fields.h"
#include "data/protobuf/plan.h"

struct options {
    struct bytes message, file;
    bool ignore_errors;
    struct proto_rules rules;
};

struct protobuf_decoder {
    struct format_decoder base;
    struct arena arena;
    struct options options;
    const struct proto_plan *plan;
    struct proto_reader reader;
};

struct protobuf_encoder {
    struct format_encoder base;
    struct arena arena;
    struct options options;
    const struct proto_plan *plan;
};

static enum status read_option(const struct format_spec *spec, struct bytes key, struct bytes value, struct options *o,
                               struct diag *diag)
{
    if (bytes_is(key, "message-class-name"))
        o->message = value;
    else if (bytes_is(key, "descriptor-file"))
        o->file = value;
    else if (bytes_is(key, "ignore-parse-errors"))
        return format_option_bool(key, value, &o->ignore_errors, diag);
    else if (bytes_is(key, "read-default-values"))
        return format_option_bool(key, value, &o->rules.read_defaults, diag);
    else if (bytes_is(key, "write-null-string-literal"))
        o->rules.null_literal = value;
    else
        return format_option_unknown(spec, key, diag);
    return ST_OK;
}

static enum status read_options(const struct format_spec *spec, struct options *o, struct diag *diag)
{
    struct bytes key, value;
    uint32_t at = 0;

    *o = (struct options){0};
    while (format_option_next(spec, &at, &key, &value))
        TRY(read_option(spec, key, value, o, diag));
    if (o->message.len && o->file.len)
        return ST_OK;
    diag_hint(diag, "'protobuf.descriptor-file' is what protoc --descriptor_set_out=FILE --include_imports writes, "
              "'protobuf.message-class-name' the full name of a message in it: 'package.Message'");
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "the format 'protobuf' needs the option 'protobuf.%s'",
                    o->message.len ? "descriptor-file" : "message-class-name");
}

static enum status find_message(const struct format_spec *spec, const struct options *o, struct arena *arena,
                                const struct proto_message **out, struct diag *diag)
{
    struct proto_set set;
    struct bytes descriptors;

    if (!spec->registry)
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED, "the format 'protobuf' is not built for this connector");
    TRY(spec->registry->file(spec->registry, spec->table, o->file, &descriptors, diag));
    proto_set_init(&set, arena);
    TRY(proto_descriptors(&set, descriptors, diag));
    *out = proto_message_find(&set, o->message);
    if (*out)
        return ST_OK;
    diag_hint(diag, "it is the name in the .proto file with its package, such as '%.*s'",
              BYTES_FMT(bytes_head(set.messages[set.messages_count - 1]->name, 100)));
    return diag_set(diag, ST_INVALID, DIAG_NAME, "the descriptors in '%.*s' have no message '%.*s'",
                    BYTES_FMT(bytes_head(o->file, 100)), BYTES_FMT(bytes_head(o->message, 100)));
}

/* ---- decoding ---- */

static void decoder_close(struct format_decoder *base)
{
    struct protobuf_decoder *d = (struct protobuf_decoder *)base;

    proto_reader_deinit(&d->reader);
    arena_deinit(&d->arena);
    free(d);
}

/* All columns are looked at, though not all may be wanted. */
static enum status decoder_plan(struct protobuf_decoder *d, const struct format_spec *spec, struct diag *diag)
{
    const struct schema *record = spec->record ? spec->record : spec->schema;
    const struct proto_message *message;
    const struct proto_plan *whole;

    TRY(read_options(spec, &d->options, diag));
    d->options.rules.null_literal = arena_copy(&d->arena, d->options.rules.null_literal);
    TRY(find_message(spec, &d->options, &d->arena, &message, diag));
    const struct type *all = format_row_type(record, &d->arena);
    TRY(proto_plan_make(&d->arena, message, all, NULL, &d->options.rules, &whole, diag));
    const struct type *row = format_row_type(spec->schema, &d->arena);
    return proto_plan_make(&d->arena, message, row, format_columns(spec, spec->schema->count, &d->arena), &d->options.rules, &d->plan,
                           diag);
}

static enum status decoder_open(const struct format_spec *spec, struct format_decoder **out, struct diag *diag)
{
    struct protobuf_decoder *d = xcalloc(1, sizeof(*d));

    d->base.class_ = &format_protobuf;
    arena_init(&d->arena, ARENA_BUDGET_NONE);
    proto_reader_init(&d->reader);
    enum status st = decoder_plan(d, spec, diag);
    if (st != ST_OK)
        decoder_close(&d->base);
    else
        *out = &d->base;
    return st;
}

static enum format_result decode(struct format_decoder *base, struct bytes record, struct column_builder *cols,
                                 struct diag *diag)
{
    struct protobuf_decoder *d = (struct protobuf_decoder *)base;

    if (proto_read(&d->reader, d->plan, record, cols, diag))
        return FORMAT_ROW;
    return d->options.ignore_errors ? FORMAT_SKIP : FORMAT_BAD;
}

/* ---- encoding ---- */

static void encoder_close(struct format_encoder *base)
{
    struct protobuf_encoder *e = (struct protobuf_encoder *)base;

    arena_deinit(&e->arena);
    free(e);
}

static enum status encoder_plan(struct protobuf_encoder *e, const struct format_spec *spec, struct diag *diag)
{
    const struct schema *record = spec->record ? spec->record : spec->schema;
    const struct proto_message *message;

    TRY(read_options(spec, &e->options, diag));
    e->options.rules.null_literal = arena_copy(&e->arena, e->options.rules.null_literal);
    TRY(find_message(spec, &e->options, &e->arena, &message, diag));
    const struct type *row = format_row_type(record, &e->arena);
    TRY(proto_plan_make(&e->arena, message, row, format_columns(spec, record->count, &e->arena), &e->options.rules, &e->plan, diag));
    return proto_plan_writes(e->plan, diag);
}

static enum status encoder_open(const struct format_spec *spec, struct format_encoder **out, struct diag *diag)
{
    struct protobuf_encoder *e = xcalloc(1, sizeof(*e));

    e->base.class_ = &format_protobuf;
    arena_init(&e->arena, ARENA_BUDGET_NONE);
    enum status st = encoder_plan(e, spec, diag);
    if (st != ST_OK)
        encoder_close(&e->base);
    else
        *out = &e->base;
    return st;
}

static void encode(struct format_encoder *base, const struct chunk *chunk, uint16_t row, struct buf *to)
{
    proto_write(((const struct protobuf_encoder *)base)->plan, chunk->cols, row, to);
}

const struct format_class format_protobuf = {
    .name = "protobuf",
    .decoder_open = decoder_open,
    .decode = decode,
    .decoder_close = decoder_close,
    .encoder_open = encoder_open,
    .encode = encode,
    .encoder_close = encoder_close,
};
