/* OVER aggregates in the order of a column that is no time (plan_over.time is TIME_NONE): each row again, with aggregates over the rows of its
 * partition that stand before it, as they change.
 *
 * A row that comes or goes changes the results of those behind it, so all rows of a partition are kept, in their
 * order, each with the result it was told with. At the end of a tick the partitions that have changed are computed
 * again from their first row, and what differs is told: rows that are gone first, then each row whose result is
 * another one.
 *
 *   equal values  stand as they came; by ROWS each has a result of its own, by RANGE all of them have one
 *   a frame       of so many rows is walked by two cursors: a row goes in at one, and out at the other
 *   NULLs         stand before all, as in Flink's ascending order */
#include "flow/ops/aggset.h"
#include "flow/ops/keyed.h"
#include "flow/ops/ops.h"
#include "flow/ops/told.h"
#include "store/state/sorted.h"

#include <stdlib.h>

#include "base/check.h"

struct value_row {
    struct value_row *next; /* of those that are gone */
    uint64_t seq;
    uint8_t *told;          /* the result, packed; NULL: not told yet */
    uint32_t told_size, size;
    uint8_t packed[];
};

struct value_key {
    struct sorted rows;
    struct value_row *gone, *gone_last; /* told, and taken back since */
    bool changed;                       /* it is in over_values.changed */
};

struct over_values {
    struct arena plan_arena, scratch, copies;
    const struct plan_over *plan;
    struct keyer keyer;
    struct pack pack, results; /* the input's columns; those of the aggregates */
    struct aggset set;
    struct state_table keys;   /* values: struct value_key * */
    struct state_heap heap;
    struct value_key **changed; /* in this tick, as they were first touched: told up to `cursor` */
    uint32_t changed_count, changed_cap, gone_cursor, cursor;
    uint64_t next_seq, rows;
    uint32_t emitted;           /* by this call */
    struct told_list told;      /* of struct value_row */
};

/* ---- open, close ---- */

static enum status values_open(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    const struct plan_over *p = &node->over;
    const struct plan_node *input = node->inputs[0].node;
    struct over_values *s = state;
    struct diag *diag = ctx->expr.diag;

    arena_init(&s->plan_arena, ARENA_BUDGET_NONE);
    arena_init(&s->scratch, ARENA_BUDGET_NONE);
    arena_init(&s->copies, ARENA_BUDGET_NONE);
    heap_init(&s->heap);
    s->plan = p;
    CHECK(!p->bounded || p->rows);
    uint16_t *columns = ARENA_ARRAY(&s->plan_arena, uint16_t, p->aggs_count + 1u);
    for (uint16_t i = 0; i < p->aggs_count; i++)
        columns[i] = (uint16_t)(input->columns_count + i);
    TRY(keyer_make(&s->keyer, &s->plan_arena, input, p->partition, p->partition_count, diag));
    TRY(pack_make(&s->pack, &s->plan_arena, input, NULL, input->columns_count, diag));
    TRY(pack_make(&s->results, &s->plan_arena, node, columns, p->aggs_count, diag));
    TRY(aggset_make(&s->set, &s->plan_arena, node, 0, diag));
    state_init(&s->keys, s->keyer.words, sizeof(struct value_key *));
    return ST_OK;
}

static void values_close(const struct plan_node *node, void *state)
{
    struct over_values *s = state;

    (void)node;
    state_deinit(&s->keys);
    heap_deinit(&s->heap);
    arena_deinit(&s->plan_arena);
    arena_deinit(&s->scratch);
    arena_deinit(&s->copies);
    free(s->changed);
    told_free(&s->told);
}

/* ---- rows ---- */

static int row_compare(const void *context, const void *a, const void *b)
{
    const struct over_values *s = context;
    const struct value_row *x = a, *y = b;
    int order = pack_compare(&s->pack, s->plan->column, x->packed, y->packed);

    return order ? order : x->seq < y->seq ? -1 : x->seq > y->seq;
}

static struct value_key *key_of(struct over_values *s, void *value)
{
    return keyed_made(&s->heap, value, sizeof(struct value_key));
}

static void key_changed(struct over_values *s, struct value_key *key)
{
    if (key->changed)
        return;
    key->changed = true;
    if (s->changed_count == s->changed_cap) {
        s->changed_cap = s->changed_cap ? 2 * s->changed_cap : 64;
        s->changed = xrealloc(s->changed, s->changed_cap * sizeof(*s->changed));
    }
    s->changed[s->changed_count++] = key;
}

static struct value_row *row_new(struct over_values *s, struct bytes packed)
{
    struct value_row *row = heap_alloc(&s->heap, sizeof(*row) + packed.len);

