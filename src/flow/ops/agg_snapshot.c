/* Checkpoints of an aggregate table:
 *   next seq, its top bit set where ids stay: then the next number of an id; the groups (head, rows, id, parts); each distinct:
 *   u32 count, then id and value, mask or counts.
 * Ids that do not stay are given anew when loaded, so that parts of several shards can be put together. */
#include "flow/ops/agg_parts.h"

#include <stdlib.h>

#include "base/check.h"

struct loading {
    struct aggtable *t;
    const struct aggset *set;
    const struct state_mine *mine;
    bool stay;              /* the ids that are loaded do; else: */
    struct state_table ids; /* old id → new id + 1 */
    struct arena scratch;
};

#define IDS_STAY (UINT64_C(1) << 63)

/* Of a kept value: whether there is one, its origin where it has one, its bytes. */
static void values_save(const struct aggset *set, const struct agg_part *p, const void *part,
                        struct buf *out)
{
    if (p->mode == AGG_KEPT) {
        const struct kept *k = part;
        size_t head = kept_head(set, p);
        buf_u8(out, (uint8_t)k->set);
        if (!k->set)
            return;
        buf_append(out, k->ptr - head, head);
        buf_sized(out, bytes_of(k->ptr, k->len));
        return;
    }
    const struct sorted *s = part;
    buf_uvarint(out, s->count);
    struct sorted_at at = sorted_first();
    for (const struct counted *c; (c = sorted_get(s, at)) != NULL; at = sorted_next(s, at)) {
        buf_varint(out, c->count);
        buf_sized(out, bytes_of(c->bytes, c->len));
    }
}

void group_value_save(const struct aggset *set, const void *value, struct buf *out)
{
    uint32_t written = 0;

    for (uint16_t c = 0; c < set->count; c++) {
        const struct agg_part *p = &set->parts[c];
        if (part_is_plain(p))
            continue;
        buf_append(out, (const uint8_t *)value + written, p->pos - written);
        values_save(set, p, (const uint8_t *)value + p->pos, out);
        written = p->pos + 16;
    }
    buf_append(out, (const uint8_t *)value + written, set->value_size - written);
}

static void group_save(void *context, const void *value, struct buf *out)
{
    group_value_save(context, value, out);
}

static void distinct_save(const struct state_table *d, struct snap_writer *w)
{
    buf_u32_le(&w->buf, state_count(d));
    for (uint32_t at = 0; at < d->used; at++) {
        const void *value = state_at(d, at);
        if (!value)
            continue;
        if (d->words)
            buf_append(&w->buf, state_key_words(d, value), 8u * d->words);
        else
            buf_sized(&w->buf, state_key_bytes(d, value));
        buf_append(&w->buf, value, d->value_size);
        snap_room(w);
    }
}

void aggtable_save(const struct aggtable *t, const struct aggset *set, struct snap_writer *w)
{
    buf_u64_le(&w->buf, t->next_seq | (t->ids_stay ? IDS_STAY : 0));
    if (t->ids_stay)
        buf_u64_le(&w->buf, t->next_id);
    state_save(&t->groups, w, group_save, (void *)set);
    for (uint16_t d = 0; d < set->distincts_count; d++)
        distinct_save(&t->distinct[d], w);
}

static bool value_fits(const struct agg_part *p, struct bytes b, struct arena *arena)
{
    if (part_is_list(p))
        return list_item_check(p, b, arena);
    return p->phys == PHYS_STR || b.len == phys_size(p->phys);
}

static bool kept_load(struct aggtable *t, const struct aggset *set, const struct agg_part *p,
                      struct kept *k, struct reader *r)
{
    struct origin origin;
    size_t head = kept_head(set, p);

    if (!reader_u8(r))
        return !r->bad;
    struct bytes before = reader_bytes(r, head), value = reader_sized(r);
    if (r->bad || !value_fits(p, value, NULL))
        return false;
    if (head)
        memcpy(&origin, before.ptr, head);
    kept_put(t, set, p, k, value, head ? &origin : NULL);
    return true;
}

static bool values_load(struct aggtable *t, const struct aggset *set, const struct agg_part *p, void *part,
                        struct reader *r, struct arena *arena)
{
    if (p->mode == AGG_KEPT)
        return kept_load(t, set, p, part, r);
    struct sorted *s = part;
    uint64_t items = reader_uvarint(r);
    for (uint64_t i = 0; i < items && !r->bad; i++) {
        int64_t count = reader_varint(r);
        struct bytes b = reader_sized(r);
        if (r->bad || !value_fits(p, b, arena))
            return false;
        multiset_append(t, s, b, count);
    }
    return !r->bad;
}

static bool raw_load(uint8_t *to, size_t len, struct reader *r)
{
    struct bytes b = reader_bytes(r, len);

    if (r->bad)
        return false;
    if (len)
        memcpy(to, b.ptr, len);
    return true;
}

static void id_map(struct loading *l, uint64_t old, uint64_t new)
{
    uint64_t hash;
    struct state_keys keys = {.count = 1, .words = 1, .fixed = &old, .hashes = &hash};
    void *value;

    state_hash(&keys, &hash);
    state_upsert(&l->ids, &keys, NULL, 1, &value, NULL);
    *(uint64_t *)value = new + 1;
}

