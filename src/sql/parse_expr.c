/* Expressions: operators by precedence (Calcite's), then primaries. Special forms with words between
 * their arguments are in parse_special.c. */
#include "sql/parser.h"

struct ast_expr *ast_new(struct parser *p, enum ast_expr_kind kind, const struct token *at)
{
    struct ast_expr *e = ARENA_NEW(p->arena, struct ast_expr);

    e->kind = kind;
    e->at = at;
    e->depth = 1;
    return e;
}

/* Notes the text as written, and the depth, which is bounded so that later walks may recurse. */
struct ast_expr *ast_finish(struct parser *p, struct ast_expr *e)
{
    uint16_t depth = 0;

    if (p->failed)
        return NULL;
    for (uint16_t i = 0; i < e->args_count; i++) {
        if (e->args[i] && e->args[i]->depth > depth)
            depth = e->args[i]->depth;
    }
    if (e->operand && e->operand->depth > depth)
        depth = e->operand->depth;
    if (e->filter && e->filter->depth > depth)
        depth = e->filter->depth;
    e->depth = (uint16_t)(depth + 1);
    if (e->depth > AST_DEPTH_MAX)
        return parser_error(p, e->at, DIAG_LIMIT, "an expression may be nested %d deep",
                            AST_DEPTH_MAX);
    const uint8_t *from = e->at->text.ptr;
    if (e->args_count > 0 && e->args[0] && e->args[0]->text.ptr && e->args[0]->text.ptr < from)
        from = e->args[0]->text.ptr;
    const struct token *last = p->at - 1;
    e->text = bytes_of(from, (size_t)(last->text.ptr + last->text.len - from));
    return e;
}

struct ast_expr *ast_call(struct parser *p, const struct token *at, const char *name,
                          struct ast_expr **args, uint16_t count)
{
    struct ast_expr *e = ast_new(p, AST_CALL, at);

    e->name = bytes_str(name);
    e->args = args;
    e->args_count = count;
    return ast_finish(p, e);
}

static struct ast_expr *binary(struct parser *p, const struct token *at, const char *name,
                               struct ast_expr *left, struct ast_expr *right)
{
    if (p->failed)
        return NULL;
    struct ast_expr **args = ARENA_ARRAY(p->arena, struct ast_expr *, 2);
    args[0] = left;
    args[1] = right;
    return ast_call(p, at, name, args, 2);
}

static struct ast_expr *unary(struct parser *p, const struct token *at, const char *name,
                              struct ast_expr *arg)
{
    if (p->failed)
        return NULL;
    struct ast_expr **args = ARENA_ARRAY(p->arena, struct ast_expr *, 1);
    args[0] = arg;
    return ast_call(p, at, name, args, 1);
}

/* exprs -> expr { ',' expr } */
struct ast_expr **parse_exprs(struct parser *p, uint16_t *count)
{
    struct list list = {0};

    do {
        struct ast_expr **item = LIST_ADD(p, &list, struct ast_expr *);
        *item = parse_expr(p);
    } while (!p->failed && accept_sign(p, ","));
    *count = (uint16_t)list.count;
    return list.items;
}

/* sorts -> expr [ ASC | DESC ] [ NULLS ( FIRST | LAST ) ] { ',' … } */
struct ast_sort *parse_sorts(struct parser *p, uint16_t *count)
{
    struct list list = {0};

    do {
        struct ast_sort *sort = LIST_ADD(p, &list, struct ast_sort);
        sort->expr = parse_expr(p);
        if (accept_word(p, "DESC"))
            sort->descending = true;
        else
            accept_word(p, "ASC");
        if (accept_word(p, "NULLS")) {
            sort->nulls_given = true;
            sort->nulls_last = accept_word(p, "LAST");
            if (!sort->nulls_last)
                expect_word(p, "FIRST");
        }
    } while (!p->failed && accept_sign(p, ","));
    *count = (uint16_t)list.count;
    return list.items;
}

/* bound -> UNBOUNDED ( PRECEDING | FOLLOWING ) | CURRENT ROW | expr ( PRECEDING | FOLLOWING ) */
static struct ast_bound parse_bound(struct parser *p)
{
    struct ast_bound bound = {.at = p->at};

