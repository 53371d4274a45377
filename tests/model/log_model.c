/* Random changes to a small log and to a naive array beside it, with closings and openings between:
 * small files, so that filling, cutting, rolling and sweeping happen all the time. */
#include "lib/log_twin.h"
#include "lib/test.h"

static struct log *open_small(void)
{
    struct log *log;
    struct diag diag = {0};
    struct log_options options = {
        .wal_bytes_max = 1 << 20, .memory_bytes_max = 16 << 20, .disk_reserve_bytes = 1};
    enum status st = log_open(os_posix(), test_dir(), &options, &log, &diag);

    if (st != ST_OK)
        test_fail(__FILE__, __LINE__, "log_open: %s", diag.message);
    return log;
}

static void run(uint64_t seed, int steps)
{
    struct twin twin;

    twin_init(&twin, seed);
    EXPECT(twin_attach(&twin, open_small()));
    for (int i = 0; i < steps; i++) {
        if (!twin_step(&twin))
            EXPECT(log_failure(twin.log) == NULL);
        if (i % 64 == 0)
            twin_compare_some(&twin);
        if (rng_chance(&twin.rng, 0.002)) {
            log_close(twin.log);
            EXPECT(twin_attach(&twin, open_small()));
            twin_compare(&twin);
        }
    }
    twin_compare(&twin);
    log_close(twin.log);
    EXPECT_OK(log_check(os_posix(), test_dir(), NULL, NULL));
    twin_deinit(&twin);
}

TEST_SECONDS(log_is_like_an_array, 60)
{
    run(test_seed(), 6000);
}
