/* template.c: see template.h. */
#include "bridge/template.h"

#include "data/text.h"

bool template_has_columns(struct bytes text)
{
    return bytes_find(text, '{', 0) < text.len;
}

static int column_of(const struct bridge_spec *spec, struct bytes name)
{
    for (uint16_t c = 0; c < spec->schema.count; c++)
        if (bytes_equal(spec->schema.fields[c].name, name))
            return c;
    return -1;
}

static enum status add_piece(struct template *t, const char *option, struct bytes text, int column, struct diag *diag)
{
    if (t->count == TEMPLATE_PIECES)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "'%s' has more than %d parts", option, TEMPLATE_PIECES);
    t->pieces[t->count++] = (struct template_piece){text, column};
    return ST_OK;
}

enum status template_read(struct template *t, const struct bridge_spec *spec, const char *option, struct bytes text,
                          struct diag *diag)
{
    t->count = 0;
    while (text.len) {
        size_t open = bytes_find(text, '{', 0);
        if (open)
            TRY(add_piece(t, option, bytes_head(text, open), -1, diag));
        text = bytes_skip(text, open);
        if (!text.len)
            break;
        size_t close = bytes_find(text, '}', 0);
        struct bytes name = bytes_skip(bytes_head(text, close), 1);
        int column = column_of(spec, name);
        if (close == text.len || column < 0) {
            diag_hint(diag, "{column} is the value of a column");
            return diag_set(diag, ST_INVALID, DIAG_NAME, "'%s' of `%.*s` has {%.*s}, and the table no such column", option,
                            BYTES_FMT(spec->table), BYTES_FMT(bytes_head(name, 60)));
        }
        TRY(add_piece(t, option, BYTES_NONE, column, diag));
        text = bytes_skip(text, close + 1);
    }
    return ST_OK;
}

bool template_has(const struct template *t, int column)
{
    for (unsigned i = 0; i < t->count; i++)
        if (t->pieces[i].column == column)
            return true;
    return false;
}

bool template_write(struct buf *buf, const struct template *t, const struct bridge_spec *spec, const struct chunk *rows,
                    uint16_t row)
{
    for (unsigned i = 0; i < t->count; i++) {
        int c = t->pieces[i].column;
        if (c < 0)
            buf_bytes(buf, t->pieces[i].text);
        else if (!column_valid(&rows->cols[c], row))
            return false;
        else
            value_text(buf, spec->schema.fields[c].type, &rows->cols[c], row, NULL);
    }
    return true;
}
