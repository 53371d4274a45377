/* Functions of arrays and maps that make others of them, or look for an element.
 *
 * Elements are compared as ORDER BY does, with NULL equal to NULL; what needs to find equal ones sorts
 * positions first, so that no list takes quadratic time. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "data/compare.h"
#include "data/func_list.h"

/* ---- the list of a row ---- */

struct list {
    const struct type *element;
    const struct column *col; /* the elements: those at from .. to - 1 are the row's */
    uint32_t from, to;
};

/* field: of a MAP 0 its keys, 1 its values */
static struct list list_of(const struct call *call, unsigned arg, uint32_t row, unsigned field)
{
    const struct type *type = call->expr->args[arg]->type;
    const uint32_t *offsets = call->args[arg].col.offsets + ARG_ROW(call, arg, row);

    return (struct list){type->fields[field].type, &call->args[arg].col.children[field], offsets[0], offsets[1]};
}

static int element_compare(const struct type *type, const struct column *a, uint32_t i, const struct column *b,
                           uint32_t k)
{
    bool x = column_valid(a, i), y = column_valid(b, k);

    if (!x || !y)
        return (int)x - (int)y;
    return column_compare(type, a, i, b, k);
}

static int by_value(const void *a, const void *b, void *context)
{
    const struct list *l = context;
    uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    int order = element_compare(l->element, l->col, i, l->col, k);

    return order ? order : i < k ? -1 : i > k;
}

/* Positions of the elements in their order, equal ones as they stand. NULL: no memory. */
static uint32_t *list_sorted(const struct call *call, struct list *l)
{
    uint32_t count = l->to - l->from;
    uint32_t *at = arena_try(call->ctx->arena, sizeof(*at) * (count + 1u));

    for (uint32_t i = 0; at && i < count; i++)
        at[i] = l->from + i;
    if (at)
        qsort_r(at, count, sizeof(*at), by_value, l);
    return at;
}

