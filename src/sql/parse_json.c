/* JSON_VALUE, JSON_QUERY, JSON_EXISTS, JSON_OBJECT, JSON_ARRAY: their words become arguments, as func_json.c says. */
#include "sql/parser.h"

static struct ast_expr *word_arg(struct parser *p, const char *word)
{
    struct ast_expr *e = ast_new(p, AST_UNIT, p->at);

    e->name = bytes_str(word);
    return ast_finish(p, e);
}

static struct ast_expr *null_arg(struct parser *p)
{
    return ast_finish(p, ast_new(p, AST_NULL, p->at));
}

/* A NULL of the type. */
static struct ast_expr *type_arg(struct parser *p, const struct type *type)
{
    struct ast_expr *e = ast_new(p, AST_CAST, p->at);

    e->args = ARENA_ARRAY(p->arena, struct ast_expr *, 1);
    e->args[0] = null_arg(p);
    e->args_count = 1;
    e->type = type;
    return ast_finish(p, e);
}

/* json ',' path */
static void parse_json_path(struct parser *p, struct ast_expr **args)
{
    parser_next(p);
    expect_sign(p, "(");
    args[0] = parse_expr(p);
    expect_sign(p, ",");
    args[1] = parse_expr(p);
}

/* exists -> JSON_EXISTS '(' expr ',' expr [ ( TRUE | FALSE | UNKNOWN | ERROR ) ON ERROR ] ')' */
static struct ast_expr *parse_json_exists(struct parser *p)
{
    static const char *const words[] = {"TRUE", "FALSE", "UNKNOWN", "ERROR"};
    const struct token *at = p->at;
    struct ast_expr **args = ARENA_ARRAY(p->arena, struct ast_expr *, 3);
    const char *on_error = "FALSE";

    parse_json_path(p, args);
    for (size_t i = 0; i < 4 && !p->failed; i++) {
        if (!accept_word(p, words[i]))
            continue;
        on_error = words[i];
        expect_word(p, "ON");
        expect_word(p, "ERROR");
        break;
    }
    args[2] = word_arg(p, on_error);
    expect_sign(p, ")");
    return p->failed ? NULL : ast_call(p, at, "JSON_EXISTS", args, 3);
}

/* What is done on EMPTY, or on ERROR: args[0] is a word, args[1] what DEFAULT gives. */
struct behaviour {
    struct ast_expr *word, *value;
};

/* behaviours -> { ( NULL | ERROR | DEFAULT expr | EMPTY ( ARRAY | OBJECT ) ) ON ( EMPTY | ERROR ) } */
static void parse_behaviours(struct parser *p, bool defaults, struct behaviour *on_empty, struct behaviour *on_error)
{
    *on_empty = *on_error = (struct behaviour){word_arg(p, "NULL"), null_arg(p)};
    while (!p->failed && !at_sign(p, ")")) {
        struct behaviour b = {NULL, null_arg(p)};
        if (accept_word(p, "NULL")) {
            b.word = word_arg(p, "NULL");
        } else if (accept_word(p, "ERROR")) {
            b.word = word_arg(p, "ERROR");
        } else if (defaults) {
            expect_word(p, "DEFAULT");
            b.word = word_arg(p, "DEFAULT");
            b.value = parse_expr(p);
        } else {
            expect_word(p, "EMPTY");
            bool array = accept_word(p, "ARRAY");
            if (!array)
                expect_word(p, "OBJECT");
            b.word = word_arg(p, array ? "EMPTY ARRAY" : "EMPTY OBJECT");
        }
        expect_word(p, "ON");
        bool empty = accept_word(p, "EMPTY");
        if (!empty)
            expect_word(p, "ERROR");
        *(empty ? on_empty : on_error) = b;
    }
}

/* value -> JSON_VALUE '(' expr ',' expr [ RETURNING type ] behaviours ')' */
static struct ast_expr *parse_json_value(struct parser *p)
{
    const struct token *at = p->at;
    struct ast_expr **args = ARENA_ARRAY(p->arena, struct ast_expr *, 7);
    struct behaviour on_empty, on_error;

