/* checkpoint_write.c: a job's state into a file, off the loop.
 *
 * The state is put into its saved form between two ticks, in memory; writing it, syncing and renaming
 * are the engine's helper's, and ticks go on meanwhile. Pins and notes move when the file is whole.
 * Of a state larger than PART_BYTES the loop hands over a part and waits until it is written, so that
 * a checkpoint needs no second copy of it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "flow/checkpoint.h"
#include "flow/inner.h"

enum { PART_BYTES = 64 << 20, SLICE_BYTES = 256 << 10 };

struct saving {
    struct os_work work;
    struct os *os;
    char *dir, *name; /* of the data, of the job */
    char path[OS_PATH_MAX];
    enum { SAVE_FOLDERS, SAVE_OPEN, SAVE_WRITE, SAVE_SYNC, SAVE_NAME, SAVE_FOLDER, SAVE_PRUNE } at;
    bool last; /* what is in buf is the last of it */
    struct os_file *file;
    uint64_t pos;  /* of buf in the file */
    size_t written; /* of buf */
    struct buf buf;
    enum status status;

    /* The loop's */
    uint32_t crc; /* of the section so far */
    uint64_t tick;
    int64_t note_offset;
    struct positions *positions;
};

/* ---- on the helper ---- */

static enum status make_folders(const struct saving *s)
{
    char path[OS_PATH_MAX];

    snprintf(path, sizeof(path), "%s/checkpoints", s->dir);
    TRY(os_mkdir(s->os, path));
    TRY(os_sync_dir(s->os, s->dir));
    checkpoint_folder(s->dir, bytes_str(s->name), path);
    TRY(os_mkdir(s->os, path));
    snprintf(path, sizeof(path), "%s/checkpoints", s->dir);
    return os_sync_dir(s->os, path);
}

static void temporary_path(const struct saving *s, char path[OS_PATH_MAX + 8])
{
    snprintf(path, OS_PATH_MAX + 8, "%s.tmp", s->path);
}

static enum status write_slice(struct saving *s)
{
    size_t len = s->buf.len - s->written;

    if (len > SLICE_BYTES)
        len = SLICE_BYTES;
    TRY(os_file_write(s->file, s->pos, s->buf.ptr + s->written, len));
    s->written += len;
    s->pos += len;
    return ST_OK;
}

static enum status sync_file(struct saving *s)
{
    enum status st = os_file_sync(s->file);

    os_file_close(s->file);
    s->file = NULL;
    return st;
}

static enum status step_now(struct saving *s)
{
    char temporary[OS_PATH_MAX + 8], folder[OS_PATH_MAX];

    temporary_path(s, temporary);
    switch (s->at) {
    case SAVE_FOLDERS: return make_folders(s);
    case SAVE_OPEN:
        return os_file_open(s->os, temporary, OS_WRITE | OS_CREATE | OS_TRUNCATE, &s->file);
    case SAVE_WRITE: return write_slice(s);
    case SAVE_SYNC: return sync_file(s);
    case SAVE_NAME: return os_rename(s->os, temporary, s->path);
    case SAVE_FOLDER:
        checkpoint_folder(s->dir, bytes_str(s->name), folder);
        return os_sync_dir(s->os, folder);
    case SAVE_PRUNE:
        checkpoint_prune(s->os, s->dir, bytes_str(s->name), CHECKPOINTS_KEPT);
        return ST_OK;
    }
    return ST_OK;
}

static void give_up(struct saving *s)
{
    char temporary[OS_PATH_MAX + 8];

    if (s->file)
        os_file_close(s->file);
    s->file = NULL;
    temporary_path(s, temporary);
    enum status ignored = os_remove(s->os, temporary);
    (void)ignored;
}

static bool save_step(struct os_work *work)
{
    struct saving *s = (struct saving *)work;

    s->status = step_now(s);
    if (s->status != ST_OK) {
        give_up(s);
        return false;
    }
    if (s->at == SAVE_WRITE && s->written < s->buf.len)
        return true;
    if (s->at == SAVE_WRITE && !s->last)
        return false; /* the next part comes */
    return s->at++ != SAVE_PRUNE;
}

/* ---- the saved form ---- */

static enum status hand_over(struct job *job, struct saving *s)
{
    os_helper_submit(job->engine->helper, &s->work);
    os_helper_wait(job->engine->helper, &s->work);
    buf_clear(&s->buf);
    s->written = 0;
    return s->status;
}

struct section_sink {
    struct job *job;
    struct saving *saving;
};

static enum status drain(void *context, struct bytes bytes)
{
    struct section_sink *to = context;

    to->saving->crc = crc32c(to->saving->crc, bytes.ptr, bytes.len);
    buf_bytes(&to->saving->buf, bytes);
    return to->saving->buf.len < PART_BYTES ? ST_OK : hand_over(to->job, to->saving);
}

/* Where the next byte goes in the file; between two steps of the helper. */
static uint64_t end_pos(const struct saving *s)
{
    return s->pos + s->buf.len;
}

static enum status section_end(struct section_sink *to, struct snap_writer *w, uint32_t node,
                               uint32_t shard, uint64_t began, struct buf *manifest)
{
    TRY(w->failed);
    TRY(drain(to, buf_view(&w->buf)));
    buf_clear(&w->buf);
    buf_u32_le(manifest, node);
    buf_u32_le(manifest, shard);
    buf_u64_le(manifest, began);
    buf_u64_le(manifest, end_pos(to->saving) - began);
    buf_u32_le(manifest, to->saving->crc);
    to->saving->crc = 0;
    return ST_OK;
}

