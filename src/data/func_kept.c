/* What aggregates that keep their values make of them: JSON_ARRAYAGG, JSON_OBJECTAGG, PERCENTILE (bind_made.c).
 *
 *   $JSON_LIST(how, array)      of texts that are JSON
 *   $JSON_MEMBERS(how, array)   of rows of a key and a text that is JSON
 *   $PERCENTILE(multiset, p)    of rows of a number and how often it counts; p: from 0 to 1, or an array of such
 *
 * how: N, NULLs are null; A, they are left out. None of these is called by name. */
#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "data/func_list.h"
#include "data/text.h"

enum { JSON_RESULT_MAX = 64 << 20 };

/* Room for as many things as there are elements, of a chunk's arena, whose memory may be at its end. */
static void *room_for(struct call *call, uint32_t count, size_t size)
{
    void *room = arena_try(call->ctx->arena, size * (count + 1u));

    call->no_memory |= !room;
    return room;
}

/* The elements of the list at row. */
struct span {
    uint32_t from, to;
};

static struct span span_of(const struct call *call, unsigned arg, uint32_t row)
{
    const uint32_t *offsets = call->args[arg].col.offsets;
    uint32_t at = ARG_ROW(call, arg, row);

    if (!arg_valid(call, arg, row))
        return (struct span){0, 0};
    return (struct span){offsets[at], offsets[at + 1]};
}

static struct bytes text_at(const struct column *col, uint32_t at)
{
    const struct str *s = &((const struct str *)col->data)[at];

    return bytes_of(s->len ? s->ptr : "", s->len);
}

static bool skips_nulls(const struct call *call)
{
    return arg_bytes(call, 0, 0).ptr[0] == 'A';
}

/* ---- JSON_ARRAYAGG ---- */

static bool is_text_list(const struct type *type)
{
    return type->kind == TYPE_ARRAY && type_is_text(type->fields[0].type->kind);
}

static bool bind_json(struct bind *b)
{
    struct bytes how;

    b->type = type_not_null(b->arena, type_make(b->arena, TYPE_VARCHAR, 2000, 0), true); /* Flink's; none is cut */
    return (bind_literal(b, 0, &how) && how.len > 0) || bind_fail(b, "argument 1 says what becomes of NULLs");
}

static bool bind_json_list(struct bind *b)
{
    return bind_json(b) && (is_text_list(bind_type(b, 1)) || bind_fail(b, "needs an array of texts"));
}

static void json_or_null(struct buf *out, const struct column *col, uint32_t at)
{
    if (!column_valid(col, at)) {
        buf_str(out, "null");
        return;
    }
    struct bytes json = text_at(col, at);
    buf_append(out, json.ptr, json.len);
}

static void json_list(const struct call *call, uint32_t row, struct buf *out)
{
    const struct column *texts = &call->args[1].col.children[0];
    struct span span = span_of(call, 1, row);
    bool any = false;

    buf_u8(out, '[');
    for (uint32_t i = span.from; i < span.to; i++) {
        if (skips_nulls(call) && !column_valid(texts, i))
            continue;
        if (any)
            buf_u8(out, ',');
        any = true;
        json_or_null(out, texts, i);
    }
    buf_u8(out, ']');
}

static enum status result_put(struct call *call, uint32_t row, const struct buf *out, const char *name)
{
    if (out->failed)
        return call_fail(call, row, "%s: a result of more than 64 MiB", name);
    call_copy(call, row, buf_view(out));
    return ST_OK;
}

static enum status json_list_rows(struct call *call)
{
    enum status st = ST_OK;
    struct buf out;

    buf_init(&out, JSON_RESULT_MAX);
    FOR_ROWS(call, row) {
        buf_clear(&out);
        json_list(call, row, &out);
        st = result_put(call, row, &out, "JSON_ARRAYAGG");
        if (st != ST_OK)
            break;
    }
    buf_deinit(&out);
    return st;
}

