/* file.c: real files: positioned reads and writes that are never short, direct where the file
 * system allows it, and a lock that ends with the handle.
 *
 * A file system may refuse O_DIRECT when opening (EINVAL) or only at the first transfer; both
 * times the flag is dropped and the file goes on buffered. The alignment that direct files ask
 * for is checked either way, so that a caller's mistake shows on every file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "os/posix/posix.h"

struct posix_file {
    struct os_file file;
    int fd;
    bool aligned; /* opened with OS_DIRECT */
    char path[];  /* for messages */
};

static struct posix_file *of(struct os_file *file)
{
    return (struct posix_file *)file;
}

static enum status failed(struct posix_file *f, const char *what, int error)
{
    return posix_failed(what, f->path, error);
}

static void check_aligned(const struct posix_file *f, uint64_t pos, const void *memory, size_t len)
{
    if (!f->aligned)
        return;
    CHECK(pos % OS_BLOCK == 0);
    CHECK(len % OS_BLOCK == 0);
    CHECK((uintptr_t)memory % OS_BLOCK == 0);
}

/* The transfer failed: true when O_DIRECT was the reason and is now gone, so that it may be tried
 * again. Readers on other threads may race here; dropping the flag twice is harmless. */
static bool drop_direct(struct posix_file *f, int error)
{
    int flags;

    if (!f->aligned || error != EINVAL)
        return false;
    flags = fcntl(f->fd, F_GETFL);
    return flags >= 0 && (flags & O_DIRECT) && fcntl(f->fd, F_SETFL, flags & ~O_DIRECT) == 0;
}

static enum status file_read(struct os_file *file, uint64_t pos, void *to, size_t len, size_t *got)
{
    struct posix_file *f = of(file);
    size_t done = 0;

    check_aligned(f, pos, to, len);
    *got = 0;
    while (done < len) {
        ssize_t n = pread(f->fd, (uint8_t *)to + done, len - done, (off_t)(pos + done));
        if (n == 0)
            break;
        if (n > 0)
            done += (size_t)n;
        else if (errno != EINTR && !drop_direct(f, errno))
            return failed(f, "read", errno);
        if (n > 0 && f->aligned && done % OS_BLOCK)
            break; /* a part of a block is the end of the file */
    }
    *got = done;
    return ST_OK;
}

static enum status file_write(struct os_file *file, uint64_t pos, const void *from, size_t len)
{
    struct posix_file *f = of(file);
    size_t done = 0;

    check_aligned(f, pos, from, len);
    while (done < len) {
        ssize_t n = pwrite(f->fd, (const uint8_t *)from + done, len - done, (off_t)(pos + done));
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR && !drop_direct(f, errno))
            return failed(f, "write", errno);
    }
    return ST_OK;
}

static enum status file_sync(struct os_file *file)
{
    struct posix_file *f = of(file);

    return fdatasync(f->fd) == 0 ? ST_OK : failed(f, "sync", errno);
}

/* Some file systems know no ranges: then the sync has it all. */
static enum status file_write_out(struct os_file *file, uint64_t pos, uint64_t len)
{
    struct posix_file *f = of(file);
    unsigned how = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

    while (sync_file_range(f->fd, (off_t)pos, (off_t)len, how) != 0) {
        if (errno == ENOSYS || errno == EINVAL || errno == ESPIPE)
            return ST_OK;
        if (errno != EINTR)
            return failed(f, "write out", errno);
    }
    return ST_OK;
}

/* cachestat, Linux 6.5; older ones cannot tell. */
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
struct cache_range {
    uint64_t off, len;
};
struct cache_stat {
    uint64_t cached, dirty, writeback, evicted, recently_evicted; /* pages */
};

static bool file_cached(struct os_file *file, uint64_t pos, uint64_t len)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    struct cache_range range = {pos / page * page, 0};
    struct cache_stat stat = {0};

    range.len = (pos + len + page - 1) / page * page - range.off;
    if (syscall(SYS_cachestat, of(file)->fd, &range, &stat, 0) != 0)
        return true;
    return stat.cached >= range.len / page;
}

