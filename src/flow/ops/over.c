/* OVER aggregates: each row again, with aggregates over the rows of its partition up to it.
 *
 * Rows wait until the watermark passes their time and are told in the order of their times, then of their
 * origins, then as they came. Over processing time they are told at the end of the tick.
 *
 *   frame      unbounded: the aggregates alone are kept. Bounded: the rows of the frame are kept, and taken
 *              back as they leave it
 *   equal times  by ROWS each row is told for itself; by RANGE all of one time together, with one result
 *   late       unbounded: not after the watermark. Bounded: not after the last row told of its partition,
 *              as in Flink, which so takes rows behind the watermark of a partition that was quiet
 *
 * With a time to live the aggregates of a partition that was told no row for so long begin anew.
 *
 * A partition of a RANGE whose rows have long left every frame that can come is forgotten, its last time too, when
 * Flink forgets it: half a frame behind the end of a frame of some row, which may not be the newest. A late row then
 * begins anew. Where a newer row has put that time off, it comes all the same, as Flink's timers do, and is then the
 * partition's last time, as if a row had been told: rows that are not after it are late. */
#include "flow/ops/aggset.h"
#include "flow/ops/keyed.h"
#include "flow/ops/ops.h"
#include "flow/ops/told.h"
#include "flow/ops/windows.h"

#include <stdlib.h>

#include "base/check.h"

/* A time at which a partition would have been forgotten, had a row not put it off. */
struct over_mark {
    struct over_mark *next;
    int64_t time;
    int64_t since; /* the watermark when it was set: it comes with a later one */
};

struct over_key {
    struct sorted rows; /* the frame's, then those that wait */
    uint32_t done;      /* of them are of the frame */
    int64_t last;       /* time of the last row told, or of a mark that came; INT64_MIN: none */
    int64_t rest; /* of a RANGE: the watermark at which the partition is forgotten; INT64_MIN: it has no rows */
    int64_t rest_since;              /* the watermark when it was set */
    struct over_mark *marks, *newest; /* those that have not come, the earliest first */
};

struct over_row {
    struct over_key *key;
    int64_t time;
    struct origin origin;
    uint64_t seq;
    uint32_t size, pad;
    uint8_t packed[];
};

enum { STEP_TELL = 1, STEP_DROP = 2 };

/* Rows on their way into the aggregates, in their order. */
struct steps {
    struct over_row *rows[CHUNK_ROWS];
    int8_t weights[CHUNK_ROWS];
    uint8_t flags[CHUNK_ROWS]; /* TELL: rows added since the last one have this result. DROP: the group goes */
    uint16_t count;
};

struct over {
    struct arena plan_arena, scratch, copies;
    const struct plan_over *plan;
    struct keyer keyer;
    struct pack pack;
    struct aggset set;
    struct aggtable table;
    struct expiry expiry;    /* of the groups, whose values begin with the clock of their last row then */
    struct state_table keys; /* values: struct over_key * */
    struct state_heap heap;
    struct sorted waiting;   /* all rows that wait */
    int64_t watermark;
    bool each;               /* equal times have results of their own */
    uint64_t next_seq, rows;
    struct steps *steps;
    struct told_list told;   /* of struct over_row */
    struct over_row **gone;  /* freed when nothing points to them any more */
    uint32_t gone_count, gone_cap;
};

/* ---- open, close ---- */

static enum status over_open(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    const struct plan_over *p = &node->over;
    const struct plan_node *input = node->inputs[0].node;
    struct over *s = state;
    struct diag *diag = ctx->expr.diag;

    arena_init(&s->plan_arena, ARENA_BUDGET_NONE);
    arena_init(&s->scratch, ARENA_BUDGET_NONE);
    arena_init(&s->copies, ARENA_BUDGET_NONE);
    heap_init(&s->heap);
    s->plan = p;
    s->watermark = INT64_MIN;
    s->each = p->rows || (p->time == TIME_PROC && !p->bounded);
    s->steps = xcalloc(1, sizeof(*s->steps));
    if (input->changes)
        return diag_set(diag, ST_UNSUPPORTED, DIAG_UNSUPPORTED,
                        "OVER aggregates over a table that is updated are not built yet");
    TRY(keyer_make(&s->keyer, &s->plan_arena, input, p->partition, p->partition_count, diag));
    TRY(pack_make(&s->pack, &s->plan_arena, input, NULL, input->columns_count, diag));
    expiry_open(&s->expiry, &node->inputs[0]);
    TRY(aggset_make(&s->set, &s->plan_arena, node, s->expiry.ttl_us ? sizeof(int64_t) : 0, diag));
    aggtable_init(&s->table, &s->set, s->keyer.words);
    s->table.expiry = &s->expiry;
    state_init(&s->keys, s->keyer.words, sizeof(struct over_key *));
    return ST_OK;
}

