/* Aggregates over plain memory. One layout a kind and physical kind of argument:
 *
 *   COUNT           i64 count
 *   SUM, AVG        i64 count of values, then the sum: i64 (integers, wrapping as Java), a 192-bit integer
 *                   (decimals: exact whatever the order), or struct exact_sum (floats: likewise)
 *   MIN MAX FIRST   i64 count, then union value
 *   LAST
 */
#include "data/agg.h"

#include "base/check.h"
#include "data/call.h"
#include "data/compare.h"
#include "data/decimal.h"
#include "data/exact_sum.h"

static const struct {
    const char *name;
    enum agg_kind kind;
} names[] = {
    {"COUNT", AGG_COUNT},
    {"SUM", AGG_SUM},
    {"$SUM0", AGG_SUM0},
    {"SUM0", AGG_SUM0},
    {"AVG", AGG_AVG},
    {"MIN", AGG_MIN},
    {"MAX", AGG_MAX},
    {"FIRST_VALUE", AGG_FIRST_VALUE},
    {"LAST_VALUE", AGG_LAST_VALUE},
    {"LISTAGG", AGG_LISTAGG},
    {"ARRAY_AGG", AGG_ARRAY_AGG},
    {"COLLECT", AGG_COLLECT},
    {"LAG", AGG_LAG},
    {"RANK", AGG_RANK},
    {"DENSE_RANK", AGG_DENSE_RANK},
};

struct wide { /* 192 bits, two's complement */
    uint64_t low, mid, high;
};

struct sum_state {
    int64_t count;
    union {
        int64_t i64;
        struct wide dec;
        struct exact_sum f64;
    } sum;
};

struct rank_state { /* of RANK and DENSE_RANK */
    int64_t rows, rank, last;
};

struct best_state {
    int64_t count;
    uint64_t value[2]; /* union value, at an alignment of 8 */
};

_Static_assert(sizeof(union value) == 16, "fits best_state");

static bool find(struct bytes name, enum agg_kind *kind)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (bytes_is_nocase(name, names[i].name))
            return *kind = names[i].kind, true;
    return false;
}

bool agg_exists(struct bytes name)
{
    enum agg_kind kind;
    return find(name, &kind);
}

const char *agg_name(enum agg_kind kind)
{
    if (kind == AGG_COUNT_STAR)
        return "COUNT";
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].kind == kind)
            return names[i].name;
    UNREACHABLE();
}

bool agg_takes_nulls(enum agg_kind kind)
{
    return kind == AGG_ARRAY_AGG || kind == AGG_LAG;
}

bool agg_needs_over(enum agg_kind kind)
{
    return kind == AGG_LAG || agg_is_rank(kind);
}

bool agg_is_rank(enum agg_kind kind)
{
    return kind == AGG_RANK || kind == AGG_DENSE_RANK;
}

bool agg_is_ordered(enum agg_kind kind)
{
    return kind == AGG_FIRST_VALUE || kind == AGG_LAST_VALUE || agg_is_list(kind);
}

static bool same_expr(const struct expr *a, const struct expr *b)
{
    return a == b || (a && b && expr_equal(a, b));
}

bool agg_call_same(const struct agg_call *a, const struct agg_call *b)
{
    return a->kind == b->kind && a->distinct == b->distinct && a->ignore_nulls == b->ignore_nulls && a->offset == b->offset &&
           bytes_equal(a->separator, b->separator) && same_expr(a->missing, b->missing) &&
           same_expr(a->arg, b->arg) && same_expr(a->filter, b->filter);
}

bool agg_is_list(enum agg_kind kind)
{
    return kind == AGG_LISTAGG || kind == AGG_ARRAY_AGG || kind == AGG_COLLECT || kind == AGG_LAG;
}

/* ---- binding ---- */

