/* The log when the world is against it: failing syncs, a full disk, bytes that changed on disk; and
 * what time does: interval syncs, retention. On the simulated world, so that each can be had. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/batches.h"
#include "lib/test.h"
#include "os/sim/sim.h"

static struct log *open_log(struct os *os)
{
    struct log *log = NULL;
    struct diag diag = {0};
    struct log_options options = {.wal_bytes_max = 1 << 20, .disk_reserve_bytes = 1 << 20};
    enum status st = log_open(os, "data", &options, &log, &diag);

    if (st != ST_OK)
        test_fail(__FILE__, __LINE__, "log_open: %s", diag.message);
    return log;
}

static struct log_partition *partition_of(struct log *log, const char *name,
                                          struct log_topic_options options)
{
    struct log_topic *topic = log_topic_find(log, bytes_str(name));

    if (!topic)
        EXPECT_OK(log_topic_create(log, bytes_str(name), 1, &options, &topic, NULL, NULL));
    return log_partition_of(topic, 0);
}

static void append_many(struct log *log, struct log_partition *p, uint64_t from, uint64_t to,
                        size_t value_bytes)
{
    for (uint64_t i = from; i < to; i++) {
        test_append(log, p,
                    (struct batch_spec){
                        .tag = i, .value_bytes = value_bytes, .timestamp_ms = 1000 * (int64_t)i});
        EXPECT_OK(log_flush(log));
        (void)log_work(log);
    }
}

struct count {
    int damages;
    char file[200];
};

static void count_damage(void *context, const char *file, uint64_t pos, const char *what)
{
    struct count *c = context;

    (void)pos, (void)what;
    c->damages++;
    snprintf(c->file, sizeof(c->file), "%s", file);
}

static void flip(struct os *os, const char *path, uint64_t pos)
{
    struct os_file *file;
    uint8_t byte;
    size_t got;

    EXPECT_OK(os_file_open(os, path, OS_WRITE, &file));
    EXPECT_OK(os_file_read(file, pos, &byte, 1, &got));
    EXPECT_INT(got, 1);
    byte ^= 0x10;
    EXPECT_OK(os_file_write(file, pos, &byte, 1));
    os_file_close(file);
}

static void nothing(void *context)
{
    (void)context;
}

/* The process dies; the disk has all that was written. */
static void die(struct os *os, struct log *log)
{
    os_sim_options(os)->crash_keep = 1;
    os_sim_off_at(os, 1, nothing, NULL);
    log_close(log);
    os_sim_crash(os);
}

static int64_t end_of(struct log_partition *p)
{
    struct log_offsets o;

    log_offsets(p, &o);
    return o.end;
}

/* ---- failing and full disks ---- */

static void note_failed(struct log_waiter *w, bool failed)
{
    EXPECT(failed);
    w->lsn = 0;
}

TEST(log_refuses_everything_after_a_failed_sync)
{
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);
    struct log_partition *p = partition_of(log, "t", (struct log_topic_options){0});
    struct log_appended a;
    struct log_waiter waiter = {.fn = note_failed};
    struct log_view view;
    struct diag diag = {0};

    append_many(log, p, 0, 5, 10);
    test_append(log, p, (struct batch_spec){.tag = 5});
    log_wait(log, &waiter, log_end_lsn(log));
    os_sim_options(os)->sync_error = 1;
    EXPECT_STATUS(log_flush(log), ST_IO);
    EXPECT_INT(waiter.lsn, 0);
    os_sim_options(os)->sync_error = 0;
    EXPECT(log_failure(log) != NULL);
    EXPECT_STATUS(log_append(log, p, test_batch((struct batch_spec){.tag = 6}), &a, &diag), ST_IO);
    EXPECT(diag.message[0] != 0);
    EXPECT_STATUS(log_kv_put(log, 1, BYTES_LITERAL("k"), BYTES_LITERAL("v"), NULL), ST_IO);
    EXPECT_STATUS(log_flush(log), ST_IO);
    EXPECT_OK(log_read(log, p, 0, 1 << 20, LOG_TO_DURABLE, &view, NULL)); /* reading goes on */
    EXPECT_INT(view.next_offset, 5);
    log_view_release(&view);
    log_close(log);
    log = open_log(os);
    EXPECT(end_of(partition_of(log, "t", (struct log_topic_options){0})) >= 5);
    log_close(log);
    os_sim_destroy(os);
}

