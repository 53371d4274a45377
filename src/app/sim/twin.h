/* twin.h: the same input once more, on another server with another number of shards and other cuts into
 * ticks, without faults.       Layer: app. */
#ifndef QW_APP_SIM_TWIN_H
#define QW_APP_SIM_TWIN_H

#include "app/sim/ledger.h"
#include "store/log/log.h"

/* Feeds what the log has of the clients' events. *folded: the hash of the views that depend on nothing but
 * the multiset of the input. False: it failed, and the ledger says so. */
bool twin_run(struct ledger *ledger, struct log *log, uint64_t seed, uint32_t not_shards,
              uint64_t *folded);

#endif
