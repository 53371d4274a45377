#include "flow/sources/nexmark_gen.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"

enum {
    FIRST_ID = 1000,       /* of persons and auctions */
    FIRST_CATEGORY = 10,
    CATEGORIES = 5,
    HOT_EVERY = 100,       /* one in so many auctions and persons is the hot one */
    LEAD = 10,             /* ids that may be used before their event */
    IN_FLIGHT = 100,       /* auctions that are bid for */
    ACTIVE = 1000,         /* persons that do something */
    CHANNELS = 10000,
    CHANNELS_HOT = 4,
    LETTERS = 1 << 20,
    POWER_BITS = 12,
};

const struct nexmark_name nexmark_names[NX_FIELDS] = {
    [NX_PERSON_ID] = {"id", NEXMARK_PERSON, PHYS_I64},
    [NX_NAME] = {"name", NEXMARK_PERSON, PHYS_STR},
    [NX_EMAIL] = {"emailAddress", NEXMARK_PERSON, PHYS_STR},
    [NX_CREDIT_CARD] = {"creditCard", NEXMARK_PERSON, PHYS_STR},
    [NX_CITY] = {"city", NEXMARK_PERSON, PHYS_STR},
    [NX_STATE] = {"state", NEXMARK_PERSON, PHYS_STR},
    [NX_PERSON_TIME] = {"dateTime", NEXMARK_PERSON, PHYS_I64},
    [NX_PERSON_EXTRA] = {"extra", NEXMARK_PERSON, PHYS_STR},
    [NX_AUCTION_ID] = {"id", NEXMARK_AUCTION, PHYS_I64},
    [NX_ITEM_NAME] = {"itemName", NEXMARK_AUCTION, PHYS_STR},
    [NX_DESCRIPTION] = {"description", NEXMARK_AUCTION, PHYS_STR},
    [NX_INITIAL_BID] = {"initialBid", NEXMARK_AUCTION, PHYS_I64},
    [NX_RESERVE] = {"reserve", NEXMARK_AUCTION, PHYS_I64},
    [NX_AUCTION_TIME] = {"dateTime", NEXMARK_AUCTION, PHYS_I64},
    [NX_EXPIRES] = {"expires", NEXMARK_AUCTION, PHYS_I64},
    [NX_SELLER] = {"seller", NEXMARK_AUCTION, PHYS_I64},
    [NX_CATEGORY] = {"category", NEXMARK_AUCTION, PHYS_I64},
    [NX_AUCTION_EXTRA] = {"extra", NEXMARK_AUCTION, PHYS_STR},
    [NX_AUCTION] = {"auction", NEXMARK_BID, PHYS_I64},
    [NX_BIDDER] = {"bidder", NEXMARK_BID, PHYS_I64},
    [NX_PRICE] = {"price", NEXMARK_BID, PHYS_I64},
    [NX_CHANNEL] = {"channel", NEXMARK_BID, PHYS_STR},
    [NX_URL] = {"url", NEXMARK_BID, PHYS_STR},
    [NX_BID_TIME] = {"dateTime", NEXMARK_BID, PHYS_I64},
    [NX_BID_EXTRA] = {"extra", NEXMARK_BID, PHYS_STR},
};

/* ---- random numbers: one stream a field, one number an event ---- */

enum stream { /* beyond the fields themselves */
    STREAM_TIME = NX_FIELDS, STREAM_LATE, STREAM_CHANNEL, STREAM_TABLES, STREAM_RESERVE,
};

static inline uint64_t stream_of(const struct nexmark_gen *gen, int stream)
{
    return hash_combine(gen->config.seed, (uint64_t)stream + 1);
}

static inline uint64_t draw(uint64_t stream, int64_t event)
{
    return hash_u64(stream + (uint64_t)event * 0x9E3779B97F4A7C15u);
}

/* 0 .. bound-1 from 32 random bits; bound < 2^32. */
static inline int64_t below(uint32_t bits, int64_t bound)
{
    return (int64_t)(((uint64_t)bits * (uint64_t)bound) >> 32);
}

/* Several numbers for one event. */
struct bits {
    uint64_t state;
};
static inline uint32_t bits_next(struct bits *b)
{
    b->state += 0x9E3779B97F4A7C15u;
    return (uint32_t)(hash_u64(b->state) >> 32);
}

