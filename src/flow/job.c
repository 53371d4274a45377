/* job.c: the life of a job, and its live ticks. Replay is in recovery.c.
 *
 * A tick is taken, run, and committed as one entry of the log: its note, then its results. The log
 * may refuse for want of room: then the tick stays unsettled, and nothing else is run until its
 * commit has gone through.
 */
#include "flow/job.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "flow/checkpoint.h"
#include "flow/inner.h"
#include "flow/memory.h"
#include "flow/outside.h"
#include "flow/recovery.h"

#ifdef QW_SLOW_CHECKS
unsigned job_bugs;
#endif

void job_on_work(void *context)
{
    struct job *job = context;
    if (!job->arrived_ns)
        job->arrived_ns = os_mono_ns(job->engine->os);
    if (job->work)
        return;
    job->work = true;
    engine_wake(job->engine);
}

void job_fail(struct job *job, enum job_state state, const struct diag *diag)
{
    if (job->ticking)
        driver_cancel(job->driver);
    job->ticking = false;
    job->state = state;
    snprintf(job->error, sizeof(job->error), "%s", diag->message);
}

/* ---- opening ---- */

enum status job_driver_open(struct job *job, uint32_t shards, struct driver **out,
                            struct diag *diag)
{
    struct driver_options options = job->driver_options;
    options.shards = shards;
    return driver_open(job->plan, &options, out, diag);
}

static enum status notes_open(struct job *job, struct diag *diag)
{
    struct log *log = job->engine->log;
    char name[LOG_NAME_MAX + 1];
    int n = snprintf(name, sizeof(name), "__job-%s", job->name);
    if (n < 0 || n >= (int)sizeof(name) || !log_topic_name_valid(bytes_str(name)))
        return diag_set(diag, ST_INVALID, DIAG_NAME,
                        "'%s' cannot be a job's name: letters, digits, '.', '_' and '-' only, at most "
                        "%d of them", job->name, LOG_NAME_MAX - 6);
    job->notes_topic = log_topic_find(log, bytes_str(name));
    if (!job->notes_topic) {
        struct log_topic_options options = {.retention_ms = -1, .internal = true};
        TRY(log_topic_create(log, bytes_str(name), 1, &options, &job->notes_topic, &job->lsn, diag));
    }
    job->notes = log_partition_of(job->notes_topic, 0);
    return ST_OK;
}

static struct job *job_new(struct engine *engine, const struct job_start *start)
{
    struct job *job = xcalloc(1, sizeof(*job));
    job->engine = engine;
    arena_init(&job->arena, ARENA_BUDGET_NONE);
    job->name = arena_str(&job->arena, start->name);
    job->text = arena_str(&job->arena, start->text);
    job->plan = start->take_plan;
    job->temporary = start->temporary;
    job->noted = !start->temporary && engine->dir;
    job->shards = start->shards ? start->shards : engine->options.shards;
    job->shards = job->shards ? job->shards : 1;
    job->wake_us = INT64_MIN;
    job->work = true;
    job->clock_us = INT64_MIN;
    job->started_us = os_wall_us(engine->os);
    job->check_rng = rng_seed(engine->options.check_seed);
    job->driver_options = (struct driver_options){
        .os = engine->os, .log = engine->log, .job = bytes_str(job->name),
        .lane_bytes_max = engine->options.memory_bytes_max / 4,
        .crew = engine->crew, .crew_rows_min = engine->options.crew_rows_min,
        .turn_seed = engine->options.check_determinism && !engine->crew ? engine->options.check_seed : 0,
        .idle_timeout_us = start->idle_timeout_us,
        .zones = &engine->zones.finder, .schemas = &engine->schemas,
        .disk_folder = engine->cold_folder, .disk_files = &engine->cold_files,
        .disk_reserve_bytes = engine->options.disk_reserve_bytes,
        .on_disk = engine_disk_done, .on_disk_context = engine,
        .on_work = job_on_work, .on_work_context = job, .host = start->host,
    };
    struct arena text_arena;
    arena_init(&text_arena, ARENA_BUDGET_NONE);
    job->plan_hash = hash_bytes(bytes_str(plan_text_bare(&text_arena, job->plan)));
    job->details = ARENA_ARRAY(&job->arena, const char *, job->plan->nodes_count + 1);
    for (uint32_t i = 0; i < job->plan->nodes_count; i++) {
        const struct plan_node *node = job->plan->nodes[i];
        CHECK(node->id < job->plan->nodes_count);
        job->details[node->id] =
            arena_str(&job->arena, bytes_str(plan_node_text(&text_arena, job->plan, node)));
    }
    arena_deinit(&text_arena);
    return job;
}

