/* bind.h: what the files of the binder and the optimiser share.
 *
 * The binder turns syntax into plan nodes whose expressions are bound to columns: naive, correct, with
 * every column of every table. The optimiser (opt_*.c) then rewrites the tree, a file a rule. Both write
 * into the plan's arena; names are copied out of the text.
 *
 * Errors: the first is kept; functions return NULL (or a rel without node) once `failed`.
 * Layer: sql.
 */
#ifndef QW_SQL_BIND_H
#define QW_SQL_BIND_H

#include "base/check.h"
#include "data/func.h"
#include "sql/ast.h"

enum { BIND_COLUMNS_MAX = 4000, BIND_VIEW_DEPTH_MAX = 32, BIND_QUERIES_MAX = 1000, BIND_WINDOWS_MAX = 10000 };

/* Columns of expressions that are not whole yet: those of the outer query, in a sub-query's; and the values
 * of sub-queries, in an outer one. bind_subquery.c puts them in their places. */
enum { OUTER_COLUMN = 0x8000, SUB_COLUMN = 0xC000 };


/* A WITH name, seen by what follows it. */
struct cte {
    struct cte *outer;
    struct bytes name;
    const struct ast_with *with;
};

struct binder {
    struct arena *arena; /* of the plan, or of the table being made */
    const struct catalog *catalog;
    const struct settings *settings;
    struct plan *plan;   /* NULL while a table's own expressions are bound */
    struct cte *ctes;
    unsigned view_depth;
    unsigned queries;    /* bound so far: views and WITH names are bound again at each use */
    struct subs *subs;   /* where sub-queries as values are collected; NULL: they cannot stand here */
    const struct ast_options *ttls; /* STATE_TTL of the SELECT whose FROM is bound; or NULL */
    const struct lookup_hints *lookups; /* LOOKUP of that SELECT; or NULL */
    const struct scope *outer; /* of the query around the one that is bound; or NULL */
    struct bytes view;   /* whose text is being bound; its positions mean nothing to the user */
    bool failed;
    enum status status;
    struct diag *diag;
};

/* The columns that names may mean. */
struct scope_column {
    struct bytes name, table; /* table: the alias it is reached by */
    const struct type *type;
    enum time_attr time;
    bool hidden;              /* not in * */
    uint16_t merged;          /* its place among the columns of the USING above, from 1; these come first in * */
};

struct aggs {
    struct agg_call *calls;
    uint16_t count, cap;
    bool grouped;             /* by keys: every group has a row */
};

struct match_scope; /* bind_match.c */

struct scope {
    struct scope_column *columns;
    uint16_t count;
    struct aggs *aggs;            /* NULL: aggregates are not allowed here */
    const char *no_aggs;          /* why */
    const struct ast_expr **overs; /* calls with OVER, and the column that the first became */
    uint16_t overs_count, over_column;
    const struct ast_expr *window; /* TUMBLE(…) in GROUP BY, and its window_start column */
    uint16_t window_column;
    struct match_scope *match;     /* in MATCH_RECOGNIZE: what columns and calls mean there; or NULL */
    const struct scope *outer;     /* whose columns may be used too, as OUTER_COLUMN + their place */
};

/* A relation: a node and what its columns are called. */
struct rel {
    struct plan_node *node;
    struct scope scope;
};

