/* The lookup join on an outside system: a row of the left asks, waits, and is told with what the outside answered.
 *
 * What is asked goes into the log with the tick that asks (op_ask); a bridge reads it there and writes the answer into
 * the log, which is the right input. So each answer is asked for once, and a tick that is run again has the same ones.
 *
 *   a row    its key is in the cache: it is answered. Else its key is asked for, and it waits. While a key is asked
 *            for, rows that come share the answer: with a cache all of them; without one those of the same tick, so
 *            that no row meets what was there before it came. A NULL in the key finds nothing, and asks nobody
 *   order    rows are told as they came, so a row that is answered waits for those before it; unless the query
 *            allows it otherwise
 *   time     a watermark passes when the rows that came before it have been told
 *   again    where the hint LOOKUP says so, a row for which there is nothing rests, and is asked for again by the tick's clock;
 *            what is found for a later row of its key meanwhile is its answer too
 *   updates  each change of the left asks for itself: what takes back a row may find another than that did */
#include "flow/ops/lookup_state.h"

#include "base/check.h"
#include "data/format/format.h"

/* ---- open, close ---- */

/* The columns that are asked for, as a node's. */
static struct plan_node *right_node(struct arena *arena, const struct plan_node *node)
{
    uint16_t n = node->inputs[0].node->columns_count;
    struct plan_node *right = ARENA_NEW(arena, struct plan_node);

    right->columns = node->columns + n;
    right->columns_count = (uint16_t)(node->columns_count - n);
    return right;
}

static enum status encoder_make(struct lookup_state *s, const struct plan_node *node, struct diag *diag)
{
    const struct plan_join *p = &node->join;
    struct type_field *fields = ARENA_ARRAY(&s->plan_arena, struct type_field, p->keys_count + 1u);
    struct schema *schema = ARENA_NEW(&s->plan_arena, struct schema);

    for (uint16_t k = 0; k < p->keys_count; k++)
        fields[k] = (struct type_field){.name = node->inputs[1].node->columns[p->right_keys[k]].name,
                                        .type = node->inputs[0].node->columns[p->left_keys[k]].type};
    *schema = (struct schema){p->keys_count, fields};
    struct format_spec spec = {.name = BYTES_LITERAL("json"), .schema = schema, .columns = p->left_keys};
    return format_encoder_open(&spec, &s->encoder, diag);
}

static enum status lookup_open(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    const struct plan_join *p = &node->join;
    const struct plan_node *left = node->inputs[0].node, *answers = node->inputs[1].node;
    struct lookup_state *s = state;
    struct diag *diag = ctx->expr.diag;

    arena_init(&s->plan_arena, ARENA_BUDGET_NONE);
    arena_init(&s->scratch, ARENA_BUDGET_NONE);
    arena_init(&s->test_scratch, ARENA_BUDGET_NONE);
    heap_init(&s->heap);
    buf_init(&s->key_text, 0);
    buf_init(&s->text, 0);
    s->rules = p->lookup->table->lookup;
    s->hint = &p->lookup->hint;
    s->keys_max = s->rules->keys_max && s->rules->keys_max < ctx->shards ? 1 : s->rules->keys_max / ctx->shards;
    s->padded = p->kind == JOIN_LEFT;
    s->ordered = !p->lookup->hint.unordered || left->changes;
    const struct plan_node *right = right_node(&s->plan_arena, node);
    TRY(keyer_make(&s->keyers[0], &s->plan_arena, left, p->left_keys, p->keys_count, diag));
    TRY(keyer_make(&s->keyers[1], &s->plan_arena, answers, p->right_keys, p->keys_count, diag));
    TRY(join_keys_fit(&s->keyers[0], &s->keyers[1], diag));
    TRY(pack_make(&s->packs[0], &s->plan_arena, left, NULL, left->columns_count, diag));
    TRY(pack_make(&s->packs[1], &s->plan_arena, right, NULL, right->columns_count, diag));
    TRY(encoder_make(s, node, diag));
    join_test_make(&s->test, &s->plan_arena, p->condition, &s->packs[0], &s->packs[1]);
    state_init(&s->keys, s->keyers[0].words, sizeof(struct lookup_key *));
    s->nothing = lookup_found_make(s, NULL, NULL, 0);
    return ST_OK;
}

