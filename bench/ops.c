/* ops.c: operators alone, in the shapes of the Nexmark queries, over bids made beforehand.
 *
 * usage: ops [EVENTS] [CASE…]       default: 5,000,000 events, all cases
 *
 * Prints a JSON line a case: rows of input a second of the operator's own time, and rows out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "data/zone.h"
#include "data/func.h"
#include "flow/op.h"
#include "flow/sources/nexmark_gen.h"

enum { AUCTION, BIDDER, PRICE, TIME, DAY, COLUMNS };

struct bench {
    struct op_ctx ctx; /* first */
    struct arena plans, call, rows;
    struct diag diag;
    uint64_t rows_in, rows_out, late;
    double seconds;
    const struct type *bigint, *time, *text;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static enum status count_rows(struct op_ctx *ctx, const struct chunk *out)
{
    ((struct bench *)ctx)->rows_out += out->count;
    return ST_OK;
}

static void count_late(struct op_ctx *ctx, int input, const struct chunk *in, const uint16_t *rows,
                       uint16_t count)
{
    (void)input;
    (void)in;
    (void)rows;
    ((struct bench *)ctx)->late += count;
}

static void no_alarm(struct op_ctx *ctx, int64_t at_us)
{
    (void)ctx;
    (void)at_us;
}

static const struct op_way way = {count_rows, count_late, no_alarm, NULL};

static void must(struct bench *b, enum status st)
{
    if (st != ST_OK && st != ST_AGAIN) {
        fprintf(stderr, "ops: %s: %s\n", status_text(st), b->diag.message);
        exit(1);
    }
}

/* ---- plans ---- */

static struct plan_node *bids_node(struct bench *b)
{
    static const char *const names[COLUMNS] = {"auction", "bidder", "price", "dateTime", "day"};
    struct plan_node *node = ARENA_NEW(&b->plans, struct plan_node);

    node->kind = PLAN_SCAN;
    node->columns_count = COLUMNS;
    node->columns = ARENA_ARRAY(&b->plans, struct plan_column, COLUMNS);
    for (int c = 0; c < COLUMNS; c++)
        node->columns[c] = (struct plan_column){bytes_str(names[c]),
                                                c == TIME ? b->time : c == DAY ? b->text : b->bigint,
                                                c == TIME ? TIME_ROW : TIME_NONE};
    return node;
}

static struct plan_node *node_over(struct bench *b, enum plan_kind kind, uint16_t columns,
                                   struct plan_node *left, struct plan_node *right)
{
    struct plan_node *node = ARENA_NEW(&b->plans, struct plan_node);

    node->kind = kind;
    node->columns_count = columns;
    node->inputs = ARENA_ARRAY(&b->plans, struct plan_input, 2);
    node->inputs[0].node = left;
    node->inputs[1].node = right;
    node->inputs_count = right ? 2 : 1;
    return node;
}

static const uint16_t *columns_of(struct bench *b, uint16_t first, uint16_t second)
{
    uint16_t *out = ARENA_ARRAY(&b->plans, uint16_t, 2);
    out[0] = first;
    out[1] = second;
    return out;
}

static const struct expr *compare(struct bench *b, const char *sign, uint16_t column, int64_t v)
{
    const struct expr *args[2] = {expr_column(&b->plans, column, b->bigint),
                                  expr_i64(&b->plans, v, b->bigint)};
    return func_bind(&b->plans, bytes_str(sign), args, 2, &b->diag);
}

static struct agg_call call(struct bench *b, const char *name, int column, bool distinct,
                            const struct expr *filter)
{
    struct agg_call out;
    const struct expr *arg = column < 0 ? NULL : expr_column(&b->plans, (uint16_t)column, b->bigint);

    CHECK(agg_bind(&b->plans, bytes_str(name), arg, column < 0, distinct, filter, &out, &b->diag));
    return out;
}

