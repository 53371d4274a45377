/* Scripts and the statements that are neither DDL nor queries; and how an error is drawn. */
#include "base/buf.h"
#include "sql/parser.h"

/* insert -> INSERT INTO name [ hints ] [ names ] query */
void parse_insert(struct parser *p, struct ast_insert *out)
{
    out->at = p->at;
    expect_word(p, "INSERT");
    if (!p->failed && is_word(p->at, "OVERWRITE")) {
        parser_unsupported(p, p->at, "INSERT OVERWRITE");
        return;
    }
    expect_word(p, "INTO");
    if (!p->failed && is_word(p->at, "TABLE"))
        parser_next(p);
    out->table = expect_table_name(p, "a table's name", &out->table_at);
    out->hints = parse_table_hints(p);
    if (!p->failed && is_word(p->at, "PARTITION")) {
        parser_unsupported(p, p->at, "INSERT INTO … PARTITION (…)");
        return;
    }
    if (!p->failed && is_sign(p->at, "(") && !at_query(p))
        out->columns = parse_name_list(p, &out->columns_count);
    parser_want(p, "SELECT");
    if (!p->failed && !at_query(p)) {
        parser_want(p, "VALUES");
        parser_unexpected(p);
        return;
    }
    out->query = parse_query(p);
}

/* set -> ( EXECUTE STATEMENT SET BEGIN | BEGIN STATEMENT SET ';' ) insert ';' { … } END */
static void parse_statement_set(struct parser *p, struct statement *out, struct ast *ast)
{
    struct list list = {0};

    out->kind = STMT_STATEMENT_SET;
    while (!p->failed && !at_word(p, "END")) {
        struct ast_insert *insert = LIST_ADD(p, &list, struct ast_insert);
        parse_insert(p, insert);
        if (!expect_sign(p, ";"))
            break;
    }
    expect_word(p, "END");
    ast->inserts = list.items;
    ast->inserts_count = (uint16_t)list.count;
    if (!p->failed && list.count == 0)
        parser_error(p, p->at, DIAG_SYNTAX, "a statement set needs at least one INSERT");
}

static void parse_one_insert(struct parser *p, struct statement *out, struct ast *ast)
{
    out->kind = STMT_INSERT;
    ast->inserts = ARENA_NEW(p->arena, struct ast_insert);
    ast->inserts_count = 1;
    parse_insert(p, ast->inserts);
    out->name = ast->inserts->table;
}

/* explain -> EXPLAIN [ PLAN FOR | detail { ',' detail } ] statement */
static void parse_explain(struct parser *p, struct statement *out, struct ast *ast)
{
    out->kind = STMT_EXPLAIN;
    if (accept_word(p, "PLAN")) {
        expect_word(p, "FOR");
    } else {
        bool more = true;
        while (!p->failed && more) {
            if (accept_word(p, "CHANGELOG_MODE"))
                ast->explain_changes = true;
            else if (is_word(p->at, "ESTIMATED_COST") || is_word(p->at, "PLAN_ADVICE") ||
                     is_word(p->at, "JSON_EXECUTION_PLAN"))
                parser_next(p);
            else
                break;
            more = accept_sign(p, ",");
        }
    }
    struct statement *inner = ARENA_NEW(p->arena, struct statement);
    parse_statement(p, inner);
    if (!p->failed && inner->kind != STMT_SELECT && inner->kind != STMT_INSERT &&
        inner->kind != STMT_STATEMENT_SET && inner->kind != STMT_CREATE_MATERIALIZED &&
        inner->kind != STMT_CREATE_ALERT)
        parser_error(p, p->at, DIAG_SYNTAX, "EXPLAIN takes a query, an INSERT or a statement set");
    ast->explained = inner;
}

struct show_word {
    const char *word;
    enum object_kind object;
};