TEST(log_waits_out_a_full_disk)
{
    struct os_sim_options options = os_sim_options_quiet();
    options.disk_bytes = 6 << 20;
    struct os *os = os_sim_create(test_seed(), &options);
    struct log *log = open_log(os);
    struct log_partition *p =
        partition_of(log, "t", (struct log_topic_options){.retention_ms = -1});
    struct log_appended a;
    enum status st = ST_OK;

    for (uint64_t i = 0; i < 2000 && st == ST_OK; i++) {
        st = log_append(log, p, test_batch((struct batch_spec){.tag = i, .value_bytes = 9000}), &a,
                        NULL);
        EXPECT_OK(log_flush(log));
        (void)log_work(log);
        os_sim_advance(os, 200000000);
    }
    EXPECT_STATUS(st, ST_NOSPACE);
    EXPECT(log_failure(log) == NULL);
    struct log_stats stats;
    log_stats(log, &stats);
    EXPECT(stats.refusing);
    /* The reserve is for what frees space again. */
    EXPECT_OK(log_kv_put(log, 1, BYTES_LITERAL("k"), BYTES_LITERAL("v"), NULL));
    EXPECT_OK(log_flush(log));
    EXPECT_OK(log_topic_delete(log, log_topic_find(log, BYTES_LITERAL("t")), NULL));
    EXPECT_OK(log_flush(log));
    for (int i = 0; i < 200; i++)
        (void)log_work(log);
    p = partition_of(log, "again", (struct log_topic_options){0});
    os_sim_advance(os, 2000000000);
    EXPECT_OK(log_append(log, p, test_batch((struct batch_spec){.tag = 1}), &a, NULL));
    EXPECT_OK(log_flush(log));
    log_close(log);
    os_sim_destroy(os);
}

/* ---- bytes that changed ---- */

TEST(log_names_and_contains_a_damaged_block)
{
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);
    struct log_partition *p = partition_of(log, "t", (struct log_topic_options){0});
    struct count count = {0};

    EXPECT_OK(log_flush(log));
    for (uint64_t i = 0; i < 10; i++) { /* a block each, the topic's before them, from 2 * 4096 */
        test_append(log, p, (struct batch_spec){.tag = i, .value_bytes = 1000});
        EXPECT_OK(log_flush(log));
    }
    die(os, log);
    flip(os, "data/wal/00000001.wal", 6 * 4096 + 500);
    EXPECT_STATUS(log_check(os, "data", count_damage, &count), ST_CORRUPT);
    EXPECT(count.damages >= 1);
    log = open_log(os);
    p = partition_of(log, "t", (struct log_topic_options){0});
    EXPECT_INT(end_of(p), 10); /* what came later is there, with its offsets */
    struct log_view view;
    EXPECT_OK(log_read(log, p, 9, 100, LOG_TO_DURABLE, &view, NULL));
    EXPECT_INT(view.base_offset, 9);
    log_view_release(&view);
    log_close(log);
    os_sim_destroy(os);
}

TEST(log_takes_a_damaged_last_block_for_a_torn_tail)
{
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);
    struct log_partition *p = partition_of(log, "t", (struct log_topic_options){0});

    EXPECT_OK(log_flush(log));
    for (uint64_t i = 0; i < 3; i++) {
        test_append(log, p, (struct batch_spec){.tag = i, .value_bytes = 1000});
        EXPECT_OK(log_flush(log));
    }
    die(os, log);
    flip(os, "data/wal/00000001.wal", 4 * 4096 + 500);
    EXPECT_OK(log_check(os, "data", NULL, NULL));
    log = open_log(os);
    EXPECT_INT(end_of(partition_of(log, "t", (struct log_topic_options){0})), 2);
    log_close(log);
    os_sim_destroy(os);
}

