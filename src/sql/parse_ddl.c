/* CREATE and DROP. */
#include "sql/parser.h"

/* options -> '(' [ 'k' '=' 'v' { ',' 'k' '=' 'v' } ] ')' */
struct ast_options parse_options(struct parser *p)
{
    struct ast_options options = {0};
    struct list list = {0};

    expect_sign(p, "(");
    if (!p->failed && is_sign(p->at, ")")) {
        parser_next(p);
        return options;
    }
    do {
        struct ast_option *option = LIST_ADD(p, &list, struct ast_option);
        option->at = p->at;
        option->key = expect_string(p, "an option's name in quotes");
        expect_sign(p, "=");
        option->value = expect_string(p, "its value in quotes");
    } while (!p->failed && accept_sign(p, ","));
    expect_sign(p, ")");
    options.items = list.items;
    options.count = (uint16_t)list.count;
    return options;
}

/* key -> [ CONSTRAINT name ] PRIMARY KEY names NOT ENFORCED */
static void parse_primary_key(struct parser *p, struct ast *ast, struct bytes *column)
{
    ast->primary_key_at = p->at;
    expect_word(p, "PRIMARY");
    expect_word(p, "KEY");
    if (!p->failed && ast->primary_key_count > 0) {
        parser_error(p, ast->primary_key_at, DIAG_SYNTAX, "a table has one primary key");
        return;
    }
    if (column) {
        ast->primary_key = column;
        ast->primary_key_count = 1;
    } else {
        ast->primary_key = parse_name_list(p, &ast->primary_key_count);
    }
    if (!p->failed && !is_word(p->at, "NOT")) { /* as in Flink, where saying nothing is ENFORCED */
        parser_unsupported(p, ast->primary_key_at, "an enforced primary key (write NOT ENFORCED)");
        return;
    }
    expect_word(p, "NOT");
    expect_word(p, "ENFORCED");
}

/* watermark -> WATERMARK FOR name AS expr */
static void parse_watermark(struct parser *p, struct ast *ast)
{
    const struct token *at = parser_next(p);

    expect_word(p, "FOR");
    if (!p->failed && ast->watermark) {
        parser_error(p, at, DIAG_SYNTAX, "a table has one watermark");
        return;
    }
    ast->watermark_at = p->at;
    ast->watermark_column = expect_name(p, "a column's name");
    if (!p->failed && is_sign(p->at, ".")) {
        parser_error(p, p->at, DIAG_SYNTAX, "the column of a watermark stands at the top level");
        if (p->diag)
            diag_hint(p->diag, "make a computed column of the field, and the watermark for that");
        return;
    }
    expect_word(p, "AS");
    ast->watermark = parse_expr(p);
}

/* metadata -> METADATA [ FROM 'key' ] [ VIRTUAL ] */
static void parse_metadata(struct parser *p, struct ast_column *column)
{
    column->metadata = true;
    column->metadata_key = column->name;
    if (accept_word(p, "FROM"))
        column->metadata_key = expect_string(p, "a metadata key in quotes");
    column->is_virtual = accept_word(p, "VIRTUAL");
}

/* column -> name type [ METADATA … | PRIMARY KEY … ] [ COMMENT 'text' ] | name AS expr [ COMMENT … ]
 *         | name (of a view or materialized table) */
static void parse_column(struct parser *p, struct ast *ast, struct ast_column *column,
                         bool names_only)
{
    column->at = p->at;
    column->name = expect_name(p, "a column's name");
    if (p->failed)
        return;
    if (accept_word(p, "AS")) {
        column->computed = parse_expr(p);
    } else if (!(names_only && (is_sign(p->at, ",") || is_sign(p->at, ")") ||
                                is_word(p->at, "COMMENT")))) {
        column->type = parse_type(p);
        if (accept_word(p, "METADATA"))
            parse_metadata(p, column);
        if (is_word(p->at, "CONSTRAINT") || at_word(p, "PRIMARY")) {
            if (is_word(p->at, "CONSTRAINT"))
                parser_next(p), expect_name(p, "a constraint's name");
            parse_primary_key(p, ast, &column->name);
        }
    }
    if (accept_word(p, "COMMENT"))
        column->comment = expect_string(p, "a comment in quotes");
}

