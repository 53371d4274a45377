/* Types as they are written. */
#include "base/suggest.h"
#include "sql/parser.h"

static struct type *type_new(struct parser *p, enum type_kind kind)
{
    struct type *type = ARENA_NEW(p->arena, struct type);

    type->kind = kind;
    return type;
}

/* '(' integer ')', or what is the default */
static int32_t parse_length(struct parser *p, int32_t otherwise, int32_t low, int32_t high,
                            const char *what)
{
    if (!accept_sign(p, "("))
        return otherwise;
    const struct token *at = p->at;
    int64_t value = expect_integer(p, "a length");
    if (!p->failed && (value < low || value > high))
        parser_error(p, at, DIAG_VALUE, "the %s must be from %d to %d", what, low, high);
    expect_sign(p, ")");
    return (int32_t)value;
}

/* decimal -> DECIMAL [ '(' p [ ',' s ] ')' ] */
static const struct type *parse_decimal(struct parser *p)
{
    struct type *type = type_new(p, TYPE_DECIMAL);

    type->precision = 10;
    if (!accept_sign(p, "("))
        return type;
    const struct token *at = p->at;
    int64_t precision = expect_integer(p, "a precision"), scale = 0;
    if (accept_sign(p, ","))
        scale = expect_integer(p, "a scale");
    if (!p->failed && (precision < 1 || precision > TYPE_DECIMAL_MAX || scale > precision))
        parser_error(p, at, DIAG_VALUE,
                     "DECIMAL(p, s) needs 1 <= p <= %d and 0 <= s <= p", TYPE_DECIMAL_MAX);
    expect_sign(p, ")");
    type->precision = (int32_t)precision;
    type->scale = (int32_t)scale;
    return type;
}

static int32_t parse_time_precision(struct parser *p, int32_t otherwise)
{
    if (!accept_sign(p, "("))
        return otherwise;
    const struct token *at = p->at;
    int64_t value = expect_integer(p, "a precision");
    if (!p->failed && value >= 7 && value <= 9)
        parser_unsupported(p, at, "a time precision of 7 to 9 (finer than microseconds)");
    if (!p->failed && value > TYPE_TIME_PRECISION_MAX)
        parser_error(p, at, DIAG_VALUE, "the precision must be from 0 to 6");
    expect_sign(p, ")");
    return (int32_t)value;
}

/* timestamp -> TIMESTAMP [ '(' p ')' ] [ WITHOUT TIME ZONE | WITH LOCAL TIME ZONE ] */
static const struct type *parse_timestamp(struct parser *p, bool local)
{
    struct type *type = type_new(p, local ? TYPE_TIMESTAMP_LTZ : TYPE_TIMESTAMP);

    type->precision = parse_time_precision(p, 6);
    if (local)
        return type;
    const struct token *at = p->at;
    if (is_word(p->at, "WITHOUT") || (is_word(p->at, "WITH") && (is_word(p->at + 1, "LOCAL") ||
                                                                 is_word(p->at + 1, "TIME")))) {
        bool with = is_word(parser_next(p), "WITH");
        bool is_local = with && accept_word(p, "LOCAL");
        expect_word(p, "TIME");
        expect_word(p, "ZONE");
        if (with && !is_local)
            return parser_unsupported(p, at, "TIMESTAMP WITH TIME ZONE");
        if (is_local)
            type->kind = TYPE_TIMESTAMP_LTZ;
    }
    return type;
}

/* row -> ROW ( '<' | '(' ) [ field { ',' field } ] ( '>' | ')' ),  field -> name type [ 'comment' ] */
static const struct type *parse_row(struct parser *p)
{
    struct type *type = type_new(p, TYPE_ROW);
    struct list fields = {0};

    if (is_sign(p->at, "<>")) {
        parser_next(p);
        return type;
    }
    bool angle = accept_sign(p, "<");
    if (!angle)
        expect_sign(p, "(");
    do {
        struct type_field *field = LIST_ADD(p, &fields, struct type_field);
        field->name = expect_name(p, "a field's name");
        field->type = parse_type(p);
        if (p->at->kind == TOKEN_STRING)
            field->comment = parser_next(p)->value;
    } while (!p->failed && accept_sign(p, ","));
    expect_sign(p, angle ? ">" : ")");
    type->fields = fields.items;
    type->fields_count = (uint16_t)fields.count;
    return type;
}

/* element types of ARRAY<t>, MAP<k, v> */
static const struct type *parse_list_type(struct parser *p, enum type_kind kind, uint16_t count)
{
    struct type *type = type_new(p, kind);
    struct type_field *fields = ARENA_ARRAY(p->arena, struct type_field, count);

    expect_sign(p, "<");
    for (uint16_t i = 0; i < count && !p->failed; i++) {
        if (i > 0)
            expect_sign(p, ",");
        fields[i].type = parse_type(p);
    }
    expect_sign(p, ">");
    type->fields = fields;
    type->fields_count = count;
    return type;
}

/* multiset -> MULTISET '<' type '>' */
static const struct type *parse_multiset(struct parser *p)
{
    const struct type *of = parse_list_type(p, TYPE_MULTISET, 1);

    return p->failed ? NULL : type_list(p->arena, TYPE_MULTISET, of->fields[0].type, NULL);
}

static const struct type *parse_interval_type(struct parser *p)
{
    const char *unit = parse_time_unit(p);
    if (!unit)
        return NULL;
    parse_length(p, 2, 0, 9, "precision");
    bool months = strcmp(unit, "YEAR") == 0 || strcmp(unit, "MONTH") == 0;
    if (accept_word(p, "TO")) {
        parse_time_unit(p);
        parse_length(p, 6, 0, 9, "precision");
    }
    struct type *type = type_new(p, months ? TYPE_INTERVAL_MONTH : TYPE_INTERVAL_SECOND);
    type->precision = months ? 0 : 3;
    return type;
}

