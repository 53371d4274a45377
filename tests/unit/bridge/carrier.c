/* Carriers against an outside system that fails, drags, loses answers and refuses records, over a disk that
 * loses its power: every record arrives, in order; where the outside keeps the position, once. */
#include "bridge/carrier.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json_reader.h"
#include "base/rng.h"
#include "lib/batches.h"
#include "lib/test.h"
#include "os/sim/sim.h"

enum { PARTITIONS = 2, RECORDS_MAX = 4000 };

/* The outside: what has arrived, and what goes wrong. */
static struct outside_twin {
    struct rng rng;
    double away, half, lost_answer; /* chances, a call */
    uint32_t refuses;               /* every n-th offset can never be taken; 0: none */
    int64_t position[PARTITIONS];   /* -1: none yet */
    int64_t arrived[PARTITIONS][RECORDS_MAX];
    uint32_t count[PARTITIONS];
    bool rows; /* the records are rows */
    uint64_t troubles;
    int64_t retry_after_ms;
    uint32_t a_call; /* takes so many, and says nothing of the rest; 0: all */
} twin;

static bool twin_rows(const struct bridge_spec *spec)
{
    (void)spec;
    return twin.rows;
}

static enum status twin_open(const struct bridge_spec *spec, struct bridge **out, struct diag *diag)
{
    (void)diag;
    *out = calloc(1, sizeof(struct bridge));
    **out = (struct bridge){NULL, spec};
    return ST_OK;
}

static void twin_close(struct bridge *bridge)
{
    free(bridge);
}

static enum status twin_position(struct bridge *bridge, uint32_t partition, int64_t *out, char trouble[200])
{
    (void)bridge;
    *out = twin.position[partition];
    if (!rng_chance(&twin.rng, twin.away))
        return ST_OK;
    snprintf(trouble, 200, "away");
    return ST_AGAIN;
}

static void take(struct bridge_batch *batch, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct bridge_record *r = &batch->records[i];
        EXPECT_INT(r->partition, batch->partition);
        if (twin.refuses && r->offset % twin.refuses == 0) {
            r->never = "it is of the kind that is refused";
            continue;
        }
        EXPECT(twin.count[r->partition] < RECORDS_MAX);
        twin.arrived[r->partition][twin.count[r->partition]++] = r->offset;
    }
    batch->settled = count;
}

static void twin_deliver(struct bridge *bridge, struct bridge_batch *batch)
{
    bool keeps_position = bridge->spec->values[0].text.len > 0;
    uint32_t count = batch->count;

    EXPECT(batch->count > 0);
    if (rng_chance(&twin.rng, twin.away)) {
        twin.troubles++;
        snprintf(batch->trouble, sizeof(batch->trouble), "away");
        batch->retry_after_ms = twin.retry_after_ms;
        return;
    }
    if (twin.a_call && twin.a_call < count)
        count = twin.a_call;
    if (!keeps_position && rng_chance(&twin.rng, twin.half))
        count = (uint32_t)rng_below(&twin.rng, batch->count);
    take(batch, count);
    twin.position[batch->partition] = batch->next_offset; /* in the same transaction */
    if (rng_chance(&twin.rng, twin.lost_answer)) {
        batch->settled = 0;
        for (uint32_t i = 0; i < batch->count; i++)
            batch->records[i].never = NULL;
        snprintf(batch->trouble, sizeof(batch->trouble), "the answer was lost");
    }
}

static const struct bridge_option twin_options[] = {
    {"twin.position", BRIDGE_TEXT, "", NULL, 0, 0, "whether it keeps one"},
};
static const struct bridge_class at_least_once = {
    .name = "twin", .ways = BRIDGE_SINK, .guarantee = "at least once", .options = twin_options,
    .options_count = 1, .takes_rows = twin_rows, .takes_changes = twin_rows, .open = twin_open,
    .deliver = twin_deliver, .close = twin_close,
};
static const struct bridge_class exactly_once = {
    .name = "twin", .ways = BRIDGE_SINK, .guarantee = "exactly once", .options = twin_options,
    .options_count = 1, .takes_rows = twin_rows, .takes_changes = twin_rows, .open = twin_open,
    .position = twin_position, .deliver = twin_deliver, .close = twin_close,
};

struct rig {
    struct os *os;
    struct log *log;
    struct log_topic *topic;
    struct carrier *carrier;
    const struct bridge_class *class;
    struct diag diag;
    struct bridge_given options[8];
    unsigned options_count;
    struct schema schema;
    uint16_t key_count;
};

static void nothing(void *context)
{
    (void)context;
}

static void option(struct rig *rig, const char *key, const char *value)
{
    rig->options[rig->options_count++] = (struct bridge_given){bytes_str(key), bytes_str(value)};
}

