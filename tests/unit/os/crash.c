/* What the simulated disk keeps, loses and tears, and the ways a process ends there. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "lib/test.h"
#include "os/sim/sim.h"

static struct os *with_fate(uint64_t seed, double keep, double tear)
{
    struct os_sim_options options = os_sim_options_quiet();

    options.crash_keep = keep;
    options.crash_tear = tear;
    return os_sim_create(seed, &options);
}

static struct os_file *open_new(struct os *os, const char *path)
{
    struct os_file *f;

    EXPECT_OK(os_file_open(os, path, OS_WRITE | OS_CREATE, &f));
    return f;
}

/* The whole file as text in a static buffer; NULL: it is not there. */
static const char *text_of(struct os *os, const char *path)
{
    static char text[256];
    struct os_file *f;
    size_t len;

    if (os_file_open(os, path, OS_READ, &f) != ST_OK)
        return NULL;
    EXPECT_OK(os_file_read(f, 0, text, sizeof(text) - 1, &len));
    text[len] = 0;
    os_file_close(f);
    return text;
}

static void put(struct os *os, const char *path, const char *text, bool sync)
{
    struct os_file *f = open_new(os, path);

    EXPECT_OK(os_file_write(f, 0, text, strlen(text)));
    if (sync)
        EXPECT_OK(os_file_sync(f));
    os_file_close(f);
}

/* ---- contents ---- */

TEST(crash_keeps_what_was_synced)
{
    for (int keep = 0; keep <= 1; keep++) {
        struct os *os = with_fate(1, keep, 0);
        struct os_file *f = open_new(os, "f");
        EXPECT_OK(os_file_write(f, 0, "synced", 6));
        EXPECT_OK(os_file_sync(f));
        EXPECT_OK(os_sync_dir(os, "/"));
        EXPECT_OK(os_file_write(f, 6, " and not", 8));
        os_sim_crash(os);
        EXPECT_STR(text_of(os, "f"), keep ? "synced and not" : "synced");
        EXPECT_INT(os_sim_counts(os)->kept, keep);
        EXPECT_INT(os_sim_counts(os)->lost, !keep);
        os_sim_destroy(os);
    }
}

TEST(crash_undoes_truncation_that_was_not_synced)
{
    struct os *os = with_fate(1, 0, 0);
    struct os_file *f = open_new(os, "f");

    EXPECT_OK(os_file_write(f, 0, "contents", 8));
    EXPECT_OK(os_file_sync(f));
    EXPECT_OK(os_sync_dir(os, "/"));
    EXPECT_OK(os_file_truncate(f, 3));
    EXPECT_STR(text_of(os, "f"), "con");
    os_sim_crash(os);
    EXPECT_STR(text_of(os, "f"), "contents");
    os_sim_destroy(os);
}

enum { TORN_BYTES = 64 * 1024 };

/* Whether this run left whole sectors, and whether some blocks are mixed. */
static void look_at_torn(const uint8_t *bytes, int *sectors_new, bool *block_mixed)
{
    *sectors_new = 0;
    *block_mixed = false;
    for (size_t s = 0; s < TORN_BYTES; s += 512) {
        for (size_t i = 1; i < 512; i++)
            EXPECT_INT(bytes[s + i], bytes[s]);
        *sectors_new += bytes[s] == 'n';
        if (s % OS_BLOCK && bytes[s] != bytes[s - 512])
            *block_mixed = true;
    }
}

