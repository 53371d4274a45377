/* pg_value.c: see pg_value.h. */
#include "bridge/pg_value.h"

#include "data/text.h"

static bool is_json(const struct pg_type *to)
{
    return strcmp(to->name, "json") == 0 || strcmp(to->name, "jsonb") == 0;
}

bool pg_value_can(const struct type *type)
{
    return type->kind != TYPE_INTERVAL_MONTH && type->kind != TYPE_INTERVAL_SECOND && type->kind != TYPE_NULL;
}

bool pg_value_fits(const struct type *type, const struct pg_type *to)
{
    bool text = to->category == 'S';

    switch (type->kind) {
    case TYPE_CHAR:
    case TYPE_VARCHAR: return strcmp(to->name, "bytea") != 0; /* its escapes would change bytes */
    case TYPE_BINARY:
    case TYPE_VARBINARY: return strcmp(to->name, "bytea") == 0;
    case TYPE_BOOLEAN: return text || to->category == 'B';
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ: return text || to->category == 'D';
    case TYPE_ARRAY: return text || to->category == 'A' || is_json(to);
    case TYPE_ROW:
    case TYPE_MAP:
    case TYPE_MULTISET: return text || is_json(to);
    default: return type_is_numeric(type->kind) && (text || to->category == 'N');
    }
}

/* {"a","b",NULL,{…}}: whatever the elements are, as quoted text. */
static void array_text(struct buf *out, const struct type *type, const struct column *col, uint32_t row)
{
    const struct type *element = type->fields[0].type;
    struct buf text;

    buf_init(&text, 0);
    buf_u8(out, '{');
    for (uint32_t e = col->offsets[row]; e < col->offsets[row + 1]; e++) {
        if (e > col->offsets[row])
            buf_u8(out, ',');
        if (!column_valid(&col->children[0], e)) {
            buf_str(out, "NULL");
        } else if (element->kind == TYPE_ARRAY) {
            array_text(out, element, &col->children[0], e);
        } else {
            buf_clear(&text);
            value_text(&text, element, &col->children[0], e, NULL);
            buf_u8(out, '"');
            for (size_t i = 0; i < text.len; i++) {
                if (text.ptr[i] == '"' || text.ptr[i] == '\\')
                    buf_u8(out, '\\');
                buf_u8(out, text.ptr[i]);
            }
            buf_u8(out, '"');
        }
    }
    buf_u8(out, '}');
    buf_deinit(&text);
}

bool pg_value(struct buf *out, const struct type *type, const struct pg_type *to, const struct column *col,
              uint32_t row)
{
    size_t begun = out->len;
    bool nested = type->kind >= TYPE_ROW;

    if (type->kind == TYPE_BINARY || type->kind == TYPE_VARBINARY)
        buf_str(out, "\\x");
    if (type->kind == TYPE_ARRAY && to->category == 'A')
        array_text(out, type, col, row);
    else if (nested)
        value_json(out, type, col, row, NULL);
    else
        value_text(out, type, col, row, NULL);
    bool zero = out->len > begun && memchr(out->ptr + begun, 0, out->len - begun);
    buf_u8(out, 0);
    return !zero;
}
