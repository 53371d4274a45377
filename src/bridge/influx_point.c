/* influx_point.c: see influx_point.h. */
#include "bridge/influx_point.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "data/datetime.h"
#include "data/decimal.h"
#include "data/number.h"
#include "data/text.h"
#include "wire/influx/line.h"

enum { NO_COLUMN = UINT16_MAX };

/* ---- opening ---- */

static uint16_t column_of(const struct schema *schema, struct bytes name)
{
    for (uint16_t c = 0; c < schema->count; c++)
        if (bytes_equal(schema->fields[c].name, name))
            return c;
    return NO_COLUMN;
}

static enum status find_column(const struct schema *schema, const char *option, struct bytes name, uint16_t *out,
                               struct diag *diag)
{
    *out = column_of(schema, name);
    if (*out != NO_COLUMN)
        return ST_OK;
    return diag_set(diag, ST_INVALID, DIAG_NAME, "'%s' names '%.*s', which is no column of the table", option,
                    BYTES_FMT(bytes_head(name, 100)));
}

static bool can_be_tag(enum type_kind kind)
{
    switch (kind) {
    case TYPE_BOOLEAN:
    case TYPE_DECIMAL:
    case TYPE_CHAR:
    case TYPE_VARCHAR:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ: return true;
    default: return type_is_integer(kind);
    }
}

static bool can_be_field(enum type_kind kind)
{
    return kind != TYPE_NULL && kind != TYPE_BINARY && kind != TYPE_VARBINARY && kind != TYPE_INTERVAL_MONTH &&
           kind != TYPE_INTERVAL_SECOND;
}

static enum status check_measurement(const struct influx_roles *roles, const struct schema *schema,
                                     struct arena *arena, struct influx_point *out, struct diag *diag)
{
    struct buf name;

    out->measurement_column = NO_COLUMN;
    if (roles->measurement_column.len) {
        TRY(find_column(schema, "influxdb.measurement.column", roles->measurement_column, &out->measurement_column,
                        diag));
        if (type_is_text(schema->fields[out->measurement_column].type->kind))
            return ST_OK;
        return diag_set(diag, ST_INVALID, DIAG_TYPE, "the measurement's column `%.*s` is not text",
                        BYTES_FMT(roles->measurement_column));
    }
    buf_init(&name, 0);
    const char *why = line_put_measurement(&name, roles->measurement);
    out->measurement = arena_copy(arena, buf_view(&name));
    buf_deinit(&name);
    if (!why)
        return ST_OK;
    return diag_set(diag, ST_INVALID, DIAG_VALUE, "'%.*s' cannot be a measurement's name: %s",
                    BYTES_FMT(bytes_head(roles->measurement, 100)), why);
}

static enum status check_time(const struct influx_roles *roles, const struct schema *schema,
                              struct influx_point *out, struct diag *diag)
{
    TRY(find_column(schema, "influxdb.time.column", roles->time_column, &out->time_column, diag));
    enum type_kind kind = schema->fields[out->time_column].type->kind;
    if (type_is_time_point(kind) || kind == TYPE_DATE || kind == TYPE_BIGINT)
        return ST_OK;
    diag_hint(diag,
              "TIMESTAMP, TIMESTAMP_LTZ and DATE are times; a BIGINT is one in units of 'influxdb.precision'");
    return diag_set(diag, ST_INVALID, DIAG_TYPE, "the points' time, column `%.*s`, is no time",
                    BYTES_FMT(roles->time_column));
}

static struct bytes trim(struct bytes text)
{
    while (text.len && text.ptr[0] == ' ')
        text = bytes_skip(text, 1);
    while (text.len && text.ptr[text.len - 1] == ' ')
        text.len--;
    return text;
}

static bool among(const uint16_t *columns, uint16_t count, uint16_t column)
{
    for (uint16_t i = 0; i < count; i++)
        if (columns[i] == column)
            return true;
    return false;
}

static enum status add_tag(struct bytes name, const struct schema *schema, uint16_t *tags, struct influx_point *out,
                           struct diag *diag)
{
    uint16_t column;

    TRY(find_column(schema, "influxdb.tags", name, &column, diag));
    if (column == out->time_column || column == out->measurement_column || among(tags, out->tags_count, column))
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "column `%.*s` is a tag, and something else besides",
                        BYTES_FMT(name));
    if (!can_be_tag(schema->fields[column].type->kind)) {
        diag_hint(diag, "CAST it to STRING, or leave it a field");
        return diag_set(diag, ST_INVALID, DIAG_TYPE,
                        "column `%.*s` cannot be a tag: tags are texts that a series is "
                        "known by",
                        BYTES_FMT(name));
    }
    uint16_t at = out->tags_count++;
    for (; at && bytes_compare(schema->fields[tags[at - 1]].name, name) > 0; at--)
        tags[at] = tags[at - 1];
    tags[at] = column;
    return ST_OK;
}

