/* What is left in its file for who passes it on: the same bytes as a read gives, looked at once, and never what is
 * damaged. */
#include <stdio.h>
#include <string.h>

#include "lib/batches.h"
#include "lib/test.h"
#include "os/sim/sim.h"

enum { BATCHES = 40, VALUE_BYTES = 9000, READ_BYTES = 200 * 1024 };

struct warm {
    struct os *os;
    struct log *log;
    int told;
    uint64_t files, file_bytes, bytes; /* what read_on met */
};

static void open_log(struct warm *w)
{
    const struct log_options options = {.wal_bytes_max = 1 << 20, .disk_reserve_bytes = 1 << 20};
    struct diag diag = {0};

    if (log_open(w->os, "data", &options, &w->log, &diag) != ST_OK)
        test_fail(__FILE__, __LINE__, "log_open: %s", diag.message);
}

static struct log_partition *part(struct warm *w)
{
    const struct log_topic_options options = {.retention_ms = -1, .segment_bytes = 250 * 1024};
    struct log_topic *topic = log_topic_find(w->log, BYTES_LITERAL("t"));

    if (!topic)
        EXPECT_OK(log_topic_create(w->log, BYTES_LITERAL("t"), 1, &options, &topic, NULL, NULL));
    return log_partition_of(topic, 0);
}

/* All of it in files. */
static void start(struct warm *w)
{
    const struct os_sim_options quiet = os_sim_options_quiet();

    *w = (struct warm){.os = os_sim_create(test_seed(), &quiet)};
    open_log(w);
    for (uint64_t i = 0; i < BATCHES; i++) {
        test_append(w->log, part(w), (struct batch_spec){.tag = i, .count = 3, .value_bytes = VALUE_BYTES});
        EXPECT_OK(log_flush(w->log));
    }
    log_close(w->log);
    open_log(w);
}

static void end(struct warm *w)
{
    log_close(w->log);
    os_sim_destroy(w->os);
}

static void on_warm(struct log_warming *warming)
{
    struct warm *w = warming->context;

    w->told++;
}

/* Asks, and waits until it is told. */
static void warm_up(struct warm *w, int64_t offset)
{
    struct log_warming warming = {.fn = on_warm, .context = w};
    int before = w->told;

    if (log_warm(part(w), offset, READ_BYTES, LOG_TO_DURABLE, &warming))
        return;
    while (w->told == before)
        (void)log_work(w->log);
    EXPECT_INT(w->told, before + 1);
    EXPECT(warming.piece == NULL);
}

/* The view's bytes, wherever they are, are what log_read gives from there. */
static void expect_same(struct warm *w, const struct log_view *view, int64_t offset)
{
    static uint8_t copy[LOG_SEND_BYTES];
    struct bytes bytes = view->bytes;
    struct log_view read;
    size_t got;

    if (view->file) {
        EXPECT_OK(os_file_read(view->file, view->file_pos, copy, view->bytes.len, &got));
        EXPECT_INT(got, view->bytes.len);
        bytes = bytes_of(copy, got);
    }
    EXPECT_OK(log_read(w->log, part(w), offset, bytes.len, LOG_TO_DURABLE, &read, NULL));
    EXPECT_INT(read.base_offset, view->base_offset);
    size_t same = read.bytes.len < bytes.len ? read.bytes.len : bytes.len;
    EXPECT_BYTES(bytes_head(read.bytes, same), bytes_head(bytes, same));
    log_view_release(&read);
}

/* Reads all, as a consumer goes. */
static enum status read_on(struct warm *w, int64_t from)
{
    struct log_offsets o;
    struct diag diag = {0};

    log_offsets(part(w), &o);
    while (from < o.durable) {
        struct log_view view;
        warm_up(w, from);
        TRY(log_read_to_send(part(w), from, READ_BYTES, LOG_TO_DURABLE, &view, &diag));
        EXPECT(view.bytes.len > 0 && view.next_offset > from);
        expect_same(w, &view, from);
        w->files += view.file != NULL;
        w->file_bytes += view.file ? view.bytes.len : 0;
        w->bytes += view.bytes.len;
        from = view.next_offset;
        log_view_release(&view);
    }
    return ST_OK;
}

TEST(log_history_is_sent_from_its_files_once_it_was_looked_at)
{
    struct warm w;
    struct log_view view;
    struct diag diag = {0};

    start(&w);
    EXPECT_OK(log_read_to_send(part(&w), 0, READ_BYTES, LOG_TO_DURABLE, &view, &diag));
    EXPECT(view.file == NULL); /* nobody has seen it since the opening */
    log_view_release(&view);
    EXPECT_OK(read_on(&w, 0));
    EXPECT(w.file_bytes * 2 > w.bytes);
    EXPECT(w.told > 0);
    EXPECT_OK(read_on(&w, 4)); /* from within a batch, too */
    end(&w);
}

