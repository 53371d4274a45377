/* bugs.h: mistakes that can be switched on, so that the crash simulation can prove that it would
 * find them. Only in builds with QW_SLOW_CHECKS; elsewhere they are constant false.       Layer:
 * store. */
#ifndef QW_STORE_LOG_BUGS_H
#define QW_STORE_LOG_BUGS_H

#include <stdbool.h>

struct log_bugs {
    bool ack_early;       /* a producer's answer waits for no sync */
    bool show_early;      /* an entry's records may be read before the sync */
    bool skip_sync;       /* the WAL is never synced */
    bool release_early;   /* move the durable LSN before the write */
    bool keep_half_entry; /* recovery takes parts that no commit closed */
    bool fill_early;      /* partition files and snapshot take what is not durable yet */
    bool stable_early;    /* show a transaction before its marker is durable */
    bool forget_aborted;  /* recovery takes an abort for a commit */
    bool cut_early;       /* spare WAL files before the snapshot that replaces them */
    bool forget_beside;   /* what was filled beside a sync of its segment is taken for synced */
};

#ifdef QW_SLOW_CHECKS
extern struct log_bugs log_bugs;
#define LOG_BUG(name) (log_bugs.name)
#else
#define LOG_BUG(name) false
#endif

#endif