/* Flink's LogicalTypeMerging: findSumAggType, findAvgAggType. */
static const struct type *sum_type(struct arena *arena, const struct type *arg, enum agg_kind kind)
{
    if (arg->kind != TYPE_DECIMAL)
        return type_not_null(arena, arg, kind == AGG_SUM0);
    int32_t scale = kind == AGG_AVG && arg->scale < 6 ? 6 : arg->scale;
    const struct type *type = type_make(arena, TYPE_DECIMAL, TYPE_DECIMAL_MAX, scale);
    return type_not_null(arena, type, kind == AGG_SUM0);
}

static bool bad_arg(const char *name, const struct type *type, struct arena *arena, struct diag *diag)
{
    diag_set(diag, ST_INVALID, DIAG_TYPE, "%s cannot be applied to %s", name,
             type_text(arena, type_not_null(arena, type, false)));
    return false;
}

static bool result_type(struct arena *arena, struct agg_call *call, struct diag *diag)
{
    const struct type *arg = call->arg ? call->arg->type : NULL;

    switch (call->kind) {
    case AGG_COUNT_STAR:
    case AGG_COUNT:
        call->type = type_not_null(arena, type_simple(TYPE_BIGINT), true);
        return true;
    case AGG_SUM:
    case AGG_SUM0:
    case AGG_AVG:
        if (!type_is_numeric(arg->kind))
            return bad_arg(agg_name(call->kind), arg, arena, diag);
        call->type = sum_type(arena, arg, call->kind);
        return true;
    case AGG_LISTAGG:
        if (!type_is_text(arg->kind))
            return bad_arg("LISTAGG", arg, arena, diag);
        call->type = type_simple(TYPE_VARCHAR);
        call->separator = BYTES_LITERAL(",");
        return true;
    case AGG_ARRAY_AGG:
        call->type = type_list(arena, TYPE_ARRAY, arg, NULL);
        return arg->kind != TYPE_NULL || bad_arg("ARRAY_AGG", arg, arena, diag);
    case AGG_COLLECT:
        call->type = type_not_null(arena, type_list(arena, TYPE_MULTISET, arg, NULL), true);
        return arg->kind != TYPE_NULL || bad_arg("COLLECT", arg, arena, diag);
    case AGG_LAG:
        call->type = type_not_null(arena, arg, false);
        call->offset = 1;
        return arg->kind != TYPE_NULL || bad_arg("LAG", arg, arena, diag);
    case AGG_RANK:
    case AGG_DENSE_RANK:
        call->type = type_not_null(arena, type_simple(TYPE_BIGINT), true);
        return type_phys(arg->kind) == PHYS_I64 || bad_arg(agg_name(call->kind), arg, arena, diag);
    default:
        if (arg->kind >= TYPE_ROW || arg->kind == TYPE_NULL)
            return bad_arg(agg_name(call->kind), arg, arena, diag);
        call->type = type_not_null(arena, arg, false);
        return true;
    }
}

bool agg_bind(struct arena *arena, struct bytes name, const struct expr *arg, bool star,
              bool distinct, const struct expr *filter, struct agg_call *out, struct diag *diag)
{
    *out = (struct agg_call){.arg = arg, .filter = filter, .distinct = distinct};
    if (!find(name, &out->kind)) {
        diag_set(diag, ST_INVALID, DIAG_NAME, "no aggregate function %.*s", BYTES_FMT(name));
        return false;
    }
    if (star || !arg) {
        if (out->kind != AGG_COUNT) {
            diag_set(diag, ST_INVALID, DIAG_TYPE, "%s takes one argument", agg_name(out->kind));
            return false;
        }
        out->kind = AGG_COUNT_STAR;
        out->arg = NULL;
        out->distinct = false;
    }
    if (out->kind == AGG_MIN || out->kind == AGG_MAX)
        out->distinct = false; /* it changes nothing */
    if (filter && filter->type->kind != TYPE_BOOLEAN && filter->type->kind != TYPE_NULL) {
        diag_set(diag, ST_INVALID, DIAG_TYPE, "FILTER takes a BOOLEAN, not %s",
                 type_text(arena, filter->type));
        return false;
    }
    return result_type(arena, out, diag);
}