    if (accept_word(p, "CURRENT")) {
        expect_word(p, "ROW");
        return bound;
    }
    if (accept_word(p, "UNBOUNDED"))
        bound.unbounded = true;
    else
        bound.expr = parse_expr(p);
    if (accept_word(p, "FOLLOWING"))
        bound.following = true;
    else
        expect_word(p, "PRECEDING");
    return bound;
}

/* frame -> ( ROWS | RANGE ) ( bound | BETWEEN bound AND bound ) */
static void parse_frame(struct parser *p, struct ast_over *over)
{
    over->has_frame = true;
    over->rows = is_word(p->at, "ROWS");
    parser_next(p);
    if (!accept_word(p, "BETWEEN")) {
        over->start = parse_bound(p);
        return;
    }
    over->start = parse_bound(p);
    expect_word(p, "AND");
    over->end = parse_bound(p);
}

/* window -> '(' [ PARTITION BY exprs ] [ ORDER BY sorts ] [ frame ] ')' */
struct ast_over *parse_over_window(struct parser *p)
{
    struct ast_over *over = ARENA_NEW(p->arena, struct ast_over);

    over->at = p->at;
    expect_sign(p, "(");
    if (accept_word(p, "PARTITION")) {
        expect_word(p, "BY");
        over->partition = parse_exprs(p, &over->partition_count);
    }
    if (accept_word(p, "ORDER")) {
        expect_word(p, "BY");
        over->order = parse_sorts(p, &over->order_count);
    }
    if (at_word(p, "ROWS") || at_word(p, "RANGE"))
        parse_frame(p, over);
    expect_sign(p, ")");
    return over;
}

/* over -> OVER ( name | window ) */
static struct ast_over *parse_over(struct parser *p)
{
    if (p->at->kind != TOKEN_WORD && p->at->kind != TOKEN_QUOTED)
        return parse_over_window(p);
    struct ast_over *over = ARENA_NEW(p->arena, struct ast_over);
    over->at = p->at;
    over->window = expect_name(p, "a window's name");
    return over;
}

/* nulls -> [ ( IGNORE | RESPECT ) NULLS ] */
static void parse_nulls(struct parser *p, struct ast_expr *call)
{
    bool ignore = is_word(p->at, "IGNORE");

    if ((!ignore && !is_word(p->at, "RESPECT")) || !is_word(p->at + 1, "NULLS"))
        return;
    call->nulls = ignore ? "IGNORE NULLS" : "RESPECT NULLS";
    p->at += 2;
}

/* After a call's ')': FILTER '(' WHERE expr ')', OVER …, and what is known and not built */
struct ast_expr *parse_call_rest(struct parser *p, struct ast_expr *call)
{
    if (p->failed)
        return NULL;
    if (is_word(p->at, "WITHIN") && is_word(p->at + 1, "GROUP"))
        return parser_unsupported(p, p->at, "WITHIN GROUP");
    parse_nulls(p, call);
    if (is_word(p->at, "FILTER") && is_sign(p->at + 1, "(")) {
        p->at += 2;
        expect_word(p, "WHERE");
        call->filter = parse_expr(p);
        expect_sign(p, ")");
    }
    if (is_word(p->at, "OVER")) {
        parser_next(p);
        call->over = parse_over(p);
    }
    return ast_finish(p, call);
}

/* call -> name '(' [ [ DISTINCT | ALL ] exprs | '*' ] ')' … */
static struct ast_expr *parse_call(struct parser *p)
{
    const struct token *at = parser_next(p);
    struct ast_expr *call = ast_new(p, AST_CALL, at);

    call->name = at->value;
    expect_sign(p, "(");
    if (accept_sign(p, "*")) {
        call->star = true;
    } else if (!at_sign(p, ")")) {
        if (is_word(p->at, "DISTINCT"))
            call->distinct = (parser_next(p), true);
        else if (is_word(p->at, "ALL"))
            parser_next(p);
        call->args = parse_exprs(p, &call->args_count);
        parse_nulls(p, call);
        if (!p->failed && is_sign(p->at, "=>"))
            return parser_unsupported(p, p->at, "naming arguments of this function");
        if (!p->failed && is_word(p->at, "ORDER"))
            return parser_unsupported(p, p->at, "ORDER BY inside a function");
    }
    expect_sign(p, ")");
    return parse_call_rest(p, call);
}

