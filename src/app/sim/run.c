/* run.c: the lives of a simulated server.
 *
 *     open ── recover, run the script ── read back, compare ── clients at work ── an end ─┐
 *      ▲                                                                                  │
 *      └──────── power cut · kill · failed sync · clean stop · a crash in recovery ◄──────┘
 *
 * Server and clients take turns in one thread, in an order from the seed. What ends a life strikes at
 * a step of the disk chosen by the seed; the machine is off from then on, so that nothing the dying
 * server still does can be seen.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/server.h"
#include "app/sim/bugs.h"
#include "app/sim/client.h"
#include "app/sim/oracle.h"
#include "app/sim/sim.h"
#include "app/sim/twin.h"
#include "base/check.h"
#include "base/hash.h"
#include "os/sim/sim.h"

enum end { END_POWER, END_KILL, END_SYNC, END_CLEAN, END_RECOVERY, ENDS };
static const char *const end_names[ENDS] = {"power cut", "kill", "failed sync", "clean stop",
                                            "power cut in recovery"};

enum {
    POWER_CUTS = SIM_CRASHES_MIN, /* at least */
    LIVES_MORE = 5,      /* at most so many further ends */
    QUIET_PASSES = 40,   /* without any change: all is consumed */
    PASSES_MAX = 400000, /* of one stage: a job made again reads all there is, in the smallest steps */
    PRODUCERS = 3,
    MEMBERS = 2,
    SQUEEZE_ONE_IN = 1500, /* turns */
    DROP_ONE_IN = 500,
    RESERVE_BYTES = 2 << 20, /* of the disk */
    WAIT_NS = 2000000, /* of a pass, at most: the clients have no timers */
};

/* What all lives of a job have had. */
struct tally {
    uint64_t name_hash, reloads, checkpoints;
};
enum { TALLIES_MAX = 32 };

struct run {
    struct sim_options options;
    struct sim_report *report;
    struct ledger ledger;
    struct rng rng;
    struct os *os, *client_os;
    struct loop *client_loop;
    struct producer *producers[PRODUCERS];
    struct consumer *consumer;
    struct web *web;
    struct keeper *keeper;
    struct widener *widener;
    struct member *members[MEMBERS];
    struct group_ledger group;
    struct server *server;
    struct session *session;
    struct loop_timer *stir;
    uint64_t disk_bytes; /* when it is not squeezed */
    uint32_t squeezed;   /* turns to go */
    bool resting; /* the end: nothing new */
    bool last; /* life: each job is to have had a checkpoint */
    bool script_done, script_again;
    enum status script_status;
    char script_error[600];
    uint32_t shards;
    uint64_t ticks; /* of the jobs, when last looked at */
    double sync_later; /* chance of a pass to leave its appends unsynced, in this life */
    uint64_t aim; /* of aims, when one was taken */
    uint32_t work_slices; /* of background work that comes at an odd time, at most, in this life */
    struct tally tallies[TALLIES_MAX];
    uint32_t tallies_count;
    uint64_t hash;
};

static void trace(struct run *run, const char *what, uint64_t n)
{
    ledger_trace(&run->ledger, "%" PRIu64 " us: %s %" PRIu64, (uint64_t)os_mono_ns(run->os) / 1000,
                 what, n);
}

/* ---- one start ---- */

static void on_result(void *context, struct engine_result *result)
{
    (void)context;
    engine_result_free(result);
}

static void on_done(void *context, enum status st, const struct diag *diag)
{
    struct run *run = context;

    run->script_done = true;
    run->script_status = st;
    snprintf(run->script_error, sizeof(run->script_error), "%d:%d: %s", diag ? (int)diag->line : 0,
             diag ? (int)diag->column : 0, diag ? diag->message : "");
}

static void run_script(struct run *run)
{
    run->script_done = run->script_again = false;
    engine_run(run->session, bytes_str(oracle_sql), on_result, on_done, run);
}

/* On a full disk it may have failed half way: the script makes what is not there. */
static void on_dropped(void *context, enum status st, const struct diag *diag)
{
    struct run *run = context;

    on_done(context, st, diag);
    run->script_again = st != ST_OK && run->report->squeezes;
}

