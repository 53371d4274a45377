/* Evaluation: node by node, a column at a time.
 *
 * A value that is the same for all rows (a literal, a function of literals, the tick's clock) travels as
 * one value (struct vec, constant) and is spread over rows only where a caller needs a column. A plain
 * function is NULL where an argument is; eval_plain computes that validity once and narrows the rows
 * before it calls kernels that must not see NULLs. */
#include "base/check.h"
#include "data/builder.h"
#include "data/call.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- validity ---- */

static size_t valid_words(uint32_t rows)
{
    return rows ? (rows + 63) / 64 : 1;
}

uint64_t *valid_all(struct arena *arena, uint32_t rows)
{
    uint64_t *valid = arena_alloc(arena, valid_words(rows) * sizeof(uint64_t));
    memset(valid, 0xff, valid_words(rows) * sizeof(uint64_t));
    return valid;
}

void call_null(struct call *call, uint32_t row)
{
    if (!call->valid_owned) {
        uint64_t *valid = valid_all(call->ctx->arena, call->rows);
        if (call->valid)
            memcpy(valid, call->valid, valid_words(call->rows) * sizeof(uint64_t));
        call->valid = valid;
        call->valid_owned = true;
    }
    valid_clear(call->valid, row);
}

enum status call_fail(struct call *call, uint32_t row, const char *format, ...)
{
    char message[300];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    call->ctx->bad_row = row;
    return diag_set(call->ctx->diag, ST_INVALID, DIAG_VALUE, "%s", message);
}

/* Text may use three quarters of a budget: what an evaluation needs besides is bounded by the tree and the
 * rows of a chunk, and is taken with arena_alloc. */
static bool text_fits(const struct arena *arena, size_t len)
{
    size_t budget = arena->budget_bytes;

    if (len > TYPE_LENGTH_MAX)
        return false;
    return !budget || (len < budget && arena->used_bytes + len <= budget / 4 * 3) ||
           len < (size_t)(arena->end - arena->at);
}

char *call_text(struct call *call, size_t len)
{
    char *text = text_fits(call->ctx->arena, len) ? arena_try(call->ctx->arena, len) : NULL;
    if (!text)
        call->no_memory = true;
    return text;
}

void call_copy(struct call *call, uint32_t row, struct bytes text)
{
    char *to = call_text(call, text.len);

    if (to && text.len)
        memcpy(to, text.ptr, text.len);
    call_view(call, row, bytes_of(to, to ? text.len : 0));
}

/* ---- constants ---- */

static const uint64_t no_bits[1] = {0};

struct vec vec_null(struct arena *arena, const struct type *type)
{
    struct vec v = {.constant = true, .col.valid = no_bits};

    switch (type_phys(type->kind)) {
    case PHYS_ROW:
    case PHYS_LIST: {
        struct column *children = ARENA_ARRAY(arena, struct column, type->fields_count);
        for (uint16_t i = 0; i < type->fields_count; i++)
            children[i] = vec_null(arena, type->fields[i].type).col;
        v.col.children = children;
        if (type->kind != TYPE_ROW)
            v.col.offsets = ARENA_ARRAY(arena, uint32_t, 2);
        break;
    }
    case PHYS_NULL: break;
    default: v.col.data = ARENA_ARRAY(arena, union value, 1);
    }
    return v;
}

static void spread_data(void *to, const void *from, size_t size, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++)
        memcpy((uint8_t *)to + i * size, from, size);
}

static struct column spread_list(struct arena *arena, const struct type *type,
                                 const struct column *one, uint32_t rows)
{
    struct column_builder b;

    column_builder_init(&b, arena, type, rows);
    for (uint32_t i = 0; i < rows; i++)
        column_append(&b, one, 0);
    return column_builder_done(&b);
}