TEST(crash_tears_at_sectors_and_blocks)
{
    int whole = 0, none = 0, torn = 0, mixed = 0;
    uint8_t *bytes = malloc(TORN_BYTES);

    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct os *os = os_sim_create(seed, NULL);
        struct os_file *f = open_new(os, "f");
        int sectors_new;
        bool block_mixed;
        size_t len;
        memset(bytes, 'o', TORN_BYTES);
        EXPECT_OK(os_file_write(f, 0, bytes, TORN_BYTES));
        EXPECT_OK(os_file_sync(f));
        EXPECT_OK(os_sync_dir(os, "/"));
        memset(bytes, 'n', TORN_BYTES);
        EXPECT_OK(os_file_write(f, 0, bytes, TORN_BYTES));
        os_sim_crash(os);
        EXPECT_OK(os_file_open(os, "f", OS_READ, &f));
        EXPECT_OK(os_file_read(f, 0, bytes, TORN_BYTES, &len));
        EXPECT_INT(len, TORN_BYTES);
        look_at_torn(bytes, &sectors_new, &block_mixed);
        whole += sectors_new == TORN_BYTES / 512;
        none += sectors_new == 0;
        torn += sectors_new > 0 && sectors_new < TORN_BYTES / 512;
        mixed += block_mixed;
        os_sim_destroy(os);
    }
    free(bytes);
    EXPECT(whole > 5 && none > 5 && torn > 5);
    EXPECT(mixed > 0 && mixed < torn);
}

/* Of several writes any may be kept without the earlier ones. */
TEST(crash_reorders_writes)
{
    int later_alone = 0, earlier_alone = 0;

    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct os *os = with_fate(seed, 0.5, 0);
        struct os_file *f = open_new(os, "f");
        EXPECT_OK(os_file_write(f, 0, "..", 2));
        EXPECT_OK(os_file_sync(f));
        EXPECT_OK(os_sync_dir(os, "/"));
        EXPECT_OK(os_file_write(f, 0, "A", 1));
        EXPECT_OK(os_file_write(f, 1, "B", 1));
        os_sim_crash(os);
        later_alone += !strcmp(text_of(os, "f"), ".B");
        earlier_alone += !strcmp(text_of(os, "f"), "A.");
        os_sim_destroy(os);
    }
    EXPECT(later_alone > 0);
    EXPECT(earlier_alone > 0);
}

/* ---- names ---- */

TEST(crash_may_lose_the_name_of_a_synced_file)
{
    int there = 0, gone = 0;

    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct os *os = os_sim_create(seed, NULL);
        put(os, "f", "data", true);
        os_sim_crash(os);
        there += text_of(os, "f") != NULL;
        gone += text_of(os, "f") == NULL;
        if (text_of(os, "f"))
            EXPECT_STR(text_of(os, "f"), "data");
        put(os, "f", "data", true);
        EXPECT_OK(os_sync_dir(os, "/"));
        os_sim_crash(os);
        EXPECT_STR(text_of(os, "f"), "data");
        os_sim_destroy(os);
    }
    EXPECT(there > 0 && gone > 0);
}

TEST(crash_leaves_a_rename_whole)
{
    int before = 0, after = 0;

    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct os *os = os_sim_create(seed, NULL);
        put(os, "f", "old", true);
        put(os, "tmp", "new", true);
        EXPECT_OK(os_sync_dir(os, "/"));
        EXPECT_OK(os_rename(os, "tmp", "f"));
        EXPECT_STR(text_of(os, "f"), "new");
        os_sim_crash(os);
        const char *text = text_of(os, "f");
        EXPECT(text);
        before += !strcmp(text, "old");
        after += !strcmp(text, "new");
        EXPECT((text_of(os, "tmp") != NULL) == !strcmp(text_of(os, "f"), "old"));
        os_sim_destroy(os);
    }
    EXPECT_INT(before + after, 40);
    EXPECT(before > 0 && after > 0);
}

TEST(crash_brings_back_what_was_removed)
{
    struct os *os = with_fate(1, 0, 0);
    struct os_stat st;

    EXPECT_OK(os_mkdir(os, "d"));
    EXPECT_OK(os_sync_dir(os, "."));
    put(os, "d/f", "data", true);
    EXPECT_OK(os_sync_dir(os, "d"));
    EXPECT_OK(os_remove(os, "d/f"));
    EXPECT_OK(os_remove(os, "d"));
    os_sim_crash(os);
    EXPECT_STR(text_of(os, "d/f"), "data");
    EXPECT_OK(os_remove(os, "d/f"));
    EXPECT_OK(os_sync_dir(os, "d"));
    os_sim_crash(os);
    EXPECT(!text_of(os, "d/f"));
    EXPECT_OK(os_path_stat(os, "d", &st));
    EXPECT_OK(os_mkdir(os, "lost"));
    put(os, "lost/f", "data", true);
    EXPECT_OK(os_sync_dir(os, "lost")); /* but not the folder above */
    os_sim_crash(os);
    EXPECT_STATUS(os_path_stat(os, "lost", &st), ST_NOTFOUND);
    os_sim_destroy(os);
}

