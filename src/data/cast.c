/* CAST: which pairs of types have one, and the conversion of a column. The pairs are those of Flink's
 * LogicalTypeCasts; what a value looks like follows its cast rules (1.15 and later). */
#include "base/buf.h"
#include "base/check.h"
#include "data/builder.h"
#include "data/call.h"
#include "data/datetime.h"
#include "data/decimal.h"
#include "data/number.h"
#include "data/parse.h"
#include "data/text.h"
#include "data/utf8.h"

#include <math.h>

/* ---- which exist ---- */

static bool is_binary(enum type_kind kind)
{
    return kind == TYPE_BINARY || kind == TYPE_VARBINARY;
}

static bool is_datetime(enum type_kind kind)
{
    return kind >= TYPE_DATE && kind <= TYPE_TIMESTAMP_LTZ;
}

static bool is_interval(enum type_kind kind)
{
    return kind == TYPE_INTERVAL_MONTH || kind == TYPE_INTERVAL_SECOND;
}

static bool implicit_exists(enum type_kind x, enum type_kind y)
{
    if (type_is_numeric(x) && type_is_numeric(y))
        return y == TYPE_DECIMAL || y == TYPE_DOUBLE ||
               (y == TYPE_FLOAT ? x != TYPE_DOUBLE : type_is_integer(x) && x <= y);
    if (type_is_text(x) && type_is_text(y))
        return true;
    if (is_binary(x) && is_binary(y))
        return true;
    if (type_is_time_point(x) && is_datetime(y))
        return y == TYPE_DATE ? x == TYPE_TIMESTAMP : y == TYPE_TIME ? x == TYPE_TIMESTAMP : true;
    if (x == TYPE_DATE && type_is_time_point(y))
        return true;
    return x == y;
}

static bool explicit_exists(enum type_kind x, enum type_kind y)
{
    if (implicit_exists(x, y) || type_is_text(y))
        return true;
    if (type_is_text(x))
        return y <= TYPE_TIMESTAMP_LTZ;
    if ((type_is_numeric(x) || x == TYPE_BOOLEAN) && (type_is_numeric(y) || y == TYPE_BOOLEAN))
        return true;
    if (is_datetime(x) && is_datetime(y))
        return !(x == TYPE_DATE && y == TYPE_TIME) && !(x == TYPE_TIME && y == TYPE_DATE);
    if (is_interval(x) && type_is_integer(y))
        return true;
    return type_is_integer(x) && is_interval(y);
}

bool cast_exists(const struct type *from, const struct type *to, bool implicit)
{
    if (from->kind == TYPE_NULL)
        return true;
    if (from->kind >= TYPE_ROW && from->kind == to->kind) {
        if (from->fields_count != to->fields_count)
            return false;
        for (uint16_t i = 0; i < from->fields_count; i++)
            if (!cast_exists(from->fields[i].type, to->fields[i].type, implicit))
                return false;
        return true;
    }
    if (from->kind >= TYPE_ROW || to->kind >= TYPE_ROW)
        return !implicit && type_is_text(to->kind);
    return implicit ? implicit_exists(from->kind, to->kind) : explicit_exists(from->kind, to->kind);
}

bool cast_is_view(const struct type *from, const struct type *to)
{
    enum type_kind x = from->kind, y = to->kind;

    if (x != y)
        return (type_is_integer(x) && type_is_integer(y) && x < y && y != TYPE_BIGINT) ||
               (x == TYPE_CHAR && y == TYPE_VARCHAR && from->precision <= to->precision) ||
               (x == TYPE_BINARY && y == TYPE_VARBINARY && from->precision <= to->precision);
    if (x == TYPE_CHAR || x == TYPE_BINARY)
        return from->precision == to->precision;
    if (x == TYPE_DECIMAL)
        return from->scale == to->scale && from->precision <= to->precision;
    if (x == TYPE_VARCHAR || x == TYPE_VARBINARY || x == TYPE_TIME || type_is_time_point(x))
        return from->precision <= to->precision;
    for (uint16_t i = 0; i < from->fields_count; i++)
        if (!cast_is_view(from->fields[i].type, to->fields[i].type))
            return false;
    return true;
}

