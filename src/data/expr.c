/* Expression trees: made, compared and printed. Evaluation is in eval.c. */
#include "data/expr.h"

#include "base/buf.h"
#include "base/check.h"
#include "data/call.h"
#include "data/text.h"

static struct expr *expr_new(struct arena *arena, enum expr_kind kind, const struct type *type)
{
    struct expr *e = ARENA_NEW(arena, struct expr);
    e->kind = kind;
    e->type = type;
    return e;
}

struct expr *expr_column(struct arena *arena, uint16_t index, const struct type *type)
{
    struct expr *e = expr_new(arena, EXPR_COLUMN, type);
    e->index = index;
    return e;
}

struct expr *expr_field(struct arena *arena, const struct expr *row, uint16_t index)
{
    CHECK(row->type->kind == TYPE_ROW && index < row->type->fields_count);
    const struct type *type = row->type->fields[index].type;
    struct expr *e = expr_new(arena, EXPR_FIELD,
                              row->type->not_null ? type : type_not_null(arena, type, false));
    e->index = index;
    e->args = ARENA_ARRAY(arena, const struct expr *, 1);
    e->args[0] = row;
    e->args_count = 1;
    return e;
}

struct expr *expr_null(struct arena *arena, const struct type *type)
{
    struct expr *e = expr_new(arena, EXPR_LITERAL, type_not_null(arena, type, false));
    e->is_null = true;
    return e;
}

struct expr *expr_i64(struct arena *arena, int64_t v, const struct type *type)
{
    enum phys phys = type_phys(type->kind);
    CHECK(phys == PHYS_I32 || phys == PHYS_I64);
    struct expr *e = expr_new(arena, EXPR_LITERAL, type_not_null(arena, type, true));
    if (phys == PHYS_I32)
        e->value.i32 = (int32_t)v;
    else
        e->value.i64 = v;
    return e;
}

struct expr *expr_str(struct arena *arena, struct bytes text, const struct type *type)
{
    CHECK(type_phys(type->kind) == PHYS_STR);
    struct expr *e = expr_new(arena, EXPR_LITERAL, type_not_null(arena, type, true));
    text = arena_copy(arena, text);
    e->value.str = str_of(text);
    return e;
}

struct expr *expr_bool(struct arena *arena, bool v)
{
    struct expr *e =
        expr_new(arena, EXPR_LITERAL, type_not_null(arena, type_simple(TYPE_BOOLEAN), true));
    e->value.b = v;
    return e;
}

static bool has_ltz(const struct type *type)
{
    for (uint16_t i = 0; i < type->fields_count; i++)
        if (has_ltz(type->fields[i].type))
            return true;
    return type->kind == TYPE_TIMESTAMP_LTZ;
}

/* Of or to TIMESTAMP_LTZ, also inside of a ROW: the session's zone decides, which is known when it runs. */
static bool asks_zone(const struct expr *expr)
{
    if (expr->kind != EXPR_CALL && expr->kind != EXPR_CAST)
        return false;
    for (uint16_t i = 0; i < expr->args_count; i++)
        if (has_ltz(expr->args[i]->type))
            return true;
    return has_ltz(expr->type);
}

bool expr_is_constant(const struct expr *expr)
{
    if (expr->kind == EXPR_COLUMN || asks_zone(expr))
        return false;
    if (expr->kind == EXPR_CALL && (expr->func->flags & (FUNC_DYNAMIC | FUNC_VOLATILE)))
        return false;
    for (uint16_t i = 0; i < expr->args_count; i++)
        if (!expr_is_constant(expr->args[i]))
            return false;
    return true;
}

static bool literal_equal(const struct expr *a, const struct expr *b)
{
    if (a->is_null || b->is_null)
        return a->is_null == b->is_null;
    switch (type_phys(a->type->kind)) {
    case PHYS_BOOL: return a->value.b == b->value.b;
    case PHYS_I32: return a->value.i32 == b->value.i32;
    case PHYS_I64: return a->value.i64 == b->value.i64;
    case PHYS_I128: return a->value.dec == b->value.dec;
    case PHYS_F32: return !memcmp(&a->value.f32, &b->value.f32, sizeof(float));
    case PHYS_F64: return !memcmp(&a->value.f64, &b->value.f64, sizeof(double));
    case PHYS_STR:
        return bytes_equal(bytes_of(a->value.str.ptr, a->value.str.len),
                           bytes_of(b->value.str.ptr, b->value.str.len));
    default: return false;
    }
}

bool expr_equal(const struct expr *a, const struct expr *b)
{
    if (a == b)
        return true;
    if (a->kind != b->kind || a->index != b->index || a->args_count != b->args_count ||
        a->func != b->func || a->try_cast != b->try_cast || !type_equal(a->type, b->type))
        return false;
    if (a->kind == EXPR_LITERAL)
        return literal_equal(a, b);
    for (uint16_t i = 0; i < a->args_count; i++)
        if (!expr_equal(a->args[i], b->args[i]))
            return false;
    return true;
}