static bool want_literal(const struct agg_call *call, const struct expr *arg, const char *what, struct diag *diag)
{
    if (arg->kind == EXPR_LITERAL)
        return true;
    diag_set(diag, ST_INVALID, DIAG_TYPE, "the %s of %s must be a literal", what, agg_name(call->kind));
    return false;
}

static bool bind_separator(struct agg_call *call, const struct expr *arg, struct diag *diag)
{
    if (!want_literal(call, arg, "separator", diag))
        return false;
    if (arg->is_null || !type_is_text(arg->type->kind)) {
        diag_set(diag, ST_INVALID, DIAG_TYPE, "the separator of LISTAGG is a text that is not NULL");
        return false;
    }
    call->separator = bytes_of(arg->value.str.ptr, arg->value.str.len);
    return true;
}

enum { LAG_OFFSET_MAX = 1000000 };

static bool bind_lag(struct arena *arena, struct agg_call *call, const struct expr **args, uint16_t count,
                     struct diag *diag)
{
    if (!want_literal(call, args[0], "offset", diag))
        return false;
    bool number = !args[0]->is_null && type_is_integer(args[0]->type->kind);
    int64_t n = !number ? -1 : type_phys(args[0]->type->kind) == PHYS_I32 ? args[0]->value.i32 : args[0]->value.i64;
    if (n < 0 || n > LAG_OFFSET_MAX) {
        diag_set(diag, ST_INVALID, DIAG_VALUE, "the offset of LAG is a number from 0 to %d", LAG_OFFSET_MAX);
        return false;
    }
    call->offset = (int32_t)n;
    if (count < 2)
        return true;
    call->missing =
        func_cast(arena, args[1], type_not_null(arena, call->type, args[1]->type->not_null), false, true, diag);
    return call->missing && want_literal(call, call->missing, "default", diag);
}

bool agg_bind_more(struct arena *arena, struct agg_call *call, const struct expr **args, uint16_t count,
                   struct diag *diag)
{
    uint16_t most = call->kind == AGG_LISTAGG ? 1 : call->kind == AGG_LAG ? 2 : 0;

    if (count > most) {
        diag_set(diag, ST_INVALID, DIAG_TYPE, "%s takes %s", agg_name(call->kind),
                 most == 0   ? "one argument"
                 : most == 1 ? "one or two arguments"
                             : "one to three arguments");
        return false;
    }
    if (count == 0)
        return true;
    return call->kind == AGG_LISTAGG ? bind_separator(call, args[0], diag)
                                     : bind_lag(arena, call, args, count, diag);
}

/* ---- state ---- */

static bool is_sum(enum agg_kind kind)
{
    return kind == AGG_SUM || kind == AGG_SUM0 || kind == AGG_AVG;
}

static enum phys arg_kind(const struct agg_call *call)
{
    return type_phys(call->arg->type->kind);
}

uint32_t agg_state_size(const struct agg_call *call)
{
    if (call->kind == AGG_COUNT || call->kind == AGG_COUNT_STAR)
        return sizeof(int64_t);
    if (agg_is_rank(call->kind))
        return sizeof(struct rank_state);
    CHECK(!agg_is_list(call->kind));
    if (!is_sum(call->kind))
        return sizeof(struct best_state);
    switch (arg_kind(call)) {
    case PHYS_I128: return sizeof(int64_t) + sizeof(struct wide);
    case PHYS_F32:
    case PHYS_F64: return sizeof(int64_t) + sizeof(struct exact_sum);
    default: return 2 * sizeof(int64_t);
    }
}

void agg_init(const struct agg_call *call, void *state)
{
    memset(state, 0, agg_state_size(call));
}