/* ---- one conversion ---- */

struct cast {
    struct call *call;
    const struct type *from, *to;
    bool try_cast;
};

/* A value that has no cast: NULL for TRY_CAST, else the row is bad. */
static enum status cast_bad(const struct cast *c, uint32_t row)
{
    struct text_style style = {0};
    struct arena scratch;
    struct buf text;

    if (c->try_cast) {
        call_null(c->call, row);
        return ST_OK;
    }
    arena_init(&scratch, ARENA_BUDGET_NONE);
    buf_init(&text, 0);
    value_text(&text, c->from, &c->call->args[0].col, ARG_ROW(c->call, 0, row), &style);
    enum status st = call_fail(c->call, row, "'%.*s' cannot be cast to %s",
                               text.len > 100 ? 100 : (int)text.len, (const char *)text.ptr,
                               type_text(&scratch, type_not_null(&scratch, c->to, false)));
    buf_deinit(&text);
    arena_deinit(&scratch);
    return st;
}

/* Numbers to integers: Java's narrowing. Floats saturate at INT or BIGINT first. */
static int64_t f64_to_i64(double v)
{
    if (v != v)
        return 0;
    if (v >= 9223372036854775808.0)
        return INT64_MAX;
    return v <= -9223372036854775808.0 ? INT64_MIN : (int64_t)v;
}

static int32_t f64_to_i32(double v)
{
    if (v != v)
        return 0;
    return v >= 2147483647.0 ? INT32_MAX : v <= -2147483648.0 ? INT32_MIN : (int32_t)v;
}

static int32_t narrow(int64_t v, enum type_kind kind)
{
    return kind == TYPE_TINYINT ? (int8_t)v : kind == TYPE_SMALLINT ? (int16_t)v : (int32_t)v;
}

/* Any number as the widest of its family. */
static int64_t number_i64(const struct cast *c, uint32_t row)
{
    const struct call *call = c->call;

    switch (type_phys(c->from->kind)) {
    case PHYS_BOOL: return ARG(call, 0, uint8_t, row);
    case PHYS_I32: return ARG(call, 0, int32_t, row);
    case PHYS_I64: return ARG(call, 0, int64_t, row);
    case PHYS_F32: return f64_to_i64((double)ARG(call, 0, float, row));
    case PHYS_F64: return f64_to_i64(ARG(call, 0, double, row));
    case PHYS_I128: return (int64_t)(ARG(call, 0, i128, row) / decimal_pow10(c->from->scale));
    default: UNREACHABLE();
    }
}

static double number_f64(const struct cast *c, uint32_t row)
{
    const struct call *call = c->call;

    switch (type_phys(c->from->kind)) {
    case PHYS_F32: return (double)ARG(call, 0, float, row);
    case PHYS_F64: return ARG(call, 0, double, row);
    case PHYS_I128: return decimal_to_f64(ARG(call, 0, i128, row), c->from->scale);
    default: return (double)number_i64(c, row);
    }
}

static bool number_decimal(const struct cast *c, uint32_t row, i128 *out)
{
    const struct call *call = c->call;
    char text[NUMBER_TEXT_MAX];
    i128 v;

    switch (type_phys(c->from->kind)) {
    case PHYS_F32: {
        size_t len = f32_text(ARG(call, 0, float, row), text);
        return decimal_parse(bytes_of(text, len), c->to->precision, c->to->scale, out);
    }
    case PHYS_F64:
        return decimal_from_f64(ARG(call, 0, double, row), c->to->precision, c->to->scale, out);
    case PHYS_I128: v = ARG(call, 0, i128, row); break;
    default: v = number_i64(c, row);
    }
    return decimal_rescale(v, c->from->kind == TYPE_DECIMAL ? c->from->scale : 0, c->to->scale,
                           out) &&
           decimal_fits(*out, decimal_pow10(c->to->precision));
}

