/* LIKE, and regular expressions by PCRE2. Patterns that are literals are made ready once, when the call is
 * bound; their memory is the plan's arena. A match has a bounded number of steps. */
#include "base/buf.h"
#include "base/check.h"
#include "data/func_list.h"
#include "data/kernel.h"
#include "data/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>

/* ---- LIKE ---- */

enum like_kind { LIKE_ANY, LIKE_EQUAL, LIKE_PREFIX, LIKE_SUFFIX, LIKE_CONTAINS };

/* A literal pattern that is text with '%' at its ends at most; else LIKE_ANY: matched step by step. */
struct like {
    enum like_kind kind;
    struct bytes text;
};

static bool like_equal(struct bytes s, struct like l)
{
    switch (l.kind) {
    case LIKE_EQUAL: return bytes_equal(s, l.text);
    case LIKE_PREFIX: return bytes_equal(bytes_head(s, l.text.len), l.text);
    case LIKE_SUFFIX:
        return s.len >= l.text.len && bytes_equal(bytes_skip(s, s.len - l.text.len), l.text);
    case LIKE_CONTAINS:
        return l.text.len == 0 || (s.len && memmem(s.ptr, s.len, l.text.ptr, l.text.len));
    default: UNREACHABLE();
    }
}

static struct like like_of(struct bytes pattern, bool has_escape)
{
    struct like any = {LIKE_ANY, pattern};
    bool first = pattern.len && pattern.ptr[0] == '%';
    bool last = pattern.len > 1 && pattern.ptr[pattern.len - 1] == '%';
    struct bytes text = bytes_skip(pattern, first);

    text.len -= last;
    if (has_escape || bytes_find(text, '%', 0) < text.len || bytes_find(text, '_', 0) < text.len)
        return any;
    if (pattern.len == 1 && first)
        return (struct like){LIKE_CONTAINS, BYTES_LITERAL("")};
    return (struct like){first ? (last ? LIKE_CONTAINS : LIKE_SUFFIX) : last ? LIKE_PREFIX : LIKE_EQUAL,
                         text};
}

/* Step by step; after a failure it goes on one character further behind the last '%'. escape: -1 none. */
static bool like_match(struct bytes s, struct bytes p, int escape)
{
    struct bytes s_mark = s, p_mark = p;
    bool marked = false;

    for (;;) {
        bool literal = false;
        if (p.len && p.ptr[0] == escape && p.len > 1) {
            p = bytes_skip(p, 1);
            literal = true;
        }
        if (p.len && !literal && p.ptr[0] == '%') {
            p = bytes_skip(p, 1);
            p_mark = p;
            s_mark = s;
            marked = true;
            continue;
        }
        if (p.len && s.len && !literal && p.ptr[0] == '_') {
            s = bytes_skip(s, utf8_size(s));
            p = bytes_skip(p, 1);
            continue;
        }
        if (p.len && s.len && p.ptr[0] == s.ptr[0]) {
            s = bytes_skip(s, 1);
            p = bytes_skip(p, 1);
            continue;
        }
        if (!p.len && !s.len)
            return true;
        if (!marked || !s_mark.len)
            return false;
        s_mark = bytes_skip(s_mark, utf8_size(s_mark));
        s = s_mark;
        p = p_mark;
    }
}

static bool bind_like(struct bind *b)
{
    struct bytes pattern, escape = BYTES_NONE;

    for (unsigned i = 0; i < b->args_count; i++)
        if (!bind_cast(b, i, type_simple(TYPE_VARCHAR)))
            return false;
    if (b->args_count == 3 && bind_literal(b, 2, &escape) && escape.len != 1)
        return bind_fail(b, "ESCAPE takes one ASCII character");
    b->type = type_not_null(b->arena, type_simple(TYPE_BOOLEAN), !bind_any_null(b));
    if (bind_literal(b, 1, &pattern)) {
        struct like *like = ARENA_NEW(b->arena, struct like);
        bool escaped = b->args_count == 3 &&
                       (!escape.len || bytes_find(pattern, escape.ptr[0], 0) < pattern.len);
        *like = like_of(pattern, escaped);
        b->func_data = like;
    }
    return true;
}

static enum status like(struct call *call)
{
    const struct like *l = call->expr->func_data;
    bool negated = call->expr->func->variant;

    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row);
        bool is;
        if (l && l->kind != LIKE_ANY) {
            is = like_equal(s, *l);
        } else {
            struct bytes escape =
                call->expr->args_count == 3 ? arg_bytes(call, 2, row) : BYTES_NONE;
            is = like_match(s, arg_bytes(call, 1, row), escape.len ? escape.ptr[0] : -1);
        }
        OUT(call, uint8_t)[row] = is != negated;
    }
    return ST_OK;
}