TEST(log_falls_back_to_the_older_snapshot)
{
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);
    struct log_partition *p = partition_of(log, "t", (struct log_topic_options){0});
    struct count count = {0};
    struct diag diag = {0};

    append_many(log, p, 0, 400, 3000); /* more than the WAL may hold: several snapshots */
    struct log_stats stats;
    log_stats(log, &stats);
    EXPECT(stats.filled_bytes > 0);
    die(os, log);
    flip(os, "data/snapshot", 100);
    EXPECT_STATUS(log_check(os, "data", count_damage, &count), ST_CORRUPT);
    log = open_log(os);
    p = partition_of(log, "t", (struct log_topic_options){0});
    EXPECT_INT(end_of(p), 400);
    test_read_all(log, p, 0, LOG_TO_DURABLE, 10000, NULL, NULL);
    log_close(log);
    flip(os, "data/snapshot", 100);
    flip(os, "data/snapshot.old", 100);
    EXPECT_STATUS(log_open(os, "data", NULL, &log, &diag), ST_CORRUPT);
    EXPECT(strstr(diag.message, "snapshot") != NULL);
    os_sim_destroy(os);
}

static void find_log_file(void *context, const char *name, const struct os_stat *stat)
{
    (void)stat;
    if (name[0] != '.' && !strstr(name, "index"))
        snprintf(context, 100, "%s", name);
}

static void segment_file(struct os *os, char path[400])
{
    char topic[100] = "", file[100] = "";

    EXPECT_OK(os_list(os, "data/topics", find_log_file, topic));
    snprintf(path, 400, "data/topics/%s/0", topic);
    EXPECT_OK(os_list(os, path, find_log_file, file));
    snprintf(path, 400, "data/topics/%s/0/%s", topic, file);
}

TEST(log_names_a_damaged_segment)
{
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);
    struct log_partition *p = partition_of(log, "t", (struct log_topic_options){0});
    struct count count = {0};
    struct diag diag = {0};
    struct log_view view;
    char path[400];

    append_many(log, p, 0, 20, 3000);
    log_close(log);
    segment_file(os, path);
    flip(os, path, 10 * 3100);
    EXPECT_STATUS(log_check(os, "data", count_damage, &count), ST_CORRUPT);
    EXPECT_STR(count.file, path);
    log = open_log(os);
    p = partition_of(log, "t", (struct log_topic_options){0});
    int64_t next = 0;
    enum status st;
    while ((st = log_read(log, p, next, 4000, LOG_TO_DURABLE, &view, &diag)) == ST_OK) {
        next = view.next_offset;
        log_view_release(&view);
    }
    EXPECT_STATUS(st, ST_CORRUPT);
    EXPECT(strstr(diag.message, path) != NULL);
    EXPECT_OK(log_read(log, p, next + 1, 4000, LOG_TO_DURABLE, &view, NULL)); /* the rest is fine */
    log_view_release(&view);
    log_close(log);
    os_sim_destroy(os);
}

TEST(log_makes_lost_indexes_again)
{
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);
    struct log_partition *p = partition_of(log, "t", (struct log_topic_options){0});
    char path[400];
    int64_t offset, found;

    append_many(log, p, 0, 200, 3000);
    log_close(log);
    for (int round = 0; round < 2; round++) {
        segment_file(os, path);
        strcpy(strrchr(path, '.'), ".index");
        if (round == 0)
            flip(os, path, 40);
        else
            EXPECT_OK(os_remove(os, path));
        log = open_log(os);
        p = partition_of(log, "t", (struct log_topic_options){0});
        struct log_view view;
        EXPECT_OK(log_read(log, p, 177, 10, LOG_TO_DURABLE, &view, NULL));
        EXPECT_INT(view.base_offset, 177);
        log_view_release(&view);
        EXPECT_OK(log_offset_for_time(log, p, 150000, &offset, &found));
        EXPECT_INT(offset, 150);
        log_close(log);
    }
    os_sim_destroy(os);
}