static struct plan_node *q5(struct bench *b)
{
    struct plan_node *node = node_over(b, PLAN_WINDOW_AGG, 3, bids_node(b), NULL);
    struct agg_call *aggs = ARENA_ARRAY(&b->plans, struct agg_call, 1);

    aggs[0] = call(b, "COUNT", -1, false, NULL);
    node->window_agg = (struct plan_window_agg){
        .window = {.kind = WINDOW_HOP, .time = TIME_ROW, .column = TIME, .size_us = 10000000, .slide_us = 2000000},
        .keys = columns_of(b, AUCTION, 0), .keys_count = 1, .aggs = aggs, .aggs_count = 1, .emit_end = true};
    return node;
}

static struct plan_node *q7(struct bench *b)
{
    struct plan_node *node = node_over(b, PLAN_WINDOW_AGG, 2, bids_node(b), NULL);
    struct agg_call *aggs = ARENA_ARRAY(&b->plans, struct agg_call, 1);

    aggs[0] = call(b, "MAX", PRICE, false, NULL);
    node->window_agg = (struct plan_window_agg){
        .window = {.kind = WINDOW_TUMBLE, .time = TIME_ROW, .column = TIME, .size_us = 10000000, .slide_us = 10000000},
        .aggs = aggs, .aggs_count = 1, .emit_end = true};
    return node;
}

/* The join of q7: bids with the largest price of their window, which comes seldom. */
static struct plan_node *q7_join(struct bench *b)
{
    struct plan_node *node = node_over(b, PLAN_JOIN, 2 * COLUMNS, bids_node(b), bids_node(b));

    node->join = (struct plan_join){.kind = JOIN_INNER, .left_keys = columns_of(b, PRICE, 0),
                                    .right_keys = columns_of(b, PRICE, 0), .keys_count = 1, .bounded = true,
                                    .left_time = TIME, .right_time = TIME, .low_us = 0, .high_us = 10000000};
    return node;
}

static struct plan_node *q15(struct bench *b)
{
    struct plan_node *node = node_over(b, PLAN_GROUP_AGG, 13, bids_node(b), NULL);
    struct agg_call *aggs = ARENA_ARRAY(&b->plans, struct agg_call, 12);
    const struct expr *filters[4] = {NULL, compare(b, "<", PRICE, 10000), compare(b, ">=", PRICE, 10000),
                                     compare(b, ">=", PRICE, 1000000)};

    for (int i = 0; i < 12; i++)
        aggs[i] = call(b, "COUNT", i < 4 ? -1 : i < 8 ? BIDDER : AUCTION, i >= 4, filters[i % 4]);
    node->group_agg = (struct plan_group_agg){.keys = columns_of(b, DAY, 0), .keys_count = 1, .aggs = aggs,
                                              .aggs_count = 12};
    return node;
}

static struct plan_node *q17(struct bench *b)
{
    static const char *const names[8] = {"COUNT", "COUNT", "COUNT", "COUNT", "MIN", "MAX", "AVG", "SUM"};
    struct plan_node *node = node_over(b, PLAN_GROUP_AGG, 10, bids_node(b), NULL);
    struct agg_call *aggs = ARENA_ARRAY(&b->plans, struct agg_call, 8);
    const struct expr *filters[4] = {NULL, compare(b, "<", PRICE, 10000), compare(b, ">=", PRICE, 10000),
                                     compare(b, ">=", PRICE, 1000000)};

    for (int i = 0; i < 8; i++)
        aggs[i] = call(b, names[i], i < 4 ? -1 : PRICE, false, i < 4 ? filters[i] : NULL);
    node->group_agg = (struct plan_group_agg){.keys = columns_of(b, AUCTION, DAY), .keys_count = 2, .aggs = aggs,
                                              .aggs_count = 8};
    return node;
}

