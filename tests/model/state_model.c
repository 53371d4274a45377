/* Random operations on keyed state against twins too simple to be wrong. */
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "lib/test.h"
#include "store/state/sorted.h"
#include "store/state/state.h"

/* The twin: entries in order of insertion, found by looking at all of them. */
struct twin_entry {
    char key[40];
    uint32_t key_len;
    uint64_t words[2];
    uint32_t nulls;
    int64_t value;
};
struct twin {
    struct twin_entry *entries;
    uint32_t count;
};

static uint32_t twin_find(const struct twin *twin, const struct twin_entry *key)
{
    for (uint32_t i = 0; i < twin->count; i++) {
        const struct twin_entry *e = &twin->entries[i];
        if (e->words[0] == key->words[0] && e->key_len == key->key_len && e->nulls == key->nulls &&
            e->words[1] == key->words[1] && memcmp(e->key, key->key, e->key_len) == 0)
            return i;
    }
    return twin->count;
}

static void twin_remove(struct twin *twin, uint32_t i)
{
    memmove(&twin->entries[i], &twin->entries[i + 1],
            (twin->count - i - 1) * sizeof(*twin->entries));
    twin->count--;
}

static struct twin_entry random_key(struct rng *rng, uint32_t words, uint32_t range)
{
    struct twin_entry e = {0};
    uint64_t n = rng_below(rng, range);

    if (!words) {
        e.key_len = (uint32_t)snprintf(e.key, sizeof(e.key), "%*s%llu", (int)(n % 7), "",
                                       (unsigned long long)n);
        return e;
    }
    e.words[0] = n;
    if (words == 2)
        e.words[1] = n * 7 % 5;
    if (n % 11 == 0) {
        e.nulls = 1;
        e.words[0] = 0;
    }
    return e;
}

static void expect_same(const struct state_table *t, const struct twin *twin)
{
    uint32_t i = 0;

    EXPECT_INT(state_count(t), twin->count);
    for (uint32_t p = 0; p < t->used; p++) {
        const int64_t *value = state_at(t, p);
        if (!value)
            continue;
        const struct twin_entry *e = &twin->entries[i++];
        EXPECT_INT(*value, e->value);
        if (t->words) {
            EXPECT_INT(state_key_words(t, value)[0], e->words[0]);
            EXPECT_INT(state_key_nulls(t, value), e->nulls);
        } else {
            EXPECT_BYTES(state_key_bytes(t, value), bytes_of(e->key, e->key_len));
        }
    }
    EXPECT_INT(i, twin->count);
}

enum { BATCH_MAX = 300 };
struct batch {
    struct twin_entry entries[BATCH_MAX];
    uint64_t words[BATCH_MAX * 2], hashes[BATCH_MAX];
    uint32_t nulls[BATCH_MAX];
    struct bytes bytes[BATCH_MAX];
    struct state_keys keys;
};

static void batch_make(struct batch *b, struct rng *rng, uint32_t words, uint32_t range, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct twin_entry *e = &b->entries[i];
        *e = random_key(rng, words, range);
        for (uint32_t w = 0; w < words; w++)
            b->words[i * words + w] = e->words[w];
        b->nulls[i] = e->nulls;
        b->bytes[i] = bytes_of(e->key, e->key_len);
    }
    b->keys = (struct state_keys){.count = count, .words = words, .fixed = b->words,
                                  .nulls = b->nulls, .bytes = b->bytes, .hashes = b->hashes};
    state_hash(&b->keys, b->hashes);
}

static void step_add(struct state_table *t, struct twin *twin, struct batch *b)
{
    void *values[BATCH_MAX];
    uint8_t fresh[BATCH_MAX];

    state_upsert(t, &b->keys, NULL, b->keys.count, values, fresh);
    for (uint32_t i = 0; i < b->keys.count; i++) {
        uint32_t at = twin_find(twin, &b->entries[i]);
        EXPECT_INT(fresh[i], at == twin->count);
        if (at == twin->count) {
            twin->entries[twin->count] = b->entries[i];
            twin->entries[twin->count++].value = 0;
        }
        *(int64_t *)values[i] += i + 1;
        twin->entries[at].value += i + 1;
        EXPECT_INT(*(int64_t *)values[i], twin->entries[at].value);
    }
}

