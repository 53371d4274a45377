/* How: see the drawing in state.h. A batch goes in groups of GROUP keys: first the slots of all are
 * asked for, then the entries the slots point to, then each key is resolved; by then its lines are
 * in the cache. Slots hold half of the hash, so that a wrong entry is almost never touched, and
 * removal can shift slots back without reading entries. */
#include "store/state/state.h"

#include <stdlib.h>

#include "base/check.h"

enum { PAGE_FIRST = 4, GROUP = 32, SLOTS_MIN = 32, HEADER = 8,
       PREFETCH_FROM = 2048 /* entries; below, all of it is in the cache anyway */ };

#define LIVE 0x80000000u
#define USED 0x40000000u
#define NULLS (~(LIVE | USED))

struct entry_bytes { /* the key of a table of bytes keys */
    uint8_t *ptr;
    uint32_t len, pad;
};

void state_init(struct state_table *t, uint32_t words, uint32_t value_size)
{
    CHECK(words <= STATE_WORDS_MAX);
    memset(t, 0, sizeof(*t));
    t->words = words;
    t->key_size = words ? words * 8 : (uint32_t)sizeof(struct entry_bytes);
    t->value_size = (value_size + 7) & ~7u;
    t->entry_size = HEADER + t->key_size + t->value_size;
    heap_init(&t->keys);
}

void state_deinit(struct state_table *t)
{
    for (uint32_t i = 0; i < t->pages_count; i++)
        free(t->pages[i]);
    free(t->pages);
    free(t->slots);
    heap_deinit(&t->keys);
    t->pages = NULL;
    t->slots = NULL;
    t->pages_count = t->used = t->live = t->touched = t->mask = t->hand = 0;
}

void state_clear(struct state_table *t)
{
    uint32_t words = t->words, value_size = t->value_size;
    bool marks = t->marks;

    state_deinit(t);
    state_init(t, words, value_size);
    t->marks = marks;
}

/* Page k holds positions PAGE_FIRST * (2^k - 1) .. PAGE_FIRST * (2^(k+1) - 1) - 1. */
static inline uint8_t *entry_at(const struct state_table *t, uint32_t position)
{
    uint32_t shifted = position + PAGE_FIRST;
    uint32_t page = 29 - (uint32_t)__builtin_clz(shifted); /* PAGE_FIRST = 2^2 */
    uint32_t within = shifted - ((uint32_t)PAGE_FIRST << page);

    return t->pages[page] + (size_t)within * t->entry_size;
}

static inline uint32_t entry_hash(const uint8_t *entry)
{
    uint32_t h;
    memcpy(&h, entry, 4);
    return h;
}

static inline uint32_t entry_meta(const uint8_t *entry)
{
    uint32_t m;
    memcpy(&m, entry + 4, 4);
    return m;
}

static inline struct bytes entry_key_bytes(const uint8_t *entry)
{
    struct entry_bytes k;
    memcpy(&k, entry + HEADER, sizeof(k));
    return bytes_of(k.ptr, k.len);
}

#ifdef QW_SLOW_CHECKS
uint32_t state_bug_hash_seed;
#endif

/* The planted bug's walk: the entry of the n-th slot in use, in the order that hash and seed give them; past
 * them as holes. */
static uint32_t position_by_hash(const struct state_table *t, uint32_t n)
{
    for (uint32_t i = 0; i <= t->mask; i++) {
        uint64_t slot = t->slots[(i ^ state_bug_hash_seed) & t->mask];
        if (slot && n-- == 0)
            return (uint32_t)slot - 1;
    }
    return UINT32_MAX;
}

void *state_at(const struct state_table *t, uint32_t position)
{
    if (state_bug_hash_seed && t->slots) {
        position = position_by_hash(t, position);
        if (position == UINT32_MAX)
            return NULL;
    }
    uint8_t *entry = entry_at(t, position);

    return entry_meta(entry) & LIVE ? entry + HEADER + t->key_size : NULL;
}

struct bytes state_key_bytes(const struct state_table *t, const void *value)
{
    return entry_key_bytes((const uint8_t *)value - t->key_size - HEADER);
}

uint64_t state_bytes(const struct state_table *t)
{
    uint64_t slots = t->slots ? ((uint64_t)t->mask + 1) * 8 : 0;

    uint32_t touched = t->used > t->touched ? t->used : t->touched;

    return (uint64_t)touched * t->entry_size + slots + t->keys.held_bytes;
}

