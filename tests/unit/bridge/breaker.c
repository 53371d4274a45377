/* The circuit breaker's states, its window, and the pace of trying again. */
#include "bridge/breaker.h"

#include "bridge/pace.h"
#include "lib/test.h"

static const int64_t MS = 1000000;

static struct breaker_options small(void)
{
    return (struct breaker_options){.window = 4, .calls_min = 2, .failure_percent = 50, .slow_percent = 100,
                                    .slow_ms = 1000, .open_ms = 10, .open_ms_max = 30, .half_open_calls = 2};
}

TEST(breaker_opens_at_its_share_of_failures_and_closes_after_trials)
{
    struct breaker_options options = small();
    struct breaker b;
    int64_t at = 0;

    breaker_init(&b, &options);
    breaker_note(&b, 0, 0, true); /* one call is too few to judge */
    EXPECT(breaker_may(&b, 0, &at));
    breaker_note(&b, 0, 0, false);
    EXPECT_INT(b.state, BREAKER_OPEN); /* one of two: 50 % */
    EXPECT(!breaker_may(&b, 9 * MS, &at));
    EXPECT_INT(at, 10 * MS);
    EXPECT(breaker_may(&b, 10 * MS, &at));
    EXPECT_INT(b.state, BREAKER_HALF_OPEN);
    breaker_note(&b, 10 * MS, 0, false);
    EXPECT_INT(b.state, BREAKER_HALF_OPEN);
    breaker_note(&b, 10 * MS, 0, false);
    EXPECT_INT(b.state, BREAKER_CLOSED);
    EXPECT_INT(breaker_failure_percent(&b), 0);
    EXPECT_INT(b.held_back, 1);
    breaker_deinit(&b);
}

TEST(breaker_stays_open_longer_with_each_failed_trial)
{
    struct breaker_options options = small();
    struct breaker b;
    int64_t at = 0, now = 0;
    static const int64_t waits[] = {10, 20, 30, 30};

    breaker_init(&b, &options);
    breaker_note(&b, 0, 0, true);
    breaker_note(&b, 0, 0, true);
    for (int i = 0; i < 4; i++) {
        EXPECT(!breaker_may(&b, now, &at));
        EXPECT_INT(at - now, waits[i] * MS);
        now = at;
        EXPECT(breaker_may(&b, now, &at));
        breaker_note(&b, now, 0, true);
    }
    EXPECT_INT(b.opened, 5);
    breaker_deinit(&b);
}

TEST(breaker_forgets_what_leaves_its_window)
{
    struct breaker_options options = small();
    struct breaker b;

    options.failure_percent = 75;
    breaker_init(&b, &options);
    for (int i = 0; i < 12; i++) /* every second fails: never three of the last four */
        breaker_note(&b, i, 0, i % 2 == 0);
    EXPECT_INT(b.state, BREAKER_CLOSED);
    EXPECT_INT(breaker_failure_percent(&b), 50);
    breaker_note(&b, 12, 0, true);
    breaker_note(&b, 13, 0, true); /* F S F F would be 75 %; here S F F F … */
    EXPECT_INT(b.state, BREAKER_OPEN);
    breaker_deinit(&b);

    options.window_ms = 100;
    breaker_init(&b, &options);
    breaker_note(&b, 0, 0, true);
    breaker_note(&b, 101 * MS, 0, true); /* the first is too old to count: one call alone */
    EXPECT_INT(b.state, BREAKER_CLOSED);
    breaker_deinit(&b);
}

TEST(breaker_opens_for_slow_calls_and_by_hand)
{
    struct breaker_options options = small();
    struct breaker b;
    int64_t at = 0;

    breaker_init(&b, &options);
    breaker_note(&b, 0, options.slow_ms * MS, false);
    breaker_note(&b, 0, options.slow_ms * MS - 1, false);
    EXPECT_INT(b.state, BREAKER_CLOSED);
    breaker_note(&b, 0, options.slow_ms * MS, false);
    breaker_note(&b, 0, options.slow_ms * MS, false);
    breaker_note(&b, 0, options.slow_ms * MS, false);
    breaker_note(&b, 0, options.slow_ms * MS, false);
    EXPECT_INT(b.state, BREAKER_OPEN);
    breaker_force(&b, BREAKER_DISABLED, 1);
    EXPECT(breaker_may(&b, 1, &at));
    for (int i = 0; i < 10; i++)
        breaker_note(&b, 1, 0, true);
    EXPECT(breaker_may(&b, 1, &at));
    breaker_force(&b, BREAKER_FORCED_OPEN, 1);
    EXPECT(!breaker_may(&b, 1, &at));
    EXPECT_INT(at, INT64_MAX);
    breaker_force(&b, BREAKER_CLOSED, 1);
    EXPECT(breaker_may(&b, 1, &at));
    breaker_deinit(&b);
}