    parse_json_path(p, args);
    const struct type *type = accept_word(p, "RETURNING") ? parse_type(p) : type_simple(TYPE_VARCHAR);
    args[2] = type_arg(p, type);
    parse_behaviours(p, true, &on_empty, &on_error);
    args[3] = on_empty.word;
    args[4] = on_empty.value;
    args[5] = on_error.word;
    args[6] = on_error.value;
    expect_sign(p, ")");
    return p->failed ? NULL : ast_call(p, at, "JSON_VALUE", args, 7);
}

/* wrapper -> WITHOUT [ ARRAY ] WRAPPER | WITH [ CONDITIONAL | UNCONDITIONAL ] [ ARRAY ] WRAPPER */
static const char *parse_wrapper(struct parser *p)
{
    const char *kind = "WITHOUT";

    if (accept_word(p, "WITH"))
        kind = accept_word(p, "CONDITIONAL") ? "CONDITIONAL" : (accept_word(p, "UNCONDITIONAL"), "UNCONDITIONAL");
    else if (!accept_word(p, "WITHOUT"))
        return kind;
    accept_word(p, "ARRAY");
    expect_word(p, "WRAPPER");
    return kind;
}

/* query -> JSON_QUERY '(' expr ',' expr [ RETURNING type ] [ wrapper ] behaviours ')' */
static struct ast_expr *parse_json_query(struct parser *p)
{
    const struct token *at = p->at;
    struct ast_expr **args = ARENA_ARRAY(p->arena, struct ast_expr *, 5);
    struct behaviour on_empty, on_error;

    parse_json_path(p, args);
    const struct token *type_at = p->at;
    if (accept_word(p, "RETURNING")) {
        const struct type *type = parse_type(p);
        if (type && !type_equal(type, type_simple(TYPE_VARCHAR)))
            return parser_unsupported(p, type_at, "JSON_QUERY RETURNING what is no STRING");
    }
    args[2] = word_arg(p, parse_wrapper(p));
    parse_behaviours(p, false, &on_empty, &on_error);
    args[3] = on_empty.word;
    args[4] = on_error.word;
    expect_sign(p, ")");
    return p->failed ? NULL : ast_call(p, at, "JSON_QUERY", args, 5);
}

/* Its text is JSON already, and stands in another as it is. */
static bool makes_json(const struct ast_expr *e)
{
    if (!e)
        return false;
    if (e->kind == AST_CAST)
        return makes_json(e->args[0]);
    return e->kind == AST_CALL && (bytes_is_nocase(e->name, "JSON_OBJECT") || bytes_is_nocase(e->name, "JSON_ARRAY") ||
                                   bytes_is_nocase(e->name, "JSON"));
}

/* how -> [ ( NULL | ABSENT ) ON NULL ]: becomes the list's first item, a text: N or A, then for each further item j
 * where it is JSON already, else -. */
static void parse_how(struct parser *p, struct list *list, char otherwise)
{
    bool null = is_word(p->at, "NULL") && is_word(p->at + 1, "ON"), absent = is_word(p->at, "ABSENT") && is_word(p->at + 1, "ON");
    struct ast_expr **items = list->items;
    char *how = arena_alloc(p->arena, list->count + 1u);

    if (null || absent) {
        p->at += 2;
        expect_word(p, "NULL");
    }
    how[0] = null ? 'N' : absent ? 'A' : otherwise;
    for (uint32_t i = 1; i < list->count; i++)
        how[i] = makes_json(items[i]) ? 'j' : '-';
    how[list->count] = 0;
    items[0] = word_arg(p, how);
}

static bool at_on_null(const struct parser *p)
{
    return (is_word(p->at, "NULL") || is_word(p->at, "ABSENT")) && is_word(p->at + 1, "ON");
}

/* array -> JSON_ARRAY '(' [ exprs ] [ ( NULL | ABSENT ) ON NULL ] ')'
 * As a call: how, then the elements. */
static struct ast_expr *parse_json_array(struct parser *p)
{
    const struct token *at = parser_next(p);
    struct list list = {0};