/* ---- regular expressions ---- */

enum { MATCH_STEPS_MAX = 1000000, MATCH_HEAP_KIB = 8192 };

static void *pcre_alloc(size_t size, void *arena)
{
    return arena_try(arena, size);
}

static void pcre_free(void *ptr, void *arena)
{
    (void)ptr;
    (void)arena; /* the arena frees all */
}

static pcre2_code *compile(struct arena *arena, struct bytes pattern, char *why, size_t size)
{
    pcre2_general_context *general = pcre2_general_context_create(pcre_alloc, pcre_free, arena);
    pcre2_compile_context *context = general ? pcre2_compile_context_create(general) : NULL;
    PCRE2_SIZE at = 0;
    int error = 0;

    if (!context) {
        snprintf(why, size, "no memory for the pattern");
        return NULL;
    }
    pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
    pcre2_set_parens_nest_limit(context, 100);
    pcre2_set_max_pattern_length(context, 64 << 10);
    pcre2_code *code = pcre2_compile(pattern.len ? pattern.ptr : (PCRE2_SPTR) "", pattern.len,
                                     PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &error, &at, context);
    if (!code) {
        char text[120];
        pcre2_get_error_message(error, (PCRE2_UCHAR *)text, sizeof(text));
        snprintf(why, size, "the pattern is wrong at position %zu: %s", at + 1, text);
    }
    return code;
}

/* The regular expression that a pattern of SIMILAR TO is, as Flink has it: % and _ as in LIKE, all else as it stands.
 * escape: -1 none. NULL: nothing is wrong; else what is. */
static const char *similar_write(struct buf *out, struct bytes p, int escape)
{
    bool listed = false; /* between [ and ] */

    for (size_t i = 0; i < p.len; i++) {
        uint8_t c = p.ptr[i];
        if (c == escape) {
            if (++i == p.len || !(p.ptr[i] == escape || (p.ptr[i] && strchr("_%^|*+?{}()[]-", p.ptr[i]))))
                return "the escape character stands before what needs none";
            buf_u8(out, '\\');
            buf_u8(out, p.ptr[i]);
        } else if (listed && c == '[' && i + 1 < p.len && p.ptr[i + 1] == ':') {
            for (; i < p.len && p.ptr[i] != ']'; i++) /* [:ALPHA:] */
                buf_u8(out, p.ptr[i] >= 'A' && p.ptr[i] <= 'Z' ? p.ptr[i] | 0x20 : p.ptr[i]);
            buf_u8(out, ']');
        } else if (!listed && c == '_') {
            buf_str(out, ".");
        } else if (!listed && c == '%') {
            buf_str(out, "(?s:.*)");
        } else if (c == '\\' || (!listed && c == '$')) {
            buf_u8(out, '\\');
            buf_u8(out, c);
        } else {
            listed = c == '[' || (listed && c != ']');
            buf_u8(out, c);
        }
    }
    return NULL;
}

static pcre2_code *compile_similar(struct arena *arena, struct bytes pattern, int escape, char *why, size_t size)
{
    struct buf text;
    pcre2_code *code = NULL;

    buf_init(&text, 1u << 20);
    buf_str(&text, "\\A(?:");
    const char *wrong = similar_write(&text, pattern, escape);
    buf_str(&text, ")\\z");
    if (wrong || text.failed)
        snprintf(why, size, "%s", wrong ? wrong : "the pattern is too long");
    else
        code = compile(arena, buf_view(&text), why, size);
    buf_deinit(&text);
    return code;
}

struct matcher {
    struct call *call;
    bool similar; /* the pattern is one of SIMILAR TO, */
    int escape;   /* with this escape character, or -1 */
    pcre2_code *code; /* of the literal pattern, or of the last one met */
    struct bytes pattern;
    pcre2_match_data *data;
    pcre2_match_context *context;
};

/* The pattern is argument 1 of all of them. */
static bool bind_regexp(struct bind *b)
{
    struct bytes pattern;
    char why[200];

    if (!bind_literal(b, 1, &pattern))
        return true;
    b->func_data = compile(b->arena, pattern, why, sizeof(why));
    return b->func_data ? true : bind_fail(b, "%s", why);
}

