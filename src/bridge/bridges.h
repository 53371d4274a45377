/* bridges.h: the carriers of a server, by the name of their table.
 *
 * Owns:    its carriers.   Threads: the loop's.   Layer: bridge.
 */
#ifndef QW_BRIDGE_BRIDGES_H
#define QW_BRIDGE_BRIDGES_H

#include "bridge/carrier.h"

struct bridges;

struct bridges *bridges_open(const struct carrier_env *env);
void bridges_close(struct bridges *b);

/* Starts the carrier of a table, in the place of the one there is. */
enum status bridges_start(struct bridges *b, const struct carrier_spec *spec, struct log_topic *topic,
                          struct diag *diag) MUST_CHECK;
/* Nothing when there is none. It has left the log when this returns; a call that is under way goes on, and the next
 * carrier of that table begins when it has ended. */
void bridges_stop(struct bridges *b, struct bytes table);

struct carrier *bridges_find(const struct bridges *b, struct bytes table);
/* NULL: the first; NULL after the last. */
struct carrier *bridges_next(const struct bridges *b, const struct carrier *carrier);

/* Whether all that is in their topics has arrived. */
bool bridges_done(const struct bridges *b);
bool bridges_pass(struct bridges *b); /* a hook of the loop, after the log's flush */
int64_t bridges_deadline_ns(const struct bridges *b);

#endif