/* ---- JSON_OBJECTAGG ---- */

struct member {
    struct bytes key;
    uint32_t at;
};

static bool bind_json_members(struct bind *b)
{
    const struct type *type = bind_type(b, 1), *row = type->kind == TYPE_ARRAY ? type->fields[0].type : NULL;

    if (!row || row->kind != TYPE_ROW || row->fields_count != 2 || !type_is_text(row->fields[0].type->kind) ||
        !type_is_text(row->fields[1].type->kind))
        return bind_fail(b, "needs an array of rows of a key and a text");
    return bind_json(b);
}

static int member_compare(const void *a, const void *b)
{
    const struct member *x = a, *y = b;

    return bytes_compare(x->key, y->key);
}

/* In the order of their keys, each of which is there once. */
static enum status json_members(struct call *call, uint32_t row, struct buf *out)
{
    const struct column *fields = call->args[1].col.children[0].children;
    struct span span = span_of(call, 1, row);
    struct member *members = room_for(call, span.to - span.from, sizeof(*members));
    uint32_t count = 0;

    if (!members)
        return ST_OK;
    for (uint32_t i = span.from; i < span.to; i++) {
        if (!column_valid(&fields[0], i))
            return call_fail(call, row, "JSON_OBJECTAGG: a key is NULL");
        if (!skips_nulls(call) || column_valid(&fields[1], i))
            members[count++] = (struct member){text_at(&fields[0], i), i};
    }
    if (count)
        qsort(members, count, sizeof(*members), member_compare);
    buf_u8(out, '{');
    for (uint32_t i = 0; i < count; i++) {
        if (i && member_compare(&members[i - 1], &members[i]) == 0)
            return call_fail(call, row, "JSON_OBJECTAGG: the key '%.*s' is there twice",
                             BYTES_FMT(bytes_head(members[i].key, 60)));
        if (i)
            buf_u8(out, ',');
        json_quoted(out, members[i].key);
        buf_u8(out, ':');
        json_or_null(out, &fields[1], members[i].at);
    }
    buf_u8(out, '}');
    return ST_OK;
}

static enum status json_members_rows(struct call *call)
{
    enum status st = ST_OK;
    struct buf out;

    buf_init(&out, JSON_RESULT_MAX);
    FOR_ROWS(call, row) {
        buf_clear(&out);
        st = json_members(call, row, &out);
        if (st == ST_OK)
            st = result_put(call, row, &out, "JSON_OBJECTAGG");
        if (st != ST_OK)
            break;
    }
    buf_deinit(&out);
    return st;
}

/* ---- PERCENTILE ---- */

struct weighed {
    double value;
    i128 times;
};

struct weights {
    struct weighed *items;
    uint32_t count;
    i128 total;
};

static bool bind_percentile(struct bind *b)
{
    const struct type *type = bind_type(b, 0), *row = type->kind == TYPE_MULTISET ? type->fields[0].type : NULL;
    const struct type *number = type_simple(TYPE_DOUBLE);

    if (!row || row->kind != TYPE_ROW || row->fields_count != 2 || row->fields[0].type->kind != TYPE_DOUBLE ||
        row->fields[1].type->kind != TYPE_BIGINT)
        return bind_fail(b, "needs a multiset of rows of a number and how often it counts");
    b->type = number;
    if (bind_type(b, 1)->kind != TYPE_ARRAY)
        return bind_cast(b, 1, number);
    b->type = type_not_null(b->arena, list_type(b->arena, TYPE_ARRAY, number, NULL), false);
    return bind_force(b, 1, b->type);
}

/* As Java orders them: -0.0 before 0.0, NaN last. */
static int weighed_compare(const void *a, const void *b)
{
    double x = ((const struct weighed *)a)->value, y = ((const struct weighed *)b)->value;

    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    if (x == y)
        return !!signbit(y) - !!signbit(x);
    return x < y ? -1 : 1;
}

