/* Random operations on entries on disk, and on a table a part of which is there, against twins too simple to be wrong; and
 * disks that fail or are full. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/rng.h"
#include "lib/test.h"
#include "os/sim/sim.h"
#include "store/state/tier.h"

enum { KEYS = 3000 };

struct cold_rig {
    struct os *os;
    struct cold *cold;
    struct rng rng;
    uint64_t hash_mask; /* few distinct hashes: many entries under one */
    uint32_t len_max;
    bool there[KEYS];
    uint32_t version[KEYS], count;
    uint32_t asked[COLD_BATCH];
};

static void rig_begin(struct cold_rig *rig, uint64_t seed, uint64_t hash_mask, uint32_t len_max)
{
    memset(rig, 0, sizeof(*rig));
    rig->rng = rng_seed(seed);
    rig->hash_mask = hash_mask;
    rig->len_max = len_max;
    rig->os = os_sim_create(seed, NULL);
    EXPECT_OK(os_mkdir(rig->os, "data"));
    rig->cold = cold_open(&(struct cold_options){.os = rig->os, .path = "data/a.cold"});
}

static void rig_end(struct cold_rig *rig)
{
    struct os_stat stat;
    cold_close(rig->cold);
    EXPECT_STATUS(os_path_stat(rig->os, "data/a.cold", &stat), ST_NOTFOUND);
    os_sim_destroy(rig->os);
}

static uint64_t hash_of(const struct cold_rig *rig, uint32_t key)
{
    return hash_u64(key) & rig->hash_mask;
}

/* The entry of a key: the key, then bytes that follow from it and its version. */
static struct bytes entry_of(const struct cold_rig *rig, uint32_t key, uint8_t *room)
{
    uint64_t h = hash_combine(key, rig->version[key]);
    uint32_t len = 4 + (uint32_t)(h % (rig->len_max - 3));

    memcpy(room, &key, 4);
    for (uint32_t i = 4; i < len; i++)
        room[i] = (uint8_t)(h >> i % 8 * 8);
    return bytes_of(room, len);
}

static enum status finish(struct cold *cold)
{
    enum status st;
    while ((st = cold_poll(cold)) == ST_AGAIN)
        ;
    return st;
}

static enum status put_some(struct cold_rig *rig)
{
    uint8_t room[COLD_ENTRY_MAX];
    uint32_t n = 1 + (uint32_t)rng_below(&rig->rng, 400), asked = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t key = (uint32_t)rng_below(&rig->rng, KEYS);
        if (rig->there[key])
            continue;
        rig->there[key] = true; /* so that it is put once; taken back below if it is not stored */
        rig->version[key]++;
        cold_put(rig->cold, hash_of(rig, key), entry_of(rig, key, room));
        rig->asked[asked++] = key;
    }
    cold_store(rig->cold);
    enum status st = finish(rig->cold);
    for (uint32_t i = 0; i < asked; i++) {
        rig->there[rig->asked[i]] = cold_is_stored(rig->cold, i);
        rig->count += rig->there[rig->asked[i]];
        if (st == ST_OK && rig->hash_mask == UINT64_MAX && rig->len_max < 400) /* more than two of a page's size may meet */
            EXPECT(rig->there[rig->asked[i]]);
    }
    return st;
}

/* What came out is what is there of the keys that were asked for, each once. */
static void expect_given(struct cold_rig *rig, const bool *asked)
{
    uint8_t room[COLD_ENTRY_MAX];
    struct bytes entry;
    bool seen[KEYS] = {false};
    uint32_t given = 0;

    while (cold_next(rig->cold, &entry)) {
        uint32_t key;
        memcpy(&key, entry.ptr, 4);
        EXPECT(key < KEYS && asked[key] && rig->there[key] && !seen[key]);
        EXPECT_BYTES(entry, entry_of(rig, key, room));
        seen[key] = true;
        given++;
    }
    EXPECT_INT(given, cold_given(rig->cold));
    for (uint32_t key = 0; key < KEYS; key++)
        EXPECT_INT(seen[key], asked[key] && rig->there[key]);
}

static enum status take_some(struct cold_rig *rig)
{
    uint32_t n = 1 + (uint32_t)rng_below(&rig->rng, 300);
    bool asked[KEYS] = {false};