static struct plan_node *rank(struct bench *b, uint16_t first, uint16_t second, uint16_t keys, uint16_t order,
                              int64_t limit, bool emit_rank)
{
    struct plan_node *node = node_over(b, PLAN_RANK, COLUMNS + emit_rank, bids_node(b), NULL);
    struct plan_sort_key *key = ARENA_NEW(&b->plans, struct plan_sort_key);

    *key = (struct plan_sort_key){.column = order, .descending = true, .nulls_last = true};
    node->rank = (struct plan_rank){.partition = columns_of(b, first, second), .partition_count = keys, .order = key,
                                    .order_count = 1, .limit = limit, .emit_rank = emit_rank};
    return node;
}

static struct plan_node *q18(struct bench *b)
{
    return rank(b, BIDDER, AUCTION, 2, TIME, 1, false);
}

static struct plan_node *q19(struct bench *b)
{
    return rank(b, AUCTION, 0, 1, PRICE, 10, true);
}

/* Bids against bids of one key in so many: what q20 and q9 do, mostly insertion. */
static struct plan_node *q20(struct bench *b)
{
    struct plan_node *node = node_over(b, PLAN_JOIN, 2 * COLUMNS, bids_node(b), bids_node(b));

    node->join = (struct plan_join){.kind = JOIN_INNER, .left_keys = columns_of(b, AUCTION, 0),
                                    .right_keys = columns_of(b, AUCTION, 0), .keys_count = 1};
    return node;
}

static const struct shape {
    const char *name;
    struct plan_node *(*plan)(struct bench *b);
} shapes[] = {{"q5", q5}, {"q7", q7}, {"q7_join", q7_join}, {"q15", q15}, {"q17", q17},
              {"q18", q18}, {"q19", q19}, {"q20", q20}};

/* ---- running ---- */

static const struct str day = {"2020-01-01", 10, 0};

/* One run of events as a chunk of its bids. */
static void bids_make(struct bench *b, const struct nexmark_gen *gen, int64_t first, uint16_t count,
                      struct column *cols, struct chunk *out)
{
    static struct nexmark_run run;
    uint16_t *sel = arena_alloc(&b->rows, 2 * CHUNK_ROWS), bids = 0;
    struct str *days = arena_alloc(&b->rows, sizeof(*days) * CHUNK_ROWS);

    nexmark_run_init(&run, gen, first, 1, count, &b->rows);
    cols[AUCTION] = (struct column){.data = nexmark_field(&run, NX_AUCTION)};
    cols[BIDDER] = (struct column){.data = nexmark_field(&run, NX_BIDDER)};
    cols[PRICE] = (struct column){.data = nexmark_field(&run, NX_PRICE)};
    cols[TIME] = (struct column){.data = nexmark_field(&run, NX_BID_TIME)};
    const int32_t *types = nexmark_event_types(&run);
    for (uint16_t i = 0; i < count; i++) {
        days[i] = day;
        sel[bids] = i;
        bids = (uint16_t)(bids + (types[i] == 2));
    }
    cols[DAY] = (struct column){.data = days};
    *out = (struct chunk){.cols = cols, .sel = sel, .count = bids, .rows = count, .col_count = COLUMNS};
}

