/* The format `protobuf-confluent`: Protobuf behind the number of the schema that it was written by (confluent.h) and the place
 * of the message in it.
 *
 *     0, number (4, be), how many numbers follow (zig-zag), each: the how manieth message of its kind (zig-zag)
 *
 * The first number counts the file's messages, the next those in that one, and so on; a 0 alone is the first message. Of a
 * schema that was registered as a descriptor the entries of maps and the bodies of groups count too.
 *
 * Rows are written as the message of the columns (proto_of_row), or as one of the option 'schema', registered when the encoder
 * is opened.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/reader.h"
#include "data/format/confluent.h"
#include "data/protobuf/plan.h"
#include "data/protobuf/text.h"

enum { REFERENCES_DEPTH_MAX = 16, REFERENCES_MAX = 100 }; /* as the registry has them */

struct options {
    struct confluent_options registry;
    struct bytes message; /* of the option 'schema' */
    bool ignore_errors;
    struct proto_rules rules;
};

struct protobuf_decoder {
    struct format_decoder base;
    struct arena arena;
    struct options options;
    struct confluent_plans plans;
    struct proto_reader reader;
    const struct type *row;
    const uint16_t *columns;
};

struct protobuf_encoder {
    struct format_encoder base;
    struct arena arena;
    struct options options;
    const struct proto_plan *plan;
    uint32_t place[PROTO_DEPTH_MAX], place_count; /* of the message in its schema */
    struct buf head;                              /* of every record */
};

static enum status read_options(const struct format_spec *spec, struct options *o, struct arena *arena,
                                struct diag *diag)
{
    struct bytes key, value;
    uint32_t at = 0;

    *o = (struct options){.rules = {.evolves = true}};
    while (format_option_next(spec, &at, &key, &value)) {
        if (bytes_is(key, "message-class-name"))
            o->message = value;
        else if (bytes_is(key, "ignore-parse-errors"))
            TRY(format_option_bool(key, value, &o->ignore_errors, diag));
        else if (bytes_is(key, "read-default-values"))
            TRY(format_option_bool(key, value, &o->rules.read_defaults, diag));
        else if (bytes_is(key, "write-null-string-literal"))
            o->rules.null_literal = arena_copy(arena, value);
        else if (!confluent_option(&o->registry, key, value))
            return format_option_unknown(spec, key, diag);
    }
    if (o->message.len && !o->registry.schema.ptr)
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'protobuf-confluent.message-class-name' names a message of 'protobuf-confluent.schema', "
                        "which is not given");
    return confluent_check(spec, &o->registry, diag);
}

static const uint16_t *columns_of(const struct format_spec *spec, uint16_t count, struct arena *arena)
{
    uint16_t *columns = ARENA_ARRAY(arena, uint16_t, count + 1u);

    for (uint16_t i = 0; i < count; i++)
        columns[i] = format_column(spec, i);
    return columns;
}

/* ---- registered schemas ---- */

struct closure {
    struct registered_reference seen[REFERENCES_MAX];
    uint32_t count;
};

static enum status close_over(struct closure *c, const struct registered_schema *schema, uint32_t depth,
                              struct diag *diag)
{
    for (uint32_t i = 0; i < schema->references_count; i++) {
        const struct registered_reference *r = &schema->references[i];
        bool known = false;
        for (uint32_t k = 0; k < c->count && !known; k++)
            known = c->seen[k].schema == r->schema && bytes_equal(c->seen[k].name, r->name);
        if (!r->schema)
            return diag_set(diag, ST_INVALID, DIAG_NAME, "it refers to '%.*s', which is gone",
                            BYTES_FMT(bytes_head(r->name, 100)));
        if (known)
            continue;
        if (depth == REFERENCES_DEPTH_MAX || c->count == REFERENCES_MAX)
            return diag_set(diag, ST_NOSPACE, DIAG_LIMIT, "it refers to more than %d others, or more than %d deep",
                            REFERENCES_MAX, REFERENCES_DEPTH_MAX);
        c->seen[c->count++] = *r;
        TRY(close_over(c, r->schema, depth + 1, diag));
    }
    return ST_OK;
}

