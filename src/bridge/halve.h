/* halve.h: a system that refuses a whole request for one record's sake: which one it was, found by halves.
 *
 * Time: until_ms is looked at where something is settled, so a call whose first record is the refused one is all requests from
 * the whole batch down to it: ten of 500 records, each within the bridge's time limit. Held by hand meanwhile, a bridge is
 * `busy` that long.
 *
 * Threads: the helper's.   Layer: bridge.
 */
#ifndef QW_BRIDGE_HALVE_H
#define QW_BRIDGE_HALVE_H

#include "bridge/bridge.h"

enum halve_said { HALVE_TAKEN, HALVE_REFUSED, HALVE_LATER };

/* Sends the `count` records from batch->settled on. REFUSED: *why (in the batch's arena) is one record's, if it is
 * one. LATER: batch->trouble is set. */
typedef enum halve_said halve_send(struct bridge *bridge, struct bridge_batch *batch, uint32_t count,
                                   const char **why);

/* True: `count` more are settled, taken or `never`. False: some are, and there is trouble, or it is until_ms
 * (of halve_now_ms): the rest is another call's, for a stop waits for this one. */
bool halve_deliver(struct bridge *bridge, struct bridge_batch *batch, uint32_t count, int64_t until_ms,
                   halve_send *send);
int64_t halve_now_ms(void);

#endif
