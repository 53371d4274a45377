/* Compaction: the last record of each key stays, offsets stay, tombstones go in their time, what is
 * pinned or undecided is left alone; and through power cuts before every step of the disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "lib/test.h"
#include "os/sim/sim.h"
#include "store/log/log.h"
#include "wire/kafka/batch.h"

enum { KEYS = 20, SECOND_MS = 1000 };

struct world {
    struct os *os;
    struct log *log;
    struct log_partition *p;
    int last[KEYS];      /* the value last written; 0: never, or a tombstone */
    int64_t offset[KEYS]; /* of that */
    int writes;
};

static bool open_log(struct world *w)
{
    struct diag diag = {0};
    struct log_options options = {.wal_bytes_max = 1 << 20, .disk_reserve_bytes = 1};
    struct log_topic_options topic = {.cleanup = LOG_CLEANUP_COMPACT,
                                      .segment_bytes = 64 * 1024,
                                      .segment_ms = 2 * SECOND_MS,
                                      .tombstone_ms = 60 * SECOND_MS,
                                      .dirty_permille = 1};
    struct log_topic *t;

    w->log = NULL;
    if (log_open(w->os, "data", &options, &w->log, &diag) != ST_OK)
        return false;
    t = log_topic_find(w->log, BYTES_LITERAL("t"));
    if (!t && log_topic_create(w->log, BYTES_LITERAL("t"), 1, &topic, &t, NULL, NULL) != ST_OK)
        return false;
    w->p = log_partition_of(t, 0);
    return true;
}

static void world_open(struct world *w)
{
    *w = (struct world){.os = os_sim_create(test_seed(), NULL)};
    EXPECT(open_log(w));
}

static void world_close(struct world *w)
{
    log_close(w->log);
    EXPECT_OK(log_check(w->os, "data", NULL, NULL));
    os_sim_destroy(w->os);
}

struct write {
    int first_key, count; /* a record a key */
    bool tombstones;
    int64_t producer; /* 0: none; else transactional */
    int32_t sequence;
};

static bool write_keys(struct world *w, struct write write)
{
    static char filler[400];
    struct batch_builder b;
    struct log_appended a;
    struct buf out;

    memset(filler, '.', sizeof(filler));
    batch_builder_init(&b, w->writes % 2 ? KAFKA_CODEC_LZ4 : KAFKA_CODEC_NONE);
    buf_init(&out, 0);
    if (write.producer) {
        b.attributes = BATCH_TRANSACTIONAL;
        b.producer_id = write.producer;
        b.producer_epoch = 0;
        b.base_sequence = write.sequence;
    }
    w->writes++;
    for (int i = 0; i < write.count; i++) {
        char key[16], value[440];
        snprintf(key, sizeof(key), "key-%d", (write.first_key + i) % KEYS);
        snprintf(value, sizeof(value), "%d %.*s", w->writes, 400, filler);
        batch_builder_add(&b, os_wall_us(w->os) / 1000, bytes_str(key),
                          write.tombstones ? BYTES_NONE : bytes_str(value), NULL, 0);
    }
    EXPECT_OK(batch_builder_finish(&b, &out));
    enum status st = log_append(w->log, w->p, buf_view(&out), &a, NULL);
    for (int i = 0; i < write.count && st == ST_OK && !write.producer; i++) {
        w->last[(write.first_key + i) % KEYS] = write.tombstones ? 0 : w->writes;
        w->offset[(write.first_key + i) % KEYS] = a.base_offset + i;
    }
    buf_deinit(&out);
    batch_builder_deinit(&b);
    return st == ST_OK;
}

/* Time goes on, and the background with it. */
static void work(struct world *w, int seconds)
{
    for (int s = 0; s < seconds; s++) {
        (void)!log_flush(w->log);
        os_sim_advance(w->os, 1000000000);
        for (int i = 0; i < 10000 && log_work(w->log); i++)
            ;
        (void)!log_flush(w->log);
    }
}

struct seen {
    int last[KEYS];
    int records, tombstones, markers;
    int64_t next;
};

static void see_batch(struct seen *seen, struct bytes batch, const struct batch_header *h)
{
    struct batch_records it;
    struct record rec;
    struct buf scratch = {0};
    enum status st;

    EXPECT(h->base_offset >= seen->next);
    seen->next = batch_last_offset(h) + 1;
    seen->markers += (h->attributes & BATCH_CONTROL) != 0;
    EXPECT_OK(batch_records_open_buf(&it, batch, &scratch));
    while ((st = batch_records_next(&it, &rec)) == ST_OK) {
        if (h->attributes & BATCH_CONTROL)
            continue;
        int key = atoi((const char *)rec.key.ptr + 4);
        EXPECT(rec.timestamp_ms > 1000000);
        seen->last[key] = rec.value.ptr ? atoi((const char *)rec.value.ptr) : 0;
        seen->records++;
        seen->tombstones += !rec.value.ptr;
    }
    EXPECT_STATUS(st, ST_END);
    buf_deinit(&scratch);
}

