/* Random changes to a small log and to a naive array beside it, with closings and openings between:
 * small files, so that filling, cutting, rolling and sweeping happen all the time. */
#include "lib/log_twin.h"
#include "lib/test.h"
#include "os/sim/sim.h"

static struct log *open_small(struct os *os)
{
    struct log *log;
    struct diag diag = {0};
    struct log_options options = {
        .wal_bytes_max = 1 << 20, .memory_bytes_max = 16 << 20, .disk_reserve_bytes = 1};
    enum status st = log_open(os, "data", &options, &log, &diag);

    if (st != ST_OK)
        test_fail(__FILE__, __LINE__, "log_open: %s", diag.message);
    return log;
}

static void run(uint64_t seed, int steps)
{
    struct os *os = os_sim_create(seed, NULL);
    struct twin twin;
    struct log_stats stats;

    twin_init(&twin, seed);
    EXPECT(twin_attach(&twin, open_small(os)));
    for (int i = 0; i < steps; i++) {
        if (!twin_step(&twin))
            EXPECT(log_failure(twin.log) == NULL);
        if (i % 64 == 0)
            twin_compare_some(&twin);
        if (rng_chance(&twin.rng, 0.002)) {
            log_close(twin.log);
            EXPECT(twin_attach(&twin, open_small(os)));
            twin_compare(&twin);
        }
    }
    twin_compare(&twin);
    if (twin.wrong)
        test_fail(__FILE__, __LINE__, "%s", twin.wrong);
    log_stats(twin.log, &stats);
    EXPECT(stats.filled_bytes > 0);
    log_close(twin.log);
    EXPECT_OK(log_check(os, "data", NULL, NULL));
    twin_deinit(&twin);
    os_sim_destroy(os);
}

TEST_SECONDS(log_is_like_an_array, 60)
{
    run(test_seed(), 6000);
}
