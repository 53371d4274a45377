/* rowset.c: packed rows behind a sorted list of pointers, and behind an index by the hash of their key. */
#include "flow/rowset.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"

enum { INDEX_FROM = 64 }; /* of fewer rows the order is as quick */

enum status rowset_init(struct rowset *set, const struct plan_node *of, const uint16_t *columns,
                        uint16_t count, const uint16_t *key, uint16_t key_count,
                        struct diag *diag)
{
    *set = (struct rowset){.key = key, .key_count = key_count};
    arena_init(&set->arena, ARENA_BUDGET_NONE);
    heap_init(&set->heap);
    enum status st = pack_make(&set->pack, &set->arena, of, columns, count, diag);
    if (st != ST_OK) {
        rowset_deinit(set);
        return st;
    }
    set->hashed = key_count > 0;
    for (uint16_t i = 0; i < key_count; i++)
        set->hashed = set->hashed && pack_hashable(&set->pack, key[i]);
    return ST_OK;
}

void rowset_deinit(struct rowset *set)
{
    rowset_index_deinit(&set->index);
    sorted_free(&set->rows, &set->heap);
    heap_deinit(&set->heap);
    arena_deinit(&set->arena);
    free(set->holes);
    *set = (struct rowset){0};
}

/* a: a packed row; b: a kept one. */
static int compare_packed(const struct rowset *set, const uint8_t *a, const uint8_t *b)
{
    uint16_t count = set->key_count ? set->key_count : set->pack.count;
    for (uint16_t i = 0; i < count; i++) {
        int order = pack_compare(&set->pack, set->key_count ? set->key[i] : i, a, b);
        if (order)
            return order;
    }
    return 0;
}

static int compare_rows(const void *context, const void *a, const void *b)
{
    return compare_packed(context, ((const struct rowset_row *)a)->packed,
                          ((const struct rowset_row *)b)->packed);
}

/* Which of the two compared is the key that is sought depends on the list; both look alike. */
static struct sorted_at seek(const struct rowset *set, const struct rowset_row *row)
{
    return sorted_seek(&set->rows, compare_rows, set, row);
}

static struct rowset_row *row_alloc(struct rowset *set, uint32_t size)
{
    struct rowset_row *row = heap_alloc(&set->heap, sizeof(*row) + size);
    *row = (struct rowset_row){.size = size, .copies = 1};
    return row;
}

static void row_free(struct rowset *set, struct rowset_row *row)
{
    heap_free(&set->heap, row, sizeof(*row) + row->size);
}

/* ---- a row by its key ---- */

static uint32_t hash_key(const struct rowset *set, const uint8_t *packed)
{
    uint64_t hash = 0;

    for (uint16_t i = 0; i < set->key_count; i++)
        hash = hash_combine(hash, pack_hash(&set->pack, set->key[i], packed));
    return (uint32_t)hash;
}

static bool same_key(const void *context, const struct rowset_row *row, const void *key)
{
    return compare_packed(context, row->packed, ((const struct rowset_row *)key)->packed) == 0;
}

static struct rowset_row **index_place(const struct rowset *set, const struct rowset_row *row)
{
    return rowset_index_find(&set->index, row->hash, same_key, set, row);
}

/* The row that is there under the row's key, or NULL. */
static struct rowset_row *find(const struct rowset *set, const struct rowset_row *row)
{
    if (set->index.places) {
        struct rowset_row **place = index_place(set, row);
        return place ? *place : NULL;
    }
    struct rowset_row *there = sorted_get(&set->rows, seek(set, row));
    return there && compare_rows(set, there, row) == 0 ? there : NULL;
}

static void insert(struct rowset *set, struct rowset_row *row)
{
    sorted_insert(&set->rows, &set->heap, seek(set, row), row);
    if (set->index.places)
        rowset_index_add(&set->index, row);
    else if (set->hashed && set->rows.count >= INDEX_FROM)
        for (struct sorted_at at = sorted_first(); sorted_get(&set->rows, at); at = sorted_next(&set->rows, at))
            rowset_index_add(&set->index, sorted_get(&set->rows, at));
}

/* The row stands where one of its key did; if that is listed as a hole, so is it. */
static void take_place(struct rowset *set, struct rowset_row *there, struct rowset_row *by)
{
    sorted_set(&set->rows, seek(set, by), by);
    if (set->index.places)
        *index_place(set, by) = by;
    by->hole = there->hole;
    if (by->hole)
        set->holes[by->hole - 1] = by;
    there->hole = 0;
}

static void remove_row(struct rowset *set, struct rowset_row *row)
{
    sorted_remove(&set->rows, &set->heap, seek(set, row));
    if (set->index.places)
        rowset_index_remove(&set->index, index_place(set, row));
    row_free(set, row);
}