    for (uint32_t i = 0; i < n; i++) {
        uint32_t key = (uint32_t)rng_below(&rig->rng, KEYS);
        if (rig->there[key])
            EXPECT(cold_maybe(rig->cold, hash_of(rig, key)));
        asked[key] = true;
        cold_want(rig->cold, hash_of(rig, key), bytes_of(&key, 4)); /* some twice */
    }
    cold_take(rig->cold);
    enum status st = finish(rig->cold);
    if (st != ST_OK)
        return st;
    expect_given(rig, asked);
    for (uint32_t key = 0; key < KEYS; key++)
        if (asked[key] && rig->there[key]) {
            rig->there[key] = false;
            rig->count--;
        }
    return ST_OK;
}

static void scan_all(struct cold_rig *rig)
{
    uint8_t room[COLD_ENTRY_MAX];
    bool seen[KEYS] = {false};
    struct bytes entry;
    uint32_t given = 0;

    cold_scan_begin(rig->cold);
    while (cold_scan(rig->cold)) {
        EXPECT_OK(finish(rig->cold));
        while (cold_next(rig->cold, &entry)) {
            uint32_t key;
            memcpy(&key, entry.ptr, 4);
            EXPECT(key < KEYS && rig->there[key] && !seen[key]);
            EXPECT_BYTES(entry, entry_of(rig, key, room));
            seen[key] = true;
            given++;
        }
    }
    EXPECT_INT(given, rig->count);
    EXPECT_INT(cold_count(rig->cold), rig->count);
}

static void cold_model(uint64_t seed, uint64_t hash_mask, uint32_t len_max, uint32_t steps)
{
    struct cold_rig *rig = malloc(sizeof(*rig));

    rig_begin(rig, seed, hash_mask, len_max);
    for (uint32_t i = 0; i < steps; i++) {
        switch (rng_below(&rig->rng, 8)) {
        case 0: scan_all(rig); break;
        case 1: case 2: case 3: EXPECT_OK(take_some(rig)); break;
        default: EXPECT_OK(put_some(rig)); break;
        }
    }
    scan_all(rig);
    rig_end(rig);
    free(rig);
}

TEST_SECONDS(cold_store_is_its_twin, 60)
{
    cold_model(test_seed(), UINT64_MAX, 40, 200);
    cold_model(test_seed() + 1, UINT64_MAX, COLD_ENTRY_MAX, 100);
    cold_model(test_seed() + 2, UINT64_MAX, 4, 200);
}

/* Entries under one hash share a page and no split parts them: what does not fit is refused, and nothing is lost. */
TEST_SECONDS(cold_store_refuses_what_no_split_can_part, 60)
{
    cold_model(test_seed(), 0, 60, 60);
    cold_model(test_seed() + 1, 7, 400, 60);
    cold_model(test_seed() + 2, 0xFFull << 40, 60, 60);
}

TEST(cold_store_keeps_its_directory_small_where_hashes_are_alike)
{
    struct cold_rig *rig = malloc(sizeof(*rig));
    rig_begin(rig, test_seed(), 1, 60);
    for (int i = 0; i < 50; i++)
        EXPECT_OK(put_some(rig));
    EXPECT(cold_bytes(rig->cold) < 64 << 10);
    rig_end(rig);
    free(rig);
}

/* A filter that let everything through would be no filter. */
TEST(cold_store_knows_most_keys_that_are_not_there)
{
    struct cold_rig *rig = malloc(sizeof(*rig));
    uint32_t maybe = 0;
    rig_begin(rig, test_seed(), UINT64_MAX, 60);
    while (rig->count < 2000)
        EXPECT_OK(put_some(rig));
    for (uint32_t key = KEYS; key < KEYS + 10000; key++)
        maybe += cold_maybe(rig->cold, hash_of(rig, key));
    EXPECT(maybe < 2500);
    rig_end(rig);
    free(rig);
}

