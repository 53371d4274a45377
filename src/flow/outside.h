/* outside.h: connectors of outside systems, which the engine knows only by what they ask of it.
 *
 * A table of an outside system is, for the engine, a table over a topic of the log: who carries records
 * between that topic and the system (src/bridge/) stands above or beside this floor and is called through
 * here. `app` fills in the functions.   Threads: the engine's caller's.   Layer: flow.
 */
#ifndef QW_FLOW_OUTSIDE_H
#define QW_FLOW_OUTSIDE_H

#include "sql/plan.h"

enum outside_use { OUTSIDE_READ, OUTSIDE_WRITTEN };

struct outside {
    void *context;
    /* Asked of every CREATE TABLE. A connector of its own: checks the options, and makes the table one over
     * its topic: what was written goes to table->outside, what the engine reads to table->options. Of other
     * connectors it says ST_OK and changes nothing. */
    enum status (*adopt)(void *context, struct table *table, struct diag *diag);
    /* The table is in the catalog. Carrying goes on where it stood, if it ever began. */
    enum status (*resume)(void *context, const struct table *table, struct diag *diag);
    /* A job is about to read or write such a table: its topic is there when this returns ST_OK. */
    enum status (*use)(void *context, const struct table *table, enum outside_use use, struct diag *diag);
    /* The table is dropped, with what is not yet carried; or replaced by another of its name. */
    enum status (*drop)(void *context, const struct table *table, uint64_t *lsn);
    void (*replace)(void *context, const struct table *table);
    /* Whether the value of an option of such a table is never shown. */
    bool (*secret)(void *context, const struct table *table, struct bytes key);
};

/* All of a plan's tables, before a job of it is opened. outside may be NULL. */
enum status outside_use_all(const struct outside *outside, const struct plan *plan, struct diag *diag) MUST_CHECK;

#endif
