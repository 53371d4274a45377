/* The disk's low-water mark. Looking is a system call, so it is asked again only after so many
 * bytes or so long; while appends are refused each refusal may look, at most ten times a second,
 * and the first look that finds room lets them in again. */
#include "store/log/state.h"

enum { LOOK_BYTES = 4 * 1024 * 1024 };
static const int64_t look_refusing_ns = 100000000;

static void look(struct log *log, int64_t now)
{
    uint64_t free_bytes, total_bytes;

    log->space_checked = now;
    log->space_budget = LOOK_BYTES;
    if (os_space(log->os, log->dir, &free_bytes, &total_bytes) != ST_OK)
        return; /* not known: the write itself will tell */
    uint64_t reserve = log->options.disk_reserve_bytes;
    if (reserve == 0) {
        reserve = total_bytes / 20;
        if (reserve > 256u << 20)
            reserve = 256u << 20;
    }
    log->free_bytes = free_bytes;
    log->disk_bytes = total_bytes;
    log->refusing = free_bytes < reserve;
    if (free_bytes / 4 < LOOK_BYTES)
        log->space_budget = free_bytes / 4; /* look more often when little is left */
}

bool log_space_allows(struct log *log, size_t bytes)
{
    if (!log->wal)
        return true;
    if (!log->refusing && log->space_budget > bytes) {
        log->space_budget -= bytes;
        return true;
    }
    int64_t now = os_mono_ns(log->os);
    if (!log->refusing || log->space_checked == 0 || now - log->space_checked >= look_refusing_ns)
        look(log, now);
    return !log->refusing;
}