/* One value, at each of `rows` rows. */
static struct column spread(struct arena *arena, const struct type *type, const struct column *one,
                            uint32_t rows)
{
    struct column out = {0};
    size_t size = phys_size(type_phys(type->kind));

    if (!column_valid(one, 0))
        out.valid = memset(valid_all(arena, rows), 0, valid_words(rows) * sizeof(uint64_t));
    if (type_phys(type->kind) == PHYS_LIST)
        return spread_list(arena, type, one, rows);
    if (type->kind == TYPE_ROW) {
        struct column *children = ARENA_ARRAY(arena, struct column, type->fields_count);
        for (uint16_t i = 0; i < type->fields_count; i++)
            children[i] = spread(arena, type->fields[i].type, &one->children[i], rows);
        out.children = children;
        return out;
    }
    if (size == 0)
        return out;
    void *data = arena_alloc(arena, size * (rows ? rows : 1));
    spread_data(data, one->data, size, rows);
    out.data = data;
    return out;
}

/* ---- merging rows of several columns ---- */

void merge_init(struct merge *m, struct arena *arena, const struct type *type, uint32_t rows,
                uint16_t parts_max)
{
    *m = (struct merge){.arena = arena, .type = type, .rows = rows, .parts_cap = parts_max};
    m->parts = ARENA_ARRAY(arena, struct vec, parts_max);
    m->part_of = arena_alloc(arena, sizeof(uint16_t) * (rows + 1));
    memset(m->part_of, 0xff, sizeof(uint16_t) * rows);
}

void merge_rows(struct merge *m, struct vec part, const uint16_t *sel, uint16_t count)
{
    CHECK(m->parts_count < m->parts_cap);
    m->parts[m->parts_count] = part;
    for (uint16_t i = 0; i < count; i++)
        m->part_of[sel ? sel[i] : i] = m->parts_count;
    m->parts_count++;
}

/* Copies the rows of each part in one loop a size: part_of picks. */
#define MERGE_LOOP(ctype)                                                                          \
    for (uint32_t r = 0; r < m->rows; r++)                                                         \
        if (m->part_of[r] != UINT16_MAX) {                                                         \
            const struct vec *part = &parts[m->part_of[r]];                                        \
            ((ctype *)data)[r] = ((const ctype *)part->col.data)[part->constant ? 0 : r];          \
        }

static const uint64_t *merge_valid(const struct merge *m, const struct vec *parts)
{
    bool any = false;

    for (uint16_t p = 0; p < m->parts_count; p++)
        any |= parts[p].col.valid != NULL;
    if (!any)
        return NULL;
    uint64_t *valid = valid_all(m->arena, m->rows);
    for (uint32_t r = 0; r < m->rows; r++)
        if (m->part_of[r] != UINT16_MAX) {
            const struct vec *part = &parts[m->part_of[r]];
            if (!column_valid(&part->col, part->constant ? 0 : r))
                valid_clear(valid, r);
        }
    return valid;
}

static struct column merge_list(const struct merge *m, const struct type *type,
                                const struct vec *parts)
{
    struct column_builder b;

    column_builder_init(&b, m->arena, type, m->rows);
    for (uint32_t r = 0; r < m->rows; r++) {
        const struct vec *part = m->part_of[r] == UINT16_MAX ? NULL : &parts[m->part_of[r]];
        if (part)
            column_append(&b, &part->col, part->constant ? 0 : r);
        else
            column_put_null(&b);
    }
    return column_builder_done(&b);
}

static struct column merge_column(const struct merge *m, const struct type *type,
                                  const struct vec *parts)
{
    enum phys phys = type_phys(type->kind);
    struct column out = {.valid = merge_valid(m, parts)};
    void *data = arena_alloc(m->arena, phys_size(phys) * (m->rows + 1));

    switch (phys) {
    case PHYS_NULL: break;
    case PHYS_BOOL: MERGE_LOOP(uint8_t) break;
    case PHYS_I32:
    case PHYS_F32: MERGE_LOOP(uint32_t) break;
    case PHYS_I64:
    case PHYS_F64: MERGE_LOOP(uint64_t) break;
    case PHYS_I128:
    case PHYS_STR: MERGE_LOOP(struct str) break;
    case PHYS_ROW: {
        struct column *children = ARENA_ARRAY(m->arena, struct column, type->fields_count);
        struct vec *sub = ARENA_ARRAY(m->arena, struct vec, m->parts_count);
        for (uint16_t f = 0; f < type->fields_count; f++) {
            for (uint16_t p = 0; p < m->parts_count; p++)
                sub[p] = (struct vec){parts[p].col.children[f], parts[p].constant};
            children[f] = merge_column(m, type->fields[f].type, sub);
        }
        out.children = children;
        break;
    }
    case PHYS_LIST: return merge_list(m, type, parts);
    }
    out.data = phys_size(phys) ? data : NULL;
    return out;
}