/* case -> CASE [ expr ] WHEN expr THEN expr { WHEN … } [ ELSE expr ] END */
static struct ast_expr *parse_case(struct parser *p)
{
    struct ast_expr *e = ast_new(p, AST_CASE, parser_next(p));
    struct list list = {0};

    if (!at_word(p, "WHEN"))
        e->operand = parse_expr(p);
    expect_word(p, "WHEN");
    do {
        struct ast_expr **when = LIST_ADD(p, &list, struct ast_expr *);
        *when = parse_expr(p);
        expect_word(p, "THEN");
        struct ast_expr **then = LIST_ADD(p, &list, struct ast_expr *);
        *then = parse_expr(p);
    } while (!p->failed && accept_word(p, "WHEN"));
    if (accept_word(p, "ELSE"))
        *LIST_ADD(p, &list, struct ast_expr *) = parse_expr(p);
    expect_word(p, "END");
    e->args = list.items;
    e->args_count = (uint16_t)list.count;
    return ast_finish(p, e);
}

/* constructors: ROW '(' exprs ')' | ARRAY '[' [ exprs ] ']' | MAP '[' [ exprs ] ']' */
static struct ast_expr *parse_constructor(struct parser *p, enum ast_expr_kind kind,
                                          const char *open, const char *close)
{
    struct ast_expr *e = ast_new(p, kind, parser_next(p));

    expect_sign(p, open);
    if (!at_sign(p, close))
        e->args = parse_exprs(p, &e->args_count);
    expect_sign(p, close);
    if (!p->failed && kind == AST_MAP && e->args_count % 2 != 0)
        return parser_error(p, e->at, DIAG_SYNTAX, "MAP[…] needs a value for every key");
    return ast_finish(p, e);
}

/* '(' query ')' | '(' expr { ',' expr } ')': a sub-query, a bracket, or a row */
static struct ast_expr *parse_bracket(struct parser *p)
{
    const struct token *at = parser_next(p);

    if (at_query(p)) {
        struct ast_expr *e = ast_new(p, AST_SUBQUERY, at);
        e->query = parse_query(p);
        expect_sign(p, ")");
        return ast_finish(p, e);
    }
    struct ast_expr *first = parse_expr(p);
    if (accept_sign(p, ",")) {
        struct ast_expr *row = ast_new(p, AST_ROW, at);
        uint16_t count = 0;
        struct ast_expr **rest = parse_exprs(p, &count);
        row->args = ARENA_ARRAY(p->arena, struct ast_expr *, count + 1u);
        row->args[0] = first;
        memcpy(row->args + 1, rest, count * sizeof(*rest));
        row->args_count = (uint16_t)(count + 1);
        expect_sign(p, ")");
        return ast_finish(p, row);
    }
    expect_sign(p, ")");
    return p->failed ? NULL : first;
}

/* name -> identifier { '.' identifier } [ '.' '*' ] */
static struct ast_expr *parse_name(struct parser *p)
{
    struct ast_expr *e = ast_new(p, AST_NAME, p->at);
    struct list parts = {0};

    *LIST_ADD(p, &parts, struct bytes) = expect_name(p, "an expression");
    while (!p->failed && is_sign(p->at, ".")) {
        parser_next(p);
        if (is_sign(p->at, "*")) {
            parser_next(p);
            e->kind = AST_STAR;
            break;
        }
        if (p->at->kind == TOKEN_WORD) /* after a dot even a reserved word is a name */
            *LIST_ADD(p, &parts, struct bytes) = parser_next(p)->value;
        else
            *LIST_ADD(p, &parts, struct bytes) = expect_name(p, "a field's name");
    }
    e->parts = parts.items;
    e->parts_count = (uint16_t)parts.count;
    return ast_finish(p, e);
}

static struct ast_expr *parse_literal(struct parser *p)
{
    const struct token *t = p->at;
    struct ast_expr *e = NULL;