TEST(breaker_is_forced_into_any_state_and_goes_on_from_there)
{
    struct breaker_options options = small();
    struct breaker b;
    int64_t at = 0;

    breaker_init(&b, &options);
    breaker_force(&b, BREAKER_OPEN, 5 * MS);
    EXPECT(!breaker_may(&b, 14 * MS, &at));
    EXPECT_INT(at, 15 * MS);
    EXPECT(breaker_may(&b, 15 * MS, &at)); /* it ends as one that opened by itself */
    EXPECT_INT(b.state, BREAKER_HALF_OPEN);
    breaker_force(&b, BREAKER_FORCED_OPEN, 15 * MS);
    EXPECT(!breaker_may(&b, 1000 * MS, &at));
    breaker_force(&b, BREAKER_HALF_OPEN, 1000 * MS);
    EXPECT(breaker_may(&b, 1000 * MS, &at));
    breaker_note(&b, 1000 * MS, 0, true); /* a trial that fails */
    EXPECT_INT(b.state, BREAKER_OPEN);
    EXPECT(!breaker_may(&b, 1009 * MS, &at));
    EXPECT_INT(at, 1010 * MS); /* the waits begin anew with each force */
    breaker_force(&b, BREAKER_METRICS_ONLY, 1009 * MS);
    for (int i = 0; i < 10; i++)
        breaker_note(&b, 1010 * MS, 0, i % 2 == 0);
    EXPECT(breaker_may(&b, 1010 * MS, &at));
    EXPECT_INT(b.state, BREAKER_METRICS_ONLY);
    EXPECT_INT(breaker_failure_percent(&b), 50);
    breaker_force(&b, BREAKER_DISABLED, 1010 * MS);
    for (int i = 0; i < 10; i++)
        breaker_note(&b, 1010 * MS, 0, true);
    EXPECT_INT(breaker_failure_percent(&b), 0); /* nothing is judged */
    breaker_deinit(&b);
}

TEST(breaker_states_are_named_as_resilience4j_has_them)
{
    static const char *const names[] = {"CLOSED", "OPEN", "HALF_OPEN", "FORCED_OPEN", "DISABLED", "METRICS_ONLY"};
    enum breaker_state state;

    for (unsigned i = 0; i < BREAKER_STATES; i++) {
        EXPECT_STR(breaker_state_text((enum breaker_state)i), names[i]);
        EXPECT(breaker_state_of(bytes_str(names[i]), &state) && state == i);
        EXPECT_INT(breaker_is_automatic(state), i < 3);
    }
    EXPECT(breaker_state_of(BYTES_LITERAL("half_open"), &state) && state == BREAKER_HALF_OPEN);
    EXPECT(!breaker_state_of(BYTES_LITERAL("HALF"), &state));
    EXPECT(!breaker_state_of(BYTES_NONE, &state));
}

TEST(backoff_doubles_to_its_bound_and_is_never_nothing)
{
    struct rng rng = rng_seed(test_seed());
    struct backoff b = {100, 1000, 0};
    static const int64_t bounds[] = {100, 200, 400, 800, 1000, 1000};

    for (int i = 0; i < 6; i++) {
        int64_t wait = backoff_next_ns(&b, &rng);
        EXPECT(wait >= bounds[i] * MS / 10 && wait <= bounds[i] * MS);
    }
    b.failures = 1000; /* shifts stay in range */
    EXPECT(backoff_next_ns(&b, &rng) <= 1000 * MS);
    backoff_reset(&b);
    EXPECT(backoff_next_ns(&b, &rng) <= 100 * MS);
}

TEST(rate_gives_no_more_than_its_tokens)
{
    struct rate r = {.per_second = 100};
    int64_t now = 5000 * MS, at = 0;
    uint64_t sum = 0;

    EXPECT_INT(rate_take(&r, now, 30, &at), 30);
    EXPECT_INT(rate_take(&r, now, 500, &at), 70);
    EXPECT_INT(rate_take(&r, now, 1, &at), 0);
    EXPECT(at > now && at <= now + 11 * MS);
    for (int i = 0; i < 1000; i++) { /* ten seconds, asked for too much each time */
        now += 10 * MS;
        sum += rate_take(&r, now, 50, &at);
    }
    EXPECT(sum >= 990 && sum <= 1000);
    struct rate none = {0};
    EXPECT_INT(rate_take(&none, now, 1000000, &at), 1000000);
}
