/* Types: their text, equality, and the common type of two. Rules follow Flink's LogicalTypeMerging
 * and Calcite's "least restrictive" (flink-table-common, LogicalTypeMerging.java). */
#include "data/type.h"

#include "base/buf.h"
#include "base/check.h"
#include "data/decimal.h"

static const struct {
    const char *name;
    enum phys phys;
    int32_t precision;
} kinds[TYPE_KINDS] = {
    [TYPE_NULL] = {"NULL", PHYS_NULL, 0},
    [TYPE_BOOLEAN] = {"BOOLEAN", PHYS_BOOL, 0},
    [TYPE_TINYINT] = {"TINYINT", PHYS_I32, 3},
    [TYPE_SMALLINT] = {"SMALLINT", PHYS_I32, 5},
    [TYPE_INT] = {"INT", PHYS_I32, 10},
    [TYPE_BIGINT] = {"BIGINT", PHYS_I64, 19},
    [TYPE_FLOAT] = {"FLOAT", PHYS_F32, 0},
    [TYPE_DOUBLE] = {"DOUBLE", PHYS_F64, 0},
    [TYPE_DECIMAL] = {"DECIMAL", PHYS_I128, 10},
    [TYPE_CHAR] = {"CHAR", PHYS_STR, 1},
    [TYPE_VARCHAR] = {"VARCHAR", PHYS_STR, TYPE_LENGTH_MAX},
    [TYPE_BINARY] = {"BINARY", PHYS_STR, 1},
    [TYPE_VARBINARY] = {"VARBINARY", PHYS_STR, TYPE_LENGTH_MAX},
    [TYPE_DATE] = {"DATE", PHYS_I32, 0},
    [TYPE_TIME] = {"TIME", PHYS_I64, 0},
    [TYPE_TIMESTAMP] = {"TIMESTAMP", PHYS_I64, 6},
    [TYPE_TIMESTAMP_LTZ] = {"TIMESTAMP_LTZ", PHYS_I64, 6},
    [TYPE_INTERVAL_MONTH] = {"INTERVAL YEAR TO MONTH", PHYS_I32, 0},
    [TYPE_INTERVAL_SECOND] = {"INTERVAL DAY TO SECOND", PHYS_I64, 0},
    [TYPE_ROW] = {"ROW", PHYS_ROW, 0},
    [TYPE_ARRAY] = {"ARRAY", PHYS_LIST, 0},
    [TYPE_MAP] = {"MAP", PHYS_LIST, 0},
    [TYPE_MULTISET] = {"MULTISET", PHYS_LIST, 0},
};

enum phys type_phys(enum type_kind kind)
{
    CHECK((unsigned)kind < TYPE_KINDS);
    return kinds[kind].phys;
}

size_t phys_size(enum phys phys)
{
    static const uint8_t sizes[] = {
        [PHYS_NULL] = 0, [PHYS_BOOL] = 1, [PHYS_I32] = 4,  [PHYS_I64] = 8, [PHYS_I128] = 16,
        [PHYS_F32] = 4,  [PHYS_F64] = 8,  [PHYS_STR] = 16, [PHYS_ROW] = 0, [PHYS_LIST] = 0,
    };
    return sizes[phys];
}

/* Whether the precision is part of what the type means. */
static bool has_precision(enum type_kind kind)
{
    return (kind >= TYPE_DECIMAL && kind <= TYPE_VARBINARY) ||
           (kind >= TYPE_TIME && kind <= TYPE_TIMESTAMP_LTZ);
}

bool type_equal(const struct type *a, const struct type *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->fields_count != b->fields_count)
        return false;
    if (has_precision(a->kind) && a->precision != b->precision)
        return false;
    if (a->kind == TYPE_DECIMAL && a->scale != b->scale)
        return false;
    for (uint16_t i = 0; i < a->fields_count; i++)
        if ((a->kind == TYPE_ROW && !bytes_equal(a->fields[i].name, b->fields[i].name)) ||
            !type_equal(a->fields[i].type, b->fields[i].type))
            return false;
    return true;
}

/* ---- text ---- */

static void print_type(struct buf *buf, const struct type *type);

static void print_fields(struct buf *buf, const struct type *type)
{
    buf_str(buf, kinds[type->kind].name);
    buf_str(buf, "<");
    uint16_t count = type->kind == TYPE_MULTISET ? 1 : type->fields_count; /* how often is not said */
    for (uint16_t i = 0; i < count; i++) {
        if (i)
            buf_str(buf, ", ");
        if (type->kind == TYPE_ROW)
            buf_printf(buf, "`%.*s` ", BYTES_FMT(type->fields[i].name));
        print_type(buf, type->fields[i].type);
    }
    buf_str(buf, ">");
}

