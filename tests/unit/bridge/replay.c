/* Dead letters put back: against an outside system that refuses keys for a while and fails, over a
 * disk that loses its power. Every record arrives, those of a key in order; where the outside keeps the position, once. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json_reader.h"
#include "base/rng.h"
#include "bridge/carrier.h"
#include "lib/batches.h"
#include "lib/test.h"
#include "os/sim/sim.h"

enum { KEYS = 6, NUMBERS_MAX = 2000, LANES = 3 };

/* The outside: which numbers of a key have arrived, in order of arrival. Its lanes: the topic's partition, and those of
 * what is put back. */
static struct outside_twin {
    struct rng rng;
    double away;
    bool refuses[KEYS];
    int arrived[KEYS][NUMBERS_MAX], count[KEYS];
    int64_t position[LANES];
    uint64_t calls, replayed;
    bool says_nothing; /* it keeps no position, and may take a part of a batch, or take it and fail */
    uint32_t lanes_seen; /* a bit each */
    bool twice;          /* a batch had a key twice */
} twin;

static bool no_rows(const struct bridge_spec *spec)
{
    (void)spec;
    return false;
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

static uint32_t lane_of(uint32_t partition)
{
    uint32_t lane = partition < BRIDGE_REPLAYED ? partition : partition - BRIDGE_REPLAYED;

    EXPECT(lane < LANES);
    twin.lanes_seen |= 1u << lane;
    return lane;
}

static enum status twin_position(struct bridge *bridge, uint32_t partition, int64_t *out, char trouble[200])
{
    (void)bridge;
    *out = twin.position[lane_of(partition)];
    if (!rng_chance(&twin.rng, twin.away))
        return ST_OK;
    snprintf(trouble, 200, "away");
    return ST_AGAIN;
}

static void take(struct bridge_batch *batch, uint32_t count)
{
    bool seen[KEYS] = {false};

    for (uint32_t i = 0; i < count; i++) {
        struct bridge_record *r = &batch->records[i];
        struct reader at = reader_of(r->headers);
        struct record_header h;
        int64_t n;
        if (r->never)
            continue;
        int k = r->key.ptr[0] - 'a';
        EXPECT(bytes_to_i64(r->value, &n));
        EXPECT_INT(r->headers_count, 1); /* as it was */
        EXPECT(record_headers_next(&at, &h) && bytes_equal(h.value, r->value) && bytes_is(h.key, "n"));
        EXPECT_INT(r->timestamp_ms, 1000 + n);
        twin.twice |= seen[k];
        seen[k] = true;
        if (twin.refuses[k]) {
            r->never = "its key is refused";
            continue;
        }
        twin.replayed += batch->partition >= BRIDGE_REPLAYED;
        EXPECT(twin.count[k] < NUMBERS_MAX);
        twin.arrived[k][twin.count[k]++] = (int)n;
    }
    batch->settled = count;
}

static void twin_deliver(struct bridge *bridge, struct bridge_batch *batch)
{
    (void)bridge;
    twin.calls++;
    if (rng_chance(&twin.rng, twin.away)) {
        snprintf(batch->trouble, sizeof(batch->trouble), "away");
        return;
    }
    if (!twin.says_nothing) {
        take(batch, batch->count);
        twin.position[lane_of(batch->partition)] = batch->next_offset;
        return;
    }
    take(batch, (uint32_t)rng_between(&twin.rng, 0, batch->count));
    if (!rng_chance(&twin.rng, twin.away))
        return;
    batch->settled = 0; /* the answer was lost */
    for (uint32_t i = 0; i < batch->count; i++)
        if (batch->records[i].never && strcmp(batch->records[i].never, "its key is refused") == 0)
            batch->records[i].never = NULL;
    snprintf(batch->trouble, sizeof(batch->trouble), "away");
}

static const struct bridge_class twin_class = {
    .name = "twin",
    .ways = BRIDGE_SINK,
    .guarantee = "exactly once",
    .takes_rows = no_rows,
    .takes_changes = no_rows,
    .open = twin_open,
    .position = twin_position,
    .deliver = twin_deliver,
    .close = twin_close,
};

static const struct bridge_class at_least_once = {
    .name = "twin",
    .ways = BRIDGE_SINK,
    .guarantee = "at least once",
    .takes_rows = no_rows,
    .takes_changes = no_rows,
    .open = twin_open,
    .deliver = twin_deliver,
    .close = twin_close,
};

struct rig {
    struct os *os;
    struct log *log;
    struct log_topic *topic;
    struct carrier *carrier;
    struct diag diag;
    struct bridge_given options[8];
    unsigned options_count;
    int next[KEYS];
};

static void nothing(void *context)
{
    (void)context;
}

static void option(struct rig *rig, const char *key, const char *value)
{
    rig->options[rig->options_count++] = (struct bridge_given){bytes_str(key), bytes_str(value)};
}

static void rig_open(struct rig *rig)
{
    struct log_options options = {.wal_bytes_max = 16 << 20, .disk_reserve_bytes = 1};
    struct carrier_env env = {.os = rig->os, .wake = nothing};
    struct carrier_spec spec = {.class = twin.says_nothing ? &at_least_once : &twin_class,
                                .table = BYTES_LITERAL("t"),
                                .way = BRIDGE_SINK,
                                .options = rig->options,
                                .options_count = rig->options_count};

    EXPECT_OK(log_open(rig->os, "data", &options, &rig->log, &rig->diag));
    rig->topic = log_topic_find(rig->log, BYTES_LITERAL("bridge-t"));
    if (!rig->topic)
        EXPECT_OK(log_topic_create(rig->log, BYTES_LITERAL("bridge-t"), 1,
                                   &(struct log_topic_options){.internal = true}, &rig->topic, NULL, &rig->diag));
    env.log = rig->log;
    EXPECT_OK(carrier_open(&env, &spec, rig->topic, &rig->carrier, &rig->diag));
}

static void rig_close(struct rig *rig)
{
    carrier_close(rig->carrier);
    log_close(rig->log);
}

static void rig_start(struct rig *rig, uint64_t seed, const char *hold)
{
    *rig = (struct rig){.os = os_sim_create(seed, NULL)};
    twin = (struct outside_twin){.rng = rng_seed(seed), .position = {-1, -1, -1}};
    option(rig, "bridge.retry.backoff", "1 ms");
    option(rig, "bridge.retry.backoff.max", "4 ms");
    option(rig, "bridge.breaker.open", "1 ms");
    option(rig, "bridge.breaker.open.max", "2 ms");
    option(rig, "bridge.dead.hold-key", hold);
}

static void rig_end(struct rig *rig)
{
    rig_close(rig);
    os_sim_destroy(rig->os);
}

static struct carrier_info info_of(struct rig *rig)
{
    struct carrier_info info;
    carrier_info(rig->carrier, &info);
    return info;
}

static void pass(struct rig *rig)
{
    (void)!log_flush(rig->log);
    carrier_pass(rig->carrier);
    log_work(rig->log);
    os_sim_advance(rig->os, 200000);
}

static void drain(struct rig *rig)
{
    for (int turns = 0; info_of(rig).lag > 0; turns++) {
        pass(rig);
        if (turns > 200000)
            test_fail(__FILE__, __LINE__, "it does not arrive: %s", info_of(rig).trouble);
    }
}

/* The next numbers of keys drawn at random. */
static void put(struct rig *rig, int count)
{
    struct batch_builder b;
    struct buf batch;
    struct log_appended appended;
    char text[24];

    batch_builder_init(&b, KAFKA_CODEC_NONE);
    buf_init(&batch, 0);
    for (int i = 0; i < count; i++) {
        uint8_t k = (uint8_t)rng_below(&twin.rng, KEYS), key = (uint8_t)('a' + k);
        int n = rig->next[k]++;
        struct bytes value = bytes_of(text, (size_t)snprintf(text, sizeof(text), "%d", n));
        struct record_header header = {BYTES_LITERAL("n"), value};
        batch_builder_add(&b, 1000 + n, bytes_of(&key, 1), value, &header, 1);
    }
    EXPECT_OK(batch_builder_finish(&b, &batch));
    EXPECT_OK(log_append(rig->log, log_partition_of(rig->topic, 0), buf_view(&batch), &appended, &rig->diag));
    batch_builder_deinit(&b);
    buf_deinit(&batch);
}

static void force(struct rig *rig, enum breaker_state state)
{
    uint64_t lsn;

    EXPECT_OK(carrier_force(rig->carrier, state, &lsn));
}

static uint64_t replay(struct rig *rig)
{
    uint64_t count, lsn;

    (void)!log_flush(rig->log);
    EXPECT_OK(carrier_replay(rig->carrier, &count, &lsn, &rig->diag));
    return count;
}

static uint64_t letters(struct rig *rig)
{
    struct log_topic *dead = carrier_dead_topic(rig->log, log_topic_info(rig->topic)->name);
    struct log_offsets offsets = {0};

    if (dead)
        log_offsets(log_partition_of(dead, 0), &offsets);
    return (uint64_t)(offsets.end - offsets.start);
}

/* A record into TABLE.dead by another hand. */
static void put_letter(struct rig *rig, const char *value)
{
    struct batch_builder b;
    struct buf batch;
    struct log_appended appended;
    struct log_topic *dead = carrier_dead_topic(rig->log, log_topic_info(rig->topic)->name);

    if (!dead)
        EXPECT_OK(log_topic_create(rig->log, BYTES_LITERAL("bridge-t.dead"), 1, NULL, &dead, NULL, &rig->diag));
    batch_builder_init(&b, KAFKA_CODEC_NONE);
    buf_init(&batch, 0);
    batch_builder_add(&b, 1, BYTES_LITERAL("a"), bytes_str(value), NULL, 0);
    EXPECT_OK(batch_builder_finish(&b, &batch));
    EXPECT_OK(log_append(rig->log, log_partition_of(dead, 0), buf_view(&batch), &appended, &rig->diag));
    batch_builder_deinit(&b);
    buf_deinit(&batch);
}

static void delete_letters(struct rig *rig)
{
    (void)!log_flush(rig->log);
    EXPECT_OK(log_topic_delete(rig->log, carrier_dead_topic(rig->log, log_topic_info(rig->topic)->name), NULL));
}

/* Where records may arrive again: each number of each key has, and none before those before it. */
static void expect_all_in_order(struct rig *rig)
{
    for (int k = 0; k < KEYS; k++) {
        int next = 0;
        for (int i = 0; i < twin.count[k]; i++) {
            EXPECT(twin.arrived[k][i] <= next);
            if (twin.arrived[k][i] == next)
                next++;
        }
        EXPECT_INT(next, rig->next[k]);
    }
}

/* Each number of each key has arrived once; in order, if keys were held. */
static void expect_whole(struct rig *rig, bool in_order)
{
    static bool seen[NUMBERS_MAX];

    for (int k = 0; k < KEYS; k++) {
        EXPECT_INT(twin.count[k], rig->next[k]);
        memset(seen, 0, sizeof(seen));
        for (int i = 0; i < twin.count[k]; i++) {
            EXPECT(!seen[twin.arrived[k][i]]);
            seen[twin.arrived[k][i]] = true;
            if (in_order)
                EXPECT_INT(twin.arrived[k][i], i);
        }
    }
}

TEST(replay_puts_back_what_was_refused)
{
    struct rig rig;

    rig_start(&rig, 1, "false");
    rig_open(&rig);
    twin.refuses[1] = twin.refuses[2] = true;
    put(&rig, 60);
    drain(&rig);
    uint64_t dead = info_of(&rig).dead;
    EXPECT(dead > 10 && letters(&rig) == dead);
    twin.refuses[1] = twin.refuses[2] = false;
    EXPECT_INT(replay(&rig), dead);
    EXPECT_INT(info_of(&rig).replaying, dead);
    drain(&rig);
    EXPECT_INT(twin.replayed, dead);
    EXPECT_INT(letters(&rig), 0);
    EXPECT_INT(replay(&rig), 0);
    expect_whole(&rig, false);
    rig_end(&rig);
}

/* Without held keys, too, what is put back comes before what the topic has. */
TEST(replay_goes_before_the_topic)
{
    struct rig rig;

    rig_start(&rig, 2, "false");
    rig_open(&rig);
    for (int k = 0; k < KEYS; k++)
        twin.refuses[k] = true;
    put(&rig, 40);
    drain(&rig);
    for (int k = 0; k < KEYS; k++)
        twin.refuses[k] = false;
    force(&rig, BREAKER_FORCED_OPEN);
    put(&rig, 40);
    EXPECT_INT(replay(&rig), 40);
    force(&rig, BREAKER_CLOSED);
    drain(&rig);
    expect_whole(&rig, true);
    rig_end(&rig);
}

TEST(replay_keeps_what_is_refused_again)
{
    struct rig rig;

    rig_start(&rig, 3, "false");
    rig_open(&rig);
    twin.refuses[0] = true;
    put(&rig, 60);
    drain(&rig);
    uint64_t dead = letters(&rig);
    EXPECT_INT(replay(&rig), dead);
    drain(&rig);
    EXPECT_INT(letters(&rig), dead);
    EXPECT_INT(info_of(&rig).dead, 2 * dead);
    uint64_t count, lsn;
    EXPECT_INT(replay(&rig), dead);
    EXPECT_STATUS(carrier_replay(rig.carrier, &count, &lsn, &rig.diag), ST_INVALID);
    EXPECT(strstr(rig.diag.message, "is being put back"));
    twin.refuses[0] = false;
    drain(&rig);
    expect_whole(&rig, true); /* one key was refused, all along */
    rig_end(&rig);
}

static void see_place(void *context, const struct record *rec)
{
    struct bytes value;
    int64_t *at = context, offset;

    EXPECT(json_member(rec->value, "partition", &value));
    EXPECT_BYTES(value, BYTES_LITERAL("0"));
    EXPECT(json_member(rec->value, "offset", &value) && bytes_to_i64(value, &offset));
    EXPECT(offset > *at);
    *at = offset;
}

/* A letter says where the record first stood, however often it died. */
TEST(replay_tells_the_first_place)
{
    struct rig rig;
    int64_t at = -1;

    rig_start(&rig, 4, "true");
    rig_open(&rig);
    twin.refuses[0] = twin.refuses[3] = true;
    put(&rig, 60);
    for (int i = 0; i < 3; i++) {
        drain(&rig);
        EXPECT(replay(&rig) > 0);
    }
    drain(&rig);
    (void)!log_flush(rig.log);
    struct log_topic *dead = carrier_dead_topic(rig.log, log_topic_info(rig.topic)->name);
    struct log_offsets offsets;
    log_offsets(log_partition_of(dead, 0), &offsets);
    EXPECT(offsets.start > 0);
    test_read_all(rig.log, log_partition_of(dead, 0), offsets.start, LOG_TO_END, 1 << 20, see_place, &at);
    EXPECT(at > 0);
    rig_end(&rig);
}

static void see_line(void *context, const struct record *rec)
{
    EXPECT_BYTES(rec->value, BYTES_LITERAL("{\"reason\":\"of a lookup\"}"));
    (*(int *)context)++;
}

/* What has no record in it (the question of a lookup) stays what it was, however often. */
TEST(replay_leaves_a_letter_that_has_no_record)
{
    struct rig rig;
    struct log_offsets offsets;
    int seen = 0;

    rig_start(&rig, 7, "false");
    rig_open(&rig);
    put_letter(&rig, "{\"reason\":\"of a lookup\"}");
    struct log_topic *dead = carrier_dead_topic(rig.log, log_topic_info(rig.topic)->name);
    for (int i = 0; i < 3; i++) {
        EXPECT_INT(replay(&rig), 1);
        drain(&rig);
    }
    (void)!log_flush(rig.log);
    log_offsets(log_partition_of(dead, 0), &offsets);
    test_read_all(rig.log, log_partition_of(dead, 0), offsets.start, LOG_TO_END, 1 << 20, see_line, &seen);
    EXPECT_INT(seen, 1);
    EXPECT_INT(twin.replayed, 0);
    rig_end(&rig);
}

/* ---- held keys ---- */

TEST(replay_held_keys_keep_their_order)
{
    struct rig rig;

    rig_start(&rig, 5, "true");
    rig_open(&rig);
    twin.refuses[1] = true;
    put(&rig, 30);
    drain(&rig);
    twin.refuses[1] = false; /* what comes now would be taken, and out of order */
    put(&rig, 60);
    drain(&rig);
    EXPECT_INT(twin.count[1], 0);
    EXPECT_INT(letters(&rig), rig.next[1]);
    EXPECT_INT(info_of(&rig).held_keys, 1);
    rig_close(&rig);
    rig_open(&rig); /* they are read again from the log */
    put(&rig, 30);
    drain(&rig);
    EXPECT_INT(twin.count[1], 0);
    EXPECT_INT(info_of(&rig).held_keys, 1);
    EXPECT_INT(replay(&rig), rig.next[1]);
    put(&rig, 30);
    drain(&rig);
    EXPECT_INT(info_of(&rig).held_keys, 0);
    EXPECT_INT(letters(&rig), 0);
    expect_whole(&rig, true);
    EXPECT(!twin.twice);
    rig_end(&rig);
}

/* Letters that are deleted by hand hold nothing any more, and do not come again. */
TEST(replay_of_letters_that_were_deleted)
{
    struct rig rig;

    rig_start(&rig, 6, "true");
    rig_open(&rig);
    twin.refuses[0] = true;
    put(&rig, 30);
    drain(&rig);
    int gone = rig.next[0];
    (void)!log_flush(rig.log);
    twin.refuses[0] = false;
    struct log_topic *dead = carrier_dead_topic(rig.log, log_topic_info(rig.topic)->name);
    struct log_offsets offsets;
    log_offsets(log_partition_of(dead, 0), &offsets);
    EXPECT_INT(offsets.end, gone);
    EXPECT_OK(log_trim(rig.log, log_partition_of(dead, 0), offsets.end, NULL));
    EXPECT_INT(replay(&rig), 0);
    put(&rig, 30);
    drain(&rig);
    EXPECT_INT(twin.count[0], rig.next[0] - gone);
    EXPECT_OK(log_topic_delete(rig.log, dead, NULL)); /* and the topic with them */
    twin.refuses[0] = true;
    put(&rig, 30);
    drain(&rig);
    uint64_t again = letters(&rig);
    EXPECT(again > 0);
    twin.refuses[0] = false;
    EXPECT_INT(replay(&rig), again);
    drain(&rig);
    EXPECT_INT(twin.count[0], rig.next[0] - gone);
    rig_end(&rig);
}

/* What has no record in it is never put back: nothing is held behind it. */
TEST(replay_letters_without_a_record_hold_no_key)
{
    struct rig rig;

    rig_start(&rig, 8, "true");
    rig_open(&rig);
    put_letter(&rig, "{\"reason\":\"of a lookup\"}");
    put(&rig, 30);
    drain(&rig);
    EXPECT_INT(info_of(&rig).held_keys, 0);
    expect_whole(&rig, true);
    EXPECT_INT(replay(&rig), 1);
    put(&rig, 30);
    drain(&rig);
    expect_whole(&rig, true);
    rig_end(&rig);
}

/* Letters of a topic that came after the one that was put back have the same offsets, and are others. */
TEST(replay_of_another_topic_of_that_name_is_another)
{
    struct rig rig;

    rig_start(&rig, 9, "true");
    rig_open(&rig);
    twin.refuses[0] = true;
    put(&rig, 60);
    drain(&rig);
    twin.refuses[0] = false;
    EXPECT(replay(&rig) > 0);
    drain(&rig);
    expect_whole(&rig, true);
    delete_letters(&rig);
    for (int k = 0; k < KEYS; k++)
        twin.refuses[k] = true;
    put(&rig, 90);
    drain(&rig);
    memset(twin.refuses, 0, sizeof(twin.refuses));
    EXPECT_INT(letters(&rig), 90); /* none is taken for one that was put back, and deleted */
    put(&rig, 30);
    drain(&rig);
    EXPECT_INT(letters(&rig), 120);
    EXPECT_INT(info_of(&rig).held_keys, KEYS);
    EXPECT_INT(replay(&rig), 120);
    drain(&rig);
    expect_whole(&rig, true);
    rig_end(&rig);
}

/* Nor is what is refused after that put back without being asked for. */
TEST(replay_ends_with_its_topic)
{
    struct rig rig;

    rig_start(&rig, 10, "false");
    rig_open(&rig);
    memset(twin.refuses, true, sizeof(twin.refuses));
    put(&rig, 40);
    drain(&rig);
    force(&rig, BREAKER_FORCED_OPEN);
    EXPECT_INT(replay(&rig), 40);
    delete_letters(&rig);
    put(&rig, 20);
    force(&rig, BREAKER_CLOSED);
    drain(&rig);
    EXPECT_INT(letters(&rig), 20);
    memset(twin.refuses, false, sizeof(twin.refuses));
    for (int i = 0; i < 50; i++)
        pass(&rig);
    EXPECT_INT(letters(&rig), 20);
    EXPECT_INT(twin.replayed, 0);
    EXPECT_INT(replay(&rig), 20);
    drain(&rig);
    EXPECT_INT(twin.replayed, 20);
    rig_end(&rig);
}

/* Somebody's transaction among the letters: while it is open they wait, and its end is none of them. */
TEST(replay_passes_over_markers_of_transactions)
{
    struct rig rig;
    struct log_appended appended[2];
    uint64_t lsn;

    rig_start(&rig, 12, "false");
    option(&rig, "bridge.batch.records", "1"); /* so that a marker stands alone */
    rig_open(&rig);
    twin.refuses[0] = true;
    put(&rig, 30);
    drain(&rig);
    twin.refuses[0] = false;
    struct log_partition *dead =
        log_partition_of(carrier_dead_topic(rig.log, log_topic_info(rig.topic)->name), 0);
    test_append(rig.log, dead, (struct batch_spec){.producer_id = 7, .transactional = true});
    int of_key = rig.next[0];
    EXPECT_INT(replay(&rig), of_key + 1);
    for (int i = 0; i < 50; i++)
        pass(&rig);
    EXPECT_INT(info_of(&rig).replaying, 1);
    struct log_entry *entry = log_entry_begin(rig.log);
    EXPECT_OK(log_entry_marker(entry, dead, &(struct log_marker){.producer_id = 7, .outcome = LOG_COMMIT}));
    EXPECT_OK(log_entry_commit(entry, appended, &lsn));
    put(&rig, 30);
    drain(&rig);
    expect_whole(&rig, true);
    EXPECT_INT(letters(&rig), 2); /* the marker, and that record again, as it is no letter */
    EXPECT_INT(replay(&rig), 2);
    drain(&rig);
    EXPECT_INT(letters(&rig), 1);
    rig_end(&rig);
}

/* ---- over failures, kills and power cuts ---- */

static void fate(struct rig *rig)
{
    uint64_t fate = rng_below(&twin.rng, 4);

    if (fate > 1)
        return;
    (void)!log_flush(rig->log);
    if (fate == 1)
        os_sim_crash(rig->os); /* what is appended stays; the position may not */
    rig_close(rig);
    rig_open(rig);
}

static void run_trouble(uint64_t seed, const char *hold, bool says_nothing)
{
    struct rig rig;
    uint64_t count, lsn;

    rig_start(&rig, seed, hold);
    option(&rig, "bridge.batch.records", "7");
    twin.away = 0.2;
    twin.says_nothing = says_nothing;
    rig_open(&rig);
    for (int round = 0; round < 40; round++) {
        /* some are refused; no kill is in the middle of that: docs/design/011-bridges.md has the gap that is known */
        for (int k = 0; k < KEYS; k++)
            twin.refuses[k] = rng_chance(&twin.rng, 0.3);
        put(&rig, (int)rng_between(&twin.rng, 1, 12));
        drain(&rig);
        (void)!log_flush(rig.log);
        memset(twin.refuses, 0, sizeof(twin.refuses));
        fate(&rig);
        put(&rig, (int)rng_between(&twin.rng, 1, 12));
        for (uint64_t turns = rng_below(&twin.rng, 20); turns > 0; turns--)
            pass(&rig);
        if (rng_chance(&twin.rng, 0.6))
            (void)!carrier_replay(rig.carrier, &count, &lsn, &rig.diag); /* one may be under way */
        for (uint64_t turns = rng_below(&twin.rng, 30); turns > 0; turns--)
            pass(&rig);
        fate(&rig);
    }
    memset(twin.refuses, 0, sizeof(twin.refuses));
    drain(&rig);
    while (replay(&rig) > 0)
        drain(&rig);
    if (says_nothing)
        expect_all_in_order(&rig);
    else
        expect_whole(&rig, hold[0] == 't');
    EXPECT(twin.replayed > 0);
    EXPECT_INT(letters(&rig), 0);
    EXPECT(hold[0] != 't' || !twin.twice);
    rig_end(&rig);
}

TEST(replay_is_exactly_once_over_kills)
{
    for (uint64_t seed = 1; seed <= 10; seed++)
        run_trouble(seed, "false", false);
}

TEST(replay_keeps_the_order_of_keys_over_kills)
{
    for (uint64_t seed = 11; seed <= 20; seed++)
        run_trouble(seed, "true", false);
}

TEST(replay_keeps_the_order_of_keys_where_nothing_is_known_of_the_outside)
{
    for (uint64_t seed = 21; seed <= 30; seed++)
        run_trouble(seed, "true", true);
}