/* show -> SHOW ( TABLES | VIEWS | … | CREATE ( TABLE | VIEW ) name ) [ [ NOT ] LIKE 'pattern' ] */
static void parse_show(struct parser *p, struct statement *out, struct ast *ast)
{
    static const struct show_word words[] = {
        {"TABLES", OBJECT_TABLE},     {"VIEWS", OBJECT_VIEW},   {"FUNCTIONS", OBJECT_FUNCTION},
        {"JOBS", OBJECT_JOB},         {"TOPICS", OBJECT_TOPIC}, {"ALERTS", OBJECT_ALERT},
        {"CATALOGS", OBJECT_CATALOG}, {"DATABASES", OBJECT_DATABASE},
    };
    static const char *const refused[] = {"MODULES", "PARTITIONS", "COLUMNS", "JARS", "MODELS",
                                          "PROCEDURES", "CURRENT"};

    out->kind = STMT_SHOW;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (is_word(p->at, refused[i])) {
            parser_unsupported(p, p->at, "this SHOW");
            return;
        }
    }
    if (is_word(p->at, "USER") || is_word(p->at, "FULL"))
        parser_next(p);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!accept_word(p, words[i].word))
            continue;
        out->object = words[i].object;
        ast->not_like = accept_word(p, "NOT");
        if (ast->not_like ? expect_word(p, "LIKE") : accept_word(p, "LIKE"))
            ast->like = expect_string(p, "a pattern in quotes");
        return;
    }
    if (accept_words(p, "MATERIALIZED", "TABLES") || accept_words(p, "MATERIALIZED", "VIEWS")) {
        out->object = OBJECT_MATERIALIZED;
        return;
    }
    if (accept_word(p, "CREATE")) {
        if (accept_words(p, "MATERIALIZED", "TABLE"))
            out->object = OBJECT_CREATE_TABLE;
        else if (accept_word(p, "VIEW"))
            out->object = OBJECT_CREATE_VIEW;
        else if (expect_word(p, "TABLE"))
            out->object = OBJECT_CREATE_TABLE;
        out->name = expect_table_name(p, "a name", NULL);
        return;
    }
    parser_unexpected(p);
}

/* setting -> SET [ 'key' '=' 'value' ]; sql-client also takes them without quotes: a.b.c = x */
static struct bytes parse_setting_word(struct parser *p, const char *what)
{
    if (p->at->kind == TOKEN_STRING)
        return parser_next(p)->value;
    if (p->at->kind != TOKEN_WORD) {
        parser_want(p, what);
        parser_unexpected(p);
        return BYTES_NONE;
    }
    const struct token *from = p->at;
    while (p->at->kind == TOKEN_WORD || p->at->kind == TOKEN_INTEGER || is_sign(p->at, ".") ||
           is_sign(p->at, "-"))
        parser_next(p);
    return parser_span(p, from);
}

static void parse_set_statement(struct parser *p, struct statement *out)
{
    out->kind = STMT_SET;
    if (p->at->kind == TOKEN_END || is_sign(p->at, ";"))
        return;
    out->key = parse_setting_word(p, "a setting's name in quotes");
    expect_sign(p, "=");
    if (p->failed)
        return;
    if (p->at->kind == TOKEN_INTEGER)
        out->value = parser_next(p)->value;
    else
        out->value = parse_setting_word(p, "its value in quotes");
}

/* use -> USE [ CATALOG ] name */
static void parse_use(struct parser *p, struct statement *out)
{
    out->kind = STMT_USE;
    out->object = OBJECT_DATABASE;
    if (is_word(p->at, "MODULES")) {
        parser_unsupported(p, p->at, "USE MODULES");
        return;
    }
    if (accept_word(p, "CATALOG"))
        out->object = OBJECT_CATALOG;
    const struct token *at = p->at;
    struct bytes name = expect_name(p, "a name");
    if (out->object == OBJECT_DATABASE && !p->failed && is_sign(p->at, ".")) {
        if (!bytes_is(name, "default_catalog")) {
            parser_error(p, at, DIAG_NAME, "there is only the catalog `default_catalog`");
            return;
        }
        parser_next(p);
        at = p->at;
        name = expect_name(p, "a name");
    }
    const char *only = out->object == OBJECT_CATALOG ? "default_catalog" : "default_database";
    if (!p->failed && !bytes_is(name, only))
        parser_error(p, at, DIAG_NAME, "there is only the %s `%s`",
                     out->object == OBJECT_CATALOG ? "catalog" : "database", only);
    out->name = name;
}

