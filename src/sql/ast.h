/* ast.h: what the parser makes of a statement, before any name means anything.
 *
 * Everything points into the script's arena and text.   Layer: sql.
 */
#ifndef QW_SQL_AST_H
#define QW_SQL_AST_H

#include "data/type.h"
#include "sql/lexer.h"
#include "sql/sql.h"

enum ast_expr_kind {
    AST_NAME,     /* a.b.c */
    AST_STAR,     /* * or t.* */
    AST_NUMBER,   /* name: its digits; token kind tells which */
    AST_STRING,   /* name: its value */
    AST_BOOL,     /* value 0 or 1 */
    AST_NULL,
    AST_INTERVAL, /* value: months or microseconds; type tells */
    AST_DATETIME, /* DATE '…': type, and name: the text */
    AST_CALL,     /* name(args…), operators too: "+", "=", "AND" … */
    AST_CASE,     /* operand, then args as in EXPR_CASE */
    AST_CAST,     /* args[0] to type */
    AST_FIELD,    /* args[0].name */
    AST_ROW,
    AST_ARRAY,
    AST_MAP,
    AST_IN,       /* args[0] IN the others, or IN query */
    AST_BETWEEN,  /* args[0] between 1 and 2 */
    AST_EXISTS,
    AST_SUBQUERY,
    AST_UNIT,     /* a time unit as an argument: name, upper case */
};

struct ast_query;
struct ast_over;

struct ast_expr {
    enum ast_expr_kind kind;
    const struct token *at;
    struct bytes text;        /* as written */
    struct bytes name;
    struct bytes *parts;      /* of NAME and STAR */
    uint16_t parts_count;
    uint16_t depth;           /* of the tree */
    struct ast_expr **args;
    uint16_t args_count;
    bool negated;             /* NOT IN, NOT BETWEEN */
    bool symmetric;           /* BETWEEN SYMMETRIC */
    bool distinct, star;      /* COUNT(DISTINCT x), COUNT(*) */
    const char *nulls;        /* "IGNORE NULLS", "RESPECT NULLS"; NULL: not said */
    bool try_cast;
    int64_t value;
    const struct type *type;
    struct ast_expr *operand; /* of CASE x WHEN … */
    struct ast_expr *filter;
    struct ast_over *over;
    struct ast_query *query;
};

struct ast_sort {
    struct ast_expr *expr;
    bool descending, nulls_given, nulls_last;
};

/* Of a frame. */
struct ast_bound {
    const struct token *at;
    bool unbounded, following;
    struct ast_expr *expr; /* NULL, and not unbounded: CURRENT ROW */
};

struct ast_over {
    const struct token *at;
    struct bytes window; /* OVER w */
    struct ast_expr **partition;
    uint16_t partition_count;
    struct ast_sort *order;
    uint16_t order_count;
    bool has_frame, rows; /* rows: ROWS, else RANGE */
    struct ast_bound start, end;
};

/* WINDOW name AS ( … ) */
struct ast_window {
    struct bytes name;
    struct ast_over *over;
};

struct ast_option {
    const struct token *at;
    struct bytes key, value;
};

struct ast_options {
    struct ast_option *items;
    uint16_t count;
};

/* MATCH_RECOGNIZE: expr AS name, of MEASURES and of DEFINE. */
struct ast_measure {
    const struct token *at; /* the name */
    struct bytes name;
    struct ast_expr *expr;
};

/* A variable of a pattern, with how often it is there. */
struct ast_pattern {
    const struct token *at;
    struct bytes name;
    int64_t least, most; /* most -1: no bound */
    bool quantified, reluctant;
};

struct ast_match {
    const struct token *at;
    struct ast_expr **partition;
    uint16_t partition_count;
    struct ast_sort *order;
    uint16_t order_count;
    struct ast_measure *measures;
    uint16_t measures_count;
    enum match_skip skip;
    struct bytes skip_to; /* a variable */
    const struct token *skip_at;
    struct ast_pattern *pattern;
    uint16_t pattern_count;
    struct ast_expr *within; /* NULL: none */
    const struct token *within_at;
    struct ast_measure *defines;
    uint16_t defines_count;
};

enum ast_from_kind { FROM_TABLE, FROM_QUERY, FROM_WINDOW, FROM_JOIN, FROM_VALUES, FROM_UNNEST, FROM_MATCH };

