#include "app/cli/rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "data/datetime.h"

enum { COLUMNS_MAX = 16 };

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

/* As one line: a list as its texts with commas. */
static void write_value(struct buf *out, const json_t *value)
{
    size_t i;
    json_t *item;

    if (json_is_string(value) && json_string_length(value)) {
        const char *text = json_string_value(value);
        for (size_t k = 0; k < json_string_length(value); k++)
            buf_u8(out, is_control((unsigned char)text[k]) ? '?' : (uint8_t)text[k]);
    } else if (json_is_integer(value)) {
        buf_printf(out, "%lld", (long long)json_integer_value(value));
    } else if (json_is_boolean(value)) {
        buf_str(out, json_is_true(value) ? "yes" : "no");
    } else if (json_is_array(value) && json_array_size(value)) {
        json_array_foreach((json_t *)value, i, item)
        {
            if (i)
                buf_u8(out, ',');
            write_value(out, item);
        }
    } else {
        buf_u8(out, '-');
    }
}

/* Characters, not bytes: what a terminal gives a place to (wide ones aside). */
static size_t shown_width(struct bytes text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += (text.ptr[i] & 0xc0) != 0x80;
    return n;
}

struct layout {
    size_t width[COLUMNS_MAX];
    bool number[COLUMNS_MAX];
    int count;
};

static void measure(struct layout *l, const json_t *rows, const struct row_column *columns)
{
    size_t i;
    json_t *row;
    struct buf cell;

    buf_init(&cell, 0);
    for (l->count = 0; columns[l->count].title; l->count++) {
        CHECK(l->count < COLUMNS_MAX);
        l->width[l->count] = strlen(columns[l->count].title);
        l->number[l->count] = true;
        json_array_foreach((json_t *)rows, i, row)
        {
            const json_t *value = json_object_get(row, columns[l->count].key);
            buf_clear(&cell);
            write_value(&cell, value);
            size_t width = shown_width(buf_view(&cell));
            l->width[l->count] = width > l->width[l->count] ? width : l->width[l->count];
            if (value && !json_is_integer(value) && !json_is_null(value))
                l->number[l->count] = false;
        }
    }
    buf_deinit(&cell);
}

static void print_cell(const struct layout *l, int column, struct bytes text)
{
    int pad = (int)(l->width[column] - shown_width(text));

    if (column)
        fputs("  ", stdout);
    if (l->number[column])
        printf("%*s%.*s", pad, "", BYTES_FMT(text));
    else
        printf("%.*s%*s", BYTES_FMT(text), column == l->count - 1 ? 0 : pad, "");
}

void rows_print(const json_t *rows, const struct row_column *columns)
{
    struct layout l = {.count = 0};
    struct buf cell;
    size_t i;
    json_t *row;

    measure(&l, rows, columns);
    buf_init(&cell, 0);
    for (int c = 0; c < l.count; c++)
        print_cell(&l, c, bytes_str(columns[c].title));
    putchar('\n');
    json_array_foreach((json_t *)rows, i, row)
    {
        for (int c = 0; c < l.count; c++) {
            buf_clear(&cell);
            write_value(&cell, json_object_get(row, columns[c].key));
            print_cell(&l, c, buf_view(&cell));
        }
        putchar('\n');
    }
    buf_deinit(&cell);
}

void rows_json(const json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2));

    puts(text);
    free(text);
}

json_t *rows_text(struct bytes text)
{
    if (!text.ptr)
        return json_null();
    if (bytes_is_utf8(text))
        return json_stringn((const char *)text.ptr, text.len);
    char *copy = strndup((const char *)text.ptr, text.len);
    for (char *c = copy; *c; c++)
        if (*c & 0x80)
            *c = '?';
    json_t *out = json_string(copy);
    free(copy);
    return out;
}

json_t *rows_time(int64_t ms)
{
    char text[DATETIME_TEXT_MAX + 1];

    if (ms < 0 || ms > INT64_MAX / 1000)
        return json_null();
    size_t len = timestamp_text(ms * 1000, 3, 'T', text);
    text[len++] = 'Z';
    return json_stringn(text, len);
}