TEST(cold_store_of_a_full_disk_refuses_and_loses_nothing)
{
    struct cold_rig *rig = malloc(sizeof(*rig));
    int refused = 0;
    rig_begin(rig, test_seed(), UINT64_MAX, 300);
    while (rig->count < 500)
        EXPECT_OK(put_some(rig));
    uint64_t room = os_sim_options(rig->os)->disk_bytes, used, total;
    for (int i = 0; i < 60; i++) {
        EXPECT_OK(os_space(rig->os, "data", &used, &total));
        used = total - used;
        os_sim_options(rig->os)->disk_bytes = rng_chance(&rig->rng, 0.3) ? room : used + rng_below(&rig->rng, 200000);
        enum status st = put_some(rig);
        EXPECT(st == ST_OK || st == ST_NOSPACE);
        refused += st == ST_NOSPACE;
        if (st == ST_NOSPACE)
            EXPECT(cold_error(rig->cold)[0]);
        scan_all(rig);
        EXPECT_OK(take_some(rig));
    }
    EXPECT(refused > 5);
    rig_end(rig);
    free(rig);
}

TEST(cold_store_leaves_the_reserve_of_the_disk)
{
    struct cold_rig *rig = malloc(sizeof(*rig));
    uint64_t free_bytes, total;
    rig_begin(rig, test_seed(), UINT64_MAX, 300);
    cold_close(rig->cold);
    EXPECT_OK(os_space(rig->os, "data", &free_bytes, &total));
    rig->cold = cold_open(&(struct cold_options){.os = rig->os, .path = "data/a.cold",
                                                 .reserve_bytes = free_bytes - 100000});
    enum status st = ST_OK;
    for (int i = 0; i < 100 && st == ST_OK; i++)
        st = put_some(rig);
    EXPECT_INT(st, ST_NOSPACE);
    EXPECT(strstr(cold_error(rig->cold), "the disk has"));
    EXPECT_OK(os_space(rig->os, "data", &free_bytes, &total));
    scan_all(rig);
    rig_end(rig);
    free(rig);
}

/* A read or write that fails is final, and says which file. */
static void cold_fails(double read_error, double write_error, uint64_t seed)
{
    struct cold_rig *rig = malloc(sizeof(*rig));
    enum status st = ST_OK;
    rig_begin(rig, seed, UINT64_MAX, 60);
    while (rig->count < 1000)
        EXPECT_OK(put_some(rig));
    os_sim_options(rig->os)->read_error = read_error;
    os_sim_options(rig->os)->write_error = write_error;
    for (int i = 0; i < 100 && st == ST_OK; i++)
        st = rng_chance(&rig->rng, 0.5) ? put_some(rig) : take_some(rig);
    EXPECT_INT(st, ST_IO);
    EXPECT(strstr(cold_error(rig->cold), "a.cold"));
    os_sim_options(rig->os)->read_error = os_sim_options(rig->os)->write_error = 0;
    EXPECT_STATUS(take_some(rig), ST_IO);
    rig_end(rig);
    free(rig);
}

TEST(cold_store_that_fails_says_so_for_good)
{
    for (uint64_t i = 0; i < 5; i++) {
        cold_fails(0.02, 0, test_seed() + i);
        cold_fails(0, 0.02, test_seed() + i);
    }
}

TEST(cold_store_finds_a_page_that_changed)
{
    struct cold_rig *rig = malloc(sizeof(*rig));
    struct os_file *file;
    enum status st = ST_OK;
    uint8_t byte = 0;
    size_t got;
    rig_begin(rig, test_seed(), UINT64_MAX, 60);
    while (rig->count < 1000)
        EXPECT_OK(put_some(rig));
    EXPECT_OK(os_file_open(rig->os, "data/a.cold", OS_WRITE, &file));
    for (uint64_t page = 0; page < cold_disk_bytes(rig->cold) / 4096; page++) {
        uint64_t pos = page * 4096 + rng_below(&rig->rng, 4096);
        EXPECT_OK(os_file_read(file, pos, &byte, 1, &got));
        byte ^= (uint8_t)(1u << rng_below(&rig->rng, 8));
        EXPECT_OK(os_file_write(file, pos, &byte, 1));
    }
    os_file_close(file);
    for (int i = 0; i < 100 && st == ST_OK; i++)
        st = take_some(rig);
    EXPECT_INT(st, ST_CORRUPT);
    EXPECT(strstr(cold_error(rig->cold), "of data/a.cold is damaged"));
    rig_end(rig);
    free(rig);
}

