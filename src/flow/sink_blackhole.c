/* sink_blackhole.c: swallows rows, and keeps what `bench` compares: how many, and a hash of what they
 * fold into.
 *
 * A row's hash is that of its packed bytes; the fold adds it for a row that comes and takes it away
 * for one that goes. Where the changelog has updates without their before, the hash that a key had
 * is kept, so that the sum is that of the last rows. A sum depends on no order and no shard.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "flow/ops/pack.h"
#include "flow/sinks.h"

struct blackhole {
    struct sink base;
    struct arena arena, scratch;
    struct pack pack;
    struct keyer keyer;
    struct state_table last; /* by key: the hash of the row that is there */
    bool hashes, keyed;
    uint64_t rows, sum;
    uint8_t *bytes;
    size_t bytes_cap;
};

static enum status blackhole_open(const struct plan_node *node, struct sink_env *env,
                                  struct sink **out, struct diag *diag)
{
    struct blackhole *b = xcalloc(1, sizeof(*b));
    const struct plan_node *input = node->inputs[0].node;
    struct diag why = {0};
    b->base = (struct sink){&sink_blackhole_class, env};
    arena_init(&b->arena, ARENA_BUDGET_NONE);
    arena_init(&b->scratch, ARENA_BUDGET_NONE);
    b->hashes = !bytes_is(table_option_get(node->sink.table, "fold", "true"), "false") &&
                pack_make(&b->pack, &b->arena, input, NULL, input->columns_count, &why) == ST_OK;
    b->keyed = b->hashes && (input->changes & CHANGE_UPDATE) &&
               !(input->changes & CHANGE_UPDATE_BEFORE) && node->sink.upsert_key_count;
    enum status st = ST_OK;
    if (b->keyed) {
        st = keyer_make(&b->keyer, &b->arena, input, node->sink.upsert_key,
                        node->sink.upsert_key_count, diag);
        state_init(&b->last, b->keyer.words, 8);
    }
    *out = &b->base;
    if (st != ST_OK)
        b->base.class->close(&b->base);
    return st;
}

static void row_hashes(struct blackhole *b, const struct chunk *in, const uint16_t *rows,
                       uint64_t *hashes)
{
    uint32_t sizes[CHUNK_ROWS];
    uint8_t *to[CHUNK_ROWS];
    size_t total = 0;
    pack_sizes(&b->pack, in->cols, rows, in->count, sizes);
    for (uint16_t i = 0; i < in->count; i++)
        total += sizes[i];
    if (total > b->bytes_cap) {
        b->bytes_cap = total * 2;
        b->bytes = xrealloc(b->bytes, b->bytes_cap);
    }
    total = 0;
    for (uint16_t i = 0; i < in->count; i++) {
        to[i] = b->bytes + total;
        total += sizes[i];
    }
    pack_write(&b->pack, in->cols, rows, in->count, to);
    for (uint16_t i = 0; i < in->count; i++)
        hashes[i] = hash_bytes(bytes_of(to[i], sizes[i]));
}

static void fold_keyed(struct blackhole *b, const struct chunk *in, const uint16_t *rows,
                       const uint64_t *hashes)
{
    struct state_keys keys;
    void *values[CHUNK_ROWS];
    keyer_keys(&b->keyer, in->cols, rows, in->count, &b->scratch, &keys);
    state_upsert(&b->last, &keys, NULL, in->count, values, NULL);
    for (uint16_t i = 0; i < in->count; i++) {
        uint64_t *there = values[i];
        b->sum -= *there;
        *there = row_kind_retracts(chunk_kind(in, rows[i])) ? 0 : hashes[i];
        b->sum += *there;
    }
    arena_reset(&b->scratch);
}

static enum status blackhole_chunk(struct sink *sink, const struct chunk *in)
{
    struct blackhole *b = (struct blackhole *)sink;
    uint16_t rows[CHUNK_ROWS];
    uint64_t hashes[CHUNK_ROWS];
    b->rows += in->count;
    if (!b->hashes)
        return ST_OK;
    for (uint16_t i = 0; i < in->count; i++)
        rows[i] = chunk_row(in, i);
    row_hashes(b, in, rows, hashes);
    if (b->keyed) {
        fold_keyed(b, in, rows, hashes);
        return ST_OK;
    }
    for (uint16_t i = 0; i < in->count; i++)
        b->sum += row_kind_retracts(chunk_kind(in, rows[i])) ? 0 - hashes[i] : hashes[i];
    return ST_OK;
}

static enum status blackhole_tick_end(struct sink *sink)
{
    struct blackhole *b = (struct blackhole *)sink;
    uint64_t both[2] = {b->rows, b->sum};
    sink_hash(sink->env, bytes_of(both, sizeof(both)));
    return ST_OK;
}

static void blackhole_save(struct sink *sink, struct snap_writer *w)
{
    struct blackhole *b = (struct blackhole *)sink;
    buf_u32_le(&w->buf, sink->env->ctx->shards);
    buf_u64_le(&w->buf, b->rows);
    buf_u64_le(&w->buf, b->sum);
    if (b->keyed)
        state_save(&b->last, w, NULL, NULL);
}

static enum status blackhole_load(struct sink *sink, struct reader *r)
{
    struct blackhole *b = (struct blackhole *)sink;
    struct op_ctx *ctx = sink->env->ctx;
    struct state_mine mine = {0, 1};
    bool same = reader_u32_le(r) == ctx->shards; /* else all old shards' parts are given to each */
    if (!same)
        mine = (struct state_mine){ctx->shard, ctx->shards};
    uint64_t rows = reader_u64_le(r), sum = reader_u64_le(r);
    if (same || ctx->shard == 0) {
        b->rows += rows;
        b->sum += sum;
    }
    return b->keyed ? state_load(&b->last, r, &mine, NULL, NULL) : ST_OK;
}

static void blackhole_measure(struct sink *sink, uint64_t *rows, uint64_t *bytes)
{
    struct blackhole *b = (struct blackhole *)sink;
    *rows = b->keyed ? state_count(&b->last) : 0;
    *bytes = b->keyed ? state_bytes(&b->last) : 0;
}

static void blackhole_close(struct sink *sink)
{
    struct blackhole *b = (struct blackhole *)sink;
    if (b->keyed)
        state_deinit(&b->last);
    free(b->bytes);
    arena_deinit(&b->scratch);
    arena_deinit(&b->arena);
    free(b);
}

const struct sink_class sink_blackhole_class = {
    .connector = "blackhole",
    .open = blackhole_open, .on_chunk = blackhole_chunk, .on_tick_end = blackhole_tick_end,
    .save = blackhole_save, .load = blackhole_load, .measure = blackhole_measure,
    .close = blackhole_close,
};

void sink_blackhole_read(const struct sink *sink, struct sink_blackhole_figures *out)
{
    const struct blackhole *b = (const struct blackhole *)sink;
    *out = (struct sink_blackhole_figures){b->rows, b->sum};
}
