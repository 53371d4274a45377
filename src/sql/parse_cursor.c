/* The cursor over tokens, what was expected, and how errors are said. */
#include "sql/parser.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/suggest.h"

/* Words that end a clause or begin one: they are no names unless in back-ticks. Flink reserves many
 * more; a text that Flink takes never needs the others free, so they may be names here. */
static const char *const reserved[] = {
    "ALL",     "AND",    "AS",       "BETWEEN", "CASE",   "CAST",   "CREATE",    "CROSS",
    "DISTINCT", "ELSE",  "EXCEPT",   "EXISTS",  "FALSE",  "FETCH",  "FOR",       "FROM",
    "FULL",    "GROUP",  "HAVING",   "IN",      "INNER",  "INSERT", "INTERSECT", "INTO",
    "IS",      "JOIN",   "LATERAL",  "LEFT",    "LIKE",   "LIMIT",  "NATURAL",   "NOT",
    "NULL",    "OFFSET", "ON",       "OR",      "ORDER",  "OVER",   "PARTITION", "RIGHT",
    "SELECT",  "SET",    "TABLE",    "THEN",    "TRUE",   "UNION",  "UNNEST",    "USING",
    "VALUES",  "WHEN",   "WHERE",    "WINDOW",  "WITH",   "WITHIN", "MATCH_RECOGNIZE",
    "TABLESAMPLE", "INTERVAL", "QUALIFY", "PIVOT", "UNPIVOT", "END",
};

bool is_reserved(const struct token *t)
{
    if (t->kind != TOKEN_WORD)
        return false;
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (bytes_is_nocase(t->text, reserved[i]))
            return true;
    }
    return false;
}

bool is_word(const struct token *t, const char *word)
{
    return t->kind == TOKEN_WORD && bytes_is_nocase(t->text, word);
}

bool is_sign(const struct token *t, const char *sign)
{
    return t->kind == TOKEN_SIGN && bytes_is(t->text, sign);
}

void parser_want(struct parser *p, const char *what)
{
    if (p->wanted_at != p->at) {
        p->wanted_at = p->at;
        p->wanted_count = 0;
    }
    for (unsigned i = 0; i < p->wanted_count; i++) {
        if (strcmp(p->wanted[i], what) == 0)
            return;
    }
    if (p->wanted_count < PARSER_WANTED_MAX)
        p->wanted[p->wanted_count++] = what;
}

const struct token *parser_next(struct parser *p)
{
    const struct token *t = p->at;

    if (t->kind != TOKEN_END)
        p->at++;
    return t;
}

bool at_word(struct parser *p, const char *word)
{
    if (is_word(p->at, word))
        return true;
    parser_want(p, word);
    return false;
}

bool at_sign(struct parser *p, const char *sign)
{
    if (is_sign(p->at, sign))
        return true;
    parser_want(p, sign);
    return false;
}

bool accept_word(struct parser *p, const char *word)
{
    if (!at_word(p, word))
        return false;
    parser_next(p);
    return true;
}

bool accept_words(struct parser *p, const char *first, const char *second)
{
    if (!is_word(p->at, first) || !is_word(p->at + 1, second)) {
        parser_want(p, first);
        return false;
    }
    p->at += 2;
    return true;
}

bool accept_sign(struct parser *p, const char *sign)
{
    if (!at_sign(p, sign))
        return false;
    parser_next(p);
    return true;
}

bool expect_word(struct parser *p, const char *word)
{
    if (accept_word(p, word))
        return true;
    parser_unexpected(p);
    return false;
}

bool expect_sign(struct parser *p, const char *sign)
{
    if (accept_sign(p, sign))
        return true;
    parser_unexpected(p);
    return false;
}

static void parser_fail(struct parser *p, const struct token *at, enum status st)
{
    p->failed = true;
    p->status = st;
    p->at = &p->tokens[p->count - 1];
    if (!p->diag || p->diag->code != DIAG_NONE)
        return;
    p->diag->line = at->line;
    p->diag->column = at->column;
    size_t len = at->text.len;
    if (len > sizeof(p->diag->near) - 1)
        len = sizeof(p->diag->near) - 1;
    if (len > 0)
        memcpy(p->diag->near, at->text.ptr, len);
    p->diag->near[len] = 0;
}

void *parser_error(struct parser *p, const struct token *at, enum diag_code code,
                   const char *format, ...)
{
    char message[300];
    va_list args;

    if (p->failed)
        return NULL;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    parser_fail(p, at, ST_INVALID);
    diag_set(p->diag, ST_INVALID, code, "%s", message);
    return NULL;
}

void *parser_unsupported(struct parser *p, const struct token *at, const char *what)
{
    if (p->failed)
        return NULL;
    parser_fail(p, at, ST_UNSUPPORTED);
    diag_set(p->diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED, "%s is not built yet", what);
    return NULL;
}

static bool is_bare(const char *wanted)
{
    return wanted[0] >= 'a' && wanted[0] <= 'z'; /* "a name": not a word of SQL itself */
}

