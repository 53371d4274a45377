/* bind_select.h: one SELECT while it is bound: what bind_query.c and bind_subquery.c share.
 *
 * A sub-query in WHERE that only lets rows pass (IN, EXISTS and their negations, joined by AND) is a SEMI or
 * ANTI join. Any other gives values: columns that a LEFT join adds to the rows, called SUB_COLUMN + their place
 * until the join is there.   Layer: sql.
 */
#ifndef QW_SQL_BIND_SELECT_H
#define QW_SQL_BIND_SELECT_H

#include "sql/bind.h"

/* What is joined to the rows for a sub-query: outer[i] equals column i of node; all columns are values. */
struct sub {
    struct plan_node *node;
    const struct expr **outer;
    uint16_t keys_count;
    uint16_t first; /* of its columns among those of all */
};

struct subs {
    struct sub *items;
    uint16_t count, cap;
    uint16_t columns_count;
};

struct selecting {
    const struct ast_select *ast;
    struct rel rel;            /* FROM, WHERE, and a rank */
    struct aggs aggs;
    struct subs subs;          /* of the items and HAVING */
    const struct expr **exprs; /* of the items, stars expanded */
    struct bytes *names;
    uint16_t count;
    const struct expr *having;
    struct group group;
};

/* ---- bind_query.c ---- */
/* FROM and WHERE. outer: the query around, or NULL; what WHERE says of its columns goes to `on`. */
void select_rows(struct binder *b, struct selecting *s, const struct scope *outer, struct conjuncts *on);
/* What GROUP BY says. */
void select_keys(struct binder *b, struct selecting *s);
void select_items(struct binder *b, struct selecting *s);
/* The items and HAVING, with their aggregates and sub-queries. */
void select_values(struct binder *b, struct selecting *s);
/* From rows to groups, by s->group: the items and HAVING are over those then. */
void select_group(struct binder *b, struct selecting *s);
/* The node's rows, each once. */
struct plan_node *distinct_on(struct binder *b, const struct token *at, struct plan_node *node);
struct plan_node *filter_on(struct binder *b, struct plan_node *node, const struct expr *filter);

/* ---- bind_set.c ---- */
struct plan_node *bind_set(struct binder *b, const struct ast_select *ast);

/* ---- bind_subquery.c ---- */
bool ast_has_subquery(const struct ast_expr *e);
void bind_where(struct binder *b, struct rel *rel, const struct ast_expr *where, struct conjuncts *on);
/* The node with what the sub-queries give behind its own columns. */
struct plan_node *subs_join(struct binder *b, struct plan_node *node, const struct subs *subs);
/* The expression with columns of the outer query at outer + their place, its own at inner + …, and those of
 * sub-queries at sub + …. */
struct places {
    uint16_t outer, inner, sub;
};
const struct expr *expr_place(struct arena *arena, const struct expr *e, struct places places);

#endif