/* ---- ends ---- */

TEST(crash_makes_handles_dead)
{
    struct os *os = os_sim_create(1, NULL);
    struct os_sock *listener, *client;
    struct bytes part = BYTES_LITERAL("x");
    struct os_poller *poller;
    struct os_ready ready[1];
    struct os_file *f, *g;
    size_t n;

    EXPECT_OK(os_file_open(os, "f", OS_WRITE | OS_CREATE | OS_LOCK, &f));
    EXPECT_OK(os_file_write(f, 0, "kept", 4));
    EXPECT_OK(os_listen(os, "127.0.0.1:80", &listener));
    EXPECT_OK(os_connect(os, "127.0.0.1:80", &client));
    EXPECT_OK(os_poller_open(os, &poller));
    EXPECT_OK(os_sock_watch(client, poller, OS_OUT, &n));
    os_sim_kill(os); /* the process; the page cache lives */
    EXPECT_STATUS(os_file_write(f, 0, "x", 1), ST_IO);
    EXPECT_STATUS(os_file_sync(f), ST_IO);
    EXPECT_STATUS(os_sock_send(client, &part, 1, &n), ST_CLOSED);
    EXPECT_INT(os_poller_wait(poller, ready, 1, -1), 0);
    EXPECT_STR(text_of(os, "f"), "kept");
    EXPECT_OK(os_file_open(os, "f", OS_WRITE | OS_LOCK, &g)); /* its lock went with it */
    os_file_close(f);
    EXPECT_STATUS(os_file_open(os, "f", OS_WRITE | OS_LOCK, &f), ST_AGAIN);
    os_sock_close(listener);
    EXPECT_OK(os_listen(os, "127.0.0.1:80", &listener));
    os_sim_destroy(os); /* frees what nobody closed */
}

/* A file replaced again and again by the usual dance, with the power cut before each of its steps:
 * what is found is whole, and no older than what was known to be safe. */
static int known_safe;

static enum status replace(struct os *os, int version)
{
    char text[64];
    struct os_file *f;
    enum status st;

    snprintf(text, sizeof(text), "version %d, and some more to tear", version);
    TRY(os_file_open(os, "dir/tmp", OS_WRITE | OS_CREATE | OS_TRUNCATE, &f));
    st = os_file_write(f, 0, text, strlen(text));
    if (st == ST_OK)
        st = os_file_sync(f);
    os_file_close(f);
    TRY(st);
    TRY(os_rename(os, "dir/tmp", "dir/file"));
    TRY(os_sync_dir(os, "dir"));
    known_safe = version;
    return ST_OK;
}

static int offs;

static void note_off(void *context)
{
    (void)context;
    offs++;
}

static bool run_until_off(struct os *os)
{
    if (os_mkdir(os, "dir") != ST_OK || os_sync_dir(os, "/") != ST_OK)
        return false;
    for (int version = 1; version <= 4; version++)
        if (replace(os, version) != ST_OK)
            return false;
    return true;
}

