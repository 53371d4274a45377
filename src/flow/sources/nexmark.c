/* 'connector' = 'nexmark': the events of the Nexmark suite as a table
 *
 *   event_type INT, person ROW<…>, auction ROW<…>, bid ROW<…>
 *
 * of which only the columns, and of the ROWs only the fields, that a scan reads are made. Options are
 * those of nexmark/nexmark; of its rates only 'first-event.rate' matters, as there: it is the rate of
 * event time, and of the clock too when 'max-emit-speed' = 'false' or 'rate.limited' = 'true'. Ours:
 *
 *   seed              the same seed gives the same events                    default 42
 *   base-time         of event 0                                             2020-01-01 00:00:00
 *   out-of-order.max  each event's time is early by up to this much          0
 *   late.ratio        of events that are later still, by up to late.max      0, 60 s
 *   generators        splits: event n belongs to split n % generators        1
 *   preload           make all rows when the job starts, and read them from memory: for benchmarks;
 *                     needs events.num and no rate                           false
 *   preload.bytes-max refuse a preload that needs more (0: no bound)         0
 *
 * A position counts the events of its split. */
#include "flow/inner.h"
#include "flow/sources/nexmark_rows.h"
#include "flow/sources/options.h"
#include "flow/sources/sources.h"

#include <stdlib.h>

#include "base/check.h"

enum { GENERATORS_MAX = 1024 };

struct nexmark {
    struct source source;
    const struct plan_node *node;
    struct source_env *env;
    struct nexmark_gen gen;
    struct arena arena;
    struct nexmark_column columns[NEXMARK_COLUMNS_MAX];
    uint16_t columns_count;
    struct nexmark_rows *rows; /* by split, of this shard's; NULL: made as they are read */
    uint64_t rows_bytes_max;
    int64_t events; /* of all splits; INT64_MAX: unbounded */
    int64_t generators;
    struct pace *paces;
    bool keep_alive, preload;
};

static const char *const known[] = {
    "rate.shape", "rate.period", "rate.limited", "first-event.rate", "next-event.rate",
    "person.avg-size", "auction.avg-size", "bid.avg-size", "person.proportion",
    "auction.proportion", "bid.proportion", "bid.hot-ratio.auctions", "bid.hot-ratio.bidders",
    "auction.hot-ratio.sellers", "events.num", "keep-alive", "stop-at", "max-emit-speed",
    "seed", "base-time", "out-of-order.max", "late.ratio", "late.max", "generators", "preload",
    "preload.bytes-max", NULL};

static void config_read(struct options *o, struct nexmark_config *c)
{
    enum { RATIO_MAX = 1000000 };

    c->seed = (uint64_t)options_i64(o, "seed", 42, INT64_MIN, INT64_MAX);
    c->person_proportion = options_i64(o, "person.proportion", 1, 1, RATIO_MAX);
    c->auction_proportion = options_i64(o, "auction.proportion", 3, 1, RATIO_MAX);
    c->bid_proportion = options_i64(o, "bid.proportion", 46, 0, RATIO_MAX);
    c->person_bytes = options_bytes(o, "person.avg-size", 200);
    c->auction_bytes = options_bytes(o, "auction.avg-size", 500);
    c->bid_bytes = options_bytes(o, "bid.avg-size", 100);
    c->hot_auctions = options_i64(o, "bid.hot-ratio.auctions", 2, 1, RATIO_MAX);
    c->hot_bidders = options_i64(o, "bid.hot-ratio.bidders", 4, 1, RATIO_MAX);
    c->hot_sellers = options_i64(o, "auction.hot-ratio.sellers", 4, 1, RATIO_MAX);
    c->events_per_second = options_i64(o, "first-event.rate", 10000, 1, INT64_C(1000000000));
    c->base_us = options_time_us(o, "base-time", INT64_C(1577836800000000));
    c->out_of_order_us = options_duration_us(o, "out-of-order.max", 0);
    c->late_us = options_duration_us(o, "late.max", 60000000);
    c->late_ratio = options_ratio(o, "late.ratio", 0.0);
}

static enum status column_make(struct nexmark_column *out, const struct plan_scan *scan, uint16_t index,
                               struct diag *diag)
{
    static const char *const parts[] = {"person", "auction", "bid", "event_type"};
    const struct plan_scan_column *col = &scan->columns[index];
    struct bytes name = scan->table->columns[col->table_column].name;
    unsigned part = 0;

