/* A byte that has changed, at each place in turn: of a closed segment, of its index, of the WAL. It is
 * found by log_check and named with its file; reading tells it, or the rest is served as it was. */
#include <stdio.h>
#include <string.h>

#include "lib/batches.h"
#include "lib/test.h"
#include "os/sim/sim.h"

enum { BATCHES = 6, VALUE_BYTES = 40 };

static struct log *open_log(struct os *os)
{
    const struct log_options options = {.wal_bytes_max = 1 << 20, .disk_reserve_bytes = 1 << 20};
    struct log *log = NULL;
    struct diag diag = {0};

    if (log_open(os, "data", &options, &log, &diag) != ST_OK)
        test_fail(__FILE__, __LINE__, "log_open: %s", diag.message);
    return log;
}

static struct log_partition *partition_of(struct log *log)
{
    struct log_topic *topic = log_topic_find(log, BYTES_LITERAL("t"));
    const struct log_topic_options options = {.retention_ms = -1};

    if (!topic)
        EXPECT_OK(log_topic_create(log, BYTES_LITERAL("t"), 1, &options, &topic, NULL, NULL));
    return log_partition_of(topic, 0);
}

static void fill(struct log *log)
{
    for (uint64_t i = 0; i < BATCHES; i++) {
        test_append(log, partition_of(log), (struct batch_spec){.tag = i, .value_bytes = VALUE_BYTES});
        EXPECT_OK(log_flush(log));
    }
}

static void flip(struct os *os, const char *path, uint64_t pos)
{
    struct os_file *file;
    uint8_t byte;
    size_t got;

    EXPECT_OK(os_file_open(os, path, OS_WRITE, &file));
    EXPECT_OK(os_file_read(file, pos, &byte, 1, &got));
    EXPECT_INT(got, 1);
    byte ^= (uint8_t)(1u << (pos % 8));
    EXPECT_OK(os_file_write(file, pos, &byte, 1));
    os_file_close(file);
}

static uint64_t size_of(struct os *os, const char *path)
{
    struct os_stat stat;

    EXPECT_OK(os_path_stat(os, path, &stat));
    return stat.size;
}

struct found {
    int damages;
    const char *path;
    bool named;
};

static void note(void *context, const char *file, uint64_t pos, const char *what)
{
    struct found *f = context;

    (void)pos, (void)what;
    f->damages++;
    f->named |= strncmp(file, f->path, strlen(f->path)) == 0;
}

static void find_name(void *context, const char *name, const struct os_stat *stat)
{
    (void)stat;
    if (name[0] != '.' && !strstr(name, "index"))
        snprintf(context, 100, "%s", name);
}

static void segment_path(struct os *os, char path[400])
{
    char topic[100] = "", file[100] = "";

    EXPECT_OK(os_list(os, "data/topics", find_name, topic));
    snprintf(path, 400, "data/topics/%s/0", topic);
    EXPECT_OK(os_list(os, path, find_name, file));
    snprintf(path, 400, "data/topics/%s/0/%s", topic, file);
}

static void same_tag(struct bytes batch, uint64_t tag)
{
    struct batch_records it;
    struct record rec;
    struct arena arena;
    int n;

    arena_init(&arena, 0);
    EXPECT_OK(batch_records_open(&it, batch, &arena, 1 << 20));
    EXPECT_OK(batch_records_next(&it, &rec));
    EXPECT_INT((int64_t)test_tag(rec.value, &n), (int64_t)tag);
    arena_deinit(&arena);
}

/* Which of the batches are served, each asked for by its offset: a bit each. What is served is what was
 * written. */
static unsigned served(struct log *log)
{
    unsigned mask = 0;

    for (int64_t i = 0; i < BATCHES; i++) {
        struct log_view view;
        struct batch_header h;
        struct bytes batch;
        if (log_read(log, partition_of(log), i, 1, LOG_TO_DURABLE, &view, NULL) != ST_OK)
            continue;
        struct bytes run = view.bytes;
        if (batch_next(&run, &h, &batch) == ST_OK && h.base_offset == i) {
            same_tag(batch, (uint64_t)i);
            mask |= 1u << i;
        }
        log_view_release(&view);
    }
    return mask;
}

enum { ALL = (1u << BATCHES) - 1 };

