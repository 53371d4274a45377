/* The event-time temporal join: each row of the left meets the version of its key that held at the row's time.
 *
 * Left rows wait until the watermark, the least of both sides, passes their time: then all versions up to it
 * are there. They are told in the order of their times, then of their origins, then as they came. Where the left
 * is updated, changes of one key are told in the order they came, so none before one that waits for a later time.
 *
 *   versions  by key; a +I or +U is the row from its time on, a -D says that it is gone from its time on, a -U
 *             tells nothing (what comes instead does). Of two of one time the later one stands
 *   bounded   of the versions up to the watermark the newest is kept, for rows that come
 *   late      a left row at or behind the watermark is told with the next one, as long as the version of its time
 *             is known; it is late when that has been forgotten. A version is late when a newer one already holds
 *             at the watermark: it could meet such rows alone
 *
 * What is late does not depend on when old versions are freed: that is done as work goes on. */
#include "flow/ops/join_side.h"
#include "flow/ops/keyed.h"
#include "flow/ops/ops.h"
#include "flow/ops/versions.h"

#include "base/check.h"

struct temporal_key {
    struct sorted versions;
    struct sorted rows; /* of the left, that wait */
};

struct left_row {
    struct temporal_key *key;
    int64_t time;
    int64_t due; /* when it is told: its time, or that of the row of its key that it stands behind */
    struct origin origin;
    uint64_t seq;
    uint32_t size;
    uint8_t kind;
    _Alignas(8) uint8_t packed[];
};

struct temporal_join {
    struct arena plan_arena, scratch, test_scratch;
    struct keyer keyers[2];
    struct pack packs[2];
    struct join_test test;
    struct state_table keys; /* values: struct temporal_key * */
    struct state_heap heap;
    struct sorted waiting;   /* all rows that wait */
    int64_t watermark;       /* all up to it is told */
    uint64_t next_seq, versions_count;
    bool padded, in_order;   /* in_order: the left is updated */
};

/* ---- open, close ---- */

static enum status join_open(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    const struct plan_join *p = &node->join;
    const struct plan_node *left = node->inputs[0].node, *right = node->inputs[1].node;
    struct temporal_join *s = state;
    struct diag *diag = ctx->expr.diag;

    arena_init(&s->plan_arena, ARENA_BUDGET_NONE);
    arena_init(&s->scratch, ARENA_BUDGET_NONE);
    arena_init(&s->test_scratch, ARENA_BUDGET_NONE);
    heap_init(&s->heap);
    s->watermark = INT64_MIN;
    s->padded = p->kind == JOIN_LEFT;
    s->in_order = left->changes != 0;
    TRY(keyer_make(&s->keyers[0], &s->plan_arena, left, p->left_keys, p->keys_count, diag));
    TRY(keyer_make(&s->keyers[1], &s->plan_arena, right, p->right_keys, p->keys_count, diag));
    TRY(join_keys_fit(&s->keyers[0], &s->keyers[1], diag));
    TRY(pack_make(&s->packs[0], &s->plan_arena, left, NULL, left->columns_count, diag));
    TRY(pack_make(&s->packs[1], &s->plan_arena, right, NULL, right->columns_count, diag));
    join_test_make(&s->test, &s->plan_arena, p->condition, &s->packs[0], &s->packs[1]);
    state_init(&s->keys, s->keyers[0].words, sizeof(struct temporal_key *));
    return ST_OK;
}

static void join_close(const struct plan_node *node, void *state)
{
    struct temporal_join *s = state;

    (void)node;
    state_deinit(&s->keys);
    heap_deinit(&s->heap);
    arena_deinit(&s->plan_arena);
    arena_deinit(&s->scratch);
    arena_deinit(&s->test_scratch);
}

/* ---- rows ---- */

static int row_compare(const void *context, const void *a, const void *b)
{
    const struct left_row *x = a, *y = b;

    (void)context;
    if (x->due != y->due)
        return x->due < y->due ? -1 : 1;
    int order = origin_compare(&x->origin, &y->origin);
    return order ? order : x->seq < y->seq ? -1 : x->seq > y->seq;
}

static struct temporal_key *key_of(struct temporal_join *s, void *value)
{
    return keyed_made(&s->heap, value, sizeof(struct temporal_key));
}

/* It waits, at its place. row: all but its due and seq; packed is copied. */
static void row_add(struct temporal_join *s, const struct left_row *row, const uint8_t *packed)
{
    struct sorted *rows = &row->key->rows;
    struct left_row *kept = heap_alloc(&s->heap, sizeof(*row) + row->size);

    *kept = *row;
    kept->seq = s->next_seq++;
    kept->due = row->time;
    if (s->in_order)
        kept->origin = (struct origin){0, 0};
    if (s->in_order && rows->count) {
        const struct left_row *last = sorted_get(rows, sorted_last(rows));
        kept->due = last->due > row->time ? last->due : row->time;
    }
    memcpy(kept->packed, packed, row->size);
    sorted_insert(rows, &s->heap, sorted_seek(rows, row_compare, NULL, kept), kept);
    sorted_insert(&s->waiting, &s->heap, sorted_seek(&s->waiting, row_compare, NULL, kept), kept);
}