    while (part < 4 && !bytes_is(name, parts[part]))
        part++;
    bool row = col->type->kind == TYPE_ROW;
    if (part == 4 || (part == NEXMARK_EVENT_TYPE ? col->type->kind != TYPE_INT : !row))
        return diag_set(diag, ST_INVALID, DIAG_NAME,
                        "column '%.*s': a nexmark table has event_type INT and person, auction and "
                        "bid, which are ROWs",
                        BYTES_FMT(name));
    out->part = (enum nexmark_part)part;
    for (uint16_t f = 0; row && f < col->type->fields_count; f++) {
        const struct type_field *field = &col->type->fields[f];
        unsigned n = 0;
        while (n < NX_FIELDS && (nexmark_names[n].part != out->part ||
                                 !bytes_is(field->name, nexmark_names[n].name)))
            n++;
        if (n == NX_FIELDS || out->fields_count == NX_FIELDS ||
            type_phys(field->type->kind) != nexmark_names[n].phys)
            return diag_set(diag, ST_INVALID, DIAG_NAME,
                            "field '%.*s' of column '%.*s' is not one of the nexmark %s, or of another type",
                            BYTES_FMT(field->name), BYTES_FMT(name), parts[part]);
        out->fields[out->fields_count++] = (uint8_t)n;
    }
    return ST_OK;
}

static enum status nexmark_make(struct nexmark *s, const struct plan_node *node, struct diag *diag)
{
    const struct plan_scan *scan = &node->scan;
    struct options o = options_of(node, diag);
    struct nexmark_config config = {0};

    options_check_known(&o, known);
    config_read(&o, &config);
    int64_t events = options_i64(&o, "events.num", 0, 0, INT64_MAX);
    int64_t stop = options_i64(&o, "stop-at", -1, -1, INT64_MAX);
    s->generators = options_i64(&o, "generators", 1, 1, GENERATORS_MAX);
    s->keep_alive = options_bool(&o, "keep-alive", false);
    bool limited = options_bool(&o, "rate.limited", false) || !options_bool(&o, "max-emit-speed", true);
    s->preload = options_bool(&o, "preload", false);
    s->rows_bytes_max = (uint64_t)options_i64(&o, "preload.bytes-max", 0, 0, INT64_MAX);
    if (o.bad)
        return ST_INVALID;
    if (s->preload && (limited || s->keep_alive || (!events && stop < 0)))
        return diag_set(diag, ST_INVALID, DIAG_VALUE,
                        "'preload' makes all rows at once: it needs 'events.num', and neither a rate nor "
                        "'keep-alive'");
    s->events = events ? events : INT64_MAX;
    s->events = stop >= 0 && stop < s->events ? stop : s->events;
    if (node->columns_count > NEXMARK_COLUMNS_MAX)
        return diag_set(diag, ST_INVALID, DIAG_NAME, "a nexmark table has four columns");
    for (uint16_t c = 0; c < node->columns_count; c++)
        TRY(column_make(&s->columns[c], scan, c, diag));
    s->columns_count = node->columns_count;
    s->paces = xcalloc((size_t)s->generators, sizeof(*s->paces));
    for (int64_t i = 0; limited && i < s->generators; i++)
        s->paces[i].rows_per_second = (config.events_per_second + s->generators - 1) / s->generators;
    nexmark_gen_init(&s->gen, &config);
    return ST_OK;
}

/* Events of a split: those n below `events` with n % generators = split. */
static int64_t split_events(const struct nexmark *s, uint32_t split)
{
    if (s->events == INT64_MAX)
        return INT64_MAX;
    return s->events / s->generators + (split < s->events % s->generators);
}

/* The rows of this shard's splits. */
static enum status preload(struct nexmark *s, struct diag *diag)
{
    const struct op_ctx *ctx = s->env->ctx;
    const struct engine *engine = s->env->host;

    s->rows = xcalloc((size_t)s->generators, sizeof(*s->rows));
    for (int64_t split = ctx->shard; split < s->generators; split += ctx->shards) {
        struct nexmark_rows_plan plan = {
            .gen = &s->gen, .columns = s->columns, .columns_count = s->columns_count,
            .first = split, .stride = s->generators, .count = split_events(s, (uint32_t)split),
            .bytes_max = s->rows_bytes_max / (uint64_t)s->generators,
            .on_progress = engine ? engine->options.on_preload : NULL,
            .context = engine ? engine->options.preload_context : NULL,
        };
        TRY(nexmark_rows_make(&s->rows[split], &plan, diag));
    }
    return ST_OK;
}

