#include "flow/ops/join_side.h"

#include <stdlib.h>

#include "base/check.h"

/* ---- sides and buckets ---- */

enum status join_side_make(struct join_side *side, struct arena *arena, const struct plan_node *of,
                           const uint16_t *keys, uint16_t keys_count, struct diag *diag)
{
    TRY(keyer_make(&side->keyer, arena, of, keys, keys_count, diag));
    return pack_make(&side->pack, arena, of, NULL, of->columns_count, diag);
}

static bool phys_fit(enum phys a, enum phys b)
{
    bool a_int = a == PHYS_I32 || a == PHYS_I64, b_int = b == PHYS_I32 || b == PHYS_I64;

    return a == b || (a_int && b_int);
}

enum status join_keys_fit(const struct keyer *left, const struct keyer *right, struct diag *diag)
{
    const struct pack *l = &left->pack, *r = &right->pack;

    for (uint16_t c = 0; c < l->count; c++)
        if (l->count != r->count || !phys_fit(l->fields[c].phys, r->fields[c].phys))
            return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                            "the keys of the join have different types; CAST one of them");
    CHECK(left->words == right->words);
    return ST_OK;
}

static void bucket_free(struct join_bucket *b)
{
    state_deinit(&b->keys);
    heap_deinit(&b->heap);
    free(b);
}

void join_side_close(struct join_side *side)
{
    for (uint32_t i = side->first; i < side->count; i++)
        bucket_free(side->buckets[i]);
    free(side->buckets);
    side->buckets = NULL;
    side->first = side->count = side->cap = 0;
}

static uint32_t bucket_seek(const struct join_side *side, int64_t start, int64_t end)
{
    uint32_t low = side->first, high = side->count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const struct join_bucket *b = side->buckets[mid];
        if (b->end != end ? b->end < end : b->start < start)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct join_bucket *join_bucket_find(const struct join_side *side, int64_t start, int64_t end)
{
    uint32_t at = bucket_seek(side, start, end);

    if (at == side->count || side->buckets[at]->end != end || side->buckets[at]->start != start)
        return NULL;
    return side->buckets[at];
}

struct join_bucket *join_bucket_get(struct join_side *side, int64_t start, int64_t end)
{
    struct join_bucket *b = join_bucket_find(side, start, end);

    if (b)
        return b;
    if (side->first >= 64 && side->first > side->count / 2) {
        memmove(side->buckets, side->buckets + side->first,
                (side->count - side->first) * sizeof(*side->buckets));
        side->count -= side->first;
        side->first = 0;
    }
    if (side->count == side->cap) {
        side->cap = side->cap ? 2 * side->cap : 4;
        side->buckets = xrealloc(side->buckets, side->cap * sizeof(*side->buckets));
    }
    uint32_t at = bucket_seek(side, start, end);
    memmove(side->buckets + at + 1, side->buckets + at, (side->count - at) * sizeof(*side->buckets));
    b = xcalloc(1, sizeof(*b));
    b->start = start;
    b->end = end;
    b->tail = side->expiry.ttl_us ? sizeof(int64_t) : 0;
    state_init(&b->keys, side->keyer.words, sizeof(struct join_list));
    heap_init(&b->heap);
    side->buckets[at] = b;
    side->count++;
    return b;
}

void join_bucket_drop(struct join_side *side)
{
    CHECK(side->first < side->count);
    bucket_free(side->buckets[side->first++]);
}

/* ---- rows ---- */

static size_t row_bytes(const struct join_bucket *b, uint32_t size)
{
    return sizeof(struct join_row) + size + b->tail;
}

struct join_row *join_row_new(struct join_bucket *b, uint32_t size)
{
    struct join_row *row = heap_alloc(&b->heap, row_bytes(b, size));

    *row = (struct join_row){.size = size};
    return row;
}

void join_lists(struct join_bucket *b, const struct state_keys *keys, const uint16_t *which,
                uint16_t count, struct join_list **out)
{
    state_upsert(&b->keys, keys, which, count, (void **)out, NULL);
}

void join_row_add(struct join_bucket *b, struct join_list *list, struct join_row *row)
{
    row->next = NULL;
    if (list->last)
        list->last->next = row;
    else
        list->first = row;
    list->last = row;
    list->count++;
    b->rows++;
}

/* before: the one before it, or NULL. */
static void row_drop(struct join_bucket *b, struct join_list *list, struct join_row *before, struct join_row *row)
{
    if (before)
        before->next = row->next;
    else
        list->first = row->next;
    if (list->last == row)
        list->last = before;
    list->count--;
    b->rows--;
    heap_free(&b->heap, row, row_bytes(b, row->size));
}

bool join_row_take(struct join_bucket *b, struct join_list *list, const uint8_t *packed, uint32_t size)
{
    struct join_row *before = NULL;

    for (struct join_row *row = list->first; row; before = row, row = row->next) {
        if (row->size != size || memcmp(row->packed, packed, size) != 0)
            continue;
        row_drop(b, list, before, row);
        return true;
    }
    return false;
}

void join_list_expire(const struct join_side *side, struct join_bucket *b, struct join_list *list)
{
    struct join_row *before = NULL;

    for (struct join_row *row = list->first, *next; row; row = next) {
        next = row->next;
        if (expiry_over(&side->expiry, *join_row_time(row)))
            row_drop(b, list, before, row);
        else if (side->in_order)
            return;
        else
            before = row;
    }
}

static bool list_gone(void *context, void *value)
{
    struct join_side *side = context;
    struct join_list *list = value;

    join_list_expire(side, side->buckets[side->first], list);
    return list->count == 0;
}

uint32_t join_side_look(struct join_side *side)
{
    if (side->first == side->count)
        return 0;
    struct join_bucket *b = side->buckets[side->first]; /* the only one: no bounded join's state expires */
    CHECK(side->count == side->first + 1);
    uint32_t way = expiry_look(&b->keys, list_gone, side);
    if (!state_count(&b->keys) && b->heap.held_bytes) {
        heap_deinit(&b->heap);
        heap_init(&b->heap);
    }
    return way;
}

void join_lists_sweep(struct join_bucket *b, struct join_list *const *lists, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        if (lists[i]->count || lists[i]->gone)
            continue;
        lists[i]->gone = 1;
        state_remove(&b->keys, lists[i]);
    }
}

