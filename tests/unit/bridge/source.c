/* Sources against an outside that fails, half fails and gives what is never taken, over a disk that loses its
 * power: each record is in the topic once, in the order of its split. */
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "bridge/carrier.h"
#include "lib/batches.h"
#include "lib/test.h"
#include "os/sim/sim.h"

enum { SPLITS = 3, LARGE = 17 << 20 };

/* The outside: splits of numbers from 0 on. */
static struct fountain {
    struct rng rng;
    double away, half;
    uint32_t splits;         /* that there are */
    int64_t end[SPLITS];     /* numbers that there are of each */
    uint32_t refuses, large; /* every n-th number is `never`, or larger than is taken; 0: none */
    uint64_t troubles, resumed;
    struct log *log;         /* whose records are to be durable when it is asked again */
    struct log_topic *topic;
    bool damaged;
    bool by_key; /* a record is the row of its key, of which there are four */
} fountain;

struct fountain_bridge {
    struct bridge base;
    int64_t next[SPLITS];
};

static bool no_rows(const struct bridge_spec *spec)
{
    (void)spec;
    return false;
}

static bool fountain_changes(const struct bridge_spec *spec)
{
    (void)spec;
    return fountain.by_key;
}

static enum status fountain_open(const struct bridge_spec *spec, struct bridge **out, struct diag *diag)
{
    struct fountain_bridge *b = calloc(1, sizeof(*b));

    (void)diag;
    b->base.spec = spec;
    *out = &b->base;
    return ST_OK;
}

static void fountain_close(struct bridge *bridge)
{
    free(bridge);
}

static enum status fountain_resume(struct bridge *bridge, struct bytes split, struct bytes position)
{
    struct fountain_bridge *b = (struct fountain_bridge *)bridge;
    int64_t s, at;

    if (fountain.damaged || !bytes_to_i64(split, &s) || !bytes_to_i64(position, &at) || s >= SPLITS)
        return ST_CORRUPT;
    EXPECT(at > 0 && at <= fountain.end[s]);
    b->next[s] = at;
    fountain.resumed++;
    return ST_OK;
}

static bool give(struct fountain_bridge *b, struct bridge_poll *poll, uint32_t s)
{
    int64_t n = b->next[s];
    bool large = fountain.large && n % fountain.large == 0;
    struct bytes value = bytes_str(arena_printf(poll->arena, "%lld", (long long)n));

    if (large)
        value = bytes_of(arena_zalloc(poll->arena, LARGE), LARGE);
    struct bridge_record *r = bridge_poll_record(poll, value.len);
    if (!r)
        return false;
    *r = (struct bridge_record){.partition = s, .timestamp_ms = 1000 + n, .value = value};
    if (fountain.by_key)
        r->key = bytes_str(arena_printf(poll->arena, "k%lld", (long long)(n % 4)));
    if (fountain.refuses && n % fountain.refuses == 0)
        r->never = "it is of the kind that is refused";
    b->next[s]++;
    return true;
}

static void expect_durable(void)
{
    struct log_offsets offsets;

    for (uint32_t p = 0; fountain.topic && p < log_topic_info(fountain.topic)->partitions; p++) {
        log_offsets(log_partition_of(fountain.topic, p), &offsets);
        EXPECT_INT(offsets.durable, offsets.end);
    }
}

static void fountain_poll(struct bridge *bridge, struct bridge_poll *poll)
{
    struct fountain_bridge *b = (struct fountain_bridge *)bridge;

    expect_durable();
    if (rng_chance(&fountain.rng, fountain.away)) {
        fountain.troubles++;
        snprintf(poll->trouble, sizeof(poll->trouble), "away");
        return;
    }
    for (uint32_t s = 0; s < fountain.splits; s++) {
        int64_t before = b->next[s], most = before + (int64_t)rng_below(&fountain.rng, 9);
        while (b->next[s] < fountain.end[s] && b->next[s] < most && give(b, poll, s))
            ;
        if (b->next[s] > before)
            bridge_poll_moved(poll, bytes_str(arena_printf(poll->arena, "%u", s)),
                              bytes_str(arena_printf(poll->arena, "%lld", (long long)b->next[s])));
    }
    poll->rest = !poll->count;
    if (rng_chance(&fountain.rng, fountain.half))
        snprintf(poll->trouble, sizeof(poll->trouble), "it broke in the middle");
}

