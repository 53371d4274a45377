/* enforce.c: see enforce.h. A column without NULLs, and a table without lengths, cost one look a
 * chunk. */
#include "flow/enforce.h"

#include "base/check.h"
#include "data/utf8.h"

enum { NAME_SHOWN = 60 };

static const struct table_column *target(const struct plan_sink *sink, uint16_t column)
{
    return &sink->table->columns[sink->columns[column]];
}

/* ---- NOT NULL ---- */

static enum status null_found(const struct plan_sink *sink, uint16_t column, struct diag *diag)
{
    return diag_set(
        diag, ST_INVALID, DIAG_VALUE,
        "column '%.*s' of the sink table '%.*s' is NOT NULL, however, a null value is being "
        "written into it; SET 'table.exec.sink.not-null-enforcer' = 'DROP' drops such rows",
        BYTES_FMT(bytes_head(target(sink, column)->name, NAME_SHOWN)),
        BYTES_FMT(bytes_head(sink->table->name, NAME_SHOWN)));
}

/* Input columns that may hold a NULL which their table's column may not. */
static uint16_t suspects(const struct plan_sink *sink, struct arena *arena, const struct chunk *in,
                         uint16_t **out)
{
    uint16_t count = 0;

    for (uint16_t c = 0; c < sink->columns_count; c++) {
        if (!in->cols[c].valid || !target(sink, c)->type->not_null)
            continue;
        if (count == 0)
            *out = ARENA_ARRAY(arena, uint16_t, sink->columns_count);
        (*out)[count++] = c;
    }
    return count;
}

static enum status enforce_nulls(const struct plan_sink *sink, struct arena *arena,
                                 struct chunk *rows, struct diag *diag)
{
    uint16_t *columns = NULL, kept = 0;
    uint16_t count = suspects(sink, arena, rows, &columns);

    if (count == 0)
        return ST_OK;
    uint16_t *sel = ARENA_ARRAY(arena, uint16_t, rows->count);
    for (uint16_t i = 0; i < rows->count; i++) {
        uint16_t row = chunk_row(rows, i), k = 0;
        while (k < count && column_valid(&rows->cols[columns[k]], row))
            k++;
        if (k == count)
            sel[kept++] = row;
        else if (sink->nulls == SINK_NULLS_FAIL)
            return null_found(sink, columns[k], diag);
    }
    rows->sel = sel;
    rows->count = kept;
    return ST_OK;
}

/* ---- lengths ---- */

static bool is_bytes(const struct type *type)
{
    return type->kind == TYPE_BINARY || type->kind == TYPE_VARBINARY;
}

static bool has_length(const struct type *type)
{
    return (type_is_text(type->kind) || is_bytes(type)) && type->precision < TYPE_LENGTH_MAX;
}

static bool is_fixed(const struct type *type)
{
    return type->kind == TYPE_CHAR || type->kind == TYPE_BINARY;
}

static size_t length_of(const struct type *type, struct bytes value)
{
    return is_bytes(type) ? value.len : utf8_chars(value);
}

static enum status length_found(const struct plan_sink *sink, uint16_t column, size_t length,
                                struct arena *arena, struct diag *diag)
{
    const struct type *type = target(sink, column)->type;

    return diag_set(
        diag, ST_INVALID, DIAG_VALUE,
        "column '%.*s' of the sink table '%.*s' is %s, however, a string of length %zu is being "
        "written into it; 'table.exec.sink.type-length-enforcer' = 'TRIM_PAD' makes it fit",
        BYTES_FMT(bytes_head(target(sink, column)->name, NAME_SHOWN)),
        BYTES_FMT(bytes_head(sink->table->name, NAME_SHOWN)), type_text(arena, type), length);
}

/* Cut to the type's length, or padded to it: text with spaces, bytes with zeros. */
static struct bytes fitted(struct arena *arena, const struct type *type, struct bytes value,
                           size_t length)
{
    size_t most = (size_t)type->precision;

    if (length > most)
        return bytes_head(value, is_bytes(type) ? most : utf8_pos(value, most));
    uint8_t *padded = arena_alloc(arena, value.len + (most - length));
    if (value.len)
        memcpy(padded, value.ptr, value.len);
    memset(padded + value.len, is_bytes(type) ? 0 : ' ', most - length);
    return bytes_of(padded, value.len + (most - length));
}

static enum status enforce_length(const struct plan_sink *sink, uint16_t c, struct arena *arena,
                                  const struct chunk *rows, struct column *column,
                                  struct diag *diag)
{
    const struct type *type = target(sink, c)->type;
    const struct str *from = column->data;
    struct str *to = NULL;

    for (uint16_t i = 0; i < rows->count; i++) {
        uint16_t row = chunk_row(rows, i);
        if (!column_valid(column, row))
            continue;
        struct bytes value = bytes_of(from[row].ptr, from[row].len);
        size_t length = length_of(type, value);
        if (length == (size_t)type->precision ||
            (length < (size_t)type->precision && !is_fixed(type)))
            continue;
        if (sink->lengths == SINK_LENGTHS_FAIL)
            return length_found(sink, c, length, arena, diag);
        if (!to) {
            to = ARENA_ARRAY(arena, struct str, rows->rows);
            memcpy(to, from, rows->rows * sizeof(*to));
        }
        value = fitted(arena, type, value, length);
        to[row] = (struct str){(const char *)value.ptr, (uint32_t)value.len, 0};
    }
    if (to)
        column->data = to;
    return ST_OK;
}

static enum status enforce_lengths(const struct plan_sink *sink, struct arena *arena,
                                   struct chunk *rows, struct diag *diag)
{
    struct column *cols = NULL;

    for (uint16_t c = 0; c < sink->columns_count; c++) {
        if (!has_length(target(sink, c)->type))
            continue;
        if (!cols) {
            cols = ARENA_ARRAY(arena, struct column, rows->col_count);
            memcpy(cols, rows->cols, rows->col_count * sizeof(*cols));
            rows->cols = cols;
        }
        TRY(enforce_length(sink, c, arena, rows, &cols[c], diag));
    }
    return ST_OK;
}

enum status enforce_rows(const struct plan_sink *sink, struct arena *arena, const struct chunk *in,
                         struct chunk *out, struct diag *diag)
{
    *out = *in;
    if (sink->nulls != SINK_NULLS_PASS)
        TRY(enforce_nulls(sink, arena, out, diag));
    if (sink->lengths != SINK_LENGTHS_PASS)
        TRY(enforce_lengths(sink, arena, out, diag));
    return ST_OK;
}