TEST(crash_at_every_step_of_a_replacement)
{
    uint64_t points = 0;
    bool done = false;

    for (uint64_t step = 1; !done; step++)
        for (uint64_t seed = 1; seed <= 10; seed++) {
            struct os *os = os_sim_create(seed, NULL);
            const char *text;
            int found = 0;
            known_safe = offs = 0;
            os_sim_off_at(os, step, note_off, NULL);
            done = run_until_off(os);
            EXPECT_INT(offs, !done);
            EXPECT(os_sim_is_off(os) == !done);
            os_sim_crash(os);
            text = text_of(os, "dir/file");
            if (text)
                EXPECT(sscanf(text, "version %d, and some more to tear", &found) == 1 &&
                       strlen(text) == strlen("version 1, and some more to tear"));
            EXPECT(found >= known_safe);
            EXPECT(found <= known_safe + 1);
            EXPECT(run_until_off(os)); /* and life goes on */
            points++;
            os_sim_destroy(os);
        }
    EXPECT(points >= 200);
}

/* Writes a, syncs it, writes b: counts the calls that were made. */
static int write_two(struct os *os)
{
    struct os_file *a, *b;
    int made = 0;

    EXPECT_OK(os_file_open(os, "a", OS_WRITE | OS_CREATE, &a));
    EXPECT_OK(os_file_open(os, "b", OS_WRITE | OS_CREATE, &b));
    for (int i = 0; i < 3; i++) {
        made += os_file_write(a, 0, "a", 1) == ST_OK;
        made += os_file_sync(a) == ST_OK;
        made += os_file_write(b, 0, "b", 1) == ST_OK;
    }
    os_file_close(a);
    os_file_close(b);
    return made;
}

TEST(sim_power_fails_between_two_kinds_of_steps)
{
    static const struct {
        struct os_sim_step after, at;
        uint64_t skip;
        int made;
    } cases[] = {
        {{"write", "a"}, {"sync", "a"}, 0, 1}, {{"write", "a"}, {"sync", "a"}, 2, 7},
        {{"write", "b"}, {"write", "b"}, 0, 5}, {{"sync", NULL}, {NULL, NULL}, 1, 5},
        {{"rename", NULL}, {NULL, NULL}, 0, 9},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct os *os = os_sim_create(1, NULL);
        os_sim_off_between(os, cases[i].after, cases[i].at, cases[i].skip);
        EXPECT(!os_sim_aimed(os));
        EXPECT_INT(write_two(os), cases[i].made);
        EXPECT_INT(os_sim_is_off(os), cases[i].made < 9);
        os_sim_crash(os);
        EXPECT_INT(write_two(os), 9); /* it is not armed any more */
        os_sim_destroy(os);
    }
}

static jmp_buf out;

static void jump(void *context)
{
    (void)context;
    longjmp(out, 1);
}

TEST(crash_may_leave_by_longjmp)
{
    struct os *os = os_sim_create(1, NULL);
    struct os *volatile kept = os;

    os_sim_off_at(os, 3, jump, NULL);
    if (setjmp(out) == 0) {
        run_until_off(os);
        EXPECT(!"it comes here");
    }
    os_sim_crash(kept);
    EXPECT(run_until_off(kept));
    os_sim_destroy(kept);
}

/* ---- faults ---- */

TEST(sim_sync_that_failed_loses_data_silently)
{
    int lost = 0, kept = 0, shown = 0;

    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct os *os = os_sim_create(seed, NULL);
        struct os_file *f = open_new(os, "f");
        EXPECT_OK(os_sync_dir(os, "/"));
        EXPECT_OK(os_file_write(f, 0, "data", 4));
        os_sim_options(os)->sync_error = 1;
        EXPECT_STATUS(os_file_sync(f), ST_IO);
        EXPECT(os_error_text(os)[0]);
        os_sim_options(os)->sync_error = 0;
        EXPECT_OK(os_file_sync(f)); /* as if all were well */
        shown += !strcmp(text_of(os, "f"), "data");
        os_sim_crash(os);
        kept += !strcmp(text_of(os, "f"), "data");
        lost += !strcmp(text_of(os, "f"), "");
        os_sim_destroy(os);
    }
    EXPECT_INT(kept + lost, 40);
    EXPECT(lost > 5 && kept > 5);
    EXPECT(shown > kept && shown < 40); /* some read well until the power went */
}