/* describe -> ( DESCRIBE | DESC ) [ EXTENDED ] name */
static void parse_describe(struct parser *p, struct statement *out)
{
    out->kind = STMT_DESCRIBE;
    out->object = OBJECT_TABLE;
    if (is_word(p->at, "EXTENDED"))
        parser_next(p);
    if (accept_word(p, "JOB")) {
        out->object = OBJECT_JOB;
        out->name = p->at->kind == TOKEN_STRING ? parser_next(p)->value
                                                : expect_name(p, "a job's name");
        return;
    }
    out->name = expect_table_name(p, "a table's name", NULL);
}

/* replay -> REPLAY [ TABLE ] name */
static void parse_replay(struct parser *p, struct statement *out)
{
    out->kind = STMT_REPLAY;
    if (is_word(p->at, "TABLE"))
        parser_next(p);
    out->name = expect_table_name(p, "the name of a table `…$dead`", NULL);
    if (p->failed || !is_word(p->at, "WHERE"))
        return;
    parser_unsupported(p, p->at, "REPLAY … WHERE");
    diag_hint(p->diag,
              "all of them are put back, in order; INSERT INTO … SELECT … FROM `…$dead` WHERE … takes some");
}

static bool refuse_statement(struct parser *p)
{
    static const char *const refused[] = {"ALTER",   "UPDATE",  "DELETE", "TRUNCATE", "CALL",
                                          "ANALYZE", "LOAD",    "UNLOAD", "ADD",      "REMOVE",
                                          "STOP",    "REPLACE", "MERGE",  "COMPILE",  "LIST"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (is_word(p->at, refused[i])) {
            parser_unsupported(p, p->at, refused[i]);
            return true;
        }
    }
    return false;
}

static void parse_kind(struct parser *p, struct statement *out, struct ast *ast)
{
    if (accept_word(p, "CREATE")) {
        parse_create(p, out, ast);
    } else if (accept_word(p, "DROP")) {
        parse_drop(p, out);
    } else if (at_word(p, "INSERT")) {
        parse_one_insert(p, out, ast);
    } else if (at_word(p, "SELECT") || at_word(p, "WITH") || at_word(p, "VALUES") ||
               is_sign(p->at, "(")) {
        out->kind = STMT_SELECT;
        ast->query = parse_query(p);
    } else if (accept_word(p, "EXPLAIN")) {
        parse_explain(p, out, ast);
    } else if (accept_word(p, "SHOW")) {
        parse_show(p, out, ast);
    } else if (accept_word(p, "SET")) {
        parse_set_statement(p, out);
    } else if (accept_word(p, "DESCRIBE") || (is_word(p->at, "DESC") && parser_next(p))) {
        parse_describe(p, out);
    } else if (is_word(p->at, "EXECUTE") && is_word(p->at + 1, "STATEMENT")) {
        p->at += 2;
        expect_word(p, "SET");
        expect_word(p, "BEGIN");
        parse_statement_set(p, out, ast);
    } else if (is_word(p->at, "BEGIN")) {
        parser_next(p);
        expect_word(p, "STATEMENT");
        expect_word(p, "SET");
        expect_sign(p, ";");
        parse_statement_set(p, out, ast);
    } else if (is_word(p->at, "EXECUTE")) {
        parser_next(p);
        if (is_word(p->at, "PLAN"))
            parser_unsupported(p, p->at, "EXECUTE PLAN");
        else
            parse_kind(p, out, ast);
    } else if (is_word(p->at, "RESET")) {
        parser_next(p);
        out->kind = STMT_RESET;
        if (p->at->kind != TOKEN_END && !is_sign(p->at, ";"))
            out->key = parse_setting_word(p, "a setting's name in quotes");
    } else if (is_word(p->at, "REPLAY")) {
        parser_next(p);
        parse_replay(p, out);
    } else if (is_word(p->at, "USE")) {
        parser_next(p);
        parse_use(p, out);
    } else if (!refuse_statement(p)) {
        parser_unexpected(p);
    }
}