/* ---- errors and nodes: bind.c ---- */
void *bind_error(struct binder *b, const struct token *at, enum diag_code code, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));
void *bind_unsupported(struct binder *b, const struct token *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* After a function of data/ has filled the diag: adds the place. */
void *bind_failed(struct binder *b, const struct token *at);
void bind_retain(struct binder *b, struct table *table); /* for as long as the plan lives */
void bind_hint(struct binder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct plan_node *node_new(struct arena *arena, enum plan_kind kind, uint16_t columns_count,
                           uint16_t inputs_count);
struct plan_node *node_over(struct arena *arena, enum plan_kind kind, struct plan_node *input,
                            uint16_t columns_count);
/* A CALC that gives all columns of its input as they are. */
struct plan_node *calc_all(struct arena *arena, struct plan_node *input);
struct plan_node *calc_new(struct arena *arena, struct plan_node *input, uint16_t exprs_count);
void calc_set(struct plan_node *calc, uint16_t i, struct bytes name, const struct expr *expr);

/* ---- expressions: bind_expr.c, bind_literal.c ---- */
const struct expr *bind_expr(struct binder *b, const struct scope *scope, const struct ast_expr *e);
/* The column that the first parts of a name are, with the fields that the others ask of it; without scope->match. */
const struct expr *bind_column(struct binder *b, const struct scope *scope, const struct ast_expr *e);
const struct expr *bind_call(struct binder *b, const struct token *at, const char *name,
                             const struct expr *x, const struct expr *y);
const struct expr *bind_condition(struct binder *b, const struct scope *scope,
                                  const struct ast_expr *e, const char *what);
const struct expr *bind_number(struct binder *b, const struct ast_expr *e);
const struct expr *bind_datetime(struct binder *b, const struct ast_expr *e);
const struct expr *bind_text(struct binder *b, struct bytes text);
enum time_attr expr_time(const struct scope *scope, const struct expr *e);
struct bytes bind_name(struct binder *b, struct bytes name);
bool ast_has_aggregate(const struct ast_expr *e);
bool ast_has_over(const struct ast_expr *e);

/* The column that an aggregate of the scope becomes; equal ones are one. */
const struct expr *bind_agg_column(struct binder *b, const struct scope *scope, const struct ast_expr *e,
                                   const struct agg_call *call);
/* The arguments of a call. NULL: failed. */
const struct expr **bind_args(struct binder *b, const struct scope *scope, const struct ast_expr *e);
/* An aggregate of these arguments. False: failed. */
bool bind_agg(struct binder *b, const struct ast_expr *e, const struct expr **args, const struct expr *filter,
              struct agg_call *out);
/* Aggregates that are made of others, of the call's arguments: bind_made.c; VAR_… and STDDEV_…: bind_variance.c */
bool made_exists(struct bytes name);
const struct expr *bind_made(struct binder *b, const struct scope *scope, const struct ast_expr *e,
                             const struct expr **args, const struct expr *filter);
bool variance_exists(struct bytes name);
const struct expr *bind_variance(struct binder *b, const struct scope *scope, const struct ast_expr *e,
                                 const struct expr **args, const struct expr *filter);
/* The column of one of those others. NULL where arg is. */
const struct expr *bind_part(struct binder *b, const struct scope *scope, const struct ast_expr *e, const char *name,
                             const struct expr *arg, const struct expr *filter);

/* ---- MATCH_RECOGNIZE: bind_match.c ---- */
struct rel bind_match(struct binder *b, const struct ast_from *from);
/* Columns and calls in DEFINE and MEASURES. NULL without failure: a call like everywhere else. */
const struct expr *bind_match_name(struct binder *b, const struct scope *scope, const struct ast_expr *e);
const struct expr *bind_match_call(struct binder *b, const struct scope *scope, const struct ast_expr *e);
/* The column that an aggregate over a variable's rows becomes. */
const struct expr *bind_match_aggregate(struct binder *b, const struct scope *scope, const struct ast_expr *e,
                                        const struct agg_call *call);

/* ---- sub-queries in expressions: bind_subquery.c ---- */
const struct expr *bind_subquery_value(struct binder *b, const struct scope *scope,
                                       const struct ast_expr *e);

/* ---- queries: bind_query.c, bind_from.c, bind_agg.c ---- */
struct rel bind_query(struct binder *b, const struct ast_query *query);
struct rel bind_body(struct binder *b, const struct ast_query *query); /* without ORDER BY and LIMIT */
/* The same, with what ORDER BY wants and SELECT does not have as *hidden columns behind the others. */
struct rel bind_ordered(struct binder *b, const struct ast_query *query, uint16_t *hidden);
struct rel bind_from(struct binder *b, const struct ast_from *from);
/* Makes a join whose condition is bound what FOR SYSTEM_TIME AS OF asks for. bind_temporal.c */
void bind_temporal(struct binder *b, const struct ast_from *join, const struct rel *left, struct rel *rel);
/* left's rows with the elements of a list of each; padded: LEFT JOIN. bind_unnest.c */
struct rel bind_unnest(struct binder *b, const struct ast_from *from, const struct rel *left, bool padded);
struct rel bind_unnest_join(struct binder *b, const struct ast_from *join, const struct rel *left);
struct plan_node *bind_one_row(struct binder *b); /* of no columns */
struct rel bind_table(struct binder *b, const struct token *at, struct bytes name,
                      const struct ast_options *hints);
/* window: all but its time attribute, which is that of its column. */
struct plan_node *bind_window(struct binder *b, const struct token *at, struct plan_node *input,
                              struct plan_window window);
int64_t bind_interval(struct binder *b, const struct ast_expr *e);
struct scope scope_of(struct binder *b, const struct plan_node *node, struct bytes table);
/* The column of rel that has e, added behind the others (hidden) where there is none. */
uint16_t rel_column(struct binder *b, struct rel *rel, const struct expr *e);
/* The calls with OVER in SELECT become columns of rel. bind_over.c */
void bind_over(struct binder *b, const struct ast_select *ast, struct rel *rel);
/* The columns of an OVER that is ordered by no time are none either. */
void over_end_times(struct plan_node *node);
/* The columns of its ORDER BY, or NULL when failed. rel and hidden: of bind_ordered. */
struct plan_sort_key *bind_sorts(struct binder *b, const struct ast_query *query, const struct rel *rel,
                                 uint16_t hidden);

struct group {
    const struct expr **keys; /* over the input */
    struct bytes *names;
    uint16_t keys_count;
};
/* The aggregate over rel, and for key i and call j the output columns. */
struct plan_node *bind_aggregate(struct binder *b, const struct token *at, struct plan_node *input,
                                 const struct group *group, const struct aggs *aggs,
                                 uint16_t *key_columns, uint16_t *agg_columns);

/* ---- what can be said of a node's columns: props.c ---- */
enum window_role { ROLE_NONE, ROLE_START, ROLE_END, ROLE_TIME };
struct window_prop {
    enum window_role role;
    const struct plan_window *window; /* the one that it comes from */
};
struct window_prop window_prop(const struct plan_node *node, uint16_t column);
/* Columns that together are unique among the rows that stand; false: none known. */
bool unique_key(struct arena *arena, const struct plan_node *node, const uint16_t **columns,
                uint16_t *count);
/* The columns by which its rows are versions of one another: as above, or a key that its table declares. */
bool version_key(struct arena *arena, const struct plan_node *node, const uint16_t **columns, uint16_t *count);
/* The column has edges of event-time windows: what an operator emits at the watermark is never late. */
bool never_late(const struct plan_node *node, uint16_t column);
/* The column has, through projections, one by which the sessions of that window are apart. */
bool session_key(const struct plan_node *node, uint16_t column, const struct plan_window *window);
/* The columns of a rank's partition that are the start and the end of one event-time window. */
bool rank_windows(const struct plan_node *node, uint16_t *start, uint16_t *end);
/* left start, left end, right start, right end: columns by which a join equates its sides' windows. */
bool join_windows(const struct plan_node *node, uint16_t out[4]);
bool join_side_unique(struct arena *arena, const struct plan_node *node, int side); /* 0 left, 1 right */
/* The columns that a join's condition sees: the left's, then the right's. SEMI and ANTI give the left's alone. */
static inline uint16_t join_width(const struct plan_node *join)
{
    return (uint16_t)(join->inputs[0].node->columns_count + join->inputs[1].node->columns_count);
}
static inline bool join_left_only(enum join_kind kind)
{
    return kind == JOIN_SEMI || kind == JOIN_ANTI;
}

/* ---- trees: tree.c ---- */
struct conjuncts {
    const struct expr **items;
    uint16_t count, cap;
};
void expr_columns(const struct expr *e, uint8_t *used); /* sets used[column] */
const struct expr *expr_map(struct arena *arena, const struct expr *e, const int32_t *map);
const struct expr *expr_replace(struct arena *arena, const struct expr *e,
                                const struct expr *const *by);
bool expr_repeats(const struct expr *e); /* may be computed twice with the same result */
bool expr_is_column(const struct expr *e, uint16_t *column);
bool expr_is_func(const struct expr *e, const char *name);
void conjuncts_add(struct arena *arena, struct conjuncts *list, const struct expr *e);
const struct expr *conjuncts_and(struct arena *arena, const struct conjuncts *list);
const struct expr *expr_row(struct arena *arena, const struct expr *const *fields, uint16_t count); /* NOT NULL */
const struct expr *column_of(struct arena *arena, const struct plan_node *node, uint16_t i);

/* ---- the optimiser ---- */
struct plan_node *opt_push_filters(struct arena *arena, struct plan_node *root);
struct plan_node *opt_join_keys(struct arena *arena, struct plan_node *root);
struct plan_node *opt_fold_windows(struct arena *arena, struct plan_node *root);
struct plan_node *opt_prune(struct arena *arena, struct plan_node *root);
struct plan_node *opt_constants(struct arena *arena, struct plan_node *root);
struct plan_node *opt_fold_values(struct arena *arena, struct plan_node *root);
struct plan_node *opt_merge_calcs(struct arena *arena, struct plan_node *root);
struct plan_node *opt_drop_identity(struct plan_node *root);
void opt_scans(struct plan *plan, struct plan_node **roots, uint16_t count);
/* Lookup joins on outside systems, when what is scanned is known. False: failed. */
bool opt_lookups(struct binder *b, struct plan_node **roots, const struct token **at, uint16_t count);
void opt_share(struct plan *plan, struct plan_node **roots, uint16_t count);
/* From bound sinks to a plan in order, with all of the above applied. */
enum status plan_finish(struct binder *b, struct plan_node **sinks, const struct token **at,
                        uint16_t count);
/* Rules that a plan must meet after rewriting; names what it does not. */
bool plan_check(struct binder *b, const struct plan_node *root, const struct token *at);
/* Sets plan_node.origins, when the changes are known. plan_origins.c */
void infer_origins(struct plan *plan);
/* STATE_TTL of a SELECT: names what it cannot mean; gives an input the time that is said for its part of FROM, if one
 * is. bind_ttl.c */
void ttl_check(struct binder *b, const struct ast_options *ttls, const struct ast_from *from);
void ttl_hint(const struct ast_options *ttls, const struct ast_from *from, struct plan_input *input);
/* What an input of FROM is called; none: a join. */
struct bytes input_name(const struct ast_from *from);
/* LOOKUP of a SELECT: names what it cannot mean; the one that is said of a join's right side, or NULL. bind_lookup_hint.c */
struct named_hint {
    const struct token *at;
    struct bytes table; /* as FROM calls it */
    struct lookup_hint hint;
};
struct lookup_hints {
    struct named_hint *items;
    uint16_t count;
};
struct lookup_hints *bind_lookup_hints(struct binder *b, const struct ast_select *s);
const struct named_hint *lookup_hint_of(const struct lookup_hints *hints, const struct ast_from *right);
/* Sets plan_input.ttl_us, when it is known which joins are bounded. plan_ttl.c */
void infer_ttl(struct binder *b, struct plan *plan);
int64_t ttl_of(int64_t duration_us); /* as long as state is kept: in whole milliseconds */
/* Changelogs, distribution, keys of sinks, remarks. */
bool plan_traits(struct binder *b, const struct token **sinks_at);

/* ---- CREATE: bind_table.c ---- */
void bind_table_head(struct binder *b, const struct statement *statement, struct table *table);
enum status bind_create_table(struct binder *b, const struct statement *statement, struct table *table);
enum status bind_view(struct binder *b, const struct statement *statement, struct table *table);
/* The query's columns under the table's names; sets the table's columns and declared key. */
struct plan_node *bind_table_query(struct binder *b, const struct ast *ast, struct table *table,
                                   struct plan_node *query);

/* ---- sinks: bind_sink.c ---- */
/* A sink on a table (NULL: the answer) of rel's columns; columns: of the table, one for each of rel's. */
struct plan_node *bind_sink(struct binder *b, struct table *table, struct plan_node *input,
                            const uint16_t *columns);
struct plan_node *bind_insert(struct binder *b, const struct ast_insert *insert);
struct plan_node *bind_answer(struct binder *b, const struct ast_query *query);
bool sink_takes_updates(const struct table *table);
bool sink_wants_before(const struct table *table);
/* The scan's rows replace those of their keys, and do not tell what they replace. */
bool scan_upserts(const struct plan_scan *scan);
bool table_changelog(const struct table *table, const struct table_option *hints, uint16_t hints_count,
                     unsigned *changes);

#endif
