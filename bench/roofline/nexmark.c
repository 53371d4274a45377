/* nexmark.c: Nexmark's queries as loops written by hand over columns in memory: what the processor allows.
 *
 * usage: nexmark QUERY [EVENTS] [SEED]      q0 q2 q4 q5 q7 q8 q17 q18 q20
 *
 * The columns are those of `quickwater bench nexmark --source memory`, made before the clock starts. A loop
 * knows its query and its types at compile time, keeps no log, no changelog and no state that could be saved,
 * and may assume what is true of these events: they come in the order of their time, and nothing is null. Its
 * tables are open-addressing hash tables by key, no arrays that count on dense ids. The clock stops when the
 * result stands in columns of output; then its output_hash is taken as the sink of the benchmark takes it, so
 * that equal hashes mean equal answers.
 *
 * Prints a JSON line: the best of three runs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/hash.h"
#include "flow/ops/pack.h"
#include "flow/sources/nexmark_gen.h"

enum { OUT_COLUMNS = 16, RUNS = 3, SPAN_SECONDS = 1000 };

/* ---- the events ---- */

struct events {
    struct nexmark_gen gen;
    struct arena texts;
    int64_t count;
    int32_t *type;
    void *fields[NX_FIELDS]; /* int64_t or struct str; NULL: not made */
};

static size_t field_bytes(enum nexmark_field f)
{
    return nexmark_names[f].phys == PHYS_STR ? sizeof(struct str) : 8;
}

static void events_make(struct events *e, int64_t count, uint64_t seed, uint32_t wanted)
{
    int64_t rate = count / SPAN_SECONDS > 0 ? count / SPAN_SECONDS : 1;
    struct nexmark_config config = {
        .seed = seed, .person_proportion = 1, .auction_proportion = 3, .bid_proportion = 46,
        .person_bytes = 200, .auction_bytes = 500, .bid_bytes = 100, .hot_auctions = 2,
        .hot_bidders = 4, .hot_sellers = 4, .events_per_second = rate,
        .base_us = INT64_C(1577836800000000)};
    struct nexmark_run run;

    *e = (struct events){.count = count, .type = malloc((size_t)count * 4)};
    arena_init(&e->texts, ARENA_BUDGET_NONE); /* made texts stay in it, with what else a run makes */
    nexmark_gen_init(&e->gen, &config);
    for (unsigned f = 0; f < NX_FIELDS; f++)
        if (wanted >> f & 1)
            e->fields[f] = malloc((size_t)count * field_bytes(f));
    for (int64_t at = 0; at < count; at += CHUNK_ROWS) {
        uint16_t n = count - at < CHUNK_ROWS ? (uint16_t)(count - at) : CHUNK_ROWS;
        nexmark_run_init(&run, &e->gen, at, 1, n, &e->texts);
        memcpy(e->type + at, nexmark_event_types(&run), 4u * n);
        for (unsigned f = 0; f < NX_FIELDS; f++)
            if (e->fields[f])
                memcpy((char *)e->fields[f] + (size_t)at * field_bytes(f), nexmark_field(&run, f),
                       n * field_bytes(f));
    }
}

static const int64_t *ints(const struct events *e, enum nexmark_field f)
{
    CHECK(e->fields[f] != NULL);
    return e->fields[f];
}

static const struct str *texts(const struct events *e, enum nexmark_field f)
{
    CHECK(e->fields[f] != NULL);
    return e->fields[f];
}

/* ---- the result ---- */

struct result {
    const char *types; /* a letter a column: i BIGINT, t TIMESTAMP(3), s VARCHAR */
    void *cols[OUT_COLUMNS];
    int64_t count, cap;
};

static void result_grow(struct result *r)
{
    r->cap = r->cap ? r->cap * 2 : 1 << 16;
    for (int c = 0; r->types[c]; c++)
        r->cols[c] = xrealloc(r->cols[c], (size_t)r->cap * (r->types[c] == 's' ? 16 : 8));
}

/* Room for one row; its place. */
static inline int64_t result_row(struct result *r)
{
    if (r->count == r->cap)
        result_grow(r);
    return r->count++;
}

