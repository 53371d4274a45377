/* Lists and bags of values: LISTAGG, ARRAY_AGG, COLLECT and LAG.
 *
 * An item is where its value comes in the order, then the value as a row of one column:
 *
 *   list   by that order, each value that came; a retraction takes the first equal one
 *   bag    by value, each once with how often it is there; its place is that of the first that came
 *
 * A row's origin, where the set goes by it, stands before the order in which rows came: so a result does not
 * depend on how rows were spread over shards. */
#include "flow/ops/agg_parts.h"

#include <stdlib.h>

#include "base/check.h"

struct place {
    struct origin origin;
    uint64_t seq;
};

static struct place place_of(const struct counted *c)
{
    struct place place;

    memcpy(&place, c->bytes, sizeof(place));
    return place;
}

static struct bytes item_value(const struct counted *c)
{
    return bytes_of(c->bytes + sizeof(struct place), c->len - sizeof(struct place));
}

static bool item_is_null(const struct counted *c)
{
    return item_value(c).ptr[0] & 1; /* the NULL bits of a row of one column */
}

static int place_compare(const struct counted *a, const struct counted *b)
{
    struct place x = place_of(a), y = place_of(b);
    int order = origin_compare(&x.origin, &y.origin);

    return order ? order : x.seq < y.seq ? -1 : x.seq > y.seq;
}

static int item_compare(const void *context, const void *a, const void *b)
{
    const struct agg_part *p = context;

    return p->mode == AGG_BAG ? bytes_compare(item_value(a), item_value(b)) : place_compare(a, b);
}

static struct counted *item_new(struct aggtable *t, struct place place, struct bytes value, int64_t count)
{
    struct counted *c = heap_alloc(&t->heap, sizeof(*c) + sizeof(place) + value.len);

    *c = (struct counted){.count = count, .len = (uint32_t)(sizeof(place) + value.len)};
    memcpy(c->bytes, &place, sizeof(place));
    memcpy(c->bytes + sizeof(place), value.ptr, value.len);
    return c;
}

static void item_free(struct aggtable *t, struct counted *c)
{
    heap_free(&t->heap, c, sizeof(*c) + c->len);
}

/* LAG looks no further back than its offset. */
static void list_trim(struct aggtable *t, const struct agg_part *p, struct sorted *s)
{
    while (p->call.kind == AGG_LAG && s->count > (uint32_t)p->call.offset + 1)
        counted_drop(t, s, sorted_first());
}

/* Takes the item. */
static void item_add(struct aggtable *t, const struct agg_part *p, struct sorted *s, struct counted *c)
{
    struct sorted_at at = sorted_seek(s, item_compare, p, c);
    struct counted *have = p->mode == AGG_BAG ? sorted_get(s, at) : NULL;

    if (!have || item_compare(p, have, c) != 0) {
        sorted_insert(s, &t->heap, at, c);
        list_trim(t, p, s);
        return;
    }
    if (place_compare(c, have) < 0)
        memcpy(have->bytes, c->bytes, sizeof(struct place));
    have->count += c->count;
    item_free(t, c);
}

/* A value that was never added may be taken back first (its row was late, say): ignored. */
static void item_take(struct aggtable *t, const struct agg_part *p, struct sorted *s, struct counted *c)
{
    struct sorted_at at = sorted_first();
    struct counted *have;

    if (p->mode == AGG_BAG) {
        at = sorted_seek(s, item_compare, p, c);
        have = sorted_get(s, at);
        if (have && item_compare(p, have, c) == 0 && --have->count <= 0)
            counted_drop(t, s, at);
        return;
    }
    for (; (have = sorted_get(s, at)) != NULL; at = sorted_next(s, at)) {
        if (bytes_equal(item_value(have), item_value(c))) {
            counted_drop(t, s, at);
            return;
        }
    }
}

static bool keeps_nulls(const struct agg_part *p)
{
    return (p->call.kind == AGG_ARRAY_AGG && !p->call.ignore_nulls) || p->call.kind == AGG_LAG;
}

/* LAG that ignores NULLs keeps one for as long as it is the last: what is before it is looked for. */
static void list_forget_null(struct aggtable *t, const struct agg_part *p, struct sorted *s)
{
    if (p->call.kind == AGG_LAG && p->call.ignore_nulls && s->count && item_is_null(sorted_get(s, sorted_last(s))))
        counted_drop(t, s, sorted_last(s));
}

