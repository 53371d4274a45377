/* UNION, INTERSECT and EXCEPT. The latter two count, for each row that is there, how often it is on either side:
 *
 *   INTERSECT       rows with a count on both      INTERSECT ALL   as often as the lesser count
 *   EXCEPT          on the left alone              EXCEPT ALL      as often as it is on the left more
 *
 * NULLs are equal here, as in GROUP BY. */
#include "sql/bind_select.h"

static const char *set_word(enum ast_set_kind kind)
{
    return kind == SET_UNION ? "UNION" : kind == SET_INTERSECT ? "INTERSECT" : "EXCEPT";
}

/* The node's columns as the set has them, and `side` behind them unless it is NULL. */
static struct plan_node *operand_of(struct binder *b, const struct token *at, struct plan_node *node,
                                    const struct plan_column *columns, uint16_t count, const struct expr *side)
{
    struct plan_node *calc = calc_new(b->arena, node, (uint16_t)(count + (side != NULL)));

    for (uint16_t i = 0; i < count; i++) {
        const struct expr *e = column_of(b->arena, node, i);
        const struct expr *cast = func_cast(b->arena, e, columns[i].type, false, true, b->diag);
        if (!cast)
            return bind_failed(b, at);
        calc_set(calc, i, columns[i].name, cast);
    }
    if (side)
        calc_set(calc, count, columns[count].name, side);
    return calc;
}

/* All rows of both; sided: with a column that is TRUE for the left's. */
static struct plan_node *both_sides(struct binder *b, const struct ast_select *ast, bool sided)
{
    struct rel left = bind_query(b, ast->left), right = bind_query(b, ast->right);

    if (b->failed)
        return NULL;
    uint16_t n = left.node->columns_count;
    if (right.node->columns_count != n)
        return bind_error(b, ast->at, DIAG_SYNTAX, "%s of %u and %u columns", set_word(ast->kind), n,
                          right.node->columns_count);
    struct plan_node *node = node_new(b->arena, PLAN_UNION, (uint16_t)(n + sided), 2);
    for (uint16_t i = 0; i < n; i++) {
        const struct plan_column *x = &left.node->columns[i], *y = &right.node->columns[i];
        const struct type *type = type_common(b->arena, x->type, y->type);
        if (!type)
            return bind_error(b, ast->at, DIAG_TYPE, "column %u of %s is %s on one side, %s on the other", i + 1u,
                              set_word(ast->kind), type_text(b->arena, x->type), type_text(b->arena, y->type));
        node->columns[i] = (struct plan_column){x->name, type, x->time == y->time ? x->time : TIME_NONE};
    }
    if (sided)
        node->columns[n] = (struct plan_column){BYTES_LITERAL("$left"), type_simple(TYPE_BOOLEAN), TIME_NONE};
    for (int side = 0; side < 2; side++)
        node->inputs[side].node = operand_of(b, ast->at, side ? right.node : left.node, node->columns, n,
                                             sided ? expr_bool(b->arena, side == 0) : NULL);
    return b->failed ? NULL : node;
}

/* The rows that are there, then how often on the left and on the right. */
static struct plan_node *counted(struct binder *b, const struct token *at, struct plan_node *both)
{
    uint16_t n = (uint16_t)(both->columns_count - 1);
    struct group group = {.keys = ARENA_ARRAY(b->arena, const struct expr *, n + 1u),
                          .names = ARENA_ARRAY(b->arena, struct bytes, n + 1u), .keys_count = n};
    struct agg_call calls[2];
    struct aggs aggs = {.calls = calls, .count = 2};
    uint16_t *columns = ARENA_ARRAY(b->arena, uint16_t, n + 3u);
    const struct expr *left = column_of(b->arena, both, n);
    const struct expr *sides[2] = {left, bind_call(b, at, "NOT", left, NULL)};

    for (int side = 0; side < 2 && !b->failed; side++) {
        if (!agg_bind(b->arena, bytes_str("COUNT"), NULL, true, false, sides[side], &calls[side], b->diag))
            return bind_failed(b, at);
    }
    for (uint16_t i = 0; i < n; i++) {
        group.keys[i] = column_of(b->arena, both, i);
        group.names[i] = both->columns[i].name;
    }
    struct plan_node *agg = bind_aggregate(b, at, both, &group, &aggs, columns, columns + n);
    if (b->failed)
        return NULL;
    struct plan_node *calc = calc_new(b->arena, agg, (uint16_t)(n + 2));
    for (uint16_t i = 0; i < n + 2; i++)
        calc_set(calc, i, i < n ? both->columns[i].name : bytes_str(i == n ? "$lefts" : "$rights"),
                 column_of(b->arena, agg, columns[i]));
    return calc;
}

/* Each row as often as its last column says, without that. */
static struct plan_node *repeated(struct binder *b, struct plan_node *node)
{
    uint16_t n = (uint16_t)(node->columns_count - 1);
    struct plan_node *out = node_over(b->arena, PLAN_UNNEST, node, n);
    uint16_t *kept = ARENA_ARRAY(b->arena, uint16_t, n + 1u);

    for (uint16_t i = 0; i < n; i++)
        kept[i] = i;
    out->unnest = (struct plan_unnest){.column = n, .kept = kept, .kept_count = n};
    return out;
}

/* The first columns of a node, and `last` behind them unless it is NULL. */
static struct plan_node *first_with(struct binder *b, struct plan_node *node, uint16_t count,
                                    const struct expr *last)
{
    struct plan_node *calc = calc_new(b->arena, node, (uint16_t)(count + (last != NULL)));

    for (uint16_t i = 0; i < count; i++)
        calc_set(calc, i, node->columns[i].name, column_of(b->arena, node, i));
    if (last)
        calc_set(calc, count, bytes_str("$times"), last);
    return calc;
}

static struct plan_node *bind_counts(struct binder *b, const struct ast_select *ast)
{
    struct plan_node *both = both_sides(b, ast, true);
    struct plan_node *node = both ? counted(b, ast->at, both) : NULL;

    if (b->failed)
        return NULL;
    uint16_t n = (uint16_t)(node->columns_count - 2);
    bool meet = ast->kind == SET_INTERSECT;
    const struct expr *lefts = column_of(b->arena, node, n), *rights = column_of(b->arena, node, (uint16_t)(n + 1));
    if (ast->all) {
        const struct expr *times = bind_call(b, ast->at, meet ? "LEAST" : "-", lefts, rights);
        return b->failed ? NULL : repeated(b, first_with(b, node, n, times));
    }
    const struct expr *none = expr_i64(b->arena, 0, type_simple(TYPE_BIGINT));
    const struct expr *there = bind_call(b, ast->at, "AND", bind_call(b, ast->at, ">", lefts, none),
                                         bind_call(b, ast->at, meet ? ">" : "=", rights, none));
    node = filter_on(b, node, there);
    return b->failed ? NULL : first_with(b, node, n, NULL);
}

struct plan_node *bind_set(struct binder *b, const struct ast_select *ast)
{
    if (ast->kind != SET_UNION)
        return bind_counts(b, ast);
    struct plan_node *node = both_sides(b, ast, false);
    return b->failed || ast->all ? node : distinct_on(b, ast->at, node);
}