    *row = (struct value_row){.seq = s->next_seq++, .size = (uint32_t)packed.len};
    memcpy(row->packed, packed.ptr, packed.len);
    s->rows++;
    return row;
}

static void row_tell(struct over_values *s, struct value_row *row, struct bytes result)
{
    if (row->told)
        heap_free(&s->heap, row->told, row->told_size);
    row->told = heap_copy(&s->heap, result.ptr, result.len);
    row->told_size = (uint32_t)result.len;
}

static void row_free(struct over_values *s, struct value_row *row)
{
    if (row->told)
        heap_free(&s->heap, row->told, row->told_size);
    heap_free(&s->heap, row, sizeof(*row) + row->size);
    s->rows--;
}

static void key_lose(struct value_key *key, struct value_row *row)
{
    row->next = NULL;
    if (key->gone)
        key->gone_last->next = row;
    else
        key->gone = row;
    key->gone_last = row;
}

/* The first row with these bytes goes; one that is not there takes back nothing. */
static void row_take_back(struct over_values *s, struct value_key *key, struct bytes packed)
{
    struct value_row *like = row_new(s, packed), *row;

    like->seq = 0;
    struct sorted_at at = sorted_seek(&key->rows, row_compare, s, like);
    for (; (row = sorted_get(&key->rows, at)) != NULL; at = sorted_next(&key->rows, at)) {
        if (pack_compare(&s->pack, s->plan->column, row->packed, like->packed) != 0)
            row = NULL;
        if (!row || bytes_equal(bytes_of(row->packed, row->size), packed))
            break;
    }
    row_free(s, like);
    if (!row)
        return;
    sorted_remove(&key->rows, &s->heap, at);
    if (row->told)
        key_lose(key, row);
    else
        row_free(s, row);
    key_changed(s, key);
}

static enum status values_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx, int input,
                                   const struct chunk *in)
{
    struct over_values *s = state;
    uint16_t all[CHUNK_ROWS];
    int8_t weights_room[CHUNK_ROWS];
    void *values[CHUNK_ROWS];
    uint8_t *packed[CHUNK_ROWS];
    uint32_t sizes[CHUNK_ROWS];
    struct state_keys keys;

    (void)node;
    (void)input;
    const uint16_t *rows = chunk_rows(in, all);
    const int8_t *weights = chunk_weights(in, rows, in->count, weights_room);
    keyer_keys(&s->keyer, in->cols, rows, in->count, ctx->arena, &keys);
    state_upsert(&s->keys, &keys, NULL, in->count, values, NULL);
    pack_rows(&s->pack, ctx->arena, in->cols, rows, in->count, packed, sizes);
    for (uint16_t i = 0; i < in->count; i++) {
        struct value_key *key = key_of(s, values[i]);
        struct bytes bytes = bytes_of(packed[i], sizes[i]);
        if (weights && weights[i] < 0) {
            row_take_back(s, key, bytes);
            continue;
        }
        struct value_row *row = row_new(s, bytes);
        sorted_insert(&key->rows, &s->heap, sorted_seek(&key->rows, row_compare, s, row), row);
        key_changed(s, key);
    }
    return ST_OK;
}

/* ---- what comes out ---- */

/* Changes of one chunk: rows with their results, both packed. */
struct changes {
    const uint8_t *rows[CHUNK_ROWS], *results[CHUNK_ROWS];
    uint8_t kinds[CHUNK_ROWS];
    uint16_t count;
};

static void change_add(struct changes *out, const struct value_row *row, const uint8_t *result, enum row_kind kind)
{
    out->rows[out->count] = row->packed;
    out->results[out->count] = result;
    out->kinds[out->count++] = (uint8_t)kind;
}

static enum status changes_emit(const struct plan_node *node, struct over_values *s, struct op_ctx *ctx,
                                const struct changes *changes)
{
    if (!changes->count)
        return ST_OK;
    struct column *cols = ARENA_ARRAY(&s->scratch, struct column, node->columns_count + 1u);
    CHECK(node->columns_count == s->pack.count + s->results.count);
    pack_read_all(&s->pack, changes->rows, changes->count, &s->scratch, cols);
    pack_read_all(&s->results, changes->results, changes->count, &s->scratch, cols + s->pack.count);
    struct chunk out = {.cols = cols, .count = changes->count, .rows = changes->count,
                        .col_count = node->columns_count, .kinds = changes->kinds};
    s->emitted += changes->count;
    return op_emit(ctx, &out);
}

static enum status tell_gone(const struct plan_node *node, struct over_values *s, struct op_ctx *ctx,
                             struct value_key *key)
{
    struct changes changes;

