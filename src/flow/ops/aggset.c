#include "flow/ops/aggset.h"

#include <stdlib.h>

#include "base/check.h"

/* A value in bytes: text as it is, others as they lie in memory. */
struct kept { /* the part of AGG_KEPT */
    uint8_t *ptr; /* the value; behind an origin where the call goes by it */
    uint32_t len;
    uint32_t set;
};

struct counted { /* an item of AGG_MULTISET's sorted list */
    int64_t count; /* MIN, MAX: how many equal ones. FIRST, LAST: the order of arrival */
    uint32_t len, pad;
    uint8_t bytes[];
};

_Static_assert(sizeof(struct kept) == 16 && sizeof(struct sorted) == 16, "parts of 16 bytes");

static bool call_by_order(const struct agg_call *call)
{
    return call->kind == AGG_FIRST_VALUE || call->kind == AGG_LAST_VALUE;
}

static bool call_of_values(const struct agg_call *call)
{
    return call->kind == AGG_MIN || call->kind == AGG_MAX || call_by_order(call);
}

/* ---- the set ---- */

static uint16_t expr_intern(const struct expr **list, uint16_t *count, const struct expr *e)
{
    for (uint16_t i = 0; i < *count; i++)
        if (expr_equal(list[i], e))
            return i;
    list[*count] = e;
    return (*count)++;
}

static uint16_t distinct_of(struct aggset *set, uint16_t arg, enum phys phys)
{
    for (uint16_t i = 0; i < set->distincts_count; i++)
        if (set->distincts[i].arg == arg && set->distincts[i].members < AGG_MEMBERS_MAX)
            return i;
    struct agg_distinct *d = &set->distincts[set->distincts_count];
    *d = (struct agg_distinct){.arg = arg};
    d->words = phys == PHYS_STR ? 0 : phys == PHYS_I128 ? 3 : 2;
    return set->distincts_count++;
}

static enum agg_mode mode_of(const struct aggset *set, const struct agg_call *call, enum phys phys)
{
    if (call->distinct && !call_of_values(call))
        return AGG_DISTINCT;
    if (!call_of_values(call))
        return AGG_PLAIN;
    if (set->retracts)
        return AGG_MULTISET;
    if (call_by_order(call) && set->by_origin)
        return AGG_KEPT;
    return phys == PHYS_STR || agg_needs_values(call, false) ? AGG_KEPT : AGG_PLAIN;
}

static enum status part_make(struct aggset *set, const struct agg_call *call, struct agg_part *p,
                             uint32_t *pos, struct diag *diag)
{
    p->call = *call;
    p->phys = call->arg ? type_phys(call->arg->type->kind) : PHYS_NULL;
    if (p->phys == PHYS_LIST || p->phys == PHYS_ROW)
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "%s over ROW, ARRAY, MAP and MULTISET is not built yet",
                        agg_name(call->kind));
    p->filter = (int16_t)(call->filter ? expr_intern(set->filters, &set->filters_count, call->filter)
                                       : -1);
    p->arg = call->arg ? expr_intern(set->args, &set->args_count, call->arg) : AGG_NO_ARG;
    p->mode = mode_of(set, call, p->phys);
    p->call.distinct = false;
    if (p->mode == AGG_DISTINCT) {
        p->distinct = distinct_of(set, p->arg, p->phys);
        p->member = set->distincts[p->distinct].members++;
    }
    p->pos = *pos;
    bool plain = p->mode == AGG_PLAIN || p->mode == AGG_DISTINCT;
    set->has_kept = set->has_kept || !plain;
    *pos += plain ? (agg_state_size(&p->call) + 7) & ~7u : 16;
    return ST_OK;
}

enum status aggset_make(struct aggset *set, struct arena *arena, const struct plan_node *node,
                        uint32_t head, struct diag *diag)
{
    bool windows = node->kind == PLAN_WINDOW_AGG, over = node->kind == PLAN_OVER;
    const struct agg_call *calls = over      ? node->over.aggs
                                   : windows ? node->window_agg.aggs
                                             : node->group_agg.aggs;
    uint16_t count = over      ? node->over.aggs_count
                     : windows ? node->window_agg.aggs_count
                               : node->group_agg.aggs_count;

    CHECK(head % 8 == 0);
    *set = (struct aggset){.count = count, .head = head,
                           .retracts = over ? node->over.bounded : node->inputs[0].node->changes != 0,
                           .by_origin = !over && plan_orders_by_origin(node)}; /* a frame has its order */
    set->parts = ARENA_ARRAY(arena, struct agg_part, count);
    set->args = ARENA_ARRAY(arena, const struct expr *, count);
    set->filters = ARENA_ARRAY(arena, const struct expr *, count);
    set->distincts = ARENA_ARRAY(arena, struct agg_distinct, count);
    set->rows_pos = head;
    set->id_pos = head + 8;
    uint32_t pos = head + 16;
    for (uint16_t i = 0; i < count; i++)
        TRY(part_make(set, &calls[i], &set->parts[i], &pos, diag));
    set->value_size = pos;
    return ST_OK;
}