/* Units of an interval as an integer: Flink casts months and milliseconds. */
static enum status interval_to_integer(const struct cast *c)
{
    bool months = c->from->kind == TYPE_INTERVAL_MONTH;

    FOR_ROWS(c->call, row) {
        int64_t v = months ? ARG(c->call, 0, int32_t, row) : ARG(c->call, 0, int64_t, row) / 1000;
        if (c->to->kind == TYPE_BIGINT)
            OUT(c->call, int64_t)[row] = v;
        else
            OUT(c->call, int32_t)[row] = narrow(v, c->to->kind);
    }
    return ST_OK;
}

static enum status integer_to_interval(const struct cast *c)
{
    FOR_ROWS(c->call, row) {
        int64_t v = number_i64(c, row);
        if (c->to->kind == TYPE_INTERVAL_MONTH)
            OUT(c->call, int32_t)[row] = (int32_t)v;
        else
            OUT(c->call, int64_t)[row] = (int64_t)((uint64_t)v * 1000);
    }
    return ST_OK;
}

static enum status number_to_number(const struct cast *c)
{
    struct call *call = c->call;
    bool from_float = c->from->kind == TYPE_FLOAT || c->from->kind == TYPE_DOUBLE;

    if (type_phys(c->from->kind) == PHYS_I32 && c->to->kind == TYPE_BIGINT) { /* the common one */
        FOR_ROWS(call, row)
            OUT(call, int64_t)[row] = ARG(call, 0, int32_t, row);
        return ST_OK;
    }
    if (type_is_integer(c->from->kind) && c->to->kind == TYPE_DECIMAL && c->to->scale == 0 &&
        c->to->precision >= type_simple(c->from->kind)->precision) { /* always fits */
        bool small = type_phys(c->from->kind) == PHYS_I32;
        FOR_ROWS(call, row)
            OUT(call, i128)[row] = small ? ARG(call, 0, int32_t, row) : ARG(call, 0, int64_t, row);
        return ST_OK;
    }
    FOR_ROWS(call, row) {
        switch (c->to->kind) {
        case TYPE_BOOLEAN: OUT(call, uint8_t)[row] = number_f64(c, row) != 0; break;
        case TYPE_TINYINT:
        case TYPE_SMALLINT:
        case TYPE_INT:
            OUT(call, int32_t)[row] = narrow(
                from_float ? f64_to_i32(number_f64(c, row)) : number_i64(c, row), c->to->kind);
            break;
        case TYPE_BIGINT: OUT(call, int64_t)[row] = number_i64(c, row); break;
        case TYPE_FLOAT: OUT(call, float)[row] = (float)number_f64(c, row); break;
        case TYPE_DOUBLE: OUT(call, double)[row] = number_f64(c, row); break;
        default:
            if (!number_decimal(c, row, &OUT(call, i128)[row]))
                call_null(call, row); /* Flink: a decimal that overflows is NULL */
        }
    }
    return ST_OK;
}

/* ---- text to anything ---- */

static enum status text_to_value(const struct cast *c)
{
    size_t size = phys_size(type_phys(c->to->kind));
    union value v;

    FOR_ROWS(c->call, row) {
        if (value_parse(c->to, arg_bytes(c->call, 0, row), c->call->ctx->zone, &v))
            memcpy((uint8_t *)c->call->data + row * size, &v, size);
        else
            TRY(cast_bad(c, row));
    }
    return ST_OK;
}

/* ---- anything to text ---- */

