/* The writer. A block is opened where the next entry goes: its file and position are fixed then, so
 * that what is accepted has its place on disk, zeros written and all, and cannot meet a full disk
 * later. It grows in its slab until a flush, the slab's end or the file's end seals it.
 *
 *   slab:  [block 56 B | entries … | pad][block | entries …          ]
 *           ^ sealed, in `pending`        ^ open: open_pos .. slab->used, summed as far as summed_pos
 *
 * Positions in a slab and in the LSN run together, so lsn = slab->lsn + position.
 */
#include "store/log/wal.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "store/log/bugs.h"
#include "store/log/wal_files.h"

/* A file that the helper makes, piece by piece. */
struct making {
    struct os_work work;
    const struct wal_file_set *set;
    struct wal_file *file; /* NULL: none */
    uint64_t upto;         /* the piece ends when so much of it is zeros */
    enum status status;
};

struct pending {
    struct slab *slab; /* held */
    uint32_t pos, len;
    struct wal_file *file;
    uint64_t file_pos;
};

struct wal {
    struct wal_options options;
    struct wal_file_set set;
    struct making making;
    bool making_failed; /* the background does not try again before something changes */
    struct slab_pool *pool;
    uint64_t lap, synced_lsn;
    uint64_t next_lsn; /* of the next block to open */
    struct slab *slab; /* being filled, held; may be NULL */
    bool open;         /* a block is open in slab at open_pos */
    uint32_t open_pos;
    uint32_t summed_pos, summed_crc; /* of the open block's body: up to where, in slab, and what */
    uint64_t open_file_pos;
    struct wal_file *file; /* being written; may be NULL */
    uint64_t file_pos;     /* where the next block goes in it */
    struct pending *pending;
    uint32_t pending_count, pending_cap;
    uint64_t pending_bytes, blocks;
};

uint64_t wal_end_lsn(const struct wal *wal)
{
    return wal->open ? wal->slab->lsn + wal->slab->used : wal->next_lsn;
}

uint64_t wal_synced_lsn(const struct wal *wal)
{
    return wal->synced_lsn;
}

uint64_t wal_blocks(const struct wal *wal)
{
    return wal->blocks;
}

uint64_t wal_lap(const struct wal *wal)
{
    return wal->lap;
}

uint64_t wal_bytes(const struct wal *wal)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < wal->set.count; i++)
        if (wal->set.files[i]->state == WAL_FILE_LIVE)
            sum += wal->set.files[i]->size;
    return sum;
}

uint64_t wal_bytes_unwritten(const struct wal *wal)
{
    return wal->pending_bytes + (wal->open ? wal->slab->used - wal->open_pos : 0);
}

/* ---- opening and closing ---- */

/* What is too small to be used again, as a first file's beginning that a crash left behind. */
static void remove_scraps(struct wal *wal)
{
    for (uint32_t i = wal->set.count; i-- > 0;) {
        struct wal_file *f = wal->set.files[i];
        if (f->state == WAL_FILE_SPARE && f->size < wal->options.first_file_bytes)
            wal_file_remove(&wal->set, f);
    }
}

/* What was read might be known only to a cache; it is shown from now on, so it must stay. */
static enum status sync_live(struct wal *wal)
{
    for (uint32_t i = 0; i < wal->set.count; i++)
        if (wal->set.files[i]->state == WAL_FILE_LIVE)
            TRY(os_file_sync(wal->set.files[i]->file));
    return ST_OK;
}

static enum status start_behind(struct wal *wal, const struct wal_scan_end *end,
                                struct wal_position from)
{
    remove_scraps(wal);
    TRY(sync_live(wal));
    wal->lap = (end->lap_max > from.lap ? end->lap_max : from.lap) + 1;
    wal->next_lsn = wal->synced_lsn = end->lsn;
    wal->file = end->file;
    wal->file_pos = end->file ? end->lsn - end->file->base_lsn : 0;
    return ST_OK;
}