struct vec merge_done(struct merge *m)
{
    if (m->parts_count == 1)
        return m->parts[0]; /* every row that matters came from it */
    return (struct vec){merge_column(m, m->type, m->parts), false};
}

/* ---- plain functions ---- */

static const uint64_t *and_valid(struct arena *arena, const struct vec *args, uint16_t args_count,
                                 uint32_t rows)
{
    const uint64_t *valid = NULL;
    uint64_t *mine = NULL;

    for (uint16_t a = 0; a < args_count; a++) {
        const uint64_t *other = args[a].constant ? NULL : args[a].col.valid;
        if (!other || other == valid)
            continue;
        if (!valid) {
            valid = other;
            continue;
        }
        if (!mine) {
            mine = arena_alloc(arena, valid_words(rows) * sizeof(uint64_t));
            memcpy(mine, valid, valid_words(rows) * sizeof(uint64_t));
            valid = mine;
        }
        for (size_t w = 0; w < valid_words(rows); w++)
            mine[w] &= other[w];
    }
    return valid;
}

static uint16_t narrow_valid(const uint64_t *valid, const uint16_t *sel, uint16_t count,
                             uint16_t *out)
{
    uint16_t n = 0;

    for (uint16_t i = 0; i < count; i++) {
        uint16_t row = sel ? sel[i] : i;
        out[n] = row;
        n = (uint16_t)(n + ((valid[row >> 6] >> (row & 63)) & 1));
    }
    return n;
}

static enum status run_kernel(struct call *call, func_kernel *kernel, unsigned flags)
{
    uint16_t narrowed[CHUNK_ROWS];
    size_t size = phys_size(type_phys(call->expr->type->kind));

    if (!(flags & FUNC_WHOLE) && size)
        call->data = arena_alloc(call->ctx->arena, size * (call->rows ? call->rows : 1));
    if (call->valid && (flags & FUNC_CAREFUL)) {
        call->count = narrow_valid(call->valid, call->sel, call->count, narrowed);
        call->sel = narrowed;
    }
    enum status st = kernel(call);
    if (st == ST_OK && call->no_memory)
        return diag_set(call->ctx->diag, ST_NOSPACE, DIAG_LIMIT,
                        "the results of %s need more memory than a chunk may have",
                        call->expr->func ? call->expr->func->name : "CAST");
    return st;
}

static void call_result(struct call *call, unsigned flags, struct vec *out, bool constant)
{
    if (flags & FUNC_WHOLE) {
        *out = call->whole;
        out->constant |= constant;
        return;
    }
    out->col = (struct column){.data = call->data, .valid = call->valid};
    out->constant = constant;
}

static enum status cast_kernel(struct call *call)
{
    const struct expr *e = call->expr;

    if (cast_is_view(e->args[0]->type, e->type)) {
        call->whole = call->args[0];
        return ST_OK;
    }
    return cast_eval(call, e->args[0]->type, e->type, e->try_cast);
}

static unsigned cast_flags(const struct expr *e)
{
    if (cast_is_view(e->args[0]->type, e->type) || e->type->kind >= TYPE_ROW)
        return FUNC_NULLS | FUNC_WHOLE;
    return FUNC_CAREFUL;
}