/* ---- tables ---- */

static const char *const hot_channels[CHANNELS_HOT] = {"Google", "Facebook", "Baidu", "Apple"};
static const char *const first_names[] = {"Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate",
                                          "Julie", "Sarah", "Deiter", "Walter"};
static const char *const last_names[] = {"Shultz", "Abrams", "Spencer", "White", "Bartels",
                                         "Walton", "Smith", "Jones", "Noris"};
static const char *const cities[] = {"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland",
                                     "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"};
static const char *const states[] = {"AZ", "CA", "ID", "OR", "WA", "WY"};
#define COUNT_OF(a) ((int64_t)(sizeof(a) / sizeof((a)[0])))

/* 3 .. max-1 letters, one in 13 of them `special`, without spaces at either end. */
static uint32_t text_make(struct bits *b, uint32_t max, char special, char *to)
{
    uint32_t len = 3 + (uint32_t)below(bits_next(b), max - 3), from = 0;

    for (uint32_t i = 0; i < len; i++) {
        uint32_t r = bits_next(b);
        to[i] = below(r, 13) == 0 ? special : (char)('a' + below(r * 2654435761u, 26));
    }
    while (from < len && to[from] == ' ')
        from++;
    while (len > from && to[len - 1] == ' ')
        len--;
    memmove(to, to + from, len - from);
    return len - from;
}

static uint32_t reverse_bits(uint32_t v)
{
    uint32_t out = 0;

    for (int i = 0; i < 32; i++, v >>= 1)
        out = out << 1 | (v & 1);
    return out;
}

enum { URL_MAX = 96 };

static uint32_t url_make(struct bits *b, char *to)
{
    static const char head[] = "https://www.nexmark.com/", tail[] = "item.htm?query=1";
    uint32_t len = sizeof(head) - 1;

    memcpy(to, head, len);
    for (int i = 0; i < 3; i++) {
        len += text_make(b, 5, '_', to + len);
        to[len++] = '/';
    }
    memcpy(to + len, tail, sizeof(tail) - 1);
    return len + (uint32_t)sizeof(tail) - 1;
}

static void channels_init(struct nexmark_gen *gen)
{
    enum { NAME_MAX = 16, ALL = CHANNELS + CHANNELS_HOT };
    struct bits b = {stream_of(gen, STREAM_TABLES)};

    gen->channels = xcalloc(ALL, sizeof(*gen->channels));
    gen->urls = xcalloc(ALL, sizeof(*gen->urls));
    gen->url_text = xcalloc(ALL, URL_MAX + NAME_MAX);
    for (uint32_t i = 0; i < ALL; i++) {
        char *url = gen->url_text + (size_t)i * (URL_MAX + NAME_MAX), *name = url + URL_MAX;
        uint32_t len = url_make(&b, url), number = i - CHANNELS_HOT;
        gen->channels[i].ptr = i < CHANNELS_HOT ? hot_channels[i] : name;
        if (i >= CHANNELS_HOT) {
            snprintf(name, NAME_MAX, "channel-%u", number);
            int32_t id = (int32_t)reverse_bits(number);
            if (below(bits_next(&b), 10) > 0)
                len += (uint32_t)snprintf(url + len, URL_MAX - len, "&channel_id=%lld",
                                          llabs((long long)id));
        }
        gen->channels[i].len = (uint32_t)strlen(gen->channels[i].ptr);
        gen->urls[i] = (struct str){url, len, 0};
    }
}

/* Products of one constant, not pow(): the same bits with every C library. */
static void powers_init(struct nexmark_gen *gen)
{
    const double low_base = 1.0000008234689381, high_base = 1.0033786221027048; /* 10^(6/2^24), 10^(6/2^12) */
    uint32_t count = 1u << POWER_BITS;

    gen->power_low = xcalloc(count, sizeof(double));
    gen->power_high = xcalloc(count, sizeof(double));
    gen->power_low[0] = gen->power_high[0] = 1.0;
    for (uint32_t i = 1; i < count; i++) {
        gen->power_low[i] = gen->power_low[i - 1] * low_base;
        gen->power_high[i] = gen->power_high[i - 1] * high_base;
    }
}