/* A column that is only filled up to what was reserved: whole columns at once. */
static void result_reserve(struct result *r, int64_t rows)
{
    while (r->cap < rows)
        result_grow(r);
}

#define OUT_I(r, c) ((int64_t *)(r)->cols[c])
#define OUT_S(r, c) ((struct str *)(r)->cols[c])

static uint64_t result_hash(const struct result *r)
{
    static uint8_t bytes[1 << 20];
    struct arena arena;
    struct pack pack;
    struct plan_node node = {0};
    struct diag diag;
    struct column cols[OUT_COLUMNS] = {0};
    uint64_t sum = 0;

    arena_init(&arena, ARENA_BUDGET_NONE);
    node.columns_count = (uint16_t)strlen(r->types);
    node.columns = ARENA_ARRAY(&arena, struct plan_column, node.columns_count);
    for (uint16_t c = 0; c < node.columns_count; c++)
        node.columns[c].type = r->types[c] == 'i'   ? type_simple(TYPE_BIGINT)
                               : r->types[c] == 's' ? type_simple(TYPE_VARCHAR)
                                                    : type_make(&arena, TYPE_TIMESTAMP, 3, 0);
    enum status st = pack_make(&pack, &arena, &node, NULL, node.columns_count, &diag);
    CHECK(st == ST_OK);
    for (int64_t i = 0; i < r->count; i++) {
        uint16_t row = 0;
        uint32_t size;
        uint8_t *to = bytes;
        for (uint16_t c = 0; c < node.columns_count; c++)
            cols[c].data = (char *)r->cols[c] + (size_t)i * (r->types[c] == 's' ? 16 : 8);
        pack_sizes(&pack, cols, &row, 1, &size);
        CHECK(size <= sizeof(bytes));
        pack_write(&pack, cols, &row, 1, &to);
        sum += hash_bytes(bytes_of(bytes, size));
    }
    arena_deinit(&arena);
    return sum;
}

/* ---- hash tables: open addressing, linear, a power of two; a value is a place in the caller's arrays ---- */

struct index {
    uint64_t *keys; /* 0: empty; keys are never 0 here */
    uint32_t *values;
    uint64_t mask;
    uint32_t count;
};

static void index_init(struct index *t, uint64_t size)
{
    *t = (struct index){.keys = xcalloc(size, 8), .values = malloc(size * 4), .mask = size - 1};
}

static void index_free(struct index *t)
{
    free(t->keys);
    free(t->values);
}

static inline uint64_t slot_of(uint64_t key)
{
    return (key * 0x9E3779B97F4A7C15u) >> 20;
}

static void index_grow(struct index *t)
{
    struct index bigger;

    index_init(&bigger, (t->mask + 1) * 2);
    for (uint64_t i = 0; i <= t->mask; i++) {
        if (!t->keys[i])
            continue;
        uint64_t at = slot_of(t->keys[i]) & bigger.mask;
        while (bigger.keys[at])
            at = (at + 1) & bigger.mask;
        bigger.keys[at] = t->keys[i];
        bigger.values[at] = t->values[i];
    }
    bigger.count = t->count;
    index_free(t);
    *t = bigger;
}

/* The value of a key; a new one's is the count of keys before it. */
static inline uint32_t index_add(struct index *t, uint64_t key, bool *is_new)
{
    if ((uint64_t)t->count * 2 > t->mask)
        index_grow(t);
    uint64_t at = slot_of(key) & t->mask;
    while (t->keys[at] && t->keys[at] != key)
        at = (at + 1) & t->mask;
    *is_new = !t->keys[at];
    if (*is_new) {
        t->keys[at] = key;
        t->values[at] = t->count++;
    }
    return t->values[at];
}

/* UINT32_MAX: it is not there. */
static inline uint32_t index_find(const struct index *t, uint64_t key)
{
    uint64_t at = slot_of(key) & t->mask;

    while (t->keys[at] && t->keys[at] != key)
        at = (at + 1) & t->mask;
    return t->keys[at] ? t->values[at] : UINT32_MAX;
}

/* ---- the queries ---- */