TEST_SECONDS(log_finds_each_byte_of_a_segment_that_changed, 120)
{
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);
    char path[400];

    fill(log);
    log_close(log);
    segment_path(os, path);
    uint64_t size = size_of(os, path), each = size / BATCHES;
    EXPECT_INT((int64_t)(each * BATCHES), (int64_t)size);
    for (uint64_t pos = 0; pos < size; pos++) {
        struct found f = {.path = path};
        bool epoch = pos % each >= 12 && pos % each < 16; /* the leader epoch: nothing else is lost */
        flip(os, path, pos);
        EXPECT_STATUS(log_check(os, "data", note, &f), ST_CORRUPT);
        EXPECT(f.named);
        EXPECT_INT(f.damages, 1);
        log = open_log(os);
        EXPECT_INT(served(log), epoch ? ALL : ALL & ~(1u << (pos / each)));
        log_close(log);
        flip(os, path, pos);
    }
    EXPECT_OK(log_check(os, "data", NULL, NULL));
    os_sim_destroy(os);
}

/* A batch that claims to be far longer than it is, and one whose bytes are all gone. */
TEST(log_serves_what_is_behind_a_damaged_stretch)
{
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);
    struct log_view view;
    struct diag diag = {0};
    char path[400];

    fill(log);
    log_close(log);
    segment_path(os, path);
    uint64_t each = size_of(os, path) / BATCHES;
    for (uint64_t pos = each; pos < 3 * each; pos++)
        flip(os, path, pos);
    log = open_log(os);
    EXPECT_INT(served(log), ALL & ~6u);
    EXPECT_STATUS(log_read(log, partition_of(log), 1, 1, LOG_TO_DURABLE, &view, &diag), ST_CORRUPT);
    EXPECT(strstr(diag.message, path) != NULL);
    log_close(log);
    os_sim_destroy(os);
}

/* An index is made again from what it is of: nothing is lost with it; but the damage is told. */
TEST_SECONDS(log_does_without_each_byte_of_an_index, 120)
{
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);
    char path[400];

    for (uint64_t i = 0; i < BATCHES; i++) {
        test_append(log, partition_of(log), (struct batch_spec){.tag = i, .value_bytes = 40000});
        EXPECT_OK(log_flush(log));
    }
    log_close(log);
    segment_path(os, path);
    strcpy(strrchr(path, '.'), ".index");
    uint64_t size = size_of(os, path);
    EXPECT(size >= 96);
    for (uint64_t pos = 0; pos < size; pos++) {
        struct found f = {.path = path};
        flip(os, path, pos);
        EXPECT_STATUS(log_check(os, "data", note, &f), ST_CORRUPT);
        EXPECT(f.damages == 1 && f.named);
        log = open_log(os);
        EXPECT_INT(served(log), ALL);
        log_close(log);
        flip(os, path, pos);
        EXPECT_OK(log_check(os, "data", NULL, NULL));
    }
    os_sim_destroy(os);
}

static void nothing(void *context)
{
    (void)context;
}

/* A directory whose records are in the WAL alone: a block each, since the process died. */
static struct os *with_wal(void)
{
    struct os *os = os_sim_create(test_seed(), NULL);
    struct log *log = open_log(os);

    (void)partition_of(log);
    EXPECT_OK(log_flush(log));
    fill(log);
    os_sim_options(os)->crash_keep = 1;
    os_sim_off_at(os, 1, nothing, NULL);
    log_close(log);
    os_sim_crash(os);
    return os;
}

/* Where the records are: blocks of 4 KiB, of which the first bytes are used. */
enum { WAL_BLOCK = 4096, WAL_USED = 256, WAL_BLOCKS_BEFORE = 2 };

TEST_SECONDS(log_finds_each_byte_of_the_wal_that_changed, 300)
{
    static const char path[] = "data/wal/00000001.wal";
    int lost = 0;

    /* the first, one in the middle, the last */
    for (uint64_t block = WAL_BLOCKS_BEFORE; block < WAL_BLOCKS_BEFORE + BATCHES;
         block += block == WAL_BLOCKS_BEFORE ? 2 : 3) {
        bool last = block + 1 == WAL_BLOCKS_BEFORE + BATCHES;
        for (uint64_t at = 0; at < WAL_BLOCK; at += at < WAL_USED ? 1 : 61) {
            struct os *os = with_wal();
            struct found f = {.path = "data/wal"}; /* of a block that is not one the folder is named */
            flip(os, path, block * WAL_BLOCK + at);
            enum status st = log_check(os, "data", note, &f);
            struct log *log = open_log(os);
            unsigned mask = served(log);
            EXPECT(mask == ALL || mask == (ALL & ~(1u << (block - WAL_BLOCKS_BEFORE))));
            EXPECT(mask == ALL || last || (st == ST_CORRUPT && f.named)); /* the last: a torn tail */
            lost += mask != ALL;
            log_close(log);
            if (at % 32 == 0) { /* and from partition files */
                log = open_log(os);
                EXPECT_INT(served(log), mask);
                log_close(log);
            }
            os_sim_destroy(os);
        }
    }
    EXPECT(lost > 300);
}