enum status aggset_eval(const struct aggset *set, struct expr_ctx *ctx, const struct chunk *in,
                        struct agg_inputs *out)
{
    out->origins = set->by_origin ? in->origins : NULL;
    out->args = ARENA_ARRAY(ctx->arena, struct column, set->args_count);
    out->pass = ARENA_ARRAY(ctx->arena, uint8_t *, set->filters_count);
    for (uint16_t i = 0; i < set->args_count; i++)
        TRY(expr_eval(set->args[i], ctx, in, in->sel, in->count, &out->args[i]));
    uint16_t *sel = set->filters_count ? arena_alloc(ctx->arena, 2 * CHUNK_ROWS) : NULL;
    for (uint16_t i = 0; i < set->filters_count; i++) {
        uint16_t count = 0;
        TRY(expr_filter(set->filters[i], ctx, in, in->sel, in->count, sel, &count));
        out->pass[i] = arena_zalloc(ctx->arena, in->rows + 1u);
        for (uint16_t k = 0; k < count; k++)
            out->pass[i][sel[k]] = 1;
    }
    return ST_OK;
}

/* ---- the table ---- */

static uint32_t distinct_value_size(const struct aggset *set, uint16_t d)
{
    return set->retracts ? 4u * (set->distincts[d].members + 1u) : 8;
}

void aggtable_init(struct aggtable *t, const struct aggset *set, uint16_t key_words)
{
    memset(t, 0, sizeof(*t));
    state_init(&t->groups, key_words, set->value_size);
    heap_init(&t->heap);
    if (!set->distincts_count)
        return;
    t->distinct = xcalloc(set->distincts_count, sizeof(*t->distinct));
    for (uint16_t d = 0; d < set->distincts_count; d++)
        state_init(&t->distinct[d], set->distincts[d].words, distinct_value_size(set, d));
}

void aggtable_deinit(struct aggtable *t, const struct aggset *set)
{
    state_deinit(&t->groups);
    heap_deinit(&t->heap);
    for (uint16_t d = 0; t->distinct && d < set->distincts_count; d++)
        state_deinit(&t->distinct[d]);
    free(t->distinct);
    t->distinct = NULL;
}

uint64_t aggtable_bytes(const struct aggtable *t, const struct aggset *set)
{
    uint64_t bytes = state_bytes(&t->groups) + t->heap.used_bytes;

    for (uint16_t d = 0; d < set->distincts_count; d++)
        bytes += state_bytes(&t->distinct[d]);
    return bytes;
}

static inline void *part_of(const struct agg_part *p, void *value)
{
    return (uint8_t *)value + p->pos;
}

static inline uint64_t *group_id(const struct aggset *set, void *value)
{
    return (uint64_t *)((uint8_t *)value + set->id_pos);
}

void aggtable_start(struct aggtable *t, const struct aggset *set, void *const *values,
                    const uint8_t *fresh, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        if (!fresh[i])
            continue;
        *group_id(set, values[i]) = t->next_id++;
        for (uint16_t c = 0; c < set->count; c++) {
            const struct agg_part *p = &set->parts[c];
            if (p->mode == AGG_PLAIN || p->mode == AGG_DISTINCT)
                agg_init(&p->call, part_of(p, values[i]));
        }
    }
}

/* ---- values that are kept ---- */

static struct bytes value_bytes(enum phys phys, const struct column *col, uint16_t row)
{
    if (phys == PHYS_STR) {
        const struct str *s = &((const struct str *)col->data)[row];
        return bytes_of(s->ptr, s->len);
    }
    size_t size = phys_size(phys);
    return bytes_of((const uint8_t *)col->data + size * row, size);
}

#define VALUE_COMPARE(ctype)                                                                       \
    do {                                                                                           \
        ctype x, y;                                                                                \
        memcpy(&x, a.ptr, sizeof(x));                                                              \
        memcpy(&y, b.ptr, sizeof(y));                                                              \
        return x < y ? -1 : x > y;                                                                 \
    } while (0)
#define VALUE_COMPARE_FLOAT(ctype)                                                                 \
    do {                                                                                           \
        ctype x, y;                                                                                \
        memcpy(&x, a.ptr, sizeof(x));                                                              \
        memcpy(&y, b.ptr, sizeof(y));                                                              \
        return x < y ? -1 : x > y ? 1 : (x != x) - (y != y);                                       \
    } while (0)

static int value_compare(enum phys phys, struct bytes a, struct bytes b)
{
    switch (phys) {
    case PHYS_BOOL: VALUE_COMPARE(uint8_t);
    case PHYS_I32: VALUE_COMPARE(int32_t);
    case PHYS_I64: VALUE_COMPARE(int64_t);
    case PHYS_I128: VALUE_COMPARE(i128);
    case PHYS_F32: VALUE_COMPARE_FLOAT(float);
    case PHYS_F64: VALUE_COMPARE_FLOAT(double);
    default: return bytes_compare(a, b);
    }
}

static bool kept_yields(const struct agg_part *p, const struct kept *k, struct bytes value,
                        const struct origin *origin)
{
    if (!k->set)
        return true;
    if (call_by_order(&p->call) && origin) {
        struct origin have;
        memcpy(&have, k->ptr - sizeof(have), sizeof(have));
        int order = origin_compare(origin, &have);
        return p->call.kind == AGG_LAST_VALUE ? order > 0 : order < 0;
    }
    if (call_by_order(&p->call))
        return p->call.kind == AGG_LAST_VALUE;
    int order = value_compare(p->phys, value, bytes_of(k->ptr, k->len));
    return p->call.kind == AGG_MIN ? order < 0 : order > 0;
}

