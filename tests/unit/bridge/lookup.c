/* A lookup's carrier against an outside that fails and lies, over a disk that loses its power: each question has one
 * answer, in order. */
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "bridge/carrier.h"
#include "lib/batches.h"
#include "lib/lookup_twin.h"
#include "lib/test.h"
#include "os/sim/sim.h"

/* The outside has a row for each even id: {"id": i, "v": 10 i}; for ids of 9 something else. */
static void answer(struct bridge_lookup *lookup, struct bridge_asked *asked, int64_t id)
{
    char row[80];

    snprintf(row, sizeof(row), id % 10 == 9 ? "{\"v\": \"none\"}" : "{\"v\": \"%lld\", \"id\": 1}", (long long)id * 10);
    if (id % 10 == 7)
        asked->never = "it is of the kind that is refused";
    if (id % 2 == 0 || id % 10 == 9)
        bridge_answer(lookup, asked, bytes_str(row));
}

struct rig {
    struct os *os;
    struct log *log;
    struct log_topic *questions, *answers;
    struct carrier *carrier;
    struct diag diag;
    struct bridge_given options[12];
    unsigned options_count;
    uint32_t asked;
};

static void nothing(void *context)
{
    (void)context;
}

static void option(struct rig *rig, const char *key, const char *value)
{
    rig->options[rig->options_count++] = (struct bridge_given){bytes_str(key), bytes_str(value)};
}

static struct carrier_spec spec_of(struct rig *rig, const struct bridge_class *class)
{
    static const uint16_t key[] = {0}, columns[] = {0, 1};
    static struct type_field fields[2];

    fields[0] = (struct type_field){.name = BYTES_LITERAL("id"), .type = type_simple(TYPE_BIGINT)};
    fields[1] = (struct type_field){.name = BYTES_LITERAL("v"), .type = type_simple(TYPE_INT)};
    return (struct carrier_spec){.class = class, .table = BYTES_LITERAL("t"), .name = BYTES_LITERAL("t@j"),
                                 .dead = BYTES_LITERAL("bridge-t"), .way = BRIDGE_LOOKUP, .schema = {2, fields},
                                 .key = key, .key_count = 1, .options = rig->options,
                                 .options_count = rig->options_count, .asking = {key, columns, 1, 2}};
}

static struct log_topic *topic(struct rig *rig, const char *name)
{
    struct log_topic *found = log_topic_find(rig->log, bytes_str(name));

    if (!found)
        EXPECT_OK(log_topic_create(rig->log, bytes_str(name), 1, &(struct log_topic_options){.internal = true}, &found,
                                   NULL, &rig->diag));
    return found;
}

static void rig_open(struct rig *rig)
{
    struct log_options options = {.wal_bytes_max = 16 << 20, .disk_reserve_bytes = 1};
    struct carrier_env env = {.os = rig->os, .wake = nothing};
    struct carrier_spec spec = spec_of(rig, &lookup_twin_class);

    EXPECT_OK(log_open(rig->os, "data", &options, &rig->log, &rig->diag));
    env.log = rig->log;
    rig->questions = topic(rig, "lookup-j-0.asked");
    rig->answers = topic(rig, "lookup-j-0");
    spec.answers = log_partition_of(rig->answers, 0);
    EXPECT_OK(carrier_open(&env, &spec, rig->questions, &rig->carrier, &rig->diag));
}

static void rig_close(struct rig *rig)
{
    carrier_close(rig->carrier);
    log_close(rig->log);
}

static void rig_start(struct rig *rig, uint64_t seed)
{
    *rig = (struct rig){.os = os_sim_create(seed, NULL)};
    lookup_twin = (struct lookup_twin){.rng = rng_seed(seed), .answer = answer};
    memcpy(rig->options, lookup_twin_haste, sizeof(lookup_twin_haste));
    rig->options_count = LOOKUP_TWIN_HASTE;
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
        if (turns > 20000)
            test_fail(__FILE__, __LINE__, "questions stay: %s", info_of(rig).trouble);
    }
    (void)!log_flush(rig->log);
}

static int64_t id_of(uint32_t question)
{
    return question * 7 % 23;
}

