/* lookup_snapshot.c: the saved form of a lookup join: keys, each
 *
 *     asked uvarint · cached u8, then came, used varint and what was found
 *     rows uvarint, of each: came, asked, seq, part uvarint · watermark varint · kind u8 · bytes · flags u8:
 *         1  it is answered: then what was found
 *         2  it has been asked for again, or will be: then missed, again uvarint · due varint
 *
 * and what was found is: rows uvarint, of each its bytes. */
#include "flow/ops/lookup_state.h"
#include "flow/ops/keyed.h"

#include <stdlib.h>

#include "base/check.h"

enum { ROW_ANSWERED = 1, ROW_AGAIN = 2 };

/* ---- save ---- */

static void found_save(const struct lookup_state *s, const struct lookup_found *found, struct buf *out)
{
    const uint8_t *row = found->packed;

    buf_uvarint(out, found->rows);
    for (uint32_t i = 0; i < found->rows; i++, row = lookup_found_next(s, row))
        buf_sized(out, bytes_of(row, pack_size(&s->packs[1], row)));
}

static void row_save(const struct lookup_state *s, const struct lookup_row *row, struct buf *out)
{
    buf_uvarint(out, row->came);
    buf_uvarint(out, row->asked);
    buf_uvarint(out, row->seq);
    buf_uvarint(out, row->part);
    buf_varint(out, row->watermark_us);
    buf_u8(out, row->kind);
    buf_sized(out, bytes_of(row->packed, row->size));
    buf_u8(out, (row->found ? ROW_ANSWERED : 0) | (row->missed ? ROW_AGAIN : 0));
    if (row->found)
        found_save(s, row->found, out);
    if (row->missed) {
        buf_uvarint(out, row->missed);
        buf_uvarint(out, row->again);
        buf_varint(out, row->due_us);
    }
}

static void key_save(void *context, const void *value, struct buf *out)
{
    const struct lookup_state *s = context;
    const struct lookup_key *key = keyed_piece(value);
    uint64_t rows = 0;

    for (const struct lookup_row *row = key->first; row; row = row->next)
        rows++;
    buf_uvarint(out, key->asked);
    buf_u8(out, key->cached != NULL);
    if (key->cached) {
        buf_varint(out, key->came_us);
        buf_varint(out, key->used_us);
        buf_uvarint(out, key->order);
        found_save(s, key->cached, out);
    }
    buf_uvarint(out, rows);
    for (const struct lookup_row *row = key->first; row; row = row->next)
        row_save(s, row, out);
}

void lookup_save(const struct plan_node *node, const void *state, struct snap_writer *w)
{
    struct lookup_state *s = (struct lookup_state *)(uintptr_t)state; /* places in a list are no state */
    uint64_t order = 0;

    (void)node;
    for (struct lookup_key *key = s->oldest; key; key = key->newer)
        key->order = order++;
    buf_uvarint(&w->buf, s->next_seq);
    state_save(&s->keys, w, key_save, s);
}

/* ---- load ---- */

static struct lookup_found *found_load(struct lookup_state *s, struct reader *r)
{
    uint64_t rows = reader_uvarint(r);

    if (r->bad || rows > reader_left(r))
        return NULL;
    uint8_t **packed = xcalloc(rows + 1, sizeof(*packed));
    uint32_t *sizes = xcalloc(rows + 1, sizeof(*sizes));
    bool good = true;
    for (uint64_t i = 0; i < rows && good; i++) {
        struct bytes row = reader_sized(r);
        good = !r->bad && pack_check(&s->packs[1], row.ptr, row.len) && pack_size(&s->packs[1], row.ptr) == row.len;
        packed[i] = (uint8_t *)(uintptr_t)row.ptr;
        sizes[i] = (uint32_t)row.len;
    }
    struct lookup_found *found = good ? lookup_found_make(s, packed, sizes, (uint32_t)rows) : NULL;
    free(packed);
    free(sizes);
    return found;
}