void nexmark_gen_init(struct nexmark_gen *gen, const struct nexmark_config *config)
{
    *gen = (struct nexmark_gen){.config = *config};
    gen->total = config->person_proportion + config->auction_proportion + config->bid_proportion;
    gen->delay_us = 1e6 / (double)config->events_per_second;
    CHECK(gen->total > 0);
    powers_init(gen);
    channels_init(gen);
    gen->letters = xmalloc(LETTERS);
    struct bits b = {stream_of(gen, STREAM_TABLES) + 1};
    for (uint32_t i = 0; i < LETTERS; i++)
        gen->letters[i] = (char)('a' + below(bits_next(&b), 26));
}

void nexmark_gen_deinit(struct nexmark_gen *gen)
{
    free(gen->power_high);
    free(gen->power_low);
    free(gen->letters);
    free(gen->channels);
    free(gen->urls);
    free(gen->url_text);
}

/* ---- runs ---- */

void nexmark_run_init(struct nexmark_run *run, const struct nexmark_gen *gen, int64_t first,
                      int64_t stride, uint16_t count, struct arena *arena)
{
    int64_t epoch = first / gen->total, place = first % gen->total;

    CHECK(count <= CHUNK_ROWS);
    run->gen = gen;
    run->first = first;
    run->stride = stride;
    run->count = count;
    run->arena = arena;
    for (uint16_t i = 0; i < count; i++) {
        run->epochs[i] = epoch;
        run->places[i] = (int32_t)place;
        place += stride;
        if (place >= gen->total) {
            epoch += stride == 1 ? 1 : place / gen->total;
            place = stride == 1 ? 0 : place % gen->total;
        }
    }
}

static inline int64_t event_of(const struct nexmark_run *run, uint16_t i)
{
    return run->first + i * run->stride;
}

static inline enum nexmark_part part_of(const struct nexmark_run *run, uint16_t i)
{
    const struct nexmark_config *c = &run->gen->config;
    int64_t place = run->places[i];

    return (enum nexmark_part)((place >= c->person_proportion) +
                               (place >= c->person_proportion + c->auction_proportion));
}

const int32_t *nexmark_event_types(const struct nexmark_run *run)
{
    int32_t *out = arena_alloc(run->arena, 4u * run->count + 4);

    for (uint16_t i = 0; i < run->count; i++)
        out[i] = (int32_t)part_of(run, i);
    return out;
}

const uint64_t *nexmark_valid(const struct nexmark_run *run, enum nexmark_part part)
{
    uint64_t *out = arena_zalloc(run->arena, ((size_t)run->count + 63) / 64 * 8 + 8);

    for (uint16_t i = 0; i < run->count; i++)
        out[i >> 6] |= (uint64_t)(part_of(run, i) == part) << (i & 63);
    return out;
}

/* ---- ids ---- */

/* The newest person (base 0) when an event happens. */
static inline int64_t last_person(const struct nexmark_run *run, uint16_t i)
{
    int64_t persons = run->gen->config.person_proportion, place = run->places[i];

    return run->epochs[i] * persons + (place < persons ? place : persons - 1);
}

/* The newest auction (base 0); -1 before the first. */
static inline int64_t last_auction(const struct nexmark_run *run, uint16_t i)
{
    const struct nexmark_config *c = &run->gen->config;
    int64_t place = run->places[i] - c->person_proportion, auctions = c->auction_proportion;
    int64_t before = run->epochs[i] * auctions;

    return place < 0 ? before - 1 : before + (place < auctions ? place : auctions - 1);
}

static inline int64_t some_person(int64_t last, uint32_t bits)
{
    int64_t people = last + 1, active = people < ACTIVE ? people : ACTIVE;

    return people - active + below(bits, active + LEAD);
}

static inline int64_t some_auction(int64_t last, uint32_t bits)
{
    int64_t least = last > IN_FLIGHT ? last - IN_FLIGHT : 0;
    int64_t most = last > least ? last : least;

    return least + below(bits, most - least + 1 + LEAD);
}

static inline int64_t hot_of(int64_t last)
{
    return last > 0 ? (int64_t)((uint64_t)last / HOT_EVERY * HOT_EVERY) : 0;
}