static uint32_t pick_shards(struct run *run)
{
    static const uint32_t counts[] = {2, 3, 4, 8};
    return counts[rng_below(&run->rng, 4)];
}

/* A slow disk: what is appended stays unsynced while the loop goes on. */
static bool sync_later(void *context)
{
    struct run *run = context;

    return rng_chance(&run->rng, run->sync_later);
}

static struct server_options server_options(struct run *run)
{
    static const uint32_t rows[] = {2, 7, 40, 0}, slabs[] = {4096, 4096, 0}, slices[] = {0, 2, 40};
    static const uint64_t wal[] = {128 << 10, 256 << 10, 1 << 20};
    static const int64_t checkpoints_us[] = {3000, 20000, 100000, 500000, 3600000000};
    static const double later[] = {0, 0.3, 0.8};
    run->sync_later = later[rng_below(&run->rng, 3)];
    run->work_slices = slices[rng_below(&run->rng, 3)]; /* a cut in one go, or spread over many passes */
    return (struct server_options){
        .data_dir = "data",
        .listen = {[FACE_KAFKA] = SIM_ADDRESS, [FACE_HTTP] = SIM_HTTP_ADDRESS},
        .kafka = {.no_auto_create = true, .rebalance_delay_ms = rng_chance(&run->rng, 0.5) ? -1 : 0},
        .shards = run->shards,
        .sync_later = sync_later, .sync_later_context = run,
        .log = {.disk_reserve_bytes = RESERVE_BYTES, .wal_bytes_max = wal[rng_below(&run->rng, 3)],
                .slab_bytes = slabs[rng_below(&run->rng, 3)],
                .segment_bytes = (uint64_t)rng_between(&run->rng, 8, 128) << 10},
        .engine = {
            .threads = 1, .tick_rows_max = rows[rng_below(&run->rng, 4)],
            .checkpoint_interval_us = checkpoints_us[rng_below(&run->rng, run->last ? 2 : 5)],
            .check_determinism = true, .check_seed = rng_next(&run->rng),
        },
    };
}

/* The topics that clients write, before any statement names them. */
static void make_topics(struct run *run)
{
    struct log *log = server_log(run->server);

    for (const struct oracle_topic *t = oracle_topics; t->name; t++) {
        struct log_topic *topic;
        struct diag diag = {0};
        if (!t->made_by_clients || log_topic_find(log, bytes_str(t->name)))
            continue;
        if (log_topic_create(log, bytes_str(t->name), t->partitions, NULL, &topic, NULL, &diag) != ST_OK &&
            !os_sim_is_off(run->os))
            ledger_fail(&run->ledger, "topic %s cannot be made: %s", t->name, diag.message);
    }
}

/* Between these two a cause is on the disk and what it depends on is not, or the other way round. */
static const struct {
    struct os_sim_step after, at;
} aims[] = {
    {{"write", "/wal/"}, {"sync", "/wal/"}},            /* what is written and not synced */
    {{"write", "/wal/"}, {"write", "/wal/"}},           /* between two blocks of one flush: BETWEEN_BLOCKS, twice */
    {{"write", "/wal/"}, {"write", "/wal/"}},
    {{"write", "/topics/"}, {"write", "/wal/"}},        /* filled; the WAL is behind */
    {{"write", "/topics/"}, {"sync", "/topics/"}},
    {{"sync", "/topics/"}, {"rename", "/snapshot.tmp"}},
    {{"rename", "/snapshot.tmp"}, {"sync", "/wal/"}},   /* cut; the WAL is behind */
    {{"rename", "/snapshot.tmp"}, {"write", "/wal/"}},
    {{"sync", "/snapshot.tmp"}, {"sync", "/wal/"}},
    {{"rename", ".ckpt.tmp"}, {"sync", "/checkpoints/"}},
    {{"rename", ".ckpt.tmp"}, {"sync", "/wal/"}},
    {{"remove", ".ckpt"}, {NULL, NULL}},
    {{"create", NULL}, {NULL, NULL}},
};
enum { AIMS = sizeof(aims) / sizeof(*aims), AIM_TURNS = 120, BETWEEN_BLOCKS = 1 };

