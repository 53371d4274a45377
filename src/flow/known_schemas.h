/* known_schemas.h: the registry's schemas as the shards' threads may read them: copies that never change, in a table that
 * only grows.
 *
 * The registry itself (store/schemas) is facts of the log, which its thread alone may touch. That thread publishes what is
 * new at the beginning of a tick that decodes by number; how many were published is the tick's, and its note's: a job that
 * is replayed finds the numbers that it found, though more have been given out since (docs/design/013-schemas-in-ticks.md).
 *
 * Owns:    the copies, until known_schemas_close. Nothing is copied before somebody reads.
 * Threads: known_schemas_find: any; all else the log's thread.   Limits: the registry's.   Layer: flow.
 */
#ifndef QW_FLOW_KNOWN_SCHEMAS_H
#define QW_FLOW_KNOWN_SCHEMAS_H

#include <stdatomic.h>

#include "data/format/registry.h"
#include "os/os.h"
#include "store/log/log.h"

struct known_table;

struct known_schemas {
    struct format_registry registry; /* all that is published */
    struct os *os;
    struct log *log;
    _Atomic(struct known_table *) table; /* NULL: nobody reads yet */
    uint32_t places;                     /* that are published */
    char *address;                       /* HOST:PORT where the registry is served; NULL: nowhere that is known */
};

/* address: HOST:PORT where this registry is served, may be NULL. */
void known_schemas_open(struct known_schemas *known, struct os *os, struct log *log, const char *address);
void known_schemas_close(struct known_schemas *known);

/* Publishes what is new; gives how many places there are. */
uint32_t known_schemas_publish(struct known_schemas *known);
/* Of the first `places` alone, and of those from before places were kept. */
const struct registered_schema *known_schemas_find(const struct known_schemas *known, uint32_t id, uint32_t places);

/* Those that one job's tick knows. */
struct tick_schemas {
    struct format_registry registry;
    struct known_schemas *known;
    uint32_t places; /* of the tick at hand */
    bool reads;      /* some decoder of the job asks for them */
};
void tick_schemas_init(struct tick_schemas *tick, struct known_schemas *known);
/* For a tick that is about to begin: how many it is to know; 0 where none are asked for. */
uint32_t tick_schemas_publish(struct tick_schemas *tick);

#endif
