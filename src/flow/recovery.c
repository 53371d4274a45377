/* recovery.c: see recovery.h. */
#include "flow/recovery.h"

#include <stdlib.h>

#include "base/check.h"
#include "flow/checkpoint.h"
#include "flow/inner.h"
#include "flow/memory.h"

enum { REPLAY_SLICE_NS = 20 * 1000 * 1000, REPLAY_READ_BYTES = 256 << 10 };

bool recovery_needed(struct job *job)
{
    struct log_offsets offsets;
    log_offsets(job->notes, &offsets);
    return offsets.end > 0;
}

/* ---- reading notes ---- */

typedef enum status note_fn(struct job *job, struct note *note, int64_t offset, struct diag *diag);

static enum status damaged(struct job *job, int64_t offset, struct diag *diag)
{
    return diag_set(diag, ST_CORRUPT, DIAG_INTERNAL,
                    "note %lld of job '%s' is damaged, or its sources have other partitions or files now: its ticks "
                    "cannot be repeated",
                    (long long)offset, job->name);
}

static enum status batch_notes(struct job *job, struct bytes batch, note_fn *fn,
                               struct diag *diag)
{
    struct batch_records it;
    struct record rec;
    struct batch_header header;
    struct buf scratch;
    if (batch_validate(batch, &header) != ST_OK)
        return damaged(job, job->note_offset, diag);
    buf_init(&scratch, 1 << 20);
    enum status st = batch_records_open_buf(&it, batch, &scratch);
    while (st == ST_OK && (st = batch_records_next(&it, &rec)) == ST_OK) {
        struct note note;
        if (rec.offset < job->note_offset)
            continue;
        st = note_decode(rec.value, &note);
        if (st != ST_OK)
            break;
        st = fn(job, &note, rec.offset, diag);
        note_deinit(&note);
        if (st != ST_OK)
            break;
        job->note_offset = rec.offset + 1;
    }
    buf_deinit(&scratch);
    if (st == ST_END)
        return ST_OK;
    return st == ST_CORRUPT && diag->code == DIAG_NONE ? damaged(job, job->note_offset, diag) : st;
}

/* Calls fn for the notes of one read from note_offset on. */
static enum status read_notes(struct job *job, note_fn *fn, struct diag *diag)
{
    struct log_view view;
    enum status st = log_read(job->engine->log, job->notes, job->note_offset, REPLAY_READ_BYTES,
                              LOG_TO_END, &view, diag);
    if (st != ST_OK)
        return diag_set(diag, st, DIAG_INTERNAL, "the notes of job '%s' cannot be read at %lld: %s",
                        job->name, (long long)job->note_offset, status_text(st));
    struct bytes run = view.bytes, batch;
    struct batch_header header;
    while (st == ST_OK && run.len) {
        st = batch_next(&run, &header, &batch);
        if (st == ST_OK)
            st = batch_notes(job, batch, fn, diag);
    }
    log_view_release(&view);
    if (st != ST_OK && diag->code == DIAG_NONE)
        return damaged(job, job->note_offset, diag);
    return st == ST_END ? ST_OK : st;
}

/* ---- beginning ---- */

static enum status peek_one(struct job *job, struct note *note, int64_t offset, struct diag *diag)
{
    (void)offset;
    (void)diag;
    if (!job->replay_shards) { /* the first is enough */
        job->replay_from_tick = note->tick;
        job->replay_shards = note->shards;
    }
    return ST_OK;
}

static enum status from_start(struct job *job, struct diag *diag)
{
    struct log_offsets offsets;
    log_offsets(job->notes, &offsets);
    job->note_offset = offsets.start;
    enum status st = read_notes(job, peek_one, diag);
    if (st != ST_OK)
        return st;
    job->note_offset = offsets.start;
    if (!job->replay_shards || job->replay_from_tick != 0)
        return diag_set(diag, ST_CORRUPT, DIAG_INTERNAL,
                        "job '%s' has no checkpoint that is whole, and its notes begin at tick %llu",
                        job->name, (unsigned long long)job->replay_from_tick);
    return job_driver_open(job, job->replay_shards, &job->driver, diag);
}

static enum status from_checkpoint(struct job *job, struct checkpoint *c, struct diag *diag)
{
    struct log_offsets offsets;
    char folder[OS_PATH_MAX];
    log_offsets(job->notes, &offsets);
    if (c->plan != job->plan_hash || c->note_offset < offsets.start || c->note_offset > offsets.end)
        return ST_CORRUPT;
    if (c->engine_version != ENGINE_VERSION)
        return diag_set(diag, ST_UNSUPPORTED, DIAG_STATE,
                        "the checkpoint of tick %llu was made by engine version %u, this one is %d: drop "
                        "the job and start it anew", (unsigned long long)c->tick, c->engine_version,
                        ENGINE_VERSION);
    TRY(job_driver_open(job, c->shards, &job->driver, diag));
    enum status st = checkpoint_load(c, job->driver, memory_loaded, job, diag);
    if (st != ST_OK) {
        driver_close(job->driver);
        job->driver = NULL;
        return st;
    }
    checkpoint_folder(job->engine->dir, bytes_str(job->name), folder);
    st = os_sync_dir(job->engine->os, folder); /* its name may be in memory alone, and what it needs no more goes */
    if (st != ST_OK) {
        driver_close(job->driver);
        job->driver = NULL;
        return st;
    }
    job->tick = job->checkpoint_tick = c->tick;
    job->clock_us = job->checkpoint_us = c->clock_us;
    job->note_offset = c->note_offset;
    /* No note is let go of here: the checkpoint before this one can be fallen back to until there is a next. */
    job_keep(job, positions_of(job->driver), c->note_offset);
    return ST_OK;
}

