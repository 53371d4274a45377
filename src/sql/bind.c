/* Errors of the binder, and the making of nodes. */
#include "sql/bind.h"

#include <stdarg.h>
#include <stdio.h>

static void bind_fail(struct binder *b, const struct token *at, enum status st)
{
    b->failed = true;
    b->status = st;
    if (!b->diag || !at)
        return;
    if (b->view.len > 0) { /* the text of the view is not the text that the user gave */
        diag_hint(b->diag, "in the view `%.*s`, line %u, column %u",
                  BYTES_FMT(bytes_head(b->view, 60)), at->line, at->column);
        return;
    }
    if (b->diag->line > 0)
        return;
    b->diag->line = at->line;
    b->diag->column = at->column;
    size_t len = at->text.len < sizeof(b->diag->near) - 1 ? at->text.len
                                                          : sizeof(b->diag->near) - 1;
    if (len > 0)
        memcpy(b->diag->near, at->text.ptr, len);
    b->diag->near[len] = 0;
}

void *bind_error(struct binder *b, const struct token *at, enum diag_code code, const char *format,
                 ...)
{
    char message[360];
    va_list args;

    if (b->failed)
        return NULL;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    diag_set(b->diag, ST_INVALID, code, "%s", message);
    bind_fail(b, at, ST_INVALID);
    return NULL;
}

void *bind_unsupported(struct binder *b, const struct token *at, const char *format, ...)
{
    char what[300];
    va_list args;

    if (b->failed)
        return NULL;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    diag_set(b->diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED, "%s is not built yet", what);
    bind_fail(b, at, ST_UNSUPPORTED);
    return NULL;
}

void *bind_failed(struct binder *b, const struct token *at)
{
    if (b->failed)
        return NULL;
    enum status st = b->diag && b->diag->code == DIAG_UNSUPPORTED ? ST_UNSUPPORTED : ST_INVALID;
    diag_set(b->diag, st, DIAG_TYPE, "this expression cannot be bound");
    bind_fail(b, at, st);
    return NULL;
}

void bind_hint(struct binder *b, const char *format, ...)
{
    char text[240];
    va_list args;

    if (!b->diag)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    diag_hint(b->diag, "%s", text);
}

struct plan_node *node_new(struct arena *arena, enum plan_kind kind, uint16_t columns_count,
                           uint16_t inputs_count)
{
    struct plan_node *node = ARENA_NEW(arena, struct plan_node);

    node->kind = kind;
    node->columns = ARENA_ARRAY(arena, struct plan_column, columns_count);
    node->columns_count = columns_count;
    node->inputs = ARENA_ARRAY(arena, struct plan_input, inputs_count);
    node->inputs_count = inputs_count;
    return node;
}

/* With the input's columns first, and room for more. */
struct plan_node *node_over(struct arena *arena, enum plan_kind kind, struct plan_node *input,
                            uint16_t columns_count)
{
    struct plan_node *node = node_new(arena, kind, columns_count, 1);
    uint16_t same = columns_count < input->columns_count ? columns_count : input->columns_count;

    node->inputs[0].node = input;
    if (same > 0)
        memcpy(node->columns, input->columns, same * sizeof(*node->columns));
    return node;
}

struct plan_node *calc_new(struct arena *arena, struct plan_node *input, uint16_t exprs_count)
{
    struct plan_node *node = node_new(arena, PLAN_CALC, exprs_count, 1);

    node->inputs[0].node = input;
    node->calc.exprs = ARENA_ARRAY(arena, const struct expr *, exprs_count);
    return node;
}

/* The time attribute passes with the column; PROCTIME() is one itself. */
void calc_set(struct plan_node *calc, uint16_t i, struct bytes name, const struct expr *expr)
{
    const struct plan_node *input = calc->inputs[0].node;
    enum time_attr time = TIME_NONE;

    if (expr->kind == EXPR_COLUMN)
        time = input->columns[expr->index].time;
    else if (expr_is_func(expr, "PROCTIME"))
        time = TIME_PROC;
    calc->columns[i] = (struct plan_column){.name = name, .type = expr->type, .time = time};
    calc->calc.exprs[i] = expr;
}

struct plan_node *calc_all(struct arena *arena, struct plan_node *input)
{
    struct plan_node *calc = calc_new(arena, input, input->columns_count);

    for (uint16_t i = 0; i < input->columns_count; i++)
        calc_set(calc, i, input->columns[i].name, column_of(arena, input, i));
    return calc;
}

void bind_retain(struct binder *b, struct table *table)
{
    struct plan *plan = b->plan;

    CHECK(plan != NULL);
    for (uint32_t i = 0; i < plan->tables_count; i++) {
        if (plan->tables[i] == table)
            return;
    }
    struct table **grown = ARENA_ARRAY(&plan->arena, struct table *, plan->tables_count + 1u);
    if (plan->tables_count > 0)
        memcpy(grown, plan->tables, plan->tables_count * sizeof(struct table *));
    grown[plan->tables_count++] = table;
    plan->tables = grown;
    table_retain(table);
}
