/* Operators read their part of a checkpoint, or a part of what was on disk: any bytes are refused or give a state that works. */
#include <stdlib.h>

#include "base/check.h"
#include "data/func.h"
#include "flow/op.h"
#include "lib/fuzz.h"

struct rig {
    struct op_ctx ctx; /* first */
    struct arena plans, call;
    struct diag diag;
};

static enum status emit(struct op_ctx *ctx, const struct chunk *out)
{
    (void)ctx;
    CHECK(out->count <= CHUNK_ROWS);
    return ST_OK;
}

static void late(struct op_ctx *ctx, int input, const struct chunk *in, const uint16_t *rows, uint16_t count)
{
    (void)ctx;
    (void)input;
    (void)in;
    (void)rows;
    (void)count;
}

static void alarm_at(struct op_ctx *ctx, int64_t at_us)
{
    (void)ctx;
    (void)at_us;
}

static void ask(struct op_ctx *ctx, struct bytes key, struct bytes question)
{
    (void)ctx;
    (void)key;
    (void)question;
}

static const struct op_way way = {emit, late, alarm_at, ask};

/* k BIGINT or STRING, s STRING, t TIMESTAMP rowtime, e TIMESTAMP */
static struct plan_node *input_node(struct rig *r, bool text_key, bool updates)
{
    struct plan_node *node = ARENA_NEW(&r->plans, struct plan_node);
    const struct type *time = type_make(&r->plans, TYPE_TIMESTAMP, 3, 0);

    node->columns_count = 4;
    node->columns = ARENA_ARRAY(&r->plans, struct plan_column, 4);
    node->columns[0].type = type_simple(text_key ? TYPE_VARCHAR : TYPE_BIGINT);
    node->columns[1].type = type_simple(TYPE_VARCHAR);
    node->columns[2] = (struct plan_column){.type = time, .time = TIME_ROW};
    node->columns[3].type = time;
    node->changes = updates ? CHANGE_UPDATE | CHANGE_UPDATE_BEFORE | CHANGE_DELETE : 0;
    return node;
}

/* A{1,} B{0,2}? C over s: FIRST, a kept aggregate, a bound in time. */
static void match_make(struct rig *r, struct plan_node *node, unsigned kind, const struct agg_call *aggs)
{
    static const uint16_t key[1] = {0};
    static const struct plan_match_ref refs[2] = {{.variable = MATCH_ALL, .first = true, .column = 1},
                                                  {.variable = 1, .offset = 1, .column = 1}};
    struct plan_match_variable *v = ARENA_ARRAY(&r->plans, struct plan_match_variable, 3);
    struct plan_match_agg *min = ARENA_NEW(&r->plans, struct plan_match_agg);
    const struct expr *args[2] = {expr_column(&r->plans, 1, type_simple(TYPE_VARCHAR)),
                                  expr_column(&r->plans, 4, type_simple(TYPE_VARCHAR))};

    v[0] = (struct plan_match_variable){.name = BYTES_LITERAL("A"),
                                        .least = 1,
                                        .most = MATCH_UNBOUNDED,
                                        .greedy = true,
                                        .define = func_bind(&r->plans, bytes_str(">="), args, 2, &r->diag)};
    v[1] = (struct plan_match_variable){.name = BYTES_LITERAL("B"), .least = 0, .most = 2};
    v[2] = (struct plan_match_variable){.name = BYTES_LITERAL("C"), .least = 1, .most = 1, .single = true};
    *min = (struct plan_match_agg){.variable = 0, .call = aggs[0]};
    node->kind = PLAN_MATCH;
    node->columns_count = 5;
    node->match = (struct plan_match){.partition = key,
                                      .partition_count = 1,
                                      .column = 2,
                                      .time = TIME_ROW,
                                      .variables = v,
                                      .variables_count = 3,
                                      .defines = {refs, 1, NULL, 0},
                                      .measures = {refs, 2, min, 1},
                                      .emit_time = true,
                                      .skip = kind & 32 ? SKIP_TO_LAST : SKIP_TO_NEXT,
                                      .skip_to = 1,
                                      .within_us = kind & 64 ? 9000000 : 0};
}