/* body -> '(' ( column | watermark | key ) { ',' … } ')' */
static void parse_table_body(struct parser *p, struct ast *ast, bool names_only)
{
    struct list columns = {0};

    expect_sign(p, "(");
    do {
        if (is_word(p->at, "WATERMARK") && is_word(p->at + 1, "FOR")) {
            parse_watermark(p, ast);
        } else if (is_word(p->at, "PRIMARY") && is_word(p->at + 1, "KEY")) {
            parse_primary_key(p, ast, NULL);
        } else if (is_word(p->at, "CONSTRAINT")) {
            parser_next(p);
            expect_name(p, "a constraint's name");
            parse_primary_key(p, ast, NULL);
        } else if (is_word(p->at, "UNIQUE") && is_sign(p->at + 1, "(")) {
            parser_unsupported(p, p->at, "UNIQUE (write PRIMARY KEY … NOT ENFORCED)");
        } else {
            struct ast_column *column = LIST_ADD(p, &columns, struct ast_column);
            parse_column(p, ast, column, names_only);
        }
    } while (!p->failed && accept_sign(p, ","));
    expect_sign(p, ")");
    ast->columns = columns.items;
    ast->columns_count = (uint16_t)columns.count;
}

static void parse_if_not_exists(struct parser *p, struct statement *out)
{
    if (accept_word(p, "IF")) {
        expect_word(p, "NOT");
        expect_word(p, "EXISTS");
        out->if_not_exists = true;
    }
}

/* table -> TABLE [ IF NOT EXISTS ] name body [ COMMENT 'text' ] [ PARTITIONED BY names ] [ WITH options ]
 */
static void parse_create_table(struct parser *p, struct statement *out, struct ast *ast)
{
    out->kind = STMT_CREATE_TABLE;
    out->object = OBJECT_TABLE;
    parse_if_not_exists(p, out);
    out->name = expect_table_name(p, "a table's name", &ast->name_at);
    if (!p->failed && is_sign(p->at, "("))
        parse_table_body(p, ast, false);
    else if (!p->failed && !is_word(p->at, "WITH") && !is_word(p->at, "LIKE") &&
             !is_word(p->at, "AS") && !is_word(p->at, "COMMENT"))
        (void)expect_sign(p, "(");
    if (accept_word(p, "COMMENT"))
        ast->comment = expect_string(p, "a comment in quotes");
    if (!p->failed && (is_word(p->at, "DISTRIBUTED") || is_word(p->at, "DISTRIBUTION")))
        parser_unsupported(p, p->at, "DISTRIBUTED BY");
    if (accept_word(p, "PARTITIONED")) {
        expect_word(p, "BY");
        ast->partitioned = parse_name_list(p, &ast->partitioned_count);
    }
    if (accept_word(p, "WITH"))
        ast->options = parse_options(p);
    if (!p->failed && is_word(p->at, "LIKE"))
        parser_unsupported(p, p->at, "CREATE TABLE … LIKE");
    if (!p->failed && is_word(p->at, "AS"))
        parser_unsupported(p, p->at, "CREATE TABLE … AS (use CREATE MATERIALIZED TABLE … AS, or CREATE TABLE and INSERT INTO)");
}

/* view -> VIEW [ IF NOT EXISTS ] name [ names ] [ COMMENT 'text' ] AS query */
static void parse_create_view(struct parser *p, struct statement *out, struct ast *ast)
{
    out->kind = STMT_CREATE_VIEW;
    out->object = OBJECT_VIEW;
    parse_if_not_exists(p, out);
    out->name = expect_table_name(p, "a view's name", &ast->name_at);
    if (at_sign(p, "("))
        parse_table_body(p, ast, true);
    if (accept_word(p, "COMMENT"))
        ast->comment = expect_string(p, "a comment in quotes");
    expect_word(p, "AS");
    ast->query = parse_query(p);
}

/* refresh -> [ FRESHNESS '=' interval ] [ REFRESH_MODE '=' ( CONTINUOUS | FULL ) ]: always fresh here */
static void parse_refresh(struct parser *p)
{
    if (accept_word(p, "FRESHNESS")) {
        expect_sign(p, "=");
        if (at_word(p, "INTERVAL"))
            parse_interval(p);
        else
            parser_unexpected(p);
    }
    if (accept_word(p, "REFRESH_MODE")) {
        expect_sign(p, "=");
        if (!p->failed && is_word(p->at, "FULL"))
            parser_unsupported(p, p->at, "REFRESH_MODE = FULL (materialized tables are always fresh)");
        expect_word(p, "CONTINUOUS");
    }
}

/* materialized -> MATERIALIZED ( TABLE | VIEW ) [ IF NOT EXISTS ] name [ body ] [ COMMENT 'text' ]
 *                 [ PARTITIONED BY names ] [ WITH options ] [ refresh ] AS query */
static void parse_create_materialized(struct parser *p, struct statement *out, struct ast *ast)
{
    out->kind = STMT_CREATE_MATERIALIZED;
    out->object = OBJECT_MATERIALIZED;
    if (!accept_word(p, "TABLE"))
        expect_word(p, "VIEW");
    parse_if_not_exists(p, out);
    out->name = expect_table_name(p, "a table's name", &ast->name_at);
    if (at_sign(p, "("))
        parse_table_body(p, ast, true);
    if (accept_word(p, "COMMENT"))
        ast->comment = expect_string(p, "a comment in quotes");
    if (accept_word(p, "PARTITIONED")) {
        expect_word(p, "BY");
        ast->partitioned = parse_name_list(p, &ast->partitioned_count);
    }
    if (accept_word(p, "WITH"))
        ast->options = parse_options(p);
    parse_refresh(p);
    expect_word(p, "AS");
    ast->query = parse_query(p);
}