static bool row_load(struct lookup_state *s, struct lookup_key *key, uint32_t part, struct reader *r)
{
    struct lookup_row head = {.key = key, .came = reader_uvarint(r), .asked = reader_uvarint(r)};

    head.seq = reader_uvarint(r);
    uint64_t part_before = reader_uvarint(r);
    head.part = part ? part : (uint32_t)part_before;
    head.watermark_us = reader_varint(r);
    head.kind = reader_u8(r);
    struct bytes packed = reader_sized(r);
    if (r->bad || head.kind > ROW_DELETE || !pack_check(&s->packs[0], packed.ptr, packed.len))
        return false;
    uint8_t flags = reader_u8(r);
    if (flags > (ROW_ANSWERED | ROW_AGAIN) || (flags & ROW_ANSWERED && !(head.found = found_load(s, r))))
        return false;
    int64_t due_us = 0;
    if (flags & ROW_AGAIN) {
        uint64_t missed = reader_uvarint(r);
        head.missed = missed < UINT32_MAX ? (uint32_t)missed : UINT32_MAX;
        head.again = reader_uvarint(r);
        due_us = reader_varint(r);
    }
    if (r->bad || (head.found && (key->open || due_us)) || due_us < 0) {
        if (head.found)
            lookup_found_release(s, head.found);
        return false; /* those that are answered stand before the others, and do not rest */
    }
    struct lookup_row *row = lookup_row_new(s, packed.ptr, (uint32_t)packed.len);
    head.size = row->size;
    *row = head;
    memcpy(row->packed, packed.ptr, packed.len);
    lookup_row_add(s, row);
    if (due_us)
        lookup_row_rest(s, row, due_us);
    return true;
}

struct loading {
    struct lookup_state *s;
    uint32_t part;
};

static bool key_load(void *context, void *value, struct reader *r)
{
    struct loading *l = context;
    struct lookup_key *key = lookup_key_of(l->s, value);

    if (key->first || key->cached)
        return false; /* twice */
    key->asked = reader_uvarint(r);
    if (reader_u8(r)) {
        int64_t came = reader_varint(r), used = reader_varint(r);
        key->order = reader_uvarint(r);
        struct lookup_found *found = r->bad ? NULL : found_load(l->s, r);
        if (!found)
            return false;
        lookup_cache_put(l->s, key, found, used);
        lookup_found_release(l->s, found);
        key->came_us = came;
    }
    uint64_t rows = reader_uvarint(r);
    for (uint64_t i = 0; i < rows; i++)
        if (r->bad || !row_load(l->s, key, l->part, r))
            return false;
    return !reader_left(r) && (rows || key->cached);
}

static int by_use(const void *a, const void *b)
{
    const struct lookup_key *x = *(struct lookup_key *const *)a, *y = *(struct lookup_key *const *)b;

    if (x->used_us != y->used_us)
        return x->used_us < y->used_us ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* The list of cached keys, in the order of their last use again. */
static void cache_reorder(struct lookup_state *s)
{
    struct lookup_key **all = xcalloc(s->cached + 1, sizeof(*all));
    size_t count = 0;

    for (struct lookup_key *key = s->oldest; key; key = key->newer)
        all[count++] = key;
    CHECK(count == s->cached);
    qsort(all, count, sizeof(*all), by_use);
    s->oldest = s->newest = NULL;
    for (size_t i = 0; i < count; i++) {
        all[i]->older = s->newest;
        all[i]->newer = NULL;
        *(s->newest ? &s->newest->newer : &s->oldest) = all[i];
        s->newest = all[i];
    }
    free(all);
}

/* Rows of several parts stand mixed: none may let pass what another one holds back. */
static void watermarks_level(struct lookup_state *s)
{
    int64_t least = INT64_MAX;

    for (int pass = 0; pass < 2; pass++) {
        struct sorted_at at = sorted_first();
        for (struct lookup_row *row; (row = sorted_get(&s->waiting, at)) != NULL; at = sorted_next(&s->waiting, at)) {
            if (pass)
                row->watermark_us = least;
            least = row->watermark_us < least ? row->watermark_us : least;
        }
    }
}

enum status lookup_load(const struct plan_node *node, void *state, struct op_ctx *ctx, struct reader *r)
{
    struct lookup_state *s = state;
    struct state_mine mine = {ctx->shard, ctx->shards};
    struct loading l = {s, ctx->loaded};
    uint64_t seq = reader_uvarint(r);

    (void)node;
    s->next_seq = seq > s->next_seq ? seq : s->next_seq;
    TRY(state_load(&s->keys, r, &mine, key_load, &l));
    cache_reorder(s);
    if (ctx->loaded)
        watermarks_level(s);
    lookup_dropped_free(s);
    return ST_OK;
}