TEST(sim_disk_fills)
{
    struct os_sim_options options = os_sim_options_quiet();
    uint64_t available, total;
    static uint8_t zeros[8192];
    struct os_file *f;
    struct os *os;
    uint64_t pos = 0;
    enum status st;

    options.disk_bytes = 100 * 1024;
    os = os_sim_create(1, &options);
    f = open_new(os, "f");
    while ((st = os_file_write(f, pos, zeros, sizeof(zeros))) == ST_OK)
        pos += sizeof(zeros);
    EXPECT_STATUS(st, ST_NOSPACE);
    EXPECT_INT(pos, 96 * 1024);
    EXPECT_OK(os_file_write(f, 4096, "over", 4)); /* what has room already may change */
    EXPECT_OK(os_space(os, "/", &available, &total));
    EXPECT_INT(total, 100 * 1024);
    EXPECT(available <= 4096);
    EXPECT_OK(os_file_truncate(f, 0));
    EXPECT_OK(os_file_write(f, 0, zeros, sizeof(zeros)));
    EXPECT_OK(os_remove(os, "f"));
    os_file_close(f);
    EXPECT_OK(os_space(os, "/", &available, &total));
    EXPECT_INT(available, total);
    EXPECT_INT(os_sim_counts(os)->faults, 0);
    os_sim_destroy(os);
}

TEST(sim_errors_come_at_their_rate)
{
    struct os_sim_options options = os_sim_options_quiet();
    int reads = 0, writes = 0;
    struct os_file *f;
    struct os *os;
    char byte;
    size_t got;

    options.read_error = options.write_error = 0.1;
    options.disk_delay_ns_max = 1000;
    os = os_sim_create(test_seed(), &options);
    f = open_new(os, "f");
    for (int i = 0; i < 1000; i++) {
        writes += os_file_write(f, 0, "x", 1) == ST_IO;
        reads += os_file_read(f, 0, &byte, 1, &got) == ST_IO;
    }
    EXPECT(writes > 50 && writes < 200);
    EXPECT(reads > 50 && reads < 200);
    EXPECT_INT(os_sim_counts(os)->faults, reads + writes);
    EXPECT_INT(os_sim_counts(os)->writes, 1000);
    EXPECT(os_mono_ns(os) > 1000000000 + 500000);
    os_sim_destroy(os);
}

/* ---- repetition ---- */

static uint64_t wander(uint64_t seed)
{
    struct os_sim_options options = os_sim_options_rough();
    uint8_t random[32], data[3000] = {1};
    uint64_t hash = 0;
    struct os *os;
    size_t got;

    options.sync_error = options.write_error = 0.02;
    os = os_sim_create(seed, &options);
    for (int i = 0; i < 50; i++) {
        struct os_file *f = NULL;
        char name[8];
        os_random(os, random, sizeof(random));
        snprintf(name, sizeof(name), "f%d", random[0] % 5);
        if (os_file_open(os, name, OS_WRITE | OS_CREATE, &f) != ST_OK)
            continue;
        hash =
            hash_combine(hash, (uint64_t)os_file_write(f, random[1] * 64, data, 300u + random[2]));
        if (random[3] % 3 == 0)
            hash = hash_combine(hash, (uint64_t)os_file_sync(f));
        if (random[4] % 3 == 0)
            hash = hash_combine(hash, (uint64_t)os_sync_dir(os, "/"));
        if (os_file_read(f, 0, data, sizeof(data), &got) == ST_OK)
            hash = hash_combine(hash, hash_bytes(bytes_of(data, got)));
        if (random[5] % 2)
            os_file_close(f);
        if (random[6] % 8 == 0)
            os_sim_crash(os);
    }
    hash = hash_combine(hash, (uint64_t)os_mono_ns(os));
    os_sim_destroy(os);
    return hash;
}

TEST(sim_repeats_from_its_seed)
{
    uint64_t first = wander(test_seed());

    EXPECT(first == wander(test_seed()));
    EXPECT(first != wander(test_seed() + 1));
}