enum status job_open(struct engine *engine, const struct job_start *start, struct job **out,
                     struct diag *diag)
{
    struct job *job = job_new(engine, start);
    enum status st = zones_find(&engine->zones, bytes_str(start->zone), &job->driver_options.zone, diag);
    if (st == ST_OK && job->noted)
        st = notes_open(job, diag);
    if (st == ST_OK && job->noted && recovery_needed(job))
        st = recovery_begin(job, diag);
    else if (st == ST_OK) {
        st = start->temporary ? ST_OK : memory_admits(engine, diag);
        if (st == ST_OK)
            st = job_driver_open(job, job->shards, &job->driver, diag);
        job->state = JOB_RUNNING;
        if (st == ST_OK)
            driver_start(job->driver);
    }
    if (st != ST_OK) {
        job_close(job);
        return st;
    }
    *out = job;
    return ST_OK;
}

/* ---- pins ---- */

static void job_pin(struct job *job)
{
    char owner[LOG_NAME_MAX + 8];
    snprintf(owner, sizeof(owner), "job %s", job->name);
    driver_release(job->driver, job->kept_positions[0]);
    log_pin(job->notes, bytes_str(owner), job->kept_notes[0]);
}

void job_trim_notes(struct job *job)
{
    uint64_t lsn;
    enum status st = log_trim(job->engine->log, job->notes, job->kept_notes[0], &lsn);
    (void)st; /* tried again at the next checkpoint */
}

void job_keep(struct job *job, struct positions *take_positions, int64_t note_offset)
{
    if (job->kept == JOB_KEPT) {
        positions_free(job->kept_positions[0]);
        job->kept_positions[0] = job->kept_positions[1];
        job->kept_notes[0] = job->kept_notes[1];
        job->kept--;
    }
    job->kept_positions[job->kept] = take_positions;
    job->kept_notes[job->kept++] = note_offset;
    job_pin(job);
}

static void job_unpin(struct job *job)
{
    char owner[LOG_NAME_MAX + 8];
    snprintf(owner, sizeof(owner), "job %s", job->name);
    if (!job->kept)
        return;
    log_pin(job->notes, bytes_str(owner), INT64_MAX);
    if (job->driver)
        driver_release(job->driver, NULL);
}

/* ---- commit ---- */

static void pending_remove(struct tick_pending *pending)
{
    struct job *job = pending->job;
    struct tick_pending **at = &job->pending, *before = NULL;
    while (*at != pending) {
        before = *at;
        at = &before->next;
    }
    *at = pending->next;
    if (job->pending_last == pending)
        job->pending_last = before;
    free(pending);
}

/* Of what is durable. */
static void publish(struct job *job)
{
    struct diag diag = {0};
    uint64_t tick = job->publish_due;
    job->publish_due = 0;
    if (!tick || driver_publish(job->driver, tick) == ST_OK)
        return;
    diag_set(&diag, ST_IO, DIAG_INTERNAL, "a sink could not write what tick %llu gave",
             (unsigned long long)tick);
    job_fail(job, JOB_FAILED, &diag);
}

