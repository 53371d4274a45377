#include "app/lib_value.h"

#include <string.h>

_Static_assert((int)QW_NULL == TYPED_NULL && (int)QW_BOOL == TYPED_BOOL &&
                   (int)QW_INT64 == TYPED_INT && (int)QW_DOUBLE == TYPED_DOUBLE &&
                   (int)QW_TEXT == TYPED_TEXT && (int)QW_BYTES == TYPED_BYTES &&
                   (int)QW_DECIMAL == TYPED_DECIMAL && (int)QW_DATE == TYPED_DATE &&
                   (int)QW_TIME == TYPED_TIME && (int)QW_TIMESTAMP == TYPED_TIMESTAMP,
               "kinds of the header are ours");
_Static_assert(sizeof(qw_value) == 24, "the header says so");

struct typed value_of_host(const qw_value *v)
{
    struct typed out = {.kind = v->kind < 0 || v->kind >= TYPED_KINDS ? TYPED_KINDS
                                                                      : (enum typed_kind)v->kind};

    switch (out.kind) {
    case TYPED_NULL: break;
    case TYPED_DOUBLE: out.d = v->as.d; break;
    case TYPED_TEXT:
    case TYPED_BYTES: out.bytes = bytes_of(v->as.bytes.ptr, v->as.bytes.len); break;
    case TYPED_DECIMAL:
        out.scale = v->scale;
        out.dec = (i128)((unsigned __int128)(uint64_t)v->as.decimal.high << 64 | v->as.decimal.low);
        break;
    default: out.i = v->as.i;
    }
    return out;
}

static qw_value host_of(const struct typed *v)
{
    qw_value out = qw_null();

    out.kind = (int32_t)v->kind;
    switch (v->kind) {
    case TYPED_NULL: break;
    case TYPED_DOUBLE: out.as.d = v->d; break;
    case TYPED_TEXT:
    case TYPED_BYTES:
        out.as.bytes.ptr = v->bytes.ptr;
        out.as.bytes.len = v->bytes.len;
        break;
    case TYPED_DECIMAL:
        out.scale = v->scale;
        out.as.decimal.low = (uint64_t)v->dec;
        out.as.decimal.high = (int64_t)(v->dec >> 64);
        break;
    default: out.as.i = v->i;
    }
    return out;
}

enum status value_to_host(struct bytes name, const struct type *type, const struct column *col,
                          uint32_t row, int32_t kind, qw_value *out, struct diag *diag)
{
    enum typed_kind own = typed_kind_of(type);

    if (!column_valid(col, row)) {
        *out = qw_null();
        return ST_OK;
    }
    if (own == TYPED_KINDS)
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "column '%.*s' has no typed form: read it from the row's text",
                        BYTES_FMT(bytes_head(name, 60)));
    if (kind != QW_ANY && kind != (int32_t)own)
        return diag_set(diag, ST_INVALID, DIAG_TYPE, "column '%.*s' is %s, and was asked for as %s",
                        BYTES_FMT(bytes_head(name, 60)), typed_kind_text(own),
                        kind < 0 || kind >= TYPED_KINDS ? "no known kind"
                                                        : typed_kind_text((enum typed_kind)kind));
    struct typed v = typed_of(type, col, row);
    *out = host_of(&v);
    return ST_OK;
}

void host_columns_make(struct host_columns *out, struct arena *arena, const struct schema *schema)
{
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, schema->count + 1u);

    out->count = schema->count;
    out->names = ARENA_ARRAY(arena, const char *, schema->count + 1u);
    out->types = ARENA_ARRAY(arena, const char *, schema->count + 1u);
    out->fields = fields;
    for (uint16_t i = 0; i < schema->count; i++) {
        const struct type_field *from = &schema->fields[i];
        out->names[i] = arena_str(arena, from->name);
        fields[i] = (struct type_field){.name = bytes_str(out->names[i]),
                                        .type = type_copy(arena, from->type)};
        out->types[i] = type_text(arena, fields[i].type);
    }
}

int host_columns_find(const struct host_columns *columns, const char *name)
{
    for (uint16_t i = 0; i < columns->count; i++)
        if (strcmp(columns->names[i], name) == 0)
            return i;
    return QW_E_NOT_FOUND;
}