static void row_free(struct temporal_join *s, struct left_row *row)
{
    struct sorted *rows = &row->key->rows;

    sorted_remove(rows, &s->heap, sorted_seek(rows, row_compare, NULL, row));
    sorted_remove(&s->waiting, &s->heap, sorted_seek(&s->waiting, row_compare, NULL, row));
    heap_free(&s->heap, row, sizeof(*row) + row->size);
}

/* Frees what is past, but for what rows that wait may meet. */
static void forget(struct temporal_join *s, struct temporal_key *key)
{
    const struct left_row *first = sorted_get(&key->rows, sorted_first());
    int64_t until = first && first->time < s->watermark ? first->time : s->watermark;

    if (!first || !s->in_order)
        s->versions_count -= version_forget(&key->versions, &s->heap, until);
}

/* A version after this time already holds at the watermark. */
static bool is_past(const struct temporal_join *s, const struct temporal_key *key, int64_t time)
{
    if (time > s->watermark)
        return false;
    const struct version *v = version_at(&key->versions, s->watermark);
    return v && v->time > time;
}

static void version_add(struct temporal_join *s, struct temporal_key *key, int64_t time, uint8_t kind,
                        const uint8_t *packed, uint32_t size)
{
    uint32_t before = key->versions.count;

    version_put(&key->versions, &s->heap, time, packed, kind == ROW_DELETE ? 0 : size);
    s->versions_count += key->versions.count - before;
    forget(s, key);
}

static enum status times_check(struct op_ctx *ctx, const struct chunk *in, const uint16_t *rows,
                               const struct column *time)
{
    for (uint16_t i = 0; i < in->count; i++)
        if (!column_valid(time, rows[i]))
            return diag_set(ctx->expr.diag, ST_INVALID, DIAG_VALUE,
                            "the time of a row is NULL; FOR SYSTEM_TIME AS OF needs one: filter such rows, or "
                            "give a default with COALESCE");
    return ST_OK;
}

/* Rows that can meet something or come alone, as indexes among the live ones. */
static uint16_t rows_useful(const struct temporal_join *s, int input, const struct chunk *in,
                            const uint16_t *rows, const struct state_keys *keys, uint16_t *which)
{
    uint16_t n = 0;

    for (uint16_t i = 0; i < in->count; i++) {
        bool null = keyer_has_null(&s->keyers[input], keys, i);
        bool told = input == 0 ? s->padded || !null : !null && chunk_kind(in, rows[i]) != ROW_UPDATE_BEFORE;
        which[n] = i;
        n = (uint16_t)(n + told);
    }
    return n;
}

static enum status join_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx, int input,
                                 const struct chunk *in)
{
    struct temporal_join *s = state;
    const struct column *time = &in->cols[input ? node->join.right_time : node->join.left_time];
    const int64_t *times = time->data;
    uint16_t all[CHUNK_ROWS], which[CHUNK_ROWS], late[CHUNK_ROWS], late_count = 0;
    void *values[CHUNK_ROWS];
    uint8_t *packed[CHUNK_ROWS];
    uint32_t sizes[CHUNK_ROWS];
    struct state_keys keys;

    const uint16_t *rows = chunk_rows(in, all);
    TRY(times_check(ctx, in, rows, time));
    keyer_keys(&s->keyers[input], in->cols, rows, in->count, ctx->arena, &keys);
    uint16_t count = rows_useful(s, input, in, rows, &keys, which);
    state_upsert(&s->keys, &keys, which, count, values, NULL);
    pack_rows(&s->packs[input], ctx->arena, in->cols, rows, in->count, packed, sizes);
    for (uint16_t k = 0; k < count; k++) {
        uint16_t i = which[k], row = rows[i];
        struct temporal_key *key = key_of(s, values[k]);
        if (is_past(s, key, times[row]))
            late[late_count++] = row;
        else if (input)
            version_add(s, key, times[row], chunk_kind(in, row), packed[i], sizes[i]);
        else
            row_add(s,
                    &(struct left_row){.key = key,
                                       .time = times[row],
                                       .size = sizes[i],
                                       .kind = chunk_kind(in, row),
                                       .origin = in->origins ? in->origins[row] : (struct origin){0, 0}},
                    packed[i]);
    }
    if (late_count)
        op_late(ctx, input, in, late, late_count);
    return ST_OK;
}

/* ---- what comes out ---- */

/* Tells the first rows that wait until then, at most a chunk of them; how many: *told. */
static enum status tell_some(struct temporal_join *s, struct join_out *out, int64_t until, uint16_t *told)
{
    struct left_row *rows[CHUNK_ROWS];
    const uint8_t *left[CHUNK_ROWS], *right[CHUNK_ROWS];
    uint8_t pass[CHUNK_ROWS];
    uint16_t count = 0;

