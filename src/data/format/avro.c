/* The format `avro`: Avro's binary form of one record, without its schema: that is the one of the table's columns, as
 * Flink derives it (avro_of_row), for who writes and who reads. Whatever was written with another schema is not seen to be
 * so, but where its bytes do not fit.
 */
#include <stdlib.h>

#include "base/check.h"
#include "data/avro/plan.h"
#include "data/format/format.h"

struct avro_decoder {
    struct format_decoder base;
    struct arena arena;
    const struct avro_plan *plan;
};

struct avro_encoder {
    struct format_encoder base;
    struct arena arena;
    const struct avro_schema *schema;
    const struct type *row;
    uint16_t *columns;
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

/* The schema that all records of the table have. */
static enum status table_schema(const struct format_spec *spec, struct arena *arena, const struct avro_schema **out,
                                struct diag *diag)
{
    const struct schema *record = spec->record ? spec->record : spec->schema;
    struct avro_names names;
    enum avro_times times = AVRO_TIMES_LEGACY;
    struct buf text;

    TRY(read_options(spec, &times, diag));
    buf_init(&text, 0);
    avro_names_init(&names, arena);
    enum status st = avro_of_row(record->fields, record->count, times, &text, diag);
    if (st == ST_OK)
        st = avro_parse(&names, buf_view(&text), out, diag);
    buf_deinit(&text);
    return st;
}

/* ---- decoding ---- */

static void decoder_close(struct format_decoder *base)
{
    struct avro_decoder *d = (struct avro_decoder *)base;

    arena_deinit(&d->arena);
    free(d);
}

static enum status decoder_open(const struct format_spec *spec, struct format_decoder **out, struct diag *diag)
{
    struct avro_decoder *d = xcalloc(1, sizeof(*d));
    const struct avro_schema *schema;

    d->base.class_ = &format_avro;
    arena_init(&d->arena, ARENA_BUDGET_NONE);
    enum status st = table_schema(spec, &d->arena, &schema, diag);
    uint16_t *columns = ARENA_ARRAY(&d->arena, uint16_t, spec->schema->count + 1u);
    for (uint16_t i = 0; i < spec->schema->count; i++)
        columns[i] = format_column(spec, i);
    const struct type *row = type_copy(&d->arena, type_row(&d->arena, spec->schema->fields, spec->schema->count));
    if (st == ST_OK)
        st = avro_plan_read(&d->arena, schema, row, columns, &d->plan, diag);
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

/* ---- encoding ---- */

static void encoder_close(struct format_encoder *base)
{
    struct avro_encoder *e = (struct avro_encoder *)base;

    arena_deinit(&e->arena);
    free(e);
}

static enum status encoder_open(const struct format_spec *spec, struct format_encoder **out, struct diag *diag)
{
    const struct schema *record = spec->record ? spec->record : spec->schema;
    struct avro_encoder *e = xcalloc(1, sizeof(*e));

    e->base.class_ = &format_avro;
    arena_init(&e->arena, ARENA_BUDGET_NONE);
    enum status st = table_schema(spec, &e->arena, &e->schema, diag);
    if (st != ST_OK) {
        encoder_close(&e->base);
        return st;
    }
    e->row = type_copy(&e->arena, type_row(&e->arena, record->fields, record->count));
    e->columns = ARENA_ARRAY(&e->arena, uint16_t, record->count + 1u);
    for (uint16_t i = 0; i < record->count; i++)
        e->columns[i] = format_column(spec, i);
    *out = &e->base;
    return ST_OK;
}

static void encode(struct format_encoder *base, const struct chunk *chunk, uint16_t row, struct buf *to)
{
    const struct avro_encoder *e = (const struct avro_encoder *)base;

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
