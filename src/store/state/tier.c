/* How: see tier.h. Entries are saved while they are in the table, and dropped from it when the store has them, so that a store
 * that fails has taken nothing away. */
#include "store/state/tier.h"

#include <stdlib.h>

#include "base/check.h"

enum { GROUP = 64, ROUNDS = 2 /* of the hand in one move: the first may find all in use */, REPACK_BYTES_MIN = 64 << 10 };

#ifdef QW_SLOW_CHECKS
struct tier_bugs tier_bugs;
#endif

void tier_open(struct state_tier *t, const struct cold_options *options)
{
    CHECK(t->table && !t->table->used);
    t->cold_options = *options;
    t->table->marks = true;
}

void tier_close(struct state_tier *t)
{
    if (t->cold)
        cold_close(t->cold);
    t->cold = NULL;
    free(t->victims);
    t->victims = NULL;
}

/* A scan that nobody goes on with. */
static void end_scan(struct state_tier *t)
{
    if (t->doing == TIER_SCANS && cold_busy(t->cold)) {
        cold_wait(t->cold);
        enum status ignored = cold_poll(t->cold); /* a failure stays with the store */
        (void)ignored;
    }
    if (t->doing == TIER_SCANS || t->doing == TIER_SCANNED)
        t->doing = TIER_RESTS;
}

/* ---- coming back ---- */

static enum status load_taken(struct state_tier *t)
{
    struct bytes entry;
    enum status st = cold_poll(t->cold);

    if (st == ST_AGAIN)
        return st;
    t->doing = TIER_RESTS;
    TRY(st);
    while (cold_next(t->cold, &entry)) {
        struct reader r = reader_of(entry);
        TRY(state_load_entry(t->table, &r, &(struct state_mine){0, 1}, t->load, t->context));
    }
    return ST_OK;
}

/* Asks for those of the keys that are not in the table and may be on disk. */
static uint32_t want_missing(struct state_tier *t, const struct state_keys *keys)
{
    void *values[GROUP];
    uint16_t which[GROUP];
    struct buf key;
    uint32_t wanted = 0;

    buf_init(&key, 0);
    for (uint32_t from = 0; from < keys->count; from += GROUP) {
        uint32_t n = keys->count - from < GROUP ? keys->count - from : GROUP;
        for (uint32_t i = 0; i < n; i++)
            which[i] = (uint16_t)(from + i);
        state_find(t->table, keys, which, n, values);
        for (uint32_t i = 0; i < n; i++) {
            if (values[i])
                state_mark(t->table, values[i]); /* it may be looked up alone, which does not */
            if (values[i] || !cold_maybe(t->cold, keys->hashes[from + i]))
                continue;
            buf_clear(&key);
            state_save_key(keys, from + i, &key);
            cold_want(t->cold, keys->hashes[from + i], buf_view(&key));
            wanted++;
        }
    }
    buf_deinit(&key);
    return wanted;
}

enum status tier_need(struct state_tier *t, const struct state_keys *keys)
{
    end_scan(t);
    if (t->doing == TIER_TAKES)
        return load_taken(t);
    CHECK(t->doing == TIER_RESTS);
    CHECK(keys->count <= COLD_BATCH);
    if (!tier_count(t) || tier_bugs.skip_need || !want_missing(t, keys))
        return ST_OK;
    cold_take(t->cold);
    t->doing = TIER_TAKES;
    return ST_AGAIN;
}

/* ---- going ---- */

/* The next entry that was not used since the hand last passed it; NULL: the hand may go no further. */
static void *next_victim(struct state_tier *t, uint32_t *steps)
{
    while (*steps) {
        (*steps)--;
        t->steps_left--;
        if (t->hand >= t->table->used)
            t->hand = 0;
        void *value = state_at(t->table, t->hand++);
        if (value && !state_unmark(t->table, value))
            return value;
    }
    return NULL;
}

/* The puts of one store: the hand goes around once at most, as what it has chosen is still in the table. */
static void choose_victims(struct state_tier *t)
{
    uint32_t most = t->move_left < COLD_BATCH ? t->move_left : COLD_BATCH;
    uint32_t steps = t->steps_left < t->table->used ? t->steps_left : t->table->used;
    struct buf entry;
    void *value;

    t->victims_count = 0;
    buf_init(&entry, 0);
    while (t->victims_count < most && (value = next_victim(t, &steps)) != NULL) {
        buf_clear(&entry);
        state_save_entry(t->table, value, &entry, t->save, t->context);
        if (entry.len > COLD_ENTRY_MAX)
            continue;
        cold_put(t->cold, state_hash_of(t->table, value), buf_view(&entry));
        t->victims[t->victims_count++] = value;
    }
    buf_deinit(&entry);
}

