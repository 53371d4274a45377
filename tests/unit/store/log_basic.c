/* The log's contract, call by call, on the real file system. */
#include <stdio.h>

#include "lib/batches.h"
#include "lib/test.h"

static struct log *open_log(void)
{
    struct log *log = NULL;
    struct diag diag = {0};
    struct log_options options = {.wal_bytes_max = 8 << 20, .disk_reserve_bytes = 1};
    enum status st = log_open(os_posix(), test_dir(), &options, &log, &diag);

    if (st != ST_OK)
        test_fail(__FILE__, __LINE__, "log_open: %s", diag.message);
    return log;
}

static struct log_topic *make_topic(struct log *log, const char *name, uint32_t partitions,
                                    enum log_durability durability)
{
    struct log_topic *topic;
    struct log_topic_options options = {.durability = durability};

    EXPECT_OK(log_topic_create(log, bytes_str(name), partitions, &options, &topic, NULL, NULL));
    return topic;
}

struct expect_tags {
    uint64_t next;
};

static void expect_next_tag(void *context, const struct record *rec)
{
    struct expect_tags *e = context;
    int n;

    EXPECT_INT(test_tag(rec->value, &n), e->next);
    EXPECT_INT(n, 0);
    e->next++;
}

TEST(log_appends_reads_and_survives_a_restart)
{
    struct log *log = open_log();
    struct log_partition *p = log_partition_of(make_topic(log, "events", 2, LOG_FSYNC), 1);
    struct log_offsets o;

    for (uint64_t i = 0; i < 1000; i++) {
        struct log_appended a = test_append(log, p, (struct batch_spec){.tag = i});
        EXPECT_INT(a.base_offset, i);
        EXPECT(a.lsn > log_durable_lsn(log));
        if (i % 100 == 99) {
            EXPECT_OK(log_flush(log));
            EXPECT(a.lsn <= log_durable_lsn(log));
        }
    }
    log_offsets(p, &o);
    EXPECT_INT(o.end, 1000);
    EXPECT_INT(o.durable, 1000);
    struct expect_tags e = {0};
    test_read_all(log, p, 0, LOG_TO_DURABLE, 4096, expect_next_tag, &e);
    EXPECT_INT(e.next, 1000);
    int32_t epoch = log_leader_epoch(log);
    char id[23], again[23];
    log_cluster_id(log, id);
    EXPECT_INT(strlen(id), 22);
    log_close(log);

    log = open_log();
    EXPECT(log_leader_epoch(log) > epoch);
    log_cluster_id(log, again);
    EXPECT_STR(again, id);
    struct log_topic *t = log_topic_find(log, BYTES_LITERAL("events"));
    EXPECT(t != NULL);
    EXPECT(log_topic_by_id(log, log_topic_info(t)->id) == t);
    e.next = 500;
    test_read_all(log, log_partition_of(t, 1), 500, LOG_TO_DURABLE, 1 << 20, expect_next_tag, &e);
    EXPECT_INT(e.next, 1000);
    log_close(log);
}

TEST(log_shows_nothing_before_its_sync)
{
    struct log *log = open_log();
    struct log_partition *p = log_partition_of(make_topic(log, "t", 1, LOG_FSYNC), 0);
    struct log_view view;
    struct log_offsets o;

    EXPECT_OK(log_flush(log));
    test_append(log, p, (struct batch_spec){.tag = 7});
    log_offsets(p, &o);
    EXPECT_INT(o.end, 1);
    EXPECT_INT(o.durable, 0);
    EXPECT_OK(log_read(log, p, 0, 100, LOG_TO_DURABLE, &view, NULL));
    EXPECT_INT(view.bytes.len, 0);
    EXPECT_OK(log_read(log, p, 0, 100, LOG_TO_END, &view, NULL));
    EXPECT(view.bytes.len > 0);
    EXPECT_INT(view.next_offset, 1);
    log_view_release(&view);
    EXPECT_STATUS(log_read(log, p, 2, 100, LOG_TO_END, &view, NULL), ST_NOTFOUND);
    EXPECT_STATUS(log_read(log, p, -1, 100, LOG_TO_END, &view, NULL), ST_NOTFOUND);
    log_close(log);
}