/* The newest checkpoint that loads; else all from the first note. */
static enum status open_state(struct job *job, struct diag *diag)
{
    uint64_t before = UINT64_MAX;
    struct checkpoint c;
    struct diag other = {0}; /* there is one, of another version */
    while (job->engine->dir && checkpoint_find(job->engine->os, job->engine->dir,
                                               bytes_str(job->name), before, &c) == ST_OK) {
        struct diag ignored = {0};
        before = c.tick;
        enum status st = from_checkpoint(job, &c, &ignored);
        checkpoint_close(&c);
        if (st == ST_OK)
            return ST_OK;
        if (st == ST_UNSUPPORTED)
            other = ignored;
    }
    enum status st = from_start(job, diag);
    if (st == ST_CORRUPT && other.code != DIAG_NONE)
        *diag = other;
    return st;
}

enum status recovery_begin(struct job *job, struct diag *diag)
{
    struct log_offsets offsets;
    struct diag why = {0};
    log_offsets(job->notes, &offsets);
    job->replay_end = offsets.end;
    job->state = JOB_RECOVERING;
    enum status st = open_state(job, &why);
    if (st == ST_OK) {
        job->replay_notes = (uint64_t)(job->replay_end - job->note_offset);
        return ST_OK;
    }
    if (job->driver || (st != ST_CORRUPT && st != ST_IO)) {
        *diag = why;
        return st;
    }
    job_fail(job, JOB_FAILED, &why); /* this job stops, by name */
    return job_driver_open(job, job->shards, &job->driver, diag);
}

/* ---- running the noted ticks ---- */

static enum status diverged(struct job *job, uint64_t tick, uint32_t sink, struct diag *diag)
{
    const struct plan_node *node = job->plan->sinks[sink];
    struct table *table = node->sink.table;
    diag_set(diag, ST_CORRUPT, DIAG_INTERNAL,
             "tick %llu run again does not give what it gave: sink %u (%.*s)",
             (unsigned long long)tick, node->id, table ? (int)table->name.len : 0,
             table ? (const char *)table->name.ptr : "");
    job_fail(job, JOB_DIVERGED, diag);
    return ST_CORRUPT;
}

static enum status replay_note(struct job *job, struct note *note, int64_t offset,
                               struct diag *diag)
{
    if (note->tick == 0 && job->tick == 0) {
        job->clock_us = note->clock_us;
        if (note_apply(note, job->driver) != ST_OK)
            return damaged(job, offset, diag);
        job_keep(job, positions_of(job->driver), offset);
        return ST_OK;
    }
    if (note->tick != job->tick + 1)
        return diag_set(diag, ST_CORRUPT, DIAG_INTERNAL,
                        "note %lld of job '%s' is of tick %llu, not of tick %llu",
                        (long long)offset, job->name, (unsigned long long)note->tick,
                        (unsigned long long)job->tick + 1);
    if (note->plan != job->plan_hash)
        return diag_set(diag, ST_UNSUPPORTED, DIAG_STATE,
                        "tick %llu was run by another plan of this query (engine version %u): it cannot "
                        "be run again; drop the job and start it anew",
                        (unsigned long long)note->tick, note->engine_version);
    if (note->shards != driver_shards(job->driver))
        TRY(job_reshard(job, note->shards, diag));
    if (note_apply(note, job->driver) != ST_OK)
        return damaged(job, offset, diag);
    struct driver_tick tick = {.tick = note->tick, .clock_us = note->clock_us, .schemas = note->schemas, .replaying = true};
    TRY(driver_run(job->driver, &tick, diag));
    for (uint32_t i = 0; i < note->sinks_count; i++)
        if (driver_sink_hash(job->driver, i) != note->hashes[i])
            return diverged(job, note->tick, i, diag);
    job->tick = note->tick;
    job->clock_us = note->clock_us;
    job->replayed++;
    TRY(memory_move_now(job, diag));
    return driver_publish(job->driver, job->tick);
}

static enum status recovered(struct job *job, struct diag *diag)
{
    if (driver_shards(job->driver) != job->shards)
        TRY(job_reshard(job, job->shards, diag));
    job->state = job->pause_wanted || !job_trial_allows(job) ? JOB_PAUSED : JOB_RUNNING;
    job->work = true;
    memory_count(job);
    job->memory_peak_bytes = job->memory_bytes; /* what it had it may have */
    job->checkpoint_us = os_wall_us(job->engine->os);
    return ST_OK;
}

bool recovery_turn(struct job *job)
{
    struct os *os = job->engine->os;
    int64_t until = os_mono_ns(os) + REPLAY_SLICE_NS;
    struct diag diag = {0};
    enum status st = ST_OK;
    while (st == ST_OK && job->note_offset < job->replay_end) {
        int64_t before = job->note_offset;
        st = read_notes(job, replay_note, &diag);
        if (st == ST_OK && job->note_offset == before)
            st = damaged(job, before, &diag);
        if (os_mono_ns(os) >= until)
            break;
    }
    if (st == ST_OK && job->note_offset >= job->replay_end)
        st = recovered(job, &diag);
    if (st != ST_OK && job->state == JOB_RECOVERING)
        job_fail(job, JOB_FAILED, &diag);
    return job->state == JOB_RECOVERING || (st == ST_OK && job->state == JOB_RUNNING);
}