static void q0(const struct events *e, struct result *r)
{
    const int64_t *auction = ints(e, NX_AUCTION), *bidder = ints(e, NX_BIDDER);
    const int64_t *price = ints(e, NX_PRICE), *time = ints(e, NX_BID_TIME);
    const struct str *extra = texts(e, NX_BID_EXTRA);
    int64_t n = 0;

    result_reserve(r, e->count);
    for (int64_t i = 0; i < e->count; i++) {
        OUT_I(r, 0)[n] = auction[i];
        OUT_I(r, 1)[n] = bidder[i];
        OUT_I(r, 2)[n] = price[i];
        OUT_I(r, 3)[n] = time[i];
        OUT_S(r, 4)[n] = extra[i];
        n += e->type[i] == NEXMARK_BID;
    }
    r->count = n;
}

static void q2(const struct events *e, struct result *r)
{
    const int64_t *auction = ints(e, NX_AUCTION), *price = ints(e, NX_PRICE);
    int64_t n = 0;

    result_reserve(r, e->count);
    for (int64_t i = 0; i < e->count; i++) {
        OUT_I(r, 0)[n] = auction[i];
        OUT_I(r, 1)[n] = price[i];
        n += (e->type[i] == NEXMARK_BID) & (auction[i] % 123 == 0);
    }
    r->count = n;
}

/* AVG over categories of the highest bid of each auction while it was open. */
static void q4(const struct events *e, struct result *r)
{
    const int64_t *id = ints(e, NX_AUCTION_ID), *category = ints(e, NX_CATEGORY);
    const int64_t *from = ints(e, NX_AUCTION_TIME), *to = ints(e, NX_EXPIRES);
    const int64_t *auction = ints(e, NX_AUCTION), *price = ints(e, NX_PRICE);
    const int64_t *time = ints(e, NX_BID_TIME);
    struct index open, waiting, groups;
    int64_t cap = e->count + 1, links = 0;
    struct one { int64_t from, to, category, most; } *auctions = malloc((size_t)cap * sizeof(*auctions));
    /* bids that came before their auction, by auction */
    struct early { int64_t time, price, next; } *early = malloc((size_t)cap * sizeof(*early));
    int64_t *heads = malloc((size_t)cap * 8);
    bool is_new;

    index_init(&open, 1 << 12);
    index_init(&waiting, 1 << 12);
    index_init(&groups, 1 << 8);
    for (int64_t i = 0; i < e->count; i++) {
        if (e->type[i] == NEXMARK_AUCTION) {
            uint32_t v = index_add(&open, (uint64_t)id[i], &is_new);
            auctions[v] = (struct one){from[i], to[i], category[i], -1};
            uint32_t w = index_find(&waiting, (uint64_t)id[i]);
            for (int64_t b = w == UINT32_MAX ? -1 : heads[w]; b >= 0; b = early[b].next)
                if (early[b].time >= from[i] && early[b].time <= to[i] &&
                    early[b].price > auctions[v].most)
                    auctions[v].most = early[b].price;
        } else if (e->type[i] == NEXMARK_BID) {
            uint32_t v = index_find(&open, (uint64_t)auction[i]);
            if (v != UINT32_MAX) {
                struct one *a = &auctions[v];
                if (time[i] >= a->from && time[i] <= a->to && price[i] > a->most)
                    a->most = price[i];
                continue;
            }
            uint32_t w = index_add(&waiting, (uint64_t)auction[i], &is_new);
            early[links] = (struct early){time[i], price[i], is_new ? -1 : heads[w]};
            heads[w] = links++;
        }
    }
    int64_t sums[256] = {0}, counts[256] = {0}, names[256];
    for (uint32_t v = 0; v < open.count; v++) {
        if (auctions[v].most < 0)
            continue;
        uint32_t g = index_add(&groups, (uint64_t)auctions[v].category, &is_new);
        names[g] = auctions[v].category;
        sums[g] += auctions[v].most;
        counts[g]++;
    }
    for (uint32_t g = 0; g < groups.count; g++) {
        int64_t row = result_row(r);
        OUT_I(r, 0)[row] = names[g];
        OUT_I(r, 1)[row] = sums[g] / counts[g];
    }
    index_free(&open);
    index_free(&waiting);
    index_free(&groups);
    free(auctions);
    free(early);
    free(heads);
}