struct type_word {
    const char *word;
    enum type_kind kind;
};

static const struct type_word plain_types[] = {
    {"BOOLEAN", TYPE_BOOLEAN}, {"TINYINT", TYPE_TINYINT}, {"SMALLINT", TYPE_SMALLINT},
    {"INT", TYPE_INT},         {"INTEGER", TYPE_INT},     {"BIGINT", TYPE_BIGINT},
    {"FLOAT", TYPE_FLOAT},     {"DATE", TYPE_DATE},
};

static const char *const type_names[] = {
    "BOOLEAN",   "TINYINT",       "SMALLINT", "INT",    "INTEGER", "BIGINT",    "FLOAT",    "DOUBLE", "DECIMAL",
    "NUMERIC",   "CHAR",          "VARCHAR",  "STRING", "BINARY",  "VARBINARY", "BYTES",    "DATE",   "TIME",
    "TIMESTAMP", "TIMESTAMP_LTZ", "INTERVAL", "ROW",    "ARRAY",   "MAP",       "MULTISET",
};

static const struct type *parse_text_type(struct parser *p, enum type_kind kind, int32_t otherwise)
{
    int32_t length = parse_length(p, otherwise, 1, TYPE_LENGTH_MAX, "length");
    struct type *type = type_new(p, kind);

    type->precision = length;
    return type;
}

/* base type -> one of the words below with its parameters */
static const struct type *parse_base_type(struct parser *p)
{
    const struct token *at = p->at;

    if (at->kind != TOKEN_WORD) {
        parser_want(p, "a type");
        return parser_unexpected(p);
    }
    parser_next(p);
    for (size_t i = 0; i < sizeof(plain_types) / sizeof(plain_types[0]); i++) {
        if (is_word(at, plain_types[i].word))
            return type_new(p, plain_types[i].kind);
    }
    if (is_word(at, "DOUBLE")) {
        if (is_word(p->at, "PRECISION"))
            parser_next(p);
        return type_new(p, TYPE_DOUBLE);
    }
    if (is_word(at, "DECIMAL") || is_word(at, "NUMERIC") || is_word(at, "DEC"))
        return parse_decimal(p);
    if (is_word(at, "CHAR") || is_word(at, "CHARACTER"))
        return parse_text_type(p, TYPE_CHAR, 1);
    if (is_word(at, "VARCHAR")) /* Flink's documentation says 1; its planner takes the maximum */
        return parse_text_type(p, TYPE_VARCHAR, TYPE_LENGTH_MAX);
    if (is_word(at, "STRING"))
        return parse_text_type(p, TYPE_VARCHAR, TYPE_LENGTH_MAX);
    if (is_word(at, "BINARY"))
        return parse_text_type(p, TYPE_BINARY, 1);
    if (is_word(at, "VARBINARY") || is_word(at, "BYTES"))
        return parse_text_type(p, TYPE_VARBINARY, TYPE_LENGTH_MAX);
    if (is_word(at, "TIME")) {
        struct type *type = type_new(p, TYPE_TIME);
        type->precision = parse_time_precision(p, 0);
        return type;
    }
    if (is_word(at, "TIMESTAMP"))
        return parse_timestamp(p, false);
    if (is_word(at, "TIMESTAMP_LTZ"))
        return parse_timestamp(p, true);
    if (is_word(at, "INTERVAL"))
        return parse_interval_type(p);
    if (is_word(at, "ROW"))
        return parse_row(p);
    if (is_word(at, "ARRAY"))
        return parse_list_type(p, TYPE_ARRAY, 1);
    if (is_word(at, "MAP"))
        return parse_list_type(p, TYPE_MAP, 2);
    if (is_word(at, "MULTISET"))
        return parse_multiset(p);
    if (is_word(at, "RAW"))
        return parser_unsupported(p, at, "the type RAW");
    if (is_word(at, "VARIANT"))
        return parser_unsupported(p, at, "the type VARIANT");
    const char *near_name = suggest(at->text, type_names, sizeof(type_names) / sizeof(type_names[0]));
    parser_error(p, at, DIAG_NAME, "there is no type `%.*s`", BYTES_FMT(bytes_head(at->text, 60)));
    if (near_name && p->diag)
        diag_hint(p->diag, "did you mean `%s`?", near_name);
    return NULL;
}

/* type -> base { ARRAY } [ [ NOT ] NULL ] */
const struct type *parse_type(struct parser *p)
{
    if (!parser_enter(p))
        return NULL;
    if (++p->type_depth > TYPE_DEPTH_MAX)
        return parser_error(p, p->at, DIAG_LIMIT, "a type may be nested %d deep", TYPE_DEPTH_MAX);
    const struct type *type = parse_base_type(p);
    while (!p->failed && is_word(p->at, "ARRAY")) {
        parser_next(p);
        struct type *array = type_new(p, TYPE_ARRAY);
        struct type_field *field = ARENA_NEW(p->arena, struct type_field);
        field->type = type;
        array->fields = field;
        array->fields_count = 1;
        type = array;
    }
    if (!p->failed && is_word(p->at, "NOT") && is_word(p->at + 1, "NULL")) {
        p->at += 2;
        struct type *copy = type_new(p, type->kind);
        *copy = *type;
        copy->not_null = true;
        type = copy;
    } else if (!p->failed && is_word(p->at, "NULL")) {
        parser_next(p);
    }
    p->type_depth--;
    parser_leave(p);
    return p->failed ? NULL : type;
}