    expect_sign(p, "(");
    LIST_ADD(p, &list, struct ast_expr *);
    bool more = !p->failed && !at_sign(p, ")") && !at_on_null(p);
    while (more && !p->failed) {
        struct ast_expr **item = LIST_ADD(p, &list, struct ast_expr *);
        *item = parse_expr(p);
        more = accept_sign(p, ",");
    }
    if (p->failed)
        return NULL;
    parse_how(p, &list, 'A');
    expect_sign(p, ")");
    return p->failed ? NULL : ast_call(p, at, "JSON_ARRAY", list.items, (uint16_t)list.count);
}

/* member -> [ KEY ] expr VALUE expr */
static void parse_member(struct parser *p, struct list *list)
{
    if (is_word(p->at, "KEY") && !is_word(p->at + 1, "VALUE") && !is_sign(p->at + 1, "."))
        parser_next(p);
    struct ast_expr *key = parse_expr(p);
    expect_word(p, "VALUE");
    struct ast_expr *value = parse_expr(p);
    *LIST_ADD(p, list, struct ast_expr *) = key;
    *LIST_ADD(p, list, struct ast_expr *) = value;
}

/* object -> JSON_OBJECT '(' [ [ KEY ] expr VALUE expr { ',' … } ] [ ( NULL | ABSENT ) ON NULL ] ')' */
static struct ast_expr *parse_json_object(struct parser *p)
{
    const struct token *at = parser_next(p);
    struct list list = {0};

    expect_sign(p, "(");
    LIST_ADD(p, &list, struct ast_expr *);
    bool more = !p->failed && !at_sign(p, ")") && !at_on_null(p);
    while (more && !p->failed) {
        parse_member(p, &list);
        more = accept_sign(p, ",");
    }
    if (p->failed)
        return NULL;
    parse_how(p, &list, 'N');
    expect_sign(p, ")");
    return p->failed ? NULL : ast_call(p, at, "JSON_OBJECT", list.items, (uint16_t)list.count);
}

/* aggregate -> JSON_ARRAYAGG '(' expr how ')' | JSON_OBJECTAGG '(' [ KEY ] expr VALUE expr how ')'
 * As a call: how, then what is aggregated. */
static struct ast_expr *parse_json_aggregate(struct parser *p, bool object)
{
    struct ast_expr *call = ast_new(p, AST_CALL, parser_next(p));
    struct list list = {0};

    call->name = bytes_str(object ? "JSON_OBJECTAGG" : "JSON_ARRAYAGG");
    expect_sign(p, "(");
    LIST_ADD(p, &list, struct ast_expr *);
    if (object)
        parse_member(p, &list);
    else
        *LIST_ADD(p, &list, struct ast_expr *) = parse_expr(p);
    if (!p->failed && is_word(p->at, "ORDER"))
        return parser_unsupported(p, p->at, "ORDER BY inside a function");
    if (p->failed)
        return NULL;
    parse_how(p, &list, object ? 'N' : 'A');
    expect_sign(p, ")");
    call->args = list.items;
    call->args_count = (uint16_t)list.count;
    return parse_call_rest(p, call);
}

const char *parse_is_json(struct parser *p, bool negated)
{
    static const char *const kinds[] = {"OBJECT", "ARRAY", "SCALAR"};
    static const char *const names[][2] = {{"IS JSON OBJECT", "IS NOT JSON OBJECT"},
                                           {"IS JSON ARRAY", "IS NOT JSON ARRAY"},
                                           {"IS JSON SCALAR", "IS NOT JSON SCALAR"}};

    for (size_t i = 0; i < 3; i++)
        if (accept_word(p, kinds[i]))
            return names[i][negated];
    accept_word(p, "VALUE");
    return negated ? "IS NOT JSON" : "IS JSON";
}

struct ast_expr *parse_json_call(struct parser *p)
{
    const struct token *t = p->at;

    if (is_word(t, "JSON_VALUE"))
        return parse_json_value(p);
    if (is_word(t, "JSON_QUERY"))
        return parse_json_query(p);
    if (is_word(t, "JSON_EXISTS"))
        return parse_json_exists(p);
    if (is_word(t, "JSON_OBJECT"))
        return parse_json_object(p);
    if (is_word(t, "JSON_ARRAY"))
        return parse_json_array(p);
    if (is_word(t, "JSON_OBJECTAGG") || is_word(t, "JSON_ARRAYAGG"))
        return parse_json_aggregate(p, is_word(t, "JSON_OBJECTAGG"));
    return NULL;
}
