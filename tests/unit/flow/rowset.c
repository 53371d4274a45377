/* A rowset beside a naive array: upserts and retractions by chance, few rows and many, keys that are hashed and
 * keys that are not; its order, its sweeping, its saving. */
#include "flow/rowset.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/rng.h"
#include "lib/ops.h"
#include "lib/test.h"

enum { IDS = 900, TICKS = 120, ROWS_A_TICK = 60 };

/* Rows "k i v": the key is made of an id, the value a text of any length. */
struct pair {
    struct arena arena;
    const struct plan_node *of;
    struct rowset set;
    char key_of[IDS][32];
    char *value_of[IDS]; /* NULL: no row */
    uint64_t live, told;
    struct rng rng;
};

static const uint16_t first_two[] = {0, 1};

static void pair_open(struct pair *p, const char *columns, const char *key_format)
{
    struct diag diag = {0};

    *p = (struct pair){.rng = rng_seed(test_seed())};
    arena_init(&p->arena, ARENA_BUDGET_NONE);
    p->of = rig_input(&p->arena, columns);
    EXPECT_OK(rowset_init(&p->set, p->of, NULL, 3, first_two, 2, &diag));
    for (int id = 0; id < IDS; id++)
        snprintf(p->key_of[id], sizeof(p->key_of[id]), key_format, id / 3, id % 3);
    snprintf(p->key_of[7], sizeof(p->key_of[7]), "null null"); /* a key as any other */
}

static void pair_close(struct pair *p)
{
    for (int id = 0; id < IDS; id++)
        free(p->value_of[id]);
    rowset_deinit(&p->set);
    arena_deinit(&p->arena);
}

static void on_change(void *context, const struct rowset_row *old, const struct chunk *in, uint16_t row)
{
    struct pair *p = context;
    struct arena arena;
    struct column cols[3];

    p->told++;
    EXPECT(old || !row_kind_retracts(chunk_kind(in, row)));
    if (!old)
        return;
    arena_init(&arena, ARENA_BUDGET_NONE);
    rowset_columns(&p->set, old, &arena, cols); /* still as it was */
    arena_deinit(&arena);
}

/* The next row, as text; the array takes it at once. True: it changes something. */
static bool step(struct pair *p, int ids, struct buf *rows)
{
    int id = (int)rng_below(&p->rng, (uint64_t)ids);
    bool there = p->value_of[id] != NULL;
    char value[40];

    if (rng_chance(&p->rng, 0.3)) {
        buf_printf(rows, "%s-D %s x", rows->len ? " | " : "", p->key_of[id]);
        free(p->value_of[id]);
        p->value_of[id] = NULL;
        p->live -= there;
        return there;
    }
    snprintf(value, sizeof(value), "%.*s%d", (int)rng_below(&p->rng, 3) * 9, "vvvvvvvvvvvvvvvvvvvvvvvvvvv", (int)rng_below(&p->rng, 3));
    buf_printf(rows, "%s+U %s %s", rows->len ? " | " : "", p->key_of[id], value);
    bool changes = !there || strcmp(p->value_of[id], value) != 0;
    free(p->value_of[id]);
    p->value_of[id] = strdup(value);
    p->live += !there;
    return changes;
}