/* ---- text ---- */

static void print(struct buf *buf, const struct expr *e, const struct schema *in);

static void print_args(struct buf *buf, const struct expr *e, const struct schema *in)
{
    buf_str(buf, "(");
    for (uint16_t i = 0; i < e->args_count; i++) {
        if (i)
            buf_str(buf, ", ");
        print(buf, e->args[i], in);
    }
    buf_str(buf, ")");
}

static void print_quoted(struct buf *buf, struct bytes text)
{
    buf_str(buf, "'");
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            buf_str(buf, "'");
        buf_u8(buf, text.ptr[i]);
    }
    buf_str(buf, "'");
}

static void print_literal(struct buf *buf, const struct expr *e)
{
    bool quoted = type_is_text(e->type->kind);

    if (e->is_null) {
        buf_str(buf, "NULL");
        return;
    }
    if (quoted) {
        print_quoted(buf, bytes_of(e->value.str.ptr, e->value.str.len));
        return;
    }
    switch (e->type->kind) {
    case TYPE_DATE: buf_str(buf, "DATE '"); break;
    case TYPE_TIME: buf_str(buf, "TIME '"); break;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ: buf_str(buf, "TIMESTAMP '"); break;
    case TYPE_INTERVAL_MONTH:
    case TYPE_INTERVAL_SECOND: buf_str(buf, "INTERVAL '"); quoted = true; break;
    case TYPE_BINARY:
    case TYPE_VARBINARY: buf_str(buf, "X'"); break;
    default: break;
    }
    struct column col = {.data = &e->value};
    value_text(buf, e->type, &col, 0, NULL);
    if (e->type->kind >= TYPE_DATE || e->type->kind == TYPE_BINARY ||
        e->type->kind == TYPE_VARBINARY)
        buf_str(buf, "'");
}

static void print_case(struct buf *buf, const struct expr *e, const struct schema *in)
{
    buf_str(buf, "CASE");
    for (uint16_t i = 0; i + 1 < e->args_count; i += 2) {
        buf_str(buf, " WHEN ");
        print(buf, e->args[i], in);
        buf_str(buf, " THEN ");
        print(buf, e->args[i + 1], in);
    }
    if (e->args_count & 1) {
        buf_str(buf, " ELSE ");
        print(buf, e->args[e->args_count - 1], in);
    }
    buf_str(buf, " END");
}

static void print_call(struct buf *buf, const struct expr *e, const struct schema *in)
{
    const char *name = e->func->name;

    if (!(e->func->flags & FUNC_INFIX)) {
        buf_str(buf, name);
        print_args(buf, e, in);
        return;
    }
    buf_str(buf, "(");
    if (e->args_count == 1) {
        bool prefix = !strcmp(name, "NOT") || !strcmp(name, "-") || !strcmp(name, "+");
        if (prefix)
            buf_printf(buf, "%s ", name);
        print(buf, e->args[0], in);
        if (!prefix)
            buf_printf(buf, " %s", name);
    }
    for (uint16_t i = 0; e->args_count > 1 && i < e->args_count; i++) {
        if (i)
            buf_printf(buf, " %s ", i == 2 && !strcmp(name, "LIKE") ? "ESCAPE" : name);
        print(buf, e->args[i], in);
    }
    buf_str(buf, ")");
}

static void print(struct buf *buf, const struct expr *e, const struct schema *in)
{
    struct arena scratch;

    switch (e->kind) {
    case EXPR_COLUMN:
        if (in && e->index < in->count && in->fields[e->index].name.len)
            buf_printf(buf, "%.*s", BYTES_FMT(in->fields[e->index].name));
        else
            buf_printf(buf, "$%u", e->index);
        break;
    case EXPR_LITERAL: print_literal(buf, e); break;
    case EXPR_FIELD:
        print(buf, e->args[0], in);
        buf_printf(buf, ".%.*s", BYTES_FMT(e->args[0]->type->fields[e->index].name));
        break;
    case EXPR_CALL: print_call(buf, e, in); break;
    case EXPR_CASE: print_case(buf, e, in); break;
    case EXPR_CAST:
        arena_init(&scratch, ARENA_BUDGET_NONE);
        buf_str(buf, e->try_cast ? "TRY_CAST(" : "CAST(");
        print(buf, e->args[0], in);
        buf_printf(buf, " AS %s)",
                   type_text(&scratch, type_not_null(&scratch, e->type, false)));
        arena_deinit(&scratch);
        break;
    case EXPR_ROW:
        buf_str(buf, "ROW");
        print_args(buf, e, in);
        break;
    }
}

const char *expr_text(struct arena *arena, const struct expr *expr, const struct schema *input)
{
    struct buf buf;

    buf_init(&buf, 0);
    print(&buf, expr, input);
    const char *text = arena_str(arena, buf_view(&buf));
    buf_deinit(&buf);
    return text;
}
