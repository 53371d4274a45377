/* The table of functions, and the binding of a call: the entry, the casts of its arguments, the type
 * of its result, and folding of what is constant. The families' entries are in func_*.c. */
#include "data/func.h"

#include "base/check.h"
#include "data/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct func *const tables[] = {
    func_compare_table,    func_logic_table,   func_math_table, func_number_table,
    func_text_table,       func_pattern_table, func_time_table, func_hash_table,
    func_collection_table, func_array_table,   func_json_table, func_encode_table,
    func_zone_table,       func_url_table,     func_kept_table,
    func_printf_table,
};

/* ---- finding ---- */

const struct func *func_find(struct bytes name)
{
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
        for (const struct func *f = tables[t]; f->name; f++)
            if (bytes_is_nocase(name, f->name))
                return f;
    return NULL;
}

bool func_exists(struct bytes name)
{
    return func_find(name) != NULL;
}

const char *func_name(const struct func *func)
{
    return func->name;
}

const struct func_info *func_info(unsigned i)
{
    static _Thread_local struct func_info info;

    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
        for (const struct func *f = tables[t]; f->name; f++)
            if (f->name[0] != '$' && i-- == 0) { /* those with $ have no name in SQL */
                info = (struct func_info){f->name, f->signature, f->help};
                return &info;
            }
    return NULL;
}

/* Levenshtein distance of short names, letters without case. */
static unsigned distance(struct bytes a, const char *b)
{
    enum { MAX = 40 };
    unsigned row[MAX + 1], b_len = (unsigned)strlen(b);

    if (a.len > MAX || b_len > MAX)
        return MAX;
    for (unsigned j = 0; j <= b_len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b_len; j++) {
            bool same = (a.ptr[i - 1] | 32) == ((uint8_t)b[j - 1] | 32);
            unsigned cost = diagonal + !same;
            diagonal = row[j];
            if (row[j] + 1 < cost)
                cost = row[j] + 1;
            if (row[j - 1] + 1 < cost)
                cost = row[j - 1] + 1;
            row[j] = cost;
        }
    }
    return row[b_len];
}

static void suggest(struct bytes name, struct diag *diag)
{
    const char *best = NULL;
    unsigned best_distance = 1 + (unsigned)name.len / 3;

    for (unsigned i = 0;; i++) {
        const struct func_info *info = func_info(i);
        if (!info)
            break;
        unsigned d = distance(name, info->name);
        if (d <= best_distance) {
            best_distance = d > 0 ? d - 1 : 0;
            best = info->name;
        }
    }
    if (best)
        diag_hint(diag, "did you mean %s?", best);
}

/* ---- helpers of hooks ---- */

bool bind_fail(struct bind *b, const char *format, ...)
{
    char message[300];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    diag_set(b->diag, ST_INVALID, DIAG_TYPE, "%s: %s", b->func->name, message);
    return false;
}

const struct type *bind_type(const struct bind *b, unsigned arg)
{
    return b->args[arg]->type;
}

bool bind_any_null(const struct bind *b)
{
    for (uint16_t i = 0; i < b->args_count; i++)
        if (!b->args[i]->type->not_null)
            return true;
    return false;
}

bool bind_literal(const struct bind *b, unsigned arg, struct bytes *out)
{
    const struct expr *e = b->args[arg];

    if (e->kind != EXPR_LITERAL || e->is_null || type_phys(e->type->kind) != PHYS_STR)
        return false;
    *out = bytes_of(e->value.str.ptr, e->value.str.len);
    return true;
}

static bool put_cast(struct bind *b, unsigned arg, const struct type *type, bool implicit)
{
    const struct expr *cast = NULL;
    struct diag why = {0};

    if (!implicit || cast_exists(b->args[arg]->type, type, true) || b->args[arg]->is_null)
        cast = func_cast(b->arena, b->args[arg], type, false, false, &why);
    if (!cast) {
        const char *got = type_text(b->arena, type_not_null(b->arena, b->args[arg]->type, false));
        const char *want = type_text(b->arena, type_not_null(b->arena, type, false));
        return bind_fail(b, "argument %u is %s, expected %s%s%s", arg + 1, got, want,
                         why.message[0] ? ": " : "", why.message);
    }
    b->args[arg] = cast;
    return true;
}

bool bind_cast(struct bind *b, unsigned arg, const struct type *type)
{
    return put_cast(b, arg, type, true);
}

bool bind_force(struct bind *b, unsigned arg, const struct type *type)
{
    return put_cast(b, arg, type, false);
}