static void tick_durable(struct log_waiter *waiter, bool failed)
{
    struct tick_pending *pending = (struct tick_pending *)waiter;
    struct job *job = pending->job;
    uint64_t tick = pending->tick;
    int64_t arrived = pending->arrived_ns;
    pending_remove(pending);
    struct diag diag = {0};
    if (failed) {
        diag_set(&diag, ST_IO, DIAG_INTERNAL, "the log failed: %s", log_failure(job->engine->log));
        job_fail(job, JOB_FAILED, &diag);
        return;
    }
    if (arrived)
        histogram_add(&job->latency_us,
                      (uint64_t)((os_mono_ns(job->engine->os) - arrived) / 1000));
    job->publish_due = tick;
    if (!driver_elsewhere(job->driver))
        publish(job);
}

static void await_durable(struct job *job, uint64_t lsn)
{
    struct tick_pending *pending = xcalloc(1, sizeof(*pending));
    *pending = (struct tick_pending){.job = job, .tick = job->tick, .arrived_ns = job->tick_arrived_ns};
    pending->waiter.fn = tick_durable;
    if (job->pending_last)
        job->pending_last->next = pending;
    else
        job->pending = pending;
    job->pending_last = pending;
    log_wait(job->engine->log, &pending->waiter, lsn);
}

static enum status note_into(struct job *job, struct log_entry *entry, struct diag *diag)
{
    struct driver_tick tick = {.tick = job->tick, .clock_us = job->clock_us, .schemas = job->tick ? job->now.schemas : 0};
    struct buf note, batch;
    struct batch_builder builder;
    buf_init(&note, 0);
    buf_init(&batch, 0);
    batch_builder_init(&builder, KAFKA_CODEC_NONE);
    note_encode(&note, job->driver, &tick, job->plan_hash);
    batch_builder_add(&builder, job->clock_us / 1000, BYTES_NONE, buf_view(&note), NULL, 0);
    enum status st = batch_builder_finish(&builder, &batch);
    if (st == ST_OK)
        st = log_entry_append(entry, job->notes, buf_view(&batch), diag);
    batch_builder_deinit(&builder);
    buf_deinit(&batch);
    buf_deinit(&note);
    return st;
}

static enum status results_into(struct job *job, struct log_entry *entry, struct diag *diag)
{
    for (uint32_t s = 0; s < driver_shards(job->driver); s++)
        TRY(results_commit(driver_results(job->driver, s), job->engine->log, entry, diag));
    return ST_OK;
}

static bool results_any(struct job *job)
{
    for (uint32_t s = 0; s < driver_shards(job->driver); s++)
        if (!results_empty(driver_results(job->driver, s)))
            return true;
    return false;
}

/* Planted: the note and the results are two entries, each synced by itself. All else is as it should be, so
 * only a crash between the two shows it. */
static enum status commit_halves(struct job *job, struct diag *diag)
{
    struct log_entry *entry = log_entry_begin(job->engine->log);
    enum status st = note_into(job, entry, diag);
    if (st != ST_OK) {
        log_entry_abort(entry);
        return st;
    }
    TRY(log_entry_commit(entry, NULL, &job->lsn));
    job->note_offset++;
    (void)log_flush(job->engine->log);
    entry = log_entry_begin(job->engine->log);
    st = results_into(job, entry, diag);
    if (st != ST_OK) {
        log_entry_abort(entry);
        return st;
    }
    return log_entry_commit(entry, NULL, &job->lsn);
}

static enum status commit_entry(struct job *job, job_entry_fn *kv, void *context,
                                struct diag *diag)
{
    bool skip = (job_bugs & JOB_BUG_SKIP_NOTE) && job->tick % 7 == 3;
    if ((job_bugs & JOB_BUG_WRONG_HASH) && job->noted && job->tick)
        driver_sink(job->driver, 0, 0)->env->hash ^= 1;
    if ((job_bugs & JOB_BUG_HALF_TICK) && job->noted && job->tick && results_any(job))
        return commit_halves(job, diag);
    struct log_entry *entry = log_entry_begin(job->engine->log);
    enum status st = ST_OK;
    if (job->noted && !skip)
        st = note_into(job, entry, diag);
    if (st == ST_OK)
        st = results_into(job, entry, diag);
    if (st != ST_OK) {
        log_entry_abort(entry);
        return st;
    }
    if (kv)
        kv(context, entry);
    uint64_t lsn = 0;
    st = log_entry_commit(entry, NULL, &lsn);
    job->lsn = lsn > job->lsn ? lsn : job->lsn; /* an entry without parts has none of its own */
    if (st == ST_OK && job->noted && !skip)
        job->note_offset++;
    return st;
}

