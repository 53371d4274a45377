/* outside.h: connectors of outside systems, which the engine knows only by what they ask of it.
 *
 * A table of an outside system is, for the engine, a table over a topic of the log: who carries records
 * between that topic and the system (src/bridge/) stands above or beside this floor and is called through
 * here. `app` fills in the functions.   Threads: the engine's caller's.   Layer: flow.
 */
#ifndef QW_FLOW_OUTSIDE_H
#define QW_FLOW_OUTSIDE_H

#include "sql/plan.h"
#include "store/log/log.h"

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
    /* A job looks rows up in such a table: the topics of its questions and of the answers (lookup_topic_name) are there
     * when this returns ST_OK, and questions are answered, from where that stood. */
    enum status (*look_up)(void *context, struct bytes job, const struct plan_lookup *lookup, struct diag *diag);
    /* All that is kept of a job's lookups goes. */
    enum status (*forget_lookups)(void *context, struct bytes job, uint64_t *lsn);
    /* What is in TABLE$dead goes out again, in order; how many records. Goes on after a restart, once *lsn is durable. */
    enum status (*replay)(void *context, const struct table *table, uint64_t *count, uint64_t *lsn,
                          struct diag *diag);
    /* Whether the value of an option of such a table is never shown. */
    bool (*secret)(void *context, const struct table *table, struct bytes key);
};

/* All of a plan's tables, before a job of it is opened; its scans of answers become scans of their topics. outside
 * may be NULL. */
enum status outside_use_all(const struct outside *outside, struct plan *plan, struct bytes job,
                            struct diag *diag) MUST_CHECK;
enum status outside_forget_lookups(const struct outside *outside, struct bytes job, uint64_t *lsn) MUST_CHECK;

enum lookup_topic { LOOKUP_ANSWERS, LOOKUP_QUESTIONS };
/* "lookup-JOB-2", and ".asked" behind it for questions. False: the job's name is too long for that. */
bool lookup_topic_name(struct bytes job, uint32_t index, enum lookup_topic which, char out[LOG_NAME_MAX + 1]);

#endif