uint64_t join_side_rows(const struct join_side *side)
{
    uint64_t rows = 0;

    for (uint32_t i = side->first; i < side->count; i++)
        rows += side->buckets[i]->rows;
    return rows;
}

uint64_t join_side_bytes(const struct join_side *side)
{
    uint64_t bytes = 0;

    for (uint32_t i = side->first; i < side->count; i++)
        bytes += state_bytes(&side->buckets[i]->keys) + side->buckets[i]->heap.held_bytes;
    return bytes;
}

/* ---- checkpoints: u32 buckets, each start, end, the table; a list: count, then matches, the time where rows expire,
 * and bytes of each ---- */

void join_list_save(void *context, const void *value, struct buf *out)
{
    const struct join_list *list = value;
    const struct join_bucket *b = ((const struct join_tier *)context)->bucket;

    buf_uvarint(out, list->count);
    for (struct join_row *row = list->first; row; row = row->next) {
        buf_uvarint(out, row->matches);
        if (b->tail)
            buf_varint(out, *join_row_time(row));
        buf_sized(out, bytes_of(row->packed, row->size));
    }
}

void join_side_save(const struct join_side *side, struct snap_writer *w)
{
    buf_u32_le(&w->buf, side->count - side->first);
    for (uint32_t i = side->first; i < side->count; i++) {
        buf_u64_le(&w->buf, (uint64_t)side->buckets[i]->start);
        buf_u64_le(&w->buf, (uint64_t)side->buckets[i]->end);
        struct join_tier of = {.bucket = side->buckets[i]};
        state_save(&side->buckets[i]->keys, w, join_list_save, &of);
    }
}

bool join_list_load(void *context, void *value, struct reader *r)
{
    struct join_tier *l = context;
    uint64_t count = reader_uvarint(r);

    for (uint64_t i = 0; i < count; i++) {
        uint64_t matches = reader_uvarint(r);
        int64_t time = l->bucket->tail ? reader_varint(r) : 0;
        struct bytes packed = reader_sized(r);
        if (r->bad || matches > UINT32_MAX || !pack_check(&l->side->pack, packed.ptr, packed.len))
            return false;
        struct join_row *row = join_row_new(l->bucket, (uint32_t)packed.len);
        row->matches = (uint32_t)matches;
        memcpy(row->packed, packed.ptr, packed.len);
        if (l->bucket->tail)
            *join_row_time(row) = time;
        join_row_add(l->bucket, value, row);
    }
    return !reader_left(r);
}

enum status join_side_load(struct join_side *side, struct reader *r, const struct state_mine *mine)
{
    uint32_t buckets = reader_u32_le(r);

