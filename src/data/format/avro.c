/* The formats `avro` and `avro-confluent`.
 *
 * avro: Avro's binary form of one record, without its schema: that is the one of the table's columns, as Flink derives it
 * (avro_of_row), for who writes and who reads. Whatever was written with another schema is not seen to be so, but where its
 * bytes do not fit.
 *
 * avro-confluent: the same behind the number of the schema that it was written by (confluent.h). That is resolved to the
 * table's columns, or to the schema of the option 'schema', which adds defaults and aliases. Rows are written by this one,
 * or by that of the columns, registered when the encoder is opened.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "data/avro/plan.h"
#include "data/format/confluent.h"
#include "data/format/fields.h"

enum { REFERENCES_DEPTH_MAX = 16, REFERENCES_MAX = 100 }; /* as the registry has them */

struct avro_decoder {
    struct format_decoder base;
    struct arena arena;
    const struct avro_plan *plan; /* avro */
    struct confluent_plans plans; /* avro-confluent */
    const struct avro_schema *reader; /* of its option 'schema'; NULL: the columns */
    const struct type *row;
    const uint16_t *columns;
};

struct avro_encoder {
    struct format_encoder base;
    struct arena arena;
    const struct avro_schema *schema;
    const struct type *row;
    uint16_t *columns;
    bool framed;
    uint32_t id; /* framed: the schema's */
};

static enum status read_options(const struct format_spec *spec, enum avro_times *times, struct diag *diag)
{
    struct bytes key, value;
    uint32_t at = 0;
    bool legacy = true;

    while (format_option_next(spec, &at, &key, &value)) {
        if (bytes_is(key, "timestamp_mapping.legacy"))
            TRY(format_option_bool(key, value, &legacy, diag));
        else if (!bytes_is(key, "encoding"))
            return format_option_unknown(spec, key, diag);
        else if (!bytes_is_nocase(value, "binary"))
            return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                            "option 'avro.encoding' = '%.*s' is not built yet: only binary is", BYTES_FMT(value));
    }
    *times = legacy ? AVRO_TIMES_LEGACY : AVRO_TIMES_RIGHT;
    return ST_OK;
}

static enum status confluent_options(const struct format_spec *spec, struct confluent_options *o, struct diag *diag)
{
    struct bytes key, value;
    uint32_t at = 0;

    *o = (struct confluent_options){0};
    while (format_option_next(spec, &at, &key, &value))
        if (!confluent_option(o, key, value))
            return format_option_unknown(spec, key, diag);
    return confluent_check(spec, o, diag);
}

static const struct type *record_type(const struct format_spec *spec, struct arena *arena)
{
    const struct schema *record = spec->record ? spec->record : spec->schema;

    return format_row_type(record, arena);
}

/* The schema that all records of the table have, as Flink derives it. */
static enum status derived_schema(const struct type *row, enum avro_times times, struct arena *arena, struct bytes *json,
                                  const struct avro_schema **out, struct diag *diag)
{
    struct avro_names names;
    struct buf text;

    buf_init(&text, 0);
    avro_names_init(&names, arena);
    enum status st = avro_of_row(row->fields, row->fields_count, times, &text, diag);
    *json = arena_copy(arena, buf_view(&text));
    if (st == ST_OK)
        st = avro_parse(&names, *json, out, diag);
    buf_deinit(&text);
    return st;
}

/* The schema of an option, which must be that of the table's columns. */
static enum status given_schema(const struct format_spec *spec, struct bytes json, const struct type *row, struct arena *arena,
                                const struct avro_schema **out, struct diag *diag)
{
    struct avro_names names;
    char why[300];

    avro_names_init(&names, arena);
    enum status st = avro_parse(&names, json, out, diag);
    if (st == ST_OK)
        st = avro_fits_row(*out, row, diag);
    if (st == ST_OK || !diag)
        return st;
    snprintf(why, sizeof(why), "%.290s", diag->message);
    snprintf(diag->message, sizeof(diag->message), "'%.*s.schema' is not the table's: %s", BYTES_FMT(bytes_head(spec->name, 40)),
             why);
    return st;
}

