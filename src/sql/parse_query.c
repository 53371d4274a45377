/* Queries: WITH, set operations, SELECT, VALUES, ORDER BY and LIMIT. FROM is in parse_from.c. */
#include "sql/parser.h"

bool at_query(const struct parser *p)
{
    const struct token *t = p->at;

    while (is_sign(t, "("))
        t++;
    return is_word(t, "SELECT") || is_word(t, "VALUES") || is_word(t, "WITH");
}

/* names -> '(' name { ',' name } ')' */
struct bytes *parse_name_list(struct parser *p, uint16_t *count)
{
    struct list list = {0};

    expect_sign(p, "(");
    do {
        *LIST_ADD(p, &list, struct bytes) = expect_name(p, "a column's name");
    } while (!p->failed && accept_sign(p, ","));
    expect_sign(p, ")");
    *count = (uint16_t)list.count;
    return list.items;
}

static struct ast_select *select_new(struct parser *p, enum ast_set_kind kind)
{
    struct ast_select *s = ARENA_NEW(p->arena, struct ast_select);

    s->kind = kind;
    s->at = p->at;
    return s;
}

/* items -> ( '*' | name '.' '*' | expr [ [ AS ] name ] ) { ',' … } */
static void parse_items(struct parser *p, struct ast_select *s)
{
    struct list list = {0};

    do {
        struct ast_item *item = LIST_ADD(p, &list, struct ast_item);
        if (is_sign(p->at, "*")) {
            item->expr = ast_new(p, AST_STAR, parser_next(p));
            ast_finish(p, item->expr);
            if (is_word(p->at, "EXCEPT") && is_sign(p->at + 1, "("))
                parser_unsupported(p, p->at, "SELECT * EXCEPT (…)");
            continue;
        }
        parser_want(p, "an expression");
        item->expr = parse_expr(p);
        if (accept_word(p, "AS"))
            item->alias = expect_name(p, "a name");
        else if (p->at->kind == TOKEN_QUOTED ||
                 (p->at->kind == TOKEN_WORD && !is_reserved(p->at)))
            item->alias = parser_next(p)->value;
    } while (!p->failed && accept_sign(p, ","));
    s->items = list.items;
    s->items_count = (uint16_t)list.count;
}

/* group -> GROUP BY exprs; GROUPING SETS, ROLLUP and CUBE are refused by name */
static void parse_group(struct parser *p, struct ast_select *s)
{
    expect_word(p, "BY");
    s->grouped = true;
    if (is_sign(p->at, "(") && is_sign(p->at + 1, ")")) {
        p->at += 2;
        return;
    }
    static const char *const refused[] = {"GROUPING", "ROLLUP", "CUBE"};
    struct list list = {0};
    do {
        for (size_t i = 0; i < 3; i++) {
            if (is_word(p->at, refused[i]) &&
                (is_sign(p->at + 1, "(") || is_word(p->at + 1, "SETS"))) {
                parser_unsupported(p, p->at, i == 0 ? "GROUPING SETS" : refused[i]);
                return;
            }
        }
        *LIST_ADD(p, &list, struct ast_expr *) = parse_expr(p);
    } while (!p->failed && accept_sign(p, ","));
    s->group = list.items;
    s->group_count = (uint16_t)list.count;
}

/* windows -> name AS window { ',' name AS window } */
static void parse_windows(struct parser *p, struct ast_select *s)
{
    struct list list = {0};

    do {
        struct ast_window *window = LIST_ADD(p, &list, struct ast_window);
        window->name = expect_name(p, "a window's name");
        expect_word(p, "AS");
        window->over = parse_over_window(p);
    } while (!p->failed && accept_sign(p, ","));
    s->windows = list.items;
    s->windows_count = (uint16_t)list.count;
}

static void take_ttls(struct parser *p, void *to, const struct token *at, struct ast_options options)
{
    struct ast_select *s = to;

    hint_options_add(p, &s->ttls, at, options);
}

static void take_lookup(struct parser *p, void *to, const struct token *at, struct ast_options options)
{
    struct ast_select *s = to;
    struct ast_lookup_hint *grown = ARENA_ARRAY(p->arena, struct ast_lookup_hint, s->lookups_count + 1u);

    if (s->lookups_count)
        memcpy(grown, s->lookups, s->lookups_count * sizeof(*grown));
    grown[s->lookups_count++] = (struct ast_lookup_hint){at, options};
    s->lookups = grown;
}

