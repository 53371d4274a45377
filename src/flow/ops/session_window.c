/* SESSION as a table function: rows of one key whose times are apart by no more than the gap are of one
 * window, from the first time to the last and the gap. Rows are held until the watermark passes the end of
 * their session; then they are passed on, with window_start, window_end and window_time behind their columns.
 *
 * A row opens [t, t + gap), which joins all sessions of its key that it touches, unless they are closed: a
 * closed session that is still owed takes no more rows. A row that finds none, and whose own window is
 * closed, is late. Sessions of processing time are closed by the tick's clock, and all by the end of input.
 *
 * Sessions are told by their end, their start, their age; the rows of one as they came, those of a session
 * that joined it behind its own. What is told leaves the state.
 *
 * A row that is taken back leaves its session, which keeps its bounds, as in Flink: also one that has no row left. */
#include "flow/ops/ops.h"
#include "flow/ops/pack.h"
#include "flow/ops/windows.h"
#include "store/state/sorted.h"

#include <stdlib.h>

#include "base/check.h"

struct held_row {
    struct held_row *next;
    struct origin origin; /* 0, 0 where rows have none */
    uint32_t size;
    bool gone; /* taken back, and not told; its session has its key by it */
    uint8_t packed[];
};

struct session {
    int64_t start, end;
    uint64_t age; /* tells sessions of equal times apart */
    struct held_row *first, *last;
    struct session *next; /* of its key */
};

struct sessions { /* the value of a key */
    struct session *first;
    uint64_t gone;
};

struct session_window {
    struct arena plan_arena, scratch;
    struct windows windows;
    struct keyer keyer;
    struct pack pack;
    struct state_table keys;
    struct state_heap heap;
    struct sorted open;  /* all sessions, by end, start, age */
    bool retracts;
    int64_t judge_end;   /* sessions that end at or before it are closed */
    uint64_t next_age, rows;
};

/* ---- open, close ---- */

static enum status session_open(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    const struct plan_window *p = &node->window;
    const struct plan_node *input = node->inputs[0].node;
    struct session_window *s = state;
    struct diag *diag = ctx->expr.diag;

    arena_init(&s->plan_arena, ARENA_BUDGET_NONE);
    arena_init(&s->scratch, ARENA_BUDGET_NONE);
    heap_init(&s->heap);
    s->judge_end = INT64_MIN;
    s->retracts = input->changes != 0;
    TRY(windows_make(&s->windows, p, input, &ctx->expr));
    TRY(keyer_make(&s->keyer, &s->plan_arena, input, p->partition, p->partition_count, diag));
    TRY(pack_make(&s->pack, &s->plan_arena, input, NULL, input->columns_count, diag));
    state_init(&s->keys, s->keyer.words, sizeof(struct sessions));
    return ST_OK;
}

static void session_close(const struct plan_node *node, void *state)
{
    struct session_window *s = state;

    (void)node;
    state_deinit(&s->keys);
    heap_deinit(&s->heap);
    arena_deinit(&s->plan_arena);
    arena_deinit(&s->scratch);
}

static bool is_proc(const struct plan_node *node)
{
    return node->window.time == TIME_PROC;
}

/* ---- sessions ---- */

static int session_compare(const void *context, const void *a, const void *b)
{
    const struct session *x = a, *y = b;

    (void)context;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->age < y->age ? -1 : x->age > y->age;
}

static void open_put(struct session_window *s, struct session *one)
{
    sorted_insert(&s->open, &s->heap, sorted_seek(&s->open, session_compare, NULL, one), one);
}

static void open_take(struct session_window *s, struct session *one)
{
    struct sorted_at at = sorted_seek(&s->open, session_compare, NULL, one);

    CHECK(sorted_get(&s->open, at) == one);
    sorted_remove(&s->open, &s->heap, at);
}

static struct session *session_new(struct session_window *s, struct sessions *key, int64_t start,
                                   int64_t end)
{
    struct session *one = heap_alloc(&s->heap, sizeof(*one));

    *one = (struct session){.start = start, .end = end, .age = s->next_age++, .next = key->first};
    key->first = one;
    return one;
}