enum { PANES = 5 };

/* A pane of two seconds: counts by auction. */
struct pane {
    struct index index;
    uint64_t *names;
    uint32_t *counts;
    uint32_t cap;
};

static void pane_add(struct pane *p, uint64_t auction, uint32_t by)
{
    bool is_new;
    uint32_t v = index_add(&p->index, auction, &is_new);

    if (v >= p->cap) {
        p->cap = p->cap ? p->cap * 2 : 1024;
        p->names = xrealloc(p->names, p->cap * sizeof(*p->names));
        p->counts = xrealloc(p->counts, p->cap * sizeof(*p->counts));
    }
    if (is_new) {
        p->names[v] = auction;
        p->counts[v] = 0;
    }
    p->counts[v] += by;
}

static void pane_clear(struct pane *p)
{
    memset(p->index.keys, 0, 8 * (p->index.mask + 1));
    p->index.count = 0;
}

static void hop_fire(const struct pane panes[PANES], struct pane *sum, struct result *r)
{
    uint32_t most = 0;

    pane_clear(sum);
    for (int p = 0; p < PANES; p++)
        for (uint32_t v = 0; v < panes[p].index.count; v++)
            pane_add(sum, panes[p].names[v], panes[p].counts[v]);
    for (uint32_t v = 0; v < sum->index.count; v++)
        most = sum->counts[v] > most ? sum->counts[v] : most;
    for (uint32_t v = 0; v < sum->index.count; v++) {
        if (sum->counts[v] < most)
            continue;
        int64_t row = result_row(r);
        OUT_I(r, 0)[row] = (int64_t)sum->names[v];
        OUT_I(r, 1)[row] = sum->counts[v];
    }
}

static void q5(const struct events *e, struct result *r)
{
    const int64_t slide = 2000000, *auction = ints(e, NX_AUCTION), *time = ints(e, NX_BID_TIME);
    struct pane panes[PANES] = {0}, sum = {0};
    int64_t end = 0; /* of the pane that is open */

    for (int p = 0; p < PANES; p++)
        index_init(&panes[p].index, 1 << 10);
    index_init(&sum.index, 1 << 10);
    for (int64_t i = 0; i < e->count; i++) {
        if (e->type[i] != NEXMARK_BID)
            continue;
        if (!end)
            end = time[i] - time[i] % slide + slide;
        for (; time[i] >= end; end += slide) {
            hop_fire(panes, &sum, r);
            pane_clear(&panes[end / slide % PANES]);
        }
        pane_add(&panes[(end / slide - 1) % PANES], (uint64_t)auction[i], 1);
    }
    for (int p = 0; p < PANES; p++, end += slide) {
        hop_fire(panes, &sum, r);
        pane_clear(&panes[end / slide % PANES]);
    }
    for (int p = 0; p < PANES; p++) {
        index_free(&panes[p].index);
        free(panes[p].names);
        free(panes[p].counts);
    }
    index_free(&sum.index);
    free(sum.names);
    free(sum.counts);
}

/* Events come in the order of their time, so a window is a range of rows. */
static void q7(const struct events *e, struct result *r)
{
    const int64_t size = 10000000;
    const int64_t *auction = ints(e, NX_AUCTION), *bidder = ints(e, NX_BIDDER);
    const int64_t *price = ints(e, NX_PRICE), *time = ints(e, NX_BID_TIME);
    const struct str *extra = texts(e, NX_BID_EXTRA);

    for (int64_t from = 0, to; from < e->count; from = to) {
        int64_t end = time[from] - time[from] % size + size, most = -1, lo = from, hi = e->count;
        while (lo < hi) { /* the first row of the next window */
            int64_t mid = lo + (hi - lo) / 2;
            if (time[mid] < end)
                lo = mid + 1;
            else
                hi = mid;
        }
        to = lo;
        for (int64_t i = from; i < to; i++) {
            int64_t p = e->type[i] == NEXMARK_BID ? price[i] : -1;
            most = p > most ? p : most;
        }
        /* the join's BETWEEN takes in a bid at the very end of the window, which is the next one's */
        for (int64_t i = from; i < e->count && time[i] <= end; i++) {
            if ((price[i] != most) | (e->type[i] != NEXMARK_BID))
                continue;
            int64_t row = result_row(r);
            OUT_I(r, 0)[row] = auction[i];
            OUT_I(r, 1)[row] = price[i]; /* the query has these two so */
            OUT_I(r, 2)[row] = bidder[i];
            OUT_I(r, 3)[row] = time[i];
            OUT_S(r, 4)[row] = extra[i];
        }
    }
}