static void print_type(struct buf *buf, const struct type *type)
{
    const char *name = kinds[type->kind].name;

    if (type->kind == TYPE_DECIMAL)
        buf_printf(buf, "DECIMAL(%d, %d)", type->precision, type->scale);
    else if (type->kind == TYPE_VARCHAR && type->precision == TYPE_LENGTH_MAX)
        buf_str(buf, "STRING");
    else if (type->kind == TYPE_VARBINARY && type->precision == TYPE_LENGTH_MAX)
        buf_str(buf, "BYTES");
    else if (has_precision(type->kind))
        buf_printf(buf, "%s(%d)", name, type->precision);
    else if (type->kind >= TYPE_ROW)
        print_fields(buf, type);
    else
        buf_str(buf, name);
    if (type->not_null)
        buf_str(buf, " NOT NULL");
}

const char *type_text(struct arena *arena, const struct type *type)
{
    struct buf buf;

    buf_init(&buf, 0);
    print_type(&buf, type);
    const char *text = arena_str(arena, buf_view(&buf));
    buf_deinit(&buf);
    return text;
}

/* ---- constructors ---- */

const struct type *type_simple(enum type_kind kind)
{
#define SIMPLE(k, p) [k] = {.kind = k, .precision = p}
    static const struct type types[TYPE_KINDS] = {
        SIMPLE(TYPE_NULL, 0),
        SIMPLE(TYPE_BOOLEAN, 0),
        SIMPLE(TYPE_TINYINT, 3),
        SIMPLE(TYPE_SMALLINT, 5),
        SIMPLE(TYPE_INT, 10),
        SIMPLE(TYPE_BIGINT, 19),
        SIMPLE(TYPE_FLOAT, 0),
        SIMPLE(TYPE_DOUBLE, 0),
        SIMPLE(TYPE_DECIMAL, 10),
        SIMPLE(TYPE_CHAR, 1),
        SIMPLE(TYPE_VARCHAR, TYPE_LENGTH_MAX),
        SIMPLE(TYPE_BINARY, 1),
        SIMPLE(TYPE_VARBINARY, TYPE_LENGTH_MAX),
        SIMPLE(TYPE_DATE, 0),
        SIMPLE(TYPE_TIME, 0),
        SIMPLE(TYPE_TIMESTAMP, 6),
        SIMPLE(TYPE_TIMESTAMP_LTZ, 6),
        SIMPLE(TYPE_INTERVAL_MONTH, 0),
        SIMPLE(TYPE_INTERVAL_SECOND, 0),
        SIMPLE(TYPE_ROW, 0),
        SIMPLE(TYPE_ARRAY, 0),
        SIMPLE(TYPE_MAP, 0),
        SIMPLE(TYPE_MULTISET, 0),
    };
#undef SIMPLE
    CHECK((unsigned)kind < TYPE_KINDS);
    return &types[kind];
}

const struct type *type_make(struct arena *arena, enum type_kind kind, int32_t precision,
                             int32_t scale)
{
    struct type *type = ARENA_NEW(arena, struct type);

    *type = *type_simple(kind);
    if (has_precision(kind))
        type->precision = precision;
    if (kind == TYPE_DECIMAL)
        type->scale = scale;
    return type;
}

const struct type *type_row(struct arena *arena, const struct type_field *fields, uint16_t count)
{
    struct type *type = ARENA_NEW(arena, struct type);

    type->kind = TYPE_ROW;
    type->fields = fields;
    type->fields_count = count;
    return type;
}

const struct type *type_not_null(struct arena *arena, const struct type *type, bool not_null)
{
    if (type->not_null == not_null)
        return type;
    struct type *copy = ARENA_NEW(arena, struct type);
    *copy = *type;
    copy->not_null = not_null;
    return copy;
}

const struct type *type_copy(struct arena *arena, const struct type *type)
{
    struct type *copy = ARENA_NEW(arena, struct type);
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, type->fields_count);

    *copy = *type;
    for (uint16_t i = 0; i < type->fields_count; i++) {
        fields[i].name = arena_copy(arena, type->fields[i].name);
        fields[i].comment = arena_copy(arena, type->fields[i].comment);
        fields[i].type = type_copy(arena, type->fields[i].type);
    }
    copy->fields = type->fields_count ? fields : NULL;
    return copy;
}

bool type_is_integer(enum type_kind kind)
{
    return kind >= TYPE_TINYINT && kind <= TYPE_BIGINT;
}

bool type_is_numeric(enum type_kind kind)
{
    return kind >= TYPE_TINYINT && kind <= TYPE_DECIMAL;
}

bool type_is_text(enum type_kind kind)
{
    return kind == TYPE_CHAR || kind == TYPE_VARCHAR;
}