static bool matcher_use(struct matcher *m, pcre2_code *code)
{
    m->code = code;
    pcre2_general_context *general =
        pcre2_general_context_create(pcre_alloc, pcre_free, m->call->ctx->arena);
    m->context = general ? pcre2_match_context_create(general) : NULL;
    m->data = general ? pcre2_match_data_create_from_pattern(code, general) : NULL;
    if (!m->context || !m->data)
        return false;
    pcre2_set_match_limit(m->context, MATCH_STEPS_MAX);
    pcre2_set_heap_limit(m->context, MATCH_HEAP_KIB);
    return true;
}

static enum status matcher_row(struct matcher *m, uint32_t row)
{
    struct bytes pattern = arg_bytes(m->call, 1, row);
    pcre2_code *code = (pcre2_code *)(uintptr_t)m->call->expr->func_data;
    char why[200];

    if (m->code && (code || bytes_equal(pattern, m->pattern)))
        return ST_OK;
    m->pattern = pattern;
    if (!code && m->similar)
        code = compile_similar(m->call->ctx->arena, pattern, m->escape, why, sizeof(why));
    else if (!code)
        code = compile(m->call->ctx->arena, pattern, why, sizeof(why));
    if (!code)
        return call_fail(m->call, row, "%s: %s", m->call->expr->func->name, why);
    if (!matcher_use(m, code))
        m->call->no_memory = true;
    return m->call->no_memory ? ST_NOSPACE : ST_OK;
}

/* *found: how many groups are set, 0 when there is no match. */
static enum status matcher_find(struct matcher *m, uint32_t row, struct bytes s, size_t from,
                                uint32_t options, int *found)
{
    int rc = pcre2_match(m->code, s.len ? s.ptr : (PCRE2_SPTR) "", s.len, from, options, m->data,
                         m->context);

    *found = rc > 0 ? rc : 0;
    if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH)
        return ST_OK;
    if (rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_HEAPLIMIT || rc == PCRE2_ERROR_DEPTHLIMIT)
        return call_fail(m->call, row, "%s: the pattern needs too many steps for this text",
                         m->call->expr->func->name);
    return call_fail(m->call, row, "%s: the match failed (%d)", m->call->expr->func->name, rc);
}

static enum status regexp(struct call *call)
{
    struct matcher m = {.call = call};
    int found;

    FOR_ROWS(call, row) {
        TRY(matcher_row(&m, row));
        TRY(matcher_find(&m, row, arg_bytes(call, 0, row), 0, 0, &found));
        OUT(call, uint8_t)[row] = found > 0 && arg_bytes(call, 1, row).len; /* no pattern matches nothing */
    }
    return ST_OK;
}

static int escape_of(struct bytes escape)
{
    return escape.len ? escape.ptr[0] : -1;
}

static bool bind_similar(struct bind *b)
{
    struct bytes pattern, escape = BYTES_NONE;
    char why[200];

    for (unsigned i = 0; i < b->args_count; i++)
        if (!bind_cast(b, i, type_simple(TYPE_VARCHAR)))
            return false;
    if (b->args_count == 3 && (!bind_literal(b, 2, &escape) || escape.len != 1))
        return bind_fail(b, "ESCAPE takes one ASCII character, as a literal");
    b->type = type_not_null(b->arena, type_simple(TYPE_BOOLEAN), !bind_any_null(b));
    if (!bind_literal(b, 1, &pattern))
        return true;
    b->func_data = compile_similar(b->arena, pattern, escape_of(escape), why, sizeof(why));
    return b->func_data ? true : bind_fail(b, "%s", why);
}

static enum status similar(struct call *call)
{
    struct bytes escape = call->expr->args_count == 3 && call->count ? arg_bytes(call, 2, ROW_AT(call, 0)) : BYTES_NONE;
    struct matcher m = {.call = call, .similar = true, .escape = escape_of(escape)};
    int found;

    FOR_ROWS(call, row) {
        TRY(matcher_row(&m, row));
        TRY(matcher_find(&m, row, arg_bytes(call, 0, row), 0, 0, &found));
        OUT(call, uint8_t)[row] = found > 0;
    }
    return ST_OK;
}

/* REGEXP_EXTRACT(s, pattern [, group]): NULL where there is no match or no such group */
static enum status regexp_extract(struct call *call)
{
    struct matcher m = {.call = call};
    int found;

    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row);
        int32_t group = call->expr->args_count == 3 ? ARG(call, 2, int32_t, row) : 0;
        TRY(matcher_row(&m, row));
        TRY(matcher_find(&m, row, s, 0, 0, &found));
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m.data);
        if (group < 0 || group >= found || at[2 * group] == PCRE2_UNSET)
            call_null(call, row);
        else
            call_view(call, row, bytes_of(s.ptr + at[2 * group], at[2 * group + 1] - at[2 * group]));
    }
    return ST_OK;
}