/* Persons and sellers of a window of ten seconds. */
static void q8(const struct events *e, struct result *r)
{
    const int64_t size = 10000000, *time = ints(e, NX_PERSON_TIME);
    const int64_t *id = ints(e, NX_PERSON_ID), *seller = ints(e, NX_SELLER);
    const struct str *name = texts(e, NX_NAME);
    struct index sellers;
    bool is_new;

    index_init(&sellers, 1 << 12);
    for (int64_t from = 0, to; from < e->count; from = to) {
        int64_t end = time[from] - time[from] % size + size;
        memset(sellers.keys, 0, 8 * (sellers.mask + 1));
        sellers.count = 0;
        for (to = from; to < e->count && time[to] < end; to++)
            if (e->type[to] == NEXMARK_AUCTION)
                index_add(&sellers, (uint64_t)seller[to], &is_new);
        for (int64_t i = from; i < to; i++) { /* a person comes once */
            if (e->type[i] != NEXMARK_PERSON || index_find(&sellers, (uint64_t)id[i]) == UINT32_MAX)
                continue;
            int64_t row = result_row(r);
            OUT_I(r, 0)[row] = id[i];
            OUT_S(r, 1)[row] = name[i];
            OUT_I(r, 2)[row] = end - size;
        }
    }
    index_free(&sellers);
}

struct bids_of {
    int64_t auction, day, total, rank1, rank2, rank3, least, most, sum;
};

static void q17(const struct events *e, struct result *r)
{
    const int64_t day_us = INT64_C(86400000000);
    const int64_t *auction = ints(e, NX_AUCTION), *price = ints(e, NX_PRICE);
    const int64_t *time = ints(e, NX_BID_TIME);
    struct index table;
    uint32_t cap = 1 << 16;
    struct bids_of *groups = malloc(cap * sizeof(*groups));
    bool is_new;

    index_init(&table, 1 << 16);
    for (int64_t i = 0; i < e->count; i++) {
        if (e->type[i] != NEXMARK_BID)
            continue;
        int64_t day = time[i] / day_us, p = price[i];
        uint32_t v = index_add(&table, (uint64_t)auction[i] << 20 | (uint64_t)day, &is_new);
        if (v == cap)
            groups = xrealloc(groups, (cap *= 2) * sizeof(*groups));
        struct bids_of *g = &groups[v];
        if (is_new)
            *g = (struct bids_of){.auction = auction[i], .day = day, .least = p, .most = p};
        g->total++;
        g->rank1 += p < 10000;
        g->rank2 += (p >= 10000) & (p < 1000000);
        g->rank3 += p >= 1000000;
        g->least = p < g->least ? p : g->least;
        g->most = p > g->most ? p : g->most;
        g->sum += p;
    }
    static char days[16][16];
    int64_t day_made[16] = {0};
    for (uint32_t v = 0; v < table.count; v++) {
        const struct bids_of *g = &groups[v];
        int64_t row = result_row(r), slot = g->day % 16;
        if (day_made[slot] != g->day) {
            time_t seconds = (time_t)(g->day * 86400);
            struct tm tm;
            gmtime_r(&seconds, &tm);
            strftime(days[slot], sizeof(days[slot]), "%Y-%m-%d", &tm);
            day_made[slot] = g->day;
        }
        OUT_I(r, 0)[row] = g->auction;
        OUT_S(r, 1)[row] = (struct str){days[slot], 10, 0};
        OUT_I(r, 2)[row] = g->total;
        OUT_I(r, 3)[row] = g->rank1;
        OUT_I(r, 4)[row] = g->rank2;
        OUT_I(r, 5)[row] = g->rank3;
        OUT_I(r, 6)[row] = g->least;
        OUT_I(r, 7)[row] = g->most;
        OUT_I(r, 8)[row] = g->sum / g->total;
        OUT_I(r, 9)[row] = g->sum;
    }
    index_free(&table);
    free(groups);
}