static void over_close(const struct plan_node *node, void *state)
{
    struct over *s = state;

    (void)node;
    aggtable_deinit(&s->table, &s->set);
    state_deinit(&s->keys);
    heap_deinit(&s->heap);
    arena_deinit(&s->plan_arena);
    arena_deinit(&s->scratch);
    arena_deinit(&s->copies);
    free(s->steps);
    told_free(&s->told);
    free(s->gone);
}

/* ---- rows ---- */

static int row_compare(const void *context, const void *a, const void *b)
{
    const struct over_row *x = a, *y = b;

    (void)context;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    int order = origin_compare(&x->origin, &y->origin);
    return order ? order : x->seq < y->seq ? -1 : x->seq > y->seq;
}

static struct over_key *key_of(struct over *s, void *value)
{
    struct over_key *key = keyed_piece(value);

    if (!key) {
        key = keyed_made(&s->heap, value, sizeof(*key));
        key->last = key->rest = key->rest_since = INT64_MIN;
    }
    return key;
}

/* It waits, at its place. */
static struct over_row *row_new(struct over *s, struct over_key *key, struct bytes packed, int64_t time,
                                struct origin origin)
{
    struct over_row *row = heap_alloc(&s->heap, sizeof(*row) + packed.len);

    *row = (struct over_row){.key = key, .time = time, .origin = origin, .seq = s->next_seq++,
                             .size = (uint32_t)packed.len};
    memcpy(row->packed, packed.ptr, packed.len);
    s->rows++;
    return row;
}

static void list_put(struct over *s, struct sorted *list, struct over_row *row)
{
    sorted_insert(list, &s->heap, sorted_seek(list, row_compare, NULL, row), row);
}

static void bury(struct over *s, struct over_row *row)
{
    if (s->gone_count == s->gone_cap) {
        s->gone_cap = s->gone_cap ? 2 * s->gone_cap : 64;
        s->gone = xrealloc(s->gone, s->gone_cap * sizeof(*s->gone));
    }
    s->gone[s->gone_count++] = row;
    s->rows--;
}

/* ---- what comes out ---- */

static enum status tell_some(const struct plan_node *node, struct over *s, struct op_ctx *ctx,
                             const struct told *told, uint16_t count)
{
    const uint8_t *packed[CHUNK_ROWS];
    void *results[CHUNK_ROWS];
    bool copied[CHUNK_ROWS];
    struct origin origins[CHUNK_ROWS];

    for (uint16_t i = 0; i < count; i++) {
        const struct over_row *row = told[i].row;
        packed[i] = row->packed;
        results[i] = told[i].result;
        copied[i] = true;
        origins[i] = row->origin;
    }
    struct column *cols = ARENA_ARRAY(&s->scratch, struct column, node->columns_count + 1);
    CHECK(node->columns_count == s->pack.count + s->set.count);
    pack_read_all(&s->pack, packed, count, &s->scratch, cols);
    aggtable_results(&s->set, results, copied, count, &s->scratch, cols + s->pack.count);
    struct chunk out = {.cols = cols, .count = count, .rows = count, .col_count = node->columns_count,
                        .origins = node->origins ? origins : NULL};
    enum status st = op_emit(ctx, &out);
    arena_reset(&s->scratch);
    return st;
}

/* All rows whose result is known. */
static enum status tell_ready(const struct plan_node *node, struct over *s, struct op_ctx *ctx)
{
    for (uint32_t at = 0; at < s->told.ready;) {
        uint32_t left = s->told.ready - at;
        uint16_t count = (uint16_t)(left < CHUNK_ROWS ? left : CHUNK_ROWS);
        TRY(tell_some(node, s, ctx, s->told.items + at, count));
        at += count;
    }
    told_done(&s->told);
    arena_reset(&s->copies);
    for (uint32_t i = 0; !s->told.count && i < s->gone_count; i++)
        heap_free(&s->heap, s->gone[i], sizeof(struct over_row) + s->gone[i]->size);
    s->gone_count = s->told.count ? s->gone_count : 0;
    return ST_OK;
}