TEST(log_reads_the_batch_that_holds_the_offset)
{
    struct log *log = open_log();
    struct log_partition *p = log_partition_of(make_topic(log, "t", 1, LOG_FSYNC), 0);
    struct log_view view;

    test_append(log, p, (struct batch_spec){.tag = 1, .count = 10});
    test_append(log, p, (struct batch_spec){.tag = 2, .count = 10});
    EXPECT_OK(log_read(log, p, 15, 1, LOG_TO_END, &view, NULL));
    EXPECT_INT(view.base_offset, 10);
    EXPECT_INT(view.next_offset, 20);
    log_view_release(&view);
    EXPECT_OK(log_read(log, p, 3, 1 << 20, LOG_TO_END, &view, NULL));
    EXPECT_INT(view.base_offset, 0);
    EXPECT_INT(view.next_offset, 20);
    log_view_release(&view);
    log_close(log);
}

TEST(log_refuses_what_is_no_batch)
{
    struct log *log = open_log();
    struct log_partition *p = log_partition_of(make_topic(log, "t", 1, LOG_FSYNC), 0);
    struct log_appended a;
    struct diag diag = {0};
    uint8_t copy[512];
    struct bytes batch = test_batch((struct batch_spec){.tag = 1});

    EXPECT_STATUS(log_append(log, p, BYTES_NONE, &a, &diag), ST_INVALID);
    EXPECT(diag.message[0] != 0);
    EXPECT_STATUS(log_append(log, p, bytes_head(batch, batch.len - 1), &a, NULL), ST_INVALID);
    memcpy(copy, batch.ptr, batch.len);
    copy[batch.len - 1] ^= 1;
    EXPECT_STATUS(log_append(log, p, bytes_of(copy, batch.len), &a, NULL), ST_INVALID);
    memcpy(copy, batch.ptr, batch.len);
    copy[16] = 1;
    EXPECT_STATUS(log_append(log, p, bytes_of(copy, batch.len), &a, NULL), ST_UNSUPPORTED);
    memcpy(copy, batch.ptr, batch.len);
    EXPECT_STATUS(log_append(log, p, bytes_of(copy, batch.len + 1), &a, NULL), ST_INVALID);
    log_close(log);
}

TEST(log_refuses_bad_topics)
{
    struct log *log = open_log();
    struct log_topic *t;
    struct diag diag = {0};

    EXPECT_STATUS(log_topic_create(log, BYTES_LITERAL("a/b"), 1, NULL, &t, NULL, &diag),
                  ST_INVALID);
    EXPECT_STATUS(log_topic_create(log, BYTES_LITERAL(".."), 1, NULL, &t, NULL, NULL), ST_INVALID);
    EXPECT_STATUS(log_topic_create(log, BYTES_LITERAL("ok"), 0, NULL, &t, NULL, NULL), ST_INVALID);
    EXPECT_STATUS(log_topic_create(log, BYTES_LITERAL("ok"), 10001, NULL, &t, NULL, NULL),
                  ST_INVALID);
    EXPECT_OK(log_topic_create(log, BYTES_LITERAL("ok"), 10000, NULL, &t, NULL, NULL));
    EXPECT_STATUS(log_topic_create(log, BYTES_LITERAL("ok"), 1, NULL, &t, NULL, NULL), ST_EXISTS);
    EXPECT(log_partition_of(t, 10000) == NULL);
    log_close(log);
}

