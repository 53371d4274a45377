/* Avro: a schema from outside (up to the first zero byte) and a record behind it, read into columns of every kind, as it is,
 * by the format avro-confluent, and where it fits them by itself as the reader's schema; and a record of the table's own
 * schema, which must be written and read again. */
#include "data/avro/compat.h"
#include "data/avro/plan.h"

#include "base/check.h"
#include "data/format/format.h"
#include "lib/fuzz.h"

enum { COLUMNS = 12 };

static const struct type *row_type(struct arena *arena)
{
    static const enum type_kind kinds[] = {TYPE_INT, TYPE_BIGINT, TYPE_FLOAT, TYPE_DOUBLE, TYPE_VARCHAR, TYPE_VARBINARY,
                                           TYPE_DATE, TYPE_BOOLEAN};
    static const char *const names[COLUMNS] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, COLUMNS);

    for (int i = 0; i < COLUMNS; i++)
        fields[i].name = bytes_str(names[i]);
    for (int i = 0; i < 8; i++)
        fields[i].type = type_simple(kinds[i]);
    fields[8].type = type_make(arena, TYPE_DECIMAL, 20, 5);
    fields[9].type = type_make(arena, TYPE_TIMESTAMP, 3, 0);
    fields[10].type = type_list(arena, TYPE_MAP, type_simple(TYPE_VARCHAR), type_simple(TYPE_BIGINT));
    fields[11].type = type_row(arena, fields, 3);
    return type_row(arena, fields, COLUMNS);
}

static void schema_from_outside(struct arena *arena, struct bytes input, const struct type *row, const struct schema *of)
{
    struct avro_names names;
    const struct avro_schema *schema;
    const struct avro_plan *plan;
    struct chunk_builder b;
    struct diag diag = {0};
    size_t end = bytes_find(input, 0, 0);

    avro_names_init(&names, arena);
    if (avro_parse(&names, bytes_head(input, end), &schema, &diag) != ST_OK) {
        CHECK(diag.message[0]);
        return;
    }
    struct buf why;
    buf_init(&why, 4096);
    CHECK(avro_can_read(schema, schema, &why)); /* itself */
    buf_deinit(&why);
    enum status defaults = avro_check_defaults(schema, &diag);
    CHECK(defaults == ST_OK || diag.message[0]);
    struct diag unfit = {0};
    const struct avro_schema *reader = avro_fits_row(schema, row, &unfit) == ST_OK ? schema : NULL;
    CHECK(reader || unfit.message[0]);
    if (avro_plan_read(arena, schema, reader, row, NULL, &plan, &diag) != ST_OK)
        return;
    chunk_builder_init_schema(&b, arena, of, 2);
    if (avro_read(plan, bytes_skip(input, end + 1), b.cols, &diag)) {
        for (int c = 0; c < COLUMNS; c++)
            CHECK(b.cols[c].rows == 1);
        chunk_builder_row(&b, ROW_INSERT);
    } else {
        CHECK(diag.message[0]);
        chunk_builder_undo(&b);
    }
}

/* A registry whose only schema is the input's. */
struct one_schema {
    struct format_registry registry;
    struct registered_schema schema;
};

static void read_begin(struct format_registry *registry)
{
    (void)registry;
}

static const struct registered_schema *find(struct format_registry *registry, uint32_t id)
{
    return id == 1 ? &((struct one_schema *)registry)->schema : NULL;
}

static void through_registry(struct arena *arena, struct bytes input, const struct schema *of)
{
    size_t end = bytes_find(input, 0, 0);
    struct one_schema one = {.registry = {.read_begin = read_begin, .find = find},
                             .schema = {.id = 1, .text = bytes_head(input, end)}};
    struct format_spec spec = {.name = BYTES_LITERAL("avro-confluent"), .schema = of, .registry = &one.registry};
    struct format_decoder *d;
    struct chunk_builder b;
    struct diag diag = {0};
    struct buf record;

    CHECK(format_decoder_open(&spec, &d, &diag) == ST_OK);
    chunk_builder_init_schema(&b, arena, of, 2);
    buf_init(&record, 0);
    buf_append(&record, "\0\0\0\0\1", 5);
    buf_bytes(&record, bytes_skip(input, end + 1));
    for (int i = 0; i < 2; i++) { /* the second by the plan that is kept */
        diag_clear(&diag);
        if (format_decode(d, buf_view(&record), b.cols, &diag) != FORMAT_ROW)
            CHECK(diag.message[0]);
        chunk_builder_undo(&b);
    }
    buf_deinit(&record);
    format_decoder_close(d);
}

FUZZ(avro_decode, data, size)
{
    struct arena arena;
    struct diag diag = {0};
    struct format_decoder *d;
    struct format_encoder *e;
    struct chunk_builder b;
    struct buf out;

    arena_init(&arena, ARENA_BUDGET_NONE);
    const struct type *row = row_type(&arena);
    const struct schema schema = {COLUMNS, row->fields};
    const struct format_spec spec = {.name = BYTES_LITERAL("avro"), .schema = &schema};
    schema_from_outside(&arena, bytes_of(data, size), row, &schema);
    through_registry(&arena, bytes_of(data, size), &schema);
    CHECK(format_decoder_open(&spec, &d, &diag) == ST_OK);
    CHECK(format_encoder_open(&spec, &e, &diag) == ST_OK);
    chunk_builder_init_schema(&b, &arena, &schema, 2);
    buf_init(&out, 0);
    if (format_decode(d, bytes_of(data, size), b.cols, &diag) == FORMAT_ROW) {
        chunk_builder_row(&b, ROW_INSERT);
        struct chunk chunk = chunk_builder_done(&b);
        format_encode(e, &chunk, 0, &out);
        CHECK(format_decode(d, buf_view(&out), b.cols, &diag) == FORMAT_ROW);
    }
    buf_deinit(&out);
    format_encoder_close(e);
    format_decoder_close(d);
    arena_deinit(&arena);
}
