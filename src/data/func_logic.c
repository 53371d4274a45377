/* Three-valued logic and choice: AND OR NOT, IS [NOT] TRUE/FALSE/UNKNOWN, COALESCE, IFNULL, NULLIF,
 * IF, GREATEST, LEAST. */
#include "data/compare.h"
#include "data/kernel.h"

/* ---- AND, OR ---- */

static bool bind_logic(struct bind *b)
{
    for (unsigned i = 0; i < b->args_count; i++)
        if (!bind_cast(b, i, type_simple(TYPE_BOOLEAN)))
            return false;
    b->type = type_not_null(b->arena, type_simple(TYPE_BOOLEAN), !bind_any_null(b));
    if (b->args_count == 1)
        b->instead = b->args[0];
    return true;
}

/* AND: FALSE decides; OR: TRUE does. Arguments are evaluated for the undecided rows only. */
static enum status logic(struct call *call)
{
    uint8_t decides = (uint8_t)call->expr->func->variant;
    uint16_t *rest = arena_alloc(call->ctx->arena, sizeof(uint16_t) * (call->count + 1u));
    uint16_t rest_count = call->count;
    uint8_t *out = call->data;
    struct vec v;

    for (uint16_t i = 0; i < call->count; i++) {
        rest[i] = (uint16_t)ROW_AT(call, i);
        out[rest[i]] = !decides;
    }
    for (uint16_t a = 0; a < call->expr->args_count && rest_count; a++) {
        TRY(vec_eval(call->expr->args[a], call->ctx, call->in, rest, rest_count, &v));
        const uint8_t *data = v.col.data;
        uint16_t kept = 0;
        for (uint16_t i = 0; i < rest_count; i++) {
            uint16_t row = rest[i], at = v.constant ? 0 : row;
            bool valid = column_valid(&v.col, at), decided = valid && data[at] == decides;
            if (!valid)
                call_null(call, row);
            if (decided) {
                out[row] = decides;
                if (call->valid)
                    valid_set(call->valid, row);
            }
            rest[kept] = row;
            kept = (uint16_t)(kept + !decided);
        }
        rest_count = kept;
    }
    return ST_OK;
}

KERNEL1(not_bool, uint8_t, uint8_t, !x)

static enum status not_(struct call *call)
{
    not_bool(call);
    return ST_OK;
}

/* variant: bit 0 the value asked for, bit 1 set when negated, bit 2 when UNKNOWN is asked for. */
static enum status is_truth(struct call *call)
{
    int variant = call->expr->func->variant;

    FOR_ROWS(call, row) {
        bool valid = arg_valid(call, 0, row);
        bool is = variant & 4 ? !valid : valid && ARG(call, 0, uint8_t, row) == (variant & 1);
        OUT(call, uint8_t)[row] = is != ((variant & 2) != 0);
    }
    return ST_OK;
}

/* ---- choice ---- */

static bool bind_common(struct bind *b)
{
    const struct type *type = bind_type(b, 0);

    for (unsigned i = 1; i < b->args_count; i++) {
        const struct type *next = type_common(b->arena, type, bind_type(b, i));
        if (!next)
            return bind_fail(b, "%s and %s have no common type", type_text(b->arena, type),
                             type_text(b->arena, bind_type(b, i)));
        type = next;
    }
    for (unsigned i = 0; i < b->args_count; i++)
        if (type->kind == TYPE_FLOAT && bind_type(b, i)->kind == TYPE_DOUBLE)
            type = bind_type(b, i); /* the wider one here; elsewhere the first */
    for (unsigned i = 0; i < b->args_count; i++)
        if (!bind_force(b, i, type))
            return false;
    b->type = type_not_null(b->arena, type, !bind_any_null(b));
    return true;
}