static enum status check_tags(const struct influx_roles *roles, const struct schema *schema, struct arena *arena,
                              struct influx_point *out, struct diag *diag)
{
    uint16_t *tags = ARENA_ARRAY(arena, uint16_t, schema->count + 1u);
    struct bytes rest = roles->tags;

    out->tags = tags;
    while (rest.len) {
        size_t end = bytes_find(rest, ',', 0);
        TRY(add_tag(trim(bytes_head(rest, end)), schema, tags, out, diag));
        rest = bytes_skip(rest, end + (end < rest.len));
    }
    return ST_OK;
}

static enum status check_fields(const struct schema *schema, struct arena *arena, struct influx_point *out,
                                struct diag *diag)
{
    uint16_t *fields = ARENA_ARRAY(arena, uint16_t, schema->count + 1u);

    out->fields = fields;
    for (uint16_t c = 0; c < schema->count; c++) {
        if (c == out->time_column || c == out->measurement_column || among(out->tags, out->tags_count, c))
            continue;
        if (!can_be_field(schema->fields[c].type->kind)) {
            diag_hint(diag, "CAST it to STRING");
            return diag_set(diag, ST_UNSUPPORTED, DIAG_TYPE,
                            "column `%.*s` is bytes or an INTERVAL, which InfluxDB has no fields of",
                            BYTES_FMT(schema->fields[c].name));
        }
        fields[out->fields_count++] = c;
    }
    if (out->fields_count)
        return ST_OK;
    return diag_set(diag, ST_INVALID, DIAG_VALUE,
                    "no column is left for a field: a point has one at least, besides time and tags");
}

/* Names of tags and fields are the columns', so they are known now. */
static enum status check_names(const struct influx_point *p, struct diag *diag)
{
    enum status st = ST_OK;
    struct buf name;

    buf_init(&name, 0);
    for (uint16_t c = 0; c < p->schema.count && st == ST_OK; c++) {
        struct bytes column = p->schema.fields[c].name;
        if (c == p->time_column || c == p->measurement_column)
            continue;
        const char *why =
            bytes_is(column, "time") ? "InfluxDB keeps it for the time" : line_put_name(&name, column);
        if (why)
            st = diag_set(diag, ST_INVALID, DIAG_NAME, "column `%.*s` cannot be the name of a tag or field: %s",
                          BYTES_FMT(bytes_head(column, 100)), why);
    }
    buf_deinit(&name);
    return st;
}

enum status influx_point_open(const struct influx_roles *roles, const struct schema *schema, struct arena *arena,
                              struct influx_point *out, struct diag *diag)
{
    *out = (struct influx_point){.schema = *schema, .unit = roles->unit};
    TRY(check_measurement(roles, schema, arena, out, diag));
    TRY(check_time(roles, schema, out, diag));
    if (out->time_column == out->measurement_column)
        return diag_set(diag, ST_INVALID, DIAG_VALUE, "the measurement's column and the time's are one");
    TRY(check_tags(roles, schema, arena, out, diag));
    TRY(check_fields(schema, arena, out, diag));
    return check_names(out, diag);
}

/* ---- writing ---- */

/* A row's line under way. */
struct writing {
    const struct influx_point *p;
    const struct chunk *rows;
    uint16_t row;
    struct arena *arena;
    struct buf *out;
};

static const char *of_column(struct writing *w, uint16_t column, const char *what)
{
    return arena_printf(w->arena, "column `%.*s` %s", BYTES_FMT(w->p->schema.fields[column].name), what);
}

static struct bytes text_at(const struct column *col, uint16_t row)
{
    const struct str *s = (const struct str *)col->data + row;

    return bytes_of(s->ptr, s->len);
}

static const char *put_measurement(struct writing *w)
{
    uint16_t c = w->p->measurement_column;

    if (c == NO_COLUMN) {
        buf_bytes(w->out, w->p->measurement);
        return NULL;
    }
    if (!column_valid(&w->rows->cols[c], w->row))
        return of_column(w, c, "is NULL, and names the measurement");
    const char *why = line_put_measurement(w->out, text_at(&w->rows->cols[c], w->row));
    return why ? of_column(w, c, arena_printf(w->arena, "cannot name a measurement: %s", why)) : NULL;
}

static const char *put_tag(struct writing *w, uint16_t c)
{
    const struct type *type = w->p->schema.fields[c].type;
    const struct column *col = &w->rows->cols[c];
    struct buf text;
    const char *why = NULL;

    if (!column_valid(col, w->row))
        return NULL;
    buf_init(&text, 0);
    if (type->kind == TYPE_BOOLEAN)
        buf_str(&text, ((const uint8_t *)col->data)[w->row] ? "true" : "false");
    else if (type_is_text(type->kind))
        buf_bytes(&text, text_at(col, w->row));
    else
        value_text(&text, type, col, w->row, NULL);
    if (text.len) {
        buf_u8(w->out, ',');
        line_put_name(w->out, w->p->schema.fields[c].name);
        buf_u8(w->out, '=');
        why = line_put_value(w->out, buf_view(&text));
    }
    buf_deinit(&text);
    return why ? of_column(w, c, arena_printf(w->arena, "cannot be a tag: %s", why)) : NULL;
}