static void ask(struct rig *rig, int count)
{
    struct batch_builder b;
    struct buf batch;
    uint64_t lsn;

    batch_builder_init(&b, KAFKA_CODEC_NONE);
    buf_init(&batch, 0);
    for (int i = 0; i < count; i++, rig->asked++) {
        char key[40], value[80];
        snprintf(key, sizeof(key), "{\"id\":%lld}", (long long)id_of(rig->asked));
        snprintf(value, sizeof(value), "{\"id\":%lld,\"$asked\":%u}", (long long)id_of(rig->asked), rig->asked);
        batch_builder_add(&b, 0, bytes_str(key), bytes_str(value), NULL, 0);
    }
    EXPECT_OK(batch_builder_finish(&b, &batch));
    struct log_entry *entry = log_entry_begin(rig->log);
    struct log_appended appended[1];
    EXPECT_OK(log_entry_append(entry, log_partition_of(rig->questions, 0), buf_view(&batch), NULL));
    EXPECT_OK(log_entry_commit(entry, appended, &lsn));
    batch_builder_deinit(&b);
    buf_deinit(&batch);
}

/* All records of a topic, as lines. */
static void read_all(struct rig *rig, struct log_topic *topic, struct buf *out)
{
    struct log_partition *partition = log_partition_of(topic, 0);
    struct log_offsets offsets;
    struct log_view view;
    struct batch_header header;
    struct batch_records it;
    struct record rec;
    struct bytes batch;

    log_offsets(partition, &offsets);
    for (int64_t at = offsets.start; at < offsets.end;) {
        EXPECT_OK(log_read(rig->log, partition, at, 1 << 20, LOG_TO_END, &view, &rig->diag));
        struct bytes run = view.bytes;
        while (run.len && batch_next(&run, &header, &batch) == ST_OK) {
            struct buf scratch;
            buf_init(&scratch, 0);
            EXPECT_OK(batch_records_open_buf(&it, batch, &scratch));
            while (batch_records_next(&it, &rec) == ST_OK)
                if (rec.offset >= at)
                    buf_printf(out, "%.*s\n", BYTES_FMT(rec.value));
            buf_deinit(&scratch);
        }
        at = view.next_offset;
        log_view_release(&view);
    }
    buf_u8(out, 0);
}

static void expect_answers(struct rig *rig)
{
    struct buf answers, expected;

    buf_init(&answers, 0);
    buf_init(&expected, 0);
    read_all(rig, rig->answers, &answers);
    for (uint32_t i = 0; i < rig->asked; i++) {
        int64_t id = id_of(i);
        buf_printf(&expected, "{\"id\":%lld,\"$asked\":%u,\"$kind\":0,\"$rows\":[", (long long)id, i);
        if (id % 2 == 0)
            buf_printf(&expected, "{\"id\":%lld,\"v\":%lld}", (long long)id, (long long)id * 10);
        buf_str(&expected, "]}\n");
    }
    buf_u8(&expected, 0);
    EXPECT_STR((const char *)answers.ptr, (const char *)expected.ptr);
    buf_deinit(&answers);
    buf_deinit(&expected);
}