    if (t->kind == TOKEN_INTEGER || t->kind == TOKEN_DECIMAL || t->kind == TOKEN_APPROX)
        e = ast_new(p, AST_NUMBER, t);
    else if (t->kind == TOKEN_STRING)
        e = ast_new(p, AST_STRING, t);
    else if (is_word(t, "TRUE") || is_word(t, "FALSE"))
        e = ast_new(p, AST_BOOL, t);
    else if (is_word(t, "NULL") || is_word(t, "UNKNOWN"))
        e = ast_new(p, AST_NULL, t);
    if (!e)
        return NULL;
    parser_next(p);
    e->name = t->value;
    e->value = is_word(t, "TRUE");
    if (e->kind == AST_STRING && p->at->kind == TOKEN_STRING)
        return parser_unsupported(p, p->at, "a text in several pieces");
    return ast_finish(p, e);
}

static struct ast_expr *parse_primary_inner(struct parser *p)
{
    if (p->in_measures && is_word(p->at, "FINAL") && p->at[1].kind == TOKEN_WORD && is_sign(p->at + 2, "("))
        parser_next(p); /* the only meaning there is with one row per match */
    const struct token *t = p->at;
    struct ast_expr *e = parse_literal(p);

    if (e || p->failed)
        return e;
    if (is_word(t, "INTERVAL"))
        return parse_interval(p);
    if (is_word(t, "CASE"))
        return parse_case(p);
    if (is_word(t, "ROW") && is_sign(t + 1, "("))
        return parse_constructor(p, AST_ROW, "(", ")");
    if (is_word(t, "ARRAY") && is_sign(t + 1, "["))
        return parse_constructor(p, AST_ARRAY, "[", "]");
    if (is_word(t, "MAP") && is_sign(t + 1, "["))
        return parse_constructor(p, AST_MAP, "[", "]");
    if (is_word(t, "EXISTS") && is_sign(t + 1, "(")) {
        e = ast_new(p, AST_EXISTS, parser_next(p));
        expect_sign(p, "(");
        e->query = parse_query(p);
        expect_sign(p, ")");
        return ast_finish(p, e);
    }
    if (is_sign(t, "("))
        return parse_bracket(p);
    if (is_sign(t, "?"))
        return parser_unsupported(p, t, "a parameter in a statement");
    if (is_word(t, "U") && t[1].kind == TOKEN_SIGN && is_sign(t + 1, "&"))
        return parser_unsupported(p, t, "U&'…'");
    e = parse_special(p);
    if (e || p->failed)
        return e;
    if (is_sign(t + 1, "(") &&
        (t->kind == TOKEN_QUOTED || (t->kind == TOKEN_WORD &&
                                     (!is_reserved(t) || is_word(t, "LEFT") || is_word(t, "RIGHT")))))
        return parse_call(p);
    return parse_name(p);
}

/* primary -> atom { '.' field | '[' expr ']' } */
struct ast_expr *parse_primary(struct parser *p)
{
    struct ast_expr *e = parse_primary_inner(p);

    while (e && !p->failed) {
        const struct token *at = p->at;
        if (is_sign(at, "[")) {
            parser_next(p);
            struct ast_expr *index = parse_expr(p);
            expect_sign(p, "]");
            e = binary(p, at, "[]", e, index);
        } else if (is_sign(at, ".") && e->kind != AST_STAR && e->kind != AST_NUMBER) { /* of a name: in brackets */
            parser_next(p);
            if (is_sign(p->at, "*"))
                return parser_unsupported(p, at, "expanding the fields of a row with .*");
            struct ast_expr *field = ast_new(p, AST_FIELD, at);
            field->name = expect_name(p, "a field's name");
            field->args = ARENA_ARRAY(p->arena, struct ast_expr *, 1);
            field->args[0] = e;
            field->args_count = 1;
            e = ast_finish(p, field);
        } else {
            break;
        }
    }
    return p->failed ? NULL : e;
}

/* signed -> { '+' | '-' } primary */
static struct ast_expr *parse_signed(struct parser *p)
{
    const struct token *at = p->at;