static void nexmark_close(struct source *source)
{
    struct nexmark *s = (struct nexmark *)source;

    for (int64_t split = 0; s->rows && split < s->generators; split++)
        nexmark_rows_free(&s->rows[split]);
    free(s->rows);
    nexmark_gen_deinit(&s->gen);
    arena_deinit(&s->arena);
    free(s->paces);
    free(s);
}

static enum status nexmark_open(const struct plan_node *node, struct source_env *env,
                                struct source **out, struct diag *diag)
{
    struct nexmark *s = xcalloc(1, sizeof(*s));
    enum status st = nexmark_make(s, node, diag);

    if (st != ST_OK) {
        free(s->paces);
        free(s);
        return st;
    }
    s->source.class = &source_nexmark;
    s->node = node;
    s->env = env;
    arena_init(&s->arena, ARENA_BUDGET_NONE);
    if (s->preload)
        st = preload(s, diag);
    if (st != ST_OK) {
        nexmark_close(&s->source);
        return st;
    }
    *out = &s->source;
    return ST_OK;
}

static uint32_t nexmark_splits(struct source *source)
{
    return (uint32_t)((struct nexmark *)source)->generators;
}

static int64_t nexmark_start(struct source *source, uint32_t split)
{
    (void)source;
    (void)split;
    return 0;
}

static int64_t nexmark_bound(struct source *source, uint32_t split)
{
    const struct nexmark *s = (struct nexmark *)source;

    return s->keep_alive ? INT64_MAX : split_events(s, split);
}

static int64_t nexmark_take(struct source *source, uint32_t split, int64_t position,
                            uint32_t rows_max, uint64_t bytes_max, int64_t now_us, int64_t *wake_us)
{
    struct nexmark *s = (struct nexmark *)source;
    int64_t left = split_events(s, split) - position;
    int64_t most = (int64_t)(bytes_max / 100) + 1; /* a bid is about 100 bytes */

    if (left <= 0)
        return position;
    most = most < rows_max ? most : rows_max;
    most = most < left ? most : left;
    int64_t paced = pace_allows(&s->paces[split], position, now_us, wake_us);
    return position + (paced < most ? paced : most);
}

static int64_t nexmark_clock(struct source *source, uint32_t split, int64_t position)
{
    const struct nexmark *s = (struct nexmark *)source;

    return s->gen.config.base_us +
           (int64_t)((double)(position * s->generators + split) * s->gen.delay_us);
}

static enum status read_made(struct nexmark *s, uint32_t split, int64_t *position, int64_t end)
{
    uint16_t sel[CHUNK_ROWS];
    struct chunk chunk = nexmark_rows_at(&s->rows[split], *position, end - *position, sel);

    chunk.origins = source_origins(s->node, &s->arena, split, *position - *position % CHUNK_ROWS,
                                   chunk.rows);
    *position += chunk.count;
    enum status st = op_emit(s->env->ctx, &chunk);
    arena_reset(&s->arena);
    return st;
}

static enum status nexmark_read(struct source *source, uint32_t split, int64_t *position, int64_t end)
{
    struct nexmark *s = (struct nexmark *)source;
    struct column cols[NEXMARK_COLUMNS_MAX];

    if (s->rows)
        return read_made(s, split, position, end);
    uint16_t count = end - *position < CHUNK_ROWS ? (uint16_t)(end - *position) : CHUNK_ROWS;
    nexmark_chunk_make(&s->gen, s->columns, s->columns_count, *position * s->generators + split,
                       s->generators, count, &s->arena, cols);
    struct chunk chunk = {.cols = cols, .count = count, .rows = count,
                          .col_count = s->columns_count,
                          .origins = source_origins(s->node, &s->arena, split, *position, count)};
    enum status st = op_emit(s->env->ctx, &chunk);
    arena_reset(&s->arena);
    *position += count;
    return st;
}

const struct source_class source_nexmark = {
    .connector = "nexmark",
    .open = nexmark_open,
    .splits = nexmark_splits,
    .start = nexmark_start,
    .take = nexmark_take,
    .run = nexmark_read,
    .bound = nexmark_bound,
    .clock_us = nexmark_clock,
    .close = nexmark_close,
};
