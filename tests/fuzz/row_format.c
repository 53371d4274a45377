/* Records of the format `row` from outside, into columns of every kind; what decodes must encode
 * and decode again. */
#include "data/format/format.h"

#include "base/check.h"
#include "lib/fuzz.h"

FUZZ(row_format, data, size)
{
    static const enum type_kind kinds[] = {
        TYPE_BOOLEAN, TYPE_SMALLINT,  TYPE_BIGINT, TYPE_FLOAT,     TYPE_DOUBLE,
        TYPE_VARCHAR, TYPE_VARBINARY, TYPE_DATE,   TYPE_TIMESTAMP, TYPE_TIME};
    enum { COLUMNS = 11 };
    struct arena arena;
    struct type_field fields[COLUMNS] = {0};
    const struct schema schema = {COLUMNS, fields};
    const struct format_spec spec = {.name = BYTES_LITERAL("row"), .schema = &schema};
    struct format_decoder *d;
    struct format_encoder *e;
    struct chunk_builder b;
    struct diag diag = {0};
    struct buf out;

    arena_init(&arena, 16 << 20);
    for (int i = 0; i < COLUMNS - 1; i++)
        fields[i] = (struct type_field){.name = BYTES_LITERAL("c"), .type = type_simple(kinds[i])};
    fields[COLUMNS - 1] = (struct type_field){.name = BYTES_LITERAL("m"),
                                              .type = type_make(&arena, TYPE_DECIMAL, 20, 5)};
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
        CHECK(diag.message[0]);
        chunk_builder_undo(&b);
    }
    buf_deinit(&out);
    format_encoder_close(e);
    format_decoder_close(d);
    arena_deinit(&arena);
}