/* ---- a table with a tier ---- */

enum { TIER_KEYS = 2000, TIER_BATCH = 200 };

struct tier_rig {
    struct os *os;
    struct state_table table;
    struct state_tier tier;
    struct rng rng;
    int64_t twin[TIER_KEYS]; /* 0: not there */
    char names[TIER_KEYS][24];
    uint64_t words[TIER_BATCH], hashes[TIER_BATCH];
    struct bytes bytes[TIER_BATCH];
    struct state_keys keys;
};

static void tier_begin(struct tier_rig *rig, uint32_t words, uint64_t seed)
{
    memset(rig, 0, sizeof(*rig));
    rig->rng = rng_seed(seed);
    rig->os = os_sim_create(seed, NULL);
    EXPECT_OK(os_mkdir(rig->os, "data"));
    state_init(&rig->table, words, 8);
    rig->tier = (struct state_tier){.table = &rig->table};
    tier_open(&rig->tier, &(struct cold_options){.os = rig->os, .path = "data/t.cold"});
}

static void batch_of(struct tier_rig *rig, const uint32_t *ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        rig->words[i] = ids[i];
        snprintf(rig->names[ids[i]], sizeof(rig->names[0]), "%*s%u", (int)(ids[i] % 5), "", ids[i]);
        rig->bytes[i] = bytes_str(rig->names[ids[i]]);
    }
    rig->keys = (struct state_keys){.count = count, .words = rig->table.words, .fixed = rig->words,
                                    .bytes = rig->bytes, .hashes = rig->hashes};
    state_hash(&rig->keys, rig->hashes);
}

static uint32_t random_ids(struct tier_rig *rig, uint32_t *ids)
{
    uint32_t count = 1 + (uint32_t)rng_below(&rig->rng, TIER_BATCH);
    for (uint32_t i = 0; i < count; i++)
        ids[i] = (uint32_t)rng_below(&rig->rng, rng_chance(&rig->rng, 0.5) ? TIER_KEYS : 50);
    return count;
}

static void tier_add(struct tier_rig *rig)
{
    uint32_t ids[TIER_BATCH], count = random_ids(rig, ids);
    void *values[TIER_BATCH];
    uint8_t fresh[TIER_BATCH];
    enum status st;
    batch_of(rig, ids, count);
    while ((st = tier_need(&rig->tier, &rig->keys)) == ST_AGAIN)
        ;
    EXPECT_OK(st);
    state_upsert(&rig->table, &rig->keys, NULL, count, values, fresh);
    for (uint32_t i = 0; i < count; i++) {
        EXPECT_INT(fresh[i], rig->twin[ids[i]] == 0);
        *(int64_t *)values[i] += 1 + (int64_t)i;
        rig->twin[ids[i]] += 1 + (int64_t)i;
        EXPECT_INT(*(int64_t *)values[i], rig->twin[ids[i]]);
    }
}

static void tier_take_away(struct tier_rig *rig)
{
    uint32_t ids[TIER_BATCH], count = random_ids(rig, ids);
    enum status st;
    batch_of(rig, ids, count);
    while ((st = tier_need(&rig->tier, &rig->keys)) == ST_AGAIN)
        ;
    EXPECT_OK(st);
    for (uint16_t i = 0; i < count; i++) {
        void *value;
        state_find(&rig->table, &rig->keys, &i, 1, &value);
        EXPECT_INT(value != NULL, rig->twin[ids[i]] != 0);
        if (value)
            state_remove(&rig->table, value);
        rig->twin[ids[i]] = 0;
    }
}

static void tier_shift(struct tier_rig *rig)
{
    uint32_t before = state_count(&rig->table), all = before + (uint32_t)tier_count(&rig->tier);
    uint32_t wanted = (uint32_t)rng_below(&rig->rng, before + 1);
    enum status st;
    while ((st = tier_move(&rig->tier, wanted)) == ST_AGAIN)
        ;
    EXPECT_OK(st);
    EXPECT_INT(state_count(&rig->table), before - wanted);
    EXPECT_INT(state_count(&rig->table) + tier_count(&rig->tier), all);
    EXPECT_INT(rig->table.used, rig->table.live);
}