/* Bytes before the value. */
static size_t kept_head(const struct aggset *set, const struct agg_part *p)
{
    return set->by_origin && call_by_order(&p->call) ? sizeof(struct origin) : 0;
}

static void kept_free(struct aggtable *t, const struct aggset *set, const struct agg_part *p,
                      struct kept *k)
{
    size_t head = kept_head(set, p);

    if (k->set)
        heap_free(&t->heap, k->ptr - head, k->len + head);
    *k = (struct kept){0};
}

/* origin: of the row, where the set goes by it. */
static void kept_put(struct aggtable *t, const struct aggset *set, const struct agg_part *p,
                     struct kept *k, struct bytes value, const struct origin *origin)
{
    size_t head = kept_head(set, p);

    if (!kept_yields(p, k, value, origin))
        return;
    uint8_t *copy = heap_alloc(&t->heap, head + value.len);
    if (head)
        memcpy(copy, origin, head);
    if (value.len)
        memcpy(copy + head, value.ptr, value.len);
    kept_free(t, set, p, k);
    *k = (struct kept){copy + head, (uint32_t)value.len, 1};
}

/* Of another table's: with the origin that stands before it. */
static void kept_merge(struct aggtable *t, const struct aggset *set, const struct agg_part *p,
                       struct kept *into, const struct kept *from)
{
    struct origin origin = {0, 0};
    size_t head = kept_head(set, p);

    if (!from->set)
        return;
    if (head)
        memcpy(&origin, from->ptr - head, head);
    kept_put(t, set, p, into, bytes_of(from->ptr, from->len), head ? &origin : NULL);
}

static int counted_compare(const void *context, const void *a, const void *b)
{
    const struct agg_part *p = context;
    const struct counted *x = a, *y = b;

    if (call_by_order(&p->call))
        return x->count < y->count ? -1 : x->count > y->count;
    return value_compare(p->phys, bytes_of(x->bytes, x->len), bytes_of(y->bytes, y->len));
}

static struct counted *counted_new(struct aggtable *t, struct bytes value, int64_t count)
{
    struct counted *c = heap_alloc(&t->heap, sizeof(*c) + value.len);

    *c = (struct counted){.count = count, .len = (uint32_t)value.len};
    if (value.len)
        memcpy(c->bytes, value.ptr, value.len);
    return c;
}

static void counted_drop(struct aggtable *t, struct sorted *s, struct sorted_at at)
{
    struct counted *c = sorted_get(s, at);

    sorted_remove(s, &t->heap, at);
    heap_free(&t->heap, c, sizeof(*c) + c->len);
}

/* MIN, MAX. A value that was never added may be retracted first (its row was late, say): ignored. */
static void multiset_by_value(struct aggtable *t, const struct agg_part *p, struct sorted *s,
                              struct bytes value, int weight)
{
    struct counted *c = counted_new(t, value, 1);
    struct sorted_at at = sorted_seek(s, counted_compare, p, c);
    struct counted *have = sorted_get(s, at);

    if (have && counted_compare(p, have, c) != 0)
        have = NULL;
    if (weight > 0 && !have) {
        sorted_insert(s, &t->heap, at, c);
        return;
    }
    heap_free(&t->heap, c, sizeof(*c) + c->len);
    if (!have)
        return;
    have->count += weight;
    if (have->count <= 0)
        counted_drop(t, s, at);
}

/* FIRST_VALUE, LAST_VALUE: the earliest equal one is taken back. */
static void multiset_by_order(struct aggtable *t, struct sorted *s, struct bytes value, int weight)
{
    if (weight > 0) {
        struct counted *c = counted_new(t, value, (int64_t)t->next_seq++);
        struct sorted_at end = sorted_first();
        if (s->count) {
            end = sorted_last(s);
            end.item++;
        }
        sorted_insert(s, &t->heap, end, c);
        return;
    }
    struct sorted_at at = sorted_first();
    for (struct counted *c; (c = sorted_get(s, at)) != NULL; at = sorted_next(s, at)) {
        if (bytes_equal(bytes_of(c->bytes, c->len), value)) {
            counted_drop(t, s, at);
            return;
        }
    }
}

/* Rows of an update that pass one filter. */
struct agg_rows {
    const uint16_t *rows;
    const int8_t *weights;
    void *const *values;
    uint16_t count;
};

static void values_update(struct aggtable *t, const struct aggset *set, const struct agg_part *p,
                          const struct agg_inputs *inputs, const struct agg_rows *r)
{
    const struct column *col = &inputs->args[p->arg];

    for (uint16_t i = 0; i < r->count; i++) {
        uint16_t row = r->rows[i];
        int weight = r->weights ? r->weights[i] : 1;
        if (!column_valid(col, row))
            continue;
        struct bytes value = value_bytes(p->phys, col, row);
        void *part = part_of(p, r->values[i]);
        if (p->mode == AGG_KEPT)
            kept_put(t, set, p, part, value, inputs->origins ? &inputs->origins[row] : NULL);
        else if (call_by_order(&p->call))
            multiset_by_order(t, part, value, weight);
        else
            multiset_by_value(t, p, part, value, weight);
    }
}