static void aim(struct run *run)
{
    uint64_t n = rng_below(&run->rng, AIMS), skip = rng_below(&run->rng, 4);

    run->aim = n;
    os_sim_off_between(run->os, aims[n].after, aims[n].at, skip);
    if (n == BETWEEN_BLOCKS) /* the first of them stays */
        os_sim_options(run->os)->crash_keep = 0.95;
    ledger_trace(&run->ledger, "aimed: after %s %s, at %s %s", aims[n].after.call,
                 aims[n].after.path ? aims[n].after.path : "", aims[n].at.call ? aims[n].at.call : "",
                 aims[n].at.path ? aims[n].at.path : "");
}

/* Of a cut's aims: another try where all was synced when the snapshot was put in place, as it should be;
 * else this is the moment. */
static void aim_again(struct run *run)
{
    struct log *log = server_log(run->server);

    if (os_sim_aimed(run->os) && aims[run->aim].after.path && !strcmp(aims[run->aim].after.path, "/snapshot.tmp") &&
        log_end_lsn(log) == log_durable_lsn(log))
        os_sim_off_between(run->os, aims[run->aim].after, aims[run->aim].at, 0);
}

/* ---- what users and disks do ---- */

/* A job is dropped, and made again at once. Its notes and changes begin anew. */
static void drop_and_make(struct run *run)
{
    if (!run->script_done || run->script_status != ST_OK)
        return;
    trace(run, "a job is dropped and made again", run->report->drops++);
    ledger_forget(&run->ledger, "__job-again");
    run->script_done = false;
    engine_run(run->session, bytes_str(oracle_drop_sql), on_result, on_dropped, run);
}

/* The disk fills up to about the reserve, for a while: producers are refused with an error that says try
 * again, all else goes on, and so do they when there is room. */
static void squeeze(struct run *run)
{
    uint64_t free_bytes, total_bytes;

    if (run->squeezed && --run->squeezed == 0) {
        os_sim_options(run->os)->disk_bytes = run->disk_bytes;
        trace(run, "the disk has room again", 0);
    }
    if (run->squeezed || rng_below(&run->rng, SQUEEZE_ONE_IN) != 0 ||
        os_space(run->os, "data", &free_bytes, &total_bytes) != ST_OK)
        return;
    run->squeezed = 10 + (uint32_t)rng_below(&run->rng, 200);
    os_sim_options(run->os)->disk_bytes = total_bytes - free_bytes + rng_below(&run->rng, 2 * RESERVE_BYTES);
    trace(run, "the disk is full, for turns", run->squeezed);
    run->report->squeezes++;
}

static void unsqueeze(struct run *run)
{
    run->squeezed = 0;
    os_sim_options(run->os)->disk_bytes = run->disk_bytes;
}

/* Ticks, and work in the background, that come at another time than the loop would have them: after the
 * sockets of a pass, before its hooks, so with appends that are not written yet. */
static void stir(void *context)
{
    struct run *run = context;

    if (rng_chance(&run->rng, 0.5))
        (void)engine_pass(server_engine(run->server));
    for (uint64_t n = rng_below(&run->rng, run->work_slices + 1); n > 0; n--)
        (void)log_work(server_log(run->server)); /* false too: asking moves its helper on */
    aim_again(run);
}

static bool server_up(struct run *run)
{
    struct server_options options = server_options(run);
    struct diag diag = {0};

    run->report->lives++;
    sim_bug_life(rng_next(&run->rng));
    if (server_open(run->os, &options, &run->server, &diag) != ST_OK) {
        run->server = NULL;
        if (!os_sim_is_off(run->os))
            ledger_fail(&run->ledger, "the server cannot start: %s", diag.message);
        return false;
    }
    oracle_check_ends(&run->ledger, server_log(run->server));
    run->stir = loop_timer_create(server_loop(run->server), stir, run);
    make_topics(run);
    run->session = engine_session_open(server_engine(run->server));
    engine_session_resumes(run->session, true);
    run_script(run);
    return true;
}

