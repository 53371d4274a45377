/* The sources that make their rows: repeatable, cut anywhere, of the shape they promise. */
#include <stdlib.h>

#include "flow/sources/nexmark_gen.h"
#include "flow/sources/sources.h"
#include "lib/ops.h"
#include "lib/test.h"

enum { OPTIONS_MAX = 16 };

struct source_rig {
    struct op_ctx ctx; /* first */
    struct arena arena, call_arena;
    struct diag diag;
    struct table table;
    struct table_option options[OPTIONS_MAX];
    struct plan_node *node;
    struct source_env env;
    struct source *source;
    struct buf out;
    uint64_t rows, hash;
    int64_t origin_next; /* the position that the next row must say it was read at */
    uint64_t origin_bad;
    bool text;
};

/* The fields of nexmark_node's bid. */
static void print_bid(struct buf *to, const struct column *bid, uint16_t row)
{
    const struct column *f = bid->children;

    if (!column_valid(bid, row))
        return;
    for (int i = 0; i < 4; i++)
        if (i != 2)
            buf_printf(to, " %lld", (long long)((const int64_t *)f[i].data)[row]);
    const struct str *channel = &((const struct str *)f[2].data)[row];
    buf_append(to, channel->ptr, channel->len);
}

static enum status take_rows(struct op_ctx *ctx, const struct chunk *out)
{
    struct source_rig *rig = (struct source_rig *)ctx;

    for (uint16_t i = 0; rig->text && i < out->count; i++) {
        buf_str(&rig->out, rig->out.len ? "|" : "");
        rig_print(&rig->out, rig->node, out, chunk_row(out, i));
        if (rig->node->columns[rig->node->columns_count - 1].type->kind == TYPE_ROW)
            print_bid(&rig->out, &out->cols[rig->node->columns_count - 1], chunk_row(out, i));
    }
    for (uint16_t i = 0; rig->node->origins && i < out->count; i++, rig->origin_next++) {
        struct origin want = origin_of(rig->node->id, 1, rig->origin_next);
        rig->origin_bad += !out->origins ||
                           memcmp(&out->origins[chunk_row(out, i)], &want, sizeof(want)) != 0;
    }
    rig->rows += out->count;
    return ST_OK;
}

static const struct op_way way = {take_rows, NULL, NULL, NULL};

/* options: "key=value;…". columns: as rig_input's; a ROW is made by the caller. */
static enum status source_open(struct source_rig *rig, const struct source_class *class,
                               struct plan_node *node, const char *options)
{
    struct bytes text = bytes_str(options);

    rig->node = node;
    rig->table.columns = ARENA_ARRAY(&rig->arena, struct table_column, node->columns_count);
    rig->table.columns_count = node->columns_count;
    rig->table.options = rig->options;
    while (text.len) {
        size_t end = bytes_find(text, ';', 0), eq = bytes_find(text, '=', 0);
        rig->options[rig->table.options_count++] = (struct table_option){
            bytes_head(text, eq), bytes_skip(bytes_head(text, end), eq + 1)};
        text = bytes_skip(text, end + 1);
    }
    node->scan.table = &rig->table;
    node->scan.columns = ARENA_ARRAY(&rig->arena, struct plan_scan_column, node->columns_count);
    for (uint16_t c = 0; c < node->columns_count; c++) {
        rig->table.columns[c] = (struct table_column){.name = node->columns[c].name, .type = node->columns[c].type};
        node->scan.columns[c] = (struct plan_scan_column){c, node->columns[c].type};
    }
    arena_init(&rig->call_arena, ARENA_BUDGET_NONE);
    rig->ctx = (struct op_ctx){.arena = &rig->call_arena, .shards = 1, .way = &way};
    rig->ctx.expr.now_us = 1600000000000000;
    rig->env = (struct source_env){.ctx = &rig->ctx};
    return class->open(node, &rig->env, &rig->source, &rig->diag);
}

