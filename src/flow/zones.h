/* zones.h: time zones by name, read from the system's tzdata when they are first asked for.
 *
 * Owns:    the zones, until zones_close.   Threads: any may find; nothing is locked.
 * Errors:  zones_find says what would be right: the nearest name, or that there is no tzdata.
 * Limits:  ZONE_NAME_MAX, ZONE_FILE_MAX (zone.h); a zone is read once a process.   Layer: flow.
 */
#ifndef QW_FLOW_ZONES_H
#define QW_FLOW_ZONES_H

#include <stdatomic.h>

#include "base/diag.h"
#include "data/zone.h"
#include "os/os.h"

#define ZONES_FOLDER "/usr/share/zoneinfo"

struct zones {
    struct zone_finder finder; /* &finder is what expressions are given */
    struct os *os;
    _Atomic(struct zones_entry *) first;
};

void zones_open(struct zones *zones, struct os *os);
void zones_close(struct zones *zones);

/* *out is NULL for UTC. */
enum status zones_find(struct zones *zones, struct bytes name, const struct zone **out, struct diag *diag) MUST_CHECK;

#endif
