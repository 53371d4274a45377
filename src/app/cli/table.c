#include "app/cli/table.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/check.h"

bool table_format_of(const char *name, enum table_format *out)
{
    static const char *const names[] = {"table", "csv", "json"};

    for (int i = 0; i < 3; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum table_format)i;
            return true;
        }
    }
    return false;
}

static void make_room(struct table_view *t, size_t columns, size_t rows)
{
    t->columns = columns;
    t->rows = rows;
    t->names = xcalloc(columns, sizeof(*t->names));
    t->numeric = xcalloc(columns, sizeof(*t->numeric));
    t->cells = xcalloc(rows * columns, sizeof(*t->cells));
}

/* Types whose values are numbers in JSON and stand to the right in a table. */
static bool type_is_number(const char *type)
{
    static const char *const starts[] = {"TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE",
                                         "DECIMAL"};

    if (strncmp(type, "INTERVAL", 8) == 0)
        return false;
    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
        if (strncmp(type, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

void table_from_result(struct table_view *t, qw_result *r)
{
    *t = (struct table_view){0};
    if (qw_result_columns(r) == 0) {
        t->message = xstrdup(qw_result_message(r));
        return;
    }
    make_room(t, qw_result_columns(r), qw_result_rows(r));
    for (size_t c = 0; c < t->columns; c++) {
        const char *type = qw_result_type(r, c);
        t->names[c] = xstrdup(qw_result_column(r, c));
        t->numeric[c] = type_is_number(type);
        for (size_t row = 0; row < t->rows; row++) {
            const char *text = qw_result_text(r, row, c);
            t->cells[row * t->columns + c] = (struct table_cell){
                text ? xstrdup(text) : NULL, !t->numeric[c] && strncmp(type, "BOOLEAN", 7) != 0};
        }
    }
}

/* The fewest digits that give the same double again. */
static char *shortest_real(double value)
{
    char text[40];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return xstrdup(text);
}

static struct table_cell cell_of(const json_t *value)
{
    if (!value || json_is_null(value))
        return (struct table_cell){NULL, false};
    if (json_is_string(value))
        return (struct table_cell){xstrdup(json_string_value(value)), true};
    if (json_is_real(value))
        return (struct table_cell){shortest_real(json_real_value(value)), false};
    return (struct table_cell){json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT), false};
}

bool table_from_json(struct table_view *t, const void *json_object)
{
    const json_t *columns = json_object_get(json_object, "columns");
    const json_t *rows = json_object_get(json_object, "rows");
    const char *message = json_string_value(json_object_get(json_object, "message"));

    *t = (struct table_view){0};
    if (json_array_size(columns) == 0) {
        t->message = xstrdup(message ? message : "OK");
        return json_is_object((const json_t *)json_object);
    }
    make_room(t, json_array_size(columns), json_array_size(rows));
    for (size_t c = 0; c < t->columns; c++) {
        const json_t *column = json_array_get(columns, c);
        const char *name = json_string_value(json_object_get(column, "name"));
        const char *type = json_string_value(json_object_get(column, "type"));
        t->names[c] = xstrdup(name ? name : "");
        t->numeric[c] = type && type_is_number(type);
    }
    for (size_t row = 0; row < t->rows; row++)
        for (size_t c = 0; c < t->columns; c++)
            t->cells[row * t->columns + c] = cell_of(json_array_get(json_array_get(rows, row), c));
    return true;
}

void table_deinit(struct table_view *t)
{
    for (size_t c = 0; c < t->columns; c++)
        free(t->names[c]);
    for (size_t i = 0; i < t->columns * t->rows; i++)
        free(t->cells[i].text);
    free(t->names);
    free(t->numeric);
    free(t->cells);
    free(t->message);
}

/* Columns of a terminal that a text takes: wide characters two, combining ones none. */
static size_t width_of(const char *text)
{
    utf8proc_int32_t code;
    size_t width = 0;

    while (*text) {
        utf8proc_ssize_t len = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &code);
        if (len <= 0)
            len = 1;
        else
            width += (size_t)utf8proc_charwidth(code);
        text += len;
    }
    return width;
}

static void pad(FILE *to, size_t count)
{
    while (count--)
        putc(' ', to);
}

static void put_aligned(FILE *to, const char *text, size_t width, bool right)
{
    size_t own = width_of(text), space = own < width ? width - own : 0;

    putc(' ', to);
    if (right)
        pad(to, space);
    fputs(text, to);
    if (!right)
        pad(to, space);
    putc(' ', to);
}

static void put_rule(FILE *to, const size_t *widths, size_t count)
{
    for (size_t c = 0; c < count; c++) {
        fputs(c ? "+" : "", to);
        for (size_t i = 0; i < widths[c] + 2; i++)
            putc('-', to);
    }
    putc('\n', to);
}

static const char *shown(const struct table_cell *cell)
{
    return cell->text ? cell->text : "NULL";
}

static void print_table(const struct table_view *t, FILE *to)
{
    size_t *widths = xcalloc(t->columns, sizeof(*widths));

    for (size_t c = 0; c < t->columns; c++)
        widths[c] = width_of(t->names[c]);
    for (size_t i = 0; i < t->rows * t->columns; i++) {
        size_t width = width_of(shown(&t->cells[i]));
        if (width > widths[i % t->columns])
            widths[i % t->columns] = width;
    }
    for (size_t c = 0; c < t->columns; c++) {
        fputs(c ? "|" : "", to);
        put_aligned(to, t->names[c], widths[c], false);
    }
    putc('\n', to);
    put_rule(to, widths, t->columns);
    for (size_t i = 0; i < t->rows * t->columns; i++) {
        size_t c = i % t->columns;
        fputs(c ? "|" : "", to);
        put_aligned(to, shown(&t->cells[i]), widths[c], t->numeric[c]);
        if (c + 1 == t->columns)
            putc('\n', to);
    }
    fprintf(to, "%zu row%s\n", t->rows, t->rows == 1 ? "" : "s");
    free(widths);
}

/* RFC 4180: quoted where it must be; NULL is an empty field without quotes. */
static void put_csv(FILE *to, const char *text)
{
    if (!strpbrk(text, ",\"\r\n") && text[0]) {
        fputs(text, to);
        return;
    }
    putc('"', to);
    for (; *text; text++) {
        if (*text == '"')
            putc('"', to);
        putc(*text, to);
    }
    putc('"', to);
}

static void print_csv(const struct table_view *t, FILE *to)
{
    for (size_t c = 0; c < t->columns; c++) {
        fputs(c ? "," : "", to);
        put_csv(to, t->names[c]);
    }
    fputs("\r\n", to);
    for (size_t i = 0; i < t->rows * t->columns; i++) {
        fputs(i % t->columns ? "," : "", to);
        if (t->cells[i].text)
            put_csv(to, t->cells[i].text);
        if (i % t->columns + 1 == t->columns)
            fputs("\r\n", to);
    }
}

static void put_json_text(FILE *to, const char *text)
{
    json_t *value = json_string(text);
    char *dump = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

    fputs(dump ? dump : "null", to);
    free(dump);
    json_decref(value);
}

static void print_json(const struct table_view *t, FILE *to)
{
    for (size_t i = 0; i < t->rows * t->columns; i++) {
        const struct table_cell *cell = &t->cells[i];
        fputs(i % t->columns ? "," : "{", to);
        put_json_text(to, t->names[i % t->columns]);
        putc(':', to);
        if (!cell->text)
            fputs("null", to);
        else if (cell->quoted)
            put_json_text(to, cell->text);
        else
            fputs(cell->text, to);
        if (i % t->columns + 1 == t->columns)
            fputs("}\n", to);
    }
}

void table_print(const struct table_view *t, enum table_format format, FILE *to)
{
    if (t->message) {
        if (format == TABLE_FORMAT_TABLE)
            fprintf(to, "%s\n", t->message);
        return;
    }
    if (format == TABLE_FORMAT_TABLE)
        print_table(t, to);
    else if (format == TABLE_FORMAT_CSV)
        print_csv(t, to);
    else
        print_json(t, to);
}