static void step_remove(struct state_table *t, struct twin *twin, struct batch *b)
{
    void *value;

    for (uint16_t i = 0; i < b->keys.count; i++) {
        uint32_t at = twin_find(twin, &b->entries[i]);
        state_find(t, &b->keys, &i, 1, &value);
        EXPECT_INT(value != NULL, at < twin->count);
        if (value) {
            state_remove(t, value);
            twin_remove(twin, at);
        }
    }
}

static void step_reload(struct state_table *t, struct rng *rng)
{
    struct snap_writer w = {0};
    uint32_t shards = 1 + (uint32_t)rng_below(rng, 3), sum = 0, words = t->words;

    state_save(t, &w, NULL, NULL);
    for (uint32_t s = 0; s < shards; s++) { /* split over shards: each entry is on exactly one */
        struct state_table part;
        struct reader r = reader_of(buf_view(&w.buf));
        state_init(&part, words, 8);
        EXPECT_OK(state_load(&part, &r, &(struct state_mine){s, shards}, NULL, NULL));
        EXPECT_INT(reader_left(&r), 0);
        sum += state_count(&part);
        state_deinit(&part);
    }
    EXPECT_INT(sum, state_count(t));
    state_clear(t);
    struct reader r = reader_of(buf_view(&w.buf));
    EXPECT_OK(state_load(t, &r, &(struct state_mine){0, 1}, NULL, NULL));
    buf_deinit(&w.buf);
}

static void table_model(uint32_t words, uint32_t range, uint32_t steps, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    struct state_table t;
    struct twin twin = {malloc(sizeof(struct twin_entry) * (range + BATCH_MAX)), 0};
    struct batch *b = malloc(sizeof(*b));

    state_init(&t, words, 8);
    for (uint32_t step = 0; step < steps; step++) {
        batch_make(b, &rng, words, range, 1 + (uint32_t)rng_below(&rng, BATCH_MAX));
        switch (rng_below(&rng, 8)) {
        case 0: case 1: case 2: step_remove(&t, &twin, b); break;
        case 3: step_reload(&t, &rng); break;
        default: step_add(&t, &twin, b); break;
        }
        expect_same(&t, &twin);
    }
    state_deinit(&t);
    free(twin.entries);
    free(b);
}

TEST_SECONDS(state_table_is_its_twin, 60)
{
    for (uint32_t words = 0; words <= 2; words++) {
        table_model(words, 12, 100, test_seed() + words);
        table_model(words, 400, 40, test_seed() + 10 + words);
        table_model(words, 2000, 20, test_seed() + 20 + words);
    }
}

TEST(state_table_of_many_keeps_order_and_finds_all)
{
    enum { MANY = 100000 };
    struct state_table t;

    state_init(&t, 1, 8);
    for (uint64_t i = 0; i < MANY; i++) {
        uint64_t key = i * 2654435761u, hash;
        struct state_keys keys = {.count = 1, .words = 1, .fixed = &key, .hashes = &hash};
        void *value;
        state_hash(&keys, &hash);
        state_upsert(&t, &keys, NULL, 1, &value, NULL);
        *(uint64_t *)value = i;
    }
    EXPECT_INT(state_count(&t), MANY);
    for (uint32_t p = 0; p < MANY; p++)
        EXPECT_INT(*(uint64_t *)state_at(&t, p), p);
    state_deinit(&t);
}