    for (struct sorted_at at = sorted_first(); count < CHUNK_ROWS; at = sorted_next(&s->waiting, at)) {
        struct left_row *row = sorted_get(&s->waiting, at);
        if (!row || row->due > until)
            break;
        const struct version *v = version_at(&row->key->versions, row->time);
        rows[count] = row;
        left[count] = row->packed;
        right[count++] = v && v->size ? v->packed : NULL;
    }
    enum status st = join_test_pairs(&s->test, out->ctx, &s->test_scratch, left, right, count, pass);
    arena_reset(&s->test_scratch);
    for (uint16_t i = 0; i < count && st == ST_OK; i++)
        if (pass[i] || s->padded)
            st = join_out_add(out, left[i], pass[i] ? right[i] : NULL, rows[i]->kind);
    if (st == ST_OK)
        st = join_out_flush(out);
    for (uint16_t i = 0; i < count && st == ST_OK; i++)
        row_free(s, rows[i]);
    *told = count;
    return st;
}

/* Versions that are past go, and the key if it has nothing else. */
static bool key_look(void *context, void *value)
{
    struct temporal_join *s = context;
    struct temporal_key *key = key_of(s, value);

    forget(s, key);
    if (key->rows.count || key->versions.count)
        return false;
    heap_free(&s->heap, key, sizeof(*key));
    return true;
}

static enum status join_on_watermark(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                     int64_t watermark_us)
{
    struct temporal_join *s = state;
    struct join_out *out = arena_alloc(ctx->arena, sizeof(*out));
    uint32_t done = 0;
    uint16_t told;

    *out = (struct join_out){.node = node, .ctx = ctx, .scratch = &s->scratch,
                             .packs = {&s->packs[0], &s->packs[1]}};
    do {
        if (done >= OP_EMIT_ROWS)
            return ST_AGAIN;
        TRY(tell_some(s, out, watermark_us, &told));
        done += told;
    } while (told == CHUNK_ROWS);
    s->watermark = watermark_us;
    (void)state_look(&s->keys, done + 64, key_look, s);
    return ST_OK;
}

/* ---- checkpoints: watermark; keys, each its versions, then u count and the rows: time, kind, origin, bytes ---- */

static void key_save(void *context, const void *value, struct buf *out)
{
    const struct temporal_key *key = keyed_piece(value);
    struct sorted_at at = sorted_first();

    (void)context;
    versions_save(&key->versions, out);
    buf_uvarint(out, key->rows.count);
    for (const struct left_row *row; (row = sorted_get(&key->rows, at)) != NULL;
         at = sorted_next(&key->rows, at)) {
        buf_varint(out, row->time);
        buf_u8(out, row->kind);
        buf_uvarint(out, (uint64_t)row->origin.split);
        buf_varint(out, row->origin.offset);
        buf_sized(out, bytes_of(row->packed, row->size));
    }
}

static void join_save(const struct plan_node *node, const void *state, struct snap_writer *w)
{
    const struct temporal_join *s = state;

    (void)node;
    buf_u64_le(&w->buf, (uint64_t)s->watermark);
    state_save(&s->keys, w, key_save, NULL);
}

static bool key_load(void *context, void *value, struct reader *r)
{
    struct temporal_join *s = context;
    struct temporal_key *key = key_of(s, value);

    if (key->versions.count || key->rows.count || !versions_load(&key->versions, &s->heap, &s->packs[1], r))
        return false;
    s->versions_count += key->versions.count;
    uint64_t count = reader_uvarint(r);
    for (uint64_t i = 0; i < count; i++) {
        struct left_row row = {.key = key, .time = reader_varint(r), .kind = reader_u8(r)};
        row.origin.split = (int64_t)reader_uvarint(r);
        row.origin.offset = reader_varint(r);
        struct bytes packed = reader_sized(r);
        if (r->bad || row.kind > ROW_DELETE || !pack_check(&s->packs[0], packed.ptr, packed.len))
            return false;
        row.size = (uint32_t)packed.len;
        row_add(s, &row, packed.ptr);
    }
    return !reader_left(r);
}

static enum status join_load(const struct plan_node *node, void *state, struct op_ctx *ctx, struct reader *r)
{
    struct temporal_join *s = state;
    struct state_mine mine = {ctx->shard, ctx->shards};

    (void)node;
    s->watermark = op_load_time(ctx, s->watermark, (int64_t)reader_u64_le(r));
    return state_load(&s->keys, r, &mine, key_load, s);
}

static void join_measure(const struct plan_node *node, const void *state, uint64_t *rows, uint64_t *bytes)
{
    const struct temporal_join *s = state;

    (void)node;
    *rows = s->waiting.count + s->versions_count;
    *bytes = state_bytes(&s->keys) + s->heap.held_bytes;
}

const struct op_class op_temporal_join = {
    .name = "TemporalJoin",
    .state_size = sizeof(struct temporal_join),
    .open = join_open,
    .on_chunk = join_on_chunk,
    .on_watermark = join_on_watermark,
    .save = join_save,
    .load = join_load,
    .close = join_close,
    .measure = join_measure,
};