/* ST_AGAIN: the log has no room; the tick waits. */
static enum status job_commit(struct job *job)
{
    struct diag diag = {0};
    enum status st = ST_OK;
    if (job->noted || results_any(job))
        st = commit_entry(job, NULL, NULL, &diag);
    job->unsettled = st == ST_NOSPACE;
    if (st == ST_NOSPACE)
        return ST_AGAIN;
    if (st != ST_OK) {
        diag_set(&diag, st, DIAG_INTERNAL, "tick %llu could not be committed: %s",
                 (unsigned long long)job->tick, status_text(st));
        job_fail(job, JOB_FAILED, &diag);
        return st;
    }
    await_durable(job, job->lsn);
    return ST_OK;
}

enum status job_begin(struct job *job, job_entry_fn *kv, void *context, struct diag *diag)
{
    CHECK(job->state == JOB_RUNNING && job->tick == 0);
    job->checkpoint_us = os_wall_us(job->engine->os);
    job->clock_us = job->engine->options.source_clock ? INT64_MIN : job->checkpoint_us;
    if (job->temporary)
        return ST_OK;
    TRY(commit_entry(job, kv, context, diag));
    if (job->noted)
        job_keep(job, positions_of(job->driver), 0);
    return ST_OK;
}

/* ---- a tick in which the process dies ---- */

enum { TRIALS_MAX = 2 };

static struct bytes trial_key(const struct job *job, char text[LOG_NAME_MAX + 16])
{
    int n = snprintf(text, LOG_NAME_MAX + 16, "%s/trial", job->name);
    return bytes_of(text, (size_t)n);
}

void job_trial_read(struct job *job)
{
    char key[LOG_NAME_MAX + 16], text[64];
    struct bytes value;
    unsigned long long tick = 0;
    unsigned trials = 0;
    if (!log_kv_get(job->engine->log, LOG_KV_JOBS, trial_key(job, key), &value))
        return;
    snprintf(text, sizeof(text), "%.*s", BYTES_FMT(bytes_head(value, 40)));
    if (sscanf(text, "%llu %u", &tick, &trials) == 2) {
        job->trial_tick = tick;
        job->trials = trials;
    }
}

bool job_trial_allows(struct job *job)
{
    job->trial_wanted = true;
    if (job->trial_tick != job->tick + 1)
        job->trials = 0;
    if (job->trials < TRIALS_MAX)
        return true;
    snprintf(job->error, sizeof(job->error),
             "the process died twice in tick %llu: resume the job to try again",
             (unsigned long long)job->trial_tick);
    return false;
}

static void trial_begin(struct job *job)
{
    char key[LOG_NAME_MAX + 16], value[64];
    uint64_t lsn;
    if (!job->trial_wanted)
        return;
    job->trial_wanted = false;
    int n = snprintf(value, sizeof(value), "%llu %u", (unsigned long long)job->tick + 1,
                     ++job->trials);
    enum status st = log_kv_put(job->engine->log, LOG_KV_JOBS, trial_key(job, key),
                                bytes_of(value, (size_t)n), &lsn);
    if (st == ST_OK)
        st = log_flush(job->engine->log);
    job->trial_open = st == ST_OK;
}

static void trial_end(struct job *job)
{
    char key[LOG_NAME_MAX + 16];
    uint64_t lsn;
    if (!job->trial_open)
        return;
    job->trial_open = false;
    job->trials = 0;
    enum status st = log_kv_put(job->engine->log, LOG_KV_JOBS, trial_key(job, key), BYTES_NONE,
                                &lsn);
    (void)st; /* another tick is the next then, and this mark means nothing */
}

/* ---- live ticks ---- */

static uint32_t tick_rows(const struct job *job)
{
    uint32_t rows = job->engine->options.tick_rows_max;
    return rows ? rows : ENGINE_TICK_ROWS;
}

