/* Rows and keys from a damaged file: every type, decoded or refused; what decodes encodes to a row again. */
#include "base/check.h"
#include "data/row.h"
#include "lib/fuzz.h"

FUZZ(row_decode, data, size)
{
    struct type_field pair[2] = {{.name = BYTES_LITERAL("a"), .type = type_simple(TYPE_VARCHAR)},
                                 {.name = BYTES_LITERAL("b"), .type = type_simple(TYPE_BIGINT)}};
    const struct type row = {.kind = TYPE_ROW, .fields = pair, .fields_count = 2};
    const struct type array = {.kind = TYPE_ARRAY, .fields = pair, .fields_count = 1};
    const struct type map = {.kind = TYPE_MAP, .fields = pair, .fields_count = 2};
    const struct type *types[] = {type_simple(TYPE_INT), type_simple(TYPE_BOOLEAN), &row, &array, &map,
                                  type_simple(TYPE_DECIMAL), type_simple(TYPE_DOUBLE),
                                  type_simple(TYPE_VARCHAR)};
    struct row_codec codec = row_codec_make(types, NULL, 8);
    struct chunk_builder b;
    struct arena arena;
    struct buf again;

    arena_init(&arena, 16 << 20);
    buf_init(&again, 0);
    chunk_builder_init(&b, &arena, types, 8, 2);
    if (row_decode(&codec, bytes_of(data, size), b.cols) && !chunk_builder_failed(&b)) {
        chunk_builder_row(&b, ROW_INSERT);
        struct chunk chunk = chunk_builder_done(&b);
        row_encode(&codec, chunk.cols, 0, &again);
        CHECK(row_decode(&codec, buf_view(&again), b.cols));
    } else {
        chunk_builder_undo(&b);
    }
    for (unsigned order = 0; order < 4; order++) {
        struct reader r = reader_of(bytes_of(data, size));
        for (int i = 0; i < 8; i++) {
            struct column_builder key;
            column_builder_init(&key, &arena, types[i], 1);
            if (!keycode_read(&r, order, &key))
                break;
            CHECK(key.failed || key.rows == 1);
        }
    }
    buf_deinit(&again);
    arena_deinit(&arena);
}
