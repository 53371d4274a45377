/* parser.h: what the files of the parser share: the cursor over tokens, and errors.
 *
 * Recursive descent, one function a rule, the rule above it. The first error is kept and moves the
 * cursor to the end, so that rules need not unwind: they return what they have, and lists stop at
 * `failed`. What would have been accepted at the furthest token is collected, for "expected …".
 *
 * Owns: nothing; nodes live in the script's arena.
 * Limits: PARSER_DEPTH_MAX nested rules, AST_DEPTH_MAX levels of an expression, PARSER_LIST_MAX
 *         items of a list.   Layer: sql.
 */
#ifndef QW_SQL_PARSER_H
#define QW_SQL_PARSER_H

#include "sql/ast.h"

enum { PARSER_DEPTH_MAX = 100, AST_DEPTH_MAX = 400, PARSER_LIST_MAX = 10000, PARSER_WANTED_MAX = 24 };

struct parser {
    struct arena *arena;
    struct bytes text;
    const struct token *tokens;
    uint32_t count;
    const struct token *at;
    unsigned depth, type_depth;
    bool in_measures; /* of MATCH_RECOGNIZE: FINAL may stand before a call */
    bool failed;
    enum status status;
    struct diag *diag;
    const struct token *wanted_at; /* the token that `wanted` is about */
    const char *wanted[PARSER_WANTED_MAX];
    unsigned wanted_count;
};

/* ---- cursor: parse_cursor.c ---- */
bool at_word(struct parser *p, const char *word);   /* remembers what was looked for */
bool at_sign(struct parser *p, const char *sign);
bool accept_word(struct parser *p, const char *word);
bool accept_words(struct parser *p, const char *first, const char *second); /* both or none */
bool accept_sign(struct parser *p, const char *sign);
bool expect_word(struct parser *p, const char *word);
bool expect_sign(struct parser *p, const char *sign);
/* Look without remembering. */
bool is_word(const struct token *t, const char *word);
bool is_sign(const struct token *t, const char *sign);
const struct token *parser_next(struct parser *p);
void parser_want(struct parser *p, const char *what);
bool is_reserved(const struct token *t);

struct bytes expect_name(struct parser *p, const char *what);
/* catalog.database.table: only the default ones; the table's name. */
struct bytes expect_table_name(struct parser *p, const char *what, const struct token **at);
struct bytes expect_string(struct parser *p, const char *what);
int64_t expect_integer(struct parser *p, const char *what);

/* Says what was expected at the cursor. Always returns NULL, as the others. */
void *parser_unexpected(struct parser *p);
void *parser_error(struct parser *p, const struct token *at, enum diag_code code,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));
void *parser_unsupported(struct parser *p, const struct token *at, const char *what);
bool parser_enter(struct parser *p); /* one level deeper; parser_leave when true */
void parser_leave(struct parser *p);
struct bytes parser_span(const struct parser *p, const struct token *from); /* up to the cursor */

/* A list that grows in the arena. */
struct list {
    void *items;
    uint32_t count, cap;
};
void *list_add(struct parser *p, struct list *list, size_t item_size);
#define LIST_ADD(p, list, type) ((type *)list_add((p), (list), sizeof(type)))

/* ---- rules ---- */
struct ast_expr *parse_expr(struct parser *p);
struct ast_expr **parse_exprs(struct parser *p, uint16_t *count);
struct ast_over *parse_over_window(struct parser *p); /* ( PARTITION BY … ORDER BY … ROWS … ) */
struct ast_expr *parse_primary(struct parser *p);
struct ast_expr *parse_special(struct parser *p);  /* NULL without failure: none of them */
struct ast_expr *parse_json_call(struct parser *p);        /* at its name; NULL without failure: none of them */
const char *parse_is_json(struct parser *p, bool negated); /* behind IS [NOT] JSON: the operator */
struct ast_expr *parse_interval(struct parser *p);
struct ast_expr *parse_call_rest(struct parser *p, struct ast_expr *call);
struct ast_sort *parse_sorts(struct parser *p, uint16_t *count);
struct ast_expr *ast_new(struct parser *p, enum ast_expr_kind kind, const struct token *at);
struct ast_expr *ast_call(struct parser *p, const struct token *at, const char *name,
                          struct ast_expr **args, uint16_t count);
struct ast_expr *ast_finish(struct parser *p, struct ast_expr *e); /* text and depth */

const struct type *parse_type(struct parser *p);
const char *parse_time_unit(struct parser *p); /* upper case, singular; NULL: failed */
bool at_time_unit(const struct token *t);

struct ast_query *parse_query(struct parser *p);
bool at_query(const struct parser *p);
struct ast_from *parse_from(struct parser *p);
struct ast_match *parse_match(struct parser *p);                  /* at MATCH_RECOGNIZE */
struct bytes *parse_name_list(struct parser *p, uint16_t *count); /* ( a, b ) */
struct ast_options parse_options(struct parser *p); /* ( 'k' = 'v', … ) */
/* HINT word '(' 'k' '=' 'v' { ',' … } ')' { ',' … } HINT_END: each is given to the function of its word; others are refused
 * by name. NULL at the end of words. */
struct hint_word {
    const char *word;
    void (*take)(struct parser *p, void *to, const struct token *at, struct ast_options options);
};
void parse_hints(struct parser *p, const struct hint_word *words, void *to);
/* Of a table: OPTIONS alone, all in one. */
struct ast_options parse_table_hints(struct parser *p);
/* More options before those there are: of one key the last counts, but that of the first hint (as in Flink). to: struct
 * ast_options. */
void hint_options_add(struct parser *p, void *to, const struct token *at, struct ast_options more);

void parse_create(struct parser *p, struct statement *out, struct ast *ast);
void parse_drop(struct parser *p, struct statement *out);
void parse_statement(struct parser *p, struct statement *out);
void parse_insert(struct parser *p, struct ast_insert *out);

#endif
