/* sim.h: the whole server under faults, from a seed: one run.
 *
 * A simulated machine runs the server as production does: log, engine, Kafka face. On a second one
 * live clients: producers that retry, and a consumer that remembers what it was shown. The server is
 * ended again and again, by power cuts, kills, failed syncs and clean stops, and started anew with
 * another number of shards. After each start, and at the end, everything is read back and compared
 * with what was promised to the clients and with a naive recomputation (oracle.h).
 *
 * The same options give the same run, bit for bit: the hash says so.
 *
 * Owns: nothing past sim_run.   Threads: one.   Layer: app.
 */
#ifndef QW_APP_SIM_SIM_H
#define QW_APP_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct sim_options {
    uint64_t seed;
    uint64_t ticks;  /* of all jobs together, at least; 0: the default */
    const char *bug; /* a planted one, or NULL; builds without QW_SLOW_CHECKS know none */
    FILE *trace;     /* what happens, line by line; NULL: nowhere */
};

struct sim_report {
    uint64_t hash; /* of topics, notes, views, promises and the simulated clock */
    uint64_t ticks, events, lives, crashes, checkpoints, failures;
    uint64_t drops, squeezes; /* of a job, which is made again; of the disk */
    uint64_t commits, generations, deaths; /* of a consumer group and its members */
    uint64_t widened; /* partitions that topics were given while jobs read and wrote them */
    uint64_t topics_made; /* by a client that deletes them again */
    uint64_t views_read; /* rows, over HTTP */
    uint64_t replayed; /* ticks, after crashes */
    uint64_t moves;    /* of state to disk, between ticks */
    uint64_t reloads;  /* of all its state through its saved form, of the job that had the fewest */
    uint32_t shards_min, shards_max, rekeyings; /* of the job that has most */
    uint64_t writes_lost, writes_torn, late;
    char first_failure[512];
};

enum { SIM_TICKS_DEFAULT = 1000, SIM_FAILURES_MAX = 20 };
/* What a run must have had beside its ticks; one that had less has failed. */
enum { SIM_CRASHES_MIN = 3, SIM_SHARDS_MIN = 2, SIM_REKEYINGS_MIN = 2 };

/* False: there is no such bug in this build. Failures are counted in the report, and told to `out`. */
bool sim_run(const struct sim_options *options, FILE *out, struct sim_report *report);

/* The planted bugs of this build, by name; NULL past the last. */
const char *sim_bug_name(unsigned index);

#endif