TEST(state_load_refuses_what_is_no_table)
{
    struct snap_writer w = {0};
    struct state_table t;
    uint64_t keys_data[3] = {1, 2, 3}, hashes[3];
    void *values[3];
    struct state_keys keys = {.count = 3, .words = 1, .fixed = keys_data, .hashes = hashes};

    state_init(&t, 1, 8);
    state_hash(&keys, hashes);
    state_upsert(&t, &keys, NULL, 3, values, NULL);
    state_save(&t, &w, NULL, NULL);
    for (size_t cut = 0; cut < w.buf.len; cut++) {
        struct reader r = reader_of(bytes_of(w.buf.ptr, cut));
        state_clear(&t);
        EXPECT_STATUS(state_load(&t, &r, &(struct state_mine){0, 1}, NULL, NULL), ST_CORRUPT);
    }
    state_deinit(&t);
    buf_deinit(&w.buf);
}

static int compare_i64(const void *context, const void *a, const void *b)
{
    (void)context;
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

TEST_SECONDS(sorted_is_a_sorted_array, 30)
{
    enum { MANY = 3000 };
    struct rng rng = rng_seed(test_seed());
    struct state_heap heap;
    struct sorted s = {0};
    int64_t twin[MANY];
    uint32_t count = 0;

    heap_init(&heap);
    for (uint32_t step = 0; step < 20000; step++) {
        int64_t v = (int64_t)rng_below(&rng, 100000);
        uint32_t below = 0;
        while (below < count && twin[below] < v)
            below++;
        struct sorted_at at = sorted_seek(&s, compare_i64, NULL, &v);
        EXPECT_INT(sorted_rank(&s, at), below);
        if (count < MANY && (step / 4000) % 2 == 0) {
            sorted_insert(&s, &heap, at, heap_copy(&heap, &v, sizeof(v)));
            memmove(twin + below + 1, twin + below, (count - below) * sizeof(*twin));
            twin[below] = v;
            count++;
        } else if (below < count) {
            void *item = sorted_get(&s, at);
            EXPECT_INT(*(int64_t *)item, twin[below]);
            sorted_remove(&s, &heap, at);
            heap_free(&heap, item, sizeof(v));
            memmove(twin + below, twin + below + 1, (count - below - 1) * sizeof(*twin));
            count--;
        } else {
            EXPECT(sorted_get(&s, at) == NULL);
        }
        EXPECT_INT(s.count, count);
    }
    struct sorted_at at = sorted_first();
    for (uint32_t i = 0; i < count; i++, at = sorted_next(&s, at)) {
        EXPECT_INT(*(int64_t *)sorted_get(&s, at), twin[i]);
        struct sorted_at nth = sorted_nth(&s, i);
        EXPECT(nth.block == at.block && nth.item == at.item);
    }
    for (; s.count;) {
        void *item = sorted_get(&s, sorted_last(&s));
        sorted_remove(&s, &heap, sorted_last(&s));
        heap_free(&heap, item, sizeof(int64_t));
    }
    EXPECT_INT(heap.used_bytes, 0);
    heap_deinit(&heap);
}

/* A table that has few entries, and so no slots, gets more new keys at once than its first slots hold. */
TEST(state_few_keys_then_many_at_once)
{
    enum { MANY = 200 };
    uint64_t words[MANY], hashes[MANY];
    void *values[MANY];

    for (uint32_t i = 0; i < MANY; i++)
        words[i] = i;
    struct state_keys keys = {.count = MANY, .words = 1, .fixed = words, .hashes = hashes};
    state_hash(&keys, hashes);
    for (uint32_t few = 0; few <= 40; few++) {
        struct state_table t;
        state_init(&t, 1, sizeof(int64_t));
        state_upsert(&t, &keys, NULL, few, values, NULL);
        state_upsert(&t, &keys, NULL, MANY, values, NULL);
        EXPECT_INT(state_count(&t), MANY);
        state_find(&t, &keys, NULL, MANY, values);
        for (uint32_t i = 0; i < MANY; i++)
            EXPECT(values[i] == state_at(&t, i));
        state_deinit(&t);
    }
}
