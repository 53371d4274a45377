/* Paths of JSON functions and the texts they look into: a path, a line's end, a text. What is found is written again, and
 * must be JSON. */
#include "base/check.h"
#include "base/json_reader.h"
#include "data/json_value.h"
#include "data/jsonpath.h"
#include "lib/fuzz.h"

FUZZ(json_path, data, size)
{
    struct bytes all = bytes_of(data, size), value;
    size_t line = bytes_find(all, '\n', 0);
    struct json_cursor c = json_cursor_of(bytes_skip(all, line + (line < all.len)));
    struct jsonpath_found found;
    struct jsonpath path;
    struct arena arena;
    struct buf out;
    const char *why;

    if (size > 1 << 16)
        return;
    arena_init(&arena, ARENA_BUDGET_NONE);
    buf_init(&out, 64 << 20);
    if (jsonpath_compile(&arena, bytes_head(all, line), &path, &why) && json_next(&c, &value) &&
        jsonpath_find(&path, &arena, value, &found) == JSONPATH_FOUND) {
        CHECK(path.several || found.count == 1);
        for (uint32_t i = 0; i < found.count && i < 100; i++) {
            buf_clear(&out);
            json_value_compact(&out, found.values[i]);
            CHECK(out.failed || json_is_one(buf_view(&out), NULL));
        }
    }
    buf_deinit(&out);
    arena_deinit(&arena);
}