/* The value that stands for the call now; false: NULL. */
static bool values_result(const struct agg_part *p, const void *part, bool copied, struct bytes *out)
{
    if (p->mode == AGG_KEPT || copied) {
        const struct kept *k = part;
        *out = bytes_of(k->ptr, k->len);
        return k->set;
    }
    const struct sorted *s = part;
    if (!s->count)
        return false;
    bool first = p->call.kind == AGG_MIN || p->call.kind == AGG_FIRST_VALUE;
    const struct counted *c = sorted_get(s, first ? sorted_first() : sorted_last(s));
    *out = bytes_of(c->bytes, c->len);
    return true;
}

static void values_free(struct aggtable *t, const struct aggset *set, const struct agg_part *p,
                        void *part)
{
    if (p->mode == AGG_KEPT) {
        kept_free(t, set, p, part);
        return;
    }
    struct sorted *s = part;
    while (s->count)
        counted_drop(t, s, sorted_last(s));
}

/* ---- updates ---- */

static struct agg_rows rows_passing(struct arena *arena, const struct agg_rows *all,
                                    const uint8_t *pass)
{
    uint16_t *rows = arena_alloc(arena, 2u * all->count + 2);
    int8_t *weights = all->weights ? arena_alloc(arena, all->count + 1u) : NULL;
    void **values = arena_alloc(arena, sizeof(void *) * (all->count + 1u));
    uint16_t n = 0;

    for (uint16_t i = 0; i < all->count; i++) {
        uint16_t row = all->rows[i];
        rows[n] = row;
        values[n] = all->values[i];
        if (weights)
            weights[n] = all->weights[i];
        n = (uint16_t)(n + pass[row]);
    }
    return (struct agg_rows){rows, weights, values, n};
}

/* Counts rows. A retraction that meets an empty group takes back nothing, as in Flink: it is left out. */
static struct agg_rows rows_counted(const struct aggset *set, struct arena *arena,
                                    const struct agg_rows *all)
{
    uint16_t *rows = arena_alloc(arena, 2u * all->count + 2), n = 0;
    int8_t *weights = arena_alloc(arena, all->count + 1u);
    void **values = arena_alloc(arena, sizeof(void *) * (all->count + 1u));

    for (uint16_t i = 0; i < all->count; i++) {
        int64_t *have = agg_rows(set, all->values[i]);
        if (all->weights[i] < 0 && *have <= 0)
            continue;
        *have += all->weights[i];
        rows[n] = all->rows[i];
        weights[n] = all->weights[i];
        values[n++] = all->values[i];
    }
    return (struct agg_rows){rows, weights, values, n};
}

/* The keys (group id, value) of the rows of one distinct argument whose value is not null. */
static struct agg_rows distinct_keys(const struct aggset *set, const struct agg_distinct *d,
                                     enum phys phys, const struct column *col,
                                     const struct agg_rows *all, struct arena *arena,
                                     struct state_keys *keys)
{
    uint16_t *rows = arena_alloc(arena, 2u * all->count + 2), n = 0;
    int8_t *weights = arena_alloc(arena, all->count + 1u);
    void **values = arena_alloc(arena, sizeof(void *) * (all->count + 1u));
    uint64_t *fixed = arena_alloc(arena, 8u * (d->words + 1u) * (all->count + 1u));
    struct bytes *bytes = d->words ? NULL : arena_alloc(arena, sizeof(*bytes) * (all->count + 1u));
    uint64_t *hashes = arena_alloc(arena, 8u * (all->count + 1u));

    for (uint16_t i = 0; i < all->count; i++) {
        uint16_t row = all->rows[i];
        if (!column_valid(col, row))
            continue;
        uint64_t id = *group_id(set, all->values[i]);
        struct bytes value = value_bytes(phys, col, row);
        if (d->words) {
            uint64_t *key = &fixed[(size_t)n * d->words];
            key[0] = id;
            key[d->words - 1] = 0;
            key[1] = 0;
            memcpy(&key[1], value.ptr, value.len);
        } else {
            uint8_t *key = arena_alloc(arena, 8 + value.len);
            memcpy(key, &id, 8);
            if (value.len)
                memcpy(key + 8, value.ptr, value.len);
            bytes[n] = bytes_of(key, 8 + value.len);
        }
        rows[n] = row;
        weights[n] = all->weights ? all->weights[i] : 1;
        values[n++] = all->values[i];
    }
    *keys = (struct state_keys){.count = n, .words = d->words, .fixed = fixed, .bytes = bytes,
                                .hashes = hashes};
    state_hash(keys, hashes);
    return (struct agg_rows){rows, weights, values, n};
}

/* Which of the rows make a value appear (+1) or disappear (-1) for one call. */
static uint16_t distinct_changes(const struct aggset *set, const struct agg_part *p,
                                 const uint8_t *pass, const struct agg_rows *all,
                                 void *const *seen, uint16_t *which, int8_t *weights)
{
    uint16_t n = 0;

    for (uint16_t i = 0; i < all->count; i++) {
        if (pass && !pass[all->rows[i]])
            continue;
        if (!set->retracts) {
            uint64_t *mask = seen[i], bit = 1ull << p->member;
            which[n] = i;
            weights[n] = 1;
            n = (uint16_t)(n + !(*mask & bit));
            *mask |= bit;
            continue;
        }
        int32_t *count = (int32_t *)seen[i] + p->member;
        int32_t before = *count;
        if (all->weights[i] < 0 && !before)
            continue;
        *count += all->weights[i];
        if (before && *count)
            continue;
        which[n] = i;
        weights[n++] = all->weights[i];
    }
    return n;
}

