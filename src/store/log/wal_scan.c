/* Recovery's walk. First every file is read once and each page that carries a header of ours is
 * noted. Then the chain is followed from the block that holds from_lsn: the next block is the one
 * whose LSN is where the last ended; among several the highest lap, for a torn tail is written
 * over, or beside, by the next opening's lap, never by its own.
 *
 * Where the chain breaks, a later block decides: if one was written knowing that the break's LSN
 * was synced, something that had been on disk is gone, which is damage: it is reported, what is
 * legible inside is kept, and the walk goes on at that block. If none knows it, this is the torn
 * tail: what stood there was never promised to anyone, and the log ends here.
 */
#include <stdlib.h>

#include "base/check.h"
#include "store/log/wal_files.h"

enum { SCAN_BYTES = 1024 * 1024 };

struct place {
    struct wal_block block;
    struct wal_file *file;
    uint64_t pos;
};

struct scan {
    struct wal_file_set *set;
    uint64_t salt;
    struct slab_pool *pool;
    wal_replay_fn *fn;
    void *context;
    const struct wal_damage_sink *sink;
    struct place *places; /* by LSN, the highest lap first */
    size_t places_count, places_cap;
    struct slab *slab; /* what was read last, held */
    struct wal_file *slab_file;
    uint64_t slab_pos, slab_len; /* of the file */
    struct wal_scan_end *end;
    uint64_t lap; /* of the last block of the chain */
};

static void report(struct scan *s, const struct wal_file *f, uint64_t pos, const char *what)
{
    char path[OS_PATH_MAX + 32] = "";

    s->end->damaged = true;
    if (f)
        wal_file_path(s->set, f->number, path);
    if (s->sink && s->sink->report)
        s->sink->report(s->sink->context, f ? path : s->set->dir, pos, what);
}

/* ---- noting the headers ---- */

static void note_place(struct scan *s, struct wal_file *f, uint64_t pos, const struct wal_block *b)
{
    if (s->places_count == s->places_cap) {
        s->places_cap = s->places_cap ? s->places_cap * 2 : 256;
        s->places = xrealloc(s->places, s->places_cap * sizeof(*s->places));
    }
    s->places[s->places_count++] = (struct place){*b, f, pos};
    if (b->lap > s->end->lap_max)
        s->end->lap_max = b->lap;
}

/* A file whose first block and all that could follow it stand below keep_lsn is a spare: had it
 * been used again, its first block would be another. */
static enum status note_file(struct scan *s, struct wal_file *f, uint64_t keep_lsn, uint8_t *buffer)
{
    struct wal_block b;
    size_t got;

    for (uint64_t at = 0; at < f->size; at += SCAN_BYTES) {
        uint64_t want = f->size - at < SCAN_BYTES ? f->size - at : SCAN_BYTES;
        TRY(os_file_read(f->file, at, buffer, want, &got));
        for (uint64_t pos = 0; pos + OS_BLOCK <= got; pos += OS_BLOCK)
            if (wal_block_read(buffer + pos, s->salt, &b) && b.lsn >= at + pos &&
                wal_padded(b.length) <= f->size - at - pos)
                note_place(s, f, at + pos, &b);
        if (at == 0 && wal_block_read(buffer, s->salt, &b) && b.lsn + f->size <= keep_lsn)
            return ST_OK;
    }
    return ST_OK;
}

static int by_lsn(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->block.lsn != y->block.lsn)
        return x->block.lsn < y->block.lsn ? -1 : 1;
    return x->block.lap > y->block.lap ? -1 : x->block.lap < y->block.lap;
}

static enum status note_all(struct scan *s, uint64_t keep_lsn)
{
    uint8_t *buffer = aligned_alloc(OS_BLOCK, SCAN_BYTES);
    enum status st = ST_OK;

    CHECK(buffer != NULL);
    for (uint32_t i = 0; i < s->set->count && st == ST_OK; i++)
        st = note_file(s, s->set->files[i], keep_lsn, buffer);
    free(buffer);
    if (s->places_count)
        qsort(s->places, s->places_count, sizeof(*s->places), by_lsn);
    return st;
}