static struct tally *tally_of(struct run *run, struct bytes job)
{
    uint64_t hash = hash_bytes(job);
    uint32_t i = 0;

    while (i < run->tallies_count && run->tallies[i].name_hash != hash)
        i++;
    CHECK(i < TALLIES_MAX);
    if (i == run->tallies_count)
        run->tallies[run->tallies_count++] = (struct tally){.name_hash = hash};
    return &run->tallies[i];
}

/* What this life has had, before it ends. */
static void count_life(struct run *run)
{
    struct engine *engine = server_engine(run->server);
    struct sim_report *r = run->report;

    for (struct job *job = engine_job_next(engine, NULL); job; job = engine_job_next(engine, job)) {
        struct job_info info;
        job_info(job, &info);
        struct tally *tally = tally_of(run, info.name);
        tally->reloads += info.reloads;
        tally->checkpoints += info.checkpoints;
        r->checkpoints += info.checkpoints;
        r->replayed += info.replayed;
        r->moves += info.moves;
        r->rekeyings = info.rekeyings > r->rekeyings ? info.rekeyings : r->rekeyings;
        run->hash = hash_combine(hash_combine(run->hash, info.tick), info.checkpoints);
    }
    if (run->ticks == 0)
        return; /* it ended while it started */
    r->shards_min = !r->shards_min || run->shards < r->shards_min ? run->shards : r->shards_min;
    r->shards_max = run->shards > r->shards_max ? run->shards : r->shards_max;
}

/* The process ends: what it still does while it is off cannot be seen. */
static void server_down(struct run *run, enum end end)
{
    if (end != END_CLEAN && !os_sim_is_off(run->os)) {
        struct os_file *file;
        os_sim_off_at(run->os, 1, NULL, NULL);
        if (os_file_open(run->os, "off", OS_WRITE | OS_CREATE, &file) == ST_OK)
            os_file_close(file); /* the step at which it goes off; never made */
        CHECK(os_sim_is_off(run->os));
    }
    if (run->server) {
        count_life(run);
        loop_timer_destroy(run->stir);
        server_close(run->server);
    }
    run->server = NULL;
    unsqueeze(run);
    if (end == END_KILL)
        os_sim_kill(run->os);
    else if (end != END_CLEAN)
        os_sim_crash(run->os);
    run->report->crashes += end != END_CLEAN;
    os_sim_options(run->os)->sync_error = 0;
}

/* ---- looking ---- */

static void look_at_jobs(struct run *run, bool *busy)
{
    struct engine *engine = server_engine(run->server);
    uint64_t done, all;

    run->ticks = 0;
    *busy = engine_recovering(engine, &done, &all);
    for (struct job *job = engine_job_next(engine, NULL); job; job = engine_job_next(engine, job)) {
        struct job_info info;
        job_info(job, &info);
        run->ticks += info.tick;
        *busy |= info.in_tick;
        bool bad = info.state == JOB_FAILED || info.state == JOB_DIVERGED;
        uint64_t lsn;
        if (info.state == JOB_PAUSED && job_resume(job, &lsn) == ST_OK) {
            trace(run, "a job that was paused, as the process died twice in its tick, goes on:", info.tick);
            *busy = true;
        }
        if (bad && !os_sim_is_off(run->os) && !log_failure(server_log(run->server)))
            ledger_fail(&run->ledger, "job %.*s is %s: %s", BYTES_FMT(info.name),
                        job_state_text(info.state), info.error);
    }
}

static bool has_failed(const struct run *run)
{
    return run->ledger.failures > 0;
}

