/* engine.c: the engine's life and its pass over the jobs. */
#include "flow/engine.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "flow/checkpoint.h"
#include "flow/inner.h"
#include "flow/memory.h"
#include "flow/outside.h"

_Static_assert((int)ENGINE_SHARDS_MAX == (int)DRIVER_SHARDS_MAX, "said to callers as the driver has it");

static void on_helped(void *context)
{
    engine_wake(context);
}

void engine_wake(struct engine *engine)
{
    if (engine->on_work)
        engine->on_work(engine->on_work_context);
}

void engine_disk_done(void *context)
{
    engine_wake(context);
}

static void wake_from_crew(void *context)
{
    engine_wake(context);
}

void engine_on_work(struct engine *engine, void (*fn)(void *context), void *context)
{
    engine->on_work = fn;
    engine->on_work_context = context;
}

/* ---- the folder of state on disk ---- */

static void remove_scratch(void *context, const char *name, const struct os_stat *stat)
{
    struct engine *engine = context;
    char path[OS_PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s", engine->cold_folder, name);
    if (stat->is_dir || n < 0 || n >= (int)sizeof(path))
        return;
    enum status ignored = os_remove(engine->os, path); /* what is written there takes its place */
    (void)ignored;
}

/* What an earlier process left is worth nothing: a job's state is its checkpoint and its notes. */
static void cold_open_folder(struct engine *engine)
{
    char path[OS_PATH_MAX];
    int n = engine->dir ? snprintf(path, sizeof(path), "%s/cold", engine->dir) : -1;
    if (n < 0 || n >= (int)sizeof(path) || os_mkdir(engine->os, path) != ST_OK)
        return; /* state stays in memory */
    engine->cold_folder = xstrdup(path);
    enum status ignored = os_list(engine->os, path, remove_scratch, engine);
    (void)ignored;
}

enum status engine_open(struct os *os, struct log *log, const char *dir,
                        const struct engine_options *options, struct engine **out,
                        struct diag *diag)
{
    struct engine *engine = xcalloc(1, sizeof(*engine));
    engine->os = os;
    engine->log = log;
    engine->dir = dir ? xstrdup(dir) : NULL;
    if (options)
        engine->options = *options;
    if (engine->options.shards > DRIVER_SHARDS_MAX) {
        diag_set(diag, ST_INVALID, DIAG_LIMIT, "at most %d shards", DRIVER_SHARDS_MAX);
        free(engine->dir);
        free(engine);
        return ST_INVALID;
    }
    cold_open_folder(engine);
    zones_open(&engine->zones, os);
    known_schemas_open(&engine->schemas, os, log, engine->options.registry_address);
    os_helper_open(os, "quickwater-ckpt", on_helped, engine, &engine->helper);
    if (engine->options.threads > 1)
        engine->crew = crew_create(os, engine->options.threads, wake_from_crew, engine);
    catalog_init(&engine->catalog);
    map_init(&engine->stored);
    map_init(&engine->views);
    enum status st = stored_apply_all(engine, diag);
    if (st != ST_OK) {
        engine_close(engine, false);
        return st;
    }
    *out = engine;
    return ST_OK;
}

static bool job_unsaved(const struct job *job)
{
    bool live = job->state == JOB_RUNNING || job->state == JOB_PAUSED || job->state == JOB_FINISHED;

    return live && job->engine->dir && job->tick > job->checkpoint_tick;
}

/* A clean stop checkpoints, so that the next start replays nothing. False: its last ticks will be run again. */
static bool job_stop(struct job *job)
{
    char path[OS_PATH_MAX];
    struct diag diag = {0};

    job_settle(job);
    checkpoint_wait(job);
    if (!job_unsaved(job))
        return true;
    if (log_flush(job->engine->log) != ST_OK || job->pending || job->unsettled)
        return false;
    return checkpoint_write(job, path, &diag) == ST_OK;
}

/* Each checkpoint takes some syncs, so thousands of jobs take minutes, and whoever stops the server kills it
 * sooner: what does not fit into the time is left to the notes. */
static uint32_t jobs_stop(struct engine *engine)
{
    int64_t most = engine->options.close_ns ? engine->options.close_ns : CLOSE_NS;
    int64_t until_ns = os_mono_ns(engine->os) + most;
    uint32_t left = 0;

    for (struct job *job = engine->jobs; job; job = job->next)
        left += job_unsaved(job) && (os_mono_ns(engine->os) >= until_ns || !job_stop(job));
    return left;
}

uint32_t engine_close(struct engine *engine, bool checkpoint)
{
    uint32_t left = 0;

    engine->closing = true;
    while (engine->sessions)
        engine_session_close(engine->sessions);
    if (checkpoint)
        left = jobs_stop(engine);
    for (struct job *job = engine->jobs, *next; job; job = next) {
        next = job->next;
        checkpoint_wait(job);
        job_close(job);
    }
    os_helper_close(engine->helper);
    for (struct map_entry *e = map_first(&engine->views); e; e = map_next(&engine->views, e))
        view_free(e->value);
    map_deinit(&engine->views);
    stored_free(engine);
    catalog_deinit(&engine->catalog);
    if (engine->crew)
        crew_destroy(engine->crew);
    zones_close(&engine->zones);
    known_schemas_close(&engine->schemas);
    for (uint32_t i = 0; i < engine->broken_count; i++)
        free(engine->broken[i]);
    free(engine->broken);
    free(engine->cold_folder);
    free(engine->dir);
    free(engine);
    return left;
}

void engine_abandon(struct engine *engine)
{
    if (engine->crew)
        crew_stop(engine->crew);
}

static void pass_begin(struct engine *engine)
{
    int64_t most = engine->options.pass_ns ? engine->options.pass_ns : PASS_NS;
    if (engine->crew)
        crew_check(engine->crew);
    engine->until_ns = os_mono_ns(engine->os) + most;
}

/* True: it has run something, with more to do at once (*more) or not. */
static bool job_worked(struct job *job, int64_t until_ns, bool *more)
{
    uint64_t before = job->tick;
    bool again = job_turn(job, until_ns);
    *more |= again;
    return again || job->ticking || job->tick != before;
}

/* From the job whose turn it is, around, until the time is up: the next pass begins behind. Jobs that have
 * nothing to do cost no look at the clock. */
static bool jobs_turn(struct engine *engine)
{
    bool more = false;
    uint32_t count = 0, turned = 0;
    for (struct job *job = engine->jobs; job; job = job->next)
        count++;
    if (!count)
        return false;
    uint32_t first = engine->turn % count;
    struct job *job = engine->jobs;
    for (uint32_t i = 0; i < first; i++)
        job = job->next;
    for (bool up = false; turned < count && !up; turned++, job = job->next ? job->next : engine->jobs)
        up = job_worked(job, engine->until_ns, &more) && os_mono_ns(engine->os) >= engine->until_ns;
    engine->turn = first + (turned < count ? turned : 1);
    return more || turned < count;
}

bool engine_pass(struct engine *engine)
{
    pass_begin(engine);
    memory_release(engine);
    bool more = jobs_turn(engine);
    return sessions_turn(engine) || more;
}

int64_t engine_deadline_ns(const struct engine *engine)
{
    int64_t least = sessions_deadline_us(engine);
    for (const struct job *job = engine->jobs; job; job = job->next) {
        int64_t one = job_deadline_us(job);
        least = one < least ? one : least;
    }
    if (least == INT64_MAX)
        return INT64_MAX;
    int64_t now = os_wall_us(engine->os);
    if (least <= now) /* INT64_MIN: at once */
        return os_mono_ns(engine->os);
    return least - now > INT64_MAX / 4000 ? INT64_MAX
                                          : os_mono_ns(engine->os) + (least - now) * 1000;
}

/* ---- jobs ---- */

struct job *engine_job_find(struct engine *engine, struct bytes name)
{
    for (struct job *job = engine->jobs; job; job = job->next)
        if (bytes_is(name, job->name))
            return job;
    return NULL;
}

struct job *engine_job_next(struct engine *engine, struct job *job)
{
    return job ? job->next : engine->jobs;
}

void engine_job_add(struct engine *engine, struct job *job)
{
    struct job **at = &engine->jobs;
    while (*at)
        at = &(*at)->next;
    *at = job;
    engine_wake(engine);
}

enum status job_pause(struct job *job, uint64_t *lsn)
{
    if (job->state != JOB_RUNNING)
        return ST_INVALID;
    TRY(log_kv_put(job->engine->log, LOG_KV_JOBS, bytes_str(job->name), BYTES_LITERAL("paused"),
                   lsn));
    job->state = JOB_PAUSED;
    return ST_OK;
}

void job_go_on(struct job *job)
{
    CHECK(job->state == JOB_PAUSED);
    job->state = JOB_RUNNING;
    job->memory_waits = false;
    job->error[0] = 0;
    job->work = true;
    engine_wake(job->engine);
}

enum status job_resume(struct job *job, uint64_t *lsn)
{
    if (job->state != JOB_PAUSED)
        return ST_INVALID;
    TRY(log_kv_put(job->engine->log, LOG_KV_JOBS, bytes_str(job->name), BYTES_NONE, lsn));
    job->trials = 0;
    job_go_on(job);
    return ST_OK;
}

void engine_job_close(struct job *job)
{
    struct job **at = &job->engine->jobs;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    job_close(job);
}

enum status job_drop(struct job *job, uint64_t *lsn)
{
    struct engine *engine = job->engine;
    struct bytes name = bytes_str(job->name);
    checkpoint_wait(job);
    TRY(stored_remove(engine, 'J', name, lsn));
    char *copy = xstrdup(job->name);
    engine_job_close(job);
    enum status st = job_forget(engine, bytes_str(copy), lsn);
    free(copy);
    return st;
}

/* The checkpoints go last, once nothing can bring the job back: a crash that loses the drop must find them,
 * and the notes before them are cut. */
enum status job_forget(struct engine *engine, struct bytes name, uint64_t *lsn)
{
    char notes[LOG_NAME_MAX + 1], trial[LOG_NAME_MAX + 16];
    struct bytes value;
    int n = snprintf(notes, sizeof(notes), "__job-%.*s", BYTES_FMT(name));
    if (n < 0 || n >= (int)sizeof(notes))
        return ST_OK; /* no job was ever called so */
    n = snprintf(trial, sizeof(trial), "%.*s/trial", BYTES_FMT(name));
    struct bytes keys[] = {name, bytes_of(trial, (size_t)n)};
    for (int i = 0; i < 2; i++)
        if (log_kv_get(engine->log, LOG_KV_JOBS, keys[i], &value))
            TRY(log_kv_put(engine->log, LOG_KV_JOBS, keys[i], BYTES_NONE, lsn));
    struct log_topic *topic = log_topic_find(engine->log, bytes_str(notes));
    if (topic)
        TRY(log_topic_delete(engine->log, topic, lsn));
    TRY(outside_forget_lookups(engine->options.outside, name, lsn));
    if (!engine->dir || !checkpoint_any(engine->os, engine->dir, name))
        return ST_OK;
    TRY(log_flush(engine->log));
    checkpoint_remove_all(engine->os, engine->dir, name);
    return ST_OK;
}

enum status job_savepoint(struct job *job, const char **path, struct diag *diag)
{
    char file[OS_PATH_MAX];
    job_settle(job);
    if (job->state != JOB_RUNNING && job->state != JOB_PAUSED && job->state != JOB_FINISHED)
        return diag_set(diag, ST_INVALID, DIAG_STATE, "job '%s' is %s", job->name,
                        job_state_text(job->state));
    TRY(log_flush(job->engine->log));
    if (job->pending || job->unsettled)
        return diag_set(diag, ST_AGAIN, DIAG_STATE, "its last tick is not on disk yet");
    TRY(checkpoint_write(job, file, diag));
    *path = arena_str(&job->arena, bytes_str(file));
    return ST_OK;
}

bool engine_finished(const struct engine *engine)
{
    if (!engine->jobs)
        return false;
    for (const struct job *job = engine->jobs; job; job = job->next)
        if ((job->state != JOB_FINISHED && job->state != JOB_FAILED &&
             job->state != JOB_DIVERGED) || job->pending)
            return false;
    return true;
}

uint64_t engine_memory_limit(const struct engine *engine)
{
    return engine->options.memory_bytes_max;
}

bool engine_recovering(const struct engine *engine, uint64_t *ticks_done, uint64_t *ticks_all)
{
    bool any = false;
    *ticks_done = *ticks_all = 0;
    for (const struct job *job = engine->jobs; job; job = job->next) {
        uint64_t left = 0;
        if (job->state == JOB_RECOVERING) {
            any = true;
            left = (uint64_t)(job->replay_end - job->note_offset);
        }
        *ticks_all += job->replay_notes;
        *ticks_done += job->replay_notes - (left < job->replay_notes ? left : job->replay_notes);
    }
    return any;
}

static bool name_is(struct bytes topic, struct bytes name, const char *suffix)
{
    size_t len = strlen(suffix);
    return topic.len == name.len + len && memcmp(topic.ptr, name.ptr, name.len) == 0 &&
           memcmp(topic.ptr + name.len, suffix, len) == 0;
}

static bool table_uses(const struct table *table, struct bytes topic)
{
    struct bytes own = table_option_get(table, "topic", "");
    if (table->kind == TABLE_MATERIALIZED)
        return name_is(topic, table->name, ".changes") ||
               (table->alert && bytes_is(topic, "alerts"));
    return bytes_equal(topic, own) || name_is(topic, own, ".errors") ||
           name_is(topic, table->name, ".errors") || name_is(topic, table->name, ".late");
}

struct job *engine_topic_job(struct engine *engine, struct bytes topic)
{
    for (struct job *job = engine->jobs; job; job = job->next) {
        if (job->notes_topic && bytes_equal(log_topic_info(job->notes_topic)->name, topic))
            return job;
        for (uint32_t i = 0; i < job->plan->tables_count; i++)
            if (table_uses(job->plan->tables[i], topic))
                return job;
    }
    return NULL;
}

/* With so many partitions of the topic: of all sources of the job. */
static uint64_t job_splits_with(struct job *job, struct bytes topic, uint32_t partitions)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < driver_sources_count(job->driver); i++) {
        const struct driver_source *source = driver_source(job->driver, i);
        const struct table *table =
            source->node->kind == PLAN_SCAN ? source->node->scan.table : NULL;
        bool reads = table && table->kind != TABLE_MATERIALIZED &&
                     bytes_equal(table_option_get(table, "topic", ""), topic);
        all += reads ? partitions : source->splits_count;
    }
    return all;
}

enum status engine_topic_may_have(struct engine *engine, struct bytes topic, uint32_t partitions,
                                  struct diag *diag)
{
    for (struct job *job = engine->jobs; job; job = job->next) {
        for (uint32_t i = 0; i < job->plan->tables_count; i++) {
            const struct table *table = job->plan->tables[i];
            if (table->kind == TABLE_MATERIALIZED && name_is(topic, table->name, ".changes"))
                return diag_set(
                    diag, ST_INVALID, DIAG_STATE,
                    "the changes of materialized table '%.*s' are one stream in the order of its "
                    "ticks: they have one partition",
                    BYTES_FMT(table->name));
        }
        uint64_t splits = job_splits_with(job, topic, partitions);
        if (splits > DRIVER_SPLITS_MAX)
            return diag_set(diag, ST_INVALID, DIAG_LIMIT,
                            "job '%s' would read %llu partitions; one job can read %d", job->name,
                            (unsigned long long)splits, DRIVER_SPLITS_MAX);
    }
    return ST_OK;
}

struct catalog *engine_catalog(struct engine *engine)
{
    return &engine->catalog;
}

struct format_registry *engine_registry(struct engine *engine)
{
    return &engine->schemas.registry;
}
