/* Records of formats of changes from outside: the first byte chooses the format. What is read is put, written, and
 * what is written is read again. */
#include "data/format/format.h"

#include "base/check.h"
#include "lib/fuzz.h"

enum { ROWS_MAX = 64 };

static void read_again(struct format_decoder *d, struct format_encoder *e, const struct chunk *chunk, uint16_t row,
                       struct arena *arena, const struct schema *schema)
{
    struct chunk_builder b;
    struct buf out;
    struct diag diag = {0};
    uint32_t count;

    buf_init(&out, 0);
    format_encode(e, chunk, row, &out);
    CHECK(format_read(d, buf_view(&out), &count, &diag) == FORMAT_ROW);
    CHECK(count == 1);
    chunk_builder_init_schema(&b, arena, schema, 2);
    CHECK(row_kind_retracts(format_put(d, 0, b.cols)) == row_kind_retracts(chunk_kind(chunk, row)));
    buf_deinit(&out);
}

FUZZ(changelog_decode, data, size)
{
    static const char *const names[] = {"debezium-json", "canal-json", "maxwell-json", "ogg-json"};
    struct arena arena;
    struct type_field fields[3] = {{.name = BYTES_LITERAL("a"), .type = type_simple(TYPE_INT)},
                                   {.name = BYTES_LITERAL("b"), .type = type_simple(TYPE_VARCHAR)}};
    struct schema schema = {3, fields};
    struct format_spec spec = {.schema = &schema};
    struct format_decoder *d;
    struct format_encoder *e;
    struct chunk_builder b;
    struct diag diag = {0};
    uint32_t count;

    if (!size)
        return;
    arena_init(&arena, 64 << 20);
    fields[2] = (struct type_field){.name = BYTES_LITERAL("r"), .type = type_row(&arena, fields, 2)};
    spec.name = bytes_str(names[data[0] % 4]);
    CHECK(format_decoder_open(&spec, &d, &diag) == ST_OK);
    CHECK(format_encoder_open(&spec, &e, &diag) == ST_OK);
    chunk_builder_init_schema(&b, &arena, &schema, ROWS_MAX);
    enum format_result result = format_read(d, bytes_of(data + 1, size - 1), &count, &diag);
    CHECK(result == FORMAT_ROW || diag.message[0]);
    for (uint32_t i = 0; i < count && !chunk_builder_full(&b); i++) {
        uint8_t kind = format_put(d, i, b.cols);
        chunk_builder_row(&b, kind);
    }
    if (b.rows && !chunk_builder_failed(&b)) {
        struct chunk chunk = chunk_builder_done(&b);
        read_again(d, e, &chunk, 0, &arena, &schema);
    }
    format_encoder_close(e);
    format_decoder_close(d);
    arena_deinit(&arena);
}