static struct weights weights_of(struct call *call, uint32_t row)
{
    const struct column *fields = call->args[0].col.children[0].children;
    const int32_t *counts = call->args[0].col.children[1].data;
    struct span span = span_of(call, 0, row);
    struct weights w = {.items = room_for(call, span.to - span.from, sizeof(struct weighed))};

    for (uint32_t i = span.from; w.items && i < span.to; i++) {
        if (!column_valid(&fields[0], i) || !column_valid(&fields[1], i))
            continue;
        int64_t times = ((const int64_t *)fields[1].data)[i];
        if (times <= 0)
            continue;
        w.items[w.count] = (struct weighed){((const double *)fields[0].data)[i], (i128)times * counts[i]};
        w.total += w.items[w.count++].times;
    }
    if (w.count)
        qsort(w.items, w.count, sizeof(*w.items), weighed_compare);
    return w;
}

/* The value at p of the way from the first to the last, in a line between its neighbours. */
static double percentile(const struct weights *w, double p)
{
    double place = p * (double)(w->total - 1) + 1, lower = floor(place), upper = ceil(place);
    i128 before = w->items[0].times;
    uint32_t i = 0;

    while ((double)before < lower && i + 1 < w->count)
        before += w->items[++i].times;
    if ((double)before >= upper || i + 1 == w->count)
        return w->items[i].value;
    return (upper - place) * w->items[i].value + (place - lower) * w->items[i + 1].value;
}

static enum status want_share(struct call *call, uint32_t row, const struct column *col, uint32_t at, double *out)
{
    if (!column_valid(col, at))
        return call_fail(call, row, "PERCENTILE: a percentage is NULL");
    *out = ((const double *)col->data)[at];
    return *out >= 0 && *out <= 1 ? ST_OK : call_fail(call, row, "PERCENTILE: a percentage is from 0 to 1, not %g", *out);
}

/* Of no value at all: NULL. */
static enum status put_percentile(struct call *call, uint32_t row, const struct weights *w, const struct column *shares,
                                  uint32_t at, struct column_builder *out)
{
    double p = 0;

    TRY(want_share(call, row, shares, at, &p));
    if (w->total > 0)
        column_put_f64(out, percentile(w, p));
    else
        column_put_null(out);
    return ST_OK;
}

static enum status put_percentiles(struct call *call, uint32_t row, const struct weights *w, struct column_builder *out)
{
    struct span span = span_of(call, 1, row);

    if (w->total <= 0 || span.from == span.to) {
        column_put_null(out);
        return ST_OK;
    }
    for (uint32_t i = span.from; i < span.to; i++)
        TRY(put_percentile(call, row, w, &call->args[1].col.children[0], i, &out->children[0]));
    column_put_list(out);
    return ST_OK;
}

static enum status percentile_rows(struct call *call)
{
    bool several = call->expr->type->kind == TYPE_ARRAY;
    struct column_builder out;

    column_builder_init(&out, call->ctx->arena, call->expr->type, call->rows);
    FOR_ROWS(call, row) {
        struct weights w = weights_of(call, row);
        skip_to(&out, row);
        if (several)
            TRY(put_percentiles(call, row, &w, &out));
        else
            TRY(put_percentile(call, row, &w, &call->args[1].col, ARG_ROW(call, 1, row), &out));
    }
    skip_to(&out, call->rows);
    return builder_result(call, &out);
}

const struct func func_kept_table[] = {
    {.name = "$JSON_LIST", .bind = bind_json_list, .kernel = json_list_rows, .args_min = 2, .args_max = 2, .flags = FUNC_NULLS},
    {.name = "$JSON_MEMBERS", .bind = bind_json_members, .kernel = json_members_rows, .args_min = 2, .args_max = 2,
     .flags = FUNC_NULLS},
    {.name = "$PERCENTILE", .bind = bind_percentile, .kernel = percentile_rows, .args_min = 2, .args_max = 2,
     .flags = FUNC_NULLS | FUNC_WHOLE},
    {0},
};
