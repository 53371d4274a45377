/* Any bytes as line protocol: each good line, written again, is read as the same; nothing is read twice. */
#include "base/check.h"
#include "lib/fuzz.h"
#include "wire/influx/line.h"

static void same_name(struct bytes escaped)
{
    struct buf plain, again;
    struct bytes back;

    buf_init(&plain, 0);
    buf_init(&again, 0);
    line_plain(escaped, &plain);
    if (!line_put_value(&again, buf_view(&plain))) {
        buf_clear(&plain);
        line_plain(buf_view(&again), &plain);
        back = buf_view(&plain);
        buf_clear(&again);
        CHECK(!line_put_value(&again, back));
    }
    buf_deinit(&plain);
    buf_deinit(&again);
}

static void same_text(struct bytes escaped)
{
    struct buf plain, again, back;

    buf_init(&plain, 0);
    buf_init(&again, 0);
    buf_init(&back, 0);
    line_plain_text(escaped, &plain);
    line_put_text(&again, buf_view(&plain));
    line_plain_text(bytes_of(again.ptr + 1, again.len - 2), &back);
    CHECK(bytes_equal(buf_view(&back), buf_view(&plain)));
    buf_deinit(&plain);
    buf_deinit(&again);
    buf_deinit(&back);
}

static void walk(const struct line *line)
{
    struct bytes tags = line->tags, fields = line->fields, name, value;
    unsigned names = 0;
    struct line_field f;

    same_name(line->measurement);
    while (line_tag_next(&tags, &name, &value)) {
        CHECK(name.len && value.len);
        same_name(name);
        same_name(value);
        names++;
    }
    while (line_field_next(&fields, &f)) {
        CHECK(f.name.len);
        if (f.kind == LINE_STRING)
            same_text(f.value);
        names++;
    }
    CHECK(names && names <= LINE_NAMES_MAX);
}

FUZZ(influx_line, data, size)
{
    struct bytes rest = bytes_of(data, size);
    size_t before = rest.len;
    struct line line;

    while (line_next(&rest, &line)) {
        CHECK(line.text.len && rest.len < before);
        before = rest.len;
        if (!line.bad)
            walk(&line);
    }
}
