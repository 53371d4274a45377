/* Forms with words between their arguments, intervals and date literals. */
#include "sql/parser.h"

static const char *const units[] = {"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE",
                                    "SECOND", "MILLISECOND", "MICROSECOND", "NANOSECOND", "EPOCH",
                                    "DOY", "DOW", "ISODOW", "ISOYEAR", "DECADE", "CENTURY",
                                    "MILLENNIUM"};
enum { UNITS_COUNT = sizeof(units) / sizeof(units[0]) };

static const char *unit_of(const struct token *t)
{
    if (t->kind != TOKEN_WORD)
        return NULL;
    for (size_t i = 0; i < UNITS_COUNT; i++) {
        size_t len = strlen(units[i]);
        if (bytes_is_nocase(t->text, units[i]))
            return units[i];
        if (t->text.len == len + 1 && (t->text.ptr[len] | 0x20) == 's' &&
            bytes_is_nocase(bytes_head(t->text, len), units[i]))
            return units[i];
    }
    /* JDBC's spelling in TIMESTAMPADD */
    if (t->text.len > 8 && bytes_is_nocase(bytes_head(t->text, 8), "SQL_TSI_")) {
        for (size_t i = 0; i < UNITS_COUNT; i++) {
            if (bytes_is_nocase(bytes_skip(t->text, 8), units[i]))
                return units[i];
        }
    }
    return NULL;
}

bool at_time_unit(const struct token *t)
{
    return unit_of(t) != NULL;
}

const char *parse_time_unit(struct parser *p)
{
    const char *unit = unit_of(p->at);

    if (unit) {
        parser_next(p);
        return unit;
    }
    parser_want(p, "a time unit such as SECOND, MINUTE, HOUR, DAY, MONTH");
    return parser_unexpected(p);
}

/* ---- intervals ---- */

enum { US = 1000000 };

struct interval_reader {
    struct bytes text;
    size_t at;
    bool bad;
};

static int64_t read_number(struct interval_reader *r)
{
    int64_t value = 0;
    size_t start = r->at;

    while (r->at < r->text.len && r->text.ptr[r->at] >= '0' && r->text.ptr[r->at] <= '9') {
        value = value * 10 + (r->text.ptr[r->at++] - '0');
        if (value > 1000000000000)
            r->bad = true, value = 0;
    }
    r->bad |= r->at == start;
    return value;
}

static bool read_char(struct interval_reader *r, char c)
{
    if (r->at < r->text.len && r->text.ptr[r->at] == (uint8_t)c) {
        r->at++;
        return true;
    }
    return false;
}

static int64_t read_seconds(struct interval_reader *r)
{
    int64_t us = read_number(r) * US;

    if (read_char(r, '.')) {
        int64_t unit = US / 10;
        size_t start = r->at;
        while (r->at < r->text.len && r->text.ptr[r->at] >= '0' && r->text.ptr[r->at] <= '9') {
            us += (r->text.ptr[r->at++] - '0') * unit;
            unit /= 10;
        }
        r->bad |= r->at == start;
    }
    return us;
}

/* The rank of a unit in the chain DAY, HOUR, MINUTE, SECOND; -1: none. */
static int chain(const char *unit)
{
    static const char *const names[] = {"DAY", "HOUR", "MINUTE", "SECOND"};

    for (int i = 0; i < 4; i++) {
        if (strcmp(unit, names[i]) == 0)
            return i;
    }
    return -1;
}

static const int64_t chain_us[] = {86400LL * US, 3600LL * US, 60LL * US, US};

/* 'd hh:mm:ss.fff' from unit `from` to unit `to` */
static int64_t read_day_time(struct interval_reader *r, int from, int to)
{
    int64_t us = 0;

    for (int i = from; i <= to && !r->bad; i++) {
        if (i > from && !read_char(r, i == 1 ? ' ' : ':'))
            r->bad = true;
        us += i == 3 ? read_seconds(r) : read_number(r) * chain_us[i];
    }
    return us;
}

