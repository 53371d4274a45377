/* sql.h: from text to statements, and from statements to plans.
 *
 * Flink's dialect (Apache Flink documentation, "SQL", 2.x). Parsing needs nothing but the text; binding
 * needs the catalog. No input or output, no threads, no clock.
 *
 * Owns: a script's statements live in its arena, and point into its text.
 * Errors: ST_INVALID with a diag that has line, column, the token and what would be right;
 *         ST_UNSUPPORTED for Flink's grammar that is known and not built, by name.   Layer: sql.
 */
#ifndef QW_SQL_SQL_H
#define QW_SQL_SQL_H

#include "sql/plan.h"

enum statement_kind {
    STMT_CREATE_TABLE,
    STMT_CREATE_VIEW,
    STMT_CREATE_MATERIALIZED,
    STMT_CREATE_FUNCTION,
    STMT_CREATE_ALERT,
    STMT_DROP,          /* of any of these */
    STMT_INSERT,        /* INSERT INTO t SELECT … | VALUES …: a job, or rows at once for VALUES */
    STMT_STATEMENT_SET, /* EXECUTE STATEMENT SET BEGIN … END: one job of several inserts */
    STMT_SELECT,
    STMT_EXPLAIN,
    STMT_DESCRIBE,
    STMT_SHOW,
    STMT_SET,
    STMT_RESET,
    STMT_REPLAY, /* of TABLE$dead: what could not be delivered goes out again */
    STMT_USE,    /* accepted for the default catalog and database only */
};

enum object_kind { OBJECT_TABLE, OBJECT_VIEW, OBJECT_MATERIALIZED, OBJECT_FUNCTION, OBJECT_ALERT, OBJECT_JOB,
                   OBJECT_TOPIC, OBJECT_CREATE_TABLE, OBJECT_CREATE_VIEW, OBJECT_CATALOG, OBJECT_DATABASE };

struct ast; /* ast.h */

struct statement {
    enum statement_kind kind;
    struct bytes text;          /* this statement alone, without the ';' */
    unsigned line, column;      /* where it begins */
    const struct ast *ast;
    /* For those that need no binding: */
    enum object_kind object;    /* of DROP, SHOW, DESCRIBE */
    bool if_exists, if_not_exists, or_replace, temporary;
    struct bytes name;          /* of what is made, dropped, described, inserted into, replayed */
    struct bytes key, value;    /* of SET */
};

struct script {
    struct arena arena;
    struct statement *statements;
    uint32_t statements_count;
};

/* The text must live as long as the script. */
enum status sql_parse(struct bytes text, struct script *out, struct diag *diag) MUST_CHECK;
void script_deinit(struct script *script);

/* A CREATE TABLE, VIEW, MATERIALIZED TABLE or FUNCTION checked against the catalog. For a
 * materialized table the query's plan comes too, with a sink on the table. Nothing is changed: the
 * caller adds the table. */
enum status sql_bind_create(const struct catalog *catalog, const struct settings *settings,
                            const struct statement *statement, struct table **table,
                            struct plan **plan, struct diag *diag) MUST_CHECK;
enum status sql_bind_function(const struct catalog *catalog, const struct statement *statement,
                              struct user_function *out, struct diag *diag) MUST_CHECK;

/* The plan of an INSERT, a STATEMENT SET, a SELECT, or of what an EXPLAIN explains. */
enum status sql_plan(const struct catalog *catalog, const struct settings *settings,
                     const struct statement *statement, struct plan **out,
                     struct diag *diag) MUST_CHECK;

/* "line 3, column 8: …", the line itself, a caret under the token, and the hint. */
const char *sql_error_text(struct arena *arena, struct bytes text, const struct diag *diag);

#endif