/* ---- time ---- */

TEST(log_syncs_interval_topics_in_time)
{
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);
    struct log_partition *p =
        partition_of(log, "t", (struct log_topic_options){.durability = LOG_INTERVAL,
                                                          .retention_ms = -1});

    EXPECT_OK(log_flush(log));
    test_append(log, p, (struct batch_spec){.tag = 1});
    uint64_t end = log_end_lsn(log);
    EXPECT_OK(log_flush(log));
    EXPECT(log_durable_lsn(log) < end);
    os_sim_advance(os, log_deadline_ns(log) - os_mono_ns(os));
    EXPECT_OK(log_flush(log));
    EXPECT(log_durable_lsn(log) >= end);
    EXPECT_INT(log_deadline_ns(log), INT64_MAX);
    log_close(log);
    os_sim_destroy(os);
}

TEST(log_retains_by_size_and_time_but_not_what_is_pinned)
{
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);
    struct log_partition *p =
        partition_of(log, "t",
                     (struct log_topic_options){
                         .segment_bytes = 65536, .retention_bytes = 200000, .retention_ms = -1});
    struct log_offsets o;

    log_pin(p, BYTES_LITERAL("job"), 10);
    append_many(log, p, 0, 300, 3000);
    log_offsets(p, &o);
    EXPECT(o.start <= 10);
    log_pin(p, BYTES_LITERAL("job"), INT64_MAX);
    append_many(log, p, 300, 600, 3000);
    log_offsets(p, &o);
    EXPECT(o.start > 300);
    EXPECT(o.bytes < 900000); /* two hundred thousand, a segment, and the tail */
    test_read_all(log, p, o.start, LOG_TO_DURABLE, 10000, NULL, NULL);

    struct log_topic_options options = {.segment_bytes = 65536, .retention_ms = 1000};
    EXPECT_OK(
        log_topic_configure(log, log_topic_find(log, BYTES_LITERAL("t")), &options, NULL, NULL));
    EXPECT_OK(log_flush(log));
    os_sim_advance(os, 7200ll * 1000000000);
    for (int i = 0; i < 200; i++)
        (void)log_work(log);
    EXPECT_OK(log_flush(log));
    log_offsets(p, &o);
    EXPECT(o.start > 500);
    log_close(log);
    log = open_log(os);
    int64_t start = o.start;
    log_offsets(partition_of(log, "t", options), &o);
    EXPECT_INT(o.start, start);
    EXPECT_INT(o.end, 600);
    log_close(log);
    EXPECT_OK(log_check(os, "data", NULL, NULL));
    os_sim_destroy(os);
}

static int64_t start_after_an_hour(struct os *os, struct log *log, int64_t retention_ms)
{
    struct log_topic *topic = log_topic_find(log, BYTES_LITERAL("t"));
    struct log_topic_options options = log_topic_info(topic)->options;
    struct log_offsets o;

    options.retention_ms = retention_ms;
    EXPECT_OK(log_topic_configure(log, topic, &options, NULL, NULL));
    os_sim_advance(os, 3600ll * 1000000000);
    for (int i = 0; i < 20; i++)
        (void)log_work(log);
    log_offsets(log_partition_of(topic, 0), &o);
    return o.start;
}