    while (key->gone) {
        changes.count = 0;
        for (const struct value_row *row = key->gone; row && changes.count < CHUNK_ROWS; row = row->next)
            change_add(&changes, row, row->told, ROW_DELETE);
        TRY(changes_emit(node, s, ctx, &changes));
        arena_reset(&s->scratch);
        for (uint16_t i = 0; i < changes.count; i++) {
            struct value_row *row = key->gone;
            key->gone = row->next;
            row_free(s, row);
        }
    }
    return ST_OK;
}

/* Of some rows with their results, those whose result is another than they were told with. */
static enum status tell_some(const struct plan_node *node, struct over_values *s, struct op_ctx *ctx,
                             const struct told *told, uint16_t count)
{
    void *results[CHUNK_ROWS];
    bool copied[CHUNK_ROWS];
    uint16_t all[CHUNK_ROWS];
    uint8_t *packed[CHUNK_ROWS];
    uint32_t sizes[CHUNK_ROWS];
    struct changes changes;

    for (uint16_t i = 0; i < count; i++) {
        results[i] = told[i].result;
        copied[i] = true;
        all[i] = i;
    }
    struct column *cols = ARENA_ARRAY(&s->scratch, struct column, node->columns_count + 1u);
    aggtable_results(&s->set, results, copied, count, &s->scratch, cols + s->pack.count);
    pack_rows(&s->results, &s->scratch, cols, all, count, packed, sizes);
    changes.count = 0;
    for (uint16_t i = 0; i < count; i++) {
        const struct value_row *row = told[i].row;
        if (row->told && bytes_equal(bytes_of(row->told, row->told_size), bytes_of(packed[i], sizes[i]))) {
            packed[i] = NULL;
            continue;
        }
        if (row->told)
            change_add(&changes, row, row->told, ROW_UPDATE_BEFORE);
        change_add(&changes, row, packed[i], row->told ? ROW_UPDATE_AFTER : ROW_INSERT);
    }
    TRY(changes_emit(node, s, ctx, &changes));
    for (uint16_t i = 0; i < count; i++)
        if (packed[i])
            row_tell(s, told[i].row, bytes_of(packed[i], sizes[i]));
    arena_reset(&s->scratch);
    return ST_OK;
}

/* All rows whose result is known; each may be two changes. */
static enum status tell_ready(const struct plan_node *node, struct over_values *s, struct op_ctx *ctx)
{
    for (uint32_t at = 0; at < s->told.ready;) {
        uint32_t left = s->told.ready - at;
        uint16_t count = (uint16_t)(left < CHUNK_ROWS / 2 ? left : CHUNK_ROWS / 2);
        TRY(tell_some(node, s, ctx, s->told.items + at, count));
        at += count;
    }
    told_done(&s->told);
    arena_reset(&s->copies);
    return ST_OK;
}

/* ---- a partition computed again ---- */

/* Whether a row has the result of the one behind it too. */
static bool shares_result(const struct over_values *s, const struct value_row *row, const struct value_row *behind)
{
    return !s->plan->rows && behind && pack_compare(&s->pack, s->plan->column, row->packed, behind->packed) == 0;
}

/* A walk over the rows of a partition: the one group of a table of its own, into which they go. */
struct walk {
    struct value_key *key;
    struct aggtable table;
    void *group;
    const struct value_row *last; /* that went in; NULL: none */
    int64_t peers;                /* groups of equal rows met so far */
    uint32_t inside;              /* rows that are in */
    struct sorted_at first;       /* of those, where the frame is bounded */
};

static void walk_begin(struct over_values *s, struct op_ctx *ctx, struct walk *w, struct value_key *key)
{
    struct state_keys keys;
    const uint16_t row = 0;
    struct keyer one;
    uint8_t fresh;

    *w = (struct walk){.key = key, .first = sorted_first()};
    one = (struct keyer){.words = 1};
    keyer_keys(&one, NULL, &row, 1, ctx->arena, &keys);
    aggtable_init(&w->table, &s->set, one.words);
    state_upsert(&w->table.groups, &keys, NULL, 1, &w->group, &fresh);
    aggtable_start(&w->table, &s->set, &w->group, &fresh, 1);
}

/* All rows that are told but have no result yet have the one that the group has now. */
static void walk_result(struct over_values *s, struct walk *w)
{
    told_result(&s->told, aggtable_copy(&w->table, &s->set, w->group, &s->copies));
}