/* The first place whose LSN is at or above lsn. */
static size_t first_at(const struct scan *s, uint64_t lsn)
{
    size_t low = 0, high = s->places_count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (s->places[mid].block.lsn < lsn)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* ---- reading a block ---- */

static bool in_slab(const struct scan *s, const struct place *p)
{
    return s->slab && s->slab_file == p->file && p->pos >= s->slab_pos &&
           p->pos - s->slab_pos + wal_padded(p->block.length) <= s->slab_len &&
           s->slab->lsn + (p->pos - s->slab_pos) == p->block.lsn;
}

/* The block's bytes, in s->slab, with as much of what follows as the slab takes. */
static enum status read_place(struct scan *s, const struct place *p, const uint8_t **at)
{
    size_t got;

    if (!in_slab(s, p)) {
        slab_release(s->slab);
        s->slab = slab_create(s->pool, wal_padded(p->block.length));
        s->slab->used = s->slab->cap;
        s->slab->lsn = p->block.lsn;
        s->slab->lap = p->block.lap;
        s->slab_file = p->file;
        s->slab_pos = p->pos;
        uint64_t want = p->file->size - p->pos;
        if (want > s->slab->cap)
            want = s->slab->cap;
        TRY(os_file_read(p->file->file, p->pos, s->slab->data, want, &got));
        s->slab_len = got;
        if (!in_slab(s, p))
            return ST_CORRUPT; /* the file is shorter than its directory entry said */
    }
    *at = s->slab->data + (p->pos - s->slab_pos);
    return ST_OK;
}

static enum status place_holds(struct scan *s, const struct place *p, bool *holds)
{
    const uint8_t *at;
    enum status st = read_place(s, p, &at);

    *holds = st == ST_OK && wal_block_body_holds(at, &p->block);
    return st == ST_CORRUPT ? ST_OK : st;
}

/* ---- entries ---- */

enum block_sum { SUM_HOLDS, SUM_FAILS };

/* Where the block's sum fails, a batch must hold by its own, which an entry's leaves out: an offset
 * that is wrong would take the place of what follows. */
static void replay_block(struct scan *s, const struct place *p, enum block_sum sum)
{
    const uint8_t *at = s->slab->data + (p->pos - s->slab_pos);
    struct bytes body = bytes_of(at + WAL_BLOCK_HEADER, p->block.length - WAL_BLOCK_HEADER);
    uint64_t lsn = p->block.lsn + WAL_BLOCK_HEADER;
    struct wal_entry entry;
    size_t size;

    while (body.len > 0) {
        if (wal_entry_read(body, &entry, &size) == ST_OK &&
            (sum == SUM_HOLDS || wal_entry_holds(&entry))) {
            s->fn(s->context, &entry, lsn, lsn + size, s->slab);
        } else {
            report(s, p->file, p->pos + (lsn - p->block.lsn), "an entry fails its checksum");
            size = wal_entry_claimed_size(body);
            if (size == 0)
                return;
        }
        body = bytes_skip(body, size);
        lsn += size;
    }
}

static void follow(struct scan *s, const struct place *p)
{
    struct wal_file *f = p->file;

    f->state = WAL_FILE_LIVE;
    f->base_lsn = p->block.lsn - p->pos;
    f->end_lsn = p->block.lsn + wal_padded(p->block.length);
    s->end->file = f;
    s->end->lsn = f->end_lsn;
    s->lap = p->block.lap;
}

/* ---- the chain ---- */

/* The block at exactly that LSN, whole; NULL when there is none. bad: a header was there. */
static enum status whole_at(struct scan *s, uint64_t lsn, const struct place **out,
                            const struct place **bad)
{
    bool holds;

    *out = *bad = NULL;
    for (size_t i = first_at(s, lsn); i < s->places_count && s->places[i].block.lsn == lsn; i++) {
        const struct place *p = &s->places[i];
        if (p->block.lap < s->lap)
            break;
        TRY(place_holds(s, p, &holds));
        if (holds) {
            *out = p;
            return ST_OK;
        }
        if (!*bad)
            *bad = p;
    }
    return ST_OK;
}

/* The first whole block behind a break, if one of them knew that the break's LSN was synced. */
static enum status resume_behind(struct scan *s, uint64_t lsn, const struct place **out)
{
    const struct place *first = NULL;
    bool holds, known = false;

    *out = NULL;
    for (size_t i = first_at(s, lsn + 1); i < s->places_count && !known; i++) {
        const struct place *p = &s->places[i];
        if (p->block.lap < s->lap || (first && p->block.synced <= lsn))
            continue;
        TRY(place_holds(s, p, &holds));
        if (!holds)
            continue;
        if (!first)
            first = p;
        known = p->block.synced > lsn;
    }
    if (known)
        *out = first;
    return ST_OK;
}

/* A block whose sum fails may still have entries whose own sums hold. */
static void salvage(struct scan *s, const struct place *bad, uint64_t lsn)
{
    const uint8_t *at;

    if (!bad) {
        report(s, NULL, lsn, "a block that was synced is missing (position is its LSN)");
        return;
    }
    report(s, bad->file, bad->pos, "a block that was synced fails its checksum");
    if (read_place(s, bad, &at) == ST_OK) {
        follow(s, bad);
        replay_block(s, bad, SUM_FAILS);
    }
}

/* The block that holds from_lsn, which may lie inside it. */
static uint64_t start_of(const struct scan *s, uint64_t from_lsn)
{
    uint64_t best = from_lsn, lap = s->lap;

    for (size_t i = 0; i < s->places_count && s->places[i].block.lsn <= from_lsn; i++) {
        const struct wal_block *b = &s->places[i].block;
        if (b->lsn + b->length > from_lsn && b->lap >= lap) {
            best = b->lsn;
            lap = b->lap;
        }
    }
    return best;
}

static enum status walk(struct scan *s, uint64_t from_lsn)
{
    const struct place *p, *bad;
    uint64_t lsn = start_of(s, from_lsn);

    s->end->lsn = lsn;
    for (;;) {
        TRY(whole_at(s, lsn, &p, &bad));
        if (!p) {
            const struct place *later;
            TRY(resume_behind(s, lsn, &later));
            if (!later)
                return ST_OK;
            salvage(s, bad, lsn);
            p = later;
        }
        const uint8_t *at;
        TRY(read_place(s, p, &at));
        follow(s, p);
        replay_block(s, p, SUM_HOLDS);
        lsn = s->end->lsn;
    }
}

/* Files that an older snapshot would need. */
static void keep_files(struct scan *s, struct wal_position keep, uint64_t upto)
{
    for (size_t i = first_at(s, keep.lsn); i < s->places_count; i++) {
        const struct place *p = &s->places[i];
        struct wal_file *f = p->file;
        if (p->block.lsn >= upto)
            return;
        if (p->block.lap < keep.lap)
            continue;
        f->state = WAL_FILE_LIVE;
        f->base_lsn = p->block.lsn - p->pos;
        f->end_lsn = p->block.lsn + wal_padded(p->block.length);
    }
}

enum status wal_scan(struct wal_file_set *set, uint64_t salt, struct slab_pool *pool,
                     struct wal_position keep, struct wal_position from, wal_replay_fn *fn,
                     void *context, const struct wal_damage_sink *sink, struct wal_scan_end *out)
{
    struct scan s = {.set = set,
                     .salt = salt,
                     .pool = pool,
                     .fn = fn,
                     .context = context,
                     .sink = sink,
                     .end = out,
                     .lap = from.lap};

    *out = (struct wal_scan_end){.lsn = from.lsn};
    enum status st = note_all(&s, keep.lsn);
    if (st == ST_OK && keep.lsn < from.lsn)
        keep_files(&s, keep, from.lsn);
    if (st == ST_OK)
        st = walk(&s, from.lsn);
    slab_release(s.slab);
    free(s.places);
    return st;
}