/* alert -> ALERT [ IF NOT EXISTS ] name [ WITH options ] AS query */
static void parse_create_alert(struct parser *p, struct statement *out, struct ast *ast)
{
    out->kind = STMT_CREATE_ALERT;
    out->object = OBJECT_ALERT;
    parse_if_not_exists(p, out);
    out->name = expect_table_name(p, "an alert's name", &ast->name_at);
    if (accept_word(p, "WITH"))
        ast->options = parse_options(p);
    expect_word(p, "AS");
    ast->query = parse_query(p);
}

/* function -> FUNCTION [ IF NOT EXISTS ] name AS 'class' [ LANGUAGE ( JAVA | SCALA | PYTHON ) ] */
static void parse_create_function(struct parser *p, struct statement *out, struct ast *ast)
{
    out->kind = STMT_CREATE_FUNCTION;
    out->object = OBJECT_FUNCTION;
    parse_if_not_exists(p, out);
    out->name = expect_table_name(p, "a function's name", &ast->name_at);
    expect_word(p, "AS");
    ast->class_name = expect_string(p, "a class in quotes");
    if (accept_word(p, "LANGUAGE") && !accept_word(p, "JAVA") && !accept_word(p, "SCALA"))
        expect_word(p, "PYTHON");
    if (!p->failed && is_word(p->at, "USING"))
        parser_unsupported(p, p->at, "USING JAR");
}

/* create -> CREATE [ OR REPLACE ] [ TEMPORARY [ SYSTEM ] ] ( table | view | … ) */
void parse_create(struct parser *p, struct statement *out, struct ast *ast)
{
    if (accept_word(p, "OR")) {
        expect_word(p, "REPLACE");
        out->or_replace = true;
    }
    if (accept_word(p, "TEMPORARY")) {
        out->temporary = true;
        if (is_word(p->at, "SYSTEM"))
            parser_next(p);
    }
    if (accept_word(p, "TABLE"))
        parse_create_table(p, out, ast);
    else if (accept_word(p, "VIEW"))
        parse_create_view(p, out, ast);
    else if (accept_word(p, "MATERIALIZED"))
        parse_create_materialized(p, out, ast);
    else if (accept_word(p, "FUNCTION"))
        parse_create_function(p, out, ast);
    else if (accept_word(p, "ALERT"))
        parse_create_alert(p, out, ast);
    else if (is_word(p->at, "CATALOG") || is_word(p->at, "DATABASE"))
        parser_unsupported(p, p->at, "CREATE CATALOG and CREATE DATABASE");
    else if (is_word(p->at, "MODEL"))
        parser_unsupported(p, p->at, "CREATE MODEL");
    else
        parser_unexpected(p);
}

/* drop -> DROP [ TEMPORARY ] ( TABLE | VIEW | … ) [ IF EXISTS ] name */
void parse_drop(struct parser *p, struct statement *out)
{
    out->kind = STMT_DROP;
    if (accept_word(p, "TEMPORARY")) {
        out->temporary = true;
        if (is_word(p->at, "SYSTEM"))
            parser_next(p);
    }
    if (accept_word(p, "TABLE"))
        out->object = OBJECT_TABLE;
    else if (accept_word(p, "VIEW"))
        out->object = OBJECT_VIEW;
    else if (accept_words(p, "MATERIALIZED", "TABLE") || accept_words(p, "MATERIALIZED", "VIEW"))
        out->object = OBJECT_MATERIALIZED;
    else if (accept_word(p, "FUNCTION"))
        out->object = OBJECT_FUNCTION;
    else if (accept_word(p, "ALERT"))
        out->object = OBJECT_ALERT;
    else if (accept_word(p, "JOB"))
        out->object = OBJECT_JOB;
    else if (is_word(p->at, "CATALOG") || is_word(p->at, "DATABASE") || is_word(p->at, "MODEL"))
        parser_unsupported(p, p->at, "this DROP");
    else
        parser_unexpected(p);
    if (accept_word(p, "IF")) {
        expect_word(p, "EXISTS");
        out->if_exists = true;
    }
    if (out->object == OBJECT_JOB && p->at->kind == TOKEN_STRING)
        out->name = parser_next(p)->value;
    else
        out->name = expect_table_name(p, "a name", NULL);
    if (out->object == OBJECT_ALERT || p->failed)
        return;
    if (is_word(p->at, "CASCADE"))
        parser_unsupported(p, p->at, "CASCADE");
    else if (is_word(p->at, "RESTRICT"))
        parser_next(p);
}