/* ---- decoding ---- */

static void decoder_close(struct format_decoder *base)
{
    struct avro_decoder *d = (struct avro_decoder *)base;

    confluent_plans_close(&d->plans);
    arena_deinit(&d->arena);
    free(d);
}

static struct avro_decoder *decoder_new(const struct format_spec *spec, const struct format_class *class_)
{
    struct avro_decoder *d = xcalloc(1, sizeof(*d));

    d->base.class_ = class_;
    arena_init(&d->arena, ARENA_BUDGET_NONE);
    d->columns = format_columns(spec, spec->schema->count, &d->arena);
    d->row = format_row_type(spec->schema, &d->arena);
    return d;
}

static enum status decoder_open(const struct format_spec *spec, struct format_decoder **out, struct diag *diag)
{
    struct avro_decoder *d = decoder_new(spec, &format_avro);
    enum avro_times times = AVRO_TIMES_LEGACY;
    const struct avro_schema *schema;
    struct bytes json;

    enum status st = read_options(spec, &times, diag);
    if (st == ST_OK)
        st = derived_schema(record_type(spec, &d->arena), times, &d->arena, &json, &schema, diag);
    if (st == ST_OK)
        st = avro_plan_read(&d->arena, schema, NULL, d->row, d->columns, &d->plan, diag);
    if (st != ST_OK)
        decoder_close(&d->base);
    else
        *out = &d->base;
    return st;
}

static enum format_result decode(struct format_decoder *base, struct bytes record, struct column_builder *cols,
                                 struct diag *diag)
{
    return avro_read(((struct avro_decoder *)base)->plan, record, cols, diag) ? FORMAT_ROW : FORMAT_BAD;
}

struct parse_closure {
    struct avro_names names;
    const struct registered_schema *seen[REFERENCES_MAX];
    uint32_t seen_count;
    struct diag *diag;
};

static bool seen_before(const struct parse_closure *p, const struct registered_schema *schema)
{
    for (uint32_t i = 0; i < p->seen_count; i++)
        if (p->seen[i] == schema)
            return true;
    return false;
}

/* A schema with all that it refers to: those first, as their names are used. */
static enum status parse_registered(struct parse_closure *p, const struct registered_schema *schema, uint32_t depth,
                                    const struct avro_schema **out)
{
    const struct avro_schema *ignored;

    for (uint32_t i = 0; i < schema->references_count; i++) {
        const struct registered_reference *r = &schema->references[i];
        if (!r->schema)
            return diag_set(p->diag, ST_INVALID, DIAG_NAME, "it refers to '%.*s', which is gone",
                            BYTES_FMT(bytes_head(r->name, 100)));
        if (seen_before(p, r->schema))
            continue;
        if (depth == REFERENCES_DEPTH_MAX || p->seen_count == REFERENCES_MAX)
            return diag_set(p->diag, ST_NOSPACE, DIAG_LIMIT, "it refers to more than %d others, or more than %d deep",
                            REFERENCES_MAX, REFERENCES_DEPTH_MAX);
        p->seen[p->seen_count++] = r->schema;
        TRY(parse_registered(p, r->schema, depth + 1, &ignored));
    }
    return avro_parse(&p->names, schema->text, out, p->diag);
}

static enum status plan_registered(void *context, const struct registered_schema *registered, struct bytes part,
                                   struct arena *arena, const void **out, struct diag *diag)
{
    const struct avro_decoder *d = context;
    struct parse_closure closure = {.diag = diag};
    const struct avro_schema *schema;
    const struct avro_plan *plan;

    (void)part; /* a schema is one record */
    avro_names_init(&closure.names, arena);
    TRY(parse_registered(&closure, registered, 0, &schema));
    TRY(avro_plan_read(arena, schema, d->reader, d->row, d->columns, &plan, diag));
    *out = plan;
    return ST_OK;
}

static enum status confluent_decoder_open(const struct format_spec *spec, struct format_decoder **out, struct diag *diag)
{
    struct avro_decoder *d = decoder_new(spec, &format_avro_confluent);
    struct confluent_options o;