bool type_is_map(enum type_kind kind)
{
    return kind == TYPE_MAP || kind == TYPE_MULTISET;
}

bool type_is_time_point(enum type_kind kind)
{
    return kind == TYPE_TIMESTAMP || kind == TYPE_TIMESTAMP_LTZ;
}

const struct type *type_list(struct arena *arena, enum type_kind kind, const struct type *first,
                             const struct type *second)
{
    struct type *type = ARENA_NEW(arena, struct type);
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, 2);

    if (kind == TYPE_MULTISET)
        second = type_not_null(arena, type_simple(TYPE_INT), true);
    fields[0].type = first;
    fields[1].type = second;
    *type = *type_simple(kind);
    type->fields = fields;
    type->fields_count = second ? 2 : 1;
    return type;
}

/* ---- the common type ---- */

static int32_t max_i32(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static const struct type *common_decimal(struct arena *arena, const struct type *a,
                                         const struct type *b)
{
    struct decimal_type x = decimal_type_of(a), y = decimal_type_of(b);
    int32_t scale = max_i32(x.scale, y.scale);
    int32_t whole = max_i32(x.precision - x.scale, y.precision - y.scale);
    struct decimal_type r = decimal_adjust(whole + scale, scale);

    return type_make(arena, TYPE_DECIMAL, r.precision, r.scale);
}

static const struct type *common_numeric(struct arena *arena, const struct type *a,
                                         const struct type *b)
{
    enum type_kind x = a->kind, y = b->kind;

    if ((x == TYPE_FLOAT && y == TYPE_DOUBLE) || (x == TYPE_DOUBLE && y == TYPE_FLOAT))
        return a; /* Flink's rule: of two that are not exact, the first */
    if (x == TYPE_DOUBLE || y == TYPE_DOUBLE)
        return type_simple(TYPE_DOUBLE);
    if (x == TYPE_FLOAT || y == TYPE_FLOAT)
        return type_simple(x == TYPE_DECIMAL || y == TYPE_DECIMAL ? TYPE_DOUBLE : TYPE_FLOAT);
    if (x == TYPE_DECIMAL || y == TYPE_DECIMAL)
        return common_decimal(arena, a, b);
    return type_simple(x > y ? x : y);
}

static const struct type *common_fields(struct arena *arena, const struct type *a,
                                        const struct type *b)
{
    if (a->kind != b->kind || a->fields_count != b->fields_count)
        return NULL;
    struct type *out = ARENA_NEW(arena, struct type);
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, a->fields_count);
    *out = *a;
    for (uint16_t i = 0; i < a->fields_count; i++) {
        fields[i] = a->fields[i];
        fields[i].type = type_common(arena, a->fields[i].type, b->fields[i].type);
        if (!fields[i].type)
            return NULL;
    }
    out->fields = fields;
    return out;
}

static bool is_binary(enum type_kind kind)
{
    return kind == TYPE_BINARY || kind == TYPE_VARBINARY;
}

static const struct type *common_kinds(struct arena *arena, const struct type *a,
                                       const struct type *b)
{
    enum type_kind x = a->kind, y = b->kind;

    if (x == TYPE_NULL)
        return b;
    if (y == TYPE_NULL || (x < TYPE_ROW && type_equal(a, b)))
        return a; /* what has fields may differ in which of them are NOT NULL */
    if (type_is_numeric(x) && type_is_numeric(y))
        return common_numeric(arena, a, b);
    if ((type_is_text(x) && type_is_text(y)) || (is_binary(x) && is_binary(y))) {
        bool same = x == y && (x == TYPE_VARCHAR || x == TYPE_VARBINARY || a->precision == b->precision);
        enum type_kind wide = type_is_text(x) ? TYPE_VARCHAR : TYPE_VARBINARY;
        return type_make(arena, same ? x : wide, max_i32(a->precision, b->precision), 0);
    }
    if (type_is_time_point(x) && type_is_time_point(y))
        return type_make(arena, x == y ? x : TYPE_TIMESTAMP_LTZ, max_i32(a->precision, b->precision),
                         0);
    if (x == TYPE_DATE && type_is_time_point(y))
        return b;
    if (y == TYPE_DATE && type_is_time_point(x))
        return a;
    if (x == TYPE_TIME && y == TYPE_TIME)
        return a->precision > b->precision ? a : b;
    if (x >= TYPE_ROW)
        return common_fields(arena, a, b);
    return NULL;
}

const struct type *type_common(struct arena *arena, const struct type *a, const struct type *b)
{
    const struct type *type = common_kinds(arena, a, b);

    return type ? type_not_null(arena, type, a->not_null && b->not_null) : NULL;
}
