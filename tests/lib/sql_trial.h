/* sql_trial.h: made statements, run by an engine on a simulated disk; a finding fails the test. */
#ifndef QW_TESTS_SQL_TRIAL_H
#define QW_TESTS_SQL_TRIAL_H

#include "base/bytes.h"

/* One query as a view, twice over the same records: on one shard in memory, in few ticks; and on several shards
 * in small ticks, over kills, power cuts and clean stops. Both must give the
 * same rows, or fail alike. */
void sql_trial_query(struct bytes choices);

/* A script of any statements, with records between: whatever is refused says why, and nothing breaks, before or
 * after a restart. */
void sql_trial_script(struct bytes choices);

#endif