/* A function or cast whose arguments are evaluated first. */
static enum status eval_plain(const struct expr *e, struct expr_ctx *ctx, const struct chunk *in,
                              const uint16_t *sel, uint16_t count, struct vec *out)
{
    unsigned flags = e->kind == EXPR_CALL ? e->func->flags : cast_flags(e);
    func_kernel *kernel = e->kind == EXPR_CALL ? e->func->kernel : cast_kernel;
    struct vec *args = ARENA_ARRAY(ctx->arena, struct vec, e->args_count);
    bool constant = !(flags & FUNC_VOLATILE);

    for (uint16_t a = 0; a < e->args_count; a++) {
        TRY(vec_eval(e->args[a], ctx, in, sel, count, &args[a]));
        constant = constant && args[a].constant;
        if (!(flags & FUNC_NULLS) && args[a].constant && !column_valid(&args[a].col, 0)) {
            *out = vec_null(ctx->arena, e->type);
            return ST_OK;
        }
    }
    struct call call = {.expr = e, .ctx = ctx, .in = in, .args = args, .sel = sel, .count = count,
                        .rows = in->rows};
    if (constant) {
        call.sel = NULL;
        call.count = call.rows = 1;
    } else if (!(flags & FUNC_NULLS)) {
        call.valid = (uint64_t *)(uintptr_t)and_valid(ctx->arena, args, e->args_count, in->rows);
    }
    enum status st = run_kernel(&call, kernel, flags);
    if (st == ST_INVALID && constant)
        ctx->bad_row = sel ? sel[0] : 0;
    if (st == ST_OK)
        call_result(&call, flags, out, constant);
    return st;
}

static enum status eval_lazy(const struct expr *e, struct expr_ctx *ctx, const struct chunk *in,
                             const uint16_t *sel, uint16_t count, struct vec *out)
{
    struct call call = {.expr = e, .ctx = ctx, .in = in, .sel = sel, .count = count,
                        .rows = in->rows};

    TRY(run_kernel(&call, e->func->kernel, e->func->flags));
    call_result(&call, e->func->flags, out, false);
    return ST_OK;
}

/* ---- the other kinds of node ---- */

static enum status eval_field(const struct expr *e, struct expr_ctx *ctx, const struct chunk *in,
                              const uint16_t *sel, uint16_t count, struct vec *out)
{
    struct vec row;

    TRY(vec_eval(e->args[0], ctx, in, sel, count, &row));
    out->constant = row.constant;
    out->col = row.col.children[e->index];
    if (row.col.valid) {
        struct vec both[2] = {{row.col, false}, {out->col, false}};
        out->col.valid = and_valid(ctx->arena, both, 2, row.constant ? 1 : in->rows);
    }
    return ST_OK;
}

static enum status eval_row(const struct expr *e, struct expr_ctx *ctx, const struct chunk *in,
                            const uint16_t *sel, uint16_t count, struct vec *out)
{
    struct column *children = ARENA_ARRAY(ctx->arena, struct column, e->args_count);

    for (uint16_t i = 0; i < e->args_count; i++)
        TRY(expr_eval(e->args[i], ctx, in, sel, count, &children[i]));
    *out = (struct vec){.col.children = children};
    return ST_OK;
}

/* Splits rows by a BOOLEAN: those where it is true, and the rest (false or NULL). */
static void split(const struct vec *v, const uint16_t *sel, uint16_t count, uint16_t *yes,
                  uint16_t *yes_count, uint16_t *no, uint16_t *no_count)
{
    const uint8_t *data = v->col.data;
    uint16_t y = 0, n = 0;

    for (uint16_t i = 0; i < count; i++) {
        uint16_t row = sel ? sel[i] : i, at = v->constant ? 0 : row;
        bool is_true = column_valid(&v->col, at) && data[at];
        yes[y] = row;
        no[n] = row; /* always written; kept only if the count moves. no may be sel itself */
        y = (uint16_t)(y + is_true);
        n = (uint16_t)(n + !is_true);
    }
    *yes_count = y;
    *no_count = n;
}