void state_hash(const struct state_keys *keys, uint64_t *out)
{
    if (!keys->words) {
        for (uint32_t i = 0; i < keys->count; i++)
            out[i] = hash_bytes(keys->bytes[i]);
        return;
    }
    if (keys->words == 1 && !keys->nulls) {
        for (uint32_t i = 0; i < keys->count; i++)
            out[i] = state_hash_fixed(&keys->fixed[i], 1, 0);
        return;
    }
    for (uint32_t i = 0; i < keys->count; i++)
        out[i] = state_hash_fixed(&keys->fixed[(size_t)i * keys->words], keys->words,
                                  keys->nulls ? keys->nulls[i] : 0);
}

/* ---- slots ---- */

static inline uint64_t slot_make(uint32_t hash, uint32_t position)
{
    return (uint64_t)hash << 32 | (position + 1);
}

static void slots_put(struct state_table *t, uint32_t hash, uint32_t position)
{
    uint32_t i = hash & t->mask;

    while (t->slots[i])
        i = (i + 1) & t->mask;
    t->slots[i] = slot_make(hash, position);
}

static void slots_build(struct state_table *t, uint32_t slots)
{
    free(t->slots);
    t->slots = xcalloc(slots, sizeof(uint64_t));
    t->mask = slots - 1;
    for (uint32_t p = 0; p < t->used; p++) {
        uint8_t *entry = entry_at(t, p);
        if (entry_meta(entry) & LIVE)
            slots_put(t, entry_hash(entry), p);
    }
}

/* Room for `more` further entries at a load of at most 5/8. */
static inline void slots_room(struct state_table *t, uint32_t more)
{
    uint64_t need = ((uint64_t)t->live + more) * 8 / 5 + 1;

    if (t->slots && need <= (uint64_t)t->mask + 1)
        return;
    uint32_t slots = SLOTS_MIN;
    while (slots < need)
        slots *= 2;
    slots_build(t, slots);
}

/* Backward shift: what follows the free slot and may stand in it moves up; no tombstones. */
static void slots_take(struct state_table *t, uint32_t hash, uint32_t position)
{
    uint32_t hole = hash & t->mask;

    while (t->slots[hole] != slot_make(hash, position)) {
        CHECK(t->slots[hole] != 0);
        hole = (hole + 1) & t->mask;
    }
    for (uint32_t i = (hole + 1) & t->mask; t->slots[i]; i = (i + 1) & t->mask) {
        uint32_t home = (uint32_t)(t->slots[i] >> 32) & t->mask;
        if (((i - home) & t->mask) >= ((i - hole) & t->mask)) {
            t->slots[hole] = t->slots[i];
            hole = i;
        }
    }
    t->slots[hole] = 0;
}

/* ---- finding and adding one key ---- */

static inline bool entry_is(const struct state_table *t, const uint8_t *entry,
                            const struct state_keys *keys, uint32_t k)
{
    if (!t->words)
        return bytes_equal(entry_key_bytes(entry), keys->bytes[k]);
    uint32_t nulls = keys->nulls ? keys->nulls[k] : 0;
    if ((entry_meta(entry) & ~USED) != (nulls | LIVE))
        return false;
    const uint64_t *have = (const uint64_t *)(entry + HEADER);
    const uint64_t *want = &keys->fixed[(size_t)k * t->words];
    for (uint32_t i = 0; i < t->words; i++)
        if (have[i] != want[i])
            return false;
    return true;
}

/* The entry of key k, or NULL. */
static inline uint8_t *entry_find(const struct state_table *t, const struct state_keys *keys, uint32_t k)
{
    uint32_t hash = (uint32_t)keys->hashes[k];

    if (!t->slots) {
        for (uint32_t p = 0; p < t->used; p++) {
            uint8_t *entry = entry_at(t, p);
            if (entry_hash(entry) == hash && (entry_meta(entry) & LIVE) &&
                entry_is(t, entry, keys, k))
                return entry;
        }
        return NULL;
    }
    for (uint32_t i = hash & t->mask;; i = (i + 1) & t->mask) {
        uint64_t slot = t->slots[i];
        if (!slot)
            return NULL;
        if ((uint32_t)(slot >> 32) != hash)
            continue;
        uint8_t *entry = entry_at(t, (uint32_t)slot - 1);
        if (entry_is(t, entry, keys, k))
            return entry;
    }
}