static struct carrier_spec spec_of(struct rig *rig)
{
    static const uint16_t key[] = {0};
    return (struct carrier_spec){.class = rig->class, .table = BYTES_LITERAL("t"), .way = BRIDGE_SINK, .schema = rig->schema,
                                 .key = key, .key_count = rig->key_count, .options = rig->options,
                                 .options_count = rig->options_count};
}

static void rig_open(struct rig *rig)
{
    struct log_options options = {.wal_bytes_max = 16 << 20, .disk_reserve_bytes = 1};
    struct carrier_env env = {.os = rig->os, .wake = nothing};

    EXPECT_OK(log_open(rig->os, "data", &options, &rig->log, &rig->diag));
    rig->topic = log_topic_find(rig->log, BYTES_LITERAL("bridge-t"));
    if (!rig->topic)
        EXPECT_OK(log_topic_create(rig->log, BYTES_LITERAL("bridge-t"), PARTITIONS,
                                   &(struct log_topic_options){.internal = true}, &rig->topic, NULL, &rig->diag));
    env.log = rig->log;
    struct carrier_spec spec = spec_of(rig);
    EXPECT_OK(carrier_open(&env, &spec, rig->topic, &rig->carrier, &rig->diag));
}

static void rig_close(struct rig *rig)
{
    carrier_close(rig->carrier);
    log_close(rig->log);
}

static void rig_start(struct rig *rig, const struct bridge_class *class, uint64_t seed)
{
    *rig = (struct rig){.os = os_sim_create(seed, NULL), .class = class};
    twin = (struct outside_twin){.rng = rng_seed(seed), .position = {-1, -1}};
    option(rig, "bridge.retry.backoff", "1 ms");
    option(rig, "bridge.retry.backoff.max", "4 ms");
    option(rig, "bridge.breaker.open", "1 ms");
    option(rig, "bridge.breaker.open.max", "2 ms");
    if (class == &exactly_once)
        option(rig, "twin.position", "yes");
}

static void pass(struct rig *rig)
{
    (void)!log_flush(rig->log);
    carrier_pass(rig->carrier);
    log_work(rig->log);
    os_sim_advance(rig->os, 200000);
}

static struct carrier_info info_of(struct rig *rig)
{
    struct carrier_info info;
    carrier_info(rig->carrier, &info);
    return info;
}

static void drain(struct rig *rig)
{
    for (int turns = 0; info_of(rig).lag > 0; turns++) {
        pass(rig);
        if (turns > 200000)
            test_fail(__FILE__, __LINE__, "it does not arrive: %s", info_of(rig).trouble);
    }
}

static void put(struct rig *rig, uint32_t partition, int count)
{
    test_append(rig->log, log_partition_of(rig->topic, partition), (struct batch_spec){.count = count});
}

static int64_t end_of(struct rig *rig, uint32_t partition)
{
    struct log_offsets offsets;
    log_offsets(log_partition_of(rig->topic, partition), &offsets);
    return offsets.end;
}

/* Each offset but the refused: in order, and without repeats where `once`. */
static void expect_arrived(struct rig *rig, bool once)
{
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        int64_t next = 0, end = end_of(rig, p);
        for (uint32_t i = 0; i < twin.count[p]; i++) {
            int64_t offset = twin.arrived[p][i];
            while (twin.refuses && next % twin.refuses == 0)
                next++;
            EXPECT(offset <= next); /* nothing is left out; a repeat goes back and comes again in order */
            if (once)
                EXPECT_INT(offset, next);
            next = offset + 1;
        }
        while (twin.refuses && next < end && next % twin.refuses == 0)
            next++;
        EXPECT_INT(next, end);
    }
}

