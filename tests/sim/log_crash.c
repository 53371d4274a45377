/* The log through power cuts on the simulated disk.
 *
 * A reference workload is run again and again; each time the power fails before another one of its
 * steps (every write, sync, rename, truncation and directory sync there is), unsynced writes being
 * kept, lost or torn by the seed. After each: nothing acknowledged is lost, no atomic entry is
 * there by half, offsets are dense, nothing is there that was not appended, the log goes on
 * working, and log_check finds nothing. Then the same with planted mistakes, each of which must be
 * found. */
#include <stdio.h>
#include <string.h>

#include "lib/log_twin.h"
#include "lib/test.h"
#include "os/sim/sim.h"
#include "store/log/bugs.h"

static uint64_t sent_from_files; /* of all crashes: reads of history that were left in their file */

enum { STEPS = 140, STEPS_LONG = 260, BY_CHANCE = 40, MISTAKE_RUNS_MAX = 300 };

static enum status open_small(struct os *os, struct log **log)
{
    struct diag diag = {0};
    struct log_options options = {
        .wal_bytes_max = 400 << 10, .memory_bytes_max = 8 << 20, .disk_reserve_bytes = 1};
    enum status st = log_open(os, "data", &options, log, &diag);

    if (st != ST_OK)
        *log = NULL;
    return st;
}

/* Until the power fails or the steps are done; true: the log is closed. *durable: what was
 * acknowledged. */
static bool run(struct twin *twin, struct os *os, int steps, uint64_t *durable)
{
    struct log *log;

    if (open_small(os, &log) != ST_OK)
        return true;
    bool going = twin_attach(twin, log);
    for (int i = 0; going && i < steps; i++) {
        going = twin_step(twin) || !log_failure(log);
        if (going && i == steps / 2 && rng_chance(&twin->rng, 0.5)) {
            *durable = log_durable_lsn(log);
            log_close(log);
            if (os_sim_is_off(os))
                return true;
            if (open_small(os, &log) != ST_OK)
                return true;
            going = twin_attach(twin, log);
        }
        if (log_durable_lsn(log) > *durable)
            *durable = log_durable_lsn(log);
        if (os_sim_is_off(os))
            break;
    }
    if (log_durable_lsn(log) > *durable)
        *durable = log_durable_lsn(log);
    log_close(log);
    return true;
}

static void damage_found(void *context, const char *file, uint64_t pos, const char *what)
{
    snprintf(context, 200, "log_check: %s at %llu: %s", file, (unsigned long long)pos, what);
}

/* A full WAL refuses until the background has cut it. */
static bool go_on(struct twin *twin)
{
    for (int i = 0; i < 3; i++) {
        if (twin_step(twin))
            return true;
        log_settle(twin->log);
    }
    return false;
}

static const char *look_again(struct twin *twin, struct os *os, uint64_t durable)
{
    static char text[200];
    struct log *log;

    os_sim_crash(os);
    if (open_small(os, &log) != ST_OK)
        return "the log does not open";
    if (!twin_attach(twin, log))
        return "topics cannot be made";
    const char *wrong = twin_reconcile(twin, durable);
    for (int i = 0; !wrong && i < 20; i++)
        if (!go_on(twin))
            wrong = "the log does not go on";
    if (!wrong)
        wrong =
            log_flush(log) != ST_OK ? "a flush fails" : twin_reconcile(twin, log_durable_lsn(log));
    log_close(log);
    text[0] = 0;
    if (!wrong && log_check(os, "data", damage_found, text) != ST_OK)
        wrong = text;
    return wrong;
}

static void first_off(void *context)
{
    (void)context;
}

/* The power fails before step number `first`, and in the next life before `second` (0: not). */
static const char *crash(uint64_t seed, int steps, uint64_t first, uint64_t second)
{
    struct os *os = os_sim_create(seed * 1000003 + first, NULL);
    struct twin twin;
    uint64_t durable = 0;
    const char *wrong = NULL;

    twin_init(&twin, seed);
    os_sim_off_at(os, first, first_off, NULL);
    run(&twin, os, steps, &durable);
    wrong = look_again(&twin, os, durable);
    if (twin.wrong)
        wrong = twin.wrong;
    if (!wrong && second) {
        durable = 0;
        os_sim_off_at(os, second, first_off, NULL);
        run(&twin, os, steps / 2, &durable);
        wrong = look_again(&twin, os, durable);
    }
    sent_from_files += twin.sent_from_files;
    twin_deinit(&twin);
    os_sim_destroy(os);
    return wrong;
}