/* VARCHAR(n) cuts, CHAR(n) pads as well. */
static void put_bounded(const struct cast *c, uint32_t row, struct bytes text, bool view)
{
    size_t chars = c->to->precision == TYPE_LENGTH_MAX ? 0 : utf8_chars(text);
    size_t want = (size_t)c->to->precision;

    if (c->to->precision != TYPE_LENGTH_MAX && chars > want)
        text = bytes_head(text, utf8_pos(text, want));
    if (c->to->kind == TYPE_CHAR && chars < want) {
        char *to = call_text(c->call, text.len + want - chars);
        if (!to)
            return;
        memcpy(to, text.ptr, text.len);
        memset(to + text.len, ' ', want - chars);
        call_view(c->call, row, bytes_of(to, text.len + want - chars));
    } else if (view) {
        call_view(c->call, row, text);
    } else {
        call_copy(c->call, row, text);
    }
}

static enum status value_to_text(const struct cast *c)
{
    struct text_style style = {.zone = c->call->ctx->zone};
    bool view = type_is_text(c->from->kind) || is_binary(c->from->kind);
    struct buf buf;

    if (view) {
        FOR_ROWS(c->call, row)
            put_bounded(c, row, arg_bytes(c->call, 0, row), true);
        return ST_OK;
    }
    buf_init(&buf, 64u << 20);
    FOR_ROWS(c->call, row) {
        buf_clear(&buf);
        value_text(&buf, c->from, &c->call->args[0].col, ARG_ROW(c->call, 0, row), &style);
        c->call->no_memory |= buf.failed;
        put_bounded(c, row, buf_view(&buf), false);
    }
    buf_deinit(&buf);
    return ST_OK;
}

static enum status binary_to_binary(const struct cast *c)
{
    FOR_ROWS(c->call, row) {
        struct bytes b = bytes_head(arg_bytes(c->call, 0, row), (size_t)c->to->precision);
        size_t want = (size_t)c->to->precision;
        char *to;
        if (c->to->kind == TYPE_BINARY && b.len < want && (to = call_text(c->call, want))) {
            memcpy(to, b.ptr, b.len);
            memset(to + b.len, 0, want - b.len);
            b = bytes_of(to, want);
        }
        call_view(c->call, row, b);
    }
    return ST_OK;
}

/* ---- times ---- */

/* Any of DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ as a local timestamp, and back. */
static int64_t to_local(const struct cast *c, uint32_t row)
{
    if (c->from->kind == TYPE_DATE)
        return days_us(ARG(c->call, 0, int32_t, row));
    int64_t us = ARG(c->call, 0, int64_t, row);
    return c->from->kind == TYPE_TIMESTAMP_LTZ ? zone_local(c->call->ctx->zone, us) : us;
}

static enum status datetime_to_datetime(const struct cast *c)
{
    const struct zone *zone = c->call->ctx->zone;

    FOR_ROWS(c->call, row) {
        int64_t us = to_local(c, row);
        if (c->to->kind == TYPE_DATE)
            OUT(c->call, int32_t)[row] = (int32_t)floor_div(us, US_PER_DAY);
        else if (c->to->kind == TYPE_TIME)
            OUT(c->call, int64_t)[row] = time_cut(floor_mod(us, US_PER_DAY), c->to->precision);
        else
            OUT(c->call, int64_t)[row] = time_cut(
                c->to->kind == TYPE_TIMESTAMP_LTZ ? zone_utc(zone, us, ZONE_FIRST) : us, c->to->precision);
    }
    return ST_OK;
}

/* ---- ROW, ARRAY, MAP: their elements ---- */

static enum status cast_column(struct call *call, const struct column *from, uint32_t rows,
                               const struct type *x, const struct type *y, bool try_cast,
                               struct column *out);

static enum status cast_children(struct call *call, const struct column *from, uint32_t rows,
                                 const struct type *x, const struct type *y, bool try_cast,
                                 struct column *out)
{
    struct column *children = ARENA_ARRAY(call->ctx->arena, struct column, y->fields_count);
    uint32_t inner = x->kind == TYPE_ROW ? rows : from->offsets[rows];

