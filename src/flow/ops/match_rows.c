/* match_rows.c: keys of a MATCH_RECOGNIZE, when they are due, and rows that wait, in their order: see match_state.h. */
#include "flow/ops/match_state.h"
#include "flow/ops/keyed.h"

#include "base/check.h"

struct match_key *match_op_key(struct match_op *s, void *value)
{
    struct match_key *key = keyed_piece(value);

    if (!key) {
        key = keyed_made(&s->runs.heap, value, sizeof(*key));
        match_key_init(&s->runs, key);
        key->number = s->next_key++;
    }
    return key;
}

static int timer_compare(const void *context, const void *a, const void *b)
{
    const struct match_key *x = a, *y = b;

    (void)context;
    if (x->deadline != y->deadline)
        return x->deadline < y->deadline ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

void match_op_timer(struct match_op *s, struct match_key *key, int64_t before)
{
    int64_t now = key->deadline;

    if (now == before)
        return;
    if (before != INT64_MAX) {
        key->deadline = before;
        struct sorted_at at = sorted_seek(&s->timers, timer_compare, NULL, key);
        CHECK(sorted_get(&s->timers, at) == key);
        sorted_remove(&s->timers, &s->runs.heap, at);
        key->deadline = now;
    }
    if (now != INT64_MAX)
        sorted_insert(&s->timers, &s->runs.heap, sorted_seek(&s->timers, timer_compare, NULL, key), key);
}

/* By ORDER BY behind the time. */
static int order_compare(const struct match_op *s, const struct match_row *a, const struct match_row *b)
{
    for (uint16_t k = 0; k < s->plan->order_count; k++) {
        const struct plan_sort_key *key = &s->plan->order[k];
        bool a_null = pack_null(&s->pack, a->packed, key->column);
        bool b_null = pack_null(&s->pack, b->packed, key->column);
        int order;
        if (a_null || b_null)
            order = a_null == b_null ? 0 : a_null == key->nulls_last ? 1 : -1;
        else
            order = pack_compare(&s->pack, key->column, a->packed, b->packed) * (key->descending ? -1 : 1);
        if (order)
            return order;
    }
    return 0;
}

static int row_compare(const void *context, const void *a, const void *b)
{
    const struct match_row *x = a, *y = b;

    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    int order = order_compare(context, x, y);
    if (!order)
        order = origin_compare(&x->origin, &y->origin);
    return order ? order : x->seq < y->seq ? -1 : x->seq > y->seq;
}

struct match_row *match_op_row(struct match_op *s, struct match_key *key, struct bytes packed, int64_t time,
                               struct origin origin)
{
    struct match_row *row = heap_alloc(&s->runs.heap, sizeof(*row) + packed.len);

    *row = (struct match_row){.key = key, .time = time, .origin = origin, .seq = s->next_seq++, .users = 1,
                              .size = (uint32_t)packed.len};
    memcpy(row->packed, packed.ptr, packed.len);
    s->runs.rows++;
    return row;
}

void match_op_wait(struct match_op *s, struct match_row *row)
{
    struct sorted *own = &row->key->waiting;

    sorted_insert(own, &s->runs.heap, sorted_seek(own, row_compare, s, row), row);
    sorted_insert(&s->waiting, &s->runs.heap, sorted_seek(&s->waiting, row_compare, s, row), row);
}