/* Values that no call holds any more leave the table. */
static void distinct_sweep(struct state_table *t, uint16_t members, void *const *seen,
                           uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        int32_t *counts = seen[i], any = counts[members]; /* the last one: gone already */
        for (uint16_t m = 0; m < members; m++)
            any |= counts[m];
        if (any)
            continue;
        counts[members] = 1;
        state_remove(t, seen[i]);
    }
}

static void distinct_update(struct aggtable *t, const struct aggset *set, uint16_t index,
                            struct arena *arena, const struct agg_inputs *inputs,
                            const struct agg_rows *given)
{
    const struct agg_distinct *d = &set->distincts[index];
    const struct column *col = &inputs->args[d->arg];
    enum phys phys = type_phys(set->args[d->arg]->type->kind);
    struct state_keys keys;
    struct agg_rows all = distinct_keys(set, d, phys, col, given, arena, &keys);
    void **seen = arena_alloc(arena, sizeof(void *) * (all.count + 1u));
    uint16_t *which = arena_alloc(arena, 2u * all.count + 2);
    uint16_t *rows = arena_alloc(arena, 2u * all.count + 2);
    int8_t *weights = arena_alloc(arena, all.count + 1u);
    void **values = arena_alloc(arena, sizeof(void *) * (all.count + 1u));

    state_upsert(&t->distinct[index], &keys, NULL, all.count, seen, NULL);
    for (uint16_t c = 0; c < set->count; c++) {
        const struct agg_part *p = &set->parts[c];
        if (p->mode != AGG_DISTINCT || p->distinct != index)
            continue;
        const uint8_t *pass = p->filter < 0 ? NULL : inputs->pass[p->filter];
        uint16_t n = distinct_changes(set, p, pass, &all, seen, which, weights);
        for (uint16_t i = 0; i < n; i++) {
            rows[i] = all.rows[which[i]];
            values[i] = all.values[which[i]];
        }
        if (n)
            agg_update(&p->call, p->pos, values, col, rows, set->retracts ? weights : NULL, n);
    }
    if (set->retracts)
        distinct_sweep(&t->distinct[index], d->members, seen, all.count);
}

void aggtable_update(struct aggtable *t, const struct aggset *set, struct arena *arena,
                     const struct agg_inputs *inputs, const uint16_t *rows, const int8_t *weights,
                     void *const *values, uint16_t count)
{
    struct agg_rows all = {rows, weights, values, count};
    struct agg_rows *passing = ARENA_ARRAY(arena, struct agg_rows, set->filters_count);

    if (weights)
        all = rows_counted(set, arena, &all);
    for (uint16_t i = 0; !weights && i < count; i++)
        *agg_rows(set, values[i]) += 1;
    for (uint16_t f = 0; f < set->filters_count; f++)
        passing[f] = rows_passing(arena, &all, inputs->pass[f]);
    for (uint16_t c = 0; c < set->count; c++) {
        const struct agg_part *p = &set->parts[c];
        const struct agg_rows *r = p->filter < 0 ? &all : &passing[p->filter];
        const struct column *col = p->arg == AGG_NO_ARG ? NULL : &inputs->args[p->arg];
        if (p->mode == AGG_PLAIN)
            agg_update(&p->call, p->pos, r->values, col, r->rows, r->weights, r->count);
        else if (p->mode != AGG_DISTINCT)
            values_update(t, set, p, inputs, r);
    }
    for (uint16_t d = 0; d < set->distincts_count; d++)
        distinct_update(t, set, d, arena, inputs, &all);
}

/* ---- merging slices ---- */

static void merge_groups(struct aggtable *t, const struct aggtable *other, const struct aggset *set,
                         const struct keyer *keyer, struct arena *arena, void *const *from,
                         uint16_t count, void **to_of_id)
{
    struct state_keys keys;
    void *to[CHUNK_ROWS];
    uint8_t fresh[CHUNK_ROWS];

    keyer_of_entries(keyer, &other->groups, from, count, arena, &keys);
    state_upsert(&t->groups, &keys, NULL, count, to, fresh);
    aggtable_start(t, set, to, fresh, count);
    for (uint16_t i = 0; i < count; i++) {
        *agg_rows(set, to[i]) += *agg_rows(set, from[i]);
        for (uint16_t c = 0; c < set->count; c++) {
            const struct agg_part *p = &set->parts[c];
            if (p->mode == AGG_PLAIN) {
                agg_merge(&p->call, part_of(p, to[i]), part_of(p, from[i]));
            } else if (p->mode == AGG_KEPT) {
                kept_merge(t, set, p, part_of(p, to[i]), part_of(p, from[i]));
            }
        }
        if (to_of_id)
            to_of_id[*group_id(set, from[i])] = to[i];
    }
}

/* A column of one value, for agg_update of what a merge has found to be new. */
static void merge_one(const struct agg_part *p, void *value, struct bytes bytes)
{
    struct str text = {(const char *)bytes.ptr, (uint32_t)bytes.len, 0};
    i128 fixed = 0;
    uint16_t row = 0;

    if (p->phys != PHYS_STR)
        memcpy(&fixed, bytes.ptr, phys_size(p->phys));
    struct column col = {.data = p->phys == PHYS_STR ? (const void *)&text : (const void *)&fixed};
    agg_update(&p->call, p->pos, &value, &col, &row, NULL, 1);
}