static bool sorted_has(const struct list *l, const uint32_t *at, const struct column *col, uint32_t element)
{
    uint32_t low = 0, high = l->to - l->from;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int order = element_compare(l->element, l->col, at[mid], col, element);
        if (order == 0)
            return true;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

/* ---- functions that give a list ---- */

/* Appends the row's elements to out's children; false: the row is NULL. */
typedef bool list_body(struct call *call, uint32_t row, struct column_builder *out);

/* A NULL in one of the first `needed` arguments gives NULL. */
static enum status lists(struct call *call, unsigned needed, list_body *body)
{
    struct column_builder b;

    column_builder_init(&b, call->ctx->arena, call->expr->type, call->rows);
    FOR_ROWS(call, row) {
        bool there = true;
        skip_to(&b, row);
        for (unsigned a = 0; a < needed && there; a++)
            there = arg_valid(call, a, row);
        if (there && body(call, row, &b))
            column_put_list(&b);
        else
            column_put_null(&b);
    }
    skip_to(&b, call->rows);
    return builder_result(call, &b);
}

static void append_list(struct column_builder *to, const struct list *l)
{
    for (uint32_t i = l->from; i < l->to && !to->failed; i++)
        column_append(to, l->col, i);
}

static void append_value(struct call *call, struct column_builder *to, unsigned arg, uint32_t row)
{
    if (arg_valid(call, arg, row))
        column_append(to, &call->args[arg].col, ARG_ROW(call, arg, row));
    else
        column_put_null(to);
}

static bool append_body(struct call *call, uint32_t row, struct column_builder *out)
{
    struct list l = list_of(call, 0, row, 0);
    bool before = call->expr->func->variant;

    if (before)
        append_value(call, &out->children[0], 1, row);
    append_list(&out->children[0], &l);
    if (!before)
        append_value(call, &out->children[0], 1, row);
    return true;
}

static bool concat_body(struct call *call, uint32_t row, struct column_builder *out)
{
    for (unsigned a = 0; a < call->expr->args_count; a++) {
        struct list l = list_of(call, a, row, 0);
        append_list(&out->children[0], &l);
    }
    return true;
}

/* Whether each element of a list is the first (or the last) of its value: one byte each. NULL: no memory. */
static uint8_t *singles(struct call *call, struct list *l, bool last)
{
    uint32_t count = l->to - l->from, *at = list_sorted(call, l);
    uint8_t *first = arena_try(call->ctx->arena, count + 1u);

    if (!at || !first)
        return NULL;
    for (uint32_t i = 0; i < count; i++) {
        bool edge = last ? i + 1 == count : i == 0;
        first[at[i] - l->from] =
            edge || element_compare(l->element, l->col, at[last ? i + 1 : i - 1], l->col, at[i]) != 0;
    }
    return first;
}

static bool no_memory(struct call *call)
{
    call->no_memory = true;
    return false;
}

static bool distinct_body(struct call *call, uint32_t row, struct column_builder *out)
{
    struct list l = list_of(call, 0, row, 0);
    const uint8_t *first = singles(call, &l, false);

    if (!first)
        return no_memory(call);
    for (uint32_t i = l.from; i < l.to; i++)
        if (first[i - l.from])
            column_append(&out->children[0], l.col, i);
    return true;
}

enum { SET_EXCEPT, SET_INTERSECT, SET_UNION_ALL };

/* Elements of the first list, each once, that the second has (or has not); UNION: then those of the second. */
static bool set_body(struct call *call, uint32_t row, struct column_builder *out)
{
    struct list a = list_of(call, 0, row, 0), b = list_of(call, 1, row, 0);
    int what = call->expr->func->variant;
    const uint8_t *first_a = singles(call, &a, false), *first_b = singles(call, &b, false);
    struct list *in = what == SET_UNION_ALL ? &a : &b;
    const uint32_t *sorted = list_sorted(call, in);

    if (!first_a || !first_b || !sorted)
        return no_memory(call);
    for (uint32_t i = a.from; i < a.to; i++) {
        if (first_a[i - a.from] &&
            (what == SET_UNION_ALL || sorted_has(in, sorted, a.col, i) == (what == SET_INTERSECT)))
            column_append(&out->children[0], a.col, i);
    }
    for (uint32_t i = b.from; what == SET_UNION_ALL && i < b.to; i++) {
        if (first_b[i - b.from] && !sorted_has(in, sorted, b.col, i))
            column_append(&out->children[0], b.col, i);
    }
    return true;
}

static bool removed_body(struct call *call, uint32_t row, struct column_builder *out)
{
    struct list l = list_of(call, 0, row, 0);
    bool some = arg_valid(call, 1, row);

    for (uint32_t i = l.from; i < l.to; i++) {
        bool valid = column_valid(l.col, i);
        if (valid == some && (!some || column_equal(l.element, l.col, i, &call->args[1].col, ARG_ROW(call, 1, row))))
            continue;
        column_append(&out->children[0], l.col, i);
    }
    return true;
}

static bool reverse_body(struct call *call, uint32_t row, struct column_builder *out)
{
    struct list l = list_of(call, 0, row, 0);

    for (uint32_t i = l.to; i > l.from; i--)
        column_append(&out->children[0], l.col, i - 1);
    return true;
}

/* Positions from 1, or from the end when negative; 0 is as 1. */
static bool slice_body(struct call *call, uint32_t row, struct column_builder *out)
{
    struct list l = list_of(call, 0, row, 0);
    int64_t count = l.to - l.from, from = ARG(call, 1, int32_t, row), to = count;

    if (call->expr->args_count > 2)
        to = ARG(call, 2, int32_t, row);
    from = from < 0 ? from + count + 1 : from == 0 ? 1 : from;
    to = to < 0 ? to + count + 1 : to;
    from = from < 1 ? 1 : from;
    to = to < 1 ? 1 : to;
    to = to > count ? count : to;
    for (int64_t i = from; i <= to; i++)
        column_append(&out->children[0], l.col, (uint32_t)(l.from + i - 1));
    return true;
}

/* NULLs are first where ascending, last where not, unless the third argument tells. */
static bool sort_body(struct call *call, uint32_t row, struct column_builder *out)
{
    struct list l = list_of(call, 0, row, 0);
    const uint32_t *at = list_sorted(call, &l);
    uint32_t count = l.to - l.from, nulls = 0;

    if (!at)
        return no_memory(call);
    bool ascending = call->expr->args_count < 2 || ARG(call, 1, uint8_t, row);
    bool nulls_first = call->expr->args_count < 3 ? ascending : ARG(call, 2, uint8_t, row);
    while (nulls < count && !column_valid(l.col, at[nulls]))
        nulls++;
    for (uint32_t i = 0; nulls_first && i < nulls; i++)
        column_put_null(&out->children[0]);
    for (uint32_t i = nulls; i < count; i++)
        column_append(&out->children[0], l.col, at[ascending ? i : count - 1 - (i - nulls)]);
    for (uint32_t i = 0; !nulls_first && i < nulls; i++)
        column_put_null(&out->children[0]);
    return true;
}

/* variant 0: keys, 1: values */
static bool part_body(struct call *call, uint32_t row, struct column_builder *out)
{
    struct list l = list_of(call, 0, row, (unsigned)call->expr->func->variant);

    append_list(&out->children[0], &l);
    return true;
}

static bool entries_body(struct call *call, uint32_t row, struct column_builder *out)
{
    struct list keys = list_of(call, 0, row, 0), values = list_of(call, 0, row, 1);
    struct column_builder *rows = &out->children[0];

    for (uint32_t i = keys.from; i < keys.to; i++) {
        column_append(&rows->children[0], keys.col, i);
        column_append(&rows->children[1], values.col, i);
        column_put_row(rows);
    }
    return true;
}

/* Of equal keys the last counts. */
static bool from_arrays_body(struct call *call, uint32_t row, struct column_builder *out)
{
    struct list keys = list_of(call, 0, row, 0), values = list_of(call, 1, row, 0);
    const uint8_t *last = singles(call, &keys, true);

    if (!last)
        return no_memory(call);
    for (uint32_t i = keys.from; i < keys.to; i++) {
        if (!last[i - keys.from])
            continue;
        column_append(&out->children[0], keys.col, i);
        column_append(&out->children[1], values.col, values.from + (i - keys.from));
    }
    return true;
}

/* The entries of each map whose keys no later map has. */
static bool map_union_body(struct call *call, uint32_t row, struct column_builder *out)
{
    unsigned count = call->expr->args_count;
    struct list *keys = arena_try(call->ctx->arena, sizeof(*keys) * count);
    uint32_t **sorted = arena_try(call->ctx->arena, sizeof(*sorted) * count);

    for (unsigned a = 0; keys && sorted && a < count; a++) {
        keys[a] = list_of(call, a, row, 0);
        sorted[a] = list_sorted(call, &keys[a]);
        if (!sorted[a])
            return no_memory(call);
    }
    if (!keys || !sorted)
        return no_memory(call);
    for (unsigned a = 0; a < count; a++) {
        struct list values = list_of(call, a, row, 1);
        for (uint32_t i = keys[a].from; i < keys[a].to; i++) {
            bool later = false;
            for (unsigned k = a + 1; k < count && !later; k++)
                later = sorted_has(&keys[k], sorted[k], keys[a].col, i);
            if (later)
                continue;
            column_append(&out->children[0], keys[a].col, i);
            column_append(&out->children[1], values.col, i);
        }
    }
    return true;
}

static size_t seek(struct bytes text, size_t from, struct bytes what)
{
    const char *at = from <= text.len ? memmem(text.ptr + from, text.len - from, what.ptr, what.len) : NULL;

    return at ? (size_t)(at - (const char *)text.ptr) : SIZE_MAX;
}

/* The parts between separators; without one the characters. Of '' there are none. */
static bool split_body(struct call *call, uint32_t row, struct column_builder *out)
{
    struct bytes text = arg_bytes(call, 0, row), separator = arg_bytes(call, 1, row);
    struct column_builder *parts = &out->children[0];
    size_t from = 0;

    while (separator.len == 0 && from < text.len) {
        size_t to = from + 1;
        while (to < text.len && (text.ptr[to] & 0xC0) == 0x80)
            to++;
        column_put_str(parts, bytes_of(text.ptr + from, to - from));
        from = to;
    }
    while (separator.len > 0 && text.len > 0) {
        size_t to = seek(text, from, separator);
        column_put_str(parts, bytes_of(text.ptr + from, (to == SIZE_MAX ? text.len : to) - from));
        if (to == SIZE_MAX)
            break;
        from = to + separator.len;
    }
    return true;
}

struct pair {
    struct bytes key, value;
    bool has_value, last; /* of its key */
    size_t at;
};

static int pair_compare(const void *a, const void *b)
{
    const struct pair *x = *(const struct pair *const *)a, *y = *(const struct pair *const *)b;
    int order = bytes_compare(x->key, y->key);

    return order ? order : x->at < y->at ? -1 : x->at > y->at;
}

/* The next pair of a text, which it is cut from. */
static struct pair take_pair(struct bytes *text, struct bytes between, struct bytes sign)
{
    size_t end = between.len ? seek(*text, 0, between) : SIZE_MAX;
    struct bytes part = end == SIZE_MAX ? *text : bytes_head(*text, end);
    size_t at = sign.len ? seek(part, 0, sign) : SIZE_MAX;

    *text = end == SIZE_MAX ? BYTES_NONE : bytes_skip(*text, end + between.len);
    if (at == SIZE_MAX)
        return (struct pair){.key = part};
    return (struct pair){.key = bytes_head(part, at), .value = bytes_skip(part, at + sign.len), .has_value = true};
}

/* Pairs between separators, key and value between signs; a part without the sign is a key of NULL. */
static bool str_to_map_body(struct call *call, uint32_t row, struct column_builder *out)
{
    bool given = call->expr->args_count > 1;
    struct bytes text = arg_bytes(call, 0, row), between = given ? arg_bytes(call, 1, row) : BYTES_LITERAL(",");
    struct bytes sign = given ? arg_bytes(call, 2, row) : BYTES_LITERAL("=");
    size_t most = 1, count = 0;

    for (size_t at = 0; between.len && (at = seek(text, at, between)) != SIZE_MAX; at += between.len)
        most++;
    struct pair *pairs = arena_try(call->ctx->arena, sizeof(*pairs) * most);
    struct pair **sorted = arena_try(call->ctx->arena, sizeof(*sorted) * most);
    if (!pairs || !sorted)
        return no_memory(call);
    while (text.len) { /* a separator at the end begins no pair */
        pairs[count] = take_pair(&text, between, sign);
        pairs[count].at = count;
        sorted[count] = &pairs[count];
        count++;
    }
    qsort(sorted, count, sizeof(*sorted), pair_compare);
    for (size_t i = 0; i < count; i++)
        sorted[i]->last = i + 1 == count || !bytes_equal(sorted[i]->key, sorted[i + 1]->key);
    for (size_t i = 0; i < count; i++) {
        if (!pairs[i].last)
            continue;
        column_put_str(&out->children[0],
                       bytes_of(pairs[i].key.len ? pairs[i].key.ptr : (const uint8_t *)"", pairs[i].key.len));
        if (pairs[i].has_value)
            column_put_str(&out->children[1], pairs[i].value);
        else
            column_put_null(&out->children[1]);
    }
    return true;
}

#define LISTS(name, needed)                                                                        \
    static enum status name(struct call *call)                                                     \
    {                                                                                              \
        return lists(call, needed, name##_body);                                                   \
    }
LISTS(append, 1)
LISTS(concat, call->expr->args_count)
LISTS(distinct, 1)
LISTS(set, 2)
LISTS(removed, 1)
LISTS(reverse, 1)
LISTS(slice, call->expr->args_count)
LISTS(sort, call->expr->args_count)
LISTS(part, 1)
LISTS(entries, 1)
LISTS(map_union, call->expr->args_count)
LISTS(split, 2)
LISTS(str_to_map, call->expr->args_count)
#undef LISTS

static enum status from_arrays(struct call *call)
{
    FOR_ROWS(call, row) {
        if (!arg_valid(call, 0, row) || !arg_valid(call, 1, row))
            continue;
        struct list keys = list_of(call, 0, row, 0), values = list_of(call, 1, row, 0);
        if (keys.to - keys.from != values.to - values.from)
            return call_fail(call, row, "%u keys and %u values", keys.to - keys.from, values.to - values.from);
    }
    return lists(call, 2, from_arrays_body);
}

/* ---- functions that give an element, or tell of one ---- */

/* variant 1: the greatest, -1: the least; NULLs aside */
static enum status extreme_element(struct call *call)
{
    int sign = call->expr->func->variant;
    struct column_builder b;

    column_builder_init(&b, call->ctx->arena, call->expr->type, call->rows);
    FOR_ROWS(call, row) {
        skip_to(&b, row);
        struct list l = arg_valid(call, 0, row) ? list_of(call, 0, row, 0) : (struct list){0};
        uint32_t best = l.to;
        for (uint32_t i = l.from; i < l.to; i++) {
            if (column_valid(l.col, i) &&
                (best == l.to || sign * column_compare(l.element, l.col, i, l.col, best) > 0))
                best = i;
        }
        if (best < l.to)
            column_append(&b, l.col, best);
        else
            column_put_null(&b);
    }
    skip_to(&b, call->rows);
    return builder_result(call, &b);
}

static enum status only_element(struct call *call)
{
    struct column_builder b;

    column_builder_init(&b, call->ctx->arena, call->expr->type, call->rows);
    FOR_ROWS(call, row) {
        skip_to(&b, row);
        struct list l = arg_valid(call, 0, row) ? list_of(call, 0, row, 0) : (struct list){0};
        if (l.to - l.from > 1)
            return call_fail(call, row, "ELEMENT of an array that has %u", l.to - l.from);
        if (l.to - l.from == 1)
            column_append(&b, l.col, l.from);
        else
            column_put_null(&b);
    }
    skip_to(&b, call->rows);
    return builder_result(call, &b);
}

static enum status position_of(struct call *call)
{
    FOR_ROWS(call, row) {
        struct list l = list_of(call, 0, row, 0);
        uint32_t i = l.from;
        while (i < l.to && !(column_valid(l.col, i) &&
                             column_equal(l.element, l.col, i, &call->args[1].col, ARG_ROW(call, 1, row))))
            i++;
        OUT(call, int32_t)[row] = i < l.to ? (int32_t)(i - l.from + 1) : 0;
    }
    return ST_OK;
}

/* The elements that are not NULL, or a text in the place of those that are. */
static enum status join_elements(struct call *call)
{
    bool replaced = call->expr->args_count > 2;

    FOR_ROWS(call, row) {
        struct list l = list_of(call, 0, row, 0);
        const struct str *texts = l.col->data;
        struct bytes separator = arg_bytes(call, 1, row), null = replaced ? arg_bytes(call, 2, row) : BYTES_NONE;
        size_t len = 0, count = 0;
        for (uint32_t i = l.from; i < l.to; i++) {
            bool valid = column_valid(l.col, i);
            if (!valid && !replaced)
                continue;
            len += (valid ? texts[i].len : null.len) + (count++ ? separator.len : 0);
        }
        char *out = call_text(call, len), *at = out;
        if (!out)
            return ST_OK;
        count = 0;
        for (uint32_t i = l.from; i < l.to; i++) {
            bool valid = column_valid(l.col, i);
            if (!valid && !replaced)
                continue;
            if (count++ && separator.len)
                at = mempcpy(at, separator.ptr, separator.len);
            struct bytes part = valid ? bytes_of(texts[i].ptr, texts[i].len) : null;
            if (part.len)
                at = mempcpy(at, part.ptr, part.len);
        }
        call_view(call, row, bytes_of(out, len));
    }
    return ST_OK;
}

/* ---- types ---- */

static bool all_not_null(const struct bind *b)
{
    return !bind_any_null(b);
}

static bool want_kind(struct bind *b, unsigned arg, enum type_kind kind)
{
    const struct type *type = bind_type(b, arg);

    return type->kind == kind || bind_fail(b, "takes %s, not %s", kind == TYPE_MAP ? "a MAP" : "an ARRAY",
                                           type_text(b->arena, type));
}

static bool bind_append(struct bind *b)
{
    if (!want_kind(b, 0, TYPE_ARRAY))
        return false;
    const struct type *array = bind_type(b, 0), *value = bind_type(b, 1);
    const struct type *element = type_common(b->arena, array->fields[0].type, value);
    if (!element)
        return bind_fail(b, "%s cannot be added to %s", type_text(b->arena, value), type_text(b->arena, array));
    const struct type *type = list_type(b->arena, TYPE_ARRAY, element, NULL);
    b->type = type_not_null(b->arena, type, array->not_null);
    return bind_force(b, 0, b->type) && bind_force(b, 1, element);
}

static bool bind_lists(struct bind *b)
{
    enum type_kind kind = b->func->variant == TYPE_MAP ? TYPE_MAP : TYPE_ARRAY;

    for (unsigned a = 0; a < b->args_count; a++)
        if (!want_kind(b, a, kind))
            return false;
    bool not_null = all_not_null(b);
    const struct type *type = bind_common_of(b, 0, 1);
    if (!type)
        return false;
    b->type = type_not_null(b->arena, type, not_null);
    return true;
}

/* The array's own type; the other arguments are of the type that is the variant, or of its elements (0). */
static bool bind_same_array(struct bind *b)
{
    enum type_kind kind = (enum type_kind)b->func->variant;

    if (!want_kind(b, 0, TYPE_ARRAY))
        return false;
    const struct type *type = bind_type(b, 0);
    for (unsigned a = 1; a < b->args_count; a++) {
        bool ok = b->func->kernel == removed
                      ? bind_force(b, a, type_not_null(b->arena, type->fields[0].type, false))
                      : bind_cast(b, a, type_simple(kind));
        if (!ok)
            return false;
    }
    bool not_null = b->func->kernel == removed ? type->not_null : all_not_null(b);
    b->type = type_not_null(b->arena, type, not_null);
    return true;
}

static bool bind_of_element(struct bind *b)
{
    if (!want_kind(b, 0, TYPE_ARRAY))
        return false;
    b->type = type_not_null(b->arena, bind_type(b, 0)->fields[0].type, false);
    return true;
}

static bool bind_position(struct bind *b)
{
    if (!want_kind(b, 0, TYPE_ARRAY))
        return false;
    const struct type *element = bind_type(b, 0)->fields[0].type;
    b->type = type_not_null(b->arena, type_simple(TYPE_INT), all_not_null(b));
    return bind_force(b, 1, type_not_null(b->arena, element, bind_type(b, 1)->not_null));
}

static bool bind_join(struct bind *b)
{
    if (!want_kind(b, 0, TYPE_ARRAY))
        return false;
    if (!type_is_text(bind_type(b, 0)->fields[0].type->kind))
        return bind_fail(b, "takes an ARRAY of STRING, not %s", type_text(b->arena, bind_type(b, 0)));
    for (unsigned a = 1; a < b->args_count; a++)
        if (!bind_cast(b, a, type_simple(TYPE_VARCHAR)))
            return false;
    b->type = type_not_null(b->arena, type_simple(TYPE_VARCHAR), all_not_null(b));
    return true;
}

static bool bind_map_part(struct bind *b)
{
    if (!want_kind(b, 0, TYPE_MAP))
        return false;
    const struct type *map = bind_type(b, 0);
    b->type = type_not_null(b->arena, list_type(b->arena, TYPE_ARRAY, map->fields[b->func->variant].type, NULL),
                            map->not_null);
    return true;
}

static bool bind_entries(struct bind *b)
{
    struct type_field fields[2];

    if (!want_kind(b, 0, TYPE_MAP))
        return false;
    const struct type *map = bind_type(b, 0);
    fields[0] = (struct type_field){.name = BYTES_LITERAL("key"), .type = map->fields[0].type};
    fields[1] = (struct type_field){.name = BYTES_LITERAL("value"), .type = map->fields[1].type};
    struct type_field *kept = ARENA_ARRAY(b->arena, struct type_field, 2);
    kept[0] = fields[0];
    kept[1] = fields[1];
    b->type = type_not_null(b->arena, list_type(b->arena, TYPE_ARRAY, type_row(b->arena, kept, 2), NULL),
                            map->not_null);
    return true;
}

static bool bind_from_arrays(struct bind *b)
{
    if (!want_kind(b, 0, TYPE_ARRAY) || !want_kind(b, 1, TYPE_ARRAY))
        return false;
    const struct type *map = list_type(b->arena, TYPE_MAP, bind_type(b, 0)->fields[0].type,
                                       bind_type(b, 1)->fields[0].type);
    b->type = type_not_null(b->arena, map, all_not_null(b));
    return true;
}

static bool bind_split(struct bind *b)
{
    bool not_null = all_not_null(b);

    for (unsigned a = 0; a < 2; a++)
        if (!bind_cast(b, a, type_simple(TYPE_VARCHAR)))
            return false;
    b->type = type_not_null(b->arena, list_type(b->arena, TYPE_ARRAY, type_simple(TYPE_VARCHAR), NULL), not_null);
    return true;
}

static bool bind_str_to_map(struct bind *b)
{
    bool not_null = all_not_null(b);

    if (b->args_count == 2)
        return bind_fail(b, "takes one text, or three: text, separator of pairs, sign between key and value");
    for (unsigned a = 0; a < b->args_count; a++)
        if (!bind_cast(b, a, type_simple(TYPE_VARCHAR)))
            return false;
    b->type = type_not_null(
        b->arena, list_type(b->arena, TYPE_MAP, type_simple(TYPE_VARCHAR), type_simple(TYPE_VARCHAR)), not_null);
    return true;
}

#define LIST_FUNC(sql, binder, run, least, most, what, call_text_, help_)                           \
    {.name = sql, .bind = binder, .kernel = run, .args_min = least, .args_max = most,               \
     .flags = FUNC_NULLS | FUNC_WHOLE, .variant = what, .signature = call_text_, .help = help_}

const struct func func_array_table[] = {
    LIST_FUNC("ARRAY_APPEND", bind_append, append, 2, 2, 0, "ARRAY_APPEND(array, element)",
              "The array with the element behind it."),
    LIST_FUNC("ARRAY_PREPEND", bind_append, append, 2, 2, 1, "ARRAY_PREPEND(array, element)",
              "The array with the element before it."),
    LIST_FUNC("ARRAY_CONCAT", bind_lists, concat, 1, -1, 0, "ARRAY_CONCAT(array, ...)", "The arrays joined."),
    LIST_FUNC("ARRAY_DISTINCT", bind_same_array, distinct, 1, 1, 0, "ARRAY_DISTINCT(array)",
              "Each element once, where it is first."),
    LIST_FUNC("ARRAY_EXCEPT", bind_lists, set, 2, 2, SET_EXCEPT, "ARRAY_EXCEPT(a, b)",
              "Each element of a that b does not have, once."),
    LIST_FUNC("ARRAY_INTERSECT", bind_lists, set, 2, 2, SET_INTERSECT, "ARRAY_INTERSECT(a, b)",
              "Each element of a that b has too, once."),
    LIST_FUNC("ARRAY_UNION", bind_lists, set, 2, 2, SET_UNION_ALL, "ARRAY_UNION(a, b)",
              "Each element of a or b, once."),
    {.name = "ARRAY_JOIN",
     .bind = bind_join,
     .kernel = join_elements,
     .args_min = 2,
     .args_max = 3,
     .flags = FUNC_CAREFUL,
     .signature = "ARRAY_JOIN(array, separator [, null])",
     .help = "The texts with a separator between; NULLs are left out, or as a third argument says."},
    LIST_FUNC("ARRAY_MAX", bind_of_element, extreme_element, 1, 1, 1, "ARRAY_MAX(array)",
              "The greatest element that is not NULL."),
    LIST_FUNC("ARRAY_MIN", bind_of_element, extreme_element, 1, 1, -1, "ARRAY_MIN(array)",
              "The least element that is not NULL."),
    {.name = "ARRAY_POSITION",
     .bind = bind_position,
     .kernel = position_of,
     .args_min = 2,
     .args_max = 2,
     .flags = FUNC_CAREFUL,
     .signature = "ARRAY_POSITION(array, element)",
     .help = "Where the element is first, from 1; 0: nowhere."},
    LIST_FUNC("ARRAY_REMOVE", bind_same_array, removed, 2, 2, 0, "ARRAY_REMOVE(array, element)",
              "The array without those elements; a NULL element is found too."),
    LIST_FUNC("ARRAY_REVERSE", bind_same_array, reverse, 1, 1, 0, "ARRAY_REVERSE(array)",
              "The elements in reverse order."),
    LIST_FUNC("ARRAY_SLICE", bind_same_array, slice, 2, 3, TYPE_INT, "ARRAY_SLICE(array, from [, to])",
              "The elements from a position to a position, counted from the end when negative."),
    LIST_FUNC("ARRAY_SORT", bind_same_array, sort, 1, 3, TYPE_BOOLEAN,
              "ARRAY_SORT(array [, ascending [, nulls first]])",
              "The elements in order; NULLs first where ascending, last where not, or as said."),
    LIST_FUNC("ELEMENT", bind_of_element, only_element, 1, 1, 0, "ELEMENT(array)",
              "The only element; NULL when there is none, and the job fails when there are more."),
    LIST_FUNC("MAP_KEYS", bind_map_part, part, 1, 1, 0, "MAP_KEYS(map)", "The keys as an array."),
    LIST_FUNC("MAP_VALUES", bind_map_part, part, 1, 1, 1, "MAP_VALUES(map)", "The values as an array."),
    LIST_FUNC("MAP_ENTRIES", bind_entries, entries, 1, 1, 0, "MAP_ENTRIES(map)",
              "An array of rows of key and value."),
    LIST_FUNC("MAP_FROM_ARRAYS", bind_from_arrays, from_arrays, 2, 2, 0, "MAP_FROM_ARRAYS(keys, values)",
              "A map of the keys to the values at the same places; of equal keys the last counts."),
    LIST_FUNC("MAP_UNION", bind_lists, map_union, 1, -1, TYPE_MAP, "MAP_UNION(map, ...)",
              "All entries; of equal keys the last map's counts."),
    LIST_FUNC("SPLIT", bind_split, split, 2, 2, 0, "SPLIT(s, separator)",
              "The parts of s between separators; its characters when the separator is ''."),
    LIST_FUNC("STR_TO_MAP", bind_str_to_map, str_to_map, 1, 3, 0, "STR_TO_MAP(s [, separator, sign])",
              "A map of the pairs in s, which stand between ',' with '=' in each; of equal keys the last counts."),
    {0},
};