static void lookup_close(const struct plan_node *node, void *state)
{
    struct lookup_state *s = state;

    (void)node;
    state_deinit(&s->keys);
    heap_deinit(&s->heap);
    format_encoder_close(s->encoder);
    buf_deinit(&s->key_text);
    buf_deinit(&s->text);
    arena_deinit(&s->plan_arena);
    arena_deinit(&s->scratch);
    arena_deinit(&s->test_scratch);
}

/* ---- what is told: pairs of a row and what was found, then the row's end, where it comes alone if none has met ---- */

struct telling {
    struct lookup_state *s;
    struct join_out out;
    const uint8_t *left[CHUNK_ROWS], *right[CHUNK_ROWS]; /* right NULL: the end of a row's pairs */
    uint8_t kinds[CHUNK_ROWS];
    uint16_t count;
    bool met; /* a pair of the row at hand passed */
};

static struct telling *telling_begin(struct lookup_state *s, const struct plan_node *node, struct op_ctx *ctx)
{
    struct telling *t = ARENA_NEW(ctx->arena, struct telling);

    t->s = s;
    t->out = (struct join_out){.node = node, .ctx = ctx, .scratch = &s->scratch, .packs = {&s->packs[0], &s->packs[1]}};
    return t;
}

static enum status telling_flush(struct telling *t)
{
    uint8_t pass[CHUNK_ROWS];
    enum status st =
        join_test_pairs(&t->s->test, t->out.ctx, &t->s->test_scratch, t->left, t->right, t->count, pass);

    arena_reset(&t->s->test_scratch);
    for (uint16_t i = 0; i < t->count && st == ST_OK; i++) {
        bool end = !t->right[i];
        if (end ? !t->met && t->s->padded : pass[i])
            st = join_out_add(&t->out, t->left[i], t->right[i], t->kinds[i]);
        t->met = !end && (t->met || pass[i]);
    }
    t->count = 0;
    return st == ST_OK ? join_out_flush(&t->out) : st;
}

static enum status telling_add(struct telling *t, const uint8_t *left, const uint8_t *right, uint8_t kind)
{
    t->left[t->count] = left;
    t->right[t->count] = right;
    t->kinds[t->count++] = kind;
    return t->count == CHUNK_ROWS ? telling_flush(t) : ST_OK;
}

static enum status tell(struct telling *t, const uint8_t *left, const struct lookup_found *found, uint8_t kind)
{
    const uint8_t *right = found->packed;

    for (uint32_t i = 0; i < found->rows; i++, right = lookup_found_next(t->s, right))
        TRY(telling_add(t, left, right, kind));
    return telling_add(t, left, NULL, kind);
}

/* ---- rows that wait and are answered ---- */

/* Some rows that may be told, in order; they go when they have been. more: there may be others. */
static enum status tell_some(struct telling *t, bool *more)
{
    struct lookup_state *s = t->s;
    struct lookup_row *told[CHUNK_ROWS];
    uint16_t count = 0;
    enum status st = ST_OK;
    struct sorted_at at = sorted_first();

    for (struct lookup_row *row; st == ST_OK && count < CHUNK_ROWS && (row = sorted_get(&s->waiting, at)) != NULL;
         at = sorted_next(&s->waiting, at)) {
        if (!row->found && s->ordered)
            break;
        if (!row->found)
            continue;
        st = tell(t, row->packed, row->found, row->kind);
        told[count++] = row;
    }
    if (st == ST_OK)
        st = telling_flush(t);
    for (uint16_t i = 0; i < count && st == ST_OK; i++)
        lookup_row_free(s, told[i]);
    *more = count == CHUNK_ROWS;
    return st;
}

static enum status tell_answered(struct telling *t)
{
    bool more;

    do
        TRY(tell_some(t, &more));
    while (more);
    return ST_OK;
}

/* ---- rows of the left ---- */

struct coming {
    struct lookup_state *s;
    struct op_ctx *ctx;
    const struct chunk *in;
    const uint16_t *rows;
    void *values[CHUNK_ROWS];
    struct state_keys keys;
    uint8_t *packed[CHUNK_ROWS];
    uint32_t sizes[CHUNK_ROWS];
};