static void tick(struct pair *p, int ids)
{
    struct arena arena;
    struct buf rows;
    uint64_t want = 0, told = p->told;

    arena_init(&arena, ARENA_BUDGET_NONE);
    buf_init(&rows, 0);
    for (int i = 0; i < ROWS_A_TICK; i++)
        want += step(p, ids, &rows);
    buf_u8(&rows, 0);
    rowset_apply(&p->set, rig_rows(&arena, p->of, (const char *)rows.ptr), on_change, p);
    EXPECT_INT(p->told - told, want);
    rowset_sweep(&p->set);
    buf_deinit(&rows);
    arena_deinit(&arena);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All of one as lines, sorted as texts; the caller frees them and what they point to. */
static char **lines_of_array(const struct pair *p)
{
    char **lines = xmalloc((p->live + 1) * sizeof(*lines));
    uint64_t n = 0;

    for (int id = 0; id < IDS; id++)
        if (p->value_of[id]) {
            lines[n] = xmalloc(100);
            snprintf(lines[n++], 100, "%s %s", p->key_of[id], p->value_of[id]);
        }
    EXPECT_INT(n, p->live);
    qsort(lines, n, sizeof(*lines), by_text);
    return lines;
}

static void same_as_array(struct pair *p)
{
    char **want = lines_of_array(p), **got = xmalloc((p->live + 1) * sizeof(*got));
    struct rowset_at at = {0};
    const struct rowset_row *last, *before = NULL;
    struct chunk chunk;
    uint64_t n = 0;

    EXPECT_INT(p->set.live, p->live);
    EXPECT_INT(p->set.rows.count, p->live); /* no holes are left */
    for (;;) {
        struct arena arena;
        arena_init(&arena, ARENA_BUDGET_NONE);
        uint16_t count = rowset_read(&p->set, &at, 1 + (uint16_t)rng_below(&p->rng, 50), &arena, &chunk, &last);
        for (uint16_t i = 0; i < count; i++) {
            struct buf text;
            buf_init(&text, 0);
            EXPECT(n < p->live);
            rig_print(&text, p->of, &chunk, i);
            buf_u8(&text, 0);
            got[n++] = strdup((const char *)text.ptr);
            buf_deinit(&text);
        }
        if (count && before) /* in order of key */
            EXPECT(pack_compare(&p->set.pack, 0, before->packed, last->packed) <= 0);
        before = count ? last : before;
        arena_deinit(&arena);
        if (!count)
            break;
    }
    EXPECT_INT(n, p->live);
    qsort(got, n, sizeof(*got), by_text);
    for (uint64_t i = 0; i < n; i++) {
        EXPECT_STR(got[i], want[i]);
        free(got[i]);
        free(want[i]);
    }
    free(got);
    free(want);
}

static void reload(struct pair *p)
{
    struct snap_writer w = {0};
    struct diag diag = {0};

    buf_init(&w.buf, 0);
    rowset_save(&p->set, &w);
    rowset_deinit(&p->set);
    EXPECT_OK(rowset_init(&p->set, p->of, NULL, 3, first_two, 2, &diag));
    struct reader r = reader_of(buf_view(&w.buf));
    EXPECT_OK(rowset_load(&p->set, &r));
    EXPECT_INT(reader_left(&r), 0);
    buf_deinit(&w.buf);
}

/* Few ids, then many, then few again: the index is made, and grows, and stays when rows go. */
static void beside_array(const char *columns, const char *key_format, bool hashed)
{
    static const int ids[] = {20, IDS, 40, IDS};
    struct pair p;

    pair_open(&p, columns, key_format);
    EXPECT_INT(p.set.hashed, hashed);
    for (int t = 0; t < TICKS; t++) {
        tick(&p, ids[t * 4 / TICKS]);
        if (t % 10 == 0)
            same_as_array(&p);
        if (t % 37 == 36)
            reload(&p);
    }
    EXPECT_INT(p.set.index.places > 0, hashed);
    EXPECT(!hashed || p.set.index.count == p.set.rows.count);
    for (int id = 0; id < IDS; id++) { /* to the last */
        struct arena arena;
        char row[64];
        arena_init(&arena, ARENA_BUDGET_NONE);
        snprintf(row, sizeof(row), "-D %s x", p.key_of[id]);
        rowset_apply(&p.set, rig_rows(&arena, p.of, row), NULL, NULL);
        arena_deinit(&arena);
    }
    rowset_sweep(&p.set);
    EXPECT_INT(p.set.live + p.set.rows.count + p.set.index.count, 0);
    pair_close(&p);
}

TEST(rowset_by_texts_and_numbers)
{
    beside_array("k text, i bigint, v text", "card-%04d %d", true);
}

TEST(rowset_by_numbers)
{
    beside_array("k bigint, i int, v text", "%d %d", true);
}

TEST(rowset_by_floats_is_found_by_its_order_alone)
{
    beside_array("k double, i bigint, v text", "%d %d", false);
}

static void apply(struct rowset *set, const struct plan_node *of, const char *rows)
{
    struct arena arena;

    arena_init(&arena, ARENA_BUDGET_NONE);
    rowset_apply(set, rig_rows(&arena, of, rows), NULL, NULL);
    rowset_sweep(set);
    arena_deinit(&arena);
}

/* A row that is the same wherever it comes from, told by a shard before another has taken it back. */
TEST(rowset_that_is_exact_counts_a_row_that_comes_twice)
{
    struct pair p;

    pair_open(&p, "k text, i bigint, v text", "%d-%d");
    p.set.exact = true;
    apply(&p.set, p.of, "+I a 1 x");
    apply(&p.set, p.of, "+I a 1 x | -D a 1 x");
    EXPECT_INT(p.set.live, 1);
    apply(&p.set, p.of, "+I a 1 x | +I a 1 y | -D a 1 x");
    EXPECT_INT(p.set.live, 1);
    reload(&p);
    p.set.exact = true;
    apply(&p.set, p.of, "-D a 1 y");
    EXPECT_INT(p.set.live, 1);
    apply(&p.set, p.of, "-D a 1 y");
    EXPECT_INT(p.set.live, 1); /* there is none any more */
    apply(&p.set, p.of, "-D a 1 x");
    EXPECT_INT(p.set.live, 0);
    pair_close(&p);
}