static void source_close(struct source_rig *rig)
{
    if (rig->source)
        rig->source->class->close(rig->source);
    arena_deinit(&rig->call_arena);
    arena_deinit(&rig->arena);
    buf_deinit(&rig->out);
}

static const char *source_rows(struct source_rig *rig, uint32_t split, int64_t from, int64_t to)
{
    buf_clear(&rig->out);
    rig->text = true;
    while (from < to)
        EXPECT_OK(rig->source->class->run(rig->source, split, &from, to));
    buf_u8(&rig->out, 0);
    return (const char *)rig->out.ptr;
}

TEST(datagen_counts_and_repeats)
{
    struct source_rig rig = {0};
    int64_t wake = 0;

    EXPECT_OK(source_open(&rig, &source_datagen, rig_input(&rig.arena, "n bigint, k int, s text, t timestamp"),
                          "connector=datagen;rows-per-second=1000;number-of-rows=5;fields.n.kind=sequence;"
                          "fields.n.start=7;fields.n.end=100;fields.k.min=3;fields.k.max=3;fields.s.length=4"));
    EXPECT_INT(rig.source->class->bound(rig.source, 0), 5);
    EXPECT_INT(rig.source->class->take(rig.source, 0, 0, 100, 1 << 20, 1000000, &wake), 0);
    EXPECT_INT(wake, 1010000);
    EXPECT_INT(rig.source->class->take(rig.source, 0, 0, 100, 1 << 20, 1003000, &wake), 3);
    EXPECT_INT(rig.source->class->take(rig.source, 0, 3, 100, 1 << 20, 2000000, &wake), 5);
    char *all = strdup(source_rows(&rig, 0, 0, 5));
    EXPECT(strncmp(all, "7 3 ", 4) == 0);
    const char *tail = source_rows(&rig, 0, 2, 5);
    EXPECT_STR(tail, all + strlen(all) - strlen(tail));
    free(all);
    source_close(&rig);
}

TEST(datagen_refuses_options_it_does_not_have)
{
    struct source_rig rig = {0};

    EXPECT_STATUS(source_open(&rig, &source_datagen, rig_input(&rig.arena, "n bigint"), "rows-per-minute=3"),
                  ST_INVALID);
    EXPECT(strstr(rig.diag.message, "rows-per-second") != NULL);
    source_close(&rig);
}

static struct plan_node *nexmark_node(struct arena *arena)
{
    struct plan_node *node = rig_input(arena, "event_type int, bid text");
    struct type_field *fields = ARENA_ARRAY(arena, struct type_field, 4);

    fields[0] = (struct type_field){.name = bytes_str("price"), .type = type_simple(TYPE_BIGINT)};
    fields[1] = (struct type_field){.name = bytes_str("auction"), .type = type_simple(TYPE_BIGINT)};
    fields[2] = (struct type_field){.name = bytes_str("channel"), .type = type_simple(TYPE_VARCHAR)};
    fields[3] = (struct type_field){.name = bytes_str("dateTime"), .type = type_make(arena, TYPE_TIMESTAMP, 3, 0)};
    node->columns[1].type = type_row(arena, fields, 4);
    return node;
}

TEST(nexmark_source_makes_what_is_asked_for)
{
    struct source_rig rig = {0};

    EXPECT_OK(source_open(&rig, &source_nexmark, nexmark_node(&rig.arena), "events.num=1000;generators=3"));
    EXPECT_INT(rig.source->class->splits(rig.source), 3);
    EXPECT_INT(rig.source->class->bound(rig.source, 0), 334);
    EXPECT_INT(rig.source->class->bound(rig.source, 2), 333);
    EXPECT(strncmp(source_rows(&rig, 0, 0, 3), "0 null|1 null|2 ? ", 17) == 0); /* events 0, 3, 6 */
    source_close(&rig);
}

