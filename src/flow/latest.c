/* latest.c: see latest.h. */
#include "flow/latest.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"

enum { CAP_MIN = 64, CAP_KEPT = 1 << 14 };

struct latest_row {
    struct record rec;
    struct latest_row *under; /* what it replaced in this tick */
    uint32_t sender;
};

struct latest_key {
    uint64_t hash;
    struct bytes key;
    struct latest_row *top; /* NULL: all have gone */
};

void latest_init(struct latest *latest)
{
    *latest = (struct latest){0};
    arena_init(&latest->arena, ARENA_BUDGET_NONE);
}

void latest_deinit(struct latest *latest)
{
    arena_deinit(&latest->arena);
    free(latest->slots);
    *latest = (struct latest){0};
}

void latest_clear(struct latest *latest)
{
    if (!latest->count)
        return;
    if (latest->cap > CAP_KEPT) {
        free(latest->slots);
        latest->slots = NULL;
        latest->cap = 0;
    } else {
        memset(latest->slots, 0, latest->cap * sizeof(*latest->slots));
    }
    latest->count = 0;
    arena_reset(&latest->arena);
}

/* Where the key is, or the free slot where it would be. */
static struct latest_key **slot_of(const struct latest *latest, uint64_t hash, struct bytes key)
{
    uint32_t i = (uint32_t)hash & (latest->cap - 1);

    while (latest->slots[i] && (latest->slots[i]->hash != hash || !bytes_equal(latest->slots[i]->key, key)))
        i = (i + 1) & (latest->cap - 1);
    return &latest->slots[i];
}

static void grow(struct latest *latest)
{
    struct latest larger = {.cap = latest->cap ? latest->cap * 2 : CAP_MIN};

    larger.slots = xcalloc(larger.cap, sizeof(*larger.slots));
    for (uint32_t i = 0; i < latest->cap; i++)
        if (latest->slots[i])
            *slot_of(&larger, latest->slots[i]->hash, latest->slots[i]->key) = latest->slots[i];
    free(latest->slots);
    latest->slots = larger.slots;
    latest->cap = larger.cap;
}

void latest_put(struct latest *latest, const struct record *rec, uint32_t sender)
{
    uint64_t hash = hash_bytes(rec->key);

    if (latest->count * 2 >= latest->cap)
        grow(latest);
    struct latest_key **slot = slot_of(latest, hash, rec->key);
    if (!*slot) {
        *slot = ARENA_NEW(&latest->arena, struct latest_key);
        **slot = (struct latest_key){.hash = hash, .key = arena_copy(&latest->arena, rec->key)};
        latest->count++;
    }
    struct latest_row *row = ARENA_NEW(&latest->arena, struct latest_row);
    *row = (struct latest_row){*rec, (*slot)->top, sender};
    row->rec.key = (*slot)->key;
    row->rec.value = arena_copy(&latest->arena, rec->value);
    row->rec.headers = arena_copy(&latest->arena, rec->headers);
    (*slot)->top = row;
}

enum latest_then latest_take(struct latest *latest, const struct record *rec, uint32_t sender, struct record *again)
{
    struct latest_key *found = latest->count ? *slot_of(latest, hash_bytes(rec->key), rec->key) : NULL;

    if (!found || !found->top)
        return LATEST_GONE;
    for (struct latest_row **at = &found->top; *at; at = &(*at)->under) {
        if ((*at)->sender != sender || !bytes_equal((*at)->rec.value, rec->value))
            continue;
        bool was_top = at == &found->top;
        *at = (*at)->under;
        if (!was_top)
            return LATEST_NOTHING;
        if (!found->top)
            return LATEST_GONE;
        *again = found->top->rec;
        return LATEST_AGAIN;
    }
    return LATEST_NOTHING; /* of an earlier tick: what was written in this has its place */
}
