/* oracle.h: what the jobs of a simulation must have given, computed anew from the log by the plainest
 * means, and compared with what they gave.
 *
 * oracle_read reads every topic and holds it against the ledger's promises; oracle_compare then
 * recomputes each view and result topic from what was read, less what is in events.late, and compares
 * with the engine's. To be called when all input is consumed.
 *
 * Owns: what it read.   Threads: one.   Layer: app.
 */
#ifndef QW_APP_SIM_ORACLE_H
#define QW_APP_SIM_ORACLE_H

#include "app/sim/ledger.h"
#include "flow/engine.h"

enum { ORACLE_WINDOW_JOBS = 3 };

struct found {
    uint32_t seen;     /* times, in its own topic */
    uint32_t derived;  /* times, in the first job's output */
    uint8_t late;      /* a bit for each window job that dropped it */
    int64_t offset;
};

struct fired {
    int64_t start_ms, n, s, top;
    int32_t g, k;
};

/* The events of a partition, by offset. */
struct events_at {
    uint64_t *ids;
    uint64_t len, cap;
};

/* A record of events.late. */
struct late {
    uint32_t job;
    int64_t partition, offset;
    int32_t k;
};

struct oracle {
    struct ledger *ledger;
    bool promises;     /* hold the log against them: not for a twin that was fed by hand */
    struct found *found; /* by event */
    struct fired *fired;
    uint64_t fired_len, fired_cap;
    struct events_at at[LEDGER_PARTITIONS_MAX];
    struct late *lates;
    uint64_t lates_len, lates_cap;
    uint32_t partitions; /* of events */
    int64_t newest_ms[LEDGER_PARTITIONS_MAX]; /* of them; -1: none */
    uint64_t late;
    uint64_t hash;     /* of all records read, and of all views compared */
    uint64_t folded;   /* of the views that do not depend on what came late */
};

/* The statements: tables, jobs and views. */
extern const char oracle_sql[];
/* Drops a job of them and makes it again. */
extern const char oracle_drop_sql[];
/* The topics that clients write and read, and their partitions; NULL ends. */
struct oracle_topic {
    const char *name;
    uint32_t partitions;
    bool made_by_clients; /* else by a statement */
};
extern const struct oracle_topic oracle_topics[];
enum { ORACLE_TOPICS = 5 };

void oracle_init(struct oracle *oracle, struct ledger *ledger, bool promises);
void oracle_deinit(struct oracle *oracle);
/* Right after the log's recovery, before a job has made a tick: nothing ends before what was promised. Later a
 * job may have made the same records again. */
void oracle_check_ends(struct ledger *ledger, struct log *log);
void oracle_read(struct oracle *oracle, struct log *log);
void oracle_compare(struct oracle *oracle, struct engine *engine);

#endif