static int64_t read_interval(struct interval_reader *r, const char *unit, const char *to,
                             bool *months)
{
    int from = chain(unit);

    *months = strcmp(unit, "YEAR") == 0 || strcmp(unit, "MONTH") == 0 || strcmp(unit, "QUARTER") == 0;
    if (*months) {
        int64_t n = read_number(r) * (*unit == 'Y' ? 12 : *unit == 'Q' ? 3 : 1);
        if (to) {
            r->bad |= !read_char(r, '-');
            n += read_number(r);
        }
        return n;
    }
    if (strcmp(unit, "WEEK") == 0)
        return read_number(r) * 7 * chain_us[0];
    if (strcmp(unit, "MILLISECOND") == 0)
        return read_number(r) * 1000;
    if (strcmp(unit, "MICROSECOND") == 0)
        return read_number(r);
    if (from < 0) {
        r->bad = true;
        return 0;
    }
    return read_day_time(r, from, to ? chain(to) : from);
}

/* interval -> INTERVAL [ '-' | '+' ] text unit [ '(' n ')' ] [ TO unit [ '(' n ')' ] ] */
struct ast_expr *parse_interval(struct parser *p)
{
    struct ast_expr *e = ast_new(p, AST_INTERVAL, parser_next(p));
    bool negative = false;
    struct type *type = ARENA_NEW(p->arena, struct type);

    if (is_sign(p->at, "-") || is_sign(p->at, "+"))
        negative = is_sign(parser_next(p), "-");
    const struct token *text_at = p->at;
    if (p->at->kind == TOKEN_INTEGER) {
        parser_error(p, p->at, DIAG_SYNTAX, "the amount of an INTERVAL is a text");
        diag_hint(p->diag, "write INTERVAL '%.*s' …", BYTES_FMT(bytes_head(text_at->text, 40)));
        return NULL;
    }
    struct bytes text = expect_string(p, "a text such as '10'");
    const char *unit = parse_time_unit(p), *to = NULL;
    if (accept_sign(p, "(")) {
        expect_integer(p, "a precision");
        if (accept_sign(p, ","))
            expect_integer(p, "a precision");
        expect_sign(p, ")");
    }
    if (!p->failed && is_word(p->at, "TO")) {
        parser_next(p);
        to = parse_time_unit(p);
        if (accept_sign(p, "(")) {
            expect_integer(p, "a precision");
            expect_sign(p, ")");
        }
    }
    if (p->failed)
        return NULL;
    struct interval_reader r = {.text = text};
    while (read_char(&r, ' '))
        ;
    if (read_char(&r, '-'))
        negative = !negative;
    else
        read_char(&r, '+');
    bool months = false, fits = !to || (strcmp(unit, "YEAR") == 0 && strcmp(to, "MONTH") == 0) ||
                                (chain(unit) >= 0 && chain(to) > chain(unit));
    if (!fits)
        return parser_error(p, text_at, DIAG_VALUE, "there is no interval %s TO %s", unit, to);
    int64_t value = read_interval(&r, unit, to, &months);
    while (read_char(&r, ' '))
        ;
    if (r.bad || r.at != text.len) {
        parser_error(p, text_at, DIAG_VALUE, "'%.*s' is not an interval of %s%s%s",
                     BYTES_FMT(bytes_head(text, 40)), unit, to ? " TO " : "", to ? to : "");
        diag_hint(p->diag, "such as INTERVAL '10' SECOND, '1-2' YEAR TO MONTH, '1 02:03' DAY TO MINUTE");
        return NULL;
    }
    if (value > INT64_C(100000000) * 86400 * US || (months && value > INT32_MAX / 2))
        return parser_error(p, text_at, DIAG_VALUE, "this interval is too long");
    type->kind = months ? TYPE_INTERVAL_MONTH : TYPE_INTERVAL_SECOND;
    type->precision = months ? 0 : 3;
    type->not_null = true;
    e->type = type;
    e->value = negative ? -value : value;
    return ast_finish(p, e);
}

/* ---- DATE '…', TIME '…', TIMESTAMP '…' ---- */

static struct ast_expr *parse_datetime(struct parser *p, enum type_kind kind)
{
    struct ast_expr *e = ast_new(p, AST_DATETIME, parser_next(p));
    struct type *type = ARENA_NEW(p->arena, struct type);