static struct held_row *row_new(struct session_window *s, struct bytes packed, struct origin origin)
{
    struct held_row *row = heap_alloc(&s->heap, sizeof(*row) + packed.len);

    *row = (struct held_row){.origin = origin, .size = (uint32_t)packed.len};
    memcpy(row->packed, packed.ptr, packed.len);
    s->rows++;
    return row;
}

static void row_append(struct session *one, struct held_row *row)
{
    if (one->last)
        one->last->next = row;
    else
        one->first = row;
    one->last = row;
}

/* The open session of the key with the rows of [start, end); NULL: it is told. */
static struct session *session_holding(const struct session_window *s, const struct sessions *key, int64_t start,
                                       int64_t end)
{
    for (struct session *one = key->first; one; one = one->next)
        if (one->start <= start && end <= one->end && one->end > s->judge_end)
            return one;
    return NULL;
}

/* The row of the session with these bytes goes; the only one stays, as one that is gone. A row that is not there was
 * late. */
static void row_take_back(struct session_window *s, struct session *one, struct bytes packed)
{
    struct held_row *before = NULL, *row = one->first;

    for (; row && (row->gone || !bytes_equal(bytes_of(row->packed, row->size), packed)); row = row->next)
        before = row;
    if (!row)
        return;
    if (!before && !row->next) {
        row->gone = true;
        return;
    }
    if (before)
        before->next = row->next;
    else
        one->first = row->next;
    if (one->last == row)
        one->last = before;
    heap_free(&s->heap, row, sizeof(*row) + row->size);
    s->rows--;
}

/* The session of the key that [start, end) belongs to, in no order of s->open; NULL: it is late. */
static struct session *session_of(struct session_window *s, struct sessions *key, int64_t start,
                                  int64_t end, bool proc)
{
    struct session *into = NULL;

    for (struct session **link = &key->first, *one; (one = *link) != NULL;) {
        if (one->start > end || start > one->end || one->end <= s->judge_end) {
            link = &one->next;
            continue;
        }
        open_take(s, one);
        if (!into) {
            into = one;
            link = &one->next;
            continue;
        }
        into->start = one->start < into->start ? one->start : into->start;
        into->end = one->end > into->end ? one->end : into->end;
        into->last->next = one->first;
        into->last = one->last;
        *link = one->next;
        heap_free(&s->heap, one, sizeof(*one));
    }
    if (!into)
        return end <= s->judge_end && !proc ? NULL : session_new(s, key, start, end);
    into->start = start < into->start ? start : into->start;
    into->end = end > into->end ? end : into->end;
    return into;
}

static void keys_sweep(struct session_window *s, void *const *values, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        struct sessions *key = values[i];
        if (!key || key->first || key->gone)
            continue;
        key->gone = 1;
        state_remove(&s->keys, key);
    }
}

static void session_alarm(const struct plan_node *node, const struct session_window *s,
                          struct op_ctx *ctx)
{
    const struct session *one = sorted_get(&s->open, sorted_first());

    if (is_proc(node) && one)
        op_alarm(ctx, zone_due(s->windows.zone, one->end));
}

/* A row comes, or is taken back; false: it is late. By processing time, what takes it back is of the clock too. */
static bool put_row(struct session_window *s, struct sessions *key, int64_t time, struct bytes packed,
                    struct origin origin, bool back)
{
    int64_t end = time + s->windows.size;

    if (back && s->windows.time != TIME_PROC) {
        struct session *one = session_holding(s, key, time, end);
        if (one)
            row_take_back(s, one, packed);
        return one != NULL;
    }
    struct session *one = session_of(s, key, time, end, s->windows.time == TIME_PROC);
    if (!one)
        return false;
    if (back && one->first) {
        row_take_back(s, one, packed);
    } else {
        struct held_row *row = row_new(s, packed, origin);
        row->gone = back;
        row_append(one, row);
    }
    open_put(s, one);
    return true;
}

