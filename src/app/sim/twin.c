/* twin.c: see twin.h. */
#include "app/sim/twin.h"

#include "app/server.h"
#include "app/sim/oracle.h"
#include "base/arena.h"
#include "base/check.h"
#include "os/sim/sim.h"
#include "wire/kafka/batch.h"

enum { READ_BYTES = 1 << 20, QUIET_PASSES = 40, PASSES_MAX = 100000, BATCH_RECORDS = 60 };

struct twin {
    struct ledger *ledger;
    struct os *os;
    struct server *server;
    struct rng rng;
    bool done;
    enum status status;
};

static void on_result(void *context, struct engine_result *result)
{
    (void)context;
    engine_result_free(result);
}

static void on_done(void *context, enum status st, const struct diag *diag)
{
    struct twin *t = context;

    t->done = true;
    t->status = st;
    if (st != ST_OK)
        ledger_fail(t->ledger, "twin: the script fails: %s", diag ? diag->message : "");
}

static uint64_t ticks_of(struct twin *t)
{
    struct engine *engine = server_engine(t->server);
    uint64_t ticks = 0;

    for (struct job *job = engine_job_next(engine, NULL); job; job = engine_job_next(engine, job)) {
        struct job_info info;
        job_info(job, &info);
        ticks += info.tick;
        if (info.state != JOB_RUNNING)
            ledger_fail(t->ledger, "twin: job %.*s is %s: %s", BYTES_FMT(info.name),
                        job_state_text(info.state), info.error);
    }
    return ticks;
}

static void settle(struct twin *t)
{
    uint64_t lsn = 0, ticks = 0;

    for (int pass = 0, quiet = 0; quiet < QUIET_PASSES && !t->ledger->failures; pass++, quiet++) {
        loop_pass(server_loop(t->server), 2000000);
        uint64_t now = ticks_of(t), end = log_end_lsn(server_log(t->server));
        if (!t->done || now != ticks || end != lsn)
            quiet = 0;
        ticks = now;
        lsn = end;
        if (pass == PASSES_MAX)
            ledger_fail(t->ledger, "twin: it does not come to rest");
    }
}

/* ---- feeding ---- */

static void feed(struct twin *t, enum ledger_topic topic, uint32_t partition,
                 struct batch_builder *builder)
{
    struct log *log = server_log(t->server);
    struct log_topic *to = log_topic_find(log, bytes_str(ledger_topics[topic]));
    struct log_appended appended;
    struct diag diag = {0};
    struct buf batch;

    if (!builder->count)
        return;
    buf_init(&batch, 0);
    if (batch_builder_finish(builder, &batch) != ST_OK || !to ||
        log_append(log, log_partition_of(to, partition), buf_view(&batch), &appended, &diag) != ST_OK)
        ledger_fail(t->ledger, "twin: a batch is not taken: %s", diag.message);
    buf_deinit(&batch);
    batch_builder_clear(builder);
    for (uint64_t passes = rng_below(&t->rng, 4); passes > 0; passes--)
        loop_pass(server_loop(t->server), 0);
}

static void feed_batch(struct twin *t, enum ledger_topic topic, uint32_t partition,
                       struct bytes batch, struct batch_builder *builder)
{
    struct batch_records it;
    struct record rec;
    struct buf scratch;

    buf_init(&scratch, 0);
    if (batch_records_open_buf(&it, batch, &scratch) == ST_OK)
        while (batch_records_next(&it, &rec) == ST_OK) {
            if (memmem(rec.value.ptr, rec.value.len, "\"src\":\"job\"", 11))
                continue;
            batch_builder_add(builder, rec.timestamp_ms, rec.key, rec.value, NULL, 0);
            if (rng_below(&t->rng, BATCH_RECORDS) == 0)
                feed(t, topic, partition, builder);
        }
    buf_deinit(&scratch);
}

static void feed_partition(struct twin *t, struct log *log, enum ledger_topic topic,
                           uint32_t partition)
{
    struct log_topic *from = log_topic_find(log, bytes_str(ledger_topics[topic]));
    struct log_partition *p = log_partition_of(from, partition);
    struct log_offsets offsets;
    struct batch_builder builder;

    if (!p)
        return; /* it was not given so many */
    log_offsets(p, &offsets);
    batch_builder_init(&builder, KAFKA_CODEC_NONE);
    for (int64_t at = offsets.start; at < offsets.durable && !t->ledger->failures;) {
        struct log_view view;
        struct diag diag = {0};
        struct batch_header header;
        struct bytes batch;
        if (log_read(log, p, at, READ_BYTES, LOG_TO_DURABLE, &view, &diag) != ST_OK)
            break; /* the oracle has read it before */
        struct bytes run = view.bytes;
        while (batch_next(&run, &header, &batch) == ST_OK)
            feed_batch(t, topic, partition, batch, &builder);
        CHECK(view.next_offset > at);
        at = view.next_offset;
        log_view_release(&view);
    }
    feed(t, topic, partition, &builder);
    batch_builder_deinit(&builder);
}

/* ---- life ---- */

/* Those that the log's topic has in the end: the twin's has them from the start. */
static uint32_t partitions_of(struct log *log, const char *topic)
{
    return log_topic_info(log_topic_find(log, bytes_str(topic)))->partitions;
}

static bool twin_open(struct twin *t, struct log *log, uint32_t not_shards)
{
    static const uint32_t counts[] = {1, 3, 5};
    struct server_options options = {.data_dir = "twin", .engine = {.threads = 1}};
    struct diag diag = {0};

    do
        options.shards = counts[rng_below(&t->rng, 3)];
    while (options.shards == not_shards);
    if (server_open(t->os, &options, &t->server, &diag) != ST_OK) {
        ledger_fail(t->ledger, "twin: it cannot start: %s", diag.message);
        return false;
    }
    for (const struct oracle_topic *o = oracle_topics; o->name; o++) {
        struct log_topic *topic;
        if (o->made_by_clients && log_topic_create(server_log(t->server), bytes_str(o->name),
                                                   partitions_of(log, o->name), NULL, &topic, NULL, &diag) != ST_OK)
            ledger_fail(t->ledger, "twin: topic %s cannot be made: %s", o->name, diag.message);
    }
    struct session *session = engine_session_open(server_engine(t->server));
    engine_run(session, bytes_str(oracle_sql), on_result, on_done, t);
    settle(t);
    return !t->ledger->failures;
}

bool twin_run(struct ledger *ledger, struct log *log, uint64_t seed, uint32_t not_shards,
              uint64_t *folded)
{
    struct twin t = {.ledger = ledger, .rng = rng_seed(seed)};
    struct oracle oracle;

    t.os = os_sim_create(seed, NULL);
    *folded = 0;
    if (twin_open(&t, log, not_shards)) {
        for (uint32_t p = 0; p < LEDGER_PARTITIONS_MAX; p++)
            for (int topic = 0; topic < LEDGER_TOPICS; topic++)
                feed_partition(&t, log, (enum ledger_topic)topic, p);
        settle(&t);
        oracle_init(&oracle, ledger, false);
        oracle_read(&oracle, server_log(t.server));
        oracle_compare(&oracle, server_engine(t.server));
        *folded = oracle.folded;
        oracle_deinit(&oracle);
    }
    if (t.server)
        server_close(t.server);
    os_sim_destroy(t.os);
    return !ledger->failures;
}
