/* FROM: tables, sub-queries, window table functions, joins. */
#include "sql/parser.h"

static struct ast_from *from_new(struct parser *p, enum ast_from_kind kind, const struct token *at)
{
    struct ast_from *from = ARENA_NEW(p->arena, struct ast_from);

    from->kind = kind;
    from->at = at;
    return from;
}

void hint_options_add(struct parser *p, void *to, const struct token *at, struct ast_options more)
{
    struct ast_options *options = to;
    struct ast_option *items = ARENA_ARRAY(p->arena, struct ast_option, options->count + more.count + 1u);

    (void)at;
    if (more.count > 0)
        memcpy(items, more.items, more.count * sizeof(*items));
    if (options->count > 0)
        memcpy(items + more.count, options->items, options->count * sizeof(*items));
    options->items = items;
    options->count = (uint16_t)(options->count + more.count);
}

/* hint -> word '(' 'k' '=' 'v' { ',' … } ')' */
static void parse_hint(struct parser *p, const struct hint_word *words, void *to)
{
    const struct token *at = p->at;

    while (words->word && !is_word(at, words->word))
        words++;
    if (!words->word && at->kind == TOKEN_WORD) {
        parser_unsupported(p, at, arena_printf(p->arena, "the hint %.*s", BYTES_FMT(bytes_head(at->text, 40))));
        return;
    }
    if (!words->word) {
        parser_want(p, "a hint's name");
        parser_unexpected(p);
        return;
    }
    parser_next(p);
    struct ast_options options = parse_options(p);
    if (!p->failed && options.count == 0)
        parser_error(p, at, DIAG_SYNTAX, "%s says nothing: %s('name' = 'value')", words->word, words->word);
    if (!p->failed)
        words->take(p, to, at, options);
}

void parse_hints(struct parser *p, const struct hint_word *words, void *to)
{
    if (p->failed || p->at->kind != TOKEN_HINT)
        return;
    parser_next(p);
    do
        parse_hint(p, words, to);
    while (!p->failed && accept_sign(p, ","));
    if (!p->failed && p->at->kind != TOKEN_HINT_END) {
        parser_want(p, "*/");
        parser_unexpected(p);
    } else if (!p->failed) {
        parser_next(p);
    }
}

struct ast_options parse_table_hints(struct parser *p)
{
    static const struct hint_word words[] = {{"OPTIONS", hint_options_add}, {NULL, NULL}};
    struct ast_options options = {0};

    parse_hints(p, words, &options);
    return options;
}

/* alias -> [ [ AS ] name [ names ] ] */
static void parse_alias(struct parser *p, struct ast_from *from)
{
    if (p->failed)
        return;
    if (accept_word(p, "AS"))
        from->alias = expect_name(p, "an alias");
    else if (p->at->kind == TOKEN_QUOTED || (p->at->kind == TOKEN_WORD && !is_reserved(p->at)))
        from->alias = parser_next(p)->value;
    if (from->alias.len > 0 && is_sign(p->at, "("))
        from->alias_columns = parse_name_list(p, &from->alias_columns_count);
}

/* What may follow a table and is not built. */
static void refuse_after_table(struct parser *p)
{
    if (p->failed)
        return;
    if (is_word(p->at, "FOR") && is_word(p->at + 1, "SYSTEM_TIME")) {
        parser_error(p, p->at, DIAG_SYNTAX, "FOR SYSTEM_TIME AS OF belongs right behind the name of a table or view");
        diag_hint(p->diag, "JOIN t FOR SYSTEM_TIME AS OF o.ts AS alias ON …; a query in brackets can be made a view");
    } else if (is_word(p->at, "TABLESAMPLE"))
        parser_unsupported(p, p->at, "TABLESAMPLE");
    else if (is_word(p->at, "PIVOT") || is_word(p->at, "UNPIVOT"))
        parser_unsupported(p, p->at, "PIVOT");
}

/* as_of -> FOR SYSTEM_TIME AS OF expr */
static struct ast_expr *parse_as_of(struct parser *p)
{
    p->at += 2;
    expect_word(p, "AS");
    expect_word(p, "OF");
    return p->failed ? NULL : parse_expr(p);
}