    if (!is_sign(at, "-") && !is_sign(at, "+"))
        return parse_primary(p);
    if (!parser_enter(p))
        return NULL;
    parser_next(p);
    struct ast_expr *e = parse_signed(p);
    parser_leave(p);
    return is_sign(at, "-") ? unary(p, at, "-", e) : e;
}

/* product -> signed { ( '*' | '/' | '%' | '||' ) signed } */
static struct ast_expr *parse_product(struct parser *p)
{
    static const char *const signs[] = {"*", "/", "%", "||"};
    struct ast_expr *left = parse_signed(p);

    for (bool more = true; left && more && !p->failed;) {
        more = false;
        for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]) && !more; i++) {
            if (!is_sign(p->at, signs[i]))
                continue;
            const struct token *at = parser_next(p);
            left = binary(p, at, signs[i], left, parse_signed(p));
            more = true;
        }
    }
    return left;
}

/* sum -> product { ( '+' | '-' ) product } */
static struct ast_expr *parse_sum(struct parser *p)
{
    struct ast_expr *left = parse_product(p);

    while (left && !p->failed && (is_sign(p->at, "+") || is_sign(p->at, "-"))) {
        const struct token *at = parser_next(p);
        left = binary(p, at, is_sign(at, "+") ? "+" : "-", left, parse_product(p));
    }
    return left;
}

/* IN '(' query | exprs ')' */
static struct ast_expr *parse_in(struct parser *p, const struct token *at, struct ast_expr *left,
                                 bool negated)
{
    struct ast_expr *e = ast_new(p, AST_IN, at);
    uint16_t count = 0;
    struct ast_expr **items = NULL;

    e->negated = negated;
    expect_sign(p, "(");
    if (at_query(p))
        e->query = parse_query(p);
    else
        items = parse_exprs(p, &count);
    expect_sign(p, ")");
    if (p->failed)
        return NULL;
    e->args = ARENA_ARRAY(p->arena, struct ast_expr *, count + 1u);
    e->args[0] = left;
    if (count > 0)
        memcpy(e->args + 1, items, count * sizeof(*items));
    e->args_count = (uint16_t)(count + 1);
    return ast_finish(p, e);
}

static struct ast_expr *parse_between(struct parser *p, const struct token *at,
                                      struct ast_expr *left, bool negated)
{
    struct ast_expr *e = ast_new(p, AST_BETWEEN, at);

    e->negated = negated;
    if (is_word(p->at, "SYMMETRIC"))
        e->symmetric = (parser_next(p), true);
    else if (is_word(p->at, "ASYMMETRIC"))
        parser_next(p);
    e->args = ARENA_ARRAY(p->arena, struct ast_expr *, 3);
    e->args[0] = left;
    e->args[1] = parse_sum(p);
    expect_word(p, "AND");
    e->args[2] = parse_sum(p);
    e->args_count = 3;
    return ast_finish(p, e);
}

/* ( LIKE | SIMILAR TO ) sum [ ESCAPE text ] */
static struct ast_expr *parse_like(struct parser *p, const struct token *at, struct ast_expr *left,
                                   const char *name, bool negated)
{
    struct ast_expr **args = ARENA_ARRAY(p->arena, struct ast_expr *, 3);
    uint16_t count = 2;

    args[0] = left;
    args[1] = parse_sum(p);
    if (!p->failed && is_word(p->at, "ESCAPE")) {
        parser_next(p);
        args[2] = parse_sum(p);
        count = 3;
    }
    if (p->failed)
        return NULL;
    struct ast_expr *e = ast_call(p, at, name, args, count);
    return negated ? unary(p, at, "NOT", e) : e;
}

/* IS [ NOT ] ( NULL | TRUE | FALSE | UNKNOWN | JSON [ VALUE | OBJECT | ARRAY | SCALAR ] | DISTINCT FROM sum ) */
static struct ast_expr *parse_is(struct parser *p, const struct token *at, struct ast_expr *left)
{
    static const char *const words[] = {"NULL", "TRUE", "FALSE", "UNKNOWN"};
    static const char *const names[][2] = {{"IS NULL", "IS NOT NULL"},
                                           {"IS TRUE", "IS NOT TRUE"},
                                           {"IS FALSE", "IS NOT FALSE"},
                                           {"IS UNKNOWN", "IS NOT UNKNOWN"}};
    bool negated = accept_word(p, "NOT");

