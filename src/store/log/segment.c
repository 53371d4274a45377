#include "store/log/segment.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/endian.h"

enum { MARK_BYTES = 32, SCAN_BYTES = 256 * 1024, READ_MIN = 64 * 1024, WRITE_OUT_BYTES = 64 * 1024 };
enum {
    SOUND_BYTES_MAX = 128 << 20, /* no batch is larger */
    RESYNC_BYTES = 2 << 20,      /* looked through behind damage, byte by byte */
};

void segment_path(struct segment_place at, int64_t base, uint32_t generation, const char *suffix,
                  char path[SEGMENT_PATH_MAX])
{
    if (generation)
        snprintf(path, SEGMENT_PATH_MAX, "%s/%020lld-%u.%s", at.folder, (long long)base, generation,
                 suffix);
    else
        snprintf(path, SEGMENT_PATH_MAX, "%s/%020lld.%s", at.folder, (long long)base, suffix);
}

/* ---- making, opening, freeing ---- */

struct segment_handle *segment_retain_file(struct segment *seg)
{
    seg->handle->refs++;
    return seg->handle;
}

void segment_release_file(struct segment_handle *handle)
{
    if (!handle || --handle->refs > 0)
        return;
    handle->files->alive--;
    os_file_close(handle->file);
    free(handle);
}

void segment_close_file(struct segment *seg)
{
    struct segment_files *files = seg->files;

    if (!seg->file)
        return;
    segment_release_file(seg->handle);
    seg->handle = NULL;
    seg->file = NULL;
    seg->files = NULL;
    if (seg->files_prev)
        seg->files_prev->files_next = seg->files_next;
    else
        files->first = seg->files_next;
    if (seg->files_next)
        seg->files_next->files_prev = seg->files_prev;
    else
        files->last = seg->files_prev;
    seg->files_next = seg->files_prev = NULL;
    files->count--;
}

/* Thousands of partitions must not use up the process's handles. What is not synced yet may be
 * closed too: segment_sync opens it again. */
static void hold_file(struct segment *seg, struct segment_files *files, struct os_file *file)
{
    if (files->count >= SEGMENT_FILES_MAX)
        segment_close_file(files->first);
    seg->handle = xmalloc(sizeof(*seg->handle));
    *seg->handle = (struct segment_handle){.file = file, .files = files, .refs = 1};
    files->alive++;
    seg->file = file;
    seg->files = files;
    seg->files_prev = files->last;
    if (files->last)
        files->last->files_next = seg;
    else
        files->first = seg;
    files->last = seg;
    files->count++;
}

enum status segment_create(struct segment_place at, int64_t base, uint32_t generation,
                           struct segment **out)
{
    char path[SEGMENT_PATH_MAX];
    struct os_file *file;

    segment_path(at, base, generation, "index", path);
    enum status st = os_remove(at.os, path);
    if (st != ST_OK && st != ST_NOTFOUND)
        return st;
    segment_path(at, base, generation, "log", path);
    TRY(os_file_open(at.os, path, OS_WRITE | OS_CREATE | OS_TRUNCATE, &file));
    struct segment *seg = segment_known(base, base, 0, -1);
    seg->generation = generation;
    seg->began_ns = os_mono_ns(at.os);
    hold_file(seg, at.files, file);
    seg->fresh = true;
    seg->marks_loaded = true;
    *out = seg;
    return ST_OK;
}

struct segment *segment_known(int64_t base, int64_t end, uint64_t bytes, int64_t max_timestamp)
{
    struct segment *seg = xcalloc(1, sizeof(*seg));

    seg->base = base;
    seg->end = seg->synced_end = end;
    seg->bytes = seg->synced_bytes = bytes;
    seg->max_timestamp = seg->synced_max_timestamp = max_timestamp;
    seg->first_timestamp = -1;
    return seg;
}

void segment_free(struct segment *seg)
{
    segment_close_file(seg);
    free(seg->marks);
    free(seg);
}

enum status segment_remove_files(struct segment_place at, int64_t base, uint32_t generation)
{
    char path[SEGMENT_PATH_MAX];
    static const char *const suffixes[] = {"index", "log"};

    for (int i = 0; i < 2; i++) {
        segment_path(at, base, generation, suffixes[i], path);
        enum status st = os_remove(at.os, path);
        if (st != ST_OK && st != ST_NOTFOUND)
            return st;
    }
    return ST_OK;
}

