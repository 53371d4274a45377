/* checkpoint_write.c: a job's state into a file, off the loop.
 *
 * The state is put into its saved form between two ticks, in memory; writing it, syncing and renaming
 * are the engine's helper's, and ticks go on meanwhile. Pins and notes move when the file is whole.
 * Of a state larger than PART_BYTES the loop hands over a part and waits until it is written, so that
 * a checkpoint needs no second copy of it.
 *
 * What a task has on disk is read by its own helper. The job begins no tick meanwhile, others do: collecting goes on, a
 * turn of the job at a time, where a part has been read or written.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "flow/checkpoint.h"
#include "flow/inner.h"

enum { PART_BYTES = 64 << 20, COLD_PART_BYTES = 4 << 20, SLICE_BYTES = 256 << 10 };

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

    /* The loop's: where collecting stands */
    bool collecting;
    bool handed;  /* a part is the helper's */
    bool cold;    /* the task's memory is saved: what it has on disk is next, */
    bool scanned; /* and begun */
    uint32_t node, shard, sections;
    struct buf manifest;
    size_t count_at; /* of the manifest: the number of sections */
    uint32_t crc;    /* of the section so far */
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
                               uint32_t shard, uint64_t began)
{
    struct saving *s = to->saving;

    TRY(w->failed);
    TRY(drain(to, buf_view(&w->buf)));
    buf_clear(&w->buf);
    buf_u32_le(&s->manifest, node);
    buf_u32_le(&s->manifest, shard);
    buf_u64_le(&s->manifest, began);
    buf_u64_le(&s->manifest, end_pos(s) - began);
    buf_u32_le(&s->manifest, s->crc);
    s->crc = 0;
    s->sections++;
    return ST_OK;
}

static void manifest_head(struct job *job, struct saving *s)
{
    struct buf *out = &s->manifest;

    buf_sized(out, bytes_str(job->name));
    buf_u64_le(out, job->tick);
    buf_u64_le(out, (uint64_t)job->clock_us);
    buf_u32_le(out, ENGINE_VERSION);
    buf_u64_le(out, job->plan_hash);
    buf_u32_le(out, driver_shards(job->driver));
    buf_u64_le(out, (uint64_t)job->note_offset);
    buf_u32_le(out, driver_nodes_count(job->driver));
    s->count_at = out->len;
    buf_u32_le(out, 0);
}

static void manifest_end(struct saving *s)
{
    buf_patch_u32_le(&s->manifest, s->count_at, s->sections);
    uint64_t at = end_pos(s);
    uint32_t len = (uint32_t)s->manifest.len, crc = crc32c(0, s->manifest.ptr, s->manifest.len);
    buf_u64_le(&s->manifest, at);
    buf_u32_le(&s->manifest, len);
    buf_u32_le(&s->manifest, crc);
    buf_append(&s->manifest, CHECKPOINT_FOOT, CHECKPOINT_MAGIC_BYTES);
    buf_bytes(&s->buf, buf_view(&s->manifest));
}

/* ---- collecting ---- */

/* What the task has in memory. */
static enum status collect_task(struct job *job, struct saving *s)
{
    struct section_sink to = {job, s};
    struct snap_writer w = {.drain = drain, .context = &to};
    uint64_t began = end_pos(s);

    buf_init(&w.buf, 0);
    driver_save_task(job->driver, s->node, s->shard, &w);
    enum status st = section_end(&to, &w, s->node, s->shard, began);
    buf_deinit(&w.buf);
    s->cold = true;
    s->scanned = false;
    return st;
}

static void next_task(struct job *job, struct saving *s)
{
    s->cold = s->scanned = false;
    s->shard = (s->shard + 1) % driver_shards(job->driver);
    s->node += s->shard == 0;
}

/* A part of what it has on disk. */
static enum status collect_cold(struct job *job, struct saving *s)
{
    struct section_sink to = {job, s};
    struct snap_writer w = {.drain = drain, .context = &to};
    struct diag diag = {0};
    uint64_t began = end_pos(s);

    buf_init(&w.buf, 0);
    enum status st = driver_save_cold(job->driver, s->node, s->shard, !s->scanned, &w.buf, &diag);
    s->scanned = true;
    if (st == ST_OK)
        st = section_end(&to, &w, s->node | CHECKPOINT_COLD, s->shard, began);
    buf_deinit(&w.buf);
    if (st != ST_END)
        return st;
    next_task(job, s);
    return ST_OK;
}

static enum status collect_splits(struct job *job, struct saving *s)
{
    struct section_sink to = {job, s};
    struct snap_writer w = {.drain = drain, .context = &to};
    uint64_t began = end_pos(s);