static void page_add(struct state_table *t)
{
    CHECK(t->pages_count < STATE_PAGES);
    if ((t->pages_count & (t->pages_count + 1)) == 0) /* 0, 1, 3, 7, …: room for one more power */
        t->pages = xrealloc(t->pages, sizeof(*t->pages) * (2 * t->pages_count + 1));
    t->pages[t->pages_count] = xmalloc(((size_t)PAGE_FIRST << t->pages_count) * t->entry_size);
    t->pages_count++;
}

static uint8_t *entry_add(struct state_table *t, const struct state_keys *keys, uint32_t k)
{
    uint32_t hash = (uint32_t)keys->hashes[k], position = t->used;
    uint32_t meta = LIVE | (t->words && keys->nulls ? keys->nulls[k] : 0);

    if (position == (uint32_t)PAGE_FIRST * ((1u << t->pages_count) - 1))
        page_add(t);
    uint8_t *entry = entry_at(t, position);
    memcpy(entry, &hash, 4);
    memcpy(entry + 4, &meta, 4);
    if (t->words) {
        memcpy(entry + HEADER, &keys->fixed[(size_t)k * t->words], t->key_size);
    } else {
        struct entry_bytes key = {.len = (uint32_t)keys->bytes[k].len};
        CHECK(keys->bytes[k].len == key.len);
        key.ptr = heap_copy(&t->keys, keys->bytes[k].ptr, key.len);
        memcpy(entry + HEADER, &key, sizeof(key));
    }
    memset(entry + HEADER + t->key_size, 0, t->value_size);
    t->used++;
    t->live++;
    if (t->slots)
        slots_put(t, hash, position);
    else if (t->used > STATE_LINEAR)
        slots_room(t, GROUP); /* the rest of the caller's group comes without asking again */
    return entry;
}

static inline void entry_mark(uint8_t *entry)
{
    uint32_t meta = entry_meta(entry) | USED;

    memcpy(entry + 4, &meta, 4);
}

void state_mark(struct state_table *t, void *value)
{
    CHECK(t->marks);
    entry_mark((uint8_t *)value - t->key_size - HEADER);
}

bool state_unmark(struct state_table *t, void *value)
{
    uint8_t *entry = (uint8_t *)value - t->key_size - HEADER;
    uint32_t meta = entry_meta(entry), clear = meta & ~USED;

    memcpy(entry + 4, &clear, 4);
    return meta & USED;
}

/* Closes the holes: live entries move to the front, in their order. */
static void compact(struct state_table *t)
{
    uint32_t to = 0, from_used = t->used, hand = t->hand;

    t->touched = from_used > t->touched ? from_used : t->touched;
    for (uint32_t p = 0; p < from_used; p++) {
        uint8_t *entry = entry_at(t, p);
        if (p == hand)
            t->hand = to;
        if (!(entry_meta(entry) & LIVE))
            continue;
        if (to != p)
            memcpy(entry_at(t, to), entry, t->entry_size);
        to++;
    }
    CHECK(to == t->live);
    t->used = to;
    t->hand = t->hand < to ? t->hand : to;
    while (t->pages_count && (uint32_t)PAGE_FIRST * ((1u << (t->pages_count - 1)) - 1) > t->used)
        free(t->pages[--t->pages_count]);
    uint32_t room = (uint32_t)PAGE_FIRST * ((1u << t->pages_count) - 1);
    t->touched = t->touched < room ? t->touched : room;
    free(t->slots);
    t->slots = NULL;
    t->mask = 0;
    if (t->used > STATE_LINEAR)
        slots_room(t, GROUP);
}

static inline bool has_many_holes(const struct state_table *t)
{
    return !t->held && t->used > 64 && t->used > 2 * t->live;
}

void state_shrink(struct state_table *t)
{
    if (!t->held && t->used > t->live)
        compact(t);
}

static inline uint32_t key_of(const uint16_t *which, uint32_t i)
{
    return which ? which[i] : i;
}

/* Asks for the lines that a group of keys needs. */
static void prefetch_group(const struct state_table *t, const struct state_keys *keys,
                           const uint16_t *which, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        __builtin_prefetch(&t->slots[(uint32_t)keys->hashes[key_of(which, i)] & t->mask]);
    for (uint32_t i = from; i < to; i++) {
        uint32_t hash = (uint32_t)keys->hashes[key_of(which, i)];
        uint64_t slot = t->slots[hash & t->mask];
        if (slot && (uint32_t)(slot >> 32) != hash)
            slot = t->slots[(hash + 1) & t->mask];
        if (slot) {
            uint8_t *entry = entry_at(t, (uint32_t)slot - 1);
            __builtin_prefetch(entry, 1);
            if (t->entry_size > 64)
                __builtin_prefetch(entry + 64, 1);
        }
    }
}

