/* bench_progress.h: how far a benchmark is, on standard error where that is a terminal and the step takes
 * longer than two seconds; and whether a signal asks it to stop.                Layer: app. */
#ifndef QW_APP_CLI_BENCH_PROGRESS_H
#define QW_APP_CLI_BENCH_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct os;

struct bench_progress {
    struct os *os;
    const char *step; /* "q5: running" */
    int64_t begin_ns, told_ns;
    bool shown, stopped;
};

void bench_progress_begin(struct bench_progress *p, struct os *os, const char *step);
/* Cheap: it looks at the clock, and ten times a second at the rest. False: a signal says stop. */
bool bench_progress_turn(struct bench_progress *p, int64_t done, int64_t all);
void bench_progress_end(struct bench_progress *p); /* clears the line */

#endif