static enum status session_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                    int input, const struct chunk *in)
{
    struct session_window *s = state;
    uint16_t all[CHUNK_ROWS], late[CHUNK_ROWS], late_count = 0;
    void *values[CHUNK_ROWS];
    uint8_t *packed[CHUNK_ROWS];
    uint32_t sizes[CHUNK_ROWS];
    int8_t weights_room[CHUNK_ROWS];
    struct state_keys keys;
    const int64_t *times;

    TRY(windows_times(&s->windows, ctx, in, &times));
    const uint16_t *rows = chunk_rows(in, all);
    const int8_t *weights = s->retracts ? chunk_weights(in, rows, in->count, weights_room) : NULL;
    keyer_keys(&s->keyer, in->cols, rows, in->count, ctx->arena, &keys);
    state_upsert(&s->keys, &keys, NULL, in->count, values, NULL);
    pack_rows(&s->pack, ctx->arena, in->cols, rows, in->count, packed, sizes);
    for (uint16_t i = 0; i < in->count; i++) {
        int64_t t = times[rows[i]];
        if (t > WINDOW_TIME_MOST || t < -WINDOW_TIME_MOST)
            continue;
        struct origin origin = in->origins ? in->origins[rows[i]] : (struct origin){0, 0};
        bool back = weights && weights[i] < 0;
        if (!put_row(s, values[i], t, bytes_of(packed[i], sizes[i]), origin, back))
            late[late_count++] = rows[i];
    }
    keys_sweep(s, values, in->count);
    if (late_count)
        op_late(ctx, input, in, late, late_count);
    session_alarm(node, s, ctx);
    return ST_OK;
}

/* ---- telling sessions ---- */

struct telling {
    struct held_row *rows[CHUNK_ROWS];
    int64_t starts[CHUNK_ROWS], ends[CHUNK_ROWS], times[CHUNK_ROWS];
    struct session *done[CHUNK_ROWS]; /* sessions whose last row is here, and which row that is */
    uint16_t done_rows[CHUNK_ROWS];
    uint16_t count, done_count, gone; /* gone: of them, which are not told */
    uint32_t told;
};

/* Sessions that are told leave their keys, and these the table. */
static void tell_forget(struct session_window *s, const struct telling *t, const struct column *cols)
{
    void *values[CHUNK_ROWS];
    struct state_keys keys;

    if (!t->done_count)
        return;
    keyer_keys(&s->keyer, cols, t->done_rows, t->done_count, &s->scratch, &keys);
    state_find(&s->keys, &keys, NULL, t->done_count, values);
    for (uint16_t i = 0; i < t->done_count; i++) {
        struct sessions *key = values[i];
        CHECK(key);
        struct session **link = &key->first;
        while (*link != t->done[i])
            link = &(*link)->next;
        *link = t->done[i]->next;
        heap_free(&s->heap, t->done[i], sizeof(struct session));
    }
    keys_sweep(s, values, t->done_count);
}

static enum status tell_flush(const struct plan_node *node, struct session_window *s,
                              struct op_ctx *ctx, struct telling *t)
{
    const uint8_t *packed[CHUNK_ROWS];
    struct origin origins[CHUNK_ROWS];
    uint16_t n = s->pack.count;