/* The server alone, until nothing changes any more; false when the machine went off, or it failed. */
static bool settle(struct run *run)
{
    uint64_t lsn = 0, durable = 0, ticks = 0;

    for (int pass = 0, quiet = 0; pass < PASSES_MAX && quiet < QUIET_PASSES; pass++, quiet++) {
        bool busy;
        loop_pass(server_loop(run->server), WAIT_NS);
        if (os_sim_is_off(run->os))
            return false;
        look_at_jobs(run, &busy);
        if (has_failed(run))
            return false;
        struct log *log = server_log(run->server);
        if (run->script_again)
            run_script(run);
        bool unsynced = log_durable_lsn(log) < log_end_lsn(log) && !log_failure(log); /* a job may wait for it */
        if (busy || !run->script_done || lsn != log_end_lsn(log) || durable != log_durable_lsn(log) ||
            ticks != run->ticks || unsynced)
            quiet = 0;
        lsn = log_end_lsn(log);
        durable = log_durable_lsn(log);
        ticks = run->ticks;
        if (pass == PASSES_MAX - 1)
            ledger_fail(&run->ledger, "the server does not come to rest");
    }
    if (log_failure(server_log(run->server)))
        ledger_fail(&run->ledger, "the log has failed: %s", log_failure(server_log(run->server)));
    if (run->script_status != ST_OK)
        ledger_fail(&run->ledger, "the script fails: %s", run->script_error);
    return !has_failed(run);
}

/* All is read back and compared; folded: the hash of the views that no order of arrival can change. */
static void compare(struct run *run, uint64_t *folded)
{
    struct oracle oracle;

    oracle_init(&oracle, &run->ledger, true);
    oracle_read(&oracle, server_log(run->server));
    oracle_compare(&oracle, server_engine(run->server));
    run->hash = hash_combine(run->hash, oracle.hash);
    run->report->late = oracle.late;
    if (folded)
        *folded = oracle.folded;
    oracle_deinit(&oracle);
    trace(run, "compared; ticks", run->ticks);
}

/* ---- at work ---- */

static void turn(struct run *run)
{
    bool server_first = rng_chance(&run->rng, 0.5);

    if (rng_chance(&run->rng, 0.3))
        loop_timer_set(run->stir, 0);

    if (server_first)
        loop_pass(server_loop(run->server), WAIT_NS);
    for (int i = 0; i < PRODUCERS; i++)
        if (rng_chance(&run->rng, 0.5))
            producer_step(run->producers[i]);
    consumer_step(run->consumer);
    web_step(run->web);
    keeper_step(run->keeper);
    widener_step(run->widener);
    for (int i = 0; i < MEMBERS; i++)
        member_step(run->members[i]);
    if (rng_chance(&run->rng, 0.8))
        loop_pass(run->client_loop, WAIT_NS);
    if (!server_first && rng_chance(&run->rng, 0.9))
        loop_pass(server_loop(run->server), WAIT_NS);
    if (!run->resting)
        squeeze(run);
    if (!run->resting && rng_below(&run->rng, DROP_ONE_IN) == 0)
        drop_and_make(run);
    if (rng_below(&run->rng, 60) == 0) /* nothing happens for a while */
        os_sim_advance(run->os, rng_between(&run->rng, 0, 400) * 1000000);
    if (rng_below(&run->rng, 500) == 0)
        os_sim_wall_jump(run->os, rng_between(&run->rng, -2000000, 2000000));
}

static void work_until_ticks(struct run *run, uint64_t ticks)
{
    bool busy;

    for (int n = 0; run->ticks < ticks && !has_failed(run); n++) {
        turn(run);
        if (n % 8 == 0)
            look_at_jobs(run, &busy);
        if (n == PASSES_MAX)
            ledger_fail(&run->ledger, "the jobs make no more ticks: %" PRIu64 " of %" PRIu64,
                        run->ticks, ticks);
    }
}

/* What becomes of unsynced writes: each by itself, or nearly all alike. */
static void pick_fate(struct run *run)
{
    static const double keep[] = {1.0 / 3, 0.05, 0.9}, tear[] = {1.0 / 3, 0.1, 0.05};
    uint64_t n = rng_below(&run->rng, 3);

    os_sim_options(run->os)->crash_keep = keep[n];
    os_sim_options(run->os)->crash_tear = tear[n];
}