static uint64_t tick_bytes(const struct job *job)
{
    uint64_t bytes = job->engine->options.tick_bytes_max;
    return bytes ? bytes : ENGINE_TICK_BYTES;
}

static int64_t job_clock(struct job *job)
{
    int64_t now = os_wall_us(job->engine->os);
    return now > job->clock_us ? now : job->clock_us;
}

static int64_t checkpoint_interval(const struct job *job)
{
    int64_t every = job->engine->options.checkpoint_interval_us;
    return every ? every : (int64_t)ENGINE_CHECKPOINT_MS * 1000;
}

static bool checkpoint_due(const struct job *job, int64_t clock)
{
    int64_t every = checkpoint_interval(job);
    return job->noted && !job->saving && job->tick > job->checkpoint_tick &&
           clock - job->checkpoint_us >= every;
}

/* Tests: all state goes through its saved form between two ticks now and then. */
static enum status check_reload(struct job *job, struct diag *diag)
{
    if (job->temporary || !job->engine->options.check_determinism ||
        !rng_chance(&job->check_rng, 0.2))
        return ST_OK;
    struct driver *again;
    TRY(job_driver_open(job, driver_shards(job->driver), &again, diag));
    enum status st = checkpoint_move(job->driver, again, diag);
    if (st != ST_OK) {
        driver_close(again);
        return st;
    }
    driver_close(job->driver);
    job->driver = again;
    job->reloads++;
    return ST_OK;
}

enum status job_reshard(struct job *job, uint32_t shards, struct diag *diag)
{
    struct driver *other;
    TRY(job_driver_open(job, shards, &other, diag));
    enum status st = checkpoint_move(job->driver, other, diag);
    if (st != ST_OK) {
        driver_close(other);
        return st;
    }
    driver_close(job->driver);
    job->driver = other;
    return ST_OK;
}

/* ---- state that goes to disk ---- */

/* Tests: some of it goes now and then, whatever there is of memory. */
static uint32_t check_move(struct job *job)
{
    if (!job->engine->options.check_determinism || !rng_chance(&job->check_rng, 0.3))
        return 0;
    job->move_before_cold = driver_cold(job->driver);
    return 1 + (uint32_t)rng_below(&job->check_rng, 100);
}

/* True: it is over, and a tick may be begun. */
static bool move_on(struct job *job)
{
    struct diag diag = {0};
    if (!job->moving)
        return true;
    enum status st = driver_move(job->driver, job->moving, &diag);
    if (st == ST_AGAIN)
        return false;
    if (memory_moved(job, st, &diag) != ST_OK)
        job_fail(job, JOB_FAILED, &diag);
    memory_after_tick(job);
    return true;
}

/* Behind a tick. */
static void move_begin(struct job *job)
{
    if (memory_wants_move(job) || (job->moving = check_move(job)) > 0)
        (void)move_on(job);
}

/* Where some job waits for room all give some. */
static void move_for_others(struct job *job)
{
    bool rests = (job->state == JOB_RUNNING || job->state == JOB_PAUSED) && !job->ticking && !job->moving;
    if (job->engine->memory_waiting && rests && !checkpoint_is_collecting(job))
        (void)memory_wants_move(job);
}

static void move_settle(struct job *job)
{
    while (!move_on(job))
        driver_wait_disk(job->driver);
}

/* ---- a tick ---- */

static void tick_begin(struct job *job, int64_t clock)
{
    job->now = (struct driver_tick){.tick = job->tick + 1, .clock_us = clock, .schemas = driver_schemas(job->driver)};
    trial_begin(job);
    driver_begin(job->driver, &job->now);
    job->ticking = true;
}

static void job_finish_if_done(struct job *job)
{
    bool live = job->state == JOB_RUNNING || job->state == JOB_PAUSED;
    if (live && driver_bounded(job->driver) && driver_done(job->driver) && job->tick)
        job->state = JOB_FINISHED;
}