bool agg_needs_values(const struct agg_call *call, bool input_retracts)
{
    if (call->distinct || agg_is_list(call->kind))
        return true;
    switch (call->kind) {
    case AGG_MIN:
    case AGG_MAX:
    case AGG_FIRST_VALUE:
    case AGG_LAST_VALUE: return input_retracts || arg_kind(call) == PHYS_STR;
    default: return false;
    }
}

/* ---- update ---- */

struct update {
    uint32_t pos;
    void *const *states;
    const struct column *col;
    const uint16_t *rows;
    const int8_t *weights;
    uint16_t count;
};

/* For each row that is not NULL: `st` is its state, `row` its row, `w` its weight. */
#define UPDATE_EACH(u, stype, st, row, w, body)                                                    \
    for (uint16_t i_ = 0; i_ < (u)->count; i_++) {                                                 \
        const uint16_t row = (u)->rows ? (u)->rows[i_] : i_;                                       \
        if ((u)->col && !column_valid((u)->col, row))                                              \
            continue;                                                                              \
        stype *st = (stype *)((uint8_t *)(u)->states[i_] + (u)->pos);                              \
        const int w = (u)->weights ? (u)->weights[i_] : 1;                                         \
        body                                                                                       \
    }

static void update_count(const struct update *u)
{
    UPDATE_EACH(u, int64_t, count, row, w, {
        (void)row;
        *count += w;
    })
}

static void wide_add(struct wide *sum, i128 v, bool negate)
{
    struct wide x = {(uint64_t)v, (uint64_t)(v >> 64), v < 0 ? UINT64_MAX : 0};
    unsigned __int128 t;

    if (negate) {
        t = (unsigned __int128)sum->low - x.low;
        sum->low = (uint64_t)t;
        t = (unsigned __int128)sum->mid - x.mid - (uint64_t)(t >> 127);
        sum->mid = (uint64_t)t;
        sum->high -= x.high + (uint64_t)(t >> 127);
        return;
    }
    t = (unsigned __int128)sum->low + x.low;
    sum->low = (uint64_t)t;
    t = (unsigned __int128)sum->mid + x.mid + (uint64_t)(t >> 64);
    sum->mid = (uint64_t)t;
    sum->high += x.high + (uint64_t)(t >> 64);
}

#define UPDATE_SUM(u, ctype)                                                                       \
    UPDATE_EACH(u, struct sum_state, st, row, w, {                                                 \
        st->count += w;                                                                            \
        st->sum.i64 = (int64_t)((uint64_t)st->sum.i64 +                                            \
                                (uint64_t)w * (uint64_t)(int64_t)((const ctype *)(u)->col->data)[row]); \
    })

static void update_sum(const struct update *u, enum phys phys)
{
    switch (phys) {
    case PHYS_I32: UPDATE_SUM(u, int32_t) break;
    case PHYS_I64: UPDATE_SUM(u, int64_t) break;
    case PHYS_I128:
        UPDATE_EACH(u, struct sum_state, st, row, w, {
            st->count += w;
            wide_add(&st->sum.dec, ((const i128 *)u->col->data)[row], w < 0);
        })
        break;
    case PHYS_F32:
        UPDATE_EACH(u, struct sum_state, st, row, w, {
            st->count += w;
            exact_sum_add(&st->sum.f64, (double)((const float *)u->col->data)[row], w);
        })
        break;
    default:
        CHECK(phys == PHYS_F64);
        UPDATE_EACH(u, struct sum_state, st, row, w, {
            st->count += w;
            exact_sum_add(&st->sum.f64, ((const double *)u->col->data)[row], w);
        })
    }
}

static void put_value(uint64_t *to, const struct column *col, uint32_t row, size_t size)
{
    to[0] = to[1] = 0;
    memcpy(to, (const uint8_t *)col->data + row * size, size);
}