static void arm(struct run *run, enum end end)
{
    pick_fate(run);
    if (end == END_SYNC)
        os_sim_options(run->os)->sync_error = 0.2;
    else if ((end == END_POWER || end == END_KILL) && rng_chance(&run->rng, 0.6))
        aim(run);
    else if (end == END_POWER || end == END_KILL)
        os_sim_off_at(run->os, 1 + rng_below(&run->rng, 80), NULL, NULL);
}

/* Until what was armed has struck. */
static void work_until_end(struct run *run, enum end end)
{
    for (int n = 0; n < 3000 && !has_failed(run); n++) {
        if (end == END_SYNC ? log_failure(server_log(run->server)) != NULL : os_sim_is_off(run->os))
            break;
        turn(run);
        if (n == AIM_TURNS && end != END_SYNC) /* the aim was at something that does not come */
            os_sim_off_at(run->os, 1, NULL, NULL);
    }
    for (uint64_t n = end == END_SYNC ? rng_below(&run->rng, 40) : 0; n > 0; n--)
        turn(run); /* it goes on for a while, refusing */
    for (uint64_t n = rng_below(&run->rng, 6); n > 0; n--)
        loop_pass(run->client_loop, WAIT_NS); /* what is in the network still arrives */
}

/* All there is was given to some member, and committed. */
static bool group_is_through(struct run *run)
{
    struct log_topic *topic = log_topic_find(server_log(run->server), bytes_str(ledger_topics[LEDGER_EVENTS]));

    for (uint32_t p = 0; p < run->ledger.partitions[LEDGER_EVENTS]; p++) {
        struct log_offsets offsets;
        log_offsets(log_partition_of(topic, p), &offsets);
        const struct group_place *at = &run->group.at[p];
        if ((at->acked < offsets.durable && at->told < offsets.durable) || at->done < offsets.durable)
            return false;
    }
    return true;
}

/* Everything is answered. */
static void drain(struct run *run)
{
    bool idle = false;

    run->resting = true;
    unsqueeze(run);
    for (int i = 0; i < PRODUCERS; i++)
        producer_rest(run->producers[i], true);
    web_rest(run->web, true);
    widener_rest(run->widener, true);
    for (int i = 0; i < MEMBERS; i++)
        member_rest(run->members[i], true);
    for (int n = 0; n < PASSES_MAX && !idle && !has_failed(run); n++) {
        turn(run);
        idle = web_idle(run->web) && group_is_through(run);
        for (int i = 0; i < PRODUCERS; i++)
            idle &= producer_idle(run->producers[i]);
    }
    if (!idle && !has_failed(run))
        ledger_fail(&run->ledger, "%s", !group_is_through(run) ? "the group does not come to the end of its topic"
                                        : !web_idle(run->web)  ? "a post is never answered"
                                                               : "a producer is never answered");
}

/* ---- a run ---- */

static void report_damage(void *context, const char *file, uint64_t pos, const char *what)
{
    ledger_fail(context, "log_check: %s at %" PRIu64 ": %s", file, pos, what);
}

static void at_least(struct run *run, const char *what, uint64_t had, uint64_t min)
{
    if (had < min)
        ledger_fail(&run->ledger, "this run had %" PRIu64 " %s, less than %" PRIu64, had, what, min);
}

/* A run that did not meet what it is for proves nothing. */
static void check_minimums(struct run *run)
{
    struct sim_report *r = run->report;
    uint64_t checkpoints = UINT64_MAX;

    r->reloads = UINT64_MAX;
    for (uint32_t i = 0; i < run->tallies_count; i++) {
        const struct tally *t = &run->tallies[i];
        r->reloads = t->reloads < r->reloads ? t->reloads : r->reloads;
        checkpoints = t->checkpoints < checkpoints ? t->checkpoints : checkpoints;
    }
    at_least(run, "ticks", r->ticks, run->options.ticks);
    at_least(run, "crashes", r->crashes, SIM_CRASHES_MIN);
    at_least(run, "shards", r->shards_min, SIM_SHARDS_MIN);
    at_least(run, "re-keyings", r->rekeyings, SIM_REKEYINGS_MIN);
    at_least(run, "checkpoints of each job", checkpoints, 1);
    at_least(run, "reloads of each job", r->reloads, 1);
    at_least(run, "replayed ticks", r->replayed, 1);
    at_least(run, "moves of state to disk", r->moves, 1);
    at_least(run, "partitions added", run->ledger.widened, 1);
}