/* The driver is done with the tick, or has failed in it. False: nothing more is to be run now. */
static bool tick_end(struct job *job, enum driver_turn turn, struct diag *diag)
{
    job->ticking = false;
    if (turn == DRIVER_FAILED) {
        job_fail(job, JOB_FAILED, diag);
        return false;
    }
    CHECK(turn == DRIVER_DONE);
    job->tick = job->now.tick;
    job->clock_us = job->now.clock_us;
    publish(job);
    enum status st = job_commit(job);
    trial_end(job);
    if (st == ST_OK)
        st = check_reload(job, diag);
    if (st != ST_OK && st != ST_AGAIN)
        job_fail(job, JOB_FAILED, diag);
    if (st == ST_OK)
        job_finish_if_done(job);
    if (st == ST_OK && job->state == JOB_RUNNING) {
        memory_count(job);
        move_begin(job);
        if (!job->moving)
            memory_after_tick(job);
    } else if (st == ST_OK) {
        memory_after_tick(job);
    }
    return st == ST_OK && job->state == JOB_RUNNING && !job->moving;
}

/* True: its time is up, or another tick may be begun. */
static bool tick_go_on(struct job *job, int64_t until_ns)
{
    struct diag diag = {0};
    enum driver_turn turn = driver_turn(job->driver, until_ns, &diag);
    if (turn == DRIVER_MORE || turn == DRIVER_WAITS)
        return turn == DRIVER_MORE;
    return tick_end(job, turn, &diag) && (job->work || driver_owes(job->driver));
}

void job_settle(struct job *job)
{
    struct diag diag = {0};
    if (!job->ticking && !job->moving)
        return;
    if (job->ticking)
        (void)tick_end(job, driver_finish(job->driver, &diag), &diag);
    move_settle(job);
    engine_wake(job->engine); /* what there is more of, no turn has told */
}

/* False: it has to wait until what is run is durable. */
static bool checkpoint_if_due(struct job *job, int64_t clock)
{
    struct diag diag = {0};
    if (!checkpoint_due(job, clock))
        return true;
    if (job->pending)
        return false;
    job->checkpoint_us = clock; /* a failed one is tried again after the interval */
    enum status st = checkpoint_begin(job, &diag);
    (void)st;
    return true;
}

/* Splits that came: a tick says so, whether there is anything to read or not, for they count in its
 * watermark. */
static bool live_join(struct job *job)
{
    struct diag diag = {0};
    bool any;
    if (driver_join(job->driver, &any, &diag) != ST_OK) {
        job_fail(job, JOB_FAILED, &diag);
        return false;
    }
    if (any && job->kept)
        job_pin(job);
    return any;
}

/* How far the sources are read in the coming tick; false: there is nothing. */
static bool live_take(struct job *job, int64_t clock)
{
    job->work = false;
    job->wake_us = INT64_MAX;
    int64_t arrived = job->arrived_ns;
    bool took =
        driver_take(job->driver, job->tick, tick_rows(job), tick_bytes(job), clock, &job->wake_us);
    if (job->wake_us < clock + WAKE_US_MIN) /* a generator's pace is not worth a tick a row */
        job->wake_us = clock + WAKE_US_MIN;
    if (job->engine->options.source_clock)
        arrived = os_mono_ns(job->engine->os); /* nobody sends: the taking is the arrival */
    job->tick_arrived_ns = took ? arrived : 0;
    job->arrived_ns = 0;
    job->work = took | live_join(job); /* there may be more */
    return job->work;
}

/* Takes what there is, if it is time. False: nothing is to be run. */
static bool live_begin(struct job *job)
{
    if (job->unsettled && job_commit(job) != ST_OK)
        return false;
    int64_t clock = job_clock(job);
    if (!checkpoint_if_due(job, clock) || checkpoint_collects(job))
        return false;
    bool owes = driver_owes(job->driver), took = false;
    job->tick_arrived_ns = 0;
    if (!owes && (job->work || clock >= job->wake_us))
        took = live_take(job, clock);
    if (job->state != JOB_RUNNING)
        return false;
    if (job->engine->options.source_clock) {
        int64_t own = driver_source_clock(job->driver);
        clock = own > job->clock_us ? own : job->clock_us;
    }
    bool first = job->tick == 0 && driver_bounded(job->driver);
    if (!took && !owes && !first && driver_alarm_us(job->driver) > clock) {
        job_finish_if_done(job);
        return false;
    }
    tick_begin(job, clock);
    return true;
}

