#include "flow/memory.h"

#include <stdio.h>

#include "base/check.h"
#include "flow/inner.h"

enum { MIB = 1 << 20 };

static uint64_t mib(uint64_t bytes)
{
    return (bytes + MIB - 1) / MIB;
}

/* The last eighth is for jobs below their share. */
static uint64_t soft_limit(const struct engine *engine)
{
    uint64_t limit = engine->options.memory_bytes_max;

    return limit - limit / 8;
}

enum status memory_admits(const struct engine *engine, struct diag *diag)
{
    uint64_t limit = engine->options.memory_bytes_max;

    if (!limit || engine->memory_bytes <= soft_limit(engine))
        return ST_OK;
    return diag_set(diag, ST_NOSPACE, DIAG_LIMIT,
                    "jobs hold %llu MiB of the %llu MiB of memory.limit: no job is begun; drop one, or raise the limit",
                    (unsigned long long)mib(engine->memory_bytes), (unsigned long long)mib(limit));
}

void memory_count(struct job *job)
{
    struct engine *engine = job->engine;
    struct job_memory memory;

    if (!engine->options.memory_bytes_max)
        return;
    job_memory(job, &memory);
    engine->memory_bytes -= job->memory_bytes;
    job->memory_bytes = job_memory_sum(&memory);
    engine->memory_bytes += job->memory_bytes;
}

static uint64_t share_of(const struct engine *engine)
{
    uint64_t jobs = 1;

    for (const struct job *job = engine->jobs; job; job = job->next)
        jobs++;
    return engine->options.memory_bytes_max / jobs;
}

/* ---- to disk ---- */

/* A move takes at least half: less would not close enough holes to give memory back. */
enum { MOVE_PERCENT_MIN = 55, MOVE_PERCENT_MAX = 95 };

#define MOVE_RETRY_US INT64_C(1000000)

bool memory_wants_move(struct job *job)
{
    struct engine *engine = job->engine;
    uint64_t share;

    if (job->move_again_us && os_wall_us(engine->os) < job->move_again_us)
        return false;
    job->move_again_us = 0;
    if (!engine->options.memory_bytes_max || engine->memory_bytes <= soft_limit(engine) ||
        job->memory_bytes <= (share = share_of(engine)))
        return false;
    uint64_t movable = driver_movable(job->driver), excess = job->memory_bytes - share + share / 4;
    if (movable < job->memory_bytes / 16) /* what little could go would not help */
        return false;
    uint64_t percent = excess >= movable ? MOVE_PERCENT_MAX : excess * 100 / movable;
    job->moving = percent < MOVE_PERCENT_MIN ? MOVE_PERCENT_MIN : (uint32_t)percent;
    job->move_before_cold = driver_cold(job->driver);
    return true;
}

enum status memory_moved(struct job *job, enum status st, struct diag *diag)
{
    bool none = driver_cold(job->driver) <= job->move_before_cold;

    job->moving = 0;
    job->moves++;
    memory_count(job);
    job->move_again_us = none ? os_wall_us(job->engine->os) + MOVE_RETRY_US : 0;
    job->disk_full[0] = 0;
    if (st != ST_NOSPACE)
        return st;
    snprintf(job->disk_full, sizeof(job->disk_full), "%.255s", diag->message);
    return ST_OK;
}

enum status memory_move_now(struct job *job, struct diag *diag)
{
    memory_count(job);
    if (!memory_wants_move(job))
        return ST_OK;
    return memory_moved(job, driver_move_all(job->driver, job->moving, diag), diag);
}

enum status memory_loaded(void *job, struct diag *diag)
{
    return memory_move_now(job, diag);
}

static bool job_fits(const struct job *job)
{
    const struct engine *engine = job->engine;

    if (engine->memory_bytes <= soft_limit(engine))
        return true;
    return engine->memory_bytes <= engine->options.memory_bytes_max && job->memory_bytes <= share_of(engine);
}

/* What of the job's memory no move can free: by name, where it is a quarter of it or more. */
static void tell_staying(const struct job *job, char *out, size_t size)
{
    struct job_memory memory;
    struct op_info most = {0};

    job_memory(job, &memory);
    for (uint32_t i = 0; i < driver_nodes_count(job->driver); i++) {
        struct op_info op;
        job_op_info(job, i, &op);
        if (!op.goes_to_disk && !op.table.len && op.state_bytes > most.state_bytes)
            most = op;
    }
    out[0] = 0;
    if (memory.views > most.state_bytes && memory.views >= job->memory_bytes / 4)
        snprintf(out, size, "; %llu MiB are in its views, which stay in memory", (unsigned long long)mib(memory.views));
    else if (most.state_bytes && most.state_bytes >= job->memory_bytes / 4)
        snprintf(out, size, "; %llu MiB are in its %s, which stays in memory", (unsigned long long)mib(most.state_bytes),
                 most.name);
}

static void wait_for_memory(struct job *job)
{
    struct engine *engine = job->engine;
    struct diag diag = {0};
    char staying[128];

    tell_staying(job, staying, sizeof(staying));
    diag_set(&diag, ST_NOSPACE, DIAG_LIMIT,
             "memory.limit: job '%s' holds %llu MiB, all jobs %llu MiB of %llu MiB; its EXPLAIN says what grows%s", job->name,
             (unsigned long long)mib(job->memory_bytes), (unsigned long long)mib(engine->memory_bytes),
             (unsigned long long)mib(engine->options.memory_bytes_max), staying);
    if (job->temporary) {
        job_fail(job, JOB_FAILED, &diag);
        return;
    }
    job->state = JOB_PAUSED;
    job->memory_waits = true;
    engine->memory_waiting = true;
    snprintf(job->error, sizeof(job->error), "%.300s%s%.100s; it goes on when there is room, or when it is resumed", diag.message,
             job->disk_full[0] ? "; its state cannot go to disk: " : "", job->disk_full);
}

void memory_after_tick(struct job *job)
{
    if (!job->engine->options.memory_bytes_max)
        return;
    memory_count(job);
    if (job->memory_bytes <= job->memory_peak_bytes)
        return;
    if (job_fits(job))
        job->memory_peak_bytes = job->memory_bytes;
    else if (job->state == JOB_RUNNING)
        wait_for_memory(job);
}

void memory_forget(struct job *job)
{
    CHECK(job->engine->memory_bytes >= job->memory_bytes);
    job->engine->memory_bytes -= job->memory_bytes;
    job->memory_bytes = 0;
}

void memory_release(struct engine *engine)
{
    uint64_t limit = engine->options.memory_bytes_max;

    if (!engine->memory_waiting || engine->memory_bytes > limit - limit / 4)
        return;
    engine->memory_waiting = false;
    for (struct job *job = engine->jobs; job; job = job->next)
        if (job->memory_waits)
            job_go_on(job);
}