/* ---- types by letters ---- */

static const struct type *letter_type(char c)
{
    switch (c) {
    case 'b': return type_simple(TYPE_BOOLEAN);
    case 'i': return type_simple(TYPE_INT);
    case 'l': return type_simple(TYPE_BIGINT);
    case 'd': return type_simple(TYPE_DOUBLE);
    case 's': return type_simple(TYPE_VARCHAR);
    case 'y': return type_simple(TYPE_VARBINARY);
    case 't': return type_simple(TYPE_TIMESTAMP);
    case 'z': return type_simple(TYPE_TIMESTAMP_LTZ);
    case 'D': return type_simple(TYPE_DATE);
    case 'T': return type_simple(TYPE_TIME);
    default: return NULL;
    }
}

/* INT where STRING is wanted is refused as in Flink; a string literal where a time is wanted is read. */
static bool bind_letter(struct bind *b, unsigned arg, char letter)
{
    const struct type *type = letter_type(letter);

    if (!type)
        return true;
    if (b->args[arg]->kind == EXPR_LITERAL && type_is_text(b->args[arg]->type->kind) &&
        type->kind >= TYPE_DATE)
        return bind_force(b, arg, type);
    if (type->kind == TYPE_INT && b->args[arg]->type->kind == TYPE_BIGINT)
        return bind_force(b, arg, type); /* positions and lengths */
    return bind_cast(b, arg, type);
}

/* "ss?i>s": sets args_min and args_max and gives the result's letter. */
static char letters_count(const char *types, int *args_min, int *args_max)
{
    int n = 0;

    *args_min = -1;
    *args_max = 0;
    for (; *types != '>'; types++) {
        if (*types == '?')
            *args_min = n;
        else if (*types == '*')
            *args_max = -1;
        else
            n++;
    }
    if (*args_min < 0)
        *args_min = n;
    if (*args_max == 0)
        *args_max = n;
    return types[1];
}

static bool bind_letters(struct bind *b)
{
    const char *at = b->func->types;
    char letter = 'x', result;
    int args_min, args_max;

    result = letters_count(at, &args_min, &args_max);
    for (unsigned i = 0; i < b->args_count; i++) {
        while (*at == '?')
            at++;
        if (*at != '*' && *at != '>')
            letter = *at++;
        if (!bind_letter(b, i, letter))
            return false;
    }
    b->type = letter_type(result);
    if (!b->type)
        b->type = type_not_null(b->arena, b->args[0]->type, false);
    if ((b->func->flags & FUNC_NEVER_NULL) && (b->func->flags & FUNC_NULLS || !bind_any_null(b)))
        b->type = type_not_null(b->arena, b->type, true);
    return true;
}

/* ---- binding ---- */

static bool check_count(struct bind *b)
{
    int args_min = b->func->args_min, args_max = b->func->args_max;
    char want[64];

    if (b->func->types)
        letters_count(b->func->types, &args_min, &args_max);
    if (b->args_count >= args_min && (args_max < 0 || b->args_count <= args_max))
        return true;
    if (args_max < 0)
        snprintf(want, sizeof(want), "at least %d", args_min);
    else if (args_min == args_max)
        snprintf(want, sizeof(want), "%d", args_min);
    else
        snprintf(want, sizeof(want), "%d to %d", args_min, args_max);
    bind_fail(b, "takes %s argument%s, got %u", want, args_max == 1 ? "" : "s", b->args_count);
    if (b->func->signature)
        diag_hint(b->diag, "%s", b->func->signature);
    return false;
}

/* A constant tree as a literal; the tree itself where its evaluation fails (the query says why, when it
 * runs and meets a row) or its value cannot be a literal. */
static const struct expr *fold(struct arena *arena, const struct expr *e)
{
    struct arena scratch;
    struct column col;
    struct chunk one = {.count = 1, .rows = 1};
    size_t size = phys_size(type_phys(e->type->kind));

    if (size == 0 || e->kind == EXPR_LITERAL || !expr_is_constant(e))
        return e;
    arena_init(&scratch, 1 << 20);
    struct expr_ctx ctx = {.arena = &scratch, .watermark_us = INT64_MIN};
    if (expr_eval(e, &ctx, &one, NULL, 1, &col) == ST_OK) {
        struct expr *literal = expr_null(arena, e->type);
        if (column_valid(&col, 0)) {
            literal->is_null = false;
            literal->type = type_not_null(arena, e->type, true);
            memcpy(&literal->value, col.data, size);
            if (size == sizeof(struct str) && type_phys(e->type->kind) == PHYS_STR)
                literal->value.str = str_of(arena_copy(
                    arena, bytes_of(literal->value.str.ptr, literal->value.str.len)));
        }
        e = literal;
    }
    arena_deinit(&scratch);
    return e;
}