struct ast_from {
    enum ast_from_kind kind;
    const struct token *at;
    struct bytes name;            /* TABLE */
    struct ast_options hints;     /* OPTIONS */
    struct ast_expr *as_of;       /* TABLE: FOR SYSTEM_TIME AS OF; or NULL */
    struct ast_query *query;      /* QUERY */
    struct bytes alias;
    struct bytes *alias_columns;
    uint16_t alias_columns_count;
    /* WINDOW: TUMBLE(TABLE input, DESCRIPTOR(time), …) */
    enum window_kind window;
    struct ast_from *input;
    struct ast_expr *time;
    struct ast_expr *slide, *size, *offset; /* SESSION: size is the gap */
    struct ast_expr **partition;            /* of SESSION */
    uint16_t partition_count;
    /* UNNEST(list) [WITH ORDINALITY] */
    struct ast_expr *list;
    bool ordinality;
    struct ast_match *match; /* MATCH, of input */
    /* JOIN */
    enum join_kind join;
    struct ast_from *left, *right;
    struct ast_expr *on;
    struct bytes *using_columns;
    uint16_t using_count;
};

struct ast_item {
    struct ast_expr *expr;
    struct bytes alias;
};

enum ast_set_kind { SET_SELECT, SET_VALUES, SET_UNION, SET_INTERSECT, SET_EXCEPT };

struct ast_lookup_hint {
    const struct token *at;
    struct ast_options options;
};

struct ast_select {
    enum ast_set_kind kind;
    const struct token *at;
    /* SELECT */
    bool distinct;
    struct ast_options ttls; /* STATE_TTL: by inputs' names */
    struct ast_lookup_hint *lookups; /* LOOKUP, each */
    uint16_t lookups_count;
    struct ast_item *items;
    uint16_t items_count;
    struct ast_from *from; /* NULL: one row */
    struct ast_expr *where;
    struct ast_expr **group;
    uint16_t group_count;
    bool grouped;
    struct ast_expr *having;
    struct ast_window *windows;
    uint16_t windows_count;
    /* VALUES */
    struct ast_expr **rows; /* AST_ROW each */
    uint32_t rows_count;
    /* UNION, INTERSECT, EXCEPT [ALL] */
    bool all;
    struct ast_query *left, *right;
};

struct ast_with {
    struct bytes name;
    struct bytes *columns;
    uint16_t columns_count;
    struct ast_query *query;
};

struct ast_query {
    const struct token *at;
    struct bytes text;
    struct ast_with *with;
    uint16_t with_count;
    struct ast_select *select;
    struct ast_sort *order;
    uint16_t order_count;
    bool has_limit;
    int64_t limit, skip;
};

struct ast_column {
    const struct token *at;
    struct bytes name;
    const struct type *type;   /* NULL: computed, or a view's name alone */
    bool metadata, is_virtual;
    struct bytes metadata_key;
    struct ast_expr *computed;
    struct bytes comment;
};

struct ast_insert {
    const struct token *at;
    struct bytes table;
    const struct token *table_at;
    struct ast_options hints;
    struct bytes *columns;
    uint16_t columns_count;
    struct ast_query *query;
};

struct ast {
    /* CREATE TABLE, VIEW, MATERIALIZED, ALERT */
    const struct token *name_at;
    struct ast_column *columns;
    uint16_t columns_count;
    struct bytes watermark_column;
    const struct token *watermark_at;
    struct ast_expr *watermark;
    struct bytes *primary_key;
    uint16_t primary_key_count;
    const struct token *primary_key_at;
    struct ast_options options;
    struct bytes comment;
    struct bytes *partitioned;
    uint16_t partitioned_count;
    struct bytes class_name; /* of a function */
    struct ast_query *query; /* of a view, SELECT, … */
    struct ast_insert *inserts; /* INSERT: one; STATEMENT SET: all */
    uint16_t inserts_count;
    const struct statement *explained;
    bool explain_changes;    /* CHANGELOG_MODE */
    struct bytes like;       /* of SHOW … LIKE */
    bool not_like;
};

/* The kinds and names of what is shown, for messages. */
const char *ast_expr_describe(const struct ast_expr *expr);

#endif
