/* Made queries and scripts (lib/sql_trial.h), by chance from the seed: `unit --seed N queries` tries others. */
#include "base/rng.h"
#include "lib/sql_trial.h"
#include "lib/test.h"

enum { TRIALS = 150 };

static void trials(void (*trial)(struct bytes), uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    for (int i = 0; i < TRIALS; i++) {
        uint8_t choices[256];
        size_t len = 20 + rng_below(&rng, sizeof(choices) - 20);
        for (size_t k = 0; k < len; k++)
            choices[k] = (uint8_t)rng_below(&rng, 256);
        trial(bytes_of(choices, len));
    }
}

TEST(queries_give_the_same_on_any_shards_and_over_restarts)
{
    trials(sql_trial_query, test_seed());
}

TEST(queries_of_any_kind_break_nothing)
{
    trials(sql_trial_script, test_seed());
}