/* What is no UTF-8 cannot be written as JSON, and is nowhere found. */
static bool can_be_asked(const struct coming *c, const struct plan_node *node, uint16_t i)
{
    const struct plan_node *left = node->inputs[0].node;

    if (keyer_has_null(&c->s->keyers[0], &c->keys, i))
        return false;
    for (uint16_t k = 0; k < node->join.keys_count; k++) {
        uint16_t column = node->join.left_keys[k];
        const struct str *text = c->in->cols[column].data;
        if (type_is_text(left->columns[column].type->kind) &&
            !bytes_is_utf8(bytes_of(text[c->rows[i]].ptr, text[c->rows[i]].len)))
            return false;
    }
    return true;
}

/* {"id":7,"$asked":12}, under the key {"id":7}, of a row of the left. */
static void ask(struct lookup_state *s, struct op_ctx *ctx, struct lookup_key *key, const struct chunk *in, uint16_t row)
{
    buf_clear(&s->key_text);
    buf_clear(&s->text);
    format_encode(s->encoder, in, row, &s->key_text);
    CHECK(s->key_text.len > 2 && s->key_text.ptr[s->key_text.len - 1] == '}');
    buf_append(&s->text, s->key_text.ptr, s->key_text.len - 1);
    buf_printf(&s->text, ",\"$asked\":%llu}", (unsigned long long)ctx->tick);
    op_ask(ctx, buf_view(&s->key_text), buf_view(&s->text));
    key->asked = ctx->tick;
}

/* What is known for the row already; NULL: its key is asked for. */
static struct lookup_found *known(struct coming *c, const struct plan_node *node, struct lookup_key *key, uint16_t i)
{
    struct lookup_state *s = c->s;
    int64_t now = c->ctx->expr.now_us;

    if (!can_be_asked(c, node, i))
        return s->nothing;
    if (!key->open && lookup_cache_holds(s, key, now)) { /* rows of a key stay in order, whoever may overtake */
        lookup_cache_use(s, key, now);
        c->ctx->lookups.hits++;
        return key->cached;
    }
    c->ctx->lookups.misses++;
    if (key->asked == LOOKUP_NOT_ASKED || (!s->rules->cached && key->asked != c->ctx->tick))
        ask(s, c->ctx, key, c->in, c->rows[i]);
    return NULL;
}

static void wait_for(struct coming *c, struct lookup_key *key, struct lookup_found *found, uint16_t i)
{
    struct lookup_row *row = lookup_row_new(c->s, c->packed[i], c->sizes[i]);

    row->key = key;
    row->found = found;
    if (found)
        found->refs++;
    row->came = c->ctx->tick;
    row->asked = key->asked;
    row->seq = c->s->next_seq++;
    row->watermark_us = c->ctx->watermark_us;
    row->kind = chunk_kind(c->in, c->rows[i]);
    lookup_row_add(c->s, row);
}

static enum status left_rows(struct coming *c, const struct plan_node *node, struct telling *t)
{
    struct lookup_state *s = c->s;

    for (uint16_t i = 0; i < c->in->count; i++) {
        struct lookup_key *key = lookup_key_of(s, c->values[i]);
        struct lookup_found *found = known(c, node, key, i);
        if (found && (!s->waiting.count || !s->ordered))
            TRY(tell(t, c->packed[i], found, chunk_kind(c->in, c->rows[i])));
        else
            wait_for(c, key, found, i);
    }
    return telling_flush(t);
}

static enum status left_chunk(struct lookup_state *s, const struct plan_node *node, struct op_ctx *ctx,
                              const struct chunk *in)
{
    struct coming *c = ARENA_NEW(ctx->arena, struct coming);
    uint16_t all[CHUNK_ROWS];

    *c = (struct coming){.s = s, .ctx = ctx, .in = in, .rows = chunk_rows(in, all)};
    keyer_keys(&s->keyers[0], in->cols, c->rows, in->count, ctx->arena, &c->keys);
    pack_rows(&s->packs[0], ctx->arena, in->cols, c->rows, in->count, c->packed, c->sizes);
    state_upsert(&s->keys, &c->keys, NULL, in->count, c->values, NULL);
    enum status st = left_rows(c, node, telling_begin(s, node, ctx));
    for (uint16_t i = 0; i < in->count; i++) {
        struct lookup_key *key;
        memcpy(&key, c->values[i], sizeof(key));
        if (key)
            lookup_key_sweep(s, key);
    }
    return st;
}