TEST(log_topics_are_listed_in_order_and_deleted)
{
    struct log *log = open_log();
    struct log_topic *a = make_topic(log, "a", 1, LOG_FSYNC),
                     *b = make_topic(log, "b", 1, LOG_FSYNC),
                     *c = make_topic(log, "c", 1, LOG_FSYNC);
    struct log_view view;

    test_append(log, log_partition_of(b, 0), (struct batch_spec){.tag = 1});
    EXPECT_OK(log_topic_delete(log, b, NULL));
    EXPECT(log_topic_next(log, NULL) == a);
    EXPECT(log_topic_next(log, a) == c);
    EXPECT(log_topic_next(log, c) == NULL);
    EXPECT(log_topic_find(log, BYTES_LITERAL("b")) == NULL);
    EXPECT_STATUS(log_read(log, log_partition_of(b, 0), 0, 10, LOG_TO_END, &view, NULL),
                  ST_NOTFOUND);
    make_topic(log, "b", 3, LOG_FSYNC);
    log_close(log);
    log = open_log();
    struct log_topic *again = log_topic_find(log, BYTES_LITERAL("b"));
    EXPECT(again != NULL);
    EXPECT_INT(log_topic_info(again)->partitions, 3);
    struct log_offsets o;
    log_offsets(log_partition_of(again, 0), &o);
    EXPECT_INT(o.end, 0);
    log_close(log);
}

/* ---- entries and facts ---- */

TEST(log_entry_is_atomic_and_gets_its_offsets_at_the_commit)
{
    struct log *log = open_log();
    struct log_topic *t = make_topic(log, "t", 2, LOG_FSYNC);
    struct log_partition *p0 = log_partition_of(t, 0), *p1 = log_partition_of(t, 1);
    struct log_appended a[3];
    uint64_t lsn;
    struct bytes value;

    struct log_entry *e = log_entry_begin(log);
    EXPECT_OK(log_entry_append(e, p0, test_batch((struct batch_spec){.tag = 1, .count = 2}), NULL));
    EXPECT_OK(log_entry_append(e, p1, test_batch((struct batch_spec){.tag = 2}), NULL));
    log_entry_kv(e, LOG_KV_TEST, BYTES_LITERAL("tick"), BYTES_LITERAL("41"));
    EXPECT_OK(log_entry_append(e, p0, test_batch((struct batch_spec){.tag = 3}), NULL));
    test_append(log, p0, (struct batch_spec){.tag = 0});
    EXPECT(!log_kv_get(log, LOG_KV_TEST, BYTES_LITERAL("tick"), &value));
    EXPECT_OK(log_entry_commit(e, a, &lsn));
    EXPECT_INT(a[0].base_offset, 1);
    EXPECT_INT(a[0].last_offset, 2);
    EXPECT_INT(a[1].base_offset, 0);
    EXPECT_INT(a[2].base_offset, 3);
    EXPECT_INT(a[2].lsn, lsn);
    struct log_entry *aborted = log_entry_begin(log);
    log_entry_kv(aborted, LOG_KV_TEST, BYTES_LITERAL("tick"), BYTES_LITERAL("42"));
    log_entry_abort(aborted);
    log_close(log);

    log = open_log();
    t = log_topic_find(log, BYTES_LITERAL("t"));
    struct log_offsets o;
    log_offsets(log_partition_of(t, 0), &o);
    EXPECT_INT(o.durable, 4);
    EXPECT(log_kv_get(log, LOG_KV_TEST, BYTES_LITERAL("tick"), &value));
    EXPECT_BYTES(value, BYTES_LITERAL("41"));
    log_close(log);
}

static bool append_key(void *context, struct bytes key, struct bytes value)
{
    (void)value;
    buf_bytes(context, key);
    return true;
}