    if (!t->count)
        return ST_OK;
    struct column *cols = ARENA_ARRAY(&s->scratch, struct column, node->columns_count + 1);
    CHECK(node->columns_count == n + 3);
    for (uint16_t i = 0; i < t->count; i++) {
        packed[i] = t->rows[i]->packed;
        origins[i] = t->rows[i]->origin;
    }
    pack_read_all(&s->pack, packed, t->count, &s->scratch, cols);
    cols[n] = (struct column){.data = t->starts};
    cols[n + 1] = (struct column){.data = t->ends};
    cols[n + 2] = (struct column){.data = t->times};
    struct chunk out = {.cols = cols, .count = t->count, .rows = t->count,
                        .col_count = node->columns_count, .origins = node->origins ? origins : NULL};
    uint16_t sel[CHUNK_ROWS];
    if (t->gone) {
        out.count = 0;
        out.sel = sel;
        for (uint16_t i = 0; i < t->count; i++) {
            sel[out.count] = i;
            out.count = (uint16_t)(out.count + !t->rows[i]->gone);
        }
    }
    enum status st = op_emit(ctx, &out);
    tell_forget(s, t, cols);
    for (uint16_t i = 0; i < t->count; i++)
        heap_free(&s->heap, t->rows[i], sizeof(struct held_row) + t->rows[i]->size);
    s->rows -= t->count;
    t->told += t->count;
    t->count = t->done_count = t->gone = 0;
    arena_reset(&s->scratch);
    return st;
}

/* Its next row; the session is done with its last one. */
static void tell_row(struct session_window *s, struct telling *t, struct session *one)
{
    struct held_row *row = one->first;

    t->rows[t->count] = row;
    t->gone = (uint16_t)(t->gone + row->gone);
    t->starts[t->count] = one->start;
    t->ends[t->count] = one->end;
    t->times[t->count] = windows_last_time(s->windows.zone, one->end);
    one->first = row->next;
    if (!one->first) {
        one->last = NULL;
        open_take(s, one);
        t->done[t->done_count] = one;
        t->done_rows[t->done_count++] = t->count;
    }
    t->count++;
}

static enum status tell_due(const struct plan_node *node, struct session_window *s, struct op_ctx *ctx)
{
    struct telling *t = arena_alloc(ctx->arena, sizeof(*t));
    struct session *one;

    t->count = t->done_count = t->gone = 0;
    t->told = 0;
    while ((one = sorted_get(&s->open, sorted_first())) != NULL && one->end <= s->judge_end) {
        if (t->told + t->count >= OP_EMIT_ROWS) {
            TRY(tell_flush(node, s, ctx, t));
            return ST_AGAIN;
        }
        tell_row(s, t, one);
        if (t->count == CHUNK_ROWS)
            TRY(tell_flush(node, s, ctx, t));
    }
    return tell_flush(node, s, ctx, t);
}

static enum status session_on_watermark(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                        int64_t watermark_us)
{
    struct session_window *s = state;

    if (is_proc(node) && watermark_us != INT64_MAX)
        return ST_OK;
    s->judge_end = windows_closed(s->windows.zone, watermark_us);
    return tell_due(node, s, ctx);
}

static enum status session_on_clock(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                    int64_t now_us)
{
    struct session_window *s = state;

    if (!is_proc(node))
        return ST_OK;
    s->judge_end = windows_closed(s->windows.zone, now_us - WINDOW_TIME_US);
    TRY(tell_due(node, s, ctx));
    session_alarm(node, s, ctx);
    return ST_OK;
}

/* ---- checkpoints: judge_end, zone; keys, each count, then its sessions: start, length, rows (origin, bytes;
 * where they may be taken back: gone) ---- */

static void key_save(void *context, const void *value, struct buf *out)
{
    const struct session_window *s = context;
    const struct sessions *key = value;
    uint64_t count = 0;

    for (const struct session *one = key->first; one; one = one->next)
        count++;
    buf_uvarint(out, count);
    for (const struct session *one = key->first; one; one = one->next) {
        uint64_t rows = 0;
        for (const struct held_row *row = one->first; row; row = row->next)
            rows++;
        buf_varint(out, one->start);
        buf_uvarint(out, (uint64_t)(one->end - one->start));
        buf_uvarint(out, rows);
        for (const struct held_row *row = one->first; row; row = row->next) {
            buf_uvarint(out, (uint64_t)row->origin.split);
            buf_varint(out, row->origin.offset);
            buf_sized(out, bytes_of(row->packed, row->size));
            if (s->retracts)
                buf_u8(out, row->gone);
        }
    }
}