/* segment.ms by the records' time, over restarts too: what is old goes while the young beside it stays. */
TEST(log_segments_end_by_their_records_time)
{
    enum { HOUR_MS = 3600000 };
    static const int64_t ages[] = {9 * HOUR_MS, 9 * HOUR_MS - 1000, 7 * HOUR_MS, 7 * HOUR_MS - 1000, 1000, 0};
    const struct log_topic_options options = {.segment_ms = HOUR_MS, .retention_ms = -1};
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);
    const int64_t now_ms = os_wall_us(os) / 1000;

    for (uint64_t i = 0; i < 6; i++) {
        test_append(log, partition_of(log, "t", options),
                    (struct batch_spec){.tag = i, .timestamp_ms = now_ms - ages[i]});
        EXPECT_OK(log_flush(log));
        if (i == 0 || i == 2 || i == 5) { /* what comes next meets a segment that was there before */
            log_close(log);
            log = open_log(os);
        }
    }
    EXPECT_INT(start_after_an_hour(os, log, 8 * HOUR_MS + HOUR_MS / 2), 2);
    EXPECT_INT(start_after_an_hour(os, log, 3 * HOUR_MS), 4);
    EXPECT_INT(end_of(partition_of(log, "t", options)), 6);
    log_close(log);
    EXPECT_OK(log_check(os, "data", NULL, NULL));
    os_sim_destroy(os);
}

/* The clock of the wall is set back by a day, ahead by a month, back again: what is measured in time goes by the
 * other clock, and retention by the records' time takes nothing that is younger than it says. */
TEST(log_is_not_shaken_by_a_clock_that_jumps)
{
    static const int64_t jumps_us[] = {-86400ll * 1000000, 30 * 86400ll * 1000000, -29 * 86400ll * 1000000, -3600000000};
    const struct log_topic_options kept = {.retention_ms = -1, .durability = LOG_INTERVAL};
    const struct log_topic_options going = {.retention_ms = 2 * 86400000, .segment_ms = 3600000};
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);
    struct log_offsets o;

    for (int i = 0; i < 4; i++) {
        os_sim_wall_jump(os, jumps_us[i]);
        struct log_partition *a = partition_of(log, "kept", kept), *b = partition_of(log, "going", going);
        int64_t now_ms = os_wall_us(os) / 1000;
        test_append(log, a, (struct batch_spec){.tag = (uint64_t)i, .timestamp_ms = now_ms, .producer_id = 7, .sequence = i});
        test_append(log, b, (struct batch_spec){.tag = (uint64_t)i, .timestamp_ms = now_ms});
        EXPECT_OK(log_flush(log));
        os_sim_advance(os, 2000000000); /* two seconds are two seconds */
        EXPECT_OK(log_flush(log));
        log_offsets(a, &o);
        EXPECT_INT(o.durable, i + 1);
        for (int k = 0; k < 20; k++)
            (void)log_work(log);
        if (i % 2)
            log_close(log);
        if (i % 2)
            log = open_log(os);
    }
    struct log_partition *a = partition_of(log, "kept", kept), *b = partition_of(log, "going", going);
    test_read_all(log, a, 0, LOG_TO_DURABLE, 10000, NULL, NULL);
    EXPECT_INT(end_of(a), 4);
    os_sim_advance(os, 3600ll * 1000000000);
    for (int k = 0; k < 20; k++)
        (void)log_work(log);
    log_offsets(b, &o); /* a month ahead the first was too old; nothing else ever was */
    EXPECT(o.start <= 1 && o.end == 4);
    test_read_all(log, b, o.start, LOG_TO_DURABLE, 10000, NULL, NULL);
    log_close(log);
    EXPECT_OK(log_check(os, "data", NULL, NULL));
    os_sim_destroy(os);
}