static enum status need_file(struct segment *seg, struct segment_place at)
{
    char path[SEGMENT_PATH_MAX];
    struct os_file *file;

    if (seg->file)
        return ST_OK;
    segment_path(at, seg->base, seg->generation, "log", path);
    enum status st;
    while ((st = os_file_open(at.os, path, OS_WRITE, &file)) == ST_NOSPACE && at.files->first)
        segment_close_file(at.files->first); /* the process may have no more handles: ours are its own */
    TRY(st);
    hold_file(seg, at.files, file);
    return ST_OK;
}

/* ---- the index ---- */

static void add_mark(struct segment *seg, struct segment_mark mark)
{
    if (seg->marks_count == seg->marks_cap) {
        seg->marks_cap = seg->marks_cap ? seg->marks_cap * 2 : 16;
        seg->marks = xrealloc(seg->marks, seg->marks_cap * sizeof(*seg->marks));
    }
    seg->marks[seg->marks_count++] = mark;
}

enum soundness { UNKNOWN, SOUND };

static void mark_batch(struct segment *seg, uint64_t pos, const struct batch_header *h, enum soundness sound)
{
    struct segment_mark *last = seg->marks_count ? &seg->marks[seg->marks_count - 1] : NULL;

    if (!last || pos - last->pos >= SEGMENT_INDEX_BYTES)
        add_mark(seg, (struct segment_mark){.offset = h->base_offset,
                                            .pos = pos,
                                            .sound = sound == SOUND,
                                            .max_timestamp = h->max_timestamp});
    else if (h->max_timestamp > last->max_timestamp)
        last->max_timestamp = h->max_timestamp;
}

/* Marks on disk, as far as they can be believed. */
static void read_marks(struct segment *seg, struct segment_place at)
{
    char path[SEGMENT_PATH_MAX];
    struct os_file *file;
    uint8_t bytes[MARK_BYTES];
    size_t got;

    segment_path(at, seg->base, seg->generation, "index", path);
    if (os_file_open(at.os, path, OS_READ, &file) != ST_OK)
        return;
    for (uint64_t i = 0;; i++) {
        if (os_file_read(file, i * MARK_BYTES, bytes, MARK_BYTES, &got) != ST_OK ||
            got < MARK_BYTES || load_u32_le(bytes + 24) != crc32c((uint32_t)seg->base, bytes, 24))
            break;
        struct segment_mark m = {.offset = (int64_t)load_u64_le(bytes),
                                 .pos = load_u64_le(bytes + 8) & INT64_MAX,
                                 .max_timestamp = (int64_t)load_u64_le(bytes + 16)};
        struct segment_mark *last = seg->marks_count ? &seg->marks[seg->marks_count - 1] : NULL;
        if (m.pos >= seg->bytes || m.offset < seg->base || m.offset >= seg->end ||
            (last ? m.pos <= last->pos || m.offset <= last->offset : m.pos != 0))
            break;
        add_mark(seg, m);
    }
    os_file_close(file);
}

/* Goes over the headers from pos to the end; stops quietly at what is no batch, which readers will
 * meet and name. */
static enum status scan_marks(struct segment *seg, uint64_t pos)
{
    uint8_t *buffer = xmalloc(SCAN_BYTES);
    struct batch_header h;
    enum status st = ST_OK;
    uint64_t at = 0;
    size_t got = 0;

    while (pos < seg->bytes) {
        if (pos < at || pos + BATCH_HEADER_BYTES > at + got) {
            at = pos;
            uint64_t want = seg->bytes - pos < SCAN_BYTES ? seg->bytes - pos : SCAN_BYTES;
            st = os_file_read(seg->file, at, buffer, want, &got);
            if (st != ST_OK)
                break;
        }
        if (batch_header_parse(bytes_of(buffer + (pos - at), got - (pos - at)), &h) != ST_OK)
            break;
        mark_batch(seg, pos, &h, UNKNOWN);
        pos += batch_size(&h);
    }
    free(buffer);
    return st;
}