static void put_integer(struct buf *out, int64_t v)
{
    char text[NUMBER_TEXT_MAX];

    buf_append(out, text, i64_text(v, text));
}

static void put_double(struct buf *out, double v)
{
    char text[NUMBER_TEXT_MAX];

    buf_append(out, text, f64_text(v, text));
}

static void put_float(struct buf *out, float v)
{
    char text[NUMBER_TEXT_MAX];

    buf_append(out, text, f32_text(v, text));
}

/* What is neither a number nor a boolean is a string. */
static void put_string(struct writing *w, const struct type *type, const struct column *col)
{
    struct buf text;

    if (type_is_text(type->kind)) {
        line_put_text(w->out, text_at(col, w->row));
        return;
    }
    buf_init(&text, 0);
    if (type->kind >= TYPE_ROW)
        value_json(&text, type, col, w->row, NULL);
    else
        value_text(&text, type, col, w->row, NULL);
    line_put_text(w->out, buf_view(&text));
    buf_deinit(&text);
}

/* False: InfluxDB has no such number. */
static bool put_value(struct writing *w, const struct type *type, const struct column *col)
{
    uint16_t row = w->row;

    switch (type->kind) {
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
        put_integer(w->out, ((const int32_t *)col->data)[row]);
        buf_u8(w->out, 'i');
        return true;
    case TYPE_BIGINT:
        put_integer(w->out, ((const int64_t *)col->data)[row]);
        buf_u8(w->out, 'i');
        return true;
    case TYPE_BOOLEAN: buf_u8(w->out, ((const uint8_t *)col->data)[row] ? 't' : 'f'); return true;
    case TYPE_DECIMAL: put_double(w->out, decimal_to_f64(((const i128 *)col->data)[row], type->scale)); return true;
    case TYPE_FLOAT:
        put_float(w->out, ((const float *)col->data)[row]);
        return isfinite(((const float *)col->data)[row]);
    case TYPE_DOUBLE:
        put_double(w->out, ((const double *)col->data)[row]);
        return isfinite(((const double *)col->data)[row]);
    default: put_string(w, type, col); return true;
    }
}

static const char *put_fields(struct writing *w)
{
    char before = ' ';

    for (uint16_t f = 0; f < w->p->fields_count; f++) {
        uint16_t c = w->p->fields[f];
        if (!column_valid(&w->rows->cols[c], w->row))
            continue;
        buf_u8(w->out, (uint8_t)before);
        line_put_name(w->out, w->p->schema.fields[c].name);
        buf_u8(w->out, '=');
        if (!put_value(w, w->p->schema.fields[c].type, &w->rows->cols[c]))
            return of_column(w, c, "is no finite number, and InfluxDB takes no other");
        before = ',';
    }
    return before == ',' ? NULL : "all of its fields are NULL: a point has one at least";
}

/* Towards the past. False: more than 64 bits. */
static bool in_unit(int64_t time_us, enum influx_unit unit, int64_t *out)
{
    static const int64_t us[] = {[INFLUX_US] = 1, [INFLUX_MS] = 1000, [INFLUX_S] = 1000000};

    if (unit == INFLUX_NS)
        return !__builtin_mul_overflow(time_us, 1000, out);
    *out = floor_div(time_us, us[unit]);
    return true;
}

static const char *put_time(struct writing *w)
{
    const struct type *type = w->p->schema.fields[w->p->time_column].type;
    const struct column *col = &w->rows->cols[w->p->time_column];
    int64_t time;

    if (!column_valid(col, w->row))
        return of_column(w, w->p->time_column, "is NULL, and is the point's time");
    if (type->kind == TYPE_BIGINT)
        time = ((const int64_t *)col->data)[w->row];
    else if (!in_unit(type->kind == TYPE_DATE ? ((const int32_t *)col->data)[w->row] * (int64_t)86400000000
                                              : ((const int64_t *)col->data)[w->row],
                      w->p->unit, &time))
        return of_column(w, w->p->time_column, "is a time that InfluxDB does not reach: 1677 to 2262");
    buf_u8(w->out, ' ');
    put_integer(w->out, time);
    buf_u8(w->out, '\n');
    return NULL;
}

const char *influx_point_write(const struct influx_point *p, const struct chunk *rows, uint16_t row,
                               struct arena *arena, struct buf *out)
{
    struct writing w = {p, rows, row, arena, out};
    size_t begun = out->len;
    const char *why = put_measurement(&w);

    for (uint16_t t = 0; t < p->tags_count && !why; t++)
        why = put_tag(&w, p->tags[t]);
    if (!why)
        why = put_fields(&w);
    if (!why)
        why = put_time(&w);
    if (why)
        out->len = begun;
    return why;
}