static void session_save(const struct plan_node *node, const void *state, struct snap_writer *w)
{
    const struct session_window *s = state;

    (void)node;
    buf_u64_le(&w->buf, (uint64_t)s->judge_end);
    buf_u64_le(&w->buf, zone_hash(s->windows.zone));
    state_save(&s->keys, w, key_save, (void *)s);
}

static struct session *session_read(struct session_window *s, struct sessions *key, struct reader *r)
{
    int64_t start = reader_varint(r);
    uint64_t length = reader_uvarint(r), rows = reader_uvarint(r);

    if (r->bad || start > WINDOW_TIME_MOST || start < -WINDOW_TIME_MOST || !length ||
        length > 2 * (uint64_t)WINDOW_TIME_MOST || !rows)
        return NULL;
    struct session *one = session_new(s, key, start, start + (int64_t)length);
    for (uint64_t i = 0; i < rows; i++) {
        struct origin origin = {.split = (int64_t)reader_uvarint(r)};
        origin.offset = reader_varint(r);
        struct bytes packed = reader_sized(r);
        bool gone = s->retracts && reader_u8(r);
        if (r->bad || !pack_check(&s->pack, packed.ptr, packed.len))
            return NULL;
        struct held_row *row = row_new(s, packed, origin);
        row->gone = gone;
        row_append(one, row);
    }
    return one;
}

static bool key_load(void *context, void *value, struct reader *r)
{
    struct session_window *s = context;
    struct sessions *key = value;
    struct session **end = &key->first;

    for (uint64_t count = reader_uvarint(r); count > 0; count--) {
        struct sessions alone = {0};
        struct session *one = session_read(s, &alone, r);
        if (!one)
            return false;
        *end = one; /* in the order saved */
        end = &one->next;
        open_put(s, one);
    }
    return key->first && !reader_left(r);
}

/* Each session is of the key that its last row has: by that it is found when it is told. */
static bool keys_fit(struct session_window *s)
{
    uint64_t listed = 0;

    for (uint32_t at = 0; at < s->keys.used; at++) {
        const struct sessions *key = state_at(&s->keys, at);
        for (const struct session *one = key ? key->first : NULL; one; one = one->next, listed++) {
            const uint8_t *packed = one->last->packed;
            const uint16_t row = 0;
            struct state_keys keys;
            void *value;
            struct column *cols = ARENA_ARRAY(&s->scratch, struct column, s->pack.count + 1u);
            pack_read_all(&s->pack, &packed, 1, &s->scratch, cols);
            keyer_keys(&s->keyer, cols, &row, 1, &s->scratch, &keys);
            state_find(&s->keys, &keys, NULL, 1, &value);
            arena_reset(&s->scratch);
            if (value != key)
                return false;
        }
    }
    return listed == s->open.count;
}

static enum status session_load(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                struct reader *r)
{
    struct session_window *s = state;
    s->judge_end = op_load_time(ctx, s->judge_end, (int64_t)reader_u64_le(r));
    if (reader_u64_le(r) != zone_hash(s->windows.zone))
        return ST_CORRUPT;
    TRY(state_load(&s->keys, r, &(struct state_mine){ctx->shard, ctx->shards}, key_load, s));
    if (!keys_fit(s))
        return ST_CORRUPT;
    session_alarm(node, s, ctx);
    return ST_OK;
}

static void session_measure(const struct plan_node *node, const void *state, uint64_t *rows,
                            uint64_t *bytes)
{
    const struct session_window *s = state;

    (void)node;
    *rows = s->rows;
    *bytes = state_bytes(&s->keys) + s->heap.held_bytes;
}

const struct op_class op_session_window = {
    .name = "SessionWindow",
    .state_size = sizeof(struct session_window),
    .open = session_open,
    .on_chunk = session_on_chunk,
    .on_watermark = session_on_watermark,
    .on_clock = session_on_clock,
    .save = session_save,
    .load = session_load,
    .close = session_close,
    .measure = session_measure,
};