static enum status replace_row(struct matcher *m, uint32_t row, struct buf *out)
{
    struct bytes s = arg_bytes(m->call, 0, row), with = arg_bytes(m->call, 2, row);
    size_t from = 0, copied = 0;
    uint32_t options = 0;
    int found;

    while (from <= s.len) {
        TRY(matcher_find(m, row, s, from, options, &found));
        if (!found)
            break;
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m->data);
        size_t start = at[0], end = at[1];
        if (start < copied || end < start) /* \K in a lookaround: no progress to be had */
            break;
        buf_append(out, s.ptr + copied, start - copied);
        buf_append(out, with.ptr, with.len); /* as it stands: Flink quotes $ and backslashes */
        copied = end;
        from = end;
        if (start == end) { /* an empty match: the next begins one character on */
            size_t size = utf8_size(bytes_skip(s, end));
            if (size == 0)
                break;
            buf_append(out, s.ptr + end, size);
            copied = from = end + size;
        }
    }
    if (copied < s.len)
        buf_append(out, s.ptr + copied, s.len - copied);
    return ST_OK;
}

static enum status regexp_replace(struct call *call)
{
    struct matcher m = {.call = call};
    enum status st = ST_OK;
    struct buf out;

    buf_init(&out, 64u << 20);
    FOR_ROWS(call, row) {
        buf_clear(&out);
        st = matcher_row(&m, row);
        if (st == ST_OK)
            st = replace_row(&m, row, &out);
        if (st != ST_OK)
            break;
        call->no_memory |= out.failed;
        call_copy(call, row, buf_view(&out));
    }
    buf_deinit(&out);
    return st;
}

/* Where to look for the next match: one character behind an empty one. SIZE_MAX: there is no more text. */
static size_t match_next(const struct matcher *m, struct bytes s, size_t from)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m->data);

    if (at[1] > from && at[1] > at[0])
        return at[1];
    size_t next = at[1] > from ? at[1] : from;
    size_t size = next < s.len ? utf8_size(bytes_skip(s, next)) : 0;
    return size ? next + size : SIZE_MAX;
}

static enum status count_row(struct matcher *m, uint32_t row, struct bytes s, int32_t *count)
{
    int found;

    for (size_t from = 0; from <= s.len; from = match_next(m, s, from)) {
        TRY(matcher_find(m, row, s, from, 0, &found));
        if (!found)
            break;
        ++*count;
    }
    return ST_OK;
}

/* A group of each match; one that took no part in it is NULL. *there: the pattern has such a group. */
static enum status extract_row(struct matcher *m, uint32_t row, struct bytes s, int32_t group,
                               struct column_builder *parts, bool *there)
{
    uint32_t groups = 0;
    int found;

    pcre2_pattern_info(m->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    *there = group >= 0 && (uint32_t)group <= groups;
    for (size_t from = 0; *there && from <= s.len; from = match_next(m, s, from)) {
        TRY(matcher_find(m, row, s, from, 0, &found));
        if (!found)
            break;
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m->data) + 2 * group;
        if (group < found && at[0] != PCRE2_UNSET)
            column_put_str(parts, bytes_of(s.ptr + at[0], at[1] - at[0]));
        else
            column_put_null(parts);
    }
    return ST_OK;
}

/* REGEXP_EXTRACT_ALL(s, pattern [, group]) */
static enum status regexp_extract_all(struct call *call)
{
    struct matcher m = {.call = call};
    struct column_builder b;

    column_builder_init(&b, call->ctx->arena, call->expr->type, call->rows);
    FOR_ROWS(call, row) {
        bool there = true;
        skip_to(&b, row);
        for (unsigned a = 0; a < call->expr->args_count && there; a++)
            there = arg_valid(call, a, row);
        if (there) {
            int32_t group = call->expr->args_count == 3 ? ARG(call, 2, int32_t, row) : 1;
            TRY(matcher_row(&m, row));
            TRY(extract_row(&m, row, arg_bytes(call, 0, row), group, &b.children[0], &there));
        }
        if (there)
            column_put_list(&b);
        else
            column_put_null(&b);
    }
    skip_to(&b, call->rows);
    return builder_result(call, &b);
}