/* ---- answers ---- */

/* Elements from `base` on, a multiple of 64, as a column of their own. */
static struct column column_from(const struct column *col, const struct type *type, uint32_t base, struct arena *arena)
{
    struct column out = *col;
    enum phys phys = type_phys(type->kind);

    out.valid = col->valid ? col->valid + base / 64 : NULL;
    if (phys == PHYS_LIST) {
        out.offsets = col->offsets + base;
    } else if (phys == PHYS_ROW) {
        struct column *children = ARENA_ARRAY(arena, struct column, type->fields_count + 1u);
        for (uint16_t f = 0; f < type->fields_count; f++)
            children[f] = column_from(&col->children[f], type->fields[f].type, base, arena);
        out.children = children;
    } else if (phys != PHYS_NULL) {
        out.data = (const uint8_t *)col->data + base * phys_size(phys);
    }
    return out;
}

/* The rows of an answer, packed. */
static struct lookup_found *found_of(struct lookup_state *s, const struct plan_node *node, struct op_ctx *ctx,
                                     const struct column *rows, uint16_t row)
{
    const struct type *type = node->join.lookup->row;
    uint32_t from = column_valid(rows, row) ? rows->offsets[row] : 0;
    uint32_t count = column_valid(rows, row) ? rows->offsets[row + 1] - from : 0;
    uint8_t **packed = ARENA_ARRAY(ctx->arena, uint8_t *, count + 1u);
    uint32_t *sizes = ARENA_ARRAY(ctx->arena, uint32_t, count + 1u);
    uint16_t which[CHUNK_ROWS];

    for (uint32_t done = 0; done < count;) {
        uint32_t base = (from + done) / 64 * 64;
        uint16_t n = count - done < CHUNK_ROWS ? (uint16_t)(count - done) : CHUNK_ROWS;
        struct column part = column_from(&rows->children[0], type, base, ctx->arena);
        for (uint16_t i = 0; i < n; i++)
            which[i] = (uint16_t)(from + done + i - base);
        pack_rows(&s->packs[1], ctx->arena, part.children, which, n, packed + done, sizes + done);
        done += n;
    }
    return lookup_found_make(s, packed, sizes, count);
}

/* Keeps what was found, as the cache's rules say. */
static void keep(struct lookup_state *s, struct lookup_key *key, struct lookup_found *found, int64_t now_us)
{
    if (found->rows || s->rules->keep_missing)
        lookup_cache_put(s, key, found, now_us);
    else
        lookup_cache_drop(s, key);
}

/* What its rows are told, or what is not told yet. */
static void take_found(struct lookup_state *s, const struct plan_node *node, struct op_ctx *ctx,
                                      struct lookup_key *key, const struct chunk *in, uint16_t row)
{
    int64_t asked = ((const int64_t *)in->cols[node->join.keys_count + LOOKUP_ASKED].data)[row];
    const struct column *cols = in->cols + node->join.keys_count;
    int32_t kind = ((const int32_t *)cols[LOOKUP_KIND].data)[row];

    if (kind == LOOKUP_STALE && key->cached) {
        ctx->lookups.stale++;
        lookup_answer(s, key, (uint64_t)asked, key->cached);
        return;
    }
    struct lookup_found *found = found_of(s, node, ctx, &cols[LOOKUP_ROWS], row);
    bool asks_again = false;
    if (kind == LOOKUP_FOUND && !found->rows && s->hint->retries)
        asks_again = lookup_missed(s, key, (uint64_t)asked, found, ctx->expr.now_us);
    else
        lookup_answer(s, key, (uint64_t)asked, found);
    if (kind == LOOKUP_FOUND && s->rules->cached && !asks_again)
        keep(s, key, found, ctx->expr.now_us);
    lookup_found_release(s, found);
}