static uint64_t steps_of(uint64_t seed)
{
    struct os *os = os_sim_create(seed, NULL);
    struct twin twin;
    uint64_t durable = 0;

    twin_init(&twin, seed);
    run(&twin, os, STEPS, &durable);
    uint64_t steps = os_sim_counts(os)->steps;
    twin_deinit(&twin);
    os_sim_destroy(os);
    return steps;
}

static void expect_nothing_wrong(uint64_t seed, uint64_t first, uint64_t second)
{
    const char *wrong = crash(seed, STEPS, first, second);

    if (wrong)
        test_fail(__FILE__, __LINE__, "seed %llu, power off at step %llu, then %llu: %s",
                  (unsigned long long)seed, (unsigned long long)first, (unsigned long long)second,
                  wrong);
}

TEST_SECONDS(log_survives_a_power_cut_at_every_step, 300)
{
    uint64_t seed = test_seed(), steps = steps_of(seed);

    EXPECT(steps > 100);
    for (uint64_t k = 1; k <= steps + 1; k++)
        expect_nothing_wrong(seed, k, 0);
    EXPECT(sent_from_files > 0);
}

TEST_SECONDS(log_survives_power_cuts_by_chance, 120)
{
    struct rng rng = rng_seed(test_seed());

    for (uint64_t i = 0; i < BY_CHANCE; i++) {
        uint64_t seed = rng_next(&rng) >> 20, steps = steps_of(seed);
        uint64_t first = 1 + rng_below(&rng, steps), second = 1 + rng_below(&rng, steps / 2);
        expect_nothing_wrong(seed, first, second);
    }
}

#ifdef QW_SLOW_CHECKS
/* Where a mistake would show: a snapshot is in place, and the WAL that it goes with is not synced. */
static const char *crash_behind_snapshot(uint64_t seed, uint64_t skip)
{
    struct os *os = os_sim_create(seed, NULL);
    struct twin twin;
    uint64_t durable = 0;

    twin_init(&twin, seed);
    os_sim_off_between(os, (struct os_sim_step){"rename", "/snapshot.tmp"},
                       (struct os_sim_step){"sync", "/wal/"}, skip);
    run(&twin, os, STEPS_LONG, &durable);
    const char *wrong = look_again(&twin, os, durable);
    twin_deinit(&twin);
    os_sim_destroy(os);
    return wrong;
}

/* Some run of the crash test must fail with the mistake. */
static void expect_found(const char *name)
{
    struct rng rng = rng_seed(test_seed());

    for (int i = 0; i < MISTAKE_RUNS_MAX; i++) {
        uint64_t seed = rng_next(&rng) >> 20;
        if (crash(seed, STEPS_LONG, 1 + rng_below(&rng, 600), 0) ||
            crash_behind_snapshot(seed, rng_below(&rng, 4)))
            return;
    }
    test_fail(__FILE__, __LINE__, "the planted mistake %s was not found", name);
}

TEST_SECONDS(log_crash_finds_planted_mistakes, 300)
{
    log_bugs = (struct log_bugs){.skip_sync = true};
    expect_found("skip_sync");
    log_bugs = (struct log_bugs){.release_early = true};
    expect_found("release_early");
    log_bugs = (struct log_bugs){.keep_half_entry = true};
    expect_found("keep_half_entry");
    log_bugs = (struct log_bugs){.fill_early = true};
    expect_found("fill_early");
    log_bugs = (struct log_bugs){.cut_early = true};
    expect_found("cut_early");
    log_bugs = (struct log_bugs){.forget_beside = true};
    expect_found("forget_beside");
    log_bugs = (struct log_bugs){.stable_early = true};
    expect_found("stable_early");
    log_bugs = (struct log_bugs){.forget_aborted = true};
    expect_found("forget_aborted");
}
#endif