static enum status need_marks(struct segment *seg, struct segment_place at)
{
    if (seg->marks_loaded)
        return ST_OK;
    TRY(need_file(seg, at));
    seg->marks_count = 0;
    read_marks(seg, at);
    uint64_t pos = 0;
    if (seg->marks_count) /* from the last one believed, which is made again */
        pos = seg->marks[--seg->marks_count].pos;
    seg->marks_saved = seg->marks_count;
    TRY(scan_marks(seg, pos));
    seg->marks_loaded = true;
    return ST_OK;
}

static void mark_write(const struct segment *seg, const struct segment_mark *m, uint8_t to[MARK_BYTES])
{
    memset(to, 0, MARK_BYTES);
    store_u64_le(to, (uint64_t)m->offset);
    store_u64_le(to + 8, m->pos);
    store_u64_le(to + 16, (uint64_t)m->max_timestamp);
    store_u32_le(to + 24, crc32c((uint32_t)seg->base, to, 24));
}

/* All marks but the last, which may still grow. */
static void save_marks(const struct segment *seg, struct buf *to)
{
    for (uint32_t i = seg->marks_saved; seg->marks_loaded && i + 1 < seg->marks_count; i++) {
        uint8_t bytes[MARK_BYTES];
        mark_write(seg, &seg->marks[i], bytes);
        buf_append(to, bytes, MARK_BYTES);
    }
}

/* ---- writing ---- */

enum status segment_append(struct segment *seg, struct segment_place at, struct bytes run)
{
    struct batch_header h;
    struct bytes batch;
    uint64_t pos = seg->bytes;

    TRY(need_marks(seg, at));
    TRY(need_file(seg, at));
    TRY(os_file_write(seg->file, pos, run.ptr, run.len));
    while (run.len) {
        enum status st = batch_next(&run, &h, &batch);
        CHECK(st == ST_OK);
        CHECK(h.base_offset >= seg->end);
        if (pos == 0)
            seg->first_timestamp = h.max_timestamp;
        mark_batch(seg, pos, &h, SOUND);
        pos += batch.len;
        seg->end = batch_last_offset(&h) + 1;
        if (h.max_timestamp > seg->max_timestamp)
            seg->max_timestamp = h.max_timestamp;
    }
    seg->bytes = pos;
    return ST_OK;
}

/* The ith entry as it is on disk. What is about batches that are not known to be synced is only checked by its
 * checksum: they may come again from the WAL. */
static bool mark_is_right(const struct segment *seg, uint32_t i, const uint8_t found[MARK_BYTES])
{
    static const uint8_t never_written[MARK_BYTES];
    uint8_t right[MARK_BYTES];

    if (memcmp(found, never_written, MARK_BYTES) == 0)
        return true;
    if (i + 1 >= seg->marks_count)
        return load_u32_le(found + 24) == crc32c((uint32_t)seg->base, found, 24) && load_u32_le(found + 28) == 0;
    mark_write(seg, &seg->marks[i], right);
    return memcmp(found, right, MARK_BYTES) == 0;
}

enum status segment_verify_index(struct segment *seg, struct segment_place at, uint64_t *bad_pos)
{
    char path[SEGMENT_PATH_MAX];
    uint8_t found[MARK_BYTES];
    struct os_file *file;
    size_t got;

    seg->marks_count = 0;
    seg->marks_loaded = false; /* what is loaded may be from the index itself */
    TRY(need_file(seg, at));
    TRY(scan_marks(seg, 0));
    segment_path(at, seg->base, seg->generation, "index", path);
    TRY(os_file_open(at.os, path, OS_READ, &file));
    enum status st = ST_OK;
    for (uint32_t i = 0; st == ST_OK; i++) {
        *bad_pos = (uint64_t)i * MARK_BYTES;
        st = os_file_read(file, *bad_pos, found, MARK_BYTES, &got);
        if (st != ST_OK || got < MARK_BYTES)
            break;
        if (!mark_is_right(seg, i, found))
            st = ST_CORRUPT;
    }
    os_file_close(file);
    return st;
}

enum status segment_need_first(struct segment *seg, struct segment_place at)
{
    uint8_t header[BATCH_HEADER_BYTES];
    struct batch_header h;
    size_t got;

    if (seg->first_timestamp >= 0 || seg->bytes == 0)
        return ST_OK;
    TRY(need_file(seg, at));
    TRY(os_file_read(seg->file, 0, header, sizeof(header), &got));
    if (batch_header_parse(bytes_of(header, got), &h) == ST_OK)
        seg->first_timestamp = h.max_timestamp;
    return ST_OK;
}