TEST(log_keeps_what_a_topic_was_changed_to)
{
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);
    struct log_topic *t;
    struct log_topic_options options = {.retention_ms = 5000};
    struct log_topic_options memory = {.durability = LOG_MEMORY};

    EXPECT_OK(log_topic_create(log, BYTES_LITERAL("t"), 2, NULL, &t, NULL, NULL));
    EXPECT_OK(log_topic_configure(log, t, &options, NULL, NULL));
    EXPECT_STATUS(log_topic_configure(log, t, &memory, NULL, NULL), ST_INVALID);
    EXPECT_STATUS(log_topic_extend(log, t, 2, NULL, NULL), ST_INVALID);
    struct log_partition *second = log_partition_of(t, 1);
    EXPECT_OK(log_topic_extend(log, t, 5, NULL, NULL));
    EXPECT(log_partition_of(t, 1) == second);
    test_append(log, log_partition_of(t, 4), (struct batch_spec){.tag = 1});
    for (int round = 0; round < 2; round++) { /* from the WAL, then from a snapshot */
        EXPECT_OK(log_flush(log));
        if (round == 0)
            die(os, log);
        else
            log_close(log);
        log = open_log(os);
        t = log_topic_find(log, BYTES_LITERAL("t"));
        EXPECT_INT(log_topic_info(t)->partitions, 5);
        EXPECT_INT(log_topic_info(t)->options.retention_ms, 5000);
        EXPECT_INT(end_of(log_partition_of(t, 4)), 1);
    }
    log_close(log);
    os_sim_destroy(os);
}

TEST(log_memory_topics_forget_and_never_wait)
{
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);
    struct log_topic_options memory = {.durability = LOG_MEMORY};
    struct log_partition *m = partition_of(log, "m", memory),
                         *p = partition_of(log, "t", (struct log_topic_options){0});
    struct log_appended a[2];
    uint64_t lsn;

    EXPECT_INT(test_append(log, m, (struct batch_spec){.tag = 1}).lsn, 0);
    struct log_entry *e = log_entry_begin(log);
    EXPECT_OK(log_entry_append(e, m, test_batch((struct batch_spec){.tag = 2}), NULL));
    EXPECT_OK(log_entry_append(e, p, test_batch((struct batch_spec){.tag = 3}), NULL));
    EXPECT_OK(log_entry_commit(e, a, &lsn));
    EXPECT_INT(a[0].base_offset, 1);
    EXPECT_INT(a[0].lsn, 0);
    EXPECT_INT(a[1].lsn, lsn);
    log_close(log);
    log = open_log(os);
    EXPECT_INT(end_of(partition_of(log, "m", memory)), 0);
    EXPECT_INT(end_of(partition_of(log, "t", memory)), 1);
    log_close(log);
    os_sim_destroy(os);
}

TEST(log_opens_few_files_for_many_partitions)
{
    struct os_sim_options few = os_sim_options_quiet();
    few.handles_max = 320;
    struct os *os = os_sim_create(test_seed(), &few);
    struct log *log = open_log(os);
    struct log_topic *t;
    enum { PARTITIONS = 700 };

    EXPECT_OK(log_topic_create(log, BYTES_LITERAL("t"), PARTITIONS, NULL, &t, NULL, NULL));
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < PARTITIONS; i++)
            test_append(log, log_partition_of(t, i),
                        (struct batch_spec){.tag = i, .timestamp_ms = 1ll << 50});
        log_close(log);
        log = open_log(os);
        t = log_topic_find(log, BYTES_LITERAL("t"));
    }
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        EXPECT_INT(end_of(log_partition_of(t, i)), 2);
        test_read_all(log, log_partition_of(t, i), 0, LOG_TO_DURABLE, 100, NULL, NULL);
    }
    log_close(log);
    os_sim_destroy(os);
}

/* ---- a disk that is slow to sync ---- */

static void expect_tag(void *context, const struct record *rec)
{
    uint64_t *next = context;
    int n;

    EXPECT_INT(test_tag(rec->value, &n), *next);
    ++*next;
}