void list_update(struct aggtable *t, const struct agg_part *p, const struct agg_inputs *inputs,
                 const struct agg_rows *r, struct arena *arena)
{
    const struct column *col = &inputs->args[p->arg];
    struct bytes *values = ARENA_ARRAY(arena, struct bytes, r->count + 1u);

    CHECK(row_encode_many(&p->value, col, r->rows, r->count, arena, values)); /* an arena without a bound */
    for (uint16_t i = 0; i < r->count; i++) {
        uint16_t row = r->rows[i];
        struct sorted *s = part_of(p, r->values[i]);
        if (!keeps_nulls(p) && !column_valid(col, row))
            continue;
        struct place place = {.seq = t->next_seq++};
        if (inputs->origins)
            place.origin = inputs->origins[row];
        list_forget_null(t, p, s);
        struct counted *c = item_new(t, place, values[i], 1);
        if (!r->weights || r->weights[i] > 0) {
            item_add(t, p, s, c);
        } else {
            item_take(t, p, s, c);
            item_free(t, c);
        }
    }
}

static int by_place(const void *a, const void *b)
{
    return place_compare(*(const struct counted *const *)a, *(const struct counted *const *)b);
}

/* The items in the order in which they came. */
static const struct counted **items_of(const struct agg_part *p, const struct sorted *s, struct arena *arena)
{
    const struct counted **items = arena_alloc(arena, sizeof(*items) * (s->count + 1u));
    struct sorted_at at = sorted_first();
    uint32_t n = 0;

    for (const struct counted *c; (c = sorted_get(s, at)) != NULL; at = sorted_next(s, at))
        items[n++] = c;
    CHECK(n == s->count);
    if (p->mode == AGG_BAG)
        qsort(items, n, sizeof(*items), by_place);
    return items;
}

void list_merge(struct aggtable *t, const struct agg_part *p, struct sorted *into, const struct sorted *from,
                struct arena *arena)
{
    const struct counted **items = items_of(p, from, arena);

    for (uint32_t i = 0; i < from->count; i++) {
        struct place place = place_of(items[i]);
        place.seq = t->next_seq++;
        item_add(t, p, into, item_new(t, place, item_value(items[i]), items[i]->count));
    }
}

/* ---- results ---- */

static struct bytes item_text(const struct counted *c)
{
    struct reader r = reader_of(bytes_skip(item_value(c), 1)); /* behind the NULL bits */

    return reader_sized(&r);
}

static struct bytes joined(const struct agg_part *p, const struct counted **items, uint32_t count,
                           struct arena *arena)
{
    size_t len = 0;

    for (uint32_t i = 0; i < count; i++)
        len += item_text(items[i]).len + (i ? p->call.separator.len : 0);
    uint8_t *text = arena_alloc(arena, len + 1), *at = text;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes part = item_text(items[i]);
        if (i && p->call.separator.len)
            at = mempcpy(at, p->call.separator.ptr, p->call.separator.len);
        if (part.len)
            at = mempcpy(at, part.ptr, part.len);
    }
    return bytes_of(text, len);
}

/* A row of one ARRAY or MULTISET (row.h): its elements stand in it as they are kept; a MULTISET's has the count behind. */
static struct bytes list_row(const struct agg_part *p, const struct counted **items, uint32_t count,
                             struct arena *arena)
{
    struct buf buf;

    buf_init(&buf, 0);
    buf_u8(&buf, 0);
    buf_uvarint(&buf, count);
    for (uint32_t i = 0; i < count; i++) {
        buf_append(&buf, item_value(items[i]).ptr, item_value(items[i]).len);
        if (p->call.kind == AGG_COLLECT)
            buf_u32_le(&buf, p->once ? 1 : (uint32_t)items[i]->count);
    }
    CHECK(!buf.failed);
    struct bytes row = arena_copy(arena, buf_view(&buf));
    buf_deinit(&buf);
    return row;
}

bool list_result(const struct agg_part *p, const struct sorted *s, struct arena *arena, struct bytes *out)
{
    uint32_t count = s->count;

    if (p->call.kind == AGG_LAG) {
        if (count <= (uint32_t)p->call.offset)
            return *out = p->missing, p->missing.len > 0;
        const struct counted *c = sorted_get(s, sorted_nth(s, count - 1 - (uint32_t)p->call.offset));
        return *out = item_value(c), true;
    }
    if (!count && p->call.kind != AGG_COLLECT)
        return false;
    const struct counted **items = items_of(p, s, arena);
    *out = p->call.kind == AGG_LISTAGG ? joined(p, items, count, arena) : list_row(p, items, count, arena);
    return true;
}

bool list_item_check(const struct agg_part *p, struct bytes item, struct arena *arena)
{
    struct column_builder b;

    if (item.len <= sizeof(struct place))
        return false;
    column_builder_init(&b, arena, p->value.types[0], 1);
    bool ok = row_decode(&p->value, bytes_skip(item, sizeof(struct place)), &b);
    ok = ok && !column_builder_failed(&b) && (keeps_nulls(p) || !b.valid);
    arena_reset(arena);
    return ok;
}
