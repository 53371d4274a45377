/* lookup_state.c: see lookup_state.h. */
#include "flow/ops/lookup_state.h"
#include "flow/ops/keyed.h"

#include "base/check.h"

/* ---- keys ---- */

struct lookup_key *lookup_key_of(struct lookup_state *s, void *value)
{
    struct lookup_key *key = keyed_piece(value);

    if (key)
        return key;
    struct bytes text = s->keys.words ? bytes_of(state_key_words(&s->keys, value), s->keys.words * sizeof(uint64_t))
                                      : state_key_bytes(&s->keys, value);
    key = heap_alloc(&s->heap, sizeof(*key) + text.len);
    *key = (struct lookup_key){.nulls = s->keys.words ? state_key_nulls(&s->keys, value) : 0,
                               .size = (uint32_t)text.len};
    memcpy(key->key, text.ptr, text.len);
    struct bytes own = bytes_of(key->key, key->size);
    struct state_keys keys = {.count = 1, .words = s->keys.words, .fixed = (const uint64_t *)key->key,
                              .nulls = key->nulls ? &key->nulls : NULL, .bytes = &own};
    state_hash(&keys, &key->hash);
    memcpy(value, &key, sizeof(key));
    return key;
}

/* The entry that points to it. */
static void *entry_of(struct lookup_state *s, struct lookup_key *key)
{
    struct bytes own = bytes_of(key->key, key->size);
    struct state_keys keys = {.count = 1, .words = s->keys.words, .fixed = (const uint64_t *)key->key,
                              .nulls = key->nulls ? &key->nulls : NULL, .bytes = &own, .hashes = &key->hash};
    void *value = NULL;

    state_find(&s->keys, &keys, NULL, 1, &value);
    CHECK(value);
    return value;
}

void lookup_key_sweep(struct lookup_state *s, struct lookup_key *key)
{
    if (key->first || key->cached)
        return;
    void *value = entry_of(s, key);
    memset(value, 0, sizeof(key)); /* for whoever comes to the entry once more in this call */
    state_remove(&s->keys, value);
    heap_free(&s->heap, key, sizeof(*key) + key->size);
}

/* ---- what was found ---- */

static size_t rounded(uint32_t size)
{
    return ((size_t)size + 7) & ~(size_t)7;
}

struct lookup_found *lookup_found_make(struct lookup_state *s, uint8_t *const *packed, const uint32_t *sizes,
                                       uint32_t count)
{
    size_t bytes = 0, at = 0;

    for (uint32_t i = 0; i < count; i++)
        bytes += rounded(sizes[i]);
    struct lookup_found *found = heap_alloc(&s->heap, sizeof(*found) + bytes);
    *found = (struct lookup_found){.refs = 1, .rows = count, .bytes = bytes};
    for (uint32_t i = 0; i < count; at += rounded(sizes[i++]))
        memcpy(found->packed + at, packed[i], sizes[i]);
    return found;
}

const uint8_t *lookup_found_next(const struct lookup_state *s, const uint8_t *packed)
{
    return packed + rounded(pack_size(&s->packs[1], packed));
}

void lookup_found_release(struct lookup_state *s, struct lookup_found *found)
{
    if (--found->refs)
        return;
    found->next = s->dropped;
    s->dropped = found;
}

void lookup_dropped_free(struct lookup_state *s)
{
    for (struct lookup_found *found; (found = s->dropped) != NULL;) {
        s->dropped = found->next;
        heap_free(&s->heap, found, sizeof(*found) + found->bytes);
    }
}

/* ---- the cache ---- */

static void unlink_key(struct lookup_state *s, struct lookup_key *key)
{
    *(key->older ? &key->older->newer : &s->oldest) = key->newer;
    *(key->newer ? &key->newer->older : &s->newest) = key->older;
    key->older = key->newer = NULL;
}

static void link_newest(struct lookup_state *s, struct lookup_key *key)
{
    key->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = key;
    s->newest = key;
}

bool lookup_cache_holds(const struct lookup_state *s, const struct lookup_key *key, int64_t now_us)
{
    const struct table_lookup *rules = s->rules;

    return rules->cached && key->cached && (!rules->write_us || now_us - key->came_us < rules->write_us) &&
           (!rules->access_us || now_us - key->used_us < rules->access_us);
}

void lookup_cache_use(struct lookup_state *s, struct lookup_key *key, int64_t now_us)
{
    key->used_us = now_us;
    unlink_key(s, key);
    link_newest(s, key);
}

void lookup_cache_put(struct lookup_state *s, struct lookup_key *key, struct lookup_found *found, int64_t now_us)
{
    lookup_cache_drop(s, key);
    found->refs++;
    key->cached = found;
    key->came_us = key->used_us = now_us;
    s->cached++;
    link_newest(s, key);
}