/* By k for s; its answers: k, asked, kind, rows. */
static void lookup_make(struct rig *r, struct plan_node *node, struct plan_node *left, unsigned kind)
{
    static const uint16_t key[1] = {0};
    struct table *table = ARENA_NEW(&r->plans, struct table);
    struct table_lookup *rules = ARENA_NEW(&r->plans, struct table_lookup);
    struct plan_lookup *lookup = ARENA_NEW(&r->plans, struct plan_lookup);
    struct type_field *field = ARENA_NEW(&r->plans, struct type_field);
    struct plan_node *answers = input_node(r, kind & 16, false);

    *field = (struct type_field){.name = BYTES_LITERAL("s"), .type = type_simple(TYPE_VARCHAR)};
    *rules = (struct table_lookup){.cached = kind & 32, .keys_max = 1, .write_us = 1000, .stale = kind & 64};
    *table = (struct table){.lookup = rules};
    *lookup = (struct plan_lookup){.table = table, .keys_count = 1, .columns_count = 1,
                                   .row = type_row(&r->plans, field, 1),
                                   .hint = {.unordered = !(kind & 1), .retries = 2, .retry_us = 1000}};
    answers->columns[1].type = type_simple(TYPE_BIGINT);
    answers->columns[2] = (struct plan_column){.type = type_simple(TYPE_INT)};
    answers->columns[3].type = type_list(&r->plans, TYPE_ARRAY, lookup->row, NULL);
    node->kind = PLAN_LOOKUP_JOIN;
    node->columns_count = 5;
    node->columns = ARENA_ARRAY(&r->plans, struct plan_column, 5);
    memcpy(node->columns, left->columns, 4 * sizeof(*node->columns));
    node->columns[4].type = type_simple(TYPE_VARCHAR);
    node->inputs[1].node = answers;
    node->inputs_count = 2;
    node->join = (struct plan_join){.kind = kind & 2 ? JOIN_LEFT : JOIN_INNER, .left_keys = key, .right_keys = key,
                                    .keys_count = 1, .lookup = lookup};
}

static struct plan_node *node_make(struct rig *r, unsigned kind)
{
    static const uint16_t key[1] = {0}, window_key[3] = {0, 2, 3};
    static const struct plan_sort_key order = {.column = 1};
    bool updates = kind & 8;
    struct plan_node *in = input_node(r, kind & 16, updates && (kind & 7) != 1);
    struct plan_node *node = ARENA_NEW(&r->plans, struct plan_node);
    struct agg_call *aggs = ARENA_ARRAY(&r->plans, struct agg_call, 3);
    const struct expr *s = expr_column(&r->plans, 1, in->columns[1].type);

    CHECK(agg_bind(&r->plans, bytes_str("MIN"), s, false, false, NULL, &aggs[0], &r->diag));
    CHECK(agg_bind(&r->plans, bytes_str("COUNT"), s, false, true, NULL, &aggs[1], &r->diag));
    CHECK(agg_bind(&r->plans, bytes_str("LAST_VALUE"), s, false, false, NULL, &aggs[2], &r->diag));
    if (kind & 128) {
        CHECK(agg_bind(&r->plans, bytes_str("LISTAGG"), s, false, kind & 32, NULL, &aggs[0], &r->diag));
        CHECK(agg_bind(&r->plans, bytes_str((kind & 7) == 6 && !(kind & 32) ? "LAG" : "ARRAY_AGG"), s, false, false,
                       NULL, &aggs[2], &r->diag));
    }
    node->inputs = ARENA_ARRAY(&r->plans, struct plan_input, 2);
    node->inputs[0].node = node->inputs[1].node = in;
    node->inputs_count = 1;
    if (kind & 128) {
        in->changes = 0;
        if (kind & 8)
            lookup_make(r, node, in, kind);
        else
            match_make(r, node, kind, aggs);
        return node;
    }
    switch (kind & 7) {
    case 0:
        node->kind = PLAN_GROUP_AGG;
        node->columns_count = 4;
        node->group_agg = (struct plan_group_agg){.keys = key, .keys_count = 1, .aggs = aggs, .aggs_count = 3};
        break;
    case 1:
        node->kind = PLAN_WINDOW_AGG;
        node->columns_count = 4;
        node->window_agg = (struct plan_window_agg){
            .window = {.kind = kind & 32 ? WINDOW_CUMULATE : WINDOW_HOP, .time = TIME_ROW, .column = 2, .size_us = 10000000, .slide_us = 5000000},
            .keys = key, .keys_count = 1, .aggs = aggs, .aggs_count = 3};
        break;
    case 2:
        node->kind = PLAN_RANK;
        node->columns_count = 4;
        node->rank = (struct plan_rank){.partition = key, .partition_count = 1, .order = &order, .order_count = 1,
                                        .limit = kind & 32 ? 1 : 2};
        break;
    case 3:
        node->kind = updates ? PLAN_TEMPORAL_JOIN : PLAN_WINDOW_JOIN;
        in->changes = 0;
        break;
    case 4:
        node->kind = PLAN_WINDOW_RANK;
        node->columns_count = 4;
        in->changes = 0;
        node->rank = (struct plan_rank){.partition = window_key, .partition_count = 3, .order = &order,
                                        .order_count = 1, .limit = 2, .start_column = 2, .end_column = 3};
        break;
    case 5:
        node->kind = PLAN_WINDOW;
        node->columns_count = 7;
        in->changes = 0;
        node->window = (struct plan_window){.kind = WINDOW_SESSION, .time = TIME_ROW, .column = 2, .size_us = 7000000,
                                            .partition = key, .partition_count = kind & 32 ? 0 : 1};
        break;
    case 6:
        node->kind = PLAN_OVER;
        node->columns_count = 7;
        in->changes = 0;
        node->over = (struct plan_over){.partition = key, .partition_count = 1, .column = 2, .time = TIME_ROW,
                                        .bounded = kind & 32, .rows = kind & 64, .preceding = kind & 64 ? 1 : 3000000,
                                        .aggs = aggs, .aggs_count = 3};
        break;
    default: node->kind = PLAN_JOIN;
    }
    if (!node->columns_count) {
        node->inputs_count = 2;
        static const enum join_kind kinds[] = {JOIN_FULL, JOIN_SEMI, JOIN_ANTI, JOIN_INNER};
        enum join_kind join = node->kind == PLAN_TEMPORAL_JOIN ? kind & 32 ? JOIN_LEFT : JOIN_INNER : kinds[kind >> 5 & 3];
        node->columns_count = join == JOIN_SEMI || join == JOIN_ANTI ? 4 : 8;
        node->join = (struct plan_join){.kind = join, .left_keys = key, .right_keys = key, .keys_count = 1,
                                        .left_time = 2, .right_time = 2, .left_start = 2, .left_end = 3,
                                        .right_start = 2, .right_end = 3};
    }
    return node;
}

