/* nexmark_gen.h: the events of the Nexmark suite, a field at a time.
 *
 * Event n is a function of (seed, n): each field has random numbers of its own, so that a field that
 * nobody reads costs nothing and two readers see the same events. Names, options and distributions are
 * those of nexmark/nexmark (nexmark-flink, 2025-12); its random numbers are not (it seeds none).
 * Kept of its ways: ids begin at 1000, and a bidder has 1000 added twice.
 *
 * Owns: tables of texts, until nexmark_gen_deinit.   Threads: read only.   Layer: flow.
 */
#ifndef QW_FLOW_SOURCES_NEXMARK_GEN_H
#define QW_FLOW_SOURCES_NEXMARK_GEN_H

#include "data/chunk.h"

struct nexmark_config {
    uint64_t seed;
    int64_t person_proportion, auction_proportion, bid_proportion;
    int64_t person_bytes, auction_bytes, bid_bytes;
    int64_t hot_auctions, hot_bidders, hot_sellers;
    int64_t events_per_second; /* of event time */
    int64_t base_us;
    int64_t out_of_order_us, late_us; /* additions of ours */
    double late_ratio;
};

enum nexmark_part { NEXMARK_PERSON, NEXMARK_AUCTION, NEXMARK_BID, NEXMARK_EVENT_TYPE };

/* Fields, in the order of the suite's tables. */
enum nexmark_field {
    NX_PERSON_ID, NX_NAME, NX_EMAIL, NX_CREDIT_CARD, NX_CITY, NX_STATE, NX_PERSON_TIME,
    NX_PERSON_EXTRA,
    NX_AUCTION_ID, NX_ITEM_NAME, NX_DESCRIPTION, NX_INITIAL_BID, NX_RESERVE, NX_AUCTION_TIME,
    NX_EXPIRES, NX_SELLER, NX_CATEGORY, NX_AUCTION_EXTRA,
    NX_AUCTION, NX_BIDDER, NX_PRICE, NX_CHANNEL, NX_URL, NX_BID_TIME, NX_BID_EXTRA,
    NX_FIELDS
};

struct nexmark_name {
    const char *name; /* "emailAddress" */
    enum nexmark_part part;
    enum phys phys;
};
extern const struct nexmark_name nexmark_names[NX_FIELDS];

struct nexmark_gen {
    struct nexmark_config config;
    int64_t total;            /* events of one round of persons, auctions and bids */
    double delay_us;          /* of event time between events */
    double *power_high, *power_low; /* 10^(6u), by the halves of a 24-bit u */
    char *letters;            /* what `extra` is cut from */
    struct str *channels, *urls; /* the hot ones, then the others */
    char *url_text;
};

void nexmark_gen_init(struct nexmark_gen *gen, const struct nexmark_config *config);
void nexmark_gen_deinit(struct nexmark_gen *gen);

/* Some events: number i is first + i * stride. */
struct nexmark_run {
    const struct nexmark_gen *gen;
    int64_t first, stride;
    uint16_t count;
    int64_t epochs[CHUNK_ROWS]; /* whole rounds before the event */
    int32_t places[CHUNK_ROWS]; /* place within its round */
    struct arena *arena;
};
void nexmark_run_init(struct nexmark_run *run, const struct nexmark_gen *gen, int64_t first,
                      int64_t stride, uint16_t count, struct arena *arena);

/* One int32 an event: 0 person, 1 auction, 2 bid. */
const int32_t *nexmark_event_types(const struct nexmark_run *run);
/* Which events are of a part. */
const uint64_t *nexmark_valid(const struct nexmark_run *run, enum nexmark_part part);
/* The values of a field, one an event; those of other parts are zero, empty or of no meaning. */
const void *nexmark_field(const struct nexmark_run *run, enum nexmark_field field);

#endif