static void file_ahead(struct os_file *file, uint64_t pos, uint64_t len)
{
    (void)posix_fadvise(of(file)->fd, (off_t)pos, (off_t)len, POSIX_FADV_WILLNEED);
}

int posix_file_fd(struct os_file *file)
{
    return of(file)->fd;
}

static enum status file_truncate(struct os_file *file, uint64_t size)
{
    struct posix_file *f = of(file);

    while (ftruncate(f->fd, (off_t)size) != 0)
        if (errno != EINTR)
            return failed(f, "truncate", errno);
    return ST_OK;
}

static enum status file_stat(struct os_file *file, struct os_stat *out)
{
    struct posix_file *f = of(file);
    struct stat st;

    if (fstat(f->fd, &st) != 0)
        return failed(f, "stat", errno);
    posix_stat_fill(&st, out);
    return ST_OK;
}

static void file_close(struct os_file *file)
{
    struct posix_file *f = of(file);

    close(f->fd); /* what matters was synced: an error here tells nothing more */
    free(f);
}

static const struct os_file_class file_class = {
    .read = file_read,
    .write = file_write,
    .sync = file_sync,
    .write_out = file_write_out,
    .cached = file_cached,
    .ahead = file_ahead,
    .truncate = file_truncate,
    .stat = file_stat,
    .close = file_close,
};

/* OFD locks belong to the open file, like flock's, and work over NFS too; an old file system may
 * know only the latter. */
static int lock_fd(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return 0;
    if (errno == EACCES)
        errno = EAGAIN;
    if (errno == EINVAL || errno == ENOLCK || errno == ENOSYS)
        return flock(fd, LOCK_EX | LOCK_NB);
    return -1;
}

static int open_flags(unsigned flags)
{
    int mode = (flags & OS_WRITE) ? O_RDWR : O_RDONLY;

    if (flags & OS_CREATE)
        mode |= O_CREAT;
    if (flags & OS_EXCLUSIVE)
        mode |= O_EXCL;
    if (flags & OS_DIRECT)
        mode |= O_DIRECT;
    return mode | O_CLOEXEC;
}

static int open_fd(const char *path, unsigned flags)
{
    int mode = open_flags(flags), fd;

    for (;;) {
        fd = open(path, mode, 0640);
        if (fd >= 0)
            return fd;
        if (errno == EINVAL && (mode & O_DIRECT))
            mode &= ~(O_DIRECT | O_EXCL); /* the refused open may have made the file */
        else if (errno != EINTR)
            return -1;
    }
}

/* Locked before it is cut: a file that another process holds stays as it is. */
static int prepare_fd(int fd, unsigned flags)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return -1;
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return -1;
    }
    if ((flags & OS_LOCK) && lock_fd(fd) != 0)
        return -1;
    return (flags & OS_TRUNCATE) && st.st_size > 0 ? ftruncate(fd, 0) : 0;
}

enum status posix_file_open(struct os *os, const char *path, unsigned flags, struct os_file **out)
{
    size_t len = strlen(path) + 1;
    struct posix_file *f;
    int fd;

    (void)os;
    CHECK(flags & (OS_READ | OS_WRITE));
    CHECK_IF(flags & (OS_CREATE | OS_TRUNCATE | OS_LOCK), flags & OS_WRITE);
    CHECK_IF(flags & OS_EXCLUSIVE, flags & OS_CREATE);
    *out = NULL;
    fd = open_fd(path, flags);
    if (fd < 0)
        return posix_failed("open", path, errno);
    if (prepare_fd(fd, flags) != 0) {
        enum status st = posix_failed("open", path, errno);
        close(fd);
        return st;
    }
    if (flags & OS_EXACT)
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
    f = xmalloc(sizeof(*f) + len);
    *f = (struct posix_file){.file = {&file_class}, .fd = fd, .aligned = flags & OS_DIRECT};
    memcpy(f->path, path, len);
    *out = &f->file;
    return ST_OK;
}