void parse_statement(struct parser *p, struct statement *out)
{
    const struct token *from = p->at;
    struct ast *ast = ARENA_NEW(p->arena, struct ast);

    out->line = from->line;
    out->column = from->column;
    out->ast = ast;
    if (!parser_enter(p))
        return;
    parse_kind(p, out, ast);
    parser_leave(p);
    out->text = parser_span(p, from);
}

/* script -> { statement ';' } [ statement ] */
static void parse_script(struct parser *p, struct script *out)
{
    struct list list = {0};

    while (!p->failed && p->at->kind != TOKEN_END) {
        if (is_sign(p->at, ";")) {
            parser_next(p);
            continue;
        }
        struct statement *statement = LIST_ADD(p, &list, struct statement);
        parse_statement(p, statement);
        if (!p->failed && p->at->kind != TOKEN_END) {
            parser_want(p, "the end of the statement");
            expect_sign(p, ";");
        }
    }
    out->statements = list.items;
    out->statements_count = list.count;
}

enum status sql_parse(struct bytes text, struct script *out, struct diag *diag)
{
    struct token *tokens = NULL;
    uint32_t count = 0;

    memset(out, 0, sizeof(*out));
    arena_init(&out->arena, ARENA_BUDGET_NONE);
    enum status st = lexer_run(&out->arena, text, &tokens, &count, diag);
    if (st == ST_OK) {
        struct parser p = {.arena = &out->arena, .text = text, .tokens = tokens, .count = count,
                           .at = tokens, .status = ST_OK, .diag = diag};
        parse_script(&p, out);
        st = p.failed ? p.status : ST_OK;
    }
    if (st != ST_OK)
        script_deinit(out);
    return st;
}

void script_deinit(struct script *script)
{
    arena_deinit(&script->arena);
    memset(script, 0, sizeof(*script));
}

/* The line that has the error, without its end. */
static struct bytes line_of(struct bytes text, unsigned line)
{
    size_t at = 0;

    for (unsigned i = 1; i < line && at < text.len; i++)
        at = bytes_find(text, '\n', at) + 1;
    if (at > text.len)
        at = text.len;
    size_t end = bytes_find(text, '\n', at);
    struct bytes out = bytes_of(text.ptr + at, end - at);
    if (out.len > 0 && out.ptr[out.len - 1] == '\r')
        out.len--;
    return out;
}

enum { ERROR_LINE_MAX = 160, ERROR_BEFORE_MAX = 100 };

/* The line cut to a window around the column, and a caret below it. Columns count characters. */
static void draw_caret(struct buf *out, struct bytes line, unsigned column)
{
    unsigned first = column > ERROR_BEFORE_MAX ? column - ERROR_BEFORE_MAX : 1;
    unsigned at = 1, shown = 0;

    buf_str(out, "  ");
    for (size_t i = 0; i < line.len && shown < ERROR_LINE_MAX;) {
        size_t len = 1;
        while (i + len < line.len && (line.ptr[i + len] & 0xC0) == 0x80)
            len++;
        if (at >= first) {
            buf_append(out, line.ptr[i] == '\t' ? (const uint8_t *)" " : line.ptr + i, len);
            shown++;
        }
        at++;
        i += len;
    }
    buf_str(out, "\n  ");
    buf_fill(out, ' ', column - first);
    buf_str(out, "^\n");
}

const char *sql_error_text(struct arena *arena, struct bytes text, const struct diag *diag)
{
    struct buf out;

    buf_init(&out, 0);
    if (diag->line > 0) {
        buf_printf(&out, "line %u, column %u: %s\n", diag->line, diag->column, diag->message);
        draw_caret(&out, line_of(text, diag->line), diag->column);
    } else {
        buf_printf(&out, "%s\n", diag->message);
    }
    if (diag->hint[0])
        buf_printf(&out, "hint: %s\n", diag->hint);
    const char *result = arena_str(arena, buf_view(&out));
    buf_deinit(&out);
    return result;
}