/* A job that waits for memory takes nothing in; but what is due by the clock may let go of some. */
static bool waiting_begin(struct job *job)
{
    int64_t clock = job_clock(job);
    if (!job->memory_waits || job->engine->options.source_clock || driver_alarm_us(job->driver) > clock)
        return false;
    if (job->unsettled && job_commit(job) != ST_OK)
        return false;
    job->tick_arrived_ns = 0;
    tick_begin(job, clock);
    return true;
}

static bool begin(struct job *job)
{
    return job->state == JOB_RUNNING ? live_begin(job) : job->state == JOB_PAUSED && waiting_begin(job);
}

bool job_turn(struct job *job, int64_t until_ns)
{
    move_for_others(job);
    if (!move_on(job) || checkpoint_collects(job))
        return false;
    (void)checkpoint_poll(job);
    if (job->state == JOB_RECOVERING)
        return recovery_turn(job);
    if (!job->ticking && !begin(job))
        return false;
    return tick_go_on(job, until_ns);
}

/* Of a job that waits for memory: its alarm, or the time at which the disk may take state again. */
static int64_t waiting_deadline(const struct job *job)
{
    int64_t alarm = driver_alarm_us(job->driver), again = job->move_again_us;
    return again && again < alarm ? again : alarm;
}

int64_t job_deadline_us(const struct job *job)
{
    if (job->ticking || job->moving || checkpoint_is_collecting(job))
        return INT64_MAX; /* a turn, its threads or the disk tell when it goes on */
    if (job->state == JOB_PAUSED && job->memory_waits)
        return waiting_deadline(job);
    if (job->state != JOB_RUNNING)
        return INT64_MAX;
    int64_t alarm = driver_alarm_us(job->driver);
    int64_t least = job->wake_us != INT64_MIN && job->wake_us < alarm ? job->wake_us : alarm;
    if (job->noted && !job->saving && job->tick > job->checkpoint_tick) {
        int64_t due = job->checkpoint_us + checkpoint_interval(job);
        least = due < least ? due : least;
    }
    if (job->unsettled) {
        int64_t again = job->clock_us + UNSETTLED_RETRY_US;
        least = again < least ? again : least;
    }
    return least;
}

void job_close(struct job *job)
{
    if (job->driver)
        checkpoint_wait(job);
    for (struct tick_pending *p = job->pending, *next; p; p = next) {
        next = p->next;
        log_wait_cancel(job->engine->log, &p->waiter);
        free(p);
    }
    job_unpin(job);
    memory_forget(job);
    if (job->driver)
        driver_close(job->driver);
    for (uint32_t i = 0; i < job->kept; i++)
        positions_free(job->kept_positions[i]);
    if (job->temporary) {
        uint64_t lsn;
        enum status ignored = outside_forget_lookups(job->engine->options.outside, bytes_str(job->name), &lsn);
        (void)ignored; /* the next of its name does */
    }
    plan_destroy(job->plan);
    arena_deinit(&job->arena);
    free(job);
}

/* ---- figures ---- */

const char *job_state_text(enum job_state state)
{
    static const char *const texts[] = {"RECOVERING", "RUNNING", "PAUSED", "FINISHED", "FAILED",
                                        "DIVERGED"};
    return texts[state];
}

/* The most changes of key on one way through the plan. */
static uint32_t plan_rekeyings(const struct plan *plan)
{
    uint32_t most = 0, *to = xcalloc(plan->nodes_count + 1, sizeof(*to));
    for (uint32_t n = 0; n < plan->nodes_count; n++) { /* inputs stand before their users */
        const struct plan_node *node = plan->nodes[n];
        for (uint16_t i = 0; i < node->inputs_count; i++) {
            uint32_t here = to[node->inputs[i].node->id] + (node->inputs[i].dist.kind == DIST_HASH);
            to[node->id] = here > to[node->id] ? here : to[node->id];
        }
        most = to[node->id] > most ? to[node->id] : most;
    }
    free(to);
    return most;
}

