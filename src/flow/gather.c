/* gather.c: copies by way of a chunk builder that owns its text. */
#include "flow/gather.h"

#include "base/check.h"
#include "data/builder.h"

struct chunk *chunk_gather(struct arena *arena, const struct chunk *in,
                           const struct type *const *types, const uint16_t *rows, uint16_t count)
{
    CHECK(count <= CHUNK_ROWS);
    struct chunk_builder builder;
    chunk_builder_init(&builder, arena, types, in->col_count, count ? count : 1);
    chunk_builder_own_text(&builder, true);
    for (uint16_t c = 0; c < in->col_count; c++)
        column_append_rows(&builder.cols[c], &in->cols[c], rows, count);
    builder.rows = count;
    struct chunk *out = ARENA_NEW(arena, struct chunk);
    *out = chunk_builder_done(&builder);
    if (in->kinds) {
        uint8_t *kinds = arena_alloc(arena, count + 1u);
        for (uint16_t i = 0; i < count; i++)
            kinds[i] = in->kinds[rows[i]];
        out->kinds = kinds;
    }
    if (in->origins) {
        struct origin *origins = ARENA_ARRAY(arena, struct origin, count + 1u);
        for (uint16_t i = 0; i < count; i++)
            origins[i] = in->origins[rows[i]];
        out->origins = origins;
    }
    return out;
}

struct chunk *chunk_keep(struct arena *arena, const struct chunk *in,
                         const struct type *const *types)
{
    uint16_t rows[CHUNK_ROWS];
    for (uint16_t i = 0; i < in->count; i++)
        rows[i] = chunk_row(in, i);
    return chunk_gather(arena, in, types, rows, in->count);
}