TEST(nexmark_rows_made_before_are_those_made_as_they_are_read)
{
    struct source_rig made = {0}, read = {0};
    static const int64_t cuts[] = {0, 2048, 4096, 4097, 6000, 6001, 8500, 10000};

    EXPECT_OK(source_open(&made, &source_nexmark, nexmark_node(&made.arena),
                          "events.num=20000;generators=2;preload=true"));
    EXPECT_OK(source_open(&read, &source_nexmark, nexmark_node(&read.arena),
                          "events.num=20000;generators=2"));
    made.node->origins = read.node->origins = true;
    for (size_t i = 1; i < sizeof(cuts) / sizeof(*cuts); i++) {
        const char *want = source_rows(&read, 1, cuts[i - 1], cuts[i]);
        EXPECT(strlen(want) > 0);
        char *kept = strdup(want);
        EXPECT(strcmp(source_rows(&made, 1, cuts[i - 1], cuts[i]), kept) == 0);
        free(kept);
    }
    EXPECT_INT(made.rows, 10000);
    EXPECT(made.node->origins && made.origin_bad == 0 && read.origin_bad == 0);
    source_close(&made);
    source_close(&read);
}

TEST(nexmark_rows_that_do_not_fit_are_refused_before_they_are_made)
{
    struct source_rig rig = {0};

    EXPECT_STATUS(source_open(&rig, &source_nexmark, nexmark_node(&rig.arena),
                              "events.num=1000000000000;preload=true;preload.bytes-max=1000000000"),
                  ST_NOSPACE);
    EXPECT(strstr(rig.diag.message, "for 1000000000000 events, and there is room for 953 MB") != NULL);
    EXPECT(strstr(rig.diag.hint, "events fit") != NULL);
    rig.source = NULL;
    source_close(&rig);
}

TEST(nexmark_preload_needs_an_end_and_no_rate)
{
    static const char *const bad[] = {"preload=true", "events.num=9;preload=true;rate.limited=true",
                                      "events.num=9;preload=true;keep-alive=true"};

    for (size_t i = 0; i < 3; i++) {
        struct source_rig rig = {0};
        EXPECT_STATUS(source_open(&rig, &source_nexmark, nexmark_node(&rig.arena), bad[i]), ST_INVALID);
        EXPECT(strstr(rig.diag.message, "'events.num'") != NULL);
        source_close(&rig);
    }
}

TEST(nexmark_source_refuses_an_unknown_field)
{
    struct source_rig rig = {0};
    struct plan_node *node = nexmark_node(&rig.arena);

    ((struct type_field *)node->columns[1].type->fields)[0].name = bytes_str("prize");
    EXPECT_STATUS(source_open(&rig, &source_nexmark, node, ""), ST_INVALID);
    EXPECT(strstr(rig.diag.message, "prize") != NULL);
    source_close(&rig);
}

/* ---- the events themselves ---- */

static struct nexmark_config config(void)
{
    return (struct nexmark_config){.seed = 42, .person_proportion = 1, .auction_proportion = 3,
                                   .bid_proportion = 46, .person_bytes = 200, .auction_bytes = 500,
                                   .bid_bytes = 100, .hot_auctions = 2, .hot_bidders = 4,
                                   .hot_sellers = 4, .events_per_second = 10000,
                                   .base_us = 1577836800000000};
}

