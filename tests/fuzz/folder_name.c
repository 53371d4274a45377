/* Names of a partition's folder: what one says is a value that another name, which is made of it, says too. */
#include "base/check.h"
#include "flow/folders.h"
#include "lib/fuzz.h"

FUZZ(folder_name, data, size)
{
    struct bytes column = BYTES_LITERAL("dt");
    struct buf value, name, again;
    bool null, null_again;

    buf_init(&value, 0);
    buf_init(&name, 0);
    buf_init(&again, 0);
    if (folder_value(bytes_of(data, size), column, &value, &null)) {
        struct str text = {(const char *)value.ptr, (uint32_t)value.len, 0};
        const uint64_t valid = !null;
        struct column col = {.data = &text, .valid = &valid};
        folder_name(&name, column, type_simple(TYPE_VARCHAR), &col, 0);
        CHECK(folder_value(buf_view(&name), column, &again, &null_again));
        CHECK(null_again == null || bytes_is(buf_view(&value), "__DEFAULT_PARTITION__"));
        CHECK(null || null_again || bytes_equal(buf_view(&value), buf_view(&again)));
        CHECK(bytes_find(buf_view(&name), '/', 0) == name.len);
    }
    buf_deinit(&value);
    buf_deinit(&name);
    buf_deinit(&again);
}