static struct seen see(struct world *w)
{
    struct seen seen = {0};
    struct log_offsets o;
    struct log_view view;
    struct batch_header h;
    struct bytes batch;

    log_offsets(w->p, &o);
    for (int64_t at = o.start; at < o.end; at = view.next_offset) {
        EXPECT_OK(log_read(w->log, w->p, at, 1 << 20, LOG_TO_END, &view, NULL));
        EXPECT(view.bytes.len > 0);
        EXPECT(view.next_offset > at);
        struct bytes run = view.bytes;
        int64_t next = view.next_offset;
        while (batch_next(&run, &h, &batch) == ST_OK) {
            EXPECT_OK(batch_validate(batch, &h));
            see_batch(&seen, batch, &h);
        }
        log_view_release(&view);
        view.next_offset = next;
    }
    EXPECT_INT(seen.next, o.end);
    return seen;
}

static void expect_last(struct world *w, const struct seen *seen)
{
    for (int k = 0; k < KEYS; k++)
        EXPECT_INT(seen->last[k], w->last[k]);
}

TEST(log_compaction_keeps_the_last_of_each_key)
{
    struct world w;

    world_open(&w);
    for (int i = 0; i < 300; i++)
        EXPECT(write_keys(&w, (struct write){.first_key = i * 7, .count = 5}));
    struct log_offsets before, after;
    log_offsets(w.p, &before);
    work(&w, 20);
    struct seen seen = see(&w);
    expect_last(&w, &seen);
    EXPECT_INT(seen.records, KEYS);
    log_offsets(w.p, &after);
    EXPECT_INT(after.end, before.end);
    EXPECT(after.bytes < before.bytes / 10);
    log_close(w.log);
    EXPECT_OK(log_check(w.os, "data", NULL, NULL));
    EXPECT(open_log(&w));
    seen = see(&w);
    expect_last(&w, &seen);
    EXPECT_INT(seen.records, KEYS);
    /* and it goes on over what came since */
    for (int i = 0; i < 100; i++)
        EXPECT(write_keys(&w, (struct write){.first_key = i, .count = 5}));
    work(&w, 20);
    seen = see(&w);
    expect_last(&w, &seen);
    EXPECT_INT(seen.records, KEYS);
    world_close(&w);
}

TEST(log_compaction_keeps_tombstones_for_their_time)
{
    struct world w;

    world_open(&w);
    for (int i = 0; i < 40; i++)
        EXPECT(write_keys(&w, (struct write){.first_key = i, .count = 10}));
    EXPECT(write_keys(&w, (struct write){.first_key = 3, .count = 2, .tombstones = true}));
    work(&w, 20);
    struct seen seen = see(&w);
    expect_last(&w, &seen);
    EXPECT_INT(seen.tombstones, 2);
    EXPECT_INT(seen.records, KEYS);
    os_sim_advance(w.os, 61000000000);
    EXPECT(write_keys(&w, (struct write){.first_key = 8, .count = 1})); /* something new */
    work(&w, 20);
    seen = see(&w);
    expect_last(&w, &seen);
    EXPECT_INT(seen.tombstones, 0);
    EXPECT_INT(seen.records, KEYS - 2);
    world_close(&w);
}

TEST(log_compaction_leaves_out_what_was_aborted_and_leaves_alone_what_is_open)
{
    struct world w;

    world_open(&w);
    for (int i = 0; i < 20; i++)
        EXPECT(write_keys(&w, (struct write){.first_key = i, .count = 10}));
    EXPECT(write_keys(&w, (struct write){.first_key = 0, .count = KEYS, .producer = 5}));
    struct log_entry *entry = log_entry_begin(w.log);
    const struct log_marker abort_5 = {.producer_id = 5, .outcome = LOG_ABORT};
    EXPECT_OK(log_entry_marker(entry, w.p, &abort_5));
    EXPECT_OK(log_entry_commit(entry, NULL, NULL));
    EXPECT(write_keys(&w, (struct write){.first_key = 0, .count = 1}));
    work(&w, 20);
    struct seen seen = see(&w); /* the aborted ones are gone, so the last are the others */
    expect_last(&w, &seen);
    EXPECT_INT(seen.records, KEYS);
    EXPECT_INT(seen.markers, 1);
    EXPECT(write_keys(&w, (struct write){.first_key = 0, .count = KEYS, .producer = 6}));
    EXPECT(write_keys(&w, (struct write){.first_key = 0, .count = KEYS}));
    work(&w, 20);
    seen = see(&w);
    EXPECT_INT(seen.records, 3 * KEYS); /* nothing from the open one on is touched */
    world_close(&w);
}