/* Saved from memory and disk, a scan given up now and then, and loaded into a table without a tier. */
static void tier_reload(struct tier_rig *rig)
{
    struct snap_writer w = {0};
    struct state_table again;
    enum status st;
    if (rng_chance(&rig->rng, 0.3))
        (void)!tier_scan(&rig->tier, true, &w.buf);
    state_save(&rig->table, &w, NULL, NULL);
    st = tier_scan(&rig->tier, true, &w.buf);
    while (st == ST_OK || st == ST_AGAIN)
        st = tier_scan(&rig->tier, false, &w.buf);
    EXPECT_INT(st, ST_END);
    struct reader r = reader_of(buf_view(&w.buf));
    state_init(&again, rig->table.words, 8);
    while (reader_left(&r))
        EXPECT_OK(state_load(&again, &r, &(struct state_mine){0, 1}, NULL, NULL));
    EXPECT_INT(state_count(&again), state_count(&rig->table) + tier_count(&rig->tier));
    for (uint32_t id = 0; id < TIER_KEYS; id += 7) {
        void *value;
        batch_of(rig, &id, 1);
        state_find(&again, &rig->keys, NULL, 1, &value);
        EXPECT_INT(value ? *(int64_t *)value : 0, rig->twin[id]);
    }
    state_deinit(&again);
    buf_deinit(&w.buf);
}

static void tier_model(uint32_t words, uint64_t seed)
{
    struct tier_rig *rig = malloc(sizeof(*rig));
    tier_begin(rig, words, seed);
    for (int i = 0; i < 150; i++)
        switch (rng_below(&rig->rng, 8)) {
        case 0: tier_take_away(rig); break;
        case 1: case 2: tier_shift(rig); break;
        case 3: tier_reload(rig); break;
        default: tier_add(rig); break;
        }
    EXPECT(tier_count(&rig->tier) || rig->tier.cold);
    tier_close(&rig->tier);
    state_deinit(&rig->table);
    os_sim_destroy(rig->os);
    free(rig);
}

TEST_SECONDS(tier_is_a_table, 60)
{
    for (uint64_t i = 0; i < 4; i++) {
        tier_model(1, test_seed() + i);
        tier_model(0, test_seed() + i);
    }
}

/* Those used since the hand's last round stay. */
TEST(tier_moves_what_was_not_used)
{
    struct tier_rig *rig = malloc(sizeof(*rig));
    uint32_t ids[TIER_BATCH], hot = 0;
    void *values[TIER_BATCH];
    enum status st;
    tier_begin(rig, 1, 1);
    for (uint32_t from = 0; from < TIER_KEYS; from += TIER_BATCH) {
        for (uint32_t i = 0; i < TIER_BATCH; i++)
            ids[i] = from + i;
        batch_of(rig, ids, TIER_BATCH);
        state_upsert(&rig->table, &rig->keys, NULL, TIER_BATCH, values, NULL);
    }
    while ((st = tier_move(&rig->tier, 1)) == ST_AGAIN) /* a round: nothing is marked any more */
        ;
    EXPECT_OK(st);
    for (uint32_t i = 0; i < TIER_BATCH; i++)
        ids[i] = 10 * i + 5;
    batch_of(rig, ids, TIER_BATCH);
    while ((st = tier_need(&rig->tier, &rig->keys)) == ST_AGAIN)
        ;
    EXPECT_OK(st);
    state_upsert(&rig->table, &rig->keys, NULL, TIER_BATCH, values, NULL);
    while ((st = tier_move(&rig->tier, TIER_KEYS - TIER_BATCH - 1)) == ST_AGAIN)
        ;
    EXPECT_OK(st);
    state_find(&rig->table, &rig->keys, NULL, TIER_BATCH, values);
    for (uint32_t i = 0; i < TIER_BATCH; i++)
        hot += values[i] != NULL;
    EXPECT_INT(hot, TIER_BATCH);
    tier_close(&rig->tier);
    state_deinit(&rig->table);
    os_sim_destroy(rig->os);
    free(rig);
}