void segment_sync_begin(const struct segment *seg, struct segment_sync *out)
{
    *out = (struct segment_sync){.base = seg->base,
                                 .generation = seg->generation,
                                 .end = seg->end,
                                 .bytes = seg->bytes,
                                 .pos = seg->synced_bytes,
                                 .max_timestamp = seg->max_timestamp,
                                 .marks_pos = (uint64_t)seg->marks_saved * MARK_BYTES};
    buf_init(&out->marks, 0);
    save_marks(seg, &out->marks);
}

/* Derived: what is missing or torn is made again from the data. */
static void write_index(struct segment_place at, const struct segment_sync *sync)
{
    char path[SEGMENT_PATH_MAX];
    struct os_file *file;

    segment_path(at, sync->base, sync->generation, "index", path);
    if (sync->marks.len == 0 || os_file_open(at.os, path, OS_WRITE | OS_CREATE, &file) != ST_OK)
        return;
    enum status st = os_file_write(file, sync->marks_pos, sync->marks.ptr, sync->marks.len);
    (void)st;
    os_file_close(file);
}

static enum status sync_open(struct os *os, const char *folder, struct segment_sync *sync)
{
    struct segment_place at = {.os = os, .folder = folder};
    char path[SEGMENT_PATH_MAX];

    if (sync->file)
        return ST_OK;
    segment_path(at, sync->base, sync->generation, "log", path);
    return os_file_open(os, path, OS_WRITE, &sync->file);
}

static void sync_close(struct segment_sync *sync)
{
    if (sync->file)
        os_file_close(sync->file);
    sync->file = NULL;
}

enum status segment_write_out_step(struct os *os, const char *folder, struct segment_sync *sync, bool *more)
{
    uint64_t len = sync->bytes - sync->pos;

    TRY(sync_open(os, folder, sync));
    if (len > WRITE_OUT_BYTES)
        len = WRITE_OUT_BYTES;
    if (len > 0)
        TRY(os_file_write_out(sync->file, sync->pos, len));
    sync->pos += len;
    *more = sync->pos < sync->bytes;
    if (!*more)
        sync_close(sync); /* of many thousands none stays open */
    return ST_OK;
}

enum status segment_sync_step(struct os *os, const char *folder, struct segment_sync *sync)
{
    struct segment_place at = {.os = os, .folder = folder};

    TRY(sync_open(os, folder, sync));
    TRY(os_file_sync(sync->file));
    sync_close(sync);
    write_index(at, sync);
    return ST_OK;
}

void segment_sync_end(struct segment *seg, struct segment_sync *sync, bool done)
{
    if (done) {
        CHECK(seg->bytes >= sync->bytes); /* what was appended meanwhile is for the next one */
        seg->synced_end = sync->end;
        seg->synced_bytes = sync->bytes;
        seg->synced_max_timestamp = sync->max_timestamp;
        seg->marks_saved += (uint32_t)(sync->marks.len / MARK_BYTES);
    }
    sync_close(sync); /* the step failed, or there was none */
    buf_deinit(&sync->marks);
}

/* ---- reading ---- */

/* The last mark at or below the offset: where to begin to look. */
static struct segment_mark mark_before(const struct segment *seg, int64_t offset)
{
    uint32_t low = 0, high = seg->marks_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (seg->marks[mid].offset <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low ? seg->marks[low - 1] : (struct segment_mark){.offset = seg->base};
}

static enum status damaged(const struct segment *seg, struct segment_place at, uint64_t pos,
                           struct diag *diag)
{
    char path[SEGMENT_PATH_MAX];