/* Of each row, which group of equal ones it is in. */
static struct column peers_of(struct over_values *s, struct walk *w, struct value_row *const *rows, uint16_t count)
{
    int64_t *peers = ARENA_ARRAY(&s->scratch, int64_t, count + 1u);

    for (uint16_t i = 0; i < count; i++) {
        w->peers += !w->last || pack_compare(&s->pack, s->plan->column, w->last->packed, rows[i]->packed) != 0;
        w->last = rows[i];
        peers[i] = w->peers;
    }
    return (struct column){.data = peers};
}

static enum status walk_inputs(struct over_values *s, struct op_ctx *ctx, const uint8_t *const *packed, uint16_t count,
                               struct agg_inputs *inputs)
{
    struct column *cols = ARENA_ARRAY(&s->scratch, struct column, s->pack.count + 1u);

    pack_read_all(&s->pack, packed, count, &s->scratch, cols);
    struct chunk in = {.cols = cols, .count = count, .rows = count, .col_count = s->pack.count};
    return aggset_eval(&s->set, &ctx->expr, &in, inputs);
}

/* Rows that follow each other go in; `behind`: the one behind them, or NULL. */
static enum status walk_on(struct over_values *s, struct op_ctx *ctx, struct walk *w, struct value_row *const *rows,
                           uint16_t count, const struct value_row *behind)
{
    const uint8_t *packed[CHUNK_ROWS];
    uint16_t all[CHUNK_ROWS], from = 0;
    void *values[CHUNK_ROWS];
    struct agg_inputs inputs;

    for (uint16_t i = 0; i < count; i++) {
        packed[i] = rows[i]->packed;
        all[i] = i;
        values[i] = w->group;
    }
    TRY(walk_inputs(s, ctx, packed, count, &inputs));
    struct column peers = peers_of(s, w, rows, count);
    inputs.peers = &peers;
    for (uint16_t i = 0; i < count; i++) {
        bool shares = shares_result(s, rows[i], i + 1 < count ? rows[i + 1] : behind);
        told_add(&s->told, rows[i]);
        if (shares && i + 1 < count)
            continue;
        aggtable_update(&w->table, &s->set, &s->scratch, &inputs, all + from, NULL, values + from, (uint16_t)(i + 1 - from));
        from = (uint16_t)(i + 1);
        if (!shares)
            walk_result(s, w);
    }
    return ST_OK;
}

/* The same of a frame of so many rows: as each row goes in, the first one leaves when there are too many. */
static enum status walk_frame(struct over_values *s, struct op_ctx *ctx, struct walk *w, struct value_row *const *rows,
                              uint16_t count)
{
    static const int8_t enters[1] = {1}, leaves[1] = {-1};
    const uint8_t *packed[CHUNK_ROWS];
    uint16_t row, last = count;
    struct agg_inputs inputs;

    CHECK(2 * count <= CHUNK_ROWS);
    for (uint16_t i = 0; i < count; i++)
        packed[i] = rows[i]->packed;
    for (uint32_t inside = w->inside + count; inside > s->plan->preceding + 1; inside--) {
        packed[last++] = ((const struct value_row *)sorted_get(&w->key->rows, w->first))->packed;
        w->first = sorted_next(&w->key->rows, w->first);
    }
    TRY(walk_inputs(s, ctx, packed, last, &inputs));
    uint16_t leaving = count;
    for (uint16_t i = 0; i < count; i++) {
        row = i;
        aggtable_update(&w->table, &s->set, &s->scratch, &inputs, &row, enters, &w->group, 1);
        if (++w->inside > s->plan->preceding + 1) {
            row = leaving++;
            aggtable_update(&w->table, &s->set, &s->scratch, &inputs, &row, leaves, &w->group, 1);
            w->inside--;
        }
        told_add(&s->told, rows[i]);
        walk_result(s, w);
    }
    CHECK(leaving == last);
    return ST_OK;
}

static enum status tell_key(const struct plan_node *node, struct over_values *s, struct op_ctx *ctx,
                            struct value_key *key)
{
    struct value_row *rows[CHUNK_ROWS / 2];
    struct sorted_at at = sorted_first();
    enum status st = ST_OK;
    struct walk w;

    walk_begin(s, ctx, &w, key);
    while (st == ST_OK && sorted_get(&key->rows, at)) {
        uint16_t count = 0;
        for (; count < CHUNK_ROWS / 2 && (rows[count] = sorted_get(&key->rows, at)) != NULL; count++)
            at = sorted_next(&key->rows, at);
        st = s->plan->bounded ? walk_frame(s, ctx, &w, rows, count)
                              : walk_on(s, ctx, &w, rows, count, sorted_get(&key->rows, at));
        arena_reset(&s->scratch);
        if (st == ST_OK)
            st = tell_ready(node, s, ctx);
    }
    aggtable_deinit(&w.table, &s->set);
    return st;
}