/* select -> SELECT [ hints of STATE_TTL, LOOKUP ] [ DISTINCT | ALL ] items [ FROM from ] [ WHERE expr ] [ GROUP BY … ]
 *           [ HAVING expr ] */
static struct ast_select *parse_select(struct parser *p)
{
    struct ast_select *s = select_new(p, SET_SELECT);

    expect_word(p, "SELECT");
    static const struct hint_word hints[] = {{"STATE_TTL", take_ttls}, {"LOOKUP", take_lookup}, {NULL, NULL}};
    parse_hints(p, hints, s);
    if (p->failed)
        return NULL;
    if (is_word(p->at, "DISTINCT"))
        s->distinct = (parser_next(p), true);
    else if (is_word(p->at, "ALL"))
        parser_next(p);
    parse_items(p, s);
    if (accept_word(p, "FROM"))
        s->from = parse_from(p);
    if (accept_word(p, "WHERE"))
        s->where = parse_expr(p);
    if (accept_word(p, "GROUP"))
        parse_group(p, s);
    if (accept_word(p, "HAVING"))
        s->having = parse_expr(p);
    if (accept_word(p, "WINDOW"))
        parse_windows(p, s);
    if (!p->failed && is_word(p->at, "QUALIFY"))
        return parser_unsupported(p, p->at, "QUALIFY");
    return s;
}

/* values -> VALUES row { ',' row },  row -> '(' exprs ')' | ROW '(' exprs ')' | expr */
static struct ast_select *parse_values(struct parser *p)
{
    struct ast_select *s = select_new(p, SET_VALUES);
    struct list list = {0};

    expect_word(p, "VALUES");
    do {
        const struct token *at = p->at;
        bool bracket = is_sign(at, "(");
        struct ast_expr *e = parse_expr(p);
        if (!p->failed && e->kind != AST_ROW) {
            struct ast_expr *row = ast_new(p, AST_ROW, at);
            row->args = ARENA_ARRAY(p->arena, struct ast_expr *, 1);
            row->args[0] = e;
            row->args_count = 1;
            e = ast_finish(p, row);
        }
        (void)bracket;
        *LIST_ADD(p, &list, struct ast_expr *) = e;
    } while (!p->failed && accept_sign(p, ","));
    s->rows = (struct ast_expr **)list.items;
    s->rows_count = list.count;
    return s;
}

static struct ast_query *query_of(struct parser *p, struct ast_select *s)
{
    struct ast_query *q = ARENA_NEW(p->arena, struct ast_query);

    q->at = s ? s->at : p->at;
    q->select = s;
    q->text = parser_span(p, q->at);
    return q;
}

/* term -> select | values | '(' query ')' */
static struct ast_query *parse_term(struct parser *p)
{
    if (is_sign(p->at, "(")) {
        parser_next(p);
        struct ast_query *q = parse_query(p);
        expect_sign(p, ")");
        return q;
    }
    if (is_word(p->at, "VALUES"))
        return query_of(p, parse_values(p));
    parser_want(p, "VALUES");
    return query_of(p, parse_select(p));
}

/* Behind the word of a set operation: [ ALL | DISTINCT ] operand */
static struct ast_query *parse_operand(struct parser *p, enum ast_set_kind kind, struct ast_query *left,
                                       struct ast_query *(*operand)(struct parser *p))
{
    struct ast_select *s = select_new(p, kind);

    s->all = accept_word(p, "ALL");
    if (!s->all && is_word(p->at, "DISTINCT"))
        parser_next(p);
    s->left = left;
    s->right = operand(p);
    return parser_enter(p) ? query_of(p, s) : NULL; /* a chain of them is a deep tree */
}

/* meet -> term { INTERSECT [ ALL | DISTINCT ] term } */
static struct ast_query *parse_meet(struct parser *p)
{
    struct ast_query *left = parse_term(p);

    while (!p->failed && accept_word(p, "INTERSECT"))
        left = parse_operand(p, SET_INTERSECT, left, parse_term);
    return left;
}