void state_find(const struct state_table *t, const struct state_keys *keys, const uint16_t *which,
                uint32_t count, void **values)
{
    CHECK(keys->words == t->words);
    for (uint32_t from = 0; from < count; from += GROUP) {
        uint32_t to = from + GROUP < count ? from + GROUP : count;
        if (t->slots && t->used > PREFETCH_FROM)
            prefetch_group(t, keys, which, from, to);
        for (uint32_t i = from; i < to; i++) {
            uint8_t *entry = entry_find(t, keys, key_of(which, i));
            values[i] = entry ? entry + HEADER + t->key_size : NULL;
        }
    }
}

void state_upsert(struct state_table *t, const struct state_keys *keys, const uint16_t *which,
                  uint32_t count, void **values, uint8_t *fresh)
{
    CHECK(keys->words == t->words);
    if (has_many_holes(t))
        compact(t);
    for (uint32_t from = 0; from < count; from += GROUP) {
        uint32_t to = from + GROUP < count ? from + GROUP : count;
        if (t->slots) {
            slots_room(t, GROUP);
            if (t->used > PREFETCH_FROM)
                prefetch_group(t, keys, which, from, to);
        }
        for (uint32_t i = from; i < to; i++) {
            uint32_t k = key_of(which, i);
            uint8_t *entry = entry_find(t, keys, k);
            if (fresh)
                fresh[i] = !entry;
            if (!entry)
                entry = entry_add(t, keys, k);
            if (t->marks)
                entry_mark(entry);
            values[i] = entry + HEADER + t->key_size;
        }
    }
}

/* The position of an entry is not written in it: its slot has it. */
static uint32_t entry_position(const struct state_table *t, const uint8_t *entry)
{
    uint32_t hash = entry_hash(entry);

    for (uint32_t i = hash & t->mask;; i = (i + 1) & t->mask) {
        CHECK(t->slots[i] != 0);
        if ((uint32_t)(t->slots[i] >> 32) == hash &&
            entry_at(t, (uint32_t)t->slots[i] - 1) == entry)
            return (uint32_t)t->slots[i] - 1;
    }
}

void state_remove(struct state_table *t, void *value)
{
    uint8_t *entry = (uint8_t *)value - t->key_size - HEADER;
    uint32_t dead = 0;

    CHECK(entry_meta(entry) & LIVE);
    if (t->slots)
        slots_take(t, entry_hash(entry), entry_position(t, entry));
    if (!t->words) {
        struct entry_bytes key;
        memcpy(&key, entry + HEADER, sizeof(key));
        heap_free(&t->keys, key.ptr, key.len);
    }
    memcpy(entry + 4, &dead, 4);
    t->live--;
}

bool state_look(struct state_table *t, uint32_t most, state_look_fn *fn, void *context)
{
    uint32_t end = t->hand < t->used && most < t->used - t->hand ? t->hand + most : t->used;

    for (; t->hand < end; t->hand++) {
        uint8_t *entry = entry_at(t, t->hand);
        void *value = entry + HEADER + t->key_size;
        if (entry_meta(entry) & LIVE && fn(context, value))
            state_remove(t, value);
    }
    if (end < t->used)
        return false;
    t->hand = 0;
    if (!t->held && t->used && !t->live)
        state_clear(t);
    else if (has_many_holes(t))
        compact(t);
    return true;
}

/* ---- checkpoints ----
 *   u32 entries, u8 words, then each: u8 key group, u32 nulls and words | sized bytes, u32 length, value */

uint64_t state_hash_of(const struct state_table *t, const void *value)
{
    if (!t->words)
        return hash_bytes(state_key_bytes(t, value));
    return state_hash_fixed(state_key_words(t, value), t->words, state_key_nulls(t, value));
}

void state_save_key(const struct state_keys *keys, uint32_t k, struct buf *out)
{
    buf_u8(out, (uint8_t)state_group(keys->hashes[k]));
    if (!keys->words) {
        buf_sized(out, keys->bytes[k]);
        return;
    }
    buf_u32_le(out, keys->nulls ? keys->nulls[k] : 0);
    buf_append(out, &keys->fixed[(size_t)k * keys->words], keys->words * 8ul);
}