    for (uint32_t i = 0; i < buckets; i++) {
        int64_t start = (int64_t)reader_u64_le(r), end = (int64_t)reader_u64_le(r);
        if (r->bad || start >= end || (side->whole && (start != INT64_MIN || end != INT64_MAX)))
            return ST_CORRUPT;
        struct join_tier l = {side, join_bucket_get(side, start, end)};
        TRY(state_load(&l.bucket->keys, r, mine, join_list_load, &l));
    }
    return r->bad ? ST_CORRUPT : ST_OK;
}

/* ---- to disk ---- */

void join_list_release(void *context, void *value)
{
    struct join_bucket *b = ((struct join_tier *)context)->bucket;
    struct join_list *list = value;

    while (list->first)
        row_drop(b, list, NULL, list->first);
}

bool join_list_over(const void *context, struct bytes entry)
{
    const struct join_tier *tier = context;
    struct reader r = reader_of(entry);
    struct bytes value = state_saved_value(&tier->bucket->keys, &r);

    r = reader_of(value);
    for (uint64_t rows = reader_uvarint(&r); rows > 0; rows--) {
        (void)reader_uvarint(&r);
        if (!expiry_over(&tier->side->expiry, reader_varint(&r)))
            return false;
        (void)reader_sized(&r);
    }
    return true;
}

/* ---- what comes out ---- */

enum status join_out_flush(struct join_out *out)
{
    const struct plan_node *node = out->node;

    if (!out->count)
        return ST_OK;
    struct column *cols = ARENA_ARRAY(out->scratch, struct column, node->columns_count + 1);
    pack_read_all(out->packs[0], out->rows[0], out->count, out->scratch, cols);
    if (!out->left_only)
        pack_read_all(out->packs[1], out->rows[1], out->count, out->scratch,
                      cols + out->packs[0]->count);
    CHECK(node->columns_count == out->packs[0]->count + (out->left_only ? 0 : out->packs[1]->count));
    bool append = true;
    for (uint16_t i = 0; i < out->count; i++)
        append = append && out->kinds[i] == ROW_INSERT;
    struct chunk chunk = {.cols = cols, .count = out->count, .rows = out->count,
                          .col_count = node->columns_count, .kinds = append ? NULL : out->kinds};
    enum status st = op_emit(out->ctx, &chunk);
    arena_reset(out->scratch);
    out->told += out->count;
    out->count = 0;
    return st;
}

static void used_columns(const struct expr *e, bool *used)
{
    if (e->kind == EXPR_COLUMN)
        used[e->index] = true;
    for (uint16_t i = 0; i < e->args_count; i++)
        used_columns(e->args[i], used);
}

void join_test_make(struct join_test *test, struct arena *arena, const struct expr *condition,
                    const struct pack *left, const struct pack *right)
{
    *test = (struct join_test){.condition = condition, .packs = {left, right}};
    if (!condition)
        return;
    test->used = ARENA_ARRAY(arena, bool, left->count + right->count + 1);
    used_columns(condition, test->used);
}

enum status join_test_pairs(const struct join_test *test, struct op_ctx *ctx, struct arena *scratch,
                            const uint8_t *const *left, const uint8_t *const *right, uint16_t count,
                            uint8_t *pass)
{
    uint16_t sel[CHUNK_ROWS], passing[CHUNK_ROWS], n = 0, left_count = test->packs[0]->count;

    for (uint16_t i = 0; i < count; i++) {
        pass[i] = left[i] && right[i];
        sel[n] = i;
        n = (uint16_t)(n + pass[i]);
    }
    if (!test->condition || !n)
        return ST_OK;
    uint16_t all = (uint16_t)(left_count + test->packs[1]->count);
    struct column *cols = ARENA_ARRAY(scratch, struct column, all + 1);
    for (uint16_t c = 0; c < all; c++) {
        if (!test->used[c])
            continue;
        if (c < left_count)
            pack_read(test->packs[0], c, left, count, scratch, &cols[c]);
        else
            pack_read(test->packs[1], (uint16_t)(c - left_count), right, count, scratch, &cols[c]);
    }
    struct chunk pairs = {.cols = cols, .sel = sel, .count = n, .rows = count, .col_count = all};
    uint16_t passed = 0;
    struct arena *kept = ctx->expr.arena;
    ctx->expr.arena = scratch;
    enum status st = expr_filter(test->condition, &ctx->expr, &pairs, sel, n, passing, &passed);
    ctx->expr.arena = kept;
    memset(pass, 0, count);
    for (uint16_t i = 0; i < passed; i++)
        pass[passing[i]] = 1;
    return st;
}
