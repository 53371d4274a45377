/* JSON records from outside, into columns of every type; what decodes must encode and decode again. */
#include "data/format/format.h"

#include "base/check.h"
#include "lib/fuzz.h"

static const struct type *array_of(struct arena *arena, enum type_kind kind)
{
    struct type *type = ARENA_NEW(arena, struct type);
    struct type_field *field = ARENA_ARRAY(arena, struct type_field, 2);

    field[0].type = type_simple(TYPE_VARCHAR);
    field[1].type = type_simple(TYPE_BIGINT);
    *type = (struct type){.kind = kind, .fields = field, .fields_count = kind == TYPE_MAP ? 2 : 1};
    return type;
}

FUZZ(json_decode, data, size)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "r", "l", "m"};
    static const enum type_kind kinds[] = {TYPE_INT, TYPE_BIGINT, TYPE_DOUBLE, TYPE_BOOLEAN,
                                           TYPE_VARCHAR, TYPE_TIMESTAMP, TYPE_VARBINARY, TYPE_DATE};
    struct arena arena;
    struct type_field fields[11] = {0};
    struct format_spec spec = {.name = BYTES_LITERAL("json")};
    struct format_option option = {BYTES_LITERAL("json.ignore-parse-errors"), BYTES_LITERAL("true")};
    struct chunk_builder b;
    struct diag diag = {0};

    arena_init(&arena, 16 << 20);
    for (int i = 0; i < 11; i++)
        fields[i].name = bytes_str(names[i]);
    for (int i = 0; i < 8; i++)
        fields[i].type = type_simple(kinds[i]);
    fields[2].type = type_make(&arena, TYPE_DECIMAL, 20, 5);
    fields[8].type = type_row(&arena, fields, 8);
    fields[9].type = array_of(&arena, TYPE_ARRAY);
    fields[10].type = array_of(&arena, TYPE_MAP);
    struct schema schema = {11, fields};
    spec.schema = &schema;
    for (uint32_t lenient = 0; lenient < 2; lenient++) {
        struct format_decoder *d;
        struct format_encoder *e;
        struct buf out;
        spec.options = &option;
        spec.options_count = lenient;
        CHECK(format_decoder_open(&spec, &d, &diag) == ST_OK);
        CHECK(format_encoder_open(&spec, &e, &diag) == ST_OK);
        buf_init(&out, 0);
        chunk_builder_init_schema(&b, &arena, &schema, 2);
        if (format_decode(d, bytes_of(data, size), b.cols, &diag) == FORMAT_ROW) {
            chunk_builder_row(&b, ROW_INSERT);
            if (!chunk_builder_failed(&b)) {
                struct chunk chunk = chunk_builder_done(&b);
                format_encode(e, &chunk, 0, &out);
                CHECK(format_decode(d, buf_view(&out), b.cols, &diag) == FORMAT_ROW);
            }
        } else {
            chunk_builder_undo(&b);
        }
        buf_deinit(&out);
        format_encoder_close(e);
        format_decoder_close(d);
    }
    arena_deinit(&arena);
}