static bool bind_extract_all(struct bind *b)
{
    for (unsigned a = 0; a < b->args_count; a++)
        if (!bind_cast(b, a, type_simple(a < 2 ? TYPE_VARCHAR : TYPE_INT)))
            return false;
    b->type = type_not_null(b->arena, list_type(b->arena, TYPE_ARRAY, type_simple(TYPE_VARCHAR), NULL), false);
    return bind_regexp(b);
}

static enum status regexp_count(struct call *call)
{
    struct matcher m = {.call = call};

    FOR_ROWS(call, row) {
        int32_t count = 0;
        TRY(matcher_row(&m, row));
        TRY(count_row(&m, row, arg_bytes(call, 0, row), &count));
        OUT(call, int32_t)[row] = count;
    }
    return ST_OK;
}

/* The character at which the first match begins, from 1; 0: there is none. */
static enum status regexp_instr(struct call *call)
{
    struct matcher m = {.call = call};
    int found;

    FOR_ROWS(call, row) {
        struct bytes s = arg_bytes(call, 0, row);
        int32_t place = 0;
        TRY(matcher_row(&m, row));
        TRY(matcher_find(&m, row, s, 0, 0, &found));
        size_t start = found ? pcre2_get_ovector_pointer(m.data)[0] : 0;
        for (size_t i = 0; i < start; i++)
            place += (s.ptr[i] & 0xC0) != 0x80;
        OUT(call, int32_t)[row] = found ? place + 1 : 0;
    }
    return ST_OK;
}

#define REGEXP(sql, letters, k, sig, text)                                                         \
    {.name = sql, .types = letters, .bind = bind_regexp, .kernel = k, .flags = FUNC_CAREFUL,       \
     .signature = sig, .help = text}

const struct func func_pattern_table[] = {
    {.name = "LIKE", .bind = bind_like, .kernel = like, .variant = 0, .args_min = 2, .args_max = 3,
     .flags = FUNC_CAREFUL | FUNC_INFIX, .signature = "s LIKE pattern [ESCAPE c]",
     .help = "Whether s is like the pattern: % any characters, _ one."},
    {.name = "NOT LIKE", .bind = bind_like, .kernel = like, .variant = 1, .args_min = 2,
     .args_max = 3, .flags = FUNC_CAREFUL | FUNC_INFIX, .signature = "s NOT LIKE pattern [ESCAPE c]",
     .help = "Whether s is not like the pattern."},
    {.name = "SIMILAR TO", .bind = bind_similar, .kernel = similar, .args_min = 2, .args_max = 3,
     .flags = FUNC_CAREFUL | FUNC_INFIX, .signature = "s SIMILAR TO pattern [ESCAPE c]",
     .help = "Whether all of s is like the pattern: % and _ as in LIKE, all else as in a regular expression."},
    REGEXP("REGEXP", "ss>b", regexp, "REGEXP(s, pattern)",
           "Whether the regular expression matches a part of s."),
    {.name = "REGEXP_EXTRACT", .types = "ss?i>s", .bind = bind_regexp, .kernel = regexp_extract,
     .flags = FUNC_CAREFUL, .signature = "REGEXP_EXTRACT(s, pattern [, group])",
     .help = "The part of s that the pattern, or a group of it, matches; NULL without a match."},
    {.name = "REGEXP_EXTRACT_ALL", .bind = bind_extract_all, .kernel = regexp_extract_all, .args_min = 2,
     .args_max = 3, .flags = FUNC_NULLS | FUNC_WHOLE, .signature = "REGEXP_EXTRACT_ALL(s, pattern [, group])",
     .help = "What a group of the pattern (1, if none is said; 0: all of it) matched in each match; NULL when there is "
             "no such group."},
    REGEXP("REGEXP_COUNT", "ss>i", regexp_count, "REGEXP_COUNT(s, pattern)",
           "How often the regular expression matches, one match behind the other."),
    REGEXP("REGEXP_INSTR", "ss>i", regexp_instr, "REGEXP_INSTR(s, pattern)",
           "Where the first match begins in s; 0: nowhere."),
    REGEXP("REGEXP_SUBSTR", "ss>s", regexp_extract, "REGEXP_SUBSTR(s, pattern)",
           "The first match in s; NULL without one."),
    REGEXP("REGEXP_REPLACE", "sss>s", regexp_replace, "REGEXP_REPLACE(s, pattern, with)",
           "s with every match replaced; the text stands as it is, $1 too."),
    {0},
};