enum status wal_open(struct os *os, const char *dir, const struct wal_options *options,
                     struct slab_pool *pool, struct wal_position from, wal_replay_fn *fn,
                     void *context, const struct wal_damage_sink *sink, struct wal **out,
                     struct diag *diag)
{
    struct wal *wal = xcalloc(1, sizeof(*wal));
    struct wal_scan_end end;

    wal->options = *options;
    wal->pool = pool;
    enum status st = wal_files_open(&wal->set, os, dir, false);
    if (st == ST_OK)
        st = wal_scan(&wal->set, options->salt, pool, options->keep, from, fn, context, sink, &end);
    if (st == ST_OK)
        st = start_behind(wal, &end, from);
    if (st != ST_OK) {
        wal_close(wal);
        return diag_set(diag, st, DIAG_INTERNAL, "cannot open the write-ahead log in %s/wal: %s",
                        dir, st == ST_IO ? os_error_text(os) : status_text(st));
    }
    *out = wal;
    return ST_OK;
}

enum status wal_check(struct os *os, const char *dir, uint64_t salt, struct slab_pool *pool,
                      struct wal_position from, wal_replay_fn *fn, void *context,
                      const struct wal_damage_sink *sink, uint64_t *end_lsn)
{
    struct wal_file_set set;
    struct wal_scan_end end;

    TRY(wal_files_open(&set, os, dir, true));
    enum status st = wal_scan(&set, salt, pool, from, from, fn, context, sink, &end);
    wal_files_close(&set);
    TRY(st);
    *end_lsn = end.lsn;
    return end.damaged ? ST_CORRUPT : ST_OK;
}

void wal_close(struct wal *wal)
{
    if (!wal)
        return;
    for (uint32_t i = 0; i < wal->pending_count; i++)
        slab_release(wal->pending[i].slab);
    slab_release(wal->slab);
    free(wal->pending);
    wal_files_close(&wal->set);
    free(wal);
}

/* ---- a place for an entry ---- */

static struct wal_file *smallest_spare(struct wal *wal, uint64_t size)
{
    struct wal_file *best = NULL;

    for (uint32_t i = 0; i < wal->set.count; i++) {
        struct wal_file *f = wal->set.files[i];
        if (f->state == WAL_FILE_SPARE && f->size >= size && (!best || f->size < best->size))
            best = f;
    }
    return best;
}

static bool making_step(struct os_work *work)
{
    struct making *m = (struct making *)work;
    bool more;

    m->status = wal_file_make(m->set, m->file, m->upto, &more);
    return m->status == ST_OK && more;
}

/* How much of the next file should be zeros by now. They are written in step with the file in use,
 * while that goes from a quarter to three: a sync of the log waits for all that the disk was given
 * before it, and zeros written at full speed are tens of milliseconds of that. */
static uint64_t zeros_due(const struct wal *wal, uint64_t size)
{
    uint64_t quarter = wal->file ? wal->file->size / 4 : 0;

    if (!wal->file || wal->file_pos <= quarter)
        return 0;
    return (uint64_t)((double)(wal->file_pos - quarter) / (double)(2 * quarter) * (double)size);
}

static void making_begin(struct wal *wal)
{
    struct making *m = &wal->making;

    *m = (struct making){.work.step = making_step,
                         .set = &wal->set,
                         .file = wal_file_add(&wal->set, wal->options.file_bytes)};
}

/* The helper has done with it. */
static void making_end(struct wal *wal)
{
    struct making *m = &wal->making;

    wal->making_failed = m->status != ST_OK;
    if (m->status == ST_OK)
        m->file->state = WAL_FILE_SPARE;
    else
        wal_file_remove(&wal->set, m->file);
    m->file = NULL;
}

/* The helper is given the next piece, if one is due. */
static void making_go_on(struct wal *wal)
{
    struct making *m = &wal->making;

    if (!os_helper_done(wal->options.helper, &m->work))
        return;
    if (m->status != ST_OK || m->file->ready) {
        making_end(wal);
        return;
    }
    uint64_t due = zeros_due(wal, m->file->size);
    if (due <= m->file->zeroed)
        return;
    m->upto = due;
    os_helper_submit(wal->options.helper, &m->work);
}