    e->name = parser_next(p)->value;
    size_t dot = bytes_find(e->name, '.', 0);
    type->kind = kind;
    type->precision = kind == TYPE_DATE || dot == e->name.len ? 0
                                                              : (int32_t)(e->name.len - dot - 1);
    type->not_null = true;
    if (type->precision > TYPE_TIME_PRECISION_MAX)
        return parser_unsupported(p, e->at + 1, "a time finer than microseconds");
    e->type = type;
    return ast_finish(p, e);
}

/* ---- forms ---- */

static struct ast_expr *unit_arg(struct parser *p)
{
    const struct token *at = p->at;
    const char *unit = parse_time_unit(p);
    struct ast_expr *e = ast_new(p, AST_UNIT, at);

    if (unit)
        e->name = bytes_str(unit);
    return ast_finish(p, e);
}

/* cast -> ( CAST | TRY_CAST ) '(' expr AS type ')' */
static struct ast_expr *parse_cast(struct parser *p, bool try_cast)
{
    struct ast_expr *e = ast_new(p, AST_CAST, parser_next(p));

    e->try_cast = try_cast;
    expect_sign(p, "(");
    e->args = ARENA_ARRAY(p->arena, struct ast_expr *, 1);
    e->args[0] = parse_expr(p);
    e->args_count = 1;
    expect_word(p, "AS");
    e->type = parse_type(p);
    expect_sign(p, ")");
    return ast_finish(p, e);
}

/* extract -> EXTRACT '(' unit FROM expr ')' */
static struct ast_expr *parse_extract(struct parser *p)
{
    const struct token *at = parser_next(p);
    struct ast_expr **args = ARENA_ARRAY(p->arena, struct ast_expr *, 2);

    expect_sign(p, "(");
    args[0] = unit_arg(p);
    expect_word(p, "FROM");
    args[1] = parse_expr(p);
    expect_sign(p, ")");
    return p->failed ? NULL : ast_call(p, at, "EXTRACT", args, 2);
}

/* position -> POSITION '(' sum IN expr ')' */
static struct ast_expr *parse_position(struct parser *p)
{
    const struct token *at = parser_next(p);
    struct ast_expr **args = ARENA_ARRAY(p->arena, struct ast_expr *, 2);

    expect_sign(p, "(");
    args[0] = parse_primary(p);
    expect_word(p, "IN");
    args[1] = parse_expr(p);
    expect_sign(p, ")");
    return p->failed ? NULL : ast_call(p, at, "POSITION", args, 2);
}

/* substring -> SUBSTRING '(' expr ( FROM expr [ FOR expr ] | ',' expr [ ',' expr ] ) ')'
 * overlay -> OVERLAY '(' expr PLACING expr FROM expr [ FOR expr ] ')' */
static struct ast_expr *parse_substring(struct parser *p, bool overlay)
{
    const struct token *at = parser_next(p);
    struct ast_expr **args = ARENA_ARRAY(p->arena, struct ast_expr *, 4);
    uint16_t count = 0;

    expect_sign(p, "(");
    args[count++] = parse_expr(p);
    bool words = !accept_sign(p, ",");
    if (overlay) {
        if (words)
            expect_word(p, "PLACING");
        args[count++] = parse_expr(p);
        if (!words)
            expect_sign(p, ",");
    }
    if (words)
        expect_word(p, "FROM");
    args[count++] = parse_expr(p);
    if (words ? accept_word(p, "FOR") : accept_sign(p, ","))
        args[count++] = parse_expr(p);
    expect_sign(p, ")");
    return p->failed ? NULL
                     : ast_call(p, at, overlay ? "OVERLAY" : "SUBSTRING", args, count);
}

/* trim -> TRIM '(' [ [ BOTH | LEADING | TRAILING ] [ expr ] FROM ] expr ')'
 * As a call: TRIM, LTRIM or RTRIM (text [, characters]). */
static struct ast_expr *parse_trim(struct parser *p)
{
    static const char *const sides[] = {"BOTH", "LEADING", "TRAILING"};
    static const char *const names[] = {"TRIM", "LTRIM", "RTRIM"};
    const struct token *at = parser_next(p);
    struct ast_expr **args = ARENA_ARRAY(p->arena, struct ast_expr *, 2);
    size_t side = 0;
    bool sided = false;