TEST(log_kv_is_in_order_by_space_and_durable)
{
    struct log *log = open_log();
    struct buf keys;
    uint64_t lsn;
    struct bytes value;

    buf_init(&keys, 0);
    EXPECT_OK(log_kv_put(log, 2, BYTES_LITERAL("b2"), BYTES_LITERAL("x"), &lsn));
    EXPECT_OK(log_kv_put(log, 2, BYTES_LITERAL("a1"), BYTES_LITERAL("x"), &lsn));
    EXPECT_OK(log_kv_put(log, 1, BYTES_LITERAL("b0"), BYTES_LITERAL("x"), &lsn));
    EXPECT_OK(log_kv_put(log, 2, BYTES_LITERAL("b1"), BYTES_LITERAL("x"), &lsn));
    EXPECT_OK(log_kv_put(log, 2, BYTES_LITERAL("b3"), BYTES_LITERAL("x"), &lsn));
    EXPECT_OK(log_kv_put(log, 2, BYTES_LITERAL("b3"), BYTES_NONE, &lsn));
    EXPECT_OK(log_kv_put(log, 2, BYTES_LITERAL("b2"), BYTES_LITERAL("yy"), &lsn));
    log_close(log);
    log = open_log();
    log_kv_scan(log, 2, BYTES_LITERAL("b"), append_key, &keys);
    EXPECT_BYTES(buf_view(&keys), BYTES_LITERAL("b1b2"));
    EXPECT(log_kv_get(log, 2, BYTES_LITERAL("b2"), &value));
    EXPECT_BYTES(value, BYTES_LITERAL("yy"));
    EXPECT(!log_kv_get(log, 2, BYTES_LITERAL("b3"), &value));
    buf_deinit(&keys);
    log_close(log);
}

TEST(log_producer_ids_are_never_given_twice)
{
    struct log *log = open_log();
    int64_t a, b;

    EXPECT_OK(log_producer_id(log, &a, NULL));
    EXPECT_OK(log_producer_id(log, &b, NULL));
    EXPECT_INT(b, a + 1);
    log_close(log);
    log = open_log();
    EXPECT_OK(log_producer_id(log, &a, NULL));
    EXPECT(a > b);
    log_close(log);
}

/* ---- idempotent producers ---- */

static enum log_sequence sequence_of(struct log *log, struct log_partition *p, int32_t sequence,
                                     int16_t epoch, int64_t *base)
{
    struct log_appended a;
    struct bytes batch = test_batch((struct batch_spec){
        .tag = 1, .count = 3, .producer_id = 77, .epoch = epoch, .sequence = sequence});

    enum status st = log_append(log, p, batch, &a, NULL);
    EXPECT(st == (a.sequence <= LOG_SEQ_DUPLICATE ? ST_OK : ST_INVALID));
    *base = a.base_offset;
    return a.sequence;
}

TEST(log_knows_its_producers_sequences_also_after_a_restart)
{
    struct log *log = open_log();
    struct log_partition *p = log_partition_of(make_topic(log, "t", 1, LOG_FSYNC), 0);
    int64_t base;

    for (int i = 0; i < 7; i++)
        EXPECT_INT(sequence_of(log, p, i * 3, 0, &base), LOG_SEQ_NEW);
    for (int round = 0; round < 2; round++) {
        EXPECT_INT(sequence_of(log, p, 18, 0, &base), LOG_SEQ_DUPLICATE);
        EXPECT_INT(base, 18);
        EXPECT_INT(sequence_of(log, p, 6, 0, &base), LOG_SEQ_DUPLICATE);
        EXPECT_INT(base, 6);
        EXPECT_INT(sequence_of(log, p, 3, 0, &base), LOG_SEQ_GAP); /* the sixth last */
        EXPECT_INT(sequence_of(log, p, 24, 0, &base), LOG_SEQ_GAP);
        EXPECT_INT(sequence_of(log, p, 5, 1, &base), LOG_SEQ_GAP);
        log_close(log);
        log = open_log();
        p = log_partition_of(log_topic_find(log, BYTES_LITERAL("t")), 0);
    }
    EXPECT_INT(sequence_of(log, p, 0, 1, &base), LOG_SEQ_NEW);
    EXPECT_INT(sequence_of(log, p, 21, 0, &base), LOG_SEQ_FENCED);
    EXPECT_INT(sequence_of(log, p, 3, 1, &base), LOG_SEQ_NEW);
    log_close(log);
}

/* ---- waiting and watching ---- */

struct note {
    struct log_waiter waiter;
    int calls;
    bool failed;
};

static void waited(struct log_waiter *w, bool failed)
{
    struct note *n = (struct note *)w;

    n->calls++;
    n->failed = failed;
}