/* ---- steps ---- */

static void steps_apply(struct over *s, struct op_ctx *ctx, const struct agg_inputs *inputs,
                        void *const *values)
{
    struct steps *p = s->steps;
    uint16_t indexes[CHUNK_ROWS], from = 0;

    for (uint16_t i = 0; i < p->count; i++)
        indexes[i] = i;
    for (uint16_t i = 0; i < p->count; i++) {
        if (p->weights[i] > 0)
            told_add(&s->told, p->rows[i]);
        if (!p->flags[i] && i + 1 < p->count)
            continue;
        aggtable_update(&s->table, &s->set, ctx->arena, inputs, indexes + from,
                        s->set.retracts ? p->weights + from : NULL, values + from, (uint16_t)(i + 1 - from));
        from = (uint16_t)(i + 1);
        if (p->flags[i] == STEP_DROP)
            aggtable_remove(&s->table, &s->set, values[i]); /* the last step */
        if (p->flags[i] != STEP_TELL)
            continue;
        told_result(&s->told, aggtable_copy(&s->table, &s->set, values[i], &s->copies));
    }
}

/* Groups whose time is over are new; all are written now. */
static void groups_renew(struct over *s, void *const *values, uint8_t *fresh, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        if (!fresh[i] && expiry_over(&s->expiry, *(int64_t *)values[i])) {
            aggtable_reset(&s->table, &s->set, values[i]);
            fresh[i] = 1;
        }
        *(int64_t *)values[i] = s->expiry.now_us;
    }
}

static enum status steps_run(struct over *s, struct op_ctx *ctx)
{
    struct steps *p = s->steps;
    const uint8_t *packed[CHUNK_ROWS];
    uint16_t rows[CHUNK_ROWS];
    uint8_t fresh[CHUNK_ROWS];
    void *values[CHUNK_ROWS];
    struct agg_inputs inputs;
    struct state_keys keys;

    if (!p->count)
        return ST_OK;
    for (uint16_t i = 0; i < p->count; i++) {
        packed[i] = p->rows[i]->packed;
        rows[i] = i;
    }
    struct column *cols = ARENA_ARRAY(ctx->arena, struct column, s->pack.count + 1u);
    pack_read_all(&s->pack, packed, p->count, ctx->arena, cols);
    struct chunk in = {.cols = cols, .count = p->count, .rows = p->count, .col_count = s->pack.count};
    TRY(aggset_eval(&s->set, &ctx->expr, &in, &inputs));
    keyer_keys(&s->keyer, cols, rows, p->count, ctx->arena, &keys);
    state_upsert(&s->table.groups, &keys, NULL, p->count, values, fresh);
    expiry_now(&s->expiry, ctx);
    if (s->expiry.ttl_us)
        groups_renew(s, values, fresh, p->count);
    aggtable_start(&s->table, &s->set, values, fresh, p->count);
    steps_apply(s, ctx, &inputs, values);
    p->count = 0;
    return ST_OK;
}

static enum status step(struct over *s, struct op_ctx *ctx, struct over_row *row, int8_t weight)
{
    struct steps *p = s->steps;

    if (p->count == CHUNK_ROWS)
        TRY(steps_run(s, ctx));
    p->rows[p->count] = row;
    p->weights[p->count] = weight;
    p->flags[p->count++] = 0;
    return ST_OK;
}

/* The first row of the frame leaves it. */
static enum status frame_leave(struct over *s, struct op_ctx *ctx, struct over_key *key)
{
    struct over_row *row = sorted_get(&key->rows, sorted_first());

    TRY(step(s, ctx, row, -1));
    sorted_remove(&key->rows, &s->heap, sorted_first());
    key->done--;
    bury(s, row);
    return ST_OK;
}

static enum status frame_enter(struct over *s, struct op_ctx *ctx, struct over_key *key,
                               struct over_row *row)
{
    struct sorted_at at = sorted_seek(&s->waiting, row_compare, NULL, row);

    CHECK(sorted_get(&s->waiting, at) == row);
    sorted_remove(&s->waiting, &s->heap, at);
    TRY(step(s, ctx, row, 1));
    if (s->plan->bounded) {
        key->done++;
        return ST_OK;
    }
    sorted_remove(&key->rows, &s->heap, sorted_first());
    bury(s, row);
    return ST_OK;
}