static bool import_referred(void *context, struct bytes path, struct bytes *text)
{
    const struct closure *c = context;

    for (uint32_t i = 0; i < c->count; i++)
        if (bytes_equal(c->seen[i].name, path)) {
            *text = c->seen[i].schema->text;
            return true;
        }
    return false;
}

/* part: the message's place, uint32_t after uint32_t */
static enum status plan_registered(void *context, const struct registered_schema *registered, struct bytes part,
                                   struct arena *arena, const void **out, struct diag *diag)
{
    const struct protobuf_decoder *d = context;
    struct closure closure = {0};
    struct proto_set set;
    const struct proto_plan *plan;
    uint32_t place[PROTO_DEPTH_MAX];

    proto_set_init(&set, arena);
    TRY(close_over(&closure, registered, 0, diag));
    TRY(proto_text(&set, registered->text, import_referred, &closure, diag));
    memcpy(place, part.ptr, part.len);
    const struct proto_message *message = proto_message_at(&set, place, (uint32_t)(part.len / sizeof(*place)));
    if (!message)
        return diag_set(diag, ST_INVALID, DIAG_NAME,
                        "the schema has no message where the record says, the first number is %u", place[0]);
    TRY(proto_plan_make(arena, message, d->row, d->columns, &d->options.rules, &plan, diag));
    *out = plan;
    return ST_OK;
}

/* ---- decoding ---- */

static void decoder_close(struct format_decoder *base)
{
    struct protobuf_decoder *d = (struct protobuf_decoder *)base;

    confluent_plans_close(&d->plans);
    proto_reader_deinit(&d->reader);
    arena_deinit(&d->arena);
    free(d);
}

static enum status decoder_open(const struct format_spec *spec, struct format_decoder **out, struct diag *diag)
{
    struct protobuf_decoder *d = xcalloc(1, sizeof(*d));

    d->base.class_ = &format_protobuf_confluent;
    arena_init(&d->arena, ARENA_BUDGET_NONE);
    proto_reader_init(&d->reader);
    enum status st = read_options(spec, &d->options, &d->arena, diag);
    if (st != ST_OK) {
        decoder_close(&d->base);
        return st;
    }
    d->row = type_copy(&d->arena, type_row(&d->arena, spec->schema->fields, spec->schema->count));
    d->columns = columns_of(spec, spec->schema->count, &d->arena);
    confluent_plans_open(&d->plans, spec, REGISTRY_PROTOBUF, plan_registered, d);
    *out = &d->base;
    return ST_OK;
}

/* The place of the record's message, taken off. 0: the diag says what is wrong. */
static uint32_t take_place(struct bytes *record, uint32_t place[PROTO_DEPTH_MAX], struct diag *diag)
{
    struct reader r = reader_of(*record);
    int64_t count = reader_varint(&r);

    place[0] = 0;
    for (int64_t i = 0; i < count && count <= PROTO_DEPTH_MAX && !r.bad; i++) {
        int64_t n = reader_varint(&r);
        r.bad |= n < 0 || n > PROTO_PARTS_MAX;
        place[i] = (uint32_t)n;
    }
    if (r.bad || count < 0 || count > PROTO_DEPTH_MAX) {
        diag_set(diag, ST_INVALID, DIAG_VALUE,
                 "behind the schema's number the record does not say which message it is");
        return 0;
    }
    *record = reader_rest(&r);
    return count ? (uint32_t)count : 1;
}

static enum format_result decode_record(struct protobuf_decoder *d, struct bytes record,
                                        struct column_builder *cols, struct diag *diag)
{
    uint32_t place[PROTO_DEPTH_MAX], id, count;
    const struct proto_plan *plan;

    if (!confluent_take_head(&record, &id, diag) || !(count = take_place(&record, place, diag)))
        return FORMAT_BAD;
    plan = confluent_plan_at(&d->plans, id, bytes_of(place, count * sizeof(*place)), diag);
    if (!plan)
        return FORMAT_BAD;
    if (proto_read(&d->reader, plan, record, cols, diag))
        return FORMAT_ROW;
    confluent_within_schema(&d->plans, diag);
    return FORMAT_BAD;
}

static enum format_result decode(struct format_decoder *base, struct bytes record, struct column_builder *cols,
                                 struct diag *diag)
{
    struct protobuf_decoder *d = (struct protobuf_decoder *)base;