/* set -> meet { ( UNION | EXCEPT ) [ ALL | DISTINCT ] meet } */
static struct ast_query *parse_set(struct parser *p)
{
    struct ast_query *left = parse_meet(p);

    while (!p->failed) {
        if (accept_word(p, "UNION"))
            left = parse_operand(p, SET_UNION, left, parse_meet);
        else if (accept_word(p, "EXCEPT"))
            left = parse_operand(p, SET_EXCEPT, left, parse_meet);
        else
            break;
    }
    return left;
}

/* tail -> [ ORDER BY sorts ] [ LIMIT ( n | ALL ) ] [ OFFSET n [ ROW | ROWS ] ]
 *         [ FETCH ( FIRST | NEXT ) [ n ] ( ROW | ROWS ) ONLY ] */
static void parse_tail(struct parser *p, struct ast_query *q)
{
    q->limit = -1;
    if (accept_word(p, "ORDER")) {
        expect_word(p, "BY");
        q->order = parse_sorts(p, &q->order_count);
    }
    if (accept_word(p, "LIMIT")) {
        if (!accept_word(p, "ALL")) {
            q->has_limit = true;
            q->limit = expect_integer(p, "a number of rows");
        }
        if (is_sign(p->at, ","))
            parser_unsupported(p, p->at, "LIMIT start, count");
    }
    if (accept_word(p, "OFFSET")) {
        q->skip = expect_integer(p, "a number of rows");
        if (is_word(p->at, "ROW") || is_word(p->at, "ROWS"))
            parser_next(p);
    }
    if (accept_word(p, "FETCH")) {
        if (!accept_word(p, "FIRST"))
            expect_word(p, "NEXT");
        q->has_limit = true;
        q->limit = p->at->kind == TOKEN_INTEGER ? expect_integer(p, "a number of rows") : 1;
        if (!accept_word(p, "ROWS"))
            expect_word(p, "ROW");
        expect_word(p, "ONLY");
    }
}

/* with -> WITH name [ names ] AS '(' query ')' { ',' … } */
static void parse_with(struct parser *p, struct list *list)
{
    do {
        struct ast_with *with = LIST_ADD(p, list, struct ast_with);
        if (is_word(p->at, "RECURSIVE")) {
            parser_unsupported(p, p->at, "WITH RECURSIVE");
            return;
        }
        with->name = expect_name(p, "a name");
        if (at_sign(p, "("))
            with->columns = parse_name_list(p, &with->columns_count);
        expect_word(p, "AS");
        expect_sign(p, "(");
        with->query = parse_query(p);
        expect_sign(p, ")");
    } while (!p->failed && accept_sign(p, ","));
}

/* query -> [ WITH … ] set tail */
struct ast_query *parse_query(struct parser *p)
{
    if (!parser_enter(p))
        return NULL;
    unsigned depth = p->depth;
    const struct token *at = p->at;
    struct list with = {0};
    if (accept_word(p, "WITH"))
        parse_with(p, &with);
    struct ast_query *q = parse_set(p);
    p->depth = depth;
    if (!p->failed && (with.count > 0 || at_word(p, "ORDER") || at_word(p, "LIMIT") ||
                       at_word(p, "OFFSET") || at_word(p, "FETCH"))) {
        if (q->with_count > 0 || q->order_count > 0 || q->has_limit) {
            /* (query in brackets) with a tail of its own outside: as a sub-query */
            struct ast_select *s = select_new(p, SET_SELECT);
            struct ast_from *from = ARENA_NEW(p->arena, struct ast_from);
            from->kind = FROM_QUERY;
            from->at = q->at;
            from->query = q;
            s->at = q->at;
            s->from = from;
            s->items = ARENA_NEW(p->arena, struct ast_item);
            s->items[0].expr = ast_new(p, AST_STAR, q->at);
            s->items_count = 1;
            q = query_of(p, s);
        }
        q->with = with.items;
        q->with_count = (uint16_t)with.count;
        parse_tail(p, q);
    } else if (!p->failed && !q->has_limit) {
        q->limit = -1;
    }
    parser_leave(p);
    if (p->failed)
        return NULL;
    q->at = at;
    q->text = parser_span(p, at);
    return q;
}