static void key_past(struct over_key *key, int64_t time)
{
    if (key->last < time)
        key->last = time;
}

/* The first row that waits, and by RANGE all of its partition and time. */
static enum status fire(struct over *s, struct op_ctx *ctx, struct over_row *row)
{
    const struct plan_over *p = s->plan;
    struct over_key *key = row->key;
    int64_t time = row->time;

    while (p->bounded && key->done) {
        const struct over_row *oldest = sorted_get(&key->rows, sorted_first());
        if (p->rows ? key->done <= p->preceding : oldest->time >= time - p->preceding)
            break;
        TRY(frame_leave(s, ctx, key));
    }
    key_past(key, time);
    do {
        TRY(frame_enter(s, ctx, key, row));
        row = sorted_get(&key->rows, sorted_nth(&key->rows, key->done));
    } while (!s->each && row && row->time == time);
    s->steps->flags[s->steps->count - 1] = STEP_TELL;
    return ST_OK;
}

/* ---- partitions that are at rest ---- */

static void mark_add(struct over *s, struct over_key *key, int64_t time, int64_t since)
{
    struct over_mark *mark = heap_alloc(&s->heap, sizeof(*mark));

    *mark = (struct over_mark){.time = time, .since = since};
    *(key->marks ? &key->newest->next : &key->marks) = mark;
    key->newest = mark;
}

static void mark_remove(struct over *s, struct over_key *key)
{
    struct over_mark *mark = key->marks;

    key->marks = mark->next;
    heap_free(&s->heap, mark, sizeof(*mark));
}

/* Those that the watermark has reached since they were set. */
static void marks_come(struct over *s, struct over_key *key)
{
    while (key->marks && key->marks->time <= s->watermark && key->marks->since < s->watermark) {
        key_past(key, key->marks->time);
        mark_remove(s, key);
    }
}

/* A row that waits or is told keeps its partition for one frame at least, and says when it goes only where what an
 * earlier one said is too soon. */
static void frame_extend(struct over *s, struct over_key *key, int64_t time)
{
    const struct plan_over *p = s->plan;

    if (!p->bounded || p->rows || key->rest >= time + p->preceding + WINDOW_TIME_US)
        return;
    if (key->rest != INT64_MIN && p->time == TIME_ROW)
        mark_add(s, key, key->rest, key->rest_since);
    int64_t half_more = (p->preceding + p->preceding / 2) / 1000 * 1000; /* whole milliseconds, as Flink's timers */
    key->rest = time + half_more + WINDOW_TIME_US;
    key->rest_since = s->watermark;
}

static bool frame_expired(const struct over *s, const struct over_key *key)
{
    return key->rest != INT64_MIN && key->rest <= s->watermark && key->rows.count == key->done;
}

static enum status frame_drop(struct over *s, struct op_ctx *ctx, struct over_key *key)
{
    key->last = key->rest = INT64_MIN;
    while (key->marks)
        mark_remove(s, key);
    TRY(steps_run(s, ctx));
    if (!key->done)
        return ST_OK;
    while (key->done)
        TRY(frame_leave(s, ctx, key));
    s->steps->flags[s->steps->count - 1] = STEP_DROP;
    return steps_run(s, ctx);
}

struct look {
    struct over *s;
    struct op_ctx *ctx;
    enum status st;
};

static bool key_look(void *context, void *value)
{
    struct look *look = context;
    struct over *s = look->s;
    struct over_key *key = key_of(s, value);

    if (look->st == ST_OK && frame_expired(s, key))
        look->st = frame_drop(s, look->ctx, key);
    if (look->st != ST_OK)
        return false;
    marks_come(s, key);
    if (key->rows.count || (s->plan->bounded && key->last != INT64_MIN))
        return false;
    heap_free(&s->heap, key, sizeof(*key));
    return true;
}

/* Looks at some partitions, in turn, as many as the work done pays for. */
static enum status keys_look(struct over *s, struct op_ctx *ctx, uint32_t most)
{
    struct look look = {s, ctx, ST_OK};

    (void)state_look(&s->keys, most, key_look, &look);
    return look.st;
}

/* ---- hooks ---- */

static enum status tell_due(const struct plan_node *node, struct over *s, struct op_ctx *ctx, int64_t until)
{
    uint32_t fired = 0;
    struct over_row *row;