static bool id_find(const struct loading *l, uint64_t old, uint64_t *new)
{
    uint64_t hash;
    struct state_keys keys = {.count = 1, .words = 1, .fixed = &old, .hashes = &hash};
    void *value;

    state_hash(&keys, &hash);
    state_find(&l->ids, &keys, NULL, 1, &value);
    if (value)
        *new = *(uint64_t *)value - 1;
    return value != NULL;
}

bool group_value_load(struct aggtable *t, const struct aggset *set, void *value, struct reader *r, struct arena *scratch)
{
    uint32_t done = 0;

    for (uint16_t c = 0; c < set->count; c++) {
        const struct agg_part *p = &set->parts[c];
        if (part_is_plain(p))
            continue;
        if (!raw_load((uint8_t *)value + done, p->pos - done, r) ||
            !values_load(t, set, p, part_of(p, value), r, scratch))
            return false;
        done = p->pos + 16;
    }
    return raw_load((uint8_t *)value + done, set->value_size - done, r) && !reader_left(r);
}

static bool group_load(void *context, void *value, struct reader *r)
{
    struct loading *l = context;

    if (!group_value_load(l->t, l->set, value, r, &l->scratch))
        return false;
    if (l->stay)
        return true;
    uint64_t *id = group_id(l->set, value), old = *id;
    *id = id_next(l->t, value);
    if (l->set->distincts_count)
        id_map(l, old, *id);
    return true;
}

/* Of what DISTINCT has seen: the group's id. False: that is another shard's. */
static bool id_loaded(const struct loading *l, uint64_t old, uint64_t *id)
{
    if (!l->stay)
        return id_find(l, old, id);
    *id = old;
    return state_is_mine(l->mine, id_key_group(old));
}

static enum status distinct_load(struct loading *l, uint16_t index, struct reader *r)
{
    struct state_table *d = &l->t->distinct[index];
    uint32_t count = reader_u32_le(r);
    enum phys phys = type_phys(l->set->args[l->set->distincts[index].arg]->type->kind);

    for (uint32_t i = 0; i < count; i++) {
        struct bytes raw = d->words ? reader_bytes(r, 8u * d->words) : reader_sized(r);
        struct bytes counts = reader_bytes(r, d->value_size);
        uint64_t old, id = 0, words[3], hash;
        if (r->bad || raw.len < 8 || (phys == PHYS_STR) != !d->words)
            return ST_CORRUPT;
        memcpy(&old, raw.ptr, 8);
        if (!id_loaded(l, old, &id))
            continue;
        uint8_t *copy = xmalloc(raw.len);
        memcpy(copy, raw.ptr, raw.len);
        memcpy(copy, &id, 8);
        if (d->words)
            memcpy(words, copy, raw.len);
        struct bytes bytes = bytes_of(copy, raw.len);
        struct state_keys keys = {.count = 1, .words = d->words, .fixed = words, .bytes = &bytes,
                                  .hashes = &hash};
        state_hash(&keys, &hash);
        void *value;
        state_upsert(d, &keys, NULL, 1, &value, NULL);
        memcpy(value, counts.ptr, counts.len);
        free(copy);
    }
    return r->bad ? ST_CORRUPT : ST_OK;
}

bool group_key_check(const struct aggtable *t, const struct keyer *keyer, const void *value)
{
    struct bytes key = t->groups.words ? BYTES_NONE : state_key_bytes(&t->groups, value);

    return t->groups.words || pack_check(&keyer->pack, key.ptr, key.len);
}

static enum status keys_check(const struct aggtable *t, const struct keyer *keyer)
{
    for (uint32_t at = 0; at < t->groups.used; at++) {
        const void *value = state_at(&t->groups, at);
        if (value && !group_key_check(t, keyer, value))
            return ST_CORRUPT;
    }
    return ST_OK;
}

/* Numbers go on behind those of all shards. */
static enum status next_load(struct loading *l, struct reader *r)
{
    struct aggtable *t = l->t;
    uint64_t seq = reader_u64_le(r);

    l->stay = seq & IDS_STAY;
    seq &= ~IDS_STAY;
    t->next_seq = seq > t->next_seq ? seq : t->next_seq;
    if (!l->stay)
        return ST_OK;
    uint64_t id = reader_u64_le(r);
    if (!t->ids_stay || id >> (64 - ID_SEQ_SHIFT))
        return ST_CORRUPT;
    t->next_id = id > t->next_id ? id : t->next_id;
    return ST_OK;
}

enum status aggtable_load(struct aggtable *t, const struct aggset *set, const struct keyer *keyer,
                          struct reader *r, const struct state_mine *mine)
{
    struct loading l = {.t = t, .set = set, .mine = mine};

    state_init(&l.ids, 1, 8);
    arena_init(&l.scratch, ARENA_BUDGET_NONE);
    enum status st = next_load(&l, r);
    if (st == ST_OK)
        st = state_load(&t->groups, r, mine, group_load, &l);
    for (uint16_t d = 0; st == ST_OK && d < set->distincts_count; d++)
        st = distinct_load(&l, d, r);
    state_deinit(&l.ids);
    arena_deinit(&l.scratch);
    return st == ST_OK ? keys_check(t, keyer) : st;
}