void lookup_cache_drop(struct lookup_state *s, struct lookup_key *key)
{
    if (!key->cached)
        return;
    unlink_key(s, key);
    lookup_found_release(s, key->cached);
    key->cached = NULL;
    s->cached--;
}

/* A key that is used is not at the old end; one that has expired comes there within its time. */
void lookup_cache_shrink(struct lookup_state *s, int64_t now_us)
{
    for (struct lookup_key *key; (key = s->oldest) != NULL;) {
        bool over = s->keys_max && s->cached > s->keys_max;
        if (!over && (s->rules->stale || lookup_cache_holds(s, key, now_us)))
            return;
        lookup_cache_drop(s, key);
        lookup_key_sweep(s, key);
        lookup_dropped_free(s);
    }
}

/* ---- rows that wait ---- */

static int row_compare(const void *context, const void *a, const void *b)
{
    const struct lookup_row *x = a, *y = b;

    (void)context;
    if (x->came != y->came)
        return x->came < y->came ? -1 : 1;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

struct lookup_row *lookup_row_new(struct lookup_state *s, const uint8_t *packed, uint32_t size)
{
    struct lookup_row *row = heap_alloc(&s->heap, sizeof(*row) + size);

    *row = (struct lookup_row){.size = size};
    memcpy(row->packed, packed, size);
    return row;
}

void lookup_row_add(struct lookup_state *s, struct lookup_row *row)
{
    struct lookup_key *key = row->key;

    *(key->last ? &key->last->next : &key->first) = row;
    key->last = row;
    if (!row->found && !key->open)
        key->open = row;
    sorted_insert(&s->waiting, &s->heap, sorted_seek(&s->waiting, row_compare, NULL, row), row);
}

void lookup_over(struct lookup_key *key, uint64_t asked)
{
    if (key->asked <= asked)
        key->asked = LOOKUP_NOT_ASKED;
}

static void take_answer(struct lookup_state *s, struct lookup_row *row, struct lookup_found *found)
{
    lookup_row_wake(s, row);
    row->found = found;
    found->refs++;
}

void lookup_answer(struct lookup_state *s, struct lookup_key *key, uint64_t asked, struct lookup_found *found)
{
    struct lookup_row *row = key->open;

    for (; row && (row->found || row->asked <= asked); row = row->next)
        if (!row->found)
            take_answer(s, row, found);
    key->open = row;
    lookup_over(key, asked);
}

/* ---- rows that rest until they are asked for again ---- */

void lookup_row_wake(struct lookup_state *s, struct lookup_row *row)
{
    if (!row->due_us)
        return;
    *(row->due_before ? &row->due_before->due_after : &s->first_due) = row->due_after;
    *(row->due_after ? &row->due_after->due_before : &s->last_due) = row->due_before;
    row->due_before = row->due_after = NULL;
    row->due_us = 0;
}

/* The clock goes on and the delay is one, so the place is the end but for rows of a checkpoint. */
void lookup_row_rest(struct lookup_state *s, struct lookup_row *row, int64_t due_us)
{
    struct lookup_row *before = s->last_due;

    while (before && before->due_us > due_us)
        before = before->due_before;
    row->due_us = due_us;
    row->due_before = before;
    row->due_after = before ? before->due_after : s->first_due;
    *(before ? &before->due_after : &s->first_due) = row;
    *(row->due_after ? &row->due_after->due_before : &s->last_due) = row;
}

/* An answer counts for a row when its own last question has it, not one that another row of the key asked since. */
static bool counts(const struct lookup_row *row, uint64_t asked)
{
    return !row->due_us && (row->again ? row->again : row->asked) <= asked;
}

bool lookup_missed(struct lookup_state *s, struct lookup_key *key, uint64_t asked, struct lookup_found *nothing,
                   int64_t now_us)
{
    for (struct lookup_row *row = key->open; row && row->asked <= asked; row = row->next)
        if (row->missed <= s->hint->retries && counts(row, asked) && row->missed++ < s->hint->retries)
            lookup_row_rest(s, row, now_us + s->hint->retry_us);
    while (key->open && key->open->asked <= asked && key->open->missed > s->hint->retries) {
        take_answer(s, key->open, nothing);
        key->open = key->open->next;
    }
    lookup_over(key, asked);
    return key->open != NULL;
}

void lookup_row_free(struct lookup_state *s, struct lookup_row *row)
{
    struct lookup_key *key = row->key;

    CHECK(key->first == row && row->found);
    key->first = row->next;
    if (!key->first)
        key->last = NULL;
    lookup_found_release(s, row->found);
    sorted_remove(&s->waiting, &s->heap, sorted_seek(&s->waiting, row_compare, NULL, row));
    heap_free(&s->heap, row, sizeof(*row) + row->size);
    lookup_key_sweep(s, key);
}