static enum status make_whole(struct wal *wal, struct wal_file *f)
{
    enum status st = ST_OK;

    while (!f->ready && st == ST_OK) {
        bool more;
        st = wal_file_make(&wal->set, f, f->size, &more);
    }
    return st;
}

/* Nobody prepared a file of at least that size in time: ends the one that is being made, or makes
 * one here. */
static enum status make_spare(struct wal *wal, uint64_t size)
{
    struct making *m = &wal->making;

    if (m->file) {
        os_helper_wait(wal->options.helper, &m->work);
        if (m->status == ST_OK)
            m->status = make_whole(wal, m->file);
        making_end(wal);
        if (smallest_spare(wal, size))
            return ST_OK;
    }
    uint64_t usual = wal->set.count ? wal->options.file_bytes : wal->options.first_file_bytes;
    struct wal_file *f = wal_file_add(&wal->set, size > usual ? size : usual);
    enum status st = make_whole(wal, f);
    if (st == ST_OK)
        f->state = WAL_FILE_SPARE;
    else
        wal_file_remove(&wal->set, f);
    return st;
}

static enum status next_file(struct wal *wal, uint64_t size)
{
    struct wal_file *f = smallest_spare(wal, size);

    if (!f) {
        TRY(make_spare(wal, size));
        f = smallest_spare(wal, size);
        CHECK(f != NULL);
    }
    wal->making_failed = false;
    f->state = WAL_FILE_LIVE;
    f->base_lsn = f->end_lsn = wal->next_lsn;
    wal->file = f;
    wal->file_pos = 0;
    return ST_OK;
}

static void push_pending(struct wal *wal, struct pending p)
{
    struct pending *last = wal->pending_count ? &wal->pending[wal->pending_count - 1] : NULL;

    wal->pending_bytes += p.len;
    if (last && last->slab == p.slab && last->file == p.file && last->pos + last->len == p.pos) {
        last->len += p.len; /* side by side in memory and on disk: one write */
        return;
    }
    if (wal->pending_count == wal->pending_cap) {
        wal->pending_cap = wal->pending_cap ? wal->pending_cap * 2 : 16;
        wal->pending = xrealloc(wal->pending, wal->pending_cap * sizeof(*wal->pending));
    }
    slab_retain(p.slab);
    wal->pending[wal->pending_count++] = p;
}

static void sum_upto(struct wal *wal, uint32_t pos)
{
    CHECK(wal->summed_pos <= pos);
    wal->summed_crc = crc32c(wal->summed_crc, wal->slab->data + wal->summed_pos, pos - wal->summed_pos);
    wal->summed_pos = pos;
}

void wal_summed(struct wal *wal, struct bytes run, uint32_t crc)
{
    uint32_t pos = (uint32_t)(run.ptr - wal->slab->data);

    CHECK(wal->open && pos > wal->open_pos && pos + run.len <= wal->slab->used);
    CHECK_SLOW(crc32c(0, run.ptr, run.len) == crc);
    sum_upto(wal, pos);
    wal->summed_crc = crc32c_join(wal->summed_crc, crc, run.len);
    wal->summed_pos += (uint32_t)run.len;
}

static void seal_block(struct wal *wal)
{
    struct slab *slab = wal->slab;
    uint32_t length = slab->used - wal->open_pos, padded = (uint32_t)wal_padded(length);
    struct wal_block block = {
        .lap = wal->lap, .lsn = wal->next_lsn, .synced = wal->synced_lsn, .length = length};

    CHECK(wal->open);
    sum_upto(wal, slab->used);
    block.body_crc = wal->summed_crc;
    wal_block_seal(slab->data + wal->open_pos, &block, wal->options.salt);
    memset(slab->data + slab->used, 0, padded - length);
    slab->used = wal->open_pos + padded;
    push_pending(wal, (struct pending){slab, wal->open_pos, padded, wal->file, wal->open_file_pos});
    wal->blocks++;
    wal->next_lsn += padded;
    wal->file_pos = wal->open_file_pos + padded;
    wal->file->end_lsn = wal->next_lsn;
    wal->open = false;
}