/* hot: whether the first half of the bits says so, one time in `ratio` not. */
static inline bool is_hot(uint64_t r, int64_t ratio)
{
    return below((uint32_t)(r >> 32), ratio) > 0;
}

static int64_t *room(const struct nexmark_run *run)
{
    return arena_alloc(run->arena, 8u * run->count + 8);
}

static const void *bid_auctions(const struct nexmark_run *run)
{
    uint64_t stream = stream_of(run->gen, NX_AUCTION);
    int64_t *out = room(run), ratio = run->gen->config.hot_auctions;

    for (uint16_t i = 0; i < run->count; i++) {
        uint64_t r = draw(stream, event_of(run, i));
        int64_t last = last_auction(run, i);
        int64_t cold = some_auction(last, (uint32_t)r), hot = hot_of(last);
        out[i] = FIRST_ID + (is_hot(r, ratio) ? hot : cold);
    }
    return out;
}

static const void *bidders(const struct nexmark_run *run)
{
    uint64_t stream = stream_of(run->gen, NX_BIDDER);
    int64_t *out = room(run), ratio = run->gen->config.hot_bidders;

    for (uint16_t i = 0; i < run->count; i++) {
        uint64_t r = draw(stream, event_of(run, i));
        int64_t last = last_person(run, i);
        int64_t cold = some_person(last, (uint32_t)r), hot = hot_of(last) + 1;
        out[i] = 2 * FIRST_ID + (is_hot(r, ratio) ? hot : cold);
    }
    return out;
}

static const void *sellers(const struct nexmark_run *run)
{
    uint64_t stream = stream_of(run->gen, NX_SELLER);
    int64_t *out = room(run), ratio = run->gen->config.hot_sellers;

    for (uint16_t i = 0; i < run->count; i++) {
        uint64_t r = draw(stream, event_of(run, i));
        int64_t last = last_person(run, i);
        out[i] = FIRST_ID + (is_hot(r, ratio) ? hot_of(last) : some_person(last, (uint32_t)r));
    }
    return out;
}

static const void *own_ids(const struct nexmark_run *run, bool auction)
{
    int64_t *out = room(run);

    for (uint16_t i = 0; i < run->count; i++)
        out[i] = FIRST_ID + (auction ? last_auction(run, i) : last_person(run, i));
    return out;
}

static const void *categories(const struct nexmark_run *run)
{
    uint64_t stream = stream_of(run->gen, NX_CATEGORY);
    int64_t *out = room(run);

    for (uint16_t i = 0; i < run->count; i++)
        out[i] = FIRST_CATEGORY + below((uint32_t)draw(stream, event_of(run, i)), CATEGORIES);
    return out;
}

/* ---- prices: 10^(6u) * 100, u even over [0, 1) ---- */

static inline int64_t price_of(const struct nexmark_gen *gen, uint64_t r)
{
    uint32_t mask = (1u << POWER_BITS) - 1;
    double v = gen->power_high[r >> (64 - POWER_BITS)] *
               gen->power_low[(r >> (64 - 2 * POWER_BITS)) & mask];

    return (int64_t)(v * 100.0 + 0.5);
}

static int64_t *prices(const struct nexmark_run *run, int field)
{
    uint64_t stream = stream_of(run->gen, field);
    int64_t *out = room(run);

    for (uint16_t i = 0; i < run->count; i++)
        out[i] = price_of(run->gen, draw(stream, event_of(run, i)));
    return out;
}

static const void *reserves(const struct nexmark_run *run)
{
    const int64_t *initial = prices(run, NX_INITIAL_BID);
    int64_t *out = prices(run, STREAM_RESERVE);

    for (uint16_t i = 0; i < run->count; i++)
        out[i] += initial[i];
    return out;
}

/* ---- times, cut to milliseconds ---- */

static inline int64_t time_in_order(const struct nexmark_gen *gen, int64_t event)
{
    return gen->config.base_us + (int64_t)((double)event * gen->delay_us) / 1000 * 1000;
}