static bool bind_coalesce(struct bind *b)
{
    bool never_null = false;

    if (!bind_common(b))
        return false;
    for (unsigned i = 0; i < b->args_count; i++)
        never_null |= bind_type(b, i)->not_null;
    b->type = type_not_null(b->arena, b->type, never_null);
    if (b->args_count == 1 || bind_type(b, 0)->not_null)
        b->instead = b->args[0];
    return true;
}

static enum status coalesce(struct call *call)
{
    const struct expr *e = call->expr;
    uint16_t *rest = arena_alloc(call->ctx->arena, sizeof(uint16_t) * (call->count + 1u));
    uint16_t *taken = arena_alloc(call->ctx->arena, sizeof(uint16_t) * (call->count + 1u));
    uint16_t rest_count = call->count;
    struct merge m;
    struct vec v;

    for (uint16_t i = 0; i < call->count; i++)
        rest[i] = (uint16_t)ROW_AT(call, i);
    merge_init(&m, call->ctx->arena, e->type, call->rows, (uint16_t)(e->args_count + 1));
    for (uint16_t a = 0; a < e->args_count && rest_count; a++) {
        uint16_t kept = 0, taken_count = 0;
        TRY(vec_eval(e->args[a], call->ctx, call->in, rest, rest_count, &v));
        for (uint16_t i = 0; i < rest_count; i++) {
            uint16_t row = rest[i];
            bool valid = column_valid(&v.col, v.constant ? 0 : row);
            taken[taken_count] = row;
            taken_count = (uint16_t)(taken_count + valid);
            rest[kept] = row;
            kept = (uint16_t)(kept + !valid);
        }
        rest_count = kept;
        if (taken_count)
            merge_rows(&m, v, taken, taken_count);
    }
    if (rest_count || m.parts_count == 0)
        merge_rows(&m, vec_null(call->ctx->arena, e->type), rest, rest_count);
    call->whole = merge_done(&m);
    return ST_OK;
}

static bool bind_if(struct bind *b)
{
    const struct expr *choice = func_case(b->arena, b->args, 3, b->diag);
    if (choice && choice->type->not_null && bind_any_null(b)) { /* as Flink has it: of the condition too */
        struct expr *nullable = ARENA_NEW(b->arena, struct expr);
        *nullable = *choice;
        nullable->type = type_not_null(b->arena, choice->type, false);
        choice = nullable;
    }
    b->instead = choice;
    return choice != NULL;
}

/* NULLIF(a, b): CASE WHEN a = b THEN NULL ELSE a END */
static bool bind_nullif(struct bind *b)
{
    const struct expr *when[3];

    when[0] = func_bind(b->arena, BYTES_LITERAL("="), b->args, 2, b->diag);
    if (!when[0])
        return false;
    when[1] = expr_null(b->arena, bind_type(b, 0));
    when[2] = b->args[0];
    b->instead = func_case(b->arena, when, 3, b->diag);
    return b->instead != NULL;
}

/* GREATEST and LEAST give NULL when any argument is NULL. */
static enum status extreme(struct call *call)
{
    const struct expr *e = call->expr;
    int sign = e->func->variant;
    struct merge m;
    uint16_t best[CHUNK_ROWS];

    FOR_ROWS(call, row) {
        best[row] = 0;
        for (uint16_t a = 0; a < e->args_count && best[row] != UINT16_MAX; a++) {
            if (!arg_valid(call, a, row))
                best[row] = UINT16_MAX;
            else if (a && sign * column_compare(e->type, &call->args[a].col, ARG_ROW(call, a, row),
                                                &call->args[best[row]].col,
                                                ARG_ROW(call, best[row], row)) > 0)
                best[row] = a;
        }
    }
    merge_init(&m, call->ctx->arena, e->type, call->rows, (uint16_t)(e->args_count + 1));
    for (uint16_t a = 0; a < e->args_count; a++)
        merge_rows(&m, call->args[a], NULL, 0);
    merge_rows(&m, vec_null(call->ctx->arena, e->type), NULL, 0);
    FOR_ROWS(call, row)
        m.part_of[row] = best[row] == UINT16_MAX ? e->args_count : best[row];
    call->whole = merge_done(&m);
    return ST_OK;
}