    segment_path(at, seg->base, seg->generation, "log", path);
    return diag_set(diag, ST_CORRUPT, DIAG_INTERNAL, "%s is damaged at byte %llu", path,
                    (unsigned long long)pos);
}

/* The header at pos, of a batch whose offsets begin at `from`, or after it where compaction may have left
 * something out; ST_CORRUPT when there is none that fits. A batch's checksum does not cover its base
 * offset: that offsets go on from one batch to the next is all that vouches for it. */
static enum status header_at(const struct segment *seg, struct bytes in, uint64_t pos, int64_t from,
                             struct batch_header *h)
{
    if (batch_header_parse(in, h) != ST_OK || batch_size(h) > seg->bytes - pos ||
        h->base_offset < from || batch_last_offset(h) >= seg->end)
        return ST_CORRUPT;
    return seg->generation || h->base_offset == from ? ST_OK : ST_CORRUPT;
}

/* A place in the file, and the offset that is to be there. */
struct cursor {
    uint64_t pos;
    int64_t next;
};

/* A part of the file in memory: what lies at a position, as far as it was read. */
struct window {
    uint8_t *buffer; /* READ_MIN */
    uint64_t from;
    size_t got;
};

static enum status window_at(const struct segment *seg, struct window *w, uint64_t pos, struct bytes *in)
{
    if (pos < w->from || pos + BATCH_HEADER_BYTES > w->from + w->got) {
        uint64_t want = seg->bytes - pos < READ_MIN ? seg->bytes - pos : READ_MIN;
        w->from = pos;
        TRY(os_file_read(seg->file, pos, w->buffer, want, &w->got));
    }
    *in = bytes_of(w->buffer + (pos - w->from), w->got - (size_t)(pos - w->from));
    return ST_OK;
}

/* ---- past damage ---- */

/* The batch whose header is at pos is whole and its checksum right. */
static bool is_sound(const struct segment *seg, uint64_t pos, const struct batch_header *h)
{
    struct batch_header again;
    size_t got, size = batch_size(h);

    if (size > seg->bytes - pos || size > SOUND_BYTES_MAX)
        return false;
    uint8_t *batch = xmalloc(size);
    bool sound = os_file_read(seg->file, pos, batch, size, &got) == ST_OK && got == size &&
                 batch_validate(bytes_of(batch, size), &again) == ST_OK;
    free(batch);
    return sound;
}

/* The next mark behind pos, where a sound batch begins. */
static bool next_mark(const struct segment *seg, struct window *w, struct cursor *c)
{
    for (uint32_t i = 0; i < seg->marks_count; i++) {
        struct batch_header h;
        struct bytes in;
        if (seg->marks[i].pos <= c->pos || seg->marks[i].offset < c->next)
            continue;
        if (window_at(seg, w, seg->marks[i].pos, &in) == ST_OK && batch_header_parse(in, &h) == ST_OK &&
            h.base_offset == seg->marks[i].offset && is_sound(seg, seg->marks[i].pos, &h)) {
            *c = (struct cursor){seg->marks[i].pos, h.base_offset};
            return true;
        }
    }
    return false;
}

/* Moves to the first sound batch at or behind the cursor, so that damage costs no more than the batch
 * that has it: any place may be one, near by; further on only what the index names. */
static bool resync(const struct segment *seg, struct window *w, struct cursor *c)
{
    uint64_t end = seg->bytes - c->pos > RESYNC_BYTES ? c->pos + RESYNC_BYTES : seg->bytes;

    for (uint64_t pos = c->pos; pos + BATCH_HEADER_BYTES <= end; pos++) {
        struct batch_header h;
        struct bytes in;
        if (window_at(seg, w, pos, &in) != ST_OK)
            return false;
        if (in.ptr[16] != BATCH_MAGIC || batch_header_parse(in, &h) != ST_OK ||
            h.base_offset < c->next || batch_last_offset(&h) >= seg->end || !is_sound(seg, pos, &h))
            continue;
        *c = (struct cursor){pos, h.base_offset};
        return true;
    }
    return next_mark(seg, w, c);
}

/* What is at the cursor is no batch that fits. If the one before it is damaged too, its length led here
 * wrongly: then the way goes on right behind its beginning. */
static bool pass_damage(const struct segment *seg, struct window *w, const struct cursor *before,
                        struct cursor *c)
{
    struct batch_header h;
    struct bytes in;

    if (before->pos < c->pos && window_at(seg, w, before->pos, &in) == ST_OK &&
        batch_header_parse(in, &h) == ST_OK && !is_sound(seg, before->pos, &h))
        *c = (struct cursor){before->pos + 1, before->next + 1};
    return resync(seg, w, c);
}

/* Steps over headers from the cursor to the batch that holds the offset; the cursor is at seg->bytes
 * when none does. */
static enum status find_batch(struct segment *seg, struct segment_place at, int64_t offset,
                              struct cursor *c, struct batch_header *h, struct diag *diag)
{
    struct window w = {.buffer = xmalloc(READ_MIN)};
    struct cursor before = *c;
    enum status st = ST_OK;
    struct bytes in;

