/* Neighbouring CALCs become one, unless that would compute an expression twice. */
#include "sql/bind.h"

/* Adds to uses[] how often each column is read. */
static void count_uses(const struct expr *e, uint32_t *uses)
{
    if (!e)
        return;
    if (e->kind == EXPR_COLUMN)
        uses[e->index]++;
    for (uint16_t i = 0; i < e->args_count; i++)
        count_uses(e->args[i], uses);
}

/* A column, a literal, a field: free to repeat. */
static bool is_cheap(const struct expr *e)
{
    return e->kind == EXPR_COLUMN || e->kind == EXPR_LITERAL ||
           (e->kind == EXPR_FIELD && is_cheap(e->args[0]));
}

static bool may_merge(struct arena *arena, const struct plan_node *upper, const struct plan_node *lower)
{
    uint32_t *uses = ARENA_ARRAY(arena, uint32_t, lower->columns_count + 1u);

    count_uses(upper->calc.filter, uses);
    for (uint16_t i = 0; i < upper->columns_count; i++)
        count_uses(upper->calc.exprs[i], uses);
    for (uint16_t i = 0; i < lower->columns_count; i++) {
        if (uses[i] > 1 && !is_cheap(lower->calc.exprs[i]))
            return false;
        if (uses[i] > 0 && upper->calc.filter && !expr_repeats(lower->calc.exprs[i]))
            return false; /* what is fresh for every row must not see fewer rows */
    }
    return true;
}

static void merge(struct arena *arena, struct plan_node *upper, const struct plan_node *lower)
{
    struct conjuncts list = {0};

    conjuncts_add(arena, &list, lower->calc.filter);
    conjuncts_add(arena, &list, expr_replace(arena, upper->calc.filter, lower->calc.exprs));
    upper->calc.filter = conjuncts_and(arena, &list);
    for (uint16_t i = 0; i < upper->columns_count; i++)
        upper->calc.exprs[i] = expr_replace(arena, upper->calc.exprs[i], lower->calc.exprs);
    upper->inputs[0].node = lower->inputs[0].node;
}

struct plan_node *opt_merge_calcs(struct arena *arena, struct plan_node *node)
{
    for (uint16_t i = 0; i < node->inputs_count; i++)
        node->inputs[i].node = opt_merge_calcs(arena, node->inputs[i].node);
    while (node->kind == PLAN_CALC && node->inputs[0].node->kind == PLAN_CALC &&
           may_merge(arena, node, node->inputs[0].node))
        merge(arena, node, node->inputs[0].node);
    return node;
}

/* A CALC that changes nothing goes; names pass to what is below. */
struct plan_node *opt_drop_identity(struct plan_node *node)
{
    for (uint16_t i = 0; i < node->inputs_count; i++)
        node->inputs[i].node = opt_drop_identity(node->inputs[i].node);
    if (node->kind != PLAN_CALC || node->calc.filter)
        return node;
    struct plan_node *input = node->inputs[0].node;
    if (input->columns_count != node->columns_count || input->kind == PLAN_VALUES)
        return node;
    for (uint16_t i = 0; i < node->columns_count; i++) {
        uint16_t column;
        if (!expr_is_column(node->calc.exprs[i], &column) || column != i)
            return node;
        if ((input->kind == PLAN_SCAN || input->kind == PLAN_NORMALIZE) && !bytes_equal(input->columns[i].name, node->columns[i].name))
            return node;
    }
    if (input->kind != PLAN_SCAN && input->kind != PLAN_NORMALIZE) { /* those may have other users */
        for (uint16_t i = 0; i < node->columns_count; i++)
            input->columns[i].name = node->columns[i].name;
    }
    return input;
}

/* A projection of literal rows is literal rows. */
struct plan_node *opt_fold_values(struct arena *arena, struct plan_node *node)
{
    for (uint16_t i = 0; i < node->inputs_count; i++)
        node->inputs[i].node = opt_fold_values(arena, node->inputs[i].node);
    if (node->kind != PLAN_CALC || node->calc.filter || node->inputs[0].node->kind != PLAN_VALUES)
        return node;
    const struct plan_values *from = &node->inputs[0].node->values;
    struct plan_node *out = node_new(arena, PLAN_VALUES, node->columns_count, 0);
    memcpy(out->columns, node->columns, node->columns_count * sizeof(*out->columns));
    out->values.rows_count = from->rows_count;
    out->values.rows = ARENA_ARRAY(arena, const struct expr **, from->rows_count + 1u);
    for (uint32_t r = 0; r < from->rows_count; r++) {
        out->values.rows[r] = ARENA_ARRAY(arena, const struct expr *, node->columns_count + 1u);
        for (uint16_t i = 0; i < node->columns_count; i++) {
            const struct expr *e = expr_replace(arena, node->calc.exprs[i], from->rows[r]);
            const struct expr *folded = NULL;
            if (e->kind == EXPR_CAST && expr_is_constant(e)) /* made again: folded when it can be */
                folded = func_cast(arena, e->args[0], e->type, e->try_cast, false, NULL);
            out->values.rows[r][i] = folded ? folded : e;
        }
    }
    return out;
}