static int64_t *times(const struct nexmark_run *run)
{
    const struct nexmark_gen *gen = run->gen;
    const struct nexmark_config *c = &gen->config;
    int64_t *out = room(run);

    for (uint16_t i = 0; i < run->count; i++)
        out[i] = time_in_order(gen, event_of(run, i));
    if (!c->out_of_order_us && c->late_ratio <= 0)
        return out;
    uint64_t order = stream_of(gen, STREAM_TIME), late = stream_of(gen, STREAM_LATE);
    int64_t spread_ms = c->out_of_order_us / 1000, late_ms = c->late_us / 1000;
    for (uint16_t i = 0; i < run->count; i++) {
        uint64_t r = draw(late, event_of(run, i));
        out[i] -= 1000 * below((uint32_t)draw(order, event_of(run, i)), spread_ms + 1);
        if ((double)(r >> 32) < c->late_ratio * 4294967296.0)
            out[i] -= 1000 * (spread_ms + 1 + below((uint32_t)r, late_ms));
    }
    return out;
}

/* An auction lasts, on average, until as many others are open as may be in flight. */
static const void *expiries(const struct nexmark_run *run)
{
    const struct nexmark_gen *gen = run->gen;
    uint64_t stream = stream_of(gen, NX_EXPIRES);
    int64_t *out = times(run);
    int64_t ahead = IN_FLIGHT * gen->total / gen->config.auction_proportion;

    for (uint16_t i = 0; i < run->count; i++) {
        int64_t event = event_of(run, i);
        int64_t horizon_ms = (time_in_order(gen, event + ahead) - time_in_order(gen, event)) / 1000;
        int64_t most = horizon_ms > 0 ? 2 * horizon_ms : 1;
        out[i] += 1000 * (1 + (int64_t)(draw(stream, event) % (uint64_t)most));
    }
    return out;
}

/* ---- texts ---- */

static struct str *texts(const struct nexmark_run *run)
{
    struct str *out = arena_alloc(run->arena, sizeof(*out) * (run->count + 1u));

    for (uint16_t i = 0; i < run->count; i++)
        out[i] = (struct str){"", 0, 0};
    return out;
}

static const void *channels(const struct nexmark_run *run, const struct str *table)
{
    uint64_t stream = stream_of(run->gen, STREAM_CHANNEL);
    struct str *out = texts(run);

    for (uint16_t i = 0; i < run->count; i++) {
        if (part_of(run, i) != NEXMARK_BID)
            continue;
        uint64_t r = draw(stream, event_of(run, i));
        int64_t hot = below((uint32_t)r, CHANNELS_HOT);
        int64_t cold = CHANNELS_HOT + below((uint32_t)r, CHANNELS);
        out[i] = table[r >> 63 ? hot : cold];
    }
    return out;
}

static const void *picks(const struct nexmark_run *run, int field, const char *const *list,
                         int64_t count)
{
    uint64_t stream = stream_of(run->gen, field);
    struct str *out = texts(run);

    for (uint16_t i = 0; i < run->count; i++) {
        if (part_of(run, i) != NEXMARK_PERSON)
            continue;
        const char *text = list[below((uint32_t)draw(stream, event_of(run, i)), count)];
        out[i] = (struct str){text, (uint32_t)strlen(text), 0};
    }
    return out;
}

/* One text of an event, into room for 128 bytes. */
static uint32_t text_of(const struct nexmark_gen *gen, int field, int64_t event, char *to)
{
    struct bits b = {draw(stream_of(gen, field), event)};
    uint32_t len = 0;

    switch (field) {
    case NX_NAME:
        return (uint32_t)sprintf(to, "%s %s", first_names[below(bits_next(&b), COUNT_OF(first_names))],
                                 last_names[below(bits_next(&b), COUNT_OF(last_names))]);
    case NX_EMAIL:
        len = text_make(&b, 7, ' ', to);
        to[len++] = '@';
        len += text_make(&b, 5, ' ', to + len);
        memcpy(to + len, ".com", 4);
        return len + 4;
    case NX_CREDIT_CARD:
        for (int i = 0; i < 4; i++)
            len += (uint32_t)sprintf(to + len, "%s%04d", i ? " " : "",
                                     (int)below(bits_next(&b), 10000));
        return len;
    case NX_ITEM_NAME: return text_make(&b, 20, ' ', to);
    default: CHECK(field == NX_DESCRIPTION); return text_make(&b, 100, ' ', to);
    }
}