static enum status answers_chunk(struct lookup_state *s, const struct plan_node *node, struct op_ctx *ctx,
                                 const struct chunk *in)
{
    const uint16_t *rows;
    uint16_t all[CHUNK_ROWS];
    void *values[CHUNK_ROWS];
    struct state_keys keys;

    const int64_t *asked = in->cols[node->join.keys_count + LOOKUP_ASKED].data;
    rows = chunk_rows(in, all);
    keyer_keys(&s->keyers[1], in->cols, rows, in->count, ctx->arena, &keys);
    state_find(&s->keys, &keys, NULL, in->count, values);
    for (uint16_t i = 0; i < in->count; i++) {
        struct lookup_key *key = NULL;
        if (values[i])
            memcpy(&key, values[i], sizeof(key));
        if (key && !key->open)
            lookup_over(key, (uint64_t)asked[rows[i]]); /* nobody waits for it any more */
        if (!key || !key->open)
            continue;
        take_found(s, node, ctx, key, in, rows[i]);
    }
    if (s->first_due)
        op_alarm(ctx, s->first_due->due_us);
    return tell_answered(telling_begin(s, node, ctx));
}

static enum status lookup_on_chunk(const struct plan_node *node, void *state, struct op_ctx *ctx, int input,
                                   const struct chunk *in)
{
    struct lookup_state *s = state;
    enum status st = input ? answers_chunk(s, node, ctx, in) : left_chunk(s, node, ctx, in);

    lookup_dropped_free(s);
    return st;
}

/* ---- the end of a tick; time ---- */

/* A row that rested: its key is asked for, once a tick. */
static void ask_again(struct lookup_state *s, const struct plan_node *node, struct op_ctx *ctx, struct lookup_row *row)
{
    const struct plan_node *left = node->inputs[0].node;
    struct column *cols = ARENA_ARRAY(ctx->arena, struct column, left->columns_count + 1u);
    const uint8_t *packed = row->packed;
    struct chunk chunk = {.cols = cols, .col_count = left->columns_count, .rows = 1, .count = 1};

    lookup_row_wake(s, row);
    row->again = ctx->tick;
    if (row->key->asked == ctx->tick)
        return;
    pack_read_all(&s->packs[0], &packed, 1, ctx->arena, cols);
    ask(s, ctx, row->key, &chunk, 0);
    ctx->lookups.retried++;
}

static enum status lookup_on_clock(const struct plan_node *node, void *state, struct op_ctx *ctx, int64_t now_us)
{
    struct lookup_state *s = state;

    while (s->first_due && s->first_due->due_us <= now_us)
        ask_again(s, node, ctx, s->first_due);
    if (s->first_due)
        op_alarm(ctx, s->first_due->due_us);
    return ST_OK;
}

static enum status lookup_on_tick_end(const struct plan_node *node, void *state, struct op_ctx *ctx)
{
    (void)node;
    lookup_cache_shrink(state, ctx->expr.now_us);
    ctx->lookups.cached = ((const struct lookup_state *)state)->cached;
    return ST_OK;
}

/* Rows come to their user before a watermark that came behind them. */
static int64_t lookup_passes(const struct plan_node *node, const void *state, int64_t watermark_us)
{
    const struct lookup_state *s = state;
    const struct lookup_row *first = sorted_get(&s->waiting, sorted_first());

    (void)node;
    return first ? first->watermark_us : watermark_us;
}

static uint64_t lookup_waiting(const struct plan_node *node, const void *state)
{
    (void)node;
    return ((const struct lookup_state *)state)->waiting.count;
}

static void lookup_measure(const struct plan_node *node, const void *state, uint64_t *rows, uint64_t *bytes)
{
    const struct lookup_state *s = state;

    (void)node;
    *rows = s->waiting.count + s->cached;
    *bytes = state_bytes(&s->keys) + s->heap.held_bytes;
}

const struct op_class op_lookup = {
    .name = "LookupJoin",
    .state_size = sizeof(struct lookup_state),
    .open = lookup_open,
    .on_chunk = lookup_on_chunk,
    .on_clock = lookup_on_clock,
    .on_tick_end = lookup_on_tick_end,
    .passes = lookup_passes,
    .waiting = lookup_waiting,
    .save = lookup_save,
    .load = lookup_load,
    .close = lookup_close,
    .measure = lookup_measure,
};
