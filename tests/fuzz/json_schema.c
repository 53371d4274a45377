/* JSON Schemas from outside, two with 0xff between: read, each compared with itself, which it can read, and with the other. */
#include "base/check.h"
#include "base/json_reader.h"
#include "data/jsonschema/compat.h"
#include "lib/fuzz.h"

static bool says(const struct buf *why, const char *word)
{
    return why->len && memmem(why->ptr, why->len, word, strlen(word));
}

static void compare(const struct js_set *reader, const struct js_set *writer, bool same)
{
    struct buf why;

    buf_init(&why, 8192);
    bool can = js_can_read(reader, writer, &why);
    CHECK(can == !why.len);
    CHECK(!same || can || says(&why, "TOO_LARGE") || says(&why, "REFERENCE_RING"));
    buf_deinit(&why);
}

FUZZ(json_schema, data, size)
{
    struct arena arena;
    struct js_set sets[2];
    struct bytes input = bytes_of(data, size);
    bool ok = true;

    arena_init(&arena, ARENA_BUDGET_NONE);
    for (int i = 0; i < 2; i++) {
        struct diag diag = {0};
        size_t end = bytes_find(input, 0xff, 0);
        enum status st = js_parse(&sets[i], &arena, bytes_head(input, end), NULL, NULL, &diag);
        CHECK(st == ST_OK || diag.message[0]);
        if (st == ST_OK)
            compare(&sets[i], &sets[i], true);
        ok &= st == ST_OK;
        input = bytes_skip(input, end + 1);
    }
    if (ok) {
        compare(&sets[0], &sets[1], false);
        compare(&sets[1], &sets[0], false);
    }
    js_deinit(&sets[0]);
    js_deinit(&sets[1]);
    arena_deinit(&arena);
}
