/* Values that are kept beside a group: the one that counts so far, or all of them, sorted. */
#include "flow/ops/agg_parts.h"

struct bytes value_bytes(enum phys phys, const struct column *col, uint16_t row)
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
size_t kept_head(const struct aggset *set, const struct agg_part *p)
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
void kept_put(struct aggtable *t, const struct aggset *set, const struct agg_part *p,
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
void kept_merge(struct aggtable *t, const struct aggset *set, const struct agg_part *p,
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

struct counted *counted_new(struct aggtable *t, struct bytes value, int64_t count)
{
    struct counted *c = heap_alloc(&t->heap, sizeof(*c) + value.len);

    *c = (struct counted){.count = count, .len = (uint32_t)value.len};
    if (value.len)
        memcpy(c->bytes, value.ptr, value.len);
    return c;
}

void counted_drop(struct aggtable *t, struct sorted *s, struct sorted_at at)
{
    struct counted *c = sorted_get(s, at);

    sorted_remove(s, &t->heap, at);
    heap_free(&t->heap, c, sizeof(*c) + c->len);
}

/* MIN, MAX. A value that was never added may be retracted first (its row was late, say): ignored. */
static void multiset_by_value(struct aggtable *t, const struct agg_part *p, struct sorted *s, struct bytes value,
                              int64_t weight)
{
    struct counted *c = counted_new(t, value, weight);
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

void multiset_append(struct aggtable *t, struct sorted *s, struct bytes value, int64_t count)
{
    struct sorted_at end = sorted_first();

    if (s->count) {
        end = sorted_last(s);
        end.item++;
    }
    sorted_insert(s, &t->heap, end, counted_new(t, value, count));
}

/* FIRST_VALUE, LAST_VALUE: the earliest equal one is taken back. */
static void multiset_by_order(struct aggtable *t, struct sorted *s, struct bytes value, int weight)
{
    if (weight > 0) {
        multiset_append(t, s, value, (int64_t)t->next_seq++);
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

void multiset_merge(struct aggtable *t, const struct agg_part *p, struct sorted *into, const struct sorted *from)
{
    struct sorted_at at = sorted_first();

    for (const struct counted *c; (c = sorted_get(from, at)) != NULL; at = sorted_next(from, at)) {
        struct bytes value = bytes_of(c->bytes, c->len);
        if (call_by_order(&p->call))
            multiset_append(t, into, value, (int64_t)t->next_seq++);
        else
            multiset_by_value(t, p, into, value, c->count);
    }
}

void values_update(struct aggtable *t, const struct aggset *set, const struct agg_part *p,
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
bool values_result(const struct agg_part *p, const void *part, bool copied, struct arena *arena, struct bytes *out)
{
    if (p->mode == AGG_KEPT || copied) {
        const struct kept *k = part;
        *out = bytes_of(k->ptr, k->len);
        return k->set;
    }
    const struct sorted *s = part;
    if (part_is_list(p))
        return list_result(p, s, arena, out);
    if (!s->count)
        return false;
    bool first = p->call.kind == AGG_MIN || p->call.kind == AGG_FIRST_VALUE;
    const struct counted *c = sorted_get(s, first ? sorted_first() : sorted_last(s));
    *out = bytes_of(c->bytes, c->len);
    return true;
}

void values_free(struct aggtable *t, const struct aggset *set, const struct agg_part *p,
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
