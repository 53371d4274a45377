/* world.c: the real world's table, clocks, random numbers and errors. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "os/posix/posix.h"

static _Thread_local char last_error[OS_PATH_MAX + 256];

static enum status status_of(int error)
{
    switch (error) {
    case EAGAIN: /* EWOULDBLOCK is the same number */
    case EINPROGRESS: return ST_AGAIN;
    case ENOENT:
    case ENOTDIR: return ST_NOTFOUND;
    case EEXIST:
    case ENOTEMPTY:
    case EADDRINUSE: return ST_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return ST_NOSPACE;
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
    case ECONNABORTED:
    case ENOTCONN:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN: return ST_CLOSED;
    case ENAMETOOLONG: return ST_INVALID;
    default: return ST_IO;
    }
}

enum status posix_failed(const char *what, const char *name, int error)
{
    enum status st = status_of(error);
    char reason[128];

    if (st != ST_AGAIN) /* the common case of a socket: no text is made for it */
        snprintf(last_error, sizeof(last_error), "%s %s: %s", what, name,
                 strerror_r(error, reason, sizeof(reason)));
    return st;
}

const char *posix_error_text(struct os *os)
{
    (void)os;
    return last_error;
}

static int64_t clock_ns(clockid_t id)
{
    struct timespec now;

    CHECK(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t posix_mono_ns(struct os *os)
{
    (void)os;
    return clock_ns(CLOCK_MONOTONIC);
}

static int64_t posix_wall_us(struct os *os)
{
    (void)os;
    return clock_ns(CLOCK_REALTIME) / 1000;
}

static int64_t posix_cpu_ns(struct os *os)
{
    (void)os;
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* A number in a file; UINT64_MAX: there is none ("max" is no bound). */
static uint64_t number_in(const char *path)
{
    char text[32] = {0};
    unsigned long long number;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return UINT64_MAX;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    return n > 0 && sscanf(text, "%20llu", &number) == 1 ? number : UINT64_MAX;
}

static uint64_t posix_memory_bytes(struct os *os)
{
    static const char *const bounds[] = {"/sys/fs/cgroup/memory.max",
                                         "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t bytes = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_MAX;

    (void)os;
    for (unsigned i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        uint64_t bound = number_in(bounds[i]);
        bytes = bound < bytes ? bound : bytes;
    }
    return bytes == UINT64_MAX ? 0 : bytes;
}

static void posix_random(struct os *os, void *to, size_t len)
{
    uint8_t *at = to;

    (void)os;
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        CHECK(n > 0); /* without it no secret is one: going on would be worse */
        at += n;
        len -= (size_t)n;
    }
}

static const struct os_class posix_class = {
    .mono_ns = posix_mono_ns,
    .wall_us = posix_wall_us,
    .cpu_ns = posix_cpu_ns,
    .memory_bytes = posix_memory_bytes,
    .random = posix_random,
    .file_open = posix_file_open,
    .path_stat = posix_path_stat,
    .rename = posix_rename,
    .remove = posix_remove,
    .mkdir = posix_mkdir,
    .list = posix_list,
    .sync_dir = posix_sync_dir,
    .space = posix_space,
    .poller_open = posix_poller_open,
    .listen = posix_listen,
    .connect = posix_connect,
    .thread_start = posix_thread_start,
    .thread_join = posix_thread_join,
    .thread_end = posix_thread_end,
    .word_wait = posix_word_wait,
    .word_wake = posix_word_wake,
    .helper_open = posix_helper_open,
    .error_text = posix_error_text,
};

struct os *os_posix(void)
{
    static struct os world = {&posix_class};

    return &world;
}
