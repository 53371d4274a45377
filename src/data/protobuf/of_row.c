/* of_row.c: the .proto text of a SQL row: proto3, the columns' fields numbered in their order. A column that may be NULL is
 * `optional`; a ROW in it is a message of its own, beside its field. */
#include <stdio.h>

#include "data/protobuf/text.h"
#include "data/text.h"

struct writer {
    struct buf *out;
    struct diag *diag;
};

static enum status write_message(const struct writer *w, const struct type_field *fields, uint32_t count,
                                 struct bytes name, int depth);

static bool is_name(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i && c >= '0' && c <= '9'))
            return false;
    }
    return name.len > 0;
}

static enum status no_form(const struct writer *w, const struct type *type, struct bytes column, const char *hint)
{
    struct arena scratch;

    arena_init(&scratch, ARENA_BUDGET_NONE);
    diag_set(w->diag, ST_INVALID, DIAG_TYPE, "Protobuf has no form for the type %s of column '%.*s'",
             type_text(&scratch, type), BYTES_FMT(bytes_head(column, 60)));
    arena_deinit(&scratch);
    diag_hint(w->diag, "%s", hint);
    return ST_INVALID;
}

static const char *scalar_of(const struct type *type)
{
    static const char *const scalars[TYPE_KINDS] = {
        [TYPE_BOOLEAN] = "bool",   [TYPE_INT] = "int32",     [TYPE_BIGINT] = "int64",
        [TYPE_FLOAT] = "float",    [TYPE_DOUBLE] = "double", [TYPE_CHAR] = "string",
        [TYPE_VARCHAR] = "string", [TYPE_BINARY] = "bytes",  [TYPE_VARBINARY] = "bytes"};

    return scalars[type->kind];
}

/* The name of the message of a ROW column: none that a field of the same message has. */
static struct bytes row_name(struct arena *arena, const struct type_field *fields, uint32_t count,
                             struct bytes column)
{
    struct bytes name = bytes_str(arena_printf(arena, "Row_%.*s", BYTES_FMT(column)));

    for (uint32_t i = 0; i < count; i++)
        if (bytes_equal(fields[i].name, name)) {
            name = bytes_str(arena_printf(arena, "%.*s_", BYTES_FMT(name)));
            i = UINT32_MAX; /* from the first again */
        }
    return name;
}

static void indent(const struct writer *w, int depth)
{
    for (int i = 0; i < depth; i++)
        buf_str(w->out, "  ");
}

/* What a single value, or an element, is called; of a ROW its message is written first. */
static enum status single_name(const struct writer *w, struct arena *arena, const struct type_field *fields,
                               uint32_t count, const struct type *type, struct bytes column, int depth,
                               struct bytes *out)
{
    const char *scalar = scalar_of(type);

    if (scalar) {
        *out = bytes_str(scalar);
        return ST_OK;
    }
    if (type->kind != TYPE_ROW)
        return no_form(w, type, column,
                       type->kind == TYPE_ARRAY || type_is_map(type->kind)
                           ? "lists of lists have none: put the inner one into a ROW"
                           : "cast it: to INT, BIGINT, DOUBLE, STRING or BYTES");
    *out = row_name(arena, fields, count, column);
    return write_message(w, type->fields, type->fields_count, *out, depth);
}

static bool is_key(enum type_kind kind)
{
    return kind == TYPE_BOOLEAN || kind == TYPE_INT || kind == TYPE_BIGINT || type_is_text(kind);
}

static enum status write_field(const struct writer *w, struct arena *arena, const struct type_field *fields,
                               uint32_t count, uint32_t i, int depth)
{
    const struct type *type = fields[i].type;
    struct bytes name = fields[i].name, single = BYTES_NONE;
    bool map = type->kind == TYPE_MAP, list = type->kind == TYPE_ARRAY;

    if (!is_name(name))
        return diag_set(w->diag, ST_INVALID, DIAG_NAME,
                        "Protobuf has no field called '%.*s': names have letters, digits and '_'",
                        BYTES_FMT(bytes_head(name, 60)));
    if (map && !is_key(type->fields[0].type->kind))
        return no_form(w, type, name, "the keys of a map in Protobuf are numbers, BOOLEAN or text");
    const struct type *element = map ? type->fields[1].type : list ? type->fields[0].type : type;
    TRY(single_name(w, arena, fields, count, element, name, depth, &single));
    indent(w, depth);
    if (map)
        buf_printf(w->out, "map<%s, %.*s>", scalar_of(type->fields[0].type), BYTES_FMT(single));
    else
        buf_printf(w->out, "%s%.*s",
                   list                                       ? "repeated "
                   : type->not_null || type->kind == TYPE_ROW ? ""
                                                              : "optional ",
                   BYTES_FMT(single));
    buf_printf(w->out, " %.*s = %u;\n", BYTES_FMT(name), i + 1);
    return ST_OK;
}

static enum status write_message(const struct writer *w, const struct type_field *fields, uint32_t count,
                                 struct bytes name, int depth)
{
    struct arena names;
    enum status st = ST_OK;

    if (depth == PROTO_DEPTH_MAX)
        return diag_set(w->diag, ST_NOSPACE, DIAG_LIMIT, "ROWs are in each other more than %d deep",
                        PROTO_DEPTH_MAX);
    arena_init(&names, ARENA_BUDGET_NONE);
    indent(w, depth);
    buf_printf(w->out, "message %.*s {\n", BYTES_FMT(name));
    for (uint32_t i = 0; st == ST_OK && i < count; i++)
        st = write_field(w, &names, fields, count, i, depth + 1);
    indent(w, depth);
    buf_str(w->out, "}\n");
    arena_deinit(&names);
    return st;
}

enum status proto_of_row(const struct type_field *fields, uint32_t count, struct buf *out, struct diag *diag)
{
    const struct writer w = {out, diag};

    buf_str(out, "syntax = \"proto3\";\n\n");
    return write_message(&w, fields, count, BYTES_LITERAL("Record"), 0);
}