static void merge_distinct(struct aggtable *t, const struct aggtable *other,
                           const struct aggset *set, uint16_t index, void *const *to_of_id)
{
    const struct state_table *from = &other->distinct[index];

    for (uint32_t at = 0; at < from->used; at++) {
        uint64_t *mask = state_at(from, at), words[3], hash, id;
        if (!mask)
            continue;
        struct bytes key = from->words ? bytes_of(state_key_words(from, mask), 8u * from->words)
                                       : state_key_bytes(from, mask);
        uint8_t small[256], *copy = key.len <= sizeof(small) ? small : xmalloc(key.len);
        memcpy(copy, key.ptr, key.len);
        memcpy(&id, key.ptr, 8);
        void *group = to_of_id[id];
        memcpy(copy, group_id(set, group), 8);
        if (from->words)
            memcpy(words, copy, key.len);
        struct bytes bytes = bytes_of(copy, key.len);
        struct state_keys keys = {.count = 1, .words = from->words, .fixed = words,
                                  .bytes = &bytes, .hashes = &hash};
        state_hash(&keys, &hash);
        void *into;
        state_upsert(&t->distinct[index], &keys, NULL, 1, &into, NULL);
        uint64_t *have = into, add = *mask & ~*have;
        *have |= add;
        for (uint16_t c = 0; add && c < set->count; c++) {
            const struct agg_part *p = &set->parts[c];
            if (p->mode == AGG_DISTINCT && p->distinct == index && (add >> p->member & 1))
                merge_one(p, group, bytes_skip(bytes, 8));
        }
        if (copy != small)
            free(copy);
    }
}

void aggtable_merge(struct aggtable *t, const struct aggtable *other, const struct aggset *set,
                    const struct keyer *keyer, struct arena *arena)
{
    void *from[CHUNK_ROWS], **to_of_id = NULL;
    uint16_t count = 0;

    CHECK(!set->retracts);
    if (set->distincts_count)
        to_of_id = xcalloc(other->next_id + 1, sizeof(void *));
    for (uint32_t at = 0; at < other->groups.used; at++) {
        from[count] = state_at(&other->groups, at);
        count = (uint16_t)(count + (from[count] != NULL));
        if (count == CHUNK_ROWS) {
            merge_groups(t, other, set, keyer, arena, from, count, to_of_id);
            arena_reset(arena);
            count = 0;
        }
    }
    merge_groups(t, other, set, keyer, arena, from, count, to_of_id);
    arena_reset(arena);
    for (uint16_t d = 0; d < set->distincts_count; d++)
        merge_distinct(t, other, set, d, to_of_id);
    free(to_of_id);
}

/* ---- results ---- */

#define RESULT_AS(ctype, field)                                                                    \
    do {                                                                                           \
        ctype *to = data;                                                                          \
        to[i] = v.field;                                                                           \
    } while (0)

static void result_put(enum phys phys, void *data, uint16_t i, union value v)
{
    switch (phys) {
    case PHYS_BOOL: ((uint8_t *)data)[i] = v.b; break;
    case PHYS_I32: RESULT_AS(int32_t, i32); break;
    case PHYS_I64: RESULT_AS(int64_t, i64); break;
    case PHYS_I128: RESULT_AS(i128, dec); break;
    case PHYS_F32: RESULT_AS(float, f32); break;
    case PHYS_F64: RESULT_AS(double, f64); break;
    case PHYS_STR: RESULT_AS(struct str, str); break;
    default: break;
    }
}

static bool part_result(const struct agg_part *p, const void *value, bool copied, union value *out)
{
    const void *part = (const uint8_t *)value + p->pos;

    if (p->mode == AGG_PLAIN || p->mode == AGG_DISTINCT)
        return agg_value(&p->call, part, out);
    struct bytes bytes;
    if (!values_result(p, part, copied, &bytes))
        return false;
    if (p->phys == PHYS_STR)
        out->str = (struct str){(const char *)bytes.ptr, (uint32_t)bytes.len, 0};
    else
        memcpy(out, bytes.ptr, bytes.len);
    return true;
}

void aggtable_results(const struct aggset *set, void *const *values, const bool *copied,
                      uint16_t count, struct arena *arena, struct column *out)
{
    for (uint16_t c = 0; c < set->count; c++) {
        const struct agg_part *p = &set->parts[c];
        enum phys phys = type_phys(p->call.type->kind);
        void *data = arena_alloc(arena, (phys_size(phys) + 1) * (count + 1u));
        uint64_t *valid = NULL;
        for (uint16_t i = 0; i < count; i++) {
            union value v;
            memset(&v, 0, sizeof(v));
            if (!part_result(p, values[i], copied && copied[i], &v)) {
                if (!valid)
                    valid = valid_make(arena, count);
                valid[i >> 6] &= ~(1ull << (i & 63));
                memset(&v, 0, sizeof(v));
            }
            result_put(phys, data, i, v);
        }
        out[c] = (struct column){.data = data, .valid = valid};
    }
}

static bool value_equal(enum phys phys, const union value *a, const union value *b)
{
    switch (phys) {
    case PHYS_BOOL: return a->b == b->b;
    case PHYS_I32:
    case PHYS_F32: return a->i32 == b->i32;
    case PHYS_I64:
    case PHYS_F64: return a->i64 == b->i64;
    case PHYS_I128: return a->dec == b->dec;
    case PHYS_STR:
        return bytes_equal(bytes_of(a->str.ptr, a->str.len), bytes_of(b->str.ptr, b->str.len));
    default: return true;
    }
}

