/* of_row.c: the Avro schema of a SQL row. A column that may be NULL is a union with null, whose default is null.
 * Records in it are named after the way to them: record, record_column, record_column_field. */
#include <stdio.h>

#include "data/avro/schema.h"
#include "data/text.h"

struct writer {
    struct buf *out;
    enum avro_times times;
    struct diag *diag;
};

static enum status write_type(const struct writer *w, const struct type *type, const char *name, struct bytes column);

static enum status no_form(const struct writer *w, const struct type *type, struct bytes column, const char *hint)
{
    struct arena scratch;

    arena_init(&scratch, ARENA_BUDGET_NONE);
    diag_set(w->diag, ST_INVALID, DIAG_TYPE, "Avro has no form for the type %s of column '%.*s'",
             type_text(&scratch, type), BYTES_FMT(bytes_head(column, 60)));
    arena_deinit(&scratch);
    diag_hint(w->diag, "%s", hint);
    return ST_INVALID;
}

static enum status write_fields(const struct writer *w, const struct type_field *fields, uint32_t count,
                                const char *name)
{
    struct arena names;
    enum status st = ST_OK;

    arena_init(&names, ARENA_BUDGET_NONE);
    buf_str(w->out, "\"fields\":[");
    for (uint32_t i = 0; st == ST_OK && i < count; i++) {
        buf_str(w->out, i ? ",{\"name\":" : "{\"name\":");
        json_quoted(w->out, fields[i].name);
        buf_str(w->out, ",\"type\":");
        st = write_type(w, fields[i].type, arena_printf(&names, "%s_%.*s", name, BYTES_FMT(fields[i].name)),
                        fields[i].name);
        buf_str(w->out, fields[i].type->not_null ? "}" : ",\"default\":null}");
    }
    buf_u8(w->out, ']');
    arena_deinit(&names);
    return st;
}

static void write_logical(const struct writer *w, const char *base, const char *logical)
{
    buf_printf(w->out, "{\"type\":\"%s\",\"logicalType\":\"%s\"}", base, logical);
}

static enum status write_time(const struct writer *w, const struct type *type, struct bytes column)
{
    bool local = type->kind == TYPE_TIMESTAMP;

    if (type->kind == TYPE_TIME && type->precision > 3)
        return no_form(w, type, column, "TIME(3) has one");
    if (type->kind == TYPE_TIME) {
        write_logical(w, "int", "time-millis");
        return ST_OK;
    }
    if (w->times == AVRO_TIMES_LEGACY && !local)
        return no_form(w, type, column, "set 'avro.timestamp_mapping.legacy' = 'false'");
    if (w->times == AVRO_TIMES_LEGACY && type->precision > 3)
        return no_form(w, type, column, "TIMESTAMP(3) has one; or set 'avro.timestamp_mapping.legacy' = 'false'");
    char logical[40];
    snprintf(logical, sizeof(logical), "%stimestamp-%s", local && w->times != AVRO_TIMES_LEGACY ? "local-" : "",
             type->precision > 3 ? "micros" : "millis");
    write_logical(w, "long", logical);
    return ST_OK;
}

static enum status write_list(const struct writer *w, const struct type *type, const char *name, struct bytes column)
{
    static const struct type count = {.kind = TYPE_INT, .not_null = true};
    const struct type *inner = type->fields[type->kind == TYPE_MAP].type;

    if (type_is_map(type->kind) && !type_is_text(type->fields[0].type->kind))
        return no_form(w, type, column, "the keys of a map in Avro are text");
    buf_str(w->out, type->kind == TYPE_ARRAY ? "{\"type\":\"array\",\"items\":" : "{\"type\":\"map\",\"values\":");
    enum status st = write_type(w, type->kind == TYPE_MULTISET ? &count : inner, name, column);
    buf_u8(w->out, '}');
    return st;
}

static enum status write_plain(const struct writer *w, const struct type *type, const char *name, struct bytes column)
{
    static const char *const plain[TYPE_KINDS] = {
        [TYPE_BOOLEAN] = "boolean", [TYPE_TINYINT] = "int", [TYPE_SMALLINT] = "int", [TYPE_INT] = "int",
        [TYPE_BIGINT] = "long", [TYPE_FLOAT] = "float", [TYPE_DOUBLE] = "double", [TYPE_CHAR] = "string",
        [TYPE_VARCHAR] = "string", [TYPE_BINARY] = "bytes", [TYPE_VARBINARY] = "bytes"};

    switch (type->kind) {
    case TYPE_DECIMAL:
        buf_printf(w->out, "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":%d,\"scale\":%d}",
                   type->precision, type->scale);
        return ST_OK;
    case TYPE_DATE: write_logical(w, "int", "date"); return ST_OK;
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ: return write_time(w, type, column);
    case TYPE_ROW:
        buf_printf(w->out, "{\"type\":\"record\",\"name\":\"%s\",", name);
        TRY(write_fields(w, type->fields, type->fields_count, name));
        buf_u8(w->out, '}');
        return ST_OK;
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_MULTISET: return write_list(w, type, name, column);
    default: break;
    }
    if (!plain[type->kind])
        return no_form(w, type, column, "cast it to another type");
    buf_printf(w->out, "\"%s\"", plain[type->kind]);
    return ST_OK;
}

static enum status write_type(const struct writer *w, const struct type *type, const char *name, struct bytes column)
{
    if (type->not_null)
        return write_plain(w, type, name, column);
    buf_str(w->out, "[\"null\",");
    TRY(write_plain(w, type, name, column));
    buf_u8(w->out, ']');
    return ST_OK;
}

enum status avro_of_row(const struct type_field *fields, uint32_t count, enum avro_times times, struct buf *out,
                        struct diag *diag)
{
    struct writer w = {out, times, diag};

    buf_str(out, "{\"type\":\"record\",\"name\":\"record\",\"namespace\":\"org.apache.flink.avro.generated\",");
    TRY(write_fields(&w, fields, count, "record"));
    buf_u8(out, '}');
    return ST_OK;
}