static const void *made_texts(const struct nexmark_run *run, int field)
{
    struct str *out = texts(run);
    char text[128];

    for (uint16_t i = 0; i < run->count; i++) {
        if (part_of(run, i) != nexmark_names[field].part)
            continue;
        uint32_t len = text_of(run->gen, field, event_of(run, i), text);
        out[i] = (struct str){memcpy(arena_alloc(run->arena, len + 1u), text, len), len, 0};
    }
    return out;
}

/* Bytes of the other fields of an event, by which `extra` brings it to the size that is wanted. */
static int64_t size_of_others(const struct nexmark_gen *gen, enum nexmark_part part, int64_t event,
                              const struct str *city, const struct str *state)
{
    char text[128];

    if (part == NEXMARK_BID)
        return 4 * 8;
    if (part == NEXMARK_AUCTION)
        return 6 * 8 + text_of(gen, NX_ITEM_NAME, event, text) +
               text_of(gen, NX_DESCRIPTION, event, text);
    return 8 + text_of(gen, NX_NAME, event, text) + text_of(gen, NX_EMAIL, event, text) +
           text_of(gen, NX_CREDIT_CARD, event, text) + city->len + state->len;
}

static const void *extras(const struct nexmark_run *run, int field)
{
    const struct nexmark_gen *gen = run->gen;
    enum nexmark_part part = nexmark_names[field].part;
    const struct nexmark_config *c = &gen->config;
    int64_t want = part == NEXMARK_PERSON    ? c->person_bytes
                   : part == NEXMARK_AUCTION ? c->auction_bytes
                                             : c->bid_bytes;
    uint64_t stream = stream_of(gen, field);
    struct str *out = texts(run);
    const struct str *city = out, *state = out;
    if (part == NEXMARK_PERSON) {
        city = picks(run, NX_CITY, cities, COUNT_OF(cities));
        state = picks(run, NX_STATE, states, COUNT_OF(states));
    }
    for (uint16_t i = 0; i < run->count; i++) {
        if (part_of(run, i) != part)
            continue;
        int64_t event = event_of(run, i);
        int64_t left = want - size_of_others(gen, part, event, &city[i], &state[i]);
        if (left < 0)
            continue;
        uint64_t r = draw(stream, event);
        int64_t delta = (left * 2 + 5) / 10, len = left - delta;
        if (delta)
            len += below((uint32_t)(r >> 32), 2 * delta);
        len = len < LETTERS / 2 ? len : LETTERS / 2;
        out[i] = (struct str){gen->letters + below((uint32_t)r, LETTERS - len), (uint32_t)len, 0};
    }
    return out;
}

const void *nexmark_field(const struct nexmark_run *run, enum nexmark_field field)
{
    switch (field) {
    case NX_PERSON_ID: return own_ids(run, false);
    case NX_CITY: return picks(run, field, cities, COUNT_OF(cities));
    case NX_STATE: return picks(run, field, states, COUNT_OF(states));
    case NX_NAME:
    case NX_EMAIL:
    case NX_CREDIT_CARD:
    case NX_ITEM_NAME:
    case NX_DESCRIPTION: return made_texts(run, field);
    case NX_PERSON_TIME:
    case NX_AUCTION_TIME:
    case NX_BID_TIME: return times(run);
    case NX_PERSON_EXTRA:
    case NX_AUCTION_EXTRA:
    case NX_BID_EXTRA: return extras(run, field);
    case NX_AUCTION_ID: return own_ids(run, true);
    case NX_INITIAL_BID: return prices(run, field);
    case NX_RESERVE: return reserves(run);
    case NX_EXPIRES: return expiries(run);
    case NX_SELLER: return sellers(run);
    case NX_CATEGORY: return categories(run);
    case NX_AUCTION: return bid_auctions(run);
    case NX_BIDDER: return bidders(run);
    case NX_PRICE: return prices(run, field);
    case NX_CHANNEL: return channels(run, run->gen->channels);
    case NX_URL: return channels(run, run->gen->urls);
    case NX_FIELDS: break;
    }
    UNREACHABLE();
}