bool aggtable_changed(const struct aggset *set, const void *copy, const void *value)
{
    uint32_t from = set->head + 16;

    if (!set->has_kept && memcmp((const uint8_t *)copy + from, (const uint8_t *)value + from,
                                 set->value_size - from) == 0)
        return false;
    for (uint16_t c = 0; c < set->count; c++) {
        const struct agg_part *p = &set->parts[c];
        union value was, is;
        memset(&was, 0, sizeof(was));
        memset(&is, 0, sizeof(is));
        bool had = part_result(p, copy, true, &was), has = part_result(p, value, false, &is);
        if (had != has || (has && !value_equal(type_phys(p->call.type->kind), &was, &is)))
            return true;
    }
    return false;
}

void *aggtable_copy(const struct aggtable *t, const struct aggset *set, const void *value,
                    struct arena *arena)
{
    uint8_t *copy = arena_alloc(arena, set->value_size);

    (void)t;
    memcpy(copy, value, set->value_size);
    for (uint16_t c = 0; set->has_kept && c < set->count; c++) {
        const struct agg_part *p = &set->parts[c];
        if (p->mode != AGG_KEPT && p->mode != AGG_MULTISET)
            continue;
        struct bytes bytes = BYTES_NONE;
        struct kept kept = {.set = values_result(p, (const uint8_t *)value + p->pos, false, &bytes)};
        if (kept.set) {
            kept.len = (uint32_t)bytes.len;
            kept.ptr = arena_alloc(arena, bytes.len + 1);
            if (bytes.len)
                memcpy(kept.ptr, bytes.ptr, bytes.len);
        }
        memcpy(copy + p->pos, &kept, sizeof(kept));
    }
    return copy;
}

void aggtable_remove(struct aggtable *t, const struct aggset *set, void *value)
{
    for (uint16_t c = 0; set->has_kept && c < set->count; c++)
        if (set->parts[c].mode == AGG_KEPT || set->parts[c].mode == AGG_MULTISET)
            values_free(t, set, &set->parts[c], part_of(&set->parts[c], value));
    state_remove(&t->groups, value);
}

/* ---- checkpoints ----
 *   next seq; the groups (head, rows, id, parts); each distinct: u32 count, then id and value, mask or counts.
 * Ids are given anew when loaded, so that parts of several shards can be put together. */

struct loading {
    struct aggtable *t;
    const struct aggset *set;
    struct state_table ids; /* old id → new id + 1 */
};

/* Of a kept value: whether there is one, its origin where it has one, its bytes. */
static void values_save(const struct aggset *set, const struct agg_part *p, const void *part,
                        struct buf *out)
{
    if (p->mode == AGG_KEPT) {
        const struct kept *k = part;
        size_t head = kept_head(set, p);
        buf_u8(out, (uint8_t)k->set);
        if (!k->set)
            return;
        buf_append(out, k->ptr - head, head);
        buf_sized(out, bytes_of(k->ptr, k->len));
        return;
    }
    const struct sorted *s = part;
    buf_uvarint(out, s->count);
    struct sorted_at at = sorted_first();
    for (const struct counted *c; (c = sorted_get(s, at)) != NULL; at = sorted_next(s, at)) {
        buf_varint(out, c->count);
        buf_sized(out, bytes_of(c->bytes, c->len));
    }
}

static void group_save(void *context, const void *value, struct buf *out)
{
    const struct aggset *set = context;
    uint32_t written = 0;

    for (uint16_t c = 0; c < set->count; c++) {
        const struct agg_part *p = &set->parts[c];
        if (p->mode == AGG_PLAIN || p->mode == AGG_DISTINCT)
            continue;
        buf_append(out, (const uint8_t *)value + written, p->pos - written);
        values_save(set, p, (const uint8_t *)value + p->pos, out);
        written = p->pos + 16;
    }
    buf_append(out, (const uint8_t *)value + written, set->value_size - written);
}

static void distinct_save(const struct state_table *d, struct snap_writer *w)
{
    buf_u32_le(&w->buf, state_count(d));
    for (uint32_t at = 0; at < d->used; at++) {
        const void *value = state_at(d, at);
        if (!value)
            continue;
        if (d->words)
            buf_append(&w->buf, state_key_words(d, value), 8u * d->words);
        else
            buf_sized(&w->buf, state_key_bytes(d, value));
        buf_append(&w->buf, value, d->value_size);
        snap_room(w);
    }
}

void aggtable_save(const struct aggtable *t, const struct aggset *set, struct snap_writer *w)
{
    buf_u64_le(&w->buf, t->next_seq);
    state_save(&t->groups, w, group_save, (void *)set);
    for (uint16_t d = 0; d < set->distincts_count; d++)
        distinct_save(&t->distinct[d], w);
}

static bool value_fits(enum phys phys, struct bytes b)
{
    return phys == PHYS_STR || b.len == phys_size(phys);
}

static bool kept_load(struct aggtable *t, const struct aggset *set, const struct agg_part *p,
                      struct kept *k, struct reader *r)
{
    struct origin origin;
    size_t head = kept_head(set, p);

    if (!reader_u8(r))
        return !r->bad;
    struct bytes before = reader_bytes(r, head), value = reader_sized(r);
    if (r->bad || !value_fits(p->phys, value))
        return false;
    if (head)
        memcpy(&origin, before.ptr, head);
    kept_put(t, set, p, k, value, head ? &origin : NULL);
    return true;
}