/* False: there are none to be moved. */
static bool store_some(struct state_tier *t)
{
    if (!t->cold)
        t->cold = cold_open(&t->cold_options);
    if (!t->victims)
        t->victims = xmalloc(COLD_BATCH * sizeof(*t->victims));
    do
        choose_victims(t);
    while (!t->victims_count && t->steps_left);
    if (!t->victims_count)
        return false;
    cold_store(t->cold);
    t->doing = TIER_STORES;
    return true;
}

static enum status drop_stored(struct state_tier *t)
{
    enum status st = cold_poll(t->cold);

    if (st == ST_AGAIN)
        return st;
    t->doing = TIER_RESTS;
    for (uint32_t i = 0; i < t->victims_count; i++)
        if (cold_is_stored(t->cold, i)) {
            if (t->release)
                t->release(t->context, t->victims[i]);
            state_remove(t->table, t->victims[i]);
            t->move_left--;
        }
    return st;
}

static void swap_heaps(struct state_heap *a, struct state_heap *b)
{
    struct state_heap kept = *a;

    *a = *b;
    *b = kept;
}

/* One value by way of its saved form: it is freed in the heap that there is, and loaded into the fresh one. */
static void repack_value(struct state_tier *t, void *value, struct state_heap *fresh, struct buf *saved)
{
    buf_clear(saved);
    t->save(t->context, value, saved);
    t->release(t->context, value);
    memset(value, 0, t->table->value_size);
    swap_heaps(t->heap, fresh);
    struct reader r = reader_of(buf_view(saved));
    bool whole = t->load(t->context, value, &r);
    CHECK(whole);
    swap_heaps(t->heap, fresh);
}

static void repack(struct state_tier *t)
{
    struct state_heap fresh;
    struct buf saved;

    if (!t->heap || t->heap->held_bytes < REPACK_BYTES_MIN || t->heap->used_bytes > t->heap->held_bytes / 2)
        return;
    heap_init(&fresh);
    buf_init(&saved, 0);
    for (uint32_t at = 0; at < t->table->used; at++) {
        void *value = state_at(t->table, at);
        if (value)
            repack_value(t, value, &fresh, &saved);
    }
    swap_heaps(t->heap, &fresh);
    heap_deinit(&fresh);
    buf_deinit(&saved);
}

static enum status move_over(struct state_tier *t, enum status st)
{
    t->moving = false;
    free(t->victims);
    t->victims = NULL;
    state_shrink(t->table);
    repack(t);
    return st;
}

enum status tier_move(struct state_tier *t, uint32_t entries)
{
    end_scan(t);
    if (!t->moving) {
        CHECK(t->doing == TIER_RESTS && !t->table->held);
        t->moving = true;
        t->move_left = entries;
        t->steps_left = ROUNDS * t->table->used;
    }
    if (t->doing == TIER_STORES) {
        enum status st = drop_stored(t);
        if (st != ST_OK)
            return st == ST_AGAIN ? st : move_over(t, st);
    }
    if (t->move_left && store_some(t))
        return ST_AGAIN;
    return move_over(t, ST_OK);
}

/* ---- for a checkpoint ---- */

static void scan_on(struct state_tier *t)
{
    t->doing = cold_scan(t->cold) ? TIER_SCANS : TIER_SCANNED;
}

enum status tier_scan(struct state_tier *t, bool first, struct buf *out)
{
    struct bytes entry;

    if (first) {
        end_scan(t);
        if (!tier_count(t) || tier_bugs.skip_scan)
            return ST_END;
        CHECK(t->doing == TIER_RESTS);
        cold_scan_begin(t->cold);
        scan_on(t);
        return ST_AGAIN;
    }
    if (t->doing == TIER_SCANNED) {
        t->doing = TIER_RESTS;
        return ST_END;
    }
    CHECK(t->doing == TIER_SCANS);
    enum status st = cold_poll(t->cold);
    if (st != ST_OK) {
        t->doing = st == ST_AGAIN ? TIER_SCANS : TIER_RESTS;
        return st;
    }
    state_save_head(t->table, cold_given(t->cold), out);
    while (cold_next(t->cold, &entry))
        buf_bytes(out, entry);
    scan_on(t);
    return ST_OK;
}