    expect_sign(p, "(");
    for (size_t i = 0; i < 3 && !sided; i++) {
        if (!is_word(p->at, sides[i]))
            continue;
        side = i;
        sided = (parser_next(p), true);
    }
    if (!is_word(p->at, "FROM"))
        args[1] = parse_expr(p);
    if (sided ? expect_word(p, "FROM") : accept_word(p, "FROM")) {
        args[0] = parse_expr(p);
        expect_sign(p, ")");
        return p->failed ? NULL : ast_call(p, at, names[side], args, args[1] ? 2 : 1);
    }
    args[0] = args[1];
    bool characters = accept_sign(p, ",");
    if (characters)
        args[1] = parse_expr(p);
    expect_sign(p, ")");
    return p->failed ? NULL : ast_call(p, at, "TRIM", args, characters ? 2 : 1);
}

/* rounding -> ( CEIL | CEILING | FLOOR ) '(' expr [ TO unit ] ')' */
static struct ast_expr *parse_rounding(struct parser *p, const char *name)
{
    const struct token *at = parser_next(p);
    struct ast_expr **args = ARENA_ARRAY(p->arena, struct ast_expr *, 2);
    uint16_t count = 1;

    expect_sign(p, "(");
    args[0] = parse_expr(p);
    if (accept_word(p, "TO"))
        args[count++] = unit_arg(p);
    expect_sign(p, ")");
    return p->failed ? NULL : ast_call(p, at, name, args, count);
}

/* TIMESTAMPADD '(' unit ',' n ',' t ')',  TIMESTAMPDIFF '(' unit ',' from ',' to ')' */
static struct ast_expr *parse_timestamp_math(struct parser *p, const char *name)
{
    const struct token *at = parser_next(p);
    struct ast_expr **args = ARENA_ARRAY(p->arena, struct ast_expr *, 3);

    expect_sign(p, "(");
    args[0] = unit_arg(p);
    for (int i = 1; i < 3 && !p->failed; i++) {
        expect_sign(p, ",");
        args[i] = parse_expr(p);
    }
    expect_sign(p, ")");
    return p->failed ? NULL : ast_call(p, at, name, args, 3);
}

static struct ast_expr *parse_special_call(struct parser *p)
{
    const struct token *t = p->at;

    if (is_word(t, "CAST"))
        return parse_cast(p, false);
    if (is_word(t, "TRY_CAST"))
        return parse_cast(p, true);
    if (is_word(t, "EXTRACT"))
        return parse_extract(p);
    if (is_word(t, "POSITION"))
        return parse_position(p);
    if (is_word(t, "SUBSTRING"))
        return parse_substring(p, false);
    if (is_word(t, "OVERLAY"))
        return parse_substring(p, true);
    if (is_word(t, "TRIM"))
        return parse_trim(p);
    if (is_word(t, "CEIL") || is_word(t, "CEILING"))
        return parse_rounding(p, "CEIL");
    if (is_word(t, "FLOOR"))
        return parse_rounding(p, "FLOOR");
    if (is_word(t, "TIMESTAMPADD"))
        return parse_timestamp_math(p, "TIMESTAMPADD");
    if (is_word(t, "TIMESTAMPDIFF"))
        return parse_timestamp_math(p, "TIMESTAMPDIFF");
    return parse_json_call(p);
}

struct ast_expr *parse_special(struct parser *p)
{
    static const char *const bare_calls[] = {"CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME",
                                             "LOCALTIME", "LOCALTIMESTAMP"};
    const struct token *t = p->at;

    if (t->kind != TOKEN_WORD)
        return NULL;
    if (t[1].kind == TOKEN_STRING) {
        if (is_word(t, "DATE"))
            return parse_datetime(p, TYPE_DATE);
        if (is_word(t, "TIME"))
            return parse_datetime(p, TYPE_TIME);
        if (is_word(t, "TIMESTAMP"))
            return parse_datetime(p, TYPE_TIMESTAMP);
        if (is_word(t, "X"))
            return parser_unsupported(p, t, "a binary literal X'…'");
    }
    for (size_t i = 0; i < sizeof(bare_calls) / sizeof(bare_calls[0]); i++) {
        if (is_word(t, bare_calls[i]) && !is_sign(t + 1, "(") && !is_sign(t + 1, ".")) {
            parser_next(p);
            return ast_call(p, t, bare_calls[i], NULL, 0);
        }
    }
    return is_sign(t + 1, "(") ? parse_special_call(p) : NULL;
}