    buf_init(&w.buf, 0);
    driver_save_splits(job->driver, &w);
    enum status st = section_end(&to, &w, driver_nodes_count(job->driver), 0, began);
    buf_deinit(&w.buf);
    return st;
}

/* Gives the helper what there is of the file, if that is much; sooner where the disk is read for it, as memory is scarce then.
 * ST_AGAIN: it is at it. */
static enum status hand_over_some(struct job *job, struct saving *s)
{
    if (!s->handed && s->buf.len < (s->scanned ? COLD_PART_BYTES : PART_BYTES))
        return ST_OK;
    if (!s->handed)
        os_helper_submit(job->engine->helper, &s->work);
    s->handed = true;
    if (!os_helper_done(job->engine->helper, &s->work))
        return ST_AGAIN;
    s->handed = false;
    buf_clear(&s->buf);
    s->written = 0;
    return s->status;
}

static enum status collect(struct job *job, struct saving *s)
{
    while (s->node < driver_nodes_count(job->driver)) {
        if (s->cold) {
            TRY(hand_over_some(job, s));
            TRY(collect_cold(job, s));
        } else {
            TRY(collect_task(job, s));
        }
    }
    TRY(hand_over_some(job, s));
    TRY(collect_splits(job, s));
    manifest_end(s);
    s->last = true;
    return ST_OK;
}

/* ---- the job's side ---- */

static void saving_free(struct saving *s)
{
    buf_deinit(&s->buf);
    buf_deinit(&s->manifest);
    positions_free(s->positions);
    free(s->dir);
    free(s->name);
    free(s);
}

static enum status failed(const char *path, enum status st, struct diag *diag)
{
    return diag_set(diag, st, DIAG_INTERNAL, "checkpoint %s: %s", path, status_text(st));
}

static void saving_give_up(struct job *job)
{
    struct saving *s = job->saving;

    if (s->handed)
        os_helper_wait(job->engine->helper, &s->work);
    if (s->file)
        give_up(s);
    saving_free(s);
    job->saving = NULL;
}

/* ST_AGAIN: it goes on with checkpoint_collects. Others than that and ST_OK: it is gone. */
static enum status collect_on(struct job *job)
{
    struct saving *s = job->saving;
    enum status st = collect(job, s);

    if (st == ST_AGAIN)
        return st;
    s->collecting = false;
    if (st == ST_OK)
        os_helper_submit(job->engine->helper, &s->work);
    else
        saving_give_up(job);
    return st;
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
    s->collecting = true;
    buf_init(&s->buf, 0);
    buf_init(&s->manifest, 0);
    job->saving = s;
    if (!checkpoint_path(s->dir, bytes_str(s->name), s->tick, s->path)) {
        saving_give_up(job);
        return diag_set(diag, ST_INVALID, DIAG_LIMIT, "the path of the checkpoint is too long");
    }
    char path[OS_PATH_MAX];
    snprintf(path, sizeof(path), "%s", s->path);
    manifest_head(job, s);
    buf_append(&s->buf, CHECKPOINT_HEAD, CHECKPOINT_MAGIC_BYTES);
    enum status st = driver_sync(job->driver);
    if (st != ST_OK)
        saving_give_up(job);
    else
        st = collect_on(job);
    return st == ST_OK || st == ST_AGAIN ? ST_OK : failed(path, st, diag);
}

bool checkpoint_collects(struct job *job)
{
    if (!checkpoint_is_collecting(job))
        return false;
    return collect_on(job) == ST_AGAIN;
}

bool checkpoint_is_collecting(const struct job *job)
{
    return job->saving && job->saving->collecting;
}

bool checkpoint_poll(struct job *job)
{
    struct saving *s = job->saving;

    if (!s)
        return true;
    if (s->collecting || !os_helper_done(job->engine->helper, &s->work))
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
    if (job->saving && job->saving->collecting)
        saving_give_up(job);
    if (job->saving)
        os_helper_wait(job->engine->helper, &job->saving->work);
    (void)checkpoint_poll(job);
}

enum status checkpoint_write(struct job *job, char path[OS_PATH_MAX], struct diag *diag)
{
    checkpoint_wait(job); /* for one that is under way */
    TRY(checkpoint_begin(job, diag));
    snprintf(path, OS_PATH_MAX, "%s", job->saving->path);
    while (checkpoint_collects(job)) {
        driver_wait_disk(job->driver);
        os_helper_wait(job->engine->helper, &job->saving->work);
    }
    if (!job->saving)
        return failed(path, ST_IO, diag);
    os_helper_wait(job->engine->helper, &job->saving->work);
    enum status st = job->saving->status;
    (void)checkpoint_poll(job);
    return st == ST_OK ? ST_OK : failed(path, st, diag);
}