static void run_trouble(uint64_t seed)
{
    struct rig rig;

    rig_start(&rig, seed);
    option(&rig, "bridge.batch.records", "7");
    lookup_twin.away = 0.3;
    rig_open(&rig);
    for (int round = 0; round < 30; round++) {
        ask(&rig, (int)rng_between(&lookup_twin.rng, 1, 12));
        for (uint64_t turns = rng_below(&lookup_twin.rng, 60); turns > 0; turns--)
            pass(&rig);
        uint64_t fate = rng_below(&lookup_twin.rng, 4);
        if (fate < 2) {
            (void)!log_flush(rig.log); /* what was asked stays; what was answered may not */
            if (fate)
                os_sim_crash(rig.os);
            rig_close(&rig);
            rig_open(&rig);
        }
    }
    drain(&rig);
    expect_answers(&rig);
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

TEST_SECONDS(each_question_has_one_answer_over_power_cuts, 120)
{
    for (uint64_t i = 0; i < 16; i++)
        run_trouble(test_seed() + i);
}

TEST(keys_of_a_call_are_distinct_and_what_is_wrong_is_a_dead_letter)
{
    struct rig rig;
    struct buf dead;

    rig_start(&rig, 1);
    rig_open(&rig);
    ask(&rig, 46); /* each id twice */
    drain(&rig);
    EXPECT_INT(lookup_twin.calls, 1);
    EXPECT_INT(lookup_twin.keys, 23);
    EXPECT_INT(info_of(&rig).keys, 23);
    EXPECT_INT(info_of(&rig).delivered, 46);
    expect_answers(&rig);
    EXPECT_INT(info_of(&rig).dead, 8); /* 7, 9, 17, 19 */
    buf_init(&dead, 0);
    read_all(&rig, log_topic_find(rig.log, BYTES_LITERAL("bridge-t.dead")), &dead);
    EXPECT(strstr((const char *)dead.ptr, "it is of the kind that is refused") != NULL);
    EXPECT(strstr((const char *)dead.ptr, "no row of the table") != NULL);
    EXPECT(strstr((const char *)dead.ptr, "\"table\":\"t\"") != NULL);
    buf_deinit(&dead);
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

/* Its circuit breaker by hand. */
static void force(struct rig *rig, enum breaker_state state)
{
    uint64_t lsn;

    EXPECT_OK(carrier_force(rig->carrier, state, &lsn));
}

static void expect_instead(const char *fallback, const char *expected)
{
    struct rig rig;
    struct buf answers;

    rig_start(&rig, 1);
    option(&rig, "lookup.fallback", fallback);
    option(&rig, "lookup.default", "{\"v\": 5, \"id\": 3}");
    option(&rig, "lookup.cache", "PARTIAL");
    option(&rig, "lookup.partial-cache.max-rows", "10");
    option(&rig, "lookup.max-retries", "2");
    lookup_twin.away = 1;
    rig_open(&rig);
    ask(&rig, 1);
    drain(&rig);
    EXPECT_INT(lookup_twin.calls, 3);
    EXPECT_INT(info_of(&rig).instead, 1);
    buf_init(&answers, 0);
    read_all(&rig, rig.answers, &answers);
    EXPECT_STR((const char *)answers.ptr, expected);
    buf_deinit(&answers);
    force(&rig, BREAKER_FORCED_OPEN); /* then nobody is asked at all */
    ask(&rig, 1);
    drain(&rig);
    EXPECT_INT(lookup_twin.calls, 3);
    EXPECT_INT(info_of(&rig).instead, 2);
    force(&rig, BREAKER_CLOSED);
    lookup_twin.away = 0;
    ask(&rig, 1);
    drain(&rig);
    EXPECT_INT(lookup_twin.calls, 4);
    EXPECT_INT(info_of(&rig).instead, 2);
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

TEST(what_is_told_when_the_outside_does_not_answer)
{
    expect_instead("null", "{\"id\":0,\"$asked\":0,\"$kind\":1,\"$rows\":[]}\n");
    expect_instead("default", "{\"id\":0,\"$asked\":0,\"$kind\":1,\"$rows\":[{\"id\":0,\"v\":5}]}\n");
    expect_instead("stale", "{\"id\":0,\"$asked\":0,\"$kind\":2,\"$rows\":[{\"id\":0,\"v\":5}]}\n");
}

TEST(without_a_fallback_questions_wait)
{
    struct rig rig;

    rig_start(&rig, 1);
    lookup_twin.away = 1;
    rig_open(&rig);
    ask(&rig, 3);
    for (int i = 0; i < 2000; i++)
        pass(&rig);
    EXPECT_INT(info_of(&rig).lag, 3);
    EXPECT(info_of(&rig).opened > 0);
    EXPECT_STR(info_of(&rig).trouble, "away");
    lookup_twin.away = 0;
    drain(&rig);
    expect_answers(&rig);
    rig_close(&rig);
    os_sim_destroy(rig.os);
}

static void expect_refused(const struct bridge_class *class, const char *key, const char *value, const char *message)
{
    struct rig rig = {0};
    bool rows, changes;
    struct diag diag = {0};

    option(&rig, key, value);
    struct carrier_spec spec = spec_of(&rig, class);
    EXPECT(carrier_check(&spec, &rows, &changes, &diag) != ST_OK);
    if (!strstr(diag.message, message))
        test_fail(__FILE__, __LINE__, "%s", diag.message);
}

TEST(options_of_a_lookup_are_checked_together)
{
    expect_refused(&lookup_twin_class, "lookup.cache", "PARTIAL", "needs a bound");
    expect_refused(&lookup_twin_class, "lookup.cache", "FULL", "option 'lookup.cache' of connector 'twin' is 'FULL'");
    expect_refused(&lookup_twin_class, "lookup.fallback", "stale", "needs 'lookup.cache' = 'PARTIAL'");
    expect_refused(&lookup_twin_class, "lookup.fallback", "default", "needs the row");
    expect_refused(&lookup_twin_class, "lookup.default", "{\"v\": \"many\"}", "'lookup.default' is no row of `t`");
    expect_refused(&lookup_twin_class, "lookup.full-cache.reload-strategy", "PERIODIC", "has no option");
    expect_refused(&lookup_twin_deaf, "lookup.cache", "NONE", "cannot be looked up");
}