static void run_shape(struct bench *b, const struct shape *shape, const struct nexmark_gen *gen, int64_t events)
{
    struct plan_node *node = shape->plan(b);
    const struct op_class *class = op_class_of(node, &b->diag);
    void *state = xcalloc(1, class->state_size + 16);
    uint64_t rows = 0, bytes = 0;

    b->rows_in = b->rows_out = b->late = 0;
    b->seconds = 0;
    must(b, class->open(node, state, &b->ctx));
    for (int64_t at = 0, chunks = 0; at < events; at += CHUNK_ROWS, chunks++) {
        struct column cols[COLUMNS];
        struct chunk chunk;
        bids_make(b, gen, at, CHUNK_ROWS, cols, &chunk);
        double begin = now_s();
        must(b, class->on_chunk(node, state, &b->ctx, 0, &chunk));
        arena_reset(&b->call);
        if (node->inputs_count == 2 && chunks % 64 == 0) { /* the other side: a few rows */
            struct chunk few = chunk;
            few.count = 3;
            must(b, class->on_chunk(node, state, &b->ctx, 1, &few));
            arena_reset(&b->call);
        }
        if (chunks % 8 == 7) { /* a tick */
            if (class->on_watermark)
                must(b, class->on_watermark(node, state, &b->ctx, ((const int64_t *)cols[TIME].data)[0] - 4000000));
            arena_reset(&b->call);
            enum status end = class->on_tick_end ? ST_AGAIN : ST_OK;
            while (end == ST_AGAIN) {
                end = class->on_tick_end(node, state, &b->ctx);
                arena_reset(&b->call);
            }
            must(b, end);
        }
        b->seconds += now_s() - begin;
        b->rows_in += chunk.count;
        arena_reset(&b->rows);
    }
    class->measure(node, state, &rows, &bytes);
    printf("{\"case\":\"%s\",\"rows\":%llu,\"rows_per_second\":%.0f,\"rows_out\":%llu,\"late\":%llu,"
           "\"state_rows\":%llu,\"state_bytes\":%llu}\n",
           shape->name, (unsigned long long)b->rows_in, (double)b->rows_in / b->seconds,
           (unsigned long long)b->rows_out, (unsigned long long)b->late, (unsigned long long)rows,
           (unsigned long long)bytes);
    fflush(stdout);
    class->close(node, state);
    free(state);
}

static void run_generator(struct bench *b, const struct nexmark_gen *gen, int64_t events)
{
    struct column cols[COLUMNS];
    struct chunk chunk;
    double begin = now_s();
    uint64_t bids = 0;

    for (int64_t at = 0; at < events; at += CHUNK_ROWS) {
        bids_make(b, gen, at, CHUNK_ROWS, cols, &chunk);
        bids += chunk.count;
        arena_reset(&b->rows);
    }
    printf("{\"case\":\"generator\",\"rows\":%llu,\"rows_per_second\":%.0f}\n", (unsigned long long)bids,
           (double)bids / (now_s() - begin));
}

static bool wanted(int argc, char **argv, const char *name)
{
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc <= 2;
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct nexmark_gen gen;
    struct nexmark_config config = {.seed = 42, .person_proportion = 1, .auction_proportion = 3,
                                    .bid_proportion = 46, .person_bytes = 200, .auction_bytes = 500,
                                    .bid_bytes = 100, .hot_auctions = 2, .hot_bidders = 4, .hot_sellers = 4,
                                    .events_per_second = 10000, .base_us = 1577836800000000};
    int64_t events = argc > 1 ? atoll(argv[1]) : 5000000;

    arena_init(&b.plans, ARENA_BUDGET_NONE);
    arena_init(&b.call, ARENA_BUDGET_NONE);
    arena_init(&b.rows, ARENA_BUDGET_NONE);
    b.bigint = type_simple(TYPE_BIGINT);
    b.text = type_simple(TYPE_VARCHAR);
    b.time = type_make(&b.plans, TYPE_TIMESTAMP, 3, 0);
    b.ctx = (struct op_ctx){.arena = &b.call, .shards = 1, .watermark_us = INT64_MIN, .way = &way};
    b.ctx.expr = (struct expr_ctx){.arena = &b.call, .watermark_us = INT64_MIN, .zone = zone_fixed(bytes_str("UTC"), 0), .diag = &b.diag};
    nexmark_gen_init(&gen, &config);
    if (wanted(argc, argv, "generator"))
        run_generator(&b, &gen, events);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        if (wanted(argc, argv, shapes[i].name))
            run_shape(&b, &shapes[i], &gen, events);
    nexmark_gen_deinit(&gen);
    arena_deinit(&b.plans);
    arena_deinit(&b.call);
    arena_deinit(&b.rows);
    return 0;
}
