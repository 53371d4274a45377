/* CSV records from outside; the first byte chooses the options. */
#include "data/format/format.h"

#include "base/check.h"
#include "lib/fuzz.h"

FUZZ(csv_decode, data, size)
{
    static const struct format_option all[] = {
        {BYTES_LITERAL("csv.escape-character"), BYTES_LITERAL("!")},
        {BYTES_LITERAL("csv.ignore-parse-errors"), BYTES_LITERAL("true")},
        {BYTES_LITERAL("csv.null-literal"), BYTES_LITERAL("n")},
        {BYTES_LITERAL("csv.field-delimiter"), BYTES_LITERAL(";")},
    };
    struct type_field element = {.type = type_simple(TYPE_INT)};
    struct type list = {.kind = TYPE_ARRAY, .fields = &element, .fields_count = 1};
    struct type_field fields[4] = {
        {.name = BYTES_LITERAL("a"), .type = type_simple(TYPE_INT)},
        {.name = BYTES_LITERAL("b"), .type = type_simple(TYPE_VARCHAR)},
        {.name = BYTES_LITERAL("c"), .type = type_simple(TYPE_TIMESTAMP)},
        {.name = BYTES_LITERAL("d"), .type = &list},
    };
    struct schema schema = {4, fields};
    struct format_option options[4];
    struct format_spec spec = {.name = BYTES_LITERAL("csv"), .schema = &schema, .options = options};
    struct format_decoder *d;
    struct chunk_builder b;
    struct diag diag = {0};
    struct arena arena;

    if (size == 0)
        return;
    for (int i = 0; i < 4; i++)
        if (data[0] >> i & 1)
            options[spec.options_count++] = all[i];
    arena_init(&arena, 16 << 20);
    CHECK(format_decoder_open(&spec, &d, &diag) == ST_OK);
    chunk_builder_init_schema(&b, &arena, &schema, 2);
    if (format_decode(d, bytes_of(data + 1, size - 1), b.cols, &diag) == FORMAT_ROW)
        chunk_builder_row(&b, ROW_INSERT);
    else
        chunk_builder_undo(&b);
    format_decoder_close(d);
    arena_deinit(&arena);
}
