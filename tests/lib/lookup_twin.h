/* lookup_twin.h: an outside system that is asked by key, and that is away now and then.
 *
 * Threads: carriers ask it from theirs; on the simulated system that is the test's own. */
#ifndef QW_TESTS_LIB_LOOKUP_TWIN_H
#define QW_TESTS_LIB_LOOKUP_TWIN_H

#include "base/rng.h"
#include "bridge/bridge.h"

enum { LOOKUP_TWIN_HASTE = 4 };

extern struct lookup_twin {
    struct rng rng;
    double away;          /* how often a call finds nobody */
    uint64_t calls, keys; /* keys: of calls that were answered */
    /* Answers one question, whose only key is a BIGINT. */
    void (*answer)(struct bridge_lookup *lookup, struct bridge_asked *asked, int64_t id);
} lookup_twin;

extern const struct bridge_class lookup_twin_class, lookup_twin_deaf; /* deaf: a sink, which nobody can ask */
/* Options of a connection that is tried again at once. */
extern const struct bridge_given lookup_twin_haste[LOOKUP_TWIN_HASTE];

#endif