    while (st == ST_OK && c->pos < seg->bytes) {
        st = window_at(seg, &w, c->pos, &in);
        if (st != ST_OK)
            break;
        if (header_at(seg, in, c->pos, c->next, h) == ST_OK) {
            if (batch_last_offset(h) >= offset)
                break;
            before = *c;
            *c = (struct cursor){c->pos + batch_size(h), batch_last_offset(h) + 1};
            continue;
        }
        uint64_t bad = c->pos;
        if (!pass_damage(seg, &w, &before, c) || c->next > offset)
            st = damaged(seg, at, bad, diag);
        before = *c;
    }
    free(w.buffer);
    return st;
}

/* Cuts what was read to whole, sound batches below `to`. ST_CORRUPT: the first is not one. */
static enum status take_batches(const struct segment *seg, struct cursor c, struct bytes in,
                                struct segment_read *read)
{
    size_t taken = 0;
    int64_t next = c.next;
    struct batch_header h;

    while (taken < in.len) {
        struct bytes rest = bytes_skip(in, taken);
        enum status st = header_at(seg, rest, c.pos + taken, next, &h);
        bool whole = st == ST_OK && batch_size(&h) <= rest.len;
        if (taken > 0 && (!whole || taken + batch_size(&h) > read->bytes_max))
            break; /* the next read meets it first */
        if (st == ST_OK && batch_last_offset(&h) >= read->to)
            break;
        if (!whole || batch_validate(rest, &h) != ST_OK) {
            if (taken > 0)
                break;
            return ST_CORRUPT;
        }
        if (taken == 0)
            read->base_offset = h.base_offset;
        read->next_offset = next = batch_last_offset(&h) + 1;
        taken += batch_size(&h);
    }
    read->run = bytes_head(in, taken);
    return ST_OK;
}

/* How far from pos, at most so many bytes, a run goes that ends where a stretch does: the next read then begins with
 * one, and can be sent from the file. 0: none ends there. */
static uint64_t to_mark(const struct segment *seg, uint64_t pos, uint64_t bytes_max)
{
    uint32_t low = 0, high = seg->marks_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (seg->marks[mid].pos <= pos + bytes_max)
            low = mid + 1;
        else
            high = mid;
    }
    return low > 0 && seg->marks[low - 1].pos > pos ? seg->marks[low - 1].pos - pos : 0;
}

/* The run that begins with the batch at the cursor. */
static enum status read_run(struct segment *seg, struct cursor c, const struct batch_header *h,
                            struct segment_read *read)
{
    uint64_t want = read->bytes_max > batch_size(h) ? read->bytes_max : batch_size(h);
    size_t got;

    if (want > seg->bytes - c.pos)
        want = seg->bytes - c.pos;
    else if (to_mark(seg, c.pos, want) >= batch_size(h))
        want = to_mark(seg, c.pos, want);
    read->hold = slab_create_sized(read->pool, want);
    enum status st = os_file_read(seg->file, c.pos, read->hold->data, want, &got);
    if (st == ST_OK)
        st = take_batches(seg, c, bytes_of(read->hold->data, got), read);
    if (st == ST_OK)
        segment_set_sound(seg, c.pos, read->run.len);
    if (st != ST_OK || read->run.len == 0) {
        slab_release(read->hold);
        read->hold = NULL;
    }
    return st;
}

/* Behind a damaged batch whose header claims the offset: is it another's? */
static bool is_further_on(const struct segment *seg, int64_t offset, struct cursor *c)
{
    struct window w = {.buffer = xmalloc(READ_MIN)};

    *c = (struct cursor){c->pos + 1, c->next + 1};
    bool found = resync(seg, &w, c) && c->next <= offset;
    free(w.buffer);
    return found;
}

enum status segment_read(struct segment *seg, struct segment_place at, struct segment_read *read,
                         struct diag *diag)
{
    struct batch_header h;

    read->run = BYTES_NONE;
    read->hold = NULL;
    TRY(need_file(seg, at));
    TRY(need_marks(seg, at));
    struct segment_mark mark = mark_before(seg, read->offset);
    struct cursor c = {mark.pos, mark.offset};
    for (;;) {
        TRY(find_batch(seg, at, read->offset, &c, &h, diag));
        if (c.pos >= seg->bytes)
            return ST_OK;
        uint64_t bad = c.pos;
        enum status st = read_run(seg, c, &h, read);
        if (st != ST_CORRUPT)
            return st;
        if (!is_further_on(seg, read->offset, &c))
            return damaged(seg, at, bad, diag);
    }
}

