/* outside.h: the engine's tables of outside systems (flow/outside.h), carried by bridges (bridge/).
 *
 * A table gets a topic of its own when a job first uses it, internal to the server: "bridge-" and the table's
 * name. Its carrier starts then, and whenever the server starts or the table is made again.
 *
 * Owns:    the bridges.   Threads: the loop's.   Layer: app.
 */
#ifndef QW_APP_OUTSIDE_H
#define QW_APP_OUTSIDE_H

#include "bridge/bridges.h"
#include "flow/outside.h"

struct outside_tables {
    struct outside outside; /* for engine_options */
    struct log *log;
    struct bridges *bridges;
};

void outside_open(struct outside_tables *o, const struct carrier_env *env);
/* After the engine is closed: what it gave last is carried after the next start. */
void outside_close(struct outside_tables *o);

#endif