static bool same_row(const struct rowset_row *a, const struct rowset_row *b)
{
    return a->size == b->size && memcmp(a->packed, b->packed, a->size) == 0;
}

static void hole_add(struct rowset *set, struct rowset_row *row)
{
    if (row->hole)
        return;
    if (set->holes_count == set->holes_cap) {
        set->holes_cap = set->holes_cap ? set->holes_cap * 2 : 64;
        set->holes = xrealloc(set->holes, set->holes_cap * sizeof(*set->holes));
    }
    set->holes[set->holes_count++] = row;
    row->hole = set->holes_count;
}

/* One change: told, then made. */
struct row_change {
    struct rowset *set;
    rowset_fn *fn;
    void *context;
    const struct chunk *in;
    uint16_t row;
};

static void tell(const struct row_change *c, const struct rowset_row *old)
{
    if (c->fn)
        c->fn(c->context, old && old->copies ? old : NULL, c->in, c->row);
}

/* there: under fresh's key. fresh is taken: its bytes, or itself. */
static void update_row(const struct row_change *c, struct rowset_row *there, struct rowset_row *fresh)
{
    struct rowset *set = c->set;
    bool hides = set->exact && there->copies;

    tell(c, there);
    set->live += there->copies == 0;
    if (there->size == fresh->size && !hides) {
        memcpy(there->packed, fresh->packed, fresh->size);
        there->copies = 1;
        row_free(set, fresh);
        return;
    }
    take_place(set, there, fresh);
    if (hides)
        fresh->under = there;
    else
        row_free(set, there);
}

static void hide(struct rowset_row *top, struct rowset_row *row)
{
    row->under = top->under;
    top->under = row;
}

/* fresh is taken: kept, or freed. */
static void add_row(const struct row_change *c, struct rowset_row *fresh)
{
    struct rowset *set = c->set;
    struct rowset_row *there = find(set, fresh);

    if (!there) {
        tell(c, NULL);
        insert(set, fresh);
        set->live++;
    } else if (!set->key_count) {
        tell(c, NULL);
        there->copies++;
        set->live++;
        row_free(set, fresh);
    } else if (there->copies && same_row(there, fresh)) {
        if (set->exact)
            hide(there, fresh); /* one of the two will go */
        else
            row_free(set, fresh);
    } else {
        update_row(c, there, fresh);
    }
}

/* Whether there was such a row. */
static bool retract_hidden(struct rowset *set, struct rowset_row *top, const struct rowset_row *old)
{
    for (struct rowset_row **at = &top->under; *at; at = &(*at)->under) {
        struct rowset_row *row = *at;
        if (!same_row(row, old))
            continue;
        *at = row->under;
        row_free(set, row);
        return true;
    }
    return false;
}

static void retract_there(const struct row_change *c, struct rowset_row *there)
{
    struct rowset *set = c->set;
    struct rowset_row *under = there->under;

    tell(c, there);
    if (under) {
        if (c->fn)
            c->fn(c->context, under, NULL, 0);
        take_place(set, there, under);
        row_free(set, there);
        return;
    }
    set->live--;
    if (--there->copies == 0)
        hole_add(set, there);
}

static void retract_row(const struct row_change *c, struct rowset_row *old)
{
    struct rowset *set = c->set;
    struct rowset_row *there = find(set, old);

    if (there && there->copies && !(set->exact && retract_hidden(set, there, old)))
        if (!set->exact || same_row(there, old))
            retract_there(c, there);
    row_free(set, old);
}

void rowset_columns(const struct rowset *set, const struct rowset_row *row, struct arena *arena,
                    struct column *cols)
{
    const uint8_t *packed = row->packed;
    pack_read_all(&set->pack, &packed, 1, arena, cols);
}

static struct rowset_row *row_of(uint8_t *packed)
{
    return (struct rowset_row *)(void *)(packed - offsetof(struct rowset_row, packed));
}

/* A whole chunk's, so that memory is waited for at once and not row by row. */
static void hash_rows(const struct rowset *set, uint8_t *const *packed, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        row_of(packed[i])->hash = hash_key(set, packed[i]);
        rowset_index_prefetch(&set->index, row_of(packed[i])->hash);
    }
    for (uint16_t i = 0; i < count; i++)
        rowset_index_prefetch_row(&set->index, row_of(packed[i])->hash);
}