    for (size_t i = 0; i < 4; i++) {
        if (accept_word(p, words[i]))
            return unary(p, at, names[i][negated], left);
    }
    if (accept_word(p, "JSON"))
        return unary(p, at, parse_is_json(p, negated), left);
    expect_word(p, "DISTINCT");
    expect_word(p, "FROM");
    struct ast_expr *right = parse_sum(p);
    return binary(p, at, negated ? "IS NOT DISTINCT FROM" : "IS DISTINCT FROM", left, right);
}

/* comparison -> sum { sign sum | [ NOT ] ( IN | BETWEEN | LIKE ) … | IS … } */
static struct ast_expr *parse_comparison(struct parser *p)
{
    static const char *const signs[] = {"=", "<>", "!=", "<", "<=", ">", ">="};
    struct ast_expr *left = parse_sum(p);

    while (left && !p->failed) {
        const struct token *at = p->at;
        const char *sign = NULL;
        for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
            sign = is_sign(at, signs[i]) ? signs[i] : sign;
        if (sign) {
            parser_next(p);
            if ((is_word(p->at, "ANY") || is_word(p->at, "SOME") || is_word(p->at, "ALL")) &&
                is_sign(p->at + 1, "("))
                return parser_unsupported(p, p->at, "comparison with ANY or ALL of a query");
            left = binary(p, at, strcmp(sign, "!=") == 0 ? "<>" : sign, left, parse_sum(p));
            continue;
        }
        if (is_word(at, "IS")) {
            parser_next(p);
            left = parse_is(p, at, left);
            continue;
        }
        if (is_word(at, "OVERLAPS") && left->kind == AST_ROW) {
            parser_next(p);
            left = binary(p, at, "OVERLAPS", left, parse_sum(p));
            continue;
        }
        bool negated = is_word(at, "NOT") &&
                       (is_word(at + 1, "IN") || is_word(at + 1, "BETWEEN") ||
                        is_word(at + 1, "LIKE") || is_word(at + 1, "SIMILAR"));
        const struct token *word = negated ? at + 1 : at;
        if (!is_word(word, "IN") && !is_word(word, "BETWEEN") && !is_word(word, "LIKE") &&
            !is_word(word, "SIMILAR"))
            break;
        p->at = word + 1;
        if (is_word(word, "IN"))
            left = parse_in(p, word, left, negated);
        else if (is_word(word, "BETWEEN"))
            left = parse_between(p, word, left, negated);
        else if (is_word(word, "LIKE"))
            left = parse_like(p, word, left, "LIKE", negated);
        else if (expect_word(p, "TO"))
            left = parse_like(p, word, left, "SIMILAR TO", negated);
    }
    return p->failed ? NULL : left;
}

/* negation -> { NOT } comparison */
static struct ast_expr *parse_not(struct parser *p)
{
    if (!is_word(p->at, "NOT"))
        return parse_comparison(p);
    if (!parser_enter(p))
        return NULL;
    const struct token *at = parser_next(p);
    struct ast_expr *e = parse_not(p);
    parser_leave(p);
    return unary(p, at, "NOT", e);
}

/* conjunction -> negation { AND negation } */
static struct ast_expr *parse_and(struct parser *p)
{
    struct ast_expr *left = parse_not(p);

    while (left && !p->failed && is_word(p->at, "AND")) {
        const struct token *at = parser_next(p);
        left = binary(p, at, "AND", left, parse_not(p));
    }
    return left;
}

/* expr -> conjunction { OR conjunction } */
struct ast_expr *parse_expr(struct parser *p)
{
    if (!parser_enter(p))
        return NULL;
    struct ast_expr *left = parse_and(p);
    while (left && !p->failed && is_word(p->at, "OR")) {
        const struct token *at = parser_next(p);
        left = binary(p, at, "OR", left, parse_and(p));
    }
    parser_leave(p);
    return p->failed ? NULL : left;
}