static enum status write_sections(struct driver *d, struct section_sink *to, struct buf *manifest)
{
    struct snap_writer w = {.drain = drain, .context = to};
    buf_init(&w.buf, 0);
    enum status st = ST_OK;
    for (uint32_t n = 0; n < driver_nodes_count(d) && st == ST_OK; n++)
        for (uint32_t s = 0; s < driver_shards(d) && st == ST_OK; s++) {
            uint64_t began = end_pos(to->saving);
            driver_save_task(d, n, s, &w);
            st = section_end(to, &w, n, s, began, manifest);
        }
    if (st == ST_OK) {
        uint64_t began = end_pos(to->saving);
        driver_save_splits(d, &w);
        st = section_end(to, &w, driver_nodes_count(d), 0, began, manifest);
    }
    buf_deinit(&w.buf);
    return st;
}

static void manifest_head(struct job *job, struct buf *out)
{
    buf_sized(out, bytes_str(job->name));
    buf_u64_le(out, job->tick);
    buf_u64_le(out, (uint64_t)job->clock_us);
    buf_u32_le(out, ENGINE_VERSION);
    buf_u64_le(out, job->plan_hash);
    buf_u32_le(out, driver_shards(job->driver));
    buf_u64_le(out, (uint64_t)job->note_offset);
    buf_u32_le(out, driver_nodes_count(job->driver));
    buf_u32_le(out, driver_nodes_count(job->driver) * driver_shards(job->driver) + 1);
}

static enum status write_all(struct job *job, struct saving *s)
{
    struct buf manifest;

    buf_init(&manifest, 0);
    manifest_head(job, &manifest);
    buf_append(&s->buf, CHECKPOINT_HEAD, CHECKPOINT_MAGIC_BYTES);
    enum status st = write_sections(job->driver, &(struct section_sink){job, s}, &manifest);
    uint64_t at = end_pos(s);
    uint32_t len = (uint32_t)manifest.len, crc = crc32c(0, manifest.ptr, manifest.len);
    buf_u64_le(&manifest, at);
    buf_u32_le(&manifest, len);
    buf_u32_le(&manifest, crc);
    buf_append(&manifest, CHECKPOINT_FOOT, CHECKPOINT_MAGIC_BYTES);
    buf_bytes(&s->buf, buf_view(&manifest));
    buf_deinit(&manifest);
    return st;
}

/* ---- the job's side ---- */

static void saving_free(struct saving *s)
{
    buf_deinit(&s->buf);
    positions_free(s->positions);
    free(s->dir);
    free(s->name);
    free(s);
}

static enum status failed(const char *path, enum status st, struct diag *diag)
{
    return diag_set(diag, st, DIAG_INTERNAL, "checkpoint %s: %s", path, status_text(st));
}

enum status checkpoint_begin(struct job *job, struct diag *diag)
{
    struct engine *engine = job->engine;

    CHECK(!job->pending && !job->unsettled && !job->saving);
    if (!engine->dir)
        return diag_set(diag, ST_UNSUPPORTED, DIAG_STATE, "there is no data directory");
    struct saving *s = xcalloc(1, sizeof(*s));
    s->work.step = save_step;
    s->os = engine->os;
    s->dir = xstrdup(engine->dir);
    s->name = xstrdup(job->name);
    s->tick = job->tick;
    s->note_offset = job->note_offset;
    s->positions = positions_of(job->driver);
    buf_init(&s->buf, 0);
    if (!checkpoint_path(s->dir, bytes_str(s->name), s->tick, s->path)) {
        saving_free(s);
        return diag_set(diag, ST_INVALID, DIAG_LIMIT, "the path of the checkpoint is too long");
    }
    enum status st = driver_sync(job->driver);
    if (st == ST_OK)
        st = write_all(job, s);
    if (st != ST_OK) {
        enum status told = failed(s->path, st, diag);
        if (s->file)
            give_up(s);
        saving_free(s);
        return told;
    }
    s->last = true;
    job->saving = s;
    os_helper_submit(engine->helper, &s->work);
    return ST_OK;
}

bool checkpoint_poll(struct job *job)
{
    struct saving *s = job->saving;

    if (!s)
        return true;
    if (!os_helper_done(job->engine->helper, &s->work))
        return false;
    job->saving = NULL;
    if (s->status == ST_OK) {
        job->checkpoints++;
        job->checkpoint_tick = s->tick;
        job_keep(job, s->positions, s->note_offset);
        job_trim_notes(job);
        s->positions = NULL;
    }
    saving_free(s);
    return true;
}

void checkpoint_wait(struct job *job)
{
    if (job->saving)
        os_helper_wait(job->engine->helper, &job->saving->work);
    (void)checkpoint_poll(job);
}

enum status checkpoint_write(struct job *job, char path[OS_PATH_MAX], struct diag *diag)
{
    checkpoint_wait(job); /* for one that is under way */
    TRY(checkpoint_begin(job, diag));
    os_helper_wait(job->engine->helper, &job->saving->work);
    enum status st = job->saving->status;
    snprintf(path, OS_PATH_MAX, "%s", job->saving->path);
    (void)checkpoint_poll(job);
    return st == ST_OK ? ST_OK : failed(path, st, diag);
}