static void check_files(struct run *run)
{
    enum status st = log_check(run->os, "data", report_damage, &run->ledger);
    if (st != ST_OK)
        ledger_fail(&run->ledger, "log_check gives %s", status_text(st));
}

/* Crashes while it recovers, some times over, each at another step. */
static void crash_in_recovery(struct run *run)
{
    for (int n = 1 + (int)rng_below(&run->rng, 3); n > 0 && !has_failed(run); n--) {
        os_sim_off_at(run->os, 1 + rng_below(&run->rng, 60), NULL, NULL);
        run->shards = pick_shards(run);
        trace(run, "start that will not last, shards", run->shards);
        if (server_up(run))
            for (int pass = 0; pass < 300 && !os_sim_is_off(run->os); pass++)
                loop_pass(server_loop(run->server), WAIT_NS);
        server_down(run, END_RECOVERY);
    }
}

/* False: a failure; the rest would only follow from it. */
static bool live_once(struct run *run, enum end end, uint64_t ticks)
{
    run->shards = pick_shards(run);
    trace(run, "start, shards", run->shards);
    if (!server_up(run) || !settle(run))
        return false;
    compare(run, NULL);
    work_until_ticks(run, ticks);
    trace(run, end_names[end], run->ledger.acked);
    arm(run, end);
    if (end != END_CLEAN && end != END_RECOVERY)
        work_until_end(run, end);
    if (has_failed(run))
        return false;
    server_down(run, end);
    if (end == END_CLEAN)
        check_files(run);
    if (end == END_RECOVERY)
        crash_in_recovery(run);
    return !has_failed(run);
}

static void live_last(struct run *run)
{
    uint64_t folded, twin;

    run->shards = pick_shards(run);
    run->last = true;
    trace(run, "last start, shards", run->shards);
    if (!server_up(run) || !settle(run))
        return;
    compare(run, NULL);
    work_until_ticks(run, run->options.ticks);
    drain(run);
    if (has_failed(run) || !settle(run))
        return;
    compare(run, &folded);
    run->report->ticks = run->ticks;
    if (has_failed(run))
        return;
    if (twin_run(&run->ledger, server_log(run->server), rng_next(&run->rng), run->shards, &twin) &&
        twin != folded)
        ledger_fail(&run->ledger, "the same input on another number of shards gives other views");
    server_down(run, END_CLEAN);
    check_files(run);
    check_minimums(run);
}

static void run_lives(struct run *run)
{
    uint32_t ends = POWER_CUTS + 1 + (uint32_t)rng_below(&run->rng, LIVES_MORE);
    enum end at[POWER_CUTS + LIVES_MORE + 1];

    for (uint32_t i = 0; i < ends; i++)
        at[i] = i < POWER_CUTS ? END_POWER : (enum end)rng_below(&run->rng, ENDS);
    for (uint32_t i = ends; i-- > 1;) {
        uint32_t j = (uint32_t)rng_below(&run->rng, i + 1);
        enum end swap = at[i];
        at[i] = at[j];
        at[j] = swap;
    }
    for (uint32_t i = 0; i < ends; i++)
        if (!live_once(run, at[i], run->options.ticks * (i + 1) / (ends + 1)))
            return;
    live_last(run);
}