static struct ast_from *parse_table_ref(struct parser *p)
{
    struct ast_from *from = from_new(p, FROM_TABLE, p->at);

    from->name = expect_table_name(p, "a table's name", &from->at);
    if (!p->failed && is_sign(p->at, "("))
        return parser_unsupported(p, from->at, "this table function");
    from->hints = parse_table_hints(p);
    if (!p->failed && is_word(p->at, "FOR") && is_word(p->at + 1, "SYSTEM_TIME"))
        from->as_of = parse_as_of(p);
    return from;
}

/* ---- window table functions ---- */

struct window_word {
    const char *word;
    enum window_kind kind;
};

static const struct window_word window_words[] = {{"TUMBLE", WINDOW_TUMBLE},
                                                  {"HOP", WINDOW_HOP},
                                                  {"CUMULATE", WINDOW_CUMULATE},
                                                  {"SESSION", WINDOW_SESSION}};

static const struct window_word *at_window(const struct token *t)
{
    for (size_t i = 0; i < 4; i++) {
        if (is_word(t, window_words[i].word) && is_sign(t + 1, "("))
            return &window_words[i];
    }
    return NULL;
}

static struct ast_expr *parse_column(struct parser *p)
{
    struct ast_expr *e = ast_new(p, AST_NAME, p->at);

    e->parts = ARENA_NEW(p->arena, struct bytes);
    e->parts[0] = expect_name(p, "a column's name");
    e->parts_count = 1;
    return ast_finish(p, e);
}

/* [ PARTITION BY ( name | '(' name { ',' name } ')' ) ], for SESSION alone */
static void parse_window_partition(struct parser *p, struct ast_from *window)
{
    struct list list = {0};

    if (p->failed || !is_word(p->at, "PARTITION"))
        return;
    if (window->window != WINDOW_SESSION) {
        parser_unsupported(p, p->at, "PARTITION BY in a window table function other than SESSION");
        return;
    }
    parser_next(p);
    expect_word(p, "BY");
    bool several = accept_sign(p, "(");
    do {
        struct ast_expr **column = LIST_ADD(p, &list, struct ast_expr *);
        *column = parse_column(p);
    } while (several && !p->failed && accept_sign(p, ","));
    if (several)
        expect_sign(p, ")");
    window->partition = list.items;
    window->partition_count = list.count;
}

/* data -> ( TABLE name | [ TABLE ] '(' query ')' ) partition */
static struct ast_from *parse_window_data(struct parser *p, struct ast_from *window)
{
    struct ast_from *from;

    bool table = accept_word(p, "TABLE");
    if (is_sign(p->at, "(")) {
        from = from_new(p, FROM_QUERY, parser_next(p));
        from->query = parse_query(p);
        expect_sign(p, ")");
    } else if (table) {
        from = parse_table_ref(p);
    } else {
        return parser_unexpected(p);
    }
    parse_window_partition(p, window);
    return from;
}

/* DESCRIPTOR '(' name ')' */
static struct ast_expr *parse_descriptor(struct parser *p)
{
    expect_word(p, "DESCRIPTOR");
    expect_sign(p, "(");
    struct ast_expr *e = parse_column(p);
    expect_sign(p, ")");
    return p->failed ? NULL : e;
}

static struct ast_expr **window_slot(struct ast_from *from, unsigned position)
{
    switch (from->window) {
    case WINDOW_TUMBLE:
        return position == 2 ? &from->size : position == 3 ? &from->offset : NULL;
    case WINDOW_HOP:
    case WINDOW_CUMULATE:
        return position == 2   ? &from->slide
               : position == 3 ? &from->size
               : position == 4 ? &from->offset
                               : NULL;
    case WINDOW_SESSION:
        return position == 2 ? &from->size : NULL;
    }
    return NULL;
}