    while ((row = sorted_get(&s->waiting, sorted_first())) != NULL && row->time <= until) {
        if (fired >= OP_EMIT_ROWS)
            break;
        uint32_t before = s->waiting.count;
        TRY(fire(s, ctx, row));
        fired += before - s->waiting.count;
        if (s->told.ready >= CHUNK_ROWS)
            TRY(tell_ready(node, s, ctx));
    }
    TRY(steps_run(s, ctx));
    TRY(tell_ready(node, s, ctx));
    TRY(keys_look(s, ctx, fired + 64));
    TRY(tell_ready(node, s, ctx));
    return row && row->time <= until ? ST_AGAIN : ST_OK;
}

static enum status over_on_watermark(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                     int64_t watermark_us)
{
    struct over *s = state;

    if (s->plan->time == TIME_PROC)
        return ST_OK;
    s->watermark = watermark_us;
    return tell_due(node, s, ctx, watermark_us);
}

static enum status over_on_tick_end(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    struct over *s = state;

    if (s->plan->time != TIME_PROC)
        return ST_OK;
    s->watermark = ctx->expr.proctime_us;
    return tell_due(node, s, ctx, INT64_MAX);
}

static bool group_over(const struct aggtable *t, const void *value)
{
    return expiry_over(t->expiry, *(const int64_t *)value);
}

static enum status over_on_clock(const struct plan_node *node, void *state, struct op_ctx *ctx, int64_t now_us)
{
    struct over *s = state;

    (void)node;
    (void)now_us;
    expiry_at(&s->expiry, ctx);
    expiry_again(&s->expiry, ctx, aggtable_look(&s->table, &s->set, group_over));
    return ST_OK;
}

static bool is_late(const struct over *s, const struct over_key *key, int64_t time)
{
    if (s->plan->time == TIME_PROC)
        return false;
    if (time > WINDOW_TIME_MOST || time < -WINDOW_TIME_MOST)
        return true; /* of no calendar */
    return s->plan->bounded ? time <= key->last : time <= s->watermark;
}

static enum status times_check(const struct over *s, struct op_ctx *ctx, const struct chunk *in,
                               const uint16_t *rows)
{
    for (uint16_t i = 0; s->plan->time == TIME_ROW && i < in->count; i++)
        if (!column_valid(&in->cols[s->plan->column], rows[i]))
            return diag_set(ctx->expr.diag, ST_INVALID, DIAG_VALUE,
                            "the time of a row is NULL; OVER needs one: filter such rows, or give a "
                            "default with COALESCE");
    return ST_OK;
}

static enum status over_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx,
                                 int input, const struct chunk *in)
{
    struct over *s = state;
    const int64_t *times = in->cols[s->plan->column].data;
    uint16_t all[CHUNK_ROWS], late[CHUNK_ROWS], late_count = 0;
    void *values[CHUNK_ROWS];
    uint8_t *packed[CHUNK_ROWS];
    uint32_t sizes[CHUNK_ROWS];
    struct state_keys keys;

    const uint16_t *rows = chunk_rows(in, all);
    TRY(times_check(s, ctx, in, rows));
    keyer_keys(&s->keyer, in->cols, rows, in->count, ctx->arena, &keys);
    state_upsert(&s->keys, &keys, NULL, in->count, values, NULL);
    pack_rows(&s->pack, ctx->arena, in->cols, rows, in->count, packed, sizes);
    for (uint16_t i = 0; i < in->count; i++) {
        struct over_key *key = key_of(s, values[i]);
        int64_t time = s->plan->time == TIME_PROC ? ctx->expr.proctime_us : times[rows[i]];
        if (frame_expired(s, key))
            TRY(frame_drop(s, ctx, key));
        marks_come(s, key);
        if (is_late(s, key, time)) {
            late[late_count++] = rows[i];
            continue;
        }
        frame_extend(s, key, time);
        struct origin origin = in->origins ? in->origins[rows[i]] : (struct origin){0, 0};
        struct over_row *row = row_new(s, key, bytes_of(packed[i], sizes[i]), time, origin);
        list_put(s, &key->rows, row);
        list_put(s, &s->waiting, row);
    }
    if (late_count)
        op_late(ctx, input, in, late, late_count);
    return tell_ready(node, s, ctx);
}

/* ---- checkpoints: watermark; keys, each last, rest and since when, how many marks, of each time and since when; done,
 * count, then its rows: time, origin, bytes; groups ---- */

