/* state.h: keyed state: a table from a key to a value of fixed size, in order of insertion.
 *
 * Made for whole chunks: the keys of a chunk are hashed at once, then found or added at once, with the
 * cache lines they need asked for beforehand. Keys are 1 .. STATE_WORDS_MAX words of 8 bytes, or
 * any bytes. Values lie beside their keys and hold what an operator likes (aggregate states, heads
 * of lists in a struct state_heap); they are zero when added.
 *
 * The walk (state_at over positions) is in order of insertion and never by hash, so that what is
 * emitted from it repeats; removed entries leave holes, which are closed by a later state_upsert.
 *
 *   slots: [hash 32 | position + 1] open addressing, linear; none at all up to STATE_LINEAR entries
 *   pages: entries in order of insertion; page k holds FIRST << k of them, never moved
 *   entry: [hash u32][nulls, used, live u32][words, or pointer and length][value]
 *
 * Owns: copies of keys; not what values point to.
 * Values found stay in place until the next state_upsert or state_load of the same table.
 * Threads: one at a time.   Limits: 2^31 entries; keys of 2^32 - 1 bytes.   Layer: store.
 */
#ifndef QW_STORE_STATE_STATE_H
#define QW_STORE_STATE_STATE_H

#include "base/hash.h"
#include "base/reader.h"
#include "base/status.h"
#include "store/state/heap.h"
#include "store/state/snap.h"

enum { STATE_WORDS_MAX = 8, STATE_PAGES = 28, STATE_LINEAR = 8, STATE_GROUPS = 128,
       STATE_KEY_NULLS = 30 };

/* The keys of some rows. words = 0: bytes keys. Hashes are made by state_hash, or given. */
struct state_keys {
    uint32_t count;
    uint32_t words;
    const uint64_t *fixed;      /* count * words */
    const uint32_t *nulls;      /* bit i: part i of the key is null (its word is 0); NULL: none */
    const struct bytes *bytes;
    const uint64_t *hashes;
};

/* The hash of a key decides its key group, so all who distribute rows must use this one. */
static inline uint64_t state_hash_fixed(const uint64_t *words, uint32_t count, uint32_t nulls)
{
    uint64_t h = hash_u64(words[0] + 0x9E3779B97F4A7C15u);

    for (uint32_t i = 1; i < count; i++)
        h = hash_combine(h, words[i]);
    return nulls ? hash_combine(h, nulls) : h;
}
void state_hash(const struct state_keys *keys, uint64_t *out);

static inline uint32_t state_group(uint64_t hash)
{
    return (uint32_t)(hash >> 32) & (STATE_GROUPS - 1);
}

/* Which key groups a load takes: those of one shard among several. */
struct state_mine {
    uint32_t shard, shards;
};
static inline bool state_is_mine(const struct state_mine *mine, uint32_t group)
{
    return group * mine->shards / STATE_GROUPS == mine->shard;
}

struct state_table {
    uint32_t words;      /* of a key; 0: bytes */
    uint32_t key_size, value_size, entry_size;
    uint32_t used, live; /* entries with holes, and without */
    uint32_t touched;    /* entries whose memory was ever written: the rest of the last page costs nothing yet */
    uint32_t hand;       /* the position at which state_look goes on */
    uint32_t mask;       /* slots - 1; 0: no slots */
    uint32_t pages_count;
    bool held;           /* by the owner: values stay in place, holes are not closed */
    bool marks;          /* set by the owner, for state_unmark: upserts mark what they find or add as used */
    uint64_t *slots;
    uint8_t **pages;
    struct state_heap keys; /* bytes of bytes keys */
};

void state_init(struct state_table *t, uint32_t words, uint32_t value_size);
void state_deinit(struct state_table *t);
void state_clear(struct state_table *t);

/* values[i]: that of key which[i] (which NULL: i), or NULL where there is none. */
void state_find(const struct state_table *t, const struct state_keys *keys, const uint16_t *which,
                uint32_t count, void **values);
/* The same, adding what is not there. fresh[i] (may be NULL): 1 where it was added by i. */
void state_upsert(struct state_table *t, const struct state_keys *keys, const uint16_t *which,
                  uint32_t count, void **values, uint8_t *fresh);
/* Removes the entry of a value. Its memory is given back by a later upsert. */
void state_remove(struct state_table *t, void *value);

static inline uint32_t state_count(const struct state_table *t)
{
    return t->live;
}
/* What the table costs: memory that it has written to, its keys included; not what values point to. */
uint64_t state_bytes(const struct state_table *t);

/* Shows fn the values at the next positions, at most so many, going on where the last call stopped; those for which
 * it says true are removed. True: it has come to the end, and begins anew with the next call. Then the memory of what
 * is gone is given back, unless values are held. */
typedef bool state_look_fn(void *context, void *value);
bool state_look(struct state_table *t, uint32_t most, state_look_fn *fn, void *context);

/* The value at a position 0 .. used-1, in order of insertion; NULL: a hole. */
void *state_at(const struct state_table *t, uint32_t position);

/* Planted, for the simulation that must find it: not 0, the walk goes by the hash under this seed, a
 * process's own, which no checkpoint carries. Never set in other tests. */
#ifdef QW_SLOW_CHECKS
extern uint32_t state_bug_hash_seed;
#else
enum { state_bug_hash_seed = 0 };
#endif

/* The key of a value. */
static inline const uint64_t *state_key_words(const struct state_table *t, const void *value)
{
    return (const uint64_t *)((const uint8_t *)value - t->key_size);
}
static inline uint32_t state_key_nulls(const struct state_table *t, const void *value)
{
    uint32_t meta;

    memcpy(&meta, (const uint8_t *)value - t->key_size - 4, 4);
    return meta & 0x3FFFFFFFu;
}
struct bytes state_key_bytes(const struct state_table *t, const void *value);

/* Of a table that marks: it was used; whether it was since the last call. */
void state_mark(struct state_table *t, void *value);
bool state_unmark(struct state_table *t, void *value);
/* Closes holes and gives back what memory that frees. Values move. */
void state_shrink(struct state_table *t);

/* All entries, each with its key group. A value is written by save_value (as many bytes as it likes) and read
 * back by load_value from just those; NULL: the bytes of the value as they are. */
typedef void state_save_fn(void *context, const void *value, struct buf *out);
typedef bool state_load_fn(void *context, void *value, struct reader *r);
void state_save(const struct state_table *t, struct snap_writer *w, state_save_fn *save_value,
                void *context);
/* One entry of those; and what it begins with: key k, by its hash. */
void state_save_entry(const struct state_table *t, const void *value, struct buf *out, state_save_fn *save_value,
                      void *context);
void state_save_key(const struct state_keys *keys, uint32_t k, struct buf *out);
uint64_t state_hash_of(const struct state_table *t, const void *value);
struct bytes state_saved_value(const struct state_table *t, struct reader *r); /* of one entry; none: it is damaged */
struct bytes state_saved_key(const struct state_table *t, struct reader *r);   /* its words or bytes, as they stand there */
/* What stands before so many entries. */
void state_save_head(const struct state_table *t, uint32_t entries, struct buf *out);
enum status state_load_entry(struct state_table *t, struct reader *r, const struct state_mine *mine,
                             state_load_fn *load_value, void *context) MUST_CHECK;
/* Adds the entries of the groups that are mine to what is there (several files may be loaded).
 * ST_CORRUPT: the bytes are not such a table. */
enum status state_load(struct state_table *t, struct reader *r, const struct state_mine *mine,
                       state_load_fn *load_value, void *context) MUST_CHECK;

#endif