TEST(nexmark_events_are_those_of_the_suite)
{
    enum { ROWS = 2000 };
    struct nexmark_gen gen;
    struct nexmark_run run;
    struct arena arena;
    struct nexmark_config c = config();
    int64_t hot = 0, bids = 0, hot_channels = 0;
    double log_price = 0;

    arena_init(&arena, ARENA_BUDGET_NONE);
    nexmark_gen_init(&gen, &c);
    nexmark_run_init(&run, &gen, 1000000, 1, ROWS, &arena);
    const int32_t *types = nexmark_event_types(&run);
    const int64_t *auction = nexmark_field(&run, NX_AUCTION), *price = nexmark_field(&run, NX_PRICE);
    const int64_t *time = nexmark_field(&run, NX_BID_TIME), *bidder = nexmark_field(&run, NX_BIDDER);
    const int64_t *id = nexmark_field(&run, NX_AUCTION_ID), *expires = nexmark_field(&run, NX_EXPIRES);
    const struct str *channel = nexmark_field(&run, NX_CHANNEL), *url = nexmark_field(&run, NX_URL);
    const struct str *extra = nexmark_field(&run, NX_BID_EXTRA), *email = nexmark_field(&run, NX_EMAIL);
    for (uint16_t i = 0; i < ROWS; i++) {
        EXPECT_INT(types[i], i % 50 == 0 ? 0 : i % 50 < 4 ? 1 : 2);
        EXPECT_INT(time[i], 1577836800000000 + (1000000 + i) / 10 * 1000);
        if (types[i] == 0)
            EXPECT(email[i].len > 6 && memcmp(email[i].ptr + email[i].len - 4, ".com", 4) == 0);
        if (types[i] == 1) {
            EXPECT_INT(id[i], 1000 + (1000000 + i) / 50 * 3 + i % 50 - 1);
            EXPECT(expires[i] > time[i] && expires[i] <= time[i] + 400000);
        }
        if (types[i] != 2)
            continue;
        bids++;
        int64_t last = (1000000 + i) / 50 * 3 + 2;
        EXPECT(auction[i] >= 1000 + last - 101 && auction[i] <= 1000 + last + 10);
        EXPECT(bidder[i] >= 2000 + 20000 - 1000 && bidder[i] <= 2000 + 20040 + 10);
        hot += auction[i] == 1000 + last / 100 * 100;
        EXPECT(price[i] >= 100 && price[i] < 100000000);
        for (int64_t p = price[i] / 100; p >= 10; p /= 10)
            log_price += 1;
        hot_channels += channel[i].ptr[0] != 'c';
        EXPECT(extra[i].len >= 54 && extra[i].len < 82);
        EXPECT(memcmp(url[i].ptr, "https://www.nexmark.com/", 24) == 0);
    }
    EXPECT(hot > bids * 45 / 100 && hot < bids * 57 / 100);
    EXPECT(hot_channels > bids * 44 / 100 && hot_channels < bids * 56 / 100);
    EXPECT(log_price > (double)bids * 2.3 && log_price < (double)bids * 2.7);
    nexmark_gen_deinit(&gen);
    arena_deinit(&arena);
}

TEST(nexmark_events_do_not_depend_on_how_they_are_cut)
{
    struct nexmark_gen gen;
    struct nexmark_run whole, part;
    struct arena arena;
    struct nexmark_config c = config();

    c.out_of_order_us = 3000000;
    c.late_ratio = 0.1;
    c.late_us = 60000000;
    arena_init(&arena, ARENA_BUDGET_NONE);
    nexmark_gen_init(&gen, &c);
    nexmark_run_init(&whole, &gen, 0, 1, 2000, &arena);
    int64_t late = 0;
    for (int f = 0; f < NX_FIELDS; f++) {
        const uint8_t *all = nexmark_field(&whole, f);
        for (int64_t first = 0; first < 7; first++) {
            nexmark_run_init(&part, &gen, first, 7, 285, &arena);
            const uint8_t *some = nexmark_field(&part, f);
            for (uint16_t i = 0; i < 285; i++) {
                size_t row = (size_t)first + 7u * i;
                if (nexmark_names[f].phys == PHYS_I64) {
                    EXPECT_INT(((const int64_t *)some)[i], ((const int64_t *)all)[row]);
                } else {
                    const struct str *a = (const struct str *)some + i, *b = (const struct str *)all + row;
                    EXPECT_BYTES(bytes_of(a->ptr, a->len), bytes_of(b->ptr, b->len));
                }
            }
        }
    }
    const int64_t *times = nexmark_field(&whole, NX_BID_TIME);
    for (uint16_t i = 0; i < 2000; i++)
        late += times[i] < c.base_us + i / 10 * 1000 - 3000000;
    EXPECT(late > 150 && late < 250);
    nexmark_gen_deinit(&gen);
    arena_deinit(&arena);
}
