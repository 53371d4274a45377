/* bench_dir.h: the data directory of a benchmark: one of its own that is removed with it, or one that
 * the user names, new or empty, which stays.
 *
 * A benchmark counts what it did itself, so a directory with anything in it is refused.  Layer: app. */
#ifndef QW_APP_CLI_BENCH_DIR_H
#define QW_APP_CLI_BENCH_DIR_H

#include "os/os.h"

struct bench_dir {
    char path[OS_PATH_MAX];
    bool temporary;
};

/* given NULL: a temporary one, in $TMPDIR or /tmp. 0, or the exit code after saying what is wrong. */
int bench_dir_open(struct bench_dir *dir, struct os *os, const char *given);
/* 0, or the exit code after saying that less than `need` bytes are free. */
int bench_dir_need(const struct bench_dir *dir, struct os *os, uint64_t need);
void bench_dir_close(struct bench_dir *dir, struct os *os);

#endif