    enum status st = confluent_options(spec, &o, diag);
    if (st == ST_OK && o.schema.ptr)
        st = given_schema(spec, o.schema, record_type(spec, &d->arena), &d->arena, &d->reader, diag);
    if (st != ST_OK) {
        decoder_close(&d->base);
        return st;
    }
    confluent_plans_open(&d->plans, spec, REGISTRY_AVRO, plan_registered, d);
    *out = &d->base;
    return ST_OK;
}

static enum format_result confluent_decode(struct format_decoder *base, struct bytes record, struct column_builder *cols,
                                           struct diag *diag)
{
    struct avro_decoder *d = (struct avro_decoder *)base;
    const struct avro_plan *plan = confluent_plan_of(&d->plans, &record, diag);

    if (!plan)
        return FORMAT_BAD;
    if (avro_read(plan, record, cols, diag))
        return FORMAT_ROW;
    confluent_within_schema(&d->plans, diag);
    return FORMAT_BAD;
}

/* ---- encoding ---- */

static void encoder_close(struct format_encoder *base)
{
    struct avro_encoder *e = (struct avro_encoder *)base;

    arena_deinit(&e->arena);
    free(e);
}

static struct avro_encoder *encoder_new(const struct format_spec *spec, const struct format_class *class_)
{
    struct avro_encoder *e = xcalloc(1, sizeof(*e));

    e->base.class_ = class_;
    arena_init(&e->arena, ARENA_BUDGET_NONE);
    e->row = record_type(spec, &e->arena);
    e->columns = format_columns(spec, e->row->fields_count, &e->arena);
    return e;
}

static enum status encoder_done(struct avro_encoder *e, enum status st, struct format_encoder **out)
{
    if (st != ST_OK)
        encoder_close(&e->base);
    else
        *out = &e->base;
    return st;
}

static enum status encoder_open(const struct format_spec *spec, struct format_encoder **out, struct diag *diag)
{
    struct avro_encoder *e = encoder_new(spec, &format_avro);
    enum avro_times times = AVRO_TIMES_LEGACY;
    struct bytes json;

    enum status st = read_options(spec, &times, diag);
    if (st == ST_OK)
        st = derived_schema(e->row, times, &e->arena, &json, &e->schema, diag);
    return encoder_done(e, st, out);
}

static enum status confluent_encoder_open(const struct format_spec *spec, struct format_encoder **out, struct diag *diag)
{
    struct avro_encoder *e = encoder_new(spec, &format_avro_confluent);
    struct confluent_options o;
    struct bytes json;

    e->framed = true;
    enum status st = confluent_options(spec, &o, diag);
    json = o.schema;
    if (st == ST_OK && json.ptr)
        st = given_schema(spec, json, e->row, &e->arena, &e->schema, diag);
    else if (st == ST_OK)
        st = derived_schema(e->row, AVRO_TIMES_LEGACY, &e->arena, &json, &e->schema, diag);
    if (st == ST_OK)
        st = spec->registry->put(spec->registry, o.subject.ptr ? o.subject : spec->subject, REGISTRY_AVRO, json, &e->id, diag);
    return encoder_done(e, st, out);
}

static void encode(struct format_encoder *base, const struct chunk *chunk, uint16_t row, struct buf *to)
{
    const struct avro_encoder *e = (const struct avro_encoder *)base;

    if (e->framed)
        confluent_head(to, e->id);
    avro_write(e->schema, e->row, e->columns, chunk->cols, row, to);
}

const struct format_class format_avro = {
    .name = "avro",
    .decoder_open = decoder_open,
    .decode = decode,
    .decoder_close = decoder_close,
    .encoder_open = encoder_open,
    .encode = encode,
    .encoder_close = encoder_close,
};

const struct format_class format_avro_confluent = {
    .name = "avro-confluent",
    .decoder_open = confluent_decoder_open,
    .decode = confluent_decode,
    .decoder_close = decoder_close,
    .encoder_open = confluent_encoder_open,
    .encode = encode,
    .encoder_close = encoder_close,
};