static void feed(struct rig *r, const struct plan_node *node, const struct op_class *class, void *state, bool text)
{
    int64_t keys[2] = {1, 2}, times[2] = {1000000, 7000000}, ends[2] = {20000000, 20000000};
    struct str texts[2] = {{"a", 1, 0}, {"bc", 2, 0}};
    struct column cols[4] = {{.data = text ? (void *)texts : (void *)keys}, {.data = texts}, {.data = times},
                             {.data = ends}};
    struct chunk chunk = {.cols = cols, .count = 2, .rows = 2, .col_count = 4};
    struct snap_writer w = {0};

    int32_t kinds[2] = {LOOKUP_FOUND, LOOKUP_STALE};
    uint32_t offsets[3] = {0, 2, 2};
    struct column row = {.data = texts}, list = {.children = &row};
    bool asks = node->kind == PLAN_LOOKUP_JOIN;
    for (uint16_t i = 0; i < node->inputs_count; i++) {
        if (asks && i == 1) {
            cols[1] = (struct column){.data = keys};
            cols[2] = (struct column){.data = kinds};
            cols[3] = (struct column){.children = &list, .offsets = offsets};
        }
        if (class->on_chunk(node, state, &r->ctx, i, &chunk) != ST_OK)
            return;
        arena_reset(&r->call);
    }
    if (class->on_tick_end && class->on_tick_end(node, state, &r->ctx) != ST_OK)
        return;
    enum status st = ST_AGAIN;
    for (int step = 0; class->on_watermark && st == ST_AGAIN && step < 100; step++)
        st = class->on_watermark(node, state, &r->ctx, 30000000);
    bool expires = node->inputs[0].ttl_us || (node->inputs_count > 1 && node->inputs[1].ttl_us);
    for (int look = 0; expires && look < 3; look++) { /* what expires goes, whenever it was written */
        r->ctx.expr.now_us += INT64_C(60000000);
        if (class->on_clock(node, state, &r->ctx, r->ctx.expr.now_us) != ST_OK)
            break;
    }
    class->save(node, state, &w);
    buf_deinit(&w.buf);
}

/* The first byte says which operator, the second what expires and which of its hooks reads the rest. */
static enum status load(struct rig *r, const struct plan_node *node, const struct op_class *class, void *state,
                        uint8_t how, struct reader *reader)
{
    if (!(how & 4) || !class->load_cold)
        return class->load(node, state, &r->ctx, reader);
    enum status st = ST_OK;
    while (st == ST_OK && reader_left(reader)) /* parts come one behind the other */
        st = class->load_cold(node, state, &r->ctx, reader);
    return reader->bad ? ST_CORRUPT : st;
}

FUZZ(operator_load, data, size)
{
    struct rig r = {0};

    if (size < 2)
        return;
    arena_init(&r.plans, ARENA_BUDGET_NONE);
    arena_init(&r.call, ARENA_BUDGET_NONE);
    r.ctx = (struct op_ctx){.arena = &r.call, .shards = 1, .watermark_us = INT64_MIN, .way = &way};
    r.ctx.expr = (struct expr_ctx){.arena = &r.call, .watermark_us = INT64_MIN, .diag = &r.diag};
    struct plan_node *node = node_make(&r, data[0]);
    for (uint16_t i = 0; i < node->inputs_count && plan_expires(node); i++)
        node->inputs[i].ttl_us = data[1] >> i & 1 ? 10000000 : 0;
    const struct op_class *class = op_class_of(node, &r.diag);
    void *state = xcalloc(1, class->state_size + 16);
    struct reader reader = reader_of(bytes_of(data + 2, size - 2));

    if (class->open(node, state, &r.ctx) == ST_OK && load(&r, node, class, state, data[1], &reader) == ST_OK)
        feed(&r, node, class, state, data[0] & 16);
    class->close(node, state);
    free(state);
    arena_deinit(&r.plans);
    arena_deinit(&r.call);
}
