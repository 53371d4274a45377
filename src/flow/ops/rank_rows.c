#include "flow/ops/rank_rows.h"

#include "flow/ops/ops.h"

enum status rank_rows_make(struct rank_rows *r, struct arena *arena, const struct plan_node *node,
                           struct diag *diag)
{
    const struct plan_rank *p = &node->rank;
    const struct plan_node *input = node->inputs[0].node;

    *r = (struct rank_rows){.order = p->order, .order_count = p->order_count,
                            .by_origin = plan_orders_by_origin(node)};
    r->keep_last = p->limit == 1 && p->order_count == 1 && p->order[0].descending &&
                   !input->changes && input->columns[p->order[0].column].time != TIME_NONE;
    expiry_open(&r->expiry, &node->inputs[0]);
    return pack_make(&r->pack, arena, input, NULL, input->columns_count, diag);
}

struct rank_coming *rank_rows_coming(struct rank_rows *r, struct arena *arena, const struct chunk *in,
                                     const uint16_t *rows)
{
    struct rank_coming *out = ARENA_ARRAY(arena, struct rank_coming, in->count + 1u);
    uint8_t *packed[CHUNK_ROWS];
    uint32_t sizes[CHUNK_ROWS];

    pack_rows(&r->pack, arena, in->cols, rows, in->count, packed, sizes);
    for (uint16_t i = 0; i < in->count; i++) {
        out[i] = (struct rank_coming){packed[i], sizes[i], {0, 0}};
        if (r->by_origin)
            out[i].origin = in->origins[rows[i]];
        else
            out[i].origin.offset = (int64_t)r->next_seq++;
    }
    return out;
}

static size_t row_bytes(const struct rank_rows *r, uint32_t size)
{
    return sizeof(struct rank_row) + size + (r->expiry.ttl_us ? sizeof(int64_t) : 0);
}

struct rank_row *rank_row_new(struct rank_rows *r, struct state_heap *heap,
                              const struct rank_coming *in)
{
    struct rank_row *row = heap_alloc(heap, row_bytes(r, in->size));

    *row = (struct rank_row){.origin = in->origin, .size = in->size};
    memcpy(row->packed, in->packed, in->size);
    if (r->expiry.ttl_us)
        *rank_row_time(row) = r->expiry.now_us;
    r->count++;
    return row;
}

void rank_row_free(struct rank_rows *r, struct state_heap *heap, struct rank_row *row)
{
    heap_free(heap, row, row_bytes(r, row->size));
    r->count--;
}

void rank_rows_free(struct rank_rows *r, struct state_heap *heap, struct sorted *list)
{
    struct sorted_at at = sorted_first();

    for (struct rank_row *row; (row = sorted_get(list, at)) != NULL; at = sorted_next(list, at))
        rank_row_free(r, heap, row);
    sorted_free(list, heap);
}

int64_t rank_rows_expire(struct rank_rows *r, struct state_heap *heap, struct sorted *list)
{
    int64_t oldest = INT64_MAX;
    uint32_t rank = 0;
    struct sorted_at at = sorted_first();

    for (struct rank_row *row; (row = sorted_get(list, at)) != NULL;) {
        int64_t time = *rank_row_time(row);
        if (!expiry_over(&r->expiry, time)) {
            oldest = time < oldest ? time : oldest;
            at = sorted_next(list, at);
            rank++;
            continue;
        }
        sorted_remove(list, heap, at);
        rank_row_free(r, heap, row);
        at = sorted_nth(list, rank);
    }
    return oldest;
}

int rank_order_compare(const struct rank_rows *r, const uint8_t *a, const uint8_t *b)
{
    for (uint16_t k = 0; k < r->order_count; k++) {
        const struct plan_sort_key *key = &r->order[k];
        bool a_null = pack_null(&r->pack, a, key->column);
        bool b_null = pack_null(&r->pack, b, key->column);
        int order;
        if (a_null || b_null)
            order = a_null == b_null ? 0 : a_null == key->nulls_last ? 1 : -1;
        else
            order = pack_compare(&r->pack, key->column, a, b) * (key->descending ? -1 : 1);
        if (order)
            return order;
    }
    return 0;
}

int rank_row_compare(const void *context, const void *a, const void *b)
{
    const struct rank_row *x = a, *y = b;
    int order = rank_order_compare(context, x->packed, y->packed);

    return order ? order : origin_compare(&x->origin, &y->origin);
}

int rank_coming_compare(const struct rank_rows *r, const struct rank_coming *in,
                        const struct rank_row *row)
{
    int order = rank_order_compare(r, in->packed, row->packed);

    if (order)
        return order;
    order = origin_compare(&in->origin, &row->origin);
    return r->keep_last ? -order : order;
}

bool rank_rows_put(struct rank_rows *r, struct state_heap *heap, struct sorted *list, uint32_t limit,
                   const struct rank_coming *in, uint32_t *rank, struct rank_row **fallen)
{
    *fallen = NULL;
    if (list->count == limit) {
        struct rank_row *worst = sorted_get(list, sorted_last(list));
        if (rank_coming_compare(r, in, worst) >= 0)
            return false;
        *fallen = worst;
        sorted_remove(list, heap, sorted_last(list));
    }
    struct rank_row *row = rank_row_new(r, heap, in);
    struct sorted_at at = sorted_seek(list, rank_row_compare, r, row);
    *rank = sorted_rank(list, at);
    sorted_insert(list, heap, at, row);
    return true;
}

void rank_row_save(const struct rank_rows *r, struct rank_row *row, struct buf *out)
{
    buf_uvarint(out, (uint64_t)row->origin.split);
    buf_varint(out, row->origin.offset);
    if (r->expiry.ttl_us)
        buf_varint(out, *rank_row_time(row));
    buf_sized(out, bytes_of(row->packed, row->size));
}

void rank_rows_save(const struct rank_rows *r, const struct sorted *list, struct buf *out)
{
    struct sorted_at at = sorted_first();

    buf_uvarint(out, list->count);
    for (struct rank_row *row; (row = sorted_get(list, at)) != NULL; at = sorted_next(list, at))
        rank_row_save(r, row, out);
}

int64_t rank_row_saved_time(struct reader *in)
{
    (void)reader_uvarint(in);
    (void)reader_varint(in);
    int64_t time = reader_varint(in);
    (void)reader_sized(in);
    return time;
}

struct rank_row *rank_row_load(struct rank_rows *r, struct state_heap *heap, struct reader *in)
{
    struct rank_coming row = {.origin.split = (int64_t)reader_uvarint(in)};

    row.origin.offset = reader_varint(in);
    int64_t time = r->expiry.ttl_us ? reader_varint(in) : 0;
    struct bytes packed = reader_sized(in);
    if (in->bad || !pack_check(&r->pack, packed.ptr, packed.len))
        return NULL;
    row.packed = packed.ptr;
    row.size = (uint32_t)packed.len;
    struct rank_row *loaded = rank_row_new(r, heap, &row);
    if (r->expiry.ttl_us)
        *rank_row_time(loaded) = time;
    return loaded;
}

bool rank_rows_load(struct rank_rows *r, struct state_heap *heap, struct sorted *list,
                    struct reader *in)
{
    uint64_t count = reader_uvarint(in);

    for (uint64_t i = 0; i < count; i++) {
        struct rank_row *row = rank_row_load(r, heap, in);
        if (!row)
            return false;
        sorted_insert(list, heap, sorted_nth(list, list->count), row);
    }
    return !in->bad;
}