void rowset_apply(struct rowset *set, const struct chunk *in, rowset_fn *fn, void *context)
{
    uint16_t rows[CHUNK_ROWS];
    uint32_t sizes[CHUNK_ROWS];
    uint8_t *out[CHUNK_ROWS];
    for (uint16_t i = 0; i < in->count; i++)
        rows[i] = chunk_row(in, i);
    pack_sizes(&set->pack, in->cols, rows, in->count, sizes);
    for (uint16_t i = 0; i < in->count; i++)
        out[i] = row_alloc(set, sizes[i])->packed;
    pack_write(&set->pack, in->cols, rows, in->count, out);
    if (set->hashed)
        hash_rows(set, out, in->count);
    for (uint16_t i = 0; i < in->count; i++) {
        struct rowset_row *row = row_of(out[i]);
        struct row_change change = {set, fn, context, in, rows[i]};
        if (row_kind_retracts(chunk_kind(in, rows[i])))
            retract_row(&change, row);
        else
            add_row(&change, row);
    }
}

/* A hole may have been filled since. */
void rowset_sweep(struct rowset *set)
{
    for (uint32_t i = 0; i < set->holes_count; i++) {
        struct rowset_row *row = set->holes[i];
        row->hole = 0;
        if (!row->copies)
            remove_row(set, row);
    }
    set->holes_count = 0;
}

struct rowset_at rowset_seek(const struct rowset *set, const uint8_t *packed, bool past)
{
    const void *row = packed - offsetof(struct rowset_row, packed);
    struct sorted_at at = sorted_seek(&set->rows, compare_rows, set, row);
    const struct rowset_row *there = sorted_get(&set->rows, at);
    if (past && there && compare_packed(set, there->packed, packed) == 0)
        at = sorted_next(&set->rows, at);
    return (struct rowset_at){at, 0};
}

uint16_t rowset_read(const struct rowset *set, struct rowset_at *at, uint16_t max,
                     struct arena *arena, struct chunk *out, const struct rowset_row **last)
{
    const uint8_t *packed[CHUNK_ROWS];
    uint16_t count = 0;
    const struct rowset_row *row;
    max = max < CHUNK_ROWS ? max : CHUNK_ROWS;
    while (count < max && (row = sorted_get(&set->rows, at->at))) {
        for (; at->copy < row->copies && count < max; at->copy++) {
            packed[count++] = row->packed;
            *last = row;
        }
        if (at->copy < row->copies)
            break;
        *at = (struct rowset_at){sorted_next(&set->rows, at->at), 0};
    }
    struct column *cols = ARENA_ARRAY(arena, struct column, set->pack.count + 1);
    pack_read_all(&set->pack, packed, count, arena, cols);
    *out = (struct chunk){.cols = cols, .count = count, .rows = count,
                          .col_count = set->pack.count};
    return count;
}

uint64_t rowset_bytes(const struct rowset *set)
{
    return set->heap.held_bytes + rowset_index_bytes(&set->index) + (uint64_t)set->holes_cap * sizeof(*set->holes);
}

void rowset_save(const struct rowset *set, struct snap_writer *w)
{
    uint64_t count = 0;

    CHECK(set->holes_count == 0);
    for (struct sorted_at at = sorted_first(); sorted_get(&set->rows, at); at = sorted_next(&set->rows, at))
        for (const struct rowset_row *row = sorted_get(&set->rows, at); row; row = row->under)
            count++;
    buf_u64_le(&w->buf, count);
    for (struct sorted_at at = sorted_first(); sorted_get(&set->rows, at); at = sorted_next(&set->rows, at))
        for (const struct rowset_row *row = sorted_get(&set->rows, at); row; row = row->under) {
            buf_u32_le(&w->buf, row->copies);
            buf_sized(&w->buf, bytes_of(row->packed, row->size));
            snap_room(w);
        }
}

/* Behind `last`: what that hides stands behind it, and has its key. */
static enum status load_row(struct rowset *set, struct rowset_row *row, struct rowset_row *last)
{
    if (set->key_count && last && compare_rows(set, last, row) == 0) {
        last->under = row;
        return ST_OK;
    }
    if (find(set, row)) {
        row_free(set, row);
        return ST_CORRUPT;
    }
    insert(set, row);
    set->live += row->copies;
    return ST_OK;
}

enum status rowset_load(struct rowset *set, struct reader *r)
{
    uint64_t count = reader_u64_le(r);
    struct rowset_row *last = NULL;
    for (uint64_t i = 0; i < count && !r->bad; i++) {
        uint32_t copies = reader_u32_le(r);
        struct bytes packed = reader_sized(r);
        if (r->bad || packed.len > UINT32_MAX / 2)
            return ST_CORRUPT;
        struct rowset_row *row = row_alloc(set, (uint32_t)packed.len);
        if (packed.len)
            memcpy(row->packed, packed.ptr, packed.len);
        row->copies = copies;
        if (!copies || !pack_check(&set->pack, row->packed, packed.len)) {
            row_free(set, row);
            return ST_CORRUPT;
        }
        if (set->hashed)
            row->hash = hash_key(set, row->packed);
        TRY(load_row(set, row, last));
        last = row;
    }
    return r->bad ? ST_CORRUPT : ST_OK;
}
