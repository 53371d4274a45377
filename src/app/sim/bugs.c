/* bugs.c: switches that exist only in builds with QW_SLOW_CHECKS. */
#include "app/sim/bugs.h"

#include <string.h>

#include "app/sim/sim.h"
#include "flow/job.h"
#include "store/log/bugs.h"
#include "store/state/state.h"
#include "store/state/tier.h"

#ifdef QW_SLOW_CHECKS
static bool hash_order;

static const struct {
    const char *name;
    bool *on;     /* a switch, or */
    unsigned job; /* a bit of the engine's */
} bugs[] = {
    {"ack-before-sync", &log_bugs.ack_early, 0},
    {"half-tick", NULL, JOB_BUG_HALF_TICK},
    {"skip-note", NULL, JOB_BUG_SKIP_NOTE},
    {"hash-order", &hash_order, 0},
    {"fill-early", &log_bugs.fill_early, 0},
    {"release-early", &log_bugs.show_early, 0},
    {"half-entry", &log_bugs.keep_half_entry, 0},
    {"cut-early", &log_bugs.cut_early, 0},
    {"no-sync", &log_bugs.skip_sync, 0},
    {"cold-key", &tier_bugs.skip_need, 0},
    {"cold-save", &tier_bugs.skip_scan, 0},
};

enum { BUGS = sizeof(bugs) / sizeof(*bugs) };

const char *sim_bug_name(unsigned index)
{
    return index < BUGS ? bugs[index].name : NULL;
}

bool sim_bug_set(const char *name, bool on)
{
    for (unsigned i = 0; i < BUGS; i++) {
        if (strcmp(bugs[i].name, name) != 0)
            continue;
        if (bugs[i].on)
            *bugs[i].on = on;
        else
            job_bugs = on ? job_bugs | bugs[i].job : job_bugs & ~bugs[i].job;
        return true;
    }
    return false;
}

void sim_bug_life(uint64_t chance)
{
    state_bug_hash_seed = hash_order ? (uint32_t)chance | 1 : 0;
}
#else
void sim_bug_life(uint64_t chance)
{
    (void)chance;
}

const char *sim_bug_name(unsigned index)
{
    (void)index;
    return NULL;
}

bool sim_bug_set(const char *name, bool on)
{
    (void)name;
    (void)on;
    return false;
}
#endif