static void watched(struct log_watcher *w, struct log_partition *p)
{
    (void)p;
    ++*(int *)w->context;
}

TEST(log_waiters_and_watchers_are_called_when_they_should)
{
    struct log *log = open_log();
    struct log_partition *p = log_partition_of(make_topic(log, "t", 1, LOG_FSYNC), 0);
    struct note one = {0}, two = {0}, gone = {0};
    int appended = 0, durable = 0;
    struct log_watcher on_append = {.fn = watched, .context = &appended},
                       on_durable = {.fn = watched, .context = &durable};

    EXPECT_OK(log_flush(log));
    log_watch(p, LOG_ON_APPEND, &on_append);
    log_watch(p, LOG_ON_DURABLE, &on_durable);
    one.waiter.fn = two.waiter.fn = gone.waiter.fn = waited;
    uint64_t first = test_append(log, p, (struct batch_spec){.tag = 1}).lsn;
    uint64_t second = test_append(log, p, (struct batch_spec){.tag = 2}).lsn;
    log_wait(log, &two.waiter, second);
    log_wait(log, &one.waiter, first);
    log_wait(log, &gone.waiter, first);
    log_wait_cancel(log, &gone.waiter);
    EXPECT_INT(one.calls + two.calls, 0);
    EXPECT_INT(appended, 2);
    EXPECT_INT(durable, 0);
    EXPECT_OK(log_flush(log));
    EXPECT_INT(one.calls, 1);
    EXPECT_INT(two.calls, 1);
    EXPECT(!one.failed);
    EXPECT_INT(gone.calls, 0);
    EXPECT_INT(durable, 1);
    log_wait(log, &one.waiter, first);
    EXPECT_INT(one.calls, 2);
    log_unwatch(&on_append);
    test_append(log, p, (struct batch_spec){.tag = 3});
    EXPECT_INT(appended, 2);
    log_close(log);
}

TEST(log_interval_topics_are_shown_at_once_and_synced_in_time)
{
    struct log *log = open_log();
    struct log_partition *p = log_partition_of(make_topic(log, "t", 1, LOG_INTERVAL), 0);
    struct log_offsets o;

    EXPECT_OK(log_flush(log));
    EXPECT_INT(log_deadline_ns(log), INT64_MAX);
    struct log_appended a = test_append(log, p, (struct batch_spec){.tag = 1});
    EXPECT_INT(a.lsn, 0);
    log_offsets(p, &o);
    EXPECT_INT(o.durable, 1);
    EXPECT(log_deadline_ns(log) != INT64_MAX);
    uint64_t before = log_durable_lsn(log);
    EXPECT_OK(log_flush(log));
    EXPECT_INT(log_durable_lsn(log), before); /* not yet */
    log_close(log);
    log = open_log();
    log_offsets(log_partition_of(log_topic_find(log, BYTES_LITERAL("t")), 0), &o);
    EXPECT_INT(o.end, 1);
    log_close(log);
}

TEST(log_in_memory_needs_no_directory)
{
    struct log *log;
    struct log_options options = {.in_memory = true, .memory_bytes_max = 1 << 20};
    struct log_offsets o;

    EXPECT_OK(log_open(os_posix(), NULL, &options, &log, NULL));
    struct log_partition *p = log_partition_of(make_topic(log, "t", 1, LOG_FSYNC), 0);
    for (uint64_t i = 0; i < 5000; i++)
        EXPECT_INT(test_append(log, p, (struct batch_spec){.tag = i, .value_bytes = 1000}).lsn, 0);
    log_offsets(p, &o);
    EXPECT_INT(o.end, 5000);
    EXPECT(o.start > 3000); /* the bound holds: the oldest went */
    EXPECT(o.bytes < 1 << 20);
    struct expect_tags e = {(uint64_t)o.start};
    test_read_all(log, p, o.start, LOG_TO_DURABLE, 4096, expect_next_tag, &e);
    EXPECT_INT(e.next, 5000);
    log_close(log);
}