/* A small batch that is flushed alone has a block of 4 KiB: what waits in memory is the blocks, not the bytes. */
TEST(log_small_batches_hold_little_memory)
{
    enum { BATCHES = 20000, ALLOWED = 256 << 20, MUCH = 24 << 20 };
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log_options options = {.disk_reserve_bytes = 1 << 20, .memory_bytes_max = ALLOWED};
    struct diag diag = {0};
    struct log *log;
    EXPECT_OK(log_open(os, "data", &options, &log, &diag));
    struct log_partition *p = partition_of(log, "small", (struct log_topic_options){.retention_ms = -1});
    uint64_t most = 0;

    for (uint64_t i = 0; i < BATCHES; i++) {
        test_append(log, p, (struct batch_spec){.tag = i});
        EXPECT_OK(log_flush(log));
        (void)log_work(log);
        uint64_t held = ALLOWED - log_memory_left(log);
        most = held > most ? held : most;
    }
    if (most > MUCH)
        test_fail(__FILE__, __LINE__, "%llu bytes of memory", (unsigned long long)most);
    log_close(log);
    os_sim_destroy(os);
}

/* Ten thousand partitions with a record each would be ten thousand files to make and to sync before the stop is over. */
TEST(log_closes_soon_with_many_partitions)
{
    enum { PARTITIONS = 1100 };
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);
    struct log_topic_options options = {.retention_ms = -1};
    struct log_topic *topic;
    uint64_t next = 0;

    EXPECT_OK(log_topic_create(log, bytes_str("many"), PARTITIONS, &options, &topic, NULL, NULL));
    for (uint32_t i = 0; i < PARTITIONS; i++)
        test_append(log, log_partition_of(topic, i), (struct batch_spec){.tag = 0});
    EXPECT_OK(log_flush(log));
    uint64_t syncs = os_sim_counts(os)->syncs;
    log_close(log);
    EXPECT(os_sim_counts(os)->syncs - syncs < 10);
    log = open_log(os);
    topic = log_topic_find(log, bytes_str("many"));
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        next = 0;
        test_read_all(log, log_partition_of(topic, i), 0, LOG_TO_DURABLE, 1 << 20, expect_tag, &next);
        EXPECT_INT(next, 1);
    }
    log_close(log);
    os_sim_destroy(os);
}

/* Records come in while the helper syncs for a cut: they go on into partition files. Without that all that comes in
 * until the sync is over waits in memory, as much as the disk is slow. */
TEST(log_fills_while_a_cut_syncs)
{
    enum { TURNS = 300, BATCHES_A_TURN = 32, VALUE_BYTES = 8000, MUCH = 3 << 20 };
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log_options options = {.wal_bytes_max = 16 << 20, .disk_reserve_bytes = 1 << 20};
    struct diag diag = {0};
    struct log *log;
    EXPECT_OK(log_open(os, "data", &options, &log, &diag));
    struct log_partition *p = partition_of(log, "much", (struct log_topic_options){.retention_ms = -1});
    struct log_stats stats;
    uint64_t most = 0, next = 0;

    for (uint64_t turn = 0; turn < TURNS; turn++) {
        for (uint64_t i = 0; i < BATCHES_A_TURN; i++)
            test_append(log, p,
                        (struct batch_spec){.tag = turn * BATCHES_A_TURN + i, .value_bytes = VALUE_BYTES});
        EXPECT_OK(log_flush(log));
        (void)log_work(log);
        log_stats(log, &stats);
        most = stats.tail_bytes > most ? stats.tail_bytes : most;
    }
    EXPECT(stats.filled_bytes > 10 * MUCH);
    if (most > MUCH)
        test_fail(__FILE__, __LINE__, "%llu bytes waited in memory", (unsigned long long)most);
    die(os, log);
    EXPECT_OK(log_open(os, "data", &options, &log, &diag));
    test_read_all(log, partition_of(log, "much", (struct log_topic_options){0}), 0, LOG_TO_DURABLE, 1 << 20,
                  expect_tag, &next);
    EXPECT_INT(next, TURNS * BATCHES_A_TURN);
    log_close(log);
    os_sim_destroy(os);
}