static uint64_t marks_count(const struct over_key *key)
{
    uint64_t count = 0;

    for (const struct over_mark *mark = key->marks; mark; mark = mark->next)
        count++;
    return count;
}

static void key_save(void *context, const void *value, struct buf *out)
{
    const struct over_key *key = keyed_piece(value);
    struct sorted_at at = sorted_first();

    (void)context;
    buf_varint(out, key->last);
    buf_varint(out, key->rest);
    buf_varint(out, key->rest_since);
    buf_uvarint(out, marks_count(key));
    for (const struct over_mark *mark = key->marks; mark; mark = mark->next) {
        buf_varint(out, mark->time);
        buf_varint(out, mark->since);
    }
    buf_uvarint(out, key->done);
    buf_uvarint(out, key->rows.count);
    for (const struct over_row *row; (row = sorted_get(&key->rows, at)) != NULL;
         at = sorted_next(&key->rows, at)) {
        buf_varint(out, row->time);
        buf_uvarint(out, (uint64_t)row->origin.split);
        buf_varint(out, row->origin.offset);
        buf_sized(out, bytes_of(row->packed, row->size));
    }
}

static void over_save(const struct plan_node *node, const void *state, struct snap_writer *w)
{
    const struct over *s = state;

    (void)node;
    buf_u64_le(&w->buf, (uint64_t)s->watermark);
    state_save(&s->keys, w, key_save, NULL);
    aggtable_save(&s->table, &s->set, w);
}

static bool marks_load(struct over *s, struct over_key *key, struct reader *r)
{
    uint64_t count = reader_uvarint(r);

    for (uint64_t i = 0; i < count && !r->bad; i++) {
        int64_t time = reader_varint(r), since = reader_varint(r);
        if (time >= key->rest || (key->marks && time <= key->newest->time))
            return false;
        mark_add(s, key, time, since);
    }
    return !r->bad;
}

static bool key_load(void *context, void *value, struct reader *r)
{
    struct over *s = context;
    struct over_key *key = key_of(s, value);
    const struct over_row *before = NULL;

    key->last = reader_varint(r);
    key->rest = reader_varint(r);
    key->rest_since = reader_varint(r);
    bool marked = marks_load(s, key, r);
    uint64_t done = reader_uvarint(r), count = reader_uvarint(r);
    if (!marked || r->bad || done > count || (done && !s->plan->bounded) || key->rows.count)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        int64_t time = reader_varint(r);
        struct origin origin = {.split = (int64_t)reader_uvarint(r)};
        origin.offset = reader_varint(r);
        struct bytes packed = reader_sized(r);
        if (r->bad || !pack_check(&s->pack, packed.ptr, packed.len) || time > WINDOW_TIME_MOST ||
            time < -WINDOW_TIME_MOST)
            return false;
        struct over_row *row = row_new(s, key, packed, time, origin);
        if (before && row_compare(NULL, before, row) >= 0)
            return false;
        before = row;
        sorted_insert(&key->rows, &s->heap, sorted_nth(&key->rows, key->rows.count), row);
        if (i >= done)
            list_put(s, &s->waiting, row);
    }
    key->done = (uint32_t)done;
    return !reader_left(r);
}

static enum status over_load(const struct plan_node *node, void *state, struct op_ctx *ctx,
                             struct reader *r)
{
    struct over *s = state;
    struct state_mine mine = {ctx->shard, ctx->shards};

    (void)node;
    s->watermark = op_load_time(ctx, s->watermark, (int64_t)reader_u64_le(r));
    TRY(state_load(&s->keys, r, &mine, key_load, s));
    return aggtable_load(&s->table, &s->set, &s->keyer, r, &mine);
}

static void over_measure(const struct plan_node *node, const void *state, uint64_t *rows, uint64_t *bytes)
{
    const struct over *s = state;

    (void)node;
    *rows = s->rows + state_count(&s->table.groups);
    *bytes = state_bytes(&s->keys) + s->heap.held_bytes + aggtable_bytes(&s->table, &s->set);
}

const struct op_class op_over = {
    .name = "OverAggregate",
    .state_size = sizeof(struct over),
    .open = over_open,
    .on_chunk = over_on_chunk,
    .on_watermark = over_on_watermark,
    .on_clock = over_on_clock,
    .on_tick_end = over_on_tick_end,
    .save = over_save,
    .load = over_load,
    .close = over_close,
    .measure = over_measure,
};