TEST(log_history_that_is_damaged_is_never_sent_from_its_file)
{
    struct warm w;
    char path[256], id[33];
    struct os_file *file;
    uint8_t byte;
    size_t got;

    start(&w);
    const uint8_t *bytes = log_topic_info(log_topic_find(w.log, BYTES_LITERAL("t")))->id;
    for (int i = 0; i < 16; i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    snprintf(path, sizeof(path), "data/topics/%s/0/%020d.log", id, 0);
    EXPECT_OK(os_file_open(w.os, path, OS_WRITE, &file));
    EXPECT_OK(os_file_read(file, 100000, &byte, 1, &got));
    byte ^= 4;
    EXPECT_OK(os_file_write(file, 100000, &byte, 1));
    os_file_close(file);
    EXPECT_INT(read_on(&w, 0), ST_CORRUPT);
    EXPECT(w.bytes <= 100000);
    EXPECT_OK(read_on(&w, 15)); /* behind it */
    end(&w);
}

TEST(log_what_is_on_its_way_outlives_its_file)
{
    struct warm w;
    struct log_view view, whole;
    struct diag diag = {0};
    static uint8_t before[LOG_SEND_BYTES], after[LOG_SEND_BYTES];
    size_t got;

    start(&w);
    EXPECT_OK(read_on(&w, 0));
    EXPECT_OK(log_read_to_send(part(&w), 0, READ_BYTES, LOG_TO_DURABLE, &view, &diag));
    EXPECT(view.file != NULL);
    whole = view;
    EXPECT_OK(os_file_read(view.file, view.file_pos, before, view.bytes.len, &got));
    EXPECT_OK(log_trim(w.log, part(&w), (BATCHES - 1) * 3, NULL));
    EXPECT_OK(log_flush(w.log));
    log_settle(w.log); /* the file is gone */
    EXPECT_OK(os_file_read(whole.file, whole.file_pos, after, whole.bytes.len, &got));
    EXPECT_INT(got, whole.bytes.len);
    EXPECT(memcmp(before, after, got) == 0);
    log_view_release(&view);
    end(&w);
}

TEST(log_who_no_longer_waits_is_not_told)
{
    struct warm w;

    start(&w);
    struct log_warming first = {.fn = on_warm, .context = &w}, second = first;
    EXPECT(!log_warm(part(&w), 0, READ_BYTES, LOG_TO_DURABLE, &first));
    EXPECT(!log_warm(part(&w), 0, READ_BYTES, LOG_TO_DURABLE, &second)); /* the same piece */
    log_warm_cancel(&first);
    while (w.told == 0)
        (void)log_work(w.log);
    log_warm_cancel(&first);
    log_warm_cancel(&second);
    (void)log_work(w.log);
    EXPECT_INT(w.told, 1);
    struct log_warming third = {.fn = on_warm, .context = &w};
    if (!log_warm(part(&w), 60, READ_BYTES, LOG_TO_DURABLE, &third))
        log_warm_cancel(&third); /* and the log may be closed before it is done */
    EXPECT(log_warm(part(&w), BATCHES * 3, READ_BYTES, LOG_TO_DURABLE, &third)); /* the end: nothing is there */
    end(&w);
}

/* What waits to be sent holds its file open: of so many clients that do not read their answers only some get a file,
 * the others copies; the process keeps handles for its connections. */
TEST(log_answers_on_their_way_hold_few_files)
{
    enum { PARTITIONS = 700, BATCH = 40000, FILES_MAX = 512, OTHERS = 40 };
    static struct log_view views[PARTITIONS];
    struct os_sim_options few = os_sim_options_quiet();
    struct log_topic *topic;
    uint32_t files = 0;

    few.handles_max = FILES_MAX + OTHERS;
    struct warm w = {.os = os_sim_create(test_seed(), &few)};
    open_log(&w);
    EXPECT_OK(log_topic_create(w.log, BYTES_LITERAL("t"), PARTITIONS, NULL, &topic, NULL, NULL));
    for (uint32_t i = 0; i < 3 * PARTITIONS; i++) {
        test_append(w.log, log_partition_of(topic, i % PARTITIONS), (struct batch_spec){.tag = i, .value_bytes = BATCH});
        EXPECT_OK(log_flush(w.log));
        log_settle(w.log);
    }
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        struct log_partition *p = log_partition_of(topic, i);
        EXPECT_OK(log_read_to_send(p, 0, LOG_SEND_BYTES, LOG_TO_DURABLE, &views[i], NULL));
        EXPECT(views[i].bytes.len > BATCH);
        files += views[i].file != NULL;
    }
    if (files <= FILES_MAX / 2 || files > FILES_MAX)
        test_fail(__FILE__, __LINE__, "%u of %d answers hold a file", files, PARTITIONS);
    for (uint32_t i = 0; i < PARTITIONS; i++)
        log_view_release(&views[i]);
    EXPECT_OK(log_read_to_send(log_partition_of(topic, PARTITIONS / 2), 0, LOG_SEND_BYTES, LOG_TO_DURABLE, views, NULL));
    EXPECT(views[0].file != NULL); /* those are free again */
    log_view_release(&views[0]);
    end(&w);
}