/* The position that a name stands for; -1: no such name. */
static int window_arg_named(const struct token *name, const struct ast_from *from)
{
    if (bytes_is_nocase(name->value, "DATA"))
        return 0;
    if (bytes_is_nocase(name->value, "TIMECOL"))
        return 1;
    bool sliding = from->window == WINDOW_HOP || from->window == WINDOW_CUMULATE;
    if (bytes_is_nocase(name->value, "SLIDE") || bytes_is_nocase(name->value, "STEP"))
        return sliding ? 2 : -1;
    if (bytes_is_nocase(name->value, "SIZE") || bytes_is_nocase(name->value, "GAP"))
        return sliding ? 3 : 2;
    if (bytes_is_nocase(name->value, "OFFSET"))
        return sliding ? 4 : 3;
    return -1;
}

/* window -> ( TUMBLE | HOP | CUMULATE | SESSION ) '(' arg { ',' arg } ')'
 * arg -> [ name '=>' ] ( data | DESCRIPTOR … | expr ) */
static struct ast_from *parse_window(struct parser *p, const struct window_word *word)
{
    struct ast_from *from = from_new(p, FROM_WINDOW, parser_next(p));
    unsigned position = 0;

    from->window = word->kind;
    expect_sign(p, "(");
    do {
        unsigned slot = position++;
        if ((p->at->kind == TOKEN_WORD || p->at->kind == TOKEN_QUOTED) &&
            is_sign(p->at + 1, "=>")) {
            int named = window_arg_named(p->at, from);
            if (named < 0)
                return parser_error(p, p->at, DIAG_NAME, "%s has no argument `%.*s`", word->word,
                                    BYTES_FMT(bytes_head(p->at->text, 60)));
            slot = (unsigned)named;
            p->at += 2;
        }
        struct ast_expr **expr = window_slot(from, slot);
        if (slot == 0)
            from->input = parse_window_data(p, from);
        else if (slot == 1)
            from->time = parse_descriptor(p);
        else if (expr)
            *expr = parse_expr(p);
        else
            return parser_error(p, p->at, DIAG_SYNTAX, "%s takes fewer arguments", word->word);
    } while (!p->failed && accept_sign(p, ","));
    expect_sign(p, ")");
    bool sliding = word->kind == WINDOW_HOP || word->kind == WINDOW_CUMULATE;
    if (!p->failed && (!from->input || !from->time || !from->size || (sliding && !from->slide))) {
        parser_error(p, from->at, DIAG_SYNTAX, "%s lacks an argument", word->word);
        diag_hint(p->diag, "%s(TABLE t, DESCRIPTOR(time), %sINTERVAL '…' MINUTE)", word->word,
                  sliding ? "INTERVAL '…' MINUTE, " : "");
    }
    return p->failed ? NULL : from;
}

/* unnest -> UNNEST '(' expr ')' [ WITH ORDINALITY ] */
static struct ast_from *parse_unnest(struct parser *p)
{
    struct ast_from *from = from_new(p, FROM_UNNEST, parser_next(p));

    expect_sign(p, "(");
    from->list = parse_expr(p);
    expect_sign(p, ")");
    if (accept_word(p, "WITH")) {
        expect_word(p, "ORDINALITY");
        from->ordinality = true;
    }
    return p->failed ? NULL : from;
}

/* matched -> factor MATCH_RECOGNIZE … alias */
static struct ast_from *parse_matched(struct parser *p, struct ast_from *input)
{
    struct ast_from *from = from_new(p, FROM_MATCH, p->at);

    from->input = input;
    from->match = parse_match(p);
    parse_alias(p, from);
    return from;
}

/* ---- table factors and joins ---- */

/* factor -> name [ hints ] [ as_of ] | '(' query ')' | '(' from ')' | unnest | [ TABLE '(' ] window [ ')' ], with alias */
static struct ast_from *parse_factor(struct parser *p)
{
    const struct token *at = p->at;
    struct ast_from *from = NULL;

