/* UNNEST in FROM: the rows of the relation before it, each with the elements of a list of its own. */
#include "sql/bind_select.h"

/* The columns that the elements of a list have. */
static const struct type_field *element_fields(struct binder *b, const struct type *list, uint16_t *count)
{
    if (list->kind == TYPE_ARRAY && list->fields[0].type->kind == TYPE_ROW) {
        *count = list->fields[0].type->fields_count;
        return list->fields[0].type->fields;
    }
    *count = list->fields_count;
    struct type_field *fields = ARENA_ARRAY(b->arena, struct type_field, 2);
    fields[0] = (struct type_field){.name = list->kind == TYPE_MAP ? BYTES_LITERAL("f0") : BYTES_LITERAL("EXPR$0"),
                                    .type = list->fields[0].type};
    if (*count > 1)
        fields[1] = (struct type_field){.name = BYTES_LITERAL("f1"), .type = list->fields[1].type};
    return fields;
}

/* The list as a column of the rows. */
static uint16_t list_column(struct binder *b, struct rel *rel, const struct expr *list)
{
    uint16_t column, n = rel->node->columns_count;

    if (expr_is_column(list, &column))
        return column;
    struct plan_node *calc = calc_new(b->arena, rel->node, (uint16_t)(n + 1));
    for (uint16_t i = 0; i < n; i++)
        calc_set(calc, i, rel->node->columns[i].name, column_of(b->arena, rel->node, i));
    calc_set(calc, n, BYTES_LITERAL("$list"), list);
    rel->node = calc;
    return n;
}

/* Column `part` of the elements; the last one may be their place. */
static struct plan_column part_column(struct binder *b, const struct ast_from *from, const struct type *list,
                                      const struct type_field *fields, uint16_t part, bool ordinality)
{
    struct plan_column column = {.name = ordinality ? BYTES_LITERAL("ORDINALITY") : bind_name(b, fields[part].name),
                                 .type = ordinality ? type_not_null(b->arena, type_simple(TYPE_INT), true)
                                                    : fields[part].type};
    bool of_row = list->kind == TYPE_ARRAY && list->fields[0].type->kind == TYPE_ROW;

    if (!ordinality && of_row && !list->fields[0].type->not_null)
        column.type = type_not_null(b->arena, column.type, false);
    if (from->alias_columns_count > 0)
        column.name = bind_name(b, from->alias_columns[part]);
    else if (from->alias.len > 0 && !of_row && list->kind == TYPE_ARRAY && !ordinality)
        column.name = bind_name(b, from->alias); /* a single column is called as the table */
    return column;
}

static struct rel unnested(struct binder *b, const struct ast_from *from, const struct rel *left, uint16_t list,
                           bool padded)
{
    const struct type *type = left->node->columns[list].type;
    uint16_t n = left->scope.count, count;
    const struct type_field *fields = element_fields(b, type, &count);
    uint16_t m = (uint16_t)(count + from->ordinality);
    struct rel rel = {0};

    if (from->alias_columns_count > 0 && from->alias_columns_count != m)
        return bind_error(b, from->at, DIAG_SYNTAX, "%u names for %u columns", from->alias_columns_count, m), rel;
    if (n + m > BIND_COLUMNS_MAX)
        return bind_error(b, from->at, DIAG_LIMIT, "more than %d columns", BIND_COLUMNS_MAX), rel;
    struct plan_node *node = node_new(b->arena, PLAN_UNNEST, (uint16_t)(n + m), 1);
    uint16_t *kept = ARENA_ARRAY(b->arena, uint16_t, n + 1u), *parts = ARENA_ARRAY(b->arena, uint16_t, m + 1u);
    node->inputs[0].node = left->node;
    rel.scope.count = (uint16_t)(n + m);
    rel.scope.columns = ARENA_ARRAY(b->arena, struct scope_column, n + m + 1u);
    for (uint16_t i = 0; i < n; i++) {
        kept[i] = i;
        node->columns[i] = left->node->columns[i];
        rel.scope.columns[i] = left->scope.columns[i];
    }
    for (uint16_t i = 0; i < m; i++) {
        struct plan_column *column = &node->columns[n + i];
        parts[i] = i < count ? i : UNNEST_ORDINALITY;
        *column = part_column(b, from, type, fields, i, i >= count);
        if (padded)
            column->type = type_not_null(b->arena, column->type, false);
        rel.scope.columns[n + i] = (struct scope_column){.name = column->name, .table = bind_name(b, from->alias),
                                                         .type = column->type};
    }
    node->unnest = (struct plan_unnest){.column = list, .kept = kept, .kept_count = n, .parts = parts,
                                        .parts_count = m, .left = padded};
    rel.node = node;
    return rel;
}

struct rel bind_unnest(struct binder *b, const struct ast_from *from, const struct rel *left, bool padded)
{
    struct rel rows = *left, none = {0};

    rows.scope.no_aggs = "in UNNEST";
    const struct expr *list = bind_expr(b, &rows.scope, from->list);
    rows.scope.no_aggs = NULL;
    if (!list)
        return none;
    if (list->type->kind != TYPE_ARRAY && list->type->kind != TYPE_MAP) {
        bind_error(b, from->list->at, DIAG_TYPE, "UNNEST takes an ARRAY or MAP, not %s",
                   type_text(b->arena, list->type));
        return none;
    }
    uint16_t column = list_column(b, &rows, list);
    return unnested(b, from, &rows, column, padded);
}

/* … JOIN UNNEST(list) [ON …] */
struct rel bind_unnest_join(struct binder *b, const struct ast_from *join, const struct rel *left)
{
    struct rel rel = {0};

    if (join->join != JOIN_INNER && join->join != JOIN_LEFT)
        return bind_unsupported(b, join->at, "RIGHT or FULL JOIN of UNNEST"), rel;
    if (join->using_count > 0)
        return bind_unsupported(b, join->at, "JOIN UNNEST … USING"), rel;
    rel = bind_unnest(b, join->right, left, join->join == JOIN_LEFT);
    if (b->failed || !join->on)
        return rel;
    rel.scope.no_aggs = "in ON";
    const struct expr *on = bind_condition(b, &rel.scope, join->on, "ON");
    rel.scope.no_aggs = NULL;
    if (!on)
        return rel;
    if (on->kind == EXPR_LITERAL && !on->is_null && on->value.b)
        return rel;
    if (join->join == JOIN_LEFT)
        return bind_unsupported(b, join->on->at, "LEFT JOIN UNNEST … ON other than TRUE"), rel;
    rel.node = filter_on(b, rel.node, on);
    return rel;
}