void state_save_entry(const struct state_table *t, const void *value, struct buf *out, state_save_fn *save_value,
                      void *context)
{
    uint64_t hash = state_hash_of(t, value);
    uint32_t nulls = state_key_nulls(t, value);
    struct bytes bytes = t->words ? BYTES_NONE : state_key_bytes(t, value);

    state_save_key(&(struct state_keys){.count = 1, .words = t->words, .fixed = state_key_words(t, value),
                                        .nulls = t->words ? &nulls : NULL, .bytes = &bytes, .hashes = &hash},
                   0, out);
    size_t at = out->len;
    buf_u32_le(out, 0);
    if (save_value)
        save_value(context, value, out);
    else
        buf_append(out, value, t->value_size);
    if (!out->failed)
        buf_patch_u32_le(out, at, (uint32_t)(out->len - at - 4));
}

void state_save_head(const struct state_table *t, uint32_t entries, struct buf *out)
{
    buf_u32_le(out, entries);
    buf_u8(out, (uint8_t)t->words);
}

void state_save(const struct state_table *t, struct snap_writer *w, state_save_fn *save_value,
                void *context)
{
    state_save_head(t, t->live, &w->buf);
    for (uint32_t p = 0; p < t->used; p++) {
        const uint8_t *entry = entry_at(t, p);
        if (!(entry_meta(entry) & LIVE))
            continue;
        state_save_entry(t, entry + HEADER + t->key_size, &w->buf, save_value, context);
        snap_room(w);
    }
}

struct saved_key {
    uint64_t words[STATE_WORDS_MAX];
    struct bytes bytes;
    uint32_t nulls, group;
};

static bool key_load(const struct state_table *t, struct reader *r, struct saved_key *key)
{
    *key = (struct saved_key){.group = reader_u8(r)};
    if (!t->words) {
        key->bytes = reader_sized(r);
        return !r->bad;
    }
    key->nulls = reader_u32_le(r);
    for (uint32_t i = 0; i < t->words; i++)
        key->words[i] = reader_u64_le(r);
    return !r->bad && !(key->nulls & ~NULLS);
}

struct bytes state_saved_key(const struct state_table *t, struct reader *r)
{
    (void)reader_u8(r);
    if (!t->words)
        return reader_sized(r);
    (void)reader_u32_le(r);
    return reader_bytes(r, 8u * t->words);
}

struct bytes state_saved_value(const struct state_table *t, struct reader *r)
{
    struct saved_key key;

    return key_load(t, r, &key) ? reader_bytes(r, reader_u32_le(r)) : BYTES_NONE;
}

enum status state_load_entry(struct state_table *t, struct reader *r, const struct state_mine *mine,
                             state_load_fn *load_value, void *context)
{
    struct saved_key key;
    uint64_t hash;
    uint8_t fresh;
    void *value;

    if (!key_load(t, r, &key))
        return ST_CORRUPT;
    struct bytes bytes = reader_bytes(r, reader_u32_le(r));
    if (r->bad)
        return ST_CORRUPT;
    if (!state_is_mine(mine, key.group))
        return ST_OK;
    struct state_keys keys = {.count = 1, .words = t->words, .fixed = key.words, .nulls = &key.nulls,
                              .bytes = &key.bytes, .hashes = &hash};
    state_hash(&keys, &hash);
    if (state_group(hash) != key.group)
        return ST_CORRUPT;
    state_upsert(t, &keys, NULL, 1, &value, &fresh);
    struct reader values = reader_of(bytes);
    if (!fresh)
        return ST_CORRUPT;
    if (load_value)
        return load_value(context, value, &values) ? ST_OK : ST_CORRUPT;
    if (bytes.len != t->value_size)
        return ST_CORRUPT;
    memcpy(value, bytes.ptr, bytes.len);
    return ST_OK;
}

enum status state_load(struct state_table *t, struct reader *r, const struct state_mine *mine,
                       state_load_fn *load_value, void *context)
{
    uint32_t entries = reader_u32_le(r);

    if (reader_u8(r) != t->words)
        return ST_CORRUPT;
    for (uint32_t e = 0; e < entries; e++)
        TRY(state_load_entry(t, r, mine, load_value, context));
    return ST_OK;
}