/* Whether the value at row replaces the one that is there. */
static bool replaces(const struct agg_call *call, const struct best_state *st,
                     const struct column *col, uint32_t row)
{
    union value mine;
    struct column have = {.data = &mine};

    if (call->kind == AGG_LAST_VALUE || st->count == 0)
        return true;
    if (call->kind == AGG_FIRST_VALUE)
        return false;
    memcpy(&mine, st->value, sizeof(mine));
    int order = column_compare(call->arg->type, col, row, &have, 0);
    return call->kind == AGG_MIN ? order < 0 : order > 0;
}

static void update_best(const struct agg_call *call, const struct update *u)
{
    size_t size = phys_size(arg_kind(call));

    UPDATE_EACH(u, struct best_state, st, row, w, {
        CHECK(w == 1);
        if (replaces(call, st, u->col, row))
            put_value(st->value, u->col, row, size);
        st->count++;
    })
}

/* The common MIN and MAX: BIGINT and times. */
static void update_best_i64(const struct update *u, bool max)
{
    const int64_t *restrict data = u->col->data;

    UPDATE_EACH(u, struct best_state, st, row, w, {
        CHECK(w == 1);
        int64_t v = data[row];
        int64_t have = (int64_t)st->value[0];
        if (st->count == 0 || (max ? v > have : v < have))
            st->value[0] = (uint64_t)v;
        st->count++;
    })
}

/* Rows come in the order of their values. */
static void update_rank(const struct update *u, bool dense)
{
    const int64_t *data = u->col->data;

    UPDATE_EACH(u, struct rank_state, st, row, w, {
        CHECK(w == 1);
        st->rows++;
        if (st->rows == 1 || data[row] != st->last)
            st->rank = dense ? st->rank + 1 : st->rows;
        st->last = data[row];
    })
}

void agg_update(const struct agg_call *call, uint32_t state_pos, void *const *states,
                const struct column *col, const uint16_t *rows, const int8_t *weights, uint16_t count)
{
    struct update u = {state_pos, states, col, rows, weights, count};
    bool extreme = call->kind == AGG_MIN || call->kind == AGG_MAX;

    if (call->kind == AGG_COUNT_STAR)
        u.col = NULL;
    if (call->kind == AGG_COUNT_STAR ||
        (call->kind == AGG_COUNT && type_phys(call->arg->type->kind) != PHYS_NULL))
        update_count(&u);
    else if (is_sum(call->kind))
        update_sum(&u, arg_kind(call));
    else if (agg_is_rank(call->kind))
        update_rank(&u, call->kind == AGG_DENSE_RANK);
    else if (extreme && arg_kind(call) == PHYS_I64)
        update_best_i64(&u, call->kind == AGG_MAX);
    else if (call->kind != AGG_COUNT)
        update_best(call, &u);
}

/* ---- merge ---- */

static void merge_sum(enum phys phys, struct sum_state *a, const struct sum_state *b)
{
    a->count += b->count;
    if (phys == PHYS_F32 || phys == PHYS_F64) {
        exact_sum_merge(&a->sum.f64, &b->sum.f64);
    } else if (phys == PHYS_I128) {
        struct wide *x = &a->sum.dec;
        const struct wide *y = &b->sum.dec;
        unsigned __int128 t = (unsigned __int128)x->low + y->low;
        x->low = (uint64_t)t;
        t = (unsigned __int128)x->mid + y->mid + (uint64_t)(t >> 64);
        x->mid = (uint64_t)t;
        x->high += y->high + (uint64_t)(t >> 64);
    } else {
        a->sum.i64 = (int64_t)((uint64_t)a->sum.i64 + (uint64_t)b->sum.i64);
    }
}