void job_memory(const struct job *job, struct job_memory *out)
{
    driver_memory(job->driver, out);
    out->buffers += sizeof(*job) + job->arena.used_bytes + job->plan->arena.used_bytes;
}

void job_info(const struct job *job, struct job_info *out)
{
    *out = (struct job_info){
        .name = bytes_str(job->name), .text = bytes_str(job->text), .state = job->state,
        .in_tick = job->ticking || job->moving || checkpoint_is_collecting(job),
        .error = job->error, .tick = job->tick, .checkpoints = job->checkpoints,
        .replayed = job->replayed, .reloads = job->reloads, .moves = job->moves,
        .watermark_us = driver_watermark_us(job->driver),
        .event_time_us = driver_event_us(job->driver), .started_us = job->started_us,
        .errors = driver_errors(job->driver), .latency_us = &job->latency_us,
        .memory_waits = job->memory_waits,
        .ops_count = driver_nodes_count(job->driver), .rekeyings = plan_rekeyings(job->plan),
    };
    job_memory(job, &out->memory);
    for (uint32_t n = 0; n < out->ops_count; n++) {
        const struct plan_node *node = driver_node(job->driver, n);
        struct driver_figures figures;
        driver_figures(job->driver, n, &figures);
        out->late += figures.late;
        out->dropped += figures.dropped;
        if (node->kind == PLAN_SCAN || node->kind == PLAN_VALUES)
            out->rows_in += figures.rows_out;
        if (node->kind == PLAN_SINK)
            out->rows_out += figures.rows_in - figures.dropped;
    }
}

static bool job_lookup_counts(const struct job *job, struct bytes questions, struct lookup_counts *out)
{
    char topic[LOG_NAME_MAX + 1];

    for (uint32_t n = 0; n < driver_nodes_count(job->driver); n++) {
        const struct plan_node *node = driver_node(job->driver, n);
        struct driver_figures figures;
        if (node->kind != PLAN_LOOKUP_JOIN || !node->join.lookup ||
            !lookup_topic_name(bytes_str(job->name), node->join.lookup->index, LOOKUP_QUESTIONS, topic) ||
            !bytes_is(questions, topic))
            continue;
        driver_figures(job->driver, n, &figures);
        *out = figures.lookups;
        return true;
    }
    return false;
}

bool engine_lookup_counts(const struct engine *engine, struct bytes questions, struct lookup_counts *out)
{
    for (const struct job *job = engine->jobs; job; job = job->next)
        if (job_lookup_counts(job, questions, out))
            return true;
    return false;
}

static struct bytes node_table(const struct plan_node *node)
{
    const struct table *table = node->kind == PLAN_SCAN   ? node->scan.table
                                : node->kind == PLAN_SINK ? node->sink.table
                                                          : NULL;
    return table ? table->name : BYTES_NONE;
}

void job_op_info(const struct job *job, uint32_t index, struct op_info *out)
{
    const struct plan_node *node = driver_node(job->driver, index);
    struct driver_figures figures;
    driver_figures(job->driver, index, &figures);
    *out = (struct op_info){
        .id = node->id, .name = driver_node_name(job->driver, index),
        .detail = job->details[node->id], .table = node_table(node),
        .rows_in = figures.rows_in, .rows_out = figures.rows_out, .late = figures.late,
        .dropped = figures.dropped,
        .state_rows = figures.state_rows, .state_bytes = figures.state_bytes,
        .cold_rows = figures.cold_rows, .goes_to_disk = plan_goes_to_disk(node),
        .busy_ns = figures.busy_ns, .watermark_us = figures.watermark_us,
    };
    for (uint16_t i = 0; i < node->inputs_count && i < 4; i++)
        out->inputs[out->inputs_count++] = node->inputs[i].node->id;
}