/* "expected FROM, ',' or the end of the statement, found `x`" */
void *parser_unexpected(struct parser *p)
{
    const struct token *at = p->at;
    struct buf text;

    if (p->failed)
        return NULL;
    unsigned wanted = p->wanted_at == at ? p->wanted_count : 0;
    buf_init(&text, 300);
    for (unsigned i = 0; i < wanted; i++) {
        bool sign = !is_bare(p->wanted[i]) && !(p->wanted[i][0] >= 'A' && p->wanted[i][0] <= 'Z');
        buf_printf(&text, "%s%s%s%s", i == 0 ? "" : i + 1 == wanted ? " or " : ", ",
                   sign ? "'" : "", p->wanted[i], sign ? "'" : "");
    }
    const char *found = at->kind == TOKEN_END ? "the end" : "";
    struct bytes token = bytes_head(at->text, 60);
    const char *near_word = NULL;
    const struct token *near_at = at;
    if (wanted > 0) {
        const char *words[PARSER_WANTED_MAX];
        unsigned n = 0;
        for (unsigned i = 0; i < wanted; i++) {
            if (!is_bare(p->wanted[i]))
                words[n++] = p->wanted[i];
        }
        if (at->kind == TOKEN_WORD)
            near_word = suggest(at->text, words, n);
        if (!near_word && at > p->tokens && at[-1].kind == TOKEN_WORD && !is_reserved(&at[-1])) {
            near_at = at - 1; /* a misspelt keyword was taken for an alias */
            near_word = suggest(near_at->text, words, n);
        }
    }
    bool was_reserved = is_reserved(at);
    bool name_wanted = false;
    for (unsigned i = 0; i < wanted; i++)
        name_wanted |= is_bare(p->wanted[i]) && strstr(p->wanted[i], "name") != NULL;
    parser_fail(p, at, ST_INVALID);
    if (wanted == 0)
        diag_set(p->diag, ST_INVALID, DIAG_SYNTAX, "unexpected %s%s%.*s%s", found,
                 *found ? "" : "`", *found ? 0 : (int)token.len, (const char *)token.ptr,
                 *found ? "" : "`");
    else
        diag_set(p->diag, ST_INVALID, DIAG_SYNTAX, "expected %.*s, found %s%s%.*s%s",
                 BYTES_FMT(buf_view(&text)), found, *found ? "" : "`",
                 *found ? 0 : (int)token.len, (const char *)token.ptr, *found ? "" : "`");
    if (near_word && p->diag && near_at == at)
        diag_hint(p->diag, "did you mean `%s`?", near_word);
    else if (near_word && p->diag)
        diag_hint(p->diag, "did you mean `%s` instead of `%.*s`?", near_word,
                  BYTES_FMT(bytes_head(near_at->text, 60)));
    else if (was_reserved && name_wanted && p->diag)
        diag_hint(p->diag, "`%.*s` is a reserved word: as a name it is written in back-ticks",
                  BYTES_FMT(token));
    buf_deinit(&text);
    return NULL;
}

bool parser_enter(struct parser *p)
{
    if (p->failed)
        return false;
    if (p->depth >= PARSER_DEPTH_MAX) {
        parser_error(p, p->at, DIAG_LIMIT, "nested deeper than %d levels", PARSER_DEPTH_MAX);
        return false;
    }
    p->depth++;
    return true;
}

void parser_leave(struct parser *p)
{
    p->depth--;
}

struct bytes parser_span(const struct parser *p, const struct token *from)
{
    if (p->failed || p->at <= from)
        return from->text;
    const struct token *last = p->at - 1;
    return bytes_of(from->text.ptr, (size_t)(last->text.ptr + last->text.len - from->text.ptr));
}

void *list_add(struct parser *p, struct list *list, size_t item_size)
{
    if (list->count >= PARSER_LIST_MAX)
        parser_error(p, p->at, DIAG_LIMIT, "a list may have at most %d items", PARSER_LIST_MAX);
    if (list->count == list->cap) {
        uint32_t cap = list->cap ? list->cap * 2 : 4;
        void *grown = arena_zalloc(p->arena, cap * item_size);
        if (list->count > 0)
            memcpy(grown, list->items, list->count * item_size);
        list->items = grown;
        list->cap = cap;
    }
    return (char *)list->items + item_size * list->count++;
}

struct bytes expect_name(struct parser *p, const char *what)
{
    parser_want(p, what);
    if (p->at->kind == TOKEN_QUOTED || (p->at->kind == TOKEN_WORD && !is_reserved(p->at)))
        return parser_next(p)->value;
    parser_unexpected(p);
    return BYTES_NONE;
}

/* name -> [ [ default_catalog '.' ] default_database '.' ] identifier */
struct bytes expect_table_name(struct parser *p, const char *what, const struct token **at)
{
    struct bytes parts[3];
    unsigned count = 0;
    const struct token *first = p->at, *last;

    do {
        last = p->at;
        parts[count++] = expect_name(p, what);
    } while (!p->failed && count < 3 && is_sign(p->at, ".") && (parser_next(p), true));
    if (at)
        *at = last;
    if (p->failed)
        return BYTES_NONE;
    if ((count >= 2 && !bytes_is(parts[count - 2], "default_database")) ||
        (count == 3 && !bytes_is(parts[0], "default_catalog"))) {
        parser_error(p, first, DIAG_NAME, "there is only `default_catalog`.`default_database` here");
        return BYTES_NONE;
    }
    return parts[count - 1];
}

struct bytes expect_string(struct parser *p, const char *what)
{
    parser_want(p, what);
    if (p->at->kind == TOKEN_STRING)
        return parser_next(p)->value;
    parser_unexpected(p);
    return BYTES_NONE;
}

int64_t expect_integer(struct parser *p, const char *what)
{
    int64_t value = 0;

    parser_want(p, what);
    if (p->at->kind != TOKEN_INTEGER) {
        parser_unexpected(p);
        return 0;
    }
    if (!bytes_to_i64(p->at->text, &value))
        parser_error(p, p->at, DIAG_VALUE, "this number is too large");
    else
        parser_next(p);
    return value;
}