/* A partition without rows goes. */
static bool key_look(void *context, void *value)
{
    struct over_values *s = context;
    struct value_key *key = key_of(s, value);

    if (key->rows.count || key->changed)
        return false;
    heap_free(&s->heap, key, sizeof(*key));
    return true;
}

static enum status values_on_tick_end(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    struct over_values *s = state;

    s->emitted = 0;
    for (; s->gone_cursor < s->changed_count; s->gone_cursor++) { /* first: a row may have gone to another partition */
        if (s->emitted >= OP_EMIT_ROWS)
            return ST_AGAIN;
        TRY(tell_gone(node, s, ctx, s->changed[s->gone_cursor]));
    }
    while (s->cursor < s->changed_count) {
        if (s->emitted >= OP_EMIT_ROWS)
            return ST_AGAIN;
        TRY(tell_key(node, s, ctx, s->changed[s->cursor]));
        s->changed[s->cursor++]->changed = false;
    }
    (void)state_look(&s->keys, s->cursor + 64, key_look, s);
    s->cursor = s->gone_cursor = s->changed_count = 0;
    return ST_OK;
}

/* ---- checkpoints: keys, each count of rows, of those that are gone, then both: bytes, result (empty: not told) ---- */

static void row_save(const struct value_row *row, struct buf *out)
{
    buf_sized(out, bytes_of(row->packed, row->size));
    buf_sized(out, bytes_of(row->told, row->told ? row->told_size : 0));
}

static void key_save(void *context, const void *value, struct buf *out)
{
    const struct value_key *key = keyed_piece(value);
    struct sorted_at at = sorted_first();
    uint64_t gone = 0;

    (void)context;
    for (const struct value_row *row = key->gone; row; row = row->next)
        gone++;
    buf_uvarint(out, key->rows.count);
    buf_uvarint(out, gone);
    for (const struct value_row *row; (row = sorted_get(&key->rows, at)) != NULL; at = sorted_next(&key->rows, at))
        row_save(row, out);
    for (const struct value_row *row = key->gone; row; row = row->next)
        row_save(row, out);
}

static void values_save(const struct plan_node *node, const void *state, struct snap_writer *w)
{
    const struct over_values *s = state;

    (void)node;
    state_save(&s->keys, w, key_save, NULL);
}

static struct value_row *row_load(struct over_values *s, struct reader *r)
{
    struct bytes packed = reader_sized(r), told = reader_sized(r);

    if (r->bad || !pack_check(&s->pack, packed.ptr, packed.len) ||
        (told.len && !pack_check(&s->results, told.ptr, told.len)))
        return NULL;
    struct value_row *row = row_new(s, packed);
    if (told.len)
        row_tell(s, row, told);
    return row;
}

static bool key_load(void *context, void *value, struct reader *r)
{
    struct over_values *s = context;
    struct value_key *key = key_of(s, value);
    const struct value_row *before = NULL;
    uint64_t count = reader_uvarint(r), gone = reader_uvarint(r);

    if (r->bad || key->rows.count || key->gone)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        struct value_row *row = row_load(s, r);
        if (!row || (before && row_compare(s, before, row) >= 0))
            return false;
        before = row;
        sorted_insert(&key->rows, &s->heap, sorted_nth(&key->rows, key->rows.count), row);
        if (!row->told)
            key_changed(s, key);
    }
    for (uint64_t i = 0; i < gone; i++) {
        struct value_row *row = row_load(s, r);
        if (!row || !row->told)
            return false;
        key_lose(key, row);
        key_changed(s, key);
    }
    return !reader_left(r);
}

static enum status values_load(const struct plan_node *node, void *state, struct op_ctx *ctx, struct reader *r)
{
    struct over_values *s = state;
    struct state_mine mine = {ctx->shard, ctx->shards};

    (void)node;
    return state_load(&s->keys, r, &mine, key_load, s);
}

static void values_measure(const struct plan_node *node, const void *state, uint64_t *rows, uint64_t *bytes)
{
    const struct over_values *s = state;

    (void)node;
    *rows = s->rows;
    *bytes = state_bytes(&s->keys) + s->heap.used_bytes;
}

const struct op_class op_over_values = {
    .name = "OverAggregate",
    .state_size = sizeof(struct over_values),
    .open = values_open,
    .on_chunk = values_on_chunk,
    .on_tick_end = values_on_tick_end,
    .save = values_save,
    .load = values_load,
    .close = values_close,
    .measure = values_measure,
};