static enum status open_block(struct wal *wal, size_t bytes)
{
    uint64_t padded = wal_padded(WAL_BLOCK_HEADER + bytes);

    if (!wal->file || wal->file->size - wal->file_pos < padded)
        TRY(next_file(wal, padded));
    if (!wal->slab || wal->slab->cap - wal->slab->used < padded ||
        wal->slab->lsn + wal->slab->used != wal->next_lsn) {
        slab_release(wal->slab);
        wal->slab = slab_create(wal->pool, padded);
        wal->slab->lsn = wal->next_lsn;
        wal->slab->lap = wal->lap;
    }
    wal->open = true;
    wal->open_pos = wal->slab->used;
    wal->open_file_pos = wal->file_pos;
    wal->slab->used += WAL_BLOCK_HEADER;
    wal->summed_pos = wal->slab->used;
    wal->summed_crc = 0;
    return ST_OK;
}

/* Whether the open block can take that many bytes more, with its padding. */
static bool block_has_room(const struct wal *wal, size_t bytes)
{
    uint64_t padded = wal_padded((uint64_t)wal->slab->used - wal->open_pos + bytes);

    return wal->open_pos + padded <= wal->slab->cap &&
           wal->open_file_pos + padded <= wal->file->size;
}

enum status wal_reserve(struct wal *wal, size_t payload_len, struct wal_slot *out)
{
    size_t bytes = WAL_ENTRY_HEADER + payload_len;

    if (bytes > WAL_ENTRY_BYTES_MAX)
        return ST_NOSPACE;
    if (wal->open && !block_has_room(wal, bytes))
        seal_block(wal);
    if (!wal->open)
        TRY(open_block(wal, bytes));
    struct slab *slab = wal->slab;
    out->at = slab->data + slab->used;
    out->slab = slab;
    out->lsn = slab->lsn + slab->used;
    out->end_lsn = out->lsn + bytes;
    slab->used += (uint32_t)bytes;
    return ST_OK;
}

/* ---- to the disk ---- */

static enum status write_pending(struct wal *wal)
{
    for (uint32_t i = 0; i < wal->pending_count; i++) {
        struct pending *p = &wal->pending[i];
        TRY(os_file_write(p->file->file, p->file_pos, p->slab->data + p->pos, p->len));
        p->file->unsynced = true;
    }
    for (uint32_t i = 0; i < wal->pending_count; i++)
        slab_release(wal->pending[i].slab);
    wal->pending_count = 0;
    wal->pending_bytes = 0;
    return ST_OK;
}

enum status wal_flush(struct wal *wal)
{
    if (wal->open)
        seal_block(wal);
    TRY(write_pending(wal));
    for (uint32_t i = 0; i < wal->set.count; i++) {
        struct wal_file *f = wal->set.files[i];
        if (!f->unsynced || LOG_BUG(skip_sync))
            continue;
        TRY(os_file_sync(f->file));
        f->unsynced = false;
    }
    wal->synced_lsn = wal->next_lsn;
    return ST_OK;
}

/* ---- in the background ---- */

void wal_cut(struct wal *wal, uint64_t lsn)
{
    uint32_t spares = 0;

    wal->making_failed = false;
    for (uint32_t i = wal->set.count; i-- > 0;) {
        struct wal_file *f = wal->set.files[i];
        if (f->state == WAL_FILE_LIVE && f != wal->file && f->end_lsn <= lsn && !f->unsynced)
            f->state = WAL_FILE_SPARE;
        if (f->state != WAL_FILE_SPARE)
            continue;
        bool usual = f->size == wal->options.file_bytes;
        if (spares >= WAL_SPARES_MAX || (!usual && spares > 0))
            wal_file_remove(&wal->set, f);
        else
            spares++;
    }
}

void wal_work(struct wal *wal)
{
    if (wal->making.file)
        making_go_on(wal);
    else if (!wal->making_failed && zeros_due(wal, wal->options.file_bytes) > 0 &&
             !smallest_spare(wal, wal->options.file_bytes))
        making_begin(wal);
}
