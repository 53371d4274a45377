/* sim.h: a world made from a seed: clock, disk and network in one process, with faults.
 *
 * The same seed and the same calls give the same answers, random numbers included. Code under test
 * sees only os.h; a test holds the handles below: it cuts the power, moves time, and sets faults.
 *
 * Time stands still while anything runs. It moves when a poller waits with nothing ready and every
 * other poller has done so too (to the next deadline or arrival), by a microsecond with each wait,
 * when a slow disk is asked for, and by os_sim_advance. A wait may end early with nothing.
 *
 * Disk: writes go to a page cache; only a sync makes them safe, only os_sync_dir makes names safe,
 * and syncing a file does not make its name safe. Every call that changes the disk is a *step*,
 * counted, so that a test can cut the power before each in turn (os_sim_off_at).
 *
 * Helpers have no threads: their steps come between what else the machine does, as the seed says.
 *
 * Network: TCP by port, whatever the host, between all machines of the world; arrivals are delayed
 * and cut as the options say.
 *
 * Owns: everything; handles not closed are freed by os_sim_destroy. Threads: one; thread_start
 * gives ST_UNSUPPORTED, a simulation hosts all shards in one thread.       Layer: os/sim.
 */
#ifndef QW_OS_SIM_SIM_H
#define QW_OS_SIM_SIM_H

#include "os/os.h"

struct os_sim_options {
    /* disk */
    uint64_t disk_bytes;       /* capacity */
    double read_error;         /* chances, a call: ST_IO */
    double write_error;        /* ST_IO after a part was written */
    double sync_error;         /* ST_IO; some pages are lost, and the next sync succeeds */
    int64_t disk_delay_ns_max; /* a transfer or sync takes up to so long */
    /* power cut: what becomes of a write, or of a change of names, that was not synced; else lost
     */
    double crash_keep;
    double crash_tear; /* a write only: some of its 512-byte sectors or 4 KiB blocks are kept */
    /* network */
    size_t net_buffer_bytes;  /* one direction of a connection */
    int64_t net_delay_ns_max; /* each send arrives up to so much later */
    double net_cut;           /* chance that a send or recv moves only a part */
    double net_reset;         /* chance that a send resets the connection */
    /* both */
    uint32_t handles_max; /* files, sockets and pollers open at once */
};

struct os_sim_counts {
    uint64_t steps; /* calls that change the disk: the sum of the next five */
    uint64_t writes, truncates, syncs, names, dir_syncs;
    uint64_t faults; /* errors, cuts of a send or recv, and resets that the seed chose */
    uint64_t connections;
    uint64_t lost, torn, kept; /* unsynced writes at power cuts */
};

/* No faults; a power cut keeps, loses or tears each third. */
struct os_sim_options os_sim_options_quiet(void);
/* Every fault, seldom. */
struct os_sim_options os_sim_options_rough(void);

struct os *os_sim_create(uint64_t seed, const struct os_sim_options *options); /* NULL: quiet */
/* Another machine in the same world: same clock and network, a disk and an end of its own. For the
 * clients of a server that is to crash. */
struct os *os_sim_machine(struct os *os, const struct os_sim_options *options);
void os_sim_destroy(struct os *os); /* the world, with all its machines */

struct os_sim_options *os_sim_options(struct os *os); /* may be changed at any time */
const struct os_sim_counts *os_sim_counts(const struct os *os);

/* ---- time ---- */
void os_sim_advance(struct os *os, int64_t ns);
void os_sim_wall_jump(struct os *os, int64_t us); /* as when somebody sets the clock */
/* The last wait had nothing to wait for: nobody will ever wake. */
bool os_sim_stuck(const struct os *os);

/* ---- the end of a machine's process ---- */
/* Connections to other machines are reset when it is killed or its power is back, not before. */
/* The power fails and comes back: unsynced writes and names are kept, lost or torn, each by itself;
 * every handle is dead (calls give ST_IO or ST_CLOSED; closing it is allowed, not needed). */
void os_sim_crash(struct os *os);
/* The process is killed: handles are dead, the disk is as it was written. */
void os_sim_kill(struct os *os);
/* The power fails before the steps-th step from now (1: the next one): it and all after it give
 * ST_IO until os_sim_crash. on_off (may be NULL) is called at that moment, and may longjmp. */
void os_sim_off_at(struct os *os, uint64_t steps, void (*on_off)(void *context), void *context);
bool os_sim_is_off(const struct os *os);
/* A kind of step: the call ("write", "sync", "truncate", "create", "rename" (by its old name),
 * "remove"; NULL: any) on a path that has this in it (NULL: any). */
struct os_sim_step {
    const char *call, *path;
};
/* The power fails before the first `at` behind the next `after` that was made, `skip` of them passed
 * over: where one thing is written and another that it goes with is not yet. The texts must outlive it.
 * Takes the place of os_sim_off_at and the other way round. */
void os_sim_off_between(struct os *os, struct os_sim_step after, struct os_sim_step at, uint64_t skip);
bool os_sim_aimed(const struct os *os); /* the `after` was made, the `at` not yet */

#endif