    *out = *from;
    for (uint16_t i = 0; i < y->fields_count; i++)
        TRY(cast_column(call, &from->children[i], inner, x->fields[i].type, y->fields[i].type,
                        try_cast, &children[i]));
    out->children = children;
    return ST_OK;
}

/* A whole column, which may be longer than a chunk: in pieces of a chunk's rows. */
static enum status cast_column(struct call *call, const struct column *from, uint32_t rows,
                               const struct type *x, const struct type *y, bool try_cast,
                               struct column *out)
{
    size_t size = phys_size(type_phys(y->kind)), size_in = phys_size(type_phys(x->kind));

    if (x->kind == TYPE_NULL) {
        *out = vec_null(call->ctx->arena, y).col;
        return rows <= 1 ? ST_OK : ST_UNSUPPORTED;
    }
    if (cast_is_view(x, y)) {
        *out = *from;
        return ST_OK;
    }
    if (y->kind >= TYPE_ROW)
        return cast_children(call, from, rows, x, y, try_cast, out);
    struct expr arg = {.kind = EXPR_COLUMN, .type = x};
    const struct expr *args[1] = {&arg};
    struct expr e = {.kind = EXPR_CAST, .type = y, .args = args, .args_count = 1};
    uint16_t *sel = arena_alloc(call->ctx->arena, CHUNK_ROWS * sizeof(uint16_t));
    uint8_t *data = arena_zalloc(call->ctx->arena, size * (rows + 1u));
    uint64_t *valid = valid_all(call->ctx->arena, rows + CHUNK_ROWS);
    for (uint32_t at = 0; at < rows; at += CHUNK_ROWS) {
        struct vec v = {.col = *from};
        v.col.data = size_in ? (const uint8_t *)from->data + at * size_in : NULL;
        if (!size_in)
            return ST_UNSUPPORTED;
        struct call piece = {.expr = &e, .ctx = call->ctx, .args = &v, .sel = sel,
                             .data = data + at * size, .valid = valid + at / 64,
                             .valid_owned = true};
        uint32_t n = rows - at < CHUNK_ROWS ? rows - at : CHUNK_ROWS;
        for (uint32_t i = 0; i < n; i++) {
            if (column_valid(from, at + i))
                sel[piece.count++] = (uint16_t)i;
            else
                valid_clear(valid, at + i);
        }
        piece.rows = (uint16_t)n;
        TRY(cast_eval(&piece, x, y, try_cast));
        call->no_memory |= piece.no_memory;
    }
    *out = (struct column){.data = data, .valid = valid};
    return ST_OK;
}

enum status cast_eval(struct call *call, const struct type *from, const struct type *to, bool try_cast)
{
    struct cast c = {call, from, to, try_cast};
    enum type_kind x = from->kind, y = to->kind;
    bool numbers = (type_is_numeric(x) || x == TYPE_BOOLEAN);

    if (type_is_text(y))
        return value_to_text(&c);
    if (type_is_text(x))
        return is_binary(y) ? binary_to_binary(&c) : text_to_value(&c);
    if (is_binary(x))
        return binary_to_binary(&c);
    if (numbers && (type_is_numeric(y) || y == TYPE_BOOLEAN))
        return number_to_number(&c);
    if (is_datetime(x) && is_datetime(y))
        return datetime_to_datetime(&c);
    if (is_interval(x) && type_is_integer(y))
        return interval_to_integer(&c);
    if (type_is_integer(x) && is_interval(y))
        return integer_to_interval(&c);
    CHECK(y >= TYPE_ROW && x == y);
    call->whole.constant = call->args[0].constant;
    return cast_children(call, &call->args[0].col, call->args[0].constant ? 1 : call->rows, from, to,
                         try_cast, &call->whole.col);
}
