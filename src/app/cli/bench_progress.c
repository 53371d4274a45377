#include "app/cli/bench_progress.h"

#include <stdio.h>
#include <unistd.h>

#include "app/cli/serving.h"
#include "os/os.h"

static const int64_t QUIET_NS = 2000000000, EVERY_NS = 100000000;

void bench_progress_begin(struct bench_progress *p, struct os *os, const char *step)
{
    int64_t now = os_mono_ns(os);

    *p = (struct bench_progress){.os = os, .step = step, .begin_ns = now, .told_ns = now,
                                 .stopped = p->stopped};
}

bool bench_progress_turn(struct bench_progress *p, int64_t done, int64_t all)
{
    int64_t now = os_mono_ns(p->os);

    if (now - p->told_ns < EVERY_NS)
        return !p->stopped;
    p->told_ns = now;
    p->stopped |= serving_wait_signal(0);
    if (now - p->begin_ns >= QUIET_NS && isatty(STDERR_FILENO)) {
        double seconds = (double)(now - p->begin_ns) / 1e9;
        fprintf(stderr, "\r%s: %3.0f %%, %.0f events/s, %.0f s \033[K", p->step,
                all > 0 ? 100.0 * (double)done / (double)all : 0, (double)done / seconds, seconds);
        p->shown = true;
    }
    return !p->stopped;
}

void bench_progress_end(struct bench_progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}