TEST(log_finds_offsets_by_time)
{
    struct log *log = open_log();
    struct log_partition *p = log_partition_of(make_topic(log, "t", 1, LOG_FSYNC), 0);
    int64_t offset, found;

    for (uint64_t i = 0; i < 50; i++)
        test_append(
            log, p,
            (struct batch_spec){.tag = i, .count = 4, .timestamp_ms = 1000 + 100 * (int64_t)i});
    EXPECT_OK(log_flush(log));
    EXPECT_OK(log_offset_for_time(log, p, 1002, &offset, &found));
    EXPECT_INT(offset, 2);
    EXPECT_INT(found, 1002);
    EXPECT_OK(log_offset_for_time(log, p, 1050, &offset, &found));
    EXPECT_INT(offset, 4);
    EXPECT_INT(found, 1100);
    EXPECT_STATUS(log_offset_for_time(log, p, 999999, &offset, &found), ST_NOTFOUND);
    EXPECT_OK(log_offset_max_timestamp(log, p, &offset, &found));
    EXPECT_INT(offset, 199);
    EXPECT_INT(found, 5903);
    log_close(log);
}

TEST(log_trims_as_far_as_pins_allow)
{
    struct log *log = open_log();
    struct log_partition *p = log_partition_of(make_topic(log, "t", 1, LOG_FSYNC), 0);
    struct log_offsets o;
    struct log_view view;

    for (uint64_t i = 0; i < 100; i++)
        test_append(log, p, (struct batch_spec){.tag = i});
    EXPECT_OK(log_flush(log));
    log_pin(p, BYTES_LITERAL("job a"), 40);
    log_pin(p, BYTES_LITERAL("job b"), 60);
    EXPECT_OK(log_trim(log, p, 80, NULL));
    log_offsets(p, &o);
    EXPECT_INT(o.start, 40);
    log_pin(p, BYTES_LITERAL("job a"), INT64_MAX);
    EXPECT_OK(log_trim(log, p, 80, NULL));
    log_offsets(p, &o);
    EXPECT_INT(o.start, 60);
    EXPECT_STATUS(log_read(log, p, 59, 10, LOG_TO_END, &view, NULL), ST_NOTFOUND);
    EXPECT_STATUS(log_trim(log, p, 101, NULL), ST_INVALID);
    log_close(log);
    log = open_log();
    log_offsets(log_partition_of(log_topic_find(log, BYTES_LITERAL("t")), 0), &o);
    EXPECT_INT(o.start, 60);
    EXPECT_INT(o.end, 100);
    log_close(log);
}

TEST(log_directory_has_one_owner)
{
    struct log *log = open_log(), *other;
    struct diag diag = {0};

    EXPECT_STATUS(log_open(os_posix(), test_dir(), NULL, &other, &diag), ST_AGAIN);
    EXPECT(diag.message[0] != 0);
    log_close(log);
}

TEST(log_takes_large_batches_and_many_files)
{
    struct log *log = open_log();
    struct log_partition *p = log_partition_of(make_topic(log, "t", 1, LOG_FSYNC), 0);

    for (uint64_t i = 0; i < 60; i++) {
        test_append(log, p, (struct batch_spec){.tag = 2 * i, .count = 1, .value_bytes = 60000});
        test_append(log, p, (struct batch_spec){.tag = 2 * i + 1, .value_bytes = 10});
        if (i % 7 == 0)
            EXPECT_OK(log_flush(log));
        log_settle(log);
    }
    test_append(log, p, (struct batch_spec){.tag = 120, .count = 15, .value_bytes = 60000});
    log_close(log);
    log = open_log();
    p = log_partition_of(log_topic_find(log, BYTES_LITERAL("t")), 0);
    struct log_offsets o;
    log_offsets(p, &o);
    EXPECT_INT(o.end, 135);
    struct expect_tags e = {0};
    struct log_view view;
    EXPECT_OK(log_read(log, p, 120, 1, LOG_TO_END, &view, NULL));
    EXPECT_INT(view.next_offset, 135);
    EXPECT(view.bytes.len > 900000);
    log_view_release(&view);
    (void)e;
    log_close(log);
}