static bool values_load(struct aggtable *t, const struct aggset *set, const struct agg_part *p,
                        void *part, struct reader *r)
{
    if (p->mode == AGG_KEPT)
        return kept_load(t, set, p, part, r);
    struct sorted *s = part;
    uint64_t items = reader_uvarint(r);
    for (uint64_t i = 0; i < items && !r->bad; i++) {
        int64_t count = reader_varint(r);
        struct bytes b = reader_sized(r);
        if (r->bad || !value_fits(p->phys, b))
            return false;
        struct sorted_at end = sorted_first();
        if (s->count) {
            end = sorted_last(s);
            end.item++;
        }
        sorted_insert(s, &t->heap, end, counted_new(t, b, count));
    }
    return !r->bad;
}

static bool raw_load(uint8_t *to, size_t len, struct reader *r)
{
    struct bytes b = reader_bytes(r, len);

    if (r->bad)
        return false;
    if (len)
        memcpy(to, b.ptr, len);
    return true;
}

static void id_map(struct loading *l, uint64_t old, uint64_t new)
{
    uint64_t hash;
    struct state_keys keys = {.count = 1, .words = 1, .fixed = &old, .hashes = &hash};
    void *value;

    state_hash(&keys, &hash);
    state_upsert(&l->ids, &keys, NULL, 1, &value, NULL);
    *(uint64_t *)value = new + 1;
}

static bool id_find(const struct loading *l, uint64_t old, uint64_t *new)
{
    uint64_t hash;
    struct state_keys keys = {.count = 1, .words = 1, .fixed = &old, .hashes = &hash};
    void *value;

    state_hash(&keys, &hash);
    state_find(&l->ids, &keys, NULL, 1, &value);
    if (value)
        *new = *(uint64_t *)value - 1;
    return value != NULL;
}

static bool group_load(void *context, void *value, struct reader *r)
{
    struct loading *l = context;
    uint32_t done = 0;

    for (uint16_t c = 0; c < l->set->count; c++) {
        const struct agg_part *p = &l->set->parts[c];
        if (p->mode == AGG_PLAIN || p->mode == AGG_DISTINCT)
            continue;
        if (!raw_load((uint8_t *)value + done, p->pos - done, r) ||
            !values_load(l->t, l->set, p, part_of(p, value), r))
            return false;
        done = p->pos + 16;
    }
    if (!raw_load((uint8_t *)value + done, l->set->value_size - done, r) || reader_left(r))
        return false;
    uint64_t *id = group_id(l->set, value);
    if (l->set->distincts_count)
        id_map(l, *id, l->t->next_id);
    *id = l->t->next_id++;
    return true;
}

static enum status distinct_load(struct loading *l, uint16_t index, struct reader *r)
{
    struct state_table *d = &l->t->distinct[index];
    uint32_t count = reader_u32_le(r);
    enum phys phys = type_phys(l->set->args[l->set->distincts[index].arg]->type->kind);

    for (uint32_t i = 0; i < count; i++) {
        struct bytes raw = d->words ? reader_bytes(r, 8u * d->words) : reader_sized(r);
        struct bytes counts = reader_bytes(r, d->value_size);
        uint64_t old, id, words[3], hash;
        if (r->bad || raw.len < 8 || (phys == PHYS_STR) != !d->words)
            return ST_CORRUPT;
        memcpy(&old, raw.ptr, 8);
        if (!id_find(l, old, &id))
            continue; /* another shard's */
        uint8_t *copy = xmalloc(raw.len);
        memcpy(copy, raw.ptr, raw.len);
        memcpy(copy, &id, 8);
        if (d->words)
            memcpy(words, copy, raw.len);
        struct bytes bytes = bytes_of(copy, raw.len);
        struct state_keys keys = {.count = 1, .words = d->words, .fixed = words, .bytes = &bytes,
                                  .hashes = &hash};
        state_hash(&keys, &hash);
        void *value;
        state_upsert(d, &keys, NULL, 1, &value, NULL);
        memcpy(value, counts.ptr, counts.len);
        free(copy);
    }
    return r->bad ? ST_CORRUPT : ST_OK;
}

static enum status keys_check(const struct state_table *groups, const struct keyer *keyer)
{
    if (groups->words)
        return ST_OK;
    for (uint32_t at = 0; at < groups->used; at++) {
        const void *value = state_at(groups, at);
        if (!value)
            continue;
        struct bytes key = state_key_bytes(groups, value);
        if (!pack_check(&keyer->pack, key.ptr, key.len))
            return ST_CORRUPT;
    }
    return ST_OK;
}

enum status aggtable_load(struct aggtable *t, const struct aggset *set, const struct keyer *keyer,
                          struct reader *r, const struct state_mine *mine)
{
    struct loading l = {.t = t, .set = set};
    uint64_t seq = reader_u64_le(r);

    if (seq > t->next_seq)
        t->next_seq = seq;
    state_init(&l.ids, 1, 8);
    enum status st = state_load(&t->groups, r, mine, group_load, &l);
    for (uint16_t d = 0; st == ST_OK && d < set->distincts_count; d++)
        st = distinct_load(&l, d, r);
    state_deinit(&l.ids);
    return st == ST_OK ? keys_check(&t->groups, keyer) : st;
}