static const struct bridge_class fountain_class = {
    .name = "fountain",
    .ways = BRIDGE_SOURCE,
    .guarantee = "exactly once",
    .takes_rows = no_rows,
    .takes_changes = fountain_changes,
    .open = fountain_open,
    .resume = fountain_resume,
    .poll = fountain_poll,
    .close = fountain_close,
};

struct rig {
    struct os *os;
    struct log *log;
    struct log_topic *topic;
    struct carrier *carrier;
    struct diag diag;
    struct bridge_given options[8];
    unsigned options_count;
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
    return (struct carrier_spec){.class = &fountain_class, .table = BYTES_LITERAL("t"), .way = BRIDGE_SOURCE,
                                 .options = rig->options, .options_count = rig->options_count};
}

static enum status try_open(struct rig *rig)
{
    struct log_options options = {.wal_bytes_max = 64 << 20, .disk_reserve_bytes = 1};
    struct carrier_env env = {.os = rig->os, .wake = nothing};
    struct carrier_spec spec = spec_of(rig);
    struct log_topic_options topic_options;

    EXPECT_OK(log_open(rig->os, "data", &options, &rig->log, &rig->diag));
    rig->topic = log_topic_find(rig->log, BYTES_LITERAL("bridge-t"));
    EXPECT_OK(carrier_topic_options(&spec, &topic_options, &rig->diag));
    if (!rig->topic)
        EXPECT_OK(log_topic_create(rig->log, BYTES_LITERAL("bridge-t"), 1, &topic_options, &rig->topic, NULL,
                                   &rig->diag));
    fountain.log = env.log = rig->log;
    fountain.topic = rig->topic;
    return carrier_open(&env, &spec, rig->topic, &rig->carrier, &rig->diag);
}

static void rig_open(struct rig *rig)
{
    EXPECT_OK(try_open(rig));
}

static void rig_close(struct rig *rig)
{
    carrier_close(rig->carrier);
    log_close(rig->log);
}

static void rig_start(struct rig *rig, uint64_t seed)
{
    *rig = (struct rig){.os = os_sim_create(seed, NULL)};
    fountain = (struct fountain){.rng = rng_seed(seed), .splits = SPLITS};
    option(rig, "bridge.retry.backoff", "1 ms");
    option(rig, "bridge.retry.backoff.max", "4 ms");
    option(rig, "bridge.breaker.open", "1 ms");
    option(rig, "bridge.breaker.open.max", "2 ms");
    option(rig, "bridge.poll.interval", "1 ms");
}

static void pass(struct rig *rig)
{
    carrier_pass(rig->carrier);
    if (rng_chance(&fountain.rng, 0.7))
        (void)!log_flush(rig->log);
    log_work(rig->log);
    os_sim_advance(rig->os, 200000);
}

static struct carrier_info info_of(struct rig *rig)
{
    struct carrier_info info;
    carrier_info(rig->carrier, &info);
    return info;
}

static int64_t end_of(struct rig *rig, uint32_t partition)
{
    struct log_offsets offsets;

    if (partition >= log_topic_info(rig->topic)->partitions)
        return 0;
    log_offsets(log_partition_of(rig->topic, partition), &offsets);
    return offsets.end;
}

/* How many of the first n numbers are to be in the topic. */
static int64_t taken_of(int64_t n)
{
    uint32_t every = fountain.refuses ? fountain.refuses : fountain.large;

    return every ? n - (n + every - 1) / every : n;
}

static void drain(struct rig *rig)
{
    for (uint32_t s = 0; s < fountain.splits; s++)
        for (int turns = 0; end_of(rig, s) < taken_of(fountain.end[s]); turns++) {
            pass(rig);
            if (turns > 200000)
                test_fail(__FILE__, __LINE__, "it does not come: %s", info_of(rig).trouble);
        }
    for (int turns = 0; turns < 200; turns++) /* and no more of it */
        pass(rig);
    (void)!log_flush(rig->log);
}

static int64_t expected;

static void see(void *context, const struct record *rec)
{
    int64_t n = -1;

    (void)context;
    while (fountain.refuses && expected % fountain.refuses == 0)
        expected++;
    while (fountain.large && expected % fountain.large == 0)
        expected++;
    EXPECT(bytes_to_i64(rec->value, &n));
    EXPECT_INT(n, expected);
    EXPECT_INT(rec->timestamp_ms, 1000 + n);
    expected++;
}