/* Not dirty enough, but old enough. */
TEST(log_compaction_waits_no_longer_than_the_topic_lets_it)
{
    struct log_topic_options options;
    struct world w;

    world_open(&w);
    struct log_topic *t = log_topic_find(w.log, BYTES_LITERAL("t"));
    options = log_topic_info(t)->options;
    options.dirty_permille = 900;
    options.segment_ms = 3600 * SECOND_MS; /* the bound is the lesser */
    options.compact_lag_ms_max = 30 * SECOND_MS;
    EXPECT_OK(log_topic_configure(w.log, t, &options, NULL, NULL));
    for (int i = 0; i < 40; i++)
        EXPECT(write_keys(&w, (struct write){.first_key = i, .count = 10}));
    os_sim_advance(w.os, 31000000000);
    work(&w, 80);
    EXPECT_INT(see(&w).records, KEYS);
    EXPECT(write_keys(&w, (struct write){.first_key = 3, .count = 2}));
    work(&w, 10);
    EXPECT_INT(see(&w).records, KEYS + 2); /* a small part */
    os_sim_advance(w.os, 31000000000);
    work(&w, 80);
    struct seen seen = see(&w);
    expect_last(&w, &seen);
    EXPECT_INT(seen.records, KEYS);
    world_close(&w);
}

TEST(log_compaction_leaves_alone_what_is_pinned)
{
    struct world w;

    world_open(&w);
    log_pin(w.p, BYTES_LITERAL("job x"), 0);
    for (int i = 0; i < 40; i++)
        EXPECT(write_keys(&w, (struct write){.first_key = i, .count = 10}));
    work(&w, 20);
    EXPECT_INT(see(&w).records, 400);
    log_pin(w.p, BYTES_LITERAL("job x"), INT64_MAX);
    work(&w, 20);
    struct seen seen = see(&w);
    EXPECT_INT(seen.records, KEYS);
    expect_last(&w, &seen);
    world_close(&w);
}

/* ---- power cuts ---- */

static void off(void *context)
{
    (void)context;
}

/* Writes, with the background between; the power fails before step `cut` (0: never). Gives what was
 * durable: of the twin's values those below that offset must be there. */
static int64_t live(struct world *w, struct rng *rng)
{
    struct log_offsets o = {0};

    if (!open_log(w))
        return 0;
    for (int i = 0; i < 60 && !os_sim_is_off(w->os); i++) {
        (void)write_keys(w, (struct write){.first_key = (int)rng_below(rng, KEYS),
                                           .count = (int)rng_between(rng, 1, 8),
                                           .tombstones = rng_chance(rng, 0.1)});
        if (rng_chance(rng, 0.2))
            work(w, 3);
        log_offsets(w->p, &o);
    }
    return o.durable;
}

static void cut_at(uint64_t cut)
{
    struct world w = {.os = os_sim_create(test_seed() + cut, NULL)};
    struct rng rng = rng_seed(test_seed());

    os_sim_off_at(w.os, cut, off, NULL);
    int64_t durable = live(&w, &rng);
    if (w.log)
        log_close(w.log);
    os_sim_crash(w.os);
    EXPECT(open_log(&w));
    struct seen seen = see(&w);
    for (int k = 0; k < KEYS; k++)
        if (w.offset[k] < durable && w.last[k] != seen.last[k])
            test_fail(__FILE__, __LINE__, "power off at step %llu: key %d is %d, not %d",
                      (unsigned long long)cut, k, seen.last[k], w.last[k]);
    work(&w, 8);
    struct seen again = see(&w);
    for (int k = 0; k < KEYS; k++)
        EXPECT_INT(again.last[k], seen.last[k]);
    world_close(&w);
}

TEST_SECONDS(log_compaction_survives_a_power_cut_at_every_step, 120)
{
    struct world w = {.os = os_sim_create(test_seed(), NULL)};
    struct rng rng = rng_seed(test_seed());

    live(&w, &rng);
    uint64_t steps = os_sim_counts(w.os)->steps;
    log_close(w.log);
    os_sim_destroy(w.os);
    EXPECT(steps > 50);
    for (uint64_t cut = 1; cut <= steps; cut++)
        cut_at(cut);
}