/* The last bid of each (bidder, auction); of equal times the last that came, as Flink keeps it. */
static void q18(const struct events *e, struct result *r)
{
    const int64_t *auction = ints(e, NX_AUCTION), *bidder = ints(e, NX_BIDDER);
    const int64_t *price = ints(e, NX_PRICE), *time = ints(e, NX_BID_TIME);
    const struct str *channel = texts(e, NX_CHANNEL), *url = texts(e, NX_URL);
    const struct str *extra = texts(e, NX_BID_EXTRA);
    struct index table;
    bool is_new;

    index_init(&table, 1 << 16);
    for (int64_t i = 0; i < e->count; i++) {
        if (e->type[i] != NEXMARK_BID)
            continue;
        uint32_t v = index_add(&table, (uint64_t)bidder[i] << 32 | (uint64_t)auction[i], &is_new);
        if (is_new) {
            int64_t row = result_row(r);
            CHECK(row == v);
        } else if (time[i] < OUT_I(r, 5)[v]) {
            continue;
        }
        OUT_I(r, 0)[v] = auction[i];
        OUT_I(r, 1)[v] = bidder[i];
        OUT_I(r, 2)[v] = price[i];
        OUT_S(r, 3)[v] = channel[i];
        OUT_S(r, 4)[v] = url[i];
        OUT_I(r, 5)[v] = time[i];
        OUT_S(r, 6)[v] = extra[i];
    }
    index_free(&table);
}

static void join_row(const struct events *e, struct result *r, int64_t bid, int64_t auction)
{
    static const enum nexmark_field fields[16] = {
        NX_AUCTION, NX_BIDDER, NX_PRICE, NX_CHANNEL, NX_URL, NX_BID_TIME, NX_BID_EXTRA, NX_ITEM_NAME,
        NX_DESCRIPTION, NX_INITIAL_BID, NX_RESERVE, NX_AUCTION_TIME, NX_EXPIRES, NX_SELLER, NX_CATEGORY,
        NX_AUCTION_EXTRA};
    int64_t row = result_row(r);

    for (int c = 0; c < 16; c++) {
        int64_t from = c < 7 ? bid : auction;
        if (r->types[c] == 's')
            OUT_S(r, c)[row] = texts(e, fields[c])[from];
        else
            OUT_I(r, c)[row] = ints(e, fields[c])[from];
    }
}

/* Bids with their auctions of category 10; a bid may come before its auction. */
static void q20(const struct events *e, struct result *r)
{
    const int64_t *id = ints(e, NX_AUCTION_ID), *category = ints(e, NX_CATEGORY);
    const int64_t *auction = ints(e, NX_AUCTION);
    struct index open, waiting;
    int64_t cap = e->count + 1, links = 0;
    int64_t *opened = malloc((size_t)cap * 8), *heads = malloc((size_t)cap * 8);
    struct early { int64_t bid, next; } *early = malloc((size_t)cap * sizeof(*early));
    bool is_new;

    index_init(&open, 1 << 12);
    index_init(&waiting, 1 << 12);
    for (int64_t i = 0; i < e->count; i++) {
        if (e->type[i] == NEXMARK_AUCTION) {
            bool wanted = category[i] == 10;
            opened[index_add(&open, (uint64_t)id[i], &is_new)] = wanted ? i : -1;
            uint32_t w = index_find(&waiting, (uint64_t)id[i]);
            for (int64_t b = w == UINT32_MAX || !wanted ? -1 : heads[w]; b >= 0; b = early[b].next)
                join_row(e, r, early[b].bid, i);
        } else if (e->type[i] == NEXMARK_BID) {
            uint32_t v = index_find(&open, (uint64_t)auction[i]);
            if (v != UINT32_MAX) {
                if (opened[v] >= 0)
                    join_row(e, r, i, opened[v]);
                continue;
            }
            uint32_t w = index_add(&waiting, (uint64_t)auction[i], &is_new);
            early[links] = (struct early){i, is_new ? -1 : heads[w]};
            heads[w] = links++;
        }
    }
    index_free(&open);
    index_free(&waiting);
    free(opened);
    free(heads);
    free(early);
}