#define TRUTH(sign, v, text)                                                                       \
    {.name = sign, .types = "b>b", .kernel = is_truth, .variant = v,                               \
     .flags = FUNC_NULLS | FUNC_INFIX | FUNC_NEVER_NULL, .signature = "a " sign, .help = text}

/* Of how many rows a sub-query has that stands for one value: TRUE, or the job fails. */
static enum status one_row(struct call *call)
{
    FOR_ROWS(call, row) {
        if (ARG(call, 0, int64_t, row) > 1)
            return call_fail(call, row, "a sub-query that stands for a value has more than one row");
        OUT(call, uint8_t)[row] = 1;
    }
    return ST_OK;
}

const struct func func_logic_table[] = {
    {.name = "AND", .bind = bind_logic, .kernel = logic, .variant = 0, .args_min = 1,
     .args_max = -1, .flags = FUNC_LAZY | FUNC_INFIX, .signature = "a AND b",
     .help = "Both; FALSE when one is FALSE, else NULL when one is NULL."},
    {.name = "OR", .bind = bind_logic, .kernel = logic, .variant = 1, .args_min = 1,
     .args_max = -1, .flags = FUNC_LAZY | FUNC_INFIX, .signature = "a OR b",
     .help = "Either; TRUE when one is TRUE, else NULL when one is NULL."},
    {.name = "NOT", .types = "b>b", .kernel = not_, .flags = FUNC_INFIX | FUNC_NEVER_NULL,
     .signature = "NOT a", .help = "TRUE for FALSE, FALSE for TRUE, NULL for NULL."},
    TRUTH("IS TRUE", 1, "Whether a is TRUE; never NULL."),
    TRUTH("IS NOT TRUE", 3, "Whether a is FALSE or NULL."),
    TRUTH("IS FALSE", 0, "Whether a is FALSE; never NULL."),
    TRUTH("IS NOT FALSE", 2, "Whether a is TRUE or NULL."),
    TRUTH("IS UNKNOWN", 4, "Whether the BOOLEAN a is NULL."),
    TRUTH("IS NOT UNKNOWN", 6, "Whether the BOOLEAN a is not NULL."),
    {.name = "COALESCE", .bind = bind_coalesce, .kernel = coalesce, .args_min = 1, .args_max = -1,
     .flags = FUNC_LAZY | FUNC_WHOLE, .signature = "COALESCE(a, ...)",
     .help = "The first argument that is not NULL."},
    {.name = "IFNULL", .bind = bind_coalesce, .kernel = coalesce, .args_min = 2, .args_max = 2,
     .flags = FUNC_LAZY | FUNC_WHOLE, .signature = "IFNULL(a, b)", .help = "a, or b where a is NULL."},
    {.name = "IF", .bind = bind_if, .args_min = 3, .args_max = 3, .signature = "IF(condition, a, b)",
     .help = "a where the condition is TRUE, else b."},
    {.name = "$ONE_ROW", .types = "l>b", .kernel = one_row, .signature = "", .help = ""},
    {.name = "NULLIF", .bind = bind_nullif, .args_min = 2, .args_max = 2,
     .signature = "NULLIF(a, b)", .help = "NULL where a equals b, else a."},
    {.name = "GREATEST", .bind = bind_common, .kernel = extreme, .variant = 1, .args_min = 1,
     .args_max = -1, .flags = FUNC_NULLS | FUNC_WHOLE, .signature = "GREATEST(a, ...)",
     .help = "The greatest argument; NULL when one is NULL."},
    {.name = "LEAST", .bind = bind_common, .kernel = extreme, .variant = -1, .args_min = 1,
     .args_max = -1, .flags = FUNC_NULLS | FUNC_WHOLE, .signature = "LEAST(a, ...)",
     .help = "The least argument; NULL when one is NULL."},
    {0},
};