void agg_merge(const struct agg_call *call, void *state, const void *other)
{
    const struct best_state *from = other;
    struct best_state *to = state;
    union value v;
    struct column col = {.data = &v};

    if (call->kind == AGG_COUNT || call->kind == AGG_COUNT_STAR) {
        *(int64_t *)state += *(const int64_t *)other;
        return;
    }
    if (is_sum(call->kind)) {
        merge_sum(arg_kind(call), state, other);
        return;
    }
    if (from->count == 0)
        return;
    memcpy(&v, from->value, sizeof(v));
    if (replaces(call, to, &col, 0))
        memcpy(to->value, from->value, sizeof(to->value));
    to->count += from->count;
}

/* ---- value ---- */

static void put_integer(const struct type *type, int64_t v, union value *out)
{
    switch (type->kind) {
    case TYPE_TINYINT: out->i32 = (int8_t)v; break;
    case TYPE_SMALLINT: out->i32 = (int16_t)v; break;
    case TYPE_INT: out->i32 = (int32_t)v; break;
    default: out->i64 = v;
    }
}

static bool decimal_value(const struct agg_call *call, const struct sum_state *st, union value *out)
{
    const struct wide *s = &st->sum.dec;
    i128 sum = (i128)((unsigned __int128)s->mid << 64 | s->low);
    int32_t scale = call->arg->type->scale;
    bool fits = s->high == (s->mid >> 63 ? UINT64_MAX : 0);

    if (!fits || !decimal_fits(sum, decimal_pow10(TYPE_DECIMAL_MAX)))
        return false; /* overflow is NULL, as in Flink */
    if (call->kind != AGG_AVG)
        return out->dec = sum, true;
    return decimal_div(sum, scale, st->count, 0, call->type->scale, &out->dec);
}

static bool sum_value(const struct agg_call *call, const struct sum_state *st, union value *out)
{
    bool average = call->kind == AGG_AVG;
    double v;

    if (st->count == 0 && call->kind != AGG_SUM0)
        return false;
    switch (arg_kind(call)) {
    case PHYS_I128: return decimal_value(call, st, out);
    case PHYS_F32:
    case PHYS_F64:
        v = exact_sum_value(&st->sum.f64) / (average ? (double)st->count : 1.0);
        if (call->type->kind == TYPE_FLOAT)
            out->f32 = (float)v;
        else
            out->f64 = v;
        return true;
    default: put_integer(call->type, average ? st->sum.i64 / st->count : st->sum.i64, out);
    }
    return true;
}

bool agg_value(const struct agg_call *call, const void *state, union value *out)
{
    const struct best_state *best = state;

    memset(out, 0, sizeof(*out));
    if (call->kind == AGG_COUNT || call->kind == AGG_COUNT_STAR) {
        out->i64 = *(const int64_t *)state;
        return true;
    }
    if (is_sum(call->kind))
        return sum_value(call, state, out);
    if (agg_is_rank(call->kind))
        return out->i64 = ((const struct rank_state *)state)->rank, true;
    if (best->count == 0)
        return false;
    memcpy(out, best->value, sizeof(*out));
    return true;
}

bool agg_value_of(const struct agg_call *call, const struct column *values, const int64_t *counts,
                  uint32_t count, union value *out)
{
    struct {
        int64_t count;
        uint64_t rest[1 + sizeof(struct exact_sum) / sizeof(uint64_t)];
    } state;
    void *states[1] = {&state};

    CHECK(agg_state_size(call) <= sizeof(state));
    agg_init(call, &state);
    for (uint32_t i = 0; i < count; i++) {
        int64_t times = counts ? counts[i] : 1;
        struct column one = {.data = values->data};
        size_t size = phys_size(type_phys(call->arg->type->kind));
        if (times <= 0 || !column_valid(values, i))
            continue;
        one.data = (const uint8_t *)values->data + i * size;
        bool once = call->distinct || !(is_sum(call->kind) || call->kind == AGG_COUNT);
        for (int64_t t = once ? 1 : times; t > 0; t--)
            agg_update(call, 0, states, &one, NULL, NULL, 1);
    }
    return agg_value(call, &state, out);
}