/* ---- a run without reading it ---- */

/* The mark at exactly that offset; marks_count: there is none. */
static uint32_t mark_at(const struct segment *seg, int64_t offset)
{
    uint32_t low = 0, high = seg->marks_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (seg->marks[mid].offset < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low < seg->marks_count && seg->marks[low].offset == offset ? low : seg->marks_count;
}

enum status segment_find_run(struct segment *seg, struct segment_place at, int64_t offset, int64_t to,
                             size_t bytes_max, struct segment_run *out)
{
    *out = (struct segment_run){.next_offset = offset, .sound = true};
    TRY(need_file(seg, at));
    TRY(need_marks(seg, at));
    uint32_t first = mark_at(seg, offset);
    /* The last stretch still grows: it has no end yet. */
    for (uint32_t i = first; i + 1 < seg->marks_count; i++) {
        const struct segment_mark *next = &seg->marks[i + 1];
        if (next->pos - seg->marks[first].pos > bytes_max || next->offset > to)
            break;
        out->pos = seg->marks[first].pos;
        out->len = next->pos - out->pos;
        out->next_offset = next->offset;
        out->sound &= seg->marks[i].sound;
    }
    return ST_OK;
}

uint64_t segment_position_before(const struct segment *seg, int64_t offset)
{
    return mark_before(seg, offset).pos;
}

void segment_set_sound(struct segment *seg, uint64_t pos, uint64_t len)
{
    uint32_t low = 0, high = seg->marks_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (seg->marks[mid].pos < pos)
            low = mid + 1;
        else
            high = mid;
    }
    for (uint32_t i = low; i + 1 < seg->marks_count && seg->marks[i + 1].pos <= pos + len; i++)
        seg->marks[i].sound = true;
}

bool segment_run_holds(const struct segment *seen, uint64_t pos, int64_t offset, struct bytes run)
{
    struct batch_header h;

    while (run.len > 0) {
        if (header_at(seen, run, pos, offset, &h) != ST_OK || batch_size(&h) > run.len ||
            batch_validate(run, &h) != ST_OK)
            return false;
        offset = batch_last_offset(&h) + 1;
        pos += batch_size(&h);
        run = bytes_skip(run, batch_size(&h));
    }
    return true;
}

enum status segment_seek_time(struct segment *seg, struct segment_place at, int64_t timestamp_ms,
                              int64_t *offset)
{
    *offset = seg->end;
    if (seg->max_timestamp < timestamp_ms)
        return ST_OK;
    TRY(need_file(seg, at));
    TRY(need_marks(seg, at));
    for (uint32_t i = 0; i < seg->marks_count; i++) {
        if (seg->marks[i].max_timestamp >= timestamp_ms) {
            *offset = seg->marks[i].offset;
            break;
        }
    }
    return ST_OK;
}

enum status segment_verify(struct segment *seg, struct segment_place at, const struct epochs *epochs,
                           struct slab_pool *pool, uint64_t *bad_pos)
{
    struct batch_header h;
    int64_t next = seg->base;
    size_t got;

    *bad_pos = 0;
    TRY(need_file(seg, at));
    for (uint64_t pos = 0; pos < seg->bytes;) {
        uint8_t head[BATCH_HEADER_BYTES];
        *bad_pos = pos;
        TRY(os_file_read(seg->file, pos, head, sizeof(head), &got));
        TRY(header_at(seg, bytes_of(head, got), pos, next, &h));
        if (!epochs_fits(epochs, h.leader_epoch, h.base_offset))
            return ST_CORRUPT;
        struct slab *slab = slab_create_sized(pool, batch_size(&h));
        enum status st = os_file_read(seg->file, pos, slab->data, batch_size(&h), &got);
        if (st == ST_OK && batch_validate(bytes_of(slab->data, got), &h) != ST_OK)
            st = ST_CORRUPT;
        slab_release(slab);
        TRY(st);
        next = batch_last_offset(&h) + 1;
        pos += batch_size(&h);
    }
    return next == seg->end ? ST_OK : ST_CORRUPT;
}