static enum status eval_case(const struct expr *e, struct expr_ctx *ctx, const struct chunk *in,
                             const uint16_t *sel, uint16_t count, struct vec *out)
{
    uint16_t *yes = arena_alloc(ctx->arena, sizeof(uint16_t) * (count + 1u));
    uint16_t *rest = arena_alloc(ctx->arena, sizeof(uint16_t) * (count + 1u));
    uint16_t yes_count, rest_count = count;
    struct vec v;
    struct merge m;

    for (uint16_t i = 0; i < count; i++)
        rest[i] = sel ? sel[i] : i;
    merge_init(&m, ctx->arena, e->type, in->rows, (uint16_t)(e->args_count / 2 + 1));
    for (uint16_t i = 0; i + 1 < e->args_count && rest_count; i += 2) {
        TRY(vec_eval(e->args[i], ctx, in, rest, rest_count, &v));
        split(&v, rest, rest_count, yes, &yes_count, rest, &rest_count);
        if (yes_count == 0)
            continue;
        TRY(vec_eval(e->args[i + 1], ctx, in, yes, yes_count, &v));
        merge_rows(&m, v, yes, yes_count);
    }
    if (rest_count || m.parts_count == 0) {
        v = vec_null(ctx->arena, e->type);
        if ((e->args_count & 1) && rest_count)
            TRY(vec_eval(e->args[e->args_count - 1], ctx, in, rest, rest_count, &v));
        merge_rows(&m, v, rest, rest_count);
    }
    *out = merge_done(&m);
    return ST_OK;
}

enum status vec_eval(const struct expr *e, struct expr_ctx *ctx, const struct chunk *in,
                     const uint16_t *sel, uint16_t count, struct vec *out)
{
    if (count == 0 && e->kind != EXPR_COLUMN) { /* nothing asked: nothing may fail */
        *out = vec_null(ctx->arena, e->type);
        return ST_OK;
    }
    switch (e->kind) {
    case EXPR_COLUMN:
        CHECK(e->index < in->col_count);
        *out = (struct vec){in->cols[e->index], false};
        return ST_OK;
    case EXPR_LITERAL:
        if (e->is_null)
            *out = vec_null(ctx->arena, e->type);
        else
            *out = (struct vec){{.data = &e->value}, true};
        return ST_OK;
    case EXPR_FIELD: return eval_field(e, ctx, in, sel, count, out);
    case EXPR_CALL:
        if (e->func->flags & FUNC_LAZY)
            return eval_lazy(e, ctx, in, sel, count, out);
        return eval_plain(e, ctx, in, sel, count, out);
    case EXPR_CASE: return eval_case(e, ctx, in, sel, count, out);
    case EXPR_CAST: return eval_plain(e, ctx, in, sel, count, out);
    case EXPR_ROW: return eval_row(e, ctx, in, sel, count, out);
    }
    UNREACHABLE();
}

enum status expr_eval(const struct expr *expr, struct expr_ctx *ctx, const struct chunk *in,
                      const uint16_t *sel, uint16_t count, struct column *out)
{
    struct vec v;

    CHECK(in->rows <= CHUNK_ROWS && count <= in->rows);
    TRY(vec_eval(expr, ctx, in, sel, count, &v));
    *out = v.constant ? spread(ctx->arena, expr->type, &v.col, in->rows) : v.col;
    return ST_OK;
}

/* A AND B as a filter: B is evaluated only where A is true. */
static bool is_and(const struct expr *e)
{
    return e->kind == EXPR_CALL && !strcmp(e->func->name, "AND");
}

enum status expr_filter(const struct expr *expr, struct expr_ctx *ctx, const struct chunk *in,
                        const uint16_t *sel, uint16_t count, uint16_t *out_sel, uint16_t *out_count)
{
    uint16_t rest[CHUNK_ROWS], rest_count;
    struct vec v;

    CHECK(in->rows <= CHUNK_ROWS && count <= in->rows);
    if (is_and(expr)) {
        for (uint16_t i = 0; i < expr->args_count; i++) {
            TRY(expr_filter(expr->args[i], ctx, in, sel, count, out_sel, out_count));
            sel = out_sel;
            count = *out_count;
        }
        return ST_OK;
    }
    TRY(vec_eval(expr, ctx, in, sel, count, &v));
    split(&v, sel, count, out_sel, out_count, rest, &rest_count);
    return ST_OK;
}