static void run_trouble(const struct bridge_class *class, uint64_t seed)
{
    struct rig rig;
    bool once = class == &exactly_once;

    rig_start(&rig, class, seed);
    option(&rig, "bridge.batch.records", "7");
    twin.away = 0.3;
    twin.half = 0.3;
    twin.lost_answer = 0.2;
    twin.refuses = seed % 2 ? 5 : 0;
    rig_open(&rig);
    for (int round = 0; round < 30; round++) {
        for (uint32_t p = 0; p < PARTITIONS; p++)
            put(&rig, p, (int)rng_between(&twin.rng, 1, 12));
        for (uint64_t turns = rng_below(&twin.rng, 60); turns > 0; turns--)
            pass(&rig);
        uint64_t fate = rng_below(&twin.rng, 4);
        if (fate == 0) {
            (void)!log_flush(rig.log);
            rig_close(&rig);
        } else if (fate == 1) {
            (void)!log_flush(rig.log); /* what is appended stays; the position may not */
            os_sim_crash(rig.os);
            rig_close(&rig);
        }
        if (fate < 2)
            rig_open(&rig);
    }
    drain(&rig);
    expect_arrived(&rig, once);
    EXPECT(twin.troubles > 0);
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

TEST(carrier_delivers_each_record_at_least_once_in_order)
{
    for (uint64_t seed = 1; seed <= 12; seed++)
        run_trouble(&at_least_once, seed);
}

TEST(carrier_delivers_each_record_once_where_the_outside_keeps_the_position)
{
    for (uint64_t seed = 1; seed <= 12; seed++)
        run_trouble(&exactly_once, seed);
}

/* ---- dead letters ---- */

static uint32_t dead_seen;

static void see_dead(void *context, const struct record *rec)
{
    struct bytes value;

    (void)context;
    EXPECT(json_member(rec->value, "reason", &value));
    EXPECT_BYTES(value, BYTES_LITERAL("\"it is of the kind that is refused\""));
    EXPECT(json_member(rec->value, "offset", &value));
    dead_seen++;
}

TEST(carrier_keeps_what_can_never_be_delivered)
{
    struct rig rig;

    rig_start(&rig, &at_least_once, 3);
    twin.refuses = 4;
    rig_open(&rig);
    put(&rig, 0, 10); /* 0, 4 and 8 are refused */
    drain(&rig);
    EXPECT_INT(twin.count[0], 7);
    EXPECT_INT(info_of(&rig).dead, 3);
    EXPECT_INT(info_of(&rig).delivered, 7);
    struct log_topic *dead = log_topic_find(rig.log, BYTES_LITERAL("bridge-t.dead"));
    EXPECT(dead);
    (void)!log_flush(rig.log);
    dead_seen = 0;
    test_read_all(rig.log, log_partition_of(dead, 0), 0, LOG_TO_END, 1 << 20, see_dead, NULL);
    EXPECT_INT(dead_seen, 3);
    rig_close(&rig);
    rig_open(&rig); /* and not again after a restart */
    for (int i = 0; i < 20; i++)
        pass(&rig);
    EXPECT_INT(twin.count[0], 7);
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

/* ---- rates, breakers, retention ---- */

/* Its circuit breaker by hand. */
static void force(struct rig *rig, enum breaker_state state)
{
    uint64_t lsn;

    EXPECT_OK(carrier_force(rig->carrier, state, &lsn));
}

TEST(carrier_is_held_by_hand_and_goes_on_where_it_was)
{
    struct rig rig;

    rig_start(&rig, &at_least_once, 5);
    rig_open(&rig);
    force(&rig, BREAKER_FORCED_OPEN);
    put(&rig, 1, 3);
    for (int i = 0; i < 50; i++)
        pass(&rig);
    EXPECT_INT(twin.count[1], 0);
    EXPECT_INT(info_of(&rig).lag, 3);
    EXPECT_INT(carrier_deadline_ns(rig.carrier), INT64_MAX);
    force(&rig, BREAKER_CLOSED);
    drain(&rig);
    expect_arrived(&rig, true);
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

/* What somebody said about a system that must not be dialled holds when the server starts again. */
TEST(carrier_is_held_by_hand_over_restarts_until_told_otherwise)
{
    struct rig rig;
    uint64_t lsn;

    rig_start(&rig, &at_least_once, 7);
    rig_open(&rig);
    force(&rig, BREAKER_FORCED_OPEN);
    put(&rig, 1, 3);
    (void)!log_flush(rig.log);
    rig_close(&rig);
    rig_open(&rig);
    EXPECT_INT(info_of(&rig).breaker, BREAKER_FORCED_OPEN);
    for (int i = 0; i < 50; i++)
        pass(&rig);
    EXPECT_INT(twin.count[1], 0);
    force(&rig, BREAKER_DISABLED);
    (void)!log_flush(rig.log);
    rig_close(&rig);
    rig_open(&rig);
    EXPECT_INT(info_of(&rig).breaker, BREAKER_DISABLED);
    force(&rig, BREAKER_OPEN); /* from which it goes on by itself: the next start is as any */
    (void)!log_flush(rig.log);
    rig_close(&rig);
    rig_open(&rig);
    EXPECT_INT(info_of(&rig).breaker, BREAKER_CLOSED);
    drain(&rig);
    expect_arrived(&rig, true);
    force(&rig, BREAKER_FORCED_OPEN);
    EXPECT_OK(carrier_forget(rig.log, BYTES_LITERAL("t"), &lsn)); /* the table is dropped */
    (void)!log_flush(rig.log);
    rig_close(&rig);
    rig_open(&rig);
    EXPECT_INT(info_of(&rig).breaker, BREAKER_CLOSED);
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

TEST(carrier_keeps_its_rate)
{
    struct rig rig;

    rig_start(&rig, &at_least_once, 6);
    option(&rig, "bridge.rate", "10");
    rig_open(&rig);
    int64_t began_ns = os_mono_ns(rig.os);
    put(&rig, 0, 40);
    drain(&rig);
    EXPECT_INT(twin.count[0], 40);
    EXPECT(os_mono_ns(rig.os) - began_ns >= 2900000000); /* the first ten at once: by the simulated clock */
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

TEST(carrier_waits_for_as_long_as_it_is_asked_to)
{
    struct rig rig;

    rig_start(&rig, &at_least_once, 8);
    twin.away = 1;
    twin.retry_after_ms = 5000; /* the backoff alone is at most 4 ms */
    rig_open(&rig);
    put(&rig, 0, 3);
    while (!info_of(&rig).failures)
        pass(&rig);
    int64_t refused_ns = os_mono_ns(rig.os);
    twin.away = 0;
    drain(&rig);
    EXPECT(os_mono_ns(rig.os) - refused_ns >= 4990000000);
    expect_arrived(&rig, true);
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

TEST(carrier_goes_on_without_a_failure_where_a_call_took_a_part)
{
    struct rig rig;

    rig_start(&rig, &at_least_once, 9);
    twin.a_call = 3;
    rig_open(&rig);
    put(&rig, 0, 10);
    drain(&rig);
    EXPECT_INT(info_of(&rig).calls, 4);
    EXPECT_INT(info_of(&rig).failures, 0);
    EXPECT_INT(info_of(&rig).failure_percent, 0);
    expect_arrived(&rig, true);
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

TEST(carrier_pins_what_has_not_arrived)
{
    struct rig rig;
    struct log_offsets offsets;
    uint64_t lsn;

    rig_start(&rig, &at_least_once, 7);
    twin.away = 1;
    rig_open(&rig);
    put(&rig, 0, 5);
    (void)!log_flush(rig.log);
    for (int i = 0; i < 20; i++)
        pass(&rig);
    EXPECT_OK(log_trim(rig.log, log_partition_of(rig.topic, 0), 5, &lsn));
    log_offsets(log_partition_of(rig.topic, 0), &offsets);
    EXPECT_INT(offsets.start, 0);
    twin.away = 0;
    drain(&rig);
    expect_arrived(&rig, true);
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

/* ---- options ---- */

static void expect_wrong(struct rig *rig, const char *key, const char *value, const char *message,
                         const char *hint)
{
    bool rows, changes;

    rig->diag = (struct diag){0};
    rig->options_count = 0;
    option(rig, key, value);
    struct carrier_spec spec = spec_of(rig);
    EXPECT_STATUS(carrier_check(&spec, &rows, &changes, &rig->diag), ST_INVALID);
    EXPECT_STR(rig->diag.message, message);
    EXPECT_STR(rig->diag.hint, hint);
}

TEST(carrier_options_are_checked_by_name_and_value)
{
    struct rig rig = {.class = &at_least_once};
    bool rows, changes;

    expect_wrong(&rig, "bridge.batch.recrods", "1", "connector 'twin' has no option 'bridge.batch.recrods'",
                 "did you mean 'bridge.batch.records'?");
    expect_wrong(&rig, "bridge.batch.records", "0", "option 'bridge.batch.records' of connector 'twin' is '0'",
                 "a whole number, from 1 to 2048");
    expect_wrong(&rig, "bridge.timeout", "5", "option 'bridge.timeout' of connector 'twin' is '5'",
                 "a time such as 500 ms, 10 s, 1 min, from 10 ms to 600000 ms");
    expect_wrong(&rig, "bridge.batch.bytes", "99999999999999999999",
                 "option 'bridge.batch.bytes' of connector 'twin' is '99999999999999999999'",
                 "a size such as 64 kb, 1 mb, from 1024 to 67108864");
    expect_wrong(&rig, "bridge.batch.bytes", "9223372036854775807 gb",
                 "option 'bridge.batch.bytes' of connector 'twin' is '9223372036854775807 gb'",
                 "a size such as 64 kb, 1 mb, from 1024 to 67108864");
    rig.options_count = 0;
    option(&rig, "bridge.timeout", "2 min");
    option(&rig, "bridge.batch.bytes", "2mb");
    option(&rig, "json.ignore-parse-errors", "true"); /* the format's */
    struct carrier_spec spec = spec_of(&rig);
    EXPECT_OK(carrier_check(&spec, &rows, &changes, &rig.diag));
}