    if (!parser_enter(p))
        return NULL;
    if (is_word(at, "LATERAL"))
        return parser_unsupported(p, at, "LATERAL");
    if (is_word(at, "TABLE") && is_sign(at + 1, "(")) {
        p->at += 2;
        const struct window_word *word = at_window(p->at);
        if (!word)
            return parser_unsupported(p, p->at, "a table function other than TUMBLE, HOP, CUMULATE and SESSION");
        from = parse_window(p, word);
        expect_sign(p, ")");
    } else if (at_window(at)) {
        from = parse_window(p, at_window(at));
    } else if (is_word(at, "UNNEST") && is_sign(at + 1, "(")) {
        from = parse_unnest(p);
    } else if (is_sign(at, "(") && at_query(p)) {
        from = from_new(p, FROM_QUERY, parser_next(p));
        from->query = parse_query(p);
        expect_sign(p, ")");
    } else if (is_sign(at, "(")) {
        parser_next(p);
        from = parse_from(p);
        expect_sign(p, ")");
        parser_leave(p);
        return from;
    } else {
        parser_want(p, "'('");
        from = parse_table_ref(p);
    }
    refuse_after_table(p);
    if (from)
        parse_alias(p, from);
    refuse_after_table(p);
    if (from && !p->failed && is_word(p->at, "MATCH_RECOGNIZE"))
        from = parse_matched(p, from);
    parser_leave(p);
    return p->failed ? NULL : from;
}

/* The words before JOIN; false: there is no join here. */
static bool accept_join(struct parser *p, enum join_kind *kind, bool *cross)
{
    *cross = false;
    *kind = JOIN_INNER;
    if (is_word(p->at, "NATURAL")) {
        parser_unsupported(p, p->at, "NATURAL JOIN");
        return false;
    }
    if (accept_word(p, "JOIN"))
        return true;
    if (accept_word(p, "INNER")) {
        expect_word(p, "JOIN");
        return !p->failed;
    }
    if (accept_word(p, "CROSS")) {
        *cross = true;
        expect_word(p, "JOIN");
        return !p->failed;
    }
    if (accept_word(p, "LEFT"))
        *kind = JOIN_LEFT;
    else if (accept_word(p, "RIGHT"))
        *kind = JOIN_RIGHT;
    else if (accept_word(p, "FULL"))
        *kind = JOIN_FULL;
    else
        return false;
    if (is_word(p->at, "OUTER"))
        parser_next(p);
    else if (is_word(p->at, "SEMI") || is_word(p->at, "ANTI"))
        parser_unsupported(p, p->at, "SEMI and ANTI JOIN as words");
    expect_word(p, "JOIN");
    return !p->failed;
}

/* joined -> factor { join factor [ ON expr | USING names ] } */
static struct ast_from *parse_joined(struct parser *p)
{
    struct ast_from *left = parse_factor(p);
    enum join_kind kind;
    bool cross;

    while (left && !p->failed) {
        const struct token *at = p->at;
        if (!accept_join(p, &kind, &cross))
            break;
        struct ast_from *join = from_new(p, FROM_JOIN, at);
        join->join = kind;
        join->left = left;
        join->right = parse_factor(p);
        if (!cross && accept_word(p, "ON"))
            join->on = parse_expr(p);
        else if (!cross && accept_word(p, "USING"))
            join->using_columns = parse_name_list(p, &join->using_count);
        else if (!cross && !p->failed)
            return parser_unexpected(p);
        left = join;
        if (!parser_enter(p)) /* a chain of joins is a deep tree */
            return NULL;
    }
    return p->failed ? NULL : left;
}

/* from -> joined { ',' joined } */
struct ast_from *parse_from(struct parser *p)
{
    if (!parser_enter(p))
        return NULL;
    unsigned depth = p->depth;
    struct ast_from *left = parse_joined(p);
    while (left && !p->failed && is_sign(p->at, ",")) {
        struct ast_from *join = from_new(p, FROM_JOIN, parser_next(p));
        join->join = JOIN_INNER;
        join->left = left;
        join->right = parse_joined(p);
        left = join;
        if (!parser_enter(p))
            return NULL;
    }
    p->depth = depth;
    parser_leave(p);
    return p->failed ? NULL : left;
}