static void run_open(struct run *run)
{
    static const struct producer_options producers[PRODUCERS] = {
        {LEDGER_EVENTS, true, 8, 4}, {LEDGER_EVENTS, false, 5, 2}, {LEDGER_MID, true, 4, 3},
    };
    const char *topics[ORACLE_TOPICS];
    uint32_t partitions[ORACLE_TOPICS];
    struct os_sim_options options = os_sim_options_rough();

    options.read_error = options.write_error = options.sync_error = 0;
    options.net_delay_ns_max = 1000000;
    options.disk_delay_ns_max = 500000;
    run->rng = rng_seed(run->options.seed);
    ledger_init(&run->ledger, run->options.seed, NULL, run->options.trace);
    run->os = os_sim_create(rng_next(&run->rng), &options);
    run->disk_bytes = options.disk_bytes;
    run->client_os = os_sim_machine(run->os, &options);
    CHECK(loop_create(run->client_os, &run->client_loop) == ST_OK);
    for (int i = 0; i < PRODUCERS; i++)
        run->producers[i] = producer_create(run->client_loop, &run->ledger, SIM_ADDRESS,
                                            rng_next(&run->rng), &producers[i]);
    for (int i = 0; i < ORACLE_TOPICS; i++) {
        topics[i] = oracle_topics[i].name;
        partitions[i] = ledger_partitions(&run->ledger, topics[i]) == UINT32_MAX ? oracle_topics[i].partitions
                                                                                 : LEDGER_PARTITIONS_MAX;
    }
    run->consumer = consumer_create(run->client_loop, &run->ledger, SIM_ADDRESS,
                                    rng_next(&run->rng), topics, partitions, ORACLE_TOPICS);
    run->web = web_create(run->client_loop, &run->ledger, SIM_HTTP_ADDRESS, rng_next(&run->rng));
    run->keeper = keeper_create(run->client_loop, &run->ledger, SIM_ADDRESS, rng_next(&run->rng));
    run->widener = widener_create(run->client_loop, &run->ledger, SIM_ADDRESS, rng_next(&run->rng));
    run->group.name = "readers";
    for (int i = 0; i < MEMBERS; i++)
        run->members[i] = member_create(run->client_loop, &run->ledger, SIM_ADDRESS, rng_next(&run->rng),
                                        &run->group);
}

static void run_report(struct run *run)
{
    const struct os_sim_counts *counts = os_sim_counts(run->os);
    struct sim_report *r = run->report;

    run->hash = hash_combine(run->hash, (uint64_t)os_mono_ns(run->os));
    run->hash = hash_combine(run->hash, counts->steps);
    run->hash = hash_combine(run->hash, run->ledger.acked);
    r->hash = run->hash;
    r->events = run->ledger.events_len;
    r->commits = run->group.commits;
    r->generations = run->group.generations;
    r->deaths = run->group.deaths;
    r->topics_made = run->ledger.scratch.made;
    r->widened = run->ledger.widened;
    r->views_read = run->ledger.totals_shown;
    r->failures = run->ledger.failures;
    r->writes_lost = counts->lost;
    r->writes_torn = counts->torn;
    memcpy(r->first_failure, run->ledger.first_failure, sizeof(r->first_failure));
}

static void run_close(struct run *run)
{
    if (run->server)
        server_down(run, END_POWER);
    for (int i = 0; i < PRODUCERS; i++)
        producer_hang_up(run->producers[i]);
    consumer_hang_up(run->consumer);
    web_hang_up(run->web);
    keeper_hang_up(run->keeper);
    widener_hang_up(run->widener);
    for (int i = 0; i < MEMBERS; i++)
        member_hang_up(run->members[i]);
    loop_pass(run->client_loop, 0); /* connections go at the end of a pass */
    for (int i = 0; i < PRODUCERS; i++)
        producer_destroy(run->producers[i]);
    consumer_destroy(run->consumer);
    web_destroy(run->web);
    keeper_destroy(run->keeper);
    widener_destroy(run->widener);
    for (int i = 0; i < MEMBERS; i++)
        member_destroy(run->members[i]);
    loop_destroy(run->client_loop);
    os_sim_destroy(run->os);
    ledger_deinit(&run->ledger);
}

bool sim_run(const struct sim_options *options, FILE *out, struct sim_report *report)
{
    struct run run = {.options = *options, .report = report};

    *report = (struct sim_report){0};
    if (!run.options.ticks)
        run.options.ticks = SIM_TICKS_DEFAULT;
    if (options->bug && !sim_bug_set(options->bug, true))
        return false;
    run_open(&run);
    run.ledger.out = out;
    run_lives(&run);
    run_report(&run);
    run_close(&run);
    if (options->bug)
        (void)sim_bug_set(options->bug, false);
    return true;
}