    if (decode_record(d, record, cols, diag) == FORMAT_ROW)
        return FORMAT_ROW;
    return d->options.ignore_errors ? FORMAT_SKIP : FORMAT_BAD;
}

/* ---- encoding ---- */

static void encoder_close(struct format_encoder *base)
{
    struct protobuf_encoder *e = (struct protobuf_encoder *)base;

    buf_deinit(&e->head);
    arena_deinit(&e->arena);
    free(e);
}

/* The message that is written, of the option's schema or of the columns'. */
static enum status written_message(struct protobuf_encoder *e, const struct type *row, struct bytes *text,
                                   const struct proto_message **out, struct diag *diag)
{
    const struct options *o = &e->options;
    struct proto_set set;
    struct buf made;
    enum status st = ST_OK;

    buf_init(&made, 0);
    if (!o->registry.schema.ptr)
        st = proto_of_row(row->fields, row->fields_count, &made, diag);
    *text = arena_copy(&e->arena, o->registry.schema.ptr ? o->registry.schema : buf_view(&made));
    buf_deinit(&made);
    proto_set_init(&set, &e->arena);
    if (st == ST_OK)
        st = proto_text(&set, *text, NULL, NULL, diag);
    if (st != ST_OK)
        return st;
    static const uint32_t first[1] = {0};
    *out = o->message.len ? proto_message_find(&set, o->message) : proto_message_at(&set, first, 1);
    if (!*out || (*out)->file)
        return diag_set(diag, ST_INVALID, DIAG_NAME, "'protobuf-confluent.schema' has no message%s%.*s",
                        o->message.len ? " " : "", BYTES_FMT(bytes_head(o->message, 100)));
    e->place_count = proto_message_place(&set, *out, e->place);
    return ST_OK;
}

static void write_head(struct protobuf_encoder *e, uint32_t id)
{
    bool first = e->place_count == 1 && !e->place[0];

    confluent_head(&e->head, id);
    buf_varint(&e->head, first ? 0 : e->place_count);
    for (uint32_t i = 0; i < e->place_count && !first; i++)
        buf_varint(&e->head, e->place[i]);
}

static enum status encoder_plan(struct protobuf_encoder *e, const struct format_spec *spec, struct diag *diag)
{
    const struct schema *record = spec->record ? spec->record : spec->schema;
    const struct type *row = type_copy(&e->arena, type_row(&e->arena, record->fields, record->count));
    const struct confluent_options *o = &e->options.registry;
    const struct proto_message *message;
    struct bytes text;
    uint32_t id = 0;

    TRY(read_options(spec, &e->options, &e->arena, diag));
    TRY(written_message(e, row, &text, &message, diag));
    e->options.rules.evolves = false;
    TRY(proto_plan_make(&e->arena, message, row, columns_of(spec, record->count, &e->arena), &e->options.rules,
                        &e->plan, diag));
    TRY(proto_plan_writes(e->plan, diag));
    TRY(spec->registry->put(spec->registry, o->subject.ptr ? o->subject : spec->subject, REGISTRY_PROTOBUF, text,
                            &id, diag));
    write_head(e, id);
    return ST_OK;
}

static enum status encoder_open(const struct format_spec *spec, struct format_encoder **out, struct diag *diag)
{
    struct protobuf_encoder *e = xcalloc(1, sizeof(*e));

    e->base.class_ = &format_protobuf_confluent;
    arena_init(&e->arena, ARENA_BUDGET_NONE);
    buf_init(&e->head, 0);
    enum status st = encoder_plan(e, spec, diag);
    if (st != ST_OK)
        encoder_close(&e->base);
    else
        *out = &e->base;
    return st;
}

static void encode(struct format_encoder *base, const struct chunk *chunk, uint16_t row, struct buf *to)
{
    const struct protobuf_encoder *e = (const struct protobuf_encoder *)base;

    buf_bytes(to, buf_view(&e->head));
    proto_write(e->plan, chunk->cols, row, to);
}

const struct format_class format_protobuf_confluent = {
    .name = "protobuf-confluent",
    .decoder_open = decoder_open,
    .decode = decode,
    .decoder_close = decoder_close,
    .encoder_open = encoder_open,
    .encode = encode,
    .encoder_close = encoder_close,
};