/* ---- running one ---- */

#define F(field) (1u << (field))
static const uint32_t BID_PLAIN = F(NX_AUCTION) | F(NX_BIDDER) | F(NX_PRICE) | F(NX_BID_TIME);
static const uint32_t BID_ALL = F(NX_AUCTION) | F(NX_BIDDER) | F(NX_PRICE) | F(NX_BID_TIME) | F(NX_CHANNEL) |
                                F(NX_URL) | F(NX_BID_EXTRA);

static const struct query {
    const char *name, *types;
    void (*run)(const struct events *, struct result *);
    const uint32_t *base;
    uint32_t more;
} queries[] = {
    {"q0", "iiits", q0, &BID_PLAIN, F(NX_BID_EXTRA)},
    {"q2", "ii", q2, NULL, F(NX_AUCTION) | F(NX_PRICE)},
    {"q4", "ii", q4, NULL, F(NX_AUCTION) | F(NX_PRICE) | F(NX_BID_TIME) | F(NX_AUCTION_ID) | F(NX_CATEGORY) |
                               F(NX_AUCTION_TIME) | F(NX_EXPIRES)},
    {"q5", "ii", q5, NULL, F(NX_AUCTION) | F(NX_BID_TIME)},
    {"q7", "iiits", q7, &BID_PLAIN, F(NX_BID_EXTRA)},
    {"q8", "ist", q8, NULL, F(NX_PERSON_ID) | F(NX_NAME) | F(NX_PERSON_TIME) | F(NX_SELLER)},
    {"q17", "isiiiiiiii", q17, NULL, F(NX_AUCTION) | F(NX_PRICE) | F(NX_BID_TIME)},
    {"q18", "iiissts", q18, &BID_ALL, 0},
    {"q20", "iiisstsssiittiis", q20, &BID_ALL,
     F(NX_AUCTION_ID) | F(NX_ITEM_NAME) | F(NX_DESCRIPTION) | F(NX_INITIAL_BID) | F(NX_RESERVE) |
         F(NX_AUCTION_TIME) | F(NX_EXPIRES) | F(NX_SELLER) | F(NX_CATEGORY) | F(NX_AUCTION_EXTRA)},
};

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run_query(const struct query *q, int64_t count, uint64_t seed)
{
    struct events events;
    struct result result = {.types = q->types};
    double best = 1e9;

    events_make(&events, count, seed, (q->base ? *q->base : 0) | q->more);
    for (int i = 0; i < RUNS; i++) {
        result.count = 0; /* its columns stay, so that the later runs do not pay for fresh pages */
        double from = cpu_seconds();
        q->run(&events, &result);
        double took = cpu_seconds() - from;
        best = took < best ? took : best;
    }
    printf("{\"query\":\"%s\",\"events\":%" PRId64 ",\"cpu_seconds\":%.6f,\"events_per_second\":%.0f,"
           "\"output_rows\":%" PRId64 ",\"output_hash\":\"%016" PRIx64 "\"}\n",
           q->name, count, best, (double)count / best, result.count, result_hash(&result));
}

int main(int argc, char **argv)
{
    int64_t count = argc > 2 ? atoll(argv[2]) : 10000000;
    uint64_t seed = argc > 3 ? (uint64_t)atoll(argv[3]) : 42;

    for (size_t i = 0; argc > 1 && count > 0 && i < sizeof(queries) / sizeof(*queries); i++)
        if (strcmp(argv[1], queries[i].name) == 0) {
            run_query(&queries[i], count, seed);
            return 0;
        }
    fprintf(stderr, "usage: nexmark q0|q2|q4|q5|q7|q8|q17|q18|q20 [EVENTS] [SEED]\n");
    return 2;
}