const struct expr *func_bind(struct arena *arena, struct bytes name, const struct expr **args,
                             uint16_t args_count, struct diag *diag)
{
    const struct func *func = func_find(name);
    struct bind b = {.arena = arena, .func = func, .args_count = args_count, .diag = diag};

    const struct func_refused *refused = func ? NULL : func_refused_find(name);
    if (refused) {
        diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED, "the function %s is not built", refused->name);
        diag_hint(diag, "%s", refused->instead);
        return NULL;
    }
    if (!func) {
        diag_set(diag, ST_INVALID, DIAG_NAME, "no function %.*s", BYTES_FMT(name));
        suggest(name, diag);
        return NULL;
    }
    b.args = ARENA_ARRAY(arena, const struct expr *, args_count + 4u); /* hooks may add some */
    for (uint16_t i = 0; i < args_count; i++)
        b.args[i] = args[i];
    if (!check_count(&b) || (func->types && !bind_letters(&b)) || (func->bind && !func->bind(&b)))
        return NULL;
    if (b.instead)
        return fold(arena, b.instead);
    struct expr *e = ARENA_NEW(arena, struct expr);
    *e = (struct expr){.kind = EXPR_CALL, .type = b.type, .func = b.func, .func_data = b.func_data,
                       .args = b.args, .args_count = b.args_count};
    CHECK(e->type != NULL);
    return fold(arena, e);
}

const struct expr *func_cast(struct arena *arena, const struct expr *arg, const struct type *type,
                             bool try_cast, bool implicit, struct diag *diag)
{
    const struct type *result =
        type_not_null(arena, type, arg->type->not_null && !try_cast);

    if (arg->type->kind == TYPE_NULL || (arg->kind == EXPR_LITERAL && arg->is_null))
        return expr_null(arena, type);
    if (type_equal(arg->type, type))
        return arg;
    if (!cast_exists(arg->type, type, implicit)) {
        diag_set(diag, ST_INVALID, DIAG_TYPE, "%s cannot be %s %s",
                 type_text(arena, type_not_null(arena, arg->type, false)),
                 implicit ? "used as" : "cast to",
                 type_text(arena, type_not_null(arena, type, false)));
        if (implicit && cast_exists(arg->type, type, false))
            diag_hint(diag, "write CAST(... AS %s)",
                      type_text(arena, type_not_null(arena, type, false)));
        return NULL;
    }
    struct expr *e = ARENA_NEW(arena, struct expr);
    *e = (struct expr){.kind = EXPR_CAST, .type = result, .try_cast = try_cast, .args_count = 1};
    e->args = ARENA_ARRAY(arena, const struct expr *, 1);
    e->args[0] = arg;
    return fold(arena, e);
}

const struct expr *func_case(struct arena *arena, const struct expr **args, uint16_t args_count,
                             struct diag *diag)
{
    struct expr *e = ARENA_NEW(arena, struct expr);
    const struct type *type = NULL;

    CHECK(args_count >= 2);
    *e = (struct expr){.kind = EXPR_CASE, .args_count = args_count};
    e->args = ARENA_ARRAY(arena, const struct expr *, args_count);
    for (uint16_t i = 0; i < args_count; i++) {
        bool condition = i + 1 < args_count && i % 2 == 0;
        e->args[i] = args[i];
        if (condition) {
            e->args[i] = func_cast(arena, args[i], type_simple(TYPE_BOOLEAN), false, true, diag);
            if (!e->args[i])
                return NULL;
            continue;
        }
        const struct type *next = type ? type_common(arena, type, args[i]->type) : args[i]->type;
        if (!next) {
            diag_set(diag, ST_INVALID, DIAG_TYPE, "CASE gives both %s and %s",
                     type_text(arena, type), type_text(arena, args[i]->type));
            return NULL;
        }
        type = next;
    }
    e->type = type_not_null(arena, type, type->not_null && args_count % 2 == 1);
    for (uint16_t i = 1; i < args_count; i = (uint16_t)(i + (i + 2 == args_count ? 1 : 2))) {
        e->args[i] = func_cast(arena, e->args[i], type, false, false, diag);
        if (!e->args[i])
            return NULL;
    }
    return fold(arena, e);
}