static void expect_all(struct rig *rig)
{
    for (uint32_t s = 0; s < fountain.splits; s++) {
        EXPECT_INT(end_of(rig, s), taken_of(fountain.end[s]));
        expected = 0;
        test_read_all(rig->log, log_partition_of(rig->topic, s), 0, LOG_TO_END, 1 << 20, see, NULL);
    }
}

static void run_trouble(uint64_t seed)
{
    struct rig rig;

    rig_start(&rig, seed);
    option(&rig, "bridge.batch.records", "11");
    fountain.away = 0.3;
    fountain.half = 0.2;
    fountain.refuses = seed % 2 ? 5 : 0;
    fountain.splits = 1;
    rig_open(&rig);
    for (int round = 0; round < 40; round++) {
        if (round % 12 == 11 && fountain.splits < SPLITS)
            fountain.splits++; /* a partition is added outside */
        for (uint32_t s = 0; s < fountain.splits; s++)
            fountain.end[s] += (int64_t)rng_below(&fountain.rng, 12);
        for (uint64_t turns = rng_below(&fountain.rng, 60); turns > 0; turns--)
            pass(&rig);
        uint64_t fate = rng_below(&fountain.rng, 3);
        if (fate == 0) /* the power goes, with what is not synced */
            os_sim_crash(rig.os);
        if (fate < 2) {
            rig_close(&rig);
            rig_open(&rig);
        }
    }
    drain(&rig);
    expect_all(&rig);
    EXPECT(fountain.troubles > 0 && fountain.resumed > 0);
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

TEST(carrier_takes_each_record_once_from_a_source)
{
    for (uint64_t seed = 1; seed <= 8; seed++)
        run_trouble(seed);
}

TEST(carrier_keeps_what_a_source_can_never_give)
{
    struct rig rig;

    rig_start(&rig, 3);
    fountain.splits = 1;
    fountain.large = 4;
    fountain.end[0] = 10; /* 0, 4 and 8 are too large */
    rig_open(&rig);
    drain(&rig);
    expect_all(&rig);
    EXPECT_INT(info_of(&rig).dead, 3);
    EXPECT_INT(info_of(&rig).delivered, 7);
    struct log_topic *dead = log_topic_find(rig.log, BYTES_LITERAL("bridge-t.dead"));
    EXPECT(dead);
    struct log_offsets offsets;
    log_offsets(log_partition_of(dead, 0), &offsets);
    EXPECT_INT(offsets.end, 3);
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

/* Its circuit breaker by hand. */
static void force(struct rig *rig, enum breaker_state state)
{
    uint64_t lsn;

    EXPECT_OK(carrier_force(rig->carrier, state, &lsn));
}

TEST(carrier_of_a_source_is_held_by_hand_and_goes_on_where_it_was)
{
    struct rig rig;

    rig_start(&rig, 5);
    fountain.splits = 1;
    fountain.end[0] = 5;
    rig_open(&rig);
    force(&rig, BREAKER_FORCED_OPEN);
    for (int i = 0; i < 200; i++)
        pass(&rig);
    EXPECT_INT(end_of(&rig, 0), 0);
    force(&rig, BREAKER_CLOSED);
    drain(&rig);
    expect_all(&rig);
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

/* A job that is behind pins the topic: at the bound nothing more is taken, until it has read. */
TEST(carrier_of_a_source_takes_no_more_than_its_bound)
{
    enum { MANY = 400000 };
    struct rig rig;
    struct bytes job = BYTES_LITERAL("job");

    rig_start(&rig, 6);
    option(&rig, "bridge.backlog.bytes", "1mb");
    option(&rig, "bridge.batch.records", "1000");
    fountain.splits = 1;
    fountain.end[0] = MANY;
    rig_open(&rig);
    log_pin(log_partition_of(rig.topic, 0), job, 0);
    for (int i = 0; i < 60000 && !strstr(info_of(&rig).trouble, "bridge.backlog.bytes"); i++)
        pass(&rig);
    EXPECT(strstr(info_of(&rig).trouble, "bridge.backlog.bytes"));
    int64_t held_at = end_of(&rig, 0);
    for (int i = 0; i < 500; i++)
        pass(&rig);
    EXPECT(held_at > 0 && held_at < MANY);
    EXPECT_INT(end_of(&rig, 0), held_at);
    log_pin(log_partition_of(rig.topic, 0), job, INT64_MAX);
    for (int i = 0; i < 200000 && end_of(&rig, 0) == held_at; i++) {
        os_sim_advance(rig.os, 100000000);
        log_settle(rig.log);
        pass(&rig);
    }
    EXPECT(end_of(&rig, 0) > held_at);
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

/* A bit for each of the keys that the topic has. */
static uint32_t keys_in(struct rig *rig)
{
    struct log_view view;
    struct batch_header h;
    struct bytes batch;
    struct record rec;
    uint32_t keys = 0;

    for (int64_t at = 0, next; at < end_of(rig, 0); at = next) {
        EXPECT_OK(log_read(rig->log, log_partition_of(rig->topic, 0), at, 1 << 20, LOG_TO_END, &view, &rig->diag));
        struct bytes rest = view.bytes;
        next = view.next_offset;
        while (batch_next(&rest, &h, &batch) == ST_OK) {
            struct batch_records it;
            struct buf scratch;
            buf_init(&scratch, 0);
            EXPECT_OK(batch_records_open_buf(&it, batch, &scratch));
            while (batch_records_next(&it, &rec) == ST_OK)
                keys |= 1u << (rec.key.ptr[1] - '0');
            buf_deinit(&scratch);
        }
        log_view_release(&view);
    }
    return keys;
}

/* Of changes by key the topic keeps the last of each, however many went by; what a job has not read is bounded. */
TEST(carrier_of_a_source_by_key_keeps_the_whole_table)
{
    enum { MANY = 100000 };
    struct rig rig;
    struct bytes job = BYTES_LITERAL("job");

    rig_start(&rig, 7);
    option(&rig, "bridge.backlog.bytes", "1mb");
    option(&rig, "bridge.batch.records", "1000");
    fountain.splits = 1;
    fountain.by_key = true;
    fountain.end[0] = MANY;
    rig_open(&rig);
    log_pin(log_partition_of(rig.topic, 0), job, 0);
    for (int i = 0; i < 60000 && !strstr(info_of(&rig).trouble, "bridge.backlog.bytes"); i++)
        pass(&rig);
    EXPECT(strstr(info_of(&rig).trouble, "bridge.backlog.bytes"));
    EXPECT(log_pinned_bytes(log_partition_of(rig.topic, 0)) >= 1 << 20);
    EXPECT(end_of(&rig, 0) < MANY);
    for (int i = 0; i < 200000 && end_of(&rig, 0) < MANY; i++) {
        log_pin(log_partition_of(rig.topic, 0), job, end_of(&rig, 0)); /* it has read all */
        os_sim_advance(rig.os, 50000000);
        pass(&rig);
    }
    EXPECT_INT(end_of(&rig, 0), MANY);
    log_pin(log_partition_of(rig.topic, 0), job, MANY);
    EXPECT_INT(log_pinned_bytes(log_partition_of(rig.topic, 0)), 0);
    log_pin(log_partition_of(rig.topic, 0), job, INT64_MAX);
    for (int i = 0; i < 50; i++) {
        os_sim_advance(rig.os, 100000000000);
        log_settle(rig.log);
    }
    struct log_offsets offsets;
    log_offsets(log_partition_of(rig.topic, 0), &offsets);
    EXPECT_INT(offsets.start, 0);
    EXPECT(offsets.bytes < MANY * 10ull); /* compacted: some 30 bytes were a record */
    EXPECT_INT(keys_in(&rig), 0xf);
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

TEST(carrier_of_a_source_refuses_a_damaged_position)
{
    struct rig rig;

    rig_start(&rig, 7);
    fountain.splits = 1;
    fountain.end[0] = 5;
    rig_open(&rig);
    drain(&rig);
    rig_close(&rig);
    fountain.damaged = true;
    EXPECT_STATUS(try_open(&rig), ST_CORRUPT);
    EXPECT_STR(rig.diag.message, "what is kept of where `t` stands is damaged");
    log_close(rig.log);
    os_sim_destroy(rig.os);
}

/* Its end waits for nothing: what is under way ends by itself. */
TEST(carrier_leaves_without_a_wait)
{
    struct rig rig;

    rig_start(&rig, 8);
    fountain.end[0] = 500;
    rig_open(&rig);
    while (!info_of(&rig).busy)
        carrier_pass(rig.carrier);
    carrier_leave(rig.carrier);
    uint64_t lsn;
    EXPECT_OK(log_topic_delete(rig.log, rig.topic, &lsn));
    fountain.topic = NULL;
    log_close(rig.log);
    while (!carrier_gone(rig.carrier))
        ;
    carrier_close(rig.carrier);
    os_sim_destroy(rig.os);
}
